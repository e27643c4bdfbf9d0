/*-------------------------------------------------------------------------
 *
 * count_estimate.c
 *	  fetch_count_estimate: how many rows the planner expects.
 *
 * The statement is planned and the executor started on it, as for EXPLAIN:
 * that checks privileges as running it would, and no row is read.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include <math.h>

#include "access/relation.h"
#include "common/args.h"
#include "common/query.h"
#include "common/relation.h"
#include "common/spi_on.h"
#include "executor/executor.h"
#include "fetch/count.h"
#include "tcop/dest.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(fetch_count_estimate);

/* Returns how many rows a plan is expected to return, as an integer. */
static int64
expected_rows(PlannedStmt *planned)
{
	double		rows = rint(planned->planTree->plan_rows);

	if (isnan(rows) || !FLOAT8_FITS_IN_INT64(rows))
		return PG_INT64_MAX;
	return (int64) rows;
}

/* Plans a statement as EXPLAIN does, and returns what the planner expects. */
static int64
estimate_rows(Relation target, const char *sql, ParamListInfo params)
{
	Query	   *query = pgsync_query_analyze(sql, params, NULL);
	PlannedStmt *planned;
	QueryDesc  *query_desc;

	pgsync_check_found(query, target);
	query = linitial_node(Query, pgsync_query_rewrite(query, sql));
	planned = pgsync_query_plan(query, sql, 0, params);
	query_desc = CreateQueryDesc(planned, sql, GetActiveSnapshot(),
								 InvalidSnapshot, None_Receiver, params, NULL,
								 0);
	ExecutorStart(query_desc, EXEC_FLAG_EXPLAIN_ONLY);
	ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	return expected_rows(planned);
}

/*
 * fetch_count_estimate(target regclass [, condition text [, VARIADIC args
 *						"any" or text[]]]) returns bigint
 *
 * Returns how many rows the planner expects of SELECT FROM target WHERE
 * (condition), from statistics and the table's size, without reading them.
 * It needs the privileges that count(*) needs.  Errors as for fetch_count, but
 * for what only running the statement could raise.
 *
 * Rule followed: EXPLAIN's "rows".
 */
Datum
fetch_count_estimate(PG_FUNCTION_ARGS)
{
	Relation	target;
	ParamListInfo params;
	char	   *sql;
	int64		rows;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "target");
	/* locked to the end of the transaction, as a query on it does */
	target = pgsync_open_relation(PG_GETARG_OID(0), AccessShareLock,
								  PGSYNC_FOR_COUNT);
	sql = pgsync_count_statement(fcinfo, target, "SELECT", &params);
	rows = estimate_rows(target, sql, params);
	relation_close(target, NoLock);
	PG_RETURN_INT64(rows);
}
