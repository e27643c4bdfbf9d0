/*-------------------------------------------------------------------------
 *
 * unique_key.c
 *	  The columns that tell which row of the target an input row is.
 *
 * ON CONFLICT (a, b) needs a unique index on exactly these columns, neither
 * partial nor on expressions nor deferrable (core's plancat.c,
 * infer_arbiter_indexes).  It is looked for here before anything runs, so
 * that the error can list the ones there are.  A view has no indexes of its
 * own: there the planner judges.  Foreign tables, and partitioned ones with
 * foreign partitions, cannot have any: that is said.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "common/partitions.h"
#include "common/relation.h"
#include "lib/stringinfo.h"
#include "storage/lockdefs.h"
#include "insert/unique_key.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Returns whether the target is of a kind that has indexes. */
static bool
has_indexes(PgsyncTarget *target)
{
	char		relkind = target->rel->rd_rel->relkind;

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
}

/* Returns the attribute numbers of columns, given by name; 42703, 42701. */
List *
pgsync_column_numbers(PgsyncTarget *target, List *names)
{
	List	   *numbers = NIL;
	ListCell   *cell;

	foreach(cell, names)
	{
		char	   *name = lfirst(cell);
		AttrNumber	attnum = pgsync_target_find(target, name, strlen(name));

		if (attnum == 0)
			pgsync_target_unknown_column(target, name, strlen(name));
		if (list_member_int(numbers, attnum))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("column \"%s\" specified more than once", name)));
		numbers = lappend_int(numbers, attnum);
	}
	return numbers;
}

/* Returns whether ON CONFLICT (columns) can use an index. */
static bool
index_is_usable(Relation index)
{
	Form_pg_index form = index->rd_index;

	if (!form->indisunique || form->indisexclusion || !form->indisvalid ||
		!form->indimmediate ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		if (form->indkey.values[i] <= 0)
			return false;		/* an expression */
	}
	return true;
}

/* Returns an index's key columns as attribute numbers. */
static List *
index_columns(Relation index)
{
	List	   *columns = NIL;

	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
		columns = lappend_int(columns, index->rd_index->indkey.values[i]);
	return columns;
}

/*
 * Returns whether two lists of column numbers hold the same columns.  An index
 * may name a column twice.
 */
static bool
same_columns(List *a, List *b)
{
	return list_length(a) == list_length(b) &&
		list_difference_int(a, b) == NIL && list_difference_int(b, a) == NIL;
}

/*
 * Returns the usable unique keys of the target, each a list of attribute
 * numbers, the primary key first.
 */
List *
pgsync_usable_keys(Relation rel)
{
	List	   *keys = NIL;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index_is_usable(index))
		{
			if (index->rd_index->indisprimary)
				keys = lcons(index_columns(index), keys);
			else
				keys = lappend(keys, index_columns(index));
		}
		index_close(index, NoLock);
	}
	return keys;
}

/* Returns "(a, b), (c)" for a list of keys. */
static char *
describe_keys(PgsyncTarget *target, List *keys)
{
	StringInfoData buf;
	ListCell   *key;
	ListCell   *column;

	initStringInfo(&buf);
	foreach(key, keys)
	{
		appendStringInfoString(&buf, buf.len > 0 ? ", (" : "(");
		foreach(column, (List *) lfirst(key))
		{
			AttrNumber	attnum = lfirst_int(column);

			if (foreach_current_index(column) > 0)
				appendStringInfoString(&buf, ", ");
			appendStringInfoString(&buf,
								   quote_identifier(target->columns[attnum - 1].name));
		}
		appendStringInfoChar(&buf, ')');
	}
	return buf.data;
}

/* Refuses targets of which this server can know no unique key (42809). */
static void
check_key_is_local(Relation rel, PgsyncRelationUse use)
{
	bool		foreign = rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE;

	if (foreign || pgsync_has_foreign_partition(rel, false))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 use == PGSYNC_FOR_SYNC ?
				 errmsg("cannot sync relation \"%s\"",
						RelationGetRelationName(rel)) :
				 errmsg("cannot upsert into relation \"%s\"",
						RelationGetRelationName(rel)),
				 foreign ?
				 errdetail("A foreign table has no unique index on this server.") :
				 errdetail("A partitioned table with foreign partitions can have no unique index."),
				 use == PGSYNC_FOR_SYNC ?
				 errhint("Sync the tables on their own servers, or use update_many and delete_many, whose keys need no index.") :
				 errhint("Upsert into the tables on their own servers, or use insert_many with ON CONFLICT DO NOTHING.")));
}

/* Adds the keys that there are, as an error's detail. */
static int
errdetail_usable_keys(PgsyncTarget *target, List *keys)
{
	if (keys == NIL)
		return errdetail("The relation has no usable unique index: one that is not partial, not deferrable and has no expressions.");
	return errdetail("Usable keys are: %s.", describe_keys(target, keys));
}

/* Returns the primary key's columns, deferrable or not; NIL if there is none. */
static List *
primary_key(Relation rel)
{
	Oid			pk = pgsync_primary_key_index(rel);
	Relation	index;
	List	   *columns;

	if (!OidIsValid(pk))
		return NIL;
	index = index_open(pk, AccessShareLock);
	columns = index_columns(index);
	index_close(index, NoLock);
	return columns;
}

/* Reports that there is no primary key, to who needs a unique one (22023). */
static void
report_no_primary_key(PgsyncTarget *target, List *keys)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("relation \"%s\" has no primary key",
					RelationGetRelationName(target->rel)),
			 has_indexes(target) ? errdetail_usable_keys(target, keys) : 0,
			 errhint("Name the columns of a unique key in key_columns.")));
}

/*
 * Returns the attribute numbers of the key: the columns named, or those of
 * the primary key if the list is empty.
 *
 * Errors: 42703 for a name that is no column, 22023 without a primary key,
 * 42P10 if no unique index has exactly these columns, 42809 for foreign tables
 * and tables with foreign partitions.
 */
List *
pgsync_unique_key(PgsyncTarget *target, List *names, PgsyncRelationUse use)
{
	List	   *keys = NIL;
	List	   *columns;
	ListCell   *cell;

	check_key_is_local(target->rel, use);
	/* views have none that we could look at */
	if (has_indexes(target))
		keys = pgsync_usable_keys(target->rel);
	columns = names != NIL ? pgsync_column_numbers(target, names) :
		primary_key(target->rel);
	if (columns == NIL)
		report_no_primary_key(target, keys);
	if (!has_indexes(target))
		return columns;

	foreach(cell, keys)
	{
		if (same_columns((List *) lfirst(cell), columns))
			return columns;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
			 errmsg("there is no usable unique index on %s of relation \"%s\"",
					describe_keys(target, list_make1(columns)),
					RelationGetRelationName(target->rel)),
			 errdetail_usable_keys(target, keys)));
}

/*
 * Returns whether a unique index compares its columns as "=" on them does: by
 * the default operator class and in their own collation.
 */
static bool
compares_as_columns(PgsyncTarget *target, Relation index)
{
	if (index->rd_rel->relam != BTREE_AM_OID)
		return false;
	for (int i = 0; i < index->rd_index->indnkeyatts; i++)
	{
		AttrNumber	attnum = index->rd_index->indkey.values[i];
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(target->rel),
											   attnum - 1);

		if (index->rd_indcollation[i] != attr->attcollation ||
			get_opfamily_member(index->rd_opfamily[i],
								index->rd_opcintype[i],
								index->rd_opcintype[i],
								BTEqualStrategyNumber) !=
			pgsync_key_operators(target, attnum)->eq_opr)
			return false;
	}
	return true;
}

/*
 * Returns a unique B-tree index on exactly these columns that finds what "="
 * on them would, or InvalidOid.
 */
Oid
pgsync_plain_key_index(PgsyncTarget *target, List *keys)
{
	Oid			result = InvalidOid;
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(target->rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (index_is_usable(index) && pgsync_index_serves_snapshots(index) &&
			same_columns(index_columns(index), keys) &&
			compares_as_columns(target, index))
			result = RelationGetRelid(index);
		index_close(index, NoLock);
		if (OidIsValid(result))
			break;
	}
	return result;
}

/*
 * Returns the attribute numbers of the key for a verb that does not need it
 * to be unique: the columns named, or those of the primary key.
 *
 * Errors: 42703, 42701, 22023 without a primary key.
 */
List *
pgsync_any_key(PgsyncTarget *target, List *names)
{
	List	   *columns = names != NIL ? pgsync_column_numbers(target, names) :
	primary_key(target->rel);

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relation \"%s\" has no primary key",
						RelationGetRelationName(target->rel)),
				 errhint("Name the columns that tell which rows are meant in key_columns.")));
	return columns;
}

/*
 * Returns the cache entry of a key column's type, with the operators "=" and
 * "<" of its default B-tree operator class; 42883 if there is none.
 */
TypeCacheEntry *
pgsync_key_operators(PgsyncTarget *target, AttrNumber attnum)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(target->rel),
										   attnum - 1);
	TypeCacheEntry *type = lookup_type_cache(attr->atttypid,
											 TYPECACHE_EQ_OPR |
											 TYPECACHE_LT_OPR |
											 TYPECACHE_CMP_PROC_FINFO);

	if (!OidIsValid(type->eq_opr) || !OidIsValid(type->lt_opr) ||
		!OidIsValid(type->cmp_proc))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an ordering operator for type %s",
						format_type_be(attr->atttypid)),
				 errdetail("Column \"%s\" cannot tell which rows are meant.",
						   NameStr(attr->attname))));
	return type;
}

/*
 * Insists that a row names every key column, none of them null (22023,
 * 22004).
 */
void
pgsync_check_key(PgsyncTarget *target, List *keys, const PgsyncRow *row)
{
	ListCell   *cell;

	foreach(cell, keys)
	{
		AttrNumber	attnum = lfirst_int(cell);
		const char *name = target->columns[attnum - 1].name;

		if (!row->named[attnum - 1])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("key column \"%s\" is missing", name),
					 errhint("Every row must name all columns of the key.")));
		if (row->nulls[attnum - 1])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("key column \"%s\" must not be null", name)));
	}
}

/*
 * Returns a key, given as the values of all columns, as "(a, b)=(1, x)", the
 * way that the server's messages show keys.
 */
char *
pgsync_describe_key(PgsyncTarget *target, List *keys, const Datum *values)
{
	StringInfoData names;
	StringInfoData shown;
	ListCell   *cell;

	initStringInfo(&names);
	initStringInfo(&shown);
	foreach(cell, keys)
	{
		AttrNumber	attnum = lfirst_int(cell);
		const char *separator = foreach_current_index(cell) > 0 ? ", " : "";
		Oid			output;
		bool		is_varlena;

		getTypeOutputInfo(TupleDescAttr(RelationGetDescr(target->rel),
										attnum - 1)->atttypid,
						  &output, &is_varlena);
		appendStringInfo(&names, "%s%s", separator,
						 target->columns[attnum - 1].name);
		appendStringInfo(&shown, "%s%s", separator,
						 OidOutputFunctionCall(output, values[attnum - 1]));
	}
	return psprintf("(%s)=(%s)", names.data, shown.data);
}
