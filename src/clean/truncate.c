/*-------------------------------------------------------------------------
 *
 * truncate.c
 *	  The part of the closure that goes to core's TRUNCATE.
 *
 * It is one statement, run so that utility hooks see it; truncate_lookup.c
 * insists that it finds the tables that are meant.  Core checks the statement
 * like any other, so it must be one that the caller could have written: every
 * table that references one in it is in it too
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
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "access/xact.h"
#include "clean/truncate.h"
#include "clean/truncate_lookup.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

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

/* Returns how a table stands in the statement, under the name it has now. */
static RangeVar *
write_table(PgsyncClosureTable *table)
{
	char	   *schema = get_namespace_name(get_rel_namespace(table->relid));
	RangeVar   *rangevar;

	if (schema == NULL)
		elog(ERROR, "cache lookup failed for the schema of relation %u",
			 table->relid);
	rangevar = makeRangeVar(schema, get_rel_name(table->relid), -1);
	rangevar->inh = table->fate == PGSYNC_FATE_WHOLE;
	return rangevar;
}

/*
 * Makes the statement for core: the tables that it is to truncate.
 *
 * They stand in it in the order in which TRUNCATE itself would have found
 * them, which is the order in which their triggers fire.  Without any, there
 * is nothing that CASCADE could lead to, and nothing to search for it.
 */
static TruncateStmt *
make_statement(PgsyncClosure *closure, bool restart)
{
	TruncateStmt *statement = makeNode(TruncateStmt);
	ListCell   *cell;

	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		table->written = NULL;
		if (table->fate != PGSYNC_FATE_TRUNCATED &&
			table->fate != PGSYNC_FATE_WHOLE)
			continue;
		table->written = write_table(table);
		statement->relations = lappend(statement->relations, table->written);
	}
	statement->restart_seqs = restart;
	statement->behavior = closure->cascade && statement->relations != NIL ?
		DROP_CASCADE : DROP_RESTRICT;
	return statement;
}

/*
 * Returns the statement's text: the tables that core truncates, and those
 * that are emptied or restarted without it; NULL if there is none of either.
 */
static char *
make_text(PgsyncClosure *closure, bool restart)
{
	const char *separator = "TRUNCATE TABLE ";
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, closure->tables)
	{
		PgsyncClosureTable *table = lfirst(cell);

		if (table->fate == PGSYNC_FATE_COVERED ||
			(table->fate == PGSYNC_FATE_LEFT && !table->restarted))
			continue;
		appendStringInfo(&text, "%s%s%s", separator,
						 table->fate == PGSYNC_FATE_WHOLE ? "" : "ONLY ",
						 pgsync_table_name(table->relid));
		separator = ", ";
	}
	if (text.len == 0)
		return NULL;
	appendStringInfo(&text, " %s IDENTITY %s",
					 restart ? "RESTART" : "CONTINUE",
					 closure->cascade ? "CASCADE" : "RESTRICT");
	return text.data;
}

/* Names the statement in errors, as SPI does. */
static void
truncate_error_callback(void *arg)
{
	errcontext("SQL statement \"%s\"", (const char *) arg);
}

/* Runs the statement as a utility command within a query. */
static void
run_statement(TruncateStmt *statement, const char *text)
{
	PlannedStmt *planned = makeNode(PlannedStmt);
	ErrorContextCallback callback;

	planned->commandType = CMD_UTILITY;
	planned->canSetTag = true;
	planned->utilityStmt = (Node *) statement;

	callback.callback = truncate_error_callback;
	callback.arg = unconstify(char *, text);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(planned, text, false, PROCESS_UTILITY_QUERY, NULL, NULL,
				   None_Receiver, NULL);
	PopActiveSnapshot();
	error_context_stack = callback.previous;
	CommandCounterIncrement();
}

/*
 * Runs core's TRUNCATE on the tables that are left to it, if any.
 *
 * Utility hooks, audit among them, are to see one TRUNCATE for all that is
 * emptied.  So where there is such a hook, the text names the tables emptied
 * in place too, and a statement without tables runs if there are no others.
 */
void
pgsync_truncate_run(PgsyncClosure *closure, bool restart)
{
	TruncateStmt *statement = make_statement(closure, restart);
	PgsyncClosure *previous;
	char	   *text;

	if (statement->relations == NIL && ProcessUtility_hook == NULL)
		return;
	text = make_text(closure, restart);

	if (text == NULL)
		return;
	previous = pgsync_watch_truncate(closure);
	PG_TRY();
	{
		run_statement(statement, text);
	}
	PG_FINALLY();
	{
		(void) pgsync_watch_truncate(previous);
	}
	PG_END_TRY();
}
