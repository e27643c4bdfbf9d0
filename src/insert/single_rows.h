/*-------------------------------------------------------------------------
 *
 * single_rows.h
 *	  Where rows that go in many at a time could be told from single ones.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SINGLE_ROWS_H
#define PGSYNC_SINGLE_ROWS_H

#include "nodes/parsenodes.h"
#include "row/target.h"

extern bool pgsync_query_tells_batches(Query *query, bool upserts);
extern bool pgsync_conversion_tells_batches(PgsyncTarget *target,
											List *expressions);

#endif							/* PGSYNC_SINGLE_ROWS_H */
