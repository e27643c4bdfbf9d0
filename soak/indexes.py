"""Index entries placed a leaf at a time (pgsync.index_batches = auto).

Random tables, indexes and loads with both values of the setting: the rows, the
errors and the indexes' sizes must be the same.  Clients that load, update,
delete, vacuum and reindex the same tables at once keep accounts, while a
standby compares each page that it replays with the primary's
(wal_consistency_checking) and serves reads; at the end it is promoted.  The
server is killed in the middle of loads.  amcheck looks at every table and
index after each of these.
"""

import collections
import json
import os
import random
import signal
import subprocess
import threading
import time

import psycopg

from common import (SEED, WORK, check, connect, finish, note, scalar, scaled,
                    server)

TABLES = 200                    # random ones
LOADS = 250                     # into each on average, of up to 2,500 rows
CLIENTS = 16
SECONDS = 1800
KILLS = 100
STAGES = os.environ.get("SOAK_STAGES",
                        "differential sizes clients kills").split()
RNG = random.Random(f"{SEED} indexes")

# Kinds of column: the type, and an expression of a random number n
COLUMNS = [
    ("int", "n"), ("int", "n % 10"), ("int", "nullif(n % 50, 7)"),
    ("smallint", "n % 1000"), ("bigint", "n * 1000003::bigint"),
    ("text", "'t' || n"), ("text", "'t' || n % 20"),
    ("text", "repeat('long ', n % 60) || n"),
    ('text COLLATE "C"', "'Äa' || n % 3000"),
    ("varchar(20)", "nullif('v' || n % 30, 'v3')"),
    ("numeric", "n / 7.0"), ("float8", "sqrt(n)"), ("boolean", "n % 3 = 0"),
    ("uuid", "md5(n::text)::uuid"), ("date", "'2024-01-01'::date + n % 500"),
    ("timestamptz", "to_timestamp(n)"), ("bytea", r"('\x' || md5(n::text))::bytea"),
    ("char(8)", "n % 1000"), ("jsonb", "jsonb_build_object('n', n % 100)"),
    ("int[]", "ARRAY[n % 5, n]"), ("name", "'n' || n % 100"),
    ("oid", "n::text::oid"), ("inet", "'10.0.0.0'::inet + n % 10000"),
]


def broken(conn, schema, index_check="bt_index_parent_check(c.oid, true, true)"):
    """What amcheck says of a schema's tables and indexes; None if nothing."""
    try:
        conn.execute(f"""SELECT {index_check} FROM pg_class c
            JOIN pg_am a ON a.oid = c.relam AND amname = 'btree'
            JOIN pg_index i ON indexrelid = c.oid AND indisvalid
            WHERE c.relnamespace = '{schema}'::regnamespace
            AND c.relkind = 'i'""")
    except psycopg.Error as error:
        return str(error)
    row = conn.execute(f"""SELECT c.relname, v.* FROM pg_class c,
        verify_heapam(c.oid) v WHERE c.relkind = 'r'
        AND c.relnamespace = '{schema}'::regnamespace LIMIT 1""").fetchone()
    return row and str(row)


# ---- random tables and loads, by both settings

class Case:
    """One random table, in two copies."""

    def __init__(self, conn, number):
        self.conn = conn
        self.rng = random.Random(f"{SEED} table {number}")
        self.columns = self.rng.choices(COLUMNS, k=self.rng.randrange(1, 5))
        self.ddl = self.table()

    def table(self):
        """Statements that make the table "t"."""
        rng = self.rng
        names = [f"c{i}" for i in range(len(self.columns))]
        columns = ", ".join(f"{name} {kind}" for name, (kind, _)
                            in zip(names, self.columns))
        kind = rng.choice(("", "", "", "", "UNLOGGED"))
        key = rng.choice(("", "PRIMARY KEY", "PRIMARY KEY", "UNIQUE",
                          "UNIQUE DEFERRABLE INITIALLY DEFERRED"))
        ddl = [f"CREATE {kind} TABLE t (id int {key}, {columns})"
               " WITH (autovacuum_enabled = off)"]
        for _ in range(rng.randrange(0, 4)):
            some = rng.sample(names, rng.randrange(1, len(names) + 1))
            keys = ", ".join(
                name + rng.choice(("", "", " DESC", " NULLS FIRST",
                                   " DESC NULLS LAST")) for name in some)
            include = [name for name in names if name not in some]
            ddl.append("CREATE INDEX ON t (" + keys + ")" + (
                f" INCLUDE ({include[0]})"
                if include and rng.random() < 0.2 else "") + rng.choice((
                    "", "", "", " WITH (deduplicate_items = off)",
                    " WITH (fillfactor = 60)")))
        ddl += rng.sample([
            "CREATE INDEX ON t (id DESC)",
            "CREATE UNIQUE INDEX ON t (id, c0)",
            "CREATE UNIQUE INDEX ON t (id DESC) INCLUDE (c0)",
            "CREATE UNIQUE INDEX ON t (c0, id) NULLS NOT DISTINCT",
            "CREATE UNIQUE INDEX ON t (c0)" if rng.random() < 0.2 else
            "CREATE INDEX ON t (c0)",
            "CREATE INDEX ON t (id) WHERE id % 3 = 0",
            "CREATE INDEX ON t ((id + 1))",
            "CREATE INDEX ON t USING hash (id)"],
            rng.choice((0, 0, 1, 1, 2)))
        return ddl

    def rows(self):
        """A query of rows to load."""
        rng = self.rng
        start = rng.choice((1, self.high, self.high, self.high,
                            rng.randrange(20000)))
        step = rng.choice((1, 1, 1, 2, 7))
        count = rng.choice((1, 5, 50, 300, 1200, 2500))
        self.high = max(self.high, start + step * count)
        order = rng.choice(("n", "n", "n", "n DESC", "md5(n::text)",
                            "n % 10, n"))
        twice = rng.choice((0, 0, 0, 0, 0, 0, 3))
        values = ", ".join(f"({value})::{kind} AS c{i}" for i, (kind, value)
                           in enumerate(self.columns))
        return (f"SELECT jsonb_agg(to_jsonb(r) ORDER BY {order.replace('n', 'id')})"
                f"::text FROM (SELECT n AS id, {values} FROM generate_series("
                f"{start}::int, {start + step * (count - 1)}, {step}) n"
                + (f" UNION ALL SELECT n, {values} FROM generate_series("
                   f"{start}::int, {start + 30}, {step * 10}) n"
                   if twice else "") + ") r")

    def calls(self):
        """Statements to run, one after the other."""
        rng = self.rng
        for _ in range(rng.choice((LOADS // 50, LOADS // 5, LOADS,
                                   LOADS * 14 // 5))):
            other = rng.random()
            rows = "(" + self.rows() + ")"
            if other < 0.7:
                more = rng.choice(("", "", "", ", 'ON CONFLICT DO NOTHING'"))
                yield f"SELECT insert_many('t', {rows}{more})"
            elif other < 0.75:
                yield (f"SELECT insert_many('t', {rows}, on_error =>"
                       " 'ignore')")
            elif other < 0.9:
                yield f"DELETE FROM t WHERE id % {rng.randrange(1, 9)} = 0"
            else:
                yield "VACUUM t"

    def run(self, setting):
        """What becomes of the calls with a setting, and the sizes."""
        self.rng = random.Random(f"{SEED} {' '.join(self.ddl)}")
        self.high = 1
        self.conn.execute("DROP SCHEMA IF EXISTS random CASCADE")
        self.conn.execute("CREATE SCHEMA random")
        self.conn.execute(f"SET pgsync.index_batches = {setting}")
        for statement in self.ddl:
            self.conn.execute(statement)
        said = []
        for call in self.calls():
            try:
                said.append((call, self.conn.execute(call).rowcount))
            except psycopg.Error as error:
                said.append((call, error.sqlstate, error.diag.message_primary,
                             error.diag.message_detail,
                             error.diag.context))
        rows = self.conn.execute("SELECT count(*), sum(hashtext(t::text)"
                                 "::bigint) FROM t").fetchone()
        sizes = dict(self.conn.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE"
            " relnamespace = 'random'::regnamespace AND relkind = 'i'"))
        return said, rows, sizes, broken(self.conn, "random")


def differential():
    """Random tables: the same with and without."""
    conn = connect()
    conn.execute("SET search_path = random, public; SET jit = off;"
                 " SET client_min_messages = error")
    done = refused = bad = unequal = 0
    pages = collections.Counter()
    for number in range(scaled(TABLES)):
        case = Case(conn, number)
        ours, plain = case.run("auto"), case.run("off")
        done += len(ours[0])
        refused += sum(len(call) > 2 for call in ours[0])
        if ours[0] != plain[0] or ours[1] != plain[1]:
            unequal += 1
            note(f"  {case.ddl}: " + next(
                (f"{one} {other}" for one, other in zip(ours[0], plain[0])
                 if one != other), "rows differ")[:2000])
        for result in (ours[3], plain[3]):
            if result:
                bad += 1
                note(f"  {case.ddl}: {result}")
        pages["auto"] += sum(ours[2].values()) // 8192
        pages["off"] += sum(plain[2].values()) // 8192
    note(f"{scaled(TABLES)} tables, {done} statements, {refused} of them"
         f" refused; indexes of {pages['auto']} pages, {pages['off']} without")
    check(not unequal, f"random tables: rows, errors and counts are the same"
          f" (seed {SEED})")
    check(not bad, "random tables: amcheck finds all sound")
    # loads that are refused leave fewer entries than by core: smaller is fine
    check(pages["auto"] <= 1.02 * pages["off"] + 4,
          "random tables: indexes at most 2 % larger")


def sizes():
    """Larger loads: the size of the indexes, at any scale of the part."""
    conn = connect()
    conn.execute("SET search_path = random, public")
    rows = 200_000
    for what, key in {"in order": "i", "in no order": "i * 7919 % 200003",
                      "in runs": "i % 100 * 100000 + i / 100"}.items():
        found = {}
        for setting in ("auto", "off"):
            conn.execute("DROP SCHEMA IF EXISTS random CASCADE;"
                         " CREATE SCHEMA random;"
                         " CREATE TABLE t (id int PRIMARY KEY, a text, b int);"
                         " CREATE INDEX ON t (a); CREATE INDEX ON t (b);"
                         " CREATE INDEX ON t (b, id)")
            conn.execute(f"SET pgsync.index_batches = {setting}")
            conn.execute(f"""SELECT insert_many('t', jsonb_agg(
                jsonb_build_object('id', {key}, 'a', 'a' || {key}, 'b',
                {key} % 1000) ORDER BY i)::text)
                FROM generate_series(1, {rows}) i""")
            found[setting] = conn.execute(
                "SELECT array_agg(pg_relation_size(indexrelid) ORDER BY"
                " indexrelid) FROM pg_index WHERE indrelid = 't'::regclass"
            ).fetchone()[0]
        ratio = sum(found["auto"]) / sum(found["off"])
        check(ratio <= 1.02, f"{rows} rows {what}: indexes at most 2 % larger"
              f" ({ratio:.3f}; each: " + ", ".join(
                  f"{ours / plain:.3f}" for ours, plain in
                  zip(found["auto"], found["off"])) + ")")


# ---- clients at once, and a standby

SETUP = """
DROP SCHEMA IF EXISTS together CASCADE;
CREATE SCHEMA together;
CREATE TABLE added (id bigserial PRIMARY KEY, client int, name text, n int)
    WITH (autovacuum_vacuum_scale_factor = 0.01);
CREATE INDEX ON added (client, name);
CREATE INDEX added_n ON added (n);
CREATE INDEX ON added (name DESC) INCLUDE (n);
CREATE TABLE keyed (key int PRIMARY KEY, client int, name text);
CREATE INDEX ON keyed (name);
CREATE TABLE two (key int PRIMARY KEY, other int UNIQUE, client int);
CREATE TABLE parted (key int, client int, PRIMARY KEY (key))
    PARTITION BY RANGE (key);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (20000);
CREATE TABLE parted_high PARTITION OF parted DEFAULT;
CREATE INDEX ON parted (client);
"""

EXPECTED = {"40001", "40P01", "23505"}


class Client(threading.Thread):
    """One session: what it has done, by its own account."""

    def __init__(self, number, until, standby):
        super().__init__()
        self.number = number
        self.until = until
        self.standby = standby
        self.rng = random.Random(f"{SEED} client {number}")
        self.did = collections.Counter()
        self.calls = collections.Counter()
        self.errors = collections.Counter()

    def run(self):
        self.conn = connect()
        self.conn.execute("SET search_path = together, public; SET jit = off;"
                          " SET pgsync.index_batches = auto;"
                          " SET client_min_messages = error")
        actions = 2 * [self.add, self.add_csv, self.load, self.load_new,
                       self.upsert, self.load_two, self.load_parted] + [
            self.delete, self.delete_keys, self.update, self.vacuum,
            self.bad_rows, self.look]
        if self.number == 0:
            actions.append(self.reindex)
        while time.monotonic() < self.until:
            if self.standby.is_behind.is_set():
                time.sleep(0.1)
                continue
            action = self.rng.choice(actions)
            did = collections.Counter()
            try:
                if action in (self.vacuum, self.reindex):
                    action(did)
                else:
                    self.transaction(action, did)
            except psycopg.Error as error:
                self.errors[action.__name__, error.sqlstate,
                            "" if error.sqlstate in EXPECTED
                            else str(error)] += 1
        self.conn.close()

    def transaction(self, action, did):
        """One call or two, at some isolation level, committed or not."""
        undo = self.rng.random() < 0.15
        with self.conn.transaction(force_rollback=undo):
            self.conn.execute("SET TRANSACTION ISOLATION LEVEL " +
                              self.rng.choice(("READ COMMITTED",
                                               "READ COMMITTED",
                                               "REPEATABLE READ",
                                               "SERIALIZABLE")))
            for _ in range(self.rng.choice((1, 1, 2))):
                action(did)
        self.calls[action.__name__] += 1
        if not undo:
            for name, count in did.items():
                self.did[name] += count

    def call(self, query, *args):
        return scalar(self.conn, query, *args)

    def keys(self, high=40000):
        """Keys, of which others have some."""
        start = self.rng.randrange(high)
        keys = list(range(start, start + self.rng.choice((5, 100, 900, 2500)),
                          self.rng.choice((1, 1, 5))))
        if self.rng.random() < 0.4:
            self.rng.shuffle(keys)
        return keys

    def add(self, did):
        rows = [{"client": self.number, "name": f"n{self.rng.randrange(1000)}",
                 "n": self.rng.randrange(50)}
                for _ in range(self.rng.choice((1, 10, 300, 1500)))]
        did["added"] += self.call("SELECT insert_many('added', %s::text)",
                                  json.dumps(rows))

    def add_csv(self, did):
        text = "client,n\n" + "".join(
            f"{self.number},{i % 7}\n"
            for i in range(self.rng.choice((10, 500, 1500))))
        did["added"] += self.call(
            "SELECT insert_csv_text('added', %s, on_conflict => NULL)", text)

    def rows(self):
        return json.dumps([{"key": key, "client": self.number,
                            "name": f"n{key % 500}"} for key in self.keys()])

    def load(self, did):
        """Keys that nobody has, or else an error."""
        keys = [key for key in self.keys()
                if self.rng.random() < 0.5 or key > 100]
        there = {key for key, in self.conn.execute(
            "SELECT key FROM keyed WHERE key = ANY(%s)", (keys,))}
        rows = [{"key": key, "client": self.number} for key in keys
                if key not in there]
        if rows:
            did["keyed"] += self.call("SELECT insert_many('keyed', %s::jsonb)",
                                      json.dumps(rows))

    def load_new(self, did):
        did["keyed"] += self.call(
            "SELECT insert_many('keyed', %s::text, 'ON CONFLICT DO NOTHING')",
            self.rows())

    def upsert(self, did):
        did["keyed"] += self.call(
            "SELECT inserted FROM upsert_many('keyed', %s::text, key_order =>"
            " true)", self.rows())

    def load_two(self, did):
        rows = [{"key": key, "other": self.rng.choice((key, 90000 - key)),
                 "client": self.number} for key in self.keys()]
        did["two"] += self.call(
            "SELECT insert_many('two', %s::text, 'ON CONFLICT DO NOTHING')",
            json.dumps(rows))

    def load_parted(self, did):
        rows = [{"key": key, "client": self.number} for key in self.keys()]
        did["parted"] += self.call(
            "SELECT insert_many('parted', %s::text, 'ON CONFLICT DO NOTHING')",
            json.dumps(rows))

    def bad_rows(self, did):
        did["keyed"] += self.call(
            "SELECT insert_many('keyed', %s::text, on_error => 'ignore')",
            self.rows())

    def delete(self, did):
        did["added"] -= self.conn.execute(
            "DELETE FROM added WHERE client = %s AND n % 3 = %s".replace(
                "n %", "n %%"),
            (self.number, self.rng.randrange(3))).rowcount

    def delete_keys(self, did):
        table = self.rng.choice(("keyed", "two", "parted"))
        start = self.rng.randrange(40000)
        did[table] -= self.conn.execute(
            f"DELETE FROM {table} WHERE key IN (SELECT key FROM {table} WHERE"
            " key BETWEEN %s AND %s ORDER BY key FOR UPDATE)",
            (start, start + self.rng.choice((50, 1000, 3000)))).rowcount

    def update(self, did):
        self.conn.execute("UPDATE added SET n = n + 1 WHERE client = %s"
                          " AND n = %s", (self.number, self.rng.randrange(50)))

    def look(self, did):
        """By index and by table: the same."""
        n = self.rng.randrange(50)
        query = "SELECT count(*), sum(id) FROM added WHERE n = %s"
        self.conn.execute("SET LOCAL enable_seqscan = off")
        by_index = self.conn.execute(query, (n,)).fetchone()
        self.conn.execute("SET LOCAL enable_seqscan = on;"
                          " SET LOCAL enable_indexscan = off;"
                          " SET LOCAL enable_bitmapscan = off;"
                          " SET LOCAL enable_indexonlyscan = off")
        level = self.call("SELECT current_setting('transaction_isolation')")
        by_table = self.conn.execute(query, (n,)).fetchone()
        if level != "read committed" and by_index != by_table:
            self.errors["look", "differs", f"{by_index} {by_table}"] += 1

    def vacuum(self, did):
        self.conn.execute("VACUUM " + self.rng.choice(
            ("added", "keyed", "two", "parted", "(FREEZE) keyed",
             "(INDEX_CLEANUP on) added")))

    def reindex(self, did):
        self.conn.execute("REINDEX INDEX CONCURRENTLY " + self.rng.choice(
            ("added_n", "keyed_pkey", "two_other_key", "added_pkey")))


class Standby:
    """A streaming standby of the part's server."""

    def __init__(self):
        self.folder = f"{WORK}/standby"
        self.socket = f"{WORK}/standby-socket"
        os.mkdir(self.socket)
        self.program("pg_basebackup", "-D", self.folder, "-R", "-X", "stream",
                     "-c", "fast", "-C", "-S", "standby")
        self.program("pg_ctl", "-D", self.folder, "-w", "-l",
                     f"{WORK}/standby.log", "-o",
                     f"-c unix_socket_directories={self.socket}"
                     f" -p {os.environ['PGPORT']}"
                     " -c hot_standby_feedback=on", "start")
        self.stop_reading = threading.Event()
        self.is_behind = threading.Event()
        self.reads = 0
        self.wrong = []

    def program(self, name, *args):
        subprocess.run([os.environ["PG_BINDIR"] + "/" + name, *args],
                       check=True, stdout=subprocess.DEVNULL)

    def connect(self):
        conn = connect(host=self.socket)
        conn.execute("SET search_path = together, public; SET jit = off")
        return conn

    def read(self):
        """Counts by index and by table, of one snapshot, until told."""
        conn = self.connect()
        while not self.stop_reading.is_set():
            try:
                with conn.transaction():
                    conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE"
                                 " READ; SET LOCAL enable_seqscan = off;"
                                 " SET LOCAL enable_bitmapscan = off")
                    query = "SELECT count(*), sum({}) FROM {} WHERE {} >= 0"
                    found = [conn.execute(query.format(key, table, key)
                                          ).fetchone()
                             for table, key in (("added", "n"),
                                                ("keyed", "key"),
                                                ("two", "other"))]
                    conn.execute("SET LOCAL enable_seqscan = on; SET LOCAL"
                                 " enable_indexscan = off; SET LOCAL"
                                 " enable_indexonlyscan = off")
                    again = [conn.execute(query.format(key, table, key)
                                          ).fetchone()
                             for table, key in (("added", "n"),
                                                ("keyed", "key"),
                                                ("two", "other"))]
                if found != again:
                    self.wrong.append(f"{found} {again}")
                self.reads += 1
            except (psycopg.errors.SerializationFailure,
                    psycopg.errors.QueryCanceled):
                pass
            time.sleep(0.05)
        conn.close()

    def watch(self):
        """Notes whether the standby is behind by more than is good: with
        wal_consistency_checking each record has a page with it."""
        conn = connect()
        while not self.stop_reading.is_set():
            behind = scalar(conn, "SELECT coalesce(max(pg_wal_lsn_diff("
                            "pg_current_wal_lsn(), replay_lsn)), 0)"
                            " FROM pg_stat_replication")
            if behind > 1_000_000_000:
                self.is_behind.set()
            elif behind < 200_000_000:
                self.is_behind.clear()
            time.sleep(0.2)
        conn.close()

    def caught_up(self, primary):
        """Waits until all that is there has been replayed."""
        end = scalar(primary, "SELECT pg_current_wal_flush_lsn()")
        conn = self.connect()
        for _ in range(6000):
            if scalar(conn, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn",
                      end):
                return True
            time.sleep(0.1)
        return False

    def promote(self):
        self.program("pg_ctl", "-D", self.folder, "-w", "promote")

    def stop(self):
        self.program("pg_ctl", "-D", self.folder, "-m", "immediate", "-w",
                     "stop")


def digests(conn):
    """The rows of all tables, in short."""
    return {table: conn.execute(
        f"SELECT count(*), sum(hashtext(t::text)::bigint) FROM {table} t"
    ).fetchone() for table in ("added", "keyed", "two", "parted")}


def clients():
    """Sixteen sessions at once: accounts, amcheck, and the standby."""
    conn = connect()
    conn.execute("SET search_path = together, public")
    conn.execute(SETUP)
    standby = Standby()
    helpers = [threading.Thread(target=standby.read),
               threading.Thread(target=standby.watch)]
    for helper in helpers:
        helper.start()
    until = time.monotonic() + scaled(SECONDS)
    all_clients = [Client(number, until, standby) for number in range(CLIENTS)]
    for client in all_clients:
        client.start()
    for client in all_clients:
        client.join()
    did, calls, errors = ({}, collections.Counter(), collections.Counter())
    for client in all_clients:
        calls += client.calls
        errors += client.errors
        for name, count in client.did.items():
            did[name] = did.get(name, 0) + count
    note(f"{CLIENTS} clients, {scaled(SECONDS)} s, {sum(calls.values())}"
         " transactions: " + ", ".join(f"{name} {count}" for name, count
                                       in sorted(calls.items())))
    unexpected = 0
    for (name, state, text), count in sorted(errors.items(), key=str):
        note(f"  {name}: {state} {text} ({count} times)")
        unexpected += count * (state not in EXPECTED)
    check(not unexpected, f"{unexpected} errors other than duplicate keys,"
          " serialization failures and deadlocks")
    for table in ("added", "keyed", "two", "parted"):
        there = scalar(conn, f"SELECT count(*) FROM {table}")
        check(there == did.get(table, 0), f"{table}: {did.get(table, 0)} by"
              f" the clients' account, {there} in the table")
    result = broken(conn, "together")
    check(not result, f"clients: amcheck finds all sound {result or ''}")
    promoted(conn, standby, helpers)


def promoted(conn, standby, helpers):
    """Ends with the standby: it has all, and is sound when promoted."""
    check(standby.caught_up(conn), "standby: has replayed everything, each"
          " page as on the primary (wal_consistency_checking)")
    standby.stop_reading.set()
    for helper in helpers:
        helper.join()
    check(standby.reads > 0 and not standby.wrong,
          f"standby: {standby.reads} reads by index and by table, the same"
          f" {standby.wrong[:3] or ''}")
    replica = standby.connect()
    check(digests(conn) == digests(replica), "standby: the same rows")
    result = broken(replica, "together", "bt_index_check(c.oid, true)")
    check(not result, f"standby: amcheck finds all sound {result or ''}")
    standby.promote()
    result = broken(replica, "together")
    check(not result, f"promoted: amcheck finds all sound {result or ''}")
    replica.execute("SET pgsync.index_batches = auto")
    replica.execute("SELECT insert_many('added', jsonb_agg("
                    "jsonb_build_object('n', i))) FROM"
                    " generate_series(1, 5000) i")
    result = broken(replica, "together")
    check(not result, f"promoted: a load, and all is sound {result or ''}")
    replica.close()
    standby.stop()
    conn.execute("SELECT pg_drop_replication_slot('standby')")


# ---- kills

KILLED = """
DROP SCHEMA IF EXISTS killed CASCADE;
CREATE SCHEMA killed;
CREATE TABLE t (id int PRIMARY KEY, load int, name text, n int);
CREATE INDEX ON t (name);
CREATE INDEX ON t (n, load DESC) INCLUDE (name);
"""

LOAD = """SELECT insert_many('t', jsonb_agg(jsonb_build_object('id', i,
    'load', %s::int, 'name', md5(i::text), 'n', i % 100))::text{clause})
    FROM generate_series(%s::int, %s::int) i""".replace("% 100", "%% 100")


class Loader(threading.Thread):
    """Loads batch after batch until its server is killed."""

    def __init__(self, number, first):
        super().__init__()
        self.number = number
        self.next = first
        self.committed = []
        self.doubtful = None

    def run(self):
        clause = ", 'ON CONFLICT DO NOTHING'" if self.number % 2 else ""
        try:
            conn = connect()
            conn.execute("SET search_path = killed, public;"
                         " SET pgsync.index_batches = auto")
            while True:
                load = self.next
                self.doubtful = load
                conn.execute(LOAD.format(clause=clause),
                             (load, load * 3000, load * 3000 + 2999))
                self.committed.append(load)
                self.doubtful = None
                self.next += 4
        except psycopg.OperationalError:
            pass


def kill_postmaster():
    """kill -9 of the postmaster and all its children."""
    with open(os.environ["PGDATA"] + "/postmaster.pid", encoding="ascii") as f:
        postmaster = int(f.readline())
    # stopped, it has no more children while they are counted
    os.kill(postmaster, signal.SIGSTOP)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postmaster)],
                              capture_output=True, text=True, check=True)
    for pid in [postmaster, *map(int, children.stdout.split())]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for _ in range(100):
        time.sleep(0.1)
        try:
            # recovery compares each page that it replays
            server("start", "-t", "900")
            return
        except subprocess.CalledProcessError:
            continue
    with open(WORK + "/server.log", encoding="utf-8") as log:
        note("".join(log.readlines()[-20:]))
    raise RuntimeError("the server did not start again")


def kills():
    """Kills in the middle of loads: what is committed is there, and sound."""
    conn = connect()
    conn.execute("SET search_path = killed, public")
    conn.execute(KILLED)
    conn.execute("CHECKPOINT")
    conn.close()
    firsts = list(range(4))
    bad = cut = 0
    for number in range(scaled(KILLS)):
        loaders = [Loader(i, firsts[i]) for i in range(4)]
        for loader in loaders:
            loader.start()
        time.sleep(RNG.uniform(0.1, 1.0))
        kill_postmaster()
        conn = connect()
        conn.execute("SET search_path = killed, public")
        there = {load: count for load, count in conn.execute(
            "SELECT load, count(*) FROM t GROUP BY load")}
        for i, loader in enumerate(loaders):
            loader.join()
            missing = [load for load in loader.committed
                       if there.get(load) != 3000]
            half = (loader.doubtful is not None and
                    there.get(loader.doubtful, 0) not in (0, 3000))
            cut += loader.doubtful is not None
            if missing or half:
                bad += 1
                note(f"  kill {number}: {missing} {loader.doubtful}")
            firsts[i] = loader.next + 4
        result = broken(conn, "killed")
        if result:
            bad += 1
            note(f"  kill {number}: {result}")
        if sum(there.values()) > 600_000:
            conn.execute("TRUNCATE t")
        conn.close()
    note(f"{scaled(KILLS)} kills, {cut} loads cut off")
    check(not bad, "kills: what was committed is there, all of it, and sound")
    check(cut > 0, "kills: loads were cut off")


def main():
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    conn.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
    conn.execute("CREATE SCHEMA IF NOT EXISTS random")
    conn.close()
    for stage in STAGES:
        {"differential": differential, "sizes": sizes, "clients": clients,
         "kills": kills}[stage]()
    finish(True)


if __name__ == "__main__":
    main()
