/*-------------------------------------------------------------------------
 *
 * heap_buffer.c
 *	  Rows on their way into one relation, stored a batch at a time.
 *
 * A buffer has the rows of the target, or of one leaf partition, in slots of
 * that relation.  Storing them does what core's copyfrom.c does with a batch:
 *
 *		table_multi_insert -> index entries -> AFTER ROW triggers queued
 *
 * Where a row may be kept out by another one (heap_conflict.c), they go in
 * together as far as nothing is in their way, and one by one from where that
 * cannot be told.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "commands/trigger.h"
#include "executor/executor.h"
#include "sink/heap_buffer.h"
#include "sink/heap_foreign_key.h"
#include "sink/heap_together.h"
#include "sink/may_look.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * What a buffer's slots may take.  A row of 1600 columns needs 14 kB of them,
 * whatever its values are: 1000 such slots would be as much as a small
 * server's work_mem.
 */
#define MAX_SLOT_BYTES		(256 * 1024)

/*
 * Returns table_multi_insert's options: a file that is new in this
 * transaction has no free space worth looking for.
 */
static int
insert_options(Relation rel)
{
	if (rel->rd_createSubid != InvalidSubTransactionId ||
		pgsync_first_relfilelocator_subid(rel) != InvalidSubTransactionId)
		return TABLE_INSERT_SKIP_FSM;
	return 0;
}

/*
 * Finds out whether rows of a relation must go in one by one, and why.
 *
 * What heap_check.c has looked at gives no reason; it does not look into
 * leaves' indexes and generated columns, which may be their own, and a leaf
 * may have got a BEFORE ROW trigger since.
 */
static void
note_reasons(PgsyncRowBuffer *buffer)
{
	Relation	rel = buffer->resultRelInfo->ri_RelationDesc;
	TriggerDesc *triggers = buffer->resultRelInfo->ri_TrigDesc;
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	buffer->has_before = triggers != NULL && triggers->trig_insert_before_row;
	buffer->goes_alone = buffer->has_before || pgsync_indexes_may_look(rel, NULL) ||
		(constr != NULL && constr->has_generated_stored &&
		 pgsync_defaults_may_look(rel));
	if (buffer->goes_alone)
		buffer->max_rows = 1;
}

/*
 * Returns whether a row may wait for other sessions before the next is
 * finished, by more than its index entries: by a foreign key's trigger.
 */
static inline bool
waits_by_row(PgsyncRowBuffer *buffer)
{
	return buffer->has_triggers && buffer->run->fires_by_row;
}

/* Returns whether index entries of the buffer's rows can be made at once. */
static bool
batches_indexes(PgsyncRowBuffer *buffer)
{
	if (buffer->max_rows == 1)
		return false;
	return buffer->conflicts == NULL ||
		(!waits_by_row(buffer) &&
		 pgsync_conflicts_fit_together(buffer->conflicts));
}

/* Returns how many rows a buffer's slots may be made for. */
static int
max_rows_of(Relation rel)
{
	Size		slot_bytes = sizeof(BufferHeapTupleTableSlot) +
	RelationGetDescr(rel)->natts * (sizeof(Datum) + sizeof(bool));

	return Max(1, Min(PGSYNC_MAX_BUFFERED_ROWS, MAX_SLOT_BYTES / slot_bytes));
}

/*
 * Prepares for conflicts, or for triggers that wait for those of rows in other
 * leaves ("routed").
 */
static void
prepare_conflicts(PgsyncRowBuffer *buffer, bool routed)
{
	if (buffer->on_conflict != PGSYNC_CONFLICT_FAILS)
	{
		buffer->conflicts = pgsync_conflicts_create(buffer->resultRelInfo,
													buffer->estate);

		/*
		 * Rows that may wait for others' are stored in the order that they
		 * come in: then those who load in the same order do not deadlock.
		 * Within one relation batches keep that order, triggers included.
		 */
		if (routed)
			buffer->max_rows = 1;
	}
	else if (buffer->has_triggers && routed)
		buffer->recheck = palloc(sizeof(List *) * buffer->max_rows);
}

/*
 * Creates a buffer for a relation, in the current memory context, where the
 * started plan inserts; "routed" says that it is one of several leaves.
 */
PgsyncRowBuffer *
pgsync_row_buffer_create(PgsyncRun *run, ResultRelInfo *resultRelInfo,
						 PgsyncOnConflict on_conflict, bool routed)
{
	Relation	rel = resultRelInfo->ri_RelationDesc;
	PgsyncRowBuffer *buffer = palloc0(sizeof(PgsyncRowBuffer));

	if (rel->rd_rel->relhasindex &&
		resultRelInfo->ri_IndexRelationDescs == NULL)
		ExecOpenIndices(resultRelInfo, on_conflict != PGSYNC_CONFLICT_FAILS);
	buffer->run = run;
	buffer->estate = run->queryDesc->estate;
	buffer->resultRelInfo = resultRelInfo;
	buffer->on_conflict = on_conflict;
	buffer->bistate = GetBulkInsertState();
	buffer->options = insert_options(rel);
	buffer->max_rows = max_rows_of(rel);
	buffer->has_triggers = resultRelInfo->ri_TrigDesc != NULL &&
		resultRelInfo->ri_TrigDesc->trig_insert_after_row;
	note_reasons(buffer);
	prepare_conflicts(buffer, routed);
	buffer->look_ahead = buffer->max_rows;
	buffer->last_stored = -1;
	/* where conflicting rows are updated, those stored may be among them */
	if (on_conflict != PGSYNC_CONFLICT_RETURNED && buffer->recheck == NULL &&
		!buffer->goes_alone && !run->fires_by_row)
		buffer->key_columns = pgsync_foreign_key_columns(resultRelInfo,
														 buffer->estate);
	if (batches_indexes(buffer))
		buffer->indexes = pgsync_index_batch_create(resultRelInfo,
													buffer->estate,
													waits_by_row(buffer));
	buffer->mcxt = AllocSetContextCreate(CurrentMemoryContext,
										 "pgsync buffered rows",
										 ALLOCSET_DEFAULT_SIZES);
	return buffer;
}

/*
 * Makes the buffer one more slot.  They share a copy of the relation's tuple
 * descriptor: the relation's own is counted for each slot in the resource
 * owner, which takes longer than all else of a slot.
 */
void
pgsync_row_buffer_make_slot(PgsyncRowBuffer *buffer)
{
	Relation	rel = buffer->resultRelInfo->ri_RelationDesc;

	if (buffer->desc == NULL)
		buffer->desc = CreateTupleDescCopyConstr(RelationGetDescr(rel));
	buffer->slots[buffer->nslots++] =
		MakeSingleTupleTableSlot(buffer->desc, table_slot_callbacks(rel));
}

/*
 * Queues the AFTER ROW triggers of a stored row, if it needs its own, and
 * fires them if they are not to wait for the statement's end.
 */
void
pgsync_row_buffer_queue_triggers(PgsyncRowBuffer *buffer, int index, List *recheck)
{
	int			before = buffer->last_stored;

	buffer->last_stored = index;
	pgsync_run_begin_triggers(buffer->run);
	if (before < 0 || buffer->key_columns == NIL ||
		!pgsync_same_foreign_keys(buffer->key_columns, buffer->slots[index],
								  buffer->slots[before]))
		ExecARInsertTriggers(buffer->estate, buffer->resultRelInfo,
							 buffer->slots[index], recheck, NULL);
	list_free(recheck);
	pgsync_run_fire_triggers(buffer->run);
	ResetPerTupleExprContext(buffer->estate);
}

/*
 * Makes a stored row's index entries, and queues its triggers unless they
 * wait for those of earlier rows in other leaves.
 */
static inline void
finish_row(PgsyncRowBuffer *buffer, int index)
{
	ResultRelInfo *resultRelInfo = buffer->resultRelInfo;
	List	   *recheck = NIL;

	if (buffer->indexes != NULL)
		recheck = pgsync_index_batch_finish_row(buffer->indexes, index);
	else if (resultRelInfo->ri_NumIndices > 0)
		recheck = pgsync_insert_index_tuples(resultRelInfo,
											 buffer->slots[index],
											 buffer->estate, false, false, NULL,
											 NIL, false);
	if (buffer->recheck != NULL)
		buffer->recheck[index] = recheck;
	else if (buffer->has_triggers)
		pgsync_row_buffer_queue_triggers(buffer, index, recheck);
	ResetPerTupleExprContext(buffer->estate);
}

/*
 * Prepares the index entries of rows, and stores the rows together with the
 * unique ones, if that can be done.
 */
static bool
store_together(PgsyncRowBuffer *buffer, TupleTableSlot **slots,
			   const uint64 *numbers, int nrows)
{
	PgsyncRows	rows = {slots, numbers, nrows, buffer->run->place};

	return buffer->indexes != NULL &&
		pgsync_index_batch_prepare(buffer->indexes, slots, nrows,
								   buffer->conflicts != NULL) &&
		pgsync_store_together(buffer->indexes, &rows,
							  buffer->resultRelInfo->ri_RelationDesc,
							  buffer->estate->es_output_cid, buffer->options,
							  NULL);
}

/* Stores the rows of a buffer, all at once. */
static void
store_all(PgsyncRowBuffer *buffer)
{
	PgsyncPlace *place = buffer->run->place;
	MemoryContext oldcontext;

	/* table_multi_insert leaks into the current context */
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(buffer->estate));
	if (!store_together(buffer, buffer->slots, buffer->numbers,
						buffer->nrows))
		table_multi_insert(buffer->resultRelInfo->ri_RelationDesc,
						   buffer->slots, buffer->nrows,
						   buffer->estate->es_output_cid, buffer->options,
						   buffer->bistate);
	MemoryContextSwitchTo(oldcontext);

	if (buffer->indexes != NULL)
		pgsync_index_batch_begin(buffer->indexes);
	for (int i = 0; i < buffer->nrows; i++)
	{
		place->storing_first = place->storing_last = buffer->numbers[i];
		finish_row(buffer, i);
	}
	if (buffer->indexes != NULL)
	{
		pgsync_index_batch_finish(buffer->indexes);
		pgsync_index_batch_end(buffer->indexes);
	}
	buffer->estate->es_processed += buffer->nrows;
}

/*
 * Finishes the rows that have been stored of some of a buffer: those that
 * nothing was in the way of.
 */
static void
finish_new_rows(PgsyncRowBuffer *buffer, int first, int end,
				const bool *in_the_way)
{
	PgsyncPlace *place = buffer->run->place;
	int			row = 0;

	pgsync_index_batch_begin(buffer->indexes);
	for (int i = first; i < end; i++)
	{
		List	   *recheck;

		if (in_the_way[i])
			continue;
		place->storing_first = place->storing_last = buffer->numbers[i];
		recheck = pgsync_index_batch_finish_row(buffer->indexes, row++);
		if (buffer->has_triggers)
			pgsync_row_buffer_queue_triggers(buffer, i, recheck);
		ResetPerTupleExprContext(buffer->estate);
	}
	pgsync_index_batch_finish(buffer->indexes);
}

/*
 * Returns the end of those rows from "first" on, before "end", that are settled
 * by a look: all that it can tell of, but only those before the first conflict
 * if that is the caller's business.
 */
static int
look_at_rows(PgsyncRowBuffer *buffer, int first, int end, bool *in_the_way)
{
	end = pgsync_conflicts_look(buffer->conflicts, buffer->slots, first, end,
								in_the_way);
	if (buffer->on_conflict != PGSYNC_CONFLICT_RETURNED)
		return end;
	for (int i = first; i < end; i++)
	{
		if (in_the_way[i])
			return i;
	}
	return end;
}

/*
 * Stores those of a buffer's rows, from *next on and before "limit", that
 * nothing is in the way of, up to one of which that cannot be told yet: that is
 * *next then.  False if this could not be done.
 */
static bool
store_new_rows(PgsyncRowBuffer *buffer, int *next, int limit)
{
	int			first = *next;
	bool		in_the_way[PGSYNC_MAX_BUFFERED_ROWS];
	TupleTableSlot *slots[PGSYNC_MAX_BUFFERED_ROWS];
	uint64		numbers[PGSYNC_MAX_BUFFERED_ROWS];
	int			nrows = 0;
	int			end = look_at_rows(buffer, first, limit, in_the_way);
	MemoryContext oldcontext;
	bool		stored;

	for (int i = first; i < end; i++)
	{
		if (in_the_way[i])
			continue;
		slots[nrows] = buffer->slots[i];
		numbers[nrows++] = buffer->numbers[i];
	}
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(buffer->estate));
	stored = nrows == 0 || store_together(buffer, slots, numbers, nrows);
	MemoryContextSwitchTo(oldcontext);
	if (stored && nrows > 0)
		finish_new_rows(buffer, first, end, in_the_way);
	pgsync_index_batch_end(buffer->indexes);
	ResetPerTupleExprContext(buffer->estate);
	if (!stored)
	{
		pgsync_conflicts_forget(buffer->conflicts);
		return false;
	}
	buffer->estate->es_processed += nrows;
	buffer->nconflicts += end - first - nrows;
	*next = end;
	return true;
}

/* Stores a buffer's row unless another is in its way; returns whether. */
static bool
store_row_unless_conflict(PgsyncRowBuffer *buffer, int i)
{
	PgsyncPlace *place = buffer->run->place;
	List	   *recheck;
	bool		stored;

	place->storing_first = place->storing_last = buffer->numbers[i];
	stored = pgsync_conflicts_insert(buffer->conflicts, buffer->slots[i], i,
									 &recheck);
	if (stored)
	{
		buffer->estate->es_processed++;
		if (buffer->has_triggers)
			pgsync_row_buffer_queue_triggers(buffer, i, recheck);
	}
	ResetPerTupleExprContext(buffer->estate);
	return stored;
}

/*
 * Stores those rows of a buffer, from one on and before "end", that nothing is
 * in the way of: together as far as that goes, and one by one from where it
 * does not.  Returns where it ended; see pgsync_row_buffer_store.
 */
static int
store_unless_conflict(PgsyncRowBuffer *buffer, int first, int end)
{
	bool		together = buffer->indexes != NULL;
	int			i = first;

	pgsync_conflicts_begin_batch(buffer->conflicts, buffer->slots, first, end);
	for (; i < end; i++)
	{
		if (together)
			together = store_new_rows(buffer, &i, end);
		if (i == end)
			break;
		if (store_row_unless_conflict(buffer, i))
			continue;
		if (buffer->on_conflict == PGSYNC_CONFLICT_RETURNED)
			break;
		buffer->nconflicts++;
	}
	pgsync_conflicts_end_batch(buffer->conflicts);
	return i;
}

/*
 * Stores those rows of a buffer, from one on, that nothing is in the way of.
 * Where one that has another in its way ends it, conflicts are likely: the
 * looks that come next go less far, since what they find behind one that is
 * the caller's is not used.
 */
static int
store_looking_ahead(PgsyncRowBuffer *buffer, int first)
{
	while (first < buffer->nrows)
	{
		int			end = Min(buffer->nrows, first + buffer->look_ahead);

		first = store_unless_conflict(buffer, first, end);
		if (first < end)
		{
			buffer->look_ahead = 1;
			break;
		}
		buffer->look_ahead = Min(buffer->look_ahead * 2, buffer->max_rows);
	}
	return first;
}

/*
 * Stores the rows of a buffer, from one on.  Returns how many are dealt with:
 * all, or those before one that the caller is to deal with, before it goes on
 * behind that.
 */
int
pgsync_row_buffer_store(PgsyncRowBuffer *buffer, int first)
{
	PgsyncPlace *place = buffer->run->place;
	int			end = buffer->nrows;

	if (first == buffer->nrows)
		return first;
	place->storing_first = buffer->numbers[first];
	place->storing_last = buffer->numbers[buffer->nrows - 1];
	if (buffer->conflicts != NULL)
		end = store_looking_ahead(buffer, first);
	else
		store_all(buffer);
	place->storing_first = place->storing_last = 0;
	return end;
}

/* Empties a buffer whose rows are done with. */
void
pgsync_row_buffer_reset(PgsyncRowBuffer *buffer)
{
	for (int i = 0; i < buffer->nrows; i++)
		ExecClearTuple(buffer->slots[i]);
	buffer->nrows = 0;
	buffer->nbytes = 0;
	buffer->last_stored = -1;
	MemoryContextReset(buffer->mcxt);
}

/* Frees a buffer whose rows have been stored. */
void
pgsync_row_buffer_free(PgsyncRowBuffer *buffer)
{
	Assert(buffer->nrows == 0);
	FreeBulkInsertState(buffer->bistate);
	if (buffer->conflicts != NULL)
		pgsync_conflicts_free(buffer->conflicts);
	if (buffer->indexes != NULL)
		pgsync_index_batch_free(buffer->indexes);
	for (int i = 0; i < buffer->nslots; i++)
		ExecDropSingleTupleTableSlot(buffer->slots[i]);
	if (buffer->desc != NULL)
		FreeTupleDesc(buffer->desc);
	table_finish_bulk_insert(buffer->resultRelInfo->ri_RelationDesc,
							 buffer->options);
	MemoryContextDelete(buffer->mcxt);
	if (buffer->recheck != NULL)
		pfree(buffer->recheck);
	list_free(buffer->key_columns);
	pfree(buffer);
}
