/*-------------------------------------------------------------------------
 *
 * keyed_statement.h
 *	  A statement that joins the target with the rows of a call by key.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_KEYED_STATEMENT_H
#define PGSYNC_KEYED_STATEMENT_H

#include "insert/keyed_rows.h"
#include "lib/stringinfo.h"
#include "nodes/params.h"
#include "nodes/parsenodes.h"

/* What a statement's rows came to */
typedef struct PgsyncKeyedCounts
{
	int64		processed;		/* rows written, or returned */
	int64		unchanged;		/* rows found, and left as they are */
	int64		first_unchanged;	/* number of the first one's key */
	int64		missing;		/* keys that no row has, or has any more */
	int64		first_missing;	/* number of the first such key */
	int64		conflicts;		/* rows that INSERT has not inserted */
} PgsyncKeyedCounts;

/*
 * One statement.  In its text the target is t, the rows are r, and the
 * parameters are $1, $2, ...
 */
typedef struct PgsyncKeyedStatement
{
	PgsyncKeyedRows *rows;
	CmdType		operation;
	const char *query;
	ParamListInfo params;		/* or NULL */

	/*
	 * The last condition of an UPDATE's WHERE says whether it would change
	 * anything: rows for which it is false count as unchanged.
	 */
	bool		skip_unchanged;
} PgsyncKeyedStatement;

extern void pgsync_append_column(StringInfo buf, PgsyncTarget *target,
								 AttrNumber attnum);
extern void pgsync_append_key_equality(StringInfo buf, PgsyncTarget *target,
									   List *keys);
extern void pgsync_append_key_condition(StringInfo buf,
										PgsyncKeyedRows *rows);
extern bool pgsync_is_as_written(List *rewritten, CmdType operation);
extern void pgsync_move_last_condition(Query *query, char *name);
extern void pgsync_keyed_statement_check(PgsyncKeyedStatement *statement);
extern PgsyncKeyedCounts pgsync_keyed_statement_run(PgsyncKeyedStatement *statement,
													Tuplestorestate *store,
													int64 nrows);

#endif							/* PGSYNC_KEYED_STATEMENT_H */
