# drop_db on servers of its own: who may drop, what is refused and how, how the
# wait ends, and that neither worker nor shared memory is left behind.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
# mmap: every dynamic shared memory segment is a file in pg_dynshmem
$node->append_conf(
	'postgresql.conf', q{
autovacuum = off
deadlock_timeout = 200ms
dynamic_shared_memory_type = mmap
max_prepared_transactions = 4
});
$node->start;
$node->safe_psql('postgres',
	q{CREATE EXTENSION pgsync; CREATE ROLE regress_stranger LOGIN});

my $worker_row = "backend_type = 'pgsync drop_db'";
my $worker_waits =
  "SELECT count(*) = 1 FROM pg_stat_activity WHERE $worker_row AND wait_event_type = 'Lock'";

# What a session's query prints, without the last line end, which some
# versions of PostgreSQL::Test leave there and others cut off.
sub answer
{
	my ($session, $query) = @_;
	my $output = $session->query($query);
	chomp $output;
	return $output;
}

# The files of the dynamic shared memory segments that exist now.
sub segments
{
	return join(' ', sort(slurp_dir($node->data_dir . '/pg_dynshmem')));
}

# The first call loads what a server loads once.
$node->safe_psql('postgres', q{SELECT drop_db('none')});
my $segments_before = segments();

# No worker process and no segment may be left when a call has returned.
sub nothing_left
{
	my ($name) = @_;
	my $workers = $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE $worker_row");
	is($workers, '0', "$name: no worker left");
	is(segments(), $segments_before, "$name: no shared memory left");
	return;
}

# Creates a database; a plain copy of the smallest template.
sub make_db
{
	my ($name) = @_;
	$node->safe_psql('postgres', qq{CREATE DATABASE "$name"});
	return;
}

sub db_exists
{
	my ($name) = @_;
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_database WHERE datname = '$name'");
}

# SQLSTATE, message, detail and hint of a failing command, in psql's words.
sub error_of
{
	my ($sql, %params) = @_;
	my ($ret, $out, $err) = $node->psql($params{dbname} // 'postgres',
		"\\set VERBOSITY verbose\n$sql", on_error_stop => 1);
	$err =~ s/^psql:<stdin>:\d+: //mg;
	# not part of it: where in the C code, and in which function or worker
	return join("\n", grep { !/^(LOCATION|CONTEXT|STATEMENT|PL\/pgSQL)/ }
		  split(/\n/, $err));
}

# The function's error has to be the command's.
sub same_error
{
	my ($name, $state, $before, $command, $function) = @_;
	my $expected = error_of("$before\n$command");
	like($expected, qr/^ERROR:  \Q$state\E: /, "$name: the command fails");
	is(error_of("$before\n$function"), $expected,
		"$name: same SQLSTATE, message, detail and hint");
	nothing_left($name);
	return;
}

# Starts statements in a psql of their own and leaves it running.
sub start_call
{
	my (@statements) = @_;
	my %call = (out => '', err => '');
	$call{run} = IPC::Run::start(
		[
			'psql', '-XAtq', '-d',
			$node->connstr('postgres') . ' application_name=caller',
			map { ('-c', $_) } ('\\set VERBOSITY verbose', @statements)
		],
		'>', \$call{out}, '2>', \$call{err});
	return \%call;
}

# Waits for the end of a call that start_call began.
sub finish_call
{
	my ($call) = @_;
	$call->{run}->finish;
	chomp($call->{out});
	return $call;
}

# A session that holds a lock on a database until it ends.
sub hold_lock
{
	my ($name) = @_;
	my $holder = $node->background_psql('postgres');
	$holder->query_safe(qq{BEGIN; COMMENT ON DATABASE "$name" IS 'held'});
	return $holder;
}

sub wait_for_worker
{
	$node->poll_query_until('postgres', $worker_waits)
	  or die 'the worker does not wait for the lock';
	return;
}

#
# What it does
#
make_db('plain');
my $directory = $node->data_dir . '/base/'
  . $node->safe_psql('postgres',
	q{SELECT oid FROM pg_database WHERE datname = 'plain'});
ok(-d $directory, 'the database has a directory');
is($node->safe_psql('postgres', q{SELECT drop_db('plain')}),
	't', 'plain: true');
is(db_exists('plain'), '0', 'plain: dropped');
ok(!-e $directory, 'plain: files removed');
nothing_left('plain');

is($node->safe_psql('postgres', q{SELECT drop_db('plain')}),
	'f', 'missing: false');
is($node->safe_psql('postgres', q{SELECT drop_db('plain', force => true)}),
	'f', 'missing, with force: false');
nothing_left('missing');

for my $name ('Mixed Case', 'semi;colon', 'do$$lar', "new\nline",
	'back\\slash', "\xc3\xa4\xc3\xb6", 'select', 'x' x 63)
{
	make_db($name);
	is($node->safe_psql('postgres', "SELECT drop_db('$name')"),
		't', "dropped: $name");
	is(db_exists($name), '0', "gone: $name");
}
make_db('double""quote');
make_db(q{single'quote});
is( $node->safe_psql('postgres',
		q{SELECT drop_db('double"quote'), drop_db('single''quote')}),
	't|t',
	'quotes in names');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_database}),
	'3', 'the three databases of initdb are left');
nothing_left('names');

make_db('rollback');
is( $node->safe_psql(
		'postgres', q{
BEGIN;
CREATE TABLE undone ();
SELECT drop_db('rollback');
ROLLBACK;
SELECT to_regclass('undone') IS NULL}),
	"t\nt",
	'in a transaction that rolls back');
is(db_exists('rollback'), '0', 'ROLLBACK does not bring it back');
nothing_left('rollback');

make_db('do_block');
$node->safe_psql(
	'postgres', q{
DO $$
BEGIN
	BEGIN
		PERFORM drop_db('template1');
	EXCEPTION WHEN wrong_object_type THEN
		RAISE NOTICE 'refused';
	END;
	ASSERT drop_db('do_block');
	ASSERT NOT drop_db('do_block');
END
$$});
is(db_exists('do_block'), '0', 'DO block, after an error that it caught');
nothing_left('DO block');

# the worker is gone when the call returns, not some time later
is( $node->safe_psql(
		'postgres', q{
CREATE FUNCTION workers_seen() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	seen bigint := 0;
BEGIN
	FOR i IN 1 .. 10 LOOP
		BEGIN
			PERFORM drop_db('template1');
		EXCEPTION WHEN wrong_object_type THEN
			PERFORM pg_stat_clear_snapshot();
			seen := seen + (SELECT count(*) FROM pg_stat_get_activity(NULL) a
				WHERE a.backend_type = 'pgsync drop_db');
		END;
	END LOOP;
	RETURN seen;
END
$$;
SELECT workers_seen()}),
	'0',
	'no worker outlives its call');

make_db('series_' . $_) for 1 .. 3;
is( $node->safe_psql('postgres',
		q{SELECT drop_db(datname) FROM pg_database WHERE datname ~ '^series_'}),
	"t\nt\nt",
	'several in one statement, over a scan of pg_database');
is( $node->safe_psql('postgres', q{
BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT drop_db('series_1'); COMMIT}),
	'f', 'serializable');
nothing_left('series');

#
# Sessions in the database
#
make_db('busy');
my $guest = $node->background_psql('busy');
my $guest_pid = answer($guest, 'SELECT pg_backend_pid()');
like(
	error_of(q{SELECT drop_db('busy')}),
	qr/^ERROR:  55006: database "busy" is being accessed by other users\nDETAIL:  There is 1 other session using the database\.$/,
	'not without force');
is(db_exists('busy'), '1', 'and it is still there');
nothing_left('busy');
is($node->safe_psql('postgres', q{SELECT drop_db('busy', true)}),
	't', 'with force');
is(db_exists('busy'), '0', 'gone');
is( $node->safe_psql(
		'postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE pid = $guest_pid"),
	'0',
	'its session was ended');
$guest->quit;
nothing_left('force');

#
# Who may: what DROP DATABASE checks, and the current role
#
same_error('current database', '55006', '',
	'DROP DATABASE postgres;', q{SELECT drop_db('postgres')});
same_error('current database, force', '55006', '',
	'DROP DATABASE postgres WITH (FORCE);',
	q{SELECT drop_db('postgres', true);});
same_error('template', '42809', '',
	'DROP DATABASE template1;', q{SELECT drop_db('template1')});

make_db('owned');
same_error('not the owner', '42501', 'SET ROLE regress_stranger;',
	'DROP DATABASE owned;', q{SELECT drop_db('owned')});
same_error('not the owner, force', '42501',
	'SET SESSION AUTHORIZATION regress_stranger;',
	'DROP DATABASE owned WITH (FORCE);', q{SELECT drop_db('owned', true);});

# the database's own settings cannot lend the worker another role
make_db('strangers');
my $superuser =
  $node->safe_psql('postgres', 'SELECT quote_ident(current_user)');
$node->safe_psql('strangers', 'CREATE EXTENSION pgsync');
$node->safe_psql(
	'postgres', qq{
ALTER DATABASE strangers OWNER TO regress_stranger;
ALTER DATABASE strangers SET role = $superuser;
ALTER DATABASE strangers SET default_transaction_read_only = on;
ALTER DATABASE strangers SET lock_timeout = '1ms';
ALTER DATABASE strangers SET client_encoding = latin1;
});
is( error_of(
		q{SET ROLE regress_stranger; SET default_transaction_read_only = off;
SELECT drop_db('owned');}, dbname => 'strangers'),
	'ERROR:  42501: must be owner of database owned',
	'a role setting of the database gives no rights');
make_db("\xc3\xa4");
is( $node->safe_psql('strangers',
		"SET default_transaction_read_only = off; SET client_encoding = utf8; SELECT drop_db('\xc3\xa4')"
	),
	't',
	'read-only and encoding settings of the database do not matter');
make_db("\xc3\xa4");
like(
	error_of(
		"SET ROLE regress_stranger; SET default_transaction_read_only = off;
SET client_encoding = utf8; SELECT drop_db('\xc3\xa4');", dbname => 'strangers'),
	qr/must be owner of database \xc3\xa4$/,
	'messages come in the caller\'s encoding');
$node->safe_psql('postgres', "SELECT drop_db('\xc3\xa4')");
is(db_exists('owned'), '1', 'still there');
nothing_left('settings');

$node->safe_psql(
	'postgres', q{
CREATE ROLE regress_nologin NOLOGIN CONNECTION LIMIT 0;
ALTER ROLE regress_nologin SET default_transaction_read_only = on;
ALTER DATABASE owned OWNER TO regress_nologin;
REVOKE CONNECT ON DATABASE strangers FROM PUBLIC;
ALTER DATABASE strangers RESET role;
});
my $inside = $node->background_psql('strangers', on_error_stop => 0);
$node->safe_psql('postgres',
	'ALTER DATABASE strangers ALLOW_CONNECTIONS false');
$inside->query_safe(
	'SET default_transaction_read_only = off; SET ROLE regress_nologin');
is(answer($inside, q{SELECT drop_db('owned')}),
	't', 'the owner needs neither LOGIN nor CONNECT, being there already');
is(db_exists('owned'), '0', 'gone');
$inside->quit;
nothing_left('no login');
is($node->safe_psql('postgres', q{SELECT drop_db('strangers')}),
	't', 'a database that allows no connections');

make_db('definer');
$node->safe_psql(
	'postgres', q{
ALTER DATABASE definer OWNER TO regress_nologin;
CREATE FUNCTION drop_for_others() RETURNS boolean LANGUAGE sql
  SECURITY DEFINER BEGIN ATOMIC SELECT drop_db('definer'); END;
ALTER FUNCTION drop_for_others() OWNER TO regress_nologin;
});
is( $node->safe_psql('postgres',
		q{SET ROLE regress_stranger; SELECT drop_for_others()}),
	't',
	'SECURITY DEFINER: as the function owner');
nothing_left('security definer');

make_db('new_role');
like(
	error_of(
		q{BEGIN; CREATE ROLE regress_new SUPERUSER; SET LOCAL ROLE regress_new;
SELECT drop_db('new_role');}),
	qr/^ERROR:  42704: role with OID \d+ is not known to other transactions\nHINT:  Commit/,
	'a role that is not committed yet');
nothing_left('new role');

# ending other sessions needs rights on their roles, as in DROP DATABASE
make_db('visited');
$node->safe_psql('postgres',
	'ALTER DATABASE visited OWNER TO regress_nologin');
$guest = $node->background_psql('visited');
same_error('force on a superuser', '42501', 'SET ROLE regress_nologin;',
	'DROP DATABASE visited WITH (FORCE);',
	q{SELECT drop_db('visited', true);});
$guest->quit;

# what an interrupted DROP DATABASE leaves behind
$node->safe_psql('postgres',
	q{UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'visited'});
is($node->safe_psql('postgres', q{SELECT drop_db('visited')}),
	't', 'an invalid database');
nothing_left('invalid');

#
# Warnings of the command
#
SKIP:
{
	skip 'needs a user that file permissions hold', 3 if $> == 0;
	make_db('warns');
	my $stuck = $node->data_dir . '/base/'
	  . $node->safe_psql('postgres',
		q{SELECT oid FROM pg_database WHERE datname = 'warns'})
	  . '/stuck';
	mkdir $stuck or die "mkdir: $!";
	append_to_file("$stuck/file", '');
	chmod 0500, $stuck or die "chmod: $!";
	my ($ret, $out, $err) =
	  $node->psql('postgres', q{SELECT drop_db('warns')});
	is($out, 't', 'dropped, although a file could not be removed');
	like($err, qr/WARNING:  some useless files may be left behind/,
		'the warning comes through');
	($ret, $out, $err) = $node->psql('postgres',
		q{SET client_min_messages = error; SELECT drop_db('new_role')});
	is("$out|$err", 't|', 'no message beyond client_min_messages');
	chmod 0700, $stuck or die "chmod: $!";
	nothing_left('warning');
}

#
# The caller's own locks and changes: an error, not a hang
#
make_db('mine');
$node->safe_psql('postgres',
	q{ALTER DATABASE mine SET maintenance_work_mem = '1MB'});
for my $change (
	q{COMMENT ON DATABASE mine IS 'x'},
	q{ALTER DATABASE mine SET work_mem = '1MB'},
	q{ALTER DATABASE mine RESET ALL},
	q{ALTER ROLE regress_stranger IN DATABASE mine SET work_mem = '1MB'},
	q{ALTER DATABASE mine ALLOW_CONNECTIONS true},
	q{ALTER DATABASE mine OWNER TO regress_stranger},
	q{GRANT CONNECT ON DATABASE mine TO regress_stranger},
	q{SELECT 1 FROM pg_database WHERE datname = 'mine' FOR UPDATE},
	q{SAVEPOINT s; GRANT CONNECT ON DATABASE mine TO regress_stranger; RELEASE s}
  )
{
	is( error_of("BEGIN; $change; SELECT drop_db('mine');"),
		'ERROR:  55006: cannot drop database "mine" because this transaction has changed or locked it'
		  . "\nDETAIL:  drop_db runs DROP DATABASE in another transaction, which would wait for this one."
		  . "\nHINT:  Commit first, then call drop_db.",
		"refused after $change");
}
nothing_left('own changes');

my $deadlock =
  qr/^ERROR:  40P01: deadlock detected\nDETAIL:  .*"mine".*\nHINT:  /;
like(
	error_of(
		q{BEGIN; LOCK TABLE pg_database IN SHARE MODE; SELECT drop_db('mine');}
	),
	$deadlock,
	'lock on pg_database');
like(
	error_of(
		q{BEGIN; LOCK TABLE pg_subscription; SELECT drop_db('mine');}),
	$deadlock,
	'lock on a catalog that the command reads');
nothing_left('deadlock');

# worker -> holder of the database -> holder of the table, which is us
my $holder = hold_lock('mine');
$node->safe_psql('postgres', 'CREATE TABLE chain ()');
my $call = start_call(
	q{BEGIN}, q{LOCK TABLE chain; SELECT pg_advisory_lock(1)},
	q{SELECT drop_db('mine')});
$node->poll_query_until('postgres',
	q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory'})
  or die 'the caller does not hold its lock';
$holder->query_until(qr/asked/, "\\echo asked\nLOCK TABLE chain;\n");
finish_call($call);
like($call->{err}, qr/^ERROR:  40P01: deadlock detected$/m,
	'a chain of waits through another session');
$holder->quit;
nothing_left('chain');

is( $node->safe_psql(
		'postgres', q{
BEGIN;
SAVEPOINT s;
COMMENT ON DATABASE mine IS 'x';
GRANT CONNECT ON DATABASE mine TO regress_stranger;
ROLLBACK TO s;
SELECT drop_db('mine');
COMMIT}),
	't',
	'after the change was rolled back');
nothing_left('savepoint');

#
# Several sessions of a superuser at once
#
make_db('wanted');
$holder = hold_lock('wanted');
my @calls = map { start_call(q{SELECT drop_db('wanted')}) } 1 .. 5;
$node->poll_query_until(
	'postgres',
	"SELECT count(*) = 5 FROM pg_stat_activity WHERE $worker_row AND wait_event_type = 'Lock'"
) or die 'not all workers wait';
$holder->quit;
finish_call($_) for @calls;
is(join(' ', sort map { $_->{out} } @calls),
	'f f f f t', 'five sessions: one true, the others false');
is(join('', map { $_->{err} } @calls), '', 'and no error');
nothing_left('several');

#
# One worker a user: the second session of an ordinary role waits for the first
# without one, and looks again when it is its turn
#
for my $name ('first', 'second', 'third')
{
	make_db($name);
	$node->safe_psql('postgres',
		"ALTER DATABASE $name OWNER TO regress_stranger");
}
my $as_stranger = 'SET SESSION AUTHORIZATION regress_stranger';
my $waits_for_turn =
  q{SELECT count(*) = 1 FROM pg_stat_activity WHERE application_name = 'caller' AND wait_event_type = 'Lock'};
$holder = hold_lock('first');
my $first = start_call($as_stranger, q{SELECT drop_db('first')});
wait_for_worker();
is( $node->safe_psql('postgres',
		"SELECT usename, query FROM pg_stat_activity WHERE $worker_row"),
	'regress_stranger|DROP DATABASE first',
	'the activity view shows whose worker it is');
my $second = start_call($as_stranger, q{SELECT drop_db('second')});
$node->poll_query_until('postgres', $waits_for_turn)
  or die 'the second call does not wait';
is( $node->safe_psql(
		'postgres', "SELECT count(*) FROM pg_stat_activity WHERE $worker_row"
	),
	'1',
	'two calls of a role have one worker');
like(
	error_of("$as_stranger; SET lock_timeout = '100ms'; SELECT drop_db('third')"),
	qr/^ERROR:  55P03: canceling statement due to lock timeout$/,
	'lock_timeout ends the wait for the turn');
like(
	error_of(
		"$as_stranger; SET statement_timeout = '100ms'; SELECT drop_db('third')"),
	qr/^ERROR:  57014: canceling statement due to statement timeout$/,
	'statement_timeout, too');
is($node->safe_psql('postgres', q{SELECT drop_db('third')}),
	't', 'who is another has not to wait');
# what the second waits to drop is dropped meanwhile
is($node->safe_psql('postgres', q{SELECT drop_db('second')}),
	't', 'nor has who drops the same database');
$holder->quit;
finish_call($_) for ($first, $second);
is("$first->{out} $second->{out}", 't f', 'each gets its answer');
is("$first->{err}$second->{err}", '', 'and no error');
nothing_left('turns');

# an error of the first does not keep the second waiting
make_db($_) for ('first', 'second');
$node->safe_psql('postgres', "ALTER DATABASE $_ OWNER TO regress_stranger")
  for ('first', 'second');
$holder = hold_lock('first');
$first = start_call($as_stranger,
	q{SET statement_timeout = '1s'; SELECT drop_db('first')});
wait_for_worker();
is( $node->safe_psql(
		'postgres', "$as_stranger; SELECT drop_db('second')"),
	't',
	'a call that fails gives up its turn');
finish_call($first);
$holder->quit;
$node->safe_psql('postgres', q{SELECT drop_db('first')});
nothing_left('failed turn');

#
# The end of the wait
#
make_db('wait');
$holder = hold_lock('wait');

$call = start_call(q{SELECT drop_db('wait')}, q{SELECT 'alive'});
wait_for_worker();
is( $node->safe_psql(
		'postgres', "SELECT query FROM pg_stat_activity WHERE $worker_row"),
	'DROP DATABASE wait',
	'the activity view shows the command');
isnt(segments(), $segments_before, 'and there is shared memory to leave');
$node->safe_psql('postgres',
	q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'}
);
finish_call($call);
like($call->{err}, qr/ERROR:  57014: canceling statement due to user request/,
	'cancelled');
is($call->{out}, 'alive', 'the session goes on');
nothing_left('cancel');

like(
	error_of(q{SET statement_timeout = '300ms'; SELECT drop_db('wait');}),
	qr/^ERROR:  57014: canceling statement due to statement timeout$/,
	'statement_timeout');
nothing_left('statement_timeout');

like(
	error_of(q{SET lock_timeout = '100ms'; SELECT drop_db('wait');}),
	qr/^ERROR:  55P03: canceling statement due to lock timeout$/,
	'the caller\'s lock_timeout');
nothing_left('lock_timeout');

$node->safe_psql(
	'postgres', q{
SET statement_timeout = '300ms';
DO $$
BEGIN
	PERFORM drop_db('wait');
EXCEPTION WHEN query_canceled THEN
	ASSERT NOT EXISTS (SELECT FROM pg_stat_activity
		WHERE backend_type = 'pgsync drop_db');
END
$$});
nothing_left('cancel that is caught');

$call = start_call(q{SELECT drop_db('wait')}, q{SELECT 'alive'});
wait_for_worker();
$node->safe_psql('postgres',
	"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $worker_row");
finish_call($call);
like(
	$call->{err},
	qr/ERROR:  57P01: terminating background worker "pgsync drop_db" due to administrator command/,
	'worker terminated');
is($call->{out}, 'alive', 'the session goes on');
nothing_left('worker terminated');

$call = start_call(q{SELECT drop_db('wait')});
wait_for_worker();
$node->safe_psql('postgres',
	q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = 'caller'}
);
finish_call($call);
like($call->{err}, qr/FATAL:  57P01: /, 'caller terminated');
nothing_left('caller terminated');

is(db_exists('wait'), '1', 'after all that the database is there');
$holder->quit;

# cancelled at any point: before the worker runs, in the middle, or too late
my $unexpected = '';
for my $timeout (map { 3 * $_ } 1 .. 9)
{
	make_db('brief') if db_exists('brief') eq '0';
	my $error =
	  error_of("SET statement_timeout = $timeout; SELECT drop_db('brief');");
	my $workers = $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_stat_activity WHERE $worker_row");
	$unexpected .= "$timeout ms: $error, $workers workers\n"
	  if $workers ne '0'
	  || $error !~ /^(ERROR:  57014: .* due to statement timeout)?$/;
}
is($unexpected, '', 'cancelled early and late');
$node->safe_psql('postgres', q{SELECT drop_db('brief')});
is(db_exists('brief'), '0', 'the next call finishes what was cancelled');
nothing_left('early and late');

#
# Read-only
#
like(
	error_of(q{BEGIN READ ONLY; SELECT drop_db('wait');}),
	qr/^ERROR:  25006: cannot execute drop_db\(\) in a read-only transaction\nHINT:  /,
	'read-only transaction');

$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
my ($ret, $out, $err) =
  $standby->psql('postgres', q{SELECT drop_db('wait')});
like(
	$err,
	qr/ERROR:  cannot execute drop_db\(\) during recovery\nHINT:  /,
	'standby');
$standby->stop;

#
# No worker slot
#
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
$segments_before = segments();
is( error_of(q{SELECT drop_db('wait');}),
	'ERROR:  53400: out of background worker slots'
	  . "\nDETAIL:  Database \"wait\" is dropped by a background worker."
	  . "\nHINT:  You might need to increase max_worker_processes.",
	'no worker slot');
nothing_left('no worker slot');
# what is refused in any case is refused without one
is( error_of(q{SET ROLE regress_stranger; SELECT drop_db('wait');}),
	'ERROR:  42501: must be owner of database wait',
	'no worker is started for a role that does not own the database');
is( error_of(q{SELECT drop_db('template1');}),
	'ERROR:  42809: cannot drop a template database',
	'nor for a template');
is( error_of(q{SELECT drop_db('postgres');}),
	'ERROR:  55006: cannot drop the currently open database',
	'nor for the own database');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;

#
# Shutdown and death of the postmaster while a call waits
#
$holder = hold_lock('wait');
$call = start_call(q{SELECT drop_db('wait')});
wait_for_worker();
$node->stop('fast');
finish_call($call);
like($call->{err}, qr/FATAL:  57P01: /, 'fast shutdown ends the wait');
$holder->{run}->finish;
$node->start;

$holder = hold_lock('wait');
$call = start_call(q{SELECT drop_db('wait')});
wait_for_worker();
my @pids = split /\n/,
  $node->safe_psql('postgres',
	"SELECT pid FROM pg_stat_activity WHERE $worker_row OR application_name = 'caller'"
  );
is(scalar(@pids), 2, 'caller and worker run');
my @all = split /\n/,
  $node->safe_psql('postgres',
	'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');

# Whether a process runs: one that has ended stays as a zombie where nobody
# takes its exit status, as in a container whose first process is no init.
sub runs
{
	my ($pid) = @_;

	return 0 unless kill 0, $pid;
	open(my $stat, '<', "/proc/$pid/stat") or return 1;
	return ((<$stat> // ') Z') !~ /\) Z/) ? 1 : 0;
}

$node->kill9;
finish_call($call);
my $attempts = 10 * $PostgreSQL::Test::Utils::timeout_default;
usleep(100_000) while grep({ runs($_) } @pids) && $attempts-- > 0;
is(join(' ', grep { runs($_) } @pids),
	'', 'neither survives the postmaster');
$holder->{run}->finish;
usleep(100_000) while grep({ runs($_) } @all) && $attempts-- > 0;
# the server would take a zombie of that number for another server
unlink $node->data_dir . '/postmaster.pid',
  $node->host . '/.s.PGSQL.' . $node->port . '.lock';
$node->start;
is($node->safe_psql('postgres', q{SELECT drop_db('wait')}),
	't', 'and a new server drops the database');
$segments_before = segments();
nothing_left('crash');
$node->stop;

done_testing();
