/*-------------------------------------------------------------------------
 *
 * source_query.h
 *	  Rows from a query.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SOURCE_QUERY_H
#define PGSYNC_SOURCE_QUERY_H

#include "row/source.h"
#include "utils/array.h"

extern PgsyncSource *pgsync_source_query_open(PgsyncTarget *target,
											  const char *sql,
											  ArrayType *args);

#endif							/* PGSYNC_SOURCE_QUERY_H */
