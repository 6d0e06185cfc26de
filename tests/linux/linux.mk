# SPDX-License-Identifier: MIT
#
# linux.mk - the random programs that are run here and on Linux.

GENPROG_SRCS := genprog.c gen_model.c gen_memory.c gen_signal.c gen_access.S \
	gen_pipe.c gen_process.c

# --- tests -------------------------------------------------------------------

# Programs of the Linux Test Project; docs/abi.md says how to build them.
ltp: $(B)/calf.elf $(B)/bin/ltprun $(B)/bin/sh $(B)/bin/cat $(B)/bin/true ## programs of the Linux Test Project (LTP=folder NAMES=)
ifeq ($(LTP),)
	@echo "ltp: skipped, as there is no LTP=folder; docs/abi.md"
else
	$(Q)$(PYTHON) tests/linux/ltp.py --qemu $(QEMU) --build $(B) \
		--logs $(B)/logs $(LTP) $(NAMES)
endif

.PHONY: ltp
