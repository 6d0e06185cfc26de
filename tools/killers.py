# SPDX-License-Identifier: MIT
"""What notices a mutant: how it is built, run and understood.

    unit, starve, random ARGUMENTS, model   tests/host/, with sanitizers
    line ARGUMENTS, terminal                tests/host/, beside Linux
    tree ARGUMENTS                          tests/host/, on device trees
    fast ARGUMENTS                          random, without sanitizers
    files-unit, files-made, files-archive, files-program, files-starve, allocator,
    differ, served, archives ARGUMENTS      tests/files/
    files-log, mortal ARGUMENTS             tests/files/, servers that die
    ktest SUITES [smp=N] [mem=M]            suites inside the test kernel
    user PROGRAMS [smp=N] [mem=M] [bound] [nasty=SEED]
                                            programs on the test kernel
    release PROGRAMS [smp=N] [mem=M]        programs on the release kernel
    typist [KIND]                           boots.txt's user-tty or user-tty-KIND
    boot LABEL                              that line of boots.txt
    bench WORDS                             the benchmark's own checks
    kills CHAPTERS AND WORDS                tests/nasty/kill.py
    film TESTS                              tests of tests/film/test_film.py
    check-locks FILE                        clang's analysis of locks

With `bound` instructions are counted, and an entry into the kernel that is too
long is a panic.  With `nasty` the machine is that of docs/nasty.md.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Optional, Tuple

from run import ICOUNT, Boot, Outcome, Runner, read_table, reasons

BOOTS = Path(__file__).resolve().parent.parent / "tests/boots.txt"

HOST = {"unit": "asan/unit", "starve": "asan/starve", "random": "asan/random",
        "fast": "fast/random", "model": "small/model",
        "line": "asan/line", "terminal": "asan/terminal",
        "files-unit": "files/unit", "files-sparse": "files/unit_sparse",
        "files-made": "files/unit_made",
        "files-archive": "files/unit_archive",
        "files-program": "files/unit_program",
        "files-log": "files/unit_log",
        "files-starve": "files/starve", "allocator": "files/allocator",
        "differ": "files/differ", "served": "files/served",
        "mortal": "files/mortal",
        "archives": "files/archives"}
FIRST_SECONDS = 400.0   # for a run of which it is not known yet how long it takes
LEAST_SECONDS = 15.0
NAME = re.compile(r"^(?:not )?ok\s+\d+\s*-\s*([^#]*)")


@dataclass
class Seen:
    """The results of a run."""

    passed: bool = False
    hung: bool = False
    names: List[str] = field(default_factory=list)   # of results, in order
    failed: List[str] = field(default_factory=list)  # tests that noticed
    seconds: float = 0.0


def name_of(line: str) -> str:
    match = NAME.match(line)
    return match.group(1).strip() if match else ""


def limit_after(seconds: float) -> float:
    """When to end a run of what usually takes so long: by then, it hangs."""
    return LEAST_SECONDS + 6 * seconds


class Listener(Outcome):
    """An outcome that keeps the names of all results."""

    def __init__(self) -> None:
        super().__init__()
        self.names: List[str] = []
        self.rows: List[str] = []  # of the benchmark, that are wrong

    def feed(self, line: str) -> None:
        if NAME.match(line):
            self.names.append(name_of(line))
        elif line.endswith("\tFAILED"):
            self.rows.append(line.split("\t")[0])
        super().feed(line)


class Killer:
    def __init__(self, how: str):
        self.how = how
        self.kind, *words = how.split()
        self.options = dict(word.split("=", 1) for word in words
                            if re.match(r"(smp|mem|nasty)=", word))
        self.is_bounded = "bound" in words
        self.words = [word for word in words
                      if not re.match(r"(smp|mem|nasty)=|bound$", word)]
        self.is_quick = self.kind in ("unit", "starve", "random")
        self.target, self.boot = self._plan()

    def _plan(self) -> Tuple[str, Boot]:
        """The target to build, and the command to run."""
        smp = self.options.get("smp", "1")
        mem = self.options.get("mem", "64M")
        if self.kind == "tree":
            path = "build/host/asan/tree"
            return f"{path} build/trees", Boot(
                self.how, "", command=[path, "build/trees", *self.words])
        if self.kind in HOST:
            path = f"build/host/{HOST[self.kind]}"
            return path, Boot(self.how, "", command=[path, *self.words])
        if self.kind == "film":
            return ("build/calf-trace.elf build/calf.elf",
                    Boot(self.how, "", command=[
                        "tests/film/test_film.py", "--build", "build/",
                        *self.words]))
        if self.kind == "kills":
            return ("build/calf.elf build/kill.cpio build/nasty/nasty",
                    Boot(self.how, "", command=[
                        "tests/nasty/kill.py", "-j", "1",
                        "--build", "build/", *self.words]))
        if self.kind == "check-locks":
            return "", Boot(self.how, "", command=[
                "make", "-s", "check-locks", f"KERNEL_C={self.words[0]}"])
        if self.kind == "ktest":
            kernel = "build/calf-test.elf"
            return kernel, Boot(self.how, kernel, smp, mem,
                                append=f"ktest={','.join(self.words)}")
        if self.kind == "bench":
            return "build/calf.elf build/bench.cpio", Boot(
                self.how, "build/calf.elf", smp, "128M",
                initrd="build/bench.cpio",
                append="rdinit=/init " + " ".join(self.words))
        if self.kind in ("typist", "boot"):
            label = self.words[0] if self.kind == "boot" else \
                "-".join(["user", "tty", *self.words])
            boot = read_table(str(BOOTS), Boot("", ""), [label], "build")[0]
            target = "build/calf-test.elf build/test.cpio build/trees"
            if "nasty" in boot.extra:
                target += " build/nasty/nasty"
            return target, boot
        if self.kind in ("user", "release"):
            kernel = ("build/calf-test.elf" if self.kind == "user"
                      else "build/calf.elf")
            programs = " ".join(f"/bin/{word}" for word in self.words)
            bound = "bound " if self.is_bounded else ""
            target, extra = f"{kernel} build/test.cpio", []
            if self.is_bounded:
                extra = ICOUNT
            elif "nasty" in self.options:
                target += " build/nasty/nasty"
                extra = ["nasty", f"seed={self.options['nasty']}"]
            return target, Boot(
                self.how, kernel, smp, mem, initrd="build/test.cpio",
                append=f"{bound}rdinit=/init {programs}", extra=extra)
        raise ValueError(f"{self.how}: no such thing")

    def _argv(self, tree: Path) -> List[str]:
        boot = self.boot
        if self.kind == "check-locks":
            return boot.command + ["-C", str(tree)]
        argv = boot.argv(os.environ.get("QEMU", "qemu-system-riscv64"))
        return [str(tree / word) if word.startswith("build/") else word
                for word in argv]

    def run(self, tree: Path, usual: Optional[Seen],
            limit: Optional[float] = None) -> Seen:
        """Runs the test. `usual` is its run without a mutant, if that is known,
        and decides after how many seconds it is ended, unless `limit` does."""
        if limit is None:
            limit = limit_after(usual.seconds) if usual else FIRST_SECONDS
        with open(tree.with_suffix(".log"), "wb") as log:
            runner = Runner(self._argv(tree), limit, log)
            outcome = runner.outcome = Listener()
            runner.run(None)
        return self._understand(outcome, usual)

    def _understand(self, outcome: Listener,
                    usual: Optional[Seen]) -> Seen:
        report = outcome.report
        seen = Seen(hung=outcome.timed_out, names=outcome.names,
                    seconds=outcome.seconds)
        if self.kind in ("check-locks", "bench"):
            seen.passed = outcome.status == 0
            if not seen.passed:
                seen.failed = outcome.rows or [self.kind]
            return seen
        wrong = reasons(self.boot, outcome)
        seen.passed = not wrong
        seen.failed = [name_of(line) for line in report.failures]
        # A run that did not end was in the middle of a test.
        if usual is not None and (outcome.timed_out or report.missing or
                                  outcome.panics or not report.suites):
            at = len(outcome.names)
            seen.failed.append("boot" if not report.suites else
                               usual.names[at] if at < len(usual.names)
                               else "the end")
        if wrong and not seen.failed:
            seen.failed = wrong
        return seen

