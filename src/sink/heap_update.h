/*-------------------------------------------------------------------------
 *
 * heap_update.h
 *	  ON CONFLICT DO UPDATE without the executor's detour.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_UPDATE_H
#define PGSYNC_HEAP_UPDATE_H

#include "executor/execdesc.h"
#include "nodes/execnodes.h"

/* What it takes to update the rows of one statement */
typedef struct PgsyncUpdater PgsyncUpdater;

extern bool pgsync_rows_are_laid_out(ModifyTableState *mtstate);
extern PgsyncUpdater *pgsync_updater_install(QueryDesc *queryDesc);
extern void pgsync_updater_free(PgsyncUpdater *updater);

#endif							/* PGSYNC_HEAP_UPDATE_H */
