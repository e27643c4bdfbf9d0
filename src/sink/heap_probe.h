/*-------------------------------------------------------------------------
 *
 * heap_probe.h
 *	  Looks for rows that are in the way of new ones.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_PROBE_H
#define PGSYNC_HEAP_PROBE_H

#include "nodes/execnodes.h"

/* What a look into the indexes has found, the more telling later */
typedef enum PgsyncProbeResult
{
	PGSYNC_PROBE_NOTHING,
	PGSYNC_PROBE_CONFLICT,		/* a row that is committed, or our own */
	PGSYNC_PROBE_UNSURE,		/* a row of a transaction in progress */
} PgsyncProbeResult;

/* Scans of a relation's unique indexes, used again for every row */
typedef struct PgsyncProbes PgsyncProbes;

extern bool pgsync_is_arbiter(ResultRelInfo *resultRelInfo, int i);
extern PgsyncProbes *pgsync_probes_create(ResultRelInfo *resultRelInfo);
extern void pgsync_probes_read_ahead(PgsyncProbes *probes,
									 TupleTableSlot **slots, int first,
									 int nslots);
extern void pgsync_probes_forget(PgsyncProbes *probes);
extern PgsyncProbeResult pgsync_probe(PgsyncProbes *probes,
									  TupleTableSlot *slot, int number);
extern TupleTableSlot *pgsync_probe_existing(PgsyncProbes *probes,
											 TupleTableSlot *slot);
extern void pgsync_probes_release(PgsyncProbes *probes);
extern void pgsync_probes_free(PgsyncProbes *probes);

#endif							/* PGSYNC_HEAP_PROBE_H */
