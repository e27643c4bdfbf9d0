/*-------------------------------------------------------------------------
 *
 * heap_together.c
 *	  Stores rows with their unique index entries, all or none.
 *
 * As ON CONFLICT does with one row ("Speculative insertion" in
 * src/backend/executor/README): while a row carries a token, nobody takes it
 * for decided.  Whoever wants its key waits for the token, not for our
 * transaction, and then looks again.
 *
 *		insert all rows with one token -> make their unique entries
 *			no conflict: complete the rows		a conflict: kill them
 *		release the token
 *
 * Nothing waits for another session in between, so it does not matter in which
 * order the entries are made.  To everybody else it is as if the rows had come
 * one by one at the moment when the token goes.  A row that conflicts, or
 * might, takes all back before anything can wait; the rows then go in one by
 * one, as the statement has them.
 *
 * Logical decoding (reorderbuffer.c) expects a row to be completed before the
 * next one is inserted speculatively, and would lose rows.  So this is not for
 * tables that are logged for it: wal_level is logical, and the table neither
 * unlogged nor temporary.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "sink/heap_together.h"
#include "storage/lmgr.h"
#include "utils/rel.h"

/* Says which rows are at hand. */
static inline void
set_place(const PgsyncRows *rows, int first, int last)
{
	rows->place->storing_first = rows->numbers[first];
	rows->place->storing_last = rows->numbers[last];
}

/*
 * Stores rows that pgsync_index_batch_prepare has found fit for this, with
 * their entries in unique indexes.  False if nothing is stored.
 */
bool
pgsync_store_together(PgsyncIndexBatch *indexes, const PgsyncRows *rows,
					  Relation rel, CommandId cid, int options,
					  BulkInsertState bistate)
{
	TransactionId xid = GetCurrentTransactionId();
	uint32		token = SpeculativeInsertionLockAcquire(xid);
	bool		sure;

	Assert(!RelationIsLogicallyLogged(rel));
	for (int i = 0; i < rows->nrows; i++)
	{
		set_place(rows, i, i);
		table_tuple_insert_speculative(rel, rows->slots[i], cid, options,
									   bistate, token);
	}
	set_place(rows, 0, rows->nrows - 1);
	sure = pgsync_index_batch_try_unique(indexes);
	for (int i = 0; i < rows->nrows; i++)
	{
		set_place(rows, i, i);
		table_tuple_complete_speculative(rel, rows->slots[i], token, sure);
	}
	SpeculativeInsertionLockRelease(xid);
	set_place(rows, 0, rows->nrows - 1);
	return sure;
}
