/*-------------------------------------------------------------------------
 *
 * drop_worker.h
 *	  What a caller of drop_db and its background worker share.
 *
 * The caller (drop_launch.c) makes a dynamic shared memory segment, starts
 * the worker (drop_worker.c) with the segment's handle, and reads the
 * worker's protocol messages from the queue in it:
 *
 *		segment:  PgsyncDropRequest | settings | shm_mq (worker -> caller)
 *
 *		message		meaning
 *		-------		-------
 *		N			NoticeResponse: passed on, and the wait goes on
 *		E			ErrorResponse: the drop failed; thrown by the caller
 *		C			the drop is committed
 *
 * The worker has the library that is installed, its caller that which was when
 * its session began: a change to what they share takes a worker's function of
 * another name, so that a caller of another version gets an error.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_DROP_WORKER_H
#define PGSYNC_DROP_WORKER_H

#include "storage/dsm.h"
#include "storage/shm_mq.h"

/*
 * What a worker is to do, and as whom.  The caller's settings that it adopts
 * follow: each with a byte that says with whose rights it is set, its name and
 * its value, both with their zero byte.
 */
typedef struct PgsyncDropRequest
{
	Oid			database_oid;	/* the caller's own database */
	Oid			role_oid;		/* the caller's current role */
	NameData	db_name;		/* the database to drop */
	bool		force;			/* end its connections first? */
	int			lock_timeout;	/* milliseconds */
	Size		settings_size;
	char		settings[FLEXIBLE_ARRAY_MEMBER];
} PgsyncDropRequest;

/* A setting that has been the caller's by right, and one that anyone may set */
#define PGSYNC_SETTING_OF_MODULE	'm'
#define PGSYNC_SETTING_OF_ANYONE	'a'

/* Returns how much of a segment lies before the queue. */
static inline Size
pgsync_drop_request_size(Size settings_size)
{
	return MAXALIGN(offsetof(PgsyncDropRequest, settings) + settings_size);
}

/* Returns where the message queue lies in a segment. */
static inline shm_mq *
pgsync_drop_queue(dsm_segment *segment)
{
	PgsyncDropRequest *request = dsm_segment_address(segment);

	return (shm_mq *) ((char *) request +
					   pgsync_drop_request_size(request->settings_size));
}

extern bool pgsync_drop_in_worker(const char *db_name, bool force);
extern PGDLLEXPORT void pgsync_drop_worker_main_2_0(Datum main_arg);

#endif							/* PGSYNC_DROP_WORKER_H */
