#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where the kernel's instructions go, function by function.

    tools/profile.py [options] KERNEL INITRD [WORDS...]

Boots KERNEL with INITRD in QEMU, one instruction at a time, with WORDS as the
first process's arguments, and follows every visit to the kernel from the trap
to the return to user mode.  Visits are sorted into kinds: by the system call,
or by what a page fault had to do.  For each kind that took a share worth
telling it prints how many visits there were, the instructions of the middle
one, and the functions that this visit spent them in:

    tools/profile.py build/calf.elf build/bench.cpio life

Functions that were inlined count as part of their callers.  A million
instructions take a few seconds: choose something short.
"""

from __future__ import annotations

import argparse
import bisect
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

PC = re.compile(rb"\[[0-9a-f]+/([0-9a-f]+)/")
ENTRY = "trap_vector"

# A kind of visit is named by those of these functions that it called.
TELLING = re.compile(
    r"^((sys|fast)_(?!zero$)\w+|table_(copy|split|create)|page_(own|give|copy|"
    r"zero)|signal_deliver|aspace_teardown|aspace_switch|sched_tick)$")


class Symbols:
    """The kernel's functions, by address."""

    def __init__(self, kernel: str, nm: str):
        listing = subprocess.run([nm, "-n", kernel], check=True,
                                 capture_output=True, text=True).stdout
        self.starts: List[int] = []
        self.names: List[str] = []
        for line in listing.splitlines():
            fields = line.split()
            if len(fields) == 3 and fields[1] in "tT" and \
                    not fields[2].startswith((".L", "$")):
                self.starts.append(int(fields[0], 16))
                self.names.append(re.sub(r"\.(isra|part|constprop|cold).*", "",
                                         fields[2]))
        self.cache: Dict[bytes, str] = {}

    def range(self) -> Tuple[int, int]:
        return self.starts[0], self.starts[-1] + 0x1000

    def address(self, name: str) -> int:
        return self.starts[self.names.index(name)]

    def at(self, pc: bytes) -> str:
        name = self.cache.get(pc)
        if name is None:
            index = bisect.bisect_right(self.starts, int(pc, 16)) - 1
            name = self.names[index] if index >= 0 else "?"
            self.cache[pc] = name
        return name


class Visit:
    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()

    def total(self) -> int:
        return sum(self.spent.values())

    def kind(self) -> str:
        telling = sorted(n for n in self.spent if TELLING.match(n))
        calls = [n for n in telling if n.startswith("sys_")]
        return " ".join(calls or telling) or "other"


def visits(lines: Iterator[bytes], symbols: Symbols) -> Iterator[Visit]:
    """Cuts the trace at each entry; whatever precedes the first is boot."""
    entry = b"%016x" % symbols.address(ENTRY)
    visit: Optional[Visit] = None
    for line in lines:
        match = PC.search(line)
        if match is None:
            continue
        pc = match.group(1)
        if pc == entry:
            if visit is not None:
                yield visit
            visit = Visit()
        if visit is not None:
            visit.spent[symbols.at(pc)] += 1
    if visit is not None:
        yield visit


def trace(options: argparse.Namespace, symbols: Symbols) -> Iterator[bytes]:
    """The lines that QEMU logs: one for each instruction of the kernel."""
    low, high = symbols.range()
    with tempfile.TemporaryDirectory() as folder:
        fifo = os.path.join(folder, "trace")
        os.mkfifo(fifo)
        words = " ".join(options.words)
        argv = [options.qemu, "-machine", "virt", "-smp", "1",
                "-m", options.mem, "-icount", "shift=0,sleep=off",
                single_step(options.qemu), "-d", "exec,nochain",
                "-dfilter", f"{low:#x}..{high:#x}", "-D", fifo,
                "-display", "none", "-monitor", "none", "-serial", "stdio",
                "-no-reboot", "-kernel", options.kernel,
                "-initrd", options.initrd, "-append", f"-- {words}"]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                                   stdout=sys.stderr)
        try:
            with open(fifo, "rb") as log:
                yield from log
        finally:
            process.kill()
            process.wait()


def single_step(qemu: str) -> str:
    """The option was renamed in QEMU 8.1, and the old name removed later."""
    options = subprocess.run([qemu, "-help"], capture_output=True,
                             text=True).stdout
    return "-one-insn-per-tb" if "-one-insn-per-tb" in options \
        else "-singlestep"


def show(kind: str, group: List[Visit], options: argparse.Namespace) -> None:
    group.sort(key=lambda visit: visit.total())
    middle = group[(len(group) - 1) // 2]
    total = middle.total()
    print(f"\n{kind}: {len(group)} visits, {group[0].total()} to "
          f"{group[-1].total()} instructions, {total} in the middle one")
    for name, spent in middle.spent.most_common(options.functions):
        print(f"  {spent:8}  {100 * spent / total:5.1f} %  {name}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--mem", default="128M", metavar="SIZE")
    add("--qemu", default="qemu-system-riscv64", metavar="PATH")
    add("--nm", default="riscv64-unknown-elf-nm", metavar="PATH")
    add("--functions", type=int, default=16, metavar="N",
        help="list so many of each kind")
    add("--share", type=float, default=0.5, metavar="PERCENT",
        help="leave out kinds that took less of the whole")
    add("kernel", type=lambda path: str(Path(path)))
    add("initrd")
    add("words", nargs="*")
    return parser.parse_args()


def main() -> int:
    options = parse_arguments()
    symbols = Symbols(options.kernel, options.nm)
    kinds: Dict[str, List[Visit]] = defaultdict(list)
    for visit in visits(trace(options, symbols), symbols):
        kinds[visit.kind()].append(visit)
    sums = {kind: sum(visit.total() for visit in group)
            for kind, group in kinds.items()}
    whole = sum(sums.values())
    for kind in sorted(sums, key=lambda kind: -sums[kind]):
        if sums[kind] * 100 >= whole * options.share:
            show(kind, kinds[kind], options)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
