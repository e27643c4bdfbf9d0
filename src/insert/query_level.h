/*-------------------------------------------------------------------------
 *
 * query_level.h
 *	  Several statements that count as one for triggers and foreign keys.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_QUERY_LEVEL_H
#define PGSYNC_QUERY_LEVEL_H

#include "executor/execdesc.h"

extern void pgsync_query_level_begin(void);
extern void pgsync_query_level_start(QueryDesc *queryDesc);
extern void pgsync_query_level_end(void);

#endif							/* PGSYNC_QUERY_LEVEL_H */
