#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the gdb commands work on a kernel that runs?

    tools/gdb/test_gdb.py [KERNEL [INITRD [APPEND]]]

Boots it under gdb, goes through one session, and looks at the answers.  The
first process must fork before long.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from tap import run_tests  # noqa: E402

GDBS = ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb", "gdb")
TIMEOUT = 120
LOG = ROOT / "build" / "logs" / "gdb.log"

# One session: a step is a name and the commands of which it is the answer.
SESSION = {
    "early": ["calf-ps"],
    "fault": ["calf-fault"],
    "ps": ["calf-ps"],
    "back": ["calf-back"],
    "walk": ["calf-walk $fault_va"],
    "frame": ["calf-frame $walk_pa"],
    "user ps": ["calf-ps"],
    "mode": ["print $priv"],
    "again": ["calf-back"],
    "device": ["calf-frame 0x10000000"],
    "elsewhere": ["calf-frame 0x1000"],
    "nobody": ["calf-walk 0 99999"],
    "usage": ["calf-walk"],
    "fork": ["tbreak proc_fork", "continue"],
    "sharer": ["calf-fault"],
    "parent": ["calf-walk $fault_va 1"],
    "child": ["calf-walk $fault_va 2"],
    "sharer back": ["calf-back"],
    "sharer walk": ["calf-walk $fault_va"],
    "family": ["calf-ps"],
    "awaited": ["calf-fault 2"],
}

answers: Dict[str, str] = {}


def find_gdb() -> str:
    for name in GDBS:
        if shutil.which(name):
            return name
    sys.exit("test_gdb.py: no gdb; see tools/deps.sh")


def command_line(kernel: str, initrd: str, append: str) -> List[str]:
    serial = LOG.with_suffix(".serial")
    qemu = ["qemu-system-riscv64", "-machine", "virt", "-m", "128M",
            "-display", "none", "-monitor", "none", "-no-reboot",
            "-serial", f"file:{serial}", "-S", "-gdb", "stdio",
            "-kernel", kernel]
    if initrd:
        qemu += ["-initrd", initrd]
    if append:
        qemu += ["-append", append]
    argv = [find_gdb(), "-nx", "-batch", "-x", "tools/gdb/init.gdb", kernel,
            "-ex", f"target remote | {shlex.join(qemu)}"]
    for name, commands in SESSION.items():
        argv += ["-ex", f"echo \\n## {name}\\n"]
        for command in commands:
            argv += ["-ex", command]
    return argv + ["-ex", "echo \\n## end\\n"]


def hold_session(argv: List[str]) -> None:
    """Fill in `answers`; what is missing in the end was never answered."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with open(LOG, "w", encoding="utf-8") as log:
        gdb = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True)
        try:
            gdb.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            pass
        finally:
            try:
                os.killpg(gdb.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            gdb.wait()
    parts = re.split(r"^## (.*)\n", LOG.read_text(errors="replace"),
                     flags=re.MULTILINE)
    answers.update(zip(parts[1::2], parts[2::2]))


def expect(step: str, pattern: str) -> Optional[str]:
    """None if the answer to a step matches, or else the answer."""
    if step not in answers:
        return f"no answer to {step}, see {LOG}"
    if re.search(pattern, answers[step], re.MULTILINE):
        return None
    return f"{step}: {answers[step].strip()}"


def value(step: str, pattern: str) -> str:
    match = re.search(pattern, answers.get(step, ""), re.MULTILINE)
    return match.group(1) if match else "nothing"


ENTRY = r"^  level {} \[ *\d+\] [0-9a-f]{{16}} {}"
SHARED = r"LAZY 0x[0-9a-f]+ count \d+|COW 0x[0-9a-f]+ count [2-9]"


def ps_before_the_kernel_runs_is_an_error() -> Optional[str]:
    return expect("early", r"Cannot access|no processes yet|no proc_all")


def fault_names_process_access_address_and_instruction() -> Optional[str]:
    return expect("fault", r"^pid 1 .+: (read|write|exec) at 0x[0-9a-f]+ by "
                  r"the instruction at 0x[0-9a-f]+$")


def fault_shows_the_translation_from_the_root() -> Optional[str]:
    return expect("fault", ENTRY.format(2, r"(TABLE|LAZY) .* count \d+$"))


def ps_lists_the_first_process() -> Optional[str]:
    return expect("ps", r"^ +1 +0 running +\d+ 0x[0-9a-f]+ +\S+$")


def ps_answers_the_same_in_user_mode() -> Optional[str]:
    return expect("user ps", r"^ +1 +0 running +\d+ 0x[0-9a-f]+ +\S+$")


def back_ends_at_the_instruction_that_faulted() -> Optional[str]:
    pc = value("fault", r"instruction at (0x[0-9a-f]+)$")
    return (expect("back", rf"^pid 1 .+: user mode at {pc}$") or
            expect("back", rf"^=> {pc}"))


def back_in_user_mode_is_an_error() -> Optional[str]:
    return expect("again", "in user mode")


def walk_after_the_fault_ends_at_a_page() -> Optional[str]:
    va = value("fault", r" at (0x[0-9a-f]+) by")
    return (expect("walk", ENTRY.format(0, r"PAGE .* count [1-9]\d*$")) or
            expect("walk", rf"^  {va} is physical 0x[0-9a-f]+$"))


def frame_has_the_count_that_the_walk_shows() -> Optional[str]:
    count = value("walk", ENTRY.format(0, r"PAGE .* count (\d+)$"))
    return expect("frame", rf"^0x[0-9a-f]+ [A-Z]+ count {count}\b")


def hart_is_left_in_the_mode_it_was_in() -> Optional[str]:
    return expect("mode", r"= 0\b")


def frame_of_a_device_is_an_error() -> Optional[str]:
    return (expect("device", r"^0x10000000 is in the page of the serial port:"
                             r" a device, and so has no frame$") or
            expect("elsewhere", "^0x1000 is not in memory, and so has no "
                                "frame$"))


def process_that_does_not_exist_is_an_error() -> Optional[str]:
    return expect("nobody", "no process 99999")


def missing_argument_is_an_error() -> Optional[str]:
    return expect("usage", r"^usage: calf-walk VA \[PID\]$")


def first_fault_after_a_fork_is_on_what_is_shared() -> Optional[str]:
    """A table for the child, a page for the parent: whoever comes first."""
    return expect("sharer", SHARED)


def parent_has_a_path_of_its_own_by_then() -> Optional[str]:
    """fork made the way to the parent's program counter private."""
    return (expect("parent", ENTRY.format(2, "TABLE .* count 1$")) or
            expect("parent", ENTRY.format(1, "TABLE .* count 1$")))


def sharer_has_a_path_of_its_own_afterwards() -> Optional[str]:
    return (expect("sharer back", r"^pid [12] .+: user mode at ") or
            expect("sharer walk", ENTRY.format(2, "TABLE .* count 1$")) or
            expect("sharer walk", ENTRY.format(1, "TABLE .* count 1$")))


def ps_lists_the_child_under_its_parent() -> Optional[str]:
    return expect("family", r"^ +2 +1 (running|ready) ")


def fault_of_one_process_can_be_waited_for() -> Optional[str]:
    return expect("awaited", r"^pid 2 .+: (read|write|exec) at ")


def session_goes_on_to_its_end() -> Optional[str]:
    return expect("end", "")


TESTS = [
    ps_before_the_kernel_runs_is_an_error,
    fault_names_process_access_address_and_instruction,
    fault_shows_the_translation_from_the_root,
    ps_lists_the_first_process,
    back_ends_at_the_instruction_that_faulted,
    walk_after_the_fault_ends_at_a_page,
    frame_has_the_count_that_the_walk_shows,
    ps_answers_the_same_in_user_mode,
    hart_is_left_in_the_mode_it_was_in,
    back_in_user_mode_is_an_error,
    frame_of_a_device_is_an_error,
    process_that_does_not_exist_is_an_error,
    missing_argument_is_an_error,
    first_fault_after_a_fork_is_on_what_is_shared,
    parent_has_a_path_of_its_own_by_then,
    sharer_has_a_path_of_its_own_afterwards,
    ps_lists_the_child_under_its_parent,
    fault_of_one_process_can_be_waited_for,
    session_goes_on_to_its_end,
]


def main() -> int:
    words = sys.argv[1:] + [""] * 3
    kernel = words[0] or str(ROOT / "build" / "calf.elf")
    hold_session(command_line(kernel, words[1], words[2]))
    return run_tests(TESTS)


if __name__ == "__main__":
    sys.exit(main())
