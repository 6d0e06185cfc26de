# SPDX-License-Identifier: MIT
#
# tests.mk - the test kernels, the archives of test programs, and what runs
# them; tests/README.md says what each can see.

include tests/user/suites.mk
include tests/kernel/suites.mk
include tests/red/red.mk
include tests/linux/linux.mk

# Two test kernels from the sources of the kernel: the first with the kernel's
# own checks, the second also with the compiler's.
TEST_SRCS := $(KERNEL_SRCS) $(KTEST_SRCS)
$(eval $(call kernel_rules,$(B)/test,-DCALF_TEST -fno-omit-frame-pointer,\
	$(TEST_SRCS),tests/tests.mk))
$(eval $(call kernel_rules,$(B)/ubsan,-DCALF_TEST -fno-omit-frame-pointer \
	-fsanitize=undefined,$(TEST_SRCS) $(UBSAN_SRCS),tests/tests.mk))

TEST_KERNEL_OBJS := $(patsubst %,$(B)/test/%.o,$(basename $(TEST_SRCS)))
UBSAN_KERNEL_OBJS := $(patsubst %,$(B)/ubsan/%.o,\
	$(basename $(TEST_SRCS) $(UBSAN_SRCS)))

$(B)/calf-test.elf: $(TEST_KERNEL_OBJS) $(EMBEDDED) linker.ld
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(TEST_KERNEL_OBJS) $(EMBEDDED) -o $@

$(B)/calf-ubsan.elf: $(UBSAN_KERNEL_OBJS) $(EMBEDDED) linker.ld
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(UBSAN_KERNEL_OBJS) $(EMBEDDED) -o $@

$(foreach p,$(RED_PROGS),$(eval $(call program_rule,$(p),tests/red/$(p).c)))
$(foreach p,$(USER_TESTS) testinit,$(eval \
	$(call program_rule,$(p),tests/user/$(p).c $(USER_TEST_COMMON:%=tests/user/%))))
$(eval $(call program_rule,fuzz,$(FUZZ_SRCS:%=tests/user/%)))
$(eval $(call program_rule,genprog,$(GENPROG_SRCS:%=tests/linux/%)))
$(eval $(call program_rule,ltprun,tests/linux/ltprun.c))
$(eval $(call program_rule,storm,$(STORM_SRCS:%=tests/user/%)))
$(foreach p,$(KILL_PROGS),$(eval $(call program_rule,$(p),tests/user/$(p).c)))

TEST_PROGS := $(USER_TESTS) $(RED_PROGS)

$(B)/elf: $(B)/bin/t_elf tests/user/odd_elf.py
	$(Q)rm -rf $@ && $(PYTHON) tests/user/odd_elf.py $@ $<

# A file of the test archive that is itself an archive: t_files lets a file
# server unpack it.
$(B)/files.cpio: LICENSE tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ some/text=LICENSE:640

# Programs that tests execute.
TEST_TOOLS := files sh cat echo ls

$(B)/test.cpio: $(TEST_PROGS:%=$(B)/bin/%) $(TEST_TOOLS:%=$(B)/bin/%) \
		$(B)/bin/testinit $(B)/files.cpio $(B)/elf tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/testinit:755 \
		files.cpio=$(B)/files.cpio:644 \
		$(foreach p,$(TEST_PROGS) $(TEST_TOOLS),bin/$(p)=$(B)/bin/$(p):755) \
		$$(cd $(B) && for f in elf/*/*; do echo $$f=$(B)/$$f:755; done)

# Two archives, one behind the other.
$(B)/many.cpio: $(B)/test.cpio tests/user/many_files.py
	$(Q)$(PYTHON) tests/user/many_files.py $@.files 30000
	$(Q)cat $< $@.files >$@ && rm $@.files

# Half of 32 MiB is for the archive, at most.
SMALL_PROGS := t_fork t_cow t_copyout t_oom
$(B)/small.cpio: $(SMALL_PROGS:%=$(B)/bin/%) $(B)/bin/testinit tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/testinit:755 \
		$(foreach p,$(SMALL_PROGS),bin/$(p)=$(B)/bin/$(p):755)

$(B)/fuzz.cpio: $(B)/bin/fuzz $(B)/bin/storm tests/user/suites.mk \
		tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ bin/fuzz=$(B)/bin/fuzz:755 \
		bin/storm=$(B)/bin/storm:755 \
		data/text=tests/user/suites.mk:644 data/none/

$(B)/kill.cpio: $(KILL_PROGS:%=$(B)/bin/%) tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ $(foreach p,$(KILL_PROGS),bin/$(p)=$(B)/bin/$(p):755)

$(B)/genprog.cpio: $(B)/bin/genprog tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/genprog:755

include tests/host/host.mk
include tests/files/files.mk
include tests/nasty/nasty.mk

# --- tests -------------------------------------------------------------------

HOST_PROGS := $(HOST_ASAN_PROGS) $(HB)/fast/random $(HB)/small/model \
	$(FILES_PROGS)
TEST_FILES := $(B)/calf.elf $(B)/calf-test.elf $(B)/calf-trace.elf $(B)/test.cpio $(B)/small.cpio \
	$(B)/calf-ubsan.elf $(B)/genprog.cpio $(B)/fuzz.cpio $(B)/many.cpio $(B)/kill.cpio $(RED_FILES) \
	$(NB)/nasty $(NB)/test_core $(NB)/compare $(NB)/compare_system $(NB)/board.elf
LINUX_FILES := $(B)/calf-test.elf $(B)/test.cpio $(B)/genprog.cpio
FUZZ_FILES := $(B)/calf-test.elf $(B)/fuzz.cpio
RUN_BOOTS := $(PYTHON) tools/run.py --boots tests/boots.txt --build $(B) \
	--logs $(B)/logs

test: $(TEST_FILES) $(HOST_PROGS) ## every test that fits into a few minutes
	$(Q)$(RUN_BOOTS)

test-kernel: $(TEST_FILES) ## tests inside the kernel
	$(Q)$(RUN_BOOTS) 'kernel-*'

test-user: $(TEST_FILES) ## tests in user programs, on 1, 2 and 4 harts
	$(Q)$(RUN_BOOTS) 'user-*'

test-linux: $(LINUX_FILES) ## programs whose output on Calf must be that on Linux (COUNT= SEED=)
	$(Q)$(PYTHON) tests/linux/compare.py --qemu $(QEMU) \
		$(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

test-ubsan: $(TEST_FILES) ## tests in a kernel built with -fsanitize=undefined
	$(Q)$(RUN_BOOTS) 'ubsan-*' red-kernel-shift

# Clang builds in a folder of its own, as GCC builds what the other tests run.
test-clang: ## tests in the kernel and on it, built by clang
ifeq ($(HAS_LLVM),)
	@echo "test-clang: skipped, as there is no clang or no ld.lld"
else
	+$(Q)$(MAKE) --no-print-directory LLVM=1 B=$(B)/clang test-either
endif

# What each compiler's kernel has to pass.
test-either: $(LINUX_FILES) $(B)/calf.elf
	$(Q)$(RUN_BOOTS) 'kernel-*' user-smp2

test-red: $(TEST_FILES) ## boots that must fail, and do
	$(Q)$(RUN_BOOTS) 'red-*'

# Every interleaving of a small scope; docs/spin.md. MUTANT=name shows one way
# to what goes wrong with one thing left out.
test-spin: ## models of what harts do at once (DEEP=1 MUTANT=name)
	$(Q)$(PYTHON) tests/spin/check.py $(if $(DEEP),--deep) \
		$(if $(MUTANT),--mutant $(MUTANT))

# --- another machine: Spike, the reference of the instruction set ------------

SPIKE ?= spike
FIRMWARE ?= /usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf
SPIKE_FILES := $(B)/calf-test.img $(B)/spike-fw.elf $(B)/test.cpio

# The kernel as bytes, as it lies in memory.
$(B)/calf-test.img: $(B)/calf-test.elf
	$(Q)$(OBJCOPY) -O binary $< $@

# Spike finds by these names where the firmware says that it is done.
$(B)/spike-fw.elf: $(FIRMWARE)
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --add-symbol tohost=.htif:8 \
		--add-symbol fromhost=.htif:0 $< $@

spike: ## suites on that simulator (SPIKE=path FIRMWARE=fw_jump.elf)
ifeq ($(shell command -v $(SPIKE)),)
	@echo "spike: skipped, as there is no $(SPIKE) (SPIKE=path)"
else ifeq ($(wildcard $(FIRMWARE)),)
	@echo "spike: skipped, as there is no $(FIRMWARE) (FIRMWARE=fw_jump.elf)"
else
	+$(Q)$(MAKE) --no-print-directory $(SPIKE_FILES)
	$(Q)SPIKE=$(SPIKE) $(PYTHON) tools/run.py --boots tests/spike.txt \
		--build $(B) --logs $(B)/logs $(ONLY)
endif

# --- random system calls and storms of forks ---------------------------------

SEED ?= 1
CALLS ?= 20000
EVERY ?= 0
MINUTES ?= 1
FORKS ?= 0

fuzz: $(FUZZ_FILES) ## random system calls (SEED= CALLS= HARTS= EVERY=)
	$(Q)for harts in $(or $(HARTS),1 4); do \
		$(PYTHON) tools/fuzz.py --qemu $(QEMU) --harts $$harts \
		--seed $(SEED) --calls $(CALLS) --every $(EVERY) || exit 1; \
	done

storm: $(FUZZ_FILES) ## trees of forks, cut down (MINUTES= or FORKS=, HARTS=)
	$(Q)for harts in $(or $(HARTS),1 2 4); do \
		$(PYTHON) tools/run.py --qemu $(QEMU) --smp $$harts --mem 24M \
		--timeout $$((600 + 60 * $(MINUTES) + $(FORKS) / 20)) \
		--name storm-smp$$harts --initrd $(B)/fuzz.cpio --append \
		"rdinit=/bin/storm -- seed=$(SEED) minutes=$(MINUTES) forks=$(FORKS)" \
		$(B)/calf-test.elf || exit 1; \
		grep -a '^# after all' $(B)/logs/storm-smp$$harts.log; done

.PHONY: test test-kernel test-user test-linux test-spin test-ubsan test-clang \
	test-either test-red spike fuzz storm
