/*-------------------------------------------------------------------------
 *
 * count_tables.h
 *	  Counting a table and its children one by one.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_COUNT_TABLES_H
#define PGSYNC_COUNT_TABLES_H

#include "nodes/params.h"
#include "utils/relcache.h"

extern bool pgsync_count_by_table(Relation target, const char *sql,
								  ParamListInfo params, int64 *count);

#endif							/* PGSYNC_COUNT_TABLES_H */
