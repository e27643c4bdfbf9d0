/*-------------------------------------------------------------------------
 *
 * json_receiver.c
 *	  A destination that takes a statement's rows as one JSON array.
 *
 * Each row is printed (row_json.c) as the executor sends it, behind those
 * before it, with json_agg's separators; what has been printed is all that
 * is kept.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "utils/memutils.h"
#include "value/json_receiver.h"
#include "value/row_json.h"

typedef struct JsonReceiver
{
	DestReceiver pub;			/* callbacks; must be first */
	MemoryContext context;		/* the receiver itself */
	MemoryContext statement_context;	/* what lives for a statement's rows */
	MemoryContext row_context;	/* reset after each row */
	PgsyncRowJson *row;
	bool		found;			/* has there been a row? */
	PgsyncJsonText text;		/* in the context of the receiver's maker */
} JsonReceiver;

/* Learns the columns, before a statement's first row. */
static void
receiver_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	JsonReceiver *receiver = (JsonReceiver *) self;

	MemoryContextReset(receiver->statement_context);
	receiver->row = pgsync_row_json_create(tupdesc,
										   receiver->statement_context);
}

/* Prints a row. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	JsonReceiver *receiver = (JsonReceiver *) self;
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->row_context);

	if (receiver->found)
		pgsync_json_append(&receiver->text, ", \n ", 4);
	receiver->found = true;
	pgsync_row_json_append(receiver->row, &receiver->text, slot);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(receiver->row_context);
	return true;
}

/* Has nothing to do at the end of the rows. */
static void
receiver_shutdown(DestReceiver *self)
{
}

/* Frees the receiver, not its result. */
static void
receiver_destroy(DestReceiver *self)
{
	MemoryContextDelete(((JsonReceiver *) self)->context);
}

/* Creates a receiver whose result is in the current memory context. */
DestReceiver *
pgsync_json_receiver_create(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync rows printed",
												  ALLOCSET_SMALL_SIZES);
	JsonReceiver *receiver = MemoryContextAllocZero(context,
													sizeof(JsonReceiver));

	receiver->pub.receiveSlot = receive_row;
	receiver->pub.rStartup = receiver_startup;
	receiver->pub.rShutdown = receiver_shutdown;
	receiver->pub.rDestroy = receiver_destroy;
	receiver->pub.mydest = DestTuplestore;
	receiver->context = context;
	receiver->statement_context = AllocSetContextCreate(context,
														"pgsync statement's columns",
														ALLOCSET_SMALL_SIZES);
	receiver->row_context = AllocSetContextCreate(context,
												  "pgsync row printed",
												  ALLOCSET_DEFAULT_SIZES);
	pgsync_json_init(&receiver->text);
	pgsync_json_append(&receiver->text, "[", 1);
	return &receiver->pub;
}

/* Ends the array, frees the receiver and returns the json. */
Datum
pgsync_json_receiver_finish(DestReceiver *self)
{
	PgsyncJsonText text = ((JsonReceiver *) self)->text;

	pgsync_json_append(&text, "]", 1);
	self->rDestroy(self);
	return pgsync_json_finish(&text);
}
