/*-------------------------------------------------------------------------
 *
 * empty.c
 *	  Whether a heap table has rows, and deleting them in place.
 *
 * The caller holds ACCESS EXCLUSIVE, so every row version is either ours or
 * of a transaction that has ended, and nothing moves while we look.  A few
 * pages are looked at one by one; the rows found are deleted as DELETE would
 * (heap_delete: toasted values go along, and WAL, visibility map and
 * serializable conflicts are its business), but without triggers, as
 * TRUNCATE.  Beyond that TRUNCATE's new file is cheaper.
 *
 * The limit on pages counts the rows that earlier calls deleted, too: a table
 * cleaned over and over grows until it reaches the limit, then gets a new
 * file.  On the way there, pages are pruned whenever they are nearly full.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "clean/empty.h"
#include "miscadmin.h"
#include "clean/truncate_observer.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Tables of up to so many pages, their toasted values' included, are small */
#define MAX_PAGES_IN_PLACE	32

/* The rows of one page. */
typedef struct PageRows
{
	int			nvisible;
	OffsetNumber visible[MaxHeapTuplesPerPage]; /* rows to be deleted */
	bool		has_stale;		/* a deleted row that we would still see */
} PageRows;

/*
 * Collects the rows of a page that are there now.
 *
 * "own" is the snapshot that later statements of this transaction will use if
 * it is an old one (REPEATABLE READ and SERIALIZABLE), else NULL.  A row that
 * another transaction has deleted since is still there for us, and cannot be
 * deleted once more; it is reported as stale.
 */
static void
read_page(Relation rel, BlockNumber block, Snapshot latest, Snapshot own,
		  PageRows *rows)
{
	Buffer		buffer = ReadBuffer(rel, block);
	Page		page = BufferGetPage(buffer);
	OffsetNumber last;
	HeapTupleData tuple;

	rows->nvisible = 0;
	rows->has_stale = false;
	tuple.t_tableOid = RelationGetRelid(rel);

	/* must come before the lock */
	heap_page_prune_opt(rel, buffer);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	last = PageGetMaxOffsetNumber(page);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId		item = PageGetItemId(page, offset);

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		ItemPointerSet(&tuple.t_self, block, offset);
		if (HeapTupleSatisfiesVisibility(&tuple, latest, buffer))
			rows->visible[rows->nvisible++] = offset;
		else if (own != NULL &&
				 HeapTupleSatisfiesVisibility(&tuple, own, buffer))
			rows->has_stale = true;
	}
	UnlockReleaseBuffer(buffer);
}

/* Returns the number of pages that the table's toasted values take. */
static BlockNumber
toast_pages(Relation rel)
{
	Relation	toast;
	BlockNumber pages;

	if (!OidIsValid(rel->rd_rel->reltoastrelid))
		return 0;
	toast = table_open(rel->rd_rel->reltoastrelid, AccessShareLock);
	pages = RelationGetNumberOfBlocks(toast);
	table_close(toast, NoLock);
	return pages;
}

/*
 * Returns whether the table has rows, and whether they may be deleted in place.
 *
 * "latest" must have been taken after the table was locked.  A table of many
 * pages counts as having rows unseen.
 */
PgsyncContents
pgsync_probe_contents(Relation rel, Snapshot latest)
{
	BlockNumber pages = RelationGetNumberOfBlocks(rel);
	Snapshot	own = NULL;
	bool		has_rows = false;
	PageRows	rows;

	if (pages > MAX_PAGES_IN_PLACE)
		return PGSYNC_CONTENTS_MANY;
	if (IsolationUsesXactSnapshot())
		own = GetTransactionSnapshot();

	for (BlockNumber block = 0; block < pages; block++)
	{
		CHECK_FOR_INTERRUPTS();
		read_page(rel, block, latest, own, &rows);
		if (rows.has_stale)
			return PGSYNC_CONTENTS_MANY;
		if (rows.nvisible > 0)
			has_rows = true;
		/* one row is enough, unless stale ones must be ruled out */
		if (has_rows && own == NULL)
			break;
	}

	if (!has_rows)
		return PGSYNC_CONTENTS_NONE;
	if (pages + toast_pages(rel) > MAX_PAGES_IN_PLACE ||
		!pgsync_deletions_decodable(rel))
		return PGSYNC_CONTENTS_MANY;
	return PGSYNC_CONTENTS_FEW;
}

/*
 * Deletes every row of a small table.  "latest" as above; the caller makes
 * the deletions visible with CommandCounterIncrement.
 */
void
pgsync_empty_in_place(Relation rel, Snapshot latest)
{
	BlockNumber pages = RelationGetNumberOfBlocks(rel);
	PageRows	rows;

	/* whoever has read any of the table conflicts, as with TRUNCATE */
	CheckTableForSerializableConflictIn(rel);

	for (BlockNumber block = 0; block < pages; block++)
	{
		read_page(rel, block, latest, NULL, &rows);
		for (int i = 0; i < rows.nvisible; i++)
		{
			ItemPointerData tid;

			CHECK_FOR_INTERRUPTS();
			ItemPointerSet(&tid, block, rows.visible[i]);
			simple_heap_delete(rel, &tid);
		}
	}
}
