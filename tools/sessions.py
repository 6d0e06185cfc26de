#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hold the gdb sessions of the documents again, and write down the answers.

    tools/sessions.py [ROOT]

A session begins with a comment, <!-- session: gdb --> or <!-- session: replay -->,
which names the goal of make that it is held with, and goes through the blocks
that follow, up to the next such comment.  Commands may stand behind the name,
after semicolons: they are given first and not shown.  A command without an
answer in the document keeps none; an answer that ends in ... is cut there again.
An address in a command is taken from the answer before, as its reader would.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import List, Tuple

import replay

PROMPT = "(gdb) "
END = "end-of-answer"
MARK = re.compile(r"<!-- session: (\w+)((?:; [^;>]+)*) -->")
BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"0x[0-9a-f]+")
# A line in which gdb says where it stopped: the commands here say that, too.
STOPPED = re.compile(r"0x[0-9a-f]{16} in \?\? \(\)")
KERNEL = "build/calf.elf"
QEMU = ["qemu-system-riscv64", "-machine", "virt", "-smp", "1", "-m", "128M",
        "-display", "none", "-icount", "shift=0", "-kernel", KERNEL, "-serial",
        "null", "-monitor", "none", "-S", "-gdb", "stdio"]
# What `make gdb SMP=1` and `make replay` start.
GOALS = {
    "gdb": [replay.find_gdb(), "-q", "-nx", "-x", "tools/gdb/session.gdb",
            KERNEL, "-ex", f"target remote | exec {shlex.join(QEMU)}"],
    "replay": [sys.executable, "tools/replay.py", "cow"],
}


class Session:
    """A debugger that is asked one thing after the other."""

    def __init__(self, root: Path, goal: str) -> None:
        self.gdb = subprocess.Popen(
            GOALS[goal], cwd=root, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            universal_newlines=True, errors="replace")
        self.ask("")

    def ask(self, command: str) -> List[str]:
        assert self.gdb.stdin and self.gdb.stdout
        self.gdb.stdin.write(f"{command}\necho \\n{END}\\n\n")
        self.gdb.stdin.flush()
        found: List[str] = []
        for line in self.gdb.stdout:
            line = line.rstrip("\n").replace(PROMPT, "")
            if line == END:
                return [each for each in found
                        if each and not STOPPED.fullmatch(each)]
            found.append(line.rstrip())
        raise RuntimeError(f"gdb ended at: {command}")

    def close(self) -> None:
        self.gdb.communicate("kill\nquit\n")


def renamed(command: str, old: List[str], new: List[str]) -> str:
    """The command, with the addresses that its reader saw before it."""
    olds = NUMBER.findall("\n".join(old))
    news = NUMBER.findall("\n".join(new))
    return NUMBER.sub(lambda m: news[olds.index(m.group(0))]
                      if m.group(0) in olds[:len(news)] else m.group(0),
                      command)


def cut(old: List[str], new: List[str]) -> List[str]:
    if not old:
        return []
    if old[-1].strip() == "...":
        return new[:len(old) - 1] + [old[-1]]
    return new


def exchanges(block: str) -> Tuple[str, List[Tuple[str, List[str]]]]:
    """What stands before the first prompt, and commands with their answers."""
    head, *rest = re.split(r"^\(gdb\) ", block, flags=re.MULTILINE)
    return head, [(lines[0], lines[1:]) for lines in
                  (each.rstrip("\n").split("\n") for each in rest)]


def renewed(root: Path, text: str, goal: str, hidden: List[str]) -> str:
    session = Session(root, goal)
    old: List[str] = []
    new: List[str] = []
    for command in hidden:
        session.ask(command)

    def block(match: "re.Match[str]") -> str:
        nonlocal old, new
        head, found = exchanges(match.group(1))
        for command, answer in found:
            command = renamed(command, old, new)
            given = cut(answer, session.ask(command))
            old, new = answer, given
            head += "\n".join([PROMPT + command, *given]) + "\n"
        return f"```\n{head}```"

    try:
        return BLOCK.sub(lambda m: block(m) if PROMPT in m.group(1) else
                         m.group(0), text)
    finally:
        session.close()


def document_renewed(root: Path, text: str) -> str:
    places = [*MARK.finditer(text)]
    parts = [text[:places[0].start()]]
    for mark, after in zip(places, [*places[1:], None]):
        part = text[mark.end():after.start() if after else len(text)]
        hidden = [each for each in mark.group(2).split("; ") if each]
        parts += [mark.group(0),
                  renewed(root, part, mark.group(1), hidden)
                  if mark.group(1) in GOALS else part]
    return "".join(parts)


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else
                Path(__file__).parent.parent).resolve()
    for document in sorted((root / "docs").glob("*.md")):
        text = document.read_text()
        if not MARK.search(text):
            continue
        new = document_renewed(root, text)
        print(f"{document.relative_to(root)}: " + (
            "as it was" if new == text else "now is what gdb says"))
        document.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
