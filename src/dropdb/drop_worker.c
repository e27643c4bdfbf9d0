/*-------------------------------------------------------------------------
 *
 * drop_worker.c
 *	  The background worker that runs DROP DATABASE for drop_db.
 *
 * One worker does one DROP DATABASE, in a transaction of its own, and exits.
 * Whatever the server has to say about it goes to the caller as protocol
 * messages through a shared memory queue.  Starting the worker, waiting for
 * it and ending it are drop_launch.c's business.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/xact.h"
#include "dropdb/drop_worker.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "postmaster/bgworker.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/*
 * Attaches to the caller's segment and sends everything that this process
 * reports from now on, errors included, to the queue in it.  Returns the
 * request; NULL if the caller has gone away already.
 */
static const PgsyncDropRequest *
attach_to_caller(dsm_handle handle)
{
	dsm_segment *segment = dsm_attach(handle);
	shm_mq	   *queue;

	if (segment == NULL)
		return NULL;
	queue = pgsync_drop_queue(segment);
	shm_mq_set_sender(queue, MyProc);
	pq_redirect_to_shm_mq(segment, shm_mq_attach(queue, segment, NULL));
	return dsm_segment_address(segment);
}

/* Sets one of the worker's settings, whatever the database says about it. */
static void
set_option(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/*
 * Adopts the caller's settings.  One that no module had defined there is set
 * as the caller could here, which is not at all if it now takes a privilege.
 * In a transaction, since a module may look up what a value names.
 */
static void
adopt_callers_settings(const PgsyncDropRequest *request)
{
	const char *next = request->settings;
	const char *end = next + request->settings_size;

	StartTransactionCommand();
	while (next < end)
	{
		char		right = *next++;
		const char *name = next;
		const char *value = name + strlen(name) + 1;

		next = value + strlen(value) + 1;
		(void) set_config_option(name, value,
								 right == PGSYNC_SETTING_OF_MODULE ?
								 PGC_SUSET : PGC_USERSET,
								 PGC_S_OVERRIDE, GUC_ACTION_SET, true,
								 DEBUG1, false);
	}
	CommitTransactionCommand();
}

/*
 * Adopts the caller's settings that matter to DROP DATABASE, and undoes those
 * of the database that could stand in its way: the caller has passed them.
 */
static void
adopt_settings(const PgsyncDropRequest *request)
{
	char		lock_timeout[16];

	adopt_callers_settings(request);
	snprintf(lock_timeout, sizeof(lock_timeout), "%d", request->lock_timeout);
	set_option("lock_timeout", lock_timeout);
	set_option("default_transaction_read_only", "off");
	set_option("default_transaction_isolation", "read committed");
	/* a setting of newer servers; the caller's own still ends its wait */
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		set_option("transaction_timeout", "0");

	/* The caller expects the encoding of their common database. */
	SetClientEncoding(GetDatabaseEncoding());
}

/*
 * Becomes the caller's role, for the rest of this process's life.
 *
 * The session authorization alone would not do: a "role" setting of the
 * database, applied while the process was still superuser, takes precedence.
 */
static void
become_role(Oid role_oid)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role_oid)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u is not known to other transactions",
						role_oid),
				 errhint("Commit the creation of the role before it calls drop_db.")));
	SetSessionAuthorization(role_oid, superuser_arg(role_oid));
	SetUserIdAndSecContext(role_oid, SECURITY_LOCAL_USERID_CHANGE);
}

/* Has pg_stat_activity show the statement, and whose it is. */
static void
report_activity(const char *query)
{
	pgsync_report_session();
	pgstat_report_xact_timestamp(GetCurrentTransactionStartTimestamp());
	pgstat_report_activity(STATE_RUNNING, query);
}

/* Builds the statement that the request asks for, as the parser would. */
static PlannedStmt *
make_drop_statement(const PgsyncDropRequest *request)
{
	DropdbStmt *drop = makeNode(DropdbStmt);
	PlannedStmt *statement = makeNode(PlannedStmt);

	drop->dbname = pstrdup(NameStr(request->db_name));
	drop->missing_ok = false;
	if (request->force)
		drop->options = list_make1(makeDefElem("force", NULL, -1));

	statement->commandType = CMD_UTILITY;
	statement->canSetTag = true;
	statement->utilityStmt = (Node *) drop;
	statement->stmt_location = -1;
	return statement;
}

/*
 * Runs DROP DATABASE as the caller's role, as a top-level statement: utility
 * hooks see it, and pg_stat_activity and the log show its text.
 */
static void
run_drop(const PgsyncDropRequest *request)
{
	char	   *query = psprintf("DROP DATABASE %s%s",
								 quote_identifier(NameStr(request->db_name)),
								 request->force ? " WITH (FORCE)" : "");

	debug_query_string = query;
	pgstat_report_activity(STATE_RUNNING, query);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	become_role(request->role_oid);
	report_activity(query);
	PushActiveSnapshot(GetTransactionSnapshot());
	ProcessUtility(make_drop_statement(request), query, false,
				   PROCESS_UTILITY_TOPLEVEL, NULL, NULL,
				   None_Receiver, NULL);
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	debug_query_string = NULL;
}

/*
 * Runs in the background worker process; the argument is the handle of the
 * caller's segment.
 *
 * The connection is made as superuser, because nothing that could refuse a
 * new session of the caller's role (NOLOGIN, no CONNECT privilege) concerns a
 * caller who is in the database already.  Nothing but the settings of the
 * database is read before the role changes.  Any error ends the process; the
 * caller receives it as a message.
 */
void
pgsync_drop_worker_main_2_0(Datum main_arg)
{
	const PgsyncDropRequest *request;

	/* Interrupts are served where it is safe, not in the signal handler. */
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	request = attach_to_caller(DatumGetUInt32(main_arg));
	if (request == NULL)
		return;
	BackgroundWorkerInitializeConnectionByOid(request->database_oid,
											  InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);
	adopt_settings(request);
	run_drop(request);
	pq_putemptymessage('C');
}
