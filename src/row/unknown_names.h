/*-------------------------------------------------------------------------
 *
 * unknown_names.h
 *	  The names of a row, or of a header, that are no columns: an error tells
 *	  all of them at once.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_UNKNOWN_NAMES_H
#define PGSYNC_UNKNOWN_NAMES_H

#include "row/target.h"

/* So many are shown; the others are only counted */
#define PGSYNC_UNKNOWN_SHOWN	20

/* Begins as zeros but for the target, and for what the error is to say */
typedef struct PgsyncUnknownNames
{
	PgsyncTarget *target;
	bool		has_options;	/* could the caller say "columns" and
								 * "ignore_unknown"? */
	const char *detail;			/* translated; NULL for none */
	const char *hint;			/* the same; goes before all others */
	const char *otherwise;		/* the same; comes where no column is near */
	int			count;			/* of those shown */
	uint64		more;			/* of the others */
	const char *names[PGSYNC_UNKNOWN_SHOWN];
} PgsyncUnknownNames;

extern void pgsync_unknown_names_add(PgsyncUnknownNames *unknown,
									 const char *name, int len);
pg_noreturn extern void pgsync_unknown_names_report(const PgsyncUnknownNames *unknown);

#endif							/* PGSYNC_UNKNOWN_NAMES_H */
