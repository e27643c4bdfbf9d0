/*-------------------------------------------------------------------------
 *
 * sink_stream.c
 *	  Stores rows by running the INSERT statement as it was planned.
 *
 * The scan of pgsync_rows gets its tuples from the feed instead of from a
 * tuplestore, so that a row is read just before it is inserted.  That takes a
 * plan that reads pgsync_rows once, from start to end:
 *
 *		ModifyTable -> [Result ->] NamedTuplestoreScan
 *
 * Anything else is sink_spool.c's.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/partitions.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "sink/heap_new_rows.h"
#include "sink/heap_update.h"
#include "sink/sinks.h"
#include "utils/rel.h"

/* Returns whether a node only passes its one child's tuples on. */
static bool
passes_on(NodeTag tag)
{
	return tag == T_Result || tag == T_SubqueryScan || tag == T_ProjectSet;
}

/* Returns whether a plan reads pgsync_rows once, from start to end. */
bool
pgsync_plan_reads_once(PlannedStmt *plan)
{
	Plan	   *node = plan->planTree;
	int			nscans = 0;
	ListCell   *cell;

	if (!IsA(node, ModifyTable) || plan->hasModifyingCTE)
		return false;
	/* an ON CONFLICT clause might read pgsync_rows in a subquery */
	foreach(cell, plan->rtable)
	{
		if (lfirst_node(RangeTblEntry, cell)->rtekind == RTE_NAMEDTUPLESTORE)
			nscans++;
	}
	if (nscans != 1)
		return false;
	node = outerPlan(node);
	while (passes_on(nodeTag(node)))
	{
		node = IsA(node, SubqueryScan) ?
			((SubqueryScan *) node)->subplan : outerPlan(node);
		if (node == NULL)
			return false;
	}
	return IsA(node, NamedTuplestoreScan);
}

/* Returns whether the plan can be fed; see PgsyncSinkRoutine. */
static bool
stream_fits(const PgsyncRun *run)
{
	return run->plan != NULL && pgsync_plan_reads_once(run->plan);
}

/*
 * Fetches the next row into the scan's slot; an access method of ExecScan.
 *
 * The values live in the scan's per-tuple memory, which ExecScan resets
 * before it fetches again.
 */
static TupleTableSlot *
stream_next(ScanState *node)
{
	PgsyncRun  *run = pgsync_run_of(node->ps.state);
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	MemoryContext oldcontext;
	Datum	   *values = run->values;
	bool	   *nulls = run->nulls;
	bool		found;

	ExecClearTuple(slot);
	if (run->has_row)
		pgsync_run_fire_triggers(run);
	oldcontext = MemoryContextSwitchTo(node->ps.ps_ExprContext->ecxt_per_tuple_memory);
	run->has_row = found = run->feed->next(run->feed, values, nulls);
	MemoryContextSwitchTo(oldcontext);
	if (!found)
		return slot;			/* empty: no more rows */

	pgsync_run_begin_triggers(run);
	for (int i = 0; i < run->ncolumns; i++)
	{
		slot->tts_values[i] = values[run->columns[i] - 1];
		slot->tts_isnull[i] = nulls[run->columns[i] - 1];
	}
	return ExecStoreVirtualTuple(slot);
}

/* Nothing to recheck: the rows are the statement's own. */
static bool
stream_recheck(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

/* Stands in for ExecNamedTuplestoreScan. */
static TupleTableSlot *
stream_exec(PlanState *pstate)
{
	return ExecScan((ScanState *) pstate, stream_next, stream_recheck);
}

/*
 * Returns whether rows may be sent in batches, so that an error need not be
 * the last row's.
 */
static bool
sends_batches(QueryDesc *queryDesc)
{
	ModifyTableState *mtstate = castNode(ModifyTableState,
										 queryDesc->planstate);
	ResultRelInfo *resultRelInfo = mtstate->resultRelInfo;

	if (resultRelInfo->ri_BatchSize > 1)
		return true;
	return pgsync_has_foreign_partition(resultRelInfo->ri_RelationDesc, true);
}

/* Has the started plan pull its rows from the feed. */
static void
install(PgsyncRun *run)
{
	int			natts = Max(run->target->natts, 1);
	PlanState  *node = outerPlanState(run->queryDesc->planstate);

	while (!IsA(node, NamedTuplestoreScanState))
		node = IsA(node, SubqueryScanState) ?
			((SubqueryScanState *) node)->subplan : outerPlanState(node);
	ExecSetExecProcNode(node, stream_exec);
	run->place->batched = sends_batches(run->queryDesc);
	run->has_row = false;
	run->waits = false;
	run->new_rows = NULL;
	run->values = palloc(sizeof(Datum) * natts);
	run->nulls = palloc(sizeof(bool) * natts);
}

/*
 * Has rows that are there already updated in the shortest way, where that
 * gives the same result.
 */
static void
install_updater(PgsyncRun *run)
{
	run->updater = pgsync_updater_install(run->queryDesc);
	elog(DEBUG1, "rows of \"%s\" are updated by %s",
		 RelationGetRelationName(run->target->rel),
		 run->updater != NULL ? "pgsync" : "the executor");
}

/* Has new rows wait for each other, where that gives the same result. */
static void
install_new_rows(PgsyncRun *run)
{
	run->new_rows = pgsync_new_rows_install(run);
	elog(DEBUG1, "new rows of \"%s\" are stored %s",
		 RelationGetRelationName(run->target->rel),
		 run->new_rows != NULL ? "many at a time" : "one by one");
}

/* Runs the plan, row by row; see PgsyncSinkRoutine. */
static void
stream_run(PgsyncRun *run, DestReceiver *dest)
{
	pgsync_run_start_plan(run, dest);
	install(run);
	if (run->one_by_one && run->expects_conflicts)
		install_updater(run);
	else if (run->holds_rows)
		install_new_rows(run);
	pgsync_run_execute_plan(run);
	if (run->new_rows != NULL)
		pgsync_new_rows_free(run->new_rows);
	run->new_rows = NULL;
	if (run->updater != NULL)
		pgsync_updater_free(run->updater);
	run->updater = NULL;
	pgsync_run_finish_plan(run);
}

const PgsyncSinkRoutine pgsync_stream_sink = {
	.name = "stream",
	.fits = stream_fits,
	.run = stream_run,
};
