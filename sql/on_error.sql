-- on_error, reject_limit, error_table of insert_many, insert_csv_text: what is
-- skipped, what is kept of it, and what ends the call.
SET TimeZone = 'UTC';
CREATE EXTENSION IF NOT EXISTS pgsync;
CREATE SCHEMA on_error;
SET search_path = on_error, public;

CREATE TABLE item (
    id int PRIMARY KEY,
    name text NOT NULL,
    price numeric(6,2) CHECK (price >= 0),
    born date
);
CREATE TABLE rejected (
    target_table regclass, row_number bigint, data text, column_name text,
    value text, sqlstate text, message text, detail text, hint text,
    constraint_name text, at timestamptz NOT NULL DEFAULT '2000-01-01'
);

--
-- what is kept of a row
--
SELECT insert_many('item', '[
    {"id": 1, "name": "a", "price": 1},
    {"id": "two", "name": "b"},
    {"id": 1, "name": "c"},
    {"id": 4, "name": null},
    {"id": 5, "name": "e", "price": -1},
    {"id": 6, "name": "f", "price": 123456},
    {"id": 7, "name": "g", "prise": 1},
    {"id": 8, "name": "h", "born": "2024-02-30"},
    8,
    {"id": 9, "name": "i"}]', on_error => 'ignore', error_table => 'rejected');
SELECT * FROM item ORDER BY id;
\x
SELECT * FROM rejected ORDER BY row_number;
\x
-- the corrected rows, loaded from there
SELECT insert_many('item', from_query($$
    SELECT jsonb_set(data::jsonb, '{id}', '2') FROM on_error.rejected WHERE column_name = 'id'$$));
SELECT * FROM item ORDER BY id;
TRUNCATE item, rejected;

-- lines that are no JSON; the words are in any case; NULL is the default
SELECT insert_many('item', E'{"id": 1, "name": "a"}\n{"id": 2, "name": \n{"id": 3, "name": "c"}\n{"id": 4 "name": "d"}\n{"id": 5, "name": "\\u00zz"}',
                   on_error => 'IGNORE', error_table => 'rejected');
SELECT row_number, data, sqlstate, message, detail FROM rejected ORDER BY 1;
TRUNCATE item, rejected;
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": "x"}]', on_error => NULL);
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": "x"}]', on_error => 'Stop');

-- CSV: lines with too few and too many fields, a quoted one over two lines
SELECT insert_csv_text('item', E'id,name,price\n1,a,1\n2,b\n3,c,3,x\n"4","d\nd",x\n,e,5\n6,f,6\n6,g,6\n',
                       on_error => 'ignore', error_table => 'rejected');
SELECT * FROM item ORDER BY id;
SELECT row_number, data, column_name, value, sqlstate, message, detail FROM rejected ORDER BY 1;
TRUNCATE item, rejected;

-- a bare value in the place of the rows is a row that is no object, however it comes
SELECT insert_many('item', '7'::jsonb, on_error => 'ignore', error_table => 'rejected'),
       insert_many('item', '7'::json, on_error => 'ignore', error_table => 'rejected'),
       insert_many('item', '7'::text, on_error => 'ignore', error_table => 'rejected'),
       insert_many('item', from_query($$SELECT d FROM (VALUES (1, '7'::jsonb), (2, '[8, {"id": 1, "name": "a"}]'), (3, '"x"')) v(n, d) ORDER BY n$$),
                   on_error => 'ignore', error_table => 'rejected'),
       insert_many('item', from_query($$SELECT d FROM (VALUES (1, '7'::json), (2, '[8, {"id": 2, "name": "a"}]'), (3, '"x"')) v(n, d) ORDER BY n$$),
                   on_error => 'ignore', error_table => 'rejected'),
       insert_many('item', '[{"id": 3, "name": "c"}, 9]'::json, on_error => 'ignore', error_table => 'rejected'),
       insert_many('item', from_json('{"a": {"id": 4}, "b": 9}'::json, key_column => 'name'), on_error => 'ignore', error_table => 'rejected');
SELECT row_number, data, sqlstate, message FROM rejected ORDER BY ctid;
TRUNCATE item, rejected;

-- every kind of source has its row
SELECT insert_many('item', from_json('{"rows": {"a": {"id": 1}, "b": {"id": "x"}, "c": 1}}'::jsonb, at => '{rows}', key_column => 'name'),
                   on_error => 'ignore', error_table => 'rejected');
SELECT insert_many('item', from_json('{"rows": {"a": {"id": 2}, "b": {"id": "x"}, "c": 1, "a": {"id": 3, "name": "b"}}}'::text, at => '{rows}', key_column => 'name'),
                   on_error => 'ignore', error_table => 'rejected');
SELECT insert_many('item', from_csv(E'Id;Name\n4;d\nx;e\n', delimiter => ';', columns => '{"Id": "id", "Name": "name"}'),
                   on_error => 'ignore', error_table => 'rejected');
SELECT insert_many('item', from_query('SELECT i AS id, nullif(i, 6)::text AS name, i - 5 AS price FROM generate_series(4, 7) i'),
                   on_error => 'ignore', error_table => 'rejected');
SELECT insert_many('item', from_query($$VALUES ('[{"id": 8, "name": "h"}, {"id": 9}]'::json), ('{"id": "x"}'), ('[]'), ('[{"id": 10, "name": "j"}]')$$),
                   on_error => 'ignore', error_table => 'rejected');
SELECT insert_many('item', from_query($$VALUES ('[{"id": 11, "name": "h"}, {"id": 9}]'::jsonb), ('{"id": "x"}'), ('[{"id": 12, "name": "j"}]')$$),
                   on_error => 'ignore', error_table => 'rejected');
SELECT insert_many('item', from_json('[{"id": 1, "name": "0"}, {"id": 20, "name": "4"}, {"id": 21, "name": "x"}]'::json,
                                     transforms => '{"price": "100 / (r ->> ''name'')::int", "name": "upper(v)"}'),
                   on_error => 'ignore', error_table => 'rejected');
SELECT row_number, data, column_name, value, sqlstate, message FROM rejected ORDER BY at, ctid;
SELECT * FROM item ORDER BY id;
TRUNCATE item, rejected;

-- data as json and jsonb: an object; what is none is left out
CREATE TABLE as_json (data json, row_number bigint);
CREATE TABLE as_jsonb (n bigserial, data jsonb, target_table text);
SELECT insert_many('item', E'{"id":  1}\n{"id": 2, "name": }\n{"name": "\\u0000"}\n', on_error => 'ignore', error_table => 'as_json');
SELECT insert_many('item', E'{"id":  1}\n{"id": 2, "name": }\n{"name": "\\u0000"}\n', on_error => 'ignore', error_table => 'as_jsonb');
SELECT insert_csv_text('item', E'id,name\n1,\n2,x,y\nx,"a ""b"""\n', on_error => 'ignore', error_table => 'as_json');
SELECT insert_csv_text('item', E'id,name\n1,\n2,x,y\nx,"a ""b"""\n', on_error => 'ignore', error_table => 'as_jsonb');
SELECT data FROM as_json ORDER BY ctid;
SELECT * FROM as_jsonb ORDER BY n;

--
-- the limit
--
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": "x"}, {"id": "y"}]', on_error => 'ignore', reject_limit => 2);
SELECT insert_many('item', '[{"id": 2, "name": "a"}, {"id": "x"}, {"id": "y"}]', on_error => 'ignore', reject_limit => 1, error_table => 'as_json');
SELECT insert_many('item', '[{"id": 2, "name": "a"}]', on_error => 'ignore', reject_limit => 0);
SELECT insert_csv_text('item', (SELECT string_agg(x, E'\n') FROM (SELECT 'id,name' UNION ALL SELECT CASE i % 100 WHEN 0 THEN NULL ELSE i END || ',x' FROM generate_series(3, 5000) i UNION ALL SELECT 'z' FROM generate_series(1, 9)) x(x)),
                       on_error => 'ignore', reject_limit => 6);
SELECT count(*) FROM item;

--
-- what is wrong with the arguments is said before a row is read
--
SELECT insert_many('item', '[', on_error => 'skip');
SELECT insert_many('item', '[', on_error => 'ignore', reject_limit => -1);
SELECT insert_many('item', '[', reject_limit => 1);
SELECT insert_many('item', '[', on_error => 'stop', error_table => 'rejected');
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'nowhere');
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 99999);
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'item');
CREATE VIEW rejected_view AS SELECT * FROM rejected;
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'rejected_view');
CREATE TABLE useless (a int);
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'useless');
CREATE TABLE mistyped (message text, row_number int);
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'mistyped');
CREATE TABLE mistyped_data (data bytea);
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'mistyped_data');
CREATE TABLE parted (id int, message text) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
SELECT insert_many('parted', '['::text, on_error => 'ignore', error_table => 'parted_1');
SELECT insert_many('parted_1', '['::text, on_error => 'ignore', error_table => 'parted');

-- privileges are those of an INSERT, on the columns that are there
CREATE ROLE regress_on_error;
GRANT USAGE ON SCHEMA on_error TO regress_on_error;
GRANT INSERT ON item TO regress_on_error;
SET ROLE regress_on_error;
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'rejected');
RESET ROLE;
GRANT INSERT (target_table, row_number, data, column_name, value, sqlstate, message, detail, hint) ON rejected TO regress_on_error;
SET ROLE regress_on_error;
SELECT insert_many('item', '['::text, on_error => 'ignore', error_table => 'rejected');
RESET ROLE;
GRANT INSERT (constraint_name) ON rejected TO regress_on_error;
SET ROLE regress_on_error;
SELECT insert_many('item', '[{"id": "x"}]', on_error => 'ignore', error_table => 'rejected');
RESET ROLE;
SELECT row_number, message FROM rejected;
TRUNCATE item, rejected;

--
-- what ends the call, although a row was at hand
--
-- a broken document, after 10,000 good rows
SELECT insert_many('item', (SELECT '[' || string_agg(format('{"id": %s, "name": "x"}', i), ',') || ', {"id": "x"}, {"id": 0, "name": }]' FROM generate_series(1, 10000) i),
                   on_error => 'ignore', error_table => 'rejected');
SELECT insert_csv_text('item', E'id,name\nx,a\n1,b\n2,"c', on_error => 'ignore', error_table => 'rejected');
-- privileges, also if no row gets as far
SET ROLE regress_on_error;
SELECT insert_many('as_json', '[{"row_number": "x"}]', on_error => 'ignore');
SELECT insert_many('as_json', '[{"row_number": 1}]', on_error => 'ignore');
SELECT insert_many('item', '[{"id": 1, "name": "a"}]', on_conflict => 'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name', on_error => 'ignore');
RESET ROLE;
REVOKE INSERT ON item FROM regress_on_error;
GRANT INSERT (id, name) ON item TO regress_on_error;
SET ROLE regress_on_error;
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": 2, "name": "b", "price": 1}]', on_error => 'ignore');
RESET ROLE;
-- statement triggers
CREATE FUNCTION raise_it() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE 'by %', TG_NAME USING ERRCODE = TG_ARGV[0]; END$$;
CREATE TRIGGER before_statement BEFORE INSERT ON item EXECUTE FUNCTION raise_it('P0001');
SELECT insert_many('item', '[{"id": 1, "name": "a"}]', on_error => 'ignore', error_table => 'rejected');
DROP TRIGGER before_statement ON item;
CREATE TRIGGER after_statement AFTER INSERT ON item EXECUTE FUNCTION raise_it('P0001');
SELECT insert_many('item', '[{"id": 1, "name": "a"}]', on_error => 'ignore', error_table => 'rejected');
DROP TRIGGER after_statement ON item;
-- errors that are no row's, by their SQLSTATE; those of row triggers are
CREATE FUNCTION try_state(state text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER row_trigger BEFORE INSERT ON on_error.item FOR EACH ROW EXECUTE FUNCTION on_error.raise_it(%L)', state);
    PERFORM insert_many('on_error.item', '[{"id": 1, "name": "a"}]', on_error => 'ignore');
    RETURN state || ' skips the row';
EXCEPTION WHEN OTHERS THEN
    RETURN state || ' ends the call: ' || SQLSTATE;
END $$;
SET client_min_messages = warning;
SELECT try_state(s) FROM unnest('{P0001,23514,22012,0A000,55000,54001,08006,40001,40P01,53200,53100,55P03,58030,42501,XX000}'::text[]) s;
RESET client_min_messages;
DROP TRIGGER row_trigger ON item;
-- deferred constraints
CREATE TABLE later (id int PRIMARY KEY, up int REFERENCES later DEFERRABLE INITIALLY DEFERRED, u int UNIQUE DEFERRABLE INITIALLY DEFERRED);
SELECT insert_many('later', '[{"id": 1, "up": 9}]', on_error => 'ignore');
SELECT insert_many('later', '[{"id": 1, "u": 9}, {"id": 2, "u": 9}]', on_error => 'ignore');
BEGIN;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT insert_many('later', '[{"id": 1, "u": 9, "up": 2}, {"id": 2, "u": 9}, {"id": 3, "u": 9}, {"id": 4, "up": 2}]', on_error => 'ignore');
SELECT * FROM later ORDER BY id;
ROLLBACK;
SELECT count(*) FROM later;
-- a trigger on the error table, which raises: neither rows nor rejects stay
CREATE TRIGGER raises BEFORE INSERT ON rejected FOR EACH ROW EXECUTE FUNCTION raise_it('P0001');
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": "x"}]', on_error => 'ignore', error_table => 'rejected');
SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM rejected);
DROP TRIGGER raises ON rejected;

--
-- statement triggers fire once for each batch that is kept
--
CREATE TABLE fired (trigger text, rows bigint);
CREATE FUNCTION note_it() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN INSERT INTO on_error.fired SELECT TG_NAME, count(*) FROM new_rows; RETURN NULL; END$$;
CREATE TRIGGER noted AFTER INSERT ON item REFERENCING NEW TABLE AS new_rows EXECUTE FUNCTION note_it();
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": "x"}, {"id": 2, "name": "b"}]', on_error => 'ignore');
SELECT * FROM fired;
SELECT insert_many('item', '[]', on_error => 'ignore');
SELECT * FROM fired;
DROP TRIGGER noted ON item;
TRUNCATE item, fired;

-- a row trigger with a transition table: one row each
CREATE TRIGGER noted AFTER INSERT ON item REFERENCING NEW TABLE AS new_rows FOR EACH ROW EXECUTE FUNCTION note_it();
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": "x"}, {"id": 2, "name": "b"}]', on_error => 'ignore');
SELECT * FROM fired;
DROP TRIGGER noted ON item;
TRUNCATE item;

--
-- subtransactions: few for a clean load, none of them for what writes nothing
--
SET client_min_messages = warning;
SELECT insert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i, 'name', 'x')) FROM generate_series(1, 20000) i), on_error => 'ignore');
SELECT count(*), count(DISTINCT xmin::text) < 12 AS few FROM item;
TRUNCATE item;
BEGIN;
SELECT insert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', 'x' || i, 'name', 'x')) FROM generate_series(1, 300) i), on_error => 'ignore');
SELECT insert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(1, 300) i), on_error => 'ignore');
SELECT pg_current_xact_id_if_assigned() IS NULL AS none;
COMMIT;
RESET client_min_messages;

-- a dry run
BEGIN;
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": "x"}]', on_error => 'ignore', error_table => 'rejected');
SELECT row_number, message FROM rejected;
ROLLBACK;
SELECT (SELECT count(*) FROM item), (SELECT count(*) FROM rejected);

-- in a function, in a block that catches, and in a cursor's loop
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT g FROM generate_series(1, 3) g LOOP
        BEGIN
            PERFORM insert_many('on_error.item', format('[{"id": %s, "name": "a"}, {"id": "x"}]', r.g)::jsonb, on_error => 'ignore', error_table => 'on_error.rejected');
            IF r.g = 2 THEN RAISE 'undo'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
    END LOOP;
END $$;
SELECT (SELECT array_agg(id ORDER BY id) FROM item), (SELECT count(*) FROM rejected);
TRUNCATE item, rejected;

-- overriding, and identity columns that the table fills
CREATE TABLE counted (id int GENERATED ALWAYS AS IDENTITY, v int CHECK (v > 0));
SELECT insert_many('counted', '[{"v": 1}, {"id": 7, "v": 2}, {"v": -1}, {"v": 3}]', on_error => 'ignore');
SELECT insert_many('counted', '[{"v": 1}, {"id": 7, "v": 2}, {"v": -1}, {"v": 3}]', overriding => 'system', on_error => 'ignore');
SELECT insert_many('counted', '[{"v": 1}, {"id": 7, "v": 2}, {"v": -1}, {"v": 3}]', overriding => 'user', on_error => 'ignore');
SELECT * FROM counted ORDER BY ctid;

-- a partitioned error table, with row-level security; foreign rows' reasons
CREATE TABLE rejected_parts (target_table text, sqlstate text, message text) PARTITION BY LIST (sqlstate);
CREATE TABLE rejected_keys PARTITION OF rejected_parts FOR VALUES IN ('23505', '23503');
CREATE TABLE rejected_rest PARTITION OF rejected_parts DEFAULT;
SELECT insert_many('item', '[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}, {"id": "x"}]', on_error => 'ignore', error_table => 'rejected_parts');
SELECT tableoid::regclass, * FROM rejected_parts ORDER BY sqlstate;
ALTER TABLE rejected_parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY no_keys ON rejected_parts USING (sqlstate <> '23505');
GRANT ALL ON rejected_parts, item TO regress_on_error;
SET ROLE regress_on_error;
SELECT insert_many('item', '[{"id": 1, "name": "b"}]', on_error => 'ignore', error_table => 'rejected_parts');
RESET ROLE;

--
-- upsert_many
--
TRUNCATE item, rejected;
SELECT * FROM upsert_many('item', '[{"id": 1, "name": "a"}, {"id": 1, "price": -1}, {"id": 1, "price": 5}, {"id": null}, {"name": "x"}, {"id": "x"}, {"id": 2}, {"id": 3, "name": "c"}, {"id": 1, "price": 5}]',
                          skip_unchanged => true, on_error => 'ignore', error_table => 'rejected');
SELECT * FROM item ORDER BY id;
SELECT row_number, column_name, sqlstate, message FROM rejected ORDER BY 1;
SELECT * FROM upsert_many('item', '[{"id": 1, "name": null}, {"id": 2}]', on_error => 'ignore', reject_limit => 1);

-- in the order of their keys: bad rows of all kinds, and of each its text
TRUNCATE item, rejected, as_json;
TRUNCATE as_jsonb RESTART IDENTITY;
INSERT INTO item VALUES (5, 'five', 5);
SELECT * FROM upsert_many('item', '[{"id": 9, "name": "i"}, {"id": 5, "price": -1}, {"id": 3,  "name": null}, {"id": "x"}, {"id": null, "name": "n"}, {"name": "x"}, {"id": 5, "price": 6}, {"id": 4, "name": "d"}, {"id": 2}, {"idd": 1}, 7, {"id": 5, "price": 7}, {"id": 4, "price": 123456}]'::text,
                          key_order => true, on_error => 'ignore', error_table => 'rejected');
SELECT * FROM item ORDER BY id;
SELECT row_number, data, column_name, value, sqlstate, message FROM rejected ORDER BY 1;
SELECT * FROM upsert_many('item', from_csv(E'id,name,price\n9,i,1\nx,y,z\n8,"h",-1\n,a,1\n1,a,1\n7,g\n6,f,1,2\n'), key_order => true, on_error => 'ignore', error_table => 'as_json');
SELECT * FROM upsert_many('item', from_csv(E'id,name,price\n9,i,1\nx,y,z\n8,"h",-1\n,a,1\n1,a,1\n7,g\n6,f,1,2\n'), key_order => true, on_error => 'ignore', error_table => 'rejected');
SELECT * FROM upsert_many('item', from_json('{"b": {"id": 22, "price": 1}, "a": {"id": 21, "price": -1}, "c": {"id": "x"}, "d": {"id": 20, "born": "2024-01-01"}}'::json, key_column => 'name'),
                          key_order => true, on_error => 'ignore', error_table => 'as_jsonb');
SELECT * FROM upsert_many('item', from_query('SELECT 30 - i AS id, nullif(i, 3)::text AS name, i % 2 - 1 AS price FROM generate_series(1, 5) i'),
                          key_order => true, on_error => 'ignore', error_table => 'as_jsonb');
SELECT * FROM upsert_many('item', from_json('[{"id": 41, "name": "0"}, {"id": 40, "name": "4"}, {"id": 39, "name": "-4"}, {"id": 38, "name": "x"}]'::jsonb, transforms => '{"price": "100 / (r ->> ''name'')::int"}'),
                          key_order => true, on_error => 'ignore', error_table => 'as_jsonb');
SELECT data, row_number FROM as_json ORDER BY row_number;
SELECT row_number, data, message FROM rejected WHERE data !~ '^[{0-9]*"' ORDER BY 1;
SELECT data FROM as_jsonb ORDER BY n;
SELECT * FROM item ORDER BY id;
-- text that jsonb cannot hold is left out
CREATE TABLE loose (id int PRIMARY KEY, doc json, CHECK (id < 5));
SELECT * FROM upsert_many('loose', E'{"id": 9, "doc": {"a": "\\u0000"}}\n{"id": 8, "doc": {}}', key_order => true, on_error => 'ignore', error_table => 'as_jsonb');
SELECT n, data FROM as_jsonb ORDER BY n DESC LIMIT 2;
-- nothing but bad rows, no row, too many of them, a broken document
SELECT * FROM upsert_many('item', '[{"id": "x"}, {"id": "y"}, 1]', key_order => true, on_error => 'ignore');
SELECT * FROM upsert_many('item', '[]', key_order => true, on_error => 'ignore', error_table => 'rejected');
SELECT * FROM upsert_many('item', '[{"id": "x"}, {"id": 1, "price": -1}, {"id": "y"}]', key_order => true, on_error => 'ignore', reject_limit => 2);
SELECT * FROM upsert_many('item', '[{"id": "x"}, {"id": 1, "price": -1}, {"id": "y"}]', key_order => true, on_error => 'ignore', reject_limit => 1);
SELECT * FROM upsert_many('item', '[{"id": 1}, {"id": 2, "price": -1}, {"id": 3, "name": "c"}]', key_order => true, on_error => 'ignore', reject_limit => 1);
SELECT * FROM upsert_many('item', '[{"id": 1}, {"id": "y"}, {"id"]'::text, key_order => true, on_error => 'ignore');
-- more than a batch, and than work_mem
SET work_mem = '64kB';
SELECT * FROM upsert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', CASE WHEN i % 100 = 7 THEN to_jsonb('x'::text) ELSE to_jsonb(10000 - i) END, 'name', repeat('n', i % 300), 'price', i % 50 - 1)) FROM generate_series(1, 4000) i),
                          key_order => true, on_error => 'ignore', error_table => 'rejected');
RESET work_mem;
SELECT sqlstate, count(*), count(DISTINCT row_number), count(data), min(row_number), max(row_number) FROM rejected WHERE at = '2000-01-01' AND data LIKE '{"id": %' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM item WHERE id > 5000;
SELECT * FROM upsert_many('item', '[]', on_error => 'ignore', error_table => 'item');
SELECT * FROM upsert_many('item', '[]', on_error => 'ignore', error_table => 'rejected');

SET client_min_messages = warning;
DROP SCHEMA on_error CASCADE;
DROP ROLE regress_on_error;
