"""pgsync.index_batches, auto and off, against COPY and ON CONFLICT."""

import os

from common import (ROWS_TABLE, alternate_cpu, connect, finish, make_input,
                    make_rows, note, ratio, require, server_file, sql, table)

COPY = "COPY of a server CSV"


def with_setting(conn, value, query):
    """A way that runs a query with the setting at a value."""
    def way():
        conn.execute(f"SET pgsync.index_batches = {value}")
        conn.execute(query)
    return way


def both(conn, name, query):
    """The two ways to run a query."""
    return {f"{name}, {value}": with_setting(conn, value, query)
            for value in ("auto", "off")}


def compare(conn, title, ways, base, aims, before=None, check=True):
    """Measures ways that fill the table "target", and prints the ratios."""
    def count(_):
        rows = conn.execute("SELECT count(*) FROM target").fetchone()[0]
        assert rows == 200000, rows

    def empty(_):
        conn.execute("TRUNCATE target")

    note(f"index_batches: {title}")
    seconds, cpu = alternate_cpu(conn, ways, before=before or empty,
                                 check=count if check else None)
    table(title, seconds, base, cpu=cpu)
    print()
    for name, aim in aims.items():
        require(f"{name} / {base}, CPU", ratio(cpu, name, base), aim)


def plain(conn, path):
    """One ascending primary key; then a unique text beside it."""
    copy = f"COPY target FROM '{path}' (FORMAT csv, HEADER)"
    sources = {
        "text": "SELECT insert_many('target', body) FROM input",
        "stored jsonb": "SELECT insert_many('target', stored) FROM input",
        "CSV": f"SELECT insert_csv('target', '{path}', on_conflict => NULL)",
    }
    ways = {COPY: sql(conn, copy)}
    for name, query in sources.items():
        ways.update(both(conn, name, query))
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    compare(conn, "A primary key, rows in its order", ways, COPY,
            {"text, auto": 0.45, "stored jsonb, auto": 0.45,
             "CSV, auto": 0.40})
    conn.execute("CREATE INDEX ON target (created, name)")
    conn.execute("CREATE INDEX ON target (price)")
    compare(conn, "A primary key, and two indexes that are not unique",
            {COPY: ways[COPY], **both(conn, "text", sources["text"])}, COPY,
            {"text, auto": 0.5})
    conn.execute("DROP TABLE target")
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    conn.execute("CREATE UNIQUE INDEX ON target (email)")
    compare(conn, "A primary key, and a unique text",
            {COPY: ways[COPY], **both(conn, "text", sources["text"])}, COPY,
            {"text, auto": 0.5})
    conn.execute("DROP TABLE target")


def conflicts(conn):
    """New rows, of which none conflicts."""
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))

    def staged():
        conn.execute("CREATE TEMP TABLE staging (LIKE target)")
        conn.execute("""INSERT INTO staging SELECT r.* FROM input,
            jsonb_populate_recordset(NULL::target, body::jsonb) r""")
        conn.execute("INSERT INTO target SELECT * FROM staging"
                     " ON CONFLICT DO NOTHING")
        conn.execute("DROP TABLE staging")

    compare(conn, "ON CONFLICT DO NOTHING, all rows new", {
        "temporary table": staged,
        **both(conn, "text", "SELECT insert_many('target', body,"
               " 'ON CONFLICT DO NOTHING') FROM input")},
        "temporary table", {"text, auto": 0.35})
    compare(conn, "upsert_many, all rows new", {
        "INSERT ON CONFLICT": sql(conn, """
            INSERT INTO target SELECT r.* FROM input,
            jsonb_populate_recordset(NULL::target, body::jsonb) r
            ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name,
            email = EXCLUDED.email, active = EXCLUDED.active,
            price = EXCLUDED.price, created = EXCLUDED.created,
            meta = EXCLUDED.meta"""),
        **both(conn, "text", "SELECT upsert_many('target', body) FROM input")},
        "INSERT ON CONFLICT", {"text, auto": 0.25})
    conn.execute("DROP TABLE target")


def shuffled(conn):
    """Rows in random order: twelve partitions, and a random key."""
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY",
                                   rest="PARTITION BY RANGE (id)"))
    for i in range(12):
        low, high = i * 16667 + 1, (i + 1) * 16667 + 1
        conn.execute(f"CREATE TABLE target_{i} PARTITION OF target "
                     f"FOR VALUES FROM ({low}) TO ({high})")
    make_input(conn, "shuffled", """
        SELECT jsonb_agg(to_jsonb(r) ORDER BY md5(id::text)) FROM rows r""")
    path = server_file(conn, "SELECT * FROM rows ORDER BY md5(id::text)",
                       "shuffled.csv")
    compare(conn, "12 partitions, rows in random order", {
        COPY: sql(conn, f"COPY target FROM '{path}' (FORMAT csv, HEADER)"),
        **both(conn, "text", "SELECT insert_many('target', body)"
               " FROM shuffled")}, COPY, {"text, auto": 0.5})
    conn.execute("DROP TABLE target, shuffled")
    os.unlink(path)

    conn.execute("CREATE TABLE target (id uuid PRIMARY KEY, n int)")
    make_input(conn, "shuffled", """
        SELECT jsonb_agg(jsonb_build_object('id', md5(id::text)::uuid, 'n', id))
        FROM rows""")
    query = "SELECT insert_many('target', body) FROM shuffled"
    compare(conn, "A random uuid as primary key", both(conn, "text", query),
            "text, off", {"text, auto": 1.02})
    conn.execute("ALTER TABLE target DROP CONSTRAINT target_pkey")
    conn.execute("CREATE INDEX ON target (id)")
    compare(conn, "An index on a random uuid", both(conn, "text", query),
            "text, off", {"text, auto": 1.02})
    conn.execute("DROP TABLE target, shuffled")


def main():
    conn = connect()
    make_rows(conn)
    path = server_file(conn, "SELECT * FROM rows ORDER BY id", "batches.csv")
    print("## pgsync.index_batches")
    plain(conn, path)
    conflicts(conn)
    shuffled(conn)
    os.unlink(path)
    finish(conn)


if __name__ == "__main__":
    main()
