#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do the small tools do what they say, and the checks find what they must?

Each test builds a tree of a few files, runs a tool, and looks at what came
out.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, Optional, Tuple

import count
from fuzz import panic_story
from tap import run_tests

TOOLS = Path(__file__).resolve().parent
SPDX = "/* SPDX-License-Identifier: MIT */\n"

Tree = Dict[str, str]


def plant(root: Path, tree: Tree) -> None:
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def check(tool: str, tree: Tree) -> Tuple[int, str]:
    """Run a check over a tree of its own."""
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), tree)
        done = subprocess.run([sys.executable, str(TOOLS / tool), folder],
                              stdout=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stdout


def accepted(tool: str, tree: Tree) -> Optional[str]:
    status, output = check(tool, tree)
    return None if status == 0 else output


def refused(tool: str, tree: Tree, *words: str) -> Optional[str]:
    """None if there is one error for each of `words`, and no other."""
    status, output = check(tool, tree)
    errors = output.splitlines()[:-1]
    if status == 0 or len(errors) != len(words):
        return f"status {status}: {output}"
    for word, error in zip(words, errors):
        if word not in error:
            return f"not about {word}: {error}"
    return None


# --- check-layers.py --------------------------------------------------------

LAYERS = "check-layers.py"
HEADERS = {f"include/{name}/x.h": SPDX
           for name in ("abi", "lib", "arch", "mm", "proc", "trap")}


def layers(name: str, text: str) -> Tree:
    return {**HEADERS, name: SPDX + text}


def calls_go_down() -> Optional[str]:
    names = ("abi", "lib", "arch", "mm", "proc", "trap")
    text = "".join(f'#include "{name}/x.h"\n' for name in names)
    return accepted(LAYERS, {**layers("trap/a.c", text),
                             "main.c": SPDX + text,
                             "tests/kernel/a.c": SPDX + text})


def includes_upwards_are_refused() -> Optional[str]:
    return refused(LAYERS, layers("mm/a.c", '#include "proc/x.h"\n'),
                   'mm/a.c:2: mm may not include "proc/x.h"')


def headers_obey_the_table_too() -> Optional[str]:
    return refused(LAYERS, layers("include/lib/a.h", '#include "mm/x.h"\n'),
                   "include/lib/a.h:2")


def user_programs_see_the_abi_only() -> Optional[str]:
    return refused(LAYERS, layers(
        "user/a.c", '#include <stdio.h>\n#include "abi/x.h"\n'
        '#include "lib/x.h"\n'), "user/a.c:4")


def private_headers_stay_at_home() -> Optional[str]:
    return refused(LAYERS, {
        **HEADERS, "mm/own.h": SPDX, "mm/a.c": SPDX + '#include "own.h"\n',
        "proc/a.c": SPDX + '#include "mm/own.h"\n'}, "private")


def unknown_headers_are_refused() -> Optional[str]:
    return refused(LAYERS, layers("mm/a.c", '#include "lib/none.h"\n'),
                   "nowhere")


def c_library_is_not_for_the_kernel() -> Optional[str]:
    return refused(LAYERS, layers(
        "lib/a.c", "#include <stdint.h>\n#include <stdio.h>\n"), "stdio.h")


def instructions_belong_in_arch() -> Optional[str]:
    text = ('void f(void)\n{\n\t__asm__ volatile("sfence.vma");\n}\n'
            'int g = csr_x;\n/* asm, sfence.vma */\n')
    return (accepted(LAYERS, layers("arch/a.c", text)) or
            refused(LAYERS, layers("mm/a.c", text), "mm/a.c:4"))


def csr_names_in_assembly_are_refused_outside_arch() -> Optional[str]:
    return refused(LAYERS, layers("proc/a.S", "\tcsrrw sp, sscratch, sp\n"),
                   "csrrw")


def constants_of_the_abi_are_defined_once() -> Optional[str]:
    tree = {**HEADERS, "include/abi/x.h": SPDX + "#define O_APPEND 64\n",
            "trap/a.c": SPDX + "#define O_APPEND 64\n#define MINE 1\n",
            "user/include/fcntl.h": SPDX + "#  define O_APPEND 64\n",
            "user/bench.c": SPDX + "#ifndef O_APPEND\n#define O_APPEND 64\n",
            "tests/linux/a.c": SPDX + "#define O_APPEND 64\n"}
    return refused(LAYERS, tree, "trap/a.c:2: O_APPEND",
                   "user/include/fcntl.h:2: O_APPEND")


def what_servers_know_has_no_name_in_the_kernel() -> Optional[str]:
    headers = {"include/abi/ioctl.h": SPDX + "#define TCGETS 1\n",
               "include/abi/elf.h": SPDX + "#define AT_NULL 0\n"
                                           "struct elf_header {\n};\n"}
    text = ('#include "abi/elf.h"\n#include "abi/ioctl.h"\n'
            "int a = AT_NULL + TCGETS;\nstruct elf_header *b;\n"
            "int my_tty, entity; /* a tty, an elf */\n"
            'char *c = "070701";\n')
    return (accepted(LAYERS, {**layers("user/a.c", text), **headers}) or
            refused(LAYERS, {**layers("proc/a.c", text), **headers},
                    "proc/a.c:3", "proc/a.c:4: TCGETS",
                    "proc/a.c:5: elf_header", "proc/a.c:6: my_tty",
                    "proc/a.c:7") or
            refused(LAYERS, layers("proc/tty.c", "int a;\n"), "proc/tty.c:"))


def paths_are_of_servers() -> Optional[str]:
    text = "int a = 4 / 2; /* '/' */\n"
    begins = "int a = b[0] == '/';\nchar *c = \"/dev/x\";\n"
    return (accepted(LAYERS, layers("trap/a.c", text)) or
            accepted(LAYERS, layers("proc/exec.c", begins)) or
            accepted(LAYERS, layers("user/a.c", begins)) or
            refused(LAYERS, layers("trap/a.c", begins),
                    "trap/a.c: 2 slashes"))


def licence_is_needed() -> Optional[str]:
    return refused(LAYERS, {**HEADERS, "lib/a.c": "\n", "tools/a.sh": "\n",
                            "docs/a.md": "\n", "build/a.c": "\n"},
                   "lib/a.c:1: no SPDX", "tools/a.sh:1: no SPDX")


def long_lines_are_refused() -> Optional[str]:
    text = "\t" * 9 + "/*345*/\n" + "\t" * 9 + "/* 4567*/\n"
    return refused(LAYERS, layers("lib/a.c", text), "lib/a.c:3: 81 columns")


def long_functions_are_refused() -> Optional[str]:
    body = "int f(void)\n{\n" + "\t;\n" * 60 + "}\n"
    return (accepted(LAYERS, layers("lib/a.c", body)) or
            refused(LAYERS, layers("lib/a.c", body.replace("{", "{\n\t;")),
                    "lib/a.c:3: function of 61 lines"))


def long_files_are_refused() -> Optional[str]:
    return (accepted(LAYERS, layers("lib/a.c", "\n" * 499)) or
            refused(LAYERS, layers("lib/a.c", "\n" * 500), "501 lines"))


# --- check-docs.py ----------------------------------------------------------

DOCS = "check-docs.py"


def docs(text: str) -> Tree:
    return {"mm/a.c": "int frame_alloc(void);\n", "docs/a.md": text,
            "docs/b.md": "# The order: locks\n", "README.md": "fine\n"}


def true_citations_are_accepted() -> Optional[str]:
    return accepted(DOCS, docs("see `mm/a.c:frame_alloc`, and so on\n"
                               "and `mm/a.c:frame_alloc()`\n"))


def stale_symbols_are_refused() -> Optional[str]:
    return refused(DOCS, docs("# t\n`mm/a.c:frame`\n"), "docs/a.md:2")


def what_is_only_used_or_mentioned_is_refused() -> Optional[str]:
    tree = docs("`mm/a.c:frame_free`\n")
    tree["mm/a.c"] = "/* See\n * frame_free(). */\n{\n\tframe_free();\n}\n"
    return refused(DOCS, tree, "knows no frame_free")


def figures_are_those_that_are_recorded() -> Optional[str]:
    tree = docs("fine\n")
    for name in ("calf.tsv", "linux.tsv", "linux-thp.tsv"):
        tree["docs/bench/" + name] = "# row\tmin\tmedian\tunit\na\t7\t7\tinstr\n"
    tree["README.md"] = "| words, `a` | 7 | 7 | 7 |\n"
    wrong = dict(tree)
    wrong["README.md"] = "| **words, `a`** | **7** | **8** | **7** |\n"
    return accepted(DOCS, tree) or refused(DOCS, wrong, "**7** | **7** | **7**")


def stale_paths_are_refused() -> Optional[str]:
    return refused(DOCS, docs("`mm/b.c:frame_alloc`\n"), "no such file")


def line_numbers_are_refused() -> Optional[str]:
    return refused(DOCS, docs("`mm/a.c:1`\n"), "not a line")


def answers_of_gdb_name_lines_of_their_functions() -> Optional[str]:
    code = ("static int f(int a)\n{\n\treturn a;\n}\n\n"
            "int g(void) REQUIRES(lock)\n{\n\treturn f(1);\n}\n")
    answer = "```\n  in f (mm/f.c:{})\n  in g.isra.0 (mm/f.c:{})\n```\n"

    def tree(f: int, g: int) -> Tree:
        return {**docs(answer.format(f, g)), "mm/f.c": code}
    return (accepted(DOCS, tree(3, 8)) or accepted(DOCS, tree(4, 9)) or
            refused(DOCS, tree(5, 8), "docs/a.md:2: mm/f.c:5 is not in f") or
            refused(DOCS, tree(8, 3), "mm/f.c:8 is not in f",
                    "mm/f.c:3 is not in g"))


def links_must_lead_somewhere() -> Optional[str]:
    return refused(DOCS, docs(
        "[a](b.md) [b](../mm/a.c) [c](https://example.org/x) [d](#e)\n"
        "[e](c.md)\n[f](../../x)\n# e\n`[g](h)`\n```\n[i](j)\n```\n"),
        "c.md: leads nowhere", "out of the project")


def fragments_must_be_headings() -> Optional[str]:
    return refused(DOCS, docs("[a](b.md#the-order-locks)\n[b](b.md#no)\n"),
                   "b.md#no")


def documents_of_folders_are_read() -> Optional[str]:
    return refused(DOCS, {**docs("fine\n"),
                          "tests/README.md": "see [a](no.md)\n"},
                   "tests/README.md:1")


def pictures_are_drawn_from_their_text() -> Optional[str]:
    """Without Graphviz: a picture says what it was drawn from."""
    text = "digraph a { b -> c }\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    tree = {**docs("fine\n"), "docs/figures/a.dot": text,
            "docs/figures/a.svg": f"<!-- drawn from a.dot {digest} -->\n"}
    changed = {**tree, "docs/figures/a.dot": text + text,
               "docs/figures/b.svg": "<svg/>\n"}
    return accepted(DOCS, tree) or refused(
        DOCS, changed, "a.svg: not drawn from the present a.dot",
        "b.svg: drawn from nothing")


# --- count.py ---------------------------------------------------------------


def counted(tree: Tree, *names: str) -> Dict[str, int]:
    """The rows that count.py prints for these files."""
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), tree)
        lines = subprocess.run(
            [sys.executable, str(TOOLS / "count.py"), *(names or tree)],
            cwd=folder, stdout=subprocess.PIPE, text=True,
            check=True).stdout.splitlines()
    return {name.strip(): int(number.replace(",", ""))
            for name, number in (line.rsplit(None, 1) for line in lines
                                 if line.strip())
            if number != "lines"}


def code_is_what_is_left_without_comments() -> Optional[str]:
    text = SPDX + '''
/*
 * two
 */
int a; /* and more */
char b[] = "/* no comment";  // this is one

char c = '"', d[] = "/*";
int e; /* nor
   is this */
'''
    rows = counted({"mm/frame.c": text, "mm/slab.c": "int f;\n",
                    "main.c": "int g;\n"})
    wanted = {"mm": 5, "main.c": 1, "frames and slabs": 5,
              "boot, harts, timer, power": 1, "the kernel proper": 6}
    return None if rows == wanted else f"{rows}"


def code_of_test_builds_is_not_counted() -> Optional[str]:
    text = """#include "a.h"
#ifdef CALF_TEST
int a;
#ifndef INNER
int b;
#endif
#else
int c;
#endif
"""
    rows = counted({"mm/frame.c": text,
                    "mm/audit.c": text.replace("int c;\n", "")})
    return None if rows.get("mm") == 2 else f"{rows}"


def files_without_a_subject_are_shown() -> Optional[str]:
    rows = counted({"mm/unheard_of.c": "int a;\n"})
    shown = [row for row in rows if row.startswith("no subject yet")]
    return None if len(shown) == 1 and rows[shown[0]] == 1 else f"{rows}"


def subjects_name_files_that_exist() -> Optional[str]:
    missing = [name for names in count.SUBJECTS.values()
               for name in names.split()
               if not (TOOLS.parent / name).is_file()]
    return f"no {', '.join(missing)}" if missing else None


# --- help.awk ---------------------------------------------------------------


def helped(*texts: str) -> str:
    """The output of help.awk for these makefiles."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{n}.mk" for n in range(len(texts))]
        plant(Path(folder), dict(zip(names, texts)))
        return subprocess.run(
            ["awk", "-f", str(TOOLS / "help.awk"), *names], cwd=folder,
            stdout=subprocess.PIPE, text=True, check=True).stdout


def targets_stand_under_their_headings() -> Optional[str]:
    found = helped("# --- one ---\na: b ## first\nhidden: b\n"
                   "# --- two -------\nb: ## second (X=)\n",
                   "# --- one -----\nc: a b ## third\n")
    wanted = ("one\n  a                first\n  c                third\n\n"
              "two\n  b                second (X=)\n")
    return None if found == wanted else found


def each_target_of_this_tree_stands_under_a_heading() -> Optional[str]:
    found = subprocess.run(["make", "-s", "help"], cwd=TOOLS.parent,
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    groups = found.strip("\n").split("\n\n")
    bare = [group for group in groups if not group[:1].isalpha()]
    return f"{bare}" if bare or len(groups) < 5 else None


# --- what the Makefile is given ----------------------------------------------


def made(*words: str) -> "subprocess.CompletedProcess[str]":
    """Without the words of a make that runs this."""
    ours = {name: value for name, value in os.environ.items()
            if not name.startswith("MAKE") and
            name not in ("PROG", "ROOT", "INITRD", "APPEND", "SMP", "MEM")}
    return subprocess.run(
        ["make", "-s", *words], cwd=TOOLS.parent, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, env=ours)


def words_reach_qemu_as_they_are() -> Optional[str]:
    words = "a \"b c\" d'e"
    with tempfile.TemporaryDirectory(prefix="a b") as folder:
        path = Path(folder, "c d.cpio")
        path.touch()
        said = made("-n", "run", f"APPEND={words}", f"INITRD={path}").stdout
    lines = [line for line in said.splitlines() if line.startswith("qemu-")]
    if not lines:
        return said
    found = shlex.split(lines[0])
    return None if found[-4:] == ["-initrd", str(path), "-append", words] else \
        lines[0]


def what_qemu_would_misunderstand_is_refused() -> Optional[str]:
    for word, wanted in (("SMP=", "SMP=: expected a number of harts"),
                         ("SMP=0", "SMP=0: expected"), ("MEM=", "MEM=: exp"),
                         ("INITRD=/", "INITRD=/: expected a file")):
        done = made("sensible", word)
        if done.returncode == 0 or not done.stdout.startswith(wanted):
            return f"{word}: {done.stdout}"
    return made("sensible", "SMP=16", "MEM=10G").stdout or None


def what_no_archive_can_be_made_of_is_refused() -> Optional[str]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bin").touch()
        for word, wanted in ((f"PROG={folder}", "expected a file"),
                             (f"ROOT={folder}", "whose bin is a folder")):
            done = made("-o", "build/initrd.cpio", "build/run.cpio", word)
            if done.returncode == 0 or f"{word}: " not in done.stdout or \
                    wanted not in done.stdout:
                return f"{word}: {done.stdout}"
    return None


# --- fuzz.py ----------------------------------------------------------------

PANIC = """panic on hart 0: expected better
  on behalf of the process at pc 0x10abc, a7 {nr}
  a0 {a0}, a1 5, a2 103ffff, a3 0, a4 0, a5 0
  t0 711, t1 {seed}, t2 3
Bail out! expected better
"""


def panic_names_the_call() -> Optional[str]:
    story = panic_story(PANIC.format(nr=61, a0=4, seed=1), 1) or ""
    wanted = "in call 711 of seed 1, by family 3: getdents64(4, 5, 103ffff"
    return None if story.startswith(wanted) else story


def panic_of_a_check_names_the_call_before() -> Optional[str]:
    story = panic_story(PANIC.format(nr=248, a0="3f", seed=1), 1) or ""
    wanted = "after call 711 of seed 1, by family 3: read(5, 103ffff"
    return None if story.startswith(wanted) else story


def panic_of_nobody_names_no_call() -> Optional[str]:
    return panic_story(PANIC.format(nr=61, a0=4, seed=2), 1)


TESTS = [
    calls_go_down,
    includes_upwards_are_refused,
    headers_obey_the_table_too,
    user_programs_see_the_abi_only,
    private_headers_stay_at_home,
    unknown_headers_are_refused,
    c_library_is_not_for_the_kernel,
    instructions_belong_in_arch,
    csr_names_in_assembly_are_refused_outside_arch,
    constants_of_the_abi_are_defined_once,
    what_servers_know_has_no_name_in_the_kernel,
    paths_are_of_servers,
    licence_is_needed,
    long_lines_are_refused,
    long_functions_are_refused,
    long_files_are_refused,
    true_citations_are_accepted,
    stale_symbols_are_refused,
    what_is_only_used_or_mentioned_is_refused,
    figures_are_those_that_are_recorded,
    stale_paths_are_refused,
    line_numbers_are_refused,
    answers_of_gdb_name_lines_of_their_functions,
    links_must_lead_somewhere,
    fragments_must_be_headings,
    documents_of_folders_are_read,
    pictures_are_drawn_from_their_text,
    code_is_what_is_left_without_comments,
    code_of_test_builds_is_not_counted,
    files_without_a_subject_are_shown,
    subjects_name_files_that_exist,
    targets_stand_under_their_headings,
    each_target_of_this_tree_stands_under_a_heading,
    words_reach_qemu_as_they_are,
    what_qemu_would_misunderstand_is_refused,
    what_no_archive_can_be_made_of_is_refused,
    panic_names_the_call,
    panic_of_a_check_names_the_call_before,
    panic_of_nobody_names_no_call,
]

if __name__ == "__main__":
    sys.exit(run_tests(TESTS))
