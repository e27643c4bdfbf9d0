#!/usr/bin/env python3
"""fetch_count and fetch_all against the SQL that people write instead.

Needs a running server with pgsync installed (PGHOST, PGPORT, ...), and its
shared_buffers large enough for the tables (about 400 MB) if "cached" is to
mean the server's own cache.  Creates a schema, alternates the ways compared,
prints a Markdown table of medians, and drops the schema.

    PGSYNC_BENCH_SCALE=0.01   smaller tables, to try the script itself
"""

import os
import statistics
import time

import psycopg

SCALE = float(os.environ.get("PGSYNC_BENCH_SCALE", "1"))
COUNT_ROWS = int(5_000_000 * SCALE)
FETCH_ROWS = int(200_000 * SCALE)
ROUNDS = 11

TO_JSONB = "SELECT count(j) FROM (SELECT to_jsonb(q) AS j FROM ({}) q) x"
FETCH_ALL = "SELECT count(j) FROM fetch_all($${}$$) j"
SEND_TO_JSONB = "SELECT to_jsonb(q) AS j FROM ({}) q"
SEND_FETCH_ALL = "SELECT fetch_all($${}$$)"
NARROW = "SELECT id, name, amount, flag FROM items"
WIDE = "SELECT * FROM items"


def timed(connection, settings, query):
    """Runs the query and returns its seconds and its rows."""
    for name, value in settings.items():
        connection.execute(f"SET {name} = {value}")
    # rows stay as they came: reading jsonb in Python is not what is compared
    with connection.cursor() as cursor:
        start = time.perf_counter()
        cursor.execute(query)
        seconds = time.perf_counter() - start
        first = cursor.pgresult.get_value(0, 0)
        rows = cursor.rowcount
    for name in settings:
        connection.execute(f"RESET {name}")
    return seconds, (rows, first if rows == 1 else None)


def compare(connection, title, ways, target):
    """Alternates the ways, the last of which is pgsync's; prints their rows."""
    seconds = {name: [] for name, _, _ in ways}
    answers = set()
    for turn in range(ROUNDS + 1):
        for name, settings, query in ways:
            taken, answer = timed(connection, settings, query)
            answers.add(answer)
            if turn > 0:
                seconds[name].append(taken)
    assert len(answers) == 1, f"{title}: the ways differ: {answers}"
    ours = statistics.median(seconds[ways[-1][0]])
    for name, _, _ in ways:
        median = statistics.median(seconds[name])
        spread = f"{min(seconds[name]) * 1000:.1f}–{max(seconds[name]) * 1000:.1f}"
        print(f"| {title} | {name} | {median * 1000:.1f} | {spread} "
              f"| {median / ours:.2f} | {target if name == ways[-1][0] else ''} |",
              flush=True)


def compare_counts(connection, title, target, condition=None):
    """count(*) without and with parallel workers, and fetch_count."""
    where = f" WHERE {condition}" if condition else ""
    argument = f", $${condition}$$" if condition else ""
    count = f"SELECT count(*) FROM big{where}"
    fetch = f"SELECT fetch_count('big'{argument})"
    serial = {"max_parallel_workers_per_gather": 0}
    if condition:
        ways = [("count(*)", {}, count), ("fetch_count", {}, fetch)]
    else:
        ways = [("count(*), no workers", serial, count),
                ("count(*), default workers", {}, count),
                ("fetch_count", {}, fetch)]
    compare(connection, title, ways, target)


def prepare(connection):
    """Makes the tables, filled and vacuumed."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    connection.execute("DROP SCHEMA IF EXISTS pgsync_bench CASCADE")
    connection.execute("CREATE SCHEMA pgsync_bench")
    connection.execute("SET search_path = pgsync_bench, public")
    connection.execute(
        "CREATE TABLE big (id integer, v integer)"
        " WITH (autovacuum_enabled = off, fillfactor = 45)")
    connection.execute(
        "INSERT INTO big SELECT i, i"
        f" FROM generate_series(1, {COUNT_ROWS}) i")
    connection.execute(
        "CREATE TABLE items AS SELECT i AS id, 'name ' || i AS name,"
        " 'some longer text ' || i AS description, i % 2 = 0 AS flag,"
        " (i * 1.25)::numeric AS amount,"
        " timestamptz '2024-01-01' + i * interval '1 minute' AS at,"
        " jsonb_build_object('k', i, 'tags', jsonb_build_array('a', 'b')) AS doc"
        f" FROM generate_series(1, {FETCH_ROWS}) i")
    connection.execute("VACUUM (ANALYZE) items")


def bench_counts(connection):
    """Counts of the same rows: all-visible, with a condition, updated."""
    connection.execute("CREATE TABLE packed AS SELECT * FROM big")
    connection.execute("ALTER TABLE big RENAME TO loose")
    connection.execute("ALTER TABLE packed RENAME TO big")
    connection.execute("ALTER TABLE big SET (autovacuum_enabled = off)")
    connection.execute("VACUUM (FREEZE, ANALYZE) big")
    rows = f"{COUNT_ROWS:,} rows"
    compare_counts(connection, f"{rows}, all visible",
                   "serial ≥ 7, workers ≥ 3.5")
    compare_counts(connection, f"{rows}, v % 10 = 3", "≥ 0.98",
                   "v % 10 = 3")
    connection.execute("DROP TABLE big")
    connection.execute("ALTER TABLE loose RENAME TO big")
    connection.execute("VACUUM (FREEZE, ANALYZE) big")
    # each row a second time on its own page; the first count sets hint bits
    connection.execute("UPDATE big SET v = v + 1")
    compare_counts(connection, f"{rows}, just updated", "serial ≥ 2")


def bench_fetch(connection):
    """Rows as objects, aggregated in the server and sent to the client."""
    for title, query in (("7 columns", WIDE), ("4 scalar columns", NARROW)):
        title = f"{FETCH_ROWS:,} rows, {title}"
        compare(connection, title,
                [("to_jsonb(q)", {}, TO_JSONB.format(query)),
                 ("fetch_all", {}, FETCH_ALL.format(query))], "≥ 0.91")
        compare(connection, f"{title}, to the client",
                [("to_jsonb(q)", {}, SEND_TO_JSONB.format(query)),
                 ("fetch_all", {}, SEND_FETCH_ALL.format(query))], "≥ 0.91")


def main():
    """Runs all comparisons."""
    with psycopg.connect(autocommit=True) as connection:
        prepare(connection)
        try:
            print("| what | way | median ms | spread | × fetch_* | must reach |")
            print("|---|---|---|---|---|---|")
            bench_counts(connection)
            bench_fetch(connection)
        finally:
            connection.execute("DROP SCHEMA pgsync_bench CASCADE")


if __name__ == "__main__":
    main()
