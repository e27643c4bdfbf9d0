/*-------------------------------------------------------------------------
 *
 * json_receiver.h
 *	  A destination that takes a statement's rows as one JSON array.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_RECEIVER_H
#define PGSYNC_JSON_RECEIVER_H

#include "tcop/dest.h"

extern DestReceiver *pgsync_json_receiver_create(void);
extern Datum pgsync_json_receiver_finish(DestReceiver *self);

#endif							/* PGSYNC_JSON_RECEIVER_H */
