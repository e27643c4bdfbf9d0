-- Files packed by zstd, put together by hand: nothing else here needs the
-- program.  expected/packed_zstd_1.out is that of a build without libzstd.
CREATE SCHEMA packed_zstd;
SET search_path = packed_zstd, public;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/packed_zstd'
SELECT set_config('rows.file', :'file', false) IS NOT NULL AS file_is_set;
CREATE FUNCTION write_bytes(bytes bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE object oid := lo_from_bytea(0, bytes);
BEGIN
  PERFORM lo_export(object, current_setting('rows.file')), lo_unlink(object);
END $$;
CREATE FUNCTION write_text(content text, encoding text DEFAULT 'utf8') RETURNS void LANGUAGE sql AS
  $$ SELECT write_bytes(convert_to(content, encoding)) $$;
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

-- Returns a block: 3 bytes of how long it is, of which kind, and whether it is the last; then its contents.
CREATE FUNCTION block(kind int, size int, contents bytea, last boolean DEFAULT false) RETURNS bytea LANGUAGE sql AS $$
  SELECT substring(int4send(x), 4, 1) || substring(int4send(x), 3, 1) || substring(int4send(x), 2, 1) || contents
  FROM (SELECT size * 8 + kind * 2 + last::int AS x) s $$;
-- Returns a block of bytes as they are, or of one byte so many times.
CREATE FUNCTION raw(contents text, last boolean DEFAULT false) RETURNS bytea LANGUAGE sql AS
  $$ SELECT block(0, length(contents), contents::bytea, last) $$;
CREATE FUNCTION run(content text, size int, last boolean DEFAULT false) RETURNS bytea LANGUAGE sql AS
  $$ SELECT block(1, size, content::bytea, last) $$;
-- Returns a frame of 128 kB's window, or of what the byte says.
CREATE FUNCTION frame(blocks bytea, window_size bytea DEFAULT '\x38') RETURNS bytea LANGUAGE sql AS
  $$ SELECT '\x28b52ffd00'::bytea || window_size || blocks $$;

SELECT write_bytes(frame(raw(E'id,name\n') || raw(E'1,zstd\n', true)));
SELECT outcome(from_csv_file(:'file')) LIKE '0A000%' AS missing \gset
\if :missing
SELECT outcome(from_csv_file(:'file'));
SELECT outcome(from_json_file(:'file'));
SET client_min_messages = warning;
DROP SCHEMA packed_zstd CASCADE;
\q
\endif
SELECT insert_csv('item', :'file');
TABLE item;
TRUNCATE item;
-- several frames, and some that unpack to nothing
SELECT write_bytes('\x502a4d1803000000'::bytea || 'abc' || frame(raw(E'id,name\n', true)) || frame(raw('', true)) ||
  frame(raw('1,') || run('x', 100000) || raw(E'\n', true)) || '\x5f2a4d1800000000'::bytea);
SELECT outcome(from_csv_file(:'file')) = outcome(from_csv(E'id,name\n1,' || repeat('x', 100000))) AS same;
SELECT write_bytes(frame(raw('[{"id": 1, "name": "') || run('y', 1000, true)) || frame(raw('"}]', true)));
SELECT outcome(from_json_file(:'file')) = outcome(from_json('[{"id": 1, "name": "' || repeat('y', 1000) || '"}]')) AS same;
-- with a checksum, which is right, then wrong
SELECT write_bytes('\x28b52ffd045889000069642c6e616d650a312c73756d6d65640a037ecfb8');
SELECT outcome(from_csv_file(:'file')) LIKE '1 rows%' AS right_sum;
SELECT write_bytes('\x28b52ffd045889000069642c6e616d650a312c73756d6d65640a037ecf47');
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 file "FILE" is corrupt at byte [0-9]+$' AS wrong_sum;
-- cut off within a block, a header, between frames
SELECT write_bytes(frame(raw(E'id,name\n') || substring(raw(E'1,zstd\n', true), 1, 6)));
SELECT outcome(from_csv_file(:'file'));
SELECT write_bytes(substring(frame(raw('', true)), 1, 5));
SELECT outcome(from_csv_file(:'file'));
SELECT write_bytes(frame(raw(E'id,name\n1,a\n', true)) || '\x28b5'::bytea);
SELECT outcome(from_csv_file(:'file'));
-- corrupt, and followed by something else; nothing of what came before is stored
SELECT write_bytes(frame(raw(E'id,name\n1,a\n') || block(3, 1, 'x', true)));
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 file "FILE" is corrupt at byte [0-9]+$' AS corrupt;
SELECT write_bytes(frame(raw(E'id,name\n1,a\n', true)) || 'trailing');
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 file "FILE" is corrupt at byte [0-9]+$' AS trailing;
SELECT write_bytes('\x28b52ffd08ffffffff');
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 file "FILE" is (corrupt|truncated) at byte [0-9]+$' AS broken_header;
-- the byte is that of the block, or near it
SELECT write_bytes(frame(raw(E'id,name\n') || (SELECT string_agg(raw(E'1,a\n'), '') FROM generate_series(1, 1000)) || block(3, 1, 'x', true) ||
  (SELECT string_agg(raw(E'1,a\n'), '') FROM generate_series(1, 1000))));
SELECT substring(outcome(from_csv_file(:'file')) FROM '^22P04 file "FILE" is corrupt at byte ([0-9]+)$')::int - (6 + 3 + 8 + 1000 * 7) BETWEEN -7 AND 7 AS near;
-- more memory than a file may ask for
SELECT write_bytes(frame(raw(E'id,name\n1,a\n', true), '\xa0'));
SELECT outcome(from_csv_file(:'file')) ~ '^22P04 file "FILE" is corrupt at byte [0-9]+$' AS refused;
-- 50 MB of blanks in 2 kB
SELECT write_bytes(frame(raw('[') || (SELECT string_agg(run(' ', 131072), '') FROM generate_series(1, 400)) || raw('{"id": 1}]', true)));
SELECT outcome(from_json_file(:'file')) LIKE '1 rows%' AS unpacked;

SET client_min_messages = warning;
DROP SCHEMA packed_zstd CASCADE;
