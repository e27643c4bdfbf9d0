/*-------------------------------------------------------------------------
 *
 * numeric_text.c
 *	  A numeric as its text, written where it is wanted.
 *
 * numeric_out makes a string of its own for each number.  Here the digits of
 * a numeric are read as they are stored (numeric_format.h), packed and
 * unaligned as they may be, and written as numeric_out prints them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "utils/builtins.h"
#include "value/numeric_format.h"
#include "value/numeric_text.h"

/* The stored digits of a numeric */
typedef struct StoredDigits
{
	const char *digits;			/* int16 each, of any alignment */
	int			count;
} StoredDigits;

/* Returns the digit with this index; those that are not stored are zero. */
static inline int
stored_digit(const StoredDigits *stored, int index)
{
	int16		digit;

	if (index < 0 || index >= stored->count)
		return 0;
	memcpy(&digit, stored->digits + index * sizeof(digit), sizeof(digit));
	return digit;
}

/* Writes a stored digit as four decimal ones; returns their end. */
static inline char *
put_group(char *to, int digit)
{
	to[0] = '0' + digit / 1000;
	to[1] = '0' + digit / 100 % 10;
	to[2] = '0' + digit / 10 % 10;
	to[3] = '0' + digit % 10;
	return to + PGSYNC_NUMERIC_GROUP_DIGITS;
}

/*
 * Writes the text of a numeric, whose stored form without its length word is
 * body[0..length), and returns its end; NULL if it is not in the short
 * format.  The text needs up to PGSYNC_NUMERIC_TEXT_SIZE bytes, and is not
 * terminated.
 */
char *
pgsync_numeric_text(char *to, const char *body, int length)
{
	StoredDigits stored;
	uint16		header;
	int			weight;
	int			scale;
	int			index = 0;

	memcpy(&header, body, sizeof(header));
	if ((header & PGSYNC_NUMERIC_FORMAT_MASK) != PGSYNC_NUMERIC_SHORT)
		return NULL;
	stored.digits = body + sizeof(header);
	stored.count = (length - sizeof(header)) / sizeof(int16);
	scale = (header & PGSYNC_NUMERIC_SCALE_MASK) >> PGSYNC_NUMERIC_SCALE_SHIFT;
	weight = header & PGSYNC_NUMERIC_WEIGHT_MASK;
	if (header & PGSYNC_NUMERIC_WEIGHT_SIGN)
		weight -= PGSYNC_NUMERIC_WEIGHT_MASK + 1;

	if (header & PGSYNC_NUMERIC_NEGATIVE)
		*to++ = '-';
	to += weight < 0 ? pg_ltoa(0, to) : pg_ltoa(stored_digit(&stored, 0), to);
	for (index = 1; index <= weight; index++)
		to = put_group(to, stored_digit(&stored, index));

	if (scale > 0)
	{
		char	   *end = to + 1 + scale;

		*to++ = '.';
		for (index = weight + 1; to < end; index++)
			to = put_group(to, stored_digit(&stored, index));
		to = end;
	}
	return to;
}
