/*-------------------------------------------------------------------------
 *
 * row_source_open.c
 *	  From a value of type row_source to the source that reads its rows.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "miscadmin.h"
#include "source/row_source.h"
#include "source/source_csv.h"
#include "source/source_json.h"
#include "source/source_query.h"
#include "source/transform.h"
#include "utils/array.h"

/* Returns a field that is an array of strings as a List, NIL for none. */
static List *
string_list(const PgsyncRowSource *value, PgsyncRowSourceField field)
{
	if (value->fields[field] == NULL)
		return NIL;
	return pgsync_strings((ArrayType *) value->fields[field]);
}

/*
 * Refuses a value that holds SQL or a path to all but the role that made it
 * (42501): it would have them run, or read, what another role has chosen.
 */
static void
check_reader(const PgsyncRowSource *value)
{
	if (value->maker == GetUserId() ||
		(value->kind != PGSYNC_ROWS_QUERY &&
		 value->kind != PGSYNC_ROWS_JSON_FILE &&
		 value->kind != PGSYNC_ROWS_CSV_FILE &&
		 value->fields[PGSYNC_FIELD_TRANSFORMS] == NULL))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to read rows from a row source that another role has made"),
			 errdetail("It holds SQL or the path of a file, which only the role that made it may have run or read."),
			 errhint("Make the row source as the role that reads it.")));
}

/* Opens a value of CSV. */
static PgsyncSource *
open_csv(PgsyncTarget *target, const PgsyncRowSource *value)
{
	PgsyncCsvOptions options = {
		.delimiter = pgsync_row_source_string(value, PGSYNC_FIELD_DELIMITER),
		.null_string = pgsync_row_source_string(value, PGSYNC_FIELD_NULL_STRING),
		.quote = pgsync_row_source_string(value, PGSYNC_FIELD_QUOTE),
		.escape = pgsync_row_source_string(value, PGSYNC_FIELD_ESCAPE),
		.encoding = pgsync_row_source_string(value, PGSYNC_FIELD_ENCODING),
		.null_strings = string_list(value, PGSYNC_FIELD_NULL_STRINGS),
		.trim_blanks = value->trim_blanks,
		.skip_lines = value->skip_lines,
		.header = string_list(value, PGSYNC_FIELD_HEADER),
		.ignore_unknown = value->ignore_unknown
	};
	PgsyncFileName name = {
		.function = "from_csv_file",
		.text_function = "from_csv"
	};

	if (value->kind == PGSYNC_ROWS_CSV)
		return pgsync_source_csv_open_text(target,
										   value->fields[PGSYNC_FIELD_DATA],
										   &options);
	name.path = pgsync_row_source_string(value, PGSYNC_FIELD_DATA);
	return pgsync_source_csv_open_file(target, &name, &options);
}

/* Opens a value of JSON. */
static PgsyncSource *
open_json(PgsyncTarget *target, const PgsyncRowSource *value)
{
	struct varlena *data = value->fields[PGSYNC_FIELD_DATA];
	PgsyncJsonOptions options = {
		.path = string_list(value, PGSYNC_FIELD_AT),
		.key_column = pgsync_row_source_string(value, PGSYNC_FIELD_KEY_COLUMN),
		.encoding = pgsync_row_source_string(value, PGSYNC_FIELD_ENCODING)
	};
	PgsyncFileName name = {
		.function = "from_json_file",
		.text_function = "from_json"
	};

	if (value->kind == PGSYNC_ROWS_JSONB)
		return pgsync_source_jsonb_open(target, (Jsonb *) data, &options);
	if (value->kind != PGSYNC_ROWS_JSON_FILE)
		return pgsync_source_json_open_text(target, data, &options,
											value->kind == PGSYNC_ROWS_JSON_TEXT);
	name.path = pgsync_row_source_string(value, PGSYNC_FIELD_DATA);
	return pgsync_source_json_open_file(target, &name, &options);
}

/* Opens the source itself, its rows as they come. */
static PgsyncSource *
open_inner(PgsyncTarget *target, const PgsyncRowSource *value)
{
	switch (value->kind)
	{
		case PGSYNC_ROWS_JSONB:
		case PGSYNC_ROWS_JSON:
		case PGSYNC_ROWS_JSON_TEXT:
		case PGSYNC_ROWS_JSON_FILE:
			return open_json(target, value);
		case PGSYNC_ROWS_CSV:
		case PGSYNC_ROWS_CSV_FILE:
			return open_csv(target, value);
		case PGSYNC_ROWS_QUERY:
			return pgsync_source_query_open(target,
											pgsync_row_source_string(value, PGSYNC_FIELD_DATA),
											(ArrayType *) value->fields[PGSYNC_FIELD_ARGS]);
	}
	elog(ERROR, "unrecognized kind of row source: %d", (int) value->kind);
	return NULL;				/* keep compiler quiet */
}

/* Returns a view of the target in which transformed columns are text. */
static PgsyncTarget *
make_view(PgsyncTarget *target, List *transforms)
{
	bool	   *as_text = palloc0(Max(target->natts, 1));
	ListCell   *cell;

	foreach(cell, transforms)
		as_text[((PgsyncTransform *) lfirst(cell))->attnum - 1] = true;
	return pgsync_target_view(target, as_text);
}

/*
 * Opens the source of a row_source, in the current memory context; the Datum
 * must outlive it.
 *
 * Errors: 42501 as above; 42703 for options that name no column; those of
 * the kind of source.
 */
PgsyncSource *
pgsync_row_source_open(PgsyncTarget *target, Datum datum)
{
	const PgsyncRowSource *value = pgsync_row_source_get(datum);
	Jsonb	   *columns = (Jsonb *) value->fields[PGSYNC_FIELD_COLUMNS];
	Jsonb	   *expressions = (Jsonb *) value->fields[PGSYNC_FIELD_TRANSFORMS];
	PgsyncTarget *view = target;
	PgsyncSource *inner;
	List	   *transforms = NIL;

	check_reader(value);
	if (expressions != NULL)
		transforms = pgsync_transform_columns(target, expressions);
	if (transforms != NIL)
		view = make_view(target, transforms);
	if (columns != NULL || value->ignore_unknown)
		view->names = pgsync_names_create(target, columns,
										  value->ignore_unknown);
	inner = open_inner(view, value);
	inner->has_options = true;
	if (transforms == NIL)
		return inner;
	return pgsync_source_transform_create(target, inner, transforms);
}
