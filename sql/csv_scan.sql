-- pgsync.scan: CSV split a vector of bytes at a time gives the rows and errors
-- of CSV split byte by byte, and those are COPY's (csv_copy.sql).
CREATE SCHEMA csv_scan;
SET search_path = csv_scan, public;
CREATE TABLE t (a text, b text, c text);

-- Loads CSV in one way; returns the rows with their NULLs, or the error and where it was.
CREATE FUNCTION outcome(way text, csv text, delim text, quot text, esc text, trimmed boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; context text;
BEGIN
  PERFORM set_config('pgsync.scan', way, true);
  PERFORM insert_csv_text('t', csv, delimiter => delim, quote => quot, escape => esc, trim_blanks => trimmed, null_strings => '{-,yyy}');
  SELECT concat(count(*), ' rows ', string_agg(t::text, E'\n' ORDER BY t::text COLLATE "C")) INTO result FROM t;
  RAISE SQLSTATE 'DONE0';
EXCEPTION WHEN SQLSTATE 'DONE0' THEN RETURN result;
  WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    RETURN concat(SQLSTATE, ' ', SQLERRM, ' ', split_part(context, E'\n', 1));
END $$;

-- Warns of documents that the two ways read differently; counts those that were rows and those that were not.
CREATE FUNCTION compare(csvs text[], delim text DEFAULT ',', quot text DEFAULT '"', esc text DEFAULT '"', trimmed boolean DEFAULT false)
  RETURNS TABLE (good bigint, bad bigint) LANGUAGE plpgsql AS $$
DECLARE csv text; plain text; vectors text;
BEGIN
  good := 0; bad := 0;
  FOREACH csv IN ARRAY csvs LOOP
    plain := outcome('plain', csv, delim, quot, esc, trimmed);
    vectors := outcome('auto', csv, delim, quot, esc, trimmed);
    IF vectors <> plain THEN RAISE WARNING E'differs for %:\n% / %', to_jsonb(csv), vectors, plain; END IF;
    IF plain ~ '^\d+ rows' THEN good := good + 1; ELSE bad := bad + 1; END IF;
  END LOOP;
  RETURN NEXT;
END $$;

-- Each thing that means something, at each place of a vector and the next, in a field and in quotes; far from the end
-- of the text, and at it.
CREATE FUNCTION documents(delim text, quot text, esc text, line text) RETURNS text[] LANGUAGE sql AS $$
  SELECT array_agg(concat_ws(delim, 'a', 'b', 'c') || line || concat_ws(delim, first.q || repeat('x', n) || thing || repeat('y', 3) || first.q,
    '-', 'yyy') || line || tail)
  FROM generate_series(0, 34) n,
    unnest(ARRAY['', delim, quot, quot || quot, esc || quot, esc || esc, esc, line, E'\n', E'\r', 'é', ' ', E'\t', quot || delim || quot, delim || delim]) thing,
    (VALUES ('', ''), (quot, '')) first(q),
    (VALUES (''), (concat_ws(delim, repeat('z', 40), quot || repeat('w', 40) || quot, '') || line)) tail(tail) $$;
SELECT * FROM compare(documents(',', '"', '"', E'\n'));
SELECT * FROM compare(documents(',', '"', '"', E'\r\n'));
SELECT * FROM compare(documents(',', '"', '"', E'\r'));
SELECT * FROM compare(documents(';', '''', '\', E'\n'), ';', '''', '\');
SELECT * FROM compare(documents(E'\t', '"', '"', E'\n'), E'\t', trimmed => true);
-- fields of each length, many in a row
SELECT * FROM compare((SELECT array_agg(format(E'a,b,c\n%s,"%s",%s\n%s,%s,-\n', repeat('x', a), repeat('y', b), repeat('z', c), repeat('x', c), repeat('y', a)))
  FROM generate_series(0, 17) a, generate_series(0, 17) b, generate_series(0, 5) c));

-- rows longer than what is split by vectors, and across the pieces in which text comes
SELECT * FROM compare((SELECT array_agg(E'a,b,c\n' || repeat(format(E'%s,"%s\n",3\n', repeat('x', n), repeat('"",', n)), 30000 / n)) FROM generate_series(1, 30000, 1111) n));
SELECT * FROM compare((SELECT array_agg(E'a,b,c\n1,2,' || repeat('x', n) || E'\n' || repeat(E'4,5,6\n', 20)) FROM generate_series(65500, 65560) n));

-- more fields than any table has columns
SELECT * FROM compare(ARRAY[E'a,b,c\n1,2,3\n' || repeat('x,', 1000010) || E'y\n1,2,3\n', E'a,b,c\n1,2,' || repeat('"",', 70000) || E'\n', repeat('a,', 1000010)]);
SELECT insert_csv_text('t', repeat('a,', 1000000) || E'b\n1');
SELECT insert_csv_text('t', E'a,b\n' || repeat('1,', 1000000) || '2');

-- made at random
SELECT setseed(0.5);
CREATE TABLE pieces AS SELECT array_agg(x) AS f, count(*) AS n FROM (
  SELECT unnest(ARRAY['"', ',', E'\n', '\', E'\r', '"\"']) AS x UNION ALL
  SELECT x FROM generate_series(1, 20), unnest(ARRAY['a', 'bc', '', '-', '"q"', 'a"b"c', '"""d"""', E'"\n"', 'é', repeat('long', 5),
    '"' || repeat('long ', 5) || '"', '""']) x) all_of_them;
CREATE TABLE made AS
  SELECT i, E'a,b,c\n' || string_agg(f[1 + floor(random() * n)::int] || ',' || f[1 + floor(random() * n)::int] || ',' ||
    f[1 + floor(random() * n)::int], E'\n') || repeat(E'\n1,2,3', i % 3 * 5) AS csv
  FROM pieces, generate_series(1, 3000) i, generate_series(1, 1 + i % 10) GROUP BY i;
SELECT good > 100 AS enough_good, bad > 100 AS enough_bad FROM compare((SELECT array_agg(csv ORDER BY i) FROM made));
SELECT good > 100 AS enough_good, bad > 100 AS enough_bad FROM compare((SELECT array_agg(csv ORDER BY i) FROM made), esc => '\', trimmed => true);

SET client_min_messages = warning;
DROP SCHEMA csv_scan CASCADE;
