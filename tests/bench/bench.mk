# SPDX-License-Identifier: MIT
#
# bench.mk - what system calls cost, in instructions and beside Linux;
# docs/bench/README.md.

# --- measurements ------------------------------------------------------------

$(B)/bench.cpio: $(B)/bin/bench $(B)/bin/true $(B)/bin/files tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/bench:755 \
		bin/true=$(B)/bin/true:755 bin/files=$(B)/bin/files:755

# The same program as a user of Linux builds it: with glibc, at the addresses
# that its linker chooses.
LINUX_CC := riscv64-linux-gnu-gcc
HAS_GLIBC := $(wildcard $(shell $(LINUX_CC) -print-file-name=libc.a \
	2>/dev/null))
GLIBC_CFLAGS := -std=gnu17 -O2 -g -static $(WARNINGS) -Iinclude

$(B)/glibc/%: user/%.c Makefile tests/bench/bench.mk
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $@")
	$(Q)$(LINUX_CC) $(GLIBC_CFLAGS) -MMD -MP -MF $@.d $(filter %.c,$^) -o $@
$(B)/glibc/bench: $(USER_MORE_bench)
-include $(B)/glibc/bench.d $(B)/glibc/true.d

$(B)/bench-glibc.cpio: $(B)/glibc/bench $(B)/glibc/true tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/glibc/bench:755 \
		bin/true=$(B)/glibc/true:755

BENCH_FILES := $(B)/calf.elf $(B)/bench.cpio \
	$(if $(HAS_GLIBC),$(B)/bench-glibc.cpio)
COMPILER = $(if $(filter 1,$(LLVM)),clang $(shell clang -dumpversion),gcc \
	$(shell $(CC) -dumpfullversion))
BENCH = $(PYTHON) tools/bench.py --qemu $(QEMU) $(if $(QUICK),--quick) \
	--compiler "$(strip $(COMPILER))" --kernel $(B)/calf.elf \
	--initrd $(B)/bench.cpio $(if $(RECORD),--record) \
	$(if $(HAS_GLIBC),--glibc-initrd $(B)/bench-glibc.cpio) \
	$(if $(LINUX),--linux $(LINUX))

bench: $(BENCH_FILES) ## instructions beside Linux's (QUICK=1 RECORD=1 LINUX=Image)
	$(BENCH)

bench-gate: $(BENCH_FILES) ## fail where something costs 2 % more than recorded
	$(BENCH) --gate

bench-wall: $(BENCH_FILES) ## throughput on 1, 2 and 4 harts
	$(BENCH) --wall

# QEMU took up to version 8.2 plugins of interface 1, and takes 2 since. What
# the plugin uses is equal in both.
HIDDEN_INTERFACE = $(shell $(QEMU) --version | awk \
	'NR == 1 { split($$4, v, "."); print v[1] < 9 ? 1 : 2 }')

$(B)/hidden.so: tests/bench/hidden.c Makefile tests/bench/bench.mk
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu17 -O2 -Wall -Wextra -Werror -fPIC -shared \
		-fvisibility=hidden -DINTERFACE=$(HIDDEN_INTERFACE) $< -o $@

bench-hidden: $(BENCH_FILES) $(B)/hidden.so ## fences, writes of satp, and cache lines of each row (LINUX=Image)
	$(BENCH) --hidden $(B)/hidden.so

profile: $(BENCH_FILES) ## instructions by function (WORDS=life GLIBC=1)
	$(PYTHON) tools/profile.py --qemu $(QEMU) --nm $(CROSS)nm \
		$(B)/calf.elf $(B)/bench$(if $(GLIBC),-glibc).cpio $(WORDS)

.PHONY: bench bench-gate bench-wall bench-hidden profile
