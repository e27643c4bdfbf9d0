/*-------------------------------------------------------------------------
 *
 * saved_definition.h
 *	  Whether tables still are what they were when they were saved.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SAVED_DEFINITION_H
#define PGSYNC_SAVED_DEFINITION_H

#include "clean/saved_set.h"

extern void pgsync_save_definitions(PgsyncSavedSet *set, List *constraints);
extern void pgsync_check_definitions(PgsyncSavedSet *set, List *constraints);

#endif							/* PGSYNC_SAVED_DEFINITION_H */
