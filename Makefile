# SPDX-License-Identifier: MIT
#
# Calf: everything is built from here, into build/. `make help` lists the
# targets. The two that a newcomer needs are `make deps run` and
# `make deps test`.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

B := build
Q := $(if $(V),,@)

# The goals named beside `deps` decide what is installed: what they need.
AFTER_DEPS := $(if $(filter deps,$(MAKECMDGOALS)),\
	$(filter-out deps,$(MAKECMDGOALS)))

deps: ## install what the other goals need; alone, what any needs
	$(Q)LLVM=$(LLVM) sh tools/deps.sh $(AFTER_DEPS)

# What is installed decides how the rest is built: read this file once more.
ifneq ($(strip $(AFTER_DEPS)),)

.PHONY: deps after-deps $(AFTER_DEPS)
$(AFTER_DEPS): after-deps ;
after-deps: deps
	+$(Q)$(MAKE) --no-print-directory $(AFTER_DEPS)

else

# --- toolchain: the first that is there, or CROSS=prefix-, or LLVM=1 ---------

PREFIXES := riscv64-unknown-elf- riscv64-elf- riscv64-linux-gnu- \
	    riscv64-unknown-linux-gnu-
CROSS ?= $(firstword $(foreach p,$(PREFIXES),\
	   $(if $(shell command -v $(p)gcc 2>/dev/null),$(p))))
LLVM ?= $(if $(CROSS),,1)

ifeq ($(LLVM),1)
CC := clang --target=riscv64-unknown-elf
AR := llvm-ar
LDFLAGS_CC := -fuse-ld=lld
LIBGCC :=
ifeq ($(shell command -v llvm-ar 2>/dev/null),)
AR := ar
endif
else
CC := $(CROSS)gcc
AR := $(CROSS)ar
LDFLAGS_CC :=
LIBGCC := -lgcc
endif

# GCC 12 and later refuse CSR and fence.i instructions without these names,
# clang 14 refuses the names. The letter g stands for them as well.
ARCH_NAMES := $(shell echo | $(CC) -march=rv64imac_zicsr_zifencei -mabi=lp64 \
		-x c -c - -o /dev/null 2>/dev/null && echo _zicsr_zifencei)
MARCH := rv64imac$(ARCH_NAMES)

QEMU ?= qemu-system-riscv64
GDB ?= $(firstword $(foreach g,gdb-multiarch riscv64-unknown-elf-gdb \
	 riscv64-elf-gdb gdb,$(if $(shell command -v $(g) 2>/dev/null),$(g))))
PYTHON ?= python3
SMP ?= 2
MEM ?= 128M
APPEND ?=
INITRD ?=
GDB_PORT ?= $(shell echo $$((20000 + $$(id -u) % 20000)))

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough
COMMON := -std=gnu17 -O2 -g3 -ffreestanding -fno-common -fno-strict-aliasing \
	$(WARNINGS) -MMD -MP
# t2 to t6: C leaves them to the user; arch/trapvec.S.
USERS_REGS := x7 x28 x29 x30 x31
KERNEL_CFLAGS := $(COMMON) -march=$(MARCH) -mabi=lp64 -mcmodel=medany \
	-fno-pic -fno-stack-protector \
	-fno-asynchronous-unwind-tables -Wconversion -Wno-sign-conversion \
	-Wframe-larger-than=1024 -Iinclude -I. $(USERS_REGS:%=-ffixed-%) \
	$(CFLAGS_EXTRA)
ifneq ($(LLVM),1)
KERNEL_CFLAGS += -mno-relax -fcallgraph-info=su
else
KERNEL_CFLAGS += -mno-relax -Wno-unknown-warning-option
endif
KERNEL_LDFLAGS := -march=$(MARCH) -mabi=lp64 -nostdlib -static \
	-Wl,-T,linker.ld -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
	-Wl,--no-relax $(LDFLAGS_CC)

# --- the kernel: a table of contents -----------------------------------------

LIB_SRCS := lib/string.c lib/print.c lib/heap.c
ARCH_SRCS := arch/entry.S arch/trapvec.S arch/page.S arch/trapframe.c \
	arch/hart.c arch/tlb.c arch/timer.c arch/sbi.c arch/console.c \
	arch/power.c arch/fdt.c arch/machine.c
MM_SRCS := mm/memmap.c mm/frame.c mm/slab.c mm/alloc_site.c mm/pagetable.c mm/resolve.c \
	mm/range.c mm/share.c mm/gap.c mm/aspace.c mm/usercopy.c mm/inspect.c mm/kernelmap.c \
	mm/audit.c
PROC_SRCS := proc/proc.c proc/sched.c proc/timers.c proc/fork.c proc/image.c \
	proc/exec.c proc/args.c proc/exit.c proc/wait.c proc/signal.c proc/kill.c proc/sigframe.c \
	proc/sigwait.c proc/group.c proc/call.c proc/walk.c proc/space.c proc/fast_switch.c proc/fp.c proc/file.c proc/pipe.c proc/futex.c \
	proc/tty.c proc/initrd.c proc/random.c
TRAP_SRCS := trap/trap.c trap/fault.c trap/syscall.c trap/sys_mem.c \
	trap/sys_file.c trap/sys_vector.c trap/sys_path.c trap/sys_proc.c trap/sys_misc.c \
	trap/sys_time.c trap/sys_wait.c trap/sys_limits.c trap/sys_calf.c trap/fast_pipe.c
KERNEL_SRCS := main.c $(LIB_SRCS) $(ARCH_SRCS) $(MM_SRCS) $(PROC_SRCS) \
	$(TRAP_SRCS)

# Without them everything is the same, and slower.
ifneq ($(findstring CALF_NO_FAST_PATHS,$(CFLAGS_EXTRA)),)
KERNEL_SRCS := $(filter-out %/fast_switch.c %/fast_pipe.c,$(KERNEL_SRCS))
endif

include user/programs.mk
include tests/user/suites.mk
include tests/kernel/suites.mk
include tests/red/red.mk
include tests/linux/linux.mk

# The listing is a convenience: LLVM comes without the tool on some systems.
OBJDUMP := $(firstword $(foreach t,$(if $(CROSS),$(CROSS)objdump) \
	llvm-objdump,$(if $(shell command -v $(t) 2>/dev/null),$(t))))

all: $(B)/calf.elf $(if $(OBJDUMP),$(B)/calf.asm) ## build the kernel with its programs

# Three kernels from the same sources: as it is, with its checks on, and with
# those of the compiler as well.
define kernel_rules
$(1)/%.o: %.c Makefile
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  CC    $$@")
	$$(Q)$$(CC) $$(KERNEL_CFLAGS) $(2) -c $$< -o $$@
$(1)/%.o: %.S Makefile
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  AS    $$@")
	$$(Q)$$(CC) $$(KERNEL_CFLAGS) $(2) -march=rv64gc -c $$< -o $$@
-include $$(patsubst %,$(1)/%.d,$$(basename $$(KERNEL_SRCS) $$(KTEST_SRCS) \
	$$(UBSAN_SRCS)))
endef

$(eval $(call kernel_rules,$(B)/kernel,-fomit-frame-pointer))
$(eval $(call kernel_rules,$(B)/test,-DCALF_TEST -fno-omit-frame-pointer))
$(eval $(call kernel_rules,$(B)/ubsan,-DCALF_TEST -fno-omit-frame-pointer \
	-fsanitize=undefined))

KERNEL_OBJS := $(patsubst %,$(B)/kernel/%.o,$(basename $(KERNEL_SRCS)))
TEST_KERNEL_OBJS := $(patsubst %,$(B)/test/%.o,\
	$(basename $(KERNEL_SRCS) $(KTEST_SRCS)))
UBSAN_KERNEL_OBJS := $(patsubst %,$(B)/ubsan/%.o,\
	$(basename $(KERNEL_SRCS) $(KTEST_SRCS) $(UBSAN_SRCS)))

$(B)/initrd.o: $(B)/initrd.cpio
	$(Q)printf '.section .initrd,"a"\n.balign 8\n.incbin "$<"\n' | \
		$(CC) -march=$(MARCH) -mabi=lp64 -x assembler -c - -o $@

$(B)/calf.elf: $(KERNEL_OBJS) $(B)/initrd.o linker.ld
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(KERNEL_LDFLAGS) -Wl,-Map,$(B)/calf.map $(KERNEL_OBJS) \
		$(B)/initrd.o -o $@

$(B)/calf-test.elf: $(TEST_KERNEL_OBJS) $(B)/initrd.o linker.ld
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(TEST_KERNEL_OBJS) $(B)/initrd.o -o $@

$(B)/calf-ubsan.elf: $(UBSAN_KERNEL_OBJS) $(B)/initrd.o linker.ld
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(KERNEL_LDFLAGS) $(UBSAN_KERNEL_OBJS) $(B)/initrd.o -o $@

$(B)/calf.asm: $(B)/calf.elf
	$(Q)$(OBJDUMP) -d $< > $@

# --- user programs -----------------------------------------------------------

USER_CFLAGS := $(COMMON) -march=rv64gc -mabi=lp64d \
	-mcmodel=medany -ffunction-sections -fdata-sections -fno-pic \
	-Iuser/include -Iinclude
USER_LDFLAGS := -march=rv64gc -mabi=lp64d -nostdlib -static \
	-Wl,-T,user/user.ld -Wl,--gc-sections -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 $(LDFLAGS_CC)

$(B)/user/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(if $(Q),@echo "  CC    $@")
	$(Q)$(CC) $(USER_CFLAGS) -c $< -o $@
$(B)/user/%.o: %.S Makefile
	@mkdir -p $(@D)
	$(if $(Q),@echo "  AS    $@")
	$(Q)$(CC) $(USER_CFLAGS) -c $< -o $@

USER_LIB := $(B)/user/libc.a
$(USER_LIB): $(patsubst %,$(B)/user/%.o,$(basename $(USER_LIB_SRCS)))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# One rule a program: its own file, and those that USER_MORE_<name> lists.
define program_rule
$(B)/bin/$(1): $(patsubst %,$(B)/user/%.o,$(basename $(2))) $(USER_LIB) \
		user/user.ld
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  LD    $$@")
	$$(Q)$$(CC) $$(USER_LDFLAGS) $$(filter %.o %.a,$$^) $$(LIBGCC) -o $$@
-include $(patsubst %,$(B)/user/%.d,$(basename $(2)))
endef
$(foreach p,$(USER_PROGS),$(eval \
	$(call program_rule,$(p),user/$(p).c $(USER_MORE_$(p)))))
$(foreach p,$(RED_PROGS),$(eval $(call program_rule,$(p),tests/red/$(p).c)))
$(foreach p,$(USER_TESTS) testinit,$(eval \
	$(call program_rule,$(p),tests/user/$(p).c $(USER_TEST_COMMON:%=tests/user/%))))
$(eval $(call program_rule,fuzz,$(FUZZ_SRCS:%=tests/user/%)))
$(eval $(call program_rule,genprog,$(GENPROG_SRCS:%=tests/linux/%)))
$(eval $(call program_rule,storm,$(STORM_SRCS:%=tests/user/%)))
-include $(patsubst %,$(B)/user/%.d,$(basename $(USER_LIB_SRCS)))

$(B)/initrd.cpio: $(USER_PROGS:%=$(B)/bin/%) tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/init:755 \
		$(foreach p,$(filter-out init,$(USER_PROGS)),bin/$(p)=$(B)/bin/$(p):755)

TEST_PROGS := $(USER_TESTS) $(RED_PROGS)

$(B)/elf: $(B)/bin/t_elf tests/user/odd_elf.py
	$(Q)rm -rf $@ && $(PYTHON) tests/user/odd_elf.py $@ $<

$(B)/test.cpio: $(TEST_PROGS:%=$(B)/bin/%) $(B)/bin/testinit $(B)/elf \
		tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/testinit:755 \
		$(foreach p,$(TEST_PROGS),bin/$(p)=$(B)/bin/$(p):755) \
		$$(cd $(B) && for f in elf/*/*; do echo $$f=$(B)/$$f:755; done)

$(B)/fuzz.cpio: $(B)/bin/fuzz $(B)/bin/storm tests/user/suites.mk \
		tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ bin/fuzz=$(B)/bin/fuzz:755 \
		bin/storm=$(B)/bin/storm:755 \
		data/text=tests/user/suites.mk:644 data/none/

$(B)/genprog.cpio: $(B)/bin/genprog tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/genprog:755

include tests/host/host.mk
include tests/nasty/nasty.mk

# --- running -----------------------------------------------------------------

QEMU_ARGS := -machine virt -smp $(SMP) -m $(MEM) -nographic
RUN_ARGS = $(QEMU_ARGS) -kernel $(B)/calf.elf \
	$(if $(INITRD),-initrd $(INITRD)) $(if $(APPEND),-append "$(APPEND)")

# The status that a session ends with is news, not an error of make's; that
# there is no QEMU is one (126, 127).
run: $(B)/calf.elf ## boot to the shell (SMP= MEM= INITRD= APPEND=)
	$(info $(QEMU) $(RUN_ARGS))
	@$(QEMU) $(RUN_ARGS); status=$$?; case $$status in 0) ;; \
		126 | 127) exit $$status ;; \
		*) echo "QEMU ended with status $$status." ;; esac

gdb: $(B)/calf.elf ## the same under gdb, stopped at the first instruction
	$(Q)sh tools/gdb/session.sh "$(GDB)" "$(B)/calf.elf" \
		$(QEMU) $(QEMU_ARGS:-nographic=-display none) \
		-kernel $(B)/calf.elf $(if $(INITRD),-initrd $(INITRD)) \
		$(if $(APPEND),-append "$(APPEND)")

debug: $(B)/calf.elf ## the same, waiting for a debugger of your own
	@echo "in another terminal: $(GDB) -x tools/gdb/init.gdb $(B)/calf.elf" \
		"-ex 'target remote :$(GDB_PORT)'"
	$(QEMU) $(RUN_ARGS) -S -gdb tcp:127.0.0.1:$(GDB_PORT)

# --- tests -------------------------------------------------------------------

HOST_PROGS := $(HOST_ASAN_PROGS) $(HB)/fast/random $(HB)/small/model
NASTY_FILES := $(NB)/nasty $(B)/calf-test.elf $(B)/test.cpio
TEST_FILES := $(B)/calf.elf $(B)/calf-test.elf $(B)/test.cpio \
	$(B)/calf-ubsan.elf $(B)/genprog.cpio $(B)/fuzz.cpio $(RED_FILES) \
	$(NB)/nasty $(NB)/test_core
LINUX_FILES := $(B)/calf-test.elf $(B)/test.cpio $(B)/genprog.cpio
FUZZ_FILES := $(B)/calf-test.elf $(B)/fuzz.cpio
RUN_BOOTS := $(PYTHON) tools/run.py --boots tests/boots.txt --build $(B) \
	--logs $(B)/logs

HAS_LLVM := $(shell command -v clang >/dev/null && \
	command -v ld.lld >/dev/null && echo yes)

test: $(TEST_FILES) $(HOST_PROGS) ## every test that fits into a few minutes
	$(Q)$(RUN_BOOTS)

test-kernel: $(TEST_FILES) ## tests inside the kernel
	$(Q)$(RUN_BOOTS) 'kernel-*'

test-user: $(TEST_FILES) ## tests in user programs, on 1, 2 and 4 harts
	$(Q)$(RUN_BOOTS) 'user-*'

test-linux: $(LINUX_FILES) ## the same programs here and on Linux (COUNT= SEED=)
	$(Q)$(PYTHON) tests/linux/compare.py --qemu $(QEMU) \
		$(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED))

test-ubsan: $(TEST_FILES) ## the same in a kernel built with -fsanitize=undefined
	$(Q)$(RUN_BOOTS) 'ubsan-*' red-kernel-shift

# In a folder of its own; GCC builds what the other tests run.
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

# Where it fails it says how to see the same again; docs/nasty.md.
test-nasty: $(NASTY_FILES) ## the suites on the nasty machine (SEED= SEEDS= HARTS= SUITE=)
	$(Q)$(PYTHON) tests/nasty/suites.py --seed $(SEED) \
		$(if $(SEEDS),--seeds $(SEEDS)) $(if $(HARTS),--harts $(HARTS)) \
		$(SUITE)

sweep-nasty: $(NASTY_FILES) ## leave out each fence: which seed notices? (ONLY=)
	$(Q)$(PYTHON) tests/nasty/sweep.py $(if $(ONLY),$(ONLY),--document)

# Every interleaving of a small scope; docs/spin.md. MUTANT=name shows one way
# to what goes wrong with one thing left out.
test-spin: ## models of what harts do at once (DEEP=1 MUTANT=name)
	$(Q)$(PYTHON) tests/spin/check.py $(if $(DEEP),--deep) \
		$(if $(MUTANT),--mutant $(MUTANT))

# --- another machine: Spike, the reference of the instruction set --------------

SPIKE ?= spike
FIRMWARE ?= /usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf
SPIKE_FILES := $(B)/calf-test.img $(B)/spike-fw.elf $(B)/test.cpio
OBJCOPY := $(if $(filter 1,$(LLVM)),llvm-objcopy,$(CROSS)objcopy)

# The whole image as it lies in memory.
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

# --- measurements ------------------------------------------------------------

$(B)/bench.cpio: $(B)/bin/bench $(B)/bin/true tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/bench:755 \
		bin/true=$(B)/bin/true:755

# The same program as a user of Linux builds it: with glibc, at the addresses
# that its linker chooses.
LINUX_CC := riscv64-linux-gnu-gcc
HAS_GLIBC := $(wildcard $(shell $(LINUX_CC) -print-file-name=libc.a \
	2>/dev/null))
GLIBC_CFLAGS := -std=gnu17 -O2 -g -static $(WARNINGS) -Iinclude

$(B)/glibc/%: user/%.c Makefile
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

bench-gate: $(BENCH_FILES) ## fail where something costs 5 % more than recorded
	$(BENCH) --gate

bench-wall: $(BENCH_FILES) ## throughput on 1, 2 and 4 harts
	$(BENCH) --wall

# QEMU took up to version 8.2 plugins of interface 1, and takes 2 since. What
# the plugin uses is the same in both.
HIDDEN_INTERFACE = $(shell $(QEMU) --version | awk \
	'NR == 1 { split($$4, v, "."); print v[1] < 9 ? 1 : 2 }')

$(B)/hidden.so: tests/bench/hidden.c Makefile
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu17 -O2 -Wall -Wextra -Werror -fPIC -shared \
		-fvisibility=hidden -DINTERFACE=$(HIDDEN_INTERFACE) $< -o $@

bench-hidden: $(BENCH_FILES) $(B)/hidden.so ## fences, writes of satp, and cache lines of each row (LINUX=Image)
	$(BENCH) --hidden $(B)/hidden.so

profile: $(BENCH_FILES) ## instructions by function (WORDS=life GLIBC=1)
	$(PYTHON) tools/profile.py --qemu $(QEMU) --nm $(CROSS)nm \
		$(B)/calf.elf $(B)/bench$(if $(GLIBC),-glibc).cpio $(WORDS)

# --- mistakes made on purpose: tests/mutants/ -------------------------------

MUTANTS := $(PYTHON) tools/mutants.py

mutants: $(TEST_FILES) $(HOST_PROGS) $(BENCH_FILES) ## each must be noticed (ONLY=pattern LIST=1 JOBS=2)
	$(Q)$(MUTANTS) $(if $(LIST),--list) $(if $(JOBS),-j $(JOBS)) $(ONLY)

.PHONY: mutants

# --- checks ------------------------------------------------------------------

C_FILES := $(wildcard *.c arch/*.[ch] mm/*.[ch] proc/*.[ch] trap/*.[ch] \
	lib/*.[ch] include/*/*.h user/*.c user/*/*.[ch] user/*/*/*.h \
	tests/*/*.[ch] tests/*/*/*/*.h)
KERNEL_C := $(filter %.c,$(KERNEL_SRCS))
CLANG ?= clang

# A check that cannot run says `NAME: skipped`, and why, and succeeds.
CHECKS := format layers locks clang registers analyzer cppcheck stack docs
check: ## all that needs no boot
	+@sh tools/check.sh "$(MAKE)" $(CHECKS)

# The layout is that of one version: others differ in what they make of it.
CLANG_FORMAT ?= $(firstword $(foreach f,clang-format-14 clang-format,\
	$(if $(filter 14.%,$(shell $(f) --version 2>/dev/null)),$(f))))

check-format: ## is every file as clang-format would write it?
ifeq ($(CLANG_FORMAT),)
	@echo "format: skipped, as there is no clang-format 14"
else
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES) && echo "format: clean"
endif

check-layers: ## who includes whom, where instructions may be, sizes
	@$(PYTHON) tools/check-layers.py

check-locks: ## clang's thread safety analysis of every kernel file
	@if ! command -v $(CLANG) >/dev/null; then \
		echo "locks: skipped, as there is no $(CLANG)"; exit; fi; \
	for file in $(KERNEL_C); do \
		$(CLANG) --target=riscv64-unknown-elf -march=rv64imac \
		-mabi=lp64 -ffreestanding -std=gnu17 -DCALF_TEST \
		-fsyntax-only -Wall -Wextra -Wthread-safety -Werror \
		-Iinclude -I. $$file || exit 1; \
	done && echo "locks: clean"

check-clang: ## does clang build it all?
ifeq ($(HAS_LLVM),)
	@echo "clang: skipped, as there is no clang or no ld.lld"
else
	+@$(MAKE) --no-print-directory LLVM=1 B=$(B)/clang all \
		$(B)/clang/calf-test.elf >/dev/null && echo "clang: builds"
endif

check-registers: $(if $(filter 1,$(LLVM)),,$(KERNEL_OBJS)) ## does C leave alone what trapvec.S does not save?
ifeq ($(LLVM),1)
	@echo "registers: skipped, as clang uses them all"
else
	@for file in $(filter-out %/entry.o %/trapvec.o,$(KERNEL_OBJS)); do \
		$(CROSS)objdump -d $$file | grep -E '\b(gp|t[2-6])\b' && \
		echo "in $$file" && exit 1; \
	done; echo "registers: clean"
endif

# GCC's analysis of paths through a function and what it calls.
$(eval $(call kernel_rules,$(B)/analyzer,-DCALF_TEST -fanalyzer))
ANALYZED := $(if $(filter 1,$(LLVM)),,$(KERNEL_C:%.c=$(B)/analyzer/%.o))

check-analyzer: $(ANALYZED) ## gcc -fanalyzer of every kernel file
	@echo "analyzer: $(if $(ANALYZED),clean,skipped, as there is no GCC)"

# What the language leaves open. cppcheck 2.10 cannot read an attribute of
# `type *(name)(...)`, so it gets none, and learns from a file who does not
# return; alloc_site.c walks over a section from one symbol of the linker's to
# another, which it takes for two objects; 2.17 cannot read a register variable
# and gives up on sbi.c, and wants to tell how much it looks at.
check-cppcheck: ## cppcheck of every kernel file
	@if ! command -v cppcheck >/dev/null; then \
		echo "cppcheck: skipped, as there is none"; exit; fi; \
	cppcheck -q --enable=warning,performance,portability --std=c11 \
		--platform=unix64 --error-exitcode=1 -DCALF_TEST -D__riscv \
		-U__clang__ -U__ASSEMBLER__ '-D__attribute__(x)=' \
		--library=tools/cppcheck.cfg -Iinclude -I. \
		--suppress=comparePointers:mm/alloc_site.c \
		--suppress=syntaxError:arch/sbi.c \
		--suppress=normalCheckLevelMaxBranches $(KERNEL_C) && \
	echo "cppcheck: clean"

check-stack: $(if $(filter 1,$(LLVM)),,$(KERNEL_OBJS) $(TEST_KERNEL_OBJS)) ## how deep can the stack get?
ifeq ($(LLVM),1)
	@echo "stack: skipped, as only GCC tells of calls and frames"
else
	@$(PYTHON) tools/check-stack.py $(B)/kernel $(B)/test
endif

check-docs: ## do the documents name what exists?
	@$(PYTHON) tools/check-docs.py

format: ## let clang-format 14 write every file
	@$(or $(CLANG_FORMAT),clang-format-14) -i $(C_FILES)

# --- the rest ----------------------------------------------------------------

# Those that are not there are not named.
compilers: ## which compilers and which QEMU are there?
	@for tool in $(CROSS)gcc clang $(HOSTCC) riscv64-linux-gnu-gcc $(QEMU); do \
		! command -v $$tool >/dev/null || \
		echo "$$tool: $$($$tool --version 2>/dev/null | head -n 1)"; \
	done

clean: ## remove build/
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)

.PHONY: all run gdb debug fuzz storm test test-kernel test-user test-linux \
	test-nasty sweep-nasty test-spin test-ubsan test-clang test-either test-red \
	spike bench bench-gate bench-wall bench-hidden profile check \
	$(CHECKS:%=check-%) format deps \
	compilers clean help

endif
