/*-------------------------------------------------------------------------
 *
 * spi_on.c
 *	  Statements on a relation that is locked already.
 *
 * A statement that pgsync makes names the relation, and the parser looks the
 * name up.  A locked relation keeps its name, but its schema does not:
 * renaming a schema takes no lock on what is in it.  So another relation can
 * have the name by then, with other privileges and other rows.  Here the two
 * are compared when a statement has been analyzed.
 *
 * SPI analyzes and plans in one go; what it has found is seen by the hook that
 * core calls in between.  The hook stays installed while the library is
 * loaded, since others may build on it, and has nothing to do but while a
 * statement of ours is analyzed.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/spi_on.h"
#include "common/spi_util.h"
#include "parser/analyze.h"
#include "utils/rel.h"

/* A statement whose look-up is to be checked */
typedef struct Watched
{
	const char *sql;
	Relation	rel;			/* what it was made for */
	bool		checked;		/* has it been analyzed? */
} Watched;

static post_parse_analyze_hook_type next_hook = NULL;

/* The statement that SPI is running now; NULL: none of ours */
static Watched *watched = NULL;

/* Returns the first relation that a statement names; InvalidOid if none. */
static Oid
first_relation(Query *query)
{
	ListCell   *cell;

	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_RELATION)
			return rte->relid;
	}
	return InvalidOid;
}

/*
 * Fails (55000) if an analyzed statement, whose first relation this one is to
 * be, has found another one under its name.
 */
void
pgsync_check_found(Query *query, Relation rel)
{
	if (first_relation(query) != RelationGetRelid(rel))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" or its schema was renamed while it was being looked up",
						RelationGetRelationName(rel)),
				 errdetail("Another relation has its name now."),
				 errhint("Try again.")));
}

/* Checks the statement that is watched when core has analyzed it. */
static void
analyzed_hook(ParseState *pstate, Query *query, JumbleState *jstate)
{
	if (next_hook != NULL)
		next_hook(pstate, query, jstate);
	/* the text itself, which SPI hands on: not one that is just like it */
	if (watched != NULL && pstate->p_sourcetext == watched->sql)
	{
		pgsync_check_found(query, watched->rel);
		watched->checked = true;
	}
}

/* Has the statement watched from here on, or none. */
static void
watch(Watched *statement)
{
	static bool installed = false;

	if (!installed)
	{
		next_hook = post_parse_analyze_hook;
		post_parse_analyze_hook = analyzed_hook;
		installed = true;
	}
	watched = statement;
}

/*
 * Runs one statement, whose first relation is this one, as
 * pgsync_spi_execute_extended does.
 */
void
pgsync_spi_execute_on(Relation rel, const char *sql,
					  const SPIExecuteOptions *options)
{
	Watched		statement = {.sql = sql,.rel = rel};
	Watched    *outer = watched;

	watch(&statement);
	PG_TRY();
	{
		pgsync_spi_execute_extended(sql, options);
	}
	PG_FINALLY();
	{
		watched = outer;
	}
	PG_END_TRY();
	if (!statement.checked)
		elog(ERROR, "what a statement has found was not seen: %s", sql);
}
