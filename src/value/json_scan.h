/*-------------------------------------------------------------------------
 *
 * json_scan.h
 *	  A fast scanner for well-formed JSON text.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_SCAN_H
#define PGSYNC_JSON_SCAN_H

#include "common/vector.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

typedef enum PgsyncJsonKind
{
	PGSYNC_JSON_INVALID,		/* not JSON: ask core's parser what is wrong */
	PGSYNC_JSON_STRING,
	PGSYNC_JSON_NUMBER,
	PGSYNC_JSON_TRUE,
	PGSYNC_JSON_FALSE,
	PGSYNC_JSON_NULL,
	PGSYNC_JSON_NESTED,			/* object or array, its inside not checked */
} PgsyncJsonKind;

/* One value, as a piece of the scanned text */
typedef struct PgsyncJsonToken
{
	PgsyncJsonKind kind;
	const char *start;			/* for strings, behind the opening quote */
	int			len;			/* for strings, without the quotes */
	bool		escaped;		/* a string with backslashes */
	uint8		depth;			/* levels of a nested value, at most 255 */
} PgsyncJsonToken;

typedef struct PgsyncJsonScan
{
	const char *ptr;			/* next byte to read */
	const char *end;			/* behind the last byte */
} PgsyncJsonScan;

extern bool pgsync_json_scan_string(PgsyncJsonScan *scan,
									PgsyncJsonToken *token);
extern bool pgsync_json_scan_value(PgsyncJsonScan *scan,
								   PgsyncJsonToken *token);
extern pg_wchar pgsync_json_read_escape(const char **p, const char *end);
extern bool pgsync_json_unescape(const PgsyncJsonToken *token,
								 StringInfo buf);
extern int	pgsync_json_unescape_into(const PgsyncJsonToken *token,
									  char *dest);

/*
 * Notices a cancel once a megabyte, in a loop that looks at every byte: the
 * input may be a gigabyte of one value.
 */
static inline void
pgsync_json_check_interrupts(const char *ptr)
{
	if (((uintptr_t) ptr & 0xFFFFF) == 0)
		CHECK_FOR_INTERRUPTS();
}

/* A string that is scanned in one go has this many bytes at most */
#define PGSYNC_JSON_SHORT_STRING	4096

/*
 * Scans the value that begins at the next byte, as pgsync_json_scan_value
 * does.  This is for loops over many values: most of them are short strings.
 */
static inline bool
pgsync_json_scan_short_value(PgsyncJsonScan *scan, PgsyncJsonToken *token)
{
	const char *start = scan->ptr + 1;
	const char *limit;
	const char *quote;

	if (scan->ptr >= scan->end || *scan->ptr != '"')
		return pgsync_json_scan_value(scan, token);
	limit = start + Min(scan->end - start, PGSYNC_JSON_SHORT_STRING);
	quote = pgsync_find_json_special(start, limit);
	if (quote == limit || *quote != '"')
		return pgsync_json_scan_value(scan, token);
	token->kind = PGSYNC_JSON_STRING;
	token->start = start;
	token->len = quote - start;
	token->escaped = false;
	scan->ptr = quote + 1;
	return true;
}

/* Skips white space as JSON defines it (RFC 8259, section 2). */
static inline void
pgsync_json_skip_space(PgsyncJsonScan *scan)
{
	while (scan->ptr < scan->end &&
		   (*scan->ptr == ' ' || *scan->ptr == '\n' ||
			*scan->ptr == '\t' || *scan->ptr == '\r'))
		pgsync_json_check_interrupts(scan->ptr++);
}

/* Skips white space, then this character; false if it is another one. */
static inline bool
pgsync_json_accept(PgsyncJsonScan *scan, char c)
{
	pgsync_json_skip_space(scan);
	if (scan->ptr >= scan->end || *scan->ptr != c)
		return false;
	scan->ptr++;
	return true;
}

#endif							/* PGSYNC_JSON_SCAN_H */
