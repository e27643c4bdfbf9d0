/*-------------------------------------------------------------------------
 *
 * held_keys.h
 *	  The keys of rows that wait to be stored.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HELD_KEYS_H
#define PGSYNC_HELD_KEYS_H

#include "executor/tuptable.h"
#include "utils/relcache.h"

/* The keys, each different from the others, in their index's order */
typedef struct PgsyncHeldKeys PgsyncHeldKeys;

extern bool pgsync_held_keys_fit(Relation index);
extern PgsyncHeldKeys *pgsync_held_keys_create(Relation index, int max_rows);
extern bool pgsync_held_keys_find(PgsyncHeldKeys *held, const Datum *values);
extern bool pgsync_held_keys_add(PgsyncHeldKeys *held, TupleTableSlot *slot);
extern void pgsync_held_keys_clear(PgsyncHeldKeys *held);

#endif							/* PGSYNC_HELD_KEYS_H */
