/*-------------------------------------------------------------------------
 *
 * sync_args.c
 *	  The arguments that sync_many and sync_diff have in common.
 *
 *		(target, data, key_columns, scope, update_columns, max_deletes,
 *		 allow_empty, overriding)
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "insert/clauses.h"
#include "insert/sync.h"
#include "insert/unique_key.h"

/* Reads the argument max_deletes; -1 stands for any number. */
static int64
read_max_deletes(FunctionCallInfo fcinfo)
{
	int64		value;

	if (PG_ARGISNULL(5))
		return -1;
	value = PG_GETARG_INT64(5);
	if (value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", "max_deletes")));
	return value;
}

/* Reads the argument overriding, and returns INSERT's clause for it. */
static const char *
read_overriding(FunctionCallInfo fcinfo)
{
	switch (pgsync_overriding_arg(fcinfo, 7))
	{
		case PGSYNC_OVERRIDING_SYSTEM:
			return " OVERRIDING SYSTEM VALUE";
		case PGSYNC_OVERRIDING_USER:
			return " OVERRIDING USER VALUE";
		default:
			return "";
	}
}

/* Reads all arguments, and the rows. */
void
pgsync_sync_read(PgsyncSync *sync, FunctionCallInfo fcinfo,
				 PgsyncTarget *target, PgsyncJsonFormat format)
{
	PgsyncKeyedOptions options = {0};

	sync->target = target;
	sync->max_deletes = read_max_deletes(fcinfo);
	sync->allow_empty = pgsync_arg_bool(fcinfo, 6, false);
	sync->overriding = read_overriding(fcinfo);
	options.keys = pgsync_unique_key(target,
									 pgsync_arg_name_list(fcinfo, 2,
														  "key_columns"),
									 PGSYNC_FOR_SYNC);
	sync->scope = pgsync_sync_scope_create(target, PG_ARGISNULL(3) ? NULL :
										   PG_GETARG_JSONB_P(3));
	sync->columns =
		pgsync_update_columns_create(target, options.keys,
									 pgsync_arg_name_list(fcinfo, 4,
														  "update_columns"),
									 PG_ARGISNULL(4), NIL);
	options.complete_row = pgsync_sync_scope_complete_row;
	options.arg = sync->scope;
	sync->rows = pgsync_keyed_rows_read(pgsync_source_for_json(target,
															   PG_GETARG_DATUM(1),
															   format),
										&options);
}
