-- delete_many: rows deleted by key.
CREATE SCHEMA delete_many;
SET search_path = delete_many, public;
CREATE TABLE item (id int PRIMARY KEY, name text, at date);
INSERT INTO item SELECT i, 'name ' || i % 5, '2001-01-01' FROM generate_series(1, 30) i;

-- objects, bare values, both; whatever else an object has is not looked at
SELECT delete_many('item', '[{"id": 3}, {"id": 1, "name": 7, "at": "never"}, {"id": 99}, {"id": 3}]'::jsonb);
SELECT delete_many('item', '[4, "5", {"id": 6, "at": "never"}, 4, 5.0]'::json);
SELECT delete_many('item', '7
8 {"id": 9, "name": {"a": [1]}}');
SELECT delete_many('item', '10'::jsonb), delete_many('item', '11'::json), delete_many('item', '"12"');
-- no data deletes nothing
SELECT delete_many('item', '[]'), delete_many('item', ''), delete_many('item', '[]'::jsonb);
SELECT string_agg(id::text, ',' ORDER BY id) FROM item;

-- other keys, also ones that are not unique
SELECT delete_many('item', '["name 1", "name 9"]', '{name}');
SELECT delete_many('item', '[{"name": "name 2", "id": 17}, {"id": 18, "name": "name 2"}]', '{id,name}');
SELECT string_agg(id::text, ',' ORDER BY id) FROM item;
CREATE TABLE keyed_by_array (k int[] PRIMARY KEY, b bool);
INSERT INTO keyed_by_array VALUES ('{1,2}', true), ('{3}', false);
SELECT delete_many('keyed_by_array', '[{"k": [1, 2]}, "{3}"]');
INSERT INTO keyed_by_array VALUES ('{1,2}', true), ('{3}', false);
SELECT delete_many('keyed_by_array', '[true]', '{b}');

-- bad input
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
CREATE TABLE keyless (a int, j json);
\pset format unaligned
\pset tuples_only on
SELECT refused(q) FROM (VALUES
  ($$SELECT delete_many('keyless', '[1]')$$),
  ($$SELECT delete_many('keyless', '[1]', '{j}')$$),
  ($$SELECT delete_many('item', '[1, null]')$$),
  ($$SELECT delete_many('item', '[{"id": 1}, {"id": null}]'::jsonb)$$),
  ($$SELECT delete_many('item', '[{"id": 1}, {"name": "name 1"}]')$$),
  ($$SELECT delete_many('item', '[{"id": 13}, {"id": 14, "nmae": 1}]')$$),
  ($$SELECT delete_many('item', '[13, "fourteen"]'::jsonb)$$),
  ($$SELECT delete_many('item', '[13, "fourteen"]'::json)$$),
  ($$SELECT delete_many('item', '[13, [14]]'::jsonb)$$),
  ($$SELECT delete_many('item', '[13, [14]]'::json)$$),
  ($$SELECT delete_many('item', '[13, 14')$$),
  ($$SELECT delete_many('item', '[13, tru]')$$),
  ($$SELECT delete_many('item', '[{"id": 13, "name": "\x"}]')$$),
  ($$SELECT delete_many('item', '[{"id": 13, "name": [1, }]')$$),
  ($$SELECT delete_many('item', '[13]', '{id,name}')$$),
  ($$SELECT delete_many('item', '13'::jsonb, '{id,name}')$$),
  ($$SELECT delete_many('item', '[13]', '{key}')$$),
  ($$SELECT delete_many('item', NULL::text)$$)) v(q);
\pset format aligned
\pset tuples_only off
SELECT string_agg(id::text, ',' ORDER BY id) FROM item;

-- Triggers, foreign keys with actions, partitions, views, rules.
CREATE TABLE log (id int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO log (what) VALUES (concat_ws(' ', TG_NAME, TG_WHEN, CASE WHEN TG_LEVEL = 'ROW' THEN OLD.id END));
  RETURN CASE WHEN TG_LEVEL = 'STATEMENT' OR OLD.id <> 15 THEN OLD END;
END $$;
CREATE TRIGGER each BEFORE DELETE ON item FOR EACH ROW EXECUTE FUNCTION log();
CREATE TRIGGER once AFTER DELETE ON item EXECUTE FUNCTION log();
SELECT delete_many('item', '[19, 15, 13, 14, 13]');
SELECT what FROM log ORDER BY id;
CREATE TABLE node (id int PRIMARY KEY, parent int REFERENCES node ON DELETE CASCADE);
CREATE TABLE leaf (node int REFERENCES node);
INSERT INTO node VALUES (1, NULL), (2, 1), (3, 2), (4, NULL), (5, 4);
INSERT INTO leaf VALUES (4);
SELECT delete_many('node', '[2, 3]');
SELECT delete_many('node', '[1, 4]');
SELECT delete_many('node', '[1]');
SELECT * FROM node ORDER BY id;
CREATE TABLE parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
INSERT INTO parted SELECT i, i FROM generate_series(0, 19) i;
SELECT delete_many('parted', '[12, 3, 25]'), (SELECT count(*) FROM parted);
SELECT count(*) FROM parted;
CREATE VIEW item_view AS SELECT id AS number FROM item WHERE id < 20;
SELECT delete_many('item_view', '[18, 20, 25]', '{number}');
SELECT delete_many('item_view', '[18, 20, 25]');
CREATE TABLE ruled (id int PRIMARY KEY);
CREATE RULE kept AS ON DELETE TO ruled DO INSTEAD NOTHING;
SELECT delete_many('ruled', '[1]');

-- Privileges: DELETE, and SELECT on the key.
CREATE ROLE regress_pgsync_deleter;
GRANT USAGE ON SCHEMA delete_many TO regress_pgsync_deleter;
GRANT DELETE, SELECT (v) ON parted TO regress_pgsync_deleter;
SET ROLE regress_pgsync_deleter;
SELECT delete_many('parted', '[4]');
SELECT delete_many('parted', '[]');
SELECT delete_many('parted', '[4]', '{v}');
RESET ROLE;
REVOKE DELETE ON parted FROM regress_pgsync_deleter;
GRANT SELECT, UPDATE, INSERT ON parted TO regress_pgsync_deleter;
SET ROLE regress_pgsync_deleter;
SELECT delete_many('parted', '[5]');
SELECT delete_many('parted', '[]');
RESET ROLE;

-- The same as DELETE ... USING, over random keys.
CREATE TABLE ours (a int, b text);
CREATE TABLE theirs (a int, b text);
CREATE FUNCTION compare(rounds int) RETURNS TABLE (round int, ours bigint, theirs bigint) LANGUAGE plpgsql AS $$
DECLARE data jsonb;
BEGIN
  FOR round IN 1..rounds LOOP
    TRUNCATE ours; TRUNCATE theirs;
    INSERT INTO ours SELECT i / 3, chr(97 + i % 3) FROM generate_series(0, 60) i WHERE random() < .8;
    INSERT INTO theirs TABLE ours;
    SELECT coalesce(jsonb_agg(jsonb_build_object('a', floor(random() * 25), 'b', chr(97 + floor(random() * 3)::int))), '[]') INTO data
      FROM generate_series(1, (random() * 40)::int) i;
    EXECUTE format('SELECT delete_many(''ours'', $1::%s, ''{a,b}'')', (ARRAY['jsonb', 'json', 'text'])[1 + round % 3]) INTO ours USING data::text;
    DELETE FROM theirs t USING jsonb_array_elements(data) r WHERE t.a = (r ->> 'a')::int AND t.b = r ->> 'b';
    GET DIAGNOSTICS theirs = ROW_COUNT;
    IF ours <> theirs THEN RETURN NEXT; END IF;
    SELECT count(*) INTO ours FROM (TABLE ours EXCEPT ALL TABLE theirs) d;
    SELECT count(*) INTO theirs FROM (TABLE theirs EXCEPT ALL TABLE ours) d;
    IF ours + theirs > 0 THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
SELECT setseed(0.61);
SELECT * FROM compare(100);

-- from a row_source
SELECT delete_many('item', from_json('{"gone": [{"id": 20}, {"id": 99}]}', at => '{gone}'));

DROP OWNED BY regress_pgsync_deleter;
DROP ROLE regress_pgsync_deleter;
SET client_min_messages = warning;
DROP SCHEMA delete_many CASCADE;
