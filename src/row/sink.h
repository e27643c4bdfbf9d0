/*-------------------------------------------------------------------------
 *
 * sink.h
 *	  What rows go to: the contract between a sink and who feeds it.
 *
 * A sink is one of the ways in which the rows of a run (run.h) of the INSERT
 * statement are stored.  It pulls them from the run's feed, and says at the
 * run's place which rows it is at, where that is not the one pulled last.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SINK_H
#define PGSYNC_SINK_H

#include "nodes/pg_list.h"
#include "tcop/dest.h"

typedef struct PgsyncRun PgsyncRun;

/*
 * What a sink pulls its rows from; load.c provides it.
 */
typedef struct PgsyncFeed PgsyncFeed;
struct PgsyncFeed
{
	/*
	 * Stores the next row, complete with defaults, into arrays with an
	 * element for every attribute; by-reference values are allocated in the
	 * current memory context, or else rows_are_brief.  Returns false when
	 * there are no more rows.
	 */
	bool		(*next) (PgsyncFeed *feed, Datum *values, bool *nulls);

	uint64		number;			/* of the row delivered last */
	Size		size;			/* and its size in bytes, roughly */

	/* A row's values last until the next row is asked for, no longer */
	bool		rows_are_brief;

	/* Expressions and Querys of the caller's that next evaluates, or NIL */
	List	   *expressions;
};

/*
 * Which row of the input an error belongs to that is raised while the input
 * is not being read; load.c shows it as error context.
 */
typedef struct PgsyncPlace
{
	uint64		number;			/* of the row delivered last; 0: of none */

	/*
	 * A sink that stores rows after it has pulled further ones says here
	 * which it is storing; 0 when it is not.
	 */
	uint64		storing_first;
	uint64		storing_last;

	/* The executor stores rows in batches that it does not tell us about */
	bool		batched;
} PgsyncPlace;

typedef struct PgsyncSinkRoutine
{
	/* What debug messages call it */
	const char *name;

	/*
	 * Does it run the statement's text, and not its plan?  Then the statement
	 * computes the defaults, and its columns must be those that rows name.
	 */
	bool		runs_text;

	/*
	 * Must the feed fill the identity columns that the statement does not
	 * list, too?
	 */
	bool		fills_identity;

	/*
	 * Returns whether the rows end up as the statement's own execution would
	 * have it.  Asked in the order of the sinks, when the run is planned.
	 */
	bool		(*fits) (const PgsyncRun *run);

	/*
	 * Stores all rows of the run's feed, sends what RETURNING makes to
	 * "dest", and leaves the run's counts complete.
	 */
	void		(*run) (PgsyncRun *run, DestReceiver *dest);
} PgsyncSinkRoutine;

#endif							/* PGSYNC_SINK_H */
