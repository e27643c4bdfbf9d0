"""pgsync through a database's life: dump and restore, another schema, updates,
DROP EXTENSION, a physical standby, logical replication.
"""

import os
import subprocess
import time

import psycopg

from common import WORK, check, connect, finish, scalar

BINDIR = os.environ["PG_BINDIR"]

WRITERS = {
    "insert_many jsonb": "SELECT ext.insert_many('t', '{\"id\": 100}'::jsonb)",
    "insert_many json": "SELECT ext.insert_many('t', '{\"id\": 101}'::json)",
    "insert_tables": "SELECT ext.insert_tables('{\"t\": [{\"id\": 107}]}')",
    "insert_many text": "SELECT ext.insert_many('t', '{\"id\": 102}'::text)",
    "insert_one": "SELECT ext.insert_one('t', '{\"id\": 103}')",
    "insert_returning": "SELECT ext.insert_returning('t', '{\"id\": 104}')",
    "upsert_many": "SELECT ext.upsert_many('t', '{\"id\": 105}'::jsonb)",
    "upsert_returning":
        "SELECT count(*) FROM ext.upsert_returning('t', '{\"id\": 108}'::jsonb)",
    "update_many": "SELECT ext.update_many('t', '{\"id\": 1, \"name\":"
                   " null}'::jsonb)",
    "delete_many": "SELECT ext.delete_many('t', '[105]')",
    "sync_many": "SELECT ext.sync_many('t', '{\"id\": 200}'::text, scope =>"
                 " '{\"name\": \"slice\"}', allow_empty => true)",
    "insert_csv_text": "SELECT ext.insert_csv_text('t', E'id\\n106\\n')",
    "from_json": "SELECT ext.insert_many('t', ext.from_json('[{\"i\": 109}]',"
                 " columns => '{\"i\": \"id\"}'))",
    "from_csv": "SELECT ext.upsert_many('t', ext.from_csv(E'id\\n110\\n'))",
    "from_query": "SELECT ext.insert_many('t',"
                  " ext.from_query('SELECT 111 AS id'))",
    "insert_csv": f"SELECT ext.insert_csv('t', '{WORK}/life.csv')",
    "set_seq_max": "SELECT ext.set_seq_max('t_id_seq', 't')",
    "set_seqs_max": "SELECT ext.set_seqs_max('{t}')",
    "clean_tables": "SELECT ext.clean_tables('{t}')",
    "save_tables": "SELECT ext.save_tables('{t}', 'life_saved')",
    "restore_tables": "SELECT ext.restore_tables('life_saved')",
    "drop_db": "SELECT ext.drop_db('no_such_database')",
}

READERS = {
    "fetch_all": "SELECT * FROM ext.fetch_all('SELECT * FROM t ORDER BY id')",
    "fetch_json": "SELECT ext.fetch_json('SELECT * FROM t ORDER BY id')::text",
    "fetch_one": "SELECT ext.fetch_one('SELECT * FROM t WHERE id = $1', 2)",
    "fetch_one_required": "SELECT ext.fetch_one_required('SELECT 1 AS a')",
    "fetch_count": "SELECT ext.fetch_count('t')",
    "fetch_count, condition": "SELECT ext.fetch_count('t', 'id > 1')",
    "fetch_count_estimate": "SELECT ext.fetch_count_estimate('t', 'id > 1') > 0",
    "fetch_tables": "SELECT ext.fetch_tables('{t}')",
    "sync_diff": "SELECT ext.sync_diff('t', '{\"id\": 2}'::jsonb)",
    "get_tables": "SELECT ext.get_tables('{public}')",
    "get_insert_data": "SELECT ext.get_insert_data('t', '{\"id\": 1}')",
}


def program(name, *args):
    """Runs one of the server's programs."""
    subprocess.run([f"{BINDIR}/{name}", *args], check=True,
                   stdout=subprocess.DEVNULL)


def database(name, statements=""):
    """A new database, and a connection to it."""
    conn = connect(dbname="postgres")
    conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    conn.execute(f"CREATE DATABASE {name}")
    conn.close()
    conn = connect(dbname=name)
    if statements:
        conn.execute(statements)
    return conn


def state_of(conn, statement):
    """The SQLSTATE that a statement ends with."""
    try:
        conn.execute(statement)
        return "00000"
    except psycopg.Error as error:
        return error.sqlstate


FILLED = """
CREATE SCHEMA ext;
CREATE EXTENSION pgsync SCHEMA ext;
CREATE TABLE t (id serial PRIMARY KEY, name text, doc jsonb);
SELECT ext.insert_many('t', '[{"name": "a", "doc": {"x": 1}},
    {"name": "b"}, {"name": null}]');
CREATE VIEW size AS SELECT ext.fetch_count('t') AS rows;
CREATE FUNCTION add(name text) RETURNS bigint LANGUAGE sql
    AS $$ SELECT ext.insert_many('t', jsonb_build_object('name', name)) $$;
"""


def dump_and_restore():
    """A dump holds CREATE EXTENSION, the caller's objects, and the rows."""
    conn = database("life_dumped", FILLED)
    dump = f"{WORK}/life.dump"
    program("pg_dump", "-Fc", "-f", dump, "life_dumped")
    restored = database("life_restored")
    program("pg_restore", "--exit-on-error", "-d", "life_restored", dump)
    rows = "SELECT array_agg(t::text ORDER BY id) FROM t"
    check(scalar(conn, rows) == scalar(restored, rows),
          "dump and restore: the same rows")
    check(scalar(restored, "SELECT rows FROM size") == 3
          and scalar(restored, "SELECT add('c')") == 1,
          "dump and restore: views and functions that call pgsync work")
    text = subprocess.run([f"{BINDIR}/pg_restore", "-f", "-", dump],
                          check=True, stdout=subprocess.PIPE, text=True).stdout
    check("CREATE EXTENSION" in text
          and text.count("CREATE FUNCTION") == 1,
          "dump: the extension as one, none of its functions by itself")
    conn.close()
    restored.close()


MEMBERS = """SELECT array_agg(member ORDER BY member) FROM (
    SELECT pg_describe_object(classid, objid, 0) AS member
    FROM pg_depend WHERE deptype = 'e' AND refobjid =
    (SELECT oid FROM pg_extension WHERE extname = 'pgsync')) AS members"""


def schemas_and_updates():
    """Any schema, moved to another; every version updated to the newest."""
    conn = database("life_moved", FILLED)
    conn.execute('CREATE SCHEMA "Odd ""name"')
    conn.execute('ALTER EXTENSION pgsync SET SCHEMA "Odd ""name"')
    check(scalar(conn, 'SELECT "Odd ""name".insert_one(\'t\','
                       ' \'{"name": "z"}\', \'{name}\')') == {"name": "z"}
          and scalar(conn, "SELECT rows FROM size") == 4,
          "ALTER EXTENSION SET SCHEMA: functions and views on them work")
    conn.close()
    conn = database("life_updated", "CREATE EXTENSION pgsync")
    newest = scalar(conn, MEMBERS)
    versions = [row[0] for row in conn.execute(
        "SELECT version FROM pg_available_extension_versions"
        " WHERE name = 'pgsync'")]
    for version in versions:
        conn.execute("DROP EXTENSION pgsync")
        conn.execute(f"CREATE EXTENSION pgsync VERSION '{version}'")
        conn.execute("ALTER EXTENSION pgsync UPDATE")
        check(scalar(conn, MEMBERS) == newest,
              f"ALTER EXTENSION UPDATE from {version}")
    conn.close()


def drop_extension():
    """DROP EXTENSION minds what depends on it and leaves nothing."""
    conn = database("life_dropped", FILLED)
    check(state_of(conn, "DROP EXTENSION pgsync") == "2BP01",
          "DROP EXTENSION is refused while a view depends on it")
    conn.execute("DROP EXTENSION pgsync CASCADE")
    check(scalar(conn, "SELECT count(*) FROM pg_proc WHERE probin LIKE"
                       " '%pgsync%'") == 0
          and scalar(conn, "SELECT count(*) FROM pg_class WHERE relname ="
                           " 'size'") == 0
          and scalar(conn, "SELECT count(*) FROM t") == 3,
          "DROP EXTENSION CASCADE takes the view and no table")
    conn.execute("CREATE EXTENSION pgsync SCHEMA ext")
    check(scalar(conn, "SELECT add('again')") == 1,
          "CREATE EXTENSION again, in the same session")
    conn.close()


def second_server(folder):
    """Starts a server on a data directory of the part's, in its socket
    directory of its own."""
    os.makedirs(f"{WORK}/{folder}_socket", exist_ok=True)
    with open(f"{WORK}/{folder}/postgresql.auto.conf", "a",
              encoding="ascii") as file:
        file.write(f"unix_socket_directories = '{WORK}/{folder}_socket'\n"
                   "listen_addresses = ''\n")
    subprocess.run([f"{BINDIR}/pg_ctl", "-D", f"{WORK}/{folder}", "-w", "-l",
                    f"{WORK}/{folder}.log", "-o",
                    f"-p {os.environ['PGPORT']}", "start"],
                   check=True, stdout=subprocess.DEVNULL)
    return f"{WORK}/{folder}_socket"


def stop(folder):
    """Ends such a server."""
    program("pg_ctl", "-D", f"{WORK}/{folder}", "-m", "fast", "-w", "stop")


def wait_until(conn, query, expected):
    """Waits for a query's answer; whether it came."""
    for _ in range(300):
        if scalar(conn, query) == expected:
            return True
        time.sleep(0.1)
    return False


def standby():
    """Readers work on a standby, writers refuse, and work once promoted."""
    conn = database("life_primary", FILLED)
    with open(f"{WORK}/life.csv", "w", encoding="ascii") as file:
        file.write("id\n107\n")
    program("pg_basebackup", "-D", f"{WORK}/standby", "-R", "-X", "stream",
            "-c", "fast")
    socket = second_server("standby")
    replica = connect(host=socket, dbname="life_primary")
    conn.execute("SELECT ext.insert_many('t', '[{\"name\": \"later\"}]')")
    check(wait_until(replica, "SELECT ext.fetch_count('t')", 4),
          "standby: rows of insert_many arrive")
    for name, statement in READERS.items():
        check(conn.execute(statement).fetchall()
              == replica.execute(statement).fetchall(),
              f"standby: {name} as on the primary")
    for name, statement in WRITERS.items():
        check(state_of(replica, statement) == "25006",
              f"standby: {name} refuses (25006)")
    program("pg_ctl", "-D", f"{WORK}/standby", "-w", "promote")
    for name, statement in WRITERS.items():
        check(state_of(replica, statement) == "00000",
              f"promoted: {name} works")
    replica.close()
    conn.close()
    stop("standby")


def logical_replication():
    """What is inserted, updated, deleted and cleaned arrives at a subscriber."""
    tables = """CREATE TABLE t (id serial PRIMARY KEY, name text, doc jsonb);
        CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t);"""
    conn = database("life_published", "CREATE EXTENSION pgsync; " + tables
                    + "CREATE PUBLICATION life FOR ALL TABLES;")
    program("initdb", "-D", f"{WORK}/subscriber", "-U", "postgres", "-A",
            "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    socket = second_server("subscriber")
    replica = connect(host=socket, dbname="postgres")
    replica.execute(tables)
    replica.execute(f"""CREATE SUBSCRIPTION life CONNECTION
        'host={os.environ["PGHOST"]} port={os.environ["PGPORT"]}
        user=postgres dbname=life_published' PUBLICATION life""")
    steps = {
        "insert_many": """SELECT insert_many('t', (SELECT jsonb_agg(
            jsonb_build_object('name', 'n' || i)) FROM
            generate_series(1, 5000) i))""",
        "upsert_many": """SELECT upsert_many('t', '[{"id": 1, "name": "up"},
            {"id": 9000, "doc": {"a": 1}}]'::text)""",
        "update_many": """SELECT update_many('t', '[{"id": 3, "name": "x"},
            {"id": 2, "doc": {"a": 2}}]'::text)""",
        "delete_many": "SELECT delete_many('t', '[5, 7, 6]')",
        "sync_many": """SELECT sync_many('t', (SELECT jsonb_agg(jsonb_build_object(
            'id', i, 'name', 'm' || i % 3)) FROM
            generate_series(1, 5500, 2) i))""",
        "insert_csv_text": "SELECT insert_csv_text('t', E'id,name\\n9001,c')",
        "insert_one": "SELECT insert_one('child', '{\"id\": 1, \"t\": 1}')",
        "clean_tables": "SELECT clean_tables('{child}')",
        "clean_tables, cascade": "SELECT clean_tables('{t}')",
        "insert_returning": "SELECT insert_returning('t', '{\"id\": 1}')",
    }
    digest = """SELECT (SELECT array_agg(t::text ORDER BY id) FROM t)::text
        || coalesce((SELECT array_agg(c::text ORDER BY id) FROM child c)::text,
                    '')"""
    for name, statement in steps.items():
        conn.execute(statement)
        check(wait_until(replica, digest, scalar(conn, digest)),
              f"logical replication: {name}")
    replica.execute("DROP SUBSCRIPTION life")
    replica.close()
    conn.close()
    stop("subscriber")


def main():
    """All of it."""
    dump_and_restore()
    schemas_and_updates()
    drop_extension()
    standby()
    logical_replication()
    finish(True)


if __name__ == "__main__":
    main()
