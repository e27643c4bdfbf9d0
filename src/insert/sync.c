/*-------------------------------------------------------------------------
 *
 * sync.c
 *	  sync_many: make a table, or a slice of it, equal to the rows.
 *
 * First a look (sync_look.c) that sorts what differs into work sets.  If
 * there is nothing, nothing more happens.  Else, in one query level,
 *
 *		DELETE FROM target AS t USING pgsync_rows AS r WHERE t.id = r.c1
 *		UPDATE target AS t SET a = r.c2 FROM pgsync_rows AS r WHERE t.id = r.c1
 *		INSERT INTO target AS t (id, a) SELECT r.c1, r.c2 FROM pgsync_rows AS r
 *			ON CONFLICT (id) DO NOTHING
 *
 * in this order, so that a unique value can move from a row that goes to one
 * that comes; a part without rows does not run.
 *
 * Other sessions may write the table between the look and the parts.  A row
 * to be updated or deleted that is gone then, or one to be inserted that is
 * there, has the call look again, with a newer snapshot, and do what is left to be done.
 * Above READ COMMITTED it is a serialization failure.  Of two syncs of the
 * same table and scope the second waits for the first, and looks after that.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "common/spi_util.h"
#include "funcapi.h"
#include "insert/call.h"
#include "insert/keyed_statement.h"
#include "insert/query_level.h"
#include "insert/sync.h"
#include "insert/unique_key.h"
#include "insert/update_parts.h"
#include "insert/work_set.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(sync_many_jsonb);
PG_FUNCTION_INFO_V1(sync_many_json);
PG_FUNCTION_INFO_V1(sync_many_text);
PG_FUNCTION_INFO_V1(sync_many_row_source);

/*
 * The lock that keeps a second sync out is an advisory lock of a class of its
 * own: pg_advisory_lock's are 1 and 2.
 */
#define SYNC_LOCK_CLASS	16

/* So often other sessions' rows are given way to */
#define MAX_ROUNDS		5

/* One call of sync_many */
typedef struct Mirror
{
	PgsyncSync	sync;
	PgsyncUpdateOptions update;
	PgsyncLook	look;

	/* what is to be done; of rows to be deleted, just the key counts */
	PgsyncWorkSet *gone;
	PgsyncWorkSet *different;
	PgsyncWorkSet *new_rows;
	PgsyncWorkSet *touched;		/* gone and different, in key order */
	int64		null_keys;		/* rows to be deleted that have no whole key */
	TupleTableSlot *key_slot;

	bool		last_round;
	int64		lost;			/* rows that other sessions were faster with */
	int64		inserted;
	int64		updated;
	int64		before;			/* rows written by the rounds before */
	int64		held_back;		/* rows that triggers kept as they were */
	int64		deleted;
} Mirror;

/* Puts the key of the stored row at hand into work sets. */
static void
put_stored_key(Mirror *mirror, PgsyncWorkSet *work)
{
	PgsyncLook *look = &mirror->look;
	TupleTableSlot *slot = mirror->key_slot;
	ListCell   *cell;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts);
	for (int i = 0; i < PGSYNC_ROWS_LEADING; i++)
	{
		slot->tts_values[i] = (Datum) 0;
		slot->tts_isnull[i] = false;
	}
	foreach(cell, mirror->sync.rows->options.keys)
	{
		int			column = PGSYNC_ROWS_COLUMN(lfirst_int(cell)) - 1;

		slot->tts_values[column] = look->stored[lfirst_int(cell) - 1];
		slot->tts_isnull[column] = false;
	}
	ExecStoreVirtualTuple(slot);
	pgsync_work_set_put(work, slot);
}

/* Notes a row that is to be deleted; see PgsyncLookRoutine. */
static void
note_gone(PgsyncLook *look)
{
	Mirror	   *mirror = look->arg;

	if (look->stored_null_key)
	{
		mirror->null_keys++;
		return;
	}
	put_stored_key(mirror, mirror->gone);
	put_stored_key(mirror, mirror->touched);
}

/* Notes a row that is to be updated; see PgsyncLookRoutine. */
static void
note_different(PgsyncLook *look)
{
	Mirror	   *mirror = look->arg;

	pgsync_work_set_put(mirror->different, look->row);
	put_stored_key(mirror, mirror->touched);
}

/* Notes a row that is to be inserted; see PgsyncLookRoutine. */
static void
note_new(PgsyncLook *look)
{
	pgsync_work_set_put(((Mirror *) look->arg)->new_rows, look->row);
}

static const PgsyncLookRoutine note_routine = {
	.gone = note_gone,
	.differs = note_different,
	.is_new = note_new,
};

/* Appends " AND ..." for the rows of the slice. */
static void
append_scope(StringInfo buf, Mirror *mirror)
{
	if (mirror->sync.scope->condition != NULL)
		appendStringInfo(buf, " AND %s", mirror->sync.scope->condition);
}

/* Prepares a statement, whose text the caller sets. */
static PgsyncKeyedStatement
make_statement(Mirror *mirror, CmdType operation)
{
	PgsyncKeyedStatement statement = {
		.rows = mirror->sync.rows,
		.operation = operation,
		.params = mirror->sync.scope->params,
	};

	return statement;
}

/* Returns the DELETE of rows by key. */
static PgsyncKeyedStatement
delete_statement(Mirror *mirror)
{
	PgsyncKeyedStatement statement = make_statement(mirror, CMD_DELETE);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf,
					 "DELETE FROM %s AS t USING pgsync_rows AS r WHERE ",
					 pgsync_qualified_relation_name(mirror->sync.target->rel));
	pgsync_append_key_condition(&buf, mirror->sync.rows);
	append_scope(&buf, mirror);
	statement.query = buf.data;
	return statement;
}

/*
 * Returns the DELETE of rows of which a column of the key is null: no row of
 * the input can be theirs.  It joins them with one row that stands for all.
 */
static PgsyncKeyedStatement
delete_null_keys_statement(Mirror *mirror)
{
	PgsyncKeyedStatement statement = make_statement(mirror, CMD_DELETE);
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfo(&buf, "DELETE FROM %s AS t USING pgsync_rows AS r WHERE (",
					 pgsync_qualified_relation_name(mirror->sync.target->rel));
	foreach(cell, mirror->sync.rows->options.keys)
	{
		appendStringInfoString(&buf, foreach_current_index(cell) > 0 ?
							   " OR t." : "t.");
		pgsync_append_column(&buf, mirror->sync.target, lfirst_int(cell));
		appendStringInfoString(&buf, " IS NOT DISTINCT FROM NULL");
	}
	appendStringInfoChar(&buf, ')');
	append_scope(&buf, mirror);
	statement.query = buf.data;
	return statement;
}

/* Returns whether an INSERT may leave out rows whose key is there. */
static bool
gives_way(Mirror *mirror)
{
	/* a view may have INSTEAD OF triggers, which know no ON CONFLICT */
	return !mirror->last_round &&
		mirror->sync.target->rel->rd_rel->relkind != RELKIND_VIEW;
}

/* Appends the key's columns, separated by commas. */
static void
append_key(StringInfo buf, Mirror *mirror)
{
	ListCell   *cell;

	foreach(cell, mirror->sync.rows->options.keys)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoString(buf, ", ");
		pgsync_append_column(buf, mirror->sync.target, lfirst_int(cell));
	}
}

/* Returns the INSERT of rows that name these columns. */
static PgsyncKeyedStatement
insert_statement(Mirror *mirror, const bool *named)
{
	PgsyncKeyedStatement statement = make_statement(mirror, CMD_INSERT);
	PgsyncTarget *target = mirror->sync.target;
	StringInfoData buf;
	StringInfoData values;

	initStringInfo(&buf);
	initStringInfo(&values);
	appendStringInfo(&buf, "INSERT INTO %s AS t",
					 pgsync_qualified_relation_name(target->rel));
	for (int i = 0; i < target->natts; i++)
	{
		if (!named[i])
			continue;
		appendStringInfoString(&buf, values.len > 0 ? ", " : " (");
		pgsync_append_column(&buf, target, i + 1);
		appendStringInfo(&values, "%sr.c%d", values.len > 0 ? ", " : "", i + 1);
	}
	appendStringInfo(&buf, ")%s SELECT %s FROM pgsync_rows AS r",
					 mirror->sync.overriding, values.data);
	if (gives_way(mirror))
	{
		appendStringInfoString(&buf, " ON CONFLICT (");
		append_key(&buf, mirror);
		appendStringInfoString(&buf, ") DO NOTHING");
	}
	statement.query = buf.data;
	return statement;
}

/*
 * Checks the privileges for all that the call may have to do, whether it will
 * have to or not.  A GENERATED ALWAYS identity that rows name is refused only
 * if one of them is new: the others may have it as their key.
 */
static void
check_privileges(Mirror *mirror)
{
	PgsyncKeyedRows *rows = mirror->sync.rows;
	PgsyncKeyedStatement statement = delete_statement(mirror);
	const char *overriding = mirror->sync.overriding;

	pgsync_keyed_statement_check(&statement);
	if (rows->nrows == 0)
		return;
	pgsync_check_update(rows, &mirror->update);
	if (overriding[0] == '\0')
		mirror->sync.overriding = " OVERRIDING SYSTEM VALUE";
	statement = insert_statement(mirror, pgsync_all_columns(rows, rows->sets));
	mirror->sync.overriding = overriding;
	pgsync_keyed_statement_check(&statement);
}

/* Waits for other syncs of the same table and scope; until commit. */
static void
lock_out_other_syncs(Mirror *mirror)
{
	LOCKTAG		tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId,
						 RelationGetRelid(mirror->sync.target->rel),
						 mirror->sync.scope->hash, SYNC_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* Refuses data without rows, which would delete all of the slice (22023). */
static void
check_empty(Mirror *mirror)
{
	if (mirror->sync.rows->nrows == 0 && !mirror->sync.allow_empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data has no rows"),
				 errdetail("All rows of relation \"%s\" in the scope would be deleted.",
						   RelationGetRelationName(mirror->sync.target->rel)),
				 errhint("Pass \"allow_empty\" => true if that is meant.")));
}

/* Refuses to delete more rows than the caller expects (55000). */
static void
check_max_deletes(Mirror *mirror)
{
	int64		count = mirror->deleted + mirror->gone->nrows + mirror->null_keys;

	if (mirror->sync.max_deletes < 0 || count <= mirror->sync.max_deletes)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg_plural("%lld row of relation \"%s\" would be deleted, more than the %lld allowed",
						   "%lld rows of relation \"%s\" would be deleted, more than the %lld allowed",
						   (unsigned long) count, (long long) count,
						   RelationGetRelationName(mirror->sync.target->rel),
						   (long long) mirror->sync.max_deletes),
			 errhint("Use sync_diff to see which; raise \"max_deletes\" if that is meant.")));
}

/* Looks what is to be done. */
static void
look(Mirror *mirror)
{
	PgsyncKeyedRows *rows = mirror->sync.rows;

	mirror->gone = pgsync_work_set_create(rows);
	mirror->different = pgsync_work_set_create(rows);
	mirror->new_rows = pgsync_work_set_create(rows);
	mirror->touched = pgsync_work_set_create(rows);
	mirror->null_keys = 0;
	pgsync_look(&mirror->look);
	check_max_deletes(mirror);
	pgsync_look_outside_scope(&mirror->look, mirror->new_rows);
}

/* Frees what a look has found. */
static void
end_look(Mirror *mirror)
{
	pgsync_work_set_end(mirror->gone);
	pgsync_work_set_end(mirror->different);
	pgsync_work_set_end(mirror->new_rows);
	pgsync_work_set_end(mirror->touched);
}

/* Runs a DELETE of "expected" rows; those that have gone, or stay, are lost. */
static void
run_delete(Mirror *mirror, PgsyncKeyedStatement *statement,
		   PgsyncWorkSet *work, int64 expected)
{
	PgsyncKeyedCounts counts = pgsync_keyed_statement_run(statement,
														  work->store,
														  work->nrows);
	int64		dealt_with = counts.processed + counts.unchanged;

	mirror->deleted += counts.processed;
	if (dealt_with < expected)
		mirror->lost += expected - dealt_with;
}

/* Deletes what the input does not have. */
static void
delete_gone(Mirror *mirror)
{
	PgsyncKeyedStatement statement;

	if (mirror->gone->nrows > 0)
	{
		statement = delete_statement(mirror);
		run_delete(mirror, &statement, mirror->gone, mirror->gone->nrows);
	}
	if (mirror->null_keys > 0)
	{
		PgsyncWorkSet *one = pgsync_work_set_create(mirror->sync.rows);

		ExecClearTuple(mirror->key_slot);
		memset(mirror->key_slot->tts_isnull, true,
			   mirror->key_slot->tts_tupleDescriptor->natts);
		ExecStoreVirtualTuple(mirror->key_slot);
		pgsync_work_set_put(one, mirror->key_slot);
		statement = delete_null_keys_statement(mirror);
		run_delete(mirror, &statement, one, mirror->null_keys);
		pgsync_work_set_end(one);
	}
}

/* Updates what differs. */
static void
update_different(Mirror *mirror)
{
	PgsyncUpdateCounts counts = pgsync_update_parts(mirror->different,
													&mirror->update);

	mirror->updated += counts.updated;
	mirror->held_back += counts.unchanged;
	mirror->lost += counts.missing;
}

/* Inserts the new rows that name one set of columns. */
static void
insert_part(void *arg, const PgsyncColumnSet *set, PgsyncWorkSet *part)
{
	Mirror	   *mirror = arg;
	PgsyncKeyedStatement statement = insert_statement(mirror, set->named);
	PgsyncKeyedCounts counts = pgsync_keyed_statement_run(&statement,
														  part->store,
														  part->nrows);

	mirror->inserted += counts.processed;
	mirror->lost += counts.conflicts;
}

/* Inserts what is new. */
static void
insert_new(Mirror *mirror)
{
	List	   *sets = pgsync_work_set_columns(mirror->new_rows);

	if (sets != NIL)
		pgsync_work_set_for_each(mirror->new_rows, sets, insert_part, mirror);
}

/* Does what the look has found to be done. */
static void
write_rows(Mirror *mirror)
{
	bool		deletes = mirror->gone->nrows + mirror->null_keys > 0;

	/* two parts one after the other do not write in the order of the keys */
	if (deletes && mirror->different->nrows > 0)
		pgsync_lock_by_key(mirror->touched, &mirror->update);
	delete_gone(mirror);
	if (mirror->different->nrows > 0)
		update_different(mirror);
	insert_new(mirror);
}

/* Returns whether the look has found anything to do. */
static bool
anything_to_do(Mirror *mirror)
{
	return mirror->touched->nrows + mirror->null_keys +
		mirror->new_rows->nrows > 0;
}

/* Reports rows that kept being different (55000). */
static void
report_lost(Mirror *mirror)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("could not make relation \"%s\" equal to the data",
					RelationGetRelationName(mirror->sync.target->rel)),
			 errdetail_plural("%lld row could not be updated, or deleted.",
							  "%lld rows could not be updated, or deleted.",
							  mirror->lost, (long long) mirror->lost),
			 errhint("Either row-level security keeps them from being written, or other sessions keep changing them.")));
}

/*
 * Looks, and writes, until no other session has come in between; all in the
 * query level that the first round begins, if it has to write.
 */
static void
make_equal(Mirror *mirror)
{
	bool		writing = false;
	int			round = 0;

	do
	{
		mirror->last_round = ++round == MAX_ROUNDS;
		mirror->lost = 0;
		mirror->held_back = 0;
		mirror->before = mirror->inserted + mirror->updated;
		look(mirror);
		if (anything_to_do(mirror))
		{
			if (!writing)
				pgsync_query_level_begin();
			writing = true;
			write_rows(mirror);
		}
		end_look(mirror);
	} while (mirror->lost > 0 && !mirror->last_round);
	if (mirror->lost > 0)
		report_lost(mirror);
	if (writing)
		pgsync_query_level_end();
}

/* Prepares a mirror of a table, and reads the rows. */
static void
init_mirror(Mirror *mirror, FunctionCallInfo fcinfo, PgsyncTarget *target,
			PgsyncJsonFormat format)
{
	memset(mirror, 0, sizeof(Mirror));
	pgsync_sync_read(&mirror->sync, fcinfo, target, format);
	mirror->update.columns = mirror->sync.columns;
	mirror->update.condition = mirror->sync.scope->condition;
	mirror->update.params = mirror->sync.scope->params;
	mirror->look.routine = &note_routine;
	mirror->look.rows = mirror->sync.rows;
	mirror->look.scope = mirror->sync.scope;
	mirror->look.columns = mirror->sync.columns;
	mirror->look.arg = mirror;
	mirror->key_slot = MakeSingleTupleTableSlot(mirror->sync.rows->desc,
												&TTSOpsVirtual);
}

/* Returns the four counts as a row of the function's result type. */
static Datum
make_result(FunctionCallInfo fcinfo, const Mirror *mirror)
{
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false, false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(mirror->inserted);
	values[1] = Int64GetDatum(mirror->updated);
	values[2] = Int64GetDatum(mirror->look.unchanged - mirror->before +
							  mirror->held_back);
	values[3] = Int64GetDatum(mirror->deleted);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

/* Does sync_many's work, for one of the three formats. */
static Datum
sync_many_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncCall	call;
	Mirror		mirror;

	pgsync_call_begin(&call, fcinfo, "data");
	pgsync_call_open_for(&call, PGSYNC_FOR_SYNC);
	pgsync_call_prevent_read_only(&call, "sync_many()");
	init_mirror(&mirror, fcinfo, call.target, format);
	check_empty(&mirror);
	check_privileges(&mirror);
	lock_out_other_syncs(&mirror);
	make_equal(&mirror);
	ExecDropSingleTupleTableSlot(mirror.key_slot);
	pgsync_keyed_rows_end(mirror.sync.rows);
	pgsync_call_end(&call);
	PG_RETURN_DATUM(make_result(fcinfo, &mirror));
}

/*
 * sync_many(target regclass, data jsonb, key_columns text[], scope jsonb,
 *			 update_columns text[], max_deletes bigint, allow_empty boolean,
 *			 overriding text)
 * returns (inserted bigint, updated bigint, unchanged bigint, deleted bigint)
 *
 * Makes a table, or the slice of it that the scope describes, equal to an
 * array of objects, or one object.  Follows MERGE (manual, "MERGE"), with a
 * DELETE for the rows that the input does not have.
 */
Datum
sync_many_jsonb(PG_FUNCTION_ARGS)
{
	return sync_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
sync_many_json(PG_FUNCTION_ARGS)
{
	return sync_many_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
sync_many_text(PG_FUNCTION_ARGS)
{
	return sync_many_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}

/* The same with a row_source, which says itself where its rows are. */
Datum
sync_many_row_source(PG_FUNCTION_ARGS)
{
	return sync_many_internal(fcinfo, PGSYNC_JSON_FORMAT_ROW_SOURCE);
}
