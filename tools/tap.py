# SPDX-License-Identifier: MIT
"""TAP, the language every test here speaks: reading it and writing it.

A suite is a plan `1..N` followed by N results in order.  One run may hold
several suites, one after the other; other lines between them are ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, List, Optional

PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#.*)?$")
RESULT = re.compile(r"^(not )?ok\b(?:\s+(\d+))?(.*)$")
SKIP = re.compile(r"#\s*skip\b", re.IGNORECASE)


@dataclass
class Suite:
    """One plan and its results."""

    planned: int
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def seen(self) -> int:
        return self.passed + self.failed

    @property
    def missing(self) -> int:
        return max(0, self.planned - self.seen)


@dataclass
class Report:
    """The results of a run, whose output is fed to it line by line."""

    suites: List[Suite] = field(default_factory=list)
    failures: List[str] = field(default_factory=list)
    disorder: Optional[str] = None

    def feed(self, line: str) -> bool:
        """Take a line; true if it was TAP."""
        plan = PLAN.match(line)
        if plan:
            self.suites.append(Suite(int(plan.group(1))))
            return True
        result = RESULT.match(line)
        if result:
            self._result(line, result)
            return True
        return False

    def _result(self, line: str, result: "re.Match[str]") -> None:
        if not self.suites:
            self._disordered("result before any plan", line)
            self.suites.append(Suite(0))
        suite = self.suites[-1]
        if result.group(2) is None or int(result.group(2)) != suite.seen + 1:
            self._disordered(f"expected result {suite.seen + 1}", line)
        elif suite.seen == suite.planned:
            self._disordered("more results than planned", line)

        if result.group(1):
            suite.failed += 1
            self.failures.append(line)
            return
        suite.passed += 1
        if SKIP.search(result.group(3)):
            suite.skipped += 1

    def _disordered(self, what: str, line: str) -> None:
        if self.disorder is None:
            self.disorder = f"{what}: {line}"

    @property
    def planned(self) -> int:
        return sum(suite.planned for suite in self.suites)

    @property
    def passed(self) -> int:
        return sum(suite.passed for suite in self.suites)

    @property
    def failed(self) -> int:
        return sum(suite.failed for suite in self.suites)

    @property
    def skipped(self) -> int:
        return sum(suite.skipped for suite in self.suites)

    @property
    def missing(self) -> int:
        return sum(suite.missing for suite in self.suites)


Test = Callable[[], Optional[str]]


class Skip(Exception):
    """Raised by a test that cannot be tried here, with the reason."""


def rejects(wrong: str, function: Callable[..., object],
            *arguments: object) -> Optional[str]:
    """Does it raise a ValueError that says this?  Else what it did."""
    try:
        return f"{arguments}: taken as {function(*arguments)}"
    except ValueError as error:
        return None if wrong in str(error) else f"{arguments}: {error}"


def run_tests(tests: List[Test]) -> int:
    """Run functions that return None, or a sentence saying what was found.

    Each is reported under its own name.  Returns the exit status.
    """
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        try:
            found = test()
        except Skip as reason:
            print(f"ok {number} - {test.__name__} # skip {reason}", flush=True)
            continue
        except Exception as error:  # pylint: disable=broad-except
            found = f"{type(error).__name__}: {error}"
        if found is None:
            print(f"ok {number} - {test.__name__}", flush=True)
        else:
            failed += 1
            found = " ".join(found.split())
            print(f"not ok {number} - {test.__name__} # {found}", flush=True)
    return 1 if failed else 0
