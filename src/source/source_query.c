/*-------------------------------------------------------------------------
 *
 * source_query.c
 *	  Rows from a query.
 *
 *		SELECT id, name FROM ...		its columns, by name
 *		SELECT payload FROM ...			one json or jsonb: each value is an
 *										object, or an array of objects
 *
 * A column whose type is the target's passes as it is, others are cast as
 * INSERT casts them.  Running the query is query_rows.c's business; what is
 * in a json or jsonb, that of the sources for these.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "row/unknown_names.h"
#include "source/query_rows.h"
#include "source/source_json.h"
#include "source/source_query.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "value/row_jsonb.h"

/* A column of the query */
typedef struct QueryColumn
{
	AttrNumber	attnum;			/* of the target; 0: dropped */
	ExprState  *cast;			/* NULL: the value passes as it is */
	int16		len;			/* of the target's type */
	bool		by_value;
} QueryColumn;

/* A row that has been kept: of the query, or in one of its values */
typedef struct KeptQueryRow
{
	MinimalTuple tuple;
	void	   *object;
} KeptQueryRow;

typedef struct RowsQuery
{
	PgsyncSource base;
	const char *sql;
	ArrayType  *args;
	PgsyncQueryRows rows;
	bool		started;
	bool		done;
	TupleTableSlot *slot;		/* the row at hand */
	TupleTableSlot *kept_slot;	/* for kept ones; made on demand */
	uint64		number;			/* of it, or of the row in its value */
	QueryColumn *columns;
	int		   *positions;		/* of the columns, by the target's attribute */
	bool	   *named;			/* by attribute */
	ExprContext *econtext;
	PgsyncRowJsonb *row_jsonb;	/* made on demand */
	bool		has_objects;	/* is the one column json or jsonb? */
	PgsyncSource *value;		/* the source of the value at hand, or NULL */
	PgsyncSource *recent;		/* the source of the last value there was */
	MemoryContext value_context;
	uint64		values;			/* so far */
} RowsQuery;

/* Reports two columns of the query with one name (42701). */
static void
check_duplicate_names(TupleDesc desc)
{
	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);

		for (int j = 0; j < i; j++)
		{
			if (strcmp(name, NameStr(TupleDescAttr(desc, j)->attname)) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column name \"%s\" occurs more than once in the query",
								name),
						 errhint("Give each column a name of its own with AS.")));
		}
	}
}

/*
 * Returns the cast of a column of the query to the target's, or to the text
 * that the source has been asked for in its stead; NULL if none is needed.
 *
 * Errors: 42804 if there is none.
 */
static ExprState *
make_cast(RowsQuery *source, int position, AttrNumber attnum)
{
	PgsyncTarget *target = source->base.target;
	Form_pg_attribute from = TupleDescAttr(source->rows.desc, position);
	Form_pg_attribute to = TupleDescAttr(RelationGetDescr(target->rel),
										 attnum - 1);
	Oid			type = pgsync_target_converter(target, attnum)->typid;
	bool		as_text = type != to->atttypid;
	int32		typmod = as_text ? -1 : to->atttypmod;
	Node	   *expr;

	if (from->atttypid == type &&
		(typmod == -1 || from->atttypmod == typmod))
		return NULL;
	expr = (Node *) makeVar(1, position + 1, from->atttypid, from->atttypmod,
							from->attcollation, 0);
	expr = coerce_to_target_type(NULL, expr, from->atttypid, type, typmod,
								 as_text ? COERCION_EXPLICIT :
								 COERCION_ASSIGNMENT,
								 COERCE_IMPLICIT_CAST, -1);
	if (expr == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s but the query's column is of type %s",
						NameStr(to->attname), format_type_be(type),
						format_type_be(from->atttypid)),
				 errhint("You will need to cast it in the query.")));
	return ExecInitExpr(expression_planner((Expr *) expr), NULL);
}

/* Reports all names of the query, from this on, that are no columns. */
pg_noreturn static void
report_unknown_names(RowsQuery *source, int position)
{
	TupleDesc	desc = source->rows.desc;
	PgsyncUnknownNames unknown = {
		.target = source->base.target,
		.has_options = true
	};

	for (; position < desc->natts; position++)
	{
		const char *name = NameStr(TupleDescAttr(desc, position)->attname);

		if (pgsync_target_find_near(unknown.target, name, strlen(name),
									0) == 0)
			pgsync_unknown_names_add(&unknown, name, strlen(name));
	}
	pgsync_unknown_names_report(&unknown);
}

/* Finds out where a column of the query goes. */
static void
resolve_column(RowsQuery *source, int position)
{
	PgsyncTarget *target = source->base.target;
	const char *name = NameStr(TupleDescAttr(source->rows.desc, position)->attname);
	QueryColumn *column = &source->columns[position];
	AttrNumber	attnum = pgsync_target_find_near(target, name, strlen(name), 0);

	if (attnum == 0)
		report_unknown_names(source, position);
	if (attnum == PGSYNC_DROPPED_NAME)
		return;
	if (source->named[attnum - 1])
		pgsync_names_conflict(target, attnum);
	source->named[attnum - 1] = true;
	source->positions[attnum - 1] = position;
	column->attnum = attnum;
	column->cast = make_cast(source, position, attnum);
	get_typlenbyval(pgsync_target_converter(target, attnum)->typid,
					&column->len, &column->by_value);
}

/* Starts the query, and finds out where its columns go. */
static void
start_query(RowsQuery *source)
{
	PgsyncTarget *target = source->base.target;
	MemoryContext oldcontext = MemoryContextSwitchTo(target->mcxt);
	TupleDesc	desc;

	pgsync_query_rows_begin(&source->rows, source->sql, source->args);
	source->started = true;
	desc = source->rows.desc;
	if (source->rows.query != NULL)
		source->base.expressions = list_make1(source->rows.query);
	source->econtext = CreateStandaloneExprContext();
	source->columns = palloc0(sizeof(QueryColumn) * Max(desc->natts, 1));
	check_duplicate_names(desc);
	source->has_objects = desc->natts == 1 &&
		(TupleDescAttr(desc, 0)->atttypid == JSONOID ||
		 TupleDescAttr(desc, 0)->atttypid == JSONBOID);
	for (int i = 0; i < desc->natts && !source->has_objects; i++)
		resolve_column(source, i);
	source->value_context = AllocSetContextCreate(target->mcxt,
												  "pgsync query value",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(oldcontext);
}

/* Opens the source of the row's one value, which holds objects. */
static void
open_value(RowsQuery *source)
{
	static const PgsyncJsonOptions none = {0};
	PgsyncTarget *target = source->base.target;
	bool		is_jsonb = TupleDescAttr(source->rows.desc, 0)->atttypid == JSONBOID;
	MemoryContext oldcontext;
	bool		isnull;
	Datum		value;

	source->values++;
	value = slot_getattr(source->slot, 1, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("value %llu of the query is null",
						(unsigned long long) source->values),
				 errhint("Leave nulls out with WHERE.")));
	MemoryContextReset(source->value_context);
	oldcontext = MemoryContextSwitchTo(source->value_context);
	source->value = is_jsonb ?
		pgsync_source_jsonb_open(target, DatumGetJsonbP(value), &none) :
		pgsync_source_json_open_text(target, DatumGetTextPP(value), &none,
									 false);
	source->value->ignored = source->base.ignored;
	source->value->scalar_column = source->base.scalar_column;
	source->value->has_options = true;
	source->value->brief = true;
	source->recent = source->value;
	MemoryContextSwitchTo(oldcontext);
}

/* Returns how many bytes a row's values have, roughly. */
static Size
row_size(RowsQuery *source)
{
	TupleDesc	desc = source->rows.desc;
	Size		size = 0;

	slot_getallattrs(source->slot);
	for (int i = 0; i < desc->natts; i++)
	{
		if (source->slot->tts_isnull[i])
			continue;
		if (TupleDescAttr(desc, i)->attlen == -1)
			size += VARSIZE_ANY(DatumGetPointer(source->slot->tts_values[i]));
		else
			size += sizeof(Datum);
	}
	return size;
}

/* Moves to the query's next row; false when there is none, the query ended. */
static bool
next_row(RowsQuery *source)
{
	CHECK_FOR_INTERRUPTS();
	if (source->done)
		return false;
	source->slot = pgsync_query_rows_next(&source->rows);
	if (source->slot != NULL)
		return true;
	pgsync_query_rows_end(&source->rows);
	source->done = true;
	return false;
}

/* Moves to the next object in the query's values; false at the end. */
static bool
next_object(RowsQuery *source, PgsyncRow *row)
{
	while (source->value == NULL ||
		   !source->value->routine->fetch(source->value, row))
	{
		source->value = NULL;
		if (!next_row(source))
			return false;
		open_value(source);
	}
	return true;
}

/* Moves to the next row; see PgsyncSourceRoutine. */
static bool
query_source_fetch(PgsyncSource *base, PgsyncRow *row)
{
	RowsQuery  *source = (RowsQuery *) base;
	bool		found;

	if (!source->started)
		start_query(source);
	row->number = source->number + 1;
	found = source->has_objects ? next_object(source, row) : next_row(source);
	if (!found)
	{
		memcpy(row->named, source->named, base->target->natts);
		return false;
	}
	row->number = ++source->number;
	if (!source->has_objects)
		row->size = row_size(source);
	return true;
}

/* Converts one value of the row at hand. */
static void
convert_column(RowsQuery *source, PgsyncRow *row, int position)
{
	QueryColumn *column = &source->columns[position];
	bool	   *isnull = &row->nulls[column->attnum - 1];
	Datum		value = source->slot->tts_values[position];

	*isnull = source->slot->tts_isnull[position];
	if (column->cast != NULL)
		value = ExecEvalExprSwitchContext(column->cast, source->econtext,
										  isnull);
	row->values[column->attnum - 1] = *isnull ? (Datum) 0 :
		datumCopy(value, column->by_value, column->len);
}

/* Converts the row's values; see PgsyncSourceRoutine. */
static void
query_source_convert(PgsyncSource *base, PgsyncRow *row)
{
	RowsQuery  *source = (RowsQuery *) base;

	if (source->has_objects)
	{
		source->recent->routine->convert(source->recent, row);
		return;
	}
	ResetExprContext(source->econtext);
	source->econtext->ecxt_scantuple = source->slot;
	memcpy(row->named, source->named, base->target->natts);
	for (int i = 0; i < source->rows.desc->natts; i++)
	{
		AttrNumber	attnum = source->columns[i].attnum;

		if (attnum == 0 || pgsync_source_ignores(base, attnum))
			continue;
		row->column = attnum;
		convert_column(source, row, i);
	}
	row->column = 0;
}

/* Keeps the row at hand; see PgsyncSourceRoutine. */
static void *
query_source_keep(PgsyncSource *base)
{
	RowsQuery  *source = (RowsQuery *) base;
	KeptQueryRow *kept = palloc0(sizeof(KeptQueryRow));

	if (source->has_objects)
		kept->object = source->recent->routine->keep(source->recent);
	else
		kept->tuple = ExecCopySlotMinimalTuple(source->slot);
	return kept;
}

/*
 * Makes a kept row the one at hand; see PgsyncSourceRoutine.  An object that
 * has been kept is whole without the value that it was in.
 */
static void
query_source_recall(PgsyncSource *base, void *row)
{
	RowsQuery  *source = (RowsQuery *) base;
	KeptQueryRow *kept = row;
	MemoryContext oldcontext;

	if (source->has_objects)
	{
		source->recent->routine->recall(source->recent, kept->object);
		return;
	}
	if (source->kept_slot == NULL)
	{
		oldcontext = MemoryContextSwitchTo(base->target->mcxt);
		source->kept_slot =
			MakeSingleTupleTableSlot(CreateTupleDescCopy(source->rows.desc),
									 &TTSOpsMinimalTuple);
		MemoryContextSwitchTo(oldcontext);
	}
	source->slot = ExecStoreMinimalTuple(kept->tuple, source->kept_slot,
										 false);
	slot_getallattrs(source->slot);
}

/* Appends the value being converted; see PgsyncSourceRoutine. */
static void
query_source_describe_value(PgsyncSource *base, AttrNumber column,
							StringInfo buf)
{
	RowsQuery  *source = (RowsQuery *) base;
	int			position = source->positions[column - 1];
	Oid			output;
	bool		is_varlena;

	if (source->has_objects)
	{
		source->recent->routine->describe_value(source->recent, column, buf);
		return;
	}
	if (source->slot->tts_isnull[position])
		return;
	getTypeOutputInfo(TupleDescAttr(source->rows.desc, position)->atttypid,
					  &output, &is_varlena);
	appendStringInfoString(buf,
						   OidOutputFunctionCall(output,
												 source->slot->tts_values[position]));
}

/* Makes an object of the row; see PgsyncSourceRoutine. */
static Jsonb *
query_source_make_jsonb(PgsyncSource *base)
{
	RowsQuery  *source = (RowsQuery *) base;

	if (source->has_objects)
		return source->recent->routine->make_jsonb(source->recent);
	if (source->row_jsonb == NULL)
		source->row_jsonb = pgsync_row_jsonb_create(source->rows.desc,
													base->target->mcxt);
	return DatumGetJsonbP(pgsync_row_jsonb_make(source->row_jsonb,
												source->slot));
}

/* Appends the row as an object; see PgsyncSourceRoutine. */
static void
query_source_append_raw(PgsyncSource *base, StringInfo buf)
{
	RowsQuery  *source = (RowsQuery *) base;
	Jsonb	   *row;

	if (source->has_objects)
	{
		source->recent->routine->append_raw(source->recent, buf);
		return;
	}
	row = query_source_make_jsonb(base);
	JsonbToCString(buf, &row->root, VARSIZE(row));
}

/* Reports that the length is not known; see PgsyncSourceRoutine. */
static void
query_source_progress(PgsyncSource *base, int64 *done, int64 *total)
{
	*done = *total = 0;
}

static const PgsyncSourceRoutine query_source_routine = {
	.unit = PGSYNC_UNIT_ROW,
	.raw_is_json = true,
	.fetch = query_source_fetch,
	.convert = query_source_convert,
	.keep = query_source_keep,
	.recall = query_source_recall,
	.describe_value = query_source_describe_value,
	.append_raw = query_source_append_raw,
	.make_jsonb = query_source_make_jsonb,
	.progress = query_source_progress,
};

/* Creates a source over a query, whose text and arguments must outlive it. */
PgsyncSource *
pgsync_source_query_open(PgsyncTarget *target, const char *sql,
						 ArrayType *args)
{
	RowsQuery  *source = palloc0(sizeof(RowsQuery));
	int			natts = Max(target->natts, 1);

	source->base.routine = &query_source_routine;
	source->base.target = target;
	source->sql = sql;
	source->args = args;
	source->positions = palloc0(sizeof(int) * natts);
	source->named = palloc0(natts);
	return (PgsyncSource *) source;
}
