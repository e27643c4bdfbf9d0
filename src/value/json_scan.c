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
#include "compat.h"

/* Returns whether c is a byte that a string's scan must look at. */
static inline bool
is_special(char c)
{
	return c == '"' || c == '\\' || (unsigned char) c < 0x20;
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
		while (p < end && !is_special(*p))
			p++;
		if (p >= end)
			return false;
		if (*p == '"')
			break;
		if (*p != '\\' || p + 1 >= end)
			return false;
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
		(*p)++;
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

/*
 * Scans over an object or array by counting brackets outside strings.  What
 * is within is as yet unchecked.
 */
static bool
scan_nested(PgsyncJsonScan *scan, PgsyncJsonToken *token)
{
	const char *start = scan->ptr;
	int64		depth = 0;
	PgsyncJsonToken ignored;

	do
	{
		if (scan->ptr >= scan->end)
			return false;
		switch (*scan->ptr)
		{
			case '"':
				if (!pgsync_json_scan_string(scan, &ignored))
					return false;
				continue;
			case '{':
			case '[':
				depth++;
				break;
			case '}':
			case ']':
				depth--;
				break;
			default:
				break;
		}
		scan->ptr++;
	} while (depth > 0);

	token->kind = PGSYNC_JSON_NESTED;
	token->start = start;
	token->len = scan->ptr - start;
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

/* Unescapes by core's lexer: whatever has a \u, and whatever is wrong. */
static bool
unescape_by_core(const PgsyncJsonToken *token, StringInfo buf)
{
	JsonLexContext *lex;

	/* with its quotes */
	lex = pgsync_make_json_lex_context(unconstify(char *, token->start - 1),
									   token->len + 2, GetDatabaseEncoding(),
									   true);
	if (json_lex(lex) != JSON_SUCCESS)
		return false;
	appendBinaryStringInfo(buf, lex->strval->data, lex->strval->len);
	return true;
}

/*
 * Appends the text that a string stands for; false if an escape is invalid.
 */
bool
pgsync_json_unescape(const PgsyncJsonToken *token, StringInfo buf)
{
	const char *p = token->start;
	const char *end = token->start + token->len;
	int			begin = buf->len;

	while (p < end)
	{
		const char *backslash = memchr(p, '\\', end - p);
		char		c;

		if (backslash == NULL)
			backslash = end;
		appendBinaryStringInfo(buf, p, backslash - p);
		if (backslash == end)
			break;
		switch (backslash[1])
		{
			case '"':
			case '\\':
			case '/':
				c = backslash[1];
				break;
			case 'b':
				c = '\b';
				break;
			case 'f':
				c = '\f';
				break;
			case 'n':
				c = '\n';
				break;
			case 'r':
				c = '\r';
				break;
			case 't':
				c = '\t';
				break;
			default:
				/* start over, with core's knowledge of surrogates */
				buf->len = begin;
				buf->data[begin] = '\0';
				return unescape_by_core(token, buf);
		}
		appendStringInfoCharMacro(buf, c);
		p = backslash + 2;
	}
	return true;
}
