/*-------------------------------------------------------------------------
 *
 * query_rows.h
 *	  Runs a query and gives its rows one at a time.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_QUERY_ROWS_H
#define PGSYNC_QUERY_ROWS_H

#include "executor/execdesc.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

typedef struct PgsyncQueryRows
{
	TupleDesc	desc;
	Query	   *query;			/* while it streams: what it evaluates */
	QueryDesc  *queryDesc;		/* NULL: it has run to its end */
	Tuplestorestate *store;		/* then here are its rows */
	TupleTableSlot *stored;		/* the one at hand */
} PgsyncQueryRows;

extern void pgsync_query_rows_begin(PgsyncQueryRows *rows, const char *sql,
									ArrayType *args);
extern TupleTableSlot *pgsync_query_rows_next(PgsyncQueryRows *rows);
extern void pgsync_query_rows_end(PgsyncQueryRows *rows);

#endif							/* PGSYNC_QUERY_ROWS_H */
