/*-------------------------------------------------------------------------
 *
 * document_store.c
 *	  One INSERT for those of a table's rows that can go in.
 *
 * A row can go in when the row that it is nested in is in, and all that it
 * refers to has been found.  What a row takes from these is added to its
 * text, and the rows together are an array for the loader, as insert_many
 * would get it; in what it returns stand the values that the rows nested in
 * them need.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "common/exact_output.h"
#include "insert/document.h"
#include "insert/load.h"
#include "source/source_json.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* What a row is likely to take from another one */
#define TAKEN_BYTES		32

/* Takes what RETURNING gives for rows that have others nested in them */
typedef struct ParentReceiver
{
	DestReceiver pub;			/* callbacks; must be first */
	PgsyncDocumentTable *table;
	uint64		number;			/* of the row that is going in */
} ParentReceiver;

/* Returns a value's text, which the settings of the session do not change. */
static char *
exact_text(Datum value, Oid type)
{
	Oid			output;
	bool		is_varlena;
	char	   *text;
	int			nestlevel;

	getTypeOutputInfo(type, &output, &is_varlena);
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case TEXTOID:
		case VARCHAROID:
		case UUIDOID:
			/* the usual keys know no settings */
			return OidOutputFunctionCall(output, value);
	}
	nestlevel = pgsync_begin_exact_output();
	text = OidOutputFunctionCall(output, value);

	pgsync_end_exact_output(nestlevel);
	return text;
}

/*
 * Returns a value as JSON from which the loader makes that value again: a
 * json or jsonb as it is, any other type's output as a string.
 */
char *
pgsync_document_json(Datum value, bool isnull, Oid type)
{
	StringInfoData buf;
	char	   *text;
	Oid			base = getBaseType(type);

	if (isnull)
		return pstrdup("null");
	text = exact_text(value, type);

	if (base == JSONOID || base == JSONBOID)
		return text;

	initStringInfo(&buf);
	escape_json(&buf, text);
	pfree(text);
	return buf.data;
}

/* Has nothing to do before the first row. */
static void
receiver_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
}

/* Keeps what the row that has just gone in returns. */
static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	ParentReceiver *receiver = (ParentReceiver *) self;
	PgsyncDocumentTable *table = receiver->table;
	PgsyncDocumentRow *row = table->rows[receiver->number - 1];
	MemoryContext oldcontext;
	int			column = 0;
	int			attnum = -1;

	if (!row->has_children)
		return true;
	oldcontext = MemoryContextSwitchTo(table->document->mcxt);
	slot_getallattrs(slot);
	row->returned = palloc0(table->target->natts * sizeof(char *));
	while ((attnum = bms_next_member(table->wanted, attnum)) >= 0)
	{
		row->returned[attnum - 1] =
			pgsync_document_json(slot->tts_values[column],
								 slot->tts_isnull[column],
								 TupleDescAttr(slot->tts_tupleDescriptor,
											   column)->atttypid);
		column++;
	}
	MemoryContextSwitchTo(oldcontext);
	return true;
}

/* Has nothing to do at the end. */
static void
receiver_end(DestReceiver *self)
{
}

/* Returns RETURNING's list: the columns that nested rows need. */
static char *
returning_list(PgsyncDocumentTable *table)
{
	StringInfoData buf;
	int			attnum = -1;

	initStringInfo(&buf);
	while ((attnum = bms_next_member(table->wanted, attnum)) >= 0)
		appendStringInfo(&buf, "%st.%s", buf.len > 0 ? ", " : "",
						 quote_identifier(table->target->columns[attnum - 1].name));
	return buf.data;
}

/* Appends a column that a row takes from another one. */
static void
append_value(StringInfo buf, PgsyncDocumentRow *row, AttrNumber attnum,
			 const char *json, bool *first)
{
	if (!*first)
		appendStringInfoChar(buf, ',');
	*first = false;
	escape_json(buf, row->table->target->columns[attnum - 1].name);
	appendStringInfoChar(buf, ':');
	appendStringInfoString(buf, json);
}

/*
 * Appends a row as one object, complete with what it takes from the row that
 * it is nested in and from those that it refers to.  A column that a
 * reference would fill, but the row names itself, keeps its own value.
 */
void
pgsync_document_append_row(StringInfo buf, PgsyncDocumentRow *row)
{
	bool		first = row->is_empty;
	ListCell   *cell;

	appendBinaryStringInfo(buf, row->text, row->len);
	if (row->parent != NULL)
	{
		PgsyncDocumentKey *key = row->parent_key;

		for (int i = 0; i < key->ncolumns; i++)
			append_value(buf, row, key->columns[i],
						 row->parent->returned[key->referenced_columns[i] - 1],
						 &first);
	}
	foreach(cell, row->references)
	{
		PgsyncDocumentReference *reference = lfirst(cell);

		for (int i = 0; i < reference->key->ncolumns; i++)
		{
			if (!bms_is_member(reference->key->columns[i], row->named))
				append_value(buf, row, reference->key->columns[i],
							 reference->values[i], &first);
		}
	}
	appendStringInfoChar(buf, '}');
}

/* Makes a text out of a buffer that begins with room for its header. */
static text *
finish_text(StringInfo buf)
{
	SET_VARSIZE(buf->data, buf->len);
	return (text *) buf->data;
}

/*
 * Makes room for what most rows are: their own text, and what they take from
 * the row that they are nested in.
 */
static void
reserve_rows(StringInfo buf, List *rows)
{
	Size		size = 0;
	ListCell   *cell;

	foreach(cell, rows)
		size += ((PgsyncDocumentRow *) lfirst(cell))->len + TAKEN_BYTES;
	enlargeStringInfo(buf, Min(size, MaxAllocSize / 2));
}

/* Returns the rows as one array of objects. */
static text *
rows_text(List *rows)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	reserve_rows(&buf, rows);
	appendStringInfoSpaces(&buf, VARHDRSZ);
	foreach(cell, rows)
	{
		appendStringInfoChar(&buf, foreach_current_index(cell) > 0 ? ',' : '[');
		pgsync_document_append_row(&buf, lfirst(cell));
	}
	appendStringInfoChar(&buf, ']');
	return finish_text(&buf);
}

/* Returns a table's flat text as a value of its own. */
static text *
flat_text(PgsyncDocumentTable *table)
{
	return cstring_to_text_with_len(table->flat, table->flat_len);
}

/* Names the table that an error belongs to. */
static void
store_error_callback(void *arg)
{
	errcontext("rows of table \"%s\"", ((PgsyncDocumentTable *) arg)->name);
}

/*
 * Inserts an array of a table's rows, whose numbers in the document are given
 * unless they are simply counted.
 */
static void
load(PgsyncDocumentTable *table, text *data, const uint64 *numbers,
	 ParentReceiver *receiver)
{
	PgsyncDocument *document = table->document;
	PgsyncClauses clauses = {0};
	PgsyncSource *source;
	PgsyncCounts counts;
	ErrorContextCallback callback;

	if (document->conflict_columns == NIL ||
		pgsync_document_conflict_key(table) != NIL)
		clauses.on_conflict = document->on_conflict;
	clauses.overriding = document->overriding;
	if (receiver != NULL)
	{
		clauses.returning = returning_list(table);
		clauses.number = &receiver->number;
	}
	callback.callback = store_error_callback;
	callback.arg = table;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	source = pgsync_source_for_json(table->target, PointerGetDatum(data),
									PGSYNC_JSON_FORMAT_JSON);
	pgsync_source_json_number_rows(source, numbers);
	counts = pgsync_load(source, &clauses,
						 receiver ? &receiver->pub : None_Receiver);
	table->inserted += counts.processed;
	error_context_stack = callback.previous;
}

/* Reports a row whose nested rows have nothing to belong to (55000). */
static void
report_missing_parent(PgsyncDocumentRow *row)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("row %lld of table \"%s\" has rows nested in it, but was not inserted",
					(long long) row->number, row->table->name),
			 row->table->document->on_conflict != NULL ?
			 errdetail("A trigger skipped it, or the row that it conflicts with could not be found by the columns that it names.") :
			 errdetail("A trigger or a rule skipped it.")));
}

/* Sees to it that each row with nested rows has what these need. */
static void
complete_parents(PgsyncDocumentTable *table, List *rows)
{
	List	   *missing = NIL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		PgsyncDocumentRow *row = lfirst(cell);

		if (row->has_children && row->returned == NULL)
			missing = lappend(missing, row);
	}
	if (missing != NIL && table->document->on_conflict != NULL)
		pgsync_document_find_conflicting(table, missing);
	foreach(cell, missing)
	{
		if (((PgsyncDocumentRow *) lfirst(cell))->returned == NULL)
			report_missing_parent(lfirst(cell));
	}
}

/*
 * Inserts rows that have others nested in them.  Where a rule makes several
 * statements of the INSERT, what it returns comes when all rows are in: then
 * rows go in one by one, so that it is known whose that is.
 */
static void
load_parents(PgsyncDocumentTable *table, List *rows, const uint64 *numbers)
{
	ParentReceiver receiver = {{receive_row, receiver_startup, receiver_end,
	receiver_end, DestNone}};

	receiver.table = table;
	if (table->target->knows_defaults)
	{
		load(table, rows_text(rows), numbers, &receiver);
		return;
	}
	for (int i = 0; i < list_length(rows); i++)
		load(table, rows_text(list_make1(list_nth(rows, i))), numbers + i,
			 &receiver);
}

/* Inserts rows, which are all complete. */
static void
store_rows(PgsyncDocumentTable *table, List *rows)
{
	uint64	   *numbers = palloc(list_length(rows) * sizeof(uint64));
	bool		any_children = false;
	ListCell   *cell;

	foreach(cell, rows)
	{
		PgsyncDocumentRow *row = lfirst(cell);

		any_children |= row->has_children;
		row->is_stored = true;
		numbers[foreach_current_index(cell)] = row->number;
	}
	if (any_children)
	{
		load_parents(table, rows, numbers);
		complete_parents(table, rows);
	}
	else
		load(table, rows_text(rows), numbers, NULL);
	table->nstored += list_length(rows);
}

/* Returns whether all that a row refers to has been found. */
static bool
references_found(PgsyncDocumentRow *row)
{
	ListCell   *cell;

	foreach(cell, row->references)
	{
		if (((PgsyncDocumentReference *) lfirst(cell))->values == NULL)
			return false;
	}
	return true;
}

/* Returns a table's rows that can go in, in the document's order. */
static List *
ready_rows(PgsyncDocumentTable *table)
{
	List	   *candidates = NIL;
	List	   *referring = NIL;
	List	   *rows = NIL;
	ListCell   *cell;

	for (int i = 0; i < table->nrows; i++)
	{
		PgsyncDocumentRow *row = table->rows[i];

		if (row->is_stored || (row->parent != NULL && !row->parent->is_stored))
			continue;
		candidates = lappend(candidates, row);
		if (row->references != NIL)
			referring = lappend(referring, row);
	}
	if (referring == NIL)
		return candidates;
	pgsync_document_find_references(table, referring);
	foreach(cell, candidates)
	{
		if (references_found(lfirst(cell)))
			rows = lappend(rows, lfirst(cell));
	}
	return rows;
}

/*
 * Inserts those of a table's rows that can go in now, with one statement.
 * Returns whether there were any.
 */
bool
pgsync_document_store(PgsyncDocumentTable *table)
{
	MemoryContext context;
	MemoryContext oldcontext;
	bool		any = true;

	if (table->flat == NULL && table->nstored == table->nrows)
		return false;
	context = AllocSetContextCreate(table->document->mcxt,
									"pgsync document's rows",
									ALLOCSET_DEFAULT_SIZES);
	if (table->flat != NULL && table->nrows > 0)
		pgsync_document_split_flat(table);
	oldcontext = MemoryContextSwitchTo(context);
	if (table->flat != NULL)
	{
		load(table, flat_text(table), NULL, NULL);
		table->flat = NULL;
	}
	else
	{
		List	   *rows = ready_rows(table);

		any = rows != NIL;
		if (any)
			store_rows(table, rows);
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
	return any;
}
