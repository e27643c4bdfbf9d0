/*-------------------------------------------------------------------------
 *
 * defaults.h
 *	  The values of columns that a row does not name.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_DEFAULTS_H
#define PGSYNC_DEFAULTS_H

#include "nodes/execnodes.h"
#include "row/target.h"

typedef struct PgsyncDefaults PgsyncDefaults;

extern PgsyncDefaults *pgsync_defaults_create(PgsyncTarget *target);
extern Datum pgsync_default_value(PgsyncDefaults *defaults, AttrNumber attnum,
								  bool *isnull);

#endif							/* PGSYNC_DEFAULTS_H */
