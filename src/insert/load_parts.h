/*-------------------------------------------------------------------------
 *
 * load_parts.h
 *	  What a load is made of: shared by its loop (load.c) and by the one for
 *	  loads that go on behind bad rows (load_batches.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_LOAD_PARTS_H
#define PGSYNC_LOAD_PARTS_H

#include "insert/load.h"
#include "row/defaults.h"

typedef struct PgsyncLoad
{
	PgsyncFeed	feed;
	PgsyncPlace place;
	PgsyncSource *source;
	PgsyncTarget *target;
	const PgsyncClauses *clauses;
	PgsyncDefaults *defaults;
	PgsyncStatement *statement; /* running */
	const PgsyncSinkRoutine *sink;	/* its */
	PgsyncRow	row;
	bool		reading;		/* is row the one being read? */
	bool		pending;		/* read, but not yet fed */
	bool		delivered;		/* is row with the row hook's statement? */
	Datum	   *pending_values; /* of the pending row, in row_context */
	bool	   *pending_nulls;
	MemoryContext row_context;
	bool	   *known;			/* columns that a row has named so far */
	bool	   *provided;		/* columns that the statement takes from us */
	bool		adds_defaults;	/* do we fill what a row does not name? */
	bool		reports_progress;
	uint64		fed;			/* rows so far */
	PgsyncCounts counts;
	struct Batches *batches;	/* of a load that goes on behind bad rows */
} PgsyncLoad;

/* load.c */
extern void pgsync_load_update_progress(PgsyncLoad *load);
extern void pgsync_load_complete_row(PgsyncLoad *load, Datum *values,
									 bool *nulls);
extern void pgsync_load_note_columns(PgsyncLoad *load);
extern void pgsync_load_plan(PgsyncLoad *load);

/* load_batches.c */
extern void pgsync_load_batches(PgsyncLoad *load, DestReceiver *dest);

#endif							/* PGSYNC_LOAD_PARTS_H */
