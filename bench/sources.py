"""row_source: files as they come, packed files, and queries, each against
what it stands for, and what memory they take.  All ways run in the same
rounds, on the same rows."""

import os
import subprocess
import threading

from common import (DIRECTORY, ROUNDS, ROWS_TABLE, alternate_cpu, connect, finish,
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
LARGE = "from_json_file, JSON Lines of 2 GB"
SELECT = "INSERT ... SELECT"
QUERY = "from_query"

OPTIONS = """columns => '{"ID": "id"}', ignore_unknown => true"""
EXPRESSION = "replace({}, ',', '.')::numeric"
LARGE_BYTES = int(os.environ.get("PGSYNC_BENCH_BYTES", str(2 << 30)))


def rounds_of(conn, ways, check):
    """Alternates ways on a table made anew, with no checkpoint due; returns
    the seconds that passed, and those of the backend's CPU."""
    def before(_):
        conn.execute("TRUNCATE target")
        conn.execute("CHECKPOINT")

    def count(_):
        rows = conn.execute("SELECT count(*) FROM target").fetchone()[0]
        assert rows == check, rows

    return alternate_cpu(conn, ways, before=before, check=count)


def within(title, measured, name, base, limit):
    """Prints whether a way is within the limit aimed for, by both clocks."""
    seconds, cpu = measured
    require(title, ratio(seconds, name, base), limit)
    require(f"{title}, CPU", ratio(cpu, name, base), limit)


def memory_of(pid):
    """Megabytes that a backend has beside shared buffers, and those of them
    that are its own."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status if ":" in line)
    anonymous, file = (int(fields[name].split()[0])
                       for name in ("RssAnon", "RssFile"))
    return (anonymous + file) / 1024, anonymous / 1024


def peak_of(query):
    """Runs a query in a connection of its own; returns the highest size of
    its backend beside shared buffers, and by how much its own has grown."""
    loader = connect(fresh=False)
    pid = loader.info.backend_pid
    loader.execute("SELECT insert_many('target', '[]')")
    before = memory_of(pid)[1]
    peaks = [memory_of(pid)]
    done = threading.Event()

    def load():
        loader.execute(query)
        done.set()

    thread = threading.Thread(target=load)
    thread.start()
    while not done.wait(0.005):
        peaks.append(memory_of(pid))
    thread.join()
    loader.close()
    return (max(all_of_it for all_of_it, _ in peaks),
            max(own for _, own in peaks) - before)


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
    measured = rounds_of(conn, {
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
          measured[0], CSV, cpu=measured[1])
    print()
    within("from_csv_file / insert_csv", measured, PLAIN, CSV, 1.03)
    within("mapped / insert_csv", measured, MAPPED, CSV, 1.1)
    within("transformed / insert_csv", measured, TRANSFORMED, CSV, 1.35)
    within("transformed / staging table", measured, TRANSFORMED, STAGED, 0.7)
    # what gzip takes is another process's CPU time
    require("packed / COPY FROM PROGRAM",
            ratio(measured[0], PACKED, PROGRAM), 1.0)
    for name in (other, comma):
        os.unlink(name)
    return path, packed


def json_lines(conn):
    """Writes the rows to a file of JSON Lines; returns its path."""
    path = os.path.join(DIRECTORY, "rows.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for line, in conn.execute("SELECT to_jsonb(r)::text FROM rows r "
                                  "ORDER BY id"):
            file.write(line + "\n")
    os.chmod(path, 0o644)
    return path


def json_files(conn, path):
    """JSON Lines in a file against a text."""
    measured = rounds_of(conn, {
        TEXT: sql(conn, "SELECT insert_many('target', body) FROM input"),
        LINES: sql(conn, "SELECT insert_many('target', "
                         f"from_json_file('{path}'))"),
    }, 200000)
    table("200,000 rows of JSON", measured[0], TEXT, cpu=measured[1])
    print()
    within("from_json_file / insert_many of text", measured, LINES, TEXT, 1.1)


def large_file(conn, path):
    """A file of 2 GB against as many rows in texts, into a table that has no
    key and is not logged; and what memory that takes."""
    large = os.path.join(DIRECTORY, "large.jsonl")
    with open(path, "rb") as file:
        lines = file.read()
    copies = -(-LARGE_BYTES // len(lines))
    with open(large, "wb") as file:
        for _ in range(copies):
            file.write(lines)
    os.chmod(large, 0o644)
    conn.execute("ALTER TABLE target RENAME TO keyed")
    conn.execute("CREATE UNLOGGED TABLE target (LIKE keyed)")

    def before(_):
        conn.execute("TRUNCATE target")
        conn.execute("CHECKPOINT")

    rows = 200000 * copies

    def texts():
        for _ in range(copies):
            conn.execute("SELECT insert_many('target', body) FROM input")

    measured = alternate_cpu(conn, {
        TEXT: texts,
        LARGE: sql(conn, "SELECT insert_many('target', "
                         f"from_json_file('{large}'))"),
    }, rounds=min(ROUNDS, 3), before=before)
    before(None)
    size, grown = peak_of("SELECT insert_many('target', "
                          f"from_json_file('{large}'))")
    table(f"{rows:,} rows: a file of"
          f" {os.path.getsize(large) / (1 << 30):.1f} GB, and a text of 200,000"
          f" rows {copies} times", measured[0], TEXT, cpu=measured[1])
    print()
    within("a row of the file / a row of the text", measured, LARGE, TEXT, 1.1)
    require("MB resident beyond shared buffers", size, 64)
    print(f"- of which grown by the call: {grown:.1f} MB")
    conn.execute("DROP TABLE target")
    conn.execute("ALTER TABLE keyed RENAME TO target")
    os.unlink(large)


def queries(conn):
    """A query of 1,000,000 rows against INSERT of the same."""
    conn.execute("""CREATE TABLE million AS
        SELECT id + 200000 * i AS id, name, email, active, price, created, meta
        FROM rows, generate_series(0, 4) i ORDER BY 1""")
    conn.execute("VACUUM ANALYZE million")
    measured = rounds_of(conn, {
        SELECT: sql(conn, "INSERT INTO target SELECT * FROM million"),
        QUERY: sql(conn, "SELECT insert_many('target', "
                         "from_query('SELECT * FROM million'))"),
    }, 1000000)
    table("1,000,000 rows of a query", measured[0], SELECT, cpu=measured[1])
    print()
    within("from_query / INSERT ... SELECT", measured, QUERY, SELECT, 1.0)
    conn.execute("DROP TABLE million")


def memory(conn, csv, packed, lines):
    """Peak memory of each kind of input beyond the input itself."""
    conn.execute("CREATE TABLE texts (kind text, body text)")
    conn.execute("ALTER TABLE texts ALTER body SET STORAGE EXTERNAL")
    for kind, path in (("csv", csv), ("json", lines)):
        conn.execute("INSERT INTO texts VALUES (%s, pg_read_file(%s))",
                     (kind, path))
    sizes = dict(conn.execute("SELECT kind, length(body) / 1048576.0"
                              " FROM texts"))
    print("\n### Peak memory beyond the input\n")
    for title, call, size in (
            ("from_csv_file", f"from_csv_file('{csv}')", 0),
            ("from_csv_file of a .csv.gz", f"from_csv_file('{packed}')", 0),
            ("from_json_file", f"from_json_file('{lines}')", 0),
            ("from_csv", "from_csv(body)", sizes["csv"]),
            ("from_json", "from_json(body)", sizes["json"])):
        conn.execute("TRUNCATE target")
        of = f" FROM texts WHERE kind = '{call[5:call.index('(')]}'" \
            if size else ""
        _, grown = peak_of(f"SELECT insert_many('target', {call}){of}")
        require(f"MB of {title}, beyond {float(size):.0f} MB",
                grown - float(size), 16)
    conn.execute("DROP TABLE texts")


def main():
    conn = connect()
    make_rows(conn)
    print("## row_source")
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    note("sources: CSV")
    csv, packed = csv_files(conn)
    note("sources: JSON")
    lines = json_lines(conn)
    json_files(conn, lines)
    note("sources: memory")
    memory(conn, csv, packed, lines)
    note("sources: a large file")
    large_file(conn, lines)
    note("sources: queries")
    queries(conn)
    for path in (csv, packed, lines):
        os.unlink(path)
    finish(conn)


if __name__ == "__main__":
    main()
