#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does mkcpio.sh make archives of what it is given, and none of what is wrong?"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Optional, Tuple

from tap import run_tests
from test_tools import TOOLS, plant


def archive(*entries: str) -> bytes:
    """The archive that mkcpio.sh makes of entries, in which @ is a file of 5 bytes."""
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), {"five": "12345"})
        words = [e.replace("@", f"{folder}/five") for e in entries]
        subprocess.run(["sh", str(TOOLS / "mkcpio.sh"), f"{folder}/out",
                        *words], check=True, stderr=subprocess.PIPE)
        return Path(folder, "out").read_bytes()


def members(data: bytes) -> List[Tuple[str, int, int, bytes]]:
    """Name, mode, inode and contents of each member, read independently."""
    found = []
    at = 0
    while True:
        if data[at:at + 6] != b"070701":
            raise ValueError(f"no header at {at}")
        words = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16)
                 for i in range(13)]
        name = data[at + 110:at + 110 + words[11] - 1].decode()
        start = (at + 110 + words[11] + 3) & ~3
        at = (start + words[6] + 3) & ~3
        if name == "TRAILER!!!":
            if len(data) % 512 or data[at:].strip(b"\0"):
                raise ValueError("badly padded")
            return found
        found.append((name, words[1], words[0], data[start:start + words[6]]))


def archive_holds_files_and_their_folders() -> Optional[str]:
    found = members(archive("init=@:755", "a/b/c=@:600", "a/d=@", "dev/"))
    expected = [("init", 0o100755, 1, b"12345"), ("a", 0o40755, 2, b""),
                ("a/b", 0o40755, 3, b""), ("a/b/c", 0o100600, 4, b"12345"),
                ("a/d", 0o100644, 5, b"12345"), ("dev", 0o40755, 6, b"")]
    return None if found == expected else f"{found}"


def empty_archive_has_a_trailer() -> Optional[str]:
    return None if members(archive()) == [] else "not empty"


def same_entries_give_the_same_bytes() -> Optional[str]:
    first, second = archive("a/b=@:644"), archive("a/b=@:644")
    return None if first == second else "they differ"


def tree_goes_in_as_it_is() -> Optional[str]:
    """Names with spaces and quotes, links that lead nowhere, an empty directory."""
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), {"b/x y": "12", "a": "1", "c'\"$`*\\": "3"})
        Path(folder, "empty").mkdir()
        Path(folder, "b", "link").symlink_to("../no where")
        Path(folder, "a").chmod(0o755)
        found = members(archive(f"/={folder}"))
        below = members(archive(f"top/={folder}"))
    expected = [("a", 0o100755, b"1"), ("b", 0o40755, b""),
                ("b/link", 0o120777, b"../no where"),
                ("b/x y", 0o100644, b"12"), ("c'\"$`*\\", 0o100644, b"3"),
                ("empty", 0o40755, b"")]
    if [(n, m, d) for n, m, _, d in found] != expected:
        return f"{found}"
    if [n for n, _, _, _ in below] != ["top"] + [
            f"top/{n}" for n, _, _ in expected]:
        return f"{below}"
    return None


def tree_that_cannot_be_read_makes_no_archive() -> Optional[str]:
    """Root reads every folder, so that find is one that fails."""
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), {"bin/find": "#!/bin/sh\nexit 1\n"})
        Path(folder, "bin/find").chmod(0o755)
        done = subprocess.run(
            ["sh", str(TOOLS / "mkcpio.sh"), f"{folder}/out", f"/={folder}"],
            check=False, capture_output=True, text=True,
            env={**os.environ, "PATH": f"{folder}/bin:{os.environ['PATH']}"})
        left = [path.name for path in Path(folder).glob("out*")]
    if done.returncode == 0 or "not all of it" not in done.stderr or left:
        return f"{done.returncode} {done.stderr} {left}"
    return None


def newline_in_a_name_makes_no_archive() -> Optional[str]:
    """What is found is listed a line each: two names would be made of it."""
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), {"in/b/x\ny": "12", "in/b/x": "", "in/b/y": ""})
        done = subprocess.run(
            ["sh", str(TOOLS / "mkcpio.sh"), f"{folder}/out", f"/={folder}/in"],
            check=False, capture_output=True, text=True)
        left = [path.name for path in Path(folder).glob("out*")]
    if done.returncode == 0 or "newline in the name b/x?y" not in done.stderr \
            or left:
        return f"{done.returncode} {done.stderr} {left}"
    return None


def goals_that_boot_a_file_take_its_name_as_it_is() -> Optional[str]:
    """Quotes and all; a file that is not there is told by its name."""
    with tempfile.TemporaryDirectory() as folder:
        name = "a 'b\"c`"
        plant(Path(folder), {name: "12"})
        make = ["make", "-s", "-C", str(TOOLS.parent), f"B={folder}/build",
                f"{folder}/build/run.cpio"]
        subprocess.run([*make, f"PROG={folder}/{name}"], check=True,
                       capture_output=True)
        found = members(Path(folder, "build/run.cpio").read_bytes())
        done = subprocess.run([*make, f"PROG={folder}/none"], check=False,
                              capture_output=True, text=True)
    if [(n, d) for n, _, _, d in found] != [("init", b"12")]:
        return f"{found}"
    return None if "/none: no such file" in done.stderr else done.stderr


def wrong_entries_make_no_archive() -> Optional[str]:
    for entry in ("/a=@", "a", "a=/nonexistent", "../a=@", "=@", "a//b=@",
                  "/=/nonexistent", "a/=@", "a\nb=@"):
        try:
            archive(entry)
        except subprocess.CalledProcessError:
            continue
        return f"{entry} was accepted"
    return None


if __name__ == "__main__":
    sys.exit(run_tests([
        archive_holds_files_and_their_folders,
        empty_archive_has_a_trailer,
        same_entries_give_the_same_bytes,
        tree_goes_in_as_it_is,
        tree_that_cannot_be_read_makes_no_archive,
        newline_in_a_name_makes_no_archive,
        goals_that_boot_a_file_take_its_name_as_it_is,
        wrong_entries_make_no_archive,
    ]))
