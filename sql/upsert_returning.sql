-- upsert_returning: what upsert_many does, told row by row.
CREATE TABLE item (id int PRIMARY KEY, name text, qty int NOT NULL DEFAULT 1, doc jsonb, n serial);
INSERT INTO item (id, name, doc) VALUES (1, 'one', '{"k": 1}'), (2, 'two', NULL), (3, 'three', NULL);

-- the overloads; in the order of the input, each as it is then
SELECT * FROM upsert_returning('item', '[{"id": 7, "name": "new"}, {"id": 2, "name": "TWO"}, {"id": 3}, {"id": 7, "qty": 5}, {"id": 7}]'::jsonb);
SELECT * FROM upsert_returning('item', '{"id": 8}'::json, return_columns => '{n,id}');
SELECT * FROM upsert_returning('item', '{"id": 8, "qty": 2}
{"id": 9, "qty": 3}', return_columns => '{qty}');
SELECT * FROM upsert_returning('item', from_csv(E'id,name\n9,nine\n10,ten\n'), NULL, NULL, NULL, '{id,name}');
SELECT * FROM upsert_returning('item', '[]');
-- what is equal, what is merged, what must not be updated
SELECT action, "row" - 'n' AS "row" FROM upsert_returning('item', '[{"id": 1, "doc": {"k": 1}}, {"id": 2, "name": "TWO", "doc": {"k": 2}}, {"id": 1, "qty": 1, "name": "one"},
    {"id": 11, "doc": {"l": 1}}, {"id": 11, "doc": {"l": 1}}, {"id": 1, "name": "no", "qty": 3}, {"id": 1, "name": "no"}]',
    update_columns => '{qty}', merge_columns => '{doc}', skip_unchanged => true);
-- the same, all by the executor
BEGIN;
SET LOCAL pgsync.sink = statement;
SELECT action, "row" - 'n' AS "row" FROM upsert_returning('item', '[{"id": 1, "qty": 3}, {"id": 2, "name": "TWO"}, {"id": 3, "qty": 9}, {"id": 12}, {"id": 12, "qty": 1}, {"id": 12}]', skip_unchanged => true);
ROLLBACK;
-- it does what upsert_many does, and says what that counts
CREATE TABLE feed AS
SELECT n, jsonb_build_object('id', 100 + (n * 7919) % 50)
          || CASE WHEN n % 2 = 0 THEN jsonb_build_object('name', 'n' || n % 4) ELSE '{}'::jsonb END
          || CASE WHEN n % 3 = 0 THEN jsonb_build_object('qty', n % 5) ELSE '{}'::jsonb END AS r
FROM generate_series(1, 500) n;
CREATE TABLE many (LIKE item INCLUDING ALL);
CREATE TABLE told (LIKE item INCLUDING ALL);
CREATE TEMP TABLE answers AS
SELECT ordinality AS n, a.* FROM upsert_returning('told', (SELECT jsonb_agg(r ORDER BY n) FROM feed), skip_unchanged => true) WITH ORDINALITY a;
SELECT u.inserted = count(*) FILTER (WHERE action = 'inserted') AS inserted, u.updated = count(*) FILTER (WHERE action = 'updated') AS updated,
    u.unchanged = count(*) FILTER (WHERE action = 'unchanged') AS unchanged, count(*)
FROM answers, upsert_many('many', (SELECT jsonb_agg(r ORDER BY n) FROM feed), skip_unchanged => true) u GROUP BY u.inserted, u.updated, u.unchanged;
SELECT count(*) FROM (SELECT id, name, qty FROM many EXCEPT SELECT id, name, qty FROM told) d;
SELECT count(*) FROM feed JOIN answers USING (n) WHERE "row" @> r;
SELECT count(*) FROM (SELECT DISTINCT ON ("row" -> 'id') "row" FROM answers ORDER BY "row" -> 'id', n DESC) last
WHERE "row" <> (SELECT to_jsonb(told) FROM told WHERE id = ("row" ->> 'id')::int);

-- triggers: one that changes, one that keeps, one that drops
CREATE FUNCTION item_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.qty = -1 THEN
        RETURN NULL;
    END IF;
    NEW.name := concat(lower(tg_op), ' ', NEW.name);
    RETURN NEW;
END $$;
CREATE TRIGGER item_trigger BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION item_trigger();
SELECT * FROM upsert_returning('item', '[{"id": 1, "name": "x"}, {"id": 1, "qty": -1}, {"id": 20, "qty": -1}, {"id": 21}, {"id": 21}]', return_columns => '{id,name,qty}');
DROP TRIGGER item_trigger ON item;
DROP FUNCTION item_trigger;

-- a view, partitions, an identity, generated columns
CREATE VIEW item_view AS SELECT qty, id FROM item WHERE qty < 100;
SELECT * FROM upsert_returning('item_view', '[{"id": 1, "qty": 4}, {"id": 30}, {"id": 30}, {"id": 1, "qty": 4}]', '{id}', skip_unchanged => true);
CREATE TABLE part (id int, region text, n int DEFAULT 0, g int GENERATED ALWAYS AS (n * 2) STORED, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_eu (n int DEFAULT 5, region text NOT NULL, id int NOT NULL, g int GENERATED ALWAYS AS (n * 2) STORED);
ALTER TABLE part ATTACH PARTITION part_eu FOR VALUES IN ('eu');
CREATE TABLE part_us PARTITION OF part FOR VALUES IN ('us');
SELECT * FROM upsert_returning('part', '[{"id": 1, "region": "eu", "n": 1}, {"id": 1, "region": "us"}, {"region": "eu", "id": 1, "n": 1},
    {"region": "us", "id": 1, "n": 2}, {"region": "eu", "id": 1}, {"region": "eu", "id": 1, "n": 3}]', skip_unchanged => true);
CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sku text UNIQUE, a int);
SELECT * FROM upsert_returning('ident', '[{"sku": "x", "a": 1}, {"sku": "y", "a": 1}, {"sku": "x", "a": 2}]', '{sku}');
SELECT * FROM upsert_returning('ident', '[{"id": 2, "a": 5}, {"id": 1}]');
SELECT * FROM upsert_returning('ident', '[{"id": 2, "a": 6}, {"id": 5, "a": 5}]');
TABLE ident;

-- privileges: SELECT on what is returned
CREATE ROLE pgsync_upserter;
GRANT INSERT (id, qty), SELECT (id, qty), UPDATE (qty) ON item TO pgsync_upserter;
GRANT USAGE ON SEQUENCE item_n_seq TO pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_returning('item', '[{"id": 1, "qty": 5}, {"id": 40}]', return_columns => '{id,qty}');
SELECT * FROM upsert_returning('item', '[{"id": 1, "qty": 6}]', return_columns => '{id,name}');
RESET ROLE;
-- rows that policies hide
ALTER TABLE ident ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON ident FOR SELECT USING (a < 6);
CREATE POLICY ins ON ident FOR INSERT WITH CHECK (true);
CREATE POLICY upd ON ident FOR UPDATE USING (id < 2) WITH CHECK (a < 5);
GRANT ALL ON ident TO pgsync_upserter;
SET ROLE pgsync_upserter;
SELECT * FROM upsert_returning('ident', '[{"sku": "x", "a": 3}, {"sku": "z", "a": 3}, {"sku": "z"}]', '{sku}');
SELECT * FROM upsert_returning('ident', '[{"sku": "z", "a": 4}]', '{sku}');
SELECT * FROM upsert_returning('ident', '[{"sku": "x", "a": 5}]', '{sku}');
RESET ROLE;
UPDATE ident SET a = 9 WHERE sku = 'y';
SET ROLE pgsync_upserter;
SELECT * FROM upsert_returning('ident', '[{"sku": "y", "a": 9}]', '{sku}', skip_unchanged => true);
SELECT * FROM upsert_returning('ident', '[{"sku": "y"}]', '{sku}');
RESET ROLE;
TABLE ident;

-- bad input
SELECT upsert_returning('item', '[{"id": 1}]', return_columns => '{}');
SELECT upsert_returning('item', '[{"id": 1}]', return_columns => '{nmae}');
SELECT upsert_returning('item', '[{"id": 1}]', return_columns => '{id,*}');
SELECT upsert_returning('item', '[{"name": "x"}]');
SELECT upsert_returning('item', '[{"id": 50}, {"id": 51, "qty": null}]');
SELECT upsert_returning('item', '[{"id": 1}]', '{name}');
SELECT upsert_returning('item', NULL::jsonb);
SELECT count(*) FROM item WHERE id > 49;

DROP TABLE item, feed, many, told, part, ident CASCADE;
DROP ROLE pgsync_upserter;
