/*-------------------------------------------------------------------------
 *
 * row_jsonb.c
 *	  A row as a jsonb object, its columns as keys.
 *
 * The object is the one that core's to_jsonb(record) makes.  That function
 * learns anew for every row what its columns are, and sorts the keys; here
 * both are done once for a statement.  Common types have a conversion of
 * their own, which gives what core's gives (datum_to_jsonb in jsonb.c); all
 * others, among them arrays, composites, json and types with a cast to json,
 * go through to_jsonb itself, a value at a time.
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
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

typedef struct ObjectColumn ObjectColumn;

/* Fills *value with a value of the column that is not null. */
typedef void (*ColumnConverter) (ObjectColumn *column, Datum datum,
								 JsonbValue *value);

/* A column that is not dropped, in the order in which jsonb keeps its key */
struct ObjectColumn
{
	int			attindex;		/* its index in the slot's values */
	Oid			basetype;		/* its type, seen through domains */
	ColumnConverter convert;
	FmgrInfo	output;			/* the type's output function, where used */
	FmgrInfo	to_jsonb;		/* core's to_jsonb, for the column's type */
};

struct PgsyncRowJsonb
{
	JsonbValue	object;			/* its pairs' values are set for each row */
	ObjectColumn *columns;		/* one for each pair, in the same order */
};

/* Takes a jsonb apart, as the builder of a jsonb wants its parts. */
static void
unpack_jsonb(Jsonb *jsonb, JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbParseState *state = NULL;
	JsonbValue	part;
	JsonbValue *whole = NULL;

	if (JsonbExtractScalar(&jsonb->root, value))
		return;
	iterator = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&iterator, &part, false)) != WJB_DONE)
		whole = pushJsonbValue(&state, token,
							   token < WJB_BEGIN_ARRAY ? &part : NULL);
	*value = *whole;
}

/* Converts a value of any type, through core's to_jsonb. */
static void
convert_any(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	unpack_jsonb(DatumGetJsonbP(FunctionCall1(&column->to_jsonb, datum)),
				 value);
}

/* Converts a jsonb. */
static void
convert_jsonb(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	unpack_jsonb(DatumGetJsonbP(datum), value);
}

/* Converts a boolean. */
static void
convert_bool(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	value->type = jbvBool;
	value->val.boolean = DatumGetBool(datum);
}

/* Converts a smallint, integer or bigint. */
static void
convert_integer(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	int64		number;

	if (column->basetype == INT4OID)
		number = DatumGetInt32(datum);
	else if (column->basetype == INT8OID)
		number = DatumGetInt64(datum);
	else
		number = DatumGetInt16(datum);
	value->type = jbvNumeric;
	value->val.numeric = int64_to_numeric(number);
}

/*
 * Makes *value a string.  to_jsonb reports one that is too long for jsonb.
 */
static void
set_string(ObjectColumn *column, Datum datum, char *string, Size length,
		   JsonbValue *value)
{
	if (length > JENTRY_OFFLENMASK)
	{
		convert_any(column, datum, value);
		return;
	}
	value->type = jbvString;
	value->val.string.val = string;
	value->val.string.len = length;
}

/* Converts a value whose text form is its JSON string. */
static void
convert_output(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	char	   *string = OutputFunctionCall(&column->output, datum);

	set_string(column, datum, string, strlen(string), value);
}

/* Converts a text, varchar or character: its bytes are its text form. */
static void
convert_text(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	text	   *string = DatumGetTextPP(datum);

	set_string(column, datum, VARDATA_ANY(string),
			   VARSIZE_ANY_EXHDR(string), value);
}

/* Converts a numeric; NaN and the infinities are strings. */
static void
convert_numeric(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	Numeric		number = DatumGetNumeric(datum);

	if (numeric_is_nan(number) || numeric_is_inf(number))
	{
		convert_output(column, datum, value);
		return;
	}
	value->type = jbvNumeric;
	value->val.numeric = number;
}

/*
 * Converts a real or double precision, by way of its text, which has the
 * shortest digits that read back the same.  NaN and the infinities, whose
 * texts alone have an "n", are strings.
 */
static void
convert_float(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	char	   *string = OutputFunctionCall(&column->output, datum);

	if (strpbrk(string, "nN") != NULL)
	{
		set_string(column, datum, string, strlen(string), value);
		return;
	}
	value->type = jbvNumeric;
	value->val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in,
											CStringGetDatum(string),
											ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1)));
}

/* Converts a date or timestamp to its ISO 8601 form. */
static void
convert_datetime(ObjectColumn *column, Datum datum, JsonbValue *value)
{
	char	   *string = JsonEncodeDateTime(NULL, datum, column->basetype,
											NULL);

	set_string(column, datum, string, strlen(string), value);
}

/* Returns the conversion for values of a type that is no domain. */
static ColumnConverter
converter_for_type(Oid basetype)
{
	switch (basetype)
	{
		case BOOLOID:
			return convert_bool;
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return convert_integer;
		case NUMERICOID:
			return convert_numeric;
		case FLOAT4OID:
		case FLOAT8OID:
			return convert_float;
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return convert_datetime;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return convert_text;
		case UUIDOID:
		case NAMEOID:
		case OIDOID:
		case TIMEOID:
		case INTERVALOID:
		case INETOID:
		case BYTEAOID:
			return convert_output;
		case JSONBOID:
			return convert_jsonb;
		default:
			return convert_any;
	}
}

/* Sets up how one column is converted. */
static void
init_column(ObjectColumn *column, TupleDesc tupdesc, int attindex,
			MemoryContext context)
{
	Oid			type = TupleDescAttr(tupdesc, attindex)->atttypid;
	Oid			output;
	bool		is_varlena;
	List	   *args;

	column->attindex = attindex;
	column->basetype = getBaseType(type);
	column->convert = converter_for_type(column->basetype);

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
		key.val.string.val = pstrdup(NameStr(attribute->attname));
		key.val.string.len = strlen(key.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &null);
	}
	return pushJsonbValue(&state, WJB_END_OBJECT, NULL);
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
	int			ncolumns;

	state->object = *build_template(tupdesc, attindexes, &ncolumns);
	if (state->object.val.object.nPairs != ncolumns)
		report_duplicate_column(tupdesc);

	state->columns = palloc0((ncolumns + 1) * sizeof(ObjectColumn));
	for (int i = 0; i < ncolumns; i++)
		init_column(&state->columns[i], tupdesc,
					attindexes[state->object.val.object.pairs[i].order],
					context);
	MemoryContextSwitchTo(oldcontext);
	return state;
}

/*
 * Returns the slot's row as a jsonb object, in the current memory context,
 * which the caller resets now and then: scratch of the conversion stays too.
 */
Datum
pgsync_row_jsonb_make(PgsyncRowJsonb *state, TupleTableSlot *slot)
{
	JsonbPair  *pairs = state->object.val.object.pairs;

	slot_getallattrs(slot);
	for (int i = 0; i < state->object.val.object.nPairs; i++)
	{
		ObjectColumn *column = &state->columns[i];

		if (slot->tts_isnull[column->attindex])
			pairs[i].value.type = jbvNull;
		else
			column->convert(column, slot->tts_values[column->attindex],
							&pairs[i].value);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(&state->object));
}

/*
 * Returns an object of some of the columns, those for which wanted[] is true,
 * with values by column; the same in all else.
 */
Datum
pgsync_row_jsonb_make_some(PgsyncRowJsonb *state, const Datum *values,
						   const bool *nulls, const bool *wanted)
{
	JsonbPair  *pairs = state->object.val.object.pairs;
	int			npairs = state->object.val.object.nPairs;
	JsonbValue	some = {.type = jbvObject};

	some.val.object.pairs = palloc(sizeof(JsonbPair) * (npairs + 1));
	some.val.object.nPairs = 0;
	for (int i = 0; i < npairs; i++)
	{
		ObjectColumn *column = &state->columns[i];
		JsonbPair  *pair;

		if (!wanted[column->attindex])
			continue;
		pair = &some.val.object.pairs[some.val.object.nPairs++];
		pair->key = pairs[i].key;
		pair->value.type = jbvNull;
		if (!nulls[column->attindex])
			column->convert(column, values[column->attindex], &pair->value);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(&some));
}
