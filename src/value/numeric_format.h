/*-------------------------------------------------------------------------
 *
 * numeric_format.h
 *	  The stored form of a numeric, as far as we read and write it.
 *
 * A header of 16 bits, then digits in base 10000, 16 bits each.  Only the
 * short format is known here, which nearly all numbers have; core's numeric.c
 * describes it ("Storage of Numeric values"), and it cannot change between
 * servers.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_NUMERIC_FORMAT_H
#define PGSYNC_NUMERIC_FORMAT_H

/* The header of the short format (numeric.c) */
#define PGSYNC_NUMERIC_FORMAT_MASK		0xC000
#define PGSYNC_NUMERIC_SHORT			0x8000
#define PGSYNC_NUMERIC_NEGATIVE			0x2000
#define PGSYNC_NUMERIC_SCALE_MASK		0x1F80
#define PGSYNC_NUMERIC_SCALE_SHIFT		7
#define PGSYNC_NUMERIC_WEIGHT_SIGN		0x0040
#define PGSYNC_NUMERIC_WEIGHT_MASK		0x003F
#define PGSYNC_NUMERIC_MAX_SCALE		63

/* Decimal digits in a stored digit, and its base */
#define PGSYNC_NUMERIC_GROUP_DIGITS		4
#define PGSYNC_NUMERIC_BASE				10000

#endif							/* PGSYNC_NUMERIC_FORMAT_H */
