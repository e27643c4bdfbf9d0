/*-------------------------------------------------------------------------
 *
 * update_known.h
 *	  Updates rows by key, each where it is found.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UPDATE_KNOWN_H
#define PGSYNC_UPDATE_KNOWN_H

#include "insert/keyed_statement.h"
#include "insert/work_set.h"

/* An UPDATE of the rows that have the keys of a work set */
typedef struct PgsyncKnownUpdate
{
	PgsyncWorkSet *work;
	const char *query;			/* as PgsyncKeyedStatement has it */
	List	   *columns;		/* that all of the rows set */
	const bool *named;			/* what all of the rows bring, by attribute */
	bool		skip_unchanged;
} PgsyncKnownUpdate;

extern bool pgsync_update_known(const PgsyncKnownUpdate *update,
								PgsyncKeyedCounts *counts);

#endif							/* PGSYNC_UPDATE_KNOWN_H */
