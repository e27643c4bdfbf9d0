/*-------------------------------------------------------------------------
 *
 * quiet_check.c
 *	  Decides whether storing rows in a target runs anything that could reach
 *	  another table.
 *
 * A text that is read in slices has to stay where it is stored until the last
 * one has been read.  Other sessions cannot take it away, for the caller has
 * read it; but what runs in this session could truncate, drop or rewrite the
 * table that holds it.  So only a target for which nothing runs but the
 * server's own is quiet: see may_look.c for expressions, and of triggers only
 * those of foreign keys and deferred unique constraints, which look at tables
 * and change none.  Partitions are not looked at, as they may change while
 * rows are stored: a table that has them is never quiet.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_class.h"
#include "sink/sinks.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

/*
 * Returns whether a trigger changes nothing when a row is inserted or updated.
 * A user's trigger can use these functions, too: they refuse to run for it.
 */
static bool
trigger_is_quiet(const Trigger *trigger)
{
	switch (trigger->tgfoid)
	{
		case F_RI_FKEY_CHECK_INS:
		case F_RI_FKEY_CHECK_UPD:
		case F_RI_FKEY_NOACTION_UPD:
		case F_RI_FKEY_RESTRICT_UPD:
		case F_UNIQUE_KEY_RECHECK:
			/* those of ON DELETE have nothing to fire for */
		case F_RI_FKEY_NOACTION_DEL:
		case F_RI_FKEY_RESTRICT_DEL:
		case F_RI_FKEY_CASCADE_DEL:
		case F_RI_FKEY_SETNULL_DEL:
		case F_RI_FKEY_SETDEFAULT_DEL:
			return trigger->tgisinternal;
		default:
			return false;
	}
}

/* Returns whether all triggers of a relation are like this. */
static bool
triggers_are_quiet(Relation rel)
{
	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		if (!trigger_is_quiet(&rel->trigdesc->triggers[i]))
			return false;
	}
	return true;
}

/*
 * Returns whether nothing that runs when rows are inserted into a target, or
 * updated there, could reach another table.  What the caller asks for beside
 * the rows (clauses, transforms) is not looked at.
 */
bool
pgsync_target_is_quiet(PgsyncTarget *target)
{
	Relation	rel = target->rel;

	return rel->rd_rel->relkind == RELKIND_RELATION &&
		!rel->rd_rel->relrowsecurity && rel->rd_rules == NULL &&
		triggers_are_quiet(rel) && !pgsync_rows_may_look(rel);
}
