/*-------------------------------------------------------------------------
 *
 * source_jsonb.c
 *	  Rows from a jsonb value: an array of objects, or one object.
 *
 *		'[{"id": 1, "name": "a"}, {"name": "b"}]'	two rows
 *		'{"id": 1}'									one row
 *		'[]'										none
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "row/row.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

typedef struct JsonbSource
{
	PgsyncSource base;
	Jsonb	   *data;
	JsonbIterator *rows;		/* over the array; NULL for a single object */
	bool		done;
	int64		bytes_done;
	AttrNumber *sequence;		/* the previous row's columns, in key order */
	JsonbValue	value;			/* being converted */
} JsonbSource;

/*
 * Moves to the next row's object; false at the end of the array.
 */
static bool
next_object(JsonbSource *source, PgsyncRow *row, JsonbContainer **object)
{
	JsonbValue	element;

	if (source->done)
		return false;
	row->number++;
	if (source->rows == NULL)
	{
		*object = &source->data->root;
		row->size = VARSIZE(source->data);
		source->done = true;
		return true;
	}
	if (JsonbIteratorNext(&source->rows, &element, true) != WJB_ELEM)
	{
		row->number--;
		source->done = true;
		return false;
	}
	if (element.type != jbvBinary ||
		!JsonContainerIsObject(element.val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element %llu of the array is not a JSON object",
						(unsigned long long) row->number),
				 errhint("Every element must be an object whose keys are column names.")));
	*object = element.val.binary.data;
	row->size = element.val.binary.len;
	return true;
}

/* Reads and converts one row; see PgsyncSourceRoutine. */
static bool
jsonb_source_next(PgsyncSource *base, PgsyncRow *row)
{
	JsonbSource *source = (JsonbSource *) base;
	PgsyncTarget *target = base->target;
	JsonbContainer *object;
	JsonbIterator *pairs;
	JsonbValue	key;
	JsonbIteratorToken token;
	int			position = 0;

	if (!next_object(source, row, &object))
		return false;
	source->bytes_done += row->size;

	pairs = JsonbIteratorInit(object);
	JsonbIteratorNext(&pairs, &key, true);	/* WJB_BEGIN_OBJECT */
	while ((token = JsonbIteratorNext(&pairs, &key, true)) == WJB_KEY)
	{
		AttrNumber	guess = position < target->natts ?
		source->sequence[position] : 0;
		AttrNumber	attnum = pgsync_target_find_near(target,
													 key.val.string.val,
													 key.val.string.len,
													 guess);

		if (attnum == 0)
			pgsync_target_unknown_column(target, key.val.string.val,
										 key.val.string.len);
		JsonbIteratorNext(&pairs, &source->value, true);
		row->column = attnum;
		row->values[attnum - 1] =
			pgsync_convert_jsonb(pgsync_target_converter(target, attnum),
								 &source->value, &row->nulls[attnum - 1]);
		row->column = 0;
		row->named[attnum - 1] = true;
		source->sequence[position++] = attnum;
	}
	Assert(token == WJB_END_OBJECT);
	return true;
}

/* Appends the value being converted; see PgsyncSourceRoutine. */
static void
jsonb_source_describe_value(PgsyncSource *base, AttrNumber column,
							StringInfo buf)
{
	JsonbValue *value = &((JsonbSource *) base)->value;

	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(buf, "null");
			break;
		case jbvString:
			appendBinaryStringInfo(buf, value->val.string.val,
								   Min(value->val.string.len,
									   PGSYNC_MAX_DESCRIBED));
			break;
		case jbvNumeric:
			appendStringInfoString(buf,
								   DatumGetCString(DirectFunctionCall1(numeric_out,
																	   NumericGetDatum(value->val.numeric))));
			break;
		case jbvBool:
			appendStringInfoString(buf, value->val.boolean ? "true" : "false");
			break;
		case jbvBinary:
			JsonbToCString(buf, value->val.binary.data, value->val.binary.len);
			break;
		default:
			break;
	}
}

/* Reports progress in bytes; see PgsyncSourceRoutine. */
static void
jsonb_source_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	JsonbSource *source = (JsonbSource *) base;

	*done = source->bytes_done;
	*total = VARSIZE(source->data);
}

static const PgsyncSourceRoutine jsonb_source_routine = {
	.unit = "row",
	.next = jsonb_source_next,
	.describe_value = jsonb_source_describe_value,
	.progress = jsonb_source_progress,
};

/*
 * Creates a source over a detoasted jsonb value, which must outlive it.
 *
 * Errors: 22023 if it is neither an object nor an array.
 */
PgsyncSource *
pgsync_source_jsonb_create(PgsyncTarget *target, Jsonb *data)
{
	JsonbSource *source = palloc0(sizeof(JsonbSource));
	JsonbValue	ignored;

	source->base.routine = &jsonb_source_routine;
	source->base.target = target;
	source->data = data;
	source->sequence = palloc0(sizeof(AttrNumber) * Max(target->natts, 1));
	if (JB_ROOT_IS_SCALAR(data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("data must be a JSON object or an array of objects")));
	if (JB_ROOT_IS_ARRAY(data))
	{
		source->rows = JsonbIteratorInit(&data->root);
		JsonbIteratorNext(&source->rows, &ignored, true);	/* WJB_BEGIN_ARRAY */
	}
	return (PgsyncSource *) source;
}
