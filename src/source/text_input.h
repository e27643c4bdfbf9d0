/*-------------------------------------------------------------------------
 *
 * text_input.h
 *	  Text to be parsed, a piece at a time: a file of the server, or a value.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TEXT_INPUT_H
#define PGSYNC_TEXT_INPUT_H

#include "source/file_input.h"

/*
 * What a parser sees of it.  The text is valid in the server's encoding, in
 * which a byte below 0x80 is always an ASCII character.
 */
typedef struct PgsyncTextInput
{
	const char *ptr;			/* next byte; the parser moves it */
	const char *end;			/* behind the last byte there is so far */
	int64		discarded;		/* bytes that have gone before the buffer */
	int64		discarded_lines;	/* and line feeds among them */
	const char *begin;			/* the first byte still there */
	bool		in_memory;		/* then no byte ever goes or moves */
	bool		is_file;
	bool		is_stored;		/* a value that is read in slices */
} PgsyncTextInput;

extern PgsyncTextInput *pgsync_text_input_open_file(const PgsyncFileName *name,
													int encoding);
extern PgsyncTextInput *pgsync_text_input_open_value(struct varlena *value);
extern void pgsync_text_input_fetch_all(PgsyncTextInput *input);
extern void pgsync_text_input_show_all(PgsyncTextInput *input);
extern const char *pgsync_text_input_make_whole(PgsyncTextInput *input,
												const char *position);
extern bool pgsync_text_input_more(PgsyncTextInput *input, const char **keep);
extern void pgsync_text_input_progress(PgsyncTextInput *input, int64 *done,
									   int64 *total);
extern void pgsync_text_input_close(PgsyncTextInput *input);

#endif							/* PGSYNC_TEXT_INPUT_H */
