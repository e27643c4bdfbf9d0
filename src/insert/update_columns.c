/*-------------------------------------------------------------------------
 *
 * update_columns.c
 *	  Which columns rows that are there already may update, and how.
 *
 * The arguments update_columns and merge_columns, which several verbs have.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "insert/unique_key.h"
#include "insert/update_columns.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Refuses key columns among the columns to update. */
static void
refuse_keys(PgsyncUpdateColumns *columns, List *numbers, const char *argname)
{
	ListCell   *cell;

	foreach(cell, numbers)
	{
		if (list_member_int(columns->keys, lfirst_int(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"%s\" must not contain key column \"%s\"",
							argname,
							columns->target->columns[lfirst_int(cell) - 1].name)));
	}
}

/* Takes merge_columns: jsonb columns to be merged with ||. */
static void
set_merge_columns(PgsyncUpdateColumns *columns, List *numbers)
{
	TupleDesc	desc = RelationGetDescr(columns->target->rel);
	ListCell   *cell;

	refuse_keys(columns, numbers, "merge_columns");
	foreach(cell, numbers)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, lfirst_int(cell) - 1);

		if (getBaseType(attr->atttypid) != JSONBOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" in argument \"merge_columns\" is of type %s, not jsonb",
							NameStr(attr->attname),
							format_type_be(attr->atttypid))));
		columns->merges[attr->attnum - 1] = true;
		columns->may_update[attr->attnum - 1] = true;
	}
}

/* Takes update_columns: the columns that may be overwritten. */
static void
set_update_columns(PgsyncUpdateColumns *columns, List *numbers)
{
	ListCell   *cell;

	refuse_keys(columns, numbers, "update_columns");
	foreach(cell, numbers)
	{
		AttrNumber	attnum = lfirst_int(cell);

		if (columns->merges[attnum - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" is in both \"update_columns\" and \"merge_columns\"",
							columns->target->columns[attnum - 1].name)));
		columns->may_update[attnum - 1] = true;
	}
}

/* Without update_columns, every column but the key's may be overwritten. */
static void
update_all_columns(PgsyncUpdateColumns *columns)
{
	for (int i = 0; i < columns->target->natts; i++)
	{
		if (!list_member_int(columns->keys, i + 1))
			columns->may_update[i] = true;
	}
}

/*
 * Creates it from the names that the caller has given.
 *
 * Errors: 42703, 42701 for names; 22023 for a key's column, or one in both
 * lists; 42804 for a column to be merged that is not of type jsonb.
 */
PgsyncUpdateColumns *
pgsync_update_columns_create(PgsyncTarget *target, List *keys,
							 List *update_names, bool update_all,
							 List *merge_names)
{
	PgsyncUpdateColumns *columns = palloc0(sizeof(PgsyncUpdateColumns));
	int			natts = Max(target->natts, 1);

	columns->target = target;
	columns->keys = keys;
	columns->may_update = palloc0(natts);
	columns->merges = palloc0(natts);
	set_merge_columns(columns,
					  pgsync_column_numbers(target,
											merge_names));
	if (update_all)
		update_all_columns(columns);
	else
		set_update_columns(columns,
						   pgsync_column_numbers(target,
												 update_names));
	return columns;
}

/* Returns "::domain" if a column's type is one, to be put behind a jsonb. */
static const char *
cast_to_domain(const PgsyncUpdateColumns *columns, AttrNumber attnum)
{
	Oid			type = TupleDescAttr(RelationGetDescr(columns->target->rel),
									 attnum - 1)->atttypid;

	if (type == JSONBOID)
		return "";
	return psprintf("::%s", format_type_extended(type, -1,
												 FORMAT_TYPE_FORCE_QUALIFY));
}

/*
 * Appends the expression that a column is set to, in which the target is t
 * and "source" stands for the value that the row brings.  It is of the
 * column's type.
 */
void
pgsync_append_new_value(StringInfo buf, const PgsyncUpdateColumns *columns,
						AttrNumber attnum, const char *source)
{
	if (!columns->merges[attnum - 1])
	{
		appendStringInfoString(buf, source);
		return;
	}
	appendStringInfo(buf,
					 "(COALESCE(t.%s, '{}'::pg_catalog.jsonb) OPERATOR(pg_catalog.||) "
					 "COALESCE(%s, '{}'::pg_catalog.jsonb))%s",
					 quote_identifier(columns->target->columns[attnum - 1].name),
					 source, cast_to_domain(columns, attnum));
}
