/*-------------------------------------------------------------------------
 *
 * query.h
 *	  From a statement's text to its plan, with errors that point into it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_QUERY_H
#define PGSYNC_QUERY_H

#include "nodes/params.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/queryenvironment.h"

/*
 * Has errors point into a statement that the client did not send, from
 * pgsync_query_begin to pgsync_query_end.
 */
typedef struct PgsyncQueryContext
{
	ErrorContextCallback callback;
	const char *sql;
	const char *argname;		/* the argument that it is, or NULL */
} PgsyncQueryContext;

extern void pgsync_query_begin(PgsyncQueryContext *context, const char *sql,
							   const char *argname);
extern void pgsync_query_end(PgsyncQueryContext *context);

extern List *pgsync_query_parse(const char *sql, RawParseMode mode,
								const char *argname);
extern Query *pgsync_query_analyze(const char *sql, ParamListInfo params,
								   QueryEnvironment *env);
extern List *pgsync_query_rewrite(Query *query, const char *sql);
extern PlannedStmt *pgsync_query_plan(Query *query, const char *sql,
									  int options, ParamListInfo params);
extern void pgsync_query_infer_types(RawStmt *statement, const char *sql,
									 Oid *types, int ntypes);

#endif							/* PGSYNC_QUERY_H */
