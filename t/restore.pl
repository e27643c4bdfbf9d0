# save_tables and restore_tables across crashes, on a standby, under logical
# decoding, with a subscriber, without WAL, with checksums, in a copy of the
# database and in a restored dump.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $create = q{
	CREATE TABLE a (id serial PRIMARY KEY, doc text);
	ALTER TABLE a ALTER doc SET STORAGE EXTERNAL;
	CREATE TABLE b (id serial PRIMARY KEY, a int REFERENCES a, n int);
	CREATE INDEX ON b (n);
	CREATE UNLOGGED TABLE u (id int PRIMARY KEY, t text);
	INSERT INTO a (doc) SELECT repeat(i::text, 4000) FROM generate_series(1, 9) i;
	INSERT INTO b (a, n) SELECT i % 9 + 1, i FROM generate_series(1, 300) i;
	INSERT INTO u SELECT i, i FROM generate_series(1, 50) i;};
my $change = q{
	UPDATE a SET doc = doc || 'x' WHERE id = 3;
	DELETE FROM b WHERE n % 10 = 0;
	INSERT INTO a (doc) VALUES ('new');
	UPDATE u SET t = 'x' WHERE id < 4;};
my $restore = q{SELECT restore_tables('saved')};

# Whether each table holds what its copy holds, and where a sequence stands.
my $look = q{SELECT
	(SELECT count(*) FROM (TABLE a EXCEPT TABLE saved.a) x)
		+ (SELECT count(*) FROM (TABLE saved.a EXCEPT TABLE a) x),
	(SELECT count(*) FROM (TABLE b EXCEPT TABLE saved.b) x)
		+ (SELECT count(*) FROM (TABLE saved.b EXCEPT TABLE b) x)};
my $look_u = q{SELECT
	(SELECT count(*) FROM (TABLE u EXCEPT TABLE saved.u) x)
		+ (SELECT count(*) FROM (TABLE saved.u EXCEPT TABLE u) x),
	(SELECT last_value FROM a_id_seq)};
my $sound = q{SELECT (SELECT count(*) FROM verify_heapam('a')) + (SELECT count(*) FROM verify_heapam('b')),
	bt_index_parent_check('a_pkey', true, true), bt_index_parent_check('b_pkey', true, true),
	bt_index_parent_check('b_n_idx', true, true), bt_index_check('u_pkey', true)};

sub crash
{
	my ($node) = @_;
	$node->stop('immediate');
	$node->start;
}

sub run
{
	my ($node, $query, $database) = @_;
	return $node->safe_psql($database || 'postgres', $query);
}

sub set_up
{
	my ($node) = @_;
	$node->start;
	run($node, "CREATE EXTENSION pgsync; CREATE EXTENSION amcheck; $create");
	run($node, q{SELECT save_tables('{a, b, u}', 'saved')});
	# a sequence runs ahead in the WAL
	run($node, 'CHECKPOINT');
}

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf',
	"autovacuum = off\nmax_prepared_transactions = 2");
set_up($node);

# crashes: what was committed stays, what was not is undone; in no case does a
# changed table pass for an unchanged one
crash($node);
is(run($node, $restore), '{public.u}', 'a crash empties the unlogged table only');
is(run($node, $look) . '|' . run($node, $look_u), '0|0|0|9', '... which is put back');
run($node, "CHECKPOINT; $change");
crash($node);
is(run($node, $restore), '{public.a,public.b,public.u}', 'changes before a crash are noticed');
is(run($node, $look) . '|' . run($node, $look_u), '0|0|0|9', '... and put back');
run($node, "CHECKPOINT; $change");
run($node, $restore);
crash($node);
is(run($node, $look), '0|0', 'what was put back survives a crash');
is(run($node, $restore), '{public.u}', '... and is known as unchanged');
for my $level ('in place', 'by a new file')
{
	my $more = $level eq 'in place' ? $change :
	  'TRUNCATE b; INSERT INTO b (a, n) SELECT 1, i FROM generate_series(1, 3000) i';
	run($node, "CHECKPOINT; $more");
	my $before = run($node, $look);
	my $session = $node->background_psql('postgres');
	$session->query_safe("BEGIN; $restore");
	run($node, 'SELECT pg_switch_wal()');
	$node->stop('immediate');
	$session->{run}->finish;
	$node->start;
	is(run($node, $look), $before, "$level: uncommitted restoring is undone by a crash");
	like(run($node, $restore), qr/public.b/, "$level: ... and done when asked again");
	is(run($node, $look), '0|0', "$level: ... well");
}
# changes that are lost in a crash, after which their place in WAL is used
# again by others
run($node, 'CHECKPOINT');
run($node, "SET synchronous_commit = off; UPDATE b SET n = n + 1 WHERE id = 1;");
crash($node);
run($node, 'UPDATE b SET n = n + 2 WHERE id = 2');
like(run($node, $restore), qr/public.b/, 'changes after a crash are noticed');
is(run($node, $look), '0|0', '... and put back');
# prepared transactions hold their locks
run($node, q{BEGIN; DELETE FROM b WHERE id = 5; PREPARE TRANSACTION 'p'});
my ($status, $out, $err) = $node->psql('postgres', "SET lock_timeout = '100ms'; $restore");
like($err, qr/lock timeout/, 'a prepared transaction is waited for');
crash($node);
run($node, q{COMMIT PREPARED 'p'});
like(run($node, $restore), qr/public.b/, 'its changes are noticed');
run($node, "BEGIN; DELETE FROM b WHERE id = 5; $restore; PREPARE TRANSACTION 'p'");
crash($node);
run($node, q{ROLLBACK PREPARED 'p'});
is(run($node, $look), '0|0', 'a prepared restoring can be rolled back');
run($node, $restore);
is(run($node, $sound), '0||||', 'heaps and indexes are sound after all that');

# a standby gets it all, and refuses to restore by itself
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
run($node, $change);
run($node, $restore);
run($node, 'TRUNCATE b; INSERT INTO b (a, n) SELECT 1, i FROM generate_series(1, 3000) i');
run($node, $restore);
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(run($standby, $look), '0|0', 'the standby has the saved rows');
is(run($standby, 'SET enable_seqscan = off; SELECT count(*) FROM b WHERE n = 10'),
	'1', '... also by the index');
($status, $out, $err) = $standby->psql('postgres', $restore);
like($err, qr/cannot execute restore_tables\(\) in a read-only transaction/,
	'no restoring on a standby');
($status, $out, $err) = $standby->psql('postgres', q{SELECT save_tables('{a}', 's')});
like($err, qr/cannot execute save_tables\(\) in a read-only transaction/,
	'no saving on a standby');
run($node, $change);
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
$standby->promote;
is(run($standby, $restore), '{public.a,public.b,public.u}', 'after promotion changes are noticed');
is(run($standby, $look) . '|' . run($standby, $look_u), '0|0|0|9', '... and put back');
is(run($standby, $restore), '{}', '... and known');
is(run($standby, $sound), '0||||', 'heaps and indexes are sound there');
$standby->stop;
run($node, $restore);

# logical decoding: rows with their keys, or TRUNCATE; nothing of the set
run($node, 'CREATE TABLE no_key (v int); INSERT INTO no_key VALUES (1), (2)');
run($node, q{SELECT save_tables('{a, b, u, no_key}', 'saved')});
run($node, q{SELECT pg_create_logical_replication_slot('s', 'test_decoding')});
run($node, q{UPDATE b SET n = -1 WHERE id = 7; DELETE FROM no_key WHERE v = 2; DELETE FROM b WHERE id = 8});
run($node, q{SELECT pg_logical_slot_get_changes('s', NULL, NULL)});
my $changes = q{SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL, 'include-xids', '0')
	WHERE data NOT LIKE 'table saved.pgsync_saved_tables: UPDATE%'};
run($node, $restore);
is(run($node, $changes), join("\n", 'BEGIN',
		'table public.b: DELETE: id[integer]:7',
		'table public.b: INSERT: id[integer]:7 a[integer]:8 n[integer]:7',
		'table public.b: INSERT: id[integer]:8 a[integer]:9 n[integer]:8',
		'table public.no_key: INSERT: v[integer]:2',
		'COMMIT'),
	'what a decoder sees: rows deleted and inserted');
run($node, 'INSERT INTO no_key VALUES (3)');
run($node, $changes);
run($node, $restore);
like(run($node, $changes), qr/^BEGIN\ntable public.no_key: TRUNCATE: \(no-flags\)\ntable public.no_key: INSERT: v\[integer\]:1\ntable public.no_key: INSERT: v\[integer\]:2\n/,
	'rows without an identity: a TRUNCATE, and all rows');
run($node, q{SELECT save_tables('{a, b, u, no_key}', 'saved')});
unlike(run($node, $changes), qr/INSERT|UPDATE/, 'what is saved is not decoded');
run($node, q{SELECT pg_drop_replication_slot('s')});

# a subscriber keeps up, whatever is published and referenced, and without
# knowing the set
run($node, 'DROP SCHEMA saved CASCADE');
run($node, 'CREATE DATABASE subscriber');
run($node, $create, 'subscriber');
run($node, 'CREATE TABLE no_key (v int)', 'subscriber');
run($node, 'CREATE PUBLICATION p FOR ALL TABLES');
run($node, q{SELECT pg_create_logical_replication_slot('sub', 'pgoutput')});
my $connstr = $node->connstr . ' dbname=postgres';
run($node, qq{CREATE SUBSCRIPTION sub CONNECTION '$connstr' PUBLICATION p
	WITH (create_slot = false, copy_data = false)}, 'subscriber');
run($node, q{SELECT save_tables('{a, b, u}', 'saved')});
my $rows = q{SELECT (SELECT md5(string_agg(x::text, ',' ORDER BY id)) FROM a x),
	(SELECT md5(string_agg(x::text, ',' ORDER BY id)) FROM b x)};
my $seeded = run($node, $rows);
is(run($node, $rows, 'subscriber'), $seeded, 'the subscriber starts with the same rows');
run($node, $change);
$node->wait_for_catchup('sub');
isnt(run($node, $rows, 'subscriber'), $seeded, 'changes arrive');
run($node, $restore);
$node->wait_for_catchup('sub');
is(run($node, $rows, 'subscriber'), $seeded, 'and are put back there');
run($node, 'DELETE FROM b; DELETE FROM a WHERE id < 5; UPDATE a SET doc = md5(doc)');
run($node, $restore);
$node->wait_for_catchup('sub');
is(run($node, $rows, 'subscriber'), $seeded, 'more than a few of them, too');
# too many to compare: all rows are replaced, one by one
run($node, q{UPDATE b SET n = n + 1000; INSERT INTO b (a, n) SELECT 1, i FROM generate_series(1, 3000) i});
my $file = run($node, q{SELECT pg_relation_filenode('b')});
run($node, "SET work_mem = 64; $restore");
$node->wait_for_catchup('sub');
is(run($node, $rows, 'subscriber'), $seeded, 'all of them');
is(run($node, $rows), $seeded, '... as here');
is(run($node, q{SELECT pg_relation_filenode('b')}), $file, '... in the same file');
# saving again does not disturb it
run($node, q{SELECT save_tables('{a, b, u}', 'saved')});
run($node, $change);
run($node, $restore);
$node->wait_for_catchup('sub');
is(run($node, $rows, 'subscriber'), $seeded, 'saving again does not disturb it');
run($node, 'DROP SUBSCRIPTION sub', 'subscriber');
run($node, 'DROP PUBLICATION p');

# a copy of the database: all is compared once
run($node, $change);
run($node, 'CREATE DATABASE by_wal TEMPLATE postgres STRATEGY wal_log');
run($node, 'CREATE DATABASE by_file TEMPLATE postgres STRATEGY file_copy');
for my $database ('by_wal', 'by_file')
{
	is(run($node, $restore, $database), '{public.a,public.b,public.u}',
		"$database: changes are noticed in a copy of the database");
	is(run($node, $look, $database), '0|0', "$database: ... and put back");
	is(run($node, $restore, $database), '{}', "$database: ... and known");
}
# a dump, in which nothing has the file it had
run($node, $restore);
my $dump = $node->data_dir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'the database can be dumped');
run($node, 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ],
	'and the dump be restored');
run($node, $change, 'restored');
is(run($node, $restore, 'restored'), '{public.a,public.b,public.u}', 'a restored set is a set');
is(run($node, $look, 'restored') . '|' . run($node, $look_u, 'restored'), '0|0|0|9',
	'... with the same rows and positions');
is(run($node, $restore, 'restored'), '{}', '... and looks anew');
$node->stop;

# wal_level = minimal: what is written without WAL is no evidence
my $minimal = PostgreSQL::Test::Cluster->new('minimal');
$minimal->init;
$minimal->append_conf('postgresql.conf',
	"wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\n");
set_up($minimal);
is(run($minimal, $restore), '{}', 'minimal: nothing has changed');
is(run($minimal, "BEGIN; TRUNCATE b; INSERT INTO b (a, n) SELECT 1, i FROM generate_series(1, 3000) i;
		$restore; UPDATE b SET n = 0 WHERE id = 1; $restore; $restore; COMMIT"),
	"{public.b}\n{public.b}\n{}", 'minimal: changes without WAL are noticed');
is(run($minimal, $look), '0|0', 'minimal: ... and put back');
is(run($minimal, q{BEGIN; CREATE TABLE fresh (v int); INSERT INTO fresh VALUES (1);
		SELECT save_tables('{fresh}', 'freshly'); UPDATE fresh SET v = 2;
		SELECT restore_tables('freshly'); SELECT v FROM fresh; COMMIT}),
	"{public.fresh}\n{public.fresh}\n1", 'minimal: also where all is new');
is(run($minimal, q{SELECT restore_tables('freshly'); UPDATE fresh SET v = 3;
		SELECT restore_tables('freshly'); SELECT restore_tables('freshly'); SELECT v FROM fresh}),
	"{}\n{public.fresh}\n{}\n1", 'minimal: ... and later');
crash($minimal);
is(run($minimal, $look), '0|0', 'minimal: it survives a crash');
is(run($minimal, $restore), '{public.u}', 'minimal: ... and is right');
is(run($minimal, $sound), '0||||', 'minimal: ... heaps and indexes, too');
$minimal->stop;

# checksums: hint bits are logged, and may look like changes
my $summed = PostgreSQL::Test::Cluster->new('summed');
$summed->init(extra => ['--data-checksums']);
$summed->append_conf('postgresql.conf', 'autovacuum = off');
set_up($summed);
for my $round (1 .. 3)
{
	run($summed, "CHECKPOINT; $change");
	is(run($summed, $restore), '{public.a,public.b,public.u}', "checksums, round $round: changes are noticed");
	run($summed, 'CHECKPOINT; SELECT count(*) FROM a; SELECT count(*) FROM b; VACUUM a, b');
	is(run($summed, $restore), '{}', "checksums, round $round: hint bits are none");
	is(run($summed, $look) . '|' . run($summed, $look_u), '0|0|0|9', "checksums, round $round: all is put back");
}
$summed->stop;

done_testing();
