-- What pg_stat_progress_copy shows of a running call, seen by the triggers of
-- its target: each function that writes many rows.
CREATE SCHEMA progress;
SET search_path = progress, public;
CREATE TABLE t (id int PRIMARY KEY, v text);
CREATE FUNCTION show_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_stat_clear_snapshot();
  RAISE NOTICE '% of %: %', TG_OP, coalesce(NEW.id, OLD.id), (
    SELECT array_agg(format('%s %s %s, %s of %s bytes, %s rows', relid::regclass, command, type,
                            bytes_processed, bytes_total, tuples_processed))
    FROM pg_stat_progress_copy WHERE pid = pg_backend_pid());
  RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER show BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION show_progress();

SELECT insert_many('t', '[{"id": 1, "v": "a"}, {"id": 2, "v": "b"}]');
SELECT insert_returning('t', '[{"id": 3, "v": "a"}, {"id": 4, "v": "b"}]');
SELECT insert_many('t', from_query('SELECT g AS id FROM generate_series(5, 6) g'));
SELECT insert_csv_text('t', E'id,v\n7,a\n8,b\n');
SELECT insert_tables('{"t": [{"id": 9}, {"id": 10}]}');
SELECT upsert_many('t', '[{"id": 10, "v": "c"}, {"id": 11, "v": "c"}]');
SELECT upsert_many('t', '[{"id": 12, "v": "d"}, {"id": 11, "v": "d"}]', key_order => true);
SELECT upsert_returning('t', '[{"id": 12, "v": "e"}, {"id": 13, "v": "e"}]');
SELECT insert_many('t', '[{"id": 14}, {"id": "x"}]', on_error => 'ignore');
SELECT update_many('t', '[{"id": 1, "v": "f"}, {"id": 3, "v": "f"}, {"id": 4}]');
SELECT delete_many('t', '[13, 14]');
SELECT sync_many('t', '[{"id": 1, "v": "g"}, {"id": 2, "v": "b"}, {"id": 15}]', max_deletes => 20);

-- sync_diff writes nothing, and shows what it has read
CREATE FUNCTION read_progress(v text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_stat_clear_snapshot();
  RAISE NOTICE '%', (SELECT array_agg(format('%s %s %s, %s of %s bytes', relid::regclass, command, type,
                                             bytes_processed, bytes_total))
    FROM pg_stat_progress_copy WHERE pid = pg_backend_pid());
  RETURN v;
END $$;
SELECT action, key FROM sync_diff('t', from_json('[{"id": 1, "v": "g"}, {"id": 16, "v": "h"}]'::text,
                                                 transforms => '{"v": "progress.read_progress(v)"}'));

-- on the way through many rows, and with a call within another
CREATE TABLE many (id int PRIMARY KEY, v int);
INSERT INTO many SELECT g, 0 FROM generate_series(1, 1000) g;
CREATE FUNCTION show_some() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM insert_many('t', jsonb_build_object('id', NEW.id));
  RETURN NEW;
END $$;
CREATE TRIGGER show BEFORE UPDATE ON many FOR EACH ROW WHEN (NEW.id % 300 = 0) EXECUTE FUNCTION show_some();
SELECT update_many('many', from_query('SELECT g AS id, 1 AS v FROM generate_series(1, 1000) g'));

-- nothing is left, of a call that fails neither
SELECT update_many('t', '[{"id": 1, "v": "h"}, {"id": 2, "w": "h"}]');
SELECT count(*) FROM pg_stat_progress_copy WHERE pid = pg_backend_pid();
DROP SCHEMA progress CASCADE;
