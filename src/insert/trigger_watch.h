/*-------------------------------------------------------------------------
 *
 * trigger_watch.h
 *	  Whether a trigger may have kept a row from being written.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TRIGGER_WATCH_H
#define PGSYNC_TRIGGER_WATCH_H

#include "nodes/execnodes.h"

typedef struct PgsyncTriggerWatch PgsyncTriggerWatch;

extern PgsyncTriggerWatch *pgsync_trigger_watch_start(ModifyTableState *mtstate);
extern bool pgsync_trigger_watch_called(PgsyncTriggerWatch *watch);

#endif							/* PGSYNC_TRIGGER_WATCH_H */
