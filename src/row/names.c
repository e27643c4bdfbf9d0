/*-------------------------------------------------------------------------
 *
 * names.c
 *	  Which column an input's name leads to, where that is not simply the one
 *	  of the same name.
 *
 *		columns				{"E-Mail": "email", "Notes": null}
 *		E-Mail				column email
 *		Notes				dropped
 *		id					column id: what is not listed stands for itself
 *		shoe size			no column: an error, or dropped (ignore_unknown)
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "row/names.h"
#include "row/target.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* A name of any length */
typedef struct NameKey
{
	const char *name;
	int			len;
} NameKey;

typedef struct NameEntry
{
	NameKey		key;			/* hash key: must be first */
	AttrNumber	attnum;
} NameEntry;

struct PgsyncNames
{
	PgsyncTarget *target;
	bool		ignore_unknown;
	HTAB	   *listed;			/* what "columns" lists; NULL: nothing */
	NameKey    *found;			/* by attribute: the name found last for it */
};

/* Returns the hash of a name's bytes; see HashValueFunc. */
static uint32
hash_name(const void *key, Size keysize)
{
	const NameKey *name = key;

	return hash_bytes((const unsigned char *) name->name, name->len);
}

/* Compares two names; see HashCompareFunc. */
static int
match_name(const void *key1, const void *key2, Size keysize)
{
	const NameKey *name1 = key1;
	const NameKey *name2 = key2;

	if (name1->len != name2->len)
		return 1;
	return memcmp(name1->name, name2->name, name1->len);
}

/*
 * Insists that a columns option is an object of strings and nulls.
 *
 * Errors: 22023.
 */
void
pgsync_names_check(Jsonb *columns)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(columns))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"columns\" must be a JSON object"),
				 errhint("For example, {\"name in the input\": \"column\", \"another\": null}.")));
	iterator = JsonbIteratorInit(&columns->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_VALUE && value.type != jbvString &&
			value.type != jbvNull)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"columns\" must map each name to a column's name or to null")));
	}
}

/* Returns the column that a name is mapped to (42703 if there is none). */
static AttrNumber
resolve_column(PgsyncTarget *target, const JsonbValue *value)
{
	const char *name = value->val.string.val;
	int			len = value->val.string.len;
	AttrNumber	attnum;

	if (value->type == jbvNull)
		return PGSYNC_DROPPED_NAME;
	attnum = pgsync_target_find(target, name, len);
	if (attnum == 0)
		pgsync_target_unknown_column(target, name, len);
	return attnum;
}

/* Fills the table of the names that "columns" lists. */
static void
list_names(PgsyncNames *names, Jsonb *columns)
{
	HASHCTL		ctl;
	JsonbIterator *iterator = JsonbIteratorInit(&columns->root);
	JsonbIteratorToken token;
	JsonbValue	name;
	JsonbValue	column;

	ctl.keysize = sizeof(NameKey);
	ctl.entrysize = sizeof(NameEntry);
	ctl.hash = hash_name;
	ctl.match = match_name;
	ctl.hcxt = CurrentMemoryContext;
	names->listed = hash_create("pgsync names of an input", 32, &ctl,
								HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
								HASH_CONTEXT);
	JsonbIteratorNext(&iterator, &name, true);	/* WJB_BEGIN_OBJECT */
	while ((token = JsonbIteratorNext(&iterator, &name, true)) == WJB_KEY)
	{
		NameKey		key = {name.val.string.val, name.val.string.len};
		NameEntry  *entry = hash_search(names->listed, &key, HASH_ENTER, NULL);

		JsonbIteratorNext(&iterator, &column, true);
		entry->attnum = resolve_column(names->target, &column);
	}
}

/*
 * Creates it from a checked option, which must outlive it; NULL lists none.
 *
 * Errors: 42703 for a name that is mapped to no column.
 */
PgsyncNames *
pgsync_names_create(PgsyncTarget *target, Jsonb *columns, bool ignore_unknown)
{
	PgsyncNames *names = palloc0(sizeof(PgsyncNames));

	names->target = target;
	names->ignore_unknown = ignore_unknown;
	names->found = palloc0(sizeof(NameKey) * Max(target->natts, 1));
	if (columns != NULL)
		list_names(names, columns);
	return names;
}

/* Looks a name up; see pgsync_names_find. */
static AttrNumber
look_up(PgsyncNames *names, const char *name, int len)
{
	NameKey		key = {name, len};
	NameEntry  *entry = NULL;
	AttrNumber	attnum;

	if (names->listed != NULL)
		entry = hash_search(names->listed, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->attnum;
	attnum = pgsync_target_find(names->target, name, len);
	if (attnum == 0 && names->ignore_unknown)
		return PGSYNC_DROPPED_NAME;
	return attnum;
}

/* Remembers the name that has led to a column. */
static void
remember_name(PgsyncNames *names, AttrNumber attnum, const char *name, int len)
{
	NameKey    *found = &names->found[attnum - 1];
	char	   *copy = MemoryContextAlloc(names->target->mcxt, len + 1);

	if (found->name != NULL)
		pfree(unconstify(char *, found->name));
	memcpy(copy, name, len);
	found->name = copy;
	found->len = len;
}

/*
 * Returns the column that a name leads to, PGSYNC_DROPPED_NAME if it is to be
 * dropped, or 0 if it leads nowhere.  "guess" is tried first: rows mostly
 * bring the same keys in the same order.
 */
AttrNumber
pgsync_names_find(PgsyncNames *names, const char *name, int len,
				  AttrNumber guess)
{
	AttrNumber	attnum;

	if (guess > 0)
	{
		NameKey    *found = &names->found[guess - 1];

		if (found->name != NULL && found->len == len &&
			memcmp(found->name, name, len) == 0)
			return guess;
	}
	attnum = look_up(names, name, len);
	if (attnum > 0)
		remember_name(names, attnum, name, len);
	return attnum;
}

/* Reports two names of one row for one column (42701). */
void
pgsync_names_conflict(PgsyncTarget *target, AttrNumber attnum)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_COLUMN),
			 errmsg("two names of the input stand for column \"%s\" of relation \"%s\"",
					target->columns[attnum - 1].name,
					RelationGetRelationName(target->rel)),
			 errhint("Have columns map one of them to null, which drops it.")));
}
