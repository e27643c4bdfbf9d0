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
typedef struct PgsyncRejects PgsyncRejects;

/* What a row hook has done with a row */
typedef enum PgsyncSettled
{
	PGSYNC_NOT_SETTLED,			/* nothing: it is to be inserted */
	PGSYNC_SETTLED,				/* all that there was to do */
	PGSYNC_SETTLED_LATER,		/* nothing, until rows that wait are stored */
} PgsyncSettled;

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

	/*
	 * Deals with a row otherwise than by the statement, while that runs, or
	 * leaves it to be inserted.  It is asked again once rows that wait
	 * (PgsyncRun.holds_rows) are stored.  NULL: none is dealt with.  Then
	 * this ends what was begun for the statement's rows, when it has run.
	 */
	PgsyncSettled (*settle_row) (PgsyncRowHook *hook, const PgsyncRow *row);
	void		(*end_statement) (PgsyncRowHook *hook);

	/*
	 * Ends all that it has begun, so that nothing is left beyond a
	 * subtransaction; or, when that has been rolled back, forgets it, and
	 * what it has counted since the last end_span.  For loads that go on
	 * behind bad rows; or NULL.
	 */
	void		(*end_span) (PgsyncRowHook *hook);
	void		(*forget_span) (PgsyncRowHook *hook);

	/*
	 * Is told that a row has been inserted, or not, while its values are
	 * still there; or NULL.
	 */
	void		(*after_row) (PgsyncRowHook *hook, const PgsyncRow *row);

	/* Must all rows of a statement name the same columns? */
	bool		same_columns;

	/* The statement that is running, set by statement.c */
	PgsyncRun  *run;
};

/* INSERT's OVERRIDING clause: what becomes of values for identity columns */
typedef enum PgsyncOverriding
{
	PGSYNC_OVERRIDING_NONE,		/* refused where GENERATED ALWAYS */
	PGSYNC_OVERRIDING_SYSTEM,	/* taken */
	PGSYNC_OVERRIDING_USER,		/* ignored */
} PgsyncOverriding;

/* What the caller asked for beside the rows */
typedef struct PgsyncClauses
{
	const char *on_conflict;	/* checked, or NULL */
	PgsyncOverriding overriding;
	const char *returning;		/* RETURNING's list, or NULL */
	PgsyncRowHook *hook;		/* or NULL */

	/* Where rows go that cannot go in (rejects.h); NULL: they fail the load */
	PgsyncRejects *rejects;

	/*
	 * Does the statement take what the feed gives for identity columns,
	 * whatever "overriding" says of the columns that rows name?
	 */
	bool		takes_identity;

	/*
	 * If not NULL, set to each row's number before it goes in: whoever takes
	 * what RETURNING makes can tell of which row it is.  Rows that are
	 * spooled (a rule's, say) all have the last one's.
	 */
	uint64	   *number;
} PgsyncClauses;

extern PgsyncStatement *pgsync_statement_create(PgsyncTarget *target,
												const PgsyncClauses *clauses,
												PgsyncFeed *feed,
												PgsyncPlace *place,
												const bool *columns);
extern const PgsyncSinkRoutine *pgsync_statement_plan(PgsyncStatement *statement,
													  const bool *named);
extern bool pgsync_statement_tells_batches(PgsyncStatement *statement);
extern const PgsyncRun *pgsync_statement_foreseeable(PgsyncStatement *statement);
extern void pgsync_statement_widen(PgsyncStatement *statement,
								   const bool *columns);
extern PgsyncSettled pgsync_statement_settle_row(PgsyncStatement *statement,
												 const PgsyncRow *row);
extern void pgsync_statement_begin_row(PgsyncStatement *statement,
									   const PgsyncRow *row);
extern PgsyncCounts pgsync_statement_run(PgsyncStatement *statement,
										 DestReceiver *dest);

#endif							/* PGSYNC_STATEMENT_H */
