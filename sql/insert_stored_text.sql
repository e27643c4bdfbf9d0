-- A text that is read in slices stays where it is stored only if nothing that
-- runs during the load can take it away.  Else it is read as a whole, as the
-- INSERT statement would read it.
CREATE SCHEMA stored;
SET search_path = stored, public;
CREATE TABLE data (way text, body text);
ALTER TABLE data ALTER body SET STORAGE EXTERNAL;
INSERT INTO data
SELECT 'json', '[' || string_agg(format('{"id": %s, "name": "%s"}', i, repeat('x', 800)), ',') || ']' FROM generate_series(1, 1500) i
UNION ALL SELECT 'csv', E'id,name\n' || string_agg(format('%s,%s', i, repeat('x', 800)), E'\n') FROM generate_series(1, 1500) i;

-- Takes the texts away, from the second call on.
CREATE TABLE calls (n int);
CREATE FUNCTION take_away() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO calls VALUES (1);
  IF (SELECT count(*) FROM (SELECT FROM calls LIMIT 3) c) = 2 THEN
    TRUNCATE data;
  END IF;
  RETURN 1;
END $$;
CREATE FUNCTION trigger_takes_away() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM take_away(); RETURN NEW; END $$;
CREATE FUNCTION trigger_drops() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DROP TABLE IF EXISTS data; RETURN NEW; END $$;
CREATE FUNCTION trigger_cleans() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM clean_tables('{stored.data}'); RETURN NEW; END $$;

-- How often the index of the stored pieces has been searched.
CREATE FUNCTION searches() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT pg_stat_get_xact_numscans(i.indexrelid) FROM pg_class c JOIN pg_index i ON i.indrelid = c.reltoastrelid WHERE c.oid = to_regclass('data')
$$;

-- The stored text: a pointer to it, to be exact, which is what a function has in its variable.
CREATE FUNCTION body(kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  pointer text;
BEGIN
  SELECT d.body INTO pointer FROM data d WHERE way = kind;
  RETURN pointer;
END $$;

-- Runs a call with the text in the place of $1, and tells what it returns and
-- how the text was read, as far as that can still be told.
CREATE FUNCTION outcome(call text, kind text DEFAULT 'json') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
  before bigint := searches();
  took bigint;
BEGIN
  EXECUTE 'SELECT ' || replace(call, '$1', format('body(%L)', kind)) INTO result;
  took := searches() - before;
  RAISE EXCEPTION USING ERRCODE = 'P0099', MESSAGE = concat_ws(', ', result, CASE WHEN took > 3 THEN 'in slices' WHEN took > 0 THEN 'as a whole' END);
EXCEPTION WHEN OTHERS THEN
  RETURN CASE WHEN SQLSTATE = 'P0099' THEN SQLERRM ELSE concat_ws(' ', SQLSTATE, regexp_replace(SQLERRM, '\d+', '9', 'g')) END;
END $$;

-- nothing runs but the server's own
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 1500);
CREATE TABLE plain (id int PRIMARY KEY REFERENCES parent ON DELETE CASCADE, name text CHECK (length(name) < 2000), n serial,
                    made timestamptz DEFAULT now(), u int GENERATED ALWAYS AS (id + 1) STORED, up int REFERENCES plain ON DELETE CASCADE);
SELECT outcome('insert_many(''plain'', $1)');
SELECT outcome('insert_many(''plain'', $1::json)') AS "the cast reads it", outcome('insert_many(''plain'', from_json($1))') AS "from_json does";
SELECT outcome('insert_many(''plain'', $1, ''ON CONFLICT (id) DO NOTHING'')');
SELECT outcome('upsert_many(''plain'', $1)');
SELECT outcome('update_many(''plain'', $1)');
SELECT outcome('insert_csv_text(''plain'', $1)', 'csv');

-- triggers
CREATE TABLE before_row (id int, name text);
CREATE TRIGGER t BEFORE INSERT ON before_row FOR EACH ROW EXECUTE FUNCTION trigger_takes_away();
CREATE TABLE after_row (id int PRIMARY KEY, name text, n int);
CREATE TRIGGER t AFTER INSERT ON after_row FOR EACH ROW EXECUTE FUNCTION trigger_takes_away();
CREATE TABLE before_statement (id int, name text);
CREATE TRIGGER t BEFORE INSERT ON before_statement FOR EACH STATEMENT EXECUTE FUNCTION trigger_drops();
CREATE TABLE cleaning (id int, name text);
CREATE TRIGGER t BEFORE INSERT ON cleaning FOR EACH STATEMENT EXECUTE FUNCTION trigger_cleans();
SELECT t, outcome(format('insert_many(%L, $1)', t)), outcome(format('insert_csv_text(%L, $1)', t), 'csv')
FROM unnest('{before_row,after_row,before_statement,cleaning}'::text[]) t;
SELECT outcome('upsert_many(''after_row'', $1)');
CREATE TABLE updated (LIKE after_row INCLUDING ALL);
INSERT INTO updated SELECT generate_series(1, 1500);
CREATE TRIGGER t BEFORE UPDATE ON updated FOR EACH ROW EXECUTE FUNCTION trigger_takes_away();
SELECT outcome('upsert_many(''updated'', $1)'), outcome('update_many(''updated'', $1)');
CREATE TABLE cascading (id int PRIMARY KEY, name text, CONSTRAINT key UNIQUE (id, name));
CREATE TABLE child (id int, name text, FOREIGN KEY (id, name) REFERENCES cascading (id, name) ON UPDATE CASCADE);
INSERT INTO cascading VALUES (1, 'a'), (10, 'b');
INSERT INTO child SELECT * FROM cascading;
CREATE TRIGGER t BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION trigger_takes_away();
SELECT outcome('upsert_many(''cascading'', $1)');
CREATE TABLE deferred (id int PRIMARY KEY, name text, n serial UNIQUE DEFERRABLE);
SELECT outcome('insert_many(''deferred'', $1)');

-- expressions
CREATE TABLE defaulted (id int, name text, n int DEFAULT take_away());
CREATE DOMAIN looking AS int CHECK (take_away() = 1);
CREATE TABLE domains (id looking PRIMARY KEY, name text);
CREATE TABLE checked (id int CHECK (take_away() = 1), name text);
CREATE TABLE secured (id int, name text);
CREATE POLICY p ON secured WITH CHECK (take_away() = 1);
ALTER TABLE secured ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE TABLE ruled (id int, name text);
CREATE RULE r AS ON INSERT TO ruled DO ALSO SELECT take_away();
CREATE VIEW seen AS SELECT id, name FROM before_row;
CREATE TABLE parts (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (20000);
CREATE TRIGGER t BEFORE INSERT ON parts_1 FOR EACH ROW EXECUTE FUNCTION trigger_takes_away();
CREATE TABLE calm_parts (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE calm_parts_1 PARTITION OF calm_parts FOR VALUES FROM (0) TO (20000);
SELECT t, outcome(format('insert_many(%L, $1)', t)), outcome(format('insert_csv_text(%L, $1)', t), 'csv')
FROM unnest('{defaulted,domains,checked,secured,ruled,seen,parts,calm_parts}'::text[]) t;
TRUNCATE calls;
SELECT outcome('upsert_many(''domains'', $1)'), outcome('update_many(''domains'', $1)'), outcome('delete_many(''domains'', from_json($1, ignore_unknown => true))');

-- what the caller adds
INSERT INTO plain (id) VALUES (1), (2);
SELECT outcome('insert_many(''plain'', $1, ''ON CONFLICT (id) DO UPDATE SET n = stored.take_away()'')');
SELECT outcome('insert_many(''plain'', from_csv($1, transforms => ''{"id": "v::int + 0 * stored.take_away()"}''), ''ON CONFLICT DO NOTHING'')', 'csv');
SELECT outcome('count(*) FROM insert_returning(''plain'', $1, on_conflict => ''ON CONFLICT DO NOTHING'')');
CREATE TABLE rejected (row_number bigint, message text);
CREATE TRIGGER t BEFORE INSERT ON rejected FOR EACH ROW EXECUTE FUNCTION trigger_takes_away();
SELECT outcome('insert_many(''plain'', $1, on_error => ''ignore'', error_table => ''rejected'')');

\set VERBOSITY terse
DROP SCHEMA stored CASCADE;
