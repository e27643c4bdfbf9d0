/*-------------------------------------------------------------------------
 *
 * jsonb_rows.h
 *	  The objects of a jsonb value, one after the other.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSONB_ROWS_H
#define PGSYNC_JSONB_ROWS_H

#include "utils/jsonb.h"

/* A walk over an array of objects, one object, or an object of objects */
typedef struct PgsyncJsonbRows
{
	JsonbIterator *elements;	/* of the array; NULL for one object */
	bool		members;		/* is it one over an object's members? */
	bool		is_scalar;		/* is the whole a bare value? */
	bool		done;
	uint64		number;			/* of the element at hand, from 1 */
	JsonbValue	element;		/* the element at hand */
	JsonbValue	name;			/* and its name, for members */
} PgsyncJsonbRows;

extern void pgsync_jsonb_rows_begin(PgsyncJsonbRows *rows,
									JsonbContainer *part, int len,
									bool members);
extern bool pgsync_holds_json(const char *str, const char *end);
extern int	pgsync_hint_serialized(void);
pg_noreturn extern void pgsync_no_object_error(bool serialized);
extern void pgsync_jsonb_check_object(Jsonb *data);
extern bool pgsync_jsonb_rows_next(PgsyncJsonbRows *rows);
extern JsonbContainer *pgsync_jsonb_rows_object(PgsyncJsonbRows *rows);

#endif							/* PGSYNC_JSONB_ROWS_H */
