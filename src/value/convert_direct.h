/*-------------------------------------------------------------------------
 *
 * convert_direct.h
 *	  Usual values of common types, converted without their input functions.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CONVERT_DIRECT_H
#define PGSYNC_CONVERT_DIRECT_H

/* Memory for the values of a row, taken a piece at a time */
typedef struct PgsyncRoom
{
	char	   *ptr;			/* the next free byte */
	char	   *end;
} PgsyncRoom;

/* What a value of so many bytes of input takes of a room, at most */
#define PGSYNC_ROOM_FOR(len)	((Size) (len) + 16)

struct PgsyncConverter;

/*
 * Makes a Datum of the column's base type, in the room if it is one passed by
 * reference.  Returns false, and has done nothing, for whatever is not the
 * usual: the type's input function judges it.
 */
typedef bool (*PgsyncDirectConvert) (const struct PgsyncConverter *converter,
									 PgsyncRoom *room, const char *str,
									 int len, Datum *result);

/* For one type; a member may be NULL */
typedef struct PgsyncDirectRoutine
{
	PgsyncDirectConvert text;	/* what its input function would read */
	PgsyncDirectConvert number; /* the digits of a number in JSON */
} PgsyncDirectRoutine;

extern void pgsync_room_begin(PgsyncRoom *room, Size size);
extern const PgsyncDirectRoutine *pgsync_direct_routine(Oid typid,
														int32 typmod);

#endif							/* PGSYNC_CONVERT_DIRECT_H */
