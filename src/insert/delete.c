/*-------------------------------------------------------------------------
 *
 * delete.c
 *	  delete_many: delete rows by key.
 *
 *		DELETE FROM target AS t USING pgsync_rows AS r WHERE t.id = r.c1
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/spi_util.h"
#include "insert/keyed_statement.h"
#include "insert/call.h"
#include "insert/query_level.h"
#include "insert/unique_key.h"
#include "source/source_json.h"

PG_FUNCTION_INFO_V1(delete_many_jsonb);
PG_FUNCTION_INFO_V1(delete_many_json);
PG_FUNCTION_INFO_V1(delete_many_text);
PG_FUNCTION_INFO_V1(delete_many_row_source);

/* Returns which columns the rows need not bring: all but the key's. */
static bool *
columns_to_ignore(PgsyncTarget *target, List *keys)
{
	bool	   *ignored = palloc0(target->natts + 1);

	for (int i = 0; i < target->natts; i++)
		ignored[i] = !list_member_int(keys, i + 1);
	return ignored;
}

/* Deletes the rows that have these keys; returns how many there were. */
static int64
delete_rows(PgsyncKeyedRows *rows)
{
	StringInfoData buf;
	PgsyncKeyedStatement statement = {.rows = rows,.operation = CMD_DELETE};
	PgsyncKeyedCounts counts;

	initStringInfo(&buf);
	appendStringInfo(&buf,
					 "DELETE FROM %s AS t USING pgsync_rows AS r WHERE ",
					 pgsync_qualified_relation_name(rows->target->rel));
	pgsync_append_key_condition(&buf, rows);
	statement.query = buf.data;
	pgsync_query_level_begin();
	counts = pgsync_keyed_statement_run(&statement, rows->store, rows->nrows);
	pgsync_query_level_end();
	return counts.processed;
}

/* Does delete_many's work, for one of the three formats. */
static Datum
delete_many_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;
	PgsyncKeyedOptions options = {0};
	PgsyncSource *source;
	PgsyncKeyedRows *rows;
	int64		deleted;

	pgsync_call_begin_rows(&call, fcinfo);
	pgsync_call_open_for(&call, PGSYNC_FOR_DELETE);
	options.keys = pgsync_any_key(call.target,
								  pgsync_arg_name_list(fcinfo, 2,
													   "key_columns"));
	options.ignored = columns_to_ignore(call.target, options.keys);
	source = pgsync_source_for_json(call.target, PG_GETARG_DATUM(1), format);
	source->ignored = options.ignored;
	if (list_length(options.keys) == 1)
		source->scalar_column = linitial_int(options.keys);
	rows = pgsync_keyed_rows_read(source, &options);
	deleted = delete_rows(rows);
	pgsync_keyed_rows_end(rows);
	pgsync_call_end(&call);
	PG_RETURN_INT64(deleted);
}

/*
 * delete_many(target regclass, data jsonb, key_columns text[])
 * returns bigint
 *
 * Deletes the rows that have the keys of an array of objects, or of one
 * object; where the key is one column, an element may be its bare value.
 * Follows DELETE ... USING (manual, "DELETE").
 */
Datum
delete_many_jsonb(PG_FUNCTION_ARGS)
{
	return delete_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
delete_many_json(PG_FUNCTION_ARGS)
{
	return delete_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
delete_many_text(PG_FUNCTION_ARGS)
{
	return delete_many_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
delete_many_row_source(PG_FUNCTION_ARGS)
{
	return delete_many_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}
