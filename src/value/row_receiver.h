/*-------------------------------------------------------------------------
 *
 * row_receiver.h
 *	  A destination that takes a statement's rows as jsonb objects.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_RECEIVER_H
#define PGSYNC_ROW_RECEIVER_H

#include "value/row_jsonb.h"
#include "tcop/dest.h"
#include "utils/tuplestore.h"

typedef struct PgsyncRowReceiver
{
	DestReceiver pub;			/* callbacks; must be first */
	MemoryContext result_context;	/* what the caller gets */
	MemoryContext context;		/* the receiver itself */
	MemoryContext statement_context;	/* what lives for a statement's rows */
	MemoryContext row_context;	/* reset after each row */
	PgsyncRowJsonb *row;
	Tuplestorestate *store;
	TupleDesc	store_desc;
	bool		is_select;		/* may it be stopped early? */
	bool		found;			/* is there a first row? */
	Datum		first;
} PgsyncRowReceiver;

extern PgsyncRowReceiver *pgsync_row_receiver_create(Tuplestorestate *store,
													 TupleDesc store_desc);
extern void pgsync_row_receiver_destroy(PgsyncRowReceiver *receiver);

#endif							/* PGSYNC_ROW_RECEIVER_H */
