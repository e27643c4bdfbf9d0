-- row_source: the type itself, and the options that all kinds have in common;
-- each alone and combined, through both sinks.
CREATE SCHEMA row_source_test;
SET search_path = row_source_test, public;
\pset null '(null)'
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric(8, 2), city text,
  added timestamptz DEFAULT '2020-01-01 00:00:00+00');

-- the type: made by functions only, shown, stored, passed on
SELECT 'x'::row_source;
SELECT 'x'::text::row_source;
SELECT ROW('x')::row_source;
SELECT NULL::row_source;
CREATE TABLE received (r row_source);
\getenv abs_builddir PG_ABS_BUILDDIR
\set binary_file :abs_builddir '/results/row_source.bin'
COPY (SELECT 'x'::text) TO :'binary_file' (FORMAT binary);
\set VERBOSITY terse
COPY received FROM :'binary_file' (FORMAT binary);
\set VERBOSITY default
SELECT from_json('[1]', columns => '{"a": null}', ignore_unknown => true);
SELECT from_json('[1]'::jsonb, at => '{a,b}', key_column => 'it''s');
SELECT from_json('[1]'::json, transforms => '{"name": "upper(v)"}');
SELECT from_csv('a', NULL, NULL, NULL, ';', 'NULL', '''', '\', '{-,n/a}', true, 3, '{a,b}');
SELECT from_csv(NULL);
SELECT from_json(NULL::text);
SELECT row_source_send(from_csv('a')) = convert_to(from_csv('a')::text, 'utf8') AS sent_as_text;

CREATE TABLE stored (id int, r row_source);
INSERT INTO stored VALUES
  (1, from_csv(E'id,name\n1,stored csv\n')),
  (2, from_json('[{"id": 2, "name": "stored text"}] ')),
  (3, from_json('{"id": 3, "Name": "stored jsonb", "x": []}'::jsonb, columns => '{"Name": "name"}', ignore_unknown => true)),
  (4, from_json('[{"id": 4, "name": "stored json"}]'::json, transforms => '{"name": "upper(v)"}')),
  (5, (SELECT from_csv('id,name' || string_agg(format(E'\n%s,long %s', i, repeat('x', 100)), '')) FROM generate_series(100, 1000) i));
SELECT id, insert_many('item', r) FROM stored ORDER BY id;
SELECT id, left(name, 20) AS name FROM item WHERE id <= 100 ORDER BY id;
SELECT count(*), min(length(name)) FROM item;
DO $$
DECLARE r row_source := from_json('[{"id": 5, "name": "a variable"}]');
BEGIN
  RAISE NOTICE '%', insert_many('item', r);
  DELETE FROM item WHERE id = 5;
  RAISE NOTICE '%', insert_many('item', r);
END $$;
SELECT (insert_many('item', r)) FROM (SELECT from_csv(E'id\n6') AS r OFFSET 0) s;
TRUNCATE item;

-- a value that holds SQL or a path is for its maker alone
CREATE ROLE regress_maker;
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA row_source_test TO regress_maker, regress_reader;
GRANT ALL ON item, stored TO regress_maker, regress_reader;
TRUNCATE stored;
SET ROLE regress_maker;
INSERT INTO stored VALUES
  (1, from_json('[{"id": 1}]')),
  (2, from_csv(E'id\n2')),
  (3, from_csv(E'id,name\n3,x', transforms => '{"name": "current_user"}')),
  (4, from_csv_file('/nonexistent'));
RESET ROLE;
CREATE FUNCTION read_stored(which int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RETURN insert_many('item', (SELECT r FROM stored WHERE id = which));
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION read_as_definer(r row_source) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  RETURN insert_many('item', r);
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION make_as_definer() RETURNS row_source LANGUAGE sql SECURITY DEFINER AS
  $$ SELECT from_csv(E'id,name\n7,x', transforms => '{"name": "current_user"}') $$;
SET ROLE regress_reader;
SELECT i, read_stored(i) FROM generate_series(1, 4) i;
SELECT read_as_definer(from_csv(E'id\n6')), read_as_definer(from_csv(E'id\n6', transforms => '{"name": "v"}'));
SELECT insert_many('item', make_as_definer());
SET ROLE regress_maker;
SELECT i, read_stored(i) FROM generate_series(3, 4) i;
RESET ROLE;
SELECT id, name FROM item ORDER BY id;
TRUNCATE item, stored;
DROP OWNED BY regress_maker, regress_reader;
DROP ROLE regress_maker, regress_reader;

-- the same rows in every form, through both sinks
CREATE FUNCTION outcome(r row_source) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM insert_many('item', r);
  SELECT string_agg(concat_ws('|', id, name, price, city, added AT TIME ZONE 'UTC'), ' / ' ORDER BY id) INTO result FROM item;
  RAISE SQLSTATE 'DONE0';
EXCEPTION WHEN SQLSTATE 'DONE0' THEN RETURN result;
  WHEN OTHERS THEN RETURN concat(SQLSTATE, ' ', SQLERRM);
END $$;
CREATE FUNCTION outcomes(rows text, csv text, columns jsonb DEFAULT NULL, ignore_unknown boolean DEFAULT NULL,
  transforms jsonb DEFAULT NULL) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE way text; seen text[];
BEGIN
  FOREACH way IN ARRAY ARRAY['auto', 'statement'] LOOP
    PERFORM set_config('pgsync.sink', way, true);
    seen := seen || ARRAY[
      outcome(from_json(rows, columns, ignore_unknown, transforms)),
      outcome(from_json(rows::json, columns, ignore_unknown, transforms)),
      outcome(from_json(rows::jsonb, columns, ignore_unknown, transforms)),
      outcome(from_csv(csv, columns, ignore_unknown, transforms))];
  END LOOP;
  RETURN QUERY SELECT DISTINCT o FROM unnest(seen) o ORDER BY 1;
END $$;

-- columns
SELECT outcomes('[{"ID": 1, "Full Name": "Ada"}, {"ID": 2, "Full Name": "Bob"}]', E'ID,Full Name\n1,Ada\n2,Bob\n',
  '{"ID": "id", "Full Name": "name"}');
SELECT outcomes('[{"id": 1, "note": "x", "name": "Ada"}]', E'id,note,name\n1,x,Ada\n', '{"note": null}');
SELECT outcomes('[{"name": "7", "id": "Ada"}]', E'name,id\n7,Ada\n', '{"name": "id", "id": "name"}');
SELECT outcomes('[{"id": 1, "x": 2}]', E'id,x\n1,2\n', '{"y": "name"}');
SELECT outcomes('[{"id": 1}]', E'id\n1\n', '{"id": "nmae"}');
SELECT outcomes('[{"id": 1}]', E'id\n1\n', '{"never there": "nowhere"}');
SELECT outcomes('[{"id": 1, "title": "a", "name": "b"}]', E'id,title,name\n1,a,b\n', '{"title": "name"}');
SELECT outcomes('[{"id": 1, "name": "b", "title": "a"}]', E'id,name,title\n1,b,a\n', '{"title": "name"}');
SELECT outcomes('[{"id": 1, "title": "a", "name": "b"}]', E'id,title,name\n1,a,b\n', '{"title": "name", "name": null}');
SELECT from_csv('a', columns => '[]');
SELECT from_csv('a', columns => '"a"');
SELECT from_csv('a', columns => '{"a": 1}');
SELECT from_csv('a', columns => '{"a": ["b"]}');
-- one key twice is still the last one's, if it is written the same
SELECT outcome(from_json('[{"id": 1, "N": "a", "N": "b"}]', '{"N": "name"}'));

-- ignore_unknown
SELECT outcomes('[{"id": 1, "a": 1, "b": {"c": [1, "x"]}, "name": "n", "d": "\n"}]', E'id,a,b,name,d\n1,1,2,n,\n', NULL, true);
SELECT outcomes('[{"id": 1, "a": 1}]', E'id,a\n1,1\n', NULL, false);
SELECT outcome(from_csv(E'id,name,,\n1,Ada,,\n2,Bob,x,\n', ignore_unknown => true));
SELECT outcome(from_csv(E'id,name,,\n1,Ada,,\n2,Bob,x,\n'));
-- what is dropped must be JSON all the same
SELECT outcome(from_json('[{"id": 1, "a": {"b": tru}}]', ignore_unknown => true));
SELECT outcome(from_json('[{"id": 1, "a": "\x"}]', ignore_unknown => true));
SELECT outcome(from_json('[{"id": 1, "a": [1, 2}}]', ignore_unknown => true));

-- transforms: v by column name, r with the input's names
SELECT outcomes('[{"id": 1, "price": "1,50"}, {"id": 2}]', E'id,price\n1,"1,50"\n2,\n', NULL, NULL,
  '{"price": "replace(v, '','', ''.'')::numeric"}');
SELECT outcomes('[{"id": 1, "EUR": "1,50", "ort": "x"}]', E'id,EUR,ort\n1,"1,50",x\n', '{"EUR": "price"}', true,
  '{"price": "replace(v, '','', ''.'')::numeric", "city": "r ->> ''ort'' || (r ->> ''EUR'')"}');
SELECT outcomes('[{"id": 1, "ort": "x"}]', E'id,ort\n1,x\n', NULL, NULL, '{"city": "r ->> ''ort''"}');
SELECT outcomes('[{"id": 1}]', E'id\n1\n', NULL, NULL, '{"name": "coalesce(v, ''none'')", "price": "3.14159"}');
SELECT outcomes('[{"id": 1, "name": null}]', E'id,name\n1,\n', NULL, NULL, '{"name": "v IS NULL", "city": "r::text"}');
SELECT outcome(from_json('[{"id": 1, "name": {"a": [1, 2.50]}, "city": true, "price": 1.50}]',
  transforms => '{"name": "v", "city": "v", "price": "v::numeric + 1"}'));
-- subqueries, with a v of their own
SELECT outcomes('[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]', E'id,name\n1,a\n2,b\n', NULL, NULL,
  '{"name": "(SELECT string_agg(x.v || pgsync_row.v, '';'' ORDER BY x.v) FROM (VALUES (''p''), (''q'')) x (v) WHERE x.v > pgsync_row.v)"}');
SELECT outcomes('[{"id": 1, "name": "a"}]', E'id,name\n1,a\n', NULL, NULL,
  '{"name": "(SELECT count(*) FROM item)", "city": "EXISTS (SELECT FROM item WHERE id = (r ->> ''id'')::int)"}');
-- what a transform may not be
SELECT from_csv('a', transforms => '[]');
SELECT from_csv('a', transforms => '{"name": 1}');
SELECT from_csv('a', transforms => '{"name": ""}');
SELECT from_csv('a', transforms => '{"name": "v v"}');
SELECT from_csv('a', transforms => '{"name": "v)||(v"}');
SELECT from_csv('a', transforms => '{"name": "v; DROP TABLE item"}');
SELECT from_csv('a', transforms => '{"name": "v FROM item"}');
SELECT from_csv('a', transforms => '{"name": "*"}');
SELECT insert_many('item', from_csv('id', transforms => '{"nmae": "v"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"name": "w"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"name": "max(v)"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"name": "row_number() OVER ()"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"name": "unnest(ARRAY[v])"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"name": "$1"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"price": "now()"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"name": "(SELECT v, v)"}'));
SELECT insert_many('item', from_csv('id', transforms => '{"name": "(SELECT generate_series(1, 2))"}'));
SELECT insert_many('item', from_csv(E'id\n1', transforms => '{"name": "(SELECT generate_series(1, 2))"}'));
-- errors name the row and the column
SELECT insert_many('item', from_csv(E'id,price\n1,2\n2,x\n', transforms => '{"price": "v::numeric"}'));
SELECT insert_many('item', from_json('[{"id": 1, "price": 1}, {"id": 2, "price": 0}]', transforms => '{"price": "1 / v::numeric"}'));
SELECT insert_many('item', from_json('[{"id": 1}]', transforms => '{"price": "12345678.9"}'));
SELECT insert_many('item', from_json('[{"id": 1, "name": "a", "what": 2}]', transforms => '{"name": "r ->> ''what''"}'));
-- as the caller
CREATE ROLE regress_reader;
GRANT USAGE ON SCHEMA row_source_test TO regress_reader;
GRANT INSERT (id, name) ON item TO regress_reader;
CREATE TABLE secret (s text);
SET ROLE regress_reader;
SELECT insert_many('item', from_csv(E'id\n1', transforms => '{"name": "(SELECT s FROM secret)"}'));
SELECT insert_many('item', from_csv(E'id\n1', transforms => '{"city": "''x''"}'));
SELECT insert_many('item', from_csv(E'id\n1', transforms => '{"name": "current_user"}'));
RESET ROLE;
TABLE item;
TRUNCATE item;
DROP OWNED BY regress_reader;
DROP ROLE regress_reader;
-- the heap sink is left out only where a function might look at the table
CREATE FUNCTION how_many(text) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT count(*)::text FROM item';
-- how entries go into indexes depends on the server's version
SET pgsync.index_batches = off;
SET client_min_messages = debug1;
SELECT insert_many('item', from_csv(E'id,name\n1,a\n2,b\n', transforms => '{"name": "upper(v)"}'));
SELECT insert_many('item', from_csv(E'id,name\n3,a\n4,b\n', transforms => '{"name": "random()::text"}'));
SELECT insert_many('item', from_csv(E'id,name\n5,a\n6,b\n', transforms => '{"name": "how_many(v)"}'));
SELECT insert_many('item', from_csv(E'id,name\n7,a\n8,b\n', transforms => '{"name": "(SELECT how_many(v) FROM (VALUES (1)) x)"}'));
RESET client_min_messages;
RESET pgsync.index_batches;
SELECT id, name FROM item WHERE id > 4 ORDER BY id;
TRUNCATE item;

-- every verb
SELECT * FROM insert_returning('item', from_csv(E'id,N\n1,a\n2,b\n', '{"N": "name"}'), '{id,name}');
SELECT * FROM upsert_many('item', from_csv(E'id,N\n2,c\n3,d\n', '{"N": "name"}', transforms => '{"city": "v || r::text"}'));
SELECT * FROM upsert_many('item', from_json('[{"id": 3, "name": "e", "x": 1}, {"id": 4, "city": "f"}]', ignore_unknown => true,
  transforms => '{"name": "upper(v)"}'));
SELECT id, name, city FROM item ORDER BY id;
SELECT insert_many('item', NULL::row_source);

SET client_min_messages = warning;
DROP SCHEMA row_source_test CASCADE;
