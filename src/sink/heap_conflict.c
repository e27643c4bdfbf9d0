/*-------------------------------------------------------------------------
 *
 * heap_conflict.c
 *	  ON CONFLICT DO NOTHING for the heap sink: stores a row or skips it.
 *
 * Rows that nothing is in the way of go in together where that is possible
 * (heap_together.c).  This is for all others, and only finds those out: one
 * row at a time, by the protocol of core's ExecInsert (nodeModifyTable.c;
 * "Speculative insertion" in src/backend/executor/README): look for a row in
 * the way, insert speculatively, and start again if another session has come
 * in between.  The look only saves dead rows, so it may be done in a cheaper
 * way (heap_probe.c); what decides is the speculative insertion.
 *
 * Others wait for a speculative insertion's outcome by its token.  One token
 * serves the rows of a batch until one gives way to another session's row:
 * whoever waits for a row that is in waits for our transaction next, anyhow.
 *
 * Isolation levels above READ COMMITTED, where a conflict may be an error,
 * are the statement sink's (heap_check.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "executor/executor.h"
#include "sink/heap_conflict.h"
#include "sink/heap_probe.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

struct PgsyncConflicts
{
	ResultRelInfo *resultRelInfo;
	EState	   *estate;
	PgsyncProbes *probes;		/* NULL: core is asked about every row */
	TransactionId xid;			/* whose token is held, or invalid */
	uint32		token;
};

/*
 * Prepares for a relation whose indexes are open for speculative insertion.
 * NULL if it has no index that could keep a row out.
 */
PgsyncConflicts *
pgsync_conflicts_create(ResultRelInfo *resultRelInfo, EState *estate)
{
	PgsyncConflicts *conflicts;
	bool		any = false;

	for (int i = 0; i < resultRelInfo->ri_NumIndices && !any; i++)
		any = pgsync_is_arbiter(resultRelInfo, i);
	if (!any)
		return NULL;
	conflicts = palloc0(sizeof(PgsyncConflicts));
	conflicts->resultRelInfo = resultRelInfo;
	conflicts->estate = estate;
	conflicts->probes = pgsync_probes_create(resultRelInfo);
	return conflicts;
}

/*
 * Begins with a batch of rows, to be inserted one after the other: those from
 * "first" on, before "end".
 */
void
pgsync_conflicts_begin_batch(PgsyncConflicts *conflicts,
							 TupleTableSlot **slots, int first, int end)
{
	if (conflicts->probes != NULL)
		pgsync_probes_read_ahead(conflicts->probes, slots + first, first,
								 end - first);
}

/* Acquires the token that others wait for, unless it is held already. */
static void
acquire_token(PgsyncConflicts *conflicts)
{
	if (TransactionIdIsValid(conflicts->xid))
		return;
	conflicts->xid = GetCurrentTransactionId();
	conflicts->token = SpeculativeInsertionLockAcquire(conflicts->xid);
}

/*
 * Wakes up whoever waits for the token, if it is held.  Does what core's
 * SpeculativeInsertionLockRelease (lmgr.c) does for the token acquired last:
 * a function called for a row may have acquired another one meanwhile.
 */
static void
release_token(PgsyncConflicts *conflicts)
{
	LOCKTAG		tag;

	if (!TransactionIdIsValid(conflicts->xid))
		return;
	SET_LOCKTAG_SPECULATIVE_INSERTION(tag, conflicts->xid, conflicts->token);
	LockRelease(&tag, ExclusiveLock, false);
	conflicts->xid = InvalidTransactionId;
}

/*
 * Returns whether rows that nothing is in the way of can go in together: the
 * look finds what core would, no other index has a row wait, and logical
 * decoding does not read them.
 */
bool
pgsync_conflicts_fit_together(PgsyncConflicts *conflicts)
{
	ResultRelInfo *resultRelInfo = conflicts->resultRelInfo;

	for (int i = 0; i < resultRelInfo->ri_NumIndices; i++)
	{
		IndexInfo  *info = resultRelInfo->ri_IndexRelationInfo[i];

		if ((info->ii_Unique || info->ii_ExclusionOps != NULL) &&
			!pgsync_is_arbiter(resultRelInfo, i))
			return false;
	}
	return conflicts->probes != NULL &&
		!RelationIsLogicallyLogged(resultRelInfo->ri_RelationDesc);
}

/*
 * Looks for rows in the way of those of the batch from "first" on, and notes
 * which have one.  Returns the first row that this cannot be told of without
 * waiting, or the end.
 */
int
pgsync_conflicts_look(PgsyncConflicts *conflicts, TupleTableSlot **slots,
					  int first, int nslots, bool *in_the_way)
{
	/* nobody must wait for us meanwhile: what is stored is complete */
	release_token(conflicts);
	for (int i = first; i < nslots; i++)
	{
		PgsyncProbeResult found;

		CHECK_FOR_INTERRUPTS();
		found = pgsync_probe(conflicts->probes, slots[i], i);
		if (found == PGSYNC_PROBE_UNSURE)
			return i;
		in_the_way[i] = found == PGSYNC_PROBE_CONFLICT;
	}
	return nslots;
}

/* Forgets what looks have found: it was not so. */
void
pgsync_conflicts_forget(PgsyncConflicts *conflicts)
{
	pgsync_probes_forget(conflicts->probes);
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
	bool		conflict = false;

	acquire_token(conflicts);
	/* no bulk-insert state: its ring of buffers has pages written at once */
	table_tuple_insert_speculative(rel, slot,
								   conflicts->estate->es_output_cid, 0, NULL,
								   conflicts->token);
	*recheck = pgsync_insert_index_tuples(resultRelInfo, slot,
										  conflicts->estate, false, true,
										  &conflict,
										  resultRelInfo->ri_onConflictArbiterIndexes,
										  false);
	table_tuple_complete_speculative(rel, slot, conflicts->token, !conflict);
	if (conflict)
		release_token(conflicts);
	return !conflict;
}

/*
 * Stores a row whose constraints have been checked, the given one of the
 * batch, with its index entries.  False if a row is in the way: then nothing
 * is done.
 *
 * After a conflict that the look did not show, core's own check waits for
 * the other session.
 */
bool
pgsync_conflicts_insert(PgsyncConflicts *conflicts, TupleTableSlot *slot,
						int number, List **recheck)
{
	ResultRelInfo *resultRelInfo = conflicts->resultRelInfo;
	PgsyncProbeResult found = PGSYNC_PROBE_UNSURE;

	*recheck = NIL;
	if (conflicts->probes != NULL)
		found = pgsync_probe(conflicts->probes, slot, number);
	if (found == PGSYNC_PROBE_CONFLICT)
		return false;
	for (;;)
	{
		ItemPointerData conflictTid;

		CHECK_FOR_INTERRUPTS();
		if (found == PGSYNC_PROBE_UNSURE)
		{
			/* it may wait: nobody must wait for us, nor what we saw count */
			release_token(conflicts);
			if (conflicts->probes != NULL)
				pgsync_probes_forget(conflicts->probes);
			if (!pgsync_check_index_constraints(resultRelInfo, slot,
												conflicts->estate,
												&conflictTid,
												resultRelInfo->ri_onConflictArbiterIndexes))
				return false;
		}
		if (insert_speculatively(conflicts, slot, recheck))
			return true;
		list_free(*recheck);
		*recheck = NIL;
		found = PGSYNC_PROBE_UNSURE;
	}
}

/* Ends a batch. */
void
pgsync_conflicts_end_batch(PgsyncConflicts *conflicts)
{
	release_token(conflicts);
}

/* Ends the scans, before the indexes are closed. */
void
pgsync_conflicts_free(PgsyncConflicts *conflicts)
{
	if (conflicts->probes != NULL)
		pgsync_probes_free(conflicts->probes);
	pfree(conflicts);
}
