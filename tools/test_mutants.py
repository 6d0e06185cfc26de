#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the runner of mutants say no when it should?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Optional

from killers import Killer, Listener, Seen
from mutant_list import (Broken, Kill, Mutant, document, mutate, read_area,
                         stale)
from mutants import HUNG, KILLED, OTHER, SURVIVED, judge
from sweep import is_whole, statement_of
from tap import run_tests

SOURCE = """\
int one(void)
{
\tstep();
\treturn 1;
}

/* two() is like one() */
int two(void)
{
\tstep();
\tif (x)
\t\treturn 2;
\treturn 1;
}
"""


def mutant(function: str, old: str, new: str = "") -> Mutant:
    return Mutant("m", "area", "rule", [], "two.c", function, old, new)


def refused(found: Mutant) -> Optional[str]:
    try:
        mutate(found, SOURCE)
    except Broken:
        return None
    return "it was applied"


def a_text_is_replaced_in_its_function_only() -> Optional[str]:
    text = mutate(mutant("two", "step();", "fall();"), SOURCE)
    good = text.count("step();") == 1 and text.index("step") < text.index(
        "fall")
    return None if good else text


def line_ends_are_blanks() -> Optional[str]:
    text = mutate(mutant("", "if (x) return 2;"), SOURCE)
    return "it is still there" if "return 2" in text else None


def a_text_that_occurs_twice_is_refused() -> Optional[str]:
    return refused(mutant("", "step();"))


def a_text_that_does_not_occur_is_refused() -> Optional[str]:
    return refused(mutant("one", "return 2;"))


def a_function_that_is_gone_is_refused() -> Optional[str]:
    return refused(mutant("three", "step();"))


def a_record_that_changes_nothing_is_stale() -> Optional[str]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "two.c").write_text(SOURCE)
        same = stale(Path(folder), mutant("one", "step();", "step();"))
        other = stale(Path(folder), mutant("one", "step();"))
    return None if same and not other else f"{same!r}, {other!r}"


def a_record_without_a_killer_is_refused() -> Optional[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "area.txt"
        path.write_text("m\n    rule r\n    in two.c\n    - step();\n")
        try:
            read_area(path)
        except Broken:
            return None
    return "it was read"


def verdict(kill: Kill, seen: Seen) -> str:
    return judge(kill, seen)[0]


def what_passes_has_not_noticed() -> Optional[str]:
    found = verdict(Kill("unit", "a", False), Seen(passed=True))
    return None if found == SURVIVED else found


def the_test_that_is_named_has_to_fail() -> Optional[str]:
    kill = Kill("unit", "a_*", False)
    found = (verdict(kill, Seen(failed=["a_b"])),
             verdict(kill, Seen(failed=["b_a"])))
    return None if found == (KILLED, OTHER) else str(found)


def a_hang_counts_where_it_is_expected() -> Optional[str]:
    seen = Seen(hung=True, failed=["a"])
    found = (verdict(Kill("unit", "a", True), seen),
             verdict(Kill("unit", "a", False), seen))
    return None if found == (KILLED, HUNG) else str(found)


def understood(*lines: str) -> Seen:
    outcome = Listener()
    for line in lines:
        outcome.feed(line)
    outcome.status = 1
    killer = Killer("ktest live")
    # pylint: disable=protected-access
    return killer._understand(outcome, Seen(names=["a", "b", "c"]))


def a_panic_belongs_to_the_test_that_was_running() -> Optional[str]:
    seen = understood("1..3", "ok 1 - a", "Bail out! a count")
    return None if seen.failed == ["b"] else str(seen.failed)


def a_machine_that_does_not_begin_fails_in_its_boot() -> Optional[str]:
    seen = understood("OpenSBI")
    return None if seen.failed == ["boot"] else str(seen.failed)


def the_document_names_mutant_rule_and_test() -> Optional[str]:
    found = mutant("one", "step();")
    found.kills = [Kill("unit", "a_test", False)]
    found.museum = [3]
    text = document([found], {3: "a mistake"})
    missing = [word for word in ("| m |", "rule", "unit: a_test",
                                 "| 3 | a mistake | m |") if word not in text]
    return None if not missing else str(missing)


def what_changes_something_is_a_statement() -> Optional[str]:
    for text in ("p->as = NULL", "*slot = p->next", "n += len - 1", "n++",
                 "--n", "list_init(&p->link)", "head->count--",
                 "(void)give_up(p)", "table[i] |= 1UL << i"):
        if statement_of(f"\t{text};") != text:
            return text
    return None


def other_lines_are_left_alone() -> Optional[str]:
    for line in ("\tint n = 0;", "\tstruct proc *p = proc_self();",
                 "\treturn n;", "\tassert(n > 0);", "\t    n = 1;", "int n;",
                 "\tlock_acquire(&lock);", "\tcall(first,", "\tgoto out;",
                 "\t    second);", "\t(void)unused;", "\tint *a, *b;"):
        if statement_of(line):
            return line
    return None


def a_statement_begins_where_another_has_ended() -> Optional[str]:
    for line, whole in (("\tn = 1;", True), ("\tif (n > 0)", True),
                        ("\telse", True), ("\tif (n > 0 &&", False),
                        ("\tn = first +", False), ("", True),
                        ("\t/* why */", True)):
        if is_whole(line) != whole:
            return line
    return None


TEST = """
import killers
def TEST(*_):
    killers.Runner(["sleep", "600"], 900, open("/dev/null", "wb")).run("")
    return "", ""
"""


def outlived(code: str) -> Optional[str]:
    """What lives on when a tool is killed while it runs a test.  The code puts
    TEST into the place of one of the tool's functions, and calls it."""
    process = subprocess.Popen(
        [sys.executable, "-c", TEST + code], cwd=Path(__file__).parent,
        start_new_session=True, stdout=subprocess.DEVNULL)
    tasks = Path(f"/proc/{process.pid}/task")
    if not (tasks / str(process.pid) / "children").exists():
        process.kill()  # another system than Linux
        return None
    begun, test = time.monotonic(), ""
    while not test and time.monotonic() < begun + 30:
        test = "".join(path.read_text().strip()
                       for path in tasks.glob("*/children"))
        time.sleep(0.05)
    time.sleep(0.5)  # until the tool knows of it
    process.terminate()
    try:
        status = process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    lives = Path(f"/proc/{test}").exists()
    if test and lives:
        os.kill(int(test), signal.SIGKILL)
    return None if test and not lives and status == 143 else f"{status}, {test}"


def killed_run_ends_its_test() -> Optional[str]:
    """One that the first thread runs, and one that another runs."""
    return (outlived("import mutants; mutants.only_records = TEST; "
                     "mutants.main(['--stale'])") or
            outlived("import mutants; mutants.usual_runs = lambda *_: {}; "
                     "mutants.Tree.create = mutants.Tree.keep = print; "
                     "mutants.WORK = mutants.ROOT / 'build' / 'mutants-test'; "
                     "mutants.try_mutant = TEST; mutants.main(['fork'])"))


if __name__ == "__main__":
    sys.exit(run_tests([
        a_text_is_replaced_in_its_function_only,
        line_ends_are_blanks,
        a_text_that_occurs_twice_is_refused,
        a_text_that_does_not_occur_is_refused,
        a_function_that_is_gone_is_refused,
        a_record_that_changes_nothing_is_stale,
        a_record_without_a_killer_is_refused,
        what_passes_has_not_noticed,
        the_test_that_is_named_has_to_fail,
        a_hang_counts_where_it_is_expected,
        a_panic_belongs_to_the_test_that_was_running,
        a_machine_that_does_not_begin_fails_in_its_boot,
        the_document_names_mutant_rule_and_test,
        what_changes_something_is_a_statement,
        other_lines_are_left_alone,
        a_statement_begins_where_another_has_ended,
        killed_run_ends_its_test,
    ]))
