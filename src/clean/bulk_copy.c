/*-------------------------------------------------------------------------
 *
 * bulk_copy.c
 *	  All rows of one table stored into another, below the executor.
 *
 * Rows go in by many, in the order in which they are read.  Indexes are the
 * caller's business: there are none, or they are built afterwards.  Memory is
 * that of a batch.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "clean/bulk_copy.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* A batch is full with so many rows, or so many bytes, as in core's COPY */
#define MAX_BATCH_ROWS	1000
#define MAX_BATCH_BYTES	65535

/* The copying under way. */
typedef struct BulkCopy
{
	PgsyncRowMap *map;
	ResultRelInfo *target;
	EState	   *estate;
	BulkInsertState bistate;
	bool		unheard;		/* logical decoders are not told */
	MemoryContext batch_mcxt;
	TupleTableSlot **slots;		/* made as they are needed */
	int			nslots;
	int			nrows;			/* in the batch */
	Size		nbytes;
} BulkCopy;

/* Stores the rows of the batch without telling logical decoders. */
static void
store_unheard(BulkCopy *copy)
{
	for (int i = 0; i < copy->nrows; i++)
		heap_insert(copy->target->ri_RelationDesc,
					ExecFetchSlotHeapTuple(copy->slots[i], false, NULL),
					GetCurrentCommandId(true),
					HEAP_INSERT_SKIP_FSM | HEAP_INSERT_NO_LOGICAL,
					copy->bistate);
}

/* Stores the rows of the batch, and empties it. */
static void
store_batch(BulkCopy *copy)
{
	Relation	rel = copy->target->ri_RelationDesc;
	MemoryContext old;

	if (copy->nrows == 0)
		return;
	/* both ways leak into the current memory context */
	old = MemoryContextSwitchTo(copy->batch_mcxt);
	/* there is no way to store many rows unheard at a time */
	if (copy->unheard && RelationIsLogicallyLogged(rel))
		store_unheard(copy);
	else
		table_multi_insert(rel, copy->slots, copy->nrows,
						   GetCurrentCommandId(true), TABLE_INSERT_SKIP_FSM,
						   copy->bistate);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < copy->nrows; i++)
		ExecClearTuple(copy->slots[i]);
	MemoryContextReset(copy->batch_mcxt);
	copy->nrows = 0;
	copy->nbytes = 0;
}

/* Returns the slot for the batch's next row. */
static TupleTableSlot *
next_slot(BulkCopy *copy)
{
	if (copy->nrows == copy->nslots)
		copy->slots[copy->nslots++] =
			MakeSingleTupleTableSlot(RelationGetDescr(copy->target->ri_RelationDesc),
									 &TTSOpsHeapTuple);
	return copy->slots[copy->nrows++];
}

/* Adds a row to the batch. */
static void
add_row(BulkCopy *copy, HeapTuple row, PgsyncRowConversion convert,
		PgsyncRowCheck check)
{
	TupleTableSlot *slot = next_slot(copy);
	MemoryContext old = MemoryContextSwitchTo(copy->batch_mcxt);

	ExecStoreHeapTuple(convert(copy->map, row), slot, false);
	slot->tts_tableOid = RelationGetRelid(copy->target->ri_RelationDesc);
	MemoryContextSwitchTo(old);
	copy->nbytes += row->t_len;
	if (check != NULL)
	{
		check(copy->target, slot, copy->estate);
		ResetPerTupleExprContext(copy->estate);
	}
	if (copy->nrows == MAX_BATCH_ROWS || copy->nbytes > MAX_BATCH_BYTES)
		store_batch(copy);
}

/* Frees what the copying needed. */
static void
end_copy(BulkCopy *copy)
{
	FreeBulkInsertState(copy->bistate);
	for (int i = 0; i < copy->nslots; i++)
		ExecDropSingleTupleTableSlot(copy->slots[i]);
	FreeExecutorState(copy->estate);
	MemoryContextDelete(copy->batch_mcxt);
}

/*
 * Copies all rows that the snapshot sees.  "check", if not NULL, is called
 * for each as the target will have it.  "unheard" keeps the rows from logical
 * decoders.
 */
void
pgsync_bulk_copy(Relation from, Relation to, PgsyncRowMap *map,
				 PgsyncRowConversion convert, PgsyncRowCheck check,
				 bool unheard, Snapshot snapshot)
{
	BulkCopy	copy = {.map = map,.unheard = unheard};
	TableScanDesc scan;
	HeapTuple	row;

	copy.target = makeNode(ResultRelInfo);
	InitResultRelInfo(copy.target, to, 0, NULL, 0);
	copy.estate = CreateExecutorState();
	copy.bistate = GetBulkInsertState();
	copy.batch_mcxt = AllocSetContextCreate(CurrentMemoryContext,
											"pgsync bulk copy",
											ALLOCSET_DEFAULT_SIZES);
	copy.slots = palloc(sizeof(TupleTableSlot *) * MAX_BATCH_ROWS);

	scan = table_beginscan_strat(from, snapshot, 0, NULL, true, false);
	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		add_row(&copy, row, convert, check);
	}
	store_batch(&copy);
	table_endscan(scan);
	end_copy(&copy);
}
