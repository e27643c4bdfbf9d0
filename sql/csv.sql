-- insert_csv_text: names choose columns; what a file adds is in csv_copy and
-- in the TAP suite.
CREATE SCHEMA csv;
SET search_path = csv, public;
\pset null '(null)'
CREATE TABLE person (
  id int PRIMARY KEY,
  name text DEFAULT 'nobody',
  email text UNIQUE,
  born date,
  tags text[] DEFAULT '{}',
  doc jsonb);

-- by name, in any order; empty is NULL, empty in quotes is the empty string
SELECT insert_csv_text('person', E'name,id,born\nAda,1,1815-12-10\n,2,\n"",3,\n');
-- quotes, delimiters and line breaks in fields; types as COPY reads them
SELECT insert_csv_text('person', $$id,name,tags,doc
4,"Lovelace, Ada","{a,""b c""}","{""k"": [1, 2]}"
5,"two
lines and ""quotes""",,null
$$);
TABLE person ORDER BY id;
TRUNCATE person;

-- no line break at the end; only a header; CRLF; CR; byte order mark; all at once
SELECT insert_csv_text('person', E'id\n1');
SELECT insert_csv_text('person', E'id');
SELECT insert_csv_text('person', E'id,name\n');
SELECT insert_csv_text('person', E'id,name\r\n2,crlf\r\n3,"a\r\nb"\r\n');
SELECT insert_csv_text('person', E'id,name\r4,cr\r');
SELECT insert_csv_text('person', E'\uFEFFid,name\n5,bom\n');
SELECT insert_csv_text('person', E'\uFEFF"name","id"\r\n"quoted, bom",6\r\n');
SELECT id, name, name = E'a\r\nb' AS line_break_kept FROM person ORDER BY id;
TRUNCATE person;

-- options
SELECT insert_csv_text('person', E'id;name\n1;a,b\n', delimiter => ';');
SELECT insert_csv_text('person', E'id\tname\n2\ttab\n', delimiter => E'\t');
SELECT insert_csv_text('person', E'id,name\nNULL,''it''''s''\n3,NULL\n4,''NULL''\n',
  on_conflict => NULL, null_string => 'NULL', quote => '''');
SELECT insert_csv_text('person', E'id,name\n3,''it''''s''\n4,NULL\n5,''NULL''\n6,\n',
  null_string => 'NULL', quote => '''');
SELECT insert_csv_text('person', E'id,name\n7,"a \\"b\\" c"\n', escape => '\');
-- a NULL option is its default
SELECT insert_csv_text('person', E'id,name\n8,"x, ""y"""\n', exclude_columns => NULL,
  delimiter => NULL, null_string => NULL, quote => NULL, escape => NULL);
SELECT id, name FROM person ORDER BY id;
TRUNCATE person;

-- excluding columns: of the CSV alone, of the table too, not there at all
SELECT insert_csv_text('person', E'id,note,name\n1,x,Ada\n', exclude_columns => '{note}');
SELECT insert_csv_text('person', E'id,note,name\n2,x,Bob\n', exclude_columns => '{note,name}');
SELECT insert_csv_text('person', E'id\n3\n', exclude_columns => '{name}');
SELECT insert_csv_text('person', E'id,x,x,x\n4,1,2,3\n', exclude_columns => '{x}');
SELECT insert_csv_text('person', E'id,Note\n5,x\n', exclude_columns => '{note}');
SELECT insert_csv_text('person', E'id,name\n5,x\n', exclude_columns => '{nmae}');
SELECT insert_csv_text('person', E'id,name\n5,x\n', exclude_columns => '{nothing}');
SELECT insert_csv_text('person', E'id,name\n5,x\n', exclude_columns => '{NULL}');
SELECT insert_csv_text('person', E'id,name\n5,x\n', exclude_columns => '{""}');
SELECT insert_csv_text('person', E'id,name\n5,x\n', exclude_columns => '{{id},{name}}');
CREATE TABLE all_default (id serial, t text DEFAULT 't');
SELECT insert_csv_text('all_default', E'a,b\n1,2\n3,4\n', exclude_columns => '{a,b}');
TABLE all_default;
SELECT id, name FROM person ORDER BY id;

-- conflicts: skipped by default, also within the CSV; NULL is no clause
SELECT insert_csv_text('person', E'id,name\n1,again\n10,new\n10,twice\n');
SELECT insert_csv_text('person', E'id,name\n11,new\n1,again\n', on_conflict => NULL);
SELECT insert_csv_text('person', E'id,name\n1,Ada L.\n12,new\n',
  on_conflict => 'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name || '' was '' || t.name');
SELECT insert_csv_text('person', E'id,email\n13,a@b\n14,a@b\n');
SELECT insert_csv_text('person', E'id,email\n15,a@b\n', on_conflict => 'ON CONFLICT (id) DO NOTHING');
SELECT insert_csv_text('person', E'id\n16\n', on_conflict => 'RETURNING id');
SELECT insert_csv_text('person', E'id\n16\n', on_conflict => '');
SELECT id, name, email FROM person ORDER BY id;

-- columns that an INSERT fills in its own way
CREATE DOMAIN code AS text CHECK (value ~ '^[A-Z]+$');
CREATE TABLE special (
  id int GENERATED ALWAYS AS IDENTITY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED,
  code code, "Mixed Case" text, "with,comma" text, "with""quote" text, "NULL" text);
SELECT insert_csv_text('special', E'n,code,Mixed Case,"with,comma","with""quote",NULL\n1,AB,a,b,c,d\n',
  null_string => 'NULL');
SELECT insert_csv_text('special', E'n\n2\n3\n');
SELECT insert_csv_text('special', E'id,n\n2,2\n');
SELECT insert_csv_text('special', E'n,twice\n2,4\n');
SELECT insert_csv_text('special', E'n,code\n4,AB\n5,ab\n');
SELECT insert_csv_text('special', E'Mixed case\nx\n');
TABLE special;

-- a line of just \. is data, not the end
CREATE TABLE line (line text);
SELECT insert_csv_text('line', E'line\na\n\\.\nb\n');
SELECT insert_csv_text('line', E'line\r\nc\r\n\\.\r\n');
SELECT insert_csv_text('line', E'line\n"\\."\n\\.d\n\\.');
SELECT insert_csv_text('line', E'line\ne\n\\.\nf\n', null_string => '\.');
SELECT insert_csv_text('line', E'line\ne\n\\.\nf\n', delimiter => '.');
SELECT insert_csv_text('person', E'id,name\n20,x\n\\.\n21,y\n');
TABLE line;

-- other targets: partitions, a view, a view with a trigger, a rule
CREATE TABLE part (id int PRIMARY KEY, t text) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part2 (t text, x int, id int NOT NULL);
ALTER TABLE part2 DROP x;
ALTER TABLE part ATTACH PARTITION part2 FOR VALUES FROM (10) TO (20);
SELECT insert_csv_text('part', E'id,t\n1,a\n11,b\n1,c\n11,d\n2,e\n');
SELECT insert_csv_text('part', E'id,t\n3,a\n21,b\n');
SELECT tableoid::regclass, * FROM part ORDER BY id;
CREATE VIEW person_view AS SELECT id, name AS label FROM person WHERE id < 100 WITH CHECK OPTION;
SELECT insert_csv_text('person_view', E'id,label\n30,by view\n30,again\n');
SELECT insert_csv_text('person_view', E'id,label\n31,by view\n131,outside\n');
SELECT insert_csv_text('person_view', E'id,name\n31,by view\n');
CREATE VIEW trigger_view AS SELECT 1 AS id, ''::text AS name;
CREATE FUNCTION to_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO person (id, name) VALUES (NEW.id, NEW.name); RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF INSERT ON trigger_view FOR EACH ROW EXECUTE FUNCTION to_person();
SELECT insert_csv_text('trigger_view', E'id,name\n32,by trigger\n33,\n');
CREATE TABLE ruled (id int, name text);
CREATE RULE to_person AS ON INSERT TO ruled DO INSTEAD INSERT INTO person (id, name) VALUES (NEW.id, NEW.name);
SELECT insert_csv_text('ruled', E'id,name\n34,by rule\n35,too\n', on_conflict => NULL);
SELECT insert_csv_text('ruled', E'id,name\n36,by rule\n');
SELECT id, name FROM person WHERE id >= 30 ORDER BY id;

-- a trigger that loads CSV while CSV is loaded, and one that fails to
CREATE TABLE outer_row (id int, csv text);
CREATE TABLE inner_row (id int PRIMARY KEY, outer_id int);
CREATE FUNCTION load_inner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM csv.insert_csv_text('csv.inner_row', E'id,outer_id\n' || NEW.csv, on_conflict => NULL);
  RETURN NEW;
EXCEPTION WHEN bad_copy_file_format THEN
  RAISE NOTICE 'row % brought nothing: %', NEW.id, SQLERRM;
  RETURN NEW;
END $$;
SELECT extnamespace::regnamespace AS home FROM pg_extension WHERE extname = 'pgsync' \gset
ALTER EXTENSION pgsync SET SCHEMA csv;
CREATE TRIGGER before BEFORE INSERT ON outer_row FOR EACH ROW EXECUTE FUNCTION load_inner();
-- more than one buffer of the parser's, with rows that end beyond it
SELECT insert_csv_text('outer_row', E'id,csv\n' || string_agg(format(E'%s,"%s,%s\n%s"', i, 2 * i, i,
  CASE WHEN i % 1000 = 0 THEN '""unterminated' ELSE format('%s,%s', 2 * i + 1, i) END), E'\n'))
FROM generate_series(1, 3000) i;
SELECT count(*), sum(id) FROM outer_row;
SELECT count(*), sum(id), count(*) FILTER (WHERE id / 2 <> outer_id) AS wrong FROM inner_row;
DROP TRIGGER before ON outer_row;
TRUNCATE outer_row, inner_row;
-- the same after the row, when the load that queued it has ended
CREATE TRIGGER after AFTER INSERT ON outer_row FOR EACH ROW EXECUTE FUNCTION load_inner();
SELECT insert_csv_text('outer_row', E'id,csv\n1,"1,1\n2,1"\n2,"3,2"\n');
TABLE inner_row;
SELECT format('ALTER EXTENSION pgsync SET SCHEMA %I', :'home') \gexec

-- progress: the outer load's, before, while and after an inner one runs
TRUNCATE outer_row, inner_row;
DROP TRIGGER after ON outer_row;
CREATE FUNCTION show_progress(label text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_stat_clear_snapshot();
  RAISE NOTICE '%: %', label, (SELECT array_agg(concat_ws(' ', relid::regclass, command, type, bytes_processed, 'of', bytes_total))
    FROM pg_stat_progress_copy WHERE pid = pg_backend_pid());
END $$;
CREATE FUNCTION load_inner_and_show() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM show_progress('before row ' || NEW.id);
  PERFORM insert_csv_text('inner_row', E'id,outer_id\n' || NEW.csv);
  PERFORM show_progress('after row ' || NEW.id);
  RETURN NEW;
END $$;
CREATE FUNCTION show_inner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM show_progress('within row ' || NEW.outer_id);
  RETURN NEW;
END $$;
CREATE TRIGGER before BEFORE INSERT ON outer_row FOR EACH ROW EXECUTE FUNCTION load_inner_and_show();
CREATE TRIGGER before BEFORE INSERT ON inner_row FOR EACH ROW EXECUTE FUNCTION show_inner();
SELECT insert_csv_text('outer_row', E'id,csv\n1,"1,1\n2,1"\n2,"3,2"\n');
SELECT show_progress('at the end');
SELECT insert_csv_text('inner_row', E'id,outer_id\n4,3\n');
DROP TRIGGER before ON inner_row;

-- an error within, caught: the next call starts afresh
DO $$
BEGIN
  FOR i IN 1..3 LOOP
    BEGIN
      PERFORM insert_csv_text('line', E'line\n' || repeat(E'x\n', 50000) || '"unterminated');
    EXCEPTION WHEN bad_copy_file_format THEN
      RAISE NOTICE '%, %', SQLERRM, insert_csv_text('line', E'line\nafter\n');
    END;
  END LOOP;
END $$;
SELECT line, count(*) FROM line GROUP BY 1 ORDER BY 1;

-- privileges are INSERT's: on the table, or on the header's columns; none on files
CREATE ROLE regress_csv;
GRANT USAGE ON SCHEMA csv TO regress_csv;
GRANT INSERT (id, name) ON person TO regress_csv;
SET ROLE regress_csv;
SELECT insert_csv_text('person', E'id,name\n40,mine\n');
SELECT insert_csv_text('person', E'id,email\n41,x\n');
SELECT insert_csv_text('person', E'id,email\n');
SELECT insert_csv_text('person', E'id,email\n42,x\n', exclude_columns => '{email}');
SELECT insert_csv_text('line', E'line\nx\n');
SELECT insert_csv('person', '/dev/null');
RESET ROLE;
BEGIN READ ONLY;
SELECT insert_csv_text('line', E'line\nx\n');
ROLLBACK;
DROP OWNED BY regress_csv;
DROP ROLE regress_csv;

-- row-level security
CREATE TABLE secured (id int PRIMARY KEY, owner text);
CREATE ROLE regress_csv;
GRANT USAGE ON SCHEMA csv TO regress_csv;
GRANT INSERT, SELECT ON secured TO regress_csv;
ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON secured USING (owner = current_user);
SET ROLE regress_csv;
SELECT insert_csv_text('secured', E'id,owner\n1,regress_csv\n');
SELECT insert_csv_text('secured', E'id,owner\n2,somebody\n');
RESET ROLE;
TABLE secured;
DROP OWNED BY regress_csv;
DROP ROLE regress_csv;

SET client_min_messages = warning;
DROP SCHEMA csv CASCADE;
