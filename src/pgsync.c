/*-------------------------------------------------------------------------
 *
 * pgsync.c
 *	  The module itself: magic block and settings.
 *
 * The SQL-callable functions live one family a file, in the rooms that the
 * README of each describes; PG_FUNCTION_INFO_V1 leads to them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "utils/guc.h"

PG_MODULE_MAGIC;

int			pgsync_sink_setting = PGSYNC_SINK_AUTO;

static const struct config_enum_entry sink_options[] = {
	{"auto", PGSYNC_SINK_AUTO, false},
	{"statement", PGSYNC_SINK_STATEMENT, false},
	{NULL, 0, false}
};

int			pgsync_scan_setting = PGSYNC_SCAN_AUTO;

static const struct config_enum_entry scan_options[] = {
	{"auto", PGSYNC_SCAN_AUTO, false},
	{"plain", PGSYNC_SCAN_PLAIN, false},
	{NULL, 0, false}
};

int			pgsync_index_batches_setting = PGSYNC_INDEX_BATCHES_AUTO;

static const struct config_enum_entry index_batches_options[] = {
	{"auto", PGSYNC_INDEX_BATCHES_AUTO, false},
	{"off", PGSYNC_INDEX_BATCHES_OFF, false},
	{NULL, 0, false}
};

void		_PG_init(void);

/* Defines pgsync's settings when the server loads the library. */
void
_PG_init(void)
{
	DefineCustomEnumVariable("pgsync.sink",
							 "Chooses how pgsync stores rows.",
							 "For tests: \"statement\" always runs the INSERT or UPDATE statement as it was planned; \"auto\" takes shorter ways where the result is the same.",
							 &pgsync_sink_setting,
							 PGSYNC_SINK_AUTO,
							 sink_options,
							 PGC_USERSET,
							 GUC_NOT_IN_SAMPLE,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("pgsync.scan",
							 "Chooses how pgsync reads rows.",
							 "For tests: \"plain\" reads each value as if it were the first, a byte at a time; \"auto\" takes shorter ways where the result is the same.",
							 &pgsync_scan_setting,
							 PGSYNC_SCAN_AUTO,
							 scan_options,
							 PGC_USERSET,
							 GUC_NOT_IN_SAMPLE,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("pgsync.index_batches",
							 "Chooses how pgsync makes index entries.",
							 "\"auto\" places those of a batch of rows on a B-tree's leaf at once, on server versions that this was tested with; \"off\" leaves each entry to the server.",
							 &pgsync_index_batches_setting,
							 PGSYNC_INDEX_BATCHES_AUTO,
							 index_batches_options,
							 PGC_USERSET,
							 GUC_NOT_IN_SAMPLE,
							 NULL, NULL, NULL);

	MarkGUCPrefixReserved("pgsync");
}
