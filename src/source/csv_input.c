/*-------------------------------------------------------------------------
 *
 * csv_input.c
 *	  The bytes that COPY's parser reads: a file of the server, or a text.
 *
 * COPY could open the file itself.  Doing it here gives both kinds of input
 * one way in, on which a byte order mark is dropped before any conversion,
 * and a cancel is noticed within the longest line.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include <sys/stat.h>

#include "source/csv_input.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"

/* U+FEFF in UTF-8, which some programs put at the start of a file */
#define BYTE_ORDER_MARK			"\xEF\xBB\xBF"
#define BYTE_ORDER_MARK_LEN		3

struct PgsyncCsvInput
{
	FILE	   *file;			/* NULL: a text */
	const char *path;
	const char *data;			/* of the text */
	int64		length;
	int64		position;		/* bytes read so far */
	bool		may_have_mark;	/* does the encoding know the mark? */
	MemoryContextCallback forget;
};

/*
 * The input being read.  COPY's callback has no argument for it: it is set
 * for just one call of the parser, during which nothing else can run.
 */
static PgsyncCsvInput *reading = NULL;

/* Forgets an input that an error has freed. */
static void
forget_input(void *arg)
{
	if (reading == arg)
		reading = NULL;
}

/* Makes an input in the current memory context. */
static PgsyncCsvInput *
create_input(void)
{
	PgsyncCsvInput *input = palloc0(sizeof(PgsyncCsvInput));

	input->forget.func = forget_input;
	input->forget.arg = input;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &input->forget);
	return input;
}

/* Returns a hint for the errors that come of mixing up client and server. */
static int
hint_wrong_machine(int error)
{
	if (error != ENOENT && error != EACCES)
		return 0;
	return errhint("insert_csv has the server process read a file. "
				   "For a file on the client's machine use insert_csv_text, or psql's \\copy.");
}

/*
 * Opens a file.  The errors are those of COPY FROM (core's copyfrom.c).
 */
PgsyncCsvInput *
pgsync_csv_input_open_file(const char *path)
{
	PgsyncCsvInput *input = create_input();
	struct stat st;

	input->path = path;
	input->file = AllocateFile(path, PG_BINARY_R);
	if (input->file == NULL)
	{
		int			save_errno = errno;

		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path),
				 hint_wrong_machine(save_errno)));
	}
	if (fstat(fileno(input->file), &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not stat file \"%s\": %m", path)));
	if (S_ISDIR(st.st_mode))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a directory", path)));
	input->length = st.st_size;
	return input;
}

/* Opens a detoasted text, which must outlive the input. */
PgsyncCsvInput *
pgsync_csv_input_open_text(text *csv)
{
	PgsyncCsvInput *input = create_input();

	input->data = VARDATA_ANY(csv);
	input->length = VARSIZE_ANY_EXHDR(csv);
	return input;
}

/* Sets which encoding the bytes are in, before any are read. */
void
pgsync_csv_input_set_encoding(PgsyncCsvInput *input, int encoding)
{
	input->may_have_mark = encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
}

/* Returns the length in bytes; 0 if it is not known, as for a pipe. */
int64
pgsync_csv_input_length(PgsyncCsvInput *input)
{
	return input->length;
}

/* Chooses the input that pgsync_csv_input_callback reads. */
void
pgsync_csv_input_begin_reading(PgsyncCsvInput *input)
{
	reading = input;
}

/* Ends what pgsync_csv_input_begin_reading began. */
void
pgsync_csv_input_end_reading(PgsyncCsvInput *input)
{
	Assert(reading == input);
	reading = NULL;
}

/* Reads bytes of the file; 0 at its end. */
static int
read_file(PgsyncCsvInput *input, char *buffer, int maxread)
{
	int			nread = fread(buffer, 1, maxread, input->file);

	if (ferror(input->file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", input->path)));
	return nread;
}

/* Reads bytes of the text; 0 at its end. */
static int
read_text(PgsyncCsvInput *input, char *buffer, int maxread)
{
	int			nread = Min(maxread, input->length - input->position);

	memcpy(buffer, input->data + input->position, nread);
	return nread;
}

/*
 * Gives COPY's parser its next bytes; see copy_data_source_cb.
 *
 * The first call is for a whole buffer of the parser's, so that a byte order
 * mark comes in one piece.
 */
int
pgsync_csv_input_callback(void *buffer, int minread, int maxread)
{
	PgsyncCsvInput *input = reading;
	bool		first = input->position == 0;
	int			nread;

	CHECK_FOR_INTERRUPTS();
	nread = input->file != NULL ? read_file(input, buffer, maxread) :
		read_text(input, buffer, maxread);
	input->position += nread;
	if (first && input->may_have_mark && nread >= BYTE_ORDER_MARK_LEN &&
		memcmp(buffer, BYTE_ORDER_MARK, BYTE_ORDER_MARK_LEN) == 0)
	{
		nread -= BYTE_ORDER_MARK_LEN;
		memmove(buffer, (char *) buffer + BYTE_ORDER_MARK_LEN, nread);
	}
	return nread;
}

/* Closes an input that has been read. */
void
pgsync_csv_input_close(PgsyncCsvInput *input)
{
	if (input->file != NULL && FreeFile(input->file) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not close file \"%s\": %m", input->path)));
	input->file = NULL;
}
