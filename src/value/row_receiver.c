/*-------------------------------------------------------------------------
 *
 * row_receiver.c
 *	  A destination that takes a statement's rows as jsonb objects.
 *
 * Each row is made an object (row_jsonb.c) as the executor sends it, so that
 * no more than one is held in memory: it goes to a tuplestore, or, if only
 * the first row is wanted, it is kept.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "nodes/nodes.h"
#include "value/row_receiver.h"
#include "utils/memutils.h"

/* Learns the columns, before a statement's first row. */
static void
receiver_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	PgsyncRowReceiver *receiver = (PgsyncRowReceiver *) self;

	MemoryContextReset(receiver->statement_context);
	receiver->row = pgsync_row_jsonb_create(tupdesc,
											receiver->statement_context);
	if (operation != CMD_SELECT)
		receiver->is_select = false;
}

/* Puts a row into the store. */
static bool
receive_into_store(TupleTableSlot *slot, DestReceiver *self)
{
	PgsyncRowReceiver *receiver = (PgsyncRowReceiver *) self;
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->row_context);
	Datum		object = pgsync_row_jsonb_make(receiver->row, slot);
	bool		isnull = false;

	tuplestore_putvalues(receiver->store, receiver->store_desc,
						 &object, &isnull);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(receiver->row_context);
	return true;
}

/*
 * Keeps the first row.
 *
 * Returning false ends the execution of the plan.  A row limit would end it
 * as well, but would also keep the plan from using parallel workers.
 * Statements that write, and utility statements, run to their end.
 */
static bool
receive_first(TupleTableSlot *slot, DestReceiver *self)
{
	PgsyncRowReceiver *receiver = (PgsyncRowReceiver *) self;

	if (!receiver->found)
	{
		MemoryContext oldcontext;

		oldcontext = MemoryContextSwitchTo(receiver->result_context);
		receiver->first = pgsync_row_jsonb_make(receiver->row, slot);
		receiver->found = true;
		MemoryContextSwitchTo(oldcontext);
	}
	return !receiver->is_select;
}

/* Has nothing to do at the end of the rows. */
static void
receiver_shutdown(DestReceiver *self)
{
}

/* Frees the receiver, not its results. */
static void
receiver_destroy(DestReceiver *self)
{
	MemoryContextDelete(((PgsyncRowReceiver *) self)->context);
}

/*
 * Creates a receiver that puts all rows into "store", or, where that is NULL,
 * keeps the first one, in the current memory context.
 */
PgsyncRowReceiver *
pgsync_row_receiver_create(Tuplestorestate *store, TupleDesc store_desc)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync rows received",
												  ALLOCSET_SMALL_SIZES);
	PgsyncRowReceiver *receiver = MemoryContextAllocZero(context,
														 sizeof(PgsyncRowReceiver));

	receiver->pub.receiveSlot = store ? receive_into_store : receive_first;
	receiver->pub.rStartup = receiver_startup;
	receiver->pub.rShutdown = receiver_shutdown;
	receiver->pub.rDestroy = receiver_destroy;
	receiver->pub.mydest = DestTuplestore;
	receiver->result_context = CurrentMemoryContext;
	receiver->context = context;
	receiver->statement_context = AllocSetContextCreate(context,
														"pgsync statement's columns",
														ALLOCSET_SMALL_SIZES);
	receiver->row_context = AllocSetContextCreate(context,
												  "pgsync row received",
												  ALLOCSET_DEFAULT_SIZES);
	receiver->store = store;
	receiver->store_desc = store_desc;
	receiver->is_select = true;
	return receiver;
}

/* Frees the receiver, not its results. */
void
pgsync_row_receiver_destroy(PgsyncRowReceiver *receiver)
{
	receiver->pub.rDestroy(&receiver->pub);
}
