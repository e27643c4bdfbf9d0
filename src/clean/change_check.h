/*-------------------------------------------------------------------------
 *
 * change_check.h
 *	  Whether a table and its saved copy are as they were, at a look.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CHANGE_CHECK_H
#define PGSYNC_CHANGE_CHECK_H

#include "access/xlogdefs.h"
#include "common/sha2.h"
#include "storage/block.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/* The file that a relation's rows are in. */
typedef struct PgsyncFile
{
	Oid			tablespace;
	Oid			number;
	BlockNumber nblocks;
} PgsyncFile;

/* What a table and its copy looked like when they held the same rows. */
typedef struct PgsyncLook
{
	uint32		version;		/* of this struct */
	Oid			database;
	uint64		system;			/* the cluster's identifier */
	uint64		lsn;			/* WAL's end at that time */
	uint64		next_xid;		/* the next transaction's id, with epoch */
	PgsyncFile	table;
	PgsyncFile	copy;
	uint8		headers[PG_SHA256_DIGEST_LENGTH];	/* of tuples without WAL */
} PgsyncLook;

extern bool pgsync_take_look(Relation rel, Relation copy, PgsyncLook *look);
extern bool pgsync_table_unchanged(Relation rel, const PgsyncLook *look);
extern bool pgsync_copy_unchanged(Relation copy, const PgsyncLook *look);
extern bool pgsync_snapshots_differ(Relation rel, Snapshot one,
									Snapshot other);

#endif							/* PGSYNC_CHANGE_CHECK_H */
