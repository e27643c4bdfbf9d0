"""insert_many against COPY and jsonb_populate_recordset, on the same rows."""

import os
import subprocess
import tempfile
import threading
import time

import psycopg

from common import (ROWS_TABLE, alternate_cpu, connect, finish, make_rows,
                    note, ratio, require, require_both, server_file, sql,
                    table)


def bulk(conn, path):
    """200,000 rows into a table with a primary key."""
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    ways = {
        "COPY of a server CSV": sql(
            conn, f"COPY target FROM '{path}' (FORMAT csv, HEADER)"),
        "jsonb_populate_recordset, stored jsonb": sql(conn, """
            INSERT INTO target SELECT r.* FROM input,
            jsonb_populate_recordset(NULL::target, stored) r"""),
        "jsonb_populate_recordset, text": sql(conn, """
            INSERT INTO target SELECT r.* FROM input,
            jsonb_populate_recordset(NULL::target, body::jsonb) r"""),
        "insert_many, stored jsonb": sql(
            conn, "SELECT insert_many('target', stored) FROM input"),
        "insert_many, text": sql(
            conn, "SELECT insert_many('target', body) FROM input"),
    }

    def check(_):
        count = conn.execute("SELECT count(*) FROM target").fetchone()[0]
        assert count == 200000, count

    note("insert: 200,000 rows, primary key")
    seconds, cpu = alternate_cpu(
        conn, ways, check=check,
        before=lambda _: conn.execute("TRUNCATE target"))
    copy = "COPY of a server CSV"
    table("200,000 rows of 7 columns into a table with a primary key",
          seconds, copy, cpu=cpu)
    print()
    require_both("insert_many of stored jsonb / COPY", seconds, cpu,
                 "insert_many, stored jsonb", copy, 0.60)
    require_both("insert_many of text / COPY", seconds, cpu,
                 "insert_many, text", copy, 0.60)
    require("insert_many of text / jsonb_populate_recordset of text",
            ratio(seconds, "insert_many, text",
                  "jsonb_populate_recordset, text"), 1 / 3)
    conn.execute("DROP TABLE target")


def partitioned(conn):
    """The same rows in random order into 12 range partitions."""
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY",
                                   rest="PARTITION BY RANGE (id)"))
    for i in range(12):
        low, high = i * 16667 + 1, (i + 1) * 16667 + 1
        conn.execute(f"CREATE TABLE target_{i} PARTITION OF target "
                     f"FOR VALUES FROM ({low}) TO ({high})")
    conn.execute("CREATE TABLE shuffled (stored jsonb, body text)")
    conn.execute("ALTER TABLE shuffled ALTER body SET STORAGE EXTERNAL")
    conn.execute("""INSERT INTO shuffled
        SELECT j AS stored, j::text AS body
        FROM (SELECT jsonb_agg(to_jsonb(r) ORDER BY md5(id::text))
              FROM rows r) q(j)""")
    path = server_file(conn, "SELECT * FROM rows ORDER BY md5(id::text)",
                       "shuffled.csv")
    ways = {
        "COPY of a server CSV": sql(
            conn, f"COPY target FROM '{path}' (FORMAT csv, HEADER)"),
        "insert_many, stored jsonb": sql(
            conn, "SELECT insert_many('target', stored) FROM shuffled"),
        "insert_many, text": sql(
            conn, "SELECT insert_many('target', body) FROM shuffled"),
    }
    note("insert: 200,000 rows in random order, 12 partitions")
    seconds, cpu = alternate_cpu(
        conn, ways, before=lambda _: conn.execute("TRUNCATE target"))
    copy = "COPY of a server CSV"
    table("The same in random order into 12 range partitions", seconds, copy,
          cpu=cpu)
    print()
    require_both("insert_many of stored jsonb / COPY", seconds, cpu,
                 "insert_many, stored jsonb", copy, 0.60)
    require_both("insert_many of text / COPY", seconds, cpu,
                 "insert_many, text", copy, 0.60)
    conn.execute("DROP TABLE target, shuffled")
    os.unlink(path)


def resident(pid):
    """Kilobytes of a process's memory that are its own."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status if ":" in line)
    return int(fields["RssAnon"].split()[0])


def memory(conn):
    """Peak memory of the backend for 200 MB of JSON text."""
    conn.execute(ROWS_TABLE.format(name="target", key="", rest=""))
    conn.execute("""CREATE TABLE big (body text)""")
    conn.execute("ALTER TABLE big ALTER body SET STORAGE EXTERNAL")
    conn.execute("""
        INSERT INTO big SELECT '[' || string_agg(inner_text, ',') || ']' FROM (
        SELECT substr(body, 2, length(body) - 2) AS inner_text
        FROM input, generate_series(1, 6)) q""")
    size = conn.execute("SELECT length(body) FROM big").fetchone()[0]
    with psycopg.connect(autocommit=True) as loader:
        loader.execute("SET search_path = pgsync_bench, public")
        pid = loader.info.backend_pid
        before = resident(pid)
        peak = before
        done = threading.Event()

        def load():
            loader.execute("SELECT insert_many('target', body) FROM big")
            done.set()

        thread = threading.Thread(target=load)
        thread.start()
        while not done.wait(0.005):
            peak = max(peak, resident(pid))
        thread.join()
    beyond = (peak - before) / 1024 - size / 1048576
    print("\n### Memory of the backend for one long text\n")
    print(f"- text: {size / 1048576:.0f} MB; peak private memory beyond it: "
          f"{beyond:.0f} MB")
    require("MB beyond the input", beyond, 64)
    conn.execute("DROP TABLE target, big")


def pgbench(script, seconds=8):
    """Transactions a second of a script, one client."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        out = subprocess.run(["pgbench", "-n", "-c1", "-T", str(seconds),
                              "-f", file.name], check=True, text=True,
                             capture_output=True).stdout
    for line in out.splitlines():
        if line.startswith("tps"):
            return float(line.split()[2])
    raise RuntimeError(out)


def one_row(conn):
    """One-row calls against the same row's plain INSERT."""
    conn.execute("""CREATE TABLE single (id bigserial PRIMARY KEY, name text,
                    email text, n int)""")
    values = "'name', 'user@example.com', 42"
    row = '{"name": "name", "email": "user@example.com", "n": 42}'
    target = "pgsync_bench.single"
    scripts = {
        "INSERT": f"INSERT INTO {target} (name, email, n) VALUES ({values});",
        "insert_many": f"SELECT insert_many('{target}', '{row}');",
        "INSERT RETURNING": f"INSERT INTO {target} (name, email, n) "
                            f"VALUES ({values}) RETURNING id;",
        "insert_one": f"SELECT insert_one('{target}', '{row}', '{{id}}');",
    }
    tps = {name: [] for name in scripts}
    note("insert: one row a call, pgbench")
    for _ in range(3):
        for name, script in scripts.items():
            tps[name].append(pgbench(script, 4))
    median = {name: sorted(values)[1] for name, values in tps.items()}
    print("\n### One row a call (pgbench, one client, simple protocol)\n")
    print("| way | transactions a second |\n|---|---:|")
    for name, value in median.items():
        print(f"| {name} | {value:.0f} |")
    print()
    require("cost of insert_many / INSERT",
            median["INSERT"] / median["insert_many"], 2.0)
    require("cost of insert_one / INSERT RETURNING",
            median["INSERT RETURNING"] / median["insert_one"], 2.0)
    conn.execute("DROP TABLE single")


def main():
    conn = connect()
    start = time.time()
    make_rows(conn)
    path = server_file(conn, "SELECT * FROM rows ORDER BY id", "rows.csv")
    print("## insert_many")
    bulk(conn, path)
    partitioned(conn)
    memory(conn)
    one_row(conn)
    os.unlink(path)
    finish(conn)
    note(f"insert: {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
