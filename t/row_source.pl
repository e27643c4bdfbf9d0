# row_source and files as others made them: registries of Debian's packages,
# wrapped, without a header, packed; a large packed file in bounded memory,
# with its progress by bytes on disk, cancelled while it is unpacked; rows by a
# staging table, and of another server.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding', 'UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "shared_buffers = 16MB\n");
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pgsync});
my $dir = PostgreSQL::Test::Utils::tempdir();
chmod(0755, $dir);

# Runs SQL and returns what it prints.
sub sql { return $node->safe_psql('postgres', $_[0]); }

SKIP:
{
	my $json = '/usr/share/iso-codes/json';

	skip 'no iso-codes', 3 unless -r "$json/iso_3166-1.json";
	sql(q{CREATE TABLE country (code char(2) PRIMARY KEY, name text, numeric int)});
	my $options = q{at => '{3166-1}', columns => '{"alpha_2": "code"}',
		ignore_unknown => true, encoding => 'utf8'};
	my $count = sql(qq{SELECT insert_many('country',
		from_json_file('$json/iso_3166-1.json', $options))});
	is($count,
		sql(qq{SELECT jsonb_array_length(pg_read_file('$json/iso_3166-1.json')::jsonb -> '3166-1')}),
		'countries, wrapped in an object');
	is(sql(q{SELECT name, numeric FROM country WHERE code = 'AF'}),
		'Afghanistan|4', 'a country');
	sql(q{CREATE TABLE language (code text PRIMARY KEY, name text, shout text)});
	is( sql(qq{SELECT insert_many('language', from_json(
			pg_read_file('$json/iso_639-3.json')::jsonb -> '639-3',
			columns => '{"alpha_3": "code"}', ignore_unknown => true,
			transforms => '{"shout": "upper(r ->> ''name'')"}')),
			(SELECT count(*) FROM language WHERE shout = upper(name))}) =~
		  /^(\d+)\|0$/ && $1 > 7000 ? 1 : 0,
		1,
		'languages, as an array');
}

# a build without zlib says so
append_to_file("$dir/empty.gz", "\x1f\x8b");
my ($code, $stdout, $stderr) = $node->psql('postgres',
	"SELECT insert_many('pg_class', from_csv_file('$dir/empty.gz'))");
my $has_zlib = $stderr !~ /made without zlib/;

SKIP:
{
	my $csv = '/usr/share/ieee-data/oui.csv';

	skip 'no ieee-data', 2 unless -r $csv;
	skip 'no zlib', 2 unless $has_zlib;
	sql(q{CREATE TABLE vendor (prefix text, name text)});
	system_or_bail('sh', '-c', "gzip -c $csv >$dir/oui.csv.gz");
	my $options = q{columns => '{"Assignment": "prefix", "Organization Name": "name",
		"Registry": null, "Organization Address": null}', encoding => 'utf8'};
	my $plain = sql(qq{SELECT insert_many('vendor', from_csv_file('$csv', $options))});
	my $digest = q{SELECT md5(string_agg(vendor::text, '' ORDER BY vendor::text)) FROM vendor};
	my $wanted = sql($digest);

	sql(q{TRUNCATE vendor});
	is( sql(qq{SELECT insert_many('vendor', from_csv_file('$dir/oui.csv.gz', $options))}),
		$plain, 'vendors, packed');
	is(sql($digest), $wanted, 'the same as unpacked');
}

SKIP:
{
	my $data = '/usr/share/unicode/UnicodeData.txt';

	skip 'no unicode-data', 1 unless -r $data;
	sql(q{CREATE TABLE letter (code int PRIMARY KEY, name text, category text)});
	my $fields = join(',', 'code', 'name', 'category', map { "f$_" } 4 .. 15);
	my $lines = () = slurp_file($data) =~ /\n/g;
	is( sql(qq{SELECT insert_many('letter', from_csv_file('$data',
			delimiter => ';', header => '{$fields}', ignore_unknown => true, encoding => 'utf8',
			transforms => '{"code": "(''x'' || lpad(v, 8, ''0''))::bit(32)::int"}'))}),
		$lines,
		'characters, without a header');
}

SKIP:
{
	skip 'no zlib', 4 unless $has_zlib;

	# 200 MB of JSON Lines in a file of less than 10 MB
	sql(q{CREATE UNLOGGED TABLE line (id int, name text)});
	system_or_bail('sh', '-c',
		qq{perl -e 'print q({"id": 1, "name": ") . ("x" x 180) . qq("}\\n) for 1 .. 1000000' | gzip -1c >$dir/large.json.gz});
	my $size = -s "$dir/large.json.gz";
	is( sql(qq{SELECT insert_many('line', from_json_file('$dir/large.json.gz'));
		SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'RssAnon:\\s+(\\d+)'))[1]::int < 32768}),
		"1000000\nt", 'a large packed file in bounded memory');
	my $background = $node->background_psql('postgres', on_error_stop => 0);
	$background->query_until(
		qr/started/,
		"\\echo started\nSELECT insert_many('line', from_json_file('$dir/large.json.gz'));\n");
	ok( $node->poll_query_until(
			'postgres', qq{
		SELECT count(*) = 1 FROM pg_stat_progress_copy WHERE type = 'FILE'
		  AND bytes_total = $size AND bytes_processed BETWEEN 1 AND bytes_total
		  AND tuples_processed > 0}),
		'progress by bytes on disk');
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_progress_copy});
	ok( $node->poll_query_until('postgres',
			q{SELECT count(*) = 0 FROM pg_stat_progress_copy}),
		'cancelled while it is unpacked');
	$background->quit;
	is(sql(q{SELECT count(*) FROM line}), '1000000', 'nothing of it stays');
}

# a decompression bomb: 300 MB of blanks in 300 kB
SKIP:
{
	skip 'no zlib', 1 unless $has_zlib;
	system_or_bail('sh', '-c',
		qq{perl -e 'print "["; print " " x 1000000 for 1 .. 300; print q({"id": 7}])' | gzip -9c >$dir/bomb.json.gz});
	is( sql(qq{SELECT insert_many('line', from_json_file('$dir/bomb.json.gz'));
		SELECT (regexp_match(pg_read_file('/proc/' || pg_backend_pid() || '/status'), 'VmHWM:\\s+(\\d+)'))[1]::int < 65536}),
		"1\nt", 'a bomb in bounded memory');
}

# more than one value can hold: a table of lines, then one call
sql(q{CREATE TABLE named (id int, name text); CREATE TABLE staging (line text)});
append_to_file("$dir/lines.jsonl",
	join('', map { qq({"id": $_, "name": "\\t\\"$_\\""}\n) } 1 .. 1000));
sql(qq{COPY staging FROM '$dir/lines.jsonl' WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')});
is( sql(q{SELECT insert_many('named', from_query('SELECT line::json FROM staging'));
	SELECT count(*), max(id) FROM named WHERE name = E'\t"' || id || '"'}),
	"1000\n1000|1000", 'lines by a staging table');

# rows of another server
my ($host, $port) = ($node->host, $node->port);
sql(qq{
	CREATE EXTENSION postgres_fdw;
	CREATE SERVER prod FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER prod;
	CREATE FOREIGN TABLE prod_named (id int, name text) SERVER prod OPTIONS (table_name 'named');
	CREATE TABLE copied (id int PRIMARY KEY, name text)});
is( sql(q{SELECT insert_many('copied', from_query('SELECT * FROM prod_named WHERE id <= $1', '{600}'));
	SELECT * FROM sync_many('copied', from_query('SELECT * FROM prod_named WHERE id > 100'));
	SELECT count(*), min(id), max(id) FROM copied}),
	"600\n400|0|500|100\n900|101|1000", 'rows by postgres_fdw');

$node->stop;
done_testing();
