/*-------------------------------------------------------------------------
 *
 * convert.c
 *	  One JSON or text value to one column's Datum.
 *
 * JSON values become Datums as jsonb_populate_record makes them (core's
 * jsonfuncs.c), with one difference: a number whose fraction is zero fits an
 * integer column.  Arrays and composites are left to jsonb_populate_record
 * itself, called for a record of that one column.
 *
 *		value			becomes
 *		string			what the type's input function makes of it; a json or
 *						jsonb string for those types
 *		number			the same for its decimal digits; exactly for numeric
 *		true, false		the same for the word
 *		null			SQL NULL, also for json and jsonb
 *		object, array	an array or composite; json or jsonb; for any other
 *						type, what the input function makes of its text
 *
 * Values in their usual form have a short way to the most common types
 * (convert_direct.c), which gives the same.
 *
 * The result is in the room, or allocated in the current memory context.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "value/convert.h"
#include "value/json_to_jsonb.h"

/* Looks up what converting to this column takes; "mcxt" keeps it. */
void
pgsync_converter_init(PgsyncConverter *converter, Form_pg_attribute attr,
					  MemoryContext mcxt)
{
	Oid			input;

	converter->typid = attr->atttypid;
	converter->name = NameStr(attr->attname);
	converter->base_typmod = attr->atttypmod;
	converter->base_typid = getBaseTypeAndTypmod(attr->atttypid,
												 &converter->base_typmod);
	converter->routine = pgsync_convert_routine(converter->base_typid,
												converter->base_typmod);
	converter->direct = pgsync_direct_routine(converter->base_typid,
											  converter->base_typmod);
	converter->domain_info = NULL;
	converter->record_desc = NULL;
	converter->mcxt = mcxt;
	getTypeInputInfo(converter->base_typid, &input, &converter->typioparam);
	fmgr_info_cxt(input, &converter->input, mcxt);
}

/* Checks a value of the base type against the column's domain, if any. */
static inline Datum
check_domain(PgsyncConverter *converter, Datum value, bool isnull)
{
	if (pgsync_converter_is_domain(converter))
		domain_check(value, isnull, converter->typid,
					 &converter->domain_info, converter->mcxt);
	return value;
}

/* Converts a null: an error for a domain that does not allow it. */
Datum
pgsync_convert_null(PgsyncConverter *converter, bool *isnull)
{
	*isnull = true;
	return check_domain(converter, (Datum) 0, true);
}

/* Converts the text form of a value, zero-terminated, as COPY does. */
Datum
pgsync_convert_text(PgsyncConverter *converter, PgsyncRoom *room, char *str,
					int len)
{
	Datum		value;

	if (converter->direct->text == NULL ||
		!converter->direct->text(converter, room, str, len, &value))
		value = converter->routine->text(converter, str);
	return check_domain(converter, value, false);
}

/* Does pgsync_convert_string for any column, a domain or not. */
Datum
pgsync_convert_any_string(PgsyncConverter *converter, PgsyncRoom *room,
						  const char *str, int len)
{
	Datum		value;

	if (converter->direct->text == NULL ||
		!converter->direct->text(converter, room, str, len, &value))
		value = converter->routine->string(converter, str, len);
	return check_domain(converter, value, false);
}

/* Does pgsync_convert_number for any column, a domain or not. */
Datum
pgsync_convert_any_number(PgsyncConverter *converter, PgsyncRoom *room,
						  const char *str, int len)
{
	Datum		value;

	if (converter->direct->number == NULL ||
		!converter->direct->number(converter, room, str, len, &value))
		value = converter->routine->number(converter, str, len);
	return check_domain(converter, value, false);
}

/* Converts true or false. */
Datum
pgsync_convert_bool(PgsyncConverter *converter, bool boolean)
{
	JsonbValue	value;
	bool		isnull;

	if (converter->base_typid == BOOLOID)
		return check_domain(converter, BoolGetDatum(boolean), false);
	value.type = jbvBool;
	value.val.boolean = boolean;
	return pgsync_convert_jsonb(converter, &value, &isnull);
}

/*
 * Converts an object or array given as JSON text.  The text goes through
 * jsonb for every type, so that the overloads for text and for jsonb cannot
 * differ; this is also what checks it.
 */
Datum
pgsync_convert_nested(PgsyncConverter *converter, const char *json, int len,
					  bool *isnull)
{
	Jsonb	   *jsonb = pgsync_json_to_jsonb(json, len);
	JsonbValue	value;

	if (converter->base_typid == JSONBOID)
		return check_domain(converter, JsonbPGetDatum(jsonb), false);
	value.type = jbvBinary;
	value.val.binary.data = &jsonb->root;
	value.val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
	return pgsync_convert_jsonb(converter, &value, isnull);
}

/* Converts any jsonb value; sets *isnull for a null. */
Datum
pgsync_convert_jsonb(PgsyncConverter *converter, JsonbValue *jsonb,
					 bool *isnull)
{
	Datum		value;

	*isnull = false;
	if (jsonb->type == jbvNull)
		return pgsync_convert_null(converter, isnull);
	value = converter->routine->value(converter, jsonb, isnull);
	return check_domain(converter, value, *isnull);
}
