/*-------------------------------------------------------------------------
 *
 * restore.c
 *	  SQL-callable restore_tables: putting saved tables back.
 *
 * This file only says in which order things happen; the work is done in
 *	  saved_set.c			reading what was saved
 *	  saved_definition.c	whether the tables still are what they were
 *	  set_constraints.c		foreign keys into and out of the set
 *	  change_check.c		whether a table is unchanged, at a look
 *	  row_diff.c			in which rows it differs
 *	  put_back.c			putting these, or all, back
 *	  sequence_state.c		putting sequences back
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "clean/closure.h"
#include "clean/put_back.h"
#include "clean/saved_definition.h"
#include "clean/saved_set.h"
#include "clean/sequence_state.h"
#include "clean/set_constraints.h"
#include "clean/truncate_observer.h"
#include "commands/tablecmds.h"
#include "common/args.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(restore_tables);

/* ----------------------------------------------------------------
 *						tables and locks
 * ----------------------------------------------------------------
 */

/* Insists that the caller and the set's owner own a table or sequence. */
static void
check_owners(PgsyncSavedSet *set, Oid relid, const char *relname,
			 ObjectType type)
{
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, type, relname);
	if (!object_ownercheck(RelationRelationId, relid, set->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("saved tables in schema \"%s\" belong to a role that does not own \"%s\"",
						set->schema, relname),
				 errhint("Call save_tables again for this schema.")));
}

/* Reports what has been dropped since it was saved (55000). */
static void
report_dropped(PgsyncSavedSet *set, const char *kind, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s %s has been dropped or recreated since it was saved",
					kind, name),
			 errhint("Call save_tables again for schema \"%s\".",
					 set->schema)));
}

/* Checks what can be told of a saved table without opening it. */
static void
check_saved_table(PgsyncSavedSet *set, PgsyncSavedTable *table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID,
										ObjectIdGetDatum(table->relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		report_dropped(set, "table", table->name);
	form = (Form_pg_class) GETSTRUCT(tuple);
	check_owners(set, table->relid, NameStr(form->relname), OBJECT_TABLE);
	if (form->relkind != (table->copy_name == NULL ?
						  RELKIND_PARTITIONED_TABLE : RELKIND_RELATION) ||
		IsSystemClass(table->relid, form) ||
		form->relnamespace == set->nspid)
		pgsync_saved_set_damaged(set, PGSYNC_TABLES_TABLE);
	if (form->relpersistence == RELPERSISTENCE_TEMP &&
		isOtherTempNamespace(form->relnamespace))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot restore temporary tables of other sessions")));
	ReleaseSysCache(tuple);
}

/* Refuses a table that this session is using; tells security modules. */
static void
check_use(PgsyncSavedTable *table)
{
	Relation	rel = table_open(table->relid, NoLock);

	InvokeObjectTruncateHook(table->relid);
	CheckTableNotInUse(rel, "restore");
	if (table->copy_name != NULL && !pgsync_is_heap(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot restore relation \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Its access method is not heap.")));
	table_close(rel, NoLock);
}

/*
 * Locks all tables of the set in OID order.  They are checked before, so that
 * nobody locks what is not theirs, and again when nothing can change any more.
 */
static void
lock_tables(PgsyncSavedSet *set)
{
	ListCell   *cell;

	foreach(cell, set->tables)
		check_saved_table(set, lfirst(cell));
	foreach(cell, set->tables)
		LockRelationOid(((PgsyncSavedTable *) lfirst(cell))->relid,
						AccessExclusiveLock);
	foreach(cell, set->tables)
	{
		check_saved_table(set, lfirst(cell));
		check_use(lfirst(cell));
	}
}

/* ----------------------------------------------------------------
 *						rows
 * ----------------------------------------------------------------
 */

/* Returns whether the caller's own, older snapshot sees other rows. */
static bool
is_stale(Relation rel, Snapshot latest)
{
	return IsolationUsesXactSnapshot() &&
		pgsync_snapshots_differ(rel, latest, GetTransactionSnapshot());
}

/* Compares a table with its copy, and puts back what differs. */
static void
compare_and_put_back(PgsyncSavedSet *set, PgsyncSavedTable *table,
					 Relation rel, Relation copy)
{
	PgsyncRowMap *map = pgsync_saved_set_map_copy(set, table, rel, copy);
	Snapshot	latest;
	PgsyncRowDiff *diff;
	bool		stale;

	/* keeps others from editing it, and may have to wait for one who did */
	LockRelationOid(table->copy_relid, ShareLock);
	table->copy_edited = !table->has_look ||
		!pgsync_copy_unchanged(copy, &table->look);

	latest = RegisterSnapshot(GetLatestSnapshot());
	stale = is_stale(rel, latest);
	diff = pgsync_row_diff(rel, copy, map, latest);
	table->compared = true;
	table->has_changed = stale || !diff->complete ||
		diff->extra.ntids > 0 || diff->missing.ntids > 0;
	if (table->has_changed)
		pgsync_put_back(rel, copy, map, diff, stale, latest);
	UnregisterSnapshot(latest);
}

/* Names the table in errors of what is done to it. */
static void
restore_error_callback(void *arg)
{
	errcontext("restoring table %s", ((PgsyncSavedTable *) arg)->name);
}

/* Makes one table hold its saved rows, if it does not. */
static void
restore_rows(PgsyncSavedSet *set, PgsyncSavedTable *table)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = restore_error_callback,
		.arg = table
	};
	Relation	rel = table_open(table->relid, NoLock);
	Relation	copy = pgsync_saved_set_open_copy(set, table);

	error_context_stack = &callback;
	if (!table->has_look ||
		!pgsync_table_unchanged(rel, &table->look) ||
		!pgsync_copy_unchanged(copy, &table->look))
		compare_and_put_back(set, table, rel, copy);
	error_context_stack = callback.previous;
	table_close(copy, NoLock);
	table_close(rel, NoLock);
}

/* Makes all tables hold their saved rows; memory is that of one table. */
static void
restore_all_rows(PgsyncSavedSet *set)
{
	MemoryContext table_mcxt = AllocSetContextCreate(CurrentMemoryContext,
													 "pgsync restored table",
													 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(table_mcxt);
	ListCell   *cell;

	foreach(cell, set->tables)
	{
		PgsyncSavedTable *table = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (table->copy_name != NULL)
			restore_rows(set, table);
		MemoryContextReset(table_mcxt);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(table_mcxt);
}

/* Checks the foreign keys that what was put back may violate. */
static void
check_foreign_keys(PgsyncSavedSet *set, List *constraints)
{
	List	   *changed = NIL;
	List	   *edited = NIL;
	ListCell   *cell;

	foreach(cell, set->tables)
	{
		PgsyncSavedTable *table = lfirst(cell);

		if (table->has_changed)
			changed = lappend_oid(changed, table->relid);
		if (table->copy_edited)
			edited = lappend_oid(edited, table->relid);
	}
	pgsync_check_foreign_keys(constraints, set->relids, changed, edited);
}

/*
 * Takes a new look at the tables that were compared, so that the next call
 * need not compare them.
 */
static void
renew_looks(PgsyncSavedSet *set)
{
	ListCell   *cell;

	foreach(cell, set->tables)
	{
		PgsyncSavedTable *table = lfirst(cell);
		bool		had_look = table->has_look;
		Relation	rel;
		Relation	copy;

		if (!table->compared)
			continue;
		rel = table_open(table->relid, NoLock);
		copy = table_open(table->copy_relid, NoLock);
		table->has_look = pgsync_take_look(rel, copy, &table->look);
		table_close(copy, NoLock);
		table_close(rel, NoLock);
		if (had_look || table->has_look)
			pgsync_saved_set_put_look(set, table);
	}
}

/* ----------------------------------------------------------------
 *						sequences
 * ----------------------------------------------------------------
 */

/* Returns whether a sequence has to be put back. */
static bool
sequence_moved(PgsyncSavedSet *set, PgsyncSavedSequence *sequence)
{
	char	   *relname;

	LockRelationOid(sequence->seqid, AccessShareLock);
	relname = get_rel_name(sequence->seqid);
	if (relname == NULL ||
		get_rel_relkind(sequence->seqid) != RELKIND_SEQUENCE)
		report_dropped(set, "sequence", sequence->name);
	check_owners(set, sequence->seqid, relname, OBJECT_SEQUENCE);
	return !pgsync_sequence_stands_at(sequence->seqid, sequence->last_value,
									  sequence->is_called);
}

/*
 * Puts the sequences back that have moved, and marks the tables that own one.
 * All are locked before the first is changed.
 */
static void
restore_sequences(PgsyncSavedSet *set)
{
	List	   *moved = NIL;
	ListCell   *cell;

	foreach(cell, set->sequences)
	{
		if (sequence_moved(set, lfirst(cell)))
			moved = lappend(moved, lfirst(cell));
	}
	foreach(cell, moved)
		LockRelationOid(((PgsyncSavedSequence *) lfirst(cell))->seqid,
						AccessExclusiveLock);
	foreach(cell, moved)
	{
		PgsyncSavedSequence *sequence = lfirst(cell);
		PgsyncSavedTable *table = pgsync_saved_set_find(set, sequence->relid);

		CHECK_FOR_INTERRUPTS();
		pgsync_set_back_sequence(sequence->seqid, sequence->last_value,
								 sequence->is_called);
		if (table != NULL)
			table->sequence_moved = true;
	}
}

/* ----------------------------------------------------------------
 *						restore_tables
 * ----------------------------------------------------------------
 */

/*
 * Returns the tables that had changed.  A partitioned table has the rows of
 * its partitions.
 */
static List *
changed_tables(PgsyncSavedSet *set)
{
	List	   *relids = NIL;
	ListCell   *cell;

	foreach(cell, set->tables)
	{
		PgsyncSavedTable *table = lfirst(cell);

		if (!table->has_changed && !table->sequence_moved)
			continue;
		relids = lappend_oid(relids, table->relid);
		if (table->has_changed && get_rel_relispartition(table->relid))
			relids = list_concat(relids,
								 get_partition_ancestors(table->relid));
	}
	list_sort(relids, list_oid_cmp);
	list_deduplicate_oid(relids);
	foreach(cell, relids)
	{
		if (!pgsync_oid_in(set->relids, lfirst_oid(cell)))
			relids = foreach_delete_current(relids, cell);
	}
	return relids;
}

/* Puts back a set that has been read; returns the tables that had changed. */
static List *
restore_set(PgsyncSavedSet *set)
{
	List	   *constraints;

	lock_tables(set);
	/* rows that the current command has written count as well */
	CommandCounterIncrement();

	constraints = pgsync_set_constraints(set->relids);
	pgsync_check_definitions(set, constraints);
	pgsync_check_outside_references(constraints, set->relids);

	restore_all_rows(set);
	check_foreign_keys(set, constraints);
	restore_sequences(set);
	CommandCounterIncrement();
	renew_looks(set);
	return changed_tables(set);
}

/*
 * restore_tables(schema_name name) returns text[]
 *
 * Makes the tables that save_tables saved in a schema hold exactly the saved
 * rows again, and the sequences that they own stand where they stood, with
 * the meaning of TRUNCATE and reinserting, but at the price of what has
 * changed.  No trigger fires.
 *
 * Returns the tables that had changed, schema-qualified, quoted and sorted.
 *
 * Rules followed: as for an owner who truncates the tables without CASCADE and
 * inserts the saved rows, foreign keys checked at the end; but a reference
 * from outside counts only if its table has rows.  Errors: 22004 for a null,
 * 3F000 for a schema that does not exist, 42501 for privileges, 55000 for a
 * schema without saved tables or with damaged ones, and for tables that were
 * dropped or defined otherwise since, 0A000 for a table referenced from
 * outside, 55006 for tables in use, 23502, 23503, 23505, 23514 and 23P01 for
 * saved rows that violate a constraint, 25006 where nothing may be written.
 */
Datum
restore_tables(PG_FUNCTION_ARGS)
{
	PgsyncSavedSet *set;
	List	   *relids;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "schema_name");
	pgsync_require_writing("restore_tables()");
	set = pgsync_saved_set_open(NameStr(*PG_GETARG_NAME(0)));
	relids = restore_set(set);
	pgsync_saved_set_close(set);
	PG_RETURN_ARRAYTYPE_P(pgsync_table_name_array(relids));
}
