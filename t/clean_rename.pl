# clean_tables while two schemas swap their names: the table that was locked
# is the one that is truncated, or the call fails.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf',
	"autovacuum = off\nfsync = off\nsynchronous_commit = off");
$node->start;

# The others, all with a trigger that leaves them to TRUNCATE, give the swaps
# time between the making of the statement and the look-up of the last name.
$node->safe_psql(
	'postgres', q{
CREATE EXTENSION pgsync;
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql
  AS 'BEGIN RETURN NULL; END';
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		EXECUTE format('CREATE TABLE filler_%s ()', i);
		EXECUTE format('CREATE TRIGGER t BEFORE TRUNCATE ON filler_%s
			EXECUTE FUNCTION nothing()', i);
	END LOOP;
END
$$;
CREATE TABLE one.t (a int);
CREATE TABLE two.t (a int);
INSERT INTO one.t VALUES (1);
CREATE PROCEDURE swap() LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		ALTER SCHEMA one RENAME TO three;
		ALTER SCHEMA two RENAME TO one;
		ALTER SCHEMA three RENAME TO two;
		COMMIT;
	END LOOP;
END
$$;
});
my $full = $node->safe_psql('postgres', q{SELECT 'one.t'::regclass::oid});
my ($out, $err) = ('', '');
my $swapper = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'CALL swap()' ],
	'>', \$out, '2>', \$err);

# A call that reports a table as cleaned has emptied the full one; one that
# reports none has left it alone.
is( $node->safe_psql(
		'postgres', qq{
DO \$\$
DECLARE
	names text[];
	cleaned text[];
	left_over boolean;
	wrong int := 0;
BEGIN
	SELECT array_agg('filler_' || i ORDER BY i) || 'one.t'::text INTO names
	FROM generate_series(1, 300) i;
	FOR i IN 1 .. 60 LOOP
		BEGIN
			cleaned := clean_tables(names);
			left_over := pg_relation_size($full) > 0;
			IF (cardinality(cleaned) = 0) <> left_over THEN
				wrong := wrong + 1;
			END IF;
			RAISE SQLSTATE 'PGS00';
		EXCEPTION
			WHEN SQLSTATE 'PGS00' OR object_not_in_prerequisite_state
				OR undefined_table OR invalid_schema_name THEN
				NULL;
		END;
	END LOOP;
	CREATE TABLE result AS SELECT wrong AS wrong;
END
\$\$;
SELECT wrong FROM result}),
	'0',
	'no other table is truncated than the one that was locked');
$node->safe_psql('postgres',
	q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE query = 'CALL swap()'}
);
$swapper->finish;
$node->stop;

done_testing();
