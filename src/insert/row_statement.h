/*-------------------------------------------------------------------------
 *
 * row_statement.h
 *	  A statement that is started once and then executed row by row.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_STATEMENT_H
#define PGSYNC_ROW_STATEMENT_H

#include "nodes/execnodes.h"
#include "nodes/params.h"
#include "row/row.h"
#include "row/target.h"
#include "tcop/dest.h"
#include "utils/snapshot.h"

/* What a row has come to */
typedef enum PgsyncRowOutcome
{
	PGSYNC_ROW_ABSENT,			/* the target has no row with its key */
	PGSYNC_ROW_GONE,			/* or has none any more, or another one */
	PGSYNC_ROW_UNCHANGED,		/* it has an equal one, or a trigger kept it */
	PGSYNC_ROW_WRITTEN,
	PGSYNC_ROW_WAITS,			/* nothing yet: others are to be stored first */
	PGSYNC_ROW_UNKNOWN,			/* nothing yet: the statement is to find out */
} PgsyncRowOutcome;

/*
 * The statement: an UPDATE, or a SELECT that only finds.  In its text the
 * target is t, and pgsync_rows has the row at hand, with columns c1, c2, ...
 */
typedef struct PgsyncRowQuery
{
	PgsyncTarget *target;
	CmdType		operation;
	const char *text;
	ParamListInfo params;		/* whose values may change, or NULL */
	bool		one_command;	/* are all executions part of this command? */

	/*
	 * The last condition of an UPDATE's WHERE says whether it would change
	 * anything: rows for which it is false are UNCHANGED.
	 */
	bool		skip_unchanged;
	DestReceiver *dest;			/* takes what RETURNING or SELECT makes */
} PgsyncRowQuery;

typedef struct PgsyncRowStatement PgsyncRowStatement;

extern PgsyncRowStatement *pgsync_row_statement_start(const PgsyncRowQuery *query,
													  Snapshot snapshot);
extern ModifyTableState *pgsync_row_statement_modifier(PgsyncRowStatement *statement);
extern PgsyncRowOutcome pgsync_row_statement_execute(PgsyncRowStatement *statement,
													 const PgsyncRow *row);
extern void pgsync_row_statement_end(PgsyncRowStatement *statement);

#endif							/* PGSYNC_ROW_STATEMENT_H */
