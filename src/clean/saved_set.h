/*-------------------------------------------------------------------------
 *
 * saved_set.h
 *	  What save_tables leaves in a schema, and restore_tables finds there.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SAVED_SET_H
#define PGSYNC_SAVED_SET_H

#include "access/htup.h"
#include "clean/change_check.h"
#include "clean/row_image.h"
#include "common/sha2.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* The set's own tables, in its schema. */
#define PGSYNC_SET_TABLE		"pgsync_saved_set"
#define PGSYNC_TABLES_TABLE		"pgsync_saved_tables"
#define PGSYNC_DEFINITIONS_TABLE "pgsync_saved_definitions"
#define PGSYNC_SEQUENCES_TABLE	"pgsync_saved_sequences"

/* One saved table. */
typedef struct PgsyncSavedTable
{
	Oid			relid;
	char	   *name;			/* qualified, as it was when it was saved */
	char	   *copy_name;		/* NULL: partitioned, without rows of its own */
	Oid			copy_relid;
	HeapTuple	row;			/* the row of PGSYNC_TABLES_TABLE */
	PgsyncLook	look;			/* what the table looked like when equal */
	bool		has_look;

	/* found out by restore_tables */
	bool		copy_edited;	/* its copy may have been edited */
	bool		compared;		/* its look has to be renewed */
	bool		has_changed;	/* its rows differed, or may have */
	bool		sequence_moved; /* a sequence of it was put back */
} PgsyncSavedTable;

/* The saved position of a sequence. */
typedef struct PgsyncSavedSequence
{
	Oid			seqid;
	char	   *name;
	Oid			relid;			/* the table that owns it */
	int64		last_value;
	bool		is_called;
} PgsyncSavedSequence;

/* A saved set, read and locked. */
typedef struct PgsyncSavedSet
{
	Oid			nspid;
	char	   *schema;
	Oid			owner;			/* of all that is in it */
	Relation	tables_rel;		/* PGSYNC_TABLES_TABLE, open and locked */
	Relation	set_rel;		/* PGSYNC_SET_TABLE, open and locked */
	HeapTuple	set_row;
	uint8		digest[PG_SHA256_DIGEST_LENGTH];	/* of the definitions */
	bool		has_digest;
	List	   *tables;			/* of PgsyncSavedTable, in OID order */
	List	   *relids;			/* their OIDs, in the same order */
	List	   *sequences;		/* of PgsyncSavedSequence, in OID order */
} PgsyncSavedSet;

extern void pgsync_require_writing(const char *function);
extern void pgsync_store_unheard(Relation rel, HeapTuple row);
extern void pgsync_saved_set_lock(const char *schema);
extern PgsyncSavedSet *pgsync_saved_set_make(const char *schema);
extern PgsyncSavedSet *pgsync_saved_set_open(const char *schema);
extern void pgsync_saved_set_close(PgsyncSavedSet *set);
extern PgsyncSavedTable *pgsync_saved_set_find(PgsyncSavedSet *set,
											   Oid relid);
extern Relation pgsync_saved_set_open_copy(PgsyncSavedSet *set,
										   PgsyncSavedTable *table);
extern PgsyncRowMap *pgsync_saved_set_map_copy(PgsyncSavedSet *set,
											   PgsyncSavedTable *table,
											   Relation rel, Relation copy);
extern PgsyncSavedTable *pgsync_saved_set_add_table(PgsyncSavedSet *set,
													Relation rel);
extern void pgsync_saved_set_store_table(PgsyncSavedSet *set,
										 PgsyncSavedTable *table);
extern void pgsync_saved_set_store(PgsyncSavedSet *set, const uint8 *digest);
extern void pgsync_saved_set_add_sequence(PgsyncSavedSet *set, Oid relid,
										  Relation seqrel, int64 last_value,
										  bool is_called);
extern void pgsync_saved_set_put_look(PgsyncSavedSet *set,
									  PgsyncSavedTable *table);
extern void pgsync_saved_set_put_digest(PgsyncSavedSet *set,
										const uint8 *digest);
pg_noreturn extern void pgsync_saved_set_damaged(PgsyncSavedSet *set,
												 const char *relname);

#endif							/* PGSYNC_SAVED_SET_H */
