/*-------------------------------------------------------------------------
 *
 * attempt.h
 *	  Work that may fail, in a subtransaction.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ATTEMPT_H
#define PGSYNC_ATTEMPT_H

#include "utils/elog.h"

typedef void (*PgsyncWork) (void *arg);

extern ErrorData *pgsync_attempt(PgsyncWork work, void *arg);

#endif							/* PGSYNC_ATTEMPT_H */
