# SPDX-License-Identifier: MIT
"""What a count of instructions hides: the figures of tests/bench/hidden.c."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Dict, Iterable, List, Optional

from bench_report import Row, Rows

# The error of the benchmark's clock for one stretch.
SLACK = 5
SLACK_SHARE = 0.0005


@dataclass(frozen=True)
class Hidden:
    """The counts of one stretch that was measured."""

    program: int    # instructions of the program and its library
    kernel: int     # instructions of the kernel
    in_faults: int  # those of the kernel that were executed in page faults
    faults: int     # page faults
    fences: int
    satp: int       # writes to this register
    data: int       # lines of 64 bytes that were loaded or stored
    code: int       # lines of 64 bytes that were executed

    def instructions(self) -> int:
        return self.program + self.kernel


HEAD = [field.name for field in fields(Hidden)]


def parse(lines: Iterable[str]) -> List[List[Hidden]]:
    """The stretches of each row, in the order in which rows were printed."""
    rows: List[List[Hidden]] = []
    current: List[Hidden] = []
    for line in lines:
        if line.strip() == "row":
            rows.append(current)
            current = []
        else:
            current.append(Hidden(*map(int, line.split())))
    return rows


def stretch_of(row: Row, stretches: List[Hidden]) -> Optional[Hidden]:
    """
    The stretch that is the row's lowest figure.  A row that repeats a short
    operation, or is a difference of two stretches, has none.
    """
    best = min(stretches, default=None,
               key=lambda s: abs(s.instructions() - row.low))
    if best is None or row.unit != "instr" or \
            abs(best.instructions() - row.low) > \
            SLACK + SLACK_SHARE * row.low:
        return None
    return best


def choose(rows: Rows, stretches: List[List[Hidden]]) -> Dict[str, Hidden]:
    """Rows that one group prints at its end share the group's stretches."""
    chosen: Dict[str, Hidden] = {}
    shared: List[Hidden] = []
    for row, own in zip(rows.values(), stretches):
        shared = own or shared
        found = stretch_of(row, shared)
        if found is not None:
            chosen[row.name] = found
    return chosen


def write_record(path: Path, heading: str, found: Dict[str, Hidden]) -> None:
    lines = [f"# {heading}", "\t".join(["# row"] + HEAD)]
    lines += ["\t".join(map(str, (name,) + astuple(hidden)))
              for name, hidden in found.items()]
    path.write_text("\n".join(lines) + "\n")


def read_record(path: Path) -> Dict[str, Hidden]:
    found: Dict[str, Hidden] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if not line.startswith("#"):
            name, *values = line.split("\t")
            found[name] = Hidden(*map(int, values))
    return found


TITLES = ["row", "instructions", "the program's", "in calls", "in page faults",
          "page faults", "fences", "writes of satp", "lines of data",
          "lines of code"]


def table(found: Dict[str, Hidden]) -> List[List[str]]:
    return [TITLES] + [
        [name] + [f"{value:,}" for value in (
            h.instructions(), h.program, h.kernel - h.in_faults, h.in_faults,
            h.faults, h.fences, h.satp, h.data, h.code)]
        for name, h in found.items()]
