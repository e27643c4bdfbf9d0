/*-------------------------------------------------------------------------
 *
 * index_leaf.h
 *	  Places entries on one leaf page of a B-tree.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_INDEX_LEAF_H
#define PGSYNC_INDEX_LEAF_H

#include "access/itup.h"
#include "utils/relcache.h"

/* An entry to be made for a row */
typedef struct PgsyncIndexEntry
{
	IndexTuple	tuple;			/* with the row's TID; NULL: core makes it */
	int			row;			/* in the batch */
	Datum		first;			/* the first column's value, for sorting */
	bool		first_isnull;
} PgsyncIndexEntry;

extern int	pgsync_leaf_insert(Relation index, Relation heap,
							   const PgsyncIndexEntry *entries, int nentries);

#endif							/* PGSYNC_INDEX_LEAF_H */
