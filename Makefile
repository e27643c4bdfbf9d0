# pgsync: a PGXS extension.  PG_CONFIG chooses the server to build for.
#
#   make                  build
#   make install          install into that server
#   make installcheck     run regress, isolation and TAP suites against it
#   make check-style      indentation, symbol names, version conditionals
#   make check-warnings   build with gcc and clang, warnings as errors

MODULE_big = pgsync
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))

EXTENSION = pgsync
DATA = $(wildcard pgsync--*.sql)

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
ISOLATION = $(patsubst specs/%.spec,%,$(sort $(wildcard specs/*.spec)))
# The extension is created once, by the regress suite's first file; isolation
# runs in a database of its own.
REGRESS_OPTS = --load-extension=pgsync
ISOLATION_OPTS = --load-extension=pgsync
TAP_TESTS = 1

# -Wno-unused-parameter, -Wno-sign-compare, -Wno-missing-field-initializers:
# PostgreSQL's own inline functions and macros (fmgr.h, tupmacs.h, List
# iteration) do all three, and they are expanded in our files.
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# As core compiles its own loops over pages (checksum.o).
src/heap_count.o: CFLAGS += $(CFLAGS_UNROLL_LOOPS) $(CFLAGS_VECTORIZE)

# A header that changes rebuilds everything: the tree is small.
$(OBJS): $(wildcard src/*.h)

.PHONY: check-style check-warnings
check-style:
	PG_CONFIG=$(PG_CONFIG) scripts/check-style

check-warnings:
	PG_CONFIG=$(PG_CONFIG) scripts/check-warnings
