/*-------------------------------------------------------------------------
 *
 * sinks.c
 *	  The list of sinks, in the order in which they are asked.
 *
 * The first that fits gets the rows.  A new sink takes its place here; besides,
 * only heap_foresee.c names one.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "sink/sinks.h"

const PgsyncSinkRoutine *const pgsync_sinks[] = {
	&pgsync_heap_sink,			/* straight into the table, in batches */
	&pgsync_stream_sink,		/* the plan pulls row by row */
	&pgsync_spool_sink,			/* the text, over a tuplestore: always fits */
	NULL
};
