/*-------------------------------------------------------------------------
 *
 * insert.c
 *	  insert_many, insert_one, insert_returning: JSON objects as new rows.
 *
 * This file reads the arguments; what inserting means and how it is done is
 * in load.c and below.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "funcapi.h"
#include "insert/call.h"
#include "insert/clauses.h"
#include "insert/rejects.h"
#include "insert/return_columns.h"
#include "source/source_json.h"
#include "value/row_receiver.h"

PG_FUNCTION_INFO_V1(insert_many_jsonb);
PG_FUNCTION_INFO_V1(insert_many_json);
PG_FUNCTION_INFO_V1(insert_many_text);
PG_FUNCTION_INFO_V1(insert_many_jsonb_2_0);
PG_FUNCTION_INFO_V1(insert_many_json_2_0);
PG_FUNCTION_INFO_V1(insert_many_text_2_0);
PG_FUNCTION_INFO_V1(insert_many_row_source);
PG_FUNCTION_INFO_V1(insert_one);
PG_FUNCTION_INFO_V1(insert_one_2_0);
PG_FUNCTION_INFO_V1(insert_one_json);
PG_FUNCTION_INFO_V1(insert_one_text);
PG_FUNCTION_INFO_V1(insert_returning);
PG_FUNCTION_INFO_V1(insert_returning_2_0);
PG_FUNCTION_INFO_V1(insert_returning_json);
PG_FUNCTION_INFO_V1(insert_returning_text);
PG_FUNCTION_INFO_V1(insert_returning_row_source);

/*
 * Does insert_many's work: target regclass, data, on_conflict text, and from
 * 2.0 on overriding text, on_error text, reject_limit bigint, error_table
 * regclass.
 */
static Datum
insert_many_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;

	pgsync_call_begin_rows(&call, fcinfo);
	call.clauses.on_conflict = pgsync_on_conflict_arg(fcinfo, 2);
	call.clauses.overriding = pgsync_overriding_arg(fcinfo, 3);
	call.clauses.rejects = pgsync_on_error_args(fcinfo, 4);
	pgsync_call_open(&call);
	pgsync_call_load(&call, pgsync_source_for_json(call.target,
												   PG_GETARG_DATUM(1), format),
					 None_Receiver);
	pgsync_call_end(&call);
	PG_RETURN_INT64(call.counts.processed);
}

/*
 * insert_many(target regclass, data jsonb, on_conflict text, overriding text,
 *			   on_error text, reject_limit bigint, error_table regclass)
 * returns bigint
 *
 * Inserts an array of objects, or one object: keys are column names.  Returns
 * how many rows were inserted or updated.  Means what INSERT means (manual,
 * "INSERT"); values convert as in jsonb_populate_record.  With on_error =>
 * 'ignore', rows that cannot go in are skipped as in COPY (manual, "COPY",
 * ON_ERROR), but for whatever error is the row's own, and kept in the error
 * table; a load with more of them than reject_limit fails (22000).
 */
Datum
insert_many_jsonb_2_0(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
insert_many_json_2_0(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
insert_many_text_2_0(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
insert_many_row_source(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}

/* insert_many of 1.0, which has no overriding. */
Datum
insert_many_jsonb(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json. */
Datum
insert_many_json(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text. */
Datum
insert_many_text(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* How a source is opened for a data argument */
typedef PgsyncSource *(*OpenSource) (PgsyncTarget *target, Datum data,
									 PgsyncJsonFormat format);

/*
 * Inserts data and sends the rows that "names" ask for to the receiver; the
 * arguments behind them are on_conflict and, from 2.0 on, overriding.
 */
static void
insert_into_receiver(PgsyncCall *call, OpenSource open,
					 PgsyncJsonFormat format, List *names,
					 PgsyncRowReceiver *receiver)
{
	Datum		data = call->fcinfo->args[1].value;

	call->clauses.on_conflict = pgsync_on_conflict_arg(call->fcinfo, 3);
	call->clauses.overriding = pgsync_overriding_arg(call->fcinfo, 4);
	pgsync_call_open(call);
	call->clauses.returning = pgsync_returning_list(call->target, names);
	pgsync_call_load(call, open(call->target, data, format),
					 call->clauses.returning ? &receiver->pub : None_Receiver);
}

/* Does insert_one's work, for one of the formats. */
static Datum
insert_one_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncRowReceiver *receiver = pgsync_row_receiver_create(NULL, NULL);
	PgsyncCall	call;

	pgsync_call_begin(&call, fcinfo, "data");
	insert_into_receiver(&call, pgsync_source_for_object, format,
						 pgsync_arg_name_list(fcinfo, 2, "return_columns"),
						 receiver);
	pgsync_call_end(&call);
	if (!receiver->found)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(receiver->first);
}

/*
 * insert_one(target regclass, data jsonb, return_columns text[],
 *			  on_conflict text, overriding text) returns jsonb
 *
 * Inserts one object as a row.  Returns the columns asked for as an object,
 * NULL without return_columns or when the conflict clause skipped the row.
 * Data that is no object is error 22023, an unknown column 42703; else the
 * errors of INSERT.
 */
Datum
insert_one_2_0(PG_FUNCTION_ARGS)
{
	return insert_one_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
insert_one_json(PG_FUNCTION_ARGS)
{
	return insert_one_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which is one object, too: not JSON Lines. */
Datum
insert_one_text(PG_FUNCTION_ARGS)
{
	return insert_one_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* insert_one of 1.0, which has no overriding. */
Datum
insert_one(PG_FUNCTION_ARGS)
{
	return insert_one_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* Does insert_returning's work, for one of the formats. */
static Datum
insert_returning_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgsyncCall	call;
	List	   *names;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	pgsync_call_begin_rows(&call, fcinfo);
	names = pgsync_return_columns_arg(fcinfo, 2, "insert_many");
	insert_into_receiver(&call, pgsync_source_for_json, format, names,
						 pgsync_row_receiver_create(rsinfo->setResult,
													rsinfo->setDesc));
	pgsync_call_end(&call);
	return (Datum) 0;
}

/*
 * insert_returning(target regclass, data jsonb, return_columns text[],
 *					on_conflict text, overriding text) returns setof jsonb
 *
 * Inserts an array of objects, or one object, and returns the columns asked
 * for (all of them for NULL) of each row inserted or updated, in the order
 * of the input.  Rows go to a tuplestore, which spills to disk beyond
 * work_mem.  Errors as for insert_one; 22023 for an empty return_columns.
 */
Datum
insert_returning_2_0(PG_FUNCTION_ARGS)
{
	return insert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
insert_returning_json(PG_FUNCTION_ARGS)
{
	return insert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
insert_returning_text(PG_FUNCTION_ARGS)
{
	return insert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
insert_returning_row_source(PG_FUNCTION_ARGS)
{
	return insert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}

/* insert_returning of 1.0, which has no overriding. */
Datum
insert_returning(PG_FUNCTION_ARGS)
{
	return insert_returning_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}
