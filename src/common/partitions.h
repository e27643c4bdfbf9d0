/*-------------------------------------------------------------------------
 *
 * partitions.h
 *	  Looking at the partitions below a table.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_PARTITIONS_H
#define PGSYNC_PARTITIONS_H

#include "utils/relcache.h"

/*
 * Looks at one partition.  A leaf is not opened: rel is NULL.  One that is
 * partitioned itself is.
 */
typedef bool (*PgsyncPartitionTest) (Oid relid, Relation rel);

extern Relation pgsync_peek_partition(Oid relid);
extern bool pgsync_any_partition(Relation rel, PgsyncPartitionTest test,
								 bool if_hidden);
extern bool pgsync_has_foreign_partition(Relation rel, bool if_hidden);

#endif							/* PGSYNC_PARTITIONS_H */
