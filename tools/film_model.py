# SPDX-License-Identifier: MIT
"""From records to the steps of a film.

The kernel records each store to an entry, and after several stores what they
were made for.  A step is one such purpose with the stores before it.  The
counts that the kernel records are compared with the number of entries.

Records are in one order, also those of several harts: each is made after its
store, and before the hart goes on.  So what empties the last entry that names a
frame comes before what names it anew, on whichever hart.  What the two were made
for may come in the other order; then the first stores are a step of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, List, Optional, Tuple

import film_words
from film_records import DIRECT_MAP, Place, Record
from film_world import (FLAG_BITS, KERNEL_HALF, ROOT, Change, Field, World,
                        frame_of, is_closed, kind_of, marks_of, runs)

FIRST = 1  # the process that becomes the program
CAUSE_CALL = 8
INTERRUPT = 1 << 63

# Records that are no steps, but belong to steps.
OTHERS = {"entry", "trapped", "returned", "process_named", "calibrated"}

# Steps that are not shown if no entry has changed.
ONLY_WITH_CHANGES = {"unmapped", "discarded", "protected", "reserved",
                     "let_go"}


@dataclass
class Trap:
    """The reason for which a hart entered the kernel."""

    cause: int
    address: int
    call: int
    time: int
    pid: int
    steps: List["Step"] = field(default_factory=list)

    def name(self) -> str:
        if self.cause & INTERRUPT:
            return "interrupt"
        if self.cause == CAUSE_CALL:
            return call_name(self.call)
        return {12: "fetch fault", 13: "load fault",
                15: "store fault"}.get(self.cause, "exception")


@dataclass
class Step:
    """One thing that happened, and what it changed."""

    time: int
    hart: int
    pid: int
    event: str
    place: Place
    cost: int  # instructions since the kernel's last record on this hart
    trap: Optional[Trap]
    changes: List[Change] = field(default_factory=list)
    fields: List[Field] = field(default_factory=list)
    values: Dict[str, int] = field(default_factory=dict)
    text: str = ""
    address: Optional[int] = None
    level: Optional[int] = None
    # frame -> how many entries name it before and after the step
    counts: Dict[int, Tuple[int, int]] = field(default_factory=dict)
    # frame -> its count afterwards, as the kernel has recorded it
    said: Dict[int, int] = field(default_factory=dict)
    freed: int = 0
    closed: int = 0
    whole: int = 0  # instructions of the trap, from its start to its end
    system: bool = False  # of a server of the system, or before the program
    server: str = ""  # the name of the server that does it


@dataclass
class Slice:
    """A stay in the kernel, on behalf of a process."""

    pid: int
    hart: int
    start: int
    end: int
    name: str


def read_calls() -> Dict[int, str]:
    text = (ROOT / "include/abi/syscall.h").read_text()
    return {int(number): name for name, number in
            re.findall(r"#define SYS_(\w+)\s+(\d+)", text)}


CALLS = read_calls()


def call_name(number: int) -> str:
    return CALLS.get(number, f"call {number}")


class Film:
    """Takes the records in their order, and makes steps and slices of them."""

    def __init__(self) -> None:
        self.world = World()
        self.steps: List[Step] = []
        self.slices: List[Slice] = []
        self.switches: List[Tuple[int, int, int]] = []  # time, hart, pid
        self.names: Dict[int, List[Tuple[int, str]]] = {}  # pid -> since, name
        self.wrong: List[str] = []
        self.checked = 0
        self.pending: Dict[int, Dict[Tuple[int, int], int]] = {}
        self.running: Dict[int, int] = {}
        self.traps: Dict[int, Trap] = {}
        self.last: Dict[int, int] = {}
        self.made_from: Dict[int, int] = {}  # root -> that it is a fork of
        self.requests: Dict[Tuple[int, int], Step] = {}  # client, number
        self.end = 0
        self.has_begun = False  # process 1 has become the program

    def feed(self, record: Record) -> None:
        hart = record.hart
        # Clocks of several harts may differ; the order of records does not.
        self.end = record.time = max(self.end, record.time)
        if record.event == "entry":
            self._entry(record)
            return
        if record.event == "process_named":
            self._named(record)
            return
        if record.event == "trapped":
            self._trapped(record)
        elif record.event == "returned":
            self._returned(record)
        elif record.event not in OTHERS:
            self._step(record)
        self.last[hart] = record.time

    # --- what comes between steps ---

    def _entry(self, record: Record) -> None:
        """A store is of the step that comes.  Two of other harts go first, without
        theirs: another one to this entry, and one that took away the last name
        of what this one names, as no hart gets a frame before it is free."""
        slot = record.values["slot"] - DIRECT_MAP
        key = (slot >> 12, (slot & 0xfff) // 8)
        bits = record.values["bits"]
        frame = frame_of(bits)
        names = self.world.names.get(frame, set()) if frame else set()
        is_free = all(self._is_taken_away(name, frame) for name in names)
        for hart, stores in list(self.pending.items()):
            if hart != record.hart and (
                    stores.get(key, bits) != bits or
                    is_free and not names.isdisjoint(stores)):
                self._let_go(hart, record)
        self.pending.setdefault(record.hart, {})[key] = bits

    def _is_taken_away(self, name: Tuple[int, int], frame: int) -> bool:
        """Does an entry name the frame no more, after the stores that wait?"""
        return any(name in stores and frame_of(stores[name]) != frame
                   for stores in self.pending.values())

    def _let_go(self, hart: int, record: Record) -> None:
        """Makes a step of the stores of a hart that wait for one."""
        place = replace(record.place, event="let_go", names=())
        self._step(Record(record.time, hart, place))
        self.last[hart] = record.time

    def _named(self, record: Record) -> None:
        pid, name = record.values["pid"], record.text
        self.names.setdefault(pid, []).append((record.time, name))
        # Other harts may have had steps since.
        step = next((step for step in reversed(self.steps)
                     if step.hart == record.hart), None)
        if step is None:
            return
        if pid:
            step.fields += self.world.set("process", pid, "name", name)
        if step.event not in ("process_born", "process_executes"):
            return
        root = step.values.get("root", 0)
        image = self.made_from.get(root)
        if step.event == "process_executes" and image is not None:
            step.fields += self.world.set("root", image, "label",
                                          f"image of {name}")
        step.text = film_words.of_step(self, step)

    def _trapped(self, record: Record) -> None:
        pid = self.running.get(record.hart, 0)
        self.traps[record.hart] = Trap(
            record.values["cause"], record.values["va"],
            record.values["call"], record.time, pid)

    def _leave(self, hart: int, time: int, how: str) -> None:
        trap = self.traps.pop(hart, None)
        if trap is None:
            return
        for step in trap.steps:
            step.whole = time - trap.time
        self.slices.append(Slice(trap.pid, hart, trap.time, time,
                                 trap.name() + how))

    def _returned(self, record: Record) -> None:
        if self.pending.get(record.hart):
            self._step(Record(record.time, record.hart, record.place))
        self._leave(record.hart, record.time, "")

    # --- steps ---

    def _step(self, record: Record) -> None:
        hart = record.hart
        before = self.last.get(hart, record.time)
        trap = self.traps.get(hart)
        step = Step(record.time, hart, self.running.get(hart, 0),
                    record.event, record.place, record.time - before, trap,
                    values=record.values, said=record.counts)
        step.changes = self._changes(hart, record.values.get("root", 0))
        if record.event in ONLY_WITH_CHANGES and not step.changes:
            return
        handler: Optional[Callable[[Step], None]] = getattr(
            self, f"_on_{record.event}", None)
        self._note_counts(step)
        step.server = self._server(step.pid)
        step.system = self._is_of_system(step)
        film_words.before_step(self, step)
        for change in step.changes:
            self.world.put(change)
        if handler is not None:
            handler(step)
        self._place(step)
        self._check(step)
        step.text = film_words.of_step(self, step)
        if trap is not None:
            trap.steps.append(step)
        self.steps.append(step)

    def is_system(self, pid: int) -> bool:
        return bool(self.world.get("process", pid, "system"))

    def _server(self, pid: int) -> str:
        name = self.world.get("process", pid, "name")
        return str(name) if self.is_system(pid) else ""

    def _is_of_system(self, step: Step) -> bool:
        """True if all processes of the step are servers, or the program has not
        begun yet.  A switch between a server and the program is the program's."""
        pids = {step.pid, step.values.get("pid", 0)} - {0}
        return not self.has_begun or (
            bool(pids) and all(self.is_system(pid) for pid in pids))

    def _changes(self, hart: int, new_root: int) -> List[Change]:
        pending = self.pending.pop(hart, {})
        found = {}
        for (table, index), bits in pending.items():
            old = self.world.entry(table, index)
            is_root = self.world.is_root(table) or table == new_root
            if is_root and index >= KERNEL_HALF:
                continue
            if old != bits:
                found[table, index] = (old, bits)
        return runs(found)

    def _note_counts(self, step: Step) -> None:
        """Notes the counts that the step is going to change."""
        frames = set(step.said)
        for _, _, count, old, new in step.changes:
            frames.update(frame for frame in (frame_of(old), frame_of(new))
                          if frame)
            if is_closed(old, new):
                step.closed += count
        step.counts = {frame: (self.world.count(frame), 0)
                       for frame in frames}

    def _check(self, step: Step) -> None:
        for frame, (before, _) in step.counts.items():
            after = self.world.count(frame)
            step.counts[frame] = (before, after)
            step.freed += int(before > 0 and after == 0)
        for frame, said in step.said.items():
            self.checked += 1
            if said != self.world.count(frame):
                self.wrong.append(
                    f"step {len(self.steps)}, {step.event}: the kernel says "
                    f"that frame {frame:x} has a count of {said}, and "
                    f"{self.world.count(frame)} entries name it")

    def _place(self, step: Step) -> None:
        """The address that the step is about."""
        slot = step.values.get("slot", 0)
        if not slot:
            return
        slot -= DIRECT_MAP
        root = self.world.get("process", step.pid, "root")
        place = self.world.place_of(slot >> 12, (slot & 0xfff) // 8,
                                    root if isinstance(root, int) else None)
        if place is not None:
            step.address, step.level = place

    # --- what some steps mean besides their entries ---

    def _on_space_created(self, step: Step) -> None:
        step.fields += self.world.set("root", step.values["root"], "label",
                                      "a new address space")
        if not self.has_begun or self.is_system(step.pid):
            step.fields += self.world.set("root", step.values["root"],
                                          "system", 1)

    def _on_space_freed(self, step: Step) -> None:
        self.made_from.pop(step.values["root"], None)
        step.fields += self.world.remove("root", step.values["root"])

    def _on_space_forked(self, step: Step) -> None:
        source, copy = step.values["from"], step.values["to"]
        self.made_from[copy] = source
        forks = step.pid in self.world.processes_in([source])
        step.fields += self.world.set(
            "root", copy, "label",
            f"the next child of {step.pid}" if forks else "a new program")

    def _on_kernel_page_mapped(self, step: Step) -> None:
        step.fields += self.world.set("kernel", step.values["page"],
                                      "holds", 1)

    def _on_process_born(self, step: Step) -> None:
        pid, parent = step.values["pid"], step.values["parent"]
        root = step.values["root"] or self.world.get("process", parent,
                                                     "root")
        for name, value in (("parent", parent), ("root", root),
                            ("state", "lives"), ("born", step.time)):
            step.fields += self.world.set("process", pid, name, value)
        if step.values["system"]:
            step.system = True
            step.fields += self.world.set("process", pid, "system", 1)

    def _on_process_executes(self, step: Step) -> None:
        """The process is a program from now on, with the image that it starts from."""
        pid, root = step.values["pid"], step.values["root"]
        if not pid:
            return
        self._move(step, root)
        self.has_begun = self.has_begun or pid == FIRST
        step.system = False
        step.fields += self.world.set("process", pid, "system", None)
        for of_program in (root, self.made_from.get(root)):
            if of_program is not None and self.world.is_root(of_program):
                step.fields += self.world.set("root", of_program, "system",
                                              None)

    def _on_process_exits(self, step: Step) -> None:
        step.fields += self.world.set("process", step.values["pid"], "state",
                                      "is ending")

    def _on_memory_left(self, step: Step) -> None:
        self._move(step, None)

    def _move(self, step: Step, root: Optional[int]) -> None:
        """A process leaves its address space, perhaps for another one."""
        pid = step.values["pid"]
        before = self.world.get("process", pid, "root")
        step.fields += self.world.set("process", pid, "root", root)
        if isinstance(before, int) and self.world.is_root(before):
            step.fields += self.world.set("root", before, "label",
                                          f"left by process {pid}")

    def _on_process_ended(self, step: Step) -> None:
        step.fields += self.world.set("process", step.values["pid"], "state",
                                      "has ended")

    def _on_process_gone(self, step: Step) -> None:
        step.fields += self.world.remove("process", step.values["pid"])

    def _on_request_made(self, step: Step) -> None:
        self.requests[step.values["pid"], step.values["request"]] = step

    def _on_request_taken(self, step: Step) -> None:
        """If a server of the system takes a request, the step that made it is one
        of the system, too."""
        made = self.requests.get((step.values["client"],
                                  step.values["request"]))
        if made is not None and step.system:
            made.system = True

    def _on_switched(self, step: Step) -> None:
        pid = step.values["pid"]
        self._leave(step.hart, step.time, " (waits)")
        self.running[step.hart] = pid
        self.switches.append((step.time, step.hart, pid))
        step.fields += self.world.set("hart", step.hart, "runs", pid)


def film_of(records: List[Record]) -> Film:
    film = Film()
    for record in records:
        film.feed(record)
    return film


def kinds_of_entries(film: Film) -> Dict[int, Tuple[str, str]]:
    """The meaning of the low bits of each entry that occurs."""
    return {bits % FLAG_BITS: (kind_of(bits), marks_of(bits))
            for step in film.steps for change in step.changes
            for bits in change[3:]}
