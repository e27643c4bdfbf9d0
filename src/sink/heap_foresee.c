/*-------------------------------------------------------------------------
 *
 * heap_foresee.c
 *	  What rows will fail at, seen before they are stored.
 *
 * A row that fails while it is being stored takes those down that were stored
 * with it: they must be stored again.  So where rows have failed, the next
 * ones are looked at first, in the order of what the executor does with a row:
 *
 *		NOT NULL and CHECK		by the executor's own function
 *		unique integer keys		by the rows that are there: one scan of the
 *								index over each range of keys that lie close
 *								together, for the rows of a whole batch
 *
 * A row whose key is there, committed or our own, fails at this moment, and
 * nothing that happens before its turn could change that but another session,
 * which might as well have come later.  Whatever is less sure, such as a row
 * of a transaction in progress, two rows of one key, or an index in between
 * that might raise another error, makes the row doubtful: it is for the
 * statement to say.
 *
 * The rows must be for the heap sink: there nothing runs for a row that could
 * change what the next one meets.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "sink/heap_foresee.h"
#include "sink/sinks.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Keys this far from each other, or less, are looked up by one scan */
#define MAX_GAP		4

/* Batches are looked at if their keys make at most one range for so many */
#define MIN_KEYS_PER_RANGE	4

/* Values that take less together fit a page, and an index entry */
#define MAX_SURE_BYTES		1500

/* A key of a batch */
typedef struct IntegerKey
{
	int64		value;
	int			row;
} IntegerKey;

struct PgsyncForesight
{
	EState	   *estate;
	ResultRelInfo *resultRelInfo;
	TupleTableSlot *row;		/* being checked */
	TupleTableSlot *existing;	/* that a scan finds */
	SnapshotData dirty;			/* of the scans */
};

/*
 * Returns whether something is to be foreseen of a run's rows: they go to an
 * ordinary table, a conflict is an error, and no function of the user's is
 * called between two of them.
 */
bool
pgsync_can_foresee(const PgsyncRun *run, const PgsyncSinkRoutine *sink)
{
	Relation	rel = run->target->rel;
	TupleConstr *constr = RelationGetDescr(rel)->constr;
	TriggerDesc *triggers = rel->trigdesc;

	if (sink != &pgsync_heap_sink || IsolationIsSerializable() ||
		((ModifyTable *) run->plan->planTree)->onConflictAction != ONCONFLICT_NONE ||
		rel->rd_rel->relkind != RELKIND_RELATION || rel->rd_rel->relispartition)
		return false;
	for (int i = 0; constr != NULL && i < RelationGetDescr(rel)->natts; i++)
	{
		if (TupleDescAttr(RelationGetDescr(rel), i)->attgenerated != '\0')
			return false;
	}
	return triggers == NULL ||
		!(triggers->trig_insert_before_row ||
		  triggers->trig_insert_before_statement ||
		  triggers->trig_insert_after_statement);
}

/*
 * Starts to look at rows of a run.  What is allocated is that of an executor
 * state, and must not outlive the subtransaction.
 */
PgsyncForesight *
pgsync_foresight_start(const PgsyncRun *run)
{
	ModifyTable *node = (ModifyTable *) run->plan->planTree;
	Relation	rel = run->target->rel;
	EState	   *estate = CreateExecutorState();
	MemoryContext oldcontext = MemoryContextSwitchTo(estate->es_query_cxt);
	PgsyncForesight *foresight = palloc0(sizeof(PgsyncForesight));

	/* what an error tells of a row depends on the columns it names */
	pgsync_init_range_table(estate, run->plan);
	foresight->estate = estate;
	foresight->resultRelInfo = makeNode(ResultRelInfo);
	InitResultRelInfo(foresight->resultRelInfo, rel,
					  linitial_int(node->resultRelations), NULL, 0);
	if (rel->rd_rel->relhasindex)
		ExecOpenIndices(foresight->resultRelInfo, false);
	foresight->row = MakeSingleTupleTableSlot(RelationGetDescr(rel),
											  &TTSOpsVirtual);
	foresight->existing = table_slot_create(rel, NULL);
	InitDirtySnapshot(foresight->dirty);
	MemoryContextSwitchTo(oldcontext);
	return foresight;
}

/* Ends that. */
void
pgsync_foresight_end(PgsyncForesight *foresight)
{
	EState	   *estate = foresight->estate;

	if (foresight->resultRelInfo->ri_NumIndices > 0)
		ExecCloseIndices(foresight->resultRelInfo);
	ExecDropSingleTupleTableSlot(foresight->row);
	ExecDropSingleTupleTableSlot(foresight->existing);
	FreeExecutorState(estate);
}

/* Returns whether inserting into an index could call a function of a user's. */
static bool
index_is_plain(Relation index, const IndexInfo *info)
{
	return index->rd_rel->relam == BTREE_AM_OID &&
		info->ii_Expressions == NIL && info->ii_Predicate == NIL;
}

/* Returns whether an index is one that the rows' keys are looked up in. */
static bool
has_integer_key(Relation index, const IndexInfo *info)
{
	return index_is_plain(index, info) && info->ii_Unique &&
		info->ii_ReadyForInserts && !info->ii_NullsNotDistinct &&
		index->rd_index->indimmediate &&
		IndexRelationGetNumberOfKeyAttributes(index) == 1 &&
		index->rd_opfamily[0] == INTEGER_BTREE_FAM_OID &&
		(index->rd_indoption[0] & INDOPTION_DESC) == 0;
}

/* Returns an integer key's value. */
static int64
integer_value(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* Orders keys, and equal ones as the input has them; for qsort. */
static int
compare_keys(const void *a, const void *b)
{
	const IntegerKey *first = a;
	const IntegerKey *second = b;

	if (first->value != second->value)
		return first->value < second->value ? -1 : 1;
	return first->row - second->row;
}

/* Merges sorted keys into sorted ones, which have room for them behind. */
static void
merge_keys(IntegerKey *keys, int nkeys, const IntegerKey *others, int nothers)
{
	while (nothers > 0)
	{
		bool		takes_other = nkeys == 0 ||
		compare_keys(&keys[nkeys - 1], &others[nothers - 1]) < 0;

		keys[nkeys + nothers - 1] = takes_other ? others[nothers - 1] :
			keys[nkeys - 1];
		if (takes_other)
			nothers--;
		else
			nkeys--;
	}
}

/*
 * Gets the keys of those rows that nothing is known against, in order.  Most
 * of them usually ascend, but for those that are there already: only these are
 * sorted, and "others" is room for them.
 */
static int
get_keys(Oid type, AttrNumber attnum, const PgsyncForeseen *rows, int nrows,
		 IntegerKey *keys, IntegerKey *others)
{
	int			nkeys = 0;
	int			nothers = 0;

	for (int i = 0; i < nrows; i++)
	{
		IntegerKey	key;

		if (rows[i].outlook != PGSYNC_OUTLOOK_OPEN || rows[i].nulls[attnum - 1])
			continue;
		key.value = integer_value(type, rows[i].values[attnum - 1]);
		key.row = i;
		if (nkeys == 0 || keys[nkeys - 1].value <= key.value)
			keys[nkeys++] = key;
		else
			others[nothers++] = key;
	}
	qsort(others, nothers, sizeof(IntegerKey), compare_keys);
	merge_keys(keys, nkeys, others, nothers);
	return nkeys + nothers;
}

/* Returns how many keys, from the first on, lie close together. */
static int
range_length(const IntegerKey *keys, int nkeys)
{
	int			length = 1;

	while (length < nkeys &&
		   (uint64) keys[length].value - (uint64) keys[length - 1].value <= MAX_GAP)
		length++;
	return length;
}

/* Returns whether few ranges hold the keys. */
static bool
keys_are_close(const IntegerKey *keys, int nkeys)
{
	int			nranges = 0;

	for (int i = 0; i < nkeys; i += range_length(keys + i, nkeys - i))
		nranges++;
	return nranges * MIN_KEYS_PER_RANGE <= nkeys;
}

/* Returns whether a row is small enough for any page and index entry. */
static bool
is_small(PgsyncForesight *foresight, const PgsyncForeseen *row)
{
	Relation	rel = foresight->resultRelInfo->ri_RelationDesc;

	return heap_compute_data_size(RelationGetDescr(rel), row->values,
								  row->nulls) <= MAX_SURE_BYTES;
}

/*
 * Notes what the row that a scan has found means for those of its key.  Only
 * if nothing else can happen to a row before ("sure"), the outcome is.
 */
static int
judge(PgsyncForesight *foresight, PgsyncForeseen *rows, const IntegerKey *keys,
	  int nkeys, int index, bool sure)
{
	int			count = 0;

	sure = sure && !TransactionIdIsValid(foresight->dirty.xmin) &&
		!TransactionIdIsValid(foresight->dirty.xmax);
	for (; count < nkeys && keys[count].value == keys[0].value; count++)
	{
		PgsyncForeseen *row = &rows[keys[count].row];

		row->index = index;
		row->outlook = sure && is_small(foresight, row) ?
			PGSYNC_OUTLOOK_CONFLICT : PGSYNC_OUTLOOK_DOUBTFUL;
	}
	return count;
}

/* Sets one end of a range. */
static void
set_bound(ScanKey key, Oid type, StrategyNumber strategy, Datum value)
{
	Oid			operator = get_opfamily_member(INTEGER_BTREE_FAM_OID, type,
											   type, strategy);

	ScanKeyInit(key, 1, strategy, get_opcode(operator), value);
}

/* Looks up the keys of one range; returns how many are there. */
static int
look_up_range(PgsyncForesight *foresight, IndexScanDesc scan, int index,
			  PgsyncForeseen *rows, const IntegerKey *keys, int nkeys,
			  bool sure)
{
	Relation	rel = scan->indexRelation;
	Oid			type = rel->rd_opcintype[0];
	AttrNumber	attnum = rel->rd_index->indkey.values[0];
	ScanKeyData bounds[2];
	int			found = 0;
	int			i = 0;

	set_bound(&bounds[0], type, BTGreaterEqualStrategyNumber,
			  rows[keys[0].row].values[attnum - 1]);
	set_bound(&bounds[1], type, BTLessEqualStrategyNumber,
			  rows[keys[nkeys - 1].row].values[attnum - 1]);
	index_rescan(scan, bounds, 2, NULL, 0);
	while (i < nkeys &&
		   index_getnext_slot(scan, ForwardScanDirection, foresight->existing))
	{
		bool		isnull;
		int64		value = integer_value(type,
										  slot_getattr(foresight->existing,
													   attnum, &isnull));

		CHECK_FOR_INTERRUPTS();
		while (i < nkeys && keys[i].value < value)
			i++;
		if (i < nkeys && keys[i].value == value)
		{
			int			count = judge(foresight, rows, keys + i, nkeys - i,
									  index, sure);

			found += count;
			i += count;
		}
	}
	ExecClearTuple(foresight->existing);
	return found;
}

/* Makes those rows doubtful that bring a key again: it depends on the first. */
static void
doubt_repeated_keys(PgsyncForeseen *rows, const IntegerKey *keys, int nkeys)
{
	for (int i = 1; i < nkeys; i++)
	{
		PgsyncForeseen *row = &rows[keys[i].row];

		if (keys[i].value == keys[i - 1].value &&
			row->outlook == PGSYNC_OUTLOOK_OPEN)
			row->outlook = PGSYNC_OUTLOOK_DOUBTFUL;
	}
}

/*
 * Looks up the rows' keys in one index; returns how many are there.  After one
 * that is left out, nothing is sure.
 */
static int
look_up_keys(PgsyncForesight *foresight, int index, PgsyncForeseen *rows,
			 int nrows, bool *sure)
{
	Relation	rel = foresight->resultRelInfo->ri_IndexRelationDescs[index];
	IntegerKey *keys = palloc(sizeof(IntegerKey) * 2 * nrows);
	int			nkeys = get_keys(rel->rd_opcintype[0],
								 rel->rd_index->indkey.values[0], rows, nrows,
								 keys, keys + nrows);
	int			found = 0;

	if (!keys_are_close(keys, nkeys))
		*sure = false;
	else if (nkeys > 0)
	{
		IndexScanDesc scan = pgsync_index_beginscan(foresight->resultRelInfo->ri_RelationDesc,
													rel, &foresight->dirty, 2);
		int			length;

		for (int i = 0; i < nkeys; i += length)
		{
			CHECK_FOR_INTERRUPTS();
			length = range_length(keys + i, nkeys - i);
			found += look_up_range(foresight, scan, index, rows, keys + i,
								   length, *sure);
		}
		index_endscan(scan);
		doubt_repeated_keys(rows, keys, nkeys);
	}
	pfree(keys);
	return found;
}

/*
 * Looks for rows whose unique keys are there already, and returns how many
 * there are.  Indexes are looked at in the order in which the executor makes
 * entries: what one says is sure if no earlier one could raise an error.
 */
int
pgsync_foresee_conflicts(PgsyncForesight *foresight, PgsyncForeseen *rows,
						 int nrows)
{
	ResultRelInfo *resultRelInfo = foresight->resultRelInfo;
	MemoryContext oldcontext = MemoryContextSwitchTo(foresight->estate->es_query_cxt);
	bool		sure = true;
	int			found = 0;

	for (int i = 0; i < resultRelInfo->ri_NumIndices; i++)
	{
		Relation	index = resultRelInfo->ri_IndexRelationDescs[i];
		IndexInfo  *info = resultRelInfo->ri_IndexRelationInfo[i];

		if (has_integer_key(index, info))
			found += look_up_keys(foresight, i, rows, nrows, &sure);
		else
			sure = sure && index_is_plain(index, info) && !info->ii_Unique;
	}
	MemoryContextSwitchTo(oldcontext);
	return found;
}

/* Raises the error of a row that is against NOT NULL or a CHECK. */
void
pgsync_foresee_constraints(PgsyncForesight *foresight,
						   const PgsyncForeseen *row)
{
	Relation	rel = foresight->resultRelInfo->ri_RelationDesc;
	TupleTableSlot *slot = foresight->row;

	if (RelationGetDescr(rel)->constr == NULL)
		return;
	ExecClearTuple(slot);
	memcpy(slot->tts_values, row->values,
		   RelationGetDescr(rel)->natts * sizeof(Datum));
	memcpy(slot->tts_isnull, row->nulls,
		   RelationGetDescr(rel)->natts * sizeof(bool));
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(rel);
	ExecConstraints(foresight->resultRelInfo, slot, foresight->estate);
	ResetPerTupleExprContext(foresight->estate);
}

/*
 * Makes the error that core raises (_bt_check_unique, nbtinsert.c) for a row
 * whose key is there; false if that is not sure.
 */
bool
pgsync_foreseen_error(PgsyncForesight *foresight, const PgsyncForeseen *row,
					  ErrorData *error)
{
	Relation	index;
	AttrNumber	attnum;
	Datum		value;
	bool		isnull = false;
	char	   *description;

	if (row->outlook != PGSYNC_OUTLOOK_CONFLICT)
		return false;
	index = foresight->resultRelInfo->ri_IndexRelationDescs[row->index];
	attnum = index->rd_index->indkey.values[0];
	value = row->values[attnum - 1];
	description = BuildIndexValueDescription(index, &value, &isnull);
	memset(error, 0, sizeof(ErrorData));
	error->elevel = ERROR;
	error->sqlerrcode = ERRCODE_UNIQUE_VIOLATION;
	error->message =
		psprintf(_("duplicate key value violates unique constraint \"%s\""),
				 RelationGetRelationName(index));
	if (description != NULL)
		error->detail = psprintf(_("Key %s already exists."), description);
	error->constraint_name = pstrdup(RelationGetRelationName(index));
	return true;
}
