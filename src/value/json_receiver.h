/*-------------------------------------------------------------------------
 *
 * json_receiver.h
 *	  A destination that takes statements' rows as JSON arrays.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_RECEIVER_H
#define PGSYNC_JSON_RECEIVER_H

#include "tcop/dest.h"
#include "value/row_json.h"

extern DestReceiver *pgsync_json_receiver_create(PgsyncJsonForm form,
												 const char *hint);
extern PgsyncJsonText *pgsync_json_receiver_text(DestReceiver *self);
extern void pgsync_json_receiver_begin_array(DestReceiver *self,
											 const char *table);
extern void pgsync_json_receiver_end_array(DestReceiver *self);
extern Datum pgsync_json_receiver_finish(DestReceiver *self);

#endif							/* PGSYNC_JSON_RECEIVER_H */
