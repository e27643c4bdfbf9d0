/*-------------------------------------------------------------------------
 *
 * index_batch.c
 *	  Index entries of a batch of stored rows.
 *
 * Core's ExecInsertIndexTuples makes a row's entries, index by index.  Here
 * those of a whole batch go into a plain B-tree together, sorted, a leaf at a
 * time (index_leaf.c); ExecInsertIndexTuples is left what remains of each
 * row: other indexes, and entries that are not simple.
 *
 *		begin			entries into indexes that are not unique
 *		finish_row		... into the unique one, from this row on;
 *						what remains of this row
 *		end
 *
 * A unique index may have rows wait for another transaction, and others for
 * ours.  Nobody may deadlock who would not if the rows went in one by one, so
 * whenever a row may wait (which it does in core only), the entries that
 * others may wait for are those of the rows before it:
 *
 *		an index that is not unique has nobody wait; its order is free
 *		a unique one takes entries in the order of the rows, so only of
 *		batches whose keys ascend; and only if no other index of the table
 *		has rows wait
 *
 * So the row that an error names is that of core, too: when core finds that
 * a row is a duplicate, all before it are complete.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "sink/index_batch.h"
#include "sink/index_entries.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* Fewer rows than these are not worth it */
#define MIN_BATCH_ROWS		4

/* Keys of a unique index may descend once in so many rows */
#define MIN_ASCENDING_ROWS	8

/* An index that entries are placed in, and those of the batch at hand */
typedef struct BatchedIndex
{
	Relation	rel;			/* NULL: core makes all entries */
	IndexInfo  *info;
	PgsyncEntryOrder *order;
	PgsyncIndexEntry *entries;
	int			nentries;		/* in a unique index: one a row */
	bool	   *placed;			/* by row; NULL: none */
	int			next_row;		/* of a unique index: all before are done */
} BatchedIndex;

struct PgsyncIndexBatch
{
	ResultRelInfo *resultRelInfo;
	EState	   *estate;
	MemoryContext mcxt;			/* all of this */
	MemoryContext batch_mcxt;	/* of the batch at hand */
	TupleTableSlot **slots;
	int			nslots;
	int			nindexes;
	BatchedIndex indexes[FLEXIBLE_ARRAY_MEMBER];
};

/* Returns how many indexes may have a row wait for another transaction. */
static int
count_waiting(ResultRelInfo *resultRelInfo)
{
	int			count = 0;

	for (int i = 0; i < resultRelInfo->ri_NumIndices; i++)
	{
		IndexInfo  *info = resultRelInfo->ri_IndexRelationInfo[i];
		Relation	index = resultRelInfo->ri_IndexRelationDescs[i];

		if ((info->ii_Unique || info->ii_ExclusionOps != NULL) &&
			index->rd_index->indimmediate)
			count++;
	}
	return count;
}

/*
 * Prepares for a relation whose indexes are open.  "rows_wait" says that a
 * row may wait, or have others wait, for more than its index entries before
 * the next one is finished.  NULL if core is to make all entries.
 */
PgsyncIndexBatch *
pgsync_index_batch_create(ResultRelInfo *resultRelInfo, EState *estate,
						  bool rows_wait)
{
	int			nindexes = resultRelInfo->ri_NumIndices;
	bool		unique_fits = !rows_wait && count_waiting(resultRelInfo) == 1;
	PgsyncIndexBatch *batch;
	MemoryContext mcxt;
	MemoryContext oldcontext;
	bool		any = false;

	if (pgsync_index_batches_setting == PGSYNC_INDEX_BATCHES_OFF ||
		!PGSYNC_KNOWS_NBTREE || nindexes == 0)
		return NULL;
	mcxt = AllocSetContextCreate(CurrentMemoryContext, "pgsync indexes",
								 ALLOCSET_SMALL_SIZES);
	oldcontext = MemoryContextSwitchTo(mcxt);
	batch = palloc0(offsetof(PgsyncIndexBatch, indexes) +
					sizeof(BatchedIndex) * nindexes);
	batch->resultRelInfo = resultRelInfo;
	batch->estate = estate;
	batch->nindexes = nindexes;
	batch->mcxt = mcxt;
	batch->batch_mcxt = AllocSetContextCreate(mcxt, "pgsync index entries",
											  ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < nindexes; i++)
	{
		Relation	rel = resultRelInfo->ri_IndexRelationDescs[i];
		IndexInfo  *info = resultRelInfo->ri_IndexRelationInfo[i];

		if (!pgsync_index_is_plain(resultRelInfo->ri_RelationDesc, rel, info) ||
			(info->ii_Unique && !unique_fits))
			continue;
		batch->indexes[i].rel = rel;
		batch->indexes[i].info = info;
		batch->indexes[i].order = pgsync_entry_order_create(rel);
		elog(DEBUG1, "entries go into index \"%s\" a leaf at a time",
			 RelationGetRelationName(rel));
		any = true;
	}
	MemoryContextSwitchTo(oldcontext);
	if (any)
		return batch;
	pgsync_index_batch_free(batch);
	return NULL;
}

/* Has core insert the entry of a row, into an index that is not unique. */
static void
insert_by_core(PgsyncIndexBatch *batch, BatchedIndex *index, int row)
{
	TupleTableSlot *slot = batch->slots[row];
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	FormIndexDatum(index->info, slot, batch->estate, values, nulls);
	index_insert(index->rel, values, nulls, &slot->tts_tid,
				 batch->resultRelInfo->ri_RelationDesc, UNIQUE_CHECK_NO,
				 false, index->info);
}

/*
 * Inserts the sorted entries of an index that is not unique.  There is
 * nothing to wait for, so core's turn is at once: when it has split a page,
 * the next entries have room.
 */
static void
insert_sorted(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	Relation	heap = batch->resultRelInfo->ri_RelationDesc;
	int			i = 0;

	while (i < index->nentries)
	{
		int			count;

		CHECK_FOR_INTERRUPTS();
		count = pgsync_leaf_insert(index->rel, heap, &index->entries[i],
								   index->nentries - i);
		if (count == 0)
		{
			insert_by_core(batch, index, index->entries[i].row);
			count = 1;
		}
		for (; count > 0; count--)
			index->placed[index->entries[i++].row] = true;
	}
}

/* Makes, sorts and inserts the batch's entries of an index. */
static void
begin_index(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	index->placed = palloc0(sizeof(bool) * batch->nslots);
	index->entries = palloc(sizeof(PgsyncIndexEntry) * batch->nslots);
	index->nentries = 0;
	for (int i = 0; i < batch->nslots; i++)
	{
		PgsyncIndexEntry *entry = &index->entries[index->nentries];

		pgsync_entry_form(entry, index->rel, index->info, batch->slots[i]);
		entry->row = i;
		if (entry->tuple != NULL)
			index->nentries++;
	}
	pgsync_entries_sort(index->order, index->entries, index->nentries);
	insert_sorted(batch, index);
}

/*
 * Makes the batch's entries of a unique index, which wait for their rows'
 * turn.  Core's is the whole batch if the keys do not ascend.
 */
static void
begin_unique(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	int			ndescents = 0;

	index->entries = palloc(sizeof(PgsyncIndexEntry) * batch->nslots);
	index->nentries = batch->nslots;
	index->next_row = 0;
	for (int i = 0; i < batch->nslots; i++)
	{
		PgsyncIndexEntry *entry = &index->entries[i];

		pgsync_entry_form(entry, index->rel, index->info, batch->slots[i]);
		entry->row = i;
		if (entry->tuple == NULL ||
			(i > 0 && !pgsync_entries_ascend(index->order, entry - 1, entry)))
		{
			if (++ndescents > batch->nslots / MIN_ASCENDING_ROWS)
				return;
		}
	}
	index->placed = palloc0(sizeof(bool) * batch->nslots);
}

/*
 * Begins with a batch of rows that have been stored, each to be finished in
 * its turn.
 */
void
pgsync_index_batch_begin(PgsyncIndexBatch *batch, TupleTableSlot **slots,
						 int nslots)
{
	MemoryContext oldcontext;

	batch->slots = slots;
	batch->nslots = nslots;
	if (nslots < MIN_BATCH_ROWS)
		return;
	oldcontext = MemoryContextSwitchTo(batch->batch_mcxt);
	for (int i = 0; i < batch->nindexes; i++)
	{
		BatchedIndex *index = &batch->indexes[i];

		if (index->rel != NULL && index->info->ii_Unique)
			begin_unique(batch, index);
		else if (index->rel != NULL)
			begin_index(batch, index);
	}
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Returns how many entries of a unique index ascend, from one row on.
 */
static int
count_ascending(BatchedIndex *index, int row)
{
	int			end = row;

	while (end < index->nentries && index->entries[end].tuple != NULL &&
		   (end == row ||
			pgsync_entries_ascend(index->order, &index->entries[end - 1],
								  &index->entries[end])))
		end++;
	return end - row;
}

/*
 * Sees to a row's entry in a unique index: places it, unless it has been
 * placed with those before, and as many after it as are on the same leaf.  If
 * that is not simple, it is core's.
 */
static void
place_from_row(PgsyncIndexBatch *batch, BatchedIndex *index, int row)
{
	int			count;

	if (row < index->next_row)
		return;
	CHECK_FOR_INTERRUPTS();
	count = count_ascending(index, row);
	if (count > 0)
		count = pgsync_leaf_insert(index->rel,
								   batch->resultRelInfo->ri_RelationDesc,
								   &index->entries[row], count);
	index->next_row = row + Max(count, 1);
	for (; count > 0; count--)
		index->placed[row++] = true;
}

/*
 * Has core make those of a row's entries that have not been placed.  It
 * passes by indexes that do not take entries, so these are made out to be.
 */
static List *
make_remaining(PgsyncIndexBatch *batch, int row)
{
	List	   *recheck;

	for (int i = 0; i < batch->nindexes; i++)
	{
		if (batch->indexes[i].placed != NULL && batch->indexes[i].placed[row])
			batch->indexes[i].info->ii_ReadyForInserts = false;
	}
	recheck = pgsync_insert_index_tuples(batch->resultRelInfo,
										 batch->slots[row], batch->estate,
										 false, false, NULL, NIL, false);
	for (int i = 0; i < batch->nindexes; i++)
	{
		if (batch->indexes[i].placed != NULL)
			batch->indexes[i].info->ii_ReadyForInserts = true;
	}
	return recheck;
}

/*
 * Completes a row's index entries.  Returns the indexes that are to be
 * checked again later, as ExecInsertIndexTuples does.
 */
List *
pgsync_index_batch_finish_row(PgsyncIndexBatch *batch, int row)
{
	bool		complete = true;

	for (int i = 0; i < batch->nindexes; i++)
	{
		BatchedIndex *index = &batch->indexes[i];

		if (index->placed != NULL && index->info->ii_Unique)
		{
			MemoryContext oldcontext = MemoryContextSwitchTo(batch->batch_mcxt);

			place_from_row(batch, index, row);
			MemoryContextSwitchTo(oldcontext);
		}
		complete &= index->placed != NULL && index->placed[row];
	}
	return complete ? NIL : make_remaining(batch, row);
}

/* Ends a batch. */
void
pgsync_index_batch_end(PgsyncIndexBatch *batch)
{
	for (int i = 0; i < batch->nindexes; i++)
		batch->indexes[i].placed = NULL;
	MemoryContextReset(batch->batch_mcxt);
}

/* Frees what was prepared for a relation. */
void
pgsync_index_batch_free(PgsyncIndexBatch *batch)
{
	MemoryContextDelete(batch->mcxt);
}
