"""sync_many, update_many and delete_many against hand-written SQL over the
same text, and against what client libraries offer.

The peers of sync_many are the two statements over jsonb_populate_recordset,
and the same over a temporary table, which parses the text once.
"""

import json
import os

import django
from django.conf import settings
from django.db import models

from common import (ROWS_TABLE, alternate, alternate_cpu, connect, finish,
                    make_input, make_rows, note, ratio, require_both,
                    require_faster, sql, table)

ROWS = int(os.environ.get("PGSYNC_BENCH_ROWS", "200000"))
HALF = ROWS // 2

OTHERS = ["name", "email", "active", "price", "created", "meta"]
RECORDS = "SELECT r.* FROM {}, jsonb_populate_recordset(NULL::target, body::jsonb) r"
MERGE = f"""
    MERGE INTO target t USING ({{}}) s ON t.id = s.id
    WHEN MATCHED AND ({", ".join("t." + c for c in OTHERS)})
        IS DISTINCT FROM ({", ".join("s." + c for c in OTHERS)})
    THEN UPDATE SET {", ".join(f"{c} = s.{c}" for c in OTHERS)}
    WHEN NOT MATCHED THEN INSERT VALUES
        (s.id, {", ".join("s." + c for c in OTHERS)})"""
DELETE = """
    DELETE FROM target t
    WHERE NOT EXISTS (SELECT FROM ({}) s WHERE s.id = t.id)"""

SYNC = "sync_many"
BY_HAND = "MERGE, DELETE"
STAGED = "temporary table, MERGE, DELETE"
UPDATE = "update_many"
UPDATE_FROM = "UPDATE ... FROM"
DELETES = "delete_many"
DELETE_USING = "DELETE ... USING"
EXECUTEMANY = "psycopg's executemany"
BULK_UPDATE = "Django's bulk_update"


def make_inputs(conn):
    """The texts: 1 % of the rows changed, 1 % gone and 1 % new; one column of
    half of the rows; the keys of half of the rows."""
    make_input(conn, "input_changed", """
        SELECT jsonb_agg(to_jsonb(r) || CASE id % 100
            WHEN 0 THEN jsonb_build_object('price', price + 1)
            WHEN 1 THEN jsonb_build_object('id', id + (SELECT max(id) FROM rows))
            ELSE '{}' END ORDER BY id)
        FROM rows r""")
    make_input(conn, "input_price", """
        SELECT jsonb_agg(jsonb_build_object('id', id, 'price', price + 1)
                         ORDER BY id)
        FROM rows WHERE id % 2 = 0""")
    make_input(conn, "input_keys", """
        SELECT jsonb_agg(id ORDER BY id) FROM rows WHERE id % 2 = 0""")


def fill(conn):
    """Gives target the rows as they are at first, as after a VACUUM."""
    conn.execute("TRUNCATE target")
    conn.execute("INSERT INTO target SELECT * FROM rows ORDER BY id")
    conn.execute("VACUUM ANALYZE target")
    conn.execute("CHECKPOINT")


def contents(conn):
    """A number that tells whether two ways have left the same rows."""
    return conn.execute("SELECT count(*), sum(hashtextextended(t::text, 0)) "
                        "FROM target t").fetchone()


class Same:
    """Checks that all ways leave the same rows behind."""

    def __init__(self, conn):
        self.conn = conn
        self.rows = None

    def __call__(self, name):
        rows = contents(self.conn)
        assert self.rows in (None, rows), (name, rows, self.rows)
        self.rows = rows


def by_hand(conn, source):
    """The two statements, each over the text."""
    def run():
        with conn.transaction():
            conn.execute(MERGE.format(RECORDS.format(source)))
            conn.execute(DELETE.format(RECORDS.format(source)))
    return run


def staged(conn, source):
    """The two statements over a temporary table."""
    def run():
        with conn.transaction():
            conn.execute("CREATE TEMP TABLE staged ON COMMIT DROP AS " +
                         RECORDS.format(source))
            conn.execute("ANALYZE staged")
            conn.execute(MERGE.format("TABLE staged"))
            conn.execute(DELETE.format("TABLE staged"))
    return run


def wal(conn, way):
    """The bytes of log that a way writes."""
    start = conn.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
    way()
    return conn.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn",
                        [start]).fetchone()[0]


def sync(conn, source, title, before=None):
    """sync_many and its peers, of which the faster one counts."""
    note(f"sync: {title}")
    wall, cpu = alternate_cpu(conn, {
        BY_HAND: by_hand(conn, source),
        STAGED: staged(conn, source),
        SYNC: sql(conn, f"SELECT sync_many('target', body) FROM {source}"),
    }, before=before, check=Same(conn))
    table(f"sync of {ROWS:,} rows from text, {title}", wall, BY_HAND, cpu=cpu)
    print()
    base = min(BY_HAND, STAGED, key=lambda name: ratio(wall, name, SYNC))
    require_both(f"sync, {title}, against {base}", wall, cpu, SYNC, base, 0.6)


def syncs(conn):
    """sync_many: nothing changed, a little changed; the log."""
    fill(conn)
    sync(conn, "input", "nothing changed")
    fill(conn)
    select = sql(conn, "SELECT sum(hashtext(t::text)) FROM target t")
    select()
    read = wal(conn, select)
    written = wal(conn, sql(conn,
                            "SELECT sync_many('target', body) FROM input"))
    print(f"- log of an unchanged sync: {written} bytes; of a SELECT: {read}")
    sync(conn, "input_changed", "1 % changed, 1 % new, 1 % gone",
         before=lambda _: fill(conn))


def updates(conn):
    """update_many of one column."""
    note("sync: update_many")
    wall, cpu = alternate_cpu(conn, {
        UPDATE_FROM: sql(conn, """
            UPDATE target t SET price = r.price
            FROM input_price, json_to_recordset(body::json)
                 AS r(id int, price numeric(10,2))
            WHERE t.id = r.id"""),
        UPDATE: sql(conn,
                    "SELECT update_many('target', body) FROM input_price"),
    }, before=lambda _: fill(conn), check=Same(conn))
    table(f"one column of {HALF:,} of {ROWS:,} rows from text", wall,
          UPDATE_FROM, cpu=cpu)
    print()
    require_both("update_many", wall, cpu, UPDATE, UPDATE_FROM, 0.6)


def deletes(conn):
    """delete_many by key."""
    note("sync: delete_many")
    wall, cpu = alternate_cpu(conn, {
        DELETE_USING: sql(conn, """
            DELETE FROM target t
            USING input_keys, jsonb_array_elements(body::jsonb) k
            WHERE t.id = k::int"""),
        DELETES: sql(conn,
                     "SELECT delete_many('target', body) FROM input_keys"),
    }, before=lambda _: fill(conn), check=Same(conn))
    table(f"{HALF:,} of {ROWS:,} rows by key", wall, DELETE_USING, cpu=cpu)
    print()
    require_both("delete_many", wall, cpu, DELETES, DELETE_USING, 0.7)


def django_model():
    """The table as a model of Django's."""
    settings.configure(DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"options": "-c search_path=pgsync_bench,public"},
        "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"], "NAME": os.environ["PGDATABASE"],
    }}, USE_TZ=True)
    django.setup()

    class Target(models.Model):
        id = models.IntegerField(primary_key=True)
        price = models.DecimalField(max_digits=10, decimal_places=2)

        class Meta:
            app_label = "bench"
            db_table = "target"
            managed = False

    return Target


def clients(conn):
    """The same update from a Python client, whose rows are dictionaries; what
    converting them costs is part of it."""
    note("sync: update_many from a client")
    rows = [{"id": id, "price": price} for id, price in conn.execute(
        "SELECT id, price + 1 FROM rows WHERE id % 2 = 0 ORDER BY id")]
    target = django_model()

    def update_many():
        conn.execute("SELECT update_many('target', %s::text)",
                     [json.dumps(rows, default=str)])

    def executemany():
        with conn.transaction(), conn.cursor() as cursor:
            cursor.executemany("UPDATE target SET price = %(price)s "
                               "WHERE id = %(id)s", rows)

    def bulk_update():
        target.objects.bulk_update([target(**row) for row in rows],
                                   ["price"], batch_size=1000)

    same = Same(conn)
    wall = alternate({UPDATE: update_many}, before=lambda _: fill(conn),
                     check=same)
    # tens of seconds a round: once is enough to see the order of magnitude
    wall |= alternate({EXECUTEMANY: executemany, BULK_UPDATE: bulk_update},
                      rounds=1, before=lambda _: fill(conn), check=same)
    table(f"one column of {HALF:,} of {ROWS:,} rows from Python dictionaries",
          wall, UPDATE)
    print()
    for name in (EXECUTEMANY, BULK_UPDATE):
        require_faster(f"update_many and {name}", ratio(wall, name, UPDATE),
                       10)


def main():
    conn = connect()
    make_rows(conn, ROWS)
    make_inputs(conn)
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    print("## sync_many, update_many, delete_many")
    syncs(conn)
    updates(conn)
    deletes(conn)
    clients(conn)
    finish(conn)


if __name__ == "__main__":
    main()
