/*-------------------------------------------------------------------------
 *
 * column_extreme.c
 *	  The greatest or the least value of an integer column.
 *
 * That is what SELECT max(column) FROM relation returns.  Where an ordinary
 * table has an index that begins with the column, this query would read one
 * end of it; planning takes it many times as long, so the end is read here.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opfamily_d.h"
#include "catalog/pg_type.h"
#include "clean/column_extreme.h"
#include "common/relation.h"
#include "common/spi_on.h"
#include "common/spi_util.h"
#include "executor/executor.h"
#include "parser/parse_relation.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Runs the query.  It needs SELECT on the column. */
static bool
read_by_query(Relation rel, AttrNumber attnum, bool least, int64 *value)
{
	char	   *name = get_attname(RelationGetRelid(rel), attnum, false);
	SPIExecuteOptions options = {0};
	char	   *query;
	Datum		datum;
	bool		isnull;

	query = psprintf("SELECT pg_catalog.%s(t.%s)::pg_catalog.int8 FROM %s AS t",
					 least ? "min" : "max", quote_identifier(name),
					 pgsync_qualified_relation_name(rel));
	pgsync_spi_connect();
	pgsync_spi_execute_on(rel, query, &options);
	datum = pgsync_spi_first_value(&isnull);
	*value = isnull ? 0 : DatumGetInt64(datum);
	pgsync_spi_finish();
	return !isnull;
}

/* Returns whether an index has all rows, in the order of the column. */
static bool
orders_all_rows(Relation index, AttrNumber attnum)
{
	return index->rd_rel->relam == BTREE_AM_OID &&
		index->rd_index->indisvalid &&
		index->rd_index->indkey.values[0] == attnum &&
		index->rd_opfamily[0] == INTEGER_BTREE_FAM_OID &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		pgsync_index_serves_snapshots(index);
}

/* Opens an index that the query would use; NULL if there is none. */
static Relation
open_ordering_index(Relation rel, AttrNumber attnum)
{
	ListCell   *cell;

	/* a child's rows are the table's, too */
	if (rel->rd_rel->relkind != RELKIND_RELATION ||
		has_subclass(RelationGetRelid(rel)))
		return NULL;
	foreach(cell, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		if (orders_all_rows(index, attnum))
			return index;
		index_close(index, AccessShareLock);
	}
	return NULL;
}

/* Checks that the caller may read the column, as the query would. */
static void
check_may_select(Relation rel, AttrNumber attnum)
{
	ParseState *pstate = make_parsestate(NULL);
	Query	   *query = makeNode(Query);
	ParseNamespaceItem *item;
	Bitmapset **columns;

	/* requires SELECT */
	item = addRangeTableEntryForRelation(pstate, rel, AccessShareLock, NULL,
										 true, false);
	columns = pgsync_selected_columns(item);
	*columns = bms_add_member(*columns,
							  attnum - FirstLowInvalidHeapAttributeNumber);
	query->rtable = pstate->p_rtable;
	pgsync_set_query_permissions(query, pstate);
	pgsync_check_permissions(query);
	free_parsestate(pstate);
}

/* Returns a value of a column of some integer type, or of a domain over one. */
static int64
integer_value(Oid type, Datum value)
{
	switch (getBaseType(type))
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* Reads the first row that has a value from the index's one end. */
static bool
read_end(Relation rel, Relation index, AttrNumber attnum, bool least,
		 int64 *value)
{
	bool		descends = (index->rd_indoption[0] & INDOPTION_DESC) != 0;
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	ScanKeyData not_null;
	IndexScanDesc scan;
	bool		found;

	ScanKeyEntryInitialize(&not_null, SK_ISNULL | SK_SEARCHNOTNULL, 1,
						   InvalidStrategy, InvalidOid, InvalidOid,
						   InvalidOid, (Datum) 0);
	scan = pgsync_index_beginscan(rel, index, GetActiveSnapshot(), 1);
	index_rescan(scan, &not_null, 1, NULL, 0);
	found = index_getnext_slot(scan,
							   least != descends ? ForwardScanDirection :
							   BackwardScanDirection, slot);
	if (found)
	{
		bool		isnull;
		Datum		datum = slot_getattr(slot, attnum, &isnull);
		Oid			type = TupleDescAttr(RelationGetDescr(rel),
										 attnum - 1)->atttypid;

		*value = integer_value(type, datum);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	return found;
}

/*
 * Reads the greatest value of a column of an open relation, or the least;
 * false if there is none.  Needs SELECT on the column (42501).
 */
bool
pgsync_read_extreme(Relation rel, AttrNumber attnum, bool least, int64 *value)
{
	Relation	index = open_ordering_index(rel, attnum);
	bool		found;

	if (index == NULL)
		return read_by_query(rel, attnum, least, value);
	check_may_select(rel, attnum);
	/* as SPI has it for a statement of its own */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	found = read_end(rel, index, attnum, least, value);
	PopActiveSnapshot();
	index_close(index, NoLock);
	return found;
}
