# A build outside of the source tree: it leaves the tree alone, installs all
# that belongs to the extension, and what it installs works.
use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
my ($stdout, $stderr);

plan skip_all => 'needs make, a C compiler and the sources'
  unless -e 'Makefile'
  && -e 'src/pgsync.c'
  && system("make --version >/dev/null 2>&1") == 0
  && system("\$($pg_config --cc) --version >/dev/null 2>&1") == 0
  && -e `$pg_config --pgxs` =~ s/\s+$//r;

# Those of a make that has called us are not for the one that we call.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS DESTDIR COPT)};

# A tree of sources that nothing has been built in.
my $base = PostgreSQL::Test::Utils::tempdir;
my ($tree, $build, $destdir) = map { "$base/$_" } qw(tree build install);
my @scripts = glob('pgsync--*.sql');
for my $file ('Makefile', 'pgsync.control', @scripts,
	glob('src/*.[ch] src/*/*.[ch]'))
{
	my ($folder) = "$tree/$file" =~ m!^(.*)/!;
	make_path($folder);
	copy($file, "$tree/$file") or die "cannot copy $file: $!";
}
make_path($build, $destdir);

# All files of the tree, by name and time.
sub tree_state
{
	return join("\n",
		sort map { $_ . ' ' . (stat $_)[9] } `find $tree -type f` =~ /(.+)/g);
}

my @make = ('make', '-s', '-C', $build, '-f', "$tree/Makefile",
	"PG_CONFIG=$pg_config", 'with_llvm=no', 'PG_CFLAGS=-O0');
my $before = tree_state();
command_ok([ @make, 'all' ], 'builds outside of the tree');
command_ok([ @make, 'install', "DESTDIR=$destdir" ], 'installs from there');
is(tree_state(), $before, 'the tree is as it was');

my ($libdir) = `$pg_config --pkglibdir` =~ /(.+)/;
my ($sharedir) = `$pg_config --sharedir` =~ /(.+)/;
ok(-s "$destdir$libdir/pgsync.so", 'the library is installed');
for my $file ('pgsync.control', @scripts)
{
	ok(-s "$destdir$sharedir/extension/$file", "$file is installed");
}

# By its full name, so that no other pgsync is loaded.
my $node = PostgreSQL::Test::Cluster->new('vpath');
$node->init;
$node->start;
is( $node->safe_psql(
		'postgres', qq{
CREATE TABLE vpath_t (id int PRIMARY KEY, name text);
CREATE FUNCTION insert_many(regclass, text, text) RETURNS bigint
	AS '$destdir$libdir/pgsync.so', 'insert_many_text' LANGUAGE C;
SELECT insert_many('vpath_t', '[{"id": 1}, {"id": 2, "name": "b"}]', NULL)}),
	'2', 'a function of it works');
is($node->safe_psql('postgres', 'SELECT count(*), max(name) FROM vpath_t'),
	'2|b', 'and has done its work');
$node->stop;

# Objects in the tree would be taken for those of this build.
append_to_file("$tree/src/pgsync.o", 'object');
command_fails_like(
	[ @make, 'all' ],
	qr/run make clean there first/,
	'a tree that has been built itself is refused');

done_testing();
