/*-------------------------------------------------------------------------
 *
 * json_path.c
 *	  What the ways to the rows in a JSON text and in a jsonb have in common.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/int.h"
#include "source/json_document.h"
#include "utils/builtins.h"

/*
 * Returns whether a step of a path is an index, as #> takes one, and sets it.
 */
bool
pgsync_json_path_index(const char *step, int *index)
{
	char	   *end;
	long		value;

	errno = 0;
	value = strtol(step, &end, 10);
	if (end == step || *end != '\0' || errno != 0 ||
		value > INT_MAX || value < INT_MIN)
		return false;
	*index = value;
	return true;
}

/* Reports a path that leads nowhere from this step on (22023). */
void
pgsync_json_path_nowhere(const List *path, int step)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"at\" leads nowhere"),
			 errdetail("The document has no \"%s\" at step %d of the path.",
					   (char *) list_nth(path, step), step + 1)));
}

/* Reports a path that meets a scalar before its end, or at it (22023). */
void
pgsync_json_path_scalar(const List *path, int step)
{
	if (step < list_length(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"at\" leads nowhere"),
				 errdetail("Before step %d of the path, \"%s\", there is neither an object nor an array.",
						   step + 1, (char *) list_nth(path, step))));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"at\" leads to neither an object nor an array")));
}

/* Reports rows that are not the members of an object (22023). */
void
pgsync_json_members_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("with key_column, the rows must be the members of one JSON object"),
			 errhint("Rows in an array have no names; leave key_column out.")));
}
