/*-------------------------------------------------------------------------
 *
 * database.c
 *	  drop_db: drops a database where DROP DATABASE is refused.
 *
 * DROP DATABASE must not run inside a function or a transaction, because its
 * file removal cannot be undone.  So a background worker runs it, in a
 * transaction of its own.  This file decides whether that may start;
 * drop_launch.c starts the worker and waits, drop_worker.c is the worker.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "common/args.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_db_role_setting.h"
#include "commands/dbcommands.h"
#include "dropdb/drop_worker.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/*
 * Refuses to run where DROP DATABASE could not either: on a standby and in a
 * read-only transaction (SQLSTATE 25006), in a parallel worker (25000), and on
 * a single-user server, which has no background workers (0A000).
 */
static void
check_can_drop(void)
{
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s during recovery", "drop_db()"),
				 errhint("Call it on the primary server.")));
	if (XactReadOnly)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot execute %s in a read-only transaction",
						"drop_db()"),
				 errhint("Call it in a transaction that is READ WRITE.")));
	PreventCommandIfParallelMode("drop_db()");
	if (!IsUnderPostmaster)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot execute %s in single-user mode", "drop_db()"),
				 errhint("Use DROP DATABASE.")));
}

/*
 * Returns whether the current transaction has made, deleted or locked this
 * version of a row.
 */
static bool
version_is_ours(HeapTupleHeader header)
{
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header)))
		return true;
	if ((header->t_infomask & HEAP_XMAX_INVALID) != 0)
		return false;
	/* several lockers and no updater: their number is no transaction's */
	if ((header->t_infomask & HEAP_XMAX_IS_MULTI) != 0 &&
		HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
		return false;
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header));
}

/*
 * Returns whether the current transaction has changed a row about a database
 * in this catalog.
 *
 * "db_column" is the number of the column with the database's OID.  All
 * versions are looked at, since one that we deleted is invisible to us.
 */
static bool
changed_by_us(Oid catalog_oid, AttrNumber db_column, Oid db_oid)
{
	Relation	catalog = table_open(catalog_oid, AccessShareLock);
	bool		changed = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, db_column, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(db_oid));
	scan = systable_beginscan(catalog, InvalidOid, false, SnapshotAny, 1, &key);
	while (!changed && HeapTupleIsValid(tuple = systable_getnext(scan)))
		changed = version_is_ours(tuple->t_data);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return changed;
}

/*
 * Fails (SQLSTATE 55006) if the caller's own transaction is what the worker
 * would have to wait for, or would not see: a lock on the database (COMMENT,
 * SECURITY LABEL), a change of its row (ALTER DATABASE, GRANT) or of its
 * settings (ALTER DATABASE ... SET).
 */
static void
check_not_ours(Oid db_oid, const char *db_name)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, db_oid, 0);
	if (!pgsync_lock_held_by_me(&tag, AccessShareLock, true) &&
		!changed_by_us(DatabaseRelationId, Anum_pg_database_oid, db_oid) &&
		!changed_by_us(DbRoleSettingRelationId,
					   Anum_pg_db_role_setting_setdatabase, db_oid))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("cannot drop database \"%s\" because this transaction has changed or locked it",
					db_name),
			 errdetail("drop_db runs DROP DATABASE in another transaction, which would wait for this one."),
			 errhint("Commit first, then call drop_db.")));
}

/*
 * Fails as DROP DATABASE does (core's dropdb) for what a look at the
 * database's row tells: another owner, a template, the caller's own database.
 * Returns false if the database is gone.
 */
static bool
check_row(Oid db_oid, const char *db_name)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(db_oid));
	Form_pg_database form;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_database) GETSTRUCT(tuple);
	if (!has_privs_of_role(GetUserId(), form->datdba))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_DATABASE, db_name);
	if (form->datistemplate)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot drop a template database")));
	if (db_oid == MyDatabaseId)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot drop the currently open database")));
	ReleaseSysCache(tuple);
	return true;
}

/*
 * Fails if the caller may not drop the database; returns false if there is
 * none.  Only who may drop a database gets to start a worker; the worker checks
 * again, as part of the command.
 */
static bool
may_drop(const char *db_name)
{
	Oid			db_oid = get_database_oid(db_name, true);

	if (!OidIsValid(db_oid) || !check_row(db_oid, db_name))
		return false;
	check_not_ours(db_oid, db_name);
	return true;
}

/*
 * Drops the database when no other session of the same user is doing so, so
 * that an ordinary user takes one of the server's worker processes at most.
 * Returns false if there is no such database by then.
 *
 * The lock, on a part of the role that nothing else locks, is a lock like any
 * other: a cancel and lock_timeout end the wait for it, and an error gives it
 * back.
 */
static bool
drop_in_turn(const char *db_name, bool force)
{
	Oid			user = GetSessionUserId();
	bool		dropped;

	if (superuser_arg(user))
		return pgsync_drop_in_worker(db_name, force);
	LockSharedObject(AuthIdRelationId, user, 1, ExclusiveLock);
	dropped = may_drop(db_name) && pgsync_drop_in_worker(db_name, force);
	UnlockSharedObject(AuthIdRelationId, user, 1, ExclusiveLock);
	return dropped;
}

PG_FUNCTION_INFO_V1(drop_db);

/*
 * drop_db(db_name name, force boolean DEFAULT false) RETURNS boolean
 *
 * Drops a database at once, also inside a function or a transaction; ROLLBACK
 * does not bring it back.  Returns false if there is no such database.
 * "force" ends the connections to it, as DROP DATABASE ... WITH (FORCE).
 *
 * Privileges, refusals and errors are those of DROP DATABASE for the current
 * role (dropdb() in commands/dbcommands.c, manual page DROP DATABASE).
 */
Datum
drop_db(PG_FUNCTION_ARGS)
{
	const char *db_name;
	bool		force = pgsync_arg_bool(fcinfo, 1, false);

	PGSYNC_REQUIRE_ARG(fcinfo, 0, "db_name");
	db_name = NameStr(*PG_GETARG_NAME(0));
	check_can_drop();

	PG_RETURN_BOOL(may_drop(db_name) && drop_in_turn(db_name, force));
}
