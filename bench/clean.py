#!/usr/bin/env python3
"""Benchmark of clean_tables and set_seq_max.

Needs a running server with pgsync (libpq's PG* variables) and psycopg 3.
Creates the schema pgsync_bench, drops it at the end, and prints a Markdown
table of medians.  Each pair of ways is measured in turn on the same tables,
with the server's own durability settings, commit included; set_seq_max,
whose effect does not wait for the commit, is timed inside the server.
"""
import os
import statistics
import sys
import time

import psycopg

SCHEMA = "pgsync_bench"
TABLES = 200
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
BIG = 1_000_000


def names(count=TABLES):
    return [f"{SCHEMA}.t{i}" for i in range(count)]


def create_chain(cur):
    """200 tables: a serial key, a unique text, a foreign key to the last."""
    for i in range(TABLES):
        parent = f", parent int REFERENCES {SCHEMA}.t{i - 1}" if i else ""
        cur.execute(f"CREATE TABLE {SCHEMA}.t{i} "
                    f"(id serial PRIMARY KEY, name text UNIQUE{parent})")


def fill(cur, tables):
    for table in tables:
        cur.execute(f"INSERT INTO {table}(name) VALUES ('a'), ('b'), ('c')")


def truncate(tables, cascade=True):
    return ("TRUNCATE " + ", ".join(tables) + " RESTART IDENTITY" +
            (" CASCADE" if cascade else ""))


def clean(tables):
    return "SELECT clean_tables('{" + ",".join(tables) + "}')"


def by_client(conn, query):
    """Seconds that a statement and its commit take, as a client sees it."""
    conn.execute("SELECT 1")              # the transaction begins before
    start = time.perf_counter()
    conn.execute(query)
    conn.commit()
    return time.perf_counter() - start


def by_server(conn, query):
    """Seconds that the statement alone takes inside the server."""
    row = conn.execute(f"SELECT {SCHEMA}.seconds(%s)", [query]).fetchone()
    conn.commit()
    return row[0]


def compare(conn, title, target, prepare, slow, fast, measure=by_client):
    """Alternates both ways on freshly prepared tables; prints one row."""
    times = {slow: [], fast: []}
    for query in (slow, fast):            # once to warm up, not counted
        prepare(conn)
        conn.commit()
        measure(conn, query)
    for number in range(ROUNDS):
        for query in ((slow, fast), (fast, slow))[number % 2]:
            prepare(conn)
            conn.commit()
            times[query].append(measure(conn, query))
    base, ours = (statistics.median(times[q]) for q in (slow, fast))
    spread = " / ".join(f"{min(times[q]) * 1e3:.2f}-{max(times[q]) * 1e3:.2f}"
                        for q in (slow, fast))
    print(f"| {title} | {base * 1e3:.2f} | {ours * 1e3:.2f} | {spread} | "
          f"{base / ours:.2f} | {target} |", flush=True)


def bench_chain(conn):
    cur = conn.cursor()
    create_chain(cur)
    conn.commit()
    every = names()
    some = every[::TABLES // 5][:5]

    # each preparation cleans first, so that neither way finds the session's
    # catalog caches emptied by the TRUNCATE of the round before
    def none(c):
        c.execute(clean(every))

    def five(c):
        none(c)
        fill(c.cursor(), some)

    def all_of_them(c):
        none(c)
        fill(c.cursor(), every)

    pair = (truncate(every), clean(every))
    compare(conn, "200 tables, none dirty", ">= 100", none, *pair)
    compare(conn, "200 tables, 5 with a few rows", ">= 50", five, *pair)
    compare(conn, "200 tables, all with a few rows", ">= 4",
            all_of_them, *pair)


def bench_big(conn):
    conn.execute(f"CREATE TABLE {SCHEMA}.big "
                 "(id serial PRIMARY KEY, name text)")

    def prepare(c):
        c.execute(f"INSERT INTO {SCHEMA}.big(name) "
                  f"SELECT 'n' || i FROM generate_series(1, {BIG}) i")
        c.commit()
        c.autocommit = True
        c.execute("CHECKPOINT")
        c.autocommit = False

    tables = [f"{SCHEMA}.big"]
    compare(conn, "one table of 1,000,000 rows", ">= 0.91", prepare,
            truncate(tables), clean(tables))


def bench_rounds(conn):
    """The price of insert-and-clean in the first and the last of 1,000."""
    conn.execute(f"CREATE TABLE {SCHEMA}.r "
                 "(id serial PRIMARY KEY, name text UNIQUE)")
    conn.commit()
    times = []
    for _ in range(1000):
        start = time.perf_counter()
        conn.execute(f"INSERT INTO {SCHEMA}.r(name) VALUES ('a'), ('b')")
        conn.execute(clean([f"{SCHEMA}.r"]))
        conn.commit()
        times.append(time.perf_counter() - start)
    first, last = times[:50], times[-50:]
    print(f"| 1,000 rounds of insert-and-clean: first 50, last 50 "
          f"| {statistics.median(first) * 1e3:.2f} "
          f"| {statistics.median(last) * 1e3:.2f} "
          f"| {min(first) * 1e3:.1f}-{max(first) * 1e3:.1f} / "
          f"{min(last) * 1e3:.1f}-{max(last) * 1e3:.1f} "
          f"| {statistics.median(first) / statistics.median(last):.2f} "
          f"| about 1 |", flush=True)


def bench_sequence(conn):
    cur = conn.cursor()
    for table, key in (("indexed", "PRIMARY KEY"), ("scanned", "")):
        cur.execute(f"CREATE TABLE {SCHEMA}.{table} (id serial {key}, t text)")
        cur.execute(f"INSERT INTO {SCHEMA}.{table}(t) "
                    f"SELECT 'n' || i FROM generate_series(1, {BIG}) i")
    cur.execute(f"""
        CREATE FUNCTION {SCHEMA}.seconds(query text) RETURNS float8
        LANGUAGE plpgsql AS $$
        DECLARE start timestamptz := clock_timestamp();
        BEGIN
          EXECUTE query;
          RETURN extract(epoch FROM clock_timestamp() - start);
        END $$""")
    conn.commit()
    conn.autocommit = True
    conn.execute(f"VACUUM ANALYZE {SCHEMA}.indexed, {SCHEMA}.scanned")
    conn.autocommit = False

    def query(table):
        return (f"SELECT set_seq_max('{SCHEMA}.{table}_id_seq', "
                f"'{SCHEMA}.{table}')")

    compare(conn, "set_seq_max of 1,000,000 rows: scan, index", ">= 100",
            lambda c: None, query("scanned"), query("indexed"), by_server)


def main():
    only = sys.argv[1:]
    with psycopg.connect("") as conn:
        conn.execute("SET client_min_messages = warning")
        conn.execute("CREATE EXTENSION IF NOT EXISTS pgsync")
        conn.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        conn.execute(f"CREATE SCHEMA {SCHEMA}")
        conn.commit()
        durable = conn.execute("SHOW fsync").fetchone()[0]
        print(f"fsync = {durable}; TRUNCATE ... RESTART IDENTITY CASCADE "
              "against clean_tables; medians in ms\n")
        print("| what | before | pgsync | range | ratio | target |")
        print("|---|---|---|---|---|---|")
        try:
            for name, part in (("chain", bench_chain), ("big", bench_big),
                               ("rounds", bench_rounds),
                               ("sequence", bench_sequence)):
                if not only or name in only:
                    part(conn)
        finally:
            conn.rollback()
            conn.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
            conn.commit()


if __name__ == "__main__":
    main()
