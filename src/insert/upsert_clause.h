/*-------------------------------------------------------------------------
 *
 * upsert_clause.h
 *	  ON CONFLICT DO UPDATE for rows that name differing columns.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UPSERT_CLAUSE_H
#define PGSYNC_UPSERT_CLAUSE_H

#include "insert/statement.h"
#include "insert/update_columns.h"

/* A row hook that makes ON CONFLICT's clause; a verb's own may begin with it */
typedef struct PgsyncUpsert
{
	PgsyncRowHook base;
	PgsyncTarget *target;
	List	   *keys;			/* attribute numbers */
	PgsyncUpdateColumns *columns;
	bool		updates_all;	/* has the caller not said which? */
	bool		skip_unchanged;
	List	   *set_columns;	/* of the running statement, $2 being first */
	ParamListInfo params;		/* of the running statement */
} PgsyncUpsert;

extern void pgsync_upsert_init(PgsyncUpsert *upsert, FunctionCallInfo fcinfo,
							   PgsyncTarget *target);
extern bool pgsync_upsert_before_row(PgsyncRowHook *base,
									 const PgsyncRow *row);
extern void pgsync_upsert_append_set(StringInfo buf, PgsyncUpsert *upsert,
									 char *(*source) (PgsyncUpsert *upsert,
													  AttrNumber attnum));
extern void pgsync_upsert_append_changed(StringInfo buf, PgsyncUpsert *upsert,
										 char *(*source) (PgsyncUpsert *upsert,
														  AttrNumber attnum));

#endif							/* PGSYNC_UPSERT_CLAUSE_H */
