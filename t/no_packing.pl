# A build where pkg-config finds neither zlib nor libzstd: it says so when a
# packed file comes, and reads all others.
use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $pg_config = $ENV{PG_CONFIG} || 'pg_config';

plan skip_all => 'needs make, a C compiler and the sources'
  unless -e 'Makefile'
  && -e 'src/pgsync.c'
  && system("make --version >/dev/null 2>&1") == 0
  && system("\$($pg_config --cc) --version >/dev/null 2>&1") == 0
  && -e `$pg_config --pgxs` =~ s/\s+$//r;

# Those of a make that has called us are not for the one that we call.
delete @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS DESTDIR COPT)};

my $base = PostgreSQL::Test::Utils::tempdir;
for my $file ('Makefile', 'pgsync.control', glob('pgsync--*.sql'),
	glob('src/*.[ch] src/*/*.[ch]'))
{
	my ($folder) = "$base/tree/$file" =~ m!^(.*)/!;
	make_path($folder);
	copy($file, "$base/tree/$file") or die "cannot copy $file: $!";
}
make_path("$base/build");
command_ok(
	[
		'make', '-s', '-C', "$base/build", '-f', "$base/tree/Makefile",
		"PG_CONFIG=$pg_config", 'PKG_CONFIG=false', 'with_llvm=no',
		'PG_CFLAGS=-O0 -Wall -Werror', 'all'
	],
	'builds without a warning');

my $node = PostgreSQL::Test::Cluster->new('no_packing');
$node->init;
$node->start;
$node->safe_psql('postgres', qq{
	CREATE TABLE t (id int);
	CREATE FUNCTION insert_csv(regclass, text, text[] DEFAULT NULL, text DEFAULT NULL, text DEFAULT NULL,
			text DEFAULT NULL, text DEFAULT NULL, text DEFAULT NULL, text DEFAULT NULL) RETURNS bigint
		AS '$base/build/pgsync.so', 'insert_csv' LANGUAGE C;});
my %files = (
	plain => "id\n1\n",
	gzip => "\x1f\x8b\x08\x00",
	zstd => "\x28\xb5\x2f\xfd\x00",
	'zstd, skipped' => "\x50\x2a\x4d\x18\x00",
	'nearly gzip' => "\x1f\n1\n");
my %wanted = (
	plain => qr/^$/,
	gzip => qr/0A000: cannot read file ".*": it is packed by gzip\nDETAIL:  This build of pgsync has been made without zlib\.\nHINT:  Unpack the file first, or install/,
	zstd => qr/0A000: cannot read file ".*": it is packed by zstd\nDETAIL:  This build of pgsync has been made without libzstd\./,
	'zstd, skipped' => qr/0A000: cannot read file ".*": it is packed by zstd/,
	'nearly gzip' => qr/42703: column "\x1f" of relation "t" does not exist/);
for my $kind (sort keys %files)
{
	append_to_file("$base/$kind", $files{$kind});
	my ($code, $stdout, $stderr) = $node->psql('postgres',
		"\\set VERBOSITY verbose\nSELECT insert_csv('t', '$base/$kind')");
	like($stderr, $wanted{$kind}, "a file that is $kind");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '1',
	'the plain one is loaded');
$node->stop;

done_testing();
