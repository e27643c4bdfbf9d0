/*-------------------------------------------------------------------------
 *
 * heap_foresee.h
 *	  What rows will fail at, seen before they are stored.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_HEAP_FORESEE_H
#define PGSYNC_HEAP_FORESEE_H

#include "nodes/execnodes.h"
#include "row/run.h"

/* What is expected of a row, the more telling later */
typedef enum PgsyncOutlook
{
	PGSYNC_OUTLOOK_OPEN,		/* nothing is known against it */
	PGSYNC_OUTLOOK_DOUBTFUL,	/* it may well fail */
	PGSYNC_OUTLOOK_CONFLICT,	/* it fails, for the key that is noted */
	PGSYNC_OUTLOOK_REFUSED,		/* it is out of the question already */
} PgsyncOutlook;

/* A row, complete, and what is expected of it */
typedef struct PgsyncForeseen
{
	Datum	   *values;			/* by attribute */
	bool	   *nulls;
	PgsyncOutlook outlook;
	int			index;			/* of the conflict, as the foresight counts */
} PgsyncForeseen;

typedef struct PgsyncForesight PgsyncForesight;

extern bool pgsync_can_foresee(const PgsyncRun *run,
							   const PgsyncSinkRoutine *sink);
extern PgsyncForesight *pgsync_foresight_start(const PgsyncRun *run);
extern int	pgsync_foresee_conflicts(PgsyncForesight *foresight,
									 PgsyncForeseen *rows, int nrows);
extern void pgsync_foresee_constraints(PgsyncForesight *foresight,
									   const PgsyncForeseen *row);
extern bool pgsync_foreseen_error(PgsyncForesight *foresight,
								  const PgsyncForeseen *row,
								  ErrorData *error);
extern void pgsync_foresight_end(PgsyncForesight *foresight);

#endif							/* PGSYNC_HEAP_FORESEE_H */
