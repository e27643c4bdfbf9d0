/*-------------------------------------------------------------------------
 *
 * exact_output.c
 *	  Values printed so that reading them gives the same values.
 *
 * Whatever the session likes to see: the settings are those of pg_dump.  An
 * error in between needs no care, as the abort of the (sub)transaction puts
 * the settings back.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/exact_output.h"
#include "utils/guc.h"

/* Has values printed like that from here on; returns what ends it. */
int
pgsync_begin_exact_output(void)
{
	static const char *const settings[][2] = {
		{"extra_float_digits", "3"},
		{"datestyle", "ISO"},
		{"intervalstyle", "postgres"},
	};
	int			nestlevel = NewGUCNestLevel();

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	return nestlevel;
}

/* Ends what pgsync_begin_exact_output began. */
void
pgsync_end_exact_output(int nestlevel)
{
	AtEOXact_GUC(true, nestlevel);
}
