# SPDX-License-Identifier: MIT
#
# red.mk - what must fail: programs for the test archive, files that are no
# kernel, and broken device trees. tests/boots.txt says how each of them fails.

# tests/red/NAME.c, alone; /bin/NAME in the test archive.
RED_PROGS := red

RED_FILES := $(B)/red-silent.bin $(B)/trees

# A kernel that starts and prints nothing: one instruction, a jump to itself, at
# the address to which the firmware jumps.
$(B)/red-silent.bin:
	@mkdir -p $(@D)
	$(Q)printf '\157\000\000\000' > $@

# Made from the device tree that QEMU gives its machine.
$(B)/trees: tests/red/trees.py
	$(Q)rm -rf $@ && $(PYTHON) tests/red/trees.py $@ $(QEMU) || \
		{ rm -rf $@; false; }
