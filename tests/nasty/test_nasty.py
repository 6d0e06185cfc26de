#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the machine refuse bad words, and is a run with a seed always equal?"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, Optional, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from tap import run_tests  # noqa: E402

NASTY = str(ROOT / "build/nasty/nasty")
KERNEL = str(ROOT / "build/calf-test.elf")
SHELL = str(ROOT / "build/calf.elf")
BOARD = str(ROOT / "build/nasty/board.elf")
INITRD = str(ROOT / "build/test.cpio")
FORK = ["-kernel", KERNEL, "-initrd", INITRD, "-smp", "2", "-m", "64M",
        "-append", "rdinit=/init /bin/t_sigwait", "seed=11"]
GDBS = ("gdb-multiarch", "riscv64-unknown-elf-gdb", "riscv64-elf-gdb", "gdb")
WORK = Path(tempfile.mkdtemp(prefix="nasty-"))


def run(*words: str, seconds: float = 120) -> Tuple[int, str]:
    done = subprocess.run([NASTY, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          timeout=seconds, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def refuses(pattern: str, *words: str) -> Optional[str]:
    """None if bad arguments are told so in one line."""
    status, said = run(*words)
    if status != 2 or said.count("\n") != 1 or not re.search(pattern, said):
        return f"status {status}: {said.strip()[-200:]}"
    return None


def first(*results: Optional[str]) -> Optional[str]:
    return next((result for result in results if result), None)


def bad_words_are_refused() -> Optional[str]:
    return first(
        refuses("-kernel: expected a file"),
        refuses("no such word", "-kernel", KERNEL, "sed=1"),
        refuses("no such word", "-kernel"),
        refuses("seed: expected a number", "-kernel", KERNEL, "seed=x"),
        refuses("asids: expected a number up to 16", "-kernel", KERNEL,
                "asids=17"),
        refuses("rate: expected", "-kernel", KERNEL, "rate=0"),
        refuses("-smp", "-kernel", KERNEL, "-smp", "0"),
        refuses("-smp", "-kernel", KERNEL, "-smp", "17"),
        refuses("-m: expected", "-kernel", KERNEL, "-m", "12X"),
        refuses("-m: expected", "-kernel", KERNEL, "-m", "1M"),
        refuses("-memory: not with -gdb", "-kernel", KERNEL, "-gdb", "stdio",
                "-memory", str(WORK / "memory")),
        refuses("whole pages", "-kernel", KERNEL, "-m", "4097K"),
        refuses("seed: expected", "-kernel", KERNEL, "seed=1" + 20 * "0"),
        refuses("watch: expected", "-kernel", KERNEL, "watch=0x87fffffc"),
        refuses("watch: expected", "-kernel", KERNEL, "watch=0x88000000"),
        refuses("watch: expected", "-kernel", KERNEL, "watch=0x7ffffff8"),
        refuses("-gdb: expected a port", "-kernel", KERNEL, "-gdb", "x"),
        refuses("-gdb: expected a port", "-kernel", KERNEL, "-gdb", "12x"))


def image(change: bytes, at: int, length: Optional[int] = None) -> str:
    """The kernel with some bytes changed, or cut off."""
    data = bytearray(Path(KERNEL).read_bytes())
    data[at:at + len(change)] = change
    path = WORK / "image"
    path.write_bytes(data[:length])
    return str(path)


def bad_images_are_refused() -> Optional[str]:
    headers = int.from_bytes(Path(KERNEL).read_bytes()[32:40], "little")
    return first(
        refuses("No such file", "-kernel", str(WORK / "none")),
        refuses("Is a directory", "-kernel", str(WORK)),
        refuses("program headers", "-kernel", image(b"\x41", 32)),
        refuses("not for 64-bit RISC-V", "-kernel", image(b"\x3e", 18)),
        refuses("not for 64-bit RISC-V", "-kernel", image(b"\1", 4)),
        refuses("program headers", "-kernel", image(b"\xff" * 7, 32)),
        refuses("outside the file", "-kernel", image(b"", 0, 5000)),
        refuses("not in memory", "-kernel", image(b"\0" * 8, headers + 24)),
        refuses("do not fit", "-kernel", image(b"", 0, 0)),
        refuses("is not in memory", "-kernel", KERNEL, "-m", "4M"),
        refuses("does not fit", "-kernel", KERNEL, "-m", "8M", "-initrd",
                INITRD),
        refuses("No such file", "-kernel", KERNEL, "-initrd", "/none"))


def a_symbol_table_that_is_damaged_is_done_without() -> Optional[str]:
    sections = int.from_bytes(Path(KERNEL).read_bytes()[40:48], "little")
    status, said = run("-kernel", image(b"\xff" * 4096, sections), "-append",
                       "ktest=fdt", "seed=1")
    return None if status == 0 else f"status {status}: {said[-200:]}"


def of_two_symbol_tables_one_is_read() -> Optional[str]:
    """A hundred copies of the symbol table, and what they are called by."""
    data = bytearray(Path(KERNEL).read_bytes())
    start = int.from_bytes(data[40:48], "little")
    count = int.from_bytes(data[60:62], "little")
    headers = [data[at:at + 64] for at in range(start, start + 64 * count, 64)]
    tables = [h for h in headers if int.from_bytes(h[4:8], "little") == 2]
    headers += 100 * tables
    data += bytes(-len(data) % 8)
    data[40:48] = len(data).to_bytes(8, "little")
    data[60:62] = len(headers).to_bytes(2, "little")
    path = WORK / "image"
    path.write_bytes(data + b"".join(headers))
    status, said = run("-kernel", str(path), "-append", "ktest=fdt", "seed=1")
    return None if status == 0 else f"status {status}: {said[-200:]}"


def what_cannot_be_written_is_told() -> Optional[str]:
    status, said = run("-kernel", KERNEL, "-append", "ktest=fdt", "seed=1",
                       "-console", "/dev/full")
    return None if status == 2 and "console cannot be written" in said else \
        f"status {status}: {said[-200:]}"


def the_words_of_a_run_are_the_run() -> Optional[str]:
    """Given to a shell they make the same words, whatever is in them."""
    words = ["-kernel", KERNEL, "-append", "it's 'so' " + 5000 * "x",
             "seed=3", "limit=500", "until=100"]
    said = run(*words)[1]
    found = re.search(r"the same again: nasty (.*)", said)
    if found is None:
        return f"it did not stop: {said[-200:]}"
    again = run(*shlex.split(found.group(1)), "until=100")[1]
    return None if without_time(again) == without_time(said) else \
        f"another run: {again[-200:]}"


def a_symbol_that_has_gone_is_missed() -> Optional[str]:
    """Without a symbol that they need the checks would find nothing."""
    data = Path(KERNEL).read_bytes().replace(b"\0tlb_kernel_root\0",
                                             b"\0tlb_kernel_tree\0")
    path = WORK / "image"
    path.write_bytes(data)
    return refuses("has the symbol `frames', and no `tlb_kernel_root'",
                   "-kernel", str(path))


def board(word: str, *words: str) -> Tuple[int, str]:
    return run("-kernel", BOARD, "-smp", "2", "-m", "64M", "-append",
               f"board={word}", *words)


def a_mistake_is_told_from_what_looks_like_one() -> Optional[str]:
    for word, said in (("held", "lock: "), ("reuse", ""), ("loop", "loop: "),
                       ("jump", "")):
        status, found = board(word, "seed=1")
        if status != (250 if said else 0) or said not in found:
            return f"{word}: status {status}: {found[-200:]}"
    return None


def nothing_but_a_fence_orders_stores() -> Optional[str]:
    for seed in range(1, 4):
        status, said = board("order", f"seed={seed}", "late=1", "mode=2",
                             "misaligned=1")
        if status != 0:
            return f"seed {seed}, status {status}: {said[-200:]}"
    return None


def status_is_that_of_the_test_device() -> Optional[str]:
    status, said = run("-kernel", KERNEL, "-initrd", INITRD, "-append",
                       "rdinit=/bin/red status", "seed=1")
    return None if status not in (0, 2, 250) else f"{status}: {said[-200:]}"


def what_is_typed_is_read() -> Optional[str]:
    path = WORK / "typed"
    path.write_bytes(b"sleep 1; echo on\x7fne two\rexit 5\r")
    for seed in range(1, 5):
        status, said = run("-kernel", SHELL, "-smp", str(1 + seed % 2),
                           "-input", str(path), f"seed={seed}")
        if status != 5 or "one two\r" not in said:
            return f"seed {seed}, status {status}: {said[-200:]}"
    return None


def without_time(said: str) -> str:
    return re.sub(r"in [\d.]+ s of CPU, .*", "", said)


def a_seed_is_a_run() -> Optional[str]:
    once, twice = run(*FORK), run(*FORK)
    if once[0] != 0:
        return f"status {once[0]}: {once[1][-200:]}"
    if without_time(once[1]) != without_time(twice[1]):
        return "two runs differ"
    if without_time(run(*FORK, "seed=12")[1]) == without_time(once[1]):
        return "another seed is the same run"
    return None


def few_seeds_make_every_choice() -> Optional[str]:
    """The first seeds, which the boots of `make test` have."""
    found: Dict[str, Set[str]] = {}
    for seed in range(1, 6):
        words = run("-kernel", BOARD, f"seed={seed}", "until=1")[1]
        for key, value in re.findall(r" (\w+)=(\d)\b", words.split("\n")[0]):
            found.setdefault(key, set()).add(value)
    same = [key for key in ("svade", "misaligned", "sstc", "stval", "late",
                            "icache", "invalid") if len(found[key]) != 2]
    return f"always the same: {' '.join(same)}" if same else None


def looking_changes_nothing() -> Optional[str]:
    """The end of a run that was watched and traced, and of one that was not."""
    words = [*FORK, "until=5000000"]
    plain = run(*words)[1]
    watched = run(*words, "watch=0x80571000", "trace=4999900")[1]
    traced = re.findall(r"^ *(\d+) hart", watched, re.MULTILINE)
    if [int(step) for step in traced] != list(range(4999900, 5000000)):
        return "not every step was traced"
    end = plain[plain.index("# hart 0:"):]
    return None if without_time(end) in without_time(watched) else \
        "the run was another one"


def a_long_entry_is_told() -> Optional[str]:
    status, said = run(*FORK, "limit=5000")
    if status != 250 or "expected at most 5000" not in said:
        return f"status {status}: {said[-200:]}"
    step = int(re.search(r"^# at step (\d+)", said, re.MULTILINE).group(1))
    again = run(*FORK, "limit=5000", f"until={step}")[1]
    return None if f"# at step {step};" in again else "not again at that step"


def an_entry_that_does_not_end_is_told() -> Optional[str]:
    """User mode makes a call, and the kernel does `j .`."""
    words = (0x00000097,  # auipc ra, 0
             0x01C08113,  # addi sp, ra, 28
             0x10511073,  # csrw stvec, sp
             0x01808113,  # addi sp, ra, 24
             0x14111073,  # csrw sepc, sp
             0x10200073,  # sret
             0x00000073,  # ecall
             0x0000006F)  # j .
    path = WORK / "image"
    path.write_bytes(b"".join(word.to_bytes(4, "little") for word in words) +
                     bytes(4096))
    status, said = run("-kernel", str(path), "limit=100", "until=1000000")
    return None if status == 250 and "expected at most 100" in said else \
        f"status {status}: {said[-200:]}"


SESSION = """
tbreak proc_fork
continue
print/x $pc
stepi
stepi
reverse-stepi
reverse-stepi
print/x $pc
calf-ps
break aspace_fault
continue
print/x $a1
continue
reverse-continue
print/x $a1
watch -l proc_count
delete 2
continue
print proc_count
"""


def gdb_goes_both_ways() -> Optional[str]:
    gdb = next(filter(shutil.which, GDBS), None)
    if gdb is None:
        return "there is no gdb; see tools/deps.sh"
    script = WORK / "session.gdb"
    words = " ".join(f"'{word}'" for word in (
        NASTY, *FORK, "quiet=1", "-gdb", "stdio", "-console",
        str(WORK / "console")))
    script.write_text(f"target remote | {words}\n{SESSION}")
    done = subprocess.run(
        [gdb, "-nx", "-batch", "-x", "tools/gdb/init.gdb", KERNEL, "-x",
         str(script)], cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=200, check=False)
    values = re.findall(r"^\$\d+ = (\w+)", done.stdout, re.MULTILINE)
    if len(values) != 5 or values[0] != values[1] or values[2] != values[3]:
        return f"{values}: {done.stdout[-300:]}"
    if not re.search(r"^ +1 +0 running ", done.stdout, re.MULTILINE):
        return "calf-ps did not list the first process"
    seen = re.search(r"^Old value = (\d+)\nNew value = (\d+)$", done.stdout,
                     re.MULTILINE)
    if not seen or seen.group(1) == values[4] or seen.group(2) != values[4]:
        return f"the watchpoint was not hit: {done.stdout[-300:]}"
    return None


def all_ends_with_the_first_process() -> Optional[str]:
    """The process that was started is killed while the machine runs."""
    with subprocess.Popen(
            [NASTY, *FORK, "quiet=1", "-gdb", "stdio", "-console",
             str(WORK / "console")], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True) as process:
        process.stdin.write(b"$c#63")
        process.stdin.flush()
        time.sleep(0.5)
        process.kill()
        process.wait()
        for _ in range(100):
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                return None
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    return "its snapshots go on"


def let_run_forever() -> "subprocess.Popen[bytes]":
    """A debugger lets a machine run `j .`."""
    path = WORK / "image"
    path.write_bytes((0xA001).to_bytes(2, "little") + bytes(4094))
    process = subprocess.Popen(
        [NASTY, "-kernel", str(path), "quiet=1", "-gdb", "stdio"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    process.stdin.write(b"$c#63")
    process.stdin.flush()
    time.sleep(0.5)
    return process


def ends(process: "subprocess.Popen[bytes]", seconds: float = 30) -> bool:
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def a_machine_that_runs_can_be_interrupted() -> Optional[str]:
    with let_run_forever() as process:
        process.stdin.write(b"\3")
        process.stdin.close()
        if not ends(process):
            return "it goes on"
        said = process.stdout.read()
    return None if said.startswith(b"+$T05") else f"{said!r}"


def a_machine_ends_with_its_debugger() -> Optional[str]:
    with let_run_forever() as process:
        process.stdin.close()
        process.stdout.close()
        return None if ends(process) else "it goes on"


def the_words_of_a_kernel_do_not_mix_with_packets() -> Optional[str]:
    done = subprocess.run(
        [NASTY, "-kernel", BOARD, "-m", "64M", "-smp", "2", "quiet=1", "-gdb",
         "stdio"], input=b"$c#63", stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=100, check=False)
    return None if done.stdout == b"+$W00#b7" and b"\nok " in done.stderr \
        else f"{done.stdout[-100:]!r}"


def ask(process: "subprocess.Popen[bytes]", packet: bytes) -> bytes:
    """What the machine answers to a packet."""
    process.stdin.write(b"$%s#%02x" % (packet, sum(packet) & 255))
    process.stdin.flush()
    answer = b""
    while not re.search(rb"#..$", answer):
        byte = process.stdout.read(1)
        if not byte:
            break
        answer += byte
    return answer.partition(b"$")[2][:-3]


def the_end_is_a_place_to_go_back_from() -> Optional[str]:
    """With hold=1 gdb goes back from the end, on the hart that ended it.

    The way to the second end is so long (some 50 million steps) that of the
    copies of the machine that are made on it, some are ended (after 32).
    """
    for words in (["-kernel", BOARD, "-m", "64M", "-smp", "2"],
                  ["-kernel", KERNEL, "-m", "64M", "-append", "ktest=fork"]):
        done = subprocess.run(
            [NASTY, *words, "quiet=1", "hold=1", "-gdb", "stdio", "-console",
             str(WORK / "console")], input=b"$c#63$c#63$bc#c5",
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=100,
            check=False)
        stops = re.findall(rb"T05replaylog:(\w+);thread:\d;#|"
                           rb"T05replaylog:(\w+);", done.stdout)
        found = [(one or other).decode() for one, other in stops]
        if found != ["end", "end", "begin"]:
            return f"{found}: {done.stdout[-100:]!r}"
    return None


def a_step_back_does_not_stop_for_what_is_watched() -> Optional[str]:
    """Two stores of 1 and 2 to one word, in a kernel of its own."""
    words = (0x00000097,  # auipc ra, 0
             0x00100113,  # li sp, 1
             0x1020B023,  # sd sp, 256(ra)
             0x00200113,  # li sp, 2
             0x1020B023,  # sd sp, 256(ra)
             0x0000006F)  # j .
    path = WORK / "image"
    path.write_bytes(b"".join(word.to_bytes(4, "little") for word in words) +
                     bytes(4096))
    with subprocess.Popen(
            [NASTY, "-kernel", str(path), "quiet=1", "kind=1", "-gdb",
             "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL) as process:
        said = [ask(process, packet) for packet in [b"s"] * 5 + [
            b"Z2,80200100,8", b"bc", b"p20", b"bs", b"p20", b"bc", b"p20"]]
        process.stdin.close()
        process.stdout.read()
    watch = b"T05watch:80200100;thread:1;"
    behind, at, first = (place.to_bytes(8, "little").hex().encode() for place in
                         (0x80200014, 0x80200010, 0x8020000C))
    want = [b"OK", watch, behind, b"T05thread:1;", at, watch, first]
    return None if said[5:] == want else f"{said[5:]}"


def a_breakpoint_may_lie_in_two_pages() -> Optional[str]:
    """`li a0, 42` behind two bytes before a page, in a kernel of its own."""
    code = bytearray(8192)
    code[0:4] = (0x7FF0006F).to_bytes(4, "little")  # j 0x80200ffe
    code[4094:4098] = (0x02A00513).to_bytes(4, "little")
    code[4098:4100] = (0xA001).to_bytes(2, "little")  # j .
    path = WORK / "image"
    path.write_bytes(code)
    commands = b"".join(b"$%s#%02x" % (c, sum(c) & 255) for c in (
        b"Z0,80200ffe,4", b"c", b"p20"))
    done = subprocess.run(
        [NASTY, "-kernel", str(path), "quiet=1", "kind=1", "-gdb", "stdio"],
        input=commands, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        timeout=100, check=False)
    return None if b"$fe0f208000000000#" in done.stdout else \
        f"{done.stdout[-100:]!r}"


def suites_that_need_a_boot_of_their_own_have_it() -> Optional[str]:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/nasty/suites.py"), "--harts", "2",
         "--logs", str(WORK), "t_init", "t_serial", "t_oom"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = process.communicate(timeout=200)[0]
    except subprocess.TimeoutExpired:
        process.terminate()  # which ends its machines
        said = process.communicate()[0]
    return said[-400:] if process.returncode != 0 else None


TESTS = [
    bad_words_are_refused,
    bad_images_are_refused,
    a_symbol_table_that_is_damaged_is_done_without,
    of_two_symbol_tables_one_is_read,
    a_symbol_that_has_gone_is_missed,
    what_cannot_be_written_is_told,
    the_words_of_a_run_are_the_run,
    a_mistake_is_told_from_what_looks_like_one,
    nothing_but_a_fence_orders_stores,
    status_is_that_of_the_test_device,
    what_is_typed_is_read,
    a_seed_is_a_run,
    few_seeds_make_every_choice,
    looking_changes_nothing,
    a_long_entry_is_told,
    an_entry_that_does_not_end_is_told,
    gdb_goes_both_ways,
    all_ends_with_the_first_process,
    a_machine_that_runs_can_be_interrupted,
    a_machine_ends_with_its_debugger,
    the_words_of_a_kernel_do_not_mix_with_packets,
    the_end_is_a_place_to_go_back_from,
    a_step_back_does_not_stop_for_what_is_watched,
    a_breakpoint_may_lie_in_two_pages,
    suites_that_need_a_boot_of_their_own_have_it,
]


if __name__ == "__main__":
    try:
        sys.exit(run_tests(TESTS))
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
