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
 *		prepare			the entries, not yet made; how unique ones will be
 *		try_unique		... of rows that are stored speculatively: all together
 *		begin			their TIDs; core passes by what comes last
 *		finish_row		... into the unique one, from this row on;
 *						what remains of this row
 *		finish			entries into indexes that are not unique
 *		end
 *
 * A unique index may have rows wait for another transaction, and others for
 * ours.  Nobody may deadlock who would not if the rows went in one by one, so
 * whenever a row may wait (which it does in core only), the entries that
 * others may wait for are those of the rows before it.  An index that is not
 * unique has nobody wait; its order is free.  It comes last, so that rows which
 * are refused leave none there, unless triggers that look at the table run from
 * row to row.  A unique one gets its entries
 *
 *		row by row	if there is but one, those of the rows to come with the
 *					first's, as long as their keys ascend: then they come in
 *					the order of the rows, and nothing waits before the first
 *					that is not simple, which is core's;
 *		together	in the index's order, for rows that are stored
 *					speculatively (heap_together.c): nothing waits, and if one
 *					entry conflicts all these rows are taken back.
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
#include "access/xlog.h"
#include "catalog/catalog.h"
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

/*
 * Rows are stored speculatively, which costs a row about as much as a descent,
 * only if that lets so many entries share one, in all unique indexes together;
 * when they did not, these many batches go row by row before it is tried
 * again.
 */
#define MIN_ENTRIES_A_LEAF	32
#define BATCHES_BY_ROW		32

/* An index that entries are placed in, and those of the batch at hand */
typedef struct BatchedIndex
{
	Relation	rel;			/* NULL: core makes all entries */
	IndexInfo  *info;
	PgsyncEntryOrder *order;
	PgsyncIndexEntry *entries;
	int			nentries;		/* in a unique index: one a row */
	bool	   *placed;			/* by row; NULL: none */
	int			next_row;		/* row by row: all before are done */
	int			ascending_end;	/* ... and up to here, keys ascend */
} BatchedIndex;

struct PgsyncIndexBatch
{
	ResultRelInfo *resultRelInfo;
	EState	   *estate;
	MemoryContext mcxt;			/* all of this */
	MemoryContext batch_mcxt;	/* of the batch at hand */
	TupleTableSlot **slots;
	int			nslots;
	bool		unique_by_row;	/* can unique entries be made in either way, */
	bool		unique_together;	/* as far as the indexes go? */
	int			nunique;		/* indexes whose entries these are */
	bool		others_last;	/* are the other ones made when all rows are
								 * finished? */
	int			batches_by_row; /* to come, before the other way is tried */
	int			nindexes;
	BatchedIndex indexes[FLEXIBLE_ARRAY_MEMBER];
};

/* Returns whether an index may have a row wait for another transaction. */
static bool
may_wait(Relation index, IndexInfo *info)
{
	return (info->ii_Unique || info->ii_ExclusionOps != NULL) &&
		index->rd_index->indimmediate;
}

/*
 * Finds out in which ways unique entries can be made: not together where
 * logical decoding might read the rows, see heap_together.c.
 */
static void
look_at_unique(PgsyncIndexBatch *batch, bool rows_wait)
{
	ResultRelInfo *resultRelInfo = batch->resultRelInfo;
	Relation	heap = resultRelInfo->ri_RelationDesc;
	int			nwaiting = 0;
	int			nplain = 0;
	bool		fits;

	for (int i = 0; i < batch->nindexes; i++)
	{
		if (may_wait(resultRelInfo->ri_IndexRelationDescs[i],
					 resultRelInfo->ri_IndexRelationInfo[i]))
		{
			nwaiting++;
			nplain += batch->indexes[i].rel != NULL;
		}
	}
	batch->nunique = nplain;
	fits = !rows_wait && nplain > 0 && nplain == nwaiting;
	batch->unique_together = fits && !RelationIsLogicallyLogged(heap);
	batch->unique_by_row = fits && nwaiting == 1;
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

		if (!pgsync_index_is_plain(resultRelInfo->ri_RelationDesc, rel, info))
			continue;
		batch->indexes[i].rel = rel;
		batch->indexes[i].info = info;
		batch->indexes[i].order = pgsync_entry_order_create(rel);
		elog(DEBUG1, "entries go into index \"%s\" a leaf at a time",
			 RelationGetRelationName(rel));
		any = true;
	}
	MemoryContextSwitchTo(oldcontext);
	look_at_unique(batch, rows_wait);
	batch->others_last = !rows_wait;
	if (any)
		return batch;
	pgsync_index_batch_free(batch);
	return NULL;
}

/* Forms the batch's entries of an index: one a row, or only those formed. */
static void
form_entries(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	bool		unique = index->info->ii_Unique;

	index->entries = palloc(sizeof(PgsyncIndexEntry) * batch->nslots);
	index->nentries = 0;
	for (int i = 0; i < batch->nslots; i++)
	{
		PgsyncIndexEntry *entry = &index->entries[index->nentries];

		pgsync_entry_form(entry, index->rel, index->info, batch->slots[i], i);
		if (unique || entry->tuple != NULL)
			index->nentries++;
	}
}

/*
 * Forms the batch's entries of a unique index if its keys ascend, nearly all
 * of them; returns whether they do.
 */
static bool
form_ascending(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	int			ndescents = 0;

	index->entries = palloc(sizeof(PgsyncIndexEntry) * batch->nslots);
	for (int i = 0; i < batch->nslots; i++)
	{
		PgsyncIndexEntry *entry = &index->entries[i];

		pgsync_entry_form(entry, index->rel, index->info, batch->slots[i], i);
		if (entry->tuple == NULL ||
			(i > 0 && entry[-1].tuple != NULL &&
			 !pgsync_entries_ascend(index->order, entry - 1, entry)))
		{
			if (++ndescents > batch->nslots / MIN_ASCENDING_ROWS)
				return false;
		}
	}
	index->nentries = batch->nslots;
	index->next_row = 0;
	index->ascending_end = 0;
	index->placed = palloc0(sizeof(bool) * batch->nslots);
	return true;
}

/*
 * Sorts the entries of a unique index.  False if they cannot be placed
 * together: two are equal, or one is core's as it may be an error.
 */
static bool
sort_unique(BatchedIndex *index)
{
	for (int i = 0; i < index->nentries; i++)
	{
		if (index->entries[i].tuple == NULL)
			return false;
	}
	pgsync_entries_sort(index->order, index->entries, index->nentries);
	for (int i = 1; i < index->nentries; i++)
	{
		if (!pgsync_entries_ascend(index->order, &index->entries[i - 1],
								   &index->entries[i]))
			return false;
	}
	return true;
}

/*
 * Forms the entries of the unique indexes, as they are to be made: returns
 * whether together.  If not, those that are not placed are core's.
 *
 * Rows that are stored speculatively anyhow ("speculative") always gain by
 * going together.
 */
static bool
form_unique(PgsyncIndexBatch *batch, bool speculative)
{
	for (int i = 0; i < batch->nindexes; i++)
	{
		BatchedIndex *index = &batch->indexes[i];

		if (index->rel == NULL || !index->info->ii_Unique)
			continue;
		if (batch->unique_by_row && !speculative &&
			form_ascending(batch, index))
			return false;
		index->nentries = 0;
		if (!batch->unique_together)
			return false;
		if (!speculative && batch->batches_by_row > 0)
		{
			batch->batches_by_row--;
			return false;
		}
		form_entries(batch, index);
		if (!sort_unique(index))
			return false;
	}
	return batch->unique_together;
}

/*
 * Forms the index entries of rows that are about to be stored.  Returns
 * whether they are to be stored speculatively, for pgsync_index_batch_try_unique.
 */
bool
pgsync_index_batch_prepare(PgsyncIndexBatch *batch, TupleTableSlot **slots,
						   int nslots, bool speculative)
{
	MemoryContext oldcontext;
	bool		together;

	batch->slots = slots;
	batch->nslots = nslots;
	if (nslots < MIN_BATCH_ROWS)
		return false;
	oldcontext = MemoryContextSwitchTo(batch->batch_mcxt);
	for (int i = 0; i < batch->nindexes; i++)
	{
		BatchedIndex *index = &batch->indexes[i];

		if (index->rel != NULL && !index->info->ii_Unique)
			form_entries(batch, index);
	}
	together = form_unique(batch, speculative);
	MemoryContextSwitchTo(oldcontext);
	return together;
}

/*
 * Has core insert the entry of a row.  Does not wait: where it would have to,
 * or if another row is in the way, the entry is made and false returned.
 */
static bool
insert_by_core(PgsyncIndexBatch *batch, BatchedIndex *index, int row)
{
	TupleTableSlot *slot = batch->slots[row];
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
	bool		unique = index->info->ii_Unique;
	bool		sure;

	FormIndexDatum(index->info, slot, batch->estate, values, nulls);
	sure = index_insert(index->rel, values, nulls, &slot->tts_tid,
						batch->resultRelInfo->ri_RelationDesc,
						unique ? UNIQUE_CHECK_PARTIAL : UNIQUE_CHECK_NO,
						false, index->info);
	return sure || !unique;
}

/*
 * Inserts sorted entries, of which none waits.  So core's turn is at once:
 * when it has split a page, the next entries have room.  False if a row
 * conflicts with another.
 */
static bool
insert_sorted(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	Relation	heap = batch->resultRelInfo->ri_RelationDesc;
	int			ndescents = 0;
	int			i = 0;

	while (i < index->nentries)
	{
		int			count;

		CHECK_FOR_INTERRUPTS();
		count = pgsync_leaf_insert(index->rel, heap, &index->entries[i],
								   index->nentries - i);
		ndescents++;
		if (count == 0)
		{
			if (!insert_by_core(batch, index, index->entries[i].row))
				return false;
			count = 1;
		}
		for (; count > 0; count--)
			index->placed[index->entries[i++].row] = true;
	}
	if (index->info->ii_Unique &&
		index->nentries * batch->nunique < ndescents * MIN_ENTRIES_A_LEAF)
		batch->batches_by_row = BATCHES_BY_ROW;
	return true;
}

/* Gives the entries of an index the TIDs of their rows, which are stored. */
static void
set_tids(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	for (int i = 0; i < index->nentries; i++)
	{
		PgsyncIndexEntry *entry = &index->entries[i];

		if (entry->tuple != NULL)
			entry->tuple->t_tid = batch->slots[entry->row]->tts_tid;
	}
}

/* Leaves the batch's unique entries to core, and those of batches to come. */
static void
give_up_unique(PgsyncIndexBatch *batch)
{
	for (int i = 0; i < batch->nindexes; i++)
	{
		if (batch->indexes[i].rel != NULL && batch->indexes[i].info->ii_Unique)
			batch->indexes[i].placed = NULL;
	}
	batch->batches_by_row = BATCHES_BY_ROW;
}

/*
 * Makes the unique entries of rows that have been stored speculatively.
 * False if one conflicts, or might: the rows are to be taken back then.
 */
bool
pgsync_index_batch_try_unique(PgsyncIndexBatch *batch)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(batch->batch_mcxt);
	bool		sure = true;

	for (int i = 0; i < batch->nindexes && sure; i++)
	{
		BatchedIndex *index = &batch->indexes[i];

		if (index->rel == NULL || !index->info->ii_Unique)
			continue;
		set_tids(batch, index);
		/* equal but for nulls, they are in the order of their TIDs */
		pgsync_entries_sort(index->order, index->entries, index->nentries);
		index->placed = palloc0(sizeof(bool) * batch->nslots);
		sure = insert_sorted(batch, index);
	}
	MemoryContextSwitchTo(oldcontext);
	if (!sure)
		give_up_unique(batch);
	return sure;
}

/* Makes the entries of the indexes that are not unique. */
static void
place_others(PgsyncIndexBatch *batch)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(batch->batch_mcxt);

	for (int i = 0; i < batch->nindexes; i++)
	{
		BatchedIndex *index = &batch->indexes[i];

		if (index->rel == NULL || index->info->ii_Unique)
			continue;
		pgsync_entries_sort(index->order, index->entries, index->nentries);
		(void) insert_sorted(batch, index);
	}
	MemoryContextSwitchTo(oldcontext);
}

/* Has core pass by the entries of an index that are to be placed. */
static void
reserve_entries(PgsyncIndexBatch *batch, BatchedIndex *index)
{
	index->placed = MemoryContextAllocZero(batch->batch_mcxt,
										   sizeof(bool) * batch->nslots);
	for (int i = 0; i < index->nentries; i++)
		index->placed[index->entries[i].row] = true;
}

/*
 * Begins with the entries of the prepared rows, which have been stored, each
 * to be finished in its turn.
 */
void
pgsync_index_batch_begin(PgsyncIndexBatch *batch)
{
	if (batch->nslots < MIN_BATCH_ROWS)
		return;
	for (int i = 0; i < batch->nindexes; i++)
	{
		BatchedIndex *index = &batch->indexes[i];

		if (index->rel == NULL)
			continue;
		set_tids(batch, index);
		if (!index->info->ii_Unique)
			reserve_entries(batch, index);
	}
	if (!batch->others_last)
		place_others(batch);
}

/*
 * Returns how many entries of a unique index ascend, from one row on.  A run
 * that takes many descents is looked at once.
 */
static int
count_ascending(BatchedIndex *index, int row)
{
	int			end = row;

	if (row < index->ascending_end)
		return index->ascending_end - row;
	while (end < index->nentries && index->entries[end].tuple != NULL &&
		   (end == row ||
			pgsync_entries_ascend(index->order, &index->entries[end - 1],
								  &index->entries[end])))
		end++;
	index->ascending_end = end;
	return end - row;
}

/*
 * Places a row's entry in a unique index, and as many after it as go to the
 * same leaf.  If that is not simple, it is core's.
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

		if (index->placed != NULL && !index->placed[row] &&
			index->info->ii_Unique)
		{
			MemoryContext oldcontext = MemoryContextSwitchTo(batch->batch_mcxt);

			place_from_row(batch, index, row);
			MemoryContextSwitchTo(oldcontext);
		}
		complete &= index->placed != NULL && index->placed[row];
	}
	return complete ? NIL : make_remaining(batch, row);
}

/* Makes what is to be made when all rows of the batch are finished. */
void
pgsync_index_batch_finish(PgsyncIndexBatch *batch)
{
	if (batch->nslots >= MIN_BATCH_ROWS && batch->others_last)
		place_others(batch);
}

/* Ends a batch. */
void
pgsync_index_batch_end(PgsyncIndexBatch *batch)
{
	for (int i = 0; i < batch->nindexes; i++)
	{
		batch->indexes[i].placed = NULL;
		batch->indexes[i].nentries = 0;
	}
	MemoryContextReset(batch->batch_mcxt);
}

/* Frees what was prepared for a relation. */
void
pgsync_index_batch_free(PgsyncIndexBatch *batch)
{
	MemoryContextDelete(batch->mcxt);
}
