/*-------------------------------------------------------------------------
 *
 * source_csv.c
 *	  Rows from CSV.
 *
 *		id,name,"born, or so"		the header names columns of the target
 *		1,Ada,1815-12-10			a row: one field for each name
 *		2,,							unquoted and empty: NULL
 *
 * text_input.c brings the text, csv_split.c splits it; here a field goes to
 * the column that the header names for it, or nowhere.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/relation.h"
#include "commands/copy.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "row/unknown_names.h"
#include "source/csv_split.h"
#include "source/source_csv.h"
#include "utils/rel.h"

/* What a field of the header leads to */
typedef struct CsvField
{
	char	   *name;
	AttrNumber	attnum;			/* 0: dropped */
	PgsyncConverter *converter; /* NULL: dropped */
} CsvField;

/* A name in exclude_columns */
typedef struct ExcludedName
{
	const char *name;
	bool		in_header;
} ExcludedName;

/* A line that is a row: its fields, and how it came */
typedef struct CsvLine
{
	PgsyncCsvField *fields;
	int			nfields;
	const char *raw;
	int			raw_len;
} CsvLine;

typedef struct CsvSource
{
	PgsyncSource base;
	PgsyncTextInput *input;
	PgsyncCsvSplitter splitter;
	CsvLine		line;			/* at hand */
	PgsyncCsvOptions options;
	ExcludedName *excluded;		/* exclude_columns, sorted */
	CsvField   *fields;			/* of the header; NULL until it is read */
	int			nfields;
	bool	   *named;			/* the columns that the header names */
	const PgsyncCsvField *converting;
	PgsyncRoom	room;			/* for the values of the line at hand */
	bool		more_follows;	/* after the blank lines at hand */
	bool		done;
} CsvSource;

/* Returns COPY's options for this source. */
static List *
make_copy_options(const PgsyncCsvOptions *options)
{
	const struct
	{
		const char *name;
		const char *value;
	}			given[] =
	{
		{"format", "csv"},
		{"delimiter", options->delimiter},
		{"null", options->null_string},
		{"quote", options->quote},
		{"escape", options->escape},
		{"encoding", options->encoding},
	};
	List	   *list = NIL;

	for (int i = 0; i < lengthof(given); i++)
	{
		if (given[i].value == NULL)
			continue;
		list = lappend(list,
					   makeDefElem(pstrdup(given[i].name),
								   (Node *) makeString(pstrdup(given[i].value)),
								   -1));
	}
	return list;
}

/* Gives the hint that fits a delimiter which the caller has not escaped. */
static void
hint_at_tab(void *arg)
{
	const char *delimiter = arg;

	if (delimiter != NULL && strcmp(delimiter, "\\t") == 0)
		errhint("For a tab write E'\\t'.");
}

/* Has COPY check the options, and returns what they say. */
static CopyFormatOptions *
check_options(const PgsyncCsvOptions *options)
{
	CopyFormatOptions *checked = palloc0(sizeof(CopyFormatOptions));
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = hint_at_tab,
		.arg = unconstify(char *, options->delimiter)
	};

	if (options->skip_lines < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must not be negative", "skip_lines")));
	error_context_stack = &callback;
	ProcessCopyOptions(NULL, checked, true, make_copy_options(options));
	error_context_stack = callback.previous;
	return checked;
}

/* Compares two excluded names, for qsort and bsearch. */
static int
compare_excluded(const void *a, const void *b)
{
	return strcmp(((const ExcludedName *) a)->name,
				  ((const ExcludedName *) b)->name);
}

/* Sorts exclude_columns: both it and the header may be long. */
static void
sort_excluded_names(CsvSource *source)
{
	List	   *names = source->options.exclude_columns;
	int			count = list_length(names);

	source->excluded = palloc0(sizeof(ExcludedName) * Max(count, 1));
	for (int i = 0; i < count; i++)
		source->excluded[i].name = list_nth(names, i);
	qsort(source->excluded, count, sizeof(ExcludedName), compare_excluded);
}

/* Finds a name in exclude_columns, NULL if it is not there. */
static ExcludedName *
find_excluded(CsvSource *source, const char *name)
{
	ExcludedName key = {.name = name};

	return bsearch(&key, source->excluded,
				   list_length(source->options.exclude_columns),
				   sizeof(ExcludedName), compare_excluded);
}

/*
 * Returns a hint at what a header of one field was probably delimited with,
 * or NULL.
 */
static const char *
delimiter_hint(const char *header)
{
	static const struct
	{
		char		delimiter;
		const char *hint;
	}			usual[] =
	{
		{',', gettext_noop("Perhaps the delimiter is \",\".")},
		{';', gettext_noop("Perhaps the delimiter is \";\".")},
		{'|', gettext_noop("Perhaps the delimiter is \"|\".")},
		{'\t', gettext_noop("Perhaps the delimiter is a tab.")},
	};

	for (int i = 0; i < lengthof(usual); i++)
	{
		if (strchr(header, usual[i].delimiter) != NULL)
			return _(usual[i].hint);
	}
	return NULL;
}

/*
 * Reports the names of the header, from this on, that are no columns (42703).
 */
pg_noreturn static void
report_unknown_names(CsvSource *source, List *names, int position)
{
	PgsyncUnknownNames unknown = {
		.target = source->base.target,
		.has_options = source->base.has_options
	};
	ListCell   *cell;

	if (source->options.header == NIL)
		unknown.detail = _("The first line of the CSV must name columns of the target.");
	if (source->nfields == 1)
		unknown.hint = delimiter_hint(linitial(names));
	if (!source->base.has_options)
		unknown.otherwise = _("A field that is not to be loaded can be named in exclude_columns.");
	for_each_from(cell, names, position)
	{
		const char *name = lfirst(cell);
		int			len = strlen(name);

		CHECK_FOR_INTERRUPTS();
		if (len > 0 && find_excluded(source, name) == NULL &&
			pgsync_target_find_near(unknown.target, name, len, 0) == 0)
			pgsync_unknown_names_add(&unknown, name, len);
	}
	pgsync_unknown_names_report(&unknown);
}

/* Reports a name in the header whose column has come before (42701). */
pg_noreturn static void
report_named_twice(CsvSource *source, const char *name, AttrNumber attnum)
{
	CsvField   *field = source->fields;

	while (field->attnum != attnum)
		field++;
	if (strcmp(field->name, name) != 0)
		pgsync_names_conflict(source->base.target, attnum);
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_COLUMN),
			 errmsg("column \"%s\" specified more than once in the CSV header", name)));
}

/*
 * Finds the column that one of the header's names means; 0 if it is dropped.
 *
 * Errors: 22P04 for an empty name, 42703 for an unknown one, 42701 for one
 * whose column has come before.
 */
static AttrNumber
resolve_name(CsvSource *source, List *names, int position)
{
	PgsyncTarget *target = source->base.target;
	const char *name = list_nth(names, position);
	ExcludedName *excluded = find_excluded(source, name);
	AttrNumber	attnum;

	CHECK_FOR_INTERRUPTS();
	if (excluded != NULL)
	{
		excluded->in_header = true;
		return 0;
	}
	if (name[0] == '\0' && source->options.ignore_unknown)
		return 0;
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("field %d of the CSV header is empty", position + 1),
				 source->options.header == NIL ?
				 errhint("The first line must name a column for each field.") :
				 errhint("Name a column for each field, or drop those without a name by ignore_unknown.")));
	attnum = pgsync_target_find_near(target, name, strlen(name), 0);
	if (attnum == PGSYNC_DROPPED_NAME)
		return 0;
	if (attnum == 0)
		report_unknown_names(source, names, position);
	if (source->named[attnum - 1])
		report_named_twice(source, name, attnum);
	source->named[attnum - 1] = true;
	return attnum;
}

/* Reports a name in exclude_columns that nothing has (42703). */
pg_noreturn static void
report_unknown_excluded(CsvSource *source, const char *name)
{
	PgsyncClosestName closest;

	pgsync_closest_init(&closest, name);
	for (int i = 0; i < source->nfields; i++)
		pgsync_closest_feed(&closest, source->fields[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("excluded column \"%s\" is neither in the CSV header nor a column of relation \"%s\"",
					name, RelationGetRelationName(source->base.target->rel)),
			 closest.match ?
			 errhint("Perhaps you meant \"%s\".", closest.match) : 0));
}

/*
 * Insists that each name in exclude_columns is one in the header, or a
 * column that the CSV happens to lack (42703).
 */
static void
check_excluded_names(CsvSource *source)
{
	PgsyncTarget *target = source->base.target;
	ListCell   *cell;

	foreach(cell, source->options.exclude_columns)
	{
		const char *name = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (!find_excluded(source, name)->in_header &&
			pgsync_target_find(target, name, strlen(name)) == 0)
			report_unknown_excluded(source, name);
	}
}

/*
 * Returns the header's names: those given, or the first line's, which is read.
 *
 * Errors: 22P04 if there is none, 54000 if there are too many.
 */
static List *
header_names(CsvSource *source)
{
	PgsyncCsvSplitter *splitter = &source->splitter;
	List	   *names = NIL;

	for (int i = 0; i < source->options.skip_lines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!pgsync_csv_skip_line(splitter))
			break;
	}
	if (source->options.header != NIL)
		return source->options.header;
	if (!pgsync_csv_next_row(splitter))
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("the CSV is empty: it has no header"),
				 errhint("The first line must name a column for each field.")));
	if (splitter->nfields > PGSYNC_CSV_MAX_FIELDS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the CSV header has more than %d fields",
						PGSYNC_CSV_MAX_FIELDS)));
	for (int i = 0; i < splitter->nfields; i++)
		names = lappend(names, pstrdup(splitter->fields[i].value));
	return names;
}

/*
 * Reads the header and finds out where each field goes.
 *
 * Errors: those of header_names and resolve_name.
 */
static void
read_header(CsvSource *source)
{
	PgsyncTarget *target = source->base.target;
	MemoryContext oldcontext = MemoryContextSwitchTo(target->mcxt);
	List	   *names = header_names(source);
	ListCell   *cell;

	source->nfields = list_length(names);
	sort_excluded_names(source);
	source->fields = palloc(sizeof(CsvField) * source->nfields);
	foreach(cell, names)
	{
		int			position = foreach_current_index(cell);
		CsvField   *field = &source->fields[position];

		field->name = lfirst(cell);
		field->attnum = resolve_name(source, names, position);
		field->converter = field->attnum == 0 ? NULL :
			pgsync_target_converter(target, field->attnum);
	}
	check_excluded_names(source);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Moves to the next line that is a row; false at the end of the input.  Blank
 * lines at the end are no rows, unless a row is just one field.
 */
static bool
next_line(CsvSource *source)
{
	PgsyncCsvSplitter *splitter = &source->splitter;

	if (source->nfields > 1 && !source->more_follows &&
		pgsync_csv_at_line_end(splitter))
	{
		if (pgsync_csv_only_line_ends_left(splitter))
			return false;
		source->more_follows = true;
	}
	if (!pgsync_csv_next_row(splitter))
		return false;
	if (splitter->raw_len > 0)
		source->more_follows = false;
	return true;
}

/* Splits the next line into fields; see PgsyncSourceRoutine. */
static bool
csv_source_fetch(PgsyncSource *base, PgsyncRow *row)
{
	CsvSource  *source = (CsvSource *) base;
	PgsyncCsvSplitter *splitter = &source->splitter;

	if (source->input->is_stored && !base->stays_stored)
		pgsync_text_input_fetch_all(source->input);
	row->number = splitter->next_line;
	if (source->fields == NULL)
	{
		row->number += source->options.skip_lines;
		read_header(source);
		row->number = splitter->next_line;
	}
	if (!source->done && next_line(source))
	{
		row->number = splitter->line;
		row->size = splitter->raw_len;
		source->line.fields = splitter->fields;
		source->line.nfields = splitter->nfields;
		source->line.raw = splitter->raw;
		source->line.raw_len = splitter->raw_len;
		return true;
	}
	if (!source->done)
		pgsync_text_input_close(source->input);
	source->done = true;
	/* that the header names a column is enough */
	memcpy(row->named, source->named, base->target->natts);
	return false;
}

/* Reports a row that has not a field for each name, in COPY's words (22P04). */
pg_noreturn static void
report_field_count(CsvSource *source, int nfields)
{
	const CsvLine *line = &source->line;
	const char *hint = NULL;

	if (line->raw_len == 0)
		hint = gettext_noop("The line is empty.");
	else if (line->raw_len == 2 && memcmp(line->raw, "\\.", 2) == 0)
		hint = gettext_noop("A line of just \"\\.\" is data, not the end of the data.");
	if (nfields > source->nfields)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("extra data after last expected column"),
				 errdetail_plural("The header has %d field, the row has %d.",
								  "The header has %d fields, the row has %d.",
								  source->nfields, source->nfields, nfields)));
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("missing data for column \"%s\"",
					source->fields[nfields].name),
			 errdetail_plural("The header has %d field, the row has %d.",
							  "The header has %d fields, the row has %d.",
							  source->nfields, source->nfields, nfields),
			 hint ? errhint("%s", _(hint)) : 0));
}

/* Makes room for all values of the line. */
static void
make_room(CsvSource *source)
{
	Size		size = 0;

	for (int i = 0; i < source->nfields; i++)
		size += PGSYNC_ROOM_FOR(source->line.fields[i].len);
	pgsync_room_begin(&source->room, size);
}

/* Converts the fields of the line; see PgsyncSourceRoutine. */
static void
csv_source_convert(PgsyncSource *base, PgsyncRow *row)
{
	CsvSource  *source = (CsvSource *) base;
	int			nfields = source->line.nfields;

	if (nfields != source->nfields)
		report_field_count(source, nfields);
	memcpy(row->named, source->named, base->target->natts);
	make_room(source);
	for (int i = 0; i < nfields; i++)
	{
		const PgsyncCsvField *value = &source->line.fields[i];
		CsvField   *field = &source->fields[i];
		AttrNumber	attnum = field->attnum;

		if (attnum == 0 || pgsync_source_ignores(base, attnum))
			continue;
		row->column = attnum;
		source->converting = value;
		row->nulls[attnum - 1] = false;
		row->values[attnum - 1] = !value->null ?
			pgsync_convert_text(field->converter, &source->room,
								value->value, value->len) :
			pgsync_convert_null(field->converter, &row->nulls[attnum - 1]);
	}
	row->column = 0;
}

/* Keeps the line at hand; see PgsyncSourceRoutine. */
static void *
csv_source_keep(PgsyncSource *base)
{
	CsvSource  *source = (CsvSource *) base;
	PgsyncCsvSplitter *splitter = &source->splitter;
	const PgsyncCsvField *last = &splitter->fields[splitter->nfields - 1];
	Size		size = last->value + last->len + 1 - splitter->values;
	CsvLine    *kept = palloc(sizeof(CsvLine));
	char	   *values = MemoryContextAllocHuge(CurrentMemoryContext, size);

	*kept = source->line;
	kept->fields = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(PgsyncCsvField) *
										  kept->nfields);
	memcpy(kept->fields, splitter->fields,
		   sizeof(PgsyncCsvField) * kept->nfields);
	memcpy(values, splitter->values, size);
	for (int i = 0; i < kept->nfields; i++)
		kept->fields[i].value = values +
			(splitter->fields[i].value - splitter->values);
	if (!source->input->in_memory)
		kept->raw = pnstrdup(kept->raw, kept->raw_len);
	return kept;
}

/* Makes a kept line the one at hand; see PgsyncSourceRoutine. */
static void
csv_source_recall(PgsyncSource *base, void *row)
{
	((CsvSource *) base)->line = *(CsvLine *) row;
}

/* Appends the field being converted; see PgsyncSourceRoutine. */
static void
csv_source_describe_value(PgsyncSource *base, AttrNumber column,
						  StringInfo buf)
{
	const PgsyncCsvField *value = ((CsvSource *) base)->converting;

	appendBinaryStringInfo(buf, value->value,
						   Min(value->len, PGSYNC_MAX_DESCRIBED));
}

/* Appends the line without its end; see PgsyncSourceRoutine. */
static void
csv_source_append_raw(PgsyncSource *base, StringInfo buf)
{
	CsvSource  *source = (CsvSource *) base;

	appendBinaryStringInfo(buf, source->line.raw, source->line.raw_len);
}

/*
 * Makes an object of the header's names and the line's fields as strings;
 * see PgsyncSourceRoutine.
 */
static Jsonb *
csv_source_make_jsonb(PgsyncSource *base)
{
	CsvSource  *source = (CsvSource *) base;
	JsonbParseState *state = NULL;
	JsonbValue	key = {.type = jbvString};
	JsonbValue	value;

	if (source->line.nfields != source->nfields)
		report_field_count(source, source->line.nfields);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < source->nfields; i++)
	{
		const PgsyncCsvField *field = &source->line.fields[i];

		key.val.string.val = source->fields[i].name;
		key.val.string.len = strlen(source->fields[i].name);
		value.type = field->null ? jbvNull : jbvString;
		value.val.string.val = field->value;
		value.val.string.len = field->len;
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Reports progress in bytes; see PgsyncSourceRoutine. */
static void
csv_source_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	pgsync_text_input_progress(((CsvSource *) base)->input, done, total);
}

static const PgsyncSourceRoutine csv_text_routine = {
	.unit = PGSYNC_UNIT_LINE,
	.fetch = csv_source_fetch,
	.convert = csv_source_convert,
	.keep = csv_source_keep,
	.recall = csv_source_recall,
	.describe_value = csv_source_describe_value,
	.append_raw = csv_source_append_raw,
	.make_jsonb = csv_source_make_jsonb,
	.progress = csv_source_progress,
};

static const PgsyncSourceRoutine csv_file_routine = {
	.unit = PGSYNC_UNIT_LINE,
	.reads_file = true,
	.fetch = csv_source_fetch,
	.convert = csv_source_convert,
	.keep = csv_source_keep,
	.recall = csv_source_recall,
	.describe_value = csv_source_describe_value,
	.append_raw = csv_source_append_raw,
	.make_jsonb = csv_source_make_jsonb,
	.progress = csv_source_progress,
};

/* Insists on a column that CSV could fill, as COPY does. */
static void
check_has_columns(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped && !attr->attgenerated)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("relation \"%s\" has no column that CSV could fill",
					RelationGetRelationName(rel))));
}

/* Creates a source over an input, its options checked. */
static PgsyncSource *
create_source(PgsyncTarget *target, const PgsyncSourceRoutine *routine,
			  PgsyncTextInput *input, const PgsyncCsvOptions *options,
			  const CopyFormatOptions *checked)
{
	CsvSource  *source = palloc0(sizeof(CsvSource));
	PgsyncCsvFormat format = {
		.delimiter = checked->delim[0],
		.quote = checked->quote[0],
		.escape = checked->escape[0],
		.null_string = checked->null_print,
		.null_strings = options->null_strings,
		.trim_blanks = options->trim_blanks
	};

	source->base.routine = routine;
	source->base.target = target;
	source->base.is_stored = input->is_stored;
	source->input = input;
	source->options = *options;
	source->named = palloc0(Max(target->natts, 1));
	pgsync_csv_splitter_init(&source->splitter, input, &format);
	return (PgsyncSource *) source;
}

/*
 * Opens a file of the server.
 *
 * Errors: COPY's own for options that do not make sense; those of
 * pgsync_text_input_open_file.
 */
PgsyncSource *
pgsync_source_csv_open_file(PgsyncTarget *target, const PgsyncFileName *name,
							const PgsyncCsvOptions *options)
{
	CopyFormatOptions *checked = check_options(options);
	int			encoding = checked->file_encoding >= 0 ?
	checked->file_encoding : pg_get_client_encoding();

	check_has_columns(target->rel);
	return create_source(target, &csv_file_routine,
						 pgsync_text_input_open_file(name, encoding),
						 options, checked);
}

/*
 * Opens a text, perhaps toasted, which must outlive the source.
 *
 * Errors: COPY's own for options that do not make sense.
 */
PgsyncSource *
pgsync_source_csv_open_text(PgsyncTarget *target, struct varlena *csv,
							const PgsyncCsvOptions *options)
{
	CopyFormatOptions *checked = check_options(options);

	check_has_columns(target->rel);
	return create_source(target, &csv_text_routine,
						 pgsync_text_input_open_value(csv),
						 options, checked);
}
