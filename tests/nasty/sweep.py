#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Leave out each fence, and see that the nasty machine notices.

    tests/nasty/sweep.py [--seeds N] [PATTERN...]

The mistakes are the records of tests/mutants/fences.txt, and one for each
call of a function of arch/tlb.c, or of a fence, that is left out.  Each is
made in a copy of the tree, built, and booted with one seed after the other
until a run fails.  The unchanged kernel has to pass all of these runs first.
What was found goes into the table of docs/nasty.md, a row for each mistake.
"""

from __future__ import annotations

import argparse
import fnmatch
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from mutant_list import Broken, mutate, read_area  # noqa: E402
from mutants import WORK, Tree, end_tests_when_killed, only_one  # noqa: E402

FOLDERS = ("arch", "mm", "proc", "trap")
CALL = re.compile(
    r"\b((?:tlb|fence|code)_\w+|aspace_flush\w*|asid_assign)\([^;{}]*\);")
ASSEMBLY = re.compile(r"^\tsfence\.vma$", re.MULTILINE)
KERNEL = "build/calf-test.elf"
TARGETS = f"{KERNEL} build/test.cpio build/nasty/nasty"
STEPS = 2_500_000_000  # of a run at most: several times what any run needs

DOCUMENT = "docs/nasty.md"
HEAD = "| mistake | seed | harts | programs | what was said |"

# What is booted for each seed: harts, memory, programs.
BOOTS = (
    (2, "64M", "t_remap t_code"),
    (2, "64M", "t_port"),
    (1, "64M", "t_fork t_remap t_code"),
    (2, "64M", "t_fork t_region t_exec t_copyout"),
    (4, "64M", "t_fork t_proc"),
    (2, "64M", "t_pipe t_copyout t_share t_callcode"),
    (2, "64M", "t_mapping t_maprun t_regs"),
)


# These mistakes leave a correct kernel: it does more than it has to, or lacks
# something that no part of it needs so far.
HARMLESS = {
    "asid-of-one-that-runs-is-given-up":
        "it takes an assertion away, and nothing else",
    "asid-is-kept-by-a-change-from-elsewhere":
        "a hart that changes such a space changes one page of it",
    "hart-number-is-not-noted": "each switch takes a new number",
    "reuse-is-not-fenced": "one fault more, which fences",
    "image.c: image_add: tlb_code_changed":
        "a hart fences when a new address space first comes to it",
    "signal.c: signal_init: tlb_code_changed":
        "a hart fences when a new address space first comes to it",
    "tlb.c: tlb_init: tlb_switch_kernel":
        "the kernel's root stays under the highest number for a while",
    "entry.S: enter_upper_half: sfence.vma (2)":
        "the fence before it is enough, as no table is read in between",
}


class Mistake(NamedTuple):
    name: str
    path: str
    text: str  # of the whole file, with the mistake in it


class Run(NamedTuple):
    failed: bool
    seed: int
    harts: int
    programs: str
    said: str
    seconds: float


def records() -> Iterator[Mistake]:
    for mutant in read_area(ROOT / "tests/mutants/fences.txt"):
        text = (ROOT / mutant.path).read_text()
        yield Mistake(mutant.name, mutant.path, mutate(mutant, text))


def function_at(text: str, at: int) -> str:
    """The name of the function, or the label, that an offset is in."""
    head = text[:at]
    names = re.findall(r"^[A-Za-z][^\n;{}]*?\b(\w+)\([^;{}]*\)[^;{}]*\n\{|"
                       r"^(\w+):", head, re.MULTILINE)
    return "".join(names[-1]) if names else "?"


def deletions() -> Iterator[Mistake]:
    """Every call that fences, or leads to a fence, left out."""
    seen: Dict[str, int] = {}
    for path in sorted(p for f in FOLDERS for p in (ROOT / f).glob("*.[cS]")):
        text = path.read_text()
        pattern = ASSEMBLY if path.suffix == ".S" else CALL
        for found in pattern.finditer(text):
            line = text[text.rfind("\n", 0, found.start()) + 1:found.start()]
            if line.strip() and not line.strip().endswith((")", "else")):
                continue  # its value is used
            what = found.group(1) if found.groups() else "sfence.vma"
            name = f"{path.name}: {function_at(text, found.start())}: {what}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                name += f" ({seen[name]})"
            rest = "" if path.suffix == ".S" else ";"
            yield Mistake(name, str(path.relative_to(ROOT)),
                          text[:found.start()] + rest + text[found.end():])


def all_mistakes() -> Iterator[Mistake]:
    """All mistakes; of those that make the same change, the first."""
    seen = set()
    for mistake in (*records(), *deletions()):
        words = mistake.path + re.sub(r"\s+|;", "", mistake.text)
        if words not in seen:
            yield mistake
        seen.add(words)


def verdict(output: str, status: int) -> str:
    """What is wrong with a run, in a few words; "" if nothing is."""
    for line in output.splitlines():
        if "as until= says" in line:
            return "it does not end"
        if "Bail out!" in line:
            words = re.sub(r"0x[0-9a-f]+", "...", line.split("!", 1)[1])
            return words.replace("nasty: ", "").strip()[:100]
        if line.startswith("not ok"):
            return line.split(" - ", 1)[-1][:100]
    return f"status {status}" if status != 0 else ""


def boot(tree: Path, seed: int, harts: int, memory: str,
         programs: str) -> Run:
    words = " ".join(f"/bin/{word}" for word in programs.split())
    argv = [str(tree / "build/nasty/nasty"), "-smp", str(harts), "-m", memory,
            "-kernel", str(tree / "build/calf-test.elf"),
            "-initrd", str(tree / "build/test.cpio"),
            "-append", f"rdinit=/init {words}", f"seed={seed}",
            f"until={STEPS}"]
    begun = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          check=False)
    said = verdict(done.stdout.decode(errors="replace"), done.returncode)
    return Run(said != "", seed, harts, programs, said,
               time.monotonic() - begun)


def runs(tree: Path, seeds: int) -> Iterator[Run]:
    for seed in range(1, seeds + 1):
        for harts, memory, programs in BOOTS:
            yield boot(tree, seed, harts, memory, programs)


def try_mistake(tree: Tree, mistake: Mistake, seeds: int) -> Optional[Run]:
    """The run that noticed, or None."""
    path = tree.root / mistake.path
    before = path.read_text()
    path.write_text(mistake.text)
    try:
        complaint = tree.make(KERNEL)
        if complaint is not None:
            return Run(True, 0, 0, "", "it does not build", 0.0)
        for run in runs(tree.root, seeds):
            if run.failed:
                return run
        return None
    finally:
        path.write_text(before)
        tree.go_back()


def row(mistake: Mistake, run: Optional[Run]) -> str:
    if mistake.name in HARMLESS:
        return f"| {mistake.name} | - | - | - | {HARMLESS[mistake.name]} |"
    if run is None:
        return f"| {mistake.name} | **nothing** | | | |"
    programs = run.programs.split()
    return (f"| {mistake.name} | {run.seed} | {run.harts} | "
            f"{' '.join(programs)} | {run.said.replace('|', '/')} |")


def write_document(rows: Dict[str, str]) -> None:
    """The table is the last thing in the document; other rows stay."""
    path = ROOT / DOCUMENT
    text, table = path.read_text().split(HEAD)
    known = {line[2:].split(" |")[0]: line for line in table.splitlines()[2:]}
    known.update(rows)
    names = [mistake.name for mistake in all_mistakes()]
    path.write_text("\n".join([
        text + HEAD, "|---|---|---|---|---|",
        *(known[name] for name in names if name in known)]) + "\n")


def check_unchanged(tree: Tree, seeds: int) -> None:
    for run in runs(tree.root, seeds):
        print(f"# unchanged, seed {run.seed}, {run.harts} harts: "
              f"{run.said or 'passes'} ({run.seconds:.0f} s)", flush=True)
        if run.failed:
            sys.exit("the unchanged kernel must pass")


def parse_arguments(arguments: List[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4, metavar="N")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--unchecked", action="store_true",
                        help="do not boot the unchanged kernel first")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    return parser.parse_args(arguments)


def sweep(options: argparse.Namespace, mistakes: List[Mistake]) -> int:
    tree = Tree(WORK / "nasty")
    tree.create()
    complaint = tree.make(TARGETS)
    if complaint is not None:
        sys.exit(complaint)
    tree.keep()
    if not options.unchecked:
        check_unchanged(tree, options.seeds)
    rows: Dict[str, str] = {}
    survived = 0
    for mistake in mistakes:
        harmless = mistake.name in HARMLESS
        run = None if harmless else try_mistake(tree, mistake, options.seeds)
        survived += run is None and not harmless
        rows[mistake.name] = row(mistake, run)
        print(rows[mistake.name], flush=True)
    print(f"# {len(rows)} mistakes, {survived} not noticed")
    write_document(rows)
    return int(survived > 0 or not rows)


def main(arguments: List[str]) -> int:
    options = parse_arguments(arguments)
    try:
        mistakes = [m for m in all_mistakes()
                    if not options.patterns or any(
                        fnmatch.fnmatch(m.name, p) for p in options.patterns)]
    except Broken as error:
        sys.exit(str(error))
    if options.list:
        print("\n".join(m.name for m in mistakes))
        return 0
    end_tests_when_killed()
    with only_one(WORK / "nasty.lock"):
        return sweep(options, mistakes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
