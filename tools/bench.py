#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measure Calf, beside Linux.

    tools/bench.py                 all rows; records them in docs/bench/
    tools/bench.py --quick         what takes seconds and little memory
    tools/bench.py --linux IMAGE   the same program on a Linux kernel, too
    tools/bench.py --gate          fail if Calf is slower than recorded
    tools/bench.py --record        record them also if they are only the quick
    tools/bench.py --wall          by the clock, on 1, 2 and 4 harts
    tools/bench.py --hidden PLUGIN what instructions hide, by tests/bench/hidden.c

The program is user/bench.c, from an archive that holds it as /init: the same
file on both kernels.  Some of its rows are measured once more with glibc, if
there is an archive with such a program (--glibc-initrd).  Instructions are counted in a deterministic machine
(-smp 1 -icount shift=0,sleep=off); a row whose contents were wrong fails.
Without --linux the Linux columns are those recorded in docs/bench/linux*.tsv.

What a compiler makes of the kernel is compared with what the same compiler,
by its name and major version, made of it earlier: docs/bench/calf.tsv says by
which it was made, calf-NAME-MAJOR.tsv is another's.  One without a record is
compared with calf.tsv, and may lose more.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, List, Optional

import bench_hidden
import bench_report
from bench_report import Column, Rows

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "bench"
README = ROOT / "README.md"
ICOUNT = ["-smp", "1", "-icount", "shift=0,sleep=off"]

COMPILED = "compiled by "

# What is measured with glibc as well, and how those rows are called.
GLIBC_GROUPS = "fork life brk cow"
GLIBC_PREFIX = "glibc-"

LARGE, SMALL = 12, 4  # GiB of memory of the virtual machine
SPARE = 2             # GiB that this machine keeps for itself

# Seconds of virtual time: until then Linux's own threads run as well.
LINUX_SETTLES = 30


@dataclass
class Kernel:
    title: str
    image: str
    append: str = ""
    settle: int = 0


@dataclass
class Outcome:
    rows: Rows = field(default_factory=dict)
    remarks: List[str] = field(default_factory=list)
    seconds: float = 0.0
    done: bool = False

    def version(self) -> str:
        for remark in self.remarks:
            if remark.startswith("kernel: "):
                return remark[len("kernel: "):]
        return "unknown"

    def is_right(self) -> bool:
        return self.done and all(row.right for row in self.rows.values())


# --- Running ----------------------------------------------------------------


def memory() -> int:
    """GiB of memory for the guest: as much as this machine can spare."""
    for line in Path("/proc/meminfo").read_text().splitlines() \
            if Path("/proc/meminfo").exists() else []:
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) >> 20
            return LARGE if free >= LARGE + SPARE else SMALL
    return SMALL


def argv(kernel: Kernel, machine: List[str], words: str,
         options: argparse.Namespace, initrd: str) -> List[str]:
    settle = f"-s {kernel.settle} " if kernel.settle else ""
    append = f"{kernel.append} -- {settle}{words}".strip()
    return [options.qemu, "-machine", "virt", "-m", f"{options.mem}G",
            "-nographic", "-monitor", "none", "-serial", "stdio",
            "-no-reboot", *machine, "-kernel", kernel.image,
            "-initrd", initrd, "-append", append]


def run(kernel: Kernel, machine: List[str], words: str,
        options: argparse.Namespace, initrd: Optional[str] = None) -> Outcome:
    """Boots, and collects rows until the machine ends or time is up."""
    outcome = Outcome()
    started = time.monotonic()
    command = argv(kernel, machine, words, options, initrd or options.initrd)
    with subprocess.Popen(["timeout", str(options.timeout)] + command,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True, errors="replace") as process:
        assert process.stdout is not None
        for line in process.stdout:
            take(line.rstrip("\r\n"), outcome, options)
    outcome.seconds = time.monotonic() - started
    if process.returncode != 0:
        outcome.done = False
    return outcome


def take(line: str, outcome: Outcome, options: argparse.Namespace) -> None:
    row = bench_report.parse_row(line)
    if row is not None:
        outcome.rows[row.name] = row
    elif line.startswith("# "):
        outcome.remarks.append(line[2:])
        outcome.done = outcome.done or line == "# bench: done"
    if options.verbose or "panic" in line.lower() or "WRONG" in line:
        print(line, file=sys.stderr, flush=True)


def complain(kernel: Kernel, outcome: Outcome) -> None:
    for row in outcome.rows.values():
        if not row.right:
            print(f"{kernel.title}: {row.name}: wrong contents",
                  file=sys.stderr)
    if not outcome.done:
        print(f"{kernel.title}: did not get to the end", file=sys.stderr)


# --- Counting instructions --------------------------------------------------


def count(kernel: Kernel, options: argparse.Namespace) -> Outcome:
    """All rows, or the quick ones: with our library, then with glibc."""
    outcome = run(kernel, ICOUNT, "quick" if options.quick else "all",
                  options)
    if not options.glibc_initrd:
        print("# rows with glibc: skipped, as there is no "
              "riscv64-linux-gnu-gcc with a static C library")
        return outcome
    words = f"-p {GLIBC_PREFIX} {'small ' if options.quick else ''}" \
        f"{GLIBC_GROUPS}"
    second = run(kernel, ICOUNT, words, options, options.glibc_initrd)
    outcome.rows.update(second.rows)
    outcome.seconds += second.seconds
    outcome.done = outcome.done and second.done
    return outcome


def calf(options: argparse.Namespace) -> Kernel:
    return Kernel("Calf", options.kernel)


def linux(image: str, huge: str) -> Kernel:
    return Kernel(f"Linux, THP {'on' if huge == 'always' else 'off'}", image,
                  f"console=ttyS0 quiet panic=-1 transparent_hugepage={huge}",
                  LINUX_SETTLES)


def compilers_record(compiler: str) -> Path:
    """Where the figures of this compiler are kept."""
    name, _, version = compiler.partition(" ")
    family = f"{name} {version.split('.')[0]}"
    heading, _ = bench_report.read_record(DOCS / "calf.tsv")
    made = [line for line in heading if line.startswith(COMPILED)]
    if not made or made[0].startswith(f"{COMPILED}{family}."):
        return DOCS / "calf.tsv"
    return DOCS / f"calf-{family.replace(' ', '-')}.tsv"


LINUX_FILES = {"never": "linux.tsv", "always": "linux-thp.tsv"}


def record_linux(options: argparse.Namespace) -> bool:
    right = True
    for huge, name in LINUX_FILES.items():
        kernel = linux(options.linux, huge)
        outcome = count(kernel, options)
        complain(kernel, outcome)
        right = right and outcome.is_right()
        if options.quick or not outcome.is_right():
            continue
        bench_report.write_record(DOCS / name, [
            f"{outcome.version()}, transparent_hugepage={huge}",
            f"measured {time.strftime('%Y-%m-%d')}, {emulator(options)}, "
            f"-m {options.mem}G {' '.join(ICOUNT)}",
        ], outcome.rows)
    return right


def emulator(options: argparse.Namespace) -> str:
    done = subprocess.run([options.qemu, "--version"], capture_output=True,
                          text=True, check=False)
    words = done.stdout.split()
    return f"QEMU {words[3]}" if len(words) > 3 else "QEMU"


def linux_columns() -> List[Column]:
    columns = []
    for huge, name in LINUX_FILES.items():
        _, rows = bench_report.read_record(DOCS / name)
        if rows:
            columns.append(Column(linux("", huge).title, rows))
    return columns


def measure(options: argparse.Namespace) -> int:
    kernel = calf(options)
    outcome = count(kernel, options)
    complain(kernel, outcome)
    right = outcome.is_right()
    if options.linux:
        right = record_linux(options) and right
    if right and (not options.quick or options.record) \
            and not options.no_record:
        path = compilers_record(options.compiler)
        bench_report.write_record(path, [
            f"Calf, {emulator(options)}, -m {options.mem}G "
            f"{' '.join(ICOUNT)}", COMPILED + options.compiler], outcome.rows)
        if path.name == "calf.tsv":
            write_documents()
    lines = bench_report.table(outcome.rows, Column("Calf", outcome.rows),
                               linux_columns())
    print("\n".join(bench_report.plain(lines)))
    for name in LINUX_FILES.values():
        heading, _ = bench_report.read_record(DOCS / name)
        print("\n".join([""] + heading) if heading else "")
    return 0 if right else 1


def gate(options: argparse.Namespace) -> int:
    path = compilers_record(options.compiler)
    margin = bench_report.LOSS
    if not path.exists():
        path, margin = DOCS / "calf.tsv", bench_report.LOSS_OF_ANOTHER
    heading, recorded = bench_report.read_record(path)
    kernel = calf(options)
    outcome = count(kernel, options)
    complain(kernel, outcome)
    if not recorded:
        print("1..0\nBail out! nothing is recorded in docs/bench/calf.tsv")
        return 1
    print(f"# {COMPILED}{options.compiler}; compared with {path.name}, "
          f"{'; '.join(heading)}: at most {margin:.0%} worse")
    if options.quick:
        kept = {name: row for name, row in recorded.items()
                if name in outcome.rows}
        print(f"# {len(recorded) - len(kept)} recorded rows are not among the "
              "quick ones")
        recorded = kept
    lines = bench_report.gate(outcome.rows, recorded, margin)
    print("\n".join(lines))
    failed = any(line.startswith("not ok") for line in lines)
    if not outcome.done:
        print("Bail out! the measurement did not get to its end")
    return 1 if failed or not (recorded and outcome.done) else 0


# --- Documents --------------------------------------------------------------

GAINS = ("What fork and its family cost", (
    "null-call", "fork-0", "fork-1m", "fork-16m", "fork-256m", "fork-1g",
    "fork-4g", "fork-8g", "fork-maps-1", "fork-maps-100", "fork-maps-10000",
    "fork-exit-wait", "fork-exit-wait-1g", "fork-exit-wait-1g-heap",
    "fork-exec-wait",
    "fork-server-near", "fork-server-near-rate", "fork-server-far",
    "fork-server-far-rate", "idle-child-frames", "idle-children-1g"))
DEFERRED = ("What fork puts off, and what it costs later", (
    "cow-copy", "cow-last-owner", "first-touch-2m", "first-write-2m",
    "first-write-1g", "worst-fault", "read-1g-child", "read-1g-child-page",
    "read-1g-parent", "read-1g-parent-page", "write-1g-child",
    "write-1g-child-page", "write-1g-parent", "write-1g-parent-page"))
REST = ("The rest", (
    "zero-sequential", "zero-sparse", "first-touch-fresh-1g", "mmap-4k",
    "mmap-4k-touched", "mmap-1g", "mmap-1g-touched", "brk", "exit-1g-page",
    "switch", "yield-alone", "yield-switch-twice", "pipe-round-trip",
    "call-reply", "pipe-64k", "read-4k", "read-4k-odd", "file-read-1",
    "file-read-64k", "open-close", "stat-4", "create-write-unlink",
    "signal-return"))

GLIBC = ("Static programs with glibc, at the addresses of its linker", tuple(
    GLIBC_PREFIX + name for name in (
        "fork-0", "fork-1g", "fork-8g", "fork-exit-wait", "fork-exit-wait-1g",
        "fork-exit-wait-1g-heap", "fork-exec-wait", "brk", "cow-copy",
        "cow-last-owner", "first-touch-2m", "first-write-2m")))

INTRODUCTION = """\
<!-- SPDX-License-Identifier: MIT -->
# Results

Made by `make bench`; [README.md](README.md) says what each row is. Guest
instructions, the kernel's included, the median of several rounds. A ratio is
how many times better Calf is; below 1 it is worse.

![What fork costs its caller, by the size of the process](fork.svg)
"""


def write_documents() -> None:
    heading, rows = bench_report.read_record(DOCS / "calf.tsv")
    ours, others = Column("Calf", rows), linux_columns()
    parts = [INTRODUCTION]
    for title, names in (GAINS, GLIBC, DEFERRED, REST):
        lines = bench_report.table(names, ours, others)
        parts += [f"## {title}\n"] + bench_report.markdown(lines) + [""]
    parts += ["## Measured with\n"] + [f"- {line}" for line in heading]
    for name in LINUX_FILES.values():
        found, _ = bench_report.read_record(DOCS / name)
        if found:
            parts.append("- " + "; ".join(found))
    parts += scaling_section()
    parts += hidden_sections()
    (DOCS / "results.md").write_text("\n".join(parts) + "\n")
    (DOCS / "fork.svg").write_text(bench_report.plot([ours] + others))
    README.write_text(bench_report.refresh(README.read_text(),
                                           [ours] + others))


# --- By the clock -----------------------------------------------------------

HARTS = (1, 2, 4)


def scaling_section() -> List[str]:
    heading, rows = bench_report.read_record(DOCS / "scale.tsv")
    if not rows:
        return []
    lines = [["row", "operations a second"]]
    lines += [[name, f"{row.median:,.0f}"] for name, row in rows.items()]
    note = "\n".join(heading)
    return ["", "## On several harts, by the clock\n", note, "",
            "Each row is `harts: work-processes`; figures depend on the "
            "machine, only ratios mean.\n"] + \
        ["| row | operations a second |", "|---|---:|"] + \
        [f"| {name} | {value} |" for name, value in lines[1:]]


def wall(options: argparse.Namespace) -> int:
    kernels = [calf(options)]
    if options.linux:
        kernels.append(linux(options.linux, "never"))
    right = True
    for kernel in kernels:
        found: Rows = {}
        for harts in HARTS:
            machine = ["-smp", str(harts), "-accel", "tcg,thread=multi"]
            kernel.settle = 0
            outcome = run(kernel, machine, f"scale {harts}", options)
            complain(kernel, outcome)
            right = right and outcome.is_right()
            for row in outcome.rows.values():
                name = f"{harts}: {row.name.replace('scale-', '')}"
                found[name] = replace(row, name=f"scale-{name}")
                print(f"{kernel.title}\t{name}\t{row.median:,.0f} a second",
                      flush=True)
        if kernel.title == "Calf" and right and not options.no_record:
            bench_report.write_record(DOCS / "scale.tsv", [
                f"Calf, {emulator(options)}, -accel tcg,thread=multi, on a "
                f"machine of {os.cpu_count()} processors"], found)
    return 0 if right else 1


# --- What instructions hide -------------------------------------------------

HIDDEN_GROUPS = "fork maps life cow worst brk"
HIDDEN_MEM = 3  # GiB
HIDDEN_FILES = {"Calf": "hidden.tsv", "Linux, THP off": "hidden-linux.tsv"}


def hidden_sections() -> List[str]:
    parts: List[str] = []
    for title, name in HIDDEN_FILES.items():
        found = bench_hidden.read_record(DOCS / name)
        if found:
            lines = bench_report.markdown(
                [line + [""] for line in bench_hidden.table(found)])
            parts += ["", f"## What instructions hide: {title}\n"] + lines
    return parts


def watch(kernel: Kernel, words: str, initrd: str, outcome: Outcome,
          options: argparse.Namespace) -> Dict[str, bench_hidden.Hidden]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "hidden"
        found = run(kernel, ICOUNT + [
            "-plugin", f"{options.hidden},out={log}"], words, options, initrd)
        complain(kernel, found)
        outcome.done = outcome.done and found.is_right()
        return bench_hidden.choose(
            found.rows, bench_hidden.parse(log.read_text().splitlines()))


def hidden(options: argparse.Namespace) -> int:
    kernels = [calf(options)]
    if options.linux:
        kernels.append(linux(options.linux, "never"))
    right = True
    for kernel in kernels:
        outcome = Outcome(done=True)
        found = watch(kernel, HIDDEN_GROUPS, options.initrd, outcome, options)
        if options.glibc_initrd:
            found.update(watch(kernel, f"-p {GLIBC_PREFIX} {GLIBC_GROUPS}",
                               options.glibc_initrd, outcome, options))
        right = right and outcome.done
        lines = bench_report.plain(bench_hidden.table(found))
        print("\n".join([kernel.title] + lines))
        if outcome.done and not options.no_record:
            bench_hidden.write_record(
                DOCS / HIDDEN_FILES[kernel.title],
                f"{kernel.title}, {emulator(options)}, -m {options.mem}G "
                f"{' '.join(ICOUNT)}", found)
    if right and not options.no_record:
        write_documents()
    return 0 if right else 1


# --- Arguments --------------------------------------------------------------


def parse_arguments(arguments: Optional[List[str]] = None
                    ) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--quick", action="store_true")
    add("--gate", action="store_true")
    add("--wall", action="store_true")
    add("--hidden", metavar="PLUGIN")
    add("--documents", action="store_true",
        help="only write results.md and fork.svg from what is recorded")
    add("--no-record", action="store_true", help="write no files")
    add("--record", action="store_true", help="also of the quick rows")
    add("--compiler", default="gcc 12", metavar="NAME VERSION",
        help="what has built the kernel")
    add("--linux", metavar="IMAGE")
    add("--mem", type=int, metavar="GIB")
    add("--timeout", type=int, default=3600, metavar="SECONDS")
    add("--qemu", default="qemu-system-riscv64", metavar="PATH")
    add("--kernel", default=str(ROOT / "build" / "calf.elf"))
    add("--initrd", default=str(ROOT / "build" / "bench.cpio"))
    add("--glibc-initrd", metavar="PATH",
        help="an archive with the same program, linked with glibc")
    add("-v", "--verbose", action="store_true")
    options = parser.parse_args(arguments)
    if options.mem is None and options.hidden:
        options.mem = HIDDEN_MEM
    if options.mem is None:
        options.mem = 1 if options.quick or options.wall else memory()
    return options


def main() -> int:
    options = parse_arguments()
    if options.documents:
        write_documents()
        return 0
    if options.wall:
        return wall(options)
    if options.hidden:
        return hidden(options)
    return gate(options) if options.gate else measure(options)


if __name__ == "__main__":
    sys.exit(main())
