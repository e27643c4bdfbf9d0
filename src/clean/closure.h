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
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/hsearch.h"

/* How a table came into the closure. */
typedef enum PgsyncReach
{
	PGSYNC_REACH_NAMED,			/* stands in the caller's list */
	PGSYNC_REACH_INHERITED,		/* is a child or partition of a named table */
	PGSYNC_REACH_CASCADED,		/* references a table of the closure */
} PgsyncReach;

/* What is to become of a table: the later, the more */
typedef enum PgsyncFate
{
	PGSYNC_FATE_LEFT,			/* it is empty, and left alone */
	PGSYNC_FATE_DELETED,		/* its few rows are deleted one by one */
	PGSYNC_FATE_TRUNCATED,		/* it goes to core's TRUNCATE, with ONLY */
	PGSYNC_FATE_WHOLE,			/* ... without ONLY, so with its children */
	PGSYNC_FATE_COVERED,		/* ... as a child of one that is whole */
} PgsyncFate;

/* One table of the closure, and what is to become of it. */
typedef struct PgsyncClosureTable
{
	Oid			relid;			/* hash key, must be first */
	int			pass;			/* the last search that found it */
	bool		locked;			/* ACCESS EXCLUSIVE is held */
	PgsyncReach reach;
	Oid			root;			/* the named table above an inherited one */
	char		relkind;

	bool		observed;		/* TRUNCATE could be told from a deletion */
	PgsyncFate	fate;			/* set by pgsync_raise_fate alone */
	RangeVar   *written;		/* how it stands in core's TRUNCATE, or NULL */

	/* what makes it one of the tables that were cleaned */
	bool		has_rows;		/* or may have had */
	bool		restarted;		/* a sequence of it was restarted */
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
extern ArrayType *pgsync_table_name_array(List *relids);
extern bool pgsync_may_have_children(Oid relid);
extern PgsyncClosure *pgsync_closure_lock(List *named, List *protected_names,
										  bool cascade);
extern void pgsync_raise_fate(PgsyncClosureTable *table, PgsyncFate fate);
extern void pgsync_closure_check_use(PgsyncClosure *closure);
extern PgsyncClosureTable *pgsync_closure_find(PgsyncClosure *closure,
											   Oid relid);

#endif							/* PGSYNC_CLOSURE_H */
