/*-------------------------------------------------------------------------
 *
 * file_input.c
 *	  The bytes of a file of the server, unpacked.
 *
 * Opens the file under the rules of COPY FROM, tells by its first bytes
 * whether it is packed, and gives its contents a piece at a time.  What the
 * bytes mean is text_input.c's business.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "source/file_input.h"
#include "source/unpack.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/wait_event.h"

/* How many packed bytes are read at a time */
#define PACKED_BUFFER_SIZE	(64 * 1024)

struct PgsyncFileInput
{
	const char *path;
	int			fd;
	int64		length;			/* on disk */
	int64		position;		/* bytes read so far */
	PgsyncUnpacker *unpacker;	/* NULL: the file is not packed */
	PgsyncPacked packed;		/* read, but not yet taken */
	char	   *buffer;			/* where they are */
};

/* Returns whether it is a function for JSON that the file was named to. */
static bool
is_json(const PgsyncFileName *name)
{
	return strcmp(name->function, "from_json_file") == 0;
}

/*
 * Insists on what COPY FROM insists on for a file of the server (core's
 * DoCopy), and on an absolute path.
 *
 * Errors: 42501, 42602.
 */
static void
check_access(const PgsyncFileName *name, const char *path)
{
	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read a file of the server"),
				 errdetail("Only roles with privileges of the \"%s\" role may read the server's files.",
						   "pg_read_server_files"),
				 is_json(name) ?
				 errhint("%s takes the JSON itself and needs no such privilege.",
						 name->text_function) :
				 errhint("%s takes the CSV itself and needs no such privilege, nor does psql's \\copy.",
						 name->text_function)));
	if (!is_absolute_path(path))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("relative path \"%s\" not allowed for %s",
						path, name->function),
				 errhint("The path is one on the server's machine; give it from the root on.")));
}

/* Returns a hint for the errors that come of mixing up client and server. */
static int
hint_wrong_machine(const PgsyncFileName *name, int error)
{
	if (error != ENOENT && error != EACCES)
		return 0;
	if (is_json(name))
		return errhint("%s has the server process read a file.  "
					   "For a file on the client's machine use %s.",
					   name->function, name->text_function);
	return errhint("%s has the server process read a file.  "
				   "For a file on the client's machine use %s, or psql's \\copy.",
				   name->function, name->text_function);
}

/*
 * Insists on a regular file: reading a FIFO or device may never end, and a
 * cancel would not get through while it is opened.
 */
static void
check_kind(PgsyncFileInput *input)
{
	struct stat st;

	if (fstat(input->fd, &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", input->path)));
	if (S_ISDIR(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a directory", input->path)));
	if (!S_ISREG(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a regular file", input->path),
				 errhint("Pipes and devices cannot be read.")));
	input->length = st.st_size;
}

/* Reads from the file itself; 0 at its end. */
static int
read_bytes(PgsyncFileInput *input, char *buffer, int size)
{
	int			nread;

	CHECK_FOR_INTERRUPTS();
	pgstat_report_wait_start(WAIT_EVENT_COPY_FILE_READ);
	nread = read(input->fd, buffer, size);
	pgstat_report_wait_end();
	if (nread < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", input->path)));
	input->position += nread;
	return nread;
}

/* Reads further packed bytes when all have been taken. */
static void
refill_packed(PgsyncFileInput *input)
{
	int			nread = read_bytes(input, input->buffer, PACKED_BUFFER_SIZE);

	input->packed.ptr = input->buffer;
	input->packed.end = input->buffer + nread;
	input->packed.at_end = nread == 0;
}

/* Reads the file's first bytes, and prepares to unpack it if they say so. */
static void
recognize_packing(PgsyncFileInput *input)
{
	PgsyncPacking packing;
	int			nread;

	input->buffer = palloc(PACKED_BUFFER_SIZE);
	input->packed.ptr = input->packed.end = input->buffer;
	do
	{
		nread = read_bytes(input, unconstify(char *, input->packed.end),
						   PGSYNC_PACKING_BYTES);
		input->packed.end += nread;
	} while (nread > 0 &&
			 input->packed.end - input->packed.ptr < PGSYNC_PACKING_BYTES);

	packing = pgsync_recognize_packing(input->packed.ptr,
									   input->packed.end - input->packed.ptr);
	if (packing != PGSYNC_PACKING_NONE)
		input->unpacker = pgsync_unpacker_create(packing, input->path);
}

/*
 * Opens a file, in the current memory context.
 *
 * Errors: 42501 and 42602 as above; the operating system's; 42809 for what
 * is no regular file; 0A000 for a packing that this build does not know.
 */
PgsyncFileInput *
pgsync_file_input_open(const PgsyncFileName *name)
{
	PgsyncFileInput *input = palloc0(sizeof(PgsyncFileInput));
	char	   *path = pstrdup(name->path);

	canonicalize_path(path);
	check_access(name, path);
	input->path = path;
	/* O_NONBLOCK: opening a FIFO would wait for a writer */
	input->fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (input->fd < 0)
	{
		int			save_errno = errno;

		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path),
				 hint_wrong_machine(name, save_errno)));
	}
	check_kind(input);
	recognize_packing(input);
	return input;
}

/* Takes bytes of a file that is not packed; see pgsync_file_input_read. */
static int
read_plain(PgsyncFileInput *input, char *buffer, int size)
{
	int			available = input->packed.end - input->packed.ptr;

	if (available == 0)
		return read_bytes(input, buffer, size);
	available = Min(available, size);
	memcpy(buffer, input->packed.ptr, available);
	input->packed.ptr += available;
	return available;
}

/* Takes bytes of a packed file; see pgsync_file_input_read. */
static int
read_packed(PgsyncFileInput *input, char *buffer, int size)
{
	for (;;)
	{
		int			nread = pgsync_unpack(input->unpacker, &input->packed,
										  buffer, size);

		CHECK_FOR_INTERRUPTS();
		if (nread > 0)
			return nread;
		if (input->packed.ptr < input->packed.end)
			continue;
		if (input->packed.at_end)
			break;
		refill_packed(input);
	}
	if (!pgsync_unpacker_done(input->unpacker))
		ereport(ERROR,
				(errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				 errmsg("file \"%s\" is truncated at byte %lld",
						input->path, (long long) input->position),
				 errdetail("The packed data ends before its end is marked.")));
	return 0;
}

/*
 * Reads up to "size" of the file's bytes, unpacked; 0 at its end.
 *
 * Errors: the operating system's; 22P04 for packed data that is corrupt or
 * truncated.
 */
int
pgsync_file_input_read(PgsyncFileInput *input, char *buffer, int size)
{
	return input->unpacker != NULL ? read_packed(input, buffer, size) :
		read_plain(input, buffer, size);
}

/* Tells how many bytes of the file on disk have been taken, and its length. */
void
pgsync_file_input_progress(PgsyncFileInput *input, int64 *done, int64 *total)
{
	*done = input->position - (input->packed.end - input->packed.ptr);
	*total = input->length;
}

/* Closes a file that has been read. */
void
pgsync_file_input_close(PgsyncFileInput *input)
{
	if (CloseTransientFile(input->fd) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not close file \"%s\": %m", input->path)));
}
