# SPDX-License-Identifier: MIT
#
# nasty.mk - the nasty machine; docs/nasty.md.

# --- the nasty machine -------------------------------------------------------

NB := $(B)/nasty
NS := tests/nasty
NASTY_CORE := $(addprefix $(NS)/,exec.c decode.c rvc.c csr.c fp.c fp_value.c)
NASTY_SRCS := $(NASTY_CORE) $(addprefix $(NS)/,main.c config.c machine.c \
	sched.c memory.c late.c tlb.c icache.c hooks.c firmware.c devices.c fdt.c elf.c \
	typing.c check.c stay.c report.c kill.c \
	gdbstub.c gdb_packet.c gdb_regs.c snapshot.c)
NASTY_CFLAGS := -std=gnu17 -O3 -g -Wall -Wextra -Werror -Wshadow -Wundef \
	-Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
	-fno-strict-aliasing -fno-pie -flto -MMD -MP -I$(NB)
NASTY_LINK = $(HOSTCC) -O3 -no-pie -flto=auto

# The kernel's own headers say where things are in its structures.
$(NB)/layout.h: $(NS)/layout.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -MF $(NB)/layout.d -MT $@ -g0 -S $< -o $(NB)/layout.s
	$(Q)tr -d '"' < $(NB)/layout.s | awk '$$1 == ".ascii" && $$2 == "->" \
		{ print "#define", $$3, $$4 "UL" }' > $@

$(NB)/%.o: $(NS)/%.c $(NB)/layout.h Makefile $(NS)/nasty.mk
	$(if $(Q),@echo "  HOST  $@")
	$(Q)$(HOSTCC) $(NASTY_CFLAGS) $(NASTY_EXTRA) -c $< -o $@

$(NB)/nasty: $(patsubst $(NS)/%.c,$(NB)/%.o,$(NASTY_SRCS))
	$(if $(Q),@echo "  HOST  $@")
	$(Q)$(NASTY_LINK) $^ -o $@
-include $(wildcard $(NB)/*.d)

# Each instruction keeps its own jump to the next. Clang has no such options.
$(NB)/exec.o: NASTY_EXTRA = $(shell $(HOSTCC) $(KEEP_JUMPS) -Werror -E -x c \
	/dev/null >/dev/null 2>&1 && echo $(KEEP_JUMPS))
KEEP_JUMPS := -fno-gcse -fno-crossjumping -fno-thread-jumps

# The core by itself, in flat memory. The compiler must not compute results of
# floating point itself.
$(NB)/test_core.o: NASTY_CFLAGS += -frounding-math -O1
$(NB)/test_core: $(patsubst $(NS)/%.c,$(NB)/%.o,$(NASTY_CORE) $(NS)/flat.c \
		$(NS)/test_core.c)
	$(if $(Q),@echo "  HOST  $@")
	$(Q)$(NASTY_LINK) $^ -lm -o $@

# The core and QEMU's user emulator, on random programs.
$(NB)/compare: $(patsubst $(NS)/%.c,$(NB)/%.o,$(NASTY_CORE) $(NS)/flat.c \
		$(NS)/programs.c $(NS)/emit.c $(NS)/values.c $(NS)/words.c \
		$(NS)/compare.c)
	$(if $(Q),@echo "  HOST  $@")
	$(Q)$(NASTY_LINK) $^ -o $@

# The machine and QEMU, on random programs of S and U mode, which run on this.
$(NB)/system_m.elf: SYSTEM_BASE := 0x80000000
$(NB)/system.elf: SYSTEM_BASE := 0x80200000
$(NB)/%.elf: $(NS)/%.S $(NS)/system.h Makefile $(NS)/nasty.mk
	@mkdir -p $(@D)
	$(if $(Q),@echo "  AS    $@")
	$(Q)$(CC) -march=rv64gc -mabi=lp64d -mno-relax -fno-pic -nostdlib \
		-static -Wl,-n,-Ttext=$(SYSTEM_BASE),--build-id=none $(LDFLAGS_CC) \
		$< -o $@

$(NB)/compare_system: $(patsubst $(NS)/%.c,$(NB)/%.o,$(addprefix $(NS)/,system.c \
		emit.c values.c words.c compare_system.c)) | $(NB)/system.elf \
		$(NB)/system_m.elf $(NB)/nasty
	$(if $(Q),@echo "  HOST  $@")
	$(Q)$(NASTY_LINK) $^ -o $@

# The small kernel that tests a machine.
$(NB)/board.elf: $(NS)/board.c $(NS)/board_start.S $(NS)/board.h \
		$(NB)/layout.h Makefile $(NS)/nasty.mk
	$(if $(Q),@echo "  CC    $@")
	$(Q)$(CC) -std=gnu17 -O2 -g -Wall -Wextra -Werror -march=rv64gc \
		-mabi=lp64d -mcmodel=medany -mno-relax -ffreestanding \
		-fno-pic -fno-builtin -nostdlib -static -msmall-data-limit=0 -I$(NB) \
		-Wl,-n,--section-start=.start=0x80200000,-Ttext=0x80201000 \
		-Wl,-Tbss=0x80210000,--build-id=none $(LDFLAGS_CC) \
		$(filter %.c %.S,$^) -o $@

NASTY_FILES := $(NB)/nasty $(B)/calf-test.elf $(B)/test.cpio $(B)/small.cpio

# A failure is printed with the command that repeats it.
test-nasty: $(NASTY_FILES) ## the suites on the nasty machine (SEED= SEEDS= HARTS= SUITE=)
	$(Q)$(PYTHON) tests/nasty/suites.py --seed $(SEED) \
		$(if $(SEEDS),--seeds $(SEEDS)) $(if $(HARTS),--harts $(HARTS)) \
		$(SUITE)

# Kills both servers, or VICTIM=files or console, in all chapters, or CHAPTER=.
# More words are in `tests/nasty/kill.py --help`: WORDS="--keeper --smp 2
# --adversary".
kill-everywhere: $(NB)/nasty $(B)/calf.elf $(B)/kill.cpio ## servers are killed at each instruction (VICTIM= CHAPTER= FROM= TO= STEP= SEED= WORDS=)
	$(Q)$(PYTHON) tests/nasty/kill.py --build $(B) --seed $(SEED) \
		$(if $(VICTIM),--victim $(VICTIM)) $(if $(FROM),--from $(FROM)) \
		$(if $(TO),--to $(TO)) $(if $(STEP),--step $(STEP)) \
		$(WORDS) $(CHAPTER)

sweep-nasty: $(NASTY_FILES) ## leave out each fence: which seed notices? (ONLY=)
	$(Q)$(PYTHON) tests/nasty/sweep.py $(ONLY)

speed-nasty: $(NASTY_FILES) ## how fast it is, beside QEMU (SEED= SEEDS=)
	$(Q)$(PYTHON) tests/nasty/speed.py $(SEED) $(or $(SEEDS),1)

test-insn: $(NB)/compare ## random programs: the nasty machine's core and QEMU (SEED= COUNT=)
	$(Q)$< --seed $(SEED) $(if $(COUNT),--count $(COUNT))

test-system: $(NB)/compare_system ## random programs of S and U mode, with page tables and traps
	$(Q)$< --seed $(SEED) $(if $(COUNT),--count $(COUNT))

.PHONY: test-nasty kill-everywhere sweep-nasty speed-nasty test-insn test-system
