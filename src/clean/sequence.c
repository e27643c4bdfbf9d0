/*-------------------------------------------------------------------------
 *
 * sequence.c
 *	  SQL-callable set_seq_max.
 *
 * What it is made of serves set_seqs_max (table_sequences.c), too.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "common/args.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "miscadmin.h"
#include "clean/column_extreme.h"
#include "clean/sequence.h"
#include "common/relation.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

PG_FUNCTION_INFO_V1(set_seq_max);

/*
 * Opens the sequence, on which the caller needs UPDATE, as for setval.
 */
Relation
pgsync_open_sequence(Oid seqid)
{
	Relation	seqrel = pgsync_open_relation(seqid, AccessShareLock,
											  PGSYNC_FOR_SEQUENCE);
	AclResult	result;

	result = pg_class_aclcheck(seqid, GetUserId(), ACL_UPDATE);
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_SEQUENCE,
					   RelationGetRelationName(seqrel));
	return seqrel;
}

/*
 * Opens the relation that has the column, for a SQL function of this name:
 * anything whose rows a query reads.
 *
 * Row-level security that applies to the caller is an error (42501), as it is
 * for pg_dump: a maximum of some of the rows would be a wrong one.
 */
Relation
pgsync_open_sequence_target(Oid relid, const char *function)
{
	Relation	target = pgsync_open_relation(relid, AccessShareLock,
											  PGSYNC_FOR_COLUMN);

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("%s would not see every row of table \"%s\"",
						function, RelationGetRelationName(target)),
				 errdetail("Row-level security applies to the current role."),
				 errhint("Call it as the table's owner or as a role with BYPASSRLS.")));
	return target;
}

/* Remembers a column that uses the sequence; a second one is an error. */
static void
note_column(AttrNumber *found, AttrNumber attnum, Relation seqrel,
			Relation target)
{
	if (*found != InvalidAttrNumber && *found != attnum)
		ereport(ERROR,
				(errcode(ERRCODE_AMBIGUOUS_COLUMN),
				 errmsg("more than one column of relation \"%s\" uses sequence \"%s\"",
						RelationGetRelationName(target),
						RelationGetRelationName(seqrel)),
				 errhint("Name the column in \"column_name\".")));
	*found = attnum;
}

/* Finds the target's column whose default calls the sequence. */
static void
find_default_column(AttrNumber *found, Relation seqrel, Relation target)
{
	Relation	catalog = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(RelationGetRelid(seqrel)));
	scan = systable_beginscan(catalog, DependReferenceIndexId, true, NULL,
							  2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress column;

		if (form->classid != AttrDefaultRelationId)
			continue;
		column = GetAttrDefaultColumnAddress(form->objid);
		if (column.objectId == RelationGetRelid(target))
			note_column(found, column.objectSubId, seqrel, target);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/*
 * Finds the target's identity column that the sequence belongs to.  The
 * identity of a partition or child is that of the table above it.
 */
static void
find_identity_column(AttrNumber *found, Relation seqrel, Relation target)
{
	Oid			owner;
	int32		column;
	AttrNumber	attnum;

	if (!sequenceIsOwned(RelationGetRelid(seqrel), DEPENDENCY_INTERNAL,
						 &owner, &column))
		return;
	if (!list_member_oid(find_all_inheritors(owner, NoLock, NULL),
						 RelationGetRelid(target)))
		return;
	attnum = get_attnum(RelationGetRelid(target),
						get_attname(owner, column, false));
	if (attnum > 0)
		note_column(found, attnum, seqrel, target);
}

/* Finds a column by its name; none is error 42703. */
static AttrNumber
find_named_column(Relation target, const char *name)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(target), name);

	if (attnum <= 0)
		pgsync_undefined_column(target, name, strlen(name), NULL, NULL, NULL);
	return attnum;
}

/*
 * Chooses the column: the one named, else the one whose default or identity
 * uses the sequence, else "id".
 */
static AttrNumber
choose_column(Relation seqrel, Relation target, const char *name)
{
	AttrNumber	attnum = InvalidAttrNumber;

	if (name != NULL)
		return find_named_column(target, name);
	find_default_column(&attnum, seqrel, target);
	find_identity_column(&attnum, seqrel, target);
	if (attnum != InvalidAttrNumber)
		return attnum;
	if (get_attnum(RelationGetRelid(target), "id") > 0)
		return get_attnum(RelationGetRelid(target), "id");
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("no column of relation \"%s\" uses sequence \"%s\", and it has no column \"id\"",
					RelationGetRelationName(target),
					RelationGetRelationName(seqrel)),
			 errhint("Name the column in \"column_name\".")));
	return InvalidAttrNumber;	/* keep compiler quiet */
}

/* Insists that the column is of an integer type or of a domain over one. */
static void
check_integer_column(Relation target, AttrNumber attnum)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(target),
										   attnum - 1);

	switch (getBaseType(attr->atttypid))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of relation \"%s\" is of type %s, not an integer",
							NameStr(attr->attname),
							RelationGetRelationName(target),
							format_type_be(attr->atttypid)),
					 errhint("Name the column that the sequence fills in \"column_name\".")));
	}
}

/* Insists that the sequence can stand at the value (22003). */
void
pgsync_check_sequence_bounds(Relation seqrel, Relation target,
							 AttrNumber attnum, PgsyncSequenceState *state,
							 int64 value)
{
	if (value >= state->min && value <= state->max)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("value %lld of column \"%s\" of relation \"%s\" is out of bounds for sequence \"%s\" (%lld..%lld)",
					(long long) value,
					get_attname(RelationGetRelid(target), attnum, false),
					RelationGetRelationName(target),
					RelationGetRelationName(seqrel),
					(long long) state->min, (long long) state->max),
			 errhint("Change the bounds with ALTER SEQUENCE ... MINVALUE ... MAXVALUE ..., or correct the row.")));
}

/* Returns what nextval would give, or the last integer if it is past it. */
static int64
next_value(PgsyncSequenceState *state)
{
	int64		next;

	if (!state->is_called)
		return state->last_value;
	if (pg_add_s64_overflow(state->last_value, state->increment, &next))
		return state->increment > 0 ? PG_INT64_MAX : PG_INT64_MIN;
	return next;
}

/* Returns whether going from one position to the other is a step forward. */
static bool
is_forward(PgsyncSequenceState *from, PgsyncSequenceState *to)
{
	if (from->increment > 0)
		return next_value(to) > next_value(from);
	return next_value(to) < next_value(from);
}

/*
 * Returns whether the sequence stands before the position, and if so locks it
 * against nextval, so that it is still true when it is set.
 *
 * The lock waits for transactions that have called nextval; a sequence that
 * is far enough already is not locked.  Where setval is going to refuse, it
 * does so first: a standby would say that it cannot take such a lock.
 */
static bool
lock_if_forward(Relation seqrel, PgsyncSequenceState *current,
				PgsyncSequenceState *wanted)
{
	if (!is_forward(current, wanted))
		return false;
	if (!seqrel->rd_islocaltemp)
		PreventCommandIfReadOnly("setval()");
	LockRelationOid(RelationGetRelid(seqrel), ShareRowExclusiveLock);
	pgsync_read_sequence(seqrel, current);
	if (is_forward(current, wanted))
		return true;
	UnlockRelationOid(RelationGetRelid(seqrel), ShareRowExclusiveLock);
	return false;
}

/* Sets the sequence, with setval itself. */
static void
set_position(Relation seqrel, PgsyncSequenceState *wanted)
{
	DirectFunctionCall3(setval3_oid,
						ObjectIdGetDatum(RelationGetRelid(seqrel)),
						Int64GetDatum(wanted->last_value),
						BoolGetDatum(wanted->is_called));
}

/*
 * Sets the sequence to a position; with "forward_only", unless it is there or
 * further already.  Returns its last value then.
 */
int64
pgsync_move_sequence(Relation seqrel, PgsyncSequenceState *wanted,
					 bool forward_only)
{
	PgsyncSequenceState current;

	if (!forward_only)
	{
		set_position(seqrel, wanted);
		return wanted->last_value;
	}
	pgsync_read_sequence(seqrel, &current);
	if (!lock_if_forward(seqrel, &current, wanted))
		return current.last_value;
	set_position(seqrel, wanted);
	UnlockRelationOid(RelationGetRelid(seqrel), ShareRowExclusiveLock);
	return wanted->last_value;
}

/* Finds the position that the column's values need. */
static void
find_position(Relation seqrel, Relation target, AttrNumber attnum,
			  PgsyncSequenceState *wanted)
{
	pgsync_read_sequence(seqrel, wanted);
	wanted->is_called = pgsync_read_extreme(target, attnum,
											wanted->increment < 0,
											&wanted->last_value);
	if (wanted->is_called)
		pgsync_check_sequence_bounds(seqrel, target, attnum, wanted,
									 wanted->last_value);
	else
		wanted->last_value = wanted->start;
}

/*
 * set_seq_max(seq regclass, target regclass, column_name name,
 *			   forward_only boolean) returns bigint
 *
 * Sets a sequence so that nextval goes on after the greatest value of a
 * column (for a descending sequence, after the least); for a column without
 * values, so that nextval gives the sequence's start.  Returns the sequence's
 * last value then.  With forward_only, a sequence that is further already is
 * left alone, and its last value returned.
 *
 * Rule followed: setval (commands/sequence.c), which it calls: takes effect
 * at once and is not undone by ROLLBACK.  Errors: 22004 for nulls, 42P01 and
 * 42809 for relations that are none or of the wrong kind, 42703 and 42702 for
 * a column that is none or not unique, 42804 for one that is no integer,
 * 22003 for a value beyond the sequence's bounds, 42501 for privileges and
 * where row-level security would hide rows.
 */
Datum
set_seq_max(PG_FUNCTION_ARGS)
{
	const char *column_name = NULL;
	bool		forward_only = pgsync_arg_bool(fcinfo, 3, false);
	Relation	seqrel;
	Relation	target;
	AttrNumber	attnum;
	PgsyncSequenceState wanted;
	int64		result;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "seq");
	PGSYNC_REQUIRE_ARG(fcinfo, 1, "target");
	if (!PG_ARGISNULL(2))
		column_name = NameStr(*PG_GETARG_NAME(2));

	seqrel = pgsync_open_sequence(PG_GETARG_OID(0));
	target = pgsync_open_sequence_target(PG_GETARG_OID(1), "set_seq_max");
	attnum = choose_column(seqrel, target, column_name);
	check_integer_column(target, attnum);
	find_position(seqrel, target, attnum, &wanted);
	result = pgsync_move_sequence(seqrel, &wanted, forward_only);

	relation_close(target, NoLock);
	relation_close(seqrel, NoLock);
	PG_RETURN_INT64(result);
}
