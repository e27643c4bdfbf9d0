/*-------------------------------------------------------------------------
 *
 * numeric_read.h
 *	  The text of a plain number, as a numeric or float8.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_NUMERIC_READ_H
#define PGSYNC_NUMERIC_READ_H

/* Room for what is written for a text of this length */
#define PGSYNC_NUMERIC_SIZE(len)	((len) / 2 + 6)

extern int	pgsync_read_numeric(const char *str, int len, int32 typmod,
								char *to);
extern bool pgsync_read_float8(const char *str, int len, float8 *result);

#endif							/* PGSYNC_NUMERIC_READ_H */
