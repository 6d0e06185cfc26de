# SPDX-License-Identifier: MIT
#
# replay.mk - a run under gdb, in which time goes back; docs/debugging.md.

# --- running -----------------------------------------------------------------

# A suite of user programs needs fewer files than the boots of the table.
REPLAY_FILES := $(NB)/nasty $(if $(BOOT),$(if $(filter t_%,$(BOOT)),\
	$(B)/calf-test.elf $(B)/test.cpio,$(TEST_FILES)),\
	$(B)/calf.elf $(B)/initrd.cpio)
# Was $(1) given?
given = $(filter command environment line,$(origin $(1)))

# PROG= reaches the tool by the environment, quotes and all.
REPLAY = $(PYTHON) tools/replay.py --build $(B) --gdb "$(GDB)" \
	$(if $(call given,SMP),--smp "$(SMP)") \
	$(if $(call given,MEM),--mem "$(MEM)") \
	$(if $(call given,SEED),--seed "$(SEED)") \
	$(if $(INPUT),--input "$(INPUT)") $(if $(BOOT),--boot "$(BOOT)")

# What can be told without a build is told before it.
replay: ## to the end of a run, and back from there, in gdb (PROG="cow" or ./file, or BOOT=t_cow, SMP= MEM= SEED= INPUT=)
	$(Q)$(REPLAY) --check
	+$(Q)$(MAKE) --no-print-directory replay-files
	$(Q)$(REPLAY)

replay-files: $(REPLAY_FILES)
	@:

.PHONY: replay replay-files
