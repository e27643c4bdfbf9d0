/*-------------------------------------------------------------------------
 *
 * json_shape.c
 *	  What a row of JSON looks like between its values.
 *
 *		{"id": 1, "name": "a"}
 *		^^^^^^^ ^^^^^^^^^^   ^		the bytes that are noted
 *
 * The next row mostly has the very same bytes there, and then need not be
 * looked at key by key.  What they mean does not depend on the values: what
 * led from the end of one value to the beginning of the next leads there
 * again.  source_json.c notes and reads rows; here is what is remembered, and
 * when it is worth while to try.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "source/json_shape.h"

/* A row with more values than this is not noted */
#define MAX_PIECES		4096

/* ... nor one that has more bytes between them */
#define MAX_BYTES		(256 * 1024)

/*
 * Of rows that keep being different, one in 2^MAX_MISSES is noted and the
 * next one predicted, so that little is lost.
 */
#define MAX_MISSES		7

/* Prepares a shape, in the current memory context. */
void
pgsync_json_shape_init(PgsyncJsonShape *shape)
{
	memset(shape, 0, sizeof(PgsyncJsonShape));
	shape->max_pieces = 16;
	shape->pieces = palloc(sizeof(PgsyncJsonPiece) * shape->max_pieces);
	initStringInfo(&shape->bytes);
}

/* Begins to note a row, if that is due. */
void
pgsync_json_shape_begin(PgsyncJsonShape *shape)
{
	shape->learning = shape->wait == 0 &&
		pgsync_scan_setting != PGSYNC_SCAN_PLAIN;
	if (shape->wait > 0)
		shape->wait--;
	shape->known = false;
	shape->npieces = 0;
	resetStringInfo(&shape->bytes);
}

/* Notes a value of the column, and the bytes before it. */
void
pgsync_json_shape_add(PgsyncJsonShape *shape, const char *from, const char *to,
					  AttrNumber attnum)
{
	PgsyncJsonPiece *piece;

	if (shape->npieces == MAX_PIECES || to - from > MAX_BYTES ||
		shape->bytes.len > MAX_BYTES)
	{
		shape->learning = false;
		return;
	}
	if (shape->npieces == shape->max_pieces)
	{
		shape->max_pieces *= 2;
		shape->pieces = repalloc(shape->pieces,
								 sizeof(PgsyncJsonPiece) * shape->max_pieces);
	}
	piece = &shape->pieces[shape->npieces++];
	piece->offset = shape->bytes.len;
	piece->len = to - from;
	piece->attnum = attnum;
	appendBinaryStringInfo(&shape->bytes, from, to - from);
}

/* Notes the bytes behind the last value: the row has been read. */
void
pgsync_json_shape_end(PgsyncJsonShape *shape, const char *from, const char *to)
{
	static const char padding[PGSYNC_VECTOR_PADDING];

	pgsync_json_shape_add(shape, from, to, 0);
	appendBinaryStringInfo(&shape->bytes, padding, sizeof(padding));
	shape->known = shape->learning;
	shape->learning = false;
}

/* Notes that a row was not as predicted, before it is read otherwise. */
void
pgsync_json_shape_missed(PgsyncJsonShape *shape)
{
	shape->known = false;
	if (shape->misses < MAX_MISSES)
		shape->misses++;
	shape->wait = (1 << shape->misses) - 2;
}
