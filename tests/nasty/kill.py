#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kill a server before each of its instructions: no program may notice.

    tests/nasty/kill.py [--victim files|console] [--from N] [--to N] [--step N]
        [--seed N] [--smp N] [--adversary] [--death N] [--again N] [--keeper]
        [--idle] [CHAPTER...]

A chapter is a run of tests/user/effects.c or dictation.c on the nasty machine.
First it runs without a kill.  Then it runs once more, and before each of the
server's instructions (and those of the process that stays behind for it) a
copy of the machine goes on without the process that was to execute it.  The
copy has to print what the first run printed.  docs/nasty.md says more.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import difflib
import re
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = re.compile(rb"killed at=(-?\d+) status=(\d+) steps=(\d+) "
                    rb"count=(\d+) bytes=(\d+)\n")
# The kernel's line about a process that dies of a fault may come anywhere.
CRASH = re.compile(rb"(?:files|console)\[\d+\]: [^\n]*, signal \d+\r?\n")

SHOWN_TWICE = 64 + 16  # bytes, at most: docs/console.md
FAILURES_SHOWN = 3
PROGRESS_SECONDS = 20.0


class Record(NamedTuple):
    at: int
    status: int
    count: int  # of instructions, up to the end
    shown: bytes
    said: str   # by the machine, of a failure


class Victim(NamedTuple):
    name: str
    program: str
    chapters: Dict[str, bytes]  # and what is typed
    differ: Callable[[bytes, bytes], bool]


# --- what has to be the same --------------------------------------------------


def other_bytes(wanted: bytes, shown: bytes) -> bool:
    return wanted != shown


def is_doubled(wanted: bytes, shown: bytes) -> bool:
    """Is `shown` equal to `wanted`, but for one piece that may come twice?"""
    more = len(shown) - len(wanted)
    if wanted == shown:
        return True
    if not 0 < more <= SHOWN_TWICE:
        return False
    return any(shown[:at] == wanted[:at] and shown[at + more:] == wanted[at:]
               and shown[at:at + more] == wanted[max(0, at - more):at]
               for at in range(more, len(wanted) + 1))


# The program prints no small letters, and only small letters are typed.
VOICES = (rb"[^A-Z0-9]", rb"[^a-z\b]")


def other_voices(wanted: bytes, shown: bytes) -> bool:
    return not all(is_doubled(re.sub(voice, b"", wanted),
                              re.sub(voice, b"", shown)) for voice in VOICES)


FILES = Victim("files", "effects", dict.fromkeys(
    ("make", "append", "much", "vector", "link", "rename", "list",
     "attributes", "share", "store", "run"), b""), other_bytes)
CONSOLE = Victim("console", "dictation", {
    "lines": b"one\x7fe two\rthree\rfi\x15four\r\x04five\r",
    "many": b"".join(b"%c line of letters\r" % (97 + i) for i in range(8)),
    "pieces": b"some words of a line\r",
    "ahead": b"first\rsecond\r",
    "bytes": b"bytes that nobody shows.",
    "keys": b"before\x03behind\r",
    "modes": b"shown again\r",
    "stop": b"ab\x13cd\x11ef\rnext\r",
    "output": b""}, other_voices)
VICTIMS = {victim.name: victim for victim in (FILES, CONSOLE)}


# --- running ------------------------------------------------------------------


def words(victim: Victim, chapter: str,
          options: argparse.Namespace) -> List[str]:
    build = options.build.rstrip("/")
    found = [f"{build}/nasty/nasty", "-smp", str(options.smp),
             "-m", options.mem, "-kernel", f"{build}/{options.kernel}",
             "-initrd", f"{build}/kill.cpio",
             "-append", f"rdinit=/bin/{victim.program} {chapter}",
             "-kill", victim.name, "-during", victim.program,
             f"seed={options.seed}", f"death={options.death}"]
    if not options.adversary:
        found.append("kind=1")
    if options.idle:
        found += ["-counting", victim.program]
    if options.keeper:
        found.append("keeper=1")
    if options.again:
        found.append(f"again={options.again}")
    if victim.chapters[chapter]:
        found += ["-input", typed_file(build, victim, chapter)]
    return found


def typed_file(build: str, victim: Victim, chapter: str) -> str:
    path = Path(build, "kill", f"{victim.name}-{chapter}.typed")
    (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / path).write_bytes(victim.chapters[chapter])
    return str(path)


def records(argv: List[str]) -> Iterator[Record]:
    """The records of all copies, and then that of the machine itself."""
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as machine:
        assert machine.stdout is not None
        said: List[bytes] = []
        for line in machine.stdout:
            found = RECORD.fullmatch(line)
            if not found:
                said.append(line)
                continue
            at, status, _, count, size = map(int, found.groups())
            shown = CRASH.sub(b"", machine.stdout.read(size))
            yield Record(at, status, count, shown.replace(b"\r", b""),
                         b"".join(said).decode(errors="replace"))
            said = []
    if said or machine.returncode not in (0, *range(1, 250)):
        yield Record(-1, 250, 0, b"", b"".join(said).decode(errors="replace"))


class Chapter:
    """A chapter, and the results of all kills in it."""

    def __init__(self, victim: Victim, name: str,
                 options: argparse.Namespace) -> None:
        self.victim, self.name, self.options = victim, name, options
        self.words = words(victim, name, options)
        self.failures: List[str] = []
        self.failed = self.killed = 0
        self.lock = threading.Lock()
        *_, self.wanted = records([*self.words, "quiet=1", "every=1", "to=0"])
        end = self.wanted.count
        self.end = min(end, options.to) if options.to else end
        self.told = time.monotonic()

    def same_again(self, at: int) -> str:
        return shlex.join([*self.words, f"at={at}"])

    def judge(self, record: Record) -> None:
        """Compares a copy, or the machine itself, with the first run."""
        if record.status == self.wanted.status and not self.victim.differ(
                self.wanted.shown, record.shown):
            return
        diff = difflib.unified_diff(
            self.wanted.shown.decode(errors="replace").splitlines(),
            record.shown.decode(errors="replace").splitlines(),
            "without a kill", f"killed at {record.at}", lineterm="", n=1)
        lines = [f"instruction {record.at}, status {record.status}; "
                 f"the same again: {self.same_again(record.at)}",
                 *diff, *record.said.splitlines()[:12]]
        with self.lock:
            self.failed += 1
            self.failures.append("\n".join(f"#   {line}" for line in lines))

    def part(self, number: int, parts: int) -> None:
        """Runs part `number` of `parts`: every so many kills."""
        step = self.options.step
        first = getattr(self.options, "from") + number * step
        argv = [*self.words, "quiet=1", f"at={first}",
                f"every={step * parts}", f"to={self.end}"]
        if first >= self.end:
            return
        for record in records(argv):
            self.judge(record)
            self.note(record)

    def note(self, record: Record) -> None:
        with self.lock:
            self.killed += record.at >= 0
            now = time.monotonic()
            if now < self.told + PROGRESS_SECONDS:
                return
            self.told = now
        print(f"# {self.victim.name}, {self.name}: at {record.at} of "
              f"{self.end}", flush=True)

    def run(self) -> Optional[str]:
        """None, or what is wrong."""
        if self.wanted.status != 0:
            return (f"without a kill, status {self.wanted.status}\n"
                    f"{self.wanted.shown.decode(errors='replace')}"
                    f"{self.wanted.said}")
        jobs = self.options.jobs
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for part in [pool.submit(self.part, i, jobs) for i in range(jobs)]:
                part.result()
        if not self.failed:
            return None if self.killed else "nobody was killed"
        return (f"{self.failed} differ\n" +
                "\n".join(self.failures[:FAILURES_SHOWN]))


# --- what to run ----------------------------------------------------------------


def parse_arguments(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--victim", choices=[*VICTIMS], help="kill this server only")
    add("--from", type=int, default=0, metavar="N", help="first instruction")
    add("--to", type=int, default=0, metavar="N", help="up to this one")
    add("--step", type=int, default=1, metavar="N", help="each so many")
    add("--seed", type=int, default=1, metavar="N", help="of the machine")
    add("--smp", type=int, default=1, metavar="N", help="harts")
    add("--adversary", action="store_true",
        help="the machine takes its liberties")
    add("--death", type=int, default=0, metavar="N",
        help="0 SIGKILL, 1 illegal instruction, 2 failed access")
    add("--again", type=int, default=0, metavar="N",
        help="kill again after so many instructions")
    add("--keeper", action="store_true",
        help="kill the process that stays behind")
    add("--idle", action="store_true",
        help="count the instructions of the program, not of the server")
    add("--mem", default="32M", metavar="SIZE")
    add("--kernel", default="calf.elf", metavar="NAME")
    add("--build", default="build", metavar="FOLDER", help="with the machine and the programs")
    add("-j", "--jobs", type=int, default=2, metavar="N")
    add("chapters", nargs="*", metavar="CHAPTER")
    return parser.parse_args(arguments)


def chapters(options: argparse.Namespace) -> Iterator[Chapter]:
    known = [name for victim in VICTIMS.values() for name in victim.chapters]
    for name in options.chapters:
        if name not in known:
            sys.exit(f"{name}: no such chapter; there are {' '.join(known)}")
    for victim in VICTIMS.values():
        if options.victim not in (None, victim.name):
            continue
        for name in victim.chapters:
            if not options.chapters or name in options.chapters:
                yield Chapter(victim, name, options)


def main(arguments: List[str]) -> int:
    options = parse_arguments(arguments)
    found = list(chapters(options))
    failed = 0
    print(f"1..{len(found)}", flush=True)
    for number, chapter in enumerate(found, 1):
        begun = time.monotonic()
        wrong = chapter.run()
        failed += wrong is not None
        print(f"{'not ' if wrong else ''}ok {number} - {chapter.victim.name}, "
              f"{chapter.name} # {chapter.killed} kills in "
              f"{chapter.wanted.count} instructions, "
              f"{time.monotonic() - begun:.0f} s", flush=True)
        if wrong:
            print("\n".join(line if line.startswith("#") else f"# {line}"
                            for line in wrong.splitlines()), flush=True)
    return int(failed > 0 or not found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
