/*-------------------------------------------------------------------------
 *
 * jsonb_write.h
 *	  An object or array in JSON text, written as jsonb at once.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSONB_WRITE_H
#define PGSYNC_JSONB_WRITE_H

#include "utils/jsonb.h"

extern Jsonb *pgsync_write_jsonb(const char *json, int len);

#endif							/* PGSYNC_JSONB_WRITE_H */
