-- Each option of CSV alone, any two together, all, and all but one: rows,
-- what is returned and errors are the same through both sinks, by either way
-- to read.
CREATE SCHEMA csv_options;
SET search_path = csv_options, public;
SET client_min_messages = warning;
CREATE TABLE item (id int PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', amount numeric, note varchar(10), seen boolean DEFAULT true, CHECK (id < 900));
-- Documents, and the options that they call for.
CREATE TABLE doc (kind text, wants text[], csv text);
INSERT INTO doc VALUES
  ('usual', '{}', E'id,name,amount,note\n1,Ada,1.5,x\n2, Bob ,,n/a\n3,"q""q, ""NULL""",4,-\n'),
  ('foreign', '{delimiter,quote,escape}', E'id;name;amount;note\r\n4;\'it\\\'s; "so"\';1.5;-\r\n5;NULL;2;\'\'\r\n'),
  ('export', '{skip_lines,columns,ignore_unknown}', E'made on a Friday\nID,Full Name,amount,,note\n6, Ed ,7,8,"n/a"\n7,-,,9,n/a\n'),
  ('headless', '{header}', E'8,Flo,2.5,-\n9,"Gus\nson",3,NULL\n8,twice,,\n'),
  ('damaged', '{on_error}', E'id,name,amount,note\n10,Hal,1,a\n11,Ida,x,b\n12,,2,c\n13,Jo,3,much too long\n999,Kim,4,d\n10,Lea,5,e\n14,Mo\n15,-,6,NULL\n'),
  ('empty', '{}', E'id,name,amount,note\n');

-- What a call gives with these settings: what it returns and the rows, or its error.
CREATE FUNCTION outcome(call text, sink text, scan text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  returned text;
  detail text;
  hint text;
  context text;
BEGIN
  PERFORM set_config('pgsync.sink', sink, true), set_config('pgsync.scan', scan, true);
  EXECUTE 'SELECT ' || call INTO returned;
  RAISE EXCEPTION USING ERRCODE = 'P0099', MESSAGE = concat_ws(': ', returned, (SELECT string_agg(i::text, ' ' ORDER BY i.id) FROM item i));
EXCEPTION WHEN OTHERS THEN
  IF SQLSTATE = 'P0099' THEN
    RETURN SQLERRM;
  END IF;
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
  RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''), regexp_replace(context, '\n?(SQL statement|PL/pgSQL) .*', ''));
END $$;

CREATE TABLE option (function text, number int, name text, value text);
INSERT INTO option SELECT 'insert_csv_text', ordinality, n, v FROM ROWS FROM (unnest(
  ARRAY['exclude_columns', 'delimiter', 'on_conflict', 'null_string', 'quote', 'escape', 'columns', 'ignore_unknown', 'null_strings', 'trim_blanks', 'skip_lines', 'on_error'],
  ARRAY['{note}', ';', 'ON CONFLICT (id) DO UPDATE SET name = excluded.name', '-', '''', '\', '{"ID": "id", "Full Name": "name"}', 'true', '{n/a,"NULL"}', 'true', '1', 'ignore'])) WITH ORDINALITY o(n, v, ordinality);
INSERT INTO option SELECT 'from_csv', ordinality, n, v FROM ROWS FROM (unnest(
  ARRAY['columns', 'ignore_unknown', 'transforms', 'delimiter', 'null_string', 'quote', 'escape', 'null_strings', 'trim_blanks', 'skip_lines', 'header'],
  ARRAY['{"ID": "id", "Full Name": "name"}', 'true', '{"amount": "replace(v, '','', ''.'')::numeric", "name": "upper(v)"}', ';', '-', '''', '\', '{n/a,"NULL"}', 'true', '1', '{id,name,amount,note}'])) WITH ORDINALITY o(n, v, ordinality);

-- The sets of options that differ from what the document calls for: none, one,
-- two, all, all but one; a bit for each.
CREATE FUNCTION call_of(f text, d doc, bits int) RETURNS text LANGUAGE sql AS $$
  SELECT format(CASE f WHEN 'from_csv' THEN 'insert_many(''item'', from_csv(%L%s), ''ON CONFLICT DO NOTHING'')' ELSE 'insert_csv_text(''item'', %L%s)' END, d.csv,
                (SELECT string_agg(format(', %s => %L', name, value), '' ORDER BY number) FROM option WHERE function = f AND (bits & (1 << number) <> 0) <> (name = ANY (d.wants))))
$$;
CREATE TABLE options AS
SELECT DISTINCT function, CASE how WHEN 0 THEN 0 WHEN 1 THEN (1 << a.number) | (1 << b.number) WHEN 2 THEN every ELSE every - (1 << a.number) END AS bits
FROM option a JOIN option b USING (function), LATERAL (SELECT sum(1 << number)::int FROM option c WHERE c.function = a.function) c(every), generate_series(0, 3) how;
CREATE TABLE outcomes AS
SELECT function, kind, bits, outcome(call, 'auto', 'auto') AS usual, outcome(call, 'statement', 'auto') AS statement, outcome(call, 'auto', 'plain') AS plain, outcome(call, 'statement', 'plain') AS plain_statement
FROM options, doc d, call_of(function, d, bits) call;

-- what each does alone, or its lack
SELECT function, CASE WHEN bits > 0 THEN CASE WHEN name = ANY (wants) THEN 'no ' ELSE '' END || name ELSE array_to_string(wants, ', ') END AS options, kind, usual AS outcome
FROM outcomes s JOIN doc USING (kind) JOIN option USING (function), LATERAL (SELECT usual FROM outcomes n WHERE n.function = s.function AND n.kind = s.kind AND n.bits = 0) none(without)
WHERE (bits = 1 << number AND usual IS DISTINCT FROM without) OR (bits = 0 AND number = 1)
ORDER BY function COLLATE "C" DESC, bits, kind COLLATE "C";
-- all of them
SELECT function, kind, count(*) AS calls, count(*) FILTER (WHERE usual !~ '^[0-9A-Z]{5} \|') AS stored, count(DISTINCT usual) > 10 AS many_outcomes,
       count(*) FILTER (WHERE usual IS DISTINCT FROM statement OR usual IS DISTINCT FROM plain OR usual IS DISTINCT FROM plain_statement) AS different
FROM outcomes GROUP BY 1, 2 ORDER BY function COLLATE "C" DESC, kind COLLATE "C";
SELECT call_of(function, d, bits), usual, statement, plain, plain_statement FROM outcomes JOIN doc d USING (kind) WHERE usual IS DISTINCT FROM statement OR usual IS DISTINCT FROM plain OR usual IS DISTINCT FROM plain_statement LIMIT 3;


\set VERBOSITY terse
DROP SCHEMA csv_options CASCADE;
