/* pgsync--1.0.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pgsync" to load this file. \quit

----------------------------------------------------------------
-- insert.c: rows from JSON
----------------------------------------------------------------

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                  -- an array of objects, or one object
    on_conflict text DEFAULT NULL   -- one ON CONFLICT clause; the target is t
) RETURNS bigint                -- rows inserted or updated
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_jsonb';

COMMENT ON FUNCTION insert_many(regclass, jsonb, text) IS
'insert rows given as an array of objects, or one object; a jsonb value; keys are column names, a missing key takes the column''s DEFAULT; means one INSERT; returns the number of rows inserted or updated';

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data json,                   -- the same; read as a stream
    on_conflict text DEFAULT NULL   -- one ON CONFLICT clause; the target is t
) RETURNS bigint                -- rows inserted or updated
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_json';

COMMENT ON FUNCTION insert_many(regclass, json, text) IS
'insert rows given as an array of objects, or one object; read as a stream; keys are column names, a missing key takes the column''s DEFAULT; means one INSERT; returns the number of rows inserted or updated';

CREATE FUNCTION insert_many(
    target regclass,            -- table, partitioned or foreign table, or view
    data text,                   -- the same, or JSON Lines; read as a stream
    on_conflict text DEFAULT NULL   -- one ON CONFLICT clause; the target is t
) RETURNS bigint                -- rows inserted or updated
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_many_text';

COMMENT ON FUNCTION insert_many(regclass, text, text) IS
'insert rows given as JSON array, one JSON object, or JSON Lines; read as a stream; keys are column names, a missing key takes the column''s DEFAULT; means one INSERT; returns the number of rows inserted or updated';

CREATE FUNCTION insert_one(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- one object; its keys are column names
    return_columns text[] DEFAULT NULL, -- columns to return; * is all of them
    on_conflict text DEFAULT NULL   -- one ON CONFLICT clause; the target is t
) RETURNS jsonb                 -- the columns asked for, or NULL
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_one';

COMMENT ON FUNCTION insert_one(regclass, jsonb, text[], text) IS
'insert one JSON object as a row; returns the columns named in return_columns as an object, NULL without return_columns or when the conflict clause skipped the row';

CREATE FUNCTION insert_returning(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- an array of objects, or one object
    return_columns text[] DEFAULT '{*}',    -- columns to return; * is all
    on_conflict text DEFAULT NULL   -- one ON CONFLICT clause; the target is t
) RETURNS SETOF jsonb           -- an object for each row inserted or updated
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'insert_returning';

COMMENT ON FUNCTION insert_returning(regclass, jsonb, text[], text) IS
'insert rows given as a JSON array of objects and return the named columns of each row inserted or updated as an object, in input order';

CREATE FUNCTION upsert_many(
    target regclass,            -- table, partitioned table or simple view
    data jsonb,                  -- an array of objects, or one object
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL   -- jsonb columns merged with ||
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint              -- rows that were there and have been updated
)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'upsert_many_jsonb';

COMMENT ON FUNCTION upsert_many(regclass, jsonb, text[], text[], text[]) IS
'insert rows given as JSON, or update those whose key is there: a row updates only the columns it names, rows apply in turn; returns how many were inserted and updated';

CREATE FUNCTION upsert_many(
    target regclass,            -- table, partitioned table or simple view
    data json,                   -- the same; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL   -- jsonb columns merged with ||
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint              -- rows that were there and have been updated
)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'upsert_many_json';

COMMENT ON FUNCTION upsert_many(regclass, json, text[], text[], text[]) IS
'insert rows given as JSON, or update those whose key is there: a row updates only the columns it names, rows apply in turn; returns how many were inserted and updated';

CREATE FUNCTION upsert_many(
    target regclass,            -- table, partitioned table or simple view
    data text,                   -- the same, or JSON Lines; read as a stream
    key_columns text[] DEFAULT NULL,    -- a unique key; NULL: the primary key
    update_columns text[] DEFAULT NULL, -- may be overwritten; NULL: all others
    merge_columns text[] DEFAULT NULL   -- jsonb columns merged with ||
) RETURNS TABLE (
    inserted bigint,            -- rows that were new
    updated bigint              -- rows that were there and have been updated
)
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'MODULE_PATHNAME', 'upsert_many_text';

COMMENT ON FUNCTION upsert_many(regclass, text, text[], text[], text[]) IS
'insert rows given as JSON, or update those whose key is there: a row updates only the columns it names, rows apply in turn; returns how many were inserted and updated';

CREATE FUNCTION get_insert_data(
    target regclass,            -- table, partitioned or foreign table, or view
    data jsonb,                 -- an array of objects with the same keys
    OUT query text,             -- INSERT INTO ... VALUES ($1, ...)
    OUT "values" jsonb          -- an array of the rows' parameter arrays
) RETURNS record
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'get_insert_data';

COMMENT ON FUNCTION get_insert_data(regclass, jsonb) IS
'return the parameterised INSERT statement for rows given as JSON, and its values as an array of arrays in the order of the parameters; runs nothing';

----------------------------------------------------------------
-- csv.c: rows from CSV
----------------------------------------------------------------

----------------------------------------------------------------
-- fetch.c, count.c: queries as objects, exact counts
----------------------------------------------------------------

----------------------------------------------------------------
-- tables.c, sequence.c: emptying tables, setting sequences
----------------------------------------------------------------

----------------------------------------------------------------
-- database.c: dropping a database
----------------------------------------------------------------

CREATE FUNCTION drop_db(
    db_name name, -- the database to drop
    force boolean DEFAULT false -- end the connections to it first
)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'drop_db';

COMMENT ON FUNCTION drop_db(name, boolean) IS
'drops a database, for good: ROLLBACK does not bring it back; works inside a function or transaction; false if there is no such database; privileges and errors are those of DROP DATABASE';
