-- Of long strings, numbers, words and white space core's parser gets to see
-- only the ends, where something is wrong with the JSON: it finds the same.
CREATE SCHEMA long_tokens;
SET search_path = long_tokens, public;
CREATE TABLE t (id numeric, name text, j jsonb);

-- An error as a client gets it; of the context, the lines about the JSON.
CREATE FUNCTION error_of(call text, doc text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
  context text;
BEGIN
  EXECUTE 'SELECT ' || call USING doc;
  RETURN 'none';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, context = PG_EXCEPTION_CONTEXT;
  RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, split_part(context, E'\n', 1));
END $$;

-- What core says of a document, and whether the same comes from a load of it.
CREATE FUNCTION compare(doc text, type text DEFAULT 'json') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  core text := error_of('$1::' || type, doc);
  ours text := error_of('insert_many(''t'', $1)', doc);
BEGIN
  IF core = ours THEN
    RETURN core;
  END IF;
  RETURN concat_ws(E'\n', 'DIFFERENT', 'core: ' || left(core, 300), 'ours: ' || left(ours, 300));
END $$;

-- each long thing before, behind and around each mistake
CREATE TABLE long_thing (kind text, v text);
INSERT INTO long_thing VALUES
  ('string', '"' || repeat('long ', 300000) || '"'),
  ('characters', '"' || repeat('€é', 300000) || '"'),
  ('escapes', '"' || repeat('\n\u00e9\ud83d\ude00x', 70000) || '"'),
  ('quotes', '"' || repeat('\"[{', 300000) || '"'),
  ('digits', repeat('1234567890', 120000)),
  ('fraction', '-0.' || repeat('0123456789', 120000) || 'e-1'),
  ('exponent', '1e' || repeat('0', 1200000) || '1'),
  ('space', E' \n\r\t' || repeat(E'    \n  ', 200000) || '0'),
  ('one line', repeat('    ', 300000) || '0');
SELECT kind, m AS mistake, compare(replace(replace(m, '@', v), '#', E'\n')) AS core_and_pgsync
FROM long_thing, unnest(ARRAY['[{"name": @, "id" 1}]', '[{"name": @ "id": 1}]', '[{"id": 1, "name": @', '[{"id": 1, "name": @#, }]', '[{"id": 1, "name": @#, "€", x€xxx]']) m
ORDER BY kind COLLATE "C", m COLLATE "C";
SELECT m AS mistake, compare(replace(replace(m, '@', v), '#', E'\n')) AS core_and_pgsync
FROM long_thing, unnest(ARRAY['[{"name": @, "id": 1}', '[{"name": @}, "x]', '[{"id": 1, "name": @}}', '[{"name": @} {"id": 1}]', E'[{"id": 1, "name": @, "j": x]']) m
WHERE kind = 'string' ORDER BY m COLLATE "C";

-- mistakes within a long string
SELECT m AS mistake, compare('[{"name": "' || repeat('long€', 250000) || m || 'x' || repeat('long ', n) || '"}]', 'jsonb') AS core_and_pgsync
FROM unnest(ARRAY['\x', '\u12g4', '\ud83d', '\ud83dx', '\ude00', '\ud83d\n', '\ud83d\ud83d', '\u0000', E'\n', E'\t']) m, unnest(ARRAY[0, 250000]) n;
SELECT compare('[{"' || repeat('key\n', 300000) || '" "name": 1}]');

-- a long thing that is itself the mistake is shown by its ends
SELECT left(e, 130) AS begin, right(e, 90) AS "end", length(e) < 3000 AS short
FROM unnest(ARRAY['[{"id": 1 "' || repeat('long ', 300000) || 'end"}]', '[{"name": "' || repeat('long ', 300000) || 'end}]', '[{"id": 1 2' || repeat('0', 1200000) || '1}]',
  '[{"id": 01' || repeat('0', 1200000) || '1}]', '[{"id": 1' || repeat('2345', 300000) || 'x}]', '[{"id": ' || repeat('word€', 300000) || '}]', '[{"id": 1e' || repeat('1e', 600000) || '}]']) doc,
  error_of('insert_many(''t'', $1)', doc) e;
SELECT kind, left(error_of('insert_many(''t'', $1)', '[{"id": ' || v || 'a, "j": 1}]'), 80) FROM long_thing WHERE kind IN ('digits', 'fraction', 'exponent') ORDER BY kind COLLATE "C";

-- a value that nothing is wrong with, in a broken row of JSON Lines, of a document of tables, and in one that is ignored
SELECT error_of('insert_many(''t'', $1)', '{"id": 1}' || E'\n{"name": ' || v || ', "id" 1}') FROM long_thing WHERE kind = 'string';
SELECT error_of('insert_tables($1)', '{"long_tokens.t": [{"name": ' || v || ', "id" 1}]}') FROM long_thing WHERE kind = 'string';
SELECT insert_many('t', '[{"j": [' || v || '], "j": 2, "id": 1}]') FROM long_thing ORDER BY kind COLLATE "C";

-- the line's number is right where line feeds have been left out, and behind many tokens
SELECT compare('[' || repeat(E'\n', 2000000) || E'{"id": 1},\n{"id" 2}]');
SELECT n, compare('[' || repeat('{"id": 1},', n) || E'{"id": 1, "name" 2}]') FROM generate_series(0, 60, 4) n;
SELECT n, compare('[' || repeat(E'{"id": 1},\n', n) || E'{"id": 1, "name" 2}]') FROM generate_series(0, 60, 15) n;
SELECT n, compare(E'[\n' || repeat(' ', n) || '[' || repeat('1,', 200) || E']\n, {"id" 2}]') FROM generate_series(0, 2) n;

\set VERBOSITY terse
DROP SCHEMA long_tokens CASCADE;
