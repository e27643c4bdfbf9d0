/*-------------------------------------------------------------------------
 *
 * closure.c
 *	  The tables that emptying a list of tables reaches, found and locked.
 *
 * The closure is what TRUNCATE would empty (core's ExecuteTruncate): the
 * tables named, their children and partitions, and with cascade every table
 * that references one of these.  The children of a table that only came in by
 * cascade are not among them, in core no more than here.
 *
 * Privileges and refusals are core's too: TRUNCATE is needed on what is named
 * or references, not on children.  They are checked before the first lock, so
 * that nobody can lock a table that they may not empty, and again after the
 * last one.
 *
 * Locks are taken in OID order over the whole closure.  While one is waited
 * for, the closure may grow; so the search is repeated until all that it
 * finds is locked.
 *
 * What is done to the tables is decided in truncate_observer.c, empty.c and
 * truncate.c.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "clean/closure.h"
#include "commands/tablecmds.h"
#include "common/table_names.h"
#include "foreign/fdwapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/*
 * Returns the table's name, schema-qualified and quoted; NULL if the table is
 * gone, as one that is not locked may be at any time.
 */
char *
pgsync_table_name(Oid relid)
{
	char	   *name = get_rel_name(relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));

	if (name == NULL || schema == NULL)
		return NULL;
	return quote_qualified_identifier(schema, name);
}

/*
 * Returns whether a table may have children or partitions.  One that is gone has
 * none, for which core's has_subclass fails.
 */
bool
pgsync_may_have_children(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relhassubclass;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * Refuses what TRUNCATE refuses by the table's kind (core's
 * truncate_check_rel).
 */
static void
check_kind(Oid relid, Form_pg_class form)
{
	const char *relname = NameStr(form->relname);

	if (form->relkind == RELKIND_FOREIGN_TABLE)
	{
		Oid			serverid = GetForeignServerIdByRelId(relid);

		if (GetFdwRoutineByServerId(serverid)->ExecForeignTruncate == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot truncate foreign table \"%s\"", relname),
					 errdetail("Its foreign-data wrapper does not support TRUNCATE.")));
	}
	else if (form->relkind != RELKIND_RELATION &&
			 form->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", relname),
				 errdetail_relkind_not_supported(form->relkind)));

	if (!allowSystemTableMods && IsSystemClass(relid, form))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is a system catalog",
						relname)));
}

/* Insists on the TRUNCATE privilege, where TRUNCATE does. */
static void
check_privilege(PgsyncClosureTable *table, Form_pg_class form)
{
	AclResult	result;

	if (table->reach == PGSYNC_REACH_INHERITED)
		return;
	result = pg_class_aclcheck(table->relid, GetUserId(), ACL_TRUNCATE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, get_relkind_objtype(form->relkind),
					   NameStr(form->relname));
}

/* Refuses, or for children passes over, another session's temporary table. */
static bool
is_other_temp(PgsyncReach reach, Form_pg_class form)
{
	if (form->relpersistence != RELPERSISTENCE_TEMP ||
		!isOtherTempNamespace(form->relnamespace))
		return false;
	if (reach != PGSYNC_REACH_INHERITED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot truncate temporary tables of other sessions")));
	return true;
}

/* Puts a table into the closure as this search finds it. */
static void
enter_table(PgsyncClosure *closure, Oid relid, PgsyncReach reach, Oid root,
			Form_pg_class form)
{
	PgsyncClosureTable *table;
	bool		found;

	table = hash_search(closure->by_relid, &relid, HASH_ENTER, &found);
	if (!found)
	{
		memset(table, 0, sizeof(PgsyncClosureTable));
		table->relid = relid;
	}

	/* a table both named and inherited counts as named */
	if (table->pass != closure->pass || reach == PGSYNC_REACH_NAMED)
	{
		table->reach = reach;
		table->root = root;
		table->relkind = form->relkind;
		check_kind(relid, form);
		check_privilege(table, form);
	}
	if (table->pass == closure->pass)
		return;
	table->pass = closure->pass;
	closure->tables = lappend(closure->tables, table);
	closure->relids = lappend_oid(closure->relids, relid);
}

/*
 * Adds a table to the closure.  One that was dropped in the meantime is
 * passed over: before the locks are held, a search may see it.
 */
static void
add_table(PgsyncClosure *closure, Oid relid, PgsyncReach reach, Oid root)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		return;
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (!is_other_temp(reach, form))
		enter_table(closure, relid, reach, root, form);
	ReleaseSysCache(tuple);
}

/* Adds the children and partitions of a table that was named. */
static void
add_inheritors(PgsyncClosure *closure, Oid root)
{
	ListCell   *cell;

	if (!pgsync_may_have_children(root))
		return;
	foreach(cell, find_all_inheritors(root, NoLock, NULL))
	{
		if (lfirst_oid(cell) != root)
			add_table(closure, lfirst_oid(cell), PGSYNC_REACH_INHERITED, root);
	}
}

/* Adds, level by level, the tables that reference one in the closure. */
static void
add_referencing(PgsyncClosure *closure)
{
	for (;;)
	{
		int			before = list_length(closure->tables);
		ListCell   *cell;

		CHECK_FOR_INTERRUPTS();
		foreach(cell, heap_truncate_find_FKs(closure->relids))
			add_table(closure, lfirst_oid(cell), PGSYNC_REACH_CASCADED,
					  lfirst_oid(cell));
		if (list_length(closure->tables) == before)
			break;
	}
}

/* Finds the closure as the catalogs show it now. */
static void
search_closure(PgsyncClosure *closure, List *named)
{
	ListCell   *cell;

	closure->pass++;
	closure->tables = NIL;
	closure->relids = NIL;
	foreach(cell, pgsync_resolve_table_names(named))
	{
		CHECK_FOR_INTERRUPTS();
		add_table(closure, lfirst_oid(cell), PGSYNC_REACH_NAMED,
				  lfirst_oid(cell));
		add_inheritors(closure, lfirst_oid(cell));
	}
	if (closure->cascade)
		add_referencing(closure);
}

/* Describes how the closure reaches a protected table of this name. */
static char *
describe_reach(PgsyncClosureTable *table, const char *name)
{
	const char *root;

	switch (table->reach)
	{
		case PGSYNC_REACH_NAMED:
			return psprintf(_("Table %s is in the list of tables to clean."), name);
		case PGSYNC_REACH_INHERITED:
			root = pgsync_table_name(table->root);
			return psprintf(_("Table %s inherits from %s."), name,
							root ? root : _("a table that has been dropped"));
		case PGSYNC_REACH_CASCADED:
			return psprintf(_("Table %s has a foreign key to a table to be cleaned."),
							name);
	}
	return NULL;				/* keep compiler quiet */
}

/*
 * Fails if the closure reaches a protected table, or a child or partition of
 * one (55000).
 */
static void
check_protected(PgsyncClosure *closure, List *protected_names)
{
	List	   *reached = NIL;
	char	   *detail = NULL;
	int			unlisted;
	ListCell   *cell;

	foreach(cell, pgsync_resolve_table_names(protected_names))
	{
		ListCell   *child;

		CHECK_FOR_INTERRUPTS();
		foreach(child, find_all_inheritors(lfirst_oid(cell), NoLock, NULL))
		{
			PgsyncClosureTable *table;
			char	   *name;

			table = pgsync_closure_find(closure, lfirst_oid(child));
			name = table ? pgsync_table_name(table->relid) : NULL;
			if (name == NULL)
				continue;
			reached = lappend(reached, name);
			if (detail == NULL)
				detail = describe_reach(table, name);
		}
	}
	unlisted = pgsync_count_unlisted(reached);
	if (reached != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 unlisted == 0 ?
				 errmsg_plural("cleaning would empty protected table: %s",
							   "cleaning would empty protected tables: %s",
							   list_length(reached),
							   pgsync_join_names(reached)) :
				 errmsg("cleaning would empty protected tables: %s and %d more",
						pgsync_join_names(reached), unlisted),
				 errdetail_internal("%s", detail),
				 errhint("Take the tables that lead there out of the list.")));
}

/* Locks what this search found and no earlier one, in OID order. */
static bool
lock_newcomers(PgsyncClosure *closure)
{
	List	   *newcomers = NIL;
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		if (!table->locked)
			newcomers = lappend_oid(newcomers, table->relid);
		table->locked = true;
	}
	list_sort(newcomers, list_oid_cmp);
	foreach(cell, newcomers)
	{
		CHECK_FOR_INTERRUPTS();
		LockRelationOid(lfirst_oid(cell), AccessExclusiveLock);
	}
	return newcomers != NIL;
}

/*
 * Finds the closure of the named tables and locks all of it, ACCESS EXCLUSIVE.
 *
 * The names are RangeVars.  Fails, before any lock is taken if it can, for a
 * name that does not exist, a table that TRUNCATE would refuse and a
 * protected one.  The result lives in the current memory context.
 */
PgsyncClosure *
pgsync_closure_lock(List *named, List *protected_names, bool cascade)
{
	PgsyncClosure *closure = palloc0(sizeof(PgsyncClosure));
	HASHCTL		control;

	control.keysize = sizeof(Oid);
	control.entrysize = sizeof(PgsyncClosureTable);
	control.hcxt = CurrentMemoryContext;
	closure->by_relid = hash_create("pgsync closure", 128, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	closure->cascade = cascade;

	do
	{
		/* anew each time: a partition may have been detached meanwhile */
		PushActiveSnapshot(GetTransactionSnapshot());
		search_closure(closure, named);
		check_protected(closure, protected_names);
		PopActiveSnapshot();
	} while (lock_newcomers(closure));
	return closure;
}

/* Sets what is to become of a table, unless it is more already. */
void
pgsync_raise_fate(PgsyncClosureTable *table, PgsyncFate fate)
{
	table->fate = Max(table->fate, fate);
}

/* Returns the closure's entry for a table, or NULL if it is not in it. */
PgsyncClosureTable *
pgsync_closure_find(PgsyncClosure *closure, Oid relid)
{
	PgsyncClosureTable *table;

	table = hash_search(closure->by_relid, &relid, HASH_FIND, NULL);
	return table != NULL && table->pass == closure->pass ? table : NULL;
}

/*
 * Refuses tables that this session is using (open scans, pending trigger
 * events), and without cascade tables that others outside the closure
 * reference; both errors are core's own.  Tells security modules, as TRUNCATE
 * does, that the tables are about to be emptied.
 */
void
pgsync_closure_check_use(PgsyncClosure *closure)
{
	List	   *rels = NIL;
	ListCell   *cell;

	foreach(cell, closure->relids)
	{
		Relation	rel = table_open(lfirst_oid(cell), NoLock);

		InvokeObjectTruncateHook(RelationGetRelid(rel));
		CheckTableNotInUse(rel, "TRUNCATE");
		rels = lappend(rels, rel);
	}
	if (!closure->cascade)
		heap_truncate_check_FKs(rels, false);
	foreach(cell, rels)
		table_close(lfirst(cell), NoLock);
}
