-- pgsync.scan: JSON read by the short ways gives the rows and errors of the
-- long way.  Every case here runs both.
CREATE SCHEMA scan;
SET search_path = scan, public;
\pset format unaligned
CREATE TABLE item (
  id int, name text, big bigint, small int2, ok bool, price numeric(10,2), any_number numeric,
  at timestamptz, local_at timestamp, day date, key uuid, code varchar(5), doc jsonb, raw json,
  words text[], ratio float8);

-- What a call gives: its rows as text, or its error.
CREATE FUNCTION outcome(way text, call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
  detail text;
  hint text;
  context text;
BEGIN
  PERFORM set_config('pgsync.scan', way, true);
  EXECUTE call;
  SELECT string_agg(i::text, E'\n' ORDER BY id, i::text COLLATE "C") INTO result FROM item i;
  RAISE EXCEPTION USING ERRCODE = 'P0099';
EXCEPTION
  WHEN SQLSTATE 'P0099' THEN
    RETURN coalesce(result, 'no rows');
  WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''),
                     nullif(split_part(context, E'\nSQL statement', 1), ''));
END $$;

-- The outcome of a call, which must be the same both ways.
CREATE FUNCTION both_ways(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  short_way text := outcome('auto', call);
  long_way text := outcome('plain', call);
BEGIN
  IF short_way IS DISTINCT FROM long_way THEN
    RETURN format(E'DIFFERENT for %s\nauto:  %s\nplain: %s', call, short_way, long_way);
  END IF;
  RETURN short_way;
END $$;

CREATE FUNCTION twice(data text) RETURNS text LANGUAGE sql AS
  $$ SELECT both_ways(format('SELECT insert_many(''item'', %L)', data)) $$;

-- Counts cases, and shows those that differ.
CREATE FUNCTION differing(calls text[]) RETURNS TABLE (cases bigint, fine bigint, errors bigint, differing text)
LANGUAGE sql AS $$
  SELECT count(*), count(*) FILTER (WHERE o !~ '^(DIFFERENT|[0-9A-Z]{5} \|)'),
         count(*) FILTER (WHERE o ~ '^[0-9A-Z]{5} \|'), left(min(o) FILTER (WHERE o LIKE 'DIFFERENT%'), 1000)
  FROM unnest(calls) c, LATERAL both_ways(c) o
$$;

-- rows that are as the one before them, or nearly
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 3, "name": "c"}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "name": null}, {"id": 3, "name": 4}, {"id": 5, "name": true}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2,  "name": "b"}, {"id":3, "name": "c"}, {"id": 4, "name": "d" }]');
SELECT twice('[{"id": 1, "name": "a"}, {"name": "b", "id": 2}, {"id": 3}, {"id": 4, "name": "d", "ok": true}, {}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "nome": "b"}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "name": "b", "name": "c"}, {"id": 3, "name": "d", "name": "e"}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "n\u0061me": "b"}, {"id": 3, "n\u0061me": "c"}]');
SELECT twice('[{"id": 1, "name": "a\n\"\u00e9"}, {"id": 2, "name": "\\"}, {"id": 3, "name": "\q"}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "name": "b"} {"id": 3, "name": "c"}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "name": "b", }]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2, "name": "b"');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 02, "name": "b"}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": 2-, "name": "b"}]');
SELECT twice('[{"id": 1, "name": "a"}, {"id": x, "name": "b"}]');
SELECT twice('[{"id": 1, "name": "a"}, 7, {"id": 2, "name": "b"}]');
SELECT twice(E'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n{"id": 3, "name": "c"}');
SELECT twice('{"id": 1, "name": "a"}{"id": 2, "name": "b"}');
SELECT twice(E'\ufeff[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]');
SELECT twice('[{"id": 1, "doc": {"a": [1, {"b": null}]}}, {"id": 2, "doc": {"a": [1, {"b": }]}}]');

-- keys longer than a vector, and names of many lengths
SELECT * FROM differing((
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', (
    SELECT '[' || string_agg(format('{"id": %s,%s"name": "%s", "code": "%s"}', i, repeat(' ', gap), repeat('x', i), right(repeat('é', i), 5)), ', ') || ']'
    FROM generate_series(0, 70) i))) FROM generate_series(0, 40) gap));

-- shapes that alternate, and come back
SELECT * FROM differing((
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', (
    SELECT '[' || string_agg(CASE WHEN i % p = 0 THEN format('{"id": %s}', i) WHEN i / 50 % 2 = 0 THEN format('{"id": %s, "name": "n"}', i)
                             ELSE format('{"name": "m", "id": %s}', i) END, ', ' ORDER BY i) || ']'
    FROM generate_series(1, 600) i))) FROM generate_series(1, 7) p));

-- names that are mapped, dropped and ignored; members; a path
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "x": "q", "name": "a", "y": [1]}, {"ID": 2, "x": "r\"", "name": "b", "y": [2]}, {"ID": 3, "x": 7, "name": "c", "y": {}}]',
  columns => '{"ID": "id", "x": null}', ignore_unknown => true))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "y": [1]}, {"ID": 2, "y": [2}]}]', columns => '{"ID": "id"}', ignore_unknown => true))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "y": "a"}, {"ID": 2, "y": "\x"}]', columns => '{"ID": "id"}', ignore_unknown => true))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "name": "a"}, {"ID": 2, "id": 3}, {"ID": 4, "id": 5}]', columns => '{"ID": "id"}'))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('{"a": {"id": 1}, "b": {"id": 2}, "c": {"id": 3, "name": "d"}}', key_column => 'name'))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('{"rows": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], "more": "\""}', at => '{rows}'))$$);

-- one byte of the second row replaced, inserted or left out, at each place
SELECT * FROM differing((
  WITH d(t, low) AS (VALUES (
    '[{"id": 1, "name": "a", "ok": true, "doc": {"k": [1.5, "v"]}}, {"id": 2, "name": "b\t", "ok": false, "doc": {"k": [2, "w"]}}, {"id": 3, "name": "c", "ok": null, "doc": {}}]', 62))
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', left(t, p) || c || substr(t, p + 1 + n)))
  FROM d, generate_series(low, low + 62) p,
       (VALUES ('', 1), ('"', 1), ('\', 1), (E'\x01', 1), (' ', 1), ('0', 1), ('x', 1), ('{', 1), (']', 1), ('é', 1), (',', 1),
               ('"', 0), ('\', 0), (' ', 0), ('-', 0), ('}', 0), ('1', 0), ('e', 0), ('.', 0), (E'\n', 0)) v(c, n)));
