/*-------------------------------------------------------------------------
 *
 * work_set.h
 *	  Those of a call's rows that a statement is to work on.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_WORK_SET_H
#define PGSYNC_WORK_SET_H

#include "insert/keyed_rows.h"

typedef struct PgsyncWorkSet
{
	PgsyncKeyedRows *rows;
	Tuplestorestate *store;
	int64		nrows;
	int64	   *by_set;			/* how many rows of each set of columns */
} PgsyncWorkSet;

/* Is given the rows that name one set of columns */
typedef void (*PgsyncPartCallback) (void *arg, const PgsyncColumnSet *set,
									PgsyncWorkSet *part);

extern PgsyncWorkSet *pgsync_keyed_rows_all(PgsyncKeyedRows *rows);
extern PgsyncWorkSet *pgsync_work_set_create(PgsyncKeyedRows *rows);
extern void pgsync_work_set_put(PgsyncWorkSet *work, TupleTableSlot *slot);
extern List *pgsync_work_set_columns(PgsyncWorkSet *work);
extern void pgsync_work_set_for_each(PgsyncWorkSet *work, List *sets,
									 PgsyncPartCallback callback, void *arg);
extern int64 pgsync_work_set_describe(PgsyncWorkSet *work, int64 number,
									  char **key);
extern void pgsync_work_set_end(PgsyncWorkSet *work);

#endif							/* PGSYNC_WORK_SET_H */
