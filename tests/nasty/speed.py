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
sys.path.insert(0, str(ROOT / "tools"))

from mutants import end_tests_when_killed  # noqa: E402

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
    ours, qemus = [], []
    for n in range(seed, seed + seeds):
        # QEMU each time: other work on this machine slows both.
        qemu, _ = cpu_of([*QEMU, *COMMON])
        nasty, said = cpu_of(["build/nasty/nasty", *COMMON, f"seed={n}"])
        count = int(re.search(r"nasty: (\d+) instructions", said).group(1))
        late = re.search(r" late=(\d)", said).group(1)
        print(f"seed {n}, late={late}: {nasty:.1f} s of CPU, "
              f"{count / nasty / 1e6:.0f} million instructions a second; "
              f"QEMU {qemu:.1f} s, {nasty / qemu:.1f} times", flush=True)
        ours.append(nasty)
        qemus.append(qemu)
    print(f"all: {sum(ours) / sum(qemus):.1f} times QEMU")


if __name__ == "__main__":
    if len(sys.argv) != 3 or not all(map(str.isdigit, sys.argv[1:])) or \
            sys.argv[2] == "0":
        sys.exit("speed.py: expected two numbers: the first seed, and how many")
    end_tests_when_killed()
    main(int(sys.argv[1]), int(sys.argv[2]))
