#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write an archive with one directory, many/, of COUNT programs that do nothing.

    tests/user/many_files.py OUT COUNT
"""

import struct
import sys

BASE = 0x1010000
CODE = struct.pack("<III", 0x05d00893, 0x00000513, 0x00000073)  # exit(0)
HEADERS = 64 + 56
PROGRAM = struct.pack(
    "<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 2, 243, 1,
    BASE + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0) + struct.pack(
    "<IIQQQQQQ", 1, 5, 0, BASE, BASE, HEADERS + len(CODE),
    HEADERS + len(CODE), 4096) + CODE


def padded(data: bytes) -> bytes:
    return data.ljust((len(data) + 3) // 4 * 4, b"\0")


def entry(number: int, name: str, mode: int, data: bytes = b"") -> bytes:
    """An entry of a newc archive."""
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = "070701" + "".join(f"{field:08x}" for field in fields) + name + "\0"
    return padded(head.encode()) + padded(data)


def main() -> None:
    out, count = sys.argv[1], int(sys.argv[2])
    with open(out, "wb") as file:
        file.write(entry(1, "many", 0o40755))
        for number in range(count):
            file.write(entry(number + 2, f"many/{number:05}", 0o100755, PROGRAM))
        file.write(entry(0, "TRAILER!!!", 0))


main()
