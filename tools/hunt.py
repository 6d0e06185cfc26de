#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hide a mistake in a copy of the sources, for somebody to find.

    tools/hunt.py start [--level 1|2|3] [--number N]   make one, show what it does
    tools/hunt.py start --exercise N    the one of docs/exercises.md
    tools/hunt.py hint      the rule that it breaks
    tools/hunt.py check     is the copy right again?
    tools/hunt.py reveal    where it is

The mistakes are those of tests/mutants/, which the copy in build/hunt/calf is
without.  A program notices those of level 1, on one hart; a test inside the
kernel those of level 2; for the others it takes several harts, or the machine
of the host tests, which forgets no translation before it has to.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import fnmatch
import hashlib
import json
import os
import random
import re
import shutil
import sys
import textwrap
import threading
import time
from typing import Dict, Iterator, List, Optional, Tuple

from killers import FIRST_SECONDS, Killer, Seen, limit_after
from mutant_list import (DOCUMENT, Broken, Kill, Mutant, mutate,
                         read_all)
from mutants import ROOT, Tree, end_tests_when_killed, only_one

HUNT = ROOT / "build" / "hunt"
BEFORE = ROOT / "build" / "hunt.before"  # the one before, for who wants it back
COPY = HUNT / "calf"
STATE = HUNT / "state.json"
LOCK = ROOT / "build" / "hunt.lock"
TAIL = 12
TRIES = 10  # how many random mistakes are tried until one shows
PATIENCE = 20  # seconds of a run, before it is said how long it may take

# Those of docs/exercises.md, in its order.
EXERCISES = [
    "shared-page-is-reused",
    "leaf-is-not-closed-in-the-source",
    "leaf-is-not-closed-in-the-copy",
    "closed-page-forgets-cow",
    "first-count-is-two",
    "leaf-is-not-counted",
    "owner-keeps-its-reference",
    "sole-owner-copies",
    "copyout-asks-to-read",
    "fault-without-a-frame-stops-the-machine",
    "copy-is-not-fenced",
    "inner-entry-is-not-closed-in-the-source",
    "registers-of-another-are-seen",
    "drop-is-not-atomic",
]

# Where to begin to look, by the file that a record is in.
WATCH = {
    "bag": "pages on their way from one address space to another: what names "
           "them while they are in neither.",
    "calls": "the system calls of the test that fails: arguments, results and "
             "errno. Break on its handler in trap/.",
    "console": "what is typed, what comes back, and in which mode: the test "
               "does it on a terminal of this machine's Linux, too.",
    "devices": "the process that drives the serial port: does it have the "
               "page, is it told of the interrupt, and when is that completed?",
    "entries": "the entry itself: `calf-walk ADDRESS` in the debugger, or "
               "`vmmap` at the prompt, against the table of kinds in "
               "docs/design.md.",
    "fences": "what a hart may still remember. Which change of an entry is "
              "followed by no fence, or by too narrow a one?",
    "files": "one call on the file server's tree, beside what it does on Linux: "
             "number, bytes, names, links, and what is left of memory.",
    "film": "what is recorded (include/arch/trace.h), against what was done: "
            "`make film` compares the counts.",
    "fork": "both sides of the fork, before and after: `cow` at the prompt "
            "shows entry, frame and count of each.",
    "frames": "the counts: free frames before and after (`free` at the "
              "prompt), and which entries name a frame.",
    "kills": "a server that is killed, at any of its instructions: what its "
             "successor knows, and what it does once more.",
    "locks": "who may be there at the same time, and under which lock.",
    "mapping": "the pages that a server gives to a call of mmap: whose they "
               "are, how many, and where they go.",
    "memcpy": "bytes that are copied from one alignment to another, and what "
              "lies behind both ends. Break on words_copy's functions.",
    "ports": "one call on its way to a server and back: in whose hand it is, "
             "what is lent with it, and who is told when one of them ends.",
    "process": "one process through its life: fork, switch, signal, exit, "
               "wait. What of it is whose, and until when?",
    "programs": "the new program's address space (`vmmap`), against the "
                "headers of its file (`readelf -lW`).",
    "range": "what is mapped, from the mapping to the end of the address "
             "space: the borders of each range, gaps, and who tears down.",
    "resolve": "one page fault: `calf-fault` stops at it, `calf-walk` shows "
               "the path before and after.",
    "runner": "which process runs an address space, has lent it, or waits for "
              "it; and what is done in parts: long lists, groups, the end.",
    "straight": "a call that goes straight to its server, and the reply: what "
                "has to hold before, and what is different after (`calf_stat` "
                "counts handovers).",
    "trees": "what the device tree says, and what of it is believed.",
    "usercopy": "the kernel's own accesses to a program's memory, at the "
                "borders of pages and without memory.",
}


def level_of(kill: Kill) -> int:
    killer = Killer(kill.how)
    if killer.boot.command or killer.options.get("smp", "1") != "1":
        return 3
    return 2 if killer.kind == "ktest" else 1


def easiest(mutant: Mutant) -> Tuple[int, Kill]:
    """The level of a mistake, and the test that shows it best."""
    return min(((level_of(kill), kill) for kill in mutant.kills
                if not kill.hang and kill.how.split()[0] != "check-locks"),
               key=lambda pair: pair[0], default=(0, mutant.kills[0]))


def candidates(level: int) -> List[Mutant]:
    return [mutant for mutant in read_all(ROOT) if easiest(mutant)[0] == level]


def eligible(options: argparse.Namespace) -> List[Tuple[Mutant, str]]:
    """The mistake that was asked for, or else random ones, with their titles."""
    if not read_all(ROOT):
        sys.exit("There are no mistakes here: this is the copy. Hunt in the "
                 "tree that it is of.")
    number = options.exercise
    if number is not None:
        if not 1 <= number <= len(EXERCISES):
            sys.exit(f"There are {len(EXERCISES)} exercises.")
        return [(named(EXERCISES[number - 1]), f"Exercise {number}")]
    found = candidates(options.level)
    number = options.number
    if number is not None and not 1 <= number <= len(found):
        sys.exit(f"There are {len(found)} mistakes of level {options.level}.")
    numbers = ([number] if number is not None else
               random.sample(range(1, len(found) + 1), TRIES))
    return [(found[n - 1], f"Mistake {n} of {len(found)}, "
             f"level {options.level}") for n in numbers]


def named(name: str) -> Mutant:
    for mutant in read_all(ROOT):
        if mutant.name == name:
            return mutant
    sys.exit("The records have changed since: make hunt")


def digest(name: str) -> str:
    """What stands for a name in the state, which a learner may come to see.

    It is no secret: whoever wants to know has `make hunt-reveal`."""
    return hashlib.sha256(name.encode()).hexdigest()


def hunted() -> Tuple[Mutant, float]:
    """The mistake that is hidden in the copy now, and how many seconds the test
    that shows it takes without it."""
    try:
        state = json.loads(STATE.read_text())
        wanted, seconds = state["mistake"], float(state["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        sys.exit("There is nothing to hunt yet: make hunt")
    for mutant in read_all(ROOT):
        if digest(mutant.name) == wanted:
            return mutant, seconds
    sys.exit("The records have changed since: make hunt")


def remove_traces() -> None:
    for path in COPY.glob("tests/mutants/*.txt"):
        path.unlink()
    (COPY / DOCUMENT).unlink(missing_ok=True)


@contextlib.contextmanager
def patience(limit: float) -> Iterator[None]:
    """Says after a while how long a run may go on."""
    timer = threading.Timer(PATIENCE, lambda: print(
        f"It is still running. If it has not ended after {limit:.0f} s, it "
        "hangs.", flush=True))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def run_test(kill: Kill, limit: float = FIRST_SECONDS) -> Seen:
    """Builds the copy and runs what notices the mistake, so many seconds long."""
    killer = Killer(kill.how)
    if not (COPY / "build").is_dir():
        print("Building all of the copy: that takes some minutes ...", flush=True)
    complaint = Tree(COPY).make(killer.target, quietly=False)
    if complaint is not None:
        raise Broken(f"{complaint}\nThe copy does not compile.")
    with patience(limit):
        return killer.run(COPY, None, limit)


def shows(mutant: Mutant) -> Optional[float]:
    """Makes the mistake in the copy, if the test notices it on this machine.

    Returns how many seconds the test takes without it, or None: a race may turn
    out well, what the compiler warns of is not hidden, and a test that fails
    anyway shows nothing.  Then the copy is left without the mistake.
    """
    kill = easiest(mutant)[1]
    print("Running the test without the mistake ...", flush=True)
    usual = run_test(kill)
    if not usual.passed:
        print("It fails without the mistake, too.", flush=True)
        return None
    path = COPY / mutant.path
    right = path.read_text()
    path.write_text(mutate(mutant, right))
    print("Building a kernel with a mistake in it ...", flush=True)
    try:
        if not run_test(kill, limit_after(usual.seconds)).passed:
            remove_times()
            return usual.seconds
        print("It does not show itself here.", flush=True)
    except Broken:
        print("The compiler notices it.", flush=True)
    path.write_text(right)
    return None


def remove_times() -> None:
    """No file is newer than the others, and none alone is built anew."""
    shutil.rmtree(COPY / "build")
    now = time.time_ns()
    for path in COPY.rglob("*"):
        os.utime(path, ns=(now, now), follow_symlinks=False)


def last_words() -> str:
    """The lines that the run printed when it failed."""
    lines = COPY.with_suffix(".log").read_text(errors="replace").splitlines()
    wrong = [i for i, line in enumerate(lines)
             if line.startswith(("not ok", "panic", "Bail out!"))]
    at = wrong[0] if wrong else len(lines) - 1
    first = max(0, at - TAIL // 2)
    return "\n".join(f"    {line}" for line in lines[first:at + TAIL // 2 + 1])


def was_skipped() -> bool:
    """A check is, where its tool is not there: it says so, and no more."""
    text = COPY.with_suffix(".log").read_text(errors="replace")
    return ": skipped, as there is no" in text.split("\n", 1)[0]


def start(options: argparse.Namespace) -> int:
    found = eligible(options)
    if STATE.is_file():
        shutil.rmtree(BEFORE, ignore_errors=True)
        HUNT.rename(BEFORE)
        print("The hunt before is in build/hunt.before.")
    shutil.rmtree(HUNT, ignore_errors=True)
    HUNT.mkdir(parents=True)
    Tree(COPY).create()
    remove_traces()
    for mutant, title in found:
        seconds = shows(mutant)
        if seconds is not None:
            break
    else:
        sys.exit("There is nothing to hunt. Try another: make hunt")
    STATE.write_text(json.dumps({"mistake": digest(mutant.name),
                                 "seconds": seconds}))
    print(f"""
{title}. This is what it does
(`{easiest(mutant)[1].how}`; all of it is in build/hunt/calf.log):

{last_words()}

{textwrap.fill("Watch " + WATCH[mutant.area], 76)}

The copy in build/hunt/calf is a whole tree: look, change, boot it there.

    make -C build/hunt/calf run     boot it, with the mistake
    make -C build/hunt/calf gdb     the debugger
    make -C build/hunt/calf replay  back in time from the end (BOOT=kernel-all)
    make -C build/hunt/calf film    what happens to the page tables, step by step
    make hunt-check                 is it repaired?
    make hunt-hint                  the rule that it breaks
    make hunt-reveal                where it is
""")
    return 0


def hint(_options: argparse.Namespace) -> int:
    print(f"The rule that it breaks: {hunted()[0].rule}.")
    return 0


def foreign_changes() -> List[str]:
    """Tests that were changed: their results prove nothing."""
    found = []
    for folder in ("tests", "tools"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT)
            if (not path.is_file() or "__pycache__" in path.parts or
                    name.match("tests/mutants/*.txt")):
                continue
            copy = COPY / name
            if not copy.is_file() or copy.read_bytes() != path.read_bytes():
                found.append(str(name))
    return found


def check(_options: argparse.Namespace) -> int:
    mutant, seconds = hunted()
    if not COPY.is_dir():
        sys.exit("The copy in build/hunt/calf is not there any more: make hunt")
    changed = foreign_changes()
    if changed:
        print(f"{changed[0]} was changed: the test has to stay as it is.")
        return 1
    shown = easiest(mutant)[1]
    for kill in [shown] + [kill for kill in mutant.kills if kill != shown]:
        limit = limit_after(seconds) if kill is shown else FIRST_SECONDS
        print(f"Running `{kill.how}` ...", flush=True)
        seen = run_test(kill, limit)
        if seen.hung:
            print(f"Not yet: `{kill.how}` does not come to its end in "
                  f"{limit:.0f} s.\n")
            print(last_words())
            return 1
        if not seen.passed:
            names = [name for name in seen.failed
                     if fnmatch.fnmatchcase(name, kill.test or "*")]
            print(f"Not yet: `{kill.how}` fails in "
                  f"{(names or seen.failed or ['no test'])[0]}.\n")
            print(last_words())
            return 1
        print(f"`{kill.how}` {'was skipped' if was_skipped() else 'passes'}.")
    print("It is repaired. `make hunt-reveal` shows how it was.")
    return 0


def reveal(_options: argparse.Namespace) -> int:
    mutant, _ = hunted()
    right = (ROOT / mutant.path).read_text()
    print(f"{mutant.path}, {mutant.function or 'at file level'}: the rule is "
          f"\"{mutant.rule}\".\n")
    for line in difflib.unified_diff(
            right.splitlines(), mutate(mutant, right).splitlines(),
            "as it is", "with the mistake", lineterm=""):
        print(f"    {line}")
    print("\nIt is noticed by " + " and by ".join(
        f"{kill.how} ({kill.test})" for kill in mutant.kills) + ".")
    return 0


def number_of(name: str, text: Optional[str]) -> Optional[int]:
    """A number that was given by the name that it has for make."""
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        sys.exit(f"{name}={text}: expected a number")
    return int(text)


def check_values(options: argparse.Namespace) -> None:
    if options.level not in ("1", "2", "3"):
        sys.exit(f"LEVEL={options.level}: expected 1, 2 or 3")
    if options.number is not None and options.exercise is not None:
        sys.exit("N= and EXERCISE= each say which mistake: give one of them")
    options.level = int(options.level)
    options.number = number_of("N", options.number)
    options.exercise = number_of("EXERCISE", options.exercise)


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    what: Dict[str, object] = {"start": start, "hint": hint, "check": check,
                               "reveal": reveal}
    parser.add_argument("what", choices=what)
    parser.add_argument("--level", default="1", metavar="1|2|3")
    parser.add_argument("--number", metavar="N")
    parser.add_argument("--exercise", metavar="N")
    options = parser.parse_args(arguments)
    check_values(options)
    end_tests_when_killed()
    changes = options.what in ("start", "check")
    try:
        with only_one(LOCK) if changes else contextlib.nullcontext():
            return what[options.what](options)  # type: ignore[operator]
    except Broken as broken:
        sys.exit(str(broken))


if __name__ == "__main__":
    sys.exit(main())
