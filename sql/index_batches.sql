-- Index entries placed a leaf at a time against entries made one by one: every
-- case runs with both values of pgsync.index_batches, and what is left behind
-- must be the same: rows in their order, or else the error with the row that
-- it names.  amcheck looks at each index and table, and finds every row in
-- every index.
CREATE SCHEMA index_batches;
SET search_path = index_batches, public;
CREATE EXTENSION amcheck SCHEMA index_batches;
CREATE EXTENSION btree_gist SCHEMA index_batches;
CREATE TABLE batch_case (id int GENERATED ALWAYS AS IDENTITY,
                         label text, ddl text, input text, more text DEFAULT '');

-- What is wrong with the relations in a schema, after amcheck.
CREATE FUNCTION check_all(schema_name name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE rel record; wrong text;
BEGIN
  FOR rel IN SELECT c.oid, c.relkind, a.amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam
      WHERE relnamespace = schema_name::regnamespace AND relkind IN ('r', 'i') ORDER BY relname
  LOOP
    IF rel.amname = 'btree' THEN
      PERFORM bt_index_parent_check(rel.oid, true, true);
    ELSIF rel.relkind = 'r' THEN
      SELECT msg INTO wrong FROM verify_heapam(rel.oid) LIMIT 1;
      IF FOUND THEN RETURN wrong; END IF;
    END IF;
  END LOOP;
  RETURN 'sound';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLERRM;
END $$;

-- Runs a case one way, in a subtransaction that is rolled back.  Where
-- wal_level is logical, unlogged tables get unique entries in another way.
CREATE FUNCTION run_case(c batch_case, setting text, unlogged bool, OUT outcome text, OUT left_over jsonb, OUT checked text)
LANGUAGE plpgsql AS $$
DECLARE rows text; detail text; context text; constr text; rel regclass; part jsonb;
BEGIN
  CREATE SCHEMA play;
  SET LOCAL search_path = play, index_batches, public;
  EXECUTE CASE WHEN unlogged AND c.ddl !~ 'PARTITION BY' THEN replace(c.ddl, 'CREATE TABLE', 'CREATE UNLOGGED TABLE') ELSE c.ddl END;
  EXECUTE 'SELECT jsonb_agg(to_jsonb(x))::text FROM (' || c.input || ') x' INTO rows;
  BEGIN
    PERFORM set_config('pgsync.index_batches', setting, true);
    EXECUTE 'SELECT insert_many(''t'', $1' || c.more || ')' INTO outcome USING rows;
    SET CONSTRAINTS ALL IMMEDIATE;
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT, constr = CONSTRAINT_NAME;
    outcome := concat_ws(' ', SQLSTATE, SQLERRM);
    left_over := jsonb_build_array(detail, constr, substring(context from '(?n)^(?:at or before )?rows? .*$'));
  END;
  IF left_over IS NULL THEN
    left_over := '{}';
    FOR rel IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'play'::regnamespace ORDER BY relname LOOP
      EXECUTE format('SELECT jsonb_agg(x::text ORDER BY ctid) FROM ONLY %s x', rel) INTO part;
      left_over := left_over || jsonb_build_object(rel, part);
    END LOOP;
  END IF;
  checked := check_all('play');
  RAISE SQLSTATE 'PLAY0';
EXCEPTION WHEN SQLSTATE 'PLAY0' THEN
  NULL;
END $$;

-- Numbers in an order that looks random, the same everywhere.
CREATE FUNCTION scattered(n int) RETURNS TABLE (i int) LANGUAGE sql AS $$
  SELECT i FROM generate_series(1, n) i ORDER BY md5(i::text) $$;

-- Orders of keys, on the rightmost leaf and on others
INSERT INTO batch_case (label, ddl, input) VALUES
('ascending', 'CREATE TABLE t (a int PRIMARY KEY, b text)', 'SELECT i AS a, ''row '' || i AS b FROM generate_series(1, 3000) i'),
('ascending, between others', 'CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT i * 10 FROM generate_series(1, 3000) i',
 'SELECT i * 2 + 1 AS a FROM generate_series(1, 3000) i'),
('descending', 'CREATE TABLE t (a int PRIMARY KEY, b text)', 'SELECT 5000 - i AS a FROM generate_series(1, 3000) i'),
('descending index', 'CREATE TABLE t (a int, b text); CREATE UNIQUE INDEX ON t (a DESC)', 'SELECT 5000 - i AS a FROM generate_series(1, 3000) i'),
('scattered', 'CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b)', 'SELECT i AS a, i AS b FROM scattered(3000) i'),
('runs', 'CREATE TABLE t (a int PRIMARY KEY, b text)', 'SELECT i % 10 * 1000 + i / 10 AS a FROM generate_series(1, 3000) i ORDER BY i % 10, i'),
('a few rows', 'CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b)', 'SELECT i AS a, 9 - i AS b FROM generate_series(1, 5) i'),
('several levels', 'CREATE TABLE t (a text); CREATE INDEX ON t (a)', 'SELECT md5(i::text) || repeat(''x'', 400) AS a FROM generate_series(1, 3000) i'),
-- Kinds of index
('many equals', 'CREATE TABLE t (a int, b text); CREATE INDEX ON t (a); CREATE INDEX ON t (b)', 'SELECT i % 7 AS a, ''b'' || i % 3 AS b FROM generate_series(1, 6000) i'),
('many equals, not deduplicated', 'CREATE TABLE t (a int, b text); CREATE INDEX ON t (a) WITH (deduplicate_items = off)', 'SELECT i % 7 AS a FROM generate_series(1, 6000) i'),
('fillfactor', 'CREATE TABLE t (a int PRIMARY KEY WITH (fillfactor = 50), b int); CREATE INDEX ON t (b) WITH (fillfactor = 50)', 'SELECT i AS a, i % 100 AS b FROM generate_series(1, 3000) i'),
('nulls', 'CREATE TABLE t (a int, b int UNIQUE); CREATE INDEX ON t (a); CREATE INDEX ON t (a NULLS FIRST)', 'SELECT nullif(i % 5, 0) AS a, CASE WHEN i % 3 > 0 THEN i END AS b FROM generate_series(1, 3000) i'),
('nulls only', 'CREATE TABLE t (a int, b int UNIQUE)', 'SELECT NULL AS b FROM generate_series(1, 3000)'),
('several columns', 'CREATE TABLE t (a int, b text, c int); CREATE INDEX ON t (a DESC, b); CREATE INDEX ON t (b, a DESC NULLS LAST, c); CREATE UNIQUE INDEX ON t (c, a)',
 'SELECT nullif(i % 11, 4) AS a, nullif(''b'' || i % 13, ''b5'') AS b, i AS c FROM generate_series(1, 3000) i'),
('unique over several columns, nulls', 'CREATE TABLE t (a int, b int, UNIQUE (a, b))', 'SELECT i / 100 AS a, nullif(i % 100, 99) AS b FROM generate_series(1, 3000) i'),
('INCLUDE', 'CREATE TABLE t (a int, b text, c int); CREATE UNIQUE INDEX ON t (a) INCLUDE (b, c); CREATE INDEX ON t (c) INCLUDE (b)',
 'SELECT i AS a, nullif(''b'' || i, ''b7'') AS b, i % 9 AS c FROM generate_series(1, 3000) i'),
('NULLS NOT DISTINCT', 'CREATE TABLE t (a int, b int, UNIQUE NULLS NOT DISTINCT (b, a))', 'SELECT i AS a, nullif(i, 2000) AS b FROM generate_series(1, 2000) i'),
('NULLS NOT DISTINCT, two nulls', 'CREATE TABLE t (a int, b int UNIQUE NULLS NOT DISTINCT)', 'SELECT nullif(nullif(i, 900), 1500) AS b FROM generate_series(1, 2000) i'),
('partial, expressions', 'CREATE TABLE t (a int, b text); CREATE INDEX ON t (a) WHERE a % 2 = 0; CREATE INDEX ON t (lower(b)); CREATE INDEX ON t (b)',
 'SELECT i AS a, ''B'' || i AS b FROM generate_series(1, 2000) i'),
('other access methods', 'CREATE TABLE t (a int PRIMARY KEY, b text, c int); CREATE INDEX ON t USING hash (b); CREATE INDEX ON t USING gist (a); CREATE INDEX ON t USING brin (a); CREATE INDEX ON t (c)',
 'SELECT i AS a, ''b'' || i AS b, i % 10 AS c FROM generate_series(1, 2000) i'),
('deferrable', 'CREATE TABLE t (a int UNIQUE DEFERRABLE, b int PRIMARY KEY)', 'SELECT i AS a, i AS b FROM generate_series(1, 2000) i'),
('deferred, violated', 'CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b int PRIMARY KEY)', 'SELECT i % 1700 AS a, i AS b FROM generate_series(1, 2000) i'),
('exclusion', 'CREATE TABLE t (a int, b int, EXCLUDE USING btree (a WITH =)); CREATE INDEX ON t (b)', 'SELECT i AS a, i % 5 AS b FROM generate_series(1, 2000) i'),
('exclusion, violated', 'CREATE TABLE t (a int PRIMARY KEY, b int, EXCLUDE USING gist (b WITH =))', 'SELECT i AS a, i % 1234 AS b FROM generate_series(1, 2000) i'),
('unlogged', 'CREATE UNLOGGED TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b)', 'SELECT i AS a, i % 100 AS b FROM generate_series(1, 3000) i'),
('temporary', 'CREATE TEMP TABLE t (a int PRIMARY KEY, b int) ON COMMIT DROP; CREATE INDEX ON t (b)', 'SELECT i AS a, i % 100 AS b FROM generate_series(1, 3000) i'),
('partitions', 'CREATE TABLE t (a int PRIMARY KEY, b text) PARTITION BY RANGE (a); CREATE INDEX ON t (b); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1500); CREATE TABLE t2 (b text, a int NOT NULL); ALTER TABLE t ATTACH PARTITION t2 DEFAULT',
 'SELECT i AS a, ''b'' || i % 40 AS b FROM scattered(3000) i');
-- Kinds of key
INSERT INTO batch_case (label, ddl, input)
SELECT type, format('CREATE TABLE t (a %s, b int); CREATE INDEX ON t (a); CREATE UNIQUE INDEX ON t (b, a)', type),
       format('SELECT (%s)::%s AS a, i AS b FROM generate_series(1, 2000) i', value, type)
FROM (VALUES ('int2', 'i * 7 % 1000'), ('int8', 'i * 7919 % 1009 - 500'), ('float8', 'CASE WHEN i % 50 = 0 THEN ''NaN'' ELSE (i * 7 % 100)::text END'),
  ('numeric', 'i * 7919 % 1009 / 7.0'), ('numeric(10,2)', 'i * 7 % 100'), ('bool', 'i % 2 = 0'), ('uuid', 'md5(i::text)'), ('bytea', '''\x'' || md5(i::text)'),
  ('date', '''2024-01-01''::date + i * 7 % 365'), ('timestamptz', '''2024-01-01''::timestamptz + i * 7 % 365 * interval ''1 h'''),
  ('interval', 'i * 7 % 365 * interval ''1 h'''), ('char(9)', 'i * 7 % 100'), ('name', '''n'' || i % 100'), ('jsonb', 'jsonb_build_object(''k'', i % 50)'),
  ('inet', '''10.0.0.'' || i % 250'), ('varbit', '(i % 64)::bit(6)'), ('int[]', 'ARRAY[i % 9, i]'), ('int4range', 'int4range(i % 9, 100)'), ('oid', 'i % 100')) v(type, value);
INSERT INTO batch_case (label, ddl, input)
SELECT 'text, ' || label, format('CREATE TABLE t (a text COLLATE %s, b int); CREATE INDEX ON t (a); CREATE INDEX ON t (a DESC, b)', coll),
       'SELECT CASE i % 3 WHEN 0 THEN ''ä'' WHEN 1 THEN ''Z'' ELSE ''a-'' END || md5((i % 700)::text) AS a, i AS b FROM generate_series(1, 2000) i'
FROM (VALUES ('byte by byte', '"C"'), ('by the default', '"default"'),
  ('by a locale', coalesce((SELECT min(quote_ident(collname)) FROM pg_collation WHERE collname = 'und-x-icu'), '"default"'))) v(label, coll);
INSERT INTO batch_case (label, ddl, input) VALUES
('text_pattern_ops', 'CREATE TABLE t (a text); CREATE INDEX ON t (a text_pattern_ops)', 'SELECT md5(i::text) AS a FROM generate_series(1, 2000) i'),
('enum, domain', 'CREATE TYPE e AS ENUM (''x'', ''y''); ALTER TYPE e ADD VALUE ''w'' BEFORE ''x''; CREATE DOMAIN d AS int CHECK (value > 0); CREATE TABLE t (a e, b d); CREATE INDEX ON t (a); CREATE UNIQUE INDEX ON t (b)',
 'SELECT CASE i % 2 WHEN 0 THEN ''x'' ELSE ''y'' END AS a, i AS b FROM generate_series(1, 2000) i'),
-- Errors, and which row they name
('equal in a batch', 'CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b)', 'SELECT CASE i WHEN 700 THEN 650 ELSE i END AS a, i AS b FROM generate_series(1, 2000) i'),
('equal neighbours', 'CREATE TABLE t (a int PRIMARY KEY)', 'SELECT CASE i WHEN 701 THEN 700 ELSE i END AS a FROM generate_series(1, 2000) i'),
('equal in batches apart', 'CREATE TABLE t (a int PRIMARY KEY)', 'SELECT CASE i WHEN 2500 THEN 100 ELSE i END AS a FROM generate_series(1, 3000) i'),
('equal to rows there', 'CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (900), (500), (501)', 'SELECT i AS a FROM generate_series(1, 2000) i'),
('equal to rows there, descending', 'CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (900), (500), (501)', 'SELECT 2001 - i AS a FROM generate_series(1, 2000) i'),
('equal in two indexes', 'CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE); INSERT INTO t VALUES (900, 0), (-1, 300)', 'SELECT i AS a, i AS b FROM generate_series(1, 2000) i'),
('equal in the second index first', 'CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE); INSERT INTO t VALUES (900, 0), (-1, 1700)', 'SELECT i AS a, 2001 - i AS b FROM generate_series(1, 2000) i'),
('equal to rows deleted', 'CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t SELECT i FROM generate_series(1, 1000) i; DELETE FROM t WHERE a % 3 > 0', 'SELECT i AS a FROM generate_series(1, 2000) i WHERE i % 3 > 0'),
('too large', 'CREATE TABLE t (a int PRIMARY KEY, b text); CREATE INDEX ON t (b)', 'SELECT i AS a, CASE i WHEN 800 THEN (SELECT string_agg(md5(j::text), '''') FROM generate_series(1, 300) j) ELSE ''b'' END AS b FROM generate_series(1, 1000) i'),
('too large, after an equal one', 'CREATE TABLE t (b text, a int PRIMARY KEY); CREATE INDEX ON t (b); INSERT INTO t (a) VALUES (300)', 'SELECT i AS a, CASE i WHEN 400 THEN (SELECT string_agg(md5(j::text), '''') FROM generate_series(1, 300) j) ELSE ''b'' END AS b FROM generate_series(1, 1000) i'),
('large, and just small enough', 'CREATE TABLE t (a int PRIMARY KEY, b text); CREATE INDEX ON t (b)', 'SELECT i AS a, (SELECT string_agg(md5((i * j)::text), '''') FROM generate_series(1, i % 80 + 1) j) AS b FROM generate_series(1, 600) i'),
('a foreign key to itself', 'CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t); CREATE INDEX ON t (b)', 'SELECT i AS a, nullif(i / 2, 0) AS b FROM generate_series(1, 2000) i'),
('triggers', 'CREATE TABLE log (line text); CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b); CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN INSERT INTO play.log SELECT concat_ws('''' '''', NEW.a, (SELECT count(*) FROM play.t WHERE b = NEW.b)); RETURN NULL; END''; CREATE TRIGGER r AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION log_it()',
 'SELECT i AS a, i % 50 AS b FROM generate_series(1, 1500) i');

-- Rows that are skipped
INSERT INTO batch_case (more, label, ddl, input)
SELECT ', ''ON CONFLICT DO NOTHING''', 'DO NOTHING: ' || label, ddl, input FROM (VALUES
('all new', 'CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b)', 'SELECT i AS a, i % 9 AS b FROM generate_series(1, 3000) i'),
('all new, in no order', 'CREATE TABLE t (a int, b text PRIMARY KEY); CREATE INDEX ON t (a)', 'SELECT i AS a, md5(i::text) AS b FROM scattered(3000) i'),
('some are there', 'CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t SELECT i * 7 FROM generate_series(1, 300) i', 'SELECT i AS a, i % 9 AS b FROM generate_series(1, 3000) i'),
('all are there', 'CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t SELECT i FROM generate_series(1, 3000) i', 'SELECT i AS a, i % 9 AS b FROM scattered(3000) i'),
('some were there', 'CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t SELECT i FROM generate_series(1, 3000) i; DELETE FROM t WHERE a % 3 > 0', 'SELECT i AS a, i % 9 AS b FROM generate_series(1, 3000) i'),
('some come twice', 'CREATE TABLE t (a int PRIMARY KEY, b int)', 'SELECT i % 2500 AS a, i AS b FROM generate_series(1, 3000) i'),
('neighbours that come twice', 'CREATE TABLE t (a int PRIMARY KEY, b int)', 'SELECT i / 2 AS a, i AS b FROM generate_series(1, 3000) i'),
('two keys', 'CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE, c int); INSERT INTO t VALUES (100, 2000), (200, -1)', 'SELECT i AS a, i * 7919 % 3001 AS b, i % 5 AS c FROM generate_series(1, 3000) i'),
('two keys, one of which comes twice', 'CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE)', 'SELECT i AS a, i % 2999 AS b FROM generate_series(1, 3000) i'),
('nulls', 'CREATE TABLE t (a int UNIQUE, b int, c int UNIQUE)', 'SELECT nullif(i % 1000, 7) AS a, i AS b, CASE WHEN i % 3 = 0 THEN i END AS c FROM generate_series(1, 2000) i'),
('NULLS NOT DISTINCT', 'CREATE TABLE t (a int, b int, UNIQUE NULLS NOT DISTINCT (b, a))', 'SELECT nullif(i % 1000, 7) AS a, i % 1500 AS b FROM generate_series(1, 2000) i'),
('other indexes', 'CREATE TABLE t (a int PRIMARY KEY, b text); CREATE INDEX ON t (lower(b)); CREATE INDEX ON t USING hash (b); CREATE INDEX ON t (a DESC) WHERE a % 2 = 0', 'SELECT i AS a, ''b'' || i AS b FROM generate_series(1, 2000) i'),
('a partial unique index', 'CREATE TABLE t (a int PRIMARY KEY, b int); CREATE UNIQUE INDEX ON t (b) WHERE b < 100', 'SELECT i AS a, i % 150 AS b FROM generate_series(1, 2000) i'),
('an exclusion constraint', 'CREATE TABLE t (a int PRIMARY KEY, b int, EXCLUDE USING gist (b WITH =))', 'SELECT i AS a, i % 150 AS b FROM generate_series(1, 500) i'),
('too large', 'CREATE TABLE t (a int PRIMARY KEY, b text UNIQUE)', 'SELECT i AS a, CASE i WHEN 800 THEN (SELECT string_agg(md5(j::text), '''') FROM generate_series(1, 300) j) ELSE ''b'' || i END AS b FROM generate_series(1, 1000) i'),
('a large value elsewhere', 'CREATE TABLE t (a int PRIMARY KEY, b text)', 'SELECT i AS a, CASE WHEN i % 100 = 0 THEN (SELECT string_agg(md5((i * j)::text), '''') FROM generate_series(1, 300) j) END AS b FROM scattered(1000) i'),
('triggers', 'CREATE TABLE log (line text); CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (77); CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN INSERT INTO play.log VALUES (NEW.a); RETURN NULL; END''; CREATE TRIGGER r AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION log_it()', 'SELECT i AS a, i % 50 AS b FROM scattered(1500) i'),
('partitions', 'CREATE TABLE t (a int PRIMARY KEY, b text) PARTITION BY HASH (a); CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t2 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1)', 'SELECT i AS a FROM generate_series(1, 500) i')
) v(label, ddl, input);
INSERT INTO batch_case (more, label, ddl, input) VALUES
(', ''ON CONFLICT (a) DO NOTHING''', 'ON CONFLICT (a), another key has rows wait', 'CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE)', 'SELECT i % 500 AS a, CASE i WHEN 400 THEN 300 ELSE i END AS b FROM generate_series(1, 1000) i'),
(', on_error => ''ignore''', 'bad rows skipped', 'CREATE TABLE t (a int PRIMARY KEY, b int CHECK (b <> 77), c int UNIQUE)', 'SELECT CASE WHEN i % 500 = 0 THEN i - 1 ELSE i END AS a, i % 700 AS b, 4000 - i AS c FROM generate_series(1, 3000) i'),
(', on_error => ''ignore''', 'bad rows skipped, foreign key', 'CREATE TABLE up (id int PRIMARY KEY); INSERT INTO up SELECT i FROM generate_series(1, 90) i; CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES up)', 'SELECT i AS a, i % 95 AS b FROM generate_series(1, 2000) i'),
(', ''ON CONFLICT DO NOTHING'', on_error => ''ignore''', 'bad rows and conflicts skipped', 'CREATE TABLE t (a int PRIMARY KEY, b int CHECK (b <> 77))', 'SELECT i % 2000 AS a, i % 700 AS b FROM generate_series(1, 3000) i'),
('', 'two keys, in no order', 'CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE, c int UNIQUE)', 'SELECT i AS a, i * 7919 % 3001 AS b, CASE WHEN i % 4 > 0 THEN i END AS c FROM scattered(3000) i'),
('', 'two keys, equal to rows deleted', 'CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE); INSERT INTO t SELECT i, i FROM generate_series(1, 3000) i; DELETE FROM t', 'SELECT i AS a, 3001 - i AS b FROM generate_series(1, 3000) i');

-- Outcomes as they must be, and whether all is the same
SELECT label, regexp_replace(a.outcome, '[0-9]+ exceeds', 'N exceeds') AS outcome, CASE WHEN left(a.outcome, 1) = '2' AND a.left_over ->> 2 IS NOT NULL THEN a.left_over ->> 2 END AS context,
       (a.outcome, a.left_over) IS NOT DISTINCT FROM (o.outcome, o.left_over) AS same,
       (u.outcome, u.left_over) IS NOT DISTINCT FROM (o.outcome, o.left_over) AS unlogged,
       nullif(a.checked, 'sound') AS wrong, nullif(u.checked, 'sound') AS wrong_unlogged, nullif(o.checked, 'sound') AS wrong_off
FROM batch_case c, run_case(c, 'auto', false) a, run_case(c, 'auto', true) u, run_case(c, 'off', false) o ORDER BY id;

-- Posting lists whose ranges have gaps, that TIDs taken into use again fall into
CREATE SCHEMA play;
CREATE TABLE play.auto (a int, b text) WITH (autovacuum_enabled = off);
CREATE INDEX ON play.auto (a);
CREATE INDEX ON play.auto (b, a);
INSERT INTO play.auto SELECT i % 5, 'b' || i % 3 FROM generate_series(1, 20000) i;
CREATE TABLE play.off (LIKE play.auto INCLUDING ALL) WITH (autovacuum_enabled = off);
INSERT INTO play.off SELECT * FROM play.auto;
DELETE FROM play.auto WHERE ctid::text ~ '[2-5]\)';
DELETE FROM play.off WHERE ctid::text ~ '[2-5]\)';
VACUUM play.auto, play.off;
SET pgsync.index_batches = auto;
SELECT insert_many('play.auto', jsonb_agg(jsonb_build_object('a', i % 6, 'b', 'b' || i % 4))) FROM generate_series(1, 5000) i;
SET pgsync.index_batches = off;
SELECT insert_many('play.off', jsonb_agg(jsonb_build_object('a', i % 6, 'b', 'b' || i % 4))) FROM generate_series(1, 5000) i;
SELECT check_all('play');
SELECT count(*) FROM (SELECT ctid, * FROM play.auto EXCEPT SELECT ctid, * FROM play.off) x;
-- Entries of deleted rows that scans have marked dead, and pages that vacuum has emptied and deleted
DELETE FROM play.auto WHERE a < 4;
SET enable_seqscan = off;
SELECT count(*) FROM play.auto WHERE a < 4;
RESET enable_seqscan;
SET pgsync.index_batches = auto;
SELECT insert_many('play.auto', jsonb_agg(jsonb_build_object('a', i % 7, 'b', 'b' || i % 4))) FROM generate_series(1, 5000) i;
VACUUM play.auto;
SELECT insert_many('play.auto', jsonb_agg(jsonb_build_object('a', i % 7, 'b', 'b' || i % 4))) FROM generate_series(1, 5000) i;
SELECT check_all('play');

-- Serializable transactions, subtransactions that are rolled back
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT insert_many('play.auto', jsonb_agg(jsonb_build_object('a', i % 7, 'b', 'c' || i % 4))) FROM generate_series(1, 2000) i;
SAVEPOINT s;
SELECT insert_many('play.auto', jsonb_agg(jsonb_build_object('a', i % 7, 'b', 'd' || i % 4))) FROM generate_series(1, 2000) i;
ROLLBACK TO s;
SELECT insert_many('play.auto', jsonb_agg(jsonb_build_object('a', i % 7, 'b', 'e' || i % 4))) FROM generate_series(1, 2000) i;
COMMIT;
SELECT left(b, 1), count(*) FROM play.auto GROUP BY 1 ORDER BY 1;
SELECT check_all('play');

-- Bad rows are skipped as without
CREATE TABLE play.picky (a int PRIMARY KEY, b int CHECK (b <> 77));
CREATE INDEX ON play.picky (b);
SELECT insert_many('play.picky', jsonb_agg(jsonb_build_object('a', CASE WHEN i % 500 = 0 THEN i - 1 ELSE i END, 'b', i % 700)), on_error => 'ignore') FROM generate_series(1, 3000) i;
SELECT count(*), sum(a) FROM play.picky;
SELECT check_all('play');

DROP SCHEMA play CASCADE;
RESET pgsync.index_batches;
DROP SCHEMA index_batches CASCADE;
