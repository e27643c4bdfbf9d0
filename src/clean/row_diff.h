/*-------------------------------------------------------------------------
 *
 * row_diff.h
 *	  The rows in which a table and its saved copy differ.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_DIFF_H
#define PGSYNC_ROW_DIFF_H

#include "clean/row_image.h"
#include "storage/itemptr.h"
#include "utils/snapshot.h"

/* Places of rows. */
typedef struct PgsyncTids
{
	ItemPointerData *tids;
	int			ntids;
	int			room;
} PgsyncTids;

/* How a table differs from its copy. */
typedef struct PgsyncRowDiff
{
	bool		complete;		/* false: too many differences to list */
	int64		saved_rows;		/* of the copy, if complete */
	PgsyncTids	extra;			/* rows of the table that go */
	PgsyncTids	missing;		/* rows of the copy that come back */
} PgsyncRowDiff;

extern PgsyncRowDiff *pgsync_row_diff(Relation rel, Relation copy,
									  PgsyncRowMap *map, Snapshot latest);

#endif							/* PGSYNC_ROW_DIFF_H */
