/*-------------------------------------------------------------------------
 *
 * heap_new_rows.c
 *	  New rows of an upsert, stored many at a time.
 *
 * A row that upsert_look.c has found no other of is new, in all likelihood: it
 * waits here until there are enough to be stored as ON CONFLICT DO NOTHING
 * stores its rows (heap_buffer.c).  This stands between the started plan's
 * ModifyTable and the node below it:
 *
 *		node below -> constraints -> buffer -> stored, as nothing is in the way
 *			-> else to ModifyTable, which inserts or updates
 *
 * Whoever is about to see the table, or to change it, asks for the rows to be
 * stored first: the feed then ends as if there were no more rows, and
 * PgsyncRun.waits says that there are.  So does one who looks for a key that
 * waits here.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "sink/heap_buffer.h"
#include "sink/heap_new_rows.h"
#include "sink/heap_update.h"
#include "sink/held_keys.h"
#include "sink/may_look.h"
#include "sink/sinks.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* What ModifyTable must know of a row that it is handed */
typedef struct HeldRow
{
	bool		updates;		/* PgsyncRun.row_updates */
	Datum	   *params;			/* the values of PgsyncRun.params */
} HeldRow;

struct PgsyncNewRows
{
	PgsyncRun  *run;
	ExecProcNodeMtd next_row;	/* of the node below ModifyTable */
	PgsyncRowBuffer *buffer;
	PgsyncHeldKeys *keys;		/* of the rows in the buffer */
	HeldRow    *held;			/* by row of the buffer */
	bool		storing;		/* are the rows in the buffer on their way? */
	int			stored;			/* then: so many are dealt with */
	bool		handed;			/* has ModifyTable got one of them? */
	bool		ended;			/* are there no more rows? */
};

/* Returns the index that rows conflict in; NULL if its keys cannot be held. */
static Relation
find_key_index(ResultRelInfo *resultRelInfo)
{
	List	   *arbiters = resultRelInfo->ri_onConflictArbiterIndexes;

	if (list_length(arbiters) != 1)
		return NULL;
	for (int i = 0; i < resultRelInfo->ri_NumIndices; i++)
	{
		Relation	index = resultRelInfo->ri_IndexRelationDescs[i];

		if (RelationGetRelid(index) == linitial_oid(arbiters))
			return pgsync_held_keys_fit(index) ? index : NULL;
	}
	return NULL;
}

/*
 * Returns whether the new rows of a started plan can wait: an ordinary table
 * that is nobody's partition, without row-level security; no snapshot of the
 * whole transaction's, with which a conflict may be an error; and nothing that
 * runs for a row could tell.
 */
static bool
rows_can_wait(PgsyncRun *run, ModifyTableState *mtstate)
{
	ModifyTable *node = (ModifyTable *) mtstate->ps.plan;
	ResultRelInfo *resultRelInfo = mtstate->resultRelInfo;
	Relation	rel = resultRelInfo->ri_RelationDesc;
	TriggerDesc *triggers = resultRelInfo->ri_TrigDesc;

	return pgsync_sink_setting == PGSYNC_SINK_AUTO &&
		node->onConflictAction != ONCONFLICT_NONE &&
		node->returningLists == NIL &&
		rel->rd_rel->relkind == RELKIND_RELATION &&
		!rel->rd_rel->relispartition &&
		RelationGetRelid(rel) == RelationGetRelid(run->target->rel) &&
		resultRelInfo->ri_WithCheckOptions == NIL &&
		!IsolationUsesXactSnapshot() &&
		mtstate->mt_transition_capture == NULL &&
		pgsync_rows_are_laid_out(mtstate) &&
		!(run->fires_by_row && triggers != NULL &&
		  (triggers->trig_insert_after_row ||
		   triggers->trig_update_after_row)) &&
		!pgsync_expression_may_look((Node *) run->feed->expressions) &&
		pgsync_rows_can_wait(rel);
}

/* Notes what ModifyTable must know if it is handed the buffer's next row. */
static void
note_row(PgsyncNewRows *rows)
{
	PgsyncRun  *run = rows->run;
	HeldRow    *held = &rows->held[rows->buffer->nrows];

	held->updates = run->row_updates;
	for (int i = 0; i < run->params->numParams; i++)
		held->params[i] = run->params->params[i].value;
}

/* Checks a row as INSERT does, and adds it to those that wait. */
static void
hold_row(PgsyncNewRows *rows, TupleTableSlot *row)
{
	PgsyncRowBuffer *buffer = rows->buffer;
	ResultRelInfo *resultRelInfo = buffer->resultRelInfo;
	Relation	rel = resultRelInfo->ri_RelationDesc;
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	TupleTableSlot *slot = pgsync_row_buffer_next_slot(buffer);

	ExecCopySlot(slot, row);
	slot->tts_tableOid = row->tts_tableOid = RelationGetRelid(rel);
	if (constr != NULL && constr->has_generated_stored)
	{
		ExecComputeStoredGenerated(resultRelInfo, buffer->estate, slot,
								   CMD_INSERT);
		row = slot;
	}
	if (constr != NULL)
		ExecConstraints(resultRelInfo, row, buffer->estate);
	if (!pgsync_held_keys_add(rows->keys, slot))
		elog(ERROR, "the key of a new row waits already");
	note_row(rows);
	rows->storing = pgsync_row_buffer_add(buffer,
										  pgsync_row_buffer_size(buffer, slot));
	ResetPerTupleExprContext(buffer->estate);
}

/* Hands a row of the buffer over, as a command of its own. */
static TupleTableSlot *
hand_over(PgsyncNewRows *rows, int number)
{
	PgsyncRun  *run = rows->run;
	HeldRow    *held = &rows->held[number];

	for (int i = 0; i < run->params->numParams; i++)
		run->params->params[i].value = held->params[i];
	pgsync_run_begin_row(run, held->updates);
	pgsync_run_begin_command(run);
	run->place->storing_first = run->place->storing_last =
		rows->buffer->numbers[number];
	rows->handed = true;
	return rows->buffer->slots[number];
}

/* Goes on behind a row that ModifyTable has dealt with. */
static void
take_over(PgsyncNewRows *rows)
{
	pgsync_run_count_rows(rows->run);
	rows->run->place->storing_first = rows->run->place->storing_last = 0;
	rows->handed = false;
}

/*
 * Stores the rows that wait.  Returns one that is for ModifyTable, after which
 * this goes on; NULL when all are dealt with.
 */
static TupleTableSlot *
store_held_rows(PgsyncNewRows *rows)
{
	PgsyncRowBuffer *buffer = rows->buffer;

	pgsync_run_begin_command(rows->run);
	rows->stored = pgsync_row_buffer_store(buffer, rows->stored);
	if (rows->stored < buffer->nrows)
		return hand_over(rows, rows->stored++);
	pgsync_held_keys_clear(rows->keys);
	pgsync_row_buffer_reset(buffer);
	rows->storing = false;
	rows->stored = 0;
	return NULL;
}

/* Holds the next row; if there is none for now, has those held stored. */
static void
take_row(PgsyncNewRows *rows, PlanState *pstate)
{
	TupleTableSlot *row = rows->next_row(pstate);

	if (!TupIsNull(row))
	{
		hold_row(rows, row);
		return;
	}
	rows->ended = !rows->run->waits;
	rows->run->waits = false;
	rows->storing = pgsync_new_rows_any(rows);
}

/* Stands in for the node below ModifyTable. */
static TupleTableSlot *
new_rows_exec(PlanState *pstate)
{
	PgsyncNewRows *rows = pgsync_run_of(pstate->state)->new_rows;

	if (rows->handed)
		take_over(rows);
	for (;;)
	{
		if (rows->storing)
		{
			TupleTableSlot *row = store_held_rows(rows);

			if (row != NULL)
				return row;
		}
		else if (rows->ended)
			return NULL;
		else
			take_row(rows, pstate);
	}
}

/* Makes room for what is noted of the rows. */
static HeldRow *
make_held_rows(int nrows, int nparams)
{
	HeldRow    *held = palloc(sizeof(HeldRow) * nrows);
	Datum	   *params = palloc(sizeof(Datum) * nrows * nparams);

	for (int i = 0; i < nrows; i++)
		held[i].params = params + (Size) i * nparams;
	return held;
}

/*
 * Stands between a started plan's ModifyTable and its rows, if that gives the
 * same result; else returns NULL.
 */
PgsyncNewRows *
pgsync_new_rows_install(PgsyncRun *run)
{
	ModifyTableState *mtstate = castNode(ModifyTableState,
										 run->queryDesc->planstate);
	ResultRelInfo *resultRelInfo = mtstate->resultRelInfo;
	PlanState  *below = outerPlanState(mtstate);
	Relation	index;
	PgsyncNewRows *rows = NULL;
	MemoryContext oldcontext;

	if (!rows_can_wait(run, mtstate))
		return NULL;
	oldcontext = MemoryContextSwitchTo(run->queryDesc->estate->es_query_cxt);
	if (resultRelInfo->ri_IndexRelationDescs == NULL)
		ExecOpenIndices(resultRelInfo, true);
	index = find_key_index(resultRelInfo);
	if (index != NULL)
	{
		rows = palloc0(sizeof(PgsyncNewRows));
		rows->run = run;
		rows->buffer = pgsync_row_buffer_create(run, resultRelInfo,
												PGSYNC_CONFLICT_RETURNED,
												false);
		rows->keys = pgsync_held_keys_create(index, rows->buffer->max_rows);
		rows->held = make_held_rows(rows->buffer->max_rows,
									run->params->numParams);
		rows->next_row = below->ExecProcNodeReal;
		ExecSetExecProcNode(below, new_rows_exec);
	}
	MemoryContextSwitchTo(oldcontext);
	return rows;
}

/* Returns whether there are rows that wait; NULL stands for none. */
bool
pgsync_new_rows_any(const PgsyncNewRows *rows)
{
	return rows != NULL && rows->buffer->nrows > 0;
}

/*
 * Returns whether a row with the same key waits; "values" has an element for
 * every attribute.
 */
bool
pgsync_new_rows_find(const PgsyncNewRows *rows, const Datum *values)
{
	return pgsync_new_rows_any(rows) &&
		pgsync_held_keys_find(rows->keys, values);
}

/* Ends the scans, before the plan is ended. */
void
pgsync_new_rows_free(PgsyncNewRows *rows)
{
	pgsync_row_buffer_free(rows->buffer);
}
