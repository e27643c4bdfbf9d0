/*-------------------------------------------------------------------------
 *
 * unique_key.h
 *	  The columns that tell which row of the target an input row is.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UNIQUE_KEY_H
#define PGSYNC_UNIQUE_KEY_H

#include "row/target.h"

extern List *pgsync_unique_key(PgsyncTarget *target, List *names);
extern List *pgsync_column_numbers(PgsyncTarget *target, List *names);

#endif							/* PGSYNC_UNIQUE_KEY_H */
