-- restore_tables: what is put back, how, and what is refused
SET client_min_messages = warning;
CREATE SCHEMA restoring;
SET search_path = restoring, public;
CREATE SCHEMA restoring_tools;
CREATE EXTENSION amcheck SCHEMA restoring_tools;

-- Restores, and says of each table touched how: "in place" keeps the file.
CREATE FUNCTION restore_ways(schema_name name)
RETURNS TABLE(restored text, way text) LANGUAGE plpgsql AS $$
DECLARE
  before jsonb;
  changed text[];
BEGIN
  SELECT jsonb_object_agg(oid::text, pg_relation_filenode(oid)) INTO before
  FROM pg_class WHERE relkind IN ('r', 'p', 'S');
  changed := restore_tables(schema_name);
  RETURN QUERY
    SELECT c.oid::regclass::text,
           CASE WHEN c.relkind = 'p' THEN 'partitioned'
                WHEN before->>c.oid::text = pg_relation_filenode(c.oid)::text
                THEN 'in place' ELSE 'new file' END
           || CASE WHEN e IS NULL THEN ', not reported' ELSE '' END
    FROM pg_class c LEFT JOIN unnest(changed) e ON e::regclass = c.oid
    WHERE e IS NOT NULL OR c.relkind IN ('r', 'S')
      AND before->>c.oid::text <> pg_relation_filenode(c.oid)::text
    ORDER BY 1;
END $$;

-- Rows that differ from the copy, and what amcheck says of heap and indexes.
CREATE FUNCTION differences(t regclass, copy regclass) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  -- the composite types differ, so that rows are compared as text
  FOR r IN EXECUTE format(
    'SELECT 1 AS n, x.x FROM (SELECT t::text AS x FROM ONLY %1$s t EXCEPT ALL SELECT t::text FROM %2$s t) x
     UNION ALL
     SELECT 2, x.x FROM (SELECT t::text AS x FROM %2$s t EXCEPT ALL SELECT t::text FROM ONLY %1$s t) x', t, copy)
  LOOP
    RETURN NEXT (ARRAY['too many: ', 'missing: '])[r.n] || r.x;
  END LOOP;
  IF (SELECT relpersistence FROM pg_class WHERE oid = t) <> 't' THEN
    RETURN QUERY SELECT msg FROM restoring_tools.verify_heapam(t);
  END IF;
  PERFORM restoring_tools.bt_index_check(indexrelid, true)
    FROM pg_index JOIN pg_class ON oid = indexrelid
    WHERE indrelid = t AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree');
END $$;

CREATE FUNCTION try(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text; hint text; context text;
BEGIN
  EXECUTE query;
  RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
    context = PG_EXCEPTION_CONTEXT;
  RETURN concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''),
                   substring(context FROM 'restoring table [^\n]*'));
END $$;
\pset format unaligned
\pset tuples_only on

CREATE TABLE author (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE book (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                   author int REFERENCES author ON DELETE CASCADE, title text);
INSERT INTO author (name) SELECT 'author ' || i FROM generate_series(1, 20) i;
INSERT INTO book (author, title) SELECT i, 'title ' || i FROM generate_series(1, 20) i;
SELECT save_tables('{author, book}', 'base');

\echo == nothing has changed
SELECT restore_tables('base');
SELECT restore_tables('base');
\echo == a few changes, in place
UPDATE book SET title = 'other' WHERE id = 3;
SELECT * FROM restore_ways('base');
DELETE FROM author WHERE id = 5;
INSERT INTO author (name) VALUES ('new'), ('newer');
SELECT * FROM restore_ways('base');
SELECT * FROM differences('author', 'base.author') UNION ALL SELECT * FROM differences('book', 'base.book');
SELECT currval('author_id_seq') IS NOT NULL, nextval('author_id_seq');
\echo == only a sequence has moved
SELECT * FROM restore_ways('base');
SELECT setval('author_id_seq', 1, false);
SELECT * FROM restore_ways('base');
SELECT last_value, is_called FROM author_id_seq;
SELECT restore_tables('base');
\echo == everything has gone, or many rows are new
TRUNCATE author CASCADE;
SELECT * FROM restore_ways('base');
SELECT * FROM differences('author', 'base.author') UNION ALL SELECT * FROM differences('book', 'base.book');
INSERT INTO author (name) SELECT 'many ' || i FROM generate_series(1, 5000) i;
SELECT * FROM restore_ways('base');
SELECT * FROM differences('author', 'base.author');
SELECT restore_tables('base');
\echo == rolled back, by what was done and by the restoring
BEGIN;
UPDATE author SET name = name || '!';
DELETE FROM book;
SAVEPOINT s;
SELECT restore_tables('base');
SELECT restore_tables('base');
SELECT * FROM differences('author', 'base.author') UNION ALL SELECT * FROM differences('book', 'base.book');
ROLLBACK TO s;
SELECT count(*) FROM book;
SELECT restore_tables('base');
INSERT INTO author (name) VALUES ('once more');
SELECT restore_tables('base');
ROLLBACK;
-- the pages were written, the rows are the same
SELECT restore_tables('base');
BEGIN;
DELETE FROM book WHERE id = 7;
COMMIT;
BEGIN;
SELECT restore_tables('base');
SELECT count(*) FROM book;
ROLLBACK;
SELECT count(*) FROM book;
SELECT restore_tables('base');
\echo == VACUUM, FREEZE, CLUSTER, REINDEX and the like change no row
VACUUM (FREEZE) author, book;
SELECT restore_tables('base');
ANALYZE author, book;
SELECT restore_tables('base');

VACUUM FULL author;
SELECT restore_tables('base');
CLUSTER book USING book_pkey;
SELECT restore_tables('base');
REINDEX TABLE book;
SELECT restore_tables('base');
UPDATE author SET name = name;
SELECT restore_tables('base');
SELECT id FROM author WHERE id = 2 FOR UPDATE;
SELECT restore_tables('base');
ALTER TABLE book SET UNLOGGED;
SELECT restore_tables('base');
SELECT restore_tables('base');
ALTER TABLE author RENAME TO writer;
ALTER TABLE writer ALTER name SET DEFAULT 'nobody';
CREATE INDEX ON book (title);
UPDATE book SET title = '' WHERE id = 1;
SELECT restore_tables('base');
ALTER TABLE writer RENAME TO author;
SELECT * FROM differences('author', 'base.author') UNION ALL SELECT * FROM differences('book', 'base.book');
\echo == no trigger fires
CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE WARNING '% %', TG_OP, TG_LEVEL; RETURN NULL; END $$;
CREATE TRIGGER row BEFORE INSERT OR UPDATE OR DELETE ON book FOR EACH ROW EXECUTE FUNCTION loud();
CREATE TRIGGER statement BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON book EXECUTE FUNCTION loud();
ALTER TABLE book DISABLE TRIGGER row;
DELETE FROM book WHERE id = 1;
ALTER TABLE book ENABLE TRIGGER row;
SELECT * FROM restore_ways('base');
DROP TRIGGER row ON book;
DROP TRIGGER statement ON book;
DROP FUNCTION loud();

\echo == the copy is edited
UPDATE base.author SET name = 'edited' WHERE id = 20;
SELECT * FROM restore_ways('base');
SELECT name FROM author WHERE id = 20;
SELECT restore_tables('base');
INSERT INTO base.book VALUES (100, 20, 'added');
DELETE FROM base.book WHERE id < 3;
SELECT * FROM restore_ways('base');
SELECT count(*), max(id) FROM book;
SELECT nextval('book_id_seq');
UPDATE base.pgsync_saved_sequences SET last_value = 100 WHERE table_id = 'book'::regclass;
SELECT * FROM restore_ways('base');
SELECT nextval('book_id_seq');
\echo == edited copies are checked
BEGIN;
UPDATE base.book SET author = 99 WHERE id = 10;
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
BEGIN;
DELETE FROM base.author WHERE id = 3;
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
BEGIN;
UPDATE base.author SET name = 'author 2' WHERE id = 1;
SELECT try($$SELECT restore_tables('base')$$);
TRUNCATE author CASCADE;
INSERT INTO author (name) SELECT 'many ' || i FROM generate_series(1, 5000) i;
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
BEGIN;
ALTER TABLE base.author ALTER id DROP NOT NULL;
UPDATE base.author SET id = NULL WHERE id = 1;
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
SELECT restore_tables('base');

\echo == a reference out of the set
SELECT save_tables('{book}', 'books');
DELETE FROM author WHERE id = 4;
SELECT try($$SELECT restore_tables('books')$$);
SELECT count(*) FROM book;
INSERT INTO author VALUES (4, 'another');
SELECT restore_tables('books');
-- the referenced table is read with its owner's rights
CREATE ROLE regress_books;
GRANT ALL ON SCHEMA restoring TO regress_books;
GRANT REFERENCES ON author TO regress_books;
SET ROLE regress_books;
CREATE TABLE own_book (id int PRIMARY KEY, author int REFERENCES author ON DELETE CASCADE);
INSERT INTO own_book VALUES (1, 4), (2, 5), (3, NULL);
RESET ROLE;
CREATE SCHEMA own_books AUTHORIZATION regress_books;
SET ROLE regress_books;
SELECT save_tables('{own_book}', 'own_books');
DELETE FROM own_book WHERE id = 1;
SELECT restore_tables('own_books');
RESET ROLE;
DELETE FROM author WHERE id = 5;
SET ROLE regress_books;
SELECT try($$SELECT restore_tables('own_books')$$);
RESET ROLE;
\echo == a reference into the set
SELECT try($$SELECT restore_tables('base')$$);
DELETE FROM own_book;
SELECT restore_tables('base');
DROP SCHEMA own_books CASCADE;
DROP TABLE own_book;
REVOKE ALL ON SCHEMA restoring FROM regress_books;
REVOKE ALL ON author FROM regress_books;
DROP ROLE regress_books;
DROP SCHEMA books CASCADE;

\echo == definitions that have changed
CREATE FUNCTION changed_by(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE change;
  result := try($r$SELECT restore_tables('base')$r$);
  RAISE EXCEPTION SQLSTATE 'UNDO0';
EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
  RETURN result;
END $$;
SELECT changed_by('ALTER TABLE book ADD isbn text');
SELECT changed_by('ALTER TABLE book DROP title');
SELECT changed_by('ALTER TABLE book RENAME title TO name');
SELECT changed_by('ALTER TABLE book ALTER title SET NOT NULL');
SELECT changed_by('ALTER TABLE book ALTER title TYPE varchar(100)');
SELECT changed_by('ALTER TABLE book ALTER title TYPE text COLLATE "C"');
SELECT changed_by('ALTER TABLE book ALTER id SET GENERATED BY DEFAULT');
SELECT changed_by('ALTER TABLE book ADD CONSTRAINT short CHECK (length(title) < 100)');
SELECT changed_by('ALTER TABLE book DROP CONSTRAINT book_author_fkey');
SELECT changed_by('ALTER TABLE book ALTER CONSTRAINT book_author_fkey DEFERRABLE');
SELECT changed_by('ALTER TABLE author ADD EXCLUDE (id WITH =)');
SELECT changed_by('CREATE TABLE book_too () INHERITS (book)');
SELECT changed_by('DROP TABLE book');
SELECT changed_by('DROP TABLE book; CREATE TABLE book (id int)');
SELECT changed_by('ALTER TABLE book ALTER id DROP IDENTITY');
SELECT changed_by('DROP SEQUENCE author_id_seq CASCADE');
-- back and forth is no change
SELECT changed_by('ALTER TABLE book RENAME title TO name; ALTER TABLE book RENAME name TO title');
SELECT changed_by('ALTER TABLE book DROP title; ALTER TABLE book ADD title text');
BEGIN;
ALTER TABLE book DROP title;
ALTER TABLE book ADD title text;
SELECT * FROM restore_ways('base');
SELECT count(title) FROM book;
COMMIT;
SELECT * FROM differences('author', 'base.author') UNION ALL
  SELECT id || title FROM book EXCEPT SELECT id || title FROM base.book;
-- columns that exchange their names, in the table or in its copy
CREATE TABLE pair (a text, b text);
INSERT INTO pair VALUES ('a', 'b');
SELECT save_tables('{pair}', 'pairs');
ALTER TABLE pair RENAME a TO c;
ALTER TABLE pair RENAME b TO a;
ALTER TABLE pair RENAME c TO b;
SELECT restore_tables('pairs');
SELECT a, b FROM pair;
ALTER TABLE pairs.pair RENAME a TO c;
ALTER TABLE pairs.pair RENAME b TO a;
ALTER TABLE pairs.pair RENAME c TO b;
SELECT restore_tables('pairs');
SELECT a, b FROM pair;
SELECT restore_tables('pairs');
DROP SCHEMA pairs CASCADE;
SELECT restore_tables('base');

\echo == sets that have been tampered with
SELECT changed_by('DROP TABLE base.book');
SELECT changed_by('DROP TABLE base.book; CREATE VIEW base.book AS TABLE book');
SELECT changed_by('ALTER TABLE base.book ADD more int');
SELECT changed_by('ALTER TABLE base.book DROP title');
SELECT changed_by('ALTER TABLE base.book ALTER title TYPE varchar');
SELECT changed_by('ALTER TABLE base.book SET UNLOGGED');
SELECT changed_by('CREATE ROLE regress_o; GRANT CREATE ON SCHEMA base TO regress_o; ALTER TABLE base.book OWNER TO regress_o');
SELECT changed_by('DROP TABLE base.pgsync_saved_tables');
SELECT changed_by('DROP TABLE base.pgsync_saved_set');
SELECT changed_by('DROP TABLE base.pgsync_saved_definitions');
SELECT changed_by('DROP TABLE base.pgsync_saved_sequences');
SELECT changed_by('ALTER TABLE base.pgsync_saved_tables ADD x int');
SELECT changed_by('CREATE INDEX ON base.pgsync_saved_tables (table_id)');
SELECT changed_by('DELETE FROM base.pgsync_saved_set');
SELECT changed_by('INSERT INTO base.pgsync_saved_tables SELECT * FROM base.pgsync_saved_tables');
SELECT changed_by('UPDATE base.pgsync_saved_tables SET table_id = NULL');
SELECT changed_by('UPDATE base.pgsync_saved_tables SET copy_name = NULL');
SELECT changed_by('UPDATE base.pgsync_saved_sequences SET is_called = NULL');
-- without the looks, or with others, all rows are compared
UPDATE base.pgsync_saved_tables SET look = NULL;
SELECT restore_tables('base');
UPDATE base.pgsync_saved_tables SET look = '\x00';
SELECT restore_tables('base');
UPDATE base.pgsync_saved_set SET definitions = '\x00';
SELECT restore_tables('base');
-- a column of the copy can be moved
ALTER TABLE base.author ADD x text;
UPDATE base.author SET x = name;
ALTER TABLE base.author DROP name;
SELECT try($$SELECT restore_tables('base')$$);
CREATE TABLE base.moved AS SELECT x AS name, id FROM base.author;
DROP TABLE base.author;
ALTER TABLE base.moved RENAME TO author;
SELECT restore_tables('base');
SELECT * FROM differences('book', 'base.book');

\echo == in use, and where nothing may be written
SELECT try($$SELECT restore_tables(NULL)$$);
SELECT try($$SELECT restore_tables('nowhere')$$);
SELECT try($$SELECT restore_tables('public')$$);
BEGIN READ ONLY;
SELECT restore_tables('base');
ROLLBACK;
BEGIN;
DECLARE c CURSOR FOR TABLE author;
FETCH 1 FROM c;
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
ALTER TABLE book ALTER CONSTRAINT book_author_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT save_tables('{author, book}', 'base');
BEGIN;
INSERT INTO book (author) VALUES (77);
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
SELECT restore_tables('base');

\echo == from a function that is called by a query over other tables
CREATE FUNCTION restored() RETURNS text LANGUAGE sql AS $$ SELECT restore_tables('base')::text $$;
DELETE FROM book WHERE id = 20;
SELECT restored(), n FROM generate_series(1, 2) n;
DROP SCHEMA base CASCADE;
DROP TABLE book, author;

\echo == partitions, inheritance
CREATE TABLE pk (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE pk1 PARTITION OF pk FOR VALUES FROM (0) TO (10);
CREATE TABLE pk2 PARTITION OF pk FOR VALUES FROM (10) TO (20);
CREATE TABLE fk (id serial, pk int REFERENCES pk, k int) PARTITION BY LIST (k);
CREATE TABLE fk1 PARTITION OF fk FOR VALUES IN (1);
CREATE TABLE fk2 PARTITION OF fk FOR VALUES IN (2);
INSERT INTO pk SELECT generate_series(1, 19);
INSERT INTO fk (pk, k) SELECT i, i % 2 + 1 FROM generate_series(1, 19) i;
SELECT save_tables('{pk, fk}', 'base');
SELECT save_tables('{fk}', 'only_fk');
UPDATE fk SET k = 1 WHERE id IN (1, 2);
DELETE FROM fk WHERE id = 12;
SELECT * FROM restore_ways('base');
SELECT * FROM differences('fk1', 'base.fk1') UNION ALL SELECT * FROM differences('fk2', 'base.fk2');
DELETE FROM fk WHERE pk > 15;
DELETE FROM pk WHERE id > 15;
SELECT try($$SELECT restore_tables('only_fk')$$);
SELECT * FROM restore_ways('base');
-- a key to a partitioned table is checked against all of its partitions
UPDATE base.fk1 SET pk = 18 WHERE pk = 1;
UPDATE base.fk2 SET pk = 1 WHERE pk = 19;
SELECT restore_tables('base');
BEGIN;
UPDATE base.fk1 SET k = 2 WHERE k = 1;
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
SELECT changed_by('ALTER TABLE fk DETACH PARTITION fk2');
SELECT changed_by('CREATE TABLE fk3 PARTITION OF fk FOR VALUES IN (3)');
SELECT changed_by('ALTER TABLE fk DETACH PARTITION fk2; ALTER TABLE fk ATTACH PARTITION fk2 FOR VALUES IN (2, 3)');
SELECT changed_by('ALTER TABLE fk DETACH PARTITION fk2; ALTER TABLE fk ATTACH PARTITION fk2 FOR VALUES IN (2)');
SELECT save_tables('{fk2}', 'one_partition');
DELETE FROM fk;
SELECT restore_tables('one_partition');
SELECT count(*), min(k) FROM fk;
-- a partition more of the referenced table is no change of the referencing one
CREATE TABLE pk3 PARTITION OF pk FOR VALUES FROM (20) TO (30);
SELECT try($$SELECT restore_tables('only_fk')$$);
DROP SCHEMA base, only_fk, one_partition CASCADE;
DROP TABLE fk, pk;
CREATE TABLE parent (id serial PRIMARY KEY, t text);
CREATE TABLE child (more int) INHERITS (parent);
INSERT INTO parent (t) VALUES ('p');
INSERT INTO child (t, more) VALUES ('c', 1);
SELECT save_tables('{parent}', 'base');
UPDATE parent SET t = 'x';
SELECT * FROM restore_ways('base');
SELECT tableoid::regclass, t FROM parent ORDER BY 2;
DROP SCHEMA base CASCADE;

\echo == rows without a key, often the same; no columns
CREATE TABLE heap (a int, b text);
CREATE TABLE nothing ();
INSERT INTO heap SELECT i % 3, NULL FROM generate_series(1, 30) i;
INSERT INTO nothing DEFAULT VALUES;
SELECT save_tables('{heap, nothing}', 'base');
DELETE FROM heap WHERE ctid IN (SELECT ctid FROM heap WHERE a = 1 LIMIT 4);
INSERT INTO heap VALUES (2, NULL), (2, NULL), (2, ''), (NULL, NULL);
INSERT INTO nothing DEFAULT VALUES;
SELECT * FROM restore_ways('base');
SELECT a, b, count(*) FROM heap GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM nothing;
DELETE FROM nothing;
SELECT * FROM restore_ways('base');
SELECT count(*) FROM nothing;
DROP SCHEMA base CASCADE;

\echo == toasted values, dropped columns, generated columns, constraints of all kinds
CREATE TABLE wide (gone int, id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, compressed text, external text,
  twice int GENERATED ALWAYS AS (id * 2) STORED, period int4range,
  EXCLUDE USING gist (period WITH &&), CHECK (id > 0));
ALTER TABLE wide ALTER external SET STORAGE EXTERNAL;
INSERT INTO wide (gone, id, compressed, external, period)
  SELECT 0, i, repeat(i::text || 'compressed', 2000), repeat(i::text || ' ', 5000), int4range(i, i + 1)
  FROM generate_series(1, 12) i;
ALTER TABLE wide DROP gone, ADD late int DEFAULT 7;
CREATE INDEX ON wide (twice) WHERE id > 5;
CREATE INDEX ON wide USING gin (to_tsvector('simple', external));
SELECT save_tables('{wide}', 'base');
SELECT restore_tables('base');
-- the same values, stored in another way
UPDATE wide SET compressed = compressed || '', external = external || '';
SELECT restore_tables('base');
UPDATE wide SET external = external || 'x' WHERE id = 3;
UPDATE wide SET compressed = left(compressed, -1) || 'x' WHERE id = 4;
DELETE FROM wide WHERE id = 5;
UPDATE wide SET id = 20, period = 'empty' WHERE id = 6;
SELECT * FROM restore_ways('base');
SELECT * FROM differences('wide', 'base.wide');
SELECT id, twice, late, md5(external) = md5(repeat(id::text || ' ', 5000)) FROM wide WHERE id BETWEEN 3 AND 6 ORDER BY 1;
-- without a replica identity it gets a new file, if changes are decoded
ALTER TABLE wide REPLICA IDENTITY FULL;
UPDATE wide SET external = external || 'x' WHERE id = 3;
UPDATE wide SET compressed = left(compressed, -1) || 'x' WHERE id = 4;
DELETE FROM wide WHERE id = 5;
UPDATE wide SET id = 20, period = 'empty' WHERE id = 6;
SELECT * FROM restore_ways('base');
SELECT * FROM differences('wide', 'base.wide');
-- keys that change places
UPDATE wide SET id = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id < 3;
SELECT * FROM restore_ways('base');
SELECT * FROM differences('wide', 'base.wide');
TRUNCATE wide;
INSERT INTO wide (id) SELECT generate_series(1, 5000);
SELECT * FROM restore_ways('base');
SELECT * FROM differences('wide', 'base.wide');
SELECT count(*) FROM wide WHERE to_tsvector('simple', external) @@ '3'::tsquery;
BEGIN;
UPDATE base.wide SET period = '[1,9)' WHERE id = 12;
SELECT left(try($$SELECT restore_tables('base')$$), 90);
TRUNCATE wide;
INSERT INTO wide (id) SELECT generate_series(1, 5000);
SELECT left(try($$SELECT restore_tables('base')$$), 90);
ROLLBACK;
BEGIN;
UPDATE base.wide SET id = 0 WHERE id = 12;
SELECT left(try($$SELECT restore_tables('base')$$), 90);
UPDATE base.wide SET id = 11 WHERE id = 0;
SELECT try($$SELECT restore_tables('base')$$);
ROLLBACK;
-- a check that has become stricter behind pgsync's back
CREATE FUNCTION fine(text) RETURNS bool IMMUTABLE LANGUAGE sql RETURN true;
CREATE TABLE checked (t text CHECK (fine(t)));
INSERT INTO checked VALUES ('old');
SELECT save_tables('{checked}', 'checks');
CREATE OR REPLACE FUNCTION fine(text) RETURNS bool IMMUTABLE LANGUAGE sql RETURN $1 = 'new';
SELECT restore_tables('checks');
DELETE FROM checked;
SELECT try($$SELECT restore_tables('checks')$$);
DROP SCHEMA base, checks CASCADE;

\echo == unlogged and temporary tables, without WAL
CREATE UNLOGGED TABLE unlogged (id serial PRIMARY KEY, t text);
INSERT INTO unlogged (t) SELECT i FROM generate_series(1, 20) i;
CREATE TEMP TABLE temporary (id int PRIMARY KEY, t text);
INSERT INTO temporary SELECT i, i FROM generate_series(1, 20) i;
CREATE TEMP TABLE fleeting (t text) ON COMMIT DELETE ROWS;
SELECT save_tables('{unlogged, temporary, fleeting}', 'base') IS NOT NULL;
CREATE FUNCTION restored_names() RETURNS text LANGUAGE sql AS
  $$ SELECT regexp_replace(restore_tables('base')::text, 'pg_temp_\d+', 'pg_temp', 'g') $$;
SELECT restored_names();
UPDATE unlogged SET t = 'x' WHERE id = 3;
DELETE FROM temporary WHERE id = 4;
SELECT restored_names();
SELECT * FROM differences('unlogged', 'base.unlogged') UNION ALL SELECT * FROM differences('temporary', 'base.temporary');
SELECT restored_names();
-- in one transaction, by one command after the other
BEGIN;
INSERT INTO fleeting VALUES ('gone soon');
UPDATE unlogged SET t = 'y' WHERE id = 3;
SELECT restored_names();
UPDATE unlogged SET t = 'z' WHERE id = 3;
SELECT restored_names();
DELETE FROM unlogged WHERE id = 3;
SAVEPOINT s;
SELECT restored_names();
ROLLBACK TO s;
SELECT restored_names();
SELECT restored_names();
SELECT id FROM unlogged WHERE id = 8 FOR UPDATE;
SELECT restored_names();
DELETE FROM unlogged WHERE id = 8;
SELECT restored_names();
COMMIT;
SELECT restored_names();
VACUUM FREEZE unlogged, temporary;
SELECT restored_names();
TRUNCATE temporary;
INSERT INTO unlogged (t) SELECT i FROM generate_series(1, 3000) i;
SELECT restored_names();
SELECT * FROM differences('unlogged', 'base.unlogged') UNION ALL SELECT * FROM differences('temporary', 'base.temporary');
SELECT restored_names();
DROP SCHEMA base CASCADE;

\echo == sequences of all kinds
CREATE TABLE seqs (a serial, b int GENERATED ALWAYS AS IDENTITY (INCREMENT -2 START 100 MAXVALUE 200),
                   c bigserial, d int);
CREATE SEQUENCE cached CACHE 10 OWNED BY seqs.d;
CREATE SEQUENCE not_owned;
INSERT INTO seqs (d) VALUES (1), (2);
SELECT setval('seqs_c_seq', 9223372036854775807);
SELECT nextval('not_owned');
SELECT save_tables('{seqs}', 'base');
SELECT nextval('seqs_a_seq'), nextval('seqs_b_seq'), setval('seqs_c_seq', 5), nextval('not_owned');
SELECT * FROM restore_ways('base');
SELECT a.last_value, a.is_called, b.last_value, b.is_called, c.last_value, c.is_called, n.last_value
  FROM seqs_a_seq a, seqs_b_seq b, seqs_c_seq c, not_owned n;
-- one with a cache may have given numbers to others
SELECT * FROM restore_ways('base');
SELECT nextval('cached');
SELECT nextval('cached');
SELECT restore_tables('base');
SELECT nextval('cached');
-- positions that the sequence does not allow any more
ALTER SEQUENCE seqs_a_seq MINVALUE 0 MAXVALUE 1 START 1 RESTART;
SELECT try($$SELECT restore_tables('base')$$);
ALTER SEQUENCE seqs_a_seq NO MAXVALUE;
SELECT try($$SELECT restore_tables('base')$$);
BEGIN;
SELECT nextval('seqs_a_seq');
SELECT restore_tables('base');
SELECT nextval('seqs_a_seq');
ROLLBACK;
SELECT last_value, is_called FROM seqs_a_seq;
DROP SCHEMA base CASCADE;

\echo == an order of its own, within work_mem and beyond
CREATE TABLE ordered (id int PRIMARY KEY, r float8, t text);
SELECT setseed(0.5);
INSERT INTO ordered SELECT i, random(), repeat('x', 100) FROM generate_series(1, 3000) i;
CREATE INDEX by_r ON ordered (r);
SELECT save_tables('{ordered}', 'base');
CLUSTER ordered USING by_r;
SELECT * FROM restore_ways('base');
SET work_mem = 64;
UPDATE base.pgsync_saved_tables SET look = NULL;
SELECT * FROM restore_ways('base');
SELECT * FROM differences('ordered', 'base.ordered');
RESET work_mem;
SELECT restore_tables('base');
\echo == no bloat, whatever the number of rounds
CREATE TABLE rounds (id serial PRIMARY KEY, t text UNIQUE, k int);
CREATE INDEX ON rounds (k);
INSERT INTO rounds (t, k) SELECT i, i FROM generate_series(1, 50) i;
SELECT save_tables('{rounds}', 'rounded');
CREATE PROCEDURE go_round(n int) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..n LOOP
    UPDATE rounds SET t = 'changed ' || id, k = i WHERE id % 5 = 0;
    COMMIT;
    PERFORM restore_tables('rounded');
    COMMIT;
  END LOOP;
END $$;
SET synchronous_commit = off;
CALL go_round(400);
SELECT pg_relation_size('rounds') < 30 * 8192, pg_indexes_size('rounds') < 80 * 8192,
       pg_relation_size('rounded.pgsync_saved_tables') < 30 * 8192;
SELECT * FROM differences('rounds', 'rounded.rounds');
SELECT restore_tables('rounded');

SET client_min_messages = error;
DROP SCHEMA restoring, restoring_tools, base, rounded CASCADE;
