# SPDX-License-Identifier: MIT
"""The list of mutants: reading it, applying one, and the table made of it.

A mutant is a mistake made on purpose.  Each file of tests/mutants/ holds some,
as records that begin in the first column with a name:

    fork-fences-nothing
        rule    Fences: fork flushes the parent's ASID
        museum  21
        in      mm/aspace.c aspace_fork
        -       tlb_flush_asid(&as->asid);
        +
        by      ktest live: a_store_after_fork_faults_in_the_running_parent
        by      random --ops 20000: random operations agree*

`rule` is what the mistake breaks, one plain sentence, as it is also a hint to
those who look for the mistake; `museum` is the number of a bug of museum.txt
that the mistake repeats, if any.  `in` names a file and, unless all of the file is
meant, a function.  There the text of `-` has to occur exactly once, blanks and
line ends being equal, and is replaced by that of `+`, which may be nothing.
Several lines of either are joined.  Each `by` is something that has to notice:
what to run (killers.py), and behind the colon the test that fails, as a
pattern.  The word `hang` says that it may also never end, in that test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Tuple

FOLDER = Path("tests/mutants")
DOCUMENT = Path("docs/mutants.md")


class Broken(Exception):
    """A record that cannot be used, and why."""


@dataclass
class Kill:
    """Something that notices a mutant."""

    how: str    # what to run
    test: str   # a pattern
    hang: bool  # the run may also not end


@dataclass
class Mutant:
    name: str
    area: str
    rule: str = ""
    museum: List[int] = field(default_factory=list)
    path: str = ""
    function: str = ""
    old: str = ""
    new: str = ""
    kills: List[Kill] = field(default_factory=list)

    def take(self, key: str, value: str) -> None:
        if key == "rule":
            self.rule = f"{self.rule} {value}".strip()
        elif key == "museum":
            self.museum += [int(word) for word in value.split()]
        elif key == "in":
            self.path, _, self.function = value.partition(" ")
        elif key == "-":
            self.old = f"{self.old}\n{value}".strip()
        elif key == "+":
            self.new = f"{self.new}\n{value}".strip()
        elif key == "by":
            how, _, test = value.partition(":")
            words = how.split()
            self.kills.append(Kill(
                " ".join(word for word in words if word != "hang"),
                test.strip(), "hang" in words))
        else:
            raise Broken(f"{self.name}: what is `{key}`?")

    def check(self) -> None:
        if not (self.rule and self.path and self.old and self.kills):
            raise Broken(f"{self.name}: a rule, a place, a text to replace "
                         "and what notices are needed")


def read_area(path: Path) -> List[Mutant]:
    mutants: List[Mutant] = []
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line[0].isspace():
            mutants.append(Mutant(line.strip(), path.stem))
            continue
        key, _, value = line.strip().partition(" ")
        if not mutants:
            raise Broken(f"{path}: a field before any name")
        mutants[-1].take(key, value.strip())
    for mutant in mutants:
        mutant.check()
    return mutants


def read_all(root: Path) -> List[Mutant]:
    """All mutants; no two of the same name."""
    mutants = [mutant for path in sorted((root / FOLDER).glob("*.txt"))
               if path.name != "museum.txt" for mutant in read_area(path)]
    names = [mutant.name for mutant in mutants]
    for name in names:
        if names.count(name) > 1:
            raise Broken(f"{name}: there are two")
    return mutants


def read_museum(root: Path) -> Dict[int, str]:
    """Number to sentence: `7. What was wrong`, going on in indented lines."""
    museum: Dict[int, str] = {}
    number = 0
    for line in (root / FOLDER / "museum.txt").read_text().splitlines():
        begins = re.match(r"(\d+)\. (.*)", line)
        if begins:
            number = int(begins.group(1))
            museum[number] = begins.group(2)
        elif number and line.startswith(" "):
            museum[number] += f" {line.strip()}"
    return museum


# --- Applying ---------------------------------------------------------------


def function_span(text: str, name: str) -> Tuple[int, int]:
    """Where the body of a function is, or in assembly, what follows a label.

    A body is what lies between braces in the first column. Its head is what
    stands before it without a blank line.
    """
    for body in re.finditer(r"^{$.*?^}", text, re.MULTILINE | re.DOTALL):
        head = text[text.rfind("\n\n", 0, body.start()) + 1:body.start()]
        head = re.sub(r"/\*.*?\*/", "", head, flags=re.DOTALL)
        named = re.search(r"(\w+)\)?\(", head)
        if named and named.group(1) == name:
            return body.span()
    label = re.search(rf"^{re.escape(name)}:.*?(?=^\w+:|\Z)", text,
                      re.MULTILINE | re.DOTALL)
    if label is None:
        raise Broken(f"no function {name}")
    return label.span()


def mutate(mutant: Mutant, text: str) -> str:
    """The text of the file with the mistake in it."""
    start, end = 0, len(text)
    if mutant.function:
        start, end = function_span(text, mutant.function)
    words = [re.escape(word) for word in mutant.old.split()]
    found = list(re.finditer(r"\s+".join(words), text[start:end]))
    if len(found) != 1:
        raise Broken(f"its text occurs {len(found)} times in "
                     f"{mutant.path} {mutant.function}".strip())
    at, to = found[0].span()
    return text[:start + at] + mutant.new + text[start + to:]


def stale(root: Path, mutant: Mutant) -> str:
    """Why a record no longer fits the sources; "" if it does."""
    try:
        text = (root / mutant.path).read_text()
        if mutate(mutant, text) == text:
            return "it changes nothing"
    except (OSError, Broken) as error:
        return str(error)
    return ""


# --- The document -----------------------------------------------------------

INTRODUCTION = """\
<!-- Generated by `make mutants` from tests/mutants/. -->

# Mutants

Mistakes made on purpose, each of which a test notices. `make mutants` makes
them one after the other in a copy of the sources, builds, and runs the test
that is named here; what is not noticed, or noticed by another test than this
one, is an error. So is a test that fails without the mistake.

The rules are those of [design.md](design.md). The museum is a collection of
bugs that public kernels had or have; each is here as the same mistake.

`random` and `model` are programs of `tests/host/` with a simulated TLB that
keeps what the specification allows it to keep; where nothing else is named,
QEMU's kinder one cannot see the mistake. `ktest` is a suite inside the kernel,
`user` a program on it, and `check-locks` the compiler's analysis of locks.
With `bound` instructions are counted, and a stay in the kernel that is too
long is a panic.

These are mistakes that somebody thought of. `make sweep` makes those that
nobody thought of: it leaves out the statements of `proc/` and `trap/` that
change something, one at a time, and tells which of them no test misses.
"""


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")


def row(mutant: Mutant) -> str:
    killers = "<br>".join(
        f"{cell(kill.how)}: {cell(kill.test)}{' (or a hang)' * kill.hang}"
        for kill in mutant.kills)
    museum = "".join(f" [museum {number}]" for number in mutant.museum)
    return (f"| {mutant.name} | {cell(mutant.rule)}{museum} "
            f"| {killers} |")


def document(mutants: List[Mutant], museum: Dict[int, str]) -> str:
    lines = [INTRODUCTION]
    for area in sorted({mutant.area for mutant in mutants}):
        lines += [f"## {area}", "", "| mutant | breaks | noticed by |",
                  "|---|---|---|"]
        lines += [row(mutant) for mutant in mutants if mutant.area == area]
        lines.append("")
    lines += ["## The museum", "", "| | the mistake | here |", "|---|---|---|"]
    for number, text in museum.items():
        names = ", ".join(mutant.name for mutant in mutants
                          if number in mutant.museum)
        lines.append(f"| {number} | {cell(text)} | {names} |")
    return "\n".join(lines) + "\n"
