/*-------------------------------------------------------------------------
 *
 * rows_order.c
 *	  Tells the planner that rows come in the order of their keys.
 *
 * Rows that a statement joins with its target are sorted (keyed_rows.c), but
 * SQL has no words for that: the planner would sort them again for a merge
 * join, or hash them and sort what comes out.  The hook by which the paths to
 * a relation can be edited gives theirs its order:
 *
 *		Update on target
 *		  ->  Merge Join
 *				->  Named Tuplestore Scan		in the order of the keys
 *				->  Index Scan on target
 *
 * The hook stays installed while the library is loaded, since others may build
 * on it, and has nothing to do but while a query of ours is planned.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/query.h"
#include "insert/rows_order.h"
#include "insert/unique_key.h"
#include "nodes/makefuncs.h"
#include "optimizer/paths.h"
#include "parser/parse_clause.h"
#include "utils/typcache.h"

/* A query whose planning is to know the rows' order */
typedef struct Planning
{
	Query	   *query;
	Index		rti;			/* of the rows */
	PgsyncKeyedRows *rows;
} Planning;

static set_rel_pathlist_hook_type next_hook = NULL;

/* The query that is being planned now; NULL: none of ours */
static Planning *planning = NULL;

/* Returns a target entry with a column of the rows that is part of the key. */
static TargetEntry *
make_key_entry(PgsyncKeyedRows *rows, Index rti, AttrNumber attnum,
			   AttrNumber resno)
{
	AttrNumber	column = PGSYNC_ROWS_COLUMN(attnum);
	Form_pg_attribute attr = TupleDescAttr(rows->desc, column - 1);

	return makeTargetEntry((Expr *) makeVar(rti, column, attr->atttypid,
											attr->atttypmod,
											attr->attcollation, 0),
						   resno, NameStr(attr->attname), true);
}

/* Returns how a column of the key is sorted, as ORDER BY has it. */
static SortGroupClause *
make_sort_clause(PgsyncKeyedRows *rows, AttrNumber attnum, TargetEntry *entry,
				 List *entries)
{
	TypeCacheEntry *operators = pgsync_key_operators(rows->target, attnum);
	SortGroupClause *clause = makeNode(SortGroupClause);

	clause->tleSortGroupRef = assignSortGroupRef(entry, entries);
	clause->eqop = operators->eq_opr;
	clause->sortop = operators->lt_opr;
	clause->nulls_first = false;
	clause->hashable = false;
	return clause;
}

/*
 * Has an analyzed query's rows sorted by their keys, of which none is null;
 * the columns of the key become junk columns of the query.
 */
void
pgsync_sort_by_key(Query *query, Index rti, PgsyncKeyedRows *rows)
{
	ListCell   *cell;

	foreach(cell, rows->options.keys)
	{
		AttrNumber	resno = list_length(query->targetList) + 1;
		TargetEntry *entry = make_key_entry(rows, rti, lfirst_int(cell),
											resno);

		query->targetList = lappend(query->targetList, entry);
		query->sortClause = lappend(query->sortClause,
									make_sort_clause(rows, lfirst_int(cell),
													 entry,
													 query->targetList));
	}
}

/* Returns the order of the rows as the planner keeps it. */
static List *
make_pathkeys(PlannerInfo *root, Index rti, PgsyncKeyedRows *rows)
{
	List	   *entries = NIL;
	List	   *clauses = NIL;
	ListCell   *cell;

	foreach(cell, rows->options.keys)
	{
		TargetEntry *entry = make_key_entry(rows, rti, lfirst_int(cell),
											list_length(entries) + 1);

		entries = lappend(entries, entry);
		clauses = lappend(clauses, make_sort_clause(rows, lfirst_int(cell),
													entry, entries));
	}
	return make_pathkeys_for_sortclauses(root, clauses, entries);
}

/* Gives the paths to the rows their order. */
static void
pathlist_hook(PlannerInfo *root, RelOptInfo *rel, Index rti,
			  RangeTblEntry *rte)
{
	ListCell   *cell;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	/* by the query itself: what is planned meanwhile is not ours */
	if (planning == NULL || root->parse != planning->query ||
		rti != planning->rti)
		return;
	foreach(cell, rel->pathlist)
	{
		Path	   *path = lfirst(cell);

		path->pathkeys = make_pathkeys(root, rti, planning->rows);
	}
}

/* Has the planner know of the order from here on, or of none. */
static void
plan_with(Planning *new_planning)
{
	static bool installed = false;

	if (!installed)
	{
		next_hook = set_rel_pathlist_hook;
		set_rel_pathlist_hook = pathlist_hook;
		installed = true;
	}
	planning = new_planning;
}

/*
 * Plans a rewritten query, which is used up.  The relation "rti" of its range
 * table is a tuplestore that holds these rows, or some of them, in the order
 * of their keys.
 */
PlannedStmt *
pgsync_plan_in_order(Query *query, const char *sql, ParamListInfo params,
					 Index rti, PgsyncKeyedRows *rows)
{
	Planning	own = {.query = query,.rti = rti,.rows = rows};
	Planning   *outer = planning;
	PlannedStmt *plan;

	plan_with(&own);
	PG_TRY();
	{
		plan = pgsync_query_plan(query, sql, 0, params);
	}
	PG_FINALLY();
	{
		planning = outer;
	}
	PG_END_TRY();
	return plan;
}
