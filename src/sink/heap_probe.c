/*-------------------------------------------------------------------------
 *
 * heap_probe.c
 *	  Looks for rows that are in the way of new ones.
 *
 * Finds what core's ExecCheckIndexConstraints would, in a cheaper way, for
 * plain unique B-tree indexes: a scan is started once and not for every row,
 * and where a batch of rows comes with ascending integer keys that lie close
 * together, one scan over their range serves the whole batch.
 *
 *		keys of the batch		7		8		9		12
 *		rows in the range		7				9		12 (being deleted)
 *		found			 CONFLICT	NOTHING	CONFLICT	UNSURE
 *
 * A look decides nothing, as other sessions go on meanwhile.  What it finds
 * not simply there, committed or our own, is UNSURE: the caller leaves it to
 * core, which waits where need be.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "sink/heap_probe.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A range is read only if it has fewer keys than this for each row */
#define MAX_KEYS_PER_ROW	4

/* A range is read only for at least so many rows */
#define MIN_RANGE_ROWS		8

/* The scans of one unique index */
typedef struct UniqueProbe
{
	Relation	index;
	IndexInfo  *info;
	IndexScanDesc scan;			/* for one row's key */
	int			nkeys;
	ScanKeyData keys[INDEX_MAX_KEYS];
	Oid			integer_type;	/* of an ascending integer key, or InvalidOid */
	IndexScanDesc range_scan;	/* for a batch's keys; NULL until needed */
	ScanKeyData range_keys[2];
	bool		is_read;		/* for the rest of the batch at hand? */
} UniqueProbe;

struct PgsyncProbes
{
	ResultRelInfo *resultRelInfo;
	bool		may_read_ahead; /* does no other index have rows wait? */
	int			nprobes;
	UniqueProbe *probes;
	TupleTableSlot *existing;	/* the row that a scan finds */
	SnapshotData dirty;			/* of the scans */
	int			max_rows;		/* what the arrays below are made for */
	int			first;			/* number of the batch's first row */
	int64	   *keys;			/* of a batch, in one index */
	PgsyncProbeResult *found;	/* for a batch, in all indexes read ahead */
};

/* Returns whether a row can be skipped, or updated, because of this index. */
bool
pgsync_is_arbiter(ResultRelInfo *resultRelInfo, int i)
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
start_probe(PgsyncProbes *probes, Relation index, IndexInfo *info)
{
	UniqueProbe *probe = &probes->probes[probes->nprobes++];

	probe->index = index;
	probe->info = info;
	probe->nkeys = IndexRelationGetNumberOfKeyAttributes(index);
	for (int i = 0; i < probe->nkeys; i++)
		ScanKeyEntryInitialize(&probe->keys[i], 0, i + 1,
							   info->ii_UniqueStrats[i], InvalidOid,
							   index->rd_indcollation[i],
							   info->ii_UniqueProcs[i], (Datum) 0);
	probe->scan = pgsync_index_beginscan(probes->resultRelInfo->ri_RelationDesc,
										 index, &probes->dirty,
										 probe->nkeys);
	if (index->rd_opfamily[0] == INTEGER_BTREE_FAM_OID &&
		(index->rd_indoption[0] & INDOPTION_DESC) == 0 && probe->nkeys == 1)
		probe->integer_type = index->rd_opcintype[0];
}

/*
 * Prepares for a relation whose indexes are open for speculative insertion.
 * NULL if probes cannot tell all that core's check would: that is for every
 * row to be asked, then.
 */
PgsyncProbes *
pgsync_probes_create(ResultRelInfo *resultRelInfo)
{
	PgsyncProbes *probes;
	int			nindexes = resultRelInfo->ri_NumIndices;

	for (int i = 0; i < nindexes; i++)
	{
		if (pgsync_is_arbiter(resultRelInfo, i) &&
			!can_probe(resultRelInfo->ri_IndexRelationDescs[i],
					   resultRelInfo->ri_IndexRelationInfo[i]))
			return NULL;
	}
	probes = palloc0(sizeof(PgsyncProbes));
	probes->resultRelInfo = resultRelInfo;
	InitDirtySnapshot(probes->dirty);
	probes->existing = table_slot_create(resultRelInfo->ri_RelationDesc, NULL);
	probes->probes = palloc0(sizeof(UniqueProbe) * Max(nindexes, 1));
	probes->may_read_ahead = true;
	for (int i = 0; i < nindexes; i++)
	{
		IndexInfo  *info = resultRelInfo->ri_IndexRelationInfo[i];

		if (pgsync_is_arbiter(resultRelInfo, i))
			start_probe(probes, resultRelInfo->ri_IndexRelationDescs[i], info);
		else if (info->ii_Unique || info->ii_ExclusionOps != NULL)
			probes->may_read_ahead = false;
	}
	return probes;
}

/* Judges the row that a scan has just found. */
static PgsyncProbeResult
judge_existing(PgsyncProbes *probes, IndexScanDesc scan)
{
	if (scan->xs_recheck || TransactionIdIsValid(probes->dirty.xmin) ||
		TransactionIdIsValid(probes->dirty.xmax))
		return PGSYNC_PROBE_UNSURE;
	return PGSYNC_PROBE_CONFLICT;
}

/* Returns an integer key's value. */
static int64
integer_value(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* Returns a key value's Datum. */
static Datum
integer_datum(Oid type, int64 value)
{
	switch (type)
	{
		case INT2OID:
			return Int16GetDatum((int16) value);
		case INT4OID:
			return Int32GetDatum((int32) value);
		default:
			return Int64GetDatum(value);
	}
}

/*
 * Gets the keys of a batch.  False unless they ascend and lie close together:
 * the range must not have much more to read than there are rows.
 */
static bool
get_close_keys(PgsyncProbes *probes, UniqueProbe *probe,
			   TupleTableSlot **slots, int nslots)
{
	int64	   *keys = probes->keys;

	for (int i = 0; i < nslots; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(slots[i],
										 probe->info->ii_IndexAttrNumbers[0],
										 &isnull);

		if (isnull)
			return false;
		keys[i] = integer_value(probe->integer_type, value);
		if (i > 0 && keys[i] <= keys[i - 1])
			return false;
	}
	return (uint64) keys[nslots - 1] - (uint64) keys[0] <
		(uint64) nslots * MAX_KEYS_PER_ROW;
}

/* Sets one end of a range. */
static void
set_range_key(UniqueProbe *probe, int i, StrategyNumber strategy, int64 value)
{
	Oid			type = probe->integer_type;
	Oid			operator = get_opfamily_member(INTEGER_BTREE_FAM_OID, type,
											   type, strategy);

	ScanKeyInit(&probe->range_keys[i], 1, strategy, get_opcode(operator),
				integer_datum(type, value));
}

/* Starts to scan the range of a batch's keys. */
static void
start_range_scan(PgsyncProbes *probes, UniqueProbe *probe, int64 first,
				 int64 last)
{
	if (probe->range_scan == NULL)
		probe->range_scan = pgsync_index_beginscan(probes->resultRelInfo->ri_RelationDesc,
												   probe->index,
												   &probes->dirty, 2);
	set_range_key(probe, 0, BTGreaterEqualStrategyNumber, first);
	set_range_key(probe, 1, BTLessEqualStrategyNumber, last);
	index_rescan(probe->range_scan, probe->range_keys, 2, NULL, 0);
}

/* Reads the rows within the range of a batch's keys, and notes what is found */
static void
read_range(PgsyncProbes *probes, UniqueProbe *probe, int nslots)
{
	IndexScanDesc scan;
	int64	   *keys = probes->keys;
	int			i = 0;

	start_range_scan(probes, probe, keys[0], keys[nslots - 1]);
	scan = probe->range_scan;
	while (index_getnext_slot(scan, ForwardScanDirection, probes->existing))
	{
		bool		isnull;
		Datum		value = slot_getattr(probes->existing,
										 probe->info->ii_IndexAttrNumbers[0],
										 &isnull);
		int64		key = integer_value(probe->integer_type, value);

		CHECK_FOR_INTERRUPTS();
		while (i < nslots && keys[i] < key)
			i++;
		if (i < nslots && keys[i] == key)
			probes->found[i] = Max(probes->found[i],
								   judge_existing(probes, scan));
	}
	/* keep no page pinned: vacuum would wait for it */
	ExecClearTuple(probes->existing);
	index_rescan(scan, probe->range_keys, 2, NULL, 0);
}

/* Makes room for what is found for a batch. */
static void
enlarge_batch(PgsyncProbes *probes, int nslots)
{
	if (nslots <= probes->max_rows)
		return;
	if (probes->max_rows > 0)
	{
		pfree(probes->keys);
		pfree(probes->found);
	}
	probes->keys = palloc(sizeof(int64) * nslots);
	probes->found = palloc(sizeof(PgsyncProbeResult) * nslots);
	probes->max_rows = nslots;
}

/*
 * Looks ahead for a batch of rows, the first of which has a number, and of
 * which pgsync_probe is then told each one's.  Equal keys within a batch do
 * not ascend, so that their index is looked into row by row.
 */
void
pgsync_probes_read_ahead(PgsyncProbes *probes, TupleTableSlot **slots,
						 int first, int nslots)
{
	enlarge_batch(probes, nslots);
	probes->first = first;
	for (int i = 0; i < nslots; i++)
		probes->found[i] = PGSYNC_PROBE_NOTHING;
	for (int i = 0; i < probes->nprobes; i++)
	{
		UniqueProbe *probe = &probes->probes[i];

		probe->is_read = probes->may_read_ahead && nslots >= MIN_RANGE_ROWS &&
			OidIsValid(probe->integer_type) &&
			get_close_keys(probes, probe, slots, nslots);
		if (probe->is_read)
			read_range(probes, probe, nslots);
	}
}

/*
 * Forgets what was found for the rest of the batch: time has passed, and rows
 * that were in the way may have gone.
 */
void
pgsync_probes_forget(PgsyncProbes *probes)
{
	for (int i = 0; i < probes->max_rows; i++)
		probes->found[i] = PGSYNC_PROBE_NOTHING;
	for (int i = 0; i < probes->nprobes; i++)
		probes->probes[i].is_read = false;
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

/* Looks into one index for a row with this one's key, and fetches it. */
static PgsyncProbeResult
probe_index(PgsyncProbes *probes, UniqueProbe *probe, TupleTableSlot *slot)
{
	if (!set_probe_keys(probe, slot))
		return PGSYNC_PROBE_NOTHING;
	index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	if (!index_getnext_slot(probe->scan, ForwardScanDirection,
							probes->existing))
		return PGSYNC_PROBE_NOTHING;
	return judge_existing(probes, probe->scan);
}

/* Lets go of the row found, and of the pages pinned: vacuum waits for them. */
void
pgsync_probes_release(PgsyncProbes *probes)
{
	ExecClearTuple(probes->existing);
	for (int i = 0; i < probes->nprobes; i++)
	{
		UniqueProbe *probe = &probes->probes[i];

		index_rescan(probe->scan, probe->keys, probe->nkeys, NULL, 0);
	}
}

/*
 * Looks into all indexes for rows in the way of one, the given of the batch
 * read ahead.
 */
PgsyncProbeResult
pgsync_probe(PgsyncProbes *probes, TupleTableSlot *slot, int number)
{
	PgsyncProbeResult found = probes->found[number - probes->first];

	for (int i = 0; i < probes->nprobes && found == PGSYNC_PROBE_NOTHING; i++)
	{
		if (!probes->probes[i].is_read)
		{
			found = probe_index(probes, &probes->probes[i], slot);
			if (found != PGSYNC_PROBE_NOTHING)
				pgsync_probes_release(probes);
		}
	}
	return found;
}

/*
 * Returns the row that is in the way of one, if there is one and it is
 * committed or our own, else NULL.  It stays pinned until
 * pgsync_probes_release.
 */
TupleTableSlot *
pgsync_probe_existing(PgsyncProbes *probes, TupleTableSlot *slot)
{
	for (int i = 0; i < probes->nprobes; i++)
	{
		switch (probe_index(probes, &probes->probes[i], slot))
		{
			case PGSYNC_PROBE_NOTHING:
				break;
			case PGSYNC_PROBE_CONFLICT:
				return probes->existing;
			case PGSYNC_PROBE_UNSURE:
				pgsync_probes_release(probes);
				return NULL;
		}
	}
	return NULL;
}

/* Ends the scans, before the indexes are closed. */
void
pgsync_probes_free(PgsyncProbes *probes)
{
	for (int i = 0; i < probes->nprobes; i++)
	{
		index_endscan(probes->probes[i].scan);
		if (probes->probes[i].range_scan != NULL)
			index_endscan(probes->probes[i].range_scan);
	}
	if (probes->max_rows > 0)
	{
		pfree(probes->keys);
		pfree(probes->found);
	}
	ExecDropSingleTupleTableSlot(probes->existing);
	pfree(probes->probes);
	pfree(probes);
}
