/*-------------------------------------------------------------------------
 *
 * table_names.h
 *	  Lists of table names, as a caller writes them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TABLE_NAMES_H
#define PGSYNC_TABLE_NAMES_H

#include "nodes/pg_list.h"
#include "nodes/primnodes.h"

extern List *pgsync_parse_table_names(List *names);
extern List *pgsync_resolve_table_names(List *rangevars);
extern char *pgsync_written_table_name(RangeVar *rangevar);
extern char *pgsync_join_names(List *names);
extern int	pgsync_count_unlisted(List *names);

#endif							/* PGSYNC_TABLE_NAMES_H */
