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

----------------------------------------------------------------
-- tables.c, sequence.c: emptying tables, setting sequences
----------------------------------------------------------------

CREATE FUNCTION get_tables(
    schemas text[],                     -- names of schemas
    ignored_tables text[] DEFAULT NULL  -- tables to leave out, in SQL's
                                        -- spelling, with or without a schema
) RETURNS text[]                        -- quoted, schema-qualified, sorted
AS 'MODULE_PATHNAME', 'get_tables'
LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION get_tables(text[], text[]) IS
'lists the ordinary and partitioned tables of some schemas, schema-qualified, quoted and sorted, as clean_tables takes them; leaves out temporary tables, those of an extension, ignored ones and what could not be emptied without them; a missing schema has no tables (rule: pg_tables; errors 22004, 42602)';

CREATE FUNCTION clean_tables(
    tables text[],                       -- in SQL's spelling; search_path
                                         -- applies
    reset_seq boolean DEFAULT true,      -- restart the sequences they own
    "cascade" boolean DEFAULT true,      -- also what references them
    protected_tables text[] DEFAULT NULL -- fail rather than empty these
) RETURNS text[]                         -- those that had rows or a moved
                                         -- sequence: quoted, sorted
AS 'MODULE_PATHNAME', 'clean_tables'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION clean_tables(text[], boolean, boolean, text[]) IS
'empties tables with the meaning of TRUNCATE [RESTART IDENTITY] [CASCADE], at the price of those that have rows or a moved sequence, and returns these, sorted (rule: TRUNCATE; errors 42P01, 3F000, 42602, 22004, 42809, 42501, 0A000, 55006, 25006; 55000 if a protected table would be emptied)';

CREATE FUNCTION set_seq_max(
    seq regclass,                      -- the sequence
    target regclass,                   -- the table it fills
    column_name name DEFAULT NULL,     -- NULL: the column that uses it, or id
    forward_only boolean DEFAULT false -- never set it back
) RETURNS bigint                       -- the sequence's last value then
AS 'MODULE_PATHNAME', 'set_seq_max'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

COMMENT ON FUNCTION set_seq_max(regclass, regclass, name, boolean) IS
'sets a sequence to the greatest value of the column it fills (descending: the least), or to its start if there is none, and returns its last value; not undone by ROLLBACK (rule: setval; errors 22004, 42P01, 42809, 42703, 42702, 42804, 22003, 42501, 25006)';

----------------------------------------------------------------
-- database.c: dropping a database
----------------------------------------------------------------
