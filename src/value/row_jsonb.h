/*-------------------------------------------------------------------------
 *
 * row_jsonb.h
 *	  A row as a jsonb object, its columns as keys.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_JSONB_H
#define PGSYNC_ROW_JSONB_H

#include "access/tupdesc.h"
#include "executor/tuptable.h"

/* How the rows of one descriptor become objects; made once a statement. */
typedef struct PgsyncRowJsonb PgsyncRowJsonb;

extern PgsyncRowJsonb *pgsync_row_jsonb_create(TupleDesc tupdesc,
											   MemoryContext context);
extern Datum pgsync_row_jsonb_make(PgsyncRowJsonb *state,
								   TupleTableSlot *slot);
extern Datum pgsync_row_jsonb_make_some(PgsyncRowJsonb *state,
										const Datum *values,
										const bool *nulls,
										const bool *wanted);

#endif							/* PGSYNC_ROW_JSONB_H */
