/*-------------------------------------------------------------------------
 *
 * saved_set.c
 *	  What save_tables leaves in a schema, and restore_tables finds there.
 *
 * A saved set is a schema with a copy of each saved table and four tables of
 * the set's own:
 *
 *	  pgsync_saved_set			one row: when, and a hash of all definitions
 *	  pgsync_saved_tables		a row a table: its copy, and how it looked
 *	  pgsync_saved_definitions	its columns, constraints, parents, children
 *	  pgsync_saved_sequences	the positions of the sequences it owns
 *
 * All are ordinary: SQL reads them, pg_dump dumps them, DROP SCHEMA removes
 * them.  Here they are read and written below the executor, with a snapshot
 * of the latest state, so that a caller with an old one works with what is
 * there, and so that nothing that somebody has attached to them runs.  None
 * has an index, which is what makes that simple.
 *
 * Since rows go from a set into its owner's tables unseen, a set must belong
 * to the caller, and its tables to whoever owns the set: nobody can prepare
 * one for somebody else's tables.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "clean/closure.h"
#include "clean/saved_set.h"
#include "clean/truncate_observer.h"
#include "common/spi_util.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A column that a table of the set must have. */
typedef struct SetColumn
{
	const char *name;
	Oid			type;
} SetColumn;

/* The set's own tables.  The order of columns is that of the enums below. */
static const SetColumn set_columns[] = {
	{"saved_at", TIMESTAMPTZOID},
	{"definitions", BYTEAOID},
	{NULL}
};

static const SetColumn tables_columns[] = {
	{"table_id", REGCLASSOID},
	{"table_name", TEXTOID},
	{"copy_name", NAMEOID},
	{"look", BYTEAOID},
	{NULL}
};

static const SetColumn definitions_columns[] = {
	{"table_id", REGCLASSOID},
	{"kind", TEXTOID},
	{"name", TEXTOID},
	{"definition", TEXTOID},
	{NULL}
};

static const SetColumn sequences_columns[] = {
	{"sequence_id", REGCLASSOID},
	{"sequence_name", TEXTOID},
	{"table_id", REGCLASSOID},
	{"last_value", INT8OID},
	{"is_called", BOOLOID},
	{NULL}
};

enum
{
	SET_SAVED_AT, SET_DEFINITIONS, SET_NCOLUMNS
};
enum
{
	TABLES_ID, TABLES_NAME, TABLES_COPY, TABLES_LOOK, TABLES_NCOLUMNS
};
enum
{
	SEQUENCES_ID, SEQUENCES_NAME, SEQUENCES_TABLE, SEQUENCES_LAST_VALUE,
	SEQUENCES_IS_CALLED, SEQUENCES_NCOLUMNS
};

/* The set's own tables, and their columns. */
enum
{
	SET, TABLES, DEFINITIONS, SEQUENCES
};

static const struct
{
	const char *relname;
	const SetColumn *columns;
}			own_tables[] = {
	[SET] = {PGSYNC_SET_TABLE, set_columns},
	[TABLES] = {PGSYNC_TABLES_TABLE, tables_columns},
	[DEFINITIONS] = {PGSYNC_DEFINITIONS_TABLE, definitions_columns},
	[SEQUENCES] = {PGSYNC_SEQUENCES_TABLE, sequences_columns},
};

/* Refuses where nothing may be written: read-only transactions, standbys. */
void
pgsync_require_writing(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
	PreventCommandDuringRecovery(function);
}

/* Reports a set whose tables are not what save_tables made of them (55000). */
void
pgsync_saved_set_damaged(PgsyncSavedSet *set, const char *relname)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("saved tables in schema \"%s\" cannot be used",
					set->schema),
			 errdetail("Table \"%s\" is missing, or is not as save_tables made it.",
					   relname),
			 errhint("Call save_tables again for this schema.")));
}

/*
 * Stores a row in one of the set's own tables.  Logical decoders do not hear
 * of it: where all tables are published, subscribers need no saved sets.
 */
void
pgsync_store_unheard(Relation rel, HeapTuple row)
{
	heap_insert(rel, row, GetCurrentCommandId(true), HEAP_INSERT_NO_LOGICAL,
				NULL);
}

/* Returns bytes as a bytea. */
static Datum
make_bytea(const void *data, Size length)
{
	bytea	   *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), data, length);
	return PointerGetDatum(result);
}

/* ----------------------------------------------------------------
 *						making a set
 * ----------------------------------------------------------------
 */

/* Returns whether a schema holds a saved set, of any state. */
static bool
holds_set(Oid nspid)
{
	return OidIsValid(get_relname_relid(PGSYNC_TABLES_TABLE, nspid)) ||
		OidIsValid(get_relname_relid(PGSYNC_SET_TABLE, nspid));
}

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

/* Insists that a schema is the caller's own. */
static void
check_schema_owner(Oid nspid, const char *schema)
{
	if (!pgsync_owns_schema(nspid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, schema);
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
	for (int i = 0; i < lengthof(own_tables); i++)
		append_drop(&query, set, own_tables[i].relname);
	if (query.len > 0)
		pgsync_spi_execute(query.data, SPI_OK_UTILITY);
}

/* Makes one of the set's own tables. */
static void
create_own_table(PgsyncSavedSet *set, const char *relname,
				 const SetColumn *columns)
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
	check_schema_owner(set->nspid, set->schema);
	if (holds_set(set->nspid))
		drop_old_set(set);
	else if (holds_relations(set->nspid))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_SCHEMA),
				 errmsg("schema \"%s\" exists, and holds no saved tables",
						set->schema),
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
	check_schema_owner(nspid, schema);
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
	for (int i = 0; i < lengthof(own_tables); i++)
		create_own_table(set, own_tables[i].relname, own_tables[i].columns);
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
		values[TABLES_LOOK] = make_bytea(&table->look, sizeof(PgsyncLook));
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
	values[SET_DEFINITIONS] = make_bytea(digest, PG_SHA256_DIGEST_LENGTH);
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

/* ----------------------------------------------------------------
 *						reading a set
 * ----------------------------------------------------------------
 */

/* Returns whether a relation is a plain table with these columns. */
static bool
is_as_made(Relation rel, const SetColumn *columns)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			n = 0;

	if (!pgsync_is_heap(rel) || !RelationIsPermanent(rel))
		return false;
	for (; columns[n].name != NULL; n++)
	{
		Form_pg_attribute attr = n < desc->natts ? TupleDescAttr(desc, n) : NULL;

		if (attr == NULL || attr->attisdropped ||
			attr->atttypid != columns[n].type ||
			strcmp(NameStr(attr->attname), columns[n].name) != 0)
			return false;
	}
	return n == desc->natts && RelationGetIndexList(rel) == NIL;
}

/*
 * Locks one of the set's own tables.  While the lock is waited for, saving
 * again may replace it by another of the same name.
 */
static Oid
lock_own_table(PgsyncSavedSet *set, const char *relname, LOCKMODE lockmode)
{
	for (;;)
	{
		Oid			relid = get_relname_relid(relname, set->nspid);

		if (!OidIsValid(relid))
			pgsync_saved_set_damaged(set, relname);
		if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, relname);
		LockRelationOid(relid, lockmode);
		if (get_relname_relid(relname, set->nspid) == relid)
			return relid;
		UnlockRelationOid(relid, lockmode);
	}
}

/* Opens one of the set's own tables; all of them have one owner. */
static Relation
open_own_table(PgsyncSavedSet *set, int number, LOCKMODE lockmode)
{
	const char *relname = own_tables[number].relname;
	Oid			relid = lock_own_table(set, relname, lockmode);
	Relation	rel = relation_open(relid, NoLock);

	if (!is_as_made(rel, own_tables[number].columns) ||
		(OidIsValid(set->owner) && rel->rd_rel->relowner != set->owner))
		pgsync_saved_set_damaged(set, relname);
	set->owner = rel->rd_rel->relowner;
	return rel;
}

/* Opens the copy of a saved table, which must be the set's own. */
Relation
pgsync_saved_set_open_copy(PgsyncSavedSet *set, PgsyncSavedTable *table)
{
	Relation	copy = NULL;

	if (OidIsValid(table->copy_relid))
		copy = try_relation_open(table->copy_relid, AccessShareLock);
	if (copy == NULL || !pgsync_is_heap(copy) || !RelationIsPermanent(copy) ||
		copy->rd_rel->relowner != set->owner ||
		RelationGetNamespace(copy) != set->nspid ||
		RelationGetRelid(copy) == table->relid)
		pgsync_saved_set_damaged(set, table->copy_name);
	return copy;
}

/* Finds the columns that a table and its copy have in common: all of them. */
PgsyncRowMap *
pgsync_saved_set_map_copy(PgsyncSavedSet *set, PgsyncSavedTable *table,
						  Relation rel, Relation copy)
{
	PgsyncRowMap *map = pgsync_row_map(rel, copy);

	if (map == NULL)
		pgsync_saved_set_damaged(set, table->copy_name);
	return map;
}

/* Returns whether the snapshot sees the row that a scan has just returned. */
static bool
row_is_visible(TableScanDesc scan, HeapTuple row, Snapshot snapshot)
{
	Buffer		buffer = ((HeapScanDesc) scan)->rs_cbuf;
	bool		visible;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	visible = HeapTupleSatisfiesVisibility(row, snapshot, buffer);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	return visible;
}

/* Reads the look of a saved table, if there is one. */
static void
read_look(PgsyncSavedTable *table, Datum value)
{
	bytea	   *look = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(look) != sizeof(PgsyncLook))
		return;
	memcpy(&table->look, VARDATA_ANY(look), sizeof(PgsyncLook));
	table->has_look = true;
}

/* Makes a PgsyncSavedTable of a row of the table of tables. */
static PgsyncSavedTable *
read_table(PgsyncSavedSet *set, HeapTuple row)
{
	PgsyncSavedTable *table = palloc0(sizeof(PgsyncSavedTable));
	Datum		values[TABLES_NCOLUMNS];
	bool		nulls[TABLES_NCOLUMNS];

	table->row = heap_copytuple(row);
	heap_deform_tuple(table->row, RelationGetDescr(set->tables_rel), values,
					  nulls);
	if (nulls[TABLES_ID] || nulls[TABLES_NAME])
		pgsync_saved_set_damaged(set, PGSYNC_TABLES_TABLE);
	table->relid = DatumGetObjectId(values[TABLES_ID]);
	table->name = TextDatumGetCString(values[TABLES_NAME]);
	if (!nulls[TABLES_COPY])
	{
		table->copy_name = pstrdup(NameStr(*DatumGetName(values[TABLES_COPY])));
		table->copy_relid = get_relname_relid(table->copy_name, set->nspid);
	}
	if (!nulls[TABLES_LOOK])
		read_look(table, values[TABLES_LOOK]);
	return table;
}

/* Compares saved tables by OID, for list_sort. */
static int
compare_tables(const ListCell *a, const ListCell *b)
{
	Oid			x = ((PgsyncSavedTable *) lfirst(a))->relid;
	Oid			y = ((PgsyncSavedTable *) lfirst(b))->relid;

	return x < y ? -1 : x > y;
}

/*
 * Reads the saved tables.
 *
 * A look that the caller's own snapshot does not see may be newer than it: it
 * tells nothing of what that snapshot sees.
 */
static void
read_tables(PgsyncSavedSet *set, Snapshot latest)
{
	Snapshot	own = IsolationUsesXactSnapshot() ? GetTransactionSnapshot() : NULL;
	TableScanDesc scan = table_beginscan(set->tables_rel, latest, 0, NULL);
	ListCell   *cell;
	HeapTuple	row;

	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		PgsyncSavedTable *table = read_table(set, row);

		if (own != NULL && !row_is_visible(scan, row, own))
			table->has_look = false;
		set->tables = lappend(set->tables, table);
	}
	table_endscan(scan);
	list_sort(set->tables, compare_tables);
	foreach(cell, set->tables)
	{
		PgsyncSavedTable *table = lfirst(cell);

		if (set->relids != NIL && llast_oid(set->relids) == table->relid)
			pgsync_saved_set_damaged(set, PGSYNC_TABLES_TABLE);
		set->relids = lappend_oid(set->relids, table->relid);
	}
}

/* Compares saved sequences by OID, for list_sort. */
static int
compare_sequences(const ListCell *a, const ListCell *b)
{
	Oid			x = ((PgsyncSavedSequence *) lfirst(a))->seqid;
	Oid			y = ((PgsyncSavedSequence *) lfirst(b))->seqid;

	return x < y ? -1 : x > y;
}

/* Reads the saved positions of sequences. */
static void
read_sequences(PgsyncSavedSet *set, Snapshot latest)
{
	Relation	rel = open_own_table(set, SEQUENCES, AccessShareLock);
	TableScanDesc scan = table_beginscan(rel, latest, 0, NULL);
	HeapTuple	row;

	while ((row = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		PgsyncSavedSequence *sequence = palloc(sizeof(PgsyncSavedSequence));
		Datum		values[SEQUENCES_NCOLUMNS];
		bool		nulls[SEQUENCES_NCOLUMNS];

		heap_deform_tuple(row, RelationGetDescr(rel), values, nulls);
		for (int i = 0; i < SEQUENCES_NCOLUMNS; i++)
		{
			if (nulls[i])
				pgsync_saved_set_damaged(set, PGSYNC_SEQUENCES_TABLE);
		}
		sequence->seqid = DatumGetObjectId(values[SEQUENCES_ID]);
		sequence->name = TextDatumGetCString(values[SEQUENCES_NAME]);
		sequence->relid = DatumGetObjectId(values[SEQUENCES_TABLE]);
		sequence->last_value = DatumGetInt64(values[SEQUENCES_LAST_VALUE]);
		sequence->is_called = DatumGetBool(values[SEQUENCES_IS_CALLED]);
		set->sequences = lappend(set->sequences, sequence);
	}
	table_endscan(scan);
	table_close(rel, NoLock);
	list_sort(set->sequences, compare_sequences);
}

/* Reads the set's own row: the hash of the definitions. */
static void
read_set_row(PgsyncSavedSet *set, Snapshot latest)
{
	TableScanDesc scan = table_beginscan(set->set_rel, latest, 0, NULL);
	HeapTuple	row = heap_getnext(scan, ForwardScanDirection);
	Datum		value;
	bool		isnull;

	if (row == NULL)
		pgsync_saved_set_damaged(set, PGSYNC_SET_TABLE);
	set->set_row = heap_copytuple(row);
	table_endscan(scan);
	value = heap_getattr(set->set_row, SET_DEFINITIONS + 1,
						 RelationGetDescr(set->set_rel), &isnull);
	if (!isnull)
	{
		bytea	   *digest = DatumGetByteaPP(value);

		set->has_digest = VARSIZE_ANY_EXHDR(digest) == PG_SHA256_DIGEST_LENGTH;
		if (set->has_digest)
			memcpy(set->digest, VARDATA_ANY(digest), PG_SHA256_DIGEST_LENGTH);
	}
}

/*
 * Opens and reads the set in a schema; other calls for the same set wait until
 * this transaction ends.
 *
 * Errors: 3F000 for a schema that does not exist, 42501 for one that is not
 * the caller's, 55000 for one without a set or with a damaged one.
 */
PgsyncSavedSet *
pgsync_saved_set_open(const char *schema)
{
	PgsyncSavedSet *set = palloc0(sizeof(PgsyncSavedSet));
	Snapshot	latest;

	set->schema = pstrdup(schema);
	set->nspid = get_namespace_oid(schema, false);
	check_schema_owner(set->nspid, schema);
	if (!holds_set(set->nspid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("schema \"%s\" holds no saved tables", schema),
				 errhint("Call save_tables for it first.")));
	set->tables_rel = open_own_table(set, TABLES, ShareRowExclusiveLock);
	set->set_rel = open_own_table(set, SET, ShareRowExclusiveLock);
	table_close(open_own_table(set, DEFINITIONS, AccessShareLock), NoLock);

	CommandCounterIncrement();
	latest = RegisterSnapshot(GetLatestSnapshot());
	read_set_row(set, latest);
	read_tables(set, latest);
	read_sequences(set, latest);
	UnregisterSnapshot(latest);
	return set;
}

/* Closes a set, keeping its locks. */
void
pgsync_saved_set_close(PgsyncSavedSet *set)
{
	table_close(set->tables_rel, NoLock);
	table_close(set->set_rel, NoLock);
}

/* Returns the set's entry for a table, or NULL if it is not in it. */
PgsyncSavedTable *
pgsync_saved_set_find(PgsyncSavedSet *set, Oid relid)
{
	ListCell   *cell;

	foreach(cell, set->tables)
	{
		PgsyncSavedTable *table = lfirst(cell);

		if (table->relid == relid)
			return table;
	}
	return NULL;
}

/* ----------------------------------------------------------------
 *						what is renewed
 * ----------------------------------------------------------------
 */

/*
 * Replaces one value of a row, and *row by the new one.  The row must be
 * visible: not of the current command.
 */
static void
put_value(Relation rel, HeapTuple *row, int attribute, Datum value, bool isnull)
{
	int			attno = attribute + 1;
	HeapTuple	changed = heap_modify_tuple_by_cols(*row, RelationGetDescr(rel),
													1, &attno, &value,
													&isnull);

	if (pgsync_is_replicated(rel))
	{
		/* an update could not be kept from subscribers */
		simple_heap_delete(rel, &(*row)->t_self);
		pgsync_store_unheard(rel, changed);
	}
	else
		pgsync_simple_heap_update(rel, &(*row)->t_self, changed);
	*row = changed;
}

/* Keeps how a table looks now, or that its look tells nothing. */
void
pgsync_saved_set_put_look(PgsyncSavedSet *set, PgsyncSavedTable *table)
{
	Datum		look = (Datum) 0;

	if (table->has_look)
		look = make_bytea(&table->look, sizeof(PgsyncLook));
	put_value(set->tables_rel, &table->row, TABLES_LOOK, look,
			  !table->has_look);
}

/* Keeps the hash of the definitions as they are now. */
void
pgsync_saved_set_put_digest(PgsyncSavedSet *set, const uint8 *digest)
{
	memcpy(set->digest, digest, PG_SHA256_DIGEST_LENGTH);
	set->has_digest = true;
	put_value(set->set_rel, &set->set_row, SET_DEFINITIONS,
			  make_bytea(digest, PG_SHA256_DIGEST_LENGTH), false);
}
