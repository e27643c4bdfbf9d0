/*-------------------------------------------------------------------------
 *
 * call.c
 *	  The frame of a call that loads rows.
 *
 *		begin -> arguments are read -> open -> load -> end -> result
 *
 * Arguments are read before the target is opened: a call that makes no sense
 * locks nothing.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "insert/call.h"
#include "insert/rejects.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * Begins a call whose first argument is the target and whose second is the
 * data, under the name given; both are required.  From here to the end, the
 * current memory context is the call's.
 */
void
pgsync_call_begin(PgsyncCall *call, FunctionCallInfo fcinfo,
				  const char *data_argname)
{
	PGSYNC_REQUIRE_ARG(fcinfo, 0, "target");
	PGSYNC_REQUIRE_ARG(fcinfo, 1, data_argname);

	memset(call, 0, sizeof(PgsyncCall));
	call->fcinfo = fcinfo;
	call->context = AllocSetContextCreate(CurrentMemoryContext, "pgsync call",
										  ALLOCSET_DEFAULT_SIZES);
	call->outer = MemoryContextSwitchTo(call->context);
}

/*
 * Does the same for data that is an array of rows: the error for a null says
 * how to mean no rows.
 */
void
pgsync_call_begin_rows(PgsyncCall *call, FunctionCallInfo fcinfo)
{
	PGSYNC_REQUIRE_ARG(fcinfo, 0, "target");
	PGSYNC_REQUIRE_ROWS(fcinfo, 1);
	pgsync_call_begin(call, fcinfo, "data");
}

/*
 * Opens the target for a verb that writes rows, with INSERT's lock, and its
 * error table.
 */
void
pgsync_call_open_for(PgsyncCall *call, PgsyncRelationUse use)
{
	call->target = pgsync_target_open(DatumGetObjectId(call->fcinfo->args[0].value),
									  use);
	pgsync_rejects_open(call->clauses.rejects, call->target);
}

/* Opens the target to insert into it. */
void
pgsync_call_open(PgsyncCall *call)
{
	pgsync_call_open_for(call, PGSYNC_FOR_INSERT);
}

/*
 * Fails (25006) if the transaction is read-only, whether there will be
 * anything to write or not; as in core, temporary tables may be written.
 */
void
pgsync_call_prevent_read_only(PgsyncCall *call, const char *command)
{
	if (!RelationUsesLocalBuffers(call->target->rel))
		PreventCommandIfReadOnly(command);
}

/*
 * Loads a source's rows; what RETURNING makes of them goes to "dest", those
 * that cannot go in to the error table.
 */
void
pgsync_call_load(PgsyncCall *call, PgsyncSource *source, DestReceiver *dest)
{
	call->counts = pgsync_load(source, &call->clauses, dest);
	if (source->routine->close != NULL)
		source->routine->close(source);
	pgsync_rejects_finish(call->clauses.rejects);
}

/* Ends the call: closes the target, and frees all that was allocated. */
void
pgsync_call_end(PgsyncCall *call)
{
	pgsync_target_close(call->target);
	MemoryContextSwitchTo(call->outer);
	MemoryContextDelete(call->context);
}
