# What pg_stat_statements and auto_explain see of an insert: one statement, with
# its rows, however many columns further rows name.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('explain');
$node->init;
$node->append_conf('postgresql.conf', q(
shared_preload_libraries = 'pg_stat_statements, auto_explain'
pg_stat_statements.track = all
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_nested_statements = on
));
$node->start;
$node->safe_psql('postgres', q(
    CREATE EXTENSION pgsync;
    CREATE EXTENSION pg_stat_statements;
    CREATE TABLE t (a int PRIMARY KEY, b int, c int);
    SELECT pg_stat_statements_reset();
    SELECT insert_many('t', '[{"a": 1}, {"a": 2, "b": 2}, {"a": 3, "c": 3}]')));

is( $node->safe_psql('postgres', q(
        SELECT count(*), sum(calls), sum(rows) FROM pg_stat_statements
        WHERE query LIKE 'INSERT INTO%')),
    '1|1|3',
    'further columns are no statements of their own');
my $log = slurp_file($node->logfile);
my $inserts = () = $log =~ /Query Text: INSERT INTO/g;
is($inserts, 1, 'nor are they explained');

my $offset = -s $node->logfile;
$node->safe_psql('postgres', q(
    SELECT insert_many('t', '[{"a": 3}, {"a": 4}, {"a": 5}]',
                       'ON CONFLICT DO NOTHING')));
$log = substr(slurp_file($node->logfile), $offset);
like($log, qr/Tuples Inserted: 2\s.*Conflicting Tuples: 1\s/s,
    'rows that DO NOTHING has inserted, and kept out');

$node->stop;
done_testing();
