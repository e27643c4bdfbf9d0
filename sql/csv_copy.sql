-- insert_csv and insert_csv_text against COPY: the same bytes, read by each,
-- must give the same rows or the same error; and ON CONFLICT DO NOTHING the
-- same through either sink and by hand.
CREATE SCHEMA csv_copy;
SET search_path = csv_copy, public;
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS btree_gist;
RESET client_min_messages;
\getenv abs_builddir PG_ABS_BUILDDIR
\set csv_file :abs_builddir '/results/csv_copy.csv'
SELECT set_config('csv.file', :'csv_file', false) IS NOT NULL AS file_is_set;

CREATE TABLE csv_case (id int GENERATED ALWAYS AS IDENTITY, label text, csv text,
  copy_options text DEFAULT '', options text DEFAULT '', encoding text DEFAULT 'utf8');
CREATE FUNCTION write_file(csv text, encoding text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE object oid := lo_from_bytea(0, convert_to(csv, encoding));
BEGIN
  PERFORM lo_export(object, current_setting('csv.file')), lo_unlink(object);
END $$;

-- Runs a statement that fills table t; returns a digest of its rows, or the
-- error.  Nothing remains.
CREATE TABLE t (a text, b text, c int DEFAULT 7);
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE statement;
  SELECT concat('rows ', count(*), ' ', md5(string_agg(t::text, '|' ORDER BY t::text COLLATE "C"))) INTO result FROM t;
  RAISE SQLSTATE 'DONE0';
EXCEPTION WHEN SQLSTATE 'DONE0' THEN RETURN result;
  WHEN OTHERS THEN RETURN concat(SQLSTATE, ' ', SQLERRM);
END $$;

INSERT INTO csv_case (label, csv) VALUES
('plain', E'a,b,c\n1,2,3\n'),
('no line break at the end', E'a,b,c\n1,2,3'),
('CRLF', E'a,b,c\r\n1,2,3\r\n"x\r\ny","\n",\r\n'),
('CR', E'a,b,c\r1,2,3\r"x\ry",,\r'),
('nulls and empty strings', E'a,b,c\n,"",\n"",,1\n" ", ,2\n'),
('quotes', E'a,b,c\n"x""y","""",1\nx"y z"w,"a"b"c",2\n"""","""""",3\n'),
('delimiters and line breaks in quotes', E'a,b,c\n"1,2","3\n4",5\n"\n\n\n",",,,",6\n'),
('spaces', E'a,b,c\n  x , "y" , 3\n'),
('backslashes', E'a,b,c\n\\N,\\,1\n\\\\,\\n,2\n\\.x,\\.,3\n'),
('wide', E'a,b,c\n' || repeat('x', 200000) || ',"' || repeat('y"",', 100000) || E'",1\nz,z,2\n'),
('many', (SELECT E'a,b,c\n' || string_agg(format(E'%s,"row ""%s""\n",%s\n', i, i, i), '') FROM generate_series(1, 20000) i)),
('long lines over the buffer''s end', (SELECT E'a,b,c\r\n' || string_agg(format(E'"%s","\\",%s\r\n', repeat(chr(8364), i % 997), i), '') FROM generate_series(1, 2000) i)),
('multibyte', E'a,b,c\né,€,1\n𝄞,"ä""ß",2\n'),
('too few fields', E'a,b,c\n1,2,3\n1,2\n'),
('too many fields', E'a,b,c\n1,2,3\n1,2,3,4\n'),
('empty line', E'a,b,c\n1,2,3\n\n4,5,6\n'),
('trailing empty line', E'a,b,c\n1,2,3\n\n'),
('unterminated', E'a,b,c\n1,"2,3\n'),
('mixed line ends', E'a,b,c\n1,2,3\r\n'),
('other mixed line ends', E'a,b,c\r\n1,2,3\n'),
('bad value', E'a,b,c\n1,2,x\n'),
('value out of range', E'a,b,c\n1,2,99999999999\n'),
('integers', E'a,b,c\n1,2,-0\n1,2,007\n1,2," 5 "\n1,2,+3\n1,2,-2147483648\n1,2,2147483647\n');
INSERT INTO csv_case (label, csv, copy_options, options) VALUES
('semicolons', E'a;b;c\n1,2;"3;4";5\n', ', delimiter '';''', ', delimiter => '';'''),
('null string', E'a,b,c\nNULL,"NULL",3\n,null,4\n', ', null ''NULL''', ', null_string => ''NULL'''),
('single quotes', E'a,b,c\n''1,2'',''it''''s'',3\n"x,''"'',4\n', ', quote ''''''''', ', quote => '''''''''),
('escape', E'a,b,c\n"a\\"b","\\\\",1\n"\\x","a\\\\\\"",2\n', ', escape ''\''', ', escape => ''\'''),
('null string in quotes only', E'a,b,c\n-,"-",1\n', ', null ''-''', ', null_string => ''-''');
INSERT INTO csv_case (label, csv, copy_options, options, encoding) VALUES
('latin1', E'a,b,c\né,ÄÖÜ,1\n"ß\n",x,2\n', ', encoding ''latin1''', ', encoding => ''latin1''', 'latin1'),
('latin1 read as utf8', E'a,b,c\nx,y,0\né,ÄÖÜ,1\n', ', encoding ''utf8''', ', encoding => ''utf8''', 'latin1'),
('utf8 read as latin1', E'a,b,c\né,ÄÖÜ,1\n', ', encoding ''latin1''', ', encoding => ''latin1''', 'utf8'),
('cut in a character', E'a,b,c\nx,y,1\nz,ä', '', '', 'latin1'),
('shift jis', E'a,b,c\nソ,表,1\n', ', encoding ''sjis''', ', encoding => ''sjis''', 'sjis');

-- Blank lines at the end are no rows here, where a row has several fields.
CREATE FUNCTION for_copy(csv text) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN csv ~ '^[^,;\r\n]*[\r\n]' THEN csv
    ELSE regexp_replace(csv, '(\r\n|\r(?!\n)|\n)[\r\n]+$', '\1') END $$;

-- Prints each case, and what differs.
DO $$
DECLARE c csv_case; copied text; other text; way text;
BEGIN
  FOR c IN SELECT * FROM csv_case ORDER BY id LOOP
    PERFORM write_file(for_copy(c.csv), c.encoding);
    copied := outcome(format('COPY t FROM %L (FORMAT csv, HEADER%s)', current_setting('csv.file'), c.copy_options));
    RAISE INFO '%: %', c.label, copied;
    PERFORM write_file(c.csv, c.encoding);
    FOREACH way IN ARRAY ARRAY['auto', 'statement'] LOOP
      PERFORM set_config('pgsync.sink', way, true);
      other := outcome(format('SELECT insert_csv(''t'', %L%s)', current_setting('csv.file'), c.options));
      IF other <> copied THEN RAISE WARNING 'insert_csv (%): %', way, other; END IF;
      CONTINUE WHEN c.encoding <> 'utf8' OR c.options LIKE '%encoding%';
      other := outcome(format('SELECT insert_csv_text(''t'', %L%s)', c.csv, c.options));
      IF other <> copied THEN RAISE WARNING 'insert_csv_text (%): %', way, other; END IF;
    END LOOP;
  END LOOP;
END $$;

-- one more column in the file, excluded, is as if it were not there
SELECT write_file((SELECT E'a,x,b,c\n' || string_agg(format(E'%s,"drop\nme, %s","row %s",%s\n', i, i, i, i), '') FROM generate_series(1, 3000) i), 'utf8');
SELECT outcome(format('SELECT insert_csv(''t'', %L, ''{x}'')', :'csv_file')) AS with_column \gset
SELECT write_file((SELECT E'a,b,c\n' || string_agg(format(E'%s,"row %s",%s\n', i, i, i), '') FROM generate_series(1, 3000) i), 'utf8');
SELECT outcome(format('COPY t FROM %L (FORMAT csv, HEADER)', :'csv_file')) = :'with_column' AS same;

-- Awkward files made at random, from a small alphabet: whatever COPY says.
-- (A line of just \. is told apart on purpose, so no line begins with one.)
DO $$
DECLARE alphabet text[] := ARRAY['a', ',', ',', '"', '"', '""', E'\n', E'\r\n', ' ', '1', 'é', '\', '.', ''];
  csv text; names text; copied text; other text; good int := 0; bad int := 0;
BEGIN
  PERFORM setseed(0.4);
  FOR i IN 1..600 LOOP
    names := CASE i % 3 WHEN 0 THEN 'b' ELSE 'b,a' END;
    SELECT names || E'\n' || string_agg(alphabet[1 + floor(random() * array_length(alphabet, 1))::int], '') INTO csv
    FROM generate_series(1, 1 + i % 12);
    CONTINUE WHEN csv ~ '(?n)^\\\.\r?$';
    PERFORM write_file(for_copy(csv), 'utf8');
    copied := outcome(format('COPY t (%s) FROM %L (FORMAT csv, HEADER)', names, current_setting('csv.file')));
    other := outcome(format('SELECT insert_csv_text(''t'', %L)', csv));
    IF copied LIKE 'rows%' THEN good := good + 1; ELSE bad := bad + 1; END IF;
    IF other <> copied THEN RAISE WARNING E'differs for %:\n% / %', to_jsonb(csv), copied, other; END IF;
  END LOOP;
  RAISE INFO 'enough good ones: %, enough bad ones: %', good > 50, bad > 100;
END $$;

-- ON CONFLICT DO NOTHING: each case with some rows there already, in three ways
CREATE TABLE conflict_case (id int GENERATED ALWAYS AS IDENTITY, label text, ddl text, clause text DEFAULT 'ON CONFLICT DO NOTHING',
  input text DEFAULT 'i % 400 AS a, ''row '' || i % 350 AS b, (i * 7) % 500 AS c');
CREATE FUNCTION conflict_outcome(test conflict_case, way text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE rel regclass; part text; number bigint; outcome text;
BEGIN
  CREATE SCHEMA play;
  SET LOCAL search_path = play, csv_copy, public;
  EXECUTE test.ddl;
  -- some rows first, then the input: doublets of them and in itself
  EXECUTE format('CREATE TEMP TABLE input ON COMMIT DROP AS SELECT %s FROM generate_series(1, 3000) i', test.input);
  INSERT INTO t (a, b, c) SELECT a, b, c FROM input WHERE a % 7 = 3 AND b LIKE '%2' ON CONFLICT DO NOTHING;
  IF way = 'insert' THEN
    EXECUTE format('INSERT INTO t AS t (a, b, c) SELECT a, b, c FROM input %s', test.clause);
    GET DIAGNOSTICS number = ROW_COUNT;
  ELSE
    PERFORM set_config('pgsync.sink', way, true);
    number := insert_csv_text('t', (SELECT E'a,b,c\n' || string_agg(format(E'%s,%s,%s\n', a, b, c), '') FROM input), on_conflict => test.clause);
  END IF;
  SET CONSTRAINTS ALL IMMEDIATE;
  outcome := format('%s rows', number);
  FOR rel IN SELECT oid FROM pg_class WHERE relnamespace = 'play'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
    EXECUTE format('SELECT concat(count(*), '' '', md5(string_agg(x::text, ''|'' ORDER BY x::text COLLATE "C"))) FROM %s x', rel) INTO part;
    outcome := concat(outcome, ', ', rel, ' ', part);
  END LOOP;
  RAISE SQLSTATE 'DONE0';
EXCEPTION WHEN SQLSTATE 'DONE0' THEN RETURN outcome;
  WHEN OTHERS THEN RETURN concat(SQLSTATE, ' ', SQLERRM);
END $$;
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO play.log (line) VALUES (concat_ws(' ', tg_when, tg_level, tg_table_name, CASE WHEN tg_level = 'ROW' THEN NEW::text END));
  RETURN NEW;
END $$;

INSERT INTO conflict_case (label, ddl) VALUES
('no index', 'CREATE TABLE play.t (a int, b text, c int)'),
('no unique index', 'CREATE TABLE play.t (a int, b text, c int); CREATE INDEX ON play.t (a)'),
('primary key', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int)'),
('unique with nulls', 'CREATE TABLE play.t (a int, b text, c int, n int GENERATED ALWAYS AS (nullif(a % 3, 0)) STORED, UNIQUE (a, n))'),
('nulls not distinct', 'CREATE TABLE play.t (a int, b text, c int, n int GENERATED ALWAYS AS (nullif(a % 3, 0)) STORED, UNIQUE NULLS NOT DISTINCT (n))'),
('two unique indexes', 'CREATE TABLE play.t (a int UNIQUE, b text UNIQUE, c int)'),
('three, and others', 'CREATE TABLE play.t (a int, b text UNIQUE, c int UNIQUE); CREATE UNIQUE INDEX ON play.t (a, b) INCLUDE (c); CREATE INDEX ON play.t USING gin (to_tsvector(''simple'', b)); CREATE INDEX ON play.t USING hash (c)'),
('partial', 'CREATE TABLE play.t (a int, b text, c int); CREATE UNIQUE INDEX ON play.t (b) WHERE a > 100'),
('expression', 'CREATE TABLE play.t (a int, b text UNIQUE, c int); CREATE UNIQUE INDEX ON play.t ((a % 50))'),
('exclusion', 'CREATE TABLE play.t (a int, b text, c int, EXCLUDE USING gist (int4range(a, a + 3) WITH &&))'),
('exclusion and key', 'CREATE TABLE play.t (a int, b text UNIQUE, c int, EXCLUDE USING gist (a WITH =))'),
('deferrable', 'CREATE TABLE play.t (a int UNIQUE DEFERRABLE, b text, c int)'),
('check', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int CHECK (c < 499))'),
('check broken by a doublet', 'CREATE TABLE play.t (a int PRIMARY KEY, b text CHECK (b <> ''row 200''), c int); INSERT INTO play.t VALUES (200)'),
('generated key', 'CREATE TABLE play.t (a int, b text, c int, k int GENERATED ALWAYS AS (a / 2) STORED PRIMARY KEY)'),
('serial and triggers', 'CREATE TABLE play.log (n serial, line text); CREATE TABLE play.t (s serial, a int PRIMARY KEY, b text, c int); CREATE TRIGGER r AFTER INSERT ON play.t FOR EACH ROW EXECUTE FUNCTION log_it(); CREATE TRIGGER s AFTER INSERT ON play.t EXECUTE FUNCTION log_it(); CREATE TRIGGER b BEFORE INSERT ON play.t EXECUTE FUNCTION log_it()'),
('before row trigger', 'CREATE TABLE play.log (n serial, line text); CREATE TABLE play.t (a int PRIMARY KEY, b text, c int); CREATE TRIGGER r BEFORE INSERT ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()'),
('foreign key to itself', 'CREATE TABLE play.t (a int PRIMARY KEY, b text UNIQUE, c int, d int GENERATED ALWAYS AS (a) STORED REFERENCES play.t)'),
('foreign key, broken', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int REFERENCES play.t)'),
('partitioned', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int) PARTITION BY RANGE (a); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (100); CREATE TABLE play.t2 (c int, x int, b text, a int NOT NULL); ALTER TABLE play.t2 DROP x; ALTER TABLE play.t ATTACH PARTITION play.t2 FOR VALUES FROM (100) TO (300); CREATE TABLE play.t3 PARTITION OF play.t DEFAULT'),
('a unique leaf among others', 'CREATE TABLE play.t (a int, b text, c int) PARTITION BY RANGE (a); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (100); CREATE TABLE play.t2 PARTITION OF play.t (UNIQUE (b)) FOR VALUES FROM (100) TO (300); CREATE TABLE play.t3 PARTITION OF play.t DEFAULT'),
('triggers of leaves, one unique', 'CREATE TABLE play.log (n serial, line text); CREATE TABLE play.t (a int, b text, c int) PARTITION BY LIST (a); CREATE TABLE play.t1 PARTITION OF play.t (UNIQUE (b)) FOR VALUES IN (1, 2, 3, 5); CREATE TABLE play.t2 PARTITION OF play.t FOR VALUES IN (4, 6, 7); CREATE TABLE play.t3 PARTITION OF play.t DEFAULT; CREATE TRIGGER r AFTER INSERT ON play.t1 FOR EACH ROW EXECUTE FUNCTION log_it(); CREATE TRIGGER r AFTER INSERT ON play.t2 FOR EACH ROW EXECUTE FUNCTION log_it(); CREATE TRIGGER s AFTER INSERT ON play.t EXECUTE FUNCTION log_it()'),
('dropped columns', 'CREATE TABLE play.t (x int, a int, y text DEFAULT ''y'', b text, c int UNIQUE); ALTER TABLE play.t DROP x, DROP y'),
('toasted', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int, d text DEFAULT repeat(''long '', 5000)); ALTER TABLE play.t ALTER d SET STORAGE EXTERNAL'),
('unlogged', 'CREATE UNLOGGED TABLE play.t (a int PRIMARY KEY, b text, c int)');
INSERT INTO conflict_case (label, ddl, clause) VALUES
('named arbiter', 'CREATE TABLE play.t (a int UNIQUE, b text, c int)', 'ON CONFLICT (a) DO NOTHING'),
('named arbiter, other index broken', 'CREATE TABLE play.t (a int UNIQUE, b text UNIQUE, c int)', 'ON CONFLICT (a) DO NOTHING'),
('named constraint', 'CREATE TABLE play.t (a int CONSTRAINT k UNIQUE, b text, c int)', 'ON CONFLICT ON CONSTRAINT k DO NOTHING'),
('named arbiter of partitions', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int) PARTITION BY HASH (a); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE play.t2 PARTITION OF play.t FOR VALUES WITH (MODULUS 2, REMAINDER 1)', 'ON CONFLICT (a) DO NOTHING'),
('arbiter not there', 'CREATE TABLE play.t (a int, b text, c int)', 'ON CONFLICT (a) DO NOTHING');

-- keys that ascend: one scan of the index for many rows, where they are close
INSERT INTO conflict_case (label, ddl, input) VALUES
('close keys', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int)', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys, gaps', 'CREATE TABLE play.t (a bigint PRIMARY KEY, b text, c int)', 'i * 3 AS a, ''row '' || i AS b, i AS c'),
('keys too far apart', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int)', 'i * 50 AS a, ''row '' || i AS b, i AS c'),
('close keys, from smallint''s least', 'CREATE TABLE play.t (a smallint PRIMARY KEY, b text, c int)', 'i - 32769 AS a, ''row '' || i AS b, i AS c'),
('close keys, to bigint''s greatest', 'CREATE TABLE play.t (a bigint PRIMARY KEY, b text, c int)', '9223372036854772807 + i AS a, ''row '' || i AS b, i AS c'),
('from end to end of bigint', 'CREATE TABLE play.t (a bigint PRIMARY KEY, b text, c int)', 'CASE WHEN i % 500 = 0 THEN 9223372036854775807 ELSE -9223372036854775808 + i END AS a, ''row '' || i AS b, i AS c'),
('close keys, descending index', 'CREATE TABLE play.t (a int, b text, c int); CREATE UNIQUE INDEX ON play.t (a DESC)', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys of a domain', 'CREATE DOMAIN play.d AS int; CREATE TABLE play.t (a play.d UNIQUE, b text, c int)', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys, some null', 'CREATE TABLE play.t (a int UNIQUE, b text, c int)', 'nullif(i, i / 100 * 100) AS a, ''row '' || i AS b, i AS c'),
('close keys, more columns', 'CREATE TABLE play.t (a int, b text, c int); CREATE UNIQUE INDEX ON play.t (a) INCLUDE (b); CREATE UNIQUE INDEX ON play.t (a, c)', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys, doublets of another', 'CREATE TABLE play.t (a int UNIQUE, b text UNIQUE, c int)', 'i AS a, ''row '' || i % 900 AS b, i AS c'),
('two close keys', 'CREATE TABLE play.t (a int UNIQUE, b text, c int UNIQUE); INSERT INTO play.t SELECT -i, ''c'', i * 5 FROM generate_series(1, 300) i', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys, one doublet', 'CREATE TABLE play.t (a int UNIQUE, b text, c int)', 'CASE i WHEN 1500 THEN 1499 ELSE i END AS a, ''row '' || i AS b, i AS c'),
('close keys, deleted and changed rows', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int); INSERT INTO play.t SELECT i, ''old'' FROM generate_series(1, 2000) i; DELETE FROM play.t WHERE a % 3 = 0; UPDATE play.t SET a = -a WHERE a % 5 = 0; UPDATE play.t SET c = 1 WHERE a % 2 = 0', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys, partitioned', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int) PARTITION BY RANGE (a); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (1000); CREATE TABLE play.t2 (c int, x int, b text, a int NOT NULL); ALTER TABLE play.t2 DROP x; ALTER TABLE play.t ATTACH PARTITION play.t2 FOR VALUES FROM (1000) TO (1300); CREATE TABLE play.t3 PARTITION OF play.t DEFAULT', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys, triggers', 'CREATE TABLE play.log (n serial, line text); CREATE TABLE play.t (a int PRIMARY KEY, b text, c int); CREATE TRIGGER r AFTER INSERT ON play.t FOR EACH ROW WHEN (NEW.a > 1000) EXECUTE FUNCTION log_it(); CREATE TRIGGER s AFTER INSERT ON play.t EXECUTE FUNCTION log_it()', 'i AS a, ''row '' || i AS b, i AS c'),
('close keys, a value too long for an index', 'CREATE TABLE play.t (a int PRIMARY KEY, b text, c int); CREATE INDEX ON play.t (b)', 'i AS a, CASE i WHEN 2500 THEN (SELECT string_agg(md5(j::text), '''') FROM generate_series(1, 200) j) ELSE ''row '' || i END AS b, i AS c');

DO $$
DECLARE test conflict_case; auto text; statement text; hand text;
BEGIN
  FOR test IN SELECT * FROM conflict_case ORDER BY id LOOP
    auto := conflict_outcome(test, 'auto');
    statement := conflict_outcome(test, 'statement');
    hand := conflict_outcome(test, 'insert');
    RAISE INFO '%: %', test.label, auto;
    IF statement <> auto THEN RAISE WARNING 'the statement sink differs: %', statement; END IF;
    IF hand <> auto THEN RAISE WARNING 'a hand-written INSERT differs: %', hand; END IF;
  END LOOP;
END $$;

-- which sink DO NOTHING takes, and that a transaction's snapshot is respected
CREATE TABLE keyed (a int PRIMARY KEY, b text);
CREATE TABLE free (a int, b text);
-- how entries go into indexes depends on the server's version
SET pgsync.index_batches = off;
SET client_min_messages = debug1;
SELECT insert_csv_text('keyed', E'a,b\n1,x\n1,y\n');
SELECT insert_csv_text('free', E'a,b\n1,x\n1,y\n');
SELECT insert_csv_text('keyed', E'a,b\n1,x\n', on_conflict => 'ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT insert_csv_text('keyed', E'a,b\n1,z\n2,z\n2,again\n');
COMMIT;
RESET client_min_messages;
RESET pgsync.index_batches;
TABLE keyed;
-- no dead rows are left by rows that are skipped
SELECT insert_csv_text('keyed', (SELECT E'a,b\n' || string_agg(i % 10 || E',x\n', '') FROM generate_series(1, 5000) i));
SELECT pg_relation_size('keyed') = current_setting('block_size')::int AS one_page, count(*) FROM keyed;

SET client_min_messages = warning;
DROP SCHEMA csv_copy CASCADE;
