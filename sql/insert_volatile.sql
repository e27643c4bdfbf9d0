-- Volatile functions that only a type leads to: they see the rows before.
SET statement_timeout = '20s';
CREATE TABLE stored (a int);
CREATE FUNCTION fewer_than_three(int) RETURNS boolean VOLATILE LANGUAGE plpgsql AS
$$BEGIN RETURN (SELECT count(*) FROM stored) < 3; END$$;
CREATE DOMAIN limited AS int CHECK (fewer_than_three(VALUE));
CREATE TYPE holder AS (v limited);
CREATE TYPE outer_holder AS (h holder[]);

-- runs INSERT and insert_many of four rows, and shows how each ends
CREATE PROCEDURE run_both(definition text) LANGUAGE plpgsql AS $$
DECLARE
    ways text[] := ARRAY['INSERT INTO stored(a) VALUES (1), (2), (3), (4)',
        $q$SELECT insert_many('stored', '[{"a":1},{"a":2},{"a":3},{"a":4}]')$q$];
    how text;
BEGIN
    FOREACH how IN ARRAY ways LOOP
        DROP TABLE stored;
        EXECUTE 'CREATE TABLE stored (a int, ' || definition || ')';
        BEGIN
            EXECUTE how;
            RAISE INFO '%: stored', split_part(how, ' ', 1);
        EXCEPTION WHEN check_violation THEN
            RAISE INFO '%: %', split_part(how, ' ', 1), sqlerrm;
        END;
    END LOOP;
END$$;

\set VERBOSITY terse
-- a text read by a type's input function
CALL run_both('CHECK ((''('' || a || '')'')::holder IS NOT NULL)');
CALL run_both('CHECK ((''{'' || a || ''}'')::limited[] IS NOT NULL)');
CALL run_both('CHECK ((''("{('' || a || '')}")'')::outer_holder IS NOT NULL)');
-- a cast of each element
CALL run_both('CHECK (ARRAY[a]::limited[] IS NOT NULL)');
-- a function that fills a row type
CALL run_both('CHECK (jsonb_populate_record(NULL::holder, jsonb_build_object(''v'', a)) IS NOT NULL)');
-- a row type's fields
CALL run_both('CHECK (ROW(a)::holder IS NOT NULL)');
-- in a default
CALL run_both('b text DEFAULT jsonb_populate_record(NULL::holder, ''{"v": 1}'')::text');
CALL run_both('b text DEFAULT concat(''{1'', NULL, ''}'')::limited[]::text');
-- what cannot look at a table need not go row by row
SET client_min_messages = debug1;
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE TYPE small_holder AS (v small);
CREATE TABLE plain (a int, CHECK (('(' || a || ')')::small_holder IS NOT NULL));
SELECT insert_many('plain', '[{"a": 1}, {"a": 2}]');
RESET client_min_messages;
\set VERBOSITY default

-- Indexes, partition keys and generated columns are made of immutable
-- functions, but a domain in them may bring in others: those see what they see
-- when rows are inserted one by one.
DROP TABLE plain, stored;
CREATE TABLE stored (a int);
CREATE TABLE seen (way text, a int, nrows bigint);
CREATE FUNCTION note(v int) RETURNS boolean VOLATILE LANGUAGE plpgsql AS
$$BEGIN
    INSERT INTO seen SELECT current_setting('pgsync_test.way', true), v, count(*) FROM stored;
    RETURN true;
END$$;
CREATE DOMAIN noted AS int CHECK (note(VALUE));
CREATE TYPE noted_holder AS (v noted);
CREATE PROCEDURE compare(VARIADIC definition text[]) LANGUAGE plpgsql AS $$
DECLARE
    ways text[] := ARRAY['INSERT INTO stored(a) VALUES (1), (11), (2), (12), (3)',
        $q$SELECT insert_many('stored', '[{"a":1},{"a":11},{"a":2},{"a":12},{"a":3}]')$q$];
    how text;
    what text;
BEGIN
    FOREACH how IN ARRAY ways LOOP
        DROP TABLE stored;
        FOREACH what IN ARRAY definition LOOP
            EXECUTE what;
        END LOOP;
        TRUNCATE seen;
        PERFORM set_config('pgsync_test.way', split_part(how, ' ', 1), true);
        EXECUTE how;
        RAISE INFO '%: %', split_part(how, ' ', 1),
            (SELECT string_agg(a || ' sees ' || nrows, ', ' ORDER BY ctid) FROM seen);
    END LOOP;
END$$;
CALL compare('CREATE TABLE stored (a int)', 'CREATE INDEX ON stored ((a::noted))');
CALL compare('CREATE TABLE stored (a int)', 'CREATE INDEX ON stored (a) WHERE a::noted > 0');
CALL compare('CREATE TABLE stored (a int)', 'CREATE INDEX ON stored ((ROW(a)::noted_holder))');
CALL compare('CREATE TABLE stored (a int, b int GENERATED ALWAYS AS (a::noted) STORED)');
CALL compare('CREATE TABLE stored (a int) PARTITION BY LIST ((a::noted))',
    'CREATE TABLE stored_all PARTITION OF stored DEFAULT');
CALL compare('CREATE TABLE stored (a int) PARTITION BY LIST (a)',
    'CREATE TABLE stored_sub PARTITION OF stored DEFAULT PARTITION BY HASH ((a::noted))',
    'CREATE TABLE stored_all PARTITION OF stored_sub FOR VALUES WITH (MODULUS 1, REMAINDER 0)');
-- one leaf's own: the other leaf's rows still are where they were
CALL compare('CREATE TABLE stored (a int) PARTITION BY RANGE (a)',
    'CREATE TABLE stored_low PARTITION OF stored FOR VALUES FROM (0) TO (10)',
    'CREATE TABLE stored_high PARTITION OF stored FOR VALUES FROM (10) TO (20)',
    'CREATE INDEX ON stored_high ((a::noted))');
-- a leaf's bounds
CREATE TABLE parent (a int) PARTITION BY LIST ((a::noted));
CALL compare('CREATE TABLE stored PARTITION OF parent FOR VALUES IN (1, 2, 3, 11, 12)');
DROP TABLE stored, parent, seen;
DROP PROCEDURE compare(text[]);
DROP TYPE noted_holder;
DROP DOMAIN noted;
DROP FUNCTION note(int);
DROP PROCEDURE run_both(text);
DROP TYPE small_holder, outer_holder, holder;
DROP DOMAIN small, limited;
DROP FUNCTION fewer_than_three(int);
