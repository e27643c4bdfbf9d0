"""Mutated JSON and CSV against pgsync and against core.

Each input goes the same way by every overload, by both sinks, by both settings
of pgsync.scan, and by the core function that does the same
(jsonb_populate_recordset, COPY), each in a subtransaction that is rolled back.
What they stored, or their SQLSTATE, must be the same, but for the differences
that are meant, which are listed in json_differences and csv_differences.

Then texts of the types that have converters of their own, most of them in the
form that these know, or nearly: those that core's input function takes must
come out the same, byte for byte, from JSON and from CSV; the others must bring
the same SQLSTATE.

The seed is SOAK_SEED: the same seed makes the same inputs.
"""

import json
import multiprocessing
import random
import re

from common import SEED, WORK, check, connect, note, scaled

JSON_INPUTS = 700_000
CSV_INPUTS = 300_000
TEXTS = 3_000_000
BATCH = 500
WORKERS = 2

TABLE = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (x int, y text);
CREATE TABLE target (
    id int, small smallint, big bigint, num numeric, narrow numeric(6, 2),
    real float8, single float4, flag boolean, name text, code varchar(8),
    fixed char(4), day date, at timestamptz, span interval, bytes bytea,
    uid uuid, tags text[], grid int[], doc jsonb, raw json, ranges int4range,
    feeling mood, pos positive, both_of pair, pairs pair[],
    "Odd ""name" text, CHECK (id <> 666));
"""

COLUMNS = ["id", "small", "big", "num", "narrow", "real", "single", "flag",
           "name", "code", "fixed", "day", "at", "span", "bytes", "uid",
           "tags", "grid", "doc", "raw", "ranges", "feeling", "pos",
           "both_of", "pairs", 'Odd "name']

# A way stores its input in "target"; try_NAME answers with what it stored or
# why it did not, and leaves nothing behind.
TRY = """
CREATE FUNCTION try_{name}(input text{extra}) RETURNS text
LANGUAGE plpgsql {setting} AS $$
DECLARE
    source_column text;
BEGIN
    {statement};
    RAISE EXCEPTION USING ERRCODE = 'ZZ999', MESSAGE = coalesce(
        (SELECT string_agg(t::text, E'\\n' ORDER BY t::text) FROM target t),
        '(nothing)');
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN 'ZZ999' THEN 'rows ' || SQLERRM
                ELSE SQLSTATE END;
END $$;
"""

JSON_WAYS = {
    "text": ("PERFORM insert_many('target', input)", ""),
    "json": ("PERFORM insert_many('target', input::json)", ""),
    "jsonb": ("PERFORM insert_many('target', input::jsonb)", ""),
    "statement": ("PERFORM insert_many('target', input)",
                  "SET pgsync.sink = statement"),
    "plain": ("PERFORM insert_many('target', input)",
              "SET pgsync.scan = plain"),
    "core": ("""INSERT INTO target SELECT r.* FROM
        jsonb_populate_recordset(NULL::target,
            CASE jsonb_typeof(input::jsonb) WHEN 'object'
                 THEN jsonb_build_array(input::jsonb)
                 ELSE input::jsonb END) r""", ""),
    "core_json": ("""INSERT INTO target SELECT r.* FROM
        json_populate_recordset(NULL::target,
            CASE json_typeof(input::json) WHEN 'object'
                 THEN json_build_array(input::json)
                 ELSE input::json END) r""", ""),
    "cast": ("PERFORM input::jsonb", ""),
    "wrapped": ("""PERFORM insert_many('target', from_json(
        '{"v": [1, "]"], "x": {"y": [0, ' || input || ']}, "z": {}}',
        at => '{x,y,1}', columns => '{"no such": null}'))""", ""),
    "transformed": ("""PERFORM insert_many('target', from_json(input,
        transforms => '{"name": "v"}'))""", ""),
}

FUZZ_JSON = """
CREATE FUNCTION fuzz_json(inputs text[], OUT "number" int, OUT "text" text,
    OUT "json" text, OUT "jsonb" text, OUT "statement" text, OUT "plain" text,
    OUT "core" text, OUT "core_json" text, OUT "cast" text, OUT "wrapped" text,
    OUT "transformed" text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. array_length(inputs, 1) LOOP
        "number" := i;
        "text" := try_text(inputs[i]);
        "json" := try_json(inputs[i]);
        "jsonb" := try_jsonb(inputs[i]);
        "statement" := try_statement(inputs[i]);
        "plain" := try_plain(inputs[i]);
        "core" := try_core(inputs[i]);
        "core_json" := try_core_json(inputs[i]);
        "cast" := try_cast(inputs[i]);
        "wrapped" := try_wrapped(inputs[i]);
        "transformed" := try_transformed(inputs[i]);
        IF "text" LIKE 'rows%' OR "text" <> "json" OR "text" <> "jsonb" OR
            "text" <> "statement" OR "text" <> "plain" OR
            "text" <> "core" OR "text" <> "core_json" OR "text" <> "transformed" THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
"""

CSV_OPTIONS = ("delimiter => delim, on_conflict => NULL, null_string => nul,"
               " quote => quot, escape => esc")
CSV_EXTRA = (", path text, delim text, nul text, quot text, esc text,"
             " columns text")

CSV_WAYS = {
    "csv_text": (f"PERFORM insert_csv_text('target', input, {CSV_OPTIONS})",
                 ""),
    "csv_file": (f"PERFORM insert_csv('target', path, {CSV_OPTIONS})", ""),
    "csv_statement": (
        f"PERFORM insert_csv_text('target', input, {CSV_OPTIONS})",
        "SET pgsync.sink = statement"),
    "csv_plain": (
        f"PERFORM insert_csv_text('target', input, {CSV_OPTIONS})",
        "SET pgsync.scan = plain"),
    "csv_core": ("""EXECUTE format('COPY target (%s) FROM %L WITH (FORMAT csv,'
        ' HEADER, DELIMITER %L, NULL %L, QUOTE %L, ESCAPE %L)',
        columns, path, delim, nul, quot, esc)""", ""),
}

FUZZ_CSV = """
CREATE FUNCTION fuzz_csv(inputs text[], paths text[], delim text, nul text,
    quot text, esc text, columns text[], OUT "number" int, OUT "text" text,
    OUT "file" text, OUT "statement" text, OUT "plain" text, OUT "core" text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. array_length(inputs, 1) LOOP
        "number" := i;
        "text" := try_csv_text(inputs[i], paths[i], delim, nul, quot, esc,
                               columns[i]);
        "file" := try_csv_file(inputs[i], paths[i], delim, nul, quot, esc,
                               columns[i]);
        "statement" := try_csv_statement(inputs[i], paths[i], delim, nul,
                                         quot, esc, columns[i]);
        "plain" := try_csv_plain(inputs[i], paths[i], delim, nul, quot, esc,
                                 columns[i]);
        "core" := try_csv_core(inputs[i], paths[i], delim, nul, quot, esc,
                               columns[i]);
        IF "text" LIKE 'rows%' OR "text" <> "file" OR
            "text" <> "statement" OR "text" <> "plain" OR
            "text" <> "core" THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
"""

# Values of JSON, as text, that are near some border.
VALUES = [
    "null", "true", "false", "0", "-0", "1", "-1", "1.0", "1e3", "1.5",
    "1e-3", "10.00e-1", "32767", "32768", "-32769", "2147483647",
    "2147483648", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "1e400", "1E+2", "12345678901234567890.123456789",
    "0.1", "0.30000000000000004", "9999.99", "9999.995", "1e-400", "666",
    '""', '" "', '"a"', '"1"', '"1.0"', '"1e3"', '"\\u0041"', '"\\u0000"',
    '"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\n\\t\\"\\\\\\/"',
    '"é€😀"', '"true"', '"t"', '"no"', '"NaN"', '"-Infinity"', '"null"',
    '"2024-02-29"', '"2023-02-29"', '"infinity"', '"today"',
    '"2024-01-01 00:00:00+02"', '"294277-01-01"', '"1 day 02:03:04"',
    '"P1Y2M"', '"\\\\x0aff"', '"\\\\xzz"',
    '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', '"{a,b,NULL}"', '"{"',
    '"{{1,2},{3,4}}"', '"[1,5)"', '"empty"', '"(5,1]"', '"happy"', '"Happy"',
    '"(1,a)"', '"(1"', '"{\\"(1,a)\\"}"', '"12345678"', '"123456789"',
    '"12345678    "', "[]", "{}", "[1,2,3]", "[null]", "[[1,2],[3,4]]",
    "[[1],[2,3]]", '["a","b"]', '["a",["b"]]', "[[[]]]", '{"x":1,"y":"a"}',
    '{"y":null}', '{"x":"1","z":2}', '[{"x":1},{"y":"b"}]', '{"a":{"b":[1]}}',
    '{"a":1,"a":2}', '[1.50,"x",null,true]', '[ 1 , 2 ]', '{"x":1.0}',
    '{"x":1e1,"y":[1, 2]}', '[{"x":1},"(2,b)",null]', '[1,"2",3.0]',
]

SPLICES = ["{", "}", "[", "]", ",", ":", '"', "\\", "\\u", "null", "nul",
           "tru", "1", "-", ".", "e", "E+", " ", "\n", "\t", "\r\n", "\x01",
           "\x7f", "é", "😀", "\ufeff", "/", "//", "'", "00", "01", "NaN",
           "\\ud800", "\\u0000", '""', "{}", "[]", '"id":', '{"id":1}', "[[",
           "]]", "{{", "}}", ",,", "[" * 40, '{"a":' * 20]


def json_keys(rng):
    """The keys of an object, most of them columns."""
    keys = rng.sample(COLUMNS, rng.choice((0, 1, 1, 2, 2, 3, 4, 6)))
    if rng.random() < 0.03:
        keys.append(rng.choice(COLUMNS))
    if rng.random() < 0.02:
        keys.append(rng.choice(("nmae", "", "ID", "ctid", "é", "a" * 70)))
    return keys


def json_row(rng, keys):
    """One object, most values near a border."""
    space = rng.choice(("", "", "", " ", "\n "))
    members = []
    for key in keys:
        name = json.dumps(key, ensure_ascii=rng.random() < 0.5)
        if rng.random() < 0.02:
            name = name.replace("i", "\\u0069")
        members.append(name + ":" + space + json_value(rng, key))
    return "{" + ("," + space).join(members) + "}"


LIKELY = {
    "id": VALUES[3:18], "small": VALUES[3:15], "big": VALUES[3:22],
    "num": VALUES[3:30], "narrow": VALUES[3:30], "real": VALUES[3:30],
    "single": VALUES[3:30], "flag": VALUES[0:6] + ['"t"', '"no"'],
    "day": ['"2024-02-29"', '"2023-02-29"', '"infinity"'],
    "at": ['"2024-01-01 00:00:00+02"', '"294277-01-01"'],
    "span": ['"1 day 02:03:04"', '"P1Y2M"'], "bytes": ['"\\\\x0aff"', '"a"'],
    "uid": ['"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
    "tags": ['["a","b"]', '"{a,b,NULL}"', "[]", "[null]", "[1,2,3]"],
    "grid": ["[1,2,3]", "[[1,2],[3,4]]", '"{{1,2},{3,4}}"', '[1,"2",3.0]'],
    "ranges": ['"[1,5)"', '"empty"'], "feeling": ['"happy"', '"ok"'],
    "pos": ["1", "2147483647", '"1"'], "both_of": VALUES[-13:-8] + ['"(1,a)"'],
    "pairs": ['[{"x":1},{"y":"b"}]', '[{"x":1},"(2,b)",null]', "[]"],
}


def json_value(rng, key):
    """A value, more often than not one that its column takes."""
    if key in LIKELY and rng.random() < 0.85:
        return rng.choice(LIKELY[key])
    return rng.choice(VALUES)


def splice(rng, text, pieces):
    """One to three small damages."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((0, 0, 1, 1, 2, 5)))
        kind = rng.random()
        if kind < 0.5:
            text = text[:at] + rng.choice(pieces) + text[end:]
        elif kind < 0.8:
            text = text[:at] + text[end:]
        else:
            start = rng.randrange(len(text) + 1)
            text = text[:at] + text[start:start + rng.randrange(12)] + text[at:]
    return text


def json_input(rng):
    """An array of rows, one row, JSON Lines, or something damaged."""
    count = rng.choice((1, 1, 1, 2, 2, 3, 5))
    if rng.random() < 0.5:          # rows that are all alike
        keys = json_keys(rng)
        rows = [json_row(rng, keys) for _ in range(count)]
    else:
        rows = [json_row(rng, json_keys(rng)) for _ in range(count)]
    shape = rng.random()
    if shape < 0.75:
        text = "[" + ",".join(rows) + "]"
    elif shape < 0.85:
        text = rows[0]
    elif shape < 0.95:
        text = rng.choice(("\n", "", " ", "\r\n")).join(rows)
    else:
        text = rng.choice(VALUES)
    if rng.random() < 0.4:
        text = splice(rng, text, SPLICES)
    return text.replace("\x00", "")


def objects_in_turn(text):
    """Objects one after the other, as one array; None if they are not that."""
    decoder = json.JSONDecoder()
    rows = []
    at = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
        if at == len(text):
            return "[" + ",".join(rows) + "]"
        if text[at] != "{":
            return None
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        rows.append(text[at:end])
        at = end


def option_differences(text, found):
    """What options that change nothing have changed: a way that leads to the
    document, a transform that returns what it is given."""
    wrong = []
    if is_rows(found["json"]) and found["wrapped"] != found["json"]:
        wrong.append("at makes a difference")
    if found["transformed"] != found["text"] and (
            is_rows(found["text"]) or is_rows(found["transformed"])):
        wrong.append("a transform makes a difference")
    return wrong


def json_differences(text, found):
    """What is wrong with one input's results; nothing if nothing is."""
    if text.startswith("\ufeff"):   # a byte order mark: no json, but a file's
        return []
    wrong = []
    ours = found["text"]
    if found["statement"] != ours:
        wrong.append("the sinks differ")
    if found["plain"] != ours:
        wrong.append("the scanners differ")
    if found["json"] != ours and not json_lines_only(text, found):
        wrong.append("text and json differ")
    if found["jsonb"] != found["json"] and not jsonb_cannot_hold(found):
        wrong.append("json and jsonb differ")
    if core_differs(found["jsonb"], found["core"]):
        wrong.append("jsonb and core differ")
    if not is_rows(found["cast"]) and is_rows(found["json"]) and \
            found["json"] != found["core_json"]:
        wrong.append("json and core differ where jsonb cannot tell")
    return wrong


def json_lines_only(text, found):
    """Text takes objects one after the other, and no object at all."""
    if found["json"] != "22P02":
        return False
    if text.strip(" \t\r\n") == "":
        return found["text"] == "rows (nothing)"
    return objects_in_turn(text) is not None or not is_rows(found["text"])


def is_rows(result):
    """Whether a way stored its input."""
    return result.startswith("rows")


def jsonb_cannot_hold(found):
    """Some JSON is no jsonb at all; and where an input has several mistakes,
    jsonb's order of keys may bring another one first."""
    if not is_rows(found["cast"]):
        return found["jsonb"] == found["cast"]
    return not is_rows(found["jsonb"]) and not is_rows(found["json"])


def core_differs(ours, core):
    """Whether the results differ in a way that is not meant.  Core drops
    unknown keys in silence; pgsync takes integral numbers such as 1.0 as
    integers; where both refuse, they may have met another mistake first."""
    if is_rows(ours) and is_rows(core):
        return ours != core
    if is_rows(core):
        return ours not in ("42703", "22023")
    return is_rows(ours) and core != "22P02"


CSV_FIELDS = [
    "", '""', " ", "1", "-1", "0", "01", " 1", "1 ", "1.0", "1.5", "1e3",
    "32768", "2147483648", "9223372036854775807", "9223372036854775808", "666",
    "NaN", "t", "f", "true", "yes", "a", "é", "😀", "2024-02-29", "2023-02-29",
    "infinity", "2024-01-01 00:00:00+02", "1 day", '"a,b"', '"a""b"', '"a\nb"',
    '"a\r\nb"', '"\\"', "\\", "\\N", "\\n", "NULL", '"NULL"', "null", "a'b",
    "12345678", "123456789", '"{a,b}"', "{1}", '"[1,5)"', "happy", '"(1,a)"',
    '"{""x"": 1}"', "{}", "[]", "a;b", "a|b", "a\tb", "'q'", "\\x0aff",
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "x" * 70]

CSV_SPLICES = [",", '"', '""', "\n", "\r", "\r\n", "\\", "\\.", "'", ";", "|",
               "\t", " ", "\x01", "\x7f", "é", "\ufeff", "NULL", '","', '"\n',
               "a", "1", '"""', ",,", "\n\n"]

# delimiter, null string, quote, escape
CSV_STYLES = [(",", "", '"', '"')] * 3 + [
    (";", "NULL", '"', '"'), ("\t", "\\N", '"', "\\"), ("|", "", "'", "'"),
    (",", "null", '"', "\\"), (" ", "", '"', '"')]


def quoted(name):
    """An identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def csv_input(rng, style):
    """A header, rows that mostly fit it, damage behind the header."""
    delimiter, _, quote, escape = style
    names = rng.sample(COLUMNS, rng.choice((1, 2, 2, 3, 3, 4, 6)))
    header = delimiter.join(
        quote + re.sub("[" + re.escape(quote + escape) + "]",
                       lambda found: escape + found[0], name) + quote
        if not name.isalnum() or rng.random() < 0.1 else name
        for name in names)
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    lines = []
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5))):
        count = len(names) + rng.choice((0,) * 60 + (1, -1))
        lines.append(delimiter.join(
            csv_field(rng, names[i % len(names)]) for i in range(count)))
    body = end.join(lines) + rng.choice(("", end))
    if rng.random() < 0.35:
        body = splice(rng, body, CSV_SPLICES).replace("\x00", "")
    return header + end + body, ", ".join(quoted(name) for name in names)


def csv_field(rng, name):
    """A field, more often than not one that its column takes."""
    if name in LIKELY and rng.random() < 0.85:
        value = rng.choice(LIKELY[name])
        if value[0] not in '"[{':
            return value
        if value[0] == '"' and "\\" not in value:
            return value[1:-1] if "," not in value else value
    return rng.choice(CSV_FIELDS)


def csv_differences(text, found):
    """What is wrong with one input's results; nothing if nothing is."""
    wrong = []
    if found["file"] != found["text"]:
        wrong.append("file and text differ")
    if found["statement"] != found["text"]:
        wrong.append("the sinks differ")
    if found["plain"] != found["text"]:
        wrong.append("the scanners differ")
    if found["core"] != found["text"] and not copy_differs(text, found):
        wrong.append("pgsync and COPY differ")
    return wrong


def copy_differs(text, found):
    """Whether the difference is meant.  A line of just \\. ends the data for
    COPY of PostgreSQL 15 to 17, which drops the rest in silence; pgsync
    refuses it or reads on.  A row with too few fields is refused before its
    values are converted, by COPY after the first of them.  Blank lines at the
    end are no rows, also where the lines before end in CR, and the last CRLF
    may lack its LF."""
    if re.search(r"(\r\n|\r(?!\n)|\n)[\r\n]+\Z|\r\Z", text):
        return True
    if re.match(r"[^\r\n]*\r(?!\n)", text) and text.endswith("\r\n"):
        return True
    if found["text"] == "22P04" and not is_rows(found["core"]):
        return True
    return re.search(r"(^|[\r\n])\\\.($|[\r\n])", text) is not None


# What core makes of texts, each for itself; and whether a call stores the same
# of those that it takes, or refuses the others in the same way.
CONVERT = """
CREATE TABLE given (n int, t text);
CREATE TABLE wanted (n int, v {type}, error text);
CREATE TABLE stored (n int, v {type});
CREATE FUNCTION convert_by_core() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    g given;
BEGIN
    INSERT INTO wanted SELECT g.n, {value} FROM given g;
EXCEPTION WHEN OTHERS THEN
    FOR g IN TABLE given LOOP
        BEGIN
            INSERT INTO wanted VALUES (g.n, {value}, NULL);
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO wanted VALUES (g.n, NULL, SQLSTATE);
        END;
    END LOOP;
END $$;
CREATE FUNCTION error_of(call text, input text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE call USING input;
    RETURN 'none';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END $$;
CREATE FUNCTION compare_converters(OUT texts bigint, OUT taken bigint,
    OUT differing text) LANGUAGE plpgsql AS $$
DECLARE
    way text;
    call text;
    good text;
BEGIN
    PERFORM convert_by_core();
    SELECT count(*), count(*) FILTER (WHERE error IS NULL) INTO texts, taken
    FROM wanted;
    FOREACH way IN ARRAY '{{json,csv}}'::text[] LOOP
        IF way = 'json' THEN
            call := 'SELECT insert_many(''stored'', $1)';
            SELECT coalesce(jsonb_agg(jsonb_build_object('n', n, 'v', t)),
                            '[]')::text INTO good
            FROM given JOIN wanted USING (n) WHERE error IS NULL;
        ELSE
            call := 'SELECT insert_csv_text(''stored'', $1)';
            SELECT E'n,v\n' || coalesce(string_agg(
                format(E'%s,"%s"\n', n, replace(t, '"', '""')), ''), '')
            INTO good
            FROM given JOIN wanted USING (n) WHERE error IS NULL;
        END IF;
        EXECUTE call USING good;
        SELECT concat_ws('; ', differing, string_agg(format('%s %L: %s, core %s',
               way, t, s.v, w.v), '; ')) INTO differing
        FROM given g JOIN wanted w USING (n) LEFT JOIN stored s USING (n)
        WHERE error IS NULL AND
            record_image_eq(ROW(s.v), ROW(w.v)) IS NOT TRUE;
        SELECT concat_ws('; ', differing, string_agg(format('%s %L: %s, core %s',
               way, t, ours, error), '; ')) INTO differing
        FROM given g JOIN wanted w USING (n), LATERAL error_of(call,
            CASE way WHEN 'json' THEN jsonb_build_object('v', t)::text
                     ELSE format(E'v\n"%s"\n', replace(t, '"', '""')) END) ours
        WHERE error IS NOT NULL AND ours <> error;
        TRUNCATE stored;
    END LOOP;
    TRUNCATE given, wanted;
    differing := nullif(differing, '');
END $$;
"""


def digits(rng, most):
    """Up to so many digits, of which many are nines or zeros."""
    one = rng.choice(("0", "9", "1", None))
    return "".join(one if one and rng.random() < 0.8 else rng.choice("0123456789")
                   for _ in range(rng.randrange(most + 1)))


def number_text(rng):
    """A number, as programs write it."""
    text = rng.choice(("", "", "-")) + digits(rng, rng.choice((3, 6, 12, 20)))
    if rng.random() < 0.4:
        text += "." + digits(rng, rng.choice((2, 4, 9, 18)))
    return text or "0"


def integer_text(rng):
    """An integer, often near the end of a type's range."""
    if rng.random() < 0.5:
        return str(rng.choice((1, -1)) *
                   (2 ** rng.choice((7, 15, 31, 63)) + rng.randrange(-2, 3)))
    return rng.choice(("", "-")) + (digits(rng, 20) or "0")


def date_text(rng):
    """A date, sometimes one that there is not."""
    year = rng.choice((rng.randrange(1900, 2100), rng.randrange(10000), 2000))
    return (f"{year:04}-{rng.randrange(1, 13 + (rng.random() < 0.1)):02}-"
            f"{rng.randrange(0 if rng.random() < 0.1 else 1, 32):02}")


def time_text(rng):
    """A timestamp without an offset."""
    text = (f"{date_text(rng)}{rng.choice(' T')}{rng.randrange(25):02}:"
            f"{rng.randrange(61):02}:{rng.randrange(61):02}")
    if rng.random() < 0.5:
        text += "." + digits(rng, 8)
    return text


def zone_text(rng):
    """A timestamp with one."""
    text = time_text(rng) + rng.choice("+-") + f"{rng.randrange(17):02}"
    return text + rng.choice(("", "", ":00", ":30", ":59", ":60"))


def uuid_text(rng):
    """A uuid."""
    text = f"{rng.getrandbits(128):032x}"
    text = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    return text.upper() if rng.random() < 0.2 else text


def words_text(rng):
    """A text of any characters."""
    return "".join(rng.choice(("a", "é", "€", "😀", " ", '"', "\\", "\n", ",",
                               "xyz" * 10)) for _ in range(rng.randrange(12)))


CONVERTED = {
    "int2": integer_text, "int4": integer_text, "int8": integer_text,
    "numeric": number_text, "numeric(10,2)": number_text,
    "numeric(38,20)": number_text, "numeric(5,5)": number_text,
    "float8": number_text, "boolean": lambda rng: rng.choice(
        ("t", "f", "true", "false", "yes", "no", "1", "0", "T", "tr", "x")),
    "timestamptz": zone_text, "timestamptz(3)": zone_text,
    "timestamp": time_text, "date": date_text, "uuid": uuid_text,
    "text": words_text, "varchar(8)": words_text,
}

DAMAGES = list("0123456789-+.: eETZxX_") + ["", "", "é", "\t"]


def given_text(rng, make):
    """A text for a type, a few of them damaged."""
    text = make(rng)
    if rng.random() < 0.02:
        text = splice(rng, text, DAMAGES).replace("\x00", "")
    return text


class Worker:
    """One session with tables of its own, and what it has found."""

    def __init__(self, number):
        self.rng = random.Random(f"{SEED} {number}")
        self.number = number
        self.conn = connect()
        self.inputs = self.stored = 0
        self.wrong = []

    def prepare(self):
        """Makes the table and the functions in a schema of the worker's."""
        schema = f"fuzz{self.number}"
        self.conn.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        self.conn.execute(f"CREATE SCHEMA {schema}")
        self.conn.execute(f"SET search_path = {schema}, public")
        self.conn.execute("SET jit = off")
        self.conn.execute(TABLE)
        for name, (statement, setting) in JSON_WAYS.items():
            self.conn.execute(TRY.format(name=name, extra="", setting=setting,
                                         statement=statement))
        for name, (statement, setting) in CSV_WAYS.items():
            self.conn.execute(TRY.format(name=name, extra=CSV_EXTRA,
                                         setting=setting, statement=statement))
        self.conn.execute(FUZZ_JSON)
        self.conn.execute(FUZZ_CSV)

    def convert_batch(self, kind, size):
        """Compares texts of one type."""
        made = [given_text(self.rng, CONVERTED[kind]) for _ in range(size)]
        with self.conn.cursor().copy("COPY given FROM STDIN") as copy:
            for row in enumerate(made):
                copy.write_row(row)
        texts, taken, differing = self.conn.execute(
            "SELECT * FROM compare_converters()").fetchone()
        self.inputs += texts
        self.stored += taken
        if differing:
            self.wrong.append((kind, differing[:1000], None))

    def convert(self, share):
        """Compares texts of all types, each in its turn."""
        for kind in CONVERTED:
            self.conn.execute(
                "DROP TABLE IF EXISTS given, wanted, stored; DROP FUNCTION IF"
                " EXISTS convert_by_core, error_of, compare_converters")
            # a cast to varchar(n) cuts, where its input function complains
            value = "g.t" if kind.startswith("varchar") else f"g.t::{kind}"
            self.conn.execute(CONVERT.format(type=kind, value=value))
            left = share // len(CONVERTED)
            while left > 0:
                self.convert_batch(kind, min(left, 10 * BATCH))
                left -= 10 * BATCH

    def judge(self, inputs, cursor, differences):
        """Counts a batch, and keeps what is wrong."""
        names = [column.name for column in cursor.description]
        for row in cursor:
            found = dict(zip(names, row))
            text = inputs[found.pop("number") - 1]
            self.stored += is_rows(found["text"])
            for what in differences(text, found):
                self.wrong.append((what, text, found))
        self.inputs += len(inputs)
        self.conn.execute("TRUNCATE target")

    def json_batch(self, size):
        """Runs a batch of JSON inputs."""
        inputs = [json_input(self.rng) for _ in range(size)]
        self.judge(inputs, self.conn.execute(
            "SELECT * FROM fuzz_json(%s)", (inputs,)),
            lambda text, found: json_differences(text, found) +
            option_differences(text, found))

    def csv_batch(self, size):
        """Runs a batch of CSV inputs, all in one style."""
        style = self.rng.choice(CSV_STYLES)
        made = [csv_input(self.rng, style) for _ in range(size)]
        inputs = [text for text, _ in made]
        paths = [f"{WORK}/fuzz{self.number}_{i}.csv" for i in range(size)]
        for text, path in zip(inputs, paths):
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        self.judge(inputs, self.conn.execute(
            "SELECT * FROM fuzz_csv(%s, %s, %s, %s, %s, %s, %s)",
            (inputs, paths, *style, [columns for _, columns in made])),
            csv_differences)


def work(task):
    """Runs one worker's share of one kind of input."""
    number, kind, share = task
    worker = Worker(f"{kind}{number}")
    worker.prepare()
    if kind == "convert":
        worker.convert(share)
        return kind, worker.inputs, worker.stored, worker.wrong
    batch = worker.json_batch if kind == "json" else worker.csv_batch
    while worker.inputs < share:
        batch(min(BATCH, share - worker.inputs))
    return kind, worker.inputs, worker.stored, worker.wrong


def main():
    """Shares the inputs out, and reports by kind."""
    connect().execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    tasks = [(number, kind, scaled(total) // WORKERS)
             for kind, total in (("json", JSON_INPUTS), ("csv", CSV_INPUTS),
                                 ("convert", TEXTS))
             for number in range(WORKERS)]
    with multiprocessing.Pool(WORKERS) as pool:
        results = pool.map(work, tasks, chunksize=1)
    for kind in ("json", "csv", "convert"):
        mine = [result for result in results if result[0] == kind]
        inputs, stored = (sum(result[i] for result in mine) for i in (1, 2))
        wrong = [each for result in mine for each in result[3]]
        note(f"{kind}: {inputs} inputs, of which {stored} were stored")
        for what, text, found in wrong[:20]:
            note(f"  {what}: {text!r}\n    {found}")
        check(not wrong, f"{kind}: {len(wrong)} differences in {inputs} inputs"
              f" (seed {SEED})")
        check(stored > inputs / 20, f"{kind}: enough inputs are good ones")


if __name__ == "__main__":
    main()
