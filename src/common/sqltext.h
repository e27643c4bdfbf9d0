/*-------------------------------------------------------------------------
 *
 * sqltext.h
 *	  Checks of SQL text that a caller passes as an argument.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SQLTEXT_H
#define PGSYNC_SQLTEXT_H

#include "nodes/parsenodes.h"

extern RawStmt *pgsync_parse_statement(const char *sql, const char *argname);
extern void pgsync_require_rows(RawStmt *statement, const char *argname);
extern void pgsync_check_expression(const char *sql, const char *argname);
extern Node *pgsync_parse_expression(const char *sql, const char *argname);
extern void pgsync_check_on_conflict(const char *on_conflict);
extern bool pgsync_does_nothing(const char *on_conflict);
extern List *pgsync_do_nothing_columns(const char *on_conflict);
extern int	pgsync_highest_parameter(RawStmt *statement);

#endif							/* PGSYNC_SQLTEXT_H */
