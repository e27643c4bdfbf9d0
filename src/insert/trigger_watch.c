/*-------------------------------------------------------------------------
 *
 * trigger_watch.c
 *	  Whether a trigger may have kept a row from being written.
 *
 * A row that an UPDATE or DELETE has found but not written has either been
 * kept as it is by a BEFORE ROW or INSTEAD OF trigger, or another transaction
 * has taken it, or its key, away.  The executor does not tell which.  But it
 * locks the row before it calls a trigger, and calls none for a row that is
 * gone: so calls are counted, by the executor's own means for EXPLAIN.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_trigger.h"
#include "executor/instrument.h"
#include "insert/trigger_watch.h"
#include "utils/palloc.h"
#include "utils/reltrigger.h"

struct PgsyncTriggerWatch
{
	ModifyTableState *mtstate;
	double	   *seen;			/* calls so far, by result relation */
};

/*
 * Returns whether a trigger may keep a row as it is; a row that moves to
 * another partition is deleted.
 */
static bool
may_keep_row(const Trigger *trigger)
{
	return TRIGGER_FOR_ROW(trigger->tgtype) &&
		!TRIGGER_FOR_AFTER(trigger->tgtype) &&
		(TRIGGER_FOR_UPDATE(trigger->tgtype) ||
		 TRIGGER_FOR_DELETE(trigger->tgtype));
}

/* Returns how often such triggers of a relation have been called so far. */
static double
count_calls(const ResultRelInfo *relinfo)
{
	TriggerDesc *triggers = relinfo->ri_TrigDesc;
	double		calls = 0;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (may_keep_row(&triggers->triggers[i]))
			calls += relinfo->ri_TrigInstrument[i].tuplecount;
	}
	return calls;
}

/* Returns whether a relation has such triggers. */
static bool
has_keeping_triggers(const ResultRelInfo *relinfo)
{
	TriggerDesc *triggers = relinfo->ri_TrigDesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (may_keep_row(&triggers->triggers[i]))
			return true;
	}
	return false;
}

/*
 * Begins to watch the triggers of a started UPDATE or DELETE; NULL if there
 * are none to be watched.  It goes when the executor ends.
 */
PgsyncTriggerWatch *
pgsync_trigger_watch_start(ModifyTableState *mtstate)
{
	PgsyncTriggerWatch *watch;
	MemoryContext oldcontext;
	bool		any = false;

	for (int i = 0; i < mtstate->mt_nrels && !any; i++)
		any = has_keeping_triggers(&mtstate->resultRelInfo[i]);
	if (!any)
		return NULL;
	oldcontext = MemoryContextSwitchTo(mtstate->ps.state->es_query_cxt);
	watch = palloc(sizeof(PgsyncTriggerWatch));
	watch->mtstate = mtstate;
	watch->seen = palloc0(sizeof(double) * mtstate->mt_nrels);
	for (int i = 0; i < mtstate->mt_nrels; i++)
	{
		ResultRelInfo *relinfo = &mtstate->resultRelInfo[i];

		/* it is there already if somebody (auto_explain) asks for it, too */
		if (relinfo->ri_TrigDesc != NULL && relinfo->ri_TrigInstrument == NULL)
			relinfo->ri_TrigInstrument =
				InstrAlloc(relinfo->ri_TrigDesc->numtriggers, INSTRUMENT_ROWS,
						   false);
	}
	MemoryContextSwitchTo(oldcontext);
	return watch;
}

/*
 * Returns whether a trigger that may keep it has been called for the row that
 * the node was given last; to be asked after every row.
 */
bool
pgsync_trigger_watch_called(PgsyncTriggerWatch *watch)
{
	ModifyTableState *mtstate = watch->mtstate;
	int			index = mtstate->mt_lastResultIndex;
	double		before = watch->seen[index];

	watch->seen[index] = count_calls(&mtstate->resultRelInfo[index]);
	return watch->seen[index] > before;
}
