"""Every function 100,000 times in one session: memory must not grow.

Half of the calls are made in loops of one statement (a DO block), where only
the function itself frees what it took, and half as statements of their own,
where nothing may be left to the session.  The backend's memory contexts and
its resident memory are looked at after a warm-up and at the end; temporary
files and warnings are looked for as well.
"""

import gzip
import json
import multiprocessing
import os
import subprocess

import psycopg

from common import WORK, check, connect, finish, note, scalar, scaled

CALLS = 100_000
WARM_UP = 1_000

# What takes so long that fewer calls must do: those that make files
FEWER = {"save_tables": 20, "restore_tables, new file": 20}

# Growth allowed for what the server itself keeps, such as its plan caches.
CONTEXT_BYTES = 256 * 1024
RESIDENT_KB = 8 * 1024

# And for each call that makes tables and drops them: the catalog caches keep
# entries of them, as they do of those of a plain CREATE TABLE and DROP TABLE.
CATALOG_BYTES = {"save_tables": 3 * 1024}

SETUP = """
DROP SCHEMA IF EXISTS {schema}, {schema}_saved CASCADE;
CREATE SCHEMA {schema};
SET search_path = {schema}, public;
CREATE TABLE target (id int PRIMARY KEY, name text DEFAULT 'none', doc jsonb);
CREATE TABLE slow (LIKE target INCLUDING ALL);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER before BEFORE INSERT ON slow FOR EACH ROW
    EXECUTE FUNCTION nothing();
CREATE TABLE parted (LIKE target) PARTITION BY HASH (id);
CREATE TABLE part0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE few (id serial PRIMARY KEY, name text);
INSERT INTO few (name) SELECT 'n' || i FROM generate_series(1, 20) i;
CREATE TABLE refused (row_number bigint, data jsonb, message text);
CREATE TABLE dirty (id serial PRIMARY KEY, up int REFERENCES dirty);
CREATE TABLE seeded (id serial PRIMARY KEY, name text UNIQUE,
    up int REFERENCES seeded);
INSERT INTO seeded (name, up) SELECT 'n' || i, i FROM generate_series(1, 20) i;
SELECT save_tables(ARRAY['seeded'], '{schema}_saved');
"""

ROWS = """[{"id": 1, "name": "a", "doc": {"x": [1, 2]}},
{"id": 2, "doc": null}, {"name": "c", "id": 3}]"""
CLOSE_ROWS = json.dumps([{"id": i} for i in range(11, 31)])
CSV = "id,name\n1,a\n2,\n3,c\n"
BAD_ROWS = """[{"id": 1, "name": "a"}, {"id": "x"}, {"id": 1}, {"no": 1},
{"id": 2, "name": "1"}]"""
KNOWN_ROWS = json.dumps([{"id": i} for i in range(15, 25)])
IGNORE = "on_error => 'ignore', error_table => 'refused'"

# What is called; everything that adds rows takes them away again.
CALLS_OF = {
    "insert_many jsonb": f"SELECT insert_many('target', '{ROWS}'::jsonb);"
                         "DELETE FROM target",
    "insert_many json": f"SELECT insert_many('target', '{ROWS}'::json);"
                        "DELETE FROM target",
    "insert_many text": f"SELECT insert_many('target', '{ROWS}'::text);"
                        "DELETE FROM target",
    "insert_many, statement sink": f"SELECT insert_many('slow', '{ROWS}');"
                                   "DELETE FROM slow",
    "insert_many, partitions": f"SELECT insert_many('parted', '{ROWS}');"
                               "DELETE FROM parted",
    "insert_many, conflicts": f"""SELECT insert_many('few', '{{"id": 1}}',
        'ON CONFLICT DO NOTHING')""",
    "insert_many, close keys": f"""SELECT insert_many('few', '{CLOSE_ROWS}',
        'ON CONFLICT DO NOTHING'); DELETE FROM few WHERE id > 20""",
    "insert_many, bad rows": f"SELECT insert_many('target', '{BAD_ROWS}',"
                             f" {IGNORE}); DELETE FROM target;"
                             "DELETE FROM refused",
    "insert_many, bad rows, statement sink":
        f"SELECT insert_many('slow', '{BAD_ROWS}'::text, {IGNORE});"
        "DELETE FROM slow; DELETE FROM refused",
    "insert_many, bad rows, transforms": f"""SELECT insert_many('target',
        from_json('{BAD_ROWS}'::json, ignore_unknown => true,
        transforms => '{{"name": "(SELECT f.name FROM few f WHERE f.id = v::int)"}}'),
        {IGNORE}); DELETE FROM target; DELETE FROM refused""",
    "upsert_many, bad rows": f"SELECT upsert_many('few', '{BAD_ROWS}',"
                             f" {IGNORE}); DELETE FROM refused",
    "upsert_many, bad rows, in order": f"SELECT upsert_many('few',"
        f" '{BAD_ROWS}', key_order => true, {IGNORE}); DELETE FROM refused",
    "insert_many, keys that are there": f"SELECT insert_many('few',"
        f" '{KNOWN_ROWS}', {IGNORE}); DELETE FROM few WHERE id > 20;"
        "DELETE FROM refused",
    "insert_csv_text, bad rows": f"""SELECT insert_csv_text('target',
        E'id,name\\n1,a\\nx,b\\n2\\n1,d\\n', on_conflict => NULL, {IGNORE});
        DELETE FROM target; DELETE FROM refused""",
    "insert_many, overriding": """SELECT insert_many('few',
        '[{"id": 30}, {"id": 31}]', overriding => 'user');
        DELETE FROM few WHERE id > 20""",
    "insert_one": """SELECT insert_one('target', '{"id": 1}', '{*}');
        DELETE FROM target""",
    "insert_returning": f"SELECT insert_returning('target', '{ROWS}');"
                        "DELETE FROM target",
    "insert_tables": """SELECT insert_tables('{"dirty": [{"dirty": [{}, {}]},
        {"up": {"id": 1}}, {"id": 1}]}', 'ON CONFLICT DO NOTHING');
        DELETE FROM dirty""",
    "fetch_tables": "SELECT fetch_tables('{few,seeded}')",
    "upsert_many": """SELECT upsert_many('few', '[{"id": 1, "name": "x"},
        {"id": 1}, {"id": 2, "name": null}]')""",
    "upsert_many text": """SELECT upsert_many('few',
        '{"id": 1, "name": "x"} {"id": 2}'::text)""",
    "upsert_many, quiet": """SELECT upsert_many('few', '[{"id": 2, "name": "y"},
        {"id": 1}, {"id": 1, "name": null}]', skip_unchanged => true,
        key_order => true)""",
    "upsert_returning": """SELECT count(*) FROM upsert_returning('few',
        '[{"id": 1, "name": "x"}, {"id": 1}, {"id": 2, "name": null}]')""",
    "update_many": """SELECT update_many('few', '[{"id": 2, "name": "x"},
        {"id": 1, "name": "y"}, {"id": 1}, {"id": 99, "name": null}]')""",
    "update_many, sets of columns": """SELECT update_many('target',
        '[{"id": 2, "name": "x"}, {"id": 1, "doc": {"a": 1}}, {"id": 1,
        "doc": {"b": [1]}}]'::text, merge_columns => '{doc}')""",
    "delete_many": f"SELECT insert_many('target', '{ROWS}');"
                   "SELECT delete_many('target', '[3, 1, 2, 7]')",
    "sync_many": f"SELECT sync_many('target', '{ROWS}'::text);"
                 "SELECT sync_many('target', '[{\"id\": 2}, {\"id\": 9}]');"
                 "SELECT sync_many('target', '[]', allow_empty => true)",
    "sync_many, unchanged": "SELECT sync_many('few', (SELECT"
                            " jsonb_agg(to_jsonb(f)) FROM few f))",
    "sync_many, slice": """SELECT sync_many('few', '[{"id": 3}]',
        scope => '{"name": "n3"}')""",
    "sync_diff": """SELECT sync_diff('few', '[{"id": 1, "name": "x"},
        {"id": 99}]')""",
    "get_insert_data": f"SELECT get_insert_data('target', '[{{\"id\": 1}}]')",
    "insert_csv_text": f"SELECT insert_csv_text('target', '{CSV}');"
                       "DELETE FROM target",
    "insert_csv": f"SELECT insert_csv('target', '{WORK}/leaks.csv');"
                  "DELETE FROM target",
    "from_json": """SELECT insert_many('target', from_json(
        '{"data": [{"ID": 1, "name": "a"}, {"ID": 2, "x": [1]}]}',
        columns => '{"ID": "id"}', ignore_unknown => true, at => '{data}',
        transforms => '{"name": "upper(v) || (r ->> ''ID'')"}'));
        DELETE FROM target""",
    "from_json, members of an object": """SELECT upsert_many('target',
        from_json('{"1": {"name": "a"}, "2": {}}'::text, key_column => 'id'));
        DELETE FROM target""",
    "from_json_file": f"""SELECT insert_many('target',
        from_json_file('{WORK}/leaks.json', encoding => 'utf8'));
        DELETE FROM target""",
    "from_csv": """SELECT insert_returning('target', from_csv(
        E'x|y\\n 1 | -\\n2|b\\n', columns => '{"x": "id", "y": "name"}',
        delimiter => '|', trim_blanks => true, null_strings => '{-}'));
        DELETE FROM target""",
    "from_csv_file": f"""SELECT insert_many('target', from_csv_file(
        '{WORK}/leaks.csv', transforms => '{{"name":
        "(SELECT max(name) FROM few WHERE name > v)"}}'));
        DELETE FROM target""",
    "from_csv_file, packed": f"""SELECT insert_many('target',
        from_csv_file('{WORK}/leaks.csv.gz')); DELETE FROM target""",
    "from_query": """SELECT insert_many('target', from_query(
        'SELECT id, name FROM few WHERE id > $1', '{15}'));
        DELETE FROM target""",
    "from_query that writes": """INSERT INTO target SELECT * FROM
        generate_series(1, 5); SELECT insert_many('slow', from_query(
        'DELETE FROM target RETURNING id, name')); DELETE FROM slow""",
    "fetch_all": "SELECT fetch_all('SELECT * FROM few')",
    "fetch_json": "SELECT fetch_json('SELECT * FROM few WHERE id < $1', 9)",
    "fetch_one": "SELECT fetch_one('SELECT * FROM few WHERE id = $1', 3)",
    "fetch_one_required": "SELECT fetch_one_required('SELECT 1 AS a')",
    "fetch_count": "SELECT fetch_count('few')",
    "fetch_count, condition": "SELECT fetch_count('few', 'id > $1', 5)",
    "fetch_count_estimate": "SELECT fetch_count_estimate('few', 'id > $1', 5)",
    "get_tables": "SELECT get_tables(ARRAY[current_schema()])",
    "clean_tables": "INSERT INTO dirty DEFAULT VALUES;"
                    "SELECT clean_tables('{dirty}')",
    "save_tables": "SELECT save_tables('{seeded,few}',"
                   " current_schema() || '_saved')",
    "restore_tables, unchanged": "SELECT restore_tables(current_schema()"
                                 " || '_saved')",
    "restore_tables, in place": """UPDATE seeded SET name = 'x' WHERE id = 3;
        SELECT restore_tables(current_schema() || '_saved')""",
    "restore_tables, new file": """INSERT INTO seeded (name)
        SELECT 'm' || n FROM generate_series(1, 600) n;
        SELECT restore_tables(current_schema() || '_saved')""",
    "set_seq_max": "SELECT set_seq_max('few_id_seq', 'few')",
    "set_seqs_max": "SELECT set_seqs_max(get_tables(ARRAY[current_schema()]))",
    "drop_db": "SELECT drop_db('there_is_no_such_database')",
    "an error": """SELECT insert_many('target', '[{"id": 1}, {"id": "x"}]')""",
    "an error in a transform": f"""SELECT insert_many('target',
        from_csv_file('{WORK}/leaks.csv', transforms => '{{"id":
        "(SELECT (v || replace(v, ''3'', ''x''))::int FROM few LIMIT 1)"}}'))""",
    "an error in a query": """SELECT insert_many('target', from_query(
        'SELECT replace(id::text, ''10'', ''x'')::int AS id FROM few'))""",
}


def memory(conn):
    """Bytes in the session's memory contexts, and resident kilobytes."""
    contexts = scalar(conn, "SELECT sum(total_bytes)::bigint"
                            " FROM pg_backend_memory_contexts")
    with open(f"/proc/{conn.info.backend_pid}/status", encoding="ascii") as f:
        status = dict(line.split(":", 1) for line in f)
    return contexts, int(status["RssAnon"].split()[0])


def in_block(conn, statements, calls):
    """Calls in a loop of one statement, errors caught."""
    body = ";\n".join(
        part.replace("SELECT", "PERFORM", 1)
        if part.strip().startswith("SELECT") else part
        for part in statements.split(";"))
    conn.execute(f"""DO $do$ BEGIN
        FOR i IN 1 .. {calls} LOOP
            BEGIN {body};
            EXCEPTION WHEN invalid_text_representation THEN NULL; END;
        END LOOP; END $do$""")


def in_turn(conn, statements, calls):
    """Calls as statements of their own, many to a message of libpq."""
    for _ in range(calls):
        try:
            conn.execute(statements)
        except psycopg.errors.InvalidTextRepresentation:
            pass


def vacuum(conn):
    """Takes away the dead rows, which would slow the calls down."""
    conn.execute("VACUUM target, slow, parted, few, dirty, seeded")
    saved = scalar(conn, "SELECT current_schema() || '_saved'")
    conn.execute(f"VACUUM {saved}.pgsync_saved_tables")


def try_function(task):
    """Warms up, calls, and compares memory."""
    number, name, calls = task
    statements = CALLS_OF[name]
    schema = f"leaks{number}"
    conn = connect()
    conn.execute(SETUP.format(schema=schema))
    conn.close()
    conn = connect()
    conn.execute(f"SET search_path = {schema}, public; SET jit = off")
    fewer = FEWER.get(name, 1)
    calls = max(1, calls // fewer)
    # dead rows stay as long as the transaction, and slow it down
    turns = {in_block: 200 // fewer, in_turn: 5_000 // fewer}
    for way, turn in turns.items():
        way(conn, statements, min(turn, WARM_UP, calls))
        vacuum(conn)
        contexts, resident = memory(conn)
    for way, turn in turns.items():
        done = 0
        while done < calls // 2:
            way(conn, statements, min(turn, calls // 2 - done))
            done += turn
            vacuum(conn)
    contexts_now, resident_now = memory(conn)
    conn.execute(f"DROP SCHEMA {schema}, {schema}_saved CASCADE")
    conn.close()
    cached = calls * CATALOG_BYTES.get(name, 0)
    check(contexts_now - contexts < CONTEXT_BYTES + cached
          and resident_now - resident < RESIDENT_KB + cached // 1024,
          f"{name}: {calls} calls, contexts"
          f" {(contexts_now - contexts) / 1024:+.0f} kB, resident"
          f" {resident_now - resident:+d} kB")


def main():
    """Tries each function, then looks for what was left behind."""
    with open(f"{WORK}/leaks.csv", "w", encoding="ascii") as file:
        file.write(CSV)
    with open(f"{WORK}/leaks.json", "w", encoding="ascii") as file:
        file.write(ROWS)
    with gzip.open(f"{WORK}/leaks.csv.gz", "wt") as file:
        file.write(CSV)
    connect().execute("CREATE EXTENSION IF NOT EXISTS pgsync")
    calls = scaled(CALLS)
    tasks = [(i, name, calls) for i, name in enumerate(CALLS_OF)]
    with multiprocessing.Pool(2) as pool:
        pool.map(try_function, tasks, chunksize=1)
    log = subprocess.run(
        ["grep", "-cE", "WARNING|temporary file", f"{WORK}/server.log"],
        stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    check(log == "0", f"warnings and temporary files in the log: {log}")
    left = os.listdir(os.environ["PGDATA"] + "/base/pgsql_tmp") if os.path.isdir(
        os.environ["PGDATA"] + "/base/pgsql_tmp") else []
    check(not left, f"temporary files left: {len(left)}")
    note(f"{len(CALLS_OF)} kinds of call")
    finish(True)


if __name__ == "__main__":
    main()
