# SPDX-License-Identifier: MIT
#
# suites.mk - the tests that are linked into the test kernel, and run there
# when the boot arguments hold `ktest`.

KTEST_SRCS := \
	tests/kernel/ktest.c \
	tests/kernel/ballast.c \
	tests/kernel/space.c \
	tests/kernel/string.c \
	tests/kernel/fdt.c \
	tests/kernel/machine.c \
	tests/kernel/frame.c \
	tests/kernel/counts.c \
	tests/kernel/range.c \
	tests/kernel/protect.c \
	tests/kernel/fork.c \
	tests/kernel/bag.c \
	tests/kernel/lend.c \
	tests/kernel/family.c \
	tests/kernel/usercopy.c \
	tests/kernel/teardown.c \
	tests/kernel/numbers.c \
	tests/kernel/turns.c \
	tests/kernel/starve.c \
	tests/kernel/mistakes.c \
	tests/kernel/exception.c \
	tests/kernel/live.c \
	tests/kernel/model.c \
	tests/kernel/red.c

# What the third kernel, build/calf-ubsan.elf, has besides.
UBSAN_SRCS := tests/kernel/ubsan.c
