/*-------------------------------------------------------------------------
 *
 * json_check.c
 *	  Core's JSON parser, asked what is wrong with a text.
 *
 * So that errors are those of the type json, down to their wording.  The
 * parser itself does not look for interrupts; the actions do that it takes
 * for each value that holds others and for each of these.  What is left is
 * one string or number, through which it goes in one go.
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

/* Looks for interrupts at the start of an array or an object. */
static PgsyncJsonActionResult
at_start(void *state)
{
	CHECK_FOR_INTERRUPTS();
	PGSYNC_JSON_ACTION_DONE();
}

/* Looks for interrupts at an array's element. */
static PgsyncJsonActionResult
at_element(void *state, bool isnull)
{
	CHECK_FOR_INTERRUPTS();
	PGSYNC_JSON_ACTION_DONE();
}

/* Looks for interrupts at an object's member, whose name is ours to free. */
static PgsyncJsonActionResult
at_member(void *state, char *name, bool isnull)
{
	CHECK_FOR_INTERRUPTS();
	pfree(name);
	PGSYNC_JSON_ACTION_DONE();
}

static JsonSemAction actions = {
	.object_start = at_start,
	.array_start = at_start,
	.array_element_start = at_element,
	.object_field_start = at_member,
};

/* Returns whether core's parser takes a text. */
bool
pgsync_json_is_valid(const char *json, int len)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync JSON check",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	JsonLexContext *lex;
	bool		valid;

	lex = pgsync_make_json_lex_context(unconstify(char *, json), len,
									   GetDatabaseEncoding(), true);
	valid = pg_parse_json(lex, &actions) == JSON_SUCCESS;
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
	JsonLexContext *lex;

	lex = pgsync_make_json_lex_context(unconstify(char *, json), len,
									   GetDatabaseEncoding(), true);
	lex->line_number = line;
	pg_parse_json_or_ereport(lex, &actions);
}
