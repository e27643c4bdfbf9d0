/*-------------------------------------------------------------------------
 *
 * closure.h
 *	  The tables that emptying a list of tables reaches.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CLOSURE_H
#define PGSYNC_CLOSURE_H

#include "nodes/pg_list.h"
#include "utils/hsearch.h"

/* How a table came into the closure. */
typedef enum PgsyncReach
{
	PGSYNC_REACH_NAMED,			/* stands in the caller's list */
	PGSYNC_REACH_INHERITED,		/* is a child or partition of a named table */
	PGSYNC_REACH_CASCADED,		/* references a table of the closure */
} PgsyncReach;

/* One table of the closure, and what is to become of it. */
typedef struct PgsyncClosureTable
{
	Oid			relid;			/* hash key, must be first */
	int			pass;			/* the last search that found it */
	bool		locked;			/* ACCESS EXCLUSIVE is held */
	PgsyncReach reach;
	Oid			root;			/* the named table above an inherited one */
	char		relkind;

	/* filled by the rooms that decide, in this order */
	bool		observed;		/* TRUNCATE could be told from a deletion */
	bool		has_rows;		/* it has rows, or may have: reported */
	bool		in_place;		/* its few rows are deleted one by one */
	bool		truncate;		/* it goes to core's TRUNCATE ... */
	bool		whole;			/* ... with its children (without ONLY) */
	bool		covered;		/* ... as a child of one that is whole */
	bool		restarted;		/* a sequence of it was restarted: reported */
} PgsyncClosureTable;

/* The closure, complete and locked. */
typedef struct PgsyncClosure
{
	List	   *tables;			/* of PgsyncClosureTable, in TRUNCATE's order */
	List	   *relids;			/* their OIDs, in the same order */
	bool		cascade;
	int			pass;			/* number of the search under way */
	HTAB	   *by_relid;
} PgsyncClosure;

extern char *pgsync_table_name(Oid relid);
extern bool pgsync_may_have_children(Oid relid);
extern List *pgsync_parse_table_names(List *names);
extern PgsyncClosure *pgsync_closure_lock(List *named, List *protected_names,
										  bool cascade);
extern void pgsync_closure_check_use(PgsyncClosure *closure);
extern PgsyncClosureTable *pgsync_closure_find(PgsyncClosure *closure,
											   Oid relid);

#endif							/* PGSYNC_CLOSURE_H */
