/*-------------------------------------------------------------------------
 *
 * place.c
 *	  The words in which error context names a place in the input.
 *
 *		row 17
 *		rows 1 to 1000
 *		line 17, column "born": "1815-13-10"
 *
 * Each is a message of its own for each unit, so that it can be translated.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "mb/pg_wchar.h"
#include "row/place.h"

/* How much of a value error context shows */
#define MAX_SHOWN_VALUE		100

/* The messages of one unit */
typedef struct PlaceMessages
{
	const char *row;
	const char *rows;
	const char *until;
	const char *value;
	const char *listed;			/* with what is wrong with it */
	const char *listed_column;
} PlaceMessages;

/* By PgsyncUnit */
static const PlaceMessages messages[] = {
	[PGSYNC_UNIT_ROW] = {
		.row = gettext_noop("row %llu"),
		.rows = gettext_noop("rows %llu to %llu"),
		.until = gettext_noop("at or before row %llu"),
		.value = gettext_noop("row %llu, column \"%s\": %s"),
		.listed = gettext_noop("Row %llu: %s"),
		.listed_column = gettext_noop("Row %llu, column \"%s\": %s"),
	},
	[PGSYNC_UNIT_LINE] = {
		.row = gettext_noop("line %llu"),
		.rows = gettext_noop("lines %llu to %llu"),
		.until = gettext_noop("at or before line %llu"),
		.value = gettext_noop("line %llu, column \"%s\": %s"),
		.listed = gettext_noop("Line %llu: %s"),
		.listed_column = gettext_noop("Line %llu, column \"%s\": %s"),
	},
};

/* Appends a value, clipped, in double quotes. */
static void
append_clipped(StringInfo buf, const char *value, int len)
{
	int			clipped = pg_mbcliplen(value, len, MAX_SHOWN_VALUE);

	appendStringInfoChar(buf, '"');
	appendBinaryStringInfo(buf, value, clipped);
	appendStringInfoString(buf, clipped < len ? "...\"" : "\"");
}

/* Names one row. */
int
pgsync_errcontext_row(PgsyncUnit unit, uint64 number)
{
	return errcontext(messages[unit].row, (unsigned long long) number);
}

/* Names a run of rows, any of which may be meant. */
int
pgsync_errcontext_rows(PgsyncUnit unit, uint64 first, uint64 last)
{
	return errcontext(messages[unit].rows, (unsigned long long) first,
					  (unsigned long long) last);
}

/* Names the last row that may be meant. */
int
pgsync_errcontext_until(PgsyncUnit unit, uint64 number)
{
	return errcontext(messages[unit].until, (unsigned long long) number);
}

/*
 * Names the row that a source is reading and, if it is converting a value,
 * the column and the value, clipped.
 */
int
pgsync_errcontext_reading(PgsyncSource *source, const PgsyncRow *row)
{
	PgsyncUnit	unit = source->routine->unit;
	StringInfoData value;
	StringInfoData shown;

	if (row->column == 0)
		return pgsync_errcontext_row(unit, row->number);
	initStringInfo(&value);
	initStringInfo(&shown);
	source->routine->describe_value(source, row->column, &value);
	append_clipped(&shown, value.data, value.len);
	return errcontext(messages[unit].value, (unsigned long long) row->number,
					  source->target->columns[row->column - 1].name,
					  shown.data);
}

/* Appends a row, its column if there is one, and what is wrong with it. */
void
pgsync_append_place(StringInfo buf, PgsyncUnit unit, uint64 number,
					const char *column, const char *message)
{
	if (column == NULL)
		appendStringInfo(buf, _(messages[unit].listed),
						 (unsigned long long) number, message);
	else
		appendStringInfo(buf, _(messages[unit].listed_column),
						 (unsigned long long) number, column, message);
}
