-- pgsync.scan: JSON read by the short ways gives the rows and errors of the
-- long way.  Every case here runs both.
CREATE SCHEMA scan;
SET search_path = scan, public;
\pset format unaligned
CREATE TABLE item (
  id int, name text, big bigint, small int2, ok bool, price numeric(10,2), any_number numeric,
  at timestamptz, local_at timestamp, day date, key uuid, code varchar(5), doc jsonb, raw json,
  words text[], ratio float8);

CREATE TABLE item_plain (LIKE item);

-- What a call that stores rows in item gives: its rows as text, or its error.
-- If asked to, it also looks whether another call stores the very same bytes.
CREATE FUNCTION outcome(way text, call text, same_as text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
  differing text;
  detail text;
  hint text;
  context text;
BEGIN
  PERFORM set_config('pgsync.scan', way, true);
  EXECUTE call;
  SELECT string_agg(i::text, E'\n' ORDER BY id, i::text COLLATE "C") INTO result FROM item i;
  IF same_as IS NOT NULL THEN
    PERFORM set_config('pgsync.scan', 'plain', true);
    EXECUTE same_as;
    SELECT string_agg(concat_ws(' and ', a, b), ', ') INTO differing
    FROM (SELECT i AS a, row_number() OVER (ORDER BY id, i::text COLLATE "C") n FROM item i) x
    FULL JOIN (SELECT i AS b, row_number() OVER (ORDER BY id, i::text COLLATE "C") n FROM item_plain i) y USING (n)
    WHERE coalesce(a *<> b, true);
    result := concat_ws(E'\nbytes of ', result, differing);
  END IF;
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
  short_way text := outcome('auto', call, replace(call, '''item''', '''item_plain'''));
  long_way text := outcome('plain', call);
BEGIN
  IF short_way IS DISTINCT FROM long_way THEN
    RETURN format(E'DIFFERENT for %s\nauto:  %s\nplain: %s', call, short_way, long_way);
  END IF;
  -- how an error is worded depends on the server's version
  RETURN regexp_replace(short_way, '^([0-9A-Z]{5}) \|.*', 'error \1');
END $$;

CREATE FUNCTION twice(data text) RETURNS text LANGUAGE sql AS
  $$ SELECT both_ways(format('SELECT insert_many(''item'', %L)', data)) $$;

-- Counts cases, and shows those that differ.
CREATE FUNCTION differing(calls text[]) RETURNS TABLE (cases bigint, fine bigint, errors bigint, differing text)
LANGUAGE sql AS $$
  SELECT count(*), count(*) FILTER (WHERE o !~ '^(DIFFERENT|error)'),
         count(*) FILTER (WHERE o ~ '^error'), left(min(o) FILTER (WHERE o LIKE 'DIFFERENT%'), 1000)
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

-- more shapes than are remembered, in turn and at random
SELECT * FROM differing((
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', (
    SELECT '[' || string_agg('{' || concat_ws(', ', format('"id": %s', i), CASE WHEN k & 1 > 0 THEN '"name": "n"' END, CASE WHEN k & 2 > 0 THEN '"big": 7' END,
                                              CASE WHEN k & 4 > 0 THEN '"doc": [1]' END) || '}', ', ' ORDER BY i) || ']'
    FROM generate_series(1, 900) i, LATERAL (SELECT CASE WHEN n < 9 THEN i % n ELSE hashint4(i * n) & (n - 9) END) r(k))))
  FROM generate_series(1, 16) n));

-- names that are mapped, dropped and ignored; members; a path
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "x": "q", "name": "a", "y": [1]}, {"ID": 2, "x": "r\"", "name": "b", "y": [2]}, {"ID": 3, "x": 7, "name": "c", "y": {}}]',
  columns => '{"ID": "id", "x": null}', ignore_unknown => true))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "y": [1]}, {"ID": 2, "y": [2}]}]', columns => '{"ID": "id"}', ignore_unknown => true))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "y": "a"}, {"ID": 2, "y": "\x"}]', columns => '{"ID": "id"}', ignore_unknown => true))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "name": "a"}, {"ID": 2, "id": 3}, {"ID": 4, "id": 5}]', columns => '{"ID": "id"}'))$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"ID": 1, "name": "a", "n\u0061me": "b"}, {"ID": 2, "n\u0061me": "c", "name": "d"}]', columns => '{"ID": "id"}'))$$);
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

-- the check itself sees what differs: a scale, a row, a value
SELECT outcome('auto', $$INSERT INTO item (id, any_number, doc) VALUES (1, 1.0, '{"a": 1}')$$,
               $$INSERT INTO item_plain (id, any_number, doc) VALUES (1, 1.00, '{"a": 1}')$$);
SELECT outcome('auto', $$INSERT INTO item (id) VALUES (1), (2)$$, $$INSERT INTO item_plain (id) VALUES (1)$$);
SELECT outcome('auto', $$INSERT INTO item (id, doc) VALUES (1, '{"a": 1}')$$, $$INSERT INTO item_plain (id, doc) VALUES (1, '{"a": 1.0}')$$);

-- values of each column, as strings, as numbers, and as fields of a CSV
CREATE TABLE given (col text, val text);
INSERT INTO given SELECT col, v FROM (VALUES ('id'), ('big'), ('small'), ('price'), ('any_number'), ('ratio')) c(col), unnest(ARRAY[
  '0', '-0', '7', '-7', '007', '+7', ' 7', '7 ', '7.0', '7.', '.7', '-.7', '0.0', '-0.00', '1e2', '1E-2', '12e', '-', '', '7a', '1_0', '0x1A', 'NaN', 'Infinity', '-Infinity', '--7', '1.2.3',
  '32767', '32768', '-32768', '-32769', '2147483647', '2147483648', '-2147483648', '-2147483649', '999999999999999999', '1000000000000000000',
  '9223372036854775807', '9223372036854775808', '-9223372036854775808', '-9223372036854775809', '99999999.99', '99999999.994', '99999999.995', '-99999999.99', '100000000', '0.004', '0.005', '0.1', '0.0001', '0.00001', '1.2300', '10000', '100000000.0001', '9999.9999', '0.9999999999999999', '0.99999999999999999',
  '123456789012345678.1234567890123456', '123456789012345678.12345678901234567', '1234567890123456789.5', '10000000000000000', '1.0000000000000000', '٣', '1,5', '1e400', '4.9e-324', '0.1e1', '9007199254740991', '9007199254740992', '9007199254740993', '-9007199254740993.0', '0.3', '900719925474.0993', '1.7976931348623157', '0.000001', '0.1234567890123456']) v;
INSERT INTO given SELECT 'any_number', concat(CASE n % 3 WHEN 0 THEN '-' END, repeat('9', n % 19), '0', CASE WHEN n % 5 > 0 THEN '.' || repeat('0', n % 7) || repeat('4', n % 11) || '0' END) FROM generate_series(1, 400) n;
INSERT INTO given SELECT 'ratio', concat(CASE n % 3 WHEN 0 THEN '-' END, left(translate(md5(n::text), 'abcdef', ''), n % 18 + 1), '.', left(translate(md5('f' || n), 'abcdef', ''), n % 17 + 1)) FROM generate_series(1, 500) n;
INSERT INTO given SELECT col, v FROM (VALUES ('name'), ('code')) c(col), unnest(ARRAY[
  '', 'a', 'abcde', 'abcdef', 'éééé', 'ééééé', 'éééééé', '     ', 'abcde   ', 'null', 'NULL', '1.50', repeat('x', 125), repeat('x', 126), repeat('x', 127), repeat('é', 3000), E'a\tb', 'a,b']) v;
INSERT INTO given SELECT 'ok', v FROM unnest(ARRAY['t', 'f', 'true', 'false', 'T', 'True', 'yes', 'no', 'on', 'off', '1', '0', 'tr', 'trues', ' t', '', 'x', 'fals']) v;
INSERT INTO given SELECT col, d || t FROM (VALUES ('at'), ('local_at'), ('day')) c(col),
  unnest(ARRAY['2024-02-29', '2023-02-29', '1900-02-29', '2000-02-29', '0001-01-01', '0000-01-01', '9999-12-31', '2024-13-01', '2024-00-10', '2024-04-31', '2024-1-01', '24-01-01', '2024/01/01', '20240101', '12024-01-01', 'infinity', 'today', '2024-01-01 BC']) d,
  unnest(ARRAY['', ' 00:00:00', 'T23:59:59', ' 24:00:00', ' 12:30:60', ' 12:60:00', ' 12:30', ' 12:30:00.5', ' 12:30:00.123456', ' 12:30:00.1234567', ' 12:30:00.', ' 12:30:00+00', 'T12:30:00.25-03:30', ' 12:30:00Z', ' 12:30:00+15', ' 12:30:00+15:59', ' 12:30:00-16', ' 12:30:00+1', ' 12:30:00 Europe/Berlin', 't12:30:00', ' 12:30:00 ', '  12:30:00', ' 1a:30:00', ' 23:59:59.999999+00']) t;
INSERT INTO given SELECT 'key', v FROM unnest(ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', 'a0eebc999c0b4ef8bb6d6bb9bd380a11', 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g', 'a0eebc9--9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11 ', '']) v;
SELECT col, cases, fine > 0 AS some_fine, errors > 0 AS some_errors, differing FROM (SELECT col, array_agg(format('SELECT insert_many(''item'', %L)', json_build_array(json_build_object('id', 1, col, val)))) calls FROM given GROUP BY col) c, differing(calls) d ORDER BY col COLLATE "C";
SELECT col, cases, fine > 0 AS some_fine, errors > 0 AS some_errors, differing FROM (SELECT col, array_agg(format('SELECT insert_many(''item'', %L)', format('[{"id": 1, "%s": %s}]', col, val))) calls FROM given WHERE val ~ '^[-+0-9.]' GROUP BY col) c, differing(calls) d ORDER BY col COLLATE "C";
SELECT col, cases, fine > 0 AS some_fine, errors > 0 AS some_errors, differing FROM (SELECT col, array_agg(format('SELECT insert_csv_text(''item'', %L)', concat('name,', col, E'\n1,"', val, E'"\n'))) calls FROM given WHERE col <> 'name' GROUP BY col) c, differing(calls) d ORDER BY col COLLATE "C";

-- in another time zone and another style of dates
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SELECT col, cases, fine > 0 AS some_fine, errors > 0 AS some_errors, differing FROM (SELECT col, array_agg(format('SELECT insert_many(''item'', %L)', json_build_array(json_build_object('id', 1, col, val)))) calls FROM given WHERE col IN ('at', 'local_at', 'day') GROUP BY col) c, differing(calls) d ORDER BY col COLLATE "C";
RESET timezone;
RESET datestyle;

-- documents: all kinds of values at all distances from a word's end
SELECT setseed(0.25);
CREATE FUNCTION some_json(depth int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  parts text[] := '{}';
BEGIN
  CASE floor(random() * CASE WHEN depth > 0 THEN 10 ELSE 8 END)
    WHEN 0 THEN RETURN 'null';
    WHEN 1 THEN RETURN 'true';
    WHEN 2 THEN RETURN 'false';
    WHEN 3 THEN RETURN to_json(repeat('x', (random() * 20)::int))::text;
    WHEN 4 THEN RETURN to_json(left(E'"\\/\n\té€\U0001F600', (random() * 8)::int))::text;
    WHEN 5 THEN RETURN (random() * 100000)::int::text;
    WHEN 6 THEN RETURN round((random() * 1000 - 500)::numeric, (random() * 6)::int)::text;
    WHEN 7 THEN RETURN (ARRAY['-0', '0.0', '1e3', '12345678901234567890123', '1.5E-7', '"\u00e9\ud83d\ude00"', '[]', '{}'])[1 + floor(random() * 8)];
    WHEN 8 THEN
      FOR i IN 1 .. (random() ^ 3 * 70)::int LOOP
        parts := parts || some_json(depth - 1);
      END LOOP;
      RETURN '[' || array_to_string(parts, repeat(' ', (random() * 1.2)::int) || ',') || ']';
    ELSE
      FOR i IN 1 .. (random() ^ 3 * 50)::int LOOP
        parts := parts || (to_json(CASE WHEN random() < 0.98 THEN substr(md5(i::text), 1, 1 + i % 7) || i ELSE 'é' || (random() * 3)::int END) || ':' || some_json(depth - 1));
      END LOOP;
      RETURN '{' || array_to_string(parts, ', ') || '}';
  END CASE;
END $$;
SELECT cases, differing FROM differing((
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', format('[{"doc": %s, "raw": %s, "name": %s}]', d, d, d)))
  FROM (SELECT some_json(4) d FROM generate_series(1, 600)) g));
-- cut or damaged anywhere
SELECT * FROM differing((
  WITH d(t) AS (VALUES ('{"a": [1, 2.50, "x\ty", null], "bb": {"c": true, "": {}}, "d": "é"}'))
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', format('[{"doc": %s}]', left(t, p) || c || substr(t, p + 1 + n))))
  FROM d, generate_series(0, length(t)) p,
       (VALUES ('', 1), ('"', 1), ('\', 1), (E'\x01', 1), (' ', 1), ('0', 1), ('x', 1), ('{', 1), (']', 1), ('é', 1), (',', 1),
               ('"', 0), ('\', 0), (' ', 0), ('-', 0), ('}', 0), ('1', 0), ('e', 0), ('.', 0), (',', 0), (':', 0)) v(c, n)));
-- as deep as it goes, and as many values as there may be at once
SELECT * FROM differing((
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', format('[{"doc": %s1%s}]', repeat('[', n), repeat(']', n))))
  FROM unnest(ARRAY[1, 2, 30, 31, 32, 33, 34, 100]) n));
SELECT * FROM differing((
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', format('[{"doc": [%s]}]', (SELECT string_agg(i::text, ',') FROM generate_series(1, n) i))))
  FROM unnest(ARRAY[31, 32, 33, 64, 65, 253, 254, 255, 256, 257, 3000]) n));
SELECT * FROM differing((
  SELECT array_agg(format('SELECT insert_many(''item'', %L)', format('[{"doc": {%s}}]', (SELECT string_agg(format('"%s": %s', i, i), ',') FROM generate_series(1, n) i))))
  FROM unnest(ARRAY[15, 16, 17, 32, 33, 126, 127, 128, 129, 2000]) n));

-- domains are checked, whichever way their values came
CREATE DOMAIN few AS int CHECK (value < 10);
CREATE DOMAIN word AS text NOT NULL CHECK (value <> 'bad');
ALTER TABLE item ADD f few, ADD w word DEFAULT 'x';
ALTER TABLE item_plain ADD f few, ADD w word DEFAULT 'x';
SELECT twice('[{"f": 1, "w": "good"}, {"f": 9, "w": "fine"}]');
SELECT twice('[{"f": 1, "w": "good"}, {"f": 10, "w": "fine"}]');
SELECT twice('[{"f": 1, "w": "good"}, {"f": "2", "w": "bad"}]');
SELECT twice('[{"f": 1, "w": "good"}, {"f": null, "w": null}]');

-- by other verbs
ALTER TABLE item ADD PRIMARY KEY (id);
ALTER TABLE item_plain ADD PRIMARY KEY (id);
SELECT both_ways($$SELECT upsert_many('item', '[{"id": 1, "name": "a", "key": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}, {"id": 2, "name": "b", "key": null}, {"id": 1, "name": "c", "key": null}]')$$);
SELECT both_ways($$SELECT insert_many('item', from_json('[{"id": 1, "price": "1,50"}, {"id": 2, "price": "2,75"}]', transforms => '{"price": "replace(v, '','', ''.'')::numeric"}'))$$);

\set VERBOSITY terse
DROP SCHEMA scan CASCADE;
