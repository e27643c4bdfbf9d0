/*-------------------------------------------------------------------------
 *
 * json_shape.h
 *	  What a row of JSON looks like between its values.
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
	bool		learning;		/* is the row at hand being noted? */
	bool		known;			/* has a row been noted as a whole? */
	int			misses;			/* predictions in a row that failed */
	int			wait;			/* rows to be read before the next one */
	PgsyncJsonPiece *pieces;	/* the last one is behind the last value */
	int			npieces;
	int			max_pieces;
	StringInfoData bytes;
} PgsyncJsonShape;

extern void pgsync_json_shape_init(PgsyncJsonShape *shape);
extern void pgsync_json_shape_begin(PgsyncJsonShape *shape);
extern void pgsync_json_shape_add(PgsyncJsonShape *shape, const char *from,
								  const char *to, AttrNumber attnum);
extern void pgsync_json_shape_end(PgsyncJsonShape *shape, const char *from,
								  const char *to);
extern void pgsync_json_shape_missed(PgsyncJsonShape *shape);

/* Returns whether the next row is to be read as if it had this shape. */
static inline bool
pgsync_json_shape_predicts(const PgsyncJsonShape *shape)
{
	return shape->known && shape->wait == 0 &&
		pgsync_scan_setting != PGSYNC_SCAN_PLAIN;
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
