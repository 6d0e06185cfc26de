# SPDX-License-Identifier: MIT
"""A film as a trace for Perfetto: which process is on which hart, and what the
kernel does for which process.

The format is Protocol Buffers: a message is a row of fields, each a number, a
type and a value.  The few messages that are needed are written out below, with
the numbers that perfetto_trace.proto gives them.  A nanosecond stands for an
instruction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, List, Union

if TYPE_CHECKING:
    from film_model import Film

Value = Union[int, str, bytes]

SEQUENCE = 1
BEGIN, END, INSTANT = 1, 2, 3
RUNNABLE, SLEEPS = 0, 1


def varint(value: int) -> bytes:
    found = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        found.append(value & 0x7f | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def message(*fields: "tuple[int, Value]") -> bytes:
    """Fields as (number, value): an integer, or text or a message."""
    found = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            found += varint(number << 3) + varint(value)
            continue
        data = value.encode() if isinstance(value, str) else value
        found += varint(number << 3 | 2) + varint(len(data)) + data
    return bytes(found)


def packet(*fields: "tuple[int, Value]") -> bytes:
    """One TracePacket of the file, which is a row of them."""
    return message((1, message(*fields, (10, SEQUENCE))))


# --- Tracks ------------------------------------------------------------------


def track(pid: int) -> int:
    return 1000 + pid


def descriptor(pid: int, name: str) -> bytes:
    """The process, and its one flow of control, which has the track."""
    process = message((1, pid), (6, name))
    thread = message((1, pid), (2, pid), (5, name))
    return (packet((60, message((1, 500_000_000 + pid), (3, process)))) +
            packet((60, message((1, track(pid)), (4, thread),
                                (5, 500_000_000 + pid)))))


def name_at(film: "Film", pid: int, time: int) -> str:
    """The name that a process had at some time."""
    if pid == 0:
        return "idle"
    names = [name for since, name in film.names.get(pid, [])
             if since <= time and name]
    return names[-1] if names else f"process {pid}"


def last_name(film: "Film", pid: int) -> str:
    return name_at(film, pid, film.end)


# --- What happens ------------------------------------------------------------


def event(time: int, pid: int, kind: int, name: str = "",
          notes: "tuple[tuple[str, Value], ...]" = ()) -> bytes:
    """A TrackEvent: a slice begins or ends, or something happens."""
    fields: "List[tuple[int, Value]]" = [(9, kind), (11, track(pid))]
    if name:
        fields += [(22, "kernel"), (23, name)]
    for key, value in notes:
        number = 3 if isinstance(value, int) else 6
        fields.append((4, message((10, key), (number, value))))
    return packet((8, time), (11, message(*fields)))


def slices(film: "Film") -> "List[tuple[int, int, bytes]]":
    """Slices of one process do not overlap: it is in the kernel once."""
    found = []
    for each in film.slices:
        if each.pid == 0:
            continue
        found.append((each.start, 1,
                      event(each.start, each.pid, BEGIN, each.name)))
        found.append((each.end, 0, event(each.end, each.pid, END)))
    return found


def instants(film: "Film") -> "List[tuple[int, int, bytes]]":
    return [(step.time, 2,
             event(step.time, step.pid, INSTANT,
                   step.event.replace("_", " "),
                   (("what", step.text),
                    ("where", f"{step.place.file}:{step.place.line}"))))
            for step in film.steps if step.pid and step.event != "switched"]


def switches(film: "Film") -> "List[tuple[int, int, bytes]]":
    """Each switch of processes as an event of Linux's scheduler, in a bundle."""
    found = []
    runs: Dict[int, int] = {}
    for time, hart, pid in film.switches:
        before = runs.get(hart, 0)
        runs[hart] = pid
        switch = message(
            (1, name_at(film, before, time)), (2, before), (3, 120),
            (4, SLEEPS), (5, name_at(film, pid, time)), (6, pid), (7, 120))
        ftrace = message((1, time), (2, before), (4, switch))
        found.append((time, 3, packet((1, message((1, hart), (2, ftrace))))))
    return found


def trace_of(film: "Film") -> bytes:
    pids = sorted({pid for pid in film.names if pid})
    head = b"".join(descriptor(pid, last_name(film, pid)) for pid in pids)
    body = sorted(slices(film) + instants(film) + switches(film),
                  key=lambda found: found[:2])
    return head + b"".join(found[2] for found in body)
