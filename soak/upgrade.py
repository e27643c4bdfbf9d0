"""From 1.0.0 as it was released to this version: what users have added to it
before, the files changed under sessions that are open, ALTER EXTENSION UPDATE.

The server starts with the files of 1.0.0; those of this version are in
SOAK_WORK/new.
"""

import os
import subprocess

import psycopg

from common import WORK, check, connect, finish, note, scalar

KEPT = """
CREATE TABLE t (id int PRIMARY KEY, name text);
INSERT INTO t VALUES (1, 'one'), (2, 'two');
CREATE VIEW counted AS SELECT fetch_count('t') AS n;
CREATE VIEW rows AS SELECT r FROM fetch_all('SELECT * FROM t ORDER BY id') r;
CREATE FUNCTION tables() RETURNS text[] BEGIN ATOMIC
    SELECT get_tables('{public}'); END;
CREATE FUNCTION load(data jsonb) RETURNS bigint LANGUAGE plpgsql AS
    $$ BEGIN RETURN insert_many('t', data); END $$;
CREATE TABLE log (at timestamptz, rows bigint DEFAULT fetch_count('t'));
"""

# name -> (what makes it, how the server describes it, the function it uses)
REFUSED = {
    "view": ("CREATE VIEW loader AS SELECT insert_many('t', '[]'::jsonb) AS n",
             "view public.loader", "insert_many(regclass,jsonb,text)"),
    "materialized view":
        ("CREATE MATERIALIZED VIEW filled AS SELECT insert_csv_text('t', 'id')",
         "materialized view public.filled",
         "insert_csv_text(regclass,text,text[],text,text,text,text,text)"),
    "function with a body of SQL":
        ("CREATE FUNCTION up(d jsonb) RETURNS void BEGIN ATOMIC"
         " SELECT upsert_many('t', d); END",
         "function public.up(jsonb)",
         "upsert_many(regclass,jsonb,text[],text[],text[])"),
    "default":
        ("CREATE TABLE defaulted (a int, b jsonb DEFAULT"
         " insert_one('t', '{\"id\": 3}'))",
         "default value for column b of table public.defaulted",
         "insert_one(regclass,jsonb,text[],text)"),
    "rule":
        ("CREATE TABLE ruled (a int); CREATE RULE r AS ON INSERT TO ruled DO"
         " ALSO SELECT insert_returning('t', '[]')",
         "rule r on table public.ruled",
         "insert_returning(regclass,jsonb,text[],text)"),
}

# Owner and privileges of functions that are replaced, by name: of those with
# several overloads the one that both versions have.
PRIVILEGES = """
SELECT p.proname, pg_get_userbyid(p.proowner), p.proacl::text
FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
WHERE p.proname IN ('insert_csv', 'insert_csv_text')
    OR p.proname IN ('insert_one', 'insert_returning')
        AND p.proargtypes[1] = 'jsonb'::regtype"""

# All that belongs to the extension, as t/upgrade.pl lists it, without owners.
OBJECTS = """
SELECT i.type || ' ' || i.identity || coalesce(
    CASE WHEN d.classid = 'pg_proc'::regclass
        THEN pg_get_functiondef(d.objid) END, '') ||
    coalesce(obj_description(d.objid, d.classid::regclass::name), '')
FROM pg_depend d
JOIN pg_extension e ON d.refobjid = e.oid AND d.deptype = 'e'
    AND d.refclassid = 'pg_extension'::regclass,
pg_identify_object(d.classid, d.objid, 0) i
WHERE e.extname = 'pgsync' ORDER BY 1"""


def error_of(conn, query):
    """The error of a statement, None if it has none."""
    try:
        conn.execute(query)
    except psycopg.Error as error:
        return error
    return None


def database(name, statements="", user="postgres"):
    """A new database with pgsync 1.0.0 in it."""
    with connect() as conn:
        conn.execute(f"DROP DATABASE IF EXISTS {name}")
        conn.execute(f"CREATE DATABASE {name} OWNER {user}")
    conn = connect(dbname=name, user=user)
    conn.execute("CREATE EXTENSION pgsync VERSION '1.0.0'")
    if statements:
        conn.execute(statements)
    return conn


def install_new():
    """Puts this version's files in the place of those of 1.0.0, as a package
    does: under the names of the old ones, which stay open where they are."""
    subprocess.run(["cp", "-a", "--remove-destination", f"{WORK}/new/.",
                    f"{WORK}/install/"], check=True)


def roles():
    """Roles that functions are owned by and granted to."""
    with connect() as conn:
        conn.execute("""
            CREATE ROLE app LOGIN; CREATE ROLE loader LOGIN;
            CREATE ROLE keeper SUPERUSER LOGIN; CREATE ROLE trusted_owner LOGIN;
            CREATE ROLE helper""")


def open_sessions():
    """Sessions of 1.0.0 that go on after the files have changed: one that has
    loaded its library, one that has not."""
    setup = database("open", KEPT)
    loaded = connect(dbname="open")
    loaded.execute("SELECT fetch_count('t')")
    return setup, loaded, connect(dbname="open")


def check_open_sessions(setup, loaded, unloaded):
    """The files are this version's now, the SQL still 1.0.0's."""
    good = check(scalar(loaded, "SELECT load('[{\"id\": 10}]')") == 1,
                 "the old library goes on in a session that has loaded it")
    setup.execute("CREATE DATABASE gone")
    error = error_of(loaded, "SELECT drop_db('gone')")
    good &= check(
        error is not None and "exited without an answer" in str(error),
        "its drop_db gets an error, as the worker is of another version")
    good &= check(scalar(connect(), "SELECT count(*) FROM pg_database"
                                    " WHERE datname = 'gone'") == 1,
                  "and has dropped nothing")
    good &= check(scalar(unloaded, "SELECT load('[{\"id\": 11}]')") == 1,
                  "a session that loads this library works under 1.0.0's SQL")
    unloaded.execute("SELECT drop_db('gone')")

    error = error_of(loaded, "ALTER EXTENSION pgsync UPDATE")
    good &= check(
        error is not None and error.sqlstate == "55000"
        and "has loaded an older library" in error.diag.message_primary
        and "in a new session" in error.diag.message_hint,
        "ALTER EXTENSION UPDATE with the old library loaded says what to do")
    good &= check(scalar(loaded, "SELECT extversion FROM pg_extension"
                                 " WHERE extname = 'pgsync'") == "1.0.0"
                  and scalar(loaded, "SELECT load('[{\"id\": 12}]')") == 1,
                  "and has changed nothing")

    unloaded.execute("ALTER EXTENSION pgsync UPDATE")
    good &= check(scalar(unloaded, "SELECT load('[{\"id\": 13}]')") == 1,
                  "a session that has used 1.0.0's functions goes on")
    error = error_of(loaded, "SELECT load('[{\"id\": 14}]')")
    good &= check(error is not None and error.sqlstate == "42883",
                  "one with the old library gets an error of new functions")
    good &= check(scalar(loaded, "SELECT fetch_count('t')") ==
                  scalar(unloaded, "SELECT count(*) FROM t"),
                  "and goes on with those that stay")
    good &= check(
        scalar(unloaded, "SELECT n FROM counted") == 6
        and scalar(unloaded, "SELECT count(*) FROM rows") == 6
        and scalar(unloaded, "SELECT tables()") == ["public.log", "public.t"]
        and scalar(unloaded, "INSERT INTO log DEFAULT VALUES RETURNING rows")
        == 6,
        "views, functions and defaults with functions that stay are kept")
    return good


def check_dependents():
    """What uses a replaced function is named, and nothing is changed."""
    good = True
    conn = database("refused", KEPT)
    for name, (make, described, function) in REFUSED.items():
        conn.execute(make)
        error = error_of(conn, "ALTER EXTENSION pgsync UPDATE")
        detail = (error and error.diag.message_detail) or ""
        good &= check(
            error is not None and error.sqlstate == "2BP01"
            and f"{described} uses function public.{function}" in detail.split("\n")
            and "create them again" in error.diag.message_hint,
            f"a {name} with a replaced function is refused by its name")
        if f"{described} uses function public.{function}" not in detail:
            note(detail)
    good &= check(len(detail.split("\n")) == len(REFUSED),
                  "all of them are named at once")
    definition = scalar(conn, "SELECT pg_get_viewdef('loader')")
    conn.execute("DROP VIEW loader; DROP MATERIALIZED VIEW filled;"
                 "DROP FUNCTION up; DROP TABLE defaulted, ruled;"
                 "ALTER EXTENSION pgsync UPDATE;")
    conn.execute("CREATE VIEW loader AS " + definition)
    good &= check(scalar(conn, "SELECT n FROM loader") == 0,
                  "the advice works: the saved definition is created again")
    return good


def privileges(conn):
    """Owner and privileges of the functions that are replaced, by name."""
    return {row[0]: row[1:] for row in conn.execute(PRIVILEGES).fetchall()}


def check_privileges():
    """Owners, GRANTs and REVOKEs go over to what takes a function's place."""
    conn = database("granted", """
        ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO helper;
        REVOKE ALL ON FUNCTION insert_csv FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION insert_csv TO loader;
        ALTER FUNCTION insert_csv_text OWNER TO keeper;
        ALTER FUNCTION insert_returning OWNER TO keeper;
        REVOKE ALL ON FUNCTION insert_returning FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION insert_returning TO app WITH GRANT OPTION;
        SET ROLE app;
        GRANT EXECUTE ON FUNCTION insert_returning TO loader;
        RESET ROLE""")
    before = privileges(conn)
    conn.execute("ALTER EXTENSION pgsync UPDATE")
    after = privileges(conn)
    good = check(before == after and len(before) == 4,
                 "owners and privileges are those of 1.0.0's functions")
    if not good:
        note(f"{before} {after}")
    signature = scalar(conn, "SELECT oid::regprocedure::text FROM pg_proc"
                             " WHERE proname = 'insert_csv'")
    good &= check(
        not scalar(conn, "SELECT has_function_privilege('app', %s, 'execute')",
                   signature)
        and scalar(conn, "SELECT has_function_privilege('loader', %s,"
                         " 'execute')", signature),
        "insert_csv, revoked from PUBLIC, stays so")
    error = error_of(connect(), "DROP ROLE loader")
    good &= check(error is not None and error.sqlstate == "2BP01",
                  "a role that has such a privilege cannot be dropped")
    conn.execute("DROP OWNED BY loader")
    good &= check(not scalar(
        conn, "SELECT has_function_privilege('loader', %s, 'execute')",
        signature), "DROP OWNED takes the privilege away")
    conn.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO loader")

    # what a dump says of it
    dump = subprocess.run([os.environ["PG_BINDIR"] + "/pg_dump", "granted"],
                          check=True, capture_output=True, text=True).stdout
    with connect() as other:
        other.execute("CREATE DATABASE copied")
    subprocess.run([os.environ["PG_BINDIR"] + "/psql", "-X", "-q", "-v",
                    "ON_ERROR_STOP=1", "copied"], input=dump, check=True,
                   stdout=subprocess.DEVNULL, text=True)
    copied = privileges(connect(dbname="copied"))
    good &= check(copied["insert_csv"][1] is not None
                  and "=X/" not in copied["insert_csv"][1].replace(
                      "postgres=X/", "").replace("loader=X/", ""),
                  "a dump of it keeps the REVOKE")
    return good


def check_trusted():
    """The owner of a database may update what he has installed."""
    conn = database("trusting", user="trusted_owner")
    conn.execute("ALTER EXTENSION pgsync UPDATE")
    return check(scalar(conn, "SELECT count(DISTINCT proowner) FROM pg_proc p"
                              " JOIN pg_depend d ON d.objid = p.oid AND"
                              " d.deptype = 'e' WHERE prosrc LIKE"
                              " 'insert%%'") == 1,
                 "the owner of a database, no superuser, updates")


def check_fresh():
    """What was updated is what is installed afresh."""
    with connect() as conn:
        conn.execute("CREATE DATABASE fresh")
    fresh = connect(dbname="fresh")
    fresh.execute("CREATE EXTENSION pgsync")
    expected = fresh.execute(OBJECTS).fetchall()
    good = len(expected) > 50
    for name in ("open", "refused", "granted", "trusting"):
        good &= connect(dbname=name).execute(OBJECTS).fetchall() == expected
    return check(good, "each updated extension is as one installed afresh")


def main():
    """All of it, on the one server."""
    roles()
    sessions = open_sessions()
    install_new()
    good = check_open_sessions(*sessions)
    good &= check_dependents()
    good &= check_privileges()
    good &= check_trusted()
    good &= check_fresh()
    finish(good)


main()
