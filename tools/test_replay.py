#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the goals that start a debugger understand what they are given?

The sessions themselves are held by tools/gdb/test_gdb.py.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

import replay
from tap import rejects, run_tests

ROOT = Path(__file__).resolve().parent.parent
os.chdir(ROOT)


def machine_of(*arguments: str) -> List[str]:
    """The command line of the machine for a boot."""
    options = replay.parse_arguments(list(arguments))
    return replay.machine_words(options, replay.table_boot(options))


def boot_is_found_by_its_name() -> Optional[str]:
    suite = machine_of("--boot", "t_cow", "--smp", "2")
    if suite[4:6] != ["-smp", "2"] or suite[-3:] != [
            "-append", "rdinit=/init /bin/t_cow", "kind=1"]:
        return f"{suite}"
    boot = machine_of("--boot", "nasty-smp4")
    if boot[4:6] != ["-smp", "4"] or boot[-1] != "seed=3":
        return f"{boot}"
    boot = machine_of("--boot", "kernel-32M", "--seed", "9")
    return None if boot[3] == "32M" and boot[-1] == "seed=9" else f"{boot}"


def boot_that_is_none_is_an_error() -> Optional[str]:
    for name, wrong in (("gdb", "not a boot"), ("t_no", "neither a boot")):
        found = rejects(wrong, machine_of, "--boot", name)
        if found:
            return found
    return None


def values_that_make_no_sense_are_told() -> Optional[str]:
    """By the name that they have for make."""
    for option, value, wrong in (
            ("--smp", "0", "SMP=0: expected"), ("--smp", "99", "SMP=99: exp"),
            ("--smp", "abc", "SMP=abc: exp"), ("--mem", "much", "MEM=much: "),
            ("--mem", "1M", "MEM=1M: "),
            ("--seed", "-1", "SEED=-1: "), ("--input", "no/file", "no such"),
            ("--input", "/", "INPUT=/: not a file")):
        found = rejects(wrong, machine_of, "--boot", "t_cow", option, value)
        if found:
            return found
    return (rejects("BOOT= and PROG= each", machine_of, "--boot", "t_cow", "cow")
            or rejects("GDB=/nope: there is no", replay.find_gdb, "/nope"))


def what_does_not_fit_is_told_by_the_machine() -> Optional[str]:
    with tempfile.TemporaryDirectory() as folder:
        for memory, wanted in (("8M", "does not fit into memory"), ("64M", "")):
            words = machine_of("--boot", "t_cow", "--mem", memory)
            said = replay.refusal(["build/nasty/nasty", *words, "hold=1", "-gdb",
                                   "stdio", "-console", f"{folder}/log"])
            if bool(said) != bool(wanted) or wanted not in said:
                return f"{memory}: {said}"
    return None


def each_program_has_an_archive_of_its_own() -> Optional[str]:
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for line in ("cow", "ls | cat", "cow"):
            options = replay.parse_arguments(["sh", "-c", line])
            options.out = Path(folder)
            names.append(replay.program_boot(options).initrd)
        kept = len(list(Path(folder).iterdir()))
    return None if names[0] == names[2] != names[1] and kept == 2 else f"{names}"


def words_reach_the_machine_as_they_are() -> Optional[str]:
    """In the place of gdb is a program that prints its last word."""
    words = ["qemu", "-append", "one 'two'  $three"]
    with tempfile.TemporaryDirectory() as folder:
        gdb = Path(folder, "gdb")
        gdb.write_text('#!/bin/sh\nfor word; do :; done; echo "$word"\n')
        gdb.chmod(0o755)
        said = subprocess.run(
            ["sh", "tools/gdb/session.sh", str(gdb), f"{folder}/calf.elf",
             *words], cwd=ROOT, stdout=subprocess.PIPE, text=True,
            check=True).stdout
    command = said.splitlines()[-1].partition("| exec ")[2]
    return None if shlex.split(command)[:3] == words else said


if __name__ == "__main__":
    sys.exit(run_tests([
        boot_is_found_by_its_name,
        boot_that_is_none_is_an_error,
        values_that_make_no_sense_are_told,
        what_does_not_fit_is_told_by_the_machine,
        each_program_has_an_archive_of_its_own,
        words_reach_the_machine_as_they_are,
    ]))
