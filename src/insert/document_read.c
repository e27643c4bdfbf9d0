/*-------------------------------------------------------------------------
 *
 * document_read.c
 *	  The JSON text of a document of several tables, to rows.
 *
 *		{"author": [{"name": "x", "book": [{"title": "y"}]}],
 *		 "book": [{"title": "z", "author_id": {"name": "x"}}]}
 *
 * Rows stay text: what becomes of a row's columns is the loader's business.
 * Only what is no column is taken out of a row: the rows nested in it, and
 * the objects in the place of a foreign key's column.  A table's rows that
 * have nothing nested in them are not even looked at; they stay the piece of
 * the document that they are.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/relation.h"
#include "insert/document.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"
#include "value/json_check.h"
#include "value/json_scan.h"

/* A flat array's depth: the array, and the objects in it */
#define FLAT_DEPTH	2

/* How many rows get their memory at once */
#define ROWS_IN_BLOCK	64

/* Words of a set of columns */
#define NAMED_WORDS		(MaxHeapAttributeNumber / BITS_PER_BITMAPWORD + 1)

/* A row's text while pieces are taken out of it */
typedef struct RowText
{
	PgsyncDocumentRow *row;
	const char *object;			/* opening brace */
	StringInfoData kept;		/* if anything has been taken out */
	bool		is_copied;		/* has anything? */
	int			nmembers;		/* so far */
	bitmapword	named[NAMED_WORDS]; /* the columns among them */
} RowText;

static void read_rows(PgsyncDocumentTable *table, PgsyncJsonScan *scan,
					  PgsyncDocumentRow *parent, PgsyncDocumentKey *key);

/* Has core's parser say what is wrong with the document.  Never returns. */
static void
report_invalid(PgsyncDocument *document)
{
	document->reading = NULL;	/* the parser says where it is */
	pgsync_json_report(document->json, document->end - document->json, 1);
	elog(ERROR, "JSON scanner and parser disagree");
}

/* Notes that a row names a column. */
static inline void
note_named(RowText *rowtext, AttrNumber attnum)
{
	rowtext->named[attnum / BITS_PER_BITMAPWORD] |=
		(bitmapword) 1 << (attnum % BITS_PER_BITMAPWORD);
}

/* Returns whether a row names a column. */
static inline bool
is_named(const RowText *rowtext, AttrNumber attnum)
{
	return (rowtext->named[attnum / BITS_PER_BITMAPWORD] >>
			(attnum % BITS_PER_BITMAPWORD)) & 1;
}

/* Returns the columns that a row names as a set of its own. */
static Bitmapset *
named_set(const RowText *rowtext)
{
	Bitmapset  *set = NULL;

	for (int i = 1; i <= rowtext->row->table->target->natts; i++)
	{
		if (is_named(rowtext, i))
			set = bms_add_member(set, i);
	}
	return set;
}

/* Returns the text that a key stands for. */
static char *
key_text(PgsyncDocument *document, const PgsyncJsonToken *key)
{
	StringInfoData buf;

	if (!key->escaped)
		return pnstrdup(key->start, key->len);
	initStringInfo(&buf);
	if (!pgsync_json_unescape(key, &buf))
		report_invalid(document);
	return buf.data;
}

/* Scans a key, and goes on to the value behind its colon. */
static void
scan_key(PgsyncDocument *document, PgsyncJsonScan *scan, PgsyncJsonToken *key)
{
	pgsync_json_skip_space(scan);
	if (scan->ptr >= scan->end || *scan->ptr != '"' ||
		!pgsync_json_scan_string(scan, key) ||
		!pgsync_json_accept(scan, ':'))
		report_invalid(document);
	pgsync_json_skip_space(scan);
}

/* Scans a value. */
static void
scan_value(PgsyncDocument *document, PgsyncJsonScan *scan,
		   PgsyncJsonToken *value)
{
	if (!pgsync_json_scan_short_value(scan, value))
		report_invalid(document);
}

/* Scans a key with its colon, and the value behind it. */
static void
scan_member(PgsyncDocument *document, PgsyncJsonScan *scan,
			PgsyncJsonToken *key, PgsyncJsonToken *value)
{
	scan_key(document, scan, key);
	scan_value(document, scan, value);
}

/*
 * Refuses what is neither an array nor an object, and so no rows of a table.
 * What is one is read in place: its end shows then.
 */
static void
check_is_rows(PgsyncDocumentTable *table, const PgsyncJsonScan *scan)
{
	PgsyncJsonScan ahead = *scan;
	PgsyncJsonToken value;

	if (scan->ptr < scan->end && (*scan->ptr == '[' || *scan->ptr == '{'))
		return;
	scan_value(table->document, &ahead, &value);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("rows of table \"%s\" must be an array of objects, or one object",
					table->name)));
}

/*
 * Returns the table that a name means, as regclass would find it; InvalidOid
 * if it means none.
 */
static Oid
find_relation(const char *name)
{
	List	   *names;
	List	   *strings = NIL;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(name), '.', &names) ||
		names == NIL || list_length(names) > 2)
		return InvalidOid;
	foreach(cell, names)
		strings = lappend(strings, makeString(lfirst(cell)));
	return RangeVarGetRelid(makeRangeVarFromNameList(strings), NoLock, true);
}

/* Refuses what is no table: views, whose rows are other tables' */
static void
check_is_table(Relation rel)
{
	char		relkind = rel->rd_rel->relkind;

	if (relkind != RELKIND_RELATION &&
		relkind != RELKIND_PARTITIONED_TABLE &&
		relkind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(rel)),
				 errdetail_relkind_not_supported(relkind),
				 errhint("A document names tables; insert into a view by insert_many.")));
}

/* Returns the document's table of a relation, opening it when it first comes. */
static PgsyncDocumentTable *
table_of(PgsyncDocument *document, Oid relid)
{
	PgsyncDocumentTable *table;
	ListCell   *cell;

	foreach(cell, document->tables)
	{
		table = lfirst(cell);
		if (RelationGetRelid(table->target->rel) == relid)
			return table;
	}
	table = palloc0(sizeof(PgsyncDocumentTable));
	table->document = document;
	table->target = pgsync_target_open(relid, PGSYNC_FOR_INSERT);
	check_is_table(table->target->rel);
	table->name = RelationGetRelationName(table->target->rel);
	table->sequence = palloc0(table->target->natts * sizeof(AttrNumber));
	table->keys = pgsync_document_keys(table->target->rel);
	document->tables = lappend(document->tables, table);
	return table;
}

/*
 * Splits "book.author_id" into a table, which is returned, and a column's name,
 * behind the last dot that leaves a table before it.  InvalidOid if there is
 * none; then the name is as it was.
 */
static Oid
split_chooser(char *name, char **column)
{
	char	   *end = name + strlen(name);

	for (char *dot = end - 1; dot > name && end - dot <= NAMEDATALEN; dot--)
	{
		Oid			relid;

		if (*dot != '.')
			continue;
		*dot = '\0';
		relid = find_relation(name);
		*column = dot + 1;
		if (OidIsValid(relid))
			return relid;
		*dot = '.';
	}
	return InvalidOid;
}

/*
 * Returns the table whose rows a row may nest under this key: "book", or
 * "book.author_id", where the column chooses the foreign key.  NULL if the
 * key names no table.
 */
static PgsyncDocumentTable *
find_child(PgsyncDocumentTable *parent, char *name, PgsyncDocumentKey **key)
{
	PgsyncDocumentTable *child;
	char	   *column = NULL;
	Oid			relid = find_relation(name);

	if (!OidIsValid(relid))
		relid = split_chooser(name, &column);
	if (!OidIsValid(relid))
		return NULL;
	child = table_of(parent->document, relid);
	*key = pgsync_document_child_key(child, parent, column);
	return child;
}

/* Returns whether a value of this type may itself be written as an object. */
static bool
takes_objects(Oid type)
{
	type = getBaseType(type);
	return type == JSONOID || type == JSONBOID || type_is_rowtype(type);
}

/* Keeps the text before a piece that is taken out of a row. */
static void
begin_copy(RowText *rowtext, const char *piece)
{
	const char *end = piece;

	if (rowtext->is_copied)
		return;
	/* without the comma before the piece */
	while (end > rowtext->object + 1 && (end[-1] == ' ' || end[-1] == '\n' ||
										 end[-1] == '\t' || end[-1] == '\r'))
		end--;
	if (end[-1] == ',')
		end--;
	initStringInfo(&rowtext->kept);
	appendBinaryStringInfo(&rowtext->kept, rowtext->object, end - rowtext->object);
	rowtext->is_copied = true;
}

/* Keeps a member of a row from which something has been taken out. */
static void
copy_member(RowText *rowtext, const char *start, const char *end)
{
	if (!rowtext->is_copied)
		return;
	if (!rowtext->row->is_empty)
		appendStringInfoString(&rowtext->kept, ", ");
	appendBinaryStringInfo(&rowtext->kept, start, end - start);
}

/*
 * Notes an object in the place of a foreign key's column, to be looked up.
 *
 * Errors: 42703 for one of its keys that is no column of the referenced table.
 */
static void
add_reference(PgsyncDocumentRow *row, PgsyncDocumentKey *key,
			  const PgsyncJsonToken *object)
{
	PgsyncDocument *document = row->table->document;
	PgsyncDocumentReference *reference = palloc0(sizeof(PgsyncDocumentReference));
	PgsyncTarget *target = pgsync_target_look_at(key->referenced);
	PgsyncJsonScan scan = {object->start + 1, object->start + object->len};

	reference->key = key;
	reference->text = object->start;
	reference->len = object->len;
	while (!pgsync_json_accept(&scan, '}'))
	{
		PgsyncJsonToken name;
		PgsyncJsonToken value;
		char	   *column;
		AttrNumber	attnum;

		if (reference->columns != NULL && !pgsync_json_accept(&scan, ','))
			report_invalid(document);
		scan_member(document, &scan, &name, &value);
		column = key_text(document, &name);
		attnum = pgsync_target_find(target, column, strlen(column));
		if (attnum == 0)
			pgsync_target_unknown_column(target, column, strlen(column));
		reference->columns = bms_add_member(reference->columns, attnum);
	}
	pgsync_target_close(target);
	if (reference->columns == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a reference from table \"%s\" names no column",
						row->table->name),
				 errhint("Name the columns of a unique key, as in {\"email\": \"ann@example.com\"}.")));
	row->references = lappend(row->references, reference);
}

/* Takes a member of a row that is one of its columns. */
static void
read_column(RowText *rowtext, AttrNumber attnum, const char *start,
			const PgsyncJsonToken *value, const char *end)
{
	PgsyncDocumentRow *row = rowtext->row;
	PgsyncTarget *target = row->table->target;
	PgsyncDocumentKey *key = NULL;

	if (value->kind == PGSYNC_JSON_NESTED && *value->start == '{' &&
		!takes_objects(TupleDescAttr(RelationGetDescr(target->rel),
									 attnum - 1)->atttypid))
		key = pgsync_document_key_of_column(row->table, attnum);
	if (key != NULL)
	{
		begin_copy(rowtext, start);
		add_reference(row, key, value);
		return;
	}
	copy_member(rowtext, start, end);
	row->is_empty = false;
	note_named(rowtext, attnum);
}

/* Takes a member of a row that is no column: rows of another table. */
static void
read_children(RowText *rowtext, char *name, const char *start,
			  PgsyncJsonScan *scan)
{
	PgsyncDocumentRow *row = rowtext->row;
	PgsyncDocumentTable *table = row->table;
	PgsyncDocumentKey *key = NULL;
	PgsyncDocumentTable *child = find_child(table, name, &key);

	if (child == NULL)
		pgsync_target_unknown_column(table->target, name, strlen(name));
	check_is_rows(child, scan);
	begin_copy(rowtext, start);
	row->has_children = true;
	for (int i = 0; i < key->ncolumns; i++)
		table->wanted = bms_add_member(table->wanted,
									   key->referenced_columns[i]);
	read_rows(child, scan, row, key);
}

/*
 * Returns the column that a member's key names, 0 if it names none.  It is
 * mostly the one that stood in this place in the row before.
 */
static AttrNumber
find_column(RowText *rowtext, const PgsyncJsonToken *key)
{
	PgsyncDocumentTable *table = rowtext->row->table;
	AttrNumber *place = NULL;
	AttrNumber	attnum;

	if (rowtext->nmembers < table->target->natts)
		place = &table->sequence[rowtext->nmembers++];
	if (key->escaped)
	{
		char	   *name = key_text(table->document, key);

		return pgsync_target_find(table->target, name, strlen(name));
	}
	attnum = pgsync_target_find_near(table->target, key->start, key->len,
									 place != NULL ? *place : 0);
	if (place != NULL)
		*place = attnum;
	return attnum;
}

/* Takes one member of a row. */
static void
read_member(RowText *rowtext, PgsyncJsonScan *scan)
{
	PgsyncDocument *document = rowtext->row->table->document;
	PgsyncJsonToken key;
	PgsyncJsonToken value;
	AttrNumber	attnum;

	scan_key(document, scan, &key);
	attnum = find_column(rowtext, &key);
	if (attnum == 0)
	{
		read_children(rowtext, key_text(document, &key), key.start - 1, scan);
		return;
	}
	scan_value(document, scan, &value);
	read_column(rowtext, attnum, key.start - 1, &value, scan->ptr);
}

/* Adds a row to its table. */
static PgsyncDocumentRow *
add_row(PgsyncDocumentTable *table)
{
	PgsyncDocumentRow *row;

	if (table->nfree == 0)
	{
		table->block = palloc0(ROWS_IN_BLOCK * sizeof(PgsyncDocumentRow));
		table->nfree = ROWS_IN_BLOCK;
	}
	row = table->block++;
	table->nfree--;
	if (table->nrows == table->max_rows)
	{
		table->max_rows = Max(64, 2 * table->max_rows);
		table->rows = table->rows == NULL ?
			palloc(table->max_rows * sizeof(PgsyncDocumentRow *)) :
			repalloc_huge(table->rows,
						  table->max_rows * sizeof(PgsyncDocumentRow *));
	}
	table->rows[table->nrows++] = row;
	row->table = table;
	row->number = table->nrows;
	row->is_empty = true;
	return row;
}

/*
 * Refuses a nested row that names a column which its parent's row fills.
 *
 * Errors: 42701.
 */
static void
check_parent_columns(const RowText *rowtext)
{
	PgsyncDocumentRow *row = rowtext->row;
	PgsyncDocumentKey *key = row->parent_key;

	for (int i = 0; i < key->ncolumns; i++)
	{
		if (is_named(rowtext, key->columns[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("a nested row of table \"%s\" names column \"%s\"",
							row->table->name,
							row->table->target->columns[key->columns[i] - 1].name),
					 errdetail("The row that it is nested in fills that column.")));
	}
}

/* Reads a row whose opening brace has been scanned. */
static void
read_row(PgsyncDocumentTable *table, PgsyncJsonScan *scan,
		 PgsyncDocumentRow *parent, PgsyncDocumentKey *key)
{
	RowText		rowtext = {0};
	PgsyncDocumentRow *row = add_row(table);
	bool		first = true;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	table->document->reading = row;
	row->parent = parent;
	row->parent_key = key;
	rowtext.row = row;
	rowtext.object = scan->ptr - 1;
	while (!pgsync_json_accept(scan, '}'))
	{
		if (!first && !pgsync_json_accept(scan, ','))
			report_invalid(table->document);
		first = false;
		read_member(&rowtext, scan);
		table->document->reading = row;
	}
	if (parent != NULL)
		check_parent_columns(&rowtext);
	if (row->references != NIL)
		row->named = named_set(&rowtext);
	row->text = rowtext.is_copied ? rowtext.kept.data : rowtext.object;
	row->len = rowtext.is_copied ? rowtext.kept.len : scan->ptr - 1 - rowtext.object;
}

/* Moves into the next row's object; an element of another kind is an error. */
static void
enter_object(PgsyncDocumentTable *table, PgsyncJsonScan *scan)
{
	if (!pgsync_json_accept(scan, '{'))
	{
		PgsyncJsonToken value;

		if (!pgsync_json_scan_value(scan, &value))
			report_invalid(table->document);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %d of table \"%s\" is not a JSON object",
						table->nrows + 1, table->name),
				 errhint("Every row must be an object whose keys are column names, or tables whose rows are nested in it.")));
	}
}

/* Reads a table's rows: an array of objects, or one object. */
static void
read_rows(PgsyncDocumentTable *table, PgsyncJsonScan *scan,
		  PgsyncDocumentRow *parent, PgsyncDocumentKey *key)
{
	bool		first = true;

	if (!pgsync_json_accept(scan, '['))
	{
		enter_object(table, scan);
		read_row(table, scan, parent, key);
		return;
	}
	while (!pgsync_json_accept(scan, ']'))
	{
		if (!first && !pgsync_json_accept(scan, ','))
			report_invalid(table->document);
		first = false;
		enter_object(table, scan);
		read_row(table, scan, parent, key);
	}
}

/* Takes a table's flat text apart, since other rows go in with its. */
void
pgsync_document_split_flat(PgsyncDocumentTable *table)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(table->document->mcxt);
	PgsyncJsonScan scan = {table->flat, table->flat + table->flat_len};

	table->flat = NULL;
	read_rows(table, &scan, NULL, NULL);
	MemoryContextSwitchTo(oldcontext);
}

/* Reads one member of the document: a table and its rows. */
static void
read_table(PgsyncDocument *document, PgsyncJsonScan *scan)
{
	PgsyncJsonToken key;
	PgsyncJsonToken value;
	PgsyncJsonScan rows;
	PgsyncDocumentTable *table;
	char	   *name;
	Oid			relid;

	scan_key(document, scan, &key);
	rows.ptr = scan->ptr;
	scan_value(document, scan, &value);
	rows.end = scan->ptr;
	name = key_text(document, &key);
	relid = find_relation(name);
	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" does not exist",
						pgsync_shown_name(name, strlen(name))),
				 errdetail("The keys of a document are names of tables.")));
	table = table_of(document, relid);
	if (table->is_named)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_ALIAS),
				 errmsg("table \"%s\" specified more than once in the document",
						table->name)));
	check_is_rows(table, &rows);
	table->is_named = true;
	if (value.depth <= (*value.start == '[' ? FLAT_DEPTH : FLAT_DEPTH - 1))
	{
		table->flat = value.start;
		table->flat_len = value.len;
	}
	else
		read_rows(table, &rows, NULL, NULL);
}

/* Names the row that is being read. */
static void
read_error_callback(void *arg)
{
	PgsyncDocumentRow *row = ((PgsyncDocument *) arg)->reading;

	if (row != NULL)
		errcontext("row %lld of table \"%s\"", (long long) row->number,
				   row->table->name);
}

/*
 * Reads a document's text into its tables.
 *
 * Errors: 22P02 for invalid JSON, 22023 for what is not rows of tables, 42P01,
 * 42809, 42703 and 42712 for names; those of nesting in document_keys.c.
 */
void
pgsync_document_read(PgsyncDocument *document)
{
	PgsyncJsonScan scan = {document->json, document->end};
	ErrorContextCallback callback;
	bool		first = true;

	if (!pgsync_json_accept(&scan, '{'))
	{
		PgsyncJsonToken value;

		if (!pgsync_json_scan_value(&scan, &value))
			report_invalid(document);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data must be a JSON object whose keys are tables")));
	}
	callback.callback = read_error_callback;
	callback.arg = document;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	while (!pgsync_json_accept(&scan, '}'))
	{
		if (!first && !pgsync_json_accept(&scan, ','))
			report_invalid(document);
		first = false;
		read_table(document, &scan);
		document->reading = NULL;
	}
	pgsync_json_skip_space(&scan);
	if (scan.ptr < scan.end)
		report_invalid(document);
	error_context_stack = callback.previous;
}
