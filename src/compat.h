/*-------------------------------------------------------------------------
 *
 * compat.h
 *	  Differences between server versions, all in this one file.
 *
 * Each wrapper has the signature of the newest server and says which
 * upstream change made it necessary.  PG_VERSION_NUM stands nowhere else.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_COMPAT_H
#define PGSYNC_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pgsync needs PostgreSQL 15 or newer"
#endif

/*
 * 16 replaced the ownership checks of each kind of object by one function
 * (commit afbfc02983f8).  pgsync asks about relations only.
 */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid) \
	pg_class_ownercheck(objectid, roleid)
#endif

#endif							/* PGSYNC_COMPAT_H */
