# What pgaudit logs of clean_tables: one TRUNCATE that names what was emptied,
# in place or by core; and of drop_db: what it logs of the caller's DROP DATABASE.
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

# drop_db: for a role whose audit is its own, in either direction
$node->append_conf('postgresql.conf', "pgaudit.log = 'none'");
$node->reload;
$node->safe_psql(
	'postgres', q{
CREATE ROLE regress_audited LOGIN CREATEDB;
ALTER ROLE regress_audited SET pgaudit.log = 'ddl';
ALTER ROLE regress_audited SET pgaudit.log_statement_once = on;
CREATE ROLE regress_quiet LOGIN CREATEDB;
});

# What is logged of the end of a database that a role has made.
sub audited_drop
{
	my ($role, $sql) = @_;
	$node->safe_psql('postgres', 'CREATE DATABASE short_lived',
		extra_params => [ '-U', $role ]);
	my $offset = -s $node->logfile;
	$node->safe_psql('postgres', $sql, extra_params => [ '-U', $role ]);
	return join("\n",
		slurp_file($node->logfile, $offset) =~
		  /(AUDIT: SESSION,\d+,\d+,DDL,DROP DATABASE.*)$/mg);
}

my $logged = audited_drop('regress_audited', 'DROP DATABASE short_lived');
like($logged, qr/^AUDIT: .*,DROP DATABASE short_lived,<not logged>$/,
	'a role whose audit ALTER ROLE has set: DROP DATABASE');
is(audited_drop('regress_audited', q{SELECT drop_db('short_lived')}),
	$logged, 'drop_db: the same');
is(audited_drop('regress_quiet', q{SELECT drop_db('short_lived')}),
	'', 'a role that is not audited: nothing');
# the worker begins as the superuser of initdb, whose audit is no one else's
$node->safe_psql('postgres',
	q{ALTER ROLE CURRENT_USER SET pgaudit.log = 'all'});
is(audited_drop('regress_quiet', q{SELECT drop_db('short_lived')}),
	'', 'nor if the superuser is audited');
$node->safe_psql('postgres', 'ALTER ROLE CURRENT_USER RESET ALL');
# what no module has defined, and what anyone may set
is( audited_drop(
		'regress_audited',
		q{SET my.setting = 'x'; SET "my.other" = ''; SELECT drop_db('short_lived')}
	),
	$logged,
	'with settings that nobody knows');
$node->stop;

done_testing();
