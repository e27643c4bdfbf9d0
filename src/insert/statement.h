/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  The INSERT statement that defines what a load means.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_STATEMENT_H
#define PGSYNC_STATEMENT_H

#include "row/row.h"
#include "row/run.h"

typedef struct PgsyncStatement PgsyncStatement;

/*
 * Someone who makes the ON CONFLICT clause to fit the columns that the rows
 * name, and looks at each row before it is inserted (upsert.c).  Each row then
 * is a command of its own.
 */
typedef struct PgsyncRowHook PgsyncRowHook;
struct PgsyncRowHook
{
	/*
	 * Prepares for a statement whose rows name some of these columns: returns
	 * its ON CONFLICT clause and sets the values of the $n in it.
	 */
	char	   *(*begin_statement) (PgsyncRowHook *hook, const bool *named,
									ParamListInfo *params);

	/*
	 * Sets the $n for the row that is inserted next.  Returns whether that
	 * row is to update one that it conflicts with; the clause's WHERE must
	 * say the same.
	 */
	bool		(*before_row) (PgsyncRowHook *hook, const PgsyncRow *row);
};

/* What the caller asked for beside the rows */
typedef struct PgsyncClauses
{
	const char *on_conflict;	/* checked, or NULL */
	const char *returning;		/* RETURNING's list, or NULL */
	PgsyncRowHook *hook;		/* or NULL */
} PgsyncClauses;

extern PgsyncStatement *pgsync_statement_create(PgsyncTarget *target,
												const PgsyncClauses *clauses,
												PgsyncFeed *feed,
												PgsyncPlace *place,
												const bool *columns);
extern const PgsyncSinkRoutine *pgsync_statement_plan(PgsyncStatement *statement,
													  const bool *named);
extern void pgsync_statement_widen(PgsyncStatement *statement,
								   const bool *columns);
extern void pgsync_statement_begin_row(PgsyncStatement *statement,
									   const PgsyncRow *row);
extern PgsyncCounts pgsync_statement_run(PgsyncStatement *statement,
										 DestReceiver *dest);

#endif							/* PGSYNC_STATEMENT_H */
