#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How deep can the kernel's stack get?

    tools/check-stack.py FOLDER...

Reads the call graphs (*.ci) that `gcc -fcallgraph-info=su` leaves beside the
objects of a kernel in each FOLDER, and finds the deepest path from each function
that begins with an empty stack.  It fails if a path leaves less than MARGIN
bytes of a hart's stack, if the size of a frame is not fixed, or if a function is
called that is in no graph.

What the graphs do not tell is declared below: which functions may be called
through which pointer, and how deep a recursion may go, with the reason.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Dict, List, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent
LAYOUT = ROOT / "include/arch/layout.h"
MARGIN = 1024  # bytes that must be left

# Called with sp at the top of a hart's stack: where the harts begin, what
# assembly calls, what it finds in the table of system calls, and what is
# passed to stack_restart().
ROOTS = ["kmain", "hart_main"]
FOUND_ROOTS = [
    ("arch/*.S", re.compile(r"^\s*(?:call|tail)\s+(\w+)", re.MULTILINE)),
    ("trap/syscall.c", re.compile(r"= FAST\((\w+)\)")),
    ("trap/syscall.c", re.compile(r"= FIRST\((?:trap_)?(\w+), \w+\)")),
    ("proc/*.c", re.compile(r"\bstack_restart\((\w+)\)")),
]

# What a call through a pointer looks like in the source, where its targets
# are assigned, and how.
INDIRECT = [
    (r"(?:f->)?ops->(\w+)\(", "proc/*.c", r"\.{0} = (\w+),"),
    (r"visit\(", "proc/*.c", r"\b(look_at_child|hang_up|send_to_member|"
     r"send_to_any|wake_sleeper)\("),
    (r"words_copy\(", "arch/hart.c", r"\bwords_copy = (\w+);"),
    (r"go_on\(prog", "proc/args.c", r"\b(measure_string|copy_string)\("),
    (r"\w+->fast\(", "trap/syscall.c", r"= FAST\((\w+)\)"),
    (r"syscall_table\[.*\]\.full\(", "trap/syscall.c",
     r"= (?:FULL\(|FIRST\(\w+, )(\w+)\)"),
    (r"poll->(\w+)\(", "trap/sys_wait.c", r"\.{0} = (\w+),"),
    (r"\*phase\)\(", "mm/range.c", r"\b(check|prepare|prepare_new|own|"
     r"clear|prune|reserve|protect|discard|share_give|share_take)[,}}]"),
    (r"\bvisit\(", "arch/machine.c", r"fdt_walk\((\w+)\)"),
    (r"\breserve\(", "arch/machine.c", r"fdt_reservations\((\w+)\)"),
]

# How often each function of a cycle can be on the stack at once.
RECURSION: Dict[str, int] = {
    "memcpy": 2,  # what is left of a long copy is a short one
    "signal_send": 2,  # SIGCONT or SIGKILL, and SIGCHLD for the parent
    "audit_owner": 3,  # a level each; test kernels only
    "count_table": 3,  # a level each; test kernels only
}

USED: Set[str] = set()  # those of them that a graph has: others are stale

# Functions that begin with an empty stack of their own, whoever calls them.
RESTARTS = {"trapframe_enter", "trapframe_resume"}

# Functions that are written in assembly, and use no stack.
LEAVES = {"page_copy", "page_zero", "page_fill", "misaligned_copy",
          "load_cycles", "fp_save", "fp_load", "fp_clear"}

# Functions that assembly or the table of calls calls, in test or trace kernels
# only.
TEST_ONLY = {"trap_check", "trap_trace", "sys_calf_check", "sys_calf_fail"}

# A function of test kernels that begins before there is a process, and never
# returns.
NOT_CHECKED = {"kernel_tests_run"}

NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]+)"(.*)\}')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"'
                  r'(?: label: "([^"]+)")?')
FRAME = re.compile(r"(\d+) bytes \(([\w,]+)\)")


class Wrong(Exception):
    """An error because of which no depth can be told."""


class Graph:
    """The frames of all functions, and which function calls which."""

    def __init__(self) -> None:
        self.frame: Dict[str, int] = {}
        self.calls: Dict[str, Set[str]] = {}
        self.static: Dict[str, str] = {}

    def read(self, text: str) -> None:
        for title, label, more in NODE.findall(text):
            frame = FRAME.search(label)
            if frame is None:
                if "ellipse" not in more:
                    raise Wrong(f"{title}: no size of its frame")
                continue
            if frame.group(2) == "dynamic":
                raise Wrong(f"{title}: a frame without a fixed size")
            if title in self.frame:
                raise Wrong(f"{title}: defined twice")
            self.frame[title] = int(frame.group(1))
        for source, target, place in EDGE.findall(text):
            targets = ([target] if target != "__indirect_call" else
                       self.pointed_to(source, place))
            self.calls.setdefault(source, set()).update(targets)

    @staticmethod
    def pointed_to(source: str, place: str) -> List[str]:
        """The functions that a call through a pointer may call."""
        path, line, column = place.rsplit(":", 2)
        text = (ROOT / path).read_text().splitlines()[int(line) - 1]
        for call, where, how in INDIRECT:
            match = re.match(call, text[int(column) - 1:])
            if match:
                found = [name for file in sorted(ROOT.glob(where))
                         for name in re.findall(how.format(*match.groups()),
                                                file.read_text())]
                if not found:
                    raise Wrong(f"{place}: nobody to be called")
                return found
        raise Wrong(f"{place}: {source} calls through a pointer that is "
                    "not declared")

    def link(self) -> None:
        """Names in sources may be those of static functions."""
        self.static = {name.rsplit(":", 1)[1]: name
                       for name in self.frame if ":" in name}
        known = set(self.frame) | RESTARTS | LEAVES | NOT_CHECKED | \
            TEST_ONLY
        for source, targets in self.calls.items():
            named = {name if name in known else self.static.get(name, name)
                     for name in targets}
            unknown = named - known
            if unknown:
                raise Wrong(f"{source} calls {', '.join(sorted(unknown))}, "
                            "of which nothing is known (make clean, if "
                            "its object is older than these graphs)")
            self.calls[source] = {name for name in named
                                  if name in self.frame}


    def function(self, name: str) -> str:
        """What a function of the sources is called here."""
        title = name if name in self.frame else self.static.get(name, "")
        if not title:
            raise Wrong(f"{name}: no such function")
        return title


def roots(graph: Graph) -> List[str]:
    found = {name for where, how in FOUND_ROOTS
             for path in sorted(ROOT.glob(where))
             for name in how.findall(path.read_text())}
    found -= TEST_ONLY - set(graph.frame)
    return [graph.function(name) for name in ROOTS + sorted(found)]


# --- Cycles ------------------------------------------------------------------


def components(graph: Graph) -> Dict[str, Tuple[str, ...]]:
    """For each function, those that it is in a cycle with (Tarjan's algorithm)."""
    index: Dict[str, int] = {}
    low: Dict[str, int] = {}
    stack: List[str] = []
    result: Dict[str, Tuple[str, ...]] = {}

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in sorted(graph.calls.get(name, ())):
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            at = stack.index(name)
            members = tuple(stack[at:])
            del stack[at:]
            for member in members:
                result[member] = members

    for name in graph.frame:
        if name not in index:
            visit(name)
    return result


def rounds(graph: Graph, members: Tuple[str, ...]) -> int:
    """How often the functions of a component can be on the stack."""
    if len(members) == 1 and members[0] not in graph.calls.get(members[0], ()):
        return 1
    plain = {re.sub(r".*:|\..*", "", name) for name in members}
    declared = plain & set(RECURSION)
    if not declared:
        raise Wrong("recursion that is not declared: " + ", ".join(members))
    USED.update(declared)
    return min(RECURSION[name] for name in declared)


# --- Depth -------------------------------------------------------------------

Path_ = List[Tuple[str, int]]


class Depths:
    """The deepest path below each function."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.component = components(graph)
        self.known: Dict[str, Tuple[int, Path_]] = {}

    def below(self, name: str) -> Tuple[int, Path_]:
        """The depth below and including a function; a cycle counts as a whole."""
        members = self.component[name]
        if members[0] not in self.known:
            own = (sum(self.graph.frame[m] for m in members) *
                   rounds(self.graph, members))
            calls = {target for m in members
                     for target in self.graph.calls.get(m, ())}
            deepest = max((self.below(target) for target in calls
                           if target not in members),
                          key=lambda found: found[0], default=(0, []))
            label = " + ".join(members)
            self.known[members[0]] = (own + deepest[0],
                                      [(label, own)] + deepest[1])
        return self.known[members[0]]


def stack_size() -> int:
    match = re.search(r"#define KSTACK_SIZE\s+(\d+)", LAYOUT.read_text())
    if match is None:
        raise Wrong(f"{LAYOUT}: no KSTACK_SIZE")
    return int(match.group(1))


def check(folder: Path) -> bool:
    graph = Graph()
    files = sorted(path for path in folder.rglob("*.ci")
                   if "tests" not in path.relative_to(folder).parts)
    if not files:
        raise Wrong(f"{folder}: no call graphs; they need GCC")
    for path in files:
        graph.read(path.read_text())
    graph.link()
    depths = Depths(graph)
    found = {name: depths.below(name) for name in roots(graph)}
    deepest = max(found, key=lambda name: found[name][0])
    print(f"the deepest path in {folder}, from {deepest}:")
    for name, frame in found[deepest][1]:
        print(f"  {frame:5} {name}")
    room = stack_size() - MARGIN
    fits = found[deepest][0] <= room
    print(f"stack: {found[deepest][0]} bytes of {room}, "
          f"{'clean' if fits else 'too deep'}")
    return fits


def main(arguments: List[str]) -> int:
    if not arguments:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        fits = [check(Path(folder)) for folder in arguments]
        unused = set(RECURSION) - USED
        if unused:
            raise Wrong(f"{', '.join(sorted(unused))}: declared, and no "
                        "recursion")
        return 0 if all(fits) else 1
    except Wrong as error:
        print(f"check-stack: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
