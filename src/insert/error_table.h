/*-------------------------------------------------------------------------
 *
 * error_table.h
 *	  The table of the caller's that keeps rows which could not go in.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ERROR_TABLE_H
#define PGSYNC_ERROR_TABLE_H

#include "insert/rejects.h"

typedef struct PgsyncErrorTable PgsyncErrorTable;

extern PgsyncErrorTable *pgsync_error_table_open(Oid relid, Relation target);
extern Oid	pgsync_error_table_data_type(PgsyncErrorTable *table);
extern void pgsync_error_table_add(PgsyncErrorTable *table,
								   const PgsyncReject *reject,
								   Datum data, bool has_data);
extern void pgsync_error_table_store(PgsyncErrorTable *table);

#endif							/* PGSYNC_ERROR_TABLE_H */
