/*-------------------------------------------------------------------------
 *
 * convert_time.c
 *	  Dates and timestamps in the form that most programs write.
 *
 *		2024-01-31 12:30:00+00			timestamptz
 *		2024-01-31T12:30:00.123456+01
 *		2024-01-31 12:30:00.5-03:30
 *		2024-01-31 12:30:00.5			timestamp
 *		2024-01-31						date
 *
 * With the year first, all digits there and, for timestamptz, an offset from
 * UTC, no setting has a say in what they mean (timezone_abbreviations has, in
 * "Z").  The types' input functions, which read whatever people write, take a
 * multiple of the time.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "value/convert_time.h"
#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* "2024-01-31" */
#define DATE_LEN		10

/* "2024-01-31 12:30:00" */
#define SECONDS_LEN		19

/* Reads just so many digits; false if they are none. */
static inline bool
read_digits(const char *str, int ndigits, int *value)
{
	*value = 0;
	for (int i = 0; i < ndigits; i++)
	{
		if (str[i] < '0' || str[i] > '9')
			return false;
		*value = *value * 10 + (str[i] - '0');
	}
	return true;
}

/* Reads a date, in days since 2000-01-01; false if it is not valid. */
static inline bool
read_date(const char *str, int *result)
{
	int			year,
				month,
				day;

	if (str[4] != '-' || str[7] != '-' ||
		!read_digits(str, 4, &year) || !read_digits(str + 5, 2, &month) ||
		!read_digits(str + 8, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > MONTHS_PER_YEAR || day < 1 ||
		day > day_tab[isleap(year)][month - 1])
		return false;
	*result = date2j(year, month, day) - POSTGRES_EPOCH_JDATE;
	return true;
}

/* Reads date and time to the second; false if they are not valid. */
static inline bool
read_seconds(const char *str, Timestamp *result)
{
	int			date,
				hour,
				minute,
				second;

	if ((str[10] != ' ' && str[10] != 'T') ||
		str[13] != ':' || str[16] != ':' ||
		!read_date(str, &date) || !read_digits(str + 11, 2, &hour) ||
		!read_digits(str + 14, 2, &minute) ||
		!read_digits(str + 17, 2, &second) ||
		hour > 23 || minute > 59 || second > 59)
		return false;
	*result = date * USECS_PER_DAY +
		(hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE + second) * USECS_PER_SEC;
	return true;
}

/* Reads up to six digits of a fraction; returns how many bytes. */
static inline int
read_fraction(const char *str, int len, Timestamp *result)
{
	int64		unit = USECS_PER_SEC;
	int			i = 1;

	if (len == 0 || str[0] != '.')
		return 0;
	for (; i < len && i <= 6 && str[i] >= '0' && str[i] <= '9'; i++)
	{
		unit /= 10;
		*result += (str[i] - '0') * unit;
	}
	return i;
}

/* Reads "+01" or "+01:30"; false for anything else. */
static inline bool
read_offset(const char *str, int len, int *seconds)
{
	int			hours;
	int			minutes = 0;

	if ((len != 3 && len != 6) || (str[0] != '+' && str[0] != '-') ||
		!read_digits(str + 1, 2, &hours) ||
		(len == 6 && (str[3] != ':' || !read_digits(str + 4, 2, &minutes))) ||
		hours > MAX_TZDISP_HOUR || minutes > 59)
		return false;
	*seconds = hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE;
	if (str[0] == '-')
		*seconds = -*seconds;
	return true;
}

/*
 * Reads a timestamptz without a type modifier.  False for any other form, and
 * for what is not valid: those are for timestamptz_in.
 */
bool
pgsync_read_timestamptz(const char *str, int len, Datum *result)
{
	Timestamp	local;
	int			nread;
	int			offset;

	if (len <= SECONDS_LEN || !read_seconds(str, &local))
		return false;
	nread = SECONDS_LEN;
	nread += read_fraction(str + nread, len - nread, &local);
	if (!read_offset(str + nread, len - nread, &offset))
		return false;
	*result = TimestampTzGetDatum(local - offset * USECS_PER_SEC);
	return true;
}

/* Reads a timestamp without a type modifier; false as above. */
bool
pgsync_read_timestamp(const char *str, int len, Datum *result)
{
	Timestamp	local;
	int			nread = SECONDS_LEN;

	if (len < SECONDS_LEN || !read_seconds(str, &local))
		return false;
	nread += read_fraction(str + nread, len - nread, &local);
	*result = TimestampGetDatum(local);
	return nread == len;
}

/* Reads a date; false as above. */
bool
pgsync_read_date(const char *str, int len, Datum *result)
{
	int			date;

	if (len != DATE_LEN || !read_date(str, &date))
		return false;
	*result = DateADTGetDatum(date);
	return true;
}
