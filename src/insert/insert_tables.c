/*-------------------------------------------------------------------------
 *
 * insert_tables.c
 *	  insert_tables: the rows of several tables, in one document.
 *
 * The document is read into rows (document_read.c), its tables are put into
 * an order in which no row comes before one that it references
 * (document_keys.c), and then each table's rows go in with one statement
 * (document_store.c).  It takes further statements only where rows of one
 * table wait for others of the same one, or tables wait for each other: then
 * those that can go in do, until all are in.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/spi_util.h"
#include "common/sqltext.h"
#include "funcapi.h"
#include "insert/clauses.h"
#include "insert/document.h"
#include "miscadmin.h"
#include "source/text_input.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(insert_tables_jsonb);
PG_FUNCTION_INFO_V1(insert_tables_json);
PG_FUNCTION_INFO_V1(insert_tables_text);

/* Columns of the result */
#define RESULT_COLUMNS	2

/* Runs SET CONSTRAINTS on those keys that a cycle makes us defer. */
static void
set_constraints(PgsyncDocument *document, const char *when)
{
	ListCell   *cell;

	foreach(cell, document->deferred)
	{
		PgsyncDocumentKey *key = lfirst(cell);

		if (key->deferred)
			continue;			/* it is, unless the user wants otherwise */
		pgsync_spi_connect();
		pgsync_spi_execute(psprintf("SET CONSTRAINTS %s %s", key->name, when),
						   SPI_OK_UTILITY);
		pgsync_spi_finish();
	}
}

/* Returns the first row that has not gone in, NULL if there is none. */
static PgsyncDocumentRow *
first_waiting_row(List *tables)
{
	ListCell   *cell;

	foreach(cell, tables)
	{
		PgsyncDocumentTable *table = lfirst(cell);

		for (int i = 0; i < table->nrows; i++)
		{
			PgsyncDocumentRow *row = table->rows[i];

			/* a row that only waits for its parent says nothing */
			if (!row->is_stored &&
				(row->parent == NULL || row->parent->is_stored))
				return row;
		}
	}
	return NULL;
}

/* Reports a row that refers to one which is nowhere (23503). */
static void
report_not_found(PgsyncDocumentRow *row)
{
	ListCell   *cell;

	foreach(cell, row->references)
	{
		PgsyncDocumentReference *reference = lfirst(cell);

		if (reference->values == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
					 errmsg("no row of table \"%s\" fits the reference %s",
							get_rel_name(reference->key->referenced),
							pgsync_document_shown(reference)),
					 errdetail("Row %lld of table \"%s\" refers to it.",
							   (long long) row->number, row->table->name)));
	}
	elog(ERROR, "a row of table \"%s\" waits for nothing", row->table->name);
}

/*
 * Refuses a key of on_conflict that no table has (42P10): the clause holds
 * for those that have it.
 */
static void
check_conflict_key(PgsyncDocument *document)
{
	ListCell   *cell;

	if (document->conflict_columns == NIL || document->tables == NIL)
		return;
	foreach(cell, document->tables)
	{
		if (pgsync_document_conflict_key(lfirst(cell)) != NIL)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("no table of the document has a unique key on the columns of on_conflict"),
			 errhint("Write ON CONFLICT DO NOTHING to take any key's conflicts.")));
}

/* Inserts all rows: each table's as soon as they can go in. */
static void
store_document(PgsyncDocument *document, List *order)
{
	bool		progress;
	PgsyncDocumentRow *waiting;
	ListCell   *cell;

	set_constraints(document, "DEFERRED");
	do
	{
		progress = false;
		foreach(cell, order)
		{
			while (pgsync_document_store(lfirst(cell)))
			{
				CHECK_FOR_INTERRUPTS();
				progress = true;
			}
		}
	} while (progress);
	waiting = first_waiting_row(order);
	if (waiting != NULL)
		report_not_found(waiting);
	set_constraints(document, "IMMEDIATE");
}

/* Puts a row for each table into the result. */
static void
return_counts(ReturnSetInfo *rsinfo, List *order)
{
	ListCell   *cell;

	foreach(cell, order)
	{
		PgsyncDocumentTable *table = lfirst(cell);
		Datum		values[RESULT_COLUMNS];
		bool		nulls[RESULT_COLUMNS] = {false};

		values[0] = ObjectIdGetDatum(RelationGetRelid(table->target->rel));
		values[1] = Int64GetDatum(table->inserted);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
}

/* Does insert_tables' work; all that it allocates is gone when it returns. */
static Datum
insert_tables_internal(FunctionCallInfo fcinfo, text *data)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context;
	MemoryContext oldcontext;
	PgsyncDocument document = {0};
	PgsyncTextInput *input;
	List	   *order;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	context = AllocSetContextCreate(CurrentMemoryContext, "pgsync document",
									ALLOCSET_DEFAULT_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	document.mcxt = context;
	input = pgsync_text_input_open_value(data);
	pgsync_text_input_show_all(input);
	document.json = input->begin;
	document.end = input->end;
	document.on_conflict = pgsync_arg_cstring_or_null(fcinfo, 1);
	document.overriding = pgsync_overriding_arg(fcinfo, 2);
	if (document.on_conflict != NULL)
		document.conflict_columns =
			pgsync_do_nothing_columns(document.on_conflict);
	pgsync_document_read(&document);
	check_conflict_key(&document);
	order = pgsync_document_parents_first(&document);
	store_document(&document, order);
	MemoryContextSwitchTo(oldcontext);
	return_counts(rsinfo, order);
	foreach(cell, order)
		pgsync_target_close(((PgsyncDocumentTable *) lfirst(cell))->target);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * insert_tables(data jsonb, on_conflict text, overriding text)
 * returns setof (target_table regclass, inserted bigint)
 *
 *		{"author": [{"name": "x", "book": [{"title": "y"}]}],
 *		 "book": [{"title": "z", "author_id": {"name": "x"}}]}
 *
 * Inserts the rows of several tables, parents first by their foreign keys,
 * with one INSERT a table.  Rows nested under a table's name in another
 * table's row take their foreign key from that row; an object in the place
 * of a foreign key's column is looked up in the referenced table.  Each
 * table's rows mean what insert_many means.
 *
 * Errors: those of insert_many; 42P17 for tables in a cycle, 42P10 and 42830
 * for nesting by several foreign keys or none, 21000 and 23503 for references.
 */
Datum
insert_tables_jsonb(PG_FUNCTION_ARGS)
{
	Jsonb	   *data;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "data");
	data = PG_GETARG_JSONB_P(0);
	return insert_tables_internal(fcinfo,
								  cstring_to_text(JsonbToCString(NULL, &data->root,
																 VARSIZE(data))));
}

/* The same with json, or text that is JSON; neither is made a jsonb. */
Datum
insert_tables_json(PG_FUNCTION_ARGS)
{
	PGSYNC_REQUIRE_ARG(fcinfo, 0, "data");
	return insert_tables_internal(fcinfo, PG_GETARG_TEXT_PP(0));
}

/* The same with text. */
Datum
insert_tables_text(PG_FUNCTION_ARGS)
{
	return insert_tables_json(fcinfo);
}
