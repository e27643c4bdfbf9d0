/*-------------------------------------------------------------------------
 *
 * json_check.h
 *	  Core's JSON parser, asked what is wrong with a text.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_JSON_CHECK_H
#define PGSYNC_JSON_CHECK_H

extern bool pgsync_json_is_valid(const char *json, int len);
extern void pgsync_json_report(const char *json, int len, int line);

#endif							/* PGSYNC_JSON_CHECK_H */
