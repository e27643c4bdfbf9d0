/*-------------------------------------------------------------------------
 *
 * good_rows.h
 *	  A source of those rows of another one that can be converted.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_GOOD_ROWS_H
#define PGSYNC_GOOD_ROWS_H

#include "insert/rejects.h"
#include "row/source.h"

extern PgsyncSource *pgsync_source_of_good_rows(PgsyncSource *input,
												List *keys,
												PgsyncRejects *rejects);
extern const char *pgsync_good_row_data(PgsyncSource *base);

#endif							/* PGSYNC_GOOD_ROWS_H */
