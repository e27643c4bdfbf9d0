/*-------------------------------------------------------------------------
 *
 * index_entries.h
 *	  The index entries of a batch of rows, in the index's order.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_INDEX_ENTRIES_H
#define PGSYNC_INDEX_ENTRIES_H

#include "nodes/execnodes.h"
#include "sink/index_leaf.h"
#include "utils/sortsupport.h"

/* The order of an index's entries */
typedef struct PgsyncEntryOrder PgsyncEntryOrder;

extern bool pgsync_index_compares_by_core(Relation index);
extern void pgsync_index_sort_support(Relation index, SortSupport keys);
extern bool pgsync_index_is_plain(Relation heap, Relation index,
								  IndexInfo *info);
extern PgsyncEntryOrder *pgsync_entry_order_create(Relation index);
extern void pgsync_entry_form(PgsyncIndexEntry *entry, Relation index,
							  IndexInfo *info, TupleTableSlot *slot, int row);
extern bool pgsync_entries_ascend(PgsyncEntryOrder *order,
								  const PgsyncIndexEntry *first,
								  const PgsyncIndexEntry *second);
extern void pgsync_entries_sort(PgsyncEntryOrder *order,
								PgsyncIndexEntry *entries, int nentries);

#endif							/* PGSYNC_INDEX_ENTRIES_H */
