#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write an archive with one directory, many/, of COUNT empty files.

    tests/user/many_files.py OUT COUNT
"""

import sys


def entry(number: int, name: str, mode: int) -> bytes:
    """The header of a newc entry without contents."""
    fields = [number, mode, 0, 0, 1, 0, 0, 0, 0, 0, 0, len(name) + 1, 0]
    head = "070701" + "".join(f"{field:08x}" for field in fields) + name + "\0"
    return head.encode().ljust((len(head) + 3) // 4 * 4, b"\0")


def main() -> None:
    out, count = sys.argv[1], int(sys.argv[2])
    with open(out, "wb") as file:
        file.write(entry(1, "many", 0o40755))
        for number in range(count):
            file.write(entry(number + 2, f"many/{number:05}", 0o100644))
        file.write(entry(0, "TRAILER!!!", 0))


main()
