#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Count the lines of code of the kernel proper, by folder and by subject.

    tools/count.py FILE...

A line of code is one on which something is left when comments are taken out.
Headers are not given to it, and what a release build leaves out is not
counted: the blocks of `#ifdef NAME`, and files in which nothing but #include
remains without them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List

# The subject of each file; a file that is in no row has no subject yet.
SUBJECTS: Dict[str, str] = {
    "tree, ranges, address spaces, copies":
        "mm/pagetable.c mm/resolve.c mm/range.c mm/share.c mm/bag.c mm/gap.c "
        "mm/aspace.c mm/usercopy.c",
    "frames and slabs":
        "mm/memmap.c mm/frame.c mm/slab.c",
    "kernel map and TLB":
        "mm/kernelmap.c arch/tlb.c",
    "traps, faults, dispatch":
        "arch/trapvec.S arch/trapframe.c trap/trap.c trap/fault.c "
        "trap/syscall.c",
    "boot, harts, timer, power":
        "main.c proc/boot.c arch/entry.S arch/hart.c arch/timer.c "
        "arch/sbi.c arch/power.c",
    "device tree":
        "arch/fdt.c arch/machine.c",
    "scheduler, waiting, timers, floating point":
        "proc/sched.c proc/fast_switch.c proc/timers.c proc/space.c "
        "proc/call.c proc/fp.c lib/heap.c",
    "processes: fork, exit, wait, groups":
        "proc/proc.c proc/fork.c proc/exit.c proc/wait.c proc/group.c "
        "proc/walk.c proc/victim.c trap/sys_proc.c",
    "exec, images, arguments":
        "proc/exec.c proc/image.c proc/args.c",
    "signals":
        "proc/signal.c proc/kill.c proc/twin.c proc/sigframe.c proc/sigwait.c "
        "proc/background.c",
    "files and descriptors":
        "proc/file.c proc/vector.c trap/sys_file.c trap/sys_vector.c trap/sys_path.c",
    "serial port":
        "proc/device.c arch/console.c arch/plic.c",
    "pipes":
        "proc/pipe.c proc/fifo.c trap/fast_pipe.c",
    "messages":
        "proc/port.c proc/remote.c proc/form.c proc/place.c proc/serve.c "
        "proc/reply.c proc/descriptor.c proc/mapping.c trap/sys_port.c",
    "messages: fast paths":
        "trap/fast_port.c trap/fast_lease.c trap/fast_reply.c",
    "poll, select, futex":
        "proc/futex.c trap/sys_wait.c",
    "calls: memory, time, limits, the rest":
        "trap/sys_mem.c trap/sys_time.c trap/sys_limits.c trap/sys_misc.c",
    "random bytes":
        "proc/random.c",
    "inspection and private calls":
        "mm/inspect.c mm/audit.c mm/alloc_site.c trap/sys_calf.c",
    "strings, pages, output":
        "lib/string.c lib/print.c arch/page.S arch/misaligned.S",
}

# Literals first, as a comment does not begin in one.
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|'
                   r"/\*.*?\*/|//[^\n]*", re.DOTALL)
ANY_OF = re.compile(r"\s*#\s*if defined\(\w+\)( \|\| defined\(\w+\))*$")
CONDITION = re.compile(r"\s*#\s*(ifdef|ifndef|if|elif|else|endif)\b")


def without_comments(text: str) -> str:
    return TOKEN.sub(lambda found: " " if found.group().startswith("/")
                     else found.group(), text)


def compiled(lines: List[str]) -> Iterator[str]:
    """The lines that a release build compiles: no NAME is defined in it."""
    kept = [True]
    for line in lines:
        condition = CONDITION.match(line)
        if not condition:
            if all(kept):
                yield line
        elif condition.group(1) == "else":
            kept[-1] = not kept[-1]
        elif condition.group(1) == "endif":
            kept.pop()
        elif condition.group(1) in ("ifdef", "ifndef"):
            kept.append(condition.group(1) == "ifndef")
        elif ANY_OF.match(line):
            kept.append(False)
        else:
            raise ValueError(f"not understood: {line.strip()}")


def code_lines(text: str) -> int:
    lines = [line for line in compiled(without_comments(text).splitlines())
             if line.strip()]
    if all(line.lstrip().startswith("#include") for line in lines):
        return 0
    return len(lines)


def table(title: str, rows: Dict[str, int]) -> None:
    print(f"{title:<46}{'lines':>6}")
    for name, lines in rows.items():
        print(f"  {name:<44}{lines:>6,}")
    print()


def main() -> int:
    subject_of = {name: subject for subject, names in SUBJECTS.items()
                  for name in names.split()}
    folders: Dict[str, int] = {}
    subjects = dict.fromkeys(SUBJECTS, 0)
    for name in sys.argv[1:]:
        lines = code_lines(Path(name).read_text())
        folder = name.rpartition("/")[0] or name
        folders[folder] = folders.get(folder, 0) + lines
        subject = subject_of.get(name, "no subject yet: tools/count.py")
        subjects[subject] = subjects.get(subject, 0) + lines
    table("folder", folders)
    table("subject", {subject: n for subject, n in subjects.items() if n})
    print(f"{'the kernel proper':<46}{sum(folders.values()):>6,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
