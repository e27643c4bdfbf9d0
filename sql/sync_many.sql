-- sync_many, sync_diff: a table, or a slice of it, made equal to the rows.
CREATE SCHEMA sync_many;
SET search_path = sync_many, public;
CREATE TABLE item (
    id int PRIMARY KEY,
    code text UNIQUE,
    name text NOT NULL DEFAULT 'nameless',
    qty numeric,
    made serial
);
INSERT INTO item (id, code, name, qty) SELECT i, 'c' || i, 'name ' || i, i FROM generate_series(1, 6) i;

-- the three overloads: nothing changed, then one of each kind
SELECT * FROM sync_many('item', (SELECT jsonb_agg(to_jsonb(i)) FROM item i));
SELECT * FROM sync_many('item', (SELECT json_agg(i ORDER BY md5(id::text)) FROM item i));
\set feed '[{"id": 7, "code": "c7", "qty": 7}, {"id": 2, "code": "c2", "qty": 2.0}, {"id": 1, "code": "c1", "qty": 1}, {"id": 3, "code": "c3", "qty": null}, {"id": 5, "name": "five"}]'
SELECT * FROM sync_diff('item', :'feed');
SELECT * FROM sync_diff('item', :'feed'::jsonb);
SELECT * FROM sync_diff('item', :'feed'::json) WHERE action = 'update';
SELECT * FROM sync_many('item', :'feed');
SELECT id, code, name, qty, made FROM item ORDER BY id;
SELECT * FROM sync_many('item', :'feed');
SELECT * FROM sync_diff('item', :'feed');
-- no number was drawn but for the row that is new
SELECT last_value FROM item_made_seq;
-- of equal keys the later wins; each row compares what it names
SELECT * FROM sync_many('item', '[{"id": 1, "name": "first"}, {"id": 2}, {"id": 1, "qty": 11}, {"id": 3}, {"id": 5}, {"id": 7}, {"id": 1, "name": "last"}]');
SELECT id, name, qty FROM item WHERE id = 1;
-- unique values move between rows that go, stay and come
SELECT * FROM sync_many('item', '[{"id": 1, "code": "c7"}, {"id": 2}, {"id": 3}, {"id": 5}, {"id": 8, "code": "c1"}]');
-- another key; columns that may be overwritten
SELECT * FROM sync_many('item', '[{"id": 1, "code": "c7", "name": "kept out", "qty": 12}, {"id": 2, "code": "c2"}, {"id": 9, "code": "c9", "name": "new"}]', '{code}', update_columns => '{qty}');
SELECT id, code, name, qty FROM item ORDER BY id;
SELECT * FROM sync_many('item', '[{"id": 1, "name": "x"}, {"id": 2, "name": "y"}, {"id": 9}]', update_columns => '{}');
-- limits
SELECT * FROM sync_many('item', '[]');
SELECT * FROM sync_many('item', '');
SELECT * FROM sync_many('item', '{"id": 1}', max_deletes => 1);
SELECT * FROM sync_many('item', '{"id": 1}', max_deletes => -1);
SELECT * FROM sync_diff('item', '{"id": 1}', max_deletes => 1);
SELECT * FROM sync_diff('item', '[]');
SELECT * FROM sync_many('item', '{"id": 1}', max_deletes => 2);
SELECT * FROM sync_many('item', '[]', allow_empty => true);
SELECT count(*) FROM item;

-- Equal by image: what prints differently differs.
CREATE TABLE image (id int PRIMARY KEY, n numeric, i interval, b box, j json, p point, f float8, t text, c char(4), a int[], r int4range);
INSERT INTO image VALUES (1, 1.0, '1 mon', '(1,1),(0,0)', '{"a":1}', '(1,2)', '-0', repeat('long text ', 9999), 'x', '{1,2}', '[1,3)');
INSERT INTO image SELECT 2, n, i, b, j, p, f, t, c, a, r FROM image;
ALTER TABLE image ALTER t SET STORAGE external;
UPDATE image SET t = t || '' WHERE id = 2;
SELECT * FROM sync_many('image', (SELECT jsonb_agg(to_jsonb(image) - '{j,f}'::text[]) FROM image));
SELECT v.key, action, d.key AS k, d.old - 't' AS old, d.new - 't' AS new FROM (VALUES ('n', to_jsonb(1.00)), ('i', '"30 days"'), ('b', '"(2,1),(1,0)"'),
    ('p', '"(1,2.5)"'), ('f', '0'), ('t', to_jsonb(repeat('long text ', 9998) || 'long TEXT ')), ('c', '"y"'), ('a', '"[0:1]={1,2}"'), ('j', '{"a": 1}'), ('r', '"[1,2]"'), ('r', '"[1,2)"')) v(key, value),
    sync_diff('image', jsonb_build_array(jsonb_build_object('id', 2), jsonb_build_object('id', 1, v.key, value))) d;

-- Scope.
CREATE TABLE ware (id int PRIMARY KEY, tenant int, source text, v int);
INSERT INTO ware VALUES (1, 1, 'a', 1), (2, 1, 'a', 2), (3, 1, NULL, 3), (4, 2, 'a', 4), (5, NULL, 'a', 5);
SELECT * FROM sync_many('ware', '[{"id": 1, "v": 10}, {"id": 6, "v": 6}, {"id": 7, "tenant": 1, "source": "a"}]', scope => '{"tenant": 1, "source": "a"}');
SELECT * FROM ware ORDER BY id;
SELECT * FROM sync_many('ware', '[{"id": 3, "v": 30}, {"id": 8, "source": null}]', scope => '{"source": null, "tenant": "1"}');
SELECT * FROM sync_many('ware', '[]', scope => '{"tenant": 3}', allow_empty => true);
SELECT * FROM sync_many('ware', '[]', scope => '{"tenant": 1}', max_deletes => 1, allow_empty => true);
SELECT * FROM sync_diff('ware', '[{"id": 4, "v": 4}, {"id": 9}]', scope => '{"tenant": 2}');
SELECT * FROM sync_many('ware', '[{"id": 6, "tenant": 1}, {"id": 5, "v": 1}]', scope => '{"tenant": 1}');
SELECT * FROM sync_many('ware', '[{"id": 6}, {"id": 4}]', scope => '{"tenant": 1}');
SELECT * FROM sync_diff('ware', '[{"id": 6}, {"id": 4}]', scope => '{"tenant": 1}');
SELECT * FROM sync_many('ware', '[{"id": 6}, {"id": 7, "tenant": 2}]', scope => '{"tenant": 1}');
SELECT * FROM sync_many('ware', '[{"id": 6}, {"id": 7, "tenant": null}]', scope => '{"tenant": 1}');
SELECT * FROM sync_many('ware', '[{"id": 6}, {"id": 7, "source": "a"}]', scope => '{"source": null}');
SELECT * FROM ware ORDER BY id;
-- a scope that is part of the key
CREATE TABLE tenant_item (tenant int, no int, v int, PRIMARY KEY (tenant, no));
INSERT INTO tenant_item VALUES (1, 1, 1), (1, 2, 2), (2, 1, 1);
SELECT * FROM sync_many('tenant_item', '[{"no": 2, "v": 2}, {"no": 3, "v": 3}]', scope => '{"tenant": 1}');
SELECT * FROM tenant_item ORDER BY 1, 2;

-- bad input
CREATE TABLE keyless (a int, b int);
CREATE INDEX ON keyless (a);
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
SELECT refused('SELECT s FROM sync_many(' || q || ') s') FROM (VALUES
  ($$'keyless', '{"a": 1}'$$), ($$'keyless', '{"a": 1}', '{a}'$$), ($$'item', '{"id": 1}', '{name}'$$), ($$'item', '{"id": 1}', '{nmae}'$$),
  ($$'item', '[{"id": 1}, {"id": null}]'$$), ($$'item', '[{"id": 1}, {"name": "x"}]'$$), ($$'item', '[{"id": 1, "nmae": "x"}]'$$), ($$'item', '[{"id": "x"}]'$$), ($$'item', '[7]'$$),
  ($$'ware', '{"id": 1}', scope => '[1]'$$), ($$'ware', '{"id": 1}', scope => '{"tennant": 1}'$$), ($$'ware', '{"id": 1}', scope => '{"tenant": "one"}'$$),
  ($$'image', '{"id": 1}', scope => '{"p": "(1,2)"}'$$), ($$'ware', '{"id": 1}', scope => '7'$$),
  ($$'item', '{"id": 1}', update_columns => '{id}'$$), ($$'item', '{"id": 1}', overriding => 'all'$$),
  ($$NULL, '{"id": 1}'::text$$), ($$'item', NULL::json$$)) v(q);
\pset format aligned
\pset tuples_only off

-- Triggers: only for what changes, only for parts that have rows, once each.
CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log (what) VALUES (concat_ws(' ', TG_WHEN, TG_OP, TG_LEVEL, CASE WHEN TG_LEVEL = 'ROW' THEN CASE WHEN TG_OP = 'INSERT' THEN NEW.id ELSE OLD.id END END,
    '(' || (SELECT string_agg(id::text, ',' ORDER BY id) FROM watched) || ')'));
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TABLE watched (id int PRIMARY KEY, a int, b int);
INSERT INTO watched VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4), (5, 5, 5);
CREATE TRIGGER before_each BEFORE INSERT OR UPDATE OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION log();
CREATE TRIGGER after_each AFTER INSERT OR UPDATE OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION log();
CREATE TRIGGER before_all BEFORE INSERT OR UPDATE OR DELETE ON watched EXECUTE FUNCTION log();
CREATE TRIGGER after_all AFTER INSERT OR UPDATE OR DELETE ON watched EXECUTE FUNCTION log();
SELECT * FROM sync_many('watched', '[{"id": 2}, {"id": 1, "a": 1, "b": 1}, {"id": 3}, {"id": 4}, {"id": 5, "b": 5}]');
SELECT count(*) FROM log;
SELECT * FROM sync_many('watched', '[{"id": 2}, {"id": 1, "a": 9}, {"id": 6, "a": 6}, {"id": 5, "b": 9}, {"id": 7, "b": 7}]');
SELECT what FROM log ORDER BY id;
TRUNCATE log;
SELECT * FROM sync_many('watched', '[{"id": 2}, {"id": 1}, {"id": 6}, {"id": 5}, {"id": 7, "b": 8}]');
SELECT what FROM log ORDER BY id;
-- soft deletes: a trigger keeps what is to be deleted, and marks it
CREATE TABLE soft (id int PRIMARY KEY, v int, deleted_at date);
CREATE FUNCTION soft_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE soft SET deleted_at = '2001-01-01' WHERE id = OLD.id;
  RETURN NULL;
END $$;
CREATE TRIGGER soft_delete BEFORE DELETE ON soft FOR EACH ROW EXECUTE FUNCTION soft_delete();
INSERT INTO soft VALUES (1, 1), (2, 2);
SELECT * FROM sync_many('soft', '[{"id": 1, "v": 1}, {"id": 3, "v": 3}]', scope => '{"deleted_at": null}');
SELECT * FROM soft ORDER BY id;
SELECT * FROM sync_many('soft', '[{"id": 1, "v": 1}, {"id": 3, "v": 3}]', scope => '{"deleted_at": null}');
-- a trigger that keeps rows from being inserted or updated
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE INSERT OR UPDATE OF v ON soft FOR EACH ROW EXECUTE FUNCTION keep();
SELECT * FROM sync_many('soft', '[{"id": 1, "v": 10}, {"id": 3, "v": 3}, {"id": 4, "v": 4}]', scope => '{"deleted_at": null}');
-- an error names the input's row, if there is one
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no %', TG_OP; END $$;
CREATE TABLE fixed (id int PRIMARY KEY, v int);
INSERT INTO fixed VALUES (1, 1), (2, 2), (3, 3);
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON fixed FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT * FROM sync_many('fixed', '[{"id": 3, "v": 3}, {"id": 1, "v": 1}]');
SELECT * FROM sync_many('fixed', '[{"id": 3, "v": 3}, {"id": 1, "v": 4}, {"id": 2}]');
SELECT * FROM sync_many('fixed', '[{"id": 3, "v": 3}, {"id": 1}, {"id": 2}, {"id": 4}]');

-- Foreign keys, also of the table to itself.
CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node ON DELETE CASCADE);
CREATE TABLE leaf (id int PRIMARY KEY, node int REFERENCES node);
INSERT INTO node VALUES (1, NULL), (2, 1), (3, 2), (9, 1);
INSERT INTO leaf VALUES (1, 3);
-- 1 goes; of its children 2 gets a new parent, 9 is not in the input
SELECT * FROM sync_many('node', '[{"id": 3, "parent": 2}, {"id": 2, "parent": 4}, {"id": 4, "parent": 5}, {"id": 5, "parent": null}]');
SELECT * FROM node ORDER BY id;
SELECT * FROM sync_many('node', '[{"id": 2, "parent": null}]');
SELECT * FROM sync_many('node', '[{"id": 3, "parent": 77}, {"id": 5}]');
SELECT * FROM node ORDER BY id;

-- Partitions, views, identities, generated columns, domains, inheritance, rules.
CREATE TABLE parted (id int, region text, v int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE parted_eu PARTITION OF parted FOR VALUES IN ('eu');
CREATE TABLE parted_us PARTITION OF parted FOR VALUES IN ('us');
CREATE TABLE by_month (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE by_month_1 PARTITION OF by_month FOR VALUES FROM (0) TO (10);
CREATE TABLE by_month_2 PARTITION OF by_month FOR VALUES FROM (10) TO (20);
INSERT INTO parted VALUES (1, 'eu', 1), (2, 'us', 2), (3, 'eu', 3);
SELECT * FROM sync_many('parted', '[{"id": 3, "region": "eu", "v": 30}, {"id": 1, "region": "us", "v": 1}, {"id": 4, "region": "eu"}]');
SELECT tableoid::regclass, * FROM parted ORDER BY id;
SELECT * FROM sync_many('parted', '[{"id": 3, "v": 31}]', scope => '{"region": "eu"}');
SELECT * FROM sync_many('parted', '[{"id": 3, "region": "asia"}]');
SELECT * FROM sync_many('by_month', '[{"id": 3, "v": 3}, {"id": 13, "v": 3}]');
CREATE TABLE moving (id int, part int, v int) PARTITION BY LIST (part);
CREATE TABLE moving_1 PARTITION OF moving FOR VALUES IN (1);
CREATE TABLE moving_2 PARTITION OF moving FOR VALUES IN (2);
CREATE VIEW moving_view AS SELECT * FROM moving;
INSERT INTO moving VALUES (1, 1, 1), (2, 1, 2), (3, 2, 3);
SELECT * FROM sync_many('moving_view', '[{"id": 1, "part": 2, "v": 1}, {"id": 2, "part": 1, "v": 2}, {"id": 4, "part": 2, "v": 4}]', '{id}');
SELECT tableoid::regclass, * FROM moving ORDER BY id;
CREATE VIEW item_view AS SELECT id AS number, name AS label FROM item WHERE id < 5 WITH CHECK OPTION;
INSERT INTO item (id, name) VALUES (1, 'one'), (2, 'two'), (5, 'five');
SELECT * FROM sync_many('item_view', '[{"number": 2, "label": "zwei"}, {"number": 3, "label": "drei"}]', '{number}');
SELECT * FROM sync_many('item_view', '[{"number": 7, "label": "out"}]', '{number}');
SELECT * FROM sync_many('item_view', '[{"number": 2}]');
SELECT id, name FROM item ORDER BY id;
CREATE VIEW twice AS SELECT id % 2 AS k, name FROM item;
SELECT * FROM sync_many('twice', '[{"k": 1, "name": "x"}]', '{name}');
CREATE VIEW doubled AS SELECT i.id, i.name FROM item i, generate_series(1, 2);
SELECT * FROM sync_diff('doubled', '[{"id": 2, "name": "x"}]', '{id}');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE various (id positive PRIMARY KEY, i int GENERATED ALWAYS AS IDENTITY, v varchar(3), g text GENERATED ALWAYS AS (v || '!') STORED);
SELECT * FROM sync_many('various', '[{"id": 1, "v": "x"}, {"id": 2, "v": "y"}]');
SELECT * FROM sync_many('various', '[{"id": 1, "v": "x"}, {"id": 2, "v": "z"}]');
SELECT * FROM sync_many('various', '[{"id": 1, "g": "x!"}]');
SELECT * FROM sync_many('various', '[{"id": 1, "v": "long"}]');
SELECT * FROM various ORDER BY id;
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int);
INSERT INTO numbered (v) VALUES (1), (2);
SELECT * FROM sync_many('numbered', '[{"id": 1, "v": 1}, {"id": 7, "v": 7}]');
SELECT * FROM sync_many('numbered', '[{"id": 1, "v": 1}, {"id": 7, "v": 7}]', overriding => 'system');
SELECT * FROM sync_many('numbered', '[{"id": 1, "v": 1}, {"id": 70, "v": 70}]', overriding => 'user');
SELECT * FROM numbered ORDER BY id;
CREATE TABLE nullable (k int UNIQUE, l int, v int, UNIQUE (k, l));
INSERT INTO nullable VALUES (1, 1, 1), (NULL, 1, 2), (2, NULL, 3), (NULL, NULL, 4);
SELECT * FROM sync_many('nullable', '[{"k": 1, "v": 1}]', '{k}', max_deletes => 2);
SELECT * FROM sync_many('nullable', '[{"k": 1, "v": 1}, {"k": 2, "v": 4}]', '{k}');
SELECT * FROM nullable ORDER BY k;
-- a row of nulls is none
CREATE TYPE pair AS (a int, b int);
CREATE TABLE paired (k pair UNIQUE, v int);
INSERT INTO paired VALUES (NULL, 1), ('(,)', 2), ('(1,)', 3);
SELECT * FROM sync_many('paired', '[{"k": {"a": null}, "v": 2}]', '{k}');
SELECT * FROM paired;
CREATE TABLE base (id int PRIMARY KEY, v int);
CREATE TABLE derived (more int) INHERITS (base);
INSERT INTO base VALUES (1, 1);
INSERT INTO derived VALUES (2, 2), (3, 3);
SELECT * FROM sync_many('base', '[{"id": 1, "v": 2}, {"id": 3, "v": 4}, {"id": 4}]');
SELECT tableoid::regclass, * FROM base ORDER BY id;
INSERT INTO derived VALUES (4, 4);
SELECT * FROM sync_many('base', '[{"id": 1, "v": 2}]');
CREATE TABLE ruled (id int PRIMARY KEY, a int);
CREATE RULE also AS ON DELETE TO ruled DO ALSO DELETE FROM log;
SELECT * FROM sync_many('ruled', '[{"id": 1, "a": 1}]');
CREATE TABLE no_columns_but_key (id int PRIMARY KEY);
SELECT * FROM sync_many('no_columns_but_key', '[{"id": 1}, {"id": 2}, {"id": 2}]');
SELECT * FROM sync_many('no_columns_but_key', '[{"id": 3}, {"id": 2}]');

-- Privileges: for all parts at once, whether they have rows or not.
CREATE ROLE regress_pgsync_syncer;
GRANT USAGE ON SCHEMA sync_many TO regress_pgsync_syncer;
CREATE TABLE guarded (id int PRIMARY KEY, a int, b int, secret int);
INSERT INTO guarded VALUES (1, 1, 1, 1);
CREATE FUNCTION as_syncer(grants text, data text, diff bool DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  REVOKE ALL ON guarded FROM regress_pgsync_syncer;
  EXECUTE format('GRANT %s ON guarded TO regress_pgsync_syncer', grants);
  SET LOCAL ROLE regress_pgsync_syncer;
  IF diff THEN SELECT string_agg(s.action, ',') INTO result FROM sync_diff('guarded', data) s;
  ELSE SELECT s::text INTO result FROM sync_many('guarded', data) s; END IF;
  RESET ROLE;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN concat_ws(' ', SQLSTATE, SQLERRM);
END $$;
SELECT grants, as_syncer(grants, '[{"id": 1, "a": 1}]') FROM (VALUES
  ('SELECT (id, a), UPDATE (a), INSERT (id, a), DELETE'), ('SELECT (id, a, b), UPDATE (a), INSERT (id, a)'),
  ('SELECT (id), UPDATE (a), INSERT (id, a), DELETE'), ('SELECT (id, a), UPDATE (b), INSERT (id, a), DELETE'),
  ('SELECT (id, a), UPDATE (a), INSERT (a), DELETE')) v(grants);
SELECT as_syncer('SELECT (id, a), UPDATE (a), INSERT (id, a), DELETE', '[{"id": 1, "a": 1}, {"id": 2, "b": 1}]');
SELECT as_syncer('SELECT (id, a), UPDATE (a), INSERT (id, a), DELETE', '[{"id": 2, "a": 1}]');
SELECT as_syncer('SELECT (id, a)', '[{"id": 1, "a": 1}, {"id": 3}]', true), as_syncer('SELECT (id)', '[{"id": 2, "a": 1}]', true);
-- row-level security: what is hidden is not there
CREATE TABLE owned (id int PRIMARY KEY, owner name DEFAULT current_user, v int);
INSERT INTO owned VALUES (1, 'regress_pgsync_syncer', 0), (2, 'other', 0), (3, 'regress_pgsync_syncer', 0);
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON owned USING (owner = current_user);
GRANT ALL ON owned TO regress_pgsync_syncer;
SET ROLE regress_pgsync_syncer;
SELECT * FROM sync_many('owned', '[{"id": 1, "v": 1}, {"id": 4, "v": 4}]');
SELECT * FROM sync_many('owned', '[{"id": 1, "v": 1}, {"id": 2, "v": 4}]');
RESET ROLE;
CREATE POLICY seen ON owned FOR SELECT USING (true);
SET ROLE regress_pgsync_syncer;
SELECT * FROM sync_many('owned', '[{"id": 1, "v": 1}, {"id": 2, "v": 4}]');
RESET ROLE;
SELECT * FROM owned ORDER BY id;
-- ... nor does it stay in silence
SET ROLE regress_pgsync_syncer;
SELECT * FROM sync_many('owned', '[{"id": 1, "v": 1}, {"id": 4, "v": 4}]');
RESET ROLE;
CREATE TABLE owned_null (id int UNIQUE, owner name DEFAULT current_user);
INSERT INTO owned_null VALUES (NULL, 'other'), (NULL, 'regress_pgsync_syncer'), (1, 'regress_pgsync_syncer');
ALTER TABLE owned_null ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON owned_null USING (owner = current_user);
CREATE POLICY seen ON owned_null FOR SELECT USING (true);
GRANT ALL ON owned_null TO regress_pgsync_syncer;
SET ROLE regress_pgsync_syncer;
SELECT * FROM sync_many('owned_null', '[{"id": 1}]', '{id}');
RESET ROLE;
DELETE FROM owned_null WHERE owner = 'other';
SET ROLE regress_pgsync_syncer;
SELECT * FROM sync_many('owned_null', '[{"id": 1}]', '{id}');
RESET ROLE;
CREATE TEMPORARY TABLE passing (id int PRIMARY KEY, v int);
BEGIN READ ONLY;
SELECT * FROM sync_many('passing', '[{"id": 1, "v": 1}]');
COMMIT;
BEGIN READ ONLY;
SELECT * FROM sync_many('owned', '[{"id": 1, "v": 1}]');
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM sync_diff('owned', '[{"id": 1, "v": 1}, {"id": 2}]');
COMMIT;
-- the lock of a sync is no user's
BEGIN;
SELECT * FROM sync_many('owned', '[{"id": 1, "v": 1}, {"id": 2}, {"id": 4}]');
SELECT locktype, objid, objsubid, mode FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
COMMIT;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();

-- The same as DELETE, UPDATE and INSERT by hand, over random tables and rows.
CREATE TABLE ours (a int, b text, x int DEFAULT 7, y numeric, z jsonb, w text, PRIMARY KEY (a, b));
CREATE TABLE theirs (LIKE ours INCLUDING ALL);
CREATE FUNCTION random_rows(n int, span int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('a', floor(random() * span), 'b', chr(97 + floor(random() * 3)::int))
    || CASE WHEN random() < .8 THEN jsonb_build_object('x', CASE WHEN random() < .8 THEN floor(random() * 3) END) ELSE '{}' END
    || CASE WHEN random() < .8 THEN jsonb_build_object('y', round(random()::numeric, 1)) ELSE '{}' END
    || CASE WHEN random() < .2 THEN jsonb_build_object('z', jsonb_build_object(chr(97 + floor(random() * 3)::int), 1)) ELSE '{}' END
    || CASE WHEN random() < .2 THEN jsonb_build_object('w', repeat('w', 2500 + 10 * (random() * 3)::int)) ELSE '{}' END)
  FROM generate_series(1, n) i $$;
CREATE FUNCTION sync_by_hand(data jsonb, scope_x int, OUT inserted int, OUT updated int, OUT deleted int) LANGUAGE plpgsql AS $$
DECLARE r jsonb; old theirs;
BEGIN
  inserted := 0; updated := 0;
  DELETE FROM theirs t WHERE (scope_x IS NULL OR x = scope_x)
    AND NOT EXISTS (SELECT FROM jsonb_array_elements(data) e WHERE t.a = (e ->> 'a')::int AND t.b = e ->> 'b');
  GET DIAGNOSTICS deleted = ROW_COUNT;
  FOR r IN SELECT jsonb_object_agg(key, value ORDER BY n) FROM jsonb_array_elements(data) WITH ORDINALITY e(o, n), jsonb_each(o) GROUP BY o -> 'a', o -> 'b' LOOP
    IF scope_x IS NOT NULL THEN r := r || jsonb_build_object('x', scope_x); END IF;
    SELECT * INTO old FROM theirs t WHERE t.a = (r ->> 'a')::int AND t.b = r ->> 'b';
    IF NOT FOUND THEN
      INSERT INTO theirs SELECT p.a, p.b, CASE WHEN r ? 'x' THEN p.x ELSE 7 END, p.y, p.z, p.w FROM jsonb_populate_record(NULL::theirs, r) p;
      inserted := inserted + 1;
    ELSIF jsonb_populate_record(old, r)::record *<> old::record THEN
      UPDATE theirs t SET (x, y, z, w) = (SELECT p.x, p.y, p.z, p.w FROM jsonb_populate_record(old, r) p) WHERE t.a = old.a AND t.b = old.b;
      updated := updated + 1;
    END IF;
  END LOOP;
END $$;
CREATE FUNCTION compare(rounds int) RETURNS TABLE (round int, what text, ours text, theirs text) LANGUAGE plpgsql AS $$
DECLARE data jsonb; counts record; hand record; diff text; scope_x int; format text;
BEGIN
  FOR round IN 1..rounds LOOP
    TRUNCATE ours; TRUNCATE theirs;
    scope_x := CASE WHEN random() < .4 THEN 2 END;
    INSERT INTO ours SELECT i / 3, chr(97 + i % 3), coalesce(scope_x, (random() * 3)::int), round(random()::numeric, 1), CASE WHEN random() < .3 THEN '{"a": 1}'::jsonb END,
      repeat('w', 2500 + 10 * (random() * 3)::int) FROM generate_series(0, 60) i WHERE random() < .8;
    IF scope_x IS NOT NULL THEN INSERT INTO ours SELECT 100 + i, 'a', 1 FROM generate_series(1, 5) i; END IF;
    INSERT INTO theirs TABLE ours;
    data := random_rows(1 + (random() * 80)::int, 1 + (random() * 25)::int);
    IF scope_x IS NOT NULL THEN SELECT jsonb_agg(r - 'x') INTO data FROM jsonb_array_elements(data) r; END IF;
    -- some rows as they are
    SELECT data || coalesce(jsonb_agg(to_jsonb(o)), '[]') INTO data FROM (SELECT * FROM ours o WHERE o.a < 100 AND random() < .5) o;
    format := (ARRAY['jsonb', 'json', 'text'])[1 + round % 3];
    EXECUTE format('SELECT concat_ws('' '', count(*) FILTER (WHERE action = ''insert''), count(*) FILTER (WHERE action = ''update''), count(*) FILTER (WHERE action = ''delete'')) FROM sync_diff(''ours'', $1::%s, scope => $2)', format)
      INTO diff USING data::text, jsonb_build_object('x', scope_x) - CASE WHEN scope_x IS NULL THEN 'x' ELSE '' END;
    EXECUTE format('SELECT * FROM sync_many(''ours'', $1::%s, scope => $2)', format)
      INTO counts USING data::text, jsonb_build_object('x', scope_x) - CASE WHEN scope_x IS NULL THEN 'x' ELSE '' END;
    SELECT * INTO hand FROM sync_by_hand(data, scope_x);
    what := 'counts'; ours := concat_ws(' ', counts.inserted, counts.updated, counts.deleted); theirs := concat_ws(' ', hand.inserted, hand.updated, hand.deleted);
    IF ours <> theirs THEN RETURN NEXT; END IF;
    what := 'diff';
    IF diff <> theirs THEN ours := diff; RETURN NEXT; END IF;
    what := 'rows';
    SELECT count(*) INTO ours FROM (TABLE ours EXCEPT ALL TABLE theirs) d;
    SELECT count(*) INTO theirs FROM (TABLE theirs EXCEPT ALL TABLE ours) d;
    IF ours <> '0' OR theirs <> '0' THEN RETURN NEXT; END IF;
    what := 'again';
    SELECT concat_ws(' ', s.inserted, s.updated, s.deleted) INTO ours FROM sync_many('ours', data, scope => jsonb_build_object('x', scope_x) - CASE WHEN scope_x IS NULL THEN 'x' ELSE '' END) s;
    IF ours <> '0 0 0' THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
SELECT setseed(0.1616);
SELECT * FROM compare(150);
SET work_mem = '64kB';
SELECT * FROM compare(30);
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT * FROM compare(10);
RESET work_mem;
RESET enable_indexscan;
RESET enable_bitmapscan;

-- from a row_source
CREATE TABLE fed (id int PRIMARY KEY, v int);
SELECT * FROM sync_many('fed', from_csv(E'id,v\n1,1\n2,2\n'));
SELECT * FROM sync_diff('fed', from_json('[{"id": 1, "v": 3, "x": 0}]', ignore_unknown => true));
SELECT * FROM sync_many('fed', from_json('[{"id": 1, "v": 3, "x": 0}]', ignore_unknown => true));

DROP OWNED BY regress_pgsync_syncer;
DROP ROLE regress_pgsync_syncer;
SET client_min_messages = warning;
DROP SCHEMA sync_many CASCADE;
