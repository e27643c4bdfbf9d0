/*-------------------------------------------------------------------------
 *
 * jsonb_rows.c
 *	  The objects of a jsonb value, one after the other.
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

#include "common/relation.h"
#include "source/jsonb_rows.h"

/*
 * Returns whether a string, perhaps still escaped, seems to hold an object or
 * array: the text of one that was made into a JSON string again.
 */
bool
pgsync_holds_json(const char *str, const char *end)
{
	while (str < end && *str == ' ')
		str++;
	return str < end && (*str == '{' || *str == '[');
}

/* Returns the hint for such a string. */
int
pgsync_hint_serialized(void)
{
	return errhint("It is a string that holds JSON: it was serialized twice.");
}

/* Reports data that must be one object and is something else (22023). */
void
pgsync_no_object_error(bool serialized)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("data must be a JSON object"),
			 serialized ? pgsync_hint_serialized() :
			 errhint("For an array of objects use insert_many or insert_returning.")));
}

/* Returns whether a value is a string that holds JSON. */
static bool
is_serialized(const JsonbValue *value)
{
	return value->type == jbvString &&
		pgsync_holds_json(value->val.string.val,
						  value->val.string.val + value->val.string.len);
}

/* Insists that a jsonb is one object (22023). */
void
pgsync_jsonb_check_object(Jsonb *data)
{
	JsonbValue	value;

	if (JB_ROOT_IS_OBJECT(data))
		return;
	pgsync_no_object_error(JB_ROOT_IS_SCALAR(data) &&
						   JsonbExtractScalar(&data->root, &value) &&
						   is_serialized(&value));
}

/*
 * Begins the walk over a part of a jsonb, which must outlive it: an array's
 * elements, an object, or an object's members.  "len" is the container's own
 * length.
 */
void
pgsync_jsonb_rows_begin(PgsyncJsonbRows *rows, JsonbContainer *part, int len,
						bool members)
{
	JsonbValue	ignored;

	memset(rows, 0, sizeof(PgsyncJsonbRows));
	rows->is_scalar = JsonContainerIsScalar(part);
	rows->members = members;
	if (JsonContainerIsArray(part) || members)
	{
		rows->elements = JsonbIteratorInit(part);
		/* WJB_BEGIN_ARRAY or WJB_BEGIN_OBJECT */
		JsonbIteratorNext(&rows->elements, &ignored, true);
		return;
	}
	rows->element.type = jbvBinary;
	rows->element.val.binary.data = part;
	rows->element.val.binary.len = len;
}

/* Moves the iterator to the next element or member; false at the end. */
static bool
next_part(PgsyncJsonbRows *rows)
{
	if (!rows->members)
		return JsonbIteratorNext(&rows->elements, &rows->element,
								 true) == WJB_ELEM;
	if (JsonbIteratorNext(&rows->elements, &rows->name, true) != WJB_KEY)
		return false;
	JsonbIteratorNext(&rows->elements, &rows->element, true);
	return true;
}

/*
 * Moves to the next element; false when there is none, and from then on.  A
 * bare value is its own only element.
 */
bool
pgsync_jsonb_rows_next(PgsyncJsonbRows *rows)
{
	if (rows->done)
		return false;
	if (rows->elements != NULL)
		rows->done = !next_part(rows);
	else
		rows->done = rows->number > 0;
	if (!rows->done)
		rows->number++;
	return !rows->done;
}

/*
 * Returns the element at hand as the object it must be.
 *
 * Errors: 22023 if it is none.
 */
JsonbContainer *
pgsync_jsonb_rows_object(PgsyncJsonbRows *rows)
{
	JsonbValue *element = &rows->element;

	if (element->type != jbvBinary ||
		!JsonContainerIsObject(element->val.binary.data))
	{
		if (rows->is_scalar)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("data must be a JSON object or an array of objects"),
					 is_serialized(element) ? pgsync_hint_serialized() : 0));
		if (rows->members)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("member \"%s\" of the object is not a JSON object",
							pgsync_shown_name(rows->name.val.string.val,
											  rows->name.val.string.len)),
					 errhint("With key_column, every member must be an object whose keys are column names.")));
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("element %llu of the array is not a JSON object",
						(unsigned long long) rows->number),
				 is_serialized(element) ? pgsync_hint_serialized() :
				 errhint("Every element must be an object whose keys are column names.")));
	}
	return element->val.binary.data;
}
