# clean_tables across a crash, on a standby, under logical decoding, and with
# foreign tables.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub fill
{
	my ($node) = @_;
	$node->safe_psql('postgres',
		q{INSERT INTO a(doc) SELECT repeat('x', 5000) FROM generate_series(1, 5);
		  INSERT INTO b(a) SELECT max(id) FROM a;});
}

sub state
{
	my ($node, $database) = @_;
	return $node->safe_psql($database || 'postgres',
		q{SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b),
		         (SELECT last_value + is_called::int FROM a_id_seq)});
}

# The rows alone: a sequence runs ahead in the WAL.
sub rows
{
	my ($node) = @_;
	return $node->safe_psql('postgres',
		'SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)');
}

sub create_tables
{
	my ($node, $database) = @_;
	$node->safe_psql($database || 'postgres', q{
		CREATE TABLE a (id serial PRIMARY KEY, doc text);
		ALTER TABLE a ALTER doc SET STORAGE EXTERNAL;
		CREATE TABLE b (id serial PRIMARY KEY, a int REFERENCES a);});
}

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pgsync; CREATE EXTENSION amcheck');
create_tables($node);

# the standby sees what the primary has emptied
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
fill($node);
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(rows($standby), '5|1', 'rows are on the standby');
is($node->safe_psql('postgres', q{SELECT clean_tables('{a}')}),
	'{public.a,public.b}', 'cleaned in place');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(state($standby), '0|0|1', 'empty on the standby');
is($standby->safe_psql('postgres', q{SET enable_seqscan = off;
	SELECT count(*) FROM a WHERE id = 1}), '0', 'also through the index');
my ($status, $out, $err) =
  $standby->psql('postgres', q{SELECT clean_tables('{a}')});
isnt($status, 0, 'no cleaning on a standby');
like($err, qr/cannot execute clean_tables\(\) in a read-only transaction/,
	'... and the error says why');
is($standby->safe_psql('postgres', q{SELECT clean_tables('{}')}),
	'{}', 'an empty list does nothing there');
$standby->stop;

# a crash after commit, and one in the middle
fill($node);
$node->safe_psql('postgres', 'CHECKPOINT');
$node->safe_psql('postgres', q{SELECT clean_tables('{a}')});
$node->stop('immediate');
$node->start;
is(state($node), '0|0|1', 'a committed cleaning survives a crash');

fill($node);
$node->safe_psql('postgres', 'CHECKPOINT');
my $session = $node->background_psql('postgres');
$session->query_safe(q{BEGIN; SELECT clean_tables('{a}')});
$node->safe_psql('postgres', 'SELECT pg_switch_wal()');
$node->stop('immediate');
$session->{run}->finish;
$node->start;
is(rows($node), '5|1', 'an uncommitted one is undone by a crash');
is($node->safe_psql('postgres', q{
	SELECT (SELECT count(*) FROM verify_heapam('a')),
		bt_index_parent_check('a_pkey', true, true),
		bt_index_parent_check('b_pkey', true, true)}),
	'0||', 'heap and indexes are sound after both');
is($node->safe_psql('postgres', q{SELECT clean_tables('{a}')}),
	'{public.a,public.b}', 'and the tables can be cleaned again');

# logical decoding: without a publication, deletions with their keys; a table
# whose rows have no identity is truncated
$node->safe_psql('postgres', q{CREATE TABLE no_key (v int)});
$node->safe_psql('postgres',
	q{SELECT pg_create_logical_replication_slot('s', 'test_decoding')});
$node->safe_psql('postgres', q{INSERT INTO b(a) VALUES (NULL), (NULL);
	INSERT INTO no_key VALUES (1)});
$node->safe_psql('postgres',
	q{SELECT pg_logical_slot_get_changes('s', NULL, NULL)});
$node->safe_psql('postgres', q{SELECT clean_tables('{b, no_key}')});
is( $node->safe_psql('postgres', q{
	SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL,
		'include-xids', '0')}),
	join("\n",
		'BEGIN',
		'table public.no_key: TRUNCATE: restart_seqs cascade',
		'table public.b: DELETE: id[integer]:1',
		'table public.b: DELETE: id[integer]:2',
		'COMMIT'),
	'what a decoder sees');
$node->safe_psql('postgres', q{SELECT pg_drop_replication_slot('s')});

# a subscriber gets TRUNCATE, also for a table that was empty here
$node->safe_psql('postgres', 'CREATE DATABASE subscriber');
create_tables($node, 'subscriber');
$node->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE a, b');
$node->safe_psql('postgres', q{
	SELECT pg_create_logical_replication_slot('sub', 'pgoutput')});
my $connstr = $node->connstr . ' dbname=postgres';
$node->safe_psql('subscriber', qq{
	CREATE SUBSCRIPTION sub CONNECTION '$connstr' PUBLICATION p
	WITH (create_slot = false, copy_data = false)});
fill($node);
$node->wait_for_catchup('sub');
$node->safe_psql('subscriber', q{INSERT INTO b(id, a) VALUES (100, NULL);
	SELECT setval('a_id_seq', 70)});
is(state($node, 'subscriber'), '5|2|71', 'rows are at the subscriber');
$node->safe_psql('postgres', q{SELECT clean_tables('{a}')});
$node->wait_for_catchup('sub');
is(state($node, 'subscriber'), '0|0|1', 'all of them are truncated there');
$node->safe_psql('subscriber', q{INSERT INTO b(id) VALUES (1)});
is($node->safe_psql('postgres', q{SELECT clean_tables('{a, b}')}),
	'{}', 'nothing to clean here');
$node->wait_for_catchup('sub');
is(state($node, 'subscriber'), '0|0|1', 'and yet the subscriber is told');
$node->safe_psql('subscriber', 'DROP SUBSCRIPTION sub');
$node->safe_psql('postgres', 'DROP PUBLICATION p');

# a foreign table that can be truncated goes to its wrapper
my ($host, $port) = ($node->host, $node->port);
$node->safe_psql('postgres', qq{
	CREATE EXTENSION postgres_fdw;
	CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw
		OPTIONS (host '$host', port '$port', dbname 'subscriber');
	CREATE USER MAPPING FOR CURRENT_USER SERVER far;
	CREATE FOREIGN TABLE far_b (id int, a int) SERVER far
		OPTIONS (table_name 'b');});
$node->safe_psql('subscriber', q{INSERT INTO b(id) VALUES (1), (2)});
is($node->safe_psql('postgres', q{SELECT clean_tables('{far_b}')}),
	'{public.far_b}', 'a foreign table is cleaned');
is(state($node, 'subscriber'), '0|0|1', 'where its rows are');

$node->stop;

# wal_level = minimal: no WAL for a table created in the same transaction; and
# a table without a key is cleaned in place, as nobody decodes
my $minimal = PostgreSQL::Test::Cluster->new('minimal');
$minimal->init;
$minimal->append_conf('postgresql.conf',
	"wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\n");
$minimal->start;
$minimal->safe_psql('postgres', q{
	CREATE EXTENSION pgsync;
	CREATE EXTENSION amcheck;
	CREATE TABLE no_key (v int);
	INSERT INTO no_key VALUES (1);});
my $file = q{SELECT pg_relation_filenode('no_key')};
my $before = $minimal->safe_psql('postgres', $file);
is($minimal->safe_psql('postgres', q{SELECT clean_tables('{no_key}')}),
	'{public.no_key}', 'a table without a key is cleaned');
is($minimal->safe_psql('postgres', $file), $before, '... in place');
$minimal->safe_psql('postgres', q{
	BEGIN;
	CREATE TABLE fresh (id serial PRIMARY KEY, doc text);
	INSERT INTO fresh(doc) SELECT 'gone' FROM generate_series(1, 100);
	SELECT clean_tables('{fresh}');
	INSERT INTO fresh(doc) VALUES ('kept');
	COMMIT;});
$minimal->stop('immediate');
$minimal->start;
is($minimal->safe_psql('postgres', 'SELECT * FROM fresh'), '1|kept',
	'a fresh table survives a crash');
is($minimal->safe_psql('postgres', q{
	SELECT (SELECT count(*) FROM verify_heapam('fresh')),
		bt_index_parent_check('fresh_pkey', true, true)}),
	'0|', '... heap and index');

done_testing();
