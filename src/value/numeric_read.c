/*-------------------------------------------------------------------------
 *
 * numeric_read.c
 *	  The text of a plain number, as a numeric or float8.
 *
 *		12		-3.50		0.001
 *
 * Digits, with a point among them and a sign before them: what most programs
 * write.  They are put together as they are stored (numeric_format.h), without
 * a number of numeric.c's in between, which takes numeric_in several times as
 * long.  Numbers of more digits than two words hold, exponents, blanks, and
 * what a type modifier rounds or refuses, are for numeric_in.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include <float.h>

#include "utils/numeric.h"
#include "value/numeric_format.h"
#include "value/numeric_read.h"

/*
 * Digits before and behind the point.  Those behind are filled up to whole
 * groups, so these are whole groups.
 */
#define MAX_INTEGER_DIGITS		18
#define MAX_FRACTION_DIGITS		16

/* Groups of digits that these fill */
#define MAX_INTEGER_GROUPS		5
#define MAX_FRACTION_GROUPS		(MAX_FRACTION_DIGITS / PGSYNC_NUMERIC_GROUP_DIGITS)

/* A number as it was written */
typedef struct PlainNumber
{
	bool		negative;
	uint64		integer;
	uint64		fraction;		/* the digits behind the point ... */
	int			scale;			/* ... and how many they are */
} PlainNumber;

static const uint64 power_of_ten[MAX_INTEGER_DIGITS + 1] = {
	UINT64CONST(1),
	UINT64CONST(10),
	UINT64CONST(100),
	UINT64CONST(1000),
	UINT64CONST(10000),
	UINT64CONST(100000),
	UINT64CONST(1000000),
	UINT64CONST(10000000),
	UINT64CONST(100000000),
	UINT64CONST(1000000000),
	UINT64CONST(10000000000),
	UINT64CONST(100000000000),
	UINT64CONST(1000000000000),
	UINT64CONST(10000000000000),
	UINT64CONST(100000000000000),
	UINT64CONST(1000000000000000),
	UINT64CONST(10000000000000000),
	UINT64CONST(100000000000000000),
	UINT64CONST(1000000000000000000)
};

/* Reads digits; returns how many, 0 if there are none or too many. */
static inline int
read_digits(const char *str, const char *end, int max, uint64 *value)
{
	const char *p = str;

	*value = 0;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		if (p - str == max)
			return 0;
		*value = *value * 10 + (*p - '0');
	}
	return p - str;
}

/* Reads a number; false if it is not a plain one. */
static inline bool
read_number(const char *str, int len, PlainNumber *number)
{
	const char *p = str;
	const char *end = str + len;
	int			ndigits;

	number->negative = p < end && *p == '-';
	p += number->negative;
	ndigits = read_digits(p, end, MAX_INTEGER_DIGITS, &number->integer);
	if (ndigits == 0)
		return false;
	p += ndigits;
	number->fraction = 0;
	number->scale = 0;
	if (p < end && *p == '.')
	{
		p++;
		number->scale = read_digits(p, end, MAX_FRACTION_DIGITS,
									&number->fraction);
		if (number->scale == 0)
			return false;
		p += number->scale;
	}
	return p == end;
}

/*
 * Returns the scale that a number gets from a type modifier; -1 if it would
 * be rounded, or may not fit.
 */
static inline int
scale_for(const PlainNumber *number, int32 typmod)
{
	int			precision;
	int			scale;
	int			integer_digits;

	if (typmod < (int32) VARHDRSZ)
		return number->scale;
	/* as numeric.c packs it */
	precision = ((typmod - VARHDRSZ) >> 16) & 0xFFFF;
	scale = (((typmod - VARHDRSZ) & 0x7FF) ^ 1024) - 1024;
	integer_digits = precision - scale;
	if (scale < number->scale || scale > PGSYNC_NUMERIC_MAX_SCALE ||
		integer_digits < 0 ||
		(integer_digits <= MAX_INTEGER_DIGITS &&
		 number->integer >= power_of_ten[integer_digits]))
		return -1;
	return scale;
}

/* Writes the groups of a number's integer part; returns how many. */
static inline int
put_integer(uint64 integer, int16 *groups)
{
	int16		reversed[MAX_INTEGER_GROUPS];
	int			count = 0;

	for (; integer > 0; integer /= PGSYNC_NUMERIC_BASE)
		reversed[count++] = integer % PGSYNC_NUMERIC_BASE;
	for (int i = 0; i < count; i++)
		groups[i] = reversed[count - 1 - i];
	return count;
}

/* Writes the groups of the digits behind the point; returns how many. */
static inline int
put_fraction(const PlainNumber *number, int16 *groups)
{
	int			count = (number->scale + PGSYNC_NUMERIC_GROUP_DIGITS - 1) /
	PGSYNC_NUMERIC_GROUP_DIGITS;
	int			missing = count * PGSYNC_NUMERIC_GROUP_DIGITS - number->scale;
	uint64		fraction = number->fraction * power_of_ten[missing];

	for (int i = count - 1; i >= 0; i--, fraction /= PGSYNC_NUMERIC_BASE)
		groups[i] = fraction % PGSYNC_NUMERIC_BASE;
	return count;
}

/*
 * Writes the stored form of the numeric that a text stands for, without its
 * length word; "to" has room for PGSYNC_NUMERIC_SIZE(len) bytes, of any
 * alignment.  Returns how many were written, 0 if the text is for numeric_in.
 */
int
pgsync_read_numeric(const char *str, int len, int32 typmod, char *to)
{
	PlainNumber number;
	int16		groups[MAX_INTEGER_GROUPS + MAX_FRACTION_GROUPS];
	int			first = 0;
	int			count;
	int			weight;
	int			scale;
	uint16		header;

	if (!read_number(str, len, &number))
		return 0;
	scale = scale_for(&number, typmod);
	if (scale < 0)
		return 0;
	count = put_integer(number.integer, groups);
	weight = count - 1;
	count += put_fraction(&number, groups + count);

	/* as numeric.c stores it: without zeros on either side */
	for (; first < count && groups[first] == 0; first++)
		weight--;
	while (count > first && groups[count - 1] == 0)
		count--;
	if (count == first)
	{
		weight = 0;
		number.negative = false;
	}
	header = PGSYNC_NUMERIC_SHORT | (scale << PGSYNC_NUMERIC_SCALE_SHIFT) |
		(number.negative ? PGSYNC_NUMERIC_NEGATIVE : 0) |
		(weight < 0 ? PGSYNC_NUMERIC_WEIGHT_SIGN : 0) |
		(weight & PGSYNC_NUMERIC_WEIGHT_MASK);
	memcpy(to, &header, sizeof(header));
	count -= first;
	memcpy(to + sizeof(header), groups + first, count * sizeof(int16));
	return sizeof(header) + count * sizeof(int16);
}

/* Integers up to here are exact as a float8, whose mantissa has 53 bits */
#define MAX_EXACT_INTEGER	(UINT64CONST(1) << 53)

/*
 * Reads a float8; false if the text is for float8in.
 *
 * If the number without its point is exact, and so is the power of ten that
 * the point stands for, then one division rounds as IEEE 754 has it, and as
 * strtod does.  That takes arithmetic in no more than a float8's precision.
 */
bool
pgsync_read_float8(const char *str, int len, float8 *result)
{
	PlainNumber number;
	uint64		power;
	float8		value;

	if (FLT_EVAL_METHOD != 0 || !read_number(str, len, &number))
		return false;
	power = power_of_ten[number.scale];
	if (number.integer >= MAX_EXACT_INTEGER / power)
		return false;
	value = number.integer * power + number.fraction;
	/* a zero's sign is float8in's business; a number of JSON has none */
	if (number.negative && value == 0)
		return false;
	value /= power;
	*result = number.negative ? -value : value;
	return true;
}
