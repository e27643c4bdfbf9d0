/*-------------------------------------------------------------------------
 *
 * known_row.c
 *	  Updates a row that has been found, without executing the UPDATE's plan.
 *
 * UPDATE target SET a = r.c2 FROM pgsync_rows AS r WHERE key: once the row of
 * the key is at hand, all that the plan would do is to find it again, and to
 * put the values that the input row brings in place of its own.  So this makes
 * the new version, and has it stored (heap_version.c), with the started plan's
 * own ResultRelInfo: its privileges have been checked.
 *
 *		row found -> new version -> checked -> stored
 *			another transaction has changed the row -> the plan's business
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "insert/known_row.h"
#include "sink/heap_version.h"
#include "utils/datum.h"
#include "utils/rel.h"

struct PgsyncKnownRows
{
	ModifyTableState *mtstate;
	TupleTableSlot *version;	/* the new one */
	ItemPointerData tid;		/* of the one before */
};

/* Returns whether no trigger runs that only ModifyTable knows of. */
static bool
triggers_fit(ModifyTableState *mtstate)
{
	TriggerDesc *triggers = mtstate->resultRelInfo->ri_TrigDesc;

	return mtstate->mt_transition_capture == NULL &&
		(triggers == NULL ||
		 (!triggers->trig_update_before_row &&
		  !triggers->trig_update_before_statement &&
		  !triggers->trig_update_after_statement));
}

/* Returns whether heap_version.c does all that the plan would. */
static bool
plan_fits(ModifyTableState *mtstate)
{
	ModifyTable *node = (ModifyTable *) mtstate->ps.plan;
	ResultRelInfo *resultRelInfo = mtstate->resultRelInfo;
	Form_pg_class form = resultRelInfo->ri_RelationDesc->rd_rel;

	return node->operation == CMD_UPDATE && mtstate->mt_nrels == 1 &&
		node->returningLists == NIL &&
		form->relkind == RELKIND_RELATION && !form->relispartition &&
		resultRelInfo->ri_WithCheckOptions == NIL &&
		triggers_fit(mtstate);
}

/*
 * Prepares to update the rows of a started UPDATE of one table, in the
 * executor's memory.  NULL if its plan must be executed for each row.
 */
PgsyncKnownRows *
pgsync_known_rows_create(ModifyTableState *mtstate)
{
	ResultRelInfo *resultRelInfo = mtstate->resultRelInfo;
	EState	   *estate = mtstate->ps.state;
	PgsyncKnownRows *known;
	MemoryContext oldcontext;

	if (!plan_fits(mtstate))
		return NULL;
	oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	if (resultRelInfo->ri_IndexRelationDescs == NULL)
		ExecOpenIndices(resultRelInfo, false);
	known = palloc0(sizeof(PgsyncKnownRows));
	known->mtstate = mtstate;
	known->version = table_slot_create(resultRelInfo->ri_RelationDesc,
									   &estate->es_tupleTable);
	MemoryContextSwitchTo(oldcontext);
	return known;
}

/*
 * Returns whether an input row would change a stored one: whether the images
 * of the values that it brings differ (*<>, which is indifferent to how they
 * are stored).
 */
bool
pgsync_row_may_change(const PgsyncRow *row, List *set_columns,
					  TupleTableSlot *stored)
{
	ListCell   *cell;

	foreach(cell, set_columns)
	{
		int			i = lfirst_int(cell) - 1;
		Form_pg_attribute attr = TupleDescAttr(stored->tts_tupleDescriptor, i);
		bool		isnull;
		Datum		value;

		if (!row->named[i])
			continue;
		value = slot_getattr(stored, i + 1, &isnull);
		if (isnull != row->nulls[i])
			return true;
		if (!isnull && !datum_image_eq(value, row->values[i], attr->attbyval,
									   attr->attlen))
			return true;
	}
	return false;
}

/*
 * Makes the new version of a row that is stored: with the values that an input
 * row brings for the columns that it may set, which are not merged.  It needs
 * neither row any more.
 */
void
pgsync_known_rows_form(PgsyncKnownRows *known, TupleTableSlot *stored,
					   const PgsyncRow *row, List *set_columns)
{
	TupleTableSlot *slot = known->version;
	TupleDesc	desc = slot->tts_tupleDescriptor;
	ListCell   *cell;

	/* before anything is evaluated: what that writes is another command's */
	known->mtstate->ps.state->es_output_cid = GetCurrentCommandId(true);
	slot_getallattrs(stored);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, stored->tts_values, desc->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, stored->tts_isnull, desc->natts * sizeof(bool));
	for (int i = 0; i < desc->natts; i++)
	{
		/* as ExecBuildUpdateProjection has it */
		if (TupleDescAttr(desc, i)->attisdropped)
			slot->tts_isnull[i] = true;
	}
	foreach(cell, set_columns)
	{
		int			i = lfirst_int(cell) - 1;

		if (!row->named[i])
			continue;
		slot->tts_values[i] = row->values[i];
		slot->tts_isnull[i] = row->nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	pgsync_check_new_version(known->mtstate->resultRelInfo,
							 known->mtstate->ps.state, slot, CMD_UPDATE);
	ExecMaterializeSlot(slot);
	known->tid = stored->tts_tid;
}

/*
 * Stores the version that was made last, as part of the command that was the
 * current one then.  False if another transaction has changed the row, or
 * deleted it.
 */
bool
pgsync_known_rows_store(PgsyncKnownRows *known)
{
	EState	   *estate = known->mtstate->ps.state;
	bool		stored;

	stored = pgsync_store_new_version(known->mtstate->resultRelInfo, estate,
									  &known->tid, known->version);
	if (stored)
		estate->es_processed++;
	ExecClearTuple(known->version);
	ResetPerTupleExprContext(estate);
	return stored;
}
