/*-------------------------------------------------------------------------
 *
 * csv_input.h
 *	  The bytes that COPY's parser reads.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGSYNC_CSV_INPUT_H
#define PGSYNC_CSV_INPUT_H

typedef struct PgsyncCsvInput PgsyncCsvInput;

extern PgsyncCsvInput *pgsync_csv_input_open_file(const char *path);
extern PgsyncCsvInput *pgsync_csv_input_open_text(text *csv);
extern void pgsync_csv_input_set_encoding(PgsyncCsvInput *input, int encoding);
extern int64 pgsync_csv_input_length(PgsyncCsvInput *input);
extern void pgsync_csv_input_begin_reading(PgsyncCsvInput *input);
extern void pgsync_csv_input_end_reading(PgsyncCsvInput *input);
extern int	pgsync_csv_input_callback(void *buffer, int minread, int maxread);
extern void pgsync_csv_input_close(PgsyncCsvInput *input);

#endif							/* PGSYNC_CSV_INPUT_H */
