"""The options of a row_source against a model of what they mean.

Rows with random names and values are written as JSON or CSV, as a text, a file
or a query, wrapped, packed, in some encoding, and given to insert_many with
random options.  The model says which value goes to which column, and one plain
INSERT a row stores that.  What is stored must be the same, through either sink
and by either way to read; or, where INSERTs or the model fail, the call must
fail for one of their reasons.
"""

import gzip
import json
import multiprocessing
import random

from common import SEED, WORK, check, connect, note, scaled

CASES = 60_000
WORKERS = 2

SETUP = """
CREATE TABLE target (id int, num numeric(8, 2), flag boolean, day date,
    name text DEFAULT 'nobody', doc jsonb, tags text[],
    must text NOT NULL DEFAULT 'there', "E-Mail" varchar(12),
    CHECK (id <> 666));
CREATE TABLE words (word text, n int);
INSERT INTO words VALUES ('a', 1), ('b', 2), ('1', 3);
CREATE TABLE objects (number int, j jsonb);

-- What statements store, one after the other, or the error of the first that
-- fails; nothing remains.
CREATE FUNCTION stored(statements text[], sink text, scan text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE statement text;
BEGIN
    PERFORM set_config('pgsync.sink', sink, true);
    PERFORM set_config('pgsync.scan', scan, true);
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZ999', MESSAGE = coalesce(
        (SELECT string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")
         FROM target t), '(nothing)');
EXCEPTION WHEN OTHERS THEN
    RETURN CASE SQLSTATE WHEN 'ZZ999' THEN 'rows ' || SQLERRM
                ELSE SQLSTATE END;
END $$;

-- The errors of statements, each run alone.
CREATE FUNCTION errors(statements text[]) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE statement text; found text[] := '{}';
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        BEGIN
            EXECUTE statement;
            RAISE SQLSTATE 'ZZ999';
        EXCEPTION WHEN SQLSTATE 'ZZ999' THEN NULL;
        WHEN OTHERS THEN found := found || SQLSTATE::text;
        END;
    END LOOP;
    RETURN found;
END $$;
"""

COLUMNS = {"id": "int", "num": "numeric", "flag": "boolean", "day": "date",
           "name": "text", "doc": "jsonb", "tags": "text[]", "must": "text",
           "E-Mail": "text"}
OTHER_NAMES = ["ID", "x", "Full Name", "user-id", "it's", "a;b", 'q"q', "é",
               "name ", "1"]

GOOD = {"id": ["1", "-7", "007", "2147483647", " 5 "],
        "num": ["1.5", "0", "-3.14", "999999.99", "1e2"],
        "flag": ["t", "false", "yes", "0"],
        "day": ["2024-02-29", "infinity", "1999-12-31"],
        "doc": ['{"a": [1, 2]}', '"x"', "null", "[]"],
        "tags": ["{a,b}", "{}", '{"a b",NULL}']}
TEXTS = ["a", "b", "", " ", "Ada", "é", "ü ß", "NULL", "-", "n/a", 'say "x"',
         "it's", "a,b;c|d\te", "two\nlines", "cr\rlf\r\n", "\\", "\\N", "1",
         "1,5", "x" * 70, "{", "[1]"]
BAD = ["x", "666", "2147483648", "1,5", "2023-02-29", "{", "", "maybe"]

# column, the transform, the same over literals of v and r
TRANSFORMS = [
    ("name", "upper(v)", "upper({v})"),
    ("name", "coalesce(v, 'none')", "coalesce({v}, 'none')"),
    ("name", "r ->> 'x'", "{r} ->> 'x'"),
    ("name", "v || (r ->> 'Full Name')", "{v} || ({r} ->> 'Full Name')"),
    ("name", "(SELECT max(word) FROM words WHERE word <= v)",
     "(SELECT max(word) FROM words WHERE word <= {v})"),
    ("num", "replace(v, ',', '.')::numeric",
     "replace({v}, ',', '.')::numeric"),
    ("id", "length(v)", "length({v})"),
    ("id", "(SELECT n FROM words WHERE word = pgsync_row.v)",
     "(SELECT n FROM words WHERE word = {v})"),
    ("id", "v::int + 1", "{v}::int + 1"),
    ("doc", "r - 'x'", "{r} - 'x'"),
    ("flag", "v IS NULL", "{v} IS NULL"),
    ("must", "nullif(v, 'a')", "nullif({v}, 'a')"),
    ("tags", "string_to_array(v, ',')", "string_to_array({v}, ',')"),
    ("E-Mail", "lower(v) || '@x'", "lower({v}) || '@x'"),
]


# What a value that does not fit may end with
DATA_ERRORS = {"22001", "22003", "22007", "22008", "22P02", "23502", "23514"}


def lit(value):
    """A literal of SQL."""
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'"


def array(values):
    """A text array's literal."""
    return "ARRAY[" + ", ".join(map(lit, values)) + "]::text[]"


def quoted(name):
    """An identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def text_for(rng, name, bad):
    """A value for an input's name; None is NULL."""
    if rng.random() < 0.15:
        return None
    if rng.random() < bad:
        return rng.choice(BAD)
    return rng.choice(GOOD.get(name, TEXTS))


class Case:
    """Rows, options, and what the model makes of them."""

    def __init__(self, rng):
        self.rng = rng
        self.problems = set()
        self.columns = {}
        self.transforms = {}
        self.ignore_unknown = rng.random() < 0.5
        self.encoding = rng.choice(("utf8", "utf8", "latin1"))
        self.names = rng.sample(list(COLUMNS), rng.randrange(1, 6))
        if rng.random() < 0.6:
            self.names += rng.sample(OTHER_NAMES, rng.randrange(1, 4))
        rng.shuffle(self.names)
        self.map_names()
        for column, transform, core in rng.sample(TRANSFORMS,
                                                  rng.choice((0, 0, 1, 2))):
            self.transforms[column] = (transform, core)
        self.key_column = None
        self.is_json = False

    def map_names(self):
        """Chooses what "columns" says, most often of names that are there."""
        for name in self.names:
            if name in COLUMNS and self.rng.random() < 0.9:
                continue
            free = [column for column in COLUMNS if column not in self.names]
            choice = self.rng.random()
            if choice < 0.5 and free:
                taken = self.columns.values()
                free = [column for column in free if column not in taken]
                if free:
                    self.columns[name] = self.rng.choice(free)
            elif choice < 0.75:
                self.columns[name] = None
            elif choice < 0.78:
                self.columns[name] = self.rng.choice(list(COLUMNS))
        if self.rng.random() < 0.1:
            self.columns["never there"] = self.rng.choice(
                list(COLUMNS) + [None])
        if self.rng.random() < 0.02:
            self.columns["never there"] = "nowhere"
            self.problems.add("42703")

    def target_of(self, name):
        """The column that a name leads to, None for none."""
        if name in self.columns:
            return self.columns[name]
        if name in COLUMNS:
            return name
        if not self.ignore_unknown:
            self.problems.add("42703")
        return None

    def values_of(self, row, key):
        """A row's texts by column."""
        values = {}
        for name, value in row.items():
            column = self.target_of(name)
            if column is None:
                continue
            if column in values:
                self.problems.add("42701")
            values[column] = value
        if self.key_column:
            if self.key_column in values:
                self.problems.add("42701")
            values[self.key_column] = key
        return values

    def insert(self, row, key=None):
        """The INSERT that means a row."""
        values = self.values_of(row, key)
        parts = {column: lit(json.dumps(value)) if self.is_json and value
                 is not None and column == "doc" else lit(value)
                 for column, value in values.items()}
        for column, (_, core) in self.transforms.items():
            parts[column] = core.format(
                v=lit(values.get(column)) + "::text",
                r=lit(json.dumps(row)) + "::jsonb")
        if not parts:
            return "INSERT INTO target DEFAULT VALUES"
        return (f"INSERT INTO target ({', '.join(map(quoted, parts))})"
                f" VALUES ({', '.join(parts.values())})")

    def options(self):
        """What the options of all kinds have as arguments."""
        found = []
        if self.columns or self.rng.random() < 0.2:
            found.append("columns => " + lit(json.dumps(self.columns)))
        if self.ignore_unknown:
            found.append("ignore_unknown => true")
        if self.transforms:
            found.append("transforms => " + lit(json.dumps(
                {column: ours for column, (ours, _) in
                 self.transforms.items()})))
        return found

    def bad_share(self):
        """How many values are bad, in this case."""
        return self.rng.choice((0, 0, 0, 0.03))


def zstd(data):
    """Bytes as zstd would pack them, if it packed nothing."""
    blocks = b""
    for at in range(0, len(data) + 1, 1000):
        piece = data[at:at + 1000]
        last = at + 1000 > len(data)
        blocks += (len(piece) * 8 + last).to_bytes(3, "little") + piece
    return b"\x28\xb5\x2f\xfd\x00\x38" + blocks


def write(rng, path, text, encoding):
    """Writes a file, packed or not, perhaps in two members."""
    data = text.encode(encoding)
    if encoding == "utf8" and rng.random() < 0.1:
        data = b"\xef\xbb\xbf" + data
    pack = rng.choice((None, None, gzip.compress, zstd))
    if pack:
        at = rng.choice((0, rng.randrange(len(data) + 1)))
        data = (pack(data[:at]) if at else b"") + pack(data[at:])
    with open(path, "wb") as file:
        file.write(data)


def fits(text, encoding):
    """Whether a text has an encoding."""
    try:
        text.encode(encoding)
        return True
    except UnicodeEncodeError:
        return False


def json_case(rng, path):
    """A case of JSON: the call, the model's statements, its problems."""
    case = Case(rng)
    # a string of JSON is that, too, where the column is jsonb
    case.is_json = True
    bad = case.bad_share()
    form = rng.choice(("text", "json", "jsonb", "file", "file", "query"))
    keyed = form != "query" and rng.random() < 0.2
    if keyed:
        case.key_column = rng.choice(("name", "must", "E-Mail", "id"))
    rows = []
    for number in range(rng.randrange(0, 6)):
        names = rng.sample(case.names, rng.randrange(len(case.names) + 1))
        key = str(number) if case.key_column == "id" else f"k {number}"
        rows.append((key, {name: text_for(rng, name, bad)
                           for name in names}))
    statements = [case.insert(row, key) for key, row in rows]
    options = case.options()
    objects = [row for _, row in rows]
    setup = None
    if form == "query":
        setup = ("TRUNCATE objects; INSERT INTO objects SELECT n, j FROM"
                 f" unnest({array(list(map(json.dumps, objects)))}::jsonb[])"
                 " WITH ORDINALITY q(j, n)")
        one = rng.random() < 0.5
        query = "SELECT j FROM objects ORDER BY number" if one else \
            "SELECT coalesce(jsonb_agg(j), '[]') FROM objects WHERE number >= $1"
        args = [] if one else ["args => '{0}'"]
        return case, setup, "from_query", [lit(query)] + args + options, \
            statements
    value = dict(rows) if keyed else objects
    steps = []
    for _ in range(rng.choice((0, 0, 1, 2))):
        if rng.random() < 0.7:
            steps.insert(0, rng.choice(("data", "items", "it's", "")))
            value = {"before": [1, {"data": "]"}], steps[0]: value,
                     "z": {"items": []}}
        else:
            steps.insert(0, str(rng.randrange(3)))
            value = [{"x": 0}] * int(steps[0]) + [value, "behind"]
    indent = rng.choice((None, None, 1))
    ascii_only = rng.random() < 0.5 or not fits(
        json.dumps(value, ensure_ascii=False), case.encoding)
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    if not steps and not keyed and form in ("text", "file") and \
            rng.random() < 0.4:
        text = rng.choice(("\n", "\r\n", " ")).join(
            json.dumps(row, ensure_ascii=ascii_only) for row in objects)
    if steps:
        options.append("at => " + array(steps))
    if keyed:
        options.append("key_column => " + lit(case.key_column))
    if form == "file":
        write(rng, path, text, case.encoding)
        options.append(f"encoding => '{case.encoding}'")
        return case, None, "from_json_file", [lit(path)] + options, statements
    return case, None, "from_json", [f"{lit(text)}::{form}"] + options, \
        statements


class Style:
    """What a CSV looks like."""

    def __init__(self, rng):
        self.rng = rng
        self.delimiter = rng.choice(",,;\t|")
        self.quote = rng.choice("\"\"\"'")
        self.escape = rng.choice((self.quote, self.quote, "\\"))
        self.null_string = rng.choice(("", "", "NULL", "-"))
        self.null_strings = rng.sample(["n/a", "-", "NULL", "x x"],
                                       rng.choice((0, 0, 1, 2)))
        self.trim = rng.random() < 0.3
        self.end = rng.choice(("\n", "\n", "\r\n", "\r"))
        self.skip = rng.choice((0, 0, 0, 1, 2))
        self.own_header = rng.random() < 0.25

    def field(self, value):
        """A field that means a text, or NULL."""
        blanks = "".join(self.rng.choice(("", " ", "\t", "  "))
                         for _ in range(2)) if self.trim else ""
        if "\t" in (self.delimiter,):
            blanks = blanks.replace("\t", " ")
        at = self.rng.randrange(len(blanks) + 1)
        if value is None:
            word = self.rng.choice([self.null_string] + self.null_strings)
            return blanks[:at] + word + blanks[at:]
        special = set(value) & {self.delimiter, self.quote, "\r", "\n"}
        plain = not special and value != self.null_string and \
            value not in self.null_strings and \
            (not self.trim or value == value.strip(" \t")) and \
            not (self.trim and value == "")
        if plain and self.rng.random() < 0.7:
            return blanks[:at] + value + blanks[at:]
        if self.escape != self.quote:
            value = value.replace(self.escape, self.escape * 2)
        return self.quote + value.replace(
            self.quote, self.escape + self.quote) + self.quote

    def options(self, names):
        """The options that say so."""
        found = []
        if self.delimiter != ",":
            found.append("delimiter => " + lit(self.delimiter))
        if self.quote != '"':
            found.append("quote => " + lit(self.quote))
        if self.escape != self.quote:
            found.append("escape => " + lit(self.escape))
        if self.null_string != "":
            found.append("null_string => " + lit(self.null_string))
        if self.null_strings:
            found.append("null_strings => " + array(self.null_strings))
        if self.trim:
            found.append("trim_blanks => true")
        if self.skip:
            found.append(f"skip_lines => {self.skip}")
        if self.own_header:
            found.append("header => " + array(names))
        return found


def csv_case(rng, path):
    """A case of CSV: the same."""
    case = Case(rng)
    style = Style(rng)
    bad = case.bad_share()
    # a header's name that is a word for NULL, or blank around, is a name
    rows = [{name: text_for(rng, name, bad) for name in case.names}
            for _ in range(rng.randrange(0, 6))]
    statements = [case.insert(row) for row in rows]
    for name in case.names:
        case.target_of(name)
    led = [case.target_of(name) for name in case.names]
    led = [column for column in led if column]
    if len(set(led)) < len(led):
        case.problems.add("42701")
    lines = [style.rng.choice(("Report", '"of', "", "x;y,z"))
             for _ in range(style.skip)]
    if not style.own_header:
        lines.append(style.delimiter.join(
            style.quote + (name if style.escape == style.quote else
                           name.replace(style.escape, style.escape * 2))
            .replace(style.quote, style.escape + style.quote) + style.quote
            if set(name) & set(style.delimiter + style.quote) or name != name.strip()
            else name for name in case.names))
    lines += [style.delimiter.join(style.field(row[name])
                                   for name in case.names) for row in rows]
    text = style.end.join(lines)
    if lines and (len(case.names) == 1 or rng.random() < 0.7):
        text += style.end
        if len(case.names) > 1 and rows:
            text += style.end * rng.choice((0, 0, 1, 2))
    options = case.options() + style.options(case.names)
    if rng.random() < 0.5 and fits(text, case.encoding):
        write(rng, path, text, case.encoding)
        options.append(f"encoding => '{case.encoding}'")
        return case, None, "from_csv_file", [lit(path)] + options, statements
    return case, None, "from_csv", [lit(text)] + options, statements


def judge(found, errors, problems):
    """What is wrong with a case; None if nothing is."""
    expected, ways = found[0], found[1:]
    if len(set(ways)) > 1 and any(way.startswith("rows") for way in ways):
        return "sinks or scans differ"
    if errors or problems:
        # of several in a row, INSERT may meet another one first
        fits = ways[0] in problems or ways[0] in DATA_ERRORS
        return None if fits else "fails for another reason"
    return None if ways[0] == expected else "differs from INSERT"


def work(task):
    """Runs one worker's cases; returns how many were rows, and what is wrong."""
    number, count = task
    rng = random.Random(f"{SEED} options {number}")
    conn = connect()
    conn.execute(f"CREATE SCHEMA options{number}")
    conn.execute(f"SET search_path = options{number}, public")
    conn.execute("SET client_min_messages = warning")
    conn.execute("SET jit = off")
    conn.execute(SETUP)
    path = f"{WORK}/options{number}"
    good = 0
    wrong = []
    kinds = {}
    for _ in range(count):
        case, setup, function, arguments, statements = \
            rng.choice((json_case, csv_case))(rng, path)
        call = f"SELECT insert_many('target', {function}(" + \
            ", ".join(arguments) + "))"
        if setup:
            conn.execute(setup)
        *found, errors = conn.execute("""
            SELECT stored(%(core)s, 'auto', 'auto'),
                stored(%(ours)s, 'auto', 'auto'),
                stored(%(ours)s, 'statement', 'auto'),
                stored(%(ours)s, 'auto', 'plain'), errors(%(core)s)""",
            {"core": statements, "ours": [call]}).fetchone()
        what = judge(found, errors, case.problems)
        good += found[1].startswith("rows ")
        kinds[function] = kinds.get(function, 0) + 1
        if what:
            wrong.append((what, call, statements, found, errors,
                          case.problems))
    return good, kinds, wrong


def main():
    """Shares the cases out, and reports."""
    connect().execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    count = scaled(CASES) // WORKERS
    with multiprocessing.Pool(WORKERS) as pool:
        results = pool.map(work, [(i, count) for i in range(WORKERS)],
                           chunksize=1)
    good = sum(result[0] for result in results)
    wrong = [each for result in results for each in result[2]]
    kinds = {}
    for result in results:
        for kind, number in result[1].items():
            kinds[kind] = kinds.get(kind, 0) + number
    for what, call, statements, found, errors, problems in wrong[:20]:
        note(f"  {what}: {call}\n    {statements}\n    {found} {errors}"
             f" {problems}")
    check(not wrong, f"options: {len(wrong)} differences in {count * WORKERS}"
          f" cases, {good} of them rows, {kinds} (seed {SEED})")
    check(good > count * WORKERS / 5, "options: enough cases are good ones")


if __name__ == "__main__":
    main()
