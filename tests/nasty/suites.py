#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run the suites on the nasty machine, each in a boot of its own.

    tests/nasty/suites.py [--seed N] [--seeds N] [--harts N,N] [SUITE...]

A SUITE is a pattern for the names of tests/user/suites.mk, or `kernel`, the
suites inside the kernel.  docs/nasty.md says how to read a failure.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import sys
from pathlib import Path
from typing import Iterator, List

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from mutants import end_tests_when_killed  # noqa: E402
from run import Boot, conclude, perform_all, say  # noqa: E402

WORDS = {
    # They ask for keys to be typed.
    "t_tty": ["typist=1"],
    "t_typed": ["typist=1"],
    # Nothing goes straight to a process that needs another ASID first.
    "t_straight": ["asids=4"],
}
# They are process 1 themselves.
FIRST = {
    "t_init": "rdinit=/bin/t_init one CALF=1 a.b a.b=2 -- TWO=2 three.4",
    "t_serial": "boot.serial rdinit=/bin/t_serial",
}


def programs() -> List[str]:
    text = (ROOT / "tests/user/suites.mk").read_text()
    return re.findall(r"^\t(t_\w+)", text, re.MULTILINE)


def boot(suite: str, harts: int, seed: int) -> Boot:
    memory, limit, archive = "64M", 900.0, "build/test.cpio"
    append = FIRST.get(suite, f"rdinit=/init /bin/{suite}")
    if suite == "kernel":
        limit, archive, append = 1800.0, "", "ktest"
    elif suite == "t_oom":
        memory, archive = "32M", "build/small.cpio"
    return Boot(f"nasty-{suite}-smp{harts}-seed{seed}", "build/calf-test.elf",
                str(harts), memory, limit, initrd=archive, append=append,
                extra=["nasty", f"seed={seed}", *WORDS.get(suite, [])])


def boots(options: argparse.Namespace) -> Iterator[Boot]:
    suites = [suite for suite in ["kernel", *programs()]
              if not options.suites or any(
                  fnmatch.fnmatch(suite, p) for p in options.suites)]
    for seed in range(options.seed, options.seed + options.seeds):
        for harts in options.harts:
            for suite in suites:
                if suite != "kernel" or harts == 1 or options.suites:
                    yield boot(suite, harts, seed)


def numbers(text: str) -> List[int]:
    """Numbers of harts, such as 1,2,4."""
    found = [int(word) if word.isdigit() else 0 for word in text.split(",")]
    if not all(1 <= n <= 16 for n in found):
        raise argparse.ArgumentTypeError(
            f"expected numbers from 1 to 16, such as 1,2,4, found `{text}'")
    return found


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seed", type=int, default=1, metavar="N", help="the first")
    add("--seeds", type=int, default=1, metavar="N", help="how many")
    add("--harts", type=numbers, default="1,2,4", metavar="N,N")
    add("--logs", default=str(ROOT / "build" / "logs"), metavar="FOLDER")
    add("-j", "--jobs", type=int, default=1, metavar="N")
    add("suites", nargs="*", metavar="SUITE")
    options = parser.parse_args(arguments)
    options.qemu, options.verbose = "", False
    wanted = list(boots(options))
    if not wanted:
        parser.error("no suite has such a name, or there is no seed")
    end_tests_when_killed()
    total = perform_all(wanted, options)
    lines, status = conclude(total)
    say(*lines)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
