-- Databases of other encodings: names, values, escapes and what is clipped in
-- an error are in the database's encoding; what it lacks is an error.
SELECT current_database() AS database \gset
CREATE DATABASE regress_pgsync_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C';
\c regress_pgsync_latin1
SET client_encoding = 'UTF8';
CREATE EXTENSION pgsync;
CREATE TABLE t (a text, "ä" int, j jsonb);
SELECT insert_many('t', '{"a": "\u00e4ä", "\u00e4": 1, "j": {"ä": "\u00e4"}}');
SELECT insert_many('t', '{"a": "\u00e4ä", "\u00e4": 1, "j": {"ä": "\u00e4"}}'::jsonb);
SELECT *, length(a) FROM t;
SELECT insert_many('t', '[{"ä": 1}, {"a": "\u20ac"}]');
SELECT insert_many('t', '[{"ä": 1}, {"a": "\u20ac"}]'::json);
SELECT insert_many('t', '{"j": ["\u20ac"]}');
SELECT insert_many('t', '{"\u20ac": 1}');
SELECT insert_many('t', '{"ää": 1}');
-- long strings are not shown to core's parser as a whole, but what they stand for is
SELECT insert_many('t', '{"a": "' || repeat('\u00e4, [', 200000) || '", "ä" 1}');
SELECT insert_many('t', '{"a": "' || repeat('ä, [', 300000) || '\u20ac' || repeat('ä, [', 300000) || '", "ä" 1}');
\c :database
DROP DATABASE regress_pgsync_latin1;
-- two bytes a character
CREATE DATABASE regress_pgsync_euc_jp TEMPLATE template0 ENCODING 'EUC_JP' LOCALE 'C';
\c regress_pgsync_euc_jp
SET client_encoding = 'UTF8';
CREATE EXTENSION pgsync;
CREATE TABLE t (a text, "日本" int, j jsonb);
SELECT insert_many('t', '{"a": "日本\\表", "日本": 1, "j": {"日": "\u65e5"}}');
SELECT *, length(a) FROM t;
SELECT insert_many('t', '{"日": 1}');
SELECT insert_many('t', '{"日本": "' || repeat('日', 60) || '"}');
SELECT insert_many('t', '{"a": "' || repeat('x日本', 300000) || '", "日本" 1}');
\c :database
DROP DATABASE regress_pgsync_euc_jp;
