-- on_error => 'ignore': the rows refused are those that calls with one row
-- each, in the input's order and each in a savepoint, would refuse; what is
-- stored is the same, too.
SET client_min_messages = warning;
SET TimeZone = 'UTC';
CREATE EXTENSION IF NOT EXISTS pgsync;
CREATE SCHEMA bad_diff;
SET search_path = bad_diff, public;

CREATE TABLE rejected (row_number bigint, data jsonb, sqlstate text, message text);

-- a number from 0 to n - 1 that looks random
CREATE FUNCTION pick(seed int, salt int, n int) RETURNS int
LANGUAGE sql IMMUTABLE AS
$$SELECT (hashint8(seed::bigint * 1000003 + salt)::bigint & 2147483647)::int % n$$;

-- all rows of a table, in an order of their own
CREATE FUNCTION contents(rel regclass, OUT result text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT string_agg(r::text, E''\n'' ORDER BY r::text COLLATE "C") FROM %s r', rel)
    INTO result;
END $$;

-- one call a row, each in a subtransaction: which rows were refused, and what
-- the table is then
CREATE FUNCTION single_calls(rel regclass, call text, data jsonb,
                             OUT refused text, OUT stored text)
LANGUAGE plpgsql AS $$
DECLARE
    element jsonb;
    number bigint := 0;
BEGIN
    refused := '';
    FOR element IN SELECT value FROM jsonb_array_elements(data) LOOP
        number := number + 1;
        BEGIN
            EXECUTE format(call, ', on_error => ''stop''') USING rel, element;
        EXCEPTION WHEN OTHERS THEN
            refused := refused || format(E'%s %s\n', number, SQLSTATE);
        END;
    END LOOP;
    stored := contents(rel);
END $$;

-- one call for all of them
CREATE FUNCTION one_call(rel regclass, call text, data jsonb,
                         OUT refused text, OUT stored text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(call, ', on_error => ''ignore'', error_table => ''bad_diff.rejected''')
    USING rel, data;
    SELECT coalesce(string_agg(format(E'%s %s\n', row_number, sqlstate), ''
                               ORDER BY row_number), '')
    INTO refused FROM rejected;
    stored := contents(rel);
END $$;

-- the lines of one text that another has not
CREATE FUNCTION lines_without(one text, other text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(line, ', ') FROM (
        SELECT string_to_table(one, E'\n') EXCEPT SELECT string_to_table(other, E'\n') LIMIT 8) x(line)
$$;

-- the two compared; both are undone, and sequences set back
CREATE FUNCTION compare(rel regclass, data jsonb, call text, role text DEFAULT NULL)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    single record;
    batch record;
    seq regclass;
    way int;
BEGIN
    FOR way IN 1..2 LOOP
        BEGIN
            FOR seq IN SELECT oid FROM pg_class
                WHERE relkind = 'S' AND relnamespace = 'bad_diff'::regnamespace
            LOOP
                EXECUTE format('ALTER SEQUENCE %s RESTART', seq);
            END LOOP;
            IF role IS NOT NULL THEN
                EXECUTE format('SET ROLE %I', role);
            END IF;
            IF way = 1 THEN
                SELECT * INTO single FROM single_calls(rel, call, data);
            ELSE
                SELECT * INTO batch FROM one_call(rel, call, data);
            END IF;
            RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ001';
        EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
            NULL;
        END;
    END LOOP;
    IF single.refused <> batch.refused THEN
        RETURN format('refused by single calls alone: %s; by one alone: %s',
            left(lines_without(single.refused, batch.refused), 200), left(lines_without(batch.refused, single.refused), 200));
    END IF;
    IF single.stored IS DISTINCT FROM batch.stored THEN
        RETURN format('stored by single calls alone: %s; by one alone: %s',
            left(lines_without(single.stored, batch.stored), 200), left(lines_without(batch.stored, single.stored), 200));
    END IF;
    RETURN format('the same: %s refused', greatest(cardinality(string_to_array(single.refused, E'\n')) - 1, 0));
END $$;

-- the calls that are compared; %s are the arguments that differ
CREATE TABLE ways (name text PRIMARY KEY, call text);
INSERT INTO ways VALUES
    ('plain', 'SELECT insert_many($1, $2%s)'),
    ('text', 'SELECT insert_many($1, $2::text%s)'),
    ('do nothing', 'SELECT insert_many($1, $2, on_conflict => ''ON CONFLICT DO NOTHING''%s)'),
    ('query', 'SELECT insert_many($1, from_query(''SELECT * FROM jsonb_path_query($1::jsonb, ''''$[*]'''') AS x'', ARRAY[$2::text])%s)');

-- one table in all of these ways, by both sinks
CREATE FUNCTION compare_ways(rel regclass, data jsonb, role text DEFAULT NULL,
                             ways text[] DEFAULT '{do nothing,plain,query,text}')
RETURNS TABLE (way text, sink text, result text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH sink IN ARRAY '{auto,statement}'::text[] LOOP
        PERFORM set_config('pgsync.sink', sink, false);
        FOR way, result IN
            SELECT w.name, compare(rel, data, w.call, role) FROM unnest(ways) n(name) JOIN bad_diff.ways w USING (name)
            ORDER BY w.name COLLATE "C"
        LOOP
            RETURN NEXT;
        END LOOP;
    END LOOP;
    PERFORM set_config('pgsync.sink', 'auto', false);
END $$;

--
-- conversion, domains, NOT NULL, CHECK, keys that are no columns, no objects
--
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE DOMAIN filled AS text NOT NULL;
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE plain (
    id int, born date, s small, f filled DEFAULT 'x', m mood, doc jsonb,
    n numeric(5,2) NOT NULL DEFAULT 0, CHECK (id > 0), CHECK (s < id + 90),
    total numeric GENERATED ALWAYS AS (n * 2) STORED);
SELECT * FROM compare_ways('plain', (
    SELECT jsonb_agg(CASE pick(i, 0, 40)
        WHEN 0 THEN jsonb_build_object('id', 'x', 's', 1)
        WHEN 1 THEN jsonb_build_object('id', i, 'born', '2024-02-30')
        WHEN 2 THEN jsonb_build_object('id', i, 's', 100)
        WHEN 3 THEN jsonb_build_object('id', i, 'f', NULL)
        WHEN 4 THEN jsonb_build_object('id', i, 'm', 'cross')
        WHEN 5 THEN jsonb_build_object('id', i, 'n', 1e9)
        WHEN 6 THEN jsonb_build_object('id', -i)
        WHEN 7 THEN jsonb_build_object('id', 1, 's', 95)
        WHEN 8 THEN jsonb_build_object('id', i, 'idd', 1)
        WHEN 10 THEN jsonb_build_object('id', i, 'total', 1)
        WHEN 11 THEN jsonb_build_object('n', NULL)
        ELSE jsonb_build_object('id', i, 'born', '2024-02-28', 'm', 'fine', 'doc', jsonb_build_object('i', i))
        END) FROM generate_series(1, 400) i));
SELECT * FROM compare_ways('plain', '[1, {"id": 1}, "x", null, {"id": 2}, {}]', ways => '{plain,text}');
-- each row is bad, or each but one
SELECT * FROM compare_ways('plain', (
    SELECT jsonb_agg(jsonb_build_object('id', CASE i WHEN 150 THEN i ELSE -i END))
    FROM generate_series(1, 300) i));

--
-- unique within the batch and against the table, exclusion, also deferrable
--
CREATE TABLE keys (
    a int PRIMARY KEY, b int UNIQUE, c int UNIQUE DEFERRABLE, r int4range,
    note text, EXCLUDE USING gist (r WITH &&));
INSERT INTO keys SELECT -i, i * 7, i * 11, int4range(i * 100, i * 100 + 9) FROM generate_series(1, 30) i;
SELECT * FROM compare_ways('keys', (
    SELECT jsonb_agg(jsonb_build_object('a', pick(i, 1, 2000) - 20, 'b', pick(i, 2, 8000),
        'c', pick(i, 3, 8000), 'r', format('[%s,%s)', x, x + 3), 'note', repeat('n', pick(i, 5, 200))))
    FROM generate_series(1, 330) i, LATERAL (SELECT pick(i, 4, 20000)) p(x)));
INSERT INTO ways VALUES ('do update', 'SELECT insert_many($1, $2, on_conflict => ''ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b, note = t.note || EXCLUDED.a''%s)');
SELECT * FROM compare_ways('keys', (
    SELECT jsonb_agg(jsonb_build_object('a', pick(i, 6, 60) - 20, 'b', pick(i, 7, 400), 'note', 'n'))
    FROM generate_series(1, 150) i), ways => '{do update}');

--
-- foreign keys, to another table and to the own one
--
CREATE TABLE parent (x int, y int, PRIMARY KEY (x, y));
INSERT INTO parent SELECT i, i FROM generate_series(1, 200) i;
CREATE TABLE child (id int PRIMARY KEY, x int, y int, FOREIGN KEY (x, y) REFERENCES parent);
SELECT * FROM compare_ways('child', (
    SELECT jsonb_agg(jsonb_build_object('id', pick(i, 8, 5000), 'x', nullif(pick(i, 9, 210), 0), 'y', pick(i, 9, 210)))
    FROM generate_series(1, 350) i));
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree, deep int UNIQUE);
SELECT * FROM compare_ways('tree', (
    SELECT jsonb_agg(jsonb_build_object('id', i, 'up', CASE pick(i, 10, 3) WHEN 0 THEN NULL ELSE i + 1 - pick(i, 11, 9) END,
                                        'deep', pick(i, 12, 900)))
    FROM generate_series(1, 150) i));
-- one that is checked at the end of the transaction refuses no row
ALTER TABLE child ALTER CONSTRAINT child_x_y_fkey DEFERRABLE INITIALLY DEFERRED;
SELECT * FROM compare_ways('child', '[{"id": 1, "x": 999, "y": 999}, {"id": 1}]');

--
-- partitions, of another layout, with constraints and keys of their own
--
CREATE TABLE parts (k int, part text, v int, x int, y int, FOREIGN KEY (x, y) REFERENCES parent) PARTITION BY LIST (part);
CREATE TABLE parts_a (v int, part text, gone int, y int, x int, k int PRIMARY KEY, CHECK (v < 50));
ALTER TABLE parts_a DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_a FOR VALUES IN ('a');
CREATE TABLE parts_b PARTITION OF parts (k NOT NULL) FOR VALUES IN ('b') PARTITION BY RANGE (k);
CREATE TABLE parts_b1 PARTITION OF parts_b (UNIQUE (v)) FOR VALUES FROM (0) TO (500);
SELECT * FROM compare_ways('parts', (
    SELECT jsonb_agg(jsonb_build_object('k', pick(i, 13, 510), 'part', substr('aaaabbbbbc', 1 + pick(i, 14, 10), 1),
        'v', pick(i, 15, 52), 'x', CASE WHEN pick(i, 16, 5) > 0 THEN pick(i, 17, 205) END, 'y', pick(i, 17, 205)))
    FROM generate_series(1, 330) i));
CREATE TABLE own_parts (k int PRIMARY KEY, up int REFERENCES own_parts) PARTITION BY HASH (k);
CREATE TABLE own_parts_0 PARTITION OF own_parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE own_parts_1 PARTITION OF own_parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT * FROM compare_ways('own_parts', (
    SELECT jsonb_agg(jsonb_build_object('k', i, 'up', CASE pick(i, 18, 3) WHEN 0 THEN NULL ELSE i + 1 - pick(i, 19, 5) END))
    FROM generate_series(1, 100) i));

--
-- policies: of the row alone, over another table, over the table itself
--
CREATE ROLE regress_bad_diff;
GRANT USAGE ON SCHEMA bad_diff TO regress_bad_diff;
CREATE TABLE tenants (id int PRIMARY KEY);
INSERT INTO tenants SELECT generate_series(1, 90);
CREATE TABLE owned (id int UNIQUE, tenant int, v text);
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE POLICY reads ON owned FOR SELECT USING (true);
CREATE POLICY writes ON owned FOR INSERT WITH CHECK (v <> 'secret');
GRANT ALL ON ALL TABLES IN SCHEMA bad_diff TO regress_bad_diff;
CREATE TABLE owned_rows AS
    SELECT jsonb_agg(jsonb_build_object('id', pick(i, 20, 2000), 'tenant', pick(i, 21, 95),
        'v', CASE pick(i, 22, 30) WHEN 0 THEN 'secret' ELSE 'open' END)) AS data
    FROM generate_series(1, 300) i;
GRANT SELECT ON owned_rows TO regress_bad_diff;
SELECT * FROM compare_ways('owned', (SELECT data FROM owned_rows), 'regress_bad_diff');
CREATE POLICY known ON owned AS RESTRICTIVE FOR INSERT WITH CHECK (tenant IN (SELECT id FROM tenants));
SELECT * FROM compare_ways('owned', (SELECT data FROM owned_rows), 'regress_bad_diff');
-- a policy on a table may not read it but through a function
CREATE FUNCTION rows_of(tenant int) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
AS 'SELECT count(*) FROM bad_diff.owned o WHERE o.tenant = rows_of.tenant';
CREATE POLICY few ON owned AS RESTRICTIVE FOR INSERT WITH CHECK (rows_of(tenant) < 3);
SELECT * FROM compare_ways('owned', (SELECT data FROM owned_rows), 'regress_bad_diff');

--
-- views: check options, columns that take no value, INSTEAD OF triggers
--
CREATE TABLE base (id int PRIMARY KEY, v int DEFAULT 7, w text NOT NULL DEFAULT 'w');
CREATE VIEW positive AS SELECT id, v, upper(w) AS up FROM base WHERE v > 0 WITH CHECK OPTION;
CREATE VIEW fresh AS SELECT * FROM base b WHERE NOT EXISTS (SELECT FROM base o WHERE o.v = b.v) WITH CHECK OPTION;
CREATE TABLE view_rows AS
    SELECT jsonb_agg(CASE pick(i, 23, 20)
        WHEN 0 THEN jsonb_build_object('id', i, 'up', 'U')
        WHEN 1 THEN jsonb_build_object('v', i)
        WHEN 2 THEN jsonb_build_object('id', pick(i, 24, 200))
        ELSE jsonb_build_object('id', pick(i, 25, 4000), 'v', pick(i, 26, 100) - 3) END) AS data
    FROM generate_series(1, 200) i;
SELECT * FROM compare_ways('positive', (SELECT data FROM view_rows));
SELECT * FROM compare_ways('fresh', (SELECT data FROM view_rows));
CREATE VIEW by_trigger AS SELECT id, v, w AS up FROM base;
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v % 10 = 0 THEN RAISE 'no tens' USING ERRCODE = 'PX001'; END IF;
    IF (SELECT count(*) FROM bad_diff.base WHERE v = NEW.v) > 1 THEN RETURN NULL; END IF;
    INSERT INTO bad_diff.base VALUES (NEW.id, NEW.v, coalesce(NEW.up, 'none'));
    RETURN NEW;
END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON by_trigger FOR EACH ROW EXECUTE FUNCTION instead();
SELECT * FROM compare_ways('by_trigger', (SELECT data FROM view_rows), ways => '{plain,query,text}');

--
-- row triggers that raise: before the row, after it, and of a constraint
--
CREATE TABLE watched (id int PRIMARY KEY, v int);
CREATE FUNCTION before_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.v % 20 = 0 THEN RAISE 'no twenties'; END IF;
    IF NEW.v % 20 = 1 THEN RETURN NULL; END IF;
    IF (SELECT count(*) FROM bad_diff.watched w WHERE w.v = NEW.v) > 4 THEN
        RAISE 'seen too often';
    END IF;
    NEW.id := NEW.id + 1;
    RETURN NEW;
END $$;
CREATE TRIGGER before_row BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION before_row();
CREATE TABLE watched_rows AS
    SELECT jsonb_agg(jsonb_build_object('id', pick(i, 27, 4000), 'v', pick(i, 28, 60))) AS data
    FROM generate_series(1, 350) i;
SELECT * FROM compare_ways('watched', (SELECT data FROM watched_rows));
CREATE TABLE counted (id int PRIMARY KEY, v int);
CREATE FUNCTION after_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM bad_diff.counted c WHERE c.v = NEW.v) > 2 THEN
        RAISE 'too many of %', NEW.v;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER after_row AFTER INSERT ON counted FOR EACH ROW EXECUTE FUNCTION after_row();
SELECT * FROM compare_ways('counted', (SELECT data FROM watched_rows));
DROP TRIGGER after_row ON counted;
CREATE CONSTRAINT TRIGGER after_row AFTER INSERT ON counted FOR EACH ROW EXECUTE FUNCTION after_row();
SELECT * FROM compare_ways('counted', (SELECT data FROM watched_rows));
-- a trigger on another table's rows that a trigger writes
CREATE TABLE log (v int CHECK (v < 50));
CREATE FUNCTION write_log() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN INSERT INTO bad_diff.log VALUES (NEW.v); RETURN NEW; END';
CREATE TABLE logged (id int PRIMARY KEY, v int);
CREATE TRIGGER write_log BEFORE INSERT ON logged FOR EACH ROW EXECUTE FUNCTION write_log();
SELECT * FROM compare_ways('logged', (SELECT data FROM watched_rows));

--
-- defaults that draw numbers, or look; checks that look
--
CREATE SEQUENCE other_seq;
CREATE TABLE numbered (id serial PRIMARY KEY, v int CHECK (v > 0), n bigint DEFAULT nextval('bad_diff.other_seq') CHECK (n % 7 <> 0));
INSERT INTO numbered (id, v) VALUES (5, 1), (6, 1), (30, 1), (33, 1), (80, 1);
SELECT * FROM compare_ways('numbered', (
    SELECT jsonb_agg(CASE WHEN pick(i, 29, 9) = 0 THEN jsonb_build_object('v', 1, 'id', pick(i, 30, 90)) ELSE jsonb_build_object('v', pick(i, 31, 12)) END)
    FROM generate_series(1, 120) i));
CREATE TABLE identified (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int CHECK (v > 0));
INSERT INTO identified OVERRIDING SYSTEM VALUE VALUES (5, 1), (6, 1), (30, 1), (33, 1), (80, 1);
SELECT * FROM compare_ways('identified', (
    SELECT jsonb_agg(CASE WHEN pick(i, 32, 9) = 0 THEN jsonb_build_object('v', 1, 'id', i) ELSE jsonb_build_object('v', pick(i, 33, 12)) END)
    FROM generate_series(1, 120) i));
CREATE TABLE limited (id int UNIQUE, v int);
CREATE FUNCTION sum_of_limited() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT coalesce(sum(v), 0) FROM bad_diff.limited';
ALTER TABLE limited ADD CHECK (sum_of_limited() + v < 500);
SELECT * FROM compare_ways('limited', (SELECT data FROM watched_rows));
CREATE TABLE looking (id int PRIMARY KEY, v int);
CREATE FUNCTION next_looking() RETURNS int LANGUAGE sql STABLE AS 'SELECT coalesce(max(id), 0) + 1 FROM bad_diff.looking';
ALTER TABLE looking ALTER id SET DEFAULT next_looking();
SELECT * FROM compare_ways('looking', (
    SELECT jsonb_agg(CASE WHEN pick(i, 34, 4) = 0 THEN jsonb_build_object('id', pick(i, 35, 150)) ELSE jsonb_build_object('v', i) END)
    FROM generate_series(1, 100) i));

--
-- rules
--
CREATE TABLE ruled (id int PRIMARY KEY, v int);
CREATE TABLE ruled_log (n bigint CHECK (n < 60));
CREATE RULE ruled AS ON INSERT TO ruled DO ALSO INSERT INTO ruled_log SELECT count(*) FROM ruled;
SELECT * FROM compare_ways('ruled', (SELECT data FROM watched_rows), ways => '{plain,query,text}');

--
-- transforms, over another table and over the table itself
--
CREATE TABLE cities (id int, name text UNIQUE);
INSERT INTO cities SELECT i, 'city ' || i FROM generate_series(1, 80) i;
CREATE TABLE people (id int PRIMARY KEY, city int NOT NULL, twin int);
INSERT INTO ways VALUES
    ('transform', 'SELECT insert_many($1, from_json($2, transforms => ''{"city": "(SELECT c.id FROM bad_diff.cities c WHERE c.name = v)", "id": "1000 / v::int"}'')%s)'),
    ('transform own', 'SELECT insert_many($1, from_json($2, transforms => ''{"twin": "(SELECT max(p.id) FROM bad_diff.people p)", "id": "v::int - (SELECT count(*) FROM bad_diff.people p WHERE p.id % 2 = 0)::int", "city": "length(v)"}'')%s)');
SELECT * FROM compare_ways('people', (
    SELECT jsonb_agg(jsonb_build_object('id', CASE WHEN pick(i, 36, 10) = 0 THEN pick(i, 37, 30) ELSE i END, 'city', 'city ' || pick(i, 38, 85)))
    FROM generate_series(1, 200) i), ways => '{transform,transform own}');

--
-- CSV: as many lines as there are, with too few and too many fields
--
CREATE FUNCTION csv_lines(data jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(CASE jsonb_typeof(value)
        WHEN 'array' THEN (SELECT string_agg(v, ',') FROM jsonb_array_elements_text(value) v)
        ELSE concat_ws(',', value ->> 'a', value ->> 'b') END, E'\n' ORDER BY n)
    FROM jsonb_array_elements(CASE jsonb_typeof(data -> 0) WHEN 'null' THEN data ELSE data END) WITH ORDINALITY e(value, n)
$$;
CREATE TABLE lines (a int PRIMARY KEY, b date);
CREATE FUNCTION insert_lines(rel regclass, data jsonb, on_error text, error_table regclass DEFAULT NULL)
RETURNS bigint LANGUAGE sql AS $$
    SELECT insert_csv_text(rel, E'a,b\n' || csv_lines(CASE jsonb_typeof(data -> 0) WHEN 'array' THEN data ELSE jsonb_build_array(data) END),
                           on_conflict => NULL, on_error => insert_lines.on_error, error_table => insert_lines.error_table)
$$;
INSERT INTO ways VALUES ('lines', 'SELECT bad_diff.insert_lines($1, $2%s)');
-- (a row's number is its line's, the header's being 1)
CREATE OR REPLACE VIEW rejected_lines AS SELECT row_number - 1 AS row_number, data, sqlstate, message FROM rejected;
UPDATE ways SET call = 'WITH done AS MATERIALIZED (' || call || ') SELECT * FROM done' WHERE name = 'lines';
CREATE FUNCTION line_number() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN NEW.row_number := NEW.row_number - 1; RETURN NEW; END';
CREATE TRIGGER line_number BEFORE INSERT ON rejected FOR EACH ROW EXECUTE FUNCTION line_number();
SELECT * FROM compare_ways('lines', (
    SELECT jsonb_agg(CASE pick(i, 39, 12)
        WHEN 0 THEN jsonb_build_array(i)
        WHEN 1 THEN jsonb_build_array(i, '2024-01-01', 'more')
        WHEN 2 THEN jsonb_build_array('x', '2024-01-01')
        WHEN 3 THEN jsonb_build_array(pick(i, 40, 300), '2024-01-01')
        ELSE jsonb_build_array(i, '2024-01-01') END) FROM generate_series(1, 300) i), ways => '{lines}');

DROP TRIGGER line_number ON rejected;

--
-- upsert_many: rows that are there already are updated
--
INSERT INTO ways VALUES
    ('upsert', 'SELECT * FROM upsert_many($1, $2%s)'),
    ('upsert quietly', 'SELECT * FROM upsert_many($1, $2::text, skip_unchanged => true%s)'),
    ('upsert in order', 'SELECT * FROM upsert_many($1, $2, key_order => true%s)'),
    ('upsert by n', 'SELECT * FROM upsert_many($1, $2, key_columns => ''{n}''%s)');
SELECT * FROM compare_ways('keys', (
    SELECT jsonb_agg(jsonb_build_object('a', pick(i, 41, 200) - 20, 'b', pick(i, 42, 900), 'c', pick(i, 43, 900))
                     || CASE pick(i, 44, 3) WHEN 0 THEN '{"note": "n"}'::jsonb ELSE '{}' END)
    FROM generate_series(1, 300) i), ways => '{upsert,upsert quietly}');
-- (sorted first: single calls would take them in another order)
SELECT * FROM compare_ways('keys', (
    SELECT jsonb_agg(jsonb_build_object('a', a, 'b', pick(i, 42, 900), 'c', pick(i, 43, 900)) ORDER BY a NULLS FIRST, i)
    FROM generate_series(1, 300) i, LATERAL (SELECT nullif(pick(i, 41, 200) - 20, 7)) x(a)), ways => '{upsert in order}');
ALTER TABLE child ALTER CONSTRAINT child_x_y_fkey NOT DEFERRABLE;
SELECT * FROM compare_ways('child', (
    SELECT jsonb_agg(jsonb_build_object('id', CASE pick(i, 45, 30) WHEN 0 THEN NULL ELSE pick(i, 46, 200) END,
                                        'x', nullif(pick(i, 47, 210), 0), 'y', pick(i, 47, 210)))
    FROM generate_series(1, 330) i), ways => '{upsert,upsert quietly}');
SELECT * FROM compare_ways('tree', (
    SELECT jsonb_agg(jsonb_build_object('id', pick(i, 48, 60), 'up', CASE pick(i, 49, 3) WHEN 0 THEN NULL ELSE pick(i, 50, 80) END))
    FROM generate_series(1, 150) i), ways => '{upsert}');
SELECT * FROM compare_ways('own_parts', (
    SELECT jsonb_agg(jsonb_build_object('k', pick(i, 51, 40), 'up', CASE pick(i, 52, 3) WHEN 0 THEN NULL ELSE pick(i, 53, 50) END))
    FROM generate_series(1, 100) i), ways => '{upsert}');
ALTER TABLE owned ADD PRIMARY KEY (id);
CREATE POLICY changes ON owned FOR UPDATE USING (v <> 'locked') WITH CHECK (tenant > 5);
SELECT * FROM compare_ways('owned', (
    SELECT jsonb_agg(jsonb_build_object('id', pick(i, 54, 80), 'tenant', pick(i, 55, 95),
        'v', (ARRAY['secret', 'locked', 'open', 'open', 'open'])[1 + pick(i, 56, 5)]))
    FROM generate_series(1, 250) i), 'regress_bad_diff', ways => '{upsert}');
SELECT * FROM compare_ways('watched', (SELECT data FROM watched_rows), ways => '{upsert}');
CREATE TRIGGER changed AFTER UPDATE ON counted FOR EACH ROW EXECUTE FUNCTION after_row();
SELECT * FROM compare_ways('counted', (
    SELECT jsonb_agg(jsonb_build_object('id', pick(i, 57, 90), 'v', pick(i, 58, 40))) FROM generate_series(1, 200) i),
    ways => '{upsert,upsert quietly}');
ALTER TABLE identified ADD n int UNIQUE, ADD s int;
ALTER TABLE identified ALTER s SET DEFAULT nextval('other_seq'), ADD CHECK (s % 5 > 0);
ALTER TABLE numbered DROP COLUMN n, ADD n int UNIQUE;
SELECT compare_ways('identified', data, ways => '{upsert by n}'), compare_ways('numbered', data, ways => '{upsert by n}')
FROM (SELECT jsonb_agg(jsonb_build_object('n', nullif(pick(i, 59, 50), 0), 'v', pick(i, 60, 12))) AS data
      FROM generate_series(1, 200) i) x;
SELECT * FROM compare_ways('base', (SELECT jsonb_agg(jsonb_build_object('id', pick(i, 61, 30), 'v', pick(i, 62, 9)) || CASE pick(i, 63, 4) WHEN 0 THEN '{"w": null}'::jsonb ELSE '{}' END) FROM generate_series(1, 100) i), ways => '{upsert}');

SET client_min_messages = error;
DROP SCHEMA bad_diff CASCADE;
DROP ROLE regress_bad_diff;
