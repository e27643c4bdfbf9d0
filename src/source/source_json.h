/*-------------------------------------------------------------------------
 *
 * source_json.h
 *	  Rows from JSON, as text or jsonb.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SOURCE_JSON_H
#define PGSYNC_SOURCE_JSON_H

#include "row/source.h"
#include "source/file_input.h"
#include "utils/jsonb.h"

/* What a data argument is */
typedef enum PgsyncJsonFormat
{
	PGSYNC_JSON_FORMAT_JSONB,
	PGSYNC_JSON_FORMAT_JSON,
	PGSYNC_JSON_FORMAT_TEXT,	/* JSON, or JSON Lines */
	PGSYNC_JSON_FORMAT_ROW_SOURCE,	/* whatever this value of the type says */
} PgsyncJsonFormat;

/* Where the rows are in it, and what a file is encoded in; NULL for none */
typedef struct PgsyncJsonOptions
{
	List	   *path;			/* of char *: to the rows, as #> takes it */
	const char *key_column;		/* takes the names of an object's members */
	bool		one_object;		/* must the text be one object? */
	const char *encoding;		/* of a file; NULL: the client's */
} PgsyncJsonOptions;

/* source_json.c */
extern PgsyncSource *pgsync_source_for_json(PgsyncTarget *target, Datum data,
											PgsyncJsonFormat format);
extern PgsyncSource *pgsync_source_for_object(PgsyncTarget *target,
											  Datum data,
											  PgsyncJsonFormat format);
extern PgsyncSource *pgsync_source_json_open_text(PgsyncTarget *target,
												  struct varlena *data,
												  const PgsyncJsonOptions *options,
												  bool lines_allowed);
extern PgsyncSource *pgsync_source_json_open_file(PgsyncTarget *target,
												  const PgsyncFileName *name,
												  const PgsyncJsonOptions *options);
extern void pgsync_source_json_number_rows(PgsyncSource *base,
										   const uint64 *numbers);
extern AttrNumber pgsync_json_key_column(PgsyncTarget *target,
										 const char *name);

/* source_jsonb.c */
extern PgsyncSource *pgsync_source_jsonb_open(PgsyncTarget *target,
											  Jsonb *data,
											  const PgsyncJsonOptions *options);

#endif							/* PGSYNC_SOURCE_JSON_H */
