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
 * saved_set_make.c makes one; here it is read, and what changes is renewed.
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

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "clean/closure.h"
#include "clean/saved_layout.h"
#include "clean/saved_set.h"
#include "clean/truncate_observer.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The columns of the set's own tables, in the order of saved_layout.h. */
static const PgsyncSetColumn set_columns[] = {
	{"saved_at", TIMESTAMPTZOID},
	{"definitions", BYTEAOID},
	{NULL}
};

static const PgsyncSetColumn tables_columns[] = {
	{"table_id", REGCLASSOID},
	{"table_name", TEXTOID},
	{"copy_name", NAMEOID},
	{"look", BYTEAOID},
	{NULL}
};

static const PgsyncSetColumn definitions_columns[] = {
	{"table_id", REGCLASSOID},
	{"kind", TEXTOID},
	{"name", TEXTOID},
	{"definition", TEXTOID},
	{NULL}
};

static const PgsyncSetColumn sequences_columns[] = {
	{"sequence_id", REGCLASSOID},
	{"sequence_name", TEXTOID},
	{"table_id", REGCLASSOID},
	{"last_value", INT8OID},
	{"is_called", BOOLOID},
	{NULL}
};

const PgsyncSetTable pgsync_set_tables[NTABLES] = {
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
Datum
pgsync_make_bytea(const void *data, Size length)
{
	bytea	   *result = palloc(VARHDRSZ + length);

	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), data, length);
	return PointerGetDatum(result);
}

/* Returns whether a schema holds a saved set, of any state. */
bool
pgsync_holds_set(Oid nspid)
{
	return OidIsValid(get_relname_relid(PGSYNC_TABLES_TABLE, nspid)) ||
		OidIsValid(get_relname_relid(PGSYNC_SET_TABLE, nspid));
}

/* Insists that a schema is the caller's own. */
void
pgsync_check_schema_owner(Oid nspid, const char *schema)
{
	if (!pgsync_owns_schema(nspid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SCHEMA, schema);
}

/* ----------------------------------------------------------------
 *						reading a set
 * ----------------------------------------------------------------
 */

/* Returns whether a relation is a plain table with these columns. */
static bool
is_as_made(Relation rel, const PgsyncSetColumn *columns)
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
	const char *relname = pgsync_set_tables[number].relname;
	Oid			relid = lock_own_table(set, relname, lockmode);
	Relation	rel = relation_open(relid, NoLock);

	if (!is_as_made(rel, pgsync_set_tables[number].columns) ||
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
	pgsync_check_schema_owner(set->nspid, schema);
	if (!pgsync_holds_set(set->nspid))
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
		look = pgsync_make_bytea(&table->look, sizeof(PgsyncLook));
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
			  pgsync_make_bytea(digest, PG_SHA256_DIGEST_LENGTH), false);
}
