/*-------------------------------------------------------------------------
 *
 * heap_version.c
 *	  Stores the new version of a row whose place is known.
 *
 * Does what core's ExecUpdateAct and ExecUpdateEpilogue (nodeModifyTable.c) do
 * for a row of an ordinary table, nobody's partition, without row-level
 * security: generated columns, constraints, the version itself, its index
 * entries, AFTER ROW triggers.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/tableam.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "sink/heap_version.h"
#include "utils/rel.h"

/*
 * Computes the generated columns of what an INSERT or UPDATE is to store, and
 * checks its constraints.
 */
void
pgsync_check_new_version(ResultRelInfo *resultRelInfo, EState *estate,
						 TupleTableSlot *slot, CmdType operation)
{
	TupleConstr *constr = slot->tts_tupleDescriptor->constr;

	slot->tts_tableOid = RelationGetRelid(resultRelInfo->ri_RelationDesc);
	if (constr == NULL)
		return;
	if (constr->has_generated_stored)
		ExecComputeStoredGenerated(resultRelInfo, estate, slot, operation);
	ExecConstraints(resultRelInfo, slot, estate);
}

/* Reports a row that its own command's triggers or functions have changed. */
static void
report_changed_meanwhile(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
			 errmsg("tuple to be updated was already modified by an operation triggered by the current command"),
			 errhint("Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.")));
}

/*
 * Stores a new version, which depends on no page of the old one's any more.
 * Waits for those who are at the row; false, with nothing done, if they have
 * changed it.
 *
 * Errors: those of UPDATE; 27000 if what was evaluated for the row has changed
 * it.
 */
bool
pgsync_store_new_version(ResultRelInfo *resultRelInfo, EState *estate,
						 ItemPointer tid, TupleTableSlot *slot)
{
	TM_FailureData failure;
	LockTupleMode lockmode;
	TU_UpdateIndexes indexes;
	TM_Result	result;
	List	   *recheck = NIL;

	result = pgsync_table_tuple_update(resultRelInfo->ri_RelationDesc, tid,
									   slot, estate->es_output_cid,
									   estate->es_snapshot,
									   estate->es_crosscheck_snapshot, true,
									   &failure, &lockmode, &indexes);
	if (result == TM_SelfModified && failure.cmax != estate->es_output_cid)
		report_changed_meanwhile();
	if (result != TM_Ok)
		return false;
	if (indexes != TU_None)
		recheck = pgsync_insert_index_tuples(resultRelInfo, slot, estate,
											 true, false, NULL, NIL,
											 indexes == TU_Summarizing);
	ExecARUpdateTriggers(estate, resultRelInfo, NULL, NULL, tid, NULL, slot,
						 recheck, NULL, false);
	list_free(recheck);
	return true;
}
