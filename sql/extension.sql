-- The extension itself: what it is made of, and where it can be installed.
SELECT extname, extversion, extrelocatable FROM pg_extension
WHERE extname = 'pgsync';
-- it can live in any schema, and move
CREATE SCHEMA elsewhere;
ALTER EXTENSION pgsync SET SCHEMA elsewhere;
ALTER EXTENSION pgsync SET SCHEMA public;
-- its owner, who may make it (it is trusted), moves it by making it again:
-- the functions belong to the superuser who makes a trusted extension's
CREATE ROLE pgsync_mover;
DO $$BEGIN
  EXECUTE format('GRANT CREATE ON DATABASE %I TO pgsync_mover',
                 current_database());
END$$;
GRANT CREATE, USAGE ON SCHEMA public, elsewhere TO pgsync_mover;
BEGIN;
DROP EXTENSION pgsync;
SET LOCAL ROLE pgsync_mover;
CREATE EXTENSION pgsync SCHEMA public;
SAVEPOINT made;
\set VERBOSITY sqlstate
ALTER EXTENSION pgsync SET SCHEMA elsewhere;
\set VERBOSITY default
ROLLBACK TO made;
DROP EXTENSION pgsync;
CREATE EXTENSION pgsync SCHEMA elsewhere;
SELECT elsewhere.get_tables('{elsewhere}');
ROLLBACK;
DROP OWNED BY pgsync_mover;
DROP ROLE pgsync_mover;
DROP SCHEMA elsewhere;
-- every function: SECURITY INVOKER, not STRICT but for a type's own, parallel unsafe or restricted
-- where it writes, with a comment, executable by all
SELECT p.oid::regprocedure AS function
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pgsync')
  AND (p.prosecdef OR p.proisstrict <> (p.proname ~ '^row_source_') OR p.proconfig IS NOT NULL
       OR obj_description(p.oid, 'pg_proc') IS NULL
       OR p.proacl IS NOT NULL)
ORDER BY 1;
-- the developer settings
LOAD 'pgsync';
SHOW pgsync.sink;
SET pgsync.sink = statement;
SET pgsync.sink = sideways;
RESET pgsync.sink;
SHOW pgsync.scan;
SET pgsync.scan = plain;
SET pgsync.scan = upwards;
RESET pgsync.scan;
SET pgsync.unknown = 1;
