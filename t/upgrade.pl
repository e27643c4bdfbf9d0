# ALTER EXTENSION UPDATE from 1.0.0: what it gives is what a fresh
# installation gives, object by object.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('upgrade');
$node->init;
$node->start;

# One line an object that belongs to the extension, with all that the catalogs
# say of it.
my $objects = q{
SELECT i.type || ' ' || i.identity || E'\n' || coalesce(
	CASE WHEN d.classid = 'pg_proc'::regclass THEN
		pg_get_functiondef(d.objid) ||
		(SELECT format('rows %s cost %s volatile %s parallel %s strict %s',
					   p.prorows, p.procost, p.provolatile, p.proparallel,
					   p.proisstrict)
		 FROM pg_proc p WHERE p.oid = d.objid)
	WHEN d.classid = 'pg_type'::regclass THEN
		(SELECT format('in %s out %s receive %s send %s length %s storage %s align %s',
					   t.typinput, t.typoutput, t.typreceive, t.typsend,
					   t.typlen, t.typstorage, t.typalign)
		 FROM pg_type t WHERE t.oid = d.objid)
	END, '') || E'\n' ||
	coalesce(obj_description(d.objid, d.classid::regclass::name), '')
FROM pg_depend d
JOIN pg_extension e ON d.refobjid = e.oid AND d.deptype = 'e'
	AND d.refclassid = 'pg_extension'::regclass,
pg_identify_object(d.classid, d.objid, 0) i
WHERE e.extname = 'pgsync' ORDER BY 1};

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION pgsync');
$node->safe_psql('postgres', q{
CREATE EXTENSION pgsync VERSION '1.0.0';
ALTER EXTENSION pgsync UPDATE});
my $fresh = $node->safe_psql('fresh', $objects);
my $upgraded = $node->safe_psql('postgres', $objects);
cmp_ok(length($fresh), '>', 1000, 'the catalogs list the extension');
is($upgraded, $fresh, 'upgraded from 1.0.0 as installed afresh');
is( $node->safe_psql(
		'postgres', q{SELECT extversion FROM pg_extension
			WHERE extname = 'pgsync'}),
	$node->safe_psql(
		'fresh', q{SELECT extversion FROM pg_extension
			WHERE extname = 'pgsync'}),
	'the same version');

$node->stop;
done_testing();
