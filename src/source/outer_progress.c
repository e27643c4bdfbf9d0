/*-------------------------------------------------------------------------
 *
 * outer_progress.c
 *	  Keeps the progress that an outer command shows.
 *
 * A session shows the progress of one command.  COPY's parser takes that
 * place without asking, which would wipe out what a COPY, or another load,
 * shows whose trigger has called us.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "source/outer_progress.h"
#include "utils/backend_status.h"

/* Remembers what shows now. */
void
pgsync_outer_progress_save(PgsyncOuterProgress *outer)
{
	outer->command = PROGRESS_COMMAND_INVALID;
	if (MyBEEntry == NULL)
		return;
	outer->command = MyBEEntry->st_progress_command;
	outer->target = MyBEEntry->st_progress_command_target;
	for (int i = 0; i < PGSTAT_NUM_PROGRESS_PARAM; i++)
		outer->params[i] = MyBEEntry->st_progress_param[i];
}

/* Shows the outer command's progress again; nothing, if there is none. */
void
pgsync_outer_progress_restore(const PgsyncOuterProgress *outer)
{
	int			indexes[PGSTAT_NUM_PROGRESS_PARAM];

	if (outer->command == PROGRESS_COMMAND_INVALID)
	{
		pgstat_progress_end_command();
		return;
	}
	for (int i = 0; i < PGSTAT_NUM_PROGRESS_PARAM; i++)
		indexes[i] = i;
	pgstat_progress_start_command(outer->command, outer->target);
	pgstat_progress_update_multi_param(PGSTAT_NUM_PROGRESS_PARAM, indexes,
									   outer->params);
}
