-- upsert_many: rows applied in turn, each updating just what it names.
CREATE TABLE item (
    id int PRIMARY KEY,
    sku text UNIQUE,
    name text,
    qty int DEFAULT 1,
    doc jsonb,
    touched int NOT NULL DEFAULT 0
);
INSERT INTO item (id, sku, name, qty, doc)
VALUES (1, 'a', 'one', 10, '{"k": 1}'), (2, 'b', 'two', 20, NULL);

-- the three overloads; JSON Lines
SELECT * FROM upsert_many('item', '[{"id": 1, "name": "ONE"}, {"id": 3, "name": "three"}]'::jsonb);
SELECT * FROM upsert_many('item', '[{"id": 1, "qty": 11}]'::json);
SELECT * FROM upsert_many('item', '{"id": 2, "qty": null}
{"id": 4}');
SELECT * FROM upsert_many('item', '[]');
SELECT * FROM item ORDER BY id;

-- a key that comes twice, with differing keys, in any order: as in turn
SELECT * FROM upsert_many('item', '[
    {"id": 5, "name": "first"},
    {"id": 5, "qty": 50},
    {"qty": 51, "id": 5},
    {"id": 5, "name": "last", "doc": {"x": 1}},
    {"id": 1},
    {"id": 6},
    {"id": 6, "name": null, "qty": null},
    {"id": 5, "name": null}]');
SELECT * FROM item WHERE id IN (1, 5, 6) ORDER BY id;

-- another unique key; key order does not matter
SELECT * FROM upsert_many('item', '[{"sku": "a", "id": 1, "name": "by sku"}, {"sku": "z", "id": 26}]', '{sku}');
SELECT id, sku, name FROM item WHERE sku IN ('a', 'z') ORDER BY id;
CREATE TABLE pair (b text, a int, v int, PRIMARY KEY (a, b));
SELECT * FROM upsert_many('pair', '[{"a": 1, "b": "x", "v": 1}, {"b": "x", "a": 1, "v": 2}, {"a": 2, "b": "x", "v": 3}]', '{b,a}');
SELECT * FROM pair ORDER BY a;

-- update_columns narrows; an empty list updates nothing
SELECT * FROM upsert_many('item', '[{"id": 1, "name": "kept out", "qty": 99}]', update_columns => '{qty}');
SELECT * FROM upsert_many('item', '[{"id": 1, "name": "kept out"}, {"id": 7, "name": "seven"}]', update_columns => '{}');
SELECT id, name, qty FROM item WHERE id IN (1, 7) ORDER BY id;
SELECT * FROM upsert_many('item', (SELECT jsonb_agg(jsonb_build_object('id', i, 'name', 'name ' || i)) FROM generate_series(1000, 1099) i), update_columns => '{}');
SELECT count(*) FROM item WHERE name = 'name ' || id;
DELETE FROM item WHERE id >= 1000;
-- rows that this transaction has locked already
BEGIN;
SELECT id FROM item WHERE id < 4 ORDER BY id FOR KEY SHARE;
SELECT * FROM upsert_many('item', '[{"id": 1, "touched": 0}, {"id": 2, "touched": 0}, {"id": 2}, {"id": 2, "touched": 0}, {"id": 3, "touched": 0}]');
COMMIT;
-- merge_columns merge with ||, NULL counting as {}
SELECT * FROM upsert_many('item', '[{"id": 1, "doc": {"new": [1]}}, {"id": 2, "doc": {"k": 2}},
    {"id": 2, "doc": {"k": 3, "l": null}}, {"id": 3, "doc": null}, {"id": 8, "doc": {"at": "insert"}}, {"id": 4, "qty": 4}]',
    merge_columns => '{doc}');
SELECT id, qty, doc FROM item WHERE id IN (1, 2, 3, 4, 8) ORDER BY id;
SELECT * FROM upsert_many('item', '[{"id": 1, "doc": {"k": 0}, "name": "no", "qty": 5}]', NULL, '{qty}', '{doc}');
SELECT id, name, qty, doc FROM item WHERE id = 1;

-- the same as one INSERT ... ON CONFLICT a row, over random rows
CREATE TABLE feed AS
SELECT n, jsonb_build_object('id', 100 + (n * 7919) % 50)
          || CASE WHEN n % 2 = 0 THEN jsonb_build_object('name', 'n' || n) ELSE '{}'::jsonb END
          || CASE WHEN n % 3 = 0 THEN jsonb_build_object('qty', n) ELSE '{}'::jsonb END
          || CASE WHEN n % 5 = 0 THEN jsonb_build_object('doc', jsonb_build_object('d' || n % 4, n)) ELSE '{}'::jsonb END
          || CASE WHEN n % 7 = 0 THEN '{"name": null}'::jsonb ELSE '{}'::jsonb END AS r
FROM generate_series(1, 500) n;
CREATE TABLE expected (LIKE item INCLUDING ALL);
DO $$
DECLARE
    f jsonb;
BEGIN
    FOR f IN SELECT r FROM feed ORDER BY n LOOP
        INSERT INTO expected (id) VALUES ((f ->> 'id')::int) ON CONFLICT DO NOTHING;
        UPDATE expected SET
            name = CASE WHEN f ? 'name' THEN f ->> 'name' ELSE name END,
            qty = CASE WHEN f ? 'qty' THEN (f ->> 'qty')::int ELSE qty END,
            doc = CASE WHEN f ? 'doc' THEN COALESCE(doc, '{}') || (f -> 'doc') ELSE doc END
        WHERE id = (f ->> 'id')::int;
    END LOOP;
END $$;
SELECT inserted, inserted + updated <= 500 AS at_most_all
FROM upsert_many('item', (SELECT jsonb_agg(r ORDER BY n) FROM feed), merge_columns => '{doc}');
SELECT count(*) AS differences FROM (
    (TABLE expected EXCEPT SELECT * FROM item WHERE id >= 100)
    UNION ALL (SELECT * FROM item WHERE id >= 100 EXCEPT TABLE expected)) d;

-- triggers see inserts and updates; one that drops a row is not counted
CREATE FUNCTION item_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.qty = -1 THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.touched := OLD.touched + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER item_trigger BEFORE INSERT OR UPDATE ON item
    FOR EACH ROW EXECUTE FUNCTION item_trigger();
SELECT * FROM upsert_many('item', '[{"id": 1, "qty": 1}, {"id": 1, "qty": 2}, {"id": 2, "qty": -1},
    {"id": 900, "qty": -1}, {"id": 901, "qty": 1}, {"id": 901, "qty": 1}, {"id": 901, "qty": 1}]');
SELECT id, qty, touched FROM item WHERE id IN (1, 2, 900, 901) ORDER BY id;
DROP TRIGGER item_trigger ON item;
DROP FUNCTION item_trigger;

-- views, partitions, foreign keys checked at the end
CREATE VIEW item_view AS SELECT id, name, doc FROM item WITH CHECK OPTION;
SELECT * FROM upsert_many('item_view', '[{"id": 1, "name": "v"}, {"id": 950}, {"id": 950, "name": "w", "doc": {}}, {"name": "x", "id": 1}]', '{id}');
SELECT * FROM item_view WHERE id IN (1, 950) ORDER BY id;
CREATE TABLE part (id int, region text, n int DEFAULT 0, doc jsonb, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_eu (doc jsonb, n int DEFAULT 5, region text NOT NULL, id int NOT NULL);
ALTER TABLE part ATTACH PARTITION part_eu FOR VALUES IN ('eu');
CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us');
SELECT * FROM upsert_many('part', '[{"id": 1, "region": "eu", "n": 1}, {"id": 1, "region": "us"}, {"region": "eu", "id": 1, "doc": {"a": 1}},
    {"region": "us", "id": 1, "n": 2}, {"region": "eu", "id": 1, "doc": {"b": 1}}]', merge_columns => '{doc}');
SELECT * FROM part ORDER BY region;

-- privileges: INSERT on what is named, UPDATE and SELECT on what is updated
CREATE ROLE pgsync_upserter;
CREATE TABLE guarded (id int PRIMARY KEY, a int, b int);
INSERT INTO guarded VALUES (1, 1, 1);
GRANT INSERT (id, a, b), SELECT (id, a), UPDATE (a) ON guarded TO pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_many('guarded', '[{"id": 1, "a": 2}, {"id": 2, "a": 2}]');
SELECT * FROM upsert_many('guarded', '[{"id": 1, "a": 3}, {"id": 3, "b": 2}]');
SELECT * FROM upsert_many('guarded', '[{"id": 1, "a": 4, "b": 4}, {"id": 4, "a": 4, "b": 4}]', update_columns => '{a}');
RESET ROLE;
SELECT * FROM guarded ORDER BY id;
-- row-level security
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY small ON guarded USING (id < 10) WITH CHECK (id < 10 AND a < 100);
GRANT ALL ON guarded TO pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_many('guarded', '[{"id": 1, "a": 5}, {"id": 5, "a": 5}]');
SELECT * FROM upsert_many('guarded', '[{"id": 1, "a": 100}]');
SELECT * FROM upsert_many('guarded', '[{"id": 10}]');
RESET ROLE;
SELECT * FROM guarded ORDER BY id;

-- bad input: each names what was expected, and changes nothing
CREATE TABLE keyless (a int, b int, c int, d int);
CREATE UNIQUE INDEX ON keyless (b) WHERE b > 0;
CREATE UNIQUE INDEX ON keyless (abs(a));
ALTER TABLE keyless ADD UNIQUE (d) DEFERRABLE;
SELECT upsert_many('keyless', '[{"a": 1}]');
SELECT upsert_many('keyless', '[{"b": 1}]', '{b}');
SELECT upsert_many('keyless', '[{"d": 1}]', '{d}');
ALTER TABLE keyless ADD UNIQUE (c, "a");
SELECT upsert_many('keyless', '[{"a": 1}]');
SELECT upsert_many('keyless', '[{"a": 1}]', '{a}');
SELECT upsert_many('item', '[{"id": 1}, {"name": "x"}]');
SELECT upsert_many('item', '[{"id": 70}, {"id": null}]');
SELECT upsert_many('item', '[{"id": 70}, {"id": 71, "nmae": 1}]');
SELECT upsert_many('item', '[{"id": 70}, {"id": 71, "qty": "x"}]');
SELECT upsert_many('item', '[{"id": 1}]', '{idd}');
SELECT upsert_many('item', '[{"id": 1}]', '{id,id}');
SELECT upsert_many('item', '[{"id": 1}]', '{name}');
SELECT upsert_many('item', '[{"id": 1}]', NULL, '{qyt}');
SELECT upsert_many('item', '[{"id": 1}]', NULL, '{id}');
SELECT upsert_many('item', '[{"id": 1}]', NULL, NULL, '{id}');
SELECT upsert_many('item', '[{"id": 1}]', NULL, NULL, '{name}');
SELECT upsert_many('item', '[{"id": 1}]', NULL, NULL, '{docs}');
SELECT upsert_many('item', '[{"id": 1}]', NULL, '{doc,qty}', '{doc}');
SELECT upsert_many('item', '[{"id": 1}]', '{NULL}');
SELECT upsert_many('item_view', '[{"id": 1}]');
SELECT upsert_many('item_view', '[{"id": 1, "name": "x"}]', '{name}');
SELECT upsert_many(NULL, '[]'::text);
SELECT upsert_many('item', NULL::text);
SELECT upsert_many('pg_class_oid_index', '[]');
SELECT count(*) FROM item WHERE id IN (70, 71);

DROP TABLE item, feed, expected, pair, part, guarded, keyless CASCADE;
DROP ROLE pgsync_upserter;
