/*-------------------------------------------------------------------------
 *
 * key_walk.c
 *	  Goes along a unique index beside keys that ascend.
 *
 * Feeds are often sorted by their key.  Where the keys that are looked for
 * ascend, and those of the table lie close to them, one scan that goes on from
 * entry to entry finds them without a descent for each:
 *
 *		looked for		7			8			10			11		90
 *		entries			7 -------------> 9 (ahead) -------> 11		too far
 *		result		  found		 not there	not there	  found	   unknown
 *
 * A B-tree scan reads a leaf at once, and so misses entries that come into it
 * later.  Those of other transactions are not in the snapshot; our own are
 * behind us if they are those of the row that was found last.  Whatever else
 * may have written, a function in a constraint say, has used a command of its
 * own (xact.c), for known_row.c has marked its command as used by then: the
 * walk ends when more of them have gone by than it knows of.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_index.h"
#include "insert/key_walk.h"
#include "insert/unique_key.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* So many entries are read for one key, then a descent is cheaper. */
#define MAX_ENTRIES_A_KEY	8

/* A walk that has served fewer keys than this has not paid. */
#define MIN_KEYS_A_WALK		8

/*
 * A walk begins after so many keys that ascend, twice as many after each walk
 * that has not paid.
 */
#define FIRST_ASCENTS		4
#define MAX_ASCENTS			4096

/* A key in our memory */
typedef struct KeptKey
{
	bool		is_kept;
	Datum		key;
} KeptKey;

struct PgsyncKeyWalk
{
	Relation	rel;
	Relation	index;
	Snapshot	snapshot;
	AttrNumber	attnum;			/* of the key, in the table */
	FmgrInfo   *compare;
	ScanKeyData from;			/* what the scan begins at */
	KeptKey		start;			/* its key: the scan goes on comparing it */
	IndexScanDesc scan;			/* NULL until the first walk */
	bool		walking;
	int			served;			/* keys found out by this walk */
	int			ascents;		/* keys that have ascended, up to the last */
	int			needed;			/* of them, until the next walk */
	KeptKey		last;			/* what was looked for last */
	CommandId	curcid;			/* the commands before it are known of */
	bool		at_end;			/* are there no more entries? */
	KeptKey		ahead;			/* of a row that has been reached too early */
	ItemPointerData ahead_tid;
};

/*
 * Prepares for walks along an index, with a snapshot of the caller's.  NULL if
 * its order is not the plain one of one column, if an update may change that
 * (a generated one), if rows passed by would count as read (SERIALIZABLE), or
 * if nbtree would keep the leaf pinned, for which VACUUM waits (without WAL).
 */
PgsyncKeyWalk *
pgsync_key_walk_create(PgsyncTarget *target, Relation index,
					   Snapshot snapshot)
{
	Oid			type = index->rd_opcintype[0];
	AttrNumber	attnum = index->rd_index->indkey.values[0];
	PgsyncKeyWalk *walk;
	Oid			operator;

	if (index->rd_index->indnkeyatts != 1 || IsolationIsSerializable() ||
		!RelationNeedsWAL(index) ||
		(index->rd_indoption[0] & INDOPTION_DESC) != 0 ||
		TupleDescAttr(RelationGetDescr(target->rel), attnum - 1)->attgenerated)
		return NULL;
	operator = get_opfamily_member(index->rd_opfamily[0], type, type,
								   BTGreaterEqualStrategyNumber);
	if (!OidIsValid(operator))
		return NULL;
	walk = palloc0(sizeof(PgsyncKeyWalk));
	walk->rel = target->rel;
	walk->index = index;
	walk->snapshot = snapshot;
	walk->attnum = attnum;
	walk->compare = index_getprocinfo(index, 1, BTORDER_PROC);
	walk->needed = FIRST_ASCENTS;
	ScanKeyEntryInitialize(&walk->from, 0, 1, BTGreaterEqualStrategyNumber,
						   InvalidOid, index->rd_indcollation[0],
						   get_opcode(operator), (Datum) 0);
	return walk;
}

/* Compares two keys in the index's order. */
static int
compare_keys(PgsyncKeyWalk *walk, Datum a, Datum b)
{
	return DatumGetInt32(FunctionCall2Coll(walk->compare,
										   walk->index->rd_indcollation[0],
										   a, b));
}

/* Returns the attribute that the keys are values of. */
static Form_pg_attribute
key_attribute(PgsyncKeyWalk *walk)
{
	return TupleDescAttr(RelationGetDescr(walk->rel), walk->attnum - 1);
}

/* Forgets a key, if there is one. */
static void
forget_key(PgsyncKeyWalk *walk, KeptKey *kept)
{
	if (kept->is_kept && !key_attribute(walk)->attbyval)
		pfree(DatumGetPointer(kept->key));
	kept->is_kept = false;
}

/* Keeps a key in place of another one. */
static void
keep_key(PgsyncKeyWalk *walk, Datum key, KeptKey *kept)
{
	Form_pg_attribute attr = key_attribute(walk);

	forget_key(walk, kept);
	kept->key = datumCopy(key, attr->attbyval, attr->attlen);
	kept->is_kept = true;
}

/* Begins a walk at a key. */
static void
start_walk(PgsyncKeyWalk *walk, Datum key)
{
	if (walk->scan == NULL)
		walk->scan = pgsync_index_beginscan(walk->rel, walk->index,
											walk->snapshot, 1);
	keep_key(walk, key, &walk->start);
	walk->from.sk_argument = walk->start.key;
	index_rescan(walk->scan, &walk->from, 1, NULL, 0);
	walk->walking = true;
	walk->at_end = false;
	walk->served = 0;
}

/* Ends a walk. */
static void
stop_walk(PgsyncKeyWalk *walk)
{
	walk->needed = walk->served >= MIN_KEYS_A_WALK ? FIRST_ASCENTS :
		Min(walk->needed * 2, MAX_ASCENTS);
	walk->ascents = 0;
	walk->walking = false;
	forget_key(walk, &walk->ahead);
}

/* Steps to the next entry whose row is in the snapshot; false if too far. */
static bool
step(PgsyncKeyWalk *walk, TupleTableSlot *slot, int *entries)
{
	while (*entries < MAX_ENTRIES_A_KEY)
	{
		(*entries)++;
		if (index_getnext_tid(walk->scan, ForwardScanDirection) == NULL)
		{
			walk->at_end = true;
			return true;
		}
		if (index_fetch_heap(walk->scan, slot))
			return true;
	}
	return false;
}

/*
 * Goes on to a key.  False if it is too far; else the slot has its row, or is
 * empty if there is none.
 */
static bool
walk_to(PgsyncKeyWalk *walk, Datum key, TupleTableSlot *slot)
{
	int			entries = 0;
	int			order = 0;
	bool		isnull;

	if (walk->ahead.is_kept)
	{
		order = compare_keys(walk, key, walk->ahead.key);
		if (order < 0)
			return true;
		forget_key(walk, &walk->ahead);
		if (order == 0)
			return table_tuple_fetch_row_version(walk->rel, &walk->ahead_tid,
												 walk->snapshot, slot);
	}
	while (!walk->at_end)
	{
		if (!step(walk, slot, &entries))
			return false;
		if (walk->at_end)
			break;
		order = compare_keys(walk, key,
							 slot_getattr(slot, walk->attnum, &isnull));
		if (order == 0)
			return true;
		if (order < 0)
		{
			keep_key(walk, slot_getattr(slot, walk->attnum, &isnull),
					 &walk->ahead);
			walk->ahead_tid = slot->tts_tid;
			break;
		}
	}
	ExecClearTuple(slot);
	return true;
}

/*
 * Notes a key that is looked for.  Returns whether a walk that is under way
 * can go on to it.
 */
static bool
note_key(PgsyncKeyWalk *walk, Datum key)
{
	bool		ascends = walk->last.is_kept &&
	compare_keys(walk, key, walk->last.key) > 0;
	bool		alone = walk->curcid == walk->snapshot->curcid;

	keep_key(walk, key, &walk->last);
	walk->curcid = walk->snapshot->curcid;
	walk->ascents = ascends ? walk->ascents + 1 : 0;
	return ascends && alone;
}

/*
 * Looks for a key, which is not null, as the current command of the snapshot.
 * False if the index must be descended for it; else the slot has its row, or
 * stays empty if there is none.
 *
 * Only rows that have been found here are updated until the next call, or
 * others see to it that commands are used for what they write.
 */
bool
pgsync_key_walk_find(PgsyncKeyWalk *walk, Datum key, TupleTableSlot *slot)
{
	bool		goes_on = note_key(walk, key);

	if (walk->walking && !(goes_on && walk_to(walk, key, slot)))
		stop_walk(walk);
	else if (!walk->walking && walk->ascents >= walk->needed)
	{
		start_walk(walk, key);
		if (!walk_to(walk, key, slot))
			stop_walk(walk);
	}
	if (!walk->walking)
	{
		ExecClearTuple(slot);
		return false;
	}
	walk->served++;
	return true;
}

/* Notes that the row found last has been updated, by one command. */
void
pgsync_key_walk_wrote(PgsyncKeyWalk *walk)
{
	walk->curcid++;
}

/* Lets go of the page of the row found. */
void
pgsync_key_walk_release(PgsyncKeyWalk *walk)
{
	if (walk->scan != NULL)
		table_index_fetch_reset(walk->scan->xs_heapfetch);
}

/* Ends the walks. */
void
pgsync_key_walk_end(PgsyncKeyWalk *walk)
{
	if (walk->scan != NULL)
		index_endscan(walk->scan);
	forget_key(walk, &walk->start);
	forget_key(walk, &walk->ahead);
	forget_key(walk, &walk->last);
	pfree(walk);
}
