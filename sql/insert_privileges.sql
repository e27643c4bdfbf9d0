-- A role can do through insert_many what its own INSERT could do, no more.
CREATE SCHEMA insert_privileges;
SET search_path = insert_privileges, public;
CREATE ROLE regress_pgsync_writer;
CREATE ROLE regress_pgsync_owner;
GRANT USAGE ON SCHEMA insert_privileges TO regress_pgsync_writer, regress_pgsync_owner;
CREATE TABLE t (a int, b int, c int DEFAULT 7);
CREATE TABLE s (a serial, b int, i int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE u (a int PRIMARY KEY, b int);
-- Runs as the writer, in both sinks; says what happened.
CREATE FUNCTION as_writer(target regclass, data text, clause text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE sink text; results text[];
BEGIN
  FOREACH sink IN ARRAY ARRAY['auto', 'statement'] LOOP
    BEGIN
      SET LOCAL ROLE regress_pgsync_writer;
      PERFORM set_config('pgsync.sink', sink, true);
      results := results || insert_many(target, data, clause)::text;
      SET LOCAL ROLE NONE;
    EXCEPTION WHEN OTHERS THEN
      results := results || concat_ws(' ', SQLSTATE, SQLERRM);
    END;
  END LOOP;
  RETURN CASE WHEN results[1] = results[2] THEN results[1] ELSE results::text END;
END $$;

-- nothing granted
SELECT as_writer('t', '{"a": 1}'), as_writer('t', '[]'), as_writer('t', '{}');
-- other privileges do not help
GRANT SELECT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON t TO regress_pgsync_writer;
SELECT as_writer('t', '{"a": 1}');
REVOKE ALL ON t FROM regress_pgsync_writer;
GRANT INSERT ON t TO regress_pgsync_writer;
SELECT as_writer('t', '[{"a": 1}, {"b": 2, "c": 3}]'), as_writer('t', '[]'), as_writer('t', '{}');
-- some columns: a later row's keys count, too; a default needs nothing
REVOKE ALL ON t FROM regress_pgsync_writer;
GRANT INSERT (a, b) ON t TO regress_pgsync_writer;
SELECT as_writer('t', '[{"a": 1}, {"b": 2}, {"a": 3, "b": 4}]');
SELECT as_writer('t', '[{"a": 1, "c": 1}]');
SELECT as_writer('t', '[{"a": 1}, {"b": 2}, {"c": 3}]');
SELECT as_writer('t', '[{"a": 1}, {"c": null}]');
SELECT as_writer('t', '[]'), as_writer('t', '{}');
-- the same INSERTs by hand
SET ROLE regress_pgsync_writer;
INSERT INTO t (a) VALUES (1);
INSERT INTO t (a, c) VALUES (1, 1);
INSERT INTO t DEFAULT VALUES;
SELECT insert_many('t', '[{"a": 1}, {"c": 3}]');
RESET ROLE;
SELECT * FROM t ORDER BY a, b, c;
-- ON CONFLICT needs SELECT on its columns, UPDATE on what it sets
GRANT INSERT ON u TO regress_pgsync_writer;
SELECT as_writer('u', '{"a": 1}', 'ON CONFLICT DO NOTHING'), as_writer('u', '{"a": 1}', 'ON CONFLICT (a) DO NOTHING');
GRANT SELECT (a) ON u TO regress_pgsync_writer;
SELECT as_writer('u', '{"a": 1}', 'ON CONFLICT (a) DO NOTHING'), as_writer('u', '{"a": 1, "b": 2}', 'ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b');
GRANT UPDATE (b) ON u TO regress_pgsync_writer;
SELECT as_writer('u', '{"a": 1, "b": 2}', 'ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.a'), as_writer('u', '{"a": 1, "b": 2}', 'ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b + t.b');
-- a sequence behind a default needs USAGE, only if it is used; one behind an
-- identity column needs nothing
GRANT INSERT ON s TO regress_pgsync_writer;
SELECT as_writer('s', '{"b": 1}'), as_writer('s', '{"a": 5, "b": 1}'), as_writer('s', '[{"a": 6}, {"b": 6}]');
GRANT USAGE ON SEQUENCE s_a_seq TO regress_pgsync_writer;
SELECT as_writer('s', '{"b": 1}');
-- a function behind a default needs EXECUTE
CREATE FUNCTION secret() RETURNS int VOLATILE LANGUAGE plpgsql AS 'BEGIN RETURN 1; END';
REVOKE EXECUTE ON FUNCTION secret FROM public;
CREATE TABLE d (a int, b int DEFAULT secret());
GRANT INSERT ON d TO regress_pgsync_writer;
SELECT as_writer('d', '{"a": 1, "b": 1}'), as_writer('d', '{"a": 1}');
-- partitions: privileges are the named table's
CREATE TABLE p (a int, b int) PARTITION BY LIST (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
GRANT INSERT (a) ON p TO regress_pgsync_writer;
SELECT as_writer('p', '{"a": 1}'), as_writer('p', '[{"a": 1}, {"a": 1, "b": 1}]'), as_writer('p1', '{"a": 1}');
-- a view needs its owner's privileges below
CREATE TABLE below (a int, b int);
CREATE VIEW v AS SELECT * FROM below;
ALTER VIEW v OWNER TO regress_pgsync_owner;
GRANT INSERT (a) ON v TO regress_pgsync_writer;
SELECT as_writer('v', '{"a": 1}');
GRANT INSERT ON below TO regress_pgsync_owner;
SELECT as_writer('v', '{"a": 1}'), as_writer('v', '[{"a": 1}, {"b": 1}]'), as_writer('below', '{"a": 1}');
-- a view of its caller's privileges, whose columns stand in another order
CREATE TABLE swapped (a int, b int);
CREATE VIEW by_caller WITH (security_invoker) AS SELECT b, a FROM swapped;
GRANT INSERT ON by_caller TO regress_pgsync_writer;
GRANT INSERT (a) ON swapped TO regress_pgsync_writer;
SELECT as_writer('by_caller', '{"a": 1}'), as_writer('by_caller', '{"b": 1}'), as_writer('by_caller', '[{"a": 1}, {"b": 1}]');
SELECT DISTINCT * FROM swapped;
-- what is shown of a row that fails follows the privileges as well
CREATE TABLE c (a int, b int CHECK (b > 0), secret text DEFAULT 'secret');
GRANT INSERT (a, b) ON c TO regress_pgsync_writer;
SET ROLE regress_pgsync_writer;
SELECT insert_many('c', '[{"a": 1}, {"b": -1}]');
INSERT INTO c (a, b) VALUES (NULL, -1);
SET pgsync.sink = statement;
SELECT insert_many('c', '[{"a": 1}, {"b": -1}]');
RESET pgsync.sink;
RESET ROLE;
-- in a read-only transaction temporary tables can be filled, others not,
-- and a sequence does not move
BEGIN;
CREATE TEMP TABLE tmp (a int);
CREATE TEMP TABLE tmp_s (a bigint DEFAULT nextval('s_a_seq'));
SET TRANSACTION READ ONLY;
SELECT insert_many('tmp', '[{"a": 1}, {"a": 2}]');
SAVEPOINT a; SELECT insert_many('tmp_s', '{}'); ROLLBACK TO a;
SELECT insert_many('t', '[]');
ROLLBACK;

DROP OWNED BY regress_pgsync_writer, regress_pgsync_owner CASCADE;
DROP ROLE regress_pgsync_writer, regress_pgsync_owner;
SET client_min_messages = warning;
DROP SCHEMA insert_privileges CASCADE;
