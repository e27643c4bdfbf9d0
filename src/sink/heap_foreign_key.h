/*-------------------------------------------------------------------------
 *
 * heap_foreign_key.h
 *	  Rows whose foreign keys are checked with those of the row before.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_FOREIGN_KEY_H
#define PGSYNC_HEAP_FOREIGN_KEY_H

#include "nodes/execnodes.h"

extern List *pgsync_foreign_key_columns(ResultRelInfo *resultRelInfo,
										EState *estate);
extern bool pgsync_same_foreign_keys(List *columns, TupleTableSlot *one,
									 TupleTableSlot *other);

#endif							/* PGSYNC_HEAP_FOREIGN_KEY_H */
