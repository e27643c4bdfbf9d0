/*-------------------------------------------------------------------------
 *
 * datetime_text.c
 *	  The text of dates and timestamps, in ISO 8601 form.
 *
 * The texts are those of core's JsonEncodeDateTime, which asks the time zone
 * for its offset and counts out the date anew for each value.  Values that
 * come one after the other are mostly near each other: the day's text is kept,
 * and the offset until the zone's next change.
 *
 * What is not usual, infinities and years that do not have four digits, is
 * left to core: the length is 0 then.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "utils/datetime.h"
#include "value/datetime_text.h"

/* 0001-01-01 and 10000-01-01, as days since 2000-01-01 */
#define FIRST_DAY	(-730119)
#define END_DAY		2921940

/* Writes two digits; returns their end. */
static inline char *
put_two(char *to, int number)
{
	to[0] = '0' + number / 10;
	to[1] = '0' + number % 10;
	return to + 2;
}

/* Writes a day as "yyyy-mm-dd"; see above. */
int
pgsync_date_text(PgsyncDatetimeText *state, int32 day, char *to)
{
	if (day < FIRST_DAY || day >= END_DAY)
		return 0;
	if (!state->has_day || day != state->day)
	{
		int			year;
		int			month;
		int			mday;
		char	   *text = state->day_text;

		j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &mday);
		text = put_two(text, year / 100);
		text = put_two(text, year % 100);

		*text ++= '-';
		text = put_two(text, month);

		*text ++= '-';
		put_two(text, mday);
		state->day = day;
		state->has_day = true;
	}
	memcpy(to, state->day_text, PGSYNC_DAY_LENGTH);
	return PGSYNC_DAY_LENGTH;
}

/* Writes ".25": the microseconds without zeros at the end; returns the end. */
static char *
put_fraction(char *to, int microseconds)
{
	int			ndigits = 6;

	while (microseconds % 10 == 0)
	{
		microseconds /= 10;
		ndigits--;
	}
	*to = '.';
	for (int i = ndigits; i > 0; i--)
	{
		to[i] = '0' + microseconds % 10;
		microseconds /= 10;
	}
	return to + ndigits + 1;
}

/* Writes a timestamp as "yyyy-mm-ddThh:mm:ss[.ffffff]"; see above. */
int
pgsync_timestamp_text(PgsyncDatetimeText *state, Timestamp timestamp, char *to)
{
	const char *start = to;
	int64		day = timestamp / USECS_PER_DAY;
	int64		time = timestamp % USECS_PER_DAY;
	int			seconds;

	if (time < 0)
	{
		time += USECS_PER_DAY;
		day--;
	}
	if (pgsync_date_text(state, day, to) == 0)
		return 0;
	to += PGSYNC_DAY_LENGTH;
	seconds = time / USECS_PER_SEC;
	*to++ = 'T';
	to = put_two(to, seconds / SECS_PER_HOUR);
	*to++ = ':';
	to = put_two(to, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*to++ = ':';
	to = put_two(to, seconds % SECS_PER_MINUTE);
	if (time % USECS_PER_SEC != 0)
		to = put_fraction(to, time % USECS_PER_SEC);
	return to - start;
}

/* Keeps an offset, in seconds east of UTC, as "+hh:mm[:ss]". */
static void
keep_offset(PgsyncDatetimeText *state, long offset)
{
	char	   *to = state->zone_text;
	int			seconds = labs(offset);

	*to++ = offset < 0 ? '-' : '+';
	to = put_two(to, seconds / SECS_PER_HOUR);
	*to++ = ':';
	to = put_two(to, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	if (seconds % SECS_PER_MINUTE != 0)
	{
		*to++ = ':';
		to = put_two(to, seconds % SECS_PER_MINUTE);
	}
	state->zone_length = to - state->zone_text;
	state->offset = offset * USECS_PER_SEC;
}

/*
 * Finds the session's offset from UTC at a time, if it is not the one that is
 * kept; false if the zone cannot say.
 */
static bool
find_offset(PgsyncDatetimeText *state, pg_time_t time)
{
	long		before;
	long		after;
	int			before_dst;
	int			after_dst;
	pg_time_t	boundary;
	int			found;

	if (state->zone == session_timezone && time >= state->from &&
		time < state->until)
		return true;
	found = pg_next_dst_boundary(&time, &before, &before_dst, &boundary,
								 &after, &after_dst, session_timezone);
	if (found < 0)
		return false;
	state->zone = session_timezone;
	state->from = time;
	state->until = found == 0 ? PG_INT64_MAX : boundary;
	keep_offset(state, before);
	return true;
}

/* Writes a timestamp in the session's time zone, with its offset; see above. */
int
pgsync_timestamptz_text(PgsyncDatetimeText *state, TimestampTz timestamp,
						char *to)
{
	int64		second = timestamp / USECS_PER_SEC;
	int			length;

	if (timestamp < (int64) FIRST_DAY * USECS_PER_DAY ||
		timestamp >= (int64) END_DAY * USECS_PER_DAY)
		return 0;
	if (timestamp % USECS_PER_SEC < 0)
		second--;
	if (!find_offset(state, second + (int64) SECS_PER_DAY *
					 (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE)))
		return 0;
	length = pgsync_timestamp_text(state, timestamp + state->offset, to);
	if (length == 0)
		return 0;
	memcpy(to + length, state->zone_text, PGSYNC_ZONE_LENGTH);
	return length + state->zone_length;
}
