/*-------------------------------------------------------------------------
 *
 * return_columns.c
 *	  The argument return_columns: what of the rows comes back.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "insert/return_columns.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

/*
 * Reads the argument, of which NULL is all columns.  No column at all is error
 * 22023, whose hint names the function that returns none.
 */
List *
pgsync_return_columns_arg(FunctionCallInfo fcinfo, int argno,
						  const char *without)
{
	List	   *names;

	if (PG_ARGISNULL(argno))
		return list_make1("*");
	names = pgsync_arg_name_list(fcinfo, argno, "return_columns");
	if (names == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"return_columns\" must name at least one column"),
				 errhint("Use '{*}' for all columns, or %s to return none.",
						 without)));
	return names;
}

/* Counts a column as returned; one that already is, is error 42701. */
static void
note_returned(PgsyncTarget *target, bool *returned, AttrNumber attnum)
{
	if (returned[attnum - 1])
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" specified more than once",
						target->columns[attnum - 1].name),
				 errhint("The argument \"return_columns\" takes each column once; \"*\" names all of them.")));
	returned[attnum - 1] = true;
}

/*
 * Returns RETURNING's list for column names, of which '*' means all columns
 * (also where one has this name); NULL for no names.
 *
 * As no column comes twice, the list is no longer than a table can be wide;
 * the parser does not look at a RETURNING list's length.
 */
const char *
pgsync_returning_list(PgsyncTarget *target, List *names)
{
	StringInfoData buf;
	ListCell   *cell;
	bool	   *returned = palloc0(Max(target->natts, 1));

	if (names == NIL)
		return NULL;
	initStringInfo(&buf);
	foreach(cell, names)
	{
		const char *name = lfirst(cell);
		int			len = strlen(name);
		AttrNumber	attnum = pgsync_target_find(target, name, len);
		bool		all = strcmp(name, "*") == 0;

		if (!all && attnum == 0)
			pgsync_target_unknown_column(target, name, len);
		for (int i = 0; i < target->natts; i++)
		{
			if (i + 1 == attnum || (all && target->columns[i].name != NULL))
				note_returned(target, returned, i + 1);
		}
		appendStringInfo(&buf, "%st.%s", buf.len > 0 ? ", " : "",
						 all ? "*" : quote_identifier(name));
	}
	return buf.data;
}
