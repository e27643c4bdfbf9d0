/*-------------------------------------------------------------------------
 *
 * transform.c
 *	  Expressions of the caller's that make a column's value from the input.
 *
 * Each is analyzed as the only column of
 *
 *		SELECT expression FROM pgsync_row
 *
 * pgsync_row having the columns v text and r jsonb, and is coerced to its
 * column's type as INSERT would.  Evaluating it, row by row, is
 * source_transform.c's business.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "common/query.h"
#include "common/sqltext.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "source/transform.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* What expressions select from */
#define ROW_NAME	"pgsync_row"

/* Names the column that an expression is for; "arg" is its name. */
static void
transform_error_callback(void *arg)
{
	errcontext("transform of column \"%s\"", (char *) arg);
}

/*
 * Returns what a transforms option lists, as yet unplanned.  The option has
 * been checked, and must outlive them.
 *
 * Errors: 42703 for a name that is no column.
 */
List *
pgsync_transform_columns(PgsyncTarget *target, Jsonb *transforms)
{
	JsonbIterator *iterator = JsonbIteratorInit(&transforms->root);
	JsonbValue	name;
	JsonbValue	sql;
	List	   *list = NIL;

	JsonbIteratorNext(&iterator, &name, true);	/* WJB_BEGIN_OBJECT */
	while (JsonbIteratorNext(&iterator, &name, true) == WJB_KEY)
	{
		PgsyncTransform *transform = palloc0(sizeof(PgsyncTransform));

		JsonbIteratorNext(&iterator, &sql, true);
		transform->attnum = pgsync_target_find(target, name.val.string.val,
											   name.val.string.len);
		if (transform->attnum == 0)
			pgsync_target_unknown_column(target, name.val.string.val,
										 name.val.string.len);
		transform->sql = pnstrdup(sql.val.string.val, sql.val.string.len);
		list = lappend(list, transform);
	}
	return list;
}

/* Returns an environment that has pgsync_row in it, as yet empty. */
QueryEnvironment *
pgsync_transform_environment(void)
{
	EphemeralNamedRelation row = palloc0(sizeof(EphemeralNamedRelationData));
	QueryEnvironment *env = create_queryEnv();
	TupleDesc	desc = CreateTemplateTupleDesc(2);

	TupleDescInitEntry(desc, PGSYNC_TRANSFORM_V, "v", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, PGSYNC_TRANSFORM_R, "r", JSONBOID, -1, 0);
	row->md.name = ROW_NAME;
	row->md.reliddesc = InvalidOid;
	row->md.tupdesc = desc;
	row->md.enrtype = ENR_NAMED_TUPLESTORE;
	row->reldata = tuplestore_begin_heap(false, false, work_mem);
	register_ENR(env, row);
	return env;
}

/* Refuses what has not one value a row. */
static void
check_kind(ParseState *pstate)
{
	if (pstate->p_hasAggs)
		ereport(ERROR,
				(errcode(ERRCODE_GROUPING_ERROR),
				 errmsg("aggregate functions are not allowed in transforms")));
	if (pstate->p_hasWindowFuncs)
		ereport(ERROR,
				(errcode(ERRCODE_WINDOWING_ERROR),
				 errmsg("window functions are not allowed in transforms")));
	if (pstate->p_hasTargetSRFs)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("set-returning functions are not allowed in transforms")));
}

/* Coerces an expression to a column's type, as INSERT does. */
static Node *
coerce_to_column(ParseState *pstate, Node *expr, Form_pg_attribute attr)
{
	Oid			type = exprType(expr);
	Node	   *coerced = coerce_to_target_type(pstate, expr, type,
												attr->atttypid, attr->atttypmod,
												COERCION_ASSIGNMENT,
												COERCE_IMPLICIT_CAST, -1);

	if (coerced == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s but expression is of type %s",
						NameStr(attr->attname), format_type_be(attr->atttypid),
						format_type_be(type)),
				 errhint("You will need to rewrite or cast the expression.")));
	return coerced;
}

/* Analyzes the expression into a query that selects it from pgsync_row. */
static Query *
analyze_transform(PgsyncTransform *transform, Form_pg_attribute attr,
				  QueryEnvironment *env)
{
	ParseState *pstate = make_parsestate(NULL);
	Query	   *query = makeNode(Query);
	ParseNamespaceItem *row;
	Node	   *expr;

	pstate->p_sourcetext = transform->sql;
	pstate->p_queryEnv = env;
	row = addRangeTableEntryForENR(pstate, makeRangeVar(NULL, ROW_NAME, -1),
								   true);
	addNSItemToQuery(pstate, row, true, true, true);
	expr = transformExpr(pstate,
						 pgsync_parse_expression(transform->sql, "transforms"),
						 EXPR_KIND_SELECT_TARGET);
	check_kind(pstate);
	expr = coerce_to_column(pstate, expr, attr);

	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = pstate->p_rtable;
	pgsync_set_query_permissions(query, pstate);
	query->jointree = makeFromExpr(pstate->p_joinlist, NULL);
	query->targetList = list_make1(makeTargetEntry((Expr *) expr, 1,
												   pstrdup(NameStr(attr->attname)),
												   false));
	query->hasSubLinks = pstate->p_hasSubLinks;
	assign_query_collations(pstate, query);
	/* planning uses the query up */
	transform->expression = copyObject((Node *) linitial_node(TargetEntry, query->targetList)->expr);
	free_parsestate(pstate);
	return query;
}

/* Returns whether a query, or one in it, mentions r of pgsync_row. */
static bool
mentions_row(Query *query)
{
	List	   *vars = pull_vars_of_level((Node *) query->targetList, 0);
	ListCell   *cell;

	foreach(cell, vars)
	{
		Var		   *var = lfirst_node(Var, cell);

		if (var->varattno == PGSYNC_TRANSFORM_R || var->varattno == 0)
			return true;
	}
	return false;
}

/*
 * Analyzes and plans an expression.
 *
 * Errors: those of the expression; 42803, 42P20, 0A000 for one that has not
 * one value a row; 42804 for one whose type the column does not take.
 */
void
pgsync_transform_plan(PgsyncTransform *transform, PgsyncTarget *target,
					  QueryEnvironment *env)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(target->rel),
										   transform->attnum - 1);
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = transform_error_callback,
		.arg = NameStr(attr->attname)
	};
	PgsyncQueryContext context;
	Query	   *query;

	error_context_stack = &callback;
	pgsync_query_begin(&context, transform->sql, NULL);
	query = analyze_transform(transform, attr, env);
	pgsync_query_end(&context);
	transform->uses_row = mentions_row(query);
	query = linitial_node(Query, pgsync_query_rewrite(query, transform->sql));
	transform->plan = pgsync_query_plan(query, transform->sql, 0, NULL);
	error_context_stack = callback.previous;
	/* no other plan reads pgsync_row just once, and nothing else */
	if (!IsA(transform->plan->planTree, NamedTuplestoreScan))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the transform of column \"%s\" cannot be evaluated row by row",
						NameStr(attr->attname))));
}
