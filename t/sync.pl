# sync_many and the log: where nothing differs, nothing is logged; what differs
# is decoded as that of the SQL would be.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', qq(
wal_level = logical
max_replication_slots = 4
autovacuum = off
checkpoint_timeout = 1h
bgwriter_lru_maxpages = 0
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pgsync;
	CREATE TABLE item (id serial PRIMARY KEY, code text UNIQUE, qty numeric,
		doc jsonb, long text, at timestamptz DEFAULT now(), made bigserial);
	CREATE INDEX ON item (qty);
	INSERT INTO item (code, qty, doc, long)
	SELECT 'c' || i, i / 7.0, jsonb_build_object('i', i),
		CASE WHEN i % 100 = 0 THEN (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 200) n) END
	FROM generate_series(1, 5000) i;
	CREATE TABLE feed AS SELECT jsonb_agg(to_jsonb(item) ORDER BY md5(id::text)) AS data FROM item;
));

# The records of the log from one place to another, but for the server's own
# bookkeeping.
sub records
{
	my ($from, $to) = @_;

	return '' if $from eq $to;
	my ($out, $err) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal',
		'-s', $from, '-e', $to ]);
	return join("\n", grep { !/RUNNING_XACTS|desc: SWITCH|^$/ } split(/\n/, $out));
}

# Runs some SQL in one session, and returns the log's records and the output.
sub logged
{
	my ($sql) = @_;
	my $from = $node->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');
	my $out = $node->safe_psql('postgres', $sql);
	my $to = $node->safe_psql('postgres',
		'SELECT pg_current_wal_insert_lsn() FROM pg_switch_wal()');

	return ($out, records($from, $to));
}

# The look of a sync may set hint bits and prune, as any SELECT's: that is
# done before.
$node->safe_psql('postgres', 'VACUUM ANALYZE; CHECKPOINT; SELECT sum(length(i::text)) FROM item i');

my $state = q(SELECT pg_relation_size('item'), xmin_max, s.last_value, m.last_value,
	(SELECT n_dead_tup + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'item')
	FROM item_id_seq s, item_made_seq m, (SELECT max(xmin::text::bigint) AS xmin_max FROM item) x);
my $before = $node->safe_psql('postgres', $state);

my ($out, $records) = logged('SELECT sum(length(i::text)) > 0 FROM item i');
is($records, '', 'a SELECT of the rows logs nothing');

foreach my $type ('jsonb', 'json', 'text')
{
	($out, $records) = logged(qq(
		BEGIN;
		SELECT s.* FROM feed, sync_many('item', data::$type) s;
		SELECT coalesce(pg_current_xact_id_if_assigned()::text, 'no xid');
		COMMIT;));
	is($out, "0|0|5000|0\nno xid", "unchanged rows as $type: counts, and no xid");
	is($records, '', "unchanged rows as $type: nothing is logged");
}
($out, $records) = logged(q(
	SELECT s.* FROM sync_many('item', (SELECT jsonb_agg(to_jsonb(i)) FROM item i WHERE id < 100),
		scope => '{"code": "c50"}') s WHERE false;
	SELECT s.* FROM sync_many('item', (SELECT jsonb_agg(to_jsonb(i) - 'code') FROM item i WHERE id = 50),
		scope => '{"code": "c50"}') s;));
is($out, '0|0|1|0', 'an unchanged slice');
is($records, '', 'an unchanged slice: nothing is logged');
($out, $records) = logged(q(SELECT count(*) FROM feed, sync_diff('item', data - 7 - 8)));
is($out, '2', 'a diff');
is($records, '', 'a diff: nothing is logged');
($out, $records) = logged(q(SELECT u.* FROM feed, update_many('item', data, skip_unchanged => true) u));
is($out, '0|5000|0', 'update_many of unchanged rows');
is($records, '', 'update_many of unchanged rows: nothing is logged');
is($node->safe_psql('postgres', $state), $before,
	'no row, page or number was used');
# the test can see what it looks for
($out, $records) = logged(q(SELECT s.* FROM feed, sync_many('item',
	data || '[{"id": 1, "qty": 0}]') s));
is($out, '0|1|4999|0', 'one row differs');
like($records, qr/rmgr: Heap/, 'one row differs: that is logged');

# Decoded, a sync is its three statements.
$node->safe_psql('postgres', q(
	CREATE TABLE ours (id int PRIMARY KEY, a text, b int);
	CREATE TABLE hand (LIKE ours INCLUDING ALL);
	ALTER TABLE ours REPLICA IDENTITY FULL;
	ALTER TABLE hand REPLICA IDENTITY FULL;
	INSERT INTO ours SELECT i, 'a' || i, i FROM generate_series(1, 20) i;
	INSERT INTO hand TABLE ours;
	SELECT pg_create_logical_replication_slot('decoded', 'test_decoding');));

sub decoded
{
	my ($sql) = @_;

	$node->safe_psql('postgres', $sql);
	my $changes = $node->safe_psql('postgres', q(
		SELECT data FROM pg_logical_slot_get_changes('decoded', NULL, NULL, 'include-xids', '0')));
	$changes =~ s/public\.(ours|hand)/public.t/g;
	return $changes;
}

my $ours = decoded(q(
	SELECT sync_many('ours', (SELECT jsonb_agg(jsonb_build_object('id', i, 'a', 'a' || i + i % 5 / 4, 'b', i))
		FROM generate_series(1, 25) i WHERE i % 6 > 0))));
my $hand = decoded(q(
	BEGIN;
	DELETE FROM hand WHERE id % 6 = 0;
	UPDATE hand SET a = 'a' || id + 1, b = id WHERE id % 5 = 4;
	INSERT INTO hand SELECT i, 'a' || i + i % 5 / 4, i FROM generate_series(21, 25) i WHERE i % 6 > 0;
	COMMIT;));
is($ours, $hand, 'a sync is decoded as DELETE, UPDATE, INSERT are');
like($ours, qr/DELETE.*UPDATE.*INSERT/s, 'all of them');
$ours = decoded(q(SELECT sync_many('ours', (SELECT jsonb_agg(to_jsonb(o)) FROM ours o))));
is($ours, '', 'an unchanged sync is not decoded at all');
$ours = decoded(q(SELECT update_many('ours', '[{"id": 3, "b": 0}, {"id": 1, "a": "x"}]')));
$hand = decoded(q(BEGIN; UPDATE hand SET b = 0 WHERE id = 3; UPDATE hand SET a = 'x' WHERE id = 1; COMMIT;));
is($ours, $hand, 'update_many is decoded as one UPDATE for each set of columns');
$ours = decoded(q(SELECT update_many('ours', '[{"id": 5, "b": 0}, {"id": 4, "b": 0}]')));
$hand = decoded(q(UPDATE hand SET b = 0 WHERE id IN (4, 5)));
is($ours, $hand, 'update_many is decoded as UPDATE is');
$ours = decoded(q(SELECT delete_many('ours', '[3, 1, 2]')));
$hand = decoded(q(DELETE FROM hand WHERE id < 4));
is($ours, $hand, 'delete_many is decoded as DELETE is');

# A few rows of a large table are found by its indexes; many are joined with
# it in the order of their keys, which the planner knows.
$node->safe_psql('postgres', q(
	CREATE TABLE big (id int PRIMARY KEY, tenant int, note text);
	CREATE INDEX ON big (tenant);
	INSERT INTO big SELECT i, i % 200, 'note ' || i FROM generate_series(1, 200000) i;
	CREATE TABLE words (word text PRIMARY KEY, n int);
	INSERT INTO words SELECT md5(i::text), i FROM generate_series(1, 20000) i;
	ANALYZE;));
$node->safe_psql('postgres', 'VACUUM');

# Runs some SQL in a session of its own; returns its output, how often it has
# scanned "big" as a whole, and the plans of all that it ran.
sub planned
{
	my ($sql) = @_;
	my $scans = q(SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'big');
	my $before = $node->safe_psql('postgres', $scans);
	my $offset = -s $node->logfile;
	my $out = $node->safe_psql('postgres', qq(
		LOAD 'auto_explain';
		SET auto_explain.log_min_duration = 0;
		SET auto_explain.log_nested_statements = on;
		$sql;
		SELECT pg_stat_force_next_flush()));
	$out =~ s/\n$//;
	my $after = $node->safe_psql('postgres', $scans);

	return ($out, $after - $before, slurp_file($node->logfile, $offset));
}

my $some = q((SELECT jsonb_agg(jsonb_build_object('id', i, 'note', 'new')) FROM generate_series(100, 199999, 200) i));
my ($count, $scans, $plans) = planned("SELECT u.* FROM update_many('big', $some) u");
is($count, '1000|0|0', 'update_many of 1,000 rows of 200,000');
is($scans, 0, '... does not scan the table');
like($plans, qr/Update on \S*big.*Index Scan using big_pkey on \S*big/s, '... looks into the index');

($count, $scans, $plans) = planned("SELECT u.* FROM update_many('big', $some, skip_unchanged => true) u");
is($count, '0|1000|0', 'update_many of rows that are equal');
is($scans, 0, '... does not scan the table');

my $slice = q((SELECT jsonb_agg(jsonb_build_object('id', i, 'note', 'slice')) FROM generate_series(17, 199999, 200) i));
($count, $scans, $plans) = planned("SELECT s.* FROM sync_many('big', $slice, scope => '{\"tenant\": 17}') s");
is($count, '0|1000|0|0', 'sync_many of a slice of 1,000 rows, all of them different');
is($scans, 0, '... does not scan the table');
($count, $scans, $plans) = planned("SELECT s.* FROM sync_many('big', $slice - 0 - 0 || '[{\"id\": 300000}, {\"id\": 300001}]', scope => '{\"tenant\": 17}') s");
is($count, '2|0|998|2', 'sync_many of a slice, some rows gone and new');
is($scans, 0, '... does not scan the table');
like($plans, qr/Delete on \S*big.*Insert on \S*big/s, '... deletes and inserts');
($count, $scans, $plans) = planned("SELECT count(*) FROM sync_diff('big', $slice - 0, scope => '{\"tenant\": 17}')");
is($count, 3, 'sync_diff of a slice');
is($scans, 0, '... does not scan the table');

my $keys = q((SELECT jsonb_agg(i) FROM generate_series(100, 199999, 200) i));
($count, $scans, $plans) = planned("SELECT delete_many('big', $keys)");
is($count, '1000', 'delete_many of 1,000 rows of 200,000');
is($scans, 0, '... does not scan the table');
like($plans, qr/Delete on \S*big.*Index Scan using big_pkey on \S*big/s, '... looks into the index');

my $half = q((SELECT jsonb_agg(jsonb_build_object('id', i, 'note', 'half') ORDER BY md5(i::text)) FROM generate_series(1, 200000, 2) i));
($count, $scans, $plans) = planned("SELECT u.* FROM update_many('big', $half) u");
is($count, '99998|0|2', 'update_many of half of the rows, two of them gone');
is($scans, 0, '... goes along the index, does not scan the table');
# where rows are not updated as they are found, it is a join
my $by_plan = 'SET pgsync.sink = statement;';
($count, $scans, $plans) = planned("$by_plan SELECT u.* FROM update_many('big', $half) u");
is($count, '99998|0|2', 'the same by the statement');
my ($plan) = $plans =~ /(Update on \S*big.*?)(?:LOG: |\z)/s;
like($plan, qr/Merge Join/, '... merges them with the index');
unlike($plan, qr/Sort/, '... and sorts nothing');

# a plan that sorts, does so by number, also where keys are texts
my $all = q((SELECT jsonb_agg(jsonb_build_object('word', word, 'n', n + 1)) FROM words));
($count, $scans, $plans) = planned("$by_plan SET enable_mergejoin = off; SET enable_nestloop = off;
	SELECT u.* FROM update_many('words', $all) u");
is($count, '20000|0|0', 'update_many of all rows, hashed');
like($plans, qr/Update on \S*words.*Sort Key: r\.number.*Hash Join/s, '... sorts them by number');
is($node->safe_psql('postgres', q(SELECT count(*) FROM words WHERE word = md5((n - 1)::text))),
	20000, '... each row got its value');

$node->stop;
done_testing();
