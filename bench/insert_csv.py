"""insert_csv and insert_csv_text against COPY, a temporary table, psycopg.

All ways into one kind of table run in the same rounds, on the same rows of
bench/insert.py; each is a transaction of its own, its commit included.
"""

import os

from common import (ROWS_TABLE, alternate_cpu, connect, finish, make_rows,
                    note, ratio, require, require_both, server_file, sql,
                    table)

COPY = "COPY"
BY_HAND = "temporary table, COPY, INSERT ... DO NOTHING"
CLIENT = "the same by psycopg, as tracktolib does it"
CSV = "insert_csv"
PLAIN = "insert_csv, no ON CONFLICT"
EXCLUDED = "insert_csv, no ON CONFLICT, a column excluded"
STDIN = "psycopg's COPY FROM STDIN, 1 MB a block"
TEXT = "insert_csv_text from psycopg, no ON CONFLICT"


def by_temporary_table(conn, path):
    """What is done by hand where COPY knows no ON CONFLICT."""
    def run():
        with conn.transaction():
            conn.execute("CREATE TEMP TABLE incoming "
                         "(LIKE target INCLUDING DEFAULTS) ON COMMIT DROP")
            conn.execute(f"COPY incoming FROM '{path}' (FORMAT csv, HEADER)")
            conn.execute("INSERT INTO target SELECT * FROM incoming "
                         "ON CONFLICT DO NOTHING")
    return run


def by_client(conn, path, block_size=1000):
    """The same through COPY FROM STDIN, the header split by the client."""
    def run():
        with open(path, encoding="utf-8") as file, conn.transaction(), \
                conn.cursor() as cur:
            names = ", ".join(f'"{name}"' for name
                              in file.readline().strip().split(","))
            cur.execute("CREATE TEMP TABLE incoming "
                        "(LIKE target INCLUDING DEFAULTS)")
            with cur.copy(f"COPY incoming ({names}) FROM STDIN "
                          "(FORMAT csv)") as stream:
                while block := file.read(block_size):
                    stream.write(block)
            cur.execute(f"INSERT INTO target ({names}) "
                        f"SELECT {names} FROM incoming ON CONFLICT DO NOTHING")
            cur.execute("DROP TABLE incoming")
    return run


def from_stdin(conn, path):
    """COPY FROM STDIN in large blocks, straight into the table."""
    def run():
        with open(path, "rb") as file, conn.cursor() as cur:
            with cur.copy("COPY target FROM STDIN "
                          "(FORMAT csv, HEADER)") as stream:
                while block := file.read(1 << 20):
                    stream.write(block)
    return run


def as_text(conn, path):
    """insert_csv_text of the whole file as one argument."""
    def run():
        with open(path, encoding="utf-8") as file:
            conn.execute("SELECT insert_csv_text('target', %s, "
                         "on_conflict => NULL)", (file.read(),))
    return run


def rounds_of(conn, ways, fill, check):
    """Alternates ways on a table made anew, with no checkpoint due."""
    def before(_):
        conn.execute("TRUNCATE target")
        if fill:
            conn.execute("INSERT INTO target SELECT * FROM rows")
        conn.execute("CHECKPOINT")

    def count(_):
        rows = conn.execute("SELECT count(*) FROM target").fetchone()[0]
        assert rows == check, rows

    return alternate_cpu(conn, ways, before=before, check=count)


def empty_table(conn, path, wide):
    """Into an empty table with a primary key."""
    seconds, cpu = rounds_of(conn, {
        COPY: sql(conn, f"COPY target FROM '{path}' (FORMAT csv, HEADER)"),
        PLAIN: sql(conn, f"SELECT insert_csv('target', '{path}', "
                         "on_conflict => NULL)"),
        EXCLUDED: sql(conn, f"SELECT insert_csv('target', '{wide}', "
                            "'{note}', on_conflict => NULL)"),
        BY_HAND: by_temporary_table(conn, path),
        CLIENT: by_client(conn, path),
        CSV: sql(conn, f"SELECT insert_csv('target', '{path}')"),
        STDIN: from_stdin(conn, path),
        TEXT: as_text(conn, path),
    }, False, 200000)
    table("200,000 rows into an empty table with a primary key", seconds, COPY,
          cpu=cpu)
    print()
    require_both("no ON CONFLICT / COPY", seconds, cpu, PLAIN, COPY, 0.55)
    require_both("a column excluded / COPY without it", seconds, cpu,
                 EXCLUDED, COPY, 1.1)
    require_both("DO NOTHING / temporary table", seconds, cpu, CSV, BY_HAND,
                 0.8)
    require("DO NOTHING / by psycopg", ratio(seconds, CSV, CLIENT), 1 / 1.2)
    require("insert_csv_text / COPY FROM STDIN",
            ratio(seconds, TEXT, STDIN), 1.1)


def full_table(conn, path):
    """All rows are there already."""
    seconds, cpu = rounds_of(conn, {
        BY_HAND: by_temporary_table(conn, path),
        CSV: sql(conn, f"SELECT insert_csv('target', '{path}')"),
    }, True, 200000)
    table("200,000 rows that are all there", seconds, BY_HAND, cpu=cpu)
    print()
    require_both("DO NOTHING / temporary table", seconds, cpu, CSV, BY_HAND,
                 0.65)


def no_key(conn, path):
    """A table where nothing can conflict."""
    seconds, cpu = rounds_of(conn, {
        COPY: sql(conn, f"COPY target FROM '{path}' (FORMAT csv, HEADER)"),
        CSV: sql(conn, f"SELECT insert_csv('target', '{path}')"),
    }, False, 200000)
    table("200,000 rows into a table without a key", seconds, COPY, cpu=cpu)
    print()
    require_both("DO NOTHING / COPY", seconds, cpu, CSV, COPY, 1.05)


def main():
    conn = connect()
    make_rows(conn)
    path = server_file(conn, "SELECT * FROM rows ORDER BY id", "rows.csv")
    wide = server_file(conn, "SELECT *, 'note ' || id AS note FROM rows "
                             "ORDER BY id", "wide.csv")
    print("## insert_csv")
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    note("insert_csv: an empty table")
    empty_table(conn, path, wide)
    note("insert_csv: all rows there")
    full_table(conn, path)
    conn.execute("ALTER TABLE target DROP CONSTRAINT target_pkey")
    note("insert_csv: no key")
    no_key(conn, path)
    os.unlink(path)
    os.unlink(wide)
    finish(conn)


if __name__ == "__main__":
    main()
