/*-------------------------------------------------------------------------
 *
 * saved_definition.c
 *	  Whether tables still are what they were when they were saved.
 *
 * Their definition is kept twice.  As text, an entry for each column,
 * constraint, parent and child, so that a difference has a name.  And as one
 * SHA-256 of what the catalogs hold, so that for tables that are as they were
 * no text has to be made: only if it differs, the texts are compared, and if
 * these do not differ it is renewed.
 *
 * Defaults, triggers, plain indexes, names of tables and the like are no part
 * of it: whatever happens to them, the saved rows fit.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_inherits.h"
#include "clean/closure.h"
#include "clean/saved_definition.h"
#include "clean/set_constraints.h"
#include "common/cryptohash.h"
#include "common/spi_util.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* ----------------------------------------------------------------
 *						as a hash
 * ----------------------------------------------------------------
 */

/* Appends a relation's columns to what is hashed. */
static void
append_columns(StringInfo buf, Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	TupleDesc	desc = RelationGetDescr(rel);

	appendBinaryStringInfo(buf, (char *) &relid, sizeof(Oid));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);
		int32		traits[] = {
			attr->atttypid, attr->atttypmod, attr->attcollation,
			attr->attnotnull, attr->attisdropped, attr->attidentity,
			attr->attgenerated
		};

		/* a name's end is told by the byte after it, which no name has */
		appendBinaryStringInfo(buf, NameStr(attr->attname),
							   strlen(NameStr(attr->attname)) + 1);
		appendBinaryStringInfo(buf, (char *) traits, sizeof(traits));
	}
	for (int i = 0; desc->constr != NULL && i < desc->constr->num_defval; i++)
	{
		AttrDefault *def = &desc->constr->defval[i];

		if (TupleDescAttr(desc, def->adnum - 1)->attgenerated)
			appendStringInfoString(buf, def->adbin);
	}
}

/*
 * Appends the columns of a table and of its copy.  Both decide what the values
 * on their pages mean.
 */
static void
append_table(StringInfo buf, PgsyncSavedSet *set, PgsyncSavedTable *table)
{
	Relation	rel = table_open(table->relid, NoLock);
	Relation	copy;

	append_columns(buf, rel);
	if (table->copy_name != NULL)
	{
		copy = pgsync_saved_set_open_copy(set, table);
		append_columns(buf, copy);
		table_close(copy, NoLock);
	}
	table_close(rel, NoLock);
}

/* Compares rows of pg_inherits, for list_sort. */
static int
compare_inherits(const ListCell *a, const ListCell *b)
{
	return memcmp(lfirst(a), lfirst(b), 3 * sizeof(Oid));
}

/*
 * Appends who inherits from whom.  A partition that is detached and attached
 * again has a new row, by a new transaction.
 */
static void
append_inheritance(StringInfo buf, List *relids)
{
	Relation	catalog = table_open(InheritsRelationId, AccessShareLock);
	List	   *rows = NIL;
	ListCell   *cell;
	SysScanDesc scan;
	HeapTuple	tuple;

	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);
		Oid		   *row;

		if (!pgsync_oid_in(relids, form->inhrelid) &&
			!pgsync_oid_in(relids, form->inhparent))
			continue;
		row = palloc(3 * sizeof(Oid));
		row[0] = form->inhparent;
		row[1] = form->inhrelid;
		row[2] = HeapTupleHeaderGetRawXmin(tuple->t_data);
		rows = lappend(rows, row);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	list_sort(rows, compare_inherits);
	foreach(cell, rows)
		appendBinaryStringInfo(buf, lfirst(cell), 3 * sizeof(Oid));
}

/* Hashes the definitions of all tables of a set. */
static void
hash_definitions(PgsyncSavedSet *set, List *constraints, uint8 *digest)
{
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, set->tables)
		append_table(&buf, set, lfirst(cell));
	foreach(cell, constraints)
	{
		PgsyncConstraint *constraint = lfirst(cell);

		if (constraint->ours)
			appendBinaryStringInfo(&buf, constraint->data, constraint->length);
	}
	append_inheritance(&buf, set->relids);

	if (hash == NULL || pg_cryptohash_init(hash) < 0 ||
		pg_cryptohash_update(hash, (uint8 *) buf.data, buf.len) < 0 ||
		pg_cryptohash_final(hash, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256 hash");
	pg_cryptohash_free(hash);
	pfree(buf.data);
}

/* ----------------------------------------------------------------
 *						as text
 * ----------------------------------------------------------------
 */

/*
 * Appends the query for the entries as they are now: table_id, kind, name,
 * definition.
 *
 * A foreign key to a partitioned table has further rows in pg_constraint, one
 * for each of its partitions; these come and go with them.  NOT NULL stands
 * with the column, also where it is a constraint as well.
 */
static void
append_current_entries(StringInfo query, const char *tables)
{
	appendStringInfo(query,
					 "SELECT a.attrelid::pg_catalog.regclass AS table_id, 'column'::text AS kind,"
					 " a.attname::text AS name,"
					 " pg_catalog.concat_ws(' ',"
					 " pg_catalog.format_type(a.atttypid, a.atttypmod),"
					 " 'COLLATE ' || NULLIF(a.attcollation, t.typcollation)::pg_catalog.regcollation::text,"
					 " CASE WHEN a.attnotnull THEN 'NOT NULL' END,"
					 " CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY'"
					 " WHEN 'd' THEN 'GENERATED BY DEFAULT AS IDENTITY' END,"
					 " CASE a.attgenerated WHEN 's' THEN 'STORED ' WHEN 'v' THEN 'VIRTUAL ' END ||"
					 " pg_catalog.pg_get_expr(d.adbin, d.adrelid)) AS definition"
					 " FROM pg_catalog.pg_attribute a"
					 " JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) a.atttypid"
					 " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid OPERATOR(pg_catalog.=) a.attrelid"
					 " AND d.adnum OPERATOR(pg_catalog.=) a.attnum"
					 " WHERE a.attrelid OPERATOR(pg_catalog.=) ANY (%1$s)"
					 " AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
					 " UNION ALL"
					 " SELECT c.conrelid, 'constraint', c.conname,"
					 " pg_catalog.pg_get_constraintdef(c.oid)"
					 " FROM pg_catalog.pg_constraint c"
					 " LEFT JOIN pg_catalog.pg_constraint p ON p.oid OPERATOR(pg_catalog.=) c.conparentid"
					 " AND p.conrelid OPERATOR(pg_catalog.=) c.conrelid"
					 " WHERE c.conrelid OPERATOR(pg_catalog.=) ANY (%1$s) AND p.oid IS NULL"
					 " AND c.contype OPERATOR(pg_catalog.<>) 'n'"
					 " UNION ALL"
					 " SELECT i.inhparent, 'child', i.inhrelid::pg_catalog.regclass::text,"
					 " coalesce(pg_catalog.pg_get_expr(r.relpartbound, r.oid), 'inherits')"
					 " FROM pg_catalog.pg_inherits i"
					 " JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) i.inhrelid"
					 " WHERE i.inhparent OPERATOR(pg_catalog.=) ANY (%1$s)"
					 " UNION ALL"
					 " SELECT i.inhrelid, 'parent', i.inhparent::pg_catalog.regclass::text, 'inherited'"
					 " FROM pg_catalog.pg_inherits i"
					 " WHERE i.inhrelid OPERATOR(pg_catalog.=) ANY (%1$s)",
					 tables);
}

/* Returns the set's tables as an SQL array of OIDs. */
static char *
tables_as_array(PgsyncSavedSet *set)
{
	StringInfoData buf;
	const char *separator = "";
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "'{");
	foreach(cell, set->relids)
	{
		appendStringInfo(&buf, "%s%u", separator, lfirst_oid(cell));
		separator = ",";
	}
	appendStringInfoString(&buf, "}'::pg_catalog.oid[]");
	return buf.data;
}

/* Makes names in definitions come out alike, whatever the caller has set. */
static int
begin_plain_names(void)
{
	int			nestlevel = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("quote_all_identifiers", "off",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return nestlevel;
}

/* Stores the rows that the query just run has returned. */
static void
store_entries(PgsyncSavedSet *set)
{
	Oid			relid = get_relname_relid(PGSYNC_DEFINITIONS_TABLE,
										  set->nspid);
	Relation	rel = table_open(relid, RowExclusiveLock);

	for (uint64 i = 0; i < SPI_processed; i++)
		pgsync_store_unheard(rel, SPI_tuptable->vals[i]);
	table_close(rel, NoLock);
}

/* Keeps the definitions of the set's tables, which are locked. */
void
pgsync_save_definitions(PgsyncSavedSet *set, List *constraints)
{
	int			nestlevel = begin_plain_names();
	SPIExecuteOptions options = {.read_only = true};
	StringInfoData query;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	initStringInfo(&query);
	append_current_entries(&query, tables_as_array(set));
	PushActiveSnapshot(GetLatestSnapshot());
	pgsync_spi_connect();
	pgsync_spi_execute_extended(query.data, &options);
	store_entries(set);
	pgsync_spi_finish();
	PopActiveSnapshot();
	AtEOXact_GUC(true, nestlevel);

	hash_definitions(set, constraints, digest);
	pgsync_saved_set_store(set, digest);
}

/* Returns an entry as it is shown: column id integer NOT NULL. */
static char *
show_entry(HeapTuple row, TupleDesc desc, int definition)
{
	char	   *kind = SPI_getvalue(row, desc, 2);
	char	   *name = SPI_getvalue(row, desc, 3);

	/* names of tables are quoted already */
	if (strcmp(kind, "column") == 0 || strcmp(kind, "constraint") == 0)
		name = pstrdup(quote_identifier(name));
	return psprintf("%s %s %s", kind, name,
					SPI_getvalue(row, desc, definition));
}

/* Reports the first difference that the query just run has found. */
static void
report_difference(PgsyncSavedSet *set)
{
	HeapTuple	row = SPI_tuptable->vals[0];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	Oid			relid = atooid(SPI_getvalue(row, desc, 1));
	char	   *saved = SPI_getvalue(row, desc, 4);
	char	   *current = SPI_getvalue(row, desc, 5);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table %s is not defined as it was when it was saved",
					pgsync_table_name(relid)),
			 saved == NULL ?
			 errdetail("The table now has %s.", show_entry(row, desc, 5)) :
			 current == NULL ?
			 errdetail("The table no longer has %s.", show_entry(row, desc, 4)) :
			 errdetail("The table now has %s, which was saved as %s.",
					   show_entry(row, desc, 5), saved),
			 errhint("Call save_tables again for schema \"%s\".",
					 set->schema)));
}

/* Compares the texts; a difference is an error (55000). */
static void
compare_texts(PgsyncSavedSet *set)
{
	int			nestlevel = begin_plain_names();
	SPIExecuteOptions options = {.read_only = true};
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "WITH current_entries AS (");
	append_current_entries(&query, tables_as_array(set));
	appendStringInfo(&query,
					 ") SELECT table_id::pg_catalog.oid, kind, name, s.definition, c.definition"
					 " FROM (SELECT table_id, kind, name, definition FROM %s) s"
					 " FULL JOIN current_entries c USING (table_id, kind, name)"
					 " WHERE s.definition IS DISTINCT FROM c.definition"
					 " ORDER BY table_id, kind, name LIMIT 1",
					 quote_qualified_identifier(set->schema,
												PGSYNC_DEFINITIONS_TABLE));
	/* a read-only query takes the active snapshot, which must not be old */
	PushActiveSnapshot(GetLatestSnapshot());
	pgsync_spi_connect();
	pgsync_spi_execute_extended(query.data, &options);
	if (SPI_processed > 0)
		report_difference(set);
	pgsync_spi_finish();
	PopActiveSnapshot();
	AtEOXact_GUC(true, nestlevel);
}

/* Forgets all looks: what is on the pages may mean something else now. */
static void
forget_looks(PgsyncSavedSet *set)
{
	ListCell   *cell;

	foreach(cell, set->tables)
		((PgsyncSavedTable *) lfirst(cell))->has_look = false;
}

/*
 * Fails if a table of the set, all of which are locked, is not defined as it
 * was; the error names what differs.
 *
 * A column that was dropped and added again, or two that have exchanged their
 * names, make no difference in the text, and leave no trace on the pages.
 */
void
pgsync_check_definitions(PgsyncSavedSet *set, List *constraints)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];

	hash_definitions(set, constraints, digest);
	if (set->has_digest &&
		memcmp(digest, set->digest, PG_SHA256_DIGEST_LENGTH) == 0)
		return;
	compare_texts(set);
	forget_looks(set);
	pgsync_saved_set_put_digest(set, digest);
}
