"""row_source: files as they come, packed files, and queries, each against
what it stands for.  All ways run in the same rounds, on the same rows."""

import os
import subprocess

from common import (DIRECTORY, ROWS_TABLE, alternate, connect, finish,
                    make_rows, note, ratio, require, server_file, sql, table)

CSV = "insert_csv"
PLAIN = "from_csv_file"
MAPPED = "from_csv_file, a name mapped, two fields ignored"
TRANSFORMED = "from_csv_file, the same and one transform"
STAGED = "staging table, INSERT ... SELECT with the same expression"
PACKED = "from_csv_file of a .csv.gz"
PROGRAM = "COPY FROM PROGRAM 'gzip -dc' of it"
TEXT = "insert_many of text"
LINES = "from_json_file, JSON Lines"
SELECT = "INSERT ... SELECT"
QUERY = "from_query"

OPTIONS = """columns => '{"ID": "id"}', ignore_unknown => true"""
EXPRESSION = "replace({}, ',', '.')::numeric"


def rounds_of(conn, ways, check):
    """Alternates ways on a table made anew, with no checkpoint due."""
    def before(_):
        conn.execute("TRUNCATE target")
        conn.execute("CHECKPOINT")

    def count(_):
        rows = conn.execute("SELECT count(*) FROM target").fetchone()[0]
        assert rows == check, rows

    return alternate(ways, before=before, check=count)


def from_file(conn, path, options=""):
    """insert_many of a CSV file."""
    return sql(conn, f"SELECT insert_many('target', from_csv_file('{path}'"
                     f"{', ' + options if options else ''}))")


def by_staging_table(conn, path):
    """What is done by hand where COPY has no expressions."""
    columns = "id, name, email, active, price, created, meta"
    expression = columns.replace("price", EXPRESSION.format("price"))

    def run():
        with conn.transaction():
            conn.execute("CREATE TEMP TABLE staging (LIKE target, x text, "
                         "y text) ON COMMIT DROP")
            conn.execute("ALTER TABLE staging ALTER price TYPE text")
            conn.execute(f"COPY staging FROM '{path}' (FORMAT csv, HEADER)")
            conn.execute(f"INSERT INTO target ({columns}) "
                         f"SELECT {expression} FROM staging")
    return run


def csv_files(conn):
    """CSV: without options, mapped, transformed, packed."""
    path = server_file(conn, "SELECT * FROM rows ORDER BY id", "rows.csv")
    other = server_file(conn, 'SELECT id AS "ID", name, email, active, price, '
                              'created, meta, 1 AS x, 2 AS y FROM rows '
                              'ORDER BY id', "other.csv")
    comma = server_file(conn, 'SELECT id AS "ID", name, email, active, '
                              "replace(price::text, '.', ',') AS price, "
                              'created, meta, 1 AS x, 2 AS y FROM rows '
                              'ORDER BY id', "comma.csv")
    packed = os.path.join(DIRECTORY, "rows.csv.gz")
    with open(packed, "wb") as file:
        subprocess.run(["gzip", "-c", path], stdout=file, check=True)
    os.chmod(packed, 0o644)
    transform = ("transforms => '{\"price\": \"" +
                 EXPRESSION.format("v").replace("'", "''") + "\"}'")
    seconds = rounds_of(conn, {
        CSV: sql(conn, f"SELECT insert_csv('target', '{path}', "
                       "on_conflict => NULL)"),
        PLAIN: from_file(conn, path),
        MAPPED: from_file(conn, other, OPTIONS),
        TRANSFORMED: from_file(conn, comma, f"{OPTIONS}, {transform}"),
        STAGED: by_staging_table(conn, comma),
        PACKED: from_file(conn, packed),
        PROGRAM: sql(conn, f"COPY target FROM PROGRAM 'gzip -dc {packed}' "
                           "(FORMAT csv, HEADER)"),
    }, 200000)
    table("200,000 rows of CSV into an empty table with a primary key",
          seconds, CSV)
    print()
    require("from_csv_file / insert_csv", ratio(seconds, PLAIN, CSV), 1.03)
    require("mapped / insert_csv", ratio(seconds, MAPPED, CSV), 1.1)
    require("transformed / insert_csv", ratio(seconds, TRANSFORMED, CSV), 1.35)
    require("transformed / staging table",
            ratio(seconds, TRANSFORMED, STAGED), 0.7)
    require("packed / COPY FROM PROGRAM", ratio(seconds, PACKED, PROGRAM), 1.0)
    for name in (path, other, comma, packed):
        os.unlink(name)


def json_and_queries(conn):
    """JSON Lines in a file against a text, a query against INSERT."""
    path = os.path.join(DIRECTORY, "rows.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for line, in conn.execute("SELECT to_jsonb(r)::text FROM rows r "
                                  "ORDER BY id"):
            file.write(line + "\n")
    os.chmod(path, 0o644)
    seconds = rounds_of(conn, {
        TEXT: sql(conn, "SELECT insert_many('target', body) FROM input"),
        LINES: sql(conn, "SELECT insert_many('target', "
                         f"from_json_file('{path}'))"),
        SELECT: sql(conn, "INSERT INTO target SELECT * FROM rows"),
        QUERY: sql(conn, "SELECT insert_many('target', "
                         "from_query('SELECT * FROM rows'))"),
    }, 200000)
    table("200,000 rows of JSON, and of a query", seconds, TEXT)
    print()
    require("from_json_file / insert_many of text",
            ratio(seconds, LINES, TEXT), 1.1)
    require("from_query / INSERT ... SELECT",
            ratio(seconds, QUERY, SELECT), 1.0)
    os.unlink(path)


def main():
    conn = connect()
    make_rows(conn)
    print("## row_source")
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    note("sources: CSV")
    csv_files(conn)
    note("sources: JSON and queries")
    json_and_queries(conn)
    finish(conn)


if __name__ == "__main__":
    main()
