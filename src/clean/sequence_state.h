/*-------------------------------------------------------------------------
 *
 * sequence_state.h
 *	  Where a sequence stands, and restarting those that tables own.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SEQUENCE_STATE_H
#define PGSYNC_SEQUENCE_STATE_H

#include "clean/closure.h"
#include "utils/relcache.h"

/* A sequence's definition and position. */
typedef struct PgsyncSequenceState
{
	int64		start;
	int64		increment;
	int64		min;
	int64		max;
	int64		cache;
	int64		last_value;
	bool		is_called;		/* last_value has been given out */
} PgsyncSequenceState;

/* The owned sequences that cleaning restarts, as Lists of OIDs. */
typedef struct PgsyncMovedSequences
{
	List	   *to_lock;		/* all of them, in OID order */
	List	   *to_restart;		/* those that TRUNCATE does not restart */
} PgsyncMovedSequences;

extern void pgsync_read_sequence(Relation seqrel, PgsyncSequenceState *state);

extern void pgsync_find_moved_sequences(PgsyncClosure *closure,
										PgsyncMovedSequences *sequences);
extern void pgsync_lock_sequences(PgsyncMovedSequences *sequences);
extern void pgsync_restart_sequences(PgsyncMovedSequences *sequences);
extern bool pgsync_sequence_stands_at(Oid seqid, int64 last_value,
									  bool is_called);
extern void pgsync_set_back_sequence(Oid seqid, int64 last_value,
									 bool is_called);

#endif							/* PGSYNC_SEQUENCE_STATE_H */
