-- fetch_count_estimate: the planner's figure, without reading a row
CREATE SCHEMA est;
SET search_path = est, public;

-- EXPLAIN's rows of a statement
CREATE FUNCTION explained(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
  RETURN plan -> 0 -> 'Plan' ->> 'Plan Rows';
END $$;
-- which notes that it was called
CREATE FUNCTION note(i int) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN RAISE NOTICE 'evaluated'; RETURN true; END $$;

CREATE TABLE t (id int PRIMARY KEY, kind text, secret int);
INSERT INTO t SELECT i, 'k' || i % 10, i FROM generate_series(1, 1000) i;
ANALYZE t;
CREATE TABLE parted (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (500);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (500) TO (1000);
INSERT INTO parted SELECT i, i % 7 FROM generate_series(0, 999) i;
ANALYZE parted;
CREATE TABLE base (id int);
CREATE TABLE derived () INHERITS (base);
INSERT INTO base SELECT generate_series(1, 30);
INSERT INTO derived SELECT generate_series(1, 12);
ANALYZE base, derived;
CREATE VIEW few AS SELECT kind FROM t GROUP BY kind;
CREATE MATERIALIZED VIEW later AS SELECT * FROM t WITH NO DATA;

SELECT fetch_count_estimate('t'), fetch_count_estimate('t', NULL), fetch_count_estimate('t', 'true');
SELECT fetch_count_estimate('t', 'id <= 100') BETWEEN 90 AND 110 AS close,
  fetch_count_estimate('t', 'id = $1', 5) AS one,
  fetch_count_estimate('t', 'kind = $1', 'k3'::text) BETWEEN 90 AND 110 AS kind,
  fetch_count_estimate('t', 'id = $1 AND kind = $2', '5', 'k5') AS both;
SELECT fetch_count_estimate('parted'), fetch_count_estimate('parted', 'id < 500'),
  fetch_count_estimate('base'), fetch_count_estimate('few');
SELECT count(*) AS compared, count(*) FILTER (WHERE ours <> theirs) AS different
FROM unnest('{t,parted,base,few}'::regclass[]) AS target(name),
  unnest('{true,false,"NULL",id % 3 = 1,id > 950 OR id IS NULL,
    "id IN (SELECT id FROM est.t WHERE secret > 20)"}'::text[]) AS condition(text),
  LATERAL (SELECT CASE WHEN name = 'few'::regclass THEN replace(text, 'id', 'length(kind)') ELSE text END) c(shown),
  LATERAL (SELECT fetch_count_estimate(name, shown) AS ours,
    explained(format('SELECT FROM %s WHERE %s', name, shown)) AS theirs) e;
-- a wrong number shows that nothing is counted
INSERT INTO t SELECT i, 'new', i FROM generate_series(1001, 1020) i;
SELECT fetch_count_estimate('t', 'id <= 1020') <> fetch_count('t') AS differs;
DELETE FROM t WHERE id > 1000;

-- no row is read, nothing volatile is evaluated
SELECT fetch_count_estimate('t', 'note(id)') > 0 AS estimated;
SELECT fetch_count('t', 'id = 3 AND note(id)');
-- a materialized view without data has none to read
SELECT fetch_count_estimate('later') > 0 AS estimated;
SELECT fetch_count('later');
BEGIN READ ONLY;
SELECT fetch_count_estimate('t');
ROLLBACK;
-- more rows than a bigint holds
CREATE FUNCTION huge() RETURNS SETOF int LANGUAGE sql ROWS 1e20 AS 'VALUES (1), (2)';
CREATE VIEW all_rows AS SELECT a FROM huge() a, huge() b;
ALTER FUNCTION huge() VOLATILE;
SELECT fetch_count_estimate('all_rows');

-- bad input
SELECT fetch_count_estimate(NULL);
SELECT fetch_count_estimate('t_pkey');
SELECT fetch_count_estimate('nowhere');
SELECT fetch_count_estimate('t', 'id = $1');
SELECT fetch_count_estimate('t', 'id = 1', 2);
SELECT fetch_count_estimate('t', 'id = $1', 'x');
SELECT fetch_count_estimate('t', 'nope = 1');
SELECT fetch_count_estimate('t', 'true; SELECT 1');
SELECT fetch_count_estimate('t', 'true ORDER BY 1');
SELECT fetch_count_estimate('t', 'count(*) > 1');

-- privileges: those of count(*)
CREATE ROLE regress_pgsync_est;
GRANT USAGE ON SCHEMA est TO regress_pgsync_est;
SET ROLE regress_pgsync_est;
SELECT fetch_count_estimate('t');
SELECT fetch_count_estimate('t', 'false');
RESET ROLE;
GRANT SELECT (kind) ON t TO regress_pgsync_est;
SET ROLE regress_pgsync_est;
SELECT fetch_count_estimate('t'), fetch_count_estimate('t', 'kind = ''k1''') BETWEEN 90 AND 110 AS kind;
SELECT fetch_count_estimate('t', 'secret = 5');
RESET ROLE;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY first ON t USING (kind = 'k1');
SET ROLE regress_pgsync_est;
SELECT fetch_count_estimate('t') BETWEEN 90 AND 110 AS of_what_is_seen;
RESET ROLE;
SELECT fetch_count_estimate('t');

SET client_min_messages = warning;
DROP SCHEMA est CASCADE;
DROP ROLE regress_pgsync_est;
