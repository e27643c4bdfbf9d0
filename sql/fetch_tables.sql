-- fetch_tables: the rows of several tables as one document, and back
CREATE SCHEMA ft;
SET search_path = ft, public;

-- What a document says of these tables is what insert_tables makes of it again
-- once they are empty: the same rows, and the same document.
CREATE FUNCTION goes_round(tables text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  document json := fetch_tables(tables);
  rows_before text[];
  rows_after text[];
  query text;
BEGIN
  SELECT string_agg(format('SELECT %L || t::text AS r FROM %s t', name, name), ' UNION ALL ')
  INTO query FROM unnest(tables) name;
  EXECUTE format('SELECT array_agg(r ORDER BY r COLLATE "C") FROM (%s) q', query) INTO rows_before;
  EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ');
  PERFORM insert_tables(document, overriding => 'system');
  EXECUTE format('SELECT array_agg(r ORDER BY r COLLATE "C") FROM (%s) q', query) INTO rows_after;
  IF rows_before IS DISTINCT FROM rows_after THEN
    RETURN format('differ: %s', (SELECT string_agg(format('%s <> %s', a, b), E'\n')
      FROM unnest(rows_before, rows_after) u(a, b) WHERE a IS DISTINCT FROM b));
  END IF;
  IF fetch_tables(tables)::text <> document::text THEN
    RETURN 'another document: ' || document || ' ' || fetch_tables(tables);
  END IF;
  RETURN coalesce(array_length(rows_after, 1), 0) || ' rows';
END $$;

\echo == order and names of the list, rows by primary key, no generated columns
CREATE TABLE author (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text,
    loud text GENERATED ALWAYS AS (upper(name)) STORED
);
CREATE TABLE book (
    author_id int REFERENCES author, part int, "The title" text, gone int,
    PRIMARY KEY (part, author_id)
);
ALTER TABLE book DROP gone;
CREATE TABLE empty (id int);
INSERT INTO author (name) VALUES ('ann'), ('bob "x"'), (NULL);
INSERT INTO book VALUES (2, 2, E'line\nline'), (1, 2, 'second'), (3, 1, NULL);
UPDATE author SET name = 'Ann' WHERE id = 1;
SELECT fetch_tables('{book, ft.author, empty}');
SELECT fetch_tables(get_tables('{ft}'));
SELECT fetch_tables('{author, author, ft.author}');
SELECT fetch_tables('{}');
SELECT goes_round('{book,author,empty}');
SELECT set_seqs_max('{book,author,empty}');
INSERT INTO author (name) VALUES ('next') RETURNING id;

\echo == every type
CREATE TYPE mood AS ENUM ('sad', 'so "so"');
CREATE DOMAIN positive AS numeric(8,2) CHECK (VALUE > 0);
CREATE TYPE pair AS (x int, "Y" text);
CREATE TYPE with_json AS (j jsonb, k json);
CREATE DOMAIN pair_domain AS pair;
CREATE DOMAIN vector AS int[];
CREATE TABLE scalars (
    id int, small smallint, big bigint, num numeric, narrow numeric(6,2), real float4, double float8, flag bool,
    name text, code varchar(8), fixed char(5), c "char", n name, day date, t time, tz timetz, ts timestamp,
    tstz timestamptz, span interval, bytes bytea, uid uuid, feeling mood, pos positive, addr inet, net cidr,
    mac macaddr, mac8 macaddr8, bits bit(3), vbits varbit, cash money, oid oid, xid xid, lsn pg_lsn, cls regclass,
    ty regtype, p point, b box, pth path, poly polygon, cir circle, ln line, seg lseg, tsv tsvector, tsq tsquery,
    i4r int4range, nr numrange, tsr tsrange, dr daterange, mr int4multirange, jp jsonpath, tid tid);
INSERT INTO scalars DEFAULT VALUES;
INSERT INTO scalars VALUES (
    -2147483648, -32768, -9223372036854775808, 'NaN', -1234.50, '-Infinity', 'NaN', false, E'\t\\ "q" \b\x1f é 漢 😀',
    '', 'a b', 'x', 'n', '-infinity', '24:00', '23:59:59.999999-15:59:59', 'infinity', '-infinity', '-1 year +3 days -00:00:01',
    '\x00ff', '00000000-0000-0000-0000-00000000000a', 'so "so"', 0.01, '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03',
    '08:00:2b:01:02:03:04:05', '101', '', '-12.34', 4294967295, '7', '0/1A', 'author', 'int4[]', '(1,-2.5)',
    '((1,1),(0,0))', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '<(0,0),2.3>', '{1,2,3}', '[(0,0),(1,1)]',
    '''a b'':1A,2 c', '''a b'' & !c:*', '[1,)', '(,2.50]', '[2024-01-01 00:00:01,infinity]', 'empty', '{[1,2),[5,)}',
    '$.a ? (@ > 1)', '(4,2)');
INSERT INTO scalars (id, num, real, double, day, ts, tstz, t, span, narrow) VALUES
    (1, 1e30, 1.1754944e-38, 5e-324, '0044-03-15 BC', '0044-03-15 12:00:00.000001 BC', '0044-03-15 12:00+01 BC', '00:00', '178000000 years', 0),
    (2, 0.000000000000000000001, 3.4028235e38, 1.7976931348623157e308, '5874897-12-31', '294276-12-31 23:59:59.999999', '1883-11-18 12:00 America/New_York', '12:00:00.5', '-00:00:00.000001', 9999.99),
    (3, 'Infinity', 0.1, '-0', '2000-02-29', '2000-02-29', '2000-02-29 00:00+05:30', NULL, '1 mon -1 day', -0.01);
SELECT goes_round('{scalars}');
\pset format unaligned
SELECT value FROM json_each(fetch_tables('{scalars}') -> 'scalars' -> 1);
CREATE TABLE nested (
    id int, ints int[], grid int[], texts text[], times timestamptz[], floats float8[], pairs pair[], one pair,
    dom pair_domain, jsons json[], jsonbs jsonb[], wj with_json, wjs with_json[], vectors vector[], vec vector,
    iv int2vector, ov oidvector, doc jsonb, raw json, moods mood[], ranges int4range[], bytes bytea[], whole author);
INSERT INTO nested DEFAULT VALUES;
INSERT INTO nested VALUES (1, '{}', '{{1,2},{3,NULL}}', '{"a,b",NULL,"null","{}","\"",""}', '{infinity,2024-01-01 00:00+00}',
    '{NaN,1e-300,-Infinity}', ARRAY[(1, 'a')::pair, NULL, (NULL, NULL)::pair], (NULL, 'x "y"'), (2, NULL),
    ARRAY['[1,[2]]', 'null', NULL, ' "s"']::json[], ARRAY['[1,[2]]', 'null', NULL, '{"a": null}']::jsonb[],
    ('null', 'null'), ARRAY[('[1]', '{"a":1,"a":2}')::with_json], ARRAY['{1,2}', '{3}']::vector[], '{4,5}',
    '1 2 3', '4 5', '{"b": [1, {"a": null}], "a": "x"}', '{"a": [1, 2.50]}', '{sad,"so \"so\""}', '{"[1,3)",empty}',
    '{"\\x00","\\x"}', (1, 'x', 'X'));
INSERT INTO nested (id, doc, raw, one) VALUES (2, '[]', '[]', (NULL, NULL)), (3, '"null"', '"null"', NULL),
    (4, '{}', '{}', NULL), (5, 'true', 'false', NULL), (6, '1.50', '1.50', NULL);
SELECT goes_round('{nested}');
SELECT * FROM json_each(fetch_tables('{nested}') -> 'nested' -> 1);
\pset format aligned

\echo == whatever the session likes to see
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = -10;
SET timezone = 'Asia/Kathmandu';
SET bytea_output = 'escape';
CREATE TABLE exact (a float8, b float4[], c daterange, d interval, e timestamptz, f bytea, g interval[]);
INSERT INTO exact VALUES (0.1::float8 + 0.2, '{0.3}', '[2024-02-01,2024-03-04)', '-1 day +00:00:01',
    '2024-02-01 12:00+00', '\x005c41', '{-1 mon 3 days}');
SELECT fetch_tables('{exact}');
SHOW datestyle;
SELECT goes_round('{exact}');
SET extra_float_digits = 3;
SELECT a = 0.1::float8 + 0.2 AS a, b[1] = 0.3::float4 AS b FROM exact;
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
RESET timezone;
RESET bytea_output;

\echo == a negative zero, which a number of jsonb cannot be
CREATE TYPE measure AS (what text, value float8);
CREATE TABLE zeros (a float8, b float4, c float8[], d measure, e measure[], f text[]);
INSERT INTO zeros VALUES ('-0', '-0', '{-0,1}', '(x,-0)', '{"(x,-0)","(-0,0)"}', '{-0,"a\\"}'), (0, 0, '{{1,2},{3,-0}}', '(-0,1)', '{}', '{}');
SELECT fetch_tables('{zeros}');
SELECT goes_round('{zeros}');
SELECT a::text, b::text, c FROM zeros;

\echo == what does not survive: lower bounds of arrays, the spelling of a json
CREATE TABLE lost (a int[], j json);
INSERT INTO lost VALUES ('[0:1]={1,2}', '{"b":1, "a":2, "b":3}');
SELECT goes_round('{lost}');
SELECT * FROM lost;
DROP TABLE lost;

\echo == a JSON null would become an SQL one
CREATE TABLE nulls (id int PRIMARY KEY, doc jsonb, raw json);
INSERT INTO nulls VALUES (1, '{"a": null}', NULL), (2, '[null]', 'null ');
SELECT fetch_tables('{author, nulls}');
UPDATE nulls SET raw = '"null"';
SELECT goes_round('{nulls}');
UPDATE nulls SET doc = 'null' WHERE id = 1;
SELECT fetch_tables('{nulls}');
SELECT fetch_json('SELECT doc FROM nulls ORDER BY id');
-- as text it goes round
UPDATE nulls SET doc = NULL, raw = 'null ' WHERE id = 2;
CREATE TABLE nulls_2 AS SELECT * FROM nulls LIMIT 0;
SELECT insert_many('nulls_2', from_json(fetch_json('SELECT id, doc::text AS doc, raw::text AS raw FROM nulls ORDER BY id'), transforms => '{"doc": "v::jsonb", "raw": "v::json"}'));
SELECT *, doc IS NULL AS is_null FROM nulls_2 ORDER BY id;
DROP TABLE nulls_2;

\echo == trees, cycles, composite keys, no primary key, no columns
CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node);
INSERT INTO node VALUES (1, 3), (2, 1), (3, 3);
CREATE TABLE dept (id int PRIMARY KEY, boss int);
CREATE TABLE emp (id int PRIMARY KEY, dept int REFERENCES dept);
ALTER TABLE dept ADD FOREIGN KEY (boss) REFERENCES emp DEFERRABLE;
INSERT INTO dept VALUES (1, NULL);
INSERT INTO emp VALUES (1, 1), (2, 1);
UPDATE dept SET boss = 2;
CREATE TABLE no_columns ();
INSERT INTO no_columns SELECT FROM generate_series(1, 3);
CREATE TABLE only_generated (a int GENERATED ALWAYS AS (5) STORED);
INSERT INTO only_generated DEFAULT VALUES;
INSERT INTO only_generated DEFAULT VALUES;
CREATE TABLE no_key (a int, b text);
INSERT INTO no_key VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
SELECT goes_round('{emp,node,book,author,no_columns,only_generated,dept,no_key}');
SELECT fetch_tables('{no_columns,only_generated}');

\echo == partitions come once; children of a plain table are tables of their own
CREATE TABLE event (id int GENERATED BY DEFAULT AS IDENTITY, kind text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE event_a PARTITION OF event FOR VALUES IN ('a');
CREATE TABLE event_x PARTITION OF event DEFAULT PARTITION BY LIST (kind);
CREATE TABLE event_b (kind text NOT NULL, id int NOT NULL);
ALTER TABLE event_x ATTACH PARTITION event_b FOR VALUES IN ('b');
INSERT INTO event (kind) VALUES ('b'), ('a'), ('b');
SELECT fetch_tables('{event_b,event,event_a,event_x}');
SELECT fetch_tables('{event_a,event_b}');
SELECT goes_round('{event}');
CREATE TABLE base (id int PRIMARY KEY);
CREATE TABLE derived (extra text) INHERITS (base);
INSERT INTO base VALUES (1);
INSERT INTO derived VALUES (2, 'x');
SELECT fetch_tables('{base}');
SELECT fetch_tables('{derived,base}');

\echo == names
CREATE TABLE "Odd ""name"". é" ("a""b" int, "select" int, "t" int);
INSERT INTO "Odd ""name"". é" VALUES (1, 2, 3);
SELECT goes_round(ARRAY['ft."Odd ""name"". é"']);
SELECT fetch_tables(ARRAY['"Odd ""name"". é"']);

\echo == bad input
SELECT fetch_tables(NULL);
SELECT fetch_tables('{NULL}');
SELECT fetch_tables('{nowhere}');
SELECT fetch_tables('{author,nowhere,no.where}');
SELECT fetch_tables('{a.b.c.d}');
SELECT fetch_tables('{not a name}');
CREATE VIEW a_view AS SELECT * FROM author;
SELECT fetch_tables('{author,a_view}');
SELECT fetch_tables('{author_id_seq}');

\echo == one snapshot: what the calling statement itself has done does not show
CREATE FUNCTION add_author() RETURNS int LANGUAGE sql AS
  'INSERT INTO ft.author (name) VALUES (''during'') RETURNING id';
SELECT add_author() IS NOT NULL AS added, fetch_tables('{author}')::text LIKE '%during%' AS seen;
SELECT fetch_tables('{author}')::text LIKE '%during%' AS seen;
BEGIN READ ONLY;
SELECT fetch_tables('{empty}');
ROLLBACK;

\echo == privileges and policies of SELECT
CREATE ROLE regress_pgsync_ft;
GRANT USAGE ON SCHEMA ft TO regress_pgsync_ft;
GRANT SELECT (id, name) ON author TO regress_pgsync_ft;
SET ROLE regress_pgsync_ft;
-- loud is generated: it is not read
SELECT json_array_length(fetch_tables('{author}') -> 'author') > 3 AS fetched;
SELECT fetch_tables('{author,book}');
RESET ROLE;
REVOKE SELECT (name) ON author FROM regress_pgsync_ft;
SET ROLE regress_pgsync_ft;
SELECT fetch_tables('{author}');
RESET ROLE;
GRANT SELECT ON author TO regress_pgsync_ft;
ALTER TABLE author ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON author USING (id = 2);
SET ROLE regress_pgsync_ft;
SELECT fetch_tables('{author}');
RESET ROLE;

CREATE TABLE late (id int PRIMARY KEY DEFERRABLE);
INSERT INTO late VALUES (2), (3), (1);
SELECT fetch_tables('{late}');

\echo == it can be cancelled
CREATE TABLE large (id int, filler text[]);
INSERT INTO large SELECT i, ARRAY[repeat('x', 1000)] FROM generate_series(1, 20000) i;
SET statement_timeout = '2ms';
\set VERBOSITY sqlstate
SELECT length(fetch_tables('{large}')::text);
\set VERBOSITY default
RESET statement_timeout;
SELECT length(fetch_tables('{large}')::text);

SET client_min_messages = warning;
DROP SCHEMA ft CASCADE;
DROP ROLE regress_pgsync_ft;
