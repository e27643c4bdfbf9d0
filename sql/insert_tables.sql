-- insert_tables: the rows of several tables, in one document.
CREATE SCHEMA doc;
SET search_path = doc, public;
CREATE TABLE author (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text UNIQUE,
    email text UNIQUE
);
CREATE TABLE book (
    id serial PRIMARY KEY,
    author_id int NOT NULL REFERENCES author,
    title text,
    meta jsonb
);
CREATE TABLE review (
    book_id int NOT NULL REFERENCES book,
    reviewer_id int REFERENCES author,
    stars int CHECK (stars BETWEEN 1 AND 5)
);

-- Flat tables go in parents first, whatever the order of the keys.
SELECT * FROM insert_tables('{
    "review": [{"book_id": 1, "stars": 5}, {"book_id": 2, "stars": 3}],
    "book": [{"author_id": 1, "title": "A"}, {"author_id": 2, "title": "B"}],
    "author": [{"name": "ann"}, {"name": "bob"}]
}'::text);
SELECT * FROM author ORDER BY id;
SELECT * FROM book ORDER BY id;
SELECT * FROM review ORDER BY book_id;

-- The same for each type of argument, and for one object in an array's place.
SELECT * FROM insert_tables('{"author": {"name": "one"}}'::text);
SELECT * FROM insert_tables('{"author": {"name": "two"}}'::json);
SELECT * FROM insert_tables('{"author": {"name": "three"}}'::jsonb);
-- a byte order mark is no error
SELECT * FROM insert_tables(E'\uFEFF{"author": []}'::text);
SELECT * FROM insert_tables(E'\uFEFF'::text);
SELECT * FROM insert_tables(E'\uFEFF{"author": [7}'::text);
SELECT * FROM insert_tables('{}'::jsonb);
SELECT * FROM insert_tables('{"author": []}'::jsonb);

-- Nested rows take their foreign key from the row that they stand in.
SELECT * FROM insert_tables('{"author": [
    {"name": "cy", "book": [{"title": "C1", "review": {"stars": 4}},
                            {"title": "C2", "meta": {"pages": [1, {"a": "}"}]}}]},
    {"book": {"title": "D1"}, "name": "d\u0061n"},
    {"name": "eve", "book": []}
]}'::json);
SELECT a.name, b.title, b.meta, r.stars
FROM author a JOIN book b ON b.author_id = a.id
    LEFT JOIN review r ON r.book_id = b.id
WHERE a.name IN ('cy', 'dan', 'eve') ORDER BY b.title;

-- An object in the place of a foreign key's column is looked up: among rows
-- that are there, and among those of the document.
SELECT * FROM insert_tables('{
    "book": [{"author_id": {"name": "ann"}, "title": "by ann"},
             {"author_id": {"email": "fay@example.com"}, "title": "by fay"}],
    "author": [{"name": "fay", "email": "fay@example.com"}],
    "review": [{"book_id": {"title": "by ann"}, "stars": 1,
                "reviewer_id": {"name": "fay"}}]
}'::jsonb);
SELECT b.title, a.name, w.name AS reviewer
FROM book b JOIN author a ON a.id = b.author_id
    LEFT JOIN review r ON r.book_id = b.id LEFT JOIN author w ON w.id = r.reviewer_id
WHERE b.title LIKE 'by %' ORDER BY b.title;

-- What several rows nest in the same table goes in with one statement.
CREATE FUNCTION note_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% on %', TG_OP, TG_TABLE_NAME;
    RETURN NULL;
END $$;
CREATE TRIGGER note BEFORE INSERT ON author
    FOR EACH STATEMENT EXECUTE FUNCTION note_statement();
CREATE TRIGGER note BEFORE INSERT ON book
    FOR EACH STATEMENT EXECUTE FUNCTION note_statement();
SELECT * FROM insert_tables((
    SELECT json_build_object('book', json_build_array(json_build_object(
               'author_id', 1, 'title', 'flat')), 'author',
        json_agg(json_build_object('name', 'many' || i, 'book',
            (SELECT json_agg(json_build_object('title', i || '.' || j))
             FROM generate_series(1, 3) j))))
    FROM generate_series(1, 40) i));
SELECT count(*), count(DISTINCT author_id),
    bool_and(a.name = 'many' || split_part(title, '.', 1)) AS all_right
FROM book b JOIN author a ON a.id = b.author_id WHERE title ~ '^\d+\.\d$';
DROP TRIGGER note ON author;
DROP TRIGGER note ON book;

-- ON CONFLICT DO NOTHING: children of a parent that is there attach to it.
SELECT * FROM insert_tables('{"author": [
    {"name": "ann", "email": "ann@example.com", "book": {"title": "again"}},
    {"name": "gus", "book": {"title": "new"}}
]}', 'ON CONFLICT (name) DO NOTHING');
SELECT a.name, a.email, b.title FROM author a JOIN book b ON b.author_id = a.id
WHERE b.title IN ('again', 'new') ORDER BY 3;
SELECT * FROM insert_tables('{"author": [{"name": "ann"}, {"name": "hal"}]}',
                            'ON CONFLICT DO NOTHING');
SELECT insert_tables('{"author": []}', 'ON CONFLICT (email, name) DO NOTHING');
SELECT insert_tables('{"author": []}', 'ON CONFLICT (lower(name)) DO NOTHING');
-- ... unless it conflicts with two rows
SELECT insert_tables('{"author": [{"name": "ann", "email": "fay@example.com",
                       "book": {"title": "whose?"}}]}', 'ON CONFLICT DO NOTHING');
SELECT insert_tables('{"author": [{"name": "ann"}]}',
                     'ON CONFLICT (name) DO UPDATE SET email = NULL');
SELECT insert_tables('{"author": [{"name": "ann"}]}', 'DO NOTHING');

-- ... or a trigger skips it
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.name = 'skipped' THEN RETURN NULL; END IF; RETURN NEW; END $$;
CREATE TRIGGER skip BEFORE INSERT ON author FOR EACH ROW EXECUTE FUNCTION skip();
SELECT insert_tables('{"author": [{"name": "ok1", "book": {"title": "x"}},
                                  {"name": "skipped", "book": {"title": "x"}}]}');
SELECT * FROM insert_tables('{"author": [{"name": "ok1", "book": {"title": "kept"}},
    {"name": "skipped"}, {"name": "ok2", "book": {"title": "kept too"}}]}');
SELECT a.name, b.title FROM author a JOIN book b ON b.author_id = a.id
WHERE b.title LIKE 'kept%' ORDER BY 1;
DROP TRIGGER skip ON author;

-- OVERRIDING, as INSERT has it
SELECT insert_tables('{"author": [{"id": 1000, "name": "always"}]}');
SELECT insert_tables('{"author": [{"name": "late"}, {"id": 1000, "name": "system"}],
    "book": [{"id": 1000, "author_id": {"name": "system"}}]}', overriding => 'system');
SELECT insert_tables('{"author": [{"id": 1000, "name": "user"}]}', NULL, 'USER');
SELECT name, id = 1000 AS is_given FROM author
WHERE name IN ('late', 'system', 'user') ORDER BY 1;
SELECT insert_tables('{}', overriding => 'both');

-- A tree in one table: nested, by natural key, by plain values
CREATE TABLE node (
    id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    name text UNIQUE,
    parent_id int REFERENCES node
);
SELECT * FROM insert_tables('{"node": [
    {"name": "leaf", "parent_id": {"name": "branch"}},
    {"name": "branch", "parent_id": {"name": "root"}},
    {"name": "root", "node": [{"name": "child", "node": [{"name": "grandchild"}]}]},
    {"id": 101, "name": "plain", "parent_id": 102}, {"id": 102, "name": "parent"}
]}');
SELECT n.name, p.name AS parent FROM node n LEFT JOIN node p ON p.id = n.parent_id
ORDER BY 1;
SELECT insert_tables('{"node": [{"name": "a", "parent_id": {"name": "b"}},
                                {"name": "b", "parent_id": {"name": "a"}}]}');

-- Composite keys, also where a column belongs to two
CREATE TABLE tenant (id int PRIMARY KEY, name text);
CREATE TABLE item (
    tenant_id int REFERENCES tenant, sku text, label text,
    PRIMARY KEY (tenant_id, sku)
);
CREATE TABLE stock (
    tenant_id int REFERENCES tenant, sku text, place text, amount int,
    FOREIGN KEY (tenant_id, sku) REFERENCES item
);
SELECT * FROM insert_tables('{"tenant": [{"id": 1, "name": "one", "item": [
    {"sku": "x", "stock": [{"place": "p", "amount": 3}]},
    {"sku": "y", "label": "why"}]}, {"id": 2}],
    "stock": [{"tenant_id": 1, "sku": {"label": "why"}, "amount": 7}]}');
SELECT * FROM stock ORDER BY sku;
SELECT insert_tables('{"stock": [{"tenant_id": 2, "sku": {"label": "why"}}]}');

-- Several foreign keys to the same table, and none
CREATE TABLE letter (
    sender_id int REFERENCES author, receiver_id int REFERENCES author, body text
);
SELECT insert_tables('{"author": [{"name": "x1", "letter": [{"body": "?"}]}]}');
SELECT * FROM insert_tables('{"author": [{"name": "ida",
    "letter.sender_id": [{"body": "hello", "receiver_id": {"name": "ann"}}],
    "doc.letter.receiver_id": {"body": "hi"}}]}');
SELECT s.name AS sender, r.name AS receiver, body
FROM letter LEFT JOIN author s ON s.id = sender_id LEFT JOIN author r ON r.id = receiver_id
ORDER BY body;
SELECT insert_tables('{"author": [{"name": "x1", "letter.body": [{}]}]}');
SELECT insert_tables('{"author": [{"name": "x1", "letter.nope": [{}]}]}');
SELECT insert_tables('{"author": [{"name": "x1", "review": [{"stars": 1}], "node": []}]}');

-- Cycles: a deferrable key opens them, others are an error that draws them
CREATE TABLE dept (id int PRIMARY KEY, boss_id int);
CREATE TABLE emp (id int PRIMARY KEY, dept_id int REFERENCES dept);
ALTER TABLE dept ADD CONSTRAINT dept_boss FOREIGN KEY (boss_id) REFERENCES emp;
SELECT insert_tables('{"emp": [{"id": 1, "dept_id": 1}], "dept": [{"id": 1, "boss_id": 1}]}');
ALTER TABLE dept ALTER CONSTRAINT dept_boss DEFERRABLE;
SELECT * FROM insert_tables('{"emp": [{"id": 1, "dept_id": 1}], "dept": [{"id": 1, "boss_id": 1}]}');
SELECT insert_tables('{"emp": [{"id": 2, "dept_id": 2}], "dept": [{"id": 2, "boss_id": 9}]}');
SELECT * FROM dept;

-- Partitions, with the leaf's rows under their own table's name
CREATE TABLE event (id int, kind text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE event_a PARTITION OF event FOR VALUES IN ('a');
CREATE TABLE event_b PARTITION OF event FOR VALUES IN ('b');
CREATE TABLE detail (event_id int, event_kind text, info text,
    FOREIGN KEY (event_id, event_kind) REFERENCES event);
SELECT * FROM insert_tables('{"event": [{"id": 1, "kind": "a", "detail": {"info": "A"}},
    {"id": 2, "kind": "b", "detail": [{"info": "B"}]}],
    "event_b": [{"id": 3, "kind": "b", "detail": [{"info": "leaf"}]}]}');
SELECT e.tableoid::regclass, e.*, d.info FROM event e
JOIN detail d ON d.event_id = e.id ORDER BY id;

-- A key of any type
CREATE TABLE odd (k numeric(6,2) PRIMARY KEY, j jsonb UNIQUE, "Weird ""name""" uuid UNIQUE);
CREATE TABLE "Odd child" (k numeric(6,2) REFERENCES odd, j jsonb REFERENCES odd (j),
    u uuid REFERENCES odd ("Weird ""name"""), note text);
SELECT * FROM insert_tables('{"odd": [{"k": 1.5, "j": {"a": [1]},
    "Weird \"name\"": "00000000-0000-0000-0000-00000000000a",
    "\"Odd child\".k": {"note": "numeric"}, "\"Odd child\".j": {"note": "jsonb"},
    "\"Odd child\".u": {"note": "uuid"}}]}'::text);
SELECT * FROM "Odd child" ORDER BY note;

-- Errors name the table and the row; nothing goes in.
SELECT insert_tables('{"author": [{"name": "t1"}],
    "book": [{"author_id": {"name": "t1"}, "title": "ok"},
             {"author_id": {"name": "t1"}, "id": "x"}]}');
SELECT insert_tables('{"author": [{"name": "t1", "book": [{"author_id": 1}]}]}');
SELECT insert_tables('{"author": [{"name": "t1", "bok": [{"title": "x"}]}]}');
SELECT insert_tables('{"author": [{"name": "t1", "nmae": "x"}]}');
SELECT insert_tables('{"author": [{"name": "t1", "book": "x"}]}');
SELECT insert_tables('{"author": [{"name": "t1", "book": [1]}]}');
SELECT insert_tables('{"author": 1}');
SELECT insert_tables('{"author": [[]]}');
SELECT insert_tables('{"author": [1]}');
SELECT insert_tables('[]');
SELECT insert_tables('"x"');
SELECT insert_tables('{"nope": []}');
SELECT insert_tables('{"not a name": []}');
SELECT insert_tables('{"author": [], "doc.author": []}');
SELECT insert_tables('{"author": [], "author": []}'::text);
SELECT insert_tables(NULL::jsonb);
SELECT insert_tables('{"book": [{"author_id": {}}]}');
SELECT insert_tables('{"book": [{"author_id": {"nope": 1}}]}');
SELECT insert_tables('{"book": [{"author_id": {"name": null}}]}');
CREATE TABLE twin (id int PRIMARY KEY, name text);
INSERT INTO twin VALUES (1, 'same'), (2, 'same');
CREATE TABLE twins_child (twin_id int REFERENCES twin);
SELECT insert_tables('{"twins_child": [{"twin_id": 1}, {"twin_id": {"name": "same"}}]}');
CREATE VIEW author_view AS SELECT * FROM author;
SELECT insert_tables('{"author_view": [{"name": "x"}]}');
SELECT insert_tables('{"doc.author_id_seq": []}');
-- broken JSON, wherever it is
SELECT insert_tables('{"author": [{"name": "t1"}]'::text);
SELECT insert_tables('{"author": [{"name": "t1"}]} x'::text);
SELECT insert_tables('{"author": [{"name": "t1", "book": [{"title": 1,}]}]}'::text);
SELECT insert_tables('{"author": [{"name": "t1", "book": [{"title": tru}]}]}'::text);
SELECT insert_tables('{"author": [{"name": "t1"} {"name": "t2"}]}'::text);
SELECT insert_tables(''::text);
SELECT count(*) FROM author WHERE name LIKE 't1%';

-- A row is numbered as it stands among its table's in the document, however
-- many statements they take.
SELECT insert_tables('{"node": [
    {"name": "w1", "parent_id": {"name": "w2"}}, {"name": "w2"},
    {"name": "w3", "parent_id": {"name": "w1"}, "id": "x"}, {"name": "w4"}]}');
SELECT insert_tables('{"author": [{"name": "t1", "book": [{"title": "1"}, {"title": "2"}]},
    {"name": "t2"}, {"name": "t3", "book": [{"title": "3"}, {"title": "4", "meta": {"a": 1}, "id": [1]}]}]}');
SELECT insert_tables('{"author": [{"name": "t1", "book": {"title": "1", "review": [{"stars": 1}, {"stars": 2}]}},
    {"name": "t2", "book": {"title": "2", "review": [{"stars": 3}, {"stars": 6}]}}]}');
SELECT insert_tables('{"author": [{"name": "t1"}, {"name": "t2", "book": {}}, {"name": "t1", "book": {}}]}');
SELECT insert_tables('{"book": [{"author_id": 1}, {"author_id": 99999}]}');
SELECT insert_tables('{"author": [{"name": "t1"}, {"name": "t2", "book": [{"title": "x"}, {"title": "y", "id": null}]}]}');

-- An array where an object is due
SELECT insert_tables('{"book": [{"author_id": 1}, {"author_id": [1]}]}');
SELECT insert_tables('{"book": [{"author_id": [{"name": "ann"}]}]}');
SELECT insert_tables('{"author": [{"name": "t1", "book": [[{"title": "x"}]]}]}');
SELECT insert_tables('[{"author": [{"name": "t1"}]}]');
-- All or nothing, also where earlier tables are in
SELECT count(*) FROM author WHERE name LIKE 't_';
SELECT count(*) FROM node WHERE name LIKE 'w_';

-- A column whose name has a dot chooses a key, too
CREATE TABLE dotted ("a.b" int REFERENCES author, "c" int REFERENCES author, note text);
SELECT * FROM insert_tables('{"author": [{"name": "dots", "dotted.a.b": {"note": "ab"},
    "doc.dotted.c": [{"note": "c"}]}]}');
SELECT d."a.b" = a.id AS ab, d.c = a.id AS c, note FROM dotted d, author a WHERE a.name = 'dots' ORDER BY note;
SELECT insert_tables('{"author": [{"name": "t1", "dotted": {}}]}');
SELECT insert_tables('{"author": [{"name": "t1", "dotted.a": {}}]}');
SELECT insert_tables(json_build_object('author', json_build_object(repeat('.', 100000), 1)))
FROM generate_series(1, 3);

-- Privileges are those of the statements.
CREATE ROLE regress_pgsync_doc;
GRANT USAGE ON SCHEMA doc TO regress_pgsync_doc;
GRANT INSERT ON author, book TO regress_pgsync_doc;
GRANT USAGE ON SEQUENCE book_id_seq TO regress_pgsync_doc;
SET ROLE regress_pgsync_doc;
SELECT * FROM insert_tables('{"author": [{"name": "role"}]}');
-- what nested rows take from their parents must be readable
SELECT insert_tables('{"author": [{"name": "role2", "book": [{"title": "r"}]}]}');
SELECT insert_tables('{"book": [{"author_id": {"name": "ann"}}]}');
RESET ROLE;
GRANT SELECT (id, name) ON author TO regress_pgsync_doc;
SET ROLE regress_pgsync_doc;
SELECT * FROM insert_tables('{"author": [{"name": "role2", "book": [{"title": "r"}]}],
                              "book": [{"author_id": {"name": "ann"}}]}');
SELECT insert_tables('{"review": [{"book_id": 1}]}');
RESET ROLE;
BEGIN READ ONLY;
SELECT insert_tables('{"author": [{"name": "t1"}]}');
ROLLBACK;

-- what a reference does not name may be of a domain that takes no null; what it
-- names compares by the column's own collation
CREATE DOMAIN filled AS text NOT NULL;
CREATE DOMAIN by_bytes AS text COLLATE "C";
CREATE TABLE shelf (id serial PRIMARY KEY, "where" by_bytes COLLATE "POSIX" UNIQUE, width numeric(5,2) UNIQUE, label filled DEFAULT 'x');
CREATE TABLE box (id serial PRIMARY KEY, shelf_id int REFERENCES shelf);
SELECT * FROM insert_tables('{"shelf": [{"where": "left", "width": 1.25}], "box": [{"shelf_id": {"where": "left"}}, {"shelf_id": {"width": 1.251}}]}');
SELECT * FROM insert_tables('{"shelf": [{"where": "left", "box": [{}]}]}', 'ON CONFLICT DO NOTHING');
-- rows of a table with a rule, and rows nested in them
CREATE TABLE moved (n int);
CREATE RULE note AS ON INSERT TO shelf DO ALSO INSERT INTO moved VALUES (1);
SELECT * FROM insert_tables('{"shelf": [{"where": "top", "box": [{}, {}]}, {"where": "floor", "box": [{}]}, {"where": "none"}]}');
SELECT "where", count(*) FROM shelf JOIN box ON shelf_id = shelf.id GROUP BY 1 ORDER BY 1;

-- what nested rows and references take is what is there, however it is shown
CREATE TABLE moment (at timestamptz PRIMARY KEY, long interval UNIQUE, share float8 UNIQUE);
CREATE TABLE note (n int, at timestamptz REFERENCES moment, long interval REFERENCES moment (long), share float8 REFERENCES moment (share));
SET datestyle = 'SQL, DMY';
SET timezone = 'Asia/Kolkata';
SET intervalstyle = 'sql_standard';
SET extra_float_digits = 0;
SELECT * FROM insert_tables('{"moment": [{"at": "2024-02-03 04:05:06.000007+08", "long": "1 mon -1 day 02:00", "share": 0.30000000000000004,
    "note.at": {"n": 1}, "note.long": {"n": 2}, "note.share": {"n": 3}}]}');
SELECT * FROM insert_tables('{"note": [{"n": 4, "at": {"share": 0.30000000000000004}, "share": {"share": 0.30000000000000004}, "long": {"share": 0.30000000000000004}}]}');
RESET datestyle;
RESET timezone;
RESET intervalstyle;
RESET extra_float_digits;
SELECT n, at = '2024-02-03 04:05:06.000007+08' AS at, long, share FROM note ORDER BY n;

-- Inside a statement, and undone with it
BEGIN;
SELECT count(*) FROM insert_tables('{"author": [{"name": "t1", "book": {"title": "t"}}]}');
ROLLBACK;
SELECT count(*) FROM author WHERE name = 't1';

SET client_min_messages = warning;
DROP SCHEMA doc CASCADE;
DROP ROLE regress_pgsync_doc;
