/*-------------------------------------------------------------------------
 *
 * set_constraints.h
 *	  The constraints of a set of tables, and of those that reference them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SET_CONSTRAINTS_H
#define PGSYNC_SET_CONSTRAINTS_H

#include "nodes/pg_list.h"

/* One constraint. */
typedef struct PgsyncConstraint
{
	Oid			oid;
	char	   *name;
	char		type;			/* as pg_constraint.contype */
	bool		has_period;
	Oid			relid;			/* the table that has it */
	Oid			referenced;		/* of a foreign key, else InvalidOid */
	Oid			index;			/* of the referenced key */
	Oid			parent;
	bool		ours;			/* its table is in the set */
	char	   *data;			/* the catalog row's columns */
	Size		length;
} PgsyncConstraint;

extern bool pgsync_oid_in(List *sorted, Oid oid);
extern List *pgsync_set_constraints(List *relids);
extern void pgsync_check_outside_references(List *constraints, List *relids);
extern void pgsync_check_foreign_keys(List *constraints, List *relids,
									  List *changed, List *edited);

#endif							/* PGSYNC_SET_CONSTRAINTS_H */
