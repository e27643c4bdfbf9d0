"""clean_tables against TRUNCATE, set_seq_max with and without an index,
set_seqs_max against a call of setval a table.

Each statement is a transaction of its own, its commit included.
"""

import statistics
import time

from common import (alternate, connect, finish, note, ratio, require,
                    require_faster, sql, table)

TABLES = [f"t{i}" for i in range(200)]
BIG = 1000000
PEER = "TRUNCATE"


def create_chain(conn):
    """200 tables: a serial key, a unique text, a foreign key to the last."""
    for number, name in enumerate(TABLES):
        parent = f", parent int REFERENCES t{number - 1}" if number else ""
        conn.execute(f"CREATE TABLE {name} "
                     f"(id serial PRIMARY KEY, name text UNIQUE{parent})")


def delete(conn, tables):
    """DELETE of every table, those that refer to others first."""
    return sql(conn, ";".join(f"DELETE FROM {name}"
                              for name in reversed(tables)))


def truncate_dirty(conn, tables):
    """Asks which tables have rows, and truncates these (DatabaseCleaner)."""
    probe = " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})"
        for name in tables)

    def run():
        dirty = [name for name, in conn.execute(probe).fetchall()]
        if dirty:
            conn.execute(f"TRUNCATE {', '.join(dirty)} "
                         "RESTART IDENTITY CASCADE")
    return run


def ways(conn, tables):
    names = ", ".join(tables)
    return {
        PEER: sql(conn, f"TRUNCATE {names} RESTART IDENTITY CASCADE"),
        "DELETE, sequences left alone": delete(conn, tables),
        "TRUNCATE of those with rows, sequences left alone":
            truncate_dirty(conn, tables),
        "clean_tables": sql(conn, f"SELECT clean_tables('{{{names}}}')"),
    }


def fill(conn, tables):
    with conn.transaction():
        for name in tables:
            conn.execute(f"INSERT INTO {name}(name) VALUES ('a'), ('b'), ('c')")


def compare_chain(conn, title, dirty, aim):
    """All ways on the chain, of which some tables have a few rows."""
    all_ways = ways(conn, TABLES)

    def before(_):
        # so that no way finds the session's catalog caches emptied by the
        # TRUNCATE of the round before
        all_ways["clean_tables"]()
        fill(conn, dirty)

    note(f"clean: {title}")
    seconds = alternate(all_ways, before=before)
    table(f"200 tables, {title}", seconds, PEER)
    print()
    require_faster(title, ratio(seconds, PEER, "clean_tables"), aim)


def compare_big(conn):
    """Both ways on one table of a million rows."""
    conn.execute("CREATE TABLE big (id serial PRIMARY KEY, name text)")

    def before(_):
        conn.execute("INSERT INTO big(name) SELECT 'n' || i "
                     f"FROM generate_series(1, {BIG}) i")
        conn.execute("CHECKPOINT")

    note("clean: one table of 1,000,000 rows")
    pair = ways(conn, ["big"])
    seconds = alternate({name: pair[name] for name in (PEER, "clean_tables")},
                        before=before)
    table("one table of 1,000,000 rows", seconds, PEER)
    print()
    require("1,000,000 rows", ratio(seconds, "clean_tables", PEER), 1.1)


def compare_rounds(conn):
    """The first and the last of 1,000 rounds of insert-and-clean."""
    conn.execute("CREATE TABLE r (id serial PRIMARY KEY, name text UNIQUE)")
    clean = ways(conn, ["r"])["clean_tables"]
    times = []
    note("clean: 1,000 rounds")
    for _ in range(1000):
        start = time.perf_counter()
        fill(conn, ["r"])
        clean()
        times.append(time.perf_counter() - start)
    seconds = {"first 100": times[:100], "last 100": times[-100:]}
    table("1,000 rounds of insert and clean", seconds, "first 100")
    print()
    require("last rounds", ratio(seconds, "last 100", "first 100"), 1.5)


def compare_sequence(conn):
    """set_seq_max of a million rows, timed inside the server."""
    conn.execute("""
        CREATE FUNCTION seconds(query text) RETURNS float8
        LANGUAGE plpgsql AS $$
        DECLARE start timestamptz := clock_timestamp();
        BEGIN
          EXECUTE query;
          RETURN extract(epoch FROM clock_timestamp() - start);
        END $$""")
    for name, key in (("scanned", ""), ("indexed", "PRIMARY KEY")):
        conn.execute(f"CREATE TABLE {name} (id serial {key}, name text)")
        conn.execute(f"INSERT INTO {name}(name) SELECT 'n' || i "
                     f"FROM generate_series(1, {BIG}) i")
        conn.execute(f"VACUUM ANALYZE {name}")
    note("clean: set_seq_max of 1,000,000 rows")
    seconds = {"scanned": [], "indexed": []}
    for _ in range(7):
        for name, values in seconds.items():
            query = f"SELECT set_seq_max('{name}_id_seq', '{name}')"
            values.append(conn.execute("SELECT seconds(%s)",
                                       [query]).fetchone()[0])
    table("set_seq_max of 1,000,000 rows", seconds, "scanned")
    print()
    require_faster("set_seq_max by index",
                   ratio(seconds, "scanned", "indexed"), 100)


def compare_all_sequences(conn):
    """The sequences of 200 tables, which fixtures have filled with ids."""
    one_by_one = "SELECT " + ", ".join(
        f"setval('{name}_id_seq', coalesce(max_of('{name}'), 1))"
        for name in TABLES)
    conn.execute("""
        CREATE FUNCTION max_of(target regclass) RETURNS bigint
        LANGUAGE plpgsql AS $$
        DECLARE greatest bigint;
        BEGIN
          EXECUTE format('SELECT max(id) FROM %s', target) INTO greatest;
          RETURN greatest;
        END $$""")
    fill(conn, TABLES)
    all_ways = {
        "setval of max(id), table by table": sql(conn, one_by_one),
        "set_seqs_max": sql(conn, "SELECT count(*) FROM set_seqs_max("
                                  "get_tables(ARRAY[current_schema()]))"),
    }
    for way in all_ways.values():
        way()
    note("clean: the sequences of 200 tables")
    seconds = alternate(all_ways)
    table("the sequences of 200 tables", seconds,
          "setval of max(id), table by table")
    print()
    require("set_seqs_max, ms",
            1000 * statistics.median(seconds["set_seqs_max"]), 20)


def main():
    conn = connect()
    print("## clean_tables, set_seq_max, set_seqs_max")
    print(f"\nfsync = {conn.execute('SHOW fsync').fetchone()[0]}")
    create_chain(conn)
    compare_chain(conn, "none dirty", [], 100)
    compare_chain(conn, "5 with a few rows", TABLES[::40], 50)
    compare_chain(conn, "all with a few rows", TABLES, 4)
    compare_all_sequences(conn)
    compare_big(conn)
    compare_rounds(conn)
    compare_sequence(conn)
    finish(conn)


if __name__ == "__main__":
    main()
