/*-------------------------------------------------------------------------
 *
 * source_transform.c
 *	  A source around a source: some columns' values are made by expressions.
 *
 * The inner source reads by a view of the target in which these columns are
 * text.  That text is v; r is the whole row, made only where it is used.
 *
 * The plans are started once, outside of any subtransaction that a row is
 * converted in, and keep what they hold in a resource owner and a memory
 * context of their own.  After an error, which leaves an executor in no state
 * to go on from, both are thrown away and the plans started anew.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "executor/executor.h"
#include "row/source.h"
#include "source/transform.h"
#include "tcop/dest.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* A transform that is running */
typedef struct Evaluation
{
	PgsyncTransform *transform;
	QueryDesc  *queryDesc;
	ProjectionInfo *projection; /* makes the value from the slot */
	ExprContext *econtext;
	TupleTableSlot *slot;		/* v and r */
} Evaluation;

typedef struct TransformSource
{
	PgsyncSource base;
	PgsyncSource *inner;
	int			count;
	Evaluation *evaluations;
	bool		uses_row;
	QueryEnvironment *env;		/* NULL until they are planned */
	MemoryContext context;		/* of the executors; NULL: not started */
	ResourceOwner owner;
	bool		knows_inner;	/* does base.expressions have the inner's? */
	bool		evaluating;		/* in the middle of it */
	bool		kept;			/* are rows converted after they are fetched? */
	text	   *v;				/* of the transform being evaluated, or NULL */
} TransformSource;

/* Analyzes and plans the expressions. */
static void
plan_transforms(TransformSource *source)
{
	PgsyncTarget *target = source->base.target;
	MemoryContext oldcontext = MemoryContextSwitchTo(target->mcxt);

	source->env = pgsync_transform_environment();
	for (int i = 0; i < source->count; i++)
	{
		PgsyncTransform *transform = source->evaluations[i].transform;

		pgsync_transform_plan(transform, target, source->env);
		source->uses_row |= transform->uses_row;
		source->base.expressions = lappend(source->base.expressions,
										   transform->expression);
	}
	MemoryContextSwitchTo(oldcontext);
}

/* Starts the executor on one plan, whose top is the scan of pgsync_row. */
static void
start_evaluation(TransformSource *source, Evaluation *evaluation)
{
	ScanState  *scan;

	evaluation->queryDesc = CreateQueryDesc(evaluation->transform->plan,
											evaluation->transform->sql,
											GetActiveSnapshot(),
											InvalidSnapshot, None_Receiver,
											NULL, source->env, 0);
	ExecutorStart(evaluation->queryDesc, 0);
	scan = &castNode(NamedTuplestoreScanState,
					 evaluation->queryDesc->planstate)->ss;
	evaluation->projection = scan->ps.ps_ProjInfo;
	evaluation->econtext = scan->ps.ps_ExprContext;
	evaluation->slot = scan->ss_ScanTupleSlot;
}

/* Starts all plans, in a resource owner and memory context of their own. */
static void
start_executors(TransformSource *source)
{
	ResourceOwner oldowner = CurrentResourceOwner;
	MemoryContext oldcontext;

	source->context = AllocSetContextCreate(source->base.target->mcxt,
											"pgsync transforms",
											ALLOCSET_DEFAULT_SIZES);
	source->owner = ResourceOwnerCreate(CurrentResourceOwner,
										"pgsync transforms");
	CurrentResourceOwner = source->owner;
	oldcontext = MemoryContextSwitchTo(source->context);
	/* a copy: the load's own moves on from command to command */
	PushCopiedSnapshot(GetActiveSnapshot());
	for (int i = 0; i < source->count; i++)
		start_evaluation(source, &source->evaluations[i]);
	PopActiveSnapshot();
	MemoryContextSwitchTo(oldcontext);
	CurrentResourceOwner = oldowner;
}

/* Releases what the executors hold, and them; "commit": they have ended. */
static void
release_executors(TransformSource *source, bool commit)
{
	ResourceOwnerRelease(source->owner, RESOURCE_RELEASE_BEFORE_LOCKS,
						 commit, false);
	ResourceOwnerRelease(source->owner, RESOURCE_RELEASE_LOCKS,
						 commit, false);
	ResourceOwnerRelease(source->owner, RESOURCE_RELEASE_AFTER_LOCKS,
						 commit, false);
	ResourceOwnerDelete(source->owner);
	source->owner = NULL;
	MemoryContextDelete(source->context);
	source->context = NULL;
	source->evaluating = false;
}

/* Throws away executors that an error has left, and starts them anew. */
static void
restart_executors(TransformSource *source)
{
	release_executors(source, false);
	start_executors(source);
}

/* Ends the executors when there are no more rows. */
static void
end_executors(TransformSource *source)
{
	ResourceOwner oldowner = CurrentResourceOwner;

	CurrentResourceOwner = source->owner;
	for (int i = 0; i < source->count; i++)
	{
		ExecutorFinish(source->evaluations[i].queryDesc);
		ExecutorEnd(source->evaluations[i].queryDesc);
		FreeQueryDesc(source->evaluations[i].queryDesc);
	}
	CurrentResourceOwner = oldowner;
	release_executors(source, true);
}

/*
 * Adds the inner source's expressions, which are known once it has begun to
 * read.  They are needed longer than the row that is being fetched.
 */
static void
note_inner_expressions(TransformSource *source)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(source->base.target->mcxt);

	source->base.expressions = list_concat_copy(source->base.expressions,
												source->inner->expressions);
	source->knows_inner = true;
	MemoryContextSwitchTo(oldcontext);
}

/* Moves to the next row of the inner source; see PgsyncSourceRoutine. */
static bool
transform_source_fetch(PgsyncSource *base, PgsyncRow *row)
{
	TransformSource *source = (TransformSource *) base;
	bool		found;

	if (source->env == NULL)
	{
		plan_transforms(source);
		start_executors(source);
	}
	source->inner->ignored = base->ignored;
	source->inner->scalar_column = base->scalar_column;
	if (source->evaluating)
		restart_executors(source);
	found = source->inner->routine->fetch(source->inner, row);
	if (!source->knows_inner)
		note_inner_expressions(source);
	if (!found && source->context != NULL && !source->kept)
		end_executors(source);
	if (!found)
	{
		/* a transform names its column whether the input does or not */
		for (int i = 0; i < source->count; i++)
			row->named[source->evaluations[i].transform->attnum - 1] = true;
	}
	return found;
}

/* Evaluates one expression, the result in the current memory context. */
static void
evaluate(TransformSource *source, Evaluation *evaluation, PgsyncRow *row,
		 Jsonb *whole)
{
	int			index = evaluation->transform->attnum - 1;
	Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(source->base.target->rel),
										   index);
	TupleTableSlot *slot = evaluation->slot;
	bool		isnull = !row->named[index] || row->nulls[index];
	Datum		value;

	row->named[index] = true;
	if (pgsync_source_ignores(&source->base, index + 1))
		return;
	source->v = isnull ? NULL : DatumGetTextPP(row->values[index]);
	row->column = index + 1;
	ResetExprContext(evaluation->econtext);
	ExecClearTuple(slot);
	slot->tts_values[PGSYNC_TRANSFORM_V - 1] = PointerGetDatum(source->v);
	slot->tts_isnull[PGSYNC_TRANSFORM_V - 1] = isnull;
	slot->tts_values[PGSYNC_TRANSFORM_R - 1] = PointerGetDatum(whole);
	slot->tts_isnull[PGSYNC_TRANSFORM_R - 1] = whole == NULL;
	ExecStoreVirtualTuple(slot);
	evaluation->econtext->ecxt_scantuple = slot;
	value = slot_getattr(ExecProject(evaluation->projection), 1, &isnull);
	row->nulls[index] = isnull;
	row->values[index] = isnull ? (Datum) 0 :
		datumCopy(value, attr->attbyval, attr->attlen);
}

/* Converts the row and evaluates its expressions; see PgsyncSourceRoutine. */
static void
transform_source_convert(PgsyncSource *base, PgsyncRow *row)
{
	TransformSource *source = (TransformSource *) base;
	ResourceOwner oldowner = CurrentResourceOwner;
	Jsonb	   *whole = NULL;

	source->inner->routine->convert(source->inner, row);
	if (source->evaluating)
		restart_executors(source);
	if (source->uses_row)
		whole = source->inner->routine->make_jsonb(source->inner);
	source->evaluating = true;
	CurrentResourceOwner = source->owner;
	for (int i = 0; i < source->count; i++)
		evaluate(source, &source->evaluations[i], row, whole);
	CurrentResourceOwner = oldowner;
	source->evaluating = false;
	row->column = 0;
}

/* Keeps the inner source's row; see PgsyncSourceRoutine. */
static void *
transform_source_keep(PgsyncSource *base)
{
	TransformSource *source = (TransformSource *) base;

	source->kept = true;
	return source->inner->routine->keep(source->inner);
}

/* Has the inner source recall a row; see PgsyncSourceRoutine. */
static void
transform_source_recall(PgsyncSource *base, void *row)
{
	PgsyncSource *inner = ((TransformSource *) base)->inner;

	inner->routine->recall(inner, row);
}

/* Starts the executors anew; see PgsyncSourceRoutine. */
static void
transform_source_renew(PgsyncSource *base)
{
	TransformSource *source = (TransformSource *) base;

	if (source->inner->routine->renew != NULL)
		source->inner->routine->renew(source->inner);
	if (source->context != NULL)
		restart_executors(source);
}

/* Ends the executors that kept rows needed; see PgsyncSourceRoutine. */
static void
transform_source_close(PgsyncSource *base)
{
	TransformSource *source = (TransformSource *) base;

	if (source->context != NULL)
		end_executors(source);
	if (source->inner->routine->close != NULL)
		source->inner->routine->close(source->inner);
}

/* Appends the value being converted; see PgsyncSourceRoutine. */
static void
transform_source_describe_value(PgsyncSource *base, AttrNumber column,
								StringInfo buf)
{
	TransformSource *source = (TransformSource *) base;

	if (!source->evaluating)
		source->inner->routine->describe_value(source->inner, column, buf);
	else if (source->v != NULL)
		appendBinaryStringInfo(buf, VARDATA_ANY(source->v),
							   Min(VARSIZE_ANY_EXHDR(source->v),
								   PGSYNC_MAX_DESCRIBED));
}

/* Appends the inner source's row; see PgsyncSourceRoutine. */
static void
transform_source_append_raw(PgsyncSource *base, StringInfo buf)
{
	PgsyncSource *inner = ((TransformSource *) base)->inner;

	inner->routine->append_raw(inner, buf);
}

/* Makes an object of the inner source's row; see PgsyncSourceRoutine. */
static Jsonb *
transform_source_make_jsonb(PgsyncSource *base)
{
	PgsyncSource *inner = ((TransformSource *) base)->inner;

	return inner->routine->make_jsonb(inner);
}

/* Reports the inner source's progress; see PgsyncSourceRoutine. */
static void
transform_source_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	PgsyncSource *inner = ((TransformSource *) base)->inner;

	inner->routine->progress(inner, done, total);
}

/*
 * Creates a source around another one, which reads by a view of the target;
 * "transforms" are what pgsync_transform_columns has returned.
 */
PgsyncSource *
pgsync_source_transform_create(PgsyncTarget *target, PgsyncSource *inner,
							   List *transforms)
{
	TransformSource *source = palloc0(sizeof(TransformSource));
	PgsyncSourceRoutine *routine = palloc(sizeof(PgsyncSourceRoutine));
	ListCell   *cell;

	/* unit and flags are the inner source's */
	*routine = *inner->routine;
	routine->fetch = transform_source_fetch;
	routine->convert = transform_source_convert;
	routine->keep = transform_source_keep;
	routine->recall = transform_source_recall;
	routine->renew = transform_source_renew;
	routine->close = transform_source_close;
	routine->describe_value = transform_source_describe_value;
	routine->append_raw = transform_source_append_raw;
	routine->make_jsonb = transform_source_make_jsonb;
	routine->progress = transform_source_progress;
	source->base.routine = routine;
	source->base.target = target;
	source->inner = inner;
	source->count = list_length(transforms);
	source->evaluations = palloc0(sizeof(Evaluation) * Max(source->count, 1));
	foreach(cell, transforms)
		source->evaluations[foreach_current_index(cell)].transform = lfirst(cell);
	return (PgsyncSource *) source;
}
