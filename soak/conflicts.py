"""Random rows that conflict, by pgsync's own way and by the executor's.

Each batch has keys of some order and distance, some of which are there
already, rows that come twice, and rows that name this or that.  It goes into a
table of some kind by ON CONFLICT DO NOTHING, or by upsert_many, once as pgsync
chooses and once with pgsync.sink = statement.  The counts or the error, the
rows and what triggers have logged must be the same.  The seed is SOAK_SEED.
"""

import collections
import json
import multiprocessing
import random

import psycopg

from common import SEED, check, connect, note, scaled

BATCHES = 40_000
WORKERS = 2

COLUMNS = ["a", "b", "doc"]

# Kinds of table, all with the columns id, a, b and doc.
KINDS = {
    "plain": "CREATE TABLE t (id int PRIMARY KEY, a int, b text, doc jsonb)",
    "small": "CREATE TABLE t (id smallint PRIMARY KEY, a int DEFAULT 7,"
             " b text DEFAULT 'none', doc jsonb)",
    "big": "CREATE TABLE t (x int, id bigint UNIQUE, a int, b text,"
           " doc jsonb); ALTER TABLE t DROP x",
    "downwards": "CREATE TABLE t (id int, a int, b text, doc jsonb);"
                 " CREATE UNIQUE INDEX ON t (id DESC)",
    "domain": "CREATE DOMAIN d AS int CHECK (value > 0);"
              " CREATE TABLE t (id d UNIQUE, a int, b text, doc jsonb)",
    "two keys": "CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE, b text,"
                " doc jsonb)",
    "deferred": "CREATE TABLE t (id int PRIMARY KEY, a int UNIQUE DEFERRABLE"
                " INITIALLY DEFERRED, b text, doc jsonb)",
    "indexes": "CREATE TABLE t (id int PRIMARY KEY, a int, b text,"
               " doc jsonb); CREATE INDEX ON t (lower(b));"
               " CREATE INDEX ON t USING gin (doc);"
               " CREATE INDEX ON t (a) WHERE a > 500;"
               " CREATE INDEX ON t USING brin (a)",
    "generated": "CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a <> 666),"
                 " b text, doc jsonb, g int GENERATED ALWAYS AS (a % 100)"
                 " STORED CHECK (g <> 99), i int GENERATED ALWAYS AS"
                 " IDENTITY)",
    "not null": "CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL,"
                " b text, doc jsonb)",
    "foreign key": "CREATE TABLE t (id int PRIMARY KEY, a int, b text,"
                   " doc jsonb, up int GENERATED ALWAYS AS (id / 2) STORED);"
                   " INSERT INTO t (id) VALUES (0); ALTER TABLE t ADD"
                   " FOREIGN KEY (up) REFERENCES t",
    "triggers": "CREATE TABLE t (id int PRIMARY KEY, a int, b text,"
                " doc jsonb); CREATE TRIGGER r AFTER INSERT OR UPDATE ON t"
                " FOR EACH ROW EXECUTE FUNCTION log_it(); CREATE TRIGGER w"
                " AFTER UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > OLD.a)"
                " EXECUTE FUNCTION log_it()",
    "partitions": "CREATE TABLE t (id int PRIMARY KEY, a int, b text,"
                  " doc jsonb) PARTITION BY RANGE (id); CREATE TABLE t1"
                  " PARTITION OF t FOR VALUES FROM (0) TO (100); CREATE TABLE"
                  " t2 PARTITION OF t DEFAULT",
    "wide rows": "CREATE TABLE t (id int PRIMARY KEY, a int, b text,"
                 " doc jsonb, w text DEFAULT repeat('wide ', 1000));"
                 " ALTER TABLE t ALTER w SET STORAGE EXTERNAL",
}

SETUP = """
CREATE TABLE log (n serial, line text);
CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log (line) VALUES (concat_ws(' ', tg_name, tg_op,
        CASE WHEN tg_op = 'UPDATE' THEN OLD::text END, NEW::text));
    RETURN NULL;
END $$;
"""


def random_keys(rng):
    """Keys in some order: ascending or not, close together or far apart."""
    number = rng.choice((1, 3, 8, 30, 30, 300))
    start = rng.choice((1, 1, 50, 32000))
    step = rng.choice((1, 1, 1, 3, 7))
    keys = [min(start + i * step, 32767) for i in range(number)]
    order = rng.random()
    if order < 0.2:
        rng.shuffle(keys)
    elif order < 0.3:
        keys.reverse()
    for _ in range(rng.choice((0, 0, 0, 1, 5))):
        keys.insert(rng.randrange(len(keys) + 1), rng.choice(keys))
    return keys


def random_rows(rng):
    """Rows of these keys, which name some of the columns."""
    named = [column for column in COLUMNS if rng.random() < 0.7]
    alike = rng.random() < 0.6
    rows = []
    for key in random_keys(rng):
        row = {"id": key}
        for column in named if alike else COLUMNS:
            if alike or rng.random() < 0.5:
                row[column] = random_value(rng, column, key)
        rows.append(row)
    return rows


def random_value(rng, column, key):
    """A value, seldom null."""
    if rng.random() < 0.05:
        return None
    if column == "a":
        return rng.choice((key, key, key * 10, rng.randrange(1000)))
    if column == "b":
        return rng.choice("xyz") * rng.randrange(30)
    return {rng.choice("kl"): rng.randrange(10)}


def random_call(rng):
    """A call of some function, as text with a place for the rows."""
    if rng.random() < 0.5:
        clause = rng.choice(("ON CONFLICT DO NOTHING",
                             "ON CONFLICT (id) DO NOTHING"))
        return f"SELECT insert_many('t', %s::jsonb, '{clause}')"
    more = rng.choice(("", "", ", merge_columns => '{doc}'",
                       ", update_columns => '{b}'",
                       ", update_columns => '{}'",
                       ", skip_unchanged => true",
                       ", skip_unchanged => true, key_order => true"))
    return f"SELECT upsert_many('t', %s::jsonb, '{{id}}'{more})"


class Worker:
    """One session."""

    def __init__(self, number):
        self.rng = random.Random(f"{SEED} conflicts {number}")
        self.conn = connect()
        schema = f"conflicts{number}"
        self.conn.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        self.conn.execute(f"CREATE SCHEMA {schema}")
        self.conn.execute(f"SET search_path = {schema}, public; SET jit = off;"
                          " SET pgsync.index_batches = auto")
        self.conn.execute(SETUP)
        self.wrong = []
        self.outcomes = collections.Counter()

    def outcome(self, sink, call, rows):
        """What a call says and leaves, taken back again."""
        with self.conn.transaction(force_rollback=True):
            self.conn.execute(f"SET LOCAL pgsync.sink = {sink}")
            # a rollback does not take back what the call before has drawn
            self.conn.execute(
                "SELECT setval(oid, 1000) FROM pg_class WHERE relkind = 'S'"
                " AND relnamespace = current_schema()::regnamespace")
            try:
                with self.conn.transaction():
                    said = self.conn.execute(call, (json.dumps(rows),)
                                             ).fetchone()
                    self.conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
            except psycopg.Error as error:
                return "error", error.sqlstate, str(error).split("\n")[0]
            return "done", said, self.conn.execute(
                "SELECT (SELECT jsonb_agg(to_jsonb(t) ORDER BY id) FROM t)"
                "::text, (SELECT jsonb_agg(line ORDER BY n) FROM log)::text"
            ).fetchone()

    def fill(self):
        """Some rows with gaps, unless the table does not want them."""
        try:
            with self.conn.transaction():
                self.conn.execute(
                    "INSERT INTO t (id, a) SELECT i, i FROM"
                    " generate_series(1, %s::int, %s::int) i",
                    (self.rng.randrange(120), self.rng.choice((1, 1, 2, 5))))
                self.conn.execute("DELETE FROM t WHERE id %% %s::int = 2",
                                  (self.rng.choice((3, 9, 1000)),))
        except psycopg.errors.IntegrityError:
            pass

    def batches(self, kind, number):
        """Batches into one table, which is filled a little first."""
        with self.conn.transaction(force_rollback=True):
            self.conn.execute(KINDS[kind])
            self.fill()
            self.conn.execute("TRUNCATE log")
            for _ in range(number):
                call, rows = random_call(self.rng), random_rows(self.rng)
                ours = self.outcome("auto", call, rows)
                plain = self.outcome("statement", call, rows)
                self.outcomes[ours[0]] += 1
                if ours != plain and not may_differ(call, ours, plain):
                    self.wrong.append((kind, call, rows, ours, plain))


def may_differ(call, ours, plain):
    """Of several bad rows, one that is stored later may be reported first."""
    return "NOTHING" in call and ours[0] == plain[0] == "error"


def work(task):
    """One worker's share of the batches, ten into each table."""
    number, share = task
    worker = Worker(number)
    while worker.outcomes.total() < share:
        worker.batches(worker.rng.choice(list(KINDS)), 10)
    return worker.outcomes, worker.wrong


def main():
    """Shares the batches out."""
    connect().execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    with multiprocessing.Pool(WORKERS) as pool:
        results = pool.map(work, [(number, scaled(BATCHES) // WORKERS)
                                  for number in range(WORKERS)])
    outcomes = sum((result[0] for result in results), collections.Counter())
    wrong = [each for result in results for each in result[1]]
    note(f"{outcomes.total()} batches into {len(KINDS)} kinds of table,"
         f" {outcomes['done']} of them stored, {outcomes['error']} refused")
    for kind, call, rows, ours, plain in wrong[:5]:
        note(f"  {kind}: {call} of {json.dumps(rows)[:1000]}\n"
             f"    {str(ours)[:500]}\n    {str(plain)[:500]}")
    check(not wrong, f"{len(wrong)} differences (seed {SEED})")
    check(outcomes["done"] > outcomes.total() / 3, "enough of them are good")


if __name__ == "__main__":
    main()
