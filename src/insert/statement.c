/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  The INSERT statement that defines what a load means.
 *
 *		INSERT INTO target AS t (a, b) [OVERRIDING ...]
 *			SELECT a, b FROM pgsync_rows
 *			[ON CONFLICT ...] [RETURNING ...]
 *
 * pgsync_rows is an ephemeral named relation.  The statement is parsed,
 * rewritten, planned and started like any other, so privileges, row-level
 * security, rules, read-only state and other extensions' hooks work as for
 * any INSERT.  How its rows get where they belong is a sink's business
 * (row/sink.h): the first one that fits is asked to run it.
 *
 * Where pgsync itself can provide defaults (PgsyncTarget.knows_defaults), the
 * statement lists every column, so that rows of differing keys fit in one
 * statement; it then is made to require INSERT on just the columns that the
 * rows name.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "sink/heap_foresee.h"
#include "sink/sinks.h"
#include "common/spi_util.h"
#include "common/plans.h"
#include "common/query.h"
#include "insert/single_rows.h"
#include "insert/statement.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

struct PgsyncStatement
{
	PgsyncRun	run;
	PgsyncClauses clauses;
	bool	   *named;			/* by attribute: named by a row so far? */
	const PgsyncSinkRoutine *sink;
	bool		tells_batches;	/* see pgsync_statement_tells_batches */
};

/*
 * Creates a statement whose pgsync_rows has the columns given, an element
 * for every attribute of the target.
 */
PgsyncStatement *
pgsync_statement_create(PgsyncTarget *target, const PgsyncClauses *clauses,
						PgsyncFeed *feed, PgsyncPlace *place,
						const bool *columns)
{
	PgsyncStatement *statement = palloc0(sizeof(PgsyncStatement));

	pgsync_run_init(&statement->run, target, columns);
	statement->run.feed = feed;
	statement->run.place = place;
	statement->run.one_by_one = clauses->hook != NULL;
	statement->run.expects_conflicts = clauses->hook != NULL &&
		clauses->hook->settle_row == NULL;
	statement->run.holds_rows = clauses->hook != NULL &&
		clauses->hook->settle_row != NULL && clauses->returning == NULL &&
		clauses->overriding != PGSYNC_OVERRIDING_USER;
	statement->run.fires_by_row = clauses->rejects != NULL;
	statement->clauses = *clauses;
	statement->named = palloc0(Max(target->natts, 1));
	return statement;
}

/* Appends the statement's columns, qualified by "prefix". */
static void
append_columns(StringInfo buf, PgsyncStatement *statement, const char *prefix)
{
	PgsyncRun  *run = &statement->run;

	for (int i = 0; i < run->ncolumns; i++)
	{
		AttrNumber	attnum = run->columns[i];

		appendStringInfo(buf, "%s%s%s", i > 0 ? ", " : "", prefix,
						 quote_identifier(run->target->columns[attnum - 1].name));
	}
}

/* Returns the word of OVERRIDING's clause, or NULL. */
static const char *
overriding_word(PgsyncStatement *statement)
{
	TupleDesc	desc = RelationGetDescr(statement->run.target->rel);

	for (int i = 0; i < desc->natts && statement->clauses.takes_identity; i++)
	{
		if (TupleDescAttr(desc, i)->attidentity != '\0')
			return "SYSTEM";
	}
	switch (statement->clauses.overriding)
	{
		case PGSYNC_OVERRIDING_SYSTEM:
			return "SYSTEM";
		case PGSYNC_OVERRIDING_USER:
			return statement->clauses.takes_identity ? NULL : "USER";
		default:
			return NULL;
	}
}

/*
 * Returns the statement's text.  Without any column every row is all
 * defaults.
 */
static char *
make_text(PgsyncStatement *statement)
{
	const char *overriding = overriding_word(statement);
	StringInfoData list;
	StringInfoData buf;

	initStringInfo(&list);
	append_columns(&list, statement, "");
	initStringInfo(&buf);
	appendStringInfo(&buf, "INSERT INTO %s AS t",
					 pgsync_qualified_relation_name(statement->run.target->rel));
	if (list.len > 0)
		appendStringInfo(&buf, " (%s)", list.data);
	if (overriding != NULL)
		appendStringInfo(&buf, " OVERRIDING %s VALUE", overriding);
	appendStringInfoString(&buf, " SELECT ");
	append_columns(&buf, statement, PGSYNC_ROWS ".");
	appendStringInfoString(&buf, " FROM " PGSYNC_ROWS);
	if (statement->clauses.on_conflict != NULL)
		appendStringInfo(&buf, "\n%s\n", statement->clauses.on_conflict);
	if (statement->clauses.returning != NULL)
		appendStringInfo(&buf, " RETURNING %s", statement->clauses.returning);
	return buf.data;
}

/*
 * Makes sure that the statement inserts into the relation that was locked: the
 * name it was written with may have become another one's since.
 */
static void
check_result_relation(PgsyncRun *run, Query *query)
{
	Relation	rel = run->target->rel;

	if (rt_fetch(query->resultRelation, query->rtable)->relid !=
		RelationGetRelid(rel))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" or its schema was renamed while rows were being inserted",
						RelationGetRelationName(rel)),
				 errdetail("Another relation has its name now."),
				 errhint("Try again.")));
}

/*
 * Analyzes and rewrites the statement.  NULL if that does not give exactly one
 * INSERT, as rules may have it.
 */
static Query *
rewrite_query(PgsyncRun *run)
{
	Query	   *analyzed = pgsync_query_analyze(run->query, run->params,
												run->env);
	List	   *queries;

	check_result_relation(run, analyzed);
	queries = pgsync_query_rewrite(analyzed, run->query);
	if (list_length(queries) != 1 ||
		linitial_node(Query, queries)->commandType != CMD_INSERT)
		return NULL;
	return linitial_node(Query, queries);
}

/* Plans the statement; NULL if that does not give exactly one INSERT. */
static PlannedStmt *
plan_query(PgsyncStatement *statement)
{
	PgsyncRun  *run = &statement->run;
	Query	   *query = rewrite_query(run);

	if (statement->clauses.rejects != NULL)
		statement->tells_batches = query == NULL ||
			pgsync_query_tells_batches(query, run->one_by_one);
	/* the values of $n change from row to row: they are not planned with */
	return query == NULL ? NULL : pgsync_query_plan(query, run->query, 0, NULL);
}

/* Returns the statement's plan: one that was kept, or a new one. */
static PlannedStmt *
find_plan(PgsyncStatement *statement)
{
	PgsyncRun  *run = &statement->run;
	PlannedStmt *plan = pgsync_plans_find(run->target->plans, run->query);

	if (plan != NULL)
		return plan;
	plan = plan_query(statement);
	if (plan != NULL)
		pgsync_plans_keep(run->target->plans, run->query, plan);
	return plan;
}

/* Returns attribute numbers the way range table entries keep them. */
static Bitmapset *
attribute_set(PgsyncTarget *target, const bool *named)
{
	Bitmapset  *set = NULL;

	for (int i = 0; i < target->natts; i++)
	{
		if (named[i])
			set = bms_add_member(set,
								 i + 1 - FirstLowInvalidHeapAttributeNumber);
	}
	return set;
}

/*
 * Makes a planned INSERT require privileges on just the named columns.
 *
 * A plan that is another extension's keeps what it was planned with, and so
 * does an INSERT that the rewriter has turned to a view's table: its columns
 * are numbered otherwise than the target's.
 */
static void
restrict_inserted_columns(PgsyncStatement *statement)
{
	ModifyTable *node = (ModifyTable *) statement->run.plan->planTree;
	Index		rtindex;

	if (!IsA(node, ModifyTable))
		return;
	rtindex = linitial_int(node->resultRelations);
	if (list_nth_node(RangeTblEntry, statement->run.plan->rtable,
					  rtindex - 1)->relid !=
		RelationGetRelid(statement->run.target->rel))
		return;
	*pgsync_inserted_columns(statement->run.plan->rtable,
							 PGSYNC_PERM_INFOS(statement->run.plan), rtindex) =
		attribute_set(statement->run.target, statement->named);
}

/* Returns the first sink that the rows can go to. */
static const PgsyncSinkRoutine *
choose_sink(PgsyncStatement *statement)
{
	int			i = 0;

	while (!pgsync_sinks[i]->fits(&statement->run))
		i++;
	/* what the tests see of the choice */
	elog(DEBUG1, "rows go to \"%s\" through the %s sink",
		 RelationGetRelationName(statement->run.target->rel),
		 pgsync_sinks[i]->name);
	return pgsync_sinks[i];
}

/*
 * Plans the statement and returns the sink chosen for it.  "named" says which
 * columns the rows have named so far.
 */
const PgsyncSinkRoutine *
pgsync_statement_plan(PgsyncStatement *statement, const bool *named)
{
	PgsyncRun  *run = &statement->run;
	PgsyncRowHook *hook = statement->clauses.hook;

	memcpy(statement->named, named, run->target->natts);
	if (hook != NULL)
		hook->run = run;
	if (hook != NULL)
		statement->clauses.on_conflict = hook->begin_statement(hook, named,
															   &run->params);
	run->query = make_text(statement);
	run->plan = find_plan(statement);
	statement->sink = choose_sink(statement);
	if (!statement->sink->runs_text)
		restrict_inserted_columns(statement);
	else if (hook != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot upsert into relation \"%s\"",
						RelationGetRelationName(run->target->rel)),
				 errdetail("A rule or another extension changes what an INSERT into it does.")));
	return statement->sink;
}

/*
 * Returns whether the statement's result might show that its rows did not
 * come one by one, in statements of their own.
 */
bool
pgsync_statement_tells_batches(PgsyncStatement *statement)
{
	return statement->tells_batches || statement->sink->runs_text;
}

/* Returns the run if what its rows will fail at can be foreseen, or NULL. */
const PgsyncRun *
pgsync_statement_foreseeable(PgsyncStatement *statement)
{
	return pgsync_can_foresee(&statement->run, statement->sink) ?
		&statement->run : NULL;
}

/*
 * Checks that further columns can be inserted into, while the statement runs:
 * rewrites a statement that lists just these, which fails for columns that
 * take no value, and has the caller's privileges checked on it.  The running
 * one then counts them as inserted, too.
 *
 * It is not planned, as that evaluates what is constant in the defaults of
 * all other columns, and not started, as it is no statement of its own.
 */
void
pgsync_statement_widen(PgsyncStatement *statement, const bool *columns)
{
	PgsyncTarget *target = statement->run.target;
	PgsyncClauses clauses = {0};
	MemoryContext context;
	MemoryContext oldcontext;
	PgsyncStatement *wider;
	Query	   *query;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pgsync further columns",
									ALLOCSET_DEFAULT_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	clauses.overriding = statement->clauses.overriding;
	wider = pgsync_statement_create(target, &clauses, statement->run.feed,
									statement->run.place, columns);
	wider->run.query = make_text(wider);
	query = rewrite_query(&wider->run);
	if (query == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" was given a rule while rows were being inserted",
						RelationGetRelationName(target->rel)),
				 errhint("Try again.")));
	pgsync_check_permissions(query);
	for (int i = 0; i < target->natts; i++)
		statement->named[i] |= columns[i];
	MemoryContextSwitchTo(target->mcxt);
	restrict_inserted_columns(statement);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
}

/*
 * Returns whether an UPDATE of the target's rows may have something to check
 * or to fire after a row; what is below a view or a partitioned table may.
 */
static bool
has_update_triggers(Relation rel)
{
	return rel->rd_rel->relkind != RELKIND_RELATION ||
		(rel->trigdesc != NULL && rel->trigdesc->trig_update_after_row);
}

/*
 * Has the row hook deal with a row itself, if it will.  The triggers of what it
 * has done fire at once, if they fire by row.  So do an UPDATE's own,
 * and hence only if there are others.
 */
PgsyncSettled
pgsync_statement_settle_row(PgsyncStatement *statement, const PgsyncRow *row)
{
	PgsyncRowHook *hook = statement->clauses.hook;
	PgsyncSettled settled;

	if (hook == NULL || hook->settle_row == NULL)
		return PGSYNC_NOT_SETTLED;
	if (!has_update_triggers(statement->run.target->rel))
		return hook->settle_row(hook, row);
	pgsync_run_begin_triggers(&statement->run);
	settled = hook->settle_row(hook, row);
	pgsync_run_fire_triggers(&statement->run);
	return settled;
}

/*
 * Begins with a row that is a command of its own; the row hook is told of it.
 */
void
pgsync_statement_begin_row(PgsyncStatement *statement, const PgsyncRow *row)
{
	PgsyncRowHook *hook = statement->clauses.hook;

	pgsync_run_begin_row(&statement->run, hook->before_row(hook, row));
}

/*
 * Runs the statement to its end and returns how many rows it inserted or
 * updated.  The caller has pushed the snapshot that it is to use.  It may be
 * run again, also after it has failed and a subtransaction was rolled back.
 */
PgsyncCounts
pgsync_statement_run(PgsyncStatement *statement, DestReceiver *dest)
{
	PgsyncRun  *run = &statement->run;

	memset(&run->counts, 0, sizeof(PgsyncCounts));
	run->seen_conflicts = 0;
	run->rows->reldata = tuplestore_begin_heap(false, false, work_mem);
	statement->sink->run(run, dest);
	tuplestore_end(run->rows->reldata);
	run->rows->reldata = NULL;
	return run->counts;
}
