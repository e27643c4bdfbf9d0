/*-------------------------------------------------------------------------
 *
 * json_shorten.c
 *	  A JSON text without what is long in it, for core's parser.
 *
 *		{"a": "xxx ... xxx", "b": 1 2}	->	{"a": "xxx...xxx", "b": 1 2}
 *
 * Core's lexer goes through a string, a number, a word or white space in one
 * go, without looking for a cancel.  Of long ones, the middle is left out as
 * far as it is well-formed, so that the parser finds the same error, and shows
 * the same text before it: what an error shows of the input are its last 50
 * bytes at most.  (It names the token that cannot stand there, too: of a long
 * one then the beginning and the end.)
 *
 * Nothing is known here of how tokens follow each other.  What stands behind
 * the first error may be left out wrongly; the parser does not come that far.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "value/json_scan.h"
#include "value/json_shorten.h"

/* How much stays of a token's beginning, at most */
#define HEAD_SIZE	64

/* ... and of its end, at least: more than errors show */
#define TAIL_SIZE	256

/* What has been kept of the text */
typedef struct Shortened
{
	const char *next;			/* what has not been copied yet */
	char	   *kept;			/* NULL: nothing has been left out */
	Size		len;
	Size		size;
	int64		lines;
} Shortened;

/* A run of bytes of which the middle can be left out */
typedef struct Run
{
	const char *begin;
	const char *head;			/* the middle's first byte */
	const char *tail;			/* behind its last one */
	const char *mark;			/* where the tail could begin later on */
} Run;

/* Copies bytes. */
static void
keep_bytes(Shortened *text, const char *bytes, Size len)
{
	if (text->len + len > text->size)
	{
		text	  ->size = Max(2 * text->size, text->len + len);
		text	  ->kept = text->kept == NULL ?
		MemoryContextAllocHuge(CurrentMemoryContext, text->size) :
		repalloc_huge(text->kept, text->size);
	}
	memcpy(text->kept + text->len, bytes, len);
	text	  ->len += len;
}

/* Begins a run at a place where text can be cut. */
static void
begin_run(Run *run, const char *p)
{
	run->begin = run->head = run->tail = run->mark = p;
}

/* Notes that the text can be cut at p, too. */
static inline void
may_cut(Run *run, const char *p)
{
	if (p - run->begin <= HEAD_SIZE)
		run->head = run->tail = run->mark = p;
	else if (p - run->mark >= TAIL_SIZE)
	{
		run->tail = run->mark;
		run->mark = p;
	}
}

/* Leaves the middle of a run out that ends at p, if it is long. */
static void
end_run(Shortened *text, Run *run, const char *p, const char *mark)
{
	if (p - run->begin <= PGSYNC_JSON_LONG || run->head == run->tail)
		return;
	keep_bytes(text, text->next, run->head - text->next);
	keep_bytes(text, mark, strlen(mark));
	text	  ->next = run->tail;
}

/*
 * Moves behind what can stand in a string as it is, some bytes of it; returns
 * false where it ends, or something else follows.
 */
static bool
skip_plain(const char **p, const char *end, int size)
{
	const char *limit = *p + Min(end - *p, size);
	const char *special = pgsync_find_json_special(*p, limit);

	/* between two characters */
	if (special == limit && limit < end)
		special = *p + pg_mbcliplen(*p, limit - *p, limit - *p);
	if (special == *p)
		return false;
	*p = special;
	return true;
}

/*
 * Returns where a string ends that begins behind its quote: at the other one,
 * or at what cannot stand in it.  What an escape stands for may be no
 * character of the server's encoding, which the lexer finds out.
 */
static const char *
shorten_string(Shortened *text, const char *p, const char *end)
{
	bool		any_character = GetDatabaseEncoding() == PG_UTF8;
	Run			run;

	begin_run(&run, p);
	while (p < end)
	{
		CHECK_FOR_INTERRUPTS();
		if (!skip_plain(&p, end, p == run.begin ? HEAD_SIZE : TAIL_SIZE))
		{
			const char *escape = p;

			if (*p != '\\' || end - p < 2 ||
				pgsync_json_read_escape(&p, end) == 0)
			{
				p = escape;
				break;
			}
			if (escape[1] == 'u' && !any_character)
			{
				end_run(text, &run, escape, "...");
				begin_run(&run, p);
			}
		}
		may_cut(&run, p);
	}
	end_run(text, &run, p, "...");
	return p;
}

/* Returns whether core's lexer takes a byte for one of a word. */
static inline bool
is_word_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || IS_HIGHBIT_SET(c);
}

/* Returns where a run of digits ends. */
static const char *
shorten_digits(Shortened *text, const char *p, const char *end)
{
	Run			run;

	begin_run(&run, p);
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		pgsync_json_check_interrupts(p);
		may_cut(&run, p);
	}
	end_run(text, &run, p, "");
	return p;
}

/* Returns where a word ends that is none of JSON's, whatever is left out. */
static const char *
shorten_word(Shortened *text, const char *p, const char *end)
{
	Run			run;

	begin_run(&run, p);
	while (p < end && is_word_byte(*p))
	{
		CHECK_FOR_INTERRUPTS();
		may_cut(&run, p);
		p += IS_HIGHBIT_SET(*p) ? Min(pg_mblen(p), end - p) : 1;
	}
	end_run(text, &run, p, "");
	return p;
}

/*
 * Returns where a token ends that is a number or a word.  What follows an
 * invalid letter in a number makes it no better, so it is like a word.
 */
static const char *
shorten_bare(Shortened *text, const char *p, const char *end)
{
	bool		exponent = false;

	while (p < end && is_word_byte(*p))
	{
		if (*p >= '0' && *p <= '9')
			p = shorten_digits(text, p, end);
		else if ((*p == 'e' || *p == 'E') && !exponent)
		{
			exponent = true;
			p++;
		}
		else
			p = shorten_word(text, p, end);
	}
	return p;
}

/* Returns where white space ends. */
static const char *
shorten_space(Shortened *text, const char *p, const char *end)
{
	PgsyncJsonScan scan = {.ptr = p,.end = end};
	const char *tail;

	pgsync_json_skip_space(&scan);
	if (scan.ptr - p <= PGSYNC_JSON_LONG)
		return scan.ptr;
	p += HEAD_SIZE;
	keep_bytes(text, text->next, p - text->next);
	tail = scan.ptr - TAIL_SIZE;
	for (; (p = memchr(p, '\n', tail - p)) != NULL; p++)
	{
		CHECK_FOR_INTERRUPTS();
		text	  ->lines++;
	}
	text	  ->next = tail;

	return scan.ptr;
}

/* Goes through the text, and leaves out what is long. */
static void
shorten(Shortened *text, const char *p, const char *end)
{
	while (p < end)
	{
		pgsync_json_check_interrupts(p);
		if (*p == '"')
		{
			p = shorten_string(text, p + 1, end);
			if (p < end)
				p++;
		}
		else if (is_word_byte(*p))
			p = shorten_bare(text, p, end);
		else if (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
			p = shorten_space(text, p, end);
		else
			p++;
	}
}

/*
 * Returns the text, or one like it in the current memory context, for which
 * core's parser has the same error, if any.
 */
PgsyncJsonText
pgsync_json_shorten(const char *json, Size len)
{
	PgsyncJsonText result = {.json = json,.len = len};
	Shortened text = {.next = json};

	if (len <= PGSYNC_JSON_LONG)
		return result;
	shorten(&text, json, json + len);
	if (text.next == json)
		return result;
	keep_bytes(&text, text.next, json + len - text.next);
	result.json = text.kept;
	result.len = text.len;
	result.lines = text.lines;

	return result;
}
