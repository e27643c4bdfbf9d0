/*-------------------------------------------------------------------------
 *
 * run.h
 *	  One run of the INSERT statement, as its sink sees it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_RUN_H
#define PGSYNC_RUN_H

#include "executor/execdesc.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "row/sink.h"
#include "row/target.h"
#include "utils/queryenvironment.h"

/* The relation that the statement selects its rows from */
#define PGSYNC_ROWS "pgsync_rows"

/* What has become of rows */
typedef struct PgsyncCounts
{
	uint64		processed;		/* inserted or updated */
	uint64		updated;		/* of these, where rows go one by one */
	uint64		unchanged;		/* conflicts that updated nothing, likewise */
} PgsyncCounts;

struct PgsyncRun
{
	PgsyncTarget *target;
	PgsyncFeed *feed;
	PgsyncPlace *place;

	/* pgsync_rows: its columns, and a tuplestore that most sinks leave empty */
	AttrNumber *columns;
	int			ncolumns;
	EphemeralNamedRelation rows;
	QueryEnvironment *env;

	char	   *query;
	PlannedStmt *plan;			/* NULL if it is not one INSERT */
	ParamListInfo params;		/* $n that the query uses, or NULL */

	/*
	 * Is each row a command of its own (pgsync_run_begin_row), and are
	 * conflicts counted?
	 */
	bool		one_by_one;

	/*
	 * Then: is the row at hand to update the one that it conflicts with, and
	 * is that to be expected, as nobody has looked for one?
	 */
	bool		row_updates;
	bool		expects_conflicts;

	/*
	 * Has the row hook looked for rows that are in the way, so that a row
	 * which gets here may wait for further ones?
	 */
	bool		holds_rows;

	/* Does the feed end only for now, until rows that wait are stored? */
	bool		waits;

	/*
	 * Do the AFTER ROW triggers of each row, foreign keys among them, fire
	 * before the next row goes in, as if it had been the statement's only
	 * one?
	 */
	bool		fires_by_row;

	PgsyncCounts counts;
	double		seen_conflicts; /* when they were last counted */
	QueryDesc  *queryDesc;		/* while the plan runs */

	/* A sink's own, while it runs */
	Datum	   *values;			/* the row being streamed, by attribute */
	bool	   *nulls;
	bool		has_row;		/* has there been one yet? */
	struct PgsyncUpdater *updater;	/* see heap_update.h */
	struct PgsyncNewRows *new_rows; /* see heap_new_rows.h */
};

extern void pgsync_run_init(PgsyncRun *run, PgsyncTarget *target,
							const bool *columns);
extern PgsyncRun *pgsync_run_of(EState *estate);
extern void pgsync_run_start_plan(PgsyncRun *run, DestReceiver *dest);
extern void pgsync_run_count_rows(PgsyncRun *run);
extern bool pgsync_run_met_conflict(PgsyncRun *run);
extern void pgsync_run_begin_command(PgsyncRun *run);
extern void pgsync_run_begin_row(PgsyncRun *run, bool row_updates);
extern void pgsync_run_begin_triggers(PgsyncRun *run);
extern void pgsync_run_fire_triggers(PgsyncRun *run);
extern void pgsync_run_execute_plan(PgsyncRun *run);
extern void pgsync_run_finish_plan(PgsyncRun *run);

#endif							/* PGSYNC_RUN_H */
