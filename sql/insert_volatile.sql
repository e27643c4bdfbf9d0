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

DROP TABLE plain, stored;
DROP PROCEDURE run_both(text);
DROP TYPE small_holder, outer_holder, holder;
DROP DOMAIN small, limited;
DROP FUNCTION fewer_than_three(int);
