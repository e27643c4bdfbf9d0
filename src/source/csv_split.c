/*-------------------------------------------------------------------------
 *
 * csv_split.c
 *	  Splits CSV into rows and fields.
 *
 * The format is that of COPY (core's copyfromparse.c): a quote may begin and
 * end anywhere in a field, the escape character counts within quotes only,
 * all lines end alike.  In one thing it is more lenient: the last line of
 * a CRLF file may have lost its LF.  Unlike COPY's parser it tells which
 * fields were quoted, and a line of just \. is data.
 *
 * The input is text in the server's encoding, whatever the file's was: there
 * no byte of a longer character looks like ASCII, so single bytes can be
 * compared.
 *
 * A row is split in one pass.  When the pass meets the end of the text that
 * there is so far, more is asked for and the row begins again: that happens
 * once in thousands of rows, and the text doubles for a row that is long.
 *
 * With vectors of bytes, the pass is one that copies and compares a vector at
 * a time; where the row is long, or ends near the end of the text, it begins
 * again with the other.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "miscadmin.h"
#include "source/csv_split.h"

/* Longer rows are not split by vectors */
#define VECTOR_ROW		(64 * 1024)

/* Bytes of a field between two looks for a cancel */
#define FIELD_PIECE		(1024 * 1024)

/* Why splitting stopped */
typedef enum SplitStop
{
	SPLIT_NEEDS_TEXT,			/* the row goes on behind the text there is */
	SPLIT_AT_DELIMITER,
	SPLIT_AT_LINE_END,
	SPLIT_AT_INPUT_END,
} SplitStop;

/* Prepares to split the input. */
void
pgsync_csv_splitter_init(PgsyncCsvSplitter *splitter, PgsyncTextInput *input,
						 const PgsyncCsvFormat *format)
{
	memset(splitter, 0, sizeof(PgsyncCsvSplitter));
	splitter->input = input;
	splitter->format = *format;
	splitter->unquoted = (PgsyncFourBytes)
	{
		{
			format->delimiter, format->quote, '\n', '\r'
		}
	};
	splitter->quoted = (PgsyncFourBytes)
	{
		{
			format->quote, format->escape, format->quote, format->escape
		}
	};
	splitter->next_line = 1;
	splitter->null_len = strlen(format->null_string);
	splitter->max_fields = 16;
	splitter->fields = palloc(sizeof(PgsyncCsvField) * splitter->max_fields);
	splitter->values_size = VECTOR_ROW + 2 * PGSYNC_VECTOR_PADDING;
	splitter->values = palloc(splitter->values_size);
}

/* Asks for more text behind "keep", where the row begins. */
static void
need_text(PgsyncCsvSplitter *splitter)
{
	PgsyncTextInput *input = splitter->input;
	const char *keep = input->ptr;

	if (!pgsync_text_input_more(input, &keep))
		splitter->at_end = true;
	input->ptr = keep;
}

/* Makes sure that there is text, if there is any left; false if not. */
static bool
have_text(PgsyncCsvSplitter *splitter)
{
	while (splitter->input->ptr == splitter->input->end && !splitter->at_end)
		need_text(splitter);
	return splitter->input->ptr < splitter->input->end;
}

/* Appends a piece to the values; a byte more is kept free. */
static inline void
append_piece(PgsyncCsvSplitter *splitter, const char *piece, Size len)
{
	if (splitter->values_len + len + 1 >= splitter->values_size)
	{
		splitter->values_size = 2 * (splitter->values_len + len + 1);
		splitter->values = repalloc_huge(splitter->values,
										 splitter->values_size);
	}
	memcpy(splitter->values + splitter->values_len, piece, len);
	splitter->values_len += len;
}

/*
 * Appends the bytes up to one of those that end a piece; returns that one, or
 * the end.  As the field may be the whole input, a cancel is noticed.
 */
static inline const char *
take_plain(PgsyncCsvSplitter *splitter, const char *p, const char *end,
		   PgsyncFourBytes wanted)
{
	for (;;)
	{
		const char *piece_end = p + Min(end - p, FIELD_PIECE);
		const char *found = pgsync_find_one_of(p, piece_end, wanted);

		append_piece(splitter, p, found - p);
		if (found < piece_end || found == end)
			return found;
		CHECK_FOR_INTERRUPTS();
		p = found;
	}
}

/*
 * Reads the rest of a quoted part, behind its quote; false if it needs more
 * text.
 */
static bool
split_quoted(PgsyncCsvSplitter *splitter, const char **ptr)
{
	const char *end = splitter->input->end;
	char		quote = splitter->format.quote;
	char		escape = splitter->format.escape;
	const char *p = *ptr;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		p = take_plain(splitter, p, end, splitter->quoted);
		if (p == end && splitter->at_end)
			ereport(ERROR,
					(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					 errmsg("unterminated CSV quoted field")));
		if (p == end || (*p == escape && p + 1 == end && !splitter->at_end))
			return false;
		if (*p == escape && p + 1 < end && (p[1] == escape || p[1] == quote))
		{
			append_piece(splitter, p + 1, 1);
			p += 2;
		}
		else if (*p == quote)
			break;
		else
			append_piece(splitter, p++, 1);
	}
	*ptr = p + 1;
	return true;
}

/* Reports a line that ends in another way than those before it (22P04). */
static void
report_line_end(bool is_return)
{
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 is_return ?
			 errmsg("unquoted carriage return found in data") :
			 errmsg("unquoted newline found in data"),
			 is_return ?
			 errhint("Use quoted CSV field to represent carriage return.") :
			 errhint("Use quoted CSV field to represent newline.")));
}

/* Takes a CR, and the LF behind it if lines end in both. */
static SplitStop
split_return(PgsyncCsvSplitter *splitter, const char **ptr)
{
	const char *next = *ptr + 1;
	bool		known_behind = next < splitter->input->end;

	if (splitter->line_end == PGSYNC_LINE_END_LF)
		report_line_end(true);
	if (splitter->line_end != PGSYNC_LINE_END_CR)
	{
		if (!known_behind && !splitter->at_end)
			return SPLIT_NEEDS_TEXT;
		if (known_behind && *next == '\n')
		{
			splitter->line_end = PGSYNC_LINE_END_CRLF;
			next++;
		}
		else if (splitter->line_end == PGSYNC_LINE_END_UNKNOWN)
			splitter->line_end = PGSYNC_LINE_END_CR;
		else if (known_behind)
			report_line_end(true);
	}
	*ptr = next;
	return SPLIT_AT_LINE_END;
}

/* Takes a LF. */
static SplitStop
split_newline(PgsyncCsvSplitter *splitter, const char **ptr)
{
	if (splitter->line_end == PGSYNC_LINE_END_CR ||
		splitter->line_end == PGSYNC_LINE_END_CRLF)
		report_line_end(false);
	splitter->line_end = PGSYNC_LINE_END_LF;
	(*ptr)++;
	return SPLIT_AT_LINE_END;
}

/*
 * Reads one field and what ends it; *field_end is set to where its text ends.
 */
static SplitStop
split_field(PgsyncCsvSplitter *splitter, const char **ptr, bool *quoted,
			const char **field_end)
{
	const char *end = splitter->input->end;
	const char *p = *ptr;
	SplitStop	stop;

	*quoted = false;
	for (;;)
	{
		p = take_plain(splitter, p, end, splitter->unquoted);
		if (p == end || *p != splitter->format.quote)
			break;
		*quoted = true;
		p++;
		if (!split_quoted(splitter, &p))
			return SPLIT_NEEDS_TEXT;
	}
	*field_end = p;
	if (p == end)
		stop = splitter->at_end ? SPLIT_AT_INPUT_END : SPLIT_NEEDS_TEXT;
	else if (*p == splitter->format.delimiter)
	{
		p++;
		stop = SPLIT_AT_DELIMITER;
	}
	else if (*p == '\n')
		stop = split_newline(splitter, &p);
	else
		stop = split_return(splitter, &p);
	*ptr = p;
	return stop;
}

/* Adds a field whose value has been appended, and ends with a zero byte. */
static inline void
add_field(PgsyncCsvSplitter *splitter, Size len, bool quoted)
{
	PgsyncCsvField *field;

	if (unlikely(splitter->nfields > PGSYNC_CSV_MAX_FIELDS))
	{
		splitter->fields[splitter->nfields - 1].len += len + 1;
		return;
	}
	if (splitter->nfields == splitter->max_fields)
	{
		splitter->max_fields *= 2;
		splitter->fields = repalloc(splitter->fields,
									sizeof(PgsyncCsvField) *
									splitter->max_fields);
	}
	field = &splitter->fields[splitter->nfields++];
	field->len = len;
	field->quoted = quoted;
}

/* Drops blanks around a field. */
static void
trim_field(PgsyncCsvField *field)
{
	while (field->len > 0 &&
		   (*field->value == ' ' || *field->value == '\t'))
	{
		field->value++;
		field->len--;
	}
	while (field->len > 0 &&
		   (field->value[field->len - 1] == ' ' ||
			field->value[field->len - 1] == '\t'))
		field->len--;
	field->value[field->len] = '\0';
}

/* Returns whether an unquoted field is a word for NULL. */
static inline bool
is_null_word(PgsyncCsvSplitter *splitter, const PgsyncCsvField *field)
{
	ListCell   *cell;

	if (field->len == splitter->null_len &&
		memcmp(field->value, splitter->format.null_string, field->len) == 0)
		return true;
	foreach(cell, splitter->format.null_strings)
	{
		if (strcmp(field->value, lfirst(cell)) == 0)
			return true;
	}
	return false;
}

/* Says where the fields' values are, now that these stay in their place. */
static void
finish_fields(PgsyncCsvSplitter *splitter)
{
	char	   *value = splitter->values;

	for (int i = 0; i < splitter->nfields; i++)
	{
		PgsyncCsvField *field = &splitter->fields[i];

		field->value = value;
		value += field->len + 1;
		if (splitter->format.trim_blanks && !field->quoted)
			trim_field(field);
		field->null = !field->quoted && is_null_word(splitter, field);
	}
}

/* Counts the lines that a row spans: what ends a line, in quotes, does not. */
static void
count_lines(PgsyncCsvSplitter *splitter, bool any_quoted)
{
	char		end = splitter->line_end == PGSYNC_LINE_END_LF ? '\n' : '\r';
	const char *p = splitter->raw;
	const char *raw_end = splitter->raw + splitter->raw_len;

	splitter->next_line = splitter->line + 1;
	if (!any_quoted)
		return;
	while ((p = memchr(p, end, raw_end - p)) != NULL)
	{
		splitter->next_line++;
		p++;
	}
}

/* Ends a row whose fields have been added: its text, and the next one's. */
static void
finish_row(PgsyncCsvSplitter *splitter, const char *row_end, const char *next,
		   bool any_quoted)
{
	PgsyncTextInput *input = splitter->input;

	splitter->raw = input->ptr;
	splitter->raw_len = row_end - input->ptr;
	input->ptr = next;
	finish_fields(splitter);
	count_lines(splitter, any_quoted);
}

#ifdef PGSYNC_VECTORS

/* What a pass by vectors reads, and where the fields' values go */
typedef struct VectorPass
{
	const char *ptr;
	const char *end;
	char	   *out;
} VectorPass;

/*
 * Copies the bytes before one of those wanted; false if there is none, or it
 * is near the end.
 */
static inline bool
copy_until(VectorPass *pass, PgsyncFourBytes wanted)
{
	while (pass->end - pass->ptr > (ptrdiff_t) sizeof(Vector8))
	{
		Vector8		v;
		uint32		found;
		int			len = sizeof(Vector8);

		vector8_load(&v, (const uint8 *) pass->ptr);
		memcpy(pass->out, &v, sizeof(Vector8));
		found = pgsync_vector_one_of(v, wanted);
		if (found != 0)
			len = pg_rightmost_one_pos32(found);
		pass->ptr += len;
		pass->out += len;
		if (found != 0)
			return true;
	}
	return false;
}

/* Copies a quoted part, behind its quote; false as above. */
static inline bool
copy_quoted(VectorPass *pass, PgsyncFourBytes wanted)
{
	char		quote = wanted.bytes[0];
	char		escape = wanted.bytes[1];

	for (;;)
	{
		char		c;

		if (!copy_until(pass, wanted))
			return false;
		c = *pass->ptr++;
		if (c == escape && (*pass->ptr == escape || *pass->ptr == quote))
			c = *pass->ptr++;
		else if (c == quote)
			return true;
		*pass->out++ = c;
	}
}

/*
 * Splits the row that begins at the next byte; false if it must be begun
 * again, by split_row.  That no value can grow longer than what it is copied
 * from keeps all of them, and a vector behind them, within the room there is.
 */
static bool
split_row_by_vectors(PgsyncCsvSplitter *splitter)
{
	PgsyncTextInput *input = splitter->input;
	PgsyncFourBytes unquoted = splitter->unquoted;
	PgsyncFourBytes quoted = splitter->quoted;
	VectorPass	pass = {.ptr = input->ptr,.out = splitter->values};
	const char *row_end;
	bool		any_quoted = false;
	SplitStop	stop;

	pass.end = pass.ptr + Min(input->end - pass.ptr, VECTOR_ROW);
	splitter->nfields = 0;
	for (;;)
	{
		char	   *start = pass.out;
		bool		is_quoted = false;

		while (copy_until(&pass, unquoted) && *pass.ptr == quoted.bytes[0])
		{
			is_quoted = true;
			pass.ptr++;
			if (!copy_quoted(&pass, quoted))
				return false;
		}
		if (pass.end - pass.ptr <= (ptrdiff_t) sizeof(Vector8) + 1)
			return false;
		add_field(splitter, pass.out - start, is_quoted);
		any_quoted |= is_quoted;
		*pass.out++ = '\0';
		row_end = pass.ptr;
		if (*pass.ptr != unquoted.bytes[0])
			break;
		pass.ptr++;
	}
	stop = *pass.ptr == '\n' ? split_newline(splitter, &pass.ptr) :
		split_return(splitter, &pass.ptr);
	if (stop != SPLIT_AT_LINE_END)
		return false;
	finish_row(splitter, row_end, pass.ptr, any_quoted);
	return true;
}

#endif							/* PGSYNC_VECTORS */

/* Splits the row that begins at the next byte; false if it needs more text. */
static bool
split_row(PgsyncCsvSplitter *splitter)
{
	const char *p = splitter->input->ptr;
	const char *field_end;
	bool		any_quoted = false;
	SplitStop	stop;

	splitter->nfields = 0;
	splitter->values_len = 0;
	do
	{
		Size		start = splitter->values_len;
		bool		quoted;

		CHECK_FOR_INTERRUPTS();
		stop = split_field(splitter, &p, &quoted, &field_end);
		if (stop == SPLIT_NEEDS_TEXT)
			return false;
		add_field(splitter, splitter->values_len - start, quoted);
		splitter->values[splitter->values_len++] = '\0';
		any_quoted |= quoted;
	} while (stop == SPLIT_AT_DELIMITER);
	finish_row(splitter, field_end, p, any_quoted);
	return true;
}

/*
 * Reads the next row; false at the end of the input.  splitter->line is set
 * first: an error in the row belongs to the line that it begins on.
 *
 * Errors: 22P04 for a quote that is not closed, and for lines that do not end
 * as those before them; those of the input.
 */
bool
pgsync_csv_next_row(PgsyncCsvSplitter *splitter)
{
	splitter->line = splitter->next_line;
	if (!have_text(splitter))
		return false;
#ifdef PGSYNC_VECTORS
	if (pgsync_scans_vectors() && split_row_by_vectors(splitter))
		return true;
#endif
	while (!split_row(splitter))
		need_text(splitter);
	return true;
}

/* Returns whether the next line has nothing on it. */
bool
pgsync_csv_at_line_end(PgsyncCsvSplitter *splitter)
{
	return have_text(splitter) && (*splitter->input->ptr == '\n' ||
								   *splitter->input->ptr == '\r');
}

/* Returns whether nothing but line ends is left in the input. */
bool
pgsync_csv_only_line_ends_left(PgsyncCsvSplitter *splitter)
{
	PgsyncTextInput *input = splitter->input;
	Size		skipped = 0;

	for (;;)
	{
		while (input->ptr + skipped < input->end &&
			   (input->ptr[skipped] == '\n' || input->ptr[skipped] == '\r'))
			skipped++;
		if (input->ptr + skipped < input->end || splitter->at_end)
			break;
		need_text(splitter);
	}
	return input->ptr + skipped == input->end;
}

/* Skips a line as it stands, quotes or not; false at the input's end. */
bool
pgsync_csv_skip_line(PgsyncCsvSplitter *splitter)
{
	PgsyncTextInput *input = splitter->input;
	bool		returned = false;

	if (!have_text(splitter))
		return false;
	splitter->line = splitter->next_line++;
	for (;;)
	{
		while (input->ptr < input->end)
		{
			char		c = *input->ptr;

			if (returned && c != '\n')
				return true;
			input->ptr++;
			if (c == '\n')
				return true;
			returned = c == '\r';
		}
		if (splitter->at_end)
			return true;
		need_text(splitter);
	}
}
