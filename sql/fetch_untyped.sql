-- Arguments without a type: what a driver sends for a parameter that it gives
-- no type, or sends as text, takes the type of its context in the query
CREATE SCHEMA untyped;
SET search_path = untyped, public;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE people (id integer PRIMARY KEY, name text, m mood, born date, tags text[], doc jsonb);
INSERT INTO people VALUES (1, 'Ann', 'ok', '1980-05-17', '{a,b}', '{"k": 1}'), (2, 'Bob', 'sad', NULL, NULL, NULL);

-- the types that a parameter without one gets: text[] for the rest
PREPARE q_all AS SELECT fetch_all('SELECT id FROM people WHERE id >= $1 AND m = $2', $1, $2);
PREPARE q_one AS SELECT fetch_one('SELECT name FROM people WHERE born = $1', $1);
PREPARE q_required AS SELECT fetch_one_required('SELECT name FROM people WHERE tags @> $1', $1);
PREPARE q_json AS SELECT fetch_json('SELECT name FROM people WHERE doc = $1', $1);
PREPARE q_count AS SELECT fetch_count('people', 'id = $1 OR name = $2', $1, $2);
SELECT name, parameter_types FROM pg_prepared_statements WHERE name LIKE 'q\_%' ORDER BY name;
EXECUTE q_all('1', 'ok');
EXECUTE q_one('1980-05-17');
EXECUTE q_required('{b}');
EXECUTE q_json('{"k":1}');
EXECUTE q_count('2', 'Ann');
EXECUTE q_all(NULL, 'ok');
EXECUTE q_count(NULL, 'Ann');
EXECUTE q_all('one', 'ok');
EXECUTE q_all('1', 'angry');
-- the statement is one text, whatever the values are
EXECUTE q_count('2', $$' OR true --$$);
-- the text may be a parameter, too
PREPARE q_text AS SELECT fetch_one($1, $2);
EXECUTE q_text('SELECT $1::int + 1 AS n', '41');

--
-- Which form an argument of each type takes: only text[] knows no types
--
CREATE FUNCTION form(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    form text;
BEGIN
    EXECUTE format('CREATE TEMP VIEW called AS SELECT %s AS x', call);
    SELECT CASE p.provariadic WHEN 'text'::regtype THEN 'text[]' ELSE '"any"' END INTO form
    FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
    WHERE r.ev_class = 'called'::regclass AND p.proname LIKE 'fetch%';
    DROP VIEW called;
    RETURN form;
EXCEPTION WHEN others THEN
    RETURN SQLERRM;
END $$;
SET client_min_messages = warning;
SELECT args, form(format('fetch_one(''SELECT'', %s)', args)) AS fetch_one,
       form(format('fetch_count(''people'', ''true'', %s)', args)) AS fetch_count,
       form(format('fetch_json(''SELECT'', %s)', args)) AS fetch_json
FROM (VALUES ('''x'''), ('''x''::text'), ('''x''::varchar'), ('''x''::name'), ('NULL'),
             ('NULL, ''x'''), ('''x''::char(3)'), ('''x'', ''y''::varchar, ''z''::name, NULL'),
             ('1'), ('1, ''x'''), ('''x'', 1.5'), ('''x'', ''y'', NULL::date'), ('true'), ('''x''::bytea'),
             ('''{}''::jsonb'), ('ARRAY[1]'), ('ARRAY[''x'']'), ('''sad''::mood'), ('now()'),
             ('VARIADIC ARRAY[''x'']'), ('VARIADIC ARRAY[1]'), ('VARIADIC ''{x}''::text[]'),
             ('VARIADIC NULL::text[]'), ('VARIADIC ''{x}''::varchar[]')) v(args);
RESET client_min_messages;

--
-- Values
--
-- the context's type, text where there is none
SELECT fetch_one('SELECT pg_typeof($1) AS a, pg_typeof($2 + 1) AS b, pg_typeof($3::mood) AS c, pg_typeof($4) AS d',
                 'x', '1'::text, 'ok'::varchar, NULL);
SELECT fetch_one('SELECT $1 AS a, $2::date AS b, $3::int[] AS c, $4::jsonb AS d, $5 AS e, $6::bytea AS f',
                 'text', '2024-01-02', '{1,2}', '{"a": 1}', NULL, '\x00ff');
SELECT fetch_one('SELECT name FROM people WHERE id = $1', '2'::text);
SELECT fetch_all('SELECT id FROM people ORDER BY id LIMIT $1', '1'::varchar);
SELECT fetch_one('SELECT count(*) FROM people WHERE id = ANY ($1)', '{1,2,3}'::text);
SELECT fetch_count('people', 'id IN ($1, $2)', '1', '2');
SELECT fetch_one('INSERT INTO people (id, m, tags) VALUES ($1, $2, $3) RETURNING id, m, tags', '3', 'ok', '{"x y",NULL}');
-- an argument that has another type than its context is compared as it is
SELECT fetch_one('SELECT name FROM people WHERE id = $1', 2::bigint);
-- VARIADIC arrays
SELECT fetch_one('SELECT $1::int + $2::int AS sum', VARIADIC ARRAY['40', '2']);
SELECT fetch_one('SELECT $1::int AS a, $2 AS b', VARIADIC ARRAY['40', NULL]);
SELECT fetch_one('SELECT 1 AS a', VARIADIC '{}'::text[]);
SELECT fetch_one('SELECT 1 AS a', VARIADIC NULL::text[]);
SELECT fetch_count('people', 'id = $1', VARIADIC ARRAY['1']);
SELECT fetch_one('SELECT $1::int + $2::int + $3::int + $4::int AS sum', VARIADIC '{{1,2},{3,4}}'::text[]);
-- long values, and many
SELECT fetch_one('SELECT length($1) AS n', repeat('x', 1000000));
SELECT fetch_one((SELECT 'SELECT ' || string_agg('$' || i || '::int', ' + ') || ' AS sum' FROM generate_series(1, 500) i),
                 VARIADIC (SELECT array_agg(i::text) FROM generate_series(1, 500) i));

--
-- Errors
--
SELECT fetch_one('SELECT $1, $2', 'a');
SELECT fetch_one('SELECT $1', 'a', 'b');
SELECT fetch_one('SELECT 1', 'a');
SELECT fetch_one('SELECT $1', VARIADIC NULL::text[]);
SELECT fetch_count('people', 'id = $2', 'a');
SELECT fetch_count('people', NULL, 'a');
SELECT fetch_json('SELECT 1', VARIADIC ARRAY['a', 'b']);
SELECT fetch_all('SELECT id FROM people WHERE id = $1', 'one'::text);
SELECT fetch_count('people', 'born = $1', '2024-02-30');
SELECT fetch_one('SELECT nosuch FROM people WHERE id = $1', '1');
-- the two that need a cast: among typed arguments, and an array behind VARIADIC
PREPARE mixed AS SELECT fetch_one('SELECT $1::int + $2 AS n', $1, 1);
PREPARE mixed_cast AS SELECT fetch_one('SELECT $1::int + $2 AS n', $1::text, 1);
EXECUTE mixed_cast('41');
PREPARE unpacked AS SELECT fetch_one('SELECT $1::int AS n', VARIADIC $1);
PREPARE unpacked_cast AS SELECT fetch_one('SELECT $1::int AS n', VARIADIC $1::text[]);
EXECUTE unpacked_cast('{41}');

DEALLOCATE ALL;
SET client_min_messages = warning;
DROP SCHEMA untyped CASCADE;
