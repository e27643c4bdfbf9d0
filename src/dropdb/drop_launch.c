/*-------------------------------------------------------------------------
 *
 * drop_launch.c
 *	  Starts the background worker of drop_db, waits for it, and ends it.
 *
 * The worker never outlives the wait: an error, a cancel and the end of the
 * session terminate it and wait until it is gone.  What it does is in
 * drop_worker.c, whether it may be started is decided in database.c.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "catalog/pg_type.h"
#include "dropdb/drop_worker.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

/* Room for the messages that the caller has not read yet */
#define QUEUE_SIZE				16384

/* How long the worker waits for a lock where the caller sets no limit */
#define DEFAULT_LOCK_TIMEOUT	(60 * 1000)

/* A worker as its caller sees it */
typedef struct DropWorker
{
	const char *db_name;		/* the database that it drops */
	dsm_segment *segment;
	shm_mq_handle *queue;		/* its messages to us */
	BackgroundWorkerHandle *handle;
	bool		seen_waiting;	/* did it wait for us when last looked? */
} DropWorker;

/* What a message of the worker means for the wait */
typedef enum DropAnswer
{
	DROP_PENDING,				/* no answer yet */
	DROP_DONE,					/* the database is gone */
	DROP_MISSING,				/* somebody else dropped it first */
} DropAnswer;

/* Appends a setting to what the worker adopts, if it has a value. */
static void
append_setting(StringInfo settings, const char *name, char right)
{
	const char *value = GetConfigOption(name, true, false);

	if (value == NULL)
		return;
	appendStringInfoChar(settings, right);
	appendBinaryStringInfo(settings, name, strlen(name) + 1);
	appendBinaryStringInfo(settings, value, strlen(value) + 1);
}

/*
 * Appends the settings of loaded modules that a session or a role can have,
 * and those that no module has defined.  What watches the command (pgaudit,
 * for example) then does so as it would for the caller.
 */
static void
append_custom_settings(StringInfo settings)
{
	int			count;
	struct config_generic **variables = pgsync_guc_variables(&count);

	for (int i = 0; i < count; i++)
	{
		struct config_generic *variable = variables[i];

		if (strchr(variable->name, '.') == NULL ||
			(variable->context != PGC_USERSET &&
			 variable->context != PGC_SUSET))
			continue;
		append_setting(settings, variable->name,
					   (variable->flags & GUC_CUSTOM_PLACEHOLDER) != 0 ?
					   PGSYNC_SETTING_OF_ANYONE : PGSYNC_SETTING_OF_MODULE);
	}
}

/* Returns the caller's settings that matter to the worker; see drop_worker.h. */
static void
collect_settings(StringInfo settings)
{
	initStringInfo(settings);
	/* what is said, and how */
	append_setting(settings, "client_min_messages", PGSYNC_SETTING_OF_MODULE);
	append_setting(settings, "lc_messages", PGSYNC_SETTING_OF_MODULE);
	append_setting(settings, "synchronous_commit", PGSYNC_SETTING_OF_MODULE);
	append_custom_settings(settings);
}

/* Fills in what the worker needs to know. */
static void
fill_request(PgsyncDropRequest *request, const char *db_name, bool force,
			 StringInfo settings)
{
	memset(request, 0, sizeof(PgsyncDropRequest));
	request->database_oid = MyDatabaseId;
	request->role_oid = GetUserId();
	namestrcpy(&request->db_name, db_name);
	request->force = force;
	request->lock_timeout = LockTimeout > 0 ? LockTimeout : DEFAULT_LOCK_TIMEOUT;
	request->settings_size = settings->len;
	memcpy(request->settings, settings->data, settings->len);
}

/* Makes the shared memory segment: the request, and the queue to read. */
static void
create_segment(DropWorker *worker, bool force)
{
	StringInfoData settings;
	shm_mq	   *queue;

	collect_settings(&settings);
	worker->segment = dsm_create(pgsync_drop_request_size(settings.len) +
								 QUEUE_SIZE, 0);
	fill_request(dsm_segment_address(worker->segment), worker->db_name, force,
				 &settings);
	queue = shm_mq_create(pgsync_drop_queue(worker->segment), QUEUE_SIZE);
	shm_mq_set_receiver(queue, MyProc);
	worker->queue = shm_mq_attach(queue, worker->segment, NULL);
	pfree(settings.data);
}

/* Has the postmaster start the worker process (SQLSTATE 53400 if it cannot). */
static void
start_worker(DropWorker *worker)
{
	BackgroundWorker registration;

	memset(&registration, 0, sizeof(registration));
	snprintf(registration.bgw_name, BGW_MAXLEN,
			 "pgsync drop_db for PID %d", MyProcPid);
	strlcpy(registration.bgw_type, "pgsync drop_db", BGW_MAXLEN);
	registration.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	registration.bgw_start_time = BgWorkerStart_RecoveryFinished;
	registration.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(registration.bgw_library_name, "pgsync",
			sizeof(registration.bgw_library_name));
	strlcpy(registration.bgw_function_name, "pgsync_drop_worker_main_2_0",
			sizeof(registration.bgw_function_name));
	registration.bgw_main_arg =
		UInt32GetDatum(dsm_segment_handle(worker->segment));
	registration.bgw_notify_pid = MyProcPid;

	if (!RegisterDynamicBackgroundWorker(&registration, &worker->handle))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("out of background worker slots"),
				 errdetail("Database \"%s\" is dropped by a background worker.",
						   worker->db_name),
				 errhint("You might need to increase max_worker_processes.")));
	shm_mq_set_handle(worker->queue, worker->handle);
}

/*
 * Gives up the segment and waits until the worker process is gone.  Queries
 * are not cancelled meanwhile: the worker is on its way out.
 */
static void
release_worker(DropWorker *worker)
{
	dsm_detach(worker->segment);
	HOLD_INTERRUPTS();
	(void) WaitForBackgroundWorkerShutdown(worker->handle);
	RESUME_INTERRUPTS();
}

/*
 * Ends the worker when the wait for it fails; called for errors and, as an
 * exit callback, when the session ends.
 *
 * An error may have left us with a lightweight lock that the worker needs in
 * order to exit; transaction abort, which releases them, comes only later.
 */
static void
terminate_worker(int code, Datum arg)
{
	DropWorker *worker = (DropWorker *) DatumGetPointer(arg);

	LWLockReleaseAll();
	TerminateBackgroundWorker(worker->handle);
	release_worker(worker);
}

/*
 * Passes on an error or notice of the worker, unchanged but for a context
 * line.  Returns only if it was no error, or the one that says that there is
 * no such database: then another session was quicker.
 */
static DropAnswer
relay_report(DropWorker *worker, StringInfo message)
{
	ErrorData	edata;

	pq_parse_errornotice(message, &edata);
	if (edata.elevel == ERROR &&
		edata.sqlerrcode == ERRCODE_UNDEFINED_DATABASE)
		return DROP_MISSING;

	if (edata.elevel >= ERROR)
	{
		/* the end of the worker's session is not the end of ours */
		edata.elevel = ERROR;
		edata.context = psprintf("background worker that drops database \"%s\"",
								 worker->db_name);
	}
	/* the thrown error keeps these pointers, and may outlive the strings */
	edata.filename = NULL;
	edata.funcname = NULL;
	ThrowErrorData(&edata);
	return DROP_PENDING;
}

/* Acts on one message from the worker; see drop_worker.h for their kinds. */
static DropAnswer
handle_message(DropWorker *worker, const char *data, Size size)
{
	StringInfoData message;
	DropAnswer	answer = DROP_PENDING;
	char		kind;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, size);
	kind = pq_getmsgbyte(&message);
	if (kind == 'C')
		answer = DROP_DONE;
	else if (kind == 'E' || kind == 'N')
		answer = relay_report(worker, &message);
	else
		elog(ERROR, "unexpected message of type \"%c\" from background worker",
			 kind);
	pfree(message.data);
	return answer;
}

/* Appends the processes that block "pid", without those that are there. */
static List *
append_blockers(List *pids, int pid)
{
	Datum		blockers = DirectFunctionCall1(pg_blocking_pids,
											   Int32GetDatum(pid));
	Datum	   *elements;
	int			nelements;

	deconstruct_array(DatumGetArrayTypeP(blockers), INT4OID,
					  sizeof(int32), true, TYPALIGN_INT,
					  &elements, NULL, &nelements);
	for (int i = 0; i < nelements; i++)
		pids = list_append_unique_int(pids, DatumGetInt32(elements[i]));
	return pids;
}

/*
 * Returns whether the worker waits for a lock of ours, directly or through
 * others.
 *
 * The server's own deadlock check cannot see it, because we wait for the
 * worker on a latch and not on a lock.
 */
static bool
worker_waits_for_us(DropWorker *worker)
{
	pid_t		worker_pid;
	List	   *pids;

	if (GetBackgroundWorkerPid(worker->handle, &worker_pid) != BGWH_STARTED)
		return false;
	pids = list_make1_int(worker_pid);
	for (int i = 0; i < list_length(pids); i++)
	{
		int			pid = list_nth_int(pids, i);

		CHECK_FOR_INTERRUPTS();
		if (pid == MyProcPid)
			return true;
		/* 0 stands for a prepared transaction, which waits for nobody */
		if (pid != 0)
			pids = append_blockers(pids, pid);
	}
	return false;
}

/*
 * Fails if the worker can never get on because of us (SQLSTATE 40P01).
 *
 * The steps of a chain of waits are looked at one after the other, so that
 * one look may see a chain that never was; a second look, deadlock_timeout
 * later, has to find one too.
 */
static void
check_deadlock(DropWorker *worker)
{
	MemoryContext look = AllocSetContextCreate(CurrentMemoryContext,
											   "pgsync drop_db deadlock check",
											   ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(look);
	bool		waits = worker_waits_for_us(worker);

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(look);
	if (waits && worker->seen_waiting)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
				 errmsg("deadlock detected"),
				 errdetail("The background worker that drops database \"%s\" waits for a lock that this transaction holds.",
						   worker->db_name),
				 errhint("Call drop_db in a transaction that holds no such lock.")));
	worker->seen_waiting = waits;
}

/*
 * Waits until the worker has answered.  The wait ends early, with an error,
 * on whatever interrupts a query; and the process ends with the postmaster.
 */
static DropAnswer
await_answer(DropWorker *worker)
{
	for (;;)
	{
		shm_mq_result result;
		DropAnswer	answer;
		Size		size;
		void	   *data;
		int			events;

		CHECK_FOR_INTERRUPTS();
		result = shm_mq_receive(worker->queue, &size, &data, true);
		if (result == SHM_MQ_SUCCESS)
		{
			answer = handle_message(worker, data, size);
			if (answer != DROP_PENDING)
				return answer;
			continue;
		}
		if (result == SHM_MQ_DETACHED)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("background worker that drops database \"%s\" exited without an answer",
							worker->db_name),
					 errhint("More details may be available in the server log.")));

		events = WaitLatch(MyLatch,
						   WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						   DeadlockTimeout, PG_WAIT_EXTENSION);
		if (events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		if (events & WL_TIMEOUT)
			check_deadlock(worker);
	}
}

/*
 * Drops a database in a background worker, as the current role, and waits for
 * it.  Returns false if there turns out to be no such database.
 */
bool
pgsync_drop_in_worker(const char *db_name, bool force)
{
	DropWorker	worker = {.db_name = db_name};
	volatile DropAnswer answer = DROP_PENDING;

	create_segment(&worker, force);
	start_worker(&worker);
	PG_ENSURE_ERROR_CLEANUP(terminate_worker, PointerGetDatum(&worker));
	{
		answer = await_answer(&worker);
	}
	PG_END_ENSURE_ERROR_CLEANUP(terminate_worker, PointerGetDatum(&worker));
	release_worker(&worker);
	return answer == DROP_DONE;
}
