/*-------------------------------------------------------------------------
 *
 * document_keys.c
 *	  The foreign keys of a document's tables, and parents first.
 *
 * A table goes in when all tables that it references are in.  Where tables
 * reference each other in a cycle, a key that is deferrable may lead to rows
 * that come later; without one there is no order, and the error draws the
 * cycle.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_constraint.h"
#include "insert/document.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/*
 * Returns whether a constraint is one of those that a key to a partitioned
 * table has for each of its partitions, beside the one that the user made.
 */
static bool
belongs_to_another(Form_pg_constraint form)
{
	HeapTuple	tuple;
	bool		same_table = false;

	if (!OidIsValid(form->conparentid))
		return false;
	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(form->conparentid));
	if (HeapTupleIsValid(tuple))
	{
		same_table = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid ==
			form->conrelid;
		ReleaseSysCache(tuple);
	}
	return same_table;
}

/* Makes a key from what the relation cache and pg_constraint say of it. */
static PgsyncDocumentKey *
make_key(ForeignKeyCacheInfo *info)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID,
										ObjectIdGetDatum(info->conoid));
	Form_pg_constraint form;
	PgsyncDocumentKey *key = NULL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", info->conoid);
	form = (Form_pg_constraint) GETSTRUCT(tuple);
	if (!belongs_to_another(form))
	{
		key = palloc0(sizeof(PgsyncDocumentKey));
		key->constraint = info->conoid;
		key->name = quote_qualified_identifier(get_namespace_name(form->connamespace),
											   NameStr(form->conname));
		key->referenced = info->confrelid;
		key->deferrable = form->condeferrable;
		key->deferred = form->condeferred;
		key->ncolumns = info->nkeys;
		memcpy(key->columns, info->conkey, sizeof(info->conkey));
		memcpy(key->referenced_columns, info->confkey, sizeof(info->confkey));
	}
	ReleaseSysCache(tuple);
	return key;
}

/* Returns the foreign keys that a relation has, as PgsyncDocumentKey. */
List *
pgsync_document_keys(Relation rel)
{
	List	   *keys = NIL;
	ListCell   *cell;

	foreach(cell, RelationGetFKeyList(rel))
	{
		PgsyncDocumentKey *key = make_key(lfirst_node(ForeignKeyCacheInfo,
													  cell));

		if (key != NULL)
			keys = lappend(keys, key);
	}
	return keys;
}

/* Returns whether a key leads to a table, or to one that it is part of. */
static bool
leads_to(PgsyncDocumentKey *key, PgsyncDocumentTable *table)
{
	Relation	rel = table->target->rel;

	if (key->referenced == RelationGetRelid(rel))
		return true;
	return rel->rd_rel->relispartition &&
		list_member_oid(get_partition_ancestors(RelationGetRelid(rel)),
						key->referenced);
}

/* Returns whether a column is one of a key's. */
static bool
has_column(PgsyncDocumentKey *key, AttrNumber attnum)
{
	for (int i = 0; i < key->ncolumns; i++)
	{
		if (key->columns[i] == attnum)
			return true;
	}
	return false;
}

/* Returns "book.author_id, book.editor_id": what may choose one of the keys */
static char *
describe_choices(PgsyncDocumentTable *child, PgsyncDocumentTable *parent)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, child->keys)
	{
		PgsyncDocumentKey *key = lfirst(cell);

		if (leads_to(key, parent))
			appendStringInfo(&buf, "%s\"%s.%s\"", buf.len > 0 ? ", " : "",
							 quote_identifier(child->name),
							 child->target->columns[key->columns[0] - 1].name);
	}
	return buf.data;
}

/*
 * Returns the foreign key by which rows of one table nest in rows of another;
 * "column", if not NULL, is one of its columns, and chooses among several.
 *
 * Errors: 42830 if there is none, 42P10 if there are several, 42703.
 */
PgsyncDocumentKey *
pgsync_document_child_key(PgsyncDocumentTable *child,
						  PgsyncDocumentTable *parent, const char *column)
{
	PgsyncDocumentKey *found = NULL;
	AttrNumber	attnum = 0;
	ListCell   *cell;

	if (column != NULL)
	{
		attnum = pgsync_target_find(child->target, column, strlen(column));
		if (attnum == 0)
			pgsync_target_unknown_column(child->target, column,
										 strlen(column));
	}
	foreach(cell, child->keys)
	{
		PgsyncDocumentKey *key = lfirst(cell);

		if (!leads_to(key, parent) ||
			(attnum != 0 && !has_column(key, attnum)))
			continue;
		if (found != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					 errmsg("table \"%s\" has several foreign keys to table \"%s\"",
							child->name, parent->name),
					 errhint("To choose a foreign key, write one of these as the key of the nested rows: %s.",
							 describe_choices(child, parent))));
		found = key;
	}
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FOREIGN_KEY),
				 column != NULL ?
				 errmsg("column \"%s\" of table \"%s\" is in no foreign key to table \"%s\"",
						column, child->name, parent->name) :
				 errmsg("table \"%s\" has no foreign key to table \"%s\"",
						child->name, parent->name),
				 errdetail("Rows nest only in a row that a foreign key of theirs leads to.")));
	return found;
}

/*
 * Returns the foreign key that a column is in, NULL if there is none.  Of
 * several the one with the fewest columns counts: the column's own.
 */
PgsyncDocumentKey *
pgsync_document_key_of_column(PgsyncDocumentTable *table, AttrNumber attnum)
{
	PgsyncDocumentKey *found = NULL;
	ListCell   *cell;

	foreach(cell, table->keys)
	{
		PgsyncDocumentKey *key = lfirst(cell);

		if (has_column(key, attnum) &&
			(found == NULL || key->ncolumns < found->ncolumns))
			found = key;
	}
	return found;
}

/*
 * Returns a key by which a table must wait for one of the others, NULL if
 * there is none; the other one is put into *parent.
 */
static PgsyncDocumentKey *
waits_for(PgsyncDocumentTable *table, List *others, bool even_deferrable,
		  PgsyncDocumentTable **parent)
{
	ListCell   *key_cell;
	ListCell   *cell;

	foreach(key_cell, table->keys)
	{
		PgsyncDocumentKey *key = lfirst(key_cell);

		if (key->deferrable && !even_deferrable)
			continue;
		foreach(cell, others)
		{
			*parent = lfirst(cell);
			if (*parent != table && leads_to(key, *parent))
				return key;
		}
	}
	return NULL;
}

/* Reports tables that wait for each other (42P17), drawing the cycle. */
static void
report_cycle(List *waiting)
{
	PgsyncDocumentTable *table = linitial(waiting);
	PgsyncDocumentTable *parent = NULL;
	List	   *path = NIL;
	StringInfoData buf;
	ListCell   *cell;

	/* every one waits for another: at the latest then one comes again */
	while (!list_member_ptr(path, table))
	{
		path = lappend(path, table);
		waits_for(table, waiting, false, &parent);
		table = parent;
	}
	initStringInfo(&buf);
	foreach(cell, path)
	{
		if (buf.len > 0 || lfirst(cell) == table)
			appendStringInfo(&buf, "%s -> ",
							 ((PgsyncDocumentTable *) lfirst(cell))->name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			 errmsg("tables of the document reference each other in a cycle: %s%s",
					buf.data, table->name),
			 errhint("Make one of these foreign keys DEFERRABLE, or insert the rows in two calls.")));
}

/* Returns the first table that waits for none of the others, or NULL. */
static PgsyncDocumentTable *
next_table(List *waiting, bool even_deferrable)
{
	PgsyncDocumentTable *ignored;
	ListCell   *cell;

	foreach(cell, waiting)
	{
		if (waits_for(lfirst(cell), waiting, even_deferrable,
					  &ignored) == NULL)
			return lfirst(cell);
	}
	return NULL;
}

/* Notes the keys of a table that lead to tables which come later. */
static void
note_deferred_keys(PgsyncDocument *document, PgsyncDocumentTable *table,
				   List *waiting)
{
	ListCell   *key_cell;
	ListCell   *cell;

	foreach(key_cell, table->keys)
	{
		PgsyncDocumentKey *key = lfirst(key_cell);

		foreach(cell, waiting)
		{
			if (lfirst(cell) != table && leads_to(key, lfirst(cell)))
				document->deferred = list_append_unique_ptr(document->deferred,
															key);
		}
	}
}

/*
 * Returns the document's tables, those that are referenced before those that
 * reference them, and otherwise as they came.  Keys of a cycle that must be
 * deferred for that are put into document->deferred.
 *
 * Errors: 42P17 for a cycle of keys none of which is deferrable.
 */
List *
pgsync_document_parents_first(PgsyncDocument *document)
{
	List	   *waiting = list_copy(document->tables);
	List	   *order = NIL;

	while (waiting != NIL)
	{
		PgsyncDocumentTable *table = next_table(waiting, true);

		if (table == NULL)
			table = next_table(waiting, false);
		if (table == NULL)
			report_cycle(waiting);
		note_deferred_keys(document, table, waiting);
		waiting = list_delete_ptr(waiting, table);
		order = lappend(order, table);
	}
	return order;
}
