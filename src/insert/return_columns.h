/*-------------------------------------------------------------------------
 *
 * return_columns.h
 *	  The argument return_columns: what of the rows comes back.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_RETURN_COLUMNS_H
#define PGSYNC_RETURN_COLUMNS_H

#include "nodes/pg_list.h"
#include "row/target.h"

extern List *pgsync_return_columns_arg(FunctionCallInfo fcinfo, int argno,
									   const char *without);
extern const char *pgsync_returning_list(PgsyncTarget *target, List *names);

#endif							/* PGSYNC_RETURN_COLUMNS_H */
