/*-------------------------------------------------------------------------
 *
 * tables.c
 *	  SQL-callable get_tables and clean_tables.
 *
 * clean_tables only says in which order things happen; the work is done in
 *	  closure.c			which tables are reached; locks and refusals
 *	  truncate_observer.c	which of them must be left to core's TRUNCATE
 *	  empty.c			which have rows, and deleting few rows in place
 *	  truncate.c		the TRUNCATE statement for the others
 *	  sequence_state.c	restarting sequences
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "common/args.h"
#include "common/table_names.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "clean/closure.h"
#include "clean/empty.h"
#include "miscadmin.h"
#include "clean/truncate_observer.h"
#include "clean/sequence_state.h"
#include "tcop/utility.h"
#include "clean/truncate.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(clean_tables);
PG_FUNCTION_INFO_V1(get_tables);

/* Compares names byte by byte, for list_sort. */
static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Returns the tables' qualified names as a sorted text[]. */
ArrayType *
pgsync_table_name_array(List *relids)
{
	List	   *names = NIL;
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(relids) + 1));
	int			nelements = 0;
	ListCell   *cell;

	foreach(cell, relids)
	{
		char	   *name = pgsync_table_name(lfirst_oid(cell));

		/* dropped since it was found */
		if (name != NULL)
			names = lappend(names, name);
	}
	list_sort(names, compare_names);
	foreach(cell, names)
		elements[nelements++] = CStringGetTextDatum(lfirst(cell));
	return construct_array(elements, nelements, TEXTOID, -1, false,
						   TYPALIGN_INT);
}

/* ----------------------------------------------------------------
 *						clean_tables
 * ----------------------------------------------------------------
 */

/* Refuses where core refuses TRUNCATE: read-only transactions, standbys. */
static void
check_may_write(void)
{
	PreventCommandIfReadOnly("clean_tables()");
	PreventCommandIfParallelMode("clean_tables()");
	PreventCommandDuringRecovery("clean_tables()");
}

/*
 * Decides what is to become of one table on its own; true if it has a
 * TRUNCATE trigger.
 */
static bool
decide_table(PgsyncClosureTable *table, Snapshot latest,
			 PgsyncObservers *observers)
{
	Relation	rel = table_open(table->relid, NoLock);
	PgsyncContents contents = PGSYNC_CONTENTS_NONE;
	bool		has_trigger = pgsync_has_truncate_trigger(rel);

	table->observed = pgsync_is_observed(rel, observers);
	if (pgsync_is_heap(rel))
		contents = pgsync_probe_contents(rel, latest);
	else if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		contents = PGSYNC_CONTENTS_MANY;

	table->has_rows = contents != PGSYNC_CONTENTS_NONE;
	if (table->observed || contents == PGSYNC_CONTENTS_MANY)
		pgsync_raise_fate(table, PGSYNC_FATE_TRUNCATED);
	else if (contents == PGSYNC_CONTENTS_FEW)
		pgsync_raise_fate(table, PGSYNC_FATE_DELETED);
	table_close(rel, NoLock);
	return has_trigger;
}

/*
 * Decides what is to become of each table.
 *
 * A TRUNCATE trigger may read or write any of them, so if there is one, all
 * tables are emptied by the one statement that fires it.
 */
static void
decide_tables(PgsyncClosure *closure, Snapshot latest)
{
	PgsyncObservers observers;
	bool		any_trigger = false;
	ListCell   *cell;

	pgsync_find_observers(&observers);
	foreach(cell, closure->tables)
		any_trigger |= decide_table(lfirst(cell), latest, &observers);
	foreach(cell, closure->tables)
	{
		if (any_trigger)
			pgsync_raise_fate(lfirst(cell), PGSYNC_FATE_TRUNCATED);
	}
	pgsync_truncate_complete(closure);
}

/* Empties in place what does not go to core. */
static void
empty_small_tables(PgsyncClosure *closure, Snapshot latest)
{
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);
		Relation	rel;

		if (table->fate != PGSYNC_FATE_DELETED)
			continue;
		rel = table_open(table->relid, NoLock);
		pgsync_empty_in_place(rel, latest);
		table_close(rel, NoLock);
	}
	CommandCounterIncrement();
}

/*
 * Returns the tables that had rows or a moved sequence.  A partitioned table
 * has the rows of its partitions.
 */
static List *
cleaned_tables(PgsyncClosure *closure)
{
	List	   *relids = NIL;
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		if (!table->has_rows && !table->restarted)
			continue;
		relids = lappend_oid(relids, table->relid);
		if (table->has_rows && get_rel_relispartition(table->relid))
			relids = list_concat(relids,
								 get_partition_ancestors(table->relid));
	}
	list_sort(relids, list_oid_cmp);
	list_deduplicate_oid(relids);

	/* ancestors that were not cleaned themselves are not reported */
	foreach(cell, relids)
	{
		if (pgsync_closure_find(closure, lfirst_oid(cell)) == NULL)
			relids = foreach_delete_current(relids, cell);
	}
	return relids;
}

/* Cleans a closure that is locked; returns the OIDs of the tables cleaned. */
static List *
clean_closure(PgsyncClosure *closure, bool restart)
{
	PgsyncMovedSequences sequences = {NIL, NIL};
	Snapshot	latest;

	/* rows that the current command has written count as well */
	CommandCounterIncrement();
	latest = RegisterSnapshot(GetLatestSnapshot());
	/* partitions are looked for as the closure was, and as TRUNCATE will */
	PushActiveSnapshot(GetTransactionSnapshot());

	decide_tables(closure, latest);
	if (restart)
	{
		pgsync_find_moved_sequences(closure, &sequences);
		pgsync_lock_sequences(&sequences);
	}

	pgsync_truncate_run(closure, restart);
	empty_small_tables(closure, latest);
	pgsync_restart_sequences(&sequences);

	PopActiveSnapshot();
	UnregisterSnapshot(latest);
	return cleaned_tables(closure);
}

/*
 * clean_tables(tables text[], reset_seq boolean, "cascade" boolean,
 *				protected_tables text[]) returns text[]
 *
 * Empties tables, with the meaning of TRUNCATE tables [RESTART IDENTITY]
 * [CASCADE], but pays only for those that have rows or a moved sequence.
 *
 * Returns the tables that had any, schema-qualified, quoted and sorted.
 *
 * Rules followed: privileges, refusals and the set of tables are those of
 * core's ExecuteTruncate (commands/tablecmds.c).  Errors: 42P01 and 3F000 for
 * unknown names, 42602 for names that are none, 42809 for what is no table,
 * 42501 for privileges, 0A000 for a table referenced from outside without
 * cascade and for other sessions' temporary tables, 55006 for tables in use,
 * 55000 for protected ones, 22004 for nulls, 25006 where nothing may be
 * written.
 */
Datum
clean_tables(PG_FUNCTION_ARGS)
{
	List	   *names;
	List	   *protected_names;
	bool		reset_seq = pgsync_arg_bool(fcinfo, 1, true);
	bool		cascade = pgsync_arg_bool(fcinfo, 2, true);
	PgsyncClosure *closure;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "tables");
	names = pgsync_arg_name_list(fcinfo, 0, "tables");
	protected_names = pgsync_arg_name_list(fcinfo, 3, "protected_tables");
	if (names == NIL)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	check_may_write();

	closure = pgsync_closure_lock(pgsync_parse_table_names(names),
								  pgsync_parse_table_names(protected_names),
								  cascade);
	pgsync_closure_check_use(closure);
	PG_RETURN_ARRAYTYPE_P(pgsync_table_name_array(clean_closure(closure,
																reset_seq)));
}

/* ----------------------------------------------------------------
 *						get_tables
 * ----------------------------------------------------------------
 */

/*
 * Finds a schema by its name, taken as it stands, or else without the quotes
 * it was written in; InvalidOid if there is none.
 */
static Oid
find_schema(const char *name)
{
	Oid			nspid = get_namespace_oid(name, true);
	List	   *parts;

	if (OidIsValid(nspid) || name[0] != '"')
		return nspid;
	if (!SplitIdentifierString(pstrdup(name), '.', &parts) ||
		list_length(parts) != 1)
		return InvalidOid;
	return get_namespace_oid(linitial(parts), true);
}

/*
 * Returns the tables to be ignored.  A name without a schema means the tables
 * of that name in the listed schemas; one that no table has is no error.
 */
static List *
ignored_relids(List *rangevars, List *schemas)
{
	List	   *relids = NIL;
	ListCell   *cell;

	foreach(cell, rangevars)
	{
		RangeVar   *rangevar = lfirst(cell);
		List	   *searched = schemas;
		ListCell   *nspcell;

		CHECK_FOR_INTERRUPTS();
		if (rangevar->schemaname != NULL)
			searched = list_make1_oid(get_namespace_oid(rangevar->schemaname,
														true));
		foreach(nspcell, searched)
		{
			Oid			relid = get_relname_relid(rangevar->relname,
												  lfirst_oid(nspcell));

			if (OidIsValid(relid))
				relids = lappend_oid(relids, relid);
		}
	}
	list_sort(relids, list_oid_cmp);
	list_deduplicate_oid(relids);
	return relids;
}

/* Adds the children of the listed tables, and theirs, to the list. */
static List *
with_inheritors(List *relids)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, relids)
	{
		CHECK_FOR_INTERRUPTS();
		result = list_concat(result,
							 find_all_inheritors(lfirst_oid(cell), NoLock,
												 NULL));
	}
	return result;
}

/*
 * Returns whether emptying a table would leave all ignored ones as they are:
 * neither it nor a child of it is one, nor the child of one.
 */
static bool
spares_ignored(Oid relid, List *ignored, List *ignored_trees)
{
	ListCell   *cell;

	if (list_member_oid(ignored_trees, relid))
		return false;
	if (ignored == NIL || !pgsync_may_have_children(relid))
		return true;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
	{
		if (list_member_oid(ignored, lfirst_oid(cell)))
			return false;
	}
	return true;
}

/* Returns whether a pg_class row is a table that get_tables may list. */
static bool
is_listed_table(Form_pg_class form, List *schemas, List *extension_relids)
{
	return (form->relkind == RELKIND_RELATION ||
			form->relkind == RELKIND_PARTITIONED_TABLE) &&
		form->relpersistence != RELPERSISTENCE_TEMP &&
		list_member_oid(schemas, form->relnamespace) &&
		!list_member_oid(extension_relids, form->oid);
}

/* Returns the tables of some schemas, without the ignored ones. */
static List *
list_tables(List *schemas, List *ignored)
{
	List	   *ignored_trees = with_inheritors(ignored);
	List	   *extension_relids = pgsync_extension_relids();
	List	   *relids = NIL;
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple;

	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (is_listed_table(form, schemas, extension_relids) &&
			spares_ignored(form->oid, ignored, ignored_trees))
			relids = lappend_oid(relids, form->oid);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return relids;
}

/*
 * get_tables(schemas text[], ignored_tables text[]) returns text[]
 *
 * Lists the ordinary and partitioned tables of some schemas, schema-qualified,
 * quoted and sorted, as clean_tables takes them.  Tables that belong to an
 * extension and temporary ones are left out, as are the ignored tables, their
 * children and partitions, and their parents: emptying these would empty
 * them too.  A schema that does not exist has no tables.
 *
 * Rule followed: the pg_tables view, less what the design leaves out.
 * Errors: 22004 for nulls, 42602 for names that are none.
 */
Datum
get_tables(PG_FUNCTION_ARGS)
{
	List	   *schemas = NIL;
	List	   *ignored;
	ListCell   *cell;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "schemas");
	foreach(cell, pgsync_arg_name_list(fcinfo, 0, "schemas"))
	{
		Oid			nspid;

		CHECK_FOR_INTERRUPTS();
		nspid = find_schema(lfirst(cell));
		if (OidIsValid(nspid))
			schemas = list_append_unique_oid(schemas, nspid);
	}
	ignored = pgsync_arg_name_list(fcinfo, 1, "ignored_tables");
	ignored = ignored_relids(pgsync_parse_table_names(ignored), schemas);
	PG_RETURN_ARRAYTYPE_P(pgsync_table_name_array(list_tables(schemas, ignored)));
}
