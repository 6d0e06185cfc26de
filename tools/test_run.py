#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does the test runner notice everything it is there to notice?

QEMU is replaced by a script that runs the "kernel" as a shell script, so each
test says in a few words what a machine does, and what the runner must make of
it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Optional, Tuple

from tap import run_tests

RUN = Path(__file__).resolve().parent / "run.py"
FAKE_QEMU = """#!/bin/sh
echo 'OpenSBI v1.1'
echo 'Boot HART MEDELEG         : 0x0000000000f0b509'
while [ "$1" != -kernel ]; do shift; done
. "$2"
"""
GOOD = "echo 1..2; echo ok 1 - a; echo ok 2 - b\n"

work = Path()


def start(*words: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, str(RUN), "--qemu", str(work / "qemu"),
            "--logs", str(work / "logs"), *words]
    return subprocess.Popen(argv, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run(*words: str) -> Tuple[int, List[str]]:
    process = start(*words)
    output, _ = process.communicate("words for nobody\n", timeout=60)
    return process.returncode, output.splitlines()


def kernel(script: str, name: str = "kernel") -> str:
    path = work / name
    path.write_text(script)
    return str(path)


def judge(script: str, passed: int, failed: int, reason: str,
          *options: str) -> Optional[str]:
    """Run `script` as a kernel, and compare everything with what must be."""
    image = kernel(script)
    status, lines = run("--timeout", "5", *options, image)
    if lines[-1] != f"{passed} passed, {failed} failed":
        return f"{lines}"
    if status != int(failed > 0):
        return f"exit status {status}"
    verdict = next((line for line in lines if line.startswith("FAIL")), "")
    if reason not in verdict or bool(reason) != bool(verdict):
        return f"{lines}"
    if not reason:
        return None
    return red(image, reason.split(":")[1].split(",")[0].strip(), *options)


def red(image: str, reason: str, *options: str) -> Optional[str]:
    """A kernel that fails for one reason passes if that one is expected, only."""
    status, lines = run("--timeout", "5", *options, "--expect",
                        f"fail:{reason}", image)
    if status != 0 or lines[-1] != "1 passed, 0 failed":
        return f"not accepted as {reason}: {lines}"
    other = "status" if reason != "status" else "panic"
    status, lines = run("--timeout", "5", *options, "--expect",
                        f"fail:{other}", image)
    if status != 1 or lines[-1] != "0 passed, 1 failed":
        return f"accepted as {other}: {lines}"
    return None


def complete_plan_passes() -> Optional[str]:
    return judge(GOOD, 2, 0, "")


def several_suites_in_one_boot_pass() -> Optional[str]:
    return judge(GOOD + "echo some words\n" + GOOD, 4, 0, "")


def carriage_returns_are_ignored() -> Optional[str]:
    return judge(r"printf '1..1\r\nok 1 - a\r\n'", 1, 0, "")


def last_line_needs_no_newline() -> Optional[str]:
    return judge("printf '1..1\\nok 1 - a'", 1, 0, "")


def skipped_tests_pass_and_are_mentioned() -> Optional[str]:
    image = kernel("echo 1..2; echo ok 1 - a; echo 'ok 2 - b # SKIP no disk'")
    status, lines = run(image)
    if status != 0 or lines[-1] != "2 passed, 0 failed":
        return f"{lines}"
    return None if lines[-2].startswith("1 ") else f"{lines}"


def not_ok_fails() -> Optional[str]:
    return judge("echo 1..2; echo ok 1 - a; echo not ok 2 - b '# no'", 1, 1,
                 "FAIL kernel: not-ok")


def failed_test_is_shown() -> Optional[str]:
    image = kernel("echo 1..1; echo not ok 1 - b '# found 3'")
    _, lines = run(image)
    shown = any("not ok 1 - b # found 3" in line for line in lines)
    return None if shown else f"{lines}"


def missing_results_fail() -> Optional[str]:
    return judge("echo 1..5; echo ok 1 - a; echo ok 2 - b", 2, 3,
                 "FAIL kernel: missing")


def missing_results_of_an_earlier_suite_fail() -> Optional[str]:
    return judge("echo 1..3; echo ok 1 - a\n" + GOOD, 3, 2,
                 "FAIL kernel: missing")


def results_out_of_order_fail() -> Optional[str]:
    return judge("echo 1..2; echo ok 2 - b; echo ok 1 - a", 2, 1,
                 "FAIL kernel: order")


def repeated_result_fails() -> Optional[str]:
    return judge("echo 1..2; echo ok 1 - a; echo ok 1 - a", 2, 1,
                 "FAIL kernel: order")


def result_beyond_the_plan_fails() -> Optional[str]:
    return judge(GOOD + "echo ok 3 - c", 3, 1, "FAIL kernel: order")


def result_without_a_plan_fails() -> Optional[str]:
    return judge("echo ok 1 - a", 1, 1, "FAIL kernel: order")


def bail_out_fails() -> Optional[str]:
    return judge("echo 1..2; echo ok 1 - a; echo 'Bail out! oops'; exit 1",
                 1, 2, "FAIL kernel: panic")


def panic_after_the_last_test_fails() -> Optional[str]:
    return judge(GOOD + "echo 'panic: audit'; exit 1", 2, 1,
                 "FAIL kernel: panic")


def panic_in_the_middle_of_a_line_is_seen() -> Optional[str]:
    return judge(GOOD + "echo 'a prompt$ Bail out! audit'; exit 1", 2, 1,
                 "FAIL kernel: panic")


def panic_with_status_zero_is_not_an_accepted_panic() -> Optional[str]:
    image = kernel(GOOD + "echo 'Bail out! audit'")
    status, lines = run("--expect", "fail:panic", image)
    return None if status == 1 else f"{lines}"


def death_of_init_fails() -> Optional[str]:
    return (judge("echo 1..1; echo 'init was killed by signal 9'; exit 137",
                  0, 2, "FAIL kernel: init-died") or
            judge("echo 1..1; echo 'Bail out! init died: 9'; exit 1", 0, 2,
                  "FAIL kernel: init-died"))


def expected_words_of_a_panic_must_be_said() -> Optional[str]:
    image = kernel("echo 'Bail out! no memory at all'; exit 3")
    status, lines = run("--expect", "fail:panic: no memory", image)
    if status != 0:
        return f"not accepted: {lines}"
    status, lines = run("--expect", "fail:panic: no harts", image)
    return None if status == 1 else f"other words accepted: {lines}"


def hang_fails() -> Optional[str]:
    return judge("echo 1..2; echo ok 1 - a; sleep 60", 1, 2,
                 "FAIL kernel: hang", "--timeout", "0.5")


def hang_after_the_last_test_fails() -> Optional[str]:
    return judge(GOOD + "sleep 60", 2, 1, "FAIL kernel: hang",
                 "--timeout", "0.5")


def timeout_ends_the_whole_process_group() -> Optional[str]:
    mark = work / "alive"
    image = kernel(f"echo 1..1; (sleep 1; touch {mark}) & sleep 60")
    run("--timeout", "0.5", image)
    time.sleep(1)
    return "a grandchild survived" if mark.exists() else None


def ignored_signals_are_not_inherited() -> Optional[str]:
    image = kernel("")
    ignored = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_IGN) for number in ignored]
    try:
        for name in ("INT", "QUIT", "HUP"):
            kernel(f"kill -{name} $$\n" + GOOD)
            status, lines = run("--timeout", "5", image)
            if status != 1:
                return f"SIG{name} was ignored: {lines}"
    finally:
        for number, handler in zip(ignored, before):
            signal.signal(number, handler)
    return None


def process_left_behind_does_not_delay_the_verdict() -> Optional[str]:
    began = time.monotonic()
    found = judge(GOOD + "sleep 30 &", 2, 0, "")
    if found is None and time.monotonic() - began > 4:
        found = "waited for it"
    return found


def boot_that_never_starts_fails() -> Optional[str]:
    return judge("sleep 60", 0, 1, "FAIL kernel: no-boot", "--timeout", "0.5")


def emulator_that_refuses_fails() -> Optional[str]:
    return judge("echo; exit 1", 0, 1, "FAIL kernel: no-boot")


def emulator_that_is_not_there_fails() -> Optional[str]:
    return judge(GOOD, 0, 1, "FAIL kernel: no-boot", "--qemu", "/nonexistent")


def complaint_of_the_firmware_is_no_boot() -> Optional[str]:
    return judge("echo sbi_trap_error: hart0: bad; exit 0", 0, 1,
                 "FAIL kernel: no-boot")


def zero_tests_fail() -> Optional[str]:
    return judge("echo hello", 0, 1, "FAIL kernel: zero-tests")


def plan_of_zero_tests_fails() -> Optional[str]:
    return judge("echo 1..0", 0, 1, "FAIL kernel: zero-tests")


def exit_status_fails() -> Optional[str]:
    return judge(GOOD + "exit 3", 2, 1, "FAIL kernel: status")


def expected_exit_status_passes() -> Optional[str]:
    return judge(GOOD + "exit 3", 2, 0, "", "--expect-status", "3")


def endless_output_fails() -> Optional[str]:
    return judge("echo 1..1; head -c 70000000 /dev/zero; sleep 60", 0, 2,
                 "FAIL kernel: output", "--timeout", "30")


def success_where_failure_must_be_fails() -> Optional[str]:
    status, lines = run("--expect", "fail:panic", kernel(GOOD))
    if status == 1 and lines[-1] == "0 passed, 1 failed":
        return None
    return f"{lines}"


def standard_input_is_closed() -> Optional[str]:
    return judge("read line && exit 1\n" + GOOD, 2, 0, "")


def program_of_this_machine_runs() -> Optional[str]:
    script = kernel(GOOD)
    status, lines = run("--exec", "/bin/sh", script)
    if status == 0 and lines[-1] == "2 passed, 0 failed":
        return None
    return f"{lines}"


def log_holds_command_and_output() -> Optional[str]:
    run("--name", "a b", "--smp", "3", kernel(GOOD))
    text = (work / "logs" / "a-b.log").read_text()
    return None if "-smp 3" in text and "ok 2 - b" in text else text


def log_of_a_failure_outlives_the_next_run() -> Optional[str]:
    run("--name", "twice", kernel("echo 1..1; echo not ok 1 - a"))
    run("--name", "twice", kernel(GOOD))
    failed = (work / "logs" / "twice.failed.log").read_text()
    last = (work / "logs" / "twice.log").read_text()
    if "not ok 1 - a" in failed and "not ok" not in last:
        return None
    return f"{failed}, then {last}"


def table_sums_over_all_boots() -> Optional[str]:
    kernel(GOOD, "good")
    kernel("echo 1..3; echo ok 1 - a", "short")
    table = work / "boots"
    table.write_text(f"""
# label | smp | mem | timeout | kernel | initrd | append | expect | qemu
one     | 1   |     | 5       | {work}/good
two     | 2   | 64M | 5       | {work}/good  | - | words here | pass | icount
red     |     |     | 5       | {work}/short |   |   | fail:missing
short   |     |     | 5       | {work}/short
host    |     |     | 5       | exec: /bin/sh {work}/good
""")
    status, lines = run("-j", "2", "--boots", str(table))
    if status != 1 or lines[-1] != "8 passed, 2 failed":
        return f"{lines}"
    log = (work / "logs" / "two.log").read_text()
    for words in ("-smp 2", "-m 64M", "-append 'words here'", "-icount"):
        if words not in log:
            return f"no {words}: {log}"
    status, lines = run("--boots", str(table), "one", "t*")
    return None if lines[-1] == "4 passed, 0 failed" else f"{lines}"


def files_of_a_table_may_be_in_another_folder() -> Optional[str]:
    (work / "other").mkdir()
    kernel(GOOD, "other/good")
    table = work / "boots"
    table.write_text("one ||| 5 | build/good | build/some.cpio\n")
    status, lines = run("--boots", str(table), "--build", str(work / "other"))
    if status != 0 or lines[-1] != "2 passed, 0 failed":
        return f"{lines}"
    log = (work / "logs" / "one.log").read_text()
    return None if f"{work}/other/some.cpio" in log else log


def mistake_in_a_table_is_an_error() -> Optional[str]:
    table = work / "boots"
    for line in ("label only", "a||||k|||fail:tuesday", "a|||soon|k",
                 "a||||k\na||||k", "a|b|c|d|e|f|g|h|i|j"):
        table.write_text(line)
        status, lines = run("--boots", str(table))
        if status == 0 or not re.search(r":\d+: ", lines[-1]):
            return f"{line}: {lines}"
    return None


def empty_table_fails() -> Optional[str]:
    table = work / "boots"
    table.write_text("# nothing\n")
    status, lines = run("--boots", str(table))
    return None if status == 1 else f"{lines}"


def interrupt_ends_what_runs() -> Optional[str]:
    mark = work / "survivor"
    image = kernel(f"touch {mark}.on; sleep 1.5; touch {mark}; sleep 60")
    process = start(image)
    while not Path(f"{mark}.on").exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    time.sleep(1.6)
    if process.returncode == 0:
        return "called a success"
    return "the emulator survived" if mark.exists() else None


TESTS = [
    complete_plan_passes,
    several_suites_in_one_boot_pass,
    carriage_returns_are_ignored,
    last_line_needs_no_newline,
    skipped_tests_pass_and_are_mentioned,
    not_ok_fails,
    failed_test_is_shown,
    missing_results_fail,
    missing_results_of_an_earlier_suite_fail,
    results_out_of_order_fail,
    repeated_result_fails,
    result_beyond_the_plan_fails,
    result_without_a_plan_fails,
    bail_out_fails,
    panic_after_the_last_test_fails,
    panic_in_the_middle_of_a_line_is_seen,
    panic_with_status_zero_is_not_an_accepted_panic,
    death_of_init_fails,
    expected_words_of_a_panic_must_be_said,
    hang_fails,
    hang_after_the_last_test_fails,
    timeout_ends_the_whole_process_group,
    ignored_signals_are_not_inherited,
    process_left_behind_does_not_delay_the_verdict,
    boot_that_never_starts_fails,
    emulator_that_refuses_fails,
    emulator_that_is_not_there_fails,
    complaint_of_the_firmware_is_no_boot,
    zero_tests_fail,
    plan_of_zero_tests_fails,
    exit_status_fails,
    expected_exit_status_passes,
    endless_output_fails,
    success_where_failure_must_be_fails,
    standard_input_is_closed,
    program_of_this_machine_runs,
    log_holds_command_and_output,
    log_of_a_failure_outlives_the_next_run,
    table_sums_over_all_boots,
    files_of_a_table_may_be_in_another_folder,
    mistake_in_a_table_is_an_error,
    empty_table_fails,
    interrupt_ends_what_runs,
]


def main() -> int:
    global work
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        qemu = work / "qemu"
        qemu.write_text(FAKE_QEMU)
        os.chmod(qemu, 0o755)
        return run_tests(TESTS)


if __name__ == "__main__":
    sys.exit(main())
