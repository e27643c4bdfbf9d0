/*-------------------------------------------------------------------------
 *
 * index_leaf.c
 *	  Places entries on one leaf page of a B-tree.
 *
 * Core's _bt_doinsert (nbtinsert.c) descends the tree for each entry.  Here
 * one descent serves all those of some sorted entries that belong on the leaf
 * found and can be placed there simply:
 *
 *		descend for the first entry; the leaf is write-locked
 *		find the place of each entry, up to the first that is not simple
 *		add them, one WAL record each, or an image of the page for all
 *
 * What is not simple is left to core's index_insert, which has the last word
 * on uniqueness, waits for other transactions, removes dead entries, makes
 * posting lists, and splits pages:
 *
 *		an entry that has no room on the page
 *		an entry that equals one on the page, dead or alive, in a unique index
 *		an entry whose TID falls into a posting list's range
 *		an entry that equals the page's high key, or is above it
 *
 * The page then is what core would have made of it by inserting the same
 * entries one after the other.  The rules of nbtree that an insertion has to
 * keep are written down where they are kept; nbtree/README has the reasons.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/nbtree.h"
#include "access/nbtxlog.h"
#include "access/xloginsert.h"
#include "sink/index_leaf.h"
#include "miscadmin.h"
#include "storage/predicate.h"
#include "utils/rel.h"

/* What an image of a page, or an entry, takes in WAL beside its bytes */
#define IMAGE_HEADER_BYTES	64
#define ENTRY_HEADER_BYTES	(SizeOfXLogRecord + 26)

/* A leaf that is being looked at, write-locked */
typedef struct Leaf
{
	Relation	index;
	Buffer		buffer;
	Page		page;
	BTScanInsert key;			/* the entry at hand */
	OffsetNumber low;			/* no entry goes before this item */
	OffsetNumber end;			/* one past the last item */
	bool		rightmost;
	int			nentries;		/* that have a place */
	OffsetNumber places[MaxIndexTuplesPerPage]; /* as they will be */
} Leaf;

/*
 * Makes an entry the one that the key stands for, as _bt_mkscankey and
 * _bt_doinsert would have it.
 *
 * In a unique index it is looked for without its TID, so that an equal item
 * is found whatever its TID is.  One with a null equals none, and is looked
 * for by its place alone; if the index has NULLS NOT DISTINCT, nulls are
 * values like others.
 */
static void
set_key(Leaf *leaf, const PgsyncIndexEntry *entry)
{
	Relation	index = leaf->index;
	TupleDesc	desc = RelationGetDescr(index);
	BTScanInsert key = leaf->key;
	bool		has_null = false;

	for (int i = 0; i < key->keysz; i++)
	{
		ScanKey		column = &key->scankeys[i];
		bool		isnull;

		column->sk_argument = index_getattr(entry->tuple, i + 1, desc,
											&isnull);
		if (isnull)
			column->sk_flags |= SK_ISNULL;
		else
			column->sk_flags &= ~SK_ISNULL;
		has_null |= isnull;
	}
	key->anynullkeys = has_null && !index->rd_index->indnullsnotdistinct;
	key->scantid = &entry->tuple->t_tid;
	if (index->rd_index->indisunique && !key->anynullkeys)
		key->scantid = NULL;
}

/*
 * Descends to the leaf that an entry belongs on, and write-locks it.  False
 * if the index is of a kind that is left to core, without a lock then.
 *
 * _bt_search makes a root page for an empty index, moves right where a page
 * has been split meanwhile, and finishes incomplete splits on its way: no
 * entry may be added to a page whose split is incomplete.  It begins at the
 * metapage's fast root, of which only splits and deletions of pages need to
 * tell it.
 *
 * Indexes from before PostgreSQL 12 (version 2 and 3) have no TID in their
 * order: there, equal entries may go to any of several pages.
 */
static bool
descend(Leaf *leaf, Relation heap, const PgsyncIndexEntry *entry)
{
	BTStack		stack;
	BTPageOpaque opaque;

	leaf->key = _bt_mkscankey(leaf->index, entry->tuple);
	if (!leaf->key->heapkeyspace)
	{
		pfree(leaf->key);
		return false;
	}
	set_key(leaf, entry);
	stack = pgsync_bt_search(leaf->index, heap, leaf->key, &leaf->buffer,
							 BT_WRITE);
	/* the way back is for splits, and those are core's */
	_bt_freestack(stack);

	leaf->page = BufferGetPage(leaf->buffer);
	opaque = BTPageGetOpaque(leaf->page);
	if (!P_ISLEAF(opaque) || P_IGNORE(opaque) || P_INCOMPLETE_SPLIT(opaque))
		elog(ERROR, "block %u of index \"%s\" is not a leaf to insert into",
			 BufferGetBlockNumber(leaf->buffer),
			 RelationGetRelationName(leaf->index));
	leaf->low = P_FIRSTDATAKEY(opaque);
	leaf->end = OffsetNumberNext(PageGetMaxOffsetNumber(leaf->page));
	leaf->rightmost = P_RIGHTMOST(opaque);
	leaf->nentries = 0;
	return true;
}

/*
 * Returns whether the entry at hand belongs on the leaf.
 *
 * It is not below the leaf's range: the first entry was descended for, and
 * the others are above it.  In a unique index no item left of the page can
 * equal it either, as all of those are below the first.  The page's high key
 * is what all its items are at or below, and all on pages to the right above;
 * the rightmost page has none, and no upper bound.  An entry that equals the
 * high key might belong here, or have its equals on the next page: core
 * decides.
 */
static inline bool
belongs_here(Leaf *leaf)
{
	return leaf->rightmost ||
		_bt_compare(leaf->index, leaf->key, leaf->page, P_HIKEY) < 0;
}

/*
 * Finds the item that the entry at hand goes in front of, at or after "low".
 * False if an item equals it.
 *
 * An item equals in a unique index if its columns do; whether it is dead is
 * core's to find out.  Elsewhere the TID is part of the order, and only a
 * posting list's range can equal: that would have to be split.
 *
 * Entries that are neighbours mostly go to neighbouring places, so the search
 * goes on from the last place in growing steps.
 */
static bool
find_place(Leaf *leaf, OffsetNumber *place)
{
	int			low = leaf->low;
	int			high = leaf->end;
	int			step = leaf->nentries > 0 ? 1 : leaf->end;

	/* all items before "low" are below the entry, those from "high" above */
	while (low < high)
	{
		int			middle = Min(low + step - 1, low + (high - low) / 2);
		int32		result = _bt_compare(leaf->index, leaf->key, leaf->page,
										 middle);

		if (result == 0)
			return false;
		if (result > 0)
		{
			low = middle + 1;
			step = Min(step * 2, leaf->end);
		}
		else
		{
			high = middle;
			step = leaf->end;
		}
	}
	*place = low;
	return true;
}

/*
 * Finds the places of entries, in ascending order, up to the first that is
 * not simple.
 *
 * Core tries to make room on a page, and splits it, as soon as an entry's
 * size and a line pointer do not fit: so that is where its turn is.
 */
static void
find_places(Leaf *leaf, const PgsyncIndexEntry *entries, int nentries)
{
	Size		space = PageGetExactFreeSpace(leaf->page);

	for (int i = 0; i < Min(nentries, MaxIndexTuplesPerPage); i++)
	{
		Size		size = MAXALIGN(IndexTupleSize(entries[i].tuple)) +
		sizeof(ItemIdData);
		OffsetNumber place;

		if (size > space)
			return;
		if (i > 0)
			set_key(leaf, &entries[i]);
		if (!belongs_here(leaf) || !find_place(leaf, &place))
			return;
		/* those placed before it will have moved the rest of the page up */
		leaf->places[leaf->nentries] = place + leaf->nentries;
		leaf->nentries++;
		leaf->low = place;
		space -= size;
	}
}

/*
 * Returns whether one image of the page, with all the entries on it, is
 * smaller than a record each.  Where the first record would bring an image
 * with it, as the page has not been written since the last checkpoint began,
 * it always is.
 */
static bool
image_is_smaller(Leaf *leaf, const PgsyncIndexEntry *entries)
{
	Size		image = BLCKSZ - PageGetExactFreeSpace(leaf->page) +
	IMAGE_HEADER_BYTES;
	Size		records = 0;

	if (leaf->nentries == 1)
		return false;
	if (XLogCheckBufferNeedsBackup(leaf->buffer))
		return true;
	for (int i = 0; i < leaf->nentries; i++)
	{
		Size		size = IndexTupleSize(entries[i].tuple);

		image += MAXALIGN(size) + sizeof(ItemIdData);
		records += MAXALIGN(ENTRY_HEADER_BYTES + size);
	}
	return image < records;
}

/* Writes the record that _bt_insertonpg writes for an entry on a leaf. */
static void
log_entry(Leaf *leaf, IndexTuple tuple, OffsetNumber place)
{
	xl_btree_insert record;
	XLogRecPtr	end;

	record.offnum = place;
	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfBtreeInsert);
	XLogRegisterBuffer(0, leaf->buffer, REGBUF_STANDARD);
	XLogRegisterBufData(0, (char *) tuple, IndexTupleSize(tuple));
	end = XLogInsert(RM_BTREE_ID, XLOG_BTREE_INSERT_LEAF);
	PageSetLSN(leaf->page, end);
}

/*
 * Adds the entries to the page, and logs that.
 *
 * Both kinds of records are core's, replayed by a server that knows nothing
 * of pgsync.  Each entry's is written before the next is added, so that an
 * image that goes with it, for full_page_writes or wal_consistency_checking,
 * is the page at that moment, as replay has it.
 */
static void
add_entries(Leaf *leaf, const PgsyncIndexEntry *entries)
{
	bool		logged = RelationNeedsWAL(leaf->index);
	bool		as_image = logged && image_is_smaller(leaf, entries);

	/* no ereport(ERROR) until changes are logged */
	START_CRIT_SECTION();
	for (int i = 0; i < leaf->nentries; i++)
	{
		IndexTuple	tuple = entries[i].tuple;

		if (PageAddItem(leaf->page, (Item) tuple,
						MAXALIGN(IndexTupleSize(tuple)), leaf->places[i],
						false, false) == InvalidOffsetNumber)
			elog(PANIC, "failed to add new item to block %u in index \"%s\"",
				 BufferGetBlockNumber(leaf->buffer),
				 RelationGetRelationName(leaf->index));
		MarkBufferDirty(leaf->buffer);
		if (logged && !as_image)
			log_entry(leaf, tuple, leaf->places[i]);
	}
	if (as_image)
		log_newpage_buffer(leaf->buffer, true);
	END_CRIT_SECTION();
}

/*
 * Inserts the first of some entries, and those after it that go to the same
 * leaf, as long as that is simple.  Returns how many: with 0, core is to
 * insert the first.
 *
 * The entries ascend, in a unique index without equals among them; elsewhere
 * TIDs are part of the order.  Their rows are stored already.
 *
 * The one page is locked from the look at it until the entries are there.  So
 * of several who insert the same key into a unique index each sees what those
 * before it have inserted: all look at the first page that the key could be
 * on.
 */
int
pgsync_leaf_insert(Relation index, Relation heap,
				   const PgsyncIndexEntry *entries, int nentries)
{
	Leaf		leaf;

	leaf.index = index;
	if (!descend(&leaf, heap, &entries[0]))
		return 0;
	find_places(&leaf, entries, nentries);
	if (leaf.nentries > 0)
	{
		/*
		 * A serializable transaction that has read this page might have
		 * missed the entries; it has, or will take, its lock on the page, or
		 * on more.  This may be an error: nothing is changed yet.
		 */
		CheckForSerializableConflictIn(index, NULL,
									   BufferGetBlockNumber(leaf.buffer));
		add_entries(&leaf, entries);
	}
	_bt_relbuf(index, leaf.buffer);
	pfree(leaf.key);
	return leaf.nentries;
}
