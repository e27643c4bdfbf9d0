/* pgsync--1.0.0--2.0.0.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION pgsync UPDATE TO '2.0.0'" to load this file. \quit

----------------------------------------------------------------
-- insert/: rows from JSON
----------------------------------------------------------------

DROP FUNCTION insert_many(regclass, jsonb, text);

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- an array of objects, or one object
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_jsonb_2_0';

COMMENT ON FUNCTION insert_many(regclass, jsonb, text, text) IS
'inserts an array of objects, or one object, as rows (a jsonb value): keys are column names, a missing key takes the column''s DEFAULT; returns how many rows were inserted or updated (rule: INSERT, jsonb_populate_record; errors 22004, 22023, 22P02, 42601, 42703, 42809, 25006 and those of INSERT, with row and column)';

DROP FUNCTION insert_many(regclass, json, text);

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                 -- the same; read as a stream
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_json_2_0';

COMMENT ON FUNCTION insert_many(regclass, json, text, text) IS
'inserts an array of objects, or one object, as rows (a json value, read as a stream): keys are column names, a missing key takes the column''s DEFAULT; returns how many rows were inserted or updated (rule: INSERT, jsonb_populate_record; errors 22004, 22023, 22P02, 42601, 42703, 42809, 25006 and those of INSERT, with row and column)';

DROP FUNCTION insert_many(regclass, text, text);

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                 -- the same, or JSON Lines; read as a stream
    on_conflict text DEFAULT NULL,  -- one ON CONFLICT clause; the target is t
    overriding text DEFAULT NULL    -- 'system' or 'user': for identity columns
) RETURNS bigint                -- rows inserted or updated
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_text_2_0';

COMMENT ON FUNCTION insert_many(regclass, text, text, text) IS
'inserts an array of objects, or one object, as rows (JSON or JSON Lines as text, read as a stream): keys are column names, a missing key takes the column''s DEFAULT; returns how many rows were inserted or updated (rule: INSERT, jsonb_populate_record; errors 22004, 22023, 22P02, 42601, 42703, 42809, 25006 and those of INSERT, with row and column)';

----------------------------------------------------------------
-- source/: where rows come from
----------------------------------------------------------------

----------------------------------------------------------------
-- insert/: CSV
----------------------------------------------------------------

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
'updates rows by key (a JSON or JSON Lines as text, read as a stream): each row sets only the columns that it names, of equal keys the later wins, rows are written in the order of their keys; returns how many rows were updated, how many left as they were, and how many keys no row has (rule: UPDATE ... FROM; errors 22004, 22023, 22P02, 42701, 42703, 42804, 42809, 42883, 0A000, P0002 and those of UPDATE, with the row)';

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
'deletes rows by key (a JSON or JSON Lines as text, read as a stream): where the key is one column, bare values stand for objects, other columns are ignored; returns how many rows were deleted (rule: DELETE ... USING; errors 22004, 22023, 22P02, 42701, 42703, 42809, 42883, 0A000 and those of DELETE)';

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
'inserts the rows of several tables, parents first by their foreign keys, one INSERT a table: {"author": [{"name": "x", "book": [{"title": "y"}]}]} (a jsonb value); rows nested in another table''s row take their foreign key from it, an object in the place of a foreign key''s column is looked up; returns how many rows went into each table (rule: INSERT; errors 42P01, 42809, 42P17, 42P10, 42830, 21000, 23503 and those of insert_many)';

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
'inserts the rows of several tables, parents first by their foreign keys, one INSERT a table: {"author": [{"name": "x", "book": [{"title": "y"}]}]} (a json value, never made a jsonb); rows nested in another table''s row take their foreign key from it, an object in the place of a foreign key''s column is looked up; returns how many rows went into each table (rule: INSERT; errors 42P01, 42809, 42P17, 42P10, 42830, 21000, 23503 and those of insert_many)';

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
'inserts the rows of several tables, parents first by their foreign keys, one INSERT a table: {"author": [{"name": "x", "book": [{"title": "y"}]}]} (JSON as text); rows nested in another table''s row take their foreign key from it, an object in the place of a foreign key''s column is looked up; returns how many rows went into each table (rule: INSERT; errors 42P01, 42809, 42P17, 42P10, 42830, 21000, 23503 and those of insert_many)';

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

CREATE FUNCTION fetch_count(
    target regclass,        -- table, partitioned or foreign table, view
    condition text,         -- one SQL expression, with $1...$n
    VARIADIC args text[]    -- values of $1...$n, without types of their own
) RETURNS bigint            -- the rows for which it is true, exactly
AS 'MODULE_PATHNAME', 'fetch_count'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count(regclass, text, text[]) IS
'returns the exact number of rows for which one SQL expression is true, as count(*) with WHERE under the snapshot of the calling statement; args are bound to $1...$n, each takes the type of its context (rule: count(*); errors 22004, 42601, 42809, and those of count(*))';

----------------------------------------------------------------
-- clean/: empty tables and sequences
----------------------------------------------------------------

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
'keeps the rows of tables, of their children and partitions, and the positions of the sequences that they own, in ordinary tables of a schema, in place of what was saved there before; returns the tables, sorted (rule: TRUNCATE for which tables, CREATE TABLE (LIKE) for the copies; errors 22023, 22004, 42P01, 3F000, 42602, 42809, 42501, 0A000, 42P06, 55006, 25006)';

CREATE FUNCTION restore_tables(
    schema_name name -- where save_tables has kept the rows
) RETURNS text[]     -- those that had changed: quoted, sorted
AS 'MODULE_PATHNAME', 'restore_tables'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION restore_tables(name) IS
'makes saved tables hold exactly the saved rows again, and their sequences stand where they stood, at the price of what has changed, without triggers; returns the tables that had changed, sorted (rule: TRUNCATE and INSERT of the saved rows; errors 22004, 3F000, 42501, 0A000, 55006, 25006; 55000 if there are no saved tables or they were defined otherwise, and those of the constraints that saved rows violate)';
