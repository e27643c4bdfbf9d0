/*-------------------------------------------------------------------------
 *
 * row.h
 *	  A row on its way from a source to a sink, and what both may rely on.
 *
 * Sources (source_json.c, source_jsonb.c, source_csv.c) know an input format
 * and nothing of how rows are stored; sinks (sink_heap.c, sink_statement.c)
 * know the opposite; load.c joins them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_H
#define PGSYNC_ROW_H

#include "lib/stringinfo.h"
#include "row/target.h"

/*
 * One row as a source delivers it.  The arrays have an element for every
 * attribute of the target; values and nulls are set for the named ones only.
 */
typedef struct PgsyncRow
{
	Datum	   *values;
	bool	   *nulls;
	bool	   *named;			/* did the input bring this column? */
	uint64		number;			/* counted from 1: row, or line of the file */
	Size		size;			/* bytes of input, roughly */
	AttrNumber	column;			/* being converted now, 0 for none */
} PgsyncRow;

typedef struct PgsyncSource PgsyncSource;

/* More of a value than error context shows */
#define PGSYNC_MAX_DESCRIBED	1024

typedef struct PgsyncSourceRoutine
{
	/* What a row's number counts: "row", or "line" of a file */
	const char *unit;

	/* For progress reports: does it read a file of the server? */
	bool		reads_file;

	/*
	 * Reads the next row and converts it, in the current memory context.
	 * Returns false at the end of a complete input.  While it works, it keeps
	 * row->number and row->column up to date, for error context.
	 */
	bool		(*next) (PgsyncSource *source, PgsyncRow *row);

	/*
	 * Appends the value being converted, for error context; called while
	 * row->column is set, with that column.  Of a long value its first
	 * PGSYNC_MAX_DESCRIBED bytes do.
	 */
	void		(*describe_value) (PgsyncSource *source, AttrNumber column,
								   StringInfo buf);

	/*
	 * Tells how far the input has been read and how long it is, in bytes; a
	 * length of 0 means that it is not known.
	 */
	void		(*progress) (PgsyncSource *source, int64 *done, int64 *total);
} PgsyncSourceRoutine;

/* Every source begins with this */
struct PgsyncSource
{
	const PgsyncSourceRoutine *routine;
	PgsyncTarget *target;
};

extern PgsyncSource *pgsync_source_json_create(PgsyncTarget *target,
											   text *data, bool lines_allowed);
extern PgsyncSource *pgsync_source_jsonb_create(PgsyncTarget *target,
												Jsonb *data);

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

#endif							/* PGSYNC_ROW_H */
