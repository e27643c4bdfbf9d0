/*-------------------------------------------------------------------------
 *
 * sequence.h
 *	  Setting a sequence to what a column's values need.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SEQUENCE_H
#define PGSYNC_SEQUENCE_H

#include "clean/sequence_state.h"

extern Relation pgsync_open_sequence(Oid seqid);
extern Relation pgsync_open_sequence_target(Oid relid, const char *function);
extern void pgsync_check_sequence_bounds(Relation seqrel, Relation target,
										 AttrNumber attnum,
										 PgsyncSequenceState *state,
										 int64 value);
extern int64 pgsync_move_sequence(Relation seqrel, PgsyncSequenceState *wanted,
								  bool forward_only);

#endif							/* PGSYNC_SEQUENCE_H */
