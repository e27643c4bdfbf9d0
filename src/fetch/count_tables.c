/*-------------------------------------------------------------------------
 *
 * count_tables.c
 *	  Counting a table and its children one by one.
 *
 * SELECT count(*) FROM target [WHERE ...] is planned.  If the plan does no
 * more than scan tables, the executor is started on it, which checks
 * privileges and locks and opens what it reads, and then each of the tables
 * is counted in the best way instead of running the plan: all rows of a heap
 * by page (heap_count.c), and a foreign child by the same query on it alone,
 * which its server can do.  So inheritance, partitions and pruning, and other
 * extensions that change plans need no rule here: they show in the plan.
 *
 * Whether there is any gain is decided here too; count.c runs the statement
 * where there is none.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "fetch/count_tables.h"
#include "executor/executor.h"
#include "fetch/heap_count.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "common/query.h"
#include "common/spi_on.h"
#include "tcop/dest.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* A statement that counts, and the tables that its plan scans */
typedef struct TableCount
{
	const char *sql;
	ParamListInfo params;
	Query	   *query;			/* as rewritten */
	PlannedStmt *planned;
	List	   *relids;
} TableCount;

/*
 * Collects the range table indexes of the tables that a plan scans, if it
 * counts what they return and does nothing else; else returns false.
 *
 * "below" says that the plan is not the topmost one, where only the partial
 * half of an aggregate is the same count.  Conditions of the scans are the
 * statement's, if it has one.
 */
static bool
collect_scans(Plan *plan, bool below, List **scans)
{
	ListCell   *lc;

	if (plan == NULL || plan->initPlan != NIL)
		return false;

	switch (nodeTag(plan))
	{
		case T_Agg:
			if (((Agg *) plan)->numCols > 0 || plan->qual != NIL ||
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
		case T_SeqScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_ForeignScan:
			/* a join that a foreign server does has no table of its own */
			*scans = lappend_int(*scans, ((Scan *) plan)->scanrelid);
			return ((Scan *) plan)->scanrelid > 0;
		default:
			return false;
	}
}

/* Analyzes, rewrites and plans the statement. */
static void
plan_count(TableCount *tables, Relation target)
{
	Query	   *analyzed = pgsync_query_analyze(tables->sql, tables->params,
												NULL);

	pgsync_check_found(analyzed, target);
	tables->query = linitial_node(Query, pgsync_query_rewrite(analyzed,
															  tables->sql));
	tables->planned = pgsync_query_plan(copyObject(tables->query), tables->sql,
										CURSOR_OPT_PARALLEL_OK,
										tables->params);
}

/*
 * Returns whether a table is counted by page: all of its rows are wanted, it is
 * a heap, its reads need no predicate locks, and the snapshot is an ordinary
 * one.
 */
static bool
is_counted_by_page(const TableCount *tables, Relation rel)
{
	return tables->query->jointree->quals == NULL &&
		pgsync_heap_countable(rel) &&
		!IsolationIsSerializable() &&
		GetActiveSnapshot()->snapshot_type == SNAPSHOT_MVCC;
}

/* Collects the scanned tables; false if the plan does more than scan them. */
static bool
collect_tables(TableCount *tables)
{
	PlannedStmt *planned = tables->planned;
	List	   *scans = NIL;
	ListCell   *lc;

	/* policies and subqueries belong to the whole statement */
	if (tables->query->hasRowSecurity || tables->query->hasSubLinks ||
		planned->subplans != NIL || !IsA(planned->planTree, Agg) ||
		!collect_scans(planned->planTree, false, &scans))
		return false;

	foreach(lc, scans)
		tables->relids = lappend_oid(tables->relids,
									 rt_fetch(lfirst_int(lc),
											  planned->rtable)->relid);
	return true;
}

/*
 * Returns whether there is a gain: a foreign child is counted on its server, or
 * all is counted by page.
 */
static bool
is_worthwhile(const TableCount *tables)
{
	bool		all_by_page = true;
	ListCell   *lc;

	foreach(lc, tables->relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		bool		foreign = rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE;

		if (!is_counted_by_page(tables, rel))
			all_by_page = false;
		table_close(rel, NoLock);
		if (foreign)
			return true;
	}
	return all_by_page;
}

/* Returns the one number that a plan returns. */
static int64
run_count_plan(const TableCount *tables, PlannedStmt *planned)
{
	QueryDesc  *query_desc = CreateQueryDesc(planned, tables->sql,
											 GetActiveSnapshot(),
											 InvalidSnapshot, None_Receiver,
											 tables->params, NULL, 0);
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
 * Counts one table of a tree by the statement's query on it alone.
 *
 * The planner itself sends no aggregate of a whole tree to foreign servers,
 * but that of one foreign table it does.  As in a query on the tree, the
 * privileges are those on the target, which have been checked; the child's
 * own do not matter.
 */
static int64
count_by_query(const TableCount *tables, Relation rel)
{
	Query	   *query = copyObject(tables->query);
	RangeTblEntry *rte = linitial_node(RangeTblEntry, query->rtable);

	if (query->jointree->quals != NULL)
	{
		Relation	target = table_open(rte->relid, NoLock);
		List	   *quals = list_make1(query->jointree->quals);

		query->jointree->quals =
			linitial(map_partition_varattnos(quals, 1, rel, target));
		table_close(target, NoLock);
	}
	rte->relid = RelationGetRelid(rel);
	rte->relkind = rel->rd_rel->relkind;
	rte->inh = false;
	pgsync_clear_permissions(query, rte);
	return run_count_plan(tables, pgsync_query_plan(query, tables->sql, 0,
													tables->params));
}

/* Counts each of the tables. */
static int64
count_tables(const TableCount *tables)
{
	int64		count = 0;
	ListCell   *lc;

	foreach(lc, tables->relids)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (is_counted_by_page(tables, rel))
			count += pgsync_heap_count(rel, GetActiveSnapshot());
		else
			count += count_by_query(tables, rel);
		table_close(rel, NoLock);
	}
	return count;
}

/*
 * Sets *count to what the statement counts and returns true, if counting the
 * tables one by one gives the same and is faster; else returns false.
 *
 * Starting the executor does what it does for any query: it checks
 * privileges, and refuses materialized views that have no data yet.
 */
bool
pgsync_count_by_table(Relation target, const char *sql, ParamListInfo params,
					  int64 *count)
{
	TableCount	tables = {.sql = sql,.params = params};
	QueryDesc  *query_desc;

	plan_count(&tables, target);
	if (!collect_tables(&tables) || !is_worthwhile(&tables))
		return false;

	query_desc = CreateQueryDesc(tables.planned, sql, GetActiveSnapshot(),
								 InvalidSnapshot, None_Receiver, params, NULL,
								 0);
	ExecutorStart(query_desc, 0);
	*count = count_tables(&tables);
	ExecutorFinish(query_desc);
	ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	elog(DEBUG1, "fetch_count counted by table");
	return true;
}
