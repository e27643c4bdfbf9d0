/*-------------------------------------------------------------------------
 *
 * drop_worker.h
 *	  What a caller of drop_db and its background worker share.
 *
 * The caller (drop_launch.c) makes a dynamic shared memory segment, starts
 * the worker (drop_worker.c) with the segment's handle, and reads the
 * worker's protocol messages from the queue in it:
 *
 *		segment:  PgsyncDropRequest | shm_mq (worker -> caller)
 *
 *		message		meaning
 *		-------		-------
 *		N			NoticeResponse: passed on, and the wait goes on
 *		E			ErrorResponse: the drop failed; thrown by the caller
 *		C			the drop is committed
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_DROP_WORKER_H
#define PGSYNC_DROP_WORKER_H

#include "storage/dsm.h"
#include "storage/shm_mq.h"

/* Longest value of an inherited setting, its zero byte included */
#define PGSYNC_DROP_SETTING_SIZE	128

/* The caller's settings that the worker adopts: what is said, and how */
#define PGSYNC_DROP_SETTINGS \
	{"client_min_messages", "lc_messages", "synchronous_commit"}
#define PGSYNC_DROP_NSETTINGS		3

/* What a worker is to do, and as whom */
typedef struct PgsyncDropRequest
{
	Oid			database_oid;	/* the caller's own database */
	Oid			role_oid;		/* the caller's current role */
	NameData	db_name;		/* the database to drop */
	bool		force;			/* end its connections first? */
	int			lock_timeout;	/* milliseconds */
	/* values of PGSYNC_DROP_SETTINGS; an empty one is not adopted */
	char		settings[PGSYNC_DROP_NSETTINGS][PGSYNC_DROP_SETTING_SIZE];
} PgsyncDropRequest;

/* Returns where the message queue lies in a segment. */
static inline shm_mq *
pgsync_drop_queue(dsm_segment *segment)
{
	return (shm_mq *) ((char *) dsm_segment_address(segment) +
					   MAXALIGN(sizeof(PgsyncDropRequest)));
}

extern bool pgsync_drop_in_worker(const char *db_name, bool force);
extern PGDLLEXPORT void pgsync_drop_worker_main(Datum main_arg);

#endif							/* PGSYNC_DROP_WORKER_H */
