/*-------------------------------------------------------------------------
 *
 * update_parts.h
 *	  The UPDATE statements for rows that name differing columns.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UPDATE_PARTS_H
#define PGSYNC_UPDATE_PARTS_H

#include "insert/update_columns.h"
#include "insert/work_set.h"
#include "nodes/params.h"

typedef struct PgsyncUpdateOptions
{
	PgsyncUpdateColumns *columns;
	const char *condition;		/* further condition on t, or NULL */
	ParamListInfo params;		/* of the condition, or NULL */
	bool		skip_unchanged;
	bool		missing_is_error;	/* is a key without a row an error? */
} PgsyncUpdateOptions;

typedef struct PgsyncUpdateCounts
{
	int64		updated;		/* rows */
	int64		unchanged;		/* rows */
	int64		missing;		/* keys */
} PgsyncUpdateCounts;

extern PgsyncUpdateCounts pgsync_update_parts(PgsyncWorkSet *work,
											  const PgsyncUpdateOptions *options);
extern void pgsync_check_update(PgsyncKeyedRows *rows,
								const PgsyncUpdateOptions *options);
extern void pgsync_lock_by_key(PgsyncWorkSet *work,
							   const PgsyncUpdateOptions *options);

#endif							/* PGSYNC_UPDATE_PARTS_H */
