/*-------------------------------------------------------------------------
 *
 * spi_util.h
 *	  Checked calls of the server programming interface.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_SPI_UTIL_H
#define PGSYNC_SPI_UTIL_H

#include "executor/spi.h"
#include "utils/relcache.h"

extern void pgsync_spi_connect(void);
extern void pgsync_spi_finish(void);
extern void pgsync_spi_execute(const char *query, int expected);
extern void pgsync_spi_execute_extended(const char *query,
										const SPIExecuteOptions *options);
extern Datum pgsync_spi_first_value(bool *isnull);
extern void pgsync_spi_register_relation(EphemeralNamedRelation relation);
extern char *pgsync_qualified_relation_name(Relation rel);

#endif							/* PGSYNC_SPI_UTIL_H */
