/*-------------------------------------------------------------------------
 *
 * put_back.c
 *	  Making a table hold the rows of its saved copy again.
 *
 * There are three ways:
 *	  - in place: rows that are too many are deleted, then those that are
 *		missing inserted;
 *	  - by a new file, as TRUNCATE makes it, filled and then indexed;
 *	  - by deleting and inserting all rows, for a published table that changed
 *		too much to be compared.
 *
 * All of them work below triggers, so that no foreign key is checked and no
 * cascade follows; restore.c knows which ones need a check afterwards.
 * NOT NULL, CHECK, partition bounds, unique and exclusion constraints are
 * checked here for every row that is put back.
 *
 * Dead rows of earlier rounds leave line pointers behind, which only VACUUM
 * frees.  A table that has become much larger than its copy gets a new file,
 * so that many rounds without VACUUM do not make it grow without end.
 *
 * Subscribers are told by deletions and insertions, one a row, wherever the
 * deletions say which row is meant.  They apply these without regard to
 * foreign keys, while a TRUNCATE of one table among several that reference
 * each other would stop them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "access/heapam_xlog.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "clean/bulk_copy.h"
#include "clean/put_back.h"
#include "clean/truncate_observer.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/freespace.h"
#include "storage/predicate.h"
#include "utils/rel.h"

/* So many rows, and a part of all, are put back in place */
#define FEW_ROWS			500
#define FEW_PART			4

/* Beyond so many pages, and twice the copy's, a table is too loose */
#define LOOSE_PAGES			16

/* Tables of up to so many pages are tidied up before rows go in */
#define TIDIED_PAGES		64

/* The executor's part in storing rows one by one. */
typedef struct RowStore
{
	ResultRelInfo *target;
	EState	   *estate;
	TupleTableSlot *slot;
} RowStore;

/* Checks what the executor would check of a row to be inserted. */
static void
check_row(ResultRelInfo *target, TupleTableSlot *slot, EState *estate)
{
	Relation	rel = target->ri_RelationDesc;

	if (RelationGetDescr(rel)->constr != NULL)
		ExecConstraints(target, slot, estate);
	if (rel->rd_rel->relispartition)
		ExecPartitionCheck(target, slot, estate, true);
}

/* ----------------------------------------------------------------
 *						rows one by one
 * ----------------------------------------------------------------
 */

/* Prepares to store rows. */
static void
begin_store(RowStore *store, Relation rel)
{
	store->target = makeNode(ResultRelInfo);
	InitResultRelInfo(store->target, rel, 0, NULL, 0);
	ExecOpenIndices(store->target, false);
	store->estate = CreateExecutorState();
	store->slot = MakeSingleTupleTableSlot(RelationGetDescr(rel),
										   &TTSOpsHeapTuple);
}

/* Ends storing rows. */
static void
end_store(RowStore *store)
{
	ExecCloseIndices(store->target);
	ExecDropSingleTupleTableSlot(store->slot);
	FreeExecutorState(store->estate);
}

/* Returns whether a partial index has an entry for the row. */
static bool
index_wants_row(IndexInfo *info, EState *estate)
{
	if (info->ii_Predicate == NIL)
		return true;
	if (info->ii_PredicateState == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(estate->es_query_cxt);

		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate);
		MemoryContextSwitchTo(old);
	}
	return ExecQual(info->ii_PredicateState, GetPerTupleExprContext(estate));
}

/*
 * Makes the index entries of a row that has been stored.
 *
 * All constraints are checked at once, also those that are deferrable: rows
 * that go are gone already.
 */
static void
store_index_entries(RowStore *store)
{
	ResultRelInfo *target = store->target;
	Relation	rel = target->ri_RelationDesc;

	GetPerTupleExprContext(store->estate)->ecxt_scantuple = store->slot;
	for (int i = 0; i < target->ri_NumIndices; i++)
	{
		Relation	index = target->ri_IndexRelationDescs[i];
		IndexInfo  *info = target->ri_IndexRelationInfo[i];
		Datum		values[INDEX_MAX_KEYS];
		bool		nulls[INDEX_MAX_KEYS];

		if (index == NULL || !info->ii_ReadyForInserts ||
			!index_wants_row(info, store->estate))
			continue;
		FormIndexDatum(info, store->slot, store->estate, values, nulls);
		index_insert(index, values, nulls, &store->slot->tts_tid, rel,
					 index->rd_index->indisunique ? UNIQUE_CHECK_YES :
					 UNIQUE_CHECK_NO, false, info);
		if (info->ii_ExclusionOps != NULL)
			check_exclusion_constraint(rel, index, info,
									   &store->slot->tts_tid, values, nulls,
									   store->estate, false);
	}
}

/* Puts one row of the copy back. */
static void
store_row(RowStore *store, PgsyncRowMap *map, HeapTuple row)
{
	Relation	rel = store->target->ri_RelationDesc;
	MemoryContext old;

	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(store->estate));
	ExecStoreHeapTuple(pgsync_table_row_of_copy(map, row), store->slot,
					   false);
	store->slot->tts_tableOid = RelationGetRelid(rel);
	check_row(store->target, store->slot, store->estate);
	table_tuple_insert(rel, store->slot, GetCurrentCommandId(true), 0, NULL);
	store_index_entries(store);
	MemoryContextSwitchTo(old);
	ExecClearTuple(store->slot);
	ResetPerTupleExprContext(store->estate);
}

/* Deletes the rows in these places. */
static void
delete_rows(Relation rel, PgsyncTids *rows)
{
	for (int i = 0; i < rows->ntids; i++)
	{
		CHECK_FOR_INTERRUPTS();
		simple_heap_delete(rel, &rows->tids[i]);
	}
}

/*
 * Makes the space of rows that died in earlier rounds known, so that rows go
 * there and the table does not grow.
 */
static void
tidy_up(Relation rel)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);

	if (nblocks > TIDIED_PAGES)
		return;
	for (BlockNumber block = 0; block < nblocks; block++)
	{
		Buffer		buffer = ReadBuffer(rel, block);
		Size		space;

		heap_page_prune_opt(rel, buffer);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		space = PageIsNew(BufferGetPage(buffer)) ? 0 :
			PageGetHeapFreeSpace(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		RecordPageWithFreeSpace(rel, block, space);
	}
}

/* Inserts the rows of the copy in these places. */
static void
insert_rows(Relation rel, Relation copy, PgsyncRowMap *map, PgsyncTids *rows,
			Snapshot latest)
{
	TupleTableSlot *slot = table_slot_create(copy, NULL);
	RowStore	store;

	begin_store(&store, rel);
	for (int i = 0; i < rows->ntids; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!table_tuple_fetch_row_version(copy, &rows->tids[i], latest, slot))
			elog(ERROR, "a row of \"%s\" has disappeared",
				 RelationGetRelationName(copy));
		store_row(&store, map, ExecFetchSlotHeapTuple(slot, false, NULL));
	}
	end_store(&store);
	ExecDropSingleTupleTableSlot(slot);
}

/* Puts a table back in place. */
static void
put_back_in_place(Relation rel, Relation copy, PgsyncRowMap *map,
				  PgsyncRowDiff *diff, Snapshot latest)
{
	delete_rows(rel, &diff->extra);
	if (diff->missing.ntids == 0)
		return;
	tidy_up(rel);
	insert_rows(rel, copy, map, &diff->missing, latest);
}

/* Deletes all rows of a table, and inserts all of its copy. */
static void
put_back_all_in_place(Relation rel, Relation copy, PgsyncRowMap *map,
					  Snapshot latest)
{
	TableScanDesc scan = table_beginscan_strat(rel, latest, 0, NULL, true,
											   false);
	RowStore	store;
	HeapTuple	row;

	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		simple_heap_delete(rel, &row->t_self);
	}
	table_endscan(scan);

	begin_store(&store, rel);
	scan = table_beginscan_strat(copy, latest, 0, NULL, true, false);
	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		store_row(&store, map, row);
	}
	table_endscan(scan);
	end_store(&store);
}

/* ----------------------------------------------------------------
 *						by a new file
 * ----------------------------------------------------------------
 */

/* Tells logical decoders that a table is truncated, as TRUNCATE does. */
static void
log_truncation(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	xl_heap_truncate record;

	record.dbId = MyDatabaseId;
	record.nrelids = 1;
	record.flags = 0;
	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapTruncate);
	XLogRegisterData((char *) &relid, sizeof(Oid));
	XLogSetRecordFlags(XLOG_INCLUDE_ORIGIN);
	(void) XLogInsert(RM_HEAP_ID, XLOG_HEAP_TRUNCATE);
}

/* Gives the table's toasted values a new file, too. */
static void
renew_toast(Relation rel)
{
	Relation	toast;
	Oid			toast_relid = rel->rd_rel->reltoastrelid;

	if (!OidIsValid(toast_relid))
		return;
	toast = table_open(toast_relid, AccessExclusiveLock);
	pgsync_set_new_file(toast);
	table_close(toast, NoLock);
	pgsync_reindex_relation(toast_relid, 0);
}

/* Returns whether storing rows may run code that looks at the table. */
static bool
checks_may_look(Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	return rel->rd_rel->relispartition ||
		(constr != NULL && constr->num_check > 0);
}

/*
 * Puts a table back by a new file, with all rows of the copy.
 *
 * The indexes are built when the rows are there, and until then must not be
 * used: they tell of rows of the old file.  Where something might, they are
 * emptied first.
 */
static void
put_back_by_new_file(Relation rel, Relation copy, PgsyncRowMap *map,
					 Snapshot latest)
{
	if (RelationIsLogicallyLogged(rel))
		log_truncation(rel);
	pgsync_set_new_file(rel);
	renew_toast(rel);
	if (checks_may_look(rel))
		pgsync_reindex_relation(RelationGetRelid(rel), 0);
	pgsync_bulk_copy(copy, rel, map, pgsync_table_row_of_copy, check_row,
					 false, latest);
	pgsync_reindex_relation(RelationGetRelid(rel),
							REINDEX_REL_SUPPRESS_INDEX_USE |
							REINDEX_REL_CHECK_CONSTRAINTS);
	pgstat_count_truncate(rel);
}

/* ----------------------------------------------------------------
 *						which way
 * ----------------------------------------------------------------
 */

/* Returns whether few enough rows differ. */
static bool
differs_little(PgsyncRowDiff *diff)
{
	return diff->complete &&
		diff->extra.ntids + diff->missing.ntids <=
		FEW_ROWS + diff->saved_rows / FEW_PART;
}

/* Returns whether a table's file is much larger than its rows need. */
static bool
is_loose(Relation rel, Relation copy)
{
	return RelationGetNumberOfBlocks(rel) >
		LOOSE_PAGES + 2 * RelationGetNumberOfBlocks(copy);
}

/* Returns whether putting back in place would delete rows. */
static bool
deletes_rows(PgsyncRowDiff *diff)
{
	return !diff->complete || diff->extra.ntids > 0;
}

/*
 * Returns whether a new file is what a table needs: because only that shows
 * the caller the right rows, or decoders what happened, or because it is
 * cheaper.
 */
static bool
needs_new_file(Relation rel, Relation copy, PgsyncRowDiff *diff, bool stale)
{
	if (stale || (deletes_rows(diff) && !pgsync_deletions_decodable(rel)))
		return true;
	if (pgsync_is_replicated(rel))
		return false;
	return !differs_little(diff) || is_loose(rel, copy);
}

/*
 * Makes a table hold the rows of its copy, from which it differs, and makes
 * that visible.
 *
 * "stale" says that the caller's own snapshot sees other rows than "latest";
 * only a new file shows it the right ones.
 */
void
pgsync_put_back(Relation rel, Relation copy, PgsyncRowMap *map,
				PgsyncRowDiff *diff, bool stale, Snapshot latest)
{
	/* whoever has read any of the table conflicts, as with TRUNCATE */
	CheckTableForSerializableConflictIn(rel);

	if (needs_new_file(rel, copy, diff, stale))
		put_back_by_new_file(rel, copy, map, latest);
	else if (diff->complete)
		put_back_in_place(rel, copy, map, diff, latest);
	else
		put_back_all_in_place(rel, copy, map, latest);
	CommandCounterIncrement();
}
