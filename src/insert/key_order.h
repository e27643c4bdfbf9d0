/*-------------------------------------------------------------------------
 *
 * key_order.h
 *	  A source whose rows come in the order of their keys.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_KEY_ORDER_H
#define PGSYNC_KEY_ORDER_H

#include "insert/rejects.h"
#include "row/source.h"

extern PgsyncSource *pgsync_source_by_key(PgsyncSource *input, List *keys,
										  PgsyncRejects *rejects);

#endif							/* PGSYNC_KEY_ORDER_H */
