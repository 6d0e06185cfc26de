#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a film of what fork and page faults do in a run of a program.

    tools/film.py [options] [PROGRAM...]

Boots the trace build with PROGRAM (by default `cow`) as the first process,
one instruction after the other, and writes a page for a browser, film.html,
and a trace for Perfetto, film.perfetto-trace.  PROGRAM is one of the kernel's
own with its arguments, as at the prompt, or a static program in a file of this
machine.  A name without a slash is the kernel's own program if there is one;
./NAME is always the file.  Without words here it is taken from the environment,
as PROG.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

import film_browser
import film_perfetto
from film_model import Film, Step, film_of, kinds_of_entries
from film_records import Memory, Run, memory_in, run_machine
from film_words import TITLES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "tools" / "film"
MEMORY_UNITS = {"": 20, "M": 20, "G": 30}
MANY = 100_000  # steps: with more, a browser becomes slow
MANY_WRONG = 10  # counts: more are not shown one by one
# One hart: instructions are counted, which QEMU cannot do with several. Without
# sleep, the time in which nothing runs passes at once, each run is like the
# others, and QEMU takes no input.
COUNTED = ["-seed", "1", "-rtc", "base=2026-01-01,clock=vm", "-icount"]
SAME_EACH_TIME, TAKES_KEYS = "shift=0,sleep=off", "shift=0"
# The kernel's command line has no quotes, and the shell a meaning for these.
NEEDS_SHELL = set(" \t\n'\"|&;<>()$`\\#")


# --- Which program -----------------------------------------------------------


def script_of(words: List[str], line: str) -> str:
    """The text that a shell has to read to run the program."""
    if words[:2] == ["sh", "-c"] and len(words) == 3:
        return words[2]
    return line


def programs_in(archived: bytes) -> Set[str]:
    """The names in /bin of an archive, which need no path at the prompt."""
    found, at = set(), 0
    while archived[at:at + 6] == b"070701":
        size, length = (int(archived[at + field:at + field + 8], 16)
                        for field in (54, 94))
        name = archived[at + 110:at + 110 + length - 1].decode()
        if name.startswith("bin/"):
            found.add(name[len("bin/"):])
        at = (at + 110 + length + 3 & ~3) + size + 3 & ~3
    return found


def after_first_word(line: str) -> str:
    """The rest of a line, as it was written."""
    text = io.StringIO(line)
    words = shlex.shlex(text, posix=True)
    words.whitespace_split, words.commenters = True, ""
    words.get_token()
    return text.read()


def is_file_of_host(name: str, programs: Set[str]) -> bool:
    """Is it a file of this machine that is meant, and not the kernel's program?"""
    if "/" in name:
        if not Path(name).is_file():
            raise ValueError(f"{name}: no such file")
        return True
    if name in programs and Path(name).is_file():
        print(f"{name} is the kernel's own program; the file here is ./{name}",
              flush=True)
    return name not in programs and Path(name).is_file()


def boot_of(line: str, programs: Set[str]) -> Tuple[List[str], str,
                                                    Dict[str, str]]:
    """The files to pack for a program, the kernel's command line for it, and
    the texts that some of the files hold.  `programs` are the kernel's own."""
    words = shlex.split(line)
    if not words or not words[0]:
        raise ValueError("no program")
    entries, path = [], f"/bin/{words[0]}"
    is_known = words[0] in programs
    if is_file_of_host(words[0], programs):
        host = Path(words[0])
        entries, path = [f"film/{host.name}={host}:755"], f"/film/{host.name}"
        line, is_known = f"{shlex.quote(path)} {after_first_word(line)}", True
    if all(word and not set(word) & NEEDS_SHELL for word in [path] + words[1:]):
        if not is_known:
            raise ValueError(f"{words[0]}: neither a program of the kernel's "
                             "nor a file here")
        # What follows a -- are arguments, whatever it looks like.
        return entries, " ".join([f"rdinit={path}", "--"] + words[1:]), {}
    return (entries + ["film/script={script}:644"],
            "rdinit=/bin/sh /film/script",
            {"script": script_of(words, line) + "\n"})


def archive(options: argparse.Namespace, entries: List[str],
            texts: Dict[str, str], folder: Path) -> Path:
    """The kernel's own archive, and the files of this run behind it."""
    for name, text in texts.items():
        (folder / name).write_bytes(os.fsencode(text))
        entries = [entry.replace("{" + name + "}", str(folder / name))
                   for entry in entries]
    more = folder / "film.more.cpio"
    subprocess.run(["sh", str(ROOT / "tools/mkcpio.sh"), str(more), *entries],
                   check=True)
    whole = folder / "film.cpio"
    whole.write_bytes(Path(options.initrd).read_bytes() + more.read_bytes())
    more.unlink()
    return whole


def size_of(memory: str) -> int:
    """In bytes; QEMU takes a number without a unit for mebibytes."""
    match = re.fullmatch(r"([1-9]\d*)([MG]?)", memory.upper())
    if match is None:
        raise ValueError(f"MEM={memory}: expected a size such as 128M")
    return int(match.group(1)) << MEMORY_UNITS[match.group(2)]


def harts_of(text: str) -> int:
    """How many harts; the kernel knows what to do with so many."""
    header = (ROOT / "include/arch/layout.h").read_text()
    found = re.search(r"^#define MAX_HARTS\s+(\d+)", header, re.MULTILINE)
    most = int(found.group(1)) if found else 1
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise ValueError(f"SMP={text}: expected a number of harts, from 1 to "
                         f"{most}")
    return int(text)


def record(options: argparse.Namespace) -> Film:
    """Runs the machine, and makes a film of what the kernel recorded."""
    # Of this run alone: there may be others.
    with tempfile.TemporaryDirectory(
            prefix="film.", dir=options.out) as folder:
        run = run_in(options, Path(folder))
    if run.status == -signal.SIGBUS:
        raise ValueError(f"{options.out}: the disk is full, and has no room "
                         "for what the machine stores in its memory")
    return film_of(run.records)


def is_typed_at(options: argparse.Namespace) -> bool:
    """Can somebody type while it runs?"""
    return (not options.quiet and sys.stdin is not None and
            sys.stdin.isatty())


def memory_of(options: argparse.Namespace, path: Path) -> Memory:
    """The machine's memory, in a file at `path`."""
    try:
        return memory_in(path, Path(options.kernel), size_of(options.mem))
    except (OSError, OverflowError) as error:
        raise ValueError(f"MEM={options.mem}: no file of that size can be "
                         f"made: {error}") from error


def run_in(options: argparse.Namespace, folder: Path) -> Run:
    entries, append, texts = boot_of(
        options.line, programs_in(Path(options.initrd).read_bytes()))
    path, size = folder / "memory", size_of(options.mem)
    memory = memory_of(options, path)
    command = [options.qemu, "-machine", "virt,memory-backend=ram", "-object",
               f"memory-backend-file,id=ram,size={size},"
               f"mem-path={path},share=on",
               "-smp", str(options.smp), "-m", f"{size}B", "-nographic",
               "-kernel", options.kernel, "-append", append,
               "-initrd", str(archive(options, entries, texts, folder))]
    if options.smp == 1:
        command += COUNTED + [
            TAKES_KEYS if is_typed_at(options) else SAME_EACH_TIME]
    how: Dict[str, object] = {}
    if options.quiet:
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    return run_machine(command, memory, options.timeout, **how)


# --- The data of the page ----------------------------------------------------


def step_for_page(step: Step, kinds: List[str],
                  places: List[Tuple[str, str, int]]) -> Dict[str, object]:
    """A step in few bytes: empty fields are left out."""
    place = (step.place.file, step.place.function, step.place.line)
    if place not in places:
        places.append(place)
    found: Dict[str, object] = {
        "time": step.time, "hart": step.hart, "pid": step.pid,
        "kind": kinds.index(step.event), "place": places.index(place),
        "cost": step.cost, "text": step.text,
    }
    more: Dict[str, object] = {
        "whole": step.whole,
        "trap": step.trap.name() if step.trap else "",
        "address": step.address,
        "from": step.values.get("from") if "copied" in step.event else None,
        "to": step.values.get("to") if "copied" in step.event else None,
        "peer": step.values.get("client"),
        "changes": [n for change in step.changes for n in change],
        "fields": step.fields,
        "counts": [n for frame, (before, after) in step.counts.items()
                   for n in (frame, before, after)],
        "said": [n for frame, count in step.said.items()
                 for n in (frame, count)],
        "closed": step.closed, "freed": step.freed,
        "system": int(step.system),
    }
    found.update({key: value for key, value in more.items()
                  if value not in (None, 0, "", [])})
    return found


def film_for_page(film: Film, title: str, smp: int = 1) -> Dict[str, object]:
    kinds = sorted({step.event for step in film.steps}, key=list(TITLES).index)
    places: List[Tuple[str, str, int]] = []
    steps = [step_for_page(step, kinds, places) for step in film.steps]
    return {
        "title": os.fsencode(title).decode(errors="replace"),
        "unit": "instructions" if smp == 1 else "ticks of the clock",
        "kinds": [[kind, *TITLES[kind]] for kind in kinds],
        "entries": kinds_of_entries(film),
        "places": places,
        "steps": steps,
    }


def page_of(data: Dict[str, object], more: str = "") -> str:
    """The page as one file with everything in it; `more` is a further script."""
    # What a string holds must be no tag, nor a mark of the page.
    text = json.dumps(data, separators=(",", ":")).replace(
        "<", "\\u003c").replace("/*", "/\\u002a")
    page = (PAGE / "page.html").read_text()
    pieces = {
        "/*STYLE*/": (PAGE / "film.css").read_text(),
        "/*FILM*/": f"const FILM = {text};",
        "/*PLAYER*/": (PAGE / "player.js").read_text(),
        "/*PICTURE*/": (PAGE / "picture.js").read_text(),
        "/*LANES*/": (PAGE / "lanes.js").read_text(),
        "/*VIEW*/": (PAGE / "view.js").read_text(),
        "/*MORE*/": more,
    }
    for mark, piece in pieces.items():
        page = page.replace(mark, piece)
    return page


def picture_of(data: Dict[str, object], step: str) -> str:
    """A step's picture, as a browser draws it."""
    picture = film_browser.text_of(page_of(data, f"""
        document.documentElement.dataset.theme = "light";
        if (names.includes({json.dumps(step)})) {{
            go(stepCalled({json.dumps(step)}));
            document.body.append(
                element("pre", pictureText(), {{ id: "drawn" }}));
        }}
    """), "drawn")
    if not picture:
        raise ValueError(f"{step}: no step is called that; the page's address "
                         "ends in the name of the step that it shows")
    return picture


# --- The command -------------------------------------------------------------


def differences(film: Film, smp: int) -> List[str]:
    """What is said of counts that are not the kernel's."""
    said = [f"  {wrong}" for wrong in film.wrong[:MANY_WRONG]]
    if len(film.wrong) > MANY_WRONG:
        said.append(f"  and {len(film.wrong) - MANY_WRONG} more")
    if said and smp > 1:
        said.append("With several harts that is no mistake as long as they are "
                    "few: another hart changed the count before it was "
                    "recorded, or had yet to record what it did.")
    return said


def write(film: Film, options: argparse.Namespace) -> None:
    page = options.out / "film.html"
    trace = options.out / "film.perfetto-trace"
    data = film_for_page(film, options.line, options.smp)
    page.write_text(page_of(data))
    if options.picture is not None:
        picture = options.out / f"film-{options.picture}.svg"
        picture.write_text(picture_of(data, options.picture))
    trace.write_bytes(film_perfetto.trace_of(film))
    mine = sum(not step.system for step in film.steps)
    print(f"{mine} steps, and {len(film.steps) - mine} of what the system "
          f"does beside; {film.checked} counts compared with the "
          f"kernel's, {len(film.wrong)} differ")
    for line in differences(film, options.smp):
        print(line)
    if len(film.steps) > MANY:
        print("That is a long film: a browser will need some time.")
    print(f"{page}: open it in a browser")
    print(f"{trace}: open it at ui.perfetto.dev")


def parse_arguments(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--kernel", default="build/calf-trace.elf", metavar="FILE")
    add("--initrd", default="build/initrd.cpio", metavar="FILE",
        help="the kernel's own programs")
    add("--qemu", default="qemu-system-riscv64", metavar="PATH")
    add("--smp", default="1", metavar="N", help="harts")
    add("--mem", default="128M", metavar="SIZE")
    add("--out", type=Path, default=Path("build"), metavar="FOLDER")
    add("--timeout", type=float, metavar="SECONDS",
        help="end it then, whatever it does")
    add("--picture", metavar="STEP",
        help="also write film-STEP.svg; needs chromium")
    add("--quiet", action="store_true", help="say nothing of what it prints")
    add("words", nargs=argparse.REMAINDER, metavar="PROGRAM")
    options = parser.parse_args(arguments)
    options.smp = harts_of(options.smp)
    options.line = (shlex.join(options.words) or os.environ.get("PROG") or
                    "cow")
    return options


def end(number: int, _frame: object) -> None:
    """Killed: the machine ends, too, and its memory goes."""
    sys.exit(128 + number)


def main(arguments: Optional[List[str]] = None) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        options = parse_arguments(arguments)
        options.out.mkdir(parents=True, exist_ok=True)
        film = record(options)
        if not film.steps:
            sys.exit("film: nothing was recorded: did it boot?")
        write(film, options)
    except (ValueError, OSError) as error:
        sys.exit(f"film: {error}")
    except subprocess.CalledProcessError:
        return 1  # it has said why
    if not film.has_begun:
        sys.exit("film: no program was started: these are steps of the boot")
    return int(bool(film.wrong) and options.smp == 1)


if __name__ == "__main__":
    sys.exit(main())
