/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between server versions, all in this one file.
 *
 * Each wrapper has the signature of the newest server and says which
 * upstream change made it necessary.  PG_VERSION_NUM stands nowhere else.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_COMPAT_H
#define PGSYNC_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pgsync needs PostgreSQL 15 or newer"
#endif

/*
 * Says whether an INSERT, UPDATE or DELETE has RETURNING.  PostgreSQL 18
 * (80feb727c8) puts the list into a node of its own, for RETURNING WITH.
 */
#if PG_VERSION_NUM >= 180000
#define pgsync_has_returning(statement) ((statement)->returningClause != NULL)
#else
#define pgsync_has_returning(statement) ((statement)->returningList != NIL)
#endif

/*
 * Takes away the permission checks of a query's only table.  PostgreSQL 16
 * (a61b1f7482) moves what is to be checked out of the range table entry.
 */
#if PG_VERSION_NUM >= 160000
#define pgsync_clear_permissions(query, rte) \
	((query)->rteperminfos = NIL, (rte)->perminfoindex = 0)
#else
#define pgsync_clear_permissions(query, rte) \
	((rte)->requiredPerms = 0)
#endif

/*
 * Refuses a page whose old rows may be gone.  PostgreSQL 17 (f691f5b80a)
 * removes old_snapshot_threshold, and nothing is left to check.
 */
#if PG_VERSION_NUM >= 170000
#define pgsync_test_for_old_snapshot(snapshot, rel, page) ((void) 0)
#else
#define pgsync_test_for_old_snapshot(snapshot, rel, page) \
	TestForOldSnapshot(snapshot, rel, page)
#endif

/*
 * A stream of a relation's blocks.  PostgreSQL 17 (b5a9b18cd0) reads several
 * at a time and ahead of need; before, the operating system reads ahead, and
 * the stream is a loop around ReadBufferExtended.
 */
#if PG_VERSION_NUM >= 170000
#include "storage/read_stream.h"
#else
#include "storage/bufmgr.h"

#define READ_STREAM_SEQUENTIAL	0x02

typedef struct ReadStream ReadStream;

typedef BlockNumber (*ReadStreamBlockNumberCB) (ReadStream *stream,
												void *callback_private_data,
												void *per_buffer_data);

struct ReadStream
{
	BufferAccessStrategy strategy;
	Relation	rel;
	ForkNumber	forknum;
	ReadStreamBlockNumberCB callback;
	void	   *callback_private_data;
};

/* Begins to read the blocks that the callback names. */
static inline ReadStream *
read_stream_begin_relation(int flags, BufferAccessStrategy strategy,
						   Relation rel, ForkNumber forknum,
						   ReadStreamBlockNumberCB callback,
						   void *callback_private_data,
						   size_t per_buffer_data_size)
{
	ReadStream *stream = palloc(sizeof(ReadStream));

	Assert(per_buffer_data_size == 0);
	stream->strategy = strategy;
	stream->rel = rel;
	stream->forknum = forknum;
	stream->callback = callback;
	stream->callback_private_data = callback_private_data;
	return stream;
}

/* Returns the next block's buffer, pinned, or InvalidBuffer at the end. */
static inline Buffer
read_stream_next_buffer(ReadStream *stream, void **per_buffer_data)
{
	BlockNumber block = stream->callback(stream,
										 stream->callback_private_data, NULL);

	if (block == InvalidBlockNumber)
		return InvalidBuffer;
	return ReadBufferExtended(stream->rel, stream->forknum, block,
							  RBM_NORMAL, stream->strategy);
}

/* Ends the stream. */
static inline void
read_stream_end(ReadStream *stream)
{
	pfree(stream);
}
#endif

#endif							/* PGSYNC_COMPAT_H */
