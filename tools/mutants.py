#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make each mistake of tests/mutants/, and see that a test notices.

    tools/mutants.py [PATTERN...]   those whose name or file fits a pattern
    tools/mutants.py --list         what there is
    tools/mutants.py --stale        only: does every record fit the sources?
    tools/mutants.py --sample N     that, and N of those that die quickly

The work is done in copies of the tree below build/mutants/.  First what is
going to notice is run without any mistake, and has to pass: a test that fails
anyway notices nothing.  Then each mutant is applied, built, run and reverted.
A mutant is killed if each thing that its record names fails, and fails in the
test that is named there; a hang counts only if the record says so.
"""

from __future__ import annotations

import argparse
import fcntl
import fnmatch
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Dict, List, Optional, Tuple

from killers import Killer, Seen
from mutant_list import (DOCUMENT, Broken, Kill, Mutant, document, mutate,
                         read_all, read_museum, stale)
from run import INTERRUPTED

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutants"
LEFT_OUT = {".git", "__pycache__", "logs"}
COPIES = ("mutants", "hunt", "replay")  # names in build/ begin like that
BUILD_SECONDS = 600
# A mistake may leave something unused, or a body empty.
QUIETLY = ["CFLAGS_EXTRA=-Wno-error", "HOST_CFLAGS_EXTRA=-Wno-error"]

# The possible results of a mutant; all but the first are errors.
KILLED, SURVIVED, OTHER, STALE, NO_BUILD, HUNG, UNFIT = (
    "killed", "survived", "killed by another test", "stale",
    "does not build", "hung", "noticed by what fails anyway")


class Tree:
    """A copy of the sources and of what was built from them."""

    def __init__(self, root: Path):
        self.root = root
        self.kept = root.with_name(f"{root.name}.kept")

    def create(self) -> None:
        def ignore(folder: str, names: List[str]) -> List[str]:
            return [name for name in names if name in LEFT_OUT or
                    Path(folder) == ROOT / "build" and name.startswith(COPIES)]
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(ROOT, self.root, ignore=ignore, symlinks=True)

    def make(self, target: str, quietly: bool = True) -> Optional[str]:
        """Returns None, or the compiler's errors, and warnings too if not quietly."""
        done = subprocess.run(
            ["make", "-s", "-C", str(self.root), *(QUIETLY if quietly else []),
             *target.split()],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL, timeout=BUILD_SECONDS, check=False)
        return None if done.returncode == 0 else done.stdout

    def keep(self) -> None:
        """Saves what is built now, for go_back()."""
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(self.root / "build", self.kept)

    def go_back(self) -> None:
        """Restores what was built when keep() was called."""
        build = self.root / "build"
        for path in build.rglob("*"):
            if path.is_dir():
                continue
            kept = self.kept / path.relative_to(build)
            if not kept.exists():
                path.unlink()
            elif stamp(kept) != stamp(path):
                shutil.copy2(kept, path)


def only_one(path: Path) -> IO[str]:
    """A lock, for as long as it is open: the trees below are one process's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = open(path, "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit("somebody is at it already")
    return lock


def end(number: int, _frame: object) -> None:
    """What runs a test, in whichever thread, ends it."""
    INTERRUPTED.set()
    sys.exit(128 + number)


def end_tests_when_killed() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def stamp(path: Path) -> Tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


# --- One mutant -------------------------------------------------------------


def short(names: List[str]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0]}{more}" if names else "nothing"


def judge(kill: Kill, seen: Seen) -> Tuple[str, str]:
    """The result of one run, and what to print about it."""
    said = short(seen.failed)
    if seen.hung and not kill.hang:
        return HUNG, f"in {said}"
    if seen.passed:
        return SURVIVED, kill.how
    if not any(fnmatch.fnmatchcase(name, kill.test or "*") for name in seen.failed):
        return OTHER, said
    return KILLED, said


def try_kill(tree: Tree, kill: Kill, usual: Seen) -> Tuple[str, str]:
    killer = Killer(kill.how)
    if not usual.passed:
        return UNFIT, kill.how
    complaint = tree.make(killer.target) if killer.target else None
    if complaint is not None:
        return NO_BUILD, next(
            (line for line in complaint.splitlines() if "error" in line),
            complaint.strip())
    return judge(kill, killer.run(tree.root, usual))


def try_mutant(tree: Tree, mutant: Mutant, kills: List[Kill],
               usual: Dict[str, Seen]) -> Tuple[str, str]:
    """Tries all tests that should notice: returns the first result that is no kill."""
    path = tree.root / mutant.path
    wrong = stale(tree.root, mutant)
    if wrong:
        return STALE, wrong
    before, times = path.read_text(), path.stat()
    words: List[str] = []
    path.write_text(mutate(mutant, before))
    try:
        for kill in kills:
            verdict, word = try_kill(tree, kill, usual[kill.how])
            if verdict != KILLED:
                return verdict, word
            words.append(f"{kill.how}: {word}")
    finally:
        path.write_text(before)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        tree.go_back()
    return KILLED, "; ".join(words)


# --- All of them ------------------------------------------------------------

PRINTING = threading.Lock()


def say(text: str) -> None:
    with PRINTING:
        print(text, flush=True)


def usual_runs(tree: Tree, hows: List[str]) -> Dict[str, Seen]:
    """Runs each killer without a mutant."""
    usual: Dict[str, Seen] = {}
    for how in hows:
        killer = Killer(how)
        complaint = tree.make(killer.target) if killer.target else None
        if complaint is not None:
            sys.exit(complaint)
        usual[how] = killer.run(tree.root, None)
        note = "" if usual[how].passed else (
            " FAILS without a mutant: " + ", ".join(usual[how].failed))
        say(f"# {how}: {usual[how].seconds:.1f} s{note}")
    return usual


def chosen(mutants: List[Mutant], patterns: List[str]) -> List[Mutant]:
    if not patterns:
        return mutants
    return [mutant for mutant in mutants
            if any(fnmatch.fnmatch(name, pattern) for pattern in patterns
                   for name in (mutant.name, mutant.area))]


def host_kills(mutant: Mutant) -> List[Kill]:
    return [kill for kill in mutant.kills if Killer(kill.how).is_quick]


def sample(mutants: List[Mutant], count: int) -> List[Mutant]:
    """A sample, spread evenly over the mutants that die on the build machine."""
    quick = [mutant for mutant in mutants if host_kills(mutant)]
    count = min(count, len(quick))
    return [quick[i * len(quick) // count] for i in range(count)]


class Run:
    """Numbers and sums, shared by the workers."""

    def __init__(self, total: int, kills: Dict[str, List[Kill]],
                 trees: List[Tree]):
        self.kills = kills
        self.sums: Dict[str, int] = {}
        self.number = 0
        self.lock = threading.Lock()
        self.trees: "queue.Queue[Tree]" = queue.Queue()
        self.usual: Dict[str, Seen] = {}
        for tree in trees:
            self.trees.put(tree)
        say(f"1..{total}")

    def report(self, mutant: Mutant, verdict: str, word: str,
               seconds: float) -> None:
        with self.lock:
            self.number += 1
            self.sums[verdict] = self.sums.get(verdict, 0) + 1
            head = "ok" if verdict == KILLED else "not ok"
            say(f"{head} {self.number} - {mutant.name} # {verdict}: {word} "
                f"({seconds:.1f} s)")

    def perform(self, mutant: Mutant) -> None:
        tree = self.trees.get()
        begun = time.monotonic()
        try:
            verdict, word = try_mutant(tree, mutant, self.kills[mutant.name],
                                       self.usual)
        finally:
            self.trees.put(tree)
        if INTERRUPTED.is_set():
            return
        self.report(mutant, verdict, word, time.monotonic() - begun)

    def conclude(self) -> int:
        killed = self.sums.get(KILLED, 0)
        others = [f"{self.sums.get(verdict, 0)} {verdict}" for verdict in
                  (SURVIVED, STALE, NO_BUILD, HUNG, OTHER, UNFIT)]
        say(f"# {self.number} mutants, {killed} killed, {', '.join(others)}")
        return int(killed != self.number or killed == 0)


def run(mutants: List[Mutant], kills: Dict[str, List[Kill]],
        jobs: int, name: str) -> int:
    hows = list(dict.fromkeys(kill.how for mutant in mutants
                              for kill in kills[mutant.name]))
    with only_one(WORK / f"{name}.lock"):
        trees = [Tree(WORK / f"{name}-{number}") for number in range(jobs)]
        trees[0].create()
        state = Run(len(mutants), kills, trees)
        state.usual = usual_runs(trees[0], hows)
        trees[0].keep()
        for tree in trees[1:]:
            shutil.rmtree(tree.root, ignore_errors=True)
            shutil.copytree(trees[0].root, tree.root, symlinks=True)
            tree.keep()
        with ThreadPoolExecutor(jobs) as pool:
            for _ in pool.map(state.perform, mutants):
                pass
        return state.conclude()


def check_records(mutants: List[Mutant], museum: Dict[int, str]) -> int:
    """Do they fit the sources, the museum and the document?"""
    wrong = [f"{mutant.name}: stale: {why}" for mutant in mutants
             for why in [stale(ROOT, mutant)] if why]
    for mutant in mutants:
        wrong += [f"{mutant.name}: no test named for {kill.how}"
                  for kill in mutant.kills if not kill.test]
    shown = {number for mutant in mutants for number in mutant.museum}
    wrong += [f"museum {number}: no mutant"
              for number in sorted(set(museum) ^ shown)]
    path = ROOT / DOCUMENT
    if not path.is_file() or path.read_text() != document(mutants, museum):
        wrong.append(f"{DOCUMENT} is not up to date: make mutants LIST=1")
    for line in wrong:
        say(f"# {line}")
    return len(wrong)


def parse_arguments(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--list", action="store_true",
        help=f"list them, and write {DOCUMENT}")
    add("--stale", action="store_true")
    add("--sample", type=int, default=0, metavar="N")
    add("-j", "--jobs", type=int, default=1, metavar="N")
    add("patterns", nargs="*", metavar="PATTERN")
    return parser.parse_args(arguments)


def only_records(mutants: List[Mutant], museum: Dict[int, str]) -> int:
    wrong = check_records(mutants, museum)
    say("1..1")
    say(f"{'not ' * (wrong > 0)}ok 1 - every_record_fits_the_sources")
    return int(wrong > 0)


def main(arguments: List[str]) -> int:
    options = parse_arguments(arguments)
    end_tests_when_killed()
    try:
        mutants, museum = read_all(ROOT), read_museum(ROOT)
    except Broken as error:
        sys.exit(str(error))
    if options.list:
        for mutant in chosen(mutants, options.patterns):
            say(f"{mutant.area:8} {mutant.name:44} {mutant.rule}")
        (ROOT / DOCUMENT).write_text(document(mutants, museum))
        return 0
    if options.stale or options.sample:
        status = only_records(mutants, museum)
        if status or not options.sample:
            return status
        mutants = sample(mutants, options.sample)
        return run(mutants, {mutant.name: host_kills(mutant)[:1]
                             for mutant in mutants}, options.jobs, "sample")
    picked = chosen(mutants, options.patterns)
    if not picked:
        sys.exit("no such mutant")
    status = run(picked, {mutant.name: mutant.kills for mutant in picked},
                 options.jobs, "tree")
    (ROOT / DOCUMENT).write_text(document(mutants, museum))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
