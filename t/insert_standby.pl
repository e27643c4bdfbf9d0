# What a standby does with insert_many, and what it and logical decoding see of
# the rows that the primary inserted, which are written many to a WAL record.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 'logical');
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION pgsync;
	CREATE TABLE t (id serial PRIMARY KEY, name text, at timestamptz DEFAULT now());
	CREATE SEQUENCE behind;
	CREATE TABLE parted (id int, name text) PARTITION BY HASH (id);
	CREATE TABLE parted0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parted1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
});
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

# the primary's rows, in both tables, arrive
my $rows = q{(SELECT jsonb_agg(jsonb_build_object('id', i, 'name', repeat('n', i % 3000))) FROM generate_series(1, 5000) i)};
$primary->safe_psql('postgres', qq{
	SELECT pg_create_logical_replication_slot('slot', 'test_decoding');
	SELECT insert_many('t', $rows), insert_many('parted', $rows);
	SELECT insert_many('t', '[{"id": 9001}, {"id": 1}]', 'ON CONFLICT DO NOTHING');});
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
my $sums = q{SELECT count(*), sum(id), sum(length(name)), count(at) FROM t;
	SELECT count(*), sum(id), sum(length(name)) FROM parted};
is($standby->safe_psql('postgres', $sums), $primary->safe_psql('postgres', $sums),
	'the standby has the rows');
like($primary->safe_psql('postgres', $sums), qr/^5001\|/, 'all of them');

# so does logical decoding: one change a row, one transaction a call
my $decoded = $primary->safe_psql('postgres', q{
	SELECT count(*) FILTER (WHERE data LIKE 'table public.t: INSERT:%'),
		count(*) FILTER (WHERE data LIKE 'table public.parted_: INSERT:%'),
		count(DISTINCT xid::text)
	FROM pg_logical_slot_get_changes('slot', NULL, NULL)});
is($decoded, '5001|5000|2', 'logical decoding has the rows');

# also of rows whose unique entries come in another order than they do, or
# that are new beside others
$decoded = $primary->safe_psql('postgres', q{
	CREATE TABLE two (id int PRIMARY KEY, other int UNIQUE, name text);
	SET pgsync.index_batches = auto;
	SELECT insert_many('two', (SELECT jsonb_agg(jsonb_build_object('id', 3000 - i, 'other', i)) FROM generate_series(1, 2000) i));
	SELECT insert_many('two', (SELECT jsonb_agg(jsonb_build_object('id', i, 'other', 4000 + i)) FROM generate_series(1, 1500) i), 'ON CONFLICT DO NOTHING');
	SELECT count(*), count(*) FILTER (WHERE data LIKE 'table public.two: INSERT:%') FROM pg_logical_slot_get_changes('slot', NULL, NULL)
		WHERE data LIKE 'table%';
	SELECT count(*) FROM two});
is($decoded, "2000\n999\n2999|2999\n2999", 'logical decoding has all rows, in any order');

# the standby itself refuses, with the server's own error, in every overload
foreach my $overload (qw(jsonb json text))
{
	my ($code, $stdout, $stderr) = $standby->psql('postgres',
		qq{\\set VERBOSITY verbose\nSELECT insert_many('t', '[{"name": "x"}]'::$overload)});
	isnt($code, 0, "insert_many($overload) fails on a standby");
	like($stderr, qr/ERROR:  25006: cannot execute INSERT in a read-only transaction/,
		'says that it is read-only');
}

# a row_source is made there, and read by what only reads, unless its query
# writes itself
my $file = PostgreSQL::Test::Utils::tempdir() . '/rows.csv';
append_to_file($file, "id,name\n9001,changed\n");
my %sources = (
	from_csv_file => "from_csv_file('$file')",
	from_query => q{from_query('SELECT id, ''changed'' AS name FROM t WHERE id = 9001')},
	from_json => q{from_json('{"id": 9001}', transforms => '{"name": "''changed''"}')});
foreach my $source (sort keys %sources)
{
	my ($code, $stdout, $stderr) = $standby->psql('postgres',
		"\\set VERBOSITY verbose\nSELECT insert_many('t', $sources{$source})");
	like($stderr, qr/ERROR:  25006: cannot execute INSERT in a read-only transaction/,
		"$source: the INSERT is refused");
	is($standby->safe_psql('postgres',
			"SELECT count(*) FILTER (WHERE action = 'update' AND new ->> 'name' = 'changed') FROM sync_diff('t', $sources{$source})"),
		'1', "$source: sync_diff reads it");
}
my ($code, $stdout, $stderr) = $standby->psql('postgres',
	q{SELECT sync_diff('t', from_query('DELETE FROM t RETURNING id'))});
like($stderr, qr/cannot execute DELETE in a read-only transaction/,
	'a query that writes is refused');

# documents and estimates are read there, and sequences left alone
foreach my $call (q{fetch_tables('{parted,t}')}, q{fetch_count_estimate('t') > 0},
	q{fetch_json('SELECT id FROM t ORDER BY id')})
{
	is($standby->safe_psql('postgres', "SELECT md5(($call)::text)"),
		$primary->safe_psql('postgres', "SELECT md5(($call)::text)"),
		"$call on the standby");
}
($code, $stdout, $stderr) = $standby->psql('postgres',
	q{\set VERBOSITY verbose
	SELECT set_seqs_max('{t}')});
like($stderr, qr/ERROR:  25006/, 'set_seqs_max says that it is read-only');

($code, $stdout, $stderr) = $standby->psql('postgres',
	q{SELECT insert_many('parted', '[]')});
like($stderr, qr/cannot execute INSERT in a read-only transaction/,
	'even with no rows');

# a sequence that would have to move is refused as setval refuses it
foreach my $forward (qw(false true))
{
	my ($code, $stdout, $stderr) = $standby->psql('postgres',
		qq{\\set VERBOSITY verbose\nSELECT set_seq_max('behind', 't', 'id', $forward)});
	like($stderr, qr/ERROR:  25006: cannot execute setval\(\) in a read-only transaction/,
		"set_seq_max with forward_only $forward says that it is read-only");
}

# after promotion it goes on where the primary was
$standby->promote;
is($standby->safe_psql('postgres', q{SELECT insert_many('t', '[{"id": 9002}, {"id": 9003}]')}),
	'2', 'it inserts after promotion');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM t'), '5003',
	'beside the replayed rows');

# committed rows survive a crash
$primary->safe_psql('postgres', q{SELECT insert_many('t', '{"id": 9004}')});
$primary->stop('immediate');
$primary->start;
is($primary->safe_psql('postgres', 'SELECT count(*), max(id) FROM t'),
	'5002|9004', 'committed rows survive a crash');

done_testing();
