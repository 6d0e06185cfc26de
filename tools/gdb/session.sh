#!/bin/sh
# SPDX-License-Identifier: MIT
#
# session.sh GDB KERNEL QEMU ARGS... - starts QEMU stopped, and a debugger
# attached to it. The console of the machine goes to build/console.log, as the
# terminal belongs to the debugger; both end together.

set -eu
gdb=$1
kernel=$2
shift 2
if [ -z "$gdb" ]; then
	echo "no gdb that knows RISC-V was found; try: make deps gdb" >&2
	exit 1
fi
log=$(dirname "$kernel")/console.log
: >"$log"
echo "the console of the machine: tail -f $log"
# gdb gives the command to a shell, which takes the quotes off again.
machine=exec
for word in "$@" -serial "file:$log" -monitor none -S -gdb stdio; do
	machine="$machine '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"
done
exec "$gdb" -q -x tools/gdb/session.gdb "$kernel" -ex "target remote | $machine"
