/*-------------------------------------------------------------------------
 *
 * empty.h
 *	  Whether a heap table has rows, and deleting them in place.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_EMPTY_H
#define PGSYNC_EMPTY_H

#include "utils/relcache.h"
#include "utils/snapshot.h"

/* What a table's pages say about it. */
typedef enum PgsyncContents
{
	PGSYNC_CONTENTS_NONE,		/* no rows: nothing to do */
	PGSYNC_CONTENTS_FEW,		/* few rows: can be deleted in place */
	PGSYNC_CONTENTS_MANY,		/* more, or not to be deleted in place */
} PgsyncContents;

extern PgsyncContents pgsync_probe_contents(Relation rel, Snapshot latest);
extern void pgsync_empty_in_place(Relation rel, Snapshot latest);

#endif							/* PGSYNC_EMPTY_H */
