-- Foreign tables: postgres_fdw, the server being its own remote one.
CREATE SCHEMA insert_foreign;
SET search_path = insert_foreign, public;
CREATE EXTENSION postgres_fdw SCHEMA insert_foreign;
DO $$
BEGIN
  EXECUTE format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database());
END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER loopback;
CREATE TABLE remote (id int PRIMARY KEY, name text DEFAULT 'remote default', at date, j jsonb);
CREATE FOREIGN TABLE f (id int, name text DEFAULT 'local default', at date, j jsonb)
  SERVER loopback OPTIONS (schema_name 'insert_foreign', table_name 'remote');
SET client_min_messages = debug1;
SELECT insert_many('f', '[{"id": 1, "name": "a", "at": "2001-02-03", "j": {"k": [1]}}, {"id": 2, "name": null}, {"id": 3}]');
RESET client_min_messages;
SELECT insert_many('f', '[{"id": 1}, {"id": 4}]', 'ON CONFLICT DO NOTHING');
SELECT insert_many('f', '[{"id": 1}]', 'ON CONFLICT (id) DO UPDATE SET name = ''x''');
SELECT insert_many('f', '[{"id": 5}, {"id": 1}, {"id": 6}]');
SELECT insert_many('f', '[{"id": 5}, {"id": "six"}]');
SELECT * FROM remote ORDER BY id;
-- upsert_many says at once that no key of it can be known here
SELECT * FROM upsert_many('f', '{"id": 1, "name": "upserted"}');
SELECT * FROM upsert_many('f', '{"id": 1, "name": "upserted"}', '{id}');
SELECT * FROM sync_many('f', '{"id": 1, "name": "synced"}');
SELECT * FROM sync_diff('f', '{"id": 1, "name": "synced"}', '{id}');
-- in batches: which row it was is known only roughly
ALTER SERVER loopback OPTIONS (ADD batch_size '3');
SELECT insert_many('f', (SELECT jsonb_agg(jsonb_build_object('id', 10 + i)) FROM generate_series(1, 10) i));
SELECT insert_many('f', '[{"id": 21}, {"id": 1}, {"id": 22}, {"id": 23}]');
SELECT insert_many('f', '[{"id": 21}, {"id": 22}, {"id": 23}, {"id": 1}]');
SELECT count(*), max(id) FROM remote;
-- through a view, and as a partition
CREATE VIEW v AS SELECT id, name FROM f;
SELECT insert_many('v', '[{"id": 31}, {"id": 32}, {"id": 33, "name": "via v"}]');
CREATE TABLE p (id int, name text, at date, j jsonb) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (40);
ALTER TABLE p ATTACH PARTITION f FOR VALUES FROM (40) TO (100);
SET client_min_messages = debug1;
SELECT insert_many('p', '[{"id": 39}, {"id": 40, "name": "routed"}, {"id": 41}, {"id": 5}]');
RESET client_min_messages;
SELECT insert_many('p', '[{"id": 42}, {"id": 40}, {"id": 8}]');
SELECT * FROM upsert_many('p', '{"id": 5}', '{id}');
SELECT * FROM sync_many('p', '{"id": 5}', '{id}');
SELECT tableoid::regclass, id, name FROM p WHERE id NOT BETWEEN 10 AND 20 ORDER BY id, 1;
-- a row for the partition itself
SELECT insert_many('f', '[{"id": 43}]');

-- on_error: rows that the other server refuses are skipped, row by row and in
-- batches, of the table, of a partition and through a view
TRUNCATE remote;
ALTER TABLE remote ADD CHECK (id % 7 > 0);
CREATE TABLE rejected (row_number bigint, data text, sqlstate text, message text, detail text);
ALTER SERVER loopback OPTIONS (DROP batch_size);
SELECT insert_many('f', '[{"id": 40}, {"id": 42}, {"id": 41}, {"id": "x"}, {"id": 40, "name": "again"}, {"id": 43}]', on_error => 'ignore', error_table => 'rejected');
SELECT * FROM rejected ORDER BY row_number;
SELECT * FROM remote ORDER BY id;
ALTER SERVER loopback OPTIONS (ADD batch_size '10');
TRUNCATE remote, rejected;
SELECT insert_many(target, (SELECT jsonb_agg(jsonb_build_object('id', 40 + i % 58)) FROM generate_series(0, 69) i), on_error => 'ignore', error_table => 'rejected')
FROM unnest('{f,v}'::regclass[]) target;
SELECT sqlstate, count(*), min(row_number), max(row_number) FROM rejected GROUP BY 1 ORDER BY 1;
SELECT count(*), min(id), max(id) FROM remote;
TRUNCATE remote, rejected;
TRUNCATE p1;
ALTER TABLE p1 ADD CHECK (id % 5 > 0);
SELECT insert_many('p', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(0, 109) i), on_error => 'ignore', error_table => 'rejected');
SELECT message, count(*), min(row_number), max(row_number) FROM rejected GROUP BY 1 ORDER BY 1;
SELECT tableoid::regclass, count(*), min(id), max(id) FROM p GROUP BY 1 ORDER BY 1;
-- in a transaction that keeps its snapshot, and one that is rolled back
TRUNCATE remote, rejected;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT insert_many('f', '[{"id": 44}, {"id": 44}, {"id": 45}]', on_error => 'ignore');
COMMIT;
BEGIN;
SELECT insert_many('f', '[{"id": 44}, {"id": 46}]', on_error => 'ignore', error_table => 'rejected');
ROLLBACK;
SELECT (SELECT array_agg(id ORDER BY id) FROM remote), (SELECT count(*) FROM rejected);
-- what is wrong with the server is no row's fault; it keeps no errors either
SELECT insert_many('p1', '[]', on_error => 'ignore', error_table => 'f');
\set VERBOSITY sqlstate
ALTER SERVER loopback OPTIONS (SET host '/nowhere');
SELECT insert_many('f', '[{"id": 47}]', on_error => 'ignore');
\set VERBOSITY default

SET client_min_messages = warning;
DROP SCHEMA insert_foreign CASCADE;
