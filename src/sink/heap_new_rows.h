/*-------------------------------------------------------------------------
 *
 * heap_new_rows.h
 *	  New rows of an upsert, stored many at a time.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_NEW_ROWS_H
#define PGSYNC_HEAP_NEW_ROWS_H

#include "row/run.h"

/* The rows of one statement that wait to be stored */
typedef struct PgsyncNewRows PgsyncNewRows;

extern PgsyncNewRows *pgsync_new_rows_install(PgsyncRun *run);
extern bool pgsync_new_rows_any(const PgsyncNewRows *rows);
extern bool pgsync_new_rows_find(const PgsyncNewRows *rows,
								 const Datum *values);
extern void pgsync_new_rows_free(PgsyncNewRows *rows);

#endif							/* PGSYNC_HEAP_NEW_ROWS_H */
