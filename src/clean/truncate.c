/*-------------------------------------------------------------------------
 *
 * truncate.c
 *	  The part of the closure that goes to core's TRUNCATE.
 *
 * It is one statement, run through SPI so that utility hooks see it.  Core
 * checks that statement like any other, so it must be one that the caller
 * could have written: every table that references one in it is in it too
 * (empty or not), and a child that the caller has no privilege on or cannot
 * name, or that has observers, is reached through the table that was named.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/heap.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "common/spi_util.h"
#include "clean/truncate.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

/* Returns the closure's entry for a table that must be in it. */
static PgsyncClosureTable *
find_member(PgsyncClosure *closure, Oid relid)
{
	PgsyncClosureTable *table = pgsync_closure_find(closure, relid);

	if (table == NULL)
		elog(ERROR, "relation %u is not in the closure", relid);
	return table;
}

/* Returns whether the caller may use the schema that a table's name is in. */
static bool
can_be_named(PgsyncClosureTable *table)
{
	return object_aclcheck(NamespaceRelationId,
						   get_rel_namespace(table->relid), GetUserId(),
						   ACL_USAGE) == ACLCHECK_OK;
}

/*
 * Returns whether an inherited table can only be truncated through the named
 * table above it.
 */
static bool
needs_root(PgsyncClosureTable *table)
{
	return table->reach == PGSYNC_REACH_INHERITED &&
		(table->observed || !can_be_named(table) ||
		 pg_class_aclcheck(table->relid, GetUserId(),
						   ACL_TRUNCATE) != ACLCHECK_OK);
}

/* Returns whether a table stands in the statement without ONLY. */
static bool
stands_whole(PgsyncClosureTable *table)
{
	return table->reach == PGSYNC_REACH_NAMED ||
		table->relkind == RELKIND_PARTITIONED_TABLE;
}

/* Takes a table into the statement whole, and so all its inheritors. */
static void
take_whole(PgsyncClosure *closure, PgsyncClosureTable *table)
{
	ListCell   *cell;

	pgsync_raise_fate(table, PGSYNC_FATE_WHOLE);
	foreach(cell, find_all_inheritors(table->relid, NoLock, NULL))
	{
		PgsyncClosureTable *child;

		/* other sessions' temporary children are not in the closure */
		child = pgsync_closure_find(closure, lfirst_oid(cell));
		if (child == NULL || child == table)
			continue;
		pgsync_raise_fate(child, PGSYNC_FATE_COVERED);
	}
}

/*
 * Makes each table of the statement stand in it as it must; true if that took
 * another table in.
 */
static bool
settle_forms(PgsyncClosure *closure)
{
	bool		changed = false;
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		if (table->fate != PGSYNC_FATE_TRUNCATED)
			continue;
		if (needs_root(table))
		{
			take_whole(closure, find_member(closure, table->root));
			if (table->fate != PGSYNC_FATE_COVERED)
				elog(ERROR, "relation %u is not below relation %u",
					 table->relid, table->root);
			changed = true;
		}
		else if (stands_whole(table))
		{
			take_whole(closure, table);
			changed = true;
		}
	}
	return changed;
}

/* Takes in what references a table of the statement; true if there was any. */
static bool
take_referencing(PgsyncClosure *closure)
{
	List	   *relids = NIL;
	List	   *referencing;
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		if (table->fate >= PGSYNC_FATE_TRUNCATED)
			relids = lappend_oid(relids, table->relid);
	}
	if (relids == NIL)
		return false;
	referencing = heap_truncate_find_FKs(relids);
	foreach(cell, referencing)
		pgsync_raise_fate(find_member(closure, lfirst_oid(cell)),
						  PGSYNC_FATE_TRUNCATED);
	return referencing != NIL;
}

/* Returns whether the statement has a referencing table that it cannot name. */
static bool
has_unnamable(PgsyncClosure *closure)
{
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		if (table->fate >= PGSYNC_FATE_TRUNCATED && table->reach == PGSYNC_REACH_CASCADED &&
			!can_be_named(table))
			return true;
	}
	return false;
}

/* Takes in all tables: those the caller named, and what they bring along. */
static void
take_all(PgsyncClosure *closure)
{
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		pgsync_raise_fate(table, table->reach == PGSYNC_REACH_NAMED ?
						  PGSYNC_FATE_WHOLE : PGSYNC_FATE_COVERED);
	}
}

/*
 * Given the tables that must be truncated, marks those that have to go with
 * them.
 */
void
pgsync_truncate_complete(PgsyncClosure *closure)
{
	bool		changed;

	do
	{
		CHECK_FOR_INTERRUPTS();
		changed = settle_forms(closure);
		changed |= take_referencing(closure);
	} while (changed);
	if (has_unnamable(closure))
		take_all(closure);
}

/*
 * Runs the statement, if there is anything for it to do.
 *
 * The tables stand in it in the order in which TRUNCATE itself would have
 * found them, which is the order in which their triggers fire.
 */
void
pgsync_truncate_run(PgsyncClosure *closure, bool restart)
{
	StringInfoData query;
	const char *separator = "TRUNCATE TABLE ";
	ListCell   *cell;

	initStringInfo(&query);
	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		if (table->fate != PGSYNC_FATE_TRUNCATED &&
			table->fate != PGSYNC_FATE_WHOLE)
			continue;
		appendStringInfo(&query, "%s%s%s", separator,
						 table->fate == PGSYNC_FATE_WHOLE ? "" : "ONLY ",
						 pgsync_table_name(table->relid));
		separator = ", ";
	}
	if (query.len == 0)
		return;
	appendStringInfo(&query, " %s IDENTITY %s",
					 restart ? "RESTART" : "CONTINUE",
					 closure->cascade ? "CASCADE" : "RESTRICT");
	pgsync_spi_connect();
	pgsync_spi_execute(query.data, SPI_OK_UTILITY);
	pgsync_spi_finish();
}
