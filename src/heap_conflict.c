/*-------------------------------------------------------------------------
 *
 * heap_conflict.c
 *	  ON CONFLICT DO NOTHING for the heap sink: stores a row or skips it.
 *
 * One row at a time, by the protocol of core's ExecInsert (nodeModifyTable.c;
 * "Speculative insertion" in src/backend/executor/README): look for a row in
 * the way, insert speculatively, and start again if another session has come
 * in between.
 *
 * The look ahead only saves dead rows: what decides is the speculative
 * insertion.  So it may be done in a cheaper way where that finds the same:
 * for plain unique B-tree indexes the scan is started once and not for every
 * row.  Whatever it finds that is not simply there, committed or our own, is
 * left to core's ExecCheckIndexConstraints, which waits where need be.
 *
 * Isolation levels above READ COMMITTED, where a conflict may be an error,
 * are the statement sink's (heap_check.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "heap_conflict.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* What a look into an index has found */
typedef enum ProbeResult
{
	PROBE_NOTHING,
	PROBE_CONFLICT,				/* a row that is there to stay */
	PROBE_UNSURE,				/* a row of a transaction in progress */
} ProbeResult;

/* A scan of a unique index, used again for every row */
typedef struct UniqueProbe
{
	IndexInfo  *info;
	IndexScanDesc scan;
	int			nkeys;
	ScanKeyData keys[INDEX_MAX_KEYS];
} UniqueProbe;

struct PgsyncConflicts
{
	ResultRelInfo *resultRelInfo;
	EState	   *estate;
	bool		can_probe;		/* do the probes cover all arbiters? */
	int			nprobes;
	UniqueProbe *probes;
	TupleTableSlot *existing;	/* the row that a probe finds */
	SnapshotData dirty;			/* of the probes' scans */
};

/* Returns whether a row can be skipped because of this index. */
static bool
is_arbiter(ResultRelInfo *resultRelInfo, int i)
{
	IndexInfo  *info = resultRelInfo->ri_IndexRelationInfo[i];
	List	   *arbiters = resultRelInfo->ri_onConflictArbiterIndexes;
	Oid			indexOid = RelationGetRelid(resultRelInfo->ri_IndexRelationDescs[i]);

	return (info->ii_Unique || info->ii_ExclusionOps != NULL) &&
		info->ii_ReadyForInserts &&
		(arbiters == NIL || list_member_oid(arbiters, indexOid));
}

/* Returns whether a probe finds in this index what core's check does. */
static bool
can_probe(Relation index, IndexInfo *info)
{
	return index->rd_rel->relam == BTREE_AM_OID &&
		index->rd_index->indimmediate &&
		info->ii_Unique && !info->ii_NullsNotDistinct &&
		info->ii_ExclusionOps == NULL &&
		info->ii_Expressions == NIL && info->ii_Predicate == NIL;
}

/* Starts the scan of a unique index. */
static void
start_probe(PgsyncConflicts *conflicts, Relation index, IndexInfo *info)
{
	UniqueProbe *probe = &conflicts->probes[conflicts->nprobes++];

	probe->info = info;
	probe->nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	for (int i = 0; i < probe->nkeys; i++)
		ScanKeyEntryInitialize(&probe->keys[i], 0, i + 1,
							   info->ii_UniqueStrats[i], InvalidOid,
							   index->rd_indcollation[i],
							   info->ii_UniqueProcs[i], (Datum) 0);
	probe->scan = pgsync_index_beginscan(conflicts->resultRelInfo->ri_RelationDesc,
										 index, &conflicts->dirty,
										 probe->nkeys);
}

/*
 * Prepares for a relation whose indexes are open for speculative insertion.
 * NULL if it has no index that could keep a row out, unless "always".
 */
PgsyncConflicts *
pgsync_conflicts_create(ResultRelInfo *resultRelInfo, EState *estate,
						bool always)
{
	PgsyncConflicts *conflicts = palloc0(sizeof(PgsyncConflicts));
	int			nindexes = resultRelInfo->ri_NumIndices;
	int			narbiters = 0;

	conflicts->resultRelInfo = resultRelInfo;
	conflicts->estate = estate;
	conflicts->can_probe = true;
	for (int i = 0; i < nindexes; i++)
	{
		if (!is_arbiter(resultRelInfo, i))
			continue;
		narbiters++;
		if (!can_probe(resultRelInfo->ri_IndexRelationDescs[i],
					   resultRelInfo->ri_IndexRelationInfo[i]))
			conflicts->can_probe = false;
	}
	if (narbiters == 0 && !always)
	{
		pfree(conflicts);
		return NULL;
	}
	if (!conflicts->can_probe)
		return conflicts;

	InitDirtySnapshot(conflicts->dirty);
	conflicts->existing = table_slot_create(resultRelInfo->ri_RelationDesc,
											NULL);
	conflicts->probes = palloc0(sizeof(UniqueProbe) * narbiters);
	for (int i = 0; i < nindexes; i++)
	{
		if (is_arbiter(resultRelInfo, i))
			start_probe(conflicts, resultRelInfo->ri_IndexRelationDescs[i],
						resultRelInfo->ri_IndexRelationInfo[i]);
	}
	return conflicts;
}

/* Sets a probe's keys from a row; false if a null makes it unique anyhow. */
static bool
set_probe_keys(UniqueProbe *probe, TupleTableSlot *slot)
{
	for (int i = 0; i < probe->nkeys; i++)
	{
		bool		isnull;

		probe->keys[i].sk_argument =
			slot_getattr(slot, probe->info->ii_IndexAttrNumbers[i], &isnull);
		if (isnull)
			return false;
	}
	return true;
}

/* Looks into one index for a row with this one's key. */
static ProbeResult
probe_index(PgsyncConflicts *conflicts, UniqueProbe *probe,
			TupleTableSlot *slot)
{
	SnapshotData *dirty = &conflicts->dirty;
	ProbeResult result = PROBE_CONFLICT;

	if (!set_probe_keys(probe, slot))
		return PROBE_NOTHING;
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	if (!index_getnext_slot(probe->scan, ForwardScanDirection,
							conflicts->existing))
		return PROBE_NOTHING;
	if (probe->scan->xs_recheck || TransactionIdIsValid(dirty->xmin) ||
		TransactionIdIsValid(dirty->xmax))
		result = PROBE_UNSURE;

	/* keep no page pinned: vacuum would wait for it */
	ExecClearTuple(conflicts->existing);
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	return result;
}

/* Looks into all indexes. */
static ProbeResult
probe_indexes(PgsyncConflicts *conflicts, TupleTableSlot *slot)
{
	for (int i = 0; i < conflicts->nprobes; i++)
	{
		ProbeResult result = probe_index(conflicts, &conflicts->probes[i],
										 slot);

		if (result != PROBE_NOTHING)
			return result;
	}
	return PROBE_NOTHING;
}

/*
 * Inserts a row such that other sessions do not take it for decided before
 * its index entries are.  False if there was a conflict: no row then.
 */
static bool
insert_speculatively(PgsyncConflicts *conflicts, TupleTableSlot *slot,
					 List **recheck)
{
	ResultRelInfo *resultRelInfo = conflicts->resultRelInfo;
	Relation	rel = resultRelInfo->ri_RelationDesc;
	TransactionId xid = GetCurrentTransactionId();
	uint32		token = SpeculativeInsertionLockAcquire(xid);
	bool		conflict = false;

	/* no bulk-insert state: its ring of buffers has pages written at once */
	table_tuple_insert_speculative(rel, slot,
								   conflicts->estate->es_output_cid, 0, NULL,
								   token);
	*recheck = pgsync_insert_index_tuples(resultRelInfo, slot,
										  conflicts->estate, true, &conflict,
										  resultRelInfo->ri_onConflictArbiterIndexes);
	table_tuple_complete_speculative(rel, slot, token, !conflict);
	SpeculativeInsertionLockRelease(xid);
	return !conflict;
}

/*
 * Looks for a row in the way and inserts if there is none.  After a conflict
 * that the look did not show, core's own check waits for the other session.
 */
static bool
insert_unless_conflict(PgsyncConflicts *conflicts, TupleTableSlot *slot,
					   List **recheck)
{
	ResultRelInfo *resultRelInfo = conflicts->resultRelInfo;
	ProbeResult found = conflicts->can_probe ?
	probe_indexes(conflicts, slot) : PROBE_UNSURE;

	if (found == PROBE_CONFLICT)
		return false;
	for (;;)
	{
		ItemPointerData conflictTid;

		CHECK_FOR_INTERRUPTS();
		if (found == PROBE_UNSURE &&
			!pgsync_check_index_constraints(resultRelInfo, slot,
											conflicts->estate, &conflictTid,
											resultRelInfo->ri_onConflictArbiterIndexes))
			return false;
		if (insert_speculatively(conflicts, slot, recheck))
			return true;
		list_free(*recheck);
		found = PROBE_UNSURE;
	}
}

/*
 * Stores a row whose constraints have been checked, with its index entries,
 * and queues its AFTER ROW triggers.  False if a row is in the way: then
 * nothing is done.
 */
bool
pgsync_conflicts_insert(PgsyncConflicts *conflicts, TupleTableSlot *slot)
{
	ResultRelInfo *resultRelInfo = conflicts->resultRelInfo;
	List	   *recheck = NIL;

	if (!insert_unless_conflict(conflicts, slot, &recheck))
		return false;
	if (resultRelInfo->ri_TrigDesc != NULL &&
		resultRelInfo->ri_TrigDesc->trig_insert_after_row)
		ExecARInsertTriggers(conflicts->estate, resultRelInfo, slot, recheck,
							 NULL);
	list_free(recheck);
	return true;
}

/* Ends the scans, before the indexes are closed. */
void
pgsync_conflicts_free(PgsyncConflicts *conflicts)
{
	for (int i = 0; i < conflicts->nprobes; i++)
		index_endscan(conflicts->probes[i].scan);
	if (conflicts->existing != NULL)
		ExecDropSingleTupleTableSlot(conflicts->existing);
	if (conflicts->probes != NULL)
		pfree(conflicts->probes);
	pfree(conflicts);
}
