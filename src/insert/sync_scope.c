/*-------------------------------------------------------------------------
 *
 * sync_scope.c
 *	  The slice of a table that is to be made equal to the rows.
 *
 *		'{"tenant": 5, "source": null}'		t.tenant = 5 AND t.source IS NULL
 *
 * Rows that lack a column of the scope get its value; those with another
 * value are not of the slice, which is an error.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/hashfn.h"
#include "insert/sync_scope.h"
#include "insert/unique_key.h"
#include "utils/builtins.h"
#include "utils/rel.h"

/* Names the scope, and its column *arg, in an error's context. */
static void
scope_error_callback(void *arg)
{
	errcontext("argument \"scope\", column \"%s\"", (const char *) arg);
}

/* Takes one column of the scope, with its value. */
static void
take_column(PgsyncSyncScope *scope, const JsonbValue *key, JsonbValue *value)
{
	PgsyncTarget *target = scope->target;
	AttrNumber	attnum = pgsync_target_find(target, key->val.string.val,
											key->val.string.len);
	int			n = list_length(scope->columns);
	ErrorContextCallback callback;

	if (attnum == 0)
		pgsync_target_unknown_column(target, key->val.string.val,
									 key->val.string.len);
	callback.callback = scope_error_callback;
	callback.arg = unconstify(char *, target->columns[attnum - 1].name);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	if (value->type == jbvNull)
		scope->nulls[n] = true;
	else
		scope->values[n] =
			pgsync_convert_jsonb(pgsync_target_converter(target, attnum),
								 value, &scope->nulls[n]);
	error_context_stack = callback.previous;
	scope->columns = lappend_int(scope->columns, attnum);
}

/* Takes the columns of the scope's object. */
static void
take_columns(PgsyncSyncScope *scope, Jsonb *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbValue	key;
	JsonbValue	value;

	JsonbIteratorNext(&iterator, &key, true);	/* WJB_BEGIN_OBJECT */
	while (JsonbIteratorNext(&iterator, &key, true) == WJB_KEY)
	{
		JsonbIteratorNext(&iterator, &value, true);
		take_column(scope, &key, &value);
	}
}

/* Returns the type of one of the scope's columns. */
static Oid
column_type(PgsyncSyncScope *scope, AttrNumber attnum)
{
	return TupleDescAttr(RelationGetDescr(scope->target->rel),
						 attnum - 1)->atttypid;
}

/* Makes the parameters: one for each column, whether null or not. */
static ParamListInfo
make_params(PgsyncSyncScope *scope)
{
	ParamListInfo params = makeParamList(list_length(scope->columns));

	for (int i = 0; i < params->numParams; i++)
	{
		ParamExternData *param = &params->params[i];

		param->value = scope->values[i];
		param->isnull = scope->nulls[i];
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = column_type(scope, list_nth_int(scope->columns, i));
	}
	return params;
}

/* Returns the condition that the slice's rows fulfil. */
static char *
make_condition(PgsyncSyncScope *scope)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	foreach(cell, scope->columns)
	{
		AttrNumber	attnum = lfirst_int(cell);
		int			n = foreach_current_index(cell);
		Oid			type = column_type(scope, attnum);
		char	   *column = psprintf("t.%s",
									  quote_identifier(scope->target->columns[attnum - 1].name));

		if (n > 0)
			appendStringInfoString(&buf, " AND ");
		if (scope->nulls[n])
			appendStringInfo(&buf, "%s IS NULL", column);
		else
			generate_operator_clause(&buf, column, type,
									 pgsync_key_operators(scope->target,
														  attnum)->eq_opr,
									 psprintf("$%d", n + 1), type);
	}
	return buf.data;
}

/*
 * Returns a hash of the columns and their values, however these were written:
 * values that are equal have one.  A type that cannot be hashed adds nothing.
 */
static uint32
hash_scope(PgsyncSyncScope *scope)
{
	uint32		hash = 0;
	ListCell   *cell;

	foreach(cell, scope->columns)
	{
		AttrNumber	attnum = lfirst_int(cell);
		int			n = foreach_current_index(cell);
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(scope->target->rel),
											   attnum - 1);
		TypeCacheEntry *type = lookup_type_cache(attr->atttypid,
												 TYPECACHE_HASH_PROC_FINFO);
		uint32		value = 0;

		if (!scope->nulls[n] && OidIsValid(type->hash_proc))
			value = DatumGetUInt32(FunctionCall1Coll(&type->hash_proc_finfo,
													 attr->attcollation,
													 scope->values[n]));
		hash = hash_combine(hash, hash_combine((uint32) attnum, value));
	}
	return hash;
}

/*
 * Creates a scope; NULL for all rows.
 *
 * Errors: 22023 if it is no object, 42703 for what is no column, 42883 for a
 * column whose type has no order, and those of converting its value.
 */
PgsyncSyncScope *
pgsync_sync_scope_create(PgsyncTarget *target, Jsonb *object)
{
	PgsyncSyncScope *scope = palloc0(sizeof(PgsyncSyncScope));
	int			n;

	scope->target = target;
	if (object == NULL)
		return scope;
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"scope\" must be a JSON object"),
				 errhint("For example, {\"tenant\": 5}.")));
	n = JB_ROOT_COUNT(object);
	if (n == 0)
		return scope;
	scope->values = palloc0(sizeof(Datum) * n);
	scope->nulls = palloc0(sizeof(bool) * n);
	take_columns(scope, object);
	scope->params = make_params(scope);
	scope->condition = make_condition(scope);
	scope->hash = hash_scope(scope);
	return scope;
}

/* Returns whether a row's value is that of the scope's n-th column. */
static bool
value_fits(PgsyncSyncScope *scope, int n, AttrNumber attnum,
		   const PgsyncRow *row)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(scope->target->rel),
										   attnum - 1);

	if (scope->nulls[n] || row->nulls[attnum - 1])
		return scope->nulls[n] && row->nulls[attnum - 1];
	return DatumGetInt32(FunctionCall2Coll(&pgsync_key_operators(scope->target,
																 attnum)->cmp_proc_finfo,
										   attr->attcollation,
										   row->values[attnum - 1],
										   scope->values[n])) == 0;
}

/*
 * Gives a row the columns of the scope that it lacks; *arg is the scope.
 *
 * Errors: 22023 for a row with another value.
 */
void
pgsync_sync_scope_complete_row(void *arg, PgsyncRow *row)
{
	PgsyncSyncScope *scope = arg;
	ListCell   *cell;

	foreach(cell, scope->columns)
	{
		AttrNumber	attnum = lfirst_int(cell);
		int			n = foreach_current_index(cell);

		if (!row->named[attnum - 1])
		{
			row->named[attnum - 1] = true;
			row->values[attnum - 1] = scope->values[n];
			row->nulls[attnum - 1] = scope->nulls[n];
		}
		else if (!value_fits(scope, n, attnum, row))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("column \"%s\" has a value outside the scope",
							scope->target->columns[attnum - 1].name),
					 errhint("All rows must be of the slice that \"scope\" describes.")));
	}
}
