/*-------------------------------------------------------------------------
 *
 * rows_order.h
 *	  Tells the planner that rows come in the order of their keys.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROWS_ORDER_H
#define PGSYNC_ROWS_ORDER_H

#include "insert/keyed_rows.h"
#include "nodes/plannodes.h"

extern void pgsync_sort_by_key(Query *query, Index rti,
							   PgsyncKeyedRows *rows);
extern PlannedStmt *pgsync_plan_in_order(Query *query, const char *sql,
										 ParamListInfo params, Index rti,
										 PgsyncKeyedRows *rows);

#endif							/* PGSYNC_ROWS_ORDER_H */
