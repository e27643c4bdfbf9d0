-- Timestamps that pgsync reads itself, against the server's input function:
-- every form, and what is near to one.
CREATE SCHEMA convert_time;
SET search_path = convert_time, public;
CREATE TABLE moment (n int, t timestamptz, p timestamptz(2));
-- texts around the form, each way of being wrong among them
CREATE TABLE input AS
SELECT row_number() OVER () AS n, date || separator || time || fraction || zone AS t
FROM unnest('{2024-02-29,2023-02-28,2023-02-29,1900-02-29,2000-02-29,0001-01-01,0000-01-01,9999-12-31,1969-12-31,2024-13-01,2024-00-10,2024-04-31,2024-1-05,20240105,2024/01/05,05-01-2024}'::text[]) date,
  unnest('{" ",T,t,_}'::text[]) separator,
  unnest('{00:00:00,23:59:59,24:00:00,12:60:00,12:30:60,12:30,1:02:03}'::text[]) time,
  unnest('{"",.5,.123456,.1234567,.999999,.}'::text[]) fraction,
  unnest('{Z,z,+00,-00,+05:30,-11:45,+15:59,+16,-16:00,+0530,+5,"",+05:60," +01",+01:30:15," UTC",Z1}'::text[]) zone;
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE statement INTO result;
  RETURN result;
EXCEPTION WHEN OTHERS THEN RETURN concat(SQLSTATE, ' ', SQLERRM);
END $$;
CREATE FUNCTION loaded(t text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  TRUNCATE moment;
  PERFORM insert_csv_text('moment', format(E't,p\n"%s","%s"\n', t, t));
  SELECT concat(m.t, ' ', m.p) INTO result FROM moment m;
  RETURN result;
END $$;
-- all that the server takes, in one go, under settings that make a difference
-- to other forms
CREATE TABLE valid AS
SELECT n, t FROM input WHERE outcome(format('SELECT %L::timestamptz', t)) NOT LIKE '22%';
SELECT count(*) > 5000 AS enough FROM valid;
SET DateStyle = 'SQL, DMY';
SET TimeZone = 'Pacific/Chatham';
SELECT insert_csv_text('moment', (SELECT E'n,t,p\n' || string_agg(format(E'%s,%s,%s\n', n, t, t), '') FROM valid)) =
  (SELECT count(*) FROM valid) AS all_loaded;
SELECT v.t, m.t AS is, v.t::timestamptz AS should_be FROM valid v JOIN moment m USING (n)
WHERE m.t IS DISTINCT FROM v.t::timestamptz OR m.p IS DISTINCT FROM v.t::timestamptz(2);
TRUNCATE moment;
SELECT insert_many('moment', (SELECT jsonb_agg(jsonb_build_object('n', n, 't', t, 'p', t)) FROM valid)) =
  (SELECT count(*) FROM valid) AS all_loaded;
SELECT v.t, m.t AS is, v.t::timestamptz AS should_be FROM valid v JOIN moment m USING (n)
WHERE m.t IS DISTINCT FROM v.t::timestamptz OR m.p IS DISTINCT FROM v.t::timestamptz(2);
-- some that it refuses, one by one: the same error
SELECT t, outcome(format('SELECT loaded(%L)', t)) AS is, outcome(format('SELECT %L::timestamptz', t)) AS should_be
FROM (SELECT * FROM input ORDER BY md5(t) LIMIT 3000) i
WHERE NOT EXISTS (SELECT FROM valid v WHERE v.n = i.n)
  AND outcome(format('SELECT loaded(%L)', t)) IS DISTINCT FROM outcome(format('SELECT %L::timestamptz', t));

SET client_min_messages = warning;
DROP SCHEMA convert_time CASCADE;
