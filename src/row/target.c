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
#include "common/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
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
open_target(Oid relid, LOCKMODE lockmode, PgsyncRelationUse use)
{
	PgsyncTarget *target = palloc0(sizeof(PgsyncTarget));
	TupleDesc	tupdesc;

	target->mcxt = CurrentMemoryContext;
	target->rel = pgsync_open_relation(relid, lockmode, use);

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
pgsync_target_open(Oid relid, PgsyncRelationUse use)
{
	PgsyncTarget *target = open_target(relid, RowExclusiveLock, use);

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
	PgsyncTarget *target = open_target(relid, AccessShareLock,
									   PGSYNC_FOR_INSERT);

	target->release = AccessShareLock;
	return target;
}

/*
 * Opens the target for a statement that only reads it, with SELECT's lock,
 * kept until the transaction ends.
 */
PgsyncTarget *
pgsync_target_read(Oid relid, PgsyncRelationUse use)
{
	PgsyncTarget *target = open_target(relid, AccessShareLock, use);

	target->release = NoLock;
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
	pgsync_undefined_column(target->rel, name, len, NULL, NULL, NULL);
}

/* Makes the converter of a column. */
void
pgsync_target_make_converter(PgsyncTarget *target, AttrNumber attnum)
{
	PgsyncColumn *column = &target->columns[attnum - 1];

	pgsync_converter_init(&column->converter,
						  TupleDescAttr(RelationGetDescr(target->rel),
										attnum - 1),
						  target->mcxt);
	column->has_converter = true;
}

/*
 * Returns a view of the target for a source to read rows by: it has names of
 * its own, and the columns chosen take their values as text.
 */
PgsyncTarget *
pgsync_target_view(PgsyncTarget *target, const bool *as_text)
{
	PgsyncTarget *view = palloc(sizeof(PgsyncTarget));
	Size		size = sizeof(PgsyncColumn) * Max(target->natts, 1);

	*view = *target;
	view->columns = palloc(size);
	memcpy(view->columns, target->columns, size);
	for (int i = 0; i < target->natts; i++)
	{
		FormData_pg_attribute attr = *TupleDescAttr(RelationGetDescr(target->rel), i);
		PgsyncColumn *column = &view->columns[i];

		if (!as_text[i])
			continue;
		attr.atttypid = TEXTOID;
		attr.atttypmod = -1;
		pgsync_converter_init(&column->converter, &attr, target->mcxt);
		/* its name is to last */
		column->converter.name = column->name;
		column->has_converter = true;
	}
	return view;
}
