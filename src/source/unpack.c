/*-------------------------------------------------------------------------
 *
 * unpack.c
 *	  Unpacks gzip and zstd data as it is read.
 *
 * Both formats may consist of several members (zstd: frames) that follow each
 * other; what they unpack to is joined.  What is wrong with the data is
 * reported with the byte of the file at which it was noticed.  Reading the
 * file is file_input.c's business.
 *
 * An unpacker's memory does not grow with its output: zlib keeps 32 kB of it,
 * libzstd what the frame asks for, up to the library's own limit of 128 MB.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "source/unpack.h"
#include "utils/memutils.h"

#ifdef PGSYNC_WITH_ZLIB
#include <zlib.h>
#endif
#ifdef PGSYNC_WITH_ZSTD
#include <zstd.h>
#endif

struct PgsyncUnpacker
{
	PgsyncPacking packing;
	const char *path;
	bool		between;		/* has the last member ended? */
#ifdef PGSYNC_WITH_ZLIB
	z_stream	zlib;
#endif
#ifdef PGSYNC_WITH_ZSTD
	ZSTD_DStream *zstd;
	size_t		wanted;			/* so many bytes it would like next */
	MemoryContextCallback free_zstd;
#endif
};

/* Returns how a file that begins with these bytes is packed. */
PgsyncPacking
pgsync_recognize_packing(const char *bytes, int len)
{
	if (len >= 2 && memcmp(bytes, "\x1F\x8B", 2) == 0)
		return PGSYNC_PACKING_GZIP;
	if (len >= 4 && memcmp(bytes, "\x28\xB5\x2F\xFD", 4) == 0)
		return PGSYNC_PACKING_ZSTD;
	/* a frame that unpacks to nothing, as parallel zstd programs write first */
	if (len >= 4 && (bytes[0] & 0xF0) == 0x50 &&
		memcmp(bytes + 1, "\x2A\x4D\x18", 3) == 0)
		return PGSYNC_PACKING_ZSTD;
	return PGSYNC_PACKING_NONE;
}

/* Reports a file that this build cannot unpack (0A000). */
pg_attribute_unused()
static void
report_unsupported(const char *path, const char *format, const char *library)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot read file \"%s\": it is packed by %s", path, format),
			 errdetail("This build of pgsync has been made without %s.",
					   library),
			 errhint("Unpack the file first, or install the library's headers and build pgsync again.")));
}

#ifdef PGSYNC_WITH_ZLIB
/* Allocates zlib's memory where an error frees it. */
static voidpf
allocate_for_zlib(voidpf context, uInt items, uInt size)
{
	return MemoryContextAlloc(context, (Size) items * size);
}

/* Frees memory of zlib's. */
static void
free_for_zlib(voidpf context, voidpf address)
{
	pfree(address);
}

/* Starts zlib, for gzip's format alone. */
static void
start_gzip(PgsyncUnpacker *unpacker)
{
	unpacker->zlib.zalloc = allocate_for_zlib;
	unpacker->zlib.zfree = free_for_zlib;
	unpacker->zlib.opaque = CurrentMemoryContext;
	if (inflateInit2(&unpacker->zlib, MAX_WBITS + 16) != Z_OK)
		elog(ERROR, "could not initialize zlib");
}

/* Returns whether nothing but zero bytes is left, which tapes leave there. */
static bool
skip_padding(PgsyncPacked *packed)
{
	while (packed->ptr < packed->end && *packed->ptr == '\0')
	{
		packed->ptr++;
		packed->offset++;
	}
	return packed->ptr == packed->end;
}

/* Unpacks into the buffer; see pgsync_unpack. */
static int
unpack_gzip(PgsyncUnpacker *unpacker, PgsyncPacked *packed, char *buffer,
			int size)
{
	z_stream   *zlib = &unpacker->zlib;
	int			rc;

	if (unpacker->between && zlib->total_in > 0)
	{
		if (skip_padding(packed))
			return 0;
		inflateReset(zlib);
	}
	unpacker->between = false;
	zlib->next_in = (Bytef *) unconstify(char *, packed->ptr);
	zlib->avail_in = packed->end - packed->ptr;
	zlib->next_out = (Bytef *) buffer;
	zlib->avail_out = size;
	rc = inflate(zlib, Z_NO_FLUSH);
	packed->offset += (const char *) zlib->next_in - packed->ptr;
	packed->ptr = (const char *) zlib->next_in;
	unpacker->between = rc == Z_STREAM_END;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("file \"%s\" is corrupt at byte %lld",
						unpacker->path, (long long) packed->offset),
				 errdetail("It cannot be unpacked as gzip: %s.",
						   zlib->msg ? zlib->msg : zError(rc))));
	return size - zlib->avail_out;
}
#endif

#ifdef PGSYNC_WITH_ZSTD
/* Frees libzstd's memory when the unpacker's context goes. */
static void
free_zstd(void *arg)
{
	PgsyncUnpacker *unpacker = arg;

	ZSTD_freeDStream(unpacker->zstd);
}

/* Starts libzstd. */
static void
start_zstd(PgsyncUnpacker *unpacker)
{
	unpacker->zstd = ZSTD_createDStream();
	if (unpacker->zstd == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	unpacker->free_zstd.func = free_zstd;
	unpacker->free_zstd.arg = unpacker;
	MemoryContextRegisterResetCallback(CurrentMemoryContext,
									   &unpacker->free_zstd);
	unpacker->wanted = ZSTD_initDStream(unpacker->zstd);
}

/*
 * Unpacks into the buffer; see pgsync_unpack.
 *
 * libzstd does not tell how far it has come when it fails.  It gets as much
 * as it would like, a block at most, so that is not far.
 */
static int
unpack_zstd(PgsyncUnpacker *unpacker, PgsyncPacked *packed, char *buffer,
			int size)
{
	ZSTD_inBuffer in = {packed->ptr, packed->end - packed->ptr, 0};
	ZSTD_outBuffer out = {buffer, size, 0};
	size_t		rc;

	/* with nothing to read it would begin another frame */
	if (unpacker->between && in.size == 0)
		return 0;
	in.size = Min(in.size, unpacker->wanted);
	rc = ZSTD_decompressStream(unpacker->zstd, &out, &in);
	packed->ptr += in.pos;
	packed->offset += in.pos;
	if (ZSTD_isError(rc))
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("file \"%s\" is corrupt at byte %lld",
						unpacker->path, (long long) packed->offset),
				 errdetail("It cannot be unpacked as zstd: %s.",
						   ZSTD_getErrorName(rc))));
	unpacker->between = rc == 0;
	unpacker->wanted = rc > 0 ? rc : ZSTD_initDStream(unpacker->zstd);
	return out.pos;
}
#endif

/*
 * Creates an unpacker in the current memory context; "path" is for errors.
 *
 * Errors: 0A000 for a packing that this build does not know.
 */
PgsyncUnpacker *
pgsync_unpacker_create(PgsyncPacking packing, const char *path)
{
	PgsyncUnpacker *unpacker = palloc0(sizeof(PgsyncUnpacker));

	unpacker->packing = packing;
	unpacker->path = path;
	if (packing == PGSYNC_PACKING_GZIP)
	{
#ifdef PGSYNC_WITH_ZLIB
		start_gzip(unpacker);
#else
		report_unsupported(path, "gzip", "zlib");
#endif
	}
	else
	{
#ifdef PGSYNC_WITH_ZSTD
		start_zstd(unpacker);
#else
		report_unsupported(path, "zstd", "libzstd");
#endif
	}
	return unpacker;
}

/*
 * Unpacks as much as the buffer holds, or less, and takes what it has used
 * from "packed".  Returns how many bytes that gave; 0 asks for more packed
 * bytes.
 *
 * Errors: 22P04 for data that cannot be unpacked.
 */
int
pgsync_unpack(PgsyncUnpacker *unpacker, PgsyncPacked *packed, char *buffer,
			  int size)
{
#ifdef PGSYNC_WITH_ZLIB
	if (unpacker->packing == PGSYNC_PACKING_GZIP)
		return unpack_gzip(unpacker, packed, buffer, size);
#endif
#ifdef PGSYNC_WITH_ZSTD
	if (unpacker->packing == PGSYNC_PACKING_ZSTD)
		return unpack_zstd(unpacker, packed, buffer, size);
#endif
	elog(ERROR, "unrecognized packing: %d", (int) unpacker->packing);
	return 0;					/* keep compiler quiet */
}

/* Returns whether the data may end here: no member has begun. */
bool
pgsync_unpacker_done(PgsyncUnpacker *unpacker)
{
	return unpacker->between;
}
