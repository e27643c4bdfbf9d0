/*-------------------------------------------------------------------------
 *
 * upsert.c
 *	  upsert_many: insert rows, or update those that are there.
 *
 * Reads the arguments.  How a row that is there is found and updated is
 * upsert_look.c's business; how one that is not is inserted, and what happens
 * if it is there all the same, upsert_clause.c's.  upsert_many of 1.0 does
 * not look: all of its rows are ON CONFLICT's.
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
#include "insert/clauses.h"
#include "insert/key_order.h"
#include "insert/rejects.h"
#include "insert/upsert_look.h"
#include "source/source_json.h"

PG_FUNCTION_INFO_V1(upsert_many_jsonb_2_0);
PG_FUNCTION_INFO_V1(upsert_many_json_2_0);
PG_FUNCTION_INFO_V1(upsert_many_text_2_0);
PG_FUNCTION_INFO_V1(upsert_many_row_source);
PG_FUNCTION_INFO_V1(upsert_many_jsonb);
PG_FUNCTION_INFO_V1(upsert_many_json);
PG_FUNCTION_INFO_V1(upsert_many_text);

/* Returns counts as a row of the function's result type. */
static Datum
make_result(FunctionCallInfo fcinfo, const int64 *counts, int ncounts)
{
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	Assert(ncounts <= lengthof(values));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int i = 0; i < ncounts; i++)
		values[i] = Int64GetDatum(counts[i]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

/*
 * Does upsert_many's work: target regclass, data, key_columns,
 * update_columns, merge_columns, skip_unchanged, key_order, overriding,
 * on_error, reject_limit, error_table.
 */
static Datum
upsert_many_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;
	PgsyncUpsertLook *look;
	PgsyncOverriding overriding;
	PgsyncSource *source;
	int64		counts[3];

	pgsync_call_begin_rows(&call, fcinfo);
	overriding = pgsync_overriding_arg(fcinfo, 7);
	call.clauses.rejects = pgsync_on_error_args(fcinfo, 8);
	pgsync_call_open_for(&call, PGSYNC_FOR_UPSERT);
	look = pgsync_upsert_look_create(fcinfo, call.target);
	look->upsert.skip_unchanged = pgsync_arg_bool(fcinfo, 5, false);
	pgsync_upsert_look_set_overriding(look, &call.clauses, overriding);
	call.clauses.hook = &look->upsert.base;
	source = pgsync_source_for_json(call.target, PG_GETARG_DATUM(1), format);
	if (pgsync_arg_bool(fcinfo, 6, false))
		source = pgsync_source_by_key(source, look->upsert.keys,
									  call.clauses.rejects);
	pgsync_call_load(&call, source, None_Receiver);
	pgsync_upsert_look_end(look);
	counts[0] = call.counts.processed - call.counts.updated;
	counts[1] = call.counts.updated + look->updated;
	counts[2] = call.counts.unchanged + look->unchanged;
	pgsync_call_end(&call);
	PG_RETURN_DATUM(make_result(fcinfo, counts, 3));
}

/*
 * upsert_many(target regclass, data jsonb, key_columns text[],
 *			   update_columns text[], merge_columns text[],
 *			   skip_unchanged boolean, key_order boolean, overriding text,
 *			   on_error text, reject_limit bigint, error_table regclass)
 * returns (inserted bigint, updated bigint, unchanged bigint)
 *
 * Inserts an array of objects, or one object; a row whose key is there
 * already updates the columns that it names.  The result is that of the rows
 * applied in turn, or with key_order in the order of their keys.  Follows
 * UPDATE, and for rows that are new INSERT ... ON CONFLICT (manual, "INSERT").
 */
Datum
upsert_many_jsonb_2_0(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
upsert_many_json_2_0(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
upsert_many_text_2_0(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
upsert_many_row_source(PG_FUNCTION_ARGS)
{
	return upsert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}

/*
 * Does the work of upsert_many of 1.0: target regclass, data, key_columns,
 * update_columns, merge_columns.
 */
static Datum
upsert_many_1_0(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;
	PgsyncUpsert *upsert;
	int64		counts[2];

	pgsync_call_begin_rows(&call, fcinfo);
	pgsync_call_open_for(&call, PGSYNC_FOR_UPSERT);
	upsert = palloc0(sizeof(PgsyncUpsert));
	pgsync_upsert_init(upsert, fcinfo, call.target);
	call.clauses.hook = &upsert->base;
	pgsync_call_load(&call, pgsync_source_for_json(call.target,
												   PG_GETARG_DATUM(1), format),
					 None_Receiver);
	pgsync_call_end(&call);
	counts[0] = call.counts.processed - call.counts.updated;
	counts[1] = call.counts.updated;
	PG_RETURN_DATUM(make_result(fcinfo, counts, 2));
}

/*
 * upsert_many of 1.0: each row is proposed to INSERT ... ON CONFLICT, also if
 * its key is there; returns (inserted bigint, updated bigint).
 */
Datum
upsert_many_jsonb(PG_FUNCTION_ARGS)
{
	return upsert_many_1_0(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json. */
Datum
upsert_many_json(PG_FUNCTION_ARGS)
{
	return upsert_many_1_0(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text. */
Datum
upsert_many_text(PG_FUNCTION_ARGS)
{
	return upsert_many_1_0(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}
