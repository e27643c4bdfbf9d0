-- Rows that name other columns in turn, each run of them a statement of its
-- own: the plans of the statements are kept, and must mean what new ones would.
CREATE EXTENSION IF NOT EXISTS pgsync;
CREATE SCHEMA upsert_plans;
SET search_path = upsert_plans, public;

-- more sets of columns than plans are kept: rows as single calls leave them
CREATE TABLE wide (id int PRIMARY KEY, n int DEFAULT 7, fired text DEFAULT '');
DO $$
BEGIN
    FOR i IN 1..25 LOOP
        EXECUTE format('ALTER TABLE wide ADD c%s int DEFAULT %s', i, i);
    END LOOP;
END $$;
CREATE FUNCTION note_trigger() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN NEW.fired := NEW.fired || TG_NAME || ' '; RETURN NEW; END$$;
CREATE TRIGGER u1 BEFORE UPDATE OF c1 ON wide FOR EACH ROW EXECUTE FUNCTION note_trigger();
CREATE TRIGGER u9 BEFORE UPDATE OF c9, n ON wide FOR EACH ROW EXECUTE FUNCTION note_trigger();
CREATE TABLE single (LIKE wide INCLUDING ALL);
CREATE TRIGGER u1 BEFORE UPDATE OF c1 ON single FOR EACH ROW EXECUTE FUNCTION note_trigger();
CREATE TRIGGER u9 BEFORE UPDATE OF c9, n ON single FOR EACH ROW EXECUTE FUNCTION note_trigger();
CREATE TABLE data AS
SELECT jsonb_agg(jsonb_build_object('id', i % 50, 'c' || 1 + i * 7 % 25, i) || CASE i % 3 WHEN 0 THEN '{"n": 1}' ELSE '{}' END::jsonb ORDER BY i) AS rows
FROM generate_series(1, 600) i;
SELECT u.* FROM data, upsert_many('wide', rows) u;
SELECT sum(u.inserted), sum(u.updated) FROM data, jsonb_array_elements(rows) r, upsert_many('single', r) u;
TABLE wide EXCEPT TABLE single;
SELECT u.* FROM data, upsert_many('wide', rows, skip_unchanged => true) u;
SELECT sum(u.updated), sum(u.unchanged) FROM data, jsonb_array_elements(rows) r, upsert_many('single', r, skip_unchanged => true) u;
TABLE wide EXCEPT TABLE single;
SELECT count(*), count(DISTINCT r.action) FROM data, upsert_returning('wide', rows) r;

-- a plan does not outlive what it was made of: here a function changes that
-- has become a part of it, and a policy
CREATE ROLE regress_upsert_plans;
GRANT USAGE ON SCHEMA upsert_plans TO regress_upsert_plans;
CREATE TABLE owned (id int PRIMARY KEY, a int, b int, CHECK (a < 100));
GRANT ALL ON owned TO regress_upsert_plans;
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION limit_of() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 50';
CREATE POLICY small ON owned USING (true) WITH CHECK (coalesce(a, 0) < limit_of());
CREATE FUNCTION lower_limit() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.b = 3 THEN
        CREATE OR REPLACE FUNCTION upsert_plans.limit_of() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 10';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lower_limit BEFORE UPDATE OF b ON owned FOR EACH ROW EXECUTE FUNCTION lower_limit();
INSERT INTO owned SELECT i FROM generate_series(1, 9) i;
SET ROLE regress_upsert_plans;
SELECT * FROM upsert_many('owned', '[{"id": 1, "a": 20}, {"id": 2, "b": 2}, {"id": 3, "a": 20}, {"id": 4, "b": 2}, {"id": 5, "a": 20}, {"id": 6, "b": 3}, {"id": 7, "a": 9}]');
SELECT * FROM upsert_many('owned', '[{"id": 1, "a": 20}]');
RESET ROLE;
SELECT * FROM owned WHERE a IS NOT NULL OR b IS NOT NULL ORDER BY id;
CREATE OR REPLACE FUNCTION limit_of() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 50';
SET ROLE regress_upsert_plans;
SELECT * FROM upsert_many('owned', '[{"id": 1, "a": 20}, {"id": 2, "b": 2}, {"id": 6, "b": 3}, {"id": 7, "a": 20}]');
RESET ROLE;

-- through a view, whose statements list the columns that rows name
CREATE VIEW narrow AS SELECT id, n, c1, c2 FROM wide WHERE id < 1000;
TRUNCATE wide;
SELECT insert_many('narrow', '[{"id": 1, "c1": 1}, {"id": 2, "c2": 2}, {"id": 3, "c1": 3}, {"id": 4}, {"id": 5, "c2": 5}, {"id": 6, "c1": null}]');
SELECT id, n, c1, c2 FROM wide ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA upsert_plans CASCADE;
DROP ROLE regress_upsert_plans;
