/*-------------------------------------------------------------------------
 *
 * load.h
 *	  The one loop that takes rows from a source to where they belong.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_LOAD_H
#define PGSYNC_LOAD_H

#include "row/row.h"
#include "insert/statement.h"

/* What a data argument is */
typedef enum PgsyncJsonFormat
{
	PGSYNC_JSON_FORMAT_JSONB,
	PGSYNC_JSON_FORMAT_JSON,
	PGSYNC_JSON_FORMAT_TEXT,	/* JSON, or JSON Lines */
} PgsyncJsonFormat;

extern PgsyncSource *pgsync_source_for_json(PgsyncTarget *target, Datum data,
											PgsyncJsonFormat format);
extern uint64 pgsync_load(PgsyncSource *source, const PgsyncClauses *clauses,
						  DestReceiver *dest);

#endif							/* PGSYNC_LOAD_H */
