-- fetch_all, fetch_one, fetch_one_required: rows of any statement as objects
\set VERBOSITY terse
SET timezone = 'UTC';
SET datestyle = 'ISO, DMY';
CREATE SCHEMA fetching;
SET search_path = fetching, public;

--
-- Values: what to_jsonb(record) makes of them, for every family of types
--
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (x integer, "Y y" text);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN short_text AS varchar(10);
CREATE DOMAIN moods AS mood[];
-- a type with a cast to json, which to_jsonb must use
CREATE TYPE point3 AS (a float8, b float8, c float8);
CREATE TYPE castable AS ENUM ('one', 'two');
CREATE FUNCTION castable_to_json(castable) RETURNS json
    LANGUAGE sql IMMUTABLE AS $$ SELECT json_build_object('cast', $1::text) $$;
CREATE CAST (castable AS json) WITH FUNCTION castable_to_json(castable);

-- query, whether the objects are to_jsonb's to the byte, and how many
CREATE FUNCTION compare(query text, OUT same boolean, OUT nrows bigint)
LANGUAGE plpgsql AS $$
DECLARE
    expected jsonb[];
    found jsonb[];
BEGIN
    EXECUTE format('SELECT array_agg(to_jsonb(q)) FROM (%s) q', query)
        INTO expected;
    SELECT array_agg(row_object) INTO found
        FROM fetch_all(query) AS row_object;
    same := record_image_eq(ROW(expected), ROW(found));
    nrows := cardinality(found);
    IF NOT same THEN
        RAISE WARNING 'expected %, found %', expected, found;
    END IF;
END $$;

SELECT * FROM compare($$
    SELECT i, i::smallint AS i2, i::bigint * 4000000000 AS i8, i > 1 AS b,
           i::oid AS o, i::text AS t, i::varchar AS vc, i::char(4) AS c4,
           i::text::"char" AS qc, i::text::name AS n, NULL::text AS missing
    FROM (VALUES (0), (1), (-1), (32767), (NULL)) v(i)$$);
SELECT * FROM compare($$
    SELECT n, n::float8 AS f8, n::float4 AS f4, -n AS negative
    FROM (VALUES ('0'::numeric), ('0.00'), ('1.10'), ('-123456789.987654321'),
                 ('1e20'), ('1e-20'), ('0.1'), ('NaN'), ('Infinity'), (NULL))
         v(n)$$);
SELECT * FROM compare($$
    SELECT 10::numeric ^ 400 AS large, 1 / 3.0 AS small,
           12345678901234567890.12345678901234567890 AS digits,
           1e308::float8 AS f8, 5e-324::float8 AS least, 3.4e38::float4 AS f4,
           '-0'::float8 AS minus_zero, 100000000000000000000::float8 AS e20,
           9223372036854775807 AS i8, (-9223372036854775807 - 1) AS i8_min$$);
SELECT * FROM compare($$
    SELECT d::date AS d, d::timestamp AS ts, d::timestamptz AS tstz,
           d::timestamp::time AS t, d::timestamptz::timetz AS ttz
    FROM (VALUES ('2024-02-29 12:34:56.789'), ('0044-03-15 00:00:00 BC'),
                 ('99999-12-31 23:59:59.999999')) v(d)
    UNION ALL
    SELECT i::date, i::timestamp, i::timestamptz, NULL, NULL
    FROM (VALUES ('infinity'), ('-infinity')) v(i)$$);
SELECT * FROM compare($$
    SELECT interval '1 year 2 days 00:00:03.5' AS iv, '12:00'::time AS t,
           '10.0.0.1/8'::inet AS i, '10.0.0.0/8'::cidr AS c,
           '08:00:2b:01:02:03'::macaddr AS mac, '12.34'::float8::text::money AS m,
           '\xdeadbeef'::bytea AS by, B'101' AS bit, B'1'::varbit AS vb,
           'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS u,
           '(1,2)'::point AS p, '<(0,0),1>'::circle AS circle,
           '0/16B3748'::pg_lsn AS lsn, 'pg_class'::regclass AS rc,
           'a & b'::tsquery AS tq, 'a b a'::tsvector AS v,
           '1 2 3'::int2vector AS i2v, '1 2'::oidvector AS ov$$);
SELECT * FROM compare($$
    SELECT '[1,5)'::int4range AS r, '{[1,2),[5,6)}'::int4multirange AS mr,
           daterange('2024-01-01', NULL) AS dr, 'happy'::mood AS m,
           5::positive AS pos, 'abc'::short_text AS st,
           '{sad,ok}'::moods AS ms, 'one'::castable AS cast_to_json$$);
SELECT * FROM compare($$
    SELECT '{}'::int[] AS empty, '{1,NULL,3}'::int[] AS a,
           '{{1,2},{3,4}}'::numeric[] AS aa, '{"a b",NULL,""}'::text[] AS t,
           ARRAY['{"a":1}'::jsonb, '[2]'] AS jbs, ARRAY['1'::json] AS js,
           ARRAY[ROW(1, 'a')::pair, NULL] AS pairs, ARRAY['2024-01-01'::date] AS d,
           '[3:4]={7,8}'::int[] AS bounds, ARRAY['one'::castable] AS casts$$);
SELECT * FROM compare($$
    SELECT ROW(1, 'b')::pair AS p, ROW(NULL, NULL)::pair AS np,
           ROW(1, ROW('x', ARRAY[1.5])) AS r, NULL::pair AS missing,
           ROW(1.5, 'NaN', NULL)::point3 AS p3$$);
SELECT * FROM compare($$
    SELECT j::json AS j, j::jsonb AS jb
    FROM (VALUES ('1'), ('"text"'), ('true'), ('null'), ('[]'), ('{}'),
                 ('[1,[2,{"a":[{}]}],"x"]'), ('{"b":1,"a":{"c":[null]}}'),
                 ('{"twice":1,"twice":2}'), ('1.50'), (NULL)) v(j)$$);
-- strings: quotes, backslashes, control and wide characters, empty, long
SELECT * FROM compare($$
    SELECT s, s::char(5) AS c, s::varchar AS v
    FROM (VALUES (''), ('"'), ('\'), (E'\t\n\u0001'), ('ünïcödé'), ('日本語'), ('😀'),
                 ('null'), (' padded ')) x(s)
    UNION ALL SELECT repeat('long ', 100000), '', ''$$);
-- toasted values read from a table
CREATE TABLE toasted (id integer, t text, jb jsonb, n numeric, a text[]);
ALTER TABLE toasted ALTER t SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT i, repeat(i::text, 5000),
    jsonb_build_object('k', repeat('y', 9000), 'l', jsonb_build_array(i)),
    ('1' || repeat('0', 8000) || '.5')::numeric, ARRAY[repeat('z', 9000)]
FROM generate_series(1, 3) i;
SELECT * FROM compare('SELECT * FROM fetching.toasted');
-- names: their order, case, length, non-ASCII; no columns at all
SELECT fetch_one('SELECT 1 AS zz, 2 AS a, 3 AS "B", 4 AS b, 6 AS é, 7 AS aaa');
SELECT * FROM compare('SELECT 1 AS zz, 2 AS a, 3 AS "B", 4 AS b, 6 AS é, 7 AS aaa, 8 AS "q"" q"');
SELECT fetch_all('SELECT FROM generate_series(1, 2)');
SELECT * FROM compare((SELECT 'SELECT ' || string_agg(format('%s AS column_%s', i, i), ', ')
                       FROM generate_series(1, 1600) i));
-- entries of objects hold an offset now and then, numbers and containers are
-- aligned: columns of every kind at every such place
SELECT bool_and(same), sum(nrows) FROM generate_series(1, 70) n,
    compare((SELECT 'SELECT ' || string_agg(format(CASE (i + n) % 7
            WHEN 0 THEN '%s AS %I' WHEN 1 THEN 'repeat(''x'', %s) AS %I' WHEN 2 THEN 'jsonb_build_object(''k'', %s) AS %I'
            WHEN 3 THEN 'to_jsonb(%s) AS %I' WHEN 4 THEN '%s IS NULL AS %I' WHEN 5 THEN 'NULL::int + %s AS %I'
            ELSE 'ARRAY[%s, NULL] AS %I' END, i, left('k' || repeat(i::text, 40), least(1 + i, 60))), ', ')
        FROM generate_series(1, n) i));
-- whole tables, a dropped column among theirs
CREATE TABLE people (id integer PRIMARY KEY, gone text, name text, m mood,
                     born date, tags text[]);
ALTER TABLE people DROP COLUMN gone;
INSERT INTO people VALUES (1, 'Ann', 'ok', '1980-05-17', '{a,b}'),
    (2, 'Bob', 'sad', NULL, NULL), (3, NULL, 'happy', '2001-12-31', '{}');
SELECT fetch_all('TABLE people');
SELECT * FROM compare('SELECT p AS whole, p.* FROM fetching.people p');

--
-- Duplicate names are an error that names them
--
\set VERBOSITY default
SELECT fetch_all('SELECT p.id, q.name, q.id FROM people p, people q');
\set VERBOSITY terse
SELECT fetch_one('SELECT 1, 2');
SELECT fetch_one('INSERT INTO people VALUES (99) RETURNING id, id');
SELECT count(*) FROM people WHERE id = 99;

--
-- Statements that return rows
--
SELECT fetch_all('VALUES (1, ''a''), (2, ''b'')');
SELECT fetch_all('WITH w AS (SELECT 1 AS a) SELECT * FROM w UNION ALL SELECT 2 ORDER BY 1;');
SELECT fetch_all('(SELECT 1 AS a)');
SELECT fetch_all('SHOW datestyle');
SELECT fetch_all('EXPLAIN (COSTS OFF) SELECT * FROM people WHERE id = $1', 1);
SELECT fetch_one('EXPLAIN (FORMAT json, COSTS OFF) SELECT 1') #>> '{QUERY PLAN,0,Plan,Node Type}' AS node;
SELECT fetch_all('  -- a comment' || chr(10) || 'SELECT 1 AS a; -- another');
SELECT fetch_all('INSERT INTO people (id, name) VALUES (10, ''x''), (11, ''y'') RETURNING id, name');
SELECT fetch_all('UPDATE people SET name = upper(name) WHERE id >= $1 RETURNING *', 10);
SELECT fetch_all('DELETE FROM people WHERE id >= 10 RETURNING id');
SELECT fetch_all('INSERT INTO people (id) VALUES (1) ON CONFLICT DO NOTHING RETURNING id');
PREPARE prepared AS SELECT id FROM people ORDER BY id;
SELECT fetch_all('EXECUTE prepared');
DEALLOCATE prepared;
CREATE PROCEDURE doubled(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN n := n * 2; END $$;
SELECT fetch_one('CALL doubled($1)', 21);
SELECT fetch_one('CALL doubled($1)', '21');
-- no rows: nothing, NULL, an error
SELECT count(*) FROM fetch_all('SELECT 1 WHERE false');
SELECT fetch_one('SELECT 1 WHERE false') IS NULL AS is_null;
DO $$
BEGIN
    PERFORM fetch_one_required('SELECT 1 WHERE false');
EXCEPTION WHEN no_data_found THEN
    RAISE NOTICE '%: %', SQLSTATE, SQLERRM;
END $$;
SELECT fetch_one_required('SELECT id FROM people WHERE id = $1', 12345);
SELECT fetch_one_required('SELECT id FROM people ORDER BY id');
-- a row of nulls is a row
SELECT fetch_one('SELECT NULL AS a');

--
-- Arguments
--
-- errors point into the text, whatever the arguments are
SELECT fetch_all('SELECT nosuch, $1', 'x');
SELECT fetch_all('SELECT nosuch, $1', 'x'::text);
SELECT fetch_count('pg_class', 'nosuch = $1', 'x');
-- bare literals take the type of their context
SELECT fetch_one('SELECT name FROM people WHERE id = $1', '2');
SELECT fetch_all('SELECT id FROM people WHERE m = $1 OR born = $2 ORDER BY id', 'sad', '1980-05-17');
SELECT fetch_one('SELECT id FROM people WHERE tags = $1', '{a,b}');
SELECT fetch_one('SELECT id FROM people WHERE tags @> $1', '{b}');
SELECT fetch_one('SELECT $1 AS a, $2::int + 1 AS b, $3::date AS c', 'text', '41', '2024-01-02');
SELECT fetch_one('INSERT INTO people VALUES ($1, $2, $3, $4, $5) RETURNING *', '20', 'Eve', 'happy', '1999-01-01', '{x}');
SELECT fetch_one('SELECT $1::positive AS p', '7');
SELECT fetch_one('SELECT $1::positive AS p', '-7');
SELECT fetch_one('SELECT count(*) FROM people WHERE id = ANY ($1)', '{1,2,77}');
SELECT fetch_all('SELECT id FROM people ORDER BY id LIMIT $1 OFFSET $2', '1', '1');
SELECT fetch_one('SELECT $1 AS e', E'quote '' backslash \\ $2');
-- typed ones keep it
SELECT fetch_one('SELECT pg_typeof($1) AS a, pg_typeof($2) AS b, pg_typeof($3) AS c, pg_typeof($4) AS d',
                 1, 2.5, 'x'::varchar, ARRAY['ok'::mood]);
SELECT fetch_one('SELECT $1 AS n, $2 AS p, $3 AS d, $4 AS a', 1.50, ROW(1, 'z')::pair, date '2024-05-06', ARRAY[1, 2]);
SELECT fetch_one('SELECT name FROM people WHERE id = $1', 2::bigint);
SELECT fetch_one('SELECT name FROM people WHERE id = $1', '2'::text);
-- mixed, repeated, NULL, out of order, one in the middle not used
SELECT fetch_one('SELECT $2 AS two, $1 AS one, $2 || $1::text AS both', 1, 'b');
SELECT fetch_one('SELECT $1 IS NULL AS a, $2 IS NULL AS b, $3::int AS c', NULL, NULL::date, NULL);
SELECT fetch_one('SELECT $1::int AS a, $3::int AS c', '1', 'unused', '3');
-- VARIADIC array
SELECT fetch_one('SELECT $1 + $2 AS sum', VARIADIC ARRAY[40, 2]);
SELECT fetch_one('SELECT $1 || $2 AS both', VARIADIC ARRAY['a', NULL]);
SELECT fetch_one('SELECT 1 AS a', VARIADIC '{}'::int[]);
SELECT fetch_one('SELECT 1 AS a', VARIADIC NULL::int[]);
SELECT fetch_one('SELECT $1', VARIADIC NULL::int[]);
-- a value never becomes SQL text
SELECT fetch_one('SELECT count(*) FROM people WHERE name = $1', $$' OR true; DROP TABLE people; --$$);
-- bad ones
\set VERBOSITY default
SELECT fetch_one('SELECT name FROM people WHERE id = $2 OR name = $1', 'x', 'two');
\set VERBOSITY terse
SELECT fetch_one('SELECT id FROM people WHERE m = $1', 'angry');
SELECT fetch_one('SELECT name FROM people WHERE id = $1', date '2024-01-01');
SELECT fetch_one('SELECT jsonb_build_object($1, 1)', 'key');
\set VERBOSITY default
SELECT fetch_one('SELECT $1, $2', 1);
SELECT fetch_one('SELECT $1', 1, 2, '3');
SELECT fetch_one('SELECT 1', 1);
SELECT fetch_one('SELECT $1');
SELECT fetch_one('EXPLAIN SELECT $1, $2', 1);
SELECT fetch_all('WITH w AS (INSERT INTO people (id) VALUES ($2) RETURNING id) SELECT (SELECT max($4) FROM w)', 1);

--
-- Bad input: refused before anything runs
--
SELECT fetch_all(NULL);
SELECT fetch_one(NULL, 1);
SELECT fetch_one_required(NULL);
SELECT fetch_all('');
SELECT fetch_all(' ; -- nothing');
SELECT fetch_all('SELECT 1; DELETE FROM people');
SELECT fetch_all('SELEC 1');
SELECT fetch_all('SELECT nothing FROM people');
SELECT fetch_all('INSERT INTO people (id) VALUES (30)');
SELECT fetch_all('CREATE TABLE created ()');
SELECT fetch_all('SELECT 1 AS a INTO created');
SELECT fetch_all('CREATE TABLE created AS SELECT 1');
SELECT fetch_all('COPY people TO STDOUT');
SELECT fetch_all('COPY people FROM STDIN');
SELECT fetch_all('COMMIT');
SELECT fetch_all('BEGIN');
SELECT fetch_all('SAVEPOINT s');
SELECT fetch_all('SET work_mem = 64');
SELECT fetch_all('VACUUM people');
SELECT fetch_all('DO $x$ BEGIN END $x$');
SELECT fetch_all('MERGE INTO people p USING (SELECT 1) s(id) ON p.id = s.id WHEN MATCHED THEN DELETE');
CREATE PROCEDURE nothing() LANGUAGE sql AS 'SELECT 1';
SELECT fetch_all('CALL nothing()');
SELECT fetch_all('MOVE 1 FROM c');
\set VERBOSITY terse
SELECT to_regclass('created') IS NULL AS not_created, count(*) FROM people WHERE id IN (1, 30);

--
-- What runs, and how much of it
--
CREATE SEQUENCE seq;
CREATE FUNCTION noisy(i integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'row %', i; RETURN i; END $$;
-- a SELECT is stopped after its first row
SELECT fetch_one('SELECT noisy(i) AS i FROM generate_series(1, 5) i');
SELECT fetch_all('SELECT noisy(i) AS i FROM generate_series(1, 2) i');
SELECT fetch_one('SELECT nextval(''seq'') AS n FROM generate_series(1, 5)');
SELECT fetch_one('SELECT nextval(''seq'') AS n');
-- with 10^12 rows to come, it had better
SELECT fetch_one('SELECT a.i FROM generate_series(1, 10) a(i), generate_series(1, 100000) b, generate_series(1, 1000000) c');
-- a statement that writes runs to its end, and once
CREATE TABLE written (id serial, v integer);
SELECT fetch_one('INSERT INTO written (v) SELECT i FROM generate_series(1, 5) i RETURNING id, v');
SELECT count(*), max(id) FROM written;
SELECT fetch_one('UPDATE written SET v = v + 100 RETURNING v - 100 AS v_before');
SELECT sum(v) FROM written;
SELECT fetch_one('WITH w AS (INSERT INTO written (v) SELECT i FROM generate_series(6, 10) i RETURNING v) SELECT v FROM w');
SELECT count(*), max(id) FROM written;
SELECT fetch_all('DELETE FROM written WHERE id <= 2 RETURNING id') LIMIT 1;
SELECT count(*) FROM written;
SELECT fetch_one_required('DELETE FROM written RETURNING id');
SELECT count(*) FROM written;
-- a cursor moves by what the statement says
BEGIN;
DECLARE c CURSOR FOR SELECT i FROM generate_series(1, 9) i;
SELECT fetch_one('FETCH 3 FROM c');
SELECT fetch_all('FETCH 2 FROM c');
FETCH c;
COMMIT;
-- rules may add statements
CREATE TABLE log (what text);
CREATE RULE logged AS ON INSERT TO written DO ALSO INSERT INTO log VALUES ('inserted');
SELECT fetch_all('INSERT INTO written (v) VALUES (1), (2) RETURNING v');
TABLE log;

--
-- Calls in calls, in functions, in transactions
--
SELECT fetch_one('SELECT fetch_one(''SELECT $1::int + 1 AS b'', a) AS inner_row FROM (VALUES (1)) v(a)');
SELECT fetch_all('SELECT x FROM fetch_all(''SELECT id FROM people ORDER BY id'') x');
SELECT p.id, fetch_one('SELECT name FROM people WHERE id = $1', p.id) FROM people p ORDER BY 1;
SELECT p.id, f FROM people p, fetch_all('SELECT * FROM generate_series(1, $1) i', p.id) f WHERE id < 3 ORDER BY 1, 2;
CREATE FUNCTION totals() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    r jsonb;
    total integer := 0;
BEGIN
    FOR r IN SELECT * FROM fetch_all('SELECT id FROM people') LOOP
        total := total + (r ->> 'id')::integer;
    END LOOP;
    BEGIN
        PERFORM fetch_all('SELECT 1 / (3 - id) FROM people ORDER BY id');
    EXCEPTION WHEN division_by_zero THEN
        RAISE NOTICE 'caught: %', SQLERRM;
    END;
    -- its own changes are seen
    INSERT INTO people (id) VALUES (40);
    RETURN total + (fetch_one('SELECT count(*) FROM people WHERE id = 40') ->> 'count')::integer;
END $$;
SELECT totals();
BEGIN READ ONLY;
SELECT fetch_one('SELECT 1 AS a');
SELECT fetch_one('DELETE FROM people RETURNING id');
ROLLBACK;
-- a fetched statement's error leaves the transaction's subtransactions whole
BEGIN;
SAVEPOINT s;
SELECT fetch_all('SELECT 1 / (i - 3) FROM generate_series(1, 5) i');
ROLLBACK TO s;
SELECT fetch_one('SELECT 1 AS a');
COMMIT;

--
-- The caller's privileges count
--
CREATE ROLE regress_pgsync_fetcher;
GRANT USAGE ON SCHEMA fetching TO regress_pgsync_fetcher;
GRANT SELECT (id) ON people TO regress_pgsync_fetcher;
SET ROLE regress_pgsync_fetcher;
SELECT fetch_one('SELECT id FROM people WHERE id = 1');
SELECT fetch_one('SELECT name FROM people WHERE id = 1');
SELECT fetch_one('DELETE FROM people RETURNING id');
RESET ROLE;

--
-- Memory: what 50,000 rows of 1 kB take does not grow with their number
--
CREATE FUNCTION memory_used() RETURNS bigint LANGUAGE sql VOLATILE AS
    'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
SET work_mem = '1MB';
SELECT max(m) FILTER (WHERE i > 40000) - min(m) FILTER (WHERE i < 10000) < 2000000 AS bounded,
       count(*)
FROM (SELECT (f ->> 'i')::integer AS i, (f ->> 'memory')::bigint AS m
      FROM fetch_all('SELECT i, repeat(''x'', 1000) AS filler,
                             CASE WHEN i % 5000 = 0 THEN memory_used() END AS memory
                      FROM generate_series(1, 50000) i') f) x;
RESET work_mem;

-- plans may use parallel workers
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE spread AS SELECT i FROM generate_series(1, 10000) i;
ANALYZE spread;
SELECT fetch_one('SELECT count(*), sum(i) FROM spread');
SELECT fetch_one('SELECT i FROM spread WHERE i = 7777');
SELECT count(*), sum((f ->> 'i')::integer) FROM fetch_all('SELECT i FROM spread WHERE i % 2 = 0') f;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- it can be cancelled
SET statement_timeout = '50ms';
SELECT count(*) FROM fetch_all('SELECT pg_sleep(0.01) FROM generate_series(1, 6000)');
RESET statement_timeout;

-- where a set cannot be returned
SELECT 1 WHERE fetch_all('SELECT 1') IS NOT NULL;

SET client_min_messages = warning;
DROP SCHEMA fetching CASCADE;
DROP ROLE regress_pgsync_fetcher;

-- rows whose keys alone take more than a page
DO $$ BEGIN
  EXECUTE (SELECT 'CREATE TABLE widest (' || string_agg(format('a_name_that_is_by_no_means_short_%s int DEFAULT %s', i, i), ', ') || ')'
    FROM generate_series(1, 1600) i);
END $$;
INSERT INTO widest SELECT FROM generate_series(1, 20);
UPDATE widest SET a_name_that_is_by_no_means_short_7 = NULL WHERE ctid = '(0,1)';
SELECT count(*), count(DISTINCT o), count(*) FILTER (WHERE o = to_jsonb(w)) AS same
FROM (SELECT o, row_number() OVER () AS n FROM fetch_all('TABLE widest') o) o JOIN (SELECT w, row_number() OVER () AS n FROM widest w) w USING (n);
SELECT count(*) FROM insert_returning('widest', '[{}, {"a_name_that_is_by_no_means_short_7": 1}, {}]');
DROP TABLE widest;
