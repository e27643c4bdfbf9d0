/*-------------------------------------------------------------------------
 *
 * heap_foreign_key.c
 *	  Rows whose foreign keys are checked with those of the row before.
 *
 * A foreign key is checked by an AFTER ROW trigger, which runs a query for
 * each row (ri_triggers.c): that is most of what a row with one costs.  Rows
 * often come with their siblings, the children of one parent in a row.  If a
 * row's foreign keys are those of the row stored before it, byte by byte, the
 * check of the one says the same of the other, and locks the same parent; so
 * the other queues no trigger.
 *
 * That holds only while nobody comes between the two checks, or between the
 * statement and the first of them: it is skipped if its row is gone by then
 * (RI_FKey_check does so).  So the relation must have no other AFTER ROW
 * triggers, the keys must not be deferrable, and the statement must fire its
 * triggers itself, all at its end (a row that is refused would take along the
 * check of the next).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "sink/heap_foreign_key.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/* Returns whether a trigger is for AFTER INSERT ROW. */
static bool
fires_after_row(const Trigger *trigger)
{
	return TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW,
								TRIGGER_TYPE_AFTER, TRIGGER_TYPE_INSERT);
}

/* Returns whether a trigger is the check of a key that is never deferred. */
static bool
is_immediate_check(const Trigger *trigger)
{
	return trigger->tgfoid == F_RI_FKEY_CHECK_INS &&
		OidIsValid(trigger->tgconstraint) && !trigger->tgdeferrable;
}

/*
 * Returns the columns of a relation's foreign keys, if two stored rows that
 * are equal in them need one check; else NIL.
 */
List *
pgsync_foreign_key_columns(ResultRelInfo *resultRelInfo, EState *estate)
{
	TriggerDesc *triggers = resultRelInfo->ri_TrigDesc;
	List	   *columns = NIL;
	ListCell   *cell;

	if (triggers == NULL || (estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS))
		return NIL;
	for (int i = 0; i < triggers->numtriggers; i++)
	{
		if (fires_after_row(&triggers->triggers[i]) &&
			!is_immediate_check(&triggers->triggers[i]))
			return NIL;
	}
	foreach(cell, RelationGetFKeyList(resultRelInfo->ri_RelationDesc))
	{
		ForeignKeyCacheInfo *key = lfirst_node(ForeignKeyCacheInfo, cell);

		for (int i = 0; i < key->nkeys; i++)
			columns = list_append_unique_int(columns, key->conkey[i]);
	}
	return columns;
}

/* Returns whether two rows are equal in these columns, byte by byte. */
bool
pgsync_same_foreign_keys(List *columns, TupleTableSlot *one,
						 TupleTableSlot *other)
{
	ListCell   *cell;

	foreach(cell, columns)
	{
		AttrNumber	attnum = lfirst_int(cell);
		Form_pg_attribute attr = TupleDescAttr(one->tts_tupleDescriptor,
											   attnum - 1);
		bool		one_null;
		bool		other_null;
		Datum		one_value = slot_getattr(one, attnum, &one_null);
		Datum		other_value = slot_getattr(other, attnum, &other_null);

		if (one_null != other_null ||
			(!one_null && !datumIsEqual(one_value, other_value, attr->attbyval,
										attr->attlen)))
			return false;
	}
	return true;
}
