"""Sixteen clients calling everything at once; the totals must add up.

Each client calls functions at random, on the same few tables, in transactions
of its own (some of them SERIALIZABLE, some rolled back), and keeps account of
what its committed calls said they did.  Rows that are updated are named in
order, or in none to functions that work in key order, so that no error but a
serialization failure is expected, and above all no deadlock.
"""

import collections
import json
import random
import threading
import time

import psycopg

from common import SEED, check, connect, finish, note, scalar, scaled

CLIENTS = 16
SECONDS = 180

SETUP = """
DROP SCHEMA IF EXISTS mixed, mixed_saved CASCADE;
CREATE SCHEMA mixed;
SET search_path = mixed, public;
CREATE TABLE added (id bigserial PRIMARY KEY, client int, name text);
CREATE TABLE counted (key int PRIMARY KEY, hits int NOT NULL DEFAULT 0,
    doc jsonb);
CREATE TABLE once (key int PRIMARY KEY, client int);
CREATE TABLE runs (key int PRIMARY KEY, client int);
CREATE TABLE parted (id bigserial, client int) PARTITION BY LIST (client);
CREATE TABLE parted_low PARTITION OF parted
    FOR VALUES IN (0, 1, 2, 3, 4, 5, 6, 7);
CREATE TABLE parted_high PARTITION OF parted DEFAULT;
CREATE TABLE sliced (slice int, key int, client int, PRIMARY KEY (key));
CREATE INDEX ON sliced (slice);
CREATE TABLE up (id serial PRIMARY KEY, client int);
CREATE TRIGGER watch AFTER INSERT ON up FOR EACH ROW WHEN (NEW.client < 0)
    EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TABLE down (id serial PRIMARY KEY, up int REFERENCES up, client int);
CREATE TABLE cleaned (times bigint);
CREATE TABLE seeded (key serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE seeded_down (key int PRIMARY KEY, up int REFERENCES seeded);
INSERT INTO seeded (name) SELECT 'n' || i FROM generate_series(1, 50) i;
INSERT INTO seeded_down SELECT i, i FROM generate_series(1, 50) i;
SELECT save_tables(ARRAY['seeded', 'seeded_down'], 'mixed_saved');
"""


class Client(threading.Thread):
    """One session: what it did and what went wrong."""

    def __init__(self, number, until):
        super().__init__()
        self.number = number
        self.until = until
        self.rng = random.Random(f"{SEED} {number}")
        self.did = collections.Counter()
        self.calls = collections.Counter()
        self.errors = collections.Counter()

    def run(self):
        self.conn = connect()
        self.conn.execute("SET search_path = mixed, public; SET jit = off")
        actions = [self.insert_text, self.insert_jsonb, self.insert_csv,
                   self.from_csv, self.from_query,
                   self.insert_partitions, self.insert_returning,
                   self.insert_one, self.insert_once, self.insert_run,
                   self.delete_run, self.delete_many_run, self.upsert,
                   self.upsert_many_keys, self.upsert_returning_keys,
                   self.update_many_keys, self.sync, self.count, self.fetch,
                   self.fetch_document, self.family, self.family_document, self.clean,
                   self.set_sequence, self.tables, self.come_and_go,
                   self.restore, self.change_seeded]
        while time.monotonic() < self.until:
            action = self.rng.choice(actions)
            did = collections.Counter()
            try:
                self.transaction(action, did)
            except psycopg.Error as error:
                self.errors[action.__name__, error.sqlstate,
                            str(error).split("\n", maxsplit=1)[0]
                            if error.sqlstate not in ("40001", "40P01")
                            else ""] += 1
        self.conn.close()

    def transaction(self, action, did):
        """One or a few calls, committed or not."""
        undo = self.rng.random() < 0.1
        with self.conn.transaction(force_rollback=undo):
            if self.rng.random() < 0.1:
                self.conn.execute("SET TRANSACTION ISOLATION LEVEL"
                                  " SERIALIZABLE")
            action(did)
        self.calls[action.__name__] += 1
        if not undo:
            self.did.update(did)

    def rows(self, **more):
        """Some rows."""
        return [{"client": self.number, **more}
                for _ in range(self.rng.choice((1, 2, 5, 50, 1200)))]

    def call(self, query, *args):
        """The first column of the first row."""
        return scalar(self.conn, query, *args)

    def insert_text(self, did):
        did["added"] += self.call("SELECT insert_many('added', %s::text)",
                                  json.dumps(self.rows(name="t")))

    def insert_jsonb(self, did):
        did["added"] += self.call("SELECT insert_many('added', %s::jsonb)",
                                  json.dumps(self.rows()))

    def insert_csv(self, did):
        text = "client,name\n" + "".join(
            f"{self.number},c\n" for _ in self.rows())
        did["added"] += self.call("SELECT insert_csv_text('added', %s)", text)

    def from_csv(self, did):
        text = "Client;x\n" + "".join(
            f"{self.number};1\n" for _ in self.rows())
        did["added"] += self.call(
            "SELECT insert_many('added', from_csv(%s, delimiter => ';',"
            " columns => '{\"Client\": \"client\"}', ignore_unknown => true,"
            " transforms => '{\"name\": \"''t'' || (r ->> ''x'')\"}'))", text)

    def from_query(self, did):
        did["added"] += self.call(
            "SELECT insert_many('added', from_query('SELECT client, ''q'' AS"
            " name FROM added WHERE client = $1 LIMIT 5', ARRAY[%s]))",
            str(self.number))

    def insert_partitions(self, did):
        rows = [{"client": self.rng.randrange(20)} for _ in self.rows()]
        did["parted"] += self.call("SELECT insert_many('parted', %s::jsonb)",
                                   json.dumps(rows))

    def insert_returning(self, did):
        did["added"] += self.call(
            "SELECT count(DISTINCT r ->> 'id') FROM"
            " insert_returning('added', %s) r", json.dumps(self.rows()))

    def insert_one(self, did):
        self.call("SELECT insert_one('added', %s)",
                  json.dumps(self.rows()[0]))
        did["added"] += 1

    def insert_once(self, did):
        rows = [{"key": key, "client": self.number} for key in
                sorted(self.rng.sample(range(100_000), 20))]
        did["once"] += self.call(
            "SELECT insert_many('once', %s::jsonb, 'ON CONFLICT DO NOTHING')",
            json.dumps(rows))

    def run_of_keys(self):
        """A few hundred keys in a row, of which other clients have some."""
        start = self.rng.randrange(2000)
        return start, start + self.rng.choice((10, 100, 400))

    def insert_run(self, did):
        did["runs"] += self.call(
            "SELECT insert_csv_text('runs', 'key,client' || string_agg("
            "format(E'\n%%s,%%s', key, %s::int), '' ORDER BY key))"
            " FROM generate_series(%s::int, %s::int) key",
            self.number, *self.run_of_keys())

    def delete_run(self, did):
        # a Counter's sum drops what is negative
        did["runs deleted"] += self.conn.execute(
            "DELETE FROM runs WHERE key IN (SELECT key FROM runs"
            " WHERE key BETWEEN %s AND %s ORDER BY key FOR UPDATE)",
            self.run_of_keys()).rowcount

    def delete_many_run(self, did):
        keys = list(range(*self.run_of_keys()))
        self.rng.shuffle(keys)
        did["runs deleted"] += self.call("SELECT delete_many('runs', %s)",
                                         json.dumps(keys))

    def upsert(self, did):
        self.call("""SELECT insert_many('counted', %s::text,
            'ON CONFLICT (key) DO UPDATE SET hits = t.hits + 1')""",
                  json.dumps({"key": self.rng.randrange(10), "hits": 1}))
        did["hits"] += 1

    def upsert_many_keys(self, did):
        rows = [{"key": key, "doc": {str(self.number): 1}} for key in
                sorted(self.rng.sample(range(10, 200), 8))]
        inserted, updated = self.conn.execute(
            "SELECT inserted, updated FROM upsert_many('counted', %s::jsonb,"
            " merge_columns => '{doc}')", (json.dumps(rows),)).fetchone()
        if inserted + updated != 8:
            self.errors["upsert_many", "rows", f"{inserted} {updated}"] += 1
        did["keys"] += inserted

    def upsert_returning_keys(self, did):
        """Each row in its turn, with what became of it."""
        keys = sorted(self.rng.sample(range(10, 200), 8))
        rows = self.conn.execute(
            "SELECT action, (\"row\" ->> 'key')::int FROM"
            " upsert_returning('counted', %s::text)",
            (json.dumps([{"key": key, "hits": 0} for key in keys]),)
        ).fetchall()
        if [key for _, key in rows] != keys:
            self.errors["upsert_returning", "rows", str(rows)] += 1
        did["keys"] += sum(action == "inserted" for action, _ in rows)

    def update_many_keys(self, did):
        """Keys in no order, columns in several sets."""
        rows = [{"key": key, **self.rng.choice((
            {"hits": 0}, {"doc": {str(self.number): 2}},
            {"hits": 0, "doc": {str(self.number): 3}}))}
            for key in self.rng.sample(range(10, 200), 20)]
        counts = self.conn.execute(
            "SELECT * FROM update_many('counted', %s::text, merge_columns =>"
            " '{doc}', skip_unchanged => %s)",
            (json.dumps(rows), self.rng.random() < 0.5)).fetchone()
        if sum(counts) != 20:
            self.errors["update_many", "rows", str(counts)] += 1

    def sync(self, did):
        """A slice that only syncs write: afterwards it is what was given."""
        number = self.rng.randrange(4)
        keys = self.rng.sample(range(number, 400, 4),
                               self.rng.choice((1, 20, 60)))
        rows = json.dumps([{"key": key, "client": self.rng.randrange(3)}
                           for key in keys])
        scope = json.dumps({"slice": number})
        inserted, updated, unchanged, deleted = self.conn.execute(
            "SELECT * FROM sync_many('sliced', %s::jsonb, scope => %s)",
            (rows, scope)).fetchone()
        if inserted + updated + unchanged != len(keys):
            self.errors["sync_many", "rows",
                        f"{inserted} {updated} {unchanged}"] += 1
        left = self.call("SELECT count(*) FROM sync_diff('sliced', %s::text,"
                         " scope => %s)", rows, scope)
        if left:
            self.errors["sync_many", "left", str(left)] += 1
        did["sliced"] += inserted
        did["sliced deleted"] += deleted

    def count(self, did):
        one, other = self.conn.execute(
            "SELECT fetch_count('added'), (SELECT count(*) FROM added)"
        ).fetchone()
        if one != other:
            self.errors["fetch_count", "differs", f"{one} {other}"] += 1

    def fetch(self, did):
        self.conn.execute("SELECT fetch_all('SELECT * FROM counted"
                          " WHERE key < $1 ORDER BY key', 50)").fetchall()

    def fetch_document(self, did):
        rows = self.call("SELECT fetch_json('SELECT key, count(*) OVER () AS n"
                         " FROM once')") or []
        if any(row["n"] != len(rows) for row in rows):
            self.errors["fetch_json", "rows", str(len(rows))] += 1
        self.call("SELECT fetch_tables('{seeded,seeded_down}')")

    def family_document(self, did):
        """Children within their parent, who get its key."""
        rows = self.conn.execute(
            "SELECT inserted FROM insert_tables(%s)",
            (json.dumps({"up": [{"client": self.number,
                                 "down": [{"client": self.number}] * 3}]}),)
        ).fetchall()
        if rows != [(1,), (3,)]:
            self.errors["insert_tables", "rows", str(rows)] += 1

    def family(self, did):
        row = self.call("SELECT insert_one('up', '{\"client\": 1}', '{id}')")
        self.call("SELECT insert_many('down', %s::jsonb)",
                  json.dumps([{"up": row["id"], "client": self.number}] * 3))

    def clean(self, did):
        self.call("SELECT clean_tables('{up}')")
        left = self.call("SELECT fetch_count('up') + fetch_count('down')")
        if left:
            self.errors["clean_tables", "left", str(left)] += 1

    def restore(self, did):
        self.call("SELECT restore_tables('mixed_saved')")
        left = self.call("""SELECT count(*) FROM (
            (TABLE seeded EXCEPT ALL TABLE mixed_saved.seeded)
            UNION ALL
            (TABLE mixed_saved.seeded EXCEPT ALL TABLE seeded)
            UNION ALL SELECT key, up::text FROM (
                (TABLE seeded_down EXCEPT ALL TABLE mixed_saved.seeded_down)
                UNION ALL
                (TABLE mixed_saved.seeded_down EXCEPT ALL TABLE seeded_down)
            ) d) x""")
        if left:
            self.errors["restore_tables", "left", str(left)] += 1

    def change_seeded(self, did):
        # the parent first, as restore_tables locks it; rows in one order, for
        # a statement takes them as they lie, which differs between snapshots
        self.conn.execute("LOCK seeded IN ROW SHARE MODE")
        self.conn.execute("SELECT FROM seeded_down ORDER BY key FOR UPDATE")
        self.conn.execute(self.rng.choice([
            "INSERT INTO seeded (name) VALUES (gen_random_uuid()::text)",
            "UPDATE seeded SET name = gen_random_uuid()::text"
            " WHERE key = 1 + floor(random() * 50)::int",
            "DELETE FROM seeded_down WHERE random() < 0.2",
            "UPDATE seeded_down SET up = 1 + up % 50"]))

    def set_sequence(self, did):
        self.call("SELECT set_seq_max('added_id_seq', 'added',"
                  " forward_only => true)")

    def come_and_go(self, did):
        """Tables that are dropped, and definitions that change, for others
        that are looking at them."""
        for i in range(5):
            self.conn.execute(f"CREATE TABLE passing_{self.number}_{i} ()")
        for i in range(5):
            self.conn.execute(f"DROP TABLE passing_{self.number}_{i}")
        if self.number == 0:        # two at once would be an error
            self.conn.execute("CREATE PUBLICATION passing FOR ALL TABLES"
                              " WITH (publish = 'insert')")
            self.conn.execute("DROP PUBLICATION passing")

    def tables(self, did):
        self.call("SELECT get_tables('{mixed}')")


def main():
    """Runs the clients, then compares their accounts with the tables."""
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    conn.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
    conn.execute(SETUP)
    until = time.monotonic() + scaled(SECONDS)
    clients = [Client(number, until) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    did, calls, errors = (sum((getattr(client, name) for client in clients),
                              collections.Counter())
                          for name in ("did", "calls", "errors"))
    note(f"{CLIENTS} clients, {scaled(SECONDS)} s, {sum(calls.values())}"
         " transactions: " +
         ", ".join(f"{name} {count}" for name, count in sorted(calls.items())))
    unexpected = 0
    for (name, state, text), count in sorted(errors.items()):
        note(f"  {name}: {state} {text} ({count} times)")
        unexpected += count * (state != "40001")
    check(not unexpected,
          f"{unexpected} errors other than serialization failures")
    for name in ("runs", "sliced"):
        did[name] -= did[name + " deleted"]
    for name, query in {
            "added": "SELECT count(*) FROM added",
            "parted": "SELECT count(*) FROM parted",
            "once": "SELECT count(*) FROM once",
            "runs": "SELECT count(*) FROM runs",
            "sliced": "SELECT count(*) FROM sliced WHERE slice = key % 4",
            "hits": "SELECT sum(hits) FROM counted WHERE key < 10",
            "keys": "SELECT count(*) FROM counted WHERE key >= 10"}.items():
        there = scalar(conn, query)
        check(there == did[name], f"{name}: {did[name]} by the clients'"
              f" account, {there} in the table")
    check(scalar(conn, "SELECT count(DISTINCT id) = count(*) FROM added"),
          "no id twice")
    conn.execute("""SELECT bt_index_check(indexrelid, true) FROM pg_index
        JOIN pg_class c ON c.oid = indexrelid
        WHERE c.relnamespace = 'mixed'::regnamespace AND c.relkind = 'i'""")
    check(True, "amcheck finds the indexes sound")
    finish(True)


if __name__ == "__main__":
    main()
