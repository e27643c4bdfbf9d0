/*-------------------------------------------------------------------------
 *
 * json_scan.c
 *	  A fast scanner for well-formed JSON text.
 *
 * Finds the pieces of an object without allocating anything: keys, scalars,
 * and where a nested value ends.  It accepts only what core's parser accepts
 * (RFC 8259 with core's limits), and it explains nothing: whoever meets
 * something invalid gives the text to core's parser, which then reports the
 * error in its own words.  Nested values are not looked into;
 * json_to_jsonb.c does that when they are converted.
 *
 * The text is in the server encoding and already verified, so only ASCII
 * bytes matter; no server encoding has them inside a longer character.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "value/json_scan.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "compat.h"

/* Bytes of a string between two looks for a cancel */
#define STRING_PIECE	(1024 * 1024)

/*
 * Skips bytes that mean themselves in a string.  As the string may be the
 * whole input, a cancel is noticed after each piece of it.
 */
static inline const char *
skip_plain(const char *p, const char *end)
{
	for (;;)
	{
		const char *piece_end = p + Min(end - p, STRING_PIECE);

		p = pgsync_find_json_special(p, piece_end);
		if (p < piece_end || p == end)
			return p;
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * Scans a string whose opening quote is the next byte.
 *
 * Escapes are checked when the string is unescaped.
 */
bool
pgsync_json_scan_string(PgsyncJsonScan *scan, PgsyncJsonToken *token)
{
	const char *p = scan->ptr + 1;
	const char *end = scan->end;

	token->kind = PGSYNC_JSON_STRING;
	token->start = p;
	token->escaped = false;
	for (;;)
	{
		p = skip_plain(p, end);
		if (p >= end)
			return false;
		if (*p == '"')
			break;
		if (*p != '\\' || p + 1 >= end)
			return false;
		CHECK_FOR_INTERRUPTS();
		token->escaped = true;
		p += 2;
	}
	token->len = p - token->start;
	scan->ptr = p + 1;

	return true;
}

/* Skips digits; false if there is none. */
static inline bool
skip_digits(const char **p, const char *end)
{
	const char *start = *p;

	while (*p < end && **p >= '0' && **p <= '9')
		pgsync_json_check_interrupts((*p)++);
	return *p > start;
}

/* Scans a number: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)? */
static bool
scan_number(PgsyncJsonScan *scan, PgsyncJsonToken *token)
{
	const char *p = scan->ptr;
	const char *end = scan->end;

	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if (!skip_digits(&p, end))
		return false;
	if (p < end && *p == '.')
	{
		p++;
		if (!skip_digits(&p, end))
			return false;
	}
	if (p < end && (*p == 'e' || *p == 'E'))
	{
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!skip_digits(&p, end))
			return false;
	}
	token->kind = PGSYNC_JSON_NUMBER;
	token->start = scan->ptr;
	token->len = p - scan->ptr;
	scan->ptr = p;
	return true;
}

/* Scans one of the three words. */
static bool
scan_word(PgsyncJsonScan *scan, PgsyncJsonToken *token, const char *word,
		  PgsyncJsonKind kind)
{
	int			len = strlen(word);

	if (scan->end - scan->ptr < len || memcmp(scan->ptr, word, len) != 0)
		return false;
	token->kind = kind;
	token->start = scan->ptr;
	token->len = len;
	scan->ptr += len;
	return true;
}

/* Returns whether a nested value's scan has to do with a byte. */
static inline bool
is_structural(char c)
{
	return c == '"' || (c | 0x20) == '{' || (c | 0x20) == '}';
}

/*
 * Scans over an object or array by counting brackets outside strings.  What
 * is within is as yet unchecked.
 */
static bool
scan_nested(PgsyncJsonScan *scan, PgsyncJsonToken *token)
{
	const char *start = scan->ptr;
	int64		depth = 0;
	int64		deepest = 0;
	PgsyncJsonToken ignored;

	do
	{
		while (scan->ptr < scan->end && !is_structural(*scan->ptr))
			pgsync_json_check_interrupts(scan->ptr++);
		if (scan->ptr >= scan->end)
			return false;
		if (*scan->ptr == '"')
		{
			CHECK_FOR_INTERRUPTS();
			if (!pgsync_json_scan_short_value(scan, &ignored))
				return false;
			continue;
		}
		/* an opening bracket or brace, or a closing one */
		depth += (*scan->ptr | 0x20) == '{' ? 1 : -1;
		deepest = Max(deepest, depth);
		pgsync_json_check_interrupts(scan->ptr++);
	} while (depth > 0);

	token->kind = PGSYNC_JSON_NESTED;
	token->start = start;
	token->len = scan->ptr - start;
	token->depth = Min(deepest, PG_UINT8_MAX);
	return true;
}

/*
 * Scans the value that begins at the next byte; false if there is no value
 * that could be valid.
 */
bool
pgsync_json_scan_value(PgsyncJsonScan *scan, PgsyncJsonToken *token)
{
	token->kind = PGSYNC_JSON_INVALID;
	token->escaped = false;
	if (scan->ptr >= scan->end)
		return false;
	switch (*scan->ptr)
	{
		case '"':
			return pgsync_json_scan_string(scan, token);
		case '{':
		case '[':
			return scan_nested(scan, token);
		case 't':
			return scan_word(scan, token, "true", PGSYNC_JSON_TRUE);
		case 'f':
			return scan_word(scan, token, "false", PGSYNC_JSON_FALSE);
		case 'n':
			return scan_word(scan, token, "null", PGSYNC_JSON_NULL);
		default:
			return scan_number(scan, token);
	}
}

/* Reads four hexadecimal digits; -1 if they are none. */
static int
read_hex(const char *p, const char *end)
{
	int			value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		unsigned char c = p[i];

		if (!isxdigit(c))
			return -1;
		value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

/*
 * Reads the character whose \u is at *p, or two of them for a surrogate pair,
 * and moves behind it; 0 if it is invalid.  A null byte is, as in core.
 */
static pg_wchar
read_unicode(const char **p, const char *end)
{
	int			first = read_hex(*p + 2, end);
	int			second;

	*p += 6;
	if (first <= 0 || is_utf16_surrogate_second(first))
		return 0;
	if (!is_utf16_surrogate_first(first))
		return first;
	if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return 0;
	second = read_hex(*p + 2, end);
	*p += 6;
	if (second < 0 || !is_utf16_surrogate_second(second))
		return 0;
	return surrogate_pair_to_codepoint(first, second);
}

/*
 * Unescapes by core's lexer: what has a character that takes a conversion.
 * Its memory is given back at once, since there may be a million strings.
 */
static int
unescape_by_core(const PgsyncJsonToken *token, char *dest)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync JSON string",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	JsonLexContext *lex;
	int			len = -1;

	/* with its quotes */
	lex = pgsync_make_json_lex_context(unconstify(char *, token->start - 1),
									   token->len + 2, GetDatabaseEncoding(),
									   true);
	if (json_lex(lex) == JSON_SUCCESS && lex->strval->len <= token->len)
	{
		len = lex->strval->len;
		memcpy(dest, lex->strval->data, len);
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
	return len;
}

/*
 * Returns the character that the escape at *p stands for, and moves behind
 * it; 0 if it is invalid.
 */
pg_wchar
pgsync_json_read_escape(const char **p, const char *end)
{
	char		c = (*p)[1];

	if (c == 'u')
		return read_unicode(p, end);
	*p += 2;
	switch (c)
	{
		case '"':
		case '\\':
		case '/':
			return c;
		case 'b':
			return '\b';
		case 'f':
			return '\f';
		case 'n':
			return '\n';
		case 'r':
			return '\r';
		case 't':
			return '\t';
		default:
			return 0;
	}
}

/*
 * Writes the text that a string stands for, which is never longer than the
 * string, and a zero byte; "dest" has token->len + 1 bytes.  Returns its
 * length, or -1 if an escape is invalid.
 */
int
pgsync_json_unescape_into(const PgsyncJsonToken *token, char *dest)
{
	const char *p = token->start;
	const char *end = token->start + token->len;
	char	   *out = dest;

	for (;;)
	{
		const char *backslash = memchr(p, '\\', end - p);
		pg_wchar	c;

		if (backslash == NULL)
			backslash = end;
		memcpy(out, p, backslash - p);
		out += backslash - p;
		if (backslash == end)
			break;
		CHECK_FOR_INTERRUPTS();
		p = backslash;
		c = pgsync_json_read_escape(&p, end);
		if (c == 0)
			return -1;
		if (c > 0x7F && GetDatabaseEncoding() != PG_UTF8)
			return unescape_by_core(token, dest);
		unicode_to_utf8(c, (unsigned char *) out);
		out += pg_utf_mblen((unsigned char *) out);
	}
	*out = '\0';
	return out - dest;
}

/*
 * Appends the text that a string stands for; false if an escape is invalid.
 */
bool
pgsync_json_unescape(const PgsyncJsonToken *token, StringInfo buf)
{
	int			len;

	enlargeStringInfo(buf, token->len);
	len = pgsync_json_unescape_into(token, buf->data + buf->len);
	if (len < 0)
	{
		buf->data[buf->len] = '\0';
		return false;
	}
	buf->len += len;
	buf->data[buf->len] = '\0';
	return true;
}
