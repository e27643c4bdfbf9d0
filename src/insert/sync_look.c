/*-------------------------------------------------------------------------
 *
 * sync_look.c
 *	  What has to be done to make a table equal to the rows.
 *
 * Reads the slice of the table in the order of the key,
 *
 *		SELECT t.id, t.a FROM target AS t WHERE t.tenant = $1 ORDER BY t.id
 *
 * and walks through it and through the rows (keyed_rows.c) side by side: what
 * is in one of them only is gone or new, what is in both is compared.  That
 * only reads: if nothing differs, nothing is written, locked or numbered.
 *
 * Values are equal if their images are, whether compressed, out of line or
 * under a short header (datum_image_eq, which "*=" and REFRESH MATERIALIZED
 * VIEW CONCURRENTLY use as well).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/spi_on.h"
#include "common/spi_util.h"
#include "insert/keyed_statement.h"
#include "insert/sync_look.h"
#include "insert/unique_key.h"
#include "insert/work_set.h"
#include "miscadmin.h"
#include "row/place.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A destination that takes the table's rows */
typedef struct LookReceiver
{
	DestReceiver pub;
	PgsyncLook *look;
	bool		have_row;		/* is there a row of the input at hand? */
	bool		have_last;		/* has the table had a row with a whole key? */
	Datum	   *last_key;		/* its, by attribute */
	MemoryContext key_context;
	MemoryContext row_context;
} LookReceiver;

/*
 * Returns the columns to read: the key's, and whatever the rows may change.
 */
static List *
columns_to_read(PgsyncLook *look)
{
	bool	   *named = pgsync_all_columns(look->rows, look->rows->sets);
	List	   *columns = list_copy(look->rows->options.keys);

	for (int i = 0; i < look->rows->target->natts; i++)
	{
		if (named[i] && look->columns->may_update[i])
			columns = list_append_unique_int(columns, i + 1);
	}
	return columns;
}

/* Appends a list of columns of the target. */
static void
append_columns(StringInfo buf, PgsyncTarget *target, List *columns)
{
	ListCell   *cell;

	foreach(cell, columns)
	{
		appendStringInfoString(buf, foreach_current_index(cell) > 0 ?
							   ", t." : "t.");
		pgsync_append_column(buf, target, lfirst_int(cell));
	}
}

/* Returns the query that reads the slice. */
static char *
look_text(PgsyncLook *look)
{
	PgsyncTarget *target = look->rows->target;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT ");
	append_columns(&buf, target, look->read_columns);
	appendStringInfo(&buf, " FROM %s AS t",
					 pgsync_qualified_relation_name(target->rel));
	if (look->scope->condition != NULL)
		appendStringInfo(&buf, " WHERE %s", look->scope->condition);
	/* by the operator class that the rows are compared with: the default */
	appendStringInfoString(&buf, " ORDER BY ");
	append_columns(&buf, target, look->rows->options.keys);
	return buf.data;
}

/*
 * Moves to the next row of the input.  One that is read from disk is allocated
 * in the current memory context, and freed by the slot.
 */
static void
next_row(LookReceiver *receiver)
{
	PgsyncLook *look = receiver->look;
	PgsyncKeyedRows *rows = look->rows;
	MemoryContext oldcontext = MemoryContextSwitchTo(rows->mcxt);

	receiver->have_row = tuplestore_gettupleslot(rows->store, true, false,
												 look->row);
	MemoryContextSwitchTo(oldcontext);
	if (!receiver->have_row)
		return;
	slot_getallattrs(look->row);
	look->set = list_nth(rows->sets,
						 DatumGetInt32(look->row->tts_values[PGSYNC_ROWS_SET - 1]));
}

/* Returns whether the row at hand would change a column of the stored one. */
bool
pgsync_look_column_differs(PgsyncLook *look, AttrNumber attnum)
{
	int			column = PGSYNC_ROWS_COLUMN(attnum) - 1;
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(look->rows->target->rel),
										   attnum - 1);
	bool		isnull = look->row->tts_isnull[column];

	if (!look->set->named[attnum - 1] ||
		!look->columns->may_update[attnum - 1])
		return false;
	if (isnull || look->stored_nulls[attnum - 1])
		return isnull != look->stored_nulls[attnum - 1];
	return !datum_image_eq(look->row->tts_values[column],
						   look->stored[attnum - 1],
						   attr->attbyval, attr->attlen);
}

/* Returns whether the row at hand differs from the stored one. */
static bool
rows_differ(PgsyncLook *look)
{
	ListCell   *cell;

	foreach(cell, look->read_columns)
	{
		if (pgsync_look_column_differs(look, lfirst_int(cell)))
			return true;
	}
	return false;
}

/* Takes the table's row out of its slot. */
static void
take_stored_row(PgsyncLook *look, TupleTableSlot *slot)
{
	ListCell   *cell;

	slot_getallattrs(slot);
	look->stored_null_key = false;
	foreach(cell, look->read_columns)
	{
		int			n = foreach_current_index(cell);
		int			i = lfirst_int(cell) - 1;

		look->stored[i] = slot->tts_values[n];
		look->stored_nulls[i] = slot->tts_isnull[n];
		/* the key's columns come first */
		if (n < list_length(look->rows->options.keys))
			look->stored_null_key |= slot->tts_isnull[n];
	}
}

/* Reports two rows of the table that have the same key (21000). */
static void
report_not_unique(PgsyncLook *look)
{
	PgsyncKeyedRows *rows = look->rows;

	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("relation \"%s\" has several rows with the same key",
					RelationGetRelationName(rows->target->rel)),
			 errdetail("Key %s is not unique.",
					   pgsync_describe_key(rows->target, rows->options.keys,
										   look->stored))));
}

/*
 * Checks that the table's row has another key than the one before, and keeps
 * it.  A unique index sees to it; but a view has none, and a table's children
 * have their own.
 */
static void
check_unique(LookReceiver *receiver)
{
	PgsyncLook *look = receiver->look;
	PgsyncKeyedRows *rows = look->rows;
	MemoryContext oldcontext;
	ListCell   *cell;

	if (receiver->have_last &&
		pgsync_keyed_rows_compare(rows, receiver->last_key, look->stored) == 0)
		report_not_unique(look);
	MemoryContextReset(receiver->key_context);
	oldcontext = MemoryContextSwitchTo(receiver->key_context);
	foreach(cell, rows->options.keys)
	{
		int			i = lfirst_int(cell) - 1;
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rows->target->rel), i);

		receiver->last_key[i] = datumCopy(look->stored[i], attr->attbyval,
										  attr->attlen);
	}
	MemoryContextSwitchTo(oldcontext);
	receiver->have_last = true;
}

/* Compares the key of the input's row at hand with the stored row's. */
static int
compare_keys(PgsyncLook *look)
{
	return pgsync_keyed_rows_compare(look->rows,
									 look->row->tts_values + PGSYNC_ROWS_LEADING,
									 look->stored);
}

/* Goes on to a row of the table: what is before it in the input, is new. */
static void
pass_stored_row(LookReceiver *receiver)
{
	PgsyncLook *look = receiver->look;
	int			order = 1;

	if (look->stored_null_key)
	{
		look->routine->gone(look);
		return;
	}
	check_unique(receiver);
	while (receiver->have_row && (order = compare_keys(look)) < 0)
	{
		CHECK_FOR_INTERRUPTS();
		look->routine->is_new(look);
		next_row(receiver);
	}
	if (!receiver->have_row || order > 0)
	{
		look->routine->gone(look);
		return;
	}
	if (rows_differ(look))
		look->routine->differs(look);
	else
		look->unchanged++;
	next_row(receiver);
}

/* Takes a row of the table. */
static bool
look_receive(TupleTableSlot *slot, DestReceiver *self)
{
	LookReceiver *receiver = (LookReceiver *) self;
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->row_context);

	take_stored_row(receiver->look, slot);
	pass_stored_row(receiver);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(receiver->row_context);
	return true;
}

/* Has nothing to do before the first row. */
static void
look_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

/* Has nothing to do after the last row, or when it is freed. */
static void
look_shutdown(DestReceiver *self)
{
}

/* Begins the walk with the input's first row. */
static void
init_receiver(LookReceiver *receiver, PgsyncLook *look)
{
	int			natts = look->rows->target->natts;

	memset(receiver, 0, sizeof(LookReceiver));
	receiver->pub.receiveSlot = look_receive;
	receiver->pub.rStartup = look_startup;
	receiver->pub.rShutdown = look_shutdown;
	receiver->pub.rDestroy = look_shutdown;
	receiver->pub.mydest = DestTuplestore;
	receiver->look = look;
	receiver->last_key = palloc0(sizeof(Datum) * (natts + 1));
	receiver->key_context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync last key",
												  ALLOCSET_SMALL_SIZES);
	receiver->row_context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync rows compared",
												  ALLOCSET_DEFAULT_SIZES);
	look->unchanged = 0;
	look->stored = palloc0(sizeof(Datum) * (natts + 1));
	look->stored_nulls = palloc0(natts + 1);
	look->row = MakeSingleTupleTableSlot(look->rows->desc,
										 &TTSOpsMinimalTuple);
	tuplestore_select_read_pointer(look->rows->store, 0);
	tuplestore_rescan(look->rows->store);
	next_row(receiver);
}

/* Runs the query that reads the slice, with the active snapshot. */
static void
read_slice(LookReceiver *receiver)
{
	PgsyncLook *look = receiver->look;
	SPIExecuteOptions options = {0};

	options.params = look->scope->params;
	options.read_only = true;
	options.dest = &receiver->pub;
	pgsync_spi_connect();
	pgsync_spi_execute_on(look->rows->target->rel, look_text(look), &options);
	pgsync_spi_finish();
}

/*
 * Finds out what differs, as of now, and calls back for it.
 *
 * Errors: 21000 if the key is not unique in the table, and those of SELECT.
 */
void
pgsync_look(PgsyncLook *look)
{
	LookReceiver receiver;
	MemoryContext oldcontext;

	look->read_columns = columns_to_read(look);
	init_receiver(&receiver, look);
	PushActiveSnapshot(GetTransactionSnapshot());
	read_slice(&receiver);
	PopActiveSnapshot();
	oldcontext = MemoryContextSwitchTo(receiver.row_context);
	while (receiver.have_row)
	{
		CHECK_FOR_INTERRUPTS();
		look->routine->is_new(look);
		next_row(&receiver);
		MemoryContextReset(receiver.row_context);
	}
	MemoryContextSwitchTo(oldcontext);
	ExecDropSingleTupleTableSlot(look->row);
	look->row = NULL;
	MemoryContextDelete(receiver.key_context);
	MemoryContextDelete(receiver.row_context);
}

/*
 * Checks that rows which the slice does not have are not there outside of it,
 * as of now.
 *
 * Errors: 23505.
 */
void
pgsync_look_outside_scope(PgsyncLook *look, PgsyncWorkSet *new_rows)
{
	PgsyncTarget *target = look->rows->target;
	PgsyncKeyedStatement statement = {
		.rows = look->rows,
		.operation = CMD_SELECT,
		.params = look->scope->params,
	};
	PgsyncKeyedCounts counts;
	StringInfoData buf;
	char	   *key;
	int64		input;

	if (look->scope->condition == NULL || new_rows->nrows == 0)
		return;
	initStringInfo(&buf);
	appendStringInfo(&buf,
					 "SELECT r.number FROM %s AS t, pgsync_rows AS r WHERE ",
					 pgsync_qualified_relation_name(target->rel));
	pgsync_append_key_condition(&buf, look->rows);
	appendStringInfo(&buf, " AND (%s) IS NOT TRUE ORDER BY r.number",
					 look->scope->condition);
	statement.query = buf.data;
	counts = pgsync_keyed_statement_run(&statement, new_rows->store,
										new_rows->nrows);
	if (counts.unchanged == 0)
		return;
	input = pgsync_work_set_describe(new_rows, counts.first_unchanged, &key);
	ereport(ERROR,
			(errcode(ERRCODE_UNIQUE_VIOLATION),
			 errmsg("relation \"%s\" has this key outside the scope",
					RelationGetRelationName(target->rel)),
			 errdetail("Key %s already exists.", key),
			 pgsync_errcontext_row(look->rows->unit, input)));
}
