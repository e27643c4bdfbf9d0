/*-------------------------------------------------------------------------
 *
 * source_json.c
 *	  Rows from JSON text, read one at a time.
 *
 *		[{"id": 1, "name": "a"}, {"name": "b"}]		an array of objects
 *		{"id": 1, "name": "a"}						one object
 *		{"id": 1} {"id": 2}							JSON Lines (text only)
 *
 * No jsonb of the whole is ever built: an object is scanned for where its
 * values are (json_scan.c), then each value is converted.  What the scanner
 * cannot read goes to core's parser, for its error message.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/jsonapi.h"
#include "value/json_scan.h"
#include "value/json_to_jsonb.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "source/row_source.h"
#include "source/source_json.h"
#include "utils/builtins.h"
#include "utils/jsonfuncs.h"

/* Where the source is in its input */
typedef enum JsonSourceState
{
	JSON_BEFORE,				/* nothing read yet */
	JSON_IN_ARRAY,				/* behind an element, or the opening bracket */
	JSON_IN_LINES,				/* behind a top-level object */
	JSON_DONE,
} JsonSourceState;

/* What is wrong with the form of a row that leaves the next one readable */
typedef enum JsonRowFault
{
	JSON_ROW_FINE,
	JSON_ROW_NO_OBJECT,			/* another value */
	JSON_ROW_BROKEN,			/* no JSON; read on in the next line */
} JsonRowFault;

typedef struct JsonSource
{
	PgsyncSource base;
	const char *begin;			/* the whole input */
	PgsyncJsonScan scan;
	JsonSourceState state;
	bool		lines_allowed;
	uint64		number;			/* of the current row */
	const char *object;			/* the current row's first byte */
	const char *object_end;		/* behind its last byte */
	JsonRowFault fault;
	AttrNumber *sequence;		/* the previous row's columns, in key order */
	int			nsequence;		/* how many columns the current row names */
	uint64	   *named_by;		/* the last row to name it, by attribute */
	PgsyncJsonToken *tokens;	/* the current row's values, by attribute */
	PgsyncJsonToken *keys;		/* and the keys that they came under */
	AttrNumber	conflict;		/* a column that two keys stand for, or 0 */
	PgsyncJsonToken unknown;	/* its first key that is no column, if any */
	bool		has_unknown;
	StringInfoData replaced;	/* tokens of values that are not to be used */
	StringInfoData buf;			/* for unescaping */
} JsonSource;

/*
 * Has core's parser find what is wrong from "from" on, counting lines from
 * the beginning of the input.  Returns if it finds nothing wrong.
 */
static void
report_by_core(JsonSource *source, const char *from, const char *to)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync JSON check",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	JsonLexContext *lex;
	bool		valid;

	lex = pgsync_make_json_lex_context(unconstify(char *, from), to - from,
									   GetDatabaseEncoding(), true);
	/* counting lines is for errors only: it takes as long as the input is */
	valid = pg_parse_json(lex, &nullSemAction) == JSON_SUCCESS;
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
	if (valid)
		return;
	lex = pgsync_make_json_lex_context(unconstify(char *, from), to - from,
									   GetDatabaseEncoding(), true);
	for (const char *p = source->begin;
		 (p = memchr(p, '\n', from - p)) != NULL; p++)
	{
		CHECK_FOR_INTERRUPTS();
		lex->line_number++;
	}
	pg_parse_json_or_ereport(lex, &nullSemAction);
}

/* Reports JSON that the scanner could not read. */
pg_noreturn static void
report_invalid(JsonSource *source)
{
	/* an array is parsed from its start, for the context of its brackets */
	report_by_core(source,
				   source->state == JSON_IN_ARRAY ? source->begin : source->object,
				   source->scan.end);
	elog(ERROR, "JSON scanner and parser disagree at byte %zu",
		 (size_t) (source->scan.ptr - source->begin));
}

/* Reports a string with an invalid escape. */
pg_noreturn static void
report_bad_string(JsonSource *source, const PgsyncJsonToken *token)
{
	report_by_core(source, token->start - 1, token->start + token->len + 1);
	report_invalid(source);
}

/* Reports text behind the end of the data (22P02). */
static void
report_trailing_text(JsonSource *source)
{
	/* the scan stands on the first byte that is too much */
	int			len = pg_mbcliplen(source->scan.ptr,
								   source->scan.end - source->scan.ptr, 40);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s", "json"),
			 errdetail("Expected end of input at byte %zu, but found \"%s\".",
					   (size_t) (source->scan.ptr - source->begin + 1),
					   pnstrdup(source->scan.ptr, len))));
}

/*
 * Begins the input: an array, or top-level objects.  False if it is empty,
 * which is zero rows.
 */
static bool
begin_input(JsonSource *source)
{
	pgsync_json_skip_space(&source->scan);
	source->object = source->scan.ptr;
	if (source->scan.ptr >= source->scan.end)
		return false;
	if (*source->scan.ptr == '[')
	{
		source->scan.ptr++;
		source->state = JSON_IN_ARRAY;
	}
	else
		source->state = JSON_IN_LINES;
	return true;
}

/* Ends an array: only white space may follow its closing bracket. */
static bool
end_array(JsonSource *source)
{
	pgsync_json_skip_space(&source->scan);
	if (source->scan.ptr < source->scan.end)
		report_trailing_text(source);
	return false;
}

/* Moves to the next element's first byte; false at the end of the array. */
static bool
next_element(JsonSource *source, bool first)
{
	if (pgsync_json_accept(&source->scan, ']'))
		return end_array(source);
	if (!first && !pgsync_json_accept(&source->scan, ','))
		report_invalid(source);
	pgsync_json_skip_space(&source->scan);
	return true;
}

/* Moves to the next top-level object; false at the end of the input. */
static bool
next_line(JsonSource *source, bool first)
{
	pgsync_json_skip_space(&source->scan);
	if (source->scan.ptr >= source->scan.end)
		return false;
	if (!first && !source->lines_allowed)
		report_trailing_text(source);
	return true;
}

/* Reports a row that is no object, if it is JSON at all. */
pg_noreturn static void
report_not_an_object(JsonSource *source)
{
	report_by_core(source, source->object, source->object_end);
	if (source->state == JSON_IN_ARRAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element %llu of the array is not a JSON object",
						(unsigned long long) source->number),
				 errhint("Every element must be an object whose keys are column names.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON object or an array of objects")));
}

/* Moves to the next row's first byte; false at the end of the input. */
static bool
next_object(JsonSource *source)
{
	bool		first = source->state == JSON_BEFORE;
	bool		found;

	if (source->state == JSON_DONE)
		return false;
	found = !first || begin_input(source);
	if (found)
		found = source->state == JSON_IN_ARRAY ?
			next_element(source, first) : next_line(source, first);
	if (!found)
		source->state = JSON_DONE;
	source->object = source->scan.ptr;
	return found;
}

/* Returns the column that a key names, or 0. */
static AttrNumber
find_key(JsonSource *source, const PgsyncJsonToken *key)
{
	PgsyncTarget *target = source->base.target;
	AttrNumber	guess = source->nsequence < target->natts ?
	source->sequence[source->nsequence] : 0;

	if (!key->escaped)
		return pgsync_target_find_near(target, key->start, key->len, guess);
	resetStringInfo(&source->buf);
	if (!pgsync_json_unescape(key, &source->buf))
		return 0;
	return pgsync_target_find_near(target, source->buf.data, source->buf.len,
								   guess);
}

/*
 * Returns whether a value that is not converted may yet turn out to be no
 * JSON: the scanner has checked all the others.
 */
static inline bool
needs_check(const PgsyncJsonToken *value)
{
	return value->kind == PGSYNC_JSON_NESTED || value->escaped;
}

/*
 * Returns whether two keys that stand for one column are written the same; if
 * names are not mapped, they must be the same, then, however written.
 */
static bool
same_key(const PgsyncJsonToken *first, const PgsyncJsonToken *second)
{
	return first->len == second->len &&
		memcmp(first->start, second->start, first->len) == 0;
}

/* Keeps a value that is not used for one thing: it must be JSON, too. */
static void
replace_value(JsonSource *source, const PgsyncJsonToken *value)
{
	appendBinaryStringInfo(&source->replaced, (const char *) value,
						   sizeof(PgsyncJsonToken));
}

/*
 * Keeps the value of a key.  Of a key that comes twice in an object the last
 * value counts, as in jsonb.  Of keys that are no columns the first is kept.
 */
static inline void
keep_value(JsonSource *source, const PgsyncJsonToken *key,
		   const PgsyncJsonToken *value)
{
	AttrNumber	attnum = find_key(source, key);

	if (attnum == PGSYNC_DROPPED_NAME)
	{
		if (needs_check(value))
			replace_value(source, value);
		return;
	}
	if (attnum == 0)
	{
		if (!source->has_unknown)
			source->unknown = *key;
		source->has_unknown = true;
		return;
	}
	if (source->named_by[attnum - 1] != source->number)
	{
		source->named_by[attnum - 1] = source->number;
		source->sequence[source->nsequence++] = attnum;
	}
	else
	{
		if (needs_check(&source->tokens[attnum - 1]))
			replace_value(source, &source->tokens[attnum - 1]);
		if (source->base.target->names != NULL &&
			!same_key(&source->keys[attnum - 1], key))
			source->conflict = attnum;
	}
	source->keys[attnum - 1] = *key;
	source->tokens[attnum - 1] = *value;
}

/*
 * Scans an object, keeping where its values are; false if it is no JSON.
 */
static bool
scan_object(JsonSource *source)
{
	PgsyncJsonScan *scan = &source->scan;
	PgsyncJsonToken key;
	PgsyncJsonToken value;

	source->nsequence = 0;
	source->has_unknown = false;
	source->conflict = 0;
	resetStringInfo(&source->replaced);
	scan->ptr++;
	if (pgsync_json_accept(scan, '}'))
		return true;
	do
	{
		pgsync_json_skip_space(scan);
		if (scan->ptr >= scan->end || *scan->ptr != '"' ||
			!pgsync_json_scan_string(scan, &key) ||
			!pgsync_json_accept(scan, ':'))
			return false;
		pgsync_json_skip_space(scan);
		if (!pgsync_json_scan_value(scan, &value))
			return false;
		keep_value(source, &key, &value);
	} while (pgsync_json_accept(scan, ','));
	return pgsync_json_accept(scan, '}');
}

/*
 * Gets over a row that is no JSON.  In an array nothing behind it can be
 * told from it; of JSON Lines, the next line begins another row.
 */
static void
skip_broken_row(JsonSource *source)
{
	PgsyncJsonScan *scan = &source->scan;
	const char *line_end;

	if (source->state != JSON_IN_LINES || !source->lines_allowed)
		report_invalid(source);
	source->fault = JSON_ROW_BROKEN;
	line_end = memchr(source->object, '\n', scan->end - source->object);
	scan->ptr = line_end != NULL ? line_end : scan->end;
}

/* Keeps a row that is a bare value, for the verbs that take one. */
static void
keep_bare_value(JsonSource *source, const PgsyncJsonToken *value)
{
	AttrNumber	attnum = source->base.scalar_column;

	source->has_unknown = false;
	source->conflict = 0;
	resetStringInfo(&source->replaced);
	source->tokens[attnum - 1] = *value;
	source->sequence[0] = attnum;
	source->nsequence = 1;
}

/* Scans the next row; see PgsyncSourceRoutine. */
static bool
json_source_fetch(PgsyncSource *base, PgsyncRow *row)
{
	JsonSource *source = (JsonSource *) base;
	PgsyncJsonScan *scan = &source->scan;
	PgsyncJsonToken other;

	if (!next_object(source))
		return false;
	row->number = ++source->number;
	source->fault = JSON_ROW_FINE;
	if (scan->ptr < scan->end && *scan->ptr == '{')
	{
		if (!scan_object(source))
			skip_broken_row(source);
	}
	else if (!pgsync_json_scan_value(scan, &other))
		skip_broken_row(source);
	else if (base->scalar_column != 0 && other.kind != PGSYNC_JSON_NESTED)
		keep_bare_value(source, &other);
	else
		source->fault = JSON_ROW_NO_OBJECT;
	source->object_end = scan->ptr;
	row->size = source->object_end - source->object;
	return true;
}

/* Reports the key that is no column (42703). */
pg_noreturn static void
report_unknown_key(JsonSource *source)
{
	PgsyncJsonToken *key = &source->unknown;

	if (!key->escaped)
		pgsync_target_unknown_column(source->base.target, key->start, key->len);
	resetStringInfo(&source->buf);
	if (!pgsync_json_unescape(key, &source->buf))
		report_invalid(source);
	pgsync_target_unknown_column(source->base.target, source->buf.data,
								 source->buf.len);
}

/* Converts a string; an invalid escape is reported by core's parser. */
static Datum
convert_string(JsonSource *source, PgsyncConverter *converter,
			   const PgsyncJsonToken *token)
{
	if (!token->escaped)
		return pgsync_convert_string(converter, token->start, token->len);

	resetStringInfo(&source->buf);
	if (!pgsync_json_unescape(token, &source->buf))
		report_bad_string(source, token);
	return pgsync_convert_string(converter, source->buf.data,
								 source->buf.len);
}

/* Insists that a value that will not be converted is JSON. */
static void
check_ignored(JsonSource *source, const PgsyncJsonToken *token)
{
	int			quote = token->kind == PGSYNC_JSON_STRING ? 1 : 0;

	if (token->kind == PGSYNC_JSON_NESTED || token->escaped)
		report_by_core(source, token->start - quote,
					   token->start + token->len + quote);
}

/* Converts the value kept for one column of the row. */
static void
convert_value(JsonSource *source, PgsyncRow *row, AttrNumber attnum)
{
	PgsyncConverter *converter = pgsync_target_converter(source->base.target,
														 attnum);
	PgsyncJsonToken *token = &source->tokens[attnum - 1];
	bool	   *isnull = &row->nulls[attnum - 1];
	Datum		value;

	row->named[attnum - 1] = true;
	if (pgsync_source_ignores(&source->base, attnum))
	{
		check_ignored(source, token);
		return;
	}
	*isnull = false;
	switch (token->kind)
	{
		case PGSYNC_JSON_STRING:
			value = convert_string(source, converter, token);
			break;
		case PGSYNC_JSON_NUMBER:
			value = pgsync_convert_number(converter, token->start, token->len);
			break;
		case PGSYNC_JSON_TRUE:
		case PGSYNC_JSON_FALSE:
			value = pgsync_convert_bool(converter,
										token->kind == PGSYNC_JSON_TRUE);
			break;
		case PGSYNC_JSON_NULL:
			value = pgsync_convert_null(converter, isnull);
			break;
		default:
			value = pgsync_convert_nested(converter, token->start, token->len,
										  isnull);
			break;
	}
	row->values[attnum - 1] = value;
}

/* Insists that values that are not used are JSON, too. */
static void
check_replaced(JsonSource *source)
{
	PgsyncJsonToken *tokens = (PgsyncJsonToken *) source->replaced.data;
	int			ntokens = source->replaced.len / sizeof(PgsyncJsonToken);

	for (int i = 0; i < ntokens; i++)
	{
		int			quote = tokens[i].kind == PGSYNC_JSON_STRING ? 1 : 0;

		CHECK_FOR_INTERRUPTS();
		report_by_core(source, tokens[i].start - quote,
					   tokens[i].start + tokens[i].len + quote);
	}
}

/* Reports what fetch has found to be wrong with the row at hand. */
static void
report_fault(JsonSource *source)
{
	if (source->fault == JSON_ROW_BROKEN)
		report_invalid(source);
	if (source->fault == JSON_ROW_NO_OBJECT)
		report_not_an_object(source);
	if (source->has_unknown)
		report_unknown_key(source);
	if (source->conflict != 0)
		pgsync_names_conflict(source->base.target, source->conflict);
	check_replaced(source);
}

/* Converts the row that has been scanned; see PgsyncSourceRoutine. */
static void
json_source_convert(PgsyncSource *base, PgsyncRow *row)
{
	JsonSource *source = (JsonSource *) base;

	if (source->fault != JSON_ROW_FINE || source->has_unknown ||
		source->conflict != 0 || source->replaced.len > 0)
		report_fault(source);
	for (int i = 0; i < source->nsequence; i++)
	{
		row->column = source->sequence[i];
		convert_value(source, row, row->column);
	}
	row->column = 0;
}

/* Appends the value being converted; see PgsyncSourceRoutine. */
static void
json_source_describe_value(PgsyncSource *base, AttrNumber column,
						   StringInfo buf)
{
	PgsyncJsonToken *token = &((JsonSource *) base)->tokens[column - 1];

	appendBinaryStringInfo(buf, token->start,
						   Min(token->len, PGSYNC_MAX_DESCRIBED));
}

/* Appends the row's own text; see PgsyncSourceRoutine. */
static void
json_source_append_raw(PgsyncSource *base, StringInfo buf)
{
	JsonSource *source = (JsonSource *) base;

	appendBinaryStringInfo(buf, source->object,
						   source->object_end - source->object);
}

/* Makes a jsonb of the row's text; see PgsyncSourceRoutine. */
static Jsonb *
json_source_make_jsonb(PgsyncSource *base)
{
	JsonSource *source = (JsonSource *) base;

	return pgsync_json_to_jsonb(source->object,
								source->object_end - source->object);
}

/* Reports progress in bytes; see PgsyncSourceRoutine. */
static void
json_source_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	JsonSource *source = (JsonSource *) base;

	*done = source->scan.ptr - source->begin;
	*total = source->scan.end - source->begin;
}

static const PgsyncSourceRoutine json_source_routine = {
	.unit = PGSYNC_UNIT_ROW,
	.raw_is_json = true,
	.fetch = json_source_fetch,
	.convert = json_source_convert,
	.describe_value = json_source_describe_value,
	.append_raw = json_source_append_raw,
	.make_jsonb = json_source_make_jsonb,
	.progress = json_source_progress,
};

/*
 * Creates a source over a detoasted text, which must outlive it.
 *
 * With lines_allowed, several objects may follow each other.
 */
static PgsyncSource *
create_source(PgsyncTarget *target, text *data, bool lines_allowed)
{
	JsonSource *source = palloc0(sizeof(JsonSource));
	int			natts = Max(target->natts, 1);

	source->base.routine = &json_source_routine;
	source->base.target = target;
	source->begin = VARDATA_ANY(data);
	source->scan.ptr = source->begin;
	source->scan.end = source->begin + VARSIZE_ANY_EXHDR(data);
	source->lines_allowed = lines_allowed;
	source->sequence = palloc0(sizeof(AttrNumber) * natts);
	source->named_by = palloc0(sizeof(uint64) * natts);
	source->tokens = palloc0(sizeof(PgsyncJsonToken) * natts);
	source->keys = palloc0(sizeof(PgsyncJsonToken) * natts);
	initStringInfo(&source->buf);
	initStringInfo(&source->replaced);
	return (PgsyncSource *) source;
}

/* Creates the source for a data argument. */
PgsyncSource *
pgsync_source_for_json(PgsyncTarget *target, Datum data,
					   PgsyncJsonFormat format)
{
	if (format == PGSYNC_JSON_FORMAT_ROW_SOURCE)
		return pgsync_row_source_open(target, data);
	if (format == PGSYNC_JSON_FORMAT_JSONB)
		return pgsync_source_jsonb_create(target, DatumGetJsonbP(data));
	return create_source(target, DatumGetTextPP(data),
						 format == PGSYNC_JSON_FORMAT_TEXT);
}
