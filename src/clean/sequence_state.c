/*-------------------------------------------------------------------------
 *
 * sequence_state.c
 *	  Where a sequence stands, and restarting those that tables own.
 *
 * Restarting is core's (ResetSequence): transactional, by a new file for the
 * sequence, which also discards the numbers that other sessions have cached.
 * It needs ACCESS EXCLUSIVE and so waits for every transaction that has
 * called nextval; a sequence that has not moved is spared it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_sequence.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "clean/sequence_state.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/fmgrprotos.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Reads the one row of the sequence's own relation. */
static void
read_position(Relation seqrel, PgsyncSequenceState *state)
{
	Buffer		buffer = ReadBuffer(seqrel, 0);
	Page		page;
	HeapTupleData tuple;
	Form_pg_sequence_data data;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	tuple.t_data = (HeapTupleHeader)
		PageGetItem(page, PageGetItemId(page, FirstOffsetNumber));
	data = (Form_pg_sequence_data) GETSTRUCT(&tuple);
	state->last_value = data->last_value;
	state->is_called = data->is_called;
	UnlockReleaseBuffer(buffer);
}

/* Reads a sequence, which must be open and locked. */
void
pgsync_read_sequence(Relation seqrel, PgsyncSequenceState *state)
{
	Oid			seqid = RelationGetRelid(seqrel);
	HeapTuple	tuple = SearchSysCache1(SEQRELID, ObjectIdGetDatum(seqid));
	Form_pg_sequence form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for sequence %u", seqid);
	form = (Form_pg_sequence) GETSTRUCT(tuple);
	state->start = form->seqstart;
	state->increment = form->seqincrement;
	state->min = form->seqmin;
	state->max = form->seqmax;
	state->cache = form->seqcache;
	ReleaseSysCache(tuple);
	read_position(seqrel, state);
}

/*
 * Returns whether a restart would change what nextval gives, to anybody.
 *
 * With CACHE, other sessions may hold numbers from before a setval that took
 * the sequence back to its start, and nothing here shows it.
 */
static bool
has_moved(PgsyncSequenceState *state)
{
	return state->is_called ||
		state->last_value != state->start ||
		state->cache > 1;
}

/*
 * Looks at one owned sequence.  It must be the caller's own, moved or not, as
 * TRUNCATE ... RESTART IDENTITY wants it.
 */
static bool
sequence_moved(Oid seqid)
{
	Relation	seqrel = try_relation_open(seqid, AccessShareLock);
	PgsyncSequenceState state;

	/* a sequence can be dropped while its table is locked */
	if (seqrel == NULL)
		return false;
	if (!object_ownercheck(RelationRelationId, seqid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_SEQUENCE,
					   RelationGetRelationName(seqrel));
	pgsync_read_sequence(seqrel, &state);
	relation_close(seqrel, AccessShareLock);
	return has_moved(&state);
}

/* Notes one owned sequence, if it has to be restarted. */
static void
note_sequence(PgsyncClosureTable *table, Oid seqid,
			  PgsyncMovedSequences *sequences)
{
	bool		moved = sequence_moved(seqid);

	if (moved)
		table->restarted = true;
	if (moved || table->fate >= PGSYNC_FATE_TRUNCATED)
		sequences->to_lock = lappend_oid(sequences->to_lock, seqid);
	if (moved && table->fate < PGSYNC_FATE_TRUNCATED)
		sequences->to_restart = lappend_oid(sequences->to_restart, seqid);
}

/*
 * Finds the sequences to be restarted, and marks the tables that own one that
 * has moved.
 *
 * Core's TRUNCATE restarts those of its tables, moved or not; they are among
 * those to be locked, so that all locks are taken before anything is done.
 */
void
pgsync_find_moved_sequences(PgsyncClosure *closure,
							PgsyncMovedSequences *sequences)
{
	ListCell   *cell;

	sequences->to_lock = NIL;
	sequences->to_restart = NIL;
	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);
		ListCell   *seqcell;

		foreach(seqcell, getOwnedSequences(table->relid))
			note_sequence(table, lfirst_oid(seqcell), sequences);
	}
	list_sort(sequences->to_lock, list_oid_cmp);
}

/* Takes the locks that restarting needs. */
void
pgsync_lock_sequences(PgsyncMovedSequences *sequences)
{
	ListCell   *cell;

	foreach(cell, sequences->to_lock)
		LockRelationOid(lfirst_oid(cell), AccessExclusiveLock);
}

/*
 * Restarts the locked sequences, except those that TRUNCATE does; one that
 * was dropped while its lock was waited for is passed over.
 */
void
pgsync_restart_sequences(PgsyncMovedSequences *sequences)
{
	ListCell   *cell;

	foreach(cell, sequences->to_restart)
	{
		Oid			seqid = lfirst_oid(cell);

		CHECK_FOR_INTERRUPTS();
		if (SearchSysCacheExists1(SEQRELID, ObjectIdGetDatum(seqid)))
			ResetSequence(seqid);
	}
}

/*
 * Returns whether a sequence certainly gives everybody the numbers that follow
 * a position.  With CACHE, sessions may hold others.
 */
bool
pgsync_sequence_stands_at(Oid seqid, int64 last_value, bool is_called)
{
	Relation	seqrel = relation_open(seqid, AccessShareLock);
	PgsyncSequenceState state;

	pgsync_read_sequence(seqrel, &state);
	relation_close(seqrel, NoLock);
	return state.last_value == last_value && state.is_called == is_called &&
		state.cache == 1;
}

/*
 * Sets a sequence, which the caller has locked, to a position.  It gets a new
 * file first, so that ROLLBACK undoes the setval as well.
 */
void
pgsync_set_back_sequence(Oid seqid, int64 last_value, bool is_called)
{
	ResetSequence(seqid);
	CommandCounterIncrement();
	if (!pgsync_sequence_stands_at(seqid, last_value, is_called))
		DirectFunctionCall3(setval3_oid, ObjectIdGetDatum(seqid),
							Int64GetDatum(last_value), BoolGetDatum(is_called));
}
