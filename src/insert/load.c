/*-------------------------------------------------------------------------
 *
 * load.c
 *	  The loop that takes rows from a source to where they belong.
 *
 * Pulls rows from a source, adds the defaults of columns that a row does not
 * name, and feeds them to the INSERT statement's sink.  Rows may name
 * differing columns:
 *
 * - Where pgsync knows the target's defaults, one statement serves all rows;
 *	 when a row names a column that no earlier row had, the caller's privilege
 *	 on it is checked and the statement goes on.
 * - Where it does not (views, rules), or where the rows are spooled for
 *	 another statement, each run of rows that name the same columns is a
 *	 statement of its own.
 * - With a row hook, whose clause depends on the columns, a row that names
 *	 a new column begins another statement.  The hook may deal with rows
 *	 itself: those do not reach the statement.
 *
 * A load that goes on behind bad rows has a loop of its own (load_batches.c).
 *
 * Also kept here: which place error context names (place.c has the words), and
 * when progress is shown (progress.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "common/plans.h"
#include "common/sqltext.h"
#include "row/place.h"
#include "insert/load_parts.h"
#include "insert/progress.h"
#include "miscadmin.h"
#include "sink/sinks.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Adds where in the input an error belongs to its context. */
static void
load_error_callback(void *arg)
{
	PgsyncLoad *load = arg;
	PgsyncUnit	unit = load->source->routine->unit;
	PgsyncPlace *place = &load->place;

	if (place->storing_first != place->storing_last)
		pgsync_errcontext_rows(unit, place->storing_first,
							   place->storing_last);
	else if (place->storing_first != 0)
		pgsync_errcontext_row(unit, place->storing_first);
	else if (load->reading && load->row.number > 0)
		pgsync_errcontext_reading(load->source, &load->row);
	else if (place->number > 0 && place->batched)
		pgsync_errcontext_until(unit, place->number);
	else if (place->number > 0)
		pgsync_errcontext_row(unit, place->number);
}

/* Shows how far the load has come. */
void
pgsync_load_update_progress(PgsyncLoad *load)
{
	pgsync_progress_input(load->source);
	pgsync_progress_rows(load->fed);
}

/*
 * Reads the next row of the source into the arrays given; what it does not
 * name is null, dropped columns too.
 */
static bool
read_row(PgsyncLoad *load, Datum *values, bool *nulls)
{
	const PgsyncSourceRoutine *routine = load->source->routine;
	bool		found;

	load->row.values = values;
	load->row.nulls = nulls;
	memset(nulls, true, load->target->natts);
	memset(load->row.named, false, load->target->natts);
	load->reading = true;
	CHECK_FOR_INTERRUPTS();
	found = routine->fetch(load->source, &load->row);
	if (found)
		routine->convert(load->source, &load->row);
	load->reading = false;
	return found;
}

/* Reads a row ahead, to see which columns it names. */
static bool
read_ahead(PgsyncLoad *load)
{
	MemoryContext oldcontext;

	MemoryContextReset(load->row_context);
	oldcontext = MemoryContextSwitchTo(load->row_context);
	load->pending = read_row(load, load->pending_values, load->pending_nulls);
	MemoryContextSwitchTo(oldcontext);
	return load->pending;
}

/* Hands the row that was read ahead over. */
static void
take_pending(PgsyncLoad *load, Datum *values, bool *nulls)
{
	Size		natts = load->target->natts;

	memcpy(values, load->pending_values, natts * sizeof(Datum));
	memcpy(nulls, load->pending_nulls, natts * sizeof(bool));
	load->pending = false;
}

/* Has the columns that a row is the first to name checked. */
void
pgsync_load_note_columns(PgsyncLoad *load)
{
	bool	   *further = palloc0(load->target->natts);
	bool		any = false;

	for (int i = 0; i < load->target->natts; i++)
	{
		if (load->row.named[i] && !load->known[i])
			further[i] = any = true;
	}
	if (any)
		pgsync_statement_widen(load->statement, further);
	for (int i = 0; i < load->target->natts; i++)
		load->known[i] |= further[i];
	pfree(further);
}

/* Gives the columns that a row does not name their defaults. */
static void
add_defaults(PgsyncLoad *load, Datum *values, bool *nulls)
{
	for (int i = 0; i < load->target->natts; i++)
	{
		if (load->row.named[i])
			continue;
		values[i] = (Datum) 0;
		nulls[i] = true;
		if (load->provided[i])
			values[i] = pgsync_default_value(load->defaults, i + 1,
											 &nulls[i]);
	}
}

/*
 * Forgets what a row names for identity columns: under OVERRIDING USER VALUE
 * they take their default, which the sink leaves to us.
 */
static void
forget_identity(PgsyncLoad *load)
{
	TupleDesc	desc = RelationGetDescr(load->target->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attidentity)
			load->row.named[i] = false;
	}
}

/* Gives a row that has been read the values that it does not name. */
void
pgsync_load_complete_row(PgsyncLoad *load, Datum *values, bool *nulls)
{
	if (load->clauses->overriding == PGSYNC_OVERRIDING_USER &&
		(load->sink->fills_identity || load->clauses->takes_identity))
		forget_identity(load);
	if (memcmp(load->row.named, load->provided, load->target->natts) != 0)
		add_defaults(load, values, nulls);
}

/* Counts a row that is dealt with, or on its way. */
static inline void
count_fed(PgsyncLoad *load)
{
	load->fed++;
	if (load->reports_progress && load->fed % PGSYNC_PROGRESS_INTERVAL == 1)
		pgsync_load_update_progress(load);
}

/* Completes a row that has been read, and counts it. */
static void
deliver_row(PgsyncLoad *load, Datum *values, bool *nulls)
{
	load->feed.number = load->place.number = load->row.number;
	load->feed.size = load->row.size;
	if (load->clauses->number != NULL)
		*load->clauses->number = load->row.number;
	pgsync_load_complete_row(load, values, nulls);
	count_fed(load);
}

/* Feeds one row; see PgsyncFeed.  One statement serves all rows. */
static bool
feed_any_row(PgsyncFeed *feed, Datum *values, bool *nulls)
{
	PgsyncLoad *load = (PgsyncLoad *) feed;

	if (!load->place.batched)
		load->place.number = 0;
	if (load->pending)
		take_pending(load, values, nulls);
	else if (!read_row(load, values, nulls))
		return false;
	if (memcmp(load->row.named, load->known, load->target->natts) != 0)
	{
		load->place.number = load->row.number;
		pgsync_load_note_columns(load);
	}
	deliver_row(load, values, nulls);
	return true;
}

/* Returns whether the running statement can take the row read ahead. */
static bool
fits_statement(PgsyncLoad *load)
{
	Size		natts = load->target->natts;

	if (memcmp(load->row.named, load->known, natts) == 0)
		return true;
	if (!load->adds_defaults)
		return false;
	for (Size i = 0; i < natts; i++)
	{
		if (load->row.named[i] && !load->known[i])
			return false;
	}
	return true;
}

/* Has the row hook deal with the row read ahead, if it will. */
static PgsyncSettled
settle_pending(PgsyncLoad *load)
{
	PgsyncRowHook *hook = load->clauses->hook;
	PgsyncSettled settled;

	if (hook == NULL || hook->settle_row == NULL)
		return PGSYNC_NOT_SETTLED;
	load->place.number = load->row.number;
	settled = hook->settle_row(hook, &load->row);
	if (settled == PGSYNC_SETTLED)
	{
		load->pending = false;
		count_fed(load);
	}
	return settled;
}

/* Tells the row hook of the row that it let pass, when the next is wanted. */
static void
note_delivered(PgsyncLoad *load)
{
	PgsyncRowHook *hook = load->clauses->hook;

	if (!load->delivered)
		return;
	load->delivered = false;
	if (hook->after_row != NULL)
		hook->after_row(hook, &load->row);
}

/*
 * Feeds one row; see PgsyncFeed.  Ends before a row that the statement cannot
 * take, or not yet; that row stays pending.  Every row has been read ahead, into memory
 * that the next one takes again.
 */
static bool
feed_fitting_row(PgsyncFeed *feed, Datum *values, bool *nulls)
{
	PgsyncLoad *load = (PgsyncLoad *) feed;
	PgsyncSettled settled;

	note_delivered(load);
	do
	{
		if (!load->place.batched)
			load->place.number = 0;
		if (!load->pending && !read_ahead(load))
			return false;
		if (!fits_statement(load))
			return false;
		settled = settle_pending(load);
	} while (settled == PGSYNC_SETTLED);
	if (settled == PGSYNC_SETTLED_LATER)
		return false;
	take_pending(load, values, nulls);
	deliver_row(load, values, nulls);
	load->delivered = load->clauses->hook != NULL;
	if (load->delivered)
		pgsync_statement_begin_row(load->statement, &load->row);
	return true;
}

/*
 * Returns whether it is the statement that fills an identity column, whatever
 * the rows say.
 */
static bool
statement_fills(PgsyncLoad *load, Form_pg_attribute attr)
{
	if (load->clauses->takes_identity)
		return false;
	switch (load->clauses->overriding)
	{
		case PGSYNC_OVERRIDING_SYSTEM:
			return false;
		case PGSYNC_OVERRIDING_USER:
			return attr->attidentity != '\0';
		default:
			return attr->attidentity == ATTRIBUTE_IDENTITY_ALWAYS;
	}
}

/*
 * Chooses the columns that a statement serving any row takes from us: all
 * but those that only the statement can fill.  One that a row names
 * nevertheless is listed, for the server to refuse or to ignore.
 */
static void
choose_columns(PgsyncLoad *load, bool *columns)
{
	TupleDesc	desc = RelationGetDescr(load->target->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		columns[i] = load->known[i] ||
			(!attr->attisdropped && !attr->attgenerated &&
			 !statement_fills(load, attr));
	}
}

/*
 * Sets which columns the feed must fill: those listed, and the identity
 * columns where the sink has no statement below it that would.
 */
static void
set_provided_columns(PgsyncLoad *load, const bool *columns)
{
	TupleDesc	desc = RelationGetDescr(load->target->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		load->provided[i] = columns[i] ||
			(load->sink->fills_identity && !attr->attisdropped &&
			 !attr->attgenerated);
	}
}

/* Plans the statement for the columns that are known, and any others. */
void
pgsync_load_plan(PgsyncLoad *load)
{
	bool	   *columns = palloc0(Max(load->target->natts, 1));

	if (load->adds_defaults)
		choose_columns(load, columns);
	else
		memcpy(columns, load->known, load->target->natts);
	load->feed.expressions = load->clauses->rejects != NULL ? NIL :
		load->source->expressions;
	/* what is wrong with a further statement is its first row's doing */
	load->place.number = load->fed > 0 ? load->row.number : 0;
	load->statement = pgsync_statement_create(load->target, load->clauses,
											  &load->feed, &load->place,
											  columns);
	load->sink = pgsync_statement_plan(load->statement, load->known);
	set_provided_columns(load, columns);
}

/* Counts the columns that the row read ahead names as known, or only them. */
static void
know_pending_columns(PgsyncLoad *load)
{
	bool		only = !load->adds_defaults;

	for (int i = 0; i < load->target->natts; i++)
		load->known[i] = load->row.named[i] || (load->known[i] && !only);
}

/* Runs the planned statement, and adds what it counts. */
static void
run_statement(PgsyncLoad *load, DestReceiver *dest)
{
	PgsyncCounts counts = pgsync_statement_run(load->statement, dest);

	load->counts.processed += counts.processed;
	load->counts.updated += counts.updated;
	load->counts.unchanged += counts.unchanged;
	if (load->clauses->hook != NULL && load->clauses->hook->end_statement != NULL)
		load->clauses->hook->end_statement(load->clauses->hook);
}

/*
 * Reads the rows that a statement has not asked for: one that a rule has
 * given a condition without any column, and that is false, reads none.
 */
static void
skip_unread_rows(PgsyncLoad *load)
{
	while (load->pending && fits_statement(load))
	{
		load->fed++;
		read_ahead(load);
	}
}

/* Runs as many statements as it takes, each for a run of rows. */
static void
run_repeatedly(PgsyncLoad *load, DestReceiver *dest)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync statement",
												  ALLOCSET_DEFAULT_SIZES);

	load->feed.next = feed_fitting_row;
	load->feed.rows_are_brief = true;
	if (!load->adds_defaults && load->target->plans == NULL)
		load->target->plans = pgsync_plans_create(load->target->mcxt);
	if (!load->pending)
		read_ahead(load);
	do
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(context);

		know_pending_columns(load);
		pgsync_load_plan(load);
		run_statement(load, dest);
		skip_unread_rows(load);
		CommandCounterIncrement();
		UpdateActiveSnapshotCommandId();
		MemoryContextSwitchTo(oldcontext);
		MemoryContextReset(context);
	} while (load->pending);
}

/*
 * Runs one statement for all rows; false if that cannot be, as it would run
 * as a text, which itself computes the defaults.
 */
static bool
run_once(PgsyncLoad *load, DestReceiver *dest)
{
	load->feed.next = feed_any_row;
	read_ahead(load);
	know_pending_columns(load);
	pgsync_load_plan(load);
	if (load->sink->runs_text)
		return false;
	run_statement(load, dest);
	return true;
}

/* Runs the statements that the load takes. */
static void
run_load(PgsyncLoad *load, DestReceiver *dest)
{
	PgsyncRowHook *hook = load->clauses->hook;

	load->adds_defaults = load->target->knows_defaults &&
		(hook == NULL || !hook->same_columns);
	if (load->adds_defaults && hook == NULL)
	{
		if (run_once(load, dest))
			return;
		/* each run of rows with the same columns has a statement of its own */
		load->adds_defaults = false;
	}
	run_repeatedly(load, dest);
}

/*
 * Returns whether nothing that runs during the load could reach the table that
 * the source's text is stored in.  Clauses that evaluate what the caller has
 * written, or that have rows stored elsewhere, are not looked into; bad rows
 * go to their table when the source has been read.
 */
static bool
source_stays_stored(PgsyncSource *source, const PgsyncClauses *clauses)
{
	return source->is_stored && clauses->returning == NULL &&
		(clauses->on_conflict == NULL ||
		 pgsync_does_nothing(clauses->on_conflict)) &&
		pgsync_target_is_quiet(source->target);
}

/* Sets up what a load keeps while it runs. */
static void
init_load(PgsyncLoad *load, PgsyncSource *source, const PgsyncClauses *clauses)
{
	int			natts = Max(source->target->natts, 1);

	memset(load, 0, sizeof(PgsyncLoad));
	load->source = source;
	load->target = source->target;
	load->clauses = clauses;
	source->stays_stored = source_stays_stored(source, clauses);
	load->defaults = pgsync_defaults_create(source->target);
	load->row.named = palloc0(natts);
	load->known = palloc0(natts);
	load->provided = palloc0(natts);
	load->pending_values = palloc0(natts * sizeof(Datum));
	load->pending_nulls = palloc0(natts);
	load->row_context = AllocSetContextCreate(CurrentMemoryContext,
											  "pgsync row read ahead",
											  ALLOCSET_DEFAULT_SIZES);
}

/*
 * Inserts all rows of a source and returns how many rows were inserted or
 * updated; the rows that clauses->returning makes go to "dest".
 *
 * Everything is allocated in the current memory context, which the caller
 * resets or deletes.
 */
PgsyncCounts
pgsync_load(PgsyncSource *source, const PgsyncClauses *clauses,
			DestReceiver *dest)
{
	PgsyncLoad	load;
	ErrorContextCallback callback;

	init_load(&load, source, clauses);

	callback.callback = load_error_callback;
	callback.arg = &load;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	/* as SPI does for a statement that writes */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	load.reports_progress = pgsync_progress_start(source);
	if (clauses->rejects != NULL)
		pgsync_load_batches(&load, dest);
	else
		run_load(&load, dest);
	if (load.reports_progress)
		pgsync_progress_end();
	PopActiveSnapshot();
	CommandCounterIncrement();

	error_context_stack = callback.previous;
	return load.counts;
}
