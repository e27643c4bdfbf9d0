/*-------------------------------------------------------------------------
 *
 * run.c
 *	  One run of the INSERT statement, as its sink sees it.
 *
 * statement.c makes a run, and chooses a sink for it; the sink starts the
 * plan, puts itself in the place of one of the plan's nodes, and executes it:
 *
 *		pgsync_run_start_plan -> ExecSetExecProcNode -> pgsync_run_execute_plan
 *			-> the node's function -> pgsync_run_of(its EState) -> feed
 *			-> pgsync_run_finish_plan
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "row/run.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

/*
 * The query environment's entry that leads from an EState back to us.  It is
 * no relation: its name is longer than any that a query could have.
 */
#define LINK_ENTRY \
	"pgsync run: the way from the executor back to the run of a statement"

StaticAssertDecl(sizeof(LINK_ENTRY) > NAMEDATALEN,
				 "no query must be able to name the entry");

/* Begins a query level for the triggers of one row, if they fire by row. */
void
pgsync_run_begin_triggers(PgsyncRun *run)
{
	if (run->fires_by_row)
		AfterTriggerBeginQuery();
}

/* Fires what the row has queued, and ends its query level. */
void
pgsync_run_fire_triggers(PgsyncRun *run)
{
	if (run->fires_by_row)
		AfterTriggerEndQuery(run->queryDesc->estate);
}

/* Returns the row type of pgsync_rows: the listed columns of the target. */
static TupleDesc
make_rows_desc(PgsyncRun *run)
{
	TupleDesc	target_desc = RelationGetDescr(run->target->rel);
	TupleDesc	desc = CreateTemplateTupleDesc(run->ncolumns);

	for (int i = 0; i < run->ncolumns; i++)
		TupleDescCopyEntry(desc, i + 1, target_desc, run->columns[i]);
	return desc;
}

/* Makes an entry of the query environment. */
static EphemeralNamedRelation
make_entry(char *name, TupleDesc desc, void *data)
{
	EphemeralNamedRelation entry = palloc0(sizeof(EphemeralNamedRelationData));

	entry->md.name = name;
	entry->md.reliddesc = InvalidOid;
	entry->md.tupdesc = desc;
	entry->md.enrtype = ENR_NAMED_TUPLESTORE;
	entry->reldata = data;
	return entry;
}

/*
 * Sets a run up, whose pgsync_rows has the columns given: an element for
 * every attribute of the target.
 */
void
pgsync_run_init(PgsyncRun *run, PgsyncTarget *target, const bool *columns)
{
	TupleDesc	desc;

	run->target = target;
	run->columns = palloc(sizeof(AttrNumber) * Max(target->natts, 1));
	for (int i = 0; i < target->natts; i++)
	{
		if (columns[i])
			run->columns[run->ncolumns++] = i + 1;
	}
	desc = make_rows_desc(run);
	run->rows = make_entry(PGSYNC_ROWS, desc, NULL);
	run->env = create_queryEnv();
	register_ENR(run->env, run->rows);
	register_ENR(run->env, make_entry(LINK_ENTRY, desc, run));
}

/* Returns the run that an executor state of ours belongs to. */
PgsyncRun *
pgsync_run_of(EState *estate)
{
	return get_ENR(estate->es_queryEnv, LINK_ENTRY)->reldata;
}

/* Starts the executor on the plan. */
void
pgsync_run_start_plan(PgsyncRun *run, DestReceiver *dest)
{
	run->queryDesc = CreateQueryDesc(run->plan, run->query,
									 GetActiveSnapshot(), InvalidSnapshot,
									 dest, run->params, run->env,
									 run->one_by_one ? INSTRUMENT_ROWS : 0);
	ExecutorStart(run->queryDesc, 0);
}

/* Counts what the executor has done since it was last counted. */
void
pgsync_run_count_rows(PgsyncRun *run)
{
	uint64		processed = run->queryDesc->estate->es_processed;

	if (run->one_by_one)
	{
		double		conflicts = run->queryDesc->planstate->instrument->ntuples2;

		if (conflicts > run->seen_conflicts)
		{
			run->counts.updated += processed - run->counts.processed;
			run->counts.unchanged += processed == run->counts.processed;
		}
		run->seen_conflicts = conflicts;
	}
	run->counts.processed = processed;
}

/*
 * Returns whether the row that was begun last has met one that it conflicts
 * with, whatever became of it.
 */
bool
pgsync_run_met_conflict(PgsyncRun *run)
{
	return run->queryDesc->planstate->instrument->ntuples2 >
		run->seen_conflicts;
}

/* Has what is written next be a command of its own. */
void
pgsync_run_begin_command(PgsyncRun *run)
{
	CommandCounterIncrement();
	run->queryDesc->estate->es_output_cid = GetCurrentCommandId(true);
}

/*
 * Begins with a row that is a command of its own, and sees what earlier rows
 * have done; where rows wait, the command begins when they are stored.
 */
void
pgsync_run_begin_row(PgsyncRun *run, bool row_updates)
{
	pgsync_run_count_rows(run);
	run->row_updates = row_updates;
	if (run->new_rows == NULL)
		pgsync_run_begin_command(run);
}

/* Executes the started plan, and counts its rows. */
void
pgsync_run_execute_plan(PgsyncRun *run)
{
	pgsync_executor_run(run->queryDesc);
	pgsync_run_count_rows(run);
}

/* Ends the executor. */
void
pgsync_run_finish_plan(PgsyncRun *run)
{
	ExecutorFinish(run->queryDesc);
	ExecutorEnd(run->queryDesc);
	FreeQueryDesc(run->queryDesc);
	run->queryDesc = NULL;
}
