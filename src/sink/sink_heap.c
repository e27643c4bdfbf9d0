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
#include "sink/heap_buffer.h"
#include "sink/may_look.h"
#include "sink/sinks.h"
#include "utils/memutils.h"
#include "utils/rel.h"

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

/* A stored row whose AFTER ROW triggers are to be queued */
typedef struct StoredRow
{
	uint64		number;
	PgsyncRowBuffer *buffer;
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

/* Makes a buffer for a relation; its ResultRelInfo points back to it. */
static PgsyncRowBuffer *
create_buffer(HeapSink *sink, ResultRelInfo *resultRelInfo)
{
	PgsyncRowBuffer *buffer;

	/* heap_check.c has looked; it may have been attached since */
	if (resultRelInfo->ri_FdwRoutine != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("foreign partition \"%s\" was attached while rows were being inserted",
						RelationGetRelationName(resultRelInfo->ri_RelationDesc)),
				 errhint("Try again.")));

	buffer = pgsync_row_buffer_create(sink->run, resultRelInfo,
									  sink->skips_conflicts ?
									  PGSYNC_CONFLICT_SKIPPED :
									  PGSYNC_CONFLICT_FAILS,
									  sink->mtstate->mt_partition_tuple_routing != NULL);
	sink->ordered |= buffer->recheck != NULL;
	resultRelInfo->ri_CopyMultiInsertBuffer =
		(struct CopyMultiInsertBuffer *) buffer;
	sink->buffers = lappend(sink->buffers, buffer);
	return buffer;
}

/* Frees a buffer whose rows have been stored. */
static void
free_buffer(PgsyncRowBuffer *buffer)
{
	buffer->resultRelInfo->ri_CopyMultiInsertBuffer = NULL;
	pgsync_row_buffer_free(buffer);
}

/* Returns the buffer of a relation, making it if there is none. */
static inline PgsyncRowBuffer *
buffer_of(HeapSink *sink, ResultRelInfo *resultRelInfo)
{
	if (resultRelInfo->ri_CopyMultiInsertBuffer != NULL)
		return (PgsyncRowBuffer *) resultRelInfo->ri_CopyMultiInsertBuffer;
	return create_buffer(sink, resultRelInfo);
}

/* Empties a buffer whose rows are done with. */
static void
reset_buffer(HeapSink *sink, PgsyncRowBuffer *buffer)
{
	sink->total_rows -= buffer->nrows;
	sink->total_bytes -= buffer->nbytes;
	pgsync_row_buffer_reset(buffer);
}

/* Stores the rows of one buffer; if their triggers wait, so does the rest. */
static void
flush_buffer(HeapSink *sink, PgsyncRowBuffer *buffer)
{
	if (buffer->nrows == 0)
		return;
	pgsync_row_buffer_store(buffer, 0);
	sink->nconflicts += buffer->nconflicts;
	buffer->nconflicts = 0;

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
		PgsyncRowBuffer *buffer = lfirst(cell);

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
		pgsync_row_buffer_queue_triggers(rows[i].buffer, rows[i].index,
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

/* Counts a checked row into its buffer, and stores what has become enough. */
static inline void
add_row(HeapSink *sink, PgsyncRowBuffer *buffer, TupleTableSlot *slot)
{
	Size		size = pgsync_row_buffer_size(buffer, slot);

	sink->total_rows++;
	sink->total_bytes += size;
	if (pgsync_row_buffer_add(buffer, size))
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
	PgsyncRowBuffer *buffer = buffer_of(sink, resultRelInfo);

	for (;;)
	{
		TupleTableSlot *slot = pgsync_row_buffer_next_slot(buffer);
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
copy_to_leaf(HeapSink *sink, PgsyncRowBuffer *buffer, TupleTableSlot *slot)
{
	TupleConversionMap *map = pgsync_root_to_child_map(buffer->resultRelInfo,
													   sink->estate);
	TupleTableSlot *leaf_slot = pgsync_row_buffer_next_slot(buffer);

	if (map != NULL)
		return execute_attr_map_slot(map->attrMap, slot, leaf_slot);
	return ExecCopySlot(leaf_slot, slot);
}

/*
 * Stores all earlier rows if the buffer's next one is to see them; returns the
 * buffer of its relation, which may be another one then.
 */
static inline PgsyncRowBuffer *
empty_if_alone(HeapSink *sink, PgsyncRowBuffer *buffer)
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
		PgsyncRowBuffer *buffer;
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
