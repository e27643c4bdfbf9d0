/*-------------------------------------------------------------------------
 *
 * source_csv.c
 *	  Rows from CSV, read by COPY's own parser.
 *
 *		id,name,"born, or so"		the header names columns of the target
 *		1,Ada,1815-12-10			a row: one field for each name
 *		2,,							unquoted and empty: NULL
 *
 * The bytes come from csv_input.c.  COPY's parser (core's copyfromparse.c)
 * converts their encoding, finds the lines and splits them; here a field
 * goes to the column that the header names for it, or nowhere.
 *
 * One thing is done in another way than the parser has it: up to PostgreSQL
 * 17 it takes a line of just \. for the end of the data, whatever follows.
 * Here that line is a field like any other, as PostgreSQL 18 has it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/args.h"
#include "common/relation.h"
#include "commands/copy.h"
#include "commands/copyfrom_internal.h"
#include "commands/progress.h"
#include "source/csv_input.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "source/outer_progress.h"
#include "source/source_csv.h"
#include "utils/rel.h"

/* A line that older parsers take for the end of the data */
#define END_MARKER	"\\."

/* What a field of the header leads to */
typedef struct CsvField
{
	char	   *name;
	AttrNumber	attnum;			/* 0: excluded */
	PgsyncConverter *converter; /* NULL: excluded */
} CsvField;

/* A name in exclude_columns */
typedef struct ExcludedName
{
	const char *name;
	bool		in_header;
} ExcludedName;

typedef struct CsvSource
{
	PgsyncSource base;
	PgsyncCsvInput *input;
	CopyFromState copy;			/* COPY's parser */
	PgsyncOuterProgress outer;	/* what showed as progress before us */
	List	   *exclude_columns;
	ExcludedName *excluded;		/* the same, sorted */
	CsvField   *fields;			/* of the header; NULL until it is read */
	int			nfields;
	bool	   *named;			/* the columns that the header names */
	char	  **values;			/* of the line; NULL for a null */
	int			nvalues;
	const char *value;			/* being converted; NULL for a null */
	bool		at_marker;		/* is the line just \. ? */
	char	   *marker_fields[1];	/* see read_end_marker */
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

/*
 * Returns a line of just \. as the one field it is.  COPY's parser has
 * dropped it, but goes on with the next line when it is asked to.
 *
 * Errors: 22P04 where \ or . mean something else than themselves.
 */
static void
read_end_marker(CsvSource *source, char ***fields, int *nfields)
{
	CopyFormatOptions *options = &source->copy->opts;

	if (options->delim[0] == '.' || options->delim[0] == '\\' ||
		options->quote[0] == '.' || options->quote[0] == '\\')
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("a line of just \"%s\" is ambiguous with this delimiter or quote",
						END_MARKER),
				 errhint("Quote the value, or choose another delimiter and quote.")));
	source->marker_fields[0] = NULL;
	if (strcmp(options->null_print, END_MARKER) != 0)
		source->marker_fields[0] = pstrdup(END_MARKER);
	*fields = source->marker_fields;
	*nfields = 1;
}

/*
 * Splits the next line into fields, in the parser's own buffers; a null is a
 * NULL pointer.  False at the end of the data.  row->number is the line that
 * the row begins on: an unterminated quote is to be found there, not at the
 * end of the file.
 */
static bool
read_fields(CsvSource *source, PgsyncRow *row, char ***fields, int *nfields)
{
	CopyFromState copy = source->copy;
	bool		found;

	row->number = copy->cur_lineno + 1;

	pgsync_csv_input_begin_reading(source->input);
	found = NextCopyFromRawFields(copy, fields, nfields);
	pgsync_csv_input_end_reading(source->input);
	row->size = copy->line_buf.len;
	/* the parser has shown its own bytes as the outer command's */
	if (source->outer.command != PROGRESS_COMMAND_INVALID)
		pgstat_progress_update_param(PROGRESS_COPY_BYTES_PROCESSED,
									 source->outer.params[PROGRESS_COPY_BYTES_PROCESSED]);

	source->at_marker = !found && !copy->input_reached_eof;
	if (source->at_marker)
		read_end_marker(source, fields, nfields);
	return found || source->at_marker;
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
	int			count = list_length(source->exclude_columns);

	source->excluded = palloc0(sizeof(ExcludedName) * Max(count, 1));
	for (int i = 0; i < count; i++)
		source->excluded[i].name = list_nth(source->exclude_columns, i);
	qsort(source->excluded, count, sizeof(ExcludedName), compare_excluded);
}

/* Finds a name in exclude_columns, NULL if it is not there. */
static ExcludedName *
find_excluded(CsvSource *source, const char *name)
{
	ExcludedName key = {.name = name};

	return bsearch(&key, source->excluded,
				   list_length(source->exclude_columns),
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

/* Reports a name in the header that is no column (42703). */
pg_noreturn static void
report_unknown_name(CsvSource *source, const char *name)
{
	pgsync_undefined_column(source->base.target->rel, name, strlen(name),
							_("The first line of the CSV must name columns of the target."),
							source->nfields == 1 ? delimiter_hint(name) : NULL,
							_("A field that is not to be loaded can be named in exclude_columns."));
}

/*
 * Finds the column that a name in the header means; 0 if it is excluded.
 *
 * Errors: 22P04 for an empty name, 42703 for an unknown one, 42701 for one
 * that has come before.
 */
static AttrNumber
resolve_name(CsvSource *source, const char *name, int position)
{
	PgsyncTarget *target = source->base.target;
	ExcludedName *excluded = find_excluded(source, name);
	AttrNumber	attnum;

	CHECK_FOR_INTERRUPTS();
	if (excluded != NULL)
	{
		excluded->in_header = true;
		return 0;
	}
	if (name[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("field %d of the CSV header is empty", position + 1),
				 errhint("The first line must name a column for each field.")));
	attnum = pgsync_target_find(target, name, strlen(name));
	if (attnum == 0)
		report_unknown_name(source, name);
	if (source->named[attnum - 1])
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" comes twice in the CSV header", name)));
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

	foreach(cell, source->exclude_columns)
	{
		const char *name = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (!find_excluded(source, name)->in_header &&
			pgsync_target_find(target, name, strlen(name)) == 0)
			report_unknown_excluded(source, name);
	}
}

/*
 * Puts the parser's line number right after a header with line breaks in
 * quotes: it did not know yet which character ends a line.
 */
static void
correct_line_number(CopyFromState copy)
{
	if (copy->eol_type != EOL_NL)
		return;
	copy->cur_lineno = 1;

	for (int i = 0; i < copy->line_buf.len; i++)
	{
		if (copy->line_buf.data[i] == '\n')
			copy->cur_lineno++;
	}
}

/*
 * Reads the header and finds out where each field goes.
 *
 * Errors: 22P04 if there is none, and those of resolve_name.
 */
static void
read_header(CsvSource *source, PgsyncRow *row)
{
	PgsyncTarget *target = source->base.target;
	MemoryContext oldcontext = MemoryContextSwitchTo(target->mcxt);
	char	  **names;

	if (!read_fields(source, row, &names, &source->nfields))
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("the CSV is empty: it has no header"),
				 errhint("The first line must name a column for each field.")));
	correct_line_number(source->copy);

	sort_excluded_names(source);
	source->fields = palloc(sizeof(CsvField) * source->nfields);
	for (int i = 0; i < source->nfields; i++)
	{
		CsvField   *field = &source->fields[i];

		/* a name may look like the null string */
		field->name = pstrdup(names[i] != NULL ? names[i] :
							  source->copy->opts.null_print);
		field->attnum = resolve_name(source, field->name, i);
		field->converter = field->attnum == 0 ? NULL :
			pgsync_target_converter(target, field->attnum);
	}
	check_excluded_names(source);
	MemoryContextSwitchTo(oldcontext);
}

/* Reports a row that has not a field for each name, in COPY's words (22P04). */
static void
report_field_count(CsvSource *source, int nfields)
{
	const char *hint = NULL;

	if (source->at_marker)
		hint = gettext_noop("A line of just \"\\.\" is data, not the end of the data.");
	else if (source->copy->line_buf.len == 0)
		hint = gettext_noop("The line is empty.");
	if (nfields > source->nfields)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("extra data after last expected column"),
				 errdetail("The header has %d fields, the row has %d.",
						   source->nfields, nfields)));
	ereport(ERROR,
			(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
			 errmsg("missing data for column \"%s\"",
					source->fields[nfields].name),
			 errdetail("The header has %d fields, the row has %d.",
					   source->nfields, nfields),
			 hint ? errhint("%s", _(hint)) : 0));
}

/* Splits the next line into fields; see PgsyncSourceRoutine. */
static bool
csv_source_fetch(PgsyncSource *base, PgsyncRow *row)
{
	CsvSource  *source = (CsvSource *) base;

	if (source->fields == NULL)
		read_header(source, row);
	if (read_fields(source, row, &source->values, &source->nvalues))
		return true;
	/* that the header names a column is enough */
	memcpy(row->named, source->named, base->target->natts);
	return false;
}

/* Converts the fields of the line; see PgsyncSourceRoutine. */
static void
csv_source_convert(PgsyncSource *base, PgsyncRow *row)
{
	CsvSource  *source = (CsvSource *) base;
	char	  **values = source->values;

	if (source->nvalues != source->nfields)
		report_field_count(source, source->nvalues);
	memcpy(row->named, source->named, base->target->natts);
	for (int i = 0; i < source->nfields; i++)
	{
		CsvField   *field = &source->fields[i];
		AttrNumber	attnum = field->attnum;

		if (attnum == 0)
			continue;
		row->column = attnum;
		source->value = values[i];
		row->nulls[attnum - 1] = false;
		row->values[attnum - 1] = values[i] != NULL ?
			pgsync_convert_text(field->converter, values[i]) :
			pgsync_convert_null(field->converter, &row->nulls[attnum - 1]);
	}
	row->column = 0;
}

/* Appends the field being converted; see PgsyncSourceRoutine. */
static void
csv_source_describe_value(PgsyncSource *base, AttrNumber column,
						  StringInfo buf)
{
	CsvSource  *source = (CsvSource *) base;
	const char *value = source->value != NULL ? source->value :
	source->copy->opts.null_print;

	appendBinaryStringInfo(buf, value, strnlen(value, PGSYNC_MAX_DESCRIBED));
}

/* Appends the line, as the parser has found it; see PgsyncSourceRoutine. */
static void
csv_source_append_raw(PgsyncSource *base, StringInfo buf)
{
	CsvSource  *source = (CsvSource *) base;
	StringInfo	line = &source->copy->line_buf;

	if (source->at_marker)
		appendStringInfoString(buf, END_MARKER);
	else
		appendBinaryStringInfo(buf, line->data, line->len);
}

/* Reports progress in bytes; see PgsyncSourceRoutine. */
static void
csv_source_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	CsvSource  *source = (CsvSource *) base;

	*done = source->copy->bytes_processed;
	*total = pgsync_csv_input_length(source->input);
}

/* Closes the parser and the input; see PgsyncSourceRoutine. */
static void
csv_source_close(PgsyncSource *base)
{
	CsvSource  *source = (CsvSource *) base;

	EndCopyFrom(source->copy);
	pgsync_outer_progress_restore(&source->outer);
	pgsync_csv_input_close(source->input);
}

static const PgsyncSourceRoutine csv_text_routine = {
	.unit = PGSYNC_UNIT_LINE,
	.fetch = csv_source_fetch,
	.convert = csv_source_convert,
	.describe_value = csv_source_describe_value,
	.append_raw = csv_source_append_raw,
	.close = csv_source_close,
	.progress = csv_source_progress,
};

static const PgsyncSourceRoutine csv_file_routine = {
	.unit = PGSYNC_UNIT_LINE,
	.reads_file = true,
	.fetch = csv_source_fetch,
	.convert = csv_source_convert,
	.describe_value = csv_source_describe_value,
	.append_raw = csv_source_append_raw,
	.close = csv_source_close,
	.progress = csv_source_progress,
};

/*
 * Insists on a column that CSV could fill: COPY's parser does not read even a
 * header without.
 */
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

/*
 * Starts COPY's parser on an input.  Of the relation it is given, it only
 * looks at how many columns there are.
 *
 * It reports progress, but without rows: what showed before it is put back,
 * and load.c reports for it.
 */
static PgsyncSource *
create_source(PgsyncTarget *target, const PgsyncSourceRoutine *routine,
			  PgsyncCsvInput *input, const PgsyncCsvOptions *options)
{
	CsvSource  *source = palloc0(sizeof(CsvSource));

	check_has_columns(target->rel);
	source->base.routine = routine;
	source->base.target = target;
	source->input = input;
	source->exclude_columns = options->exclude_columns;
	source->named = palloc0(Max(target->natts, 1));
	pgsync_outer_progress_save(&source->outer);
	source->copy = BeginCopyFrom(NULL, target->rel, NULL, NULL, false,
								 pgsync_csv_input_callback, NIL,
								 make_copy_options(options));
	pgsync_outer_progress_restore(&source->outer);
	pgsync_csv_input_set_encoding(input, source->copy->file_encoding);
	return (PgsyncSource *) source;
}

/*
 * Opens a file of the server, whose access the caller has checked.
 *
 * Errors: the operating system's, 42809 for a directory; COPY's own for
 * options that do not make sense.
 */
PgsyncSource *
pgsync_source_csv_open_file(PgsyncTarget *target, const char *path,
							const PgsyncCsvOptions *options)
{
	return create_source(target, &csv_file_routine,
						 pgsync_csv_input_open_file(path), options);
}

/*
 * Opens a detoasted text, which must outlive the source.
 *
 * Errors: COPY's own for options that do not make sense.
 */
PgsyncSource *
pgsync_source_csv_open_text(PgsyncTarget *target, text *csv,
							const PgsyncCsvOptions *options)
{
	PgsyncCsvOptions text_options = *options;

	text_options.encoding = GetDatabaseEncodingName();
	return create_source(target, &csv_text_routine,
						 pgsync_csv_input_open_text(csv), &text_options);
}
