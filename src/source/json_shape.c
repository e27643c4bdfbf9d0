/*-------------------------------------------------------------------------
 *
 * json_shape.c
 *	  What rows of JSON look like between their values.
 *
 *		{"id": 1, "name": "a"}
 *		^^^^^^^ ^^^^^^^^^^   ^		the bytes that are noted
 *
 * The next row mostly has the very same bytes there, or those of one of the
 * last few shapes, and then need not be looked at key by key.  What they mean
 * does not depend on the values: what led from the end of one value to the
 * beginning of the next leads there again.  source_json.c notes and reads
 * rows; here is what is remembered, and when it is worth while to try.
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

/* Prepares the shapes, in the current memory context. */
void
pgsync_json_shapes_init(PgsyncJsonShapes *shapes)
{
	memset(shapes, 0, sizeof(PgsyncJsonShapes));
	for (int i = 0; i < PGSYNC_JSON_SHAPES; i++)
	{
		PgsyncJsonShape *shape = &shapes->shapes[i];

		shape->max_pieces = 16;
		shape->pieces = palloc(sizeof(PgsyncJsonPiece) * shape->max_pieces);
		initStringInfo(&shape->bytes);
	}
}

/* Begins to note a row, if that is due. */
void
pgsync_json_shapes_begin(PgsyncJsonShapes *shapes)
{
	PgsyncJsonShape *shape = &shapes->shapes[shapes->oldest];

	shapes->learning = NULL;
	if (pgsync_scan_setting == PGSYNC_SCAN_PLAIN)
		return;
	if (shapes->wait > 0)
	{
		shapes->wait--;
		return;
	}
	shapes->learning = shape;
	shape->known = false;
	shape->npieces = 0;
	resetStringInfo(&shape->bytes);
}

/* Notes a value of the column, and the bytes before it. */
void
pgsync_json_shapes_add(PgsyncJsonShapes *shapes, const char *from,
					   const char *to, AttrNumber attnum)
{
	PgsyncJsonShape *shape = shapes->learning;
	PgsyncJsonPiece *piece;

	if (shape->npieces == MAX_PIECES || to - from > MAX_BYTES ||
		shape->bytes.len > MAX_BYTES)
	{
		shapes->learning = NULL;
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
pgsync_json_shapes_end(PgsyncJsonShapes *shapes, const char *from,
					   const char *to)
{
	static const char padding[PGSYNC_VECTOR_PADDING];
	PgsyncJsonShape *shape = shapes->learning;

	pgsync_json_shapes_add(shapes, from, to, 0);
	if (shapes->learning == NULL)
		return;
	appendBinaryStringInfo(&shape->bytes, padding, sizeof(padding));
	shape->known = true;
	shapes->learning = NULL;
	shapes->recent = shapes->oldest;
	shapes->oldest = (shapes->oldest + 1) % PGSYNC_JSON_SHAPES;
}

/*
 * Notes that a row had none of the shapes, before it is read otherwise.  The
 * more often that has been so without a break, the longer nothing is tried.
 */
void
pgsync_json_shapes_missed(PgsyncJsonShapes *shapes)
{
	if (shapes->misses < MAX_MISSES)
		shapes->misses++;
	if (shapes->misses > PGSYNC_JSON_SHAPES)
		shapes->wait = (1 << shapes->misses) - 2;
}
