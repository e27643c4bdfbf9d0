-- fetch_json prints dates and timestamps as json_agg does: near each other, far
-- apart, around the changes of time zones.
CREATE SCHEMA fjt;
SET search_path = fjt, public;
CREATE TABLE t (id int, ts timestamp, tz timestamptz, d date);
-- rows in order, by the second and the hour over changes of offset; then at random
INSERT INTO t SELECT i, at, at AT TIME ZONE 'UTC', at::date
FROM (SELECT row_number() OVER () AS i, at FROM
    (SELECT '2024-01-01'::timestamp + i * interval '2 hours 1.01 s' AS at FROM generate_series(0, 4000) i
    UNION ALL SELECT '1883-11-18 16:00'::timestamp + i * interval '17 s' FROM generate_series(0, 2000) i
    UNION ALL SELECT '2040-03-11 06:59:50'::timestamp + i * interval '0.5 s' FROM generate_series(0, 60) i
    UNION ALL SELECT '0001-01-01'::timestamp + (i - 20) * interval '1 hour' FROM generate_series(0, 60) i
    UNION ALL SELECT '9999-12-31'::timestamp + (i - 2) * interval '1 hour' FROM generate_series(0, 60) i
    UNION ALL SELECT '2100-06-01'::timestamp - i * interval '1 day 0.000001 s' FROM generate_series(0, 60000, 31) i
    UNION ALL SELECT '0001-01-01'::timestamp + random() * 3652058 * interval '1 day' FROM generate_series(0, 4000) i
    UNION ALL SELECT '1850-01-01'::timestamp + random() * 80000 * interval '1 day' FROM generate_series(0, 4000) i) q) r;
INSERT INTO t VALUES (-1, 'infinity', 'infinity', 'infinity'), (-2, '-infinity', '-infinity', '-infinity'),
    (-3, '4713-01-01 BC', '4713-01-02 BC', '4713-01-01 BC'), (-4, '294276-12-31 23:59:59.999999', '294276-12-31', '5874897-12-31'),
    (-5, '0001-12-31 BC', '0001-12-31 23:59:59.999999 BC', '0001-12-31 BC'), (-6, '10000-01-01', '10000-01-01', '10000-01-01'),
    (-7, NULL, NULL, NULL), (-8, '2000-01-01', '2000-01-01 00:00:00.1', '2000-01-01'), (-9, '1999-12-31 23:59:59.99999', '1999-12-31 23:59:59.9999', '1999-12-31');
CREATE FUNCTION same(zone text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('timezone', zone, true);
  RETURN fetch_json('SELECT * FROM fjt.t')::text = (SELECT json_agg(t)::text FROM fjt.t)
    AND fetch_json('SELECT * FROM fjt.t ORDER BY md5(id::text)')::text = (SELECT json_agg(t ORDER BY md5(id::text))::text FROM fjt.t);
END $$;
SELECT zone, same(zone) FROM unnest('{UTC,America/New_York,Europe/Dublin,Asia/Kathmandu,Australia/Lord_Howe,Pacific/Apia,Africa/Monrovia,
    Europe/Amsterdam,America/Sao_Paulo,Antarctica/Troll,-03:30,<XYZ>+5:17,EST5EDT}'::text[]) zone;
-- a zone that the query itself changes
SELECT fetch_json($$SELECT id, tz, set_config('timezone', CASE id WHEN 1 THEN 'Asia/Tokyo' ELSE 'UTC' END, true) FROM
    (VALUES (1, timestamptz '2024-01-01 00:00+00'), (2, '2024-01-01 00:00+00'), (3, '2024-01-01 00:00+00')) v(id, tz)$$);

SET client_min_messages = warning;
DROP SCHEMA fjt CASCADE;
