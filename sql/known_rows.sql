-- upsert_many and update_many go along the index from row to row where keys
-- ascend, and update what they find without a plan: the same result as when
-- rows are looked for, and updated, by statements (pgsync.sink = statement).
CREATE SCHEMA known_rows;
SET search_path = known_rows, public;

CREATE FUNCTION pick(seed int, what text, n int) RETURNS int IMMUTABLE LANGUAGE sql AS $$
  SELECT (hashtext(seed || what) & 2147483647) % n $$;

-- Returns keys in stretches that ascend, by steps of 1 to 12 and with repeats.
CREATE FUNCTION keys_of(seed int) RETURNS TABLE (n int, k int) LANGUAGE plpgsql AS $$
DECLARE stride int;
BEGIN
  n := 0;
  FOR stretch IN 1..1 + pick(seed, 'stretches', 4) LOOP
    k := pick(seed, 'from' || stretch, 400);
    stride := 1 + pick(seed, 'stride' || stretch, 12) * pick(seed, 'close' || stretch, 2);
    FOR i IN 1..20 + pick(seed, 'length' || stretch, 150) LOOP
      n := n + 1;
      k := k + CASE pick(seed, 'step' || n, 40) WHEN 0 THEN 0 WHEN 1 THEN -3 ELSE 1 + pick(seed, 'step' || n, stride) END;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END $$;

-- Returns a key of a type, in the order of the integers.
CREATE FUNCTION key_of(type text, i int) RETURNS text LANGUAGE sql AS $$
  SELECT CASE type WHEN 'uuid' THEN lpad(to_hex(i + 1000), 32, '0') WHEN 'date' THEN (date '2020-01-01' + i)::text
    WHEN 'numeric' THEN (i / 4.0)::text WHEN 'text' THEN 'key ' || lpad((i + 1000)::text, 9, '0') ELSE i::text END $$;

-- Writes what a seed says; returns the counts, or the error, and the table.
CREATE FUNCTION run_seed(seed int, verb text, sink text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE type text := ('{int,smallint,bigint,text,uuid,numeric,date}'::text[])[1 + pick(seed, 'type', 7)]; feed jsonb; counts text; result text;
BEGIN
  PERFORM set_config('pgsync.sink', sink, true);
  EXECUTE format('CREATE TABLE t (b text, k %s, a int, CHECK (a <> %s)) WITH (fillfactor = %s)', type,
    CASE pick(seed, 'fails', 4) WHEN 0 THEN -60 ELSE 1000 END, 40 + pick(seed, 'fill', 61));
  EXECUTE format('CREATE UNIQUE INDEX ON t (k%s)', CASE pick(seed, 'desc', 6) WHEN 0 THEN ' DESC' ELSE '' END);
  EXECUTE format('INSERT INTO t SELECT ''old'', key_of(%L, i)::%s, i FROM generate_series(0, 600) i WHERE pick(%s, ''there'' || i / %s, %s) > 0',
    type, type, seed, 1 + pick(seed, 'clump', 30), 1 + pick(seed, 'gaps', 4));
  -- entries of rows that are gone
  EXECUTE format('DELETE FROM t WHERE a %% %s = 5', 6 + pick(seed, 'gone', 9));
  SELECT jsonb_agg(jsonb_build_object('k', key_of(type, k)) ||
    CASE WHEN pick(seed, 'all', 2) = 0 OR pick(seed, 'a' || n, 3) > 0 THEN jsonb_build_object('a', -pick(seed, 'value' || n, 300)) ELSE '{}' END ||
    CASE WHEN (pick(seed, 'all', 2) = 0 OR pick(seed, 'b' || n, 3) > 0) THEN jsonb_build_object('b', 'new ' || pick(seed, 'value' || n, 5)) ELSE '{}' END ORDER BY n)
  INTO feed FROM keys_of(seed);
  BEGIN
    IF verb = 'upsert_many' THEN
      SELECT concat_ws(' ', inserted, updated, unchanged) INTO counts FROM upsert_many('t', feed, '{k}', skip_unchanged => pick(seed, 'skip', 2) = 0);
    ELSE
      SELECT concat_ws(' ', updated, unchanged, missing) INTO counts FROM update_many('t', feed, '{k}', skip_unchanged => pick(seed, 'skip', 2) = 0);
    END IF;
  EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS counts = PG_EXCEPTION_DETAIL;
  END;
  SELECT counts || ' ' || md5(string_agg(t::text, ' ' ORDER BY k)) || ' ' || count(*) INTO result FROM t;
  SET LOCAL enable_seqscan = off;
  SELECT result || ' ' || count(*) INTO result FROM t WHERE k IS NOT NULL;
  DROP TABLE t;
  RETURN result;
END $$;

DO $$
DECLARE verb text; by_walk text; by_statement text; fine int; failed int;
BEGIN
  FOREACH verb IN ARRAY '{upsert_many,update_many}'::text[] LOOP
    fine := 0;
    failed := 0;
    FOR seed IN 1..40 LOOP
      by_walk := run_seed(seed, verb, 'auto');
      by_statement := run_seed(seed, verb, 'statement');
      COMMIT;  -- or the catalogs fill up
      IF by_walk IS DISTINCT FROM by_statement THEN
        RAISE WARNING '% %: % by statements, not %', verb, seed, by_statement, by_walk;
      ELSIF by_walk ~ '^\d+ \d+ \d+ ' THEN
        fine := fine + 1;
      ELSE
        failed := failed + 1;
      END IF;
    END LOOP;
    RAISE INFO '%: equal, % with the same rows, % with the same error', verb, fine, failed;
  END LOOP;
END $$;

-- What runs for a row puts others before the walk, whose leaf has been read: a
-- CHECK, a generated column, the expression of an index, and what a row that
-- waited to be stored has had stored.
CREATE FUNCTION write(id int, a int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  IF a = 5 THEN
    INSERT INTO t (id, a) SELECT write.id + 3, 0 WHERE NOT EXISTS (SELECT FROM t WHERE t.id = write.id + 3);
  ELSIF a = 6 THEN
    DELETE FROM t WHERE t.id = write.id + 4;
  END IF;
  RETURN a;
END $$;
CREATE FUNCTION put(id int, a int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN known_rows.write(id, a);  -- CREATE INDEX has a search_path of its own
END $$;
CREATE FUNCTION outcome(sink text, ddl text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM set_config('pgsync.sink', sink, true);
  CREATE TABLE t (id int PRIMARY KEY, a int);
  INSERT INTO t SELECT i, 0 FROM generate_series(1, 200) i WHERE i % 10 <> 3;
  EXECUTE ddl;
  SELECT concat_ws(' ', inserted, updated, unchanged) INTO result FROM upsert_many('t',
    (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', CASE i % 20 WHEN 10 THEN 5 WHEN 15 THEN 6 ELSE i END)) FROM generate_series(1, 200) i));
  SELECT result || ' ' || md5(string_agg(t::text, ' ' ORDER BY id)) INTO result FROM t;
  DROP TABLE t;
  RETURN result;
END $$;
SELECT outcome('auto', ddl) = outcome('statement', ddl) AS same, ddl
FROM unnest(ARRAY['ALTER TABLE t ADD CHECK (put(id, a) IS NOT NULL)',
  'ALTER TABLE t ADD g int GENERATED ALWAYS AS (put(id, a)) STORED',
  'CREATE INDEX ON t (put(id, a))',
  'CREATE INDEX ON t (a) WHERE put(id, a) IS NOT NULL']) ddl;

-- The same by functions in SQL, which count commands in another way; BEFORE
-- INSERT would keep what were taken for new.
SET check_function_bodies = off;  -- there is no t yet
CREATE FUNCTION write_sql(id int, a int) RETURNS bool LANGUAGE sql AS $$
  INSERT INTO t (id, a) SELECT write_sql.id + 3, 0
  WHERE write_sql.a = 5 AND NOT EXISTS (SELECT FROM t WHERE t.id = write_sql.id + 3) RETURNING true $$;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RETURN CASE WHEN NEW.a > 0 THEN NULL ELSE NEW END;
END $$;
SELECT outcome('auto', ddl) = outcome('statement', ddl) AS same
FROM (SELECT 'ALTER TABLE t ADD CHECK (write_sql(id, a) IS NOT NULL OR true); CREATE TRIGGER keep BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION keep()') x (ddl);

-- A function that changes the row which it is evaluated for: an error, as of
-- the UPDATE.
CREATE TABLE self (id int PRIMARY KEY, a int, seen int);
INSERT INTO self SELECT i, 0 FROM generate_series(1, 20) i;
CREATE FUNCTION note(i int, a int) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
  IF a = 3 THEN
    UPDATE self SET seen = 1 WHERE id = i AND seen IS NULL;
  END IF;
  RETURN true;
END $$;
ALTER TABLE self ADD CHECK (note(id, a));
\set VERBOSITY sqlstate
SELECT * FROM upsert_many('self', '[{"id": 1, "a": 1}, {"id": 2, "a": 2}, {"id": 3, "a": 3}]'::jsonb);
SET pgsync.sink = statement;
SELECT * FROM upsert_many('self', '[{"id": 1, "a": 1}, {"id": 2, "a": 2}, {"id": 3, "a": 3}]'::jsonb);
RESET pgsync.sink;
\set VERBOSITY default

-- Keys that are pointers, over many leaves, with other values of any length
-- before them: none is taken for absent, which the CHECK and the trigger would
-- tell.
CREATE FUNCTION pointers(verb text, sink text, type text, options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM set_config('pgsync.sink', sink, true), set_config('work_mem', '64kB', true);
  EXECUTE format('CREATE %s TABLE t (a text, id %s PRIMARY KEY, b int, s serial)', options, type);
  EXECUTE format('INSERT INTO t SELECT ''old'', lpad(i::text, 32, ''0'')::%s, 0 FROM generate_series(1, 3000) i', type);
  IF verb = 'upsert_many' THEN  -- update_many would go without
    CREATE TRIGGER keep BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION suppress();
  END IF;
  EXECUTE format('SELECT to_jsonb(v)::text FROM %I(''t'', (SELECT jsonb_agg(jsonb_build_object(''id'', lpad(i::text, 32, ''0''), ''a'', repeat(''q'', i %% 60)) ORDER BY i) FROM generate_series(1, 3000) i)) v', verb) INTO result;
  SELECT result || ' ' || md5(string_agg(t::text, ' ' ORDER BY id)) || ' ' || nextval('t_s_seq') INTO result FROM t;
  DROP TABLE t;
  RETURN result;
END $$;
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
SELECT verb, type, options, pointers(verb, 'auto', type, options) = pointers(verb, 'statement', type, options) AS same
FROM unnest('{upsert_many,update_many}'::text[]) verb, unnest('{text,uuid,numeric}'::text[]) type, unnest('{"",UNLOGGED}'::text[]) options
ORDER BY 1, 2, 3;

-- A walk is taken where it says so, and only there.
CREATE TABLE item (id int PRIMARY KEY, a int);
INSERT INTO item SELECT i, 0 FROM generate_series(1, 50) i;
CREATE TABLE part (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part DEFAULT;
INSERT INTO part SELECT * FROM item;
SET client_min_messages = debug1;
SELECT * FROM upsert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i)) FROM generate_series(1, 50) i));
SELECT * FROM upsert_many('part', (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i)) FROM generate_series(1, 50) i));
CREATE TRIGGER same BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT * FROM upsert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i)) FROM generate_series(1, 50) i));
-- update_many: not where a trigger could tell, nor for a few rows
SELECT * FROM update_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', -i)) FROM generate_series(1, 50) i));
DROP TRIGGER same ON item;
SELECT * FROM update_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i)) FROM generate_series(1, 50) i));
SELECT * FROM update_many('item', '[{"id": 1, "a": 0}, {"id": 2, "a": 0}]'::jsonb);
SELECT * FROM update_many('part', (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i)) FROM generate_series(1, 50) i));
RESET client_min_messages;

-- an index that names one column twice is none of two columns
CREATE TABLE twice (a int, b int, c text);
CREATE UNIQUE INDEX ON twice (a, a);
INSERT INTO twice SELECT i, i, 'old' FROM generate_series(1, 40) i;
SELECT * FROM update_many('twice', (SELECT jsonb_agg(jsonb_build_object('a', i, 'b', i + 1000, 'c', 'new')) FROM generate_series(1, 40) i), '{a,b}');
SELECT * FROM upsert_many('twice', '{"a": 1, "b": 1001, "c": "new"}'::jsonb, '{a,b}');
-- a generated key that updates move ahead
CREATE TABLE made (id int PRIMARY KEY, a int, key int GENERATED ALWAYS AS (a) STORED UNIQUE);
INSERT INTO made SELECT i, i FROM generate_series(1, 60) i;
SELECT * FROM update_many('made', (SELECT jsonb_agg(jsonb_build_object('key', i, 'a', i + 100) ORDER BY i) FROM generate_series(1, 140) i), '{key}');
SELECT sum(a), min(key), max(key) FROM made;

SET client_min_messages = warning;
DROP SCHEMA known_rows CASCADE;
