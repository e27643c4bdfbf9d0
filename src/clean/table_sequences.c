/*-------------------------------------------------------------------------
 *
 * table_sequences.c
 *	  SQL-callable set_seqs_max: all sequences that some tables' columns use.
 *
 * A column uses a sequence that its default calls, or that belongs to it (as
 * an identity's does, or by OWNED BY).  Several columns may use one: it is set
 * to what all of them need.  Of a table and its children or partitions, the
 * table's rows are all there are to read.
 *
 * Everything is looked at before anything is set, since setval is not undone
 * by an error.
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
#include "catalog/dependency.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "clean/column_extreme.h"
#include "clean/sequence.h"
#include "common/args.h"
#include "common/relation.h"
#include "common/table_names.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(set_seqs_max);

/* Columns of the result */
#define RESULT_COLUMNS	4

/* A column whose values count for a sequence */
typedef struct SequenceColumn
{
	Oid			relid;
	AttrNumber	attnum;
	char	   *name;
	List	   *children;		/* tables below it, sorted OIDs */
} SequenceColumn;

/* A sequence that columns of the named tables use */
typedef struct UsedSequence
{
	Oid			seqid;
	List	   *columns;		/* of SequenceColumn */
	bool		is_shared;		/* do other columns use it, too? */
	Relation	rel;			/* once open */
	PgsyncSequenceState wanted;
	SequenceColumn *column;		/* whose value it is, else the first */
	int64		last_value;		/* once set */
} UsedSequence;

/* The sequences, in the order in which the tables lead to them */
typedef struct UsedSequences
{
	List	   *list;			/* of UsedSequence */
	HTAB	   *by_seqid;
} UsedSequences;

typedef struct UsedSequenceEntry
{
	Oid			seqid;			/* hash key, must be first */
	UsedSequence *sequence;
} UsedSequenceEntry;

/* Returns the entry of a sequence, making it when it first comes. */
static UsedSequence *
sequence_entry(UsedSequences *sequences, Oid seqid)
{
	bool		found;
	UsedSequenceEntry *entry = hash_search(sequences->by_seqid, &seqid,
										   HASH_ENTER, &found);

	if (!found)
	{
		entry->sequence = palloc0(sizeof(UsedSequence));
		entry->sequence->seqid = seqid;
		sequences->list = lappend(sequences->list, entry->sequence);
	}
	return entry->sequence;
}

/* Returns whether values of a type are integers, as a sequence's are. */
static bool
is_integer(Oid type)
{
	type = getBaseType(type);
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

/*
 * Notes that a column uses a sequence.  One that holds no integers, such as a
 * text made of a number and a letter, cannot say what it needs.
 */
static void
note_use(UsedSequences *sequences, Oid seqid, Relation table,
		 AttrNumber attnum)
{
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(table),
										   attnum - 1);
	UsedSequence *sequence;
	SequenceColumn *column;
	ListCell   *cell;

	if (!is_integer(attr->atttypid))
		return;
	sequence = sequence_entry(sequences, seqid);
	foreach(cell, sequence->columns)
	{
		column = lfirst(cell);
		if (column->relid == RelationGetRelid(table) &&
			column->attnum == attnum)
			return;
	}
	column = palloc0(sizeof(SequenceColumn));
	column->relid = RelationGetRelid(table);
	column->attnum = attnum;
	column->name = pstrdup(NameStr(attr->attname));
	sequence->columns = lappend(sequence->columns, column);
}

/* Begins a scan of pg_depend by the object that depends, or the other one. */
static SysScanDesc
begin_depend_scan(Relation depend, bool by_referenced, Oid classid,
				  Oid objectid)
{
	ScanKeyData keys[2];

	ScanKeyInit(&keys[0],
				by_referenced ? Anum_pg_depend_refclassid : Anum_pg_depend_classid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(classid));
	ScanKeyInit(&keys[1],
				by_referenced ? Anum_pg_depend_refobjid : Anum_pg_depend_objid,
				BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(objectid));
	return systable_beginscan(depend,
							  by_referenced ? DependReferenceIndexId :
							  DependDependerIndexId, true, NULL, 2, keys);
}

/* Notes the sequences that belong to the table's columns. */
static void
note_owned(UsedSequences *sequences, Relation depend, Relation table)
{
	SysScanDesc scan = begin_depend_scan(depend, true, RelationRelationId,
										 RelationGetRelid(table));
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->classid == RelationRelationId && form->refobjsubid > 0 &&
			(form->deptype == DEPENDENCY_AUTO ||
			 form->deptype == DEPENDENCY_INTERNAL) &&
			get_rel_relkind(form->objid) == RELKIND_SEQUENCE)
			note_use(sequences, form->objid, table, form->refobjsubid);
	}
	systable_endscan(scan);
}

/* Notes the sequences that a column's default calls. */
static void
note_called(UsedSequences *sequences, Relation depend, Relation table,
			AttrNumber attnum)
{
	Oid			attrdef = GetAttrDefaultOid(RelationGetRelid(table), attnum);
	SysScanDesc scan = begin_depend_scan(depend, false,
										 AttrDefaultRelationId, attrdef);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->refclassid == RelationRelationId &&
			get_rel_relkind(form->refobjid) == RELKIND_SEQUENCE)
			note_use(sequences, form->refobjid, table, attnum);
	}
	systable_endscan(scan);
}

/* Notes all sequences that a table's columns use. */
static void
note_table(UsedSequences *sequences, Relation depend, Oid relid)
{
	/* locked to the end of the transaction, as a query on it does */
	Relation	table = pgsync_open_relation(relid, AccessShareLock,
											 PGSYNC_FOR_COLUMN);
	TupleDesc	desc = RelationGetDescr(table);

	CHECK_FOR_INTERRUPTS();
	note_owned(sequences, depend, table);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->atthasdef && !attr->attisdropped && attr->attgenerated == '\0')
			note_called(sequences, depend, table, attr->attnum);
	}
	relation_close(table, NoLock);
}

/* Returns the sequences that the tables' columns use. */
static UsedSequences *
find_sequences(List *relids, Relation depend)
{
	UsedSequences *sequences = palloc0(sizeof(UsedSequences));
	HASHCTL		hash = {0};
	ListCell   *cell;

	hash.keysize = sizeof(Oid);
	hash.entrysize = sizeof(UsedSequenceEntry);
	hash.hcxt = CurrentMemoryContext;
	sequences->by_seqid = hash_create("pgsync sequences", 256, &hash,
									  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(cell, relids)
		note_table(sequences, depend, lfirst_oid(cell));
	return sequences;
}

/* Compares two OIDs, for bsearch. */
static int
compare_oids(const void *a, const void *b)
{
	Oid			left = *(const Oid *) a;
	Oid			right = ((const ListCell *) b)->oid_value;

	return left < right ? -1 : left > right;
}

/* Returns whether a column's values are among those of one above it. */
static bool
is_below(Oid relid, const char *name, SequenceColumn *column)
{
	if (column->children == NIL || relid == column->relid ||
		strcmp(name, column->name) != 0)
		return false;
	return bsearch(&relid, column->children->elements,
				   list_length(column->children), sizeof(ListCell),
				   compare_oids) != NULL;
}

/* Leaves out columns that a query on a table above theirs reads, too. */
static void
drop_covered_columns(UsedSequence *sequence)
{
	List	   *above = NIL;
	ListCell   *cell;
	ListCell   *above_cell;

	foreach(cell, sequence->columns)
	{
		SequenceColumn *column = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (!has_subclass(column->relid))
			continue;
		column->children = find_all_inheritors(column->relid, NoLock, NULL);
		list_sort(column->children, list_oid_cmp);
		above = lappend(above, column);
	}
	foreach(cell, sequence->columns)
	{
		SequenceColumn *column = lfirst(cell);

		foreach(above_cell, above)
		{
			if (is_below(column->relid, column->name, lfirst(above_cell)))
			{
				sequence->columns = foreach_delete_current(sequence->columns,
														   cell);
				break;
			}
		}
	}
}

/* Returns whether a column's values are among those that are read. */
static bool
is_read(UsedSequence *sequence, Oid relid, AttrNumber attnum)
{
	char	   *name = get_attname(relid, attnum, true);
	ListCell   *cell;

	foreach(cell, sequence->columns)
	{
		SequenceColumn *column = lfirst(cell);

		if (column->relid == relid ? column->attnum == attnum :
			name != NULL && is_below(relid, name, column))
			return true;
	}
	return false;
}

/*
 * Looks whether columns use the sequence whose values are not read: those of
 * tables that are not named, and such as hold no integers.  Set back, it might
 * give them numbers that they have.
 */
static void
look_for_other_users(UsedSequence *sequence, Relation depend)
{
	SysScanDesc scan = begin_depend_scan(depend, true, RelationRelationId,
										 sequence->seqid);
	HeapTuple	tuple;
	Oid			owner;
	int32		column;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress address;

		if (form->classid != AttrDefaultRelationId)
			continue;
		address = GetAttrDefaultColumnAddress(form->objid);
		if (!is_read(sequence, address.objectId, address.objectSubId))
			sequence->is_shared = true;
	}
	systable_endscan(scan);
	if ((sequenceIsOwned(sequence->seqid, DEPENDENCY_INTERNAL, &owner, &column) ||
		 sequenceIsOwned(sequence->seqid, DEPENDENCY_AUTO, &owner, &column)) &&
		!is_read(sequence, owner, column))
		sequence->is_shared = true;
}

/* Takes a column's greatest value, if it is the greatest so far. */
static void
read_column(UsedSequence *sequence, SequenceColumn *column)
{
	PgsyncSequenceState *wanted = &sequence->wanted;
	bool		descending = wanted->increment < 0;
	Relation	table = pgsync_open_sequence_target(column->relid,
													"set_seqs_max");
	int64		value;

	if (pgsync_read_extreme(table, column->attnum, descending, &value))
	{
		pgsync_check_sequence_bounds(sequence->rel, table, column->attnum,
									 wanted, value);
		if (!wanted->is_called ||
			(descending ? value < wanted->last_value :
			 value > wanted->last_value))
		{
			wanted->last_value = value;
			sequence->column = column;
		}
		wanted->is_called = true;
	}
	relation_close(table, NoLock);
}

/* Opens a sequence, and finds where its columns need it. */
static void
look_at_sequence(UsedSequence *sequence, Relation depend)
{
	ListCell   *cell;

	CHECK_FOR_INTERRUPTS();
	sequence->rel = pgsync_open_sequence(sequence->seqid);
	drop_covered_columns(sequence);
	look_for_other_users(sequence, depend);
	pgsync_read_sequence(sequence->rel, &sequence->wanted);
	sequence->wanted.is_called = false;
	sequence->column = linitial(sequence->columns);
	foreach(cell, sequence->columns)
		read_column(sequence, lfirst(cell));
	if (!sequence->wanted.is_called)
		sequence->wanted.last_value = sequence->wanted.start;
}

/* Compares sequences by OID: the order in which they are locked. */
static int
compare_sequences(const ListCell *a, const ListCell *b)
{
	Oid			left = ((UsedSequence *) lfirst(a))->seqid;
	Oid			right = ((UsedSequence *) lfirst(b))->seqid;

	return left < right ? -1 : left > right;
}

/* Sets the sequences. */
static void
move_sequences(UsedSequences *sequences, bool forward_only)
{
	List	   *order = list_copy(sequences->list);
	ListCell   *cell;

	list_sort(order, compare_sequences);
	foreach(cell, order)
	{
		UsedSequence *sequence = lfirst(cell);

		sequence->last_value =
			pgsync_move_sequence(sequence->rel, &sequence->wanted,
								 forward_only || sequence->is_shared);
		relation_close(sequence->rel, NoLock);
	}
}

/* Puts a row for each sequence into the result. */
static void
return_sequences(ReturnSetInfo *rsinfo, UsedSequences *sequences)
{
	ListCell   *cell;

	foreach(cell, sequences->list)
	{
		UsedSequence *sequence = lfirst(cell);
		NameData	name;
		Datum		values[RESULT_COLUMNS];
		bool		nulls[RESULT_COLUMNS] = {false};

		namestrcpy(&name, sequence->column->name);
		values[0] = ObjectIdGetDatum(sequence->seqid);
		values[1] = ObjectIdGetDatum(sequence->column->relid);
		values[2] = NameGetDatum(&name);
		values[3] = Int64GetDatum(sequence->last_value);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
}

/*
 * set_seqs_max(tables text[], forward_only boolean)
 * returns setof (seq regclass, target_table regclass, column_name name,
 *				  last_value bigint)
 *
 * Sets all sequences that columns of the tables use, as set_seq_max sets one,
 * and returns a row for each: its last value then, and the column whose value
 * that is, or of an empty table would be.
 *
 *		{a,b}	=>	 seq      | target_table | column_name | last_value
 *					 a_id_seq | a            | id          |         41
 *					 b_id_seq | b            | id          |          1
 *
 * A sequence that other columns use, too, is not set back.  If there is an
 * error, none has been set, unless a deadlock or a cancel comes between them.
 *
 * Rule followed: setval (commands/sequence.c).  Errors: 22004 for nulls;
 * 42P01, 3F000 and 42602 for names; else those of set_seq_max.
 */
Datum
set_seqs_max(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		forward_only = pgsync_arg_bool(fcinfo, 1, false);
	List	   *names;
	List	   *relids;
	Relation	depend;
	UsedSequences *sequences;
	ListCell   *cell;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "tables");
	InitMaterializedSRF(fcinfo, 0);
	names = pgsync_arg_name_list(fcinfo, 0, "tables");
	relids = pgsync_resolve_table_names(pgsync_parse_table_names(names));
	depend = table_open(DependRelationId, AccessShareLock);
	sequences = find_sequences(relids, depend);
	foreach(cell, sequences->list)
		look_at_sequence(lfirst(cell), depend);
	table_close(depend, AccessShareLock);
	move_sequences(sequences, forward_only);
	return_sequences(rsinfo, sequences);
	return (Datum) 0;
}
