/*-------------------------------------------------------------------------
 *
 * heap_count.c
 *	  Counting the visible rows of a heap table by page.
 *
 * It reads the same pages as a sequential scan and decides by the same rules
 * (heapgetpage in heapam.c, heap_prepare_pagescan from PostgreSQL 17 on)
 * which of their tuples a snapshot sees, but no tuple leaves the page: there
 * are no slots, no executor, and on a page whose tuples all are visible to
 * everyone only line pointers are counted.
 *
 * Serializable transactions, whose reads leave predicate locks, must not
 * come here; who may read the table is the caller's business too.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "fetch/heap_count.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

/* The blocks that are still to be read */
typedef struct BlockRange
{
	BlockNumber next;
	BlockNumber end;
} BlockRange;

/* Tells the read stream which block comes next. */
static BlockNumber
next_block(ReadStream *stream, void *callback_private_data,
		   void *per_buffer_data)
{
	BlockRange *range = callback_private_data;

	return range->next < range->end ? range->next++ : InvalidBlockNumber;
}

/*
 * Counts the normal line pointers of a page.
 *
 * This loop is most of the work on an all-visible table.  The Makefile asks
 * the compiler to vectorize it, for which it must have no branch, and count
 * in ints.
 */
static int
count_normal_items(Page page)
{
	ItemId		items = ((PageHeader) page)->pd_linp;
	int			nitems = PageGetMaxOffsetNumber(page);
	int			count = 0;

	for (int i = 0; i < nitems; i++)
		count += ItemIdIsNormal(&items[i]);
	return count;
}

/*
 * Returns whether a tuple surely is visible to an MVCC snapshot: nobody has
 * deleted it, and its inserter is known to have committed before every
 * transaction that the snapshot takes for running.
 *
 * These are the first tests of HeapTupleSatisfiesMVCC and XidInMVCCSnapshot,
 * which settle it for most tuples; false means that the others must decide.
 */
static inline bool
surely_visible(HeapTupleHeader tuple, Snapshot snapshot)
{
	return (tuple->t_infomask & HEAP_XMAX_INVALID) != 0 &&
		HeapTupleHeaderXminCommitted(tuple) &&
		(HeapTupleHeaderXminFrozen(tuple) ||
		 TransactionIdPrecedes(HeapTupleHeaderGetRawXmin(tuple),
							   snapshot->xmin));
}

/* Counts the tuples of a page that the snapshot sees. */
static int
count_visible_items(Relation rel, Buffer buffer, Snapshot snapshot)
{
	Page		page = BufferGetPage(buffer);
	BlockNumber block = BufferGetBlockNumber(buffer);
	OffsetNumber max_offset = PageGetMaxOffsetNumber(page);
	int			count = 0;
	HeapTupleData tuple;

	tuple.t_tableOid = RelationGetRelid(rel);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= max_offset;
		 offset++)
	{
		ItemId		item = PageGetItemId(page, offset);

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		if (surely_visible(tuple.t_data, snapshot))
		{
			count++;
			continue;
		}
		tuple.t_len = ItemIdGetLength(item);
		ItemPointerSet(&tuple.t_self, block, offset);
		count += HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer);
	}
	return count;
}

/*
 * Counts the rows of one page that the snapshot sees.
 *
 * As in a scan, the page's own flag says that all are visible to everyone,
 * and counts for nothing with a snapshot taken during recovery: on a standby
 * the flag may run ahead of what its transactions may see.
 */
static int
count_page(Relation rel, Buffer buffer, Snapshot snapshot)
{
	Page		page = BufferGetPage(buffer);
	int			count;

	heap_page_prune_opt(rel, buffer);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	pgsync_test_for_old_snapshot(snapshot, rel, page);
	if (PageIsAllVisible(page) && !snapshot->takenDuringRecovery)
		count = count_normal_items(page);
	else
		count = count_visible_items(rel, buffer, snapshot);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	return count;
}

/*
 * Returns whether a relation's rows can be counted here: it is stored as a
 * heap, and not in another session's memory.
 */
bool
pgsync_heap_countable(Relation rel)
{
	return rel->rd_tableam == GetHeapamTableAmRoutine() &&
		!RELATION_IS_OTHER_TEMP(rel);
}

/*
 * Returns how many of a heap relation's rows an MVCC snapshot sees.
 *
 * A table that is large for the buffer pool is read through a ring of few
 * buffers, as a scan does, and the statistics count one scan.
 */
int64
pgsync_heap_count(Relation rel, Snapshot snapshot)
{
	BlockRange	range = {0, RelationGetNumberOfBlocks(rel)};
	BufferAccessStrategy strategy = NULL;
	ReadStream *stream;
	Buffer		buffer;
	int64		count = 0;

	if (!RelationUsesLocalBuffers(rel) && range.end > NBuffers / 4)
		strategy = GetAccessStrategy(BAS_BULKREAD);

	stream = read_stream_begin_relation(READ_STREAM_SEQUENTIAL, strategy, rel,
										MAIN_FORKNUM, next_block, &range, 0);
	while ((buffer = read_stream_next_buffer(stream, NULL)) != InvalidBuffer)
	{
		count += count_page(rel, buffer, snapshot);
		ReleaseBuffer(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	read_stream_end(stream);

	if (strategy != NULL)
		FreeAccessStrategy(strategy);
	pgstat_count_heap_scan(rel);
	/* the counter is the same for heaps, whose macro adds one at a time */
	pgstat_count_index_tuples(rel, count);
	return count;
}
