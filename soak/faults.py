"""Faults in the middle of every writing function.

A call must have done all of its work or none, whatever ends it: kill -9 of
its backend or of the postmaster, a cancel, statement_timeout, a full disk, or
too little memory.  After each fault the tables' contents are compared with
those before the call and after a whole one, and at the end of each kind
indexes and heaps are checked by amcheck.
"""

import os
import random
import resource
import signal
import subprocess
import threading
import time

import psycopg

from common import (SEED, WORK, check, connect, finish, note, scalar, scaled,
                    server)

BACKEND_KILLS = 4
POSTMASTER_KILLS = 2
CANCELS = 1_000
RNG = random.Random(SEED)

SETUP = """
DROP SCHEMA IF EXISTS faults CASCADE;
DROP SCHEMA IF EXISTS faults_saved CASCADE;
CREATE SCHEMA faults;
SET search_path = faults, public;
CREATE TABLE plain (id int PRIMARY KEY, name text, doc jsonb);
CREATE INDEX ON plain (name);
CREATE TABLE slow (LIKE plain INCLUDING ALL);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER before BEFORE INSERT ON slow FOR EACH ROW
    EXECUTE FUNCTION nothing();
CREATE TABLE parted (LIKE plain INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE part0 PARTITION OF parted FOR VALUES FROM (0) TO ({half});
CREATE TABLE part1 PARTITION OF parted FOR VALUES FROM ({half}) TO (1000000);
CREATE TABLE merged (LIKE plain INCLUDING ALL);
INSERT INTO merged SELECT 2 * i, 'old', '{{"old": 1}}'
    FROM generate_series(1, {rows}) i;
CREATE TABLE loaded (id int PRIMARY KEY, name text UNIQUE);
CREATE DOMAIN picked AS text CHECK (VALUE NOT LIKE '%13');
CREATE TABLE picky (id int PRIMARY KEY, name picked, doc jsonb,
    CHECK (id % 50 <> 7));
CREATE TABLE refused (row_number bigint, data text, message text);
CREATE TABLE few (id serial PRIMARY KEY, name text);
INSERT INTO few (name) VALUES ('a'), ('b');
CREATE TABLE many (id serial PRIMARY KEY, few int REFERENCES few, name text);
INSERT INTO many (few, name) SELECT 1, i::text
    FROM generate_series(1, {rows}) i;
CREATE TABLE feed AS
SELECT string_agg(format('{{"id": %s, "name": "name %s", "doc": {{"x": %s}}}}',
                         i, i, i), E'\\n') AS lines,
       jsonb_agg(jsonb_build_object('id', i, 'name', 'name ' || i,
                                    'doc', jsonb_build_object('x', i))) AS j,
       E'id,name\\n' || string_agg(i || ',"name ' || i || '"', E'\\n') AS csv
FROM generate_series(1, {rows}) i;
CREATE TABLE seeded (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE seeded_down (id int PRIMARY KEY, up int REFERENCES seeded);
INSERT INTO seeded (name) SELECT i::text FROM generate_series(1, {rows}) i;
INSERT INTO seeded_down SELECT i, i FROM generate_series(1, {rows}) i;
SELECT save_tables(ARRAY['seeded', 'seeded_down'], 'faults_saved');
DELETE FROM seeded_down WHERE id % 10 = 0;
UPDATE seeded SET name = 'changed ' || id;
"""

# What is called, and whose contents tell whether it was done.
CALLS = {
    "insert_many text": ("SELECT insert_many('plain', lines) FROM feed",
                         ["plain"]),
    "insert_many json": ("SELECT insert_many('plain', j::json) FROM feed",
                         ["plain"]),
    "insert_many jsonb": ("SELECT insert_many('plain', j) FROM feed",
                          ["plain"]),
    "insert_many, statement sink": (
        "SELECT insert_many('slow', lines) FROM feed", ["slow"]),
    "insert_many, partitions": (
        "SELECT insert_many('parted', lines) FROM feed", ["parted"]),
    "insert_many, ON CONFLICT": (
        "SELECT insert_many('merged', lines, 'ON CONFLICT (id) DO UPDATE"
        " SET name = EXCLUDED.name') FROM feed", ["merged"]),
    "insert_many, bad rows": (
        "SELECT insert_many('picky', lines, on_error => 'ignore',"
        " error_table => 'refused') FROM feed", ["picky", "refused"]),
    "upsert_many, bad rows": (
        "SELECT u.* FROM feed, upsert_many('picky', j, on_error => 'ignore',"
        " error_table => 'refused') u", ["picky", "refused"]),
    "upsert_many, bad rows, in order": (
        "SELECT u.* FROM feed, upsert_many('picky', lines, key_order => true,"
        " on_error => 'ignore', error_table => 'refused') u",
        ["picky", "refused"]),
    "insert_many, rows that come twice": (
        "SELECT insert_many('picky', lines || E'\\n' || lines,"
        " on_error => 'ignore', error_table => 'refused') FROM feed",
        ["picky", "refused"]),
    "insert_one": ("SELECT insert_one('plain', r, '{*}')"
                   " FROM feed, jsonb_array_elements(j) r", ["plain"]),
    "insert_returning": ("SELECT count(*) FROM feed,"
                         " insert_returning('plain', j)", ["plain"]),
    "upsert_many": ("SELECT u.* FROM feed, upsert_many('merged', j,"
                    " merge_columns => '{doc}') u", ["merged"]),
    "upsert_many, quiet": ("SELECT u.* FROM feed, upsert_many('merged', j,"
                           " skip_unchanged => true, key_order => true) u",
                           ["merged"]),
    "upsert_returning": ("SELECT count(*) FROM feed,"
                         " upsert_returning('merged', j) u", ["merged"]),
    "update_many": ("SELECT u.* FROM feed, update_many('merged', j) u",
                    ["merged"]),
    "update_many, sets of columns": ("""
        SELECT u.* FROM (SELECT jsonb_agg(CASE WHEN n % 2 = 0 THEN r - 'doc'
                             ELSE r - 'name' END ORDER BY n DESC) AS j
                         FROM feed, jsonb_array_elements(j)
                             WITH ORDINALITY e (r, n)) f,
            update_many('merged', j, merge_columns => '{doc}') u""",
                                     ["merged"]),
    "delete_many": ("SELECT delete_many('merged', j) FROM feed", ["merged"]),
    "sync_many": ("SELECT s.* FROM feed, sync_many('merged', lines) s",
                  ["merged"]),
    "insert_csv_text": ("SELECT insert_csv_text('loaded', csv) FROM feed",
                        ["loaded"]),
    "insert_csv": (f"SELECT insert_csv('loaded', '{WORK}/faults.csv')",
                   ["loaded"]),
    "insert_tables": ("SELECT t.* FROM feed, insert_tables("
                      "jsonb_build_object('slow', j, 'plain', j)) t",
                      ["plain", "slow"]),
    "from_json_file": (f"SELECT insert_many('plain', from_json_file("
                       f"'{WORK}/faults.json'))", ["plain"]),
    "from_csv_file": (f"SELECT insert_many('loaded', from_csv_file("
                      f"'{WORK}/faults.csv', transforms => '{{\"name\":"
                      " \"upper(v)\"}'))", ["loaded"]),
    "from_query": ("SELECT insert_many('loaded', from_query('SELECT i AS id,"
                   " md5(i::text) AS name FROM generate_series(1000001,"
                   " 1040000) i'))", ["loaded"]),
    "clean_tables": ("SELECT clean_tables('{few}')", ["few", "many"]),
    "restore_tables": ("SELECT restore_tables('faults_saved')",
                       ["seeded", "seeded_down"]),
    "save_tables": ("SELECT save_tables('{seeded,seeded_down}',"
                    " 'faults_saved')", ["faults_saved.seeded"]),
}

READS = {
    "fetch_all": "SELECT count(*) FROM fetch_all('SELECT * FROM faults.many')",
    "fetch_one": "SELECT fetch_one('SELECT count(*) FROM faults.many,"
                 " faults.few')",
    "fetch_json": "SELECT length(fetch_json('SELECT * FROM faults.many')::text)",
    "fetch_count": "SELECT fetch_count('many', 'name LIKE ''%1%''')",
    "fetch_tables": "SELECT length(fetch_tables('{many,few}')::text)",
    "sync_diff": "SELECT count(*) FROM feed, sync_diff('merged', j)",
    "get_tables": "SELECT get_tables('{faults,pg_catalog}')",
    "set_seq_max": "SELECT set_seq_max('many_id_seq', 'many')",
    "set_seqs_max": "SELECT count(*) FROM set_seqs_max('{many,few}')",
    "get_insert_data": "SELECT length((get_insert_data('plain', j)).values"
                       "::text) FROM feed",
}


def session():
    """A connection that sees the tables; the server may be restarting."""
    while True:
        conn = connect()
        try:
            conn.execute("SET search_path = faults, public; SET jit = off")
            return conn
        except psycopg.OperationalError:
            time.sleep(0.1)


def set_up(rows):
    """Makes the tables, for calls of so many rows."""
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    conn.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
    conn.execute(SETUP.format(rows=rows, half=rows // 2))
    conn.execute("VACUUM ANALYZE")
    with open(f"{WORK}/faults.csv", "w", encoding="utf-8") as file:
        file.write(scalar(conn, "SELECT csv FROM faults.feed"))
    with open(f"{WORK}/faults.json", "w", encoding="utf-8") as file:
        file.write(scalar(conn, "SELECT lines FROM faults.feed"))
    conn.close()


def contents(conn, tables):
    """A digest of the tables' rows."""
    return [conn.execute(
        f"SELECT count(*), sum(hashtext(t::text)::bigint) FROM {table} t"
    ).fetchone() for table in tables]


def whole_call(conn, statement, tables):
    """The tables' digest after the call, undone, and its seconds."""
    with conn.transaction(force_rollback=True):
        start = time.perf_counter()
        conn.execute(statement)
        seconds = time.perf_counter() - start
        after = contents(conn, tables)
    return after, seconds


def accounts(rows):
    """Whether all rows are either stored or refused, whatever is refused."""
    conn = session()
    for name, (statement, tables) in CALLS.items():
        if tables != ["picky", "refused"]:
            continue
        (stored, _), (refused, _) = whole_call(conn, statement, tables)[0]
        # what has been undone still takes room
        conn.execute("VACUUM (TRUNCATE) picky, refused")
        given = rows * statement.count("lines || ") + rows
        check(stored + refused == given and 0 < refused < given,
              f"{name}: {stored} rows stored and {refused} refused, of {given}")
    conn.close()


def sound(conn):
    """Whether amcheck finds nothing wrong in any table or index."""
    conn.execute("""SELECT bt_index_check(indexrelid, true) FROM pg_index
        JOIN pg_class c ON c.oid = indexrelid
        WHERE c.relnamespace = 'faults'::regnamespace AND c.relkind = 'i'""")
    return scalar(conn, """SELECT count(*) FROM pg_class c,
        verify_heapam(c.oid) WHERE c.relkind = 'r'
        AND c.relnamespace = 'faults'::regnamespace""") == 0


def kill_backend(pid):
    """kill -9 of one backend: the postmaster ends and restarts all."""
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)


def kill_postmaster(pid):
    """kill -9 of the postmaster, then of the backend, which would go on to
    the end of its statement; other children end by themselves."""
    with open(os.environ["PGDATA"] + "/postmaster.pid", encoding="ascii") as f:
        postmaster = int(f.readline())
    os.kill(postmaster, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    for _ in range(100):
        time.sleep(0.1)
        try:
            server("start")
            return
        except subprocess.CalledProcessError:
            continue
    raise RuntimeError("the server did not start again")


def kill_during(statement, delay, kill):
    """Runs a statement and kills it after a while; whether it was cut off."""
    conn = session()
    pid = conn.info.backend_pid
    ended = []

    def run():
        try:
            conn.execute(statement)
        except psycopg.OperationalError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(delay)
    alive = thread.is_alive()
    kill(pid)
    thread.join()
    conn.close()
    return alive and bool(ended)


def kills(what, kill, rounds):
    """Kills in the middle of each writing function."""
    cut = done = 0
    halves = []
    for name, (statement, tables) in CALLS.items():
        for _ in range(rounds):
            conn = session()
            before = contents(conn, tables)
            after, seconds = whole_call(conn, statement, tables)
            conn.close()
            was_cut = kill_during(
                statement, RNG.uniform(0.05, 0.95) * seconds, kill)
            conn = session()
            now = contents(conn, tables)
            cut += was_cut
            done += 1
            if now not in (before, after):
                halves.append(f"{name}: {before} {now} {after}")
            if not sound(conn):
                halves.append(f"{name}: amcheck")
            if now != before:
                conn.close()
                set_up(KILL_ROWS)
            else:
                conn.close()
    note(f"{what}: {done} kills, {cut} of them in the middle of a call")
    for half in halves:
        note("  " + half)
    check(not halves, f"{what}: every one of {done} calls all or nothing,"
          " amcheck sound")
    check(cut > done / 2, f"{what}: most kills came in the middle of a call")
    conn = session()
    check(temporary_files() == 0, f"{what}: no temporary file left")
    conn.close()


def temporary_files():
    """How many temporary files there are."""
    folder = os.environ["PGDATA"] + "/base/pgsql_tmp"
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0


def interrupt(conn, statement, seconds, by_timeout):
    """Runs a statement that is interrupted at a random moment; its error."""
    delay = RNG.uniform(0, 1.1) * seconds
    timer = threading.Timer(delay, conn.cancel)
    if by_timeout:
        conn.execute("SELECT set_config('statement_timeout', %s, false)",
                     (f"{max(1, int(delay * 1000))}ms",))
    else:
        timer.start()
    try:
        conn.execute(statement)
        return None
    except psycopg.errors.QueryCanceled as error:
        return error.sqlstate
    except psycopg.Error as error:
        return error.sqlstate
    finally:
        timer.cancel()
        if timer.ident:
            timer.join()


def settle(conn):
    """Swallows a cancel that came after its statement had ended."""
    for _ in range(3):
        try:
            conn.execute("SELECT pg_sleep(0.001)")
            conn.execute("SET statement_timeout = 0")
            return
        except psycopg.errors.QueryCanceled:
            continue


def cancels(rounds):
    """Cancels and timeouts of every function, inside a savepoint."""
    conn = session()
    calls = [(name, *call) for name, call in CALLS.items()]
    calls += [(name, statement, []) for name, statement in READS.items()]
    known = {name: (contents(conn, tables), *whole_call(conn, statement,
                                                        tables))
             for name, statement, tables in calls}
    wrong = []
    cancelled = 0
    for number in range(rounds):
        name, statement, tables = calls[number % len(calls)]
        before, after, seconds = known[name]
        conn.execute("BEGIN; SAVEPOINT here")
        error = interrupt(conn, statement, seconds, RNG.random() < 0.5)
        if not error and not settle_in_transaction(conn):
            error = "57014"
        cancelled += error == "57014"
        if error:
            undo(conn)
        now = contents(conn, tables)
        if error not in (None, "57014") or now != (before if error else after):
            wrong.append(f"{name}: {error} {before} {now} {after}")
        conn.execute("ROLLBACK")
        settle(conn)
        if scalar(conn, "SELECT count(*) FROM pg_stat_progress_copy") or \
                scalar(conn, "SELECT count(*) FROM pg_locks WHERE locktype ="
                       " 'relation' AND relation >= 16384"):
            wrong.append(f"{name}: something left behind")
    note(f"{rounds} calls interrupted, {cancelled} of them before they ended")
    for each in wrong[:20]:
        note("  " + each)
    check(not wrong, f"{rounds} cancels and timeouts over {len(calls)} kinds"
          " of call: all or nothing, nothing left behind")
    check(cancelled > rounds / 4, "enough of them came in time")
    check(sound(conn), "amcheck after the cancels")
    conn.close()


def settle_in_transaction(conn):
    """The same in a transaction, where an error undoes the work: false if it
    has, as a timeout of a millisecond can hit a savepoint, too."""
    try:
        conn.execute("SAVEPOINT settled")
    except psycopg.errors.QueryCanceled:
        return False
    try:
        conn.execute("SELECT pg_sleep(0.001)")
        conn.execute("SET statement_timeout = 0")
    except psycopg.errors.QueryCanceled:
        undo(conn, "settled")
    return True


def undo(conn, savepoint="here"):
    """Goes back to a savepoint, however short the timeout still is."""
    while True:
        try:
            conn.execute(f"ROLLBACK TO {savepoint}")
            conn.execute("SET statement_timeout = 0")
            return
        except psycopg.errors.QueryCanceled:
            continue


def savepoints():
    """A call, taken back by its savepoint, then made again for good."""
    conn = session()
    wrong = []
    for name, (statement, tables) in CALLS.items():
        before = contents(conn, tables)
        after, _ = whole_call(conn, statement, tables)
        conn.execute("BEGIN; SAVEPOINT here")
        conn.execute(statement)
        done = contents(conn, tables)
        conn.execute("ROLLBACK TO here")
        undone = contents(conn, tables)
        conn.execute(statement)
        again = contents(conn, tables)
        conn.execute("ROLLBACK")
        if (done, undone, again) != (after, before, after):
            wrong.append(name)
    check(not wrong, f"{len(CALLS)} calls taken back by a savepoint and made"
          f" again {wrong or ''}")
    conn.close()


def outcomes(what, expected, statements):
    """Runs calls that should fail for want of something; none may crash."""
    conn = session()
    pid = conn.info.backend_pid
    seen = {}
    for name, statement in statements.items():
        try:
            conn.execute(statement)
            state = "00000"
        except psycopg.errors.OperationalError as error:
            state = error.sqlstate or "lost"
        except psycopg.Error as error:
            state = error.sqlstate
        seen.setdefault(state, []).append(name)
        if state == "lost":
            conn = session()
            pid = conn.info.backend_pid
    for state, names in seen.items():
        note(f"  {what}, {state}: {', '.join(names)}")
    good = set(seen) <= {"00000", expected} and expected in seen
    alive = scalar(conn, "SELECT pg_backend_pid()") == pid
    check(good and alive, f"{what}: {len(statements)} calls,"
          f" {len(seen.get(expected, []))} ended with {expected}, none"
          " with a crash")
    conn.close()


def full_disk():
    """Tables in a tablespace that has 1 MB left."""
    small = WORK + "/small"
    if not os.path.ismount(small):
        note("full disk: not run, it takes root to mount a small one")
        return
    set_up(40_000)
    conn = session()
    conn.execute(f"CREATE TABLESPACE small LOCATION '{small}'")
    before = {}
    for table in ("plain", "slow", "part0", "part1", "merged", "loaded",
                  "picky", "refused"):
        conn.execute(f"ALTER TABLE {table} SET TABLESPACE small")
        before[table] = contents(conn, [table])
    conn.execute("CREATE TABLE filler TABLESPACE small AS"
                 " SELECT repeat(md5(i::text), 30) FROM"
                 " generate_series(1, 8000) i")
    # what needs no room there is left out
    calls = {name: statement for name, (statement, _) in CALLS.items()
             if name not in ("clean_tables", "restore_tables", "save_tables",
                             "delete_many")}
    outcomes("full disk", "53100", calls)
    changed = [table for table, was in before.items()
               if contents(conn, [table]) != was]
    check(not changed, f"full disk: nothing half done {changed or ''}")
    check(sound(conn), "full disk: amcheck")
    conn.execute("DROP TABLE filler")
    conn.execute("VACUUM (TRUNCATE) plain, slow, parted, merged, loaded,"
                 " picky, refused")
    check(scalar(conn, "SELECT insert_many('plain', '{\"id\": 0}')") == 1,
          "full disk: goes on when there is room")
    # there may be more of them than there is room for
    conn.execute("ALTER TABLE refused SET TABLESPACE pg_default")
    accounts(40_000)
    conn.close()


def little_memory():
    """Big arguments with an address space of 600 MB."""
    set_up(40_000)
    conn = session()
    conn.execute("CREATE TABLE loose (LIKE plain)")
    conn.close()
    server("stop", "-m", "fast")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (600 << 20, limits[1]))
    server("start")
    resource.setrlimit(resource.RLIMIT_AS, limits)
    big = "(SELECT repeat(lines || E'\\n', 60) FROM feed)"
    wide = "repeat('x', 100000000)"
    outcomes("little memory", "53200", {
        "insert_many text": f"SELECT insert_many('loose', {big})",
        "insert_many json": "SELECT insert_many('plain',"
                            f" ('[\"' || {wide} || '\"]')::json)",
        "insert_many, wide": "SELECT insert_many('plain', '{\"id\": 0,"
                             f" \"name\": \"' || {wide} || '\"}}')",
        "insert_many, deep": "SELECT insert_many('plain', '{\"id\": 0,"
                             " \"doc\": [\"' || repeat('x\",\"', 30000000)"
                             " || '\"]}')",
        "insert_returning": "SELECT insert_returning('plain',"
                            f" jsonb_build_object('name', {wide}))",
        "insert_one": "SELECT insert_one('plain', jsonb_build_object('id', 0,"
                      f" 'name', {wide}), '{{*}}')",
        "upsert_many": f"SELECT upsert_many('merged', {big})",
        "update_many": f"SELECT update_many('merged', {big})",
        "delete_many": "SELECT delete_many('merged',"
                       f" jsonb_build_object('id', 0, 'name', {wide}))",
        "sync_many": "SELECT sync_many('plain', jsonb_build_object('id', 0,"
                     f" 'name', {wide}))",
        "sync_diff": "SELECT sync_diff('plain', jsonb_build_object('id', 0,"
                     f" 'name', {wide}))",
        "get_insert_data": "SELECT get_insert_data('plain',"
                           f" jsonb_build_object('name', {wide}))",
        "insert_csv_text": "SELECT insert_csv_text('loaded', E'id,name\\n0,'"
                           f" || {wide})",
        "fetch_all": f"SELECT fetch_all($$SELECT {wide}, {wide} AS b$$)",
        "fetch_one": f"SELECT fetch_one($$SELECT {wide} AS a, {wide} AS b$$)",
    })
    server("restart", "-m", "fast")


KILL_ROWS = max(20_000, scaled(40_000))


def main():
    """All kinds of fault, one after the other."""
    set_up(1_500)
    accounts(1_500)
    savepoints()
    cancels(scaled(CANCELS))
    set_up(KILL_ROWS)
    kills("kill -9 of a backend", kill_backend, scaled(BACKEND_KILLS))
    kills("kill -9 of the postmaster", kill_postmaster,
          scaled(POSTMASTER_KILLS))
    little_memory()
    full_disk()
    finish(True)


if __name__ == "__main__":
    main()
