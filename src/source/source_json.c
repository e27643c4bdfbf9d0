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
#include "mb/pg_wchar.h"
#include "row/row.h"
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

typedef struct JsonSource
{
	PgsyncSource base;
	const char *begin;			/* the whole input */
	PgsyncJsonScan scan;
	JsonSourceState state;
	bool		lines_allowed;
	const char *object;			/* the current row's opening brace */
	AttrNumber *sequence;		/* the previous row's columns, in key order */
	int			nsequence;		/* how many columns the current row names */
	PgsyncJsonToken *tokens;	/* the current row's values, by attribute */
	AttrNumber	converting;
	StringInfoData buf;			/* for unescaping */
} JsonSource;

/*
 * Has core's parser find what is wrong from "from" on, counting lines from
 * the beginning of the input.  Returns if it finds nothing wrong.
 */
static void
report_by_core(JsonSource *source, const char *from, const char *to)
{
	JsonLexContext *lex;

	lex = pgsync_make_json_lex_context(unconstify(char *, from), to - from,
									   GetDatabaseEncoding(), true);
	/* counting lines is for errors only: it takes as long as the input is */
	if (pg_parse_json(lex, &nullSemAction) == JSON_SUCCESS)
		return;
	lex = pgsync_make_json_lex_context(unconstify(char *, from), to - from,
									   GetDatabaseEncoding(), true);
	for (const char *p = source->begin; p < from; p++)
	{
		if (*p == '\n')
			lex->line_number++;
	}
	pg_parse_json_or_ereport(lex, &nullSemAction);
}

/* Reports JSON that the scanner could not read.  Does not return. */
static void
report_invalid(JsonSource *source)
{
	/* an array is parsed from its start, for the context of its brackets */
	report_by_core(source,
				   source->state == JSON_IN_ARRAY ? source->begin : source->object,
				   source->scan.end);
	elog(ERROR, "JSON scanner and parser disagree at byte %zu",
		 (size_t) (source->scan.ptr - source->begin));
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

/*
 * Reports a row that is no object, if it is JSON at all.  Does not return.
 */
static void
report_not_an_object(JsonSource *source, PgsyncRow *row)
{
	PgsyncJsonToken token;

	if (!pgsync_json_scan_value(&source->scan, &token))
		report_invalid(source);
	report_by_core(source, source->object, source->scan.ptr);
	if (source->state == JSON_IN_ARRAY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element %llu of the array is not a JSON object",
						(unsigned long long) row->number),
				 errhint("Every element must be an object whose keys are column names.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON object or an array of objects")));
}

/* Moves to the next row's object; false at the end of the input. */
static bool
next_object(JsonSource *source, PgsyncRow *row)
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
	{
		source->state = JSON_DONE;
		return false;
	}
	row->number++;
	source->object = source->scan.ptr;
	if (source->scan.ptr >= source->scan.end || *source->scan.ptr != '{')
		report_not_an_object(source, row);
	source->scan.ptr++;
	return true;
}

/* Returns the column that a key names; an unknown key is an error. */
static AttrNumber
find_key(JsonSource *source, const PgsyncJsonToken *key, int position)
{
	PgsyncTarget *target = source->base.target;
	AttrNumber	guess = position < target->natts ?
	source->sequence[position] : 0;
	const char *name = key->start;
	int			len = key->len;
	AttrNumber	attnum;

	if (key->escaped)
	{
		resetStringInfo(&source->buf);
		if (!pgsync_json_unescape(key, &source->buf))
			report_invalid(source);
		name = source->buf.data;
		len = source->buf.len;
	}
	attnum = pgsync_target_find_near(target, name, len, guess);
	if (attnum == 0)
		pgsync_target_unknown_column(target, name, len);
	return attnum;
}

/*
 * Keeps the value of a key.  Of a key that comes twice in an object the last
 * value counts, as in jsonb; the one that it replaces must be valid, too.
 */
static void
keep_value(JsonSource *source, PgsyncRow *row, AttrNumber attnum,
		   const PgsyncJsonToken *value)
{
	PgsyncJsonToken *kept = &source->tokens[attnum - 1];

	if (row->named[attnum - 1])
	{
		const char *start = kept->kind == PGSYNC_JSON_STRING ?
		kept->start - 1 : kept->start;

		report_by_core(source, start, kept->kind == PGSYNC_JSON_STRING ?
					   kept->start + kept->len + 1 : start + kept->len);
	}
	else
	{
		row->named[attnum - 1] = true;
		source->sequence[source->nsequence++] = attnum;
	}
	*kept = *value;
}

/* Scans an object behind its opening brace, keeping where its values are. */
static void
scan_object(JsonSource *source, PgsyncRow *row)
{
	PgsyncJsonScan *scan = &source->scan;
	PgsyncJsonToken key;
	PgsyncJsonToken value;
	AttrNumber	attnum;

	source->nsequence = 0;
	if (pgsync_json_accept(scan, '}'))
		return;
	do
	{
		pgsync_json_skip_space(scan);
		if (scan->ptr >= scan->end || *scan->ptr != '"' ||
			!pgsync_json_scan_string(scan, &key) ||
			!pgsync_json_accept(scan, ':'))
			report_invalid(source);
		attnum = find_key(source, &key, source->nsequence);
		pgsync_json_skip_space(scan);
		if (!pgsync_json_scan_value(scan, &value))
			report_invalid(source);
		keep_value(source, row, attnum, &value);
	} while (pgsync_json_accept(scan, ','));
	if (!pgsync_json_accept(scan, '}'))
		report_invalid(source);
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
	{
		report_by_core(source, token->start - 1,
					   token->start + token->len + 1);
		report_invalid(source);
	}
	return pgsync_convert_string(converter, source->buf.data,
								 source->buf.len);
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

/* Reads and converts one row; see PgsyncSourceRoutine. */
static bool
json_source_next(PgsyncSource *base, PgsyncRow *row)
{
	JsonSource *source = (JsonSource *) base;

	if (!next_object(source, row))
		return false;
	scan_object(source, row);
	row->size = source->scan.ptr - source->object;
	for (int i = 0; i < source->nsequence; i++)
	{
		row->column = source->sequence[i];
		convert_value(source, row, row->column);
	}
	row->column = 0;
	return true;
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

/* Reports progress in bytes; see PgsyncSourceRoutine. */
static void
json_source_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	JsonSource *source = (JsonSource *) base;

	*done = source->scan.ptr - source->begin;
	*total = source->scan.end - source->begin;
}

static const PgsyncSourceRoutine json_source_routine = {
	.unit = "row",
	.next = json_source_next,
	.describe_value = json_source_describe_value,
	.progress = json_source_progress,
};

/*
 * Creates a source over a detoasted text, which must outlive it.
 *
 * With lines_allowed, several objects may follow each other.
 */
PgsyncSource *
pgsync_source_json_create(PgsyncTarget *target, text *data, bool lines_allowed)
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
	source->tokens = palloc0(sizeof(PgsyncJsonToken) * natts);
	initStringInfo(&source->buf);
	return (PgsyncSource *) source;
}
