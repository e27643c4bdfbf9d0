# insert_csv and files: who may read which, real registries row for row as
# COPY loads them, a file of 1 GB in bounded memory with its progress shown and
# cancelled, loads of the same file at once.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep time);

my $node = PostgreSQL::Test::Cluster->new('main');
# whatever the locale of who runs this
$node->init(extra => [ '--encoding', 'UTF8', '--no-locale' ]);
# small shared buffers, so that what a backend touches of them says little
$node->append_conf(
	'postgresql.conf', q{
shared_buffers = 16MB
max_wal_size = 256MB
autovacuum = off
});
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pgsync});
my $dir = PostgreSQL::Test::Utils::tempdir();

sub write_file
{
	my ($name, $content) = @_;
	my $path = "$dir/$name";
	open(my $file, '>:raw', $path) or die "cannot write $path: $!";
	print $file $content;
	close($file) or die "cannot write $path: $!";
	return $path;
}

# The error of a failing statement: "SQLSTATE: message", detail and hint.
sub error_of
{
	my ($sql, %params) = @_;
	my ($ret, $out, $err) = $node->psql('postgres',
		"\\set VERBOSITY verbose\n$sql", %params);
	$err =~ s/^psql:<stdin>:\d+: ERROR:  //mg;
	return join("\n", grep { !/^LOCATION/ } split(/\n/, $err));
}

# Starts a statement in a psql of its own; the result is in {out}, {err}.
sub start_call
{
	my ($sql) = @_;
	my %call = (out => '', err => '');
	$call{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ],
		'>', \$call{out}, '2>', \$call{err});
	return \%call;
}

#
# Access: COPY FROM's rules
#
$node->safe_psql('postgres', q{
CREATE TABLE person (id int PRIMARY KEY, name text);
CREATE ROLE reader LOGIN IN ROLE pg_read_server_files;
CREATE ROLE stranger LOGIN;
GRANT INSERT ON person TO reader, stranger});
my $people = write_file('people.csv', "id,name\n1,Ada\n2,\"Lovelace, A.\"\n");

is($node->safe_psql('postgres', "SELECT insert_csv('person', '$people')",
		extra_params => [ '-U', 'reader' ]),
	'2', 'a member of pg_read_server_files reads a file');
is($node->safe_psql('postgres', 'SELECT * FROM person ORDER BY id'),
	"1|Ada\n2|Lovelace, A.", 'the rows of the file');
like(error_of("SELECT insert_csv('person', '$people')",
		extra_params => [ '-U', 'stranger' ]),
	qr/^42501: permission denied to read a file.*insert_csv_text/s,
	'another role does not');
like(error_of("SELECT insert_csv('person', '$dir/none.csv')",
		extra_params => [ '-U', 'stranger' ]),
	qr/^42501: /, 'nor does it learn whether a file exists');
like(error_of("SELECT insert_csv('person', 'people.csv')"),
	qr/^42602: relative path "people.csv" not allowed/, 'a relative path');
like(error_of("SELECT insert_csv('person', '')"),
	qr/^42602: relative path/, 'an empty path');
like(error_of("SELECT insert_csv('person', '$dir/none.csv')"),
	qr/^58P01: could not open file ".*none.csv" for reading: No such file.*insert_csv_text/s,
	'a missing file');
like(error_of("SELECT insert_csv('person', '$dir')"),
	qr/^42809: ".*" is a directory/, 'a directory');
SKIP:
{
	skip 'root reads every file', 1 if $> == 0;
	my $secret = write_file('secret.csv', "id\n1\n");
	chmod 0, $secret;
	like(error_of("SELECT insert_csv('person', '$secret')"),
		qr/^42501: could not open file .*: Permission denied/,
		'a file that the server cannot read');
}
my $empty = write_file('empty.csv', '');
like(error_of("SELECT insert_csv('person', '$empty')"),
	qr/^22P04: the CSV is empty/, 'an empty file');
like(error_of("SELECT insert_csv('person', '/dev/null')"),
	qr/^42809: ".*" is not a regular file/, 'a device');
my $broken = write_file('broken.csv', "id,name\n3,x\n4,\xff\n");
like(error_of("SELECT insert_csv('person', '$broken')"),
	qr/^22021: invalid byte sequence for encoding "UTF8": 0xff.*CONTEXT:  line 3/s,
	'bytes that are no UTF-8: the line');
is($node->safe_psql('postgres', 'SELECT count(*) FROM person'), '2',
	'nothing was loaded by what failed');

#
# Encodings, byte order mark
#
my $latin = write_file('latin.csv', "id,name\n10,\xe9\n");
is($node->safe_psql('postgres',
		"SELECT insert_csv('person', '$latin', encoding => 'latin1')"),
	'1', 'encoding');
is($node->safe_psql('postgres', "SET client_encoding = latin1;
UPDATE person SET id = 11 WHERE id = 10;
SELECT insert_csv('person', '$latin')"),
	'1', 'without it, the encoding is the client\'s');
my $marked = write_file('marked.csv', "\xEF\xBB\xBF\"name\",\"id\"\r\n\xc3\xa9,12\r\n");
is($node->safe_psql('postgres',
		"SELECT insert_csv('person', '$marked', encoding => 'utf8')"),
	'1', 'a byte order mark, quotes and CRLF');
is($node->safe_psql('postgres',
		q{SELECT id FROM person WHERE name = U&'\00e9' ORDER BY id}),
	"10\n11\n12", 'three times the same name');
like(error_of("SELECT insert_csv('person', '$marked', encoding => 'latin1')"),
	qr/^42703: /, 'in LATIN1 the mark is three letters');

#
# From psql, without any privilege on files
#
is($node->safe_psql('postgres',
		"\\set csv `cat $people`\nSELECT insert_csv_text('person', :'csv')",
		extra_params => [ '-U', 'stranger' ]),
	'0', 'psql reads the file: rows that are there already');

#
# Real files, as COPY loads them
#
my @registries = map { -r $_ ? $_ : () } map { glob("$_/*.csv") }
  grep { -d $_ } '/usr/share/ieee-data', '/var/lib/ieee-data';
SKIP:
{
	skip 'no ieee-data', 1 unless @registries;
	foreach my $path (@registries)
	{
		my $columns = q{"Registry" text, "Assignment" text, "Organization Name" text, "Organization Address" text, line serial};
		my $names = q{"Registry", "Assignment", "Organization Name", "Organization Address"};
		is($node->safe_psql('postgres', qq{
CREATE TEMP TABLE copied ($columns);
CREATE TEMP TABLE loaded ($columns);
COPY copied ($names) FROM '$path' (FORMAT csv, HEADER);
SELECT insert_csv('loaded', '$path') = (SELECT count(*) FROM copied);
SELECT insert_csv_text('loaded', pg_read_file('$path')) = (SELECT count(*) FROM copied);
SELECT count(*) > 1000 FROM copied;
SELECT count(*) FROM loaded l LEFT JOIN copied c
  ON c.line = 1 + (l.line - 1) % (SELECT count(*) FROM copied) WHERE (c.*, 1) IS DISTINCT FROM
  (l."Registry", l."Assignment", l."Organization Name", l."Organization Address", c.line, 1)}),
			"t\nt\nt\n0", "$path: row for row as COPY");
	}
}
my $unicode = '/usr/share/unicode/UnicodeData.txt';
SKIP:
{
	skip 'no UnicodeData.txt', 1 unless -r $unicode;
	my $names = join(';', map { "f$_" } 1 .. 15);
	my $path = write_file('unicode.csv', "$names\n" . slurp_file($unicode));
	my $columns = join(', ', map { "f$_ text" } 1 .. 15);
	is($node->safe_psql('postgres', qq{
CREATE TEMP TABLE copied ($columns);
CREATE TEMP TABLE loaded (LIKE copied);
ALTER TABLE loaded ADD PRIMARY KEY (f1);
COPY copied FROM '$unicode' (FORMAT csv, DELIMITER ';');
SELECT insert_csv('loaded', '$path', delimiter => ';') = (SELECT count(*) FROM copied);
SELECT count(*) > 30000 FROM copied;
SELECT count(*) FROM copied c FULL JOIN loaded l USING (f1) WHERE c IS DISTINCT FROM l}),
		"t\nt\n0", 'UnicodeData.txt: row for row as COPY');
}

#
# The same rows from several sessions at once: each is inserted once
#
my $shared = write_file('shared.csv',
	join("\n", 'id,name', map { "$_,row $_" } 1 .. 20000) . "\n");
$node->safe_psql('postgres', 'TRUNCATE person; CREATE UNIQUE INDEX ON person (name)');
my @calls = map { start_call("SELECT insert_csv('person', '$shared')") } 1 .. 4;
$_->{run}->finish foreach @calls;
is(join('', map { $_->{err} } @calls), '', 'concurrent loads: no error');
my $inserted = 0;
$inserted += $_->{out} foreach @calls;
is($inserted, 20000, 'together they have inserted each row once');
is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT id) FROM person'),
	'20000|20000', 'and all are there');

#
# 1 GB.  Most of it is in a column that is not loaded, to spare the disk; rows
# are wide and many.
#
my $rows = 600_000;
my $big = "$dir/big.csv";
{
	open(my $file, '>:raw', $big) or die "cannot write $big: $!";
	print $file "id,filler,name\n";
	my $filler = '"' . ('x' x 1800) . "\n,\"";
	print $file "$_,$filler,row $_\n" foreach 1 .. $rows;
	close($file) or die "cannot write $big: $!";
}
cmp_ok(-s $big, '>=', 1 << 30, 'the file has 1 GB');
my $load = "SELECT insert_csv('big', '$big', '{filler}')";
$node->safe_psql('postgres', 'CREATE TABLE big (id int PRIMARY KEY, name text)');

# cancelled in the middle, with its progress shown before
my $call = start_call($load);
ok($node->poll_query_until('postgres', qq{
SELECT count(*) = 1 FROM pg_stat_progress_copy
WHERE relid = 'big'::regclass AND command = 'COPY FROM' AND type = 'FILE'
  AND bytes_total = @{[-s $big]} AND bytes_processed BETWEEN 1000000 AND bytes_total
  AND tuples_processed BETWEEN 500 AND $rows}), 'progress: bytes and rows');
my $start = time();
$node->safe_psql('postgres',
	'SELECT pg_cancel_backend(pid) FROM pg_stat_progress_copy');
$call->{run}->finish;
like($call->{err}, qr/canceling statement due to user request/, 'cancelled');
cmp_ok(time() - $start, '<', 10, 'without delay');
is($node->safe_psql('postgres', 'SELECT count(*) FROM big'), '0',
	'nothing was loaded');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_progress_copy'),
	'0', 'no progress shows any more');

# to the end, then again with all rows there; the peak of the memory
SKIP:
{
	skip 'no /proc to read memory from', 2 unless -r "/proc/$$/status";
	my $status = "substring(pg_read_file('/proc/' || pg_backend_pid() || '/status') from 'VmHWM:\\s+(\\d+)')::int";
	my $result = $node->safe_psql('postgres', qq{
BEGIN;
SELECT insert_csv('big', '$shared');
ROLLBACK;
SELECT $status AS before \\gset
$load;
$load;
SELECT $status - :before AS growth});
	my (undef, $first, $second, $growth) = split(/\n/, $result);
	is("$first $second", "$rows 0", '1 GB: all rows are inserted once');
	cmp_ok($growth, '<', 32 * 1024, "memory has not grown with the file");
	note("memory grew by $growth kB");
}

$node->stop;
done_testing();
