/*-------------------------------------------------------------------------
 *
 * sink_spool.c
 *	  Stores rows by running the INSERT statement's text over a tuplestore.
 *
 * For what the other sinks cannot be put into: rules that make several
 * statements, another extension's plan.  SPI knows what to do with them.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "common/spi_on.h"
#include "common/spi_util.h"
#include "sink/sinks.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

/* Returns true: whatever the statement is, it can be run. */
static bool
spool_fits(const PgsyncRun *run)
{
	return true;
}

/* Puts all rows of the feed into the tuplestore of pgsync_rows. */
static void
fill_tuplestore(PgsyncRun *run)
{
	PgsyncTarget *target = run->target;
	TupleDesc	desc = run->rows->md.tupdesc;
	Datum	   *values = palloc(sizeof(Datum) * Max(target->natts, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(target->natts, 1));
	Datum	   *columns = palloc(sizeof(Datum) * Max(desc->natts, 1));
	bool	   *column_nulls = palloc(sizeof(bool) * Max(desc->natts, 1));
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "pgsync spooled row",
													  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(row_context);

	while (run->feed->next(run->feed, values, nulls))
	{
		for (int i = 0; i < run->ncolumns; i++)
		{
			columns[i] = values[run->columns[i] - 1];
			column_nulls[i] = nulls[run->columns[i] - 1];
		}
		tuplestore_putvalues(run->rows->reldata, desc, columns,
							 column_nulls);
		MemoryContextReset(row_context);
	}
	MemoryContextSwitchTo(oldcontext);
	MemoryContextDelete(row_context);
}

/* Spools the rows, then runs the statement; see PgsyncSinkRoutine. */
static void
spool_run(PgsyncRun *run, DestReceiver *dest)
{
	SPIExecuteOptions options = {0};

	fill_tuplestore(run);
	run->rows->md.enrtuples = tuplestore_tuple_count(run->rows->reldata);

	pgsync_spi_connect();
	pgsync_spi_register_relation(run->rows);
	options.params = run->params;
	options.dest = dest;
	pgsync_spi_execute_on(run->target->rel, run->query, &options);
	run->counts.processed = SPI_processed;
	pgsync_spi_finish();
}

const PgsyncSinkRoutine pgsync_spool_sink = {
	.name = "spool",
	.runs_text = true,
	.fits = spool_fits,
	.run = spool_run,
};
