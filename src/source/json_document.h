/*-------------------------------------------------------------------------
 *
 * json_document.h
 *	  Finds the rows in a JSON text that is read a piece at a time.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_DOCUMENT_H
#define PGSYNC_JSON_DOCUMENT_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "source/text_input.h"
#include "value/json_skip.h"

/* What the rows are in it */
typedef enum PgsyncJsonRows
{
	PGSYNC_ROWS_UNKNOWN,		/* nothing has been read yet */
	PGSYNC_ROWS_ELEMENTS,		/* an array's elements */
	PGSYNC_ROWS_MEMBERS,		/* an object's members */
	PGSYNC_ROWS_LINES,			/* values that follow each other */
	PGSYNC_ROWS_ONE,			/* the one value that the path leads to */
	PGSYNC_ROWS_NONE,			/* there are no more */
} PgsyncJsonRows;

/* Where in a document the rows are */
typedef struct PgsyncJsonPlace
{
	bool		lines_allowed;	/* may several values follow each other? */
	bool		members;		/* are the rows an object's members? */
	bool		one_object;		/* must it be one object, without a path? */
	List	   *path;			/* of char *: to the rows, as #> takes it */
} PgsyncJsonPlace;

typedef struct PgsyncJsonDocument
{
	PgsyncTextInput *input;
	PgsyncJsonPlace place;
	PgsyncJsonRows rows;
	bool		first;			/* is the next row the first one? */
	char	   *open;			/* what each step of the path has opened */
	StringInfoData key;			/* read last; the row's, for members */
	PgsyncJsonSkip skip;
} PgsyncJsonDocument;

extern void pgsync_json_document_init(PgsyncJsonDocument *document,
									  PgsyncTextInput *input,
									  const PgsyncJsonPlace *place);
extern bool pgsync_json_document_next(PgsyncJsonDocument *document);
extern bool pgsync_json_document_extend(PgsyncJsonDocument *document);
extern const char *pgsync_json_document_line_end(PgsyncJsonDocument *document);
extern void pgsync_json_document_check(PgsyncJsonDocument *document,
									   const char *from, const char *to);
pg_noreturn extern void pgsync_json_document_invalid(PgsyncJsonDocument *document,
													 const char *from);

/* json_path.c: shared with the way into a jsonb */
extern bool pgsync_json_path_index(const char *step, int *index);
pg_noreturn extern void pgsync_json_path_nowhere(const List *path, int step);
pg_noreturn extern void pgsync_json_path_scalar(const List *path, int step);
pg_noreturn extern void pgsync_json_members_error(void);

#endif							/* PGSYNC_JSON_DOCUMENT_H */
