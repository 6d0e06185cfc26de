#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does each program explain itself with --help, as a page of a manual, and do
some of them say what is wrong with what they are given?

    tests/user/help.py [FOLDER]

Runs the programs in FOLDER, by default build/bin, in QEMU's user emulator: they
are Linux programs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from tap import run_tests  # noqa: E402

BIN = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "bin")
# These programs take each word as it is, or ignore all of them.
WITHOUT = {"echo", "true", "false"}
SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES",
            "EXIT STATUS", "SEE ALSO"]
COLUMNS = 80
MOST = 1 << 14
SECONDS = 20


def emulator() -> str:
    for name in ("qemu-riscv64", "qemu-riscv64-static"):
        if shutil.which(name):
            return name
    sys.exit("help.py: no qemu-riscv64; see tools/deps.sh")


def programs() -> List[str]:
    text = (ROOT / "user" / "programs.mk").read_text()
    listed = re.search(r"^USER_PROGS := ((?:.*\\\n)*.*)", text, re.MULTILINE)
    return [name for name in listed.group(1).replace("\\", " ").split()
            if name not in WITHOUT]


def page_of(name: str) -> "subprocess.CompletedProcess[str]":
    """What the program prints, up to MOST characters, and its exit status."""
    with subprocess.Popen([emulator(), str(BIN / name), "--help"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as process:
        said = process.stdout.read(MOST)
        if len(said) == MOST:
            process.kill()
        process.stdout.close()
        return subprocess.CompletedProcess([name], process.wait(SECONDS), said)


def wrong_with(name: str) -> str:
    """What is wrong with the page of a program, or nothing."""
    done = page_of(name)
    if done.returncode != 0:
        return f"status {done.returncode}"
    lines = done.stdout.split("\n")
    heads = [line for line in lines if line and not line.startswith(" ")]
    if heads != [head for head in SECTIONS if head in heads] or \
            heads[:3] != SECTIONS[:3]:
        return f"sections {heads}"
    if not re.match(rf"    {name} - \S", lines[1]):
        return f"named {lines[1]}"
    if not lines[4].startswith(f"    {name}") or lines[3] != "SYNOPSIS":
        return f"used as {lines[4]}"
    if any(len(line) > COLUMNS for line in lines):
        return "wide lines"
    for option in re.findall(r"\[(-[a-z])", lines[4]):
        if not re.search(rf"^    {option}\b", done.stdout, re.MULTILINE):
            return f"{option} is not explained"
    return ""


def each_program_explains_itself() -> Optional[str]:
    wrong = {name: wrong_with(name) for name in programs()}
    return "; ".join(f"{name}: {what}" for name, what in wrong.items()
                     if what) or None


def there_are_programs() -> Optional[str]:
    return None if len(programs()) > 10 else f"{programs()}"


def echo_prints_what_it_is_given() -> Optional[str]:
    said = page_of("echo").stdout
    return None if said == "--help\n" else said


def what_is_built_into_the_shell_is_told_too() -> Optional[str]:
    said = subprocess.run(
        [emulator(), str(BIN / "sh"), "-c", "kill --help; pwd --help"],
        stdout=subprocess.PIPE, text=True, timeout=30, check=False).stdout
    want = "kill: send a signal: kill -KILL %1\npwd: print the working directory\n"
    return None if said == want else said


def a_file_that_is_no_program_is_told_as_such() -> Optional[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "junk")
        path.write_bytes(b"\0no program")
        path.chmod(0o755)
        said = subprocess.run(
            [emulator(), str(BIN / "sh"), "-c", str(path)],
            stderr=subprocess.PIPE, text=True, timeout=30,
            check=False).stderr
    want = f"sh: {path}: Not a static program for 64-bit RISC-V\n"
    return None if said == want else said


def a_line_that_is_too_long_is_not_run_in_part() -> Optional[str]:
    """Neither its beginning nor its end is a command; the next line is."""
    line = "echo " + "a" * 2100 + "; echo b\necho c\n"
    done = subprocess.run([emulator(), str(BIN / "sh")], input=line,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=SECONDS, check=False)
    if done.stdout != "c\n":
        return done.stdout
    return None if "more than 2047 bytes" in done.stderr else done.stderr


def sleep_takes_seconds_only() -> Optional[str]:
    for word, status in (("x", 1), ("1e9", 1), ("-1", 1), ("", 1), ("0.x", 1),
                         ("0", 0), ("0.001", 0), (".001", 0)):
        done = subprocess.run([emulator(), str(BIN / "sleep"), word],
                              stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS, check=False)
        if done.returncode != status or bool(done.stderr) != bool(status):
            return f"{word}: status {done.returncode}, {done.stderr}"
    return None


def what_no_program_expects_is_refused() -> Optional[str]:
    for words in (["cow", "-x"], ["cow", "-s", "x"], ["cow", "x"],
                  ["vmmap", "-x"], ["vmmap", "1", "2"], ["ps", "-x"],
                  ["free", "x"], ["oom", "x"], ["head", "-x"], ["kill", "x"]):
        done = subprocess.run(
            [emulator(), str(BIN / words[0]), *words[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=SECONDS, check=False)
        if done.returncode not in (1, 2) or done.stdout or \
                not re.search(r"-x\b|\bx:? |\b2 is|usage", done.stderr):
            return f"{words}: status {done.returncode}, {done.stderr}"
    return None


TESTS = [there_are_programs, each_program_explains_itself,
         echo_prints_what_it_is_given,
         what_is_built_into_the_shell_is_told_too,
         a_file_that_is_no_program_is_told_as_such,
         a_line_that_is_too_long_is_not_run_in_part, sleep_takes_seconds_only,
         what_no_program_expects_is_refused]


if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
