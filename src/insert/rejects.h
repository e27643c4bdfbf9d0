/*-------------------------------------------------------------------------
 *
 * rejects.h
 *	  Rows that could not go in, and why.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_REJECTS_H
#define PGSYNC_REJECTS_H

#include "fmgr.h"
#include "insert/statement.h"
#include "row/source.h"

/* One of them; what there is not is NULL */
typedef struct PgsyncReject
{
	uint64		number;			/* of the row, as error context counts */
	void	   *kept;			/* the row, for the source to recall */
	int			sqlerrcode;
	const char *message;
	const char *detail;
	const char *hint;
	const char *constraint_name;
	const char *column_name;
	const char *value;			/* of it, if it was being converted */
} PgsyncReject;

extern PgsyncRejects *pgsync_on_error_args(FunctionCallInfo fcinfo, int argno);
extern void pgsync_rejects_open(PgsyncRejects *rejects, PgsyncTarget *target);
extern bool pgsync_is_row_error(const ErrorData *error);
extern PgsyncReject *pgsync_reject_create(PgsyncRejects *rejects,
										  PgsyncSource *source,
										  const PgsyncRow *row,
										  const ErrorData *error);
extern bool pgsync_rejects_keep_data(const PgsyncRejects *rejects);
extern const char *pgsync_rejects_row_text(PgsyncRejects *rejects,
										   PgsyncSource *source);
extern void pgsync_rejects_add(PgsyncRejects *rejects, PgsyncSource *source,
							   List *batch);
extern void pgsync_rejects_finish(PgsyncRejects *rejects);

#endif							/* PGSYNC_REJECTS_H */
