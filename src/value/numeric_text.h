/*-------------------------------------------------------------------------
 *
 * numeric_text.h
 *	  A numeric as its text, written where it is wanted.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_NUMERIC_TEXT_H
#define PGSYNC_NUMERIC_TEXT_H

/*
 * Room for the text of a numeric in the short format: sign, 64 groups of
 * digits before the point, the point, 63 digits after it and what the last
 * group has beyond them.
 */
#define PGSYNC_NUMERIC_TEXT_SIZE	(1 + 64 * 4 + 1 + 64 + 4)

extern char *pgsync_numeric_text(char *to, const char *body, int length);

#endif							/* PGSYNC_NUMERIC_TEXT_H */
