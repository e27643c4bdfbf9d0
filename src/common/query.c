/*-------------------------------------------------------------------------
 *
 * query.c
 *	  From a statement's text to its plan, with errors that point into it.
 *
 *		text -> parse -> RawStmt -> analyze, rewrite -> Query -> plan
 *
 * For statements that are not the client's own: an argument's text, or one
 * that pgsync has made.  Running them is SPI's business (spi_util.c) or the
 * caller's.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/query.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"

/*
 * Turns the cursor position of an error into one in our statement, and names
 * the argument that it came in.
 */
static void
query_error_callback(void *arg)
{
	PgsyncQueryContext *context = arg;
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery(context->sql);
	}
	if (context->argname != NULL)
		errcontext("argument \"%s\"", context->argname);
}

/* Has errors point into a statement from here on. */
void
pgsync_query_begin(PgsyncQueryContext *context, const char *sql,
				   const char *argname)
{
	context->sql = sql;
	context->argname = argname;
	context->callback.callback = query_error_callback;
	context->callback.arg = context;
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

/* Ends what pgsync_query_begin began. */
void
pgsync_query_end(PgsyncQueryContext *context)
{
	error_context_stack = context->callback.previous;
}

/* Runs the raw parser; its errors name the argument, if it is one. */
List *
pgsync_query_parse(const char *sql, RawParseMode mode, const char *argname)
{
	PgsyncQueryContext context;
	List	   *statements;

	pgsync_query_begin(&context, sql, argname);
	statements = raw_parser(sql, mode);
	pgsync_query_end(&context);
	return statements;
}

/* Parses and analyzes one statement of ours. */
Query *
pgsync_query_analyze(const char *sql, ParamListInfo params,
					 QueryEnvironment *env)
{
	PgsyncQueryContext context;
	RawStmt    *statement;
	Query	   *query;

	statement = linitial_node(RawStmt,
							  pgsync_query_parse(sql, RAW_PARSE_DEFAULT, NULL));
	pgsync_query_begin(&context, sql, NULL);
	if (params == NULL)
		query = parse_analyze_fixedparams(statement, sql, NULL, 0, env);
	else
		query = parse_analyze_withcb(statement, sql, params->parserSetup,
									 params->parserSetupArg, env);
	pgsync_query_end(&context);
	return query;
}

/* Rewrites a query, which is used up, to the queries that rules make of it. */
List *
pgsync_query_rewrite(Query *query, const char *sql)
{
	PgsyncQueryContext context;
	List	   *queries;

	pgsync_query_begin(&context, sql, NULL);
	queries = pg_rewrite_query(query);
	pgsync_query_end(&context);
	return queries;
}

/* Plans a rewritten query, which is used up. */
PlannedStmt *
pgsync_query_plan(Query *query, const char *sql, int options,
				  ParamListInfo params)
{
	PgsyncQueryContext context;
	PlannedStmt *plan;

	pgsync_query_begin(&context, sql, NULL);
	plan = pg_plan_query(query, sql, options, params);
	pgsync_query_end(&context);
	return plan;
}

/*
 * Replaces the unknown ones among the types of $n by those that a statement
 * gives to them, or leaves them.  The parse tree is used up, and the analysis
 * ends here.
 */
void
pgsync_query_infer_types(RawStmt *statement, const char *sql, Oid *types,
						 int ntypes)
{
	PgsyncQueryContext context;

	pgsync_query_begin(&context, sql, NULL);
	(void) parse_analyze_varparams(statement, sql, &types, &ntypes, NULL);
	pgsync_query_end(&context);
}
