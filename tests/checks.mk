# SPDX-License-Identifier: MIT
#
# checks.mk - what can be found out about the sources without a boot.

# --- checks ------------------------------------------------------------------

C_FILES := main.c $(wildcard arch/*.[ch] mm/*.[ch] proc/*.[ch] trap/*.[ch] \
	lib/*.[ch] include/*/*.h user/*.c user/*/*.[ch] user/*/*/*.[ch] \
	tests/*/*.[ch] tests/*/*/*/*.h)
KERNEL_C := $(filter %.c,$(KERNEL_SRCS))
CLANG ?= clang

# A check that cannot run says `NAME: skipped`, and why, and succeeds.
CHECKS := format layers locks clang registers analyzer cppcheck stack places docs
check: ## all that needs no boot
	+@$(if $(CROSS)$(HAS_LLVM),,echo "no compiler for RISC-V: make deps check" >&2; exit 1;) \
	sh tools/check.sh "$(MAKE)" $(CHECKS)

# Other versions of clang-format write some lines differently.
CLANG_FORMAT ?= $(firstword $(foreach f,clang-format-14 clang-format,\
	$(if $(filter 14.%,$(shell $(f) --version 2>/dev/null)),$(f))))

check-format: ## is every file as clang-format would write it?
ifeq ($(CLANG_FORMAT),)
	@echo "format: skipped, as there is no clang-format 14"
else
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES) && echo "format: clean"
endif

check-layers: ## which folder includes which, where instructions and paths may be, sizes
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
		$(B)/clang/calf-test.elf $(B)/clang/calf-trace.elf \
		>/dev/null && echo "clang: builds"
endif

# The functions in these files use registers that other C functions leave alone
# (MESSAGE_CFLAGS), so only trapvec.S may call them.
MESSAGE_OBJS := $(filter %/fast_port.o %/fast_reply.o,$(KERNEL_OBJS))

check-registers: $(if $(filter 1,$(LLVM)),,$(KERNEL_OBJS)) ## does C leave alone what trapvec.S does not save?
ifeq ($(LLVM),1)
	@echo "registers: skipped, as clang uses them all"
else
	@for file in $(filter-out %/entry.o %/trapvec.o,$(KERNEL_OBJS)); do \
		case $$file in \
		*/fast_port.o|*/fast_reply.o) kept='gp' ;; \
		*) kept='gp|t[2-6]' ;; \
		esac; \
		$(CROSS)objdump -d $$file | grep -E "\b($$kept)\b" && \
		echo "in $$file" && exit 1; \
	done; \
	$(CROSS)nm -g --defined-only $(MESSAGE_OBJS) | \
		awk '$$2 == "T" { print $$3 }' >$(B)/messages.txt; \
	if $(CROSS)nm -A -u $(filter-out %/trapvec.o,$(KERNEL_OBJS)) | \
		grep -wFf $(B)/messages.txt; then \
		echo "only trapvec.S may call these: it saves all registers"; \
		exit 1; fi; echo "registers: clean"
endif

# GCC's analysis of paths through a function and what it calls.
$(eval $(call kernel_rules,$(B)/analyzer,-DCALF_TEST -fanalyzer,$(KERNEL_C),\
	tests/checks.mk))
ANALYZED := $(if $(filter 1,$(LLVM)),,$(KERNEL_C:%.c=$(B)/analyzer/%.o))

# Two wrong warnings are switched off: GCC 14 does not see that pipe_open()
# frees the new pipe if it was not used, and that port_clear_part() takes from
# its list what it frees.
$(B)/analyzer/proc/pipe.o: KERNEL_CFLAGS += -Wno-analyzer-malloc-leak
$(B)/analyzer/proc/port.o: KERNEL_CFLAGS += -Wno-analyzer-use-after-free

check-analyzer: $(ANALYZED) ## gcc -fanalyzer of every kernel file
	@echo "analyzer: $(if $(ANALYZED),clean,skipped, as there is no GCC)"

# cppcheck looks for undefined behaviour. Version 2.10 cannot read an attribute
# of `type *(name)(...)`, so attributes are left out, and a file tells it which
# functions do not return. It takes two symbols of the linker in alloc_site.c
# for two objects, although they are the ends of one section. Version 2.17
# cannot read a register variable, so it gives up on sbi.c; it does not see that
# what args.c and device.c copy was written before; and it prints a note about
# how thoroughly it looks.
check-cppcheck: ## cppcheck of every kernel file
	@if ! command -v cppcheck >/dev/null; then \
		echo "cppcheck: skipped, as there is none"; exit; fi; \
	cppcheck -q --enable=warning,performance,portability --std=c11 \
		--platform=unix64 --error-exitcode=1 -DCALF_TEST -D__riscv \
		-U__clang__ -U__ASSEMBLER__ '-D__attribute__(x)=' \
		--library=tools/cppcheck.cfg -Iinclude -I. \
		--suppress=comparePointers:mm/alloc_site.c \
		--suppress=legacyUninitvar:proc/args.c \
		--suppress=uninitvar:proc/device.c \
		--suppress=syntaxError:arch/sbi.c \
		--suppress=normalCheckLevelMaxBranches $(KERNEL_C) && \
	echo "cppcheck: clean"

check-stack: $(if $(filter 1,$(LLVM)),,$(KERNEL_OBJS) $(TEST_KERNEL_OBJS)) ## how deep can the stack get?
ifeq ($(LLVM),1)
	@echo "stack: skipped, as only GCC tells of calls and frames"
else
	@$(PYTHON) tools/check-stack.py $(B)/kernel $(B)/test
endif

check-places: ## is a section that no linker script names an error?
	@for script in linker.ld user/user.ld user/boot.ld; do \
		printf '.globl _start\n_start: ret\n.section .stray,"a"\n.word 1' | \
		$(CC) -march=rv64gc -mabi=lp64d -nostdlib -static -x assembler - \
		-Wl,-T,$$script $(PLACES) -o /dev/null 2>&1 | grep -q stray || { \
		echo "places: $$script takes any section"; exit 1; }; \
	done; echo "places: clean"

check-docs: ## do the documents name what exists?
	@$(PYTHON) tools/check-docs.py

figures: ## draw docs/figures/*.svg again from the text beside them
	@$(PYTHON) tools/figures.py

sessions: $(B)/calf.elf $(B)/initrd.cpio $(NB)/nasty ## hold the gdb sessions of the documents again
	@$(PYTHON) tools/sessions.py

format: ## let clang-format 14 write every file
	@$(or $(CLANG_FORMAT),clang-format-14) -i $(C_FILES)

.PHONY: check $(CHECKS:%=check-%) figures sessions format
