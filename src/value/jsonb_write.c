/*-------------------------------------------------------------------------
 *
 * jsonb_write.c
 *	  An object or array in JSON text, written as jsonb at once.
 *
 * The text is read into a list of its values in their order, the "tape"; from
 * it the jsonb is written where it is to be, byte for byte what core's
 * jsonb_util.c makes (jsonb.h describes the format).  No JsonbValue is made
 * of anything, and nothing is allocated but the result.
 *
 *		{"b": [1, 2], "a": "x"}
 *		tape:	object, 2 members, ends at 7
 *				string b; array, 2 elements, ends at 5; number 1; number 2
 *				string a; string x
 *
 * This is for the documents of a few dozen values that columns mostly hold.
 * Anything longer, deeper or less usual (escaped or equal keys, exponents,
 * very long numbers), and whatever is no JSON, is json_to_jsonb.c's.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "value/json_scan.h"
#include "value/jsonb_write.h"
#include "value/numeric_read.h"

/* What a text may have at most */
#define MAX_LENGTH		(16 * 1024)
#define MAX_ENTRIES		256
#define MAX_DEPTH		32

/* A key or value; what it holds comes right behind it */
typedef struct TapeEntry
{
	PgsyncJsonToken token;		/* of a nested value: just where it begins */
	int			count;			/* its members or elements */
	int			end;			/* the entry behind it and what it holds */
} TapeEntry;

typedef struct JsonbWriter
{
	PgsyncJsonScan scan;
	TapeEntry	tape[MAX_ENTRIES];
	int			nentries;
	int			open[MAX_DEPTH];	/* the containers that are being read */
	int			depth;
	Size		size;			/* that the jsonb may take */
	char	   *base;			/* the jsonb */
	char	   *to;				/* where it goes on */
	int			order[MAX_ENTRIES]; /* keys of the objects being written */
	int			norder;
} JsonbWriter;

static bool write_container(JsonbWriter *writer, int index);

/* ----------------------------------------------------------------
 *						from text to tape
 * ----------------------------------------------------------------
 */

/* Returns whether an entry is an object. */
static inline bool
is_object(const TapeEntry *entry)
{
	return *entry->token.start == '{';
}

/* Returns the entry that is next on the tape; NULL if the tape is full. */
static inline TapeEntry *
next_entry(JsonbWriter *writer)
{
	if (writer->nentries == MAX_ENTRIES)
		return NULL;
	return &writer->tape[writer->nentries++];
}

/* Reads a key and its colon. */
static inline bool
read_key(JsonbWriter *writer)
{
	PgsyncJsonScan *scan = &writer->scan;
	TapeEntry  *entry = next_entry(writer);

	pgsync_json_skip_space(scan);
	if (entry == NULL || scan->ptr >= scan->end || *scan->ptr != '"' ||
		!pgsync_json_scan_string(scan, &entry->token) ||
		entry->token.escaped || !pgsync_json_accept(scan, ':'))
		return false;
	writer->size += sizeof(JEntry) + entry->token.len;
	return true;
}

/* Reads a scalar. */
static inline bool
read_scalar(JsonbWriter *writer, TapeEntry *entry)
{
	PgsyncJsonToken *token = &entry->token;

	if (!pgsync_json_scan_short_value(&writer->scan, token))
		return false;
	entry->end = writer->nentries;
	if (token->kind == PGSYNC_JSON_STRING)
		writer->size += token->len + 1; /* unescaping adds a zero byte */
	else if (token->kind == PGSYNC_JSON_NUMBER)
		writer->size += sizeof(int32) - 1 + VARHDRSZ +
			PGSYNC_NUMERIC_SIZE(token->len);
	return true;
}

/* Begins to read a container whose bracket is the next byte. */
static inline bool
open_container(JsonbWriter *writer, TapeEntry *entry)
{
	if (writer->depth == MAX_DEPTH)
		return false;
	writer->open[writer->depth++] = entry - writer->tape;
	entry->token.kind = PGSYNC_JSON_NESTED;
	entry->token.start = writer->scan.ptr++;
	entry->count = 0;
	writer->size += sizeof(int32) - 1 + sizeof(JsonbContainer);
	return true;
}

/*
 * Reads the end of the container being read; false if something else comes.
 */
static inline bool
close_container(JsonbWriter *writer)
{
	TapeEntry  *entry = &writer->tape[writer->open[writer->depth - 1]];

	if (!pgsync_json_accept(&writer->scan, is_object(entry) ? '}' : ']'))
		return false;
	entry->end = writer->nentries;
	writer->depth--;
	return true;
}

/*
 * Reads a value, with its key if it has one; of a container only the bracket,
 * and *opened is set.
 */
static inline bool
read_value(JsonbWriter *writer, bool *opened)
{
	PgsyncJsonScan *scan = &writer->scan;
	TapeEntry  *entry;

	*opened = false;
	if (writer->depth > 0)
	{
		TapeEntry  *parent = &writer->tape[writer->open[writer->depth - 1]];

		parent->count++;
		if (is_object(parent) && !read_key(writer))
			return false;
	}
	writer->size += sizeof(JEntry);
	entry = next_entry(writer);
	pgsync_json_skip_space(scan);
	if (entry == NULL || scan->ptr >= scan->end)
		return false;
	if (*scan->ptr != '{' && *scan->ptr != '[')
		return read_scalar(writer, entry);
	*opened = true;
	return open_container(writer, entry);
}

/* Reads the whole text; false if it is not one for us. */
static bool
read_tape(JsonbWriter *writer)
{
	bool		opened;

	do
	{
		if (!read_value(writer, &opened))
			return false;
		if (opened && !close_container(writer))
			continue;			/* its first value */
		while (writer->depth > 0 &&
			   !pgsync_json_accept(&writer->scan, ','))
		{
			if (!close_container(writer))
				return false;
		}
	} while (writer->depth > 0);
	return writer->scan.ptr == writer->scan.end;
}

/* ----------------------------------------------------------------
 *						from tape to jsonb
 * ----------------------------------------------------------------
 */

/* Fills up to where an int may stand, as padBufferToInt does. */
static inline void
pad_to_int(JsonbWriter *writer)
{
	while ((writer->to - writer->base) % sizeof(int32) != 0)
		*writer->to++ = '\0';
}

/* Writes a string's bytes; false if an escape is invalid. */
static inline bool
write_string(JsonbWriter *writer, const PgsyncJsonToken *token)
{
	int			len = token->len;

	if (token->escaped)
	{
		len = pgsync_json_unescape_into(token, writer->to);
		if (len < 0)
			return false;
	}
	else
		pgsync_copy_short(writer->to, token->start, len);
	writer->to += len;
	return true;
}

/* Writes a number; false if it is not a plain one. */
static inline bool
write_number(JsonbWriter *writer, const PgsyncJsonToken *token)
{
	int			len;

	pad_to_int(writer);
	len = pgsync_read_numeric(token->start, token->len, -1,
							  writer->to + VARHDRSZ);
	if (len == 0)
		return false;
	SET_VARSIZE(writer->to, VARHDRSZ + len);
	writer->to += VARHDRSZ + len;
	return true;
}

/* Writes a value's data, and sets its entry's type; false if it is not for us. */
static bool
write_value(JsonbWriter *writer, int index, JEntry *type)
{
	const TapeEntry *entry = &writer->tape[index];

	switch (entry->token.kind)
	{
		case PGSYNC_JSON_STRING:
			*type = JENTRY_ISSTRING;
			return write_string(writer, &entry->token);
		case PGSYNC_JSON_NUMBER:
			*type = JENTRY_ISNUMERIC;
			return write_number(writer, &entry->token);
		case PGSYNC_JSON_TRUE:
			*type = JENTRY_ISBOOL_TRUE;
			return true;
		case PGSYNC_JSON_FALSE:
			*type = JENTRY_ISBOOL_FALSE;
			return true;
		case PGSYNC_JSON_NULL:
			*type = JENTRY_ISNULL;
			return true;
		default:
			*type = JENTRY_ISCONTAINER;
			return write_container(writer, index);
	}
}

/* Compares keys as jsonb orders them: by length, then by bytes. */
static inline int
compare_keys(const PgsyncJsonToken *a, const PgsyncJsonToken *b)
{
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->start, b->start, a->len);
}

/*
 * Puts an object's keys in jsonb's order, behind those in writer->order; false
 * if one comes twice.
 */
static bool
order_keys(JsonbWriter *writer, int index)
{
	const TapeEntry *tape = writer->tape;
	int		   *order = writer->order + writer->norder;
	int			key = index + 1;

	for (int n = 0; n < tape[index].count; n++)
	{
		int			i = n;

		for (; i > 0; i--)
		{
			int			compared = compare_keys(&tape[order[i - 1]].token,
												&tape[key].token);

			if (compared == 0)
				return false;
			if (compared < 0)
				break;
			order[i] = order[i - 1];
		}
		order[i] = key;
		key = tape[key + 1].end;
	}
	writer->norder += tape[index].count;
	return true;
}

/* Sets an entry: now and then it has an offset in the place of its length. */
static inline void
set_entry(char *entries, int index, JEntry type, Size length, Size total)
{
	JEntry		entry = type | length;

	if (index % JB_OFFSET_STRIDE == 0)
		entry = type | total | JENTRY_HAS_OFF;
	memcpy(entries + index * sizeof(JEntry), &entry, sizeof(JEntry));
}

/* Writes an object's keys. */
static void
write_keys(JsonbWriter *writer, const int *order, int count, char *entries)
{
	const char *data = writer->to;

	for (int i = 0; i < count; i++)
	{
		const PgsyncJsonToken *key = &writer->tape[order[i]].token;

		write_string(writer, key);
		set_entry(entries, i, JENTRY_ISSTRING, key->len, writer->to - data);
	}
}

/* Writes an object or array with all that it holds; false if it is not for us. */
static bool
write_container(JsonbWriter *writer, int index)
{
	const TapeEntry *entry = &writer->tape[index];
	bool		object = is_object(entry);
	int			count = entry->count;
	int			nkeys = object ? count : 0;
	int		   *order = writer->order + writer->norder;
	int			value = index + 1;
	uint32		header = count | (object ? JB_FOBJECT : JB_FARRAY);
	char	   *entries;
	char	   *data;

	if (object && !order_keys(writer, index))
		return false;
	pad_to_int(writer);
	memcpy(writer->to, &header, sizeof(header));
	entries = writer->to + sizeof(header);
	data = entries + (nkeys + count) * sizeof(JEntry);
	writer->to = data;
	write_keys(writer, order, nkeys, entries);
	for (int i = 0; i < count; i++)
	{
		char	   *start = writer->to;
		JEntry		type;

		if (object)
			value = order[i] + 1;
		if (!write_value(writer, value, &type))
			return false;
		set_entry(entries, nkeys + i, type, writer->to - start,
				  writer->to - data);
		value = writer->tape[value].end;
	}
	writer->norder -= nkeys;
	return true;
}

/*
 * Returns the jsonb of an object or array; NULL if it is not for us, or no
 * JSON.
 */
Jsonb *
pgsync_write_jsonb(const char *json, int len)
{
	JsonbWriter writer;

	if (len > MAX_LENGTH || len == 0 || (*json != '{' && *json != '['))
		return NULL;
	writer.scan.ptr = json;
	writer.scan.end = json + len;
	writer.nentries = writer.depth = writer.norder = 0;
	writer.size = VARHDRSZ;
	if (!read_tape(&writer))
		return NULL;
	writer.base = palloc(writer.size);
	writer.to = writer.base + VARHDRSZ;
	if (!write_container(&writer, 0))
	{
		pfree(writer.base);
		return NULL;
	}
	Assert(writer.to - writer.base <= writer.size);
	SET_VARSIZE(writer.base, writer.to - writer.base);
	return (Jsonb *) writer.base;
}
