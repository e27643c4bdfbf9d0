-- update_many: rows updated by key, each just what it names.
CREATE SCHEMA update_many;
SET search_path = update_many, public;
CREATE TABLE item (
    id int PRIMARY KEY,
    sku text UNIQUE,
    name text NOT NULL,
    qty numeric(8,2) DEFAULT 1,
    doc jsonb
);
INSERT INTO item SELECT i, 'sku ' || i, 'name ' || i, i, '{}' FROM generate_series(1, 6) i;

-- the three overloads; JSON Lines; a NOT NULL column need not be named
SELECT * FROM update_many('item', '[{"id": 3, "name": "three"}, {"id": 1, "name": "one"}, {"id": 99, "name": "none"}]'::jsonb);
SELECT * FROM update_many('item', '{"id": 2, "qty": 2.125, "doc": null}'::json);
SELECT * FROM update_many('item', '{"id": 4, "qty": null}
{"qty": 5.5, "id": 5}');
SELECT * FROM update_many('item', '[]');
SELECT * FROM update_many('item', '');
SELECT * FROM item ORDER BY id;

-- of equal keys the later wins, column by column; each is counted once
SELECT * FROM update_many('item', '[{"id": 6, "name": "first", "qty": 1}, {"id": 5, "name": "five"},
    {"id": 6, "qty": 2}, {"id": 98}, {"id": 6, "qty": null, "doc": {"a": 1}}, {"id": 98}, {"id": 1}]');
SELECT * FROM item WHERE id > 4 ORDER BY id;
-- rows that name nothing but the key are found, or missing
SELECT * FROM update_many('item', '[{"id": 1}, {"id": 2}, {"id": 97}]');

-- other keys: unique, of two columns, or not unique at all
SELECT * FROM update_many('item', '[{"sku": "sku 2", "qty": 20}, {"sku": "sku 9", "qty": 90}]', '{sku}');
CREATE TABLE pair (b text, a int, v int, w int, PRIMARY KEY (a, b));
INSERT INTO pair VALUES ('x', 1, 0), ('y', 1, 0), ('x', 2, 0), ('y', 2, 0);
SELECT * FROM update_many('pair', '[{"b": "y", "a": 2, "v": 3}, {"a": 1, "b": "x", "v": 1}, {"a": 2, "b": "x", "v": 2}]');
SELECT * FROM update_many('pair', '[{"b": "y", "w": 7}, {"b": "z", "w": 8}, {"b": "x", "v": 9}, {"b": "y"}]', '{b}');
SELECT * FROM pair ORDER BY a, b;

-- ... also the primary key where that is deferrable
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE, v int);
INSERT INTO late VALUES (2, 0), (1, 0);
SELECT * FROM update_many('late', '[{"id": 1, "v": 1}, {"id": 3, "v": 3}]');
SELECT delete_many('late', '[1]');
SELECT * FROM upsert_many('late', '[{"id": 1, "v": 1}]');
-- update_columns narrows; merge_columns merge, also twice
SELECT * FROM update_many('item', '[{"id": 1, "name": "kept out", "qty": 11}]', update_columns => '{qty}');
SELECT * FROM update_many('item', '[{"id": 1, "name": "kept out", "qty": 12}]', update_columns => '{}');
SELECT * FROM update_many('item', '[{"id": 1, "doc": {"a": 1}}, {"id": 1, "doc": {"b": 2}}, {"id": 2, "doc": [1]},
    {"id": 2, "doc": {"c": 3}}, {"id": 1, "name": "merged"}]', merge_columns => '{doc}');
SELECT * FROM item WHERE id < 3 ORDER BY id;

-- skip_unchanged: what is equal by its image is not written
CREATE TABLE image (id int PRIMARY KEY, n numeric, i interval, b box, j json, p point, f float8, t text, c char(4), a int[]);
INSERT INTO image VALUES (1, 1.0, '1 mon', '(1,1),(0,0)', '{"a":1}', '(1,2)', '-0', repeat('long text ', 9999), 'x', '{1,2}');
SELECT * FROM update_many('image', jsonb_build_object('id', 1, 'n', 1.0, 'i', '1 mon', 'b', '(1,1),(0,0)', 'p', '(1,2)', 't', repeat('long text ', 9999), 'c', 'x', 'a', '{1,2}'), skip_unchanged => true);
SELECT key, u.* FROM (VALUES ('n', to_jsonb(1.00)), ('i', '"30 days"'), ('b', '"(2,1),(1,0)"'), ('p', '"(1,2.5)"'), ('f', '0'),
    ('t', to_jsonb(repeat('long text ', 9998) || 'long TEXT ')), ('c', '"y"'), ('a', '"[0:1]={1,2}"'), ('j', '{"a": 1}')) v(key, value),
    update_many('image', jsonb_build_object('id', 1, key, value), skip_unchanged => true) u;
SELECT xmin AS before FROM item WHERE id = 3 \gset
SELECT * FROM update_many('item', '[{"id": 3, "name": "three", "qty": 3.00}, {"id": 4, "name": "four"}, {"id": 5}, {"id": 96, "qty": 1}]', skip_unchanged => true);
SELECT xmin = :'before' AS untouched FROM item WHERE id = 3;
SELECT * FROM update_many('item', '[{"id": 1, "doc": {"a": 1}}, {"id": 2, "doc": {"new": 1}}]', merge_columns => '{doc}', skip_unchanged => true);

-- on_missing
SELECT * FROM update_many('item', '[{"id": 1, "qty": 5}, {"id": 95, "qty": 1}, {"id": 94, "name": "x"}]', on_missing => 'error');
SELECT * FROM update_many('item', '[{"id": 2}, {"id": 95}]', on_missing => 'error');
SELECT * FROM update_many('pair', '[{"a": 1, "b": "x"}, {"b": "q", "a": 1, "v": 1}]', on_missing => 'error');
SELECT qty FROM item WHERE id = 1;

-- bad input
CREATE TABLE keyless (a int, b int, j json);
INSERT INTO keyless VALUES (1, 1, '1'), (1, 2, '1'), (NULL, 3, '1');
CREATE FUNCTION refused(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; detail text; hint text; context text;
BEGIN
  EXECUTE query INTO result;
  RETURN 'returns ' || result;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
  RETURN concat_ws(E'\n  ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''),
                   nullif(regexp_replace(context, '(SQL statement|PL/pgSQL function).*', ''), ''));
END $$;
\pset format unaligned
\pset tuples_only on
SELECT refused(q) FROM (VALUES
  ($$SELECT u FROM update_many('keyless', '{"a": 1, "b": 5}') u$$),
  ($$SELECT u FROM update_many('keyless', '[{"a": 1, "b": 5}, {"a": null}]', '{a}') u$$),
  ($$SELECT u FROM update_many('keyless', '[{"a": 1, "b": 5}, {"b": 6}]', '{a}') u$$),
  ($$SELECT u FROM update_many('keyless', '{"j": 1, "b": 5}', '{j}') u$$),
  ($$SELECT u FROM update_many('keyless', '{"a": 1, "b": 5}', '{a}') u$$),
  ($$SELECT u FROM update_many('item', '{"id": 1, "nmae": "x"}') u$$),
  ($$SELECT u FROM update_many('item', '[{"id": 1}, {"id": 2, "qty": "many"}]') u$$),
  ($$SELECT u FROM update_many('item', '[1]') u$$),
  ($$SELECT u FROM update_many('item', '7') u$$),
  ($$SELECT u FROM update_many('item', '[{"id": 2, "name": "a"}, {"id": 1, "name": null}]') u$$),
  ($$SELECT u FROM update_many('item', '{"id": 1, "sku": "sku 2"}') u$$),
  ($$SELECT u FROM update_many('item', '{"id": 1}', '{ID}') u$$),
  ($$SELECT u FROM update_many('item', '{"id": 1}', '{id,id}') u$$),
  ($$SELECT u FROM update_many('item', '{"id": 1}', update_columns => '{id}') u$$),
  ($$SELECT u FROM update_many('item', '{"id": 1}', merge_columns => '{name}') u$$),
  ($$SELECT u FROM update_many('item', '{"id": 1}', on_missing => 'fail') u$$),
  ($$SELECT u FROM update_many('item', NULL::jsonb) u$$),
  ($$SELECT u FROM update_many(NULL, '{}') u$$)) v(q);
\pset format aligned
\pset tuples_only off
SELECT * FROM keyless ORDER BY b;

-- Triggers.  One row an event; UPDATE OF fires for rows that name the column.
CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log (what) VALUES (concat_ws(' ', TG_NAME, TG_WHEN, CASE WHEN TG_LEVEL = 'ROW' THEN OLD.id END));
  RETURN NEW;
END $$;
CREATE FUNCTION log_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log (what) SELECT concat_ws(' ', TG_NAME, string_agg(id::text, ',' ORDER BY id)) FROM new_rows;
  RETURN NULL;
END $$;
CREATE TABLE watched (id int PRIMARY KEY, a int, b int);
INSERT INTO watched SELECT i, i, i FROM generate_series(1, 5) i;
CREATE TRIGGER row_a BEFORE UPDATE OF a ON watched FOR EACH ROW EXECUTE FUNCTION log();
CREATE TRIGGER row_b AFTER UPDATE OF b ON watched FOR EACH ROW EXECUTE FUNCTION log();
CREATE TRIGGER statement_a BEFORE UPDATE OF a ON watched EXECUTE FUNCTION log();
CREATE TRIGGER statement_a_after AFTER UPDATE OF a ON watched EXECUTE FUNCTION log();
CREATE TRIGGER statement_b_after AFTER UPDATE OF b ON watched EXECUTE FUNCTION log();
CREATE TRIGGER whole AFTER UPDATE ON watched REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION log_set();
SELECT * FROM update_many('watched', '[{"id": 4, "b": 0}, {"id": 1, "a": 0}, {"id": 2, "b": 0}, {"id": 3, "a": 0, "b": 0}, {"id": 5}, {"id": 6, "a": 1}]');
SELECT what FROM log ORDER BY id;
SELECT * FROM watched ORDER BY id;
TRUNCATE log;
-- nothing to write: what has a column to set still is a statement
SELECT * FROM update_many('watched', '[{"id": 7, "b": 0}]');
SELECT * FROM update_many('watched', '[{"id": 5}]');
SELECT what FROM log ORDER BY id;
-- a trigger that keeps a row as it is: not updated, not missing
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN OLD.id <> 2 THEN NEW END; END';
CREATE TRIGGER zz_keep BEFORE UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION keep();
SELECT * FROM update_many('watched', '[{"id": 1, "b": 8}, {"id": 2, "b": 8}, {"id": 3, "b": 8}]', on_missing => 'error');

-- Foreign keys are checked when all is done, also between rows of the table
-- that name differing columns.
CREATE TABLE node (id int PRIMARY KEY, code text UNIQUE, parent text REFERENCES node (code), note text);
INSERT INTO node VALUES (1, 'a', NULL), (2, 'b', 'a'), (3, 'c', 'a');
SELECT * FROM update_many('node', '[{"id": 1, "code": "A"}, {"id": 2, "parent": "A", "note": "x"}, {"id": 3, "parent": "A"}]');
SELECT * FROM update_many('node', '[{"id": 1, "code": "aa"}, {"id": 2, "parent": "aa"}]');
SELECT * FROM node ORDER BY id;

-- Partitions: a row whose key of the partitioning changes moves.
CREATE TABLE parted (id int, region text, v int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu');
CREATE TABLE parted_us PARTITION OF parted FOR VALUES IN ('us');
INSERT INTO parted VALUES (1, 'eu', 1), (2, 'us', 2), (3, 'eu', 3);
SELECT * FROM update_many('parted', '[{"id": 3, "v": 30}, {"id": 1, "region": "us"}, {"id": 2, "region": "eu", "v": 20}]', '{id}');
SELECT tableoid::regclass, * FROM parted ORDER BY id;
SELECT * FROM update_many('parted', '[{"id": 1, "region": "asia"}]', '{id}');
-- ... unless a trigger keeps it from being deleted where it was
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER stay BEFORE DELETE ON parted_eu FOR EACH ROW EXECUTE FUNCTION stay();
SELECT * FROM update_many('parted', '[{"id": 2, "region": "us", "v": 21}, {"id": 1, "v": 11}, {"id": 4, "v": 4}]', '{id}');
SELECT tableoid::regclass, * FROM parted ORDER BY id;

-- Views, generated columns, identities, domains, inheritance, rules.
CREATE VIEW item_view AS SELECT id AS number, name AS label, upper(name) AS loud FROM item WHERE id < 5 WITH CHECK OPTION;
SELECT * FROM update_many('item_view', '[{"number": 2, "label": "via view"}, {"number": 5, "label": "unseen"}]', '{number}');
SELECT * FROM update_many('item_view', '[{"number": 2, "loud": "X"}]', '{number}');
SELECT * FROM update_many('item_view', '[{"number": 2, "label": "x"}]');
CREATE VIEW no_view AS SELECT id, count(*) AS n FROM item GROUP BY id;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE item SET qty = NEW.n WHERE id = NEW.id;
  RETURN NEW;
END $$;
SELECT * FROM update_many('no_view', '[{"id": 2, "n": 77}]', '{id}');
CREATE TRIGGER instead INSTEAD OF UPDATE ON no_view FOR EACH ROW EXECUTE FUNCTION instead();
SELECT * FROM update_many('no_view', '[{"id": 2, "n": 77}, {"id": 1, "n": 66}]', '{id}');
SELECT id, name, qty FROM item WHERE id < 3 ORDER BY id;
-- whose rows cannot be locked: they go in the order of their columns
CREATE OR REPLACE VIEW no_view AS SELECT id, count(*) AS n, max(name) AS name FROM item GROUP BY id;
SELECT * FROM update_many('no_view', '[{"id": 2, "n": 7}, {"id": 1, "n": 6, "name": "x"}, {"id": 999, "name": "x"}]', '{id}');
SELECT id, name, qty FROM item WHERE id < 3 ORDER BY id;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE various (id positive PRIMARY KEY, i int GENERATED ALWAYS AS IDENTITY, v varchar(3), g text GENERATED ALWAYS AS (v || '!') STORED, p positive);
INSERT INTO various (id, v) VALUES (1, 'a'), (2, 'b');
SELECT * FROM update_many('various', '[{"id": 1, "v": "x", "p": 3}, {"id": 2, "v": "y"}]', skip_unchanged => true);
SELECT * FROM update_many('various', '[{"id": 1, "p": -3}]');
SELECT * FROM update_many('various', '[{"id": 1, "v": "long"}]');
SELECT * FROM update_many('various', '[{"id": 1, "g": "x!"}]');
SELECT * FROM update_many('various', '[{"id": 1, "i": 7}]');
SELECT * FROM update_many('various', '[{"i": 1, "v": "by"}]', '{i}');
SELECT * FROM various ORDER BY id;
CREATE DOMAIN settings AS jsonb CHECK (NOT VALUE ?& '{a,bad}');
CREATE TABLE configured (id int PRIMARY KEY, s settings);
INSERT INTO configured VALUES (1, '{"a": 1}'), (2, NULL);
SELECT * FROM update_many('configured', '[{"id": 1, "s": {"a": 1}}, {"id": 2, "s": {"b": 2}}]', merge_columns => '{s}', skip_unchanged => true);
SELECT * FROM update_many('configured', '[{"id": 1, "s": {"bad": 1}}]', merge_columns => '{s}', skip_unchanged => true);
SELECT * FROM configured ORDER BY id;
CREATE TABLE child (extra int) INHERITS (item);
INSERT INTO child (id, name) VALUES (70, 'in child');
SELECT * FROM update_many('item', '[{"id": 70, "qty": 70}, {"id": 6, "qty": 60}]');
SELECT tableoid::regclass, id, qty FROM item WHERE id IN (6, 70) ORDER BY id;
CREATE TABLE ruled (id int PRIMARY KEY, a int);
CREATE RULE also AS ON UPDATE TO ruled DO ALSO DELETE FROM log;
SELECT * FROM update_many('ruled', '[{"id": 1, "a": 1}]');

-- Privileges: UPDATE on what the rows name, SELECT on the key, no others.
CREATE ROLE regress_pgsync_updater;
GRANT USAGE ON SCHEMA update_many TO regress_pgsync_updater;
GRANT SELECT (id), UPDATE (a) ON watched TO regress_pgsync_updater;
GRANT INSERT ON log TO regress_pgsync_updater;
SET ROLE regress_pgsync_updater;
SELECT * FROM update_many('watched', '[{"id": 1, "a": 9}, {"id": 4, "a": 9}]');
SELECT * FROM update_many('watched', '[{"id": 1, "a": 10}, {"id": 3, "b": 10}]');
SELECT * FROM update_many('watched', '[{"id": 1, "a": 11}]', skip_unchanged => true);
SELECT * FROM update_many('watched', '[{"a": 1, "b": 11}]', '{a}');
RESET ROLE;
GRANT SELECT (a) ON watched TO regress_pgsync_updater;
SET ROLE regress_pgsync_updater;
SELECT * FROM update_many('watched', '[{"id": 1, "a": 11}]', skip_unchanged => true);
RESET ROLE;
-- row-level security: what is hidden is missing
CREATE TABLE owned (id int PRIMARY KEY, owner name, v int);
INSERT INTO owned VALUES (1, 'regress_pgsync_updater', 0), (2, 'other', 0);
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON owned USING (owner = current_user);
GRANT SELECT, UPDATE ON owned TO regress_pgsync_updater;
SET ROLE regress_pgsync_updater;
SELECT * FROM update_many('owned', '[{"id": 1, "v": 1}, {"id": 2, "v": 1}]');
SELECT * FROM update_many('owned', '[{"id": 1, "owner": "other"}]');
RESET ROLE;
SELECT * FROM owned ORDER BY id;
BEGIN READ ONLY;
SELECT * FROM update_many('owned', '[{"id": 1, "v": 2}]');
ROLLBACK;
CREATE TEMPORARY TABLE passing (id int, v int);
INSERT INTO passing VALUES (1, 1), (2, 2);
BEGIN READ ONLY;
SELECT * FROM update_many('passing', '[{"id": 1, "v": 2}]', '{id}');
COMMIT;

-- The same as one UPDATE a row, over random rows: with keys that come twice,
-- in any order, each row naming its own columns.
CREATE TABLE ours (a int, b text, x int, y numeric, z jsonb, w text);
CREATE TABLE theirs (LIKE ours);
CREATE FUNCTION random_rows(n int, span int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('a', floor(random() * span), 'b', chr(97 + floor(random() * 3)::int))
    || CASE WHEN random() < .5 THEN jsonb_build_object('x', CASE WHEN random() < .8 THEN floor(random() * 9) END) ELSE '{}' END
    || CASE WHEN random() < .5 THEN jsonb_build_object('y', round(random()::numeric, 2)) ELSE '{}' END
    || CASE WHEN random() < .5 THEN jsonb_build_object('z', jsonb_build_object(chr(97 + floor(random() * 3)::int), i)) ELSE '{}' END
    || CASE WHEN random() < .2 THEN jsonb_build_object('w', repeat('w', (random() * 5000)::int)) ELSE '{}' END)
  FROM generate_series(1, n) i $$;
CREATE FUNCTION update_by_hand(data jsonb, merge bool) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r jsonb;
BEGIN
  FOR r IN SELECT * FROM jsonb_array_elements(data) LOOP
    UPDATE theirs t SET x = CASE WHEN r ? 'x' THEN (r ->> 'x')::int ELSE x END,
      y = CASE WHEN r ? 'y' THEN (r ->> 'y')::numeric ELSE y END,
      z = CASE WHEN NOT r ? 'z' THEN z WHEN merge THEN coalesce(z, '{}') || (r -> 'z') ELSE r -> 'z' END,
      w = CASE WHEN r ? 'w' THEN r ->> 'w' ELSE w END
    WHERE a = (r ->> 'a')::int AND b = r ->> 'b';
  END LOOP;
END $$;
CREATE FUNCTION compare(rounds int) RETURNS TABLE (round int, format text, ours bigint, theirs bigint) LANGUAGE plpgsql AS $$
DECLARE data jsonb; merge bool; counts record; found bigint; missed bigint;
BEGIN
  FOR round IN 1..rounds LOOP
    TRUNCATE ours; TRUNCATE theirs;
    INSERT INTO ours SELECT i / 3, chr(97 + i % 3), i, i, '{}', repeat('v', (random() * 4000)::int) FROM generate_series(0, 60) i WHERE random() < .8;
    INSERT INTO theirs TABLE ours;
    data := random_rows(1 + (random() * 80)::int, 1 + (random() * 25)::int);
    merge := random() < .5;
    format := (ARRAY['jsonb', 'json', 'text'])[1 + round % 3];
    EXECUTE format('SELECT u.* FROM update_many(''ours'', $1::%s, ''{a,b}'', merge_columns => $2, skip_unchanged => $3) u', format)
      INTO counts USING data::text, CASE WHEN merge THEN '{z}'::text[] END, random() < .5;
    PERFORM update_by_hand(data, merge);
    SELECT count(*) FILTER (WHERE t.a IS NOT NULL), count(*) FILTER (WHERE t.a IS NULL) INTO found, missed
      FROM (SELECT DISTINCT (r ->> 'a')::int AS a, r ->> 'b' AS b FROM jsonb_array_elements(data) r) k LEFT JOIN theirs t USING (a, b);
    IF counts.updated + counts.unchanged <> found OR counts.missing <> missed THEN
      ours := counts.updated + counts.unchanged; theirs := found; RETURN NEXT;
    END IF;
    SELECT count(*) INTO ours FROM (TABLE ours EXCEPT ALL TABLE theirs) d;
    SELECT count(*) INTO theirs FROM (TABLE theirs EXCEPT ALL TABLE ours) d;
    IF ours + theirs > 0 THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
SELECT setseed(0.16);
SELECT * FROM compare(150);
SET work_mem = '64kB';
SELECT * FROM compare(30);
RESET work_mem;
-- many sets of columns, many rows; sorts and stores on disk
CREATE TABLE wide (id int PRIMARY KEY, c1 int, c2 int, c3 int, c4 int, c5 int, c6 int, c7 int, c8 int, c9 int, c10 int);
INSERT INTO wide SELECT i FROM generate_series(1, 3000) i;
SET work_mem = '64kB';
SELECT u.* FROM (SELECT jsonb_agg(row || jsonb_build_object('id', i) ORDER BY md5(i::text)) AS data
  FROM generate_series(1, 3000) i, LATERAL (SELECT jsonb_object_agg('c' || n, i) AS row FROM generate_series(1, 10) n WHERE i & (1 << (n - 1)) > 0) r
  WHERE row IS NOT NULL) s, update_many('wide', data) u;
RESET work_mem;
SELECT count(*), count(*) FILTER (WHERE (c1 IS NOT NULL) = (id & 1 > 0) AND (c10 IS NOT NULL) = (id & 512 > 0) AND coalesce(c5, id) = id) AS right FROM wide;

-- from a row_source
SELECT * FROM update_many('item', from_csv(E'id;Label\n1;by csv\n77;no\n', delimiter => ';', columns => '{"Label": "name"}'));
SELECT name FROM item WHERE id = 1;

DROP OWNED BY regress_pgsync_updater;
DROP ROLE regress_pgsync_updater;
SET client_min_messages = warning;
DROP SCHEMA update_many CASCADE;
