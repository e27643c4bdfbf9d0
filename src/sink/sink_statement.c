/*-------------------------------------------------------------------------
 *
 * sink_statement.c
 *	  Stores rows by running the INSERT statement as it was planned.
 *
 * Streamed, the scan of pgsync_rows gets its tuples from the feed instead of
 * from a tuplestore, so that a row is read just before it is inserted.  That
 * takes a plan that reads pgsync_rows once, from start to end:
 *
 *		ModifyTable -> [Result ->] NamedTuplestoreScan
 *
 * Anything else (rules that make several statements, another extension's
 * plan) gets the rows in a tuplestore, through SPI.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "partitioning/partdesc.h"
#include "sink/sinks.h"
#include "common/spi_util.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* Returns whether a node only passes its one child's tuples on. */
static bool
passes_on(NodeTag tag)
{
	return tag == T_Result || tag == T_SubqueryScan || tag == T_ProjectSet;
}

/* Returns whether the plan reads pgsync_rows once, from start to end. */
bool
pgsync_sink_stream_fits(PlannedStmt *plan)
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

/*
 * Fetches the next row into the scan's slot; an access method of ExecScan.
 *
 * The values live in the scan's per-tuple memory, which ExecScan resets
 * before it fetches again.
 */
static TupleTableSlot *
stream_next(ScanState *node)
{
	PgsyncStatement *statement = pgsync_statement_of(node->ps.state);
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	MemoryContext oldcontext;
	Datum	   *values;
	bool	   *nulls;
	bool		found;

	ExecClearTuple(slot);
	oldcontext = MemoryContextSwitchTo(node->ps.ps_ExprContext->ecxt_per_tuple_memory);
	values = statement->values;
	nulls = statement->nulls;
	found = statement->feed->next(statement->feed, values, nulls);
	MemoryContextSwitchTo(oldcontext);
	if (!found)
		return slot;			/* empty: no more rows */

	for (int i = 0; i < statement->ncolumns; i++)
	{
		slot->tts_values[i] = values[statement->columns[i] - 1];
		slot->tts_isnull[i] = nulls[statement->columns[i] - 1];
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
 * Returns whether a foreign table is, or might be, among the leaves of a
 * relation.
 */
static bool
has_foreign_leaf(Relation rel)
{
	PartitionDesc partdesc;
	bool		found = false;

	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	partdesc = RelationGetPartitionDesc(rel, true);
	for (int i = 0; i < partdesc->nparts && !found; i++)
	{
		if (partdesc->is_leaf[i])
			found = get_rel_relkind(partdesc->oids[i]) == RELKIND_FOREIGN_TABLE;
		else
		{
			Relation	child = pgsync_peek_partition(partdesc->oids[i]);

			found = child == NULL || has_foreign_leaf(child);
			if (child != NULL)
				table_close(child, AccessShareLock);
		}
	}
	return found;
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
	return has_foreign_leaf(resultRelInfo->ri_RelationDesc);
}

/* Has a started plan pull its rows from the feed. */
void
pgsync_sink_stream_install(QueryDesc *queryDesc)
{
	PgsyncStatement *statement = pgsync_statement_of(queryDesc->estate);
	PlanState  *node = outerPlanState(queryDesc->planstate);

	while (!IsA(node, NamedTuplestoreScanState))
		node = IsA(node, SubqueryScanState) ?
			((SubqueryScanState *) node)->subplan : outerPlanState(node);
	ExecSetExecProcNode(node, stream_exec);
	statement->feed->batched = sends_batches(queryDesc);
	statement->values = palloc(sizeof(Datum) * Max(statement->target->natts, 1));
	statement->nulls = palloc(sizeof(bool) * Max(statement->target->natts, 1));
}

/* Puts all rows of the feed into the tuplestore of pgsync_rows. */
static void
fill_tuplestore(PgsyncStatement *statement)
{
	PgsyncTarget *target = statement->target;
	TupleDesc	desc = statement->rows->md.tupdesc;
	Datum	   *values = palloc(sizeof(Datum) * Max(target->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(target->natts, 1));
	Datum	   *columns = palloc(sizeof(Datum) * Max(desc->natts, 1));
	bool	   *column_nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "pgsync spooled row",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(row_context);

	while (statement->feed->next(statement->feed, values, nulls))
	{
		for (int i = 0; i < statement->ncolumns; i++)
		{
			columns[i] = values[statement->columns[i] - 1];
			column_nulls[i] = nulls[statement->columns[i] - 1];
		}
		tuplestore_putvalues(statement->rows->reldata, desc, columns,
							 column_nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(row_context);
}

/*
 * Spools the rows, then runs the statement over them through SPI, which
 * knows what to do with whatever rules make of it.
 */
uint64
pgsync_sink_spool_run(PgsyncStatement *statement, DestReceiver *dest)
{
	SPIExecuteOptions options = {0};
	uint64		processed;
	int			rc;

	fill_tuplestore(statement);
	statement->rows->md.enrtuples = tuplestore_tuple_count(statement->rows->reldata);

	pgsync_spi_connect();
	rc = SPI_register_relation(statement->rows);
	if (rc != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed: %s",
			 SPI_result_code_string(rc));
	options.params = statement->params;
	options.dest = dest;
	rc = SPI_execute_extended(statement->query, &options);
	if (rc < 0)
		elog(ERROR, "SPI_execute_extended failed: %s",
			 SPI_result_code_string(rc));
	processed = SPI_processed;
	pgsync_spi_finish();
	return processed;
}
