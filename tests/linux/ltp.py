#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run programs of the Linux Test Project.

    tests/linux/ltp.py [options] FOLDER [NAME...]

FOLDER is the project's source, configured for static RISC-V programs, in which
some folders of testcases/kernel/syscalls/ have been built; docs/abi.md says
how.  Each program found there, or each whose name fits a pattern, is executed
as it is.  tests/linux/ltp.txt lists the programs that are known not to pass,
and why.  It is an error if another program fails, and if a program passes that
is in the list.  A program that fails because a busy host is slow is skipped.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
BATCH = 60       # programs in one boot: some 40 MB
SECONDS = 110    # for each at most, of which ltprun.c gives a program 100
SKIPPED = 32     # exit status of a program that is not for this system
BUSY = "slept for too long"  # a complaint whose reason is a busy host
PARTS = re.compile(r"@begin (\S+)\n(.*?)\n@end \1 (-?\d+)\n", re.DOTALL)
MACHINE = ["-machine", "virt", "-smp", "2", "-m", "1G", "-nographic",
           "-monitor", "none", "-serial", "stdio", "-no-reboot"]
USERS = "root:x:0:0::/:/bin/sh\nbin:x:1:1::/:/bin/sh\n" \
        "daemon:x:2:2::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"
GROUPS = "root:x:0:\nbin:x:1:\ndaemon:x:2:\nusers:x:100:\nnogroup:x:65534:\n"
COMPLAINT = re.compile(r"^.*\b(?:TFAIL|TBROK|TCONF|TWARN)\b.*$", re.MULTILINE)


class Result(NamedTuple):
    """How a program has ended, and what it has printed."""

    status: int    # as wait() says it, or -1: it took too long
    said: str

    @property
    def passed(self) -> bool:
        return self.status == 0

    @property
    def skipped(self) -> bool:
        return self.status == SKIPPED << 8

    @property
    def complaint(self) -> str:
        found = COMPLAINT.search(self.said)
        if found:
            return " ".join(found.group().split())
        return f"status {self.status}"


def find_programs(folder: Path) -> Dict[str, Path]:
    calls = folder / "testcases" / "kernel" / "syscalls"
    found = {path.name: path for path in sorted(calls.glob("*/*"))
             if path.is_file() and os.access(path, os.X_OK) and
             path.read_bytes()[:4] == b"\x7fELF"}
    if not found:
        sys.exit(f"ltp: no program has been built in {calls}")
    return found


def read_known(path: Path) -> Dict[str, str]:
    """Program to reason, from a line `reason:` and lines of names."""
    known: Dict[str, str] = {}
    reason = ""
    for line in path.read_text().splitlines():
        if line.startswith(" "):
            known.update(dict.fromkeys(line.split(), reason))
        else:
            reason = line.rstrip(":")
    return known


def boot(options: argparse.Namespace, names: List[str],
         programs: Dict[str, Path]) -> Dict[str, Result]:
    """Runs programs in one boot, which also has the programs they execute."""
    build = Path(options.build)
    helpers = {name for name in programs if "_child" in name}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        (here / "passwd").write_text(USERS)
        (here / "group").write_text(GROUPS)
        entries = ["tmp/", f"init={build}/bin/ltprun:755",
                   f"etc/passwd={here}/passwd", f"etc/group={here}/group"]
        entries += [f"bin/{tool}={build}/bin/{tool}"
                    for tool in ("sh", "cat", "true")]
        entries += [f"ltp/testcases/bin/{name}={programs[name]}:755"
                    for name in sorted({*names, *helpers})]
        archive = here / "ltp.cpio"
        subprocess.run(["sh", str(ROOT / "tools/mkcpio.sh"), str(archive),
                        *entries], check=True)
        ran = subprocess.run(
            ["timeout", "-s", "KILL", str(BATCH * SECONDS),
             options.qemu, *MACHINE, "-kernel", f"{build}/calf.elf", "-initrd",
             str(archive), "-append", "rdinit=/init"], check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
    said = ran.stdout.decode(errors="replace").replace("\r", "")
    Path(options.logs, f"ltp-{names[0]}.log").write_text(said)
    results = {name: Result(int(status), text)
               for name, text, status in PARTS.findall(said)}
    return {name: results.get(name, Result(-1, "TBROK: it never ended"))
            for name in names}


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build"))
    parser.add_argument("--logs", default=str(ROOT / "build" / "logs"))
    parser.add_argument("--qemu", default="qemu-system-riscv64")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args(arguments)
    programs = find_programs(options.folder)
    known = read_known(ROOT / "tests/linux/ltp.txt")
    names = [name for name in programs if "_child" not in name and
             (not options.names or
              any(fnmatch.fnmatch(name, p) for p in options.names))]
    Path(options.logs).mkdir(parents=True, exist_ok=True)
    batches = [names[i:i + BATCH] for i in range(0, len(names), BATCH)]
    counts = dict.fromkeys(("passed", "skipped", "known", "failed"), 0)
    number = 0
    print(f"1..{len(names)}", flush=True)
    with ThreadPoolExecutor(options.jobs) as pool:
        for results in pool.map(lambda some: boot(options, some, programs),
                                batches):
            for name, result in results.items():
                number += 1
                say(number, name, result, known.get(name), counts)
    print("# " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    return 1 if counts["failed"] else 0


def say(number: int, name: str, result: Result, reason: str | None,
        counts: Dict[str, int]) -> None:
    if result.skipped:
        verdict, what = f"ok {number} - {name} # skip", "skipped"
    elif result.passed and reason is None:
        verdict, what = f"ok {number} - {name}", "passed"
    elif result.passed:
        verdict = f"not ok {number} - {name} # passes, but is listed: {reason}"
        what = "failed"
    elif reason is not None:
        verdict, what = f"ok {number} - {name} # known: {reason}", "known"
    elif BUSY in result.complaint:
        verdict, what = f"ok {number} - {name} # skip {BUSY}", "skipped"
    else:
        verdict = f"not ok {number} - {name} # {result.complaint}"
        what = "failed"
    counts[what] += 1
    print(verdict, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
