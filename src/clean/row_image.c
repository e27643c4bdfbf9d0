/*-------------------------------------------------------------------------
 *
 * row_image.c
 *	  Rows of a table and of its saved copy: the columns that correspond,
 *	  equality, and conversion.
 *
 * Columns correspond by name.  Rows are equal if all their values have the
 * same binary image after detoasting, which is what *= calls equal: what
 * prints differently has changed.  Most rows are equal as they lie on their
 * pages, so that is tried first.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "clean/row_image.h"
#include "utils/datum.h"
#include "utils/rel.h"

/* Returns the table's live column of this name and type, or 0. */
static AttrNumber
find_column(TupleDesc desc, Form_pg_attribute wanted)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		if (!attr->attisdropped &&
			attr->atttypid == wanted->atttypid &&
			strcmp(NameStr(attr->attname), NameStr(wanted->attname)) == 0)
			return attr->attnum;
	}
	return InvalidAttrNumber;
}

/* Returns the number of columns that have not been dropped. */
static int
count_live_columns(TupleDesc desc)
{
	int			count = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		if (!TupleDescAttr(desc, i)->attisdropped)
			count++;
	}
	return count;
}

/*
 * Finds out which columns correspond; NULL if the two relations do not have
 * the same columns.  The result lives as long as both are open.
 */
PgsyncRowMap *
pgsync_row_map(Relation rel, Relation copy)
{
	TupleDesc	table_desc = RelationGetDescr(rel);
	TupleDesc	copy_desc = RelationGetDescr(copy);
	PgsyncRowMap *map;

	if (count_live_columns(table_desc) != copy_desc->natts)
		return NULL;
	map = palloc(sizeof(PgsyncRowMap));
	map->table_desc = table_desc;
	map->copy_desc = copy_desc;
	map->table_attnos = palloc(sizeof(AttrNumber) * (copy_desc->natts + 1));
	map->same_layout = table_desc->natts == copy_desc->natts;
	for (int i = 0; i < copy_desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(copy_desc, i);

		if (attr->attisdropped)
			return NULL;
		map->table_attnos[i] = find_column(table_desc, attr);
		if (map->table_attnos[i] == InvalidAttrNumber)
			return NULL;
		if (map->table_attnos[i] != attr->attnum)
			map->same_layout = false;
	}
	map->table_values = palloc0(sizeof(Datum) * (table_desc->natts + 1));
	map->table_nulls = palloc(sizeof(bool) * (table_desc->natts + 1));
	map->copy_values = palloc0(sizeof(Datum) * (copy_desc->natts + 1));
	map->copy_nulls = palloc(sizeof(bool) * (copy_desc->natts + 1));
	return map;
}

/* Takes a row of the table apart, into the copy's columns. */
static void
deform_table_row(PgsyncRowMap *map, HeapTuple row)
{
	heap_deform_tuple(row, map->table_desc, map->table_values,
					  map->table_nulls);
	for (int i = 0; i < map->copy_desc->natts; i++)
	{
		int			from = map->table_attnos[i] - 1;

		map->copy_values[i] = map->table_values[from];
		map->copy_nulls[i] = map->table_nulls[from];
	}
}

/*
 * Returns a row of the copy as one of the table, in the current memory
 * context.  Its toasted values are still the copy's: whoever stores the row
 * fetches them.
 */
HeapTuple
pgsync_table_row_of_copy(PgsyncRowMap *map, HeapTuple row)
{
	heap_deform_tuple(row, map->copy_desc, map->copy_values, map->copy_nulls);
	memset(map->table_nulls, true, sizeof(bool) * map->table_desc->natts);
	for (int i = 0; i < map->copy_desc->natts; i++)
	{
		int			to = map->table_attnos[i] - 1;

		map->table_values[to] = map->copy_values[i];
		map->table_nulls[to] = map->copy_nulls[i];
	}
	return heap_form_tuple(map->table_desc, map->table_values,
						   map->table_nulls);
}

/* Returns a row of the table as one of the copy; as above. */
HeapTuple
pgsync_copy_row_of_table(PgsyncRowMap *map, HeapTuple row)
{
	deform_table_row(map, row);
	return heap_form_tuple(map->copy_desc, map->copy_values, map->copy_nulls);
}

/*
 * Returns whether two tuples of the same layout are the same bytes.  Pointers
 * to toasted values say nothing: no two tables share one.
 */
static bool
same_bytes(HeapTuple a, HeapTuple b)
{
	HeapTupleHeader x = a->t_data;
	HeapTupleHeader y = b->t_data;
	int			natts = HeapTupleHeaderGetNatts(x);

	if (((x->t_infomask | y->t_infomask) & HEAP_HASEXTERNAL) != 0 ||
		((x->t_infomask ^ y->t_infomask) & HEAP_HASNULL) != 0 ||
		natts != HeapTupleHeaderGetNatts(y) ||
		x->t_hoff != y->t_hoff || a->t_len != b->t_len)
		return false;
	if ((x->t_infomask & HEAP_HASNULL) != 0 &&
		memcmp(x->t_bits, y->t_bits, BITMAPLEN(natts)) != 0)
		return false;
	return memcmp((char *) x + x->t_hoff, (char *) y + y->t_hoff,
				  a->t_len - x->t_hoff) == 0;
}

/* Returns whether two values of a varlena column have the same image. */
static bool
same_varlena(Datum a, Datum b)
{
	struct varlena *x;
	struct varlena *y;
	bool		same;

	/* known without fetching them */
	if (toast_raw_datum_size(a) != toast_raw_datum_size(b))
		return false;
	x = PG_DETOAST_DATUM_PACKED(a);
	y = PG_DETOAST_DATUM_PACKED(b);
	same = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), VARSIZE_ANY_EXHDR(x)) == 0;
	if ((Pointer) x != DatumGetPointer(a))
		pfree(x);
	if ((Pointer) y != DatumGetPointer(b))
		pfree(y);
	return same;
}

/* Returns whether two values, neither NULL, have the same image. */
static bool
same_value(Form_pg_attribute attr, Datum a, Datum b)
{
	if (attr->attlen == -1)
		return same_varlena(a, b);
	return datumIsEqual(a, b, attr->attbyval, attr->attlen);
}

/* Returns whether a row of the table and one of the copy are equal. */
bool
pgsync_rows_equal(PgsyncRowMap *map, HeapTuple table_row, HeapTuple copy_row)
{
	if (map->same_layout && same_bytes(table_row, copy_row))
		return true;
	heap_deform_tuple(table_row, map->table_desc, map->table_values,
					  map->table_nulls);
	heap_deform_tuple(copy_row, map->copy_desc, map->copy_values,
					  map->copy_nulls);
	for (int i = 0; i < map->copy_desc->natts; i++)
	{
		int			other = map->table_attnos[i] - 1;

		if (map->copy_nulls[i] != map->table_nulls[other])
			return false;
		if (!map->copy_nulls[i] &&
			!same_value(TupleDescAttr(map->copy_desc, i),
						map->copy_values[i], map->table_values[other]))
			return false;
	}
	return true;
}

/* Returns the size that the values have when they are detoasted. */
static Size
detoasted_size(PgsyncRowMap *map)
{
	Size		size = 0;

	for (int i = 0; i < map->copy_desc->natts; i++)
	{
		if (!map->copy_nulls[i] && TupleDescAttr(map->copy_desc, i)->attlen == -1)
			size += toast_raw_datum_size(map->copy_values[i]);
	}
	return size;
}

/* Forms the image of the row that lies in the copy's columns. */
static MinimalTuple
form_image(PgsyncRowMap *map, Size limit)
{
	Datum	   *values;
	MinimalTuple image;

	if (detoasted_size(map) > limit)
		return NULL;
	values = palloc(sizeof(Datum) * (map->copy_desc->natts + 1));
	for (int i = 0; i < map->copy_desc->natts; i++)
	{
		values[i] = map->copy_values[i];
		if (!map->copy_nulls[i] && TupleDescAttr(map->copy_desc, i)->attlen == -1)
			values[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(values[i]));
	}
	image = pgsync_form_minimal_tuple(map->copy_desc, values, map->copy_nulls);
	for (int i = 0; i < map->copy_desc->natts; i++)
	{
		if (!map->copy_nulls[i] && values[i] != map->copy_values[i])
			pfree(DatumGetPointer(values[i]));
	}
	pfree(values);
	return image;
}

/*
 * Returns a row of the table in a form whose bytes are the same for equal
 * rows, of either relation; NULL if its values are larger than "limit".
 */
MinimalTuple
pgsync_table_row_image(PgsyncRowMap *map, HeapTuple row, Size limit)
{
	deform_table_row(map, row);
	return form_image(map, limit);
}

/* The same for a row of the copy. */
MinimalTuple
pgsync_copy_row_image(PgsyncRowMap *map, HeapTuple row, Size limit)
{
	heap_deform_tuple(row, map->copy_desc, map->copy_values, map->copy_nulls);
	return form_image(map, limit);
}
