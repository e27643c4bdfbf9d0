-- insert_many within itself, within other statements, and at the limits of
-- depth, width and size.
CREATE SCHEMA insert_nesting;
SET search_path = insert_nesting, public;

-- a trigger that calls insert_many, for its own table as well
CREATE TABLE tree (id int PRIMARY KEY, parent int, depth int);
CREATE TABLE log (id serial, line text);
CREATE FUNCTION grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM insert_many('log', jsonb_build_array(jsonb_build_object('line', concat_ws(' ', tg_when, 'row', NEW.id))));
  IF NEW.depth < 3 THEN
    PERFORM insert_many('tree', format('{"id": %s, "parent": %s, "depth": %s} {"id": %s, "parent": %2$s, "depth": %3$s}',
                                       NEW.id * 2, NEW.id, NEW.depth + 1, NEW.id * 2 + 1));
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER grow AFTER INSERT ON tree FOR EACH ROW EXECUTE FUNCTION grow();
SELECT insert_many('tree', '{"id": 1, "depth": 1}');
SELECT * FROM tree ORDER BY id;
SELECT line FROM log ORDER BY id;
-- the same BEFORE each row, in the middle of the outer call's rows
TRUNCATE tree, log;
DROP TRIGGER grow ON tree;
CREATE TRIGGER grow BEFORE INSERT ON tree FOR EACH ROW EXECUTE FUNCTION grow();
SELECT insert_many('tree', '[{"id": 1, "depth": 1}, {"id": 50, "depth": 3}]');
SELECT count(*), string_agg(id::text, ' ' ORDER BY ctid) FROM tree;
SELECT count(*) FROM log;
-- an error within names the rows of both calls
SELECT insert_many('tree', '[{"id": 60, "depth": 3}, {"id": 25, "depth": 2}]');
SELECT count(*) FROM tree;
-- as a default, and from a CHECK constraint
CREATE FUNCTION logged(line text) RETURNS bigint LANGUAGE sql AS $$ SELECT public.insert_many('insert_nesting.log', jsonb_build_object('line', line)) $$;
CREATE TABLE defaulting (a int CHECK (logged('check ' || a) = 1), b bigint DEFAULT logged('default'));
TRUNCATE log;
SELECT insert_many('defaulting', '[{"a": 1}, {"a": 2, "b": 0}]');
TABLE defaulting;
SELECT line FROM log ORDER BY id;

-- inside other statements; a query does not see what its own calls insert
CREATE TABLE t (a int, b text);
CREATE TABLE results (n bigint, seen bigint);
INSERT INTO results SELECT insert_many('t', jsonb_build_object('a', i)), (SELECT count(*) FROM t) FROM generate_series(1, 3) i;
TABLE results;
WITH w AS (SELECT insert_many('t', '[{"a": 4}, {"a": 5}]') AS n) SELECT n, (SELECT count(*) FROM t) FROM w;
SELECT count(*) FROM t;
UPDATE results SET n = insert_many('t', '{"a": 6}') WHERE seen = 0;
SELECT count(*) FROM t;
-- the next statement of a function does
DO $$
DECLARE n int;
BEGIN
  PERFORM insert_many('t', '{"a": 7}');
  SELECT count(*) INTO n FROM t WHERE a = 7;
  RAISE INFO '% row', n;
END $$;
CREATE FUNCTION insert_and_count() RETURNS bigint LANGUAGE sql AS $$ SELECT insert_many('t', '{"a": 8}'); SELECT count(*) FROM t WHERE a = 8 $$;
SELECT insert_and_count();
-- prepared
PREPARE p (regclass, jsonb) AS SELECT insert_many($1, $2);
EXECUTE p('t', '{"a": 9}');
ALTER TABLE t ADD c int DEFAULT 1;
EXECUTE p('t', '{"a": 9, "c": 2}');
-- subtransactions: what failed is gone, the rest stays
DO $$
DECLARE i int; failed int := 0;
BEGIN
  FOR i IN 1 .. 20 LOOP
    BEGIN
      PERFORM insert_many('t', (SELECT jsonb_agg(jsonb_build_object('b', j, 'a', CASE WHEN j = 1500 AND i % 2 = 0 THEN 'x' ELSE i::text END)) FROM generate_series(1, 1500) j));
    EXCEPTION WHEN invalid_text_representation THEN failed := failed + 1;
    END;
  END LOOP;
  RAISE INFO '% failed', failed;
END $$;
SELECT count(*), count(DISTINCT a) FROM t WHERE b IS NOT NULL;
BEGIN;
SELECT insert_many('t', '{"b": "kept"}');
SAVEPOINT s;
SELECT insert_many('t', '{"b": "undone"}');
ROLLBACK TO s;
SELECT insert_many('t', '{"b": "released"}');
COMMIT;
SELECT b FROM t WHERE b ~ '[a-z]' ORDER BY b;
-- a table that its own rows would drop
CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('DROP TABLE %I', tg_table_name); RETURN NEW; END $$;
CREATE TABLE dropped (a int);
CREATE TRIGGER d AFTER INSERT ON dropped FOR EACH ROW EXECUTE FUNCTION drop_it();
SELECT insert_many('dropped', '{"a": 1}');

-- extensions that look at plans find an ordinary INSERT; what this one writes
-- goes to the server's log
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0;
SET auto_explain.log_analyze = on;
SET auto_explain.log_verbose = on;
SET auto_explain.log_nested_statements = on;
SELECT insert_many('log', '[{"line": "explained"}, {}]');
SELECT insert_many('log', '[{"id": 1}, {"id": 1}]', 'ON CONFLICT DO NOTHING');
SET auto_explain.log_min_duration = -1;

-- deep JSON: 10,000 levels go in, 100,000 meet the stack's limit
CREATE TABLE docs (j jsonb, x text, a int[], n int);
CREATE FUNCTION deep(levels int, opening text, inner_ text, closing text) RETURNS text LANGUAGE sql AS
$$ SELECT repeat(opening, levels) || inner_ || repeat(closing, levels) $$;
SET max_stack_depth = '2MB';
SELECT insert_many('docs', format('{"n": 1, "j": %s}', deep(10000, '[', '', ']'))),
       insert_many('docs', format('{"n": 2, "j": %s}', deep(10000, '{"k": ', '1', '}'))),
       insert_many('docs', format('{"n": 3, "j": %s}', deep(5000, '{"k": [', '1', ']}'))::json),
       insert_many('docs', format('{"n": 4, "j": %s}', deep(10000, '{"k": ', '1', '}'))::jsonb);
SELECT n, length(j::text) FROM docs ORDER BY n;
\set SHOW_CONTEXT never
SELECT insert_many('docs', format('{"j": %s}', deep(100000, '[', '', ']')));
SELECT insert_many('docs', format('{"j": %s}', deep(100000, '{"": ', '1', '}')));
SELECT insert_many('docs', format('{"x": %s}', deep(100000, '[', '', ']')));
SELECT insert_many('docs', format('{"a": %s}', deep(100000, '[', '', ']')));
SELECT insert_many('docs', format('{"a": %s}', deep(7, '[', '', ']')));
SELECT insert_many('docs', deep(100000, '[', '', ']'));
SELECT insert_many('docs', deep(100000, '{"j": ', '1', '}'));
SELECT insert_many('docs', format('{"j": %s}', repeat('[', 100000)));
RESET max_stack_depth;

-- wide: 1,600 columns; then each row naming another one
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE wide (%s)', string_agg(format('c%s int %s', i, CASE WHEN i % 400 = 0 THEN 'DEFAULT ' || i END), ', ')) FROM generate_series(1, 1600) i); END $$;
SELECT insert_many('wide', (SELECT jsonb_object_agg('c' || i, -i) FROM generate_series(1, 1600) i));
SELECT insert_many('wide', (SELECT string_agg(format('{"c%s": 0}', i), E'\n') FROM generate_series(1, 1600) i));
SELECT count(*), sum(c1), sum(c800), sum(c1600), count(*) FILTER (WHERE c1600 = 0) FROM wide;
SELECT insert_many('wide', '{"c1601": 0}');
-- a row that does not fit a page
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE too_wide (%s)', string_agg(format('c%s bigint', i), ', ')) FROM generate_series(1, 1600) i); END $$;
SELECT insert_many('too_wide', (SELECT jsonb_object_agg('c' || i, i) FROM generate_series(1, 1600) i));
-- names of columns that only differ at their ends
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE alike (%s)', string_agg(format('%I int', repeat('x', 59) || lpad(i::text, 4, '0')), ', ')) FROM generate_series(1, 1000) i); END $$;
SELECT insert_many('alike', (SELECT jsonb_agg(jsonb_build_object(repeat('x', 59) || lpad(i::text, 4, '0'), i)) FROM generate_series(1, 1000) i));
SELECT count(*), sum(r.value::int) FROM alike, jsonb_each_text(to_jsonb(alike)) r;

-- long: a string of 5 MB, in every input, plain and escaped
TRUNCATE docs;
SELECT insert_many('docs', jsonb_build_object('x', repeat('1234567890', 500000))),
       insert_many('docs', json_build_object('x', repeat('1234567890', 500000))),
       insert_many('docs', '{"x": "' || repeat('1234567890', 500000) || '"}'),
       insert_many('docs', '{"x": "' || repeat('\u0031234567890', 500000) || '"}');
SELECT count(*), count(DISTINCT md5(x)), max(length(x)) FROM docs;
-- many keys: a nested value of 100,000, and one that comes many times
SELECT insert_many('docs', format('{"j": {%s}}', string_agg(format('"k%s": %s', i, i), ','))) FROM generate_series(1, 100000) i;
SELECT count(*) FROM docs, jsonb_object_keys(j) WHERE j IS NOT NULL;
SELECT insert_many('docs', format('{%s}', string_agg(format('"n": %s, "x": "\n"', i), ','))) FROM generate_series(1, 20000) i;
SELECT n FROM docs WHERE n IS NOT NULL;

SET client_min_messages = warning;
DROP SCHEMA insert_nesting CASCADE;
