-- How JSON values become column values: every case goes through the three
-- overloads and through jsonb_populate_recordset, and all must agree, in the
-- value or in the error.  Printed are the cases where they do not, and how
-- many there were.
CREATE SCHEMA insert_convert;
SET search_path = insert_convert, public;
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('sad', 'so la la', 'Happy');
CREATE TYPE pair AS (x int, "Y y" text);
CREATE TYPE nest AS (p pair, ps pair[], m mood, j jsonb);
CREATE TYPE floatrange AS RANGE (subtype = float8);
CREATE DOMAIN small AS int CHECK (value BETWEEN -10 AND 10);
CREATE DOMAIN smaller AS small NOT NULL CHECK (value < 5);
CREATE DOMAIN letters AS varchar(3) CHECK (value !~ '[0-9]');
CREATE DOMAIN price AS numeric(6,2) CHECK (value >= 0);
CREATE DOMAIN smalls AS small[] CHECK (cardinality(value) < 4);
CREATE DOMAIN goodpair AS pair CHECK ((value).x > 0);
CREATE DOMAIN goodmood AS mood CHECK (value <> 'sad');
CREATE DOMAIN span AS int4range CHECK (NOT isempty(value));
CREATE DOMAIN doc AS jsonb CHECK (jsonb_typeof(value) = 'object');
CREATE DOMAIN rawdoc AS json CHECK (json_typeof(value) <> 'array');
CREATE DOMAIN yes AS bool CHECK (value);
CREATE DOMAIN words AS text COLLATE "C" CHECK (value <> '');

-- values in JSON, tried with every type below: what is right for one is
-- wrong, in its own way, for most others
CREATE TABLE val (id int GENERATED ALWAYS AS IDENTITY, v text);
INSERT INTO val (v) VALUES
('null'), ('true'), ('false'), ('""'), ('"x"'), ('"ä€😀"'), ('"two words"'), ('" 7 "'), ('"t"'), ('"Happy"'), ('"sad"'),
('0'), ('-0'), ('7'), ('-7'), ('1.5'), ('0.30'), ('1.0'), ('-30.00'), ('-0.000'), ('1e3'), ('1.5e1'), ('15e-1'), ('30000000000e-9'), ('1e-3'), ('12345678901234567890'), ('32768'), ('2147483648'), ('-9223372036854775808'), ('9223372036854775808'),
('123456789.12345678901234567890123'), ('0.000000000000000000000000000001234'), ('1e40'), ('1E400'), ('-1e-400'), ('9999.994'), ('9999.995'),
('"7"'), ('"1.0"'), ('"1e3"'), ('"NaN"'), ('"Infinity"'), ('"$12.34"'), ('"0x1f"'),
('[]'), ('[1, 2, 3]'), ('[1.50, null, -3]'), ('["a", "b c", "d\"e", "NULL", null]'), ('[[1, 2], [3, 4]]'), ('[[1, 2], [3]]'), ('[[], []]'), ('[[[1], [2]], [[3], [4]]]'), ('[1, [2]]'), ('[{"x": 1}]'), ('[true, false]'), ('["2001-02-03", "infinity"]'), ('["[1,3)", "empty"]'),
('"{1,2,3}"'), ('"{a,\"b c\",NULL}"'), ('"{{1,2},{3,4}}"'), ('"[0:1]={8,9}"'), ('"{1,2"'),
('{}'), ('{"x": 1, "Y y": "why"}'), ('{"x": "2", "unknown": 3}'), ('{"x": 1.5}'), ('{"x": {"x": 1}}'), ('{"b": 1, "a": [1.0, {"c": null}], "b": 2}'),
('{"p": {"x": 5, "Y y": null}, "ps": [{"x": 1}, null, {"Y y": "[1]"}], "m": "Happy", "j": [1, {"k": 1.10}]}'), ('{"ps": "{\"(1,a)\"}", "p": "(3,)"}'), ('{"p": 1}'), ('{"m": "angry"}'), ('"(1,why)"'), ('"(,)"'), ('"(1)"'),
('"2001-02-03"'), ('"2001-02-03 04:05:06.789+02"'), ('"2001-02-03T04:05:06Z"'), ('"04:05:06"'), ('"04:05:06+03"'), ('"infinity"'), ('"1 year 2 days 03:04"'), ('"P1Y2DT3H"'), ('"2001-02-30"'), ('"294277-01-01"'),
('"[1,5)"'), ('"(,3]"'), ('"empty"'), ('"[5,1)"'), ('"{[1,3),[5,7)}"'), ('"[2001-01-01,2002-01-01)"'), ('"[1.5,2.5]"'), ('"{}"'),
('"192.168.0.0/24"'), ('"192.168.0.1/24"'), ('"::1"'), ('"08:00:2b:01:02:03"'), ('"08:00:2b:01:02:03:04:05"'), ('"300.0.0.1"'),
('"(1,2)"'), ('"(1,2),(3,4)"'), ('"[(1,2),(3,4)]"'), ('"((0,0),(1,1),(1,0))"'), ('"<(1,2),3>"'), ('"{1,2,-1}"'),
('"101"'), ('"10101010"'), ('"x1F"'), ('"\\xDEADbeef"'), ('"\\x0"'), ('"a\\\\b"'), ('"{\"k\": 1}"'), ('"[1,"'), ('"<a>b</a>"'), ('"<a>"'),
('"a fat cat''s"'), ('"fat & (rat | cat)"'), ('"fat:3A cat:4"'), ('"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'), ('"{a0eebc999c0b4ef8bb6d6bb9bd380a1}"'), ('"pg_class"'), ('"1/2"'), ('"10:20:10,14,15"'), ('"$.a[*]"'), ('"\u00e9\ud83d\ude00\n\t\"\\\/"'), ('"abcdefghijklmnop"');

CREATE TABLE typ (name text);
INSERT INTO typ VALUES
('bool'), ('int2'), ('int4'), ('int8'), ('float4'), ('float8'), ('numeric'), ('numeric(6,2)'), ('numeric(3,-2)'), ('money'),
('text'), ('varchar'), ('varchar(3)'), ('char(3)'), ('bpchar'), ('name'), ('"char"'), ('bytea'), ('uuid'), ('xml'), ('json'), ('jsonb'), ('jsonpath'),
('date'), ('time'), ('time(0)'), ('timetz'), ('timestamp'), ('timestamp(0)'), ('timestamptz'), ('interval'), ('interval year to month'), ('interval(2)'),
('inet'), ('cidr'), ('macaddr'), ('macaddr8'), ('point'), ('lseg'), ('box'), ('path'), ('polygon'), ('line'), ('circle'), ('bit(3)'), ('varbit'), ('varbit(4)'),
('int4range'), ('int8range'), ('numrange'), ('daterange'), ('tsrange'), ('tstzrange'), ('int4multirange'), ('nummultirange'), ('datemultirange'), ('floatrange'), ('tsvector'), ('tsquery'),
('oid'), ('xid'), ('xid8'), ('cid'), ('tid'), ('pg_lsn'), ('pg_snapshot'), ('regclass'), ('regtype'),
('mood'), ('pair'), ('nest'), ('int[]'), ('int[][]'), ('text[]'), ('bool[]'), ('numeric(6,2)[]'), ('varchar(3)[]'), ('date[]'), ('jsonb[]'), ('json[]'), ('mood[]'), ('pair[]'), ('nest[]'), ('int4range[]'), ('bytea[]'),
('small'), ('smaller'), ('letters'), ('price'), ('smalls'), ('goodpair'), ('goodmood'), ('span'), ('doc'), ('rawdoc'), ('yes'), ('words'), ('small[]'), ('goodpair[]'), ('smalls[]'), ('letters[]');
-- xml may not have been built
DO $$
BEGIN
  PERFORM '<a/>'::text::xml;
EXCEPTION WHEN feature_not_supported THEN
  DELETE FROM typ WHERE name = 'xml';
END $$;

-- The one deliberate difference: an integer column takes 1.0 as it takes 1.
CREATE FUNCTION as_integer(typ text, v text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF typ IN ('int2', 'int4', 'int8', 'small', 'smaller') AND jsonb_typeof(v::jsonb) = 'number'
      AND v::numeric = trunc(v::numeric) THEN
    RETURN trim_scale(v::numeric);
  END IF;
  RETURN v;
END $$;
-- One value into column c of table t in one way: what is in the table then,
-- or the error; for pgsync's ways with its own part of the context.
CREATE FUNCTION try_value(way text, v text, OUT result text, OUT context text) LANGUAGE plpgsql AS $$
DECLARE message text; state text; detail text; hint text;
BEGIN
  IF way = 'jsonb' THEN PERFORM insert_many('t', jsonb_build_array(jsonb_build_object('c', v::jsonb)));
  ELSIF way = 'json' THEN PERFORM insert_many('t', format('[{"c": %s}]', v)::json);
  ELSIF way = 'text' THEN PERFORM insert_many('t', format('{"c": %s}', v));
  ELSE INSERT INTO t (c) SELECT c FROM jsonb_populate_recordset(NULL::t, jsonb_build_array(jsonb_build_object('c', v::jsonb)));
  END IF;
  SELECT coalesce(c::text, 'NULL') INTO result FROM t;
  RAISE SQLSTATE 'PLAY0';
EXCEPTION WHEN SQLSTATE 'PLAY0' THEN NULL;
WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
  result := concat_ws(E'\n', state, message, detail, hint);
  context := substring(context from '(?n)^row .*$');
END $$;

CREATE FUNCTION is_error(result text) RETURNS bool LANGUAGE sql AS $$ SELECT result ~ '^[0-9A-Z]{5}\n' $$;

-- All the values that column c takes, three times over, in one call: what is
-- in the table then.
CREATE FUNCTION try_values(way text, good text[], OUT result text[]) LANGUAGE plpgsql AS $$
BEGIN
  good := good || good || good;
  IF way = 'jsonb' THEN PERFORM insert_many('t', (SELECT jsonb_agg(jsonb_build_object('c', v::jsonb)) FROM unnest(good) v));
  ELSIF way = 'json' THEN PERFORM insert_many('t', (SELECT format('[%s]', string_agg(format('{"c": %s}', v), ','))::json FROM unnest(good) v));
  ELSIF way = 'text' THEN PERFORM insert_many('t', (SELECT string_agg(format('{"c": %s}', v), E'\n') FROM unnest(good) v));
  ELSE INSERT INTO t (c) SELECT r.c FROM unnest(good) v, jsonb_populate_record(NULL::t, jsonb_build_object('c', v::jsonb)) r;
  END IF;
  SELECT array_agg(c::text ORDER BY i) INTO result FROM t;
  TRUNCATE t;
END $$;

DO $$
DECLARE good text[]; t typ; x val; reference record; r record; way text; cases int := 0; stored int := 0;
BEGIN
  FOR t IN TABLE typ LOOP
    EXECUTE format('CREATE TEMP TABLE t (c %s, i serial)', t.name);
    good := '{}';
    FOR x IN TABLE val ORDER BY id LOOP
      reference := try_value('populate', as_integer(t.name, x.v));
      cases := cases + 1;
      stored := stored + (NOT is_error(reference.result))::int;
      IF NOT is_error(reference.result) THEN
        good := good || x.v;
      END IF;
      FOREACH way IN ARRAY ARRAY['jsonb', 'json', 'text'] LOOP
        r := try_value(way, x.v);
        IF r.result <> reference.result THEN
          RAISE INFO '% %: % % instead of %', t.name, x.v, way, r.result, reference.result;
        ELSIF is_error(r.result) AND (r.context LIKE 'row 1, column "c": %') IS NOT TRUE THEN
          RAISE INFO '% %: % context %', t.name, x.v, way, r.context;
        END IF;
      END LOOP;
    END LOOP;
    SELECT array_agg(as_integer(t.name, v)) INTO good FROM unnest(good) v;
    FOREACH way IN ARRAY ARRAY['jsonb', 'json', 'text'] LOOP
      IF try_values(way, good) IS DISTINCT FROM try_values('populate', good) THEN
        RAISE INFO '%: % differs for many rows', t.name, way;
      END IF;
    END LOOP;
    DROP TABLE t;
  END LOOP;
  -- how many are stored differs between servers
  RAISE INFO 'enough cases: %, enough of them stored: %', cases > 12000, stored > 2000;
END $$;

SET client_min_messages = warning;
DROP SCHEMA insert_convert CASCADE;
