/*-------------------------------------------------------------------------
 *
 * truncate.h
 *	  The part of the closure that goes to core's TRUNCATE.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TRUNCATE_H
#define PGSYNC_TRUNCATE_H

#include "clean/closure.h"

extern void pgsync_truncate_complete(PgsyncClosure *closure);
extern void pgsync_truncate_run(PgsyncClosure *closure, bool restart);

#endif							/* PGSYNC_TRUNCATE_H */
