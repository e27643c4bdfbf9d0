/*-------------------------------------------------------------------------
 *
 * rejects.c
 *	  Rows that could not go in, and why: the arguments on_error, reject_limit
 *	  and error_table.
 *
 * Which rows these are is load_batches.c's business, the table that keeps them
 * error_table.c's.  Here they are counted, against the limit too, and what is
 * known of each is put together.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "common/args.h"
#include "common/attempt.h"
#include "insert/error_table.h"
#include "insert/rejects.h"
#include "miscadmin.h"
#include "row/place.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

/* How many rows the error names that ends a load with too many of them */
#define MAX_LISTED	5

struct PgsyncRejects
{
	int64		limit;			/* -1: none */
	Oid			error_table;	/* or InvalidOid */
	PgsyncErrorTable *table;	/* once it is open; NULL: none */
	Oid			data_type;		/* of its column for the row; or InvalidOid */
	uint64		count;
	StringInfoData listed;		/* the first ones, a line each */
};

/* What puts a batch's rejected rows into the table, in a subtransaction */
typedef struct Adding
{
	PgsyncRejects *rejects;
	PgsyncSource *source;
	List	   *batch;
	int			next;			/* the row at hand */
	bool		without_data;	/* could its data not be had? */
	MemoryContext context;		/* of that row */
} Adding;

/* Returns whether on_error is "ignore", NULL being "stop" (22023). */
static bool
ignores_errors(const char *word)
{
	if (word == NULL || pg_strcasecmp(word, "stop") == 0)
		return false;
	if (pg_strcasecmp(word, "ignore") == 0)
		return true;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized value for argument \"%s\": \"%s\"",
					"on_error", word),
			 errhint("Use \"stop\" to fail at a row that cannot go in, \"ignore\" to go on behind it.")));
}

/*
 * Reads the arguments on_error, reject_limit and error_table, which begin at
 * argno; NULL for on_error => 'stop', or if the SQL function lacks them.
 *
 * Errors: 22023 for another word, for a limit below 0, and for the other two
 * with "stop".
 */
PgsyncRejects *
pgsync_on_error_args(FunctionCallInfo fcinfo, int argno)
{
	PgsyncRejects *rejects;
	bool		ignores = ignores_errors(pgsync_arg_cstring_or_null(fcinfo,
																	argno));

	if (argno >= PG_NARGS())
		return NULL;
	if (!ignores && (!PG_ARGISNULL(argno + 1) || !PG_ARGISNULL(argno + 2)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" requires \"%s\" to be \"%s\"",
						PG_ARGISNULL(argno + 1) ? "error_table" : "reject_limit",
						"on_error", "ignore")));
	if (!ignores)
		return NULL;
	rejects = palloc0(sizeof(PgsyncRejects));
	rejects->limit = PG_ARGISNULL(argno + 1) ? -1 : PG_GETARG_INT64(argno + 1);
	if (!PG_ARGISNULL(argno + 1) && rejects->limit < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative",
						"reject_limit")));
	if (!PG_ARGISNULL(argno + 2))
		rejects->error_table = PG_GETARG_OID(argno + 2);
	initStringInfo(&rejects->listed);
	return rejects;
}

/* Opens the error table, if there is one; its errors come before any row's. */
void
pgsync_rejects_open(PgsyncRejects *rejects, PgsyncTarget *target)
{
	if (rejects == NULL || !OidIsValid(rejects->error_table))
		return;
	rejects->table = pgsync_error_table_open(rejects->error_table,
											 target->rel);
	rejects->data_type = pgsync_error_table_data_type(rejects->table);
}

/*
 * Returns whether an error that a row has met is the row's own.
 *
 * Not so: lost privileges (but not what row-level security says of the row),
 * a cancel, a timeout, a serialization failure, a deadlock, resources that have
 * run out, a connection that is lost, and what is wrong with the server.
 */
bool
pgsync_is_row_error(const ErrorData *error)
{
	switch (ERRCODE_TO_CATEGORY(error->sqlerrcode))
	{
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
	}
	if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		return error->funcname != NULL &&
			strcmp(error->funcname, "ExecWithCheckOptions") == 0;
	return error->elevel == ERROR &&
		error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Returns a copy, or NULL for NULL. */
static const char *
copy_string(const char *string)
{
	return string != NULL ? pstrdup(string) : NULL;
}

/* Returns the value that was being converted when an error came. */
static const char *
converted_value(PgsyncSource *source, const PgsyncRow *row)
{
	StringInfoData value;

	initStringInfo(&value);
	source->routine->describe_value(source, row->column, &value);
	return value.data;
}

/*
 * Returns what is known of a row that could not go in, in the current memory
 * context.  If it failed in conversion, "row" is it, and the source's current
 * one; else NULL.
 */
PgsyncReject *
pgsync_reject_create(PgsyncRejects *rejects, PgsyncSource *source,
					 const PgsyncRow *row, const ErrorData *error)
{
	PgsyncReject *reject = palloc0(sizeof(PgsyncReject));

	reject->sqlerrcode = error->sqlerrcode;
	reject->message = copy_string(error->message);
	reject->column_name = copy_string(error->column_name);
	reject->constraint_name = copy_string(error->constraint_name);
	if (row != NULL && row->column != 0)
		reject->column_name = source->target->columns[row->column - 1].name;
	if (rejects->table == NULL)
		return reject;
	reject->detail = copy_string(error->detail);
	reject->hint = copy_string(error->hint);
	if (row != NULL && row->column != 0)
		reject->value = converted_value(source, row);
	return reject;
}

/* Returns whether the error table has a column for the whole row. */
bool
pgsync_rejects_keep_data(const PgsyncRejects *rejects)
{
	return OidIsValid(rejects->data_type);
}

/*
 * Returns the row at hand of the source, whole, as text that the column's type
 * can be made of.
 */
const char *
pgsync_rejects_row_text(PgsyncRejects *rejects, PgsyncSource *source)
{
	StringInfoData raw;

	initStringInfo(&raw);
	if (rejects->data_type == TEXTOID ||
		(rejects->data_type == JSONOID && source->routine->raw_is_json))
		source->routine->append_raw(source, &raw);
	else
	{
		Jsonb	   *row = source->routine->make_jsonb(source);

		JsonbToCString(&raw, &row->root, VARSIZE(row));
	}
	return raw.data;
}

/* Returns the row at hand of the source, whole, as the column's type has it. */
static Datum
row_data(PgsyncRejects *rejects, PgsyncSource *source)
{
	const char *text;

	if (rejects->data_type == JSONBOID)
		return JsonbPGetDatum(source->routine->make_jsonb(source));
	text = pgsync_rejects_row_text(rejects, source);

	if (rejects->data_type == JSONOID)
		return DirectFunctionCall1(json_in, CStringGetDatum(text));
	return CStringGetTextDatum(text);
}

/* Adds rejected rows to the table, from the one at hand on; see PgsyncWork. */
static void
add_to_table(void *arg)
{
	Adding	   *adding = arg;
	PgsyncRejects *rejects = adding->rejects;

	for (; adding->next < list_length(adding->batch); adding->next++)
	{
		PgsyncReject *reject = list_nth(adding->batch, adding->next);
		bool		has_data = OidIsValid(rejects->data_type) &&
		!adding->without_data;
		MemoryContext oldcontext;
		Datum		data = (Datum) 0;

		CHECK_FOR_INTERRUPTS();
		oldcontext = MemoryContextSwitchTo(adding->context);
		if (has_data)
		{
			adding->source->routine->recall(adding->source, reject->kept);
			data = row_data(rejects, adding->source);
		}
		pgsync_error_table_add(rejects->table, reject, data, has_data);
		MemoryContextSwitchTo(oldcontext);
		MemoryContextReset(adding->context);
		adding->without_data = false;
	}
}

/* Puts rejected rows into the table; data that cannot be had is null. */
static void
put_into_table(PgsyncRejects *rejects, PgsyncSource *source, List *batch)
{
	Adding		adding = {
		.rejects = rejects,
		.source = source,
		.batch = batch
	};
	ErrorData  *error;

	adding.context = AllocSetContextCreate(CurrentMemoryContext,
										   "pgsync rejected row",
										   ALLOCSET_DEFAULT_SIZES);
	while ((error = pgsync_attempt(add_to_table, &adding)) != NULL)
	{
		if (adding.without_data || !pgsync_is_row_error(error))
			ReThrowError(error);
		FreeErrorData(error);
		MemoryContextReset(adding.context);
		adding.without_data = true;
	}
	MemoryContextDelete(adding.context);
}

/* Adds a line about a row to what the error about too many of them lists. */
static void
list_reject(PgsyncRejects *rejects, PgsyncSource *source,
			const PgsyncReject *reject)
{
	if (rejects->listed.len > 0)
		appendStringInfoChar(&rejects->listed, '\n');
	pgsync_append_place(&rejects->listed, source->routine->unit,
						reject->number, reject->column_name, reject->message);
}

/* Ends a load that has more of them than the caller allows (22000). */
static void
check_limit(PgsyncRejects *rejects)
{
	if (rejects->limit < 0 || rejects->count <= (uint64) rejects->limit)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("skipped more than reject_limit (%lld) rows",
					(long long) rejects->limit),
			 errdetail_internal("%s", rejects->listed.data)));
}

/*
 * Adds the rejected rows of a batch, in the input's order.  The source can
 * recall them.
 */
void
pgsync_rejects_add(PgsyncRejects *rejects, PgsyncSource *source, List *batch)
{
	ListCell   *cell;

	foreach(cell, batch)
	{
		if (rejects->count++ < MAX_LISTED)
			list_reject(rejects, source, lfirst(cell));
	}
	check_limit(rejects);
	if (rejects->table != NULL && batch != NIL)
		put_into_table(rejects, source, batch);
}

/* Stores the rejected rows, and tells the client how many there are. */
void
pgsync_rejects_finish(PgsyncRejects *rejects)
{
	if (rejects == NULL)
		return;
	if (rejects->table != NULL)
		pgsync_error_table_store(rejects->table);
	if (rejects->count > 0)
		ereport(NOTICE,
				(errmsg_plural("%llu row was skipped",
							   "%llu rows were skipped",
							   (unsigned long) rejects->count,
							   (unsigned long long) rejects->count)));
}
