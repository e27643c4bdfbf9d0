/*-------------------------------------------------------------------------
 *
 * progress.c
 *	  What pg_stat_progress_copy shows of a call.
 *
 * A call shows how much of its input it has read, and how many rows have gone
 * to its target.  A session shows one command at a time: a call within another
 * leaves that one's progress alone.  The end of a transaction, or of a
 * subtransaction that fails, ends what is shown.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "commands/progress.h"
#include "insert/progress.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/rel.h"

/*
 * Begins to show the progress of a call that reads this source; returns false,
 * and shows nothing, if a command that reports is running already.
 */
bool
pgsync_progress_start(PgsyncSource *source)
{
	int64		done;
	int64		total;

	if (MyBEEntry == NULL ||
		MyBEEntry->st_progress_command != PROGRESS_COMMAND_INVALID)
		return false;
	source->routine->progress(source, &done, &total);
	pgstat_progress_start_command(PROGRESS_COMMAND_COPY,
								  RelationGetRelid(source->target->rel));
	pgstat_progress_update_param(PROGRESS_COPY_COMMAND,
								 PROGRESS_COPY_COMMAND_FROM);
	pgstat_progress_update_param(PROGRESS_COPY_TYPE,
								 source->routine->reads_file ?
								 PROGRESS_COPY_TYPE_FILE :
								 PROGRESS_COPY_TYPE_CALLBACK);
	pgstat_progress_update_param(PROGRESS_COPY_BYTES_TOTAL, total);
	return true;
}

/* Shows how far the source has been read. */
void
pgsync_progress_input(PgsyncSource *source)
{
	int64		done;
	int64		total;

	source->routine->progress(source, &done, &total);
	pgstat_progress_update_param(PROGRESS_COPY_BYTES_PROCESSED, done);
}

/* Shows how many rows have gone to the target. */
void
pgsync_progress_rows(int64 nrows)
{
	pgstat_progress_update_param(PROGRESS_COPY_TUPLES_PROCESSED, nrows);
}

/* Ends what pgsync_progress_start has begun. */
void
pgsync_progress_end(void)
{
	pgstat_progress_end_command();
}
