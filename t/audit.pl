# What pgaudit logs of clean_tables: one TRUNCATE that names what was emptied,
# in place or by core.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
my $libdir = `pg_config --pkglibdir`;
chomp $libdir;
plan skip_all => 'pgaudit is not installed for this server'
  if !-e "$libdir/pgaudit.so";
$node->append_conf(
	'postgresql.conf', q{
shared_preload_libraries = 'pgaudit'
pgaudit.log = 'write, ddl'
autovacuum = off
});
$node->start;
$node->safe_psql(
	'postgres', q{
CREATE EXTENSION pgsync;
CREATE TABLE small (id int GENERATED ALWAYS AS IDENTITY, a text);
CREATE TABLE moved (id int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE empty (a int);
CREATE TABLE large (a text);
CREATE TABLE child (b int) INHERITS (large);
});

# The records that a statement leaves, from class to statement text.
sub audited
{
	my ($sql) = @_;
	my $offset = -s $node->logfile;
	$node->safe_psql('postgres', $sql);
	my $log = slurp_file($node->logfile, $offset);
	return join("\n",
		$log =~ /AUDIT: SESSION,\d+,\d+,((?:WRITE,TRUNCATE|DDL,).*)$/mg);
}

$node->safe_psql('postgres', q{INSERT INTO small (a) VALUES ('x')});
is(audited('TRUNCATE TABLE ONLY small'),
	'WRITE,TRUNCATE TABLE,,,TRUNCATE TABLE ONLY small,<not logged>',
	'what it logs for core');
$node->safe_psql('postgres', q{INSERT INTO small (a) VALUES ('x')});
is( audited(q{SELECT clean_tables('{small, empty}')}),
	'WRITE,TRUNCATE TABLE,,,TRUNCATE TABLE ONLY public.small RESTART IDENTITY CASCADE,<not logged>',
	'emptied in place');
$node->safe_psql('postgres', q{SELECT nextval('moved_id_seq')});
is( audited(q{SELECT clean_tables('{moved}')}),
	'WRITE,TRUNCATE TABLE,,,TRUNCATE TABLE ONLY public.moved RESTART IDENTITY CASCADE,<not logged>',
	'restarted');
is(audited(q{SELECT clean_tables('{small, moved, empty}')}),
	'', 'nothing to do');
$node->safe_psql(
	'postgres', q{
INSERT INTO small (a) VALUES ('x');
INSERT INTO child SELECT repeat('x', 1000) FROM generate_series(1, 1000)});
is( audited(
		q{SELECT clean_tables('{large, small}', false, "cascade" => false)}),
	'WRITE,TRUNCATE TABLE,,,"TRUNCATE TABLE ONLY public.child, ONLY public.small CONTINUE IDENTITY RESTRICT",<not logged>',
	'one record for both ways');
is( $node->safe_psql(
		'postgres',
		'SELECT (SELECT count(*) FROM small) + (SELECT count(*) FROM large)'),
	'0',
	'and all is empty');
$node->stop;

done_testing();
