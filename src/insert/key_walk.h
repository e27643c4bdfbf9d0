/*-------------------------------------------------------------------------
 *
 * key_walk.h
 *	  Goes along a unique index beside keys that ascend.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_KEY_WALK_H
#define PGSYNC_KEY_WALK_H

#include "executor/tuptable.h"
#include "row/target.h"
#include "utils/snapshot.h"

typedef struct PgsyncKeyWalk PgsyncKeyWalk;

extern PgsyncKeyWalk *pgsync_key_walk_create(PgsyncTarget *target,
											 Relation index,
											 Snapshot snapshot);
extern bool pgsync_key_walk_find(PgsyncKeyWalk *walk, Datum key,
								 TupleTableSlot *slot);
extern void pgsync_key_walk_wrote(PgsyncKeyWalk *walk);
extern void pgsync_key_walk_release(PgsyncKeyWalk *walk);
extern void pgsync_key_walk_end(PgsyncKeyWalk *walk);

#endif							/* PGSYNC_KEY_WALK_H */
