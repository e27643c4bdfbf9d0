/*-------------------------------------------------------------------------
 *
 * insert.c
 *	  insert_many and its kin: rows given as JSON, into a table.
 *
 * This file reads the arguments; what inserting means and how it is done is
 * in load.c and below.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "args.h"
#include "load.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(insert_many_jsonb);
PG_FUNCTION_INFO_V1(insert_many_json);
PG_FUNCTION_INFO_V1(insert_many_text);

/* What the data argument is */
typedef enum DataFormat
{
	DATA_JSONB,
	DATA_JSON,
	DATA_TEXT,
} DataFormat;

/* Makes the source for the data argument. */
static PgsyncSource *
create_source(PgsyncTarget *target, Datum data, DataFormat format)
{
	if (format == DATA_JSONB)
		return pgsync_source_jsonb_create(target, DatumGetJsonbP(data));
	return pgsync_source_json_create(target, DatumGetTextPP(data),
									 format == DATA_TEXT);
}

/*
 * Does insert_many's work: target regclass, data, on_conflict text; all that
 * it allocates is gone when it returns.
 */
static Datum
insert_many_internal(FunctionCallInfo fcinfo, DataFormat format)
{
	MemoryContext context;
	MemoryContext oldcontext;
	PgsyncTarget *target;
	PgsyncClauses clauses = {0};
	uint64		processed;

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "target");
	PGSYNC_REQUIRE_ARG(fcinfo, 1, "data");

	context = AllocSetContextCreate(CurrentMemoryContext, "pgsync insert",
									ALLOCSET_DEFAULT_SIZES);
	oldcontext = MemoryContextSwitchTo(context);

	clauses.on_conflict = pgsync_arg_cstring_or_null(fcinfo, 2);
	if (clauses.on_conflict != NULL)
		pgsync_check_on_conflict(clauses.on_conflict);
	target = pgsync_target_open(PG_GETARG_OID(0));
	processed = pgsync_load(create_source(target, PG_GETARG_DATUM(1), format),
							&clauses, None_Receiver);
	pgsync_target_close(target);

	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(context);
	PG_RETURN_INT64(processed);
}

/*
 * insert_many(target regclass, data jsonb, on_conflict text) returns bigint
 *
 * Inserts an array of objects, or one object: keys are column names.  Returns
 * how many rows were inserted or updated.  Means what INSERT means (manual,
 * "INSERT"); values convert as in jsonb_populate_record.
 */
Datum
insert_many_jsonb(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, DATA_JSONB);
}

/* The same with json, which is read as text and never made into a jsonb. */
Datum
insert_many_json(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, DATA_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
insert_many_text(PG_FUNCTION_ARGS)
{
	return insert_many_internal(fcinfo, DATA_TEXT);
}
