#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does a film tell what happened, and does its page do what it promises?

    tests/film/test_film.py [--build FOLDER] [TEST...]

The page is tried in a browser without a window.  Where there is none, these
tests are skipped.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import itertools
import math
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import film  # noqa: E402
import film_browser  # noqa: E402
import film_model  # noqa: E402
import film_perfetto  # noqa: E402
import film_records  # noqa: E402
import film_words  # noqa: E402
import made_up  # noqa: E402
from film_model import Film, Step  # noqa: E402
from film_records import Memory  # noqa: E402
from protobuf import fields_of, get  # noqa: E402
from tap import Skip, Test, rejects, run_tests  # noqa: E402

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--build", default="build")
ARGUMENTS.add_argument("tests", nargs="*")
OPTIONS = ARGUMENTS.parse_args()
BUILD = ROOT / OPTIONS.build
PAGE_TEST = ROOT / "tests/film/page_test.js"
MANY = "\n".join(["true"] * 290)
SERVER = "server -k head -n 2"
PROGRAMS = {"cow", "cat", "echo", "sh"}  # some of the kernel's own
AT_ONCE = "sh -c 'cow & cow & cow'"
FULL_AT_ONCE = "sh -c 'oom & oom'"  # frames go from one hart to another


@functools.lru_cache(maxsize=None)
def film_of(line: str, smp: int = 1) -> Film:
    """A film of a run, made once."""
    with tempfile.TemporaryDirectory() as folder:
        options = film.parse_arguments(
            ["--kernel", str(BUILD / "calf-trace.elf"), "--initrd",
             str(BUILD / "initrd.cpio"), "--out", folder, "--smp", str(smp),
             "--quiet", "--timeout", "100", "--"])
        options.line = line
        return film.record(options)


def many() -> Film:
    return film_of(f"sh -c '{MANY}'")


def steps(made: Film, event: str) -> List[Step]:
    """The steps of one kind, without those of the system's servers."""
    return [step for step in made.steps
            if step.event == event and not step.system]


def told(made: Film, least: int) -> Optional[str]:
    """Is each count that the kernel recorded the number of entries?"""
    if made.wrong:
        return made.wrong[0]
    if made.checked < least:
        return f"only {made.checked} counts were told"
    return None


# --- The kernel's records ----------------------------------------------------


def the_kernel_that_is_used_has_no_trace() -> Optional[str]:
    try:
        film_records.symbol((BUILD / "calf.elf").read_bytes(), "trace_ring")
    except ValueError:
        return None
    return "it has a ring"


def records_are_drained_around_the_end_of_the_ring() -> Optional[str]:
    size = film_records.HEADER + 64 * film_records.RING_RECORDS
    memory = Memory.__new__(Memory)
    memory.bytes, memory.ring = bytearray(size), 0  # type: ignore[assignment]
    memory.words = memoryview(memory.bytes)[:film_records.HEADER].cast("Q")
    first = film_records.RING_RECORDS - 3
    for number in range(first, first + 7):
        film_records.RECORD.pack_into(
            memory.bytes, film_records.HEADER +
            64 * (number % film_records.RING_RECORDS), number, *[0] * 7)
    memory.set_word("drained", first)
    memory.set_word("written", first + 7)
    numbers = [words[0] for words in
               film_records.RECORD.iter_unpack(memory.drain())]
    if memory.word("drained") != first + 7:
        return "it does not say how far it came"
    return None if numbers == list(range(first, first + 7)) else f"{numbers}"


def counts_of_cow_are_the_kernels() -> Optional[str]:
    return told(film_of("cow"), 60)


def counts_of_many_processes_are_the_kernels() -> Optional[str]:
    made = many()
    if len(made.steps) < 10000:
        return f"only {len(made.steps)} steps"
    return told(made, 10000)


def counts_on_several_harts_are_nearly_the_kernels() -> Optional[str]:
    """Another hart may change a count before it is recorded."""
    for line, least in ((AT_ONCE, 200), (FULL_AT_ONCE, 10000)):
        made = film_of(line, smp=4)
        if len({hart for _, hart, pid in made.switches if pid}) < 2:
            return "one hart ran everything"
        if made.checked < least or len(made.wrong) > max(10, made.checked / 500):
            return (f"{line}: {len(made.wrong)} of {made.checked} counts are "
                    f"wrong: {made.wrong[:1]}")
    return None


def time_goes_on_on_several_harts() -> Optional[str]:
    """What recording costs is taken off, and no more than that."""
    made = film_of(AT_ONCE, smp=4)
    empty = sum(each.start == each.end for each in made.slices)
    if empty > len(made.slices) / 10:
        return f"{empty} of {len(made.slices)} slices take no time"
    return None


def a_ring_that_is_full_loses_nothing() -> Optional[str]:
    """It is drained only when it is full, and at the end."""
    drain, fills = Memory.drain, []

    def drain_and_count(memory: Memory) -> bytes:
        fills.append(memory.waiting())
        return drain(memory)

    Memory.drain = drain_and_count  # type: ignore[method-assign]
    film_records.DRAIN_AT = film_records.RING_RECORDS
    try:
        made = film_of(f"sh -c '{MANY}\n{MANY}'")
    finally:
        Memory.drain = drain  # type: ignore[method-assign]
        film_records.DRAIN_AT = 1
    if len(fills) < 3 or set(fills[:-1]) != {film_records.RING_RECORDS}:
        return f"{fills} records were in it"
    return told(made, 20000)


def a_run_is_the_same_every_time() -> Optional[str]:
    first = film_of("cow")
    film_of.cache_clear()
    second = film_of("cow")
    pairs = [(a.time, a.text) == (b.time, b.text)
             for a, b in zip(first.steps, second.steps)]
    same = all(pairs) and len(first.steps) == len(second.steps)
    return None if same else f"they part at step {pairs.index(False)}"


def costs_are_those_of_the_kernel_without_a_trace() -> Optional[str]:
    """A fault that copies a page costs what the benchmark has recorded."""
    record = (ROOT / "docs/bench/calf.tsv").read_text()
    match = re.search(r"^cow-copy\t([\d.]+)", record, re.MULTILINE)
    if match is None:
        return "there is no record of cow-copy"
    # The median: a hart whose cache of frames is empty needs more.
    costs = sorted(step.whole for step in steps(film_of("cow"), "page_copied"))
    cost = costs[len(costs) // 2]
    recorded = float(match.group(1))
    return (None if 0.85 < cost / recorded < 1.15 else
            f"{cost} instructions, recorded are {recorded}")


def every_event_has_a_name_and_a_sentence() -> Optional[str]:
    events = {event for folder in ("mm", "proc", "trap", "include/proc")
              for path in (ROOT / folder).glob("*.[ch]")
              for event in re.findall(r"\bTRACE\((\w+),", path.read_text())}
    events -= film_model.OTHERS
    events |= {"returned", "let_go"}
    for names in (film_words.TITLES, film_words.SENTENCES):
        if set(names) != events:
            return f"{set(names) ^ events}"
    return None


# --- The film that is made of the records ------------------------------------


def what_cow_shows_is_in_the_film() -> Optional[str]:
    wanted = {"space_forked": 1, "table_copied": 4, "table_taken_over": 5,
              "page_copied": 5, "page_taken_over": 3, "process_born": 1,
              "process_gone": 1}
    got = {event: len(steps(film_of("cow"), event)) for event in wanted}
    return None if got == wanted else f"{got}"


def a_sentence_says_with_whom_a_page_is_shared() -> Optional[str]:
    child = steps(film_of("cow"), "process_born")[0].values["pid"]
    texts = [step.text for step in steps(film_of("cow"), "page_copied")]
    wanted = (f"Process {child} writes to page 0x200000000. It shares this "
              "page with process 1, so it gets a copy.")
    return None if wanted in texts else f"{texts}"


def it_begins_when_process_1_has_become_the_program() -> Optional[str]:
    first = next(step for step in film_of("cow").steps if not step.system)
    return (None if first.text == "Process 1 becomes another program: cow."
            else first.text)


def servers_of_the_system_have_names_and_no_steps_of_the_program(
        ) -> Optional[str]:
    made = film_of("cow")
    servers = {pid: fields["name"] for pid, fields in
               made.world.things["process"].items() if "system" in fields}
    if set(servers.values()) != {"console", "files"}:
        return f"{servers}"
    for step in made.steps:
        if step.pid in servers and not step.system and (
                step.event != "switched"):
            return step.text
    # cow makes two requests, both of its child: for a page and for a table.
    asked = steps(made, "request_made")
    return None if len(asked) == 2 else f"{[step.text for step in asked]}"


def messages_and_dying_servers_are_in_the_film() -> Optional[str]:
    made = film_of(SERVER)
    for event in ("request_made", "request_taken", "request_answered",
                  "lease_copied", "server_died", "server_adopted"):
        if not steps(made, event):
            return f"no {event}"
    return told(made, 100)


def nothing_is_left_when_all_processes_are_gone() -> Optional[str]:
    """Only process 1, the images of programs and the system are left."""
    world = many().world
    labels = [str(fields["label"]) for fields in
              world.things["root"].values() if "system" not in fields]
    processes = [pid for pid, fields in world.things["process"].items()
                 if pid != 1 and "system" not in fields]
    if processes:
        return f"processes {processes}"
    wrong = [label for label in labels if not label.startswith(
        ("image of", "a new program"))]
    return None if not wrong and len(labels) <= 4 else f"{labels}"


def words_are_told_from_files() -> Optional[str]:
    cases: Dict[str, Tuple[List[str], str]] = {
        "cow -s": ([], "rdinit=/bin/cow -- -s"),
        "cat /a.txt A=b": ([], "rdinit=/bin/cat -- /a.txt A=b"),
        "echo a | cat": (["film/script={script}:644"],
                         "rdinit=/bin/sh /film/script"),
        "sh -c 'a | b'": (["film/script={script}:644"],
                          "rdinit=/bin/sh /film/script"),
        str(BUILD / "bin/cow") + " x": (
            [f"film/cow={BUILD / 'bin/cow'}:755"], "rdinit=/film/cow -- x"),
        str(BUILD / "bin/cow") + " 'a b'": (
            [f"film/cow={BUILD / 'bin/cow'}:755", "film/script={script}:644"],
            "rdinit=/bin/sh /film/script"),
    }
    for line, wanted in cases.items():
        if film.boot_of(line, PROGRAMS)[:2] != wanted:
            return f"{line}: {film.boot_of(line, PROGRAMS)}"
    for line, script in (("sh -c 'a | b'", "a | b\n"),
                         (f"{BUILD}/bin/cow 'a b'", "/film/cow 'a b'\n"),
                         (f"{BUILD}/bin/cow | cat", "/film/cow | cat\n")):
        if film.boot_of(line, PROGRAMS)[2] != {"script": script}:
            return f"{line}: {film.boot_of(line, PROGRAMS)[2]}"
    for line, wrong in (("./no/such/file", "no such file"),
                        ("nosuch", "neither a program")):
        found = rejects(wrong, film.boot_of, line, PROGRAMS)
        if found:
            return found
    return None


def a_file_hides_no_program_of_the_kernel() -> Optional[str]:
    """A name without a slash is a file only if the kernel has no such program."""
    names = film.programs_in((BUILD / "initrd.cpio").read_bytes())
    if not PROGRAMS < names or "init" in names:
        return f"{names}"
    before, said = os.getcwd(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for name in ("cow", "mine"):
                Path(name).touch()
            with contextlib.redirect_stdout(said):
                found = [film.boot_of(line, names)[:2]
                         for line in ("cow", "./cow", "mine")]
        finally:
            os.chdir(before)
    wanted = [([], "rdinit=/bin/cow --"),
              (["film/cow=cow:755"], "rdinit=/film/cow --"),
              (["film/mine=mine:755"], "rdinit=/film/mine --")]
    if found != wanted:
        return f"{found}"
    return None if said.getvalue().count("./cow") == 1 else said.getvalue()


def harts_are_as_many_as_the_kernel_takes() -> Optional[str]:
    if film.harts_of("1") != 1 or film.harts_of("16") != 16:
        return "another number"
    for text in ("", "0", "17", "99", "-1", "abc", "1.5", " 1"):
        found = rejects("from 1 to 16", film.harts_of, text)
        if found:
            return found
    return None


def a_program_gets_all_its_words() -> Optional[str]:
    """Also those that Linux's command line would keep for itself."""
    made = film_of("echo A=b a.b rdinit=/c -- d")
    asked = [step.values["bytes"] for step in made.steps
             if step.event == "lease_copied"]
    wanted = len("A=b a.b rdinit=/c -- d\n")
    return None if wanted in asked else f"{asked} bytes were printed"


def sizes_of_memory_are_those_of_qemu() -> Optional[str]:
    for text, wanted in (("128M", 1 << 27), ("1g", 1 << 30), ("64", 1 << 26)):
        if film.size_of(text) != wanted:
            return f"{text} is {film.size_of(text)}"
    for text in ("", "M", "0", "1T", "1.5G", "x"):
        try:
            return f"{text!r} is {film.size_of(text)}"
        except ValueError:
            continue
    return None


def command(folder: str, *words: str) -> List[str]:
    return [sys.executable, str(ROOT / "tools/film.py"),
            "--kernel", str(BUILD / "calf-trace.elf"),
            "--initrd", str(BUILD / "initrd.cpio"), "--out", folder,
            "--quiet", *words]


def a_program_that_is_not_there_is_an_error() -> Optional[str]:
    """Also one that is there, and is none: the machine says so."""
    with tempfile.TemporaryDirectory() as folder:
        for words, wrong in ((["nosuch"], "neither a program"),
                             ([str(ROOT / "LICENSE")], "no program was started"),
                             (["--smp", "0", "cow"], "film: SMP=0: expected"),
                             (["--mem", "4M", "cow"], "film: the kernel does"),
                             (["--mem", "9999999G", "cow"], "MEM=9999999G"),
                             (["--mem", "9" * 20, "cow"], "film: MEM=999")):
            done = subprocess.run(command(folder, *words), check=False,
                                  capture_output=True, text=True)
            if done.returncode != 1 or wrong not in done.stderr:
                return f"status {done.returncode}: {done.stderr}"
    return None


def a_disk_that_is_full_is_an_error() -> Optional[str]:
    """Then a store of QEMU's into the machine's memory kills it."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Path(folder) / "machine"
        machine.write_text("#!/bin/sh\nkill -BUS $$\n")
        machine.chmod(0o755)
        done = subprocess.run(
            command(folder, "--qemu", str(machine), "cow"), check=False,
            capture_output=True, text=True)
    return (None if done.returncode == 1 and
            f"{folder}: the disk is full" in done.stderr else done.stderr)


def blanks_around_a_number_are_none_of_it() -> Optional[str]:
    """Behind as well as before it, where make takes them away itself."""
    done = subprocess.run(
        ["make", "-n", "film", "SMP= 2 ", "MEM= 64M "], check=False, cwd=ROOT,
        capture_output=True, text=True, env={**os.environ, "MAKEFLAGS": ""})
    given = [word for line in done.stdout.replace("\\\n", " ").splitlines()
             if "film.py" in line for word in shlex.split(line)]
    return None if {"2", "64M"} <= set(given) else done.stdout + done.stderr


def until(terminal: int, wanted: bytes, seconds: float) -> bytes:
    """What is written on a terminal, up to that, or to its end."""
    seen, end = b"", time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:  # nobody has it open any more
                break
    return seen


def stepped_at(folder: str, side: int) -> "subprocess.Popen[bytes]":
    """A film of `cow -s` at this terminal."""
    words = [word for word in command(folder, "cow", "-s")
             if word != "--quiet"]
    return subprocess.Popen(words, stdin=side, stdout=side, stderr=side,
                            start_new_session=True)


def keys_are_taken_while_nothing_runs() -> Optional[str]:
    """On a terminal: a program gets what is typed, and Ctrl-A X ends the machine."""
    terminal, side = pty.openpty()
    before = termios.tcgetattr(side)
    with tempfile.TemporaryDirectory() as folder:
        made = stepped_at(folder, side)
        for keys, answer in ((b"", b"[enter]"), (b"\r", b"[enter]"),
                             (b"\x01x", b"open it in a browser")):
            time.sleep(0.5)  # nothing runs by then
            os.write(terminal, keys)
            if answer not in until(terminal, answer, 30):
                made.terminate()
                made.wait(30)
                return f"no answer to {keys!r}"
        until(terminal, b"no such answer", 3)
        if made.wait(30) != 0:
            return f"it ended with {made.returncode}"
        # One that is killed leaves the terminal as it was, too.
        made = stepped_at(folder, side)
        until(terminal, b"[enter]", 30)
        raw = termios.tcgetattr(side)
        made.terminate()
        until(terminal, b"no such answer", 3)
        made.wait(30)
    after = termios.tcgetattr(side)
    os.close(side)
    os.close(terminal)
    return (None if raw != before and after == before else
            f"{before[:4]}, then {raw[:4]}, then {after[:4]}")


def a_film_that_is_killed_leaves_no_machine_behind() -> Optional[str]:
    """Nor does one take the memory of another."""
    with tempfile.TemporaryDirectory() as folder:
        films = [subprocess.Popen(command(folder, "yes"),
                                  start_new_session=True) for _ in range(2)]
        for _ in range(200):
            memories = len(list(Path(folder).glob("*/memory")))
            if memories == 2:
                break
            time.sleep(0.1)
        time.sleep(1)  # for QEMU to begin
        for made in films:
            made.terminate()
            made.wait()
        left = [path.name for path in Path(folder).iterdir()]
    machines = 0
    for made in films:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(made.pid, signal.SIGKILL)
            machines += 1
    if machines:
        return f"{machines} machines were left behind"
    return None if memories == 2 and not left else f"{memories}, {left}"


# --- Perfetto ----------------------------------------------------------------


def perfetto_slices_begin_and_end() -> Optional[str]:
    open_slices: Dict[object, int] = {}
    count = 0
    for _, packet in fields_of(film_perfetto.trace_of(film_of("cow"))):
        event = get(fields_of(packet), 11)  # type: ignore[arg-type]
        if event is None:
            continue
        fields = fields_of(event)  # type: ignore[arg-type]
        track, kind = get(fields, 11), get(fields, 9)
        change = {film_perfetto.BEGIN: 1, film_perfetto.END: -1}.get(
            kind, 0)  # type: ignore[call-overload]
        open_slices[track] = open_slices.get(track, 0) + change
        count += int(change == 1)
        if open_slices[track] not in (0, 1):
            return f"{open_slices[track]} slices are open on {track}"
    return None if count > 100 else f"{count} slices"


def perfetto_switches_form_a_chain_on_each_hart() -> Optional[str]:
    runs: Dict[object, object] = {}
    for _, packet in fields_of(film_perfetto.trace_of(
            film_of(AT_ONCE, smp=4))):
        bundle = get(fields_of(packet), 1)  # type: ignore[arg-type]
        if not isinstance(bundle, bytes):
            continue
        hart = get(fields_of(bundle), 1)
        event = fields_of(get(fields_of(bundle), 2))  # type: ignore[arg-type]
        switch = fields_of(get(event, 4))  # type: ignore[arg-type]
        if runs.get(hart, 0) != get(switch, 2):
            return f"hart {hart} ran {runs.get(hart)}"
        runs[hart] = get(switch, 6)
    return None if len(runs) > 1 else f"{len(runs)} harts"


def perfetto_trace_is_read_by_protoc() -> Optional[str]:
    if shutil.which("protoc") is None:
        raise Skip("there is no protoc")
    done = subprocess.run(
        ["protoc", "--decode_raw"], check=False, capture_output=True,
        input=film_perfetto.trace_of(film_of(SERVER)))
    return None if done.returncode == 0 else done.stderr.decode()


# --- The page ----------------------------------------------------------------


# Colours as seen by people who lack one of the three kinds of cones: linear RGB
# to linear RGB (Machado, Oliveira and Fernandes, 2009).
CONES = {
    "all": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "no red": ((0.152286, 1.052583, -0.204868),
               (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968),
                 (0.280085, 0.672501, 0.047413),
                 (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779),
                (-0.078411, 0.930809, 0.147602),
                (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> List[float]:
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else
            ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(rgb: List[float]) -> Tuple[float, float, float]:
    """In CIE L*a*b*, where distances are about as people see them."""
    red, green, blue = (min(1.0, max(0.0, part)) for part in rgb)
    xyz = ((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505,
           0.2126 * red + 0.7152 * green + 0.0722 * blue,
           (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089)
    x, y, z = (part ** (1 / 3) if part > 0.008856 else
               7.787 * part + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def pages_can_be_told_apart_by_all_eyes() -> Optional[str]:
    style = (film.PAGE / "film.css").read_text()
    kinds = ("rw", "cow", "ro", "shared", "hidden")
    for theme in style.split(":root")[1:3]:
        for eyes, matrix in CONES.items():
            seen = {}
            for kind in kinds:
                found = re.search(rf"--{kind}: (#\w{{6}});", theme)
                rgb = linear(found.group(1) if found else "#000000")
                seen[kind] = lab([sum(a * b for a, b in zip(row, rgb))
                                  for row in matrix])
            for one, other in itertools.combinations(kinds, 2):
                distance = math.dist(seen[one], seen[other])
                if distance < 12:
                    return f"{eyes}: {one} and {other}: {distance:.1f}"
    return None


def need_browser() -> None:
    if film_browser.browser() is None:
        raise Skip("there is no chromium")


@functools.lru_cache(maxsize=None)
def results_of(line: str) -> Dict[str, str]:
    """What each test of page_test.js found."""
    data = film.film_for_page(film_of(line), line)
    lines = film_browser.text_of(
        film.page_of(data, PAGE_TEST.read_text()), "results").splitlines()
    return {words[-1]: words[0] for words in
            (line.partition("ok ")[::2] for line in lines)}


def in_page(name: str, line: str, title: str) -> Test:
    """A test of page_test.js, with a film of a run."""
    def test() -> Optional[str]:
        need_browser()
        for result, negation in results_of(line).items():
            if result.split(" ")[0] == name:
                return result.partition(" # ")[2] if negation else None
        return "the page did not say"
    test.__name__ = f"{title}: {name}"
    return test


def a_picture_of_a_step_can_be_made() -> Optional[str]:
    need_browser()
    data = film.film_for_page(film_of("cow"), "cow")
    mine = [step for step in film_of("cow").steps if not step.system]
    copy = mine.index(steps(film_of("cow"), "page_copied")[0])
    picture = film.picture_of(data, str(copy))
    if not picture.startswith("<svg") or ">copied<" not in picture:
        return picture[:80]
    try:
        return film.picture_of(data, "none")[:80]
    except ValueError:
        return None


def page_tests() -> List[Test]:
    names = re.findall(r"^\t(\w+)\(\) \{$", PAGE_TEST.read_text(),
                       re.MULTILINE)
    slow = {"it_opens_and_steps_fast",
            "counts_are_those_of_the_kernel_forwards_and_backwards"}
    return ([in_page(name, "cow", "page") for name in names] +
            [in_page(name, f"sh -c '{MANY}'", "page of 10000 steps")
             for name in names if name in slow])


def names_are_text_whatever_is_in_them() -> Optional[str]:
    """Tags, marks of the page, and bytes that are no text."""
    need_browser()
    title = "<!--<script> </script> /*VIEW*/ /*MORE*/ \udcff"
    seen = film_browser.text_of(
        film.page_of(film.film_for_page(film_of("cow"), title), """
            document.body.append(element("pre",
                byId("title").textContent, { id: "seen" }));
        """), "seen")
    return None if seen == title.replace("\udcff", "\ufffd") else f"{seen!r}"


def player_agrees_in_node() -> Optional[str]:
    """The page's player finds no wrong count when node runs it."""
    if shutil.which("node") is None:
        raise Skip("there is no node")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "film.json"
        data.write_text(film.json.dumps(film.film_for_page(many(), "many")))
        script = (
            f"const {{ Player }} = require('{film.PAGE}/player.js');"
            f"const film = JSON.parse(require('fs').readFileSync('{data}'));"
            "console.log(new Player(film).check().join('\\n'));")
        done = subprocess.run(["node", "-e", script], check=False,
                              capture_output=True, text=True)
    return (done.stdout + done.stderr).strip() or None


TESTS: List[Callable[[], Optional[str]]] = [
    *made_up.TESTS,
    the_kernel_that_is_used_has_no_trace,
    records_are_drained_around_the_end_of_the_ring,
    counts_of_cow_are_the_kernels,
    counts_of_many_processes_are_the_kernels,
    counts_on_several_harts_are_nearly_the_kernels,
    time_goes_on_on_several_harts,
    a_ring_that_is_full_loses_nothing,
    a_run_is_the_same_every_time,
    costs_are_those_of_the_kernel_without_a_trace,
    every_event_has_a_name_and_a_sentence,
    what_cow_shows_is_in_the_film,
    it_begins_when_process_1_has_become_the_program,
    servers_of_the_system_have_names_and_no_steps_of_the_program,
    a_sentence_says_with_whom_a_page_is_shared,
    messages_and_dying_servers_are_in_the_film,
    nothing_is_left_when_all_processes_are_gone,
    words_are_told_from_files,
    a_file_hides_no_program_of_the_kernel,
    harts_are_as_many_as_the_kernel_takes,
    a_program_gets_all_its_words,
    sizes_of_memory_are_those_of_qemu,
    a_program_that_is_not_there_is_an_error,
    a_disk_that_is_full_is_an_error,
    blanks_around_a_number_are_none_of_it,
    keys_are_taken_while_nothing_runs,
    a_film_that_is_killed_leaves_no_machine_behind,
    perfetto_slices_begin_and_end,
    perfetto_switches_form_a_chain_on_each_hart,
    perfetto_trace_is_read_by_protoc,
    names_are_text_whatever_is_in_them,
    player_agrees_in_node,
    pages_can_be_told_apart_by_all_eyes,
    a_picture_of_a_step_can_be_made,
]

if __name__ == "__main__":
    sys.exit(run_tests([
        test for test in TESTS + page_tests()
        if not OPTIONS.tests or test.__name__ in OPTIONS.tests]))
