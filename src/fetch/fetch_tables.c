/*-------------------------------------------------------------------------
 *
 * fetch_tables.c
 *	  fetch_tables: the rows of several tables, as one document.
 *
 * The document is what insert_tables reads: each table's rows, in an array
 * under its name.  Every table is one query, which runs as the caller and
 * under the snapshot of the calling statement; its rows are printed one by one
 * as they come (value/json_receiver.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "common/args.h"
#include "common/exact_output.h"
#include "common/relation.h"
#include "common/spi_on.h"
#include "common/spi_util.h"
#include "common/table_names.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "value/json_receiver.h"

PG_FUNCTION_INFO_V1(fetch_tables);

/* One of the tables, under the name that the caller has written */
typedef struct FetchedTable
{
	Oid			relid;
	char	   *name;
} FetchedTable;

/* Returns whether a table's rows are those of a listed one that it is part of. */
static bool
is_covered(Oid relid, List *relids)
{
	ListCell   *cell;

	if (!get_rel_relispartition(relid))
		return false;
	foreach(cell, get_partition_ancestors(relid))
	{
		if (list_member_oid(relids, lfirst_oid(cell)))
			return true;
	}
	return false;
}

/* Returns the tables that the names mean, each once, without covered ones. */
static List *
find_tables(List *names)
{
	List	   *rangevars = pgsync_parse_table_names(names);
	List	   *relids = pgsync_resolve_table_names(rangevars);
	List	   *seen = NIL;
	List	   *tables = NIL;
	ListCell   *rangevar_cell;
	ListCell   *cell;

	forboth(rangevar_cell, rangevars, cell, relids)
	{
		FetchedTable *table;

		CHECK_FOR_INTERRUPTS();
		if (list_member_oid(seen, lfirst_oid(cell)) ||
			is_covered(lfirst_oid(cell), relids))
			continue;
		seen = lappend_oid(seen, lfirst_oid(cell));
		table = palloc(sizeof(FetchedTable));
		table->relid = lfirst_oid(cell);
		table->name = pgsync_written_table_name(lfirst(rangevar_cell));
		tables = lappend(tables, table);
	}
	return tables;
}

/* Appends the columns that a row is made of: not those that are generated. */
static void
append_columns(StringInfo buf, TupleDesc desc)
{
	bool		first = true;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attisdropped || attr->attgenerated != '\0')
			continue;
		appendStringInfo(buf, "%s t.%s", first ? "" : ",",
						 quote_identifier(NameStr(attr->attname)));
		first = false;
	}
}

/* Appends ORDER BY the primary key, if there is one. */
static void
append_order(StringInfo buf, Relation rel)
{
	Oid			pk = pgsync_primary_key_index(rel);
	Relation	index;

	if (!OidIsValid(pk))
		return;
	index = index_open(pk, AccessShareLock);
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel),
											   attnum - 1);

		appendStringInfo(buf, "%s t.%s", i == 0 ? " ORDER BY" : ",",
						 quote_identifier(NameStr(attr->attname)));
	}
	index_close(index, NoLock);
}

/*
 * Returns the query for a table's rows.  Children of a table that is not
 * partitioned have rows of their own, which would go back into the parent.
 */
static char *
rows_query(Relation rel)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, "SELECT");
	append_columns(&buf, RelationGetDescr(rel));
	appendStringInfo(&buf, " FROM %s%s AS t",
					 rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ?
					 "" : "ONLY ",
					 pgsync_qualified_relation_name(rel));
	append_order(&buf, rel);
	return buf.data;
}

/* Adds a table's name and rows to the document. */
static void
fetch_table(FetchedTable *table, bool first, DestReceiver *receiver)
{
	/* locked to the end of the transaction, as a query on it does */
	Relation	rel = pgsync_open_relation(table->relid, AccessShareLock,
										   PGSYNC_FOR_DOCUMENT);
	PgsyncJsonText *text = pgsync_json_receiver_text(receiver);
	SPIExecuteOptions options = {0};
	StringInfoData key;

	initStringInfo(&key);
	if (!first)
		appendStringInfoString(&key, ",\n");
	escape_json(&key, table->name);
	appendStringInfoChar(&key, ':');
	pgsync_json_append(text, key.data, key.len);

	options.read_only = true;	/* under the calling statement's snapshot */
	options.must_return_tuples = true;
	options.dest = receiver;
	pgsync_json_receiver_begin_array(receiver, RelationGetRelationName(rel));
	pgsync_spi_connect();
	pgsync_spi_execute_on(rel, rows_query(rel), &options);
	pgsync_spi_finish();
	pgsync_json_receiver_end_array(receiver);
	relation_close(rel, NoLock);
}

/*
 * fetch_tables(tables text[]) returns json
 *
 * Returns the rows of tables as a document that insert_tables reads, with the
 * tables under the names that they have in the list:
 *
 *		author: id | name		=>	{"author":[{"id":1,"name":"x"}],
 *				 1 | x				"book":[{"id":1,"author_id":1}]}
 *		book: id | author_id
 *			   1 |		   1
 *
 * Rows are ordered by primary key; generated columns are left out, and so are
 * partitions of a table that is in the list.  Values are printed so that
 * insert_tables gives the same again, which lower bounds of arrays and the
 * spelling of a json do not survive.
 *
 * Errors: 22004 for nulls; 42P01, 3F000, 42602 and 42809 for names; 0A000 for
 * a JSON null, which would become SQL's; 54000 beyond 1 GB; else those of
 * SELECT.
 */
Datum
fetch_tables(PG_FUNCTION_ARGS)
{
	List	   *tables;
	DestReceiver *receiver;
	int			nestlevel;
	ListCell   *cell;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "tables");
	tables = find_tables(pgsync_arg_name_list(fcinfo, 0, "tables"));
	receiver = pgsync_json_receiver_create(PGSYNC_JSON_READ_BACK,
										   _("Fetch fewer tables at a time; for one that is too large alone, use fetch_all, or fetch_json with LIMIT."));
	nestlevel = pgsync_begin_exact_output();
	pgsync_json_append(pgsync_json_receiver_text(receiver), "{", 1);
	foreach(cell, tables)
		fetch_table(lfirst(cell), foreach_current_index(cell) == 0, receiver);
	pgsync_json_append(pgsync_json_receiver_text(receiver), "}", 1);
	pgsync_end_exact_output(nestlevel);
	PG_RETURN_DATUM(pgsync_json_receiver_finish(receiver));
}
