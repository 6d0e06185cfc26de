#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check which folder includes which, and that files keep their shape.

    tools/check-layers.py [ROOT]

A folder of the kernel includes its own headers and those of the folders in
its row of the table; headers in include/NAME count as NAME's.  Only arch/
names instructions.  What include/abi defines is defined nowhere else in the
kernel and in programs.  Things that only servers know have no name in
the kernel: file paths, terminals, archives, ELF headers.  Every source has its
licence, and stays within the limits on lines and functions.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

# Which folders a folder may include, besides its own headers.
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
# Only these may call a folder above them: assembly calls kmain() and
# trap_handle().
KERNEL = {"abi", "lib", "arch", "mm", "proc", "trap", "main.c"}
# Headers that the compiler has without a C library.
FREESTANDING = {"stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h",
                "stdint.h"}
# Outside of arch/, GNU extensions are in this file only.
ASM_ALLOWED = {"include/lib/compiler.h"}

# The kernel does not know what a file path, a terminal, an archive or an ELF
# header is: docs/design.md.  It uses nothing that these headers define, except
# for the numbers of an auxiliary vector.
SERVED_HEADERS = ("dirent", "elf", "ioctl", "statfs", "termios")
AUXILIARY = re.compile(r"AT_[A-Z]+$")
SERVED_NAMES = {"O_CREAT", "O_DIRECTORY", "O_EXCL", "O_NOFOLLOW", "O_TRUNC",
                "S_IFDIR", "S_IFLNK", "S_IFREG"}
# Words that no name and no file's name in the kernel has in it; and the bytes
# by which an archive and an ELF file are known, which no string has.
SERVED_WORDS = re.compile(
    r"\b\w*?(?<![a-z0-9])(?:cpio|elf|initramfs|newc|termios|tty)"
    r"(?![a-z0-9])\w*", re.IGNORECASE)
SERVED_BYTES = re.compile(r'"[^"\n]*(?:07070\d|TRAILER!|x7f|\\177)[^"\n]*"')
# A slash in a character or a string, and how many of them a file may have.
SLASH = re.compile(r"""'/'|"(?:[^"\\\n]|\\.)*/(?:[^"\\\n]|\\.)*\"""")
SLASHES = {
    "proc/place.c": 2,  # does a path begin at the root?
    "proc/exec.c": 2,  # where a path begins, and the name of a process
    "arch/fdt.c": 2,  # names of the device tree
    "mm/alloc_site.c": 1,  # a source of the tests
    "arch/trace.c": 1,  # a source of the tools
}
SERVED_EXCEPTIONS = {
    ("proc/args.c", "elf_segment"),  # AT_PHENT is the size of one
    ("proc/form.c", "IOCTL_TTY"),  # what their numbers begin with, and
    ("proc/form.c", "IOCTL_TTY_SIZE"),  # how much such a call lends
}

INSTRUCTION = re.compile(
    r"\b(sfence\.vma|fence\.i|csr[rwsc]i?|csrr[wsc]i?|wfi|sret|"
    r"asm|__asm|__asm__)(?![\w.])")
DEFINE = re.compile(r"^\s*#\s*define\s+(\w+)")
STRUCT = re.compile(r"^struct\s+(\w+)\s*{")
WORD = re.compile(r"\b[A-Za-z_]\w*")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*', re.DOTALL)

COLUMNS, TAB = 80, 8
FUNCTION_LINES = 60
FILE_LINES = 500
SUITE_LINES = 720  # a suite of tests is a list, and read as one

C_LIKE = {".c", ".h", ".S"}
SOURCES = C_LIKE | {".py", ".sh", ".ld", ".mk", ".gdb", ".pml"}
IGNORED = {".git", "build", "__pycache__"}
NAMED_SOURCES = {"Makefile", "run"}  # without a suffix


def files(root: Path) -> Iterator[str]:
    """
    The sources below `root`, as paths relative to it. Programs at the top are
    not the project's, but those that a user tries.
    """
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if IGNORED.intersection(name.parts) or not path.is_file():
            continue
        if len(name.parts) == 1 and path.suffix != ".ld" and \
                path.name not in NAMED_SOURCES | {"main.c"}:
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


def served_names(root: Path) -> Set[str]:
    """The names that only servers and programs need."""
    found = set(SERVED_NAMES)
    for header in SERVED_HEADERS:
        path = root / f"include/abi/{header}.h"
        lines = path.read_text().split("\n") if path.is_file() else []
        for line in lines:
            match = DEFINE.match(line) or STRUCT.match(line)
            if match and not AUXILIARY.match(match.group(1)):
                found.add(match.group(1))
    return found


def check_served(served: Set[str], name: str, text: str) -> Iterator[str]:
    if layer_of(name) not in KERNEL - {"abi"} or (
            Path(name).suffix not in C_LIKE):
        return
    if SERVED_WORDS.search(Path(name).stem):
        yield f"{name}: is of a server"
    slashes = 0
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        include = INCLUDE.match(line)
        if include:
            header = include.group(2)
            if header != "abi/elf.h" and header in (
                    f"abi/{of}.h" for of in SERVED_HEADERS):
                yield f'{name}:{number}: "{header}" is for servers'
            continue
        slashes += len(SLASH.findall(line))
        words = {word for word in WORD.findall(line) if word in served}
        words.update(SERVED_WORDS.findall(line), SERVED_BYTES.findall(line))
        for word in sorted(words):
            if (name, word) not in SERVED_EXCEPTIONS:
                yield f"{name}:{number}: {word} is of a server"
    if slashes > SLASHES.get(name, 0):
        yield (f"{name}: {slashes} slashes in its strings, "
               f"more than {SLASHES.get(name, 0)}: paths are of a server")


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
        # A macro is a list, and read as one.
        count = sum(not line.startswith("#")
                    for line in lines[first:last - 1])
        if count > FUNCTION_LINES:
            yield (f"{name}:{first}: function of {count} lines, "
                   f"more than {FUNCTION_LINES}")


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else
                Path(__file__).resolve().parent.parent)
    checked, wrong = 0, 0
    shared, served = abi_names(root), served_names(root)
    for name in files(root):
        text = (root / name).read_text(errors="replace")
        checked += 1
        for message in (*check_layer(root, name, text),
                        *check_constants(shared, name, text),
                        *check_served(served, name, text),
                        *check_shape(name, text)):
            print(message)
            wrong += 1
    print(f"check-layers: {checked} files, {wrong} errors")
    return int(wrong > 0 or checked == 0)


if __name__ == "__main__":
    sys.exit(main())
