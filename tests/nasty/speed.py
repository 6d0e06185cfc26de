#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How fast is the nasty machine? All suites in the kernel, here and on QEMU.

    tests/nasty/speed.py SEED SEEDS
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


def main(seed: int, seeds: int) -> None:
    times = []
    qemu = min(cpu_of([*QEMU, *COMMON])[0] for _ in range(2))
    print(f"QEMU:    {qemu:.1f} s of CPU")
    for n in range(seed, seed + seeds):
        nasty, said = cpu_of(["build/nasty/nasty", *COMMON, f"seed={n}"])
        count = int(re.search(r"nasty: (\d+) instructions", said).group(1))
        late = re.search(r" late=(\d)", said).group(1)
        times.append(nasty)
        print(f"seed {n:2d}: {nasty:.1f} s, {count / nasty / 1e6:.0f} million "
              f"instructions a second, {nasty / qemu:.1f} times QEMU, "
              f"late={late}",
              flush=True)
    print(f"mean:    {sum(times) / seeds / qemu:.1f} times QEMU")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
