/*-------------------------------------------------------------------------
 *
 * clauses.c
 *	  Arguments that become clauses of the INSERT statement.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/sqltext.h"
#include "insert/clauses.h"

/* Reads an on_conflict argument: one checked clause, or NULL (42601). */
const char *
pgsync_on_conflict_arg(FunctionCallInfo fcinfo, int argno)
{
	const char *clause = pgsync_arg_cstring_or_null(fcinfo, argno);

	if (clause != NULL)
		pgsync_check_on_conflict(clause);
	return clause;
}

/*
 * Reads an overriding argument: "system" or "user" in any case, as they stand
 * in INSERT's OVERRIDING clause; NULL is no clause (22023).
 */
PgsyncOverriding
pgsync_overriding_arg(FunctionCallInfo fcinfo, int argno)
{
	const char *word = pgsync_arg_cstring_or_null(fcinfo, argno);

	if (word == NULL)
		return PGSYNC_OVERRIDING_NONE;
	if (pg_strcasecmp(word, "system") == 0)
		return PGSYNC_OVERRIDING_SYSTEM;
	if (pg_strcasecmp(word, "user") == 0)
		return PGSYNC_OVERRIDING_USER;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized value for argument \"%s\": \"%s\"",
					"overriding", word),
			 errhint("Use \"system\" to insert the values given for identity columns, \"user\" to ignore them.")));
}
