# SPDX-License-Identifier: MIT
#
# session.gdb - for a machine that gdb has started: `quit` ends the machine, too.
# Without this gdb would let the machine run on, and wait for its end.

source tools/gdb/init.gdb

define hook-quit
python
try:
    gdb.execute("kill", to_string=True)
except gdb.error:  # it has ended, or ends before it can answer
    pass
end
end
