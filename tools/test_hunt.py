#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One hunt from the beginning to the end, and no mistake without a level."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import sys
from typing import Optional, Tuple

import hunt
from mutant_list import read_all
from tap import run_tests

# On the build machine, and soon over.
PREY = "shared-table-is-taken-over"


def said(*words: str) -> Tuple[int, str]:
    """The status of a command, and what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = hunt.main(list(words))
    return status, out.getvalue()


def prey_number() -> int:
    names = [mutant.name for mutant in hunt.candidates(hunt.easiest(hunt.named(PREY))[0])]
    return names.index(PREY) + 1


def each_level_has_something_to_find() -> Optional[str]:
    counts = [len(hunt.candidates(level)) for level in (1, 2, 3)]
    return None if min(counts) >= 12 else f"{counts}"


def each_area_says_what_to_watch() -> Optional[str]:
    areas = {mutant.area for mutant in read_all(hunt.ROOT)}
    return None if areas == set(hunt.WATCH) else f"{areas ^ set(hunt.WATCH)}"


def exercises_are_those_of_the_document() -> Optional[str]:
    text = (hunt.ROOT / "docs" / "exercises.md").read_text()
    numbers = [int(n) for n in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)]
    for name in hunt.EXERCISES:
        hunt.named(name)
    wanted = list(range(1, len(hunt.EXERCISES) + 1))
    return None if numbers == wanted else f"{numbers}"


def hunt_begins_with_the_symptom_and_not_with_the_place() -> Optional[str]:
    level = str(hunt.easiest(hunt.named(PREY))[0])
    status, text = said("start", "--level", level, "--number",
                        str(prey_number()))
    if status or "not ok" not in text and "panic" not in text:
        return text
    if hunt.named(PREY).path in text or PREY in text:
        return "it names the place"
    if list(hunt.COPY.glob("tests/mutants/*.txt")):
        return "the records are in the copy"
    return None


def mistake_is_still_there() -> Optional[str]:
    status, text = said("check")
    return None if status == 1 and "Not yet" in text else text


def changed_test_does_not_count() -> Optional[str]:
    path = hunt.COPY / "tests" / "host" / "random.c"
    before = path.read_text()
    path.write_text(before + "/* */\n")
    status, text = said("check")
    path.write_text(before)
    return None if status == 1 and "random.c" in text else text


def repaired_copy_passes() -> Optional[str]:
    shutil.copy(hunt.ROOT / hunt.named(PREY).path, hunt.COPY / hunt.named(PREY).path)
    status, text = said("check")
    return None if status == 0 and "repaired" in text else text


def what_it_was_is_told_at_the_end() -> Optional[str]:
    status, text = said("reveal")
    fits = hunt.named(PREY).path in text and hunt.named(PREY).rule in text
    return None if status == 0 and fits else text


if __name__ == "__main__":
    sys.exit(run_tests([
        each_level_has_something_to_find,
        each_area_says_what_to_watch,
        exercises_are_those_of_the_document,
        hunt_begins_with_the_symptom_and_not_with_the_place,
        mistake_is_still_there,
        changed_test_does_not_count,
        repaired_copy_passes,
        what_it_was_is_told_at_the_end,
    ]))
