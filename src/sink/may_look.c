/*-------------------------------------------------------------------------
 *
 * may_look.c
 *	  Whether evaluating something might look at a table.
 *
 * Only volatile functions see rows that the running statement has stored;
 * stable ones and subqueries see what there was when it began, and count where
 * the caller says so (PgsyncLooks; NULL: they do not).  They are looked for in
 * expressions, in the constraints of the domains that a part of an expression
 * makes a value of (by a cast, by a type's input function, by
 * jsonb_populate_record, ...), and in those of a table's columns, however deep
 * in arrays, composites and ranges the domain is.  The functions of indexes
 * and partition keys are immutable, but not what such a domain brings in.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "sink/may_look.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static bool type_may_look(Oid typid, const PgsyncLooks *looks);

/* What counts where the caller says nothing */
static const PgsyncLooks volatile_only = {0};

/*
 * Returns whether a stable function might look at a table of a user's.  Those
 * of the server look at catalogs at most, but for the ones that make XML.
 */
static bool
stable_function_may_look(Oid func_id)
{
	switch (func_id)
	{
		case F_TABLE_TO_XML:
		case F_TABLE_TO_XML_AND_XMLSCHEMA:
		case F_SCHEMA_TO_XML:
		case F_SCHEMA_TO_XML_AND_XMLSCHEMA:
		case F_DATABASE_TO_XML:
		case F_DATABASE_TO_XML_AND_XMLSCHEMA:
			return true;
		default:
			return func_id >= FirstNormalObjectId;
	}
}

/*
 * Returns whether a function might look at a table.  Of the volatile ones,
 * those commonly used in defaults look at none.
 */
static bool
function_may_look(Oid func_id, void *context)
{
	const PgsyncLooks *looks = context;

	switch (func_id)
	{
		case F_NEXTVAL:
		case F_GEN_RANDOM_UUID:
		case F_CLOCK_TIMESTAMP:
		case F_TIMEOFDAY:
		case PGSYNC_F_RANDOM:
			return false;
		default:
			break;
	}
	switch (func_volatile(func_id))
	{
		case PROVOLATILE_VOLATILE:
			return true;
		case PROVOLATILE_STABLE:
			return looks->stable && stable_function_may_look(func_id);
		default:
			return false;
	}
}

/* Returns the partitioned table that a relation is a part of, or itself. */
Oid
pgsync_partition_root(Oid relid)
{
	return get_rel_relispartition(relid) ?
		llast_oid(get_partition_ancestors(relid)) : relid;
}

/* Returns whether a relation in a subquery counts. */
static bool
relation_counts(Oid relid, const PgsyncLooks *looks)
{
	char		relkind = get_rel_relkind(relid);

	/* what is below a view that has not been expanded is not known */
	return looks->any_table || relkind == RELKIND_VIEW ||
		relkind == RELKIND_FOREIGN_TABLE ||
		pgsync_partition_root(relid) == looks->root;
}

/* Returns whether a subquery reads a table that counts. */
static bool
query_may_look(Query *query, const PgsyncLooks *looks)
{
	ListCell   *cell;

	if (!OidIsValid(looks->root))
		return false;
	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_RELATION && relation_counts(rte->relid, looks))
			return true;
	}
	return false;
}

/*
 * Returns whether a node that core's walkers visit (nodeFuncs.c) is one that
 * exprType knows: not what only holds expressions together, in them or in a
 * subquery.
 */
static bool
has_value(Node *node)
{
	switch (nodeTag(node))
	{
		case T_List:
		case T_CaseWhen:
		case T_Query:
		case T_TargetEntry:
		case T_FromExpr:
		case T_JoinExpr:
		case T_RangeTblRef:
		case T_RangeTblFunction:
		case T_TableFunc:
		case T_TableSampleClause:
		case T_CommonTableExpr:
		case T_CTESearchClause:
		case T_CTECycleClause:
		case T_SetOperationStmt:
		case T_WindowClause:
		case T_SortGroupClause:
		case T_OnConflictExpr:
		case T_MergeAction:
		case T_WithCheckOption:
			return false;
		default:
			return true;
	}
}

/*
 * Returns whether making the value of one node might look at a table.  What
 * is in a record that a function returns cannot be told.
 */
static bool
result_may_look(Node *node, const PgsyncLooks *looks)
{
	Oid			typid;

	if (!has_value(node))
		return false;
	typid = exprType(node);
	if (typid == RECORDOID || typid == RECORDARRAYOID)
		return IsA(node, FuncExpr);
	return typid >= FirstNormalObjectId && type_may_look(typid, looks);
}

/* Walks an expression for such functions. */
static bool
may_look_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, function_may_look, context) ||
		result_may_look(node, context))
		return true;
	if (IsA(node, Query))
		return query_may_look((Query *) node, context) ||
			query_tree_walker((Query *) node, may_look_walker, context, 0);
	return expression_tree_walker(node, may_look_walker, context);
}

/* Returns whether an expression, or a Query's, might look at a table. */
bool
pgsync_expression_may_look(Node *node)
{
	return pgsync_node_may_look(node, NULL);
}

/* Returns whether an expression, or a Query's, might look in one of these ways. */
bool
pgsync_node_may_look(Node *node, const PgsyncLooks *looks)
{
	return may_look_walker(node, unconstify(PgsyncLooks *, looks != NULL ?
											looks : &volatile_only));
}

/* Returns whether a domain's own constraints might look at a table. */
static bool
domain_may_look(Oid typid, const PgsyncLooks *looks)
{
	DomainConstraintRef *constraints = palloc0(sizeof(DomainConstraintRef));
	ListCell   *cell;

	/* has its memory context forget the reference */
	InitDomainConstraintRef(typid, constraints, CurrentMemoryContext, false);
	foreach(cell, constraints->constraints)
	{
		DomainConstraintState *constraint = lfirst(cell);

		if (pgsync_node_may_look((Node *) constraint->check_expr, looks))
			return true;
	}
	return false;
}

/* Returns whether a composite type has an attribute whose type might look. */
static bool
composite_may_look(Oid typid, const PgsyncLooks *looks)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(typid, -1);
	bool		found = false;

	for (int i = 0; i < desc->natts && !found; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		found = !attr->attisdropped && type_may_look(attr->atttypid, looks);
	}
	ReleaseTupleDesc(desc);
	return found;
}

/* Returns whether making a value of a type might look at a table. */
static bool
type_may_look(Oid typid, const PgsyncLooks *looks)
{
	Oid			element = get_element_type(typid);

	check_stack_depth();
	if (OidIsValid(element))
		return type_may_look(element, looks);
	switch (get_typtype(typid))
	{
		case TYPTYPE_DOMAIN:
			return domain_may_look(typid, looks) ||
				type_may_look(getBaseType(typid), looks);
		case TYPTYPE_COMPOSITE:
			return composite_may_look(typid, looks);
		case TYPTYPE_RANGE:
			return type_may_look(get_range_subtype(typid), looks);
		case TYPTYPE_MULTIRANGE:
			return type_may_look(get_multirange_range(typid), looks);
		default:
			return false;
	}
}

/* Returns whether a column's type might look at a table. */
bool
pgsync_types_may_look(Relation rel, const PgsyncLooks *looks)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		/* what initdb has made has no domain in it that could */
		if (!attr->attisdropped && attr->atttypid >= FirstNormalObjectId &&
			type_may_look(attr->atttypid, looks != NULL ? looks : &volatile_only))
			return true;
	}
	return false;
}

/*
 * Returns whether a default or a generated column of the relation might look
 * at it.
 */
bool
pgsync_defaults_may_look(Relation rel)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	if (constr == NULL)
		return false;
	for (int i = 0; i < constr->num_defval; i++)
	{
		if (pgsync_expression_may_look(stringToNode(constr->defval[i].adbin)))
			return true;
	}
	return false;
}

/* Returns whether a CHECK constraint might look at the relation. */
bool
pgsync_checks_may_look(Relation rel, const PgsyncLooks *looks)
{
	TupleConstr *constr = RelationGetDescr(rel)->constr;

	if (constr == NULL)
		return false;
	for (int i = 0; i < constr->num_check; i++)
	{
		if (pgsync_node_may_look(stringToNode(constr->check[i].ccbin), looks))
			return true;
	}
	return false;
}

/* Returns whether expressions that are kept in pg_index might look. */
static bool
index_column_may_look(HeapTuple tuple, AttrNumber attnum,
					  const PgsyncLooks *looks)
{
	bool		isnull;
	Datum		written = SysCacheGetAttr(INDEXRELID, tuple, attnum, &isnull);

	return !isnull &&
		pgsync_node_may_look(stringToNode(TextDatumGetCString(written)), looks);
}

/*
 * Returns whether an expression or a predicate of the relation's indexes might
 * look at it.
 */
bool
pgsync_indexes_may_look(Relation rel, const PgsyncLooks *looks)
{
	List	   *indexes;
	ListCell   *cell;
	bool		found = false;

	if (!rel->rd_rel->relhasindex)
		return false;
	indexes = RelationGetIndexList(rel);
	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(cell)));

		if (!HeapTupleIsValid(tuple))
			continue;			/* dropped concurrently: of no more use */
		found |= index_column_may_look(tuple, Anum_pg_index_indexprs, looks) ||
			index_column_may_look(tuple, Anum_pg_index_indpred, looks);
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return found;
}

/*
 * Returns whether finding a row's place might look at the relation: by its own
 * partition key, or by those above it.
 */
bool
pgsync_partitioning_may_look(Relation rel, const PgsyncLooks *looks)
{
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		pgsync_node_may_look((Node *) RelationGetPartitionKey(rel)->partexprs,
							 looks))
		return true;
	return rel->rd_rel->relispartition &&
		pgsync_node_may_look((Node *) RelationGetPartitionQual(rel), looks);
}
