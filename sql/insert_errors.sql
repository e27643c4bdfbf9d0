-- What is wrong with the input, and where: each error has its SQLSTATE and
-- names row and column; nothing is inserted, and the session goes on.
CREATE SCHEMA insert_errors;
SET search_path = insert_errors, public;
CREATE TABLE t (id int PRIMARY KEY, name varchar(10) NOT NULL, n numeric(4,1), ok bool,
                big bigint, "Mixed Case" int, r int4range, a int[], j jsonb);
INSERT INTO t (id, name) VALUES (1, 'before');

-- The error that each overload gives for the data, alike ones together.
CREATE FUNCTION errors_of(data text) RETURNS TABLE (overloads text, error text) LANGUAGE plpgsql AS $$
DECLARE overload text; state text; message text; detail text; hint text; context text;
  found jsonb := '{}';
BEGIN
  FOREACH overload IN ARRAY ARRAY['jsonb', 'json', 'text'] LOOP
    BEGIN
      EXECUTE format('SELECT insert_many(''t'', $1::%s)', overload) USING data;
      error := 'none!';
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
      context := regexp_replace(context, '\n?(SQL statement|PL/pgSQL).*', '');
      error := format('%s: %s', state, message);
      IF detail <> '' THEN error := error || E'\n  DETAIL: ' || detail; END IF;
      IF hint <> '' THEN error := error || E'\n  HINT: ' || hint; END IF;
      IF context <> '' THEN error := error || E'\n  CONTEXT: ' || context; END IF;
    END;
    found := found || jsonb_build_object(overload, error);
  END LOOP;
  IF (SELECT count(*) FROM t) <> 1 THEN RAISE 'rows were inserted'; END IF;
  RETURN QUERY SELECT string_agg(key, ', ' ORDER BY key), value FROM jsonb_each_text(found) GROUP BY value ORDER BY 1 DESC;
END $$;
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n  '
\pset recordsep '\n'

-- no rows at all
SELECT * FROM errors_of('7');
SELECT * FROM errors_of('"text"');
SELECT * FROM errors_of('null');
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, 7]');
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, [{"id": 3}]]');
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, null]');
SELECT * FROM errors_of('[[]]');
-- serialized twice
SELECT * FROM errors_of('"[{\"id\": 2}]"');
SELECT * FROM errors_of('["{\"id\": 2}"]');

-- a byte order mark is no error
SELECT insert_many('t', E'\uFEFF[{"id": 1, "name": "a"}]'::text, 'ON CONFLICT DO NOTHING');
SELECT insert_many('t', E'\uFEFF{"id": 1, "name": "a"}\n{"id": 1, "name": "b"}'::text, 'ON CONFLICT DO NOTHING');
SELECT insert_many('t', E'\uFEFF'::text);
SELECT insert_many('t', E'\uFEFF[7'::text);

-- no rows at all, and a clause that lacks its first words
SELECT insert_many('t', NULL::jsonb);
SELECT upsert_many('t', NULL::text);
SELECT insert_many('t', '[]'::jsonb, 'do nothing');

-- broken JSON: core's own report, with the line
SELECT * FROM errors_of('[{"id": 2, "name": "a"}');
SELECT * FROM errors_of('[{"id": 2, "name": "a"},]');
SELECT * FROM errors_of(E'[{"id": 2, "name": "a"},\n {"id": 3, "name": "b",}]');
SELECT * FROM errors_of(E'[{"id": 2, "name": "a"},\n {"id": 3 "name": "b"}]');
SELECT * FROM errors_of('[{"id": 2, "name": "a"} {"id": 3}]');
SELECT * FROM errors_of('{"id": 2, "name": "a"');
SELECT * FROM errors_of('{"id": 2, name: "a"}');
SELECT * FROM errors_of('{"id": 02, "name": "a"}');
SELECT * FROM errors_of('{"id": +2, "name": "a"}');
SELECT * FROM errors_of('{"id": 2., "name": "a"}');
SELECT * FROM errors_of('{"id": NaN, "name": "a"}');
SELECT * FROM errors_of('{"id": 2, "name": ''a''}');
SELECT * FROM errors_of('{"id": 2, "name": "a}');
SELECT * FROM errors_of(E'{"id": 2, "name": "a\tb"}');
SELECT * FROM errors_of('{"id": 2, "name": "a\x"}');
SELECT * FROM errors_of('{"id": 2, "name": "\u12"}');
SELECT * FROM errors_of('{"id": 2, "name": "\ud800"}');
SELECT * FROM errors_of('{"id": 2, "name": "a\u0000b"}');
SELECT * FROM errors_of('{"id": 2, "na\u0000me": "a"}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "j": {"k": [1, 2}}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "j": {"k": "\u0000"}}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "a": [1, 2,]}');
SELECT * FROM errors_of('nul');
SELECT * FROM errors_of('}');
-- of a key that comes twice the last value counts, but all must be valid
SELECT * FROM errors_of('{"id": 2, "j": [1 2], "j": 1, "name": "a"}');

-- text behind the end
SELECT * FROM errors_of('[{"id": 2, "name": "a"}] x');
SELECT * FROM errors_of('[{"id": 2, "name": "a"}] [{"id": 3, "name": "b"}]');
SELECT * FROM errors_of('[] {}');
SELECT * FROM errors_of('{"id": 2, "name": "a"}, {"id": 3, "name": "b"}');
SELECT * FROM errors_of('{"id": 2, "name": "a"} 7');
SELECT * FROM errors_of('{"id": 2, "name": "a"} [{"id": 3, "name": "b"}]');

-- unknown keys, with the column that was probably meant
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, {"id": 3, "nmae": "b"}]');
SELECT * FROM errors_of('{"id": 2, "NAME": "a"}');
SELECT * FROM errors_of('{"id": 2, "mixed case": 1}');
SELECT * FROM errors_of('{"id": 2, "nothing like it": 1}');
SELECT * FROM errors_of('{"": 2}');
SELECT * FROM errors_of('{"ctid": "(0,1)"}');
SELECT * FROM errors_of('{"id": 2, "' || repeat('long', 50) || '": 1}');
SELECT * FROM errors_of('{"id": 2, "na\u006de2": "a"}');

-- values of the wrong type, too long, out of range
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, {"id": "three", "name": "b"}]');
SELECT * FROM errors_of('{"id": 1.5, "name": "b"}');
SELECT * FROM errors_of('{"id": 15e-1, "name": "b"}');
SELECT * FROM errors_of('{"id": 2147483648, "name": "b"}');
SELECT * FROM errors_of('{"id": 1e10, "name": "b"}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "big": 9223372036854775808}');
SELECT * FROM errors_of('{"id": true, "name": "b"}');
SELECT * FROM errors_of('{"id": [2], "name": "b"}');
SELECT * FROM errors_of('{"id": 2, "name": "more than ten"}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "n": 1234.5}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "ok": "perhaps"}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "Mixed Case": "x"}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "r": "[5,1)"}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "a": [1, "x"]}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "a": [[1, 2], [3]]}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "a": {"x": 1}}');
SELECT * FROM errors_of('{"id": 2, "name": "a", "n": 1e200000}');
-- the value is clipped, between characters
SELECT * FROM errors_of('{"id": "' || repeat('1234567890', 10) || '1"}');
SELECT * FROM errors_of('{"id": "' || repeat('ä', 200) || '"}');
SELECT * FROM errors_of('{"name": "x' || repeat('ä', 2000) || '"}');

-- constraints, also those found after the row was buffered
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, {"id": 3}]');
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, {"id": 3, "name": null}]');
SELECT * FROM errors_of('[{"id": 2, "name": "a"}, {"id": 1, "name": "b"}, {"id": 3, "name": "c"}]');

-- NULL arguments, no such relation, wrong relation
\set VERBOSITY default
SELECT insert_many(NULL, '{}');
\echo :LAST_ERROR_SQLSTATE
SELECT insert_many('t', NULL::jsonb);
\echo :LAST_ERROR_SQLSTATE
SELECT insert_many('t', NULL::json);
SELECT insert_many('t', NULL::text);
SELECT insert_many('nosuch', '{}');
SELECT insert_many(0, '{}');
\echo :LAST_ERROR_SQLSTATE

-- on_conflict is one ON CONFLICT clause and nothing else
CREATE FUNCTION clause_error(clause text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM insert_many('t', '{"id": 1, "name": "conflict"}', clause);
  RETURN 'none';
EXCEPTION WHEN OTHERS THEN
  RETURN format('%s: %s', SQLSTATE, SQLERRM);
END $$;
SELECT format('%s  =>  %s', clause, clause_error(clause)) FROM unnest(ARRAY[
  '', ' ', ';', 'DO NOTHING', 'ON CONFLICT', 'RETURNING *', 'ON CONFLICT DO NOTHING RETURNING *',
  'ON CONFLICT DO NOTHING; DELETE FROM t', 'ON CONFLICT DO NOTHING;', '; DELETE FROM t', 'UNION SELECT 1, 2',
  'ON CONFLICT DO NOTHING ON CONFLICT DO NOTHING', 'WHERE false ON CONFLICT DO NOTHING',
  'ON CONFLICT DO NOTHING /* open', 'ON CONFLICT DO NOTHING -- comment', 'ON CONFLICT (id) DO UPDATE',
  'ON CONFLICT (id) DO UPDATE SET name = $1', 'ON CONFLICT (nosuch) DO NOTHING', 'ON CONFLICT (name) DO NOTHING',
  'ON CONFLICT ON CONSTRAINT nosuch DO NOTHING', 'ON CONFLICT (id) DO UPDATE SET nosuch = 1',
  'ON CONFLICT (id) DO UPDATE SET name = (WITH d AS (DELETE FROM t RETURNING id) SELECT id FROM d)',
  'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name WHERE t.id > 5']) clause;
-- the position in the caller's text is shown
SELECT insert_many('t', '{}', 'ON CONFLICT (id) DO UPDAET SET name = 1');

-- a transaction goes on behind a savepoint
BEGIN;
SAVEPOINT s;
SELECT insert_many('t', '[{"id": 2, "name": "a"}, {"id": "x"}]');
ROLLBACK TO s;
SELECT insert_many('t', '[{"id": 2, "name": "a"}]');
COMMIT;
-- read-only
BEGIN READ ONLY;
SELECT insert_many('t', '[{"id": 3, "name": "a"}]');
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT id, name FROM t ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA insert_errors CASCADE;
