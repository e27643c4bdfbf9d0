/*-------------------------------------------------------------------------
 *
 * unknown_names.c
 *	  The names of a row, or of a header, that are no columns: an error tells
 *	  all of them at once, with a hint at what to do about them.
 *
 *		{"userId": 1, "E-Mail": "a@b", "shoe": 4}	columns user_id, email
 *		columns "userId", "E-Mail", "shoe" of relation "users" do not exist
 *		Perhaps you meant columns => '{"userId": "user_id", ...}'
 *
 * An object may have millions of such names: what is kept of them, and
 * compared with the columns, is bounded.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/relation.h"
#include "mb/pg_wchar.h"
#include "row/unknown_names.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/rel.h"

/*
 * Adds a name: what is enough to recognize it is copied.  One that is shown
 * already adds nothing.
 */
void
pgsync_unknown_names_add(PgsyncUnknownNames *unknown, const char *name, int len)
{
	len = pg_mbcliplen(name, len, 2 * NAMEDATALEN);
	for (int i = 0; i < unknown->count; i++)
	{
		if (strlen(unknown->names[i]) == len &&
			memcmp(unknown->names[i], name, len) == 0)
			return;
	}
	if (unknown->count == PGSYNC_UNKNOWN_SHOWN)
		unknown->more++;
	else
		unknown->names[unknown->count++] = pnstrdup(name, len);
}

/* Returns the names in quotes. */
static char *
list_names(const char *const *names, int count)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < count; i++)
		appendStringInfo(&buf, "%s\"%s\"", i > 0 ? ", " : "", names[i]);
	return buf.data;
}

/*
 * Finds the columns that were probably meant, NULL where none is near or
 * another name has meant it before; returns how many there are.
 */
static int
find_meant(const PgsyncUnknownNames *unknown, const char **meant)
{
	int			found = 0;

	for (int i = 0; i < unknown->count; i++)
	{
		meant[i] = pgsync_closest_attribute(unknown->target->rel,
											unknown->names[i]);
		for (int j = 0; j < i && meant[i] != NULL; j++)
		{
			if (meant[j] != NULL && strcmp(meant[j], meant[i]) == 0)
				meant[i] = NULL;
		}
		found += meant[i] != NULL ? 1 : 0;
	}
	return found;
}

/* Returns the option, as an SQL literal, that leads names to these columns. */
static char *
columns_option(const PgsyncUnknownNames *unknown, const char **meant)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < unknown->count; i++)
	{
		if (meant[i] == NULL)
			continue;
		appendStringInfoString(&buf, buf.len > 0 ? ", " : "{");
		escape_json(&buf, unknown->names[i]);
		appendStringInfoString(&buf, ": ");
		escape_json(&buf, meant[i]);
	}
	appendStringInfoChar(&buf, '}');
	return quote_literal_cstr(buf.data);
}

/*
 * Returns the hint where no column is near; NULL for none: one key of plain
 * JSON is most likely a slip.
 */
static const char *
distant_hint(const PgsyncUnknownNames *unknown)
{
	if (unknown->otherwise != NULL)
		return unknown->otherwise;
	if (unknown->has_options)
		return _("Map the names to columns with columns, or drop what is no column with ignore_unknown.");
	if (unknown->count == 1)
		return NULL;
	return _("from_json(...) takes columns, which maps names to columns, and ignore_unknown, which drops what is no column.");
}

/* Returns the hint for several names. */
static const char *
make_hint(const PgsyncUnknownNames *unknown)
{
	const char *meant[PGSYNC_UNKNOWN_SHOWN];
	const char *near[PGSYNC_UNKNOWN_SHOWN];
	int			nnear = 0;

	if (unknown->hint != NULL)
		return unknown->hint;
	if (find_meant(unknown, meant) == 0)
		return distant_hint(unknown);
	if (unknown->has_options)
		return psprintf(_("Perhaps you meant columns => %s; ignore_unknown drops what is no column."),
						columns_option(unknown, meant));
	for (int i = 0; i < unknown->count; i++)
	{
		if (meant[i] != NULL)
			near[nnear++] = meant[i];
	}
	return nnear == 1 ?
		psprintf(_("Perhaps you meant the column \"%s\"."), near[0]) :
		psprintf(_("Perhaps you meant the columns %s."),
				 list_names(near, nnear));
}

/*
 * Reports the names, of which there is at least one (42703).  One that is
 * alone gets the words that a column gets elsewhere.
 */
void
pgsync_unknown_names_report(const PgsyncUnknownNames *unknown)
{
	Relation	rel = unknown->target->rel;
	const char *hint;
	char	   *names;

	if (unknown->count == 1 && unknown->more == 0)
		pgsync_undefined_column(rel, unknown->names[0],
								strlen(unknown->names[0]), unknown->detail,
								unknown->hint, distant_hint(unknown));
	hint = make_hint(unknown);
	names = list_names(unknown->names, unknown->count);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 unknown->more == 0 ?
			 errmsg("columns %s of relation \"%s\" do not exist",
					names, RelationGetRelationName(rel)) :
			 errmsg("columns %s and %llu more of relation \"%s\" do not exist",
					names, (unsigned long long) unknown->more,
					RelationGetRelationName(rel)),
			 unknown->detail != NULL ?
			 errdetail_internal("%s", unknown->detail) : 0,
			 hint != NULL ? errhint("%s", hint) : 0));
}
