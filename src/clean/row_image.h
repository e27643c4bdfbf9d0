/*-------------------------------------------------------------------------
 *
 * row_image.h
 *	  Rows of a table and of its saved copy: the columns that correspond,
 *	  equality, and conversion.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_ROW_IMAGE_H
#define PGSYNC_ROW_IMAGE_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/relcache.h"

/* Which column of a table is which of its copy. */
typedef struct PgsyncRowMap
{
	TupleDesc	table_desc;
	TupleDesc	copy_desc;
	AttrNumber *table_attnos;	/* by the copy's attribute number - 1 */
	bool		same_layout;	/* tuples of both can be compared as bytes */

	/* room for rows, as a table and as its copy have them */
	Datum	   *table_values;
	bool	   *table_nulls;
	Datum	   *copy_values;
	bool	   *copy_nulls;
} PgsyncRowMap;

extern PgsyncRowMap *pgsync_row_map(Relation rel, Relation copy);
extern HeapTuple pgsync_table_row_of_copy(PgsyncRowMap *map, HeapTuple row);
extern HeapTuple pgsync_copy_row_of_table(PgsyncRowMap *map, HeapTuple row);
extern bool pgsync_rows_equal(PgsyncRowMap *map, HeapTuple table_row,
							  HeapTuple copy_row);
extern MinimalTuple pgsync_table_row_image(PgsyncRowMap *map, HeapTuple row,
										   Size limit);
extern MinimalTuple pgsync_copy_row_image(PgsyncRowMap *map, HeapTuple row,
										  Size limit);

#endif							/* PGSYNC_ROW_IMAGE_H */
