/*-------------------------------------------------------------------------
 *
 * convert_kinds.c
 *	  How the kinds of types take values.
 *
 * For each kind of type there is a set of functions, chosen once for a column
 * (convert.c, which also says what becomes of what).  Domains are not known
 * here: a column's type is its base type.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "value/convert.h"
#include "value/convert_kinds.h"
#include "value/convert_time.h"
#include "value/json_to_jsonb.h"
#include "value/numeric_text.h"

/* Digits that fit an int64 whatever they are */
#define MAX_SAFE_DIGITS		18

/*
 * A number longer than this goes through numeric first, in case it has more
 * digits than numeric can hold.
 */
#define MAX_PLAIN_NUMBER	1000

/* Calls the base type's input function. */
static inline Datum
call_input(PgsyncConverter *converter, char *str)
{
	return InputFunctionCall(&converter->input, str, converter->typioparam,
							 converter->base_typmod);
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

/* Converts text, as COPY does. */
static Datum
text_by_input(PgsyncConverter *converter, char *str)
{
	return call_input(converter, str);
}

/* Converts a JSON string as text. */
static Datum
string_by_input(PgsyncConverter *converter, const char *str, int len)
{
	return call_input(converter, pnstrdup(str, len));
}

/* Converts a JSON number by its digits. */
static Datum
number_by_input(PgsyncConverter *converter, const char *str, int len)
{
	return call_input(converter, canonical_number(str, len));
}

/* Converts a number of jsonb by its digits, as numeric_out prints them. */
static Datum
numeric_by_text(PgsyncConverter *converter, Numeric numeric)
{
	char		digits[PGSYNC_NUMERIC_TEXT_SIZE];
	char	   *end = NULL;
	PgsyncRoom	no_room = {NULL, NULL};
	Datum		value;

	if (pgsync_scan_setting != PGSYNC_SCAN_PLAIN)
		end = pgsync_numeric_text(digits, VARDATA_ANY(numeric),
								  VARSIZE_ANY_EXHDR(numeric));
	if (end == NULL)
	{
		char	   *str = DatumGetCString(DirectFunctionCall1(numeric_out,
															  NumericGetDatum(numeric)));

		return converter->routine->number(converter, str, strlen(str));
	}
	if (converter->direct->number != NULL &&
		converter->direct->number(converter, &no_room, digits, end - digits,
								  &value))
		return value;
	return converter->routine->number(converter, digits, end - digits);
}

/*
 * Converts a jsonb value by what it would be as JSON text: a string's, a
 * number's, or the text of anything else.
 */
static Datum
value_by_text(PgsyncConverter *converter, JsonbValue *value, bool *isnull)
{
	const PgsyncConvertRoutine *routine = converter->routine;

	switch (value->type)
	{
		case jbvString:
			return routine->string(converter, value->val.string.val,
								   value->val.string.len);
		case jbvNumeric:
			return numeric_by_text(converter, value->val.numeric);
		case jbvBool:
			return routine->text(converter,
								 pstrdup(value->val.boolean ? "true" : "false"));
		case jbvBinary:
			return routine->text(converter,
								 JsonbToCString(NULL, value->val.binary.data,
												value->val.binary.len));
		default:
			elog(ERROR, "unrecognized jsonb type: %d", (int) value->type);
			return (Datum) 0;	/* keep compiler quiet */
	}
}

/* Any type: its input function judges. */
static const PgsyncConvertRoutine scalar_routine = {
	.text = text_by_input,
	.string = string_by_input,
	.number = number_by_input,
	.value = value_by_text,
};

/* ----------------------------------------------------------------
 *						text, integers, numeric, boolean, timestamptz
 * ----------------------------------------------------------------
 */

/* Takes text as it is. */
static Datum
text_to_text(PgsyncConverter *converter, char *str)
{
	return CStringGetTextDatum(str);
}

/* Takes a JSON string as it is. */
static Datum
string_to_text(PgsyncConverter *converter, const char *str, int len)
{
	return PointerGetDatum(cstring_to_text_with_len(str, len));
}

/* Takes a JSON number as its digits. */
static Datum
number_to_text(PgsyncConverter *converter, const char *str, int len)
{
	return CStringGetTextDatum(canonical_number(str, len));
}

/* text, and varchar without a length. */
static const PgsyncConvertRoutine text_routine = {
	.text = text_to_text,
	.string = string_to_text,
	.number = number_to_text,
	.value = value_by_text,
};

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

/* Reads an integer. */
static Datum
text_to_integer(PgsyncConverter *converter, char *str)
{
	Datum		value;

	if (read_short_integer(converter->base_typid, str, strlen(str), &value))
		return value;
	return call_input(converter, str);
}

/*
 * Reads an integer from a JSON number, whose fraction may be zero; any other
 * fraction fails in the type's input function, never rounded.
 */
static Datum
number_to_integer(PgsyncConverter *converter, const char *str, int len)
{
	Datum		value;
	char	   *digits;

	if (read_short_integer(converter->base_typid, str, len, &value))
		return value;
	digits = canonical_number(str, len);
	cut_zero_fraction(digits);
	return call_input(converter, digits);
}

/* int2, int4, int8. */
static const PgsyncConvertRoutine integer_routine = {
	.text = text_to_integer,
	.string = string_by_input,
	.number = number_to_integer,
	.value = value_by_text,
};

/* Takes a jsonb number as it is, but for the length coercion, which copies. */
static Datum
value_to_numeric(PgsyncConverter *converter, JsonbValue *value, bool *isnull)
{
	if (value->type != jbvNumeric)
		return value_by_text(converter, value, isnull);
	return DirectFunctionCall2(numeric, NumericGetDatum(value->val.numeric),
							   Int32GetDatum(converter->base_typmod));
}

/* numeric. */
static const PgsyncConvertRoutine numeric_routine = {
	.text = text_by_input,
	.string = string_by_input,
	.number = number_by_input,
	.value = value_to_numeric,
};

/* Reads the words that boolout and most programs write; false for others. */
static inline bool
read_common_bool(const char *str, Datum *result)
{
	*result = BoolGetDatum(str[0] == 't');
	return strcmp(str, "t") == 0 || strcmp(str, "f") == 0 ||
		strcmp(str, "true") == 0 || strcmp(str, "false") == 0;
}

/* Reads a boolean. */
static Datum
text_to_bool(PgsyncConverter *converter, char *str)
{
	Datum		value;

	if (read_common_bool(str, &value))
		return value;
	return call_input(converter, str);
}

/* Takes true and false as they are. */
static Datum
value_to_bool(PgsyncConverter *converter, JsonbValue *value, bool *isnull)
{
	if (value->type != jbvBool)
		return value_by_text(converter, value, isnull);
	return BoolGetDatum(value->val.boolean);
}

/* boolean. */
static const PgsyncConvertRoutine bool_routine = {
	.text = text_to_bool,
	.string = string_by_input,
	.number = number_by_input,
	.value = value_to_bool,
};

/* Reads a timestamp. */
static Datum
text_to_timestamptz(PgsyncConverter *converter, char *str)
{
	Datum		value;

	if (pgsync_read_timestamptz(str, strlen(str), &value))
		return value;
	return call_input(converter, str);
}

/* Reads a timestamp from a JSON string. */
static Datum
string_to_timestamptz(PgsyncConverter *converter, const char *str, int len)
{
	Datum		value;

	if (pgsync_read_timestamptz(str, len, &value))
		return value;
	return string_by_input(converter, str, len);
}

/* timestamptz without a precision. */
static const PgsyncConvertRoutine timestamptz_routine = {
	.text = text_to_timestamptz,
	.string = string_to_timestamptz,
	.number = number_by_input,
	.value = value_by_text,
};

/* ----------------------------------------------------------------
 *						json, jsonb, arrays and composites
 * ----------------------------------------------------------------
 */

/* Converts a JSON string as the jsonb value that it is. */
static Datum
string_as_value(PgsyncConverter *converter, const char *str, int len)
{
	JsonbValue	value;
	bool		isnull;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, str);
	value.val.string.len = len;
	return converter->routine->value(converter, &value, &isnull);
}

/* Converts a JSON number as the jsonb value that it is. */
static Datum
number_as_value(PgsyncConverter *converter, const char *str, int len)
{
	JsonbValue	value;
	bool		isnull;

	value.type = jbvNumeric;
	value.val.numeric = pgsync_json_number(str, len);
	return converter->routine->value(converter, &value, &isnull);
}

/* Makes json of a jsonb value: its text in jsonb's own layout. */
static Datum
value_to_json(PgsyncConverter *converter, JsonbValue *value, bool *isnull)
{
	Jsonb	   *jsonb = JsonbValueToJsonb(value);

	return CStringGetTextDatum(JsonbToCString(NULL, &jsonb->root,
											  VARSIZE(jsonb)));
}

/* json. */
static const PgsyncConvertRoutine json_routine = {
	.text = text_by_input,
	.string = string_as_value,
	.number = number_as_value,
	.value = value_to_json,
};

/* Reads JSON text. */
static Datum
text_to_jsonb(PgsyncConverter *converter, char *str)
{
	return JsonbPGetDatum(pgsync_json_to_jsonb(str, strlen(str)));
}

/* Makes jsonb of a jsonb value. */
static Datum
value_to_jsonb(PgsyncConverter *converter, JsonbValue *value, bool *isnull)
{
	return JsonbPGetDatum(JsonbValueToJsonb(value));
}

/* jsonb. */
static const PgsyncConvertRoutine jsonb_routine = {
	.text = text_to_jsonb,
	.string = string_as_value,
	.number = number_as_value,
	.value = value_to_jsonb,
};

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

/*
 * Fills an array or composite, by jsonb_populate_record; a string is its text
 * form.
 */
static Datum
value_to_nested(PgsyncConverter *converter, JsonbValue *value, bool *isnull)
{
	JsonbParseState *state = NULL;
	JsonbValue	key;
	JsonbValue *object;
	HeapTupleData tuple;

	if (value->type == jbvString)
		return string_by_input(converter, value->val.string.val,
							   value->val.string.len);
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

/* Arrays and composites. */
static const PgsyncConvertRoutine nested_routine = {
	.text = text_by_input,
	.string = string_by_input,
	.number = number_as_value,
	.value = value_to_nested,
};

/* Returns how a base type takes values. */
const PgsyncConvertRoutine *
pgsync_convert_routine(Oid typid, int32 typmod)
{
	switch (typid)
	{
		case TEXTOID:
			return &text_routine;
		case VARCHAROID:
			return typmod < 0 ? &text_routine : &scalar_routine;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return &integer_routine;
		case NUMERICOID:
			return &numeric_routine;
		case BOOLOID:
			return &bool_routine;
		case TIMESTAMPTZOID:
			return typmod < 0 ? &timestamptz_routine : &scalar_routine;
		case JSONOID:
			return &json_routine;
		case JSONBOID:
			return &jsonb_routine;
		default:
			if (type_is_rowtype(typid) || OidIsValid(get_element_type(typid)))
				return &nested_routine;
			return &scalar_routine;
	}
}
