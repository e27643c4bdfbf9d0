"""on_error => 'ignore': what it costs where no row is bad, and what bad rows
cost, against the plain call and against a staging table and a loop over it.
All ways run in the same rounds, on rows of the same length."""

from common import (ROWS_TABLE, alternate_cpu, connect, finish, make_rows,
                    note, ratio, require, require_faster, sql, table)

PLAIN = "stop"
CLEAN = "ignore, no bad row"
RARE = "ignore, 1 row in 1,000 bad"
SOME = "ignore, 1 row in 100 bad"
LOOP = "staging table, a loop with an exception block a row, 1 in 100 bad"
ALL = "ignore, all rows bad"
READ = "the same rows read, all fields dropped"

# How a row is made bad: by a value, or by its key
CONVERSION = ("that cannot be converted", "jsonb_build_object('price', 'much')")
KEY = ("whose key is there already", "jsonb_build_object('id', 1)")

ERRORS = """
CREATE TABLE errors (target_table regclass, row_number bigint, data text,
    column_name text, value text, sqlstate text, message text, detail text,
    hint text, constraint_name text)
"""


def make_bodies(conn, change):
    """Texts with no bad row, few, some, and nothing but bad ones."""
    conn.execute("DROP TABLE IF EXISTS bodies")
    conn.execute("CREATE TABLE bodies (every int PRIMARY KEY, body text)")
    conn.execute("ALTER TABLE bodies ALTER body SET STORAGE EXTERNAL")
    for every in (0, 1000, 100, 1):
        conn.execute(f"""
            INSERT INTO bodies
            SELECT {every}, jsonb_agg(CASE WHEN {every} > 0
                AND (id + 37) % nullif({every}, 0) = 0
                THEN to_jsonb(r) || {change} ELSE to_jsonb(r) END
                ORDER BY id)::text FROM rows r""")


def ignoring(conn, every):
    """A way that loads a text and keeps its bad rows."""
    return sql(conn, "SELECT insert_many('target', body, on_error => 'ignore', "
                     "error_table => 'errors') FROM bodies "
                     f"WHERE every = {every}")


def by_loop(conn):
    """What is done without on_error: a subtransaction a row."""
    return lambda: conn.execute("""
        DO $$
        DECLARE
            staged record;
        BEGIN
            CREATE TEMP TABLE staging (number bigint, data jsonb) ON COMMIT DROP;
            INSERT INTO staging
            SELECT ordinality, value FROM bodies,
                jsonb_array_elements(body::jsonb) WITH ORDINALITY
            WHERE every = 100;
            FOR staged IN SELECT * FROM staging ORDER BY number LOOP
                BEGIN
                    INSERT INTO target SELECT * FROM jsonb_populate_record(
                        NULL::target, staged.data);
                EXCEPTION WHEN OTHERS THEN
                    INSERT INTO errors (row_number, data, sqlstate, message)
                    VALUES (staged.number, staged.data::text, SQLSTATE, SQLERRM);
                END;
            END LOOP;
        END $$""")


def measure(conn, kind):
    """One kind of bad row, in all the ways."""
    title, change = kind
    make_bodies(conn, change)
    ways = {
        PLAIN: sql(conn, "SELECT insert_many('target', body) FROM bodies "
                         "WHERE every = 0"),
        CLEAN: ignoring(conn, 0),
        RARE: ignoring(conn, 1000),
        SOME: ignoring(conn, 100),
        LOOP: by_loop(conn),
    }
    counts = {PLAIN: 0, CLEAN: 0, RARE: 200, SOME: 2000, LOOP: 2000,
              ALL: 200000, READ: 0}
    if kind is CONVERSION:
        ways[ALL] = ignoring(conn, 1)
        ways[READ] = sql(conn, """
            SELECT insert_many('nothing', from_json(body, ignore_unknown => true))
            FROM bodies WHERE every = 1""")

    def before(_):
        conn.execute("TRUNCATE target, errors, nothing")
        conn.execute("CHECKPOINT")

    def check(name):
        bad = conn.execute("SELECT count(*) FROM errors").fetchone()[0]
        assert bad == counts[name], (name, bad)
        if name != READ:
            good = conn.execute("SELECT count(*) FROM target").fetchone()[0]
            assert good == 200000 - bad, (name, good)

    seconds, cpu = alternate_cpu(conn, ways, before=before, check=check)
    table(f"200,000 rows of JSON, and among them rows {title}", seconds, PLAIN,
          cpu=cpu)
    print()
    require("no bad row / stop", ratio(cpu, CLEAN, PLAIN), 1.05)
    require("1 in 1,000 bad / stop", ratio(cpu, RARE, PLAIN), 1.3)
    require("1 in 100 bad / stop", ratio(cpu, SOME, PLAIN), 2.0)
    require_faster("1 in 100 bad, against the loop",
                   1 / ratio(cpu, SOME, LOOP), 8)
    if kind is CONVERSION:
        more = sorted(cpu[ALL])[len(cpu[ALL]) // 2] - \
            sorted(cpu[READ])[len(cpu[READ]) // 2]
        require("all bad, µs a row more than reading them",
                more / 200000 * 1e6, 15)


def main():
    conn = connect()
    make_rows(conn)
    print("## Bad rows")
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    conn.execute("CREATE TABLE nothing (unused int)")
    conn.execute(ERRORS)
    for kind in (CONVERSION, KEY):
        note(f"rejects: rows {kind[0]}")
        measure(conn, kind)
    finish(conn)


if __name__ == "__main__":
    main()
