/*-------------------------------------------------------------------------
 *
 * numeric_read.h
 *	  The text of a plain number, as a numeric.
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

#endif							/* PGSYNC_NUMERIC_READ_H */
