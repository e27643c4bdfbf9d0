/*-------------------------------------------------------------------------
 *
 * save.c
 *	  SQL-callable save_tables: keeping the rows of tables in a schema.
 *
 * What lies in the schema afterwards is saved_set.c's business, how a table is
 * recognized as unchanged later that of change_check.c.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "clean/bulk_copy.h"
#include "clean/closure.h"
#include "clean/saved_definition.h"
#include "clean/saved_set.h"
#include "clean/sequence_state.h"
#include "clean/set_constraints.h"
#include "clean/truncate_observer.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "common/args.h"
#include "common/table_names.h"
#include "common/spi_util.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(save_tables);

/* Refuses a table that cannot be saved, or not by this caller. */
static void
check_table(Relation rel, const char *schema)
{
	char	   *relname = RelationGetRelationName(rel);

	if (!object_ownercheck(RelationRelationId, RelationGetRelid(rel),
						   GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(rel->rd_rel->relkind), relname);
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot save relation \"%s\"", relname),
				 errdetail_relkind_not_supported(rel->rd_rel->relkind)));
	if (rel->rd_rel->relkind == RELKIND_RELATION && !pgsync_is_heap(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot save relation \"%s\"", relname),
				 errdetail("Its access method is not heap.")));
	if (strcmp(get_namespace_name(RelationGetNamespace(rel)), schema) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot save relation \"%s\" in its own schema", relname)));

	/* a foreign key that is still to be checked may be violated */
	CheckTableNotInUse(rel, "save");
}

/*
 * Refuses foreign tables by their kind, before it is asked whether their
 * wrapper can truncate them.
 */
static void
refuse_foreign_tables(List *rangevars)
{
	ListCell   *cell;

	foreach(cell, rangevars)
	{
		Oid			relid = RangeVarGetRelid(lfirst(cell), NoLock, true);

		if (OidIsValid(relid) &&
			get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot save relation \"%s\"", get_rel_name(relid)),
					 errdetail_relkind_not_supported(RELKIND_FOREIGN_TABLE)));
	}
}

/* Checks all tables, and returns their OIDs in order. */
static List *
check_tables(PgsyncClosure *closure, const char *schema)
{
	List	   *relids = list_copy(closure->relids);
	ListCell   *cell;

	list_sort(relids, list_oid_cmp);
	foreach(cell, relids)
	{
		Relation	rel = table_open(lfirst_oid(cell), NoLock);

		check_table(rel, schema);
		table_close(rel, NoLock);
	}
	return relids;
}

/* Returns a name for the copy: the table's own, if it is free. */
static char *
choose_copy_name(PgsyncSavedSet *set, Relation rel)
{
	char	   *relname = RelationGetRelationName(rel);

	if (!OidIsValid(get_relname_relid(relname, set->nspid)))
		return pstrdup(relname);
	return ChooseRelationName(relname, NULL, "copy", set->nspid, false);
}

/* Makes the empty copy of a table: its columns, and nothing else of it. */
static void
create_copy(PgsyncSavedSet *set, Relation rel, const char *copy_name)
{
	char	   *copy = quote_qualified_identifier(set->schema, copy_name);

	pgsync_spi_connect();
	pgsync_spi_execute(psprintf("CREATE TABLE %s (LIKE %s) USING heap", copy,
								pgsync_qualified_relation_name(rel)),
					   SPI_OK_UTILITY);
	pgsync_spi_finish();
}

/* Returns whether a copy has the columns that CREATE TABLE (LIKE) gives it. */
static bool
is_like(TupleDesc desc, TupleDesc copy_desc)
{
	int			live = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		Form_pg_attribute copied;

		if (attr->attisdropped)
			continue;
		if (live == copy_desc->natts)
			return false;
		copied = TupleDescAttr(copy_desc, live++);
		if (strcmp(NameStr(attr->attname), NameStr(copied->attname)) != 0 ||
			attr->atttypid != copied->atttypid ||
			attr->atttypmod != copied->atttypmod ||
			attr->attcollation != copied->attcollation ||
			attr->attnotnull != copied->attnotnull)
			return false;
	}
	return live == copy_desc->natts;
}

/*
 * Fails (55000) if the copy was made like another table: LIKE looks its table
 * up by name, and a locked table's schema can be renamed.  One that has the
 * very same columns does as well.
 */
static void
check_copy(Relation rel, Relation copy)
{
	if (!is_like(RelationGetDescr(rel), RelationGetDescr(copy)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" or its schema was renamed while it was being saved",
						RelationGetRelationName(rel)),
				 errdetail("Another relation has its name now."),
				 errhint("Try again.")));
}

/* Fills the copy, and takes the look by which changes are noticed later. */
static void
fill_copy(PgsyncSavedSet *set, PgsyncSavedTable *table, Relation rel,
		  Snapshot snapshot)
{
	Relation	copy;
	PgsyncRowMap *map;

	table->copy_relid = get_relname_relid(table->copy_name, set->nspid);
	copy = pgsync_saved_set_open_copy(set, table);
	check_copy(rel, copy);
	map = pgsync_saved_set_map_copy(set, table, rel, copy);
	pgsync_bulk_copy(rel, copy, map, pgsync_copy_row_of_table, NULL,
					 true, snapshot);

	/* what an old snapshot sees may not be what the table holds */
	if (!IsolationUsesXactSnapshot())
		table->has_look = pgsync_take_look(rel, copy, &table->look);
	table_close(copy, NoLock);
}

/* Saves the positions of the sequences that a table owns. */
static void
save_sequences(PgsyncSavedSet *set, Oid relid)
{
	ListCell   *cell;

	foreach(cell, getOwnedSequences(relid))
	{
		Relation	seqrel = try_relation_open(lfirst_oid(cell),
											   AccessShareLock);
		PgsyncSequenceState state;

		/* a sequence can be dropped while its table is locked */
		if (seqrel == NULL)
			continue;
		if (!object_ownercheck(RelationRelationId, lfirst_oid(cell),
							   GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SEQUENCE,
						   RelationGetRelationName(seqrel));
		pgsync_read_sequence(seqrel, &state);
		pgsync_saved_set_add_sequence(set, relid, seqrel, state.last_value,
									  state.is_called);
		relation_close(seqrel, NoLock);
	}
}

/* Saves one table. */
static void
save_table(PgsyncSavedSet *set, Oid relid, Snapshot snapshot)
{
	Relation	rel = table_open(relid, NoLock);
	PgsyncSavedTable *table = pgsync_saved_set_add_table(set, rel);

	if (rel->rd_rel->relkind == RELKIND_RELATION)
	{
		table->copy_name = choose_copy_name(set, rel);
		create_copy(set, rel, table->copy_name);
		fill_copy(set, table, rel, snapshot);
	}
	pgsync_saved_set_store_table(set, table);
	save_sequences(set, relid);
	table_close(rel, NoLock);
}

/* Saves all tables, as one snapshot sees them. */
static void
save_all(PgsyncSavedSet *set, List *relids)
{
	Snapshot	snapshot;
	ListCell   *cell;

	/* rows that the current command has written count as well */
	CommandCounterIncrement();
	snapshot = RegisterSnapshot(IsolationUsesXactSnapshot() ?
								GetTransactionSnapshot() :
								GetLatestSnapshot());
	foreach(cell, relids)
	{
		CHECK_FOR_INTERRUPTS();
		save_table(set, lfirst_oid(cell), snapshot);
	}
	UnregisterSnapshot(snapshot);
	pgsync_save_definitions(set, pgsync_set_constraints(set->relids));
}

/*
 * save_tables(tables text[], schema_name name) returns text[]
 *
 * Keeps the rows of tables, of their children and partitions, and the
 * positions of the sequences that they own, in ordinary tables of a schema,
 * which is made if there is none.  What was saved there before is replaced.
 *
 * Returns the tables saved, schema-qualified, quoted and sorted.
 *
 * Rules followed: the tables are those of TRUNCATE without CASCADE, and the
 * caller must own them; the schema is made as by CREATE SCHEMA, copies as by
 * CREATE TABLE (LIKE).  Errors: 22023 for no tables and for a schema that has
 * one of them, 22004 for nulls, 42P01 and 3F000 for unknown names, 42602 for
 * names that are none, 42809 for what is no table, 42501 for privileges,
 * 0A000 for other sessions' temporary tables and access methods but heap,
 * 42P06 for a schema with other things in it, 55006 for tables in use, 25006
 * where nothing may be written.
 */
Datum
save_tables(PG_FUNCTION_ARGS)
{
	List	   *names;
	List	   *rangevars;
	List	   *relids;
	char	   *schema;
	PgsyncClosure *closure;
	PgsyncSavedSet *set;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "tables");
	PGSYNC_REQUIRE_ARG(fcinfo, 1, "schema_name");
	names = pgsync_arg_name_list(fcinfo, 0, "tables");
	schema = NameStr(*PG_GETARG_NAME(1));
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"tables\" must name at least one table")));
	pgsync_require_writing("save_tables()");

	pgsync_saved_set_lock(schema);
	rangevars = pgsync_parse_table_names(names);
	refuse_foreign_tables(rangevars);
	closure = pgsync_closure_lock(rangevars, NIL, false);
	relids = check_tables(closure, schema);
	set = pgsync_saved_set_make(schema);
	save_all(set, relids);
	pgsync_saved_set_close(set);
	PG_RETURN_ARRAYTYPE_P(pgsync_table_name_array(relids));
}
