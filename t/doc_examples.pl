# The documentation keeps its word: every SQL example of README.md and doc/ is
# run and gives what stands below it, every function's signature stands in the
# reference, every link leads somewhere, every line at debug1 is listed.
#
# How the examples are written:
#
# - A block fenced as ```sql is run, statement by statement, by one psql a
#   file, in a fresh database.
# - A block fenced as ```sql NAME is run in another database, named after that.
# - Comment lines directly below a statement are its output, all of it, as
#   psql -At prints it (null as NULL): "-- 2".  A statement without such lines
#   must print nothing.  After an empty line a comment is just a comment.
# - "-- ERROR:  ..." says that the statement fails, and how; the SQLSTATE may
#   stand before the message.  Of DETAIL, HINT and CONTEXT, those shown must
#   be there, in this order.  "-- DEBUG:  ..." and the like say what a
#   statement that succeeds reports.
# - A server's "host 'x.example.com', dbname 'NAME'" is the test's own one, and
#   its database that of the blocks fenced as ```sql NAME.
# - A block fenced as ```csv NAME or ```json NAME is a file, in the current
#   directory or in /srv/import, for which the test has one of its own.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @files = ('README.md', sort glob('doc/*.md'));
my $dir = PostgreSQL::Test::Utils::tempdir();

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# The fenced blocks of a file: {info}, {line}, {text}; indentation of the
# fence is taken off.
sub blocks
{
	my ($content) = @_;
	my @blocks;
	my ($block, $indent);
	my $number = 0;

	foreach my $line (split(/\n/, $content))
	{
		$number++;
		if (!$block && $line =~ /^(\s*)```(.*)$/)
		{
			$indent = $1;
			$block = { info => $2, line => $number, text => '' };
		}
		elsif ($block && $line =~ /^\s*```\s*$/)
		{
			push(@blocks, $block);
			$block = undef;
		}
		elsif ($block)
		{
			$line =~ s/^$indent//;
			$block->{text} .= "$line\n";
		}
	}
	die "a block is not closed" if $block;
	return @blocks;
}

# Whether a text is a whole statement: it ends in a semicolon that is in no
# quotes and no comment.
sub complete
{
	my ($sql) = @_;

	$sql =~ s/\$(\w*)\$.*?\$\1\$|'[^']*'|"[^"]*"|--[^\n]*//gs;
	return $sql !~ /['"]|\$\w*\$/ && $sql =~ /;\s*$/;
}

# The statements of a block: {line}, {sql}, {expected} (a list of lines).
sub statements
{
	my ($block) = @_;
	my @statements;
	my $number = $block->{line};
	my $sql = '';
	my $current;

	foreach my $line (split(/\n/, $block->{text}))
	{
		$number++;
		if ($current && $sql eq '' && $line =~ /^-- ?(.*)$/)
		{
			push(@{ $current->{expected} }, $1);
			next;
		}
		$current = undef;
		next if $sql eq '' && $line =~ /^\s*(--.*)?$/;
		$sql .= "$line\n";
		next unless $sql =~ /^\\/ || complete($sql);
		$current = { line => $number, sql => $sql, expected => [] };
		push(@statements, $current);
		$sql = '';
	}
	die "the block at line $block->{line} ends within a statement"
	  if $sql ne '';
	return @statements;
}

# Runs statements in one psql, from {database} to {database}; sets {out} and {err} of each, to undef where
# psql has come to its end before.
sub run_statements
{
	my @statements = @_;
	my ($out, $err) = ('', '');
	my $database = $statements[0]->{database};
	my $loopback = "host '" . $node->host . "', port '" . $node->port . "', dbname '";
	my $script = "\\cd $dir\n\\set VERBOSITY verbose\n";
	my $i = 0;

	foreach my $statement (@statements)
	{
		my $sql = $statement->{sql};

		$sql =~ s{/srv/import/}{$dir/}g;
		$sql =~ s{host '\w+\.example\.com', dbname '}{$loopback$statement->{database}_};
		$script .= "\\connect $statement->{database}\n"
		  if $i > 0 && $statement->{database} ne $statements[ $i - 1 ]->{database};
		$script .= "$sql\\echo <<$i>>\n\\warn <<$i>>\n";
		$i++;
	}
	local $ENV{PGOPTIONS} = '-c client_min_messages=warning -c log_statement=none';
	IPC::Run::run(
		[
			'psql', '-XAtq', '-P', 'null=NULL', '-d',
			$node->connstr($database)
		],
		'<', \$script, '>', \$out, '2>', \$err);
	$i = 0;
	foreach my $statement (@statements)
	{
		$statement->{out} = $1 if $out =~ s/\A(.*?)<<$i>>\n//s;
		$statement->{err} = $1 if $err =~ s/\A(.*?)<<$i>>\n//s;
		$i++;
	}
	return;
}

# Whether the lines shown are among those of the messages, in their order.
sub messages_match
{
	my ($err, @shown) = @_;

	$err =~ s/^psql:<stdin>:\d+: //mg;
	$err =~ s{\Q$dir\E/}{/srv/import/}g;
	foreach my $line (split(/\n/, $err))
	{
		my $plain = $line =~ s/^([A-Z]+:  )\w{5}: /$1/r;

		last unless @shown;
		shift(@shown) if $shown[0] eq $line || $shown[0] eq $plain;
	}
	return !@shown;
}

# Reports one statement.
sub check_statement
{
	my ($file, $statement) = @_;
	my ($out, $err) = @{$statement}{ 'out', 'err' };
	my @expected = @{ $statement->{expected} };
	my ($first) = grep { /\S/ } split(/\n/, $statement->{sql});
	my $name = "$file:$statement->{line}: $first";
	my $expected = join('', map { "$_\n" } @expected);
	my @messages = grep { /^(DEBUG|INFO|NOTICE|WARNING):  / } @expected;
	my @rows = grep { !/^(DEBUG|INFO|NOTICE|WARNING):  / } @expected;

	if (!defined($out) || !defined($err))
	{
		fail($name);
		diag('psql ended before');
	}
	elsif (@expected && $expected[0] =~ /^ERROR:/)
	{
		ok($out eq '' && messages_match($err, @expected), $name)
		  or diag("output:\n$out${err}expected:\n$expected");
	}
	else
	{
		ok( ($err eq '' || @messages && $err !~ /ERROR: /)
			  && messages_match($err, @messages)
			  && $out eq join('', map { "$_\n" } @rows),
			$name)
		  or diag("output:\n$out${err}expected:\n$expected");
	}
	return;
}

# Runs the examples of a file, in databases of its own.
sub check_examples
{
	my ($file, $content) = @_;
	my $database = lc('examples_' . ($file =~ s/\W/_/gr));
	my @statements;

	foreach my $block (blocks($content))
	{
		if ($block->{info} =~ m{^(?:csv|json) (?:/srv/import/)?([\w.]+)$})
		{
			append_to_file("$dir/$1", $block->{text});
		}
		elsif ($block->{info} =~ /^sql(?: (\w+))?$/)
		{
			my $name = $database . (defined($1) ? "_$1" : '');
			my @more = statements($block);

			$_->{database} = $name foreach @more;
			push(@statements, @more);
		}
		else
		{
			unlike($block->{info}, qr/sql|postgres/i,
				"$file:$block->{line}: SQL is fenced as sql");
		}
	}
	return unless @statements;
	my %databases = map { $_->{database} => 1 } @statements;
	$node->safe_psql('postgres', "CREATE DATABASE $_")
	  foreach sort keys %databases;
	run_statements(@statements);
	check_statement($file, $_) foreach @statements;
	unlink(glob("$dir/*"));
	return;
}

# The name by which a heading is linked to.
sub anchor
{
	my ($heading) = @_;

	$heading = lc($heading);
	$heading =~ s/[^\w\- ]//g;
	return $heading =~ s/ /-/gr;
}

# Checks that links to files and headings of ours lead somewhere.
sub check_links
{
	my ($file, $content) = @_;
	my ($folder) = $file =~ m{^(.*/)};

	while ($content =~ /\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)
	{
		my ($path, $wanted) = ($1, $2);
		my $target = $path eq '' ? $file : ($folder // '') . $path;

		$target =~ s{^doc/\.\./}{};
		ok(-e $target, "$file: link to $target");
		next unless defined($wanted) && -e $target;
		my @anchors = map { anchor($_) } slurp_file($target) =~ /^#+ (.*)$/mg;
		ok((grep { $_ eq $wanted } @anchors), "$file: link to $target#$wanted");
	}
	return;
}

foreach my $file (@files)
{
	my $content = slurp_file($file);

	check_examples($file, $content);
	check_links($file, $content);
}

# Every function stands in the reference as it is, and has a comment.
$node->safe_psql('postgres', 'CREATE EXTENSION pgsync');
my $reference = slurp_file('doc/pgsync.md') =~ s/\s+/ /gr;
my $functions = $node->safe_psql(
	'postgres', q{
	SELECT p.proname || '(' || regexp_replace(
	           pg_get_function_arguments(p.oid), '::\w+(\[\])?', '', 'g') ||
	       ') → ' || pg_get_function_result(p.oid),
	       obj_description(p.oid, 'pg_proc') IS NOT NULL
	FROM pg_proc p
	JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass
	     AND d.refobjid = e.oid
	WHERE e.extname = 'pgsync' AND p.proname !~ '^row_source_'
	ORDER BY 1});
foreach my $line (split(/\n/, $functions))
{
	my ($signature, $commented) = $line =~ /^(.*)\|([tf])$/;

	ok(index($reference, $signature) >= 0,
		'the reference has ' . ($signature =~ s/→/->/r));
	is($commented, 't', ($signature =~ s/\(.*//r) . ' has a comment');
}

# The lines at debug1 that the reference lists are those that there are: each
# listed one is printed by a call of elog in the sources, and the other way.
SKIP:
{
	my @sources = glob('src/*.c src/*/*.c');
	skip 'needs the sources', 1 unless @sources;
	my ($section) = slurp_file('doc/pgsync.md') =~
	  /^## Which way a call takes\n(.*?)^## /ms;
	my @listed = $section =~ /^\| `([^`]+)` \|/mg;
	my @formats = map { slurp_file($_) =~ /elog\(DEBUG1,\s*"((?:[^"\\]|\\.)*)"/g }
	  @sources;
	my @patterns = map { quotemeta(s/\\"/"/gr) =~ s/\\%s/.+/gr } @formats;

	cmp_ok(scalar(@patterns), '>', 2, 'the sources print lines at debug1');
	foreach my $line (@listed)
	{
		ok((grep { $line =~ /^$_$/ } @patterns), "is printed: $line");
	}
	foreach my $pattern (@patterns)
	{
		ok((grep { $_ =~ /^$pattern$/ } @listed), "is listed: $pattern");
	}
	is( (grep { slurp_file($_) =~ /ereport\(DEBUG|elog\(DEBUG[2-5]/ } @sources),
		0, 'none is printed otherwise');
}

$node->stop;
done_testing();
