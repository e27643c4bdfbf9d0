/*-------------------------------------------------------------------------
 *
 * heap_count.h
 *	  Counting the visible rows of heap tables by page.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_COUNT_H
#define PGSYNC_HEAP_COUNT_H

#include "utils/relcache.h"
#include "utils/snapshot.h"

extern bool pgsync_heap_countable(Relation rel);
extern int64 pgsync_heap_count(Relation rel, Snapshot snapshot);

#endif							/* PGSYNC_HEAP_COUNT_H */
