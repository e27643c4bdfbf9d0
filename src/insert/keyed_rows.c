/*-------------------------------------------------------------------------
 *
 * keyed_rows.c
 *	  The rows of a call in the order of their keys, one row a key.
 *
 * update_many, delete_many and sync_many work on sets: they read their rows
 * once, into a tuplestore that the statements join with the target.
 *
 *		number	input	set		c1	c2	...
 *			1		3	  0		 5	 a		the third row of the input
 *			2		1	  0		 7	 b
 *
 * Rows that come in the order of their keys stay where they were put.  Others
 * are sorted; then of rows with equal keys one is made, in which the later
 * wins, column by column: what they would do if they were applied in turn.
 * Keys are compared as the default B-tree operator class of their types does.
 *
 * Rows are written in this order too, so that two callers with the same keys
 * wait for each other and do not deadlock.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "insert/keyed_rows.h"
#include "insert/progress.h"
#include "row/place.h"
#include "insert/unique_key.h"
#include "insert/work_set.h"
#include "miscadmin.h"
#include "sink/sinks.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

/* What is kept while the rows are being read */
typedef struct Reader
{
	PgsyncKeyedRows *rows;
	PgsyncSource *source;
	PgsyncRow	row;
	Datum	   *values;			/* of the stored row, row.values within */
	bool	   *nulls;
	Datum	   *last_key;		/* of the row before, in key_context */
	bool		ordered;		/* is each key greater than the last? */
	MemoryContext row_context;
	MemoryContext key_context;
} Reader;

/* One row that is being made of those with the same key */
typedef struct Fold
{
	PgsyncKeyedRows *rows;
	Datum	   *values;
	bool	   *nulls;
	bool	   *named;
	int			round;
	bool		any;			/* is there a row? */
	MemoryContext context;		/* of values that were folded in */
} Fold;

/* Adds the row, and the column, being read to an error's context. */
static void
read_error_callback(void *arg)
{
	Reader	   *reader = arg;

	if (reader->row.number > 0)
		pgsync_errcontext_reading(reader->source, &reader->row);
}

/* Returns the row type of the stored rows. */
static TupleDesc
make_desc(PgsyncTarget *target, bool keeps_text)
{
	TupleDesc	target_desc = RelationGetDescr(target->rel);
	TupleDesc	desc = CreateTemplateTupleDesc(PGSYNC_ROWS_COLUMN(target->natts) +
											   (keeps_text ? 1 : 0));

	TupleDescInitEntry(desc, PGSYNC_ROWS_NUMBER, "number", INT8OID, -1, 0);
	TupleDescInitEntry(desc, PGSYNC_ROWS_INPUT, "input", INT8OID, -1, 0);
	TupleDescInitEntry(desc, PGSYNC_ROWS_SET, "set", INT4OID, -1, 0);
	for (int i = 0; i < target->natts; i++)
	{
		AttrNumber	attnum = PGSYNC_ROWS_COLUMN(i + 1);

		if (TupleDescAttr(target_desc, i)->attisdropped)
			TupleDescInitEntry(desc, attnum, NULL, INT4OID, -1, 0);
		else
			TupleDescCopyEntry(desc, attnum, target_desc, i + 1);
		namestrcpy(&TupleDescAttr(desc, attnum - 1)->attname,
				   psprintf("c%d", i + 1));
	}
	if (keeps_text)
		TupleDescInitEntry(desc, desc->natts, "text", TEXTOID, -1, 0);
	return desc;
}

/* Returns how the key's columns are ordered. */
static SortSupport
make_order(PgsyncTarget *target, List *keys)
{
	SortSupport order = palloc0(sizeof(SortSupportData) * list_length(keys));
	ListCell   *cell;

	foreach(cell, keys)
	{
		SortSupport column = &order[foreach_current_index(cell)];
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(target->rel),
											   lfirst_int(cell) - 1);

		column->ssup_cxt = CurrentMemoryContext;
		column->ssup_collation = attr->attcollation;
		column->ssup_attno = attr->attnum;
		PrepareSortSupportFromOrderingOp(pgsync_key_operators(target,
															  attr->attnum)->lt_opr,
										 column);
	}
	return order;
}

/* Compares two keys, given as the values of all columns, none of them null. */
int
pgsync_keyed_rows_compare(PgsyncKeyedRows *rows, const Datum *a,
						  const Datum *b)
{
	int			nkeys = list_length(rows->options.keys);

	for (int i = 0; i < nkeys; i++)
	{
		SortSupport column = &rows->order[i];
		int			result = ApplySortComparator(a[column->ssup_attno - 1],
												 false,
												 b[column->ssup_attno - 1],
												 false, column);

		if (result != 0)
			return result;
	}
	return 0;
}

/* Returns the set of these columns, in this round; a new one if need be. */
static PgsyncColumnSet *
find_set(PgsyncKeyedRows *rows, const bool *named, int round)
{
	Size		natts = rows->target->natts;
	char	   *key;
	bool		found;
	PgsyncColumnSet **entry;
	PgsyncColumnSet *set = rows->last_set;

	if (set != NULL && set->round == round &&
		memcmp(set->named, named, natts) == 0)
		return set;
	key = palloc(natts + sizeof(int));
	memcpy(key, &round, sizeof(int));
	memcpy(key + sizeof(int), named, natts);
	entry = (PgsyncColumnSet **)
		((char *) hash_search(rows->sets_by_name, key, HASH_ENTER, &found) +
		 MAXALIGN(natts + sizeof(int)));
	pfree(key);
	if (!found)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(rows->mcxt);

		*entry = palloc0(sizeof(PgsyncColumnSet));
		(*entry)->id = list_length(rows->sets);
		(*entry)->round = round;
		(*entry)->named = palloc(natts + 1);
		memcpy((*entry)->named, named, natts);
		rows->sets = lappend(rows->sets, *entry);
		MemoryContextSwitchTo(oldcontext);
	}
	rows->last_set = *entry;
	return *entry;
}

/* Makes the rows forget their sets: they are put once more. */
static void
reset_sets(PgsyncKeyedRows *rows)
{
	ListCell   *cell;

	foreach(cell, rows->sets)
		((PgsyncColumnSet *) lfirst(cell))->nrows = 0;
	rows->nkeys = 0;
	rows->nrows = 0;
}

/* Prepares an empty set of rows. */
static PgsyncKeyedRows *
create_rows(PgsyncSource *source, const PgsyncKeyedOptions *options)
{
	PgsyncKeyedRows *rows = palloc0(sizeof(PgsyncKeyedRows));
	HASHCTL		ctl;

	rows->target = source->target;
	rows->options = *options;
	rows->unit = source->routine->unit;
	rows->mcxt = CurrentMemoryContext;
	rows->desc = make_desc(source->target, options->row_text != NULL);
	rows->order = make_order(source->target, options->keys);
	rows->store = tuplestore_begin_heap(false, false, work_mem);

	ctl.keysize = source->target->natts + sizeof(int);
	ctl.entrysize = MAXALIGN(ctl.keysize) + sizeof(PgsyncColumnSet *);
	ctl.hcxt = CurrentMemoryContext;
	rows->sets_by_name = hash_create("pgsync sets of columns", 16, &ctl,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return rows;
}

/* Prepares reading. */
static void
init_reader(Reader *reader, PgsyncKeyedRows *rows, PgsyncSource *source)
{
	int			natts = rows->target->natts;

	memset(reader, 0, sizeof(Reader));
	reader->rows = rows;
	reader->source = source;
	reader->values = palloc0(sizeof(Datum) * rows->desc->natts);
	reader->nulls = palloc0(sizeof(bool) * rows->desc->natts);
	reader->row.values = reader->values + PGSYNC_ROWS_LEADING;
	reader->row.nulls = reader->nulls + PGSYNC_ROWS_LEADING;
	reader->row.named = palloc0(natts + 1);
	reader->last_key = palloc0(sizeof(Datum) * (natts + 1));
	reader->ordered = true;
	reader->row_context = AllocSetContextCreate(CurrentMemoryContext,
												"pgsync row read",
												ALLOCSET_DEFAULT_SIZES);
	reader->key_context = AllocSetContextCreate(CurrentMemoryContext,
												"pgsync key of the last row",
												ALLOCSET_SMALL_SIZES);
}

/* Drops what the row names but the verb has no use for. */
static void
drop_ignored_columns(Reader *reader)
{
	const bool *ignored = reader->rows->options.ignored;

	for (int i = 0; i < reader->rows->target->natts; i++)
	{
		if (ignored[i])
		{
			reader->row.named[i] = false;
			reader->row.nulls[i] = true;
		}
	}
}

/* Reads the next row, in the row's context; false if there is none. */
static bool
read_row(Reader *reader)
{
	PgsyncKeyedRows *rows = reader->rows;
	Size		natts = rows->target->natts;

	memset(reader->row.nulls, true, natts);
	memset(reader->row.named, false, natts);
	CHECK_FOR_INTERRUPTS();
	if (!reader->source->routine->fetch(reader->source, &reader->row))
		return false;
	reader->source->routine->convert(reader->source, &reader->row);
	if (rows->options.ignored != NULL)
		drop_ignored_columns(reader);
	if (rows->options.complete_row != NULL)
		rows->options.complete_row(rows->options.arg, &reader->row);
	pgsync_check_key(rows->target, rows->options.keys, &reader->row);
	return true;
}

/* Notes whether the row's key is greater than the one before, and keeps it. */
static void
note_order(Reader *reader)
{
	PgsyncKeyedRows *rows = reader->rows;
	MemoryContext oldcontext;
	ListCell   *cell;

	if (rows->nrows > 0 &&
		pgsync_keyed_rows_compare(rows, reader->last_key,
								  reader->row.values) >= 0)
	{
		reader->ordered = false;
		return;
	}
	MemoryContextReset(reader->key_context);
	oldcontext = MemoryContextSwitchTo(reader->key_context);
	foreach(cell, rows->options.keys)
	{
		int			i = lfirst_int(cell) - 1;
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rows->target->rel), i);

		reader->last_key[i] = datumCopy(reader->row.values[i], attr->attbyval,
										attr->attlen);
	}
	MemoryContextSwitchTo(oldcontext);
}

/* Sets the stored row's text. */
static void
set_text(Reader *reader)
{
	int			last = reader->rows->desc->natts - 1;
	const char *text = reader->rows->options.row_text(reader->source);

	reader->nulls[last] = text == NULL;
	reader->values[last] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

/* Puts the row that has been read into the store. */
static void
put_row(Reader *reader)
{
	PgsyncKeyedRows *rows = reader->rows;
	PgsyncColumnSet *set = find_set(rows, reader->row.named, 0);

	if (reader->ordered)
		note_order(reader);
	set->nrows++;
	rows->nrows++;
	reader->values[PGSYNC_ROWS_NUMBER - 1] = Int64GetDatum(rows->nrows);
	reader->values[PGSYNC_ROWS_INPUT - 1] = Int64GetDatum(reader->row.number);
	reader->values[PGSYNC_ROWS_SET - 1] = Int32GetDatum(set->id);
	if (rows->options.row_text != NULL)
		set_text(reader);
	tuplestore_putvalues(rows->store, rows->desc, reader->values,
						 reader->nulls);
}

/* Reads all rows; returns whether they came in the order of their keys. */
static bool
read_rows(PgsyncKeyedRows *rows, PgsyncSource *source)
{
	Reader		reader;
	ErrorContextCallback callback;
	MemoryContext oldcontext;

	init_reader(&reader, rows, source);
	/* no row is stored before all have been read */
	source->stays_stored = source->is_stored &&
		!pgsync_rows_may_look(source->target->rel);
	callback.callback = read_error_callback;
	callback.arg = &reader;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	oldcontext = MemoryContextSwitchTo(reader.row_context);
	while (read_row(&reader))
	{
		put_row(&reader);
		MemoryContextReset(reader.row_context);
		if (rows->reports_progress &&
			rows->nrows % PGSYNC_PROGRESS_INTERVAL == 1)
			pgsync_progress_input(source);
	}
	if (rows->reports_progress)
		pgsync_progress_input(source);
	MemoryContextSwitchTo(oldcontext);
	error_context_stack = callback.previous;
	if (source->routine->close != NULL)
		source->routine->close(source);
	MemoryContextDelete(reader.row_context);
	MemoryContextDelete(reader.key_context);
	return reader.ordered;
}

/* Begins to sort the rows, by key and then by their place in the input. */
static Tuplesortstate *
begin_sort(PgsyncKeyedRows *rows)
{
	int			nkeys = list_length(rows->options.keys);
	AttrNumber *columns = palloc(sizeof(AttrNumber) * (nkeys + 1));
	Oid		   *operators = palloc(sizeof(Oid) * (nkeys + 1));
	Oid		   *collations = palloc(sizeof(Oid) * (nkeys + 1));
	bool	   *nulls_first = palloc0(sizeof(bool) * (nkeys + 1));

	for (int i = 0; i < nkeys; i++)
	{
		SortSupport column = &rows->order[i];

		columns[i] = PGSYNC_ROWS_COLUMN(column->ssup_attno);
		collations[i] = column->ssup_collation;
		operators[i] = pgsync_key_operators(rows->target,
											column->ssup_attno)->lt_opr;
	}
	columns[nkeys] = PGSYNC_ROWS_NUMBER;
	collations[nkeys] = InvalidOid;
	operators[nkeys] = Int8LessOperator;
	return tuplesort_begin_heap(rows->desc, nkeys + 1, columns, operators,
								collations, nulls_first, work_mem, NULL,
								TUPLESORT_NONE);
}

/* Moves the rows from their store into a sort, and sorts them. */
static Tuplesortstate *
sort_rows(PgsyncKeyedRows *rows)
{
	Tuplesortstate *sort = begin_sort(rows);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->desc,
													&TTSOpsMinimalTuple);

	while (tuplestore_gettupleslot(rows->store, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		tuplesort_puttupleslot(sort, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rows->store);
	tuplesort_performsort(sort);
	return sort;
}

/* Begins a row of its own with the one in the slot. */
static void
begin_fold(Fold *fold, TupleTableSlot *slot, bool new_key)
{
	PgsyncKeyedRows *rows = fold->rows;
	int			id = DatumGetInt32(slot->tts_values[PGSYNC_ROWS_SET - 1]);
	PgsyncColumnSet *set = list_nth(rows->sets, id);

	memcpy(fold->values, slot->tts_values, sizeof(Datum) * rows->desc->natts);
	memcpy(fold->nulls, slot->tts_isnull, sizeof(bool) * rows->desc->natts);
	memcpy(fold->named, set->named, rows->target->natts);
	fold->any = true;
	if (new_key)
	{
		rows->nkeys++;
		fold->round = 0;
	}
	else
		fold->round++;
}

/* Puts the row that has been made, and frees its values. */
static void
end_fold(Fold *fold)
{
	PgsyncKeyedRows *rows = fold->rows;
	PgsyncColumnSet *set = find_set(rows, fold->named, fold->round);

	fold->values[PGSYNC_ROWS_NUMBER - 1] = Int64GetDatum(rows->nkeys);
	fold->values[PGSYNC_ROWS_SET - 1] = Int32GetDatum(set->id);
	set->nrows++;
	rows->nrows++;
	tuplestore_putvalues(rows->store, rows->desc, fold->values, fold->nulls);
	MemoryContextReset(fold->context);
}

/*
 * Returns whether a later row with the same key can be folded in.  Not if
 * both bring something for a column whose values add up: how they do depends
 * on what is stored there.
 */
static bool
can_fold(Fold *fold, const bool *named)
{
	const bool *merges = fold->rows->options.merges;

	if (merges == NULL)
		return true;
	for (int i = 0; i < fold->rows->target->natts; i++)
	{
		if (merges[i] && named[i] && fold->named[i])
			return false;
	}
	return true;
}

/* Has a later row with the same key overwrite what it names. */
static void
fold_in(Fold *fold, TupleTableSlot *slot, const bool *named)
{
	TupleDesc	desc = fold->rows->desc;
	MemoryContext oldcontext = MemoryContextSwitchTo(fold->context);

	fold->values[PGSYNC_ROWS_INPUT - 1] = slot->tts_values[PGSYNC_ROWS_INPUT - 1];
	for (int i = 0; i < fold->rows->target->natts; i++)
	{
		int			column = PGSYNC_ROWS_COLUMN(i + 1) - 1;
		Form_pg_attribute attr = TupleDescAttr(desc, column);

		if (!named[i])
			continue;
		fold->named[i] = true;
		fold->nulls[column] = slot->tts_isnull[column];
		if (!slot->tts_isnull[column])
			fold->values[column] = datumCopy(slot->tts_values[column],
											 attr->attbyval, attr->attlen);
	}
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Takes the next sorted row: into the one being made, or as the first of
 * another.  Returns whether it is the latter, which needs its slot.
 */
static bool
take_sorted_row(Fold *fold, TupleTableSlot *slot)
{
	PgsyncKeyedRows *rows = fold->rows;
	const bool *named;
	bool		same_key;

	slot_getallattrs(slot);
	named = ((PgsyncColumnSet *)
			 list_nth(rows->sets,
					  DatumGetInt32(slot->tts_values[PGSYNC_ROWS_SET - 1])))->named;
	same_key = fold->any &&
		pgsync_keyed_rows_compare(rows, fold->values + PGSYNC_ROWS_LEADING,
								  slot->tts_values + PGSYNC_ROWS_LEADING) == 0;
	if (same_key && can_fold(fold, named))
	{
		fold_in(fold, slot, named);
		return false;
	}
	if (fold->any)
		end_fold(fold);
	begin_fold(fold, slot, !same_key);
	return true;
}

/* Puts the sorted rows back into a store, one of each key. */
static void
fold_rows(PgsyncKeyedRows *rows, Tuplesortstate *sort)
{
	Fold		fold = {.rows = rows};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->desc,
													&TTSOpsMinimalTuple);
	TupleTableSlot *kept = MakeSingleTupleTableSlot(rows->desc,
													&TTSOpsMinimalTuple);

	fold.values = palloc(sizeof(Datum) * rows->desc->natts);
	fold.nulls = palloc(sizeof(bool) * rows->desc->natts);
	fold.named = palloc(rows->target->natts + 1);
	fold.context = AllocSetContextCreate(CurrentMemoryContext,
										 "pgsync rows of one key",
										 ALLOCSET_DEFAULT_SIZES);
	reset_sets(rows);
	rows->store = tuplestore_begin_heap(false, false, work_mem);
	while (tuplesort_gettupleslot(sort, true, true, slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		if (take_sorted_row(&fold, slot))
		{
			TupleTableSlot *free_slot = kept;

			kept = slot;
			slot = free_slot;
		}
	}
	end_fold(&fold);
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(kept);
	MemoryContextDelete(fold.context);
}

/* Puts all sorted rows back into a store. */
static void
keep_rows(PgsyncKeyedRows *rows, Tuplesortstate *sort)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(rows->desc,
													&TTSOpsMinimalTuple);

	rows->store = tuplestore_begin_heap(false, false, work_mem);
	while (tuplesort_gettupleslot(sort, true, false, slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows->store, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Reads all rows of a source.
 *
 * Errors: 22023 and 22004 for a key that is missing or null, 42883 for a key
 * whose type has no order, and those of the source.
 */
PgsyncKeyedRows *
pgsync_keyed_rows_read(PgsyncSource *source, const PgsyncKeyedOptions *options)
{
	PgsyncKeyedRows *rows = create_rows(source, options);

	rows->reports_progress = pgsync_progress_start(source);
	if (read_rows(rows, source))
		rows->nkeys = rows->nrows;
	else
	{
		Tuplesortstate *sort = sort_rows(rows);

		if (options->keeps_all)
			keep_rows(rows, sort);
		else
			fold_rows(rows, sort);
		tuplesort_end(sort);
	}
	return rows;
}

/* Returns the union of sets of columns, by attribute. */
bool *
pgsync_all_columns(PgsyncKeyedRows *rows, List *sets)
{
	bool	   *named = palloc0(rows->target->natts + 1);
	ListCell   *cell;

	foreach(cell, sets)
	{
		PgsyncColumnSet *set = lfirst(cell);

		for (int i = 0; i < rows->target->natts; i++)
			named[i] |= set->named[i];
	}
	return named;
}

/* Returns all of the rows as a work set, which shares their store. */
PgsyncWorkSet *
pgsync_keyed_rows_all(PgsyncKeyedRows *rows)
{
	PgsyncWorkSet *work = palloc0(sizeof(PgsyncWorkSet));
	ListCell   *cell;

	work->rows = rows;
	work->store = rows->store;
	work->nrows = rows->nrows;
	work->by_set = palloc(sizeof(int64) * (list_length(rows->sets) + 1));
	foreach(cell, rows->sets)
		work->by_set[foreach_current_index(cell)] =
		((PgsyncColumnSet *) lfirst(cell))->nrows;
	return work;
}

/* Frees the rows; the call's progress is complete. */
void
pgsync_keyed_rows_end(PgsyncKeyedRows *rows)
{
	if (rows->reports_progress)
		pgsync_progress_end();
	tuplestore_end(rows->store);
}
