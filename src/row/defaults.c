/*-------------------------------------------------------------------------
 *
 * defaults.c
 *	  The values of columns that a row does not name.
 *
 * As the planner's expand_insert_targetlist has it: the column's default or
 * identity, else its type's default, else NULL, which a domain may refuse.
 * An expression is prepared when it is first needed and evaluated anew for
 * every row that needs it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "row/defaults.h"
#include "executor/executor.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef enum DefaultKind
{
	DEFAULT_UNKNOWN,			/* not looked up yet */
	DEFAULT_NULL,
	DEFAULT_DOMAIN_NULL,		/* a null that the domain must allow */
	DEFAULT_EXPRESSION,
} DefaultKind;

typedef struct ColumnDefault
{
	DefaultKind kind;
	ExprState  *state;
	int16		typlen;
} ColumnDefault;

struct PgsyncDefaults
{
	PgsyncTarget *target;
	ExprContext *econtext;
	ColumnDefault *columns;		/* by attribute number - 1 */
};

/* Creates it, with nothing looked up yet. */
PgsyncDefaults *
pgsync_defaults_create(PgsyncTarget *target)
{
	PgsyncDefaults *defaults = palloc0(sizeof(PgsyncDefaults));

	defaults->target = target;
	defaults->columns = palloc0(sizeof(ColumnDefault) * Max(target->natts, 1));
	return defaults;
}

/* Finds out what a column's default is. */
static void
prepare_default(PgsyncDefaults *defaults, AttrNumber attnum)
{
	PgsyncTarget *target = defaults->target;
	ColumnDefault *column = &defaults->columns[attnum - 1];
	MemoryContext oldcontext = MemoryContextSwitchTo(target->mcxt);
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(target->rel),
										   attnum - 1);
	Node	   *expr = NULL;

	if (!attr->attisdropped && !attr->attgenerated)
		expr = build_column_default(target->rel, attnum);
	column->typlen = attr->attlen;
	if (expr != NULL)
	{
		if (defaults->econtext == NULL)
			defaults->econtext = CreateStandaloneExprContext();
		column->state = ExecInitExpr(expression_planner((Expr *) expr), NULL);
		column->kind = DEFAULT_EXPRESSION;
	}
	else if (!attr->attisdropped && !attr->attgenerated &&
			 pgsync_converter_is_domain(pgsync_target_converter(target, attnum)))
		column->kind = DEFAULT_DOMAIN_NULL;
	else
		column->kind = DEFAULT_NULL;
	MemoryContextSwitchTo(oldcontext);
}

/* Evaluates the default of one column, in the current memory context. */
Datum
pgsync_default_value(PgsyncDefaults *defaults, AttrNumber attnum, bool *isnull)
{
	ColumnDefault *column = &defaults->columns[attnum - 1];
	Datum		value;

	if (column->kind == DEFAULT_UNKNOWN)
		prepare_default(defaults, attnum);
	switch (column->kind)
	{
		case DEFAULT_EXPRESSION:
			value = ExecEvalExpr(column->state, defaults->econtext, isnull);
			/* nothing that reads the row before it is stored may change it */
			return MakeExpandedObjectReadOnly(value, *isnull, column->typlen);
		case DEFAULT_DOMAIN_NULL:
			return pgsync_convert_null(pgsync_target_converter(defaults->target,
															   attnum),
									   isnull);
		default:
			*isnull = true;
			return (Datum) 0;
	}
}
