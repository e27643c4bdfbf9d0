/*-------------------------------------------------------------------------
 *
 * row_source.c
 *	  The type row_source: where rows come from, as a value.
 *
 * A value is made by the functions of row_source_make.c, and read by
 * row_source_open.c.  Nothing else makes one: input refuses.
 *
 * In memory it is an expanded object that holds its arguments as they are, so
 * that there is one copy of a text however often the value is passed on; it
 * is made flat only to be stored:
 *
 *		header			what has a fixed length
 *		field ...		those that are there, each detoasted, with a 4-byte
 *						header, at an offset that MAXALIGN gives
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "source/row_source.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/expandeddatum.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"

/* Told apart from whatever else somebody has made binary-coercible */
#define ROW_SOURCE_MAGIC	0x50525332

/* A value as it is stored */
typedef struct FlatRowSource
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint32		magic;
	uint16		kind;
	bool		ignore_unknown;
	bool		trim_blanks;
	Oid			maker;
	int32		skip_lines;
	uint32		present;		/* a bit for each field */
} FlatRowSource;

#define FLAT_HEADER_SIZE	MAXALIGN(sizeof(FlatRowSource))

/* A value in memory */
typedef struct ExpandedRowSource
{
	ExpandedObjectHeader hdr;
	PgsyncRowSource value;
} ExpandedRowSource;

PG_FUNCTION_INFO_V1(row_source_in);
PG_FUNCTION_INFO_V1(row_source_out);
PG_FUNCTION_INFO_V1(row_source_recv);
PG_FUNCTION_INFO_V1(row_source_send);

/* Returns how long the value is when it is flat; see expandeddatum.h. */
static Size
get_flat_size(ExpandedObjectHeader *eohptr)
{
	PgsyncRowSource *value = &((ExpandedRowSource *) eohptr)->value;
	Size		size = FLAT_HEADER_SIZE;

	for (int i = 0; i < PGSYNC_ROW_SOURCE_FIELDS; i++)
	{
		if (value->fields[i] != NULL)
			size += MAXALIGN(VARSIZE(value->fields[i]));
	}
	if (!AllocSizeIsValid(size))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("row source exceeds the maximum size of a stored value"),
				 errhint("Pass it to the function that reads it without storing it.")));
	return size;
}

/* Makes the value flat; see expandeddatum.h. */
static void
flatten_into(ExpandedObjectHeader *eohptr, void *result, Size allocated_size)
{
	PgsyncRowSource *value = &((ExpandedRowSource *) eohptr)->value;
	FlatRowSource *flat = result;
	char	   *ptr = (char *) result + FLAT_HEADER_SIZE;

	memset(result, 0, allocated_size);
	SET_VARSIZE(flat, allocated_size);
	flat->magic = ROW_SOURCE_MAGIC;
	flat->kind = value->kind;
	flat->ignore_unknown = value->ignore_unknown;
	flat->trim_blanks = value->trim_blanks;
	flat->maker = value->maker;
	flat->skip_lines = value->skip_lines;
	for (int i = 0; i < PGSYNC_ROW_SOURCE_FIELDS; i++)
	{
		if (value->fields[i] == NULL)
			continue;
		flat->present |= 1U << i;
		memcpy(ptr, value->fields[i], VARSIZE(value->fields[i]));
		ptr += MAXALIGN(VARSIZE(value->fields[i]));
	}
}

static const ExpandedObjectMethods row_source_methods = {
	.get_flat_size = get_flat_size,
	.flatten_into = flatten_into
};

/*
 * Begins a value: an expanded object, below the current memory context, whose
 * fields the caller sets to values in *context.
 */
PgsyncRowSource *
pgsync_row_source_create(PgsyncRowSourceKind kind, MemoryContext *context)
{
	ExpandedRowSource *object;

	*context = AllocSetContextCreate(CurrentMemoryContext, "pgsync row source",
									 ALLOCSET_START_SMALL_SIZES);
	object = MemoryContextAllocZero(*context, sizeof(ExpandedRowSource));
	EOH_init_header(&object->hdr, &row_source_methods, *context);
	object->value.kind = kind;
	return &object->value;
}

/* Returns the Datum of a value that has been made. */
Datum
pgsync_row_source_datum(PgsyncRowSource *value)
{
	ExpandedRowSource *object = (ExpandedRowSource *)
	((char *) value - offsetof(ExpandedRowSource, value));

	return EOHPGetRWDatum(&object->hdr);
}

/* Takes a flat value apart; the fields stay where they are. */
static PgsyncRowSource *
read_flat(FlatRowSource *flat)
{
	PgsyncRowSource *value = palloc0(sizeof(PgsyncRowSource));
	char	   *ptr = (char *) flat + FLAT_HEADER_SIZE;

	if (VARSIZE(flat) < FLAT_HEADER_SIZE || flat->magic != ROW_SOURCE_MAGIC)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid value of type %s", "row_source")));
	value->kind = flat->kind;
	value->ignore_unknown = flat->ignore_unknown;
	value->trim_blanks = flat->trim_blanks;
	value->maker = flat->maker;
	value->skip_lines = flat->skip_lines;
	for (int i = 0; i < PGSYNC_ROW_SOURCE_FIELDS; i++)
	{
		if ((flat->present & (1U << i)) == 0)
			continue;
		value->fields[i] = (struct varlena *) ptr;
		ptr += MAXALIGN(VARSIZE(ptr));
	}
	return value;
}

/*
 * Returns a value taken apart, for as long as the Datum and the current
 * memory context last.
 */
const PgsyncRowSource *
pgsync_row_source_get(Datum datum)
{
	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(datum)))
	{
		ExpandedObjectHeader *eohptr = DatumGetEOHP(datum);

		if (eohptr->eoh_methods == &row_source_methods)
			return &((ExpandedRowSource *) eohptr)->value;
	}
	return read_flat((FlatRowSource *) PG_DETOAST_DATUM(datum));
}

/* Returns a field of type text as a C string, or NULL. */
char *
pgsync_row_source_string(const PgsyncRowSource *value,
						 PgsyncRowSourceField field)
{
	if (value->fields[field] == NULL)
		return NULL;
	return text_to_cstring(value->fields[field]);
}

/*
 * row_source_in(cstring) returns row_source
 *
 * Refuses (0A000): a value comes from the functions that make one.
 */
Datum
row_source_in(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot accept a value of type %s", "row_source"),
			 errhint("Make one with from_json, from_csv, from_query, or what reads a file.")));
	PG_RETURN_NULL();			/* keep compiler quiet */
}

/* The same for binary input. */
Datum
row_source_recv(PG_FUNCTION_ARGS)
{
	return row_source_in(fcinfo);
}

/* Appends one argument, as it stands in a call. */
static void
append_argument(StringInfo buf, const PgsyncRowSource *value, int field)
{
	static const char *const names[PGSYNC_ROW_SOURCE_FIELDS] = {
		NULL, "columns", "transforms", "at", "key_column", "delimiter",
		"null_string", "quote", "escape", "null_strings", "header", "encoding",
		"args"
	};
	struct varlena *data = value->fields[field];
	char	   *text;

	switch (field)
	{
		case PGSYNC_FIELD_COLUMNS:
		case PGSYNC_FIELD_TRANSFORMS:
			text = JsonbToCString(NULL, &((Jsonb *) data)->root,
								  VARSIZE(data));

			break;
		case PGSYNC_FIELD_AT:
		case PGSYNC_FIELD_NULL_STRINGS:
		case PGSYNC_FIELD_HEADER:
		case PGSYNC_FIELD_ARGS:
			text = OidOutputFunctionCall(F_ARRAY_OUT, PointerGetDatum(data));

			break;
		default:
			text = text_to_cstring(data);

			break;
	}
	appendStringInfo(buf, ", %s => %s", names[field],
					 quote_literal_cstr(text));
}

/* Appends what the rows come from: a path, or how much data it is. */
static void
append_data(StringInfo buf, const PgsyncRowSource *value)
{
	static const char *const functions[] = {
		"from_json", "from_json", "from_json", "from_json_file", "from_csv",
		"from_csv_file", "from_query"
	};
	struct varlena *data = value->fields[PGSYNC_FIELD_DATA];

	appendStringInfo(buf, "%s(", functions[value->kind]);
	if (value->kind == PGSYNC_ROWS_JSON_FILE ||
		value->kind == PGSYNC_ROWS_CSV_FILE ||
		value->kind == PGSYNC_ROWS_QUERY)
		appendStringInfoString(buf, quote_literal_cstr(text_to_cstring(data)));
	else
		appendStringInfo(buf, "/* %zu bytes */",
						 (size_t) (VARSIZE(data) - VARHDRSZ));
}

/*
 * row_source_out(row_source) returns cstring
 *
 * Shows the call that made the value, the data itself only by its size.
 */
Datum
row_source_out(PG_FUNCTION_ARGS)
{
	const PgsyncRowSource *value = pgsync_row_source_get(PG_GETARG_DATUM(0));
	StringInfoData buf;

	initStringInfo(&buf);
	append_data(&buf, value);
	for (int i = PGSYNC_FIELD_COLUMNS; i < PGSYNC_ROW_SOURCE_FIELDS; i++)
	{
		if (value->fields[i] != NULL)
			append_argument(&buf, value, i);
	}
	if (value->ignore_unknown)
		appendStringInfoString(&buf, ", ignore_unknown => true");
	if (value->trim_blanks)
		appendStringInfoString(&buf, ", trim_blanks => true");
	if (value->skip_lines != 0)
		appendStringInfo(&buf, ", skip_lines => %d", value->skip_lines);
	appendStringInfoChar(&buf, ')');
	PG_RETURN_CSTRING(buf.data);
}

/* The same as binary output. */
Datum
row_source_send(PG_FUNCTION_ARGS)
{
	char	   *shown = DatumGetCString(row_source_out(fcinfo));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, shown, strlen(shown));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
