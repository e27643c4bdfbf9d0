/*-------------------------------------------------------------------------
 *
 * json_skip.c
 *	  Steps over a JSON value that comes in pieces, checking its grammar.
 *
 * The scanner (json_scan.c) needs the whole of a value in one piece; this is
 * for values that are not wanted, however long, and for finding out whether
 * a value is broken or has only not come completely.  It knows at each byte
 * what may follow (RFC 8259), and remembers the brackets and braces that are
 * open.  As core's json type, it leaves it open what a \u escape stands for.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "value/json_scan.h"
#include "value/json_skip.h"
#include "utils/memutils.h"

/* Prepares, in the current memory context, which keeps what it allocates. */
void
pgsync_json_skip_init(PgsyncJsonSkip *skip)
{
	memset(skip, 0, sizeof(PgsyncJsonSkip));
	skip->max_depth = 64;
	skip->open = palloc(skip->max_depth);
}

/* Begins to step over a value; white space may come first. */
void
pgsync_json_skip_begin(PgsyncJsonSkip *skip)
{
	skip->state = SKIP_VALUE;
	skip->depth = 0;
}

/* Notes that a value has ended. */
static void
end_value(PgsyncJsonSkip *skip)
{
	skip->state = skip->depth > 0 ? SKIP_COMMA_OR_END : SKIP_END;
}

/* Goes into an array or object. */
static void
open_nested(PgsyncJsonSkip *skip, char c)
{
	if (skip->depth == skip->max_depth)
	{
		skip->max_depth *= 2;
		skip->open = repalloc_huge(skip->open, skip->max_depth);
	}
	skip->open[skip->depth++] = c;
	skip->state = c == '[' ? SKIP_VALUE_OR_END : SKIP_KEY_OR_END;
}

/* Leaves an array or object; false if another one is open. */
static bool
close_nested(PgsyncJsonSkip *skip, char c)
{
	if (skip->open[skip->depth - 1] != (c == ']' ? '[' : '{'))
		return false;
	skip->depth--;
	end_value(skip);
	return true;
}

/* Begins a string. */
static void
begin_string(PgsyncJsonSkip *skip, bool is_key)
{
	skip->in_key = is_key;
	skip->state = SKIP_STRING;
}

/* Begins a word. */
static void
begin_word(PgsyncJsonSkip *skip, const char *rest)
{
	skip->word = rest;
	skip->state = SKIP_WORD;
}

/* Takes the first byte of a value; false if no value begins with it. */
static bool
begin_value(PgsyncJsonSkip *skip, char c)
{
	if (c == '"')
		begin_string(skip, false);
	else if (c == '{' || c == '[')
		open_nested(skip, c);
	else if (c == '-')
		skip->state = SKIP_MINUS;
	else if (c == '0')
		skip->state = SKIP_ZERO;
	else if (c > '0' && c <= '9')
		skip->state = SKIP_INTEGER;
	else if (c == 't')
		begin_word(skip, "rue");
	else if (c == 'f')
		begin_word(skip, "alse");
	else if (c == 'n')
		begin_word(skip, "ull");
	else
		return false;
	return true;
}

/* Takes a byte between values that is not white space. */
static bool
take_structure(PgsyncJsonSkip *skip, char c)
{
	bool		in_array;

	switch (skip->state)
	{
		case SKIP_VALUE_OR_END:
			if (c == ']')
				return close_nested(skip, c);
			return begin_value(skip, c);
		case SKIP_KEY_OR_END:
			if (c == '}')
				return close_nested(skip, c);
			/* FALLTHROUGH */
		case SKIP_KEY:
			begin_string(skip, true);
			return c == '"';
		case SKIP_COLON:
			skip->state = SKIP_VALUE;
			return c == ':';
		case SKIP_COMMA_OR_END:
			if (c != ',')
				return (c == ']' || c == '}') && close_nested(skip, c);
			in_array = skip->open[skip->depth - 1] == '[';
			skip->state = in_array ? SKIP_VALUE : SKIP_KEY;
			return true;
		default:
			return begin_value(skip, c);
	}
}

/* Takes a byte of a string. */
static bool
take_string(PgsyncJsonSkip *skip, char c)
{
	if (skip->state == SKIP_ESCAPE)
	{
		skip->state = c == 'u' ? SKIP_HEX : SKIP_STRING;
		skip->hex_digits = 4;
		return c != '\0' && strchr("\"\\/bfnrtu", c) != NULL;
	}
	if (skip->state == SKIP_HEX)
	{
		if (--skip->hex_digits == 0)
			skip->state = SKIP_STRING;
		return isxdigit((unsigned char) c);
	}
	if (c == '\\')
		skip->state = SKIP_ESCAPE;
	else if (c != '"')
		return (unsigned char) c >= ' ';
	else if (skip->in_key)
		skip->state = SKIP_COLON;
	else
		end_value(skip);
	return true;
}

/*
 * Takes a byte of a number; false if it is none, and then *ends says whether
 * the number is complete before it.
 */
static bool
take_number(PgsyncJsonSkip *skip, char c, bool *ends)
{
	bool		digit = c >= '0' && c <= '9';
	PgsyncSkipState state = skip->state;

	*ends = state == SKIP_ZERO || state == SKIP_INTEGER ||
		state == SKIP_FRACTION || state == SKIP_EXPONENT;
	if (digit && state != SKIP_ZERO)
	{
		if (state == SKIP_MINUS)
			skip->state = c == '0' ? SKIP_ZERO : SKIP_INTEGER;
		else if (state == SKIP_POINT)
			skip->state = SKIP_FRACTION;
		else if (state == SKIP_E || state == SKIP_SIGN)
			skip->state = SKIP_EXPONENT;
		return true;
	}
	if (c == '.' && (state == SKIP_ZERO || state == SKIP_INTEGER))
		skip->state = SKIP_POINT;
	else if ((c == 'e' || c == 'E') && *ends && state != SKIP_EXPONENT)
		skip->state = SKIP_E;
	else if ((c == '+' || c == '-') && state == SKIP_E)
		skip->state = SKIP_SIGN;
	else
		return false;
	return true;
}

/* Takes a byte of a word. */
static bool
take_word(PgsyncJsonSkip *skip, char c)
{
	if (c != *skip->word)
		return false;
	if (*++skip->word == '\0')
		end_value(skip);
	return true;
}

/* Takes one byte, whatever is expected; *again: it is yet to be taken. */
static bool
take_byte(PgsyncJsonSkip *skip, char c, bool *again)
{
	bool		ends;

	*again = false;
	if (skip->state < SKIP_STRING)
		return c == ' ' || c == '\n' || c == '\t' || c == '\r' ||
			take_structure(skip, c);
	if (skip->state < SKIP_MINUS)
		return take_string(skip, c);
	if (skip->state == SKIP_WORD)
		return take_word(skip, c);
	if (take_number(skip, c, &ends))
		return true;
	if (ends)
		end_value(skip);
	*again = true;
	return ends;
}

/*
 * Steps over what there is of the value; *ptr is left behind its last byte,
 * or at the byte that cannot stand there.
 */
PgsyncSkipResult
pgsync_json_skip(PgsyncJsonSkip *skip, const char **ptr, const char *end)
{
	const char *p = *ptr;
	PgsyncSkipResult result = PGSYNC_SKIP_MORE;

	while (p < end && result == PGSYNC_SKIP_MORE)
	{
		bool		again;

		pgsync_json_check_interrupts(p);
		/* the bytes of a string that are nothing but that */
		if (skip->state == SKIP_STRING)
			p = pgsync_find_json_special(p, end);
		if (p == end)
			break;
		if (!take_byte(skip, *p, &again))
			result = PGSYNC_SKIP_INVALID;
		else
		{
			p += again ? 0 : 1;
			if (skip->state == SKIP_END)
				result = PGSYNC_SKIP_DONE;
		}
	}
	*ptr = p;
	return result;
}

/* Returns whether the value is complete if nothing follows: a number may be. */
bool
pgsync_json_skip_may_end(const PgsyncJsonSkip *skip)
{
	return skip->depth == 0 &&
		(skip->state == SKIP_ZERO || skip->state == SKIP_INTEGER ||
		 skip->state == SKIP_FRACTION || skip->state == SKIP_EXPONENT);
}
