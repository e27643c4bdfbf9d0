-- get_tables: which tables a schema has
CREATE SCHEMA gt_a;
CREATE SCHEMA "gt B";
CREATE TABLE gt_a.plain (id serial PRIMARY KEY, doc text);
CREATE TABLE gt_a."Mixed Case" (id int);
CREATE UNLOGGED TABLE gt_a.quick (id int);
CREATE TABLE gt_a.of_extension (id int);
ALTER EXTENSION pgsync ADD TABLE gt_a.of_extension;
CREATE VIEW gt_a.a_view AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW gt_a.a_matview AS SELECT 1 AS id;
CREATE TABLE gt_a.event (id int, day int) PARTITION BY LIST (day);
CREATE TABLE gt_a.event_1 PARTITION OF gt_a.event FOR VALUES IN (1);
CREATE TABLE gt_a.event_2 PARTITION OF gt_a.event FOR VALUES IN (2);
CREATE TABLE gt_a.parent (id int);
CREATE TABLE "gt B".child () INHERITS (gt_a.parent);
CREATE TABLE "gt B".plain (id int);
CREATE TABLE "gt B".migrations (id int);
CREATE TEMP TABLE gt_temp (id int);

SELECT get_tables('{gt_a}');
SELECT get_tables(ARRAY['gt B', 'gt_a', 'gt_a']);
-- a schema's name may be quoted; one that does not exist has no tables
SELECT get_tables(ARRAY['"gt B"']);
SELECT get_tables('{gt_nowhere}'), get_tables('{}'), get_tables('{GT_A}');
SELECT get_tables(ARRAY['"gt', '"gt B".plain']);
SELECT get_tables(ARRAY[(SELECT nspname::text FROM pg_namespace
                         WHERE oid = pg_my_temp_schema())]);

-- ignored tables: with a schema, or in each of the listed schemas
SELECT get_tables('{gt_a, gt B}', '{plain}');
SELECT get_tables('{gt_a, gt B}', ARRAY['"gt B".plain', 'gt_a."Mixed Case"']);
SELECT get_tables('{gt_a, gt B}', '{gt_nowhere.plain, nowhere, other.gt.plain}');
-- what would empty an ignored table, or is part of one, is left out as well
SELECT get_tables('{gt_a}', '{event}');
SELECT get_tables('{gt_a}', '{event_1}');
SELECT get_tables('{gt_a}', ARRAY['"gt B".child']);
SELECT get_tables(ARRAY['gt B'], '{gt_a.parent}');

-- the result goes straight into clean_tables
INSERT INTO gt_a.plain DEFAULT VALUES;
INSERT INTO gt_a."Mixed Case" VALUES (1);
INSERT INTO gt_a.event VALUES (1, 1), (2, 2);
INSERT INTO "gt B".migrations VALUES (1);
INSERT INTO gt_a.of_extension VALUES (1);
SELECT clean_tables(get_tables('{gt_a, gt B}', ARRAY['"gt B".migrations']));
SELECT count(*) FROM "gt B".migrations;
SELECT count(*) FROM gt_a.of_extension;
SELECT clean_tables(get_tables('{gt_nowhere}'));

-- bad input
SELECT get_tables(NULL);
SELECT get_tables('{gt_a, NULL}');
SELECT get_tables('{gt_a, ""}');
SELECT get_tables('{{gt_a}, {gt_b}}');
SELECT get_tables('{gt_a}', '{NULL}');
SELECT get_tables('{gt_a}', '{""}');
SELECT get_tables('{gt_a}', '{not a name}');

-- a long list answers a cancel, before the error that comes after it
CREATE TABLE gt_a.names (list text[]);
INSERT INTO gt_a.names SELECT array_agg('nowhere' || i)
  FROM generate_series(1, 1000000) i;
\set VERBOSITY sqlstate
SET statement_timeout = '50ms';
SELECT get_tables(list, '{NULL}') FROM gt_a.names;
SELECT get_tables('{gt_a}', list || NULL) FROM gt_a.names;
RESET statement_timeout;
\set VERBOSITY default

ALTER EXTENSION pgsync DROP TABLE gt_a.of_extension;
SET client_min_messages = error;
DROP SCHEMA gt_a, "gt B" CASCADE;
