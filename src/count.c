/*-------------------------------------------------------------------------
 *
 * count.c
 *	  fetch_count: the exact number of rows of a relation.
 *
 * What the count means is always SELECT count(*) FROM target [WHERE ...].
 * Without a condition that statement is planned, and if its plan does no
 * more than read whole tables, the executor is started on it, which checks
 * privileges and locks and opens what it reads, and each of these tables is
 * counted in the best way instead of running the plan: a heap by page
 * (heap_count.c), a foreign partition on its server.
 * So row-level security, inheritance, partitions, and other extensions that
 * change plans need no rule here: they show in the plan.
 *
 * All other counts run the statement through SPI.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "args.h"
#include "bind.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "heap_count.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "spi_util.h"
#include "sqltext.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/*
 * Opens the target, and keeps it locked to the end of the transaction, as a
 * query on it does.  Refuses relations that have no rows (42809).
 */
static Relation
open_target(Oid relid)
{
	Relation	rel = try_relation_open(relid, AccessShareLock);

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
		case RELKIND_TOASTVALUE:
		case RELKIND_VIEW:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_SEQUENCE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot count the rows of relation \"%s\"",
							RelationGetRelationName(rel)),
					 errdetail_relkind_not_supported(rel->rd_rel->relkind)));
	}
	return rel;
}

/*
 * Says whether the rules by which tables are counted apply at all: the target
 * is a table (a view's columns might have side effects), its reads need no
 * predicate locks, and the snapshot is an ordinary one.
 */
static bool
may_count_by_table(Relation target)
{
	switch (target->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_MATVIEW:
		case RELKIND_TOASTVALUE:
			return !IsolationIsSerializable() &&
				GetActiveSnapshot()->snapshot_type == SNAPSHOT_MVCC;
		default:
			return false;
	}
}

/*
 * Collects the range table indexes of the tables that a plan scans, if it
 * counts all their rows and does nothing else; else returns false.
 *
 * "below" says that the plan is not the topmost one, where only the partial
 * half of an aggregate is the same count.  The index scans have no condition,
 * so they return every row, which the planner may prefer to a sequential
 * scan.
 */
static bool
collect_scans(Plan *plan, bool below, List **scans)
{
	ListCell   *lc;

	if (plan == NULL || plan->qual != NIL || plan->initPlan != NIL)
		return false;

	switch (nodeTag(plan))
	{
		case T_Agg:
			if (((Agg *) plan)->numCols > 0 ||
				(below && !DO_AGGSPLIT_SKIPFINAL(((Agg *) plan)->aggsplit)))
				return false;
			return collect_scans(plan->lefttree, true, scans);
		case T_Gather:
			return collect_scans(plan->lefttree, true, scans);
		case T_Append:
			foreach(lc, ((Append *) plan)->appendplans)
			{
				if (!collect_scans(lfirst(lc), true, scans))
					return false;
			}
			return true;
		case T_IndexScan:
			if (((IndexScan *) plan)->indexqual != NIL)
				return false;
			break;
		case T_IndexOnlyScan:
			if (((IndexOnlyScan *) plan)->indexqual != NIL)
				return false;
			break;
		case T_SeqScan:
		case T_ForeignScan:
			break;
		default:
			return false;
	}
	*scans = lappend_int(*scans, ((Scan *) plan)->scanrelid);
	return true;
}

/* A statement that counts whole tables, and the tables that its plan scans */
typedef struct WholeCount
{
	const char *sql;
	Query	   *query;
	PlannedStmt *planned;
	List	   *relids;
} WholeCount;

/* Plans a statement that pgsync itself built, without parameters. */
static void
plan_whole_count(WholeCount *whole)
{
	RawStmt    *statement = linitial_node(RawStmt, pg_parse_query(whole->sql));
	List	   *queries = pg_analyze_and_rewrite_fixedparams(statement,
															 whole->sql,
															 NULL, 0, NULL);

	whole->query = linitial_node(Query, queries);
	/* planning uses up its input */
	whole->planned = pg_plan_query(copyObject(whole->query), whole->sql,
								   CURSOR_OPT_PARALLEL_OK, NULL);
}

/* Says whether a scanned table can be counted without running the plan. */
static bool
is_countable(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	bool		countable;

	countable = rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE ||
		pgsync_heap_countable(rel);
	table_close(rel, NoLock);
	return countable;
}

/*
 * Collects the tables whose rows the statement counts, if it does nothing
 * but count all rows of tables that can be counted; else returns false.
 */
static bool
collect_tables(WholeCount *whole)
{
	PlannedStmt *planned = whole->planned;
	List	   *scans = NIL;
	ListCell   *lc;

	if (whole->query->hasRowSecurity || planned->subplans != NIL ||
		!IsA(planned->planTree, Agg) ||
		!collect_scans(planned->planTree, false, &scans))
		return false;

	foreach(lc, scans)
	{
		/* a join that a foreign server does has no table of its own */
		if (lfirst_int(lc) == 0)
			return false;
		whole->relids = lappend_oid(whole->relids,
									rt_fetch(lfirst_int(lc),
											 planned->rtable)->relid);
		if (!is_countable(llast_oid(whole->relids)))
			return false;
	}
	return true;
}

/* Returns the number that a plan without parameters returns. */
static int64
run_count_plan(PlannedStmt *planned, const char *sql)
{
	QueryDesc  *query_desc = CreateQueryDesc(planned, sql,
											 GetActiveSnapshot(),
											 InvalidSnapshot, None_Receiver,
											 NULL, NULL, 0);
	MemoryContext oldcontext;
	TupleTableSlot *slot;
	bool		isnull;
	int64		count;

	ExecutorStart(query_desc, 0);
	oldcontext = MemoryContextSwitchTo(query_desc->estate->es_query_cxt);
	slot = ExecProcNode(query_desc->planstate);
	count = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	MemoryContextSwitchTo(oldcontext);
	ExecutorFinish(query_desc);
	ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	return count;
}

/*
 * Counts a foreign table that is a partition or child of the target, by the
 * same query on it alone, which its server can do: the planner sends no
 * aggregate of a whole partition tree to a foreign server.
 *
 * As when the tree is queried, the privileges are those on the target, which
 * have been checked, and the child's own do not matter.
 */
static int64
count_foreign_child(const WholeCount *whole, Oid relid)
{
	Query	   *query = copyObject(whole->query);
	RangeTblEntry *rte = linitial_node(RangeTblEntry, query->rtable);

	rte->relid = relid;
	rte->relkind = RELKIND_FOREIGN_TABLE;
	rte->inh = false;
	pgsync_clear_permissions(query, rte);
	return run_count_plan(pg_plan_query(query, whole->sql, 0, NULL),
						  whole->sql);
}

/* Counts one of the tables. */
static int64
count_table(const WholeCount *whole, Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	int64		count;

	if (rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		count = count_foreign_child(whole, relid);
	else
		count = pgsync_heap_count(rel, GetActiveSnapshot());
	table_close(rel, NoLock);
	return count;
}

/*
 * Counts by table what the statement counts, if that is possible.
 *
 * Starting the executor does what it does for any query: it checks
 * privileges, and refuses materialized views that have no data yet.
 */
static bool
count_by_table(const char *sql, int64 *count)
{
	WholeCount	whole = {.sql = sql};
	QueryDesc  *query_desc;
	ListCell   *lc;

	plan_whole_count(&whole);
	if (!collect_tables(&whole))
		return false;

	query_desc = CreateQueryDesc(whole.planned, sql, GetActiveSnapshot(),
								 InvalidSnapshot, None_Receiver, NULL, NULL,
								 0);
	ExecutorStart(query_desc, 0);
	*count = 0;
	foreach(lc, whole.relids)
		* count += count_table(&whole, lfirst_oid(lc));
	ExecutorFinish(query_desc);
	ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	elog(DEBUG1, "fetch_count counted by table");
	return true;
}

/*
 * Runs the statement that counts, under the caller's snapshot.
 *
 * Partition-wise aggregation is off by default because it is costly to plan,
 * which is little beside a count: it lets workers count whole partitions.
 */
static int64
count_by_statement(const char *sql, ParamListInfo params, bool partitioned)
{
	SPIExecuteOptions options = {.params = params,.read_only = true};
	int			nestlevel = NewGUCNestLevel();
	bool		isnull;
	int64		count;

	if (partitioned)
		(void) set_config_option("enable_partitionwise_aggregate", "on",
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	pgsync_spi_execute_extended(sql, &options);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 1, &isnull));
	AtEOXact_GUC(true, nestlevel);
	return count;
}

/* Counts the target's rows, those for which the condition is true if any. */
static int64
count_rows(FunctionCallInfo fcinfo, Relation target)
{
	char	   *condition = PG_NARGS() > 1 ?
	pgsync_arg_cstring_or_null(fcinfo, 1) : NULL;
	char	   *sql = psprintf("SELECT pg_catalog.count(*) FROM %s",
							   pgsync_qualified_relation_name(target));
	RawStmt    *statement;
	ParamListInfo params;
	int64		count;

	if (condition != NULL)
	{
		pgsync_check_expression(condition, "condition");
		sql = psprintf("%s WHERE (%s)", sql, condition);
	}
	statement = pgsync_parse_statement(sql, "condition");
	params = pgsync_bind_arguments(fcinfo, 2, statement, sql, "condition");

	if (condition == NULL && may_count_by_table(target) &&
		count_by_table(sql, &count))
		return count;
	return count_by_statement(sql, params,
							  target->rd_rel->relkind == RELKIND_PARTITIONED_TABLE);
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
	target = open_target(PG_GETARG_OID(0));
	pgsync_spi_connect();
	count = count_rows(fcinfo, target);
	pgsync_spi_finish();
	relation_close(target, NoLock);
	PG_RETURN_INT64(count);
}
