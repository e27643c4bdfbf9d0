-- Rules whose condition has no column of the row: the rewritten statement's
-- plan need not read its rows at all.  Means what the plain INSERT means.
SET statement_timeout = '20s';
CREATE TABLE switch (off boolean);
CREATE TABLE fired (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN INSERT INTO fired VALUES (tg_table_name); RETURN NULL; END$$;

-- a condition that is constant while the statement runs
CREATE TABLE halted (a int, b int);
CREATE TRIGGER t AFTER INSERT ON halted FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE RULE off AS ON INSERT TO halted WHERE current_user = session_user
    DO INSTEAD NOTHING;
INSERT INTO halted VALUES (1), (2);
SELECT insert_many('halted', '[{"a": 1}, {"a": 2}]');
SELECT count(*) AS statements FROM fired;
SELECT insert_one('halted', '{"a": 1}') IS NULL AS nothing;
SELECT insert_csv_text('halted', E'a,b\n1,2\n3,4\n');
-- a statement for each run of rows with the same columns
SELECT insert_many('halted', '[{"a": 1}, {"a": 2}, {"b": 3}, {"a": 4, "b": 4}]'::json);
SELECT count(*) FROM halted;
-- what is wrong with a row is an error whether it is needed or not
SELECT insert_many('halted', '[{"a": 1}, {"a": "x"}]');

-- one that reads a table
CREATE TABLE switched (a int);
CREATE RULE off AS ON INSERT TO switched WHERE (SELECT count(*) FROM switch) = 0
    DO INSTEAD NOTHING;
SELECT insert_many('switched', '[{"a": 1}, {"a": 2}]');
INSERT INTO switch VALUES (true);
SELECT insert_many('switched', '[{"a": 1}, {"a": 2}]');
SELECT * FROM switched;

-- a condition that the column's domain makes constant
CREATE DOMAIN filled AS int NOT NULL;
CREATE TABLE with_domain (a filled, b int);
CREATE RULE off AS ON INSERT TO with_domain WHERE NEW.a IS NULL
    DO INSTEAD NOTHING;
SELECT insert_many('with_domain', '[{"a": 1}, {"a": 2, "b": 2}]');
SELECT * FROM with_domain;

-- rows that go elsewhere, or nowhere
CREATE TABLE elsewhere (a int);
CREATE TABLE sent (a int);
CREATE RULE send AS ON INSERT TO sent DO INSTEAD
    INSERT INTO elsewhere SELECT NEW.a WHERE (SELECT count(*) FROM switch) = 0;
SELECT insert_many('sent', '[{"a": 1}, {"a": 2}]');
DELETE FROM switch;
SELECT insert_many('sent', '[{"a": 1}, {"a": 2}]');
SELECT * FROM elsewhere;

-- views over such tables
CREATE VIEW halted_view AS SELECT a, b FROM halted;
SELECT insert_many('halted_view', '[{"a": 1}, {"b": 2}]');
SELECT insert_one('halted_view', '{"a": 1}') IS NULL AS nothing;
SELECT insert_csv_text('halted_view', E'a\n1\n2\n');

DROP VIEW halted_view;
DROP TABLE halted, switched, with_domain, sent, elsewhere, switch, fired;
DROP DOMAIN filled;
DROP FUNCTION note();
