/*-------------------------------------------------------------------------
 *
 * source.h
 *	  What rows come from: the contract between a source and who reads it.
 *
 * A row is read in two calls:
 *
 *		fetch -> is there one more row, and where does it end?
 *		convert -> its values, as the target's columns have them
 *
 * so that a row whose conversion fails can be left behind, or shown: fetch
 * leaves the input behind the row, whatever convert thinks of it.  Hence
 *
 * - fetch raises what leaves the rest of the input unreadable, and what is
 *	 wrong with the input as a whole (a broken array, a header's names);
 * - convert raises what is wrong with the fetched row alone (its form, names
 *	 that are no columns, values), and may be called in a subtransaction.  It
 *	 keeps nothing in the source that fetch and append_raw rely on: after an
 *	 error, and also after success, the same row can be converted again, shown
 *	 by append_raw, or left for the next fetch.
 *
 * Rows may be read some time before they are converted:
 *
 *		fetch, keep, fetch, keep, ... -> recall, convert, recall, convert, ...
 *
 * A source lets go of what it holds beside memory (files, queries) when fetch
 * returns false, or when the transaction fails; of what convert needs, if rows
 * have been kept, when it is closed.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SOURCE_H
#define PGSYNC_SOURCE_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "row/row.h"
#include "row/target.h"
#include "utils/jsonb.h"

typedef struct PgsyncSource PgsyncSource;

typedef enum PgsyncUnit
{
	PGSYNC_UNIT_ROW,
	PGSYNC_UNIT_LINE,			/* the one that the row begins on */
} PgsyncUnit;

/* More of a value than error context shows */
#define PGSYNC_MAX_DESCRIBED	1024

typedef struct PgsyncSourceRoutine
{
	/* What a row's number counts */
	PgsyncUnit	unit;

	/* For progress reports: does it read a file of the server? */
	bool		reads_file;

	/* Is what append_raw appends JSON, one object if the row is well-formed? */
	bool		raw_is_json;

	/*
	 * Moves to the next row, and sets row->number and row->size; the caller
	 * has cleared row->named, and leaves row->number to the source.  While it
	 * works, row->number is that of the row being read, for error context.
	 *
	 * Returns false at the end of a complete input, and again if it is called
	 * again.  row->named then has the columns that the input names without
	 * having a row, as a CSV's header does; the rest of *row means nothing.
	 */
	bool		(*fetch) (PgsyncSource *source, PgsyncRow *row);

	/*
	 * Converts the row that was fetched last: sets row->named, row->values
	 * and row->nulls for the columns it names.  Values are allocated in the
	 * current memory context.  The caller has set all of row->nulls and
	 * cleared row->named.  While a value is converted, row->column says
	 * which; it is 0 before and after, but after an error left as it is.
	 */
	void		(*convert) (PgsyncSource *source, PgsyncRow *row);

	/*
	 * Keeps the row that was fetched last: returns what recall takes, in the
	 * current memory context.
	 */
	void	   *(*keep) (PgsyncSource *source);

	/*
	 * Has convert and the functions below be about a kept row, until the next
	 * fetch, which goes on where the last one ended.  May be called in a
	 * subtransaction.
	 */
	void		(*recall) (PgsyncSource *source, void *kept);

	/*
	 * Makes convert work again after an error in it, and see what the active
	 * snapshot sees now; called outside of the subtransaction.  NULL if there
	 * is nothing to be done.
	 */
	void		(*renew) (PgsyncSource *source);

	/*
	 * Appends the value being converted, for error context; called while
	 * row->column is set, with that column.  Of a long value its first
	 * PGSYNC_MAX_DESCRIBED bytes do.
	 */
	void		(*describe_value) (PgsyncSource *source, AttrNumber column,
								   StringInfo buf);

	/*
	 * Appends the row that was fetched last, whole, in the database's
	 * encoding: as it came where the input is text (an object of JSON, a line
	 * of CSV without its line end), else as text.
	 */
	void		(*append_raw) (PgsyncSource *source, StringInfo buf);

	/*
	 * Closes the source, after fetch has returned false.  NULL if there is
	 * nothing to be closed, or fetch has seen to it; memory is the caller's
	 * context's business.
	 */
	void		(*close) (PgsyncSource *source);

	/*
	 * Returns the row that was fetched last as an object with the input's own
	 * names, in the current memory context.
	 */
	Jsonb	   *(*make_jsonb) (PgsyncSource *source);

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
	List	   *expressions;	/* of the caller's, that fetch or convert
								 * evaluate: expressions and Querys */

	/*
	 * What a verb sets before it reads: columns that it has no use for, which
	 * are named, but null and not converted (by attribute, or NULL); and the
	 * column that a row of JSON names which is a bare value (0: it must be an
	 * object).
	 */
	const bool *ignored;
	AttrNumber	scalar_column;

	/* Is the input gone before a kept row is, so that it must be copied? */
	bool		brief;

	/*
	 * Does the source read a value that is stored in a table, a slice at a
	 * time?  It does so only where the verb says that the value stays there
	 * until it has been read; else the first fetch has it read as a whole.
	 */
	bool		is_stored;
	bool		stays_stored;

	/*
	 * Has the caller the options of a row_source?  Then errors for names that
	 * are no columns hint at those.
	 */
	bool		has_options;
};

/* Returns whether a column's values need not be converted. */
static inline bool
pgsync_source_ignores(const PgsyncSource *source, AttrNumber attnum)
{
	return source->ignored != NULL && source->ignored[attnum - 1];
}

#endif							/* PGSYNC_SOURCE_H */
