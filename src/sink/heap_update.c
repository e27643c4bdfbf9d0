/*-------------------------------------------------------------------------
 *
 * heap_update.c
 *	  ON CONFLICT DO UPDATE without the executor's detour.
 *
 * For a row that conflicts, core's ExecInsert (nodeModifyTable.c) starts a
 * scan of the index, locks the row found, and then updates it.  Here a row
 * that is simply there is found by a scan that stays open (heap_probe.c) and
 * updated at once: an UPDATE of its newest version needs no lock before it.
 *
 * This stands between the started plan's ModifyTable and the node below it:
 *
 *		node below -> is the row simply there?
 *			yes -> update it here, go on with the next row
 *			no -> ModifyTable inserts or updates, as if we were not there
 *
 * If another session has updated or deleted the row meanwhile, it is
 * ModifyTable's as well.  Everything evaluated for a row is the plan's own:
 * its constraints as it would be inserted, SET and WHERE, its constraints
 * again, triggers.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "executor/nodeModifyTable.h"
#include "sink/heap_probe.h"
#include "sink/heap_update.h"
#include "sink/heap_version.h"
#include "sink/may_look.h"
#include "row/run.h"
#include "utils/memutils.h"
#include "utils/rel.h"

struct PgsyncUpdater
{
	ModifyTableState *mtstate;
	ExecProcNodeMtd next_row;	/* of the node below ModifyTable */
	PgsyncProbes *probes;
	TupleTableSlot *proposed;	/* the row as it would be inserted */
	double		seen_conflicts; /* of all rows but the last one */
};

/* Returns whether nothing runs for a row that only ModifyTable knows of. */
static bool
triggers_fit(ModifyTableState *mtstate)
{
	TriggerDesc *triggers = mtstate->resultRelInfo->ri_TrigDesc;

	if (mtstate->mt_transition_capture != NULL ||
		mtstate->mt_oc_transition_capture != NULL)
		return false;
	return triggers == NULL ||
		(!triggers->trig_insert_before_row &&
		 !triggers->trig_update_before_row);
}

/* Returns whether the rows of the node below are laid out as the table's. */
bool
pgsync_rows_are_laid_out(ModifyTableState *mtstate)
{
	ListCell   *cell;

	foreach(cell, outerPlan(mtstate->ps.plan)->targetlist)
	{
		if (lfirst_node(TargetEntry, cell)->resjunk)
			return false;
	}
	return true;
}

/*
 * Returns whether rows of a started plan can be updated here: an ordinary
 * table that is nobody's partition, without row-level security; no snapshot
 * of the whole transaction's, with which a conflict may be an error; and no
 * CHECK that would notice if it were evaluated twice.
 */
static bool
updater_fits(ModifyTableState *mtstate)
{
	ModifyTable *node = (ModifyTable *) mtstate->ps.plan;
	ResultRelInfo *resultRelInfo = mtstate->resultRelInfo;
	Form_pg_class form = resultRelInfo->ri_RelationDesc->rd_rel;

	return pgsync_sink_setting == PGSYNC_SINK_AUTO &&
		node->onConflictAction == ONCONFLICT_UPDATE &&
		node->returningLists == NIL &&
		form->relkind == RELKIND_RELATION && !form->relispartition &&
		resultRelInfo->ri_WithCheckOptions == NIL &&
		!IsolationUsesXactSnapshot() &&
		triggers_fit(mtstate) && pgsync_rows_are_laid_out(mtstate) &&
		!pgsync_checks_may_look(resultRelInfo->ri_RelationDesc, NULL) &&
		list_length(resultRelInfo->ri_onConflictArbiterIndexes) == 1;
}

/* Makes the row as it would be inserted, and checks it as INSERT does. */
static void
make_proposed_row(PgsyncUpdater *updater, TupleTableSlot *row)
{
	TupleTableSlot *slot = updater->proposed;
	int			natts = slot->tts_tupleDescriptor->natts;

	slot_getallattrs(row);
	memcpy(slot->tts_values, row->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, row->tts_isnull, natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	pgsync_check_new_version(updater->mtstate->resultRelInfo,
							 updater->mtstate->ps.state, slot, CMD_INSERT);
}

/* Makes the row's new version out of the existing one and the proposed one */
static TupleTableSlot *
make_new_version(PgsyncUpdater *updater, TupleTableSlot *existing)
{
	ResultRelInfo *resultRelInfo = updater->mtstate->resultRelInfo;
	ExprContext *econtext = updater->mtstate->ps.ps_ExprContext;
	TupleTableSlot *slot;

	econtext->ecxt_scantuple = existing;
	econtext->ecxt_innertuple = updater->proposed;
	econtext->ecxt_outertuple = NULL;
	slot = ExecProject(resultRelInfo->ri_onConflict->oc_ProjInfo);
	pgsync_check_new_version(resultRelInfo, updater->mtstate->ps.state, slot,
							 CMD_UPDATE);
	return slot;
}

/*
 * Updates the row that is there already for this one's key.  False if there
 * is none, or if it is ModifyTable's business.
 */
static bool
update_row(PgsyncUpdater *updater, TupleTableSlot *row)
{
	ModifyTableState *mtstate = updater->mtstate;
	TupleTableSlot *existing;
	TupleTableSlot *new_version;
	ItemPointerData tid;
	bool		updated;

	existing = pgsync_probe_existing(updater->probes, row);
	if (existing == NULL)
		return false;
	make_proposed_row(updater, row);
	new_version = make_new_version(updater, existing);
	ExecMaterializeSlot(new_version);
	tid = existing->tts_tid;
	/* nobody must wait for a page of ours while we wait for a row */
	pgsync_probes_release(updater->probes);
	updated = pgsync_store_new_version(mtstate->resultRelInfo,
									   mtstate->ps.state, &tid, new_version);
	if (updated)
	{
		mtstate->ps.state->es_processed++;
		InstrCountTuples2(&mtstate->ps, 1);
	}
	ExecClearTuple(updater->proposed);
	ResetExprContext(mtstate->ps.ps_ExprContext);
	ResetPerTupleExprContext(mtstate->ps.state);
	return updated;
}

/*
 * Stands in for the node below ModifyTable.  A row is looked for only if the
 * one before it was there: rows come new, or known, in runs.
 */
static TupleTableSlot *
updater_exec(PlanState *pstate)
{
	PgsyncRun  *run = pgsync_run_of(pstate->state);
	PgsyncUpdater *updater = run->updater;
	Instrumentation *instrument = updater->mtstate->ps.instrument;

	for (;;)
	{
		bool		was_there = instrument->ntuples2 > updater->seen_conflicts;
		TupleTableSlot *row;

		updater->seen_conflicts = instrument->ntuples2;
		row = updater->next_row(pstate);
		/* one that updates nothing is locked, by ModifyTable */
		if (TupIsNull(row) || !was_there || !run->row_updates ||
			!update_row(updater, row))
			return row;
	}
}

/*
 * Stands between a started plan's ModifyTable and its rows, if that gives
 * the same result; else returns NULL.  The plan counts its conflicts
 * (INSTRUMENT_ROWS).
 */
PgsyncUpdater *
pgsync_updater_install(QueryDesc *queryDesc)
{
	ModifyTableState *mtstate = castNode(ModifyTableState,
										 queryDesc->planstate);
	ResultRelInfo *resultRelInfo = mtstate->resultRelInfo;
	PlanState  *below = outerPlanState(mtstate);
	PgsyncProbes *probes;
	PgsyncUpdater *updater;
	MemoryContext oldcontext;

	if (!updater_fits(mtstate))
		return NULL;
	oldcontext = MemoryContextSwitchTo(queryDesc->estate->es_query_cxt);
	if (resultRelInfo->ri_IndexRelationDescs == NULL)
		ExecOpenIndices(resultRelInfo, true);
	updater = NULL;
	probes = pgsync_probes_create(resultRelInfo);
	if (probes != NULL)
	{
		updater = palloc0(sizeof(PgsyncUpdater));
		updater->mtstate = mtstate;
		updater->probes = probes;
		updater->proposed = MakeSingleTupleTableSlot(RelationGetDescr(resultRelInfo->ri_RelationDesc),
													 &TTSOpsVirtual);
		updater->next_row = below->ExecProcNodeReal;
		ExecSetExecProcNode(below, updater_exec);
	}
	MemoryContextSwitchTo(oldcontext);
	return updater;
}

/* Ends the scans, before the plan is ended. */
void
pgsync_updater_free(PgsyncUpdater *updater)
{
	pgsync_probes_free(updater->probes);
	ExecDropSingleTupleTableSlot(updater->proposed);
	pfree(updater);
}
