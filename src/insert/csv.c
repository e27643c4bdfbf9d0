/*-------------------------------------------------------------------------
 *
 * csv.c
 *	  insert_csv and insert_csv_text: rows given as CSV, into a table.
 *
 * This file reads the arguments; CSV is source_csv.c's business, inserting
 * that of load.c and below.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "insert/call.h"
#include "insert/clauses.h"
#include "source/source_csv.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(insert_csv);
PG_FUNCTION_INFO_V1(insert_csv_text);

/* Opens a source for the function's second argument. */
typedef PgsyncSource *(*OpenSource) (FunctionCallInfo fcinfo,
									 PgsyncTarget *target,
									 const PgsyncCsvOptions *options);

/* Returns a text option; a NULL option means its default. */
static const char *
text_option(FunctionCallInfo fcinfo, int argno, const char *default_value)
{
	const char *value = pgsync_arg_cstring_or_null(fcinfo, argno);

	return value != NULL ? value : default_value;
}

/* Opens the file that insert_csv's second argument names. */
static PgsyncSource *
open_file(FunctionCallInfo fcinfo, PgsyncTarget *target,
		  const PgsyncCsvOptions *options)
{
	PgsyncFileName name = {
		.path = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.function = "insert_csv",
		.text_function = "insert_csv_text"
	};

	return pgsync_source_csv_open_file(target, &name, options);
}

/* Opens the text that is insert_csv_text's second argument. */
static PgsyncSource *
open_text(FunctionCallInfo fcinfo, PgsyncTarget *target,
		  const PgsyncCsvOptions *options)
{
	return pgsync_source_csv_open_text(target, PG_GETARG_TEXT_PP(1), options);
}

/* Does the work of both functions, whose arguments differ in the second only. */
static Datum
insert_csv_internal(FunctionCallInfo fcinfo, const char *data_argname,
					OpenSource open_source, int encoding_argno)
{
	PgsyncCall	call;
	PgsyncCsvOptions options = {0};

	pgsync_call_begin(&call, fcinfo, data_argname);
	options.exclude_columns = pgsync_arg_name_list(fcinfo, 2,
												   "exclude_columns");
	options.delimiter = text_option(fcinfo, 3, ",");
	options.null_string = text_option(fcinfo, 5, "");
	options.quote = text_option(fcinfo, 6, "\"");
	options.escape = text_option(fcinfo, 7, NULL);
	if (encoding_argno > 0)
		options.encoding = text_option(fcinfo, encoding_argno, NULL);
	call.clauses.on_conflict = pgsync_on_conflict_arg(fcinfo, 4);

	pgsync_call_open(&call);
	pgsync_call_load(&call, open_source(fcinfo, call.target, &options),
					 None_Receiver);
	pgsync_call_end(&call);
	PG_RETURN_INT64(call.counts.processed);
}

/*
 * insert_csv(target regclass, csv_path text, exclude_columns text[],
 *			  delimiter text, on_conflict text, null_string text, quote text,
 *			  escape text, encoding text) returns bigint
 *
 * Inserts the rows of a CSV file on the server: the header's names choose the
 * columns, fields named in exclude_columns are dropped, columns that the CSV
 * lacks take their DEFAULT.  Returns how many rows were inserted or updated.
 * The format and its options are COPY's (manual, "COPY", CSV Format), and so
 * is the privilege that it takes, pg_read_server_files.  Other than for most
 * options, a NULL on_conflict is not the default but no clause at all.
 */
Datum
insert_csv(PG_FUNCTION_ARGS)
{
	return insert_csv_internal(fcinfo, "csv_path", open_file, 8);
}

/*
 * insert_csv_text(target regclass, csv text, ...) returns bigint
 *
 * The same with the CSV itself, which takes no privilege on files.
 */
Datum
insert_csv_text(PG_FUNCTION_ARGS)
{
	return insert_csv_internal(fcinfo, "csv", open_text, 0);
}
