#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast is the nasty machine? All suites in the kernel, here and on QEMU.

    tests/nasty/speed.py [KEY=VALUE...]
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

ROOT = Path(__file__).resolve().parent.parent.parent
COMMON = ["-m", "64M", "-smp", "1", "-kernel", "build/calf-test.elf",
          "-append", "ktest"]
QEMU = ["qemu-system-riscv64", "-machine", "virt", "-nographic", "-monitor",
        "none", "-serial", "stdio", "-no-reboot"]


def cpu_of(argv: List[str]) -> Tuple[float, str]:
    """Seconds of CPU that a run takes, and what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{argv[0]}: status {done.returncode}")
    return (after.ru_utime + after.ru_stime - before.ru_utime -
            before.ru_stime, done.stdout)


def main(keys: List[str]) -> None:
    nasty, said = cpu_of(["build/nasty/nasty", *COMMON, *keys])
    qemu, _ = cpu_of([*QEMU, *COMMON])
    count = int(re.search(r"nasty: (\d+) instructions", said).group(1))
    print(f"nasty: {nasty:.1f} s of CPU, {count / nasty / 1e6:.1f} million "
          f"instructions a second\nQEMU:  {qemu:.1f} s of CPU; the nasty "
          f"machine takes {nasty / qemu:.1f} times as long")


if __name__ == "__main__":
    main(sys.argv[1:])
