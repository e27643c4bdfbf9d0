/*-------------------------------------------------------------------------
 *
 * json_text.h
 *	  A JSON text that grows, and what is written into it.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_TEXT_H
#define PGSYNC_JSON_TEXT_H

#include "utils/jsonb.h"

/*
 * The text so far.  Its first bytes are kept free for the length word of the
 * json value that it becomes.
 */
typedef struct PgsyncJsonText
{
	char	   *data;
	Size		length;			/* bytes used, the length word's included */
	Size		size;			/* bytes allocated */
	const char *hint;			/* for who asked for too much, translated */
} PgsyncJsonText;

/* What may be asked for with pgsync_json_room beyond the limit of a value */
#define PGSYNC_JSON_SLACK	65536

extern void pgsync_json_init(PgsyncJsonText *text, const char *hint);
extern void pgsync_json_grow(PgsyncJsonText *text, Size nbytes);
extern void pgsync_json_string(PgsyncJsonText *text, const char *string,
							   Size length);
extern bool pgsync_json_numeric(PgsyncJsonText *text,
								struct varlena *number);
extern void pgsync_json_jsonb(PgsyncJsonText *text, Jsonb *jsonb);
extern Datum pgsync_json_finish(PgsyncJsonText *text);

/*
 * Returns where the next nbytes bytes may be written; whoever writes them
 * adds to the length.
 */
static inline char *
pgsync_json_room(PgsyncJsonText *text, Size nbytes)
{
	if (unlikely(nbytes > text->size - text->length))
		pgsync_json_grow(text, nbytes);
	return text->data + text->length;
}

/* Appends bytes as they are. */
static inline void
pgsync_json_append(PgsyncJsonText *text, const char *bytes, Size nbytes)
{
	memcpy(pgsync_json_room(text, nbytes), bytes, nbytes);
	text	  ->length += nbytes;
}

#endif							/* PGSYNC_JSON_TEXT_H */
