/*-------------------------------------------------------------------------
 *
 * sync_scope.h
 *	  The slice of a table that is to be made equal to the rows.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SYNC_SCOPE_H
#define PGSYNC_SYNC_SCOPE_H

#include "lib/stringinfo.h"
#include "nodes/params.h"
#include "row/row.h"
#include "row/target.h"
#include "utils/jsonb.h"

/* The rows whose columns have these values; without columns, all rows */
typedef struct PgsyncSyncScope
{
	PgsyncTarget *target;
	List	   *columns;		/* attribute numbers */
	Datum	   *values;			/* by place in the list */
	bool	   *nulls;
	const char *condition;		/* on t, in SQL with $n; NULL for all rows */
	ParamListInfo params;		/* the $n, or NULL */
	uint32		hash;			/* equal for equal scopes */
} PgsyncSyncScope;

extern PgsyncSyncScope *pgsync_sync_scope_create(PgsyncTarget *target,
												 Jsonb *scope);
extern void pgsync_sync_scope_complete_row(void *arg, PgsyncRow *row);

#endif							/* PGSYNC_SYNC_SCOPE_H */
