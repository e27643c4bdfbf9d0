/*-------------------------------------------------------------------------
 *
 * change_check.c
 *	  Whether a table and its saved copy are as they were, at a look.
 *
 * A look is taken when a table and its copy hold the same rows and nobody
 * else can write to the table (ACCESS EXCLUSIVE).  It is stored by the same
 * transaction, so that it is there only if what it saw is.  Later, "unchanged"
 * must be certain; "perhaps changed" costs a comparison of the rows, after
 * which a new look is taken.
 *
 * Tables with WAL.  Whatever changes a row, writes a record, and the page gets
 * the record's end as its LSN, which is beyond where WAL ended at the look.
 * So no page with a later LSN, in the same file of the same length, means no
 * change.  That holds across a crash: the look is there only if its commit
 * record is, and with it all WAL up to the look, so that what comes after
 * recovery is again beyond it.  Hint bits and freezing change no row: without
 * a record they are not noticed, with one they are a false alarm.  Two kinds
 * of page tell nothing:
 *	  - those of a file that was made in this transaction with wal_level =
 *		minimal, which are written without WAL (RelationNeedsWAL says so);
 *	  - those of such a file afterwards, until they get an LSN.
 *
 * Unlogged and temporary tables.  No page has an LSN.  What changes rows
 * leaves a trace in tuple headers, as every row version carries who made it
 * and who deleted it: a new version has a transaction's or a command's id that
 * the place had not before.  The look keeps a SHA-256 of all of them, without
 * hint bits.  Ids come again only after 2^32 transactions, and from then on
 * (in fact from half of them) the look tells nothing.  A crash empties
 * unlogged tables, and ids that a look has seen are not given out again after
 * it: the transactions that had them ended before the look's did, with a
 * record each.  Sets of lockers and updaters (multixacts) have ids of their
 * own; a tuple with one tells nothing.
 *
 * The file's number and place, the database and the cluster are part of the
 * look because a schema with saved tables can be dumped, or copied with its
 * database, and then speaks of other files.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "clean/change_check.h"
#include "common/cryptohash.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

/* Raise it when what a look holds, or means, changes. */
#define LOOK_VERSION	1

/* For how many transactions the ids in tuple headers are unambiguous */
#define XID_HORIZON		(UINT64CONST(1) << 31)

/* The bits of a tuple header that are set and cleared as hints */
#define HINT_BITS		(HEAP_XMIN_COMMITTED | HEAP_XMIN_INVALID | \
						 HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID)

/* What is hashed of a row version. */
typedef struct TupleTrace
{
	BlockNumber block;
	TransactionId xmin;
	TransactionId xmax;
	CommandId	command;
	OffsetNumber offset;
	uint16		infomask;
	uint16		infomask2;
	uint16		length;
} TupleTrace;

/* Describes the file that a relation has now. */
static void
describe_file(Relation rel, PgsyncFile *file)
{
	pgsync_relation_file(rel, &file->tablespace, &file->number);
	file->nblocks = RelationGetNumberOfBlocks(rel);
}

/* Returns whether a relation still has the file, at the same length. */
static bool
file_is_the_same(Relation rel, const PgsyncFile *file)
{
	PgsyncFile	now;

	describe_file(rel, &now);
	return now.tablespace == file->tablespace &&
		now.number == file->number &&
		now.nblocks == file->nblocks;
}

/* Returns how to read so many pages without driving others out. */
static BufferAccessStrategy
read_strategy(Relation rel, BlockNumber nblocks)
{
	if (RelationUsesLocalBuffers(rel) || nblocks <= NBuffers / 4)
		return NULL;
	return GetAccessStrategy(BAS_BULKREAD);
}

/*
 * Returns whether a page has been changed after a point in WAL, or may have
 * been.
 */
static bool
page_changed(Buffer buffer, XLogRecPtr lsn)
{
	XLogRecPtr	page_lsn = BufferGetLSNAtomic(buffer);

	if (PageIsNew(BufferGetPage(buffer)))
		return false;
	return page_lsn > lsn || XLogRecPtrIsInvalid(page_lsn);
}

/* Returns whether no page of a relation has changed after a point in WAL. */
static bool
pages_unchanged(Relation rel, BlockNumber nblocks, XLogRecPtr lsn)
{
	BufferAccessStrategy strategy = read_strategy(rel, nblocks);
	bool		changed = false;

	/* the last pages first: new rows mostly go there */
	for (BlockNumber block = nblocks; block > 0 && !changed; block--)
	{
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block - 1, RBM_NORMAL,
									strategy);
		changed = page_changed(buffer, lsn);
		ReleaseBuffer(buffer);
	}
	if (strategy != NULL)
		FreeAccessStrategy(strategy);
	return !changed;
}

/* Adds to a hash; failures are the hash implementation's. */
static void
hash_add(pg_cryptohash_ctx *hash, const void *data, size_t length)
{
	if (pg_cryptohash_update(hash, data, length) < 0)
		elog(ERROR, "could not update SHA-256 hash: %s",
			 pg_cryptohash_error(hash));
}

/* Adds a page's row versions to the hash; false if one tells nothing. */
static bool
hash_page(Buffer buffer, pg_cryptohash_ctx *hash)
{
	Page		page = BufferGetPage(buffer);
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	TupleTrace	traces[MaxHeapTuplesPerPage];
	int			ntraces = 0;

	memset(traces, 0, sizeof(traces));
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId		item = PageGetItemId(page, offset);
		TupleTrace *trace = &traces[ntraces];
		HeapTupleHeader header;

		if (!ItemIdIsNormal(item))
			continue;
		header = (HeapTupleHeader) PageGetItem(page, item);
		if (header->t_infomask & HEAP_XMAX_IS_MULTI)
			return false;
		trace->block = BufferGetBlockNumber(buffer);
		trace->offset = offset;
		trace->xmin = HeapTupleHeaderGetRawXmin(header);
		trace->xmax = HeapTupleHeaderGetRawXmax(header);
		trace->command = HeapTupleHeaderGetRawCommandId(header);
		trace->infomask = header->t_infomask & ~HINT_BITS;
		trace->infomask2 = header->t_infomask2;
		trace->length = ItemIdGetLength(item);
		ntraces++;
	}
	hash_add(hash, traces, sizeof(TupleTrace) * ntraces);
	return true;
}

/* Adds all pages of a relation to the hash; false if that tells nothing. */
static bool
hash_pages(Relation rel, pg_cryptohash_ctx *hash)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	BufferAccessStrategy strategy = read_strategy(rel, nblocks);
	bool		certain = true;

	for (BlockNumber block = 0; block < nblocks && certain; block++)
	{
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL,
									strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		certain = PageIsNew(BufferGetPage(buffer)) || hash_page(buffer, hash);
		UnlockReleaseBuffer(buffer);
	}
	if (strategy != NULL)
		FreeAccessStrategy(strategy);
	return certain;
}

/*
 * Hashes the tuple headers of a relation without WAL; false if they do not
 * tell enough.
 */
static bool
hash_headers(Relation rel, uint8 *result)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	bool		certain;

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		elog(ERROR, "could not initialize SHA-256 hash");
	certain = hash_pages(rel, hash);
	if (pg_cryptohash_final(hash, result, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not finalize SHA-256 hash: %s",
			 pg_cryptohash_error(hash));
	pg_cryptohash_free(hash);
	return certain;
}

/* Returns whether the look was taken here, and can still tell something. */
static bool
look_applies(const PgsyncLook *look)
{
	uint64		next_xid = U64FromFullTransactionId(ReadNextFullTransactionId());

	return look->version == LOOK_VERSION &&
		look->database == MyDatabaseId &&
		look->system == GetSystemIdentifier() &&
		look->lsn <= GetXLogInsertRecPtr() &&
		look->next_xid <= next_xid &&
		next_xid - look->next_xid < XID_HORIZON;
}

/*
 * Takes a look at a table and its copy, which must hold the same rows; false
 * if that would tell nothing later.
 *
 * The caller has locked the table ACCESS EXCLUSIVE and the copy against
 * writers, has made its own changes visible, and makes none after this.
 */
bool
pgsync_take_look(Relation rel, Relation copy, PgsyncLook *look)
{
	memset(look, 0, sizeof(PgsyncLook));
	if (!RelationNeedsWAL(copy))
		return false;
	if (RelationIsPermanent(rel))
	{
		if (!RelationNeedsWAL(rel))
			return false;
	}
	else if (!hash_headers(rel, look->headers))
		return false;

	look->version = LOOK_VERSION;
	look->database = MyDatabaseId;
	look->system = GetSystemIdentifier();
	look->next_xid = U64FromFullTransactionId(ReadNextFullTransactionId());
	describe_file(rel, &look->table);
	describe_file(copy, &look->copy);
	look->lsn = GetXLogInsertRecPtr();
	return true;
}

/* Returns whether the table certainly holds the rows it held at the look. */
bool
pgsync_table_unchanged(Relation rel, const PgsyncLook *look)
{
	uint8		headers[PG_SHA256_DIGEST_LENGTH];

	if (!look_applies(look) || !file_is_the_same(rel, &look->table))
		return false;
	if (RelationIsPermanent(rel))
		return RelationNeedsWAL(rel) &&
			pages_unchanged(rel, look->table.nblocks, look->lsn);
	return hash_headers(rel, headers) &&
		memcmp(headers, look->headers, sizeof(headers)) == 0;
}

/*
 * Returns whether the copy certainly holds the rows it held at the look.
 *
 * An edit that is not committed yet counts as one.  So the copy need not be
 * locked against writers: what they do later will be seen by the next look.
 */
bool
pgsync_copy_unchanged(Relation copy, const PgsyncLook *look)
{
	return look_applies(look) &&
		RelationNeedsWAL(copy) &&
		file_is_the_same(copy, &look->copy) &&
		pages_unchanged(copy, look->copy.nblocks, look->lsn);
}

/* Returns whether two snapshots see different rows on a page. */
static bool
page_looks_different(Relation rel, Buffer buffer, Snapshot one, Snapshot other)
{
	Page		page = BufferGetPage(buffer);
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	HeapTupleData tuple;

	tuple.t_tableOid = RelationGetRelid(rel);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= last; offset++)
	{
		ItemId		item = PageGetItemId(page, offset);

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		ItemPointerSet(&tuple.t_self, BufferGetBlockNumber(buffer), offset);
		if (HeapTupleSatisfiesVisibility(&tuple, one, buffer) !=
			HeapTupleSatisfiesVisibility(&tuple, other, buffer))
			return true;
	}
	return false;
}

/*
 * Returns whether two snapshots see different rows of a table, which must be
 * locked ACCESS EXCLUSIVE.
 */
bool
pgsync_snapshots_differ(Relation rel, Snapshot one, Snapshot other)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(rel);
	bool		differ = false;

	for (BlockNumber block = 0; block < nblocks && !differ; block++)
	{
		Buffer		buffer = ReadBuffer(rel, block);

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		if (!PageIsNew(BufferGetPage(buffer)))
			differ = page_looks_different(rel, buffer, one, other);
		UnlockReleaseBuffer(buffer);
	}
	return differ;
}
