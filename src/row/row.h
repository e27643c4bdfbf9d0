/*-------------------------------------------------------------------------
 *
 * row.h
 *	  A row on its way from a source to a sink.
 *
 * Sources (source.h) know an input format and nothing of how rows are stored;
 * sinks (sink.h) know the opposite; load.c joins them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_H
#define PGSYNC_ROW_H

#include "access/attnum.h"

/*
 * One row as a source delivers it.  The arrays have an element for every
 * attribute of the target; values are set for the named ones only.
 */
typedef struct PgsyncRow
{
	Datum	   *values;
	bool	   *nulls;
	bool	   *named;			/* did the input bring this column? */
	uint64		number;			/* counted from 1: row, or line of the file */
	Size		size;			/* bytes of input, roughly */
	AttrNumber	column;			/* being converted now, 0 for none */
} PgsyncRow;

#endif							/* PGSYNC_ROW_H */
