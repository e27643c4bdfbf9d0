/*-------------------------------------------------------------------------
 *
 * count.h
 *	  The statement whose rows are counted.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_COUNT_H
#define PGSYNC_COUNT_H

#include "fmgr.h"
#include "nodes/params.h"
#include "utils/relcache.h"

extern char *pgsync_count_statement(FunctionCallInfo fcinfo, Relation target,
									const char *select,
									ParamListInfo *params);

#endif							/* PGSYNC_COUNT_H */
