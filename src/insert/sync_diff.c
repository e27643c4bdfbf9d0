/*-------------------------------------------------------------------------
 *
 * sync_diff.c
 *	  sync_diff: what sync_many would do.
 *
 *		action	key			old						new
 *		delete	{"id": 1}	{"id": 1, "a": "x"}
 *		update	{"id": 2}	{"a": "x"}				{"a": "y"}
 *		insert	{"id": 3}							{"id": 3, "a": "z"}
 *
 * The look (sync_look.c) is sync_many's; nothing is written.  Of a row to be
 * deleted the columns are shown that the data names, of one to be updated
 * those that differ, of one to be inserted those that it names.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "funcapi.h"
#include "insert/call.h"
#include "insert/sync.h"
#include "insert/work_set.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "value/row_jsonb.h"

PG_FUNCTION_INFO_V1(sync_diff_jsonb);
PG_FUNCTION_INFO_V1(sync_diff_json);
PG_FUNCTION_INFO_V1(sync_diff_text);
PG_FUNCTION_INFO_V1(sync_diff_row_source);

/* The columns of the result */
#define DIFF_ACTION		0
#define DIFF_KEY		1
#define DIFF_OLD		2
#define DIFF_NEW		3
#define DIFF_COLUMNS	4

/* One call of sync_diff */
typedef struct Diff
{
	PgsyncSync	sync;
	PgsyncLook	look;
	PgsyncWorkSet *new_rows;
	PgsyncRowJsonb *objects;
	bool	   *key;			/* which columns are the key's, by attribute */
	bool	   *wanted;			/* scratch, by attribute */
	Tuplestorestate *store;
	TupleDesc	desc;
} Diff;

/* Puts a row into the result. */
static void
put_result(Diff *diff, const char *action, Datum key, Datum old, Datum new)
{
	Datum		values[DIFF_COLUMNS];
	bool		nulls[DIFF_COLUMNS] = {false, false, false, false};

	values[DIFF_ACTION] = CStringGetTextDatum(action);
	values[DIFF_KEY] = key;
	values[DIFF_OLD] = old;
	values[DIFF_NEW] = new;
	nulls[DIFF_OLD] = old == (Datum) 0;
	nulls[DIFF_NEW] = new == (Datum) 0;
	tuplestore_putvalues(diff->store, diff->desc, values, nulls);
}

/* Returns some columns of the stored row at hand as an object. */
static Datum
stored_object(Diff *diff, const bool *wanted)
{
	return pgsync_row_jsonb_make_some(diff->objects, diff->look.stored,
									  diff->look.stored_nulls, wanted);
}

/* Returns some columns of the input's row at hand as an object. */
static Datum
row_object(Diff *diff, const bool *wanted)
{
	TupleTableSlot *row = diff->look.row;

	return pgsync_row_jsonb_make_some(diff->objects,
									  row->tts_values + PGSYNC_ROWS_LEADING,
									  row->tts_isnull + PGSYNC_ROWS_LEADING,
									  wanted);
}

/* Shows a row that would be deleted; see PgsyncLookRoutine. */
static void
show_gone(PgsyncLook *look)
{
	Diff	   *diff = look->arg;
	ListCell   *cell;

	memset(diff->wanted, false, look->rows->target->natts);
	foreach(cell, look->read_columns)
		diff->wanted[lfirst_int(cell) - 1] = true;
	put_result(diff, "delete", stored_object(diff, diff->key),
			   stored_object(diff, diff->wanted), (Datum) 0);
}

/* Shows a row that would be updated; see PgsyncLookRoutine. */
static void
show_different(PgsyncLook *look)
{
	Diff	   *diff = look->arg;

	for (int i = 0; i < look->rows->target->natts; i++)
		diff->wanted[i] = pgsync_look_column_differs(look, i + 1);
	put_result(diff, "update", stored_object(diff, diff->key),
			   stored_object(diff, diff->wanted),
			   row_object(diff, diff->wanted));
}

/* Shows a row that would be inserted; see PgsyncLookRoutine. */
static void
show_new(PgsyncLook *look)
{
	Diff	   *diff = look->arg;

	pgsync_work_set_put(diff->new_rows, look->row);
	put_result(diff, "insert", row_object(diff, diff->key), (Datum) 0,
			   row_object(diff, look->set->named));
}

static const PgsyncLookRoutine show_routine = {
	.gone = show_gone,
	.differs = show_different,
	.is_new = show_new,
};

/* Prepares a diff, and reads the rows. */
static void
init_diff(Diff *diff, FunctionCallInfo fcinfo, PgsyncTarget *target,
		  PgsyncJsonFormat format)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	memset(diff, 0, sizeof(Diff));
	pgsync_sync_read(&diff->sync, fcinfo, target, format);
	diff->store = rsinfo->setResult;
	diff->desc = rsinfo->setDesc;
	diff->objects = pgsync_row_jsonb_create(RelationGetDescr(target->rel),
											CurrentMemoryContext);
	diff->wanted = palloc0(target->natts + 1);
	diff->key = palloc0(target->natts + 1);
	foreach(cell, diff->sync.rows->options.keys)
		diff->key[lfirst_int(cell) - 1] = true;
	diff->new_rows = pgsync_work_set_create(diff->sync.rows);
	diff->look.routine = &show_routine;
	diff->look.rows = diff->sync.rows;
	diff->look.scope = diff->sync.scope;
	diff->look.columns = diff->sync.columns;
	diff->look.arg = diff;
}

/* Does sync_diff's work, for one of the three formats. */
static Datum
sync_diff_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;
	Diff		diff;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgsync_call_begin(&call, fcinfo, "data");
	call.target = pgsync_target_read(PG_GETARG_OID(0), PGSYNC_FOR_SYNC);
	init_diff(&diff, fcinfo, call.target, format);
	pgsync_look(&diff.look);
	pgsync_look_outside_scope(&diff.look, diff.new_rows);
	pgsync_work_set_end(diff.new_rows);
	pgsync_keyed_rows_end(diff.sync.rows);
	pgsync_call_end(&call);
	return (Datum) 0;
}

/*
 * sync_diff(target regclass, data jsonb, key_columns text[], scope jsonb,
 *			 update_columns text[], max_deletes bigint, allow_empty boolean,
 *			 overriding text)
 * returns SETOF (action text, "key" jsonb, old jsonb, new jsonb)
 *
 * What sync_many with these arguments would do, but for its limits: a row for
 * each one that it would delete, update or insert, in the order of their
 * keys.
 */
Datum
sync_diff_jsonb(PG_FUNCTION_ARGS)
{
	return sync_diff_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
sync_diff_json(PG_FUNCTION_ARGS)
{
	return sync_diff_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
sync_diff_text(PG_FUNCTION_ARGS)
{
	return sync_diff_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
sync_diff_row_source(PG_FUNCTION_ARGS)
{
	return sync_diff_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}
