/*-------------------------------------------------------------------------
 *
 * convert_kinds.h
 *	  How the kinds of types take values.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CONVERT_KINDS_H
#define PGSYNC_CONVERT_KINDS_H

#include "utils/jsonb.h"

struct PgsyncConverter;

/*
 * Makes a Datum of the column's base type, in the current memory context.
 * None of these is given a null.
 */
typedef struct PgsyncConvertRoutine
{
	/* Of a text, as COPY does */
	Datum		(*text) (struct PgsyncConverter *converter, char *str);

	/* Of a JSON string: unescaped, not terminated */
	Datum		(*string) (struct PgsyncConverter *converter, const char *str,
						   int len);

	/* Of the digits of a number that is well-formed JSON */
	Datum		(*number) (struct PgsyncConverter *converter, const char *str,
						   int len);

	/* Of any jsonb value; sets *isnull if an array or composite is null */
	Datum		(*value) (struct PgsyncConverter *converter, JsonbValue *value,
						  bool *isnull);
} PgsyncConvertRoutine;

extern const PgsyncConvertRoutine *pgsync_convert_routine(Oid typid,
														  int32 typmod);

#endif							/* PGSYNC_CONVERT_KINDS_H */
