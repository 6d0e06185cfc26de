#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Search the models of this folder, and see each omission found.

    tests/spin/check.py [--deep] [--mutant NAME]

Each search is complete: every state within its bounds is stored exactly (no
bitstate, no hash compaction).  Each mutant leaves one thing out, and the
search must end in an error.  --mutant shows how it comes to that.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

FOLDER = Path(__file__).resolve().parent
DEPTH = 1000000
MEMORY_MB = 1900
DEEP_MEMORY_MB = 16000


@dataclass(frozen=True)
class Scope:
    """A model and its bounds, as preprocessor definitions."""

    model: str
    bounds: Tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.model,) + self.bounds)


CHAIN = Scope("share", ("NP=2", "OPS=4"))
FLAT = Scope("share", ("NP=2", "OPS=3", "LEVELS=2", "FAN=2"))
THREE = Scope("share", ("NP=3", "OPS=3", "LEVELS=2"))
HUNGRY = Scope("share", ("NP=2", "OPS=3", "ENOMEM"))
ASIDS = Scope("asid", ("RUNS=5",))
FRAMES = Scope("frame", ("OPS=7",))

SCOPES = [CHAIN, FLAT, THREE, HUNGRY, ASIDS, FRAMES]
DEEP = [
    Scope("share", ("NP=2", "OPS=5")),
    Scope("share", ("NP=2", "OPS=4", "LEVELS=2", "FAN=2")),
    Scope("share", ("NP=3", "OPS=4", "LEVELS=2")),
    Scope("share", ("NP=3", "OPS=3")),
    Scope("asid", ("RUNS=7",)),
    Scope("frame", ("OPS=9",)),
]

MUTANTS: Dict[str, Scope] = {
    # proc/fork.c, mm/aspace.c:aspace_fork
    "NO_FENCE_FORK": CHAIN,
    "FENCE_FORK_PAGE": CHAIN,
    "NO_CLOSE_PARENT": CHAIN,
    "FORK_COUNTS_LATE": CHAIN,
    "NO_RELEASE_PUBLISH": CHAIN,
    # mm/pagetable.c:table_unshare
    "NO_CLOSE_SOURCE_TABLE": CHAIN,
    "NO_CLOSE_SOURCE_PAGE": CHAIN,
    "NO_CLOSE_COPY": CHAIN,
    "CLOSE_AFTER_DROP": CHAIN,
    "GET_AFTER_DROP": CHAIN,
    "DROP_BEFORE_COPY": CHAIN,
    "LAST_FORGETS_TO_FREE": CHAIN,
    # include/mm/frame.h
    "GET_IS_NOT_ATOMIC": CHAIN,
    "DROP_IS_NOT_ATOMIC": CHAIN,
    "NO_RELEASE_DROP": CHAIN,
    "NO_ACQUIRE_SOLE": CHAIN,
    "NO_ACQUIRE_DROP": CHAIN,
    # mm/resolve.c
    "SOLE_BELOW_SHARED": CHAIN,
    "NO_FENCE_OWN": CHAIN,
    "OWN_DROPS_BEFORE_FENCE": CHAIN,
    # mm/range.c
    "NO_FENCE_UNMAP": CHAIN,
    "UNMAP_DROPS_BEFORE_FENCE": CHAIN,
    "UNMAP_IN_PLACE": CHAIN,
    "NO_REVIVAL": CHAIN,
    "REVIVAL_WITHOUT_COUNT": CHAIN,
    # arch/tlb.c, proc/sched.c, proc/exit.c
    "KEEP_ASID": ASIDS,
    "NO_ROUND": Scope("asid", ("RUNS=6",)),
    "NO_FLUSH_OF_ROUND": Scope("asid", ("RUNS=6",)),
    "NO_WAIT_FOR_ON_HART": ASIDS,
    "LEAVE_IN_OLD_SPACE": ASIDS,
    "LET_GO_BEFORE_SWITCH": ASIDS,
    "WAIT_HOLDING": ASIDS,
    "NO_RELEASE_LEAVE": ASIDS,
    "EXIT_IN_OLD_SPACE": ASIDS,
    # mm/frame.c
    "NO_CACHE_LOCK": FRAMES,
    "NO_DEPOT_LOCK": FRAMES,
    "NO_FRESH_LOCK": FRAMES,
    "STEAL_HOLDING": FRAMES,
}

ERROR = re.compile(r"^pan:1: (.*?)(?: \(at depth (\d+)\))?$", re.MULTILINE)
STORED = re.compile(r"^\s*(\d+) states, stored", re.MULTILINE)
REACHED = re.compile(r"depth reached (\d+)")
USED = re.compile(r"^\s*([\d.]+)\s+total actual memory", re.MULTILINE)
INCOMPLETE = ("Search not completed", "max search depth too small",
              "out of memory", "memory limit", "hash table full")


class Broken(Exception):
    """A tool did not do its work."""


def execute(argv: List[str], where: Path) -> str:
    done = subprocess.run(argv, cwd=where, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise Broken(f"{argv[0]}: {done.stdout.strip()[-400:]}")
    return done.stdout


def search(scope: Scope, mutant: str, where: Path, memory: int) -> str:
    """What the verifier for this scope says."""
    defines = [f"-D{word}" for word in scope.bounds]
    defines += [f"-D{mutant}"] if mutant else []
    model = str(FOLDER / f"{scope.model}.pml")
    execute(["spin", *defines, "-a", model], where)
    execute(["cc", "-O1", "-w", "-DSAFETY", "-DCOLLAPSE",
             f"-DMEMLIM={memory}", "-o", "pan", "pan.c"], where)
    return execute(["./pan", f"-m{DEPTH}"], where)


def number(pattern: "re.Pattern[str]", text: str) -> str:
    found = pattern.search(text)
    return found.group(1) if found else "?"


def kind_of(error: str) -> str:
    """The name that CHECK gives an assertion; else what pan calls it."""
    named = re.search(r"\|\|\s*(\w+)\)$", error)
    return named.group(1) if named else error


def verify(scope: Scope, where: Path, memory: int) -> Tuple[bool, str]:
    said = search(scope, "", where, memory)
    error = ERROR.search(said)
    size = (f"{number(STORED, said)} states, depth {number(REACHED, said)}, "
            f"{number(USED, said)} MB")
    if error:
        return False, f"{kind_of(error.group(1))}, {size}"
    if any(word in said for word in INCOMPLETE) or "errors: 0" not in said:
        return False, f"not complete, {size}"
    return True, f"complete, {size}"


def refute(mutant: str, where: Path) -> Tuple[bool, str]:
    said = search(MUTANTS[mutant], mutant, where, MEMORY_MB)
    error = ERROR.search(said)
    if not error:
        return False, f"not found in {number(STORED, said)} states"
    return True, f"{kind_of(error.group(1))} after {error.group(2)} steps"


def show(mutant: str, where: Path) -> int:
    """The way to the error, shortened, in the words of the model."""
    scope = MUTANTS[mutant]
    good, what = refute(mutant, where)
    print(f"{mutant}, {scope}: {what}")
    if not good:
        return 1
    try:
        execute(["./pan", f"-m{int(what.split()[-2])}", "-i"], where)
    except Broken:
        pass  # it ends with an error's status where it found a shorter one
    defines = [f"-D{word}" for word in (*scope.bounds, mutant)]
    print(subprocess.run(
        ["spin", "-t", "-T", "-B", *defines, "-k",
         f"{scope.model}.pml.trail", str(FOLDER / f"{scope.model}.pml")],
        cwd=where, text=True, stdout=subprocess.PIPE, check=False).stdout)
    return 0


def run_all(deep: bool, where: Path) -> int:
    scopes = DEEP if deep else SCOPES
    memory = DEEP_MEMORY_MB if deep else MEMORY_MB
    mutants: List[str] = [] if deep else list(MUTANTS)
    print(f"1..{len(scopes) + len(mutants)}")
    failed, serial = 0, 0
    for item in [*scopes, *mutants]:
        serial += 1
        try:
            if isinstance(item, Scope):
                good, what = verify(item, where, memory)
            else:
                good, what = refute(item, where)
        except Broken as error:
            good, what = False, str(error).replace("\n", " ")
        failed += not good
        print(f"{'' if good else 'not '}ok {serial} - {item}: {what}",
              flush=True)
    return int(failed > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--mutant", choices=sorted(MUTANTS))
    options = parser.parse_args()
    for tool in ("spin", "cc"):
        if shutil.which(tool) is None:
            sys.exit(f"check.py: no {tool}: make deps")
    with tempfile.TemporaryDirectory() as where:
        if options.mutant:
            return show(options.mutant, Path(where))
        return run_all(options.deep, Path(where))


if __name__ == "__main__":
    sys.exit(main())
