/*-------------------------------------------------------------------------
 *
 * convert.h
 *	  One JSON or text value to one column's Datum.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CONVERT_H
#define PGSYNC_CONVERT_H

#include "access/tupdesc.h"
#include "utils/jsonb.h"
#include "value/convert_direct.h"
#include "value/convert_kinds.h"

/* What is kept for one column over a whole call */
typedef struct PgsyncConverter
{
	const PgsyncConvertRoutine *routine;	/* how the base type takes values */
	const PgsyncDirectRoutine *direct;	/* and how it takes usual ones */
	Oid			typid;			/* the column's type */
	Oid			base_typid;		/* the same, but for a domain its base type */
	int32		base_typmod;
	FmgrInfo	input;			/* input function of the base type */
	Oid			typioparam;
	void	   *domain_info;	/* domain_check's own cache */
	FmgrInfo	populate;		/* jsonb_populate_record, for nested values */
	TupleDesc	record_desc;	/* the one-column record it fills */
	Datum		record;			/* that record, its column null */
	const char *name;			/* the column's name */
	MemoryContext mcxt;			/* where the above is kept */
} PgsyncConverter;

extern void pgsync_converter_init(PgsyncConverter *converter,
								  Form_pg_attribute attr,
								  MemoryContext mcxt);
extern Datum pgsync_convert_null(PgsyncConverter *converter, bool *isnull);
extern Datum pgsync_convert_text(PgsyncConverter *converter, PgsyncRoom *room,
								 char *str, int len);
extern Datum pgsync_convert_any_string(PgsyncConverter *converter,
									   PgsyncRoom *room, const char *str,
									   int len);
extern Datum pgsync_convert_any_number(PgsyncConverter *converter,
									   PgsyncRoom *room, const char *str,
									   int len);
extern Datum pgsync_convert_bool(PgsyncConverter *converter, bool value);
extern Datum pgsync_convert_nested(PgsyncConverter *converter,
								   const char *json, int len, bool *isnull);
extern Datum pgsync_convert_jsonb(PgsyncConverter *converter,
								  JsonbValue *value, bool *isnull);

/* Returns whether the column's type is a domain. */
static inline bool
pgsync_converter_is_domain(const PgsyncConverter *converter)
{
	return converter->typid != converter->base_typid;
}

/* Converts a JSON string: "str" is unescaped and need not be terminated. */
static inline Datum
pgsync_convert_string(PgsyncConverter *converter, PgsyncRoom *room,
					  const char *str, int len)
{
	Datum		value;

	if (!pgsync_converter_is_domain(converter) &&
		converter->direct->text !=NULL &&
		converter->direct->text(converter, room, str, len, &value))
		return value;
	return pgsync_convert_any_string(converter, room, str, len);
}

/*
 * Converts the digits of a JSON number, which the caller has checked against
 * JSON's grammar.
 */
static inline Datum
pgsync_convert_number(PgsyncConverter *converter, PgsyncRoom *room,
					  const char *str, int len)
{
	Datum		value;

	if (!pgsync_converter_is_domain(converter) &&
		converter->direct->number != NULL &&
		converter->direct->number(converter, room, str, len, &value))
		return value;
	return pgsync_convert_any_number(converter, room, str, len);
}

/* Converts a jsonb value, as pgsync_convert_jsonb does, with a room. */
static inline Datum
pgsync_convert_jsonb_value(PgsyncConverter *converter, PgsyncRoom *room,
						   JsonbValue *jsonb, bool *isnull)
{
	Datum		value;

	if (jsonb->type == jbvString && !pgsync_converter_is_domain(converter) &&
		converter->direct->text !=NULL &&
		converter->direct->text(converter, room, jsonb->val.string.val,
								jsonb->val.string.len, &value))
	{
		*isnull = false;
		return value;
	}
	return pgsync_convert_jsonb(converter, jsonb, isnull);
}

#endif							/* PGSYNC_CONVERT_H */
