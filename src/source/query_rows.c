/*-------------------------------------------------------------------------
 *
 * query_rows.c
 *	  Runs a query and gives its rows one at a time.
 *
 * A query that only reads is started on the active snapshot and pulled row by
 * row; the target may be among its tables, as it does not see what has been
 * stored meanwhile.  One that writes, or a utility command, runs to its end
 * into a tuplestore first.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/bind.h"
#include "common/query.h"
#include "common/spi_util.h"
#include "common/sqltext.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "source/query_rows.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Returns whether running the query writes nothing that it says itself. */
static bool
only_reads(Query *query)
{
	return query->commandType == CMD_SELECT && !query->hasModifyingCTE &&
		query->rowMarks == NIL;
}

/* Starts the executor on a query that only reads. */
static void
start_stream(PgsyncQueryRows *rows, Query *query, const char *sql,
			 ParamListInfo params)
{
	PlannedStmt *plan;

	rows->query = copyObject(query);
	query = linitial_node(Query, pgsync_query_rewrite(query, sql));
	/* without workers: rows are written while it runs */
	plan = pgsync_query_plan(query, sql, 0, params);
	/* a copy: the load's own moves on from command to command */
	PushCopiedSnapshot(GetActiveSnapshot());
	rows->queryDesc = CreateQueryDesc(plan, sql, GetActiveSnapshot(),
									  InvalidSnapshot, None_Receiver, params,
									  NULL, 0);
	PopActiveSnapshot();
	ExecutorStart(rows->queryDesc, 0);
	rows->queryDesc->estate->es_direction = ForwardScanDirection;
	/* a copy: rows that the source has kept are used when the query has ended */
	rows->desc = CreateTupleDescCopy(rows->queryDesc->tupDesc);
}

/* A destination that keeps a statement's rows */
typedef struct StoreReceiver
{
	DestReceiver pub;			/* callbacks; must be first */
	PgsyncQueryRows *rows;
	MemoryContext context;		/* where the rows are kept */
} StoreReceiver;

/* Notes what columns the rows have; see DestReceiver. */
static void
store_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	StoreReceiver *receiver = (StoreReceiver *) self;
	MemoryContext oldcontext = MemoryContextSwitchTo(receiver->context);

	receiver->rows->desc = CreateTupleDescCopy(desc);
	MemoryContextSwitchTo(oldcontext);
}

/* Keeps a row; see DestReceiver. */
static bool
store_receive(TupleTableSlot *slot, DestReceiver *self)
{
	tuplestore_puttupleslot(((StoreReceiver *) self)->rows->store, slot);
	return true;
}

/* Does nothing; see DestReceiver. */
static void
store_nothing(DestReceiver *self)
{
}

/* Runs a query to its end. */
static void
run_to_end(PgsyncQueryRows *rows, const char *sql, ParamListInfo params)
{
	SPIExecuteOptions options = {0};
	StoreReceiver receiver = {
		.pub.rStartup = store_startup,
		.pub.receiveSlot = store_receive,
		.pub.rShutdown = store_nothing,
		.pub.rDestroy = store_nothing,
		.pub.mydest = DestNone,
		.rows = rows,
		.context = CurrentMemoryContext
	};

	rows->store = tuplestore_begin_heap(false, false, work_mem);
	options.params = params;
	options.must_return_tuples = true;
	options.dest = &receiver.pub;
	pgsync_spi_connect();
	pgsync_spi_execute_extended(sql, &options);
	pgsync_spi_finish();
	rows->stored = MakeSingleTupleTableSlot(rows->desc, &TTSOpsMinimalTuple);
}

/*
 * Starts a statement, in the current memory context; args are the values of
 * its $n, or NULL.
 *
 * Errors: 42601 for what is not one statement that returns rows, and for a
 * wrong number of arguments; those of the statement.
 */
void
pgsync_query_rows_begin(PgsyncQueryRows *rows, const char *sql,
						ArrayType *args)
{
	RawStmt    *statement = pgsync_parse_statement(sql, "query");
	bool		select = IsA(statement->stmt, SelectStmt);
	ParamListInfo params;
	Query	   *query;

	memset(rows, 0, sizeof(PgsyncQueryRows));
	pgsync_require_rows(statement, "query");
	params = pgsync_bind_strings(args, statement, sql, "query");
	query = select ? pgsync_query_analyze(sql, params, NULL) : NULL;
	if (query != NULL && only_reads(query))
		start_stream(rows, query, sql, params);
	else
		run_to_end(rows, sql, params);
}

/* Pulls the next row of a query that streams; NULL at its end. */
static TupleTableSlot *
pull_row(QueryDesc *queryDesc)
{
	EState	   *estate = queryDesc->estate;
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	TupleTableSlot *slot;

	ResetPerTupleExprContext(estate);
	slot = ExecProcNode(queryDesc->planstate);
	if (!TupIsNull(slot) && estate->es_junkFilter != NULL)
		slot = ExecFilterJunk(estate->es_junkFilter, slot);
	MemoryContextSwitchTo(oldcontext);
	return TupIsNull(slot) ? NULL : slot;
}

/* Returns the next row, which lasts until the one after it; NULL at the end. */
TupleTableSlot *
pgsync_query_rows_next(PgsyncQueryRows *rows)
{
	if (rows->queryDesc != NULL)
		return pull_row(rows->queryDesc);
	if (!tuplestore_gettupleslot(rows->store, true, false, rows->stored))
		return NULL;
	return rows->stored;
}

/* Ends the query. */
void
pgsync_query_rows_end(PgsyncQueryRows *rows)
{
	if (rows->queryDesc != NULL)
	{
		ExecutorFinish(rows->queryDesc);
		ExecutorEnd(rows->queryDesc);
		FreeQueryDesc(rows->queryDesc);
		return;
	}
	ExecDropSingleTupleTableSlot(rows->stored);
	tuplestore_end(rows->store);
}
