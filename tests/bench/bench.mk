# SPDX-License-Identifier: MIT
#
# bench.mk - what system calls cost, in instructions and beside Linux;
# docs/bench/README.md.

# --- measurements ------------------------------------------------------------

$(B)/bench.cpio: $(B)/bin/bench $(B)/bin/true tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/bench:755 \
		bin/true=$(B)/bin/true:755

BENCH_FILES := $(B)/calf.elf $(B)/bench.cpio
COMPILER = $(if $(filter 1,$(LLVM)),clang $(shell clang -dumpversion),gcc \
	$(shell $(CC) -dumpfullversion))
BENCH = $(PYTHON) tools/bench.py --qemu $(QEMU) $(if $(QUICK),--quick) \
	--compiler "$(strip $(COMPILER))" --kernel $(B)/calf.elf \
	--initrd $(B)/bench.cpio $(if $(RECORD),--record) \
	$(if $(LINUX),--linux $(LINUX))

bench: $(BENCH_FILES) ## instructions beside Linux's (QUICK=1 RECORD=1 LINUX=Image)
	$(BENCH)

bench-gate: $(BENCH_FILES) ## fail where something costs 5 % more than recorded
	$(BENCH) --gate

bench-wall: $(BENCH_FILES) ## throughput on 1, 2 and 4 harts
	$(BENCH) --wall

profile: $(BENCH_FILES) ## instructions by function (WORDS=life)
	$(PYTHON) tools/profile.py --qemu $(QEMU) --nm $(CROSS)nm \
		$(BENCH_FILES) $(WORDS)

.PHONY: bench bench-gate bench-wall profile
