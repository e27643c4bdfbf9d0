/*-------------------------------------------------------------------------
 *
 * saved_set_make.c
 *	  Making a saved set: its schema, its tables, and their first rows.
 *
 * What it consists of is told in saved_set.c.
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
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "clean/saved_layout.h"
#include "clean/saved_set.h"
#include "common/spi_util.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Returns whether a schema holds any relation. */
static bool
holds_relations(Oid nspid)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		found;

	ScanKeyInit(&key, Anum_pg_class_relnamespace, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(nspid));
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/* Adds a table to DROP's list, if it is there. */
static void
append_drop(StringInfo query, PgsyncSavedSet *set, const char *relname)
{
	if (!OidIsValid(get_relname_relid(relname, set->nspid)))
		return;
	appendStringInfo(query, "%s%s", query->len == 0 ? "DROP TABLE " : ", ",
					 quote_qualified_identifier(set->schema, relname));
}

/* Adds the copies that an old set lists to DROP's list. */
static void
append_drop_of_copies(StringInfo query, PgsyncSavedSet *set)
{
	char	   *list = psprintf("SELECT copy_name FROM %s WHERE copy_name IS NOT NULL",
								quote_qualified_identifier(set->schema,
														   PGSYNC_TABLES_TABLE));
	SPIExecuteOptions options = {.read_only = true};

	if (!OidIsValid(get_relname_relid(PGSYNC_TABLES_TABLE, set->nspid)))
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	pgsync_spi_connect();
	pgsync_spi_execute_extended(list, &options);
	for (uint64 i = 0; i < SPI_processed; i++)
		append_drop(query, set,
					SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
								 1));
	pgsync_spi_finish();
	PopActiveSnapshot();
}

/* Drops what an earlier call left in the schema. */
static void
drop_old_set(PgsyncSavedSet *set)
{
	StringInfoData query;

	initStringInfo(&query);
	append_drop_of_copies(&query, set);
	for (int i = 0; i < NTABLES; i++)
		append_drop(&query, set, pgsync_set_tables[i].relname);
	if (query.len > 0)
		pgsync_spi_execute(query.data, SPI_OK_UTILITY);
}

/* Makes one of the set's own tables. */
static void
create_own_table(PgsyncSavedSet *set, const char *relname,
				 const PgsyncSetColumn *columns)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "CREATE TABLE %s (",
					 quote_qualified_identifier(set->schema, relname));
	for (int i = 0; columns[i].name != NULL; i++)
		appendStringInfo(&query, "%s%s %s", i == 0 ? "" : ", ",
						 columns[i].name,
						 format_type_be_qualified(columns[i].type));
	/* room for updates on the same page */
	appendStringInfoString(&query, ") USING heap WITH (fillfactor = 50)");
	pgsync_spi_execute(query.data, SPI_OK_UTILITY);
}

/* Makes the schema, or clears the set that is in it. */
static void
prepare_schema(PgsyncSavedSet *set)
{
	set->nspid = get_namespace_oid(set->schema, true);
	if (!OidIsValid(set->nspid))
	{
		pgsync_spi_execute(psprintf("CREATE SCHEMA %s",
									quote_identifier(set->schema)),
						   SPI_OK_UTILITY);
		set->nspid = get_namespace_oid(set->schema, false);
		return;
	}
	pgsync_check_schema_owner(set->nspid, set->schema);
	if (pgsync_holds_set(set->nspid))
		drop_old_set(set);
	else if (holds_relations(set->nspid))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA),
				 errmsg("schema \"%s\" already exists and is not empty",
						set->schema),
				 errdetail("It holds no saved tables."),
				 errhint("Name a schema that is empty, or does not exist yet.")));
}

/* Opens the set's table of tables and the one of the set. */
static void
open_set_tables(PgsyncSavedSet *set)
{
	set->tables_rel = table_open(get_relname_relid(PGSYNC_TABLES_TABLE,
												   set->nspid),
								 ShareRowExclusiveLock);
	set->set_rel = table_open(get_relname_relid(PGSYNC_SET_TABLE, set->nspid),
							  ShareRowExclusiveLock);
	set->owner = set->tables_rel->rd_rel->relowner;
}

/*
 * Locks the set that a schema may have, against calls for the same set, before
 * any table of it is locked.
 */
void
pgsync_saved_set_lock(const char *schema)
{
	Oid			nspid = get_namespace_oid(schema, true);
	Oid			relid;

	if (!OidIsValid(nspid))
		return;
	pgsync_check_schema_owner(nspid, schema);
	relid = get_relname_relid(PGSYNC_TABLES_TABLE, nspid);
	if (OidIsValid(relid))
		LockRelationOid(relid, ShareRowExclusiveLock);
}

/*
 * Makes an empty set, in a schema that is made, too, if there is none; an
 * older set there goes.
 *
 * Errors: 42501 for a schema that is not the caller's or that they may not
 * make, 42P06 for one with other things in it.
 */
PgsyncSavedSet *
pgsync_saved_set_make(const char *schema)
{
	PgsyncSavedSet *set = palloc0(sizeof(PgsyncSavedSet));

	set->schema = pstrdup(schema);
	pgsync_spi_connect();
	prepare_schema(set);
	for (int i = 0; i < NTABLES; i++)
		create_own_table(set, pgsync_set_tables[i].relname, pgsync_set_tables[i].columns);
	pgsync_spi_finish();

	open_set_tables(set);
	return set;
}

/* Puts a table into a set that is being made; it is stored later. */
PgsyncSavedTable *
pgsync_saved_set_add_table(PgsyncSavedSet *set, Relation rel)
{
	PgsyncSavedTable *table = palloc0(sizeof(PgsyncSavedTable));

	table->relid = RelationGetRelid(rel);
	table->name = pgsync_qualified_relation_name(rel);
	set->tables = lappend(set->tables, table);
	set->relids = lappend_oid(set->relids, table->relid);
	return table;
}

/* Stores a table of a set that is being made, with its look if it has one. */
void
pgsync_saved_set_store_table(PgsyncSavedSet *set, PgsyncSavedTable *table)
{
	Datum		values[TABLES_NCOLUMNS] = {0};
	bool		nulls[TABLES_NCOLUMNS] = {0};
	NameData	name;

	values[TABLES_ID] = ObjectIdGetDatum(table->relid);
	values[TABLES_NAME] = CStringGetTextDatum(table->name);
	nulls[TABLES_COPY] = table->copy_name == NULL;
	if (table->copy_name != NULL)
	{
		namestrcpy(&name, table->copy_name);
		values[TABLES_COPY] = NameGetDatum(&name);
	}
	nulls[TABLES_LOOK] = !table->has_look;
	if (table->has_look)
		values[TABLES_LOOK] = pgsync_make_bytea(&table->look, sizeof(PgsyncLook));
	pgsync_store_unheard(set->tables_rel,
						 heap_form_tuple(RelationGetDescr(set->tables_rel),
										 values, nulls));
}

/* Stores that a set is complete, and the hash of its definitions. */
void
pgsync_saved_set_store(PgsyncSavedSet *set, const uint8 *digest)
{
	Datum		values[SET_NCOLUMNS];
	bool		nulls[SET_NCOLUMNS] = {0};

	values[SET_SAVED_AT] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[SET_DEFINITIONS] = pgsync_make_bytea(digest, PG_SHA256_DIGEST_LENGTH);
	pgsync_store_unheard(set->set_rel,
						 heap_form_tuple(RelationGetDescr(set->set_rel),
										 values, nulls));
}

/* Puts the position of a sequence into a set that is being made. */
void
pgsync_saved_set_add_sequence(PgsyncSavedSet *set, Oid relid, Relation seqrel,
							  int64 last_value, bool is_called)
{
	Relation	rel = table_open(get_relname_relid(PGSYNC_SEQUENCES_TABLE,
												   set->nspid),
								 RowExclusiveLock);
	Datum		values[SEQUENCES_NCOLUMNS];
	bool		nulls[SEQUENCES_NCOLUMNS] = {false};
	char	   *name = pgsync_qualified_relation_name(seqrel);

	values[SEQUENCES_ID] = ObjectIdGetDatum(RelationGetRelid(seqrel));
	values[SEQUENCES_NAME] = CStringGetTextDatum(name);
	values[SEQUENCES_TABLE] = ObjectIdGetDatum(relid);
	values[SEQUENCES_LAST_VALUE] = Int64GetDatum(last_value);
	values[SEQUENCES_IS_CALLED] = BoolGetDatum(is_called);
	pgsync_store_unheard(rel, heap_form_tuple(RelationGetDescr(rel), values,
											  nulls));
	table_close(rel, NoLock);
}
