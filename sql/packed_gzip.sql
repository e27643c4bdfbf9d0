-- Files packed by gzip: plain, of several members, damaged, and far larger than
-- they look.  expected/packed_gzip_1.out is that of a build without zlib.
CREATE SCHEMA packed_gzip;
SET search_path = packed_gzip, public;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/packed_gzip'
SELECT set_config('rows.file', :'file', false) IS NOT NULL AS file_is_set;
CREATE FUNCTION write_bytes(bytes bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE object oid := lo_from_bytea(0, bytes);
BEGIN
  PERFORM lo_export(object, current_setting('rows.file')), lo_unlink(object);
END $$;
CREATE FUNCTION write_text(content text, encoding text DEFAULT 'utf8') RETURNS void LANGUAGE sql AS
  $$ SELECT write_bytes(convert_to(content, encoding)) $$;
-- gzip is there on every system that builds the server
CREATE FUNCTION pack(members int DEFAULT 1) RETURNS void LANGUAGE plpgsql AS $$
DECLARE f text := current_setting('rows.file');
BEGIN
  EXECUTE format('COPY (SELECT 1) TO PROGRAM %L', CASE members WHEN 1 THEN
    format('cat >/dev/null; gzip -c %s >%s.gz && mv %s.gz %s', f, f, f, f) ELSE
    format('cat >/dev/null; (head -c 1000 %s | gzip -c; tail -c +1001 %s | gzip -c) >%s.gz && mv %s.gz %s', f, f, f, f, f) END);
END $$;
CREATE TABLE item (id int PRIMARY KEY, name text, code text);
CREATE FUNCTION outcome(r row_source) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  PERFORM insert_many('item', r);
  SELECT concat(count(*), ' rows ', md5(string_agg(item::text, '|' ORDER BY id))) INTO result FROM item;
  RAISE SQLSTATE 'DONE0';
EXCEPTION WHEN SQLSTATE 'DONE0' THEN RETURN result;
  WHEN OTHERS THEN RETURN concat(SQLSTATE, ' ', replace(SQLERRM, current_setting('rows.file'), 'FILE'));
END $$;

SELECT write_text((SELECT E'id,name\n' || string_agg(format(E'%s,"row ""%s"""\n', i, i), '') FROM generate_series(1, 20000) i)), pack();
SELECT outcome(from_csv_file(:'file')) LIKE '0A000%' AS missing \gset
\if :missing
SELECT outcome(from_csv_file(:'file'));
SELECT outcome(from_json_file(:'file'));
DO $$ BEGIN
  PERFORM insert_csv('item', current_setting('rows.file'));
EXCEPTION WHEN feature_not_supported THEN
  DECLARE detail text; hint text;
  BEGIN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RAISE INFO '% %', detail, hint;
  END;
END $$;
SET client_min_messages = warning;
DROP SCHEMA packed_gzip CASCADE;
\q
\endif
-- the same as unpacked
SELECT outcome(from_csv_file(:'file')) = outcome(from_csv((SELECT E'id,name\n' ||
  string_agg(format(E'%s,"row ""%s"""\n', i, i), '') FROM generate_series(1, 20000) i))) AS same;
SELECT write_text((SELECT E'id,name\n' || string_agg(format(E'%s,"row ""%s"""\n', i, i), '') FROM generate_series(1, 20000) i)), pack(2);
SELECT insert_csv('item', :'file');
SELECT count(*), max(name) FROM item;
TRUNCATE item;
-- truncated, corrupt, padded, followed by something else
SELECT write_text((SELECT E'id,name\n' || string_agg(format(E'%s,%s\n', i, md5(i::text)), '') FROM generate_series(1, 20000) i)), pack();
CREATE TABLE packed AS SELECT pg_read_binary_file(:'file') AS bytes;
SELECT outcome(from_csv_file(:'file')) LIKE '20000 rows%' AS whole;
SELECT write_bytes(substr(bytes, 1, 100000)) FROM packed;
SELECT outcome(from_csv_file(:'file'));
SELECT write_bytes(substr(bytes, 1, 5)) FROM packed;
SELECT outcome(from_csv_file(:'file'));
SELECT write_bytes(bytes || '\x0000000000') FROM packed;
SELECT outcome(from_csv_file(:'file')) LIKE '20000 rows%' AS padded;
SELECT write_bytes(bytes || 'trailing') FROM packed;
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 file "FILE" is corrupt at byte [0-9]+$' AS trailing;
SELECT write_bytes(set_byte(bytes, 100000, 255 - get_byte(bytes, 100000))) FROM packed;
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 ' AS corrupt;
SELECT write_bytes(set_byte(bytes, length(bytes) - 6, 255 - get_byte(bytes, length(bytes) - 6))) FROM packed;
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 file "FILE" is corrupt at byte [0-9]+$' AS wrong_sum;
-- 50 MB of blanks in 50 kB
SELECT write_text('[' || repeat(' ', 50000000) || '{"id": 1}]'), pack();
SELECT outcome(from_json_file(:'file')) LIKE '1 rows%' AS unpacked;

SET client_min_messages = warning;
DROP SCHEMA packed_gzip CASCADE;
