/*-------------------------------------------------------------------------
 *
 * json_text.c
 *	  A JSON text that grows, and what is written into it.
 *
 * Strings, numbers and jsonb are written as core's escape_json, numeric_out
 * and jsonb_out print them, straight into the text that is the result: there
 * are no strings in between, and no pass to put them together.
 *
 * A value of the server ends at 1 GB.  The text is refused before it would
 * be larger, so that nobody waits, and no memory is used, for what cannot be
 * returned.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "value/json_text.h"
#include "value/numeric_text.h"

/* What a text starts with; many results are not larger */
#define INITIAL_SIZE	1024

/*
 * The longest text, with its length word: a value's limit, less what a
 * message to the client puts around it.
 */
#define MAX_LENGTH	(MaxAllocSize - 1024)

/* Strings are written in parts of this many bytes, each at most six */
#define STRING_PART	8192

StaticAssertDecl(6 * STRING_PART + 2 <= PGSYNC_JSON_SLACK,
				 "a part of a string must fit into the slack");

/*
 * Starts a text in the current memory context.  The hint says what to do if it
 * gets too long.
 */
void
pgsync_json_init(PgsyncJsonText *text, const char *hint)
{
	text	  ->hint = hint;
	text	  ->data = palloc(INITIAL_SIZE);
	text	  ->size = INITIAL_SIZE;
	text	  ->length = VARHDRSZ;
}

/* Refuses a text that is too long for a value (54000). */
static void
require_length(const PgsyncJsonText *text, Size length)
{
	if (length > MAX_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("result is too large for one json value"),
				 errdetail("One value holds less than 1 GB."),
				 errhint("%s", text->hint)));
}

/*
 * Makes room for nbytes more.  Up to PGSYNC_JSON_SLACK bytes may be asked
 * for without being used, so the text itself is what is checked for these.
 */
void
pgsync_json_grow(PgsyncJsonText *text, Size nbytes)
{
	Size		needed = text->length + nbytes;

	require_length(text, text->length);
	if (nbytes > PGSYNC_JSON_SLACK)
		require_length(text, needed);
	text	  ->size = Max(Min(2 * text->size, MAX_LENGTH), needed);
	text	  ->data = repalloc_huge(text->data, text->size);
}

/* Returns the text as a json value. */
Datum
pgsync_json_finish(PgsyncJsonText *text)
{
	require_length(text, text->length);
	SET_VARSIZE(text->data, text->length);
	return PointerGetDatum(text->data);
}

/* Writes a character as it stands in a JSON string; returns its end. */
static inline char *
put_character(char *to, unsigned char character)
{
	static const char hex[] = "0123456789abcdef";

	if (likely(character >= ' ' && character != '"' && character != '\\'))
	{
		*to++ = character;
		return to;
	}
	*to++ = '\\';
	switch (character)
	{
		case '"':
		case '\\':
			*to++ = character;
			break;
		case '\b':
			*to++ = 'b';
			break;
		case '\f':
			*to++ = 'f';
			break;
		case '\n':
			*to++ = 'n';
			break;
		case '\r':
			*to++ = 'r';
			break;
		case '\t':
			*to++ = 't';
			break;
		default:
			memcpy(to, "u00", 3);
			to[3] = hex[character >> 4];
			to[4] = hex[character & 15];
			to += 5;
	}
	return to;
}

/*
 * Returns whether any of eight bytes must be escaped: a quotation mark, a
 * backslash, or one below a blank.
 *
 * Subtracting n from each byte borrows into the high bit of those that are
 * less than n and had it clear.  A borrow from a neighbor can only come from
 * a byte that has been found.
 */
static inline bool
must_escape(uint64 bytes)
{
	const uint64 ones = UINT64CONST(0x0101010101010101);
	uint64		quotes = bytes ^ (ones * '"');
	uint64		backslashes = bytes ^ (ones * '\\');
	uint64		found = ((bytes - ones * ' ') & ~bytes) |
	((quotes - ones) & ~quotes) |
	((backslashes - ones) & ~backslashes);

	return (found & (ones << 7)) != 0;
}

/* Writes the inside of a string, "length" bytes; returns its end. */
static inline char *
put_characters(char *to, const char *string, Size length)
{
	const char *end = string + length;

	while (end - string >= (ptrdiff_t) sizeof(uint64))
	{
		uint64		bytes;

		memcpy(&bytes, string, sizeof(bytes));
		if (must_escape(bytes))
		{
			for (int i = 0; i < (int) sizeof(bytes); i++)
				to = put_character(to, string[i]);
		}
		else
		{
			memcpy(to, &bytes, sizeof(bytes));
			to += sizeof(bytes);
		}
		string += sizeof(bytes);
	}
	while (string < end)
		to = put_character(to, *string++);
	return to;
}

/*
 * Appends a string with its quotation marks.  Bytes are looked at one by one
 * in every server encoding: in none of them a part of a character is ASCII.
 */
void
pgsync_json_string(PgsyncJsonText *text, const char *string, Size length)
{
	char	   *to;

	pgsync_json_append(text, "\"", 1);
	while (length > STRING_PART)
	{
		to = pgsync_json_room(text, 6 * STRING_PART);
		to = put_characters(to, string, STRING_PART);
		text	  ->length = to - text->data;

		string += STRING_PART;
		length -= STRING_PART;
	}
	to = pgsync_json_room(text, 6 * length + 1);
	to = put_characters(to, string, length);
	*to++ = '"';
	text	  ->length = to - text->data;
}

/*
 * Appends a numeric, packed or not; false, and nothing appended, if it is not
 * in the format that numeric_text.c knows.
 */
bool
pgsync_json_numeric(PgsyncJsonText *text, struct varlena *number)
{
	char	   *to = pgsync_json_room(text, PGSYNC_NUMERIC_TEXT_SIZE);

	to = pgsync_numeric_text(to, VARDATA_ANY(number),
							 VARSIZE_ANY_EXHDR(number));
	if (to == NULL)
		return false;
	text	  ->length = to - text->data;

	return true;
}

/* Appends a number of a jsonb. */
static void
put_number(PgsyncJsonText *text, Numeric number)
{
	char	   *digits;

	if (pgsync_json_numeric(text, (struct varlena *) number))
		return;
	digits = DatumGetCString(DirectFunctionCall1(numeric_out,
												 NumericGetDatum(number)));
	pgsync_json_append(text, digits, strlen(digits));
	pfree(digits);
}

static void put_container(PgsyncJsonText *text, JsonbContainer *container);

/* Appends an element or a member's value, which lies at data[start..end). */
static void
put_entry(PgsyncJsonText *text, JEntry entry, char *data, uint32 start,
		  uint32 end)
{
	if (JBE_ISSTRING(entry))
		pgsync_json_string(text, data + start, end - start);
	else if (JBE_ISNUMERIC(entry))
		put_number(text, (Numeric) (data + INTALIGN(start)));
	else if (JBE_ISBOOL_TRUE(entry))
		pgsync_json_append(text, "true", 4);
	else if (JBE_ISBOOL_FALSE(entry))
		pgsync_json_append(text, "false", 5);
	else if (JBE_ISNULL(entry))
		pgsync_json_append(text, "null", 4);
	else
		put_container(text, (JsonbContainer *) (data + INTALIGN(start)));
}

/*
 * Returns where an entry's data ends that starts at "start" (see "Jsonb" in
 * jsonb.h: most entries have a length, some an offset).
 */
static inline uint32
entry_end(JEntry entry, uint32 start)
{
	return JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) :
		start + JBE_OFFLENFLD(entry);
}

/* Looks for interrupts now and then: a container may have millions of parts. */
static inline void
check_interrupts(uint32 index)
{
	if (index % 1024 == 1023)
		CHECK_FOR_INTERRUPTS();
}

/* Appends an object: all keys lie before all values. */
static void
put_object(PgsyncJsonText *text, JsonbContainer *object)
{
	uint32		count = JsonContainerSize(object);
	const JEntry *keys = object->children;
	const JEntry *values = object->children + count;
	char	   *data = (char *) (object->children + 2 * count);
	uint32		key = 0;
	uint32		value = 0;

	for (uint32 i = 0; i < count; i++)
		value = entry_end(keys[i], value);

	pgsync_json_append(text, "{", 1);
	for (uint32 i = 0; i < count; i++)
	{
		uint32		key_end = entry_end(keys[i], key);
		uint32		value_end = entry_end(values[i], value);

		if (i > 0)
			pgsync_json_append(text, ", ", 2);
		check_interrupts(i);
		pgsync_json_string(text, data + key, key_end - key);
		pgsync_json_append(text, ": ", 2);
		put_entry(text, values[i], data, value, value_end);
		key = key_end;
		value = value_end;
	}
	pgsync_json_append(text, "}", 1);
}

/* Appends the elements of an array, separated. */
static void
put_elements(PgsyncJsonText *text, JsonbContainer *array)
{
	uint32		count = JsonContainerSize(array);
	char	   *data = (char *) (array->children + count);
	uint32		start = 0;

	for (uint32 i = 0; i < count; i++)
	{
		uint32		end = entry_end(array->children[i], start);

		if (i > 0)
			pgsync_json_append(text, ", ", 2);
		check_interrupts(i);
		put_entry(text, array->children[i], data, start, end);
		start = end;
	}
}

/* Appends an object, an array, or a scalar, which is an array of one. */
static void
put_container(PgsyncJsonText *text, JsonbContainer *container)
{
	check_stack_depth();
	if (JsonContainerIsObject(container))
		put_object(text, container);
	else if (JsonContainerIsScalar(container))
		put_elements(text, container);
	else
	{
		pgsync_json_append(text, "[", 1);
		put_elements(text, container);
		pgsync_json_append(text, "]", 1);
	}
}

/* Appends a jsonb. */
void
pgsync_json_jsonb(PgsyncJsonText *text, Jsonb *jsonb)
{
	put_container(text, &jsonb->root);
}
