"""upsert_many against INSERT ... ON CONFLICT over jsonb_populate_recordset."""

from common import (ROWS_TABLE, alternate, connect, finish, make_rows, note,
                    ratio, require, sql, table)

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
        "INSERT ON CONFLICT": sql(conn, PEER),
        "upsert_many": sql(conn, "SELECT upsert_many('target', body) FROM input"),
    }

    def empty(_):
        conn.execute("TRUNCATE target")

    def fill(_):
        conn.execute("TRUNCATE target")
        conn.execute("INSERT INTO target SELECT * FROM rows")

    print("## upsert_many")
    note("upsert: 200,000 new rows")
    new = alternate(ways, before=empty)
    table("200,000 new rows from text", new, "INSERT ON CONFLICT")
    note("upsert: 200,000 existing rows")
    existing = alternate(ways, before=fill)
    table("200,000 existing rows from text", existing, "INSERT ON CONFLICT")
    note("upsert: 200,000 rows that are equal")
    equal = alternate({
        "upsert_many": ways["upsert_many"],
        "skip_unchanged": sql(conn, "SELECT upsert_many('target', body,"
                              " skip_unchanged => true) FROM input"),
    }, before=fill)
    table("200,000 equal rows from text", equal, "upsert_many")
    print()
    require("new rows", ratio(new, "upsert_many", "INSERT ON CONFLICT"), 0.7)
    require("existing rows",
            ratio(existing, "upsert_many", "INSERT ON CONFLICT"), 0.7)
    require("equal rows, skip_unchanged",
            ratio(equal, "skip_unchanged", "upsert_many"), 0.33)
    finish(conn)


if __name__ == "__main__":
    main()
