/*-------------------------------------------------------------------------
 *
 * unpack.h
 *	  Unpacks gzip and zstd data as it is read.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UNPACK_H
#define PGSYNC_UNPACK_H

typedef enum PgsyncPacking
{
	PGSYNC_PACKING_NONE,
	PGSYNC_PACKING_GZIP,
	PGSYNC_PACKING_ZSTD,
} PgsyncPacking;

/* How many of a file's first bytes tell how it is packed */
#define PGSYNC_PACKING_BYTES	4

/* Packed bytes, and how many of the file have been taken from them so far */
typedef struct PgsyncPacked
{
	const char *ptr;
	const char *end;
	bool		at_end;			/* does the file have no more? */
	int64		offset;			/* in the file, of ptr */
} PgsyncPacked;

typedef struct PgsyncUnpacker PgsyncUnpacker;

extern PgsyncPacking pgsync_recognize_packing(const char *bytes, int len);
extern PgsyncUnpacker *pgsync_unpacker_create(PgsyncPacking packing,
											  const char *path);
extern int	pgsync_unpack(PgsyncUnpacker *unpacker, PgsyncPacked *packed,
						  char *buffer, int size);
extern bool pgsync_unpacker_done(PgsyncUnpacker *unpacker);

#endif							/* PGSYNC_UNPACK_H */
