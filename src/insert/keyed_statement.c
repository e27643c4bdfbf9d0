/*-------------------------------------------------------------------------
 *
 * keyed_statement.c
 *	  A statement that joins the target with the rows of a call by key.
 *
 *		UPDATE target AS t SET a = r.c2 FROM pgsync_rows AS r WHERE t.id = r.c1
 *		DELETE FROM target AS t USING pgsync_rows AS r WHERE t.id = r.c1
 *		INSERT INTO target AS t (id, a) SELECT r.c1, r.c2 FROM pgsync_rows AS r
 *
 * pgsync_rows is an ephemeral named relation over the rows (keyed_rows.c),
 * whose number the planner knows: few of them are looked up in an index, many
 * are hashed or merged with the whole table.  The statements run as any of
 * the caller's, so privileges, row-level security, views, triggers and
 * partitions are core's business.
 *
 * To the plan of an UPDATE or DELETE two things are added that SQL has no
 * words for.  It is sorted by key, so that rows are locked in that order
 * whatever join the planner prefers; it knows that they come so
 * (rows_order.c).  And it has junk columns: the number of the row in the
 * input, for error context; that of its key, by which keys without a row are
 * counted; and whether the row would change at all.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "common/spi_on.h"
#include "common/spi_util.h"
#include "common/sqltext.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "common/query.h"
#include "row/place.h"
#include "insert/keyed_statement.h"
#include "insert/progress.h"
#include "insert/query_level.h"
#include "insert/rows_order.h"
#include "insert/trigger_watch.h"
#include "insert/unique_key.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The relation that statements take their rows from */
#define ROWS_NAME		"pgsync_rows"

/* Junk columns */
#define JUNK_NUMBER		"pgsync_number"
#define JUNK_INPUT		"pgsync_input"
#define JUNK_CHANGED	"pgsync_changed"

/*
 * The query environment's entry that leads from an executor state back to
 * us; no query can name it.
 */
#define RUN_ENTRY \
	"pgsync_keyed_statement: the way from the executor back to its statement"

StaticAssertDecl(sizeof(RUN_ENTRY) > NAMEDATALEN,
				 "no query must be able to name the entry");

/* A statement while it is planned and runs */
typedef struct Run
{
	PgsyncKeyedStatement *statement;
	QueryEnvironment *env;
	EphemeralNamedRelation rows;
	PlannedStmt *plan;
	QueryDesc  *queryDesc;
	ExecProcNodeMtd next_row;	/* of the node that brings the joined rows */
	AttrNumber	number_attno;	/* in that node's rows */
	AttrNumber	input_attno;
	AttrNumber	changed_attno;	/* 0 if all rows change */
	PgsyncTriggerWatch *watch;	/* NULL if no trigger can keep a row */
	int64		number;			/* of the key being worked on, 0 for none */
	int64		input;			/* and of its row in the input */
	bool		found;			/* was it seen to have a row? */
	bool		writing;		/* has a row been handed over? */
	uint64		seen_processed; /* before it was */
	PgsyncKeyedCounts counts;
} Run;

/* Appends a quoted column name of the target. */
void
pgsync_append_column(StringInfo buf, PgsyncTarget *target, AttrNumber attnum)
{
	appendStringInfoString(buf,
						   quote_identifier(target->columns[attnum - 1].name));
}

/* Appends "t.a = r.c1 AND t.b = r.c2" for the columns of a key. */
void
pgsync_append_key_equality(StringInfo buf, PgsyncTarget *target, List *keys)
{
	ListCell   *cell;

	foreach(cell, keys)
	{
		AttrNumber	attnum = lfirst_int(cell);
		Oid			type = TupleDescAttr(RelationGetDescr(target->rel),
										 attnum - 1)->atttypid;
		StringInfoData column;

		initStringInfo(&column);
		appendStringInfoString(&column, "t.");
		pgsync_append_column(&column, target, attnum);
		if (foreach_current_index(cell) > 0)
			appendStringInfoString(buf, " AND ");
		generate_operator_clause(buf, column.data, type,
								 pgsync_key_operators(target, attnum)->eq_opr,
								 psprintf("r.c%d", attnum), type);
	}
}

/* Appends the same for the rows of a call. */
void
pgsync_append_key_condition(StringInfo buf, PgsyncKeyedRows *rows)
{
	pgsync_append_key_equality(buf, rows->target, rows->options.keys);
}

/*
 * Names the row that is being written in an error's context, if it is one of
 * the input: a row that is to be deleted because the input lacks it is none.
 */
static void
run_error_callback(void *arg)
{
	Run		   *run = arg;

	if (run->writing && run->input > 0)
		pgsync_errcontext_row(run->statement->rows->unit, run->input);
}

/* Registers pgsync_rows, and the way back from the executor to us. */
static void
make_environment(Run *run)
{
	EphemeralNamedRelation rows = palloc0(sizeof(EphemeralNamedRelationData));
	EphemeralNamedRelation self = palloc0(sizeof(EphemeralNamedRelationData));

	rows->md.name = ROWS_NAME;
	rows->md.reliddesc = InvalidOid;
	rows->md.tupdesc = run->statement->rows->desc;
	rows->md.enrtype = ENR_NAMED_TUPLESTORE;
	run->rows = rows;

	self->md.name = RUN_ENTRY;
	self->md.reliddesc = InvalidOid;
	self->md.tupdesc = run->statement->rows->desc;
	self->md.enrtype = ENR_NAMED_TUPLESTORE;
	self->reldata = run;

	run->env = create_queryEnv();
	register_ENR(run->env, rows);
	register_ENR(run->env, self);
}

/* Returns the run that an executor state of ours belongs to. */
static Run *
run_of(EState *estate)
{
	return get_ENR(estate->es_queryEnv, RUN_ENTRY)->reldata;
}

/* Returns the range table index of pgsync_rows. */
static Index
rows_index(Query *query)
{
	ListCell   *cell;

	foreach(cell, query->rtable)
	{
		if (lfirst_node(RangeTblEntry, cell)->rtekind == RTE_NAMEDTUPLESTORE)
			return foreach_current_index(cell) + 1;
	}
	elog(ERROR, "%s is not among the statement's relations", ROWS_NAME);
	return 0;					/* keep compiler quiet */
}

/* Adds a junk column to an analyzed query. */
static TargetEntry *
add_junk(Query *query, Expr *expr, char *name)
{
	TargetEntry *entry = makeTargetEntry(expr,
										 list_length(query->targetList) + 1,
										 name, true);

	query->targetList = lappend(query->targetList, entry);
	return entry;
}

/* Adds a junk column with one of the rows' own columns. */
static TargetEntry *
add_rows_column(Query *query, AttrNumber attnum, char *name)
{
	return add_junk(query, (Expr *) makeVar(rows_index(query), attnum,
											INT8OID, -1, InvalidOid, 0),
					name);
}

/* Has the query's rows sorted by the number of their keys. */
static void
sort_by_number(Query *query, TargetEntry *entry)
{
	SortGroupClause *clause = makeNode(SortGroupClause);

	entry->ressortgroupref = 1;
	clause->tleSortGroupRef = 1;
	clause->eqop = lookup_type_cache(INT8OID, TYPECACHE_EQ_OPR)->eq_opr;
	clause->sortop = Int8LessOperator;
	clause->nulls_first = false;
	clause->hashable = true;
	query->sortClause = list_make1(clause);
}

/* Makes the last condition of an analyzed query's WHERE a junk column. */
void
pgsync_move_last_condition(Query *query, char *name)
{
	BoolExpr   *and = castNode(BoolExpr, query->jointree->quals);

	Assert(and->boolop == AND_EXPR && list_length(and->args) > 1);
	add_junk(query, llast(and->args), name);
	and->args = list_delete_last(and->args);
	if (list_length(and->args) == 1)
		query->jointree->quals = linitial(and->args);
}

/*
 * Adds to an analyzed UPDATE or DELETE what SQL has no words for.  Sorting by
 * key and by its number is the same: either what a plan may have anyway, or
 * what is compared fastest.
 */
static void
extend_query(PgsyncKeyedStatement *statement, Query *query, bool by_key)
{
	TargetEntry *number = add_rows_column(query, PGSYNC_ROWS_NUMBER,
										  JUNK_NUMBER);

	add_rows_column(query, PGSYNC_ROWS_INPUT, JUNK_INPUT);
	if (statement->skip_unchanged)
		pgsync_move_last_condition(query, JUNK_CHANGED);
	if (by_key)
		pgsync_sort_by_key(query, rows_index(query), statement->rows);
	else
		sort_by_number(query, number);
}

/*
 * Returns whether rules have left a statement what it was: nothing beside it,
 * and nothing in its place, though it be of the same kind.
 */
bool
pgsync_is_as_written(List *rewritten, CmdType operation)
{
	return list_length(rewritten) == 1 &&
		linitial_node(Query, rewritten)->commandType == operation &&
		linitial_node(Query, rewritten)->querySource == QSRC_ORIGINAL;
}

/* Refuses what rules or other extensions make of the statement. */
static void
refuse_rewritten(Run *run)
{
	Relation	rel = run->statement->rows->target->rel;

	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot write to relation \"%s\" by key",
					RelationGetRelationName(rel)),
			 errdetail("A rule or another extension changes what a statement does to it.")));
}

/* Returns whether the statement writes rows that are there. */
static bool
writes_by_key(PgsyncKeyedStatement *statement)
{
	return statement->operation == CMD_UPDATE ||
		statement->operation == CMD_DELETE;
}

/* Parses, rewrites and plans the statement; it sorts by key, or by number. */
static PlannedStmt *
make_plan(Run *run, bool by_key)
{
	PgsyncKeyedStatement *statement = run->statement;
	Query	   *query = pgsync_query_analyze(statement->query,
											 statement->params, run->env);
	List	   *rewritten;

	pgsync_check_found(query, statement->rows->target->rel);
	if (writes_by_key(statement))
		extend_query(statement, query, by_key);
	rewritten = pgsync_query_rewrite(query, statement->query);
	if (!pgsync_is_as_written(rewritten, statement->operation))
		refuse_rewritten(run);
	query = linitial_node(Query, rewritten);
	if (!writes_by_key(statement))
		return pgsync_query_plan(query, statement->query, 0,
								 statement->params);
	return pgsync_plan_in_order(query, statement->query, statement->params,
								rows_index(query), statement->rows);
}

/* Plans the statement for so many rows. */
static void
plan_statement(Run *run, int64 nrows)
{
	run->rows->md.enrtuples = nrows;
	run->plan = make_plan(run, true);
	if (run->statement->operation != CMD_SELECT &&
		!IsA(run->plan->planTree, ModifyTable))
		refuse_rewritten(run);
	/* if it has to sort, then by what is compared fastest */
	if (writes_by_key(run->statement) &&
		IsA(outerPlan(run->plan->planTree), Sort))
		run->plan = make_plan(run, false);
}

/* Counts a key that has no row, or has none any more. */
static void
count_missing(Run *run, int64 number)
{
	if (run->counts.missing++ == 0)
		run->counts.first_missing = number;
}

/*
 * Judges the row that was handed over last, by whether the executor has
 * written it.  If not, then either a trigger has kept it as it is, or another
 * transaction has taken it away or its key.
 */
static void
judge_last_row(Run *run)
{
	bool		triggered;

	if (!run->writing)
		return;
	run->writing = false;
	triggered = run->watch != NULL && pgsync_trigger_watch_called(run->watch);
	if (run->queryDesc->estate->es_processed > run->seen_processed)
		run->found = true;
	else if (triggered)
	{
		run->found = true;
		run->counts.unchanged++;
	}
}

/* Goes on to the rows of another key; those between have no rows. */
static void
begin_key(Run *run, int64 number)
{
	if (number == run->number)
		return;
	if (run->number > 0 && !run->found)
		count_missing(run, run->number);
	for (int64 skipped = run->number + 1; skipped < number; skipped++)
		count_missing(run, skipped);
	run->number = number;
	run->found = false;
}

/* Returns a junk column of type bigint, which is never null. */
static int64
junk_number(TupleTableSlot *slot, AttrNumber attnum)
{
	bool		isnull;

	return DatumGetInt64(slot_getattr(slot, attnum, &isnull));
}

/* Returns whether a joined row would be changed. */
static bool
row_changes(Run *run, TupleTableSlot *slot)
{
	bool		isnull;

	if (run->statement->operation == CMD_SELECT)
		return false;
	if (run->changed_attno == 0)
		return true;
	return DatumGetBool(slot_getattr(slot, run->changed_attno, &isnull));
}

/* Notes a row that is handed over to be written, and reports progress. */
static void
hand_over(Run *run, int64 input)
{
	PgsyncKeyedRows *rows = run->statement->rows;
	int64		processed = run->queryDesc->estate->es_processed;

	run->input = input;
	run->writing = true;
	run->seen_processed = processed;
	if (rows->reports_progress && processed % PGSYNC_PROGRESS_INTERVAL == 1)
		pgsync_progress_rows(rows->nwritten + processed);
}

/*
 * Stands between ModifyTable and the node below it: counts, and leaves out
 * what would not change.  Of a SELECT, that is every row.
 */
static TupleTableSlot *
next_changed_row(PlanState *node)
{
	Run		   *run = run_of(node->state);

	for (;;)
	{
		TupleTableSlot *slot;

		CHECK_FOR_INTERRUPTS();
		judge_last_row(run);
		slot = run->next_row(node);
		if (TupIsNull(slot))
			return slot;
		begin_key(run, junk_number(slot, run->number_attno));
		if (row_changes(run, slot))
		{
			hand_over(run, junk_number(slot, run->input_attno));
			return slot;
		}
		run->found = true;
		if (run->counts.unchanged++ == 0)
			run->counts.first_unchanged = run->number;
	}
}

/* Puts us between a started plan's ModifyTable and the node below it. */
static void
install_below_modify(Run *run)
{
	ModifyTableState *mtstate = castNode(ModifyTableState,
										 run->queryDesc->planstate);
	PlanState  *node = outerPlanState(mtstate);
	List	   *columns = node->plan->targetlist;

	run->number_attno = ExecFindJunkAttributeInTlist(columns, JUNK_NUMBER);
	run->input_attno = ExecFindJunkAttributeInTlist(columns, JUNK_INPUT);
	run->changed_attno = ExecFindJunkAttributeInTlist(columns, JUNK_CHANGED);
	if (run->number_attno == 0 || run->input_attno == 0)
		elog(ERROR, "could not find junk columns in a plan");
	run->watch = pgsync_trigger_watch_start(mtstate);
	run->next_row = node->ExecProcNodeReal;
	ExecSetExecProcNode(node, next_changed_row);
}

/* Puts us on top of a started SELECT: its rows are only counted. */
static void
install_on_select(Run *run)
{
	PlanState  *node = run->queryDesc->planstate;

	run->number_attno = 1;
	run->next_row = node->ExecProcNodeReal;
	ExecSetExecProcNode(node, next_changed_row);
}

/* Notes which row of the store is about to be inserted. */
static TupleTableSlot *
next_inserted_row(PlanState *node)
{
	Run		   *run = run_of(node->state);
	TupleTableSlot *slot = run->next_row(node);

	run->writing = false;
	if (!TupIsNull(slot))
		hand_over(run, junk_number(castNode(NamedTuplestoreScanState,
											node)->ss.ss_ScanTupleSlot,
								   PGSYNC_ROWS_INPUT));
	return slot;
}

/* Puts us on top of a started INSERT's scan of the rows. */
static void
install_on_insert(Run *run)
{
	PlanState  *node = outerPlanState(run->queryDesc->planstate);

	while (node != NULL && !IsA(node, NamedTuplestoreScanState))
		node = IsA(node, SubqueryScanState) ?
			castNode(SubqueryScanState, node)->subplan : outerPlanState(node);
	/* the error context is all that is lost */
	if (node == NULL)
		return;
	run->next_row = node->ExecProcNodeReal;
	ExecSetExecProcNode(node, next_inserted_row);
}

/* Puts us where we see the rows of a started plan. */
static void
install(Run *run)
{
	if (run->statement->operation == CMD_SELECT)
		install_on_select(run);
	else if (run->statement->operation == CMD_INSERT)
		install_on_insert(run);
	else
		install_below_modify(run);
}

/* Sets up a run of the statement over a store of rows. */
static void
init_run(Run *run, PgsyncKeyedStatement *statement, Tuplestorestate *store,
		 int64 nrows)
{
	memset(run, 0, sizeof(Run));
	run->statement = statement;
	make_environment(run);
	plan_statement(run, nrows);
	run->rows->reldata = store;
}

/* Makes the run's QueryDesc, with the active snapshot. */
static void
create_query_desc(Run *run, DestReceiver *dest)
{
	run->queryDesc = CreateQueryDesc(run->plan, run->statement->query,
									 GetActiveSnapshot(), InvalidSnapshot,
									 dest, run->statement->params, run->env,
									 run->statement->operation == CMD_INSERT ?
									 INSTRUMENT_ROWS : 0);
}

/*
 * Checks the caller's privileges to run the statement: starts, and ends, its
 * plan.
 */
void
pgsync_keyed_statement_check(PgsyncKeyedStatement *statement)
{
	Run			run;

	init_run(&run, statement, statement->rows->store,
			 statement->rows->nrows);
	PushActiveSnapshot(GetTransactionSnapshot());
	create_query_desc(&run, None_Receiver);
	ExecutorStart(run.queryDesc, EXEC_FLAG_EXPLAIN_ONLY);
	ExecutorEnd(run.queryDesc);
	FreeQueryDesc(run.queryDesc);
	PopActiveSnapshot();
}

/* Adds what a statement has written to the progress that is reported. */
static void
report_written(PgsyncKeyedRows *rows, int64 nrows)
{
	rows->nwritten += nrows;
	if (rows->reports_progress)
		pgsync_progress_rows(rows->nwritten);
}

/* Takes the counts of a run that has come to its end. */
static void
finish_counts(Run *run, int64 nkeys)
{
	QueryDesc  *queryDesc = run->queryDesc;

	run->counts.processed = queryDesc->estate->es_processed;
	if (run->statement->operation == CMD_INSERT)
		run->counts.conflicts = queryDesc->planstate->instrument->ntuples2;
	else
		begin_key(run, nkeys + 1);
	if (run->statement->operation != CMD_SELECT)
		report_written(run->statement->rows, run->counts.processed);
}

/*
 * Runs the statement over a store of "nrows" rows, as a part of the query
 * level that the caller has begun, with a snapshot of its own.
 *
 * A SELECT must return the rows' numbers, in their order; it counts every row
 * that it finds as unchanged.
 */
PgsyncKeyedCounts
pgsync_keyed_statement_run(PgsyncKeyedStatement *statement,
						   Tuplestorestate *store, int64 nrows)
{
	Run			run;
	ErrorContextCallback callback;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	init_run(&run, statement, store, nrows);
	create_query_desc(&run, None_Receiver);
	pgsync_query_level_start(run.queryDesc);
	install(&run);

	callback.callback = run_error_callback;
	callback.arg = &run;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	pgsync_executor_run(run.queryDesc);
	error_context_stack = callback.previous;

	finish_counts(&run, nrows);
	ExecutorFinish(run.queryDesc);
	ExecutorEnd(run.queryDesc);
	FreeQueryDesc(run.queryDesc);
	PopActiveSnapshot();
	CommandCounterIncrement();
	return run.counts;
}
