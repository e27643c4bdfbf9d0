-- Foreign keys of rows that come with their siblings: one check serves them
-- all, unless somebody could tell.
CREATE SCHEMA fk;
SET search_path = fk, public;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE other (a int, b text, PRIMARY KEY (a, b));
INSERT INTO parent SELECT generate_series(1, 50);
INSERT INTO other SELECT i, 'x' || i FROM generate_series(1, 5) i;
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent, a int, b text,
    FOREIGN KEY (a, b) REFERENCES other);

-- A statement's outcome: how many rows, or the error's detail
CREATE FUNCTION outcome(rows text, target regclass DEFAULT 'child', conflict text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
  RETURN insert_many(target, rows, conflict);
EXCEPTION WHEN foreign_key_violation THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN detail;
END $$;
-- rows whose parents are these, in turn
CREATE FUNCTION rows_of(VARIADIC parents int[]) RETURNS text LANGUAGE sql AS $$
  SELECT json_agg(json_build_object('id', n, 'parent_id', p))::text FROM unnest(parents) WITH ORDINALITY u(p, n) $$;

\echo == a missing parent is found wherever it stands
SELECT outcome(rows_of(99));
SELECT outcome(rows_of(1, 1, 99, 99));
SELECT outcome(rows_of(99, 1, 1));
SELECT outcome(rows_of(NULL, NULL, 99));
SELECT outcome(rows_of(99, NULL));
SELECT outcome(rows_of(1, 99, 1, 98));
SELECT outcome(rows_of(1, 1, NULL, NULL, 2, 2, 1));
TRUNCATE child;
SELECT outcome((SELECT json_agg(json_build_object('id', i, 'parent_id', CASE WHEN i < 9876 THEN 1 + i / 2000 ELSE 77 END))::text
    FROM generate_series(1, 12000) i));
SELECT count(*) FROM child;

\echo == keys of several columns, and several keys
SELECT outcome('[{"id": 1, "a": 1, "b": "x1"}, {"id": 2, "a": 1, "b": "x2"}]');
SELECT outcome('[{"id": 1, "a": 1, "b": "x1"}, {"id": 2, "a": 2, "b": "x1"}]');
SELECT outcome('[{"id": 1, "parent_id": 1, "a": 1, "b": "x1"}, {"id": 2, "parent_id": 99, "a": 1, "b": "x1"}]');
SELECT outcome('[{"id": 1, "parent_id": 1, "a": 1, "b": "x1"}, {"id": 2, "parent_id": 1, "a": 9, "b": "x1"}]');
SELECT outcome('[{"id": 1, "a": 9, "b": null}, {"id": 2, "a": 9, "b": "x1"}]');
CREATE TABLE whole (a int, b text, FOREIGN KEY (a, b) REFERENCES other MATCH FULL);
SELECT outcome('[{"a": 1, "b": "x1"}, {"a": 1, "b": "x1"}, {"a": 1}, {"a": 1}]', 'whole');

\echo == one check for siblings, one for each row if they are mixed
CREATE FUNCTION checks(rows text, target regclass DEFAULT 'child') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint;
BEGIN
  before := pg_stat_get_xact_numscans('parent_pkey'::regclass);
  PERFORM insert_many(target, rows);
  RETURN pg_stat_get_xact_numscans('parent_pkey'::regclass) - before;
END $$;
BEGIN;
SELECT checks(json_agg(json_build_object('id', i, 'parent_id', 1 + i / 100))::text) < 80 AS few FROM generate_series(1, 4000) i;
TRUNCATE child;
SELECT checks(json_agg(json_build_object('id', i, 'parent_id', 1 + i % 40))::text) FROM generate_series(1, 4000) i;
ROLLBACK;
-- what could tell: a trigger, a key that may be deferred, partitions
CREATE TABLE with_trigger (id int, parent_id int REFERENCES parent);
CREATE TABLE late (id int, parent_id int REFERENCES parent DEFERRABLE);
CREATE TABLE parted (id int, parent_id int REFERENCES parent) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1000);
CREATE FUNCTION remove_first() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF NEW.id = 1 THEN EXECUTE format('DELETE FROM %I WHERE id = 1', TG_TABLE_NAME); END IF; RETURN NULL; END $$;
CREATE TRIGGER "A first" AFTER INSERT ON with_trigger FOR EACH ROW EXECUTE FUNCTION remove_first();
BEGIN;
SELECT checks(json_agg(json_build_object('id', i, 'parent_id', 1))::text, target)
FROM generate_series(2, 100) i, unnest('{with_trigger,late,parted}'::regclass[]) target GROUP BY target;
ROLLBACK;

\echo == rows that go before they are checked leave their siblings to be checked
SELECT outcome(rows_of(99, 99, 99), 'with_trigger');
SELECT outcome(rows_of(99), 'with_trigger');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
SELECT outcome(rows_of(99, 99), 'late');
DELETE FROM late WHERE id = 1;
COMMIT;
SELECT count(*) FROM late;
-- ... also where another part of the statement has triggers that come first
CREATE TABLE mirrored (id int PRIMARY KEY, parent_id int REFERENCES parent);
CREATE FUNCTION remove_new() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN DELETE FROM mirrored WHERE id = 1; RETURN NULL; END $$;
CREATE TRIGGER removed AFTER DELETE ON mirrored FOR EACH ROW WHEN (OLD.id = 50) EXECUTE FUNCTION remove_new();
INSERT INTO mirrored VALUES (50, 1);
SELECT sync_many('mirrored', rows_of(99, 99));
SELECT sync_many('mirrored', rows_of(99));
SELECT * FROM mirrored;

-- ... and where a row that is refused leaves its siblings to go in or not
TRUNCATE child;
SELECT insert_many('child', rows_of(99, 99, 1, 1, NULL, 98, 2, 98, 98, 2), on_error => 'ignore');
SELECT array_agg(parent_id ORDER BY id) FROM child;
TRUNCATE child;

\echo == a parent in the same statement; conflicts in between; equal keys that are spelled otherwise
CREATE TABLE node (id int PRIMARY KEY, parent_id int REFERENCES node);
SELECT outcome('[{"id": 1, "parent_id": 3}, {"id": 2, "parent_id": 3}, {"id": 3, "parent_id": 3}]', 'node');
SELECT outcome('[{"id": 4, "parent_id": 9}, {"id": 5, "parent_id": 9}]', 'node');
INSERT INTO child VALUES (7, 1);
SELECT outcome('[{"id": 6, "parent_id": 2}, {"id": 7, "parent_id": 99}, {"id": 8, "parent_id": 2}]', 'child', 'ON CONFLICT DO NOTHING');
SELECT outcome('[{"id": 16, "parent_id": 2}, {"id": 7, "parent_id": 2}, {"id": 18, "parent_id": 99}]', 'child', 'ON CONFLICT DO NOTHING');
CREATE TABLE price (amount numeric PRIMARY KEY);
INSERT INTO price VALUES (1.50);
CREATE TABLE priced (amount numeric REFERENCES price);
SELECT outcome('[{"amount": 1.5}, {"amount": 1.50}, {"amount": 1.500}, {"amount": 1.5}]', 'priced');
SELECT outcome('[{"amount": 1.5}, {"amount": 1.51}]', 'priced');

\echo == the parent is locked as ever
BEGIN;
SELECT outcome('[{"id": 31, "parent_id": 40}, {"id": 32, "parent_id": 40}]');
SELECT bool_or(xmax::text::bigint > 0) AS locked FROM parent WHERE id = 40;
ROLLBACK;

\echo == the statement itself says the same of generated rows
TRUNCATE child;
CREATE FUNCTION generated(seed int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM setseed(seed / 1000.0);
  RETURN (SELECT json_agg(json_build_object('id', i, 'parent_id', p, 'a', a, 'b', CASE WHEN random() < 0.95 THEN 'x' || a END))
    FROM (SELECT i, CASE WHEN random() < 0.9 THEN 1 + i / 40 ELSE (random() * 50.2)::int END AS p,
      CASE WHEN random() < 0.5 THEN 1 + i / 500 ELSE (random() * 3 + 1.6)::int END AS a FROM generate_series(1, 30 + seed * 30) i) q);
END $$;
CREATE TABLE found (seed int, way text, outcome text);
DO $$
BEGIN
  FOR seed IN 1 .. 30 LOOP
    SET LOCAL pgsync.sink = auto;
    INSERT INTO found VALUES (seed, 'auto', outcome(generated(seed)));
    DELETE FROM child;
    SET LOCAL pgsync.sink = statement;
    INSERT INTO found VALUES (seed, 'statement', outcome(generated(seed)));
    DELETE FROM child;
  END LOOP;
END $$;
SELECT count(*) AS compared, count(*) FILTER (WHERE a.outcome ~ '^Key') BETWEEN 5 AND 25 AS some_fail,
  string_agg(a.seed || ': ' || a.outcome || ' <> ' || s.outcome, E'\n') FILTER (WHERE a.outcome <> s.outcome) AS different
FROM found a JOIN found s USING (seed) WHERE a.way = 'auto' AND s.way = 'statement';

SET client_min_messages = warning;
DROP SCHEMA fk CASCADE;
