/*-------------------------------------------------------------------------
 *
 * row_diff.c
 *	  The rows in which a table and its saved copy differ.
 *
 * Both are read once, side by side, as sets in which a row may come several
 * times.  A copy is written in the table's order, so the next rows of both
 * are mostly equal.  Where they are not, each is kept aside, and found again
 * by its image when its partner comes; then the side that lags behind catches
 * up.  What is left aside at the end is the difference.
 *
 * What is kept aside is limited to work_mem.  A table that has been put into
 * another order altogether, or most of whose rows have changed, exceeds it,
 * and then there is no list.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "clean/row_diff.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* One of the two relations. */
typedef struct Side
{
	TableScanDesc scan;
	HeapTuple	row;			/* the next one, NULL at the end */
	int64		nrows;			/* how many came before it */
	HTAB	   *aside;			/* of AsideChain */
	MinimalTuple (*image) (PgsyncRowMap *map, HeapTuple row, Size limit);
	PgsyncTids *result;
} Side;

/* A row kept aside. */
typedef struct AsideRow
{
	struct AsideRow *next;
	ItemPointerData tid;
	MinimalTuple image;
} AsideRow;

/* All those with one hash value; hash table entry. */
typedef struct AsideChain
{
	uint64		hash;			/* hash key, must be first */
	AsideRow   *rows;
} AsideChain;

/* The comparison under way. */
typedef struct Comparison
{
	PgsyncRowMap *map;
	MemoryContext row_mcxt;		/* for a pair of rows */
	MemoryContext aside_mcxt;	/* for rows kept aside */
	Size		used;			/* by rows kept aside */
	Size		limit;
	Side		table;
	Side		copy;
} Comparison;

/* Makes the hash table of a side. */
static HTAB *
make_aside(Comparison *comparison)
{
	HASHCTL		control;

	control.keysize = sizeof(uint64);
	control.entrysize = sizeof(AsideChain);
	control.hcxt = comparison->aside_mcxt;
	return hash_create("pgsync rows aside", 64, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Begins to read a relation, from its first page on. */
static void
begin_side(Comparison *comparison, Side *side, Relation rel, Snapshot latest,
		   PgsyncTids *result)
{
	side->scan = table_beginscan_strat(rel, latest, 0, NULL, true, false);
	side->row = heap_getnext(side->scan, ForwardScanDirection);
	side->aside = make_aside(comparison);
	side->result = result;
}

/* Goes on to a side's next row. */
static void
advance(Side *side)
{
	side->row = heap_getnext(side->scan, ForwardScanDirection);
	side->nrows++;
}

/* Returns the bytes of an image that are the same for equal rows. */
static inline const unsigned char *
image_bytes(MinimalTuple image)
{
	return (unsigned char *) image + MINIMAL_TUPLE_DATA_OFFSET;
}

/* Returns how many there are. */
static inline Size
image_size(MinimalTuple image)
{
	return image->t_len - MINIMAL_TUPLE_DATA_OFFSET;
}

/* Returns the hash value of an image. */
static uint64
hash_image(MinimalTuple image)
{
	return hash_bytes_extended(image_bytes(image), image_size(image), 0);
}

/* Returns whether two images are those of equal rows. */
static bool
same_image(MinimalTuple a, MinimalTuple b)
{
	return a->t_len == b->t_len &&
		memcmp(image_bytes(a), image_bytes(b), image_size(a)) == 0;
}

/* Returns what a row kept aside takes, about. */
static Size
aside_size(MinimalTuple image)
{
	return image->t_len + sizeof(AsideRow) + sizeof(AsideChain) +
		8 * sizeof(void *);
}

/* Keeps the side's row aside; false if there is no more room. */
static bool
put_aside(Comparison *comparison, Side *side, MinimalTuple image, uint64 hash)
{
	AsideChain *chain;
	AsideRow   *row;
	bool		found;
	MemoryContext old;

	comparison->used += aside_size(image);
	if (comparison->used > comparison->limit)
		return false;
	chain = hash_search(side->aside, &hash, HASH_ENTER, &found);
	if (!found)
		chain->rows = NULL;
	old = MemoryContextSwitchTo(comparison->aside_mcxt);
	row = palloc(sizeof(AsideRow));
	row->image = pgsync_copy_minimal_tuple(image);
	MemoryContextSwitchTo(old);
	row->tid = side->row->t_self;
	row->next = chain->rows;
	chain->rows = row;
	return true;
}

/* Takes a row equal to the image back from a side; false if it has none. */
static bool
take_back(Comparison *comparison, Side *side, MinimalTuple image, uint64 hash)
{
	AsideChain *chain = hash_search(side->aside, &hash, HASH_FIND, NULL);
	AsideRow  **link;
	AsideRow   *row;

	if (chain == NULL)
		return false;
	for (link = &chain->rows; *link != NULL; link = &(*link)->next)
	{
		if (same_image((*link)->image, image))
			break;
	}
	row = *link;
	if (row == NULL)
		return false;
	*link = row->next;
	if (chain->rows == NULL)
		hash_search(side->aside, &hash, HASH_REMOVE, NULL);
	comparison->used -= aside_size(image);
	pfree(row->image);
	pfree(row);
	return true;
}

/*
 * Looks for the partner of a side's row on the other side, and if it is there
 * goes on to the next row.  Sets *image and *hash for put_aside; *image is
 * NULL if the row is too large to be kept.
 */
static bool
settle_row(Comparison *comparison, Side *side, Side *other,
		   MinimalTuple *image, uint64 *hash)
{
	*image = side->image(comparison->map, side->row, comparison->limit);
	if (*image == NULL)
		return false;
	*hash = hash_image(*image);
	if (!take_back(comparison, other, *image, *hash))
		return false;
	advance(side);
	return true;
}

/*
 * Settles the next rows of both sides, at least one of which there is; false
 * if there is no room for them.
 */
static bool
settle_rows(Comparison *comparison)
{
	Side	   *table = &comparison->table;
	Side	   *copy = &comparison->copy;
	MinimalTuple table_image = NULL;
	MinimalTuple copy_image = NULL;
	uint64		table_hash = 0;
	uint64		copy_hash = 0;

	if (copy->row != NULL)
	{
		if (settle_row(comparison, copy, table, &copy_image, &copy_hash))
			return true;
		if (copy_image == NULL)
			return false;
	}
	if (table->row != NULL)
	{
		if (settle_row(comparison, table, copy, &table_image, &table_hash))
			return true;
		if (table_image == NULL)
			return false;
	}
	if (copy_image != NULL)
	{
		if (!put_aside(comparison, copy, copy_image, copy_hash))
			return false;
		advance(copy);
	}
	if (table_image != NULL)
	{
		if (!put_aside(comparison, table, table_image, table_hash))
			return false;
		advance(table);
	}
	return true;
}

/* Adds a place to a list of places. */
static void
add_tid(PgsyncTids *list, ItemPointer tid)
{
	if (list->ntids == list->room)
	{
		list->room = Max(64, list->room * 2);
		list->tids = list->tids == NULL ?
			palloc(sizeof(ItemPointerData) * list->room) :
			repalloc_huge(list->tids, sizeof(ItemPointerData) * list->room);
	}
	list->tids[list->ntids++] = *tid;
}

/* Compares places, for qsort. */
static int
compare_tids(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}

/* Lists, in their order, the places of the rows that are still aside. */
static void
list_aside(Side *side)
{
	HASH_SEQ_STATUS status;
	AsideChain *chain;

	hash_seq_init(&status, side->aside);
	while ((chain = hash_seq_search(&status)) != NULL)
	{
		for (AsideRow *row = chain->rows; row != NULL; row = row->next)
			add_tid(side->result, &row->tid);
	}
	if (side->result->ntids > 1)
		qsort(side->result->tids, side->result->ntids,
			  sizeof(ItemPointerData), compare_tids);
}

/* Compares all rows; false if there is no room for what differs. */
static bool
compare_all(Comparison *comparison)
{
	Side	   *table = &comparison->table;
	Side	   *copy = &comparison->copy;

	while (table->row != NULL || copy->row != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (table->row != NULL && copy->row != NULL &&
			pgsync_rows_equal(comparison->map, table->row, copy->row))
		{
			advance(table);
			advance(copy);
		}
		else if (!settle_rows(comparison))
			return false;
		MemoryContextReset(comparison->row_mcxt);
	}
	return true;
}

/*
 * Compares a table with its copy.
 *
 * "latest" must have been taken after the table was locked ACCESS EXCLUSIVE
 * and the copy against writers.  The result lives in the current memory
 * context.
 */
PgsyncRowDiff *
pgsync_row_diff(Relation rel, Relation copy, PgsyncRowMap *map,
				Snapshot latest)
{
	PgsyncRowDiff *diff = palloc0(sizeof(PgsyncRowDiff));
	Comparison	comparison = {.map = map};
	MemoryContext old;

	comparison.limit = (Size) work_mem * 1024;
	comparison.row_mcxt = AllocSetContextCreate(CurrentMemoryContext,
												"pgsync row pair",
												ALLOCSET_DEFAULT_SIZES);
	comparison.aside_mcxt = AllocSetContextCreate(CurrentMemoryContext,
												  "pgsync rows aside",
												  ALLOCSET_DEFAULT_SIZES);
	comparison.table.image = pgsync_table_row_image;
	comparison.copy.image = pgsync_copy_row_image;
	begin_side(&comparison, &comparison.table, rel, latest, &diff->extra);
	begin_side(&comparison, &comparison.copy, copy, latest, &diff->missing);

	old = MemoryContextSwitchTo(comparison.row_mcxt);
	diff->complete = compare_all(&comparison);
	MemoryContextSwitchTo(old);
	if (diff->complete)
	{
		diff->saved_rows = comparison.copy.nrows;
		list_aside(&comparison.table);
		list_aside(&comparison.copy);
	}
	table_endscan(comparison.table.scan);
	table_endscan(comparison.copy.scan);
	MemoryContextDelete(comparison.row_mcxt);
	MemoryContextDelete(comparison.aside_mcxt);
	return diff;
}
