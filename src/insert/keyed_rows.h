/*-------------------------------------------------------------------------
 *
 * keyed_rows.h
 *	  The rows of a call in the order of their keys, one row a key.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_KEYED_ROWS_H
#define PGSYNC_KEYED_ROWS_H

#include "executor/tuptable.h"
#include "row/source.h"
#include "utils/hsearch.h"
#include "utils/sortsupport.h"
#include "utils/tuplestore.h"

/*
 * The columns of the stored rows: these, then one for every attribute of the
 * target, named c1, c2, ..., and the row's text if it is kept.
 */
#define PGSYNC_ROWS_NUMBER	1	/* bigint: of the key, counted from 1 */
#define PGSYNC_ROWS_INPUT	2	/* bigint: the row's number in the input */
#define PGSYNC_ROWS_SET		3	/* int: its set of columns */
#define PGSYNC_ROWS_LEADING	3	/* how many these are */

/* The column of the stored rows that holds an attribute of the target */
#define PGSYNC_ROWS_COLUMN(attnum)	((attnum) + PGSYNC_ROWS_LEADING)

/*
 * Rows that name the same columns.  Rounds beyond the first hold rows of a
 * key that comes again, where its values cannot be folded into the former's.
 */
typedef struct PgsyncColumnSet
{
	int			id;				/* its place in the list of sets */
	int			round;
	bool	   *named;			/* by attribute */
	int64		nrows;
} PgsyncColumnSet;

/* What a verb wants of its rows */
typedef struct PgsyncKeyedOptions
{
	List	   *keys;			/* attribute numbers */
	const bool *ignored;		/* columns left out, by attribute, or NULL */
	const bool *merges;			/* columns whose values add up, or NULL */
	bool		keeps_all;		/* rows of one key stay rows of their own */

	/* Completes or refuses a row that has been read, or NULL */
	void		(*complete_row) (void *arg, PgsyncRow *row);
	void	   *arg;

	/*
	 * Returns a row's text, which is kept behind its columns, or NULL if
	 * there is none; or NULL
	 */
	const char *(*row_text) (PgsyncSource *source);
} PgsyncKeyedOptions;

typedef struct PgsyncKeyedRows
{
	PgsyncTarget *target;
	PgsyncKeyedOptions options;
	PgsyncUnit	unit;			/* what the input's numbers count */
	TupleDesc	desc;
	SortSupport order;			/* of the key's columns */
	Tuplestorestate *store;
	int64		nkeys;
	int64		nrows;			/* more than keys if there are rounds */
	List	   *sets;			/* of PgsyncColumnSet */
	HTAB	   *sets_by_name;
	PgsyncColumnSet *last_set;
	bool		reports_progress;
	int64		nwritten;		/* rows, by the statements so far */
	MemoryContext mcxt;
} PgsyncKeyedRows;

extern PgsyncKeyedRows *pgsync_keyed_rows_read(PgsyncSource *source,
											   const PgsyncKeyedOptions *options);
extern bool *pgsync_all_columns(PgsyncKeyedRows *rows, List *sets);
extern int	pgsync_keyed_rows_compare(PgsyncKeyedRows *rows,
									  const Datum *a, const Datum *b);
extern void pgsync_keyed_rows_end(PgsyncKeyedRows *rows);

#endif							/* PGSYNC_KEYED_ROWS_H */
