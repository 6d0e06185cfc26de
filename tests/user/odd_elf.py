#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Make programs that are odd, or none at all, for t_elf.c.

    tests/user/odd_elf.py OUT PROGRAM

Each file under OUT is PROGRAM with something changed in its headers. The
folder says what must come of it: `refused` by execve, `killed` when it starts,
or it `works`, with the argument @run. The one in `stack` has a stack that may
be executed.
"""

import struct
import sys
from pathlib import Path

HALF = 0xFFFFFFC000000000  # where the kernel's half begins
LOAD, INTERP, STACK = 1, 3, 0x6474E551

# Offsets and formats of the fields of the header ...
HEADER = {"class": (4, "B"), "data": (5, "B"), "type": (16, "H"),
          "machine": (18, "H"), "entry": (24, "Q"), "phoff": (32, "Q"),
          "phentsize": (54, "H"), "phnum": (56, "H"),
          "shoff": (40, "Q"), "shnum": (60, "H"), "shstrndx": (62, "H")}
# ... and of a program header.
SEGMENT = {"type": (0, "I"), "flags": (4, "I"), "offset": (8, "Q"),
           "vaddr": (16, "Q"), "filesz": (32, "Q"), "memsz": (40, "Q")}


class Elf:
    """A program as bytes, with fields by name."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.loads = [i for i in range(self.get("phnum"))
                      if self.get("type", i) == LOAD]
        self.stack = next(i for i in range(self.get("phnum"))
                          if self.get("type", i) == STACK)

    def place(self, field: str, segment: int):
        if segment < 0:
            return HEADER[field]
        offset, form = SEGMENT[field]
        start, = struct.unpack_from("<Q", self.data, 32)
        return start + 56 * segment + offset, form

    def get(self, field: str, segment: int = -1) -> int:
        offset, form = self.place(field, segment)
        return struct.unpack_from("<" + form, self.data, offset)[0]

    def set(self, field: str, value: int, segment: int = -1) -> bytes:
        offset, form = self.place(field, segment)
        mask = (1 << 8 * struct.calcsize(form)) - 1
        struct.pack_into("<" + form, self.data, offset, value & mask)
        return bytes(self.data)


def stripped(program: bytes) -> bytes:
    """Only what is loaded: no sections, no debug information."""
    elf = Elf(program)
    elf.set("shoff", 0)
    elf.set("shnum", 0)
    elf.set("shstrndx", 0)
    return bytes(elf.data[:max(elf.get("offset", i) + elf.get("filesz", i)
                               for i in elf.loads)])


def main() -> None:
    out, program = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()
    program = stripped(program)
    plain = Elf(program)
    text, rodata, data = plain.loads
    vaddr = [plain.get("vaddr", i) for i in plain.loads]
    size = len(program)

    def write(path: str, content: bytes) -> None:
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)

    def change(path: str, *changes) -> None:
        elf = Elf(program)
        for change in changes:
            elf.set(*change)
        write(path, bytes(elf.data))

    for length in (0, 1, 4, 63, 64, 100):
        write(f"refused/cut-{length}", program[:length])
    write("refused/cut-last", program[:-1])
    write("refused/text", b"This is a text.\n")
    for name, field, value in (
            ("32-bit", "class", 1), ("big-endian", "data", 2),
            ("object", "type", 1), ("x86", "machine", 62),
            ("headers-at-end", "phoff", size),
            ("headers-before", "phoff", -8),
            ("headers-far-away", "phoff", 1 << 40),
            ("headers-small", "phentsize", 1),
            ("headers-none", "phnum", 0),
            ("headers-33", "phnum", 33),
            ("headers-many", "phnum", 0xFFFF)):
        change(f"refused/{name}", (field, value))
    for name, field, value, segment in (
            ("interpreter", "type", INTERP, rodata),
            ("file-larger", "memsz", 1, text),
            ("beyond-file", "offset", (size + 0x10FFF) & -0x1000, text),
            ("offset-wraps", "offset", -0x1000, text),
            ("size-wraps", "filesz", -1, text),
            ("memory-wraps", "memsz", -1, data),
            ("memory-all", "memsz", 1 << 38, data),
            ("kernel-half", "vaddr", HALF, data),
            ("not-canonical", "vaddr", 1 << 38, data),
            ("top", "vaddr", -0x1000, data),
            ("page-0", "vaddr", 0, text),
            ("not-aligned", "vaddr", vaddr[1] + 8, rodata),
            ("overlap", "vaddr", vaddr[0], rodata),
            ("descending", "vaddr", vaddr[2] + (1 << 20), rodata)):
        change(f"refused/{name}", (field, value, segment))

    change("killed/entry-nowhere", ("entry", 1 << 32))
    change("killed/entry-kernel", ("entry", HALF + 0x80200000))
    change("killed/entry-0", ("entry", 0))
    change("killed/entry-data", ("entry", vaddr[2]))
    change("killed/text-not-executable", ("flags", 4, text))
    change("killed/text-not-loaded", ("type", 0, text))

    write("works/plain", program)
    change("works/text-writable", ("flags", 7, text))
    change("works/data-executable", ("flags", 7, data))
    change("works/data-larger",
           ("memsz", plain.get("memsz", data) + (64 << 20), data))
    change("works/no-stack-header", ("type", 0, plain.stack))
    write("works/longer", program + bytes(5000))
    change("stack/executable", ("flags", 7, plain.stack))


if __name__ == "__main__":
    main()
