/*-------------------------------------------------------------------------
 *
 * heap_conflict.h
 *	  ON CONFLICT DO NOTHING for the heap sink.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_CONFLICT_H
#define PGSYNC_HEAP_CONFLICT_H

#include "nodes/execnodes.h"

/* What it takes to find conflicts in one relation */
typedef struct PgsyncConflicts PgsyncConflicts;

extern PgsyncConflicts *pgsync_conflicts_create(ResultRelInfo *resultRelInfo,
												EState *estate);
extern void pgsync_conflicts_begin_batch(PgsyncConflicts *conflicts,
										 TupleTableSlot **slots, int first,
										 int end);
extern bool pgsync_conflicts_fit_together(PgsyncConflicts *conflicts);
extern int	pgsync_conflicts_look(PgsyncConflicts *conflicts,
								  TupleTableSlot **slots, int first,
								  int nslots, bool *in_the_way);
extern void pgsync_conflicts_forget(PgsyncConflicts *conflicts);
extern bool pgsync_conflicts_insert(PgsyncConflicts *conflicts,
									TupleTableSlot *slot, int number,
									List **recheck);
extern void pgsync_conflicts_end_batch(PgsyncConflicts *conflicts);
extern void pgsync_conflicts_free(PgsyncConflicts *conflicts);

#endif							/* PGSYNC_HEAP_CONFLICT_H */
