# fetch_count where a server must be more than running: on a standby, through
# its promotion, after a crash; and over partitions on another server.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf(
	'postgresql.conf', q{
autovacuum = off
max_prepared_transactions = 4
});
$primary->start;

my $both = q{SELECT fetch_count('t') || '=' || count(*) FROM t};
my $by_page =
  q{SET client_min_messages = debug1; SELECT fetch_count('t')};

# What a session's query prints, without the last line end, which some
# versions of PostgreSQL::Test leave there and others cut off.
sub answer
{
	my ($session, $query) = @_;
	my $output = $session->query($query);
	chomp $output;
	return $output;
}

# Both ways of counting must agree, on the number given.
sub counts_are
{
	my ($node, $expected, $name) = @_;
	is($node->safe_psql('postgres', $both), "$expected=$expected", $name);
}

$primary->safe_psql(
	'postgres', q{
CREATE EXTENSION pgsync;
CREATE TABLE t (id integer PRIMARY KEY, v integer);
CREATE UNLOGGED TABLE unlogged (id integer);
INSERT INTO t SELECT i, i FROM generate_series(1, 10000) i;
DELETE FROM t WHERE id % 10 = 0;
});
$primary->safe_psql('postgres', 'VACUUM (FREEZE) t');
$primary->safe_psql('postgres', 'UPDATE t SET v = v + 1 WHERE id <= 1000');

# Standby
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'hot_standby_feedback = on');
$standby->start;
$primary->wait_for_catchup($standby);

counts_are($standby, 9000, 'standby');
my ($ret, $stdout, $stderr) = $standby->psql('postgres', $by_page);
like($stderr, qr/counted by table/, 'standby counts by page');
($ret, $stdout, $stderr) =
  $standby->psql('postgres', q{SELECT fetch_count('unlogged')});
like(
	$stderr,
	qr/cannot access temporary or unlogged relations during recovery/,
	'unlogged table on a standby');

# a snapshot of the standby, kept over changes that are replayed under it
my $reader = $standby->background_psql('postgres');
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
is(answer($reader, $both), '9000=9000', 'snapshot on the standby');
$primary->safe_psql(
	'postgres', q{
INSERT INTO t SELECT i, i FROM generate_series(20001, 20500) i;
DELETE FROM t WHERE id BETWEEN 1001 AND 1100;
BEGIN;
INSERT INTO t VALUES (30001), (30002);
DELETE FROM t WHERE id <= 9;
PREPARE TRANSACTION 'pending';
});
$primary->safe_psql('postgres', 'VACUUM t');
$primary->wait_for_catchup($standby);
is(answer($reader, $both), '9000=9000', 'the snapshot does not see later changes');
counts_are($standby, 9410, 'a new one does, but nothing prepared');
counts_are($primary, 9410, 'prepared transaction');
$primary->safe_psql('postgres', q{COMMIT PREPARED 'pending'});
$primary->safe_psql('postgres', 'VACUUM (FREEZE) t');
$primary->wait_for_catchup($standby);
counts_are($standby, 9403, 'committed and frozen');
is(answer($reader, $both), '9000=9000', 'the snapshot still holds');

# Promotion, under that snapshot
$standby->promote;
$standby->safe_psql('postgres', 'DELETE FROM t WHERE id > 9000');
is(answer($reader, $both), '9000=9000', 'the snapshot outlives the promotion');
counts_are($standby, 8001, 'new timeline');
$reader->quit;

# Crash with a transaction in progress, and one prepared
my $session = $primary->background_psql('postgres');
$session->query_safe(
	q{
BEGIN;
INSERT INTO t SELECT i, i FROM generate_series(40001, 40100) i;
DELETE FROM t WHERE id <= 500;
});
$primary->safe_psql(
	'postgres', q{
CHECKPOINT;
INSERT INTO t SELECT i FROM generate_series(50001, 50005) i;
BEGIN;
DELETE FROM t WHERE id BETWEEN 600 AND 700;
PREPARE TRANSACTION 'over the crash';
INSERT INTO unlogged VALUES (1);
});
counts_are($primary, 9408, 'before the crash');
$primary->stop('immediate');
$session->{run}->finish;
$primary->start;
counts_are($primary, 9408, 'after crash recovery');
is($primary->safe_psql('postgres', q{SELECT fetch_count('unlogged')}),
	0, 'unlogged table after crash recovery');
$primary->safe_psql('postgres', q{ROLLBACK PREPARED 'over the crash'});
$primary->safe_psql('postgres', 'VACUUM t');
counts_are($primary, 9408, 'vacuumed after crash recovery');

# Partitions on another server are counted there
SKIP:
{
	my $available = $primary->safe_psql('postgres',
		q{SELECT count(*) FROM pg_available_extensions WHERE name = 'postgres_fdw'}
	);
	skip 'postgres_fdw is not installed', 24 unless $available;

	my $host = $primary->host;
	my $port = $primary->port;
	$primary->safe_psql(
		'postgres', qq{
CREATE EXTENSION postgres_fdw;
CREATE SERVER shard FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '$host', port '$port', dbname 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER shard;
CREATE TABLE remote_1 (k integer, v integer);
CREATE TABLE remote_2 (k integer, v integer);
INSERT INTO remote_1 SELECT i, i FROM generate_series(0, 99) i;
INSERT INTO remote_2 SELECT i, i FROM generate_series(100, 149) i;
CREATE TABLE sharded (k integer, v integer) PARTITION BY RANGE (k);
CREATE FOREIGN TABLE shard_1 PARTITION OF sharded FOR VALUES FROM (0) TO (100)
    SERVER shard OPTIONS (table_name 'remote_1');
CREATE FOREIGN TABLE shard_2 (gone integer, v integer, k integer)
    SERVER shard OPTIONS (table_name 'remote_2');
ALTER FOREIGN TABLE shard_2 DROP COLUMN gone;
ALTER TABLE sharded ATTACH PARTITION shard_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE local_3 PARTITION OF sharded FOR VALUES FROM (200) TO (300);
INSERT INTO local_3 SELECT i, i FROM generate_series(200, 210) i;
CREATE TABLE mixed (k integer, v integer);
CREATE FOREIGN TABLE mixed_child () INHERITS (mixed)
    SERVER shard OPTIONS (table_name 'remote_2');
INSERT INTO mixed VALUES (1, 1);
ALTER SYSTEM SET log_statement = 'all';
SELECT pg_reload_conf();
});

	# Both ways of counting must agree, and as many remote counts be logged.
	my $sharded_is = sub {
		my ($condition, $expected, $remote_counts) = @_;
		my $position = -s $primary->logfile;
		is( $primary->safe_psql(
				'postgres',
				qq{SELECT fetch_count('sharded', \$\$$condition\$\$) || '=' || count(*)
				FROM sharded WHERE $condition}
			),
			"$expected=$expected",
			"partitions where $condition");
		my $log = slurp_file($primary->logfile, $position);
		my @remote =
		  $log =~ /CURSOR FOR\s+SELECT count\(\*\) FROM public\.remote_/g;
		is(scalar(@remote), $remote_counts, 'counted on their server');
	};
	my $position = -s $primary->logfile;
	is($primary->safe_psql('postgres', q{SELECT fetch_count('sharded')}),
		161, 'foreign and local partitions');
	my $log = slurp_file($primary->logfile, $position);
	my @remote = $log =~ /CURSOR FOR\s+SELECT count\(\*\) FROM public\.remote_/g;
	is(scalar(@remote), 2, 'foreign partitions are counted on their server');
	$sharded_is->('v % 2 = 0', 81, 2);
	$sharded_is->('sharded.k < 120', 120, 2);
	# pruned ones are not asked
	$sharded_is->('k >= 140', 21, 1);
	$sharded_is->('k >= 200', 11, 0);
	$sharded_is->('k < 0', 0, 0);
	# what its server cannot decide is decided here
	$sharded_is->(q{tableoid = 'shard_1'::regclass}, 100, 0);
	$sharded_is->('(sharded).k = 105 OR sharded IS NULL', 1, 0);
	$sharded_is->('k = (SELECT max(v) FROM remote_2)', 1, 0);
	is( $primary->safe_psql(
			'postgres',
			q{SELECT fetch_count('sharded', 'v % 2 = $1 AND k > $2', 0, '99')}),
		31,
		'arguments');
	is( $primary->safe_psql(
			'postgres',
			q{BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT fetch_count('sharded')}
		),
		161,
		'serializable');
	is( $primary->safe_psql(
			'postgres', q{
CREATE ROLE regress_reader;
GRANT SELECT ON sharded TO regress_reader;
CREATE USER MAPPING FOR regress_reader SERVER shard
    OPTIONS (user 'regress_reader', password_required 'false');
ALTER ROLE regress_reader LOGIN;
GRANT SELECT ON remote_1, remote_2 TO regress_reader;
SET ROLE regress_reader;
SELECT fetch_count('sharded') || '=' || count(*) FROM sharded}),
		'161=161',
		'privileges on the partitioned table are enough');
	is( $primary->safe_psql(
			'postgres',
			q{SELECT fetch_count('mixed') || '=' || count(*) FROM mixed}),
		'51=51',
		'foreign child of an ordinary table');
	is( $primary->safe_psql(
			'postgres',
			q{SELECT fetch_count('mixed', 'v < 110') || '=' || count(*) FROM mixed WHERE v < 110}
		),
		'11=11',
		'the same with a condition');
	is($primary->safe_psql('postgres', q{SELECT fetch_count('shard_2')}),
		50, 'foreign table');
}

done_testing();
