/*-------------------------------------------------------------------------
 *
 * heap_version.h
 *	  Stores the new version of a row whose place is known.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_VERSION_H
#define PGSYNC_HEAP_VERSION_H

#include "nodes/execnodes.h"

extern void pgsync_check_new_version(ResultRelInfo *resultRelInfo,
									 EState *estate, TupleTableSlot *slot,
									 CmdType operation);
extern bool pgsync_store_new_version(ResultRelInfo *resultRelInfo,
									 EState *estate, ItemPointer tid,
									 TupleTableSlot *slot);

#endif							/* PGSYNC_HEAP_VERSION_H */
