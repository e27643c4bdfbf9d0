-- drop_db: arguments, and what is refused before any worker starts.  What
-- happens between sessions and servers is in t/drop_db.pl.
SELECT drop_db(NULL);
SELECT drop_db(NULL, true);
SELECT drop_db(db_name => NULL, force => NULL);
SELECT drop_db();
SELECT drop_db('a', 'b', 'c');
SELECT drop_db('a', 'perhaps');
-- no such database, whatever its name looks like
SELECT drop_db('pgsync_none'), drop_db(''), drop_db('pgsync_none', true);
SELECT drop_db('"postgres"');
-- a force of NULL is the default
CREATE DATABASE "pgsync Drop";
SELECT drop_db('pgsync drop', NULL);
SELECT drop_db('pgsync Drop', NULL);
SELECT drop_db('pgsync Drop', NULL);
-- the refusals of DROP DATABASE, with its SQLSTATE
\set VERBOSITY sqlstate
SELECT drop_db(current_database());
SELECT drop_db('template1', force => true);
\set VERBOSITY default
SELECT drop_db('template1');
-- in a function that a trigger calls, and goes on after an error
CREATE DATABASE pgsync_drop;
CREATE TABLE tenants (name name PRIMARY KEY);
CREATE FUNCTION drop_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	state text;
BEGIN
	RAISE NOTICE '% dropped: %', OLD.name, drop_db(OLD.name);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE;
	RAISE NOTICE '% kept: % %', OLD.name, state, SQLERRM;
	RETURN NULL;
END
$$;
CREATE TRIGGER dropped AFTER DELETE ON tenants
	FOR EACH ROW EXECUTE FUNCTION drop_tenant();
INSERT INTO tenants VALUES ('pgsync_drop'), ('template1'), ('pgsync_none');
BEGIN;
DELETE FROM tenants;
ROLLBACK;
SELECT count(*) FROM tenants;
SELECT count(*) FROM pg_database WHERE datname LIKE 'pgsync_drop';
-- read-only, and a database that the transaction itself has touched
CREATE DATABASE pgsync_drop;
BEGIN READ ONLY;
SELECT drop_db('pgsync_none');
ROLLBACK;
BEGIN;
COMMENT ON DATABASE pgsync_drop IS 'about to go';
SELECT drop_db('pgsync_drop');
ROLLBACK;
BEGIN;
ALTER DATABASE pgsync_drop RENAME TO pgsync_drop2;
SELECT drop_db('pgsync_drop2');
ROLLBACK;
SELECT drop_db('pgsync_drop');
-- how it is declared
SELECT provolatile, proparallel, prosecdef FROM pg_proc
WHERE oid = 'drop_db'::regproc;
DROP TABLE tenants;
DROP FUNCTION drop_tenant;
