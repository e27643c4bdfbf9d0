/*-------------------------------------------------------------------------
 *
 * convert_time.h
 *	  Dates and timestamps in the form that most programs write.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CONVERT_TIME_H
#define PGSYNC_CONVERT_TIME_H

extern bool pgsync_read_timestamptz(const char *str, int len, Datum *result);
extern bool pgsync_read_timestamp(const char *str, int len, Datum *result);
extern bool pgsync_read_date(const char *str, int len, Datum *result);

#endif							/* PGSYNC_CONVERT_TIME_H */
