/*-------------------------------------------------------------------------
 *
 * json_check.c
 *	  Core's JSON parser, asked what is wrong with a text.
 *
 * So that errors are those of the type json, down to their wording.  The
 * parser itself does not look for interrupts; the actions do that it takes
 * for each value that holds others and for each of these.  What is left is
 * one string or number, through which it goes in one go: of long ones
 * json_shorten.c leaves the middle out.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/jsonfuncs.h"
#include "value/json_check.h"
#include "value/json_shorten.h"

/* How far the line's start may be before what an error shows */
#define NEAR_ENOUGH		256

/* What the actions know */
typedef struct Check
{
	JsonLexContext *lex;
	char	   *recent;			/* a token's start, on the line at hand */
} Check;

/*
 * Looks for interrupts.  Moves the start of a long line nearer, too: an error
 * looks from there for the last 50 bytes that it shows, character by character.
 */
static void
at_token(Check *check)
{
	JsonLexContext *lex = check->lex;

	CHECK_FOR_INTERRUPTS();
	if (check->recent < lex->line_start)
		check->recent = (char *) lex->line_start;
	if (lex->token_start != NULL &&
		lex->token_start - check->recent >= NEAR_ENOUGH)
	{
		lex->line_start = check->recent;
		check->recent = (char *) lex->token_start;
	}
}

/* Is called at the start of an array or an object. */
static PgsyncJsonActionResult
at_start(void *state)
{
	at_token(state);
	PGSYNC_JSON_ACTION_DONE();
}

/* Is called at an array's element. */
static PgsyncJsonActionResult
at_element(void *state, bool isnull)
{
	at_token(state);
	PGSYNC_JSON_ACTION_DONE();
}

/* Is called at an object's member, whose name is ours to free. */
static PgsyncJsonActionResult
at_member(void *state, char *name, bool isnull)
{
	at_token(state);
	pfree(name);
	PGSYNC_JSON_ACTION_DONE();
}

static const JsonSemAction check_actions = {
	.object_start = at_start,
	.array_start = at_start,
	.array_element_start = at_element,
	.object_field_start = at_member,
};

/* Prepares to parse a text whose first line has this number. */
static void
begin_check(Check *check, JsonSemAction *actions, const char *json, int len,
			int line)
{
	PgsyncJsonText text = pgsync_json_shorten(json, len);

	check->lex = pgsync_make_json_lex_context(unconstify(char *, text.json),
											  text.len, GetDatabaseEncoding(),
											  true);
	check->lex->line_number = line + text.lines;

	check->recent = unconstify(char *, text.json);
	*actions = check_actions;
	actions->semstate = check;
}

/* Returns whether core's parser takes a text. */
bool
pgsync_json_is_valid(const char *json, int len)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync JSON check",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	JsonSemAction actions;
	Check		check;
	bool		valid;

	begin_check(&check, &actions, json, len, 1);
	valid = pg_parse_json(check.lex, &actions) == JSON_SUCCESS;
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
	return valid;
}

/*
 * Reports what is wrong with a text that begins in this line of the input.
 * Returns if core's parser finds nothing.
 */
void
pgsync_json_report(const char *json, int len, int line)
{
	JsonSemAction actions;
	Check		check;

	begin_check(&check, &actions, json, len, line);
	pg_parse_json_or_ereport(check.lex, &actions);
}
