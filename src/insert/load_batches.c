/*-------------------------------------------------------------------------
 *
 * load_batches.c
 *	  A load that goes on behind bad rows.
 *
 * Rows are taken a batch at a time:
 *
 *		fetch, keep		outside of any subtransaction: what they come from
 *						(files, queries) must survive an error
 *		convert			in a subtransaction; after an error another one goes
 *						on behind the row.  What is converted stays so, and
 *						with it the defaults: no number is drawn twice
 *		foresee			where rows have failed, those that will: they need not
 *						be tried (sink/heap_foresee.c)
 *		store			a span of the rows, in a subtransaction, by one run of
 *						the INSERT statement
 *
 * If storing a span fails, it is known from the place (row/sink.h) which row it
 * was.  The span is taken again without it; further spans are shorter, as many
 * rows as cost the least for the distance that bad rows have had so far.  Where
 * the row is not known, the span is cut until it is one row.
 *
 * So a clean load has two subtransactions a batch, one of which writes nothing
 * and takes no transaction ID.  The rows refused are those that single calls
 * would refuse: rows that have not been refused go in again, and no row could
 * tell that it did not come alone (single_rows.c) unless it does.  What is
 * checked after a row, foreign keys among it, is checked before the next one
 * (PgsyncRun.fires_by_row).
 *
 * An executor state never outlives its subtransaction: each span is a run of
 * its own, of a plan that was made outside.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include <math.h>

#include "access/xact.h"
#include "common/attempt.h"
#include "insert/load_parts.h"
#include "insert/progress.h"
#include "insert/rejects.h"
#include "insert/single_rows.h"
#include "miscadmin.h"
#include "sink/heap_foresee.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* How many rows the first batch has at most; each one may have twice as many */
#define FIRST_BATCH_ROWS	256
#define MAX_BATCH_ROWS		16384

/* How much memory a batch takes, roughly */
#define MAX_BATCH_BYTES	(4 * 1024 * 1024)

/* What running the statement over a short span takes, roughly */
#define SPAN_BYTES		(128 * 1024)

/* What a row takes beside its input and values, roughly */
#define ROW_OVERHEAD		128

/* As many rows are stored in the time that beginning a span takes, roughly */
#define SPAN_COST		6

/* From so many rows on, that none of them was foreseen to fail says something */
#define MIN_FORESEEN_ROWS	1024

/* Into how many parts a span is cut that has a bad row, it is not known which */
#define CUT_PARTS			8

typedef struct BatchRow
{
	void	   *kept;			/* for the source to recall */
	uint64		number;
	Size		size;
	Datum	   *values;			/* once it is converted */
	bool	   *nulls;
	bool	   *named;
	bool		complete;		/* have all columns got their values? */
	bool		alone;			/* is it in doubt, and a span of its own? */
	PgsyncReject *reject;		/* if it cannot go in */
} BatchRow;

typedef struct Batches
{
	PgsyncLoad *load;
	PgsyncClauses clauses;		/* the load's, for statements of ours */
	DestReceiver *dest;
	MemoryContext context;		/* of the batch */
	MemoryContext run_context;	/* of a statement's run */
	MemoryContext plan_context; /* of the statement, if it is for some rows */
	bool		serves_all;		/* does one statement serve all rows? */
	bool		converts_alone; /* is a row converted when all before are in? */
	bool		stores_alone;	/* is each row a statement of its own? */
	bool	   *planned_for;	/* the columns of the statement for some rows */

	BatchRow   *rows;
	int			nrows;
	int			allocated;		/* how many have arrays for their values */
	int			limit;			/* how many rows the next batch may have */
	uint64		fetched;		/* rows so far */

	int			next;			/* the row to be converted, or fed, next */
	int			end;			/* and the one behind the last */

	/* How many rows have been good since the last bad one, and usually are */
	double		good;
	double		distance;		/* 0: there has been no bad one */
	int			at_least;		/* rows that the next span must have, or 0 */
	int			at_most;		/* that it may have, or 0 */

	/* What is foreseen of rows, before they are stored */
	const PgsyncRun *foreseeable;	/* NULL: nothing */
	bool		foresees_keys;	/* as rows have failed for them */
	bool		foresees_checks;
	int			foreseen;		/* rows of the batch that this was done for */
	PgsyncForeseen *outlooks;	/* for the rows behind them */
	bool		keys_are_known;
	int			failing_keys;	/* how many rows that has found */
	int			failing_checks;
} Batches;

/* Makes a row of the batch the load's. */
static void
take_row(Batches *batches, BatchRow *row)
{
	PgsyncRow  *current = &batches->load->row;

	current->values = row->values;
	current->nulls = row->nulls;
	current->named = row->named;
	current->number = row->number;
	current->column = 0;
}

/* Gives the load's row its defaults, which stay when it is taken again. */
static void
complete_row(Batches *batches, BatchRow *row)
{
	MemoryContext oldcontext;

	if (row->complete)
		return;
	oldcontext = MemoryContextSwitchTo(batches->context);
	pgsync_load_complete_row(batches->load, row->values, row->nulls);
	row->complete = true;
	MemoryContextSwitchTo(oldcontext);
}

/* Returns the next row of the span that is not refused; NULL at its end. */
static BatchRow *
next_row(Batches *batches)
{
	PgsyncLoad *load = batches->load;

	CHECK_FOR_INTERRUPTS();
	if (!load->place.batched)
		load->place.number = 0;
	while (batches->next < batches->end &&
		   batches->rows[batches->next].reject != NULL)
		batches->next++;
	if (batches->next == batches->end)
		return NULL;
	return &batches->rows[batches->next++];
}

/* Hands a row over; see PgsyncFeed. */
static bool
deliver_row(PgsyncFeed *feed, BatchRow *row, Datum *values, bool *nulls)
{
	PgsyncLoad *load = (PgsyncLoad *) feed;
	Size		natts = load->target->natts;

	memcpy(values, row->values, natts * sizeof(Datum));
	memcpy(nulls, row->nulls, natts * sizeof(bool));
	feed->number = load->place.number = row->number;
	feed->size = row->size;
	return true;
}

/* Feeds the next row; see PgsyncFeed. */
static bool
feed_batch_row(PgsyncFeed *feed, Datum *values, bool *nulls)
{
	BatchRow   *row = next_row(((PgsyncLoad *) feed)->batches);

	return row != NULL && deliver_row(feed, row, values, nulls);
}

/*
 * Feeds the next row that the row hook does not deal with; see PgsyncFeed.
 * Only that one needs defaults.
 */
static bool
feed_unsettled_row(PgsyncFeed *feed, Datum *values, bool *nulls)
{
	PgsyncLoad *load = (PgsyncLoad *) feed;
	Batches    *batches = load->batches;
	BatchRow   *row;
	PgsyncSettled settled;

	do
	{
		row = next_row(batches);
		if (row == NULL)
			return false;
		take_row(batches, row);
		load->place.number = row->number;
		settled = pgsync_statement_settle_row(load->statement, &load->row);
	} while (settled == PGSYNC_SETTLED);
	if (settled == PGSYNC_SETTLED_LATER)
	{
		/* it is fed again */
		batches->next--;
		return false;
	}
	complete_row(batches, row);
	deliver_row(feed, row, values, nulls);
	pgsync_statement_begin_row(load->statement, &load->row);
	return true;
}

/* Fetches one row and keeps it; false at the end of the input. */
static bool
fetch_row(Batches *batches, BatchRow *row)
{
	PgsyncLoad *load = batches->load;
	const PgsyncSourceRoutine *routine = load->source->routine;
	bool		found;

	memset(load->row.named, false, load->target->natts);
	load->reading = true;
	CHECK_FOR_INTERRUPTS();
	found = routine->fetch(load->source, &load->row);
	load->reading = false;
	if (!found)
		return false;
	row->number = load->row.number;
	row->size = load->row.size;
	row->reject = NULL;
	row->complete = false;
	row->alone = false;
	row->kept = routine->keep(load->source);
	return true;
}

/*
 * Sees to the arrays that a batch's rows are converted into.  The next batch
 * uses them again.
 */
static void
make_arrays(Batches *batches)
{
	MemoryContext context = GetMemoryChunkContext(batches->rows);
	Size		natts = Max(batches->load->target->natts, 1);
	int			first = batches->allocated;
	int			count = batches->nrows - first;
	Datum	   *values;
	bool	   *flags;

	if (count <= 0)
		return;
	values = MemoryContextAllocHuge(context, count * natts * sizeof(Datum));
	flags = MemoryContextAllocHuge(context, count * natts * 2);
	for (int i = 0; i < count; i++)
	{
		batches->rows[first + i].values = values + i * natts;
		batches->rows[first + i].nulls = flags + i * natts * 2;
		batches->rows[first + i].named = flags + i * natts * 2 + natts;
	}
	batches->allocated = batches->nrows;
}

/*
 * Fetches a batch; false if there are no more rows.  Its memory is that of the
 * input, once for what is kept and about twice for the values, and the arrays.
 */
static bool
fetch_batch(Batches *batches)
{
	Size		row_bytes = ROW_OVERHEAD +
	batches->load->target->natts * (sizeof(Datum) + 2 * sizeof(bool));
	Size		bytes = 0;
	MemoryContext oldcontext;

	MemoryContextReset(batches->context);
	oldcontext = MemoryContextSwitchTo(batches->context);
	batches->nrows = 0;
	batches->foreseen = 0;
	while (batches->nrows < batches->limit && bytes < MAX_BATCH_BYTES)
	{
		BatchRow   *row = &batches->rows[batches->nrows];

		if (!fetch_row(batches, row))
			break;
		bytes += 3 * row->size + row_bytes;
		batches->nrows++;
	}
	make_arrays(batches);
	MemoryContextSwitchTo(oldcontext);
	batches->fetched += batches->nrows;
	batches->limit = Min(2 * batches->limit, MAX_BATCH_ROWS);
	return batches->nrows > 0;
}

/* Begins again what the abort of a subtransaction has ended. */
static void
recover(Batches *batches)
{
	PgsyncLoad *load = batches->load;

	memset(&load->place, 0, sizeof(PgsyncPlace));
	load->reading = false;
	if (load->reports_progress)
		load->reports_progress = pgsync_progress_start(load->source);
}

/* Has the source convert rows by what there is now. */
static void
renew_source(Batches *batches)
{
	PgsyncSource *source = batches->load->source;

	if (source->routine->renew != NULL)
		source->routine->renew(source);
}

/*
 * Notes that a row is refused, for an error that is its own; "converting": it
 * came then.
 */
static void
note_reject(Batches *batches, BatchRow *row, const ErrorData *error,
			bool converting)
{
	PgsyncLoad *load = batches->load;
	MemoryContext oldcontext = MemoryContextSwitchTo(batches->context);

	row->reject = pgsync_reject_create(load->clauses->rejects, load->source,
									   converting ? &load->row : NULL, error);
	row->reject->number = row->number;
	row->reject->kept = row->kept;
	MemoryContextSwitchTo(oldcontext);
}

/* Refuses a row, unless its error is to end the load. */
static void
refuse(Batches *batches, int index, ErrorData *error, bool converting)
{
	if (!pgsync_is_row_error(error))
		ReThrowError(error);
	note_reject(batches, &batches->rows[index], error, converting);
	FreeErrorData(error);
}

/* Converts one row, and completes it if the statement serves any. */
static void
convert_row(Batches *batches, BatchRow *row)
{
	PgsyncLoad *load = batches->load;
	const PgsyncSourceRoutine *routine = load->source->routine;
	int			natts = load->target->natts;

	take_row(batches, row);
	memset(row->nulls, true, natts);
	memset(row->named, false, natts);
	load->reading = true;
	CHECK_FOR_INTERRUPTS();
	routine->recall(load->source, row->kept);
	routine->convert(load->source, &load->row);
	if (batches->serves_all)
	{
		if (memcmp(row->named, load->known, natts) != 0)
			pgsync_load_note_columns(load);
		complete_row(batches, row);
	}
	load->reading = false;
}

/* Converts rows, from the next one to the end; see PgsyncWork. */
static void
convert_work(void *arg)
{
	Batches    *batches = arg;

	for (; batches->next < batches->end; batches->next++)
		convert_row(batches, &batches->rows[batches->next]);
}

/* Converts some rows of the batch, refusing those that cannot be. */
static void
convert_rows(Batches *batches, int first, int end)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(batches->context);
	bool	   *named = batches->load->row.named;

	batches->next = first;
	batches->end = end;
	while (batches->next < end)
	{
		ErrorData  *error = pgsync_attempt(convert_work, batches);

		if (error == NULL)
			break;
		refuse(batches, batches->next++, error, true);
		recover(batches);
		renew_source(batches);
	}
	batches->load->row.named = named;
	MemoryContextSwitchTo(oldcontext);
}

/* Refuses a row that is known to fail, and notes if it is doubtful. */
static void
foresee_row(Batches *batches, PgsyncForesight *foresight)
{
	BatchRow   *row = &batches->rows[batches->next];
	PgsyncForeseen *outlook = &batches->outlooks[batches->next - batches->foreseen];
	ErrorData	error;

	if (row->reject != NULL)
		return;
	batches->load->place.number = row->number;
	row->alone = outlook->outlook == PGSYNC_OUTLOOK_DOUBTFUL;
	if (batches->foresees_checks || outlook->outlook == PGSYNC_OUTLOOK_CONFLICT)
		pgsync_foresee_constraints(foresight, outlook);
	if (pgsync_foreseen_error(foresight, outlook, &error))
		note_reject(batches, row, &error, false);
}

/* Looks at rows, from the next one to the end; see PgsyncWork. */
static void
foresee_work(void *arg)
{
	Batches    *batches = arg;
	PgsyncForesight *foresight = pgsync_foresight_start(batches->foreseeable);

	if (batches->foresees_keys && !batches->keys_are_known)
		batches->failing_keys =
			pgsync_foresee_conflicts(foresight, batches->outlooks,
									 batches->nrows - batches->foreseen);
	batches->keys_are_known = true;
	for (; batches->next < batches->nrows; batches->next++)
		foresee_row(batches, foresight);
	pgsync_foresight_end(foresight);
}

/* Makes the outlooks of rows that have not been looked at, open as yet. */
static void
make_outlooks(Batches *batches)
{
	int			count = batches->nrows - batches->foreseen;

	batches->outlooks = MemoryContextAllocZero(batches->context,
											   sizeof(PgsyncForeseen) * count);
	for (int i = 0; i < count; i++)
	{
		BatchRow   *row = &batches->rows[batches->foreseen + i];

		batches->outlooks[i].values = row->values;
		batches->outlooks[i].nulls = row->nulls;
		if (row->reject != NULL)
			batches->outlooks[i].outlook = PGSYNC_OUTLOOK_REFUSED;
	}
}

/* Goes on looking only at what makes rows fail. */
static void
judge_foresight(Batches *batches)
{
	if (batches->nrows - batches->foreseen < MIN_FORESEEN_ROWS)
		return;
	batches->foresees_keys &= batches->failing_keys > 0;
	batches->foresees_checks &= batches->failing_checks > 0;
}

/* Refuses those rows of the batch that are known to fail. */
static void
foresee_rows(Batches *batches)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(batches->run_context);
	ErrorData  *error;

	make_outlooks(batches);
	batches->next = batches->foreseen;
	batches->keys_are_known = false;
	batches->failing_keys = batches->failing_checks = 0;
	while ((error = pgsync_attempt(foresee_work, batches)) != NULL)
	{
		refuse(batches, batches->next++, error, false);
		batches->failing_checks++;
		recover(batches);
		MemoryContextReset(batches->run_context);
	}
	memset(&batches->load->place, 0, sizeof(PgsyncPlace));
	judge_foresight(batches);
	batches->foreseen = batches->nrows;
	pfree(batches->outlooks);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(batches->run_context);
}

/* Begins to look at rows ahead for what has made one fail. */
static void
begin_foresight(Batches *batches, int sqlerrcode, int index)
{
	if (batches->foreseeable == NULL)
		return;
	switch (sqlerrcode)
	{
		case ERRCODE_UNIQUE_VIOLATION:
			batches->foresees_keys = true;
			break;
		case ERRCODE_NOT_NULL_VIOLATION:
		case ERRCODE_CHECK_VIOLATION:
			batches->foresees_checks = true;
			break;
		default:
			return;
	}
	/* the next ones of the kind do not come unforeseen */
	batches->distance = 0;
	batches->foreseen = index + 1;
}

/* Returns how many rows the next span may have. */
static int
span_length(Batches *batches)
{
	int			length = MAX_BATCH_ROWS;

	if (batches->stores_alone)
		return 1;
	if (batches->distance > 0)
		length = Max((int) sqrt(SPAN_COST * batches->distance), 1);
	length = Max(length, batches->at_least);
	return batches->at_most > 0 ? Min(length, batches->at_most) : length;
}

/* Notes that a span has gone in. */
static void
note_good_span(Batches *batches, int length)
{
	batches->at_least = 0;
	batches->at_most = 0;
	batches->good += length;
	if (batches->distance > 0 && batches->good > 4 * batches->distance)
		batches->distance = batches->good;
}

/*
 * Notes that a span has met a bad row, behind "good" ones, which are best
 * taken again in one go.
 */
static void
note_bad_row(Batches *batches, int good)
{
	double		distance = batches->good + good + 1;

	batches->distance = batches->distance == 0 ? distance :
		(3 * batches->distance + distance) / 4;
	batches->good = 0;
	batches->at_least = good + 1;
	batches->at_most = 0;
}

/* Finds a row by its number; -1 if it is not in the span. */
static int
find_row(Batches *batches, int first, int end, uint64 number)
{
	while (first < end)
	{
		int			middle = first + (end - first) / 2;

		if (batches->rows[middle].number == number)
			return middle;
		if (batches->rows[middle].number < number)
			first = middle + 1;
		else
			end = middle;
	}
	return -1;
}

/*
 * Finds the row that an error came from while a span was being stored; -1 if
 * it was one of the span's, but not known which.  An error that comes while no
 * row is at hand is the statement's, and ends the load.
 */
static int
find_bad_row(Batches *batches, int first, int end, ErrorData *error)
{
	PgsyncLoad *load = batches->load;
	PgsyncPlace *place = &load->place;

	/* a statement that is run as a text has all its rows at hand */
	if (!load->sink->runs_text && place->number == 0 &&
		place->storing_first == 0)
		ReThrowError(error);
	if (end - first == 1)
		return first;
	if (load->sink->runs_text || place->storing_first != place->storing_last ||
		(place->storing_first == 0 && place->batched))
		return -1;
	return find_row(batches, first, end,
					place->storing_first != 0 ? place->storing_first :
					place->number);
}

/* Runs the statement over a span; see PgsyncWork. */
static void
store_work(void *arg)
{
	Batches    *batches = arg;
	PgsyncLoad *load = batches->load;
	PgsyncCounts counts = pgsync_statement_run(load->statement, batches->dest);

	if (load->clauses->hook != NULL && load->clauses->hook->end_span != NULL)
		load->clauses->hook->end_span(load->clauses->hook);
	load->counts.processed += counts.processed;
	load->counts.updated += counts.updated;
	load->counts.unchanged += counts.unchanged;
}

/* Stores a span; returns the error if it cannot be, its rows as they were. */
static ErrorData *
store_span(Batches *batches, int first, int end)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(batches->run_context);
	PgsyncRowHook *hook = batches->load->clauses->hook;
	bool	   *named = batches->load->row.named;
	ErrorData  *error;

	batches->next = first;
	batches->end = end;
	memset(&batches->load->place, 0, sizeof(PgsyncPlace));
	error = pgsync_attempt(store_work, batches);
	batches->load->row.named = named;
	MemoryContextSwitchTo(oldcontext);
	if (error != NULL && hook != NULL && hook->forget_span != NULL)
		hook->forget_span(hook);
	if (error != NULL)
		return error;
	memset(&batches->load->place, 0, sizeof(PgsyncPlace));
	MemoryContextReset(batches->run_context);
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
	return NULL;
}

/* Takes a span that could not be stored apart: refuses a row, or shortens it. */
static void
handle_bad_span(Batches *batches, int first, int end, ErrorData *error)
{
	int			index = find_bad_row(batches, first, end, error);
	int			sqlerrcode = error->sqlerrcode;

	if (index >= 0)
	{
		refuse(batches, index, error, false);
		if (!batches->rows[index].alone)
		{
			note_bad_row(batches, index - first);
			begin_foresight(batches, sqlerrcode, index);
		}
	}
	else if (!pgsync_is_row_error(error))
		ReThrowError(error);
	else
		batches->at_most = Max((end - first) / CUT_PARTS, 1);
	recover(batches);
	MemoryContextReset(batches->run_context);
}

/* Plans the statement for rows that name the columns given; see PgsyncWork. */
static void
plan_work(void *arg)
{
	Batches    *batches = arg;
	PgsyncLoad *load = batches->load;

	pgsync_load_plan(load);
	batches->stores_alone = batches->converts_alone ||
		pgsync_statement_tells_batches(load->statement);
}

/*
 * Returns whether the statement for some rows serves a row: one that names the
 * same columns, or if we add defaults some of them.
 */
static bool
fits_statement(Batches *batches, int index)
{
	const bool *named = batches->rows[index].named;
	Size		natts = batches->load->target->natts;

	if (memcmp(batches->planned_for, named, natts) == 0)
		return true;
	if (!batches->load->adds_defaults)
		return false;
	for (Size i = 0; i < natts; i++)
	{
		if (named[i] && !batches->planned_for[i])
			return false;
	}
	return true;
}

/*
 * Makes the statement one for the columns that a row names; false if that
 * cannot be, the row refused.
 */
static bool
plan_for_row(Batches *batches, int index)
{
	PgsyncLoad *load = batches->load;
	Size		natts = load->target->natts;
	MemoryContext oldcontext;
	ErrorData  *error;

	if (load->statement != NULL && fits_statement(batches, index))
		return true;
	for (Size i = 0; i < natts; i++)
		load->known[i] = batches->rows[index].named[i] ||
			(load->adds_defaults && batches->planned_for[i]);
	load->statement = NULL;
	MemoryContextReset(batches->plan_context);
	oldcontext = MemoryContextSwitchTo(batches->plan_context);
	error = pgsync_attempt(plan_work, batches);
	MemoryContextSwitchTo(oldcontext);
	if (error != NULL)
	{
		refuse(batches, index, error, false);
		load->statement = NULL;
		recover(batches);
		return false;
	}
	memcpy(batches->planned_for, load->known, natts);
	return true;
}

/*
 * Returns where a span ends at the latest that begins with a row: with the
 * batch, before a row that is in doubt, or one that names other columns, if
 * that matters.
 */
static int
span_limit(Batches *batches, int first)
{
	int			end = first + 1;

	if (batches->rows[first].alone)
		return end;
	if (batches->serves_all)
	{
		while (end < batches->nrows &&
			   (batches->rows[end].reject != NULL || !batches->rows[end].alone))
			end++;
		return end;
	}
	while (end < batches->nrows &&
		   (batches->rows[end].reject != NULL || fits_statement(batches, end)))
		end++;
	return end;
}

/* Stores the batch from a row on, as far as one span goes; returns how far. */
static int
store_from(Batches *batches, int first)
{
	ErrorData  *error;
	int			end;

	if (batches->rows[first].reject != NULL)
		return first + 1;
	if (!batches->serves_all && !plan_for_row(batches, first))
		return first + 1;
	if ((batches->foresees_keys || batches->foresees_checks) &&
		batches->foreseen < batches->nrows)
	{
		foresee_rows(batches);
		return first;
	}
	end = Min(span_limit(batches, first), first + span_length(batches));
	error = store_span(batches, first, end);
	if (error == NULL)
	{
		note_good_span(batches, end - first);
		return end;
	}
	handle_bad_span(batches, first, end, error);
	return first;
}

/* Converts and stores the batch. */
static void
store_batch(Batches *batches)
{
	int			converted = 0;
	int			next = 0;

	while (next < batches->nrows)
	{
		if (next == converted)
		{
			if (batches->converts_alone)
				renew_source(batches);
			converted = batches->converts_alone ? next + 1 : batches->nrows;
			convert_rows(batches, next, converted);
		}
		next = store_from(batches, next);
	}
}

/* Hands the batch's refused rows on, in the input's order. */
static void
hand_on_rejects(Batches *batches)
{
	PgsyncLoad *load = batches->load;
	MemoryContext oldcontext = MemoryContextSwitchTo(batches->context);
	List	   *rejected = NIL;

	for (int i = 0; i < batches->nrows; i++)
	{
		if (batches->rows[i].reject != NULL)
			rejected = lappend(rejected, batches->rows[i].reject);
	}
	pgsync_rejects_add(load->clauses->rejects, load->source, rejected);
	MemoryContextSwitchTo(oldcontext);
	load->fed += batches->nrows;
	if (load->reports_progress)
		pgsync_load_update_progress(load);
}

/*
 * Plans the one statement that serves all rows, if there can be one, as if no
 * row had named a column yet: each row then has the columns checked that it is
 * the first to name.
 */
static void
plan_for_all(Batches *batches)
{
	PgsyncLoad *load = batches->load;
	PgsyncRowHook *hook = load->clauses->hook;

	load->adds_defaults = load->target->knows_defaults &&
		(hook == NULL || !hook->same_columns);
	batches->serves_all = load->adds_defaults && hook == NULL;
	if (batches->serves_all)
	{
		pgsync_load_plan(load);
		batches->serves_all = load->adds_defaults = !load->sink->runs_text;
	}
	if (batches->serves_all)
	{
		batches->stores_alone = batches->converts_alone ||
			pgsync_statement_tells_batches(load->statement);
		if (!batches->stores_alone)
			batches->foreseeable = pgsync_statement_foreseeable(load->statement);
		/* the caller's privileges, if no row should get as far */
		pgsync_statement_widen(load->statement, load->known);
	}
	else
	{
		load->statement = NULL;
		load->feed.rows_are_brief = true;	/* the heap sink wants defaults */
		batches->clauses.takes_identity = false;
	}
}

/* Runs the statement without rows: its own triggers fire, as for any INSERT. */
static void
run_without_rows(Batches *batches)
{
	PgsyncLoad *load = batches->load;

	if (batches->serves_all)
		pgsync_load_note_columns(load);
	else
	{
		memcpy(load->known, load->row.named, load->target->natts);
		pgsync_load_plan(load);
	}
	batches->next = batches->end = 0;
	store_work(batches);
}

/* Sets up what the batches share. */
static void
init_batches(Batches *batches, PgsyncLoad *load, DestReceiver *dest)
{
	memset(batches, 0, sizeof(Batches));
	batches->load = load;
	batches->dest = dest;
	/* what a batch usually takes is not given back to the system in between */
	batches->context = AllocSetContextCreate(CurrentMemoryContext,
											 "pgsync batch",
											 MAX_BATCH_BYTES, 1024 * 1024,
											 ALLOCSET_DEFAULT_MAXSIZE);
	batches->run_context = AllocSetContextCreate(CurrentMemoryContext,
												 "pgsync span",
												 SPAN_BYTES, SPAN_BYTES,
												 ALLOCSET_DEFAULT_MAXSIZE);
	batches->plan_context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync statement",
												  ALLOCSET_DEFAULT_SIZES);
	batches->planned_for = palloc0(Max(load->target->natts, 1));
	batches->rows = palloc(sizeof(BatchRow) * MAX_BATCH_ROWS);
	batches->limit = FIRST_BATCH_ROWS;
	batches->clauses = *load->clauses;
	batches->clauses.takes_identity = load->target->knows_defaults &&
		load->clauses->hook == NULL;
	load->clauses = &batches->clauses;
	load->batches = batches;
	load->feed.next = load->clauses->hook != NULL ? feed_unsettled_row :
		feed_batch_row;
}

/*
 * Loads all rows that can go in, and hands the others to clauses->rejects.
 */
void
pgsync_load_batches(PgsyncLoad *load, DestReceiver *dest)
{
	Batches		batches;
	bool		found;

	init_batches(&batches, load, dest);
	found = fetch_batch(&batches);
	batches.converts_alone =
		pgsync_conversion_tells_batches(load->target,
										load->source->expressions);
	plan_for_all(&batches);
	while (found)
	{
		store_batch(&batches);
		hand_on_rejects(&batches);
		found = fetch_batch(&batches);
	}
	if (batches.fetched == 0)
		run_without_rows(&batches);
}
