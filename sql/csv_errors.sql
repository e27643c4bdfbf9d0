-- CSV that cannot be loaded: what is wrong, in which line and column, and
-- that nothing is loaded.
CREATE SCHEMA csv_errors;
SET search_path = csv_errors, public;
\set VERBOSITY default
CREATE TABLE person (id int PRIMARY KEY, name text, email text NOT NULL DEFAULT '-', age int CHECK (age > 0));

-- arguments
SELECT insert_csv_text(NULL, 'id');
SELECT insert_csv_text('person', NULL);
SELECT insert_csv(NULL, '/dev/null');
SELECT insert_csv('person', NULL);
SELECT insert_csv_text('person', 'id', delimiter => '::');
SELECT insert_csv_text('person', 'id', delimiter => '\t');
SELECT insert_csv_text('person', 'id', delimiter => 'é');
SELECT insert_csv_text('person', 'id', delimiter => '');
SELECT insert_csv_text('person', 'id', delimiter => E'\n');
SELECT insert_csv_text('person', 'id', delimiter => '"');
SELECT insert_csv_text('person', 'id', quote => '""');
SELECT insert_csv_text('person', 'id', quote => '');
SELECT insert_csv_text('person', 'id', escape => 'xy');
SELECT insert_csv_text('person', 'id', null_string => E'a\nb');
SELECT insert_csv_text('person', 'id', null_string => '"');
SELECT insert_csv('person', '/dev/null', encoding => 'klingon');

-- the header
SELECT insert_csv_text('person', '');
SELECT insert_csv_text('person', E'\uFEFF');
SELECT insert_csv_text('person', E'\n1,Ada\n');
SELECT insert_csv_text('person', E'1,Ada\n2,Bob\n');
SELECT insert_csv_text('person', E'id,nmae\n1,Ada\n');
SELECT insert_csv_text('person', E'id,NAME\n1,Ada\n');
SELECT insert_csv_text('person', E'id, name\n1,Ada\n');
SELECT insert_csv_text('person', E'id;name\n1;Ada\n');
SELECT insert_csv_text('person', E'id,name\n1,Ada\n', delimiter => ';');
SELECT insert_csv_text('person', E'id\tname\n1\tAda\n');
SELECT insert_csv_text('person', E'id,name,id\n1,Ada,1\n');
SELECT insert_csv_text('person', E'id,,name\n1,2,3\n');
SELECT insert_csv_text('person', E'id,name,\n1,2,\n');
SELECT insert_csv_text('person', E'id,""\n1,2\n');
SELECT insert_csv_text('person', E'id,ctid\n1,"(0,1)"\n');
SELECT insert_csv_text('person', 'id,"name');
SELECT insert_csv_text('person', 'id,' || repeat('long', 100));

-- rows
SELECT insert_csv_text('person', E'id,name\n1,a\n2\n3,c\n');
SELECT insert_csv_text('person', E'id,name\n1,a\n2,b,x\n3,c\n');
SELECT insert_csv_text('person', E'id,name\n1,a\n\n3,c\n');
SELECT insert_csv_text('person', E'id,name\n1,a\n2,"b\n3,c\n4,d\n');
SELECT insert_csv_text('person', E'id,name\n1,a\n2,"b" "c\n');
SELECT insert_csv_text('person', E'id,name\n1,a\r\n2,b\n');
SELECT insert_csv_text('person', E'id,name\r\n1,a\n2,b\r\n');

-- CRLF whose last LF was cut off is no error; a CR elsewhere still is
SELECT insert_csv_text('person', E'id,name\r\n1,a\r');
SELECT name, length(name) FROM person;
SELECT insert_csv_text('person', E'id,name\n2,b\r');
SELECT insert_csv_text('person', E'id,name\r2,b\r');
SELECT insert_csv_text('person', E'id,name\r\n3,c\r\r');
-- line ends behind the last row are blank lines, of whatever kind they are
SELECT insert_csv_text('person', E'id,name\r3,c\r\n');
SELECT insert_csv_text('person', E'id,name\r\n4,d\r\n\n\r');
SELECT name, length(name) FROM person WHERE id > 2 ORDER BY id;
DELETE FROM person;

-- values and constraints: the line on which the row begins, and the column
SELECT insert_csv_text('person', E'id,name\n1,a\nx,b\n');
SELECT insert_csv_text('person', E'id,name,age\n1,"a\nb\nc",3\n2,"d\ne",x\n');
SELECT insert_csv_text('person', E'id,"name"\n1,a\n99999999999,b\n');
SELECT insert_csv_text('person', E'id,age\n1,2\n2,-1\n3,2\n');
SELECT insert_csv_text('person', E'id,email\n1,a\n2,\n3,c\n');
SELECT insert_csv_text('person', E'name\na\n');
SELECT insert_csv_text('person', E'id\n1\n2\n1\n', on_conflict => NULL);
SELECT insert_csv_text('person', E'id,age\n1,' || repeat('9', 200) || E'\n');
CREATE TABLE "two
lines" ("first
second" int, b int);
SELECT insert_csv_text('"two
lines"', E'"first\nsecond",b\n1,2\n1,x\n');
SELECT insert_csv_text('"two
lines"', E'"first\r\nsecond",b\r\n1,2\r\n', E'{"first\r\nsecond"}');

-- relations that take no rows
CREATE SEQUENCE s;
SELECT insert_csv_text('s', E'last_value\n1\n');
CREATE INDEX i ON person (name);
SELECT insert_csv_text('i', E'name\n1\n');
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
SELECT insert_csv_text('m', E'a\n1\n');
CREATE VIEW v AS SELECT 1 AS a;
SELECT insert_csv_text('v', E'a\n1\n');
SELECT insert_csv_text('nowhere', E'a\n1\n');
CREATE TABLE no_columns ();
SELECT insert_csv_text('no_columns', E'a\n1\n');
CREATE TABLE only_generated (a int GENERATED ALWAYS AS (1) STORED);
SELECT insert_csv_text('only_generated', E'a\n1\n', '{a}');

-- nothing was loaded, and the session goes on
TABLE person;
SELECT insert_csv_text('person', E'id,name\n1,fine\n');

SET client_min_messages = warning;
DROP SCHEMA csv_errors CASCADE;
