/*-------------------------------------------------------------------------
 *
 * bulk_copy.h
 *	  All rows of one table stored into another, below the executor.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_BULK_COPY_H
#define PGSYNC_BULK_COPY_H

#include "clean/row_image.h"
#include "nodes/execnodes.h"
#include "utils/snapshot.h"

/* Turns a row of the source into one of the target. */
typedef HeapTuple (*PgsyncRowConversion) (PgsyncRowMap *map, HeapTuple row);

/* Checks a row before it is stored. */
typedef void (*PgsyncRowCheck) (ResultRelInfo *target, TupleTableSlot *slot,
								EState *estate);

extern void pgsync_bulk_copy(Relation from, Relation to, PgsyncRowMap *map,
							 PgsyncRowConversion convert,
							 PgsyncRowCheck check, bool unheard,
							 Snapshot snapshot);

#endif							/* PGSYNC_BULK_COPY_H */
