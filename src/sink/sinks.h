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

#include "insert/statement.h"

/* heap_check.c */
extern bool pgsync_heap_sink_fits(PgsyncTarget *target, PlannedStmt *plan);
extern Relation pgsync_peek_partition(Oid relid);

/* sink_heap.c */
extern void pgsync_sink_heap_install(QueryDesc *queryDesc);

/* sink_statement.c */
extern bool pgsync_sink_stream_fits(PlannedStmt *plan);
extern void pgsync_sink_stream_install(QueryDesc *queryDesc);
extern uint64 pgsync_sink_spool_run(PgsyncStatement *statement,
									DestReceiver *dest);

#endif							/* PGSYNC_SINKS_H */
