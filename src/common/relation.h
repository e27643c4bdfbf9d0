/*-------------------------------------------------------------------------
 *
 * relation.h
 *	  Opening the relations that a caller names, and finding their columns.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_RELATION_H
#define PGSYNC_RELATION_H

#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* What a relation is opened for; it decides which kinds will do */
typedef enum PgsyncRelationUse
{
	PGSYNC_FOR_INSERT,			/* rows are put into it */
	PGSYNC_FOR_UPSERT,			/* and those that are there are updated */
	PGSYNC_FOR_UPDATE,			/* its rows are updated */
	PGSYNC_FOR_DELETE,			/* its rows are deleted */
	PGSYNC_FOR_SYNC,			/* it is made equal to some rows */
	PGSYNC_FOR_REJECTS,			/* rows that cannot go in are put into it */
	PGSYNC_FOR_COUNT,			/* its rows are counted */
	PGSYNC_FOR_COLUMN,			/* a column of its rows is read */
	PGSYNC_FOR_SEQUENCE,		/* it is the sequence itself */
	PGSYNC_FOR_DOCUMENT,		/* its rows are a part of a document */
} PgsyncRelationUse;

extern Relation pgsync_open_relation(Oid relid, LOCKMODE lockmode,
									 PgsyncRelationUse use);
extern bool pgsync_index_serves_snapshots(Relation index);
extern Oid	pgsync_primary_key_index(Relation rel);
extern char pgsync_column_identity(Relation rel, AttrNumber attnum);
extern char *pgsync_shown_name(const char *name, int len);
pg_noreturn extern void pgsync_undefined_column(Relation rel,
												const char *name, int len,
												const char *detail,
												const char *hint,
												const char *otherwise);

#endif							/* PGSYNC_RELATION_H */
