/*-------------------------------------------------------------------------
 *
 * pgsync.h
 *	  What every file of pgsync includes first.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_H
#define PGSYNC_H

#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

/*
 * The developer setting pgsync.sink: which way rows are stored.  "auto" takes
 * shorter ways (the heap sink, look-ups by key, updates without a plan) wherever
 * they give the same result; "statement" always runs the INSERT or UPDATE
 * statement, so that tests can compare the two.
 */
typedef enum PgsyncSinkSetting
{
	PGSYNC_SINK_AUTO,
	PGSYNC_SINK_STATEMENT,
} PgsyncSinkSetting;

extern int	pgsync_sink_setting;

/*
 * The developer setting pgsync.scan: how input is read.  "auto" predicts rows
 * from the ones before, uses vector instructions and converts usual values
 * directly; "plain" does without, so that tests can compare the two.
 */
typedef enum PgsyncScanSetting
{
	PGSYNC_SCAN_AUTO,
	PGSYNC_SCAN_PLAIN,
} PgsyncScanSetting;

extern int	pgsync_scan_setting;

/*
 * The setting pgsync.index_batches: how index entries are made.  "auto" places
 * those of a batch of rows a leaf at a time where that is known to be right,
 * "off" leaves each to the index's access method.
 */
typedef enum PgsyncIndexBatchesSetting
{
	PGSYNC_INDEX_BATCHES_AUTO,
	PGSYNC_INDEX_BATCHES_OFF,
} PgsyncIndexBatchesSetting;

extern int	pgsync_index_batches_setting;

#endif							/* PGSYNC_H */
