/*-------------------------------------------------------------------------
 *
 * update_columns.h
 *	  Which columns rows that are there already may update, and how.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UPDATE_COLUMNS_H
#define PGSYNC_UPDATE_COLUMNS_H

#include "lib/stringinfo.h"
#include "row/target.h"

typedef struct PgsyncUpdateColumns
{
	PgsyncTarget *target;
	List	   *keys;			/* attribute numbers; never updated */
	bool	   *may_update;		/* by attribute */
	bool	   *merges;			/* by attribute: is it merged with ||? */
} PgsyncUpdateColumns;

extern PgsyncUpdateColumns *pgsync_update_columns_create(PgsyncTarget *target,
														 List *keys,
														 List *update_names,
														 bool update_all,
														 List *merge_names);
extern void pgsync_append_new_value(StringInfo buf,
									const PgsyncUpdateColumns *columns,
									AttrNumber attnum, const char *source);

#endif							/* PGSYNC_UPDATE_COLUMNS_H */
