/*-------------------------------------------------------------------------
 *
 * relation.c
 *	  Opening the relations that a caller names, and finding their columns.
 *
 * Privileges are not checked here: the statement that uses the relation does
 * that, or the caller.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "common/args.h"
#include "common/relation.h"
#include "mb/pg_wchar.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Which kinds a use can have, and what is said of the others */
typedef struct RelationUse
{
	const char *relkinds;
	const char *message;		/* with a %s for the name */
	const char *hint;			/* or NULL */
} RelationUse;

/* The kinds whose rows can be written, and what is said of them */
static const char writable[] = {
	RELKIND_RELATION, RELKIND_PARTITIONED_TABLE, RELKIND_FOREIGN_TABLE,
	RELKIND_VIEW, '\0'
};

#define WRITABLE_HINT \
	gettext_noop("The target must be a table, a partitioned table, a foreign table or a view.")

/* By PgsyncRelationUse */
static const RelationUse uses[] = {
	[PGSYNC_FOR_INSERT] = {
		.relkinds = writable,
		.message = gettext_noop("cannot insert into relation \"%s\""),
		.hint = WRITABLE_HINT,
	},
	/* of a foreign table unique_key.c has more to say */
	[PGSYNC_FOR_UPSERT] = {
		.relkinds = writable,
		.message = gettext_noop("cannot upsert into relation \"%s\""),
		.hint = gettext_noop("The target must be a table, a partitioned table or a view."),
	},
	[PGSYNC_FOR_UPDATE] = {
		.relkinds = writable,
		.message = gettext_noop("cannot update relation \"%s\""),
		.hint = WRITABLE_HINT,
	},
	[PGSYNC_FOR_DELETE] = {
		.relkinds = writable,
		.message = gettext_noop("cannot delete from relation \"%s\""),
		.hint = WRITABLE_HINT,
	},
	[PGSYNC_FOR_SYNC] = {
		.relkinds = writable,
		.message = gettext_noop("cannot sync relation \"%s\""),
		.hint = gettext_noop("The target must be a table, a partitioned table or a view."),
	},
	[PGSYNC_FOR_REJECTS] = {
		.relkinds = (const char[]) {
			RELKIND_RELATION, RELKIND_PARTITIONED_TABLE, '\0'
		},
		.message = gettext_noop("relation \"%s\" cannot be an error table"),
		.hint = gettext_noop("The error table must be a table or a partitioned table."),
	},
	[PGSYNC_FOR_COUNT] = {
		.relkinds = (const char[]) {
			RELKIND_RELATION, RELKIND_PARTITIONED_TABLE, RELKIND_MATVIEW,
			RELKIND_TOASTVALUE, RELKIND_VIEW, RELKIND_FOREIGN_TABLE,
			RELKIND_SEQUENCE, '\0'
		},
		.message = gettext_noop("cannot count the rows of relation \"%s\""),
	},
	[PGSYNC_FOR_COLUMN] = {
		.relkinds = (const char[]) {
			RELKIND_RELATION, RELKIND_PARTITIONED_TABLE,
			RELKIND_FOREIGN_TABLE, RELKIND_VIEW, RELKIND_MATVIEW, '\0'
		},
		.message = gettext_noop("\"%s\" is not a table"),
	},
	[PGSYNC_FOR_SEQUENCE] = {
		.relkinds = (const char[]) {RELKIND_SEQUENCE, '\0'},
		.message = gettext_noop("\"%s\" is not a sequence"),
	},
	[PGSYNC_FOR_DOCUMENT] = {
		.relkinds = (const char[]) {
			RELKIND_RELATION, RELKIND_PARTITIONED_TABLE,
			RELKIND_FOREIGN_TABLE, '\0'
		},
		.message = gettext_noop("\"%s\" is not a table"),
		.hint = gettext_noop("A document has the rows of tables; use fetch_json and insert_many for views."),
	},
};

/*
 * Opens a relation of the caller's choice.
 *
 * Errors: 42P01 if there is none, 42809 if it is of a kind that is no use.
 */
Relation
pgsync_open_relation(Oid relid, LOCKMODE lockmode, PgsyncRelationUse use)
{
	Relation	rel = try_relation_open(relid, lockmode);
	const char *hint = uses[use].hint;

	if (rel == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	if (strchr(uses[use].relkinds, rel->rd_rel->relkind) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg(uses[use].message, RelationGetRelationName(rel)),
				 errdetail_relkind_not_supported(rel->rd_rel->relkind),
				 hint != NULL ? errhint("%s", _(hint)) : 0));
	return rel;
}

/*
 * Returns whether all of our snapshots find their rows in an index: one that is
 * younger than them may lead to versions with other keys (see the planner's
 * get_relation_info).
 */
bool
pgsync_index_serves_snapshots(Relation index)
{
	return !index->rd_index->indcheckxmin ||
		TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
							  TransactionXmin);
}

/* Returns the primary key's index, deferrable or not; InvalidOid for none. */
Oid
pgsync_primary_key_index(Relation rel)
{
	Oid			result = InvalidOid;
	ListCell   *cell;

	if (!rel->rd_rel->relhasindex)
		return InvalidOid;
	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index->rd_index->indisprimary)
			result = RelationGetRelid(index);
		index_close(index, NoLock);
	}
	return result;
}

/*
 * Returns the column below a view's that an INSERT into the view sets, and its
 * relation; InvalidOid if it sets none.
 */
static Oid
column_below(Relation view, AttrNumber attnum, AttrNumber *below)
{
	Query	   *query = get_view_query(view);
	RangeTblRef *from;
	TargetEntry *entry;
	Var		   *column;

	if (list_length(query->jointree->fromlist) != 1 ||
		!IsA(linitial(query->jointree->fromlist), RangeTblRef))
		return InvalidOid;
	from = linitial_node(RangeTblRef, query->jointree->fromlist);
	entry = get_tle_by_resno(query->targetList, attnum);
	if (entry == NULL || !IsA(entry->expr, Var))
		return InvalidOid;
	column = (Var *) entry->expr;
	if (column->varno != from->rtindex || column->varattno <= 0)
		return InvalidOid;
	*below = column->varattno;
	return rt_fetch(from->rtindex, query->rtable)->relid;
}

/*
 * Returns what an INSERT into a column makes of its identity: attidentity, of
 * a view's column that of the table below; '\0' if it has none.
 */
char
pgsync_column_identity(Relation rel, AttrNumber attnum)
{
	AttrNumber	below_attnum;
	Oid			relid;
	Relation	below;
	char		identity = '\0';

	if (rel->rd_rel->relkind != RELKIND_VIEW)
		return TupleDescAttr(RelationGetDescr(rel), attnum - 1)->attidentity;
	relid = column_below(rel, attnum, &below_attnum);
	if (!OidIsValid(relid))
		return '\0';
	/* the INSERT locks it, too */
	below = try_relation_open(relid, RowExclusiveLock);
	if (below != NULL)
	{
		identity = pgsync_column_identity(below, below_attnum);
		relation_close(below, NoLock);
	}
	return identity;
}

/*
 * Returns a name of the caller's as an error shows it: one much longer than an
 * identifier is nonsense, and shown as far as it takes to recognize it.
 */
char *
pgsync_shown_name(const char *name, int len)
{
	return pnstrdup(name, pg_mbcliplen(name, len, 2 * NAMEDATALEN));
}

/*
 * Reports a name that is no column of a relation (42703).
 *
 * The hint is the one given, else the column that was probably meant, else
 * "otherwise".  These and the detail are NULL for none, or translated.
 */
void
pgsync_undefined_column(Relation rel, const char *name, int len,
						const char *detail, const char *hint,
						const char *otherwise)
{
	char	   *shown = pgsync_shown_name(name, len);
	const char *closest = pgsync_closest_attribute(rel, shown);

	if (hint == NULL && closest == NULL)
		hint = otherwise;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist",
					shown, RelationGetRelationName(rel)),
			 detail != NULL ? errdetail_internal("%s", detail) : 0,
			 hint != NULL ? errhint("%s", hint) :
			 closest != NULL ?
			 errhint("Perhaps you meant the column \"%s\".", closest) : 0));
}
