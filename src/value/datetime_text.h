/*-------------------------------------------------------------------------
 *
 * datetime_text.h
 *	  The text of dates and timestamps, in ISO 8601 form.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_DATETIME_TEXT_H
#define PGSYNC_DATETIME_TEXT_H

#include "datatype/timestamp.h"
#include "pgtime.h"

/* The longest offset from UTC, "+hh:mm:ss" */
#define PGSYNC_ZONE_LENGTH		9

/* "yyyy-mm-dd" */
#define PGSYNC_DAY_LENGTH		10

/* What the values printed last had in common; starts as zeros */
typedef struct PgsyncDatetimeText
{
	const pg_tz *zone;			/* the session's, or NULL before the first */
	pg_time_t	from;			/* the offset holds from here */
	pg_time_t	until;			/* to before here */
	int64		offset;			/* from UTC, in microseconds */
	int			zone_length;
	char		zone_text[PGSYNC_ZONE_LENGTH];
	bool		has_day;
	int32		day;			/* since 2000-01-01 */
	char		day_text[PGSYNC_DAY_LENGTH];
} PgsyncDatetimeText;

extern int	pgsync_date_text(PgsyncDatetimeText *state, int32 day, char *to);
extern int	pgsync_timestamp_text(PgsyncDatetimeText *state,
								  Timestamp timestamp, char *to);
extern int	pgsync_timestamptz_text(PgsyncDatetimeText *state,
									TimestampTz timestamp, char *to);

#endif							/* PGSYNC_DATETIME_TEXT_H */
