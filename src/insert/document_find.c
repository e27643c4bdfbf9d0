/*-------------------------------------------------------------------------
 *
 * document_find.c
 *	  Rows that a document means but does not bring: they are there already.
 *
 * Two things are looked up, each with one query for many rows: what an object
 * in the place of a foreign key's column stands for, and the row that was in
 * the way of one which ON CONFLICT DO NOTHING kept out.  The query joins the
 * table with the JSON at hand, converted by json_to_recordset:
 *
 *		SELECT r.n, t.id
 *		FROM ROWS FROM (json_to_recordset($1) AS (email text))
 *			WITH ORDINALITY AS r(c2, n)
 *		JOIN s.author AS t ON t.email = r.c2
 *
 * Only the columns that are compared are converted: others may be of a domain
 * that does not take the null of a name that is not there.
 *
 * It runs as the caller, who needs SELECT on the columns that it reads.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "common/spi_on.h"
#include "common/spi_util.h"
#include "insert/document.h"
#include "insert/unique_key.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

/* The result's first column is n, those asked for follow */
#define FIRST_COLUMN	2

/* A row found, for the n-th of those asked for; columns count from 1 */
typedef void (*FoundCallback) (void *arg, int64 n, SPITupleTable *table,
							   HeapTuple tuple);

/* Returns a column's type as a column definition has it. */
static char *
column_type(Form_pg_attribute attr)
{
	char	   *type = format_type_extended(attr->atttypid, attr->atttypmod,
											FORMAT_TYPE_TYPEMOD_GIVEN |
											FORMAT_TYPE_FORCE_QUALIFY);

	if (!OidIsValid(attr->attcollation))
		return type;
	return psprintf("%s COLLATE %s", type,
					generate_collation_name(attr->attcollation));
}

/* Appends "email text, name text" and "c2, c4, " for the columns given. */
static void
append_definitions(StringInfo definitions, StringInfo aliases, TupleDesc desc,
				   Bitmapset *columns)
{
	int			attnum = -1;

	while ((attnum = bms_next_member(columns, attnum)) >= 0)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, attnum - 1);

		appendStringInfo(definitions, "%s%s %s",
						 definitions->len > 0 ? ", " : "",
						 quote_identifier(NameStr(attr->attname)),
						 column_type(attr));
		appendStringInfo(aliases, "c%d, ", attnum);
	}
}

/* Appends " AND t.email = r.c2" for one column, by its type's equality. */
static void
append_comparison(StringInfo buf, TupleDesc desc, AttrNumber attnum,
				  bool first)
{
	Form_pg_attribute attr = TupleDescAttr(desc, attnum - 1);
	TypeCacheEntry *type = lookup_type_cache(attr->atttypid,
											 TYPECACHE_EQ_OPR);

	if (!OidIsValid(type->eq_opr))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an equality operator for type %s",
						format_type_be(attr->atttypid))));
	appendStringInfoString(buf, first ? " ON " : " AND ");
	generate_operator_clause(buf,
							 psprintf("t.%s", quote_identifier(NameStr(attr->attname))),
							 attr->atttypid, type->eq_opr,
							 psprintf("r.c%d", attnum), attr->atttypid);
}

/* Returns the query that looks for rows of "rel" by the columns given. */
static char *
lookup_query(Relation rel, Bitmapset *by, const AttrNumber *wanted,
			 int nwanted)
{
	TupleDesc	desc = RelationGetDescr(rel);
	char	   *name = pgsync_qualified_relation_name(rel);
	StringInfoData definitions;
	StringInfoData aliases;
	StringInfoData buf;
	bool		first = true;
	int			attnum = -1;

	initStringInfo(&definitions);
	initStringInfo(&aliases);
	append_definitions(&definitions, &aliases, desc, by);
	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT r.n");
	for (int i = 0; i < nwanted; i++)
		appendStringInfo(&buf, ", t.%s",
						 quote_identifier(NameStr(TupleDescAttr(desc, wanted[i] - 1)->attname)));
	appendStringInfo(&buf,
					 " FROM ROWS FROM (pg_catalog.json_to_recordset($1) AS (%s))"
					 " WITH ORDINALITY AS r(%sn) JOIN %s AS t",
					 definitions.data, aliases.data, name);
	while ((attnum = bms_next_member(by, attnum)) >= 0)
	{
		append_comparison(&buf, desc, attnum, first);
		first = false;
	}
	return buf.data;
}

/* Returns a list of parameters with the JSON as its one. */
static ParamListInfo
json_parameter(StringInfo json)
{
	ParamListInfo params = makeParamList(1);

	params->params[0].ptype = JSONOID;
	params->params[0].pflags = PARAM_FLAG_CONST;
	params->params[0].isnull = false;
	params->params[0].value = PointerGetDatum(cstring_to_text_with_len(json->data,
																	   json->len));
	return params;
}

/* Runs a look-up, and has the callback called for each row found. */
static void
look_up(Relation rel, Bitmapset *by, const AttrNumber *wanted, int nwanted,
		StringInfo json, FoundCallback found, void *arg)
{
	SPIExecuteOptions options = {0};
	char	   *query = lookup_query(rel, by, wanted, nwanted);

	pgsync_spi_connect();
	options.params = json_parameter(json);
	options.read_only = false;
	pgsync_spi_execute_on(rel, query, &options);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		HeapTuple	tuple = SPI_tuptable->vals[i];
		int64		n = DatumGetInt64(SPI_getbinval(tuple,
													SPI_tuptable->tupdesc, 1,
													&isnull));

		found(arg, n - 1, SPI_tuptable, tuple);
	}
	pgsync_spi_finish();
}

/*
 * Returns a value of a found row as JSON from which the loader makes that
 * value again, in "context".
 */
static char *
json_value(SPITupleTable *table, HeapTuple tuple, int column,
		   MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, table->tupdesc, column, &isnull);
	char	   *json = pgsync_document_json(value, isnull,
											TupleDescAttr(table->tupdesc, column - 1)->atttypid);

	MemoryContextSwitchTo(oldcontext);
	return json;
}

/* Reports a reference that several rows fit (21000). */
static void
report_ambiguous(PgsyncDocumentRow *row, PgsyncDocumentReference *reference)
{
	ereport(ERROR,
			(errcode(ERRCODE_CARDINALITY_VIOLATION),
			 errmsg("several rows of table \"%s\" fit the reference %s",
					get_rel_name(reference->key->referenced),
					pgsync_document_shown(reference)),
			 errhint("Name the columns of a unique key."),
			 errcontext("row %lld of table \"%s\"",
						(long long) row->number, row->table->name)));
}

/* References of one kind: by one foreign key, naming the same columns */
typedef struct ReferenceBatch
{
	MemoryContext mcxt;
	List	   *references;
	List	   *rows;			/* that they stand in */
	PgsyncDocumentReference **by_number;
	PgsyncDocumentRow **row_by_number;
} ReferenceBatch;

/* Takes what one of a batch's references has been found to mean. */
static void
reference_found(void *arg, int64 n, SPITupleTable *table, HeapTuple tuple)
{
	ReferenceBatch *batch = arg;
	PgsyncDocumentReference *reference = batch->by_number[n];
	int			ncolumns = reference->key->ncolumns;

	if (reference->values != NULL)
		report_ambiguous(batch->row_by_number[n], reference);
	reference->values = MemoryContextAllocZero(batch->mcxt,
											   ncolumns * sizeof(char *));
	for (int i = 0; i < ncolumns; i++)
		reference->values[i] = json_value(table, tuple,
										  FIRST_COLUMN + i, batch->mcxt);
}

/* Looks up a batch of references. */
static void
find_batch(ReferenceBatch *batch)
{
	PgsyncDocumentReference *first = linitial(batch->references);
	Relation	rel = relation_open(first->key->referenced, AccessShareLock);
	int			nreferences = list_length(batch->references);
	StringInfoData json;
	ListCell   *reference_cell;
	ListCell   *row_cell;
	int			n = 0;

	batch->by_number = palloc(nreferences * sizeof(void *));
	batch->row_by_number = palloc(nreferences * sizeof(void *));
	initStringInfo(&json);
	forboth(reference_cell, batch->references, row_cell, batch->rows)
	{
		PgsyncDocumentReference *reference = lfirst(reference_cell);

		batch->by_number[n] = reference;
		batch->row_by_number[n] = lfirst(row_cell);
		appendStringInfoChar(&json, n++ > 0 ? ',' : '[');
		appendBinaryStringInfo(&json, reference->text, reference->len);
	}
	appendStringInfoChar(&json, ']');
	look_up(rel, first->columns, first->key->referenced_columns,
			first->key->ncolumns, &json, reference_found, batch);
	relation_close(rel, NoLock);
}

/* Returns the batch that a reference belongs to, making it if need be. */
static ReferenceBatch *
batch_of(List **batches, PgsyncDocumentReference *reference)
{
	ReferenceBatch *batch;
	ListCell   *cell;

	foreach(cell, *batches)
	{
		PgsyncDocumentReference *first;

		batch = lfirst(cell);
		first = linitial(batch->references);
		if (first->key == reference->key &&
			bms_equal(first->columns, reference->columns))
			return batch;
	}
	batch = palloc0(sizeof(ReferenceBatch));
	*batches = lappend(*batches, batch);
	return batch;
}

/*
 * Looks up those references of the rows that have not been found yet.  One
 * that finds no row keeps its values NULL.
 *
 * Errors: 21000 for one that finds several rows.
 */
void
pgsync_document_find_references(PgsyncDocumentTable *table, List *rows)
{
	List	   *batches = NIL;
	ListCell   *row_cell;
	ListCell   *cell;

	foreach(row_cell, rows)
	{
		PgsyncDocumentRow *row = lfirst(row_cell);

		foreach(cell, row->references)
		{
			PgsyncDocumentReference *reference = lfirst(cell);
			ReferenceBatch *batch;

			if (reference->values != NULL)
				continue;
			batch = batch_of(&batches, reference);
			batch->mcxt = table->document->mcxt;
			batch->references = lappend(batch->references, reference);
			batch->rows = lappend(batch->rows, row);
		}
	}
	foreach(cell, batches)
		find_batch(lfirst(cell));
}

/* Rows that a conflict kept out */
typedef struct ConflictSearch
{
	PgsyncDocumentTable *table;
	AttrNumber *wanted;
	int			nwanted;
	PgsyncDocumentRow **rows;
} ConflictSearch;

/*
 * Takes from the row that was in one's way what nested rows need.  A second
 * row is an error: what they need is a unique key, which tells the two apart.
 */
static void
conflicting_found(void *arg, int64 n, SPITupleTable *table, HeapTuple tuple)
{
	ConflictSearch *search = arg;
	PgsyncDocumentRow *row = search->rows[n];
	MemoryContext context = search->table->document->mcxt;
	bool		is_first = row->returned == NULL;

	if (is_first)
		row->returned = MemoryContextAllocZero(context,
											   search->table->target->natts *
											   sizeof(char *));
	for (int i = 0; i < search->nwanted; i++)
	{
		char	  **value = &row->returned[search->wanted[i] - 1];
		char	   *found = json_value(table, tuple, FIRST_COLUMN + i, context);

		if (!is_first && strcmp(*value, found) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_CARDINALITY_VIOLATION),
					 errmsg("row %lld of table \"%s\" conflicts with two rows",
							(long long) row->number, search->table->name),
					 errdetail("The rows nested in it could belong to either."),
					 errhint("Name the columns of one key in on_conflict.")));
		*value = found;
	}
}

/*
 * Returns the key that on_conflict names, if the table has it; NIL if it
 * names none, or the table has no such key.
 */
List *
pgsync_document_conflict_key(PgsyncDocumentTable *table)
{
	List	   *columns = NIL;
	ListCell   *cell;

	foreach(cell, table->document->conflict_columns)
	{
		const char *name = lfirst(cell);
		AttrNumber	attnum = pgsync_target_find(table->target, name,
												strlen(name));

		if (attnum == 0)
			return NIL;
		columns = list_append_unique_int(columns, attnum);
	}
	foreach(cell, columns == NIL ? NIL :
			pgsync_usable_keys(table->target->rel))
	{
		List	   *key = lfirst(cell);

		if (list_length(key) == list_length(columns) &&
			list_difference_int(key, columns) == NIL)
			return columns;
	}
	return NIL;
}

/* Returns the keys by which a conflict may have come about, as lists. */
static List *
conflict_keys(PgsyncDocumentTable *table)
{
	List	   *columns = pgsync_document_conflict_key(table);

	return columns != NIL ? list_make1(columns) :
		pgsync_usable_keys(table->target->rel);
}

/* Returns a list of attribute numbers as a set. */
static Bitmapset *
column_set(List *columns)
{
	Bitmapset  *set = NULL;
	ListCell   *cell;

	foreach(cell, columns)
		set = bms_add_member(set, lfirst_int(cell));
	return set;
}

/*
 * Finds, for rows that were kept out by a conflict, the rows in their way,
 * and takes from these what the rows nested in them need.
 *
 * Errors: 21000 if two rows are in the way of one.
 */
void
pgsync_document_find_conflicting(PgsyncDocumentTable *table, List *rows)
{
	ConflictSearch search = {table};
	int			nrows = list_length(rows);
	StringInfoData json;
	ListCell   *cell;
	int			attnum = -1;

	search.wanted = palloc(bms_num_members(table->wanted) *
						   sizeof(AttrNumber));
	while ((attnum = bms_next_member(table->wanted, attnum)) >= 0)
		search.wanted[search.nwanted++] = attnum;
	search.rows = palloc(nrows * sizeof(PgsyncDocumentRow *));
	initStringInfo(&json);
	foreach(cell, rows)
	{
		int			n = foreach_current_index(cell);

		search.rows[n] = lfirst(cell);
		appendStringInfoChar(&json, n > 0 ? ',' : '[');
		pgsync_document_append_row(&json, lfirst(cell));
	}
	appendStringInfoChar(&json, ']');
	foreach(cell, conflict_keys(table))
		look_up(table->target->rel, column_set(lfirst(cell)), search.wanted,
				search.nwanted, &json, conflicting_found, &search);
}
