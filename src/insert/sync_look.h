/*-------------------------------------------------------------------------
 *
 * sync_look.h
 *	  What has to be done to make a table equal to the rows.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SYNC_LOOK_H
#define PGSYNC_SYNC_LOOK_H

#include "insert/sync_scope.h"
#include "insert/update_columns.h"
#include "insert/work_set.h"

typedef struct PgsyncLook PgsyncLook;

/* What to do with each row that differs; called in the order of their keys. */
typedef struct PgsyncLookRoutine
{
	/* A row of the table that the input does not have: look->stored */
	void		(*gone) (PgsyncLook *look);

	/* A row of the input, look->row, that differs from look->stored */
	void		(*differs) (PgsyncLook *look);

	/* A row of the input that the table does not have: look->row */
	void		(*is_new) (PgsyncLook *look);
} PgsyncLookRoutine;

struct PgsyncLook
{
	/* what the caller sets */
	const PgsyncLookRoutine *routine;
	PgsyncKeyedRows *rows;
	PgsyncSyncScope *scope;
	PgsyncUpdateColumns *columns;
	void	   *arg;

	/* what is at hand: of the input, and of the table, by attribute */
	TupleTableSlot *row;		/* laid out as keyed_rows.h says */
	const PgsyncColumnSet *set; /* what it names */
	Datum	   *stored;
	bool	   *stored_nulls;
	bool		stored_null_key;	/* is a column of its key null? */

	/* what has been found */
	List	   *read_columns;	/* attribute numbers */
	int64		unchanged;
};

extern void pgsync_look(PgsyncLook *look);
extern void pgsync_look_outside_scope(PgsyncLook *look,
									  PgsyncWorkSet *new_rows);
extern bool pgsync_look_column_differs(PgsyncLook *look, AttrNumber attnum);

#endif							/* PGSYNC_SYNC_LOOK_H */
