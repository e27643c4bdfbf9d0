/*-------------------------------------------------------------------------
 *
 * args.h
 *	  Checks of function arguments, and the hints that go with them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ARGS_H
#define PGSYNC_ARGS_H

#include "nodes/pg_list.h"
#include "utils/array.h"
#include "utils/relcache.h"

/*
 * The candidate that a mistyped name probably meant.  Init with the name as
 * it was written, feed every candidate, then ask for the closest.
 */
typedef struct PgsyncClosestName
{
	const char *source;			/* the name as it was written */
	const char *match;			/* best candidate so far, or NULL */
	int			distance;		/* its edit distance, -1 for no match */
	int			ncompared;		/* candidates so far, which are bounded */
} PgsyncClosestName;

/* No function of pgsync is STRICT: a NULL where a value is needed ends here. */
#define PGSYNC_REQUIRE_ARG(fcinfo, argno, argname) \
	do { \
		if (PG_ARGISNULL(argno)) \
			pgsync_null_argument_error(fcinfo, argname); \
	} while (0)

/* The same for the rows, where a null mostly is an aggregate over no rows */
#define PGSYNC_REQUIRE_ROWS(fcinfo, argno) \
	do { \
		if (PG_ARGISNULL(argno)) \
			pgsync_null_rows_error(fcinfo, argno); \
	} while (0)

pg_noreturn extern void pgsync_null_rows_error(FunctionCallInfo fcinfo, int argno);
pg_noreturn extern void pgsync_null_argument_error(FunctionCallInfo fcinfo,
												   const char *argname);
extern char *pgsync_arg_cstring_or_null(FunctionCallInfo fcinfo, int argno);
extern bool pgsync_arg_bool(FunctionCallInfo fcinfo, int argno,
							bool default_value);
extern List *pgsync_arg_name_list(FunctionCallInfo fcinfo, int argno,
								  const char *argname);

extern void pgsync_check_strings(ArrayType *array, const char *argname);
extern List *pgsync_strings(ArrayType *array);

extern void pgsync_closest_init(PgsyncClosestName *closest,
								const char *source);
extern void pgsync_closest_feed(PgsyncClosestName *closest,
								const char *candidate);
extern const char *pgsync_closest_attribute(Relation rel, const char *name);

#endif							/* PGSYNC_ARGS_H */
