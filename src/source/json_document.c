/*-------------------------------------------------------------------------
 *
 * json_document.c
 *	  Finds the rows in a JSON text that is read a piece at a time.
 *
 *		[{...}, {...}]					an array's elements
 *		{...} {...}						values that follow each other
 *		{"data": {"items": [{...}]}}	the same behind a path, {data,items}
 *		{"AF": {...}, "AL": {...}}		an object's members
 *
 * What stands beside the path is stepped over and checked, never kept: memory
 * is bounded by the longest row or key.  Rows are handed on before the rest
 * of the document has been seen; what is wrong with that rest is an error in
 * the end.  Reading a row itself is source_json.c's business.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "source/json_document.h"
#include "source/jsonb_rows.h"
#include "utils/jsonfuncs.h"
#include "utils/memutils.h"
#include "value/json_check.h"
#include "value/json_scan.h"

/* How much of text that cannot stand there an error shows */
#define MAX_SHOWN	40

/* Prepares to read; the place must outlive the document. */
void
pgsync_json_document_init(PgsyncJsonDocument *document, PgsyncTextInput *input,
						  const PgsyncJsonPlace *place)
{
	memset(document, 0, sizeof(PgsyncJsonDocument));
	document->input = input;
	document->place = *place;
	document->first = true;
	document->open = palloc0(list_length(place->path) + 1);
	initStringInfo(&document->key);
	pgsync_json_skip_init(&document->skip);
}

/*
 * Returns the line that a byte still there stands on; 1 for one in a copy of
 * the text.
 */
static int64
line_of(PgsyncJsonDocument *document, const char *position)
{
	PgsyncTextInput *input = document->input;
	int64		line = input->discarded_lines + 1;

	if (position < input->begin || position > input->end)
		return 1;
	for (const char *p = input->begin;
		 (p = memchr(p, '\n', position - p)) != NULL; p++)
	{
		CHECK_FOR_INTERRUPTS();
		line++;
	}
	return line;
}

/*
 * Has core's parser find out what is wrong with a piece of the text, as its
 * errors say it.  Returns if it finds nothing wrong.
 */
void
pgsync_json_document_check(PgsyncJsonDocument *document, const char *from,
						   const char *to)
{
	/* counting lines is for errors only: it takes as long as the input is */
	if (!pgsync_json_is_valid(from, to - from))
		pgsync_json_report(from, to - from, line_of(document, from));
}

/* Returns the text from here on, as an error shows it. */
static char *
shown_text(PgsyncTextInput *input)
{
	int			len = Min(input->end - input->ptr, MAX_SHOWN + MAX_MULTIBYTE_CHAR_LEN);

	return pnstrdup(input->ptr, pg_mbcliplen(input->ptr, len, MAX_SHOWN));
}

/* Returns the number of the next byte, counted from 1. */
static long long
byte_number(PgsyncTextInput *input)
{
	return input->discarded + (input->ptr - input->begin) + 1;
}

/*
 * Reports what cannot stand there: by core's parser, which is given the whole
 * document, or the lone row that begins at "from"; in its stead, where it has
 * no whole to look at, which is so with a file.
 */
void
pgsync_json_document_invalid(PgsyncJsonDocument *document, const char *from)
{
	PgsyncTextInput *input = document->input;
	const char *position = from != NULL ? from : input->ptr;

	position = pgsync_text_input_make_whole(input, position);
	if (from != NULL)
		from = position;
	if (input->in_memory && document->rows != PGSYNC_ROWS_LINES)
		from = input->begin;
	if (from != NULL)
		pgsync_json_document_check(document, from, input->end);
	if (input->ptr == input->end)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s", "json"),
				 errdetail("The input string ended unexpectedly.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s", "json"),
			 errdetail("Found \"%s\" at byte %lld, line %lld.",
					   shown_text(input), byte_number(input),
					   (long long) line_of(document, input->ptr))));
}

/* Reports text behind the end of the data (22P02). */
pg_noreturn static void
report_trailing_text(PgsyncJsonDocument *document)
{
	pgsync_text_input_make_whole(document->input, document->input->ptr);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("invalid input syntax for type %s", "json"),
			 errdetail("Expected end of input at byte %lld, but found \"%s\".",
					   byte_number(document->input),
					   shown_text(document->input))));
}

/*
 * Returns the next byte that is no white space, '\0' at the input's end: text
 * has no other one.
 */
static char
peek(PgsyncJsonDocument *document)
{
	PgsyncTextInput *input = document->input;
	PgsyncJsonScan scan;

	for (;;)
	{
		scan.ptr = input->ptr;
		scan.end = input->end;
		pgsync_json_skip_space(&scan);
		input->ptr = scan.ptr;
		if (input->ptr < input->end)
			return *input->ptr;
		if (!pgsync_text_input_more(input, &scan.ptr))
			return '\0';
	}
}

/*
 * Takes the comma and what blanks there are between an array's rows, if they
 * and the row's first byte are all at hand, as they mostly are.
 */
static inline bool
accept_usual_comma(PgsyncTextInput *input)
{
	PgsyncJsonScan scan = {.ptr = input->ptr + 1,.end = input->end};

	if (input->ptr >= input->end || *input->ptr != ',')
		return false;
	pgsync_json_skip_space(&scan);
	if (scan.ptr >= scan.end || *scan.ptr != '{')
		return false;
	input->ptr = scan.ptr;
	return true;
}

/* Takes this character, behind white space; false if it is another one. */
static bool
accept_byte(PgsyncJsonDocument *document, char c)
{
	if (peek(document) != c)
		return false;
	document->input->ptr++;
	return true;
}

/* Takes this character, which must come. */
static void
expect(PgsyncJsonDocument *document, char c)
{
	if (!accept_byte(document, c))
		pgsync_json_document_invalid(document, NULL);
}

/* Reads a key and its colon into document->key. */
static void
read_key(PgsyncJsonDocument *document)
{
	PgsyncTextInput *input = document->input;
	PgsyncJsonToken token;
	PgsyncJsonScan scan;

	if (peek(document) != '"')
		pgsync_json_document_invalid(document, NULL);
	for (;;)
	{
		scan.ptr = input->ptr;
		scan.end = input->end;
		if (pgsync_json_scan_string(&scan, &token))
			break;
		if (!pgsync_json_document_extend(document))
			pgsync_json_document_invalid(document, input->ptr);
	}
	resetStringInfo(&document->key);
	if (!token.escaped)
		appendBinaryStringInfo(&document->key, token.start, token.len);
	else if (!pgsync_json_unescape(&token, &document->key))
		pgsync_json_document_invalid(document, input->ptr);
	input->ptr = scan.ptr;
	expect(document, ':');
}

/* Steps over a value, in pieces. */
static void
skip_value(PgsyncJsonDocument *document)
{
	PgsyncTextInput *input = document->input;
	PgsyncSkipResult result;

	pgsync_json_skip_begin(&document->skip);
	while ((result = pgsync_json_skip(&document->skip, &input->ptr,
									  input->end)) == PGSYNC_SKIP_MORE)
	{
		const char *keep = input->ptr;

		if (!pgsync_text_input_more(input, &keep))
			break;
	}
	if (result == PGSYNC_SKIP_INVALID ||
		(result == PGSYNC_SKIP_MORE &&
		 !pgsync_json_skip_may_end(&document->skip)))
		pgsync_json_document_invalid(document, NULL);
}

/* Moves to an object's next member; false at its end. */
static bool
next_member(PgsyncJsonDocument *document, bool first)
{
	if (accept_byte(document, '}'))
		return false;
	if (!first)
		expect(document, ',');
	read_key(document);
	return true;
}

/* Moves to an array's next element; false at its end. */
static bool
next_element(PgsyncJsonDocument *document, bool first)
{
	if (accept_byte(document, ']'))
		return false;
	if (!first)
		expect(document, ',');
	return true;
}

/* Moves to the member that a step of the path names. */
static void
enter_object(PgsyncJsonDocument *document, const char *name, int step)
{
	for (bool first = true;; first = false)
	{
		if (!next_member(document, first))
			pgsync_json_path_nowhere(document->place.path, step);
		if (strcmp(document->key.data, name) == 0)
			return;
		skip_value(document);
	}
}

/* Moves to the element that a step of the path counts. */
static void
enter_array(PgsyncJsonDocument *document, const char *name, int step)
{
	int			index;

	if (!pgsync_json_path_index(name, &index))
		pgsync_json_path_nowhere(document->place.path, step);
	if (index < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"at\" must not count from the end of an array"),
				 errdetail("The document is read as a stream; step %d of the path is %s.",
						   step + 1, name),
				 errhint("With a value of type jsonb it may.")));
	for (int i = 0; next_element(document, i == 0); i++)
	{
		if (i == index)
			return;
		skip_value(document);
	}
	pgsync_json_path_nowhere(document->place.path, step);
}

/* Goes along the path to the rows. */
static void
enter_path(PgsyncJsonDocument *document)
{
	ListCell   *cell;

	foreach(cell, document->place.path)
	{
		int			step = foreach_current_index(cell);
		char		c = peek(document);

		document->open[step] = c;
		if (accept_byte(document, '{'))
			enter_object(document, lfirst(cell), step);
		else if (accept_byte(document, '['))
			enter_array(document, lfirst(cell), step);
		else
		{
			skip_value(document);
			pgsync_json_path_scalar(document->place.path, step);
		}
	}
}

/* Steps over the rest of what a step of the path has opened. */
static void
leave_step(PgsyncJsonDocument *document, const char *name, int step)
{
	if (document->open[step] == '[')
	{
		while (next_element(document, false))
			skip_value(document);
		return;
	}
	while (next_member(document, false))
	{
		if (strcmp(document->key.data, name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("key \"%s\" comes twice on the way to the rows",
							name),
					 errdetail("The document is read as a stream; it cannot be told which one is meant."),
					 errhint("With a value of type jsonb the last one counts.")));
		skip_value(document);
	}
}

/* Reads what is behind the rows, and ends the document; returns false. */
static bool
end_document(PgsyncJsonDocument *document)
{
	for (int step = list_length(document->place.path) - 1; step >= 0; step--)
		leave_step(document, list_nth(document->place.path, step), step);
	if (peek(document) != '\0')
		report_trailing_text(document);
	document->rows = PGSYNC_ROWS_NONE;
	pgsync_text_input_close(document->input);
	return false;
}

/* Reports a document that is no object (22023), if it is JSON at all. */
pg_noreturn static void
report_no_object(PgsyncJsonDocument *document)
{
	const char *value = document->input->ptr;
	bool		is_string = peek(document) == '"';

	skip_value(document);
	if (peek(document) != '\0')
		report_trailing_text(document);
	pgsync_no_object_error(is_string &&
						   pgsync_holds_json(value + 1, document->input->ptr));
}

/* Finds out what the rows are, at the end of the path. */
static void
begin_rows(PgsyncJsonDocument *document)
{
	const PgsyncJsonPlace *place = &document->place;
	char		c = peek(document);

	if (place->one_object && c != '{')
		report_no_object(document);
	if (place->members)
	{
		if (c != '{' && (c != '\0' || place->path != NIL))
		{
			skip_value(document);
			pgsync_json_members_error();
		}
		document->rows = c == '{' ? PGSYNC_ROWS_MEMBERS : PGSYNC_ROWS_LINES;
	}
	else if (c == '[')
		document->rows = PGSYNC_ROWS_ELEMENTS;
	else if (place->path == NIL)
		document->rows = PGSYNC_ROWS_LINES;
	else if (c == '{')
		document->rows = PGSYNC_ROWS_ONE;
	else
	{
		skip_value(document);
		pgsync_json_path_scalar(place->path, list_length(place->path));
	}
	if (document->rows == PGSYNC_ROWS_ELEMENTS ||
		document->rows == PGSYNC_ROWS_MEMBERS)
		document->input->ptr++;
}

/*
 * Moves to the next row's first byte, input->ptr; false at the end of the
 * document, all of which has been read then.  For members, document->key is
 * the row's name.
 */
bool
pgsync_json_document_next(PgsyncJsonDocument *document)
{
	bool		first = document->first;
	bool		found;

	if (document->rows == PGSYNC_ROWS_UNKNOWN)
	{
		enter_path(document);
		begin_rows(document);
	}
	document->first = false;
	if (document->rows == PGSYNC_ROWS_ELEMENTS && !first &&
		accept_usual_comma(document->input))
		return true;
	switch (document->rows)
	{
		case PGSYNC_ROWS_ELEMENTS:
			found = next_element(document, first);
			break;
		case PGSYNC_ROWS_MEMBERS:
			found = next_member(document, first);
			break;
		case PGSYNC_ROWS_LINES:
			found = peek(document) != '\0';
			if (found && !first && !document->place.lines_allowed)
				report_trailing_text(document);
			break;
		case PGSYNC_ROWS_ONE:
			found = first;
			break;
		default:
			return false;
	}
	if (!found)
		return end_document(document);
	peek(document);
	return true;
}

/*
 * Brings more of a value that begins at input->ptr and has not come as a
 * whole; false if it has, or there is no more.  Of a file, a value that is
 * broken brings no more either: there may be gigabytes.
 */
bool
pgsync_json_document_extend(PgsyncJsonDocument *document)
{
	PgsyncTextInput *input = document->input;
	const char *p = input->ptr;
	bool		found;

	if (input->in_memory)
		return false;
	if (input->is_file)
	{
		pgsync_json_skip_begin(&document->skip);
		if (pgsync_json_skip(&document->skip, &p,
							 input->end) != PGSYNC_SKIP_MORE)
			return false;
		p = input->ptr;
	}
	found = pgsync_text_input_more(input, &p);
	input->ptr = p;
	return found;
}

/*
 * Returns where the line ends that begins at input->ptr, which may move it.
 */
const char *
pgsync_json_document_line_end(PgsyncJsonDocument *document)
{
	PgsyncTextInput *input = document->input;

	for (;;)
	{
		const char *end = memchr(input->ptr, '\n', input->end - input->ptr);
		const char *keep = input->ptr;

		if (end != NULL)
			return end;
		if (!pgsync_text_input_more(input, &keep))
			return input->end;
		input->ptr = keep;
	}
}
