/*-------------------------------------------------------------------------
 *
 * outer_progress.h
 *	  Keeps the progress that an outer command shows.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_OUTER_PROGRESS_H
#define PGSYNC_OUTER_PROGRESS_H

#include "utils/backend_progress.h"

/* What a command that was running before us shows as its progress */
typedef struct PgsyncOuterProgress
{
	ProgressCommandType command;	/* PROGRESS_COMMAND_INVALID: none */
	Oid			target;
	int64		params[PGSTAT_NUM_PROGRESS_PARAM];
} PgsyncOuterProgress;

extern void pgsync_outer_progress_save(PgsyncOuterProgress *outer);
extern void pgsync_outer_progress_restore(const PgsyncOuterProgress *outer);

#endif							/* PGSYNC_OUTER_PROGRESS_H */
