# SPDX-License-Identifier: MIT
#
# Calf: everything is built from here, into build/. `make help` lists the
# targets. The two that a newcomer needs are `make deps run` and
# `make deps test`. What tests, measures and checks is in files that are
# included at the end.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

B := build
Q := $(if $(V),,@)

# --- beginning ---------------------------------------------------------------

# The goals named beside `deps` decide what is installed: what they need.
AFTER_DEPS := $(if $(filter deps,$(MAKECMDGOALS)),\
	$(filter-out deps,$(MAKECMDGOALS)))

# LLVM goes on only as somebody gave it: that GCC is missing is no wish for clang.
deps: LLVM_GIVEN := $(if $(filter file,$(origin LLVM)),,$(LLVM))
deps: ## install what the other goals need; alone, what any needs
	$(Q)LLVM=$(LLVM_GIVEN) sh tools/deps.sh $(AFTER_DEPS)

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

ifeq ($(CROSS)$(shell command -v clang),)
ifneq ($(filter-out clean compilers deps help,$(or $(MAKECMDGOALS),all)),)
$(warning there is no compiler for RISC-V; try: make deps $(or $(MAKECMDGOALS),all))
endif
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
PROG ?=
ROOT ?=
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
KERNEL_CFLAGS += -fcallgraph-info=su
else
KERNEL_CFLAGS += -mno-relax -Wno-unknown-warning-option
endif
# What gives the hart to the other side of a message finds all registers saved:
# arch/trapvec.S. Of those that survive a call s0 and s1 are enough for it.
ifneq ($(LLVM),1)
MESSAGE_CFLAGS := $(patsubst %,-fcall-used-%,$(USERS_REGS) \
	x18 x19 x20 x21 x22 x23 x24 x25 x26 x27)
MESSAGE_CFLAGS_fast_port := $(MESSAGE_CFLAGS)
MESSAGE_CFLAGS_fast_reply := $(MESSAGE_CFLAGS)
endif
# A section that the script does not name is an error: tools/debug.ld.
PLACES := -Wl,--orphan-handling=error -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 $(LDFLAGS_CC)
KERNEL_LDFLAGS := -march=$(MARCH) -mabi=lp64 -nostdlib -static \
	-Wl,-T,linker.ld $(PLACES)

# Clang can be tried beside GCC.
HAS_LLVM := $(shell command -v clang >/dev/null && \
	command -v ld.lld >/dev/null && echo yes)

# --- the kernel --------------------------------------------------------------

LIB_SRCS := lib/string.c lib/print.c lib/heap.c
ARCH_SRCS := arch/entry.S arch/trapvec.S arch/page.S arch/misaligned.S \
	arch/trapframe.c arch/hart.c arch/tlb.c arch/timer.c arch/sbi.c \
	arch/plic.c arch/console.c \
	arch/power.c arch/fdt.c arch/machine.c
MM_SRCS := mm/memmap.c mm/frame.c mm/slab.c mm/alloc_site.c mm/pagetable.c mm/resolve.c \
	mm/range.c mm/share.c mm/bag.c mm/gap.c mm/aspace.c mm/usercopy.c mm/inspect.c mm/kernelmap.c \
	mm/audit.c
PROC_SRCS := proc/proc.c proc/sched.c proc/timers.c proc/fork.c proc/image.c \
	proc/exec.c proc/boot.c proc/args.c proc/exit.c proc/wait.c proc/signal.c proc/kill.c proc/background.c proc/sigframe.c \
	proc/sigwait.c proc/group.c proc/call.c proc/vector.c proc/walk.c proc/space.c proc/fast_switch.c proc/fp.c proc/file.c proc/pipe.c proc/futex.c \
	proc/port.c proc/remote.c proc/descriptor.c proc/fifo.c proc/form.c proc/mapping.c proc/place.c proc/serve.c proc/reply.c proc/device.c \
	proc/random.c proc/victim.c proc/twin.c
TRAP_SRCS := trap/trap.c trap/fault.c trap/syscall.c trap/sys_mem.c \
	trap/sys_file.c trap/sys_vector.c trap/sys_path.c trap/sys_proc.c trap/sys_misc.c \
	trap/sys_time.c trap/sys_wait.c trap/sys_limits.c trap/sys_calf.c trap/sys_port.c trap/fast_pipe.c \
	trap/fast_port.c trap/fast_lease.c trap/fast_reply.c
KERNEL_SRCS := main.c $(LIB_SRCS) $(ARCH_SRCS) $(MM_SRCS) $(PROC_SRCS) \
	$(TRAP_SRCS)

# Without these files the kernel does all that it does with them, slower.
ifneq ($(findstring CALF_NO_FAST_PATHS,$(CFLAGS_EXTRA)),)
KERNEL_SRCS := $(filter-out %/fast_switch.c %/fast_pipe.c \
	%/fast_port.c %/fast_lease.c %/fast_reply.c,$(KERNEL_SRCS))
endif

OBJCOPY := $(if $(filter 1,$(LLVM)),llvm-objcopy,$(CROSS)objcopy)

# The listing is a convenience: LLVM comes without the tool on some systems.
OBJDUMP := $(firstword $(foreach t,$(if $(CROSS),$(CROSS)objdump) \
	llvm-objdump,$(if $(shell command -v $(t) 2>/dev/null),$(t))))

all: $(B)/calf.elf $(if $(OBJDUMP),$(B)/calf.asm) ## build the kernel with its programs

# How a kernel is compiled: the sources $(3), with the options $(2), into the
# folder $(1). $(4) is the file that the options are from, if it is not this.
define kernel_rules
$(1)/%.o: %.c Makefile $(4)
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  CC    $$@")
	$$(Q)$$(CC) $$(KERNEL_CFLAGS) $$(MESSAGE_CFLAGS_$$(notdir $$*)) $(2) \
		-c $$< -o $$@
$(1)/%.o: %.S Makefile $(4)
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo "  AS    $$@")
	$$(Q)$$(CC) $$(KERNEL_CFLAGS) $(2) -march=rv64gc -c $$< -o $$@
-include $$(patsubst %,$(1)/%.d,$$(basename $(3)))
endef

$(eval $(call kernel_rules,$(B)/kernel,-fomit-frame-pointer,$(KERNEL_SRCS)))

EMBEDDED := $(B)/initrd.o $(B)/boot.o
KERNEL_OBJS := $(patsubst %,$(B)/kernel/%.o,$(basename $(KERNEL_SRCS)))

$(B)/initrd.o: $(B)/initrd.cpio
	$(Q)printf '.section .initrd,"a"\n.balign 8\n.incbin "$<"\n' | \
		$(CC) -march=$(MARCH) -mabi=lp64 -x assembler -c - -o $@

$(B)/boot.o: $(B)/boot.bin
	$(Q)printf '.section .boot,"a"\n.balign 4096\n.incbin "$<"\n' | \
		$(CC) -march=$(MARCH) -mabi=lp64 -x assembler -c - -o $@

$(B)/calf.elf: $(KERNEL_OBJS) $(EMBEDDED) linker.ld
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(KERNEL_LDFLAGS) -Wl,-Map,$(B)/calf.map $(KERNEL_OBJS) \
		$(EMBEDDED) -o $@

$(B)/calf.asm: $(B)/calf.elf
	$(Q)$(OBJDUMP) -d $< > $@

# --- user programs -----------------------------------------------------------

include user/programs.mk

USER_CFLAGS := $(COMMON) -march=rv64gc -mabi=lp64d \
	-mcmodel=medany -ffunction-sections -fdata-sections -fno-pic \
	-Iuser/include -Iinclude
USER_LDFLAGS := -march=rv64gc -mabi=lp64d -nostdlib -static \
	-Wl,-T,user/user.ld -Wl,--gc-sections $(PLACES)

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
-include $(patsubst %,$(B)/user/%.d,$(basename $(USER_LIB_SRCS)))

# The first program is part of the kernel's image, in pages.
BOOT_OBJS := $(patsubst %,$(B)/user/%.o,$(basename user/boot.c $(USER_MORE_boot)))
# All of it is compiled at once, at the end: a request goes through functions of
# many files. What the compiler calls by itself is then known too late.
ifneq ($(LLVM),1)
BOOT_WHOLE := -flto -flto-partition=one
BOOT_NEEDS := memcpy memset memcmp memmove strlen
$(BOOT_OBJS): USER_CFLAGS += $(BOOT_WHOLE)
endif
LINK_BOOT = $(CC) -O2 $(BOOT_WHOLE) $(BOOT_NEEDS:%=-Wl,-u,%) \
	$(USER_LDFLAGS:%user.ld=%boot.ld) \
	$(filter %.o %.a,$^) $(LIBGCC) -o $@
$(B)/bin/boot.elf: $(BOOT_OBJS) $(USER_LIB) user/boot.ld
	@mkdir -p $(@D)
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(LINK_BOOT)
-include $(BOOT_OBJS:.o=.d)

# Clang comes without an objcopy, and its linker does without.
$(B)/boot.bin: $(B)/bin/boot.elf $(BOOT_OBJS) $(USER_LIB)
ifeq ($(LLVM),1)
	$(Q)$(LINK_BOOT) -Wl,--oformat=binary
else
	$(Q)$(OBJCOPY) -O binary $< $@
endif

$(B)/initrd.cpio: $(USER_PROGS:%=$(B)/bin/%) tools/mkcpio.sh
	$(Q)sh tools/mkcpio.sh $@ init=$(B)/bin/init:755 \
		$(foreach p,$(filter-out init,$(USER_PROGS)),bin/$(p)=$(B)/bin/$(p):755)

# --- running -----------------------------------------------------------------

# One word for the shell, whatever is in it; and for make.
quoted = '$(subst ','\'',$(1))'
escaped = $(subst $() ,\ ,$(1))
wrong = { echo $(call quoted,$(1)=$($(1)): expected $(2)) >&2; exit 1; }

# PROG= is a file, the first program, and alone. What is in the directory ROOT=
# comes on top of the kernel's own programs. Both are packed anew each time, and
# reach the shell by the environment, quotes and all.
ifneq ($(PROG)$(ROOT),)
ifneq ($(and $(PROG),$(ROOT))$(INITRD),)
$(error PROG=, ROOT= and INITRD= each say what is booted: give one of them)
endif
override INITRD := $(B)/run.cpio
.PHONY: $(INITRD)
$(INITRD): $(if $(ROOT),$(B)/initrd.cpio)
	@mkdir -p $(@D)
ifneq ($(PROG),)
	@[ ! -d "$$PROG" ] || $(call wrong,PROG,a file; ROOT= takes a folder)
	@[ -f "$$PROG" ] || { echo "PROG=$$PROG: no such file (arguments go" \
		"into APPEND=; Calf's own programs are at the prompt)" >&2; \
		exit 1; }
endif
ifneq ($(ROOT),)
	@{ [ ! -e "$$ROOT/bin" ] || [ -d "$$ROOT/bin" ]; } && \
		[ ! -L "$$ROOT/bin" ] || \
		$(call wrong,ROOT,a folder whose bin is a folder)
endif
	$(Q)sh tools/mkcpio.sh $@ $(if $(PROG),init="$$PROG:755",/="$$ROOT")
	$(if $(ROOT),$(Q)cat $(B)/initrd.cpio $@ >$@.all && mv $@.all $@)
endif

QEMU_ARGS := -machine virt -smp $(call quoted,$(strip $(SMP))) \
	-m $(call quoted,$(strip $(MEM))) -nographic
BOOT_ARGS = -kernel $(B)/calf.elf \
	$(if $(INITRD),-initrd $(call quoted,$(INITRD))) \
	$(if $(APPEND),-append $(call quoted,$(APPEND)))

# What QEMU would understand in another way, or die of.
sensible:
	@case $(call quoted,$(SMP)) in *[1-9]*) ;; \
		*) $(call wrong,SMP,a number of harts) ;; esac
	@case $(call quoted,$(MEM)) in *[1-9]*) ;; \
		*) $(call wrong,MEM,a size such as 128M) ;; esac
	@[ ! -d $(call quoted,$(INITRD)) ] || \
		$(call wrong,INITRD,a file; ROOT= takes a folder)

BOOT_FILES := $(B)/calf.elf $(call escaped,$(INITRD))

# The status that a session ends with is printed, and is no error of make's.
run: sensible $(BOOT_FILES) ## boot to the shell (SMP= MEM= APPEND= PROG=file ROOT=folder INITRD=)
	$(info $(QEMU) $(QEMU_ARGS) $(BOOT_ARGS))
	@command -v $(QEMU) >/dev/null || \
		{ echo "there is no $(QEMU); try: make deps run" >&2; exit 1; }
	@$(QEMU) $(QEMU_ARGS) $(BOOT_ARGS); status=$$?; \
		[ $$status = 0 ] || echo "QEMU ended with status $$status."

# One hart that counts its instructions makes no two runs that differ.
gdb: sensible $(BOOT_FILES) ## boot under gdb, stopped at the first instruction
	$(Q)sh tools/gdb/session.sh "$(GDB)" "$(B)/calf.elf" \
		$(QEMU) $(QEMU_ARGS:-nographic=-display none) \
		$(if $(filter 1,$(SMP)),-icount shift=0) $(BOOT_ARGS)

debug: sensible $(BOOT_FILES) ## boot, and wait for a debugger of your own
	@echo "in another terminal: $(GDB) -x tools/gdb/init.gdb $(B)/calf.elf" \
		"-ex 'target remote :$(GDB_PORT)'"
	$(QEMU) $(QEMU_ARGS) $(BOOT_ARGS) -S -gdb tcp:127.0.0.1:$(GDB_PORT)

# --- around the build --------------------------------------------------------

# Those that are not there are not named.
compilers: ## which compilers and which QEMU are there?
	@for tool in $(CROSS)gcc clang $(HOSTCC) riscv64-linux-gnu-gcc $(QEMU); do \
		! command -v $$tool >/dev/null || \
		echo "$$tool: $$($$tool --version 2>/dev/null | head -n 1)"; \
	done

# Without headers, and without what only test builds contain.
count: ## lines of code of the kernel proper, by folder and subject
	@$(PYTHON) tools/count.py $(KERNEL_SRCS)

clean: ## remove build/
	rm -rf $(B)

# The headings are those of this file and of those that it includes.
help: ## this list
	@awk -f tools/help.awk $(filter-out %.d,$(MAKEFILE_LIST))

.PHONY: all sensible run gdb debug compilers count clean help deps

# --- tests, measurements and checks ------------------------------------------

include tools/film/film.mk
include tests/tests.mk
include tools/gdb/replay.mk
include tests/bench/bench.mk
include tests/mutants/mutants.mk
include tests/checks.mk

endif
