/*-------------------------------------------------------------------------
 *
 * known_row.h
 *	  Updates a row that has been found, without executing the UPDATE's plan.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_KNOWN_ROW_H
#define PGSYNC_KNOWN_ROW_H

#include "nodes/execnodes.h"
#include "row/row.h"

/* What it takes to update the rows of a started UPDATE */
typedef struct PgsyncKnownRows PgsyncKnownRows;

extern PgsyncKnownRows *pgsync_known_rows_create(ModifyTableState *mtstate);
extern bool pgsync_row_may_change(const PgsyncRow *row, List *set_columns,
								  TupleTableSlot *stored);
extern void pgsync_known_rows_form(PgsyncKnownRows *known,
								   TupleTableSlot *stored,
								   const PgsyncRow *row, List *set_columns);
extern bool pgsync_known_rows_store(PgsyncKnownRows *known);

#endif							/* PGSYNC_KNOWN_ROW_H */
