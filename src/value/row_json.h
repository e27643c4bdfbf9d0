/*-------------------------------------------------------------------------
 *
 * row_json.h
 *	  A row as the text of a JSON object, its columns as keys.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_JSON_H
#define PGSYNC_ROW_JSON_H

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "value/json_text.h"

/* What values are printed as */
typedef enum PgsyncJsonForm
{
	PGSYNC_JSON_AS_CORE,		/* what core's to_json makes of them */
	PGSYNC_JSON_READ_BACK,		/* the same, unless converting that to the
								 * column's type gave another value: then
								 * their text form */
} PgsyncJsonForm;

/* How the rows of one descriptor are printed; made once a statement. */
typedef struct PgsyncRowJson PgsyncRowJson;

extern PgsyncRowJson *pgsync_row_json_create(TupleDesc tupdesc,
											 PgsyncJsonForm form,
											 MemoryContext context);
extern void pgsync_row_json_append(PgsyncRowJson *state, PgsyncJsonText *out,
								   TupleTableSlot *slot);

#endif							/* PGSYNC_ROW_JSON_H */
