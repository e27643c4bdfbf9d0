/*-------------------------------------------------------------------------
 *
 * truncate_lookup.c
 *	  Insists that TRUNCATE finds by name the tables that were locked.
 *
 * A locked table keeps its name, but its schema does not: renaming a schema
 * takes no lock on what is in it.  TRUNCATE looks its tables up by name, so
 * that between our making the statement and its lookups another table can get
 * the name.  Core tells object access hooks of each relation that it has
 * found, before it locks or checks anything else of it; there the OIDs are
 * compared.
 *
 * The hook stays installed while the library is loaded, since others may
 * build on it, and has nothing to do but while a statement of ours runs.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "clean/truncate_lookup.h"
#include "utils/lsyscache.h"

static object_access_hook_type next_hook = NULL;

/* What the statement that runs now was made from; NULL: none of ours */
static PgsyncClosure *watched = NULL;

/* Returns whether a table stands in the statement under a name. */
static bool
is_written_as(PgsyncClosureTable *table, const char *schema, const char *name)
{
	return table->written != NULL &&
		strcmp(table->written->relname, name) == 0 &&
		strcmp(table->written->schemaname, schema) == 0;
}

/*
 * Fails (55000) if a relation that TRUNCATE has found bears a name of the
 * statement which was written for another one.
 *
 * Relations with other names are none of the statement's lookups: children,
 * and what triggers and other extensions truncate meanwhile.
 */
static void
check_found(Oid relid)
{
	PgsyncClosureTable *expected = pgsync_closure_find(watched, relid);
	char	   *name = get_rel_name(relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	ListCell   *cell;

	if (name == NULL || schema == NULL ||
		(expected != NULL && is_written_as(expected, schema, name)))
		return;
	foreach(cell, watched->tables)
	{
		if (is_written_as(lfirst(cell), schema, name))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("relation \"%s\" or its schema was renamed while tables were being cleaned",
							name),
					 errhint("Try again.")));
	}
}

/* Looks at each relation that is about to be truncated, while one watches. */
static void
truncate_lookup_hook(ObjectAccessType access, Oid classId, Oid objectId,
					 int subId, void *arg)
{
	if (next_hook != NULL)
		next_hook(access, classId, objectId, subId, arg);
	if (watched != NULL && access == OAT_TRUNCATE &&
		classId == RelationRelationId)
		check_found(objectId);
}

/*
 * Watches a statement made from this closure from here on; NULL ends it.
 * Returns what was watched before, for the caller to go back to, also after
 * an error.
 */
PgsyncClosure *
pgsync_watch_truncate(PgsyncClosure *closure)
{
	static bool installed = false;
	PgsyncClosure *previous = watched;

	if (!installed)
	{
		next_hook = object_access_hook;
		object_access_hook = truncate_lookup_hook;
		installed = true;
	}
	watched = closure;
	return previous;
}
