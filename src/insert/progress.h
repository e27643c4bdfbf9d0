/*-------------------------------------------------------------------------
 *
 * progress.h
 *	  What pg_stat_progress_copy shows of a call.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_PROGRESS_H
#define PGSYNC_PROGRESS_H

#include "row/source.h"

/* Progress is reported once in so many rows, and with the first */
#define PGSYNC_PROGRESS_INTERVAL	256

extern bool pgsync_progress_start(PgsyncSource *source);
extern void pgsync_progress_input(PgsyncSource *source);
extern void pgsync_progress_rows(int64 nrows);
extern void pgsync_progress_end(void);

#endif							/* PGSYNC_PROGRESS_H */
