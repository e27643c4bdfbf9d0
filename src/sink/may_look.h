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

extern bool pgsync_expression_may_look(Node *node);
extern bool pgsync_types_may_look(Relation rel);
extern bool pgsync_checks_may_look(Relation rel);
extern bool pgsync_defaults_may_look(Relation rel);
extern bool pgsync_indexes_may_look(Relation rel);
extern bool pgsync_partitioning_may_look(Relation rel);

#endif							/* PGSYNC_MAY_LOOK_H */
