/*-------------------------------------------------------------------------
 *
 * update_parts.c
 *	  The UPDATE statements for rows that name differing columns.
 *
 *		UPDATE target AS t SET a = r.c2, b = r.c3
 *		FROM pgsync_rows AS r WHERE t.id = r.c1
 *
 * A row updates only the columns that it names, and fires UPDATE OF triggers
 * only for these: rows are updated by one such statement for each set of
 * columns, all in the query level that the caller has begun (query_level.c).
 * In the usual case that is one statement.  Where it is more,
 *
 * - the rows are locked first, in the order of their keys, because statements
 *	 one after the other do not write in that order;
 * - an UPDATE of all these columns, but of no row, comes before and behind
 *	 the others: so privileges are checked before anything is written, and
 *	 the statement triggers are those of one UPDATE.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/sysattr.h"
#include "common/spi_util.h"
#include "row/place.h"
#include "insert/keyed_statement.h"
#include "insert/update_known.h"
#include "insert/update_parts.h"
#include "utils/rel.h"

typedef struct Parts
{
	PgsyncKeyedRows *rows;
	const PgsyncUpdateOptions *options;
	PgsyncUpdateCounts counts;
} Parts;

/* Returns the columns that rows naming these update, as a list. */
static List *
columns_to_set(Parts *parts, const bool *named)
{
	List	   *columns = NIL;

	for (int i = 0; i < parts->rows->target->natts; i++)
	{
		if (named[i] && parts->options->columns->may_update[i])
			columns = lappend_int(columns, i + 1);
	}
	return columns;
}

/* Appends "WHERE t.id = r.c1", and the caller's own condition. */
static void
append_where(StringInfo buf, Parts *parts)
{
	appendStringInfoString(buf, " WHERE ");
	pgsync_append_key_condition(buf, parts->rows);
	if (parts->options->condition != NULL)
		appendStringInfo(buf, " AND %s", parts->options->condition);
}

/*
 * Appends the condition that a row changes: the images of its values before
 * and after differ (*<>, which is indifferent to how they are stored).
 */
static void
append_changed(StringInfo buf, Parts *parts, List *columns)
{
	StringInfoData before;
	StringInfoData after;
	ListCell   *cell;

	initStringInfo(&before);
	initStringInfo(&after);
	foreach(cell, columns)
	{
		const char *separator = foreach_current_index(cell) > 0 ? ", " : "";

		appendStringInfo(&before, "%st.", separator);
		pgsync_append_column(&before, parts->rows->target, lfirst_int(cell));
		appendStringInfoString(&after, separator);
		pgsync_append_new_value(&after, parts->options->columns,
								lfirst_int(cell),
								psprintf("r.c%d", lfirst_int(cell)));
	}
	/* the casts: between two rows, SQL would compare column by column */
	appendStringInfo(buf,
					 " AND ROW(%s)::pg_catalog.record OPERATOR(pg_catalog.*<>) "
					 "ROW(%s)::pg_catalog.record",
					 before.data, after.data);
}

/* Returns the UPDATE of these columns. */
static char *
update_text(Parts *parts, List *columns)
{
	PgsyncTarget *target = parts->rows->target;
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfo(&buf, "UPDATE %s AS t SET ",
					 pgsync_qualified_relation_name(target->rel));
	foreach(cell, columns)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoString(&buf, ", ");
		pgsync_append_column(&buf, target, lfirst_int(cell));
		appendStringInfoString(&buf, " = ");
		pgsync_append_new_value(&buf, parts->options->columns,
								lfirst_int(cell),
								psprintf("r.c%d", lfirst_int(cell)));
	}
	appendStringInfoString(&buf, " FROM pgsync_rows AS r");
	append_where(&buf, parts);
	if (parts->options->skip_unchanged)
		append_changed(&buf, parts, columns);
	return buf.data;
}

/* Returns a SELECT of the keys that are there, with a clause at its end. */
static char *
select_text(Parts *parts, const char *locking)
{
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfo(&buf, "SELECT r.number FROM %s AS t, pgsync_rows AS r",
					 pgsync_qualified_relation_name(parts->rows->target->rel));
	append_where(&buf, parts);
	appendStringInfo(&buf, " ORDER BY r.number%s", locking);
	return buf.data;
}

/* Prepares the statement for rows that name these columns. */
static PgsyncKeyedStatement
make_statement(Parts *parts, const bool *named)
{
	List	   *columns = columns_to_set(parts, named);
	PgsyncKeyedStatement statement = {
		.rows = parts->rows,
		.params = parts->options->params,
	};

	if (columns == NIL)
	{
		/* nothing to update: see only which keys are there */
		statement.operation = CMD_SELECT;
		statement.query = select_text(parts, "");
	}
	else
	{
		statement.operation = CMD_UPDATE;
		statement.query = update_text(parts, columns);
		statement.skip_unchanged = parts->options->skip_unchanged;
	}
	return statement;
}

/* Reports a key that no row of the target has (P0002). */
static void
report_missing(Parts *parts, PgsyncWorkSet *work, int64 number)
{
	char	   *key;
	int64		input = pgsync_work_set_describe(work, number, &key);

	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("relation \"%s\" has no row to update with this key",
					RelationGetRelationName(parts->rows->target->rel)),
			 errdetail("Key %s is not present.", key),
			 pgsync_errcontext_row(parts->rows->unit, input)));
}

/* Returns whether all that the rows of a set do is to set these columns. */
static bool
sets_plainly(Parts *parts, List *columns)
{
	ListCell   *cell;

	foreach(cell, columns)
	{
		if (parts->options->columns->merges[lfirst_int(cell) - 1])
			return false;
	}
	return columns != NIL && parts->options->condition == NULL;
}

/* Updates the rows that the keys of a set find one by one, if that fits. */
static bool
update_known(Parts *parts, const PgsyncColumnSet *set, PgsyncWorkSet *work,
			 const PgsyncKeyedStatement *statement,
			 PgsyncKeyedCounts *counts)
{
	PgsyncKnownUpdate update = {
		.work = work,
		.query = statement->query,
		.columns = columns_to_set(parts, set->named),
		.named = set->named,
		.skip_unchanged = statement->skip_unchanged,
	};

	return sets_plainly(parts, update.columns) &&
		pgsync_update_known(&update, counts);
}

/* Runs the statement for the rows of one set of columns. */
static void
run_part(void *arg, const PgsyncColumnSet *set, PgsyncWorkSet *work)
{
	Parts	   *parts = arg;
	PgsyncKeyedStatement statement = make_statement(parts, set->named);
	PgsyncKeyedCounts counts;

	if (!update_known(parts, set, work, &statement, &counts))
		counts = pgsync_keyed_statement_run(&statement, work->store,
											work->nrows);

	/* rows of further rounds have been counted in the first */
	if (set->round > 0)
		return;
	if (counts.missing > 0 && parts->options->missing_is_error)
		report_missing(parts, work, counts.first_missing);
	parts->counts.updated += counts.processed;
	parts->counts.unchanged += counts.unchanged;
	parts->counts.missing += counts.missing;
}

/* Returns whether an update of these columns may be one of a key. */
static bool
may_change_keys(Parts *parts, List *columns)
{
	Bitmapset  *keys = RelationGetIndexAttrBitmap(parts->rows->target->rel,
												  INDEX_ATTR_BITMAP_KEY);
	ListCell   *cell;

	foreach(cell, columns)
	{
		if (bms_is_member(lfirst_int(cell) - FirstLowInvalidHeapAttributeNumber,
						  keys))
			return true;
	}
	return false;
}

/*
 * Returns whether rows of the target can be locked: there may be none below a
 * view whose trigger does the writing.
 */
static bool
has_rows_to_lock(Parts *parts)
{
	TriggerDesc *triggers = parts->rows->target->rel->trigdesc;

	return triggers == NULL || !triggers->trig_update_instead_row;
}

/* Locks the rows in the order of their keys, as strongly as they will be. */
static void
lock_rows(Parts *parts, PgsyncWorkSet *work, List *columns)
{
	PgsyncKeyedStatement statement = {
		.rows = parts->rows,
		.params = parts->options->params,
		.operation = CMD_SELECT,
		.query = select_text(parts, may_change_keys(parts, columns) ?
							 " FOR UPDATE OF t" : " FOR NO KEY UPDATE OF t"),
	};

	if (has_rows_to_lock(parts))
		pgsync_keyed_statement_run(&statement, work->store, work->nrows);
}

/* Runs the UPDATE of these columns for no row at all. */
static void
run_empty(Parts *parts, const bool *named)
{
	PgsyncKeyedStatement statement = make_statement(parts, named);
	PgsyncWorkSet *work = pgsync_work_set_create(parts->rows);

	pgsync_keyed_statement_run(&statement, work->store, 0);
	pgsync_work_set_end(work);
}

/* Updates rows that name differing columns. */
static void
run_parts(Parts *parts, PgsyncWorkSet *work, List *sets)
{
	bool	   *named = pgsync_all_columns(parts->rows, sets);
	List	   *columns = columns_to_set(parts, named);

	if (columns != NIL)
	{
		run_empty(parts, named);
		lock_rows(parts, work, columns);
	}
	pgsync_work_set_for_each(work, sets, run_part, parts);
	if (columns != NIL)
		run_empty(parts, named);
}

/*
 * Checks the caller's privileges to update whatever the rows name, also if no
 * row will be.
 */
void
pgsync_check_update(PgsyncKeyedRows *rows, const PgsyncUpdateOptions *options)
{
	Parts		parts = {.rows = rows,.options = options};
	bool	   *named = pgsync_all_columns(rows, rows->sets);
	PgsyncKeyedStatement statement = make_statement(&parts, named);

	pgsync_keyed_statement_check(&statement);
}

/*
 * Locks the rows of the target that have the keys of a work set, in the order
 * of the keys, for whoever writes them in another one.
 */
void
pgsync_lock_by_key(PgsyncWorkSet *work, const PgsyncUpdateOptions *options)
{
	Parts		parts = {.rows = work->rows,.options = options};

	lock_rows(&parts, work, NIL);
}

/*
 * Updates the rows of the target that have the keys of a work set, within
 * the query level that the caller has begun.
 *
 * Errors: P0002 for a key without a row, if that is to be an error, and those
 * of UPDATE, whose context names the row.
 */
PgsyncUpdateCounts
pgsync_update_parts(PgsyncWorkSet *work, const PgsyncUpdateOptions *options)
{
	Parts		parts = {.rows = work->rows,.options = options};
	List	   *sets = pgsync_work_set_columns(work);

	if (list_length(sets) == 1)
		run_part(&parts, linitial(sets), work);
	else if (sets != NIL)
		run_parts(&parts, work, sets);
	return parts.counts;
}
