/*-------------------------------------------------------------------------
 *
 * document.h
 *	  A document of several tables' rows, as insert_tables takes it.
 *
 *		insert_tables.c		the function, and the order of the work
 *		document_read.c		JSON text to rows
 *		document_keys.c		the tables' foreign keys, and parents first
 *		document_find.c		rows that are in the database already
 *		document_store.c	one INSERT for the rows that can go in
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_DOCUMENT_H
#define PGSYNC_DOCUMENT_H

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "pg_config_manual.h"
#include "insert/statement.h"
#include "row/target.h"

typedef struct PgsyncDocument PgsyncDocument;
typedef struct PgsyncDocumentTable PgsyncDocumentTable;
typedef struct PgsyncDocumentRow PgsyncDocumentRow;

/* A foreign key of one of the document's tables */
typedef struct PgsyncDocumentKey
{
	Oid			constraint;
	char	   *name;			/* qualified, as SET CONSTRAINTS takes it */
	Oid			referenced;		/* table */
	bool		deferrable;
	bool		deferred;		/* initially */
	int			ncolumns;
	AttrNumber	columns[INDEX_MAX_KEYS];
	AttrNumber	referenced_columns[INDEX_MAX_KEYS];
} PgsyncDocumentKey;

/* An object in the place of a foreign key's column */
typedef struct PgsyncDocumentReference
{
	PgsyncDocumentKey *key;
	const char *text;			/* the object */
	int			len;
	Bitmapset  *columns;		/* of the referenced table, that it names */
	char	  **values;			/* of the key, as JSON; NULL until found */
} PgsyncDocumentReference;

/* Returns the beginning of the object, as an error shows it. */
static inline char *
pgsync_document_shown(const PgsyncDocumentReference *reference)
{
	return pnstrdup(reference->text,
					pg_mbcliplen(reference->text, reference->len, 100));
}

/* One row, but for rows of a table's flat text */
struct PgsyncDocumentRow
{
	PgsyncDocumentTable *table;
	int64		number;			/* among the table's, from 1 */
	const char *text;			/* its columns: "{...", no closing brace */
	int			len;
	bool		is_empty;		/* does it name no column? */
	Bitmapset  *named;			/* columns; kept where references are */
	PgsyncDocumentRow *parent;	/* the row that it is nested in, or NULL */
	PgsyncDocumentKey *parent_key;	/* leads there */
	List	   *references;		/* of PgsyncDocumentReference */
	bool		has_children;
	bool		is_stored;
	char	  **returned;		/* once stored, by attribute, as JSON */
};

struct PgsyncDocumentTable
{
	PgsyncDocument *document;
	PgsyncTarget *target;
	const char *name;			/* without its schema, for messages */
	List	   *keys;			/* of PgsyncDocumentKey */
	bool		is_named;		/* does the document name it at its top? */

	/*
	 * The text of rows that nest nothing, as it stands in the document; it is
	 * only taken apart if nested rows come to it.
	 */
	const char *flat;
	int			flat_len;

	PgsyncDocumentRow **rows;
	PgsyncDocumentRow *block;	/* room for the next ones, side by side */
	int			nfree;			/* of the block */
	int			nrows;
	int			max_rows;
	int			nstored;		/* of the rows */
	AttrNumber *sequence;		/* the columns of the row before, in order */
	Bitmapset  *wanted;			/* columns that children take from it */
	int64		inserted;
};

struct PgsyncDocument
{
	const char *json;			/* the text, without a byte order mark */
	const char *end;
	List	   *tables;			/* of PgsyncDocumentTable, as they came */
	const char *on_conflict;	/* or NULL */
	List	   *conflict_columns;	/* names in on_conflict, or NIL for any */
	PgsyncOverriding overriding;
	List	   *deferred;		/* PgsyncDocumentKey that we defer */
	PgsyncDocumentRow *reading; /* for error context, or NULL */
	MemoryContext mcxt;
};

/* document_read.c */
extern void pgsync_document_read(PgsyncDocument *document);
extern void pgsync_document_split_flat(PgsyncDocumentTable *table);

/* document_keys.c */
extern List *pgsync_document_keys(Relation rel);
extern PgsyncDocumentKey *pgsync_document_child_key(PgsyncDocumentTable *child,
													PgsyncDocumentTable *parent,
													const char *column);
extern PgsyncDocumentKey *pgsync_document_key_of_column(PgsyncDocumentTable *table,
														AttrNumber attnum);
extern List *pgsync_document_parents_first(PgsyncDocument *document);

/* document_find.c */
extern void pgsync_document_find_references(PgsyncDocumentTable *table,
											List *rows);
extern List *pgsync_document_conflict_key(PgsyncDocumentTable *table);
extern void pgsync_document_find_conflicting(PgsyncDocumentTable *table,
											 List *rows);

/* document_store.c */
extern char *pgsync_document_json(Datum value, bool isnull, Oid type);
extern void pgsync_document_append_row(StringInfo buf,
									   PgsyncDocumentRow *row);
extern bool pgsync_document_store(PgsyncDocumentTable *table);

#endif							/* PGSYNC_DOCUMENT_H */
