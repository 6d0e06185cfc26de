#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check that what the documents name exists.

    tools/check-docs.py [ROOT]

Looks at README.md, docs/ and the README.md of a folder: a citation
`path:symbol` in backticks names a file and a word in it, and in a C file what
is defined there; a citation never names a line number; and a relative link
leads to a file (and a heading, if it has a #fragment).  A line `in FUNCTION
(FILE:LINE)` in an answer of gdb names a line of that function.  The numbers that
README.md quotes are those that `make bench RECORD=1` has recorded, and the
pictures in docs/figures are drawn from the text beside them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator, Set, Tuple

import bench_report
import figures

CITATION = re.compile(
    r"`((?:[\w.-]+/)*(?:[\w.-]+\.(?:c|h|S|ld|py|sh|gdb|pml)|Makefile))"
    r":([\w.-]+)(?:\(\))?`")
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$")
CODE = re.compile(r"`[^`]*`")
ANSWER = re.compile(r"^  in (\w+)[\w.]* \(([\w/.-]+):(\d+)\)$")
FENCE = re.compile(r"^\s*(```|~~~)")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:|^//", re.IGNORECASE)


def prose(text: str) -> Iterator[Tuple[int, str]]:
    """The lines outside of fenced blocks, numbered."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            yield number, line


def headings(path: Path) -> Set[str]:
    """The fragments that the headings of a document can be reached by."""
    found: Set[str] = set()
    for _, line in prose(path.read_text()):
        match = re.match(r"^#{1,6}\s+(.*?)\s*#*$", line)
        if match:
            plain = re.sub(r"[^\w\s-]", "", match.group(1).lower())
            found.add(re.sub(r"\s", "-", plain))
    return found


def check_citation(root: Path, path: str, symbol: str) -> str:
    cited = root / path
    if not cited.is_file():
        return f"{path}: no such file"
    if symbol.isdigit():
        return f"{path}:{symbol}: cite a name, not a line"
    word = rf"(?<![\w]){re.escape(symbol)}(?![\w])"
    if cited.suffix == ".c":
        # A definition begins in the first column, and no comment does.
        word = rf"^[\w#].*{word}"
    if not re.search(word, cited.read_text(errors="replace"), re.MULTILINE):
        return f"{path}: knows no {symbol}"
    return ""


def check_answer(root: Path, function: str, path: str, line: int) -> str:
    """Is the line still one of the function?"""
    if not (root / path).is_file():
        return f"{path}: no such file"
    here = ""  # the line in the first column with which a function begins
    for text in (root / path).read_text().split("\n")[:line]:
        if here.startswith("}"):
            here = ""
        if re.match(r"[a-zA-Z].*\(|}", text):
            here = text if text[0] != "}" else f"}} {here}"
    if re.search(rf"\b{function}\(", here):
        return ""
    return f"{path}:{line} is not in {function} any more: make sessions"


def check_link(root: Path, document: Path, target: str) -> str:
    if SCHEME.match(target):
        return ""
    path, _, fragment = target.partition("#")
    linked = (document.parent / path).resolve() if path else document
    if root not in (linked, *linked.parents):
        return f"{target}: leads out of the project"
    if not linked.exists():
        return f"{target}: leads nowhere"
    if (fragment and linked.suffix == ".md" and
            fragment not in headings(linked)):
        return f"{target}: no such heading"
    return ""


RECORDS = ("calf.tsv", "linux.tsv", "linux-thp.tsv")


def check_figures(root: Path) -> Iterator[str]:
    """Figures that README.md quotes, but that are recorded with another value."""
    records = [root / "docs" / "bench" / name for name in RECORDS]
    if not all(path.is_file() for path in records):
        return
    columns = [bench_report.Column(path.name, bench_report.read_record(path)[1])
               for path in records]
    text = (root / "README.md").read_text()
    for line, right in zip(text.split("\n"),
                           bench_report.refresh(text, columns).split("\n")):
        if line != right:
            yield f"README.md: recorded as {right}"


def check(root: Path, document: Path) -> Iterator[str]:
    name = document.relative_to(root).as_posix()
    for number, line in enumerate(document.read_text().splitlines(), 1):
        match = ANSWER.match(line)
        if match:
            function, path, at = match.groups()
            wrong = check_answer(root, function, path, int(at))
            if wrong:
                yield f"{name}:{number}: {wrong}"
    for number, line in prose(document.read_text()):
        found = [check_citation(root, *match.groups())
                 for match in CITATION.finditer(line)]
        plain = CODE.sub("", line)
        for pattern in (LINK, REFERENCE):
            found += [check_link(root, document, match.group(1))
                      for match in pattern.finditer(plain)]
        yield from (f"{name}:{number}: {wrong}" for wrong in found if wrong)


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else
                Path(__file__).parent.parent).resolve()
    documents = [*sorted(root.glob("README.md")),
                 *sorted((root / "docs").rglob("*.md")),
                 *sorted(path for path in root.glob("*/README.md")
                         if path.parent.name not in ("docs", "build"))]
    messages = [message for document in documents
                for message in check(root, document)]
    messages += check_figures(root)
    messages += figures.stale(root)
    for message in messages:
        print(message)
    wrong = len(messages)
    print(f"check-docs: {len(documents)} documents, {wrong} errors")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
