/*-------------------------------------------------------------------------
 *
 * sync.h
 *	  The arguments that sync_many and sync_diff have in common.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SYNC_H
#define PGSYNC_SYNC_H

#include "insert/keyed_rows.h"
#include "insert/sync_look.h"
#include "source/source_json.h"

typedef struct PgsyncSync
{
	PgsyncTarget *target;
	PgsyncSyncScope *scope;
	PgsyncUpdateColumns *columns;
	PgsyncKeyedRows *rows;
	int64		max_deletes;	/* -1: any number */
	bool		allow_empty;
	const char *overriding;		/* INSERT's clause, or "" */
} PgsyncSync;

extern void pgsync_sync_read(PgsyncSync *sync, FunctionCallInfo fcinfo,
							 PgsyncTarget *target, PgsyncJsonFormat format);

#endif							/* PGSYNC_SYNC_H */
