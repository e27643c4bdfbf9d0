# Input made to hurt: what it costs in memory, and that a cancel gets through.
#
# Memory is the backend's highest resident size.  A cancel is judged by the
# CPU time that the backend spends beyond its timeout, in parts of what the
# whole call takes, and only when it comes out so again and again: a busy
# machine makes that time less, but a core that slows down makes it more.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc/self/status and schedstat' unless -r '/proc/self/schedstat';

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nshared_buffers = 32MB\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION pgsync;
	CREATE UNLOGGED TABLE t (id int, name text, j jsonb, a text[]);
	CREATE UNLOGGED TABLE keyed (id int PRIMARY KEY, name text, j jsonb);
	CREATE UNLOGGED TABLE sparse (id int PRIMARY KEY, c1 int, c2 int, c3 int, c4 int, c5 int, c6 int,
		c7 int, c8 int, c9 int, c10 int, c11 int, c12 int);
	INSERT INTO sparse SELECT i FROM generate_series(1, 4095) i;
	CREATE TABLE input (kind text, x text);
	ALTER TABLE input ALTER x SET STORAGE EXTERNAL;
	-- each some 6 MB; the escape is one that needs Unicode
	INSERT INTO input SELECT 'nested', '{"id": 1, "j": [' || string_agg('"caf\u00e9"', ',') || ']}' FROM generate_series(1, 500000);
	INSERT INTO input SELECT 'array', '{"a": [' || string_agg('"caf\u00e9"', ',') || ']}' FROM generate_series(1, 500000);
	INSERT INTO input SELECT 'repeated', '{' || string_agg('"name": "caf\u00e9"', ',') || '}' FROM generate_series(1, 300000);
	INSERT INTO input SELECT 'repeated key', '{' || string_agg('"n\u0061me": 1', ',') || '}' FROM generate_series(1, 300000);
	INSERT INTO input SELECT 'rows', '[' || string_agg('{"name": "caf\u00e9"}', ',') || ']' FROM generate_series(1, 300000);
});

# Runs statements in a session of their own, which goes on after an error;
# returns what they print.
sub run_session
{
	my (@statements) = @_;
	my $out = '';
	my $input = join("\n", @statements);
	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$input, '>', \$out, '2>', \my $errors);
	return split /\n/, $out;
}

# Returns by how many MB a statement raises its backend's highest size.
sub memory_of
{
	my ($statement) = @_;
	my $size = q{SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+)'))[1];};
	my @lines = run_session($size, "BEGIN; DO \$\$ DECLARE x text; n bigint; BEGIN $statement END \$\$; ROLLBACK;", $size);
	return ($lines[-1] - $lines[0]) / 1024;
}

# Reading the text takes at most four times what the jsonb overload takes.
foreach my $case (
	[ 'nested', q{insert_many('t', x%s)} ],
	[ 'nested', q{(SELECT inserted FROM upsert_many('keyed', x%s))} ],
	[ 'array', q{insert_many('t', x%s)} ],
	[ 'repeated', q{insert_many('t', x%s)} ],
	[ 'repeated key', q{insert_many('t', x%s)} ],
	[ 'rows', q{insert_many('t', x%s)} ])
{
	my ($kind, $call) = @$case;
	my ($text, $jsonb) = map {
		memory_of("x := (SELECT i.x FROM input i WHERE kind = '$kind'); n := " . sprintf($call, $_) . ';')
	} '', '::jsonb';
	cmp_ok($text, '<', 4 * $jsonb + 16, sprintf('%s through %s: %d MB as text, %d MB as jsonb',
		$kind, $call =~ s/\(.*?(\w+)\(.*/$1/r =~ s/\(.*//r, $text, $jsonb));
}
my $csv = memory_of(q{
	x := (SELECT E'j\n"' || replace(substr(i.x, 16, length(i.x) - 16), '"', '""') || E'"\n' FROM input i WHERE kind = 'nested');
	n := insert_csv_text('t', x);});
my $jsonb = memory_of(q{
	x := (SELECT E'j\n"' || replace(substr(i.x, 16, length(i.x) - 16), '"', '""') || E'"\n' FROM input i WHERE kind = 'nested');
	n := insert_many('t', (SELECT i.x::jsonb FROM input i WHERE kind = 'nested'));});
cmp_ok($csv, '<', 4 * $jsonb + 16, sprintf("CSV into jsonb: %d MB, %d MB as jsonb", $csv, $jsonb));

# A row of nothing but delimiters does not take a field's room for each.
foreach my $case ([ 'a row', q{E'name\n'} ], [ 'a header', q{''} ])
{
	my $memory = memory_of(qq{x := $case->[1] || repeat(',', 20000000);
		BEGIN n := insert_csv_text('t', x); EXCEPTION WHEN bad_copy_file_format OR program_limit_exceeded THEN END;});
	cmp_ok($memory, '<', 150, sprintf('%s of 20,000,000 fields: %d MB', $case->[0], $memory));
}

# Names are looked up; a near one is sought for an error only.
cmp_ok(memory_of(q{n := insert_csv_text('t', (SELECT 'id,' || string_agg('column' || i, ',') || E'\n' FROM generate_series(1, 3000) i),
	exclude_columns => (SELECT array_agg('column' || i ORDER BY i DESC) FROM generate_series(1, 3000) i));}),
	'<', 50, 'thousands of excluded names');

# Nor do rows that name ever other columns take a statement's room for each.
cmp_ok(memory_of(q{n := (SELECT u.updated FROM (SELECT jsonb_agg(row) AS data FROM generate_series(1, 4095) i,
		LATERAL (SELECT jsonb_object_agg(CASE k WHEN 0 THEN 'id' ELSE 'c' || k END, i) AS row
			FROM generate_series(0, 12) k WHERE k = 0 OR i & (1 << (k - 1)) > 0) r) s, update_many('sparse', data) u);}),
	'<', 150, 'thousands of sets of columns');

# Returns the CPU seconds that a statement takes, cancelled by its timeout (0
# for none) or not.
sub work_of
{
	my ($statement, $timeout) = @_;
	my $clock = q{SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1);};
	my @lines = run_session('LOAD \'pgsync\';', $clock, "SET statement_timeout = $timeout;",
		"$statement;", 'SET statement_timeout = 0;', $clock);
	return ($lines[-1] - $lines[0]) / 1e9;
}

# Rows that add up in one row are as many statements; a cancel gets through
# before they begin.
$node->safe_psql('postgres', q{
	INSERT INTO keyed VALUES (1);
	INSERT INTO input SELECT 'adding up', jsonb_agg(jsonb_build_object('id', 1, 'j', jsonb_build_object('k', i)))
	FROM generate_series(1, 60000) i;
});
my $adding = work_of(q{SELECT update_many('keyed', x, merge_columns => '{j}') FROM input WHERE kind = 'adding up'}, 1000);
cmp_ok($adding, '<', 15, sprintf('60,000 rows for one key, cancelled: %.2f s of work', $adding));
$node->safe_psql('postgres', 'TRUNCATE keyed');

# Each fails at its end, so that nothing is stored.
$node->safe_psql('postgres', q~
	TRUNCATE input;
	INSERT INTO input SELECT 'elements', '{"id": 1, "j": [' || repeat('"caf\u00e9",', 4000000) || ']}';
	INSERT INTO input SELECT 'string', '{"name": "' || repeat('long ', 60000000) || '", "nowhere": 1}';
	INSERT INTO input SELECT 'escapes', '{"name": "' || repeat('\n', 100000000) || '", "nowhere": 1}';
	INSERT INTO input SELECT 'digits', '{"id": ' || repeat('1234567890', 30000000) || ', "nowhere": 1}';
	INSERT INTO input SELECT 'blanks', repeat(' ', 300000000) || ']';
	INSERT INTO input SELECT 'brackets', '{"j": ' || repeat('[', 200000000);
	INSERT INTO input SELECT 'broken array', '{"t": [' || repeat('{"id":1},', 8000000) || ']}';
	INSERT INTO input SELECT 'broken members', '{"j": {' || repeat('"a":1,', 10000000) || '}}';
	-- broken behind one value, through which core's lexer goes in one go
	INSERT INTO input SELECT 'broken behind a string', '{"name": "' || repeat('long ', 60000000) || '", "id" 1}';
	INSERT INTO input SELECT 'broken in a string', '{"name": "' || repeat('long\n', 50000000) || '\x"}';
	INSERT INTO input SELECT 'broken behind digits', '{"id": ' || repeat('1234567890', 30000000) || ', "id" 1}';
	INSERT INTO input SELECT 'broken behind blanks', '{"id": ' || repeat(' ', 300000000) || '1, "id" 1}';
	INSERT INTO input SELECT 'a broken string', '{"name": "' || repeat('long ', 60000000) || '}';
	INSERT INTO input SELECT 'a broken word', '{"name": ' || repeat('long', 75000000) || '}';
~);
my %calls = map { $_ => "SELECT insert_many('t', x) FROM input WHERE kind = '$_'" }
	('elements', 'string', 'escapes', 'digits', 'blanks', 'brackets', 'broken members',
	'broken behind a string', 'broken in a string', 'broken behind digits', 'broken behind blanks',
	'a broken string', 'a broken word');
$calls{'broken array'} = q{SELECT insert_tables(x) FROM input WHERE kind = 'broken array'};

# The same for files, that a row of 150 MB begins: with a key that is no
# column, or a field too many.
my $dir = PostgreSQL::Test::Utils::tempdir();
chmod(0755, $dir);

# Writes a file: its begin, something so many times, its end.
sub write_file
{
	my ($name, $begin, $repeated, $count, $end) = @_;
	open my $file, '>', "$dir/$name" or die "cannot write $dir/$name: $!";
	print $file $begin;
	print $file $repeated x ($count / 1000) for 1 .. 1000;
	print $file $end;
	close $file;
}
write_file('string.json', '{"name": "', 'long ', 30000000, '", "nowhere": 1}');
write_file('quoted.csv', qq(name\n"), 'long ', 30000000, qq(",x\n));
write_file('unquoted.csv', "name\n", 'long ', 30000000, ",x\n");
write_file('quotes.csv', qq(name\n"), '""', 75000000, qq(",x\n));
write_file('blanks.csv', "name\n", ' ', 150000000, ",x\n");
$calls{'string in a file'} = "SELECT insert_many('t', from_json_file('$dir/string.json'))";
$calls{"$_ in a file"} = "SELECT insert_many('t', from_csv_file('$dir/$_.csv'))"
	for qw(quoted unquoted quotes);
$calls{'blanks in a file'} = "SELECT insert_many('t', from_csv_file('$dir/blanks.csv', trim_blanks => true))";
$calls{'converted'} = "SELECT insert_many('t', from_csv_file('$dir/quoted.csv', encoding => 'latin1'))";

# Packed, of a build with zlib: what cannot be packed well comes in many pieces.
append_to_file("$dir/empty.gz", "\x1f\x8b");
my ($code, $stdout, $stderr) = $node->psql('postgres', "SELECT insert_csv('t', '$dir/empty.gz')");
if ($stderr !~ /made without zlib/)
{
	$node->safe_psql('postgres', qq{
		COPY (SELECT 'name' UNION ALL
			SELECT '"' || string_agg(md5(i::text), '') || '",x' FROM generate_series(1, 2000000) i) TO '$dir/long.csv'});
	system_or_bail('sh', '-c', "gzip -1c $dir/long.csv >$dir/long.csv.gz && gzip -1c $dir/quoted.csv >$dir/quoted.csv.gz");
	my ($plain, $packed) = map { work_of("SELECT insert_many('t', from_csv_file('$dir/long.csv$_'))", 0) } '', '.gz';
	cmp_ok($packed, '<', 15 * $plain + 1,
		sprintf('a packed row of 64 MB: %.2f s of work, %.2f s unpacked', $packed, $plain));
	$calls{'packed, short'} = "SELECT insert_many('t', from_csv_file('$dir/quoted.csv.gz'))";
	$calls{'packed, long'} = "SELECT insert_many('t', from_csv_file('$dir/long.csv.gz'))";
}
foreach my $kind (sort keys %calls)
{
	my $call = $calls{$kind};
	# Core fetches the argument, and puts a jsonb together, in one go.
	my $share = $kind eq 'elements' ? 0.75 : 0.5;
	my $whole = work_of($call, 0);
	my ($worst, $limit) = (0, $share * $whole + 0.05);

	# At random moments, but one in each eighth of the work.  What notices no
	# cancel works on for 7/8 of its time after the first one, and does so
	# again: a moment that seems late is tried anew, beside the whole call as
	# the machine runs it by then, before it is believed.
	foreach my $eighth (0 .. 7)
	{
		my $timeout = 1 + int(125 * $whole * ($eighth + rand));
		my $late;
		for my $attempt (1 .. 5)
		{
			my $now = work_of($call, $timeout) - $timeout / 1000;
			$late = $now if !defined $late || $now < $late;
			last if $late < $limit;
			my $again = $share * work_of($call, 0) + 0.05;
			$limit = $again if $again > $limit;
		}
		$worst = $late if $late > $worst;
	}
	cmp_ok($worst, '<', $limit,
		sprintf('%s: of %.2f s of work, %.2f s after a cancel', $kind, $whole, $worst));
}

done_testing();
