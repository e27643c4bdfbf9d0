"""What the benchmarks share: a connection, alternating runs, tables.

A benchmark is given a running server by libpq's environment variables and
a directory that the server can read, PGSYNC_BENCH_DIR, for its files.
"""

import json
import os
import statistics
import sys
import time

import psycopg

ROUNDS = int(os.environ.get("PGSYNC_BENCH_ROUNDS", "7"))
DIRECTORY = os.environ.get("PGSYNC_BENCH_DIR", "/tmp")


def connect(fresh=True):
    """A connection in autocommit mode, with pgsync and a schema of our own,
    which is empty if it is to be fresh."""
    conn = psycopg.connect(autocommit=True)
    if fresh:
        conn.execute("CREATE EXTENSION IF NOT EXISTS pgsync")
        conn.execute("DROP SCHEMA IF EXISTS pgsync_bench CASCADE")
        conn.execute("CREATE SCHEMA pgsync_bench")
    conn.execute("SET search_path = pgsync_bench, public")
    return conn


def finish(conn):
    """Drops what connect made."""
    conn.execute("DROP SCHEMA pgsync_bench CASCADE")
    conn.close()


def note(text):
    """Shows progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)


def recycle_log():
    """Has files of the write-ahead log ready to be used again: those that must
    be made first would cost some ways more than they do in daily use."""
    with psycopg.connect(autocommit=True) as conn:
        conn.execute("CHECKPOINT")


def alternate(ways, rounds=ROUNDS, before=None, check=None):
    """Runs all the ways in turn, round after round.

    ways maps a name to a callable; before and check are called around each,
    outside the time measured.  Returns a list of seconds for each name.
    """
    seconds = {name: [] for name in ways}
    recycle_log()
    for number in range(rounds):
        for name, way in ways.items():
            if before:
                before(name)
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
            if check:
                check(name)
        note(f"  round {number + 1} of {rounds}")
    return seconds


def backend_cpu(conn):
    """The CPU seconds that a connection's backend has used so far."""
    with open(f"/proc/{conn.info.backend_pid}/schedstat",
              encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def alternate_cpu(conn, ways, **options):
    """The same for ways that work in one connection's backend on this
    machine: returns the seconds that passed, and those of its CPU."""
    cpu = {name: [] for name in ways}

    def measured(name, way):
        def run():
            start = backend_cpu(conn)
            way()
            cpu[name].append(backend_cpu(conn) - start)
        return run

    return alternate({name: measured(name, way)
                      for name, way in ways.items()}, **options), cpu


def sql(conn, query):
    """A way that runs a query."""
    return lambda: conn.execute(query)


def table(title, seconds, base, notes=None, cpu=None):
    """Prints medians, the spread, and ratios to the way named base; of the
    backend's CPU time too, if that was measured."""
    reference = statistics.median(seconds[base])
    print(f"\n### {title}\n")
    print(f"| way | median s | min to max s | ratio to {base} |"
          f"{' CPU s | ratio |' if cpu else ''}")
    print(f"|---|---:|---:|---:|{'---:|---:|' if cpu else ''}")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.4f} | {min(values):.4f} to "
              f"{max(values):.4f} | {median / reference:.2f} |", end="")
        if cpu:
            print(f" {statistics.median(cpu[name]):.4f} | "
                  f"{ratio(cpu, name, base):.2f} |", end="")
        print()
    if notes:
        print(f"\n{notes}")
    sys.stdout.flush()


def record(series, point, seconds):
    """Keeps medians for the charts, if bench/run wants them."""
    path = os.environ.get("PGSYNC_BENCH_RECORD")
    if not path:
        return
    with open(path, "a", encoding="utf-8") as file:
        for name, values in seconds.items():
            file.write(json.dumps({
                "series": series, "point": point, "way": name,
                "seconds": statistics.median(values)}) + "\n")


def ratio(seconds, name, base):
    """The ratio of two medians."""
    return statistics.median(seconds[name]) / statistics.median(seconds[base])


def require(title, value, limit):
    """Prints whether a ratio is within the limit aimed for."""
    verdict = "met" if value <= limit else "MISSED"
    print(f"- {title}: {value:.2f} (aim: at most {limit:.2f}) {verdict}")


def require_both(title, wall, cpu, name, base, limit):
    """The same for the time that passed and for the backend's CPU."""
    require(title, ratio(wall, name, base), limit)
    require(title + ", CPU", ratio(cpu, name, base), limit)


def require_faster(title, times, aim):
    """Prints whether a way is so many times as fast as its peer."""
    verdict = "met" if times >= aim else "MISSED"
    print(f"- {title}: {times:.3g} times as fast (aim: {aim}) {verdict}")


# The rows that most benchmarks use
ROWS_TABLE = """
CREATE TABLE {name} (
    id int {key}, name text, email text, active bool, price numeric(10,2),
    created timestamptz, meta jsonb) {rest}
"""


def make_rows(conn, count=200000):
    """Makes the tables of rows: "rows" and its forms as JSON.

    input.stored   the rows as one jsonb
    input.body     the same as text, uncompressed, as a client's would arrive
    """
    conn.execute(ROWS_TABLE.format(name="rows", key="", rest=""))
    conn.execute("""
        INSERT INTO rows
        SELECT i, 'name ' || i, 'user' || i || '@example.com', i % 2 = 0,
               (i %% 10000) / 100.0, '2024-01-01'::timestamptz + i * interval '1 s',
               jsonb_build_object('k', i, 'tags', jsonb_build_array('a', 'b'))
        FROM generate_series(1, %s) i""".replace("i % 2", "i %% 2"), [count])
    conn.execute("CREATE TABLE input (stored jsonb, body text)")
    conn.execute("ALTER TABLE input ALTER body SET STORAGE EXTERNAL")
    conn.execute("""
        INSERT INTO input
        SELECT j, j::text FROM (SELECT jsonb_agg(to_jsonb(r) ORDER BY id)
                                FROM rows r) q(j)""")
    conn.execute("VACUUM ANALYZE rows")


def make_input(conn, name, query):
    """Makes a table with one text, "body": the query's JSON, uncompressed, as a
    client's would arrive."""
    conn.execute(f"CREATE TABLE {name} (body text)")
    conn.execute(f"ALTER TABLE {name} ALTER body SET STORAGE EXTERNAL")
    conn.execute(f"INSERT INTO {name} SELECT ({query})::text")


def server_file(conn, query, name):
    """Writes a query's rows to a CSV file of the server; returns its path."""
    path = os.path.join(DIRECTORY, name)
    conn.execute(f"COPY ({query}) TO '{path}' (FORMAT csv, HEADER)")
    return path
