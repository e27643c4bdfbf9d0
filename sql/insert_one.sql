-- insert_one and insert_returning: what comes back, from which relations.
CREATE TABLE person (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    "E-Mail" text UNIQUE,
    tags text[],
    born date,
    shout text GENERATED ALWAYS AS (upper(name)) STORED
);

-- without return_columns: NULL, but the row is there
SELECT insert_one('person', '{"name": "ann"}') IS NULL AS nothing;
-- defaults, generated columns and nulls come back, keys are column names
SELECT insert_one('person', '{"name": "bob", "E-Mail": "bob@x", "tags": ["a"], "born": "2000-01-02"}', '{*}');
SELECT insert_one('person', '{"name": "cy"}', '{id,shout,"E-Mail"}');
SELECT insert_one('person', '{"name": "dan"}', '{}') IS NULL AS nothing;
-- a skipped row: NULL; an updated row: its columns
SELECT insert_one('person', '{"name": "eve", "E-Mail": "bob@x"}', '{id}',
                  'ON CONFLICT DO NOTHING') IS NULL AS skipped;
SELECT insert_one('person', '{"name": "eve", "E-Mail": "bob@x"}', '{name,shout}',
                  'ON CONFLICT ("E-Mail") DO UPDATE SET name = EXCLUDED.name');

-- many rows, in input order, each with its own keys
SELECT * FROM insert_returning('person',
    '[{"name": "z"}, {"E-Mail": "y@x", "name": "y"}, {"born": null, "name": "x"}]',
    '{name,"E-Mail"}') r;
SELECT r -> 'name' AS name, r -> 'shout' AS shout
FROM insert_returning('person', '{"name": "only"}') r;
SELECT count(*) FROM insert_returning('person', '[]');
-- skipped rows are left out
SELECT * FROM insert_returning('person',
    '[{"name": "1", "E-Mail": "bob@x"}, {"name": "2"}]', '{name}',
    'ON CONFLICT DO NOTHING') r;
-- NULL options mean their defaults
SELECT count(*) FROM insert_returning('person', '[{"name": "n"}]', NULL, NULL) r
WHERE r ? 'shout';

-- more rows than fit in work_mem, in order
SET work_mem = '64kB';
CREATE TABLE long (n int, filler text DEFAULT repeat('x', 100));
SELECT count(*), bool_and((r ->> 'n')::int = ordinality) AS in_order
FROM insert_returning('long',
    (SELECT jsonb_agg(jsonb_build_object('n', i)) FROM generate_series(1, 5000) i))
    WITH ORDINALITY AS q(r);
RESET work_mem;

-- views: simple, and with an INSTEAD OF trigger
CREATE VIEW adult AS SELECT id, name AS called, born FROM person;
SELECT insert_one('adult', '{"called": "fay", "born": "1999-09-09"}', '{called,born}');
SELECT * FROM insert_returning('adult', '[{"called": "g"}, {"born": "1990-01-01", "called": "h"}]', '{called,born}');
CREATE VIEW loud AS SELECT id, shout FROM person;
CREATE FUNCTION loud_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO person (name) VALUES (lower(NEW.shout)) RETURNING id INTO NEW.id;
    NEW.shout := NEW.shout || '!';
    RETURN NEW;
END $$;
CREATE TRIGGER loud_insert INSTEAD OF INSERT ON loud
    FOR EACH ROW EXECUTE FUNCTION loud_insert();
SELECT insert_one('loud', '{"shout": "HEY"}', '{shout}');
-- partitioned tables, with a partition of another layout
CREATE TABLE event (day date, what text, id serial) PARTITION BY RANGE (day);
CREATE TABLE event_old (id int NOT NULL DEFAULT 0, gone int, what text, day date);
ALTER TABLE event_old DROP COLUMN gone;
ALTER TABLE event ATTACH PARTITION event_old FOR VALUES FROM ('1900-01-01') TO ('2000-01-01');
CREATE TABLE event_new PARTITION OF event FOR VALUES FROM ('2000-01-01') TO (MAXVALUE);
SELECT * FROM insert_returning('event',
    '[{"day": "1999-01-01", "what": "old"}, {"day": "2020-01-01", "what": "new"}]');

-- row-level security: a row that may be inserted, but not seen
CREATE ROLE pgsync_writer;
CREATE TABLE secret (owner text, n int);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY w ON secret FOR INSERT WITH CHECK (true);
CREATE POLICY r ON secret FOR SELECT USING (owner = current_user);
GRANT SELECT, INSERT ON secret TO pgsync_writer;
SET ROLE pgsync_writer;
SELECT insert_one('secret', '{"owner": "pgsync_writer", "n": 1}', '{n}');
SELECT insert_one('secret', '{"owner": "other", "n": 2}');
SELECT insert_one('secret', '{"owner": "other", "n": 3}', '{n}');
INSERT INTO secret VALUES ('other', 3) RETURNING n;
RESET ROLE;
SELECT * FROM secret ORDER BY n;
-- RETURNING takes SELECT on the columns returned
CREATE TABLE writable (id int, hidden text DEFAULT 'h');
GRANT INSERT, SELECT (id) ON writable TO pgsync_writer;
SET ROLE pgsync_writer;
SELECT insert_one('writable', '{"id": 1}', '{id}');
SELECT insert_one('writable', '{"id": 2}', '{hidden}');
SELECT insert_one('writable', '{"id": 2}', '{*}');
RESET ROLE;
SELECT * FROM writable;

-- bad input
SELECT insert_one(NULL, '{}');
SELECT insert_one('person', NULL);
SELECT insert_returning('person', NULL);
SELECT insert_one('person', '[{"name": "bad"}]');
SELECT insert_one('person', '"x"');
SELECT insert_one('person', '{"name": "bad"}', '{idd}');
SELECT insert_one('person', '{"name": "bad"}', '{id,NULL}');
SELECT insert_one('person', '{"name": "bad"}', '{id,""}');
SELECT insert_one('person', '{"name": "bad"}', '{id,id}');
SELECT insert_one('person', '{"name": "bad"}', '{id,*}');
SELECT insert_one('person', '{"name": null}', '{id}');
SELECT insert_one('person', '{"id": 5, "name": "bad"}', '{id}');
SELECT insert_one('person', '{"shout": "X", "name": "bad"}', '{id}');
SELECT insert_one('person', '{"name": "bad"}', '{id}', 'ON CONFLICT DO NOTHING RETURNING 1');
SELECT insert_returning('person', '[{"name": "bad"}]', '{}');
SELECT insert_returning('person', '[{"name": "bad"}, {"nam": "y"}]');
SELECT insert_returning('person', '[{"name": "bad"}, 1]');
SELECT count(*) FROM person WHERE name = 'bad';

-- get_insert_data: the statement, and values aligned by name
SELECT * FROM get_insert_data('person', '[{"name": "a", "E-Mail": "a@x"}, {"E-Mail": null, "name": "b"}]');
SELECT * FROM get_insert_data('person', '{"born": "2000-01-01", "tags": [1, [2]], "name": {"deep": 1.50}}');
SELECT * FROM get_insert_data('person', '{}');
-- the statement is one that works
CREATE FUNCTION pg_temp.run_prepared() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    d record;
    done bigint := 0;
    r jsonb;
BEGIN
    d := get_insert_data('event', '[{"what": "p", "day": "2001-01-01"}, {"day": "1950-01-01", "what": null}]');
    RAISE NOTICE '%', d.query;
    FOR r IN SELECT jsonb_array_elements(d."values") LOOP
        EXECUTE replace(replace(d.query, '$1', '$1::date'), '$2', '$2::text') USING r ->> 0, r ->> 1;
        done := done + 1;
    END LOOP;
    RETURN done;
END $$;
SELECT pg_temp.run_prepared();
SELECT day, what FROM event WHERE what = 'p' OR what IS NULL ORDER BY day;
SELECT get_insert_data('person', '[{"name": "a"}, {"name": "b", "born": null}]');
SELECT get_insert_data('person', '[{"name": "a", "born": null}, {"name": "b"}]');
SELECT get_insert_data('person', '[{"nmae": "a"}]');
SELECT get_insert_data('person', '[]');
SELECT get_insert_data('person', '[[]]');
SELECT get_insert_data('person', '3');
SELECT get_insert_data(NULL, '{}');
-- it takes no privilege, and leaves no lock behind
BEGIN;
SELECT query FROM get_insert_data('person', '{"name": "a"}');
SELECT count(*) FROM pg_locks WHERE relation = 'person'::regclass;
ROLLBACK;
SELECT get_insert_data('person', NULL);

DROP TABLE person, event, secret, writable, long CASCADE;
DROP FUNCTION loud_insert;
DROP ROLE pgsync_writer;
