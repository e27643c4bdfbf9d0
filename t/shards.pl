# One table over several servers, by PostgreSQL's own means: hash partitions
# that are foreign tables of two other servers.  Every family of functions does
# there what it does on one machine, or says why not; and the other servers'
# logs show that they get batches of rows to insert and questions to count.
# doc/scaling.md is this recipe in prose.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $batch_size = 100;
my @shards = map { PostgreSQL::Test::Cluster->new("shard_$_") } (1, 2);
my $front = PostgreSQL::Test::Cluster->new('front');

$front->init;
$front->start;
if ($front->safe_psql('postgres',
		q{SELECT count(*) FROM pg_available_extensions
		WHERE name IN ('postgres_fdw', 'dblink')}) < 2)
{
	plan skip_all => 'postgres_fdw or dblink is not installed';
}

#
# The recipe
#
foreach my $shard (@shards)
{
	$shard->init;
	$shard->append_conf('postgresql.conf', q{
log_statement = all
log_min_duration_statement = -1
});
	$shard->start;
	$shard->safe_psql(
		'postgres', q{
CREATE EXTENSION pgsync;
CREATE TABLE customer (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    visits integer NOT NULL DEFAULT 0 CHECK (visits >= 0),
    seen timestamptz
)});
}

$front->safe_psql(
	'postgres', q{
CREATE EXTENSION pgsync;
CREATE EXTENSION postgres_fdw;
CREATE TABLE customer (
    id bigint NOT NULL,
    name text NOT NULL,
    visits integer NOT NULL DEFAULT 0,
    seen timestamptz
) PARTITION BY HASH (id);
CREATE SEQUENCE customer_id_seq OWNED BY customer.id;
ALTER TABLE customer ALTER id SET DEFAULT nextval('customer_id_seq');
});
foreach my $i (0 .. $#shards)
{
	my ($name, $host, $port) =
	  ($shards[$i]->name, $shards[$i]->host, $shards[$i]->port);
	$front->safe_psql(
		'postgres', qq{
CREATE SERVER $name FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '$host', port '$port', dbname 'postgres',
             batch_size '$batch_size', use_remote_estimate 'false');
CREATE USER MAPPING FOR CURRENT_USER SERVER $name;
CREATE FOREIGN TABLE customer_$i PARTITION OF customer
    FOR VALUES WITH (MODULUS 2, REMAINDER $i)
    SERVER $name OPTIONS (table_name 'customer');
});
}

# Runs a statement; returns its result and, of each shard, what it logged.
sub run_and_log
{
	my ($sql) = @_;
	my @positions = map { -s $_->logfile } @shards;
	my $result = $front->safe_psql('postgres', $sql);
	return ($result,
		map { slurp_file($shards[$_]->logfile, $positions[$_]) }
		  0 .. $#shards);
}

# The error of a statement: "SQLSTATE: message" and what follows it.
sub error_of
{
	my ($sql) = @_;
	my ($ret, $out, $err) =
	  $front->psql('postgres', "\\set VERBOSITY verbose\n$sql");
	isnt($ret, 0, "fails: $sql");
	$err =~ s/^psql:<stdin>:\d+: ERROR:  //;
	return $err;
}

# How many rows each server holds, counted there.
sub rows_on_shards
{
	return join('+',
		map { $_->safe_psql('postgres', 'SELECT count(*) FROM customer') }
		  @shards);
}

sub rows
{
	my ($first, $last) = @_;
	return qq{(SELECT jsonb_agg(jsonb_build_object(
		'id', i, 'name', 'customer ' || i, 'visits', i % 10))
		FROM generate_series($first, $last) i)};
}

#
# insert_many
#
my ($result, @logs) =
  run_and_log('SELECT insert_many(\'customer\', ' . rows(1, 10000) . ')');
is($result, 10000, 'insert_many');
my $total = 0;
foreach my $i (0 .. $#shards)
{
	my $held = $shards[$i]
	  ->safe_psql('postgres', 'SELECT count(*) FROM customer');
	my $inserts = () = $logs[$i] =~ /execute .*: INSERT INTO public\.customer/g;
	cmp_ok($held, '>', 4000, "shard $i has its part");
	cmp_ok($inserts, '<=', $held / $batch_size + 2,
		"and got it in batches ($inserts for $held rows)");
	my $placeholder = '$' . 3 * $batch_size;
	like($logs[$i], qr/INSERT INTO .*\Q$placeholder\E/,
		'of the size that was set');
	$total += $held;
}
is($total, 10000, 'no row was lost, none came twice');
is( $front->safe_psql(
		'postgres',
		q{SELECT bool_and(name = 'customer ' || id AND visits = id % 10
			AND seen IS NULL) FROM customer}),
	't',
	'every row is what was given');

# keys that differ, defaults of the table in front
is( $front->safe_psql(
		'postgres', q{
SELECT setval('customer_id_seq', 20000);
SELECT insert_many('customer',
	'{"name": "a"} {"seen": "2024-02-29 12:00+00", "name": "b", "visits": 3}')}),
	"20000\n2",
	'rows of differing keys, and a default');
is( $front->safe_psql(
		'postgres',
		q{SELECT id, name, visits, seen AT TIME ZONE 'UTC' FROM customer
			WHERE id > 20000 ORDER BY id}),
	"20001|a|0|\n20002|b|3|2024-02-29 12:00:00",
	'are stored as on one machine');
is( $front->safe_psql(
		'postgres',
		q{SELECT insert_one('customer', '{"name": "c"}', '{id,visits}')}),
	'{"id": 20003, "visits": 0}',
	'insert_one returns from the shard');
is( $front->safe_psql(
		'postgres',
		q{SELECT string_agg(r ->> 'id', ',') FROM insert_returning('customer',
			'[{"name": "d"}, {"name": "e"}, {"name": "f"}]', '{id}') r}),
	'20004,20005,20006',
	'insert_returning, in input order');

# conflicts
is( $front->safe_psql(
		'postgres',
		'SELECT insert_many(\'customer\', '
		  . rows(9990, 10010)
		  . q{, 'ON CONFLICT DO NOTHING')}),
	10,
	'ON CONFLICT DO NOTHING counts what went in');
my $before = rows_on_shards();
like(
	error_of('SELECT insert_many(\'customer\', ' . rows(30001, 30500) . ' || '
		  . rows(5, 5) . ')'),
	qr/^23505: duplicate key value violates unique constraint "customer_pkey".*Key \(id\)=\(5\) already exists.*at or before row 501/s,
	'a key that is there: the shard\'s error, and where');
like(
	error_of(
		q{SELECT insert_many('customer', '[{"id": 40001, "name": "x"}, {"id": 40002, "name": "x", "visits": -1}]')}),
	qr/^23514: .*violates check constraint "customer_visits_check".*at or before row 2/s,
	'a constraint of the shard');
like(
	error_of(
		q{SELECT insert_many('customer', '[{"id": 40001, "name": "x"}, {"id": "y"}]')}),
	qr/^22P02: .*row 2, column "id": "y"/s,
	'a wrong value, with its row');
is(rows_on_shards(), $before, 'none of these left a row on any shard');
is( $front->safe_psql(
		'postgres',
		'BEGIN; SELECT insert_many(\'customer\', '
		  . rows(30001, 30500)
		  . '); ROLLBACK'),
	500,
	'insert_many in a transaction');
is(rows_on_shards(), $before, 'is undone on every shard by ROLLBACK');

#
# insert_csv_text
#
my $csv = join('', "id,name\n", map { "$_,csv $_\n" } 50001 .. 51000);
($result, @logs) =
  run_and_log("SELECT insert_csv_text('customer', '$csv')");
is($result, 1000, 'insert_csv_text');
foreach my $i (0 .. $#shards)
{
	my $inserts = () = $logs[$i] =~ /execute .*: INSERT INTO public\.customer/g;
	cmp_ok($inserts, '<=', 12, "in batches ($inserts), by default too");
}
is($front->safe_psql('postgres', "SELECT insert_csv_text('customer', '$csv')"),
	0, 'again: every row conflicts');
like(
	error_of(
		q{SELECT insert_csv_text('customer', E'id,name\n60001,x\n50001,y\n', on_conflict => NULL)}
	),
	qr/^23505: .*at or before line 3/s,
	'without ON CONFLICT, that is an error');
$before = rows_on_shards();

#
# Upserts: ON CONFLICT DO UPDATE needs a unique index, which the server allows
# on no table with foreign partitions.
#
like(
	error_of(
		q{INSERT INTO customer VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = 'x'}),
	qr/^42P10: there is no unique or exclusion constraint/,
	'the server itself refuses ON CONFLICT DO UPDATE');
like(error_of('CREATE UNIQUE INDEX ON customer (id)'),
	qr/^42809: cannot create unique index on partitioned table/,
	'and to make it possible');
foreach my $keys ('', q{, '{id}'})
{
	like(
		error_of(
			qq{SELECT * FROM upsert_many('customer', '{"id": 1, "name": "x"}'$keys)}
		),
		qr/^42809: cannot upsert into relation "customer".*DETAIL:  A partitioned table with foreign partitions can have no unique index.*HINT:  Upsert into the tables on their own servers/s,
		'upsert_many says so, and what to do');
}
like(
	error_of(
		q{SELECT * FROM upsert_many('customer_0', '{"id": 1, "name": "x"}', '{id}')}),
	qr/^42809: cannot upsert into relation "customer_0".*DETAIL:  A foreign table has no unique index on this server/s,
	'of a foreign table, too');
is(rows_on_shards(), $before, 'nothing was stored');

# What the hint says, from the front: each server upserts its own rows, which
# the partition's own constraint tells.
$front->safe_psql(
	'postgres', q{
CREATE EXTENSION dblink;
CREATE FUNCTION upsert_customers(data jsonb)
RETURNS TABLE (inserted bigint, updated bigint)
LANGUAGE sql
AS $$
    SELECT sum(done.inserted)::bigint, sum(done.updated)::bigint
    FROM (VALUES (0, 'shard_1'), (1, 'shard_2')) AS shard (remainder, server),
        LATERAL (
            SELECT jsonb_agg(r ORDER BY n) AS part
            FROM jsonb_array_elements(data) WITH ORDINALITY AS e (r, n)
            WHERE satisfies_hash_partition('customer'::regclass, 2, remainder,
                                           (r ->> 'id')::bigint)
        ) AS parts,
        LATERAL dblink(server,
            format('SELECT inserted, updated FROM upsert_many(%L, %L::jsonb)',
                   'customer', part)
        ) AS done (inserted bigint, updated bigint)
    WHERE part IS NOT NULL
$$;
});
is( $front->safe_psql(
		'postgres', q{SELECT * FROM upsert_customers('[
			{"id": 1, "visits": 77, "name": "one"}, {"id": 70001, "name": "new"},
			{"id": 2, "name": "two"}, {"id": 3, "name": "three"},
			{"id": 2, "name": "zwei"}]')}),
	'1|4',
	'upsert_many on each shard, from the front');
is( $front->safe_psql(
		'postgres',
		q{SELECT string_agg(concat_ws(':', id, name, visits), ', ' ORDER BY id)
			FROM customer WHERE id IN (1, 2, 3, 70001)}),
	'1:one:77, 2:zwei:2, 3:three:3, 70001:new:0',
	'rows are where the front looks for them, and keep what was not named');

#
# fetch_count
#
my $count = $front->safe_psql('postgres', 'SELECT count(*) FROM customer');
($result, @logs) = run_and_log(q{SELECT fetch_count('customer')});
is($result, $count, 'fetch_count');
foreach my $log (@logs)
{
	like($log, qr/SELECT count\(\*\) FROM public\.customer/,
		'each shard counts its rows');
	unlike($log, qr/SELECT (NULL|id)\b/, 'and sends none');
}
($result, @logs) =
  run_and_log(q{SELECT fetch_count('customer', 'visits = $1 AND id <= $2', 7, 10000)});
is( $result,
	$front->safe_psql(
		'postgres',
		q{SELECT count(*) FROM customer WHERE visits = 7 AND id <= 10000}),
	'fetch_count with a condition');
foreach my $log (@logs)
{
	like($log, qr/SELECT count\(\*\) FROM public\.customer WHERE .*visits = 7/,
		'which the shard applies');
}
($result, @logs) = run_and_log(q{SELECT fetch_count('customer', 'id = 5')});
is($result, 1, 'fetch_count of one key');
is( scalar(grep { /SELECT count/ } @logs),
	1, 'asks only the shard that has it');
is( $front->safe_psql(
		'postgres',
		q{BEGIN; SELECT insert_one('customer', '{"id": 80001, "name": "x"}');
		SELECT fetch_count('customer', 'id = 80001'); ROLLBACK}),
	"\n1",
	'sees what its transaction has inserted');
is( $front->safe_psql(
		'postgres',
		q{SELECT fetch_one('SELECT name FROM customer WHERE id = $1', 2)}),
	'{"name": "zwei"}',
	'fetch_one');

#
# set_seq_max, get_tables, clean_tables
#
is( $front->safe_psql(
		'postgres', q{SELECT set_seq_max('customer_id_seq', 'customer')}),
	70001,
	'set_seq_max over the shards');
is($front->safe_psql('postgres', q{SELECT get_tables('{public}')}),
	'{public.customer}', 'get_tables: the partitioned table stands for all');

# what references a table on a shard is not known in front
$before = rows_on_shards();
$shards[0]->safe_psql('postgres',
	'CREATE TABLE visit (customer bigint REFERENCES customer)');
like(
	error_of(
		q{SELECT clean_tables('{customer}', "cascade" => false)}),
	qr/^0A000: cannot truncate a table referenced in a foreign key constraint.*Table "visit" references "customer"/s,
	'clean_tables without cascade: the shard refuses');
is(rows_on_shards(), $before, 'nothing was emptied');
like(
	error_of(
		q{SELECT clean_tables('{customer}', protected_tables => '{customer_1}')}),
	qr/^55000: .*customer_1/,
	'a protected partition');
is( $front->safe_psql(
		'postgres',
		q{BEGIN; SELECT clean_tables('{customer}'); SELECT fetch_count('customer'); ROLLBACK;
		SELECT fetch_count('customer')}),
	"{public.customer,public.customer_0,public.customer_1}\n0\n$count",
	'clean_tables, undone by ROLLBACK on every shard');
($result, @logs) = run_and_log(q{SELECT clean_tables('{customer}')});
is($result, '{public.customer,public.customer_0,public.customer_1}',
	'clean_tables');
foreach my $log (@logs)
{
	like($log, qr/TRUNCATE public\.customer RESTART IDENTITY CASCADE/,
		'each shard truncates its table');
}
is(rows_on_shards(), '0+0', 'all rows are gone');
is( $front->safe_psql(
		'postgres',
		q{SELECT insert_one('customer', '{"name": "first"}', '{id}')}),
	'{"id": 1}',
	'and the sequence has started anew');

#
# A shard that is down
#
$shards[1]->stop;
like(error_of(q{SELECT fetch_count('customer')}),
	qr/^08001: could not connect to server "shard_2"/,
	'fetch_count while a shard is down');
like(
	error_of('SELECT insert_many(\'customer\', ' . rows(100, 200) . ')'),
	qr/^08001: could not connect to server "shard_2"/,
	'insert_many, too');
is( $shards[0]->safe_psql('postgres',
		'SELECT count(*) FROM customer WHERE id >= 100'),
	0,
	'the other one keeps nothing of it');
is( $front->safe_psql(
		'postgres', q{SELECT fetch_count('customer', 'id = 1')}),
	1,
	'what needs only the shard that is up goes on');

done_testing();
