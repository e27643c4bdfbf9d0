/*-------------------------------------------------------------------------
 *
 * json_skip.h
 *	  Steps over a JSON value that comes in pieces, checking its grammar.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_SKIP_H
#define PGSYNC_JSON_SKIP_H

typedef enum PgsyncSkipResult
{
	PGSYNC_SKIP_MORE,			/* the value may go on in the next piece */
	PGSYNC_SKIP_DONE,			/* it ends here */
	PGSYNC_SKIP_INVALID,		/* this byte cannot stand here */
} PgsyncSkipResult;

/* What is expected next */
typedef enum PgsyncSkipState
{
	SKIP_VALUE,
	SKIP_VALUE_OR_END,			/* behind an opening bracket */
	SKIP_KEY_OR_END,			/* behind an opening brace */
	SKIP_KEY,
	SKIP_COLON,
	SKIP_COMMA_OR_END,
	SKIP_STRING,				/* the rest of a string */
	SKIP_ESCAPE,				/* what stands behind its backslash */
	SKIP_HEX,					/* a digit behind its \u */
	SKIP_MINUS,					/* the first digit behind a minus sign */
	SKIP_ZERO,					/* what may follow a leading zero */
	SKIP_INTEGER,
	SKIP_POINT,					/* the first digit behind a point */
	SKIP_FRACTION,
	SKIP_E,						/* a sign or digit behind an e */
	SKIP_SIGN,					/* the first digit behind that sign */
	SKIP_EXPONENT,
	SKIP_WORD,					/* the rest of a word */
	SKIP_END,					/* nothing */
} PgsyncSkipState;

typedef struct PgsyncJsonSkip
{
	PgsyncSkipState state;
	bool		in_key;			/* is the string a key? */
	int			hex_digits;		/* still to come */
	const char *word;			/* the rest of it */
	char	   *open;			/* the brackets and braces it is in */
	Size		depth;
	Size		max_depth;
} PgsyncJsonSkip;

extern void pgsync_json_skip_init(PgsyncJsonSkip *skip);
extern void pgsync_json_skip_begin(PgsyncJsonSkip *skip);
extern PgsyncSkipResult pgsync_json_skip(PgsyncJsonSkip *skip,
										 const char **ptr, const char *end);
extern bool pgsync_json_skip_may_end(const PgsyncJsonSkip *skip);

#endif							/* PGSYNC_JSON_SKIP_H */
