/*-------------------------------------------------------------------------
 *
 * upsert.c
 *	  upsert_many: insert rows, or update those that are there.
 *
 * Runs
 *
 *		INSERT INTO target AS t (...) SELECT ... FROM pgsync_rows
 *		ON CONFLICT (key) DO UPDATE SET
 *			a = CASE WHEN $2 THEN EXCLUDED.a ELSE t.a END,
 *			doc = CASE WHEN $3 THEN COALESCE(t.doc, '{}') ||
 *				COALESCE(EXCLUDED.doc, '{}') ELSE t.doc END
 *		WHERE $1
 *
 * in which the parameters say what the row at hand names, and change from row
 * to row while the statement runs: so one statement serves rows of differing
 * keys, and a row updates nothing that it does not name.  $1 is whether it
 * names anything to update at all.
 *
 * Each row gets a command of its own (CommandCounterIncrement), and therefore
 * may update what an earlier row of the same call has inserted or updated.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "common/args.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "insert/call.h"
#include "source/source_json.h"
#include "insert/unique_key.h"
#include "insert/update_columns.h"
#include "utils/builtins.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(upsert_many_jsonb);
PG_FUNCTION_INFO_V1(upsert_many_json);
PG_FUNCTION_INFO_V1(upsert_many_text);
PG_FUNCTION_INFO_V1(upsert_many_row_source);

typedef struct Upsert
{
	PgsyncRowHook base;
	PgsyncTarget *target;
	List	   *keys;			/* attribute numbers */
	PgsyncUpdateColumns *columns;
	List	   *set_columns;	/* of the running statement, $2 being first */
	ParamListInfo params;		/* of the running statement */
} Upsert;

/* Appends a quoted column name, behind a prefix. */
static void
append_column(StringInfo buf, Upsert *upsert, const char *prefix,
			  AttrNumber attnum)
{
	appendStringInfo(buf, "%s%s", prefix,
					 quote_identifier(upsert->target->columns[attnum - 1].name));
}

/* Appends "a = CASE WHEN $n THEN ... ELSE t.a END" for one column. */
static void
append_assignment(StringInfo buf, Upsert *upsert, AttrNumber attnum, int param)
{
	StringInfoData excluded;

	initStringInfo(&excluded);
	append_column(&excluded, upsert, "EXCLUDED.", attnum);
	append_column(buf, upsert, "", attnum);
	appendStringInfo(buf, " = CASE WHEN $%d THEN ", param);
	pgsync_append_new_value(buf, upsert->columns, attnum, excluded.data);
	append_column(buf, upsert, " ELSE t.", attnum);
	appendStringInfoString(buf, " END");
}

/* Returns the columns that rows of a statement may update. */
static List *
columns_to_set(Upsert *upsert, const bool *named)
{
	List	   *columns = NIL;

	for (int i = 0; i < upsert->target->natts; i++)
	{
		if (named[i] && upsert->columns->may_update[i])
			columns = lappend_int(columns, i + 1);
	}
	return columns;
}

/* Makes the parameters: one for WHERE, one a column. */
static ParamListInfo
make_params(int ncolumns)
{
	ParamListInfo params = makeParamList(1 + ncolumns);

	for (int i = 0; i < params->numParams; i++)
	{
		params->params[i].ptype = BOOLOID;
		params->params[i].value = BoolGetDatum(false);
		params->params[i].isnull = false;
		params->params[i].pflags = 0;
	}
	return params;
}

/* Makes a statement's ON CONFLICT clause; see PgsyncRowHook. */
static char *
upsert_begin_statement(PgsyncRowHook *base, const bool *named,
					   ParamListInfo *params)
{
	Upsert	   *upsert = (Upsert *) base;
	StringInfoData buf;
	ListCell   *cell;
	int			param = 2;

	upsert->set_columns = columns_to_set(upsert, named);
	upsert->params = make_params(list_length(upsert->set_columns));
	*params = upsert->params;

	initStringInfo(&buf);
	foreach(cell, upsert->keys)
		append_column(&buf, upsert, buf.len > 0 ? ", " : "ON CONFLICT (",
					  lfirst_int(cell));
	if (upsert->set_columns == NIL)
	{
		appendStringInfoString(&buf, ") DO NOTHING");
		return buf.data;
	}
	appendStringInfoString(&buf, ") DO UPDATE SET ");
	foreach(cell, upsert->set_columns)
	{
		if (param > 2)
			appendStringInfoString(&buf, ", ");
		append_assignment(&buf, upsert, lfirst_int(cell), param++);
	}
	appendStringInfoString(&buf, " WHERE $1");
	return buf.data;
}

/* Sets the parameters for a row; see PgsyncRowHook. */
static bool
upsert_before_row(PgsyncRowHook *base, const PgsyncRow *row)
{
	Upsert	   *upsert = (Upsert *) base;
	ParamExternData *params = upsert->params->params;
	bool		any = false;
	int			param = 1;
	ListCell   *cell;

	pgsync_check_key(upsert->target, upsert->keys, row);
	foreach(cell, upsert->set_columns)
	{
		bool		named = row->named[lfirst_int(cell) - 1];

		params[param++].value = BoolGetDatum(named);
		any |= named;
	}
	params[0].value = BoolGetDatum(any);
	return any;
}

/* Reads the arguments key_columns, update_columns and merge_columns. */
static Upsert *
create_upsert(FunctionCallInfo fcinfo, PgsyncTarget *target)
{
	Upsert	   *upsert = palloc0(sizeof(Upsert));

	upsert->base.begin_statement = upsert_begin_statement;
	upsert->base.before_row = upsert_before_row;
	upsert->target = target;
	upsert->keys = pgsync_unique_key(target,
									 pgsync_arg_name_list(fcinfo, 2,
														  "key_columns"));
	upsert->columns =
		pgsync_update_columns_create(target, upsert->keys,
									 pgsync_arg_name_list(fcinfo, 3,
														  "update_columns"),
									 PG_ARGISNULL(3),
									 pgsync_arg_name_list(fcinfo, 4,
														  "merge_columns"));
	return upsert;
}

/* Returns the two counts as a row of the function's result type. */
static Datum
make_result(FunctionCallInfo fcinfo, const PgsyncCounts *counts)
{
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	values[0] = Int64GetDatum(counts->processed - counts->updated);
	values[1] = Int64GetDatum(counts->updated);
	return HeapTupleGetDatum(heap_form_tuple(desc, values, nulls));
}

/* Does upsert_many's work, for one of the three formats. */
static Datum
upsert_many_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;

	pgsync_call_begin_rows(&call, fcinfo);
	pgsync_call_open(&call);
	call.clauses.hook = &create_upsert(fcinfo, call.target)->base;
	pgsync_call_load(&call, pgsync_source_for_json(call.target,
												   PG_GETARG_DATUM(1), format),
					 None_Receiver);
	pgsync_call_end(&call);
	PG_RETURN_DATUM(make_result(fcinfo, &call.counts));
}

/*
 * upsert_many(target regclass, data jsonb, key_columns text[],
 *			   update_columns text[], merge_columns text[])
 * returns (inserted bigint, updated bigint)
 *
 * Inserts an array of objects, or one object; a row whose key is there
 * already updates the columns that it names.  The result is that of the rows
 * applied in turn.  Follows INSERT ... ON CONFLICT (manual, "INSERT").
 */
Datum
upsert_many_jsonb(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
upsert_many_json(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
upsert_many_text(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
upsert_many_row_source(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}
