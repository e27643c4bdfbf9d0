/*-------------------------------------------------------------------------
 *
 * observer.h
 *	  Who could tell TRUNCATE from a table emptied in place.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_OBSERVER_H
#define PGSYNC_OBSERVER_H

#include "utils/relcache.h"

extern bool pgsync_publications_exist(void);
extern bool pgsync_has_truncate_trigger(Relation rel);
extern bool pgsync_is_observed(Relation rel, bool publications_exist);
extern bool pgsync_deletions_decodable(Relation rel);

#endif							/* PGSYNC_OBSERVER_H */
