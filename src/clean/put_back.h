/*-------------------------------------------------------------------------
 *
 * put_back.h
 *	  Making a table hold the rows of its saved copy again.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_PUT_BACK_H
#define PGSYNC_PUT_BACK_H

#include "clean/row_diff.h"

extern void pgsync_put_back(Relation rel, Relation copy, PgsyncRowMap *map,
							PgsyncRowDiff *diff, bool stale, Snapshot latest);

#endif							/* PGSYNC_PUT_BACK_H */
