# Set-up shared by the scripts here and bench/run; sourced by bash.
#
# pgsync_setup PACKAGE...  installs what is missing, copies the tree into a
#                          throwaway directory ($work/src), builds it there and
#                          installs it into $work/install (or, for a server
#                          that knows no search path for extensions, into the
#                          server itself)
# pgsync_start_server      starts a private server in $work on a free port
#                          (PGHOST and PGPORT point at it)
# as_server_user COMMAND   runs a command as the user that owns the server
#
# Everything made lives in $work and is removed on exit.  No existing cluster,
# port or configuration file is touched.

set -euo pipefail

export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=
server_running=

# Where servers made for testing are kept from one run to the next.
cache=${PGSYNC_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pgsync}

say() { printf '%s\n' "$*" >&2; }

die() { say "error: $*"; exit 1; }

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@" || sudo "$@"; fi
}

# PostgreSQL refuses to run as root: root's servers belong to user postgres.
as_server_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid=postgres --regid=postgres --init-groups \
      env HOME="$work" "$@"
  else
    "$@"
  fi
}

cleanup() {
  local status=$?
  trap - EXIT INT TERM
  cd /
  if [ -n "$server_running" ]; then
    as_server_user "$bindir/pg_ctl" -D "$work/data" -m immediate -w stop \
      >/dev/null 2>&1 || true
  fi
  # the small disk of scripts/soak
  if mountpoint -q "$work/small"; then umount "$work/small" || true; fi
  if [ -n "$work" ] && [ -z "${PGSYNC_KEEP:-}" ]; then
    rm -rf --one-file-system "$work" 2>/dev/null || true
  fi
  exit "$status"
}

# The server to build for: PG_CONFIG if set, else the newest one installed
# together with its headers.  Prints nothing if there is none.
find_pg_config() {
  if [ -n "${PG_CONFIG:-}" ]; then printf '%s\n' "$PG_CONFIG"; return; fi
  local makefile
  for makefile in $(ls -d /usr/lib/postgresql/*/lib/pgxs/src/makefiles/pgxs.mk \
      2>/dev/null | sort -t/ -k5 -rn); do
    local prefix=${makefile%/lib/pgxs/*}
    if [ -x "$prefix/bin/initdb" ] && [ -x "$prefix/bin/pg_config" ]; then
      printf '%s\n' "$prefix/bin/pg_config"
      return
    fi
  done
}

# The major version that this machine's packages offer.
packaged_version() {
  local installed
  installed=$(ls /usr/lib/postgresql 2>/dev/null | sort -rn | head -n 1)
  if [ -n "$installed" ] && [ -x "/usr/lib/postgresql/$installed/bin/initdb" ]
  then
    printf '%s\n' "$installed"
  else
    apt-cache depends postgresql |
      sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1
  fi
}

# Prints "URI SUITE" lines: where apt gets packages from, its own release only,
# and security's beside it, which may have the source that a point release lacks.
release_entries() {
  local codename
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
    'Created-By: Packages' | awk -v c="$codename" \
    '$2 == c || $2 == c "-updates" || $2 == c "-security" { print }
     $2 == c { sub("/$", "", $1); print $1 "-security/", c "-security" }' |
    sort -u
}

# lists_of_our_own FOLDER TYPE: has apt know this release's packages of a type
# (deb or deb-src) by lists in a folder, so that the machine's own sources stay
# as they are.  Prints the options that say so, one a line.
lists_of_our_own() {
  mkdir -p "$1/lists/partial"
  release_entries | sed "s/.*/$2 & main/" >"$1/sources.list"
  printf '%s\n' "-oDir::Etc::SourceList=$1/sources.list" \
    "-oDir::Etc::SourceParts=-" "-oDir::State::Lists=$1/lists" \
    "-oDir::Cache::pkgcache=" "-oDir::Cache::srcpkgcache=" \
    "-oAPT::Sandbox::User=root"
}

package_installed() {
  [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = \
    "install ok installed" ]
}

# Installs the named packages that are missing, with one apt-get call.
install_packages() {
  local missing=() package
  for package in "$@"; do
    package_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "please install: ${missing[*]}"
  say "installing ${missing[*]}"
  as_root apt-get update -qq >&2
  as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    >/dev/null 2>&1 || die "apt-get could not install: ${missing[*]}"
}

# What building takes besides the server and its headers.
build_packages=(gcc make libc6-dev git pkg-config zlib1g-dev libzstd-dev)

# Compiler, server and headers, plus the packages named.
install_requirements() {
  local packages=("${build_packages[@]}" "$@")
  if [ -z "${PG_CONFIG:-}" ]; then
    [ -n "$(find_pg_config)" ] || as_root apt-get update -qq >&2
    local version
    version=$(packaged_version)
    [ -n "$version" ] || die "no PostgreSQL package found; set PG_CONFIG"
    packages+=("postgresql-$version" "postgresql-server-dev-$version")
  fi
  install_packages "${packages[@]}"
  PG_CONFIG=$(find_pg_config)
  [ -n "$PG_CONFIG" ] || die "no pg_config found; set PG_CONFIG"
  export PG_CONFIG
  bindir=$("$PG_CONFIG" --bindir)
  pgxs_dir=$(dirname "$("$PG_CONFIG" --pgxs)")
}

# Copies the tree as git sees it (or all of it, outside a checkout).
copy_tree() {
  mkdir -p "$work/src"
  if git -C "$here" rev-parse --git-dir >/dev/null 2>&1; then
    (cd "$here" && git ls-files -z --cached --others --exclude-standard |
      while IFS= read -r -d '' file; do
        [ -e "$file" ] && printf '%s\0' "$file"
      done | tar --null -T - -cf -) | tar -xf - -C "$work/src"
  else
    (cd "$here" && tar -cf - .) | tar -xf - -C "$work/src"
  fi
}

# Which setting makes this server load extensions from $work/install:
# extension_control_path (PostgreSQL 18), Debian's extension_destdir, or none.
extension_settings() {
  local libdir sharedir known
  libdir=$("$PG_CONFIG" --pkglibdir)
  sharedir=$("$PG_CONFIG" --sharedir)
  # not grep -q: it would leave early, and break the pipe of those before it
  known() { as_server_user "$bindir/postgres" --describe-config 2>/dev/null |
    cut -f1 | grep -x "$1" >/dev/null; }
  if known extension_control_path; then
    printf "extension_control_path = '%s:\$system'\n" \
      "$work/install$sharedir"
    printf "dynamic_library_path = '%s:\$libdir'\n" "$work/install$libdir"
  elif known extension_destdir; then
    printf "extension_destdir = '%s'\n" "$work/install"
    printf "dynamic_library_path = '%s:\$libdir'\n" "$work/install$libdir"
  fi
}

# Makes $work, to be removed on exit.
pgsync_make_work() {
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  work=$(mktemp -d "${TMPDIR:-/tmp}/pgsync.XXXXXX")
  chmod 755 "$work"
}

pgsync_setup() {
  install_requirements "$@"
  [ -n "$work" ] || pgsync_make_work
  if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$work"; fi
  copy_tree
  if [ "$(id -u)" = 0 ]; then chown -R postgres:postgres "$work"; fi
  say "building pgsync for $("$PG_CONFIG" --version)"
  as_server_user make -s -C "$work/src" PG_CONFIG="$PG_CONFIG" all \
    >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; die "build failed"; }
  extension_settings >"$work/extension.conf"
  if [ -s "$work/extension.conf" ]; then
    as_server_user make -s -C "$work/src" PG_CONFIG="$PG_CONFIG" \
      DESTDIR="$work/install" install >"$work/install.log" 2>&1 ||
      { cat "$work/install.log" >&2; die "make install failed"; }
  else
    as_root make -s -C "$work/src" PG_CONFIG="$PG_CONFIG" install \
      >"$work/install.log" 2>&1 ||
      { cat "$work/install.log" >&2; die "make install failed"; }
  fi
}

# A port nobody listens on.  The server listens on a Unix socket in $work
# only; the number matters for nothing but the socket's name and its lock.
free_port() {
  local port
  for port in $(seq 54321 54999); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s\n' "$port"
      return
    fi
  done
  die "no free port"
}

# pgsync_start_server [SETTING=VALUE...]
pgsync_start_server() {
  local setting
  as_server_user "$bindir/initdb" -D "$work/data" -U postgres -A trust \
    -E UTF8 --locale=C.UTF-8 --no-sync >"$work/initdb.log" 2>&1 ||
    { cat "$work/initdb.log" >&2; die "initdb failed"; }
  {
    printf "listen_addresses = ''\nunix_socket_directories = '%s'\n" "$work"
    cat "$work/extension.conf"
    for setting in "$@"; do printf '%s\n' "$setting"; done
  } >>"$work/data/postgresql.conf"
  export PGHOST=$work PGUSER=postgres PGDATABASE=postgres
  PGPORT=$(free_port)
  export PGPORT
  as_server_user "$bindir/pg_ctl" -D "$work/data" -l "$work/server.log" \
    -o "-p $PGPORT" -w start >/dev/null ||
    { cat "$work/server.log" >&2; die "the server did not start"; }
  server_running=1
}
