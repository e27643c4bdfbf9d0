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
#include "insert/rejects.h"
#include "source/source_csv.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(insert_csv);
PG_FUNCTION_INFO_V1(insert_csv_text);
PG_FUNCTION_INFO_V1(insert_csv_2_0);
PG_FUNCTION_INFO_V1(insert_csv_text_2_0);

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
	return pgsync_source_csv_open_text(target,
									   (struct varlena *) PG_GETARG_POINTER(1),
									   options);
}

/* Returns a jsonb option that maps names to columns, checked; NULL for none. */
static Jsonb *
columns_option(FunctionCallInfo fcinfo, int argno)
{
	Jsonb	   *columns;

	if (PG_NARGS() <= argno || PG_ARGISNULL(argno))
		return NULL;
	columns = PG_GETARG_JSONB_P(argno);
	pgsync_names_check(columns);
	return columns;
}

/*
 * Reads the options that 2.0 has added, from "argno" on: columns,
 * ignore_unknown, null_strings, trim_blanks, skip_lines.  The first is for
 * the target's names, once that is open.
 */
static void
read_new_options(FunctionCallInfo fcinfo, int argno, PgsyncCsvOptions *options)
{
	if (PG_NARGS() <= argno)
		return;
	options->ignore_unknown = pgsync_arg_bool(fcinfo, argno + 1, false);
	if (!PG_ARGISNULL(argno + 2))
	{
		ArrayType  *words = PG_GETARG_ARRAYTYPE_P(argno + 2);

		pgsync_check_strings(words, "null_strings");
		options->null_strings = pgsync_strings(words);
	}
	options->trim_blanks = pgsync_arg_bool(fcinfo, argno + 3, false);
	if (!PG_ARGISNULL(argno + 4))
		options->skip_lines = PG_GETARG_INT32(argno + 4);
}

/*
 * Does the work of both functions, whose arguments differ in the second, and
 * in that a file has an encoding.
 */
static Datum
insert_csv_internal(FunctionCallInfo fcinfo, const char *data_argname,
					OpenSource open_source, int encoding_argno)
{
	int			new_argno = encoding_argno > 0 ? 9 : 8;
	PgsyncCall	call;
	PgsyncCsvOptions options = {0};
	Jsonb	   *columns;

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
	columns = columns_option(fcinfo, new_argno);
	read_new_options(fcinfo, new_argno, &options);
	call.clauses.rejects = pgsync_on_error_args(fcinfo, new_argno + 5);

	pgsync_call_open(&call);
	if (columns != NULL || options.ignore_unknown)
		call.target->names = pgsync_names_create(call.target, columns,
												 options.ignore_unknown);
	pgsync_call_load(&call, open_source(fcinfo, call.target, &options),
					 None_Receiver);
	pgsync_call_end(&call);
	PG_RETURN_INT64(call.counts.processed);
}

/*
 * insert_csv(target regclass, csv_path text, exclude_columns text[],
 *			  delimiter text, on_conflict text, null_string text, quote text,
 *			  escape text, encoding text, columns jsonb,
 *			  ignore_unknown boolean, null_strings text[],
 *			  trim_blanks boolean, skip_lines int, on_error text,
 *			  reject_limit bigint, error_table regclass) returns bigint
 *
 * Inserts the rows of a CSV file on the server: the header's names choose the
 * columns, fields named in exclude_columns are dropped, columns that the CSV
 * lacks take their DEFAULT.  Returns how many rows were inserted or updated.
 * The format and its options are COPY's (manual, "COPY", CSV Format), and so
 * is the privilege that it takes, pg_read_server_files.  Other than for most
 * options, a NULL on_conflict is not the default but no clause at all.  What
 * on_error does is insert_many's business.
 */
Datum
insert_csv_2_0(PG_FUNCTION_ARGS)
{
	return insert_csv_internal(fcinfo, "csv_path", open_file, 8);
}

/*
 * insert_csv_text(target regclass, csv text, ...) returns bigint
 *
 * The same with the CSV itself, which takes no privilege on files.
 */
Datum
insert_csv_text_2_0(PG_FUNCTION_ARGS)
{
	return insert_csv_internal(fcinfo, "csv", open_text, 0);
}

/* insert_csv of 1.0, which ends with the encoding. */
Datum
insert_csv(PG_FUNCTION_ARGS)
{
	return insert_csv_internal(fcinfo, "csv_path", open_file, 8);
}

/* insert_csv_text of 1.0, which ends with the escape character. */
Datum
insert_csv_text(PG_FUNCTION_ARGS)
{
	return insert_csv_internal(fcinfo, "csv", open_text, 0);
}
