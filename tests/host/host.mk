# SPDX-License-Identifier: MIT
#
# host.mk - the tests that run on the build machine.

# --- tests on the build machine ----------------------------------------------

HOSTCC ?= cc
HB := $(B)/host
H := tests/host

HOST_CFLAGS := -std=gnu17 -g -Wall -Wextra -Werror -Wshadow -Wundef -Wvla \
	-Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
	-Wno-unused-command-line-argument -fno-strict-aliasing -fno-common \
	-DCALF_TEST -MMD -MP -I$(H)/include -Iinclude -I$(H) -I. \
	$(HOST_CFLAGS_EXTRA)
HOST_ASAN := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
HOST_FAST := -O3

HOST_MM := $(filter-out mm/kernelmap.c,$(MM_SRCS))
HOST_KERNEL := $(HOST_MM) $(LIB_SRCS) arch/tlb.c
HOST_SIM := $(H)/run.c $(H)/machine.c $(H)/mmu.c $(H)/tables.c
HOST_WORLD := $(H)/oracle.c $(H)/world.c $(H)/access.c $(H)/change.c \
	$(H)/pass.c $(H)/life.c $(H)/verify.c

HOST_CONSOLE := $(addprefix user/servers/console/,line.c edit.c screen.c \
	terminal.c)

# These functions of lib/ get other names, as the C library has them too.
HOST_RENAME := $(foreach f,memcpy memset memcmp strlen strcmp \
	strncmp,-D$(f)=calf_$(f))

host_objs = $(patsubst %.c,$(HB)/$(1)/%.o,$(2))

# Two builds of one set of sources: checked by the compiler, and fast.
define host_rules
$(HB)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  HOST  $$@")
	$$(Q)$$(HOSTCC) $$(HOST_CFLAGS) $$($(2)) $$(HOST_ONLY) -c $$< -o $$@

$(HB)/$(1)/lib/string.o: HOST_ONLY := -ffreestanding -fno-builtin $(HOST_RENAME)
$(HB)/$(1)/mm/frame.o: HOST_ONLY := -DHOST_DEFINES_FRAME_ALLOC
$(HB)/$(1)/mm/slab.o: HOST_ONLY := -DHOST_DEFINES_SLAB_ALLOC
$(HB)/$(1)/mm/bag.o: HOST_ONLY := -DPASS_MAX=3
$(HB)/$(1)/arch/tlb.o: HOST_ONLY := -include $(H)/include/fence.h

$(HB)/$(1)/random: $(call host_objs,$(1),$(HOST_KERNEL) $(HOST_SIM) \
		$(HOST_WORLD) $(H)/trace.c $(H)/random.c)
$(HB)/$(1)/starve: $(call host_objs,$(1),$(HOST_KERNEL) $(HOST_SIM) \
		$(HOST_WORLD) $(H)/starve.c)
$(HB)/$(1)/unit: $(call host_objs,$(1),$(HOST_KERNEL) $(HOST_SIM) \
		$(H)/tap.c $(H)/unit.c $(H)/unit_late.c $(H)/unit_lib.c)
$(HB)/$(1)/tree: $(call host_objs,$(1),$(HOST_KERNEL) $(HOST_SIM) \
		arch/fdt.c arch/machine.c $(H)/tap.c $(H)/tree.c)
$(HB)/$(1)/line: $(call host_objs,$(1),$(HOST_KERNEL) $(HOST_SIM) \
		$(HOST_CONSOLE) $(H)/tap.c $(H)/line.c)
$(HB)/$(1)/terminal: $(call host_objs,$(1),$(HOST_KERNEL) $(HOST_SIM) \
		$(HOST_CONSOLE) $(H)/tap.c $(H)/terminal.c)
$(HB)/$(1)/random $(HB)/$(1)/starve $(HB)/$(1)/unit $(HB)/$(1)/tree \
		$(HB)/$(1)/line $(HB)/$(1)/terminal:
	$$(if $$(Q),@echo "  HOST  $$@")
	$$(Q)$$(HOSTCC) $$($(2)) $$^ -o $$@
endef
$(eval $(call host_rules,asan,HOST_ASAN))
$(eval $(call host_rules,fast,HOST_FAST))

# The small machine of model.h: tables of two entries.
HOST_SMALL := -O2 -DSV39_INDEX_BITS=1 -DSV39_USER_ROOT_ENTRIES=1
MODEL_SRCS := mm/pagetable.c mm/resolve.c mm/range.c mm/gap.c mm/share.c mm/bag.c mm/aspace.c mm/audit.c \
	$(H)/run.c $(H)/tables.c $(H)/model_machine.c $(H)/model_ops.c \
	$(H)/model_state.c $(H)/model.c lib/print.c
$(eval $(call host_rules,small,HOST_SMALL))
$(HB)/small/model: $(call host_objs,small,$(MODEL_SRCS))
	$(if $(Q),@echo "  HOST  $@")
	$(Q)$(HOSTCC) $(HOST_SMALL) $^ -o $@
-include $(wildcard $(HB)/*/*/*.d $(HB)/*/*/*/*.d)

HOST_ASAN_PROGS := $(HB)/asan/unit $(HB)/asan/tree $(HB)/asan/line \
	$(HB)/asan/terminal $(HB)/asan/starve \
	$(HB)/asan/random

test-host: $(HOST_ASAN_PROGS) $(HB)/fast/random $(HB)/small/model $(B)/trees ## mm/, lib/, the device tree, the line discipline on the build machine
	$(HB)/asan/unit
	$(HB)/asan/tree $(B)/trees
	$(HB)/asan/line
	$(HB)/asan/terminal
	$(HB)/asan/starve
	$(HB)/asan/random --ops 500000
	$(HB)/fast/random --ops 4000000 --seed 1000
	$(HB)/small/model

test-model: $(HB)/small/model ## every state of a small machine
	$(HB)/small/model --deep

# Each run has another seed, which a failure prints.
test-host-long: test-model $(B)/trees $(HB)/asan/tree $(HB)/asan/line $(HB)/asan/random $(HB)/fast/random ## the random and the small machine for half an hour
	$(HB)/asan/tree --rounds 2000000 --seed $$(date +%s) $(B)/trees
	$(HB)/asan/line --rounds 10000 --seed $$(date +%s)
	$(HB)/asan/random --ops 10000000 --seed $$(date +%s)
	$(HB)/fast/random --ops 100000000 --seed $$(date +%s)

.PHONY: test-host test-model test-host-long
