/*-------------------------------------------------------------------------
 *
 * update_known.c
 *	  Updates rows by key, each where it is found.
 *
 *		UPDATE target AS t SET a = r.c2 FROM pgsync_rows AS r WHERE t.id = r.c1
 *
 * does what keyed_statement.c has a join do, where one row of the target at
 * most has each key: rows come in the order of their keys, so that a scan of
 * the key's index goes along beside them (key_probe.c), and a row that it has
 * found needs no plan to be updated (known_row.c).
 *
 * Only where nothing that runs for a row could tell, or write meanwhile, and
 * where there are enough rows.  What another session has changed meanwhile is
 * left to the statement itself, executed for this row (row_statement.c).  All
 * of it is one command with one snapshot, as the join is.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "insert/key_probe.h"
#include "insert/known_row.h"
#include "insert/progress.h"
#include "insert/row_statement.h"
#include "insert/update_known.h"
#include "miscadmin.h"
#include "row/place.h"
#include "sink/sinks.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* For fewer rows it does not matter how they are found. */
#define MIN_ROWS	32

/* An update while it runs */
typedef struct Run
{
	const PgsyncKnownUpdate *update;
	Snapshot	snapshot;
	PgsyncKeyProbe *probe;
	PgsyncRowStatement *statement;
	PgsyncKnownRows *known;
	PgsyncRow	row;			/* at hand */
	int64		number;			/* of its key */
	int64		input;			/* and of it in the input; 0: none at hand */
	PgsyncKeyedCounts counts;
} Run;

/* Returns whether nothing could tell in which way rows are updated. */
static bool
update_fits(const PgsyncKnownUpdate *update)
{
	PgsyncTarget *target = update->work->rows->target;
	Form_pg_class form = target->rel->rd_rel;

	return pgsync_sink_setting == PGSYNC_SINK_AUTO &&
		update->work->nrows >= MIN_ROWS &&
		!form->relispartition && !form->relhassubclass &&
		pgsync_target_is_quiet(target);
}

/* Starts the statement, whose privileges are checked so. */
static void
start_statement(Run *run)
{
	PgsyncRowQuery query = {0};

	query.target = run->update->work->rows->target;
	query.operation = CMD_UPDATE;
	query.text = run->update->query;
	query.one_command = true;
	query.skip_unchanged = run->update->skip_unchanged;
	query.dest = None_Receiver;
	run->statement = pgsync_row_statement_start(&query, run->snapshot);
}

/* Ends what has been started; the snapshot is the active one. */
static void
end_run(Run *run)
{
	if (run->statement != NULL)
		pgsync_row_statement_end(run->statement);
	if (run->probe != NULL)
		pgsync_key_probe_end(run->probe);
	PopActiveSnapshot();
	UnregisterSnapshot(run->snapshot);
}

/* Starts all that it takes; false if the statement has to be executed. */
static bool
start_run(Run *run)
{
	PgsyncKeyedRows *rows = run->update->work->rows;
	ModifyTableState *mtstate;

	CommandCounterIncrement();
	PushCopiedSnapshot(GetTransactionSnapshot());
	run->snapshot = RegisterSnapshot(GetActiveSnapshot());
	run->probe = pgsync_key_probe_start(rows->target, rows->options.keys,
										run->snapshot);
	if (run->probe == NULL)
		return false;
	start_statement(run);
	mtstate = pgsync_row_statement_modifier(run->statement);
	if (mtstate != NULL)
		run->known = pgsync_known_rows_create(mtstate);
	return run->known != NULL;
}

/* Takes the row at hand out of a row of the store. */
static void
take_row(Run *run, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	run->number = DatumGetInt64(slot->tts_values[PGSYNC_ROWS_NUMBER - 1]);
	run->input = DatumGetInt64(slot->tts_values[PGSYNC_ROWS_INPUT - 1]);
	run->row.values = slot->tts_values + PGSYNC_ROWS_LEADING;
	run->row.nulls = slot->tts_isnull + PGSYNC_ROWS_LEADING;
}

/* Updates the row that has been found, unless it is equal. */
static PgsyncRowOutcome
update_found(Run *run, TupleTableSlot *stored)
{
	List	   *columns = run->update->columns;

	if (run->update->skip_unchanged &&
		!pgsync_row_may_change(&run->row, columns, stored))
		return PGSYNC_ROW_UNCHANGED;
	pgsync_known_rows_form(run->known, stored, &run->row, columns);
	/* nobody must wait for the page while we wait for the row */
	pgsync_key_probe_release(run->probe);
	if (pgsync_known_rows_store(run->known))
		return PGSYNC_ROW_WRITTEN;
	return pgsync_row_statement_execute(run->statement, &run->row);
}

/* Finds the row that has the key, and updates it. */
static PgsyncRowOutcome
update_row(Run *run)
{
	PgsyncRowOutcome outcome = PGSYNC_ROW_ABSENT;
	TupleTableSlot *stored = pgsync_key_probe_find(run->probe, &run->row);

	if (stored != NULL)
		outcome = update_found(run, stored);
	pgsync_key_probe_release(run->probe);
	return outcome;
}

/* Counts what has become of the row at hand, and reports progress. */
static void
count_row(Run *run, PgsyncRowOutcome outcome)
{
	PgsyncKeyedRows *rows = run->update->work->rows;

	if (outcome == PGSYNC_ROW_WRITTEN)
	{
		if (rows->reports_progress &&
			run->counts.processed % PGSYNC_PROGRESS_INTERVAL == 1)
			pgsync_progress_rows(rows->nwritten + run->counts.processed);
		run->counts.processed++;
	}
	else if (outcome == PGSYNC_ROW_UNCHANGED)
	{
		if (run->counts.unchanged++ == 0)
			run->counts.first_unchanged = run->number;
	}
	else if (run->counts.missing++ == 0)
		run->counts.first_missing = run->number;
}

/* Updates all of the rows. */
static void
update_rows(Run *run)
{
	PgsyncWorkSet *work = run->update->work;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(work->rows->desc,
													&TTSOpsMinimalTuple);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "pgsync row to update",
													  ALLOCSET_DEFAULT_SIZES);

	tuplestore_select_read_pointer(work->store, 0);
	tuplestore_rescan(work->store);
	while (tuplestore_gettupleslot(work->store, true, false, slot))
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(row_context);

		CHECK_FOR_INTERRUPTS();
		take_row(run, slot);
		count_row(run, update_row(run));
		run->input = 0;
		MemoryContextSwitchTo(oldcontext);
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
	ExecDropSingleTupleTableSlot(slot);
	work->rows->nwritten += run->counts.processed;
	if (work->rows->reports_progress)
		pgsync_progress_rows(work->rows->nwritten);
}

/* Names the row at hand in an error's context. */
static void
run_error_callback(void *arg)
{
	Run		   *run = arg;

	if (run->input > 0)
		pgsync_errcontext_row(run->update->work->rows->unit, run->input);
}

/*
 * Runs the update as a part of the query level that the caller has begun, with
 * a snapshot of its own.  False, with nothing done, if it is
 * keyed_statement.c's.
 */
bool
pgsync_update_known(const PgsyncKnownUpdate *update,
					PgsyncKeyedCounts *counts)
{
	Run			run = {.update = update};
	ErrorContextCallback callback;
	bool		started;

	if (!update_fits(update))
		return false;
	run.row.named = (bool *) update->named;
	started = start_run(&run);
	if (started)
	{
		elog(DEBUG1, "rows of \"%s\" that are there are updated without the plan",
			 RelationGetRelationName(update->work->rows->target->rel));
		callback.callback = run_error_callback;
		callback.arg = &run;
		callback.previous = error_context_stack;
		error_context_stack = &callback;
		update_rows(&run);
		error_context_stack = callback.previous;
	}
	end_run(&run);
	CommandCounterIncrement();
	*counts = run.counts;
	return started;
}
