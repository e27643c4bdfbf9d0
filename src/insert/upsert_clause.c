/*-------------------------------------------------------------------------
 *
 * upsert_clause.c
 *	  ON CONFLICT DO UPDATE for rows that name differing columns.
 *
 *		INSERT INTO target AS t (...) SELECT ... FROM pgsync_rows
 *		ON CONFLICT (key) DO UPDATE SET
 *			a = CASE WHEN $2 THEN EXCLUDED.a ELSE t.a END,
 *			doc = CASE WHEN $3 THEN COALESCE(t.doc, '{}') ||
 *				COALESCE(EXCLUDED.doc, '{}') ELSE t.doc END
 *		WHERE $1
 *
 * The parameters say what the row at hand names, and change from row to row
 * while the statement runs: so one statement serves rows of differing keys,
 * and a row updates nothing that it does not name.  $1 is whether it names
 * anything to update at all.
 *
 * Each row gets a command of its own (CommandCounterIncrement), and therefore
 * may update what an earlier row of the same call has inserted or updated.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "common/args.h"
#include "insert/unique_key.h"
#include "insert/upsert_clause.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* Appends a quoted column name, behind a prefix. */
static void
append_column(StringInfo buf, PgsyncUpsert *upsert, const char *prefix,
			  AttrNumber attnum)
{
	appendStringInfo(buf, "%s%s", prefix,
					 quote_identifier(upsert->target->columns[attnum - 1].name));
}

/* Returns EXCLUDED's column, the value that the row brings. */
static char *
excluded_column(PgsyncUpsert *upsert, AttrNumber attnum)
{
	StringInfoData buf;

	initStringInfo(&buf);
	append_column(&buf, upsert, "EXCLUDED.", attnum);
	return buf.data;
}

/* Appends "CASE WHEN $n THEN ... ELSE t.a END" for a column. */
static void
append_value(StringInfo buf, PgsyncUpsert *upsert, AttrNumber attnum,
			 int param, const char *source)
{
	appendStringInfo(buf, "CASE WHEN $%d THEN ", param);
	pgsync_append_new_value(buf, upsert->columns, attnum, source);
	append_column(buf, upsert, " ELSE t.", attnum);
	appendStringInfoString(buf, " END");
}

/*
 * Appends " SET a = ..., b = ..." for the running statement's columns;
 * "source" returns where a row brings its value.
 */
void
pgsync_upsert_append_set(StringInfo buf, PgsyncUpsert *upsert,
						 char *(*source) (PgsyncUpsert *upsert,
										  AttrNumber attnum))
{
	int			param = 2;
	ListCell   *cell;

	foreach(cell, upsert->set_columns)
	{
		AttrNumber	attnum = lfirst_int(cell);

		append_column(buf, upsert, param == 2 ? " SET " : ", ", attnum);
		appendStringInfoString(buf, " = ");
		append_value(buf, upsert, attnum, param++, source(upsert, attnum));
	}
}

/*
 * Appends " AND ..." for the condition that a row changes: the images of its
 * values before and after differ (*<>, which is indifferent to how they are
 * stored).
 */
void
pgsync_upsert_append_changed(StringInfo buf, PgsyncUpsert *upsert,
							 char *(*source) (PgsyncUpsert *upsert,
											  AttrNumber attnum))
{
	StringInfoData before;
	StringInfoData after;
	int			param = 2;
	ListCell   *cell;

	initStringInfo(&before);
	initStringInfo(&after);
	foreach(cell, upsert->set_columns)
	{
		AttrNumber	attnum = lfirst_int(cell);

		append_column(&before, upsert, param == 2 ? "t." : ", t.", attnum);
		appendStringInfoString(&after, param == 2 ? "" : ", ");
		append_value(&after, upsert, attnum, param++, source(upsert, attnum));
	}
	/* the casts: between two rows, SQL would compare column by column */
	appendStringInfo(buf,
					 " AND ROW(%s)::pg_catalog.record OPERATOR(pg_catalog.*<>) "
					 "ROW(%s)::pg_catalog.record",
					 before.data, after.data);
}

/* Returns the columns that rows of a statement may update. */
static List *
columns_to_set(PgsyncUpsert *upsert, const bool *named)
{
	List	   *columns = NIL;

	for (int i = 0; i < upsert->target->natts; i++)
	{
		if (named[i] && upsert->columns->may_update[i])
			columns = lappend_int(columns, i + 1);
	}
	return columns;
}

/* Makes the parameters: one for WHERE, one a column. */
static ParamListInfo
make_params(int ncolumns)
{
	ParamListInfo params = makeParamList(1 + ncolumns);

	for (int i = 0; i < params->numParams; i++)
	{
		params->params[i].ptype = BOOLOID;
		params->params[i].value = BoolGetDatum(false);
		params->params[i].isnull = false;
		params->params[i].pflags = 0;
	}
	return params;
}

/* Makes a statement's ON CONFLICT clause; see PgsyncRowHook. */
static char *
upsert_begin_statement(PgsyncRowHook *base, const bool *named,
					   ParamListInfo *params)
{
	PgsyncUpsert *upsert = (PgsyncUpsert *) base;
	StringInfoData buf;
	ListCell   *cell;

	upsert->set_columns = columns_to_set(upsert, named);
	upsert->params = make_params(list_length(upsert->set_columns));
	*params = upsert->params;

	initStringInfo(&buf);
	foreach(cell, upsert->keys)
		append_column(&buf, upsert, buf.len > 0 ? ", " : "ON CONFLICT (",
					  lfirst_int(cell));
	if (upsert->set_columns == NIL)
	{
		appendStringInfoString(&buf, ") DO NOTHING");
		return buf.data;
	}
	appendStringInfoString(&buf, ") DO UPDATE");
	pgsync_upsert_append_set(&buf, upsert, excluded_column);
	appendStringInfoString(&buf, " WHERE $1");
	/* policies are checked after WHERE: it must not tell what they hide */
	if (upsert->skip_unchanged &&
		check_enable_rls(RelationGetRelid(upsert->target->rel), InvalidOid,
						 true) != RLS_ENABLED)
		pgsync_upsert_append_changed(&buf, upsert, excluded_column);
	return buf.data;
}

/* Sets the parameters for a row; see PgsyncRowHook. */
bool
pgsync_upsert_before_row(PgsyncRowHook *base, const PgsyncRow *row)
{
	PgsyncUpsert *upsert = (PgsyncUpsert *) base;
	ParamExternData *params = upsert->params->params;
	bool		any = false;
	int			param = 1;
	ListCell   *cell;

	pgsync_check_key(upsert->target, upsert->keys, row);
	foreach(cell, upsert->set_columns)
	{
		bool		named = row->named[lfirst_int(cell) - 1];

		params[param++].value = BoolGetDatum(named);
		any |= named;
	}
	params[0].value = BoolGetDatum(any);
	return any;
}

/*
 * Prepares the hook, with the arguments key_columns, update_columns and
 * merge_columns, which are the third and the following.
 */
void
pgsync_upsert_init(PgsyncUpsert *upsert, FunctionCallInfo fcinfo,
				   PgsyncTarget *target)
{
	upsert->base.begin_statement = upsert_begin_statement;
	upsert->base.before_row = pgsync_upsert_before_row;
	upsert->target = target;
	upsert->keys = pgsync_unique_key(target,
									 pgsync_arg_name_list(fcinfo, 2,
														  "key_columns"),
									 PGSYNC_FOR_UPSERT);
	upsert->updates_all = PG_ARGISNULL(3);
	upsert->columns =
		pgsync_update_columns_create(target, upsert->keys,
									 pgsync_arg_name_list(fcinfo, 3,
														  "update_columns"),
									 upsert->updates_all,
									 pgsync_arg_name_list(fcinfo, 4,
														  "merge_columns"));
}
