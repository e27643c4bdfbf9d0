/*-------------------------------------------------------------------------
 *
 * spi_util.c
 *	  Checked calls of the server programming interface.
 *
 * SPI reports some failures as negative return codes.  Every call in pgsync
 * goes through here, so that none is overlooked.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/spi_util.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Connects to SPI; the caller pairs it with pgsync_spi_finish. */
void
pgsync_spi_connect(void)
{
	int			rc = SPI_connect();

	if (rc != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed: %s", SPI_result_code_string(rc));
}

/* Disconnects from SPI, freeing what it allocated. */
void
pgsync_spi_finish(void)
{
	int			rc = SPI_finish();

	if (rc != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed: %s", SPI_result_code_string(rc));
}

/*
 * Runs one statement that pgsync itself built, to its end, and insists on the
 * expected SPI_OK_* result.  The row limit is 0: any other one would turn
 * parallel workers off.
 */
void
pgsync_spi_execute(const char *query, int expected)
{
	int			rc = SPI_execute(query, false, 0);

	if (rc != expected)
		elog(ERROR, "SPI_execute returned %s for: %s",
			 SPI_result_code_string(rc), query);
}

/*
 * Runs one statement with parameters or a receiver.  The options' tcount
 * stays 0, for the same reason.
 */
void
pgsync_spi_execute_extended(const char *query,
							const SPIExecuteOptions *options)
{
	int			rc = SPI_execute_extended(query, options);

	if (rc < 0)
		elog(ERROR, "SPI_execute_extended returned %s for: %s",
			 SPI_result_code_string(rc), query);
}

/* Returns the first column of the first row that the last statement gave. */
Datum
pgsync_spi_first_value(bool *isnull)
{
	if (SPI_processed == 0)
		elog(ERROR, "query returned no rows");
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						 isnull);
}

/* Makes a tuplestore's relation known to the statements run from here on. */
void
pgsync_spi_register_relation(EphemeralNamedRelation relation)
{
	int			rc = SPI_register_relation(relation);

	if (rc != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed: %s",
			 SPI_result_code_string(rc));
}

/* Returns the relation's name, schema-qualified and quoted, palloc'd. */
char *
pgsync_qualified_relation_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
									  RelationGetRelationName(rel));
}
