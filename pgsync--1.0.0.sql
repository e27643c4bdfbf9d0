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
