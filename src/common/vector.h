/*-------------------------------------------------------------------------
 *
 * vector.h
 *	  Finding and comparing bytes, a vector of them at a time.
 *
 * With the processor's vector instructions where compat.h has them, and the
 * setting pgsync.scan lets them; else byte by byte.  A build with
 * -DPGSYNC_NO_VECTORS never has them, for tests of processors that do not.
 *
 * No function here reads a byte that it has not been given.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_VECTOR_H
#define PGSYNC_VECTOR_H

#include "port/pg_bitutils.h"

#if !defined(USE_NO_SIMD) && !defined(PGSYNC_NO_VECTORS)
#define PGSYNC_VECTORS
#endif

/* Bytes that are searched for together; repeat one if there are fewer */
typedef struct PgsyncFourBytes
{
	char		bytes[4];
} PgsyncFourBytes;

/* Returns whether a byte is one of those searched for. */
static inline bool
pgsync_is_one_of(char c, PgsyncFourBytes wanted)
{
	return c == wanted.bytes[0] || c == wanted.bytes[1] ||
		c == wanted.bytes[2] || c == wanted.bytes[3];
}

/* Returns whether a byte of a JSON string may mean something else. */
static inline bool
pgsync_is_json_special(char c)
{
	return c == '"' || c == '\\' || (unsigned char) c < 0x20;
}

#ifdef PGSYNC_VECTORS

/* Returns a bit for each byte of a vector that is one of those wanted. */
static inline uint32
pgsync_vector_one_of(Vector8 v, PgsyncFourBytes wanted)
{
	Vector8		first = vector8_or(vector8_eq(v, vector8_broadcast(wanted.bytes[0])),
								   vector8_eq(v, vector8_broadcast(wanted.bytes[1])));
	Vector8		second = vector8_or(vector8_eq(v, vector8_broadcast(wanted.bytes[2])),
									vector8_eq(v, vector8_broadcast(wanted.bytes[3])));

	return vector8_highbit_mask(vector8_or(first, second));
}

/* Returns a bit for each byte that ends the plain part of a JSON string. */
static inline uint32
pgsync_vector_json_special(Vector8 v)
{
	Vector8		control = vector8_eq(vector8_min(v, vector8_broadcast(0x1F)), v);
	Vector8		quote = vector8_eq(v, vector8_broadcast('"'));
	Vector8		backslash = vector8_eq(v, vector8_broadcast('\\'));

	return vector8_highbit_mask(vector8_or(control,
										   vector8_or(quote, backslash)));
}

#endif							/* PGSYNC_VECTORS */

/* Returns whether vectors are to be used in this call. */
static inline bool
pgsync_scans_vectors(void)
{
#ifdef PGSYNC_VECTORS
	return pgsync_scan_setting != PGSYNC_SCAN_PLAIN;
#else
	return false;
#endif
}

/* Returns the first of the wanted bytes in [p, end), or end. */
static inline const char *
pgsync_find_one_of(const char *p, const char *end, PgsyncFourBytes wanted)
{
#ifdef PGSYNC_VECTORS
	if (pgsync_scans_vectors())
	{
		for (; end - p >= (ptrdiff_t) sizeof(Vector8); p += sizeof(Vector8))
		{
			Vector8		v;
			uint32		found;

			vector8_load(&v, (const uint8 *) p);
			found = pgsync_vector_one_of(v, wanted);
			if (found != 0)
				return p + pg_rightmost_one_pos32(found);
		}
	}
#endif
	while (p < end && !pgsync_is_one_of(*p, wanted))
		p++;
	return p;
}

/*
 * Returns the first byte in [p, end) that a JSON string does not simply have
 * as it is: a quote, a backslash, a control character; or end.
 */
static inline const char *
pgsync_find_json_special(const char *p, const char *end)
{
#ifdef PGSYNC_VECTORS
	if (pgsync_scans_vectors())
	{
		for (; end - p >= (ptrdiff_t) sizeof(Vector8); p += sizeof(Vector8))
		{
			Vector8		v;
			uint32		found;

			vector8_load(&v, (const uint8 *) p);
			found = pgsync_vector_json_special(v);
			if (found != 0)
				return p + pg_rightmost_one_pos32(found);
		}
	}
#endif
	while (p < end && !pgsync_is_json_special(*p))
		p++;
	return p;
}

/*
 * Copies bytes: memcpy for a few dozen of them, which its call would take
 * longer than.  Two pieces that may overlap cover any length between.
 */
static inline void
pgsync_copy_short(char *to, const char *from, Size len)
{
	if (len > 32)
		memcpy(to, from, len);
	else if (len > 16)
	{
		memcpy(to, from, 16);
		memcpy(to + len - 16, from + len - 16, 16);
	}
	else if (len >= 8)
	{
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	}
	else if (len >= 4)
	{
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	}
	else
	{
		for (Size i = 0; i < len; i++)
			to[i] = from[i];
	}
}

/* Room that pgsync_starts_with needs behind the bytes that are expected */
#define PGSYNC_VECTOR_PADDING	16

/*
 * Returns whether [p, end) starts with the expected bytes, behind which there
 * are PGSYNC_VECTOR_PADDING more that can be read.  For a few dozen bytes,
 * compared where a call of memcmp would take longer.
 */
static inline bool
pgsync_starts_with(const char *p, const char *end, const char *expected,
				   int len)
{
	if (end - p < len)
		return false;
#ifdef PGSYNC_VECTORS
	StaticAssertStmt(sizeof(Vector8) == PGSYNC_VECTOR_PADDING,
					 "padding must be a vector");
	for (; len > 0 && end - p >= (ptrdiff_t) sizeof(Vector8);
		 p += sizeof(Vector8), expected += sizeof(Vector8),
		 len -= sizeof(Vector8))
	{
		Vector8		v;
		Vector8		w;
		uint32		same;

		vector8_load(&v, (const uint8 *) p);
		vector8_load(&w, (const uint8 *) expected);
		same = vector8_highbit_mask(vector8_eq(v, w));
		if (len < (int) sizeof(Vector8))
			same |= ~((1U << len) - 1) & 0xFFFF;
		if (same != 0xFFFF)
			return false;
	}
#endif
	return len <= 0 || memcmp(p, expected, len) == 0;
}

#endif							/* PGSYNC_VECTOR_H */
