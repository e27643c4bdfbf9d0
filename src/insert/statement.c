/*-------------------------------------------------------------------------
 *
 * statement.c
 *	  The INSERT statement that defines what a load means.
 *
 *		INSERT INTO target AS t (a, b) SELECT a, b FROM pgsync_rows
 *			[ON CONFLICT ...] [RETURNING ...]
 *
 * pgsync_rows is an ephemeral named relation.  The statement is parsed,
 * rewritten, planned and started like any other, so privileges, row-level
 * security, rules, read-only state and other extensions' hooks work as for
 * any INSERT.  How its rows get where they belong is a sink's business
 * (sink.h): the one chosen is put in the place of an executor node.
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
#include "parser/parser.h"
#include "sink/sinks.h"
#include "common/spi_util.h"
#include "common/sqltext.h"
#include "insert/statement.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

/*
 * The query environment's entry that leads from an EState back to us.  It is
 * no relation: its name is longer than any that a query could have.
 */
#define STATEMENT_ENTRY \
	"pgsync_statement: the way from the executor back to the statement"

StaticAssertDecl(sizeof(STATEMENT_ENTRY) > NAMEDATALEN,
				 "no query must be able to name the entry");

/* By PgsyncSinkKind */
static const char *const sink_names[] = {"heap", "stream", "spool"};

/* Makes errors point into a query of ours; "arg" is that query. */
static void
query_error_callback(void *arg)
{
	pgsync_internal_error_position(arg);
}

/* Returns the row type of pgsync_rows: the listed columns of the target. */
static TupleDesc
make_rows_desc(PgsyncStatement *statement)
{
	TupleDesc	target_desc = RelationGetDescr(statement->target->rel);
	TupleDesc	desc = CreateTemplateTupleDesc(statement->ncolumns);

	for (int i = 0; i < statement->ncolumns; i++)
		TupleDescCopyEntry(desc, i + 1, target_desc, statement->columns[i]);
	return desc;
}

/* Registers pgsync_rows, and the way back from the executor to us. */
static void
make_environment(PgsyncStatement *statement)
{
	EphemeralNamedRelation rows = palloc0(sizeof(EphemeralNamedRelationData));
	EphemeralNamedRelation self = palloc0(sizeof(EphemeralNamedRelationData));

	rows->md.name = PGSYNC_ROWS;
	rows->md.reliddesc = InvalidOid;
	rows->md.tupdesc = make_rows_desc(statement);
	rows->md.enrtype = ENR_NAMED_TUPLESTORE;
	rows->reldata = tuplestore_begin_heap(false, false, work_mem);
	statement->rows = rows;

	self->md.name = STATEMENT_ENTRY;
	self->md.reliddesc = InvalidOid;
	self->md.tupdesc = rows->md.tupdesc;
	self->md.enrtype = ENR_NAMED_TUPLESTORE;
	self->reldata = statement;

	statement->env = create_queryEnv();
	register_ENR(statement->env, rows);
	register_ENR(statement->env, self);
}

/* Returns the statement that an executor state of ours belongs to. */
PgsyncStatement *
pgsync_statement_of(EState *estate)
{
	return get_ENR(estate->es_queryEnv, STATEMENT_ENTRY)->reldata;
}

/*
 * Creates a statement whose pgsync_rows has the columns given, an element
 * for every attribute of the target.
 */
PgsyncStatement *
pgsync_statement_create(PgsyncTarget *target, const PgsyncClauses *clauses,
						PgsyncFeed *feed, const bool *columns)
{
	PgsyncStatement *statement = palloc0(sizeof(PgsyncStatement));

	statement->target = target;
	statement->clauses = *clauses;
	statement->feed = feed;
	statement->columns = palloc(sizeof(AttrNumber) * Max(target->natts, 1));
	for (int i = 0; i < target->natts; i++)
	{
		if (columns[i])
			statement->columns[statement->ncolumns++] = i + 1;
	}
	make_environment(statement);
	return statement;
}

/* Appends the statement's columns, qualified by "prefix" */
static void
append_columns(StringInfo buf, PgsyncStatement *statement, const char *prefix)
{
	for (int i = 0; i < statement->ncolumns; i++)
	{
		AttrNumber	attnum = statement->columns[i];

		appendStringInfo(buf, "%s%s%s", i > 0 ? ", " : "", prefix,
						 quote_identifier(statement->target->columns[attnum - 1].name));
	}
}

/*
 * Returns the statement's text.  Without any column every row is all
 * defaults.
 */
static char *
make_text(PgsyncStatement *statement)
{
	StringInfoData list;
	StringInfoData buf;

	initStringInfo(&list);
	append_columns(&list, statement, "");
	initStringInfo(&buf);
	appendStringInfo(&buf, "INSERT INTO %s AS t",
					 pgsync_qualified_relation_name(statement->target->rel));
	if (list.len > 0)
		appendStringInfo(&buf, " (%s)", list.data);
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
 * Parses, rewrites and plans a query of ours.  NULL if that does not give
 * exactly one planned INSERT, as rules may have it.
 */
static PlannedStmt *
plan_query(PgsyncStatement *statement, char *query)
{
	ErrorContextCallback callback;
	List	   *raw;
	List	   *rewritten;
	PlannedStmt *plan = NULL;
	int			nparams = statement->params ? statement->params->numParams : 0;
	Oid		   *types = palloc(sizeof(Oid) * Max(nparams, 1));

	for (int i = 0; i < nparams; i++)
		types[i] = statement->params->params[i].ptype;
	callback.callback = query_error_callback;
	callback.arg = query;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	raw = raw_parser(query, RAW_PARSE_DEFAULT);
	rewritten = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, raw),
												   query, types, nparams,
												   statement->env);
	if (list_length(rewritten) == 1 &&
		linitial_node(Query, rewritten)->commandType == CMD_INSERT)
		plan = pg_plan_query(linitial_node(Query, rewritten), query, 0, NULL);
	error_context_stack = callback.previous;
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
restrict_inserted_columns(PgsyncStatement *statement, const bool *named)
{
	ModifyTable *node = (ModifyTable *) statement->plan->planTree;
	Index		rtindex;

	if (!IsA(node, ModifyTable))
		return;
	rtindex = linitial_int(node->resultRelations);
	if (list_nth_node(RangeTblEntry, statement->plan->rtable,
					  rtindex - 1)->relid !=
		RelationGetRelid(statement->target->rel))
		return;
	*pgsync_inserted_columns(statement->plan->rtable,
							 PGSYNC_PERM_INFOS(statement->plan), rtindex) =
		attribute_set(statement->target, named);
}

/*
 * Chooses how the rows are to be stored.  The heap sink keeps rows, so it
 * must not get those that last until the next one only (see PgsyncFeed).
 */
static PgsyncSinkKind
choose_sink(PgsyncStatement *statement)
{
	if (statement->plan == NULL || !pgsync_sink_stream_fits(statement->plan))
		return PGSYNC_SINK_SPOOL;
	if (pgsync_sink_setting == PGSYNC_SINK_AUTO &&
		!statement->feed->rows_are_brief &&
		pgsync_heap_sink_fits(statement->target, statement->plan))
		return PGSYNC_SINK_HEAP;
	return PGSYNC_SINK_STREAM;
}

/*
 * Plans the statement and chooses its sink.  "named", which must outlive it,
 * says which columns the rows have named so far.
 */
void
pgsync_statement_plan(PgsyncStatement *statement, const bool *named)
{
	statement->named = named;
	if (statement->clauses.follower != NULL)
		statement->clauses.on_conflict =
			statement->clauses.follower->begin_statement(statement->clauses.follower,
														 named,
														 &statement->params);
	statement->query = make_text(statement);
	statement->plan = plan_query(statement, statement->query);
	statement->sink = choose_sink(statement);
	/* what the tests see of the choice */
	elog(DEBUG1, "rows go to \"%s\" through the %s sink",
		 RelationGetRelationName(statement->target->rel),
		 sink_names[statement->sink]);
	if (statement->sink != PGSYNC_SINK_SPOOL)
		restrict_inserted_columns(statement, named);
	else if (statement->clauses.follower != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot upsert into relation \"%s\"",
						RelationGetRelationName(statement->target->rel)),
				 errdetail("A rule or another extension changes what an INSERT into it does.")));
}

/* Starts, and ends, a statement's plan: that checks its privileges. */
static void
check_privileges(PgsyncStatement *statement)
{
	QueryDesc  *queryDesc;

	queryDesc = CreateQueryDesc(statement->plan, statement->query,
								GetActiveSnapshot(), InvalidSnapshot,
								None_Receiver, NULL, statement->env, 0);
	ExecutorStart(queryDesc, EXEC_FLAG_EXPLAIN_ONLY);
	ExecutorEnd(queryDesc);
	FreeQueryDesc(queryDesc);
}

/*
 * Checks that further columns can be inserted into, while the statement runs:
 * plans a statement that lists just these, which fails for columns that take
 * no value, and has the caller's privileges checked on it.  The running one
 * then counts them as inserted, too.
 */
void
pgsync_statement_widen(PgsyncStatement *statement, const bool *columns)
{
	PgsyncClauses no_clauses = {0};
	MemoryContext context;
	MemoryContext oldcontext;
	PgsyncStatement *wider;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pgsync further columns",
									ALLOCSET_DEFAULT_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	wider = pgsync_statement_create(statement->target, &no_clauses,
									statement->feed, columns);
	wider->query = make_text(wider);
	wider->plan = plan_query(wider, wider->query);
	if (wider->plan == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" was given a rule while rows were being inserted",
						RelationGetRelationName(statement->target->rel))));
	check_privileges(wider);
	MemoryContextSwitchTo(statement->target->mcxt);
	restrict_inserted_columns(statement, statement->named);
	MemoryContextSwitchTo(context);
	tuplestore_end(wider->rows->reldata);
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
}

/*
 * Has rows that are there already updated in the shortest way, where that
 * gives the same result.
 */
static void
install_updater(PgsyncStatement *statement)
{
	statement->updater = pgsync_updater_install(statement->queryDesc);
	elog(DEBUG1, "rows of \"%s\" are updated by %s",
		 RelationGetRelationName(statement->target->rel),
		 statement->updater != NULL ? "pgsync" : "the executor");
}

/*
 * Starts the executor on the plan, with the sink in its place, and runs it.
 * A follower also wants to know how many conflicts there were.
 */
static uint64
run_plan(PgsyncStatement *statement, DestReceiver *dest)
{
	PgsyncFollower *follower = statement->clauses.follower;
	QueryDesc  *queryDesc;
	uint64		processed;

	queryDesc = CreateQueryDesc(statement->plan, statement->query,
								GetActiveSnapshot(), InvalidSnapshot, dest,
								statement->params, statement->env,
								follower != NULL ? INSTRUMENT_ROWS : 0);
	statement->queryDesc = queryDesc;
	ExecutorStart(queryDesc, 0);
	if (statement->sink == PGSYNC_SINK_HEAP)
		pgsync_sink_heap_install(queryDesc);
	else
	{
		pgsync_sink_stream_install(queryDesc);
		if (follower != NULL)
			install_updater(statement);
	}
	pgsync_executor_run(queryDesc);
	if (statement->updater != NULL)
		pgsync_updater_free(statement->updater);
	statement->updater = NULL;
	processed = queryDesc->estate->es_processed;
	if (follower != NULL)
		follower->end_statement(follower, statement);
	ExecutorFinish(queryDesc);
	ExecutorEnd(queryDesc);
	FreeQueryDesc(queryDesc);
	statement->queryDesc = NULL;
	return processed;
}

/*
 * Runs the statement to its end and returns how many rows it inserted or
 * updated.  The caller has pushed the snapshot that it is to use.
 */
uint64
pgsync_statement_run(PgsyncStatement *statement, DestReceiver *dest)
{
	uint64		processed;

	if (statement->sink == PGSYNC_SINK_SPOOL)
		processed = pgsync_sink_spool_run(statement, dest);
	else
		processed = run_plan(statement, dest);
	tuplestore_end(statement->rows->reldata);
	statement->rows->reldata = NULL;
	return processed;
}
