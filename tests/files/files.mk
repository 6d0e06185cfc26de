# SPDX-License-Identifier: MIT
#
# files.mk - the file server's tree on the build machine.

# --- the file server's tree on the build machine -----------------------------

FB := $(HB)/files
F := tests/files

FILES_TAP := tests/host/run.c tests/host/tap.c lib/print.c
FILES_OURS := $(FILES_TREE) $(FILES_TAP) $(F)/memory.c
FILES_BOTH := $(F)/compare.c $(F)/real.c $(F)/ours.c $(F)/generate.c

# The server, and the files that send requests to it.
FILES_ASKED := $(FILES_OURS) $(FILES_SERVE) $(addprefix $(F)/,served.c lent.c \
	compare.c real.c generate.c differ.c)

FILES_PROGS := $(addprefix $(FB)/,unit unit_sparse unit_made unit_archive \
	unit_program unit_log allocator starve differ \
	served mortal archives)

files_objs = $(patsubst %.c,$(HB)/asan/%.o,$(1))

# Servers include <server.h>.
$(HB)/asan/user/servers/files/%.o \
$(addprefix $(HB)/asan/$(F)/,served.o lent.o direct.o mortal.o \
	mortal_port.o unit_log.o): \
	HOST_ONLY := -I$(F)/include

# These programs make Linux's system calls, and only exist on Linux.
ifeq ($(shell uname -s),Linux)
$(FB)/unit: $(call files_objs,$(FILES_OURS) $(F)/unit.c)
$(FB)/unit_sparse: $(call files_objs,$(FILES_OURS) $(F)/unit_sparse.c)
$(FB)/unit_made: $(call files_objs,$(FILES_OURS) $(F)/unit_made.c)
$(FB)/unit_archive: $(call files_objs,$(FILES_OURS) $(F)/unit_archive.c)
$(FB)/unit_program: $(call files_objs,$(FILES_OURS) $(F)/unit_program.c)
$(FB)/unit_log: $(call files_objs,$(FILES_OURS) $(FILES_SERVE) $(F)/unit_log.c)
$(FB)/allocator: $(call files_objs,$(FILES_TAP) user/servers/files/memory.c \
	$(F)/allocator.c)
$(FB)/starve: $(call files_objs,$(FILES_OURS) $(F)/ours.c $(F)/generate.c \
	$(F)/starve.c)
$(FB)/differ: $(call files_objs,$(FILES_OURS) $(FILES_BOTH) $(F)/differ.c)
$(FB)/served: $(call files_objs,$(FILES_ASKED) $(F)/direct.c)
$(FB)/mortal: $(call files_objs,$(FILES_ASKED) user/servers/files/loop.c \
	$(F)/mortal.c $(F)/mortal_port.c)
$(FB)/archives: $(call files_objs,$(FILES_OURS) $(FILES_BOTH) \
	$(F)/linux_unpack.c $(F)/archives.c)
else
$(FILES_PROGS): $(call files_objs,$(F)/skip.c)
endif

$(FILES_PROGS):
	@mkdir -p $(@D)
	$(if $(Q),@echo "  HOST  $@")
	$(Q)$(HOSTCC) $(HOST_ASAN) $^ -o $@

-include $(wildcard $(HB)/asan/user/servers/files/*.d)

test-files: $(FILES_PROGS) ## the file server's tree on the build machine (SEED= COUNT=)
	$(FB)/unit
	$(FB)/unit_sparse
	$(FB)/unit_made
	$(FB)/unit_archive
	$(FB)/unit_program
	$(FB)/unit_log
	$(FB)/allocator
	$(FB)/starve --seed $(SEED)
	$(FB)/differ --seed $(SEED) --sequences $(or $(COUNT),10000)
	$(FB)/served --seed $(SEED) --sequences $(or $(COUNT),10000)
	$(FB)/mortal --seed $(SEED) --sequences $(or $(COUNT),10000)
	$(FB)/archives --seed $(SEED) --archives $(or $(COUNT),10000)

.PHONY: test-files
