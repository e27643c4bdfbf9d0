/*-------------------------------------------------------------------------
 *
 * spi_on.h
 *	  Statements on a relation that is locked already.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SPI_ON_H
#define PGSYNC_SPI_ON_H

#include "executor/spi.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

extern void pgsync_check_found(Query *query, Relation rel);
extern void pgsync_spi_execute_on(Relation rel, const char *sql,
								  const SPIExecuteOptions *options);

#endif							/* PGSYNC_SPI_ON_H */
