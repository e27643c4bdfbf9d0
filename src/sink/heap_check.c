/*-------------------------------------------------------------------------
 *
 * heap_check.c
 *	  Decides whether the heap sink gives the INSERT statement's own result.
 *
 * It does where storing a row later than the statement would, with up to a
 * thousand others, can make no difference to anyone: nothing that runs for a
 * row can look at the table meanwhile.  The reasons against are those of
 * core's COPY (copyfrom.c) and the few that a COPY does not meet.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "common/partitions.h"
#include "sink/may_look.h"
#include "rewrite/rewriteHandler.h"
#include "sink/sinks.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Returns whether a default of a column's domain might look at the target. */
static bool
type_defaults_may_look(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped || attr->atthasdef || attr->attidentity ||
			getBaseType(attr->atttypid) == attr->atttypid)
			continue;
		if (pgsync_expression_may_look(build_column_default(rel, i + 1)))
			return true;
	}
	return false;
}

/*
 * Returns whether a relation's row triggers can run when its rows have been
 * stored: no BEFORE or INSTEAD OF trigger, no transition table, and no WHEN
 * condition that might look at the table, as it is evaluated when the row has
 * been stored.
 */
static bool
triggers_can_wait(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;
	bool		can_wait = true;

	if (triggers == NULL)
		return true;
	if (triggers->trig_insert_before_row ||
		triggers->trig_insert_instead_row ||
		triggers->trig_insert_new_table)
		return false;
	/* a cache that is reset meanwhile takes the relation's own list with it */
	triggers = CopyTriggerDesc(triggers);
	for (int i = 0; i < triggers->numtriggers && can_wait; i++)
	{
		const char *condition = triggers->triggers[i].tgqual;

		if (condition != NULL)
			can_wait = !pgsync_expression_may_look(stringToNode(condition));
	}
	FreeTriggerDesc(triggers);
	return can_wait;
}

/* Returns whether rows of a leaf can wait. */
static bool
leaf_fits(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	bool		fits;
	bool		open;

	if (!HeapTupleIsValid(tuple))
		return false;			/* detached and dropped meanwhile */
	form = (Form_pg_class) GETSTRUCT(tuple);
	fits = form->relkind == RELKIND_RELATION;
	open = form->relhastriggers || form->relchecks > 0;
	ReleaseSysCache(tuple);

	if (fits && open)
	{
		Relation	rel = pgsync_peek_partition(relid);

		fits = rel != NULL && triggers_can_wait(rel) &&
			!pgsync_checks_may_look(rel, NULL);
		if (rel != NULL)
			table_close(rel, AccessShareLock);
	}
	return fits;
}

/*
 * Returns whether a partition keeps the rows of a table from waiting; a leaf
 * is opened only if its pg_class row says it must.
 */
static bool
partition_is_unfit(Oid relid, Relation rel)
{
	if (rel == NULL)
		return !leaf_fits(relid);
	return !triggers_can_wait(rel) || pgsync_partitioning_may_look(rel, NULL);
}

/*
 * Returns whether the heap sink does what this ON CONFLICT clause says.  With
 * a snapshot of the whole transaction's, a conflict may be an error.
 */
static bool
conflict_action_fits(OnConflictAction action)
{
	return action == ONCONFLICT_NONE ||
		(action == ONCONFLICT_NOTHING && !IsolationUsesXactSnapshot());
}

/* Returns whether the plan only puts rows into the target itself. */
static bool
plan_fits(PgsyncTarget *target, PlannedStmt *plan)
{
	ModifyTable *node = (ModifyTable *) plan->planTree;
	RangeTblEntry *rte;

	if (!IsA(node, ModifyTable) || node->operation != CMD_INSERT ||
		list_length(node->resultRelations) != 1 ||
		node->withCheckOptionLists != NIL || node->returningLists != NIL ||
		!conflict_action_fits(node->onConflictAction))
		return false;
	rte = list_nth_node(RangeTblEntry, plan->rtable,
						linitial_int(node->resultRelations) - 1);
	return rte->relid == RelationGetRelid(target->rel);
}

/*
 * Returns whether what makes a row of a relation, checks it or finds its place
 * might look at a table: all that runs for the row but triggers, policies and
 * rules.
 */
bool
pgsync_rows_may_look(Relation rel)
{
	return pgsync_defaults_may_look(rel) || type_defaults_may_look(rel) ||
		pgsync_types_may_look(rel, NULL) ||
		pgsync_checks_may_look(rel, NULL) ||
		pgsync_indexes_may_look(rel, NULL) ||
		pgsync_partitioning_may_look(rel, NULL);
}

/*
 * Returns whether rows of a relation can be stored when further ones have been
 * made: nothing that runs for a row could tell.
 */
bool
pgsync_rows_can_wait(Relation rel)
{
	return triggers_can_wait(rel) && !pgsync_rows_may_look(rel);
}

/*
 * Returns whether the heap sink can stand in for this plan.
 */
bool
pgsync_heap_sink_fits(PgsyncTarget *target, PlannedStmt *plan)
{
	Relation	rel = target->rel;

	if (!plan_fits(target, plan))
		return false;
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	return pgsync_rows_can_wait(rel) &&
		!pgsync_any_partition(rel, partition_is_unfit, true);
}
