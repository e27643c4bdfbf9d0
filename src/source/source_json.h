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
#include "utils/jsonb.h"

/* What a data argument is */
typedef enum PgsyncJsonFormat
{
	PGSYNC_JSON_FORMAT_JSONB,
	PGSYNC_JSON_FORMAT_JSON,
	PGSYNC_JSON_FORMAT_TEXT,	/* JSON, or JSON Lines */
	PGSYNC_JSON_FORMAT_ROW_SOURCE,	/* whatever this value of the type says */
} PgsyncJsonFormat;

/* source_json.c */
extern PgsyncSource *pgsync_source_for_json(PgsyncTarget *target, Datum data,
											PgsyncJsonFormat format);

/* source_jsonb.c */
extern PgsyncSource *pgsync_source_jsonb_create(PgsyncTarget *target,
												Jsonb *data);

#endif							/* PGSYNC_SOURCE_JSON_H */
