/*-------------------------------------------------------------------------
 *
 * convert_direct.c
 *	  Usual values of common types, converted without their input functions.
 *
 * The text of a number, a time, a uuid mostly has the form in which the server
 * itself prints it.  Such a text is read here, in a fraction of the time; any
 * other one, right or wrong, is left to the type's input function, so that
 * what it accepts and how it complains stays its own.
 *
 * Values are put into memory that is allocated for a whole row.  They have the
 * header of four bytes that input functions give them: from it core forms a
 * tuple faster than from the short header that is stored.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "common/vector.h"
#include "utils/date.h"
#include "utils/uuid.h"
#include "value/convert.h"
#include "value/convert_direct.h"
#include "value/convert_time.h"
#include "value/numeric_read.h"

/* Digits that fit an int64 whatever they are */
#define MAX_SAFE_DIGITS		18

/* Characters of a uuid as uuid_out prints it */
#define UUID_TEXT_LEN		36

/* Values of a row that are longer together are allocated one by one */
#define MAX_ROOM			(8 * 1024)

/*
 * Allocates room for a row's values, in the current memory context.  If that
 * would be much, there is none: nothing is gained for long values.
 */
void
pgsync_room_begin(PgsyncRoom *room, Size size)
{
	room->ptr = room->end = NULL;
	if (size == 0 || size > MAX_ROOM ||
		pgsync_scan_setting == PGSYNC_SCAN_PLAIN)
		return;
	room->ptr = palloc(size);
	room->end = room->ptr + size;
}

/* Returns whether a room has so many bytes left. */
static inline bool
has_room(const PgsyncRoom *room, Size size)
{
	return (Size) (room->end - room->ptr) >= size;
}

/* Takes a text as it is. */
static bool
direct_text(const PgsyncConverter *converter, PgsyncRoom *room,
			const char *str, int len, Datum *result)
{
	char	   *to = (char *) INTALIGN(room->ptr);

	if (!has_room(room, PGSYNC_ROOM_FOR(len)))
		return false;
	SET_VARSIZE(to, VARHDRSZ + len);
	pgsync_copy_short(to + VARHDRSZ, str, len);
	room->ptr = to + VARHDRSZ + len;
	*result = PointerGetDatum(to);
	return true;
}

/* Takes a text as it is, if it cannot be too long for varchar(n). */
static bool
direct_varchar(const PgsyncConverter *converter, PgsyncRoom *room,
			   const char *str, int len, Datum *result)
{
	/* it has no more characters than bytes */
	return len <= converter->base_typmod - (int32) VARHDRSZ &&
		direct_text(converter, room, str, len, result);
}

/* Reads digits that cannot overflow, with an optional minus sign. */
static inline bool
read_integer(const char *str, int len, int64 *value)
{
	bool		negative = len > 0 && str[0] == '-';
	int64		result = 0;

	if (len - negative < 1 || len - negative > MAX_SAFE_DIGITS)
		return false;
	for (int i = negative; i < len; i++)
	{
		if (str[i] < '0' || str[i] > '9')
			return false;
		result = result * 10 + (str[i] - '0');
	}
	*value = negative ? -result : result;
	return true;
}

/* Reads an int2. */
static bool
direct_int2(const PgsyncConverter *converter, PgsyncRoom *room,
			const char *str, int len, Datum *result)
{
	int64		value;

	if (!read_integer(str, len, &value) ||
		value < PG_INT16_MIN || value > PG_INT16_MAX)
		return false;
	*result = Int16GetDatum((int16) value);
	return true;
}

/* Reads an int4. */
static bool
direct_int4(const PgsyncConverter *converter, PgsyncRoom *room,
			const char *str, int len, Datum *result)
{
	int64		value;

	if (!read_integer(str, len, &value) ||
		value < PG_INT32_MIN || value > PG_INT32_MAX)
		return false;
	*result = Int32GetDatum((int32) value);
	return true;
}

/* Reads an int8. */
static bool
direct_int8(const PgsyncConverter *converter, PgsyncRoom *room,
			const char *str, int len, Datum *result)
{
	int64		value;

	if (!read_integer(str, len, &value))
		return false;
	*result = Int64GetDatum(value);
	return true;
}

/* Reads a numeric. */
static bool
direct_numeric(const PgsyncConverter *converter, PgsyncRoom *room,
			   const char *str, int len, Datum *result)
{
	char	   *to = (char *) INTALIGN(room->ptr);
	int			size;

	if (!has_room(room, PGSYNC_ROOM_FOR(len)))
		return false;
	size = pgsync_read_numeric(str, len, converter->base_typmod,
							   to + VARHDRSZ);
	if (size == 0)
		return false;
	SET_VARSIZE(to, VARHDRSZ + size);
	room->ptr = to + VARHDRSZ + size;
	*result = PointerGetDatum(to);
	return true;
}

/* Reads a float8. */
static bool
direct_float8(const PgsyncConverter *converter, PgsyncRoom *room,
			  const char *str, int len, Datum *result)
{
	float8		value;

	if (!pgsync_read_float8(str, len, &value))
		return false;
	*result = Float8GetDatum(value);
	return true;
}

/* Reads the words that boolout and most programs write. */
static bool
direct_bool(const PgsyncConverter *converter, PgsyncRoom *room,
			const char *str, int len, Datum *result)
{
	*result = BoolGetDatum(len > 0 && str[0] == 't');
	return (len == 1 && (str[0] == 't' || str[0] == 'f')) ||
		(len == 4 && memcmp(str, "true", 4) == 0) ||
		(len == 5 && memcmp(str, "false", 5) == 0);
}

/* Reads a timestamptz without a precision. */
static bool
direct_timestamptz(const PgsyncConverter *converter, PgsyncRoom *room,
				   const char *str, int len, Datum *result)
{
	return pgsync_read_timestamptz(str, len, result);
}

/* Reads a timestamp without a precision. */
static bool
direct_timestamp(const PgsyncConverter *converter, PgsyncRoom *room,
				 const char *str, int len, Datum *result)
{
	return pgsync_read_timestamp(str, len, result);
}

/* Reads a date. */
static bool
direct_date(const PgsyncConverter *converter, PgsyncRoom *room,
			const char *str, int len, Datum *result)
{
	return pgsync_read_date(str, len, result);
}

/* Returns what a hexadecimal digit is worth, -1 if it is none. */
static inline int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns whether a uuid's text has a hyphen before this byte. */
static inline bool
behind_hyphen(int byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

/* Reads a uuid as uuid_out prints it. */
static bool
direct_uuid(const PgsyncConverter *converter, PgsyncRoom *room,
			const char *str, int len, Datum *result)
{
	unsigned char *to = (unsigned char *) room->ptr;

	if (len != UUID_TEXT_LEN || !has_room(room, UUID_LEN))
		return false;
	for (int byte = 0; byte < UUID_LEN; byte++)
	{
		int			high;
		int			low;

		if (behind_hyphen(byte) && *str++ != '-')
			return false;
		high = hex_value(*str++);
		low = hex_value(*str++);
		if (high < 0 || low < 0)
			return false;
		to[byte] = high << 4 | low;
	}
	room->ptr += UUID_LEN;
	*result = PointerGetDatum(to);
	return true;
}

static const PgsyncDirectRoutine text_routine = {.text = direct_text};
static const PgsyncDirectRoutine varchar_routine = {.text = direct_varchar};
static const PgsyncDirectRoutine int2_routine = {
	.text = direct_int2,
	.number = direct_int2
};
static const PgsyncDirectRoutine int4_routine = {
	.text = direct_int4,
	.number = direct_int4
};
static const PgsyncDirectRoutine int8_routine = {
	.text = direct_int8,
	.number = direct_int8
};
static const PgsyncDirectRoutine numeric_routine = {
	.text = direct_numeric,
	.number = direct_numeric
};
static const PgsyncDirectRoutine float8_routine = {
	.text = direct_float8,
	.number = direct_float8
};
static const PgsyncDirectRoutine bool_routine = {.text = direct_bool};
static const PgsyncDirectRoutine timestamptz_routine = {
	.text = direct_timestamptz
};
static const PgsyncDirectRoutine timestamp_routine = {
	.text = direct_timestamp
};
static const PgsyncDirectRoutine date_routine = {.text = direct_date};
static const PgsyncDirectRoutine uuid_routine = {.text = direct_uuid};

/* For types that have no short way */
static const PgsyncDirectRoutine no_routine = {NULL};

/* Returns the short ways to a base type. */
const PgsyncDirectRoutine *
pgsync_direct_routine(Oid typid, int32 typmod)
{
	if (pgsync_scan_setting == PGSYNC_SCAN_PLAIN)
		return &no_routine;
	switch (typid)
	{
		case TEXTOID:
			return &text_routine;
		case VARCHAROID:
			return typmod < 0 ? &text_routine : &varchar_routine;
		case INT2OID:
			return &int2_routine;
		case INT4OID:
			return &int4_routine;
		case INT8OID:
			return &int8_routine;
		case NUMERICOID:
			return &numeric_routine;
		case FLOAT8OID:
			return &float8_routine;
		case BOOLOID:
			return &bool_routine;
		case TIMESTAMPTZOID:
			return typmod < 0 ? &timestamptz_routine : &no_routine;
		case TIMESTAMPOID:
			return typmod < 0 ? &timestamp_routine : &no_routine;
		case DATEOID:
			return &date_routine;
		case UUIDOID:
			return &uuid_routine;
		default:
			return &no_routine;
	}
}
