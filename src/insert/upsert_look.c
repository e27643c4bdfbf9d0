/*-------------------------------------------------------------------------
 *
 * upsert_look.c
 *	  Looks for the row of each key, and updates the one that is there.
 *
 *		row -> UPDATE target AS t SET ... FROM pgsync_rows AS r WHERE key
 *			there is no such row -> it goes into the INSERT ... ON CONFLICT
 *			the row went meanwhile -> look again, with a new snapshot
 *
 * So a row that is there draws no number from a sequence, meets no default,
 * trigger, check or policy of INSERT, and fires UPDATE OF triggers only for
 * the columns that it names.  What the look does not see (a row that another
 * session is just inserting, or one that row-level security hides) is ON
 * CONFLICT's business, and that clause is upsert_clause.c's.
 *
 * Where that gives the same result, the row is looked for without a plan, by
 * key_probe.c: rows that are new, or equal, need none, and known_row.c updates
 * most others as they are found.
 *
 * The looks share a snapshot, which each of them sees with all that earlier
 * rows have done.  Above READ COMMITTED it is the transaction's.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "common/partitions.h"
#include "common/plans.h"
#include "common/spi_util.h"
#include "insert/keyed_statement.h"
#include "insert/unique_key.h"
#include "insert/upsert_look.h"
#include "sink/heap_new_rows.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/*
 * The look is planned anew after so many rows, and again after this many times
 * as many: the target may have been empty, and reading all of it the
 * cheapest way to find a row.
 */
#define FIRST_RENEWAL	64
#define RENEWAL_FACTOR	8

/* Returns whether a relation has UPDATE triggers for some columns only. */
static bool
has_column_triggers(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		if (TRIGGER_FOR_UPDATE(triggers->triggers[i].tgtype) &&
			triggers->triggers[i].tgnattr > 0)
			return true;
	}
	return false;
}

/* Returns whether a relation's pg_class row says that it has triggers. */
static bool
may_have_triggers(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;			/* detached and dropped meanwhile */
	result = ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;
	ReleaseSysCache(tuple);
	return result;
}

/* Returns whether a partition has such triggers; see PgsyncPartitionTest. */
static bool
partition_has_column_triggers(Oid relid, Relation rel)
{
	bool		result;

	if (rel != NULL)
		return has_column_triggers(rel);
	if (!may_have_triggers(relid))
		return false;
	rel = pgsync_peek_partition(relid);
	if (rel == NULL)
		return true;
	result = has_column_triggers(rel);
	table_close(rel, AccessShareLock);
	return result;
}

/* Returns where a row brings the value of a column. */
static char *
row_column(PgsyncUpsert *upsert, AttrNumber attnum)
{
	return psprintf("r.c%d", attnum);
}

/*
 * Returns the target for a FROM list or an UPDATE: without the children that
 * inherit from a table, as its unique index does not cover them.
 */
static char *
target_name(PgsyncTarget *target)
{
	return psprintf("%s%s AS t",
					target->rel->rd_rel->relkind == RELKIND_RELATION ?
					"ONLY " : "",
					pgsync_qualified_relation_name(target->rel));
}

/* Appends the condition that a row of the target has the row's key. */
static void
append_where(StringInfo buf, PgsyncUpsert *upsert)
{
	appendStringInfoString(buf, " WHERE ");
	pgsync_append_key_equality(buf, upsert->target, upsert->keys);
}

/* Starts a statement, in memory that lasts as long as the hook. */
static PgsyncRowStatement *
start_statement(PgsyncUpsertLook *look, CmdType operation, const char *text)
{
	bool		updates = operation == CMD_UPDATE;
	PgsyncRowQuery query = {0};
	PgsyncRowStatement *statement;
	MemoryContext oldcontext;

	query.target = look->upsert.target;
	query.operation = operation;
	query.text = text;

	query.params = updates ? look->upsert.params : NULL;
	query.skip_unchanged = updates && look->upsert.skip_unchanged;
	query.dest = look->answers != NULL ? &look->answers->pub : None_Receiver;
	oldcontext = MemoryContextSwitchTo(look->context);
	statement = pgsync_row_statement_start(&query, look->snapshot);
	MemoryContextSwitchTo(oldcontext);
	return statement;
}

/* Starts the UPDATE of the columns that the running statement may set. */
static PgsyncRowStatement *
start_update(PgsyncUpsertLook *look)
{
	PgsyncUpsert *upsert = &look->upsert;
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s", target_name(upsert->target));
	pgsync_upsert_append_set(&buf, upsert, row_column);
	appendStringInfoString(&buf, " FROM pgsync_rows AS r");
	append_where(&buf, upsert);
	if (upsert->skip_unchanged)
		pgsync_upsert_append_changed(&buf, upsert, row_column);
	if (look->returning != NULL)
		appendStringInfo(&buf, " RETURNING %s", look->returning);
	return start_statement(look, CMD_UPDATE, buf.data);
}

/* Starts the SELECT that only finds the row, or reads it. */
static PgsyncRowStatement *
start_find(PgsyncUpsertLook *look)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT %s FROM %s, pgsync_rows AS r",
					 look->returning != NULL ? look->returning : "1",
					 target_name(look->upsert.target));
	append_where(&buf, &look->upsert);
	return start_statement(look, CMD_SELECT, buf.data);
}

/* Ends the statements that are running. */
static void
end_statements(PgsyncUpsertLook *look)
{
	if (look->update != NULL)
		pgsync_row_statement_end(look->update);
	if (look->find != NULL)
		pgsync_row_statement_end(look->find);
	look->update = NULL;
	look->known = NULL;
	look->find = NULL;
}

/* Lets go of the snapshot and of all that uses it. */
static void
forget_snapshot(PgsyncUpsertLook *look)
{
	end_statements(look);
	if (look->probe != NULL)
		pgsync_key_probe_end(look->probe);
	look->probe = NULL;
	if (look->snapshot != NULL)
		UnregisterSnapshot(look->snapshot);
	look->snapshot = NULL;
}

/* Takes a snapshot, and starts the probe that looks with it. */
static void
take_snapshot(PgsyncUpsertLook *look)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(look->context);

	/* a copy, whose command ID is ours: the transaction's may be at hand */
	PushCopiedSnapshot(GetTransactionSnapshot());
	look->snapshot = RegisterSnapshot(GetActiveSnapshot());
	PopActiveSnapshot();
	if (pgsync_sink_setting == PGSYNC_SINK_AUTO)
		look->probe = pgsync_key_probe_start(look->upsert.target,
											 look->upsert.keys,
											 look->snapshot);
	MemoryContextSwitchTo(oldcontext);
}

/* Takes a snapshot, unless there is one that will do. */
static void
prepare_look(PgsyncUpsertLook *look)
{
	if (look->looks++ == look->looks_to_renew)
	{
		look->looks_to_renew *= RENEWAL_FACTOR;
		forget_snapshot(look);
		pgsync_plans_forget(look->upsert.target->plans);
	}
	if (look->snapshot == NULL)
		take_snapshot(look);
}

/* Returns whether rows wait that are to be stored before anything else. */
static bool
rows_wait(PgsyncUpsertLook *look)
{
	return pgsync_new_rows_any(look->upsert.base.run->new_rows);
}

/*
 * Returns whether the running statement merges values of these columns; NULL
 * stands for all.
 */
static bool
merges_any(PgsyncUpsert *upsert, const bool *named)
{
	ListCell   *cell;

	foreach(cell, upsert->set_columns)
	{
		int			i = lfirst_int(cell) - 1;

		if (upsert->columns->merges[i] && (named == NULL || named[i]))
			return true;
	}
	return false;
}

/* Prepares to do without the plan of the UPDATE that is running, if it can. */
static void
prepare_known(PgsyncUpsertLook *look)
{
	ModifyTableState *mtstate = pgsync_row_statement_modifier(look->update);

	if (look->probe == NULL || look->answers != NULL || mtstate == NULL ||
		merges_any(&look->upsert, NULL))
		return;
	look->known = pgsync_known_rows_create(mtstate);
	if (look->known != NULL)
		elog(DEBUG1, "rows of \"%s\" that are there are updated without the plan",
			 RelationGetRelationName(look->upsert.target->rel));
}

/* Updates the row that the probe has found, if that is known how to do. */
static PgsyncRowOutcome
update_found(PgsyncUpsertLook *look, const PgsyncRow *row,
			 TupleTableSlot *stored)
{
	bool		written;

	if (look->known == NULL)
		return PGSYNC_ROW_UNKNOWN;
	if (rows_wait(look))
		return PGSYNC_ROW_WAITS;
	PushActiveSnapshot(look->snapshot);
	pgsync_known_rows_form(look->known, stored, row,
						   look->upsert.set_columns);
	/* nobody must wait for the page while we wait for the row */
	pgsync_key_probe_release(look->probe);
	written = pgsync_known_rows_store(look->known);
	PopActiveSnapshot();
	if (!written)
		return PGSYNC_ROW_UNKNOWN;
	pgsync_key_probe_wrote(look->probe);
	return PGSYNC_ROW_WRITTEN;
}

/*
 * Looks for the row's key without the statement, which is left to find out
 * what becomes of a row that is there and may have to be updated.
 */
static PgsyncRowOutcome
probe_once(PgsyncUpsertLook *look, const PgsyncRow *row, bool updates)
{
	PgsyncRowOutcome outcome;
	TupleTableSlot *stored;

	CommandCounterIncrement();
	look->snapshot->curcid = GetCurrentCommandId(false);
	stored = pgsync_key_probe_find(look->probe, row);
	if (stored == NULL)
		outcome = PGSYNC_ROW_ABSENT;
	else if (!updates ||
			 (look->upsert.skip_unchanged &&
			  !merges_any(&look->upsert, row->named) &&
			  !pgsync_row_may_change(row, look->upsert.set_columns, stored)))
		outcome = PGSYNC_ROW_UNCHANGED;
	else
		outcome = update_found(look, row, stored);
	pgsync_key_probe_release(look->probe);
	return outcome;
}

/*
 * Returns whether it pays to probe before the row is updated: else, as rows
 * come new or known in runs, the UPDATE finds the row itself.
 */
static bool
probe_pays(PgsyncUpsertLook *look, bool updates)
{
	return look->probe != NULL &&
		(!updates || look->upsert.skip_unchanged || !look->was_there ||
		 look->known != NULL);
}

/* Executes the statement that updates the row, or the one that finds it. */
static PgsyncRowOutcome
execute(PgsyncUpsertLook *look, const PgsyncRow *row, bool updates)
{
	PgsyncRowStatement **statement = updates ? &look->update : &look->find;

	if (*statement == NULL)
	{
		*statement = updates ? start_update(look) : start_find(look);
		if (updates)
			prepare_known(look);
	}
	if (look->answers != NULL)
	{
		look->answers->inserting = NULL;
		look->answers->action = updates ? "updated" : "unchanged";
	}
	return pgsync_row_statement_execute(*statement, row);
}

/* Answers a row that stays as it is: reads it. */
static void
answer_unchanged(PgsyncUpsertLook *look, const PgsyncRow *row)
{
	if (execute(look, row, false) == PGSYNC_ROW_ABSENT)
		pgsync_action_receiver_put_null(look->answers);
}

/*
 * Looks for the row's key; updates what is there, if there is anything to and
 * no row waits that whatever runs then might see.
 */
static PgsyncRowOutcome
look_once(PgsyncUpsertLook *look, const PgsyncRow *row, bool updates)
{
	PgsyncRowOutcome outcome = PGSYNC_ROW_UNKNOWN;

	prepare_look(look);
	if (probe_pays(look, updates))
		outcome = probe_once(look, row, updates);
	if (outcome == PGSYNC_ROW_UNKNOWN)
	{
		if (rows_wait(look))
			return PGSYNC_ROW_WAITS;
		outcome = execute(look, row, updates);
		/* what only had to be found has been answered */
		if (!updates)
			return outcome;
	}
	if (outcome == PGSYNC_ROW_UNCHANGED && look->answers != NULL)
		answer_unchanged(look, row);
	return outcome;
}

/*
 * Refuses a value for a GENERATED ALWAYS identity column, as INSERT does
 * (428C9).  The statement itself takes them: it must not refuse rows that are
 * there.
 */
static void
refuse_identity(PgsyncUpsertLook *look, const PgsyncRow *row)
{
	TupleDesc	desc = RelationGetDescr(look->upsert.target->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = look->upsert.target->columns[i].name;

		if (row->named[i] &&
			pgsync_column_identity(look->upsert.target->rel,
								   i + 1) == ATTRIBUTE_IDENTITY_ALWAYS)
			ereport(ERROR,
					(errcode(ERRCODE_GENERATED_ALWAYS),
					 errmsg("cannot insert a non-DEFAULT value into column \"%s\"",
							name),
					 errdetail("Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
							   name),
					 errhint("No row has this key; to insert it, pass overriding => 'system' to upsert_many.")));
	}
}

/*
 * Returns whether a row can surely not be inserted: it brings an identity that
 * it must not bring, or lacks a column that is NOT NULL and has no default.
 */
static bool
must_be_there(PgsyncUpsertLook *look, const PgsyncRow *row)
{
	TupleDesc	desc = RelationGetDescr(look->upsert.target->rel);

	if (look->refuses_identity)
		return true;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (attr->attnotnull && !row->named[i] && !attr->attisdropped &&
			!attr->atthasdef && !attr->attidentity)
			return true;
	}
	return false;
}

/*
 * Looks for the row until that has an outcome.  One whose absence would be an
 * error is looked for with a snapshot that is as new as can be.
 */
static PgsyncRowOutcome
look_for_row(PgsyncUpsertLook *look, const PgsyncRow *row, bool updates)
{
	PgsyncRowOutcome outcome;
	bool		is_new = false;

	for (;;)
	{
		outcome = look_once(look, row, updates);
		if (outcome != PGSYNC_ROW_GONE &&
			(outcome != PGSYNC_ROW_ABSENT || is_new ||
			 !must_be_there(look, row)))
			return outcome;
		forget_snapshot(look);
		is_new = true;
	}
}

/* Has what the INSERT returns for a row answered as its. */
static void
pass_on(PgsyncUpsertLook *look)
{
	if (look->answers == NULL)
		return;
	look->answers->inserting = look->upsert.base.run;
	look->answered = look->answers->nrows;
}

/*
 * Answers a row that the INSERT has not, because it met one that it was not to
 * change; see PgsyncRowHook.  That one need not be in the snapshot.
 */
static void
after_row(PgsyncRowHook *base, const PgsyncRow *row)
{
	PgsyncUpsertLook *look = (PgsyncUpsertLook *) base;

	if (look->answers == NULL || look->answers->nrows > look->answered ||
		!pgsync_run_met_conflict(base->run))
		return;
	forget_snapshot(look);
	take_snapshot(look);
	answer_unchanged(look, row);
}

/*
 * Updates the row that is there for an input row, or finds that there is none;
 * see PgsyncRowHook.
 */
static PgsyncSettled
settle_row(PgsyncRowHook *base, const PgsyncRow *row)
{
	PgsyncUpsertLook *look = (PgsyncUpsertLook *) base;
	bool		updates = pgsync_upsert_before_row(base, row);
	PgsyncRowOutcome outcome = PGSYNC_ROW_WAITS;

	if (!pgsync_new_rows_find(base->run->new_rows, row->values))
		outcome = look_for_row(look, row, updates);
	if (outcome == PGSYNC_ROW_WAITS)
	{
		base->run->waits = true;
		return PGSYNC_SETTLED_LATER;
	}
	look->was_there = outcome != PGSYNC_ROW_ABSENT;
	switch (outcome)
	{
		case PGSYNC_ROW_WRITTEN:
			look->updated++;
			return PGSYNC_SETTLED;
		case PGSYNC_ROW_UNCHANGED:
			look->unchanged++;
			return PGSYNC_SETTLED;
		default:
			if (look->refuses_identity)
				refuse_identity(look, row);
			pass_on(look);
			return PGSYNC_NOT_SETTLED;
	}
}

/* Ends what belongs to the statement; see PgsyncRowHook. */
static void
end_statement(PgsyncRowHook *base)
{
	end_statements((PgsyncUpsertLook *) base);
}

/* Ends all that a span's rows have needed; see PgsyncRowHook. */
static void
end_span(PgsyncRowHook *base)
{
	PgsyncUpsertLook *look = (PgsyncUpsertLook *) base;

	forget_snapshot(look);
	MemoryContextReset(look->context);
	look->kept_updated = look->updated;
	look->kept_unchanged = look->unchanged;
}

/* Forgets what the end of a subtransaction has ended; see PgsyncRowHook. */
static void
forget_span(PgsyncRowHook *base)
{
	PgsyncUpsertLook *look = (PgsyncUpsertLook *) base;

	look->update = NULL;
	look->known = NULL;
	look->find = NULL;
	look->probe = NULL;
	look->snapshot = NULL;
	MemoryContextReset(look->context);
	look->updated = look->kept_updated;
	look->unchanged = look->kept_unchanged;
}

/*
 * Creates the hook, with the arguments key_columns, update_columns and
 * merge_columns, which are the third and the following.
 */
PgsyncUpsertLook *
pgsync_upsert_look_create(FunctionCallInfo fcinfo, PgsyncTarget *target)
{
	PgsyncUpsertLook *look = palloc0(sizeof(PgsyncUpsertLook));
	PgsyncRowHook *base = &look->upsert.base;

	pgsync_upsert_init(&look->upsert, fcinfo, target);
	base->settle_row = settle_row;
	base->end_statement = end_statement;
	base->end_span = end_span;
	base->forget_span = forget_span;
	base->after_row = after_row;
	base->same_columns = has_column_triggers(target->rel) ||
		pgsync_any_partition(target->rel, partition_has_column_triggers, true);
	look->context = AllocSetContextCreate(CurrentMemoryContext,
										  "pgsync upsert look",
										  ALLOCSET_DEFAULT_SIZES);
	look->looks_to_renew = FIRST_RENEWAL;
	return look;
}

/* Returns whether the key has a GENERATED ALWAYS identity column. */
static bool
key_is_always_generated(PgsyncUpsert *upsert)
{
	ListCell   *cell;

	foreach(cell, upsert->keys)
	{
		if (pgsync_column_identity(upsert->target->rel, lfirst_int(cell)) ==
			ATTRIBUTE_IDENTITY_ALWAYS)
			return true;
	}
	return false;
}

/*
 * Keeps rows that are there from updating identity columns: a GENERATED ALWAYS
 * one never can be, and others are ignored with OVERRIDING USER VALUE.
 */
static void
spare_identity(PgsyncUpsert *upsert, PgsyncOverriding overriding)
{
	TupleDesc	desc = RelationGetDescr(upsert->target->rel);

	for (int i = 0; i < desc->natts; i++)
	{
		char		identity = TupleDescAttr(desc, i)->attisdropped ? '\0' :
		pgsync_column_identity(upsert->target->rel, i + 1);

		if (identity == ATTRIBUTE_IDENTITY_ALWAYS ||
			(identity != '\0' && overriding == PGSYNC_OVERRIDING_USER))
			upsert->columns->may_update[i] = false;
	}
}

/*
 * Sets INSERT's OVERRIDING clause.  An identity that serves as the key must be
 * given, whatever becomes of it if the row is new.
 */
void
pgsync_upsert_look_set_overriding(PgsyncUpsertLook *look,
								  PgsyncClauses *clauses,
								  PgsyncOverriding overriding)
{
	clauses->overriding = overriding;
	if (overriding != PGSYNC_OVERRIDING_NONE && look->upsert.updates_all)
		spare_identity(&look->upsert, overriding);
	if (overriding != PGSYNC_OVERRIDING_NONE ||
		!key_is_always_generated(&look->upsert))
		return;
	clauses->overriding = PGSYNC_OVERRIDING_SYSTEM;
	look->refuses_identity = true;
}

/* Ends what the hook has begun. */
void
pgsync_upsert_look_end(PgsyncUpsertLook *look)
{
	forget_snapshot(look);
}
