/*-------------------------------------------------------------------------
 *
 * key_probe.c
 *	  Finds the row of a key through its unique index.
 *
 * Finds what SELECT ... FROM ONLY target WHERE key = ... would, for an
 * ordinary table whose rows no policy hides from the caller, by an index scan
 * that is started once and not for every row.  The caller's privileges to
 * read the table have been checked.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "insert/key_probe.h"
#include "insert/key_walk.h"
#include "insert/unique_key.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

struct PgsyncKeyProbe
{
	Relation	index;
	IndexScanDesc scan;
	int			nkeys;
	ScanKeyData keys[INDEX_MAX_KEYS];
	TupleTableSlot *slot;		/* the row found */
	PgsyncKeyWalk *walk;		/* for keys that ascend, or NULL */
	MemoryContext context;		/* what the scan keeps for itself */
};

/* Prepares the comparisons with a key, whose values are still to be set. */
static void
init_keys(PgsyncKeyProbe *probe, PgsyncTarget *target)
{
	Form_pg_index form = probe->index->rd_index;

	probe->nkeys = form->indnkeyatts;
	for (int i = 0; i < probe->nkeys; i++)
	{
		Oid			equal = pgsync_key_operators(target,
												 form->indkey.values[i])->eq_opr;

		ScanKeyEntryInitialize(&probe->keys[i], 0, i + 1,
							   BTEqualStrategyNumber, InvalidOid,
							   probe->index->rd_indcollation[i],
							   get_opcode(equal), (Datum) 0);
	}
}

/* Returns an input row's value of a key column, counted from 0. */
static Datum
key_value(PgsyncKeyProbe *probe, const PgsyncRow *row, int i)
{
	return row->values[probe->index->rd_index->indkey.values[i] - 1];
}

/*
 * Starts a probe of a key with a snapshot of the caller's.  NULL if there is
 * no such index, or if others decide what the caller may see.
 */
PgsyncKeyProbe *
pgsync_key_probe_start(PgsyncTarget *target, List *keys, Snapshot snapshot)
{
	PgsyncKeyProbe *probe;
	Oid			index;

	if (target->rel->rd_rel->relkind != RELKIND_RELATION ||
		check_enable_rls(RelationGetRelid(target->rel), InvalidOid,
						 true) == RLS_ENABLED)
		return NULL;
	index = pgsync_plain_key_index(target, keys);
	if (!OidIsValid(index))
		return NULL;
	probe = palloc0(sizeof(PgsyncKeyProbe));
	probe->index = index_open(index, AccessShareLock);
	init_keys(probe, target);
	probe->scan = pgsync_index_beginscan(target->rel, probe->index, snapshot,
										 probe->nkeys);
	probe->slot = table_slot_create(target->rel, NULL);
	probe->walk = pgsync_key_walk_create(target, probe->index, snapshot);
	probe->context = CurrentMemoryContext;
	return probe;
}

/* Descends the index for an input row's key; returns whether its row is there. */
static bool
descend(PgsyncKeyProbe *probe, const PgsyncRow *row)
{
	for (int i = 0; i < probe->nkeys; i++)
		probe->keys[i].sk_argument = key_value(probe, row, i);
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	return index_getnext_slot(probe->scan, ForwardScanDirection, probe->slot);
}

/*
 * Returns the row that has an input row's key, or NULL.  It stays pinned until
 * the next call, or pgsync_key_probe_release.
 */
TupleTableSlot *
pgsync_key_probe_find(PgsyncKeyProbe *probe, const PgsyncRow *row)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(probe->context);
	bool		found;

	if (probe->walk != NULL &&
		pgsync_key_walk_find(probe->walk, key_value(probe, row, 0),
							 probe->slot))
		found = !TupIsNull(probe->slot);
	else
		found = descend(probe, row);
	MemoryContextSwitchTo(oldcontext);
	return found ? probe->slot : NULL;
}

/* Notes that the row found has been updated, by one command; see key_walk.c. */
void
pgsync_key_probe_wrote(PgsyncKeyProbe *probe)
{
	if (probe->walk != NULL)
		pgsync_key_walk_wrote(probe->walk);
}

/* Lets go of the row found: nobody must wait for its page. */
void
pgsync_key_probe_release(PgsyncKeyProbe *probe)
{
	ExecClearTuple(probe->slot);
	table_index_fetch_reset(probe->scan->xs_heapfetch);
	/* without WAL, nbtree keeps the leaf pinned as well */
	if (!RelationNeedsWAL(probe->index))
		index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	if (probe->walk != NULL)
		pgsync_key_walk_release(probe->walk);
}

/* Ends the probe. */
void
pgsync_key_probe_end(PgsyncKeyProbe *probe)
{
	if (probe->walk != NULL)
		pgsync_key_walk_end(probe->walk);
	index_endscan(probe->scan);
	index_close(probe->index, NoLock);
	ExecDropSingleTupleTableSlot(probe->slot);
	pfree(probe);
}
