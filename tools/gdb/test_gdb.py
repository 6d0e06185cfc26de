#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the gdb commands work on a kernel that runs?

    tools/gdb/test_gdb.py [KERNEL [INITRD [APPEND]]]

Boots it under gdb, goes through one session, and looks at the answers.  The
first process must fork before long.  A second session goes back from the end of
a run of `cow` on the machine of `make replay`, with the kernel in build/.  A third
one stops at a vfork there.
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
TIMEOUT = 65
LOG = ROOT / "build" / "logs" / "gdb.log"
REPLAY_LOG = LOG.with_name("gdb-replay.log")
LENT_LOG = LOG.with_name("gdb-lent.log")

# One session: a step is the name of an answer, and the commands that give it.
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
    "expected": ["calf-fault 3"],
    "no way back": ["calf-fault -r"],
}

# Where the page at page_split's `e` is, and the entry for it.
PAGE = "(e.bits>>10)<<12"
BACK = {
    "end ps": ["calf-ps"],
    "last fault": ["calf-fault -r"],
    "last entry": ["calf-back -r"],
    "fault again": ["calf-fault"],
    "split": ["tbreak page_split", "reverse-continue",
              "print *(unsigned long *)slot"],
    "who": [f"calf-who {PAGE}"],
    "closed": ["set $slot = slot", f"set $page = {PAGE}",
               "calf-last-write $slot"],
    "shared": ["calf-who $page"],
    "before": ["print *(unsigned long *)$slot", "x/i $pc"],
    "opened": ["stepi", "print *(unsigned long *)$slot"],
    "of a process": ["calf-fault -r 1", "calf-last-write $fault_va"],
    "asked": ["tbreak port_reply", "reverse-continue", "calf-message"],
    "answered": ["finish", "calf-message"],
    "root": ["calf-who harts[0].proc->as->top"],
    "in the way": ["hbreak proc_fork", "calf-last-write $slot"],
    "on the way": ["hbreak port_reply", "calf-fault -r 99", "delete"],
    "not Sv39": ["calf-walk 0x8000000000"],
    "nowhere": ["calf-last-write 0x1"],
    "no memory": ["calf-who 0x1000"],
    "write usage": ["calf-last-write"],
    "beginning": ["delete", "reverse-continue", "calf-message"],
    "first": ["calf-fault -r"],
    "no process": ["calf-fault -r 99999"],
    "never": ["calf-last-write 0x80200000"],
}

# Parent and child of a vfork, as soon as the child can be found.
LENT = {
    "lent": ["hbreak space_share", "continue", "finish",
             "calf-who harts[0].proc->as->top"],
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
    # A busy host may take as long to start it.
    argv = [find_gdb(), "-nx", "-batch", "-x", "tools/gdb/init.gdb", kernel,
            "-ex", f"target remote | sleep 3; exec {shlex.join(qemu)}"]
    return argv + steps_of(SESSION)


def replay_line() -> List[str]:
    return ["tools/replay.py", *steps_of(BACK, "end of replay"), "cow"]


def lent_line() -> List[str]:
    return ["tools/replay.py", "--boot", "t_vfork", "--start",
            *steps_of(LENT, "end of lent")]


def steps_of(session: Dict[str, List[str]], end: str = "end") -> List[str]:
    words: List[str] = []
    for name, commands in {**session, end: []}.items():
        for command in [f"echo \\n## {name}\\n", *commands]:
            words += ["-ex", command]
    return words


def hold_session(argv: List[str], path: Path) -> None:
    """Fill in `answers`; what is missing in the end was never answered."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as log:
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
    parts = re.split(r"^## (.*)\n", path.read_text(errors="replace"),
                     flags=re.MULTILINE)
    answers.update(zip(parts[1::2], parts[2::2]))


def expect(step: str, pattern: str) -> Optional[str]:
    """None if the answer to a step matches, or else the answer."""
    if step not in answers:
        return f"no answer to {step}, see the logs beside {LOG}"
    if re.search(pattern, answers[step], re.MULTILINE):
        return None
    return f"{step}: {answers[step].strip()}"


def value(step: str, pattern: str) -> str:
    match = re.search(pattern, answers.get(step, ""), re.MULTILINE)
    return match.group(1) if match else "nothing"


ENTRY = r"^  level {} \[ *\d+\] [0-9a-f]{{16}} {}"
SHARED = r"LAZY 0x[0-9a-f]+ count \d+|COW 0x[0-9a-f]+ count [2-9]"


def ps_before_the_kernel_runs_is_an_error() -> Optional[str]:
    return expect("early", r"^the kernel's memory is not mapped yet")


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
    """It is a table if the child runs first, and a page if the parent does."""
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
    return (expect("awaited", r"^pid 2 .+: (read|write|exec) at ") or
            expect("expected", r"^there is no process 3 now; looking for one "
                   r"that begins later$") or
            expect("expected", r"^pid 3 .+: (read|write|exec) at "))


def session_goes_on_to_its_end() -> Optional[str]:
    return expect("end", "")


# --- Back in time -------------------------------------------------------------


def what_cannot_go_back_says_so() -> Optional[str]:
    return expect("no way back", "^this machine does not go back in time")


def run_is_seen_from_its_end() -> Optional[str]:
    return expect("end ps", r"^ +1 +0 running +\d+ 0x[0-9a-f]+ +cow$")


def fault_is_found_backwards_and_again_forwards() -> Optional[str]:
    last = value("last fault", r"^(pid \d+ .+: .+ at 0x.+)$")
    return (expect("last fault", r"^pid \d+ .+: (read|write|exec) at ") or
            expect("fault again", f"^{re.escape(last)}$"))


def back_goes_to_the_instruction_that_faulted() -> Optional[str]:
    pc = value("last fault", r"instruction at (0x[0-9a-f]+)$")
    return (expect("last entry", rf"^pid \d+ .+: user mode at {pc}$") or
            expect("last entry", rf"^=> {pc}"))


def who_finds_as_many_entries_as_the_count_says() -> Optional[str]:
    """One of the entries is that of the process which is about to get a copy."""
    found = answers.get("who", "")
    counts = re.findall(r"has a count of (\d+)$", found, re.MULTILINE)
    entries = re.findall(r"^  0x\w+ level 0 PAGE .* COW ", found, re.MULTILINE)
    owners = re.findall(r"^    0x\w+ of pid \d+ cow$", found, re.MULTILINE)
    if len(counts) == 1 and len(entries) == len(owners) == int(counts[0]) >= 2:
        return None
    return f"who: {found.strip()}"


def who_goes_through_shared_tables() -> Optional[str]:
    """The parent has not been there since the fork."""
    return expect("shared", r"^    0x\w+ of pid 1 cow$")


def last_write_finds_who_cleared_the_permission() -> Optional[str]:
    return (expect("closed", r"^pid \d+ cow: the instruction at 0xf") or
            expect("closed", r"^  from [0-9a-f]{16} PAGE rw- user ") or
            expect("closed", r"^  to   [0-9a-f]{16} PAGE r-- user COW ") or
            expect("closed", r"^  in table_copy \(mm/pagetable.c:\d+\)$"))


def last_write_ends_before_the_store() -> Optional[str]:
    before = int(value("before", r"^\$\d+ = (\d+)$"))
    after = int(value("split", r"^\$\d+ = (\d+)$"))
    if int(value("opened", r"^\$\d+ = (\d+)$")) != after or before == after:
        return f"{before}, {after}: {answers.get('opened')}"
    return expect("before", r"^=> 0x\w+ <.*>:\s+s[dw]\s")


def last_write_takes_an_address_of_the_process() -> Optional[str]:
    return expect("of a process",
                  r"^(pid 1 cow: the instruction|pid 1 cow has nothing at) ")


def request_is_in_the_hand_of_its_server() -> Optional[str]:
    number = value("asked", r"^request (\d+): ")
    server = value("asked", r": in the hand of (pid \d+ \w+)$")
    return (expect("asked", r"^request \d+: \w+ of pid 1 \w+, at port \d+, ") or
            expect("asked", rf"^{server} serves level \d, in its hand: request "
                            rf"{number} of pid 1 \w+$"))


def request_that_is_answered_is_under_way_no_more() -> Optional[str]:
    return expect("answered", "^no request is under way$")


def who_knows_a_root() -> Optional[str]:
    return (expect("root", r"^0x[0-9a-f]+ has a count of 1$") or
            expect("root", r"^  it is the root of pid \d+ \w+$"))


def who_names_a_space_of_two_once() -> Optional[str]:
    """A count of 1 is the one root, and not one for each of the processes."""
    found = answers.get("lent", "")
    if found.count("it is the root of") != 1:
        return f"lent: {found.strip()}"
    return (expect("lent", r"^0x[0-9a-f]+ has a count of 1$") or
            expect("lent", r"^  it is the root of pid \d+ t_vfork and pid \d+ "
                           r"t_vfork, in one space$"))


def breakpoint_of_the_user_is_no_store() -> Optional[str]:
    return (expect("in the way", r"^stopped at your breakpoint \d+ on the way") or
            expect("on the way", r"^stopped at your breakpoint \d+ on the way"))


def mistakes_of_the_user_are_told() -> Optional[str]:
    return (expect("nowhere", r"^pid \d+ \w+ has nothing at 0x1$") or
            expect("not Sv39", r"^0x8000000000 is no address of Sv39") or
            expect("no memory", "^0x1000 is not in memory, and so has no ") or
            expect("write usage", r"^usage: calf-last-write ADDRESS$"))


def time_has_a_beginning() -> Optional[str]:
    return (expect("beginning", r"^the kernel's memory is not mapped yet") or
            expect("first", r"^there is no page fault before this$") or
            expect("no process", "^there is no process 99999, and no page "
                                 "fault of one before this$") or
            expect("no process", "^there is no process 99999 now; looking for "
                                 "one before this$") or
            expect("never", r"^the kernel's memory is not mapped yet"))


def what_the_kernel_said_is_not_said_again() -> Optional[str]:
    found = re.search(r"^what it says: (\S+);", REPLAY_LOG.read_text(
        errors="replace"), re.MULTILINE)
    if found is None:
        return f"no console is named in {REPLAY_LOG}"
    said = (ROOT / found.group(1)).read_text(errors="replace")
    count = said.count("1. Before the fork")
    return None if count == 1 else f"{count} times"


def quit_ends_the_machine_and_gdb() -> Optional[str]:
    argv = ["sh", "tools/gdb/session.sh", find_gdb(), "build/calf.elf",
            "qemu-system-riscv64", "-machine", "virt", "-display", "none",
            "-kernel", "build/calf.elf"]
    try:
        said = subprocess.run(argv, cwd=ROOT, input="quit\n", text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT, check=False).stdout
    except subprocess.TimeoutExpired:
        return "they go on"
    return said if re.search("detach", said, re.IGNORECASE) else None


def way_back_goes_on_to_its_end() -> Optional[str]:
    return expect("end of replay", "")


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
    what_cannot_go_back_says_so,
    run_is_seen_from_its_end,
    fault_is_found_backwards_and_again_forwards,
    back_goes_to_the_instruction_that_faulted,
    who_finds_as_many_entries_as_the_count_says,
    who_goes_through_shared_tables,
    last_write_finds_who_cleared_the_permission,
    last_write_ends_before_the_store,
    last_write_takes_an_address_of_the_process,
    request_is_in_the_hand_of_its_server,
    request_that_is_answered_is_under_way_no_more,
    who_knows_a_root,
    who_names_a_space_of_two_once,
    breakpoint_of_the_user_is_no_store,
    mistakes_of_the_user_are_told,
    time_has_a_beginning,
    what_the_kernel_said_is_not_said_again,
    quit_ends_the_machine_and_gdb,
    way_back_goes_on_to_its_end,
]


def main() -> int:
    words = sys.argv[1:] + [""] * 3
    kernel = words[0] or str(ROOT / "build" / "calf.elf")
    hold_session(command_line(kernel, words[1], words[2]), LOG)
    hold_session(lent_line(), LENT_LOG)
    hold_session(replay_line(), REPLAY_LOG)
    return run_tests(TESTS)


if __name__ == "__main__":
    sys.exit(main())
