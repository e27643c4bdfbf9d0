# The three suites, pg_regress, isolation and TAP, and how their results are
# counted; sourced after common.sh by scripts/test and scripts/soak.
#
# pgsync_run_suites [SUITE...]  runs the suites named, or all, on the server
#                               that pgsync_start_server has started, and adds
#                               to $passed and $failed; SUITE/NAME is just that
#                               file of it

# What the suites need besides the server, and with what can be had.
needed_packages=(libipc-run-perl iso-codes ieee-data unicode-data)
suite_packages=("${needed_packages[@]}")

# Adds what only some servers have a package of: tests that want it skip
# where it is missing.
if [ -z "${PG_CONFIG:-}" ]; then
  for optional in "postgresql-$(packaged_version)-pgaudit"; do
    if package_installed "$optional" ||
      [ -n "$(apt-cache search --names-only "^$optional\$" 2>/dev/null)" ]; then
      suite_packages+=("$optional")
    fi
  done
fi

# What the server that they run on needs to be set to.
suite_settings=("max_prepared_transactions = 4" "wal_level = logical")

passed=0
failed=0

# Adds up pg_regress's per-test lines: "test x ... ok" (15) or "ok 1 - x" (16+).
count_regress() {
  local log=$1 ok bad
  ok=$(grep -cE '^(test +|     )?[^ ]+ +\.\.\. ok|^ok [0-9]+' "$log" || true)
  bad=$(grep -cE '\.\.\. FAILED|\.\.\. failed|^not ok [0-9]+' "$log" || true)
  passed=$((passed + ok))
  failed=$((failed + bad))
  [ $((ok + bad)) -gt 0 ] || failed=$((failed + 1))
}

# Adds up prove's totals: "Files=2, Tests=31, ...", "Failed 1/12 subtests".
count_prove() {
  local log=$1 status=$2 total bad
  total=$(sed -n 's/^Files=[0-9]*, Tests=\([0-9]*\),.*/\1/p' "$log" | tail -n 1)
  bad=$({ grep -oE 'Failed [0-9]+/[0-9]+ subtests' "$log" || true; } |
    sed 's/Failed \([0-9]*\).*/\1/' | paste -sd+ | sed 's/^$/0/')
  bad=$((bad))
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  passed=$((passed + ${total:-0} - bad))
  failed=$((failed + bad))
  [ -n "$total" ] || failed=$((failed + 1))
}

# run_regress NAME RUNNER OPTION... -- TEST...
run_regress() {
  local name=$1 runner=$2 status=0
  shift 2
  say "== $name"
  mkdir -p "$work/$name"
  if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$work/$name"; fi
  (cd "$work/src" && as_server_user "$runner" --inputdir="$work/src" \
    --outputdir="$work/$name" --bindir="$bindir" --load-extension=pgsync \
    "$@") 2>&1 | tee "$work/$name.log" || status=$?
  count_regress "$work/$name.log"
  if [ "$status" != 0 ]; then
    cat "$work/$name/regression.diffs" 2>/dev/null || true
    # a runner that failed without naming a test still is a failure
    grep -qE 'FAILED|failed|^not ok' "$work/$name.log" || failed=$((failed + 1))
  fi
}

# run_tap FILE...
run_tap() {
  local status=0
  say "== tap"
  mkdir -p "$work/tap"
  if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$work/tap"; fi
  # the servers that the TAP suite starts find the extension the same way
  (cd "$work/src" && as_server_user env -u PGHOST -u PGPORT -u PGUSER \
    -u PGDATABASE PATH="$bindir:$PATH" TESTDIR="$work/tap" \
    TESTDATADIR="$work/tap/data" TESTLOGDIR="$work/tap/log" \
    TEMP_CONFIG="$work/extension.conf" PG_REGRESS="$pg_regress" \
    prove --timer -I "$pgxs_dir/../../src/test/perl" -I t "$@") 2>&1 |
    tee "$work/tap.log" || status=$?
  count_prove "$work/tap.log" "$status"
  if [ "$status" != 0 ]; then
    tail -n 60 "$work"/tap/log/*  2>/dev/null || true
  fi
}

# test_names FOLDER ENDING [NAME]: the names of the files in a folder of the
# tree, without their ending, or the one name if there is such a file.
test_names() {
  (cd "$work/src/$1" && ls) | sed -n "s|\.$2\$||p" | sort |
    grep -x "${3:-.*}" || die "there is no $1/$3.$2"
}

pgsync_run_suites() {
  local pg_regress=$pgxs_dir/../../src/test/regress/pg_regress
  local pg_isolation_regress=$pgxs_dir/../../src/test/isolation/pg_isolation_regress
  local suite names name
  [ $# -gt 0 ] || set -- regress isolation tap
  for suite in "$@"; do
    name=
    case $suite in */*) name=${suite#*/} ;; esac
    case $suite in
      regress | regress/*)
        names=$(test_names sql sql "$name")
        run_regress regress "$pg_regress" --dbname=pgsync_regress $names
        ;;
      isolation | isolation/*)
        names=$(test_names specs spec "$name")
        run_regress isolation "$pg_isolation_regress" \
          --dbname=pgsync_isolation $names
        ;;
      tap | tap/*)
        names=$(test_names t pl "$name")
        run_tap $(printf 't/%s.pl ' $names)
        ;;
      *) die "there is no suite $suite" ;;
    esac
  done
}
