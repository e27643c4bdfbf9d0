-- fetch_count: what count(*) gives, on every kind of relation and of tuple
\set VERBOSITY terse
CREATE SCHEMA counting;
SET search_path = counting, public;

-- fetch_count against count(*), under one snapshot
CREATE FUNCTION compare(target regclass, condition text DEFAULT NULL,
                        OUT fetched bigint, OUT same boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    counted bigint;
BEGIN
    EXECUTE format('SELECT (SELECT count(*) FROM %s %s), fetch_count($1, $2)',
                   target, 'WHERE ' || condition)
        USING target, condition INTO counted, fetched;
    same := counted = fetched;
    IF NOT same THEN
        RAISE WARNING 'count(*) is %, fetch_count %', counted, fetched;
    END IF;
END $$;

--
-- Tuples in every state
--
CREATE TABLE t (id integer PRIMARY KEY, v integer, filler text)
    WITH (autovacuum_enabled = off);
SELECT * FROM compare('t');
SELECT pg_relation_size('t') AS no_pages;
INSERT INTO t SELECT i, i, repeat('x', 50) FROM generate_series(1, 1000) i;
SELECT * FROM compare('t');
-- which way: by page, unless there is a condition
SET client_min_messages = debug1;
SELECT fetch_count('t');
SELECT fetch_count('t', 'true');
RESET client_min_messages;
-- deleted
DELETE FROM t WHERE id % 10 = 0;
SELECT * FROM compare('t');
-- updated in place (HOT), and not
UPDATE t SET filler = 'y' WHERE id % 3 = 0;
UPDATE t SET filler = 'z' WHERE id % 3 = 0;
UPDATE t SET id = id + 10000 WHERE id % 7 = 0;
SELECT * FROM compare('t');
-- aborted
BEGIN;
INSERT INTO t SELECT i, i FROM generate_series(20001, 20100) i;
DELETE FROM t WHERE id < 100;
UPDATE t SET v = 0 WHERE id BETWEEN 200 AND 300;
SELECT * FROM compare('t');
ROLLBACK;
SELECT * FROM compare('t');
-- of subtransactions, both kinds
BEGIN;
SAVEPOINT a;
INSERT INTO t SELECT i, i FROM generate_series(30001, 30010) i;
RELEASE a;
SAVEPOINT b;
INSERT INTO t SELECT i, i FROM generate_series(30011, 30020) i;
DELETE FROM t WHERE id = 30001;
SELECT * FROM compare('t');
ROLLBACK TO b;
SELECT * FROM compare('t');
COMMIT;
SELECT * FROM compare('t');
-- locked
BEGIN;
SELECT count(*) FROM (SELECT FROM t WHERE id < 50 FOR UPDATE) l;
SELECT count(*) FROM (SELECT FROM t WHERE id < 80 FOR SHARE) l;
SAVEPOINT s;
SELECT count(*) FROM (SELECT FROM t WHERE id < 60 FOR KEY SHARE) l;
UPDATE t SET filler = 'locked' WHERE id < 20;
SELECT * FROM compare('t');
ROLLBACK TO s;
SELECT * FROM compare('t');
COMMIT;
SELECT * FROM compare('t');
-- vacuumed: pages all visible, some line pointers dead or redirected
VACUUM t;
SELECT * FROM compare('t');
DELETE FROM t WHERE id % 11 = 0;
SELECT * FROM compare('t');
VACUUM (INDEX_CLEANUP off) t;
SELECT * FROM compare('t');
VACUUM (FREEZE) t;
SELECT * FROM compare('t');
-- frozen and changed again
UPDATE t SET v = v + 1 WHERE id % 100 = 1;
SELECT * FROM compare('t');
VACUUM FULL t;
SELECT * FROM compare('t');
-- all gone
DELETE FROM t;
SELECT * FROM compare('t');
VACUUM t;
SELECT * FROM compare('t');
INSERT INTO t VALUES (1, 1), (2, NULL), (3, 3);
TRUNCATE t;
SELECT * FROM compare('t');
INSERT INTO t VALUES (1, 1), (2, NULL), (3, 3);
-- created, filled and frozen in this transaction
BEGIN;
CREATE TABLE fresh (a integer);
COPY fresh FROM STDIN (FREEZE);
1
2
3
\.
SELECT * FROM compare('fresh');
ROLLBACK;

-- columns: toasted, dropped, none at all
CREATE TABLE wide (a text, b text, c integer);
ALTER TABLE wide ALTER a SET STORAGE EXTERNAL;
INSERT INTO wide SELECT repeat('t', 10000), 'b', i FROM generate_series(1, 50) i;
SELECT * FROM compare('wide');
SELECT fetch_count(reltoastrelid) > 50 AS toast_chunks FROM pg_class WHERE oid = 'wide'::regclass;
ALTER TABLE wide DROP COLUMN a;
SELECT * FROM compare('wide');
CREATE TABLE bare ();
INSERT INTO bare DEFAULT VALUES;
INSERT INTO bare DEFAULT VALUES;
SELECT * FROM compare('bare');

--
-- What the calling statement sees
--
-- not its own changes, but all of those before it
WITH i AS (INSERT INTO t VALUES (4, 4) RETURNING id)
SELECT fetch_count('t') AS before, (SELECT count(*) FROM t) AS same, id FROM i;
SELECT * FROM compare('t');
INSERT INTO t SELECT 100 + fetch_count('t')::integer FROM generate_series(1, 1);
SELECT max(id) FROM t;
DO $$
DECLARE
    n bigint;
BEGIN
    INSERT INTO t VALUES (200, 1), (201, 2);
    n := fetch_count('t');
    DELETE FROM t WHERE id >= 200;
    RAISE NOTICE '% then %', n, fetch_count('t');
END $$;
-- a cursor sees what was there when it was opened
BEGIN;
DECLARE counts CURSOR FOR
    SELECT i, fetch_count('t') AS fetched, (SELECT count(*) FROM t) AS counted
    FROM generate_series(1, 3) i;
FETCH counts;
INSERT INTO t VALUES (300), (301);
DELETE FROM t WHERE id = 1;
FETCH counts;
SELECT * FROM compare('t');
FETCH counts;
ROLLBACK;
-- and so does a function that is not volatile
CREATE FUNCTION stable_count() RETURNS bigint LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN fetch_count('t'); END $$;
WITH i AS (INSERT INTO t VALUES (5, 5)) SELECT stable_count(), fetch_count('t');
-- read only, repeatable read, serializable
BEGIN READ ONLY;
SELECT * FROM compare('t');
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO t VALUES (6, 6);
SELECT * FROM compare('t');
COMMIT;
-- a serializable count must leave predicate locks: never by page
BEGIN ISOLATION LEVEL SERIALIZABLE;
SET client_min_messages = debug1;
SELECT fetch_count('t');
RESET client_min_messages;
SELECT count(*) > 0 AS predicate_locks FROM pg_locks
WHERE relation = 't'::regclass AND mode = 'SIReadLock';
COMMIT;

--
-- Conditions
--
SELECT fetch_count('t', 'v > 2');
SELECT fetch_count('t', 'v > $1', 2);
SELECT fetch_count('t', 'v > $1 AND id < $2', '2', 5);
SELECT fetch_count('t', 'id = ANY ($1)', '{1,2,99}');
SELECT fetch_count('t', 'id = $1 OR id = $2', VARIADIC ARRAY[1, 2]);
SELECT fetch_count('t', 'v IS NULL OR $1::integer IS NULL', NULL);
SELECT fetch_count('t', NULL), fetch_count('t', 'NULL'), fetch_count('t', 'false');
SELECT fetch_count('t', 't.id = (SELECT min(id) FROM t) OR EXISTS (SELECT FROM t x WHERE x.id < t.id AND x.v = 1)');
SELECT fetch_count('t', 'filler ~ $1', '^x');
SELECT fetch_count('t', E'id > 0 -- a comment inside\n AND /* and another */ id < 3');
SELECT fetch_count('t', ' id > 0 ');
SELECT fetch_count('t', $$'it''s */' <> '--' $$);
CREATE SEQUENCE evaluated;
SELECT fetch_count('t', 'nextval(''evaluated'') > 2'), nextval('evaluated');
-- exactly one expression
\set VERBOSITY default
SELECT fetch_count('t', 'true; DROP TABLE t');
SELECT fetch_count('t', '1=1 UNION SELECT 1');
SELECT fetch_count('t', 'true -- comment');
SELECT fetch_count('t', E'true -- comment\n');
SELECT fetch_count('t', 'true /* comment */');
SELECT fetch_count('t', 'true /* comment');
SELECT fetch_count('t', 'true) OR (true');
SELECT fetch_count('t', '(true');
SELECT fetch_count('t', 'true)');
\set VERBOSITY terse
SELECT fetch_count('t', '');
SELECT fetch_count('t', '  ');
SELECT fetch_count('t', '-- nothing else');
SELECT fetch_count('t', 'true, true');
SELECT fetch_count('t', 'true AS x');
SELECT fetch_count('t', 'true x');
SELECT fetch_count('t', '*');
SELECT fetch_count('t', 't.*');
SELECT fetch_count('t', 'DISTINCT true');
SELECT fetch_count('t', 'true FROM t');
SELECT fetch_count('t', 'true INTO x');
SELECT fetch_count('t', 'true WHERE true');
SELECT fetch_count('t', 'true GROUP BY id');
SELECT fetch_count('t', 'true HAVING true');
SELECT fetch_count('t', 'true WINDOW w AS ()');
SELECT fetch_count('t', 'true ORDER BY 1');
SELECT fetch_count('t', 'true LIMIT 1');
SELECT fetch_count('t', 'true OFFSET 1');
SELECT fetch_count('t', 'true FOR UPDATE');
SELECT fetch_count('t', 'SELECT true');
SELECT fetch_count('t', 'x := 1');
SELECT fetch_count('t', 'id');
SELECT fetch_count('t', 'count(*) > 1');
SELECT fetch_count('t', 'nothing = 1');
SELECT fetch_count('t', 'id = $1');
SELECT fetch_count('t', 'id = $1', 1, 2);
SELECT fetch_count('t', NULL, 1);
SELECT fetch_count('t', 'true', 1);
SELECT fetch_count('t', 'id = $1', 'one');
SELECT fetch_count('t', 'id = $1', date '2024-01-01');
SELECT * FROM compare('t');

--
-- Partitions and children, whatever the planner makes of them
--
CREATE TABLE parted (k integer, v text) PARTITION BY RANGE (k);
SELECT * FROM compare('parted');
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 (v text, dropped integer, k integer);
ALTER TABLE parted_2 DROP COLUMN dropped;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE parted_3 PARTITION OF parted FOR VALUES FROM (200) TO (1000) PARTITION BY LIST (k);
CREATE TABLE parted_3_1 PARTITION OF parted_3 FOR VALUES IN (200, 201, 202);
CREATE TABLE parted_3_rest PARTITION OF parted_3 DEFAULT;
SELECT * FROM compare('parted');
INSERT INTO parted SELECT i, i FROM generate_series(0, 999) i;
CREATE INDEX parted_k ON parted (k);
VACUUM ANALYZE parted;
DELETE FROM parted WHERE k % 4 = 0;
SELECT * FROM compare('parted');
SELECT * FROM compare('parted_3');
SELECT * FROM compare('parted_3_1');
SELECT * FROM compare('parted', 'k > 150');
SET client_min_messages = debug1;
SELECT fetch_count('parted');
RESET client_min_messages;

CREATE TABLE parent (a integer);
CREATE TABLE child (b integer) INHERITS (parent);
CREATE TABLE grandchild () INHERITS (child, t);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2), (3);
INSERT INTO grandchild (a, id) VALUES (4, 4), (5, 5), (6, 6);
SELECT * FROM compare('parent');
SELECT * FROM compare('child');
SELECT * FROM compare('t');
SELECT * FROM compare('parent', 'a > 2');

-- plans of many shapes, all counted by table
CREATE FUNCTION compare_plans() RETURNS TABLE (setting text, parted text, parent text)
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY '{enable_seqscan,enable_partitionwise_aggregate,enable_parallel_append,enable_indexonlyscan,none}'::text[] LOOP
        IF name <> 'none' THEN
            PERFORM set_config(name, CASE current_setting(name) WHEN 'on' THEN 'off' ELSE 'on' END, true);
        END IF;
        setting := name;
        parted := compare('parted')::text;
        parent := compare('parent')::text;
        RETURN NEXT;
    END LOOP;
END $$;
BEGIN;
SET LOCAL jit = off;
SET LOCAL client_min_messages = debug1;
SELECT * FROM compare_plans();
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL min_parallel_index_scan_size = 0;
SELECT * FROM compare_plans();
ROLLBACK;
-- settings are put back
SHOW enable_partitionwise_aggregate;
SELECT fetch_count('parted', 'true');
SHOW enable_partitionwise_aggregate;
SELECT fetch_count('parted', '1 / (k - 1) > 0');
SHOW enable_partitionwise_aggregate;

--
-- Other kinds of relations
--
CREATE TEMP TABLE temporary AS SELECT i FROM generate_series(1, 500) i;
DELETE FROM temporary WHERE i % 2 = 0;
SELECT * FROM compare('temporary');
CREATE UNLOGGED TABLE unlogged AS SELECT i FROM generate_series(1, 500) i;
SELECT * FROM compare('unlogged');
CREATE VIEW plain_view AS SELECT * FROM t;
CREATE VIEW union_view AS SELECT id FROM t UNION ALL SELECT i FROM unlogged;
CREATE VIEW grouped_view AS SELECT count(*) FROM t;
CREATE VIEW limited_view AS SELECT * FROM t LIMIT 2;
CREATE VIEW set_view AS SELECT generate_series(1, 3) FROM t;
CREATE VIEW volatile_view AS SELECT nextval('evaluated') AS n FROM t;
SELECT c.relname, x.* FROM pg_class c, compare(c.oid) x
WHERE c.relkind = 'v' AND c.relnamespace = 'counting'::regnamespace ORDER BY 1;
CREATE MATERIALIZED VIEW filled AS SELECT * FROM unlogged;
SELECT * FROM compare('filled');
CREATE MATERIALIZED VIEW unfilled AS SELECT * FROM unlogged WITH NO DATA;
SELECT fetch_count('unfilled');
SELECT count(*) FROM unfilled;
SELECT * FROM compare('evaluated');
SELECT same FROM compare('pg_class');
SELECT same FROM compare('pg_catalog.pg_attribute');
SELECT same FROM compare('information_schema.tables');
CREATE TABLE "Odd ""name" ("a b" integer);
INSERT INTO "Odd ""name" VALUES (1);
SELECT fetch_count('"Odd ""name"'), fetch_count('"Odd ""name"', '"a b" = 1');
-- an access method of another name, with heap's functions
CREATE ACCESS METHOD regress_pgsync_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE other_method (a integer) USING regress_pgsync_heap;
INSERT INTO other_method VALUES (1), (2);
SELECT * FROM compare('other_method');

-- bad ones
\set VERBOSITY default
SELECT fetch_count('t_pkey');
SELECT fetch_count('parted_k');
CREATE TYPE composite AS (a integer);
SELECT fetch_count('composite');
SELECT fetch_count(0);
SELECT fetch_count(NULL);
SELECT fetch_count(NULL, 'true');
SELECT fetch_count('missing');
\set VERBOSITY terse

--
-- Privileges: those of count(*)
--
CREATE ROLE regress_pgsync_counter;
SET ROLE regress_pgsync_counter;
-- not even the schema is open
SELECT fetch_count('counting.wide');
RESET ROLE;
GRANT USAGE ON SCHEMA counting TO regress_pgsync_counter;
SET ROLE regress_pgsync_counter;
SELECT fetch_count('wide');
SELECT fetch_count('wide', 'true');
RESET ROLE;
-- one column is enough, but for a condition on another
GRANT SELECT (c) ON wide TO regress_pgsync_counter;
SET ROLE regress_pgsync_counter;
SELECT fetch_count('wide'), count(*) FROM wide;
SELECT fetch_count('wide', 'c > 40');
SELECT fetch_count('wide', 'b = ''b''');
RESET ROLE;
-- the parent's privilege is enough for its partitions
GRANT SELECT ON parted, evaluated TO regress_pgsync_counter;
SET ROLE regress_pgsync_counter;
SELECT fetch_count('parted'), count(*) FROM parted;
SELECT fetch_count('parted_1');
SELECT fetch_count('evaluated');
SELECT fetch_count('plain_view');
RESET ROLE;
-- a view's owner's privilege counts for what the view reads
GRANT SELECT ON plain_view TO regress_pgsync_counter;
SET ROLE regress_pgsync_counter;
SELECT fetch_count('plain_view'), count(*) FROM plain_view;
RESET ROLE;
-- row-level security
CREATE TABLE secured (id integer, owner text);
INSERT INTO secured SELECT i, CASE WHEN i % 3 = 0 THEN 'regress_pgsync_counter' END FROM generate_series(1, 30) i;
GRANT SELECT ON secured TO regress_pgsync_counter;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
SET ROLE regress_pgsync_counter;
SELECT fetch_count('secured'), count(*) FROM secured;
RESET ROLE;
CREATE POLICY own ON secured USING (owner = current_user);
SET ROLE regress_pgsync_counter;
SELECT fetch_count('secured'), count(*) FROM secured;
SELECT fetch_count('secured', 'id > 10');
SET row_security = off;
SELECT fetch_count('secured');
RESET row_security;
RESET ROLE;
SELECT fetch_count('secured'), count(*) FROM secured;
-- on a partition, where the parent's policies count
ALTER TABLE parted_1 ENABLE ROW LEVEL SECURITY;
SET ROLE regress_pgsync_counter;
SELECT fetch_count('parted'), count(*) FROM parted;
RESET ROLE;
ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
CREATE POLICY low ON parted USING (k < 50);
SET ROLE regress_pgsync_counter;
SELECT fetch_count('parted'), count(*) FROM parted;
RESET ROLE;

-- as a scan, it shows in the statistics
SELECT pg_stat_force_next_flush();
CREATE TABLE watched AS SELECT i FROM generate_series(1, 100) i;
SELECT fetch_count('watched');
SELECT pg_stat_force_next_flush();
SELECT seq_scan, seq_tup_read FROM pg_stat_user_tables WHERE relid = 'watched'::regclass;

SET client_min_messages = warning;
DROP SCHEMA counting CASCADE;
DROP ACCESS METHOD regress_pgsync_heap;
DROP ROLE regress_pgsync_counter;
