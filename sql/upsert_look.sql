-- upsert_many looks first: what is there is an UPDATE of what the row names,
-- what is not an INSERT.  Compared with that by hand, a statement a row: rows,
-- sequences, trigger logs and counts, or else the error.
CREATE SCHEMA upsert_look;
SET search_path = upsert_look, public;

-- For triggers: logs when it fired, for what, and what is in the table.
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE seen bigint;
BEGIN
  SELECT count(*) INTO seen FROM play.t;
  INSERT INTO play.log (line) VALUES (concat_ws(' ', tg_when, tg_level, tg_op, tg_name, seen,
    CASE WHEN tg_level = 'ROW' AND tg_op = 'UPDATE' THEN OLD::text END,
    CASE WHEN tg_level = 'ROW' THEN NEW::text END));
  RETURN NEW;
END $$;
-- The same, without what is in the table: an AFTER trigger waits.
CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO play.log (line) VALUES (concat_ws(' ', tg_when, tg_op, NEW::text));
  RETURN NULL;
END $$;
CREATE FUNCTION keep_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;

-- Everything in play: each relation's rows.
CREATE FUNCTION contents() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE rel regclass; part jsonb; result jsonb := '{}';
BEGIN
  FOR rel IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = 'play'::regnamespace ORDER BY relname
  LOOP
    IF EXISTS (SELECT FROM pg_sequence WHERE seqrelid = rel) THEN
      EXECUTE format('SELECT jsonb_build_array(last_value, is_called) FROM %s', rel) INTO part;
    ELSE
      EXECUTE format('SELECT jsonb_agg(to_jsonb(x) ORDER BY to_jsonb(x)) FROM ONLY %s x', rel) INTO part;
    END IF;
    result := result || jsonb_build_object(rel, part);
  END LOOP;
  RETURN result;
END $$;

-- A row by hand: UPDATE of what it names, else INSERT of the same.  Returns
-- what has become of it.
CREATE FUNCTION upsert_by_hand(r jsonb, keys text[], merge text[], skip boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE names text; sets text; before text; after text; cond text; there boolean; n bigint;
BEGIN
  SELECT string_agg(quote_ident(k), ', '), string_agg(format('t.%1$I = r.%1$I', k), ' AND ') FILTER (WHERE k = ANY (keys)),
    string_agg(format('%I = %s', k, value), ', ') FILTER (WHERE k <> ALL (keys)),
    string_agg(format('t.%I', k), ', ') FILTER (WHERE k <> ALL (keys)), string_agg(value, ', ') FILTER (WHERE k <> ALL (keys))
  INTO names, cond, sets, before, after
  FROM (SELECT k, CASE WHEN k = ANY (merge) THEN format('coalesce(t.%1$I, ''{}'') || coalesce(r.%1$I, ''{}'')', k)
      ELSE format('r.%I', k) END AS value FROM jsonb_object_keys(r) k) v;
  EXECUTE format('SELECT count(*) > 0 FROM t, jsonb_populate_record(NULL::t, $1) r WHERE %s', cond) INTO there USING r;
  IF there THEN
    IF sets IS NULL THEN RETURN 'unchanged'; END IF;
    EXECUTE format('UPDATE t SET %s FROM jsonb_populate_record(NULL::t, $1) r WHERE %s', sets, cond) ||
      CASE WHEN skip THEN format(' AND ROW(%s)::record *<> ROW(%s)::record', before, after) ELSE '' END USING r;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN CASE n WHEN 0 THEN 'unchanged' ELSE 'updated' END;
  END IF;
  EXECUTE format('INSERT INTO t (%s) SELECT %1$s FROM jsonb_populate_record(NULL::t, $1)', names) USING r;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN CASE n WHEN 0 THEN 'dropped' ELSE 'inserted' END;
END $$;

CREATE TABLE upsert_case (id int GENERATED ALWAYS AS IDENTITY, label text, ddl text, input jsonb,
    keys text[] DEFAULT '{id}', merge text[] DEFAULT '{}', skip boolean DEFAULT false, sorted boolean DEFAULT false);

-- Runs a case one way, in a subtransaction that is rolled back.
CREATE FUNCTION run_case(c upsert_case, by_hand boolean, OUT outcome text, OUT context text, OUT left_over jsonb)
LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; relation text; constr text;
BEGIN
  CREATE SCHEMA play;
  CREATE TABLE play.log (n serial, line text);
  SET LOCAL search_path = play, upsert_look, public;
  EXECUTE c.ddl;
  SET CONSTRAINTS ALL DEFERRED;  -- the case before has made them immediate
  BEGIN
    IF by_hand THEN
      SELECT concat_ws(' ', count(*) FILTER (WHERE did = 'inserted'), count(*) FILTER (WHERE did = 'updated'), count(*) FILTER (WHERE did = 'unchanged')) INTO outcome
      FROM (SELECT upsert_by_hand(r, c.keys, c.merge, c.skip) AS did
        FROM (SELECT r FROM jsonb_array_elements(c.input) WITH ORDINALITY e (r, n)
          ORDER BY CASE WHEN c.sorted THEN (r ->> 'id')::int END, n) ordered OFFSET 0) done;
    ELSE
      SELECT concat_ws(' ', inserted, updated, unchanged) INTO outcome
      FROM upsert_many('t', c.input, c.keys, merge_columns => c.merge, skip_unchanged => c.skip, key_order => c.sorted);
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    left_over := contents();
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
      detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT,
      relation = TABLE_NAME, constr = CONSTRAINT_NAME;
    outcome := concat_ws(' ', state, message);
    context := substring(context from '(?n)^(?:at or before )?rows? .*$');  -- pgsync's part
    left_over := jsonb_build_array(detail, relation, constr);
  END;
  RAISE SQLSTATE 'PLAY0';
EXCEPTION WHEN SQLSTATE 'PLAY0' THEN
  NULL;
END $$;

-- Rows 1 to n, of which "have" are there already.
CREATE FUNCTION many(n int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i * 10, 'b', 'new ' || i)) FROM generate_series(1, n) i $$;
CREATE FUNCTION have(n int) RETURNS text LANGUAGE sql AS $$
  SELECT format('; INSERT INTO play.t (id, a, b) SELECT i, i, ''old '' || i FROM generate_series(1, %s) i', n) $$;

INSERT INTO upsert_case (label, ddl, input) VALUES
('rows that are there', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(300), many(300)),
('new rows, into an empty table', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)', many(600) || many(3)),
('new ones in between', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(100) || '; DELETE FROM play.t WHERE id % 7 = 3', many(150)),
('naming this and that', 'CREATE TABLE play.t (id int PRIMARY KEY, a int DEFAULT 5, b text DEFAULT ''none'', c int)' || have(4),
 '[{"id": 1, "a": 9}, {"id": 2, "b": null}, {"id": 3, "c": 3}, {"id": 4, "a": null, "c": 4}, {"id": 5, "c": 5}, {"id": 5, "a": 6}, {"id": 1, "b": "x", "a": 1}, {"id": 6}, {"id": 6}]'),
('a key again and again', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(2),
 (SELECT jsonb_agg(jsonb_build_object('id', 1 + i % 3, 'a', i)) FROM generate_series(1, 300) i)),
('sequence, and what INSERT wants', 'CREATE TABLE play.t (id int PRIMARY KEY, a int NOT NULL, b text CHECK (b <> ''bad''), s serial)' || have(3), '[{"id": 1, "b": "x"}, {"id": 3, "a": 3}, {"id": 4, "a": 4}, {"id": 4, "b": "y"}, {"id": 2, "a": 7}]'),
('a new row without what INSERT wants', 'CREATE TABLE play.t (id int PRIMARY KEY, a int NOT NULL, b text)' || have(3), '[{"id": 1, "b": "x"}, {"id": 4, "b": "y"}]'),
('a null for what is NOT NULL', 'CREATE TABLE play.t (id int PRIMARY KEY, a int NOT NULL, b text)' || have(3), '[{"id": 1, "b": "x"}, {"id": 2, "a": null}]'),
('update of some columns', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER of_a BEFORE UPDATE OF a ON play.t FOR EACH ROW EXECUTE FUNCTION log_it(); CREATE TRIGGER of_b BEFORE UPDATE OF b ON play.t FOR EACH ROW EXECUTE FUNCTION log_it(); CREATE TRIGGER ins BEFORE INSERT ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()',
 '[{"id": 1, "a": 1}, {"id": 2, "b": "x"}, {"id": 3, "b": "x", "a": 5}, {"id": 4, "a": 5}, {"id": 4, "b": "y"}]'),
('update of some columns, of a partition', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (3); CREATE TABLE play.t2 PARTITION OF play.t DEFAULT' || have(3) || '; CREATE TRIGGER of_a BEFORE UPDATE OF a ON play.t2 FOR EACH ROW EXECUTE FUNCTION log_it()',
 '[{"id": 1, "a": 1}, {"id": 3, "b": "x"}, {"id": 3, "a": 5}, {"id": 4, "a": 5}, {"id": 4, "b": "y"}]'),
('kept by a trigger', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER keep BEFORE UPDATE ON play.t FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION keep_it(); CREATE TRIGGER drop_it BEFORE INSERT ON play.t FOR EACH ROW WHEN (NEW.id = 5) EXECUTE FUNCTION keep_it()', many(6)),
('broken unique of another column', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text)' || have(50), '[{"id": 1, "a": 100}, {"id": 2, "a": 101}, {"id": 3, "a": 50}]'),
('a unique value that moves', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text)' || have(3), '[{"id": 1, "a": 100}, {"id": 2, "a": 1}, {"id": 4, "a": 2}]'),
('deferred unique, broken in between', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b text)' || have(3), '[{"id": 1, "a": 2}, {"id": 2, "a": 1}, {"id": 3, "a": 4}]'),
('check of the new version', 'CREATE TABLE play.t (id int PRIMARY KEY, a int DEFAULT 0, b text DEFAULT '''', CHECK (a < 3 OR b <> ''x''))' || have(3), '[{"id": 1, "b": "x"}, {"id": 2, "b": "x"}, {"id": 3, "b": "x"}]'),
('generated', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, g int GENERATED ALWAYS AS (a * 2) STORED CHECK (g < 5000), h text GENERATED ALWAYS AS (b || id) STORED UNIQUE)' || have(40), many(60)),
('generated, check broken', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, g int GENERATED ALWAYS AS (a * 2) STORED CHECK (g < 500))' || have(40), many(60)),
('identity is the key', 'CREATE TABLE play.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b text); INSERT INTO play.t (a) SELECT generate_series(1, 5)', many(5)),
('identity is the key, and new', 'CREATE TABLE play.t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b text); INSERT INTO play.t (a) SELECT generate_series(1, 3)', many(5)),
('identity beside the key', 'CREATE TABLE play.t (n int GENERATED ALWAYS AS IDENTITY, id int PRIMARY KEY, a int, b text)' || have(3), many(5)),
('domain, broken', 'CREATE DOMAIN play.d AS int CHECK (value > 3); CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, d play.d)' || have(3), '[{"id": 1, "d": 4}, {"id": 2, "d": 5}, {"id": 3, "d": 3}]'),
('dropped columns', 'CREATE TABLE play.t (x int, id int PRIMARY KEY, y text DEFAULT ''y'', a int, b text, z int); ALTER TABLE play.t DROP x, DROP y, DROP z' || have(3), many(5)),
('column added with default', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; ALTER TABLE play.t ADD c int DEFAULT 5', many(5) || '[{"id": 1, "c": 1}]'),
('toasted', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, c text); ALTER TABLE play.t ALTER b SET STORAGE EXTERNAL, ALTER c SET STORAGE EXTERNAL' || have(9) || '; UPDATE play.t SET c = repeat(''long '' || id, 2000)', (SELECT jsonb_agg(jsonb_build_object('id', i % 9, 'b', repeat('also ' || i, 2000))) FROM generate_series(1, 30) i) || '[{"id": 3, "a": 1}, {"id": 4, "a": 1}]'),
('foreign key', 'CREATE TABLE play.u (a int PRIMARY KEY); INSERT INTO play.u SELECT generate_series(0, 100); CREATE TABLE play.t (id int PRIMARY KEY, a int REFERENCES play.u, b text)' || have(5), many(10)),
('foreign key, broken by a row whose neighbour is mended', 'CREATE TABLE play.u (a int PRIMARY KEY); INSERT INTO play.u VALUES (1); CREATE TABLE play.t (id int PRIMARY KEY, a int REFERENCES play.u, b text)', '[{"id": 1, "a": 99}, {"id": 2, "a": 99}, {"id": 1, "a": 1}]'),
('foreign key, of rows that go on to others', 'CREATE TABLE play.u (a int PRIMARY KEY); INSERT INTO play.u SELECT generate_series(0, 9); CREATE TABLE play.t (id int PRIMARY KEY, a int REFERENCES play.u, b text)', (SELECT jsonb_agg(jsonb_build_object('id', i % 40, 'a', i / 40)) FROM generate_series(0, 399) i)),
('referenced by others', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text)' || have(5) || '; CREATE TABLE play.u (a int REFERENCES play.t (a) ON UPDATE CASCADE, id int REFERENCES play.t); INSERT INTO play.u VALUES (1, 1), (3, 3)', '[{"id": 1, "a": 71}, {"id": 2, "a": 72}, {"id": 3, "a": 73}, {"id": 3, "b": "x"}]'),
('partition', 'CREATE TABLE play.p (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t PARTITION OF play.p FOR VALUES FROM (0) TO (100)' || have(3), many(5)),
('partitioned', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (4); CREATE TABLE play.t2 PARTITION OF play.t DEFAULT' || have(6), many(9)),
('partitioned, on two levels', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (50) PARTITION BY HASH (id); CREATE TABLE play.h0 PARTITION OF play.t1 FOR VALUES WITH (MODULUS 3, REMAINDER 0); CREATE TABLE play.h1 (b text, id int NOT NULL, a int); ALTER TABLE play.t1 ATTACH PARTITION play.h1 FOR VALUES WITH (MODULUS 3, REMAINDER 1); CREATE TABLE play.h2 PARTITION OF play.t1 FOR VALUES WITH (MODULUS 3, REMAINDER 2); CREATE TABLE play.t2 PARTITION OF play.t DEFAULT' || have(40), many(80) || many(80)),
('no partition for a new row', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (4)' || have(3), many(5)),
('conversion error', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3), many(3) || '[{"id": 3, "a": "x"}]'),
('conversion error, many rows waiting', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3), many(300) || '[{"id": 301, "a": "x"}]'),
('new rows by the thousand, logged', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, s serial)' || have(3) || '; CREATE TRIGGER r AFTER INSERT OR UPDATE ON play.t FOR EACH ROW EXECUTE FUNCTION note_it()', many(2500)),
('new rows in any order, some again', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, s serial)', (SELECT jsonb_agg(jsonb_build_object('id', i * 7919 % 1201 - 600, 'a', i)) FROM generate_series(1, 1500) i)),
('new rows, and an update that sees them', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER r BEFORE UPDATE ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()', many(100) || many(2) || '[{"id": 200}, {"id": 201}, {"id": 3, "a": 5}, {"id": 202}]'),
('new rows, and one that another key keeps out', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text)' || have(3), jsonb_set(many(50), '{40,a}', '170')),
('new rows of one value, excluded', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, EXCLUDE (b WITH =))' || have(3), jsonb_set(many(50), '{40,b}', '"new 17"')),
('new rows, a key that refers to them', 'CREATE TABLE play.t (id int PRIMARY KEY, a int REFERENCES play.t DEFERRABLE INITIALLY DEFERRED, b text)' || have(3), (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', CASE WHEN i > 10 THEN i - 10 END)) FROM generate_series(1, 100) i)),
('new rows, a check broken', 'CREATE TABLE play.t (id int PRIMARY KEY, a int CHECK (a < 400), b text)' || have(3), many(50)),
('a trigger that drops new rows', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER drop_it BEFORE INSERT ON play.t FOR EACH ROW WHEN (NEW.id % 3 = 0) EXECUTE FUNCTION keep_it()', many(50));
INSERT INTO upsert_case (label, ddl, input, keys) VALUES
('view', 'CREATE TABLE play.base (k int PRIMARY KEY, a int, n int DEFAULT 7, b text, s serial); CREATE VIEW play.t AS SELECT b, k AS id, a FROM play.base WHERE k < 100 WITH CHECK OPTION' || have(3), many(5) || '[{"id": 1, "b": "x"}, {"id": 6}]', '{id}'),
('view, check broken', 'CREATE TABLE play.base (k int PRIMARY KEY, a int, b text); CREATE VIEW play.t AS SELECT b, k AS id, a FROM play.base WHERE a < 30 WITH CHECK OPTION' || have(3), many(5), '{id}'),
('two columns, new ones again', 'CREATE TABLE play.t (id int, a text, b date, c numeric, PRIMARY KEY (a, b))', (SELECT jsonb_agg(jsonb_build_object('a', repeat('x', i * 31 % 40), 'b', date '2020-01-01' + i * 17 % 13, 'id', i, 'c', i)) FROM generate_series(1, 700) i), '{a,b}'),
('descending index', 'CREATE TABLE play.t (id numeric, a int, b text); CREATE UNIQUE INDEX ON play.t (id DESC)', (SELECT jsonb_agg(jsonb_build_object('id', i * 37 % 211 / 2.0, 'a', i)) FROM generate_series(1, 300) i), '{id}'),
('two columns', 'CREATE TABLE play.t (id int, a int, b text, UNIQUE (b, a))' || have(3), '[{"a": 1, "b": "old 1", "id": 7}, {"b": "old 2", "a": 3, "id": 8}, {"b": "old 2", "a": 3}]', '{a,b}'),
('text of another collation', 'CREATE COLLATION play.any_case (provider = icu, locale = ''und-u-ks-level2'', deterministic = false); CREATE TABLE play.t (id int, a int, b text COLLATE play.any_case PRIMARY KEY)' || have(3), '[{"b": "OLD 1", "id": 7}, {"b": "new", "id": 8}, {"b": "New", "a": 5}]', '{b}'),
('char(n), numeric', 'CREATE TABLE play.t (id numeric(10, 2), a char(5), b varchar(10), PRIMARY KEY (id, a))' || have(3), '[{"id": 1, "a": "1", "b": "x"}, {"id": 1.001, "a": "1    ", "b": "y"}, {"id": 1.01, "a": "1"}]', '{id,a}');
INSERT INTO upsert_case (label, ddl, input, merge, skip) VALUES
('merged', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, doc jsonb)' || have(3) || '; UPDATE play.t SET doc = ''{"old": 1, "k": 0}'' WHERE id < 3',
 '[{"id": 1, "doc": {"k": 1}}, {"id": 2, "a": 1}, {"id": 2, "doc": null}, {"id": 3, "doc": {"k": 3}}, {"id": 3, "doc": {"l": 3}, "a": 4}, {"id": 4, "doc": {"k": 4}}, {"id": 4, "doc": [5]}]', '{doc}', false),
('merged, and nothing new', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, doc jsonb)' || have(3) || '; UPDATE play.t SET doc = ''{"old": 1, "k": 0}'' WHERE id < 3',
 '[{"id": 1, "doc": {"k": 0}}, {"id": 2, "a": 1}, {"id": 2, "doc": null}, {"id": 3, "doc": {}}, {"id": 3, "doc": {}, "a": 3}, {"id": 2, "doc": {"k": 1}, "a": 1}]', '{doc}', true);
INSERT INTO upsert_case (label, ddl, input, skip) VALUES
('skipped', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(5) || '; CREATE TRIGGER r BEFORE INSERT OR UPDATE ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()',
 '[{"id": 1, "a": 1}, {"id": 2, "b": "old 2", "a": 2}, {"id": 3, "b": "old 3", "a": null}, {"id": 3, "a": null}, {"id": 4}, {"id": 6}, {"id": 6, "a": null}, {"id": 6, "a": 1}, {"id": 6, "a": 1}]', true),
('what prints differently differs', 'CREATE TABLE play.t (id int PRIMARY KEY, n numeric, i interval, f float8, bx box, ch char(9), ts timestamptz, j json, p point); INSERT INTO play.t VALUES (1, 1.0, ''1 mon'', ''-0'', ''(0,0),(2,2)'', ''x'', ''2020-01-01 00:00+00'', ''{"a": 1}'', ''(1,2)'')',
 '[{"id": 1, "n": 1.00}, {"id": 1, "i": "30 days"}, {"id": 1, "f": 0}, {"id": 1, "bx": "(0,0),(1,4)"}, {"id": 1, "ch": "x  "}, {"id": 1, "ts": "2020-01-01 01:00+01"}, {"id": 1, "p": "(1,2)"}, {"id": 1, "n": 1.00}, {"id": 1, "p": "(1,3)"}]', true),
('skipped when toasted', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, c text); ALTER TABLE play.t ALTER c SET STORAGE EXTERNAL; INSERT INTO play.t SELECT i, i, repeat(''b'', 3000 * i), repeat(''c'', 3000 * i) FROM generate_series(0, 3) i',
 (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i, 'b', repeat('b', 3000 * i), 'c', repeat('c', 3000 * i))) FROM generate_series(0, 3) i), true),
('skipped in a view', 'CREATE TABLE play.base (k int PRIMARY KEY, a int, b text); CREATE VIEW play.t AS SELECT b, k AS id, a FROM play.base' || have(3), '[{"id": 1, "a": 1, "b": "old 1"}, {"id": 2, "a": 5}, {"id": 3, "b": "old 3"}]', true),
('skipped in a partition', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (4); CREATE TABLE play.t2 (b text, a int, id int NOT NULL); ALTER TABLE play.t ATTACH PARTITION play.t2 DEFAULT' || have(6), '[{"id": 1, "a": 1, "b": "old 1"}, {"id": 6, "a": 6, "b": "old 6"}, {"id": 5, "a": 6, "b": "old 5"}, {"id": 7}]', true);
INSERT INTO upsert_case (label, ddl, input, sorted) VALUES
('in the order of keys', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, s serial)' || have(3) || '; CREATE TRIGGER r BEFORE INSERT OR UPDATE ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()',
 '[{"id": 5, "a": 1}, {"id": 2, "a": 2}, {"id": 5, "b": "x"}, {"id": 1}, {"id": 4, "a": 3}, {"id": 2, "a": 3}, {"id": 5, "a": 4}]', true),
('in the order of keys, with an error', 'CREATE TABLE play.t (id int PRIMARY KEY, a int CHECK (a < 5), b text)', '[{"id": 5, "a": 1}, {"id": 2, "a": 5}, {"id": 1}]', true),
('many in the order of keys', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(100), (SELECT jsonb_agg(jsonb_build_object('id', i * 7919 % 200, 'a', i)) FROM generate_series(1, 300) i), true);

-- Prints each case's outcome and its own part of the error context, and any
-- way in which the two differ.
\set SHOW_CONTEXT never
DO $$
DECLARE c upsert_case; ours record; hand record;
BEGIN
  FOR c IN SELECT * FROM upsert_case ORDER BY id LOOP
    ours := run_case(c, false);
    hand := run_case(c, true);
    RAISE INFO '%: %', c.label, concat_ws(E'\n    ', ours.outcome, ours.context);
    IF ours.left_over IS DISTINCT FROM hand.left_over OR ours.outcome IS DISTINCT FROM hand.outcome THEN
      RAISE WARNING E'statements by hand differ: %\nfrom %', hand, ours;
    END IF;
  END LOOP;
END $$;

-- The same over tables and rows that are made by chance, always the same.
CREATE FUNCTION pick(seed int, what text, n int) RETURNS int IMMUTABLE LANGUAGE sql AS $$
  SELECT (hashtext(seed || what) & 2147483647) % n $$;
CREATE FUNCTION random_case(seed int) RETURNS upsert_case LANGUAGE plpgsql AS $$
DECLARE c upsert_case; ncolumns int := 1 + pick(seed, 'columns', 5); types text[] := '{int,text,numeric,jsonb,date,bool}';
  partitioned boolean := pick(seed, 'partitioned', 4) = 0; defs text; nrows int := 5 + pick(seed, 'rows', 40);
BEGIN
  SELECT string_agg(format('c%s %s%s', i, types[1 + pick(seed, 'type' || i, 6)],
    CASE pick(seed, 'constraint' || i, 10) WHEN 0 THEN ' NOT NULL' WHEN 1 THEN CASE WHEN partitioned THEN '' ELSE ' UNIQUE' END ELSE '' END), ', ')
  INTO defs FROM generate_series(1, ncolumns) i;
  c.label := format('case %s', seed);
  c.ddl := format('CREATE TABLE play.t (%s id int PRIMARY KEY, s serial, %s)%s', CASE pick(seed, 'gap', 3) WHEN 0 THEN 'gone int,' END, defs,
    CASE WHEN partitioned THEN ' PARTITION BY LIST (id); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES IN (1, 3, 5, 7, 9); CREATE TABLE play.t2 PARTITION OF play.t DEFAULT' ELSE '' END)
    || CASE pick(seed, 'gap', 3) WHEN 0 THEN '; ALTER TABLE play.t DROP gone' ELSE '' END
    || CASE pick(seed, 'trigger', 3) WHEN 0 THEN '; CREATE TRIGGER r BEFORE INSERT OR UPDATE ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()'
       WHEN 1 THEN '; CREATE TRIGGER o BEFORE UPDATE OF c1 ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()' ELSE '' END;
  SELECT jsonb_agg(jsonb_build_object('id', 1 + pick(seed, 'id' || n, 20)) || coalesce((
    SELECT jsonb_object_agg('c' || i, CASE WHEN pick(seed, 'null' || n || i, 30) = 0 THEN 'null' ELSE (CASE types[1 + pick(seed, 'type' || i, 6)]
      WHEN 'text' THEN to_jsonb('text ' || pick(seed, 'v' || n || i, 9)) WHEN 'date' THEN to_jsonb(date '2020-01-01' + pick(seed, 'v' || n || i, 9))
      WHEN 'bool' THEN to_jsonb(pick(seed, 'v' || n || i, 2) = 0) WHEN 'jsonb' THEN jsonb_build_object('k' || pick(seed, 'v' || n || i, 3), 1)
      ELSE to_jsonb(pick(seed, 'v' || n || i, 90)) END) END)
    FROM generate_series(1, ncolumns) i WHERE pick(seed, 'names' || n || i, 3) > 0), '{}'))
  INTO c.input FROM generate_series(1, nrows) n;
  c.keys := '{id}';
  SELECT coalesce(array_agg('c' || i), '{}') INTO c.merge FROM generate_series(1, ncolumns) i
  WHERE types[1 + pick(seed, 'type' || i, 6)] = 'jsonb' AND pick(seed, 'merge', 2) = 0;
  c.skip := pick(seed, 'skip', 2) = 0;
  c.sorted := pick(seed, 'sorted', 3) = 0;
  RETURN c;
END $$;
DO $$
DECLARE c upsert_case; ours record; hand record; fine int := 0; failed int := 0;
BEGIN
  FOR seed IN 1..60 LOOP
    c := random_case(seed);
    ours := run_case(c, false);
    hand := run_case(c, true);
    IF ours.left_over IS DISTINCT FROM hand.left_over OR ours.outcome IS DISTINCT FROM hand.outcome THEN
      RAISE WARNING E'%: statements by hand differ: %\nfrom %', c, hand, ours;
    ELSIF ours.outcome ~ '^\d+ \d+ \d+$' THEN
      fine := fine + 1;
    ELSE
      failed := failed + 1;
    END IF;
  END LOOP;
  RAISE INFO 'equal, % with the same rows, % with the same error', fine, failed;
END $$;

SET client_min_messages = warning;
DROP SCHEMA upsert_look CASCADE;
