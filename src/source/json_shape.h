/*-------------------------------------------------------------------------
 *
 * json_shape.h
 *	  What rows of JSON look like between their values.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_SHAPE_H
#define PGSYNC_JSON_SHAPE_H

#include "access/attnum.h"
#include "common/vector.h"
#include "lib/stringinfo.h"

/* A value, and the bytes from the end of the one before it up to it */
typedef struct PgsyncJsonPiece
{
	int			offset;			/* of the bytes, in shape->bytes */
	int			len;
	AttrNumber	attnum;			/* of the value */
} PgsyncJsonPiece;

typedef struct PgsyncJsonShape
{
	bool		known;			/* has a row been noted as a whole? */
	PgsyncJsonPiece *pieces;	/* the last one is behind the last value */
	int			npieces;
	int			max_pieces;
	StringInfoData bytes;
} PgsyncJsonShape;

/* Rows with keys that may be missing have a few shapes in turn */
#define PGSYNC_JSON_SHAPES	4

typedef struct PgsyncJsonShapes
{
	PgsyncJsonShape shapes[PGSYNC_JSON_SHAPES];
	int			recent;			/* the one that was met last */
	int			oldest;			/* the one that is noted next */
	PgsyncJsonShape *learning;	/* the one being noted, or NULL */
	int			misses;			/* predictions in a row that failed */
	int			wait;			/* rows to be read before the next one */
} PgsyncJsonShapes;

extern void pgsync_json_shapes_init(PgsyncJsonShapes *shapes);
extern void pgsync_json_shapes_begin(PgsyncJsonShapes *shapes);
extern void pgsync_json_shapes_add(PgsyncJsonShapes *shapes, const char *from,
								   const char *to, AttrNumber attnum);
extern void pgsync_json_shapes_end(PgsyncJsonShapes *shapes, const char *from,
								   const char *to);
extern void pgsync_json_shapes_missed(PgsyncJsonShapes *shapes);

/* Returns whether the next row is to be read as if its shape were known. */
static inline bool
pgsync_json_shapes_predict(const PgsyncJsonShapes *shapes)
{
	return shapes->wait == 0 && pgsync_scan_setting != PGSYNC_SCAN_PLAIN;
}

/* Returns the shape to be tried after so many others. */
static inline PgsyncJsonShape *
pgsync_json_shapes_candidate(PgsyncJsonShapes *shapes, int tried)
{
	return &shapes->shapes[(shapes->recent + tried) % PGSYNC_JSON_SHAPES];
}

/* Notes that a row had this shape. */
static inline void
pgsync_json_shapes_met(PgsyncJsonShapes *shapes, const PgsyncJsonShape *shape)
{
	shapes->recent = shape - shapes->shapes;
	shapes->misses = 0;
}

/* Takes the bytes of a piece; false if there are others, or too few. */
static inline bool
pgsync_json_shape_accept(const PgsyncJsonShape *shape,
						 const PgsyncJsonPiece *piece, const char **ptr,
						 const char *end)
{
	if (!pgsync_starts_with(*ptr, end, shape->bytes.data + piece->offset,
							piece->len))
		return false;
	*ptr += piece->len;
	return true;
}

#endif							/* PGSYNC_JSON_SHAPE_H */
