/*-------------------------------------------------------------------------
 *
 * row_statement.c
 *	  A statement that is started once and then executed row by row.
 *
 *		UPDATE target AS t SET a = r.c2 FROM pgsync_rows AS r WHERE t.id = r.c1
 *		SELECT 1 FROM target AS t, pgsync_rows AS r WHERE t.id = r.c1
 *
 * pgsync_rows has one row, the one at hand.  Whoever has rows that must be
 * applied in turn, each seeing what the one before has done, executes the
 * same started plan for each of them: that is what a prepared statement would
 * do, without starting and ending an executor for a row.  Privileges,
 * row-level security, views, partitions and triggers are core's business, as
 * for any statement; its AFTER triggers belong to the query level around it.
 *
 * For that the plan must look again when it is executed again.  Hash tables,
 * sorts, materialized and memoized rows live through a rescan, so the planner
 * is kept from them, and from reading all of the target for one row.  If it
 * has no other way, the executor is started for every row.
 *
 * The statement is part of a query level that its caller has begun.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "common/plans.h"
#include "common/query.h"
#include "common/spi_on.h"
#include "executor/executor.h"
#include "insert/keyed_statement.h"
#include "insert/query_level.h"
#include "insert/row_statement.h"
#include "insert/trigger_watch.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#define ROWS_NAME		"pgsync_rows"
#define JUNK_CHANGED	"pgsync_changed"

/*
 * The query environment's entry that leads from an executor state back to
 * us; no query can name it.
 */
#define STATEMENT_ENTRY \
	"pgsync_row_statement: the way from the executor back to its statement"

StaticAssertDecl(sizeof(STATEMENT_ENTRY) > NAMEDATALEN,
				 "no query must be able to name the entry");

/*
 * What the planner must not use; see above.  A method that is disabled but the
 * only one makes the plan look so costly that it would be compiled.
 */
static const char *const unfit_methods[] = {
	"enable_hashjoin",
	"enable_mergejoin",
	"enable_material",
	"enable_memoize",
	"enable_seqscan",
	"jit",
};

struct PgsyncRowStatement
{
	PgsyncRowQuery query;
	Snapshot	snapshot;
	QueryEnvironment *env;
	EphemeralNamedRelation rows;
	PlannedStmt *plan;
	QueryDesc  *queryDesc;
	bool		rescans;		/* can the plan be executed again? */
	ExecProcNodeMtd next_row;	/* of the node below ModifyTable */
	AttrNumber	changed_attno;	/* 0 if all rows change */
	const PgsyncRow *row;		/* at hand */
	bool		found;			/* has the target a row with its key? */
	bool		unchanged;		/* and is that one equal? */
	PgsyncTriggerWatch *watch;	/* NULL if no trigger can keep a row */
	MemoryContext context;
};

/* Returns the row type of pgsync_rows: the target's columns as c1, c2, ... */
static TupleDesc
make_rows_desc(PgsyncTarget *target)
{
	TupleDesc	target_desc = RelationGetDescr(target->rel);
	TupleDesc	desc = CreateTemplateTupleDesc(target->natts);

	for (int i = 0; i < target->natts; i++)
	{
		if (TupleDescAttr(target_desc, i)->attisdropped)
			TupleDescInitEntry(desc, i + 1, NULL, INT4OID, -1, 0);
		else
			TupleDescCopyEntry(desc, i + 1, target_desc, i + 1);
		namestrcpy(&TupleDescAttr(desc, i)->attname, psprintf("c%d", i + 1));
	}
	return desc;
}

/*
 * Makes a tuplestore with one row of nulls.  It only tells scans of
 * pgsync_rows where they are: the row at hand takes its place.
 */
static Tuplestorestate *
make_stand_in(TupleDesc desc)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	Datum	   *values = palloc0(sizeof(Datum) * Max(desc->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(desc->natts, 1));

	memset(nulls, true, desc->natts);
	tuplestore_putvalues(store, desc, values, nulls);
	return store;
}

/* Adds an entry to the query environment. */
static EphemeralNamedRelation
add_entry(PgsyncRowStatement *statement, char *name, TupleDesc desc,
		  void *data)
{
	EphemeralNamedRelation entry = palloc0(sizeof(EphemeralNamedRelationData));

	entry->md.name = name;
	entry->md.reliddesc = InvalidOid;
	entry->md.tupdesc = desc;
	entry->md.enrtype = ENR_NAMED_TUPLESTORE;
	entry->md.enrtuples = 1;
	entry->reldata = data;
	register_ENR(statement->env, entry);
	return entry;
}

/* Registers pgsync_rows, and the way back from the executor to us. */
static void
make_environment(PgsyncRowStatement *statement)
{
	TupleDesc	desc = make_rows_desc(statement->query.target);

	statement->env = create_queryEnv();
	statement->rows = add_entry(statement, ROWS_NAME, desc,
								make_stand_in(desc));
	add_entry(statement, STATEMENT_ENTRY, desc, statement);
}

/* Returns the statement that an executor state of ours belongs to. */
static PgsyncRowStatement *
statement_of(EState *estate)
{
	return get_ENR(estate->es_queryEnv, STATEMENT_ENTRY)->reldata;
}

/* Refuses what rules or other extensions make of the statement (0A000). */
static void
refuse_rewritten(PgsyncRowStatement *statement)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot update relation \"%s\"",
					RelationGetRelationName(statement->query.target->rel)),
			 errdetail("A rule or another extension changes what an UPDATE of it does.")));
}

/* Parses and rewrites the statement. */
static Query *
rewrite_statement(PgsyncRowStatement *statement)
{
	PgsyncRowQuery *def = &statement->query;
	Query	   *query = pgsync_query_analyze(def->text, def->params,
											 statement->env);
	List	   *rewritten;

	pgsync_check_found(query, def->target->rel);
	if (def->skip_unchanged)
		pgsync_move_last_condition(query, JUNK_CHANGED);
	rewritten = pgsync_query_rewrite(query, def->text);
	if (!pgsync_is_as_written(rewritten, def->operation))
		refuse_rewritten(statement);
	return linitial_node(Query, rewritten);
}

/* Plans the statement, such that it can be executed again and again. */
static void
plan_statement(PgsyncRowStatement *statement)
{
	PgsyncPlans *plans = statement->query.target->plans;
	Query	   *query;
	int			level;

	statement->plan = pgsync_plans_find(plans, statement->query.text);
	if (statement->plan != NULL)
		return;
	query = rewrite_statement(statement);
	level = NewGUCNestLevel();
	for (int i = 0; i < lengthof(unfit_methods); i++)
		(void) set_config_option(unfit_methods[i], "off", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	/* the values of $n change from row to row: they are not planned with */
	statement->plan = pgsync_query_plan(query, statement->query.text, 0, NULL);
	AtEOXact_GUC(true, level);
	if (statement->query.operation == CMD_UPDATE &&
		!IsA(statement->plan->planTree, ModifyTable))
		refuse_rewritten(statement);
	pgsync_plans_keep(plans, statement->query.text, statement->plan);
}

/* Returns whether a node, or one below it, keeps rows through a rescan. */
static bool
keeps_rows(PlanState *node, void *context)
{
	switch (nodeTag(node))
	{
		case T_ModifyTableState:
		case T_NestLoopState:
		case T_AppendState:
		case T_ResultState:
		case T_SubqueryScanState:
		case T_NamedTuplestoreScanState:
		case T_SeqScanState:
		case T_IndexScanState:
		case T_IndexOnlyScanState:
		case T_BitmapHeapScanState:
		case T_BitmapIndexScanState:
		case T_TidScanState:
			break;
		default:
			return true;
	}
	for (int i = 0; i < 2; i++)
	{
		PlanState  *child = i == 0 ? outerPlanState(node) : innerPlanState(node);

		if (child != NULL && keeps_rows(child, context))
			return true;
	}
	if (IsA(node, SubqueryScanState))
		return keeps_rows(castNode(SubqueryScanState, node)->subplan, context);
	if (IsA(node, AppendState))
	{
		AppendState *append = castNode(AppendState, node);

		for (int i = 0; i < append->as_nplans; i++)
		{
			if (keeps_rows(append->appendplans[i], context))
				return true;
		}
	}
	return false;
}

/* Stores the row at hand into a scan's slot; an access method of ExecScan. */
static TupleTableSlot *
scan_next(ScanState *node)
{
	PgsyncRowStatement *statement = statement_of(node->ps.state);
	NamedTuplestoreScanState *scan = (NamedTuplestoreScanState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	Size		natts = slot->tts_tupleDescriptor->natts;

	tuplestore_select_read_pointer(scan->relation, scan->readptr);
	if (!tuplestore_advance(scan->relation, true))
		return ExecClearTuple(slot);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, statement->row->values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, statement->row->nulls, natts * sizeof(bool));
	return ExecStoreVirtualTuple(slot);
}

/* Nothing to recheck: the row is the statement's own. */
static bool
scan_recheck(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

/* Stands in for ExecNamedTuplestoreScan. */
static TupleTableSlot *
scan_exec(PlanState *node)
{
	return ExecScan((ScanState *) node, scan_next, scan_recheck);
}

/* Has scans of pgsync_rows find the row at hand. */
static bool
install_scan(PlanState *node, void *context)
{
	if (IsA(node, NamedTuplestoreScanState))
		ExecSetExecProcNode(node, scan_exec);
	return planstate_tree_walker(node, install_scan, context);
}

/*
 * Stands between ModifyTable and the node below it: notes that there is a
 * row, and leaves it out if it would not change.
 */
static TupleTableSlot *
next_changed_row(PlanState *node)
{
	PgsyncRowStatement *statement = statement_of(node->state);

	for (;;)
	{
		TupleTableSlot *slot = statement->next_row(node);
		bool		isnull;

		if (TupIsNull(slot))
			return slot;
		statement->found = true;
		if (statement->changed_attno == 0 ||
			DatumGetBool(slot_getattr(slot, statement->changed_attno,
									  &isnull)))
			return slot;
		statement->unchanged = true;
	}
}

/* Puts us below a started plan's ModifyTable. */
static void
install_below_modify(PgsyncRowStatement *statement)
{
	PlanState  *node = outerPlanState(statement->queryDesc->planstate);

	if (statement->query.skip_unchanged)
	{
		statement->changed_attno =
			ExecFindJunkAttributeInTlist(node->plan->targetlist, JUNK_CHANGED);
		if (statement->changed_attno == 0)
			elog(ERROR, "could not find junk columns in a plan");
	}
	statement->next_row = node->ExecProcNodeReal;
	ExecSetExecProcNode(node, next_changed_row);
	statement->watch =
		pgsync_trigger_watch_start(castNode(ModifyTableState,
											statement->queryDesc->planstate));
}

/* Starts the executor on the plan. */
static void
start_plan(PgsyncRowStatement *statement)
{
	PgsyncRowQuery *def = &statement->query;
	PlanState  *top;

	statement->queryDesc = CreateQueryDesc(statement->plan, def->text,
										   statement->snapshot,
										   InvalidSnapshot, def->dest,
										   def->params, statement->env, 0);
	pgsync_query_level_start(statement->queryDesc);
	top = statement->queryDesc->planstate;
	install_scan(top, NULL);
	if (def->operation == CMD_UPDATE)
		install_below_modify(statement);
	statement->rescans = !keeps_rows(top, NULL);
	def->dest->rStartup(def->dest, def->operation,
						statement->queryDesc->tupDesc);
}

/* Ends the executor. */
static void
end_plan(PgsyncRowStatement *statement)
{
	QueryDesc  *queryDesc = statement->queryDesc;

	ExecutorFinish(queryDesc);
	ExecutorEnd(queryDesc);
	FreeQueryDesc(queryDesc);
	statement->queryDesc = NULL;
}

/*
 * Starts a statement, within the query level at hand.  It sees what "snapshot"
 * does, and the commands before each execution.
 *
 * Errors: those of planning it and of privileges; 0A000 for rules.
 */
PgsyncRowStatement *
pgsync_row_statement_start(const PgsyncRowQuery *query, Snapshot snapshot)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync row statement",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	PgsyncRowStatement *statement = palloc0(sizeof(PgsyncRowStatement));

	statement->query = *query;
	statement->query.text = pstrdup(query->text);
	statement->snapshot = snapshot;
	statement->context = context;
	make_environment(statement);
	plan_statement(statement);
	PushActiveSnapshot(snapshot);
	start_plan(statement);
	PopActiveSnapshot();
	MemoryContextSwitchTo(oldcontext);
	return statement;
}

/*
 * Returns what writes the rows of an UPDATE; NULL if its executor is started
 * for every row.
 */
ModifyTableState *
pgsync_row_statement_modifier(PgsyncRowStatement *statement)
{
	return !statement->rescans ? NULL :
		castNode(ModifyTableState, statement->queryDesc->planstate);
}

/* Executes the plan once, and makes it ready for the next time. */
static void
execute_plan(PgsyncRowStatement *statement)
{
	PlanState  *top = statement->queryDesc->planstate;
	MemoryContext oldcontext = MemoryContextSwitchTo(statement->queryDesc->estate->es_query_cxt);
	TupleTableSlot *slot;

	for (;;)
	{
		slot = ExecProcNode(top);
		if (TupIsNull(slot))
			break;
		statement->found = true;
		statement->query.dest->receiveSlot(slot, statement->query.dest);
	}
	/* this also lets go of pages: nobody must wait for them meanwhile */
	if (IsA(top, ModifyTableState) && statement->rescans)
	{
		ExecReScan(outerPlanState(top));
		((ModifyTableState *) top)->mt_done = false;
	}
	else if (statement->rescans)
		ExecReScan(top);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Judges an execution.  A row that was found but not written has been kept by
 * a trigger, which was called then; else another transaction has taken it away
 * or changed its key.
 */
static PgsyncRowOutcome
judge(PgsyncRowStatement *statement, uint64 seen_processed)
{
	bool		triggered;

	if (!statement->found)
		return PGSYNC_ROW_ABSENT;
	if (statement->query.operation == CMD_SELECT)
		return PGSYNC_ROW_UNCHANGED;
	triggered = statement->watch != NULL &&
		pgsync_trigger_watch_called(statement->watch);
	if (statement->queryDesc->estate->es_processed > seen_processed)
		return PGSYNC_ROW_WRITTEN;
	if (statement->unchanged || triggered ||
		IsolationUsesXactSnapshot())
		return PGSYNC_ROW_UNCHANGED;
	return PGSYNC_ROW_GONE;
}

/*
 * Executes the statement for a row, as a command of its own that sees all
 * commands before it, unless all executions are to be one.
 *
 * Errors: those of the statement.
 */
PgsyncRowOutcome
pgsync_row_statement_execute(PgsyncRowStatement *statement,
							 const PgsyncRow *row)
{
	PgsyncRowOutcome outcome;
	uint64		seen_processed;

	if (!statement->query.one_command)
	{
		CommandCounterIncrement();
		statement->snapshot->curcid = GetCurrentCommandId(false);
	}
	PushActiveSnapshot(statement->snapshot);
	if (statement->queryDesc == NULL)
	{
		MemoryContext oldcontext = MemoryContextSwitchTo(statement->context);

		start_plan(statement);
		MemoryContextSwitchTo(oldcontext);
	}
	if (statement->query.operation != CMD_SELECT)
		statement->queryDesc->estate->es_output_cid = GetCurrentCommandId(true);
	statement->row = row;
	statement->found = false;
	statement->unchanged = false;
	seen_processed = statement->queryDesc->estate->es_processed;
	execute_plan(statement);
	outcome = judge(statement, seen_processed);
	if (!statement->rescans)
		end_plan(statement);
	PopActiveSnapshot();
	return outcome;
}

/* Ends the statement, and frees it. */
void
pgsync_row_statement_end(PgsyncRowStatement *statement)
{
	if (statement->queryDesc != NULL)
		end_plan(statement);
	tuplestore_end(statement->rows->reldata);
	MemoryContextDelete(statement->context);
}
