"""fetch_count, fetch_all and fetch_json against the SQL that people write instead.

"Cached" is the server's own cache: bench/run makes it large enough.  "Cold" is
after a restart of the server, with the table's files out of the operating
system's cache as well.
"""

import os
import subprocess
import time

from common import (alternate, alternate_cpu, connect, finish, note, ratio,
                    require, require_both, require_faster, table)

COUNT_ROWS = 5_000_000
FETCH_ROWS = 200_000
ROUNDS = 11
COLD_ROUNDS = 5

SERIAL = "count(*), no workers"
WORKERS = "count(*), default workers"
FETCH_COUNT = "fetch_count"


def counting(conn, query, serial=False):
    """A way that counts, and insists on the same answer as ever."""
    def run():
        if serial:
            conn.execute("SET max_parallel_workers_per_gather = 0")
        count = conn.execute(query).fetchone()[0]
        if serial:
            conn.execute("RESET max_parallel_workers_per_gather")
        assert count in (COUNT_ROWS, COUNT_ROWS // 10), count
    return run


def count_ways(conn):
    return {
        SERIAL: counting(conn, "SELECT count(*) FROM big", serial=True),
        WORKERS: counting(conn, "SELECT count(*) FROM big"),
        FETCH_COUNT: counting(conn, "SELECT fetch_count('big')"),
    }


def make_big(conn, fillfactor):
    """The rows to count, twice as wide apart for a fillfactor of 45."""
    conn.execute("DROP TABLE IF EXISTS big")
    conn.execute("CREATE TABLE big (id integer, v integer) WITH "
                 f"(autovacuum_enabled = off, fillfactor = {fillfactor})")
    conn.execute("INSERT INTO big SELECT i, i "
                 f"FROM generate_series(1, {COUNT_ROWS}) i")
    conn.execute("VACUUM (FREEZE, ANALYZE) big")


def visible(conn):
    """Every page all-visible, in the cache."""
    note("fetch: count, all-visible")
    seconds = alternate(count_ways(conn), ROUNDS)
    table(f"Count of {COUNT_ROWS:,} rows, cached, all-visible", seconds,
          FETCH_COUNT)
    print()
    require_faster("fetch_count as count(*) without workers",
                   ratio(seconds, SERIAL, FETCH_COUNT), 12)
    require_faster("... with workers",
                   ratio(seconds, WORKERS, FETCH_COUNT), 8)


def with_condition(conn):
    """A condition is count(*)'s own business: it must cost nothing."""
    note("fetch: count, condition")
    seconds = alternate({
        "count(*)": counting(
            conn, "SELECT count(*) FROM big WHERE v % 10 = 3"),
        FETCH_COUNT: counting(conn, "SELECT fetch_count('big', "
                                    "'v % 10 = 3')"),
    }, ROUNDS)
    table("The same with a condition (v % 10 = 3)", seconds, "count(*)")
    print()
    require("fetch_count / count(*)",
            ratio(seconds, FETCH_COUNT, "count(*)"), 1.02)


def cold(conn):
    """Nothing cached; how fast it is depends on the disk alone."""
    restart = os.environ.get("PGSYNC_BENCH_RESTART")
    if not restart:
        note("fetch: no PGSYNC_BENCH_RESTART, so nothing is measured cold")
        return conn
    files = conn.execute(
        "SELECT setting || '/' || pg_relation_filepath('big') "
        "FROM pg_settings WHERE name = 'data_directory'").fetchone()[0]
    conn.close()
    seconds = {SERIAL: [], WORKERS: [], FETCH_COUNT: []}
    note("fetch: count, cold")
    for number in range(COLD_ROUNDS):
        for name, values in seconds.items():
            conn = restart_cold(restart, files)
            way = count_ways(conn)[name]
            start = time.perf_counter()
            way()
            values.append(time.perf_counter() - start)
            conn.close()
        note(f"  round {number + 1} of {COLD_ROUNDS}")
    table("The same, cold", seconds, FETCH_COUNT)
    return reconnect()


def reconnect():
    conn = connect(fresh=False)
    conn.execute("SELECT fetch_count('small')")     # loads the library
    return conn


def restart_cold(restart, files):
    """Restarts the server and has the table's files read from disk again."""
    subprocess.run([restart], check=True, stdout=subprocess.DEVNULL)
    conn = reconnect()
    conn.execute("EXPLAIN SELECT count(*) FROM big")
    segment = 0
    while os.path.exists(path := files + (f".{segment}" if segment else "")):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
        segment += 1
    return conn


def updated(conn):
    """Each row a second time on its own page; no page is all-visible."""
    make_big(conn, 45)
    conn.execute("UPDATE big SET v = v + 1")
    count_ways(conn)[SERIAL]()                      # sets hint bits
    note("fetch: count, just updated")
    seconds = alternate(count_ways(conn), ROUNDS)
    table("The same, cached, all rows just updated", seconds, FETCH_COUNT)
    print()
    require_faster("fetch_count as count(*) without workers",
                   ratio(seconds, SERIAL, FETCH_COUNT), 4)


def sent(conn, query):
    """A way whose rows go to the client, which does not look into them."""
    def run():
        with conn.cursor() as cursor:
            cursor.execute(query)
            assert cursor.rowcount in (1, FETCH_ROWS), cursor.rowcount
    return run


def fetch(conn, title, query):
    """Rows as objects, in the server and sent to the client."""
    peer, ours = "to_jsonb(row)", "fetch_all"
    for where, aim, ways in ((", in the server", 1.1, {
            peer: sent(conn, "SELECT count(j) FROM "
                             f"(SELECT to_jsonb(q) AS j FROM ({query}) q) x"),
            ours: sent(conn, f"SELECT count(j) FROM fetch_all('{query}') j"),
    }), (", sent to the client", 0.5, {
            peer: sent(conn, f"SELECT to_jsonb(q) FROM ({query}) q"),
            ours: sent(conn, f"SELECT fetch_all('{query}')"),
    })):
        note(f"fetch: {title}{where}")
        seconds, cpu = alternate_cpu(conn, ways, rounds=ROUNDS)
        table(f"{FETCH_ROWS:,} rows of {title}{where}", seconds, peer,
              cpu=cpu)
        print()
        require_both("fetch_all / to_jsonb", seconds, cpu, ours, peer, aim)


def fetch_array(conn, query):
    """All rows as one JSON array, in the server and sent to the client."""
    peer, ours = "json_agg(row)", "fetch_json"
    note("fetch: fetch_json in the server")
    seconds, cpu = alternate_cpu(conn, {
        peer: sent(conn, f"SELECT length(json_agg(q)::text) FROM ({query}) q"),
        ours: sent(conn, f"SELECT length(fetch_json('{query}')::text)"),
    }, rounds=ROUNDS)
    table(f"{FETCH_ROWS:,} rows of 7 columns as one array, in the server",
          seconds, peer, cpu=cpu)
    print()
    require_both("fetch_json / json_agg", seconds, cpu, ours, peer, 0.4)
    note("fetch: fetch_json, sent")
    seconds, cpu = alternate_cpu(conn, {
        peer: sent(conn, f"SELECT json_agg(q) FROM ({query}) q"),
        "fetch_all": sent(conn, f"SELECT fetch_all('{query}')"),
        ours: sent(conn, f"SELECT fetch_json('{query}')"),
    }, rounds=ROUNDS)
    table("The same, sent to the client", seconds, peer, cpu=cpu)
    print()
    require_both("fetch_json / json_agg", seconds, cpu, ours, peer, 0.4)
    require_both("fetch_json / fetch_all", seconds, cpu, ours, "fetch_all",
                 0.5)


def make_items(conn):
    """The rows to fetch."""
    conn.execute(
        "CREATE TABLE items AS SELECT i AS id, 'name ' || i AS name,"
        " 'some longer text ' || i AS description, i % 2 = 0 AS flag,"
        " (i * 1.25)::numeric AS amount,"
        " timestamptz '2024-01-01' + i * interval '1 minute' AS at,"
        " jsonb_build_object('k', i, 'tags', jsonb_build_array('a', 'b')) AS doc"
        f" FROM generate_series(1, {FETCH_ROWS}) i")
    conn.execute("VACUUM (ANALYZE) items")


def main():
    conn = connect()
    conn.execute("CREATE TABLE small (id integer)")
    print("## fetch_count, fetch_all, fetch_json")
    make_big(conn, 100)
    visible(conn)
    with_condition(conn)
    conn = cold(conn)
    updated(conn)
    conn.execute("DROP TABLE big")
    make_items(conn)
    fetch(conn, "7 columns", "SELECT * FROM items")
    fetch_array(conn, "SELECT * FROM items")
    fetch(conn, "4 scalar columns", "SELECT id, name, amount, flag FROM items")
    finish(conn)


if __name__ == "__main__":
    main()
