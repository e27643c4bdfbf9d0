/*-------------------------------------------------------------------------
 *
 * sink.h
 *	  What rows go to: the contract between a sink and who feeds it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SINK_H
#define PGSYNC_SINK_H

#include "row/row.h"
#include "row/target.h"

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

	/*
	 * A sink that stores rows after it has pulled further ones says here
	 * which it is storing, for error context; 0 when it is not.
	 */
	uint64		storing_first;
	uint64		storing_last;

	/* A row's values last until the next row is asked for, no longer */
	bool		rows_are_brief;

	/* The executor stores rows in batches that it does not tell us about */
	bool		batched;
};

#endif							/* PGSYNC_SINK_H */
