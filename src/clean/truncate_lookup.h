/*-------------------------------------------------------------------------
 *
 * truncate_lookup.h
 *	  Insists that TRUNCATE finds by name the tables that were locked.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TRUNCATE_LOOKUP_H
#define PGSYNC_TRUNCATE_LOOKUP_H

#include "clean/closure.h"

extern PgsyncClosure *pgsync_watch_truncate(PgsyncClosure *closure);

#endif							/* PGSYNC_TRUNCATE_LOOKUP_H */
