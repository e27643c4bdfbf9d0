/*-------------------------------------------------------------------------
 *
 * bind.c
 *	  Binding a caller's arguments to the $n of the caller's statement.
 *
 * The arguments are a function's VARIADIC "any" or VARIADIC text[].  Of the
 * first, one that has a type keeps it.  A bare literal has none, and neither
 * has an element of text[]: that is where the parser puts what drivers send
 * without a type, or as text for want of one.  It takes the type that the
 * statement gives its $n, as a parameter without a type does in the protocol
 * (see "Extended Query" in the manual's Message Flow): analyzing the
 * statement tells it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/bind.h"
#include "common/query.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "common/sqltext.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* The arguments: arrays of "count" */
typedef struct ArgumentList
{
	int			count;
	Datum	   *values;			/* a C string where the type is unknown */
	Oid		   *types;
	bool	   *nulls;
} ArgumentList;

/* Collects the elements of a text[] as values without a type. */
static void
collect_elements(ArrayType *array, ArgumentList *args)
{
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &args->values, &args->nulls, &args->count);
	args->types = palloc((args->count + 1) * sizeof(Oid));
	for (int i = 0; i < args->count; i++)
	{
		args->types[i] = UNKNOWNOID;
		if (!args->nulls[i])
			args->values[i] =
				CStringGetDatum(TextDatumGetCString(args->values[i]));
	}
}

/* Collects the arguments; VARIADIC NULL is none. */
static void
collect_arguments(FunctionCallInfo fcinfo, int first_arg, ArgumentList *args)
{
	memset(args, 0, sizeof(*args));
	if (PG_NARGS() <= first_arg)
		return;
	if (get_func_variadictype(fcinfo->flinfo->fn_oid) != TEXTOID)
		args->count = extract_variadic_args(fcinfo, first_arg, false,
											&args->values, &args->types,
											&args->nulls);
	else if (!PG_ARGISNULL(first_arg))
		collect_elements(PG_GETARG_ARRAYTYPE_P(first_arg), args);
	args->count = Max(args->count, 0);
}

/* Insists that there is an argument for every $n, and none over. */
static void
check_argument_count(int nargs, int nparams, const char *argname)
{
	if (nargs == nparams)
		return;
	if (nparams == 0)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("wrong number of arguments for \"%s\"", argname),
				 errdetail_plural("The text has no $1, but %d argument was given.",
								  "The text has no $1, but %d arguments were given.",
								  nargs, nargs)));
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("wrong number of arguments for \"%s\"", argname),
			 errdetail_plural("The text has parameters up to $%d, but %d argument was given.",
							  "The text has parameters up to $%d, but %d arguments were given.",
							  nargs, nparams, nargs)));
}

/* Names the $n, whose number *arg is, in the error that its value causes. */
static void
value_error_callback(void *arg)
{
	errcontext("value of $%d", *(int *) arg);
}

/* Converts the text that is the value of $number to the type. */
static Datum
convert_literal(char *literal, Oid type, int number)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = value_error_callback,
		.arg = &number
	};
	Oid			input;
	Oid			ioparam;
	Datum		value;

	error_context_stack = &callback;
	getTypeInputInfo(type, &input, &ioparam);
	value = OidInputFunctionCall(input, literal, ioparam, -1);
	error_context_stack = callback.previous;
	return value;
}

/*
 * Replaces the arguments of unknown type by values of the type that the
 * statement gives to their $n; text where it does not mention it at all.
 *
 * The analysis itself is of no further use: it would not fit the values,
 * which may have been converted since.
 */
static void
resolve_unknown_arguments(ArgumentList *args, RawStmt *statement,
						  const char *sql)
{
	Oid		   *types = palloc(args->count * sizeof(Oid));

	memcpy(types, args->types, args->count * sizeof(Oid));
	pgsync_query_infer_types(statement, sql, types, args->count);

	for (int i = 0; i < args->count; i++)
	{
		if (args->types[i] != UNKNOWNOID)
			continue;
		if (!OidIsValid(types[i]) || types[i] == UNKNOWNOID)
			types[i] = TEXTOID;
		if (!args->nulls[i])
			args->values[i] =
				convert_literal(DatumGetCString(args->values[i]), types[i],
								i + 1);
		args->types[i] = types[i];
	}
}

/* Returns whether any argument is without a type. */
static bool
has_unknown_argument(const ArgumentList *args)
{
	for (int i = 0; i < args->count; i++)
	{
		if (args->types[i] == UNKNOWNOID)
			return true;
	}
	return false;
}

/* Binds collected arguments; see below. */
static ParamListInfo
bind_list(ArgumentList *args, RawStmt *statement, const char *sql,
		  const char *argname)
{
	ParamListInfo params;

	check_argument_count(args->count, pgsync_highest_parameter(statement),
						 argname);
	if (args->count == 0)
		return NULL;
	if (has_unknown_argument(args))
		resolve_unknown_arguments(args, statement, sql);

	params = makeParamList(args->count);
	for (int i = 0; i < args->count; i++)
	{
		ParamExternData *param = &params->params[i];

		param->value = args->values[i];
		param->isnull = args->nulls[i];
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = args->types[i];
	}
	return params;
}

/*
 * Returns the parameters for a statement, its arguments being those of the
 * function call from "first_arg" on, or NULL if it has none.
 *
 * "sql" is what the statement was parsed from; the parse tree is used up.
 * "argname" is the function's argument that holds the text, for messages.
 * Too few or too many arguments are an error (42601, as for EXECUTE).
 */
ParamListInfo
pgsync_bind_arguments(FunctionCallInfo fcinfo, int first_arg,
					  RawStmt *statement, const char *sql,
					  const char *argname)
{
	ArgumentList args;

	collect_arguments(fcinfo, first_arg, &args);
	return bind_list(&args, statement, sql, argname);
}

/*
 * The same with the elements of a text[], NULL for none, as arguments without
 * a type.
 */
ParamListInfo
pgsync_bind_strings(ArrayType *array, RawStmt *statement, const char *sql,
					const char *argname)
{
	ArgumentList args = {0};

	if (array != NULL)
		collect_elements(array, &args);
	return bind_list(&args, statement, sql, argname);
}
