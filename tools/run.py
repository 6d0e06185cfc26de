#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run tests and judge them.

    tools/run.py [options] KERNEL            boot one kernel
    tools/run.py [options] --exec COMMAND... run a program of this machine
    tools/run.py [options] --boots FILE [PATTERN...]
                                             run the boots a table lists

A run passes if all of this holds: there is a plan; every plan is followed by
exactly that many results, in order; none is `not ok`; nobody says `Bail out!`
or panics; it ends by itself, in time, with the expected status.

A table has a line per boot, blank fields (or `-`) meaning the default:

    label | smp | mem | timeout | kernel | initrd | append | expect | qemu

`kernel` may be `exec: COMMAND`, `expect` is `pass`, `fail:REASON` or
`fail:REASON: WORDS`, and `qemu` is further words for QEMU (`icount` stands for
--icount), or `nasty` and words for the nasty machine, which then takes QEMU's
place.  $NAME is taken from the environment.  A PATTERN selects labels, like
`kernel-*`.  A boot that is expected to fail counts as one passed test if it
fails for exactly that reason (and has these words in a panic or `Bail out!`),
and as one failed test otherwise.  The reasons, the first that holds being the
verdict:
"""

from __future__ import annotations

import argparse
import concurrent.futures
import fnmatch
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Dict, List, Optional, Tuple

from dispositions import default_signals
from tap import Report

ROOT = Path(__file__).resolve().parent.parent
NASTY = "build/nasty/nasty"
ICOUNT = ["-icount", "shift=0,sleep=off"]
OUTPUT_LIMIT = 64 << 20
LINE_LIMIT = 1 << 20
TAIL_LINES = 25

PASS = "pass"
REASONS = {
    "no-boot": "the kernel never said a word",
    "output": "more output than allowed",
    "hang": "it did not end in time",
    "init-died": "the first process ended before its work was done",
    "panic": "`Bail out!`, or a panic",
    "missing": "a plan was not followed by all its results",
    "order": "results out of order, or unplanned",
    "not-ok": "a test failed",
    "zero-tests": "no plan, or none that promises a test",
    "status": "all tests passed, and yet the exit status says no",
}

# The line that the kernel prints when it cannot go on.
INIT_DIED = re.compile(r"\binit was killed by signal \d|"
                       r"(Bail out!|^panic\b).*\binit\b.*"
                       r"\b(died|exited|killed|ended|gone)\b")
PANIC = re.compile(rf"Bail out!|^panic\b|{INIT_DIED.pattern}")
# The firmware's banner ends with lines like this, and what follows comes from
# the kernel, except for complaints of the firmware.
BANNER = re.compile(r"^Boot HART ")
COMPLAINT = re.compile(r"^sbi_")


@dataclass
class Boot:
    """One run: what to start, and what to expect of it."""

    label: str
    kernel: str
    smp: str = "1"
    mem: str = "128M"
    timeout: float = 60.0
    initrd: str = ""
    append: str = ""
    expect: str = PASS
    extra: List[str] = field(default_factory=list)
    command: List[str] = field(default_factory=list)
    status: int = 0

    def argv(self, qemu: str) -> List[str]:
        if self.command:
            return self.command
        extra = self.extra
        if extra[:1] == ["nasty"]:
            argv, extra = [NASTY], extra[1:]
        else:
            argv = [qemu, "-machine", "virt", "-nographic", "-monitor",
                    "none", "-serial", "stdio", "-no-reboot"]
        argv += ["-m", self.mem, "-smp", self.smp, "-kernel", self.kernel]
        if self.initrd:
            argv += ["-initrd", self.initrd]
        if self.append:
            argv += ["-append", self.append]
        return argv + extra


@dataclass
class Outcome:
    """The facts about a run that the verdict needs."""

    report: Report = field(default_factory=Report)
    status: Optional[int] = None
    timed_out: bool = False
    too_much: bool = False
    started: bool = False  # the firmware has handed over
    spoke: bool = False    # the kernel has said something
    panics: List[str] = field(default_factory=list)
    tail: List[str] = field(default_factory=list)
    seconds: float = 0.0

    def feed(self, line: str) -> None:
        self.tail = (self.tail + [line])[-TAIL_LINES:]
        if BANNER.match(line):
            self.started = True
        elif PANIC.search(line):
            self.spoke = True
            self.panics.append(line)
        elif self.report.feed(line):
            self.spoke = True
        elif self.started and line.strip() and not COMPLAINT.match(line):
            self.spoke = True


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: "Count") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


# --- The verdict ------------------------------------------------------------


def reasons(boot: Boot, outcome: Outcome) -> List[str]:
    """Everything that is wrong with a run, the most telling first."""
    report = outcome.report
    found = {
        "no-boot": not outcome.spoke and not boot.command,
        "output": outcome.too_much,
        "hang": outcome.timed_out,
        "init-died": any(map(INIT_DIED.search, outcome.panics)),
        "panic": bool(outcome.panics),
        "missing": report.missing > 0,
        "order": report.disorder is not None,
        "not-ok": report.failed > 0,
        "zero-tests": report.planned == 0,
        "status": outcome.status != boot.status,
    }
    return [reason for reason in REASONS if found[reason]]


def as_expected(boot: Boot, outcome: Outcome, wrong: List[str]) -> bool:
    if boot.expect == PASS:
        return not wrong
    reason, _, words = boot.expect.replace("fail:", "", 1).partition(": ")
    if wrong[:1] != [reason]:
        return False
    if words and not any(words in line for line in outcome.panics):
        return False
    # A machine that gives up must also say so to whoever started it. Another
    # program than QEMU may have no way to.
    return (wrong[0] not in ("panic", "init-died") or outcome.status != 0 or
            bool(boot.command))


def count(boot: Boot, outcome: Outcome, wrong: List[str]) -> Count:
    """How many passed, failed and skipped tests a run adds to the sum."""
    report = outcome.report
    if boot.expect != PASS:
        good = as_expected(boot, outcome, wrong)
        return Count(passed=int(good), failed=int(not good))
    sums = Count(report.passed, report.failed + report.missing, report.skipped)
    # Failed and missing tests speak for themselves; so does what follows.
    if wrong and wrong[0] not in ("missing", "not-ok"):
        sums.failed += 1
    return sums


# --- Running ----------------------------------------------------------------


# Set by a signal: what runs is ended, what has not begun ends at once.
INTERRUPTED = threading.Event()


class Runner:
    """Starts one run, reads it until it ends or has to be ended."""

    def __init__(self, argv: List[str], timeout: float, log: IO[bytes]):
        self.argv = argv
        self.timeout = timeout
        self.log = log
        self.outcome = Outcome()
        self.size = 0
        self.partial = b""

    def run(self, echo: Optional[str]) -> Outcome:
        started = time.monotonic()
        try:
            process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, start_new_session=True, cwd=ROOT,
                preexec_fn=default_signals)
        except OSError as error:
            self._take(f"{self.argv[0]}: {error.strerror}\n".encode(), echo)
            return self.outcome
        try:
            self._read(process, started + self.timeout, echo)
        finally:
            kill_group(process)
        self._take(b"\n" if self.partial else b"", echo)
        if not (self.outcome.timed_out or self.outcome.too_much):
            self.outcome.status = process.returncode
        self.outcome.seconds = time.monotonic() - started
        return self.outcome

    def _read(self, process: "subprocess.Popen[bytes]", deadline: float,
              echo: Optional[str]) -> None:
        assert process.stdout is not None
        pipe = process.stdout.fileno()
        selector = selectors.DefaultSelector()
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or INTERRUPTED.is_set():
                self.outcome.timed_out = True
                return
            ended = process.poll() is not None
            # A grandchild may hold the pipe open: look at the child, too.
            if selector.select(0 if ended else min(left, 0.1)):
                chunk = os.read(pipe, 1 << 16)
                if not chunk:
                    self._wait(process, deadline)
                    return
                self._take(chunk, echo)
            elif ended:
                return
            if self.size > OUTPUT_LIMIT:
                self.outcome.too_much = True
                return

    def _wait(self, process: "subprocess.Popen[bytes]",
              deadline: float) -> None:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.outcome.timed_out = True

    def _take(self, chunk: bytes, echo: Optional[str]) -> None:
        self.size += len(chunk)
        self.log.write(chunk)
        lines = (self.partial + chunk).split(b"\n")
        if len(lines[-1]) < LINE_LIMIT:
            self.partial = lines.pop()
        else:
            self.partial = b""
        for raw in lines:
            line = raw.decode(errors="replace").strip("\r")
            self.outcome.feed(line)
            if echo is not None:
                say(f"{echo}{line}")


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End the process and whatever it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


# --- Telling ----------------------------------------------------------------

PRINTING = threading.Lock()


def say(*lines: str) -> None:
    with PRINTING:
        for line in lines:
            print(line, flush=True)


def describe(boot: Boot, outcome: Outcome, wrong: List[str],
             log: Path) -> List[str]:
    """The lines that tell of a run: one, or more if it surprised us."""
    took = f"{outcome.seconds:.1f} s"
    report = outcome.report
    if as_expected(boot, outcome, wrong):
        what = f"{report.passed} tests"
        if boot.expect != PASS:
            what = f"{boot.expect}, as it must"
        elif report.skipped:
            what += f", {report.skipped} of them skipped"
        return [f"pass {boot.label}: {what} ({took})"]

    because = ", ".join(wrong) or "it passed"
    head = f"FAIL {boot.label}: {because} ({took})"
    if boot.expect != PASS:
        head += f"; expected {boot.expect}"
    lines = [head] + [f"  {line}" for line in report.failures]
    lines += [f"  {line}" for line in outcome.panics]
    if report.disorder:
        lines.append(f"  {report.disorder}")
    if report.missing:
        lines.append(f"  {report.missing} results missing")
    if outcome.status not in (None, boot.status):
        lines.append(f"  exit status {outcome.status}, not {boot.status}")
    if wrong[:1] != ["not-ok"]:
        lines.append("  the last lines:")
        lines += [f"    {line}" for line in outcome.tail]
    return lines + [f"  all of it: {log}"]


def perform(boot: Boot, options: argparse.Namespace) -> Count:
    name = re.sub(r"[^A-Za-z0-9._+-]", "-", boot.label)
    path = Path(options.logs) / f"{name}.log"
    echo = f"{boot.label}: " if options.verbose else None
    argv = boot.argv(options.qemu)
    with open(path, "wb") as log:
        log.write(f"$ {shlex.join(argv)}\n".encode())
        outcome = Runner(argv, boot.timeout, log).run(echo)
    wrong = reasons(boot, outcome)
    if not as_expected(boot, outcome, wrong):
        # The next run of the same boot leaves this one alone.
        path = Path(shutil.copy(path, path.with_suffix(".failed.log")))
    say(*describe(boot, outcome, wrong, path))
    return count(boot, outcome, wrong)


def perform_all(boots: List[Boot], options: argparse.Namespace) -> Count:
    os.makedirs(options.logs, exist_ok=True)
    total = Count()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for sums in pool.map(lambda boot: perform(boot, options), boots):
            total.add(sums)
    return total


# --- What to run ------------------------------------------------------------

FIELDS = ("label", "smp", "mem", "timeout", "kernel", "initrd", "append",
          "expect", "qemu")


def parse_line(line: str, default: Boot) -> Boot:
    """A boot from a line of the table; ValueError says what is wrong."""
    words = [word.strip() for word in line.split("|")]
    if len(words) > len(FIELDS):
        raise ValueError(f"more than {len(FIELDS)} fields")
    fields: Dict[str, str] = {
        key: word for key, word in zip(FIELDS, words) if word not in ("", "-")}
    if "label" not in fields or "kernel" not in fields:
        raise ValueError("no label, or no kernel")

    timeout = float(fields.pop("timeout", default.timeout))
    extra = shlex.split(fields.pop("qemu", ""))
    if "icount" in extra:
        extra.remove("icount")
        extra = ICOUNT + extra
    command: List[str] = []
    if fields["kernel"].startswith("exec:"):
        command = shlex.split(fields["kernel"][len("exec:"):])
    boot = replace(default, timeout=timeout, command=command,
                   extra=default.extra + extra, **fields)
    check_expectation(boot.expect)
    return boot


def check_expectation(expect: str) -> None:
    kind, _, rest = expect.partition(":")
    reason = rest.partition(": ")[0]
    if expect != PASS and (kind != "fail" or reason not in REASONS):
        raise ValueError(f"{expect}: no such expectation")


def read_table(path: str, default: Boot, patterns: List[str],
               build: str) -> List[Boot]:
    boots: List[Boot] = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            line = re.sub(r"\bbuild/", f"{build}/", os.path.expandvars(line))
            boot = parse_line(line, default)
        except ValueError as error:
            sys.exit(f"{path}:{number}: {error}")
        if any(other.label == boot.label for other in boots):
            sys.exit(f"{path}:{number}: {boot.label}: listed twice")
        boots.append(boot)
    return select_boots(path, boots, patterns)


def select_boots(path: str, boots: List[Boot],
                 patterns: List[str]) -> List[Boot]:
    for pattern in patterns:
        if not fnmatch.filter([boot.label for boot in boots], pattern):
            sys.exit(f"{path}: no boot called {pattern}")
    return [boot for boot in boots if not patterns or
            any(fnmatch.fnmatch(boot.label, p) for p in patterns)]


def parse_arguments(arguments: List[str]) -> argparse.Namespace:
    listed = "\n".join(f"    {k:11} {v}" for k, v in REASONS.items())
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--timeout", type=float, default=Boot.timeout, metavar="SECONDS")
    add("--smp", default=Boot.smp, metavar="N")
    add("--mem", default=Boot.mem, metavar="SIZE")
    add("--qemu", default="qemu-system-riscv64", metavar="PATH")
    add("--expect", default=PASS, metavar="pass|fail:REASON")
    add("--expect-status", type=int, default=0, metavar="N")
    add("--append", default="", metavar="STRING")
    add("--initrd", default="", metavar="FILE")
    add("--extra", default="", metavar="WORDS", help="more words for QEMU")
    add("--icount", action="store_true", help="the same run every time")
    add("--name", metavar="LABEL", help="what to call it")
    add("--logs", default=str(ROOT / "build" / "logs"), metavar="FOLDER")
    add("-j", "--jobs", type=int, default=1, metavar="N")
    add("-v", "--verbose", action="store_true", help="show all output")
    add("--boots", metavar="FILE", help="a table of boots")
    add("--build", default="build", metavar="FOLDER",
        help="where the table's build/ is")
    add("--exec", nargs=argparse.REMAINDER, default=[], dest="command",
        metavar="...", help="a program and its arguments, not QEMU")
    add("what", nargs="*", metavar="KERNEL|PATTERN")
    options = parser.parse_args(arguments)
    if options.boots and not options.command:
        return options
    if options.boots or bool(options.command) == (len(options.what) == 1):
        parser.error("one kernel, or --exec, or --boots")
    return options


def boots_of(options: argparse.Namespace) -> List[Boot]:
    program = (options.command or options.what or [""])[0]
    boot = Boot(
        label=options.name or Path(program).stem, kernel=program,
        smp=options.smp, mem=options.mem, timeout=options.timeout,
        initrd=options.initrd, append=options.append, expect=options.expect,
        extra=(ICOUNT if options.icount else []) + shlex.split(options.extra),
        command=options.command, status=options.expect_status)
    if options.boots:
        return read_table(options.boots, boot, options.what, options.build)
    try:
        check_expectation(boot.expect)
    except ValueError as error:
        sys.exit(str(error))
    return [boot]


def conclude(total: Count) -> Tuple[List[str], int]:
    lines = [f"{total.passed} passed, {total.failed} failed"]
    if total.skipped:
        lines.insert(0, f"{total.skipped} of the passed were skipped")
    return lines, int(total.failed > 0 or total.passed == 0)


def main(arguments: List[str]) -> int:
    options = parse_arguments(arguments)
    # A run is a session of its own, out of reach of ^C: pass it on.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: INTERRUPTED.set())
    total = perform_all(boots_of(options), options)
    lines, status = conclude(total)
    say(*lines)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
