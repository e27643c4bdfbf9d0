/*-------------------------------------------------------------------------
 *
 * json_to_jsonb.c
 *	  An object or array in JSON text, to jsonb.
 *
 * Gives what jsonb_in gives, in less time.  jsonb_write.c does the usual ones.
 * For the others tokens come from the scanner of json_scan.c, without a copy
 * of each; what assembles them is core's own pushJsonbValue.  Whatever cannot
 * be read goes to jsonb_in for its error.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/int.h"
#include "value/json_scan.h"
#include "value/json_to_jsonb.h"
#include "value/jsonb_write.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Digits that fit an int64 whatever they are */
#define MAX_SAFE_DIGITS		18

/* From this length on, building a jsonb gets a memory context of its own */
#define LONG_TEXT			(64 * 1024)

/* Returns the Numeric of a JSON number, all digits kept. */
Numeric
pgsync_json_number(const char *str, int len)
{
	int64		value = 0;
	int			i;

	for (i = 0; i < len && i < MAX_SAFE_DIGITS; i++)
	{
		if (str[i] < '0' || str[i] > '9')
			break;
		value = value * 10 + (str[i] - '0');
	}
	if (i == len)
		return int64_to_numeric(value);
	return DatumGetNumeric(DirectFunctionCall3(numeric_in,
											   CStringGetDatum(pnstrdup(str, len)),
											   ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1)));
}

/* Sets a jsonb string from a token; false if jsonb cannot hold it. */
static bool
set_string(const PgsyncJsonToken *token, JsonbValue *value)
{
	value->type = jbvString;
	if (token->escaped)
	{
		value->val.string.val = palloc(token->len + 1);
		value->val.string.len =
			pgsync_json_unescape_into(token, value->val.string.val);
		if (value->val.string.len < 0)
			return false;
	}
	else
	{
		value->val.string.val = unconstify(char *, token->start);
		value->val.string.len = token->len;
	}
	return value->val.string.len <= JENTRY_OFFLENMASK;
}

/* Sets a jsonb scalar from a token; false if it is none. */
static bool
set_scalar(const PgsyncJsonToken *token, JsonbValue *value)
{
	switch (token->kind)
	{
		case PGSYNC_JSON_STRING:
			return set_string(token, value);
		case PGSYNC_JSON_NUMBER:
			value->type = jbvNumeric;
			value->val.numeric = pgsync_json_number(token->start, token->len);
			return true;
		case PGSYNC_JSON_TRUE:
		case PGSYNC_JSON_FALSE:
			value->type = jbvBool;
			value->val.boolean = token->kind == PGSYNC_JSON_TRUE;
			return true;
		case PGSYNC_JSON_NULL:
			value->type = jbvNull;
			return true;
		default:
			return false;
	}
}

/* Returns whether the container being built is an object. */
static inline bool
in_object(JsonbParseState *state)
{
	return state->contVal.type == jbvObject;
}

/* Reads a key and its colon, and pushes it; false if it is invalid. */
static bool
build_key(PgsyncJsonScan *scan, JsonbParseState **state)
{
	PgsyncJsonToken token;
	JsonbValue	key;

	pgsync_json_skip_space(scan);
	if (scan->ptr >= scan->end || *scan->ptr != '"' ||
		!pgsync_json_scan_string(scan, &token) ||
		!set_string(&token, &key) || !pgsync_json_accept(scan, ':'))
		return false;
	pushJsonbValue(state, WJB_KEY, &key);
	return true;
}

/* Reads a scalar and pushes it; false if it is invalid. */
static bool
build_scalar(PgsyncJsonScan *scan, JsonbParseState **state)
{
	PgsyncJsonToken token;
	JsonbValue	value;

	if (!pgsync_json_scan_value(scan, &token) || !set_scalar(&token, &value))
		return false;
	pushJsonbValue(state, in_object(*state) ? WJB_VALUE : WJB_ELEM, &value);
	return true;
}

/*
 * Begins a container whose bracket is the next byte.  Sets *empty if it ends
 * at once, which is left to be read; else an object's first key is read.
 * False if that is invalid.
 */
static bool
begin_container(PgsyncJsonScan *scan, JsonbParseState **state, bool *empty)
{
	bool		object = *scan->ptr++ == '{';

	pushJsonbValue(state, object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
	pgsync_json_skip_space(scan);
	*empty = scan->ptr < scan->end && *scan->ptr == (object ? '}' : ']');
	return *empty || !object || build_key(scan, state);
}

/*
 * Reads the object or array at the scan's position; NULL if it is invalid.
 *
 * A loop, not a recursion: the parse state is the stack, so that depth is
 * limited where jsonb_in's is, in JsonbValueToJsonb.
 */
static JsonbValue *
build_nested(PgsyncJsonScan *scan, JsonbParseState **state)
{
	JsonbValue *result = NULL;

	do
	{
		bool		closing = true;

		CHECK_FOR_INTERRUPTS();
		/* a value ... */
		pgsync_json_skip_space(scan);
		if (scan->ptr < scan->end && (*scan->ptr == '{' || *scan->ptr == '['))
		{
			if (!begin_container(scan, state, &closing))
				return NULL;
		}
		else if (!build_scalar(scan, state))
			return NULL;

		/* ... what it ends, and up to where the next one begins */
		while (closing && *state != NULL)
		{
			bool		object = in_object(*state);

			if (pgsync_json_accept(scan, ','))
			{
				if (object && !build_key(scan, state))
					return NULL;
				closing = false;
			}
			else if (pgsync_json_accept(scan, object ? '}' : ']'))
				result = pushJsonbValue(state, object ? WJB_END_OBJECT :
										WJB_END_ARRAY, NULL);
			else
				return NULL;
		}
	} while (*state != NULL);
	return result;
}

/* Returns the jsonb of an object or array, NULL if it cannot be read. */
static Jsonb *
build_jsonb(const char *json, int len)
{
	PgsyncJsonScan scan = {.ptr = json,.end = json + len};
	JsonbParseState *state = NULL;
	JsonbValue *value = NULL;

	if (len > 0 && (*json == '{' || *json == '['))
		value = build_nested(&scan, &state);
	if (value == NULL || scan.ptr != scan.end)
		return NULL;
	return JsonbValueToJsonb(value);
}

/*
 * Does the same for a long text: what was needed to build the jsonb, many
 * times its size, is gone when it is there.
 */
static Jsonb *
build_long_jsonb(const char *json, int len)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync jsonb",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	Jsonb	   *jsonb = build_jsonb(json, len);

	MemoryContextSwitchTo(oldcontext);
	if (jsonb != NULL)
		jsonb = memcpy(palloc(VARSIZE(jsonb)), jsonb, VARSIZE(jsonb));
	MemoryContextDelete(context);
	return jsonb;
}

/*
 * Returns the jsonb of an object or array.
 *
 * Errors: jsonb_in's own.
 */
Jsonb *
pgsync_json_to_jsonb(const char *json, int len)
{
	Jsonb	   *jsonb = NULL;

	if (pgsync_scan_setting != PGSYNC_SCAN_PLAIN)
		jsonb = pgsync_write_jsonb(json, len);
	if (jsonb == NULL)
		jsonb = len > LONG_TEXT ? build_long_jsonb(json, len) :
			build_jsonb(json, len);
	if (jsonb != NULL)
		return jsonb;
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(pnstrdup(json, len))));
}
