/*-------------------------------------------------------------------------
 *
 * action_receiver.h
 *	  A destination that takes rows together with what was done to them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ACTION_RECEIVER_H
#define PGSYNC_ACTION_RECEIVER_H

#include "row/run.h"
#include "utils/tuplestore.h"
#include "value/row_jsonb.h"

typedef struct PgsyncActionReceiver
{
	DestReceiver pub;			/* callbacks; must be first */

	/* what the rows to come are: of a row hook's INSERT, or by this name */
	PgsyncRun  *inserting;		/* or NULL */
	const char *action;

	int64		nrows;			/* received so far */
	PgsyncRowJsonb *row;		/* NULL until the columns are known */
	Tuplestorestate *store;
	TupleDesc	store_desc;
	MemoryContext context;
	MemoryContext row_context;	/* reset after each row */
} PgsyncActionReceiver;

extern PgsyncActionReceiver *pgsync_action_receiver_create(Tuplestorestate *store,
														   TupleDesc store_desc);
extern void pgsync_action_receiver_put_null(PgsyncActionReceiver *receiver);

#endif							/* PGSYNC_ACTION_RECEIVER_H */
