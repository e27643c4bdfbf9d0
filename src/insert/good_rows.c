/*-------------------------------------------------------------------------
 *
 * good_rows.c
 *	  A source of those rows of another one that can be converted.
 *
 * For whoever must have all rows before the first is stored (key_order.c),
 * and is to go on behind bad ones.  A batch of rows is fetched and kept, and
 * then converted in a subtransaction; after an error another one goes on
 * behind the row.  A row that cannot be converted, or whose key is missing or
 * null, goes to the rejects at once.
 *
 * Of a good row its text is made too, if the error table wants it: the row may
 * still be refused when it is stored, and by then the input has gone.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/attempt.h"
#include "insert/good_rows.h"
#include "insert/unique_key.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* How many rows a batch has at most, and how much memory, roughly */
#define MAX_BATCH_ROWS	1000
#define MAX_BATCH_BYTES	(1024 * 1024)

typedef struct GoodRow
{
	void	   *kept;			/* for the input to recall */
	uint64		number;
	Size		size;
	Datum	   *values;
	bool	   *nulls;
	bool	   *named;
	const char *data;			/* its text, or NULL */
	bool		refused;
} GoodRow;

typedef struct GoodRowsSource
{
	PgsyncSource base;
	PgsyncSourceRoutine routine;	/* whose unit is the input's */
	PgsyncSource *input;
	List	   *keys;
	PgsyncRejects *rejects;
	MemoryContext context;		/* of the batch */
	GoodRow    *rows;
	int			nrows;
	int			next;			/* the row to be worked on, or delivered */
	PgsyncRow	row;			/* the one being converted */
	bool		finished;		/* is the input at its end? */
} GoodRowsSource;

/* Fetches one row of the input and keeps it; false at its end. */
static bool
fetch_row(GoodRowsSource *source, PgsyncRow *row, GoodRow *good)
{
	const PgsyncSourceRoutine *routine = source->input->routine;
	Size		natts = Max(source->base.target->natts, 1);

	CHECK_FOR_INTERRUPTS();
	if (!routine->fetch(source->input, row))
		return false;
	memset(good, 0, sizeof(GoodRow));
	good->number = row->number;
	good->size = row->size;
	good->kept = routine->keep(source->input);
	good->values = palloc(natts * sizeof(Datum));
	good->nulls = palloc(natts * 2);
	good->named = good->nulls + natts;
	return true;
}

/* Fetches a batch; "row" says which one is being read. */
static void
fetch_batch(GoodRowsSource *source, PgsyncRow *row)
{
	Size		row_bytes = source->base.target->natts *
	(sizeof(Datum) + 2 * sizeof(bool));
	Size		bytes = 0;

	source->nrows = 0;
	while (source->nrows < MAX_BATCH_ROWS && bytes < MAX_BATCH_BYTES)
	{
		GoodRow    *good = &source->rows[source->nrows];

		if (!fetch_row(source, row, good))
		{
			source->finished = true;
			break;
		}
		bytes += 3 * good->size + row_bytes;
		source->nrows++;
	}
}

/* Converts rows, from the next one on; see PgsyncWork. */
static void
convert_work(void *arg)
{
	GoodRowsSource *source = arg;
	const PgsyncSourceRoutine *routine = source->input->routine;
	Size		natts = source->base.target->natts;

	for (; source->next < source->nrows; source->next++)
	{
		GoodRow    *good = &source->rows[source->next];

		CHECK_FOR_INTERRUPTS();
		source->row.values = good->values;
		source->row.nulls = good->nulls;
		source->row.named = good->named;
		source->row.number = good->number;
		source->row.column = 0;
		memset(good->nulls, true, natts);
		memset(good->named, false, natts);
		routine->recall(source->input, good->kept);
		routine->convert(source->input, &source->row);
		pgsync_check_key(source->base.target, source->keys, &source->row);
	}
}

/* Returns the next row's reject, for an error that is its own. */
static PgsyncReject *
make_reject(GoodRowsSource *source, ErrorData *error)
{
	GoodRow    *good = &source->rows[source->next];
	PgsyncReject *reject;

	if (!pgsync_is_row_error(error))
		ReThrowError(error);
	reject = pgsync_reject_create(source->rejects, source->input,
								  &source->row, error);
	reject->number = good->number;
	reject->kept = good->kept;
	good->refused = true;
	FreeErrorData(error);
	return reject;
}

/* Converts the batch, and hands those rows on that cannot be. */
static void
convert_batch(GoodRowsSource *source)
{
	PgsyncSource *input = source->input;
	List	   *rejected = NIL;
	ErrorData  *error;

	source->next = 0;
	while ((error = pgsync_attempt(convert_work, source)) != NULL)
	{
		rejected = lappend(rejected, make_reject(source, error));
		source->next++;
		if (input->routine->renew != NULL)
			input->routine->renew(input);
	}
	pgsync_rejects_add(source->rejects, input, rejected);
}

/* Makes the texts of good rows, from the next one on; see PgsyncWork. */
static void
data_work(void *arg)
{
	GoodRowsSource *source = arg;

	for (; source->next < source->nrows; source->next++)
	{
		GoodRow    *good = &source->rows[source->next];

		if (good->refused)
			continue;
		CHECK_FOR_INTERRUPTS();
		source->input->routine->recall(source->input, good->kept);
		good->data = pgsync_rejects_row_text(source->rejects, source->input);
	}
}

/* Makes the texts of good rows; those without one have none. */
static void
make_data(GoodRowsSource *source)
{
	ErrorData  *error;

	if (!pgsync_rejects_keep_data(source->rejects))
		return;
	source->next = 0;
	while ((error = pgsync_attempt(data_work, source)) != NULL)
	{
		if (!pgsync_is_row_error(error))
			ReThrowError(error);
		FreeErrorData(error);
		source->next++;
	}
}

/* Moves to the next good row of the batch; false if there is none. */
static bool
next_good_row(GoodRowsSource *source)
{
	while (source->next < source->nrows && source->rows[source->next].refused)
		source->next++;
	return source->next < source->nrows;
}

/*
 * Reads batches until there is a good row; see PgsyncSourceRoutine.  At the
 * input's end it has said which columns the input names.
 */
static bool
good_rows_fetch(PgsyncSource *base, PgsyncRow *row)
{
	GoodRowsSource *source = (GoodRowsSource *) base;

	source->next++;
	while (!next_good_row(source))
	{
		MemoryContext oldcontext;

		if (source->finished)
			return false;
		MemoryContextReset(source->context);
		oldcontext = MemoryContextSwitchTo(source->context);
		fetch_batch(source, row);
		row->number = 0;		/* none is being read from here on */
		convert_batch(source);
		make_data(source);
		MemoryContextSwitchTo(oldcontext);
		source->next = 0;
	}
	row->number = source->rows[source->next].number;
	row->size = source->rows[source->next].size;
	return true;
}

/* Hands the row's values over; see PgsyncSourceRoutine. */
static void
good_rows_convert(PgsyncSource *base, PgsyncRow *row)
{
	GoodRowsSource *source = (GoodRowsSource *) base;
	GoodRow    *good = &source->rows[source->next];
	Size		natts = base->target->natts;

	memcpy(row->values, good->values, natts * sizeof(Datum));
	memcpy(row->nulls, good->nulls, natts * sizeof(bool));
	memcpy(row->named, good->named, natts * sizeof(bool));
}

/* Appends nothing: the row's values have been converted. */
static void
good_rows_describe_value(PgsyncSource *base, AttrNumber column, StringInfo buf)
{
}

/* Closes the input; see PgsyncSourceRoutine. */
static void
good_rows_close(PgsyncSource *base)
{
	GoodRowsSource *source = (GoodRowsSource *) base;

	if (source->input->routine->close != NULL)
		source->input->routine->close(source->input);
	MemoryContextDelete(source->context);
}

/* Tells how far the input has been read; see PgsyncSourceRoutine. */
static void
good_rows_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	PgsyncSource *input = ((GoodRowsSource *) base)->input;

	input->routine->progress(input, done, total);
}

/* Returns the text of the row at hand, or NULL if there is none. */
const char *
pgsync_good_row_data(PgsyncSource *base)
{
	GoodRowsSource *source = (GoodRowsSource *) base;

	return source->rows[source->next].data;
}

/*
 * Creates a source of those rows of the input that can be converted, and have
 * a key.  It is read from its first row to its last, once.
 */
PgsyncSource *
pgsync_source_of_good_rows(PgsyncSource *input, List *keys,
						   PgsyncRejects *rejects)
{
	GoodRowsSource *source = palloc0(sizeof(GoodRowsSource));

	source->routine.unit = input->routine->unit;
	source->routine.reads_file = input->routine->reads_file;
	source->routine.fetch = good_rows_fetch;
	source->routine.convert = good_rows_convert;
	source->routine.describe_value = good_rows_describe_value;
	source->routine.close = good_rows_close;
	source->routine.progress = good_rows_progress;
	source->base.routine = &source->routine;
	source->base.target = input->target;
	source->base.expressions = input->expressions;
	source->input = input;
	source->keys = keys;
	source->rejects = rejects;
	source->context = AllocSetContextCreate(CurrentMemoryContext,
											"pgsync good rows",
											ALLOCSET_DEFAULT_SIZES);
	source->rows = palloc(sizeof(GoodRow) * MAX_BATCH_ROWS);
	return &source->base;
}
