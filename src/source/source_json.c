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
 * values are (json_scan.c), then each value is converted.  A row that has
 * the same bytes between its values as the one before it (json_shape.c) is
 * scanned for its values only; one that turns out to be another is scanned
 * again from its start.  What the scanner cannot read goes to core's parser,
 * for its error message.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/jsonapi.h"
#include "common/relation.h"
#include "value/json_scan.h"
#include "value/json_to_jsonb.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "row/unknown_names.h"
#include "source/json_document.h"
#include "source/json_shape.h"
#include "source/jsonb_rows.h"
#include "source/row_source.h"
#include "source/source_json.h"
#include "utils/builtins.h"
#include "utils/jsonfuncs.h"

/* What is wrong with the form of a row that leaves the next one readable */
typedef enum JsonRowFault
{
	JSON_ROW_FINE,
	JSON_ROW_NO_OBJECT,			/* another value */
	JSON_ROW_BROKEN,			/* no JSON; read on in the next line */
} JsonRowFault;

/* A row that has been kept */
typedef struct KeptRow
{
	uint64		number;
	PgsyncJsonRows rows;		/* that it was one of */
	JsonRowFault fault;
	const char *object;
	Size		len;
	const char *key;			/* the member's name, for members */
	int			nvalues;		/* -1: scan it again */
	PgsyncJsonToken *tokens;	/* of its values */
	AttrNumber *sequence;		/* and their columns */
} KeptRow;

typedef struct JsonSource
{
	PgsyncSource base;
	PgsyncTextInput *input;
	PgsyncJsonDocument document;
	PgsyncJsonRows rows;		/* what the current row is one of */
	AttrNumber	key_column;		/* takes the names of members; 0: none */
	PgsyncJsonScan scan;
	PgsyncJsonShapes shapes;	/* of earlier rows */
	uint64		nread;			/* rows so far */
	const uint64 *numbers;		/* of the rows, or NULL: 1, 2, ... */
	uint64		number;			/* of the current row */
	bool		recalled;		/* is the current row one that was kept? */
	const char *object;			/* the current row's first byte */
	const char *object_end;		/* behind its last byte */
	JsonRowFault fault;
	AttrNumber *sequence;		/* the previous row's columns, in key order */
	int			nsequence;		/* how many columns the current row names */
	uint64	   *named_by;		/* the last scan to name it, by attribute */
	uint64		scans;			/* so far: a row may take more than one */
	PgsyncJsonToken *tokens;	/* the current row's values, by attribute */
	PgsyncJsonToken *keys;		/* and the keys that they came under */
	AttrNumber	conflict;		/* a column that two keys stand for, or 0 */
	uint64		nunknown;		/* how many of its keys are no columns */
	PgsyncJsonToken unknown[PGSYNC_UNKNOWN_SHOWN];	/* the first of them */
	StringInfoData replaced;	/* tokens of values that are not to be used */
	StringInfoData buf;			/* for unescaping */
	Size		text_bytes;		/* of the current row's strings and numbers */
	PgsyncRoom	room;			/* for its values */
} JsonSource;

/* Has core's parser find what is wrong with a piece, if anything is. */
static void
report_by_core(JsonSource *source, const char *from, const char *to)
{
	pgsync_json_document_check(&source->document, from, to);
}

/* Reports JSON that the scanner could not read. */
pg_noreturn static void
report_invalid(JsonSource *source)
{
	if (source->recalled)
	{
		report_by_core(source, source->object, source->object_end);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s", "json")));
	}
	pgsync_json_document_invalid(&source->document, source->object);
}

/* Reports a string with an invalid escape. */
pg_noreturn static void
report_bad_string(JsonSource *source, const PgsyncJsonToken *token)
{
	report_by_core(source, token->start - 1, token->start + token->len + 1);
	report_invalid(source);
}

/* Reports a row that is no object, if it is JSON at all. */
pg_noreturn static void
report_not_an_object(JsonSource *source)
{
	bool		serialized = *source->object == '"' &&
	pgsync_holds_json(source->object + 1, source->object_end);

	report_by_core(source, source->object, source->object_end);
	if (source->rows == PGSYNC_ROWS_ELEMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element %llu of the array is not a JSON object",
						(unsigned long long) source->number),
				 serialized ? pgsync_hint_serialized() :
				 errhint("Every element must be an object whose keys are column names.")));
	if (source->rows == PGSYNC_ROWS_MEMBERS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"%s\" of the object is not a JSON object",
						pgsync_shown_name(source->document.key.data,
										  source->document.key.len)),
				 errhint("With key_column, every member must be an object whose keys are column names.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON object or an array of objects"),
			 serialized ? pgsync_hint_serialized() : 0));
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

/* Returns whether two keys are the same when they are unescaped. */
static bool
same_unescaped(const PgsyncJsonToken *first, const PgsyncJsonToken *second)
{
	StringInfoData a;
	StringInfoData b;
	bool		same;

	initStringInfo(&a);
	initStringInfo(&b);
	same = pgsync_json_unescape(first, &a) &&
		pgsync_json_unescape(second, &b) &&
		a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
	pfree(a.data);
	pfree(b.data);
	return same;
}

/* Returns whether two keys are the same, however they are written. */
static bool
same_key(const PgsyncJsonToken *first, const PgsyncJsonToken *second)
{
	if (first->len == second->len &&
		memcmp(first->start, second->start, first->len) == 0)
		return true;
	return (first->escaped || second->escaped) &&
		same_unescaped(first, second);
}

/* Keeps a value that is not used for one thing: it must be JSON, too. */
static void
replace_value(JsonSource *source, const PgsyncJsonToken *value)
{
	appendBinaryStringInfo(&source->replaced, (const char *) value,
						   sizeof(PgsyncJsonToken));
}

/* Keeps a key that is no column, or counts it. */
static void
keep_unknown(JsonSource *source, const PgsyncJsonToken *key)
{
	int			kept = Min(source->nunknown, PGSYNC_UNKNOWN_SHOWN);

	for (int i = 0; i < kept; i++)
	{
		if (same_key(&source->unknown[i], key))
			return;
	}
	if (kept < PGSYNC_UNKNOWN_SHOWN)
		source->unknown[kept] = *key;
	source->nunknown++;
}

/* Forgets the row before. */
static inline void
begin_object(JsonSource *source)
{
	source->nsequence = 0;
	source->nunknown = 0;
	source->conflict = 0;
	source->text_bytes = 0;
	resetStringInfo(&source->replaced);
}

/* Counts a value that a room will be asked for. */
static inline void
count_text(JsonSource *source, const PgsyncJsonToken *value)
{
	if (value->kind == PGSYNC_JSON_STRING || value->kind == PGSYNC_JSON_NUMBER)
		source->text_bytes += value->len;
}

/*
 * Keeps the value of a key.  Of a key that comes twice in an object the last
 * value counts, as in jsonb.
 * Returns the key's column; 0 if it has none of its own, and rows like this
 * one are not to be predicted.
 */
static inline AttrNumber
keep_value(JsonSource *source, const PgsyncJsonToken *key,
		   const PgsyncJsonToken *value)
{
	AttrNumber	attnum = find_key(source, key);
	bool		first = true;

	if (attnum == PGSYNC_DROPPED_NAME)
	{
		if (needs_check(value))
			replace_value(source, value);
		return attnum;
	}
	if (attnum == 0)
	{
		keep_unknown(source, key);
		return 0;
	}
	if (source->named_by[attnum - 1] != source->scans)
	{
		source->named_by[attnum - 1] = source->scans;
		source->sequence[source->nsequence++] = attnum;
	}
	else
	{
		first = false;
		if (needs_check(&source->tokens[attnum - 1]))
			replace_value(source, &source->tokens[attnum - 1]);
		if (source->base.target->names != NULL &&
			!same_key(&source->keys[attnum - 1], key))
			source->conflict = attnum;
	}
	count_text(source, value);
	source->keys[attnum - 1] = *key;
	source->tokens[attnum - 1] = *value;
	return first ? attnum : 0;
}

/*
 * Scans an object that may have a noted shape; false if it has not, and then
 * the row has to be scanned again.
 */
static bool
scan_predicted(JsonSource *source, const PgsyncJsonShape *shape)
{
	PgsyncJsonScan *scan = &source->scan;
	const PgsyncJsonPiece *piece = shape->pieces;
	const PgsyncJsonPiece *last = piece + shape->npieces - 1;

	begin_object(source);
	for (; piece < last; piece++)
	{
		PgsyncJsonToken ignored;
		PgsyncJsonToken *value = &ignored;

		if (piece->attnum != PGSYNC_DROPPED_NAME)
			value = &source->tokens[piece->attnum - 1];
		if (!pgsync_json_shape_accept(shape, piece, &scan->ptr, scan->end) ||
			!pgsync_json_scan_short_value(scan, value))
			return false;
		if (piece->attnum != PGSYNC_DROPPED_NAME)
		{
			count_text(source, value);
			source->named_by[piece->attnum - 1] = source->scans;
			source->sequence[source->nsequence++] = piece->attnum;
		}
		else if (needs_check(value))
			replace_value(source, value);
	}
	return pgsync_json_shape_accept(shape, last, &scan->ptr, scan->end);
}

/* Returns the first byte of a value. */
static inline const char *
value_start(const PgsyncJsonToken *value)
{
	return value->start - (value->kind == PGSYNC_JSON_STRING ? 1 : 0);
}

/*
 * Scans an object, keeping where its values are and what it looks like
 * between them; false if it is no JSON.
 */
static bool
scan_object(JsonSource *source)
{
	PgsyncJsonScan *scan = &source->scan;
	PgsyncJsonShapes *shapes = &source->shapes;
	const char *from = scan->ptr;
	PgsyncJsonToken key;
	PgsyncJsonToken value;

	begin_object(source);
	pgsync_json_shapes_begin(shapes);
	scan->ptr++;
	if (pgsync_json_accept(scan, '}'))
		return true;
	do
	{
		AttrNumber	attnum;

		pgsync_json_skip_space(scan);
		if (scan->ptr >= scan->end || *scan->ptr != '"' ||
			!pgsync_json_scan_string(scan, &key) ||
			!pgsync_json_accept(scan, ':'))
			return false;
		pgsync_json_skip_space(scan);
		if (!pgsync_json_scan_value(scan, &value))
			return false;
		attnum = keep_value(source, &key, &value);
		if (attnum == 0)
			shapes->learning = NULL;
		if (shapes->learning != NULL)
			pgsync_json_shapes_add(shapes, from, value_start(&value), attnum);
		from = scan->ptr;
	} while (pgsync_json_accept(scan, ','));
	if (!pgsync_json_accept(scan, '}'))
		return false;
	if (shapes->learning != NULL)
		pgsync_json_shapes_end(shapes, from, scan->ptr);
	return true;
}

/* Scans an object, in the way that the rows before it suggest. */
static bool
scan_object_or_predicted(JsonSource *source)
{
	PgsyncJsonShapes *shapes = &source->shapes;

	if (!pgsync_json_shapes_predict(shapes))
		return scan_object(source);
	for (int tried = 0; tried < PGSYNC_JSON_SHAPES; tried++)
	{
		PgsyncJsonShape *shape = pgsync_json_shapes_candidate(shapes, tried);

		if (!shape->known)
			continue;
		if (scan_predicted(source, shape))
		{
			pgsync_json_shapes_met(shapes, shape);
			return true;
		}
		source->scan.ptr = source->object;
		source->scans++;
	}
	pgsync_json_shapes_missed(shapes);
	return scan_object(source);
}

/*
 * Gets over a row that is no JSON.  In an array nothing behind it can be
 * told from it; of JSON Lines, the next line begins another row.
 */
static void
skip_broken_row(JsonSource *source)
{
	if (source->document.rows != PGSYNC_ROWS_LINES ||
		!source->document.place.lines_allowed)
		report_invalid(source);
	source->fault = JSON_ROW_BROKEN;
	source->scan.ptr = pgsync_json_document_line_end(&source->document);
	source->object = source->input->ptr;
}

/* Keeps a row that is a bare value, for the verbs that take one. */
static void
keep_bare_value(JsonSource *source, const PgsyncJsonToken *value)
{
	AttrNumber	attnum = source->base.scalar_column;

	begin_object(source);
	count_text(source, value);
	source->named_by[attnum - 1] = source->scans;
	source->tokens[attnum - 1] = *value;
	source->sequence[0] = attnum;
	source->nsequence = 1;
}

/* Scans a row; false if it is no JSON as far as it goes. */
static bool
scan_row(JsonSource *source, const char *from, const char *to)
{
	PgsyncJsonScan *scan = &source->scan;
	PgsyncJsonToken other;

	scan->ptr = source->object = from;
	scan->end = to;
	source->fault = JSON_ROW_FINE;
	source->scans++;
	if (scan->ptr < scan->end && *scan->ptr == '{')
		return scan_object_or_predicted(source);
	if (!pgsync_json_scan_value(scan, &other))
		return false;
	if (source->base.scalar_column != 0 && other.kind != PGSYNC_JSON_NESTED)
		keep_bare_value(source, &other);
	else
		source->fault = JSON_ROW_NO_OBJECT;
	return true;
}

/* Scans the row, and brings more of the text as long as it is incomplete. */
static void
read_row(JsonSource *source)
{
	bool		complete;

	do
	{
		complete = scan_row(source, source->input->ptr, source->input->end);
		/* at the end of the text there is, a number may go on */
	} while ((!complete || source->scan.ptr == source->input->end) &&
			 pgsync_json_document_extend(&source->document));
	if (!complete)
		skip_broken_row(source);
	source->object_end = source->scan.ptr;
	source->input->ptr = source->object_end;
}

/* Has a member's name be the value of the key column. */
static void
name_member(JsonSource *source)
{
	AttrNumber	attnum = source->key_column;
	PgsyncJsonToken *token = &source->tokens[attnum - 1];

	if (source->fault != JSON_ROW_FINE)
		return;
	if (source->named_by[attnum - 1] == source->scans)
	{
		source->conflict = attnum;
		return;
	}
	token->kind = PGSYNC_JSON_STRING;
	token->start = source->document.key.data;
	token->len = source->document.key.len;
	token->escaped = false;
	count_text(source, token);
	source->sequence[source->nsequence++] = attnum;
}

/* Scans the next row; see PgsyncSourceRoutine. */
static bool
json_source_fetch(PgsyncSource *base, PgsyncRow *row)
{
	JsonSource *source = (JsonSource *) base;

	if (source->input->is_stored && !base->stays_stored)
	{
		pgsync_text_input_fetch_all(source->input);
		pgsync_text_input_show_all(source->input);
	}
	if (!pgsync_json_document_next(&source->document))
		return false;
	source->rows = source->document.rows;
	source->nread++;
	source->number = source->numbers == NULL ? source->nread :
		source->numbers[source->nread - 1];
	row->number = source->number;
	source->recalled = false;
	read_row(source);
	if (source->key_column != 0)
		name_member(source);
	row->size = source->object_end - source->object;
	return true;
}

/* Returns whether the row is an object each of whose keys names one column. */
static inline bool
is_plain(JsonSource *source)
{
	return source->fault == JSON_ROW_FINE && source->nunknown == 0 &&
		source->conflict == 0 && source->replaced.len == 0;
}

/* Keeps where the values of a plain row are, in its copy if there is one. */
static void
keep_tokens(JsonSource *source, KeptRow *kept)
{
	ptrdiff_t	moved = kept->object - source->object;

	kept->nvalues = source->nsequence;
	for (int i = 0; i < kept->nvalues; i++)
	{
		AttrNumber	attnum = source->sequence[i];

		kept->sequence[i] = attnum;
		kept->tokens[i] = source->tokens[attnum - 1];
		kept->tokens[i].start += moved;
		if (attnum == source->key_column)
			kept->tokens[i].start = kept->key;
	}
}

/* Keeps the current row; see PgsyncSourceRoutine. */
static void *
json_source_keep(PgsyncSource *base)
{
	JsonSource *source = (JsonSource *) base;
	bool		copied = base->brief || !source->input->in_memory;
	Size		len = source->object_end - source->object;
	Size		tokens_size = sizeof(PgsyncJsonToken) * source->nsequence;
	Size		size = sizeof(KeptRow) + tokens_size +
	sizeof(AttrNumber) * source->nsequence;
	KeptRow    *kept = MemoryContextAllocHuge(CurrentMemoryContext,
											  size + (copied ? len : 0));

	kept->tokens = (PgsyncJsonToken *) (kept + 1);
	kept->sequence = (AttrNumber *) ((char *) kept->tokens + tokens_size);
	kept->number = source->number;
	kept->rows = source->rows;
	kept->fault = source->fault;
	kept->len = len;
	kept->object = copied ? memcpy((char *) kept + size, source->object, len) :
		source->object;
	kept->key = source->key_column != 0 ?
		pnstrdup(source->document.key.data, source->document.key.len) : NULL;
	kept->nvalues = -1;
	if (is_plain(source))
		keep_tokens(source, kept);
	return kept;
}

/* Makes a kept row the current one; see PgsyncSourceRoutine. */
static void
json_source_recall(PgsyncSource *base, void *row)
{
	JsonSource *source = (JsonSource *) base;
	KeptRow    *kept = row;

	source->number = kept->number;
	source->rows = kept->rows;
	source->recalled = true;
	if (kept->key != NULL)
	{
		resetStringInfo(&source->document.key);
		appendStringInfoString(&source->document.key, kept->key);
	}
	if (kept->nvalues < 0 && kept->fault != JSON_ROW_BROKEN)
	{
		scan_row(source, kept->object, kept->object + kept->len);
		if (source->key_column != 0)
			name_member(source);
	}
	source->object = kept->object;
	source->object_end = kept->object + kept->len;
	source->fault = kept->fault;
	if (kept->nvalues < 0)
		return;
	begin_object(source);
	source->nsequence = kept->nvalues;
	for (int i = 0; i < kept->nvalues; i++)
	{
		source->sequence[i] = kept->sequence[i];
		source->tokens[kept->sequence[i] - 1] = kept->tokens[i];
		count_text(source, &kept->tokens[i]);
	}
}

/* Reports the keys that are no columns (42703). */
pg_noreturn static void
report_unknown_keys(JsonSource *source)
{
	PgsyncUnknownNames unknown = {
		.target = source->base.target,
		.has_options = source->base.has_options
	};
	int			kept = Min(source->nunknown, PGSYNC_UNKNOWN_SHOWN);

	for (int i = 0; i < kept; i++)
	{
		PgsyncJsonToken *key = &source->unknown[i];

		if (!key->escaped)
		{
			pgsync_unknown_names_add(&unknown, key->start, key->len);
			continue;
		}
		resetStringInfo(&source->buf);
		if (!pgsync_json_unescape(key, &source->buf))
			report_invalid(source);
		pgsync_unknown_names_add(&unknown, source->buf.data, source->buf.len);
	}
	unknown.more = source->nunknown - kept;
	pgsync_unknown_names_report(&unknown);
}

/* Converts a string; an invalid escape is reported by core's parser. */
static Datum
convert_string(JsonSource *source, PgsyncConverter *converter,
			   const PgsyncJsonToken *token)
{
	if (!token->escaped)
		return pgsync_convert_string(converter, &source->room, token->start, token->len);

	resetStringInfo(&source->buf);
	if (!pgsync_json_unescape(token, &source->buf))
		report_bad_string(source, token);
	return pgsync_convert_string(converter, &source->room, source->buf.data,
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
	PgsyncConverter *converter;
	PgsyncJsonToken *token = &source->tokens[attnum - 1];
	bool	   *isnull = &row->nulls[attnum - 1];
	Datum		value;

	row->named[attnum - 1] = true;
	if (pgsync_source_ignores(&source->base, attnum))
	{
		check_ignored(source, token);
		return;
	}
	converter = pgsync_target_converter(source->base.target, attnum);
	*isnull = false;
	switch (token->kind)
	{
		case PGSYNC_JSON_STRING:
			value = convert_string(source, converter, token);
			break;
		case PGSYNC_JSON_NUMBER:
			value = pgsync_convert_number(converter, &source->room, token->start, token->len);
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
	if (source->nunknown > 0)
		report_unknown_keys(source);
	if (source->conflict != 0)
		pgsync_names_conflict(source->base.target, source->conflict);
	check_replaced(source);
}

/* Converts the row that has been scanned; see PgsyncSourceRoutine. */
static void
json_source_convert(PgsyncSource *base, PgsyncRow *row)
{
	JsonSource *source = (JsonSource *) base;

	if (!is_plain(source))
		report_fault(source);
	pgsync_room_begin(&source->room, source->text_bytes +
					  source->nsequence * PGSYNC_ROOM_FOR(0));
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
	PgsyncTextInput *input = ((JsonSource *) base)->input;

	if (input->in_memory)
	{
		*done = input->ptr - input->begin;
		*total = input->end - input->begin;
	}
	else
		pgsync_text_input_progress(input, done, total);
}

#define JSON_SOURCE_ROUTINE \
	.unit = PGSYNC_UNIT_ROW, \
	.raw_is_json = true, \
	.fetch = json_source_fetch, \
	.convert = json_source_convert, \
	.keep = json_source_keep, \
	.recall = json_source_recall, \
	.describe_value = json_source_describe_value, \
	.append_raw = json_source_append_raw, \
	.make_jsonb = json_source_make_jsonb, \
	.progress = json_source_progress

static const PgsyncSourceRoutine json_source_routine = {
	JSON_SOURCE_ROUTINE
};

static const PgsyncSourceRoutine json_file_routine = {
	JSON_SOURCE_ROUTINE,
	.reads_file = true
};

/*
 * Creates a source over a text or file.
 *
 * Errors: 42703 if key_column names no column.
 */
static PgsyncSource *
create_source(PgsyncTarget *target, PgsyncTextInput *input,
			  const PgsyncJsonOptions *options, bool lines_allowed)
{
	JsonSource *source = palloc0(sizeof(JsonSource));
	int			natts = Max(target->natts, 1);
	PgsyncJsonPlace place = {
		.lines_allowed = lines_allowed,
		.members = options->key_column != NULL,
		.one_object = options->one_object,
		.path = options->path
	};

	source->base.routine = input->is_file ? &json_file_routine :
		&json_source_routine;
	source->base.target = target;
	source->base.is_stored = input->is_stored;
	source->input = input;
	if (options->key_column != NULL)
		source->key_column = pgsync_json_key_column(target,
													options->key_column);
	pgsync_json_document_init(&source->document, input, &place);
	source->sequence = palloc0(sizeof(AttrNumber) * natts);
	source->named_by = palloc0(sizeof(uint64) * natts);
	source->tokens = palloc0(sizeof(PgsyncJsonToken) * natts);
	source->keys = palloc0(sizeof(PgsyncJsonToken) * natts);
	pgsync_json_shapes_init(&source->shapes);
	initStringInfo(&source->buf);
	initStringInfo(&source->replaced);
	return (PgsyncSource *) source;
}

/* Returns the column that takes the names of members (42703 if none). */
AttrNumber
pgsync_json_key_column(PgsyncTarget *target, const char *name)
{
	AttrNumber	attnum = pgsync_target_find(target, name, strlen(name));

	if (attnum == 0)
		pgsync_target_unknown_column(target, name, strlen(name));
	return attnum;
}

/*
 * Creates a source over a text or json, perhaps toasted, which must outlive
 * it.
 *
 * With lines_allowed, several objects may follow each other.
 */
PgsyncSource *
pgsync_source_json_open_text(PgsyncTarget *target, struct varlena *data,
							 const PgsyncJsonOptions *options,
							 bool lines_allowed)
{
	PgsyncTextInput *input = pgsync_text_input_open_value(data);

	pgsync_text_input_show_all(input);
	return create_source(target, input, options, lines_allowed);
}

/*
 * Creates a source over a file of the server.
 *
 * Errors: 22023 for an encoding that is none; those of
 * pgsync_text_input_open_file.
 */
PgsyncSource *
pgsync_source_json_open_file(PgsyncTarget *target, const PgsyncFileName *name,
							 const PgsyncJsonOptions *options)
{
	int			encoding = pg_get_client_encoding();

	if (options->encoding != NULL)
	{
		encoding = pg_char_to_encoding(options->encoding);
		if (encoding < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument to option \"%s\" must be a valid encoding name",
							"encoding")));
	}
	return create_source(target, pgsync_text_input_open_file(name, encoding),
						 options, true);
}

/*
 * Gives the rows numbers of their own, one for each: those that they have in
 * the input which the text was made of.
 */
void
pgsync_source_json_number_rows(PgsyncSource *base, const uint64 *numbers)
{
	((JsonSource *) base)->numbers = numbers;
}

/* Creates the source for a data argument. */
PgsyncSource *
pgsync_source_for_json(PgsyncTarget *target, Datum data,
					   PgsyncJsonFormat format)
{
	static const PgsyncJsonOptions none = {0};

	if (format == PGSYNC_JSON_FORMAT_ROW_SOURCE)
		return pgsync_row_source_open(target, data);
	if (format == PGSYNC_JSON_FORMAT_JSONB)
		return pgsync_source_jsonb_open(target, DatumGetJsonbP(data), &none);
	return pgsync_source_json_open_text(target,
										(struct varlena *) DatumGetPointer(data),
										&none,
										format == PGSYNC_JSON_FORMAT_TEXT);
}

/*
 * Creates the source for a data argument that is one object.
 *
 * Errors: 22023 for other JSON; that of a text comes when it is read.
 */
PgsyncSource *
pgsync_source_for_object(PgsyncTarget *target, Datum data,
						 PgsyncJsonFormat format)
{
	static const PgsyncJsonOptions options = {.one_object = true};

	if (format != PGSYNC_JSON_FORMAT_JSONB)
		return pgsync_source_json_open_text(target, DatumGetTextPP(data),
											&options, false);
	pgsync_jsonb_check_object(DatumGetJsonbP(data));
	return pgsync_source_for_json(target, data, format);
}
