/*-------------------------------------------------------------------------
 *
 * target.c
 *	  The relation that rows are inserted into, and its columns.
 *
 * Opens and locks it as INSERT would, refuses relations that take no rows,
 * and finds columns by name.  Privileges are not checked here: the INSERT
 * statement does that (statement.c).
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/relation.h"
#include "common/args.h"
#include "catalog/pg_class.h"
#include "mb/pg_wchar.h"
#include "storage/lmgr.h"
#include "row/target.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

typedef struct NameEntry
{
	NameData	name;			/* hash key: zero-padded */
	AttrNumber	attnum;
} NameEntry;

/* Refuses relations that INSERT cannot name as its target. */
static void
check_relkind(Relation rel)
{
	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_VIEW:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot insert into relation \"%s\"",
							RelationGetRelationName(rel)),
					 errdetail_relkind_not_supported(rel->rd_rel->relkind),
					 errhint("The target must be a table, a partitioned table, a foreign table or a view.")));
	}
}

/* Returns whether the relation has a rule that rewrites INSERTs. */
static bool
has_insert_rule(Relation rel)
{
	if (rel->rd_rules == NULL)
		return false;
	for (int i = 0; i < rel->rd_rules->numLocks; i++)
	{
		if (rel->rd_rules->rules[i]->event == CMD_INSERT)
			return true;
	}
	return false;
}

/* Opens a target with this lock; see below. */
static PgsyncTarget *
open_target(Oid relid, LOCKMODE lockmode)
{
	PgsyncTarget *target = palloc0(sizeof(PgsyncTarget));
	TupleDesc	tupdesc;

	target->mcxt = CurrentMemoryContext;
	target->rel = try_relation_open(relid, lockmode);
	if (target->rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	check_relkind(target->rel);

	tupdesc = RelationGetDescr(target->rel);
	target->natts = tupdesc->natts;
	target->columns = palloc0(sizeof(PgsyncColumn) * Max(target->natts, 1));
	for (int i = 0; i < target->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		PgsyncColumn *column = &target->columns[i];

		if (attr->attisdropped)
			continue;
		column->name = NameStr(attr->attname);
		column->name_len = strlen(column->name);
	}

	/* rules see defaults as expressions, views may have any below them */
	target->knows_defaults =
		target->rel->rd_rel->relkind != RELKIND_VIEW &&
		!has_insert_rule(target->rel);
	return target;
}

/*
 * Opens the target with INSERT's lock, kept until the transaction ends.
 *
 * Errors: 42P01 if there is no such relation, 42809 if it takes no rows.
 */
PgsyncTarget *
pgsync_target_open(Oid relid)
{
	PgsyncTarget *target = open_target(relid, RowExclusiveLock);

	target->release = NoLock;
	return target;
}

/*
 * Opens the target to look at its columns only.  As that takes no privilege,
 * its lock must not outlast the look.
 */
PgsyncTarget *
pgsync_target_look_at(Oid relid)
{
	PgsyncTarget *target = open_target(relid, AccessShareLock);

	target->release = AccessShareLock;
	return target;
}

/* Closes the target. */
void
pgsync_target_close(PgsyncTarget *target)
{
	relation_close(target->rel, target->release);
}

/* Fills the table of attribute numbers by name. */
static void
build_name_table(PgsyncTarget *target)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(NameData);
	ctl.entrysize = sizeof(NameEntry);
	ctl.hcxt = target->mcxt;
	target->by_name = hash_create("pgsync columns by name", target->natts,
								  &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < target->natts; i++)
	{
		NameData	key;
		NameEntry  *entry;

		if (target->columns[i].name == NULL)
			continue;
		namestrcpy(&key, target->columns[i].name);
		entry = hash_search(target->by_name, &key, HASH_ENTER, NULL);
		entry->attnum = i + 1;
	}
}

/*
 * Returns the attribute number of a column, compared exactly, or 0.  System
 * columns are no columns here.
 */
AttrNumber
pgsync_target_find(PgsyncTarget *target, const char *name, int len)
{
	NameData	key;
	NameEntry  *entry;

	if (len >= NAMEDATALEN)
		return 0;
	if (target->by_name == NULL)
		build_name_table(target);
	memset(&key, 0, sizeof(key));
	memcpy(NameStr(key), name, len);
	entry = hash_search(target->by_name, &key, HASH_FIND, NULL);
	return entry ? entry->attnum : 0;
}

/* Reports a name that is no column (42703), with the one probably meant. */
void
pgsync_target_unknown_column(PgsyncTarget *target, const char *name, int len)
{
	/* a name this long is nonsense: show enough to recognise it */
	char	   *shown = pnstrdup(name, pg_mbcliplen(name, len, 2 * NAMEDATALEN));
	const char *closest = pgsync_closest_attribute(target->rel, shown);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist",
					shown, RelationGetRelationName(target->rel)),
			 closest ?
			 errhint("Perhaps you meant the column \"%s\".", closest) : 0));
}

/* Returns the converter of a column, made when first asked for. */
PgsyncConverter *
pgsync_target_converter(PgsyncTarget *target, AttrNumber attnum)
{
	PgsyncColumn *column = &target->columns[attnum - 1];

	if (!column->has_converter)
	{
		pgsync_converter_init(&column->converter,
							  TupleDescAttr(RelationGetDescr(target->rel),
											attnum - 1),
							  target->mcxt);
		column->has_converter = true;
	}
	return &column->converter;
}
