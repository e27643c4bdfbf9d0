/*-------------------------------------------------------------------------
 *
 * index_entries.c
 *	  The index entries of a batch of rows, in the index's order.
 *
 * Forms index tuples as btinsert (nbtree.c) does, and sorts them as an index
 * is built: by the columns' sort support, then by TID.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/nbtree.h"
#include "access/transam.h"
#include "catalog/catalog.h"
#include "catalog/pg_am.h"
#include "sink/index_entries.h"
#include "storage/itemptr.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/sortsupport.h"

/*
 * An entry whose values may take more than this is core's: it may be too
 * large for a page, which is an error that names its row.
 */
#define MAX_ENTRY_BYTES		(BLCKSZ / 4)

struct PgsyncEntryOrder
{
	TupleDesc	desc;
	bool		nulls_equal;	/* is a null a value like others? */
	bool		unique;
	int			nkeys;
	SortSupportData keys[INDEX_MAX_KEYS];
};

/*
 * Returns whether a comparison is core's own, and no other's on behalf of
 * which it compares parts of values.  An extension's might look at tables, or
 * be an SQL function that does, and here it would be called more often than
 * by core while a page is locked.
 */
static bool
is_core_comparison(Oid function)
{
	switch (function)
	{
		case F_BTARRAYCMP:
		case F_BTRECORDCMP:
		case F_RANGE_CMP:
		case F_MULTIRANGE_CMP:
			return false;
		default:
			return function < FirstUnpinnedObjectId;
	}
}

/* Returns whether core's own functions compare the keys of a B-tree. */
bool
pgsync_index_compares_by_core(Relation index)
{
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		if (!is_core_comparison(index_getprocid(index, i + 1, BTORDER_PROC)))
			return false;
	}
	return true;
}

/*
 * Returns whether entries of an index can be placed a leaf at a time: a
 * B-tree that takes entries and is complete, whose entries are made of
 * columns, and which decides about uniqueness at once; and its table a heap,
 * since another kind may know no speculative rows.
 */
bool
pgsync_index_is_plain(Relation heap, Relation index, IndexInfo *info)
{
	if (index->rd_rel->relam != BTREE_AM_OID || IsCatalogRelation(heap) ||
		heap->rd_tableam != GetHeapamTableAmRoutine() ||
		!info->ii_ReadyForInserts || !index->rd_index->indisvalid ||
		info->ii_Expressions != NIL || info->ii_Predicate != NIL ||
		info->ii_ExclusionOps != NULL ||
		(info->ii_Unique && !index->rd_index->indimmediate))
		return false;
	if (!pgsync_index_compares_by_core(index))
		return false;
	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
	{
		/*
		 * A system column is no attribute of the slot's descriptor; a name's
		 * entries are strings of another type.
		 */
		if (info->ii_IndexAttrNumbers[i] <= 0 ||
			TupleDescAttr(RelationGetDescr(index), i)->attlen == -2)
			return false;
	}
	return true;
}

/* Prepares to compare the keys of a B-tree, column by column, as it does. */
void
pgsync_index_sort_support(Relation index, SortSupport keys)
{
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		SortSupport key = &keys[i];
		int16		option = index->rd_indoption[i];

		key->ssup_cxt = CurrentMemoryContext;
		key->ssup_collation = index->rd_indcollation[i];
		key->ssup_nulls_first = (option & INDOPTION_NULLS_FIRST) != 0;
		key->ssup_attno = i + 1;
		pgsync_prepare_index_sort(index, (option & INDOPTION_DESC) != 0, key);
	}
}

/* Prepares to sort entries; what that takes stays in the current context. */
PgsyncEntryOrder *
pgsync_entry_order_create(Relation index)
{
	PgsyncEntryOrder *order = palloc0(sizeof(PgsyncEntryOrder));

	order->desc = RelationGetDescr(index);
	order->nulls_equal = index->rd_index->indnullsnotdistinct;
	order->unique = index->rd_index->indisunique;
	order->nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	pgsync_index_sort_support(index, order->keys);
	return order;
}

/* Returns whether a value is small, and stands in the row itself. */
static inline bool
is_small(Form_pg_attribute attr, Datum value, Size *size)
{
	if (attr->attlen > 0)
		*size += attr->attlen + MAXIMUM_ALIGNOF;
	else if (attr->attlen == -1 &&
			 !VARATT_IS_EXTERNAL(DatumGetPointer(value)) &&
			 !VARATT_IS_COMPRESSED(DatumGetPointer(value)) &&
			 VARSIZE_ANY(DatumGetPointer(value)) <= TOAST_INDEX_TARGET)
		*size += VARSIZE_ANY(DatumGetPointer(value)) + MAXIMUM_ALIGNOF;
	else
		return false;
	return *size <= MAX_ENTRY_BYTES;
}

/*
 * Forms the entry of a row of a batch, in the current memory context.  Until
 * the row is stored, the entry's TID only stands for the row's number.
 */
void
pgsync_entry_form(PgsyncIndexEntry *entry, Relation index, IndexInfo *info,
				  TupleTableSlot *slot, int row)
{
	TupleDesc	desc = RelationGetDescr(index);
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	Size		size = 0;

	entry->tuple = NULL;
	entry->row = row;
	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
	{
		values[i] = slot_getattr(slot, info->ii_IndexAttrNumbers[i],
								 &nulls[i]);
		if (!nulls[i] && !is_small(TupleDescAttr(desc, i), values[i], &size))
			return;
	}
	entry->tuple = index_form_tuple(desc, values, nulls);
	ItemPointerSet(&entry->tuple->t_tid, row, FirstOffsetNumber);
	entry->first = index_getattr(entry->tuple, 1, desc, &entry->first_isnull);
}

/*
 * Compares two entries by the index's columns.  "has_null" says, if they are
 * equal, whether that is because of nulls.
 */
static int
compare_columns(PgsyncEntryOrder *order, const PgsyncIndexEntry *first,
				const PgsyncIndexEntry *second, bool *has_null)
{
	int			result = ApplySortComparator(first->first, first->first_isnull,
											 second->first,
											 second->first_isnull,
											 &order->keys[0]);

	*has_null = first->first_isnull;
	for (int i = 1; i < order->nkeys && result == 0; i++)
	{
		bool		first_isnull;
		bool		second_isnull;
		Datum		a = index_getattr(first->tuple, i + 1, order->desc,
									  &first_isnull);
		Datum		b = index_getattr(second->tuple, i + 1, order->desc,
									  &second_isnull);

		result = ApplySortComparator(a, first_isnull, b, second_isnull,
									 &order->keys[i]);
		*has_null |= first_isnull;
	}
	return result;
}

/* Compares two entries as the index orders them; for qsort_arg. */
static int
compare_entries(const void *a, const void *b, void *arg)
{
	const PgsyncIndexEntry *first = a;
	const PgsyncIndexEntry *second = b;
	bool		has_null;
	int			result = compare_columns(arg, first, second, &has_null);

	if (result != 0)
		return result;
	return ItemPointerCompare(&first->tuple->t_tid, &second->tuple->t_tid);
}

/*
 * Returns whether one entry may be placed after another: it is above it, and
 * where equals are not allowed does not equal it.
 */
bool
pgsync_entries_ascend(PgsyncEntryOrder *order, const PgsyncIndexEntry *first,
					  const PgsyncIndexEntry *second)
{
	bool		has_null;
	int			result = compare_columns(order, first, second, &has_null);

	if (result != 0)
		return result < 0;
	if (order->unique && (!has_null || order->nulls_equal))
		return false;
	return ItemPointerCompare(&first->tuple->t_tid,
							  &second->tuple->t_tid) < 0;
}

/* Sorts entries, unless they are sorted already. */
void
pgsync_entries_sort(PgsyncEntryOrder *order, PgsyncIndexEntry *entries,
					int nentries)
{
	for (int i = 1; i < nentries; i++)
	{
		if (!pgsync_entries_ascend(order, &entries[i - 1], &entries[i]))
		{
			qsort_arg(entries, nentries, sizeof(PgsyncIndexEntry),
					  compare_entries, order);
			return;
		}
	}
}
