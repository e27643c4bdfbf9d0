/*-------------------------------------------------------------------------
 *
 * index_batch.h
 *	  Index entries of a batch of stored rows.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_INDEX_BATCH_H
#define PGSYNC_INDEX_BATCH_H

#include "nodes/execnodes.h"

/* What it takes to make entries in the indexes of one relation */
typedef struct PgsyncIndexBatch PgsyncIndexBatch;

extern PgsyncIndexBatch *pgsync_index_batch_create(ResultRelInfo *resultRelInfo,
												   EState *estate,
												   bool rows_wait);
extern bool pgsync_index_batch_prepare(PgsyncIndexBatch *batch,
									   TupleTableSlot **slots, int nslots,
									   bool speculative);
extern bool pgsync_index_batch_try_unique(PgsyncIndexBatch *batch);
extern void pgsync_index_batch_begin(PgsyncIndexBatch *batch);
extern List *pgsync_index_batch_finish_row(PgsyncIndexBatch *batch, int row);
extern void pgsync_index_batch_finish(PgsyncIndexBatch *batch);
extern void pgsync_index_batch_end(PgsyncIndexBatch *batch);
extern void pgsync_index_batch_free(PgsyncIndexBatch *batch);

#endif							/* PGSYNC_INDEX_BATCH_H */
