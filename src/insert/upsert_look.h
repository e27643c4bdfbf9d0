/*-------------------------------------------------------------------------
 *
 * upsert_look.h
 *	  Looks for the row of each key, and updates the one that is there.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UPSERT_LOOK_H
#define PGSYNC_UPSERT_LOOK_H

#include "insert/action_receiver.h"
#include "insert/key_probe.h"
#include "insert/known_row.h"
#include "insert/row_statement.h"
#include "insert/upsert_clause.h"

/* A row hook that looks before a row is inserted */
typedef struct PgsyncUpsertLook
{
	PgsyncUpsert upsert;
	bool		refuses_identity;	/* must new rows not bring one? */

	/* if every row is to be answered, by whom, and with which columns */
	PgsyncActionReceiver *answers;
	const char *returning;

	Snapshot	snapshot;		/* of the looks; NULL: the next takes one */
	PgsyncRowStatement *update; /* of the running statement, or NULL */
	PgsyncKnownRows *known;		/* does its work for rows that are found */
	PgsyncRowStatement *find;	/* for rows that name nothing to update */
	PgsyncKeyProbe *probe;		/* looks before either of them, or NULL */
	bool		was_there;		/* was the last row looked for? */
	int64		looks;			/* so far */
	int64		looks_to_renew; /* when so many, plan anew */
	MemoryContext context;

	int64		answered;		/* rows, before the one with the statement */
	int64		updated;
	int64		unchanged;
	int64		kept_updated;	/* of these, when the last span ended */
	int64		kept_unchanged;
} PgsyncUpsertLook;

extern PgsyncUpsertLook *pgsync_upsert_look_create(FunctionCallInfo fcinfo,
												   PgsyncTarget *target);
extern void pgsync_upsert_look_set_overriding(PgsyncUpsertLook *look,
											  PgsyncClauses *clauses,
											  PgsyncOverriding overriding);
extern void pgsync_upsert_look_end(PgsyncUpsertLook *look);

#endif							/* PGSYNC_UPSERT_LOOK_H */
