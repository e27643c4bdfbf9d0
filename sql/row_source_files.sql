-- from_json_file, from_csv_file: files of the server, packed or not; and the
-- options that CSV has of its own.
CREATE SCHEMA row_source_files;
SET search_path = row_source_files, public;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/row_source_file'
SELECT set_config('rows.file', :'file', false) IS NOT NULL AS file_is_set;
CREATE FUNCTION write_bytes(bytes bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE object oid := lo_from_bytea(0, bytes);
BEGIN
  PERFORM lo_export(object, current_setting('rows.file')), lo_unlink(object);
END $$;
CREATE FUNCTION write_text(content text, encoding text DEFAULT 'utf8') RETURNS void LANGUAGE sql AS
  $$ SELECT write_bytes(convert_to(content, encoding)) $$;
-- Packs what has been written, in so many members, unless pgsync has been built without zlib (packed_gzip.sql).
-- gzip is there on every system that builds the server.
CREATE FUNCTION pack(members int DEFAULT 1) RETURNS void LANGUAGE plpgsql AS $$
DECLARE f text := current_setting('rows.file');
BEGIN
  IF current_setting('rows.gzip') = 'missing' THEN RETURN; END IF;
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

SELECT write_bytes('\x1f8b');
SELECT set_config('rows.gzip', CASE WHEN outcome(from_csv_file(:'file')) LIKE '0A000%' THEN 'missing' ELSE 'there' END, false)
  IS NOT NULL AS gzip_is_known;

-- the same document as text and as a file, of several pieces, plain and packed
CREATE TABLE document (label text, content text, at text[], key_column text);
INSERT INTO document VALUES
('array', (SELECT json_agg(json_build_object('id', i, 'name', repeat(chr(8364), i % 90)))::text FROM generate_series(1, 3000) i), NULL, NULL),
('lines', (SELECT string_agg(json_build_object('id', i, 'name', repeat('\"', i % 90))::text, E'\n') FROM generate_series(1, 3000) i), NULL, NULL),
('one object', '{"id": 1, "name": "x"}', NULL, NULL),
('empty', '', NULL, NULL),
('spaces', repeat(E' \n', 200000) || '[' || repeat(' ', 300000) || '{"id": 1}' || repeat(E'\t', 300000) || ']', NULL, NULL),
('a long row', json_build_array(json_build_object('id', 1, 'name', repeat('x', 1000000)), json_build_object('id', 2))::text, NULL, NULL),
('wrapped', (SELECT json_build_object('before', repeat('y', 200000), 'data', json_build_object('items', json_agg(json_build_object('id', i))), 'after', repeat('z', 200000))::text
  FROM generate_series(1, 20000) i), '{data,items}', NULL),
('members', (SELECT json_object_agg('key ' || i, json_build_object('id', i))::text FROM generate_series(1, 5000) i), NULL, 'code'),
('mark', chr(65279) || '[{"id": 1}]', NULL, NULL),
('broken in the middle', (SELECT '[' || string_agg(CASE i WHEN 2500 THEN '{"id": tru}' ELSE format('{"id": %s}', i) END, ', ') || ']' FROM generate_series(1, 9000) i), NULL, NULL),
('cut off', (SELECT '[' || string_agg(format('{"id": %s}', i), ', ') FROM generate_series(1, 9000) i), NULL, NULL),
('cut off in a row', (SELECT '[' || string_agg(format('{"id": %s', i), '}, ') FROM generate_series(1, 9000) i), NULL, NULL),
('text behind it', '[{"id": 1}] x', NULL, NULL),
('broken behind the rows', '{"data": [{"id": 1}], "x": [1, 2}}', '{data}', NULL),
('no comma', (SELECT '[' || string_agg(format('{"id": %s}', i), ' ') || ']' FROM generate_series(1, 9000) i), NULL, NULL),
('a bare value', '[{"id": 1}, 2]', NULL, NULL);
DO $$
DECLARE d document; wanted text; way text; r row_source; other text;
BEGIN
  FOR d IN TABLE document LOOP
    wanted := outcome(from_json(d.content, NULL, NULL, NULL, d.at, d.key_column));
    RAISE INFO '%: %', d.label, wanted;
    r := from_json_file(current_setting('rows.file'), NULL, NULL, NULL, d.at, d.key_column, 'utf8');
    FOREACH way IN ARRAY ARRAY['plain', 'packed', 'two members'] LOOP
      PERFORM write_text(d.content);
      IF way <> 'plain' THEN PERFORM pack(CASE way WHEN 'packed' THEN 1 ELSE 2 END); END IF;
      other := outcome(r);
      IF other <> wanted THEN RAISE WARNING '%: %', way, other; END IF;
    END LOOP;
  END LOOP;
END $$;
-- errors say where
SELECT write_text(E'[{"id": 1},\n{"id": 2},\n{"id": tru}]');
SELECT insert_many('item', from_json_file(:'file'));
SELECT write_text(E'[{"id": 1},\n{"id": 2}\n{"id": 3}]');
SELECT insert_many('item', from_json_file(:'file'));
-- encodings
SELECT write_text('[{"id": 1, "name": "é"}]', 'latin1');
SELECT outcome(from_json_file(:'file', encoding => 'latin1')) = outcome(from_json('[{"id": 1, "name": "é"}]')) AS same;
SELECT outcome(from_json_file(:'file', encoding => 'utf8'));
SELECT outcome(from_json_file(:'file', encoding => 'klingon'));
SELECT write_text(E'id,name\n1,ソ表\n', 'sjis');
SELECT outcome(from_csv_file(:'file', encoding => 'sjis')) = outcome(from_csv(E'id,name\n1,ソ表\n')) AS same;
-- SQL_ASCII promises nothing: what goes into the database must be valid there
SELECT write_text(E'id,name\n1,é\n');
SELECT outcome(from_csv_file(:'file', encoding => 'sql_ascii')) = outcome(from_csv(E'id,name\n1,é\n')) AS same;
SELECT write_text(E'id,name\n1,é\n', 'latin1');
SELECT outcome(from_csv_file(:'file', encoding => 'sql_ascii'));
SELECT write_text('[{"id": 1, "name": "é"}]', 'latin1');
SET client_encoding = 'sql_ascii';
SELECT outcome(from_json_file(:'file'));
RESET client_encoding;

-- what is no file, or not for everyone
SELECT outcome(from_json_file('/nonexistent/file'));
SELECT outcome(from_json_file('relative'));
SELECT outcome(from_json_file('/dev/zero'));
SELECT outcome(from_csv_file('/tmp'));
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -f /tmp/pgsync_row_source_fifo; mkfifo /tmp/pgsync_row_source_fifo';
SELECT outcome(from_csv_file('/tmp/pgsync_row_source_fifo'));
COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -f /tmp/pgsync_row_source_fifo';
CREATE ROLE regress_files;
GRANT USAGE ON SCHEMA row_source_files TO regress_files;
GRANT INSERT ON item TO regress_files;
SET ROLE regress_files;
SELECT insert_many('item', from_json_file('/etc/passwd'));
SELECT insert_many('item', from_csv_file('/etc/passwd'));
RESET ROLE;
DROP OWNED BY regress_files;
DROP ROLE regress_files;

-- CSV's own options, alone and combined
SELECT insert_csv_text('item', E'1,a\n', columns => '[]');
SELECT insert_csv_text('item', E'ID,Name,x\n1,a,b\n2,NA,c\n', columns => '{"ID": "id", "Name": "name"}', ignore_unknown => true, null_strings => '{NA,-}');
SELECT insert_csv_text('item', E'Report "of\n\nid , name\n 3 , c \n 4,\tNA\n5," x "\n', skip_lines => 2, trim_blanks => true, null_strings => '{NA}');
SELECT insert_many('item', from_csv(E'6;"NA"\n7;NA\n', delimiter => ';', header => '{id,name}', null_strings => '{NA}'));
SELECT insert_many('item', from_csv(E'title\r\nid,name\r\n8,x\r', skip_lines => 1));
SELECT insert_many('item', from_csv(E'id,name\n9,x\n\n\n'));
SELECT id, name, name IS NULL AS is_null FROM item ORDER BY id;
SELECT insert_many('item', from_csv(E'id,name\n10,x\n\n11,y\n'));
SELECT insert_many('item', from_csv(E'x\n', skip_lines => -1));
SELECT insert_many('item', from_csv(E'x\n', skip_lines => 2));
SELECT insert_many('item', from_csv(E'x\n', skip_lines => 2147483647));
SELECT insert_many('item', from_csv(E'x\n', skip_lines => 2, header => '{id}'));
SELECT insert_many('item', from_csv(E'1,2\n', header => '{id,""}'));
SELECT insert_many('item', from_csv(E'1,2\n', header => '{id}'));
SELECT insert_many('item', from_csv(E'1\t2\n', delimiter => '\t', header => '{id,name}'));
SELECT from_csv('x', null_strings => '{a,NULL}');
SELECT from_csv('x', header => '{{a}}');

SET client_min_messages = warning;
DROP SCHEMA row_source_files CASCADE;
