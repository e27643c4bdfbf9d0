/*-------------------------------------------------------------------------
 *
 * saved_layout.h
 *	  The four tables of a saved set's own, for saved_set.c and
 *	  saved_set_make.c.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SAVED_LAYOUT_H
#define PGSYNC_SAVED_LAYOUT_H

#include "clean/saved_set.h"

/* A column that a table of the set must have. */
typedef struct PgsyncSetColumn
{
	const char *name;
	Oid			type;
} PgsyncSetColumn;

/* One of the tables, and its columns in their order, up to one without name. */
typedef struct PgsyncSetTable
{
	const char *relname;
	const PgsyncSetColumn *columns;
} PgsyncSetTable;

/* The tables, by number. */
enum
{
	SET, TABLES, DEFINITIONS, SEQUENCES, NTABLES
};

/* Their columns, by number; those of DEFINITIONS are handled by SQL. */
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

extern const PgsyncSetTable pgsync_set_tables[NTABLES];

extern void pgsync_check_schema_owner(Oid nspid, const char *schema);
extern bool pgsync_holds_set(Oid nspid);
extern Datum pgsync_make_bytea(const void *data, Size length);

#endif							/* PGSYNC_SAVED_LAYOUT_H */
