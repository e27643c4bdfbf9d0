/*-------------------------------------------------------------------------
 *
 * fetch.c
 *	  fetch_all, fetch_one, fetch_one_required, fetch_json: a query's rows as
 *	  objects.
 *
 * The statement runs through SPI, as a PL/pgSQL function's RETURN QUERY
 * would run it, with a receiver of our own: each row is made an object as
 * the executor sends it, so that no more than one is held in memory, and
 * the statement may use parallel workers, which a cursor may not.
 *
 * What the text may be is checked in sqltext.c, arguments are bound in
 * bind.c, and rows become objects in row_receiver.c, or their text in
 * json_receiver.c.  Each function serves its forms with VARIADIC "any" and
 * with VARIADIC text[], whose difference is bind.c's business.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/bind.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "value/json_receiver.h"
#include "value/row_receiver.h"
#include "common/spi_util.h"
#include "common/sqltext.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/*
 * Runs the statement that is the call's first argument, the rest of them
 * bound to its $n, and sends its rows to the receiver.  *is_select, if
 * wanted, is set to whether the text is a SELECT before the rows come.
 *
 * A statement that returns no rows is refused before it does anything.
 */
static void
run_query(FunctionCallInfo fcinfo, DestReceiver *receiver, bool *is_select)
{
	char	   *query;
	RawStmt    *statement;
	SPIExecuteOptions options = {0};

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "query");
	query = text_to_cstring(PG_GETARG_TEXT_PP(0));

	pgsync_spi_connect();
	statement = pgsync_parse_statement(query, "query");
	pgsync_require_rows(statement, "query");
	if (is_select != NULL)
		*is_select = IsA(statement->stmt, SelectStmt);
	options.params = pgsync_bind_arguments(fcinfo, 1, statement, query,
										   "query");
	options.must_return_tuples = true;
	options.dest = receiver;
	pgsync_spi_execute_extended(query, &options);
	pgsync_spi_finish();
}

/* Runs the statement and returns whether there is a row, the first in *row. */
static bool
fetch_first_row(FunctionCallInfo fcinfo, Datum *row)
{
	PgsyncRowReceiver *receiver = pgsync_row_receiver_create(NULL, NULL);
	bool		found;

	run_query(fcinfo, &receiver->pub, &receiver->is_select);
	found = receiver->found;
	*row = receiver->first;
	pgsync_row_receiver_destroy(receiver);
	return found;
}

PG_FUNCTION_INFO_V1(fetch_all);

/*
 * fetch_all(query text [, VARIADIC args "any" or text[]]) returns SETOF jsonb
 *
 * Runs one statement that returns rows and returns each as an object:
 *
 *		id | name		=>	{"id": 1, "name": "a"}
 *		 1 | a				{"id": 2, "name": null}
 *		 2 |
 *
 * The objects are to_jsonb's (jsonb.c).  The rows go to a tuplestore, which
 * spills to disk beyond work_mem.  A null query is error 22004; text that is
 * not one statement returning rows, or a wrong number of arguments, 42601;
 * two columns of one name, 42701; else the statement's own errors.
 */
Datum
fetch_all(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgsyncRowReceiver *receiver;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	receiver = pgsync_row_receiver_create(rsinfo->setResult, rsinfo->setDesc);
	run_query(fcinfo, &receiver->pub, NULL);
	pgsync_row_receiver_destroy(receiver);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(fetch_one);

/*
 * fetch_one(query text [, VARIADIC args "any" or text[]]) returns jsonb
 *
 * Returns the first row of the statement as an object, NULL if there is no
 * row.  A SELECT is stopped after its first row; a statement that writes
 * runs to its end.  Errors as for fetch_all.
 */
Datum
fetch_one(PG_FUNCTION_ARGS)
{
	Datum		row;

	if (!fetch_first_row(fcinfo, &row))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(row);
}

PG_FUNCTION_INFO_V1(fetch_one_required);

/*
 * fetch_one_required(query text [, VARIADIC args "any" or text[]]) returns jsonb
 *
 * As fetch_one, but no row is error P0002, as for SELECT INTO STRICT in
 * PL/pgSQL (pl_exec.c).
 */
Datum
fetch_one_required(PG_FUNCTION_ARGS)
{
	Datum		row;

	if (!fetch_first_row(fcinfo, &row))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("query returned no rows"),
				 errhint("Use fetch_one to get NULL when there is no row.")));
	PG_RETURN_DATUM(row);
}

PG_FUNCTION_INFO_V1(fetch_json);

/*
 * fetch_json(query text [, VARIADIC args "any" or text[]]) returns json
 *
 * Runs one statement that returns rows and returns all of them in one array,
 * printed as json_agg(row) prints it (json_agg_transfn and composite_to_json
 * in json.c), or [] if there are none:
 *
 *		id | name		=>	[{"id":1,"name":"a"},
 *		 1 | a				 {"id":2,"name":null}]
 *		 2 |
 *
 * Columns stand in the query's order; two of one name both stand in the
 * object.  A result that would be too large for a value is error 54000, as
 * soon as it is; else errors as for fetch_all.
 */
Datum
fetch_json(PG_FUNCTION_ARGS)
{
	DestReceiver *receiver =
	pgsync_json_receiver_create(PGSYNC_JSON_AS_CORE,
								_("Use fetch_all, which returns a value a row, or fetch the rows in parts with LIMIT."));

	pgsync_json_receiver_begin_array(receiver, NULL);
	run_query(fcinfo, receiver, NULL);
	pgsync_json_receiver_end_array(receiver);
	PG_RETURN_DATUM(pgsync_json_receiver_finish(receiver));
}
