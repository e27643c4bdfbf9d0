#!/usr/bin/env python3
"""Benchmark of insert_csv.

Needs a running server with pgsync on this machine (libpq's PG* variables, as
superuser) and psycopg 3.  Creates the schema pgsync_bench and a directory for
its CSV files, removes both at the end, and prints a Markdown table of
medians.  Each pair of ways is measured in turn on the same rows, commit
included, with the server's own settings.
"""
import csv
import os
import shutil
import statistics
import tempfile
import time

import psycopg

SCHEMA = "pgsync_bench"
ROWS = int(os.environ.get("BENCH_ROWS", "200000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))

COLUMNS = ("id int PRIMARY KEY, name text, email text, active bool, "
           "price numeric(10,2), created timestamptz, meta jsonb")
NAMES = ["id", "name", "email", "active", "price", "created", "meta"]


def row(number):
    """One row; the same that bench/insert.py inserts."""
    return [number, f"name {number}", f"user{number}@example.com",
            "t" if number % 2 else "f", f"{number % 100000 / 100:.2f}",
            f"2024-01-{number % 28 + 1:02d} 12:{number % 60:02d}:00+00",
            f'{{"a": {number}, "b": ["x", "y"]}}']


def write_file(path, extra):
    """Writes the rows, with one more column if asked."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES + (["note"] if extra else []))
        for number in range(1, ROWS + 1):
            writer.writerow(row(number) + ([f"note {number}"] if extra else []))


def copy(table, path):
    """COPY of the file into the table."""
    def run(conn):
        conn.execute(f"COPY {table} FROM '{path}' (FORMAT csv, HEADER)")
    return run


def insert_csv(table, path, options=""):
    """insert_csv of the file into the table."""
    def run(conn):
        conn.execute(f"SELECT insert_csv('{table}', '{path}'{options})")
    return run


def by_temporary_table(table, path):
    """What is done by hand where COPY knows no ON CONFLICT."""
    def run(conn):
        conn.execute(f"CREATE TEMP TABLE incoming "
                     f"(LIKE {table} INCLUDING DEFAULTS) ON COMMIT DROP")
        conn.execute(f"COPY incoming FROM '{path}' (FORMAT csv, HEADER)")
        conn.execute(f"INSERT INTO {table} SELECT * FROM incoming "
                     "ON CONFLICT DO NOTHING")
    return run


def by_client(table, path, block_size=1000):
    """What a client library does: the same through COPY FROM STDIN."""
    def run(conn):
        with open(path, encoding="utf-8") as file, conn.cursor() as cur:
            names = ", ".join(f'"{name}"' for name
                              in file.readline().strip().split(","))
            cur.execute(f"CREATE TEMP TABLE incoming "
                        f"(LIKE {table} INCLUDING DEFAULTS)")
            with cur.copy(f"COPY incoming ({names}) FROM STDIN "
                          "(FORMAT csv)") as stream:
                while block := file.read(block_size):
                    stream.write(block)
            cur.execute(f"INSERT INTO {table} ({names}) "
                        f"SELECT {names} FROM incoming ON CONFLICT DO NOTHING")
            cur.execute("DROP TABLE incoming")
    return run


def text_by_client(table, path):
    """COPY FROM STDIN in large blocks, straight into the table."""
    def run(conn):
        with open(path, "rb") as file, conn.cursor() as cur:
            with cur.copy(f"COPY {table} FROM STDIN "
                          "(FORMAT csv, HEADER)") as stream:
                while block := file.read(1 << 20):
                    stream.write(block)
    return run


def insert_csv_text(table, path):
    """insert_csv_text of the whole file as one argument."""
    def run(conn):
        with open(path, encoding="utf-8") as file:
            conn.execute(f"SELECT insert_csv_text('{table}', %s, "
                         "on_conflict => NULL)", (file.read(),))
    return run


def measure(conn, way):
    start = time.perf_counter()
    way(conn)
    conn.commit()
    return time.perf_counter() - start


def checkpoint(conn):
    conn.commit()
    conn.autocommit = True
    conn.execute("CHECKPOINT")
    conn.autocommit = False


def compare(conn, title, target, prepare, base, ours):
    """Alternates both ways on freshly prepared tables; prints one line."""
    times = {base: [], ours: []}
    for number in range(-1, ROUNDS):        # the first is not counted
        for way in ((base, ours), (ours, base))[number % 2]:
            prepare(conn)
            checkpoint(conn)
            seconds = measure(conn, way)
            if number >= 0:
                times[way].append(seconds)
    medians = [statistics.median(times[way]) for way in (base, ours)]
    spread = " / ".join(f"{min(times[way]):.2f}-{max(times[way]):.2f}"
                        for way in (base, ours))
    print(f"| {title} | {medians[0]:.3f} | {medians[1]:.3f} | {spread} | "
          f"{medians[1] / medians[0]:.2f} | {target} |", flush=True)


def bench(conn, directory):
    table, plain = f"{SCHEMA}.rows", f"{SCHEMA}.no_key"
    path = os.path.join(directory, "rows.csv")
    wide = os.path.join(directory, "wide.csv")
    write_file(path, False)
    write_file(wide, True)
    conn.execute(f"CREATE TABLE {table} ({COLUMNS})")
    conn.execute(f"CREATE TABLE {plain} ({COLUMNS.replace(' PRIMARY KEY', '')})")

    def empty(c):
        c.execute(f"TRUNCATE {table}, {plain}")

    def full(c):
        empty(c)
        copy(table, path)(c)

    compare(conn, "COPY; insert_csv without ON CONFLICT", "<= 1.05", empty,
            copy(table, path),
            insert_csv(table, path, ", on_conflict => NULL"))
    compare(conn, "COPY without the column; insert_csv with one excluded",
            "<= 1.1", empty, copy(table, path),
            insert_csv(table, wide, ", '{note}', on_conflict => NULL"))
    compare(conn, "temporary table; DO NOTHING, empty table", "<= 0.95",
            empty, by_temporary_table(table, path), insert_csv(table, path))
    compare(conn, "temporary table; DO NOTHING, all rows there", "<= 0.9",
            full, by_temporary_table(table, path), insert_csv(table, path))
    compare(conn, "COPY; DO NOTHING, table without a key", "<= 1.05",
            empty, copy(plain, path), insert_csv(plain, path))
    compare(conn, "client library; DO NOTHING, empty table", "<= 0.83",
            empty, by_client(table, path), insert_csv(table, path))
    compare(conn, "COPY FROM STDIN; insert_csv_text", "", empty,
            text_by_client(table, path), insert_csv_text(table, path))


def main():
    directory = tempfile.mkdtemp(prefix="pgsync_bench.")
    os.chmod(directory, 0o755)
    try:
        with psycopg.connect() as conn:
            conn.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            conn.execute(f"CREATE SCHEMA {SCHEMA}")
            conn.execute("CREATE EXTENSION IF NOT EXISTS pgsync")
            print(f"{ROWS} rows, {ROUNDS} rounds; seconds; "
                  "each line names the two ways compared\n")
            print("| first; second | first | second | spread | ratio "
                  "| to reach |\n|---|---|---|---|---|---|", flush=True)
            bench(conn, directory)
            conn.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
