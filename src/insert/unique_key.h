/*-------------------------------------------------------------------------
 *
 * unique_key.h
 *	  The columns that tell which row of the target an input row is.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UNIQUE_KEY_H
#define PGSYNC_UNIQUE_KEY_H

#include "row/row.h"
#include "row/target.h"
#include "utils/typcache.h"

extern List *pgsync_usable_keys(Relation rel);
extern List *pgsync_unique_key(PgsyncTarget *target, List *names,
							   PgsyncRelationUse use);
extern Oid	pgsync_plain_key_index(PgsyncTarget *target, List *keys);
extern List *pgsync_any_key(PgsyncTarget *target, List *names);
extern TypeCacheEntry *pgsync_key_operators(PgsyncTarget *target,
											AttrNumber attnum);
extern void pgsync_check_key(PgsyncTarget *target, List *keys,
							 const PgsyncRow *row);
extern char *pgsync_describe_key(PgsyncTarget *target, List *keys,
								 const Datum *values);
extern List *pgsync_column_numbers(PgsyncTarget *target, List *names);

#endif							/* PGSYNC_UNIQUE_KEY_H */
