/*-------------------------------------------------------------------------
 *
 * plans.c
 *	  Plans of statements that are likely to be run again.
 *
 * Where rows of a load name other columns in turn, the same few statements
 * come again and again, and planning them takes longer than running them.
 * Plans are found by the statement's text.  They hold for one call, in which
 * the locks that planning took are still held; not beyond a change of anything
 * that a plan can depend on, whichever it is, nor for another role.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/hashfn.h"
#include "common/plans.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/* How many plans are kept; then each new one takes the oldest one's place */
#define MAX_PLANS	16

typedef struct KeptPlan
{
	uint32		hash;			/* of the text */
	char	   *text;
	PlannedStmt *plan;
	uint64		changes;		/* that there had been when it was made */
	Oid			role;
	bool		row_security;
	MemoryContext context;		/* NULL: there is no plan here */
} KeptPlan;

struct PgsyncPlans
{
	MemoryContext context;
	int			oldest;
	KeptPlan	plans[MAX_PLANS];
};

/* Changes in the catalogs that this session has been told of */
static uint64 changes = 0;

/* Counts a change of a relation. */
static void
relation_changed(Datum arg, Oid relid)
{
	changes++;
}

/* Counts a change of something else. */
static void
object_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	changes++;
}

/* Has changes counted from now on: of what core's plan cache looks at. */
static void
count_changes(void)
{
	static const int caches[] = {
		PROCOID, TYPEOID, NAMESPACEOID, OPEROID, AMOPOPID, FOREIGNSERVEROID,
		FOREIGNDATAWRAPPEROID
	};
	static bool counting = false;

	if (counting)
		return;
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	for (int i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], object_changed, (Datum) 0);
	counting = true;
}

/* Creates a place for plans in a memory context, empty. */
PgsyncPlans *
pgsync_plans_create(MemoryContext context)
{
	PgsyncPlans *plans = MemoryContextAllocZero(context, sizeof(PgsyncPlans));

	plans->context = context;
	count_changes();
	return plans;
}

/* Returns the hash of a statement's text. */
static uint32
hash_text(const char *text)
{
	return hash_bytes((const unsigned char *) text, strlen(text));
}

/*
 * Returns a copy of a statement's plan in the current memory context, or NULL
 * if there is none that still holds.  "plans" may be NULL.
 */
PlannedStmt *
pgsync_plans_find(PgsyncPlans *plans, const char *text)
{
	uint32		hash;

	if (plans == NULL)
		return NULL;
	hash = hash_text(text);
	for (int i = 0; i < MAX_PLANS; i++)
	{
		KeptPlan   *kept = &plans->plans[i];

		if (kept->context != NULL && kept->hash == hash &&
			strcmp(kept->text, text) == 0 && kept->changes == changes &&
			kept->role == GetUserId() && kept->row_security == row_security)
			return copyObject(kept->plan);
	}
	return NULL;
}

/* Lets go of a plan. */
static void
forget_plan(KeptPlan *kept)
{
	if (kept->context != NULL)
		MemoryContextDelete(kept->context);
	kept->context = NULL;
}

/* Keeps a copy of a statement's plan, if there are "plans". */
void
pgsync_plans_keep(PgsyncPlans *plans, const char *text, PlannedStmt *plan)
{
	KeptPlan   *kept;
	MemoryContext oldcontext;

	if (plans == NULL)
		return;
	kept = &plans->plans[plans->oldest];
	plans->oldest = (plans->oldest + 1) % MAX_PLANS;
	forget_plan(kept);
	kept->context = AllocSetContextCreate(plans->context, "pgsync kept plan",
										  ALLOCSET_SMALL_SIZES);
	oldcontext = MemoryContextSwitchTo(kept->context);
	kept->hash = hash_text(text);
	kept->text = pstrdup(text);
	kept->plan = copyObject(plan);
	kept->changes = changes;
	kept->role = GetUserId();
	kept->row_security = row_security;
	MemoryContextSwitchTo(oldcontext);
}

/* Forgets all plans, if there are any: they are to be made anew. */
void
pgsync_plans_forget(PgsyncPlans *plans)
{
	if (plans == NULL)
		return;
	for (int i = 0; i < MAX_PLANS; i++)
		forget_plan(&plans->plans[i]);
}
