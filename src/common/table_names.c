/*-------------------------------------------------------------------------
 *
 * table_names.c
 *	  Lists of table names, as a caller writes them.
 *
 * Names stand as they do in SQL: quoted where SQL needs quotes, with a schema
 * or without.  Nothing is locked here.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/namespace.h"
#include "common/table_names.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

/* How many names an error lists; the others are counted */
#define MAX_LISTED_NAMES	20

/* Splits one name as it stands in SQL; what is none is an error (42602). */
static RangeVar *
parse_table_name(const char *name)
{
	List	   *parts;
	List	   *strings = NIL;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(name), '.', &parts) || parts == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not a valid table name", name),
				 errhint("A name that is not a plain identifier must be in double quotes, as in SQL.")));
	foreach(cell, parts)
		strings = lappend(strings, makeString(pstrdup(lfirst(cell))));
	return makeRangeVarFromNameList(strings);
}

/*
 * Turns names as they stand in SQL (quoted or not, with a schema or not) into
 * a List of RangeVars.
 */
List *
pgsync_parse_table_names(List *names)
{
	List	   *rangevars = NIL;
	ListCell   *cell;

	foreach(cell, names)
	{
		CHECK_FOR_INTERRUPTS();
		rangevars = lappend(rangevars, parse_table_name(lfirst(cell)));
	}
	return rangevars;
}

/* Returns a name as the caller would have to write it. */
char *
pgsync_written_table_name(RangeVar *rangevar)
{
	if (rangevar->schemaname == NULL)
		return pstrdup(quote_identifier(rangevar->relname));
	return quote_qualified_identifier(rangevar->schemaname,
									  rangevar->relname);
}

/* Joins the names that a message lists, at most MAX_LISTED_NAMES, by commas. */
char *
pgsync_join_names(List *names)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < Min(list_length(names), MAX_LISTED_NAMES); i++)
	{
		if (i > 0)
			appendStringInfoString(&buf, ", ");
		appendStringInfoString(&buf, list_nth(names, i));
	}
	return buf.data;
}

/* Returns how many of the names a message does not list, but counts. */
int
pgsync_count_unlisted(List *names)
{
	return Max(list_length(names) - MAX_LISTED_NAMES, 0);
}

/* Reports several names that no relation has (SQLSTATE 42P01). */
static void
missing_names_error(List *missing)
{
	int			unlisted = pgsync_count_unlisted(missing);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 unlisted == 0 ?
			 errmsg("relations %s do not exist", pgsync_join_names(missing)) :
			 errmsg("relations %s and %d more do not exist",
					pgsync_join_names(missing), unlisted)));
}

/*
 * Looks the names up along the search path; the result has the same order.
 *
 * One name that is not there gives core's own error; of several, the first
 * MAX_LISTED_NAMES are named.
 */
List *
pgsync_resolve_table_names(List *rangevars)
{
	List	   *relids = NIL;
	List	   *missing = NIL;
	RangeVar   *first_missing = NULL;
	ListCell   *cell;

	foreach(cell, rangevars)
	{
		RangeVar   *rangevar = lfirst(cell);
		Oid			relid;

		CHECK_FOR_INTERRUPTS();
		relid = RangeVarGetRelid(rangevar, NoLock, true);
		if (OidIsValid(relid))
		{
			relids = lappend_oid(relids, relid);
			continue;
		}
		if (first_missing == NULL)
			first_missing = rangevar;
		missing = lappend(missing, pgsync_written_table_name(rangevar));
	}

	if (list_length(missing) == 1)
		(void) RangeVarGetRelid(first_missing, NoLock, false);
	if (missing != NIL)
		missing_names_error(missing);
	return relids;
}
