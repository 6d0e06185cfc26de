#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make a film of what fork and page faults do in a run of a program.

    tools/film.py [options] [PROGRAM...]

Boots the trace build with PROGRAM (by default `cow`) as the first process,
one instruction after the other, and writes a page for a browser, film.html,
and a trace for Perfetto, film.perfetto-trace.  PROGRAM is one of the kernel's
own with its arguments, as at the prompt, or a static program of this machine.
Without words here it is taken from the environment, as PROG.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import film_browser
import film_perfetto
from film_model import Film, Step, film_of, kinds_of_entries
from film_records import run_machine
from film_words import TITLES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "tools" / "film"
MEMORY_UNITS = {"M": 20, "G": 30}
MANY = 100_000  # steps: a browser becomes slow
# One hart: instructions are counted, and each run is like the others. QEMU
# cannot do that with several, which it runs at the same time.
COUNTED = ["-icount", "shift=0,sleep=off", "-seed", "1",
           "-rtc", "base=2026-01-01,clock=vm"]
SHIFT = 10


# --- Which program -----------------------------------------------------------


def script_of(words: List[str], line: str) -> str:
    """What a shell has to read to run it."""
    if words[:2] == ["sh", "-c"] and len(words) == 3:
        return words[2]
    return line


def boot_of(line: str) -> Tuple[List[str], str, Dict[str, str]]:
    """The files to pack for a program, the kernel's command line for it, and
    the texts that some of the files hold."""
    words = shlex.split(line)
    if not words:
        raise ValueError("no program")
    plain = all(word and not set(word) & set(" \t\n'\"") for word in words)
    host = Path(words[0])
    if "/" in words[0] or host.is_file():
        if not host.is_file():
            raise ValueError(f"{words[0]}: no such file")
        if not plain:
            raise ValueError("arguments with spaces: use sh -c '...'")
        return ([f"film/{host.name}={host}:755"],
                " ".join([f"rdinit=/film/{host.name}"] + words[1:]), {})
    if plain:
        return [], " ".join([f"rdinit=/bin/{words[0]}"] + words[1:]), {}
    return (["film/script={script}:644"], "rdinit=/bin/sh /film/script",
            {"script": script_of(words, line) + "\n"})


def archive(options: argparse.Namespace, entries: List[str],
            texts: Dict[str, str]) -> Path:
    """The kernel's own archive, and the files of this run behind it."""
    folder = options.out
    for name, text in texts.items():
        (folder / name).write_text(text)
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
    return int(memory[:-1]) << MEMORY_UNITS[memory[-1].upper()]


def record(options: argparse.Namespace) -> Film:
    """Runs the machine, and makes a film of what it recorded."""
    entries, append, texts = boot_of(options.line)
    memory = options.out / "film.memory"
    command = [options.qemu, "-machine", "virt,memory-backend=ram", "-object",
               f"memory-backend-file,id=ram,size={options.mem},"
               f"mem-path={memory},share=on",
               "-smp", str(options.smp), "-m", options.mem, "-nographic",
               "-kernel", options.kernel, "-append", append,
               "-initrd", str(archive(options, entries, texts))]
    if options.smp == 1:
        command += COUNTED
    how: Dict[str, object] = {}
    if options.quiet:
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    try:
        run = run_machine(command, memory, Path(options.kernel),
                          size_of(options.mem), options.timeout, **how)
    finally:
        memory.unlink(missing_ok=True)
    if run.lost:
        print(f"film: {run.lost} records were lost", file=sys.stderr)
    return film_of(run.records)


# --- What the page is given --------------------------------------------------


def step_for_page(step: Step, kinds: List[str],
                  places: List[Tuple[str, str, int]]) -> Dict[str, object]:
    """A step in few bytes: what is nothing is left out."""
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
        "title": title,
        "unit": "instructions" if smp == 1 else "ticks of the clock",
        "kinds": [[kind, *TITLES[kind]] for kind in kinds],
        "entries": kinds_of_entries(film),
        "places": places,
        "steps": steps,
    }


def page_of(data: Dict[str, object], more: str = "") -> str:
    """One file with everything in it; `more` is a further script."""
    # What a string holds must not end the script that it is in.
    text = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
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
    return film_browser.text_of(page_of(data, f"""
        document.documentElement.dataset.theme = "light";
        go(stepCalled({json.dumps(step)}));
        document.body.append(
            element("pre", pictureText(), {{ id: "drawn" }}));
    """), "drawn")


# --- The command -------------------------------------------------------------


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
    for wrong in film.wrong[:10]:
        print(f"  {wrong}")
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
    add("--smp", type=int, default=1, metavar="N", help="harts")
    add("--mem", default="128M", metavar="SIZE")
    add("--out", type=Path, default=Path("build"), metavar="FOLDER")
    add("--timeout", type=float, metavar="SECONDS",
        help="end it then, whatever it does")
    add("--picture", metavar="STEP",
        help="also write film-STEP.svg; needs chromium")
    add("--quiet", action="store_true", help="say nothing of what it prints")
    add("words", nargs=argparse.REMAINDER, metavar="PROGRAM")
    options = parser.parse_args(arguments)
    options.line = (shlex.join(options.words) or os.environ.get("PROG") or
                    "cow")
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    options = parse_arguments(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        film = record(options)
    except (ValueError, OSError) as error:
        sys.exit(f"film: {error}")
    if not film.steps:
        sys.exit("film: nothing was recorded: did it boot?")
    write(film, options)
    return int(bool(film.wrong) and options.smp == 1)


if __name__ == "__main__":
    sys.exit(main())
