#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot t_tty.c, and type what it asks for.

    tests/user/typist.py QEMU-COMMAND...

What comes from the machine is passed on, for tools/run.py to judge. A line
"# type TEXT" has TEXT typed, in which \\n and \\x04 mean what they do in
Python. Behind the ^C that a terminal shows a new line is begun. The first line
is typed as soon as the firmware speaks, which has set up the serial port then.
"""

import signal
import subprocess
import sys

PROMPT = b"# type "
FIRMWARE = b"OpenSBI"
CTRL_C = b"^C"
EARLY = b"early\r"
SECONDS = 60


def main() -> int:
    with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, bufsize=0) as machine:
        signal.signal(signal.SIGALRM, lambda *_: machine.kill())
        signal.alarm(SECONDS)
        for line in iter(machine.stdout.readline, b""):
            if line.startswith(CTRL_C):
                sys.stdout.buffer.write(CTRL_C + b"\n")
                line = line[len(CTRL_C):]
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            if line.startswith(FIRMWARE):
                machine.stdin.write(EARLY)
            if line.startswith(PROMPT):
                text = line[len(PROMPT):].strip().decode()
                machine.stdin.write(text.encode().decode(
                    "unicode_escape").replace("\n", "\r").encode())
    return machine.returncode


if __name__ == "__main__":
    sys.exit(main())
