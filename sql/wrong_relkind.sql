-- Every function that takes a relation, on every relation that is not right
-- for it.  To add a function, add its call to "call"; $1 is the relation.
CREATE SCHEMA wrong_relkind;
SET search_path = wrong_relkind, public;
CREATE TABLE plain (id int PRIMARY KEY, name text);
CREATE SEQUENCE seq;
CREATE VIEW no_view AS SELECT count(*) AS id FROM plain;
CREATE VIEW view AS SELECT * FROM plain;
CREATE MATERIALIZED VIEW matview AS SELECT * FROM plain;
CREATE TYPE composite AS (id int);
CREATE TABLE parted (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE no_leaf PARTITION OF parted FOR VALUES FROM (0) TO (1) PARTITION BY LIST (id);
CREATE FOREIGN DATA WRAPPER no_handler;
CREATE SERVER nowhere FOREIGN DATA WRAPPER no_handler;
CREATE FOREIGN TABLE foreign_table (id int) SERVER nowhere;

CREATE TABLE call (id int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO call (query) VALUES
  ('SELECT insert_many($1, ''{"id": 0}''::jsonb)'),
  ('SELECT insert_many($1, ''{"id": 0}''::json)'),
  ('SELECT insert_many($1, ''{"id": 0}''::text)'),
  ('SELECT insert_many($1, ''{"id": 0}''::jsonb, ''ON CONFLICT DO NOTHING'')'),
  ('SELECT insert_many($1, '''')'),
  ('SELECT insert_one($1, ''{"id": 0}'')'),
  ('SELECT insert_returning($1, ''{"id": 0}'')'),
  ('SELECT upsert_many($1, ''{"id": 0}''::jsonb)'),
  ('SELECT upsert_many($1, ''{"id": 0}''::text, ''{id}'')'),
  ('SELECT upsert_returning($1, ''{"id": 0}''::jsonb)'),
  ('SELECT get_insert_data($1, ''{"id": 0}'')'),
  ('SELECT fetch_count($1)'),
  ('SELECT fetch_count($1, ''true'')'),
  ('SELECT set_seq_max($1, ''plain'')'),
  ('SELECT set_seq_max(''seq'', $1)'),
  ('SELECT clean_tables(ARRAY[$1::text])'),
  ('SELECT save_tables(ARRAY[$1::text], ''wrong_set'')'),
  ('SELECT update_many($1, ''{"id": 0}''::jsonb)'),
  ('SELECT delete_many($1, ''[0]''::text, ''{id}'')'),
  ('SELECT sync_many($1, ''{"id": 0}''::json)'),
  ('SELECT sync_diff($1, ''{"id": 0}''::text, ''{id}'')'),
  ('SELECT count(*) FROM set_seqs_max(ARRAY[$1::text])'),
  ('SELECT fetch_count_estimate($1) > 0'),
  ('SELECT fetch_tables(ARRAY[$1::text])'),
  ('SELECT insert_tables(json_build_object(coalesce($1::text, ''''), ''[]''::json))');
CREATE TABLE relation (id int GENERATED ALWAYS AS IDENTITY, label text, oid oid);
INSERT INTO relation (label, oid) VALUES
  ('index', 'plain_pkey'::regclass), ('partitioned index', 'parted_pkey'::regclass), ('sequence', 'seq'::regclass),
  ('materialized view', 'matview'::regclass), ('composite type', 'composite'::regclass),
  ('TOAST table', (SELECT reltoastrelid FROM pg_class WHERE oid = 'plain'::regclass)),
  ('view that takes no rows', 'no_view'::regclass), ('foreign table without a handler', 'foreign_table'::regclass),
  ('partitioned table without partitions', 'no_leaf'::regclass),
  ('no relation', 0), ('no relation', 4294967295), ('NULL', NULL);

-- Each outcome once, with the calls that have it; OIDs are blotted out.
CREATE FUNCTION outcome(query text, rel oid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; detail text; hint text;
BEGIN
  EXECUTE query INTO result USING rel::regclass;
  RETURN 'returns ' || coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN regexp_replace(concat_ws(E'\n    ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, '')),
                        '(OID |pg_toast_)\d+', '\1...', 'g');
END $$;
\pset format unaligned
\pset tuples_only on
WITH ran AS MATERIALIZED (
  SELECT r.id AS rid, c.id AS cid, label, query, outcome(query, r.oid) FROM relation r, call c ORDER BY 1, 2)
SELECT format(E'%s: %s\n    %s', label, string_agg(cid::text, ' ' ORDER BY cid), outcome)
FROM ran GROUP BY rid, label, outcome ORDER BY rid, min(cid);
-- and these are right
SELECT insert_many('plain', '{"id": 1}'), insert_many('view', '{"id": 2}');

SET client_min_messages = warning;
DROP SCHEMA wrong_relkind CASCADE;
DROP FOREIGN DATA WRAPPER no_handler CASCADE;
DROP SCHEMA wrong_set CASCADE;
