"""What the Python parts of scripts/soak share.

A part is given a running server by libpq's environment variables, its data
directory in PGDATA, the server's programs in PG_BINDIR, and a directory of its
own in SOAK_WORK.  It reports by check(), which scripts/soak counts.
"""

import os
import subprocess
import sys
import time

import psycopg

SEED = int(os.environ.get("SOAK_SEED", "1"))
SCALE = int(os.environ.get("SOAK_SCALE", "100")) / 100
WORK = os.environ["SOAK_WORK"]


def scaled(number):
    """A count at full size, brought to the size that was asked for."""
    return max(1, int(number * SCALE))


def note(text):
    """Says what was done."""
    print(text, flush=True)


def check(passed, what):
    """Reports one check; returns whether it passed."""
    note(("ok: " if passed else "FAILED: ") + what)
    return passed


def connect(**options):
    """A connection in autocommit mode, waiting for a server that starts."""
    for attempt in range(600):
        try:
            return psycopg.connect(autocommit=True, **options)
        except psycopg.OperationalError:
            if attempt == 599:
                raise
            time.sleep(0.1)


def server(action, *options):
    """Runs pg_ctl on the part's server."""
    subprocess.run(
        [os.environ["PG_BINDIR"] + "/pg_ctl", "-D", os.environ["PGDATA"],
         "-l", WORK + "/server.log", "-w", "-o", "-p " + os.environ["PGPORT"],
         *options, action],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def scalar(conn, query, *args):
    """The first column of the first row."""
    return conn.execute(query, args or None).fetchone()[0]


def finish(good):
    """Ends the part: failed checks are counted from its output."""
    sys.exit(0 if good else 1)
