/*-------------------------------------------------------------------------
 *
 * row_source.h
 *	  The type row_source: where rows come from, as a value.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_SOURCE_H
#define PGSYNC_ROW_SOURCE_H

#include "row/source.h"
#include "utils/jsonb.h"

/* What rows come from; the values are stored */
typedef enum PgsyncRowSourceKind
{
	PGSYNC_ROWS_JSONB = 0,
	PGSYNC_ROWS_JSON = 1,
	PGSYNC_ROWS_JSON_TEXT = 2,	/* JSON, or JSON Lines */
	PGSYNC_ROWS_JSON_FILE = 3,
	PGSYNC_ROWS_CSV = 4,
	PGSYNC_ROWS_CSV_FILE = 5,
	PGSYNC_ROWS_QUERY = 6,
} PgsyncRowSourceKind;

/* Its arguments that have a length of their own; the numbers are stored */
typedef enum PgsyncRowSourceField
{
	PGSYNC_FIELD_DATA = 0,		/* jsonb, or text; a path or query, too */
	PGSYNC_FIELD_COLUMNS = 1,	/* jsonb */
	PGSYNC_FIELD_TRANSFORMS = 2,	/* jsonb */
	PGSYNC_FIELD_AT = 3,		/* text[] */
	PGSYNC_FIELD_KEY_COLUMN = 4,	/* text, as all below but the arrays */
	PGSYNC_FIELD_DELIMITER = 5,
	PGSYNC_FIELD_NULL_STRING = 6,
	PGSYNC_FIELD_QUOTE = 7,
	PGSYNC_FIELD_ESCAPE = 8,
	PGSYNC_FIELD_NULL_STRINGS = 9,	/* text[] */
	PGSYNC_FIELD_HEADER = 10,	/* text[] */
	PGSYNC_FIELD_ENCODING = 11,
	PGSYNC_FIELD_ARGS = 12,		/* text[] */
} PgsyncRowSourceField;

#define PGSYNC_ROW_SOURCE_FIELDS	13

/* A value, taken apart; the fields are detoasted and 4-byte headed, or NULL */
typedef struct PgsyncRowSource
{
	PgsyncRowSourceKind kind;
	Oid			maker;			/* the role that made it */
	bool		ignore_unknown;
	bool		trim_blanks;
	int32		skip_lines;
	struct varlena *fields[PGSYNC_ROW_SOURCE_FIELDS];
} PgsyncRowSource;

/* row_source.c */
extern PgsyncRowSource *pgsync_row_source_create(PgsyncRowSourceKind kind,
												 MemoryContext *context);
extern Datum pgsync_row_source_datum(PgsyncRowSource *value);
extern const PgsyncRowSource *pgsync_row_source_get(Datum datum);
extern char *pgsync_row_source_string(const PgsyncRowSource *value,
									  PgsyncRowSourceField field);

/* row_source_open.c */
extern PgsyncSource *pgsync_row_source_open(PgsyncTarget *target, Datum datum);

#endif							/* PGSYNC_ROW_SOURCE_H */
