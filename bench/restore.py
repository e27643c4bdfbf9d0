"""restore_tables against what else puts a seeded database back.

Each statement is a transaction of its own, its commit included.
"""

import time

import psycopg

from common import (alternate, connect, finish, note, ratio, require,
                    require_faster, sql, table)

TABLES = [f"t{i}" for i in range(200)]
FEW = TABLES[::40]
ROWS = 50
BIG = 1000000
PEER = "TRUNCATE, INSERT ... SELECT"
TEMPLATE = "CREATE DATABASE ... TEMPLATE"


def create_chain(conn):
    """200 tables of 50 rows: a serial key, a unique text, a foreign key to
    the table before."""
    for number, name in enumerate(TABLES):
        parent = f", parent int REFERENCES t{number - 1}" if number else ""
        column, value = (", parent", ", i") if number else ("", "")
        conn.execute(f"CREATE TABLE {name} "
                     f"(id serial PRIMARY KEY, name text UNIQUE{parent})")
        conn.execute(f"INSERT INTO {name} (name{column}) "
                     f"SELECT 'name ' || i{value} "
                     f"FROM generate_series(1, {ROWS}) i")


def save(conn, tables, schema):
    """Saves tables, both as pgsync does and for the peer."""
    names = ",".join(f"pgsync_bench.{name}" for name in tables)
    conn.execute(f"DROP SCHEMA IF EXISTS {schema}, {schema}_peer CASCADE")
    conn.execute(f"SELECT save_tables('{{{names}}}', '{schema}')")
    conn.execute(f"CREATE SCHEMA {schema}_peer")
    for name in tables:
        conn.execute(f"CREATE TABLE {schema}_peer.{name} AS TABLE {name}")


def reinsert(conn, tables, schema):
    """TRUNCATE of all tables, and INSERT of their saved rows, parents first;
    one transaction, one message."""
    statements = [f"TRUNCATE {', '.join(tables)} RESTART IDENTITY"]
    for name in tables:
        statements.append(f"INSERT INTO {name} TABLE {schema}_peer.{name}")
        statements.append(f"SELECT setval('{name}_id_seq', "
                          f"(SELECT max(id) FROM {name}))")
    return sql(conn, "BEGIN;" + ";".join(statements) + ";COMMIT")


def ways(conn, tables, schema):
    return {
        PEER: reinsert(conn, tables, schema),
        "restore_tables": sql(conn, f"SELECT restore_tables('{schema}')"),
    }


def change(conn, tables):
    """A few changes in each table: rows inserted, updated and deleted."""
    with conn.transaction():
        for name in tables:
            conn.execute(f"INSERT INTO {name} (name) VALUES ('a'), ('b')")
            conn.execute(f"UPDATE {name} SET name = 'c' WHERE id = 7")
            conn.execute(f"DELETE FROM {name} WHERE name = 'b'")


def compare_clean(conn):
    """Nothing has changed: against clean_tables with nothing to clean, on a
    chain of its own."""
    conn.execute("CREATE SCHEMA pgsync_bench_empty")
    conn.execute("SET search_path = pgsync_bench_empty, public")
    for number, name in enumerate(TABLES):
        parent = f", parent int REFERENCES t{number - 1}" if number else ""
        conn.execute(f"CREATE TABLE {name} "
                     f"(id serial PRIMARY KEY, name text UNIQUE{parent})")
    names = ",".join(f"pgsync_bench_empty.{name}" for name in TABLES)
    conn.execute("SET search_path = pgsync_bench, public")
    pair = {
        "clean_tables": sql(conn, f"SELECT clean_tables('{{{names}}}')"),
        "restore_tables": sql(conn, "SELECT restore_tables('pgsync_bench_saved')"),
    }
    for way in pair.values():
        way()
    note("restore: nothing changed")
    seconds = alternate(pair)
    table("200 tables, nothing changed", seconds, "clean_tables")
    print()
    require("nothing changed", ratio(seconds, "restore_tables",
                                     "clean_tables"), 2)
    conn.execute("DROP SCHEMA pgsync_bench_empty CASCADE")


def compare_chain(conn, title, changed, aim):
    """Both ways on the chain, of which some tables have a few changes."""
    pair = ways(conn, TABLES, "pgsync_bench_saved")

    def before(_):
        # so that no way finds the session's catalog caches emptied by the
        # TRUNCATE of the round before
        pair["restore_tables"]()
        change(conn, changed)

    note(f"restore: {title}")
    seconds = alternate(pair, before=before)
    table(f"200 tables of {ROWS} rows, {title}", seconds, PEER)
    print()
    require_faster(title, ratio(seconds, PEER, "restore_tables"), aim)
    return seconds


def drop_and_create(admin):
    """The database anew from its template; sessions on it have to go."""
    def run():
        admin.execute("DROP DATABASE IF EXISTS pgsync_bench_run")
        admin.execute("CREATE DATABASE pgsync_bench_run "
                      "TEMPLATE pgsync_bench_template")
    return run


def compare_template(conn, seconds):
    """A database with the same tables, dropped and made from a template."""
    conn.execute("DROP DATABASE IF EXISTS pgsync_bench_template")
    conn.execute("CREATE DATABASE pgsync_bench_template")
    with psycopg.connect(autocommit=True,
                         dbname="pgsync_bench_template") as template:
        create_chain(template)
    note("restore: a database from a template")
    template = alternate({TEMPLATE: drop_and_create(conn)})
    seconds = {TEMPLATE: template[TEMPLATE],
               "restore_tables": seconds["restore_tables"]}
    table("the same database from a template, 5 tables changed", seconds,
          TEMPLATE)
    print()
    require_faster("5 tables with a few changes, as a template",
                   ratio(seconds, TEMPLATE, "restore_tables"), 10)
    conn.execute("DROP DATABASE IF EXISTS pgsync_bench_run")
    conn.execute("DROP DATABASE pgsync_bench_template")


def compare_big(conn):
    """Both ways on one table of a million rows, of which one has changed."""
    conn.execute("CREATE TABLE big (id serial PRIMARY KEY, name text)")
    conn.execute("INSERT INTO big(name) SELECT 'name ' || i "
                 f"FROM generate_series(1, {BIG}) i")
    save(conn, ["big"], "pgsync_bench_big")
    pair = ways(conn, ["big"], "pgsync_bench_big")

    def before(_):
        conn.execute(f"UPDATE big SET name = 'changed' WHERE id = {BIG // 2}")
        conn.execute("CHECKPOINT")

    note("restore: one table of 1,000,000 rows")
    seconds = alternate(pair, before=before)
    table("one table of 1,000,000 rows, 1 changed", seconds, PEER)
    print()
    require_faster("1,000,000 rows, 1 changed",
                   ratio(seconds, PEER, "restore_tables"), 3)
    conn.execute("DROP SCHEMA pgsync_bench_big, pgsync_bench_big_peer CASCADE")


def compare_rounds(conn):
    """The first and the last of 1,000 rounds of change and restore."""
    conn.execute("CREATE TABLE r (id serial PRIMARY KEY, name text UNIQUE, "
                 "kind int)")
    conn.execute("CREATE INDEX ON r (kind)")
    conn.execute("INSERT INTO r(name) SELECT 'name ' || i "
                 f"FROM generate_series(1, {ROWS}) i")
    conn.execute("SELECT save_tables('{pgsync_bench.r}', 'pgsync_bench_r')")
    restore = sql(conn, "SELECT restore_tables('pgsync_bench_r')")
    times = []
    note("restore: 1,000 rounds")
    for _ in range(1000):
        start = time.perf_counter()
        change(conn, ["r"])
        restore()
        times.append(time.perf_counter() - start)
    seconds = {"first 100": times[:100], "last 100": times[-100:]}
    table("1,000 rounds of change and restore", seconds, "first 100")
    print()
    require("last rounds", ratio(seconds, "last 100", "first 100"), 1.5)
    conn.execute("DROP SCHEMA pgsync_bench_r CASCADE")


def main():
    conn = connect()
    print("## save_tables, restore_tables")
    print(f"\nfsync = {conn.execute('SHOW fsync').fetchone()[0]}")
    create_chain(conn)
    save(conn, TABLES, "pgsync_bench_saved")
    compare_clean(conn)
    few = compare_chain(conn, "5 with a few changes", FEW, 50)
    compare_template(conn, few)
    compare_chain(conn, "all with a few changes", TABLES, 4)
    conn.execute("DROP SCHEMA pgsync_bench_saved, pgsync_bench_saved_peer "
                 "CASCADE")
    compare_big(conn)
    compare_rounds(conn)
    finish(conn)


if __name__ == "__main__":
    main()
