-- Which columns are checked, and which come back.

-- no column comes back twice
CREATE TABLE named (a int, b text, "A" int DEFAULT 3);
SELECT insert_returning('named', '{"a": 1}', '{a,b,a}');
SELECT insert_returning('named', '[]', '{a,a}');
SELECT insert_one('named', '{"a": 1}', '{*,b}');
SELECT insert_one('named', '{"a": 1}', '{*,*}');
SELECT insert_one('named', '{"a": 1}', '{a,c}');
SELECT insert_one('named', '{"a": 1}', '{A,a}');
-- however many names there are
SELECT insert_returning('named', '{"a": 1}', array_fill('a'::text, ARRAY[70000]));
SELECT insert_one('named', '{"a": 1}', array_fill('*'::text, ARRAY[70000]));

-- * is all columns, also where one has that name
CREATE TABLE star (a int, "*" int DEFAULT 2);
SELECT insert_returning('star', '[{"a": 1}, {"*": 7}]');
SELECT insert_one('star', '{"a": 1}', '{*}');
SELECT insert_one('star', '{"a": 1}', '{a,*}');

-- defaults are evaluated only for the rows that need them
CREATE TABLE bad_default (a varchar(3) DEFAULT 'too long', b text, c int DEFAULT 1 / 0);
SELECT insert_many('bad_default',
                   '[{"a": "x", "c": 1}, {"a": "y", "b": "z", "c": 2}]');
SELECT insert_many('bad_default',
                   '[{"a": "x", "c": 1}, {"b": "z", "c": 2}]');
SELECT insert_many('bad_default',
                   '[{"a": "x", "c": 1}, {"a": "y", "b": "z"}]');
SELECT * FROM bad_default;

DROP TABLE named, star, bad_default;
