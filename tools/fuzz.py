#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot the test kernel under random system calls (tests/user/fuzz.c).

    tools/fuzz.py [--seed N] [--calls N] [--harts N] [--every N] [--twice]

On one hart every instruction is QEMU's to count, so a seed is a run: with
--twice it is run a second time, and both must tell the same transcript.  On
several harts a seed chooses the calls, and the machine their order.

A failure is told with its seed, the number of the call, what was called, and
the line that does it all again.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include" / "abi" / "syscall.h"

# By the number of harts: how much memory the machine has, after how many calls
# the kernel checks itself, how many frames are left free, how many families of
# processes call. A check takes the longer the more memory is in use.
MEMORY = {1: "12M"}
EVERY = {1: 1}
FREE = {1: 160}
FAMILIES = {1: 2}
# What the kernel gets from outside is the same in each run, too: the seed of its
# random numbers, and the time at which it boots.
SAME = "-seed 1 -rtc base=2026-01-01,clock=vm"

# What a panic prints of the process that the kernel was working for.
NUMBER = re.compile(r"process at pc \w+, a7 (\d+)")
ARGUMENTS = re.compile(r"^\s+a0 (\w+), a1 (\w+), a2 (\w+), a3 (\w+), "
                       r"a4 (\w+), a5 (\w+)", re.MULTILINE)
WHERE = re.compile(r"^\s+t0 (\d+), t1 (\d+), t2 (\d+)", re.MULTILINE)
TRANSCRIPT = re.compile(r"^# after call .* transcript (\w+)", re.MULTILINE)


def call_name(number: int) -> str:
    found = re.search(rf"#define SYS_(\w+)\s+{number}\b", HEADER.read_text())
    return found.group(1) if found else f"call number {number}"


def panic_story(log: str, seed: int) -> Optional[str]:
    """Which call the kernel did not survive, from the registers it printed."""
    number, where = NUMBER.search(log), WHERE.search(log)
    arguments = ARGUMENTS.search(log)
    if not number or not where or not arguments:
        return None
    call, words = int(number.group(1)), list(arguments.groups())
    if int(where.group(2)) != seed:
        return None
    name, when = call_name(call), "in"
    if name == "calf_check" and words[0] != "0":
        # The kernel was told after which call it checks.
        name, when = call_name(int(words[0], 16)), "after"
        words = words[1:]
    return (f"{when} call {where.group(1)} of seed {seed}, by family "
            f"{where.group(3)}: {name}({', '.join(words)})")


def boot_command(options: argparse.Namespace, name: str) -> List[str]:
    harts = options.harts
    every = options.every or EVERY.get(harts, 256)
    append = (f"rdinit=/bin/fuzz -- seed={options.seed} "
              f"calls={options.calls} "
              f"every={every} free={FREE.get(harts, 600)} "
              f"families={FAMILIES.get(harts, 2 * harts + 2)} "
              f"members={8 * harts}")
    command = [sys.executable, str(ROOT / "tools" / "run.py"),
               "--name", name, "--smp", str(harts),
               "--mem", MEMORY.get(harts, "24M"),
               "--timeout", str(120 + options.calls // 50),
               "--qemu", options.qemu, "--initrd", "build/fuzz.cpio",
               "--append", append]
    if harts == 1:
        command += ["--icount", f"--extra={SAME}"]
    return command + ["build/calf-test.elf"]


def play(options: argparse.Namespace, name: str) -> Optional[str]:
    """One run. Returns its transcript, or None after a failure was printed."""
    command = boot_command(options, name)
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    path = ROOT / "build" / "logs" / f"{name}.log"
    log = path.read_text(errors="replace") if path.exists() else ""
    log = log.replace("\r", "")
    for line in log.splitlines():
        if line.startswith("# after"):
            print(line)
    found = TRANSCRIPT.search(log)
    if status == 0 and found:
        return found.group(1)
    story = panic_story(log, options.seed)
    if story:
        print(f"the kernel stopped {story}")
    else:
        print("\n".join(line for line in log.splitlines()
                        if line.startswith("# ")))
    print(f"again: make fuzz SEED={options.seed} CALLS={options.calls} "
          f"HARTS={options.harts}"
          f"{f' EVERY={options.every}' if options.every else ''}")
    return None


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seed", type=int, default=1)
    add("--calls", type=int, default=20000)
    add("--harts", type=int, default=1)
    add("--every", type=int, default=0, help="calls between two checks")
    add("--twice", action="store_true", help="and compare the transcripts")
    add("--qemu", default="qemu-system-riscv64")
    options = parser.parse_args(arguments)
    name = f"fuzz-smp{options.harts}-{options.seed}"
    first = play(options, name)
    if first is None or not options.twice:
        return int(first is None)
    second = play(options, f"{name}-again")
    if second != first:
        print(f"not the same run: {first}, then {second}")
    return int(second != first)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
