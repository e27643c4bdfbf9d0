/*-------------------------------------------------------------------------
 *
 * work_set.c
 *	  Those of a call's rows that a statement is to work on.
 *
 * A work set has its rows in a tuplestore, laid out as keyed_rows.c says, in
 * the order of their keys and counted from 1 on.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "insert/unique_key.h"
#include "insert/work_set.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Rows of so many sets of columns are told apart in one pass */
#define SETS_AT_ONCE	256

/* The least memory that these get each, in kB */
#define MIN_PART_SIZE	64

/* Creates a work set in a store of this size, in kB. */
static PgsyncWorkSet *
create_work_set(PgsyncKeyedRows *rows, int size)
{
	PgsyncWorkSet *work = palloc0(sizeof(PgsyncWorkSet));

	work->rows = rows;
	work->store = tuplestore_begin_heap(false, false, size);
	work->by_set = palloc0(sizeof(int64) * (list_length(rows->sets) + 1));
	return work;
}

/* Creates a work set without rows. */
PgsyncWorkSet *
pgsync_work_set_create(PgsyncKeyedRows *rows)
{
	return create_work_set(rows, work_mem);
}

/* Adds a row, whose number becomes its place in the work set. */
void
pgsync_work_set_put(PgsyncWorkSet *work, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	work->nrows++;
	work->by_set[DatumGetInt32(slot->tts_values[PGSYNC_ROWS_SET - 1])]++;
	slot->tts_values[PGSYNC_ROWS_NUMBER - 1] = Int64GetDatum(work->nrows);
	tuplestore_putvalues(work->store, work->rows->desc, slot->tts_values,
						 slot->tts_isnull);
}

/* Compares sets of columns by their round, then by their place; for list_sort */
static int
compare_sets(const ListCell *a, const ListCell *b)
{
	const PgsyncColumnSet *first = lfirst(a);
	const PgsyncColumnSet *second = lfirst(b);

	if (first->round != second->round)
		return first->round < second->round ? -1 : 1;
	return first->id < second->id ? -1 : first->id > second->id;
}

/*
 * Returns the sets of columns that occur, in the order in which they apply.
 * There may be as many, and as many rounds, as rows.
 */
List *
pgsync_work_set_columns(PgsyncWorkSet *work)
{
	List	   *sets = NIL;
	ListCell   *cell;

	foreach(cell, work->rows->sets)
	{
		PgsyncColumnSet *set = lfirst(cell);

		if (work->by_set[set->id] > 0)
			sets = lappend(sets, set);
	}
	list_sort(sets, compare_sets);
	return sets;
}

/* Returns the rows of each of these sets of columns as a work set. */
static PgsyncWorkSet **
split_by_columns(PgsyncWorkSet *work, List *sets)
{
	PgsyncKeyedRows *rows = work->rows;
	int			size = Max(work_mem / list_length(sets), MIN_PART_SIZE);
	PgsyncWorkSet **parts = palloc(sizeof(PgsyncWorkSet *) * list_length(sets));
	PgsyncWorkSet **by_id = palloc0(sizeof(PgsyncWorkSet *) *
									list_length(rows->sets));
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->desc,
													&TTSOpsMinimalTuple);
	ListCell   *cell;

	foreach(cell, sets)
	{
		parts[foreach_current_index(cell)] = create_work_set(rows, size);
		by_id[((PgsyncColumnSet *) lfirst(cell))->id] =
			parts[foreach_current_index(cell)];
	}
	tuplestore_select_read_pointer(work->store, 0);
	tuplestore_rescan(work->store);
	while (tuplestore_gettupleslot(work->store, true, false, slot))
	{
		bool		isnull;
		int			id = DatumGetInt32(slot_getattr(slot, PGSYNC_ROWS_SET,
													&isnull));

		CHECK_FOR_INTERRUPTS();
		if (by_id[id] != NULL)
			pgsync_work_set_put(by_id[id], slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	pfree(by_id);
	return parts;
}

/*
 * Calls back for some of the sets of columns, each with its rows.  What that
 * allocates is freed: there may be as many sets as rows.
 */
static void
for_some_sets(PgsyncWorkSet *work, List *sets, PgsyncPartCallback callback,
			  void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync rows of some columns",
												  ALLOCSET_DEFAULT_SIZES);
	PgsyncWorkSet **parts = split_by_columns(work, sets);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);

	for (int i = 0; i < list_length(sets); i++)
	{
		callback(arg, list_nth(sets, i), parts[i]);
		pgsync_work_set_end(parts[i]);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
	pfree(parts);
}

/*
 * Calls back for each of these sets of columns, which are those of the work
 * set, with its rows.
 */
void
pgsync_work_set_for_each(PgsyncWorkSet *work, List *sets,
						 PgsyncPartCallback callback, void *arg)
{
	if (list_length(sets) == 1)
	{
		callback(arg, linitial(sets), work);
		return;
	}
	for (int first = 0; first < list_length(sets); first += SETS_AT_ONCE)
	{
		List	   *some = NIL;
		int			end = Min(first + SETS_AT_ONCE, list_length(sets));

		for (int i = first; i < end; i++)
			some = lappend(some, list_nth(sets, i));
		for_some_sets(work, some, callback, arg);
	}
}

/*
 * Describes the row with this number: returns its number in the input, and
 * its key as "(a, b)=(1, x)".
 */
int64
pgsync_work_set_describe(PgsyncWorkSet *work, int64 number, char **key)
{
	PgsyncKeyedRows *rows = work->rows;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->desc,
													&TTSOpsMinimalTuple);
	int64		input;

	tuplestore_select_read_pointer(work->store, 0);
	tuplestore_rescan(work->store);
	if (!tuplestore_skiptuples(work->store, number - 1, true) ||
		!tuplestore_gettupleslot(work->store, true, false, slot))
		elog(ERROR, "there is no row with number %lld", (long long) number);
	slot_getallattrs(slot);
	input = DatumGetInt64(slot->tts_values[PGSYNC_ROWS_INPUT - 1]);
	*key = pgsync_describe_key(rows->target, rows->options.keys,
							   slot->tts_values + PGSYNC_ROWS_LEADING);
	ExecDropSingleTupleTableSlot(slot);
	return input;
}

/* Frees a work set. */
void
pgsync_work_set_end(PgsyncWorkSet *work)
{
	tuplestore_end(work->store);
	pfree(work->by_set);
	pfree(work);
}
