/*-------------------------------------------------------------------------
 *
 * target.h
 *	  The relation that rows are inserted into, and its columns.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TARGET_H
#define PGSYNC_TARGET_H

#include "common/relation.h"
#include "row/names.h"
#include "value/convert.h"
#include "storage/lockdefs.h"
#include "utils/hsearch.h"
#include "utils/relcache.h"

/* One attribute of the target */
typedef struct PgsyncColumn
{
	const char *name;			/* NULL for a dropped column */
	int			name_len;
	bool		has_converter;	/* is the converter initialized? */
	PgsyncConverter converter;
} PgsyncColumn;

typedef struct PgsyncTarget
{
	Relation	rel;
	int			natts;
	PgsyncColumn *columns;		/* by attribute number - 1 */
	HTAB	   *by_name;		/* attribute numbers by name, made on demand */

	/*
	 * Can a key that a row lacks be given its default by pgsync, outside the
	 * statement?  Then one statement serves rows of differing keys.
	 */
	bool		knows_defaults;
	PgsyncNames *names;			/* how input names lead to columns; NULL: each
								 * to the one that it is the name of */
	struct PgsyncPlans *plans;	/* of statements over it; or NULL */
	LOCKMODE	release;		/* lock to give back when closing, or NoLock */
	MemoryContext mcxt;
} PgsyncTarget;

extern PgsyncTarget *pgsync_target_open(Oid relid, PgsyncRelationUse use);
extern PgsyncTarget *pgsync_target_read(Oid relid, PgsyncRelationUse use);
extern PgsyncTarget *pgsync_target_look_at(Oid relid);
extern void pgsync_target_close(PgsyncTarget *target);
extern AttrNumber pgsync_target_find(PgsyncTarget *target,
									 const char *name, int len);
pg_noreturn extern void pgsync_target_unknown_column(PgsyncTarget *target,
													 const char *name,
													 int len);
extern PgsyncTarget *pgsync_target_view(PgsyncTarget *target,
										const bool *as_text);
extern void pgsync_target_make_converter(PgsyncTarget *target,
										 AttrNumber attnum);

/* Returns the converter of a column, made when first asked for. */
static inline PgsyncConverter *
pgsync_target_converter(PgsyncTarget *target, AttrNumber attnum)
{
	PgsyncColumn *column = &target->columns[attnum - 1];

	if (!column->has_converter)
		pgsync_target_make_converter(target, attnum);
	return &column->converter;
}

/*
 * Returns the attribute that an input's name leads to, trying "guess" first:
 * rows mostly bring the same keys in the same order.  0 if there is none,
 * PGSYNC_DROPPED_NAME if the name's value is to be dropped.
 */
static inline AttrNumber
pgsync_target_find_near(PgsyncTarget *target, const char *name, int len,
						AttrNumber guess)
{
	if (target->names != NULL)
		return pgsync_names_find(target->names, name, len, guess);
	if (guess > 0)
	{
		PgsyncColumn *column = &target->columns[guess - 1];

		if (column->name_len == len && memcmp(column->name, name, len) == 0)
			return guess;
	}
	return pgsync_target_find(target, name, len);
}

#endif							/* PGSYNC_TARGET_H */
