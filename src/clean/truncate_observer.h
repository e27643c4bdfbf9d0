/*-------------------------------------------------------------------------
 *
 * truncate_observer.h
 *	  Who could tell TRUNCATE from a table emptied in place.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_TRUNCATE_OBSERVER_H
#define PGSYNC_TRUNCATE_OBSERVER_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* What the catalogs say of possible observers, read once for all tables. */
typedef struct PgsyncObservers
{
	bool		publications_exist;
	List	   *extension_relids;	/* relations that belong to an extension */
} PgsyncObservers;

extern List *pgsync_extension_relids(void);
extern void pgsync_find_observers(PgsyncObservers *observers);
extern bool pgsync_has_truncate_trigger(Relation rel);
extern bool pgsync_is_heap(Relation rel);
extern bool pgsync_is_observed(Relation rel, PgsyncObservers *observers);
extern bool pgsync_is_replicated(Relation rel);
extern bool pgsync_deletions_decodable(Relation rel);

#endif							/* PGSYNC_TRUNCATE_OBSERVER_H */
