/*-------------------------------------------------------------------------
 *
 * sqltext.c
 *	  Checks of SQL text that a caller passes as an argument.
 *
 * The server's own raw parser says what the text is.  The checks see grammar
 * alone: whether tables exist and types fit is found out when the statement
 * is analyzed.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "nodes/nodeFuncs.h"
#include "common/query.h"
#include "parser/scansup.h"
#include "common/sqltext.h"
#include "tcop/utility.h"

/*
 * Parses an argument that must be one SQL statement.  No statement or more
 * than one is a syntax error (42601), as in a prepared statement.
 */
RawStmt *
pgsync_parse_statement(const char *sql, const char *argname)
{
	List	   *statements = pgsync_query_parse(sql, RAW_PARSE_DEFAULT, argname);

	if (statements == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must be one SQL statement, not an empty text",
						argname)));
	if (list_length(statements) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must be one SQL statement, not %d",
						argname, list_length(statements)),
				 errhint("Run each statement in a call of its own.")));
	return linitial_node(RawStmt, statements);
}

/*
 * Returns whether the grammar allows the statement to return rows.  Some that
 * it allows do not in fact: SELECT INTO, MERGE, CALL and EXECUTE are left to
 * SPI, which knows once the statement is analyzed.
 */
static bool
may_return_rows(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
		case T_MergeStmt:
		case T_ExplainStmt:
		case T_VariableShowStmt:
		case T_ExecuteStmt:
		case T_CallStmt:
			return true;
		case T_FetchStmt:
			return !castNode(FetchStmt, statement)->ismove;
		case T_InsertStmt:
			return pgsync_has_returning(castNode(InsertStmt, statement));
		case T_UpdateStmt:
			return pgsync_has_returning(castNode(UpdateStmt, statement));
		case T_DeleteStmt:
			return pgsync_has_returning(castNode(DeleteStmt, statement));
		default:
			return false;
	}
}

/* Refuses a statement that returns no rows (42601), before it runs. */
void
pgsync_require_rows(RawStmt *statement, const char *argname)
{
	if (!may_return_rows(statement->stmt))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must be a statement that returns rows, but %s does not",
						argname,
						CreateCommandName(statement->stmt)),
				 errhint("Use SELECT, VALUES, TABLE, WITH, SHOW, EXPLAIN, or INSERT, UPDATE or DELETE with RETURNING.")));
}

/*
 * Returns whether the statement, parsed as an expression of PL/pgSQL, has one
 * value without a name and no further clause: that grammar accepts whatever
 * may follow the word SELECT.
 */
static bool
is_bare_expression(SelectStmt *select)
{
	ResTarget  *target;

	if (list_length(select->targetList) != 1)
		return false;
	target = linitial_node(ResTarget, select->targetList);
	return target->name == NULL && target->indirection == NIL &&
		select->distinctClause == NIL && select->intoClause == NULL &&
		select->fromClause == NIL && select->whereClause == NULL &&
		select->groupClause == NIL && select->havingClause == NULL &&
		select->windowClause == NIL && select->sortClause == NIL &&
		select->limitOffset == NULL && select->limitCount == NULL &&
		select->lockingClause == NIL && select->withClause == NULL;
}

/* Returns the text without the white space at its end. */
static char *
trim_end(const char *sql)
{
	int			length = strlen(sql);

	while (length > 0 && scanner_isspace(sql[length - 1]))
		length--;
	return pnstrdup(sql, length);
}

/*
 * Refuses an argument that is not exactly one SQL expression (42601), so
 * that it may be put between parentheses in a statement.
 *
 * It is parsed twice.  Bare, it must be an expression that is complete in
 * itself: "true) OR (true" is not.  Between parentheses it must be one too,
 * which a comment at its end, that hides the parenthesis, is not.  The other
 * kind of comment would do no harm, but is refused alike; nothing else that
 * the parser accepts ends in its last two characters.
 */
void
pgsync_check_expression(const char *sql, const char *argname)
{
	List	   *statements = pgsync_query_parse(sql, RAW_PARSE_PLPGSQL_EXPR, argname);
	RawStmt    *statement = linitial_node(RawStmt, statements);
	char	   *trimmed = trim_end(sql);
	int			length = strlen(trimmed);

	if (!is_bare_expression(castNode(SelectStmt, statement->stmt)))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must be one SQL expression: \"%s\"",
						argname, sql),
				 strcmp(argname, "condition") == 0 ?
				 errhint("Give a condition as it would stand after WHERE, without further clauses.") :
				 errhint("Give an expression as it would stand in a SELECT's list, without further clauses.")));
	if (length > 2 && strcmp(trimmed + length - 2, "*/") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"%s\" must not end in a comment: \"%s\"",
						argname, sql)));
	pgsync_query_parse(psprintf("(%s)", trimmed), RAW_PARSE_PLPGSQL_EXPR, argname);
}

/* Returns the parsed expression of a text that has been checked as above. */
Node *
pgsync_parse_expression(const char *sql, const char *argname)
{
	List	   *statements = pgsync_query_parse(sql, RAW_PARSE_PLPGSQL_EXPR,
												argname);
	SelectStmt *select = castNode(SelectStmt,
								  linitial_node(RawStmt, statements)->stmt);

	return linitial_node(ResTarget, select->targetList)->val;
}

/* Gives an error the hint for a clause without its first words. */
static void
bare_action_callback(void *arg)
{
	errhint("The clause begins with ON CONFLICT, as in ON CONFLICT DO NOTHING.");
}

/*
 * Parses a statement that ends in this clause.  A clause of just the action,
 * DO NOTHING or DO UPDATE, is a syntax error with a hint.
 */
static List *
parse_with_clause(const char *query, const char *on_conflict)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = bare_action_callback,
	};
	List	   *raw;

	if (pg_strncasecmp(on_conflict, "do ", 3) == 0)
		error_context_stack = &callback;
	raw = pgsync_query_parse(query, RAW_PARSE_DEFAULT, "on_conflict");
	error_context_stack = callback.previous;
	return raw;
}

/*
 * Returns the ON CONFLICT clause that a text is, and nothing else: it must
 * complete "INSERT INTO t DEFAULT VALUES", which no other clause can do but
 * RETURNING (see insert_rest in core's gram.y).
 *
 * Errors: 42601.
 */
static OnConflictClause *
parse_on_conflict(const char *on_conflict)
{
	char	   *query = psprintf("INSERT INTO t DEFAULT VALUES\n%s\n",
								 on_conflict);
	List	   *raw = parse_with_clause(query, on_conflict);
	InsertStmt *insert = NULL;

	if (list_length(raw) == 1 && linitial_node(RawStmt, raw)->stmt_len == 0)
		insert = (InsertStmt *) linitial_node(RawStmt, raw)->stmt;
	if (insert == NULL || !IsA(insert, InsertStmt) ||
		insert->onConflictClause == NULL ||
		pgsync_has_returning(insert))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"on_conflict\" must be one ON CONFLICT clause"),
				 errhint("For example, ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name.")));
	return insert->onConflictClause;
}

/* Insists that a text is one ON CONFLICT clause (else 42601). */
void
pgsync_check_on_conflict(const char *on_conflict)
{
	parse_on_conflict(on_conflict);
}

/* Returns whether a clause that has been checked is one of DO NOTHING. */
bool
pgsync_does_nothing(const char *on_conflict)
{
	return parse_on_conflict(on_conflict)->action == ONCONFLICT_NOTHING;
}

/*
 * Returns the columns that a clause ON CONFLICT [(columns)] DO NOTHING names,
 * NIL if it names none.
 *
 * Errors: 42601 for any other clause.
 */
List *
pgsync_do_nothing_columns(const char *on_conflict)
{
	OnConflictClause *clause = parse_on_conflict(on_conflict);
	InferClause *infer = clause->infer;
	List	   *columns = NIL;
	bool		is_plain = clause->action == ONCONFLICT_NOTHING &&
	(infer == NULL || (infer->conname == NULL && infer->whereClause == NULL));
	ListCell   *cell;

	if (is_plain && infer != NULL)
	{
		foreach(cell, infer->indexElems)
		{
			IndexElem  *element = lfirst_node(IndexElem, cell);

			is_plain &= element->name != NULL;
			columns = lappend(columns, element->name);
		}
	}
	if (!is_plain)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"on_conflict\" must be ON CONFLICT DO NOTHING, or ON CONFLICT (columns) DO NOTHING"),
				 errhint("To update rows that are there, use upsert_many, a table at a time.")));
	return columns;
}

/* Keeps the highest number of a $n in *context, an int. */
static bool
parameter_walker(Node *node, void *context)
{
	int		   *highest = context;

	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
	{
		*highest = Max(*highest, ((ParamRef *) node)->number);
		return false;
	}
	return raw_expression_tree_walker(node, parameter_walker, context);
}

/*
 * Returns the highest n of a $n in the statement, 0 if there is none.
 *
 * The server's tree walker knows the statements that are planned; of the
 * others, those that can have parameters wrap one of these, or a list.
 */
int
pgsync_highest_parameter(RawStmt *statement)
{
	Node	   *node = statement->stmt;
	int			highest = 0;

	if (IsA(node, ExplainStmt))
		node = castNode(ExplainStmt, node)->query;
	if (IsA(node, CreateTableAsStmt))
		node = castNode(CreateTableAsStmt, node)->query;
	else if (IsA(node, DeclareCursorStmt))
		node = castNode(DeclareCursorStmt, node)->query;
	else if (IsA(node, CallStmt))
		node = (Node *) castNode(CallStmt, node)->funccall;

	switch (nodeTag(node))
	{
		case T_SelectStmt:
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_FuncCall:
			parameter_walker(node, &highest);
			break;
		case T_ExecuteStmt:
			parameter_walker((Node *) castNode(ExecuteStmt, node)->params,
							 &highest);
			break;
		default:
			break;
	}
	return highest;
}
