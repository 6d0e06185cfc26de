#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Search the models of this folder, and check that each omission is found.

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
CALLS = Scope("call", ("OPS=3", "SIGNALS=3"))
CALLERS = Scope("call", ("NP=2", "OPS=2", "SIGNALS=1"))
MOVE = Scope("runner", ("NP=2", "FIRST=2", "OPS=4", "BLOCK", "YIELD"))
NEST = Scope("runner", ("OPS=4", "EXEC"))
TURNS = Scope("runner", ("OPS=4", "EXEC", "YIELD"))
COPIES = Scope("runner", ("OPS=3", "COPY", "SPARE=2"))
WRITE = Scope("runner", ("NP=2", "FIRST=2", "OPS=4", "BLOCK", "PIPE"))
WRITE_LENT = Scope("runner", ("FIRST=2", "OPS=4", "BLOCK", "PIPE"))
LOOK = Scope("runner", ("NP=2", "FIRST=2", "OPS=3", "EXEC", "SPECTATE"))

DEATHS = Scope("port", ("CALLS=1", "KILLS=1", "CALLER_KILLS=1", "SIGNALS=1"))
ONE_FILE = Scope("port", ("NC=2", "SHARED", "CALLS=2", "KILLS=1"))
LENT = Scope("port", ("CALLS=1", "LEND", "KILLS=1", "SIGNALS=1"))
LENT_BY_KILLED = Scope("port", ("CALLS=1", "LEND", "CALLER_KILLS=1"))
NOT_NOW = Scope("port", ("CALLS=1", "LATER", "KILLS=1", "SIGNALS=1"))
DESCRIPTOR = Scope("port", ("CALLS=1", "OPENS", "CALLER_KILLS=1"))
CLOSED = Scope("port", ("CALLS=1", "LEAVES"))
NOTES = Scope("port", ("CALLS=0", "KILLS=2"))
KEPT = Scope("port", ("KEEP", "NS=3", "CALLS=2", "KILLS=2"))

LEFT = Scope("gone", ("CALLS=2", "KILLS=1"))
IN_DOUBT = Scope("gone", ("CALLS=1", "KILLS=2", "DOUBT"))
PUT_OFF = Scope("gone", ("CALLS=1", "KILLS=1", "DOUBT", "LATER"))

TWINS = Scope("twins", ("KEEPS=2", "KILLS=3"))

SCOPES = [CHAIN, FLAT, THREE, HUNGRY, ASIDS, FRAMES, CALLS, CALLERS,
          MOVE, NEST, TURNS, COPIES, WRITE_LENT, LOOK, DEATHS, ONE_FILE, LENT, LENT_BY_KILLED, NOT_NOW,
          DESCRIPTOR, CLOSED, NOTES, KEPT, LEFT, IN_DOUBT, PUT_OFF, TWINS]
DEEP = [
    Scope("share", ("NP=2", "OPS=5")),
    Scope("share", ("NP=2", "OPS=4", "LEVELS=2", "FAN=2")),
    Scope("share", ("NP=3", "OPS=4", "LEVELS=2")),
    Scope("share", ("NP=3", "OPS=3")),
    Scope("asid", ("RUNS=7",)),
    Scope("frame", ("OPS=9",)),
    Scope("call", ("OPS=5", "SIGNALS=5")),
    Scope("call", ("NP=2", "OPS=3", "SIGNALS=2")),
    Scope("runner", ("OPS=5", "KILLS=2", "EXEC", "YIELD")),
    Scope("runner", ("OPS=4", "KILLS=2", "COPY", "YIELD", "SPARE=2")),
    Scope("runner", ("FIRST=2", "OPS=4", "KILLS=2", "BLOCK", "PIPE")),
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
    # arch/tlb.c, proc/space.c, proc/sched.c
    "KEEP_ASID": ASIDS,
    "NO_ROUND": Scope("asid", ("RUNS=6",)),
    "NO_FLUSH_OF_ROUND": Scope("asid", ("RUNS=6",)),
    "NO_WAIT_FOR_RUNNER": ASIDS,
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
    # proc/call.c, trap/trap.c, proc/signal.c
    "FINISH_KEEPS_STATE": CALLS,
    "FINISH_KEEPS_PROGRESS": CALLS,
    "BLOCK_IGNORES_SIGNAL": CALLS,
    "DUE_WITHOUT_WORK": CALLS,
    "RESTART_WITHOUT_CALL": CALLS,
    "RESTART_KEEPS_STATE": CALLS,
    "INTERRUPT_LOSES_BYTES": CALLS,
    "UNBLOCK_WITHOUT_WORK": CALLS,
    "TAKE_BEFORE_READY": CALLS,
    "BLOCK_AFTER_UNLOCK": CALLS,
    "PART_WRITES_RESULT": CALLS,
    "DEADLINE_ANEW": CALLS,
    "LEND_IS_INTERRUPTED": CALLS,
    "PART_FORGETS_PROGRESS": CALLS,
    "RANGE_IS_INTERRUPTED": CALLS,
    "LEAVING_IGNORED": CALLS,
    "HELD_WORK_IS_CLEARED": CALLS,
    "WORK_CLEARED_LATE": CALLS,
    "PRODUCER_WITHOUT_LOCK": CALLS,
    "ENDER_DOES_NOT_CLAIM": CALLS,
    "ENDER_WAKES_BLINDLY": CALLS,
    "SIGNAL_WITHOUT_WORK": CALLS,
    "SIGNAL_DOES_NOT_WAKE": CALLS,
    "KILL_IS_HELD": CALLS,
    "SIGNAL_LEAVES_IT_ON_THE_QUEUE": CALLS,
    "SIGNAL_WITHOUT_KICK": CALLS,
    "CONT_WITHOUT_WORK": CALLS,
    "HANDLER_KEEPS_SUSPENDED": CALLS,
    "SIGNAL_TAKEN_BEFORE_FRAME": CALLS,
    "DELIVERY_GIVEN_UP": CALLS,
    # proc/space.c, proc/sched.c, proc/exit.c, proc/exec.c, proc/fork.c
    "NO_RUNNER": NEST,
    "NO_ACQUIRE_CLAIM": MOVE,
    "TAKE_WITHOUT_LOCK": MOVE,
    "WAIT_THOUGH_SHARED": TURNS,
    "PARK_THOUGH_ALONE": MOVE,
    "NO_ACQUIRE_WAIT": MOVE,
    "AWAIT_HOLDING": MOVE,
    "SWITCH_BEFORE_WAIT": MOVE,
    "LEAVE_BEFORE_SWITCH": MOVE,
    "LET_GO_IN_OLD_SPACE": MOVE,
    "NO_RELEASE_RUNNER": MOVE,
    "LEAVE_KEEPS_TURN": NEST,
    "LEAVE_LOOKS_AFTERWARDS": MOVE,
    "LEAVE_WITHOUT_LOCK": NEST,
    "SAME_SPACE_LEAVES": NEST,
    "MOVE_WITHOUT_KICK": NEST,
    "WAKE_WITHOUT_KICK": MOVE,
    "IDLE_WITHOUT_LOCK": MOVE,
    "YIELD_KEEPS_TURN": TURNS,
    "BLOCK_IGNORES_KILL": MOVE,
    "KILL_WITHOUT_LOCK": MOVE,
    "LEND_KEEPS_COUNT": TURNS,
    "LEND_COUNTS_LATE": TURNS,
    "VFORK_IGNORES_KILL": NEST,
    "FIRST_LEAVER_WAKES": NEST,
    "OLDEST_LENDER": NEST,
    "KILLED_LENDER_GIVES_BACK": NEST,
    "KILLED_LENDER_STAYS": NEST,
    "LENDER_WOKEN_TWICE": NEST,
    "COPY_LENDER_STAYS": COPIES,
    "QUIT_KEEPS_LENDER": NEST,
    "QUIT_KEEPS_TURN": NEST,
    "QUIT_KEEPS_COUNT": TURNS,
    "QUIT_WITHOUT_LOCK": NEST,
    "QUIT_LOOKS_AT_NOTHING": NEST,
    "QUIT_LOOKS_AT_SHARERS_ONLY": COPIES,
    "EXEC_LEAVES_FIRST": NEST,
    "EXEC_DOES_NOT_CLAIM": NEST,
    "QUIT_IN_OLD_SPACE": NEST,
    "PUT_BEFORE_QUIT": NEST,
    "EXIT_DOES_NOT_HOLD": MOVE,
    "TAKE_WITHOUT_WAIT": MOVE,
    "NO_ACQUIRE_HELD": MOVE,
    "NO_RELEASE_HELD": MOVE,
    "REAP_WITHOUT_WAIT": MOVE,
    "WRITER_LOOKS_AT_NOTHING": WRITE,
    "WRITER_LETS_LOCK_GO": WRITE,
    "SPECTATOR_WITHOUT_COUNT": LOOK,
    "SPECTATOR_DOES_NOT_TEAR_DOWN": LOOK,
    # proc/remote.c, proc/serve.c, proc/port.c
    "CALLER_WAKES_NOBODY": DEATHS,
    "EVENT_IS_NOT_LOOKED_AT": NOT_NOW,
    "CLOSED_PORT_IS_ASKED": CLOSED,
    "ASKED_AS_ANOTHER": LENT,
    "DEATH_HOLDS_NO_SIGNAL": LENT,
    "ABANDON_KEEPS_HAND": DEATHS,
    "ABANDON_KEEPS_FILE": DESCRIPTOR,
    "FILE_STAYS_IN_HAND": ONE_FILE,
    "LET_GO_WAKES_NOBODY": ONE_FILE,
    "ANSWER_LOOKS_AT_NOTHING": DEATHS,
    "FILE_IN_TWO_HANDS": ONE_FILE,
    "TAKEN_IS_INTERRUPTED": DEATHS,
    "DEATHS_DO_NOT_COUNT": KEPT,
    "PASSED_BY_WAKING": ONE_FILE,
    "PASSED_TO_THE_BACK": ONE_FILE,
    "PASSED_SILENTLY": DEATHS,
    "PASSED_IS_INTERRUPTED": DEATHS,
    "NOTE_DIES_WITH_SERVER": DEATHS,
    "NOTES_FOR_EVER": NOTES,
    "NOTE_IS_PASSED_ON": CLOSED,
    "LEND_WITHOUT_CLAIM": LENT_BY_KILLED,
    "LEND_LOOKS_AT_NOTHING": LENT_BY_KILLED,
    "RUN_WITHOUT_CLAIM": LENT_BY_KILLED,
    "ORPHAN_SERVES": KEPT,
    "OLDER_LIVES_ON": KEPT,
    "OLDER_IS_KILLED_BEFORE": KEPT,
    "ANSWER_KEEPS_STATE": DEATHS,
    "CLOSE_LOOKS_FIRST": NOTES,
    "CLOSE_WAKES_NOBODY": DEATHS,
    "FILE_WITHOUT_COUNT": DESCRIPTOR,
    "CLOSED_PORT_IS_SERVED": NOTES,
    "CLOSE_FORGETS_CALLERS": CLOSED,
    "CLOSE_FORGETS_SERVED": CLOSED,
    "CLOSE_KEEPS_NOTES": NOTES,
    "SERVER_WAITS_LATE": DEATHS,
    "TAKEN_WITHOUT_LOCK": DEATHS,
    "KILL_WAITS_FOR_REPLY": DEATHS,
    # proc/serve.c, proc/port.c: the notes of M8
    "TAKEN_WITHOUT_SPARE": IN_DOUBT,
    "ADOPTS_WITHOUT_REQUEST": IN_DOUBT,
    "ADOPTS_IN_DOUBT": IN_DOUBT,
    "SPARE_IS_NOT_ADOPTED": IN_DOUBT,
    "SPARE_OF_BOTH": IN_DOUBT,
    "DOUBT_DOES_NOT_END": IN_DOUBT,
    "DOUBT_ENDS_WITHOUT_LOCK": IN_DOUBT,
    "DOUBT_OF_NOBODY": IN_DOUBT,
    "DOUBT_IS_FORGOTTEN": IN_DOUBT,
    "HAND_IS_FORGOTTEN": IN_DOUBT,
    "LEFT_CALL_IS_NOT_TOLD": IN_DOUBT,
    "REFUSED_BEGINS_ANEW": IN_DOUBT,
    "LEAVE_LETS_GO_FIRST": IN_DOUBT,
    "ABANDON_LETS_GO_FIRST": IN_DOUBT,
    "ANSWERED_IS_TOLD": IN_DOUBT,
    "KEPT_BEFORE_THE_ANSWER": IN_DOUBT,
    "NOTE_IS_NOT_COUNTED": IN_DOUBT,
    # proc/twin.c, proc/signal.c, proc/exit.c, user/lib/server.c
    "NOBODY_IS_SPARED": TWINS,
    "WHO_IS_ALONE_IS_NOT_SPARED": TWINS,
    "PENDING_IS_NOT_LOOKED_AT": TWINS,
    "FORMER_TWIN_STAYS": TWINS,
    "TWIN_OUTLIVES_ITSELF": TWINS,
    "ADOPTS_FROM_WHO_ENDS": TWINS,
    "OLDER_LIVES_ON": TWINS,
    "OLDER_IS_KILLED_BEFORE": TWINS,
    "SIGNAL_IS_TAKEN_BEFORE": TWINS,
    "SIGNAL_IS_TAKEN_SILENTLY": TWINS,
    "SIGNAL_IS_NOT_HEARD": TWINS,
    "HEARD_IS_NOT_LOOKED_AT": TWINS,
    "LOOKS_BEFORE_IT_WATCHES": TWINS,
}

ERROR = re.compile(r"^pan:1: (.*?)(?: \(at depth (\d+)\))?$", re.MULTILINE)
STORED = re.compile(r"^\s*(\d+) states, stored", re.MULTILINE)
REACHED = re.compile(r"depth reached (\d+)")
USED = re.compile(r"^\s*([\d.]+)\s+total actual memory", re.MULTILINE)
INCOMPLETE = ("Search not completed", "max search depth too small",
              "out of memory", "memory limit", "hash table full")


class Broken(Exception):
    """A tool failed, or did not search all."""


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
    # A search that finds a mutant takes less time than optimizing would.
    execute(["cc", "-O0" if mutant else "-O1", "-w", "-DSAFETY", "-DCOLLAPSE",
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
    """Prints what the model says on a short way to the error."""
    scope = MUTANTS[mutant]
    good, what = refute(mutant, where)
    print(f"{mutant}, {scope}: {what}")
    if not good:
        return 1
    try:
        execute(["./pan", f"-m{int(what.split()[-2])}", "-i"], where)
    except Broken:
        pass  # pan exits with an error if it has found a shorter way
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
    failed, serial, states = 0, 0, 0
    for item in [*scopes, *mutants]:
        serial += 1
        try:
            if isinstance(item, Scope):
                good, what = verify(item, where, memory)
                states += sum(map(int, re.findall(r"(\d+) states", what)))
            else:
                good, what = refute(item, where)
        except Broken as error:
            good, what = False, str(error).replace("\n", " ")
        failed += not good
        print(f"{'' if good else 'not '}ok {serial} - {item}: {what}",
              flush=True)
    print(f"# {len(scopes)} searches of {states:,} states, and "
          f"{len(mutants)} mistakes; {failed} failed")
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
