/*-------------------------------------------------------------------------
 *
 * set_constraints.c
 *	  The constraints of a set of tables, and of those that reference them.
 *
 * They are read in one scan of pg_constraint, which has no index that would
 * find the tables that reference a table.
 *
 * Rows are put back below triggers.  Between tables of the set that does no
 * harm: all were saved at one moment, at which the foreign keys held.  What
 * is left to check are keys that lead out of the set, and all keys of a table
 * whose copy has been edited: one query each, as ALTER TABLE ... VALIDATE
 * CONSTRAINT runs it (core's validateForeignKeyConstraint).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "clean/closure.h"
#include "clean/set_constraints.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Returns whether a sorted List of OIDs has this one. */
bool
pgsync_oid_in(List *sorted, Oid oid)
{
	int			low = 0;
	int			high = list_length(sorted);

	while (low < high)
	{
		int			middle = (low + high) / 2;
		Oid			found = list_nth_oid(sorted, middle);

		if (found == oid)
			return true;
		if (found < oid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Makes a list entry of a row of pg_constraint. */
static PgsyncConstraint *
make_entry(HeapTuple tuple, bool ours)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	PgsyncConstraint *entry = palloc(sizeof(PgsyncConstraint));

	entry->oid = form->oid;
	entry->name = pstrdup(NameStr(form->conname));
	entry->type = form->contype;
	entry->has_period = pgsync_constraint_has_period(form);
	entry->relid = form->conrelid;
	entry->referenced = form->contype == CONSTRAINT_FOREIGN ?
		form->confrelid : InvalidOid;
	entry->index = form->conindid;
	entry->parent = form->conparentid;
	entry->ours = ours;
	entry->length = tuple->t_len - tuple->t_data->t_hoff;
	entry->data = palloc(entry->length);
	memcpy(entry->data, GETSTRUCT(tuple), entry->length);
	return entry;
}

/* Compares entries by OID, for list_sort. */
static int
compare_entries(const ListCell *a, const ListCell *b)
{
	Oid			x = ((PgsyncConstraint *) lfirst(a))->oid;
	Oid			y = ((PgsyncConstraint *) lfirst(b))->oid;

	return x < y ? -1 : x > y;
}

/*
 * Returns the constraints that tables of the set have, and the foreign keys
 * that lead to one, as a List of PgsyncConstraint in OID order.  "relids" is
 * sorted.
 */
List *
pgsync_set_constraints(List *relids)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	List	   *result = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
		bool		ours = pgsync_oid_in(relids, form->conrelid);

		CHECK_FOR_INTERRUPTS();
		if (ours || (form->contype == CONSTRAINT_FOREIGN &&
					 pgsync_oid_in(relids, form->confrelid)))
			result = lappend(result, make_entry(tuple, ours));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	list_sort(result, compare_entries);
	return result;
}

/* ----------------------------------------------------------------
 *						references from outside
 * ----------------------------------------------------------------
 */

/* Returns whether a table has a row of its own that the snapshot sees. */
static bool
has_rows(Relation rel, Snapshot snapshot)
{
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		found;

	if (!RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
		return false;			/* partitions are asked themselves */
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, snapshot, 0, NULL);
	found = table_scan_getnextslot(scan, ForwardScanDirection, slot);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}

/*
 * Refuses a table outside the set that references one inside and has rows:
 * they might refer to rows that will be gone.
 *
 * Our locks keep others from adding such rows until we are done; those that
 * are not committed yet belong to transactions that will check them then.
 */
static void
check_referencing_table(PgsyncConstraint *key)
{
	Relation	rel = try_table_open(key->relid, AccessShareLock);
	Snapshot	latest;
	bool		found;

	if (rel == NULL)
		return;					/* dropped meanwhile */
	latest = RegisterSnapshot(GetLatestSnapshot());
	found = has_rows(rel, latest);
	UnregisterSnapshot(latest);
	if (found)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot restore a table referenced in a foreign key constraint"),
				 errdetail("Table \"%s\" references \"%s\", and has rows.",
						   RelationGetRelationName(rel),
						   get_rel_name(key->referenced)),
				 errhint("Save table \"%s\" at the same time, or empty it first.",
						 RelationGetRelationName(rel))));
	table_close(rel, NoLock);
}

/* Checks all tables outside the set that reference one inside. */
void
pgsync_check_outside_references(List *constraints, List *relids)
{
	List	   *checked = NIL;
	ListCell   *cell;

	foreach(cell, constraints)
	{
		PgsyncConstraint *key = lfirst(cell);

		if (key->ours || list_member_oid(checked, key->relid))
			continue;
		check_referencing_table(key);
		checked = lappend_oid(checked, key->relid);
	}
}

/* ----------------------------------------------------------------
 *						foreign keys of rows put back
 * ----------------------------------------------------------------
 */

/* Checks a key row by row, as if each had just been inserted. */
static void
check_rows(Relation rel, Trigger *trigger)
{
	Snapshot	latest = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, latest, 0, NULL);
	MemoryContext row_mcxt = AllocSetContextCreate(CurrentMemoryContext,
												   "pgsync foreign key",
												   ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(row_mcxt);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		LOCAL_FCINFO(fcinfo, 0);
		TriggerData data = {.type = T_TriggerData};

		CHECK_FOR_INTERRUPTS();
		data.tg_event = TRIGGER_EVENT_INSERT | TRIGGER_EVENT_ROW;
		data.tg_relation = rel;
		data.tg_trigtuple = ExecFetchSlotHeapTuple(slot, false, NULL);
		data.tg_trigslot = slot;
		data.tg_trigger = trigger;
		InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, (Node *) &data,
								 NULL);
		RI_FKey_check_ins(fcinfo);
		MemoryContextReset(row_mcxt);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(row_mcxt);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(latest);
}

/*
 * Checks a key by one query; where the caller may not read the referenced
 * table, row by row, as the key's own trigger does with its owner's rights.
 */
static void
check_key(PgsyncConstraint *key)
{
	Relation	rel = table_open(key->relid, NoLock);
	Relation	referenced = table_open(key->referenced, RowShareLock);
	Trigger		trigger = {
		.tgname = key->name,
		.tgenabled = TRIGGER_FIRES_ON_ORIGIN,
		.tgisinternal = true,
		.tgconstrrelid = key->referenced,
		.tgconstrindid = key->index,
		.tgconstraint = key->oid
	};

	if (key->has_period || !RI_Initial_Check(&trigger, rel, referenced))
		check_rows(rel, &trigger);
	table_close(referenced, NoLock);
	table_close(rel, NoLock);
}

/*
 * Returns whether a key stands for one to a partitioned table, as there is
 * one for each of its partitions: rows need not refer to just that partition.
 */
static bool
is_partition_of_referenced(PgsyncConstraint *key, List *constraints)
{
	ListCell   *cell;

	if (!OidIsValid(key->parent))
		return false;
	foreach(cell, constraints)
	{
		PgsyncConstraint *other = lfirst(cell);

		if (other->oid == key->parent)
			return other->relid == key->relid;
	}
	return false;
}

/*
 * Checks the foreign keys that may be violated by what was put back.
 *
 * "changed" are the tables that rows were put back into, "edited" those whose
 * copies may have been edited, both sorted.
 */
void
pgsync_check_foreign_keys(List *constraints, List *relids, List *changed,
						  List *edited)
{
	ListCell   *cell;

	if (changed == NIL && edited == NIL)
		return;
	foreach(cell, constraints)
	{
		PgsyncConstraint *key = lfirst(cell);
		bool		leads_out = !pgsync_oid_in(relids, key->referenced);

		if (!key->ours || !OidIsValid(key->referenced) ||
			get_rel_relkind(key->relid) == RELKIND_PARTITIONED_TABLE)
			continue;
		if (!(leads_out && pgsync_oid_in(changed, key->relid)) &&
			!pgsync_oid_in(edited, key->relid) &&
			!pgsync_oid_in(edited, key->referenced))
			continue;
		if (!is_partition_of_referenced(key, constraints))
			check_key(key);
	}
}
