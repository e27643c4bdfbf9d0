/*-------------------------------------------------------------------------
 *
 * heap_together.h
 *	  Stores rows with their unique index entries, all or none.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_TOGETHER_H
#define PGSYNC_HEAP_TOGETHER_H

#include "access/heapam.h"
#include "row/sink.h"
#include "sink/index_batch.h"

/* Rows to be stored, and where errors say which is at hand */
typedef struct PgsyncRows
{
	TupleTableSlot **slots;
	const uint64 *numbers;
	int			nrows;
	PgsyncPlace *place;
} PgsyncRows;

extern bool pgsync_store_together(PgsyncIndexBatch *indexes,
								  const PgsyncRows *rows, Relation rel,
								  CommandId cid, int options,
								  BulkInsertState bistate);

#endif							/* PGSYNC_HEAP_TOGETHER_H */
