/*-------------------------------------------------------------------------
 *
 * row_jsonb.c
 *	  A row as a jsonb object, its columns as keys.
 *
 * The object is the one that core's to_jsonb(record) makes, byte for byte.
 * That function learns anew for every row what its columns are, and sorts the
 * keys; here both are done once for a statement, and what all objects have in
 * common is copied.  Values are written behind it in the layout that jsonb.h
 * describes, as convertJsonbValue in jsonb_util.c writes them.  Common types
 * have a conversion of their own, which gives what core's gives
 * (datum_to_jsonb in jsonb.c); all others, among them arrays, composites, json
 * and types with a cast to json, go through to_jsonb itself, a value at a
 * time.
 *
 * Two columns of the same name cannot both be keys of one object.  core's
 * to_jsonb keeps the last of them; here that is an error.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "value/row_jsonb.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

typedef struct ObjectColumn ObjectColumn;

/*
 * Appends a value of the column that is not null, and returns its type.  The
 * caller sees by how much the buffer grew.
 */
typedef JEntry (*ColumnWriter) (ObjectColumn *column, Datum datum,
								StringInfo buffer);

/* A column that is not dropped, in the order in which jsonb keeps its key */
struct ObjectColumn
{
	char	   *name;
	int			name_length;
	int			attindex;		/* its index in the slot's values */
	Oid			basetype;		/* its type, seen through domains */
	ColumnWriter write;
	FmgrInfo	output;			/* the type's output function, where used */
	FmgrInfo	to_jsonb;		/* core's to_jsonb, for the column's type */
};

/*
 * What objects of the same keys begin with: the length word, the container's
 * header, an entry for each key and, not yet filled, for each value, and the
 * keys.
 */
typedef struct
{
	int			ncolumns;
	ObjectColumn **columns;		/* one for each key, in the same order */
	StringInfoData head;
	uint32		keys_length;	/* of all keys together */
	Size		last_size;		/* of the last object: the next one's guess */
} ObjectKeys;

struct PgsyncRowJsonb
{
	int			ncolumns;
	ObjectColumn *columns;		/* in the order of their keys */
	ObjectKeys	keys;			/* of them all */
};

/* Appends zeros up to where a number or a container may begin. */
static void
align_buffer(StringInfo buffer)
{
	static const char zeros[ALIGNOF_INT] = {0};

	appendBinaryStringInfo(buffer, zeros,
						   INTALIGN(buffer->len) - buffer->len);
}

/* Appends the bytes of a number or a container. */
static void
append_aligned(StringInfo buffer, const void *bytes, Size length)
{
	align_buffer(buffer);
	appendBinaryStringInfo(buffer, bytes, length);
}

/*
 * Appends a jsonb as one value: the container that it is, or the scalar in
 * the array that a bare scalar is wrapped in.  Its head may be a short one,
 * which leaves what follows unaligned.
 */
static JEntry
append_jsonb(StringInfo buffer, struct varlena *jsonb)
{
	char	   *container = VARDATA_ANY(jsonb);
	Size		length = VARSIZE_ANY_EXHDR(jsonb);
	uint32		header;
	JEntry		entry;

	memcpy(&header, container, sizeof(header));
	if (!(header & JB_FSCALAR))
	{
		append_aligned(buffer, container, length);
		return JENTRY_ISCONTAINER;
	}
	memcpy(&entry, container + sizeof(header), sizeof(entry));
	container += sizeof(header) + sizeof(entry);
	length -= sizeof(header) + sizeof(entry);
	if (JBE_ISNUMERIC(entry))
		append_aligned(buffer, container, length);
	else
		appendBinaryStringInfo(buffer, container, length);
	return entry & JENTRY_TYPEMASK;
}

/* Writes a value of any type, through core's to_jsonb. */
static JEntry
write_any(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	return append_jsonb(buffer,
						PG_DETOAST_DATUM_PACKED(FunctionCall1(&column->to_jsonb,
															  datum)));
}

/* Writes a jsonb. */
static JEntry
write_jsonb(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	return append_jsonb(buffer, PG_DETOAST_DATUM_PACKED(datum));
}

/* Writes a boolean, which its entry says already. */
static JEntry
write_bool(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	return DatumGetBool(datum) ? JENTRY_ISBOOL_TRUE : JENTRY_ISBOOL_FALSE;
}

/* Appends a numeric. */
static JEntry
append_numeric(StringInfo buffer, Numeric number)
{
	append_aligned(buffer, number, VARSIZE(number));
	return JENTRY_ISNUMERIC;
}

/* Writes a smallint, integer or bigint. */
static JEntry
write_integer(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	int64		number;

	if (column->basetype == INT4OID)
		number = DatumGetInt32(datum);
	else if (column->basetype == INT8OID)
		number = DatumGetInt64(datum);
	else
		number = DatumGetInt16(datum);
	return append_numeric(buffer, int64_to_numeric(number));
}

/* Appends a string.  to_jsonb reports one that is too long for jsonb. */
static JEntry
append_string(ObjectColumn *column, Datum datum, StringInfo buffer,
			  const char *string, Size length)
{
	if (length > JENTRY_OFFLENMASK)
		return write_any(column, datum, buffer);
	appendBinaryStringInfo(buffer, string, length);
	return JENTRY_ISSTRING;
}

/* Writes a value whose text form is its JSON string. */
static JEntry
write_output(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	char	   *string = OutputFunctionCall(&column->output, datum);

	return append_string(column, datum, buffer, string, strlen(string));
}

/* Writes a text, varchar or character: its bytes are its text form. */
static JEntry
write_text(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	text	   *string = DatumGetTextPP(datum);

	return append_string(column, datum, buffer, VARDATA_ANY(string),
						 VARSIZE_ANY_EXHDR(string));
}

/* Writes a numeric; NaN and the infinities are strings. */
static JEntry
write_numeric(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	Numeric		number = DatumGetNumeric(datum);

	if (numeric_is_nan(number) || numeric_is_inf(number))
		return write_output(column, datum, buffer);
	return append_numeric(buffer, number);
}

/*
 * Writes a real or double precision, by way of its text, which has the
 * shortest digits that read back the same.  NaN and the infinities, whose
 * texts alone have an "n", are strings.
 */
static JEntry
write_float(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	char	   *string = OutputFunctionCall(&column->output, datum);
	Datum		number;

	if (strpbrk(string, "nN") != NULL)
		return append_string(column, datum, buffer, string, strlen(string));
	number = DirectFunctionCall3(numeric_in, CStringGetDatum(string),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	return append_numeric(buffer, DatumGetNumeric(number));
}

/* Writes a date or timestamp in its ISO 8601 form. */
static JEntry
write_datetime(ObjectColumn *column, Datum datum, StringInfo buffer)
{
	char		string[MAXDATELEN + 1];

	JsonEncodeDateTime(string, datum, column->basetype, NULL);
	appendBinaryStringInfo(buffer, string, strlen(string));
	return JENTRY_ISSTRING;
}

/* Returns how values of a type that is no domain are written. */
static ColumnWriter
writer_for_type(Oid basetype)
{
	switch (basetype)
	{
		case BOOLOID:
			return write_bool;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return write_integer;
		case NUMERICOID:
			return write_numeric;
		case FLOAT4OID:
		case FLOAT8OID:
			return write_float;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return write_datetime;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return write_text;
		case UUIDOID:
		case NAMEOID:
		case OIDOID:
		case TIMEOID:
		case INTERVALOID:
		case INETOID:
		case BYTEAOID:
			return write_output;
		case JSONBOID:
			return write_jsonb;
		default:
			return write_any;
	}
}

/* Sets up the name of one column, and how its values are written. */
static void
init_column(ObjectColumn *column, TupleDesc tupdesc, int attindex,
			MemoryContext context)
{
	Oid			type = TupleDescAttr(tupdesc, attindex)->atttypid;
	Oid			output;
	bool		is_varlena;
	List	   *args;

	column->name = pstrdup(NameStr(TupleDescAttr(tupdesc, attindex)->attname));
	column->name_length = strlen(column->name);
	column->attindex = attindex;
	column->basetype = getBaseType(type);
	column->write = writer_for_type(column->basetype);

	getTypeOutputInfo(column->basetype, &output, &is_varlena);
	fmgr_info_cxt(output, &column->output, context);

	/* to_jsonb asks the expression that calls it for its argument's type */
	args = list_make1(makeNullConst(type, -1, InvalidOid));
	fmgr_info_cxt(F_TO_JSONB, &column->to_jsonb, context);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID, args,
											 InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &column->to_jsonb);
}

/* Reports the first name that a later column has too (SQLSTATE 42701). */
static void
report_duplicate_column(TupleDesc tupdesc)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		char	   *name = NameStr(TupleDescAttr(tupdesc, i)->attname);

		for (int j = i + 1; j < tupdesc->natts; j++)
		{
			if (strcmp(name, NameStr(TupleDescAttr(tupdesc, j)->attname)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column name \"%s\" occurs more than once in the result",
								name),
						 errdetail("Columns %d and %d cannot both be the key \"%s\" of one object.",
								   i + 1, j + 1, name),
						 errhint("Give each column a name of its own with AS.")));
		}
	}
	elog(ERROR, "result has no duplicate column names");
}

/*
 * Builds an object with the descriptor's names as keys, all of them null.
 *
 * jsonb keeps keys in an order of its own, without duplicates; the builder's
 * END_OBJECT sees to both, and leaves in each pair's "order" the number of
 * the column that it was.  *ncolumns is set to the columns not dropped, and
 * attindexes[] to their indexes.
 */
static JsonbValue *
build_template(TupleDesc tupdesc, int *attindexes, int *ncolumns)
{
	JsonbParseState *state = NULL;
	JsonbValue	key = {.type = jbvString};
	JsonbValue	null = {.type = jbvNull};

	*ncolumns = 0;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(tupdesc, i);

		if (attribute->attisdropped)
			continue;
		attindexes[(*ncolumns)++] = i;
		key.val.string.val = NameStr(attribute->attname);
		key.val.string.len = strlen(key.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &null);
	}
	return pushJsonbValue(&state, WJB_END_OBJECT, NULL);
}

/*
 * Stores the entry of the container's index-th child, whose type and length
 * are given; children up to and with it take "total" bytes.
 *
 * Every so many entries hold an offset instead of a length, as
 * convertJsonbObject in jsonb_util.c has it.
 */
static void
store_entry(char *object, int index, JEntry type, uint32 length, uint32 total)
{
	JEntry		entry = type | length;

	if (index % JB_OFFSET_STRIDE == 0)
		entry = type | total | JENTRY_HAS_OFF;
	memcpy(object + VARHDRSZ + sizeof(uint32) + index * sizeof(JEntry),
		   &entry, sizeof(entry));
}

/* Fills "keys" for objects of its columns, in the current memory context. */
static void
init_keys(ObjectKeys *keys)
{
	StringInfo	head = &keys->head;
	uint32		header = keys->ncolumns | JB_FOBJECT;
	Size		room = VARHDRSZ + sizeof(header) +
	2 * keys->ncolumns * sizeof(JEntry);

	initStringInfo(head);
	enlargeStringInfo(head, room);
	memset(head->data, 0, room);
	memcpy(head->data + VARHDRSZ, &header, sizeof(header));
	head->len = room;
	for (int i = 0; i < keys->ncolumns; i++)
	{
		ObjectColumn *column = keys->columns[i];

		appendBinaryStringInfo(head, column->name, column->name_length);
		store_entry(head->data, i, JENTRY_ISSTRING, column->name_length,
					head->len - room);
	}
	keys->keys_length = head->len - room;
	keys->last_size = head->len;
}

/*
 * Prepares to make objects of rows of this descriptor; what it allocates, it
 * allocates in "context", and it does not keep the descriptor.
 *
 * Two columns of the same name are an error (42701).  Dropped columns, which
 * a table's own descriptor has, are left out.
 */
PgsyncRowJsonb *
pgsync_row_jsonb_create(TupleDesc tupdesc, MemoryContext context)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	PgsyncRowJsonb *state = palloc0(sizeof(PgsyncRowJsonb));
	int		   *attindexes = palloc((tupdesc->natts + 1) * sizeof(int));
	JsonbValue *template = build_template(tupdesc, attindexes,
										  &state->ncolumns);

	if (template->val.object.nPairs != state->ncolumns)
		report_duplicate_column(tupdesc);

	state->columns = palloc0((state->ncolumns + 1) * sizeof(ObjectColumn));
	state->keys.ncolumns = state->ncolumns;
	state->keys.columns = palloc((state->ncolumns + 1) *
								 sizeof(ObjectColumn *));
	for (int i = 0; i < state->ncolumns; i++)
	{
		init_column(&state->columns[i], tupdesc,
					attindexes[template->val.object.pairs[i].order],
					context);
		state->keys.columns[i] = &state->columns[i];
	}
	init_keys(&state->keys);
	MemoryContextSwitchTo(oldcontext);
	return state;
}

/*
 * Reports that the children of an object take more bytes than an entry can
 * say, as convertJsonbObject in jsonb_util.c does.
 */
static void
check_total(uint32 total)
{
	if (total > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("total size of jsonb object elements exceeds the maximum of %u bytes",
						JENTRY_OFFLENMASK)));
}

/* Returns an object of these keys, with values by the columns' indexes. */
static Datum
write_object(ObjectKeys *keys, const Datum *values, const bool *nulls)
{
	StringInfoData buffer;
	uint32		total = keys->keys_length;

	buffer.maxlen = Max(keys->last_size, keys->head.len) + 64;
	buffer.data = palloc(buffer.maxlen);
	memcpy(buffer.data, keys->head.data, keys->head.len);
	buffer.len = keys->head.len;
	buffer.cursor = 0;
	for (int i = 0; i < keys->ncolumns; i++)
	{
		ObjectColumn *column = keys->columns[i];
		JEntry		type = JENTRY_ISNULL;
		int			start = buffer.len;

		if (!nulls[column->attindex])
			type = column->write(column, values[column->attindex], &buffer);
		total += buffer.len - start;
		check_total(total);
		store_entry(buffer.data, keys->ncolumns + i, type,
					buffer.len - start, total);
	}
	keys->last_size = Min(buffer.len, BLCKSZ);
	SET_VARSIZE(buffer.data, buffer.len);
	return PointerGetDatum(buffer.data);
}

/*
 * Returns the slot's row as a jsonb object, in the current memory context,
 * which the caller resets now and then: scratch of the conversion stays too.
 */
Datum
pgsync_row_jsonb_make(PgsyncRowJsonb *state, TupleTableSlot *slot)
{
	slot_getallattrs(slot);
	return write_object(&state->keys, slot->tts_values, slot->tts_isnull);
}

/*
 * Returns an object of some of the columns, those for which wanted[] is true,
 * with values by column; the same in all else.
 */
Datum
pgsync_row_jsonb_make_some(PgsyncRowJsonb *state, const Datum *values,
						   const bool *nulls, const bool *wanted)
{
	ObjectKeys	some = {0};

	some.columns = palloc((state->ncolumns + 1) * sizeof(ObjectColumn *));
	for (int i = 0; i < state->ncolumns; i++)
	{
		if (wanted[state->columns[i].attindex])
			some.columns[some.ncolumns++] = &state->columns[i];
	}
	init_keys(&some);
	return write_object(&some, values, nulls);
}
