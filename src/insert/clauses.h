/*-------------------------------------------------------------------------
 *
 * clauses.h
 *	  Arguments that become clauses of the INSERT statement.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CLAUSES_H
#define PGSYNC_CLAUSES_H

#include "insert/statement.h"

extern const char *pgsync_on_conflict_arg(FunctionCallInfo fcinfo, int argno);
extern PgsyncOverriding pgsync_overriding_arg(FunctionCallInfo fcinfo,
											  int argno);

#endif							/* PGSYNC_CLAUSES_H */
