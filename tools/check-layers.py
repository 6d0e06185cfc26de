#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check who may know whom, and that files keep their shape.

    tools/check-layers.py [ROOT]

A folder of the kernel includes its own headers and those of the folders in
its row of the table; headers in include/NAME count as NAME's.  Only arch/
names instructions.  What include/abi defines is defined nowhere else in the
kernel and in programs.  Every source has its licence, and stays within the
limits on lines and functions.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

# Who may include what, besides itself.
LAYERS: Dict[str, Set[str]] = {
    "abi": set(),
    "lib": {"abi"},
    "arch": {"lib", "abi"},
    "mm": {"arch", "lib", "abi"},
    "proc": {"mm", "arch", "lib", "abi"},
    "trap": {"proc", "mm", "arch", "lib", "abi"},
    "main.c": {"trap", "proc", "mm", "arch", "lib", "abi"},
    "user": {"abi"},
}
# Calls go up in these only: assembly calls kmain() and trap_handle().
KERNEL = {"abi", "lib", "arch", "mm", "proc", "trap", "main.c"}
# What the compiler brings without a C library.
FREESTANDING = {"stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h",
                "stdint.h"}
# GNU extensions have one home outside arch/.
ASM_ALLOWED = {"include/lib/compiler.h"}

INSTRUCTION = re.compile(
    r"\b(sfence\.vma|fence\.i|csr[rwsc]i?|csrr[wsc]i?|wfi|sret|"
    r"asm|__asm|__asm__)(?![\w.])")
DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.DOTALL)

COLUMNS, TAB = 80, 8
FUNCTION_LINES = 60
FILE_LINES = 500
SUITE_LINES = 650  # a suite of tests is a list, and read as one

C_LIKE = {".c", ".h", ".S"}
SOURCES = C_LIKE | {".py", ".sh", ".ld", ".mk", ".gdb", ".pml"}
IGNORED = {".git", "build", "__pycache__"}
NAMED_SOURCES = {"Makefile", "run"}  # without a suffix


def files(root: Path) -> Iterator[str]:
    """The sources below `root`, as paths relative to it."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if IGNORED.intersection(name.parts) or not path.is_file():
            continue
        if path.suffix in SOURCES or path.name in NAMED_SOURCES:
            yield name.as_posix()


def layer_of(name: str) -> str:
    """The row of the table that a file is subject to; '' for none."""
    parts = name.split("/")
    layer = parts[1] if parts[0] == "include" and len(parts) > 2 else parts[0]
    return layer if layer in LAYERS else ""


def without_comments(text: str) -> str:
    """The text with comments blank; strings and line numbers stay."""
    def blank(match: "re.Match[str]") -> str:
        found = match.group()
        if found.startswith('"'):
            return found
        return " " + "\n" * found.count("\n")
    return COMMENT.sub(blank, text)


def check_include(root: Path, name: str, quote: str, target: str) -> str:
    """What is wrong with an #include; '' if nothing is."""
    layer = layer_of(name)
    if quote == "<":
        if layer in KERNEL and target not in FREESTANDING:
            return f"<{target}> is not for the kernel"
        return ""
    if (root / name).parent.joinpath(target).is_file():
        return ""
    if not (root / "include" / target).is_file():
        if (root / target).is_file():
            return f'"{target}" is private to its folder'
        return f'"{target}" is nowhere to be found'
    owner = target.split("/")[0]
    if owner != layer and owner not in LAYERS[layer]:
        return f'{layer} may not include "{target}"'
    return ""


def check_layer(root: Path, name: str, text: str) -> Iterator[str]:
    if Path(name).suffix not in C_LIKE or not layer_of(name):
        return
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        include = INCLUDE.match(line)
        if include:
            wrong = check_include(root, name, *include.groups())
            if wrong:
                yield f"{name}:{number}: {wrong}"
        named = INSTRUCTION.search(line)
        if (named and layer_of(name) in KERNEL - {"arch"} and
                name not in ASM_ALLOWED):
            yield f"{name}:{number}: {named.group()} belongs in arch/"


def abi_names(root: Path) -> Set[str]:
    """What the headers that kernel and programs share define."""
    return {match.group(1) for path in (root / "include/abi").glob("*.h")
            for match in map(DEFINE.match, path.read_text().split("\n"))
            if match}


def check_constants(shared: Set[str], name: str, text: str) -> Iterator[str]:
    if layer_of(name) in ("", "abi") or Path(name).suffix not in C_LIKE:
        return
    lines = without_comments(text).split("\n")
    for number, line in enumerate(lines, 1):
        match = DEFINE.match(line)
        if (match and match.group(1) in shared and
                f"ifndef {match.group(1)}" not in lines[number - 2]):
            yield f"{name}:{number}: {match.group(1)} is of include/abi"


def functions(lines: List[str]) -> Iterator[Tuple[int, int]]:
    """First and last line of each body, by the braces in column 0."""
    first = 0
    for number, line in enumerate(lines, 1):
        if line == "{":
            first = number
        elif line.startswith("}") and first:
            yield first, number
            first = 0


def check_shape(name: str, text: str) -> Iterator[str]:
    lines = text.splitlines()
    if not any("SPDX-License-Identifier:" in line for line in lines[:10]):
        yield f"{name}:1: no SPDX-License-Identifier"
    limit = SUITE_LINES if name.startswith("tests/") else FILE_LINES
    if len(lines) > limit and Path(name).name != "Makefile":
        yield f"{name}: {len(lines)} lines, more than {limit}"
    if Path(name).suffix not in C_LIKE:
        return
    for number, line in enumerate(lines, 1):
        width = len(line.expandtabs(TAB))
        if width > COLUMNS:
            yield f"{name}:{number}: {width} columns, more than {COLUMNS}"
    for first, last in functions(lines):
        if last - first - 1 > FUNCTION_LINES:
            yield (f"{name}:{first}: function of {last - first - 1} lines, "
                   f"more than {FUNCTION_LINES}")


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else
                Path(__file__).resolve().parent.parent)
    checked, wrong = 0, 0
    shared = abi_names(root)
    for name in files(root):
        text = (root / name).read_text(errors="replace")
        checked += 1
        for message in (*check_layer(root, name, text),
                        *check_constants(shared, name, text),
                        *check_shape(name, text)):
            print(message)
            wrong += 1
    print(f"check-layers: {checked} files, {wrong} errors")
    return int(wrong > 0 or checked == 0)


if __name__ == "__main__":
    sys.exit(main())
