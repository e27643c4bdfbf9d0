-- fetch_json: all rows of any statement as one array, as json_agg prints them
\set VERBOSITY terse
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
CREATE SCHEMA fetching_json;
SET search_path = fetching_json, public;

-- the shape, to look at
SELECT fetch_json('SELECT i AS id, chr(96 + i) AS "n""ame", NULL AS "Null" FROM generate_series(1, 3) i');
SELECT fetch_json('SELECT 1 AS a WHERE false');
SELECT fetch_json('SELECT FROM generate_series(1, 2)');
SELECT pg_typeof(fetch_json('SELECT 1'));

--
-- Values: byte by byte what json_agg(row) prints
--
CREATE TYPE mood AS ENUM ('sad', 'o"k', 'happy');
CREATE TYPE pair AS (x integer, "Y y" text, at timestamptz);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN amount AS numeric(12, 3);
CREATE DOMAIN small_amount AS amount CHECK (VALUE < 1000);
CREATE DOMAIN short_text AS varchar(10);
CREATE DOMAIN moods AS mood[];
CREATE DOMAIN named_pair AS pair;
CREATE DOMAIN document AS jsonb;
CREATE DOMAIN day AS date;
-- types with a cast to json, which is what core prints, and with another one
CREATE TYPE castable AS ENUM ('one', 'two');
CREATE FUNCTION castable_to_json(castable) RETURNS json
    LANGUAGE sql IMMUTABLE AS $$ SELECT json_build_object('cast', $1::text) $$;
CREATE CAST (castable AS json) WITH FUNCTION castable_to_json(castable);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE CAST (span AS json) WITH INOUT;

-- query, whether the text is json_agg's, and how long it is
CREATE FUNCTION compare(query text, OUT same boolean, OUT long boolean)
LANGUAGE plpgsql AS $$
DECLARE
    expected text;
    found text := fetch_json(query)::text;
BEGIN
    EXECUTE format('SELECT json_agg(q)::text FROM (%s) q', query)
        INTO expected;
    same := coalesce(expected, '[]') = found;
    long := length(found) > 40;
    IF NOT same THEN
        RAISE WARNING 'expected %, found %', left(expected, 500), left(found, 500);
    END IF;
END $$;

SELECT * FROM compare($$
    SELECT i, i::smallint AS i2, i::bigint * 4000000000 AS i8, i > 1 AS b,
           i::oid AS o, i::text AS t, i::varchar AS vc, i::char(4) AS c4,
           i::text::"char" AS qc, i::text::name AS n, NULL::text AS missing
    FROM (VALUES (0), (1), (-1), (32767), (-32768), (NULL)) v(i)$$);
SELECT * FROM compare($$
    SELECT 2147483647 AS a, (-2147483647 - 1) AS b, 9223372036854775807 AS c,
           (-9223372036854775807 - 1) AS d, '-0'::float8 AS e,
           1e308::float8 AS f, 5e-324::float8 AS g, 3.4e38::float4 AS h,
           100000000000000000000::float8 AS i, 0.1::float4 AS j$$);
SELECT * FROM compare($$
    SELECT n, n::float8 AS f8, n::float4 AS f4, -n AS negative
    FROM (VALUES ('0'::numeric), ('0.00'), ('1.10'), ('-123456789.987654321'),
                 ('1e20'), ('1e-20'), ('0.1'), ('NaN'), ('Infinity'),
                 ('-Infinity'), (NULL)) v(n)$$);
-- numbers of every length, with every scale, in and beyond the short format
SELECT * FROM compare($$
    SELECT e, s, round((-7.25 * 10::numeric ^ e), greatest(s, 0)) AS a,
           round(12345678901234567.98765 * 10::numeric ^ e, s) AS b,
           (10::numeric ^ e)::numeric(1000, 100) AS c,
           trunc(9999.9999 * 10::numeric ^ e, s) AS d,
           round(0.0 * 10::numeric ^ e, greatest(s, 0)) AS zero
    FROM generate_series(-80, 290, 3) e, generate_series(-5, 70, 3) s$$);
SELECT * FROM compare($$
    SELECT n, jsonb_build_array(n, -n) AS jb
    FROM (SELECT i * 10::numeric ^ (i % 37 - 18) FROM generate_series(-5000, 5000) i) v(n)$$);
SELECT * FROM compare($$
    SELECT d::date AS d, d::timestamp AS ts, d::timestamptz AS tstz,
           d::timestamp::time AS t, d::timestamptz::timetz AS ttz, d::date::day AS day
    FROM (VALUES ('2024-02-29 12:34:56.789'), ('0044-03-15 00:00:00 BC'),
                 ('99999-12-31 23:59:59.999999'), ('1883-11-18 12:00:00'),
                 ('2024-03-10 02:30:00'), ('2024-11-03 01:30:00')) v(d)
    UNION ALL
    SELECT i::date, i::timestamp, i::timestamptz, NULL, NULL, i::day
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
           '$.a ? (@ > "x")'::jsonpath AS jp, '1'::xid AS xid, '(0,1)'::tid AS tid,
           '1 2 3'::int2vector AS i2v, '1 2'::oidvector AS ov,
           '1:2:'::pg_snapshot AS ps$$);
SELECT * FROM compare($$
    SELECT '[1,5)'::int4range AS r, '{[1,2),[5,6)}'::int4multirange AS mr,
           daterange('2024-01-01', NULL) AS dr, 'o"k'::mood AS m,
           '["2024-01-01 10:00+00",)'::tstzrange AS tr,
           5::positive AS pos, 'a"bc'::short_text AS st, 1.5::amount AS am,
           2.25::small_amount AS sm, '{"a":[1]}'::document AS doc,
           ROW(1, 'x', 'epoch')::named_pair AS np,
           '{sad,"o\"k"}'::moods AS ms, 'one'::castable AS cast_to_json,
           '[1,2]'::span AS cast_by_text$$);
SELECT * FROM compare($$
    SELECT '{}'::int[] AS empty, '{1,NULL,3}'::int[] AS a,
           '{{1,2},{3,4}}'::numeric[] AS aa, '{"a b",NULL,""}'::text[] AS t,
           ARRAY['{"a":1}'::jsonb, '[2]'] AS jbs, ARRAY['1'::json] AS js,
           ARRAY[ROW(1, 'a', 'infinity')::pair, NULL] AS pairs,
           ARRAY['2024-01-01'::date] AS d, ARRAY[ROW(1, 2), ROW(3, NULL)] AS records,
           '[3:4]={7,8}'::int[] AS bounds, ARRAY['one'::castable] AS casts,
           ARRAY[5::positive] AS domains$$);
SELECT * FROM compare($$
    SELECT ROW(1, 'b', now())::pair AS p, ROW(NULL, NULL, NULL)::pair AS np,
           ROW(1, ROW('x', ARRAY[1.5])) AS r, NULL::pair AS missing$$);
SELECT * FROM compare($$
    SELECT most_common_vals, histogram_bounds, most_common_freqs
    FROM pg_stats WHERE schemaname = 'pg_catalog' AND tablename = 'pg_type'$$);
-- json stays as it was written, jsonb is printed
SELECT * FROM compare($$
    SELECT j::json AS j, j::jsonb AS jb
    FROM (VALUES ('1'), ('"te\u0001\"xt\\"'), ('true'), ('false'), ('null'), ('[]'), ('{}'),
                 (E'[1,[2,\n {"a":[{}]}], "x"]'), ('{"b":1,"a":{"c":[null]}}'),
                 ('{"twice":1,"twice":2}'), ('1.50'), ('-1e-100'), ('"ünï\t"'),
                 ('[[[[[]]]], {"": {"": ""}}, [true, false, null, "s", 1e300]]'), (NULL)) v(j)$$);
-- jsonb keeps an offset instead of a length now and then
SELECT * FROM compare($$
    SELECT (SELECT jsonb_object_agg('key ' || i, repeat('v', i % 7)) FROM generate_series(1, n) i) AS o,
           (SELECT jsonb_agg(CASE i % 5 WHEN 0 THEN to_jsonb(i) WHEN 1 THEN 'null'
                WHEN 2 THEN jsonb_build_object(i::text, i * 1.5, 'b', jsonb_build_array(i))
                WHEN 3 THEN to_jsonb(i > 50) ELSE to_jsonb(repeat('x', i)) END)
            FROM generate_series(1, n) i) AS a
    FROM (VALUES (0), (1), (2), (31), (32), (33), (64), (100), (1000)) v(n)$$);
-- strings: every byte that is escaped at every place of a window, and others
SELECT * FROM compare($$
    SELECT overlay(repeat('x', 40) placing chr(c) from p) AS s, repeat(chr(c), p) AS many,
           to_jsonb(repeat('y', p) || chr(c)) AS jb
    FROM generate_series(1, 159) c, generate_series(1, 18) p$$);
SELECT * FROM compare($$
    SELECT s, s::char(5) AS c, s::varchar AS v, s AS "k""ey", s AS "back\slash", s AS "tab	ключ"
    FROM (VALUES (''), ('"'), ('\'), (E'\t\n\r\b\f\u0001\u007f'), ('ünïcödé'), ('日本語'), ('😀'),
                 ('null'), (' padded ')) x(s)
    UNION ALL SELECT repeat('long ', 100000), '', '', '', '', ''
    UNION ALL SELECT repeat(E'"\\\u0001', 100000), '', '', '', '', ''
    UNION ALL SELECT left(repeat(E'\u0001ab', 50000), 8192 + i), '', '', '', '', ''
              FROM generate_series(-3, 3) i$$);
-- keys of every length
SELECT * FROM compare((SELECT 'SELECT ' || string_agg(format('%s AS %s', i, left(repeat('a', i) , 63)), ', ')
                       FROM generate_series(1, 63) i));
SELECT * FROM compare((SELECT 'SELECT ' || string_agg(format('%s AS column_%s', i, i), ', ')
                       FROM generate_series(1, 1600) i));
-- two columns of one name are both there, in the query's order
SELECT fetch_json('SELECT 1 AS b, 2 AS a, 3 AS b, 4, 5');
SELECT * FROM compare('SELECT 1 AS b, 2 AS a, 3 AS b, 4, 5');

-- a wide table: toasted, dropped, added and all-NULL columns
CREATE TABLE wide (id integer PRIMARY KEY, gone text, t text, e text, jb jsonb, j json, n numeric,
                   a text[], p pair, f float8, m mood, d date, r int4range, by bytea);
ALTER TABLE wide ALTER t SET STORAGE EXTERNAL;
INSERT INTO wide SELECT i, 'gone', repeat(i::text, 5000), repeat('ab"c', i),
    jsonb_build_object('k', repeat('y', 9000), 'l', jsonb_build_array(i)), '{"x" : 1}',
    ('1' || repeat('0', 8000) || '.5')::numeric, ARRAY[repeat('z', 9000)],
    ROW(i, repeat('w', 3000), 'epoch')::pair, i / 3.0, 'o"k', '-infinity', int4range(i, NULL), '\x00ff'
FROM generate_series(1, 20) i;
INSERT INTO wide (id) VALUES (100);
ALTER TABLE wide DROP COLUMN gone;
ALTER TABLE wide ADD added timestamp DEFAULT '2020-01-01';
SELECT * FROM compare('SELECT * FROM wide');
SELECT * FROM compare('SELECT w AS whole, w.* FROM wide w ORDER BY id DESC');
SELECT * FROM compare('SELECT * FROM pg_type');
SELECT * FROM compare('SELECT * FROM pg_proc');
SELECT * FROM compare('SELECT * FROM pg_class');
SELECT length(fetch_json('TABLE wide')::text) = length(json_agg(w)::text) AS same FROM wide w;

--
-- Statements and arguments: as for fetch_all
--
SELECT fetch_json('INSERT INTO wide (id) VALUES (101), (102) RETURNING id, added');
SELECT fetch_json('DELETE FROM wide WHERE id >= $1 RETURNING id', 100);
SELECT fetch_json('SHOW intervalstyle');
SELECT fetch_json('EXPLAIN (COSTS OFF) SELECT 1');
SELECT fetch_json('SELECT $1 AS a, $2 AS b', 1.50, ROW(1, 'z', 'epoch')::pair);
SELECT fetch_json('SELECT id FROM wide WHERE id = $1 AND m = $2', '2', 'o"k');
SELECT fetch_json('SELECT id FROM wide WHERE id = $1', '2'::text);
SELECT fetch_json('SELECT id FROM wide WHERE id = ANY ($1) ORDER BY id', VARIADIC ARRAY['{1,3}']);
CREATE TABLE log (what text);
CREATE TABLE ruled (v integer);
CREATE RULE logged AS ON INSERT TO ruled DO ALSO INSERT INTO log VALUES ('inserted');
SELECT fetch_json('INSERT INTO ruled VALUES (1), (2) RETURNING v');
TABLE log;
CREATE PROCEDURE doubled(INOUT n integer) LANGUAGE plpgsql AS $$ BEGIN n := n * 2; END $$;
SELECT fetch_json('CALL doubled($1)', 21);
SELECT id, fetch_json('SELECT i FROM generate_series(1, $1) i', id) FROM wide WHERE id < 3 ORDER BY 1;
SELECT fetch_json('SELECT fetch_json(''SELECT $1::int + 1 AS b'', a) AS "inner" FROM (VALUES (1)) v(a)');
-- the value can be stored, cast, and taken apart
CREATE TABLE stored AS SELECT fetch_json('SELECT id, t FROM wide') AS j;
SELECT json_array_length(j), j -> 1 ->> 'id', length(j -> 4 ->> 't') FROM stored;
SELECT count(*) FROM jsonb_array_elements(fetch_json('SELECT id, t FROM wide')::jsonb);
-- bad ones
SELECT fetch_json(NULL);
SELECT fetch_json('');
SELECT fetch_json('SELECT 1; SELECT 2');
SELECT fetch_json('DELETE FROM wide');
SELECT fetch_json('SELECT nothing');
SELECT fetch_json('SELECT $1');
SELECT fetch_json('SELECT 1 / (3 - id) FROM wide ORDER BY id');
\set VERBOSITY default
SELECT fetch_json('SELECT $1, $2', 'a');
SELECT fetch_json('SELECT $1::int', 'a', 'b');
SELECT fetch_json('SELECT $1::int', 'a');
-- too large for one value: an error before the gigabyte has been used
SELECT fetch_json('SELECT repeat(''x'', 50000000) AS x FROM generate_series(1, 1000000)');
\set VERBOSITY terse
SELECT fetch_json('SELECT (''"'' || repeat(''x'', 50000000) || ''"'')::json AS x FROM generate_series(1, 1000000)');

--
-- The caller's privileges count
--
CREATE ROLE regress_pgsync_json;
GRANT USAGE ON SCHEMA fetching_json TO regress_pgsync_json;
GRANT SELECT (id) ON wide TO regress_pgsync_json;
SET ROLE regress_pgsync_json;
SELECT fetch_json('SELECT id FROM wide WHERE id = 1');
SELECT fetch_json('SELECT m FROM wide WHERE id = 1');
SELECT fetch_json('DELETE FROM wide RETURNING id');
RESET ROLE;

-- it can be cancelled
SET statement_timeout = '50ms';
SELECT fetch_json('SELECT pg_sleep(0.01) FROM generate_series(1, 6000)');
RESET statement_timeout;

-- memory: rows of 1 kB whose conversion takes more leave only their text
CREATE FUNCTION memory_used() RETURNS bigint LANGUAGE sql VOLATILE AS
    'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
SELECT max((r ->> 'memory')::bigint) - min((r ->> 'memory')::bigint) < 30000000 AS bounded, count(*)
FROM json_array_elements(fetch_json('SELECT i, ARRAY[repeat(''x'', 1000)] AS filler,
                             CASE WHEN i % 5000 = 0 THEN memory_used() END AS memory
                      FROM generate_series(1, 20000) i')) r;

SET client_min_messages = warning;
DROP SCHEMA fetching_json CASCADE;
DROP ROLE regress_pgsync_json;

-- other encodings: bytes that no character of ASCII is part of
SELECT current_database() AS database \gset
CREATE DATABASE regress_pgsync_euc TEMPLATE template0 ENCODING 'EUC_JP' LOCALE 'C';
CREATE DATABASE regress_pgsync_latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c regress_pgsync_euc
SET client_encoding = 'UTF8';
CREATE EXTENSION pgsync;
CREATE TABLE t AS SELECT i AS id, repeat('日本"語\', i) AS "名前", to_jsonb(repeat('漢', i)) AS jb FROM generate_series(1, 30) i;
SELECT fetch_json('SELECT * FROM t')::text = json_agg(t)::text AS same FROM t;
SELECT fetch_json('SELECT * FROM t WHERE id = 2');
\c regress_pgsync_latin
SET client_encoding = 'UTF8';
CREATE EXTENSION pgsync;
CREATE TABLE t AS SELECT i AS id, repeat('é"ÿ\', i) AS "à", to_jsonb(repeat('ü', i)) AS jb FROM generate_series(1, 30) i;
SELECT fetch_json('SELECT * FROM t')::text = json_agg(t)::text AS same FROM t;
SELECT fetch_json('SELECT * FROM t WHERE id = 2');
\c :database
DROP DATABASE regress_pgsync_euc;
DROP DATABASE regress_pgsync_latin;
