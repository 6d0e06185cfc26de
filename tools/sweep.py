#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Leave out each statement that changes something, and see that a test fails.

    tools/sweep.py [FILE...]                all statements of these files
    tools/sweep.py --sample N --seed S      N of them, chosen at random
    tools/sweep.py --list                   only tell what there is

tests/mutants/ has mistakes that somebody thought of, each with the test that
notices; this finds those that nobody thought of.  A statement is an assignment,
an increment or a call on a line of its own, in proc/ or trap/ if no file is
named.  Each is left out in a copy of the tree below build/mutants/, the test
kernel is built, and the boots below are run one after the other until one says
`not ok`, panics or hangs.  A statement whose absence nothing notices is a
survivor: either a test is missing, or the statement is not needed, or only a
race or a figure could tell.  It is not found out whether an entry into the kernel
has become too long: that takes an emulator that counts instructions, which is
too slow for so many boots.

What became of each statement is remembered in build/sweep.txt, so that a sweep
that was ended goes on where it stopped; remove that file to begin anew.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Set

from killers import Killer, Listener
from mutants import (ROOT, WORK, Tree, end_tests_when_killed, only_one,
                     say)
from run import Runner, reasons

KNOWN = ROOT / "build" / "sweep.txt"
FOLDERS = ["proc", "trap"]

# The boots that may notice, the quickest and most general first.
BOOTS = [
    "user t_fork t_pipe t_proc smp=2",
    "user t_signal t_jobs t_exec t_fd t_poll smp=2",
    "user t_port t_portwait t_server t_keep t_paths t_roots t_image "
    "t_loading smp=2",
    "user t_straight t_adopt t_mapping t_maprun",
    "user t_vfork t_sigwait t_sigfault t_sigstack t_regs t_mem t_badptr "
    "t_elf t_futex t_self t_device t_orphan t_timer smp=2",
    "user t_news t_sigorder t_call t_callcode t_cow t_copyout t_region smp=2",
    "user t_sweep t_vforkkill t_oom smp=2",
    "user t_errno t_share t_storm smp=2",
    "ktest initrd family live smp=2",
]

STATEMENT = re.compile(
    r"\t+((?:\(void\))?[\w*][\w\[\]().>*&+/% -]*?"
    r"(?: (?:[-+*/%&|^]|<<|>>)?= .*|\+\+|--|\(.*\)));$")
PREFIX = re.compile(r"\t+((?:\+\+|--)[\w\[\].>-]+);$")
DECLARATION = re.compile(r"(?:const |static |struct |enum |unsigned )|"
                         r"\w+ (?:\*|const |\w)")
# Statements that change nothing which a test could see, or are left to other
# checks: the compiler's analysis of locks, and reading.
IDLE = re.compile(r"(?:\(void\)\w+$|assert\(|lock_|stats_count\(|kprintf\(|"
                  r"panic\(|hart_relax\(|return\b|goto\b|IGNORE_RESULT\(err)")
NOTICED, SURVIVED, SAME, NO_BUILD = "noticed", "SURVIVED", "same", "no build"


@dataclass(frozen=True)
class Statement:
    path: str
    line: int  # from 1
    text: str
    number: int  # among equal ones of the file

    @property
    def key(self) -> str:
        return f"{self.path}: {self.text} ({self.number})"


def is_whole(before: str) -> bool:
    """Does a statement begin after this line?"""
    before = before.strip()
    return (not before or before[-1] in ";{}:" or before.endswith("*/") or
            before in ("else", "do") or
            re.match(r"(?:\} )?(?:else )?(?:if|for|while) \(", before)
            is not None and before.count("(") == before.count(")"))


def statement_of(line: str) -> str:
    """The statement on a line, if it is one that changes something."""
    found = STATEMENT.match(line) or PREFIX.match(line)
    if found is None or line.count("(") != line.count(")"):
        return ""
    text = found.group(1)
    if IDLE.match(text) or DECLARATION.match(text):
        return ""
    return text


def statements(path: Path) -> List[Statement]:
    found: List[Statement] = []
    counts: Dict[str, int] = {}
    before = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = statement_of(line)
        if text and is_whole(before):
            counts[text] = counts.get(text, 0) + 1
            found.append(Statement(str(path.relative_to(ROOT)), number, text,
                                   counts[text]))
        before = line
    return found


class Noticed(Exception):
    """Raised when a test has failed: there is no need to wait for the end."""


class Impatient(Runner):
    """A runner that ends its boot at the first failure."""

    def __init__(self, argv: List[str], timeout: float, log, usual: Set[str]):
        super().__init__(argv, timeout, log)
        self.outcome: Listener = Listener()
        self.usual = usual

    def _take(self, chunk: bytes, echo: Optional[str]) -> None:
        super()._take(chunk, echo)
        if self.outcome.panics:
            raise Noticed(self.outcome.panics[0])
        for line in self.outcome.report.failures:
            name = name_in(line)
            if name not in self.usual:
                raise Noticed(name)


def name_in(line: str) -> str:
    return line.split(" - ", 1)[-1].split(" #")[0]


class Sweep:
    """A copy of the tree, and the results of its boots without a mistake."""

    def __init__(self) -> None:
        self.tree = Tree(WORK / "sweep-0")
        self.killers = [Killer(how) for how in BOOTS]
        self.failures: Dict[str, Set[str]] = {}
        self.seconds: Dict[str, float] = {}
        self.kernel = b""

    def prepare(self) -> None:
        """Runs each boot without a mistake, and leaves out boots that fail or hang."""
        WORK.mkdir(parents=True, exist_ok=True)
        self.tree.create()
        for killer in self.killers:
            complaint = self.tree.make(killer.target)
            if complaint is not None:
                sys.exit(complaint)
            seen = killer.run(self.tree.root, None)
            if seen.hung:
                sys.exit(f"{killer.how}: hangs without a mistake")
            self.failures[killer.how] = set(seen.failed)
            self.seconds[killer.how] = seen.seconds
            say(f"# {killer.how}: {seen.seconds:.1f} s" + "".join(
                f"; {name} fails anyway" for name in seen.failed))
        self.kernel = self.text()
        self.tree.keep()

    def text(self) -> bytes:
        """The executable part of the kernel."""
        return (self.tree.root / "build" / "calf-test.img").read_bytes()

    def boot(self, killer: Killer) -> str:
        """The boot that notices; "" if none does."""
        # pylint: disable=protected-access
        limit = 15 + 3 * self.seconds[killer.how]
        usual = self.failures[killer.how]
        with open(self.tree.root.with_suffix(".log"), "wb") as log:
            runner = Impatient(killer._argv(self.tree.root), limit, log, usual)
            try:
                outcome = runner.run(None)
            except Noticed as noticed:
                return str(noticed)
        wrong = reasons(killer.boot, outcome)
        if usual:
            wrong = [word for word in wrong if word not in ("not-ok", "status")]
        if not wrong:
            return ""
        done = len(runner.outcome.names)
        return f"{wrong[0]} after {done} tests"

    def verdict(self) -> str:
        target = "build/calf-test.elf build/calf-test.img"
        if self.tree.make(target) is not None:
            return NO_BUILD
        if self.text() == self.kernel:
            return SAME
        for killer in self.killers:
            word = self.boot(killer)
            if word:
                return f"{NOTICED}: {word}"
        return SURVIVED

    def leave_out(self, statement: Statement) -> str:
        path = self.tree.root / statement.path
        before, times = path.read_text(), path.stat()
        lines = before.splitlines(keepends=True)
        at = statement.line - 1
        lines[at] = lines[at].replace(f"{statement.text};", ";")
        path.write_text("".join(lines))
        try:
            return self.verdict()
        finally:
            path.write_text(before)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            self.tree.go_back()


def known() -> Dict[str, str]:
    if not KNOWN.is_file():
        return {}
    lines = [line.split("\t") for line in KNOWN.read_text().splitlines()]
    return {key: verdict for key, verdict in lines}


def sweep(chosen: List[Statement]) -> Dict[str, str]:
    """Tries each statement whose result is not known yet, and remembers it."""
    verdicts = known()
    left = [statement for statement in chosen
            if statement.key not in verdicts]
    if not left:
        return verdicts
    state = Sweep()
    state.prepare()
    for number, statement in enumerate(left, 1):
        begun = time.monotonic()
        verdict = state.leave_out(statement)
        verdicts[statement.key] = verdict
        with open(KNOWN, "a") as file:
            file.write(f"{statement.key}\t{verdict}\n")
        say(f"{number} of {len(left)}: {statement.key}: {verdict} "
            f"({time.monotonic() - begun:.1f} s)")
    return verdicts


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--sample", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("files", nargs="*", metavar="FILE")
    options = parser.parse_args(arguments)
    paths = [ROOT / name for name in options.files] or [
        path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.c"))]
    found = [statement for path in paths for statement in statements(path)]
    if options.sample:
        found = random.Random(options.seed).sample(
            found, min(options.sample, len(found)))
    if options.list:
        for statement in found:
            say(f"{statement.path}:{statement.line}: {statement.text}")
        return 0
    end_tests_when_killed()
    with only_one(WORK / "sweep.lock"):
        verdicts = sweep(found)
    sums: Dict[str, int] = {}
    for statement in found:
        kind = verdicts[statement.key].split(":")[0]
        sums[kind] = sums.get(kind, 0) + 1
        if kind == SURVIVED:
            say(f"survivor: {statement.path}:{statement.line}: "
                f"{statement.text}")
    say(f"# {len(found)} statements, " + ", ".join(
        f"{count} {kind}" for kind, count in sorted(sums.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
