"""upsert_many against INSERT ... ON CONFLICT over jsonb_populate_recordset."""

from common import (ROWS_TABLE, alternate_cpu, connect, finish, make_rows,
                    note, require_both, sql, table)

PEER_NAME = "INSERT ON CONFLICT"
PEER = """
INSERT INTO target SELECT r.* FROM input,
jsonb_populate_recordset(NULL::target, body::jsonb) r
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email,
active = EXCLUDED.active, price = EXCLUDED.price, created = EXCLUDED.created,
meta = EXCLUDED.meta"""


def main():
    conn = connect()
    make_rows(conn)
    conn.execute(ROWS_TABLE.format(name="target", key="PRIMARY KEY", rest=""))
    ways = {
        PEER_NAME: sql(conn, PEER),
        "upsert_many": sql(conn, "SELECT upsert_many('target', body) FROM input"),
    }

    def empty(_):
        conn.execute("TRUNCATE target")

    def fill(_):
        conn.execute("TRUNCATE target")
        conn.execute("INSERT INTO target SELECT * FROM rows")

    print("## upsert_many")
    note("upsert: 200,000 new rows")
    new = alternate_cpu(conn, ways, before=empty)
    table("200,000 new rows from text", new[0], PEER_NAME, cpu=new[1])
    note("upsert: 200,000 existing rows")
    existing = alternate_cpu(conn, ways, before=fill)
    table("200,000 existing rows from text", existing[0], PEER_NAME,
          cpu=existing[1])
    note("upsert: 200,000 rows that are equal")
    equal = alternate_cpu(conn, {
        "upsert_many": ways["upsert_many"],
        "skip_unchanged": sql(conn, "SELECT upsert_many('target', body,"
                              " skip_unchanged => true) FROM input"),
    }, before=fill)
    table("200,000 equal rows from text", equal[0], "upsert_many",
          cpu=equal[1])
    print()
    require_both("new rows", *new, "upsert_many", PEER_NAME, 0.35)
    require_both("existing rows", *existing, "upsert_many", PEER_NAME, 0.40)
    require_both("equal rows, skip_unchanged", *equal, "skip_unchanged",
                 "upsert_many", 0.33)
    finish(conn)


if __name__ == "__main__":
    main()
