/*-------------------------------------------------------------------------
 *
 * place.h
 *	  The words in which error context names a place in the input.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_PLACE_H
#define PGSYNC_PLACE_H

#include "row/source.h"

/* Each adds to the context of the error being reported, and returns 0 */
extern int	pgsync_errcontext_row(PgsyncUnit unit, uint64 number);
extern int	pgsync_errcontext_rows(PgsyncUnit unit, uint64 first, uint64 last);
extern int	pgsync_errcontext_until(PgsyncUnit unit, uint64 number);
extern int	pgsync_errcontext_reading(PgsyncSource *source,
									  const PgsyncRow *row);

extern void pgsync_append_place(StringInfo buf, PgsyncUnit unit, uint64 number,
								const char *column, const char *message);

#endif							/* PGSYNC_PLACE_H */
