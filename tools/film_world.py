# SPDX-License-Identifier: MIT
"""What exists by the records: tables, pages, the entries that name them, processes.

A world is changed by differences alone, which the page undoes as well, to step
backwards: entries of tables, and fields of things (a process, a root, a hart).
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent
KERNEL_HALF = 256  # entries of a root from here on are the kernel's
ROOT_LEVEL = 2
LEVELS = ROOT_LEVEL + 1
ROOT_FIELD = ("root", "label")

# table, index, how many in a row, bits before, bits after
Change = Tuple[int, int, int, int, int]
# kind of thing, which one, field, value before, value after
Field = Tuple[str, int, str, object, object]


def read_flags() -> Dict[str, int]:
    """The bits of an entry, from the one header that knows them."""
    text = (ROOT / "include/arch/sv39.h").read_text()
    return {name: 1 << int(shift) for name, shift in
            re.findall(r"#define PTE_(\w+)\s+\(1UL << (\d+)\)", text)}


FLAGS = read_flags()
FLAG_BITS = 1 << 10


def frame_of(bits: int) -> int:
    """The page number of what an entry names; 0: nothing."""
    return bits >> 10


def has(bits: int, name: str) -> bool:
    return bool(bits & FLAGS[name])


def kind_of(bits: int) -> str:
    return kind_of_flags(bits % FLAG_BITS)


@functools.lru_cache(maxsize=None)
def kind_of_flags(bits: int) -> str:
    if has(bits, "V"):
        return "PAGE" if bits & sum(FLAGS[p] for p in "RWX") else "TABLE"
    for kind in ("RESERVED", "LAZY", "HIDDEN"):
        if has(bits, kind):
            return kind
    return "EMPTY"


def marks_of(bits: int) -> str:
    """What an entry permits, and its marks."""
    return marks_of_flags(bits % FLAG_BITS)


def is_closed(old: int, new: int) -> bool:
    """Does the change close an entry, so that two tables may hold it?"""
    if frame_of(old) != frame_of(new):
        return False
    return (has(new, "COW") and has(old, "W")) or (
        kind_of(old) == "TABLE" and kind_of(new) == "LAZY")


@functools.lru_cache(maxsize=None)
def marks_of_flags(bits: int) -> str:
    if kind_of(bits) not in ("PAGE", "RESERVED"):
        return ""
    perms = "".join(p.lower() if has(bits, p) else "-" for p in "RWX")
    marks = [mark for mark in ("COW", "SHARED") if has(bits, mark)]
    return " ".join([perms] + marks)


def runs(changes: Dict[Tuple[int, int], Tuple[int, int]]) -> List[Change]:
    """Changes of entries, where equal changes of entries in a row are one."""
    found: List[Change] = []
    for (table, index), (old, new) in sorted(changes.items()):
        if found:
            last = found[-1]
            if (last[0] == table and last[1] + last[2] == index and
                    last[3:] == (old, new)):
                found[-1] = (table, last[1], last[2] + 1, old, new)
                continue
        found.append((table, index, 1, old, new))
    return found


@dataclass
class World:
    entries: Dict[int, Dict[int, int]] = field(default_factory=dict)
    # frame -> the entries that name it
    names: Dict[int, Set[Tuple[int, int]]] = field(default_factory=dict)
    # kind of thing -> which one -> its fields
    things: Dict[str, Dict[int, Dict[str, object]]] = field(
        default_factory=lambda: {"process": {}, "root": {}, "hart": {},
                                 "kernel": {}})

    # --- changing it ---

    def entry(self, table: int, index: int) -> int:
        return self.entries.get(table, {}).get(index, 0)

    def put(self, change: Change) -> None:
        table, first, count, _, new = change
        for index in range(first, first + count):
            self._put_one(table, index, new)

    def _put_one(self, table: int, index: int, bits: int) -> None:
        old = frame_of(self.entry(table, index))
        if old:
            self.names[old].discard((table, index))
            if not self.names[old]:
                del self.names[old]
        if bits:
            self.entries.setdefault(table, {})[index] = bits
        elif table in self.entries:
            self.entries[table].pop(index, None)
            if not self.entries[table]:
                del self.entries[table]
        if frame_of(bits):
            self.names.setdefault(frame_of(bits), set()).add((table, index))

    def set(self, kind: str, which: int, name: str,
            value: object) -> List[Field]:
        """Sets a field; None removes the field. Returns the difference."""
        fields = self.things[kind].setdefault(which, {})
        before = fields.get(name)
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = value
        if not fields:
            del self.things[kind][which]
        return [(kind, which, name, before, value)] if before != value else []

    def get(self, kind: str, which: int, name: str) -> object:
        return self.things[kind].get(which, {}).get(name)

    def remove(self, kind: str, which: int) -> List[Field]:
        return [change for name in list(self.things[kind].get(which, {}))
                for change in self.set(kind, which, name, None)]

    # --- looking at it ---

    def is_root(self, frame: int) -> bool:
        return frame in self.things["root"]

    def count(self, frame: int) -> int:
        """How many entries name a frame; a root has one name, and a frame that the
        kernel holds has one more."""
        return (len(self.names.get(frame, ())) + int(self.is_root(frame)) +
                int(frame in self.things["kernel"]))

    def roots_of(self, frame: int, levels: int = LEVELS) -> Set[int]:
        """The roots from which a frame is reached, in so many steps."""
        if self.is_root(frame):
            return {frame}
        if levels == 0:
            return set()
        return {root for table, _ in self.names.get(frame, ())
                for root in self.roots_of(table, levels - 1)}

    def place_of(self, table: int, index: int,
                 root: Optional[int]) -> Optional[Tuple[int, int]]:
        """The address that an entry stands for, and its table's level; of
        those under `root`, if it is reached from there."""
        found = [(at, level, top) for at, level, top in
                 self._places(table, index)]
        for at, level, top in found:
            if top == root:
                return at, level
        return found[0][:2] if found else None

    def _places(self, table: int, index: int,
                levels: int = LEVELS) -> Iterator[Tuple[int, int, int]]:
        if self.is_root(table):
            yield index << 30, ROOT_LEVEL, table
            return
        if levels == 0:
            return
        for above, at in self.names.get(table, ()):
            for address, level, root in self._places(above, at, levels - 1):
                if level > 0:
                    shift = 12 + 9 * (level - 1)
                    yield address + (index << shift), level - 1, root

    def processes_in(self, roots: Iterable[int]) -> List[int]:
        wanted = set(roots)
        return sorted(pid for pid, fields in self.things["process"].items()
                      if fields.get("root") in wanted)
