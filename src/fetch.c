/*-------------------------------------------------------------------------
 *
 * fetch.c
 *	  fetch_all, fetch_one, fetch_one_required: a query's rows as objects.
 *
 * The statement runs through SPI, as a PL/pgSQL function's RETURN QUERY
 * would run it, with a receiver of our own: each row is made an object as
 * the executor sends it, so that no more than one is held in memory, and
 * the statement may use parallel workers, which a cursor may not.
 *
 * What the text may be is checked in sqltext.c, arguments are bound in
 * bind.c, and rows become objects in row_jsonb.c.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "args.h"
#include "bind.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "row_jsonb.h"
#include "spi_util.h"
#include "sqltext.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/*
 * Receives a statement's rows: all of them into "store", or, where that is
 * NULL, the first one into "first".
 */
typedef struct RowReceiver
{
	DestReceiver pub;			/* callbacks; must be first */
	MemoryContext result_context;	/* what the caller gets */
	MemoryContext statement_context;	/* what lives for all rows */
	MemoryContext row_context;	/* reset after each row */
	PgsyncRowJsonb *row;
	Tuplestorestate *store;
	TupleDesc	store_desc;
	bool		is_select;		/* may it be stopped early? */
	bool		found;
	Datum		first;
} RowReceiver;

/* Learns the columns, before the first row. */
static void
receiver_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	RowReceiver *receiver = (RowReceiver *) self;

	receiver->row = pgsync_row_jsonb_create(tupdesc,
											receiver->statement_context);
	if (operation != CMD_SELECT)
		receiver->is_select = false;
}

/* Puts a row into the store. */
static bool
receive_into_store(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->row_context);
	Datum		object = pgsync_row_jsonb_make(receiver->row, slot);
	bool		isnull = false;

	tuplestore_putvalues(receiver->store, receiver->store_desc,
						 &object, &isnull);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(receiver->row_context);
	return true;
}

/*
 * Keeps the first row.
 *
 * Returning false ends the execution of the plan.  A row limit would end it
 * as well, but would also keep the plan from using parallel workers.
 * Statements that write, and utility statements, run to their end.
 */
static bool
receive_first(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;

	if (!receiver->found)
	{
		MemoryContext oldcontext;

		oldcontext = MemoryContextSwitchTo(receiver->result_context);
		receiver->first = pgsync_row_jsonb_make(receiver->row, slot);
		receiver->found = true;
		MemoryContextSwitchTo(oldcontext);
	}
	return !receiver->is_select;
}

/* Has nothing to do at the end of the rows. */
static void
receiver_shutdown(DestReceiver *self)
{
}

/* Frees the receiver's memory, not its results. */
static void
receiver_destroy(DestReceiver *self)
{
	MemoryContextDelete(((RowReceiver *) self)->statement_context);
}

/* Makes a receiver for all rows, or for the first row if "store" is NULL. */
static RowReceiver *
create_receiver(Tuplestorestate *store, TupleDesc store_desc)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync fetch",
												  ALLOCSET_DEFAULT_SIZES);
	RowReceiver *receiver = MemoryContextAllocZero(context,
												   sizeof(RowReceiver));

	receiver->pub.receiveSlot = store ? receive_into_store : receive_first;
	receiver->pub.rStartup = receiver_startup;
	receiver->pub.rShutdown = receiver_shutdown;
	receiver->pub.rDestroy = receiver_destroy;
	receiver->pub.mydest = DestTuplestore;
	receiver->result_context = CurrentMemoryContext;
	receiver->statement_context = context;
	receiver->row_context = AllocSetContextCreate(context,
												  "pgsync fetch row",
												  ALLOCSET_DEFAULT_SIZES);
	receiver->store = store;
	receiver->store_desc = store_desc;
	return receiver;
}

/*
 * Runs the statement that is the call's first argument, the rest of them
 * bound to its $n, and sends its rows to the receiver.
 *
 * A statement that returns no rows is refused before it does anything.
 */
static void
run_query(FunctionCallInfo fcinfo, RowReceiver *receiver)
{
	char	   *query;
	RawStmt    *statement;
	SPIExecuteOptions options = {0};

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "query");
	query = text_to_cstring(PG_GETARG_TEXT_PP(0));

	pgsync_spi_connect();
	statement = pgsync_parse_statement(query, "query");
	pgsync_require_rows(statement, "query");
	receiver->is_select = IsA(statement->stmt, SelectStmt);
	options.params = pgsync_bind_arguments(fcinfo, 1, statement, query,
										   "query");
	options.must_return_tuples = true;
	options.dest = &receiver->pub;
	pgsync_spi_execute_extended(query, &options);
	pgsync_spi_finish();
}

/* Runs the statement and returns whether there is a row, the first in *row. */
static bool
fetch_first_row(FunctionCallInfo fcinfo, Datum *row)
{
	RowReceiver *receiver = create_receiver(NULL, NULL);
	bool		found;

	run_query(fcinfo, receiver);
	found = receiver->found;
	*row = receiver->first;
	receiver->pub.rDestroy(&receiver->pub);
	return found;
}

PG_FUNCTION_INFO_V1(fetch_all);

/*
 * fetch_all(query text [, VARIADIC args "any"]) returns SETOF jsonb
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
	RowReceiver *receiver;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	receiver = create_receiver(rsinfo->setResult, rsinfo->setDesc);
	run_query(fcinfo, receiver);
	receiver->pub.rDestroy(&receiver->pub);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(fetch_one);

/*
 * fetch_one(query text [, VARIADIC args "any"]) returns jsonb
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
 * fetch_one_required(query text [, VARIADIC args "any"]) returns jsonb
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
