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

#include "miscadmin.h"
#include "row/unknown_names.h"
#include "source/json_document.h"
#include "source/jsonb_rows.h"
#include "source/source_json.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/* An element that has been kept */
typedef struct KeptElement
{
	uint64		number;
	bool		is_scalar;		/* was the whole a bare value? */
	JsonbValue	element;
	JsonbValue	name;
} KeptElement;

typedef struct JsonbSource
{
	PgsyncSource base;
	Jsonb	   *data;
	PgsyncJsonbRows rows;
	uint64		fetched;		/* elements so far */
	int64		bytes_done;
	AttrNumber	key_column;		/* takes the names of members; 0: none */
	AttrNumber *sequence;		/* the previous row's columns, in key order */
	JsonbValue	value;			/* being converted */
	PgsyncRoom	room;			/* for the values of the row at hand */
} JsonbSource;

/* Moves to the next element; see PgsyncSourceRoutine. */
static bool
jsonb_source_fetch(PgsyncSource *base, PgsyncRow *row)
{
	JsonbSource *source = (JsonbSource *) base;
	JsonbValue *element = &source->rows.element;

	source->rows.number = source->fetched;
	if (!pgsync_jsonb_rows_next(&source->rows))
		return false;
	row->number = source->fetched = source->rows.number;
	row->size = element->type == jbvBinary ? element->val.binary.len : 0;
	source->bytes_done += row->size;
	return true;
}

/* Reports all keys of the element that are no columns. */
pg_noreturn static void
report_unknown_keys(JsonbSource *source)
{
	JsonbIterator *pairs = JsonbIteratorInit(pgsync_jsonb_rows_object(&source->rows));
	PgsyncUnknownNames unknown = {
		.target = source->base.target,
		.has_options = source->base.has_options
	};
	JsonbValue	key;

	JsonbIteratorNext(&pairs, &key, true);	/* WJB_BEGIN_OBJECT */
	while (JsonbIteratorNext(&pairs, &key, true) == WJB_KEY)
	{
		CHECK_FOR_INTERRUPTS();
		if (pgsync_target_find_near(unknown.target, key.val.string.val,
									key.val.string.len, 0) == 0)
			pgsync_unknown_names_add(&unknown, key.val.string.val,
									 key.val.string.len);
		JsonbIteratorNext(&pairs, &key, true);	/* WJB_VALUE */
	}
	pgsync_unknown_names_report(&unknown);
}

/*
 * Returns the column that a key names, or PGSYNC_DROPPED_NAME; an unknown key
 * is an error.
 */
static inline AttrNumber
find_key(JsonbSource *source, const JsonbValue *key, int position)
{
	PgsyncTarget *target = source->base.target;
	AttrNumber	guess = position < target->natts ?
	source->sequence[position] : 0;
	AttrNumber	attnum = pgsync_target_find_near(target, key->val.string.val,
												 key->val.string.len, guess);

	if (attnum == 0)
		report_unknown_keys(source);
	if (position < target->natts)
		source->sequence[position] = attnum;
	return attnum;
}

/* Converts the value at hand for one column of the row. */
static void
convert_value(JsonbSource *source, PgsyncRow *row, AttrNumber attnum)
{
	PgsyncTarget *target = source->base.target;

	if (!pgsync_source_ignores(&source->base, attnum))
	{
		row->column = attnum;
		row->values[attnum - 1] =
			pgsync_convert_jsonb_value(pgsync_target_converter(target, attnum),
									   &source->room, &source->value,
									   &row->nulls[attnum - 1]);
		row->column = 0;
	}
	row->named[attnum - 1] = true;
}

/* Has a member's name be the value of the key column. */
static void
convert_name(JsonbSource *source, PgsyncRow *row)
{
	if (source->key_column == 0)
		return;
	if (row->named[source->key_column - 1])
		pgsync_names_conflict(source->base.target, source->key_column);
	source->value = source->rows.name;
	convert_value(source, row, source->key_column);
}

/* Converts the element, which must be an object; see PgsyncSourceRoutine. */
static void
jsonb_source_convert(PgsyncSource *base, PgsyncRow *row)
{
	JsonbSource *source = (JsonbSource *) base;
	JsonbContainer *object;
	JsonbIterator *pairs;
	JsonbValue	key;
	JsonbIteratorToken token;
	int			position = 0;

	source->room.ptr = source->room.end = NULL;

	if (base->scalar_column != 0 && IsAJsonbScalar(&source->rows.element))
	{
		source->value = source->rows.element;
		convert_value(source, row, base->scalar_column);
		convert_name(source, row);
		return;
	}
	object = pgsync_jsonb_rows_object(&source->rows);
	pgsync_room_begin(&source->room, source->rows.element.val.binary.len +
					  JsonContainerSize(object) * PGSYNC_ROOM_FOR(0));
	pairs = JsonbIteratorInit(object);
	JsonbIteratorNext(&pairs, &key, true);	/* WJB_BEGIN_OBJECT */
	while ((token = JsonbIteratorNext(&pairs, &key, true)) == WJB_KEY)
	{
		AttrNumber	attnum = find_key(source, &key, position++);

		JsonbIteratorNext(&pairs, &source->value, true);
		if (attnum == PGSYNC_DROPPED_NAME)
		{
			/* there may be millions of them */
			CHECK_FOR_INTERRUPTS();
			continue;
		}
		/* no key comes twice in a jsonb: this is another name */
		if (row->named[attnum - 1])
			pgsync_names_conflict(base->target, attnum);
		convert_value(source, row, attnum);
	}
	Assert(token == WJB_END_OBJECT);
	convert_name(source, row);
}

/* Copies a value to memory of its own. */
static void
copy_element(JsonbValue *element)
{
	Jsonb	   *copy = JsonbValueToJsonb(element);

	if (element->type == jbvBinary)
		element->val.binary.data = &copy->root;
	else
		JsonbExtractScalar(&copy->root, element);
}

/* Keeps the element at hand; see PgsyncSourceRoutine. */
static void *
jsonb_source_keep(PgsyncSource *base)
{
	JsonbSource *source = (JsonbSource *) base;
	KeptElement *kept = palloc(sizeof(KeptElement));

	kept->number = source->rows.number;
	kept->is_scalar = source->rows.is_scalar;
	kept->element = source->rows.element;
	kept->name = source->rows.name;
	if (base->brief)
		copy_element(&kept->element);
	return kept;
}

/* Makes a kept element the one at hand; see PgsyncSourceRoutine. */
static void
jsonb_source_recall(PgsyncSource *base, void *row)
{
	JsonbSource *source = (JsonbSource *) base;
	KeptElement *kept = row;

	source->rows.number = kept->number;
	source->rows.is_scalar = kept->is_scalar;
	source->rows.element = kept->element;
	source->rows.name = kept->name;
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

/* Appends the element as text; see PgsyncSourceRoutine. */
static void
jsonb_source_append_raw(PgsyncSource *base, StringInfo buf)
{
	JsonbValue *element = &((JsonbSource *) base)->rows.element;
	Jsonb	   *whole = JsonbValueToJsonb(element);

	JsonbToCString(buf, &whole->root, VARSIZE(whole));
}

/* Makes a jsonb of the element; see PgsyncSourceRoutine. */
static Jsonb *
jsonb_source_make_jsonb(PgsyncSource *base)
{
	return JsonbValueToJsonb(&((JsonbSource *) base)->rows.element);
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
	.unit = PGSYNC_UNIT_ROW,
	.raw_is_json = true,
	.fetch = jsonb_source_fetch,
	.convert = jsonb_source_convert,
	.keep = jsonb_source_keep,
	.recall = jsonb_source_recall,
	.describe_value = jsonb_source_describe_value,
	.append_raw = jsonb_source_append_raw,
	.make_jsonb = jsonb_source_make_jsonb,
	.progress = jsonb_source_progress,
};

/*
 * Returns the part of a jsonb that a path leads to, and its length; what is
 * there is what #> would return.
 */
static JsonbContainer *
follow_path(Jsonb *data, const List *path, int *len)
{
	JsonbContainer *part = &data->root;
	ListCell   *cell;

	*len = VARSIZE(data) - VARHDRSZ;
	foreach(cell, path)
	{
		const char *name = lfirst(cell);
		int			step = foreach_current_index(cell);
		JsonbValue *value = NULL;
		int			index;

		if (JsonContainerIsScalar(part))
			pgsync_json_path_scalar(path, step);
		if (JsonContainerIsObject(part))
			value = getKeyJsonValueFromContainer(part, name, strlen(name),
												 NULL);
		else if (pgsync_json_path_index(name, &index))
		{
			index += index < 0 ? JsonContainerSize(part) : 0;
			if (index >= 0)
				value = getIthJsonbValueFromContainer(part, index);
		}
		if (value == NULL)
			pgsync_json_path_nowhere(path, step);
		if (value->type != jbvBinary)
			pgsync_json_path_scalar(path, step + 1);
		part = value->val.binary.data;
		*len = value->val.binary.len;
	}
	return part;
}

/*
 * Creates a source over a detoasted jsonb value, which must outlive it.
 *
 * Errors: 22023 for a path that leads nowhere, and for members that are to be
 * rows where there is no object; 42703 if key_column names no column.
 */
PgsyncSource *
pgsync_source_jsonb_open(PgsyncTarget *target, Jsonb *data,
						 const PgsyncJsonOptions *options)
{
	JsonbSource *source = palloc0(sizeof(JsonbSource));
	JsonbContainer *part;
	int			len;

	source->base.routine = &jsonb_source_routine;
	source->base.target = target;
	source->data = data;
	source->sequence = palloc0(sizeof(AttrNumber) * Max(target->natts, 1));
	if (options->key_column != NULL)
		source->key_column = pgsync_json_key_column(target,
													options->key_column);
	part = follow_path(data, options->path, &len);
	if (source->key_column != 0 && !JsonContainerIsObject(part))
		pgsync_json_members_error();
	pgsync_jsonb_rows_begin(&source->rows, part, len,
							source->key_column != 0);
	return (PgsyncSource *) source;
}
