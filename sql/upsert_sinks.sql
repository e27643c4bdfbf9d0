-- upsert_many of 1.0, whose rows are all ON CONFLICT's, in three ways: with
-- rows that are there updated by pgsync where it can, all by the executor, and
-- by hand, a statement a row.  What is left behind must be the same: rows,
-- sequences, trigger logs, or else the error.
CREATE SCHEMA upsert_sinks;
SET search_path = upsert_sinks, public;
CREATE FUNCTION upsert_many_1_0(target regclass, data jsonb, key_columns text[] DEFAULT NULL,
    update_columns text[] DEFAULT NULL, merge_columns text[] DEFAULT NULL)
RETURNS TABLE (inserted bigint, updated bigint)
LANGUAGE C AS '$libdir/pgsync', 'upsert_many_jsonb';
CREATE EXTENSION btree_gist SCHEMA upsert_sinks;
CREATE TABLE upsert_case (id int GENERATED ALWAYS AS IDENTITY, label text, ddl text,
    input jsonb, merge text DEFAULT '{}', by_hand boolean DEFAULT true);

-- For triggers: logs when it fired, for what, and how many rows it sees.
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE seen bigint;
BEGIN
  SELECT count(*) INTO seen FROM play.t;
  INSERT INTO play.log (line) VALUES (concat_ws(' ', tg_when, tg_level, tg_op, tg_name, seen,
    CASE WHEN tg_level = 'ROW' AND tg_op = 'UPDATE' THEN OLD::text END,
    CASE WHEN tg_level = 'ROW' THEN NEW::text END));
  RETURN NEW;
END $$;
-- Volatile: sees what the running statement has done so far.
CREATE FUNCTION rows_stored() RETURNS bigint VOLATILE LANGUAGE plpgsql AS
$$ BEGIN RETURN (SELECT count(*) FROM play.t); END $$;

-- Everything in play: each relation's rows.
CREATE FUNCTION contents() RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE rel regclass; part jsonb; result jsonb := '{}';
BEGIN
  FOR rel IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = 'play'::regnamespace ORDER BY relname
  LOOP
    IF EXISTS (SELECT FROM pg_sequence WHERE seqrelid = rel) THEN
      EXECUTE format('SELECT jsonb_build_array(last_value, is_called) FROM %s', rel) INTO part;
    ELSE
      EXECUTE format('SELECT jsonb_agg(to_jsonb(x) ORDER BY to_jsonb(x)) FROM ONLY %s x', rel) INTO part;
    END IF;
    result := result || jsonb_build_object(rel, part);
  END LOOP;
  RETURN result;
END $$;

-- A row by hand: INSERT of what it names, ON CONFLICT UPDATE of the same.
CREATE FUNCTION upsert_by_hand(r jsonb, merge text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE names text; sets text;
BEGIN
  SELECT string_agg(quote_ident(k), ', '),
    string_agg(CASE WHEN k = ANY (merge) THEN format('%1$I = coalesce(t.%1$I, ''{}'') || coalesce(EXCLUDED.%1$I, ''{}'')', k)
      ELSE format('%1$I = EXCLUDED.%1$I', k) END, ', ') FILTER (WHERE k <> 'id')
  INTO names, sets FROM jsonb_object_keys(r) k;
  EXECUTE format('INSERT INTO t AS t (%s) SELECT %1$s FROM jsonb_populate_record(NULL::t, $1) ON CONFLICT (id) DO %s',
    names, 'UPDATE SET ' || sets) USING r;
END $$;

-- Runs a case one way, in a subtransaction that is rolled back.
CREATE FUNCTION run_case(c upsert_case, way text, OUT outcome text, OUT context text, OUT left_over jsonb)
LANGUAGE plpgsql AS $$
DECLARE state text; message text; detail text; hint text; relation text; constr text;
BEGIN
  CREATE SCHEMA play;
  CREATE TABLE play.log (n serial, line text);
  SET LOCAL search_path = play, upsert_sinks, public;
  EXECUTE c.ddl;
  SET CONSTRAINTS ALL DEFERRED;  -- the case before has made them immediate
  BEGIN
    IF way = 'hand' THEN
      PERFORM upsert_by_hand(r, c.merge::text[]) FROM jsonb_array_elements(c.input) r;
    ELSE
      PERFORM set_config('pgsync.sink', way, true);
      SELECT concat(inserted, ' inserted, ', updated, ' updated') INTO outcome
      FROM upsert_many_1_0('t', c.input, '{id}', merge_columns => c.merge::text[]);
    END IF;
    SET CONSTRAINTS ALL IMMEDIATE;
    left_over := contents();
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
      detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT,
      relation = TABLE_NAME, constr = CONSTRAINT_NAME;
    outcome := concat_ws(' ', state, message);
    context := substring(context from '(?n)^(?:at or before )?rows? .*$');  -- pgsync's part
    left_over := jsonb_build_array(detail, hint, relation, constr);
  END;
  RAISE SQLSTATE 'PLAY0';
EXCEPTION WHEN SQLSTATE 'PLAY0' THEN
  NULL;
END $$;

-- Rows 1 to n, of which "have" are there already.
CREATE FUNCTION many(n int, extra jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('id', i, 'a', i * 10, 'b', 'new ' || i) || extra) FROM generate_series(1, n) i $$;
CREATE FUNCTION have(n int) RETURNS text LANGUAGE sql AS $$
  SELECT format('; INSERT INTO play.t (id, a, b) SELECT i, i, ''old '' || i FROM generate_series(1, %s) i', n) $$;

INSERT INTO upsert_case (label, ddl, input) VALUES
('rows that are there', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(1500), many(1500)),
('a key without NOT NULL', 'CREATE TABLE play.t (id int UNIQUE, a int, b text)' || have(3), many(5)),
('new ones in between', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(300) || '; DELETE FROM play.t WHERE id % 7 = 3', many(400)),
('naming this and that', 'CREATE TABLE play.t (id int PRIMARY KEY, a int DEFAULT 5, b text DEFAULT ''none'', c int)' || have(4),
 '[{"id": 1, "a": 9}, {"id": 2, "b": null}, {"id": 3, "c": 3}, {"id": 4, "a": null, "c": 4}, {"id": 5, "c": 5}, {"id": 5, "a": 6}, {"id": 1, "b": "x", "a": 1}]'),
('a key again and again', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(2),
 (SELECT jsonb_agg(jsonb_build_object('id', 1 + i % 3, 'a', i)) FROM generate_series(1, 900) i)),
('key of text', 'CREATE TABLE play.t (id text COLLATE "C" PRIMARY KEY, a int, b text)' || have(3), '[{"id": "1", "a": 7}, {"id": "x", "a": 1}, {"id": "X", "a": 2}, {"id": "x", "b": "y"}]'),
('other indexes', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text); CREATE INDEX ON play.t (lower(b)); CREATE INDEX ON play.t USING hash (b); CREATE INDEX ON play.t (b) WHERE a > 50' || have(50), many(100)),
('summarizing index', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text) WITH (fillfactor = 30); CREATE INDEX ON play.t USING brin (a)' || have(50), many(50)),
('broken unique of another column', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text)' || have(50), '[{"id": 1, "a": 100}, {"id": 2, "a": 101}, {"id": 3, "a": 50}]'),
('deferred unique, broken in between', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b text)' || have(3), '[{"id": 1, "a": 2}, {"id": 2, "a": 1}, {"id": 3, "a": 4}]'),
('deferred unique, broken', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE DEFERRABLE INITIALLY DEFERRED, b text)' || have(3), '[{"id": 1, "a": 7}, {"id": 2, "a": 3}]'),
('exclusion', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, EXCLUDE USING gist (a WITH =))' || have(3), '[{"id": 1, "a": 7}, {"id": 2, "a": 8}, {"id": 3, "a": 7}]'),
('check of the row proposed', 'CREATE TABLE play.t (id int PRIMARY KEY, a int NOT NULL, b text)' || have(3), '[{"id": 1, "a": 7, "b": "x"}, {"id": 2, "b": "y"}]'),
('check of the row proposed, later', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, CHECK (a IS NOT NULL))' || have(3), '[{"id": 1, "a": 7}, {"id": 2, "a": 5}, {"id": 3, "b": "y"}]'),
('check of the new version', 'CREATE TABLE play.t (id int PRIMARY KEY, a int DEFAULT 0, b text DEFAULT '''', CHECK (a < 3 OR b <> ''x''))' || have(3), '[{"id": 1, "b": "x"}, {"id": 2, "b": "x"}, {"id": 3, "b": "x"}]'),
('volatile check', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, CHECK (rows_stored() < 5))' || have(3), many(6)),
('generated', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, g int GENERATED ALWAYS AS (a * 2) STORED CHECK (g < 5000), h text GENERATED ALWAYS AS (b || id) STORED UNIQUE)' || have(40), many(60)),
('generated, check broken', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, g int GENERATED ALWAYS AS (a * 2) STORED CHECK (g < 500))' || have(40), many(60)),
('identity always', 'CREATE TABLE play.t (n int GENERATED ALWAYS AS IDENTITY, id int PRIMARY KEY, a int, b text)' || have(3), many(5)),
('defaults', 'CREATE DOMAIN play.d AS int DEFAULT 7 CHECK (value > 3); CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, c serial, d play.d, e bigint DEFAULT rows_stored())' || have(3), many(5) || '[{"id": 2, "d": 4}, {"id": 3, "e": null}]'),
('domain, broken', 'CREATE DOMAIN play.d AS int CHECK (value > 3); CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, d play.d)' || have(3), '[{"id": 1, "d": 4}, {"id": 2, "d": 5}, {"id": 3, "d": 3}]'),
('dropped columns', 'CREATE TABLE play.t (x int, id int PRIMARY KEY, y text DEFAULT ''y'', a int, b text, z int); ALTER TABLE play.t DROP x, DROP y, DROP z' || have(3), many(5)),
('column added with default', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; ALTER TABLE play.t ADD c int DEFAULT 5', many(5) || '[{"id": 1, "c": 1}]'),
('toasted', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, c text); ALTER TABLE play.t ALTER b SET STORAGE EXTERNAL, ALTER c SET STORAGE EXTERNAL' || have(9) || '; UPDATE play.t SET c = repeat(''long '' || id, 2000)', (SELECT jsonb_agg(jsonb_build_object('id', i % 9, 'b', repeat('also ' || i, 2000))) FROM generate_series(1, 30) i) || '[{"id": 3, "a": 1}, {"id": 4, "a": 1}]'),
('before update trigger', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER r BEFORE UPDATE ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()', many(5)),
('before insert trigger', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER r BEFORE INSERT ON play.t FOR EACH ROW EXECUTE FUNCTION log_it()', many(5)),
('foreign key', 'CREATE TABLE play.u (a int PRIMARY KEY); INSERT INTO play.u SELECT generate_series(0, 100); CREATE TABLE play.t (id int PRIMARY KEY, a int REFERENCES play.u, b text)' || have(5), many(10)),
('foreign key, broken', 'CREATE TABLE play.u (a int PRIMARY KEY); INSERT INTO play.u SELECT generate_series(0, 40); CREATE TABLE play.t (id int PRIMARY KEY, a int REFERENCES play.u, b text)' || have(5), many(5)),
('referenced by others', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text)' || have(5) || '; CREATE TABLE play.u (a int REFERENCES play.t (a) ON UPDATE CASCADE, id int REFERENCES play.t); INSERT INTO play.u VALUES (1, 1), (3, 3)', '[{"id": 1, "a": 71}, {"id": 2, "a": 72}, {"id": 3, "a": 73}, {"id": 3, "b": "x"}]'),
('referenced by others, broken', 'CREATE TABLE play.t (id int PRIMARY KEY, a int UNIQUE, b text)' || have(5) || '; CREATE TABLE play.u (a int REFERENCES play.t (a)); INSERT INTO play.u VALUES (1), (3)', '[{"id": 2, "a": 72}, {"id": 4, "a": 75}, {"id": 3, "a": 73}]'),
('inheritance parent', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TABLE play.u () INHERITS (play.t); INSERT INTO play.u VALUES (4)', many(5)),
('partition', 'CREATE TABLE play.p (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t PARTITION OF play.p FOR VALUES FROM (0) TO (100)' || have(3), many(5)),
('partitioned', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id); CREATE TABLE play.t1 PARTITION OF play.t FOR VALUES FROM (0) TO (4); CREATE TABLE play.t2 PARTITION OF play.t DEFAULT' || have(6), many(9)),
('unlogged', 'CREATE UNLOGGED TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3), many(5)),
('conversion error', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3), many(3) || '[{"id": 3, "a": "x"}]');
INSERT INTO upsert_case (label, ddl, input, merge) VALUES
('merged', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text, doc jsonb)' || have(3) || '; UPDATE play.t SET doc = ''{"old": 1, "k": 0}'' WHERE id < 3',
 '[{"id": 1, "doc": {"k": 1}}, {"id": 2, "a": 1}, {"id": 2, "doc": null}, {"id": 3, "doc": {"k": 3}}, {"id": 3, "doc": {"l": 3}, "a": 4}, {"id": 4, "doc": {"k": 4}}, {"id": 4, "doc": [5]}]', '{doc}');
-- one statement is not several: triggers fire at its end
INSERT INTO upsert_case (label, ddl, input, by_hand) VALUES
('after row triggers', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER r AFTER INSERT OR UPDATE ON play.t FOR EACH ROW EXECUTE FUNCTION log_it(); CREATE TRIGGER w AFTER UPDATE OF a ON play.t FOR EACH ROW WHEN (OLD.a = 2) EXECUTE FUNCTION log_it()', many(5), false),
('statement triggers', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE TRIGGER s AFTER INSERT OR UPDATE ON play.t EXECUTE FUNCTION log_it(); CREATE TRIGGER b BEFORE INSERT OR UPDATE ON play.t EXECUTE FUNCTION log_it()', many(5), false),
('transition table', 'CREATE TABLE play.t (id int PRIMARY KEY, a int, b text)' || have(3) || '; CREATE FUNCTION play.sums() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN INSERT INTO play.log (line) SELECT concat((SELECT sum(a) FROM o), '' '', (SELECT sum(a) FROM n)); RETURN NULL; END$f$; CREATE TRIGGER s AFTER UPDATE ON play.t REFERENCING OLD TABLE AS o NEW TABLE AS n EXECUTE FUNCTION play.sums()', many(5), false);

-- Prints each case's outcome and its own part of the error context, and any
-- way in which the three differ.
\set SHOW_CONTEXT never
DO $$
DECLARE c upsert_case; auto record; statement record; hand record;
BEGIN
  FOR c IN SELECT * FROM upsert_case ORDER BY id LOOP
    auto := run_case(c, 'auto');
    statement := run_case(c, 'statement');
    RAISE INFO '%: %', c.label, concat_ws(E'\n    ', auto.outcome, auto.context);
    IF auto IS DISTINCT FROM statement THEN
      RAISE WARNING E'the executor alone differs: %\nfrom %', statement, auto;
    END IF;
    CONTINUE WHEN NOT c.by_hand;
    hand := run_case(c, 'hand');
    IF auto.left_over IS DISTINCT FROM hand.left_over OR
       auto.outcome IS DISTINCT FROM coalesce(hand.outcome, auto.outcome) THEN
      RAISE WARNING E'statements by hand differ: %\nfrom %', hand, auto;
    END IF;
  END LOOP;
END $$;

-- Who updates the rows in each case.
CREATE FUNCTION show_way(c upsert_case) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  CREATE SCHEMA play;
  CREATE TABLE play.log (n serial, line text);
  SET LOCAL search_path = play, upsert_sinks, public;
  EXECUTE c.ddl;
  RAISE INFO '%', c.label;
  SET LOCAL client_min_messages = debug1;
  PERFORM upsert_many_1_0('t', '[{"id": 1, "a": 1}]'::jsonb, '{id}');
  RAISE SQLSTATE 'PLAY0';
EXCEPTION WHEN SQLSTATE 'PLAY0' THEN
  NULL;
WHEN OTHERS THEN
  RAISE INFO '%', SQLERRM;
END $$;
-- in sessions without much of a catalog cache: its growth is reported, too
CREATE PROCEDURE show_ways(first int, last int) LANGUAGE plpgsql AS $$
DECLARE c upsert_case;
BEGIN
  FOR c IN SELECT * FROM upsert_case WHERE id BETWEEN first AND last ORDER BY id LOOP PERFORM show_way(c); END LOOP;
END $$;
\c -
SET search_path = upsert_sinks, public;
CALL show_ways(1, 15);
\c -
SET search_path = upsert_sinks, public;
CALL show_ways(16, 30);
\c -
SET search_path = upsert_sinks, public;
CALL show_ways(31, 100);
-- not with a snapshot of the whole transaction's
CREATE TABLE keyed (id int PRIMARY KEY, a int);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL client_min_messages = debug1;
SELECT * FROM upsert_many_1_0('keyed', '[{"id": 1, "a": 1}, {"id": 1, "a": 2}, {"id": 1, "a": 3}]');
COMMIT;

-- rows that are updated in turn leave no more behind than by the executor
CREATE TABLE hot (id int PRIMARY KEY, a int) WITH (fillfactor = 50);
INSERT INTO hot SELECT i, 0 FROM generate_series(1, 50) i;
SELECT * FROM upsert_many_1_0('hot', (SELECT jsonb_agg(jsonb_build_object('id', 1 + i % 50, 'a', i)) FROM generate_series(1, 50) i));
SELECT pg_relation_size('hot') = current_setting('block_size')::int AS one_page,
    pg_relation_size('hot_pkey') = 2 * current_setting('block_size')::int AS no_further_entries, sum(a) FROM hot;

SET client_min_messages = warning;
DROP SCHEMA upsert_sinks CASCADE;
