/*-------------------------------------------------------------------------
 *
 * key_order.c
 *	  A source whose rows come in the order of their keys.
 *
 * Reads all rows of another source and sorts them (keyed_rows.c).  Rows with
 * equal keys stay in the order of the input, and all keep their number in it.
 * Callers that write the same keys then wait for each other and do not
 * deadlock.
 *
 * In a load that goes on behind bad rows, those that cannot be converted are
 * left out before (good_rows.c), and the others keep their text, which the
 * error table may want.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "insert/good_rows.h"
#include "insert/key_order.h"
#include "insert/keyed_rows.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

typedef struct KeyOrderSource
{
	PgsyncSource base;
	PgsyncSourceRoutine routine;	/* whose unit is the input's */
	PgsyncSource *input;
	List	   *keys;
	bool		keeps_text;		/* of the rows? */
	PgsyncKeyedRows *rows;		/* NULL until they are read */
	TupleTableSlot *fetched;	/* the row fetched last */
	TupleTableSlot *recalled;	/* one that was kept */
	TupleTableSlot *slot;		/* the one of them that is at hand */
	MemoryContext context;
	int64		total;			/* bytes of the input, when it is read */
} KeyOrderSource;

/* Reads all rows of the input. */
static void
read_input(KeyOrderSource *source)
{
	PgsyncKeyedOptions options = {
		.keys = source->keys,
		.keeps_all = true,
		.row_text = source->keeps_text ? pgsync_good_row_data : NULL,
	};
	MemoryContext oldcontext = MemoryContextSwitchTo(source->context);
	int64		done;

	source->input->routine->progress(source->input, &done, &source->total);
	source->rows = pgsync_keyed_rows_read(source->input, &options);
	source->fetched = MakeSingleTupleTableSlot(source->rows->desc,
											   &TTSOpsMinimalTuple);
	source->recalled = MakeSingleTupleTableSlot(source->rows->desc,
												&TTSOpsMinimalTuple);
	MemoryContextSwitchTo(oldcontext);
}

/* Moves to the next row; see PgsyncSourceRoutine. */
static bool
key_order_fetch(PgsyncSource *base, PgsyncRow *row)
{
	KeyOrderSource *source = (KeyOrderSource *) base;
	MemoryContext oldcontext;
	bool		found;

	if (source->rows == NULL)
		read_input(source);
	/* a row that is read from disk is allocated, and freed by the slot */
	oldcontext = MemoryContextSwitchTo(source->context);
	source->slot = source->fetched;
	found = tuplestore_gettupleslot(source->rows->store, true, false,
									source->slot);
	MemoryContextSwitchTo(oldcontext);
	if (!found)
		return false;
	slot_getallattrs(source->slot);
	row->size = ((MinimalTupleTableSlot *) source->slot)->mintuple->t_len;
	row->number = DatumGetInt64(source->slot->tts_values[PGSYNC_ROWS_INPUT - 1]);
	return true;
}

/* Hands the row's values over; see PgsyncSourceRoutine. */
static void
key_order_convert(PgsyncSource *base, PgsyncRow *row)
{
	KeyOrderSource *source = (KeyOrderSource *) base;
	Size		natts = base->target->natts;
	Datum	   *values = source->slot->tts_values;
	PgsyncColumnSet *set = list_nth(source->rows->sets,
									DatumGetInt32(values[PGSYNC_ROWS_SET - 1]));

	memcpy(row->named, set->named, natts * sizeof(bool));
	memcpy(row->values, values + PGSYNC_ROWS_LEADING, natts * sizeof(Datum));
	memcpy(row->nulls, source->slot->tts_isnull + PGSYNC_ROWS_LEADING,
		   natts * sizeof(bool));
}

/*
 * Appends nothing: what the row looked like in the input is not kept, and its
 * values have been converted.
 */
static void
key_order_describe_value(PgsyncSource *base, AttrNumber column, StringInfo buf)
{
}

/* Keeps the row at hand; see PgsyncSourceRoutine. */
static void *
key_order_keep(PgsyncSource *base)
{
	return ExecCopySlotMinimalTuple(((KeyOrderSource *) base)->slot);
}

/* Makes a kept row the one at hand; see PgsyncSourceRoutine. */
static void
key_order_recall(PgsyncSource *base, void *kept)
{
	KeyOrderSource *source = (KeyOrderSource *) base;

	source->slot = ExecStoreMinimalTuple(kept, source->recalled, false);
	slot_getallattrs(source->slot);
}

/* Returns the row's text; an error if it could not be had (22P05). */
static char *
row_text(KeyOrderSource *source)
{
	int			last = source->slot->tts_tupleDescriptor->natts - 1;

	if (!source->keeps_text || source->slot->tts_isnull[last])
		ereport(ERROR,
				(errcode(ERRCODE_UNTRANSLATABLE_CHARACTER),
				 errmsg_internal("a row has no text")));
	return TextDatumGetCString(source->slot->tts_values[last]);
}

/* Appends the row's text, which is for the error table. */
static void
key_order_append_raw(PgsyncSource *base, StringInfo buf)
{
	appendStringInfoString(buf, row_text((KeyOrderSource *) base));
}

/* Makes a jsonb of the row's text, which then is an object's. */
static Jsonb *
key_order_make_jsonb(PgsyncSource *base)
{
	char	   *text = row_text((KeyOrderSource *) base);

	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* Frees the rows; the input is closed when it has been read. */
static void
key_order_close(PgsyncSource *base)
{
	KeyOrderSource *source = (KeyOrderSource *) base;

	ExecDropSingleTupleTableSlot(source->fetched);
	ExecDropSingleTupleTableSlot(source->recalled);
	pgsync_keyed_rows_end(source->rows);
}

/* Tells how far the input has been read; see PgsyncSourceRoutine. */
static void
key_order_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	KeyOrderSource *source = (KeyOrderSource *) base;

	if (source->rows == NULL)
		source->input->routine->progress(source->input, done, total);
	else
		*done = *total = source->total;
}

static const PgsyncSourceRoutine key_order_routine = {
	.raw_is_json = true,		/* where JSON is wanted */
	.fetch = key_order_fetch,
	.convert = key_order_convert,
	.keep = key_order_keep,
	.recall = key_order_recall,
	.describe_value = key_order_describe_value,
	.append_raw = key_order_append_raw,
	.close = key_order_close,
	.make_jsonb = key_order_make_jsonb,
	.progress = key_order_progress,
};

/*
 * Creates a source of the input's rows in the order of their keys; without
 * those that cannot be converted, if there are rejects where they can go.
 *
 * Errors, when it is read: those of pgsync_keyed_rows_read.
 */
PgsyncSource *
pgsync_source_by_key(PgsyncSource *input, List *keys, PgsyncRejects *rejects)
{
	KeyOrderSource *source = palloc0(sizeof(KeyOrderSource));

	if (rejects != NULL)
	{
		source->keeps_text = pgsync_rejects_keep_data(rejects);
		input = pgsync_source_of_good_rows(input, keys, rejects);
	}

	source->routine = key_order_routine;
	source->routine.unit = input->routine->unit;
	source->routine.reads_file = input->routine->reads_file;
	source->base.routine = &source->routine;
	source->base.target = input->target;
	source->base.expressions = input->expressions;
	source->input = input;
	source->keys = keys;
	source->context = CurrentMemoryContext;
	return &source->base;
}
