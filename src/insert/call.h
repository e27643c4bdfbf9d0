/*-------------------------------------------------------------------------
 *
 * call.h
 *	  The frame of a call that loads rows.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CALL_H
#define PGSYNC_CALL_H

#include "insert/load.h"

/* One call of a function whose first argument is the target */
typedef struct PgsyncCall
{
	FunctionCallInfo fcinfo;
	MemoryContext context;		/* all that the call allocates */
	MemoryContext outer;		/* the caller's, for the result */
	PgsyncTarget *target;		/* once it is open */
	PgsyncClauses clauses;
	PgsyncCounts counts;		/* once the rows are loaded */
} PgsyncCall;

extern void pgsync_call_begin(PgsyncCall *call, FunctionCallInfo fcinfo,
							  const char *data_argname);
extern void pgsync_call_begin_rows(PgsyncCall *call, FunctionCallInfo fcinfo);
extern void pgsync_call_open(PgsyncCall *call);
extern void pgsync_call_open_for(PgsyncCall *call, PgsyncRelationUse use);
extern void pgsync_call_prevent_read_only(PgsyncCall *call,
										  const char *command);
extern void pgsync_call_load(PgsyncCall *call, PgsyncSource *source,
							 DestReceiver *dest);
extern void pgsync_call_end(PgsyncCall *call);

#endif							/* PGSYNC_CALL_H */
