/*-------------------------------------------------------------------------
 *
 * may_look.h
 *	  Whether evaluating something might look at a table.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_MAY_LOOK_H
#define PGSYNC_MAY_LOOK_H

#include "nodes/nodes.h"
#include "utils/relcache.h"

/* What counts as looking, beside what volatile functions may do */
typedef struct PgsyncLooks
{
	bool		stable;			/* what stable functions may do */
	Oid			root;			/* a subquery over this partition tree, or
								 * InvalidOid */
	bool		any_table;		/* if so, over any other table too */
} PgsyncLooks;

extern bool pgsync_expression_may_look(Node *node);
extern bool pgsync_node_may_look(Node *node, const PgsyncLooks *looks);
extern bool pgsync_types_may_look(Relation rel, const PgsyncLooks *looks);
extern bool pgsync_checks_may_look(Relation rel, const PgsyncLooks *looks);
extern bool pgsync_defaults_may_look(Relation rel);
extern bool pgsync_indexes_may_look(Relation rel, const PgsyncLooks *looks);
extern bool pgsync_partitioning_may_look(Relation rel,
										 const PgsyncLooks *looks);
extern Oid	pgsync_partition_root(Oid relid);

#endif							/* PGSYNC_MAY_LOOK_H */
