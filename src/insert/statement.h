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

#include "executor/execdesc.h"
#include "sink/heap_update.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "row/sink.h"
#include "tcop/dest.h"
#include "utils/queryenvironment.h"

/* The relation that the statement selects its rows from */
#define PGSYNC_ROWS "pgsync_rows"

/* Which way the rows of a statement are stored */
typedef enum PgsyncSinkKind
{
	PGSYNC_SINK_HEAP,			/* sink_heap.c: straight into the table */
	PGSYNC_SINK_STREAM,			/* sink_statement.c: executor pulls the rows */
	PGSYNC_SINK_SPOOL,			/* sink_statement.c: rows in a tuplestore */
} PgsyncSinkKind;

typedef struct PgsyncStatement PgsyncStatement;
typedef struct PgsyncFollower PgsyncFollower;

/*
 * Someone who makes the ON CONFLICT clause to fit the columns that the rows
 * name, and follows the rows one by one (upsert.c).
 */
struct PgsyncFollower
{
	/*
	 * Prepares a statement whose rows name some of these columns: returns its
	 * ON CONFLICT clause and sets the values of the $n in it.
	 */
	char	   *(*begin_statement) (PgsyncFollower *follower,
									const bool *named, ParamListInfo *params);

	/* Is told of each row just before it is inserted */
	void		(*begin_row) (PgsyncFollower *follower,
							  PgsyncStatement *statement,
							  const PgsyncRow *row);

	/* Is told when all rows have been inserted, the plan still standing */
	void		(*end_statement) (PgsyncFollower *follower,
								  PgsyncStatement *statement);
};

/* What the caller asked for beside the rows */
typedef struct PgsyncClauses
{
	const char *on_conflict;	/* checked, or NULL */
	const char *returning;		/* RETURNING's list, or NULL */
	PgsyncFollower *follower;	/* or NULL */
} PgsyncClauses;

struct PgsyncStatement
{
	PgsyncTarget *target;
	PgsyncClauses clauses;
	PgsyncFeed *feed;
	AttrNumber *columns;		/* of pgsync_rows, in this order */
	int			ncolumns;
	const bool *named;			/* by attribute: named by a row so far? */
	QueryEnvironment *env;
	EphemeralNamedRelation rows;
	char	   *query;
	PlannedStmt *plan;			/* NULL if the rows must be spooled */
	Datum	   *values;			/* the row being streamed, by attribute */
	bool	   *nulls;
	ParamListInfo params;		/* $n that the clauses use, or NULL */
	PgsyncSinkKind sink;
	QueryDesc  *queryDesc;		/* while it runs */
	PgsyncUpdater *updater;		/* while it runs, or NULL */
};

extern PgsyncStatement *pgsync_statement_create(PgsyncTarget *target,
												const PgsyncClauses *clauses,
												PgsyncFeed *feed,
												const bool *columns);
extern void pgsync_statement_plan(PgsyncStatement *statement,
								  const bool *named);
extern void pgsync_statement_widen(PgsyncStatement *statement,
								   const bool *columns);
extern uint64 pgsync_statement_run(PgsyncStatement *statement,
								   DestReceiver *dest);
extern PgsyncStatement *pgsync_statement_of(EState *estate);

#endif							/* PGSYNC_STATEMENT_H */
