/*-------------------------------------------------------------------------
 *
 * names.h
 *	  Which column an input's name leads to, where that is not simply the one
 *	  of the same name.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_NAMES_H
#define PGSYNC_NAMES_H

#include "access/attnum.h"
#include "utils/jsonb.h"

/* What a name leads to that is to be dropped; no column has this number */
#define PGSYNC_DROPPED_NAME		((AttrNumber) -1)

struct PgsyncTarget;

typedef struct PgsyncNames PgsyncNames;

extern void pgsync_names_check(Jsonb *columns);
extern PgsyncNames *pgsync_names_create(struct PgsyncTarget *target,
										Jsonb *columns, bool ignore_unknown);
extern AttrNumber pgsync_names_find(PgsyncNames *names, const char *name,
									int len, AttrNumber guess);
pg_noreturn extern void pgsync_names_conflict(struct PgsyncTarget *target,
											  AttrNumber attnum);

#endif							/* PGSYNC_NAMES_H */
