/*-------------------------------------------------------------------------
 *
 * transform.h
 *	  Expressions of the caller's that make a column's value from the input.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TRANSFORM_H
#define PGSYNC_TRANSFORM_H

#include "row/target.h"
#include "utils/jsonb.h"

/* One of them, analyzed and planned */
typedef struct PgsyncTransform
{
	AttrNumber	attnum;
	const char *sql;
	Node	   *expression;		/* analyzed, coerced to the column's type */
	PlannedStmt *plan;			/* selects it from pgsync_row */
	bool		uses_row;		/* does it mention r? */
} PgsyncTransform;

/* The columns of pgsync_row */
#define PGSYNC_TRANSFORM_V	1
#define PGSYNC_TRANSFORM_R	2

extern List *pgsync_transform_columns(PgsyncTarget *target, Jsonb *transforms);
extern QueryEnvironment *pgsync_transform_environment(void);
extern void pgsync_transform_plan(PgsyncTransform *transform,
								  PgsyncTarget *target,
								  QueryEnvironment *env);

/* source_transform.c */
struct PgsyncSource;
extern struct PgsyncSource *pgsync_source_transform_create(PgsyncTarget *target,
														   struct PgsyncSource *inner,
														   List *transforms);

#endif							/* PGSYNC_TRANSFORM_H */
