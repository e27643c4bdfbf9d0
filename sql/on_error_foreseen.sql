-- on_error => 'ignore': where rows have failed, the heap sink's next ones are
-- looked at before they are stored.  What is refused, and what is said of it,
-- is what the INSERT statement gives row by row.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgsync;
CREATE SCHEMA foreseen;
SET search_path = foreseen, public;

CREATE TABLE rejected (
    row_number bigint, column_name text, value text, sqlstate text, message text,
    detail text, hint text, constraint_name text);
CREATE FUNCTION pick(seed int, salt int, n int) RETURNS int
LANGUAGE sql IMMUTABLE AS
$$SELECT (hashint8(seed::bigint * 1000003 + salt)::bigint & 2147483647)::int % n$$;

-- what one call refuses, why, and what it stores; undone
CREATE FUNCTION outcome(rel regclass, data jsonb, sink text, role text,
                        OUT refused text[], OUT stored text[])
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('pgsync.sink', sink, true);
    IF role IS NOT NULL THEN
        EXECUTE format('SET LOCAL ROLE %I', role);
    END IF;
    PERFORM insert_many(rel, data, on_error => 'ignore', error_table => 'foreseen.rejected');
    RESET ROLE;
    -- without where a row was to be stored
    refused := ARRAY(SELECT regexp_replace(r::text, '\(\d+,\d+\)', '(place)') FROM rejected r ORDER BY row_number);
    EXECUTE format('SELECT array_agg(r::text ORDER BY r::text COLLATE "C") FROM %s r', rel)
    INTO stored;
    RAISE EXCEPTION 'undo' USING ERRCODE = 'ZZ001';
EXCEPTION WHEN SQLSTATE 'ZZ001' THEN
    NULL;
END $$;

-- the two sinks compared
CREATE FUNCTION compare(rel regclass, data jsonb, role text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    fast record;
    plain record;
BEGIN
    SELECT * INTO fast FROM outcome(rel, data, 'auto', role);
    SELECT * INTO plain FROM outcome(rel, data, 'statement', role);
    IF fast IS DISTINCT FROM plain THEN
        RETURN format('heap sink: %s; statement sink: %s',
            (SELECT array_agg(x) FROM (SELECT unnest(fast.refused) EXCEPT ALL SELECT unnest(plain.refused) LIMIT 3) y(x)),
            (SELECT array_agg(x) FROM (SELECT unnest(plain.refused) EXCEPT ALL SELECT unnest(fast.refused) LIMIT 3) y(x)));
    END IF;
    RETURN format('the same: %s refused, %s', cardinality(fast.refused),
        (SELECT string_agg(format('%s %s', n, state), ', ' ORDER BY state)
         FROM (SELECT split_part(x, ',', 4) AS state, count(*) AS n FROM unnest(fast.refused) x
               WHERE x ~ '^.\d+,[^,]*,[^,]*,' GROUP BY 1) s));
END $$;

--
-- keys that are there, that come twice, that are null
--
CREATE TABLE item (
    id int PRIMARY KEY, small smallint UNIQUE, big bigint, name text NOT NULL,
    CHECK (big <> 5), CONSTRAINT named CHECK (length(name) < 9));
CREATE UNIQUE INDEX item_big ON item (big) INCLUDE (name);
INSERT INTO item SELECT i * 3, i, 1e10::bigint + i, 'old' FROM generate_series(1, 400) i;
CREATE TABLE datas AS SELECT
    (SELECT jsonb_agg(jsonb_build_object('id', i, 'name', 'new')) FROM generate_series(1, 1300) i) AS thirds,
    (SELECT jsonb_agg(jsonb_build_object(
        'id', CASE WHEN pick(i, 1, 30) = 0 THEN pick(i, 2, 2500) ELSE 1500 + i END,
        'small', CASE pick(i, 3, 40) WHEN 0 THEN pick(i, 4, 900) WHEN 1 THEN 402 ELSE NULLIF(i, 7) + 1000 END,
        'big', CASE pick(i, 5, 40) WHEN 0 THEN 5 WHEN 1 THEN 1e10::bigint + pick(i, 6, 600) ELSE NULL END,
        'name', CASE pick(i, 7, 50) WHEN 0 THEN NULL WHEN 1 THEN 'too long a name' ELSE 'name' END))
     FROM generate_series(1, 2500) i) AS mixed;
SELECT compare('item', thirds) FROM datas;
SELECT compare('item', mixed) FROM datas;
-- nothing but them, and of one kind alone
SELECT compare('item', (SELECT jsonb_agg(jsonb_build_object('id', 3 * i, 'name', 'new')) FROM generate_series(1, 300) i));
SELECT compare('item', (SELECT jsonb_agg(jsonb_build_object('id', 10000 + i, 'name', CASE WHEN i % 9 > 0 THEN 'new' END)) FROM generate_series(1, 3000) i));
SELECT compare('item', (SELECT jsonb_agg(jsonb_build_object('id', 10000 + i / 2, 'name', 'new')) FROM generate_series(1, 900) i));
-- far from each other
SELECT compare('item', (SELECT jsonb_agg(jsonb_build_object('id', i * 1001 % 30000, 'name', 'new')) FROM generate_series(1, 900) i));
-- their kind changes: the failures of the first thousands end
SELECT compare('item', (SELECT jsonb_agg(jsonb_build_object('id', CASE WHEN i < 700 THEN i % 1500 ELSE 10000 + i END,
    'name', CASE WHEN i > 5000 AND i % 50 = 0 THEN NULL ELSE 'new' END)) FROM generate_series(1, 7000) i));
-- a row deleted before in the same transaction is not there
BEGIN;
DELETE FROM item WHERE id % 2 = 0;
SELECT compare('item', thirds) FROM datas;
ROLLBACK;
-- the reason given is the first one's, of the indexes in their order
DELETE FROM item;
INSERT INTO item VALUES (1, 1, 1, 'old'), (2, 2, 2, 'old');
SELECT insert_many('item', (SELECT jsonb_agg(CASE WHEN i % 100 > 6 THEN jsonb_build_object('id', 1000 + i, 'name', 'new')
        ELSE jsonb_build_object('id', 1 + i % 2, 'small', 2, 'big', 2 + (i % 3) * 3, 'name', CASE i % 100 WHEN 5 THEN repeat('x', 20) WHEN 6 THEN NULL ELSE 'new' END) END)
    FROM generate_series(1, 600) i), on_error => 'ignore', error_table => 'rejected');
SELECT sqlstate, message, detail, constraint_name, count(*) FROM rejected GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
TRUNCATE rejected;

--
-- what the caller may not read is not told
--
CREATE ROLE regress_foreseen;
GRANT USAGE ON SCHEMA foreseen TO regress_foreseen;
GRANT INSERT (id, name, small) ON item TO regress_foreseen;
GRANT SELECT (small) ON item TO regress_foreseen;
GRANT ALL ON rejected TO regress_foreseen;
SELECT compare('item', (SELECT jsonb_agg(r - 'big') FROM datas, jsonb_array_elements(mixed) r), 'regress_foreseen') FROM datas;
SELECT compare('item', '[{"id": 1, "name": "a"}, {"id": 2, "name": "a"}, {"id": 3}, {"id": 4}, {"id": 5, "small": 1, "name": "a"}]', 'regress_foreseen');

--
-- indexes that might raise something else first
--
CREATE TABLE other (id int, v int, t text);
CREATE INDEX other_quotient ON other ((100 / v));
CREATE UNIQUE INDEX other_id ON other (id);
CREATE UNIQUE INDEX other_t ON other (t);
CREATE UNIQUE INDEX other_down ON other (v DESC);
INSERT INTO other SELECT i, i, i FROM generate_series(1, 50) i;
SELECT compare('other', (SELECT jsonb_agg(jsonb_build_object('id', CASE WHEN pick(i, 11, 20) = 0 THEN pick(i, 12, 60) ELSE 1000 + i END,
    'v', CASE WHEN pick(i, 13, 20) = 0 THEN 0 WHEN pick(i, 13, 20) = 1 THEN 7 ELSE 1000 + i END, 't', CASE WHEN pick(i, 14, 30) = 0 THEN '7' ELSE i || 't' END))
    FROM generate_series(1, 1200) i));
CREATE TABLE late (id int UNIQUE DEFERRABLE, n int UNIQUE NULLS NOT DISTINCT, k int UNIQUE);
INSERT INTO late VALUES (1, NULL, 1), (2, 2, 2);
SELECT compare('late', (SELECT jsonb_agg(jsonb_build_object('id', 10 + i, 'n', CASE WHEN pick(i, 15, 30) > 0 THEN 10 + i END,
    'k', CASE WHEN pick(i, 16, 20) = 0 THEN 1 ELSE 10 + i END)) FROM generate_series(1, 1200) i));
-- a row too large for its other index
CREATE TABLE large (t text, id int);
CREATE INDEX ON large (t);
ALTER TABLE large ADD PRIMARY KEY (id);
ALTER TABLE large ALTER t SET STORAGE EXTERNAL;
INSERT INTO large VALUES ('old', 1);
SELECT compare('large', (SELECT jsonb_agg(jsonb_build_object('id', CASE WHEN i % 40 = 0 THEN 1 ELSE 10 + i END,
    't', CASE WHEN i % 30 = 0 THEN repeat('x', 4000) ELSE 'new' END)) FROM generate_series(1, 900) i));

--
-- statement triggers, partitions and generated columns take the other way
--
CREATE TABLE triggered (id int PRIMARY KEY);
CREATE FUNCTION clear_triggered() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN DELETE FROM foreseen.triggered WHERE id % 2 = 1; RETURN NULL; END';
CREATE TRIGGER clear BEFORE INSERT ON triggered EXECUTE FUNCTION clear_triggered();
INSERT INTO triggered SELECT generate_series(2, 400, 2);
INSERT INTO triggered VALUES (1);
SELECT compare('triggered', (SELECT jsonb_agg(jsonb_build_object('id', i)) FROM generate_series(1, 600) i));
CREATE TABLE whole (id int PRIMARY KEY, v int CHECK (v > 0), twice int GENERATED ALWAYS AS (v * 2) STORED) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (1000);
INSERT INTO part SELECT i, 1 FROM generate_series(1, 300) i;
SELECT compare(rel, (SELECT jsonb_agg(jsonb_build_object('id', i, 'v', pick(i, 17, 9))) FROM generate_series(200, 1100) i))
FROM unnest('{whole,part}'::regclass[]) rel;

DROP SCHEMA foreseen CASCADE;
DROP ROLE regress_foreseen;
