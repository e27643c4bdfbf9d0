/*-------------------------------------------------------------------------
 *
 * column_extreme.h
 *	  The greatest or the least value of an integer column.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_COLUMN_EXTREME_H
#define PGSYNC_COLUMN_EXTREME_H

#include "utils/relcache.h"

extern bool pgsync_read_extreme(Relation rel, AttrNumber attnum, bool least,
								int64 *value);

#endif							/* PGSYNC_COLUMN_EXTREME_H */
