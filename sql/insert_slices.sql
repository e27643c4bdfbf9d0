-- A long value that is stored uncompressed is read in slices (of 256 kB): rows
-- and errors are those of the value as a whole, which pgsync.scan = plain reads.
CREATE SCHEMA slices;
SET search_path = slices, public;
CREATE TABLE item (id int, name text, doc jsonb);
CREATE TABLE errors (row_number bigint, data text, column_name text, value text, sqlstate text, message text, detail text);
CREATE TABLE data (way text, body text);
ALTER TABLE data ALTER body SET STORAGE EXTERNAL;

-- What a call that stores rows in item gives: a digest of its rows and of those in errors, or its error.
CREATE FUNCTION outcome(way text, call text, INOUT value text) LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  context text;
BEGIN
  PERFORM set_config('pgsync.scan', way, true);
  INSERT INTO data VALUES (way, value);
  EXECUTE format('SELECT %s FROM data WHERE way = %L', call, way);
  SELECT concat_ws(' ', count(*), sum(id), md5(string_agg(i::text, ',' ORDER BY id, i::text COLLATE "C"))) INTO value FROM item i;
  SELECT concat_ws(' ', outcome.value, nullif(count(*), 0), md5(string_agg(e::text, ',' ORDER BY row_number))) INTO value FROM errors e;
  RAISE EXCEPTION USING ERRCODE = 'P0099';
EXCEPTION
  WHEN SQLSTATE 'P0099' THEN RETURN;
  WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
    value := concat_ws(' | ', SQLSTATE, SQLERRM, detail, split_part(context, 'SQL statement', 1));
END $$;

-- How many rows or which error there are, both ways the same.
CREATE FUNCTION both_ways(call text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  slices text := outcome('auto', call, value);
  whole text := outcome('plain', call, value);
BEGIN
  IF slices IS DISTINCT FROM whole THEN
    RETURN format(E'DIFFERENT\nslices: %s\nwhole:  %s', left(slices, 500), left(whole, 500));
  END IF;
  RETURN CASE WHEN slices ~ '^[0-9A-Z]{5} \|' THEN 'error ' || left(slices, 5) ELSE split_part(slices, ' ', 1) || ' rows' || coalesce(', ' || nullif(split_part(slices, ' ', 4), '') || ' bad', '') END;
END $$;

-- rows of a length that a slice's ends cut at every place, with long characters
CREATE FUNCTION rows_of(n int, width int) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(format('{"id": %s, "name": "%s", "doc": {"k": [%s, "é\n"]}}', i, repeat('€é\u20ac\"', width) || i % 7, i), ', ' ORDER BY i)
  FROM generate_series(1, n) i
$$;
SELECT width, octet_length(v) > 600000 AS long, both_ways('insert_many(''item'', body)', v)
FROM (SELECT width, '[' || rows_of(40000 / width, width) || ']' FROM unnest(ARRAY[7, 11, 20]) width) x(width, v);
SELECT both_ways('insert_many(''item'', body::json)', '[' || rows_of(2500, 20) || ']');
SELECT both_ways('insert_many(''item'', body)', E'\ufeff' || replace(rows_of(2500, 20), '}}, ', E'}}\r\n'));
SELECT both_ways('insert_many(''item'', from_json(body, at => ''{a,1}''))', '{"x": [' || rows_of(2200, 20) || '], "a": [1, [' || rows_of(2200, 20) || ']], "y": [' || rows_of(2200, 20) || ']}');
ALTER TABLE item ADD PRIMARY KEY (id);
SELECT both_ways('upsert_many(''item'', body)', '[' || rows_of(2500, 20) || ']');
ALTER TABLE item DROP CONSTRAINT item_pkey;

-- rows longer than a slice, and than several
SELECT both_ways('insert_many(''item'', body)', '[' || string_agg(format('{"id": %s, "name": "%s"}', n, repeat('x€\\', n)), ',') || ']')
FROM unnest(ARRAY[1, 50000, 60000, 300000, 2, 3, 1000000, 4]) n;
SELECT both_ways('insert_many(''item'', body)', '[' || string_agg(format('{"id": %s, "doc": [%s0]}', n, repeat('1, ', n)), repeat(' ', 300000) || ',') || ']')
FROM unnest(ARRAY[1, 150000, 2, 3, 400000, 4]) n;

-- damage at the front, around the ends of slices, and at the end: cut off there, or a byte put in
WITH v(t) AS MATERIALIZED (SELECT '[' || rows_of(2200, 20) || ']'),
  at(p) AS MATERIALIZED (SELECT p FROM v, unnest(ARRAY[1, 2, 40, 200000, length(t) - 40, length(t) - 1, length(t)]) p
         UNION SELECT length(convert_from(substr(b, 1, cut + d), 'UTF8')) FROM (SELECT convert_to(t, 'UTF8') FROM v) x(b), unnest(ARRAY[262144, 524288]) cut, generate_series(-70, 70, 35) d
               WHERE get_byte(b, cut + d) & 192 <> 128)
SELECT c AS put_in, n AS left_out, count(*) > 10 AS many, o AS outcome
FROM v, at, (VALUES ('', 1000000), ('"', 0), ('x', 0), ('\', 1), (' ', 0)) d(c, n),
     LATERAL (SELECT regexp_replace(both_ways('insert_many(''item'', body)', left(t, p) || c || substr(t, p + 1 + n)), '^(error .*|[0-9]+ rows)$', 'the same')) w(o)
GROUP BY 1, 2, 4 ORDER BY 1, 2, 4;
SELECT both_ways('insert_many(''item'', body)', '[' || rows_of(2200, 20) || '] [');
SELECT both_ways('insert_many(''item'', body)', rows_of(2200, 20));
SELECT both_ways('insert_many(''item'', body)', '[' || rows_of(2200, 20) || ', {"id": 1, "nome": 2}]');
SELECT both_ways('insert_many(''item'', body)', '[' || rows_of(2200, 20) || ', {"id": "one"}]');
SELECT both_ways('insert_many(''item'', body)', repeat(' ', 1000000));
SELECT both_ways('insert_many(''item'', body)', repeat(' ', 1000000) || '{"id": 1}' || repeat(' ', 1000000));
SELECT both_ways('insert_many(''item'', body)', '[{"id": 1' || repeat('0', 1000000) || '}]');

-- CSV
SELECT both_ways('insert_csv_text(''item'', body)', E'\ufeffid,name\r\n' || string_agg(format(E'%s,"%s"\r\n', i, repeat(E'€,""\r\n', i % 5)), ''))
FROM generate_series(1, 40000) i;
SELECT both_ways('insert_csv_text(''item'', body)', E'id,name\n' || string_agg(format(E'%s,"%s"\n', i, repeat(E'€,""\n', i % 5)), '') || E'7\n')
FROM generate_series(1, 40000) i;
SELECT both_ways('insert_csv_text(''item'', body)', E'id,name\n' || string_agg(format(E'%s,"%s"\n', i, repeat('x', i)), '') || '7,"x')
FROM unnest(ARRAY[1, 50000, 300000, 2, 3, 1000000, 4]) i;

-- bad rows, which are kept as they stand in the text
SET client_min_messages = warning;
CREATE FUNCTION bad_rows_of(n int, width int) RETURNS text LANGUAGE sql AS $$
  SELECT regexp_replace(rows_of(n, width), '"id": (\d*[05]0),', '"id": "no \1",', 'g')
$$;
SELECT width, both_ways('insert_many(''item'', body, on_error => ''ignore'', error_table => ''errors'')', '[' || bad_rows_of(40000 / width, width) || ']')
FROM unnest(ARRAY[7, 11, 20]) width;
SELECT both_ways('insert_many(''item'', body, on_error => ''ignore'', error_table => ''errors'')', replace(replace(bad_rows_of(2500, 20), '}}, ', E'}}\n'), '77, "name"', '77 "name"'));
SELECT both_ways('insert_many(''item'', from_json(body, key_column => ''name''), on_error => ''ignore'', error_table => ''errors'')',
                 '{' || string_agg(format('"%s": {"id": %s}', repeat('€', 300) || i, CASE WHEN i % 100 = 0 THEN '[]' ELSE i::text END), ',') || '}')
FROM generate_series(1, 1500) i;
SELECT both_ways('insert_many(''item'', body, on_error => ''ignore'', error_table => ''errors'')', '[' || bad_rows_of(2500, 20) || ', {');
SELECT both_ways('insert_csv_text(''item'', body, on_error => ''ignore'', error_table => ''errors'')', E'id,name\n' || string_agg(format(E'%s,"%s"%s\n', CASE WHEN i % 100 = 0 THEN 'no' ELSE '' END || i, repeat(E'€,""\n', i % 5), CASE WHEN i % 77 = 0 THEN ',1' ELSE '' END), ''))
FROM generate_series(1, 40000) i;
ALTER TABLE item ADD PRIMARY KEY (id);
SELECT both_ways('upsert_many(''item'', body, on_error => ''ignore'', error_table => ''errors'')', '[' || bad_rows_of(2500, 20) || ', {"id": 7}]');
ALTER TABLE item DROP CONSTRAINT item_pkey;
RESET client_min_messages;

-- values that are compressed, short, or not stored are read as ever
ALTER TABLE data ALTER body SET STORAGE EXTENDED;
SELECT both_ways('insert_many(''item'', body)', '[' || rows_of(2500, 20) || ']');
SELECT both_ways('insert_many(''item'', body)', '[' || rows_of(20, 2) || ']');
SELECT insert_many('item', '[' || rows_of(2500, 20) || ']');

\set VERBOSITY terse
DROP SCHEMA slices CASCADE;
