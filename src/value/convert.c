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
 * The result is allocated in the current memory context.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "value/convert.h"
#include "value/convert_time.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "value/json_to_jsonb.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Digits that fit an int64 whatever they are */
#define MAX_SAFE_DIGITS		18

/*
 * A number longer than this goes through numeric first, in case it has more
 * digits than numeric can hold.
 */
#define MAX_PLAIN_NUMBER	1000

/* Returns how the base type takes values. */
static PgsyncConvertKind
classify_type(Oid base_typid, int32 base_typmod)
{
	switch (base_typid)
	{
		case TEXTOID:
			return PGSYNC_CONVERT_TEXT;
		case VARCHAROID:
			return base_typmod < 0 ? PGSYNC_CONVERT_TEXT : PGSYNC_CONVERT_SCALAR;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return PGSYNC_CONVERT_INTEGER;
		case NUMERICOID:
			return PGSYNC_CONVERT_NUMERIC;
		case BOOLOID:
			return PGSYNC_CONVERT_BOOL;
		case TIMESTAMPTZOID:
			return base_typmod < 0 ? PGSYNC_CONVERT_TIMESTAMPTZ : PGSYNC_CONVERT_SCALAR;
		case JSONOID:
			return PGSYNC_CONVERT_JSON;
		case JSONBOID:
			return PGSYNC_CONVERT_JSONB;
		default:
			if (type_is_rowtype(base_typid) ||
				OidIsValid(get_element_type(base_typid)))
				return PGSYNC_CONVERT_NESTED;
			return PGSYNC_CONVERT_SCALAR;
	}
}

/*
 * Prepares jsonb_populate_record for a record whose one column is this one.
 *
 * The column's name is kept: core's hints about nested values mention it.
 */
static void
prepare_populate(PgsyncConverter *converter)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(converter->mcxt);
	Datum		value = (Datum) 0;
	bool		isnull = true;
	List	   *args;

	converter->record_desc = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(converter->record_desc, 1, converter->name,
					   converter->base_typid, converter->base_typmod, 0);
	BlessTupleDesc(converter->record_desc);
	converter->record = HeapTupleGetDatum(heap_form_tuple(converter->record_desc,
														  &value, &isnull));

	fmgr_info_cxt(F_JSONB_POPULATE_RECORD, &converter->populate,
				  converter->mcxt);
	args = list_make2(makeNullConst(RECORDOID, -1, InvalidOid),
					  makeNullConst(JSONBOID, -1, InvalidOid));
	fmgr_info_set_expr((Node *) makeFuncExpr(F_JSONB_POPULATE_RECORD,
											 RECORDOID, args, InvalidOid,
											 InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &converter->populate);
	MemoryContextSwitchTo(oldcontext);
}

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
	converter->kind = classify_type(converter->base_typid,
									converter->base_typmod);
	converter->domain_info = NULL;
	converter->record_desc = NULL;
	converter->mcxt = mcxt;
	getTypeInputInfo(converter->base_typid, &input, &converter->typioparam);
	fmgr_info_cxt(input, &converter->input, mcxt);
}

/* Returns whether the column's type is a domain. */
bool
pgsync_converter_is_domain(const PgsyncConverter *converter)
{
	return converter->typid != converter->base_typid;
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

/* Calls the base type's input function. */
static inline Datum
call_input(PgsyncConverter *converter, char *str)
{
	return InputFunctionCall(&converter->input, str, converter->typioparam,
							 converter->base_typmod);
}

/* Converts a null: an error for a domain that does not allow it. */
Datum
pgsync_convert_null(PgsyncConverter *converter, bool *isnull)
{
	*isnull = true;
	return check_domain(converter, (Datum) 0, true);
}

/* Turns a jsonb value into a json Datum: its text in jsonb's own layout. */
static Datum
jsonb_value_to_json(JsonbValue *value)
{
	Jsonb	   *jsonb = JsonbValueToJsonb(value);

	return CStringGetTextDatum(JsonbToCString(NULL, &jsonb->root,
											  VARSIZE(jsonb)));
}

/* Fills an array or composite from JSON, by jsonb_populate_record. */
static Datum
populate_nested(PgsyncConverter *converter, JsonbValue *value, bool *isnull)
{
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue *object;
	HeapTupleData tuple;

	if (converter->record_desc == NULL)
		prepare_populate(converter);

	key.type = jbvString;
	key.val.string.val = unconstify(char *, converter->name);
	key.val.string.len = strlen(converter->name);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &key);
	pushJsonbValue(&state, WJB_VALUE, value);
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);

	tuple.t_data = DatumGetHeapTupleHeader(FunctionCall2(&converter->populate,
														 converter->record,
														 JsonbPGetDatum(JsonbValueToJsonb(object))));
	tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	return heap_getattr(&tuple, 1, converter->record_desc, isnull);
}

/* Converts a JSON string: "str" is unescaped and need not be terminated. */
Datum
pgsync_convert_string(PgsyncConverter *converter, const char *str, int len)
{
	JsonbValue	string;
	Datum		value;

	switch (converter->kind)
	{
		case PGSYNC_CONVERT_TEXT:
			value = PointerGetDatum(cstring_to_text_with_len(str, len));
			break;
		case PGSYNC_CONVERT_JSON:
		case PGSYNC_CONVERT_JSONB:
			string.type = jbvString;
			string.val.string.val = unconstify(char *, str);
			string.val.string.len = len;
			value = converter->kind == PGSYNC_CONVERT_JSON ?
				jsonb_value_to_json(&string) :
				JsonbPGetDatum(JsonbValueToJsonb(&string));
			break;
		case PGSYNC_CONVERT_TIMESTAMPTZ:
			if (!pgsync_read_timestamptz(str, len, &value))
				value = call_input(converter, pnstrdup(str, len));
			break;
		default:
			value = call_input(converter, pnstrdup(str, len));
			break;
	}
	return check_domain(converter, value, false);
}

/*
 * Returns a JSON number as jsonb shows it, zero-terminated: no exponent, no
 * negative zero, every digit.
 */
static char *
canonical_number(const char *str, int len)
{
	bool		plain = len <= MAX_PLAIN_NUMBER &&
	!(len > 1 && str[0] == '-' && str[1] == '0');

	for (int i = 0; plain && i < len; i++)
		plain = str[i] != 'e' && str[i] != 'E';
	if (plain)
		return pnstrdup(str, len);
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(pgsync_json_number(str, len))));
}

/* Cuts a fraction that is zero: what remains is an integer's text. */
static void
cut_zero_fraction(char *number)
{
	char	   *point = strchr(number, '.');

	if (point != NULL && strspn(point + 1, "0") == strlen(point + 1))
		*point = '\0';
}

/* Makes an integer column's Datum; false if the value is out of range. */
static inline bool
make_integer(Oid typid, int64 value, Datum *result)
{
	switch (typid)
	{
		case INT2OID:
			*result = Int16GetDatum((int16) value);
			return value >= PG_INT16_MIN && value <= PG_INT16_MAX;
		case INT4OID:
			*result = Int32GetDatum((int32) value);
			return value >= PG_INT32_MIN && value <= PG_INT32_MAX;
		default:
			*result = Int64GetDatum(value);
			return true;
	}
}

/*
 * Reads digits that cannot overflow, with an optional sign; false for
 * anything else, which the type's input function then judges.
 */
static inline bool
read_short_integer(Oid typid, const char *str, int len, Datum *result)
{
	bool		negative = len > 0 && str[0] == '-';
	int64		value = 0;

	if (len - negative < 1 || len - negative > MAX_SAFE_DIGITS)
		return false;
	for (int i = negative; i < len; i++)
	{
		if (str[i] < '0' || str[i] > '9')
			return false;
		value = value * 10 + (str[i] - '0');
	}
	return make_integer(typid, negative ? -value : value, result);
}

/* Reads the words that boolout and most programs write; false for others. */
static inline bool
read_common_bool(const char *str, Datum *result)
{
	*result = BoolGetDatum(str[0] == 't');
	return strcmp(str, "t") == 0 || strcmp(str, "f") == 0 ||
		strcmp(str, "true") == 0 || strcmp(str, "false") == 0;
}

/*
 * Converts the text form of a value, as COPY does.  What is common is read
 * here; the rest, and all that is wrong, is for the type's input function.
 */
Datum
pgsync_convert_text(PgsyncConverter *converter, char *str)
{
	Datum		value;

	switch (converter->kind)
	{
		case PGSYNC_CONVERT_TEXT:
			value = CStringGetTextDatum(str);
			break;
		case PGSYNC_CONVERT_INTEGER:
			if (!read_short_integer(converter->base_typid, str, strlen(str),
									&value))
				value = call_input(converter, str);
			break;
		case PGSYNC_CONVERT_BOOL:
			if (!read_common_bool(str, &value))
				value = call_input(converter, str);
			break;
		case PGSYNC_CONVERT_TIMESTAMPTZ:
			if (!pgsync_read_timestamptz(str, strlen(str), &value))
				value = call_input(converter, str);
			break;
		case PGSYNC_CONVERT_JSONB:
			value = JsonbPGetDatum(pgsync_json_to_jsonb(str, strlen(str)));
			break;
		default:
			value = call_input(converter, str);
			break;
	}
	return check_domain(converter, value, false);
}

/*
 * Converts the digits of a JSON number, which the caller has checked against
 * JSON's grammar.  An integer column takes a number whose fraction is zero;
 * any other fraction fails in the type's input function, never rounded.
 */
Datum
pgsync_convert_number(PgsyncConverter *converter, const char *str, int len)
{
	JsonbValue	number;
	char	   *digits;
	Datum		value;
	bool		isnull;

	switch (converter->kind)
	{
		case PGSYNC_CONVERT_INTEGER:
			if (read_short_integer(converter->base_typid, str, len, &value))
				break;
			digits = canonical_number(str, len);
			cut_zero_fraction(digits);
			value = call_input(converter, digits);
			break;
		case PGSYNC_CONVERT_JSON:
		case PGSYNC_CONVERT_JSONB:
		case PGSYNC_CONVERT_NESTED:
			number.type = jbvNumeric;
			number.val.numeric = pgsync_json_number(str, len);
			return pgsync_convert_jsonb(converter, &number, &isnull);
		case PGSYNC_CONVERT_TEXT:
			value = CStringGetTextDatum(canonical_number(str, len));
			break;
		default:
			value = call_input(converter, canonical_number(str, len));
			break;
	}
	return check_domain(converter, value, false);
}

/* Converts a jsonb number; numeric columns take it as it is. */
static Datum
convert_numeric(PgsyncConverter *converter, Numeric number)
{
	char	   *digits;

	if (converter->kind == PGSYNC_CONVERT_NUMERIC)
	{
		/* the length coercion, which also copies */
		Datum		value = DirectFunctionCall2(numeric,
												NumericGetDatum(number),
												Int32GetDatum(converter->base_typmod));

		return check_domain(converter, value, false);
	}
	digits = DatumGetCString(DirectFunctionCall1(numeric_out,
												 NumericGetDatum(number)));
	return pgsync_convert_number(converter, digits, strlen(digits));
}

/* Converts true or false. */
Datum
pgsync_convert_bool(PgsyncConverter *converter, bool boolean)
{
	const char *word = boolean ? "true" : "false";
	JsonbValue	jsonb;
	bool		isnull;

	switch (converter->kind)
	{
		case PGSYNC_CONVERT_BOOL:
			return check_domain(converter, BoolGetDatum(boolean), false);
		case PGSYNC_CONVERT_JSON:
		case PGSYNC_CONVERT_JSONB:
		case PGSYNC_CONVERT_NESTED:
			jsonb.type = jbvBool;
			jsonb.val.boolean = boolean;
			return pgsync_convert_jsonb(converter, &jsonb, &isnull);
		default:
			return pgsync_convert_text(converter, pstrdup(word));
	}
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

	if (converter->kind == PGSYNC_CONVERT_JSONB)
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
	if (converter->kind == PGSYNC_CONVERT_JSONB)
		return check_domain(converter,
							JsonbPGetDatum(JsonbValueToJsonb(jsonb)), false);
	if (converter->kind == PGSYNC_CONVERT_JSON)
		return check_domain(converter, jsonb_value_to_json(jsonb), false);
	/* a string is an array's or composite's text form */
	if (jsonb->type == jbvString)
		return pgsync_convert_string(converter, jsonb->val.string.val,
									 jsonb->val.string.len);
	if (converter->kind == PGSYNC_CONVERT_NESTED)
	{
		value = populate_nested(converter, jsonb, isnull);
		return check_domain(converter, value, *isnull);
	}
	switch (jsonb->type)
	{
		case jbvNumeric:
			return convert_numeric(converter, jsonb->val.numeric);
		case jbvBool:
			return pgsync_convert_bool(converter, jsonb->val.boolean);
		case jbvBinary:
			return pgsync_convert_text(converter,
									   JsonbToCString(NULL,
													  jsonb->val.binary.data,
													  jsonb->val.binary.len));
		default:
			elog(ERROR, "unrecognized jsonb type: %d", (int) jsonb->type);
			return (Datum) 0;	/* keep compiler quiet */
	}
}
