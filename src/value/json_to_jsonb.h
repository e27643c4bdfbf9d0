/*-------------------------------------------------------------------------
 *
 * json_to_jsonb.h
 *	  An object or array in JSON text, to jsonb.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_TO_JSONB_H
#define PGSYNC_JSON_TO_JSONB_H

#include "utils/jsonb.h"
#include "utils/numeric.h"

extern Jsonb *pgsync_json_to_jsonb(const char *json, int len);
extern Numeric pgsync_json_number(const char *str, int len);

#endif							/* PGSYNC_JSON_TO_JSONB_H */
