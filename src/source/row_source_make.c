/*-------------------------------------------------------------------------
 *
 * row_source_make.c
 *	  from_json, from_json_file, from_csv, from_csv_file, from_query: the
 *	  functions that make values of type row_source.
 *
 * They check the form of their arguments and keep them; nothing is read, and
 * no SQL is run, before a verb reads the value (row_source_open.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/sqltext.h"
#include "miscadmin.h"
#include "row/names.h"
#include "source/row_source.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(from_json_jsonb);
PG_FUNCTION_INFO_V1(from_json_json);
PG_FUNCTION_INFO_V1(from_json_text);
PG_FUNCTION_INFO_V1(from_json_file);
PG_FUNCTION_INFO_V1(from_csv);
PG_FUNCTION_INFO_V1(from_csv_file);
PG_FUNCTION_INFO_V1(from_query);

/* A value being made */
typedef struct Making
{
	FunctionCallInfo fcinfo;
	PgsyncRowSource *value;
	MemoryContext context;
} Making;

/* Keeps an argument, detoasted; a NULL is no argument. */
static void
keep_argument(Making *making, int argno, PgsyncRowSourceField field)
{
	FunctionCallInfo fcinfo = making->fcinfo;
	MemoryContext oldcontext;

	if (PG_ARGISNULL(argno))
		return;
	oldcontext = MemoryContextSwitchTo(making->context);
	making->value->fields[field] =
		pg_detoast_datum_copy((struct varlena *) PG_GETARG_POINTER(argno));
	MemoryContextSwitchTo(oldcontext);
}

/* Keeps an argument that is an array of strings, none of them null. */
static void
keep_strings(Making *making, int argno, PgsyncRowSourceField field,
			 const char *argname)
{
	FunctionCallInfo fcinfo = making->fcinfo;

	if (PG_ARGISNULL(argno))
		return;
	pgsync_check_strings(PG_GETARG_ARRAYTYPE_P(argno), argname);
	keep_argument(making, argno, field);
}

/*
 * Insists that transforms are an object whose values are SQL expressions.
 *
 * Errors: 22023, 42601.
 */
static void
check_transforms(Jsonb *transforms)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(transforms))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"transforms\" must be a JSON object"),
				 errhint("For example, {\"price\": \"replace(v, ',', '.')::numeric\"}.")));
	iterator = JsonbIteratorInit(&transforms->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token != WJB_VALUE)
			continue;
		if (value.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"transforms\" must map each column to an SQL expression in a string")));
		pgsync_check_expression(pnstrdup(value.val.string.val,
										 value.val.string.len),
								"transforms");
	}
}

/*
 * Begins a value whose first argument is the data, and keeps the options that
 * all have in common: columns, ignore_unknown, transforms, from "argno" on.
 */
static void
begin_making(Making *making, FunctionCallInfo fcinfo, PgsyncRowSourceKind kind,
			 const char *argname, int argno)
{
	PGSYNC_REQUIRE_ARG(fcinfo, 0, argname);
	making->fcinfo = fcinfo;
	making->value = pgsync_row_source_create(kind, &making->context);
	making->value->maker = GetUserId();
	keep_argument(making, 0, PGSYNC_FIELD_DATA);
	if (!PG_ARGISNULL(argno))
		pgsync_names_check(PG_GETARG_JSONB_P(argno));
	keep_argument(making, argno, PGSYNC_FIELD_COLUMNS);
	making->value->ignore_unknown = pgsync_arg_bool(fcinfo, argno + 1, false);
	if (!PG_ARGISNULL(argno + 2))
		check_transforms(PG_GETARG_JSONB_P(argno + 2));
	keep_argument(making, argno + 2, PGSYNC_FIELD_TRANSFORMS);
}

/* Makes a value of JSON; its own options stand behind the common ones. */
static Datum
make_json(FunctionCallInfo fcinfo, PgsyncRowSourceKind kind)
{
	Making		making;

	begin_making(&making, fcinfo, kind,
				 kind == PGSYNC_ROWS_JSON_FILE ? "path" : "data", 1);
	keep_strings(&making, 4, PGSYNC_FIELD_AT, "at");
	keep_argument(&making, 5, PGSYNC_FIELD_KEY_COLUMN);
	if (kind == PGSYNC_ROWS_JSON_FILE)
		keep_argument(&making, 6, PGSYNC_FIELD_ENCODING);
	PG_RETURN_DATUM(pgsync_row_source_datum(making.value));
}

/* Makes a value of CSV; its own options stand behind the common ones. */
static Datum
make_csv(FunctionCallInfo fcinfo, PgsyncRowSourceKind kind)
{
	Making		making;

	begin_making(&making, fcinfo, kind,
				 kind == PGSYNC_ROWS_CSV_FILE ? "path" : "csv", 1);
	keep_argument(&making, 4, PGSYNC_FIELD_DELIMITER);
	keep_argument(&making, 5, PGSYNC_FIELD_NULL_STRING);
	keep_argument(&making, 6, PGSYNC_FIELD_QUOTE);
	keep_argument(&making, 7, PGSYNC_FIELD_ESCAPE);
	keep_strings(&making, 8, PGSYNC_FIELD_NULL_STRINGS, "null_strings");
	making.value->trim_blanks = pgsync_arg_bool(fcinfo, 9, false);
	making.value->skip_lines = PG_ARGISNULL(10) ? 0 : PG_GETARG_INT32(10);
	keep_strings(&making, 11, PGSYNC_FIELD_HEADER, "header");
	if (kind == PGSYNC_ROWS_CSV_FILE)
		keep_argument(&making, 12, PGSYNC_FIELD_ENCODING);
	PG_RETURN_DATUM(pgsync_row_source_datum(making.value));
}

/*
 * from_json(data jsonb, columns jsonb, ignore_unknown boolean,
 *			 transforms jsonb, at text[], key_column text) returns row_source
 *
 * The rows of an array of objects, or one object.  Errors: 22004 for no data;
 * 22023 and 42601 for options of the wrong form; whether they fit the target
 * is found out when the value is read.
 */
Datum
from_json_jsonb(PG_FUNCTION_ARGS)
{
	return make_json(fcinfo, PGSYNC_ROWS_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
from_json_json(PG_FUNCTION_ARGS)
{
	return make_json(fcinfo, PGSYNC_ROWS_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
from_json_text(PG_FUNCTION_ARGS)
{
	return make_json(fcinfo, PGSYNC_ROWS_JSON_TEXT);
}

/*
 * from_json_file(path text, columns jsonb, ignore_unknown boolean,
 *				  transforms jsonb, at text[], key_column text,
 *				  encoding text) returns row_source
 *
 * The rows of a JSON file of the server.  The file is opened when the value
 * is read; that takes the privilege of COPY from a file.
 */
Datum
from_json_file(PG_FUNCTION_ARGS)
{
	return make_json(fcinfo, PGSYNC_ROWS_JSON_FILE);
}

/*
 * from_csv(csv text, columns jsonb, ignore_unknown boolean, transforms jsonb,
 *			delimiter text, null_string text, quote text, escape text,
 *			null_strings text[], trim_blanks boolean, skip_lines int,
 *			header text[]) returns row_source
 *
 * The rows of a CSV.
 */
Datum
from_csv(PG_FUNCTION_ARGS)
{
	return make_csv(fcinfo, PGSYNC_ROWS_CSV);
}

/*
 * from_csv_file(path text, ..., encoding text) returns row_source
 *
 * The rows of a CSV file of the server; as from_json_file.
 */
Datum
from_csv_file(PG_FUNCTION_ARGS)
{
	return make_csv(fcinfo, PGSYNC_ROWS_CSV_FILE);
}

/*
 * from_query(query text, args text[], columns jsonb, ignore_unknown boolean,
 *			  transforms jsonb) returns row_source
 *
 * The rows of one statement that returns rows; args are bound to $1...$n.
 * Errors: 42601 for another text.
 */
Datum
from_query(PG_FUNCTION_ARGS)
{
	Making		making;

	begin_making(&making, fcinfo, PGSYNC_ROWS_QUERY, "query", 2);
	pgsync_require_rows(pgsync_parse_statement(text_to_cstring(PG_GETARG_TEXT_PP(0)),
											   "query"),
						"query");
	keep_argument(&making, 1, PGSYNC_FIELD_ARGS);
	PG_RETURN_DATUM(pgsync_row_source_datum(making.value));
}
