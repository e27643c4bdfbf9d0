-- Which indexes get their entries a leaf at a time (on server versions that
-- this was not tested with: none, see the other expected output).
CREATE SCHEMA index_batches_used;
SET search_path = index_batches_used, public;
CREATE TABLE t (id int PRIMARY KEY, a int, b text, c int, d int[], e int,
                EXCLUDE USING btree (c WITH =) DEFERRABLE,
                UNIQUE (e) DEFERRABLE);
CREATE INDEX plain ON t (a, b DESC) INCLUDE (c);
CREATE INDEX partial ON t (a) WHERE a > 0;
CREATE INDEX expression ON t (lower(b));
CREATE INDEX brin ON t USING brin (a);
CREATE INDEX of_arrays ON t (d);
CREATE UNLOGGED TABLE two (id int PRIMARY KEY, a int UNIQUE, b int);
CREATE INDEX two_plain ON two (b);
SET pgsync.index_batches = auto;
SET client_min_messages = debug1;
SELECT insert_many('t', '[{"id": 1}, {"id": 2}]');
-- two that rows may wait for: both, or none if another is not of this kind
-- (unlogged: not where wal_level = logical needs the rows)
SELECT insert_many('two', '[{"id": 1}, {"id": 2}]');
SELECT insert_many('two', '[{"id": 3}, {"id": 4}]', 'ON CONFLICT DO NOTHING');
SELECT insert_many('two', '[{"id": 5}, {"id": 6}]', 'ON CONFLICT (id) DO NOTHING');
SET pgsync.index_batches = off;
SELECT insert_many('t', '[{"id": 3}, {"id": 4}]');
RESET client_min_messages;
RESET pgsync.index_batches;
DROP SCHEMA index_batches_used CASCADE;
