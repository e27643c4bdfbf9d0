"""Who may do what through pgsync: exactly what plain SQL lets them.

Every role of the matrix does everything to every kind of target twice, through
pgsync and by the SQL statement that means the same, each in a transaction that
is rolled back.  SQLSTATE and the rows that are there afterwards must be the
same.  Then pgsync is called where hostile objects stand first in search_path,
and its install script is read for what such objects could get at.
"""

import os
import re

import pglast
import psycopg
from pglast import ast
from pglast.enums import DropBehavior, ObjectType

from common import WORK, check, connect, finish, note, scalar

ROLES = ["owner", "nobody", "reader", "inserter", "by_column", "updater",
         "truncator", "member", "bypasser", "file_reader"]

SETUP = """
CREATE EXTENSION IF NOT EXISTS pgsync;
CREATE SCHEMA matrix;
GRANT USAGE ON SCHEMA matrix TO PUBLIC;
SET search_path = matrix, public;
CREATE TABLE plain (id int PRIMARY KEY, name text, secret text DEFAULT 's');
CREATE SEQUENCE plain_seq OWNED BY plain.id;
CREATE TABLE guarded (LIKE plain INCLUDING ALL);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY low ON guarded USING (id < 100) WITH CHECK (id < 100);
CREATE TABLE forced (LIKE plain INCLUDING ALL);
ALTER TABLE forced ENABLE ROW LEVEL SECURITY;
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
CREATE POLICY low ON forced USING (id < 100) WITH CHECK (id < 100);
CREATE TABLE parted (LIKE plain INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE parted_all PARTITION OF parted DEFAULT;
CREATE TABLE below (LIKE plain INCLUDING ALL);
CREATE VIEW simple AS SELECT * FROM below;
CREATE VIEW barrier WITH (security_barrier) AS
    SELECT * FROM below WHERE id < 100 WITH CHECK OPTION;
CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM guarded;
"""

TARGETS = ["plain", "guarded", "forced", "parted", "simple", "barrier",
           "invoker"]

GRANTS = {
    "reader": "GRANT SELECT ON {t} TO reader",
    "inserter": "GRANT INSERT ON {t} TO inserter",
    "by_column": "GRANT INSERT (id, name), SELECT (id), UPDATE (name)"
                 " ON {t} TO by_column",
    "updater": "GRANT SELECT, INSERT, UPDATE ON {t} TO updater",
    "truncator": "GRANT TRUNCATE, SELECT ON {t} TO truncator",
    "member": "GRANT ALL ON {t} TO member",
    "bypasser": "GRANT ALL ON {t} TO bypasser",
    "file_reader": "GRANT INSERT, SELECT ON {t} TO file_reader",
}

# What pgsync does, and the plain SQL that means the same.
ACTIONS = {
    "insert": (
        """SELECT insert_many('{t}', '{{"id": 5, "name": "a"}}'::jsonb)""",
        "INSERT INTO {t} (id, name) VALUES (5, 'a')"),
    "insert text": (
        """SELECT insert_many('{t}', '{{"id": 5, "name": "a"}}'::text)""",
        "INSERT INTO {t} (id, name) VALUES (5, 'a')"),
    "insert a further column": (
        """SELECT insert_many('{t}', '[{{"id": 5}}, {{"id": 6, "secret":
            "x"}}]')""",
        "INSERT INTO {t} (id, secret) VALUES (5, DEFAULT), (6, 'x')"),
    "insert what a policy forbids": (
        """SELECT insert_many('{t}', '{{"id": 500}}'::jsonb)""",
        "INSERT INTO {t} (id) VALUES (500)"),
    "do nothing": (
        """SELECT insert_many('{t}', '{{"id": 1}}'::jsonb,
            'ON CONFLICT DO NOTHING')""",
        "INSERT INTO {t} (id) VALUES (1) ON CONFLICT DO NOTHING"),
    "do update": (
        """SELECT insert_many('{t}', '{{"id": 1, "name": "u"}}'::jsonb,
            'ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name')""",
        """INSERT INTO {t} (id, name) VALUES (1, 'u')
            ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name"""),
    "insert_one returning": (
        """SELECT insert_one('{t}', '{{"id": 5}}', '{{id}}')""",
        "INSERT INTO {t} (id) VALUES (5) RETURNING id"),
    "insert_returning": (
        """SELECT insert_returning('{t}', '{{"id": 5}}')""",
        "INSERT INTO {t} (id) VALUES (5) RETURNING *"),
    "upsert": (
        """SELECT upsert_many('{t}', '{{"id": 1, "name": "u"}}'::jsonb,
            '{{id}}')""",
        """INSERT INTO {t} (id, name) VALUES (1, 'u')
            ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name"""),
    "update": (
        """SELECT update_many('{t}', '{{"id": 1, "name": "u"}}'::jsonb,
            '{{id}}')""",
        "UPDATE {t} SET name = 'u' WHERE id = 1"),
    "update of two sets of columns": (
        """SELECT update_many('{t}', '[{{"id": 1, "name": "u"}},
            {{"id": 2, "secret": "u"}}]'::text, '{{id}}')""",
        """UPDATE {t} SET name = CASE id WHEN 1 THEN 'u' ELSE name END,
            secret = CASE id WHEN 2 THEN 'u' ELSE secret END
            WHERE id IN (1, 2)"""),
    "update of the hidden": (
        """SELECT update_many('{t}', '{{"id": 200, "name": "u"}}'::jsonb,
            '{{id}}')""",
        "UPDATE {t} SET name = 'u' WHERE id = 200"),
    "update of a key": (
        """SELECT update_many('{t}', '{{"id": 500, "name": "one"}}'::jsonb,
            '{{name}}')""",
        "UPDATE {t} SET id = 500 WHERE name = 'one'"),
    "delete": ("SELECT delete_many('{t}', '[1, 200]', '{{id}}')",
               "DELETE FROM {t} WHERE id IN (1, 200)"),
    "delete by another column": (
        """SELECT delete_many('{t}', '["s"]', '{{secret}}')""",
        "DELETE FROM {t} WHERE secret = 's'"),
    "sync": (
        """SELECT sync_many('{t}', '[{{"id": 1, "name": "u"}},
            {{"id": 5, "name": "a"}}]'::jsonb, '{{id}}')""",
        """DELETE FROM {t} WHERE id NOT IN (1, 5);
            UPDATE {t} SET name = 'u' WHERE id = 1 AND name <> 'u';
            INSERT INTO {t} (id, name) VALUES (5, 'a')"""),
    "sync of a slice": (
        """SELECT sync_many('{t}', '[{{"id": 5}}]'::jsonb, '{{id}}',
            scope => '{{"name": "one"}}')""",
        """DELETE FROM {t} WHERE name = 'one' AND id <> 5;
            UPDATE {t} SET id = id WHERE id = 5 AND name = 'one';
            INSERT INTO {t} (id, name) VALUES (5, 'one')"""),
    "sync_diff": (
        """SELECT sync_diff('{t}', '[{{"id": 1, "name": "u"}}]'::jsonb,
            '{{id}}')""",
        "SELECT id, name FROM {t}"),
    "csv text": (
        "SELECT insert_csv_text('{t}', E'id,name\\n5,a\\n')",
        "INSERT INTO {t} (id, name) VALUES (5, 'a') ON CONFLICT DO NOTHING"),
    "csv file": (
        f"SELECT insert_csv('{{t}}', '{WORK}/matrix.csv',"
        " on_conflict => NULL)",
        f"COPY lines FROM '{WORK}/matrix.csv' WITH (FORMAT csv, HEADER);"
        "INSERT INTO {t} (id, name) SELECT * FROM lines"),
    "csv file by a row_source": (
        f"SELECT insert_many('{{t}}', from_csv_file('{WORK}/matrix.csv'))",
        f"COPY lines FROM '{WORK}/matrix.csv' WITH (FORMAT csv, HEADER);"
        "INSERT INTO {t} (id, name) SELECT * FROM lines"),
    "json file by a row_source": (
        f"SELECT insert_many('{{t}}', from_json_file('{WORK}/matrix.json'))",
        f"COPY documents FROM '{WORK}/matrix.json';"
        "INSERT INTO {t} (id, name) SELECT (d ->> 'id')::int, d ->> 'name'"
        " FROM documents"),
    "query": (
        """SELECT insert_many('{t}', from_query(
            'SELECT id + 10 AS id, name FROM {t} WHERE id < 50'))""",
        "INSERT INTO {t} (id, name) SELECT id + 10, name FROM {t}"
        " WHERE id < 50"),
    "query for the hidden": (
        """SELECT insert_many('{t}', from_query(
            'SELECT id - 150 AS id, name FROM {t} WHERE id > 100'))""",
        "INSERT INTO {t} (id, name) SELECT id - 150, name FROM {t}"
        " WHERE id > 100"),
    "query for a secret": (
        """SELECT insert_many('{t}', from_query(
            'SELECT id + 10 AS id, secret AS name FROM {t} WHERE id < 50'))""",
        "INSERT INTO {t} (id, name) SELECT id + 10, secret FROM {t}"
        " WHERE id < 50"),
    "query that writes": (
        """SELECT insert_many('{t}', from_query(
            'DELETE FROM {t} WHERE id < 50 RETURNING id + 10 AS id, name'))""",
        """WITH gone AS (DELETE FROM {t} WHERE id < 50
                         RETURNING id + 10 AS id, name)
            INSERT INTO {t} (id, name) SELECT * FROM gone"""),
    "transform that looks": (
        """SELECT insert_many('{t}', from_csv(E'id,name\\n5,a\\n', transforms =>
            '{{"name": "(SELECT string_agg(secret, v) FROM {t})"}}'))""",
        "INSERT INTO {t} (id, name) SELECT 5, (SELECT string_agg(secret, 'a')"
        " FROM {t})"),
    "upsert by a query": (
        """SELECT upsert_many('{t}', from_query(
            'SELECT id, name || id AS name FROM {t} WHERE id < 50'),
            '{{id}}')""",
        """INSERT INTO {t} (id, name) SELECT id, name || id FROM {t}
            WHERE id < 50
            ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name"""),
    "fetch_all": ("SELECT fetch_all('SELECT * FROM {t}')",
                  "SELECT * FROM {t}"),
    "fetch_json": ("SELECT fetch_json('SELECT * FROM {t}')",
                   "SELECT json_agg(x) FROM {t} x"),
    "fetch_tables": ("SELECT fetch_tables('{{{t}}}')", "SELECT * FROM {t}"),
    "insert_tables": (
        """SELECT insert_tables('{{"{t}": [{{"id": 5, "name": "a"}}]}}')""",
        "INSERT INTO {t} (id, name) VALUES (5, 'a')"),
    "fetch_one of a column": ("SELECT fetch_one('SELECT id FROM {t}')",
                              "SELECT id FROM {t} LIMIT 1"),
    "fetch_count": ("SELECT fetch_count('{t}')", "SELECT count(*) FROM {t}"),
    "fetch_count where": ("SELECT fetch_count('{t}', 'id < $1', 50)",
                          "SELECT count(*) FROM {t} WHERE id < 50"),
    "fetch_count_estimate where": (
        "SELECT fetch_count_estimate('{t}', 'secret = $1', 's')",
        "SELECT count(*) FROM {t} WHERE secret = 's'"),
    "fetch_count where secret": (
        "SELECT fetch_count('{t}', 'secret = ''s''')",
        "SELECT count(*) FROM {t} WHERE secret = 's'"),
    "clean": ("SELECT clean_tables('{{{t}}}', reset_seq => false)",
              "TRUNCATE {t} CASCADE"),
}

# The results of these are numbers, which must be the same as well.
NUMBERS = {"fetch_count", "fetch_count where", "fetch_count where secret"}

# Refused for a reason of their own, whatever the role: a view is no table.
NOT_ALIKE = {(name, view) for name in ("clean", "fetch_tables", "insert_tables")
             for view in ("simple", "barrier", "invoker")}


def outcome(conn, role, statement, target, number):
    """How a statement ends for a role, and what the target holds then."""
    with conn.transaction(force_rollback=True):
        conn.execute("CREATE TEMP TABLE lines (id int, name text)")
        conn.execute("CREATE TEMP TABLE documents (d jsonb)")
        conn.execute("GRANT ALL ON lines, documents TO PUBLIC")
        state, answer = "00000", None
        try:
            with conn.transaction():
                conn.execute(f"SET LOCAL ROLE {role}")
                cursor = conn.execute(statement)
                answer = cursor.fetchall() if number else None
                conn.execute("RESET ROLE")
        except psycopg.Error as error:
            state = error.sqlstate
        rows = scalar(conn, f"SELECT array_agg(t::text ORDER BY id)::text"
                            f" FROM {target} t")
    return state, answer, rows


def matrix(conn):
    """Every role, target and action."""
    wrong = []
    cells = allowed = 0
    for role in ROLES:
        for target in TARGETS:
            for name, (ours, plain) in ACTIONS.items():
                if (name, target) in NOT_ALIKE:
                    continue
                found, expected = (
                    outcome(conn, role, statement.format(t=target), target,
                            name in NUMBERS) for statement in (ours, plain))
                cells += 1
                allowed += expected[0] == "00000"
                if found != expected:
                    wrong.append(f"{role}, {target}, {name}: {found} instead"
                                 f" of {expected}")
    for each in wrong[:40]:
        note("  " + each)
    check(not wrong, f"{cells} cells of roles, targets and actions as plain"
          f" SQL, {allowed} of them allowed")
    check(cells / 5 < allowed < cells * 4 / 5, "some are allowed, some not")


def set_up():
    """Roles, targets and their rows."""
    conn = connect()
    for role in ROLES:
        conn.execute(f"CREATE ROLE {role}")
    conn.execute("ALTER ROLE bypasser BYPASSRLS")
    conn.execute("GRANT owner TO member")
    conn.execute("GRANT pg_read_server_files TO file_reader")
    conn.execute(SETUP)
    with open(f"{WORK}/matrix.csv", "w", encoding="ascii") as file:
        file.write("id,name\n5,a\n")
    with open(f"{WORK}/matrix.json", "w", encoding="ascii") as file:
        file.write('{"id": 5, "name": "a"}\n')
    for table in ("plain", "guarded", "forced", "parted", "below"):
        conn.execute(f"INSERT INTO {table} (id, name) VALUES (1, 'one'),"
                     " (2, 'two'), (200, 'hidden')")
    for table in ("plain", "guarded", "forced", "parted", "parted_all",
                  "below"):
        conn.execute(f"ALTER TABLE {table} OWNER TO owner")
    for view in ("simple", "barrier", "invoker"):
        conn.execute(f"ALTER VIEW {view} OWNER TO owner")
    for target in TARGETS:
        for grant in GRANTS.values():
            conn.execute(grant.format(t=target))
    return conn


def sequences_and_databases(conn):
    """set_seq_max is setval and max, drop_db DROP DATABASE, for each role."""
    wrong = []
    conn.execute("CREATE DATABASE matrix_db")
    for role in ROLES:
        found, expected = (
            outcome(conn, role, statement, "plain", False)[0]
            for statement in (
                "SELECT set_seq_max('plain_seq', 'plain', 'id')",
                "SELECT setval('plain_seq', max(id)) FROM plain"))
        if found != expected:
            wrong.append(f"set_seq_max, {role}: {found} {expected}")
        found = outcome(conn, role, "SELECT drop_db('matrix_db')", "plain",
                        False)[0]
        conn.execute(f"SET ROLE {role}")
        try:
            conn.execute("DROP DATABASE matrix_db")
            expected = "00000"
        except psycopg.Error as error:
            expected = error.sqlstate
        conn.execute("RESET ROLE")
        if found != expected:
            wrong.append(f"drop_db, {role}: {found} {expected}")
    for each in wrong:
        note("  " + each)
    check(not wrong, f"set_seq_max and drop_db as plain SQL for"
          f" {len(ROLES)} roles")


def saved_sets(conn):
    """save_tables and restore_tables: only owners, and no set that somebody
    has ready for tables which are not theirs, whoever calls."""
    owners_only = "ALTER TABLE plain SET (fillfactor = 100)"
    conn.execute("CREATE SCHEMA owner_set AUTHORIZATION owner")
    conn.execute("SET ROLE owner")
    conn.execute("SELECT save_tables('{matrix.plain}', 'owner_set')")
    conn.execute("RESET ROLE")
    wrong = []
    for role in ROLES:
        expected = outcome(conn, role, owners_only, "plain", False)[0]
        for call in ("restore_tables('owner_set')",
                     "save_tables('{matrix.plain}', 'owner_set')"):
            found = outcome(conn, role, f"SELECT {call}", "plain", False)[0]
            if found != expected:
                wrong.append(f"{role}, {call}: {found} {expected}")
    for each in wrong:
        note("  " + each)
    check(not wrong, f"save_tables and restore_tables as ALTER TABLE for"
          f" {len(ROLES)} roles")

    conn.execute("CREATE SCHEMA trap AUTHORIZATION nobody")
    conn.execute("CREATE TABLE matrix.bait (id int, name text, secret text)")
    conn.execute("ALTER TABLE matrix.bait OWNER TO nobody")
    conn.execute("SET ROLE nobody")
    conn.execute("INSERT INTO matrix.bait VALUES (66, 'evil', 'evil')")
    conn.execute("SELECT save_tables('{matrix.bait}', 'trap')")
    conn.execute("RESET ROLE")
    conn.execute("UPDATE trap.pgsync_saved_tables SET table_id ="
                 " 'matrix.plain'")
    found = {role: outcome(conn, role, "SELECT restore_tables('trap')",
                           "plain", False)[0]
             for role in ROLES + ["postgres"]}
    check(set(found.values()) == {"42501"},
          f"a set that was laid out as a trap: {found}")
    rows = scalar(conn, "SELECT count(*) FROM plain WHERE id = 66")
    check(rows == 0, "nothing of it got into the table")
    conn.execute("DROP SCHEMA trap, owner_set CASCADE")


# What makes a row_source, and whether others than its maker may read it.
SOURCES = {
    "json": ("from_json('{\"id\": 5}')", True),
    "csv": ("from_csv(E'id\\n5\\n')", True),
    "json file": (f"from_json_file('{WORK}/matrix.json')", False),
    "csv file": (f"from_csv_file('{WORK}/matrix.csv')", False),
    "query": ("from_query('SELECT 5 AS id')", False),
    "query that writes": ("from_query('INSERT INTO taken (id) VALUES (5)"
                          " RETURNING id')", False),
    "transform": ("from_csv(E'id,name\\n5,a\\n', transforms =>"
                  " '{\"name\": \"current_user\"}')", False),
}

MAKERS = ["nobody", "inserter", "file_reader", "postgres"]


def state_of(conn, statement, role=None):
    """The SQLSTATE that a statement ends with for a role, undone."""
    with conn.transaction(force_rollback=True):
        try:
            with conn.transaction():
                if role:
                    conn.execute(f"SET LOCAL ROLE {role}")
                conn.execute(statement)
        except psycopg.Error as error:
            return error.sqlstate
    return "00000"


def row_sources(conn):
    """A row_source is read with the reader's privileges; if it holds SQL or a
    path, by the role that made it only, whatever way it has gone."""
    conn.execute("CREATE TABLE taken (id int)")
    conn.execute("CREATE TABLE kept (maker text, kind text, r row_source)")
    conn.execute("GRANT ALL ON taken, kept TO PUBLIC")
    for maker in MAKERS:
        # functions that run as their owner, with what others hand to them,
        # or for others
        conn.execute(f"CREATE SCHEMA by_{maker} AUTHORIZATION {maker}")
        conn.execute(f"GRANT USAGE ON SCHEMA by_{maker} TO PUBLIC")
        conn.execute(f"SET ROLE {maker}")
        conn.execute(f"""CREATE FUNCTION by_{maker}.load(r row_source)
            RETURNS bigint LANGUAGE sql SECURITY DEFINER AS
            $$ SELECT insert_many('matrix.plain', r) $$""")
        for kind, (call, _) in SOURCES.items():
            conn.execute(f"INSERT INTO kept VALUES ('{maker}', '{kind}',"
                         f" {call})")
            conn.execute(f"""CREATE FUNCTION by_{maker}."make {kind}"()
                RETURNS row_source LANGUAGE sql SECURITY DEFINER AS
                $$ SELECT {call} $$""")
        conn.execute("RESET ROLE")
    wrong = []
    cells = allowed = 0
    for maker in MAKERS:
        for reader in MAKERS:
            for kind, (call, anyone) in SOURCES.items():
                # what the reader itself may do with one of its own making
                expected = state_of(
                    conn, f"SELECT insert_many('plain', {call})", reader)
                if maker != reader and not anyone:
                    expected = "42501"
                ways = {
                    "stored": (f"""SELECT insert_many('plain', r) FROM kept
                        WHERE maker = '{maker}' AND kind = '{kind}'""",
                               reader),
                    "handed to a definer": (
                        f"SELECT by_{reader}.load({call})", maker),
                    "made by a definer": (
                        f"""SELECT insert_many('plain',
                            by_{maker}."make {kind}"())""", reader),
                }
                for way, (statement, role) in ways.items():
                    found = state_of(conn, statement, role)
                    cells += 1
                    allowed += found == "00000"
                    if found != expected:
                        wrong.append(f"{kind} of {maker} for {reader}, {way}:"
                                     f" {found} instead of {expected}")
    for each in wrong[:40]:
        note("  " + each)
    check(not wrong, f"{cells} cells of makers, readers and row_sources,"
          f" {allowed} of them allowed")
    check(0 < allowed < cells, "some are allowed, some not")


FORGED = {
    "a literal": "SELECT 'x'::row_source",
    "what was shown": "SELECT (SELECT r::text FROM kept LIMIT 1)::row_source",
    "a parameter": "SELECT CAST(convert_from('x', 'utf8') AS row_source)",
    "a row": "SELECT ROW(6, 10, 'SELECT 1')::row_source",
    "bytes": "SELECT '\\x00'::bytea::row_source",
    "an array's text": "SELECT '{x}'::row_source[]",
    "a record's text": "SELECT '(a,b,x)'::kept",
    "JSON": "SELECT jsonb_populate_record(NULL::kept, '{\"r\": \"x\"}')",
    "the type's function": "SELECT row_source_in('x')",
    "pgsync itself": "SELECT insert_many('kept', '{\"r\": \"x\"}'::jsonb)",
    "a cast of one's own": "CREATE CAST (bytea AS row_source)"
                           " WITHOUT FUNCTION",
    "a type of one's own": "CREATE TYPE forged (INPUT = textin, OUTPUT ="
                           " textout, LIKE = row_source)",
}


def forged_row_sources(conn):
    """Nobody comes by a row_source but from the functions that make one."""
    found = {name: state_of(conn, statement, "nobody")
             for name, statement in FORGED.items()}
    let_in = {name: state for name, state in found.items()
              if state not in ("0A000", "42846", "42501")}
    check(not let_in, f"{len(FORGED)} ways to forge a row_source are refused"
          f" {let_in or ''}")
    path = f"{WORK}/kept.bin"
    conn.execute(f"COPY (SELECT r FROM kept LIMIT 1) TO '{path}'"
                 " (FORMAT binary)")
    check(state_of(conn, f"COPY kept (r) FROM '{path}' (FORMAT binary)",
                   "file_reader") == "0A000", "and so is a binary one")
    check(state_of(conn, "SELECT insert_many('plain', %s)"
                   % "(SELECT r FROM kept WHERE kind = 'json' LIMIT 1)",
                   "inserter") == "00000", "a stored one is read")


READ_ONLY = {
    "insert_many": "SELECT insert_many('plain', {})",
    "upsert_many": "SELECT upsert_many('plain', {})",
    "upsert_returning": "SELECT upsert_returning('plain', {})",
    "update_many": "SELECT update_many('plain', {})",
    "delete_many": "SELECT delete_many('plain', {})",
    "sync_many": "SELECT sync_many('plain', {})",
    "sync_diff": "SELECT sync_diff('plain', {})",
}


def read_only(conn):
    """In a read-only transaction, a row_source is made and read by what only
    reads, unless its query writes."""
    wrong = []
    for kind, (call, _) in SOURCES.items():
        for name, statement in READ_ONLY.items():
            with conn.transaction(force_rollback=True):
                conn.execute("SET TRANSACTION READ ONLY")
                found = state_of(conn, statement.format(call))
            reads = name == "sync_diff" and kind != "query that writes"
            if found != ("00000" if reads else "25006"):
                wrong.append(f"{name} of {kind}: {found}")
    check(not wrong, "read-only transactions: what writes is refused"
          f" {wrong or ''}")


HOSTILE_TYPES = ["int4", "int8", "bool", "name", "oid", "numeric"]
HOSTILE_FUNCTIONS = [
    ("count", ""), ("max", "int"), ("min", "int"), ("setval", "regclass, int8"),
    ("setval", "regclass, int8, bool"), ("nextval", "regclass"),
    ("to_jsonb", "anyelement"), ("row_to_json", "record"),
    ("jsonb_concat", "jsonb, jsonb"), ("coalesce", "jsonb, jsonb"),
    ("format", "text, text"), ("quote_ident", "text"), ("lower", "text"),
    ("row_number", ""), ("now", ""),
    ("pg_get_serial_sequence", "text, text"), ("has_table_privilege",
                                               "regclass, text")]


def hostile_objects():
    """Operators, functions, types and tables that shadow pg_catalog's, each
    of which raises an error that nothing else raises."""
    yield "CREATE SCHEMA hostile"
    yield """CREATE FUNCTION hostile.trap() RETURNS text LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'hostile' USING ERRCODE = 'ZZ666'; END $$"""
    for kind in ("int4", "int8", "text", "jsonb", "name", "oid", "bool",
                 "numeric"):
        kind = "pg_catalog." + kind
        name = kind.replace(".", "_")
        yield f"""CREATE FUNCTION hostile.op_{name}({kind}, {kind})
            RETURNS pg_catalog.bool LANGUAGE plpgsql AS
            $$ BEGIN PERFORM hostile.trap(); RETURN true; END $$"""
        yield f"""CREATE FUNCTION hostile.plus_{name}({kind}, {kind})
            RETURNS {kind} LANGUAGE plpgsql AS
            $$ BEGIN PERFORM hostile.trap(); RETURN $1; END $$"""
        for symbol in ("=", "<>", "<", ">", "<=", ">="):
            yield f"""CREATE OPERATOR hostile.{symbol} (LEFTARG = {kind},
                RIGHTARG = {kind}, FUNCTION = hostile.op_{name})"""
        for symbol in ("||", "+", "-"):
            yield f"""CREATE OPERATOR hostile.{symbol} (LEFTARG = {kind},
                RIGHTARG = {kind}, FUNCTION = hostile.plus_{name})"""
    for name, args in HOSTILE_FUNCTIONS:
        yield f"""CREATE FUNCTION hostile."{name}"({args})
            RETURNS text LANGUAGE plpgsql AS
            $$ BEGIN RETURN hostile.trap(); END $$"""
    for name in HOSTILE_TYPES:
        yield f"CREATE DOMAIN hostile.{name} AS pg_catalog.text" \
              " CHECK (hostile.trap() IS NULL)"
    for name in ("pg_class", "pgsync_rows", "pg_namespace", "pg_sequence"):
        yield f"CREATE VIEW hostile.{name} AS SELECT hostile.trap() AS oid"


CALLS = {
    "insert_many": "insert_many('matrix.plain', '{\"id\": 5}'::jsonb)",
    "insert_many text": "insert_many('matrix.plain', '{\"id\": 6}'::text)",
    "insert_many json": "insert_many('matrix.forced', '{\"id\": 6}'::json)",
    "insert_tables": "(insert_tables('{\"matrix.merged\": [{\"id\": 7}]}')).inserted",
    "fetch_tables": "fetch_tables('{matrix.plain,matrix.merged}')",
    "insert_many, partitions": "insert_many('matrix.parted',"
                               " '{\"id\": 6}'::text)",
    "insert_one": "insert_one('matrix.plain', '{\"id\": 7}', '{*}')",
    "insert_returning": "insert_returning('matrix.simple', '{\"id\": 8}')",
    "upsert_many": "upsert_many('matrix.merged', '[{\"id\": 1, \"name\":"
                   " \"x\", \"doc\": {\"a\": 1}}, {\"id\": 1}]'::jsonb,"
                   " merge_columns => '{doc}')",
    "upsert_returning": "upsert_returning('matrix.merged',"
                        " '[{\"id\": 1, \"name\": \"x\"}, {\"id\": 1}]'::jsonb)",
    "update_many": "update_many('matrix.merged', '[{\"id\": 1, \"name\":"
                   " \"y\", \"doc\": {\"a\": 1}}, {\"id\": 2}]'::jsonb,"
                   " merge_columns => '{doc}', skip_unchanged => true)",
    "delete_many": "delete_many('matrix.merged', '[1, 99]')",
    "sync_many": "sync_many('matrix.plain', '[{\"id\": 1, \"name\": \"y\"},"
                 " {\"id\": 5}]'::text)",
    "sync_many, slice": "sync_many('matrix.plain', '[{\"id\": 1}]'::jsonb,"
                        " scope => '{\"name\": \"one\"}')",
    "sync_diff": "sync_diff('matrix.plain', '[{\"id\": 1, \"name\": \"y\"},"
                 " {\"id\": 5}]'::jsonb)",
    "get_insert_data": "get_insert_data('matrix.plain', '{\"id\": 1}')",
    "insert_csv_text": "insert_csv_text('matrix.plain', E'id\\n11\\n')",
    "insert_csv": f"insert_csv('matrix.plain', '{WORK}/matrix.csv')",
    "from_json": "insert_many('matrix.plain', {x}.from_json('[{\"i\": 5}]',"
                 " columns => '{\"i\": \"id\"}', transforms => '{\"name\":"
                 " \"v\"}'))",
    "from_csv": "insert_many('matrix.plain', {x}.from_csv(E'i,n\\n5,a\\n',"
                " columns => '{\"i\": \"id\", \"n\": \"name\"}'))",
    "from_csv_file": "insert_many('matrix.plain', {x}.from_csv_file("
                     f"'{WORK}/matrix.csv', null_strings => '{{a}}'))",
    "from_json_file": "insert_many('matrix.plain', {x}.from_json_file("
                      f"'{WORK}/matrix.json'))",
    "from_query": "insert_many('matrix.plain', {x}.from_query('SELECT 5 AS"
                  " id, name, $1 AS secret FROM matrix.merged', '{arg}'))",
    "fetch_all": "fetch_all('SELECT 1 AS a')",
    "fetch_json": "fetch_json('SELECT 1 AS a')",
    "fetch_one": "fetch_one('SELECT 1 AS a')",
    "fetch_one_required": "fetch_one_required('SELECT 1 AS a')",
    "fetch_count": "fetch_count('matrix.plain')",
    "fetch_count, parted": "fetch_count('matrix.parted')",
    "fetch_count, view": "fetch_count('matrix.simple')",
    "fetch_count, condition": "fetch_count('matrix.plain', 'true')",
    "fetch_count_estimate": "fetch_count_estimate('matrix.plain', 'true')",
    "get_tables": "get_tables('{matrix}', '{plain}')",
    "clean_tables": "clean_tables('{matrix.plain,matrix.merged}')",
    "save_tables": "save_tables('{matrix.plain,matrix.merged}', 'new_set')",
    "restore_tables": "restore_tables('old_set')",
    "restore_tables, definitions compared": "restore_tables('odd_set')",
    "set_seq_max": "set_seq_max('matrix.plain_seq', 'matrix.plain')",
    "set_seqs_max": "(set_seqs_max('{matrix.merged}')).last_value",
    "drop_db": "drop_db('no_such_database')",
}


def hostile_search_path(conn):
    """Each function, with hostile objects before pg_catalog's."""
    conn.execute("CREATE TABLE matrix.merged (id int PRIMARY KEY, name text,"
                 " doc jsonb, at int GENERATED ALWAYS AS IDENTITY)")
    conn.execute("INSERT INTO matrix.merged VALUES (1, 'old', '{\"b\": 2}')")
    conn.execute("SELECT save_tables('{matrix.plain,matrix.merged}', 'old_set'),"
                 " save_tables('{matrix.merged}', 'odd_set')")
    conn.execute("UPDATE odd_set.pgsync_saved_set SET definitions = NULL")
    conn.execute("UPDATE matrix.merged SET name = 'changed'")
    extension = scalar(conn, """SELECT extnamespace::regnamespace::text
        FROM pg_extension WHERE extname = 'pgsync'""")
    made = list(hostile_objects())
    for statement in made:
        conn.execute(statement)
    expected = {name: answer(conn, extension, call, "pg_catalog")
                for name, call in CALLS.items()}
    wrong = []
    for name, call in CALLS.items():
        found = answer(conn, extension, call,
                       "hostile, pg_catalog, matrix")
        if found != expected[name]:
            wrong.append(f"{name}: {found} instead of {expected[name]}")
    for each in wrong:
        note("  " + each)
    check(not wrong and all(state == "00000" for state, _ in expected.values()),
          f"{len(CALLS)} calls among {len(made)} hostile objects: as without")
    trap = answer(conn, extension, "pg_catalog.max(x) FROM (VALUES (1 + 1))"
                                   " v(x)", "hostile, pg_catalog")
    check(trap[0] == "ZZ666", "the hostile objects do catch plain SQL")


def answer(conn, extension, call, path):
    """What a call returns with a search_path, undone."""
    with conn.transaction(force_rollback=True):
        conn.execute(f"SET LOCAL search_path = {path}")
        try:
            with conn.transaction():
                prefix = "" if call.startswith("pg_catalog.") else \
                    extension + "."
                call = call.replace("{x}", extension)
                if call.startswith("("):    # a field of what it returns
                    prefix, call = "(" + prefix, call[1:]
                return "00000", conn.execute(
                    f"SELECT {prefix}{call}").fetchall()
        except psycopg.Error as error:
            return error.sqlstate, str(error)


def trusted_install(conn):
    """The owner of a database installs the extension; nobody else does; what
    stands in its way is no part of it."""
    conn.execute("CREATE DATABASE theirs OWNER owner")
    conn.execute("ALTER ROLE owner LOGIN")
    conn.execute("ALTER ROLE nobody LOGIN")
    theirs = connect(dbname="theirs", user="owner")
    theirs.execute("CREATE EXTENSION pgsync")
    check(scalar(theirs, "SELECT rolsuper FROM pg_proc JOIN pg_roles r ON"
                         " r.oid = proowner WHERE proname = 'insert_one'"),
          "the owner of a database creates the extension, a superuser owns it")
    check(scalar(theirs, "SELECT bool_and(NOT prosecdef AND (NOT proisstrict"
                         " OR proname ~ '^row_source_(in|out|recv|send)$'))"
                         " FROM pg_proc WHERE probin LIKE '%pgsync'"),
          "no function is SECURITY DEFINER, none but a type's own is STRICT")
    arguments = scalar(theirs, "SELECT pg_get_function_identity_arguments(oid)"
                               " FROM pg_proc WHERE oid = 'get_insert_data("
                               "regclass, jsonb)'::regprocedure")
    theirs.execute("DROP EXTENSION pgsync")
    nobody = connect(dbname="theirs", user="nobody")
    try:
        nobody.execute("CREATE EXTENSION pgsync")
        state = "00000"
    except psycopg.Error as error:
        state = error.sqlstate
    check(state == "42501", "others may not create it")
    nobody.close()
    theirs.execute(f"""CREATE FUNCTION public.get_insert_data({arguments})
        RETURNS record LANGUAGE sql AS 'SELECT NULL::text, NULL::jsonb'""")
    try:
        theirs.execute("CREATE EXTENSION pgsync")
        state = "00000"
    except psycopg.Error as error:
        state = error.sqlstate
    check(state == "42723", "a function laid out in advance is not taken over")
    theirs.close()


def constant(node):
    """Whether an expression looks nothing up in search_path."""
    if isinstance(node, ast.TypeCast):
        return constant(node.arg)
    return isinstance(node, ast.A_Const)


def install_script():
    """The rules of a linter for extension scripts, pgspot: nothing replaced,
    nothing only made if it is not there, no SECURITY DEFINER, no code that
    looks names up, no default that calls anything."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    scripts = sorted(name for name in os.listdir(folder)
                     if name.startswith("pgsync--") and name.endswith(".sql"))
    for name in scripts:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            text = "".join(line for line in file
                           if not line.startswith("\\echo"))
        wrong = []
        statements = [raw.stmt for raw in pglast.parse_sql(text)]
        for statement in statements:
            wrong += complaints(statement)
        for each in wrong:
            note("  " + each)
        check(not wrong, f"{name}: {len(statements)} statements, none of them"
              " open to search_path")


def do_complaints(statement):
    """What is wrong with a DO block: only one that first takes everything but
    the catalogs out of search_path may have expressions."""
    body = next(option.arg.sval if hasattr(option.arg, "sval")
                else option.arg.val
                for option in statement.args if option.defname == "as")
    code = re.sub(r"--.*", "", body[body.index("BEGIN"):])
    if re.match(r"BEGIN\s+PERFORM pg_catalog\.set_config\('search_path',"
                r" 'pg_catalog, pg_temp', true\);", code):
        return []
    found = re.search(r"\b(SELECT|PERFORM|EXECUTE|IF|WHILE|RETURN|ASSERT)\b|:=",
                      code)
    return [f"DO: {found[0]} with names looked up"] if found else []


def complaints(statement):
    """What is wrong with one statement of an install script."""
    if isinstance(statement, ast.CommentStmt):
        return []
    # a type's own, by the functions that the script has just made
    if isinstance(statement, ast.DefineStmt):
        return [] if statement.kind == ObjectType.OBJECT_TYPE else ["DefineStmt"]
    # an update drops what it replaces, and must not miss it
    if isinstance(statement, ast.DropStmt):
        return ["DROP IF EXISTS or CASCADE"] if statement.missing_ok or \
            statement.behavior != DropBehavior.DROP_RESTRICT else []
    if isinstance(statement, ast.DoStmt):
        return do_complaints(statement)
    if not isinstance(statement, ast.CreateFunctionStmt):
        return [f"{type(statement).__name__} in an install script"]
    name = ".".join(part.val if hasattr(part, "val") else part.sval
                    for part in statement.funcname)
    found = []
    if statement.replace:
        found.append(f"{name}: OR REPLACE takes over what is there")
    options = {option.defname: option.arg for option in statement.options}
    language = options["language"]
    if getattr(language, "sval", getattr(language, "val", "")).lower() != "c":
        found.append(f"{name}: its language looks names up")
    if "security" in options:
        found.append(f"{name}: SECURITY DEFINER")
    for parameter in statement.parameters or ():
        if parameter.defexpr is not None and not constant(parameter.defexpr):
            found.append(f"{name}: the default of {parameter.name} is no"
                         " constant")
    return found


def main():
    """All of it."""
    conn = set_up()
    matrix(conn)
    row_sources(conn)
    forged_row_sources(conn)
    read_only(conn)
    sequences_and_databases(conn)
    saved_sets(conn)
    hostile_search_path(conn)
    trusted_install(conn)
    install_script()
    finish(True)


if __name__ == "__main__":
    main()
