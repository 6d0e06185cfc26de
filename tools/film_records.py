# SPDX-License-Identifier: MIT
"""The records of the trace build: how they leave the machine.

The machine's memory is a file, and the ring of records (arch/trace.c) lies in
it, where the kernel's symbol table says.  They are taken out while the machine
runs.  What a record points to, the names of its values and its place in the
source, is in the same memory.
"""

from __future__ import annotations

import mmap
import struct
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

DIRECT_MAP = 0xffffffc000000000  # include/arch/layout.h
RAM_START = 0x80000000           # of QEMU's virt
RING = "trace_ring"

# struct trace_ring: eight words, then the records, of which each is eight.
WORDS = ("is_on", "written", "drained")
HEADER = 64
RECORD = struct.Struct("<8Q")
RING_RECORDS = 65536
PLACE = struct.Struct("<5Q")
PAUSE = 0.002
DRAIN_AT = 1  # records that wait, before they are drained


@dataclass(frozen=True)
class Place:
    """A line of the source at which a thing is recorded."""

    event: str
    names: Tuple[Tuple[str, str], ...]  # how its values are called; the kind
    file: str
    function: str
    line: int


@dataclass
class Record:
    time: int
    hart: int
    place: Place
    values: Dict[str, int] = field(default_factory=dict)
    # frame -> count, of the values that are frames
    counts: Dict[int, int] = field(default_factory=dict)
    text: str = ""

    @property
    def event(self) -> str:
        return self.place.event


def symbol(elf: bytes, wanted: str) -> int:
    """The address of a symbol of a 64-bit ELF file."""
    offset, = struct.unpack_from("<Q", elf, 40)
    size, count = struct.unpack_from("<HH", elf, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, offset + i * size)
                for i in range(count)]
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        strings = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", elf, at)
            end = elf.index(b"\0", strings + name)
            if elf[strings + name:end].decode() == wanted:
                return value
    raise ValueError(f"no {wanted} in the kernel: it is not a trace build")


class Memory:
    """The machine's memory, by the kernel's addresses."""

    def __init__(self, path: Path, kernel: Path):
        with open(path, "r+b") as file:
            self.bytes = mmap.mmap(file.fileno(), 0)
        self.ring = self.offset(symbol(kernel.read_bytes(), RING))
        if self.ring + HEADER + RING_RECORDS * RECORD.size > len(self.bytes):
            raise ValueError("the kernel does not fit into so little memory")
        self.words = memoryview(self.bytes)[
            self.ring:self.ring + 8 * len(WORDS)].cast("Q")
        self.places: Dict[int, Place] = {}

    @staticmethod
    def offset(address: int) -> int:
        return address - DIRECT_MAP - RAM_START

    # The machine reads and writes these words meanwhile: each must be read and
    # written as a whole, which struct.pack_into does not do (it clears first).
    def word(self, name: str) -> int:
        return self.words[WORDS.index(name)]

    def set_word(self, name: str, value: int) -> None:
        self.words[WORDS.index(name)] = value

    def waiting(self) -> int:
        return self.word("written") - self.word("drained")

    def string(self, address: int) -> str:
        at = self.offset(address)
        return self.bytes[at:self.bytes.find(b"\0", at)].decode()

    def place(self, address: int) -> Place:
        if address not in self.places:
            event, names, path, function, line = PLACE.unpack_from(
                self.bytes, self.offset(address))
            split = [name.rpartition(":")
                     for name in self.string(names).split()]
            self.places[address] = Place(
                self.string(event),
                tuple((name, kind) for kind, _, name in split),
                self.string(path), self.string(function), line)
        return self.places[address]

    def drain(self) -> bytes:
        """The records that have come since the last time."""
        first, end = self.word("drained"), self.word("written")
        base = self.ring + HEADER
        pieces = []
        while first < end:
            at = first % RING_RECORDS
            count = min(end - first, RING_RECORDS - at)
            start = base + at * RECORD.size
            pieces.append(self.bytes[start:start + count * RECORD.size])
            first += count
        self.set_word("drained", end)
        return b"".join(pieces)

    def decode(self, raw: bytes) -> List[Record]:
        return [self.record(words) for words in RECORD.iter_unpack(raw)]

    def record(self, words: Tuple[int, ...]) -> Record:
        place = self.place(words[1])
        record = Record(words[0], words[2], place)
        for (name, kind), value in zip(place.names, words[3:]):
            if kind == "text":
                text = struct.pack("<4Q", *words[4:8])
                record.text = text.split(b"\0")[0].decode(errors="replace")
            elif kind == "frame":
                record.values[name] = value & 0xffffffff
                if value:
                    record.counts[value & 0xffffffff] = value >> 32
            else:
                record.values[name] = value
        return record


@dataclass
class Run:
    """The output of a machine in a run, and how it ended."""

    records: List[Record]
    status: int


def memory_in(path: Path, kernel: Path, size: int) -> Memory:
    """A new file for the machine's memory, of which nothing is on the disk yet."""
    with open(path, "wb") as file:
        file.truncate(size)
    return Memory(path, kernel)


def end_machine(machine: "subprocess.Popen[bytes]") -> None:
    """If it can, QEMU leaves the terminal as it found it."""
    machine.terminate()
    try:
        machine.wait(5)
    except subprocess.TimeoutExpired:
        pass
    finally:
        machine.kill()
        machine.wait()


def run_machine(command: List[str], memory: Memory,
                timeout: Optional[float] = None, **how: object) -> Run:
    """Runs QEMU with its memory in that file, and drains the ring."""
    end = time.monotonic() + timeout if timeout else float("inf")
    raw = []
    machine = subprocess.Popen(command, **how)  # type: ignore[call-overload]
    try:
        while machine.poll() is None and time.monotonic() < end:
            if memory.waiting() >= DRAIN_AT:
                raw.append(memory.drain())
            time.sleep(PAUSE)
    except KeyboardInterrupt:
        pass
    finally:
        end_machine(machine)
    raw.append(memory.drain())
    return Run(memory.decode(b"".join(raw)), machine.returncode)
