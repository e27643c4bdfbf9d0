-- upsert_many: what it leaves alone, whom it asks for privileges, and what
-- runs around the rows.
CREATE TABLE item (id int PRIMARY KEY, a int NOT NULL, b text, doc jsonb, s serial);
INSERT INTO item (id, a, b) SELECT i, i, 'b' || i FROM generate_series(1, 20) i;
CREATE VIEW item_view AS SELECT b, id, a FROM item;
CREATE TABLE part (id int PRIMARY KEY, a int NOT NULL, b text) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 (b text, a int NOT NULL, id int NOT NULL);
ALTER TABLE part ATTACH PARTITION part_2 DEFAULT;
INSERT INTO part SELECT id, a, b FROM item;
CREATE FUNCTION feed(n int) RETURNS text LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('id', i, 'b', 'b' || i, 'a', i))::text FROM generate_series(1, n) i $$;

-- equal rows: no transaction id, no lock, no dead row, no number drawn
CREATE FUNCTION untouched(target regclass, sink text) RETURNS TABLE (unchanged bigint, xid boolean, locked bigint, drawn bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('pgsync.sink', sink, true);
  SELECT u.unchanged INTO unchanged FROM upsert_many(target, feed(20), '{id}', skip_unchanged => true) u;
  xid := pg_current_xact_id_if_assigned() IS NOT NULL;
  EXECUTE format('SELECT count(*) FROM %s WHERE ctid IS NULL OR xmax <> ''0''', CASE target::text WHEN 'item_view' THEN 'item' ELSE target::text END) INTO locked;
  SELECT last_value INTO drawn FROM item_s_seq;
  RETURN NEXT;
END $$;
SELECT * FROM untouched('item', 'auto');
SELECT * FROM untouched('item', 'statement');
SELECT * FROM untouched('item_view', 'auto');
SELECT * FROM untouched('part', 'auto');
-- and what names nothing to update
SELECT u.*, pg_current_xact_id_if_assigned() FROM upsert_many('item', '[{"id": 1}, {"id": 2}, {"id": 1}]') u;
SELECT u.*, pg_current_xact_id_if_assigned() FROM upsert_many('part', feed(20), update_columns => '{}') u;
-- one that differs: it alone
SELECT * FROM upsert_many('item', replace(feed(20), '"b7"', '"B7"'), skip_unchanged => true);
SELECT id, b, s FROM item WHERE xmin = (SELECT xmin FROM item WHERE id = 7);
-- index entries of rows that are gone do not matter
BEGIN;
INSERT INTO item (id, a) SELECT i, 0 FROM generate_series(100, 300) i;
ROLLBACK;
SELECT * FROM upsert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i % 201 + 100, 'a', i)) FROM generate_series(0, 602) i), skip_unchanged => true);
SELECT * FROM upsert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i % 201 + 100, 'a', i)) FROM generate_series(402, 602) i), skip_unchanged => true);
DELETE FROM item WHERE id >= 100;
SELECT * FROM upsert_many('item', '[{"id": 100, "a": 1}, {"id": 100, "b": "x"}]');
DELETE FROM item WHERE id >= 100;
-- children of a table are not what its key is about
CREATE TABLE child () INHERITS (item);
INSERT INTO child (id, a) VALUES (50, 50);
SELECT * FROM upsert_many('item', '[{"id": 50, "a": 1}, {"id": 50, "a": 2}, {"id": 51, "a": 1}]');
SELECT tableoid::regclass, id, a FROM item WHERE id >= 50 ORDER BY 1, 2;
DROP TABLE child;
-- the planner's settings are as they were
SHOW enable_hashjoin;
SHOW enable_seqscan;

-- INSERT on what is named, always; UPDATE and SELECT on what may change
CREATE ROLE pgsync_upserter;
GRANT SELECT (id, a), UPDATE (a), INSERT (id, a) ON item TO pgsync_upserter;
GRANT SELECT, UPDATE ON part TO pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 2}]');
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 2}]', skip_unchanged => true);
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 3, "b": "x"}]');
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 3, "b": "x"}]', update_columns => '{a}');
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 3}, {"id": 2}, {"id": 3, "b": "x"}]');
SELECT * FROM upsert_many('part', '[{"id": 1, "a": 3}]');
SELECT * FROM upsert_many('part', '[]');
SELECT * FROM upsert_many('part', '[{"id": 1}]');
RESET ROLE;
GRANT INSERT (id, a, b) ON item TO pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 3, "b": "x"}]', update_columns => '{a}');
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 4, "b": "x"}]');
RESET ROLE;
REVOKE SELECT (id) ON item FROM pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_many('item', '[{"id": 1, "a": 4}]');
SELECT * FROM upsert_many('item', '[{"id": 1}]');
RESET ROLE;
SELECT id, a, b FROM item WHERE id < 4 ORDER BY id;

-- policies: a row that is hidden, or that must not be updated, is an error
CREATE TABLE tenant (id int PRIMARY KEY, t int, v int NOT NULL);
INSERT INTO tenant VALUES (1, 1, 1), (2, 2, 2), (3, 1, 3);
ALTER TABLE tenant ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON tenant FOR SELECT USING (t = 1);
CREATE POLICY ins ON tenant FOR INSERT WITH CHECK (t = 1);
CREATE POLICY upd ON tenant FOR UPDATE USING (t = 1 AND id < 3) WITH CHECK (t = 1 AND v < 100);
GRANT ALL ON tenant TO pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_many('tenant', '[{"id": 1, "v": 5}, {"id": 4, "t": 1, "v": 500}]');
SELECT * FROM upsert_many('tenant', '[{"id": 2, "t": 1, "v": 5}]');
SELECT * FROM upsert_many('tenant', '[{"id": 2, "t": 1, "v": 2}]', skip_unchanged => true);
SELECT * FROM upsert_many('tenant', '[{"id": 3, "t": 1, "v": 5}]');
SELECT * FROM upsert_many('tenant', '[{"id": 3, "t": 1, "v": 3}]', skip_unchanged => true);
SELECT * FROM upsert_many('tenant', '[{"id": 1, "v": 100}]');
SELECT * FROM upsert_many('tenant', '[{"id": 1, "t": 2}]');
SELECT * FROM upsert_many('tenant', '[{"id": 5, "t": 2, "v": 1}]');
SELECT * FROM upsert_many('tenant', '[{"id": 1, "v": 5}, {"id": 1, "v": 6}]', skip_unchanged => true, key_order => true);
RESET ROLE;
SELECT * FROM tenant ORDER BY id;

-- one statement around the rows: its triggers, and their transition tables
CREATE TABLE log (n serial, line text);
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE rows text;
BEGIN
  IF tg_name = 'changed' THEN
    SELECT string_agg(o.a || '>' || n.a, ' ' ORDER BY id) INTO rows FROM old_rows o JOIN new_rows n USING (id);
  ELSIF tg_name = 'added' THEN
    SELECT string_agg(id || '=' || a, ' ' ORDER BY id) INTO rows FROM new_rows;
  END IF;
  INSERT INTO log (line) VALUES (concat_ws(' ', tg_when, tg_op, tg_name, rows));
  RETURN NULL;
END $$;
CREATE TRIGGER before_insert BEFORE INSERT ON item EXECUTE FUNCTION log_it();
CREATE TRIGGER before_update BEFORE UPDATE ON item EXECUTE FUNCTION log_it();
CREATE TRIGGER added AFTER INSERT ON item REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION log_it();
CREATE TRIGGER changed AFTER UPDATE ON item REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows EXECUTE FUNCTION log_it();
SELECT * FROM upsert_many('item', '[{"id": 5, "a": 55}, {"id": 60, "a": 60}, {"id": 6, "a": 66}, {"id": 60, "a": 61}, {"id": 6}]');
SELECT line FROM log ORDER BY n;
TRUNCATE log;
SELECT * FROM upsert_many('item', '[{"id": 5, "a": 55}]', skip_unchanged => true);
SELECT line FROM log ORDER BY n;
DROP TRIGGER before_insert ON item;
DROP TRIGGER before_update ON item;
DROP TRIGGER added ON item;
DROP TRIGGER changed ON item;
-- foreign keys within the table are checked when all is there
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree);
INSERT INTO tree VALUES (1, NULL);
SELECT * FROM upsert_many('tree', '[{"id": 1, "parent": 3}, {"id": 2, "parent": 1}, {"id": 3, "parent": 2}]');
SELECT * FROM upsert_many('tree', '[{"id": 1, "parent": 4}]');
-- a trigger that writes the row that is being updated
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE item SET b = 'meddled' WHERE id = NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER meddle BEFORE UPDATE OF a ON item FOR EACH ROW EXECUTE FUNCTION meddle();
SELECT * FROM upsert_many('item', '[{"id": 5, "a": 1}]');
DROP TRIGGER meddle ON item;
-- rules
CREATE TABLE ruled (id int PRIMARY KEY, a int);
INSERT INTO ruled VALUES (1, 1);
CREATE RULE also AS ON UPDATE TO ruled DO ALSO INSERT INTO log (line) VALUES ('rule');
SELECT * FROM upsert_many('ruled', '[{"id": 1, "a": 2}]');
DROP RULE also ON ruled;
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO log (line) VALUES ('rule');
SELECT * FROM upsert_many('ruled', '[{"id": 1, "a": 2}]');

-- a view whose trigger keeps the row as it is
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep INSTEAD OF UPDATE ON item_view FOR EACH ROW EXECUTE FUNCTION keep();
SELECT * FROM upsert_many('item_view', '[{"id": 5, "a": 50}, {"id": 400, "a": 400}]', '{id}');
DROP TRIGGER keep ON item_view;
-- merged into a domain
CREATE DOMAIN settings AS jsonb CHECK (NOT VALUE ?& '{a,bad}');
CREATE TABLE configured (id int PRIMARY KEY, s settings);
SELECT * FROM upsert_many('configured', '[{"id": 1, "s": {"a": 1}}, {"id": 1, "s": {"b": 1}}, {"id": 1, "s": {"b": 1}}, {"id": 1, "s": {"bad": 1}}]', merge_columns => '{s}', skip_unchanged => true);
SELECT * FROM upsert_many('configured', '[{"id": 1, "s": {"a": 1}}, {"id": 1, "s": {"b": 1}}, {"id": 1, "s": {"b": 1}}]', merge_columns => '{s}', skip_unchanged => true);
SELECT * FROM configured;
-- a row that is looked for without an index is updated once, though it moves to
-- a page that has not been read, and a trigger runs commands meanwhile
CREATE TYPE code AS (c text);
CREATE TABLE coded (k code, v text, n int DEFAULT 0);
CREATE UNIQUE INDEX ON coded (k record_image_ops);
INSERT INTO coded SELECT ROW('k' || i)::code, repeat('x', 200) FROM generate_series(1, 100) i;
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log (line) VALUES ('counted');
  NEW.n = OLD.n + 1;
  RETURN NEW;
END $$;
CREATE TRIGGER count_it BEFORE UPDATE ON coded FOR EACH ROW EXECUTE FUNCTION count_it();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM upsert_many('coded', jsonb_build_array(jsonb_build_object('k', ROW('k3')::code, 'v', repeat('y', 210)), jsonb_build_object('k', ROW('k1')::code, 'v', repeat('z', 210))), '{k}');
SELECT k, n, left(v, 1) FROM coded WHERE n > 0 ORDER BY k;
COMMIT;

-- overriding
CREATE TABLE ident (n int GENERATED ALWAYS AS IDENTITY, k int GENERATED BY DEFAULT AS IDENTITY, sku text PRIMARY KEY, a int);
SELECT * FROM upsert_many('ident', '[{"sku": "x", "n": 5}]');
SELECT * FROM upsert_many('ident', '[{"sku": "x", "n": 5, "k": 7, "a": 1}, {"sku": "y", "a": 1}]', overriding => 'system');
SELECT * FROM upsert_many('ident', '[{"sku": "x", "n": 6, "k": 8, "a": 2}, {"sku": "z", "n": 9, "k": 9}]', overriding => 'user');
SELECT * FROM upsert_many('ident', '[{"sku": "x", "k": 8}]');
SELECT * FROM upsert_many('ident', '[{"sku": "x", "n": 7}]', update_columns => '{n}', overriding => 'system');
SELECT * FROM upsert_many('ident', '[{"sku": "x"}]', overriding => 'both');
SELECT * FROM ident ORDER BY sku;

-- an identity that is the key, of a table and through views, also one over
-- another, with its columns named and ordered otherwise
CREATE TABLE ident_key (a int, n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k int GENERATED ALWAYS AS IDENTITY);
INSERT INTO ident_key (a) VALUES (1), (2), (3);
CREATE VIEW ident_view AS SELECT n, k, a, a + 1 AS more FROM ident_key WHERE a > 0 WITH CHECK OPTION;
CREATE VIEW ident_over AS SELECT a AS value, n AS number, k AS other FROM ident_view;
SELECT * FROM upsert_many('ident_key', '[{"n": 1, "a": 10}, {"a": 20, "n": 2}]');
SELECT * FROM upsert_many('ident_view', '[{"n": 1, "a": 11}, {"a": 21, "n": 2}]', key_columns => '{n}');
SELECT * FROM upsert_many('ident_over', '[{"number": 1, "value": 12}, {"value": 21, "number": 2}]', key_columns => '{number}', skip_unchanged => true);
SELECT * FROM upsert_returning('ident_over', '[{"number": 3, "value": 31}]', key_columns => '{number}');
SELECT * FROM update_many('ident_over', '[{"number": 3, "value": 32}]', key_columns => '{number}');
-- not for new rows, unless it is asked for; the other one is no key
SELECT * FROM upsert_many('ident_over', '[{"number": 1, "value": 13}, {"number": 7, "value": 7}]', key_columns => '{number}');
SELECT * FROM upsert_many('ident_over', '[{"number": 1, "value": 13}, {"number": 7, "value": 7}]', key_columns => '{number}', on_error => 'ignore');
SELECT * FROM upsert_many('ident_view', '[{"n": 1, "a": -1}]', key_columns => '{n}');
SELECT * FROM upsert_many('ident_over', '[{"number": 1, "other": 5}]', key_columns => '{number}');
SELECT * FROM upsert_many('ident_over', '[{"number": 1, "value": 14, "other": 5}, {"number": 8, "value": 8, "other": 80}]', key_columns => '{number}', overriding => 'system');
SELECT * FROM ident_key ORDER BY n;
-- sync_many names the key of rows that are there, and refuses that of new ones
SELECT * FROM sync_many('ident_key', '[{"n": 1, "a": 15}, {"n": 2, "a": 22}, {"n": 3, "a": 32}]');
SELECT * FROM sync_many('ident_over', '[{"number": 1, "value": 16}, {"number": 2, "value": 22}]', key_columns => '{number}');
SELECT * FROM sync_many('ident_over', '[{"number": 1, "value": 17}, {"number": 9, "value": 9}]', key_columns => '{number}');
SELECT * FROM sync_many('ident_over', '[{"number": 1, "value": 17}, {"number": 9, "value": 9}]', key_columns => '{number}', overriding => 'system');
SELECT a, n FROM ident_key ORDER BY n;
DROP TABLE ident_key CASCADE;

DROP TABLE item, part, tenant, log, tree, ruled, ident, configured, coded CASCADE;
DROP FUNCTION feed, untouched, log_it, meddle, keep, count_it;
DROP TYPE code;
DROP DOMAIN settings;
DROP ROLE pgsync_upserter;
