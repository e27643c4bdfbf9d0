/*-------------------------------------------------------------------------
 *
 * csv_split.h
 *	  Splits CSV into rows and fields.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CSV_SPLIT_H
#define PGSYNC_CSV_SPLIT_H

#include "common/vector.h"
#include "nodes/pg_list.h"
#include "source/text_input.h"

/* What the CSV looks like; the meaning is COPY's where COPY has the option */
typedef struct PgsyncCsvFormat
{
	char		delimiter;
	char		quote;
	char		escape;
	const char *null_string;
	List	   *null_strings;	/* of char *: further words for NULL */
	bool		trim_blanks;	/* drop blanks around unquoted fields */
} PgsyncCsvFormat;

/* A field, terminated by a zero byte; it lasts until the next row is read */
typedef struct PgsyncCsvField
{
	char	   *value;
	int			len;
	bool		quoted;			/* has it a quoted part? */
	bool		null;			/* is it one of the words for NULL? */
} PgsyncCsvField;

/* A row may have more fields than these, but what is behind them is one */
#define PGSYNC_CSV_MAX_FIELDS	1000000

/* How lines end */
typedef enum PgsyncLineEnd
{
	PGSYNC_LINE_END_UNKNOWN,
	PGSYNC_LINE_END_LF,
	PGSYNC_LINE_END_CR,
	PGSYNC_LINE_END_CRLF,
} PgsyncLineEnd;

typedef struct PgsyncCsvSplitter
{
	PgsyncTextInput *input;
	PgsyncCsvFormat format;
	int			null_len;		/* of format.null_string */
	PgsyncFourBytes unquoted;	/* what ends a piece of a field */
	PgsyncFourBytes quoted;		/* and of one in quotes */
	bool		at_end;			/* has the input no more text? */
	PgsyncLineEnd line_end;
	uint64		line;			/* that the row at hand begins on, from 1 */
	uint64		next_line;
	PgsyncCsvField *fields;		/* of the row at hand */
	int			nfields;
	int			max_fields;
	char	   *values;			/* where the fields' values are */
	Size		values_len;
	Size		values_size;
	const char *raw;			/* the row as it came, without its line end */
	int			raw_len;
} PgsyncCsvSplitter;

extern void pgsync_csv_splitter_init(PgsyncCsvSplitter *splitter,
									 PgsyncTextInput *input,
									 const PgsyncCsvFormat *format);
extern bool pgsync_csv_at_line_end(PgsyncCsvSplitter *splitter);
extern bool pgsync_csv_only_line_ends_left(PgsyncCsvSplitter *splitter);
extern bool pgsync_csv_skip_line(PgsyncCsvSplitter *splitter);
extern bool pgsync_csv_next_row(PgsyncCsvSplitter *splitter);

#endif							/* PGSYNC_CSV_SPLIT_H */
