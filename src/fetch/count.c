/*-------------------------------------------------------------------------
 *
 * count.c
 *	  fetch_count: the exact number of rows of a relation.
 *
 * What the count means is always SELECT count(*) FROM target [WHERE ...].
 * count_tables.c says whether it may be done table by table, which is faster;
 * else the statement runs through SPI.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/relation.h"
#include "common/args.h"
#include "common/bind.h"
#include "common/relation.h"
#include "catalog/pg_class.h"
#include "fetch/count.h"
#include "fetch/count_tables.h"
#include "common/spi_on.h"
#include "common/spi_util.h"
#include "common/sqltext.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"

/*
 * Returns whether counting by table may be worth its planning.  With a condition
 * it is only for the sake of foreign children.  A view's columns may have
 * side effects, which its plan need not show.
 */
static bool
may_count_by_table(Relation target, bool conditional)
{
	switch (target->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
		case RELKIND_TOASTVALUE:
			return !conditional || target->rd_rel->relhassubclass;
		default:
			return false;
	}
}

/*
 * Runs the statement that counts, under the caller's snapshot.
 *
 * Partition-wise aggregation is off by default because it is costly to plan,
 * which is little beside a count: it lets workers count whole partitions.
 */
static int64
count_by_statement(Relation target, const char *sql, ParamListInfo params)
{
	SPIExecuteOptions options = {.params = params,.read_only = true};
	int			nestlevel = NewGUCNestLevel();
	bool		isnull;
	int64		count;

	if (target->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		(void) set_config_option("enable_partitionwise_aggregate", "on",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	pgsync_spi_execute_on(target, sql, &options);
	count = DatumGetInt64(pgsync_spi_first_value(&isnull));
	AtEOXact_GUC(true, nestlevel);
	return count;
}

/*
 * Returns the statement that reads the target's rows, those for which the
 * call's second argument is true if there is one: "select", up to its FROM,
 * is what it returns of them.  *params are the call's further arguments.
 */
char *
pgsync_count_statement(FunctionCallInfo fcinfo, Relation target,
					   const char *select, ParamListInfo *params)
{
	char	   *condition = PG_NARGS() > 1 ?
	pgsync_arg_cstring_or_null(fcinfo, 1) : NULL;
	char	   *sql = psprintf("%s FROM %s", select,
							   pgsync_qualified_relation_name(target));

	if (condition != NULL)
	{
		pgsync_check_expression(condition, "condition");
		sql = psprintf("%s WHERE (%s)", sql, condition);
	}
	*params = pgsync_bind_arguments(fcinfo, 2,
									pgsync_parse_statement(sql, "condition"),
									sql, "condition");
	return sql;
}

/* Counts the target's rows, those for which the condition is true if any. */
static int64
count_rows(FunctionCallInfo fcinfo, Relation target)
{
	ParamListInfo params;
	char	   *sql = pgsync_count_statement(fcinfo, target,
											 "SELECT pg_catalog.count(*)",
											 &params);
	bool		conditional = PG_NARGS() > 1 && !PG_ARGISNULL(1);
	int64		count;

	if (may_count_by_table(target, conditional) &&
		pgsync_count_by_table(target, sql, params, &count))
		return count;
	return count_by_statement(target, sql, params);
}

PG_FUNCTION_INFO_V1(fetch_count);

/*
 * fetch_count(target regclass [, condition text [, VARIADIC args "any"]])
 * returns bigint
 *
 * Returns exactly what SELECT count(*) FROM target WHERE (condition) would
 * return in the place of the call: it sees what the calling statement sees,
 * and needs the same privileges.  A null target is error 22004; a relation
 * without rows, such as an index, 42809; a condition that is not one
 * expression, or a wrong number of arguments, 42601; else the errors of
 * count(*).
 */
Datum
fetch_count(PG_FUNCTION_ARGS)
{
	Relation	target;
	int64		count;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "target");
	/* locked to the end of the transaction, as a query on it does */
	target = pgsync_open_relation(PG_GETARG_OID(0), AccessShareLock,
								  PGSYNC_FOR_COUNT);
	pgsync_spi_connect();
	count = count_rows(fcinfo, target);
	pgsync_spi_finish();
	relation_close(target, NoLock);
	PG_RETURN_INT64(count);
}
