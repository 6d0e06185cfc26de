#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run programs on Calf and on Linux, and compare what they print.

    tests/linux/compare.py [options]

The programs are the suites of tests/user/ and random ones that
tests/linux/genprog.c derives from seeds.  Linux is qemu-riscv64, the user-mode
emulator: its fork, wait, pipe and mmap are those of this machine's kernel.
Where it is not installed the comparison is skipped, and says so.

Tests that a suite skips on one side, and the suites in ONE_SIDED, cannot be
compared; they are listed in the output.  What genprog does not observe is said
in its sources, at "Not compared:".

A program that differs is cut to the fewest steps that show it, and the first
line that differs is printed.  `--seed N --count 1` runs it again.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from dispositions import default_signals  # noqa: E402
from tap import RESULT, SKIP, Test, run_tests  # noqa: E402

BUILD = ROOT / "build"
LINUX = ("qemu-riscv64", "qemu-riscv64-static")

# Suites of which one side or the other would skip every test.
ONE_SIDED = {
    "t_oom": "fills the machine's memory and counts its frames",
    "t_vfork": "shares memory, where the emulator forks",
    "t_vforkkill": "shares memory, where the emulator forks",
    "t_entry": "counts the instructions of the kernel",
    "t_errno": "looks at arguments, which the emulator does before the kernel",
    "t_elf": "executes files of Calf's archive",
    "t_init": "is a first process",
    "t_boot": "is about the servers of Calf",
    "t_serial": "is a first process",
    "t_tty": "wants somebody to type",
    "t_typed": "kills the console server",
    "t_sweep": "lets allocations of the kernel fail",
    "t_procfs": "reads files that the emulator makes up",
}

CHUNK = 500     # programs in one boot
STEPS = 160     # tests/linux/genprog.h
HARTS = "124"   # how many each boot has, in turn
SHOWN = 3       # of the programs that differ, so many are cut down

SEED = re.compile(r"^seed (\d+) ([0-9a-f]{16} \d+ \d+)$", re.MULTILINE)
SUITE = re.compile(r"^# suite /bin/(\w+)$")
KERNEL = re.compile(r"^\S+\[\d+\]: ")


class Machine:
    """Runs programs on the two kernels."""

    def __init__(self, options: argparse.Namespace, linux: str):
        self.options = options
        self.linux_path = linux

    def calf(self, archive: str, append: str, harts: str = "1") -> str:
        return run([self.options.qemu, "-machine", "virt", "-smp", harts,
                    "-m", "128M", "-nographic", "-monitor", "none", "-serial",
                    "stdio", "-no-reboot", "-kernel", self.options.kernel,
                    "-initrd", str(BUILD / archive), "-append", append],
                   self.options.timeout)

    def linux(self, program: str, *words: str) -> str:
        return run([self.linux_path, str(BUILD / "bin" / program), *words],
                   self.options.timeout)


def run(argv: List[str], timeout: float) -> str:
    """What a command prints, even if it has to be killed."""
    # stderr is dropped: there the emulator reports programs that die of a
    # signal.
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL,
                          preexec_fn=default_signals) as process:
        try:
            out, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
            out += b"\n(ended after %d s)\n" % timeout
    return out.decode(errors="replace").replace("\r", "")


# --- The suites --------------------------------------------------------------

Results = Dict[str, str]


def results(text: str) -> Results:
    """The result of each test: ok, not ok, or why it was skipped."""
    found: Results = {}
    for line in text.splitlines():
        match = RESULT.match(line)
        if not match:
            continue
        name, _, rest = match.group(3).lstrip(" -").partition(" #")
        skip = SKIP.search("#" + rest)
        found[name] = ("not ok" + rest if match.group(1) else
                       f"skipped:{rest[skip.end() - 1:]}" if skip else "ok")
    return found


def compare_results(calf: Results, linux: Results) -> Optional[str]:
    """The first difference, if any; prints what cannot be compared."""
    if list(calf) != list(linux) or not calf:
        return f"{len(calf)} tests on Calf, {len(linux)} on Linux"
    equal, reasons = 0, {}
    for name, here in calf.items():
        there = linux[name]
        skipped = [x for x in (here, there) if x.startswith("skipped")]
        if skipped:
            reasons.setdefault(skipped[0][8:].strip(), []).append(name)
        elif here != there or here != "ok":
            return f"{name}: {here} on Calf, {there} on Linux"
        else:
            equal += 1
    print(f"# {equal} equal", flush=True)
    for reason, names in reasons.items():
        print(f"# not comparable ({reason}): {', '.join(names)}", flush=True)
    return None


def suites_on_calf(machine: Machine, names: List[str]) -> Dict[str, Results]:
    """The results of all suites, which run in one boot."""
    words = " ".join(f"/bin/{name}" for name in names)
    said: Dict[str, List[str]] = {}
    lines: List[str] = []
    for line in machine.calf("test.cpio",
                             f"rdinit=/init {words}").splitlines():
        match = SUITE.match(line)
        if match:
            lines = said.setdefault(match.group(1), [])
        lines.append(line)
    return {name: results("\n".join(text)) for name, text in said.items()}


def suite_tests(machine: Machine, names: List[str]) -> List[Test]:
    calf: Dict[str, Results] = {}

    def test_of(name: str) -> Test:
        def test() -> Optional[str]:
            if not calf:
                calf.update(suites_on_calf(machine, names))
            return compare_results(calf.get(name, {}),
                                   results(machine.linux(name)))
        test.__name__ = f"{name}_finds_the_same"
        return test

    return [test_of(name) for name in names]


# --- The random programs -----------------------------------------------------

Hashes = Dict[int, str]


def hashes(text: str) -> Hashes:
    return {int(seed): rest for seed, rest in SEED.findall(text)}


def transcript(text: str) -> List[str]:
    """What one program observed, without what the kernel said of it."""
    lines = text.splitlines()
    begin = lines.index("P0:") if "P0:" in lines else 0
    return [line for line in lines[begin:] if not KERNEL.match(line)]


class Program:
    """A random program whose output differs."""

    def __init__(self, machine: Machine, seed: int):
        self.machine = machine
        self.seed = seed

    def both(self, steps: int) -> Tuple[List[str], List[str]]:
        words = ["-v", str(self.seed), str(steps)]
        return (transcript(self.machine.calf(
                    "genprog.cpio", "rdinit=/init " + " ".join(words))),
                transcript(self.machine.linux("genprog", *words)))

    def shortest(self) -> int:
        """After how many steps the outputs differ for the first time."""
        good, bad = 0, STEPS
        while bad - good > 1:
            steps = (good + bad) // 2
            calf, linux = self.both(steps)
            if calf == linux:
                good = steps
            else:
                bad = steps
        return bad

    def explain(self) -> None:
        calf, linux = self.both(STEPS)
        if calf == linux:
            print(f"# seed {self.seed}: equal this time", flush=True)
            return
        steps = self.shortest()
        calf, linux = self.both(steps)
        print(f"# seed {self.seed}, with {steps} steps:", flush=True)
        for line in list(difflib.unified_diff(
                linux, calf, "Linux", "Calf", lineterm="", n=5))[:24]:
            print(f"#   {line}", flush=True)


def compare_hashes(machine: Machine, wanted: range, calf: Hashes,
                   linux: Hashes) -> Optional[str]:
    missing = [s for s in wanted if s not in calf or s not in linux]
    if missing:
        return (f"no result of {len(missing)} programs, "
                f"the first of them {missing[0]}")
    differ = [seed for seed in wanted if calf[seed] != linux[seed]]
    for seed in differ[:SHOWN]:
        Program(machine, seed).explain()
    if differ:
        return f"{len(differ)} differ: {' '.join(map(str, differ[:20]))}"
    return None


Sides = Tuple["concurrent.futures.Future[str]",
              "concurrent.futures.Future[str]"]


def program_tests(machine: Machine, first: int, count: int,
                  submit: Callable[..., "concurrent.futures.Future[str]"]
                  ) -> List[Test]:
    """A test for each chunk; all of them are started at once."""
    def test_of(wanted: range, sides: Sides) -> Test:
        def test() -> Optional[str]:
            calf, linux = (hashes(side.result()) for side in sides)
            return compare_hashes(machine, wanted, calf, linux)
        test.__name__ = f"programs_{wanted[0]}_to_{wanted[-1]}_agree"
        return test

    tests: List[Test] = []
    for number, begin in enumerate(range(first, first + count, CHUNK)):
        wanted = range(begin, min(begin + CHUNK, first + count))
        words = [str(begin), str(len(wanted))]
        harts = HARTS[number % len(HARTS)]
        tests.append(test_of(wanted, (
            submit(machine.calf, "genprog.cpio",
                   "rdinit=/init " + " ".join(words), harts),
            submit(machine.linux, "genprog", *words))))
    return tests


# --- What to run -------------------------------------------------------------


def user_suites() -> List[str]:
    """The suites that tests/user/suites.mk lists."""
    text = (ROOT / "tests/user/suites.mk").read_text()
    listed = re.search(r"^USER_TESTS :=((?:.*\\\n)*.*)", text, re.MULTILINE)
    return re.findall(r"\bt_\w+", listed.group(1)) if listed else []


def linux_path() -> str:
    return next((path for path in map(shutil.which, LINUX) if path), "")


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--qemu", default="qemu-system-riscv64", metavar="PATH")
    add("--kernel", default=str(BUILD / "calf-test.elf"), metavar="FILE")
    add("--seed", type=int, default=1, metavar="N", help="the first program")
    add("--count", type=int, default=10000, metavar="N", help="of programs")
    add("--suites", default="all", metavar="NAMES", help="or all, or none")
    add("--timeout", type=float, default=600.0, metavar="SECONDS",
        help="for each run of a program or a chunk of them")
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    options = parser.parse_args(arguments)
    linux = linux_path()
    if not linux:
        print(f"1..1\nok 1 - as_on_Linux # SKIP {LINUX[0]} is not installed "
              "(make deps)")
        return 0
    machine = Machine(options, linux)
    names = (user_suites() if options.suites == "all" else
             options.suites.split() if options.suites != "none" else [])
    for name in [name for name in names if name in ONE_SIDED]:
        print(f"# {name} is not run: it {ONE_SIDED[name]}", flush=True)
        names.remove(name)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        programs = program_tests(machine, options.seed, options.count,
                                 pool.submit)
        return run_tests(suite_tests(machine, names) + programs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
