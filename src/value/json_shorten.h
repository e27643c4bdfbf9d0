/*-------------------------------------------------------------------------
 *
 * json_shorten.h
 *	  A JSON text without what is long in it, for core's parser.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_SHORTEN_H
#define PGSYNC_JSON_SHORTEN_H

/* A string, number or the like is long if it has more bytes */
#define PGSYNC_JSON_LONG	(1024 * 1024)

/* A piece of text */
typedef struct PgsyncJsonText
{
	const char *json;
	Size		len;
	int64		lines;			/* line feeds that have been left out */
} PgsyncJsonText;

extern PgsyncJsonText pgsync_json_shorten(const char *json, Size len);

#endif							/* PGSYNC_JSON_SHORTEN_H */
