# SPDX-License-Identifier: MIT
#
# film.mk - a film of what fork and faults do; docs/film.md.

# --- see what happens --------------------------------------------------------

# The kernel that tells of everything that it does: include/arch/trace.h.
TRACE_SRCS := $(KERNEL_SRCS) arch/trace.c
$(eval $(call kernel_rules,$(B)/trace,-DCALF_TRACE -fomit-frame-pointer,\
	$(TRACE_SRCS),tools/film/film.mk))
TRACE_KERNEL_OBJS := $(patsubst %,$(B)/trace/%.o,$(basename $(TRACE_SRCS)))

$(B)/calf-trace.elf: $(TRACE_KERNEL_OBJS) $(EMBEDDED) linker.ld
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(TRACE_KERNEL_OBJS) $(EMBEDDED) -o $@

# PROG= reaches the tool by the environment, quotes and all.
FILM := $(PYTHON) tools/film.py --qemu $(QEMU) --kernel $(B)/calf-trace.elf \
	--initrd $(B)/initrd.cpio --out $(B)

film: $(B)/calf-trace.elf $(B)/initrd.cpio ## a page that plays what fork and faults did (PROG="cow -s" or ./file, SMP=1)
	$(Q)$(FILM) $(if $(filter command line environment,$(origin SMP)),--smp "$(strip $(SMP))") \
		--mem "$(strip $(MEM))"

# test-film is also a part of `make test`.
test-film: $(B)/calf.elf $(B)/calf-trace.elf $(B)/initrd.cpio ## does a film tell what happened, and does its page work?
	$(Q)$(RUN_BOOTS) film

.PHONY: film test-film
