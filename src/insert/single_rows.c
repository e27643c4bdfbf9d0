/*-------------------------------------------------------------------------
 *
 * single_rows.c
 *	  Where rows that go in many at a time could be told from single ones.
 *
 * A load that goes on behind bad rows refuses those that calls with one row
 * each would refuse.  Rows of one statement differ from rows of many in what
 * is seen of the rows before them: a stable function and a subquery see what
 * there was when the statement began, a foreign key to the table itself is
 * satisfied by a later row, ON CONFLICT DO UPDATE refuses to touch a row
 * twice.  What the statement draws from sequences it draws again when its rows
 * are taken again.  Where any of that could make a difference, each row must
 * be a statement of its own.
 *
 * AFTER ROW triggers of the user's fire once the row is in, but what else they
 * do is not known: rows go one by one for them, too.  BEFORE ROW triggers are
 * volatile functions as a rule, and see the rows before theirs.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/table.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "common/partitions.h"
#include "insert/single_rows.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "sink/may_look.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Returns whether an expression might look, once functions are inlined. */
static bool
expression_tells(Node *node, const PgsyncLooks *looks)
{
	return pgsync_node_may_look(eval_const_expressions(NULL, copyObject(node)),
								looks);
}

/* Returns whether a trigger fires for each row that events (a mask) touch. */
static bool
fires_for_rows(const Trigger *trigger, int events)
{
	return TRIGGER_FOR_ROW(trigger->tgtype) && (trigger->tgtype & events) != 0;
}

/* Returns whether a trigger could tell, or whoever sees what it does. */
static bool
trigger_tells(const Trigger *trigger, int events, const PgsyncLooks *looks)
{
	if (!fires_for_rows(trigger, events) || trigger->tgisinternal)
		return false;
	if (TRIGGER_FOR_AFTER(trigger->tgtype) ||
		func_volatile(trigger->tgfoid) != PROVOLATILE_VOLATILE)
		return true;
	return trigger->tgqual != NULL &&
		expression_tells(stringToNode(trigger->tgqual), looks);
}

/* Returns whether one of a relation's triggers could tell. */
static bool
triggers_tell(Relation rel, int events, const PgsyncLooks *looks)
{
	TriggerDesc *triggers = CopyTriggerDesc(rel->trigdesc);
	bool		tell = false;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers && !tell; i++)
		tell = trigger_tells(&triggers->triggers[i], events, looks);
	FreeTriggerDesc(triggers);
	return tell;
}

/* Returns whether a foreign key of a relation leads to the tree it is in. */
static bool
references_itself(Relation rel)
{
	List	   *keys = copyObject(RelationGetFKeyList(rel));
	Oid			root = pgsync_partition_root(RelationGetRelid(rel));
	ListCell   *cell;

	foreach(cell, keys)
	{
		ForeignKeyCacheInfo *key = lfirst_node(ForeignKeyCacheInfo, cell);

		if (pgsync_partition_root(key->confrelid) == root)
			return true;
	}
	return false;
}

/* Returns whether a user's trigger changes rows, or does what it likes. */
static bool
has_row_triggers(Relation rel, int events)
{
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		if (fires_for_rows(&rel->trigdesc->triggers[i], events) &&
			!rel->trigdesc->triggers[i].tgisinternal)
			return true;
	}
	return false;
}

/* Returns what could tell in expressions of rows for a relation. */
static PgsyncLooks
looks_for(Relation rel, int events)
{
	PgsyncLooks looks = {
		.stable = true,
		.root = pgsync_partition_root(RelationGetRelid(rel)),
		.any_table = has_row_triggers(rel, events)
	};

	return looks;
}

/* Returns whether something about a relation could tell. */
static bool
relation_tells(Relation rel, int events)
{
	PgsyncLooks looks = looks_for(rel, events);

	return triggers_tell(rel, events, &looks) || references_itself(rel) ||
		pgsync_checks_may_look(rel, &looks) ||
		pgsync_indexes_may_look(rel, &looks) ||
		pgsync_partitioning_may_look(rel, &looks);
}

/* Returns whether a partition could tell; a leaf is not open yet. */
static bool
partition_tells(Oid relid, Relation rel, int events)
{
	bool		tells;

	if (rel != NULL)
		return relation_tells(rel, events);
	rel = pgsync_peek_partition(relid);
	if (rel == NULL)
		return true;
	tells = relation_tells(rel, events);
	table_close(rel, AccessShareLock);
	return tells;
}

/* The same for rows that are inserted; see PgsyncPartitionTest. */
static bool
inserting_partition_tells(Oid relid, Relation rel)
{
	return partition_tells(relid, rel, TRIGGER_TYPE_INSERT);
}

/* The same for rows that are inserted or updated. */
static bool
upserting_partition_tells(Oid relid, Relation rel)
{
	return partition_tells(relid, rel,
						   TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE);
}

/* Returns whether a policy or a view's check could tell. */
static bool
checks_tell(List *options, const PgsyncLooks *looks)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		if (expression_tells(lfirst_node(WithCheckOption, cell)->qual, looks))
			return true;
	}
	return false;
}

/*
 * Returns whether the result of an INSERT, rewritten but not planned, could
 * tell that its rows did not come one by one.  "upserts": each row is a
 * command of its own, and may also be an UPDATE.
 */
bool
pgsync_query_tells_batches(Query *query, bool upserts)
{
	int			events = TRIGGER_TYPE_INSERT |
	(upserts ? TRIGGER_TYPE_UPDATE : 0);
	Relation	rel = table_open(rt_fetch(query->resultRelation,
										  query->rtable)->relid, NoLock);
	PgsyncLooks looks = looks_for(rel, events);
	bool		tells;

	tells = (!upserts && query->onConflict != NULL &&
			 query->onConflict->action == ONCONFLICT_UPDATE) ||
		contain_volatile_functions((Node *) query->targetList) ||
		checks_tell(query->withCheckOptions, &looks) ||
		relation_tells(rel, events) ||
		pgsync_any_partition(rel, upserts ? upserting_partition_tells :
							 inserting_partition_tells, true);
	table_close(rel, NoLock);
	return tells;
}

/* Returns whether a default could tell when it is evaluated. */
static bool
defaults_tell(Relation rel, const PgsyncLooks *looks)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		Node	   *expr = attr->attisdropped || attr->attgenerated ? NULL :
		build_column_default(rel, i + 1);

		if (expr != NULL && expression_tells(expr, looks))
			return true;
	}
	return false;
}

/*
 * Returns whether making rows of input, by expressions of the caller's, by the
 * types of the target and its defaults, could tell that the rows before have
 * not gone in yet.  A Query among the expressions is where rows come from.
 */
bool
pgsync_conversion_tells_batches(PgsyncTarget *target, List *expressions)
{
	PgsyncLooks looks = looks_for(target->rel, TRIGGER_TYPE_INSERT);
	ListCell   *cell;

	foreach(cell, expressions)
	{
		Node	   *node = lfirst(cell);

		if (!IsA(node, Query) && expression_tells(node, &looks))
			return true;
	}
	return pgsync_types_may_look(target->rel, &looks) ||
		defaults_tell(target->rel, &looks);
}
