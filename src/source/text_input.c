/*-------------------------------------------------------------------------
 *
 * text_input.c
 *	  Text to be parsed, a piece at a time: a file of the server, or a value.
 *
 * A file's bytes come from file_input.c; here a byte order mark is dropped,
 * and the text is converted to the server's encoding, or checked if it is in
 * that encoding.  Parsers see a window of the text, which they widen or move
 * on when they reach its end.  A value is there as a whole, but shows a piece
 * at a time too: that keeps one way of parsing for both.  A long one that is
 * stored out of line, as it is, is not even read as a whole: slices of it that
 * fit a processor's cache take a third of the time, and no memory.  (Of a
 * compressed value only the beginning can be read without the rest.)
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/detoast.h"
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "source/text_input.h"
#include "utils/memutils.h"

/* U+FEFF in UTF-8, which some programs put at the start of a file */
#define BYTE_ORDER_MARK			"\xEF\xBB\xBF"
#define BYTE_ORDER_MARK_LEN		3

/* How much text comes at a time, at least */
#define PIECE_SIZE		(64 * 1024)

/* How much of a file is read and checked between two looks for a cancel */
#define MAX_READ_SIZE	(1024 * 1024)

/* ... of a stored value, each slice of which takes an index scan */
#define SLICE_SIZE		(256 * 1024)

typedef struct TextInput
{
	PgsyncTextInput base;
	const char *data_end;		/* of a value: behind its last byte */
	struct varlena *stored;		/* or it is read in slices; else NULL */
	struct varlena *slice;		/* the one at hand */
	Size		mark_len;		/* what it has before its text: a mark, or 0 */
	Size		stored_len;		/* of its text */
	MemoryContext mcxt;			/* keeps the slice */
	PgsyncFileInput *file;		/* NULL: a value */
	int			encoding;		/* of the file */
	Oid			conversion;		/* InvalidOid: only checked */
	bool		file_at_end;
	char	   *buffer;
	Size		size;			/* of the buffer, but for a byte at its end */
	char	   *tail;			/* unchecked bytes begin here: base.end */
	Size		tail_len;
	char	   *raw;			/* bytes still to be converted */
	int			raw_len;
} TextInput;

/* Returns the length of the byte order mark that a text begins with, or 0. */
static Size
mark_length(const char *data, Size length, int encoding)
{
	bool		known = encoding == PG_UTF8 || encoding == PG_SQL_ASCII;

	if (known && length >= BYTE_ORDER_MARK_LEN &&
		memcmp(data, BYTE_ORDER_MARK, BYTE_ORDER_MARK_LEN) == 0)
		return BYTE_ORDER_MARK_LEN;
	return 0;
}

/*
 * Returns the length of a value that can be read in slices, and is worth it;
 * 0 for any other one.
 */
static Size
sliceable_length(struct varlena *value)
{
	struct varatt_external pointer;

	if (!VARATT_IS_EXTERNAL_ONDISK(value) ||
		pgsync_scan_setting == PGSYNC_SCAN_PLAIN)
		return 0;
	VARATT_EXTERNAL_GET_POINTER(pointer, value);
	if (VARATT_EXTERNAL_IS_COMPRESSED(pointer) ||
		pointer.va_rawsize - VARHDRSZ <= 2 * SLICE_SIZE)
		return 0;
	return pointer.va_rawsize - VARHDRSZ;
}

/* Reads a slice of the stored value; it begins where the window is to. */
static void
read_slice(TextInput *input, Size offset, Size length)
{
	PgsyncTextInput *base = &input->base;
	MemoryContext oldcontext = MemoryContextSwitchTo(input->mcxt);
	struct varlena *slice;

	slice = detoast_attr_slice(input->stored, input->mark_len + offset,
							   length);
	MemoryContextSwitchTo(oldcontext);
	if (input->slice != NULL)
		pfree(input->slice);
	input->slice = slice;
	base->begin = VARDATA_ANY(slice);
	base->end = base->begin + VARSIZE_ANY_EXHDR(slice);
	base->discarded = offset;
}

/* Shows the whole of a value in memory from now on. */
static void
hold_value(TextInput *input, struct varlena *value)
{
	PgsyncTextInput *base = &input->base;

	value = pg_detoast_datum_packed(value);
	base->in_memory = true;
	base->begin = VARDATA_ANY(value);
	input->data_end = base->begin + VARSIZE_ANY_EXHDR(value);
	base->begin += mark_length(base->begin, VARSIZE_ANY_EXHDR(value),
							   GetDatabaseEncoding());
	base->ptr = base->end = base->begin;
}

/*
 * Opens a value of type text or json, in the server's encoding; it may be
 * toasted, and must outlive the input.
 */
PgsyncTextInput *
pgsync_text_input_open_value(struct varlena *value)
{
	TextInput  *input = palloc0(sizeof(TextInput));
	PgsyncTextInput *base = &input->base;
	Size		length = sliceable_length(value);

	input->mcxt = CurrentMemoryContext;
	if (length == 0)
	{
		hold_value(input, value);
		return base;
	}
	base->is_stored = true;
	input->stored = memcpy(palloc(VARSIZE_EXTERNAL(value)), value,
						   VARSIZE_EXTERNAL(value));
	read_slice(input, 0, SLICE_SIZE);
	input->mark_len = mark_length(base->begin, base->end - base->begin,
								  GetDatabaseEncoding());
	input->stored_len = length - input->mark_len;
	base->begin += input->mark_len;
	base->ptr = base->begin;
	return base;
}

/*
 * Has a value in memory that would be read in slices, before any of it has
 * been taken: it may not stay where it is stored.
 */
void
pgsync_text_input_fetch_all(PgsyncTextInput *base)
{
	TextInput  *input = (TextInput *) base;
	MemoryContext oldcontext;

	if (!base->is_stored)
		return;
	oldcontext = MemoryContextSwitchTo(input->mcxt);
	hold_value(input, input->stored);
	MemoryContextSwitchTo(oldcontext);
	base->is_stored = false;
	input->stored = NULL;
	pfree(input->slice);
	input->slice = NULL;
}

/*
 * Shows a text in memory as a whole, for parsers that stop and go at will.
 */
void
pgsync_text_input_show_all(PgsyncTextInput *base)
{
	if (base->in_memory)
		base->end = ((TextInput *) base)->data_end;
}

/*
 * Has the whole of a value at hand, however much of it has gone, for errors
 * that show what stands around them; of a file that cannot be.  A position in
 * the window moves with it, and is returned.
 */
const char *
pgsync_text_input_make_whole(PgsyncTextInput *base, const char *position)
{
	TextInput  *input = (TextInput *) base;
	Size		ptr = base->discarded + (base->ptr - base->begin);
	Size		offset = base->discarded + (position - base->begin);

	if (input->stored == NULL)
		return position;
	hold_value(input, input->stored);
	input->stored = NULL;
	base->is_stored = false;
	base->discarded = 0;
	base->discarded_lines = 0;
	base->ptr = base->begin + ptr;
	base->end = input->data_end;
	return base->begin + offset;
}

/* Finds the way from the file's encoding to the server's. */
static void
find_conversion(TextInput *input)
{
	int			to = GetDatabaseEncoding();

	/* as COPY has it (core's BeginCopyFrom) */
	if (input->encoding == to || input->encoding == PG_SQL_ASCII ||
		to == PG_SQL_ASCII)
		return;
	input->conversion = FindDefaultConversionProc(input->encoding, to);
	if (!OidIsValid(input->conversion))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
						pg_encoding_to_char(input->encoding),
						pg_encoding_to_char(to))));
}

/*
 * Opens a file in this encoding.
 *
 * Errors: those of pgsync_file_input_open; 42883 for an encoding that cannot
 * be converted.
 */
PgsyncTextInput *
pgsync_text_input_open_file(const PgsyncFileName *name, int encoding)
{
	TextInput  *input = palloc0(sizeof(TextInput));

	input->base.is_file = true;
	input->encoding = encoding;
	find_conversion(input);
	input->file = pgsync_file_input_open(name);
	input->size = 2 * PIECE_SIZE;
	input->buffer = palloc(input->size + 1);
	if (OidIsValid(input->conversion))
		input->raw = palloc(PIECE_SIZE);
	input->base.begin = input->base.ptr = input->base.end = input->buffer;
	input->tail = input->buffer;
	return &input->base;
}

/*
 * Widens the window over a text: by as much again as the parser keeps, so
 * that a long row is not parsed anew once a piece.
 */
static bool
widen_window(TextInput *input, const char *keep)
{
	PgsyncTextInput *base = &input->base;
	Size		left = input->data_end - base->end;
	Size		step = Max(PIECE_SIZE, base->end - keep);

	CHECK_FOR_INTERRUPTS();
	base->end += Min(left, step);
	return left > 0;
}

/* Counts the line feeds in a piece of text. */
static int64
count_lines(const char *ptr, const char *end)
{
	int64		count = 0;

	while ((ptr = memchr(ptr, '\n', end - ptr)) != NULL)
	{
		count++;
		ptr++;
	}
	return count;
}

/*
 * Moves the window over a stored value on, so that it begins at "keep": what
 * is kept of it is read again, with as much behind it, or a slice.
 */
static bool
move_window(TextInput *input, const char *keep)
{
	PgsyncTextInput *base = &input->base;
	Size		kept = base->end - keep;
	Size		offset = base->discarded + (keep - base->begin);
	Size		position = base->ptr - keep;

	CHECK_FOR_INTERRUPTS();
	if (offset + kept == input->stored_len)
		return false;
	base->discarded_lines += count_lines(base->begin, keep);
	read_slice(input, offset, Min(Max(SLICE_SIZE, 2 * kept),
								  input->stored_len - offset));
	base->ptr = base->begin + position;
	return true;
}

/* Lets go what stands before "keep", moving the rest to the front. */
static void
discard_before(TextInput *input, const char *keep)
{
	PgsyncTextInput *base = &input->base;
	Size		gone = keep - input->buffer;
	Size		rest = input->tail + input->tail_len - keep;

	if (gone == 0)
		return;
	base->discarded += gone;
	base->discarded_lines += count_lines(input->buffer, keep);
	memmove(input->buffer, keep, rest);
	base->ptr -= gone;
	base->end -= gone;
	input->tail -= gone;
}

/* Makes room for as much text as there is, and a piece more. */
static void
make_room(TextInput *input)
{
	PgsyncTextInput *base = &input->base;
	Size		used = input->tail + input->tail_len - input->buffer;
	Size		position = base->ptr - input->buffer;
	Size		end = base->end - input->buffer;

	if (used + PIECE_SIZE <= input->size)
		return;
	if (input->size >= MaxAllocSize - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a row of the file is longer than %d bytes",
						(int) MaxAllocSize)));
	input->size = Min(Max(2 * input->size, used + PIECE_SIZE),
					  MaxAllocSize - 1);
	input->buffer = repalloc(input->buffer, input->size + 1);
	base->begin = input->buffer;
	base->ptr = input->buffer + position;
	base->end = input->tail = input->buffer + end;
}

/* Drops a byte order mark from the file's first bytes. */
static void
drop_mark(TextInput *input, char *bytes, Size *len)
{
	Size		mark_len = mark_length(bytes, *len, input->encoding);

	if (mark_len > 0)
	{
		*len -= mark_len;
		memmove(bytes, bytes + mark_len, *len);
	}
}

/*
 * Reads bytes behind those that are there, as many as a byte order mark has
 * when they are the file's first.
 */
static void
read_file(TextInput *input, char *bytes, Size *len, Size size)
{
	bool		first = !input->file_at_end && input->base.discarded == 0 &&
	*len == 0 && input->base.end == input->base.begin;

	do
	{
		int			nread = 0;

		if (!input->file_at_end)
			nread = pgsync_file_input_read(input->file, bytes + *len,
										   size - *len);
		input->file_at_end = nread == 0;
		*len += nread;
	} while (first && !input->file_at_end && *len < BYTE_ORDER_MARK_LEN);
	if (first)
		drop_mark(input, bytes, len);
}

/*
 * Returns the encoding that bytes which are not converted must be valid in.
 * SQL_ASCII says nothing of them: as from such a client, they are taken for
 * the server's own.  (COPY stores them unseen.)
 */
static int
encoding_to_check(const TextInput *input)
{
	return input->encoding == PG_SQL_ASCII ? GetDatabaseEncoding() :
		input->encoding;
}

/*
 * Checks the bytes that have been read: those that are whole and valid
 * characters become text.  False if there is none; if they are invalid, that
 * is an error only when they are needed, not when they are read ahead.
 */
static bool
check_bytes(TextInput *input, bool ahead)
{
	int			encoding = encoding_to_check(input);
	int			verified = pg_encoding_verifymbstr(encoding, input->tail,
												   input->tail_len);

	if (verified == 0 && input->tail_len > 0 && !ahead &&
		(input->file_at_end ||
		 input->tail_len >= pg_encoding_max_length(encoding)))
		report_invalid_encoding(encoding, input->tail, input->tail_len);
	input->tail += verified;
	input->tail_len -= verified;
	input->base.end = input->tail;
	return verified > 0;
}

/* Converts the bytes that have been read; the same otherwise. */
static bool
convert_bytes(TextInput *input, bool ahead)
{
	Size		room = input->size - (input->tail - input->buffer);
	int			converted = 0;
	Size		len;

	if (input->raw_len == 0)
		return false;
	converted = pg_do_encoding_conversion_buf(input->conversion,
											  input->encoding,
											  GetDatabaseEncoding(),
											  (unsigned char *) input->raw,
											  input->raw_len,
											  (unsigned char *) input->tail,
											  room + 1, true);
	if (converted == 0 && !ahead &&
		(input->file_at_end || input->raw_len >= MAX_CONVERSION_INPUT_LENGTH))
		pg_do_encoding_conversion_buf(input->conversion, input->encoding,
									  GetDatabaseEncoding(),
									  (unsigned char *) input->raw,
									  input->raw_len,
									  (unsigned char *) input->tail,
									  room + 1, false);
	len = converted > 0 ? strlen(input->tail) : 0;
	input->tail += len;
	input->base.end = input->tail;
	input->raw_len -= converted;
	memmove(input->raw, input->raw + converted, input->raw_len);
	return len > 0;
}

/*
 * Reads and converts until there is more text; false at the file's end.  Read
 * ahead, a piece that gives no text is false, too.
 */
static bool
read_text(TextInput *input, bool ahead)
{
	bool		convert = OidIsValid(input->conversion);
	bool		found;

	do
	{
		make_room(input);
		if (convert)
		{
			Size		len = input->raw_len;

			if (len < PIECE_SIZE)
				read_file(input, input->raw, &len, PIECE_SIZE);
			input->raw_len = len;
			found = convert_bytes(input, ahead);
		}
		else
		{
			Size		room = input->size - (input->tail - input->buffer);

			read_file(input, input->tail, &input->tail_len,
					  Min(room, input->tail_len + MAX_READ_SIZE));
			found = check_bytes(input, ahead);
		}
	} while (!found && !ahead &&
			 !(input->file_at_end && input->raw_len == 0 &&
			   input->tail_len == 0));
	return found;
}

/*
 * Makes more text available behind input->end; false if there is none.
 *
 * What is to stay, from *keep on, may move, and *keep and input->ptr with it;
 * what stands before it is gone.
 *
 * Errors: 22021 for bytes that are no text, when all before them has been
 * taken; 54000 where more than 1 GB is to stay; those of the file.
 */
bool
pgsync_text_input_more(PgsyncTextInput *base, const char **keep)
{
	TextInput  *input = (TextInput *) base;
	Size		kept;
	bool		found;
	bool		more;

	if (base->in_memory)
		return widen_window(input, *keep);
	Assert(base->ptr >= *keep);
	if (input->stored != NULL)
	{
		found = move_window(input, *keep);
		if (found)
			*keep = base->begin;
		return found;
	}
	discard_before(input, *keep);
	kept = base->end - base->begin;
	/* as much again as the parser keeps: see widen_window */
	for (found = more = read_text(input, false);
		 more && base->end - base->begin < 2 * kept;)
		more = read_text(input, true);
	*keep = input->buffer;
	return found;
}

/* Tells how far the text has been read and how long it is, in bytes. */
void
pgsync_text_input_progress(PgsyncTextInput *base, int64 *done, int64 *total)
{
	TextInput  *input = (TextInput *) base;

	if (input->file != NULL)
		pgsync_file_input_progress(input->file, done, total);
	else if (input->stored != NULL)
	{
		*done = base->discarded + (base->ptr - base->begin);
		*total = input->stored_len;
	}
	else
	{
		*done = base->end - base->begin;
		*total = input->data_end - base->begin;
	}
}

/* Closes an input that has been read. */
void
pgsync_text_input_close(PgsyncTextInput *base)
{
	TextInput  *input = (TextInput *) base;

	if (input->file != NULL)
		pgsync_file_input_close(input->file);
}
