/* pgsync--1.0.0--2.0.0.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION pgsync UPDATE TO '2.0.0'" to load this file. \quit

-- A session that has called a function of 1.0.0 keeps that library to its end.

DO LANGUAGE plpgsql $probe$
BEGIN
    CREATE FUNCTION pgsync_probe(cstring) RETURNS cstring
    LANGUAGE C AS 'MODULE_PATHNAME', 'row_source_in';
    DROP FUNCTION pgsync_probe(cstring);
EXCEPTION WHEN undefined_function THEN
    RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = 'this session has loaded an older library of pgsync than that of version 2.0.0',
        HINT = 'Run ALTER EXTENSION pgsync UPDATE in a new session. If it fails there too, install the library of version 2.0.0 first.';
END
$probe$;

----------------------------------------------------------------
-- source/: where rows come from
----------------------------------------------------------------

-- The type has no value but those that the functions below make: input refuses.

CREATE TYPE row_source;

CREATE FUNCTION row_source_in(cstring) RETURNS row_source
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'row_source_in';

COMMENT ON FUNCTION row_source_in(cstring) IS
'refuses every text: a row_source is made by from_json, from_json_file, from_csv, from_csv_file or from_query (error 0A000)';

CREATE FUNCTION row_source_out(row_source) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'row_source_out';

COMMENT ON FUNCTION row_source_out(row_source) IS
'shows the call that made a row_source, the data itself by its size';

CREATE FUNCTION row_source_recv(internal) RETURNS row_source
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'row_source_recv';

COMMENT ON FUNCTION row_source_recv(internal) IS
'refuses every binary value (error 0A000)';

CREATE FUNCTION row_source_send(row_source) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'row_source_send';

COMMENT ON FUNCTION row_source_send(row_source) IS
'sends the text that row_source_out shows';

CREATE TYPE row_source (
    INPUT = row_source_in,
    OUTPUT = row_source_out,
    RECEIVE = row_source_recv,
    SEND = row_source_send,
    INTERNALLENGTH = VARIABLE,
    ALIGNMENT = double,
    STORAGE = extended
);

COMMENT ON TYPE row_source IS
'where rows come from: made by from_json, from_json_file, from_csv, from_csv_file and from_query, taken by insert_many and its like';

CREATE FUNCTION from_json(
    data jsonb,                 -- an array of objects, or one object
    columns jsonb DEFAULT NULL, -- name in the input -> column; null drops it
    ignore_unknown boolean DEFAULT false, -- drop what is no column
    transforms jsonb DEFAULT NULL, -- column -> SQL expression of v and r
    at text[] DEFAULT NULL,     -- path to the rows in the document
    key_column text DEFAULT NULL -- rows are an object's members: column of names
) RETURNS row_source      -- for insert_many and its like
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'from_json_jsonb';

COMMENT ON FUNCTION from_json(jsonb, jsonb, boolean, jsonb, text[], text) IS
'makes a row_source of JSON (a jsonb value): columns maps names, ignore_unknown drops the rest, transforms compute values, at leads to the rows within a document, key_column takes the names of an object''s members; read by the function that it is passed to (errors 22004, 22023, 42601, when read 42501, 42703, 42701 and those of insert_many)';

CREATE FUNCTION from_json(
    data json,                  -- the same; read as a stream
    columns jsonb DEFAULT NULL, -- name in the input -> column; null drops it
    ignore_unknown boolean DEFAULT false, -- drop what is no column
    transforms jsonb DEFAULT NULL, -- column -> SQL expression of v and r
    at text[] DEFAULT NULL,     -- path to the rows in the document
    key_column text DEFAULT NULL -- rows are an object's members: column of names
) RETURNS row_source      -- for insert_many and its like
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'from_json_json';

COMMENT ON FUNCTION from_json(json, jsonb, boolean, jsonb, text[], text) IS
'makes a row_source of JSON (a json value, read as a stream): columns maps names, ignore_unknown drops the rest, transforms compute values, at leads to the rows within a document, key_column takes the names of an object''s members; read by the function that it is passed to (errors 22004, 22023, 42601, when read 42501, 42703, 42701 and those of insert_many)';

CREATE FUNCTION from_json(
    data text,                  -- the same, or JSON Lines; read as a stream
    columns jsonb DEFAULT NULL, -- name in the input -> column; null drops it
    ignore_unknown boolean DEFAULT false, -- drop what is no column
    transforms jsonb DEFAULT NULL, -- column -> SQL expression of v and r
    at text[] DEFAULT NULL,     -- path to the rows in the document
    key_column text DEFAULT NULL -- rows are an object's members: column of names
) RETURNS row_source      -- for insert_many and its like
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'from_json_text';

COMMENT ON FUNCTION from_json(text, jsonb, boolean, jsonb, text[], text) IS
'makes a row_source of JSON (JSON or JSON Lines as text, read as a stream): columns maps names, ignore_unknown drops the rest, transforms compute values, at leads to the rows within a document, key_column takes the names of an object''s members; read by the function that it is passed to (errors 22004, 22023, 42601, when read 42501, 42703, 42701 and those of insert_many)';

CREATE FUNCTION from_json_file(
    path text,                  -- absolute path on the server
    columns jsonb DEFAULT NULL, -- name in the input -> column; null drops it
    ignore_unknown boolean DEFAULT false, -- drop what is no column
    transforms jsonb DEFAULT NULL, -- column -> SQL expression of v and r
    at text[] DEFAULT NULL,     -- path to the rows in the document
    key_column text DEFAULT NULL, -- rows are an object's members: column of names
    encoding text DEFAULT NULL  -- of the file; NULL: the client's
) RETURNS row_source      -- for insert_many and its like
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'from_json_file';

COMMENT ON FUNCTION from_json_file(text, jsonb, boolean, jsonb, text[], text, text) IS
'makes a row_source of a JSON file on the server, an array, one object or JSON Lines, gzip and zstd unpacked: read as a stream when it is passed to a function, with the privilege of COPY from a file, pg_read_server_files (errors as for from_json, when read also 42602, 42809, 58P01, 22021, 22P04)';

CREATE FUNCTION from_csv(
    csv text,                   -- the CSV itself
    columns jsonb DEFAULT NULL, -- name in the input -> column; null drops it
    ignore_unknown boolean DEFAULT false, -- drop what is no column
    transforms jsonb DEFAULT NULL, -- column -> SQL expression of v and r
    delimiter text DEFAULT ',', -- one single-byte character
    null_string text DEFAULT '', -- an unquoted field like this is NULL
    quote text DEFAULT '"',     -- one single-byte character
    escape text DEFAULT NULL,   -- NULL: the same as quote
    null_strings text[] DEFAULT NULL, -- further words for NULL
    trim_blanks boolean DEFAULT false, -- drop blanks around unquoted fields
    skip_lines integer DEFAULT 0, -- lines before the header
    header text[] DEFAULT NULL  -- the names, where there is no such line
) RETURNS row_source      -- for insert_many and its like
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'from_csv';

COMMENT ON FUNCTION from_csv(text, jsonb, boolean, jsonb, text, text, text, text, text[], boolean, integer, text[]) IS
'makes a row_source of CSV: columns maps the header''s names, ignore_unknown drops the rest, transforms compute values (rule: COPY''s CSV format; errors 22004, 22023, 42601, when read 42501, 42703, 42701, 22P04 and those of insert_csv_text)';

CREATE FUNCTION from_csv_file(
    path text,                  -- absolute path on the server
    columns jsonb DEFAULT NULL, -- name in the input -> column; null drops it
    ignore_unknown boolean DEFAULT false, -- drop what is no column
    transforms jsonb DEFAULT NULL, -- column -> SQL expression of v and r
    delimiter text DEFAULT ',', -- one single-byte character
    null_string text DEFAULT '', -- an unquoted field like this is NULL
    quote text DEFAULT '"',     -- one single-byte character
    escape text DEFAULT NULL,   -- NULL: the same as quote
    null_strings text[] DEFAULT NULL, -- further words for NULL
    trim_blanks boolean DEFAULT false, -- drop blanks around unquoted fields
    skip_lines integer DEFAULT 0, -- lines before the header
    header text[] DEFAULT NULL, -- the names, where there is no such line
    encoding text DEFAULT NULL  -- of the file; NULL: the client's
) RETURNS row_source      -- for insert_many and its like
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'from_csv_file';

COMMENT ON FUNCTION from_csv_file(text, jsonb, boolean, jsonb, text, text, text, text, text[], boolean, integer, text[], text) IS
'makes a row_source of a CSV file on the server, gzip and zstd unpacked: read when it is passed to a function, with the privilege of COPY from a file, pg_read_server_files (errors as for from_csv and insert_csv)';

CREATE FUNCTION from_query(
    query text,                 -- one statement that returns rows, with $1...$n
    args text[] DEFAULT NULL,   -- values of $1...$n
    columns jsonb DEFAULT NULL, -- name in the input -> column; null drops it
    ignore_unknown boolean DEFAULT false, -- drop what is no column
    transforms jsonb DEFAULT NULL -- column -> SQL expression of v and r
) RETURNS row_source      -- for insert_many and its like
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'from_query';

COMMENT ON FUNCTION from_query(text, text[], jsonb, boolean, jsonb) IS
'makes a row_source of the rows of any one statement that returns rows, its columns by name; where its one column is json or jsonb, each value is an object or an array of objects: run by the role that made it when it is passed to a function (errors 22004, 42601, 22023, when read 42501, 42701, 42703 and those of the statement)';

----------------------------------------------------------------
-- insert/: rows from JSON
----------------------------------------------------------------

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- an array of objects, or one object
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_jsonb_2_0';

COMMENT ON FUNCTION insert_many(regclass, jsonb, text, text, text, bigint, regclass) IS
'inserts an array of objects, or one object, as rows (a jsonb value): keys are column names, a missing key takes the column''s DEFAULT; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many rows were inserted or updated (rule: INSERT, jsonb_populate_record; errors 22000, 22004, 22023, 22P02, 42601, 42703, 42809, 25006 and those of INSERT, with row and column)';

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                 -- the same; read as a stream
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_json_2_0';

COMMENT ON FUNCTION insert_many(regclass, json, text, text, text, bigint, regclass) IS
'inserts an array of objects, or one object, as rows (a json value, read as a stream): keys are column names, a missing key takes the column''s DEFAULT; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many rows were inserted or updated (rule: INSERT, jsonb_populate_record; errors 22000, 22004, 22023, 22P02, 42601, 42703, 42809, 25006 and those of INSERT, with row and column)';

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                 -- the same, or JSON Lines; read as a stream
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_text_2_0';

COMMENT ON FUNCTION insert_many(regclass, text, text, text, text, bigint, regclass) IS
'inserts an array of objects, or one object, as rows (JSON or JSON Lines as text, read as a stream): keys are column names, a missing key takes the column''s DEFAULT; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many rows were inserted or updated (rule: INSERT, jsonb_populate_record; errors 22000, 22004, 22023, 22P02, 42601, 42703, 42809, 25006 and those of INSERT, with row and column)';

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data row_source,            -- what from_json, from_csv, ... have made
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_row_source';

COMMENT ON FUNCTION insert_many(regclass, row_source, text, text, text, bigint, regclass) IS
'inserts the rows of a row_source: JSON, CSV, a file of the server, a query; a missing column takes its DEFAULT; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many rows were inserted or updated (rule: INSERT; errors 22000, 22004, 42501, 42601, 42703, 42809, 25006, those of the source and those of INSERT, with row and column)';

CREATE FUNCTION insert_one(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- one object; its keys are column names
    return_columns text[] DEFAULT NULL, -- columns to return; * is all of them
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS jsonb                 -- the columns asked for, or NULL
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_one_2_0';

COMMENT ON FUNCTION insert_one(regclass, jsonb, text[], text, text) IS
'inserts one object as a row (a jsonb value); returns the columns named in return_columns (''*'': all) as an object, NULL without return_columns or if the conflict clause skipped the row (rule: INSERT ... RETURNING; errors as for insert_many)';

CREATE FUNCTION insert_one(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                  -- the same; never made into a jsonb
    return_columns text[] DEFAULT NULL, -- columns to return; * is all of them
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS jsonb                 -- the columns asked for, or NULL
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_one_json';

COMMENT ON FUNCTION insert_one(regclass, json, text[], text, text) IS
'inserts one object as a row (a json value); returns the columns named in return_columns (''*'': all) as an object, NULL without return_columns or if the conflict clause skipped the row (rule: INSERT ... RETURNING; errors as for insert_many)';

CREATE FUNCTION insert_one(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                  -- the same
    return_columns text[] DEFAULT NULL, -- columns to return; * is all of them
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS jsonb                 -- the columns asked for, or NULL
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_one_text';

COMMENT ON FUNCTION insert_one(regclass, text, text[], text, text) IS
'inserts one object as a row (JSON as text); returns the columns named in return_columns (''*'': all) as an object, NULL without return_columns or if the conflict clause skipped the row (rule: INSERT ... RETURNING; errors as for insert_many)';

CREATE FUNCTION insert_returning(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- an array of objects, or one object
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS SETOF jsonb           -- an object for each row inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_returning_2_0';

COMMENT ON FUNCTION insert_returning(regclass, jsonb, text[], text, text) IS
'inserts an array of objects, or one object, as rows (a jsonb value); returns the columns named in return_columns (''*'': all) of each row inserted or updated, as an object, in input order (rule: INSERT ... RETURNING; errors as for insert_many, 22023 for no columns)';

CREATE FUNCTION insert_returning(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                   -- the same; read as a stream
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS SETOF jsonb           -- an object for each row inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_returning_json';

COMMENT ON FUNCTION insert_returning(regclass, json, text[], text, text) IS
'inserts an array of objects, or one object, as rows (a json value, read as a stream); returns the columns named in return_columns (''*'': all) of each row inserted or updated, as an object, in input order (rule: INSERT ... RETURNING; errors as for insert_many, 22023 for no columns)';

CREATE FUNCTION insert_returning(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                   -- the same, or JSON Lines; read as a stream
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS SETOF jsonb           -- an object for each row inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_returning_text';

COMMENT ON FUNCTION insert_returning(regclass, text, text[], text, text) IS
'inserts an array of objects, or one object, as rows (JSON or JSON Lines as text, read as a stream); returns the columns named in return_columns (''*'': all) of each row inserted or updated, as an object, in input order (rule: INSERT ... RETURNING; errors as for insert_many, 22023 for no columns)';

CREATE FUNCTION insert_returning(
    target regclass,            -- table, partitioned or foreign table, or view
    data row_source,            -- what from_json, from_csv, ... have made
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS SETOF jsonb           -- an object for each row inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_returning_row_source';

COMMENT ON FUNCTION insert_returning(regclass, row_source, text[], text, text) IS
'inserts the rows of a row_source; returns the columns named in return_columns (''*'': all) of each row inserted or updated, as an object, in input order (rule: INSERT ... RETURNING; errors as for insert_many, 22023 for no columns)';

CREATE FUNCTION upsert_many(
    target regclass,            -- table, partitioned table or simple view
    data jsonb,                 -- an array of objects, or one object
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,   -- leave equal rows untouched
    key_order boolean DEFAULT false,    -- take the rows in the order of their keys
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that were there and have been updated
    unchanged bigint            -- rows that were there and stay as they are
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'upsert_many_jsonb_2_0';

COMMENT ON FUNCTION upsert_many(regclass, jsonb, text[], text[], text[], boolean, boolean, text, text, bigint, regclass) IS
'inserts rows, or updates those whose key is there (a jsonb value): rows apply in turn, and update only the columns that they name, with skip_unchanged only if that changes them; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many were inserted, updated and left unchanged (rule: UPDATE by key, and for new rows INSERT ... ON CONFLICT DO UPDATE; errors 22000, 42P10, 22023, 22004, 42701, 42804, 0A000 and those of insert_many)';

CREATE FUNCTION upsert_many(
    target regclass,            -- table, partitioned table or simple view
    data json,                  -- the same; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,   -- leave equal rows untouched
    key_order boolean DEFAULT false,    -- take the rows in the order of their keys
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that were there and have been updated
    unchanged bigint            -- rows that were there and stay as they are
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'upsert_many_json_2_0';

COMMENT ON FUNCTION upsert_many(regclass, json, text[], text[], text[], boolean, boolean, text, text, bigint, regclass) IS
'inserts rows, or updates those whose key is there (a json value, read as a stream): rows apply in turn, and update only the columns that they name, with skip_unchanged only if that changes them; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many were inserted, updated and left unchanged (rule: UPDATE by key, and for new rows INSERT ... ON CONFLICT DO UPDATE; errors 22000, 42P10, 22023, 22004, 42701, 42804, 0A000 and those of insert_many)';

CREATE FUNCTION upsert_many(
    target regclass,            -- table, partitioned table or simple view
    data text,                  -- the same, or JSON Lines; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,   -- leave equal rows untouched
    key_order boolean DEFAULT false,    -- take the rows in the order of their keys
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that were there and have been updated
    unchanged bigint            -- rows that were there and stay as they are
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'upsert_many_text_2_0';

COMMENT ON FUNCTION upsert_many(regclass, text, text[], text[], text[], boolean, boolean, text, text, bigint, regclass) IS
'inserts rows, or updates those whose key is there (JSON or JSON Lines as text, read as a stream): rows apply in turn, and update only the columns that they name, with skip_unchanged only if that changes them; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many were inserted, updated and left unchanged (rule: UPDATE by key, and for new rows INSERT ... ON CONFLICT DO UPDATE; errors 22000, 42P10, 22023, 22004, 42701, 42804, 0A000 and those of insert_many)';

CREATE FUNCTION upsert_many(
    target regclass,            -- table, partitioned table or simple view
    data row_source,            -- what from_json, from_csv, ... have made
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,   -- leave equal rows untouched
    key_order boolean DEFAULT false,    -- take the rows in the order of their keys
    overriding text DEFAULT NULL,   -- 'system' or 'user': for identity columns
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that were there and have been updated
    unchanged bigint            -- rows that were there and stay as they are
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'upsert_many_row_source';

COMMENT ON FUNCTION upsert_many(regclass, row_source, text[], text[], text[], boolean, boolean, text, text, bigint, regclass) IS
'inserts the rows of a row_source, or updates those whose key is there: rows apply in turn, and update only the columns that they name, with skip_unchanged only if that changes them; with on_error => ''ignore'' rows that cannot go in are skipped, and kept in error_table; returns how many were inserted, updated and left unchanged (rule: UPDATE by key, and for new rows INSERT ... ON CONFLICT DO UPDATE; errors 22000, 42P10, 22023, 22004, 42701, 42804, 0A000 and those of insert_many)';

CREATE FUNCTION upsert_returning(
    target regclass,            -- table, partitioned table or simple view
    data jsonb,                 -- an array of objects, or one object
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    skip_unchanged boolean DEFAULT false    -- leave equal rows untouched
) RETURNS TABLE (
    action text,                -- inserted, updated or unchanged
    "row" jsonb                 -- the row as it is then, as an object
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'upsert_returning_jsonb';

COMMENT ON FUNCTION upsert_returning(regclass, jsonb, text[], text[], text[], text[], boolean) IS
'inserts rows, or updates those whose key is there (a jsonb value), as upsert_many does; returns for each row of the input, in its order, what was done and the columns named in return_columns (''*'': all) as they are then (rule: UPDATE and INSERT ... RETURNING; errors as for upsert_many, 22023 for no columns)';

CREATE FUNCTION upsert_returning(
    target regclass,            -- table, partitioned table or simple view
    data json,                  -- the same; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    skip_unchanged boolean DEFAULT false    -- leave equal rows untouched
) RETURNS TABLE (
    action text,                -- inserted, updated or unchanged
    "row" jsonb                 -- the row as it is then, as an object
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'upsert_returning_json';

COMMENT ON FUNCTION upsert_returning(regclass, json, text[], text[], text[], text[], boolean) IS
'inserts rows, or updates those whose key is there (a json value, read as a stream), as upsert_many does; returns for each row of the input, in its order, what was done and the columns named in return_columns (''*'': all) as they are then (rule: UPDATE and INSERT ... RETURNING; errors as for upsert_many, 22023 for no columns)';

CREATE FUNCTION upsert_returning(
    target regclass,            -- table, partitioned table or simple view
    data text,                  -- the same, or JSON Lines; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    skip_unchanged boolean DEFAULT false    -- leave equal rows untouched
) RETURNS TABLE (
    action text,                -- inserted, updated or unchanged
    "row" jsonb                 -- the row as it is then, as an object
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'upsert_returning_text';

COMMENT ON FUNCTION upsert_returning(regclass, text, text[], text[], text[], text[], boolean) IS
'inserts rows, or updates those whose key is there (JSON or JSON Lines as text, read as a stream), as upsert_many does; returns for each row of the input, in its order, what was done and the columns named in return_columns (''*'': all) as they are then (rule: UPDATE and INSERT ... RETURNING; errors as for upsert_many, 22023 for no columns)';

CREATE FUNCTION upsert_returning(
    target regclass,            -- table, partitioned table or simple view
    data row_source,            -- what from_json, from_csv, ... have made
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,  -- jsonb columns merged with ||
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    skip_unchanged boolean DEFAULT false    -- leave equal rows untouched
) RETURNS TABLE (
    action text,                -- inserted, updated or unchanged
    "row" jsonb                 -- the row as it is then, as an object
)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'upsert_returning_row_source';

COMMENT ON FUNCTION upsert_returning(regclass, row_source, text[], text[], text[], text[], boolean) IS
'inserts the rows of a row_source, or updates those whose key is there, as upsert_many does; returns for each row of the input, in its order, what was done and the columns named in return_columns (''*'': all) as they are then (rule: UPDATE and INSERT ... RETURNING; errors as for upsert_many, 22023 for no columns)';

COMMENT ON FUNCTION get_insert_data(regclass, jsonb) IS
'returns the parameterized INSERT for rows given as JSON, and their values as an array of arrays in the order of its parameters; inserts nothing (errors 22004, 22023 for rows whose keys differ, 42703, 42809)';

CREATE FUNCTION get_insert_data(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                  -- the same
    OUT query text,             -- INSERT INTO ... VALUES ($1, ...)
    OUT "values" jsonb          -- an array of the rows' parameter arrays
) RETURNS record
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'get_insert_data_json';

COMMENT ON FUNCTION get_insert_data(regclass, json) IS
'returns the parameterized INSERT for rows given as json, and their values as an array of arrays in the order of its parameters; inserts nothing (errors 22004, 22023 for rows whose keys differ, 22P02, 42703, 42809)';

CREATE FUNCTION get_insert_data(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                  -- the same, or JSON Lines
    OUT query text,             -- INSERT INTO ... VALUES ($1, ...)
    OUT "values" jsonb          -- an array of the rows' parameter arrays
) RETURNS record
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'get_insert_data_text';

COMMENT ON FUNCTION get_insert_data(regclass, text) IS
'returns the parameterized INSERT for rows given as JSON or JSON Lines in a text, and their values as an array of arrays in the order of its parameters; inserts nothing (errors 22004, 22023 for rows whose keys differ, 22P02, 42703, 42809)';

----------------------------------------------------------------
-- insert/: CSV
----------------------------------------------------------------

CREATE FUNCTION insert_csv(
    target regclass,            -- table, partitioned or foreign table, or view
    csv_path text,              -- absolute path on the server; header first
    exclude_columns text[] DEFAULT NULL,    -- fields of the CSV to drop
    delimiter text DEFAULT ',', -- one single-byte character
    on_conflict text DEFAULT 'ON CONFLICT DO NOTHING',  -- NULL: no clause
    null_string text DEFAULT '',    -- an unquoted field like this is NULL
    quote text DEFAULT '"',     -- one single-byte character
    escape text DEFAULT NULL,   -- NULL: the same as quote
    encoding text DEFAULT NULL, -- of the file; NULL: the client's
    columns jsonb DEFAULT NULL, -- name in the header -> column; null drops it
    ignore_unknown boolean DEFAULT false,   -- drop what is no column
    null_strings text[] DEFAULT NULL,   -- further words for NULL
    trim_blanks boolean DEFAULT false,  -- drop blanks around unquoted fields
    skip_lines integer DEFAULT 0,   -- lines before the header
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_csv_2_0';

COMMENT ON FUNCTION insert_csv(regclass, text, text[], text, text, text, text, text, text, jsonb, boolean, text[], boolean, integer, text, bigint, regclass) IS
'inserts the rows of a CSV file on the server, unpacked if gzip or zstd has packed it: the header''s names choose the columns, a missing column takes its DEFAULT, conflicting rows are skipped unless on_conflict says otherwise, with on_error => ''ignore'' also those that cannot go in, which error_table keeps; returns how many rows were inserted or updated (rule: COPY''s CSV format and its privilege pg_read_server_files, then INSERT; errors 0A000, 22000, 22004, 22021, 22023, 22P04, 42501, 42601, 42602, 42701, 42703, 42809, 54000, 58P01 and those of INSERT, with line and column)';

CREATE FUNCTION insert_csv_text(
    target regclass,            -- table, partitioned or foreign table, or view
    csv text,                   -- the CSV itself; header first
    exclude_columns text[] DEFAULT NULL,    -- fields of the CSV to drop
    delimiter text DEFAULT ',', -- one single-byte character
    on_conflict text DEFAULT 'ON CONFLICT DO NOTHING',  -- NULL: no clause
    null_string text DEFAULT '',    -- an unquoted field like this is NULL
    quote text DEFAULT '"',     -- one single-byte character
    escape text DEFAULT NULL,   -- NULL: the same as quote
    columns jsonb DEFAULT NULL, -- name in the header -> column; null drops it
    ignore_unknown boolean DEFAULT false,   -- drop what is no column
    null_strings text[] DEFAULT NULL,   -- further words for NULL
    trim_blanks boolean DEFAULT false,  -- drop blanks around unquoted fields
    skip_lines integer DEFAULT 0,   -- lines before the header
    on_error text DEFAULT 'stop',   -- 'ignore': skip rows that cannot go in
    reject_limit bigint DEFAULT NULL,   -- fail beyond so many of them
    error_table regclass DEFAULT NULL   -- keeps them, with the reasons
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_csv_text_2_0';

COMMENT ON FUNCTION insert_csv_text(regclass, text, text[], text, text, text, text, text, jsonb, boolean, text[], boolean, integer, text, bigint, regclass) IS
'inserts the rows of a CSV given as text: the header''s names choose the columns, a missing column takes its DEFAULT, conflicting rows are skipped unless on_conflict says otherwise, with on_error => ''ignore'' also those that cannot go in, which error_table keeps; returns how many rows were inserted or updated (rule: COPY''s CSV format, then INSERT; errors 0A000, 22000, 22004, 22023, 22P04, 42601, 42701, 42703, 54000 and those of INSERT, with line and column)';

----------------------------------------------------------------
-- insert/: update, delete, mirror
----------------------------------------------------------------

CREATE FUNCTION update_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- an array of objects, or one object
    key_columns text[] DEFAULT NULL,    -- NULL: the primary key
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,    -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,    -- leave equal rows untouched
    on_missing text DEFAULT 'ignore'    -- 'error': every key must be there
) RETURNS TABLE (
    updated bigint,             -- rows that have been updated
    unchanged bigint,           -- rows that were there and are as they were
    missing bigint              -- keys of the input that no row has
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'update_many_jsonb';

COMMENT ON FUNCTION update_many(regclass, jsonb, text[], text[], text[], boolean, text) IS
'updates rows by key (a jsonb value): each row sets only the columns that it names, of equal keys the later wins, rows are written in the order of their keys; returns how many rows were updated, how many left as they were, and how many keys no row has (rule: UPDATE ... FROM; errors 22004, 22023, 22P02, 42701, 42703, 42804, 42809, 42883, 0A000, P0002 and those of UPDATE, with the row)';

CREATE FUNCTION update_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                  -- the same; read as a stream
    key_columns text[] DEFAULT NULL,    -- NULL: the primary key
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,    -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,    -- leave equal rows untouched
    on_missing text DEFAULT 'ignore'    -- 'error': every key must be there
) RETURNS TABLE (
    updated bigint,             -- rows that have been updated
    unchanged bigint,           -- rows that were there and are as they were
    missing bigint              -- keys of the input that no row has
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'update_many_json';

COMMENT ON FUNCTION update_many(regclass, json, text[], text[], text[], boolean, text) IS
'updates rows by key (a json value, read as a stream): each row sets only the columns that it names, of equal keys the later wins, rows are written in the order of their keys; returns how many rows were updated, how many left as they were, and how many keys no row has (rule: UPDATE ... FROM; errors 22004, 22023, 22P02, 42701, 42703, 42804, 42809, 42883, 0A000, P0002 and those of UPDATE, with the row)';

CREATE FUNCTION update_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                  -- the same, or JSON Lines; read as a stream
    key_columns text[] DEFAULT NULL,    -- NULL: the primary key
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,    -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,    -- leave equal rows untouched
    on_missing text DEFAULT 'ignore'    -- 'error': every key must be there
) RETURNS TABLE (
    updated bigint,             -- rows that have been updated
    unchanged bigint,           -- rows that were there and are as they were
    missing bigint              -- keys of the input that no row has
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'update_many_text';

COMMENT ON FUNCTION update_many(regclass, text, text[], text[], text[], boolean, text) IS
'updates rows by key (JSON or JSON Lines as text, read as a stream): each row sets only the columns that it names, of equal keys the later wins, rows are written in the order of their keys; returns how many rows were updated, how many left as they were, and how many keys no row has (rule: UPDATE ... FROM; errors 22004, 22023, 22P02, 42701, 42703, 42804, 42809, 42883, 0A000, P0002 and those of UPDATE, with the row)';

CREATE FUNCTION update_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data row_source,            -- what from_json, from_csv, ... have made
    key_columns text[] DEFAULT NULL,    -- NULL: the primary key
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL,    -- jsonb columns merged with ||
    skip_unchanged boolean DEFAULT false,    -- leave equal rows untouched
    on_missing text DEFAULT 'ignore'    -- 'error': every key must be there
) RETURNS TABLE (
    updated bigint,             -- rows that have been updated
    unchanged bigint,           -- rows that were there and are as they were
    missing bigint              -- keys of the input that no row has
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'update_many_row_source';

COMMENT ON FUNCTION update_many(regclass, row_source, text[], text[], text[], boolean, text) IS
'updates rows by key (a row_source): each row sets only the columns that it names, of equal keys the later wins, rows are written in the order of their keys; returns how many rows were updated, how many left as they were, and how many keys no row has (rule: UPDATE ... FROM; errors 22004, 22023, 22P02, 42701, 42703, 42804, 42809, 42883, 0A000, P0002 and those of UPDATE, with the row)';

CREATE FUNCTION delete_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- an array of objects, or one object
    key_columns text[] DEFAULT NULL    -- NULL: the primary key
) RETURNS bigint                -- rows deleted
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'delete_many_jsonb';

COMMENT ON FUNCTION delete_many(regclass, jsonb, text[]) IS
'deletes rows by key (a jsonb value): where the key is one column, bare values stand for objects, other columns are ignored; returns how many rows were deleted (rule: DELETE ... USING; errors 22004, 22023, 22P02, 42701, 42703, 42809, 42883, 0A000 and those of DELETE)';

CREATE FUNCTION delete_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                  -- the same; read as a stream
    key_columns text[] DEFAULT NULL    -- NULL: the primary key
) RETURNS bigint                -- rows deleted
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'delete_many_json';

COMMENT ON FUNCTION delete_many(regclass, json, text[]) IS
'deletes rows by key (a json value, read as a stream): where the key is one column, bare values stand for objects, other columns are ignored; returns how many rows were deleted (rule: DELETE ... USING; errors 22004, 22023, 22P02, 42701, 42703, 42809, 42883, 0A000 and those of DELETE)';

CREATE FUNCTION delete_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                  -- the same, or JSON Lines; read as a stream
    key_columns text[] DEFAULT NULL    -- NULL: the primary key
) RETURNS bigint                -- rows deleted
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'delete_many_text';

COMMENT ON FUNCTION delete_many(regclass, text, text[]) IS
'deletes rows by key (JSON or JSON Lines as text, read as a stream): where the key is one column, bare values stand for objects, other columns are ignored; returns how many rows were deleted (rule: DELETE ... USING; errors 22004, 22023, 22P02, 42701, 42703, 42809, 42883, 0A000 and those of DELETE)';

CREATE FUNCTION delete_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data row_source,            -- what from_json, from_csv, ... have made
    key_columns text[] DEFAULT NULL    -- NULL: the primary key
) RETURNS bigint                -- rows deleted
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'delete_many_row_source';

COMMENT ON FUNCTION delete_many(regclass, row_source, text[]) IS
'deletes rows by key (a row_source): where the key is one column, bare values stand for objects, other columns are ignored; returns how many rows were deleted (rule: DELETE ... USING; errors 22004, 22023, 22P02, 42701, 42703, 42809, 42883, 0A000 and those of DELETE)';

CREATE FUNCTION sync_many(
    target regclass,            -- table, partitioned table or simple view
    data jsonb,                 -- an array of objects, or one object
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that differed
    unchanged bigint,           -- rows that were equal, and are untouched
    deleted bigint              -- rows that the data does not have
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'sync_many_jsonb';

COMMENT ON FUNCTION sync_many(regclass, jsonb, text[], jsonb, text[], bigint, boolean, text) IS
'makes a table, or the slice of it whose columns equal scope, equal to the rows (a jsonb value): deletes what is gone, updates what differs, inserts what is new, in one query level; equal rows are untouched (rule: MERGE; errors 22004, 22023, 22P02, 40001, 42701, 42703, 42804, 42809, 42883, 42P10, 0A000, 55000 and those of DELETE, UPDATE and INSERT, with the row)';

CREATE FUNCTION sync_many(
    target regclass,            -- table, partitioned table or simple view
    data json,                  -- the same; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that differed
    unchanged bigint,           -- rows that were equal, and are untouched
    deleted bigint              -- rows that the data does not have
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'sync_many_json';

COMMENT ON FUNCTION sync_many(regclass, json, text[], jsonb, text[], bigint, boolean, text) IS
'makes a table, or the slice of it whose columns equal scope, equal to the rows (a json value, read as a stream): deletes what is gone, updates what differs, inserts what is new, in one query level; equal rows are untouched (rule: MERGE; errors 22004, 22023, 22P02, 40001, 42701, 42703, 42804, 42809, 42883, 42P10, 0A000, 55000 and those of DELETE, UPDATE and INSERT, with the row)';

CREATE FUNCTION sync_many(
    target regclass,            -- table, partitioned table or simple view
    data text,                  -- the same, or JSON Lines; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that differed
    unchanged bigint,           -- rows that were equal, and are untouched
    deleted bigint              -- rows that the data does not have
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'sync_many_text';

COMMENT ON FUNCTION sync_many(regclass, text, text[], jsonb, text[], bigint, boolean, text) IS
'makes a table, or the slice of it whose columns equal scope, equal to the rows (JSON or JSON Lines as text, read as a stream): deletes what is gone, updates what differs, inserts what is new, in one query level; equal rows are untouched (rule: MERGE; errors 22004, 22023, 22P02, 40001, 42701, 42703, 42804, 42809, 42883, 42P10, 0A000, 55000 and those of DELETE, UPDATE and INSERT, with the row)';

CREATE FUNCTION sync_many(
    target regclass,            -- table, partitioned table or simple view
    data row_source,            -- what from_json, from_csv, ... have made
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint,             -- rows that differed
    unchanged bigint,           -- rows that were equal, and are untouched
    deleted bigint              -- rows that the data does not have
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'sync_many_row_source';

COMMENT ON FUNCTION sync_many(regclass, row_source, text[], jsonb, text[], bigint, boolean, text) IS
'makes a table, or the slice of it whose columns equal scope, equal to the rows (a row_source): deletes what is gone, updates what differs, inserts what is new, in one query level; equal rows are untouched (rule: MERGE; errors 22004, 22023, 22P02, 40001, 42701, 42703, 42804, 42809, 42883, 42P10, 0A000, 55000 and those of DELETE, UPDATE and INSERT, with the row)';

CREATE FUNCTION sync_diff(
    target regclass,            -- table, partitioned table or simple view
    data jsonb,                 -- an array of objects, or one object
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    action text,                -- delete, update or insert
    "key" jsonb,                -- the key's columns
    old jsonb,                  -- what is there, of an update what differs
    new jsonb                   -- what would be there
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000
AS 'MODULE_PATHNAME', 'sync_diff_jsonb';

COMMENT ON FUNCTION sync_diff(regclass, jsonb, text[], jsonb, text[], bigint, boolean, text) IS
'returns what sync_many with the same arguments would do (a jsonb value), without doing it: a row for each one that it would delete, update or insert, in the order of their keys (rule: sync_many; errors those of sync_many but for the limits max_deletes and allow_empty, which it does not apply)';

CREATE FUNCTION sync_diff(
    target regclass,            -- table, partitioned table or simple view
    data json,                  -- the same; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    action text,                -- delete, update or insert
    "key" jsonb,                -- the key's columns
    old jsonb,                  -- what is there, of an update what differs
    new jsonb                   -- what would be there
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000
AS 'MODULE_PATHNAME', 'sync_diff_json';

COMMENT ON FUNCTION sync_diff(regclass, json, text[], jsonb, text[], bigint, boolean, text) IS
'returns what sync_many with the same arguments would do (a json value, read as a stream), without doing it: a row for each one that it would delete, update or insert, in the order of their keys (rule: sync_many; errors those of sync_many but for the limits max_deletes and allow_empty, which it does not apply)';

CREATE FUNCTION sync_diff(
    target regclass,            -- table, partitioned table or simple view
    data text,                  -- the same, or JSON Lines; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    action text,                -- delete, update or insert
    "key" jsonb,                -- the key's columns
    old jsonb,                  -- what is there, of an update what differs
    new jsonb                   -- what would be there
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000
AS 'MODULE_PATHNAME', 'sync_diff_text';

COMMENT ON FUNCTION sync_diff(regclass, text, text[], jsonb, text[], bigint, boolean, text) IS
'returns what sync_many with the same arguments would do (JSON or JSON Lines as text, read as a stream), without doing it: a row for each one that it would delete, update or insert, in the order of their keys (rule: sync_many; errors those of sync_many but for the limits max_deletes and allow_empty, which it does not apply)';

CREATE FUNCTION sync_diff(
    target regclass,            -- table, partitioned table or simple view
    data row_source,            -- what from_json, from_csv, ... have made
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    scope jsonb DEFAULT NULL,   -- column values of the slice; NULL: all rows
    update_columns text[] DEFAULT NULL,    -- may be overwritten; NULL: all others
    max_deletes bigint DEFAULT NULL,    -- fail rather than delete more
    allow_empty boolean DEFAULT false,    -- may the data be empty?
    overriding text DEFAULT NULL    -- INSERT's OVERRIDING: system or user
) RETURNS TABLE (
    action text,                -- delete, update or insert
    "key" jsonb,                -- the key's columns
    old jsonb,                  -- what is there, of an update what differs
    new jsonb                   -- what would be there
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000
AS 'MODULE_PATHNAME', 'sync_diff_row_source';

COMMENT ON FUNCTION sync_diff(regclass, row_source, text[], jsonb, text[], bigint, boolean, text) IS
'returns what sync_many with the same arguments would do (a row_source), without doing it: a row for each one that it would delete, update or insert, in the order of their keys (rule: sync_many; errors those of sync_many but for the limits max_deletes and allow_empty, which it does not apply)';

----------------------------------------------------------------
-- insert/: documents of several tables
----------------------------------------------------------------

CREATE FUNCTION insert_tables(
    data jsonb,                 -- tables' names with their rows
    on_conflict text DEFAULT NULL,  -- ON CONFLICT [(columns)] DO NOTHING
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS TABLE (
    target_table regclass,      -- in the order in which the tables went in
    inserted bigint             -- its rows that went in
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'insert_tables_jsonb';

COMMENT ON FUNCTION insert_tables(jsonb, text, text) IS
'inserts the rows of several tables, parents first by their foreign keys, one INSERT a table: {"author": [{"name": "x", "book": [{"title": "y"}]}]} (a jsonb value); rows nested in another table''s row take their foreign key from it, an object in the place of a foreign key''s column is looked up; returns how many rows went into each table (rule: INSERT; errors 42P01, 42809, 42712, 42P17, 42P10, 42830, 42701, 42601, 21000, 23503, 55000 and those of insert_many)';

CREATE FUNCTION insert_tables(
    data json,                 -- the same; never made a jsonb
    on_conflict text DEFAULT NULL,  -- ON CONFLICT [(columns)] DO NOTHING
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS TABLE (
    target_table regclass,      -- in the order in which the tables went in
    inserted bigint             -- its rows that went in
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'insert_tables_json';

COMMENT ON FUNCTION insert_tables(json, text, text) IS
'inserts the rows of several tables, parents first by their foreign keys, one INSERT a table: {"author": [{"name": "x", "book": [{"title": "y"}]}]} (a json value, never made a jsonb); rows nested in another table''s row take their foreign key from it, an object in the place of a foreign key''s column is looked up; returns how many rows went into each table (rule: INSERT; errors 42P01, 42809, 42712, 42P17, 42P10, 42830, 42701, 42601, 21000, 23503, 55000 and those of insert_many)';

CREATE FUNCTION insert_tables(
    data text,                 -- the same
    on_conflict text DEFAULT NULL,  -- ON CONFLICT [(columns)] DO NOTHING
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS TABLE (
    target_table regclass,      -- in the order in which the tables went in
    inserted bigint             -- its rows that went in
)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'insert_tables_text';

COMMENT ON FUNCTION insert_tables(text, text, text) IS
'inserts the rows of several tables, parents first by their foreign keys, one INSERT a table: {"author": [{"name": "x", "book": [{"title": "y"}]}]} (JSON as text); rows nested in another table''s row take their foreign key from it, an object in the place of a foreign key''s column is looked up; returns how many rows went into each table (rule: INSERT; errors 42P01, 42809, 42712, 42P17, 42P10, 42830, 42701, 42601, 21000, 23503, 55000 and those of insert_many)';

----------------------------------------------------------------
-- fetch/: queries and counts
----------------------------------------------------------------

-- What drivers send without a type, and texts, take the forms with text[].

CREATE FUNCTION fetch_all(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args text[]    -- values of $1...$n, without types of their own
) RETURNS SETOF jsonb       -- an object a row
AS 'MODULE_PATHNAME', 'fetch_all'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000;

COMMENT ON FUNCTION fetch_all(text, text[]) IS
'runs any one statement that returns rows, and returns each row as an object; args are bound to $1...$n, each takes the type of its context (rule: to_jsonb; errors 22004, 42601, 42701 for two columns of one name, and those of the statement)';

CREATE FUNCTION fetch_one(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args text[]    -- values of $1...$n, without types of their own
) RETURNS jsonb             -- its first row, NULL if there is none
AS 'MODULE_PATHNAME', 'fetch_one'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_one(text, text[]) IS
'runs any one statement that returns rows, and returns the first as an object, NULL if there is none; args are bound to $1...$n, each takes the type of its context (rule: to_jsonb; errors 22004, 42601, 42701 for two columns of one name, and those of the statement)';

CREATE FUNCTION fetch_one_required(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args text[]    -- values of $1...$n, without types of their own
) RETURNS jsonb             -- its first row
AS 'MODULE_PATHNAME', 'fetch_one_required'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_one_required(text, text[]) IS
'runs any one statement that returns rows, and returns the first as an object; no row is an error; args are bound to $1...$n, each takes the type of its context (rule: to_jsonb; errors P0002 for no row, 22004, 42601, 42701 for two columns of one name, and those of the statement)';

CREATE FUNCTION fetch_json(
    query text              -- one statement that returns rows
) RETURNS json              -- one array, an object a row
AS 'MODULE_PATHNAME', 'fetch_json'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_json(text) IS
'runs any one statement that returns rows, and returns all of them as one array of objects, [] if there are none (rule: json_agg(row); errors 54000 beyond 1 GB, 22004, 42601, and those of the statement)';

CREATE FUNCTION fetch_json(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args "any"     -- values of $1...$n
) RETURNS json              -- one array, an object a row
AS 'MODULE_PATHNAME', 'fetch_json'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_json(text, "any") IS
'runs any one statement that returns rows, and returns all of them as one array of objects, [] if there are none; args are bound to $1...$n, a bare literal takes the type of its context (rule: json_agg(row); errors 54000 beyond 1 GB, 22004, 42601, and those of the statement)';

CREATE FUNCTION fetch_json(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args text[]    -- values of $1...$n, without types of their own
) RETURNS json              -- one array, an object a row
AS 'MODULE_PATHNAME', 'fetch_json'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_json(text, text[]) IS
'runs any one statement that returns rows, and returns all of them as one array of objects, [] if there are none; args are bound to $1...$n, each takes the type of its context (rule: json_agg(row); errors 54000 beyond 1 GB, 22004, 42601, and those of the statement)';

CREATE FUNCTION fetch_tables(
    tables text[]           -- in SQL's spelling; search_path applies
) RETURNS json              -- a document that insert_tables reads
AS 'MODULE_PATHNAME', 'fetch_tables'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_tables(text[]) IS
'returns the rows of tables as one document, {"author": [...], "book": [...]}, from which insert_tables makes the same rows: ordered by primary key, without generated columns, partitions by their partitioned table where that is listed (rule: SELECT under the snapshot of the calling statement; errors 22004, 42P01, 3F000, 42602, 42809, 0A000 for a JSON null, 54000 beyond 1 GB, and those of SELECT)';

CREATE FUNCTION fetch_count(
    target regclass,        -- table, partitioned or foreign table, view
    condition text,         -- one SQL expression, with $1...$n
    VARIADIC args text[]    -- values of $1...$n, without types of their own
) RETURNS bigint            -- the rows for which it is true, exactly
AS 'MODULE_PATHNAME', 'fetch_count'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count(regclass, text, text[]) IS
'returns the exact number of rows for which one SQL expression is true, as count(*) with WHERE under the snapshot of the calling statement; args are bound to $1...$n, each takes the type of its context (rule: count(*); errors 22004, 42601, 42809, and those of count(*))';

CREATE FUNCTION fetch_count_estimate(
    target regclass         -- table, partitioned or foreign table, view
) RETURNS bigint            -- how many rows the planner expects
AS 'MODULE_PATHNAME', 'fetch_count_estimate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count_estimate(regclass) IS
'returns how many rows the planner expects a relation to have, from statistics and its size, without reading it: no count (rule: the rows of EXPLAIN; errors 22004, 42809, and those of planning count(*))';

CREATE FUNCTION fetch_count_estimate(
    target regclass,        -- table, partitioned or foreign table, view
    condition text          -- one SQL expression
) RETURNS bigint            -- how many rows the planner expects
AS 'MODULE_PATHNAME', 'fetch_count_estimate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count_estimate(regclass, text) IS
'returns for how many rows the planner expects one SQL expression to be true, from statistics, without reading them: no count (rule: the rows of EXPLAIN; errors 22004, 42601, 42809, and those of planning count(*))';

CREATE FUNCTION fetch_count_estimate(
    target regclass,        -- table, partitioned or foreign table, view
    condition text,         -- one SQL expression, with $1...$n
    VARIADIC args "any"     -- values of $1...$n
) RETURNS bigint            -- how many rows the planner expects
AS 'MODULE_PATHNAME', 'fetch_count_estimate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count_estimate(regclass, text, "any") IS
'returns for how many rows the planner expects one SQL expression to be true, from statistics, without reading them: no count; args are bound to $1...$n, a bare literal takes the type of its context (rule: the rows of EXPLAIN; errors 22004, 42601, 42809, and those of planning count(*))';

CREATE FUNCTION fetch_count_estimate(
    target regclass,        -- table, partitioned or foreign table, view
    condition text,         -- one SQL expression, with $1...$n
    VARIADIC args text[]    -- values of $1...$n, without types of their own
) RETURNS bigint            -- how many rows the planner expects
AS 'MODULE_PATHNAME', 'fetch_count_estimate'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count_estimate(regclass, text, text[]) IS
'returns for how many rows the planner expects one SQL expression to be true, from statistics, without reading them: no count; args are bound to $1...$n, each takes the type of its context (rule: the rows of EXPLAIN; errors 22004, 42601, 42809, and those of planning count(*))';

----------------------------------------------------------------
-- clean/: empty tables and sequences
----------------------------------------------------------------

CREATE FUNCTION set_seqs_max(
    tables text[],                     -- in SQL's spelling; search_path applies
    forward_only boolean DEFAULT false -- never set one back
) RETURNS TABLE (
    seq regclass,                      -- a sequence that their columns use
    target_table regclass,             -- the table and the column whose value
    column_name name,                  -- it stands at
    last_value bigint                  -- the sequence's last value then
)
AS 'MODULE_PATHNAME', 'set_seqs_max'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION set_seqs_max(text[], boolean) IS
'sets all sequences that columns of some tables use (identity, serial, a default that calls nextval) to what the greatest values of these columns need, as set_seq_max sets one, and returns them; not undone by ROLLBACK (rule: setval; errors 22004, 42P01, 3F000, 42602, 42809, 22003, 42501, 25006)';

----------------------------------------------------------------
-- clean/: saved tables
----------------------------------------------------------------

CREATE FUNCTION save_tables(
    tables text[],   -- in SQL's spelling; search_path applies
    schema_name name -- where the rows are kept; made if there is none
) RETURNS text[]     -- the tables saved: quoted, sorted
AS 'MODULE_PATHNAME', 'save_tables'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION save_tables(text[], name) IS
'keeps the rows of tables, of their children and partitions, and the positions of the sequences that they own, in ordinary tables of a schema, in place of what was saved there before; returns the tables, sorted (rule: TRUNCATE for which tables, CREATE TABLE (LIKE) for the copies; errors 22023, 22004, 42P01, 3F000, 42602, 42809, 42501, 0A000, 2BP01, 42P06, 55000, 55006, 25006)';

CREATE FUNCTION restore_tables(
    schema_name name -- where save_tables has kept the rows
) RETURNS text[]     -- those that had changed: quoted, sorted
AS 'MODULE_PATHNAME', 'restore_tables'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION restore_tables(name) IS
'makes saved tables hold exactly the saved rows again, and their sequences stand where they stood, at the price of what has changed, without triggers; returns the tables that had changed, sorted (rule: TRUNCATE and INSERT of the saved rows; errors 22003, 22004, 3F000, 42501, 0A000, 55006, 25006; 55000 if there are no saved tables or they were defined otherwise, and those of the constraints that saved rows violate)';

----------------------------------------------------------------
-- What is replaced
----------------------------------------------------------------

-- Functions that take more arguments now.  What is bound to an old one (a view,
-- a default, a body of SQL's own syntax) cannot be kept.  Owners and privileges
-- go over to the function that begins with the same arguments: in the catalogs,
-- since a GRANT here would count as the extension's own, and not be dumped.

DO LANGUAGE plpgsql $replace$
DECLARE
    replaced CONSTANT pg_catalog.oid[] := ARRAY[
        'insert_many(regclass, jsonb, text)',
        'insert_many(regclass, json, text)',
        'insert_many(regclass, text, text)',
        'insert_one(regclass, jsonb, text[], text)',
        'insert_returning(regclass, jsonb, text[], text)',
        'upsert_many(regclass, jsonb, text[], text[], text[])',
        'upsert_many(regclass, json, text[], text[], text[])',
        'upsert_many(regclass, text, text[], text[], text[])',
        'insert_csv(regclass, text, text[], text, text, text, text, text, text)',
        'insert_csv_text(regclass, text, text[], text, text, text, text, text)'
    ]::pg_catalog.regprocedure[];
    catalog CONSTANT pg_catalog.oid := 'pg_catalog.pg_proc'::pg_catalog.regclass;
    database pg_catalog.oid;
    dependents pg_catalog.text;
    old_function pg_catalog.pg_proc;
    new_function pg_catalog.pg_proc;
BEGIN
    -- the schema's owner may have made operators there
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

    SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('%s uses %s',
            CASE WHEN r.rulename = '_RETURN'
                THEN pg_catalog.pg_describe_object(
                    'pg_catalog.pg_class'::pg_catalog.regclass, r.ev_class, 0)
                ELSE pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
            END, pg_catalog.pg_describe_object(catalog, d.refobjid, 0)), E'\n')
    INTO dependents
    FROM pg_catalog.pg_depend d
    LEFT JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
        AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    WHERE d.refclassid = catalog AND d.refobjid = ANY (replaced);
    IF dependents IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'dependent_objects_still_exist',
            MESSAGE = 'other objects use functions of pgsync 1.0.0 that version 2.0.0 replaces',
            DETAIL = dependents,
            HINT = 'Save the definitions of these objects (pg_get_viewdef, pg_get_functiondef), drop them, run ALTER EXTENSION pgsync UPDATE, and create them again as they were.';
    END IF;

    SELECT oid INTO STRICT database
    FROM pg_catalog.pg_database
    WHERE datname = pg_catalog.current_database();
    FOR old_function IN
        SELECT * FROM pg_catalog.pg_proc WHERE oid = ANY (replaced)
    LOOP
        SELECT * INTO STRICT new_function
        FROM pg_catalog.pg_proc
        WHERE proname = old_function.proname
            AND pronamespace = old_function.pronamespace
            AND oid <> old_function.oid
            AND pg_catalog.starts_with(proargtypes::pg_catalog.text,
                pg_catalog.concat(old_function.proargtypes, ' '));
        EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO %I',
            new_function.oid::pg_catalog.regprocedure,
            pg_catalog.pg_get_userbyid(old_function.proowner));
        DELETE FROM pg_catalog.pg_shdepend
        WHERE dbid = database AND classid = catalog
            AND objid = new_function.oid AND deptype = 'a';
        UPDATE pg_catalog.pg_shdepend SET objid = new_function.oid
        WHERE dbid = database AND classid = catalog
            AND objid = old_function.oid AND deptype = 'a';
        UPDATE pg_catalog.pg_proc SET proacl = old_function.proacl
        WHERE oid = new_function.oid;
        EXECUTE pg_catalog.format('DROP FUNCTION %s',
            old_function.oid::pg_catalog.regprocedure);
    END LOOP;
END
$replace$;
