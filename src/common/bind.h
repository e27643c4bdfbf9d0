/*-------------------------------------------------------------------------
 *
 * bind.h
 *	  Binding a caller's arguments to the $n of the caller's statement.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_BIND_H
#define PGSYNC_BIND_H

#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"

extern ParamListInfo pgsync_bind_arguments(FunctionCallInfo fcinfo,
										   int first_arg, RawStmt *statement,
										   const char *sql,
										   const char *argname);
extern ParamListInfo pgsync_bind_strings(ArrayType *array, RawStmt *statement,
										 const char *sql,
										 const char *argname);

#endif							/* PGSYNC_BIND_H */
