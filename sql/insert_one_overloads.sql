-- insert_one, insert_returning, get_insert_data: json and text say what jsonb says; overriding.
CREATE TABLE person (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    amount numeric,
    raw json,
    n int
);

-- the same row by each of them, text where the literal has no type
SELECT insert_one('person', '{"name": "unknown"}', '{id,name}');
SELECT insert_one('person', '{"name": "text"}'::text, '{id,name}');
SELECT insert_one('person', '{"name": "varchar"}'::varchar, '{id,name}');
SELECT insert_one('person', '{"name": "json"}'::json, '{id,name}');
SELECT insert_one('person', '{"name": "jsonb"}'::jsonb, '{id,name}');
PREPARE untyped AS SELECT insert_one('person', $1, $2);
SELECT parameter_types FROM pg_prepared_statements WHERE name = 'untyped';
EXECUTE untyped('{"name": "prepared"}', '{name}');
DEALLOCATE untyped;

-- keys in any order; of a key that comes twice the last value counts, but the first must be JSON
SELECT insert_one('person', '{"n": 3, "name": "c", "amount": 1.50}', '{amount,name,n}');
SELECT insert_one('person', '{"name": "first", "n": [1], "name": "last", "n": 2}', '{name,n}');
SELECT insert_one('person', '{"name": "first", "n": 1, "name": "last", "n": 2}'::json, '{name,n}');
SELECT insert_one('person', '{"name": "\ud800", "name": "last"}', '{name}');
SELECT insert_one('person', '{"na\u006de": "escaped key"}', '{name}');
-- a json column's value is the same by each of them
SELECT insert_one('person', '{"name": "r", "raw": {"b":1,  "a":2, "a":3}}'::text) IS NULL AS nothing;
SELECT insert_one('person', '{"name": "r", "raw": {"b":1,  "a":2, "a":3}}'::json) IS NULL AS nothing;
SELECT insert_one('person', '{"name": "r", "raw": {"b":1,  "a":2, "a":3}}'::jsonb) IS NULL AS nothing;
SELECT raw FROM person WHERE name = 'r' ORDER BY id;
-- a byte order mark, blanks, an empty object
SELECT insert_one('person', E'\ufeff \n{"name": "bom"}\n', '{name}');
CREATE TABLE defaults (a int DEFAULT 1, b text DEFAULT 'x');
SELECT insert_one('defaults', '{}', '{*}');
SELECT insert_one('defaults', ' { } '::json, '{*}');
-- a large value
SELECT length(insert_one('person', '{"name": "' || repeat('x', 3000000) || '"}', '{name}') ->> 'name');

-- what is not one object: each way says the same
CREATE FUNCTION attempt(call text, type text, data text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    code text;
    detail text;
    hint text;
BEGIN
    EXECUTE format(call, format('%L::%s', data, type));
    RETURN 'fine';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS message = message_text, code = returned_sqlstate,
        detail = pg_exception_detail, hint = pg_exception_hint;
    RETURN concat_ws(' | ', code, message, nullif(detail, ''), nullif(hint, ''));
END $$;
SELECT data, string_agg(DISTINCT replace(said, ' at byte 16', ''), E'\n') AS says
FROM (SELECT data, attempt('SELECT insert_one(''person'', %s)', type, data) AS said
      FROM unnest('{text,json,jsonb}'::text[]) type,
           unnest(ARRAY['', ' ', '[]', '[{"name": "bad"}]', '3', 'null', '"x"',
                        '"{\"name\": \"bad\"}"', '"[]"', '{"name": "bad"', '{"name": bad}',
                        '[1,', 'tru', '"x" 3', '{"name": "\ud800"}', '{name: "bad"}']) data) x
GROUP BY data ORDER BY data COLLATE "C";
-- no JSON Lines
SELECT insert_one('person', E'{"name": "bad"}\n{"name": "bad"}');
SELECT insert_one('person', E'{"name": "bad"}\n{"name": "bad"}'::json);
-- errors name the row, the column and the value
SELECT insert_one('person', '{"name": "bad", "n": "x"}');
SELECT insert_one('person', '{"name": "bad", "n": "x"}'::json);
SELECT insert_one('person', '{"name": "bad", "m": 1}'::json);
SELECT insert_one('person', '{"n": 1}'::json);
SELECT insert_one('person', '{"name": "bad"}'::json, '{id,nam}');
-- nulls: the hint is for rows, of which there may be none
SELECT insert_one('person', NULL::text);
SELECT insert_one('person', NULL::json);
SELECT insert_one(NULL, '{}'::json);
SELECT insert_returning('person', NULL::text);
SELECT insert_returning('person', NULL::json);
SELECT get_insert_data('person', NULL::text);
SELECT get_insert_data('person', NULL::json);
SELECT count(*) FROM person WHERE name = 'bad';

-- overriding: a GENERATED ALWAYS identity takes no value, system makes it take one, user drops it
SELECT insert_one('person', '{"id": 100, "name": "none"}', '{id}');
SELECT type, option,
       attempt(format('SELECT insert_one(''person'', %%s, ''{id}'', NULL, %L)', option), type,
               format('{"id": %s, "name": "over %s"}', 100 + row_number() OVER (), option)) AS said
FROM unnest('{text,json,jsonb}'::text[]) type, unnest('{system,USER}'::text[]) option;
SELECT option, count(*),
       array_agg(id ORDER BY id) FILTER (WHERE id > 100) AS given,
       count(*) FILTER (WHERE id < 100) AS drawn
FROM person, unnest('{system,USER}'::text[]) option WHERE name = 'over ' || option GROUP BY 1 ORDER BY 1;
SELECT insert_returning('person', '[{"id": 201, "name": "p"}, {"name": "q", "id": 200}]', '{id,name}',
                        overriding => 'system');
SELECT insert_returning('person', '[{"id": 211, "name": "p"}, {"name": "q", "id": 210}]'::json, '{id,name}',
                        overriding => 'SYSTEM');
SELECT insert_returning('person', '[{"id": 221, "name": "p"}]'::jsonb, '{id,name}', overriding => 'system');
SELECT insert_returning('person', from_csv(E'id,name\n231,p\n'), '{id,name}', overriding => 'system');
SELECT r ->> 'name' AS name, (r ->> 'id')::int < 100 AS drawn
FROM insert_returning('person', '[{"id": 240, "name": "p"}, {"name": "q"}]', '{id,name}',
                      overriding => 'user') r;
SELECT r ->> 'name' AS name, (r ->> 'id')::int < 100 AS drawn
FROM insert_returning('person', from_csv(E'id,name\n250,p\n'), '{id,name}', overriding => 'user') r;
-- with a conflict clause; NULL and a wrong word
SELECT insert_one('person', '{"id": 201, "name": "r"}', '{id,name}',
                  'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name', 'system');
SELECT insert_one('person', '{"id": 201, "name": "s"}', '{id,name}',
                  'ON CONFLICT (id) DO NOTHING', 'system') IS NULL AS skipped;
SELECT insert_one('person', '{"name": "n"}', '{name}', NULL, NULL);
SELECT insert_one('person', '{"name": "bad"}', '{id}', overriding => 'value');
SELECT insert_returning('person', '{"name": "bad"}', '{id}', overriding => '');
-- an identity BY DEFAULT: user has it draw, too
CREATE TABLE loose (id int GENERATED BY DEFAULT AS IDENTITY (START 7), a text);
SELECT insert_one('loose', '{"id": 1, "a": "given"}', '{*}');
SELECT insert_one('loose', '{"id": 1, "a": "drawn"}', '{*}', overriding => 'user');
-- a generated column takes no value whatever it says
CREATE TABLE made (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
SELECT insert_one('made', '{"a": 1, "b": 5}', '{*}', overriding => 'system');

-- privileges, by column, and row-level security: those of the INSERT, whatever the type
CREATE ROLE pgsync_writer;
CREATE TABLE secret (owner text, n int);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY w ON secret FOR INSERT WITH CHECK (n > 0);
CREATE POLICY r ON secret FOR SELECT USING (owner = current_user);
GRANT SELECT, INSERT ON secret TO pgsync_writer;
GRANT INSERT (id, name), SELECT (id) ON person TO pgsync_writer;
GRANT EXECUTE ON FUNCTION attempt TO pgsync_writer;
SET ROLE pgsync_writer;
SELECT call, string_agg(DISTINCT said, E'\n') AS says
FROM (SELECT call, attempt(call, type, data) AS said
      FROM unnest('{text,json,jsonb}'::text[]) type,
           (VALUES ('SELECT insert_one(''secret'', %s, ''{n}'') /* mine */', '{"owner": "pgsync_writer", "n": 1}'),
                   ('SELECT insert_one(''secret'', %s) /* other''s */', '{"owner": "other", "n": 2}'),
                   ('SELECT insert_one(''secret'', %s, ''{n}'') /* other''s, seen */', '{"owner": "other", "n": 3}'),
                   ('SELECT insert_one(''secret'', %s) /* refused */', '{"owner": "pgsync_writer", "n": 0}'),
                   ('SELECT insert_one(''person'', %s, ''{id}'') /* columns */', '{"name": "w"}'),
                   ('SELECT insert_one(''person'', %s, ''{name}'') /* unseen */', '{"name": "w"}'),
                   ('SELECT insert_one(''person'', %s) /* column */', '{"name": "w", "n": 1}'),
                   ('SELECT insert_returning(''person'', %s, ''{name}'') /* unseen */', '[{"name": "w"}]'),
                   ('SELECT get_insert_data(''person'', %s) /* no privilege */', '{"name": "w", "n": 1}')) c(call, data)) x
GROUP BY call ORDER BY call COLLATE "C";
SELECT attempt('SELECT insert_one(''person'', %s, ''{id}'', NULL, ''system'')', 'json', '{"id": 300, "name": "w"}');
RESET ROLE;
SELECT owner, n, count(*) FROM secret GROUP BY 1, 2 ORDER BY 2;
SELECT n, count(*) FROM person WHERE name = 'w' GROUP BY 1;

-- get_insert_data: json and text give what jsonb gives
SELECT query, string_agg(DISTINCT "values"::text, E'\n') AS "values", count(*)
FROM (SELECT * FROM get_insert_data('person', '[{"n": 1, "name": {"b": 1.50, "a": [null]}}, {"name": "x", "n": null}]'::jsonb)
      UNION ALL
      SELECT * FROM get_insert_data('person', '[{"n": 1, "name": {"b": 1.50, "a": [null]}}, {"name": "x", "n": null}]'::json)
      UNION ALL
      SELECT * FROM get_insert_data('person', E'{"n": 1, "name": {"b": 1.50, "a": [null]}}\n{"name": "x", "n": null}'::text)) x
GROUP BY 1;
SELECT * FROM get_insert_data('person', '{"name": "a", "name": "b"}');
SELECT * FROM get_insert_data('person', '{}'::json);
SELECT data, string_agg(DISTINCT said, E'\n') AS says
FROM (SELECT data, attempt('SELECT get_insert_data(''person'', %s)', type, data) AS said
      FROM unnest('{text,json,jsonb}'::text[]) type,
           unnest(ARRAY['[]', '3', '[{"name": "a"}, 3]', '[{"name": "a"}, "{}"]', '[{"name": "a"}, {"n": 1}]',
                        '[{"name": "a"}, {"name": "b", "n": 1}]', '[{"name": "a"}, {"nam": "b"}]',
                        '[{"name": "a"}, {"name": "\ud800"}]', '[{"name": [}]', '[{"name": "a"}',
                        '"{\"name\": \"a\"}"']) data) x
GROUP BY data ORDER BY data COLLATE "C";
SELECT get_insert_data('person', '');
SELECT get_insert_data('person', E'{"name": "a"}\n{"name"'::text);
-- nothing is converted, so values may be of any type
SELECT "values" FROM get_insert_data('person', '{"n": "no number", "raw": 1}'::json);

DROP TABLE person, defaults, loose, made, secret;
DROP FUNCTION attempt;
DROP ROLE pgsync_writer;
