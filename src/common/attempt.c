/*-------------------------------------------------------------------------
 *
 * attempt.c
 *	  Work that may fail, in a subtransaction.
 *
 * An error leaves locks, pins and half a row behind; only the end of a
 * (sub)transaction clears that away.  So errors are caught here, and nowhere
 * without one.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "common/attempt.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/*
 * Does work in a subtransaction.  Returns NULL if it is done, else the error
 * in the current memory context, and the work undone.  What it has allocated
 * in that context stays.
 *
 * An error is no less one that must not be swallowed, such as a cancel: the
 * caller throws it again with ReThrowError.
 */
ErrorData *
pgsync_attempt(PgsyncWork work, void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}
