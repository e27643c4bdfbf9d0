/*-------------------------------------------------------------------------
 *
 * error_table.c
 *	  The table of the caller's that keeps rows which could not go in.
 *
 *		target_table	regclass or text
 *		row_number		bigint					as error context counts
 *		data			text, json or jsonb		the whole row
 *		column_name, value, sqlstate, message, detail, hint, constraint_name
 *						text
 *
 * It has any of these columns, in any order; its others take their defaults.
 * Rows are kept in a tuplestore, which spills to disk, and go in at the end
 * with one INSERT: privileges, policies, constraints and triggers are those of
 * any INSERT.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "common/relation.h"
#include "common/spi_util.h"
#include "insert/error_table.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* What the rows are selected from */
#define REJECTS "pgsync_rejects"

/* What a column keeps */
typedef enum ErrorItem
{
	ITEM_TARGET_TABLE,
	ITEM_ROW_NUMBER,
	ITEM_DATA,
	ITEM_COLUMN_NAME,
	ITEM_VALUE,
	ITEM_SQLSTATE,
	ITEM_MESSAGE,
	ITEM_DETAIL,
	ITEM_HINT,
	ITEM_CONSTRAINT_NAME,
} ErrorItem;

#define NITEMS	(ITEM_CONSTRAINT_NAME + 1)

/* The name that a column must have, and the types that it may have */
typedef struct ItemColumn
{
	const char *name;
	Oid			types[3];
	const char *detail;			/* of the error for another one */
} ItemColumn;

/* By ErrorItem */
static const ItemColumn item_columns[NITEMS] = {
	[ITEM_TARGET_TABLE] = {
		.name = "target_table",
		.types = {REGCLASSOID, TEXTOID},
		.detail = gettext_noop("Its type must be regclass or text."),
	},
	[ITEM_ROW_NUMBER] = {
		.name = "row_number",
		.types = {INT8OID},
		.detail = gettext_noop("Its type must be bigint."),
	},
	[ITEM_DATA] = {
		.name = "data",
		.types = {TEXTOID, JSONOID, JSONBOID},
		.detail = gettext_noop("Its type must be text, json or jsonb."),
	},
	[ITEM_COLUMN_NAME] = {
		.name = "column_name",
		.types = {TEXTOID},
		.detail = gettext_noop("Its type must be text."),
	},
	[ITEM_VALUE] = {
		.name = "value",
		.types = {TEXTOID},
		.detail = gettext_noop("Its type must be text."),
	},
	[ITEM_SQLSTATE] = {
		.name = "sqlstate",
		.types = {TEXTOID},
		.detail = gettext_noop("Its type must be text."),
	},
	[ITEM_MESSAGE] = {
		.name = "message",
		.types = {TEXTOID},
		.detail = gettext_noop("Its type must be text."),
	},
	[ITEM_DETAIL] = {
		.name = "detail",
		.types = {TEXTOID},
		.detail = gettext_noop("Its type must be text."),
	},
	[ITEM_HINT] = {
		.name = "hint",
		.types = {TEXTOID},
		.detail = gettext_noop("Its type must be text."),
	},
	[ITEM_CONSTRAINT_NAME] = {
		.name = "constraint_name",
		.types = {TEXTOID},
		.detail = gettext_noop("Its type must be text."),
	},
};

struct PgsyncErrorTable
{
	Relation	rel;
	Relation	target;
	int			ncolumns;
	ErrorItem	items[NITEMS];	/* of its columns */
	Oid			types[NITEMS];
	EphemeralNamedRelation rows;	/* with the tuplestore */
};

/* Insists that a column has a type that its item can have (42804). */
static void
check_type(Relation rel, Form_pg_attribute attr, const ItemColumn *column)
{
	for (int i = 0; i < lengthof(column->types); i++)
	{
		if (OidIsValid(column->types[i]) && attr->atttypid == column->types[i])
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of error table \"%s\" is of type %s",
					column->name, RelationGetRelationName(rel),
					format_type_be(attr->atttypid)),
			 errdetail("%s", _(column->detail))));
}

/* Finds the columns for what is to be kept. */
static void
find_columns(PgsyncErrorTable *table)
{
	TupleDesc	desc = RelationGetDescr(table->rel);

	for (int item = 0; item < NITEMS; item++)
	{
		for (int i = 0; i < desc->natts; i++)
		{
			Form_pg_attribute attr = TupleDescAttr(desc, i);

			if (attr->attisdropped ||
				strcmp(NameStr(attr->attname), item_columns[item].name) != 0)
				continue;
			check_type(table->rel, attr, &item_columns[item]);
			table->items[table->ncolumns] = item;
			table->types[table->ncolumns++] = attr->atttypid;
		}
	}
	if (table->ncolumns == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("error table \"%s\" has no column to keep rejected rows in",
						RelationGetRelationName(table->rel)),
				 errhint("Give it some of the columns target_table, row_number, data, column_name, value, sqlstate, message, detail, hint and constraint_name.")));
}

/* Returns whether a relation is another one, or a partition below it. */
static bool
is_part_of(Oid relid, Oid other)
{
	return relid == other ||
		(get_rel_relispartition(relid) &&
		 list_member_oid(get_partition_ancestors(relid), other));
}

/* Refuses the target, and what shares rows with it (22023). */
static void
check_is_another(Relation rel, Relation target)
{
	Oid			relid = RelationGetRelid(rel);
	Oid			target_relid = RelationGetRelid(target);

	if (!is_part_of(relid, target_relid) && !is_part_of(target_relid, relid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("error table \"%s\" must not be the target, nor share rows with it",
					RelationGetRelationName(rel)),
			 errhint("Make a table of its own for rows that cannot go in.")));
}

/*
 * Checks that the caller may insert into the columns (42501), before any row
 * is read; the INSERT will do so again.
 */
static void
check_privileges(PgsyncErrorTable *table)
{
	Oid			relid = RelationGetRelid(table->rel);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_INSERT) == ACLCHECK_OK)
		return;
	for (int i = 0; i < table->ncolumns; i++)
	{
		AttrNumber	attnum = get_attnum(relid,
										item_columns[table->items[i]].name);

		if (pg_attribute_aclcheck(relid, attnum, GetUserId(),
								  ACL_INSERT) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV,
						   get_relkind_objtype(table->rel->rd_rel->relkind),
						   RelationGetRelationName(table->rel));
	}
}

/* Makes the relation that the rows are selected from, as yet empty. */
static EphemeralNamedRelation
make_rows(PgsyncErrorTable *table)
{
	EphemeralNamedRelation rows = palloc0(sizeof(EphemeralNamedRelationData));
	TupleDesc	desc = CreateTemplateTupleDesc(table->ncolumns);

	for (int i = 0; i < table->ncolumns; i++)
		TupleDescInitEntry(desc, i + 1, item_columns[table->items[i]].name,
						   table->types[i], -1, 0);
	rows->md.name = REJECTS;
	rows->md.reliddesc = InvalidOid;
	rows->md.tupdesc = desc;
	rows->md.enrtype = ENR_NAMED_TUPLESTORE;
	rows->reldata = tuplestore_begin_heap(false, false, work_mem);
	return rows;
}

/*
 * Opens an error table.
 *
 * Errors: 42P01, 42809 if it is no table; 22023 if it shares rows with the
 * target; 42804 for a column of the wrong type, 42703 if there is none; 42501.
 */
PgsyncErrorTable *
pgsync_error_table_open(Oid relid, Relation target)
{
	PgsyncErrorTable *table = palloc0(sizeof(PgsyncErrorTable));

	table->rel = pgsync_open_relation(relid, RowExclusiveLock,
									  PGSYNC_FOR_REJECTS);
	table->target = target;
	check_is_another(table->rel, target);
	find_columns(table);
	check_privileges(table);
	table->rows = make_rows(table);
	return table;
}

/* Returns the type of the column for the whole row, or InvalidOid. */
Oid
pgsync_error_table_data_type(PgsyncErrorTable *table)
{
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (table->items[i] == ITEM_DATA)
			return table->types[i];
	}
	return InvalidOid;
}

/* Returns a text, or NULL for a NULL string. */
static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return *isnull ? (Datum) 0 : CStringGetTextDatum(string);
}

/* Returns the target as the column's type has it. */
static Datum
target_value(PgsyncErrorTable *table, Oid type, bool *isnull)
{
	*isnull = false;
	if (type == REGCLASSOID)
		return ObjectIdGetDatum(RelationGetRelid(table->target));
	return CStringGetTextDatum(pgsync_qualified_relation_name(table->target));
}

/* Returns what one column keeps of a row; "data" is not known here. */
static Datum
item_value(PgsyncErrorTable *table, int column, const PgsyncReject *reject,
		   bool *isnull)
{
	switch (table->items[column])
	{
		case ITEM_TARGET_TABLE:
			return target_value(table, table->types[column], isnull);
		case ITEM_ROW_NUMBER:
			*isnull = false;
			return Int64GetDatum((int64) reject->number);
		case ITEM_COLUMN_NAME:
			return text_or_null(reject->column_name, isnull);
		case ITEM_VALUE:
			return text_or_null(reject->value, isnull);
		case ITEM_SQLSTATE:
			return text_or_null(unpack_sql_state(reject->sqlerrcode), isnull);
		case ITEM_MESSAGE:
			return text_or_null(reject->message, isnull);
		case ITEM_DETAIL:
			return text_or_null(reject->detail, isnull);
		case ITEM_HINT:
			return text_or_null(reject->hint, isnull);
		case ITEM_CONSTRAINT_NAME:
			return text_or_null(reject->constraint_name, isnull);
		default:
			*isnull = true;
			return (Datum) 0;
	}
}

/* Adds a row that could not go in; "data" is of the column's type. */
void
pgsync_error_table_add(PgsyncErrorTable *table, const PgsyncReject *reject,
					   Datum data, bool has_data)
{
	Datum		values[NITEMS];
	bool		nulls[NITEMS];

	for (int i = 0; i < table->ncolumns; i++)
	{
		values[i] = item_value(table, i, reject, &nulls[i]);
		if (table->items[i] == ITEM_DATA)
		{
			values[i] = data;
			nulls[i] = !has_data;
		}
	}
	tuplestore_putvalues(table->rows->reldata, table->rows->md.tupdesc,
						 values, nulls);
}

/* Inserts the rows, if there are any, and closes the table. */
void
pgsync_error_table_store(PgsyncErrorTable *table)
{
	Tuplestorestate *store = table->rows->reldata;
	StringInfoData names;
	char	   *query;

	table->rows->md.enrtuples = tuplestore_tuple_count(store);
	if (tuplestore_tuple_count(store) > 0)
	{
		initStringInfo(&names);
		for (int i = 0; i < table->ncolumns; i++)
			appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
							 quote_identifier(item_columns[table->items[i]].name));
		query = psprintf("INSERT INTO %s (%s) SELECT %s FROM " REJECTS,
						 pgsync_qualified_relation_name(table->rel),
						 names.data, names.data);
		pgsync_spi_connect();
		pgsync_spi_register_relation(table->rows);
		pgsync_spi_execute(query, SPI_OK_INSERT);
		pgsync_spi_finish();
	}
	tuplestore_end(store);
	table_close(table->rel, NoLock);
}
