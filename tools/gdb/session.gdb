# SPDX-License-Identifier: MIT
#
# session.gdb - for a machine that gdb has started: to quit ends both. Else gdb
# lets go of a machine that runs on, and waits for its end.

source tools/gdb/init.gdb

define hook-quit
python
try:
    gdb.execute("kill", to_string=True)
except gdb.error:  # it has ended, or ends before it can answer
    pass
end
end
