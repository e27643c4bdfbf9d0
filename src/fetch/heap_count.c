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
 * What is left is waiting for memory.  So a few pages are pinned ahead of
 * the one that is counted, and what will be looked at is fetched into the
 * processor's cache meanwhile.
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
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/rel.h"

/*
 * How many pages are pinned at most.  It leaves room among the pins that the
 * buffer manager finds fastest (REFCOUNT_ARRAY_ENTRIES in bufmgr.c), and in
 * the processor's cache: pages begin at addresses that share a few places of
 * it.
 */
#define MAX_PAGES_AHEAD		4

/* How much of a page is fetched ahead: the line pointers of narrow rows */
#define LINES_AHEAD			12

/* The unit in which memory is fetched */
#define CACHE_LINE			64

#if defined(__GNUC__)
#define prefetch_memory(address) __builtin_prefetch(address)
#else
#define prefetch_memory(address) ((void) 0)
#endif

/* Pages that are pinned, in their order, the oldest at "first" */
typedef struct PageQueue
{
	ReadStream *stream;
	bool		ended;			/* has the stream no more of them? */
	int			size;			/* how many may be pinned */
	int			first;
	int			count;
	Buffer		buffers[MAX_PAGES_AHEAD];
} PageQueue;

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
 * Returns whether a transaction precedes all that the snapshot takes for
 * running: TransactionIdPrecedes, without the call.
 */
static inline bool
precedes_snapshot(TransactionId xid, Snapshot snapshot)
{
	return !TransactionIdIsNormal(xid) ||
		NormalTransactionIdPrecedes(xid, snapshot->xmin);
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
		 precedes_snapshot(HeapTupleHeaderGetRawXmin(tuple), snapshot));
}

/*
 * Returns whether a tuple surely is not visible: its deleter, or the one who
 * updated it, is known to have committed before every transaction that the
 * snapshot takes for running.  So its inserter did, too, or else the tuple
 * is not visible either.
 */
static inline bool
surely_deleted(HeapTupleHeader tuple, Snapshot snapshot)
{
	return (tuple->t_infomask & (HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID |
								 HEAP_XMAX_IS_MULTI)) == HEAP_XMAX_COMMITTED &&
		!HEAP_XMAX_IS_LOCKED_ONLY(tuple->t_infomask) &&
		precedes_snapshot(HeapTupleHeaderGetRawXmax(tuple), snapshot);
}

/*
 * Counts the tuples of a page that the snapshot sees.  Where a tuple lies on
 * this page, one most likely lies on the next: it is fetched meanwhile.
 */
static int
count_visible_items(Relation rel, Buffer buffer, Snapshot snapshot,
					Page next_page)
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

		prefetch_memory((char *) next_page + ItemIdGetOffset(item));
		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		if (surely_visible(tuple.t_data, snapshot))
		{
			count++;
			continue;
		}
		if (surely_deleted(tuple.t_data, snapshot))
			continue;
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
count_page(Relation rel, Buffer buffer, Snapshot snapshot, Page next_page)
{
	Page		page = BufferGetPage(buffer);
	int			count;

	heap_page_prune_opt(rel, buffer);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	pgsync_test_for_old_snapshot(snapshot, rel, page);
	if (PageIsAllVisible(page) && !snapshot->takenDuringRecovery)
		count = count_normal_items(page);
	else
		count = count_visible_items(rel, buffer, snapshot, next_page);
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
 * Returns how many pages of a relation may be pinned at a time: this
 * session's share of the buffers, as the server takes it for relations that
 * it extends, or some of the session's own; at least the one that is counted.
 */
static int
max_pinned_pages(Relation rel)
{
	int			share;

	if (RelationUsesLocalBuffers(rel))
		share = num_temp_buffers / 4;
	else
		share = NBuffers / (MaxBackends + NUM_AUXILIARY_PROCS);
	return Max(Min(share, MAX_PAGES_AHEAD), 1);
}

/* Pins pages until the queue is full, or there are no more. */
static inline void
fill_queue(PageQueue *queue)
{
	while (queue->count < queue->size && !queue->ended)
	{
		Buffer		buffer = read_stream_next_buffer(queue->stream, NULL);
		int			last = (queue->first + queue->count) % MAX_PAGES_AHEAD;

		if (buffer == InvalidBuffer)
		{
			queue->ended = true;
			return;
		}
		for (int i = 0; i < LINES_AHEAD; i++)
			prefetch_memory((char *) BufferGetPage(buffer) + i * CACHE_LINE);
		queue->buffers[last] = buffer;
		queue->count++;
	}
}

/* Counts all pages that the stream has; an error releases their pins. */
static int64
count_pages(Relation rel, ReadStream *stream, Snapshot snapshot)
{
	PageQueue	queue = {.stream = stream,.size = max_pinned_pages(rel)};
	int64		count = 0;

	for (fill_queue(&queue); queue.count > 0; fill_queue(&queue))
	{
		Buffer		buffer = queue.buffers[queue.first];

		Page		next_page = BufferGetPage(buffer);

		queue.first = (queue.first + 1) % MAX_PAGES_AHEAD;
		if (--queue.count > 0)
			next_page = BufferGetPage(queue.buffers[queue.first]);
		count += count_page(rel, buffer, snapshot, next_page);
		ReleaseBuffer(buffer);
		CHECK_FOR_INTERRUPTS();
	}
	return count;
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
	int64		count;

	if (!RelationUsesLocalBuffers(rel) && range.end > NBuffers / 4)
		strategy = GetAccessStrategy(BAS_BULKREAD);

	stream = read_stream_begin_relation(READ_STREAM_SEQUENTIAL, strategy, rel,
										MAIN_FORKNUM, next_block, &range, 0);
	count = count_pages(rel, stream, snapshot);
	read_stream_end(stream);

	if (strategy != NULL)
		FreeAccessStrategy(strategy);
	pgstat_count_heap_scan(rel);
	/* the counter is the same for heaps, whose macro adds one at a time */
	pgstat_count_index_tuples(rel, count);
	return count;
}
