-- What the INSERT statement itself does with the rows: ON CONFLICT, views,
-- rules, row-level security, row triggers.
CREATE SCHEMA insert_statement;
SET search_path = insert_statement, public;
CREATE TABLE t (id int PRIMARY KEY, name text UNIQUE, n int NOT NULL DEFAULT 0);

-- ON CONFLICT, in all its forms; the target is t, whatever its name
SELECT insert_many('t', '[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]');
SELECT insert_many('t', '[{"id": 1, "name": "x"}, {"id": 3, "name": "c"}, {"id": 4, "name": "a"}]', 'ON CONFLICT DO NOTHING');
SELECT insert_many('t', '[{"id": 1, "name": "x"}, {"id": 5, "name": "e"}]', 'on conflict (id) do nothing');
SELECT insert_many('t', '[{"id": 1, "name": "x"}, {"id": 6, "name": "a"}]', 'ON CONFLICT (id) DO NOTHING');
SELECT insert_many('t', '[{"id": 1, "name": "one"}, {"id": 6}]', 'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, n = t.n + 1');
SELECT insert_many('t', '[{"id": 1, "n": 100}, {"id": 2, "n": 100}]', 'ON CONFLICT (id) DO UPDATE SET (n, name) = (EXCLUDED.n, upper(t.name)) WHERE t.id > EXCLUDED.n - 99');
SELECT insert_many('t', '[{"id": 7, "name": "b"}, {"id": 8, "name": "h"}]', 'ON CONFLICT ON CONSTRAINT t_name_key DO UPDATE SET n = t.n + (SELECT count(*) FROM insert_statement.t)');
SELECT insert_many('t', '[{"id": 1}, {"id": 2, "n": 3}]'::jsonb, 'ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n');
SELECT insert_many('t', '[{"id": 1}, {"id": 1}]'::json, 'ON CONFLICT (id) DO UPDATE SET n = 5');
SELECT insert_many('t', '[{"id": 9}, {"id": 9}, {"id": 9}]', 'ON CONFLICT (id) DO NOTHING');
-- the excluded row's own defaults, and the rows themselves, can be seen
SELECT insert_many('t', '[{"id": 1}, {"id": 3, "n": 4}]', 'ON CONFLICT (id) DO UPDATE SET n = (SELECT sum(r.id) FROM pgsync_rows r)');
SELECT * FROM t ORDER BY id;
-- an expression index that is partial, an exclusion constraint
CREATE TABLE e (id int, name text, n int, EXCLUDE USING btree (id WITH =));
CREATE UNIQUE INDEX ON e (lower(name)) WHERE n > 0;
SELECT insert_many('e', '[{"id": 20, "name": "ONE", "n": 1}, {"id": 21, "name": "one", "n": 0}]');
SELECT insert_many('e', '[{"id": 22, "name": "One", "n": 1}, {"id": 23, "name": "one", "n": 0}]', 'ON CONFLICT (lower(name)) WHERE n > 0 DO UPDATE SET n = -EXCLUDED.id');
SELECT insert_many('e', '[{"id": 20}, {"id": 24}]', 'ON CONFLICT ON CONSTRAINT e_id_excl DO NOTHING');
SELECT * FROM e ORDER BY id;
-- a partitioned target
CREATE TABLE p (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE p1 (name text, id int PRIMARY KEY);
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p DEFAULT;
SELECT insert_many('p', '[{"id": 1, "name": "a"}, {"id": 11, "name": "b"}]'), insert_many('p', '[{"id": 1, "name": "c"}, {"id": 2}, {"id": 11}]', 'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name');
SELECT tableoid::regclass, * FROM p ORDER BY id;

-- views: simple ones, with their own defaults, with check options
CREATE TABLE base (id serial, name text DEFAULT 'of the table', kind text DEFAULT 'k');
CREATE VIEW v AS SELECT id, name AS label FROM base WHERE name <> 'hidden';
SELECT insert_many('v', '[{"label": "a"}, {"id": 70, "label": "b"}, {}, {"id": 72, "label": "hidden"}]');
ALTER VIEW v ALTER label SET DEFAULT 'of the view';
SELECT insert_many('v', '[{}, {"id": 71}, {"label": null}]');
SELECT insert_many('v', '[{"name": "a"}]');
TABLE base;
CREATE VIEW checked AS SELECT * FROM base WHERE name > 'b' WITH CHECK OPTION;
SELECT insert_many('checked', '[{"id": 1, "name": "c"}, {"id": 2, "name": "d"}, {"id": 3, "name": "a"}]');
SELECT insert_many('checked', '[{"id": 80, "name": "c"}, {"name": "d"}]');
CREATE VIEW grouped AS SELECT kind, count(*) FROM base GROUP BY kind;
SELECT insert_many('grouped', '{"kind": "x"}');
CREATE VIEW shifted AS SELECT id + 1 AS next, name FROM base;
SELECT insert_many('shifted', '{"name": "via shifted"}');
SELECT insert_many('shifted', '{"next": 1}');
-- views with an INSTEAD OF trigger; it may skip rows
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.kind = 'skip' THEN RETURN NULL; END IF;
  INSERT INTO base (name, kind) VALUES ('instead of ' || NEW.kind, NEW.kind); RETURN NEW;
END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON grouped FOR EACH ROW EXECUTE FUNCTION instead();
SELECT insert_many('grouped', '[{"kind": "x"}, {"kind": "skip"}, {"kind": "y", "count": 4}]');
SELECT * FROM base WHERE id >= 5 ORDER BY id;

-- rules
CREATE TABLE log (line text);
CREATE TABLE ruled (a int, b text DEFAULT 'b');
CREATE RULE also AS ON INSERT TO ruled DO ALSO INSERT INTO log VALUES ('also ' || NEW.a || coalesce(NEW.b, '-'));
SELECT insert_many('ruled', '[{"a": 1}, {"a": 2, "b": null}, {"a": 3, "b": "c"}]');
TABLE ruled; TABLE log;
CREATE RULE nothing AS ON INSERT TO ruled WHERE NEW.a > 10 DO INSTEAD NOTHING;
SELECT insert_many('ruled', '[{"a": 9}, {"a": 19}]');
CREATE OR REPLACE RULE nothing AS ON INSERT TO ruled DO INSTEAD NOTHING;
SELECT insert_many('ruled', '[{"a": 10}]');
CREATE TABLE instead_table (LIKE ruled);
CREATE OR REPLACE RULE nothing AS ON INSERT TO ruled DO INSTEAD INSERT INTO instead_table VALUES (NEW.a, 'instead');
SELECT insert_many('ruled', '[{"a": 11}, {"b": "no a"}]');
SELECT insert_many('ruled', '[{"a": 11}]', 'ON CONFLICT DO NOTHING');
TABLE ruled; TABLE instead_table; SELECT count(*) FROM log;

-- BEFORE row triggers: they change rows, skip them, and see earlier ones
CREATE TABLE before_row (a int, b text, c int GENERATED ALWAYS AS (a * 10) STORED);
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.a % 2 = 0 THEN RETURN NULL; END IF;
  NEW.b := concat(NEW.b, ' after ', (SELECT count(*) FROM before_row)); NEW.a := NEW.a + 100; RETURN NEW;
END $$;
CREATE TRIGGER b BEFORE INSERT ON before_row FOR EACH ROW EXECUTE FUNCTION before_row();
SELECT insert_many('before_row', '[{"a": 1}, {"a": 2}, {"a": 3, "b": "x"}]');
TABLE before_row;

-- rows kept until all are read, as the clause reads them too: a column that
-- takes no value is refused when only a later row brings it
CREATE TABLE kept (k int PRIMARY KEY, v int, id int GENERATED ALWAYS AS IDENTITY);
SELECT insert_many('kept', '[{"k": 1}, {"k": 2, "id": 7}]', 'ON CONFLICT (k) DO UPDATE SET v = (SELECT count(*) FROM pgsync_rows)');
TABLE kept;
-- such a statement computes the defaults itself, and nobody else
CREATE TABLE kept_serial (id serial, k int UNIQUE, v int, stamp timestamptz DEFAULT clock_timestamp());
SELECT insert_many('kept_serial', '[{"k": 1}, {"k": 2}, {"k": 3, "v": 3}]', 'ON CONFLICT (k) DO UPDATE SET v = (SELECT count(*) FROM pgsync_rows)');
SELECT id, k, v FROM kept_serial;
-- a rule that appears while rows are inserted
CREATE TABLE ruled_late (a int, b int);
CREATE FUNCTION make_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  CREATE OR REPLACE RULE late AS ON INSERT TO ruled_late DO INSTEAD NOTHING; RETURN NEW;
END $$;
CREATE TRIGGER b BEFORE INSERT ON ruled_late FOR EACH ROW EXECUTE FUNCTION make_rule();
SELECT insert_many('ruled_late', '[{"a": 1}, {"b": 2}]');

-- row-level security
CREATE ROLE regress_pgsync_writer;
CREATE TABLE secured (owner name DEFAULT current_user, n int);
GRANT SELECT, INSERT, UPDATE ON secured TO regress_pgsync_writer;
GRANT USAGE ON SCHEMA insert_statement TO regress_pgsync_writer;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secured USING (owner = current_user) WITH CHECK (owner = current_user AND n < 10);
SELECT insert_many('secured', '{"owner": "someone", "n": 99}');
SET ROLE regress_pgsync_writer;
SELECT insert_many('secured', '[{"n": 1}, {"n": 2, "owner": "regress_pgsync_writer"}]');
SELECT insert_many('secured', '[{"n": 3}, {"n": 4, "owner": "someone"}]');
SELECT insert_many('secured', '[{"n": 3}, {"n": 10}]');
SELECT * FROM secured;
RESET ROLE;
SELECT count(*) FROM secured;
DROP OWNED BY regress_pgsync_writer;
DROP ROLE regress_pgsync_writer;

SET client_min_messages = warning;
DROP SCHEMA insert_statement CASCADE;
