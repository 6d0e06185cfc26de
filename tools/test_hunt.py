#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of hunt.py: one hunt from beginning to end; each mistake has a level."""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import sys
import time
from dataclasses import replace
from typing import Optional, Tuple

import hunt
from mutant_list import read_all
from tap import run_tests
from test_mutants import outlived

# A hunt that somebody is at stays as it is.
hunt.HUNT = hunt.ROOT / "build" / "hunt-test"
hunt.BEFORE = hunt.HUNT.with_name("hunt-test.before")
hunt.COPY = hunt.HUNT / "calf"
hunt.STATE = hunt.HUNT / "state.json"
hunt.LOCK = hunt.HUNT.with_name("hunt-test.lock")

# Mistakes whose tests run on the build machine, and take little time.
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


def exercises_say_which_suite_fails() -> Optional[str]:
    text = (hunt.ROOT / "docs" / "exercises.md").read_text()
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    for number, name in enumerate(hunt.EXERCISES, 1):
        suite = hunt.easiest(hunt.named(name))[1].how.split()[1]
        section = next(section for section in sections
                       if section.startswith(f"{number}. "))
        if re.findall(r"suite `(\w+)`", section)[:1] != [suite]:
            return f"{number}: {suite}"
    return None


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
    for path in hunt.HUNT.iterdir():
        if path.is_file() and PREY in path.read_text(errors="replace"):
            return f"{path.name} names the mistake"
    return None


def no_time_tells_where_it_is() -> Optional[str]:
    """Neither of a source, nor of something that was built of one."""
    files = [path for path in hunt.COPY.rglob("*") if path.is_file()]
    times = {path.stat().st_mtime_ns for path in files}
    return None if len(files) > 100 and len(times) == 1 else f"{len(times)}"


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


def test_that_is_gone_does_not_count() -> Optional[str]:
    path = hunt.COPY / "tests" / "host" / "unit.c"
    before = path.read_bytes()
    path.unlink()
    status, text = said("check")
    path.write_bytes(before)
    return None if status == 1 and "unit.c" in text else text


def ended(*words: str) -> str:
    """What a command that cannot be done says."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return f"it was done: {said(*words)[1]}"
    except SystemExit as end:
        return str(end.code)


def numbers_that_there_are_not_are_refused() -> Optional[str]:
    for words in (("--number", "0"), ("--number", "-1"), ("--number", "9999"),
                  ("--exercise", "0"), ("--exercise", "99")):
        text = ended("start", *words)
        if not text.startswith("There are "):
            return f"{words}: {text}"
    for words, wanted in (
            (("--exercise", "1", "--number", "1"), "N= and EXERCISE= each"),
            (("--level", "4"), "LEVEL=4: expected 1, 2 or 3"),
            (("--number", "x"), "N=x: expected a number")):
        text = ended("start", *words)
        if not text.startswith(wanted):
            return text
    return None


def copy_says_that_it_has_no_mistakes() -> Optional[str]:
    kept, hunt.read_all = hunt.read_all, lambda _: []
    try:
        text = ended("start")
    finally:
        hunt.read_all = kept
    return None if "this is the copy" in text else text


def killed_hunt_ends_its_test() -> Optional[str]:
    return outlived("import hunt; hunt.check = TEST; "
                    f"hunt.LOCK = hunt.ROOT / 'build' / '{hunt.LOCK.name}'; "
                    "hunt.main(['check'])")


def two_at_once_are_one_too_many() -> Optional[str]:
    with hunt.only_one(hunt.LOCK):
        text = ended("start")
    return None if "at it already" in text else text


def hunt_that_is_not_whole_is_none() -> Optional[str]:
    state = hunt.STATE.read_text()
    hunt.STATE.write_text("{")
    text = ended("check")
    hunt.STATE.write_text(state)
    if "nothing to hunt" not in text:
        return text
    copy = hunt.COPY.rename(hunt.COPY.with_name("elsewhere"))
    text = ended("check")
    copy.rename(hunt.COPY)
    return None if "not there any more" in text else text


def check_without_its_tool_was_skipped() -> Optional[str]:
    log = hunt.COPY.with_suffix(".log")
    log.write_text("locks: skipped, as there is no clang\n")
    if not hunt.was_skipped():
        return "it is taken for one that passed"
    log.write_text("locks: clean\n")
    return "a clean one is taken for it" if hunt.was_skipped() else None


def test_that_hangs_is_named() -> Optional[str]:
    """After some times what it takes without the mistake, as make hunt found."""
    kept, hunt.run_test = hunt.run_test, lambda *_: hunt.Seen(hung=True)
    try:
        status, text = said("check")
    finally:
        hunt.run_test = kept
    limit = re.search(r"come to its end in (\d+) s", text)
    if status != 1 or not limit:
        return text
    return None if int(limit[1]) < hunt.FIRST_SECONDS / 2 else text


def run_that_takes_long_says_how_long_it_may() -> Optional[str]:
    kept, hunt.PATIENCE = hunt.PATIENCE, 0.1
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            with hunt.patience(77):
                pass
            with hunt.patience(88):
                time.sleep(1)
    finally:
        hunt.PATIENCE = kept
    text = out.getvalue()
    return None if "after 88 s" in text and "77" not in text else text


def test_that_fails_anyway_shows_nothing() -> Optional[str]:
    kept, hunt.run_test = hunt.run_test, lambda *_: hunt.Seen(passed=False)
    path = hunt.COPY / hunt.named(PREY).path
    before = path.read_text()
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            seconds = hunt.shows(hunt.named(PREY))
    finally:
        hunt.run_test = kept
    if seconds is not None or path.read_text() != before:
        return "the mistake is made nevertheless"
    text = out.getvalue()
    return None if "fails without the mistake" in text else text


def repaired_copy_passes() -> Optional[str]:
    shutil.copy(hunt.ROOT / hunt.named(PREY).path, hunt.COPY / hunt.named(PREY).path)
    status, text = said("check")
    return None if status == 0 and "repaired" in text else text


def what_does_not_show_is_followed_by_another() -> Optional[str]:
    """The first of two is a change that no test can notice.

    What the hunt before had in its copy is kept."""
    (hunt.COPY / "mine").touch()
    prey = hunt.named(PREY)
    blank = replace(prey, new=f"{prey.old} ")
    kept, hunt.eligible = hunt.eligible, lambda _: [(blank, "A"), (prey, "B")]
    try:
        status, text = said("start")
    finally:
        hunt.eligible = kept
    if not (hunt.BEFORE / "calf" / "mine").is_file():
        return "the hunt before is lost"
    made = (hunt.COPY / prey.path).read_text()
    if made != hunt.mutate(prey, (hunt.ROOT / prey.path).read_text()):
        return "another change is left in the copy"
    return None if status == 0 and "\nB. " in text and "\nA. " not in text else text


def what_it_was_is_told_at_the_end() -> Optional[str]:
    status, text = said("reveal")
    fits = hunt.named(PREY).path in text and hunt.named(PREY).rule in text
    return None if status == 0 and fits else text


if __name__ == "__main__":
    sys.exit(run_tests([
        each_level_has_something_to_find,
        each_area_says_what_to_watch,
        exercises_are_those_of_the_document,
        exercises_say_which_suite_fails,
        hunt_begins_with_the_symptom_and_not_with_the_place,
        no_time_tells_where_it_is,
        mistake_is_still_there,
        changed_test_does_not_count,
        test_that_is_gone_does_not_count,
        numbers_that_there_are_not_are_refused,
        copy_says_that_it_has_no_mistakes,
        killed_hunt_ends_its_test,
        two_at_once_are_one_too_many,
        hunt_that_is_not_whole_is_none,
        check_without_its_tool_was_skipped,
        test_that_hangs_is_named,
        run_that_takes_long_says_how_long_it_may,
        test_that_fails_anyway_shows_nothing,
        repaired_copy_passes,
        what_does_not_show_is_followed_by_another,
        what_it_was_is_told_at_the_end,
    ]))
