/*-------------------------------------------------------------------------
 *
 * query_level.c
 *	  Several statements that count as one for triggers and foreign keys.
 *
 * What a mirror has to do (delete, update, insert) is three statements for
 * the executor, and rows that name differing columns are one UPDATE for each
 * set of columns.  For who calls it is one statement, and so it must be for
 * what is checked and fired at a statement's end:
 *
 * - A foreign key that leads to the table itself is satisfied by a row that a
 *	 later part inserts, and violated by one that a later part deletes; ON
 *	 DELETE CASCADE must not take children along that a later part hangs onto
 *	 another parent.
 * - AFTER triggers see the table as it is when all is done; statement triggers
 *	 fire once for each kind of event, with all rows in their transition tables.
 *
 * Core keeps such events by query level (trigger.c), which ExecutorStart
 * begins and ExecutorFinish ends.  Here a level is begun by hand, the parts
 * run with EXEC_FLAG_SKIP_TRIGGERS, which leaves their events to the level
 * around them, and the level is ended by hand.  The queries of foreign key
 * actions (ri_triggers.c) run that way too.
 *
 * An error in between needs no care: the abort of the (sub)transaction resets
 * the levels.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "commands/trigger.h"
#include "executor/executor.h"
#include "insert/query_level.h"
#include "utils/snapmgr.h"

/* Begins a level; what statements queue from now on belongs to it. */
void
pgsync_query_level_begin(void)
{
	AfterTriggerBeginQuery();
}

/* Starts the executor on a part of the level. */
void
pgsync_query_level_start(QueryDesc *queryDesc)
{
	ExecutorStart(queryDesc, EXEC_FLAG_SKIP_TRIGGERS);
}

/*
 * Fires what the level's statements have queued, and ends it.
 *
 * They have ended, and their executor states with them: the triggers get
 * one of their own, in which trigger.c opens the relations that it needs.
 */
void
pgsync_query_level_end(void)
{
	EState	   *estate = CreateExecutorState();

	PushActiveSnapshot(GetTransactionSnapshot());
	estate->es_snapshot = GetActiveSnapshot();
	AfterTriggerEndQuery(estate);
	ExecCloseResultRelations(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	PopActiveSnapshot();
	FreeExecutorState(estate);
}
