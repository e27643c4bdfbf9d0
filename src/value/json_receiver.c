/*-------------------------------------------------------------------------
 *
 * json_receiver.c
 *	  A destination that takes statements' rows as JSON arrays.
 *
 * Each row is printed (row_json.c) as the executor sends it, behind those
 * before it, with json_agg's separators; what has been printed is all that
 * is kept.  The arrays are parts of one text, to which the receiver's owner
 * adds what stands between them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "utils/memutils.h"
#include "value/json_receiver.h"

typedef struct JsonReceiver
{
	DestReceiver pub;			/* callbacks; must be first */
	MemoryContext context;		/* the receiver itself */
	MemoryContext statement_context;	/* what lives for a statement's rows */
	MemoryContext row_context;	/* reset after each row */
	PgsyncJsonForm form;
	PgsyncRowJson *row;
	uint64		nrows;			/* of the array, so far */
	const char *table;			/* whose rows they are, or NULL */
	PgsyncJsonText text;		/* in the context of the receiver's maker */
} JsonReceiver;

/* Learns the columns, before a statement's first row. */
static void
receiver_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	JsonReceiver *receiver = (JsonReceiver *) self;

	MemoryContextReset(receiver->statement_context);
	receiver->row = pgsync_row_json_create(tupdesc, receiver->form,
										   receiver->statement_context);
}

/* Names the row that is being printed. */
static void
row_error_callback(void *arg)
{
	JsonReceiver *receiver = arg;

	errcontext("row %llu of table \"%s\"",
			   (unsigned long long) receiver->nrows, receiver->table);
}

/* Prints a row of a table, which errors name. */
static void
print_table_row(JsonReceiver *receiver, TupleTableSlot *slot)
{
	ErrorContextCallback callback;

	callback.callback = row_error_callback;
	callback.arg = receiver;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	pgsync_row_json_append(receiver->row, &receiver->text, slot);
	error_context_stack = callback.previous;
}

/* Prints a row. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	JsonReceiver *receiver = (JsonReceiver *) self;
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->row_context);

	if (receiver->nrows++ > 0)
		pgsync_json_append(&receiver->text, ", \n ", 4);
	if (receiver->table != NULL)
		print_table_row(receiver, slot);
	else
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

/*
 * Creates a receiver whose result is in the current memory context, and starts
 * out empty.  The hint is for results that are too long.
 */
DestReceiver *
pgsync_json_receiver_create(PgsyncJsonForm form, const char *hint)
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
	receiver->form = form;
	receiver->context = context;
	receiver->statement_context = AllocSetContextCreate(context,
														"pgsync statement's columns",
														ALLOCSET_SMALL_SIZES);
	receiver->row_context = AllocSetContextCreate(context,
												  "pgsync row printed",
												  ALLOCSET_DEFAULT_SIZES);
	pgsync_json_init(&receiver->text, hint);
	return &receiver->pub;
}

/* Returns the text, for what stands around the arrays. */
PgsyncJsonText *
pgsync_json_receiver_text(DestReceiver *self)
{
	return &((JsonReceiver *) self)->text;
}

/* Begins an array of the rows to come; the table, if named, is in errors. */
void
pgsync_json_receiver_begin_array(DestReceiver *self, const char *table)
{
	JsonReceiver *receiver = (JsonReceiver *) self;

	receiver->nrows = 0;
	receiver->table = table;
	pgsync_json_append(&receiver->text, "[", 1);
}

/* Ends the array. */
void
pgsync_json_receiver_end_array(DestReceiver *self)
{
	pgsync_json_append(&((JsonReceiver *) self)->text, "]", 1);
}

/* Frees the receiver and returns the json. */
Datum
pgsync_json_receiver_finish(DestReceiver *self)
{
	PgsyncJsonText text = ((JsonReceiver *) self)->text;

	self->rDestroy(self);
	return pgsync_json_finish(&text);
}
