# SPDX-License-Identifier: MIT
#
# red.mk - what must fail: programs for the test archive, and files that are
# no kernel. tests/boots.txt says how each of them fails.

# tests/red/NAME.c, alone; /bin/NAME in the test archive.
RED_PROGS := red

RED_FILES := $(B)/red-silent.bin

# A kernel that starts and never says a word: one instruction, a jump to
# itself, where the firmware enters.
$(B)/red-silent.bin:
	@mkdir -p $(@D)
	$(Q)printf '\157\000\000\000' > $@
