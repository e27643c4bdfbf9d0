/*-------------------------------------------------------------------------
 *
 * upsert_returning.c
 *	  upsert_returning: upsert rows, and tell what has become of each.
 *
 * As upsert_many (upsert.c), but that the statements have RETURNING lists, and
 * that rows which stay as they are are read (upsert_look.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "funcapi.h"
#include "insert/call.h"
#include "insert/return_columns.h"
#include "insert/upsert_look.h"
#include "source/source_json.h"

PG_FUNCTION_INFO_V1(upsert_returning_jsonb);
PG_FUNCTION_INFO_V1(upsert_returning_json);
PG_FUNCTION_INFO_V1(upsert_returning_text);
PG_FUNCTION_INFO_V1(upsert_returning_row_source);

/*
 * Does upsert_returning's work: target regclass, data, key_columns,
 * update_columns, merge_columns, return_columns, skip_unchanged.
 */
static Datum
upsert_returning_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgsyncCall	call;
	PgsyncUpsertLook *look;
	List	   *names;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgsync_call_begin_rows(&call, fcinfo);
	names = pgsync_return_columns_arg(fcinfo, 5, "upsert_many");
	pgsync_call_open_for(&call, PGSYNC_FOR_UPSERT);
	look = pgsync_upsert_look_create(fcinfo, call.target);
	look->upsert.skip_unchanged = pgsync_arg_bool(fcinfo, 6, false);
	look->returning = pgsync_returning_list(call.target, names);
	look->answers = pgsync_action_receiver_create(rsinfo->setResult,
												  rsinfo->setDesc);
	pgsync_upsert_look_set_overriding(look, &call.clauses,
									  PGSYNC_OVERRIDING_NONE);
	call.clauses.hook = &look->upsert.base;
	call.clauses.returning = look->returning;
	pgsync_call_load(&call, pgsync_source_for_json(call.target,
												   PG_GETARG_DATUM(1), format),
					 &look->answers->pub);
	pgsync_upsert_look_end(look);
	pgsync_call_end(&call);
	return (Datum) 0;
}

/*
 * upsert_returning(target regclass, data jsonb, key_columns text[],
 *					update_columns text[], merge_columns text[],
 *					return_columns text[], skip_unchanged boolean)
 * returns table (action text, "row" jsonb)
 *
 * Does what upsert_many does, and returns a row for each row of the input, in
 * its order: inserted, updated or unchanged, and the columns asked for as they
 * are then.  A row that a BEFORE INSERT trigger drops is left out.
 */
Datum
upsert_returning_jsonb(PG_FUNCTION_ARGS)
{
	return upsert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
upsert_returning_json(PG_FUNCTION_ARGS)
{
	return upsert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
upsert_returning_text(PG_FUNCTION_ARGS)
{
	return upsert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
upsert_returning_row_source(PG_FUNCTION_ARGS)
{
	return upsert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}
