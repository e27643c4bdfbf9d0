/*-------------------------------------------------------------------------
 *
 * source_csv.h
 *	  Rows from CSV, in a file of the server or in a text.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SOURCE_CSV_H
#define PGSYNC_SOURCE_CSV_H

#include "nodes/pg_list.h"
#include "row/source.h"
#include "source/file_input.h"

/*
 * How the CSV is to be read; strings as COPY's options of these names, NULL
 * for the default of each.
 */
typedef struct PgsyncCsvOptions
{
	const char *delimiter;
	const char *null_string;
	const char *quote;
	const char *escape;			/* NULL: the same as quote */
	const char *encoding;		/* of a file; NULL: the client's */
	List	   *null_strings;	/* of char *: further words for NULL */
	bool		trim_blanks;	/* drop blanks around unquoted fields */
	int			skip_lines;		/* before the header */
	List	   *header;			/* of char *; NIL: it is the first line */
	List	   *exclude_columns;	/* of char *: fields to drop */
	bool		ignore_unknown; /* drop fields without a name */
} PgsyncCsvOptions;

extern PgsyncSource *pgsync_source_csv_open_file(PgsyncTarget *target,
												 const PgsyncFileName *name,
												 const PgsyncCsvOptions *options);
extern PgsyncSource *pgsync_source_csv_open_text(PgsyncTarget *target,
												 struct varlena *csv,
												 const PgsyncCsvOptions *options);

#endif							/* PGSYNC_SOURCE_CSV_H */
