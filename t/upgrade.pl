# ALTER EXTENSION UPDATE from 1.0.0: what it gives is what a fresh
# installation gives, object by object, but for the owners and privileges that
# replaced functions had; what is bound to one of them is named and refused.
# The library is this version's all along: scripts/soak upgrade has the other.
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

# What users have made of 1.0.0's functions.
$node->safe_psql(
	'postgres', q{
CREATE DATABASE used;
CREATE ROLE loader;
CREATE ROLE keeper});
$node->safe_psql(
	'used', q{
CREATE SCHEMA ext;
CREATE EXTENSION pgsync VERSION '1.0.0' SCHEMA ext;
CREATE TABLE t (id int);
CREATE VIEW kept AS SELECT ext.fetch_count('t') AS n;
CREATE VIEW bound AS SELECT ext.insert_many('t', '[]'::jsonb) AS n;
CREATE FUNCTION body() RETURNS bigint BEGIN ATOMIC
	SELECT ext.insert_csv_text('t', 'id'); END;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO keeper;
REVOKE ALL ON FUNCTION ext.insert_csv FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ext.insert_csv TO loader;
ALTER FUNCTION ext.insert_one OWNER TO keeper});
my ($status, $stdout, $stderr) =
  $node->psql('used', 'ALTER EXTENSION pgsync UPDATE');
is($status, 3, 'what is bound to replaced functions stops the update');
like(
	$stderr,
	qr/^DETAIL:  function public\.body\(\) uses function ext\.insert_csv_text\(.*\)
view public\.bound uses function ext\.insert_many\(regclass,jsonb,text\)
HINT:  Save the definitions .* create them again/m,
	'it is named, with what to do');
my $bound = $node->safe_psql('used', q{SELECT pg_get_viewdef('bound')});
$node->safe_psql(
	'used', qq{
DROP VIEW bound;
DROP FUNCTION body;
ALTER EXTENSION pgsync UPDATE;
CREATE VIEW bound AS $bound});
is($node->safe_psql('used', 'SELECT bound.n, kept.n FROM bound, kept'),
	'0|0', 'it can be made again, and what uses the others is kept');
my $owner = $node->safe_psql('used', 'SELECT current_user');
is( $node->safe_psql(
		'used', q{
SELECT proname, proowner::regrole, proacl FROM pg_proc
WHERE proname = 'insert_csv' OR proname = 'insert_one' AND
	proargtypes[1] = 'jsonb'::regtype ORDER BY 1;
SELECT count(*) FROM pg_init_privs WHERE objoid IN (SELECT objid FROM pg_depend
	WHERE deptype = 'e' AND classid = 'pg_proc'::regclass
	AND classoid = classid)}),
	"insert_csv|$owner|{$owner=X/$owner,loader=X/$owner}
insert_one|keeper|
0", 'owners and privileges go over, as no part of the extension');
isnt($node->psql('postgres', 'DROP ROLE loader'),
	0, 'a role with privileges there is known to have them');
$node->safe_psql('used', 'DROP OWNED BY loader; DROP ROLE loader');

$node->stop;
done_testing();
