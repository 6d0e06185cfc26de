#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run a program or a boot to its end, under a gdb in which time goes both ways.

    tools/replay.py [options] [PROGRAM...]
    tools/replay.py [options] --boot NAME
    tools/replay.py [options] --check    only: is it known what to run, and how?

The machine is tests/nasty, whose runs are the same each time: what it is given
is the record.  PROGRAM is as tools/film.py takes it, and without words is taken
from the environment, as PROG.  NAME is that of a boot in tests/boots.txt, or of
a suite of user programs, like t_cow.  A nasty boot has the seed that its line
says, and so fails as it did; others run without an adversary, unless there is a
seed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

import film
import run

ROOT = Path(__file__).resolve().parent.parent
BOOTS = ROOT / "tests" / "boots.txt"
LEAST_MEM, MOST_MEM = 4 << 20, 256 << 30  # of tests/nasty
GDBS = ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb", "gdb")


def program_boot(options: argparse.Namespace) -> run.Boot:
    options.initrd = f"{options.build}/initrd.cpio"
    entries, append, texts = film.boot_of(
        options.line, film.programs_in(Path(options.initrd).read_bytes()))
    with tempfile.TemporaryDirectory(dir=options.out) as folder:
        whole = film.archive(options, entries, texts, Path(folder))
        # By its bytes: a later run of another program leaves it alone.
        initrd = options.out / f"{digest(whole.read_bytes())}.cpio"
        whole.rename(initrd)
    return run.Boot(label=options.line, kernel=f"{options.build}/calf.elf",
                    initrd=str(initrd), append=append)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def table_boot(options: argparse.Namespace) -> run.Boot:
    """The line of the table, or the boot of one suite."""
    build, name = options.build, options.boot
    if re.fullmatch(r"t_\w+", name) and suite_exists(name):
        return run.Boot(label=name, kernel=f"{build}/calf-test.elf",
                        initrd=f"{build}/test.cpio",
                        append=f"rdinit=/init /bin/{name}")
    every = run.read_table(str(BOOTS), run.Boot("", ""), [], str(build))
    for boot in every:
        if boot.label == name and boot.command:
            raise ValueError(f"{name}: not a boot, but a program of this "
                             "machine's")
        if boot.label == name:
            return boot
    raise ValueError(f"{name}: neither a boot of tests/boots.txt nor a suite "
                     "of tests/user")


def suite_exists(name: str) -> bool:
    return (ROOT / "tests" / "user" / f"{name}.c").is_file()


def find_gdb(wanted: str = "") -> str:
    for name in [wanted] if wanted else GDBS:
        if shutil.which(name):
            return name
    raise ValueError(f"GDB={wanted}: there is no such program" if wanted else
                     "no gdb that knows RISC-V was found; try: make deps gdb")


def machine_words(options: argparse.Namespace, boot: run.Boot) -> List[str]:
    """The machine's command line for a boot."""
    words = ["-kernel", boot.kernel, "-m", options.mem or boot.mem, "-smp",
             options.smp or boot.smp]
    if boot.initrd:
        words += ["-initrd", boot.initrd]
    if boot.append:
        words += ["-append", boot.append]
    if options.seed is not None:
        return words + [f"seed={options.seed}"]
    if boot.extra[:1] == ["nasty"]:
        return words + boot.extra[1:]
    return words + ["kind=1"]


def refusal(machine: List[str]) -> str:
    """What the machine says if it does not begin: gdb would not show it."""
    said = subprocess.run(machine, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, errors="replace", check=False).stderr
    return said.strip() if said.startswith("nasty: ") else ""


def session(options: argparse.Namespace, boot: run.Boot) -> List[str]:
    """gdb, with the machine behind it, which has run to its end."""
    machine = [f"{options.build}/nasty/nasty", *machine_words(options, boot),
               "hold=1", "quiet=1", "-gdb", "stdio"]
    if options.input:
        machine += ["-input", options.input]
    # Runs of one line share this file; of one build they say the same.
    console = options.out / f"{digest(shlex.join(machine).encode())}.log"
    machine += ["-console", str(console)]
    refused = refusal(machine)
    if refused:
        raise ValueError(refused)
    print(f"the same run again: {shlex.join(machine)}")
    print(f"what it says: {console}; Ctrl-C ends a run that does not end")
    sys.stdout.flush()
    argv = [find_gdb(options.gdb), "-q", "-nx"] + (
        ["-batch"] if options.execute else []) + [
        "-x", "tools/gdb/init.gdb", boot.kernel,
        "-ex", f"target remote | exec {shlex.join(machine)}"]
    first = [] if options.start else ["continue", f"shell tail -n 4 {console}"]
    for command in first + options.execute:
        argv += ["-ex", command]
    return argv


def check_values(options: argparse.Namespace) -> None:
    """Says now what is wrong: the machine could tell only gdb."""
    if options.smp is not None:
        film.harts_of(options.smp)
    if options.mem is not None:
        size = film.size_of(options.mem)
        if not LEAST_MEM <= size <= MOST_MEM:
            raise ValueError(f"MEM={options.mem}: expected 4M to 256G")
        options.mem = f"{size >> 20}M"
    if options.seed is not None and not re.fullmatch(r"[0-9]{1,18}",
                                                     options.seed):
        raise ValueError(f"SEED={options.seed}: expected a number")
    if options.input and not Path(options.input).is_file():
        what = "not a" if Path(options.input).exists() else "no such"
        raise ValueError(f"INPUT={options.input}: {what} file")


def parse_arguments(arguments: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--boot", metavar="NAME", help="a boot of tests/boots.txt, or a suite")
    add("--smp", metavar="N", help="harts")
    add("--mem", metavar="SIZE")
    add("--input", metavar="FILE", help="what is typed at the console")
    add("--seed", metavar="N", help="with an adversary")
    add("--start", action="store_true", help="stay at the first instruction")
    add("--gdb", metavar="NAME")
    add("--build", default="build", metavar="FOLDER")
    add("--check", action="store_true")
    add("-ex", dest="execute", action="append", default=[], metavar="COMMAND",
        help="a command for gdb, which ends after the last")
    add("words", nargs=argparse.REMAINDER, metavar="PROGRAM")
    options = parser.parse_args(arguments)
    check_values(options)
    options.out = Path(options.build) / "replay"
    options.line = shlex.join(options.words) or os.environ.get("PROG")
    if options.boot and options.line:
        raise ValueError("BOOT= and PROG= each say what is run: give one of "
                         "them")
    options.line = options.line or "cow"
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    os.chdir(ROOT)
    try:
        options = parse_arguments(arguments)
        find_gdb(options.gdb)
        if options.check:
            if options.boot:
                table_boot(options)
            return 0
        options.out.mkdir(parents=True, exist_ok=True)
        boot = (table_boot if options.boot else program_boot)(options)
        argv = session(options, boot)
    except (ValueError, OSError) as error:
        sys.exit(f"replay: {error}")
    except subprocess.CalledProcessError:
        return 1  # it has said why
    os.execvp(argv[0], argv)
    return 1


if __name__ == "__main__":
    sys.exit(main())
