/*-------------------------------------------------------------------------
 *
 * exact_output.h
 *	  Values printed so that reading them gives the same values.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_EXACT_OUTPUT_H
#define PGSYNC_EXACT_OUTPUT_H

extern int	pgsync_begin_exact_output(void);
extern void pgsync_end_exact_output(int nestlevel);

#endif							/* PGSYNC_EXACT_OUTPUT_H */
