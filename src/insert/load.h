/*-------------------------------------------------------------------------
 *
 * load.h
 *	  The one loop that takes rows from a source to where they belong.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_LOAD_H
#define PGSYNC_LOAD_H

#include "row/source.h"
#include "insert/statement.h"

extern PgsyncCounts pgsync_load(PgsyncSource *source,
								const PgsyncClauses *clauses,
								DestReceiver *dest);

#endif							/* PGSYNC_LOAD_H */
