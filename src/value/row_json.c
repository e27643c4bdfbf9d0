/*-------------------------------------------------------------------------
 *
 * row_json.c
 *	  A row as the text of a JSON object, its columns as keys.
 *
 * The text is the one that core's row_to_json(record) makes, byte by byte:
 * columns in their order, two of one name both.  That function learns anew
 * for every row what its columns are; here each column's key is printed once,
 * and a function chosen once for its values.  Common types are printed here;
 * arrays, composites and types with a cast to json go through core's to_json,
 * a value at a time.
 *
 * A text that is to be read back differs from that where core's reader
 * (jsonb_populate_record) would not make the same value of it: of arrays of
 * json, say, whose elements may be arrays, or of a negative zero.  There, the
 * value's text form stands in a string, which is read by the type's input
 * function.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"
#include "value/datetime_text.h"
#include "value/row_json.h"

/* The longest texts of an integer and a bigint, their ends included */
#define MAX_INT4_TEXT	12
#define MAX_INT8_TEXT	21

/* Keys are copied by whole blocks, which need no call */
#define KEY_BLOCK		16

typedef struct PrintedColumn PrintedColumn;

/* Appends a value of the column that is not null. */
typedef void (*ColumnPrinter) (PrintedColumn *column, Datum datum,
							   PgsyncJsonText *out);

/* A column that is not dropped */
struct PrintedColumn
{
	int			attindex;		/* its index in the slot's values */
	const char *name;
	Oid			basetype;		/* its type, seen through domains */
	char	   *key;			/* separator, name, and colon, padded with
								 * zeros to whole blocks */
	int			key_length;
	ColumnPrinter print;
	FmgrInfo	function;		/* the type's output function, or to_json */
	PgsyncDatetimeText datetime;	/* of a date or timestamp */
};

struct PgsyncRowJson
{
	int			ncolumns;
	PrintedColumn columns[FLEXIBLE_ARRAY_MEMBER];
};

/* Prints a value of any type, through core's to_json. */
static void
print_any(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	struct varlena *json = DatumGetTextPP(FunctionCall1(&column->function, datum));

	pgsync_json_append(out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
}

/* Prints a boolean. */
static void
print_bool(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	if (DatumGetBool(datum))
		pgsync_json_append(out, "true", 4);
	else
		pgsync_json_append(out, "false", 5);
}

/* Prints a smallint. */
static void
print_int2(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	out->length += pg_itoa(DatumGetInt16(datum),
						   pgsync_json_room(out, MAX_INT4_TEXT));
}

/* Prints an integer. */
static void
print_int4(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	out->length += pg_ltoa(DatumGetInt32(datum),
						   pgsync_json_room(out, MAX_INT4_TEXT));
}

/* Prints a bigint. */
static void
print_int8(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	out->length += pg_lltoa(DatumGetInt64(datum),
							pgsync_json_room(out, MAX_INT8_TEXT));
}

/* Appends the text form of a number; if it is not finite, as a string. */
static void
put_number(PgsyncJsonText *out, const char *string)
{
	int			length = strlen(string);

	if (strpbrk(string, "nN") != NULL)
		pgsync_json_string(out, string, length);
	else
		pgsync_json_append(out, string, length);
}

/* Prints a real or double precision, or any numeric. */
static void
print_number(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	put_number(out, OutputFunctionCall(&column->function, datum));
}

/* Prints a numeric. */
static void
print_numeric(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	if (!pgsync_json_numeric(out, PG_DETOAST_DATUM_PACKED(datum)))
		print_number(column, datum, out);
}

/* Prints a value whose text form is its JSON string. */
static void
print_output(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	char	   *string = OutputFunctionCall(&column->function, datum);

	pgsync_json_string(out, string, strlen(string));
}

/* Prints a text, varchar or character: its bytes are its text form. */
static void
print_text(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	struct varlena *string = DatumGetTextPP(datum);

	pgsync_json_string(out, VARDATA_ANY(string), VARSIZE_ANY_EXHDR(string));
}

/* Writes a date or timestamp in its ISO 8601 form; returns its length. */
static int
put_datetime(PrintedColumn *column, Datum datum, char *to)
{
	int			length;

	if (column->basetype == DATEOID)
		length = pgsync_date_text(&column->datetime, DatumGetDateADT(datum),
								  to);
	else if (column->basetype == TIMESTAMPOID)
		length = pgsync_timestamp_text(&column->datetime,
									   DatumGetTimestamp(datum), to);
	else
		length = pgsync_timestamptz_text(&column->datetime,
										 DatumGetTimestampTz(datum), to);
	if (length > 0)
		return length;
	JsonEncodeDateTime(to, datum, column->basetype, NULL);
	return strlen(to);
}

/* Prints a date or timestamp. */
static void
print_datetime(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	char	   *to = pgsync_json_room(out, MAXDATELEN + 3);
	int			length = put_datetime(column, datum, to + 1);

	to[0] = '"';
	to[length + 1] = '"';
	out->length += length + 2;
}

/* Prints a json: it is its text. */
static void
print_json(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	struct varlena *json = DatumGetTextPP(datum);

	pgsync_json_append(out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
}

/* Prints a jsonb. */
static void
print_jsonb(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	pgsync_json_jsonb(out, DatumGetJsonbP(datum));
}

/*
 * Prints a real or double precision that is to be read back: as jsonb knows
 * the numbers of JSON, none of them is a negative zero.
 */
static void
print_float_back(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	char	   *string = OutputFunctionCall(&column->function, datum);

	if (strcmp(string, "-0") == 0)
		pgsync_json_string(out, string, strlen(string));
	else
		put_number(out, string);
}

/* Returns whether a JSON text may have a negative zero among its numbers. */
static bool
may_have_negative_zero(const char *json, int length)
{
	const char *end = json + length;

	/* the text of an array or composite goes on behind a number */
	while ((json = memchr(json, '-', end - json)) != NULL)
	{
		json++;
		if (end - json >= 2 && json[0] == '0' &&
			(json[1] == ',' || json[1] == ']' || json[1] == '}'))
			return true;
	}
	return false;
}

/* Prints an array or composite that is to be read back. */
static void
print_any_back(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	struct varlena *json = DatumGetTextPP(FunctionCall1(&column->function, datum));
	char	   *string;
	Oid			output;
	bool		is_varlena;

	if (!may_have_negative_zero(VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json)))
	{
		pgsync_json_append(out, VARDATA_ANY(json), VARSIZE_ANY_EXHDR(json));
		return;
	}
	getTypeOutputInfo(column->basetype, &output, &is_varlena);
	string = OidOutputFunctionCall(output, datum);
	pgsync_json_string(out, string, strlen(string));
}

/* Refuses a JSON null: read back, it would be SQL's (0A000). */
static void
report_json_null(PrintedColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("column \"%s\" holds a JSON null", column->name),
			 errdetail("In rows written as JSON, null stands for SQL's NULL."),
			 errhint("Set the column to NULL in such rows, or fetch it as text with fetch_json, and insert it with a transform.")));
}

/* Prints a json that is to be read back. */
static void
print_json_back(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	struct varlena *json = DatumGetTextPP(datum);
	const char *text = VARDATA_ANY(json);
	int			length = VARSIZE_ANY_EXHDR(json);
	int			spaces = 0;

	while (spaces < length && strchr(" \t\n\r", text[spaces]) != NULL)
		spaces++;
	if (spaces < length && text[spaces] == 'n')
		report_json_null(column);
	pgsync_json_append(out, text, length);
}

/* Prints a jsonb that is to be read back. */
static void
print_jsonb_back(PrintedColumn *column, Datum datum, PgsyncJsonText *out)
{
	Jsonb	   *jsonb = DatumGetJsonbP(datum);
	JsonbValue	value;

	if (JB_ROOT_IS_SCALAR(jsonb) &&
		JsonbExtractScalar(&jsonb->root, &value) && value.type == jbvNull)
		report_json_null(column);
	pgsync_json_jsonb(out, jsonb);
}

/* Returns whether a type of a user's has a cast to json. */
static bool
has_json_cast(Oid basetype)
{
	Oid			function;

	return basetype >= FirstNormalObjectId &&
		find_coercion_pathway(JSONOID, basetype, COERCION_EXPLICIT,
							  &function) == COERCION_PATH_FUNC;
}

/*
 * Returns whether core makes more of a type's values than a string of their
 * text form: arrays, composites, and types of a user that have a cast to
 * json (json_categorize_type in json.c).
 */
static bool
has_json_form(Oid basetype)
{
	if (OidIsValid(get_element_type(basetype)) || type_is_rowtype(basetype))
		return true;
	switch (basetype)
	{
		case ANYARRAYOID:
		case ANYCOMPATIBLEARRAYOID:
		case RECORDARRAYOID:
			return true;
		default:
			return has_json_cast(basetype);
	}
}

static bool reads_back(Oid type);

/* Returns whether all columns of a composite type read back. */
static bool
columns_read_back(Oid type)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	bool		result = true;

	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped &&
			!reads_back(TupleDescAttr(desc, i)->atttypid))
			result = false;
	}
	ReleaseTupleDesc(desc);
	return result;
}

/*
 * Returns whether what to_json makes of a type's values is read as the same
 * values (but for the lower bounds of arrays).  Within arrays and composites,
 * a json may hide a null, or an array that would be taken for a dimension; the
 * same goes for arrays of arrays, by way of a domain.
 */
static bool
reads_back(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	if (type == JSONOID || type == JSONBOID ||
		type == INT2VECTOROID || type == OIDVECTOROID)
		return false;
	element = get_element_type(type);
	if (OidIsValid(element))
		return !OidIsValid(get_element_type(getBaseType(element))) &&
			reads_back(element);
	if (type_is_rowtype(type))
		return columns_read_back(type);
	return !has_json_cast(type);
}

/* Returns what prints values of a type that is no domain. */
static ColumnPrinter
printer_for_type(Oid basetype)
{
	switch (basetype)
	{
		case BOOLOID:
			return print_bool;
		case INT2OID:
			return print_int2;
		case INT4OID:
			return print_int4;
		case INT8OID:
			return print_int8;
		case NUMERICOID:
			return print_numeric;
		case FLOAT4OID:
		case FLOAT8OID:
			return print_number;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return print_datetime;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return print_text;
		case JSONOID:
			return print_json;
		case JSONBOID:
			return print_jsonb;
		default:
			return has_json_form(basetype) ? print_any : print_output;
	}
}

/* Returns what prints a type's values so that they can be read back. */
static ColumnPrinter
printer_to_read_back(Oid basetype)
{
	switch (basetype)
	{
		case JSONOID:
			return print_json_back;
		case JSONBOID:
			return print_jsonb_back;
		case FLOAT4OID:
		case FLOAT8OID:
			return print_float_back;
		default:
			if (!has_json_form(basetype))
				return printer_for_type(basetype);
			return reads_back(basetype) ? print_any_back : print_output;
	}
}

/* Looks up the function that the column's printer calls. */
static void
init_function(PrintedColumn *column, Oid type, MemoryContext context)
{
	Oid			output;
	bool		is_varlena;
	List	   *args;

	if (column->print != print_any && column->print != print_any_back)
	{
		getTypeOutputInfo(column->basetype, &output, &is_varlena);
		fmgr_info_cxt(output, &column->function, context);
		return;
	}
	/* to_json asks the expression that calls it for its argument's type */
	args = list_make1(makeNullConst(type, -1, InvalidOid));
	fmgr_info_cxt(F_TO_JSON, &column->function, context);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSON, JSONOID, args,
											 InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &column->function);
}

/* Sets up how one column is printed; "first" has no separator before it. */
static void
init_column(PrintedColumn *column, TupleDesc tupdesc, int attindex,
			PgsyncJsonForm form, bool first, MemoryContext context)
{
	Form_pg_attribute attribute = TupleDescAttr(tupdesc, attindex);
	StringInfoData key;

	column->attindex = attindex;
	column->name = pstrdup(NameStr(attribute->attname));
	column->basetype = getBaseType(attribute->atttypid);
	column->print = form == PGSYNC_JSON_READ_BACK ?
		printer_to_read_back(column->basetype) :
		printer_for_type(column->basetype);
	init_function(column, attribute->atttypid, context);

	initStringInfo(&key);
	if (!first)
		appendStringInfoChar(&key, ',');
	escape_json(&key, NameStr(attribute->attname));
	appendStringInfoChar(&key, ':');
	column->key_length = key.len;
	column->key = palloc0(TYPEALIGN(KEY_BLOCK, key.len));
	memcpy(column->key, key.data, key.len);
	pfree(key.data);
}

/*
 * Prepares to print rows of this descriptor; what it allocates, it allocates
 * in "context", and it does not keep the descriptor.  Dropped columns, which
 * a table's own descriptor has, are left out.
 */
PgsyncRowJson *
pgsync_row_json_create(TupleDesc tupdesc, PgsyncJsonForm form,
					   MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	PgsyncRowJson *state = palloc0(offsetof(PgsyncRowJson, columns) +
								   tupdesc->natts * sizeof(PrintedColumn));

	for (int i = 0; i < tupdesc->natts; i++)
	{
		if (TupleDescAttr(tupdesc, i)->attisdropped)
			continue;
		init_column(&state->columns[state->ncolumns], tupdesc, i, form,
					state->ncolumns == 0, context);
		state->ncolumns++;
	}
	MemoryContextSwitchTo(oldcontext);
	return state;
}

/* Appends a column's key. */
static inline void
append_key(PgsyncJsonText *out, const PrintedColumn *column)
{
	int			length = column->key_length;
	char	   *to = pgsync_json_room(out, TYPEALIGN(KEY_BLOCK, length));

	for (int i = 0; i < length; i += KEY_BLOCK)
		memcpy(to + i, column->key + i, KEY_BLOCK);
	out->length += length;
}

/*
 * Appends the slot's row as an object.  Scratch of the printing stays in the
 * current memory context, which the caller resets now and then.
 */
void
pgsync_row_json_append(PgsyncRowJson *state, PgsyncJsonText *out,
					   TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	pgsync_json_append(out, "{", 1);
	for (int i = 0; i < state->ncolumns; i++)
	{
		PrintedColumn *column = &state->columns[i];

		append_key(out, column);
		if (slot->tts_isnull[column->attindex])
			pgsync_json_append(out, "null", 4);
		else
			column->print(column, slot->tts_values[column->attindex], out);
	}
	pgsync_json_append(out, "}", 1);
}
