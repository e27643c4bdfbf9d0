/*-------------------------------------------------------------------------
 *
 * args.c
 *	  Checks of function arguments, and the hints that go with them.
 *
 * What an argument means is its function's business; this file only turns
 * Datums into C values, refuses NULLs by the argument's name, and finds the
 * name that a mistyped one probably meant.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "common/args.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/varlena.h"

/* How far a name may be from the one meant (core's parse_relation.c uses 3) */
#define MAX_NAME_DISTANCE	3

/* Reports an argument that is NULL but must not be (SQLSTATE 22004). */
void
pgsync_null_argument_error(FunctionCallInfo fcinfo, const char *argname)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("argument \"%s\" of function %s must not be null",
					argname, get_func_name(fcinfo->flinfo->fn_oid))));
}

/*
 * Reports that the argument "data", rows as JSON or from a source of rows, is
 * NULL (22004).
 */
void
pgsync_null_rows_error(FunctionCallInfo fcinfo, int argno)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, argno);
	bool		is_json = type == JSONBOID || type == JSONOID || type == TEXTOID;

	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("argument \"%s\" of function %s must not be null",
					"data", get_func_name(fcinfo->flinfo->fn_oid)),
			 is_json ?
			 errhint("An aggregate over no rows is null: use coalesce(..., '[]') for no rows.") : 0));
}

/*
 * Returns a text or name-like text argument as a C string, NULL for NULL.  So
 * is one that the SQL function lacks: an earlier version's install script may
 * still be in use (ALTER EXTENSION UPDATE comes after the new library).
 */
char *
pgsync_arg_cstring_or_null(FunctionCallInfo fcinfo, int argno)
{
	if (argno >= PG_NARGS() || PG_ARGISNULL(argno))
		return NULL;
	return text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

/* Returns a boolean option; a NULL option means its default. */
bool
pgsync_arg_bool(FunctionCallInfo fcinfo, int argno, bool default_value)
{
	return PG_ARGISNULL(argno) ? default_value : PG_GETARG_BOOL(argno);
}

/*
 * Returns a text[] argument as a List of C strings, NIL for NULL or '{}'.
 *
 * A null or empty element is an error that names the argument, and so is an
 * array of more than one dimension.
 */
List *
pgsync_arg_name_list(FunctionCallInfo fcinfo, int argno, const char *argname)
{
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;
	List	   *names = NIL;

	if (PG_ARGISNULL(argno))
		return NIL;
	array = PG_GETARG_ARRAYTYPE_P(argno);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be a one-dimensional array",
						argname)));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain nulls",
							argname)));
		names = lappend(names, TextDatumGetCString(elements[i]));
		if (*(char *) llast(names) == '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("argument \"%s\" must not contain empty names",
							argname)));
	}
	return names;
}

/*
 * Insists that an array of an argument is one-dimensional and without nulls
 * (2202E, 22004).
 */
void
pgsync_check_strings(ArrayType *array, const char *argname)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("argument \"%s\" must be a one-dimensional array",
						argname)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not contain nulls", argname)));
}

/* Returns the elements of an array of text, none of them null, as C strings. */
List *
pgsync_strings(ArrayType *array)
{
	Datum	   *elements;
	int			nelements;
	List	   *strings = NIL;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &nelements);
	for (int i = 0; i < nelements; i++)
		strings = lappend(strings, TextDatumGetCString(elements[i]));
	return strings;
}

/* Starts a search for the name that "source" probably meant. */
void
pgsync_closest_init(PgsyncClosestName *closest, const char *source)
{
	closest->source = source;
	closest->match = NULL;
	closest->distance = -1;
	closest->ncompared = 0;
}

/*
 * Offers one more candidate, which must outlive the search.
 *
 * The rule is core's for mistyped columns (parse_relation.c): at most three
 * edits, and never more than half of the name; of equals the first wins.
 */
void
pgsync_closest_feed(PgsyncClosestName *closest, const char *candidate)
{
	int			source_len = strlen(closest->source);
	int			candidate_len = strlen(candidate);
	int			limit;
	int			distance;

	/*
	 * So long a key was not meant to be a name, and would cost to compare;
	 * nor is a table's worth of names left to search.
	 */
	if (source_len >= 2 * NAMEDATALEN || candidate_len >= 2 * NAMEDATALEN ||
		closest->ncompared++ >= MaxHeapAttributeNumber)
		return;

	limit = Min(MAX_NAME_DISTANCE, pg_mbstrlen(closest->source) / 2);
	if (closest->match != NULL)
		limit = closest->distance - 1;

	if (limit < 0)
		return;
	distance = varstr_levenshtein_less_equal(closest->source, source_len,
											 candidate, candidate_len,
											 1, 1, 1, limit, true);
	if (distance <= limit)
	{
		closest->match = candidate;
		closest->distance = distance;
	}
}

/* Returns the first letter or digit of a name, or its end. */
static const char *
next_letter(const char *name)
{
	while (*name != '\0' && !IS_HIGHBIT_SET(*name) &&
		   !isalnum((unsigned char) *name))
		name++;
	return name;
}

/*
 * Returns whether two names are spelled with the same letters and digits, of
 * which there are some: "userId" is user_id, "E-Mail" is email.
 */
static bool
same_letters(const char *name1, const char *name2)
{
	bool		any = false;

	for (;;)
	{
		name1 = next_letter(name1);
		name2 = next_letter(name2);
		if (*name1 == '\0' || *name2 == '\0')
			return any && *name1 == *name2;
		if (pg_ascii_tolower((unsigned char) *name1) !=
			pg_ascii_tolower((unsigned char) *name2))
			return false;
		any = true;
		name1++;
		name2++;
	}
}

/*
 * Returns the column of "rel" that "name" probably meant, or NULL.
 *
 * A name that differs in case only is always a match: quoting is what people
 * get wrong most.  So is one that other conventions have spelled.
 */
const char *
pgsync_closest_attribute(Relation rel, const char *name)
{
	TupleDesc	tupdesc = RelationGetDescr(rel);
	const char *variant = NULL;
	PgsyncClosestName closest;

	pgsync_closest_init(&closest, name);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (attr->attisdropped)
			continue;
		if (pg_strcasecmp(NameStr(attr->attname), name) == 0)
			return NameStr(attr->attname);
		if (variant == NULL && same_letters(NameStr(attr->attname), name))
			variant = NameStr(attr->attname);
		pgsync_closest_feed(&closest, NameStr(attr->attname));
	}
	return variant != NULL ? variant : closest.match;
}
