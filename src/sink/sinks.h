/*-------------------------------------------------------------------------
 *
 * sinks.h
 *	  The ways rows are stored, behind the one INSERT statement.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SINKS_H
#define PGSYNC_SINKS_H

#include "row/run.h"

/* sinks.c: all of them, the best first; ends with NULL */
extern const PgsyncSinkRoutine *const pgsync_sinks[];

/* Each in the file of its name: sink_heap.c, ... */
extern const PgsyncSinkRoutine pgsync_heap_sink;
extern const PgsyncSinkRoutine pgsync_stream_sink;
extern const PgsyncSinkRoutine pgsync_spool_sink;

/* heap_check.c */
extern bool pgsync_rows_may_look(Relation rel);
extern bool pgsync_rows_can_wait(Relation rel);
extern bool pgsync_heap_sink_fits(PgsyncTarget *target, PlannedStmt *plan);

/* quiet_check.c */
extern bool pgsync_target_is_quiet(PgsyncTarget *target);

/* sink_stream.c */
extern bool pgsync_plan_reads_once(PlannedStmt *plan);

#endif							/* PGSYNC_SINKS_H */
