-- Names that are no columns: an error tells all those of a row or header, and
-- what to do about them.
CREATE SCHEMA unknown_names;
SET search_path = unknown_names, public;
CREATE TABLE account (user_id int UNIQUE, email text, full_name text, "Zip" text, "a__b" int, __ int);

-- Runs a statement that fails; returns message, detail and hint.
CREATE FUNCTION failure(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  message text; detail text; hint text; state text;
BEGIN
  EXECUTE statement;
  RETURN NEXT 'no error';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
    state = RETURNED_SQLSTATE;
  RETURN NEXT state || ' ' || message;
  IF detail <> '' THEN RETURN NEXT 'DETAIL ' || detail; END IF;
  IF hint <> '' THEN RETURN NEXT 'HINT ' || hint; END IF;
END $$;

-- Gives rows in each form of JSON, plain and by from_json, to insert_many.
CREATE FUNCTION failures(rows text) RETURNS TABLE (plain text, by_option text) LANGUAGE plpgsql AS $$
DECLARE
  all_plain text[]; all_options text[];
BEGIN
  FOR form IN 1..3 LOOP
    all_plain[form] := (SELECT string_agg(f, E'\n') FROM failure(format('SELECT insert_many(%L, %L::%s)', 'account', rows,
      (ARRAY['jsonb', 'json', 'text'])[form])) f);
    all_options[form] := (SELECT string_agg(f, E'\n') FROM failure(format('SELECT insert_many(%L, from_json(%L::%s))',
      'account', rows, (ARRAY['jsonb', 'json', 'text'])[form])) f);
  END LOOP;
  RETURN QUERY SELECT DISTINCT p, o FROM unnest(all_plain, all_options) a(p, o);
END $$;

\pset format unaligned
\pset tuples_only on
\pset fieldsep '\n'

-- one; jsonb has its keys in an order of its own, so one line means that all forms say the same
SELECT * FROM failures('[{"user_id": 1}, {"shoe": 1}]');
SELECT * FROM failures('[{"userId": 1}]');
SELECT * FROM failures('[{"fulname": 1}]');
-- several: all in the words of other conventions
SELECT * FROM failures('[{"zip": 1, "userId": 1, "E-Mail": "x", "FULL NAME": "y"}]');
-- some of them, one of them, none
SELECT * FROM failures('[{"x": 1, "E-Mail": "x", "shoe_": "y", "full.name": 1}]');
SELECT * FROM failures('[{"x": 1, "shoe": "x", "UserID": 3, "email": 4}]');
SELECT * FROM failures('[{"x": 1, "shoe": "x"}]');
-- two names that mean one column; a name without a letter means none
SELECT * FROM failures('[{"userId": 1, "User-Id": 2}]');
SELECT * FROM failures('[{"--": 1, "": 2, "a-b": 3}]');
-- quotes and backslashes in names; one name that is written in two ways
SELECT * FROM failures('[{"user''id": 1, "e\\mail": 1, "full\"name": 2}]');
SELECT failure($$SELECT insert_many('account', '[{"x": 1, "\u0078": 2, "x": 3}]')$$);
SELECT failure($$SELECT insert_many('account', '[{"x": 1, "y": 2, "\u0078": 2, "x": 3}]')$$);
-- only the row at hand; long names are cut
SELECT * FROM failures('[{"user_id": 1}, {"b": 1, "c": 2}, {"d": 3}]');
SELECT * FROM failures(format('[{"%s": 1, "%s": 2}]', repeat('a', 200), repeat('b', 200)));

-- at most twenty are shown
SELECT failure(format('SELECT insert_many(%L, %L::%s)', 'account',
    (SELECT format('[{%s}]', string_agg(format('"k%s": 1', i), ', ')) FROM generate_series(10, 9 + n) i), form))
  FROM (VALUES (20), (21), (40)) n(n), (VALUES ('text'), ('jsonb')) form(form);
-- and what is compared is bounded, too
SET statement_timeout = '20s';
SELECT failure(format('SELECT insert_many(%L, %L::%s)', 'account',
    (SELECT format('[{%s}]', string_agg(format('"k%s": 1', i), ', ')) FROM generate_series(100001, 200000) i), form))
  FROM (VALUES ('text'), ('jsonb')) form(form);
RESET statement_timeout;

-- the option that a hint gives is the one that helps
SELECT insert_many('account', from_json('[{"zip": 1, "userId": 1, "E-Mail": "x", "x": 0, "FULL NAME": "y"}]',
  columns => '{"zip": "Zip", "userId": "user_id", "E-Mail": "email", "FULL NAME": "full_name"}', ignore_unknown => true));
SELECT failure($$SELECT insert_many('account', from_json('[{"a": 1, "x": 0, "y": 0}]', columns => '{"a": "email"}'))$$);

-- a header's names, by each way to CSV
SELECT failure($$SELECT insert_csv_text('account', E'userId,E-Mail,x,user_id\n')$$);
SELECT failure($$SELECT insert_csv_text('account', E'userId,E-Mail,x,user_id\n', exclude_columns => '{x}')$$);
SELECT failure($$SELECT insert_csv_text('account', E'x,y,email\n')$$);
SELECT failure($$SELECT insert_csv_text('account', E'userId;E-Mail\n')$$);
SELECT failure($$SELECT insert_many('account', from_csv(E'userId,E-Mail,x,user_id\n'))$$);
SELECT failure($$SELECT insert_many('account', from_csv(E'email,x,,y\n'))$$);
SELECT failure($$SELECT insert_many('account', from_csv(E'x\n'))$$);
SELECT failure($$SELECT insert_many('account', from_csv(E'1,2\n', header => '{x,User-Id}'))$$);
SELECT failure(format($$SELECT insert_many('account', from_csv(%L))$$, (SELECT string_agg('k' || i, ',') FROM generate_series(1, 1700) i)));

-- a query's columns, and the keys of its objects
SELECT failure($$SELECT insert_many('account', from_query('SELECT 1 AS "userId", 2 AS user_id, 3 AS "E-Mail", 4 AS x'))$$);
SELECT failure($$SELECT insert_many('account', from_query('SELECT 1 AS x'))$$);
SELECT failure($$SELECT insert_many('account', from_query('SELECT ''{"userId": 1, "x": 2}''::jsonb'))$$);
SELECT failure($$SELECT insert_many('account', from_query('SELECT ''{"userId": 1, "x": 2}''::json'))$$);

-- with transforms; the other verbs; get_insert_data, which knows no options
SELECT failure($$SELECT insert_many('account', from_json('{"userId": 1, "x": 2}', transforms => '{"email": "v"}'))$$);
SELECT failure($$SELECT * FROM upsert_many('account', '{"userId": 1, "x": 2, "user_id": 3}', '{user_id}')$$);
SELECT failure($$SELECT * FROM update_many('account', '{"userId": 1, "x": 2, "user_id": 3}', '{user_id}')$$);
SELECT failure($$SELECT insert_one('account', '{"userId": 1, "x": 2}')$$);
SELECT failure($$SELECT * FROM get_insert_data('account', '{"userId": 1, "x": 2}')$$);

\pset format aligned
\pset tuples_only off
DROP SCHEMA unknown_names CASCADE;
