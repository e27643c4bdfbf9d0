/* pgsync--1.0.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pgsync" to load this file. \quit

----------------------------------------------------------------
-- insert.c: rows from JSON
----------------------------------------------------------------

----------------------------------------------------------------
-- csv.c: rows from CSV
----------------------------------------------------------------

----------------------------------------------------------------
-- fetch.c, count.c: queries as objects, exact counts
----------------------------------------------------------------

-- The caller's statement may do anything: VOLATILE, PARALLEL UNSAFE.

CREATE FUNCTION fetch_all(
    query text              -- one statement that returns rows
) RETURNS SETOF jsonb       -- an object a row
AS 'MODULE_PATHNAME', 'fetch_all'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000;

COMMENT ON FUNCTION fetch_all(text) IS
'rows of any statement that returns rows, each as an object as to_jsonb makes it; duplicate column names are an error';

CREATE FUNCTION fetch_all(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args "any"     -- values of $1...$n
) RETURNS SETOF jsonb       -- an object a row
AS 'MODULE_PATHNAME', 'fetch_all'
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 1000;

COMMENT ON FUNCTION fetch_all(text, "any") IS
'rows of any statement that returns rows, each as an object as to_jsonb makes it; args are bound to $1...$n, bare literals take the type of their context';

CREATE FUNCTION fetch_one(
    query text              -- one statement that returns rows
) RETURNS jsonb             -- its first row, NULL if there is none
AS 'MODULE_PATHNAME', 'fetch_one'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_one(text) IS
'first row of a statement as an object, NULL if there is none; errors as for fetch_all';

CREATE FUNCTION fetch_one(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args "any"     -- values of $1...$n
) RETURNS jsonb             -- its first row, NULL if there is none
AS 'MODULE_PATHNAME', 'fetch_one'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_one(text, "any") IS
'first row of a statement as an object, NULL if there is none; args are bound to $1...$n; errors as for fetch_all';

CREATE FUNCTION fetch_one_required(
    query text              -- one statement that returns rows
) RETURNS jsonb             -- its first row
AS 'MODULE_PATHNAME', 'fetch_one_required'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_one_required(text) IS
'first row of a statement as an object; no row is error P0002 (no_data_found), as for SELECT INTO STRICT in PL/pgSQL';

CREATE FUNCTION fetch_one_required(
    query text,             -- one statement that returns rows, with $1...$n
    VARIADIC args "any"     -- values of $1...$n
) RETURNS jsonb             -- its first row
AS 'MODULE_PATHNAME', 'fetch_one_required'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_one_required(text, "any") IS
'first row of a statement as an object; args are bound to $1...$n; no row is error P0002 (no_data_found), as for SELECT INTO STRICT in PL/pgSQL';

-- A condition may be volatile, and a function that is not VOLATILE would be
-- evaluated while its caller is planned: VOLATILE.  Whatever the marking, the
-- count sees what its calling statement sees, as count(*) in its place would.

CREATE FUNCTION fetch_count(
    target regclass         -- table, partitioned or foreign table, view
) RETURNS bigint            -- its rows, exactly
AS 'MODULE_PATHNAME', 'fetch_count'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count(regclass) IS
'exact number of rows, as count(*) under the snapshot of the calling statement; privileges and errors as for count(*)';

CREATE FUNCTION fetch_count(
    target regclass,        -- table, partitioned or foreign table, view
    condition text          -- one SQL expression; NULL counts every row
) RETURNS bigint            -- the rows for which it is true, exactly
AS 'MODULE_PATHNAME', 'fetch_count'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count(regclass, text) IS
'exact number of rows for which one SQL expression is true, as count(*) with WHERE';

CREATE FUNCTION fetch_count(
    target regclass,        -- table, partitioned or foreign table, view
    condition text,         -- one SQL expression, with $1...$n
    VARIADIC args "any"     -- values of $1...$n
) RETURNS bigint            -- the rows for which it is true, exactly
AS 'MODULE_PATHNAME', 'fetch_count'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION fetch_count(regclass, text, "any") IS
'exact number of rows for which one SQL expression is true, as count(*) with WHERE; args are bound to $1...$n';

----------------------------------------------------------------
-- tables.c, sequence.c: emptying tables, setting sequences
----------------------------------------------------------------

----------------------------------------------------------------
-- database.c: dropping a database
----------------------------------------------------------------
