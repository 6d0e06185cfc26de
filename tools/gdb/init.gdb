# SPDX-License-Identifier: MIT
#
# init.gdb - a debugger that understands Calf.  From the top of the tree:
#
#   gdb-multiarch -x tools/gdb/init.gdb build/calf.elf -ex 'target remote :1234'

set confirm off
set pagination off
set architecture riscv:rv64

# With an operating system's ABI, stepping over sret runs away.
set osabi none

# The contents of an address depend on the mode of the hart: gdb reads each time.
set stack-cache off
set code-cache off

# A machine on a busy host takes its time to answer; two seconds are too few.
set remotetimeout 60

source tools/gdb/calf.py
