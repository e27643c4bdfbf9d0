/*-------------------------------------------------------------------------
 *
 * action_receiver.c
 *	  A destination that takes rows together with what was done to them.
 *
 *		action		row
 *		inserted	{"id": 7, "a": 1}
 *		updated		{"id": 3, "a": 1}
 *		unchanged	{"id": 4, "a": 1}
 *
 * The rows come from several statements in turn, whose columns are the same.
 * Each becomes a jsonb object (row_jsonb.c) when it comes, so that no more than
 * one is held in memory, and goes to a tuplestore.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "insert/action_receiver.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Learns the columns, before the first statement's first row. */
static void
receiver_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	PgsyncActionReceiver *receiver = (PgsyncActionReceiver *) self;
	MemoryContext oldcontext;

	if (receiver->row != NULL)
		return;
	oldcontext = MemoryContextSwitchTo(receiver->context);
	receiver->row = pgsync_row_jsonb_create(CreateTupleDescCopy(tupdesc),
											receiver->context);
	MemoryContextSwitchTo(oldcontext);
}

/* Returns what is done to the row at hand. */
static const char *
current_action(PgsyncActionReceiver *receiver)
{
	if (receiver->inserting == NULL)
		return receiver->action;
	return pgsync_run_met_conflict(receiver->inserting) ?
		"updated" : "inserted";
}

/* Puts a row into the store, NULL for none. */
static void
put_row(PgsyncActionReceiver *receiver, TupleTableSlot *slot)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->row_context);
	Datum		values[2];
	bool		nulls[2] = {false, slot == NULL};

	values[0] = CStringGetTextDatum(current_action(receiver));
	values[1] = slot == NULL ? (Datum) 0 :
		pgsync_row_jsonb_make(receiver->row, slot);
	tuplestore_putvalues(receiver->store, receiver->store_desc, values, nulls);
	receiver->nrows++;
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(receiver->row_context);
}

/* Takes a row of a statement. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	put_row((PgsyncActionReceiver *) self, slot);
	return true;
}

/* Has nothing to do at the end of the rows, nor at its own: memory is the call's */
static void
receiver_shutdown(DestReceiver *self)
{
}

/*
 * Creates a receiver that puts all rows into "store", in the current memory
 * context.
 */
PgsyncActionReceiver *
pgsync_action_receiver_create(Tuplestorestate *store, TupleDesc store_desc)
{
	PgsyncActionReceiver *receiver = palloc0(sizeof(PgsyncActionReceiver));

	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = receiver_startup;
	receiver->pub.rShutdown = receiver_shutdown;
	receiver->pub.rDestroy = receiver_shutdown;
	receiver->pub.mydest = DestTuplestore;
	receiver->store = store;
	receiver->store_desc = store_desc;
	receiver->context = CurrentMemoryContext;
	receiver->row_context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync row received",
												  ALLOCSET_DEFAULT_SIZES);
	return receiver;
}

/* Puts the action at hand without a row: the caller cannot see it. */
void
pgsync_action_receiver_put_null(PgsyncActionReceiver *receiver)
{
	put_row(receiver, NULL);
}
