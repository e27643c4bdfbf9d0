/*-------------------------------------------------------------------------
 *
 * heap_buffer.h
 *	  Rows on their way into one relation, stored a batch at a time.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_BUFFER_H
#define PGSYNC_HEAP_BUFFER_H

#include "access/heapam.h"
#include "access/tableam.h"
#include "row/run.h"
#include "sink/heap_conflict.h"
#include "sink/index_batch.h"

/*
 * A buffer is stored when it has this many rows or bytes of input, as in
 * copyfrom.c: by then what is done once a batch no longer shows beside what is
 * done once a row, and the values still fit a processor's cache.
 */
#define PGSYNC_MAX_BUFFERED_ROWS	1000
#define PGSYNC_MAX_BUFFERED_BYTES	65535

/*
 * ... or when its values take this much memory: a default or a jsonb may be
 * much larger than the input that it came of.
 */
#define PGSYNC_MAX_VALUE_BYTES		(1024 * 1024)

/* What becomes of a row that another one is in the way of */
typedef enum PgsyncOnConflict
{
	PGSYNC_CONFLICT_FAILS,		/* it is an error */
	PGSYNC_CONFLICT_SKIPPED,	/* it is counted, and kept out */
	PGSYNC_CONFLICT_RETURNED,	/* it is the caller's business */
} PgsyncOnConflict;

typedef struct PgsyncRowBuffer
{
	PgsyncRun  *run;
	EState	   *estate;
	ResultRelInfo *resultRelInfo;
	BulkInsertState bistate;
	PgsyncOnConflict on_conflict;
	PgsyncConflicts *conflicts; /* if not NULL, a row may be kept out */
	uint64		nconflicts;		/* rows that were */
	int			look_ahead;		/* rows to look for conflicts of, at once */
	PgsyncIndexBatch *indexes;	/* if NULL, core makes index entries */
	int			options;		/* of table_multi_insert */
	int			nrows;
	int			max_rows;
	int			nslots;			/* slots made so far */
	TupleDesc	desc;			/* theirs, once there is one */
	Size		nbytes;
	MemoryContext mcxt;			/* the rows' values until they are stored */
	bool		goes_alone;		/* must its rows go in one by one? */
	bool		has_before;		/* BEFORE ROW triggers */
	bool		has_triggers;	/* AFTER ROW ones, foreign keys among them */
	List	   *key_columns;	/* if not NIL, rows equal in them are checked
								 * with the one before */
	int			last_stored;	/* index of the row before, or -1 */
	List	  **recheck;		/* indexes to recheck, while triggers wait */
	uint64		numbers[PGSYNC_MAX_BUFFERED_ROWS];
	TupleTableSlot *slots[PGSYNC_MAX_BUFFERED_ROWS];
} PgsyncRowBuffer;

extern void pgsync_row_buffer_make_slot(PgsyncRowBuffer *buffer);

/* Returns the slot that the buffer's next row goes into, empty. */
static inline TupleTableSlot *
pgsync_row_buffer_next_slot(PgsyncRowBuffer *buffer)
{
	if (buffer->nrows == buffer->nslots)
		pgsync_row_buffer_make_slot(buffer);
	return ExecClearTuple(buffer->slots[buffer->nrows]);
}

/*
 * Returns a row's size: its input's, or the stored row's if that is known and
 * larger, as generated columns may make it.
 */
static inline Size
pgsync_row_buffer_size(PgsyncRowBuffer *buffer, TupleTableSlot *slot)
{
	Size		size = buffer->run->feed->size;

	if (TTS_SHOULDFREE(slot) && TTS_IS_BUFFERTUPLE(slot))
		size = Max(size, ((HeapTupleTableSlot *) slot)->tuple->t_len);
	return size;
}

/*
 * Counts the row in the next slot, whose constraints have been checked, in.
 * Returns whether the buffer is to be stored.
 */
static inline bool
pgsync_row_buffer_add(PgsyncRowBuffer *buffer, Size size)
{
	buffer->numbers[buffer->nrows++] = buffer->run->feed->number;
	buffer->nbytes += size;
	return buffer->nrows >= buffer->max_rows ||
		buffer->nbytes >= PGSYNC_MAX_BUFFERED_BYTES ||
		MemoryContextMemAllocated(buffer->mcxt, true) >= PGSYNC_MAX_VALUE_BYTES;
}

extern PgsyncRowBuffer *pgsync_row_buffer_create(PgsyncRun *run,
												 ResultRelInfo *resultRelInfo,
												 PgsyncOnConflict on_conflict,
												 bool routed);
extern int	pgsync_row_buffer_store(PgsyncRowBuffer *buffer, int first);
extern void pgsync_row_buffer_queue_triggers(PgsyncRowBuffer *buffer,
											 int index, List *recheck);
extern void pgsync_row_buffer_reset(PgsyncRowBuffer *buffer);
extern void pgsync_row_buffer_free(PgsyncRowBuffer *buffer);

#endif							/* PGSYNC_HEAP_BUFFER_H */
