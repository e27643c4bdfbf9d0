# Documents too large for a value: refused before memory is exhausted, with
# what to do instead.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc/self/status' unless -r '/proc/self/status';

# What a result may take: the text as it grows, and its copy
use constant LIMIT_MB => 2600;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nautovacuum = off");
$node->start;

# 16 rows of 80 MB make more than 1 GB
$node->safe_psql('postgres', q{
	CREATE EXTENSION pgsync;
	CREATE TABLE wide (id int PRIMARY KEY, filler text);
	INSERT INTO wide SELECT i, repeat('x', 80000000) FROM generate_series(1, 2) i;
	CREATE TABLE too_wide (id int PRIMARY KEY, filler text);
	INSERT INTO too_wide SELECT i, repeat('y', 80000000) FROM generate_series(1, 16) i;
});

# Runs a statement; returns what it prints, its error, and the highest size of
# its backend in MB.
sub run_call
{
	my ($statement) = @_;
	my $input = "\\set VERBOSITY verbose\n$statement;\n"
	  . q{SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+)'))[1];};

	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$input, '>', \my $out, '2>', \my $error);
	my @lines = split /\n/, $out;
	my $size = pop @lines;
	return (join("\n", @lines), $error, $size / 1024);
}

my ($out, $error, $size) = run_call(q{SELECT fetch_json('SELECT * FROM too_wide')});
like($error, qr/ERROR:  54000: result is too large for one json value/,
	'fetch_json beyond 1 GB');
like($error, qr/HINT: .*fetch_all.*LIMIT/, '... with a hint at fetch_all and LIMIT');
cmp_ok($size, '<', LIMIT_MB, '... in bounded memory');

($out, $error, $size) = run_call(q{SELECT fetch_tables('{wide,too_wide}')});
like($error, qr/ERROR:  54000: result is too large for one json value/,
	'fetch_tables beyond 1 GB');
like($error, qr/HINT: .*fewer tables/, '... with a hint at fewer tables');
like($error, qr/CONTEXT: .*row \d+ of table "too_wide"/, '... and the row');
cmp_ok($size, '<', LIMIT_MB, '... in bounded memory');

# A large one that is below goes round
($out, $error) = run_call(q{CREATE TABLE kept AS SELECT fetch_tables('{wide}') AS document});
is($error, '', 'a document of 160 MB');
($out, $error) = run_call(
	q{TRUNCATE wide; SELECT insert_tables(document) FROM kept});
is("$out$error", '(wide,2)', '... goes in again');
is($node->safe_psql('postgres',
		q{SELECT count(*), bool_and(filler = repeat('x', 80000000)) FROM wide}),
	'2|t', '... as the same rows');

$node->stop;
done_testing();
