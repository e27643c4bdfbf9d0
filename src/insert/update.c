/*-------------------------------------------------------------------------
 *
 * update.c
 *	  update_many: update rows by key.
 *
 * Reads the arguments and the rows (keyed_rows.c) and has the rows updated
 * (update_parts.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "common/args.h"
#include "funcapi.h"
#include "insert/call.h"
#include "insert/query_level.h"
#include "insert/unique_key.h"
#include "source/source_json.h"
#include "insert/update_parts.h"

PG_FUNCTION_INFO_V1(update_many_jsonb);
PG_FUNCTION_INFO_V1(update_many_json);
PG_FUNCTION_INFO_V1(update_many_text);
PG_FUNCTION_INFO_V1(update_many_row_source);

/* Returns which columns the rows need not bring, by attribute. */
static bool *
columns_to_ignore(PgsyncUpdateColumns *columns)
{
	int			natts = columns->target->natts;
	bool	   *ignored = palloc0(natts + 1);

	for (int i = 0; i < natts; i++)
		ignored[i] = !columns->may_update[i] &&
			!list_member_int(columns->keys, i + 1);
	return ignored;
}

/* Reads the argument on_missing: is a key without a row an error? */
static bool
missing_is_error(FunctionCallInfo fcinfo)
{
	char	   *value = pgsync_arg_cstring_or_null(fcinfo, 6);

	if (value == NULL || pg_strcasecmp(value, "ignore") == 0)
		return false;
	if (pg_strcasecmp(value, "error") == 0)
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized value for argument \"%s\": \"%s\"",
					"on_missing", value),
			 errhint("Use \"ignore\" to pass over keys that no row has, \"error\" to fail at them.")));
}

/* Returns the three counts as a row of the function's result type. */
static Datum
make_result(FunctionCallInfo fcinfo, const PgsyncUpdateCounts *counts)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(counts->updated);
	values[1] = Int64GetDatum(counts->unchanged);
	values[2] = Int64GetDatum(counts->missing);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

/* Does update_many's work, once its target is open. */
static PgsyncUpdateCounts
update_rows(FunctionCallInfo fcinfo, PgsyncTarget *target,
			PgsyncJsonFormat format)
{
	PgsyncKeyedOptions options = {0};
	PgsyncUpdateOptions update = {0};
	PgsyncUpdateCounts counts;
	PgsyncKeyedRows *rows;

	update.missing_is_error = missing_is_error(fcinfo);
	update.skip_unchanged = pgsync_arg_bool(fcinfo, 5, false);
	options.keys = pgsync_any_key(target,
								  pgsync_arg_name_list(fcinfo, 2,
													   "key_columns"));
	update.columns =
		pgsync_update_columns_create(target, options.keys,
									 pgsync_arg_name_list(fcinfo, 3,
														  "update_columns"),
									 PG_ARGISNULL(3),
									 pgsync_arg_name_list(fcinfo, 4,
														  "merge_columns"));
	options.ignored = columns_to_ignore(update.columns);
	options.merges = update.columns->merges;
	rows = pgsync_keyed_rows_read(pgsync_source_for_json(target,
														 PG_GETARG_DATUM(1),
														 format),
								  &options);
	pgsync_query_level_begin();
	counts = pgsync_update_parts(pgsync_keyed_rows_all(rows), &update);
	pgsync_query_level_end();
	pgsync_keyed_rows_end(rows);
	return counts;
}

/* Does update_many's work, for one of the three formats. */
static Datum
update_many_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;
	PgsyncUpdateCounts counts;

	pgsync_call_begin_rows(&call, fcinfo);
	pgsync_call_open_for(&call, PGSYNC_FOR_UPDATE);
	pgsync_call_prevent_read_only(&call, "UPDATE");
	counts = update_rows(fcinfo, call.target, format);
	pgsync_call_end(&call);
	PG_RETURN_DATUM(make_result(fcinfo, &counts));
}

/*
 * update_many(target regclass, data jsonb, key_columns text[],
 *			   update_columns text[], merge_columns text[],
 *			   skip_unchanged boolean, on_missing text)
 * returns (updated bigint, unchanged bigint, missing bigint)
 *
 * Updates the rows that an array of objects, or one object, names by key,
 * unique or not: each the columns that its object names.  Of equal keys the
 * later wins.  Follows UPDATE ... FROM (manual, "UPDATE").
 */
Datum
update_many_jsonb(PG_FUNCTION_ARGS)
{
	return update_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
update_many_json(PG_FUNCTION_ARGS)
{
	return update_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
update_many_text(PG_FUNCTION_ARGS)
{
	return update_many_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
update_many_row_source(PG_FUNCTION_ARGS)
{
	return update_many_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}
