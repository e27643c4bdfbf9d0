-- CREATE TABLE (LIKE) looks up by name the table that save_tables has locked, and
-- its schema may have been renamed by then: here by an event trigger, which
-- runs between the two.
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.t (id int NOT NULL, gone int, name varchar(10) COLLATE "C");
ALTER TABLE one.t DROP gone;
INSERT INTO one.t VALUES (1, 'a'), (2, 'b');
SELECT save_tables('{one.t}', 'kept');

CREATE FUNCTION swap_schemas() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  ALTER SCHEMA one RENAME TO three;
  ALTER SCHEMA two RENAME TO one;
  ALTER SCHEMA three RENAME TO two;
END $$;
CREATE EVENT TRIGGER swap_schemas ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION swap_schemas();

-- Saves while the names change, with this as the other table.
CREATE FUNCTION save_beside(definition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
  hint text;
BEGIN
  ALTER EVENT TRIGGER swap_schemas DISABLE;
  EXECUTE 'CREATE TABLE two.t ' || definition;
  ALTER EVENT TRIGGER swap_schemas ENABLE;
  PERFORM save_tables('{one.t}', 'kept');
  SELECT concat('kept: ', string_agg(t::text, ' ')) INTO result FROM kept.t;
  RAISE EXCEPTION USING ERRCODE = 'P0099', MESSAGE = result;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RETURN concat_ws(' ', SQLSTATE, SQLERRM, hint);
END $$;
SELECT d, save_beside(d) FROM unnest(ARRAY['(id int NOT NULL, name varchar(10) COLLATE "C")', '(a text)', '(id int NOT NULL, name varchar(10))', '(id int, name varchar(10) COLLATE "C")',
  '(id int NOT NULL, name varchar(9) COLLATE "C")', '(id int NOT NULL, name varchar(10) COLLATE "C", more int)', '(id int NOT NULL)', '(name varchar(10) COLLATE "C", id int NOT NULL)']) d;
SELECT * FROM kept.t ORDER BY id;
SELECT restore_tables('kept');

DROP EVENT TRIGGER swap_schemas;
DROP FUNCTION swap_schemas;
DROP FUNCTION save_beside;
\set VERBOSITY terse
DROP SCHEMA one, two, kept CASCADE;
