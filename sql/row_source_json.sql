-- from_json: the way to the rows in a document, as text, json and jsonb.
CREATE SCHEMA row_source_json;
SET search_path = row_source_json, public;
CREATE TABLE item (id int PRIMARY KEY, name text, code text);
-- Loads through text, json and jsonb, each by both sinks; returns what differs.
CREATE FUNCTION outcome(r row_source) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM insert_many('item', r);
  SELECT string_agg(concat_ws('|', id, name, code), ' / ' ORDER BY id) INTO result FROM item;
  RAISE SQLSTATE 'DONE0';
EXCEPTION WHEN SQLSTATE 'DONE0' THEN RETURN result;
  WHEN OTHERS THEN RETURN concat(SQLSTATE, ' ', SQLERRM);
END $$;
CREATE FUNCTION outcomes(document text, at text[] DEFAULT NULL, key_column text DEFAULT NULL, columns jsonb DEFAULT NULL,
  transforms jsonb DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE way text; seen text[];
BEGIN
  FOREACH way IN ARRAY ARRAY['auto', 'statement'] LOOP
    PERFORM set_config('pgsync.sink', way, true);
    seen := seen || ARRAY[
      outcome(from_json(document, columns, false, transforms, at, key_column)),
      outcome(from_json(document::json, columns, false, transforms, at, key_column)),
      outcome(from_json(document::jsonb, columns, false, transforms, at, key_column))];
  END LOOP;
  RETURN QUERY SELECT DISTINCT o FROM unnest(seen) o ORDER BY 1;
END $$;

-- at
SELECT outcomes('{"data": {"items": [{"id": 1}, {"id": 2}], "n": 2}, "ok": true}', '{data,items}');
SELECT outcomes('{"skip": [{"]": "}"}, "\"]", -1.5e+3, null, [[[]]]], "data": [{"id": 1}]}', '{data}');
SELECT outcomes('[[1, 2], [[{"id": 1}], [{"id": 2}, {"id": 3}]]]', '{1,1}');
SELECT outcomes('{"one": {"id": 1, "name": "a"}}', '{one}');
SELECT outcomes('[{"id": 1}]', '{}');
SELECT outcomes('{"a": []}', '{a}');
SELECT outcomes('{"a b": {"": [{"id": 1}]}}', '{a b,""}');
SELECT outcomes('{"\u0061": [{"id": 1}]}', '{a}');
-- it leads nowhere
SELECT outcomes('{"a": []}', '{b}');
SELECT outcomes('{"a": []}', '{A}');
SELECT outcomes('{"a": [[], []]}', '{a,2}');
SELECT outcomes('{"a": [[], []]}', '{a,x}');
SELECT outcomes('{"a": 1}', '{a,b}');
SELECT outcomes('{"a": 1}', '{a}');
SELECT outcomes('{"a": null}', '{a}');
SELECT outcomes('{"a": "[]"}', '{a}');
SELECT outcomes('3', '{a}');
SELECT outcomes('{"a": [1]}', '{a}');
SELECT outcome(from_json('', at => '{a}'));
SELECT from_json('[]', at => '{a,NULL}');
SELECT from_json('[]', at => '{{a},{b}}');
-- a negative index counts from the end of a jsonb only, and so does a key that comes twice
SELECT outcomes('[[], [{"id": 1}]]', '{-1}');
SELECT outcome(from_json('{"a": [{"id": 1}], "b": 0, "a": [{"id": 2}]}', at => '{a}'));
SELECT outcome(from_json('{"a": [{"id": 1}], "b": 0, "a": [{"id": 2}]}'::jsonb, at => '{a}'));
-- the rest of a document counts, too
SELECT outcome(from_json('{"a": [{"id": 1}], "b": tru}', at => '{a}'));
SELECT outcome(from_json('{"a": [{"id": 1}], "b": [1,]}', at => '{a}'));
SELECT outcome(from_json('{"b": {"x" 1}, "a": [{"id": 1}]}', at => '{a}'));
SELECT outcome(from_json('{"a": [{"id": 1}]', at => '{a}'));
SELECT outcome(from_json('{"a": [{"id": 1}]} {"a": []}', at => '{a}'));
SELECT insert_many('item', from_json(E'{"a": [{"id": 1}],\n "b": 01}', at => '{a}'));

-- key_column
SELECT outcomes('{"AF": {"id": 1, "name": "Afghanistan"}, "AL": {"id": 2}}', NULL, 'code');
SELECT outcomes('{"by code": {"AF": {"id": 1}}}', '{by code}', 'code');
SELECT outcomes('{"1": {"name": "x"}, "2": {}}', NULL, 'id');
SELECT outcomes('{"A\nF": {"id": 1}}', NULL, 'code');
SELECT outcomes('{}', NULL, 'code');
SELECT outcomes('{"AF": {"id": 1}}', NULL, 'code', NULL, '{"code": "lower(v)", "name": "r::text"}');
SELECT outcomes('{"AF": {"id": 1, "c": "x"}}', NULL, 'code', '{"c": "name"}');
SELECT outcomes('{"x": {"id": 1}}', NULL, 'id');
SELECT outcomes('[{"id": 1}]', NULL, 'code');
SELECT outcomes('{"a": [{"id": 1}]}', '{a}', 'code');
SELECT outcomes('3', NULL, 'code');
SELECT outcomes('{"AF": 1}', NULL, 'code');
SELECT outcomes('{"AF": {"id": 1, "code": "x"}}', NULL, 'code');
SELECT outcomes('{"AF": {"id": 1, "c": "x"}}', NULL, 'code', '{"c": "code"}');
SELECT outcomes('{"AF": {"id": 1}}', NULL, 'cod');
SELECT outcome(from_json('{"AF": {"id": 1}} {"AL": {"id": 2}}', key_column => 'code'));
SELECT insert_many('item', from_json('{"AF": {"id": 1}, "AL": {"id": "x"}}', key_column => 'code'));

-- from_query: its columns by name, or objects in one column
INSERT INTO item SELECT i, 'name ' || i FROM generate_series(1, 3) i;
CREATE TABLE inbox (payload jsonb, raw json);
CREATE DOMAIN short AS text CHECK (length(value) < 10);
CREATE TABLE typed (id bigint, name varchar(8), note short, at date, tags text[]);
SELECT insert_many('item', from_query('SELECT id + 10 AS id, name FROM item'));
SELECT insert_many('item', from_query('SELECT id + 100 AS id, name FROM item WHERE id > $1 AND name <> $2', '{11,name 3}'));
SELECT insert_many('typed', from_query($$SELECT 1::smallint AS id, 'abc'::text AS name, 'n'::varchar AS note,
  '2020-02-03 04:05'::timestamp AS at, '{a,b}'::text[] AS tags$$));
TABLE typed;
SELECT insert_many('typed', from_query('SELECT 1 AS id, ''123456789'' AS name'));
SELECT insert_many('typed', from_query('SELECT 1 AS id, repeat(''x'', 10) AS note'));
SELECT insert_many('typed', from_query('SELECT ''x'' AS id'));
SELECT insert_many('typed', from_query('SELECT 2 AS "ID", 3 AS other', columns => '{"ID": "id"}', ignore_unknown => true,
  transforms => '{"name": "v", "note": "r::text"}'));
SELECT insert_many('typed', from_query('SELECT 2 AS "ID", true AS name', columns => '{"ID": "id"}',
  transforms => '{"name": "v", "note": "r ->> ''ID''"}'));
SELECT id, name, note FROM typed;
INSERT INTO inbox VALUES ('{"id": 201}', '{"id": 301}'), ('[{"id": 202, "name": "x"}, {"id": 203}]', '[{"id": 302}]'), ('[]', '[]');
SELECT insert_many('item', from_query('SELECT payload FROM inbox'));
SELECT insert_many('item', from_query('SELECT raw FROM inbox', transforms => '{"code": "r::text"}'));
SELECT insert_many('item', from_query('SELECT payload, raw FROM inbox'));
SELECT insert_many('item', from_query('SELECT ''{"id": 1}''::text'));
SELECT insert_many('item', from_query('SELECT NULL::jsonb'));
SELECT insert_many('item', from_query('SELECT ''[1]''::jsonb'));
SELECT insert_many('item', from_query('SELECT ''"x"''::jsonb'));
-- a query that writes: a queue drained into a table
SELECT insert_many('item', from_query('DELETE FROM inbox RETURNING jsonb_build_object(''id'', 400 + coalesce((payload ->> ''id'')::int, 0))'),
  'ON CONFLICT DO NOTHING');
SELECT count(*) FROM inbox;
SELECT insert_many('item', from_query('WITH gone AS (DELETE FROM item WHERE id > 300 RETURNING *) SELECT id, name FROM gone'));
SELECT count(*), max(id) FROM item;
SELECT insert_many('item', from_query('SHOW work_mem', columns => '{"work_mem": "name"}', transforms => '{"id": "1000"}'));
-- none, and what it may not be
SELECT insert_many('item', from_query('SELECT 1 AS id WHERE false'));
SELECT from_query('INSERT INTO item VALUES (1)');
SELECT from_query('SELECT 1; SELECT 2');
SELECT from_query('');
SELECT from_query('SELEC 1');
SELECT insert_many('item', from_query('SELECT 1 AS id INTO x'));
SELECT insert_many('item', from_query('SELECT 1 AS id, 2 AS id'));
SELECT insert_many('item', from_query('SELECT 1'));
SELECT insert_many('item', from_query('SELECT 1 AS id', '{1}'));
SELECT insert_many('item', from_query('SELECT $1 + $2 AS id', '{1}'));
SELECT insert_many('item', from_query('SELECT $1::int AS id', '{x}'));
SELECT insert_many('item', from_query('SELECT 500 AS id, 1 / (g - 2) AS name FROM generate_series(1, 3) g'));
CREATE FUNCTION change_target() RETURNS int LANGUAGE plpgsql AS 'BEGIN ALTER TABLE row_source_json.item ADD x int; RETURN 1; END';
SELECT insert_many('item', from_query('SELECT change_target() AS id'));
CREATE ROLE regress_query;
GRANT USAGE ON SCHEMA row_source_json TO regress_query;
GRANT INSERT ON item TO regress_query;
SET ROLE regress_query;
SELECT insert_many('item', from_query('SELECT payload FROM inbox'));
RESET ROLE;
DROP OWNED BY regress_query;
DROP ROLE regress_query;
-- a function that looks at the target sees row by row what it would without us
CREATE FUNCTION how_many() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT count(*)::text FROM row_source_json.item';
TRUNCATE item;
SELECT insert_many('item', from_query('SELECT g AS id, how_many() AS name FROM generate_series(1, 3) g'));
TABLE item;
-- one snapshot, also where each row is a command of its own
SELECT * FROM upsert_many('item', from_query('SELECT id + 1 AS id, name FROM item'));
SELECT * FROM upsert_many('item', from_json('[{"id": 8}, {"id": 9}]', transforms => '{"name": "(SELECT count(*) FROM item)"}'));
SELECT * FROM item ORDER BY id;

-- r is the same value however the row comes: alone, in an array, behind a path
CREATE TABLE whole (id int, r jsonb);
SELECT insert_many('whole', from_json(d, ignore_unknown => true, transforms => '{"r": "r"}', at => p))
FROM (VALUES ('{"id": 1, "x": "abc"}'::jsonb, NULL::text[]), ('[{"id": 1, "x": "abc"}]', NULL), ('{"a": {"id": 1, "x": "abc"}}', '{a}')) v(d, p);
SELECT insert_many('whole', from_json('{"id": 1, "x": "abc"}', ignore_unknown => true, transforms => '{"r": "r"}'));
SELECT r, pg_column_size(r) - pg_column_size(first_value(r) OVER ()) AS larger FROM whole;

SET client_min_messages = warning;
DROP SCHEMA row_source_json CASCADE;
