/*-------------------------------------------------------------------------
 *
 * sink_heap.c
 *	  Stores rows straight into the table, many at a time.
 *
 * Takes the place of the started plan's ModifyTable node, and does with the
 * rows what that node would: defaults come with the feed, generated columns,
 * constraints, partition bounds, indexes and triggers are the executor's own
 * functions on the node's own ResultRelInfos.  Only the storing differs:
 * rows are buffered for each relation, the target or the leaf partitions
 * that they are routed to, and stored by table_multi_insert, as core's
 * copyfrom.c does.  When this gives the same result is heap_check.c's
 * business.
 *
 *		feed -> buffer of a relation -> table_multi_insert -> indexes
 *			-> AFTER ROW triggers queued
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "sink/heap_conflict.h"
#include "sink/heap_foreign_key.h"
#include "sink/heap_together.h"
#include "miscadmin.h"
#include "sink/index_batch.h"
#include "sink/may_look.h"
#include "sink/sinks.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * A buffer is stored when it has this many rows or bytes of input, as in
 * copyfrom.c: by then what is done once a batch no longer shows beside what is
 * done once a row, and the values still fit a processor's cache.
 */
#define MAX_BUFFERED_ROWS	1000
#define MAX_BUFFERED_BYTES	65535

/*
 * ... or when its values take this much memory: a default or a jsonb may be
 * much larger than the input that it came of.
 */
#define MAX_VALUE_BYTES		(1024 * 1024)

/*
 * What a buffer's slots may take.  A row of 1600 columns needs 14 kB of them,
 * whatever its values are: 1000 such slots would be as much as a small
 * server's work_mem.
 */
#define MAX_SLOT_BYTES		(256 * 1024)

/*
 * All buffers are stored when together they have this much.  It is a few full
 * buffers, so that rows spread over many partitions still come in batches,
 * while memory stays that of a batch.
 */
#define MAX_TOTAL_ROWS		4096
#define MAX_TOTAL_BYTES		(1024 * 1024)

/*
 * There never are more buffers than this, each with a memory context and a
 * few slots: beyond, a row has a partition of its own, and batches none.
 */
#define MAX_BUFFERS			512

/*
 * How many buffers are kept after all have been stored: as many as are likely
 * to get rows again, with rows coming in clusters.  More are made when needed.
 */
#define MAX_KEPT_BUFFERS	64

/* Rows on their way into one relation */
typedef struct RowBuffer
{
	ResultRelInfo *resultRelInfo;
	BulkInsertState bistate;
	PgsyncConflicts *conflicts; /* if not NULL, a row may be kept out */
	PgsyncIndexBatch *indexes;	/* if NULL, core makes index entries */
	int			options;		/* of table_multi_insert */
	int			nrows;
	int			max_rows;
	int			nslots;			/* slots made so far */
	Size		nbytes;
	MemoryContext mcxt;			/* the rows' values until they are stored */
	bool		goes_alone;		/* must its rows go in one by one? */
	bool		has_before;		/* BEFORE ROW triggers */
	bool		has_triggers;	/* AFTER ROW ones, foreign keys among them */
	List	   *key_columns;	/* if not NIL, rows equal in them are checked
								 * with the one before */
	int			last_stored;	/* index of the row before, or -1 */
	List	  **recheck;		/* indexes to recheck, while triggers wait */
	uint64		numbers[MAX_BUFFERED_ROWS];
	TupleTableSlot *slots[MAX_BUFFERED_ROWS];
} RowBuffer;

/* A stored row whose AFTER ROW triggers are to be queued */
typedef struct StoredRow
{
	uint64		number;
	RowBuffer  *buffer;
	int			index;
} StoredRow;

typedef struct HeapSink
{
	PgsyncRun  *run;
	ModifyTableState *mtstate;
	EState	   *estate;
	PgsyncFeed *feed;
	PgsyncPlace *place;
	bool		skips_conflicts;	/* ON CONFLICT DO NOTHING */
	uint64		nconflicts;		/* rows that it kept out */
	List	   *buffers;		/* oldest first */
	bool		ordered;		/* must triggers of leaves wait for others? */
	int			total_rows;
	Size		total_bytes;
} HeapSink;

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
note_reasons(RowBuffer *buffer)
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
waits_by_row(HeapSink *sink, RowBuffer *buffer)
{
	return buffer->has_triggers && sink->run->fires_by_row;
}

/* Returns whether index entries of the buffer's rows can be made at once. */
static bool
batches_indexes(HeapSink *sink, RowBuffer *buffer)
{
	if (buffer->max_rows == 1)
		return false;
	return buffer->conflicts == NULL ||
		(!waits_by_row(sink, buffer) &&
		 pgsync_conflicts_fit_together(buffer->conflicts));
}

/* Makes a buffer for a relation; its ResultRelInfo points back to it. */
static RowBuffer *
create_buffer(HeapSink *sink, ResultRelInfo *resultRelInfo)
{
	Relation	rel = resultRelInfo->ri_RelationDesc;
	RowBuffer  *buffer = palloc0(sizeof(RowBuffer));
	Size		slot_bytes = sizeof(BufferHeapTupleTableSlot) +
	RelationGetDescr(rel)->natts * (sizeof(Datum) + sizeof(bool));
	bool		triggers_order;

	/* heap_check.c has looked; it may have been attached since */
	if (resultRelInfo->ri_FdwRoutine != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("foreign partition \"%s\" was attached while rows were being inserted",
						RelationGetRelationName(rel)),
				 errhint("Retry the call.")));

	if (rel->rd_rel->relhasindex &&
		resultRelInfo->ri_IndexRelationDescs == NULL)
		ExecOpenIndices(resultRelInfo, sink->skips_conflicts);
	buffer->resultRelInfo = resultRelInfo;
	buffer->bistate = GetBulkInsertState();
	buffer->options = insert_options(rel);
	buffer->max_rows = Max(1, Min(MAX_BUFFERED_ROWS,
								  MAX_SLOT_BYTES / slot_bytes));
	buffer->has_triggers = resultRelInfo->ri_TrigDesc != NULL &&
		resultRelInfo->ri_TrigDesc->trig_insert_after_row;
	note_reasons(buffer);
	triggers_order = buffer->has_triggers &&
		sink->mtstate->mt_partition_tuple_routing != NULL;
	if (sink->skips_conflicts)
	{
		buffer->conflicts = pgsync_conflicts_create(resultRelInfo,
													sink->estate);

		/*
		 * Rows that may wait for others' are stored in the order that they
		 * come in: then those who load in the same order do not deadlock.
		 * Within one relation batches keep that order, triggers included.
		 */
		if (sink->mtstate->mt_partition_tuple_routing != NULL)
			buffer->max_rows = 1;
	}
	else if (triggers_order)
	{
		buffer->recheck = palloc(sizeof(List *) * buffer->max_rows);
		sink->ordered = true;
	}
	buffer->last_stored = -1;
	if (buffer->recheck == NULL && !buffer->goes_alone &&
		!sink->run->fires_by_row)
		buffer->key_columns = pgsync_foreign_key_columns(resultRelInfo,
														 sink->estate);
	if (batches_indexes(sink, buffer))
		buffer->indexes = pgsync_index_batch_create(resultRelInfo,
													sink->estate,
													waits_by_row(sink,
																 buffer));
	buffer->mcxt = AllocSetContextCreate(CurrentMemoryContext,
										 "pgsync buffered rows",
										 ALLOCSET_DEFAULT_SIZES);
	resultRelInfo->ri_CopyMultiInsertBuffer =
		(struct CopyMultiInsertBuffer *) buffer;
	sink->buffers = lappend(sink->buffers, buffer);
	return buffer;
}

/* Frees a buffer whose rows have been stored. */
static void
free_buffer(RowBuffer *buffer)
{
	Assert(buffer->nrows == 0);
	buffer->resultRelInfo->ri_CopyMultiInsertBuffer = NULL;
	FreeBulkInsertState(buffer->bistate);
	if (buffer->conflicts != NULL)
		pgsync_conflicts_free(buffer->conflicts);
	if (buffer->indexes != NULL)
		pgsync_index_batch_free(buffer->indexes);
	for (int i = 0; i < buffer->nslots; i++)
		ExecDropSingleTupleTableSlot(buffer->slots[i]);
	table_finish_bulk_insert(buffer->resultRelInfo->ri_RelationDesc,
							 buffer->options);
	MemoryContextDelete(buffer->mcxt);
	if (buffer->recheck != NULL)
		pfree(buffer->recheck);
	list_free(buffer->key_columns);
	pfree(buffer);
}

/* Returns the buffer of a relation, making it if there is none. */
static inline RowBuffer *
buffer_of(HeapSink *sink, ResultRelInfo *resultRelInfo)
{
	if (resultRelInfo->ri_CopyMultiInsertBuffer != NULL)
		return (RowBuffer *) resultRelInfo->ri_CopyMultiInsertBuffer;
	return create_buffer(sink, resultRelInfo);
}

/* Returns the slot that the buffer's next row goes into, empty. */
static inline TupleTableSlot *
next_slot(RowBuffer *buffer)
{
	if (buffer->nrows == buffer->nslots)
		buffer->slots[buffer->nslots++] =
			table_slot_create(buffer->resultRelInfo->ri_RelationDesc, NULL);
	return ExecClearTuple(buffer->slots[buffer->nrows]);
}

/*
 * Queues the AFTER ROW triggers of a stored row, if it needs its own, and
 * fires them if they are not to wait for the statement's end.
 */
static inline void
queue_triggers(HeapSink *sink, RowBuffer *buffer, int index, List *recheck)
{
	int			before = buffer->last_stored;

	buffer->last_stored = index;
	pgsync_run_begin_triggers(sink->run);
	if (before < 0 || buffer->key_columns == NIL ||
		!pgsync_same_foreign_keys(buffer->key_columns, buffer->slots[index],
								  buffer->slots[before]))
		ExecARInsertTriggers(sink->estate, buffer->resultRelInfo,
							 buffer->slots[index], recheck, NULL);
	list_free(recheck);
	pgsync_run_fire_triggers(sink->run);
	ResetPerTupleExprContext(sink->estate);
}

/*
 * Makes a stored row's index entries, and queues its triggers unless they
 * wait for those of earlier rows in other leaves.
 */
static inline void
finish_row(HeapSink *sink, RowBuffer *buffer, int index)
{
	ResultRelInfo *resultRelInfo = buffer->resultRelInfo;
	List	   *recheck = NIL;

	if (buffer->indexes != NULL)
		recheck = pgsync_index_batch_finish_row(buffer->indexes, index);
	else if (resultRelInfo->ri_NumIndices > 0)
		recheck = pgsync_insert_index_tuples(resultRelInfo,
											 buffer->slots[index],
											 sink->estate, false, false, NULL,
											 NIL, false);
	if (buffer->recheck != NULL)
		buffer->recheck[index] = recheck;
	else if (buffer->has_triggers)
		queue_triggers(sink, buffer, index, recheck);
	ResetPerTupleExprContext(sink->estate);
}

/* Empties a buffer whose rows are done with. */
static void
reset_buffer(HeapSink *sink, RowBuffer *buffer)
{
	for (int i = 0; i < buffer->nrows; i++)
		ExecClearTuple(buffer->slots[i]);
	sink->total_rows -= buffer->nrows;
	sink->total_bytes -= buffer->nbytes;
	buffer->nrows = 0;
	buffer->nbytes = 0;
	buffer->last_stored = -1;
	MemoryContextReset(buffer->mcxt);
}

/*
 * Prepares the index entries of rows, and stores the rows together with the
 * unique ones, if that can be done.
 */
static bool
store_together(HeapSink *sink, RowBuffer *buffer, TupleTableSlot **slots,
			   const uint64 *numbers, int nrows)
{
	PgsyncRows	rows = {slots, numbers, nrows, sink->place};

	return buffer->indexes != NULL &&
		pgsync_index_batch_prepare(buffer->indexes, slots, nrows,
								   buffer->conflicts != NULL) &&
		pgsync_store_together(buffer->indexes, &rows,
							  buffer->resultRelInfo->ri_RelationDesc,
							  sink->estate->es_output_cid, buffer->options,
							  NULL);
}

/* Stores the rows of a buffer, all at once. */
static void
store_all(HeapSink *sink, RowBuffer *buffer)
{
	PgsyncPlace *place = sink->place;
	MemoryContext oldcontext;

	/* table_multi_insert leaks into the current context */
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(sink->estate));
	if (!store_together(sink, buffer, buffer->slots, buffer->numbers,
						buffer->nrows))
		table_multi_insert(buffer->resultRelInfo->ri_RelationDesc,
						   buffer->slots, buffer->nrows,
						   sink->estate->es_output_cid, buffer->options,
						   buffer->bistate);
	MemoryContextSwitchTo(oldcontext);

	if (buffer->indexes != NULL)
		pgsync_index_batch_begin(buffer->indexes);
	for (int i = 0; i < buffer->nrows; i++)
	{
		place->storing_first = place->storing_last = buffer->numbers[i];
		finish_row(sink, buffer, i);
	}
	if (buffer->indexes != NULL)
		pgsync_index_batch_end(buffer->indexes);
	sink->estate->es_processed += buffer->nrows;
}

/*
 * Finishes the rows that have been stored of some of a buffer: those that
 * nothing was in the way of.
 */
static void
finish_new_rows(HeapSink *sink, RowBuffer *buffer, int first, int end,
				const bool *in_the_way)
{
	PgsyncPlace *place = sink->place;
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
			queue_triggers(sink, buffer, i, recheck);
		ResetPerTupleExprContext(sink->estate);
	}
}

/*
 * Stores those of a buffer's rows, from *next on, that nothing is in the way
 * of, up to one of which that cannot be told yet: that is *next then.  False
 * if this could not be done.
 */
static bool
store_new_rows(HeapSink *sink, RowBuffer *buffer, int *next)
{
	int			first = *next;
	bool		in_the_way[MAX_BUFFERED_ROWS];
	TupleTableSlot *slots[MAX_BUFFERED_ROWS];
	uint64		numbers[MAX_BUFFERED_ROWS];
	int			nrows = 0;
	int			end = pgsync_conflicts_look(buffer->conflicts, buffer->slots,
											first, buffer->nrows, in_the_way);
	MemoryContext oldcontext;
	bool		stored;

	for (int i = first; i < end; i++)
	{
		if (in_the_way[i])
			continue;
		slots[nrows] = buffer->slots[i];
		numbers[nrows++] = buffer->numbers[i];
	}
	oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(sink->estate));
	stored = nrows == 0 || store_together(sink, buffer, slots, numbers, nrows);
	MemoryContextSwitchTo(oldcontext);
	if (stored && nrows > 0)
		finish_new_rows(sink, buffer, first, end, in_the_way);
	pgsync_index_batch_end(buffer->indexes);
	ResetPerTupleExprContext(sink->estate);
	if (!stored)
	{
		pgsync_conflicts_forget(buffer->conflicts);
		return false;
	}
	sink->estate->es_processed += nrows;
	sink->nconflicts += end - first - nrows;
	*next = end;
	return true;
}

/* Stores a buffer's row unless another is in its way. */
static void
store_row_unless_conflict(HeapSink *sink, RowBuffer *buffer, int i)
{
	PgsyncPlace *place = sink->place;
	List	   *recheck;

	place->storing_first = place->storing_last = buffer->numbers[i];
	if (pgsync_conflicts_insert(buffer->conflicts, buffer->slots[i], i,
								&recheck))
	{
		sink->estate->es_processed++;
		if (buffer->has_triggers)
			queue_triggers(sink, buffer, i, recheck);
	}
	else
		sink->nconflicts++;
	ResetPerTupleExprContext(sink->estate);
}

/*
 * Stores those rows of a buffer that nothing is in the way of: together as far
 * as that goes, and one by one from where it does not.
 */
static void
store_unless_conflict(HeapSink *sink, RowBuffer *buffer)
{
	bool		together = buffer->indexes != NULL;
	int			i = 0;

	pgsync_conflicts_begin_batch(buffer->conflicts, buffer->slots,
								 buffer->nrows);
	while (i < buffer->nrows)
	{
		if (together)
			together = store_new_rows(sink, buffer, &i);
		if (i < buffer->nrows)
			store_row_unless_conflict(sink, buffer, i++);
	}
	pgsync_conflicts_end_batch(buffer->conflicts);
}

/* Stores the rows of one buffer; if their triggers wait, so does the rest. */
static void
flush_buffer(HeapSink *sink, RowBuffer *buffer)
{
	PgsyncPlace *place = sink->place;

	if (buffer->nrows == 0)
		return;
	place->storing_first = buffer->numbers[0];
	place->storing_last = buffer->numbers[buffer->nrows - 1];
	if (buffer->conflicts != NULL)
		store_unless_conflict(sink, buffer);
	else
		store_all(sink, buffer);
	place->storing_first = place->storing_last = 0;

	/* many partitions must not keep as many pages pinned */
	if (list_length(sink->buffers) > 1)
		ReleaseBulkInsertStatePin(buffer->bistate);
	if (buffer->recheck == NULL)
		reset_buffer(sink, buffer);
}

/* Compares stored rows by their place in the input; for qsort. */
static int
compare_stored_rows(const void *a, const void *b)
{
	uint64		first = ((const StoredRow *) a)->number;
	uint64		second = ((const StoredRow *) b)->number;

	return first < second ? -1 : first > second;
}

/*
 * Queues the triggers that have waited, in the order of the input, as they
 * would be if each row had been stored when it came.
 */
static void
queue_in_order(HeapSink *sink)
{
	StoredRow  *rows = palloc(sizeof(StoredRow) * Max(sink->total_rows, 1));
	PgsyncPlace *place = sink->place;
	int			nrows = 0;
	ListCell   *cell;

	foreach(cell, sink->buffers)
	{
		RowBuffer  *buffer = lfirst(cell);

		for (int i = 0; i < buffer->nrows; i++, nrows++)
		{
			rows[nrows].number = buffer->numbers[i];
			rows[nrows].buffer = buffer;
			rows[nrows].index = i;
		}
	}
	qsort(rows, nrows, sizeof(StoredRow), compare_stored_rows);
	for (int i = 0; i < nrows; i++)
	{
		place->storing_first = place->storing_last = rows[i].number;
		queue_triggers(sink, rows[i].buffer, rows[i].index,
					   rows[i].buffer->recheck[rows[i].index]);
	}
	place->storing_first = place->storing_last = 0;
	pfree(rows);
	foreach(cell, sink->buffers)
		reset_buffer(sink, lfirst(cell));
}

/* Stores the rows of all buffers, and frees the oldest ones in excess. */
static void
flush_all(HeapSink *sink)
{
	ListCell   *cell;

	foreach(cell, sink->buffers)
		flush_buffer(sink, lfirst(cell));
	if (sink->ordered)
		queue_in_order(sink);
	while (list_length(sink->buffers) > MAX_KEPT_BUFFERS)
	{
		free_buffer(linitial(sink->buffers));
		sink->buffers = list_delete_first(sink->buffers);
	}
}

/* Does for a row what ExecInsert does before it stores it. */
static inline void
check_row(HeapSink *sink, ResultRelInfo *resultRelInfo, TupleTableSlot *slot,
		  bool routed)
{
	Relation	rel = resultRelInfo->ri_RelationDesc;
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	slot->tts_tableOid = RelationGetRelid(rel);
	if (constr != NULL)
	{
		if (constr->has_generated_stored)
			ExecComputeStoredGenerated(resultRelInfo, sink->estate, slot,
									   CMD_INSERT);
		ExecConstraints(resultRelInfo, slot, sink->estate);
	}
	/* routing has checked the bounds already */
	if (rel->rd_rel->relispartition && !routed)
		ExecPartitionCheck(resultRelInfo, slot, sink->estate, true);
}

/*
 * Returns a row's size: its input's, or the stored row's if that is known and
 * larger, as generated columns may make it.
 */
static inline Size
row_size(HeapSink *sink, TupleTableSlot *slot)
{
	Size		size = sink->feed->size;

	if (TTS_SHOULDFREE(slot) && TTS_IS_BUFFERTUPLE(slot))
		size = Max(size, ((HeapTupleTableSlot *) slot)->tuple->t_len);
	return size;
}

/* Counts a checked row into its buffer, and stores what has become enough. */
static inline void
add_row(HeapSink *sink, RowBuffer *buffer, TupleTableSlot *slot)
{
	Size		size = row_size(sink, slot);

	buffer->numbers[buffer->nrows++] = sink->feed->number;
	buffer->nbytes += size;
	sink->total_rows++;
	sink->total_bytes += size;
	if (buffer->nrows >= buffer->max_rows ||
		buffer->nbytes >= MAX_BUFFERED_BYTES ||
		MemoryContextMemAllocated(buffer->mcxt, true) >= MAX_VALUE_BYTES)
	{
		if (sink->ordered)
			flush_all(sink);
		else
			flush_buffer(sink, buffer);
	}
	else if (sink->total_rows >= MAX_TOTAL_ROWS ||
			 sink->total_bytes >= MAX_TOTAL_BYTES ||
			 list_length(sink->buffers) > MAX_BUFFERS)
		flush_all(sink);
}

/*
 * Inserts into an ordinary table.  The rows' values stay where they were
 * converted until the buffer is stored.
 */
static void
insert_plain(HeapSink *sink)
{
	ResultRelInfo *resultRelInfo = sink->mtstate->resultRelInfo;
	RowBuffer  *buffer = buffer_of(sink, resultRelInfo);

	for (;;)
	{
		TupleTableSlot *slot = next_slot(buffer);
		MemoryContext oldcontext = MemoryContextSwitchTo(buffer->mcxt);
		bool		found = sink->feed->next(sink->feed, slot->tts_values,
											 slot->tts_isnull);

		MemoryContextSwitchTo(oldcontext);
		if (!found)
			break;
		ExecStoreVirtualTuple(slot);
		check_row(sink, resultRelInfo, slot, false);
		ResetPerTupleExprContext(sink->estate);
		add_row(sink, buffer, slot);
	}
}

/*
 * Copies a row to a slot of the leaf it belongs to, in the leaf's layout.
 */
static TupleTableSlot *
copy_to_leaf(HeapSink *sink, RowBuffer *buffer, TupleTableSlot *slot)
{
	TupleConversionMap *map = pgsync_root_to_child_map(buffer->resultRelInfo,
													   sink->estate);
	TupleTableSlot *leaf_slot = next_slot(buffer);

	if (map != NULL)
		return execute_attr_map_slot(map->attrMap, slot, leaf_slot);
	return ExecCopySlot(leaf_slot, slot);
}

/*
 * Stores all earlier rows if the buffer's next one is to see them; returns the
 * buffer of its relation, which may be another one then.
 */
static inline RowBuffer *
empty_if_alone(HeapSink *sink, RowBuffer *buffer)
{
	ResultRelInfo *resultRelInfo = buffer->resultRelInfo;

	if (!buffer->goes_alone)
		return buffer;
	flush_all(sink);
	return buffer_of(sink, resultRelInfo);
}

/* Inserts into a partitioned table: each row goes to its leaf's buffer. */
static void
insert_routed(HeapSink *sink)
{
	ModifyTableState *mtstate = sink->mtstate;
	EState	   *estate = sink->estate;
	ResultRelInfo *root = mtstate->rootResultRelInfo;
	TupleTableSlot *root_slot = table_slot_create(root->ri_RelationDesc,
												  &estate->es_tupleTable);

	for (;;)
	{
		MemoryContext oldcontext;
		ResultRelInfo *leaf;
		RowBuffer  *buffer;
		TupleTableSlot *slot;
		bool		found;

		ResetPerTupleExprContext(estate);
		ExecClearTuple(root_slot);
		oldcontext = MemoryContextSwitchTo(GetPerTupleMemoryContext(estate));
		found = sink->feed->next(sink->feed, root_slot->tts_values,
								 root_slot->tts_isnull);
		MemoryContextSwitchTo(oldcontext);
		if (!found)
			break;
		ExecStoreVirtualTuple(root_slot);
		root_slot->tts_tableOid = RelationGetRelid(root->ri_RelationDesc);

		leaf = ExecFindPartition(mtstate, root,
								 mtstate->mt_partition_tuple_routing,
								 root_slot, estate);
		buffer = empty_if_alone(sink, buffer_of(sink, leaf));
		slot = copy_to_leaf(sink, buffer, root_slot);
		if (buffer->has_before && !ExecBRInsertTriggers(estate, leaf, slot))
			continue;
		/* they may have changed its partition key */
		check_row(sink, leaf, slot, !buffer->has_before);
		ExecMaterializeSlot(slot);
		add_row(sink, buffer, slot);
	}
}

/*
 * Counts the rows for EXPLAIN, if somebody (auto_explain) has asked for it:
 * those that the node below would have given, and the conflicts.
 */
static void
count_for_explain(HeapSink *sink)
{
	PlanState  *node = &sink->mtstate->ps;
	Instrumentation *below = outerPlanState(node)->instrument;

	if (below == NULL)
		return;
	InstrStartNode(below);
	InstrStopNode(below, sink->estate->es_processed + sink->nconflicts);
	InstrCountTuples2(node, sink->nconflicts);
}

/* Stands in for ExecModifyTable: inserts all rows, returns no tuple. */
static TupleTableSlot *
heap_sink_exec(PlanState *pstate)
{
	ModifyTableState *mtstate = castNode(ModifyTableState, pstate);
	PgsyncRun  *run = pgsync_run_of(pstate->state);
	HeapSink	sink = {0};
	ListCell   *cell;

	sink.run = run;
	sink.mtstate = mtstate;
	sink.estate = pstate->state;
	sink.feed = run->feed;
	sink.place = run->place;
	sink.skips_conflicts = ((ModifyTable *) pstate->plan)->onConflictAction ==
		ONCONFLICT_NOTHING;

	ExecBSInsertTriggers(sink.estate, mtstate->rootResultRelInfo);
	if (mtstate->mt_partition_tuple_routing != NULL)
		insert_routed(&sink);
	else
		insert_plain(&sink);
	flush_all(&sink);
	count_for_explain(&sink);
	ExecASInsertTriggers(sink.estate, mtstate->rootResultRelInfo,
						 mtstate->mt_transition_capture);

	foreach(cell, sink.buffers)
		free_buffer(lfirst(cell));
	list_free(sink.buffers);
	return NULL;
}

/*
 * Returns whether the heap sink may keep rows, and gives the plan's result;
 * see PgsyncSinkRoutine.
 */
static bool
heap_fits(const PgsyncRun *run)
{
	return pgsync_sink_setting == PGSYNC_SINK_AUTO &&
		run->plan != NULL && !run->feed->rows_are_brief &&
		pgsync_plan_reads_once(run->plan) &&
		!pgsync_expression_may_look((Node *) run->feed->expressions) &&
		pgsync_heap_sink_fits(run->target, run->plan);
}

/* Runs the plan with the sink as its ModifyTable; see PgsyncSinkRoutine. */
static void
heap_run(PgsyncRun *run, DestReceiver *dest)
{
	pgsync_run_start_plan(run, dest);
	ExecSetExecProcNode(run->queryDesc->planstate, heap_sink_exec);
	pgsync_run_execute_plan(run);
	pgsync_run_finish_plan(run);
}

const PgsyncSinkRoutine pgsync_heap_sink = {
	.name = "heap",
	.fills_identity = true,
	.fits = heap_fits,
	.run = heap_run,
};
