/*-------------------------------------------------------------------------
 *
 * held_keys.c
 *	  The keys of rows that wait to be stored.
 *
 * No index knows these rows yet, so whoever looks for a key looks here, too.
 * Keys are equal if their unique index says so.  They are kept sorted: rows
 * mostly come in the order of their keys, and then one comparison tells.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "catalog/pg_am.h"
#include "sink/held_keys.h"
#include "sink/index_entries.h"
#include "utils/rel.h"
#include "utils/sortsupport.h"

struct PgsyncHeldKeys
{
	int			ncolumns;
	AttrNumber	columns[INDEX_MAX_KEYS];	/* of the relation */
	SortSupportData order[INDEX_MAX_KEYS];
	int			nkeys;
	Datum	   *keys;			/* ncolumns values each, as the rows came */
	int16	   *sorted;			/* numbers of the keys, in their order */
};

/*
 * Returns whether the keys of an index can be held: they are columns, which
 * core's own functions compare.
 */
bool
pgsync_held_keys_fit(Relation index)
{
	if (index->rd_rel->relam != BTREE_AM_OID)
		return false;
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		if (index->rd_index->indkey.values[i] <= 0)
			return false;
	}
	return pgsync_index_compares_by_core(index);
}

/* Creates an empty set for at most so many keys of an index. */
PgsyncHeldKeys *
pgsync_held_keys_create(Relation index, int max_rows)
{
	PgsyncHeldKeys *held = palloc0(sizeof(PgsyncHeldKeys));

	held->ncolumns = IndexRelationGetNumberOfKeyAttributes(index);
	for (int i = 0; i < held->ncolumns; i++)
		held->columns[i] = index->rd_index->indkey.values[i];
	pgsync_index_sort_support(index, held->order);
	held->keys = palloc(sizeof(Datum) * max_rows * held->ncolumns);
	held->sorted = palloc(sizeof(int16) * max_rows);
	return held;
}

/* Compares a key with one of those held. */
static int
compare_key(PgsyncHeldKeys *held, const Datum *key, int number)
{
	const Datum *other = held->keys + (Size) number * held->ncolumns;
	int			result = 0;

	for (int i = 0; i < held->ncolumns && result == 0; i++)
		result = ApplySortComparator(key[i], false, other[i], false,
									 &held->order[i]);
	return result;
}

/* Finds a key's place among the sorted ones; returns whether it is there. */
static bool
search_key(PgsyncHeldKeys *held, const Datum *key, int *place)
{
	int			first = 0;
	int			end = held->nkeys;
	int			middle = end - 1;	/* the last one first */

	while (first < end)
	{
		int			result = compare_key(held, key, held->sorted[middle]);

		if (result == 0)
			return true;
		if (result < 0)
			end = middle;
		else
			first = middle + 1;
		middle = first + (end - first) / 2;
	}
	*place = first;
	return false;
}

/*
 * Returns whether a row's key is among those held; "values" has an element
 * for every attribute, and none of the key is null.
 */
bool
pgsync_held_keys_find(PgsyncHeldKeys *held, const Datum *values)
{
	Datum		key[INDEX_MAX_KEYS];
	int			place;

	if (held->nkeys == 0)
		return false;
	for (int i = 0; i < held->ncolumns; i++)
		key[i] = values[held->columns[i] - 1];
	return search_key(held, key, &place);
}

/*
 * Adds the key of a row in its slot, whose values stay as long as the key.
 * False if it is there already, or has a null.
 */
bool
pgsync_held_keys_add(PgsyncHeldKeys *held, TupleTableSlot *slot)
{
	Datum	   *key = held->keys + (Size) held->nkeys * held->ncolumns;
	int			place;

	for (int i = 0; i < held->ncolumns; i++)
	{
		bool		isnull;

		key[i] = slot_getattr(slot, held->columns[i], &isnull);
		if (isnull)
			return false;
	}
	if (search_key(held, key, &place))
		return false;
	memmove(&held->sorted[place + 1], &held->sorted[place],
			sizeof(int16) * (held->nkeys - place));
	held->sorted[place] = held->nkeys++;
	return true;
}

/* Forgets all keys. */
void
pgsync_held_keys_clear(PgsyncHeldKeys *held)
{
	held->nkeys = 0;
}
