# pgsync: a PGXS extension.  PG_CONFIG chooses the server to build for.
#
#   make                  build
#   make install          install into that server
#   make installcheck     run regress, isolation and TAP suites against it
#   make check-style      indentation, symbol names, version conditionals
#   make check-warnings   build with gcc and clang, warnings as errors

# Where the sources are; a build outside of the tree (make -f TREE/Makefile)
# has its objects, named as the sources are, where it runs.
here := $(dir $(firstword $(MAKEFILE_LIST)))
sources := $(sort $(wildcard $(here)src/*.c $(here)src/*/*.c))

ifneq ($(here),./)
ifneq ($(wildcard $(here)src/pgsync.o),)
$(error the source tree $(here) is built itself: run make clean there first)
endif
# PGXS itself sets it only if the server was built outside of its tree.
VPATH = $(patsubst %/,%,$(here))
endif

MODULE_big = pgsync
OBJS = $(patsubst $(here)%.c,%.o,$(sources))
# the compiler makes no folders
$(shell mkdir -p $(sort $(dir $(OBJS))))

EXTENSION = pgsync
DATA = $(notdir $(sort $(wildcard $(here)pgsync--*.sql)))

REGRESS = $(notdir $(basename $(sort $(wildcard $(here)sql/*.sql))))
ISOLATION = $(notdir $(basename $(sort $(wildcard $(here)specs/*.spec))))
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

# Rooms include each other's headers by folder: "row/target.h".
PG_CPPFLAGS = -I$(here)src

# Files packed by gzip and zstd are read where their libraries are found; the
# extension builds without them, and says so when such a file comes.
PKG_CONFIG ?= pkg-config
have = $(shell $(PKG_CONFIG) --exists $(1) 2>/dev/null && echo yes)
ifeq ($(call have,zlib),yes)
PG_CPPFLAGS += -DPGSYNC_WITH_ZLIB $(shell $(PKG_CONFIG) --cflags zlib)
SHLIB_LINK += $(shell $(PKG_CONFIG) --libs zlib)
endif
ifeq ($(call have,libzstd),yes)
PG_CPPFLAGS += -DPGSYNC_WITH_ZSTD $(shell $(PKG_CONFIG) --cflags libzstd)
SHLIB_LINK += $(shell $(PKG_CONFIG) --libs libzstd)
endif

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# As core compiles its own loops over pages (checksum.o).
src/fetch/heap_count.o: CFLAGS += $(CFLAGS_UNROLL_LOOPS) $(CFLAGS_VECTORIZE)

# A header that changes rebuilds everything: the tree is small.
$(OBJS): $(wildcard $(here)src/*.h $(here)src/*/*.h)

.PHONY: check-style check-warnings
check-style:
	PG_CONFIG=$(PG_CONFIG) scripts/check-style

check-warnings:
	PG_CONFIG=$(PG_CONFIG) scripts/check-warnings
