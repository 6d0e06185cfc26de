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
import difflib
import fnmatch
import json
import random
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from killers import Killer, Seen
from mutant_list import DOCUMENT, Kill, Mutant, mutate, read_all
from mutants import ROOT, Tree

HUNT = ROOT / "build" / "hunt"
COPY = HUNT / "calf"
STATE = HUNT / "state.json"
TAIL = 12

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
    "bag": "pages on their way from one address space to another: who names "
           "them while they are in neither.",
    "calls": "the system calls of the test that fails: arguments, results and "
             "errno. Break on its handler in trap/.",
    "console": "what is typed, what comes back, and in which mode: the test "
               "types the same on a terminal of this machine's Linux.",
    "devices": "who drives the serial port: who has its page, who is told of "
               "its interrupt, and when that is completed.",
    "entries": "the entry itself: `calf-walk ADDRESS` in the debugger, or "
               "`vmmap` at the prompt, against the table of kinds in "
               "docs/design.md.",
    "fences": "what a hart may still remember. Which change of an entry is "
              "followed by no fence, or by too narrow a one?",
    "files": "one call on the file server's tree, and what Linux makes of the "
             "same: number, bytes, names, links, and what is left of memory.",
    "film": "what is recorded (include/arch/trace.h), against what was done: "
            "`make film` compares the counts.",
    "fork": "both sides of the fork, before and after: `cow` at the prompt "
            "shows entry, frame and count of each.",
    "frames": "the counts: free frames before and after (`free` at the "
              "prompt), and who names a frame.",
    "kills": "a server that is killed, at any of its instructions: what its "
             "successor knows, and what it does once more.",
    "locks": "who may be there at the same time, and under which lock.",
    "mapping": "the pages that a server gives to a call of mmap: whose they "
               "are, how many, and where they go.",
    "ports": "one call on its way to a server and back: in whose hand it is, "
             "what is lent with it, and who is told when one of them ends.",
    "process": "one process through its life: fork, switch, signal, exit, "
               "wait. What of it is whose, and until when?",
    "programs": "the new program's address space (`vmmap`), against the "
                "headers of its file (`readelf -lW`).",
    "range": "the borders: the first and the last page of the range, and of "
             "each table that it touches.",
    "resolve": "one page fault: `calf-fault` stops at it, `calf-walk` shows "
               "the path before and after.",
    "runner": "who runs an address space, who has lent it, and who waits.",
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
    """How hard it is to see, and where it is seen best."""
    return min(((level_of(kill), kill) for kill in mutant.kills
                if not kill.hang and kill.how.split()[0] != "check-locks"),
               key=lambda pair: pair[0], default=(0, mutant.kills[0]))


def candidates(level: int) -> List[Mutant]:
    return [mutant for mutant in read_all(ROOT) if easiest(mutant)[0] == level]


def picked(options: argparse.Namespace) -> Tuple[Mutant, str]:
    """The mistake that is asked for, and how it is called."""
    number = options.exercise
    if number:
        if not 1 <= number <= len(EXERCISES):
            sys.exit(f"There are {len(EXERCISES)} exercises.")
        return named(EXERCISES[number - 1]), f"Exercise {number}"
    found = candidates(options.level)
    number = options.number or random.randint(1, len(found))
    if not 1 <= number <= len(found):
        sys.exit(f"There are {len(found)} mistakes of level {options.level}.")
    return found[number - 1], (f"Mistake {number} of {len(found)}, "
                               f"level {options.level}")


def named(name: str) -> Mutant:
    for mutant in read_all(ROOT):
        if mutant.name == name:
            return mutant
    sys.exit("The records have changed since: make hunt")


def hunted() -> Mutant:
    """The mistake that is out there."""
    if not STATE.is_file():
        sys.exit("There is nothing to hunt yet: make hunt")
    return named(json.loads(STATE.read_text())["name"])


def remove_traces() -> None:
    for path in COPY.glob("tests/mutants/*.txt"):
        path.unlink()
    (COPY / DOCUMENT).unlink(missing_ok=True)


def run_test(kill: Kill, quietly: bool) -> Seen:
    """Builds the copy and runs what notices the mistake."""
    killer = Killer(kill.how)
    complaint = Tree(COPY).make(killer.target, quietly)
    if complaint is not None:
        sys.exit(f"{complaint}\nThe copy does not compile.")
    return killer.run(COPY, None)


def last_words() -> str:
    """What the run said when it went wrong."""
    lines = COPY.with_suffix(".log").read_text(errors="replace").splitlines()
    wrong = [i for i, line in enumerate(lines)
             if line.startswith(("not ok", "panic", "Bail out!"))]
    at = wrong[0] if wrong else len(lines) - 1
    first = max(0, at - TAIL // 2)
    return "\n".join(f"    {line}" for line in lines[first:at + TAIL // 2 + 1])


def start(options: argparse.Namespace) -> int:
    mutant, title = picked(options)
    kill = easiest(mutant)[1]
    shutil.rmtree(HUNT, ignore_errors=True)
    HUNT.mkdir(parents=True)
    Tree(COPY).create()
    remove_traces()
    path = COPY / mutant.path
    path.write_text(mutate(mutant, path.read_text()))
    STATE.write_text(json.dumps({"name": mutant.name}))
    print("Building a kernel with a mistake in it ...", flush=True)
    seen = run_test(kill, quietly=True)
    if seen.passed:
        sys.exit("This one does not show itself here. Try another: make hunt")
    print(f"""
{title}. This is what it does
(`{kill.how}`; all of it is in build/hunt/calf.log):

{last_words()}

{textwrap.fill("Watch " + WATCH[mutant.area], 76)}

The copy in build/hunt/calf is a whole tree: look, change, boot it there.

    make -C build/hunt/calf run     the prompt, with the mistake
    make -C build/hunt/calf gdb     the debugger
    make -C build/hunt/calf replay  back in time from the end (BOOT=kernel-all)
    make -C build/hunt/calf film    what happens to the page tables, step by step
    make hunt-check                 is it repaired?
    make hunt-hint                  the rule that it breaks
    make hunt-reveal                where it is
""")
    return 0


def hint(_options: argparse.Namespace) -> int:
    print(f"The rule that it breaks: {hunted().rule}.")
    return 0


def foreign_changes() -> List[str]:
    """Tests that are not what they were: they prove nothing."""
    return [str(path.relative_to(COPY)) for folder in ("tests", "tools")
            for path in sorted(COPY.glob(f"{folder}/**/*"))
            if path.is_file() and "__pycache__" not in path.parts and
            (ROOT / path.relative_to(COPY)).is_file() and
            path.read_bytes() != (ROOT / path.relative_to(COPY)).read_bytes()]


def check(_options: argparse.Namespace) -> int:
    mutant = hunted()
    changed = foreign_changes()
    if changed:
        print(f"{changed[0]} was changed: the test has to stay as it is.")
        return 1
    for kill in mutant.kills:
        seen = run_test(kill, quietly=False)
        if not seen.passed:
            names = [name for name in seen.failed
                     if fnmatch.fnmatchcase(name, kill.test or "*")]
            print(f"Not yet: `{kill.how}` fails in "
                  f"{(names or seen.failed or ['no test'])[0]}.\n")
            print(last_words())
            return 1
        print(f"`{kill.how}` passes.")
    print("It is repaired. `make hunt-reveal` shows how it was.")
    return 0


def reveal(_options: argparse.Namespace) -> int:
    mutant = hunted()
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


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    what: Dict[str, object] = {"start": start, "hint": hint, "check": check,
                               "reveal": reveal}
    parser.add_argument("what", choices=what)
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=1)
    parser.add_argument("--number", type=int, default=0, metavar="N")
    parser.add_argument("--exercise", type=int, default=0, metavar="N")
    options = parser.parse_args(arguments)
    return what[options.what](options)  # type: ignore[operator]


if __name__ == "__main__":
    sys.exit(main())
