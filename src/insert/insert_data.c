/*-------------------------------------------------------------------------
 *
 * insert_data.c
 *	  get_insert_data: the INSERT statement for JSON rows, and its values.
 *
 * Runs nothing and converts nothing: the caller gets a parameterized
 * statement and, for each row, the values of its parameters.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "common/args.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "common/spi_util.h"
#include "row/target.h"
#include "source/source_json.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(get_insert_data);
PG_FUNCTION_INFO_V1(get_insert_data_json);
PG_FUNCTION_INFO_V1(get_insert_data_text);

/* Opens the data's rows, to be checked as INSERT's but not converted. */
static PgsyncSource *
open_rows(PgsyncTarget *target, Datum data, PgsyncJsonFormat format)
{
	PgsyncSource *source = pgsync_source_for_json(target, data, format);
	bool	   *ignored = palloc(Max(target->natts, 1));

	memset(ignored, true, target->natts);
	source->ignored = ignored;
	return source;
}

/* Moves to the next row, and checks its keys; false if there is none. */
static bool
next_row(PgsyncSource *source, PgsyncRow *row)
{
	memset(row->named, false, source->target->natts);
	memset(row->nulls, true, source->target->natts);
	if (!source->routine->fetch(source, row))
		return false;
	source->routine->convert(source, row);
	return true;
}

/* Collects the columns that a row names, in the order of the table. */
static List *
named_columns(PgsyncTarget *target, const PgsyncRow *row)
{
	List	   *columns = NIL;

	for (int i = 0; i < target->natts; i++)
	{
		if (row->named[i])
			columns = lappend_int(columns, i + 1);
	}
	return columns;
}

/* Returns "INSERT INTO s.t (a, b) VALUES ($1, $2)" for the columns. */
static char *
insert_text(PgsyncTarget *target, List *columns)
{
	StringInfoData buf;
	ListCell   *cell;

	initStringInfo(&buf);
	appendStringInfo(&buf, "INSERT INTO %s",
					 pgsync_qualified_relation_name(target->rel));
	if (columns == NIL)
	{
		appendStringInfoString(&buf, " DEFAULT VALUES");
		return buf.data;
	}
	foreach(cell, columns)
		appendStringInfo(&buf, "%s%s",
						 foreach_current_index(cell) > 0 ? ", " : " (",
						 quote_identifier(target->columns[lfirst_int(cell) - 1].name));
	foreach(cell, columns)
		appendStringInfo(&buf, "%s%d",
						 foreach_current_index(cell) > 0 ? ", $" : ") VALUES ($",
						 foreach_current_index(cell) + 1);
	appendStringInfoChar(&buf, ')');
	return buf.data;
}

/* Reports a column that one row names and another does not (22023). */
static void
report_uneven_rows(PgsyncTarget *target, int64 number, List *columns,
				   List *row_columns)
{
	List	   *missing = list_difference_int(columns, row_columns);
	List	   *extra = list_difference_int(row_columns, columns);
	AttrNumber	attnum = linitial_int(missing ? missing : extra);

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 missing ?
			 errmsg("row %lld lacks key \"%s\", which row 1 has",
					(long long) number, target->columns[attnum - 1].name) :
			 errmsg("row %lld has key \"%s\", which row 1 lacks",
					(long long) number, target->columns[attnum - 1].name),
			 errhint("One statement serves all rows, so all must have the same keys; insert_many has no such limit.")));
}

/* Pushes a row's values, in the order of the columns, as an array. */
static void
push_row(JsonbParseState **state, PgsyncTarget *target, List *columns,
		 JsonbContainer *object)
{
	ListCell   *cell;

	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	foreach(cell, columns)
	{
		PgsyncColumn *column = &target->columns[lfirst_int(cell) - 1];

		pushJsonbValue(state, WJB_ELEM,
					   getKeyJsonValueFromContainer(object, column->name,
													column->name_len, NULL));
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

/* Builds the array of the rows' values; *columns is set from the first row. */
static Jsonb *
collect_values(PgsyncSource *source, List **columns)
{
	PgsyncTarget *target = source->target;
	Size		natts = Max(target->natts, 1);
	PgsyncRow	row = {
		.values = palloc0(natts * sizeof(Datum)),
		.nulls = palloc(natts),
		.named = palloc(natts)
	};
	JsonbParseState *state = NULL;
	uint64		nrows = 0;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	while (next_row(source, &row))
	{
		List	   *row_columns = named_columns(target, &row);

		CHECK_FOR_INTERRUPTS();
		if (nrows++ == 0)
			*columns = row_columns;
		else if (!equal(*columns, row_columns))
			report_uneven_rows(target, row.number, *columns, row_columns);
		push_row(&state, target, *columns,
				 &source->routine->make_jsonb(source)->root);
	}
	if (nrows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data has no rows"),
				 errdetail("The statement's columns are those of the first row.")));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* Does get_insert_data's work, for one of the formats. */
static Datum
get_insert_data_internal(FunctionCallInfo fcinfo, PgsyncJsonFormat format)
{
	PgsyncTarget *target;
	List	   *columns = NIL;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "target");
	PGSYNC_REQUIRE_ARG(fcinfo, 1, "data");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	target = pgsync_target_look_at(PG_GETARG_OID(0));
	values[1] = JsonbPGetDatum(collect_values(open_rows(target,
														PG_GETARG_DATUM(1),
														format),
											  &columns));
	values[0] = CStringGetTextDatum(insert_text(target, columns));
	pgsync_target_close(target);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/*
 * get_insert_data(target regclass, data jsonb, OUT query text,
 *				   OUT "values" jsonb)
 *
 *		query	INSERT INTO public.users (id, name) VALUES ($1, $2)
 *		values	[[1, "a"], [2, null]]
 *
 * Columns stand in the table's order.  Rows whose keys differ are error
 * 22023, since one statement must serve them all; a key that is no column is
 * 42703.
 */
Datum
get_insert_data(PG_FUNCTION_ARGS)
{
	return get_insert_data_internal(fcinfo, PGSYNC_JSON_FORMAT_JSONB);
}

/* The same with json. */
Datum
get_insert_data_json(PG_FUNCTION_ARGS)
{
	return get_insert_data_internal(fcinfo, PGSYNC_JSON_FORMAT_JSON);
}

/* The same with text, which may also be JSON Lines. */
Datum
get_insert_data_text(PG_FUNCTION_ARGS)
{
	return get_insert_data_internal(fcinfo, PGSYNC_JSON_FORMAT_TEXT);
}
