-- The extension itself: what it is made of, and where it can be installed.
SELECT extname, extversion, extrelocatable FROM pg_extension
WHERE extname = 'pgsync';
-- it can live in any schema, and move
CREATE SCHEMA elsewhere;
ALTER EXTENSION pgsync SET SCHEMA elsewhere;
ALTER EXTENSION pgsync SET SCHEMA public;
DROP SCHEMA elsewhere;
-- every function: SECURITY INVOKER, not STRICT, parallel unsafe or restricted
-- where it writes, with a comment, executable by all
SELECT p.oid::regprocedure AS function
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pgsync')
  AND (p.prosecdef OR p.proisstrict OR p.proconfig IS NOT NULL
       OR obj_description(p.oid, 'pg_proc') IS NULL
       OR p.proacl IS NOT NULL)
ORDER BY 1;
-- the developer setting
LOAD 'pgsync';
SHOW pgsync.sink;
SET pgsync.sink = statement;
SET pgsync.sink = sideways;
RESET pgsync.sink;
SET pgsync.unknown = 1;
