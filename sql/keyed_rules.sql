-- Verbs that work by key, on relations whose rules change what a statement
-- does: each is refused (0A000) where its own statement is changed, and not
-- where another one is.
CREATE TABLE other (id int, a int);
CREATE FUNCTION outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE call INTO result;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION try_rule(event text, action text) RETURNS TABLE (verb text, outcome text) LANGUAGE plpgsql AS $$
DECLARE call text;
BEGIN
  FOREACH call IN ARRAY ARRAY['update_many(''ruled'', ''[{"id": 1, "a": 5}]'')', 'update_many(''ruled'', ''[{"id": 1, "a": 5}]'', skip_unchanged => true)',
    'delete_many(''ruled'', ''[2]'')', 'sync_many(''ruled'', ''[{"id": 1, "a": 7}, {"id": 3, "a": 1}]'')', 'upsert_many(''ruled'', ''[{"id": 1, "a": 5}, {"id": 9}]'')']
  LOOP
    CREATE TABLE ruled (id int PRIMARY KEY, a int);
    INSERT INTO ruled VALUES (1, 1), (2, 2);
    EXECUTE format('CREATE RULE r AS ON %s TO ruled DO %s', event, action);
    verb := substring(call from '^\w+');
    outcome := outcome('SELECT ' || call);
    DROP TABLE ruled;
    RETURN NEXT;
  END LOOP;
END $$;
SELECT * FROM try_rule('UPDATE', 'ALSO INSERT INTO other VALUES (NEW.id, NEW.a)');
SELECT * FROM try_rule('UPDATE', 'INSTEAD NOTHING');
SELECT * FROM try_rule('UPDATE', 'INSTEAD UPDATE other SET a = NEW.a WHERE id = OLD.id');
SELECT * FROM try_rule('UPDATE', 'INSTEAD DELETE FROM other WHERE id = OLD.id');
SELECT * FROM try_rule('DELETE', 'ALSO INSERT INTO other VALUES (OLD.id, OLD.a)');
SELECT * FROM try_rule('DELETE', 'INSTEAD NOTHING');
SELECT * FROM try_rule('DELETE', 'INSTEAD DELETE FROM other WHERE id = OLD.id');
SELECT * FROM try_rule('INSERT', 'ALSO INSERT INTO other VALUES (NEW.id, NEW.a)');
SELECT * FROM try_rule('INSERT', 'INSTEAD INSERT INTO other VALUES (NEW.id, NEW.a)');
SELECT * FROM try_rule('INSERT', 'INSTEAD NOTHING');
SELECT count(*) FROM other;
DROP TABLE other;
DROP FUNCTION outcome, try_rule;
