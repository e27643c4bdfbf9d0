/*-------------------------------------------------------------------------
 *
 * file_input.h
 *	  The bytes of a file of the server, unpacked.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_FILE_INPUT_H
#define PGSYNC_FILE_INPUT_H

/* A file as a function's argument names it, for errors and hints */
typedef struct PgsyncFileName
{
	const char *path;
	const char *function;		/* that was given the path */
	const char *text_function;	/* that takes the contents instead */
} PgsyncFileName;

typedef struct PgsyncFileInput PgsyncFileInput;

extern PgsyncFileInput *pgsync_file_input_open(const PgsyncFileName *name);
extern int	pgsync_file_input_read(PgsyncFileInput *input, char *buffer,
								   int size);
extern void pgsync_file_input_progress(PgsyncFileInput *input, int64 *done,
									   int64 *total);
extern void pgsync_file_input_close(PgsyncFileInput *input);

#endif							/* PGSYNC_FILE_INPUT_H */
