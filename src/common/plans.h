/*-------------------------------------------------------------------------
 *
 * plans.h
 *	  Plans of statements that are likely to be run again.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_PLANS_H
#define PGSYNC_PLANS_H

#include "nodes/plannodes.h"
#include "utils/palloc.h"

typedef struct PgsyncPlans PgsyncPlans;

extern PgsyncPlans *pgsync_plans_create(MemoryContext context);
extern PlannedStmt *pgsync_plans_find(PgsyncPlans *plans, const char *text);
extern void pgsync_plans_keep(PgsyncPlans *plans, const char *text,
							  PlannedStmt *plan);
extern void pgsync_plans_forget(PgsyncPlans *plans);

#endif							/* PGSYNC_PLANS_H */
