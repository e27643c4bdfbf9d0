/*-------------------------------------------------------------------------
 *
 * partitions.c
 *	  Looking at the partitions below a table.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "common/partitions.h"
#include "miscadmin.h"
#include "partitioning/partdesc.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/*
 * Opens a partition to look at its definition.  NULL if it is gone, or locked:
 * an INSERT that brings it no row would not wait for it.  For the same reason
 * the caller closes it with its AccessShareLock; whoever routes a row to it
 * locks it then.
 */
Relation
pgsync_peek_partition(Oid relid)
{
	Relation	rel;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	rel = try_table_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, AccessShareLock);
	return rel;
}

/* Looks at a partition that is partitioned, and at what is below it. */
static bool
any_below(Oid relid, PgsyncPartitionTest test, bool if_hidden)
{
	Relation	rel = pgsync_peek_partition(relid);
	bool		found;

	if (rel == NULL)
		return if_hidden;
	found = test(relid, rel) || pgsync_any_partition(rel, test, if_hidden);
	table_close(rel, AccessShareLock);
	return found;
}

/*
 * Returns whether any partition below a relation, on whatever level, passes
 * the test; "if_hidden" where one that is partitioned could not be looked at.
 */
bool
pgsync_any_partition(Relation rel, PgsyncPartitionTest test, bool if_hidden)
{
	PartitionDesc partdesc;
	bool		found = false;

	check_stack_depth();
	if (rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return false;
	partdesc = RelationGetPartitionDesc(rel, true);
	for (int i = 0; i < partdesc->nparts && !found; i++)
		found = partdesc->is_leaf[i] ? test(partdesc->oids[i], NULL) :
			any_below(partdesc->oids[i], test, if_hidden);
	return found;
}

/* Returns whether a leaf is a foreign table; see PgsyncPartitionTest. */
static bool
is_foreign(Oid relid, Relation rel)
{
	return rel == NULL && get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE;
}

/*
 * Returns whether a foreign table is among the partitions below a relation;
 * "if_hidden" as above.
 */
bool
pgsync_has_foreign_partition(Relation rel, bool if_hidden)
{
	return pgsync_any_partition(rel, is_foreign, if_hidden);
}
