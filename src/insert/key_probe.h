/*-------------------------------------------------------------------------
 *
 * key_probe.h
 *	  Finds the row of a key through its unique index.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_KEY_PROBE_H
#define PGSYNC_KEY_PROBE_H

#include "executor/tuptable.h"
#include "row/row.h"
#include "row/target.h"
#include "utils/snapshot.h"

typedef struct PgsyncKeyProbe PgsyncKeyProbe;

extern PgsyncKeyProbe *pgsync_key_probe_start(PgsyncTarget *target,
											  List *keys, Snapshot snapshot);
extern TupleTableSlot *pgsync_key_probe_find(PgsyncKeyProbe *probe,
											 const PgsyncRow *row);
extern void pgsync_key_probe_wrote(PgsyncKeyProbe *probe);
extern void pgsync_key_probe_release(PgsyncKeyProbe *probe);
extern void pgsync_key_probe_end(PgsyncKeyProbe *probe);

#endif							/* PGSYNC_KEY_PROBE_H */
