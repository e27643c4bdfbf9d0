# A long insert_many: its progress shows, it can be cancelled, and it needs
# little memory beyond its input.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nmax_wal_size = 4GB\njit = off\nmax_prepared_transactions = 2");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pgsync;
	CREATE TABLE t (id int, name text, at timestamptz DEFAULT now(), j jsonb);
	CREATE TABLE keyed (id int PRIMARY KEY, name text);
	CREATE TABLE watched (id int PRIMARY KEY, name text, j jsonb);
	CREATE TABLE parted (id int, name text, j jsonb) PARTITION BY HASH (id);
	SELECT format('CREATE TABLE parted%s PARTITION OF parted FOR VALUES WITH (MODULUS 50, REMAINDER %1$s)', i)
		FROM generate_series(0, 49) i \gexec
	CREATE TABLE triggered (id int, name text, j jsonb);
	CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER pass BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION pass();
	CREATE TABLE ruled (id int, name text, j jsonb);
	CREATE TABLE ruled_too (id int);
	CREATE RULE too AS ON INSERT TO ruled DO ALSO INSERT INTO ruled_too VALUES (NEW.id);
	CREATE VIEW viewed AS SELECT * FROM t;
	CREATE TABLE many_parts (id int, name text, j jsonb) PARTITION BY HASH (id);
	SELECT format('CREATE TABLE many_parts%s PARTITION OF many_parts FOR VALUES WITH (MODULUS 1000, REMAINDER %1$s)', i)
		FROM generate_series(0, 999) i \gexec
	CREATE FUNCTION expanded() RETURNS int[] STABLE LANGUAGE plpgsql AS $$
		DECLARE a int[] := array_fill(1, ARRAY[100000]); BEGIN a[1] := 2; RETURN a; END $$;
	CREATE TABLE arrays (id int, a int[] DEFAULT expanded());
	CREATE TABLE bulky (id int, filler text DEFAULT repeat('filler ', 20000),
		more text GENERATED ALWAYS AS (repeat(id::text || ' ', 20000)) STORED);
	-- about 100 MB
	CREATE TABLE input (kind text, x text);
	ALTER TABLE input ALTER x SET STORAGE EXTERNAL;
	INSERT INTO input SELECT 'big', string_agg(format(
			'{"id": %s, "name": "%s", "j": {"k": [1, 2, {"deep": "%s"}]}}', i, repeat(md5(i::text), 3), md5(i::text)), E'\n')
		FROM generate_series(1, 600000) i;
	INSERT INTO input SELECT 'array', '[' || replace(x, E'\n', ',') || ']' FROM input;
});

# Runs in the background; its errors go to $$errors.
sub start_session
{
	my ($sql, $out, $errors) = @_;
	$$out = $$errors = '';
	return IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ],
		'>', $out, '2>', $errors);
}

# Progress, seen from another session, then a cancel.  The load is held twice
# by keys that prepared transactions have inserted, so that it cannot be over
# before it is looked at.
$node->safe_psql('postgres', qq{
	BEGIN; INSERT INTO watched VALUES ($_); PREPARE TRANSACTION 'at $_'}) foreach 200000, 400000;
my ($out, $errors);
my $run = start_session(
	q{SELECT insert_many('watched', x) FROM input WHERE kind = 'array'}, \$out, \$errors);
ok($node->poll_query_until('postgres', q{
	SELECT EXISTS (SELECT FROM pg_stat_progress_copy JOIN pg_stat_activity USING (pid)
		WHERE wait_event = 'transactionid')}),
	'a load waits for a key');
my $first = $node->safe_psql('postgres', q{
	SELECT relid::regclass, command, type, bytes_total, bytes_processed BETWEEN 1 AND bytes_total,
		tuples_processed, datname FROM pg_stat_progress_copy});
my $total = $node->safe_psql('postgres', q{SELECT length(x) FROM input WHERE kind = 'array'});
like($first, qr/^watched\|COPY FROM\|CALLBACK\|$total\|t\|\d+\|postgres$/,
	'its progress shows, with table, direction and size');
my ($seen) = $first =~ /\|(\d+)\|postgres$/;
cmp_ok($seen, '>', 150000, 'and about how many rows it has read');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'at 200000'});
ok($node->poll_query_until('postgres',
	"SELECT EXISTS (SELECT FROM pg_stat_progress_copy WHERE tuples_processed > $seen)"),
	'and it moves');
is($node->safe_psql('postgres', q{
	SELECT pg_cancel_backend(pid) FROM pg_stat_progress_copy}), 't', 'it is cancelled');
$run->finish;
like($errors, qr/canceling statement due to user request\nCONTEXT:.*rows? \d+/s,
	'with the usual error, and how far it came');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'at 400000'});
is($node->safe_psql('postgres',
	'SELECT (SELECT count(*) FROM watched), (SELECT count(*) FROM pg_stat_progress_copy)'),
	'0|0', 'nothing is inserted, no progress is left');

# a timeout works as well, also when rows wait for a lock of another session
(undef, $out, $errors) = $node->psql('postgres',
	q{SET statement_timeout = '200ms'; SELECT insert_many('t', x) FROM input WHERE kind = 'big'});
like($errors, qr/canceling statement due to statement timeout/, 'a timeout works');
my $holder = start_session(
	q{BEGIN; INSERT INTO keyed VALUES (2); SELECT pg_sleep(60)}, \my $ignored, \my $ignored_too);
ok($node->poll_query_until('postgres', q{
	SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'}), 'another session holds a key');
(undef, $out, $errors) = $node->psql('postgres',
	q{SET lock_timeout = '200ms'; SELECT insert_many('keyed', '[{"id": 1}, {"id": 2}, {"id": 3}]')});
like($errors, qr/canceling statement due to lock timeout\nCONTEXT:.*row 2/s, 'a wait for a key names its row');
$node->safe_psql('postgres', q{
	SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
$holder->finish;

# memory: the most that a backend ever held, beyond the input itself
SKIP:
{
	skip 'needs /proc', 10 if !-r "/proc/$$/status";

	my $peak = sub {
		my ($sql) = @_;
		my $printed = $node->safe_psql('postgres', qq{
			$sql;
			SELECT pg_read_file('/proc/' || pg_backend_pid() || '/status')});
		$printed =~ /^VmHWM:\s+(\d+) kB/m or die "no VmHWM in $printed";
		my ($most) = $1;
		$printed =~ /^RssShmem:\s+(\d+) kB/m;
		return ($most - ($1 // 0)) / 1024;
	};
	my $input = $node->safe_psql('postgres', 'SELECT max(length(x)) / 1048576 FROM input');
	foreach my $case (
		[ 'big', 't', '' ],
		[ 'array', 't', '' ],
		[ 'big', 'parted', '' ],
		[ 'big', 'triggered', '' ],
		[ 'big', 'ruled', '' ],
		[ 'big', 'viewed', '' ],
		[ 'big', 'many_parts', '' ],
		[ 'big', 't', q{, 'ON CONFLICT DO NOTHING'} ])
	{
		my ($kind, $table, $clause) = @$case;
		my $loading = $peak->(qq{SELECT insert_many('$table', x$clause) FROM input WHERE kind = '$kind'; TRUNCATE t, parted, many_parts, triggered, ruled});
		cmp_ok($loading - $input, '<', 64, sprintf('%s into %s%s: %d MB, of which %d are the input',
				$kind, $table, $clause, $loading, $input));
	}
	my $bulky = $peak->(q{SELECT insert_many('bulky', (SELECT string_agg(format('{"id": %s}', i), ' ') FROM generate_series(1, 2000) i))});
	cmp_ok($bulky, '<', 64, sprintf('long defaults and generated values: %d MB', $bulky));
	my $arrays = $peak->(q{SELECT insert_many('arrays', (SELECT string_agg(format('{"id": %s}', i), ' ') FROM generate_series(1, 300) i))});
	cmp_ok($arrays, '<', 64, sprintf('arrays as PL/pgSQL makes them: %d MB', $arrays));
}

done_testing();
