/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  The scanners of src/ against themselves, outside of a server.
 *
 * "scripts/soak fuzz" builds this with AddressSanitizer and UBSan, from the
 * very files that the extension has, and runs it:
 *
 *		scan SEED INPUTS
 *
 * Each input ends at the end of a page, behind which nothing may be read, or
 * begins at the start of one, before which nothing may be.  It is read with
 * and without vector instructions (pgsync.scan), which must find the same; what
 * is written goes to memory of just the size that was reckoned.
 *
 * - every byte at every offset of a few vectors, for the functions of vector.h
 * - random text, mostly of JSON's own bytes, for the scanner, for stepping over
 *	 values in pieces, and for jsonb
 * - random numbers, for numerics
 * - random CSV, in pieces, for the splitter
 *
 * What only a server has is replaced by the few lines that it takes here; the
 * rest comes from the server's library for programs, libpgcommon.
 * Prints "ok: ..." or "FAILED: ..." lines, as the other parts do.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/vector.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "source/csv_split.h"
#include "utils/memutils.h"
#include "value/json_scan.h"
#include "value/json_skip.h"
#include "value/jsonb_write.h"
#include "value/numeric_read.h"

/* Offsets and lengths that are tried: a few vectors' */
#define MAX_OFFSET		66

#define MAX_TEXT		1000

/* ----------------------------------------------------------------
 *						in the place of a server
 * ----------------------------------------------------------------
 */

int			pgsync_scan_setting = PGSYNC_SCAN_AUTO;
volatile sig_atomic_t InterruptPending = false;
MemoryContext CurrentMemoryContext = NULL;

void
ProcessInterrupts(void)
{
}

int
GetDatabaseEncoding(void)
{
	return PG_UTF8;
}

void *
repalloc_huge(void *pointer, Size size)
{
	return realloc(pointer, size);
}

MemoryContext
AllocSetContextCreateInternal(MemoryContext parent, const char *name,
							  Size minContextSize, Size initBlockSize,
							  Size maxBlockSize)
{
	abort();					/* UTF8 needs no conversion by core's lexer */
}

void
MemoryContextDelete(MemoryContext context)
{
	abort();
}

/* An error goes where the splitter has been called, with its message. */
static jmp_buf on_error;
static const char *error_message;

bool
errstart(int elevel, const char *domain)
{
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return true;
}

int
errcode(int sqlerrcode)
{
	return 0;
}

int
errmsg(const char *fmt,...)
{
	error_message = fmt;
	return 0;
}

int
errhint(const char *fmt,...)
{
	return 0;
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	longjmp(on_error, 1);
}

/* The text that a splitter is given, a piece at a time. */
static const char *text_end;
static int	piece_size;

bool
pgsync_text_input_more(PgsyncTextInput *input, const char **keep)
{
	bool		found = input->end < text_end;

	input->end += Min(text_end - input->end, piece_size);
	return found;
}

#ifdef USE_ASSERT_CHECKING
void
ExceptionalCondition(const char *conditionName, const char *errorType,
					 const char *fileName, int lineNumber)
{
	fprintf(stderr, "%s:%d: %s\n", fileName, lineNumber, conditionName);
	abort();
}
#endif

/* ----------------------------------------------------------------
 *						inputs at the ends of pages
 * ----------------------------------------------------------------
 */

static char *page;				/* of nothing but zeros to read and write */
static size_t page_size;
static uint64 state;			/* of the random numbers */
static long failures;

/* Reports what differs, the first few times. */
static void
fail(const char *what, const char *text, int len)
{
	if (failures++ >= 10)
		return;
	printf("  %s:", what);
	for (int i = 0; i < len; i++)
		printf(" %02x", (unsigned char) text[i]);
	printf("\n");
}

/* Makes a page that has one before it and one behind that no one may touch. */
static void
make_page(void)
{
	char	   *pages;

	page_size = sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, 3 * page_size, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED ||
		mprotect(pages + page_size, page_size, PROT_READ | PROT_WRITE) != 0)
	{
		perror("no memory");
		exit(1);
	}
	page = pages + page_size;
}

/* Puts an input at the end of the page, or at its start. */
static const char *
put(const char *text, int len, bool at_end)
{
	return memcpy(at_end ? page + page_size - len : page, text, len);
}

/* Returns a random number below a limit (xorshift64*). */
static uint32
below(uint32 limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return ((state * UINT64CONST(2685821657736338717)) >> 33) % limit;
}

/* ----------------------------------------------------------------
 *						vector.h
 * ----------------------------------------------------------------
 */

/* Tries the functions that look for bytes, with one byte among plain ones. */
static void
try_byte(int byte, int offset, int len, bool at_end)
{
	PgsyncFourBytes wanted = {{',', '\n', '\r', '"'}};
	char		text[MAX_OFFSET + 1];
	const char *p;
	const char *end;
	bool		special = byte == '"' || byte == '\\' || byte < 0x20;
	bool		one_of = byte == ',' || byte == '\n' || byte == '\r' ||
	byte == '"';

	memset(text, 0xC3, sizeof(text));
	if (offset < len)
		text[offset] = byte;
	p = put(text, len, at_end);
	end = p + len;
	if (pgsync_find_json_special(p, end) !=
		(special && offset < len ? p + offset : end))
		fail("pgsync_find_json_special", p, len);
	if (pgsync_find_one_of(p, end, wanted) !=
		(one_of && offset < len ? p + offset : end))
		fail("pgsync_find_one_of", p, len);
}

/* Tries the comparison, with one byte that differs or behind those that count. */
static void
try_compare(int offset, int len, int more, bool at_end)
{
	char		expected[MAX_OFFSET + PGSYNC_VECTOR_PADDING];
	char		text[2 * MAX_OFFSET];
	const char *p;

	for (int i = 0; i < (int) sizeof(expected); i++)
		expected[i] = 'a' + i % 23;
	memcpy(text, expected, len);
	memset(text + len, 'Z', more);
	if (offset < len + more)
		text[offset]++;
	p = put(text, len + more, at_end);
	if (pgsync_starts_with(p, p + len + more, expected, len) != (offset >= len))
		fail("pgsync_starts_with", p, len + more);
	if (len > 0 && pgsync_starts_with(p, p + len - 1, expected, len))
		fail("pgsync_starts_with of less", p, len);
}

/* Tries the copy, into memory of just that size. */
static void
try_copy(int len, bool at_end)
{
	char		text[MAX_OFFSET];
	const char *p;
	char	   *to = malloc(Max(len, 1));

	for (int i = 0; i < len; i++)
		text[i] = below(256);
	p = put(text, len, at_end);
	pgsync_copy_short(to, p, len);
	if (memcmp(to, text, len) != 0)
		fail("pgsync_copy_short", p, len);
	free(to);
}

/* Tries all of vector.h; returns how many cases that were. */
static long
try_vectors(void)
{
	long		cases = 0;

	for (int len = 0; len <= MAX_OFFSET; len++)
		for (int at_end = 0; at_end <= 1; at_end++)
		{
			try_copy(Min(len, MAX_OFFSET), at_end);
			for (int offset = 0; offset <= len; offset++)
			{
				for (int more = 0; more < MAX_OFFSET; more += 5)
					try_compare(offset, Min(len, MAX_OFFSET), more, at_end);
				for (int byte = 0; byte < 256; byte++, cases++)
					try_byte(byte, offset, len, at_end);
			}
		}
	return cases;
}

/* ----------------------------------------------------------------
 *						the scanners
 * ----------------------------------------------------------------
 */

/* Makes text that often is JSON for a while. */
static int
make_json(char *text)
{
	static const char *const pieces[] = {
		"{", "}", "[", "]", ",", ":", "\"", "\"", "\"", "\\", "\\\"", "\\u00e9",
		"\\ud83d\\ude00", "\\ud83d", "\\u0000", "\\n", "\\x", "true", "false",
		"null", "nul", "0", "1", "12", "-", ".", "e", "E+", " ", "\n", "\t", "\r",
		"\x01", "\x7f", "\xc3\xa9", "\xe2\x82\xac", "\xff", "abc",
		"a longer piece of text, longer than a vector of bytes", "{\"a\": 1}",
		"{\"a\": \"b\", \"bc\": [1, 2.50, null]}", "[[[", "]]]", "\"key\": ",
		"\"\": ", "[]", "{}", "1.5", "-0.001", "123456789012345678"
	};
	int			len = 0;

	for (int n = below(below(4) == 0 ? 60 : 12) + 1; n > 0; n--)
	{
		const char *piece = pieces[below(lengthof(pieces))];

		memcpy(text + len, piece, strlen(piece));
		len += strlen(piece);
		if (len > MAX_TEXT - 100)
			break;
	}
	return len;
}

/* Makes well-formed JSON; returns its end. */
static char *
make_value(char *to, char *limit, int depth)
{
	int			kind = below(limit - to < 100 ? 4 : depth > 5 ? 6 : 9);
	int			count = below(depth == 0 ? 20 : 5);

	if (kind == 0)
		return to + sprintf(to, "%s", below(2) ? "null" : below(2) ? "true" : "false");
	if (kind <= 2)
		return to + sprintf(to, below(2) ? "%d" : "-%d.%03d", below(100000), below(1000));
	if (kind <= 5)
	{
		*to++ = '"';
		for (int n = below(20); n > 0; n--)
			to += sprintf(to, "%s", below(30) == 0 ? "\\t" : below(10) == 0 ? "\xc3\xa9" : "x");
		*to++ = '"';
		return to;
	}
	*to++ = kind == 6 ? '[' : '{';
	for (int i = 0; i < count && limit - to > 60; i++)
	{
		if (i > 0)
			to += sprintf(to, below(2) ? "," : ", ");
		if (kind != 6)
			to += sprintf(to, "\"%.*s%d\":", below(5), "abcde", i);
		to = make_value(to, limit, depth + 1);
	}
	*to++ = kind == 6 ? ']' : '}';
	return to;
}

/* Scans a value in one of the ways; false if there is none. */
static bool
scan_value(const char *text, int len, PgsyncScanSetting setting, bool shortly,
		   PgsyncJsonToken *token, const char **end)
{
	PgsyncJsonScan scan = {.ptr = text,.end = text + len};
	bool		found;

	memset(token, 0, sizeof(PgsyncJsonToken));
	pgsync_scan_setting = setting;
	found = shortly ? pgsync_json_scan_short_value(&scan, token) :
		pgsync_json_scan_value(&scan, token);
	*end = found ? scan.ptr : NULL;
	return found;
}

/* Compares what two scans found. */
static bool
same_token(const PgsyncJsonToken *a, const PgsyncJsonToken *b)
{
	return a->kind == b->kind && a->start == b->start && a->len == b->len &&
		a->escaped == b->escaped;
}

/* Tries the scanner. */
static void
try_scan(const char *text, int len)
{
	PgsyncJsonToken plain;
	PgsyncJsonToken token;
	const char *plain_end;
	const char *end;
	bool		found = scan_value(text, len, PGSYNC_SCAN_PLAIN, false, &plain,
								   &plain_end);

	for (int shortly = 0; shortly <= 1; shortly++)
	{
		bool		again = scan_value(text, len, PGSYNC_SCAN_AUTO, shortly,
									   &token, &end);

		if (again != found || end != plain_end ||
			(found && !same_token(&token, &plain)))
			fail("pgsync_json_scan_value", text, len);
	}
	if (found && plain.escaped && plain.kind == PGSYNC_JSON_STRING)
	{
		char	   *to = malloc(plain.len + 1);

		pgsync_json_unescape_into(&plain, to);
		free(to);
	}
}

/* Steps over a value in pieces; the result, and where it ended. */
static PgsyncSkipResult
skip_value(const char *text, int len, PgsyncScanSetting setting, int piece,
		   const char **end)
{
	PgsyncJsonSkip skip;
	PgsyncSkipResult result = PGSYNC_SKIP_MORE;

	pgsync_scan_setting = setting;
	pgsync_json_skip_init(&skip);
	pgsync_json_skip_begin(&skip);
	*end = text;
	for (int at = 0; at < len && result == PGSYNC_SKIP_MORE; at += piece)
		result = pgsync_json_skip(&skip, end, text + Min(at + piece, len));
	pfree(skip.open);
	return result;
}

/* Tries stepping over a value. */
static void
try_skip(const char *text, int len)
{
	const char *plain_end;
	const char *end;
	PgsyncSkipResult plain = skip_value(text, len, PGSYNC_SCAN_PLAIN, MAX_TEXT,
										&plain_end);
	int			piece = below(40) + 1;

	if (skip_value(text, len, PGSYNC_SCAN_AUTO, piece, &end) != plain ||
		end != plain_end)
		fail("pgsync_json_skip", text, len);
}

/* Tries jsonb: the memory that it takes is checked by the sanitizer. */
static bool
try_jsonb(const char *text, int len)
{
	Jsonb	   *jsonb;
	Jsonb	   *plain;
	bool		found;

	pgsync_scan_setting = PGSYNC_SCAN_AUTO;
	jsonb = pgsync_write_jsonb(text, len);
	pgsync_scan_setting = PGSYNC_SCAN_PLAIN;
	plain = pgsync_write_jsonb(text, len);
	found = jsonb != NULL;
	if (found != (plain != NULL) ||
		(found && (VARSIZE(jsonb) != VARSIZE(plain) ||
				   memcmp(jsonb, plain, VARSIZE(jsonb)) != 0)))
		fail("pgsync_write_jsonb", text, len);
	free(jsonb);
	free(plain);
	return found;
}

/* Tries a number, into memory of just the size that is asked for. */
static void
try_number(void)
{
	static const char *const pieces[] = {
		"0", "1", "9", "12", "9999", "10000", "0000", "-", ".", ".", "000000",
		"99999999", "e", "5", "123456789"
	};
	char		text[200];
	const char *p;
	char	   *to;
	int			len = 0;
	int			size;

	for (int n = below(8) + 1; n > 0; n--)
		len += sprintf(text + len, "%s", pieces[below(lengthof(pieces))]);
	p = put(text, len, true);
	to = malloc(PGSYNC_NUMERIC_SIZE(len));
	size = pgsync_read_numeric(p, len, below(2) ? -1 : (10 << 16 | 2) + VARHDRSZ,
							   to);
	if (size > PGSYNC_NUMERIC_SIZE(len))
		fail("pgsync_read_numeric", p, len);
	free(to);
}

/* Makes CSV, or nearly: rows of fields, some of them damaged. */
static int
make_csv(char *text, const PgsyncCsvFormat *format)
{
	char		q = format->quote;
	char		e = format->escape;
	char		d = format->delimiter;
	bool		damaged = below(3) == 0;
	const char *line = below(3) == 0 ? "\r\n" : below(8) == 0 ? "\r" : "\n";
	int			nfields = below(6) + 1;
	int			len = 0;

	for (int rows = below(12); rows > 0 && len < MAX_TEXT - 200; rows--)
	{
		for (int i = 0; i < nfields && len < MAX_TEXT - 100; i++)
		{
			if (i > 0)
				text[len++] = d;
			if (below(4) == 0)
				len += sprintf(text + len, "%c%.*s%c%c%c%.*s%s%c", q,
							   below(20), "quoted, in one piece", d, e,
							   below(2) ? q : e,
							   below(20), "and some more text of it",
							   below(3) ? "" : line, q);
			else
				len += sprintf(text + len, "%.*s", below(4) ? below(12) : below(40),
							   "plain text \xc3\xa9 that is longer than a vector");
			if (damaged && below(15) == 0)
				text[len++] = (char[]) {q, e, d, '\n', '\r', ' '}[below(6)];
		}
		if (rows > 1 || below(2))
			len += sprintf(text + len, "%s", line);
	}
	return len;
}

/* What a splitter has made of a text, one thing after the other. */
typedef struct Split
{
	char		out[20 * MAX_TEXT];
	int			len;
} Split;

/* Notes the row at hand: its line, its text, its fields. */
static void
note_row(Split *split, const PgsyncCsvSplitter *splitter)
{
	split->len += sprintf(split->out + split->len, "%d %d [%.*s]",
						  (int) splitter->line, (int) splitter->next_line,
						  splitter->raw_len, splitter->raw);
	for (int i = 0; i < splitter->nfields; i++)
	{
		const PgsyncCsvField *field = &splitter->fields[i];

		split->len += sprintf(split->out + split->len, " %d%d%d:%s",
							  field->len, field->quoted, field->null,
							  field->value);
	}
}

/* Splits a text in one of the ways; returns how many rows it has. */
static int
split_csv(const char *text, int len, const PgsyncCsvFormat *format,
		  PgsyncScanSetting setting, int piece, Split *split)
{
	static PgsyncTextInput input;
	static PgsyncCsvSplitter splitter;
	static int	rows;

	pgsync_scan_setting = setting;
	input.ptr = input.begin = input.end = text;
	text_end = text + len;
	piece_size = piece;
	split->len = rows = 0;
	pgsync_csv_splitter_init(&splitter, &input, format);
	if (setjmp(on_error) == 0)
	{
		for (; pgsync_csv_next_row(&splitter); rows++)
			note_row(split, &splitter);
	}
	else
		split->len += sprintf(split->out + split->len, "error in line %d: %s",
							  (int) splitter.line, error_message);
	pfree(splitter.fields);
	pfree(splitter.values);
	return rows;
}

/* Tries the splitter; returns how many rows there were. */
static int
try_csv(void)
{
	static Split plain;
	static Split split;
	char		text[MAX_TEXT + 200];
	PgsyncCsvFormat format = {
		.delimiter = ",;\t"[below(3)],
		.quote = below(4) ? '"' : '\'',
		.null_string = below(2) ? "" : "plain",
		.trim_blanks = below(3) == 0
	};
	const char *p;
	int			len;
	int			rows;

	format.escape = below(3) ? format.quote : '\\';
	len = make_csv(text, &format);
	p = put(text, len, below(4) > 0);
	rows = split_csv(p, len, &format, PGSYNC_SCAN_PLAIN, MAX_TEXT, &plain);
	split_csv(p, len, &format, PGSYNC_SCAN_AUTO,
			  below(2) ? MAX_TEXT : below(100) + 1, &split);
	if (plain.len != split.len || memcmp(plain.out, split.out, plain.len) != 0)
		fail("pgsync_csv_next_row", p, len);
	return rows;
}

/* Reports a check. */
static void
check(const char *what, long cases)
{
	printf("%s: %s, %ld cases, %ld differences\n",
		   failures == 0 ? "ok" : "FAILED", what, cases, failures);
}

int
main(int argc, char **argv)
{
	char		text[MAX_TEXT + 100];
	long		inputs = argc > 2 ? atol(argv[2]) : 1000;
	long		written = 0;
	long		rows = 0;
	long		cases;

	state = (argc > 1 ? atol(argv[1]) : 1) * UINT64CONST(0x9E3779B97F4A7C15) + 1;
	make_page();
	cases = try_vectors();
	pgsync_scan_setting = PGSYNC_SCAN_PLAIN;
	cases += try_vectors();
	check("every byte at every offset of a vector", cases);

	for (long i = 0; i < inputs; i++)
	{
		int			len = i % 2 == 0 ? make_json(text) :
		make_value(text, text + MAX_TEXT, 0) - text;
		const char *p = put(text, len, below(4) > 0);

		try_scan(p, len);
		try_skip(p, len);
		written += try_jsonb(p, len);
		try_number();
	}
	check("text that is JSON, or nearly", inputs);
	if (written < inputs / 20)
		failures++;
	check("enough of it became jsonb", written);

	for (long i = 0; i < inputs; i++)
		rows += try_csv();
	check("text that is CSV, or nearly", inputs);
	if (rows < inputs)
		failures++;
	check("enough of it became rows", rows);
	return failures != 0;
}
